package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/trail"
)

// A Verdict says whether a trail takes an event, why, and where the event is.
type Verdict struct {
	Trail *trail.Trail
	Taken bool
	Why   string // a sentence without a stop

	// Settings says by which settings that was decided: "present", "until" and a
	// position for an earlier version, or "forgotten" if those of the time are
	// not kept. Then it is by the oldest that are, or by the log file that proves
	// it.
	Settings string

	// Proven says that the event's log file was made again and has the hash that
	// the ledger knows.
	Proven bool

	// Pending says that the event will be in the file that the next cut makes.
	Pending bool

	File *File // the log file that the event is in; nil if there is none

	by string // names the settings that Why speaks of
}

// What Verdict.Settings may be, besides an earlier version.
const (
	SettingsPresent   = "present"
	SettingsForgotten = "forgotten"
)

// Explain says for each trail of an event's account whether it takes the event.
// The event must have been extracted.
func (d *Delivery) Explain(ctx context.Context, e *cairn.Event) ([]Verdict, error) {
	var verdicts []Verdict
	for _, t := range d.cfg.Trails.All() {
		if t.AccountID != e.AccountID {
			continue
		}
		v, err := d.explain(ctx, t, e)
		if err != nil {
			return nil, fmt.Errorf("trail %s: %w", t.ARN(), err)
		}
		verdicts = append(verdicts, *v)
	}
	return verdicts, nil
}

func (d *Delivery) explain(ctx context.Context, t *trail.Trail, e *cairn.Event) (*Verdict, error) {
	versions, err := compile(t, t.Past)
	if err != nil {
		return nil, err
	}
	at := eventlog.At(e.Seq)
	c := &class{trails: []*trail.Trail{t}, versions: versions}
	i := 0
	for i < len(versions)-1 && versions[i].until.Compare(at) <= 0 {
		i++
	}
	cut := at.Compare(d.Passed()) < 0
	v := &Verdict{Trail: t, Settings: SettingsPresent, by: "the present settings"}
	if i < len(versions)-1 {
		v.Settings, v.by = "until "+versions[i].until.String(), "the oldest settings that are kept"
	}
	if i == 0 && cut {
		// Versions are forgotten once the log is cut behind them, so that there
		// may have been another one.
		v.Settings = SettingsForgotten
	}
	var subject cairn.Subject
	subject.Reset(e)
	v.Taken, v.Why = versions[i].explain(t, e, &subject)
	if !v.Taken && c.takes(e, at, &subject) {
		v.Taken, v.Why = true, "taken: it is the event of the call that changed the trail, about which the settings before the change decide"
	}
	if !cut {
		v.Pending = v.Taken
		return v, nil
	}
	if v.File, err = d.fileOf(t, e); err != nil {
		return nil, err
	}
	switch {
	case v.File != nil && v.Settings == SettingsForgotten:
		return v, d.prove(ctx, v, e)
	case v.File == nil && v.Taken:
		v.unfiled(e, d.cfg.Now())
	case !v.Taken:
		v.File = nil
	}
	return v, nil
}

// explain says what a version makes of an event.
func (v *version) explain(t *trail.Trail, e *cairn.Event, subject *cairn.Subject) (taken bool, why string) {
	switch {
	case !v.trail.Logging && !t.Deleted.IsZero():
		return false, "not taken: the trail is deleted"
	case !v.trail.Logging:
		return false, "not taken: the trail was not logging"
	case e.Origin == cairn.OriginImported && !v.imported:
		return false, "not taken: the record was imported from a log file, and the trail does not have the tag " + trail.ImportedTag + " with the value true, which asks for such records"
	}
	if _, ok := cairn.LogKindOf(e.Category); !ok {
		return false, fmt.Sprintf("not taken: there are no log files for events of the category %s", e.Category)
	}
	return v.trail.Explain(subject, v.selectors, false)
}

// fileOf returns the log file of the range that holds an event: the first one for
// its account, region and kind; nil if there is none.
func (d *Delivery) fileOf(t *trail.Trail, e *cairn.Event) (*File, error) {
	kind, ok := cairn.LogKindOf(e.Category)
	if !ok {
		return nil, nil
	}
	at := eventlog.At(e.Seq)
	var again *File
	// Files are made after their events arrived. Clocks that were set back are
	// why it begins a little earlier.
	for f, err := range d.filesFrom(t.ID, e.Arrival.Add(-time.Hour)) {
		if err != nil {
			return nil, err
		}
		from, err1 := eventlog.ParsePosition(f.From)
		to, err2 := eventlog.ParsePosition(f.To)
		if err1 != nil || err2 != nil || from.Compare(at) > 0 || to.Compare(at) <= 0 {
			continue
		}
		if f.Account != e.AccountID || f.Region != e.AWSRegion || f.Kind != kind {
			continue
		}
		if !f.Again {
			return f, nil
		}
		again = f
	}
	return again, nil
}

// prove makes an event's file again to see whether the event is in it: the
// settings that decided are forgotten, but the file's hash is known.
func (d *Delivery) prove(ctx context.Context, v *Verdict, e *cairn.Event) error {
	d.restaging.Lock() // a part of the log is in memory
	defer d.restaging.Unlock()
	m, err := d.remake(v.Trail, v.File)
	if err != nil {
		return err
	}
	made, why, err := m.file(ctx, v.File)
	if err != nil {
		return err
	}
	if made == nil {
		v.Why = "by " + v.by + ": " + v.Why + ". Whether it is in the log file of its time is not certain: " + why
		if !v.Taken && !v.File.Again {
			v.File = nil
		}
		return nil
	}
	defer made.release()
	in := slices.ContainsFunc(made.events, func(i uint32) bool { return string(made.chunk.raw(i)) == string(e.Raw) })
	v.Proven = true
	switch {
	case in && !v.Taken:
		v.Taken, v.Why = true, "taken: its log file has it. By "+v.by+": "+v.Why
	case !in && v.Taken:
		v.Taken, v.Why = false, "not taken: the log file of its time does not have it, and so the settings were others then. By "+v.by+": "+v.Why
	}
	if !in {
		v.File = nil
	}
	return nil
}

// unfiled corrects the verdict on an event that should be in a log file and is
// in none.
func (v *Verdict) unfiled(e *cairn.Event, now time.Time) {
	t := v.Trail
	by := "by " + v.by + " it would be " + v.Why
	switch {
	case e.Arrival.Before(t.Created):
		v.Taken, v.Why = false, fmt.Sprintf("not taken: it arrived before the trail was made, at %s", t.Created.UTC().Format(time.RFC3339))
	case t.LoggingStopped.IsZero() && e.Arrival.Before(t.LoggingStarted):
		v.Taken, v.Why = false, fmt.Sprintf("not taken: it arrived before the trail began to log, at %s", t.LoggingStarted.UTC().Format(time.RFC3339))
	case now.Sub(e.Arrival) > KeepTrying:
		v.Why = by + "; its log file, if there was one, is older than the 30 days that the ledger keeps"
	default:
		v.Taken, v.Why = false, "not taken: no log file of its time has it, and so the trail was not logging or its settings were others then; "+by
	}
}
