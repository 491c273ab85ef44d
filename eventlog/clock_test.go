package eventlog_test

import (
	"fmt"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
)

// A record dated more than fifteen minutes ahead is flagged, and goes by its
// arrival.
func TestAhead(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	now := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)}
	cfg.Now = now.Now
	l := open(t, cfg)
	for i, row := range []struct {
		ahead time.Duration
		flags cairn.Flags
	}{
		{-time.Hour, 0}, {0, 0}, {15*time.Minute - time.Second, 0}, {15 * time.Minute, 0},
		{15*time.Minute + time.Second, cairn.FlagAhead}, {time.Hour, cairn.FlagAhead}, {20 * 365 * 24 * time.Hour, cairn.FlagAhead},
	} {
		at := now.Now().Truncate(time.Second).Add(row.ahead)
		raw := made{id: plainID(i), at: at}.raw()
		if r := mustSend(t, l, eventlog.Stored, raw)[0]; r.Flags != row.flags {
			t.Errorf("%v ahead: flags %v, want %v", row.ahead, r.Flags, row.flags)
		}
		want := at
		if row.flags != 0 {
			want = now.Now().Truncate(time.Second)
		}
		for range 2 {
			events := lookup(t, l, eventlog.Query{Since: want, Until: want, Filters: byID(plainID(i)).Filters})
			if len(events) != 1 || !events[0].Time().Equal(want) || string(events[0].Raw) != string(raw) {
				t.Errorf("%v ahead: found %d events at %v", row.ahead, len(events), want)
			}
			seal(t, l)
		}
	}
}

// Whatever the clock does, arrivals never decrease, no record is lost, and each
// is found at its own time.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	now := &clock{now: time.Date(2026, 12, 31, 23, 59, 58, 0, time.UTC)}
	cfg.Now = now.Now
	cfg.SegmentEvents = 7
	l := open(t, cfg)
	day := 24 * time.Hour
	jumps := []time.Duration{
		0, time.Second, time.Second, time.Second, time.Hour, -time.Hour, -time.Hour, 365 * day, -365 * day, -365 * day,
		365 * day, 12 * 365 * day, time.Hour, -12 * 365 * day, 10 * time.Minute, -time.Second,
	}
	moments := []time.Time{
		time.Unix(0, 0), time.Unix(1<<31-1, 0), time.Unix(1<<31, 0), time.Unix(1<<32-1, 0), // 2038 and 2106
		time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), time.Date(2024, 3, 31, 1, 59, 59, 0, time.UTC),
	}
	var records [][]byte
	for i, jump := range jumps {
		now.add(jump)
		batch := [][]byte{made{id: fmt.Sprint("now", i), at: now.Now()}.raw()}
		for j, m := range moments {
			batch = append(batch, made{id: fmt.Sprint("then", i, ".", j), at: m}.raw())
		}
		mustSend(t, l, eventlog.Stored, batch...)
		records = append(records, batch...)
		if i%5 == 4 {
			closeLog(t, l)
			l = open(t, cfg)
		}
	}
	verify(t, l, records)
	all, _ := readAll(l)
	for i := 1; i < len(all); i++ {
		if all[i].at.Before(all[i-1].at) {
			t.Fatalf("record %d arrived at %v, record %d at %v", i-1, all[i-1].at, i, all[i].at)
		}
	}
	for j, m := range moments {
		if m.After(now.Now()) {
			continue // flagged
		}
		found := 0
		for _, e := range lookup(t, l, eventlog.Query{Since: m, Until: m, Limit: 10}) {
			if e.EventTime.Equal(m) {
				found++
			}
		}
		if found < len(jumps) {
			t.Errorf("moment %d (%v): %d events of %d", j, m, found, len(jumps))
		}
	}
	if err := inOrder(lookup(t, l, eventlog.Query{}), false); err != nil {
		t.Error(err)
	}
	h := head(t, l)
	closeLog(t, l)
	mustBeClean(t, cfg, &h, true)
}

// Retention is exact to the second in what is found, and removes whole segments
// that nobody holds.
func TestRetention(t *testing.T) {
	t.Parallel()
	for _, days := range []int{7, 90, 3653} {
		t.Run(fmt.Sprint(days, " days"), func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.Retention = time.Duration(days) * 24 * time.Hour
			cfg.SegmentAge = 1 << 60
			now := &clock{now: epoch.Add(12 * time.Hour)}
			cfg.Now = now.Now
			l := open(t, cfg)
			for s := range 3 { // three segments, of an hour each
				var batch [][]byte
				for i := range 4 {
					batch = append(batch, made{id: fmt.Sprint(s, ".", i), at: epoch.Add(time.Duration(s)*time.Hour + time.Duration(i)*time.Second)}.raw())
				}
				mustSend(t, l, eventlog.Stored, batch...)
				seal(t, l)
			}
			visible := func(want int) {
				t.Helper()
				if n := len(lookup(t, l, eventlog.Query{})); n != want {
					t.Errorf("at %v lookup finds %d events, want %d", now.Now(), n, want)
				}
				buckets, err := l.Histogram(ctx, eventlog.Query{}, time.Hour)
				sum := 0
				for _, b := range buckets {
					sum += int(b.Count)
				}
				if err != nil || sum != want {
					t.Errorf("at %v the histogram has %d events, want %d: %v", now.Now(), sum, want, err)
				}
			}
			expire := func(want int) {
				t.Helper()
				if n, err := l.Expire(); n != want || err != nil {
					t.Errorf("at %v retention removed %d segments, want %d: %v", now.Now(), n, want, err)
				}
			}
			limit := epoch.Add(cfg.Retention)
			at := func(d time.Duration) { now.mu.Lock(); now.now = limit.Add(d); now.mu.Unlock() }
			for _, step := range []struct {
				at      time.Duration
				visible int
				removed int
			}{
				{-time.Second, 12, 0}, {0, 12, 0}, {time.Millisecond, 11, 0}, {time.Second, 11, 0}, {2 * time.Second, 10, 0}, {3 * time.Second, 9, 0},
				{3*time.Second + time.Millisecond, 8, 1}, {time.Hour, 8, 0}, {time.Hour + time.Second, 7, 0},
			} {
				at(step.at)
				visible(step.visible)
				expire(step.removed)
				visible(step.visible)
			}
			if r, err := send(l, made{id: "old", at: epoch}.raw(), made{id: "edge", at: now.Now().Add(-cfg.Retention)}.raw()); err != nil ||
				r[0].Status != eventlog.Expired || r[1].Status != eventlog.Stored {
				t.Errorf("appended: %+v %v", r, err)
			}
			l.Hold("follower", eventlog.At(7))
			at(time.Hour + time.Minute)
			expire(0)
			l.Hold("follower", eventlog.At(8))
			expire(1)
			at(2*time.Hour + time.Minute)
			expire(0)
			l.Release("follower")
			expire(1)
			if start := l.Start(); start != eventlog.At(12) {
				t.Errorf("the log starts at %v", start)
			}
			h := head(t, l)
			closeLog(t, l)
			if report := mustBeClean(t, cfg, &h, true); report.Head.Size != 13 || report.Events != 1 {
				t.Errorf("after retention: %+v", report)
			}
			l = open(t, cfg)
			if got := head(t, l); got != h {
				t.Errorf("the head was %v and is %v", h, got)
			}
			if r := mustSend(t, l, eventlog.Stored, made{id: "next", at: now.Now()}.raw()); r[0].Seq != 13 {
				t.Errorf("the next seq is %d", r[0].Seq)
			}
		})
	}
}
