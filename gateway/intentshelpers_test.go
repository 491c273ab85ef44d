package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/durable"
)

const intentsDir = "/data/intents"

// The smallest journal for records of 512 bytes: its files have place for two or
// three entries, so that few calls take it all round the ring.
func smallIntents(fsys durable.FS, log gateway.Log) gateway.IntentsConfig {
	return gateway.IntentsConfig{Dir: intentsDir, FS: fsys, Log: log, Space: 16 * 2560, RecordBytes: 512, Now: intentsNow}
}

func intentsNow() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// intentRecord is a record that any log takes.
func intentRecord(id, outcome string, size int) []byte {
	s := fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"Root"},"eventTime":"2026-03-01T11:59:00Z","eventSource":"s3.amazonaws.com","eventName":"CreateBucket","awsRegion":"eu-west-1","eventID":"%s","recipientAccountId":"111122223333","additionalEventData":{"outcome":"%s","pad":""}}`, id, outcome)
	if pad := size - len(s); pad > 0 {
		s = strings.Replace(s, `"pad":""`, `"pad":"`+strings.Repeat("x", pad)+`"`, 1)
	}
	return []byte(s)
}

func intentOf(id string) gateway.Intent {
	return gateway.Intent{EventID: id, Account: "111122223333", Region: "eu-west-1", Record: intentRecord(id, "unknown", 380)}
}

func completing(id string) []byte { return intentRecord(id, "200", 420) }

// heldLog is a log in memory that can refuse. What it has taken survives every
// crash.
type heldLog struct {
	mu      sync.Mutex
	records map[string][]string // by event ID
	refuse  error               // of Append
	takes   bool                // Append stores the batch all the same
	blind   error               // of Lookup
	batches int
}

func newHeldLog() *heldLog { return &heldLog{records: map[string][]string{}} }

func (l *heldLog) set(refuse, blind error, takes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse, l.blind, l.takes = refuse, blind, takes
}

func (l *heldLog) Writable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refuse
}

func (l *heldLog) Append(_ context.Context, b eventlog.Batch) ([]eventlog.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches++
	if l.refuse != nil && !l.takes {
		return nil, l.refuse
	}
	if b.Origin != cairn.OriginGateway {
		return nil, fmt.Errorf("a batch of origin %v", b.Origin)
	}
	var results []eventlog.Result
	for _, raw := range b.Records {
		var r cairn.Record
		if err := r.Extract(raw); err != nil {
			return nil, err
		}
		status := eventlog.Stored
		for _, have := range l.records[r.EventID] {
			if have == string(raw) {
				status = eventlog.Double
			}
		}
		if status == eventlog.Stored {
			l.records[strings.Clone(r.EventID)] = append(l.records[r.EventID], string(raw))
		}
		results = append(results, eventlog.Result{Status: status})
	}
	return results, l.refuse
}

func (l *heldLog) Lookup(_ context.Context, q eventlog.Query) (*eventlog.Page, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.blind != nil {
		return nil, l.blind
	}
	page := &eventlog.Page{}
	for _, raw := range l.records[q.Filters[0].Values[0]] {
		e := cairn.Event{Raw: []byte(raw), Origin: cairn.OriginGateway}
		if err := e.Extract(); err != nil {
			return nil, err
		}
		if q.Matches(&e) {
			page.Events = append(page.Events, e)
		}
	}
	return page, nil
}

func (l *heldLog) all() map[string][]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.records)
}

// A called is what a test knows of one call.
type called struct {
	pending *gateway.Pending
	begun   bool // Begin was acknowledged
	sent    bool // the completing record is in the log: Append was acknowledged
	kept    bool // Keep was acknowledged
	tried   bool // Append or Keep was called and failed
	dropped bool // Done without a record: never forwarded
}

// intentsLedger is what a test knows of all calls.
type intentsLedger struct {
	log   *heldLog
	order []string
	calls map[string]*called
}

func newIntentsLedger(log *heldLog) *intentsLedger {
	return &intentsLedger{log: log, calls: map[string]*called{}}
}

func (g *intentsLedger) begin(j *gateway.Intents) (*called, string, error) {
	id := fmt.Sprintf("call-%05d", len(g.order))
	c := &called{}
	g.order, g.calls[id] = append(g.order, id), c
	p, err := j.Begin(context.Background(), intentOf(id))
	c.begun, c.pending = err == nil, p
	return c, id, err
}

// finish does what the gateway does once the back end has answered.
func (g *intentsLedger) finish(c *called, id string) error {
	_, err := g.log.Append(context.Background(), eventlog.Batch{Origin: cairn.OriginGateway, Records: [][]byte{completing(id)}})
	if err == nil {
		c.sent = true
		c.pending.Done()
		return nil
	}
	c.tried = true
	err = c.pending.Keep(completing(id))
	c.kept = c.kept || err == nil
	return err
}

// drop ends a call that was never forwarded.
func (g *intentsLedger) drop(c *called) {
	c.dropped = true
	c.pending.Done()
}

// check holds the log to the ledger. Settled says that no call is open and
// nothing waits.
func (g *intentsLedger) check() error {
	have := g.log.all()
	for id, c := range g.calls {
		unknown, complete := 0, 0
		for _, raw := range have[id] {
			switch raw {
			case string(intentOf(id).Record):
				unknown++
			case string(completing(id)):
				complete++
			default:
				return fmt.Errorf("%s has the record %s", id, raw)
			}
		}
		bad := false
		switch {
		case unknown+complete > 1:
			bad = true
		case c.sent || c.kept:
			bad = complete != 1
		case c.tried:
			bad = unknown+complete != 1
		case c.dropped, !c.begun:
			bad = complete > 0 // at most one of unknown outcome
		default:
			bad = unknown != 1
		}
		if bad {
			return fmt.Errorf("%s (begun %t, sent %t, kept %t, tried %t, dropped %t) has %d records of unknown outcome and %d completing ones",
				id, c.begun, c.sent, c.kept, c.tried, c.dropped, unknown, complete)
		}
		delete(have, id)
	}
	if len(have) > 0 {
		return fmt.Errorf("the log has records of calls that never were: %v", have)
	}
	return nil
}

// recovers opens the journal with a log that takes everything, and checks.
func (g *intentsLedger) recovers(cfg gateway.IntentsConfig) error {
	g.log.set(nil, nil, false)
	j, err := gateway.OpenIntents(cfg)
	if err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	defer j.Close()
	if s := j.Stats(); s.Kept != 0 || s.Open != 0 || s.Bytes != 0 {
		return fmt.Errorf("after recovery the journal holds %+v (%v)", s, j.Waiting())
	}
	if d := j.Damage(); len(d) > 0 {
		return fmt.Errorf("damage is told where is none: %w", errors.Join(d...))
	}
	if err := g.check(); err != nil {
		return err
	}
	// It works on.
	for range 3 {
		c, id, err := g.begin(j)
		if err != nil {
			return fmt.Errorf("after recovery: %w", err)
		}
		if err := g.finish(c, id); err != nil {
			return err
		}
	}
	return g.check()
}

func openIntents(t testing.TB, cfg gateway.IntentsConfig) *gateway.Intents {
	t.Helper()
	j, err := gateway.OpenIntents(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func mustBegin(t testing.TB, j *gateway.Intents, id string) *gateway.Pending {
	t.Helper()
	p, err := j.Begin(t.Context(), intentOf(id))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustKeep(t testing.TB, p *gateway.Pending, record []byte) {
	t.Helper()
	if err := p.Keep(record); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what the mover does in the background.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never came: %s", what)
}

func onlyRecord(t testing.TB, log *heldLog, id string, want []byte) {
	t.Helper()
	if got := log.all()[id]; len(got) != 1 || !bytes.Equal([]byte(got[0]), want) {
		t.Errorf("the log has for %s: %q\nwant once %s", id, got, want)
	}
}
