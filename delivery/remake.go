package delivery

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"cairn"
	"cairn/eventlog"
	"cairn/trail"
)

// A remaker makes log files again that were made of one range of the log. The
// settings that were in force then may be forgotten: it tries those that are
// known, and the hash in the ledger tells whether they were the ones.
type remaker struct {
	delivery *Delivery
	trail    *trail.Trail
	from, to eventlog.Position
	tries    []judges
	chunks   int    // how many of the tries were made
	chunk    *chunk // of the last try
	source   *rangeLog
}

// remake returns what makes files again that cover the range of a file.
func (d *Delivery) remake(t *trail.Trail, f *File) (*remaker, error) {
	m := &remaker{delivery: d, trail: t}
	var err error
	if m.from, err = eventlog.ParsePosition(f.From); err == nil {
		m.to, err = eventlog.ParsePosition(f.To)
	}
	if err == nil {
		m.tries, err = candidates(t, m.from)
	}
	if err != nil {
		return nil, fmt.Errorf("make log file %s again: %w", f.key(), err)
	}
	return m, nil
}

// candidates are the settings that may have been in force from a position on: as
// far as versions of the trail are kept, exactly those, and then each that is
// known, with logging on.
func candidates(t *trail.Trail, from eventlog.Position) ([]judges, error) {
	exact, err := newJudges([]*trail.Trail{t}, from)
	if err != nil {
		return nil, err
	}
	var tries []judges
	if !exact.none() {
		tries = append(tries, exact)
	}
	settings := []trail.Settings{present(t)}
	for i := len(t.Past) - 1; i >= 0; i-- {
		settings = append(settings, t.Past[i].Settings)
	}
	seen := make(map[string]bool)
	for _, s := range settings {
		j, text, err := fixed(t, s, from)
		if err != nil {
			return nil, err
		}
		if !seen[text] {
			seen[text] = true
			tries = append(tries, j)
		}
	}
	return tries, nil
}

// present are a trail's settings, also of one that is being deleted.
func present(t *trail.Trail) trail.Settings {
	s := t.Settings()
	s.Logging = true
	return s
}

// fixed returns a judge by the same settings for all events, with logging on,
// and a text that tells the settings apart.
func fixed(t *trail.Trail, s trail.Settings, from eventlog.Position) (judges, string, error) {
	s.Logging = true
	then := &trail.Trail{Trail: t.In(s), ID: t.ID}
	if s.Imported {
		then.Tags = map[string]string{trail.ImportedTag: "true"}
	}
	j, err := newJudges([]*trail.Trail{then}, from)
	return j, fmt.Sprintf("%+v", s), err
}

// A remadeFile is a log file that was made again, in memory. Its packer goes
// back when it is not needed any more.
type remadeFile struct {
	*packer
	events []uint32
	chunk  *chunk
}

func (r *remadeFile) release() { packers.Put(r.packer) }

// file makes a file again. It is nil if no settings that are known give the same
// bytes; why says what is different.
func (m *remaker) file(ctx context.Context, f *File) (made *remadeFile, why string, err error) {
	// The chunk at hand is most likely the right one for the other files of the
	// range, too.
	for first := true; ; first = false {
		if !first || m.chunk == nil {
			if m.chunks == len(m.tries) {
				break
			}
			if err := m.next(ctx); err != nil {
				return nil, "", err
			}
		}
		events := m.chunk.eventsOf(f)
		if len(events) > 0 {
			p, err := pack(m.chunk, events)
			if err != nil {
				return nil, "", err
			}
			if p.hash() == f.Hash {
				return &remadeFile{p, events, m.chunk}, "", nil
			}
			packers.Put(p)
		}
		if why == "" {
			why = m.different(f, len(events))
		}
	}
	return nil, why, nil
}

// next reads the range by the next settings.
func (m *remaker) next(ctx context.Context) error {
	m.source = &rangeLog{Log: m.delivery.cfg.Log}
	m.chunk = &chunk{judges: m.tries[m.chunks], from: m.from, to: m.to}
	m.chunks++
	return m.chunk.read(ctx, m.source, m.source.lost)
}

// different says why a file cannot be made again.
func (m *remaker) different(f *File, events int) string {
	switch {
	case !m.source.seen || m.from.Compare(eventlog.At(m.source.first)) < 0:
		return fmt.Sprintf("events of its range have expired: the event log has %d of its %d", min(events, f.Events), f.Events)
	case m.source.damaged > 0:
		return "the event log is damaged in its range; `cairn check` tells where"
	case f.Again:
		return "it was made by a redelivery itself, of what other files did not have"
	}
	return fmt.Sprintf("the settings of that time are not kept, and by those that are known it would have %d events instead of %d", events, f.Events)
}

// eventsOf returns the events of a chunk for one trail that belong to a file.
func (c *chunk) eventsOf(f *File) []uint32 {
	s := c.scopes[scope{f.Account, f.Region}]
	if s == nil || len(s.lists) == 0 || s.lists[0] == nil {
		return nil
	}
	return s.lists[0][f.Kind]
}

// A rangeLog is the event log as a redelivery reads it: it notes where reading
// began, and passes over what skip says.
type rangeLog struct {
	Log
	skip    func(*cairn.Event) bool // nil passes over nothing
	seen    bool
	first   uint64 // seq of the first record, if one was seen
	damaged int
}

func (r *rangeLog) lost(error) { r.damaged++ }

// Read is that of the log, without what is to be skipped.
func (r *rangeLog) Read(ctx context.Context, from eventlog.Position) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		for e, err := range r.Log.Read(ctx, from) {
			var damage *eventlog.Damage
			if err == nil {
				if !r.seen {
					r.seen, r.first = true, e.Seq
				}
				if r.skip != nil && r.skip(e) {
					continue
				}
			} else if errors.As(err, &damage) && damage.FirstSeq >= 1 && !r.seen {
				r.seen, r.first = true, damage.FirstSeq
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
