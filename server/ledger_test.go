package server

import (
	"testing"
	"time"

	"cairn/eventlog"
)

// Records that were passed over for their age are imported once the retention
// is longer, also if the import had not come to its end.
func TestImportAfterLongerRetention(t *testing.T) {
	t.Parallel()
	for _, finished := range []bool{false, true} {
		data := t.TempDir()
		// The second part of the file comes under a retention that is longer,
		// and still too short for the records.
		for part, retention := range []time.Duration{24 * time.Hour, 48 * time.Hour} {
			c, err := OpenClient(t.Context(), Config{Data: data, Retention: retention})
			if err != nil {
				t.Fatal(err)
			}
			state, err := c.BeginImport(t.Context(), testFile(1))
			if err != nil {
				t.Fatal(err)
			}
			if state.Done != 0 {
				t.Fatalf("with a longer retention the import goes on at record %d", state.Done)
			}
			r := importTest(t, c, testFile(1), 0, 10*(part+1), finished)
			if r.Counts.Expired == 0 {
				t.Fatal("no record is older than the retention")
			}
			closeTest(t, c)
		}
		c := openTest(t, data)
		state, err := c.BeginImport(t.Context(), testFile(1))
		if err != nil {
			t.Fatal(err)
		}
		if state.Finished || state.Done != 0 {
			t.Fatalf("finished %v: with every record kept, the import stands at %d, finished %v", finished, state.Done, state.Finished)
		}
		importTest(t, c, testFile(1), 0, 20, true)
		if n := len(lookupAll(t, c, LookupRequest{})); n != 20 {
			t.Errorf("finished %v: %d records, want 20", finished, n)
		}
		closeTest(t, c)
	}
}

// A later batch under a longer retention does not hide that earlier ones were
// counted under a shorter one.
func TestImportKeepsShortestRetention(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Data: t.TempDir(), Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	l := &s.ledger
	for i, retention := range []time.Duration{48 * time.Hour, 24 * time.Hour, eventlog.Forever} {
		if _, err := l.advance(testFile(1), int64(i), 1, ImportCounts{Expired: 1}, i == 2, retention); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		retention time.Duration
		again     bool
	}{{24 * time.Hour, false}, {36 * time.Hour, true}} {
		state, err := l.begin(testFile(1), test.retention)
		if err != nil {
			t.Fatal(err)
		}
		if again := !state.Finished; again != test.again {
			t.Errorf("the import begins again under a retention of %v: %v, want %v", test.retention, again, test.again)
		}
	}
}
