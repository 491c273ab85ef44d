package eventlog_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A record that is sent again is one record: in one batch, at once or later,
// across seals and restarts.
func TestDoubles(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	now := &clock{now: epoch.Add(time.Hour)}
	cfg.Now = now.Now
	l := open(t, cfg)
	first := mustSend(t, l, eventlog.Stored, plain(0))[0].Seq
	again := func(when string) {
		t.Helper()
		for try := range 5 {
			if r := mustSend(t, l, eventlog.Double, plain(0))[0]; r.Seq != first {
				t.Fatalf("%s, try %d: double of seq %d, want %d", when, try, r.Seq, first)
			}
		}
	}
	again("at once")
	results, err := send(l, plain(1), plain(0), plain(1), plain(2), plain(1))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []eventlog.Status{eventlog.Stored, eventlog.Double, eventlog.Double, eventlog.Stored, eventlog.Double} {
		if results[i].Status != want {
			t.Errorf("in one batch: record %d is %v, want %v", i, results[i].Status, want)
		}
	}
	if results[2].Seq != results[0].Seq || results[4].Seq != results[0].Seq || results[1].Seq != first {
		t.Errorf("in one batch: %+v", results)
	}
	seal(t, l)
	again("sealed")
	closeLog(t, l)
	l = open(t, cfg)
	again("opened again")
	now.add(23 * time.Hour)
	again("after 23 hours")

	// Beyond 24 hours of arrival it is stored again, unless it is imported.
	seal(t, l)
	now.add(24 * time.Hour)
	imported := func() eventlog.Result {
		t.Helper()
		results, err := l.Append(ctx, eventlog.Batch{Origin: cairn.OriginImported, Records: [][]byte{plain(0)}})
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	if r := imported(); r.Status != eventlog.Double || r.Seq != first {
		t.Errorf("imported after two days: %+v", r)
	}
	if r := mustSend(t, l, eventlog.Stored, plain(0))[0]; r.Flags != 0 {
		t.Errorf("posted after two days: %+v", r)
	}
	if n := len(lookup(t, l, byID(plainID(0)))); n != 2 {
		t.Errorf("%d events have the ID", n)
	}
}

// Many clients send the same records at once: each is stored once.
func TestDoublesAtOnce(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SegmentEvents = 40
	l := open(t, cfg)
	const clients, rounds = 8, 40
	seqs := make([][rounds]uint64, clients)
	stored := make([]int, clients)
	var wg sync.WaitGroup
	errs := make(chan error, clients)
	for c := range clients {
		wg.Go(func() {
			for i := range rounds {
				results, err := send(l, plain(1000*c+i), plain(1_000_000+i))
				if err != nil {
					errs <- err
					return
				}
				seqs[c][i] = results[1].Seq
				if results[1].Status == eventlog.Stored {
					stored[c]++
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	total := 0
	for c := range clients {
		total += stored[c]
		if seqs[c] != seqs[0] {
			t.Errorf("client %d was told other seqs than client 0", c)
		}
	}
	if total != rounds {
		t.Errorf("%d records were stored, want %d", total, rounds)
	}
	records, _ := readAll(l)
	if len(records) != clients*rounds+rounds {
		t.Errorf("%d records, want %d", len(records), clients*rounds+rounds)
	}
}

// The same event ID with other bytes is another record, and is flagged.
// Accounts and regions are walls; categories are not.
func TestConflicts(t *testing.T) {
	t.Parallel()
	l := open(t, testConfig(t))
	a := made{id: "same"}
	for _, step := range []struct {
		name  string
		m     made
		flags cairn.Flags
	}{
		{"the first", a, 0},
		{"other bytes", made{id: "same", text: "x"}, cairn.FlagConflict},
		{"another category", made{id: "same", category: "Data"}, cairn.FlagConflict},
		{"another region", made{id: "same", region: "eu-west-1"}, 0},
		{"another account", made{id: "same", account: "444455556666"}, 0},
		{"another ID", made{id: "other"}, 0},
	} {
		for range 2 { // in the open segment, then sealed
			r, err := send(l, step.m.raw())
			if err != nil {
				t.Fatal(err)
			}
			if r[0].Status == eventlog.Stored && r[0].Flags != step.flags {
				t.Errorf("%s: %+v, want flags %v", step.name, r[0], step.flags)
			}
		}
	}
	seal(t, l)
	if r := mustSend(t, l, eventlog.Stored, made{id: "same", text: "y"}.raw())[0]; r.Flags != cairn.FlagConflict {
		t.Errorf("across a seal: %+v", r)
	}
	r, err := send(l, made{id: "new", text: "1"}.raw(), made{id: "new", text: "2"}.raw(), made{id: "new", text: "1"}.raw())
	if err != nil || r[0].Flags != 0 || r[1].Flags != cairn.FlagConflict || r[2].Status != eventlog.Double || r[2].Seq != r[0].Seq {
		t.Errorf("in one batch: %+v %v", r, err)
	}
	if n := len(lookup(t, l, byID("same"))); n != 6 {
		t.Errorf("%d events have the ID, want 6", n)
	}
	if n := l.Stats().Conflicts; n != 4 {
		t.Errorf("%d conflicts are counted", n)
	}
}

// Poison is set aside with its reason and bytes; its neighbours are stored.
func TestPoisonAmongNeighbours(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	l := open(t, cfg)
	poison := []string{
		"", "{", "null", "[]", `{"eventVersion":"1.08"}`, "\x00", "\xef\xbb\xbf" + string(plain(1)), string(plain(1)) + string(plain(2)),
		strings.Replace(string(plain(1)), `"eventName"`, `"EventName"`, 1), strings.Replace(string(plain(1)), "2026", "20x6", 1),
		`{"a":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + "}",
		string(plain(1)[:len(plain(1))-1]), strings.Replace(string(plain(1)), "user", "u\xffer", 1),
		string(plain(1)) + strings.Repeat(" ", cairn.MaxRecordBytes),
	}
	var records [][]byte
	for i, p := range poison {
		records = append(records, plain(100+i), []byte(p))
	}
	results, err := send(l, records...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		want := eventlog.Stored
		if i%2 == 1 {
			want = eventlog.Quarantined
		}
		if r.Status != want || (r.Err != nil) != (i%2 == 1) {
			t.Errorf("record %d is %v, %v: %.80q", i, r.Status, r.Err, records[i])
		}
	}
	verify(t, l, plains(100, 100+len(poison)))
	closeLog(t, l)
	if report := mustBeClean(t, cfg, nil, true); report.Quarantined != uint64(len(poison)) {
		t.Errorf("the quarantine has %d lines", report.Quarantined)
	}

	// Odd bytes inside a body are evidence, and come back as they were.
	l = open(t, cfg)
	odd := []string{`1e400`, `9007199254740993`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `{"Tagging":1,"tagging":2}`, strings.Repeat("[", 900) + strings.Repeat("]", 900), `"` + strings.Repeat("x", 900_000) + `"`}
	records = nil
	for i, o := range odd {
		records = append(records, []byte(strings.Replace(string(plain(200+i)), `"eventID"`, `"requestParameters":`+o+`,"eventID"`, 1)))
	}
	mustSend(t, l, eventlog.Stored, records...)
	for range 2 {
		for i := range odd {
			events := lookup(t, l, byID(plainID(200+i)))
			if len(events) != 1 || string(events[0].Raw) != string(records[i]) {
				t.Errorf("%.40q does not come back as it was", odd[i])
			}
		}
		seal(t, l)
	}
}

// The largest batch is taken, one that is larger is not.
func TestBatchLimits(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SegmentEvents = 1 << 18
	l := open(t, cfg)
	records := plains(0, eventlog.MaxBatchRecords+1)
	if _, err := send(l, records...); err != eventlog.ErrBatchTooLarge {
		t.Errorf("%d records: %v", len(records), err)
	}
	mustSend(t, l, eventlog.Stored, records[:eventlog.MaxBatchRecords]...)
	var large [][]byte
	size := 0
	for n := 20_000; size < eventlog.MaxBatchBytes; n++ {
		r := string(plain(n))
		want := min(cairn.MaxRecordBytes, eventlog.MaxBatchBytes-size)
		if left := eventlog.MaxBatchBytes - size - want; left > 0 && left < 1000 {
			want -= 1000
		}
		large = append(large, []byte(r+strings.Repeat(" ", want-len(r))))
		size += want
	}
	over := append([][]byte{[]byte(" ")}, large...)
	if _, err := send(l, over...); err != eventlog.ErrBatchTooLarge {
		t.Errorf("one byte too many: %v", err)
	}
	mustSend(t, l, eventlog.Stored, large...)
	if results, err := send(l); err != nil || len(results) != 0 {
		t.Errorf("an empty batch: %v %v", results, err)
	}
	for i := range large {
		events := lookup(t, l, byID(fmt.Sprintf("id-%d", 20_000+i)))
		if len(events) != 1 || string(events[0].Raw) != string(large[i]) {
			t.Fatalf("large record %d does not come back", i)
		}
	}
}
