package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/durable/memfs"
)

const testAccount = "111122223333"

var errLogFails = errors.New("the log fails")

// recordLog is an event log in memory, which can fail.
type recordLog struct {
	mu       sync.Mutex
	records  []string
	writable error
	refuse   func(raw string) error // of Append
}

func (l *recordLog) Writable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writable
}

func (l *recordLog) Append(_ context.Context, b eventlog.Batch) ([]eventlog.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var results []eventlog.Result
	for _, raw := range b.Records {
		if l.refuse != nil {
			if err := l.refuse(string(raw)); err != nil {
				return nil, err
			}
		}
		var r cairn.Record
		if err := r.Extract(bytes.Clone(raw)); err != nil {
			results = append(results, eventlog.Result{Err: err})
			continue
		}
		l.records = append(l.records, string(raw))
		results = append(results, eventlog.Result{Status: eventlog.Stored, Seq: uint64(len(l.records))})
	}
	return results, nil
}

func (l *recordLog) Lookup(_ context.Context, q eventlog.Query) (*eventlog.Page, error) {
	return &eventlog.Page{}, nil
}

func (l *recordLog) fail(writable error, refuse func(string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writable, l.refuse = writable, refuse
}

func (l *recordLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// await returns the records once there are n of them.
func (l *recordLog) await(t *testing.T, n int) []string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if all := l.all(); len(all) >= n {
			if len(all) > n {
				t.Fatalf("%d records, want %d:\n%s", len(all), n, strings.Join(all, "\n"))
			}
			return all
		}
	}
	t.Fatalf("%d records, want %d", len(l.all()), n)
	return nil
}

// unrecorded counts what is not recorded one by one.
type unrecorded struct {
	mu    sync.Mutex
	codes []string
}

func (c *unrecorded) Count(_ *aws.Call, e *aws.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codes = append(c.codes, e.Code)
}

func (c *unrecorded) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.codes)
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// seen is a request as the backend got it.
type seen struct {
	line   string // the request line, byte for byte
	header []string
	body   string
	err    error // that its body ended with
}

func (s *seen) value(name string) (string, bool) {
	for _, line := range s.header {
		if k, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

// backend is a server that notes each request byte for byte, and answers as it is told.
type backend struct {
	url    string
	l      net.Listener
	answer func(conn net.Conn, s *seen) bool // whether the connection goes on

	mu    sync.Mutex
	calls []*seen
	conns []net.Conn
}

func newRawBackend(t *testing.T, answer func(conn net.Conn, s *seen) bool) *backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{l: l, url: "http://" + l.Addr().String(), answer: answer}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns = append(b.conns, conn)
			b.mu.Unlock()
			wait.Go(func() { b.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.mu.Lock()
		for _, c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		wait.Wait()
	})
	return b
}

// serve reads requests in the simplest way there is: what it takes for a request is one.
func (b *backend) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		s := &seen{line: strings.TrimRight(line, "\r\n")}
		length, chunked := 0, false
		for {
			field, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if field = strings.TrimRight(field, "\r\n"); field == "" {
				break
			}
			s.header = append(s.header, field)
		}
		if v, ok := s.value("Content-Length"); ok {
			fmt.Sscan(v, &length)
		}
		if v, ok := s.value("Transfer-Encoding"); ok && v == "chunked" {
			chunked = true
		}
		if v, ok := s.value("Expect"); ok && v == "100-continue" {
			io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		var body bytes.Buffer
		if chunked {
			for s.err == nil {
				size := 0
				line, err := r.ReadString('\n')
				if _, e := fmt.Sscanf(line, "%x", &size); err != nil || e != nil {
					s.err = errors.Join(err, e)
					break
				}
				if size == 0 {
					for line != "\r\n" && s.err == nil {
						line, s.err = r.ReadString('\n')
					}
					break
				}
				_, s.err = io.CopyN(&body, r, int64(size))
				r.ReadString('\n')
			}
		} else {
			_, s.err = io.CopyN(&body, r, int64(length))
		}
		s.body = body.String()
		b.mu.Lock()
		b.calls = append(b.calls, s)
		b.mu.Unlock()
		if s.err != nil || !b.answer(conn, s) {
			return
		}
	}
}

func (b *backend) seen() []*seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// says answers every request with the same bytes.
func says(answer string) func(net.Conn, *seen) bool {
	return func(conn net.Conn, _ *seen) bool {
		_, err := io.WriteString(conn, answer)
		return err == nil
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\nx-amz-request-id: R1\r\n\r\nok"

// proxy is a gateway at work.
type proxy struct {
	*gateway.Gateway
	url     string
	addr    string
	log     *recordLog
	intents *gateway.Intents
	tally   *unrecorded
	lines   *lines
	fs      *memfs.FS
	client  *http.Client
	secure  *tls.Config
}

// startProxy starts a gateway with one route to upstream, which change may change.
func startProxy(t *testing.T, upstream string, change func(*gateway.Config)) *proxy {
	t.Helper()
	return startProxyOver(t, upstream, false, change)
}

func startProxyOver(t *testing.T, upstream string, secure bool, change func(*gateway.Config)) *proxy {
	t.Helper()
	p := &proxy{log: &recordLog{}, tally: &unrecorded{}, lines: &lines{}, fs: memfs.New(64 << 20)}
	logger := slog.New(slog.NewTextHandler(p.lines, nil))
	var err error
	p.intents, err = gateway.OpenIntents(gateway.IntentsConfig{Dir: "/intents", FS: p.fs, Log: p.log, Space: 3 << 20, RecordBytes: 64 << 10, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	cfg := gateway.Config{
		Routes: []gateway.Route{{Name: "main", Upstreams: []string{upstream}, Region: "eu-west-1", DefaultService: "s3"}},
		Log:    p.log, Intents: p.intents, Recorder: p.tally, AccountID: testAccount, Logger: logger,
	}
	if change != nil {
		change(&cfg)
	}
	if p.Gateway, err = gateway.New(cfg); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(p.Gateway)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.MaxHeaderBytes = 64 << 10
	s.EnableHTTP2 = secure
	s.Config.DisableGeneralOptionsHandler = true
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	p.url, p.addr, p.client = s.URL, s.Listener.Addr().String(), s.Client()
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.client.Transport.(*http.Transport).DisableCompression = true
	if secure {
		p.secure = p.client.Transport.(*http.Transport).TLSClientConfig
	}
	t.Cleanup(func() {
		s.Close()
		if err := p.Gateway.Close(); err != nil {
			t.Error(err)
		}
		p.intents.Close()
	})
	return p
}

// exchange sends bytes over a connection of its own, and returns all that comes back until
// it is closed.
func (p *proxy) exchange(t *testing.T, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go io.WriteString(conn, raw)
	all, _ := io.ReadAll(conn)
	return string(all)
}

// signed are the headers of a request that is signed for a service by nobody in particular.
func signedHeader(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/eu-west-1/" + service + "/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("ab", 32)
}

func newCall(t *testing.T, method, url, service string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", signedHeader(service))
	r.Header.Set("X-Amz-Date", "20260301T120000Z")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// do sends a request and returns the answer with its body.
func (p *proxy) do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// field returns the JSON at a path in a record, such as "additionalEventData.route".
func field(t *testing.T, raw, path string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func wantFields(t *testing.T, raw string, want map[string]string) {
	t.Helper()
	for path, value := range want {
		if got := field(t, raw, path); got != value {
			t.Errorf("%s is %s, want %s\n%s", path, got, value, raw)
		}
	}
}

// authorityFile writes the certificate of a test server where a route finds it.
func authorityFile(t *testing.T, s *httptest.Server) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
