package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/gateway"
)

// smallDisk is a file system of its own in memory.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("cairn-test", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("a file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all space of a disk but some bytes, and returns what gives it back.
func fill(t *testing.T, dir string, but int64) (empty func()) {
	t.Helper()
	f, err := os.CreateTemp(dir, "somebody-elses-*")
	if err != nil {
		t.Fatal(err)
	}
	name := f.Name()
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if but > 0 {
		size, err := f.Seek(0, io.SeekEnd)
		if err == nil {
			err = f.Truncate(size - but)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// A lineLog collects the lines of a log.
type lineLog struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *lineLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

// with are the lines that have a text.
func (l *lineLog) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.lines.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

func statusOf(t *testing.T, method, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A gateway starts on a full disk: reads of what is there, relaxed routes and its
// state are as they were, strict calls are refused, and what could not be written is made
// up for when there is space.
func TestGatewayStartsOnFullDisk(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(backend.Close)
	data, log := filepath.Join(smallDisk(t, 220<<20), "data"), &lineLog{}
	health := freePort(t)
	start := func() (*gatewayTest, []GatewayAddress) {
		cfg := gatewayTo(backend.URL)
		relaxed := cfg.Listeners[0]
		relaxed.Name, relaxed.Routes = "loose", []gateway.Route{{Name: "loose", Upstreams: []string{backend.URL}, DefaultService: "s3", Relaxed: true}}
		cfg.Listeners, cfg.Health = append(cfg.Listeners, relaxed), health
		x := serveGateway(t, Config{Data: data, Gateway: cfg, Logger: slog.New(slog.NewJSONHandler(log, nil))})
		return x, x.server.Gateways()
	}
	x, at := start()
	if code := statusOf(t, "PUT", at[0].URL+"/bucket/key"); code != http.StatusOK {
		t.Fatalf("the backend's answer came as %d", code)
	}
	x.end()
	made := len(log.with(`"msg":"the disk has too little space`))

	empties := []func(){fill(t, filepath.Dir(data), 0)}
	for round := range 3 { // what the first start on the full disk used, the next ones must have too
		x, at = start()
		if code := statusOf(t, "PUT", at[0].URL+"/bucket/key"); code != http.StatusServiceUnavailable {
			t.Errorf("round %d: a change on a strict route was answered with %d", round, code)
		}
		if code := statusOf(t, "PUT", at[1].URL+"/bucket/key"); code != http.StatusOK {
			t.Errorf("round %d: a call on a relaxed route was answered with %d", round, code)
		}
		for path, want := range map[string]int{"/health": 200, "/ready": 503, "/metrics": 200} {
			if code := statusOf(t, "GET", "http://"+health+path); code != want {
				t.Errorf("round %d: %s has status %d", round, path, code)
			}
		}
		found, err := FindServer(data)
		if err != nil {
			t.Fatal(err)
		}
		client := Dial(found.Socket)
		if events := lookupAll(t, client, LookupRequest{}); len(events) == 0 {
			t.Error("the history is empty")
		}
		closeTest(t, client)
		if round < 2 {
			x.end()
			// Nothing is left to those who come after.
			empties = append(empties, fill(t, filepath.Dir(data), 0))
		}
	}
	if made != 0 {
		t.Error("the start with enough space warned of too little")
	}
	for range 100 {
		if code := statusOf(t, "GET", at[0].URL+"/bucket/key"); code != http.StatusServiceUnavailable {
			t.Fatalf("a read on a strict route was answered with %d", code)
		}
	}
	x.server.full.tell(x.server.cfg.Logger) // as once a minute
	if lines, sums := log.with("could not be"), log.with("were left out"); len(lines) > 20 || len(sums) == 0 || !strings.Contains(strings.Join(sums, ""), "refused") {
		t.Errorf("the log has %d lines about calls, and the summaries %q", len(lines), sums)
	}
	for _, empty := range empties {
		empty()
	}
	for n := 0; statusOf(t, "PUT", at[0].URL+"/bucket/later") != http.StatusOK || len(recorded(t, x.server, gatewayConfigured)) < 8; n++ {
		if n == 500 {
			t.Fatalf("the gateway does not come back: %q", recorded(t, x.server, gatewayConfigured))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A start on a disk that is too small for strict calls says so, with numbers.
func TestGatewayTooSmallDisk(t *testing.T) {
	t.Parallel()
	log := &lineLog{}
	backend := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(backend.Close)
	data := filepath.Join(smallDisk(t, 100<<20), "data")
	x := serveGateway(t, Config{Data: data, Gateway: gatewayTo(backend.URL), Logger: slog.New(slog.NewJSONHandler(log, nil))})
	for _, text := range []string{`"freeBytes":10`, `"neededBytes":138412032`, "events cannot be written"} {
		if len(log.with(text)) != 1 {
			t.Errorf("%q is in %q", text, log.with(""))
		}
	}
	x.end()
	report, err := CheckDirectory(t.Context(), Config{Data: data}, func(int64) {})
	if err != nil || len(report.Damage) > 0 || len(report.Notes) > 0 {
		t.Errorf("the check found %+v, %v", report, err)
	}
}

// A server on a full disk starts too, and says to a gateway why it takes no records.
func TestForwardToFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 100<<20)
	data := filepath.Join(disk, "data")
	_, end := serveOn(t, data)
	end()
	fill(t, disk, 0)
	url, end := serveOn(t, data)
	defer end()
	key, err := ReadCredentials(data)
	if err != nil {
		t.Fatal(err)
	}
	spool := openSpool(t, t.TempDir(), Endpoint{URL: url, Key: *key, Region: "us-east-1"})
	raw, _ := callRecord(1)
	spool.append(t, cairn.OriginGateway, raw)
	s := spool.until(t, func(s *ForwardStatus) bool { return s.Problem != "" })
	if !strings.Contains(s.Problem, "the disk of the event log is full") {
		t.Errorf("the problem is told as %q", s.Problem)
	}
}

// serveOn runs a server on a data directory until end is called.
func serveOn(t *testing.T, data string) (url string, end func()) {
	t.Helper()
	s, err := Open(Config{Data: data, Listen: "127.0.0.1:0", Retention: eventlog.Forever, Regions: []string{"us-east-1", "eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, served := make(chan string, 1), make(chan error, 1)
	go func() { served <- s.Serve(ctx, func(a Address, _ *Credentials) { ready <- a.URL }) }()
	end = func() {
		cancel()
		if err := errors.Join(<-served, s.Close()); err != nil {
			t.Error(err)
		}
	}
	select {
	case url = <-ready:
		return url, end
	case err := <-served:
		served <- err
		end()
		t.FailNow()
		return "", nil
	}
}
