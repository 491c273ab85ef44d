package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn"
	"cairn/eventlog"
)

// A batch of records that are moved together.
const (
	moveRecords = 64
	moveBytes   = 1 << 20
)

// The waits between tries while the log refuses what was kept. Whatever
// happens, moveAgain goes by between two.
const (
	moveAgain    = 100 * time.Millisecond
	moveAgainMax = 30 * time.Second
)

// wakeMover lets the mover look again. The caller holds j.mu.
func (j *Intents) wakeMover() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// moveLoop moves kept records into the log until the context is done. While the
// log refuses, it waits longer each time, but looks again once a call's record
// has got there another way.
func (j *Intents) moveLoop(ctx context.Context) {
	wait := moveAgain
	for ctx.Err() == nil {
		if err := j.move(ctx); err == nil {
			wait = moveAgain
			j.rest(ctx, 0, j.wake)
			continue
		}
		j.rest(ctx, moveAgain, nil)
		if wait > moveAgain {
			j.rest(ctx, wait-moveAgain, j.wake)
		}
		wait = min(2*wait, moveAgainMax)
	}
}

// rest waits until the time is over, if it is not 0, or something wakes the
// mover.
func (j *Intents) rest(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-over:
	case <-wake:
	}
}

// move moves all kept records into the log, or as many as it takes.
func (j *Intents) move(ctx context.Context) error {
	for {
		err := j.moveBatch(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		j.mu.Lock()
		if err != nil && j.failing == nil {
			j.cfg.Logger.Warn("the event log does not take kept records", "records", len(j.kept), "error", err)
		}
		j.failing = err
		left := len(j.kept)
		j.mu.Unlock()
		if err != nil || left == 0 {
			return err
		}
	}
}

// moveBatch moves the kept records that come first.
//
// A crash after the append, before the ends are durable, leaves records that
// are in the log already: they are looked up before they are appended.
func (j *Intents) moveBatch(ctx context.Context) error {
	j.mu.Lock()
	first := slices.Clone(j.kept[:min(len(j.kept), moveRecords)])
	j.mu.Unlock()
	var take []*Pending
	b := eventlog.Batch{Origin: cairn.OriginGateway, Source: "gateway", UseReserve: true}
	size := 0
	var present []*Pending
	for _, p := range first {
		if size >= moveBytes {
			break
		}
		ids, record, err := j.recordOf(p)
		if errors.Is(err, errNoEntry) {
			j.lost(p, false)
			continue
		}
		if err != nil {
			return err
		}
		there, err := j.logged(ctx, ids)
		if err != nil {
			return err
		}
		if there {
			present = append(present, p)
			continue
		}
		take = append(take, p)
		b.Records = append(b.Records, record)
		size += len(record)
	}
	if len(take) > 0 {
		results, err := j.cfg.Log.Append(ctx, b)
		if err != nil {
			return fmt.Errorf("append kept records: %w", err)
		}
		for i, r := range results {
			switch r.Status {
			case eventlog.Stored, eventlog.Double:
			case eventlog.Quarantined:
				j.cfg.Logger.Error("a kept record is malformed and went into quarantine", "number", take[i].number, "error", r.Err)
			default:
				j.cfg.Logger.Error("the event log did not store a kept record", "number", take[i].number, "status", r.Status.String(), "error", r.Err)
			}
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range slices.Concat(present, take) {
		if p.state == pendingKept {
			j.end(p)
		}
	}
	j.kept = slices.DeleteFunc(j.kept, func(p *Pending) bool { return p.state == pendingEnded })
	j.stats.Moved += uint64(len(take))
	return nil
}

// recordOf reads a kept record. The committer may carry it elsewhere meanwhile,
// and use its old place again.
func (j *Intents) recordOf(p *Pending) (recordIDs, []byte, error) {
	for {
		j.mu.Lock()
		place := p.entryPlace
		j.mu.Unlock()
		entry, h, err := readEntry(place, p.number)
		if err == nil {
			ids, record := h.split(entry[entryHeaderSize:][:h.length])
			return ids, record, nil
		}
		j.mu.Lock()
		same := place == p.entryPlace
		j.mu.Unlock()
		if same {
			return recordIDs{}, nil, err
		}
	}
}

// logged reports whether the log has the gateway's record of an event. What
// others sent under its ID does not count. A place in the log that cannot be
// read counts as empty: a record that is there twice is better than none.
func (j *Intents) logged(ctx context.Context, ids recordIDs) (bool, error) {
	q := eventlog.Query{
		Scope:   eventlog.Scope{Account: ids.account, Region: ids.region},
		Filters: []eventlog.Filter{{Attribute: cairn.AttrEventID, Values: []string{ids.eventID}}},
	}
	for {
		page, err := j.cfg.Log.Lookup(ctx, q)
		if err != nil {
			return false, fmt.Errorf("look up event %s: %w", ids.eventID, err)
		}
		for i := range page.Events {
			if page.Events[i].Origin == cairn.OriginGateway {
				return true, nil
			}
		}
		if !page.More {
			return false, nil
		}
		q.After = page.Next
	}
}
