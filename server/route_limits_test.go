package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"cairn/internal/sigv4"
)

// An account can have so many streams open and no more, which leaves the others
// theirs; one that ends makes room.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	tails := make([]*http.Response, maxAccountStreams)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range tails {
		group.Go(func() error {
			tails[i] = x.send(t, x.a, http.MethodGet, "/_cairn/api/tail?EventName=nothing", nil, nil)
			return nil
		})
	}
	_ = group.Wait()
	for _, resp := range tails {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("a tail: %s", resp.Status)
		}
	}
	for _, path := range []string{"events", "tail"} {
		resp := x.send(t, x.a, http.MethodGet, "/_cairn/api/"+path, nil, nil)
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(text), "The account has 64 streams open") {
			t.Errorf("one more, %s: %s %v %s", path, resp.Status, resp.Header, text)
		}
	}
	if code, _ := x.call(t, x.a, http.MethodGet, "/_cairn/api/values?attribute=EventName", nil, nil); code != http.StatusOK {
		t.Errorf("values beside them: %d", code)
	}
	for name, key := range map[string]Credentials{"account B": x.b, "the operator": x.operator} {
		if code, text := x.call(t, key, http.MethodGet, "/_cairn/api/events", nil, nil); code != http.StatusOK {
			t.Errorf("%s beside them: %d %s", name, code, text)
		}
	}
	_ = tails[0].Body.Close()
	x.until(t, x.a, "/_cairn/api/events", http.StatusOK)
}

// until calls until the server has noticed that a stream has ended.
func (x *routesTest) until(t *testing.T, key Credentials, path string, want int) {
	t.Helper()
	for {
		code, text := x.call(t, key, http.MethodGet, path, nil, nil)
		if code == want {
			return
		}
		if code != http.StatusTooManyRequests || t.Context().Err() != nil {
			t.Fatalf("after one has ended: %d %s", code, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// All accounts together leave some places to operators, and a place that was
// given back twice is one place.
func TestPlaces(t *testing.T) {
	t.Parallel()
	p := newPlaces("streams open", 10, 4, 3)
	var releases []func()
	take := func(account string, operator bool) bool {
		release, err := p.take(account, operator)
		if err == nil {
			releases = append(releases, release)
		}
		return err == nil
	}
	for i, test := range []struct {
		account  string
		operator bool
		want     bool
	}{
		{"a", false, true}, {"a", false, true}, {"a", false, true}, {"a", false, true}, {"a", false, false},
		{"b", false, true}, {"b", false, true}, {"b", false, true}, {"b", false, false}, {"c", false, false},
		// The users of an operator's account do not keep the operator out.
		{"a", true, true}, {"o", true, true}, {"o", true, true}, {"o", true, false},
	} {
		if got := take(test.account, test.operator); got != test.want {
			t.Errorf("step %d, %s: %v", i, test.account, got)
		}
	}
	releases[0]()
	releases[0]()
	if take("c", false) {
		t.Error("an account has a place of the operators")
	}
	for _, release := range releases {
		release()
	}
	if len(p.byTaker) > 0 || p.taken != 0 {
		t.Errorf("left: %+v, %d", p.byTaker, p.taken)
	}
}

// An account can have so many searches under way that read every record, be they
// slow because nobody takes what they find. Other searches and other accounts are
// not held up by them.
func TestScansAreBounded(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	padding := bytes.Repeat([]byte("x"), 8<<10)
	var body bytes.Buffer
	for n := range 1000 {
		body.Write(bytes.Replace(testRecord(n), []byte(`"n":1.50`), fmt.Appendf(nil, `"n":"%s"`, padding), 1))
		body.WriteByte('\n')
	}
	x.post(t, x.a, body.String())
	const scan = "/_cairn/api/events?limit=0&path.eventVersion=*"
	var open []*http.Response
	for range maxAccountScans {
		// What fits into the buffers of a connection is less than the answer.
		resp := x.sendBy(t, smallBuffers(), x.a, http.MethodGet, scan, nil, nil)
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("a search: %s", resp.Status)
		}
		open = append(open, resp)
	}
	for _, path := range []string{"events?path.eventVersion=*", "events?or.a.EventName=x&or.a.Username=y", "events?ResourceName=x*", "histogram?step=3600", "histogram?step=3600&path.a=b",
		"export?format=csv&columns=eventName,path.a", "export?format=json&errorOnly=true", "timeline?name=x"} {
		resp := x.send(t, x.a, http.MethodGet, "/_cairn/api/"+path, nil, nil)
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(text), "searches that read every record") {
			t.Errorf("one more, %s: %s %s", path, resp.Status, text)
		}
	}
	if code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/events?EventName=Op1&limit=1", nil, nil); code != http.StatusOK {
		t.Errorf("a search by the index: %d %s", code, text)
	}
	if code, text := x.call(t, x.b, http.MethodGet, scan, nil, nil); code != http.StatusOK {
		t.Errorf("account B: %d %s", code, text)
	}
	_ = open[0].Body.Close()
	x.until(t, x.a, "/_cairn/api/histogram?step=86400", http.StatusOK)
}

// smallBuffers is a transport that takes little of an answer before it is read.
func smallBuffers() *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DisableCompression: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil {
				err = conn.(*net.TCPConn).SetReadBuffer(4096)
			}
			return conn, err
		}}
}

// A presigned URL works where headers cannot be set, and its record shows
// nothing of the signature.
func TestPresignedRoute(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	x.post(t, x.a, string(testRecord(1)))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+"/_cairn/api/events?EventName=Op1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	key := sigv4.Credentials{AccessKeyID: x.a.AccessKeyID, SecretAccessKey: x.a.Secret}
	address, err := sigv4.Presign(req, sigv4.EmptyPayload, key, "cloudtrail", "us-east-1", time.Minute, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	code, _, text := getEmpty(t, address)
	if code != http.StatusOK || !strings.Contains(text, string(testRecord(1))) {
		t.Errorf("presigned: %d %s", code, text)
	}
	if code, _, text := getEmpty(t, strings.Replace(address, "Op1", "Op2", 1)); code != http.StatusForbidden && code != http.StatusBadRequest {
		t.Errorf("changed: %d %s", code, text)
	}
	found, _ := x.find(t, x.a, "EventName=GetEvents&region=us-east-1")
	if len(found) != 1 || !strings.Contains(string(found[0].Record), `"requestParameters":{"EventName":"Op1"}`) || strings.Contains(string(found[0].Record), "X-Amz") {
		t.Errorf("recorded: %+v", found)
	}
}

func getEmpty(t *testing.T, address string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// newUser makes a user with an inline policy and an access key, through IAM.
func (x *routesTest) newUser(t *testing.T, account, name, policy string) Credentials {
	t.Helper()
	root := map[string]Credentials{accountA: x.a, accountB: x.b}[account]
	call := func(parameters url.Values) string {
		t.Helper()
		return x.query(t, root, "iam", "2010-05-08", parameters)
	}
	call(url.Values{"Action": {"CreateUser"}, "UserName": {name}})
	if policy != "" {
		call(url.Values{"Action": {"PutUserPolicy"}, "UserName": {name}, "PolicyName": {"p"}, "PolicyDocument": {policy}})
	}
	answer := call(url.Values{"Action": {"CreateAccessKey"}, "UserName": {name}})
	return Credentials{AccessKeyID: between(answer, "AccessKeyId"), Secret: between(answer, "SecretAccessKey")}
}

// between returns the text of an XML element.
func between(answer, tag string) string {
	_, rest, _ := strings.Cut(answer, "<"+tag+">")
	value, _, _ := strings.Cut(rest, "</"+tag+">")
	return value
}

// query calls an operation of a service of the query protocol.
func (x *routesTest) query(t *testing.T, key Credentials, service, version string, parameters url.Values) string {
	t.Helper()
	parameters.Set("Version", version)
	body := []byte(parameters.Encode())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.url+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	signed := sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret}
	if err := sigv4.Sign(req, sigv4.HashPayload(body), signed, service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", parameters.Get("Action"), resp.Status, text, err)
	}
	return string(text)
}

// A user without the permission for an action is refused by each route, even
// within the own account.
func TestRoutesAreAuthorised(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	user := x.newUser(t, accountA, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cairn:GetEvents","Resource":"*"}]}`)
	if found, _ := x.find(t, user, "EventName=Op1"); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
	if code, text := x.call(t, user, http.MethodPost, "/_cairn/events", nil, testRecord(1)); code < 400 || !strings.Contains(text, "AccessDenied") || !strings.Contains(text, "cairn:PutEvents") {
		t.Errorf("post: %d %s", code, text)
	}
	none := x.newUser(t, accountA, "nobody", "")
	for _, path := range []string{"events", "values?attribute=EventName", "histogram?step=60", "tail"} {
		if code, text := x.call(t, none, http.MethodGet, "/_cairn/api/"+path, nil, nil); code < 400 || !strings.Contains(text, "cairn:GetEvents") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	found, _ := x.find(t, x.a, "EventSource=cairn.amazonaws.com&errorCode=AccessDenied&Username=nobody&Username=reader")
	if len(found) != 5 {
		t.Errorf("%d refusals are recorded, want 5", len(found))
	}
}
