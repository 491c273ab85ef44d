package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn/eventlog"
	"cairn/internal/demo"
	"cairn/internal/sigv4"
	"cairn/server"
)

// account is the operator's.
const (
	account = "111122223333"
	region  = "us-east-1"
)

// A site is a server with a console, as "cairn serve" has it.
type site struct {
	api      string // URL of the AWS API
	console  string // URL of the console
	data     string // directory
	client   *server.Client
	operator server.Credentials
	ahead    atomic.Int64 // nanoseconds by which the server's clock is ahead
}

// newSite serves an empty data directory until the test ends, where there is a browser to
// look at it.
func newSite(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	needBrowser(t)
	x := &site{data: t.TempDir()}
	cfg := server.Config{
		Data: x.data, Listen: "127.0.0.1:0", ConsoleListen: "127.0.0.1:0", AccountID: account, Region: region, Regions: []string{region, "eu-west-1"},
		Retention: eventlog.Forever, Version: "test", DeliveryInterval: time.Second, DigestInterval: time.Minute,
		Now: func() time.Time { return time.Now().Add(time.Duration(x.ahead.Load())) },
	}
	if change != nil {
		change(&cfg)
	}
	s, err := server.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, served := make(chan server.Address, 1), make(chan error, 1)
	go func() {
		served <- s.Serve(ctx, func(a server.Address, key *server.Credentials) {
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
		x.api, x.console, x.client = a.URL, a.Console, server.Dial(a.Socket)
		t.Cleanup(func() { _ = x.client.Close() })
	case err := <-served:
		served <- err
		t.Fatal(err)
	}
	return x
}

// load imports records, which are on the pages at once.
func (x *site) load(t *testing.T, records ...[]byte) {
	t.Helper()
	hash := sha256.New()
	for _, r := range records {
		hash.Write(r)
	}
	f := server.ImportFile{SHA256: hex.EncodeToString(hash.Sum(nil)), Name: "test.json", Size: 1}
	if _, err := x.client.BeginImport(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	result, err := x.client.ImportRecords(t.Context(), f, 0, records, true)
	if err != nil {
		t.Fatal(err)
	}
	if result.Counts.Stored != int64(len(records)) {
		t.Fatalf("of %d records %+v", len(records), result.Counts)
	}
}

// loadDay imports the day of a small company, with its break-in.
func (x *site) loadDay(t *testing.T) []demo.Event {
	t.Helper()
	day := demo.LastDay(1, account, region, time.Now())
	raws := make([][]byte, len(day))
	for i, e := range day {
		raws[i] = e.Raw
	}
	x.load(t, raws...)
	return day
}

// addAccount adds an account and returns the access key of its root user.
func (x *site) addAccount(t *testing.T, id string) server.Credentials {
	t.Helper()
	a, err := x.client.AddAccount(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return server.Credentials{AccessKeyID: a.AccessKeyID, Secret: a.SecretAccessKey}
}

// call makes a signed request to the AWS port, and returns the answer of a 2xx.
func (x *site) call(t *testing.T, key server.Credentials, service, method, path, body string, headers ...string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, x.api+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.Header.Set("Accept-Encoding", "identity") // log files come as they lie there
	c := sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret}
	hash := sigv4.HashPayload([]byte(body))
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	if err := sigv4.Sign(r, hash, c, service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s %s", method, path, resp.Status, text)
	}
	return string(text)
}

// cloudTrail makes a call of CloudTrail's API, and stores its answer in out.
func (x *site) cloudTrail(t *testing.T, key server.Credentials, operation string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	text := x.call(t, key, "cloudtrail", http.MethodPost, "/", string(body), "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "CloudTrail_20131101."+operation)
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			t.Fatal(err)
		}
	}
}

// link makes a one-time link to the console.
func (x *site) link(t *testing.T) string {
	t.Helper()
	l, err := x.client.ConsoleLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l.URL
}

// A made record is one of a test, in the account and region of the tests.
func madeRecord(t *testing.T, id int, members map[string]any) []byte {
	t.Helper()
	r := map[string]any{
		"eventVersion": "1.11", "eventTime": time.Now().Add(-time.Duration(id) * time.Second).UTC().Format(time.RFC3339), "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
		"awsRegion": region, "sourceIPAddress": "192.0.2.1", "userAgent": "test", "eventID": fmt.Sprintf("00000000-0000-4000-8000-%012d", id), "requestID": fmt.Sprintf("r-%d", id),
		"eventType": "AwsApiCall", "readOnly": false, "managementEvent": true, "eventCategory": "Management", "recipientAccountId": account,
		"userIdentity":      map[string]any{"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::" + account + ":user/alice", "accountId": account, "userName": "alice", "accessKeyId": "AKIAEXAMPLEALICE0000"},
		"requestParameters": map[string]any{}, "responseElements": map[string]any{},
	}
	for name, v := range members {
		if v == nil {
			delete(r, name)
		} else {
			r[name] = v
		}
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
