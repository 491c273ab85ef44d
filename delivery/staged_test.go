package delivery_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/delivery"
	"cairn/internal/durable"
)

// What waits for its bucket is compared with its rows: what has changed is named,
// what is gone too, and what was delivered is nothing to look for.
func TestCheckStaged(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", nil)
	dir := filepath.Join(h.dir, "staged")
	check := func() *delivery.StagedReport {
		t.Helper()
		r, err := delivery.CheckStaged(h.catalog, durable.OS, dir)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	h.post(event{})
	h.bucket.fault = func(string, string) (error, bool) {
		return failure("InternalError", http.StatusInternalServerError), false
	}
	if _, err := h.deliver(); err == nil {
		t.Fatal("the bucket is not down")
	}
	if r := check(); r.Files != 1 || len(r.Damaged) > 0 || len(r.Missing) > 0 {
		t.Errorf("a file that waits: %+v", r)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json.gz"))
	if err != nil || len(names) != 1 {
		t.Fatalf("staged are %q, %v", names, err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 1
	for name, b := range map[string][]byte{"flipped": flipped, "cut off": whole[:len(whole)-1], "empty": {}} {
		if err := os.WriteFile(names[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := check(); len(r.Damaged) != 1 || !strings.HasPrefix(r.Damaged[0], filepath.Base(names[0])) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	if r := check(); len(r.Damaged) > 0 || len(r.Missing) != 1 || r.Missing[0] != filepath.Base(names[0]) {
		t.Errorf("a file that is gone: %+v", r)
	}
	h.bucket.fault = nil
	h.clock.advance(time.Minute)
	h.mustDeliver()
	if r := check(); r.Files != 0 || len(r.Missing) > 0 {
		t.Errorf("after the delivery: %+v", r)
	}
}
