package aws_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cairn/aws"
)

func signedIn(identity func(context.Context) (aws.Identity, error)) *aws.SignedIn {
	return &aws.SignedIn{Identity: identity, Service: "iam", Region: "eu-west-1"}
}

func kit(context.Context) (aws.Identity, error) {
	return aws.Identity{Type: "IAMUser", AccountID: account, UserName: "kit", PrincipalID: "AIDAKIT", AccessKeyID: keyID}, nil
}

func formRequest(body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.RemoteAddr = "192.0.2.9:4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "browser/1")
	r.Header.Set("Accept", "application/json")
	return r
}

// A call of somebody who has signed in is authorised, throttled and recorded like a signed
// one: as the identity, from the browser's address.
func TestSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *aws.Config) { c.Throttle = true })
	h := w.mux.SignedIn(signedIn(kit))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, formRequest("Action=Echo&Version=2010-05-08&Must=x&Item.Text=%3Cb%3E&Item.Count=3&Item.Words.member.1=a&Item.When=2026-01-02T03:04:05Z"))
	want := `{"EchoResponse":{"EchoResult":{"Item":{"Text":"<b>","Count":3,"When":1767323045,"Words":["a"]}},"ResponseMetadata":{"RequestId":"` +
		rec.Header().Get("X-Amzn-Requestid") + `"}}}`
	if got := rec.Body.String(); rec.Code != http.StatusOK || got != want || rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s\nwant %s", rec.Code, got, want)
	}
	w.wantEvents(t, 1, 0)
	c := w.calls[0]
	if c.Identity.UserName != "kit" || c.Identity.AccessKeyID != keyID || c.Region != "eu-west-1" || c.SourceIP.String() != "192.0.2.9" ||
		c.UserAgent != "browser/1" || c.Service != "iam" || c.Operation != "Echo" || c.SignedIn() == nil || c.SignatureVersion != "" {
		t.Errorf("recorded %+v", c)
	}
	if len(w.asked) != 1 || w.asked[0] != "iam:Echo arn:x" {
		t.Errorf("asked for %q", w.asked)
	}
	codes := map[int]int{}
	for range 4 {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, formRequest("Action=Slow&Version=2010-05-08"))
		codes[rec.Code]++
	}
	if codes[http.StatusOK] != 2 || codes[http.StatusBadRequest] != 2 {
		t.Errorf("throttled calls were answered %v", codes)
	}
}

// Refusals are AWS's, in JSON, and recorded.
func TestSignedInRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for body, want := range map[string]string{
		"Action=Echo&Must=x&Mode=missing": `"Error":{"Code":"NoSuchEntity","Message":"<it> & \"that\"","Type":"Sender"},"RequestId":"`,
		"Action=Echo&Must=x&Mode=server":  `"Type":"Receiver"`,
		"Action=Echo":                     `"Code":"ValidationError"`,
		"Action=Nothing":                  `"Code":"InvalidAction"`,
	} {
		rec := httptest.NewRecorder()
		w.mux.SignedIn(signedIn(kit)).ServeHTTP(rec, formRequest(body))
		if rec.Code == http.StatusOK || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s", body, rec.Code, rec.Body)
		}
	}
	elsewhere := signedIn(kit)
	elsewhere.Region = "mars-north-1"
	rec := httptest.NewRecorder()
	w.mux.SignedIn(elsewhere).ServeHTTP(rec, formRequest("Action=Echo&Must=x"))
	if rec.Code != http.StatusForbidden || !strings.Contains(rec.Body.String(), "does not exist here") {
		t.Errorf("another region: %d %s", rec.Code, rec.Body)
	}
	w.wantEvents(t, 5, 0)
	if last := w.calls[4]; last.Region != "us-east-1" {
		t.Errorf("a region that does not exist is recorded as %s", last.Region)
	}
}

// Who is nobody any more gets nothing, and is counted.
func TestSignedInEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, err := range []error{aws.ErrUnknownKey, aws.ErrExpiredToken} {
		rec := httptest.NewRecorder()
		w.mux.SignedIn(signedIn(func(context.Context) (aws.Identity, error) { return aws.Identity{}, err })).ServeHTTP(rec, formRequest("Action=Echo&Must=x"))
		if rec.Code != http.StatusForbidden {
			t.Errorf("%v: %d %s", err, rec.Code, rec.Body)
		}
	}
	w.wantEvents(t, 0, 2)
	rec := httptest.NewRecorder()
	w.mux.SignedIn(signedIn(func(context.Context) (aws.Identity, error) { return aws.Identity{}, errors.New("the catalog is gone") })).ServeHTTP(rec, formRequest("Action=Echo&Must=x"))
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "catalog") {
		t.Errorf("a failure: %d %s", rec.Code, rec.Body)
	}
}

// Routes take who has signed in by the one way that the process has, and nothing that
// comes in by the network.
func TestRouteSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var caller aws.Identity
	route := w.mux.Handler(aws.Route{Operation: "GetEvents", ReadOnly: true, Serve: func(_ context.Context, c *aws.Call, _ *http.Request, body []byte) (func(http.ResponseWriter), error) {
		caller = c.Identity
		return func(w http.ResponseWriter) { _, _ = w.Write(body) }, nil
	}})
	h := aws.RouteSignedIn(route, signedIn(kit))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, formRequest("hello"))
	if rec.Code != http.StatusOK || rec.Body.String() != "hello" || caller.UserName != "kit" {
		t.Errorf("%d %s as %+v", rec.Code, rec.Body, caller)
	}
	w.wantEvents(t, 1, 0)
	if c := w.calls[0]; c.Service != "cairn" || c.Operation != "GetEvents" || c.Region != "eu-west-1" {
		t.Errorf("recorded %+v", c)
	}
	if len(w.asked) != 1 || w.asked[0] != "cairn:GetEvents *" {
		t.Errorf("asked for %q", w.asked)
	}
	if other := aws.RouteSignedIn(http.NotFoundHandler(), signedIn(kit)); other != nil {
		t.Error("a handler that is no route was taken for one")
	}
	rec = httptest.NewRecorder()
	route.ServeHTTP(rec, formRequest("hello"))
	if rec.Code == http.StatusOK {
		t.Errorf("without a signature: %d %s", rec.Code, rec.Body)
	}
}

// Only who accepts JSON and no XML gets it.
func TestQueryJSONIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for accept, want := range map[string]string{
		"": "text/xml", "*/*": "text/xml", "application/json": "application/json", "text/html, application/json;q=0.9": "application/json",
		"application/xml, application/json": "text/xml",
	} {
		q := echoForm("")
		q.header["Accept"] = accept
		if got := w.send(t, q).Header.Get("Content-Type"); got != want {
			t.Errorf("Accept %q: %s, want %s", accept, got, want)
		}
	}
}
