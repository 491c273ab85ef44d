package eventlog_test

import (
	"errors"
	"fmt"
	"path"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable/memfs"
)

// Sixty-four clients append, look up, read, list, seal and expire at once. It
// runs alone, because it looks for goroutines that are left.
func TestManyClients(t *testing.T) {
	before := goleak.IgnoreCurrent()
	cfg := testConfig(t)
	cfg.SegmentEvents = 300
	l := open(t, cfg)
	const clients = 64
	rounds := scale(6, 15, 300)
	var events atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, clients)
	for c := range clients {
		wg.Go(func() {
			random := seeded(c)
			for i := range rounds {
				id := fmt.Sprintf("%d.%d", c, i)
				records := namedBatch(id, 1+random.IntN(12))
				results, err := send(l, records...)
				if err == nil {
					events.Add(int64(len(records)))
					err = client(l, c, i, id, records, results)
				}
				if err != nil {
					failed <- fmt.Errorf("client %d, round %d: %w", c, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	records, damage := readAll(l)
	if len(damage) > 0 || int64(len(records)) != events.Load() {
		t.Fatalf("%d records of %d, damage %v", len(records), events.Load(), damage)
	}
	if n := len(lookup(t, l, eventlog.Query{Limit: 1000})); int64(n) != events.Load() {
		t.Fatalf("lookup finds %d events of %d", n, events.Load())
	}
	h := head(t, l)
	closeLog(t, l)
	report := mustBeClean(t, cfg, &h, true)
	if report.Head != h {
		t.Fatalf("the check has the head %v, the log had %v", report.Head, h)
	}
	if _, err := send(l, plain(1)); !errors.Is(err, eventlog.ErrClosed) {
		t.Fatalf("append to a closed log: %v", err)
	}
	goleak.VerifyNone(t, before)
}

// client does one of the things that clients do, after its batch was stored.
func client(l *eventlog.Log, c, i int, id string, records [][]byte, results []eventlog.Result) error {
	// What was acknowledged is found at once.
	last := len(records) - 1
	events, damage, err := lookAll(l, byID(fmt.Sprintf("%s/%d", id, last)))
	if err != nil || len(damage) > 0 || len(events) != 1 || events[0].Seq != results[last].Seq {
		return fmt.Errorf("its own event is found %d times: %v %v", len(events), damage, err)
	}
	switch (c + i) % 8 {
	case 0:
		return l.Seal(ctx)
	case 1:
		records, damage := readAll(l)
		for i, k := range records {
			if k.seq != uint64(i) {
				return fmt.Errorf("record %d has seq %d", i, k.seq)
			}
		}
		return errors.Join(damage...)
	case 2, 3:
		q := eventlog.Query{Limit: 40, OldestFirst: i%2 == 0}
		page, err := l.Lookup(ctx, q)
		if err != nil {
			return err
		}
		return inOrder(page.Events, q.OldestFirst)
	case 4:
		again, err := send(l, records...)
		if err != nil {
			return err
		}
		for i := range again {
			if again[i].Status != eventlog.Double || again[i].Seq != results[i].Seq {
				return fmt.Errorf("a record that was stored as %+v is now %+v", results[i], again[i])
			}
		}
	case 5:
		if _, err := l.Head(); err != nil {
			return err
		}
		l.Stats()
		_, err := l.Expire()
		return err
	case 6:
		_, err := l.Values(ctx, eventlog.Scope{}, cairn.AttrEventName, "", 10)
		return err
	}
	return nil
}

// inOrder holds events to a query's order.
func inOrder(events []cairn.Event, oldestFirst bool) error {
	for i := 1; i < len(events); i++ {
		a, b := &events[i-1], &events[i]
		if oldestFirst {
			a, b = b, a
		}
		if a.Time().Before(b.Time()) || a.Time().Equal(b.Time()) && a.Seq <= b.Seq {
			return fmt.Errorf("seq %d of %v stands beside seq %d of %v", events[i-1].Seq, events[i-1].Time(), events[i].Seq, events[i].Time())
		}
	}
	return nil
}

// An index that is made again is the same, byte for byte, whatever the order
// was in which concurrent batches were put into it. The addresses are more
// than an index keeps as text.
func TestIndexRebuiltIdentical(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SegmentEvents = 1 << 18
	disk := cfg.FS.(*memfs.FS)
	l := open(t, cfg)
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	const clients, batches = 16, 30
	for c := range clients {
		wg.Go(func() {
			random := seeded(c)
			for b := range batches {
				var records [][]byte
				for i := range 15 {
					n := (b*clients+c)*15 + i
					m := made{id: plainID(n), ip: fmt.Sprintf("10.0.%d.%d", n/200, n%200), user: fmt.Sprint("u", random.IntN(9)), at: epoch}
					if random.IntN(5) == 0 {
						m.category = "Data"
						m.resources = [][2]string{{"AWS::S3::Object", fmt.Sprintf("arn:aws:s3:::b/%d", n)}, {"AWS::S3::Bucket", "arn:aws:s3:::b"}}
					}
					records = append(records, m.raw())
				}
				if _, err := send(l, records...); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}
	seal(t, l)
	closeLog(t, l)
	name := path.Join(cfg.Dir, "0000000000000000.idx")
	want, err := disk.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, break_ := range []func() error{
		func() error { return disk.Remove(name) },
		func() error { return disk.Corrupt(name, 3, 0x10) },
		func() error { return disk.Corrupt(name, 60, 0x01) },
	} {
		if err := break_(); err != nil {
			t.Fatal(err)
		}
		l := open(t, cfg)
		closeLog(t, l)
		got, err := disk.ReadFile(name)
		if err != nil || string(got) != string(want) {
			t.Fatalf("the index that was made again differs: %d bytes, want %d, %v", len(got), len(want), err)
		}
	}
	mustBeClean(t, cfg, nil, true)
}
