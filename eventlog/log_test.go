package eventlog_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable/memfs"
	"cairn/internal/eventgen"
)

// testKeys makes a signer and what verifies its seals.
func testKeys(t testing.TB) (note.Signer, note.Verifiers) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "cairn/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, note.VerifierList(verifier)
}

func testConfig(t testing.TB) eventlog.Config {
	signer, verifiers := testKeys(t)
	return eventlog.Config{Dir: "/events", FS: memfs.New(0), Signer: signer, Verifiers: verifiers,
		Retention: eventlog.Forever, SegmentEvents: 1000, ReserveBytes: -1}
}

func open(t testing.TB, cfg eventlog.Config) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// generated returns n events.
func generated(seed uint64, n int) [][]byte {
	g := eventgen.New(seed, eventgen.Options{Events: n})
	records := make([][]byte, n)
	for i := range records {
		records[i] = g.Next(nil)
	}
	return records
}

func appendAll(t testing.TB, l *eventlog.Log, records [][]byte, size int) {
	t.Helper()
	for len(records) > 0 {
		n := min(size, len(records))
		results, err := l.Append(context.Background(), eventlog.Batch{Origin: cairn.OriginPosted, Records: records[:n]})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Status != eventlog.Stored {
				t.Fatalf("record %d is %v: %v\n%s", i, r.Status, r.Err, records[i])
			}
		}
		records = records[n:]
	}
}

func TestAppendLookupReopen(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	l := open(t, cfg)
	records := generated(1, 5000)
	appendAll(t, l, records, 100)
	verify(t, l, records)
	if err := l.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.SealedSegments != 5 {
		t.Fatalf("%d sealed segments, want 5", s.SealedSegments)
	}
	verify(t, l, records)
	head, err := l.Head()
	if err != nil {
		t.Fatal(err)
	}
	more := generated(2, 700)
	appendAll(t, l, more, 7)
	records = append(records, more...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := eventlog.Check(context.Background(), eventlog.CheckConfig{Dir: cfg.Dir, FS: cfg.FS, Verifiers: cfg.Verifiers, KnownHead: &head, Clean: true})
	if err != nil || len(report.Damage) > 0 || report.Events != 5700 || report.ProvenSize != 5000 {
		t.Fatalf("check: %+v, %v", report, err)
	}
	l = open(t, cfg)
	verify(t, l, records)
	now, err := l.Head()
	if err != nil || now != report.Head {
		t.Fatalf("head %v %v, check says %v", now, err, report.Head)
	}
}

// verify holds what the log has to the records that were appended, in order.
func verify(t testing.TB, l *eventlog.Log, records [][]byte) {
	t.Helper()
	ctx := context.Background()
	i := 0
	for e, err := range l.Read(ctx, eventlog.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if i >= len(records) || string(e.Raw) != string(records[i]) || e.Seq != uint64(i) {
			t.Fatalf("record %d (seq %d) is not what was appended", i, e.Seq)
		}
		i++
	}
	if i != len(records) {
		t.Fatalf("read %d records of %d", i, len(records))
	}
	seen := map[uint64]bool{}
	q := eventlog.Query{Limit: 997}
	last := time.Unix(1<<40, 0)
	for {
		page, err := l.Lookup(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Damage) > 0 {
			t.Fatal(page.Damage)
		}
		for _, e := range page.Events {
			if seen[e.Seq] || e.Time().After(last) {
				t.Fatalf("event %d comes twice or out of order", e.Seq)
			}
			seen[e.Seq] = true
			last = e.Time()
		}
		if !page.More {
			break
		}
		q.After = page.Next
	}
	if len(seen) != len(records) {
		t.Fatal(fmt.Errorf("found %d records of %d", len(seen), len(records)))
	}
}
