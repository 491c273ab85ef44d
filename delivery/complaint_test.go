package delivery_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn"
)

// The log is told when a trail begins to fail, of each other error, once an hour
// while it lasts, and when all is well; by the trail's ARN.
func TestFailuresAreLoggedOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var out bytes.Buffer
	h.config.Logger = slog.New(slog.NewTextHandler(&out, nil))
	h.open()
	tr := h.create("main", func(c *cairn.Trail) { c.LogFileValidation = false })
	told := func(what string, want ...string) {
		t.Helper()
		var lines []string
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "deliveries") {
				lines = append(lines, line)
			}
		}
		out.Reset()
		if len(lines) != len(want) {
			t.Fatalf("%s: %d lines, want %d: %q", what, len(lines), len(want), lines)
		}
		for i, line := range lines {
			if !strings.Contains(line, want[i]) || !strings.Contains(line, "trail="+tr.ARN().String()+" ") {
				t.Errorf("%s: %s", what, line)
			}
		}
	}
	code, n := "SlowDown", 0
	h.bucket.fault = func(string, string) (error, bool) {
		if n++; code == "" {
			return nil, true
		}
		return fmt.Errorf("attempt %d: %w", n, failure(code, http.StatusServiceUnavailable)), false
	}
	tries := func(d time.Duration) {
		for end := h.clock.Now().Add(d); h.clock.Now().Before(end); h.clock.advance(time.Minute) {
			h.deliver()
		}
	}
	h.post(event{})
	tries(time.Minute)
	told("begin", "SlowDown")
	tries(50 * time.Minute)
	told("the same")
	code = "InternalError"
	tries(9 * time.Minute)
	told("another", "InternalError")
	code = "SlowDown"
	tries(20 * time.Minute)
	told("after an hour", "SlowDown")
	code = ""
	tries(20 * time.Minute)
	told("well again", "go on")
	code = "SlowDown"
	h.post(event{})
	tries(time.Minute)
	told("down again", "SlowDown")
}
