package server

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"cairn/eventlog"
)

// damagedStore makes a data directory with a sealed segment that cannot be
// read and so many records behind it.
func damagedStore(t *testing.T, data string, records int) {
	t.Helper()
	s, err := Open(Config{Data: data, Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	tr := &transport{handler: s.Handler()}
	c := newClient(tr)
	importTest(t, c, testFile(1), 0, 20, true)
	if err := s.log.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	var more [][]byte
	for n := range records {
		more = append(more, testRecord(100+n))
	}
	if _, err := c.ImportRecords(t.Context(), testFile(2), 0, more, true); err != nil {
		t.Fatal(err)
	}
	tr.wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(data, eventsName, "*.seg"))
	if err != nil || len(names) != 1 {
		t.Fatalf("sealed segments: %q, %v", names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 1
	}
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A segment that cannot be read is told once, however many pages and reads
// meet it; the events elsewhere are found.
func TestDamageIsToldOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	const records = 2*pageEvents + 50
	damagedStore(t, data, records)
	c := openTest(t, data)
	defer closeTest(t, c)
	told := make(map[string]int)
	events := 0
	for _, err := range c.Lookup(t.Context(), LookupRequest{OldestFirst: true, Account: accountA}) {
		var damage *DamageReport
		switch {
		case errors.As(err, &damage):
			told[damage.Text]++
		case err != nil:
			t.Fatal(err)
		default:
			events++
		}
	}
	if len(told) == 0 || events != records {
		t.Errorf("%d events and %d damaged places, want %d and some", events, len(told), records)
	}
	for text, n := range told {
		if n != 1 {
			t.Errorf("told %d times: %s", n, text)
		}
	}
}
