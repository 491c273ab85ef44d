package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/eventlog"

	"golang.org/x/mod/sumdb/note"
)

// cairnEngine is Cairn's event log in this process.
type cairnEngine struct {
	dir           string
	segmentEvents int
	keys          keys
	smear         time.Duration
	log           *eventlog.Log
	ahead         atomic.Int64 // what the log's clock is ahead of this machine's, in nanoseconds
}

// retention is how long the log keeps events, by its own clock.
const retention = 90 * 24 * time.Hour

func newCairn(s *spec) *cairnEngine {
	e := &cairnEngine{dir: s.Dir, segmentEvents: s.SegmentEvents}
	// While a segment fills, clients are up to so far apart.
	e.smear = time.Duration(float64(span) * float64(2*s.Clients*s.Batch) / float64(s.N))
	// The records' times are fixed, so the log's clock stands an hour behind
	// the last of them when the bench begins.
	e.ahead.Store(int64(start.Add(span + time.Hour).Sub(s.Began)))
	return e
}

func (e *cairnEngine) open(context.Context) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	e.log, err = eventlog.Open(cfg)
	return err
}

// config is the log's default configuration but for the clock, the keys and
// the length of a segment.
func (e *cairnEngine) config() (eventlog.Config, error) {
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return eventlog.Config{}, err
	}
	if err := e.keys.load(filepath.Join(filepath.Dir(e.dir), "cairn.key")); err != nil {
		return eventlog.Config{}, err
	}
	return eventlog.Config{
		Dir:           e.dir,
		Now:           func() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) },
		Retention:     retention,
		SegmentEvents: e.segmentEvents,
		Signer:        e.keys.signer,
		Verifiers:     e.keys.verifiers,
	}, nil
}

// keys are the key that seals are signed with, kept in a file so that a later
// process knows it.
type keys struct {
	signer    note.Signer
	verifiers note.Verifiers
}

func (k *keys) load(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		private, public, err := note.GenerateKey(rand.Reader, "bench")
		if err != nil {
			return fmt.Errorf("make a signing key: %w", err)
		}
		text = []byte(private + "\n" + public)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	private, public, _ := bytes.Cut(text, []byte("\n"))
	if k.signer, err = note.NewSigner(string(private)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	verifier, err := note.NewVerifier(string(public))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	k.verifiers = note.VerifierList(verifier)
	return nil
}

func (e *cairnEngine) append(ctx context.Context, records [][]byte) error {
	results, err := e.log.Append(ctx, eventlog.Batch{Origin: cairn.OriginPosted, Source: "bench", Records: records})
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.Status != eventlog.Stored {
			return fmt.Errorf("record %.80s is %v and not stored: %v", records[i], r.Status, r.Err)
		}
	}
	return nil
}

// settle seals what is left open and waits until everything is sealed.
func (e *cairnEngine) settle(ctx context.Context) error { return e.log.Seal(ctx) }

func (e *cairnEngine) prepare(context.Context) error { return nil }

func (e *cairnEngine) lookup(ctx context.Context, q query, after cursor) ([]row, error) {
	asked := eventlog.Query{
		Scope: eventlog.Scope{Account: scope.Account, Region: scope.Region, Category: cairn.Management},
		Limit: pageSize,
		After: eventlog.Cursor{Time: after.Time, Seq: after.Seq},
	}
	for _, f := range q.Filters {
		asked.Filters = append(asked.Filters, eventlog.Filter{Attribute: f.Attribute, Values: []string{f.Value}})
	}
	if q.Since != 0 {
		asked.Since = time.Unix(q.Since, 0)
	}
	if q.Until != 0 {
		asked.Until = time.Unix(q.Until, 0)
	}
	page, err := e.log.Lookup(ctx, asked)
	if err != nil {
		return nil, err
	}
	if len(page.Damage) > 0 {
		return nil, fmt.Errorf("lookup: %w", errors.Join(page.Damage...))
	}
	rows := make([]row, len(page.Events))
	for i := range page.Events {
		event := &page.Events[i]
		rows[i] = row{event.Time().Unix(), event.Seq, event.Raw}
	}
	return rows, nil
}

func (e *cairnEngine) scan(ctx context.Context, yield func(raw []byte)) error {
	for event, err := range e.log.Read(ctx, e.log.Start()) {
		if err != nil {
			return err
		}
		yield(event.Raw)
	}
	return nil
}

// dropDay sets the clock on until the day is older than the retention. Whole
// segments are unlinked: a segment is about a day long here, and the clock is
// set a little further for the records that clients sent side by side across
// the boundary.
func (e *cairnEngine) dropDay(_ context.Context, end time.Time) error {
	e.ahead.Store(int64(time.Until(end.Add(retention + e.smear + time.Minute))))
	segments, err := e.log.Expire()
	if err == nil && segments == 0 {
		return errNoneOld
	}
	return err
}

var errNoneOld = errors.New("no segment is old enough as a whole")

// usage is zero: the log runs in this process.
func (e *cairnEngine) usage() (usage, error) { return usage{}, nil }

func (e *cairnEngine) diskBytes() (int64, error) { return diskUsage(e.dir, "") }

func (e *cairnEngine) close() error {
	if e.log == nil {
		return nil
	}
	return e.log.Close()
}

// check verifies the closed log and returns the raw bytes that it read.
func (e *cairnEngine) check(ctx context.Context) (rawBytes int64, err error) {
	report, err := eventlog.Check(ctx, eventlog.CheckConfig{Dir: e.dir, Verifiers: e.keys.verifiers, Clean: true})
	if err != nil {
		return 0, err
	}
	if len(report.Damage) > 0 {
		return 0, fmt.Errorf("check found damage in what was just written: %v", report.Damage[0])
	}
	return report.RawBytes, nil
}
