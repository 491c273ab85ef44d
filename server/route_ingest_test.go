package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable"
)

// ingestToken makes a token through the socket.
func (x *routesTest) ingestToken(t *testing.T, req IngestTokenRequest) string {
	t.Helper()
	c := Dial(x.socket)
	defer closeTest(t, c)
	token, err := c.AddIngestToken(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return token.Token
}

// ingest sends a body to a receiver, and returns the status and the answer.
func ingest(t *testing.T, url, source, authorization, encoding string, body []byte) (int, ingestAnswer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/_cairn/ingest/"+source, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer ingestAnswer
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return resp.StatusCode, answer, string(text)
}

func minioEntry(n int) string {
	return fmt.Sprintf(`{"version":"1","deploymentid":"d","time":"2026-02-27T19:39:%02dZ","trigger":"incoming","api":{"name":"PutBucketPolicy","bucket":"b%d","statusCode":200,"rx":1,"tx":0},"requestID":"R%d","accessKey":"dana","requestHeader":{"Authorization":"PLANTED-SECRET"}}`, n%60, n, n)
}

func kubernetesEvent(stage string, n int) string {
	return fmt.Sprintf(`{"level":"Metadata","auditID":"a%d","stage":%q,"requestURI":"/api/v1/namespaces/shop/pods","verb":"create","user":{"username":"dana"},"sourceIPs":["192.0.2.1"],"objectRef":{"resource":"pods","namespace":"shop","name":"p%d","apiVersion":"v1"},"responseStatus":{"code":201},"requestReceivedTimestamp":"2026-02-27T19:39:25.000001Z"}`, n, stage, n)
}

// Entries become records of the token's account and region, in every form that they come
// in; what is sent again is known.
func TestIngest(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	token := x.ingestToken(t, IngestTokenRequest{Name: "storage", Source: IngestMinIO, AccountID: accountB, Region: "eu-west-1"})
	for _, test := range []struct {
		what, authorization, encoding, body string
		want                                map[string]int
	}{
		{"one entry", "Bearer " + token, "", minioEntry(1), map[string]int{"stored": 1}},
		{"the same, sent again with a bare token", token, "", minioEntry(1), map[string]int{"double": 1}},
		{"a batch, an entry a line", "bearer  " + token, "", minioEntry(1) + "\n" + minioEntry(2) + "\n", map[string]int{"double": 1, "stored": 1}},
		{"an array", token, "gzip", "[" + minioEntry(3) + "," + minioEntry(4) + "]", map[string]int{"stored": 2}},
		{"packed with zstd", token, "zstd", minioEntry(5), map[string]int{"stored": 1}},
		{"MinIO asks whether the webhook is there", token, "", "{}", map[string]int{}},
	} {
		code, answer, text := ingest(t, x.url, IngestMinIO, test.authorization, test.encoding, packed(t, test.encoding, []byte(test.body)))
		if code != http.StatusOK || !reflect.DeepEqual(answer.Counts, test.want) || answer.Problems != nil {
			t.Errorf("%s: %d %s, want %v", test.what, code, text, test.want)
		}
	}
	cluster := x.ingestToken(t, IngestTokenRequest{Name: "cluster", Source: IngestKubernetes, AccountID: accountB, Region: "eu-west-1"})
	list := `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + kubernetesEvent("RequestReceived", 1) + "," + kubernetesEvent("ResponseComplete", 1) + "," + kubernetesEvent("ResponseComplete", 2) + `]}`
	for _, want := range []map[string]int{{"dropped": 1, "stored": 2}, {"dropped": 1, "double": 2}} {
		code, answer, text := ingest(t, x.url, IngestKubernetes, "Bearer "+cluster, "", []byte(list))
		if code != http.StatusOK || !reflect.DeepEqual(answer.Counts, want) || answer.Items != 3 {
			t.Errorf("an EventList: %d %s, want %v", code, text, want)
		}
	}
	if code, answer, text := ingest(t, x.url, IngestKubernetes, cluster, "", []byte(`{"kind":"EventList","items":null}`)); code != http.StatusOK || answer.Items != 0 {
		t.Errorf("an empty EventList: %d %s", code, text)
	}
	for query, n := range map[string]int{"EventSource=s3.amazonaws.com&EventName=PutBucketPolicy": 5, "EventSource=kubernetes.io&EventName=CreatePod": 2, "ResourceName=/api/v1/namespaces/shop/pods/p2": 1, "Username=dana&EventSource=min.io": 0} {
		found, _ := x.find(t, x.b, query+"&limit=0")
		if len(found) != n {
			t.Errorf("%s finds %d events, want %d", query, len(found), n)
		}
		for _, f := range found {
			if f.Origin != cairn.OriginPosted.String() || bytes.Contains(f.Record, []byte("PLANTED-SECRET")) || !bytes.Contains(f.Record, []byte(`"awsRegion":"eu-west-1"`)) {
				t.Errorf("found %s %s", f.Origin, f.Record)
			}
		}
		if others, _ := x.find(t, x.a, query+"&limit=0"); len(others) != 0 {
			t.Errorf("another account finds %d events by %s", len(others), query)
		}
	}
}

// An item that is no entry does not hold back its neighbours, is kept in the quarantine
// with the reason, and cannot smuggle in a record of its sender's making.
func TestIngestBadItems(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	x := serveRoutesWith(t, Config{Data: data})
	token := x.ingestToken(t, IngestTokenRequest{Name: "storage", Source: IngestMinIO, AccountID: accountB})
	forged := string(testRecord(1)) // a whole record of accountA
	deep := strings.Repeat(`{"a":`, maxIngestDepth+1) + "1" + strings.Repeat("}", maxIngestDepth+1)
	body := minioEntry(1) + "\n" + forged + "\n[" + minioEntry(2) + ",7," + `{"time":"never","api":{"name":"PutObject"}}` + "]\n" + deep + minioEntry(3) + "\n{\"cut off"
	code, answer, text := ingest(t, x.url, IngestMinIO, token, "", []byte(body))
	if code != http.StatusOK || answer.Items != 8 || !reflect.DeepEqual(answer.Counts, map[string]int{"stored": 3, "quarantined": 5}) {
		t.Fatalf("%d %s", code, text)
	}
	want := []string{"1 api.name: missing", "3 not an object", "4 time: missing or not in RFC 3339", "5 nested more than 200 deep", "7 not JSON from here to the end of the body"}
	for i, p := range answer.Problems {
		if got := fmt.Sprint(p.Index, " ", p.Reason); i >= len(want) || !strings.HasPrefix(got, want[i]) {
			t.Errorf("problem %d is %q", i, got)
		}
	}
	if len(answer.Problems) != len(want) {
		t.Errorf("%d problems: %s", len(answer.Problems), text)
	}
	if found, _ := x.find(t, x.operator, "account="+accountA+"&limit=0"); len(found) != 0 {
		t.Errorf("a sender has forged %s", found[0].Record)
	}
	files, err := filepath.Glob(filepath.Join(data, eventsName, "quarantine", "*.ndjson"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	lines, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for line := range strings.Lines(string(lines)) {
		var rejected eventlog.Rejected
		if err := json.NewDecoder(strings.NewReader(line)).Decode(&rejected); err != nil {
			t.Fatal(err)
		}
		var item struct {
			Ingest, Reason string
			Index          int
			Item           []byte
		}
		if err := json.Unmarshal(rejected.Raw, &item); err != nil {
			t.Fatal(err)
		}
		if rejected.Source != "ingest token storage" || item.Ingest != IngestMinIO || !bytes.Contains([]byte(body), item.Item) || len(item.Item) == 0 {
			t.Errorf("the quarantine has %s of %s", rejected.Raw, rejected.Source)
		}
		kept++
	}
	if kept != 5 {
		t.Errorf("the quarantine has %d items", kept)
	}
}

// What cannot be taken at all is refused with a status by which the sender knows whether
// to try again.
func TestIngestRefusals(t *testing.T) {
	t.Parallel()
	var full atomic.Bool
	x := serveRoutesWith(t, Config{Data: t.TempDir(), FS: fillingDisk{durable.OS, &full}})
	token := x.ingestToken(t, IngestTokenRequest{Name: "storage", Source: IngestMinIO})
	many := strings.Repeat("[],", 3) + strings.Repeat(`{"a":1},`, maxIngestItems+1)
	for _, test := range []struct {
		what, encoding, body string
		code                 int
	}{
		{"nothing", "", "", http.StatusBadRequest},
		{"no JSON", "", "hello", http.StatusBadRequest},
		{"too many", "", "[" + strings.TrimSuffix(many, ",") + "]", http.StatusBadRequest},
		{"another packing than it says", "gzip", minioEntry(1), http.StatusBadRequest},
		{"a packing that it does not say", "", string(packed(t, "gzip", []byte(minioEntry(1)))), http.StatusBadRequest},
		{"an unknown packing", "br", minioEntry(1), http.StatusUnsupportedMediaType},
		{"too long", "", strings.Repeat(" ", maxPacked+1), http.StatusRequestEntityTooLarge},
		{"a bomb", "gzip", string(packed(t, "gzip", make([]byte, maxUnpacked+1))), http.StatusRequestEntityTooLarge},
	} {
		code, _, text := ingest(t, x.url, IngestMinIO, token, test.encoding, []byte(test.body))
		if code != test.code || !strings.Contains(text, `"__type"`) {
			t.Errorf("%s: %d %.200s, want %d", test.what, code, text, test.code)
		}
	}
	full.Store(true)
	code, _, text := ingest(t, x.url, IngestMinIO, token, "", []byte(minioEntry(1)))
	full.Store(false)
	if code != http.StatusServiceUnavailable || !strings.Contains(text, "The disk of the event log is full.") {
		t.Errorf("a full disk: %d %s", code, text)
	}
	code, answer, text := ingest(t, x.url, IngestMinIO, token, "", []byte(minioEntry(1)))
	for range 100 { // as its sender would; the log looks at the disk now and then
		if code == http.StatusOK {
			break
		}
		time.Sleep(50 * time.Millisecond)
		code, answer, text = ingest(t, x.url, IngestMinIO, token, "", []byte(minioEntry(1)))
	}
	if code != http.StatusOK || answer.Counts["stored"] != 1 {
		t.Errorf("after the disk was full: %d %s", code, text)
	}
	if code, _, _ := get(t, http.MethodGet, x.url+"/_cairn/ingest/minio", http.Header{}); code == http.StatusOK {
		t.Error("a receiver answers a GET")
	}
}

// No token but the one for the source lets anybody in; who tries is counted, by address,
// and what is in the catalog opens nothing.
func TestIngestTokens(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, served := make(chan Address, 1), make(chan error, 1)
	go func() { served <- s.Serve(ctx, func(a Address, _ *Credentials) { ready <- a }) }()
	x := &routesTest{server: s}
	select {
	case a := <-ready:
		x.url, x.socket = a.URL, a.Socket
	case err := <-served:
		t.Fatal(err)
	}
	token := x.ingestToken(t, IngestTokenRequest{Name: "storage", Source: IngestMinIO})
	other := x.ingestToken(t, IngestTokenRequest{Name: "cluster", Source: IngestKubernetes})
	prefix, secret := token[:len(ingestTokenPrefix)+ingestIDLength+1], token[len(ingestTokenPrefix)+ingestIDLength+1:]
	var row ingestToken
	for r, err := range s.ingestTokens().Scan("") {
		if err != nil || bytes.Contains([]byte(fmt.Sprintf("%+v", r.Value)), []byte(secret)) {
			t.Fatal("the catalog has the secret", err)
		}
		row = r.Value
	}
	wrong := []string{"", "Bearer ", token[:len(token)-1], prefix + strings.Repeat("A", len(secret)), strings.Replace(token, prefix, other[:len(prefix)], 1),
		other, "Basic " + token, prefix + fmt.Sprintf("%x", row.Hash), "AWS4-HMAC-SHA256 Credential=x"}
	for _, authorization := range wrong {
		if code, _, text := ingest(t, x.url, IngestMinIO, authorization, "", []byte(minioEntry(1))); code != http.StatusForbidden || !strings.Contains(text, "InvalidIngestToken") {
			t.Errorf("%q: %d %s", authorization, code, text)
		}
	}
	c := Dial(x.socket)
	if _, err := c.RevokeIngestToken(t.Context(), "storage"); err != nil {
		t.Error(err)
	}
	closeTest(t, c)
	if code, _, text := ingest(t, x.url, IngestMinIO, token, "", []byte(minioEntry(1))); code != http.StatusForbidden {
		t.Errorf("a token that was revoked: %d %s", code, text)
	}
	cancel()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	names := make(map[string]int)
	var summary []byte
	page, err := s.log.Lookup(t.Context(), eventlog.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		var r cairn.Record
		if err := r.Extract(e.Raw); err != nil {
			t.Fatal(err)
		}
		names[r.EventName]++
		if r.EventName == "UnattributedFailures" {
			summary = e.Raw
		}
		if bytes.Contains(e.Raw, []byte(secret)) {
			t.Errorf("the secret is in %s", e.Raw)
		}
	}
	if names["AddIngestToken"] != 2 || names["RevokeIngestToken"] != 1 || names["PutBucketPolicy"] != 0 {
		t.Errorf("the log has %v", names)
	}
	if want := fmt.Sprintf(`"count":%d,"errorCode":"InvalidIngestToken","eventSource":"cairn.amazonaws.com"`, len(wrong)+1); !bytes.Contains(summary, []byte(want)) || !bytes.Contains(summary, []byte(`"127.0.0.1"`)) {
		t.Errorf("the summary %s has no %s", summary, want)
	}
	if err := errors.Join(s.Close()); err != nil {
		t.Error(err)
	}
}
