package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cairn"
	"cairn/eventlog"
)

// A ledger knows what was sent to a log and what the log said of it, and holds
// the log to that.
type ledger struct {
	mu        sync.Mutex
	now       time.Time
	retention time.Duration
	next      int            // of the events to come
	owner     map[string]int // by raw bytes: the batch that sent the record first
	batches   []ledgerBatch
	acked     map[string]uint64 // seqs by raw bytes
	rejected  int               // poison that was acknowledged
	limit     time.Time         // of the newest run of retention
	gone      uint64            // seqs below may have been removed by retention
	head      *eventlog.Head    // the newest that was seen
}

type ledgerBatch struct {
	at      time.Time
	records []string
	acked   bool
}

// errDamage says that a log reports damage.
var errDamage = errors.New("damage")

func newLedger() *ledger {
	return &ledger{now: epoch.Add(30 * 24 * time.Hour), owner: map[string]int{}, acked: map[string]uint64{}}
}

func (g *ledger) clock() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *ledger) advance(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

// fresh makes n records that were not sent yet, as old as age.
func (g *ledger) fresh(n int, age time.Duration, pad int) [][]byte {
	records := make([][]byte, n)
	for i := range records {
		at := g.clock().Add(-age)
		records[i] = fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"user%d"},"eventTime":"%s","eventSource":"s%d.amazonaws.com","eventName":"Name%d","awsRegion":"us-east-1","requestParameters":{"p":"%0*d"},"eventID":"id-%d","recipientAccountId":"111122223333"}`,
			g.next%7, at.Format(time.RFC3339), g.next%3, g.next%5, pad, g.next, g.next)
		g.next++
	}
	return records
}

// send appends a batch and keeps the books. Records that are too short to be
// events are poison.
func (g *ledger) send(l *eventlog.Log, reserve bool, records ...[]byte) error {
	b := len(g.batches)
	g.batches = append(g.batches, ledgerBatch{at: g.clock()})
	for _, raw := range records {
		if _, ok := g.owner[string(raw)]; !ok && len(raw) > 100 {
			g.owner[string(raw)] = b
			g.batches[b].records = append(g.batches[b].records, string(raw))
		}
	}
	results, err := l.Append(context.Background(), eventlog.Batch{Origin: cairn.OriginPosted, Records: records, UseReserve: reserve})
	if err != nil {
		return err
	}
	g.batches[b].acked = true
	for i, r := range results {
		raw := string(records[i])
		switch r.Status {
		case eventlog.Stored, eventlog.Double:
			if seq, ok := g.acked[raw]; ok && (seq != r.Seq || r.Status == eventlog.Stored) && seq >= g.gone {
				return fmt.Errorf("record %d was acknowledged as seq %d, and now is %v as seq %d", i, seq, r.Status, r.Seq)
			}
			g.acked[raw] = r.Seq
		case eventlog.Quarantined:
			g.rejected++
		default:
			return fmt.Errorf("record %d is %v", i, r.Status)
		}
	}
	return nil
}

// see remembers the head of the tree. Whatever the log says of itself after a
// crash has to go on from it.
func (g *ledger) see(l *eventlog.Log) {
	if h, err := l.Head(); err == nil && (g.head == nil || h.Size >= g.head.Size) {
		g.head = &h
	}
}

// verify holds a log to the books, and takes what it has for acknowledged from
// now on.
func (g *ledger) verify(l *eventlog.Log) error {
	records, damage := readAll(l)
	if len(damage) > 0 {
		return fmt.Errorf("%w: %v", errDamage, damage[0])
	}
	if err := g.removed(records); err != nil {
		return err
	}
	have := make(map[string]uint64, len(records))
	last := int64(-1)
	for _, k := range records {
		if _, ok := have[k.raw]; ok {
			return fmt.Errorf("seq %d is there twice: %s", k.seq, k.raw)
		}
		if _, ok := g.owner[k.raw]; !ok {
			return fmt.Errorf("seq %d was never sent: %s", k.seq, k.raw)
		}
		if int64(k.seq) <= last || int64(k.seq) != last+1 && k.seq >= g.gone && last >= int64(g.gone) {
			return fmt.Errorf("seq %d follows seq %d", k.seq, last)
		}
		last = int64(k.seq)
		have[k.raw] = k.seq
	}
	for raw, seq := range g.acked {
		got, ok := have[raw]
		if !ok || got != seq {
			return fmt.Errorf("seq %d was acknowledged and is lost (there %t, as %d): %s", seq, ok, got, raw)
		}
	}
	for i, b := range g.batches {
		n := 0
		for _, raw := range b.records {
			if _, ok := have[raw]; ok {
				n++
			}
		}
		if n != 0 && n != len(b.records) && g.gone == 0 {
			return fmt.Errorf("batch %d (acknowledged: %t) is there with %d of its %d records", i, b.acked, n, len(b.records))
		}
		g.batches[i].acked = b.acked || n > 0
	}
	for raw, seq := range have {
		g.acked[raw] = seq
	}
	return g.found(l, have)
}

// found holds what Lookup finds to what Read gave.
func (g *ledger) found(l *eventlog.Log, have map[string]uint64) error {
	events, damage, err := lookAll(l, eventlog.Query{Limit: 1000})
	if err != nil || len(damage) > 0 {
		return fmt.Errorf("lookup: %v, damage %v", err, damage)
	}
	oldest := time.Time{}
	if g.retention > 0 {
		oldest = g.clock().Add(-g.retention)
	}
	visible := 0
	for raw := range have {
		var r cairn.Record
		if err := r.Extract([]byte(raw)); err != nil {
			return err
		}
		if !r.EventTime.Before(oldest) {
			visible++
		}
	}
	if len(events) != visible {
		return fmt.Errorf("lookup finds %d events of %d", len(events), visible)
	}
	for _, e := range events {
		if seq, ok := have[string(e.Raw)]; !ok || seq != e.Seq {
			return fmt.Errorf("lookup finds seq %d, which Read does not give", e.Seq)
		}
	}
	return nil
}

// expire runs retention.
func (g *ledger) expire(l *eventlog.Log) error {
	g.limit = g.clock().Add(-g.retention)
	if _, err := l.Expire(); err != nil {
		return err
	}
	records, damage := readAll(l)
	if len(damage) > 0 {
		return errors.Join(damage...)
	}
	return g.removed(records)
}

// removed takes note of the records that retention has removed, and that none
// other are gone.
func (g *ledger) removed(left []kept) error {
	if g.retention == 0 {
		return nil
	}
	have := map[string]bool{}
	for _, k := range left {
		have[k.raw] = true
	}
	for raw, seq := range g.acked {
		if have[raw] {
			continue
		}
		var r cairn.Record
		if err := r.Extract([]byte(raw)); err != nil {
			return err
		}
		if !r.EventTime.Before(g.limit) {
			return fmt.Errorf("%w: seq %d is gone, which is not old enough for retention", errScript, seq)
		}
		delete(g.acked, raw)
		g.gone = max(g.gone, seq+1)
	}
	return nil
}

// checkFiles holds the files to the books.
func (g *ledger) checkFiles(cfg eventlog.Config, clean bool) error {
	report, err := eventlog.Check(context.Background(), eventlog.CheckConfig{Dir: cfg.Dir, FS: cfg.FS, Verifiers: cfg.Verifiers, KnownHead: g.head, Clean: clean})
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	var errs []error
	for _, d := range report.Damage {
		errs = append(errs, d)
	}
	if g.retention == 0 && report.Quarantined < uint64(g.rejected) {
		errs = append(errs, fmt.Errorf("the quarantine has %d lines of %d", report.Quarantined, g.rejected))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}
