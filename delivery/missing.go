package delivery

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn"
	"cairn/catalog"
	"cairn/eventlog"
	"cairn/internal/durable"
)

// maxCovering bounds the log files of a trail that gets new files for what is
// missing: their ranges are in memory, of 32 bytes each.
const maxCovering = 200_000

// firstAgain is the number of the first new file of a redelivery within its cut;
// a cut numbers its own files from 0 on.
const firstAgain = 0x8000

// coverage has the ranges of the log that log files hold the events of.
type coverage map[coveredLane][]span

type coveredLane struct {
	scope
	kind cairn.LogKind
}

// A span goes from one position up to another.
type span struct{ from, to eventlog.Position }

func (s span) holds(at eventlog.Position) bool {
	return s.from.Compare(at) <= 0 && s.to.Compare(at) > 0
}

func (c coverage) holds(lane coveredLane, at eventlog.Position) bool {
	spans := c[lane]
	i, found := slices.BinarySearchFunc(spans, at, func(s span, p eventlog.Position) int { return s.from.Compare(p) })
	if !found {
		i--
	}
	return i >= 0 && spans[i].holds(at)
}

// missing stages new files of the events in ranges that no file is for.
func (a *redelivery) missing(ctx context.Context) error {
	d := a.delivery
	from, to, err := a.bounds(ctx)
	if err != nil {
		return err
	}
	covered, err := a.coverage()
	if err != nil {
		return err
	}
	// Files were made after their events arrived: the ranges of those that were
	// found to be different may begin earlier.
	asked := span{from, to}
	again := a.different
	again.join()
	for _, spans := range again {
		for _, s := range spans {
			if s.from.Compare(from) < 0 {
				from = s.from
			}
			if s.to.Compare(to) > 0 {
				to = s.to
			}
		}
	}
	judges, _, err := fixed(a.Trail, present(a.Trail), from)
	if err != nil {
		return err
	}
	skips := func(e *cairn.Event) bool {
		if e.Extract() != nil {
			return false // to be told of as damage
		}
		kind, ok := cairn.LogKindOf(e.Category)
		lane, at := coveredLane{scope{e.AccountID, e.AWSRegion}, kind}, eventlog.At(e.Seq)
		if f := a.File; f != nil && lane != (coveredLane{scope{f.Account, f.Region}, f.Kind}) {
			return true
		}
		return !ok || covered.holds(lane, at) || !asked.holds(at) && !again.holds(lane, at)
	}
	for from.Compare(to) < 0 {
		source := &rangeLog{Log: d.cfg.Log, skip: skips}
		c := &chunk{judges: judges, from: from, to: to}
		if err := c.read(ctx, source, d.damaged); err != nil {
			return err
		}
		if err := a.stage(ctx, c); err != nil {
			return err
		}
		from = c.to
	}
	return nil
}

// bounds returns the range of the log that new files are for. What is not cut yet
// gets its files in any case.
func (a *redelivery) bounds(ctx context.Context) (from, to eventlog.Position, err error) {
	d := a.delivery
	if f := a.File; f != nil {
		if from, err = eventlog.ParsePosition(f.From); err == nil {
			to, err = eventlog.ParsePosition(f.To)
		}
		return from, to, err
	}
	to = d.Passed()
	if from, err = d.seek(ctx, a.Since, to); err != nil {
		return from, to, err
	}
	if !a.Until.IsZero() {
		to, err = d.seek(ctx, a.Until.Add(time.Nanosecond), to)
	}
	return from, to, err
}

// coverage returns what the trail's files hold, without those that were found to
// be different.
func (a *redelivery) coverage() (coverage, error) {
	covered := make(coverage)
	n := 0
	for f, err := range a.delivery.filesFrom(a.Trail.ID, time.Time{}) {
		if err != nil {
			return nil, err
		}
		if f.state() == Abandoned || a.differentIDs[f.key()] && !f.Again {
			continue
		}
		if n++; n > maxCovering {
			return nil, errTooManyFiles
		}
		if err := covered.add(f); err != nil {
			return nil, err
		}
	}
	covered.join()
	return covered, nil
}

var errTooManyFiles = fmt.Errorf("the trail has more than %d log files in the time range or altogether, too many to find out what is missing", maxCovering)

// add adds the range of a file.
func (c coverage) add(f *File) error {
	from, err1 := eventlog.ParsePosition(f.From)
	to, err2 := eventlog.ParsePosition(f.To)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("read the delivery ledger: %w", err)
	}
	lane := coveredLane{scope{f.Account, f.Region}, f.Kind}
	c[lane] = append(c[lane], span{from, to})
	return nil
}

// join brings the spans into the order in which holds needs them.
func (c coverage) join() {
	for lane, spans := range c {
		c[lane] = joined(spans)
	}
}

// joined sorts spans and joins those that meet or overlap.
func joined(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && out[n-1].to.Compare(s.from) >= 0 {
			if out[n-1].to.Compare(s.to) < 0 {
				out[n-1].to = s.to
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// stage stages the files of a chunk: each staged file is durable before the row
// that names it. The trail's worker does the rest.
func (a *redelivery) stage(ctx context.Context, c *chunk) error {
	d := a.delivery
	for _, l := range c.lists() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		made, err := pack(c, l.events)
		if err != nil {
			return err
		}
		f := &File{
			Trail: a.Trail.ID, Account: l.scope.account, Region: l.scope.region, Kind: l.kind, Again: true,
			From: c.from.String(), To: c.to.String(), Events: len(l.events),
			Oldest: time.Unix(l.oldest(c), 0).UTC(), Newest: time.Unix(l.newest(c), 0).UTC(),
			Hash: made.hash(), Size: int64(made.out.Len()), Sum: sum(made.out.Bytes()), RawSize: made.raw,
		}
		var random [8]byte
		rand.Read(random[:])
		f.Staged = "again-" + hex.EncodeToString(random[:]) + ".json.gz"
		err = durable.WriteFile(d.cfg.FS, d.stagedPath(f.Staged), made.out.Bytes(), 0o600)
		packers.Put(made)
		if err != nil {
			return err
		}
		d.crash("new file staged")
		if err := d.add(f); err != nil {
			return err
		}
		if err := a.tell(Redelivered{File: f, Outcome: OutcomeNew}); err != nil {
			return err
		}
	}
	return nil
}

// add gives a staged file its name and its row.
func (d *Delivery) add(f *File) error {
	d.mu.Lock()
	f.Cut = d.state.Cut
	order := d.state.Order
	d.refs[f.Staged]++
	d.mu.Unlock()
	f.Stamp, f.Unique = d.stamp(), unique(order+1)
	for f.N = firstAgain; f.N <= 0xffff; f.N++ {
		_, err := d.pending.CompareAndSet(f.key(), 0, f)
		if !errors.Is(err, catalog.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("more than %d new log files in one second; try again", 0xffff-firstAgain)
}
