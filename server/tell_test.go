package server

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"cairn/internal/durable"
)

// A fillingDisk is full when it is told to be.
type fillingDisk struct {
	durable.FS
	full *atomic.Bool
}

func (d fillingDisk) Free(name string) (uint64, error) {
	if d.full.Load() {
		return 12345, nil
	}
	return d.FS.Free(name)
}

// A client hears in a sentence that the disk is full, and under which ID the
// server's log tells more; what polls readiness does not fill the log.
func TestFullDiskIsToldPlainly(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	var full atomic.Bool
	x := serveRoutesWith(t, Config{Data: t.TempDir(), FS: fillingDisk{durable.OS, &full}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	full.Store(true)
	defer full.Store(false)
	for range 3 {
		code, _, body := get(t, http.MethodGet, x.url+"/ready", http.Header{})
		if code != http.StatusServiceUnavailable || strings.TrimSpace(body) != `{"problem":"The disk of the event log is full.","status":"not ready"}` {
			t.Errorf("ready: %d %s", code, body)
		}
	}
	if n := strings.Count(log.String(), "12345 bytes left"); n != 1 {
		t.Errorf("the log tells of the problem %d times:\n%s", n, log.String())
	}
	for _, test := range []struct{ path, body string }{
		{"/_cairn/events", string(testRecord(1))},
		{"/_cairn/v1/import/records?first=0&last=true&name=f&size=1&sha256=" + testFile(1).SHA256, "\x00\x00\x00\x02{}"},
	} {
		resp := x.send(t, x.operator, http.MethodPost, test.path, nil, []byte(test.body))
		var e struct{ Message string }
		if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || strings.ContainsAny(e.Message, "/:") && !strings.HasPrefix(e.Message, "The disk of the event log is full. Request ID: ") && !strings.HasPrefix(e.Message, "The call could not be recorded") {
			t.Errorf("%s: %d %s", test.path, resp.StatusCode, e.Message)
		}
	}
	full.Store(false)
	if code, _, body := get(t, http.MethodGet, x.url+"/ready", http.Header{}); code != http.StatusOK {
		t.Errorf("ready again: %d %s", code, body)
	}
	if !strings.Contains(log.String(), "events can be written again") {
		t.Error("the log does not tell that the problem is gone")
	}
}

// Damage is told to clients of the TCP port without the server's paths, under an
// ID that the log has; the directory's owner is told all.
func TestDamageIsToldPlainly(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	damagedStore(t, data, 5)
	var log lockedBuffer
	x := serveRoutesWith(t, Config{Data: data, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	remote, err := DialEndpoint(Endpoint{URL: x.url, Key: x.operator, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, remote)
	local := Dial(x.socket)
	defer closeTest(t, local)
	told := func(c *Client) (texts string) {
		for _, err := range c.Lookup(t.Context(), LookupRequest{}) {
			var damage *DamageReport
			if errors.As(err, &damage) {
				texts += damage.Text
			}
		}
		return texts
	}
	if text := told(local); !strings.Contains(text, ".seg") {
		t.Errorf("the owner is told %q", text)
	}
	_, own := x.call(t, x.a, http.MethodGet, "/_cairn/api/events?limit=0", nil, nil)
	for name, text := range map[string]string{"an operator": told(remote), "an account": own} {
		if strings.Contains(text, data) || strings.Contains(text, ".seg") || !strings.Contains(text, "could not be read. Request ID: ") {
			t.Errorf("%s is told %q", name, text)
		}
		_, id, _ := strings.Cut(text, "Request ID: ")
		if len(id) < 36 || !strings.Contains(log.String(), id[:36]) {
			t.Errorf("the log does not have the request of %q", text)
		}
	}
}

// Errors that nobody foresaw reach a client of the TCP port as a sentence.
func TestUnknownErrorsAreToldPlainly(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("open /srv/x: too many files"), errFreeSpace, &endedError{err: errors.New("open /srv/x")}} {
		if text := sentence(err); strings.Contains(text, "/srv") || !strings.HasSuffix(text, ".") {
			t.Errorf("%v is told as %q", err, text)
		}
	}
}
