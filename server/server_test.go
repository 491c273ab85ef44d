package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cairn/eventlog"
	"cairn/internal/durable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testRecord returns a record that is like no other number's.
func testRecord(n int) []byte {
	return fmt.Appendf(nil, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u%d","accountId":"111122223333","userName":"u%d"},`+
		`"eventTime":"2024-05-01T10:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"Op%d","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"test",`+
		`"requestParameters":{"n":1.50},"responseElements":null,"requestID":"r","eventID":"00000000-0000-4000-8000-%012d","readOnly":%v,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`,
		n%7, n%7, n/60%60, n%60, n%5, n, n%2 == 0)
}

func testFile(n int) ImportFile {
	return ImportFile{SHA256: fmt.Sprintf("%064x", n), Name: "file", Size: 1}
}

func openTest(t *testing.T, data string) *Client {
	t.Helper()
	c, err := OpenClient(t.Context(), Config{Data: data, Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func importTest(t *testing.T, c *Client, f ImportFile, from, to int, last bool) *ImportResult {
	t.Helper()
	var records [][]byte
	for n := from; n < to; n++ {
		records = append(records, testRecord(n))
	}
	r, err := c.ImportRecords(t.Context(), f, int64(from), records, last)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func closeTest(t *testing.T, c *Client) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// lookupAll returns the records that a query finds in the account of testRecord.
// In the operator's, each call of the client leaves one of its own.
func lookupAll(t *testing.T, c *Client, q LookupRequest) (raws []string) {
	t.Helper()
	q.Account = cmp.Or(q.Account, accountA)
	for e, err := range c.Lookup(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, string(e.Raw))
	}
	return raws
}

// What was imported is found again byte for byte, over as many pages as it
// takes, also after the directory was closed and opened again.
func TestImportAndLookup(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	c := openTest(t, data)
	const n = 3*pageEvents + 7
	r := importTest(t, c, testFile(1), 0, n, true)
	if r.Counts.Stored != n || !r.State.Finished || r.State.Done != n {
		t.Fatalf("result %+v", r)
	}
	for range 2 {
		got := lookupAll(t, c, LookupRequest{OldestFirst: true})
		if len(got) != n {
			t.Fatalf("%d events, want %d", len(got), n)
		}
		for i, raw := range got {
			if raw != string(testRecord(i)) {
				t.Fatalf("event %d is %s", i, raw)
			}
		}
		if got := lookupAll(t, c, LookupRequest{Limit: pageEvents + 1}); len(got) != pageEvents+1 {
			t.Errorf("limit %d gave %d events", pageEvents+1, len(got))
		}
		closeTest(t, c)
		c = openTest(t, data)
	}
	state, err := c.BeginImport(t.Context(), testFile(1))
	if err != nil || !state.Finished || state.Counts.Stored != n {
		t.Errorf("the ledger says %+v, %v", state, err)
	}
	closeTest(t, c)
}

// An import goes on where the ledger stands, and nowhere else; records that
// were stored without the ledger knowing are recognised, however old they are.
func TestImportResumes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	now := time.Now()
	open := func() (*Server, *Client) {
		s, err := Open(Config{Data: data, Retention: eventlog.Forever, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		tr := &transport{handler: s.Handler()}
		c := newClient(tr)
		c.close = s.Close
		return s, c
	}
	s, c := open()
	importTest(t, c, testFile(1), 0, 10, false)
	_, err := c.ImportRecords(t.Context(), testFile(1), 5, [][]byte{testRecord(5)}, false)
	var answer *AnswerError
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusConflict {
		t.Errorf("a batch from the middle: %v", err)
	}
	// As if the process had died between the log and the ledger.
	batch := importBatch{records: [][]byte{testRecord(10), testRecord(11)}}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	if _, err := batch.store(req, s); err != nil {
		t.Fatal(err)
	}
	closeTest(t, c)

	now = now.Add(50 * time.Hour) // far beyond where the log looks for doubles
	_, c = open()
	state, err := c.BeginImport(t.Context(), testFile(1))
	if err != nil || state.Done != 10 || state.Finished {
		t.Fatalf("state %+v, %v", state, err)
	}
	r := importTest(t, c, testFile(1), 10, 14, true)
	if r.Counts.Stored != 2 || r.Counts.Double != 2 {
		t.Errorf("after the resumption: %+v", r.Counts)
	}
	if got := lookupAll(t, c, LookupRequest{}); len(got) != 14 {
		t.Errorf("%d events, want 14", len(got))
	}
	closeTest(t, c)
}

// A record that cannot be kept is named by its index in the file.
func TestImportQuarantine(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	f := testFile(1)
	importTest(t, c, f, 0, 3, false)
	r, err := c.ImportRecords(t.Context(), f, 3, [][]byte{testRecord(3), []byte("{}"), nil, []byte("x"), testRecord(4)}, true)
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts.Stored != 2 || r.Counts.Quarantined != 3 || len(r.Quarantined) != 2 || r.Quarantined[0].Index != 4 || r.Quarantined[1].Index != 6 || r.Quarantined[0].Reason == "" {
		t.Errorf("result %+v", r)
	}
}

// A follower sees every event once, in order, while others import.
func TestTailFollows(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 5, true)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := range 10 {
				f := testFile(100*w + n + 1000)
				if _, err := c.ImportRecords(context.Background(), f, 0, [][]byte{testRecord(100*(w+1) + n)}, true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := make(map[string]bool)
	next := uint64(0)
	for e, err := range c.Tail(t.Context(), TailRequest{From: "start", Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq != next || seen[e.EventID] {
			t.Fatalf("event %d, %s, after %d", e.Seq, e.EventID, next)
		}
		next++
		if e.AccountID != accountA {
			continue // of the calls themselves
		}
		seen[e.EventID] = true
		if len(seen) == 45 {
			break
		}
	}
	writers.Wait()
	for range c.Tail(t.Context(), TailRequest{From: "end"}) {
		t.Error("there is an event behind the end")
	}
	n := 0
	for _, err := range c.Tail(t.Context(), TailRequest{From: "0-3", LookupRequest: LookupRequest{Limit: 2}}) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("limit 2 gave %d events", n)
	}
}

// A directory has one owner; it is free again after Close, and after an Open
// that failed.
func TestOneOwner(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	c := openTest(t, data)
	if _, err := Open(Config{Data: data}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	closeTest(t, c)
	if _, err := Open(Config{Data: data, MasterKeyFile: filepath.Join(data, "nokey")}); err == nil {
		t.Error("opened without the key")
	}
	closeTest(t, openTest(t, data))
}

// The retention stays what it was until another is asked for.
func TestRetentionStays(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for _, test := range []struct{ asked, want time.Duration }{
		{0, DefaultRetention}, {48 * time.Hour, 48 * time.Hour}, {0, 48 * time.Hour}, {eventlog.Forever, eventlog.Forever}, {0, eventlog.Forever},
	} {
		s, err := Open(Config{Data: data, Retention: test.asked})
		if err != nil {
			t.Fatal(err)
		}
		if s.cfg.Retention != test.want {
			t.Errorf("asked for %v: %v, want %v", test.asked, s.cfg.Retention, test.want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for setting, cfg := range map[string]Config{
		"account-id": {AccountID: "12345"}, "region": {Region: "Mars"}, "regions": {Regions: []string{"eu-west-1"}},
		"retention": {Retention: time.Minute}, "listen": {Listen: "0.0.0.0:1"},
	} {
		var bad *SettingError
		if err := cfg.Validate(); !errors.As(err, &bad) || bad.Setting != setting {
			t.Errorf("%s: %v", setting, err)
		}
	}
	for listen, ok := range map[string]bool{
		":0": true, "127.0.0.1:0": true, "[::1]:80": true, "localhost:80": true, "127.9.9.9:1": true,
		":80": false, "[::]:0": false, "192.0.2.1:80": false, "example.com:80": false, "127.0.0.1": false, "127.0.0.1:99999": false, "127.0.0.1:x": false,
	} {
		if err := (Config{Listen: listen}).Validate(); (err == nil) != ok {
			t.Errorf("listen %q: %v", listen, err)
		}
	}
}

// serveTest serves a new directory until the test ends.
func serveTest(t *testing.T, data string) Address {
	t.Helper()
	s, err := Open(Config{Data: data, Listen: "127.0.0.1:0", Retention: eventlog.Forever, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan Address, 1)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, func(a Address, _ *Credentials) { ready <- a }) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, s.Close()); err != nil {
			t.Error(err)
		}
		if _, err := FindServer(data); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after the stop: %v", err)
		}
	})
	select {
	case a := <-ready:
		return a
	case err := <-served:
		served <- err
		t.Fatal(err)
	}
	panic("unreachable")
}

func get(t *testing.T, method, url string, header http.Header) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("x=y"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// The TCP port answers health, metrics and where the socket is, and refuses
// everything else in a form that AWS clients show.
func TestPublicPort(t *testing.T) {
	t.Parallel()
	a := serveTest(t, t.TempDir())
	c := Dial(a.Socket)
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 5, true)
	for path, want := range map[string]string{
		"/health":    `"status":"ok"`,
		"/ready":     `"status":"ready"`,
		"/metrics":   `cairn_events_appended_total{origin="imported",status="stored"} 5`,
		addressPath:  a.Socket,
		"/metrics?x": "cairn_events 6", // one is of the import
	} {
		if code, _, body := get(t, http.MethodGet, a.URL+path, http.Header{}); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s: %d %s", path, code, body)
		}
	}
	code, h, body := get(t, http.MethodPost, a.URL+"/", http.Header{"X-Amz-Target": {"CloudTrail_20131101.LookupEvents"}, "Content-Type": {"application/x-amz-json-1.1"}})
	var refusal struct {
		Type    string `json:"__type"`
		Message string
	}
	if err := json.Unmarshal([]byte(body), &refusal); err != nil || code != http.StatusBadRequest || refusal.Type != "MissingAuthenticationTokenException" || refusal.Message == "" || h.Get("X-Amzn-Requestid") == "" {
		t.Errorf("an AWS call: %d %s", code, body)
	}
	code, _, body = get(t, http.MethodPost, a.URL+"/", http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}})
	if code != http.StatusForbidden || !strings.Contains(body, "<Code>MissingAuthenticationToken</Code>") {
		t.Errorf("an AWS query: %d %s", code, body)
	}
	if code, _, body := get(t, http.MethodGet, a.URL+"/_cairn/v1/status", http.Header{}); code != http.StatusForbidden {
		t.Errorf("the local API: %d %s", code, body)
	}
}

// A long path of the data directory does not keep the socket from working, and
// only the owner may use it.
func TestSocket(t *testing.T) {
	t.Parallel()
	for _, data := range []string{t.TempDir(), filepath.Join(t.TempDir(), strings.Repeat("long", 30))} {
		a := serveTest(t, data)
		found, err := FindServer(data)
		if err != nil || *found != a {
			t.Fatalf("found %v, %v; want %v", found, err, a)
		}
		info, err := os.Stat(a.Socket)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("socket: %v, %v", info, err)
		}
		c := Dial(a.Socket)
		if st, err := c.Status(t.Context()); err != nil || !st.Running || st.URL != a.URL {
			t.Errorf("status %+v, %v", st, err)
		}
		closeTest(t, c)
	}
}

// The address file of a server that died names nobody.
func TestStaleAddress(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for _, text := range []string{`{"pid":1,"url":"http://127.0.0.1:1","socket":"` + filepath.Join(data, "gone.sock") + `"}`, "", "{", "null"} {
		if err := os.WriteFile(filepath.Join(data, addressName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if a, err := FindServer(data); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, %v", text, a, err)
		}
	}
}

// Requests that make no sense are refused with what is wrong.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tr := &transport{handler: s.Handler()}
	defer tr.wait()
	sha := testFile(1).SHA256
	for _, test := range []struct {
		method, path, body string
		code               int
		text               string
	}{
		{"POST", "lookup", `{`, 400, "ends too early"},
		{"POST", "lookup", `{"nonsense":1}`, 400, "nonsense"},
		{"POST", "lookup", `{} {}`, 400, "follows"},
		{"POST", "lookup", `{"filters":[{"attribute":"X","values":["y"]}]}`, 400, "is not known"},
		{"POST", "lookup", `{"filters":[{"attribute":"EventName","values":[]}]}`, 400, "no values"},
		{"POST", "lookup", `{"category":"X"}`, 400, "is not known"},
		{"POST", "lookup", `{"limit":-1}`, 400, "negative"},
		{"POST", "lookup", `{"after":"1-2x"}`, 400, "cursor"},
		{"POST", "lookup", `{"since":"2024-01-02T00:00:00Z","until":"2024-01-01T00:00:00Z"}`, 400, "ends before"},
		{"POST", "lookup", `"` + strings.Repeat("x", maxJSONBody) + `"`, 413, "too large"},
		{"POST", "tail", `{"from":"7-7"}`, 400, "partition"},
		{"POST", "values", `{"attribute":"X"}`, 400, "is not known"},
		{"POST", "histogram", `{}`, 400, "stepSeconds"},
		{"POST", "import/begin", `{"sha256":"X"}`, 400, "sha256"},
		{"POST", "import/records?sha256=x", "", 400, "sha256"},
		{"POST", "import/records?first=0&size=1&sha256=" + sha, "\x00\x00", 400, "record 0"},
		{"POST", "import/records?first=0&size=1&sha256=" + sha, "\xff\xff\xff\xff", 400, "longer"},
		{"POST", "import/records?first=-1&size=1&sha256=" + sha, "", 400, "first"},
		{"POST", "import/records?first=0&size=1&sha256=" + sha, strings.Repeat("\x00\x00\x00\x00", eventlog.MaxBatchRecords+1), 413, "at most"},
		{"GET", "nothing", "", 404, "nothing"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), test.method, "http://cairn/_cairn/v1/"+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != test.code || !strings.Contains(string(body), test.text) {
			t.Errorf("%s %.60q: %d %s; want %d with %q", test.path, test.body, resp.StatusCode, body, test.code, test.text)
		}
	}
}

// A caller that leaves in the middle of an answer leaves nothing behind.
func TestTransportAbandoned(t *testing.T) {
	t.Parallel()
	tr := &transport{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	})}
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/", nil)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 1500)); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		cancel()
	}
	tr.wait()
}

// A stream that ends without its end frame is an error, never a short result.
func TestFrames(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	raw := testRecord(1)
	if err := writeFrame(&b, frameHead{Type: "event", Seq: 7}, raw); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for n := range whole {
		if _, _, err := readFrame(bytes.NewReader(whole[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
	}
	h, got, err := readFrame(bytes.NewReader(whole))
	if err != nil || h.Seq != 7 || !bytes.Equal(got, raw) {
		t.Errorf("%+v %s %v", h, got, err)
	}
}
