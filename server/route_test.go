package server

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"

	"cairn"
	"cairn/eventlog"
	"cairn/identity"
	"cairn/internal/sigv4"
)

// A routesTest is a serving server with an operator and two other accounts.
type routesTest struct {
	server         *Server
	url            string
	socket         string
	operator, a, b Credentials
}

const (
	accountA = "111122223333" // that of testRecord
	accountB = "444455556666"
)

func serveRoutes(t *testing.T) *routesTest {
	t.Helper()
	return serveRoutesWith(t, Config{Data: t.TempDir()})
}

func serveRoutesWith(t *testing.T, cfg Config) *routesTest {
	t.Helper()
	cfg.Listen, cfg.Retention, cfg.Regions = "127.0.0.1:0", eventlog.Forever, []string{"us-east-1", "eu-west-1"}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	store, err := identity.Open(s.catalog, identity.Options{DefaultAccount: s.cfg.AccountID, Now: s.cfg.Now})
	if err != nil {
		t.Fatal(err)
	}
	x := &routesTest{server: s}
	for account, key := range map[string]*Credentials{accountA: &x.a, accountB: &x.b} {
		if key.AccessKeyID, key.Secret, err = store.AddAccount(account); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan Address, 1)
	served := make(chan error, 1)
	go func() {
		served <- s.Serve(ctx, func(a Address, key *Credentials) {
			x.operator = *key
			ready <- a
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, s.Close()); err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-ready:
		x.url, x.socket = a.URL, a.Socket
	case err := <-served:
		served <- err
		t.Fatal(err)
	}
	return x
}

// send sends a signed request. The caller closes the answer's body.
func (x *routesTest) send(t *testing.T, key Credentials, method, path string, header http.Header, body []byte) *http.Response {
	t.Helper()
	return x.sendBy(t, &http.Transport{DisableKeepAlives: true, DisableCompression: true}, key, method, path, header, body)
}

func (x *routesTest) sendBy(t *testing.T, by *http.Transport, key Credentials, method, path string, header http.Header, body []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, x.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range header {
		req.Header[name] = v
	}
	c := sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret}
	if err := sigv4.Sign(req, sigv4.HashPayload(body), c, "cloudtrail", "eu-west-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: by}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// call sends a signed request and reads the whole answer.
func (x *routesTest) call(t *testing.T, key Credentials, method, path string, header http.Header, body []byte) (int, string) {
	t.Helper()
	resp := x.send(t, key, method, path, header, body)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// post posts records and returns what became of them.
func (x *routesTest) post(t *testing.T, key Credentials, body string) putAnswer {
	t.Helper()
	code, text := x.call(t, key, http.MethodPost, "/_cairn/events", nil, []byte(body))
	var out putAnswer
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		t.Fatalf("post: %d %s", code, text)
	}
	return out
}

// A foundLine is a line of the answer to GetEvents.
type foundLine struct {
	Seq     uint64
	Arrival time.Time
	Origin  string
	Flags   []string
	Record  json.RawMessage
	End     *struct{ Next string }
	Damage  *struct{ Text string }
	Error   *struct{ Text string }
}

// find returns the events that a query finds, and the cursor at its end.
func (x *routesTest) find(t *testing.T, key Credentials, query string) (found []foundLine, next string) {
	t.Helper()
	code, text := x.call(t, key, http.MethodGet, "/_cairn/api/events?"+query, nil, nil)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, code, text)
	}
	for line := range strings.Lines(text) {
		var l foundLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %q: %v", query, line, err)
		}
		switch {
		case l.Damage != nil || l.Error != nil:
			t.Errorf("%s: %s", query, line)
		case l.End != nil:
			return found, l.End.Next
		default:
			found = append(found, l)
		}
	}
	t.Fatalf("%s: the answer has no end: %q", query, text)
	return nil, ""
}

// recordOf is testRecord in another account.
func recordOf(account string, n int) []byte {
	return bytes.ReplaceAll(testRecord(n), []byte(accountA), []byte(account))
}

func packed(t *testing.T, encoding string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "":
		return text
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every form and packing of a body is stored, found byte for byte, and marked
// as posted.
func TestPutEventsForms(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	n := 0
	for _, encoding := range []string{"", "gzip", "zstd"} {
		for name, form := range map[string]string{"records": `{"Records":[%s,%s]}`, "array": " [%s,\n%s]", "lines": "%s\n%s\n"} {
			one, two := testRecord(n), testRecord(n+1)
			header := http.Header{}
			if encoding != "" {
				header.Set("Content-Encoding", encoding)
			}
			code, text := x.call(t, x.a, http.MethodPost, "/_cairn/events", header, packed(t, encoding, fmt.Appendf(nil, form, one, two)))
			var out putAnswer
			if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK || out.Counts["stored"] != 2 || len(out.Results) != 2 || out.Results[0].Seq == nil || *out.Results[1].Seq != *out.Results[0].Seq+1 {
				t.Fatalf("%s %s: %d %s", name, encoding, code, text)
			}
			for i, raw := range [][]byte{one, two} {
				found, _ := x.find(t, x.a, fmt.Sprintf("EventId=00000000-0000-4000-8000-%012d", n+i))
				if len(found) != 1 || !bytes.Equal(found[0].Record, raw) || found[0].Seq != *out.Results[i].Seq || found[0].Origin != "posted" {
					t.Fatalf("%s %s: found %+v", name, encoding, found)
				}
			}
			n += 2
		}
	}
}

// Each record has its own answer, in order, and only what the caller may write
// is stored.
func TestPutEventsResults(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	elsewhere := bytes.ReplaceAll(testRecord(3), []byte("eu-west-1"), []byte("ap-south-1"))
	body := fmt.Sprintf(`{"Records":[%s,%s,{"eventName":"x"},%s,%s]}`, testRecord(1), recordOf(accountB, 2), elsewhere, testRecord(1))
	out := x.post(t, x.a, body)
	var got []string
	for _, r := range out.Results {
		got = append(got, r.Status)
		if (r.Status == "refused" || r.Status == "quarantined") != (r.Reason != "") {
			t.Errorf("reason %q of %s", r.Reason, r.Status)
		}
	}
	if want := []string{"stored", "refused", "quarantined", "refused", "double"}; !slices.Equal(got, want) {
		t.Errorf("results %q, want %q", got, want)
	}
	if *out.Results[4].Seq != *out.Results[0].Seq {
		t.Errorf("the double has seq %d", *out.Results[4].Seq)
	}
	if found, _ := x.find(t, x.operator, "account="+accountB+"&EventSource=s3.amazonaws.com"); len(found) != 0 {
		t.Errorf("account A wrote to B: %+v", found)
	}
	out = x.post(t, x.operator, body)
	if out.Counts["stored"] != 1 || out.Counts["double"] != 2 || out.Counts["refused"] != 1 || out.Counts["quarantined"] != 1 {
		t.Errorf("an operator: %+v", out.Counts)
	}
}

// What Cairn writes about itself cannot be made up by others than operators.
func TestOwnSourcesAreRefused(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	for i, source := range []string{"cairn.amazonaws.com", "cairn.internal", "CAIRN.internal", "cairn", " cairn.internal"} {
		forged := bytes.ReplaceAll(testRecord(i), []byte("s3.amazonaws.com"), []byte(source))
		out := x.post(t, x.a, string(forged)+"\n"+string(testRecord(100+i)))
		if out.Results[0].Status != "refused" || !strings.Contains(out.Results[0].Reason, "Cairn's own") || out.Results[1].Status != "stored" {
			t.Errorf("%q: %+v", source, out)
		}
		if out := x.post(t, x.operator, string(forged)); out.Counts["stored"] != 1 {
			t.Errorf("%q, of an operator: %+v", source, out)
		}
	}
	if found, _ := x.find(t, x.a, "EventSource=cairn.internal"); len(found) != 1 || found[0].Origin != "posted" {
		t.Errorf("found %+v", found)
	}
	if out := x.post(t, x.a, string(bytes.ReplaceAll(testRecord(9), []byte("s3.amazonaws.com"), []byte("cairnes.amazonaws.com")))); out.Counts["stored"] != 1 {
		t.Errorf("another source: %+v", out)
	}
}

// A stream that is refused is recorded as refused, and one that is served as
// served.
func TestRefusedStreamsAreRecorded(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	for _, body := range []string{`{"limit":-1}`, `{"filters":[{"attribute":"Nonsense","values":["x"]}]}`, `{"nonsense":1}`, `{"limit":"1"}`} {
		if code, text := x.call(t, x.operator, http.MethodPost, "/_cairn/v1/lookup", nil, []byte(body)); code != http.StatusBadRequest || strings.Contains(text, "json:") || strings.Contains(text, "server.") {
			t.Errorf("lookup %s: %d %s", body, code, text)
		}
	}
	if code, text := x.call(t, x.operator, http.MethodPost, "/_cairn/v1/tail", nil, []byte(`{"from":"nowhere"}`)); code != http.StatusBadRequest {
		t.Errorf("tail: %d %s", code, text)
	}
	if code, text := x.call(t, x.operator, http.MethodPost, "/_cairn/v1/lookup", nil, []byte(`{"limit":1}`)); code != http.StatusOK {
		t.Errorf("lookup: %d %s", code, text)
	}
	refused, _ := x.find(t, x.operator, "EventName=GetEvents&errorCode=ValidationException")
	if len(refused) != 5 {
		t.Errorf("%d refusals are recorded, want 5: %+v", len(refused), refused)
	}
	if served, _ := x.find(t, x.operator, "EventName=GetEvents&not.errorCode=*&path.requestParameters.limit=1"); len(served) != 1 {
		t.Errorf("%d streams are recorded, want 1", len(served))
	}
}

// The record of a call shows counts and conditions, never posted records.
func TestRoutesAreRecorded(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	x.post(t, x.a, string(testRecord(1))+"\n"+string(recordOf(accountB, 2)))
	x.find(t, x.a, "EventName=Op1&path.requestParameters.n=1.50")
	if code, _ := x.call(t, x.a, http.MethodGet, "/_cairn/v1/status", nil, nil); code < 400 {
		t.Errorf("status for account A: %d", code)
	}
	found, _ := x.find(t, x.a, "EventSource=cairn.amazonaws.com&order=oldest&limit=3")
	var got []string
	for _, f := range found {
		var r struct {
			EventName, ErrorCode                string
			ReadOnly                            bool
			RequestParameters, ResponseElements json.RawMessage
		}
		if err := json.Unmarshal(f.Record, &r); err != nil {
			t.Fatal(err)
		}
		if f.Origin != "recorded" {
			t.Errorf("origin %s", f.Origin)
		}
		got = append(got, fmt.Sprintf("%s %v %s %s %s", r.EventName, r.ReadOnly, r.ErrorCode, r.RequestParameters, r.ResponseElements))
		if bytes.Contains(f.Record, []byte("Op1")) && r.EventName == "PutEvents" {
			t.Errorf("a record's contents are shown: %s", f.Record)
		}
	}
	size := len(testRecord(1)) + 1 + len(recordOf(accountB, 2))
	want := []string{
		fmt.Sprintf(`PutEvents false  {"contentLength":%d} {"refused":1,"stored":1}`, size),
		`GetEvents true  {"EventName":"Op1","path.requestParameters.n":"1.50"} null`,
		`GetStatus true AccessDenied null null`,
	}
	slices.Sort(got) // they are of one second, and so in the order of arrival or not
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Bodies that unpack to too much, or to nothing that makes sense, are refused
// whole.
func TestPutEventsHostile(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	blanks := bytes.Repeat([]byte(" "), 32<<20)
	for _, test := range []struct {
		name, encoding string
		body           []byte
		code           int
		text           string
	}{
		{"gzip bomb", "gzip", packed(t, "gzip", blanks), 400, "200 times"},
		{"zstd bomb", "zstd", packed(t, "zstd", blanks), 400, "200 times"},
		{"gzip in gzip", "gzip", packed(t, "gzip", packed(t, "gzip", []byte("[]"))), 400, "twice"},
		{"not gzip", "gzip", []byte("[]"), 400, "Content-Encoding"},
		{"gzip for zstd", "zstd", packed(t, "gzip", []byte("[]")), 400, "Content-Encoding"},
		{"gzip unannounced", "", packed(t, "gzip", []byte("[]")), 400, "Content-Encoding"},
		{"cut off", "gzip", packed(t, "gzip", testRecord(1))[:100], 400, "cut off"},
		{"other encoding", "br", []byte("[]"), 415, "neither gzip nor zstd"},
		{"too large", "", make([]byte, maxPacked+1), 413, "more than"},
		{"empty", "", nil, 400, "no records"},
		{"other JSON", "", []byte(`{"a":1}`), 400, "no records"},
		{"cut off records", "", fmt.Appendf(nil, `{"Records":[%s,{"a"`, testRecord(1)), 400, "ends inside"},
		{"too many", "", []byte("[" + strings.Repeat("{},", maxPosted) + "{}]"), 400, "more than"},
	} {
		header := http.Header{}
		if test.encoding != "" {
			header.Set("Content-Encoding", test.encoding)
		}
		if code, text := x.call(t, x.operator, http.MethodPost, "/_cairn/events", header, test.body); code != test.code || !strings.Contains(text, test.text) {
			t.Errorf("%s: %d %s; want %d with %q", test.name, code, text, test.code, test.text)
		}
	}
	if found, _ := x.find(t, x.operator, "EventSource=s3.amazonaws.com"); len(found) != 0 {
		t.Errorf("%d records were stored", len(found))
	}
	if code, _ := x.call(t, x.operator, http.MethodPost, "/_cairn/events?x=y", nil, []byte("[]")); code != 400 {
		t.Errorf("a parameter: %d", code)
	}
}

// Parameters select as documented, alone and together, over pages and in both
// orders.
func TestGetEvents(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	const n = 70
	var body bytes.Buffer
	for i := range n {
		body.Write(testRecord(i))
		body.WriteByte('\n')
	}
	x.post(t, x.a, body.String())
	is := func(names ...string) func(i int) bool {
		return func(i int) bool { return slices.Contains(names, fmt.Sprintf("Op%d", i%5)) }
	}
	for query, want := range map[string]func(int) bool{
		"":                                    func(int) bool { return true },
		"EventName=Op1&EventName=Op3":         is("Op1", "Op3"),
		"not.EventName=Op1&not.EventName=Op3": is("Op0", "Op2", "Op4"),
		"EventName=Op*&ReadOnly=true":         func(i int) bool { return i%2 == 0 },
		"EventName=Op1&EventName=O*":          func(int) bool { return true },
		`EventName=Op\*`:                      is(),
		"userIdentity.arn=arn:aws:iam::111122223333:user/u1*": func(i int) bool { return i%7 == 1 },
		"path.requestParameters.n=1.50":                       func(int) bool { return true },
		"path.requestParameters.n=1.5":                        is(),
		"path.userIdentity.userName=u2&EventName=Op1":         func(i int) bool { return i%7 == 2 && i%5 == 1 },
		"not.path.userIdentity.userName=u2":                   func(i int) bool { return i%7 != 2 },
		"path.responseElements=null":                          func(int) bool { return true },
		"path.userIdentity=*":                                 func(int) bool { return true },
		"path.absent=*":                                       is(),
		"not.path.absent=*":                                   func(int) bool { return true },
		"or.a.EventName=Op1&or.a.Username=u3":                 func(i int) bool { return i%5 == 1 || i%7 == 3 },
		"or.a.EventName=Op1&or.a.Username=u3&or.b.ReadOnly=true&or.b.path.eventName=Op1": func(i int) bool {
			return (i%5 == 1 || i%7 == 3) && (i%2 == 0 || i%5 == 1)
		},
		"or.a.not.EventName=Op1&or.a.Username=u3":              func(i int) bool { return i%5 != 1 || i%7 == 3 },
		"or.a.EventName=Op1":                                   is("Op1"),
		"errorOnly=true":                                       is(),
		"errorOnly=false&region=eu-west-1&category=Management": func(int) bool { return true },
		"region=us-east-1":                                     is(),
		"since=2024-05-01T10:00:30Z&until=1714557645":          func(i int) bool { return i >= 30 && i <= 45 },
	} {
		var wanted []string
		for i := range n {
			if want(i) {
				wanted = append(wanted, string(testRecord(i)))
			}
		}
		for _, order := range []string{"oldest", "newest"} {
			var got []string
			next := ""
			for pages := 0; ; pages++ {
				found, after := x.find(t, x.a, query+"&EventSource=s3.amazonaws.com&limit=13&order="+order+"&after="+next)
				for _, f := range found {
					got = append(got, string(f.Record))
				}
				if next = after; next == "" || pages > n {
					break
				}
			}
			if order == "newest" {
				slices.Reverse(got)
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("%s, %s first: %d events, want %d", query, order, len(got), len(wanted))
			}
		}
		code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/histogram?step=10&EventSource=s3.amazonaws.com&"+query, nil, nil)
		var h struct {
			Buckets []struct {
				Start time.Time
				Count int
			}
		}
		if err := json.Unmarshal([]byte(text), &h); err != nil || code != http.StatusOK {
			t.Fatalf("histogram of %s: %d %s", query, code, text)
		}
		sum := 0
		for i, b := range h.Buckets {
			sum += b.Count
			if b.Start.Unix()%10 != 0 || i > 0 && !b.Start.Equal(h.Buckets[i-1].Start.Add(10*time.Second)) {
				t.Errorf("histogram of %s: %s", query, text)
			}
		}
		if sum != len(wanted) {
			t.Errorf("histogram of %s has %d events, want %d", query, sum, len(wanted))
		}
	}
	code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/values?attribute=EventName&prefix=Op&region=eu-west-1&limit=2", nil, nil)
	if want := `{"values":[{"value":"Op0","count":14},{"value":"Op1","count":14}],"complete":false}`; code != http.StatusOK || strings.TrimSpace(text) != want {
		t.Errorf("values: %d %s", code, text)
	}
	resp := x.send(t, x.a, http.MethodGet, "/_cairn/api/events?EventName=Op1&limit=1&order=oldest", http.Header{"Accept": {eventStreamType}}, nil)
	defer resp.Body.Close()
	h, raw, err := readFrame(resp.Body)
	if err != nil || h.Type != "event" || string(raw) != string(testRecord(1)) {
		t.Errorf("framed: %+v %s %v", h, raw, err)
	}
}

// Requests that make no sense are refused with what is wrong.
func TestRoutesBadRequests(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	long := strings.Repeat("x", maxQueryText+1)
	for path, want := range map[string]string{
		"events?nonsense=1":        "is not known",
		"events?EventName=":        "empty value",
		"events?EventName=" + long: "more than 4096",
		"events?" + strings.Repeat("EventName=x&", maxQueryValues+1): "more than 256",
		"events?or.=x":                 "or. is followed",
		"events?or.a=x":                "or. is followed",
		"events?or.a%00.EventName=x":   "or. is followed",
		"events?or.a.or.b.EventName=x": "is not known",
		"events?not.not.EventName=x":   "is not known",
		"events?path.=x":               "empty name",
		"events?path.a..b=x":           "empty name",
		`events?path.a%5Cb=x`:          "backslash",
		"events?path." + strings.Repeat("a.", maxPathNames) + "a=x": "more than 32",
		"events?ReadOnly=1":                          "neither true nor false",
		"events?errorOnly=yes":                       "neither true nor false",
		"events?limit=-1":                            "limit",
		"events?limit=99999999999999999999":          "limit",
		"events?order=x":                             "neither newest nor oldest",
		"events?after=1-2x":                          "cursor",
		"events?account=1&account=2":                 "2 times",
		"events?category=X":                          "is not known",
		"events?since=yesterday":                     "neither a time",
		"events?since=99999999999":                   "neither a time",
		"events?since=20&until=10":                   "ends before",
		"values":                                     "is not known",
		"values?attribute=X":                         "is not known",
		"values?attribute=EventName&limit=0":         "limit",
		"values?attribute=EventName&limit=99999":     "limit",
		"values?attribute=EventName&EventName=x":     "is not known",
		"histogram":                                  "step",
		"histogram?step=0":                           "step",
		"histogram?step=9223372036854775807":         "step",
		"histogram?step=1&since=10&until=1714557645": "buckets",
		"histogram?step=1&since=10&path.eventName=x&until=1714557645": "buckets",
		"tail?from=7-7":      "partition",
		"tail?from=0-999999": "behind the newest",
		"tail?limit=1":       "has no limit",
	} {
		if code, text := x.call(t, x.operator, http.MethodGet, "/_cairn/api/"+path, nil, nil); code != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%.80s: %d %s; want 400 with %q", path, code, text, want)
		}
	}
	if code, _ := x.call(t, x.operator, http.MethodGet, "/_cairn/nothing", nil, nil); code != http.StatusNotFound {
		t.Errorf("an unknown path: %d", code)
	}
}

// Nobody comes in without a signature that verifies, and a key of one account
// sees and writes nothing of another by any route.
func TestRoutesWalls(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	x.post(t, x.a, string(testRecord(1)))
	x.post(t, x.b, string(bytes.ReplaceAll(recordOf(accountB, 1), []byte("Op1"), []byte("SecretOfB"))))
	for _, path := range []string{
		"GET /_cairn/api/events", "GET /_cairn/api/values?attribute=EventName", "GET /_cairn/api/histogram?step=60", "GET /_cairn/api/tail",
		"POST /_cairn/events", "POST /_cairn/v1/lookup", "POST /_cairn/v1/tail", "POST /_cairn/v1/values", "POST /_cairn/v1/histogram", "POST /_cairn/v1/check",
		"GET /_cairn/v1/backup", "GET /_cairn/v1/status", "POST /_cairn/v1/import/begin", "POST /_cairn/v1/import/records",
	} {
		method, path, _ := strings.Cut(path, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, x.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode > 403 {
			t.Errorf("%s without a signature: %d", path, resp.StatusCode)
		}
		if code, text := x.call(t, Credentials{x.a.AccessKeyID, x.b.Secret}, method, path, nil, nil); code < 400 || code > 403 {
			t.Errorf("%s with another's secret: %d %s", path, code, text)
		}
		switch path {
		case "/_cairn/v1/lookup", "/_cairn/v1/tail": // are for all, within their walls
			if code, text := x.call(t, x.a, method, path, nil, []byte(`{"account":"`+accountB+`"}`)); code < 400 || !strings.Contains(text, "AccessDenied") {
				t.Errorf("%s of account B for account A: %d %s", path, code, text)
			}
			if code, text := x.call(t, x.a, method, path, nil, []byte(`{}`)); code != http.StatusOK || strings.Contains(text, "SecretOfB") || !strings.Contains(text, "Op1") {
				t.Errorf("%s for account A: %d %s", path, code, text)
			}
			continue
		}
		if strings.HasPrefix(path, "/_cairn/v1/") {
			if code, text := x.call(t, x.a, method, path, nil, nil); code < 400 || !strings.Contains(text, "AccessDenied") {
				t.Errorf("%s for account A: %d %s", path, code, text)
			}
		}
	}
	for _, query := range []string{
		"", "not.EventName=x", "path.eventName=*", "or.a.EventName=SecretOfB&or.a.path.eventName=SecretOfB", "EventName=SecretOfB",
		"region=eu-west-1", "path.recipientAccountId=" + accountB, "after=1-0&order=oldest",
	} {
		found, _ := x.find(t, x.a, query)
		for _, f := range found {
			if bytes.Contains(f.Record, []byte(`"recipientAccountId":"`+accountB)) {
				t.Errorf("%s: account A sees %s", query, f.Record)
			}
		}
	}
	for _, path := range []string{"events?", "values?attribute=EventName&", "histogram?step=60&", "tail?"} {
		if code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/"+path+"account="+accountB, nil, nil); code < 400 || !strings.Contains(text, "AccessDenied") || strings.Contains(text, "SecretOfB") {
			t.Errorf("%s for account A: %d %s", path, code, text)
		}
	}
	if _, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/values?attribute=EventName", nil, nil); strings.Contains(text, "SecretOfB") || !strings.Contains(text, "Op1") {
		t.Errorf("values for account A: %s", text)
	}
	if _, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/histogram?step=86400&EventName=SecretOfB", nil, nil); strings.TrimSpace(text) != `{"buckets":[]}` {
		t.Errorf("histogram for account A: %s", text)
	}
	if found, _ := x.find(t, x.operator, "EventName=SecretOfB"); len(found) != 1 {
		t.Errorf("an operator finds %d events of B", len(found))
	}
	if code, text := x.call(t, x.operator, http.MethodGet, "/_cairn/v1/backup?master-key=true", nil, nil); code < 400 || !strings.Contains(text, "AccessDenied") {
		t.Errorf("the master key: %d", code)
	}
}

// A tail sends what arrives, within the walls; one that is resumed misses
// nothing and repeats nothing.
func TestTailResumes(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	id := ""
	for round := range 3 {
		header := http.Header{}
		if id != "" {
			header.Set("Last-Event-ID", id)
			x.post(t, x.a, string(testRecord(10*round))) // while nobody follows
		}
		resp := x.send(t, x.a, http.MethodGet, "/_cairn/api/tail?EventSource=s3.amazonaws.com", header, nil)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("round %d: %s", round, resp.Status)
		}
		r := bufio.NewReader(resp.Body)
		id, _ = nextEvent(t, r, false) // the beat that begins a tail
		x.post(t, x.b, string(recordOf(accountB, 10*round+1)))
		x.post(t, x.a, string(testRecord(10*round+1)))
		first := 10 * round
		if round == 0 {
			first = 1
		}
		for n := first; n <= 10*round+1; n++ {
			var e foundLine
			var data string
			id, data = nextEvent(t, r, true)
			if err := json.Unmarshal([]byte(data), &e); err != nil || string(e.Record) != string(testRecord(n)) || id != eventlog.At(e.Seq+1).String() {
				t.Fatalf("round %d: id %s, %s; want record %d", round, id, data, n)
			}
		}
		_ = resp.Body.Close()
	}
}

// nextEvent reads a server-sent event; with data, the next one that has any.
func nextEvent(t *testing.T, r *bufio.Reader, withData bool) (id, data string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if line == "\n" && (!withData || data != "") {
				return id, data
			}
		}
	}
}

// The commands' client works over TCP as it does over the socket, for operators.
func TestClientOverTCP(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	c, err := DialEndpoint(Endpoint{URL: x.url + "/", Key: x.operator, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, c)
	const n = pageEvents + 7
	if r := importTest(t, c, testFile(1), 0, n, true); r.Counts.Stored != n || !r.State.Finished {
		t.Errorf("import %+v", r)
	}
	if state, err := c.BeginImport(t.Context(), testFile(1)); err != nil || !state.Finished {
		t.Errorf("import again: %+v %v", state, err)
	}
	q := LookupRequest{OldestFirst: true, Filters: []LookupFilter{{Attribute: "EventSource", Values: []string{"s3.amazonaws.com"}}}}
	got := lookupAll(t, c, q)
	if len(got) != n || got[n-1] != string(testRecord(n-1)) {
		t.Errorf("%d events", len(got))
	}
	if s, err := c.Status(t.Context()); err != nil || !s.Running || s.Events < n {
		t.Errorf("status %+v %v", s, err)
	}
	seen := 0
	for _, err := range c.Tail(t.Context(), TailRequest{LookupRequest: q, From: "start", Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == n {
			break
		}
	}
	if r, err := c.Check(t.Context(), func(int64) {}); err != nil || len(r.Damage) > 0 {
		t.Errorf("check %+v %v", r, err)
	}
	var answer *AnswerError
	if _, err := c.ImportRecords(t.Context(), testFile(2), 5, [][]byte{testRecord(5)}, false); !errors.As(err, &answer) || answer.StatusCode != http.StatusConflict {
		t.Errorf("a batch from the middle: %v", err)
	}
	found, _ := x.find(t, x.operator, "account="+x.server.cfg.AccountID+"&EventName=ImportEvents&not.errorCode=*")
	if len(found) != 1 || !bytes.Contains(found[0].Record, []byte(`"stored":207`)) || bytes.Contains(found[0].Record, []byte("Op1")) {
		t.Errorf("the import's record: %+v", found)
	}
	other, err := DialEndpoint(Endpoint{URL: x.url, Key: x.a, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, other)
	if _, err := other.Status(t.Context()); !errors.As(err, &answer) || !strings.Contains(answer.Text, "of account "+accountA+" and not of an operator") {
		t.Errorf("status for account A: %v", err)
	}
	for _, bad := range []string{"", "x", "ftp://h", "http://", "http://h/path", "http://u:p@h", "http://h?q"} {
		if _, err := DialEndpoint(Endpoint{URL: bad}); err == nil {
			t.Errorf("endpoint %q is taken", bad)
		}
	}
}

// A record on many lines comes as one line that is the same JSON.
func TestEventLine(t *testing.T) {
	t.Parallel()
	b, err := appendEventLine(nil, frameHead{Seq: 7, Origin: 3, Flags: 3}, []byte("{\r\n \"a\": 1.50\n}"))
	if want := `{"seq":7,"arrival":"0001-01-01T00:00:00Z","origin":"posted","flags":["ahead","conflict"],"record":{ "a": 1.50}}`; err != nil || string(b) != want {
		t.Errorf("%s %v", b, err)
	}
	// What an event acts on stands before the record, and cannot pass for it.
	b, err = appendEventLine(nil, frameHead{Origin: 3, Resources: []cairn.Resource{{Type: "AWS::S3::Object", Name: `},"record":{`}, {Name: "b"}}}, []byte("{}"))
	if want := `"flags":[],"resources":[{"type":"AWS::S3::Object","name":"},\"record\":{"},{"name":"b"}],"record":{}}`; err != nil || !strings.HasSuffix(string(b), want) {
		t.Errorf("%s %v", b, err)
	}
}

// FuzzEventQuery looks for parameters that crash the parser, or make a query
// that the event log or a record cannot be held to.
func FuzzEventQuery(f *testing.F) {
	for _, s := range []string{"", "EventName=a&EventName=b*", "or.a.not.path.x.y=1&or.a.EventName=z", "since=1&until=2024-05-01T10:00:00Z", "limit=0&after=1-2&order=oldest", `path.a\..b=\*`} {
		f.Add(s, []byte(`{"a":[{"x":{"y":"1"}},null,1.0],"a":"b"}`))
	}
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		q, err := parseEventQuery(values)
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if q.limit < 0 || !q.Since.IsZero() && q.Since.Unix() < 0 {
			t.Errorf("%+v", q)
		}
		for _, filter := range q.Filters {
			if len(filter.Values) == 0 || filter.Attribute == 0 {
				t.Errorf("%+v", filter)
			}
		}
		if keep := q.keep(); keep != nil {
			first := keep(&cairn.Event{Raw: raw})
			if again := keep(&cairn.Event{Raw: bytes.Clone(raw)}); again != first {
				t.Error("a record passes now and then")
			}
		}
	})
}

// FuzzJSONPath compares the values at a path with those that a decoder of whole
// values gives.
func FuzzJSONPath(f *testing.F) {
	f.Add("a.b", []byte(`{"a":[{"b":1},{"b":["x",true]},[{"b":null}]]}`))
	f.Add("a", []byte(`{"a":{}}`))
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		path, err := parseJSONPath(text)
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var tree any
		if !jsontext.Value(raw).IsValid() || d.Decode(&tree) != nil {
			return // a decoder of whole values loses names that come twice
		}
		var want []string
		var walk func(v any, path []string)
		walk = func(v any, path []string) {
			switch v := v.(type) {
			case []any:
				for _, e := range v {
					walk(e, path)
				}
			case map[string]any:
				if len(path) == 0 {
					want = append(want, "")
				} else if e, ok := v[path[0]]; ok {
					walk(e, path[1:])
				}
			case nil:
				if len(path) == 0 {
					want = append(want, "null")
				}
			default:
				if len(path) == 0 {
					want = append(want, fmt.Sprint(v))
				}
			}
		}
		walk(tree, path)
		var got []string
		path.values(raw, func(v string) bool { got = append(got, v); return true })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q at %q: %q, want %q", raw, text, got, want)
		}
	})
}
