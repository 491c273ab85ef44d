package server

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"cairn/internal/sigv4"
)

// So many streams can be open and no more; one that ends makes room.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("opens hundreds of connections")
	}
	x := serveRoutes(t)
	tails := make([]*http.Response, maxStreams)
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
	if code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/events", nil, nil); code != http.StatusTooManyRequests || !strings.Contains(text, "ThrottlingException") {
		t.Errorf("one more: %d %s", code, text)
	}
	if code, _ := x.call(t, x.a, http.MethodGet, "/_cairn/api/values?attribute=EventName", nil, nil); code != http.StatusOK {
		t.Errorf("values beside them: %d", code)
	}
	_ = tails[0].Body.Close()
	for {
		code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/events", nil, nil)
		if code == http.StatusOK {
			return
		}
		if code != http.StatusTooManyRequests || t.Context().Err() != nil {
			t.Fatalf("after one has ended: %d %s", code, text)
		}
		time.Sleep(10 * time.Millisecond) // until the server notices
	}
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
		parameters.Set("Version", "2010-05-08")
		body := []byte(parameters.Encode())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.url+"/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		key := sigv4.Credentials{AccessKeyID: root.AccessKeyID, SecretAccessKey: root.Secret}
		if err := sigv4.Sign(req, sigv4.HashPayload(body), key, "iam", "us-east-1", time.Now()); err != nil {
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
	call(url.Values{"Action": {"CreateUser"}, "UserName": {name}})
	if policy != "" {
		call(url.Values{"Action": {"PutUserPolicy"}, "UserName": {name}, "PolicyName": {"p"}, "PolicyDocument": {policy}})
	}
	answer := call(url.Values{"Action": {"CreateAccessKey"}, "UserName": {name}})
	between := func(tag string) string {
		_, rest, _ := strings.Cut(answer, "<"+tag+">")
		value, _, _ := strings.Cut(rest, "</"+tag+">")
		return value
	}
	return Credentials{AccessKeyID: between("AccessKeyId"), Secret: between("SecretAccessKey")}
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
