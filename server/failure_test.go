package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cairn"
)

// callRecord is a record of account A, of one of seven kinds, and says whether
// its call failed.
func callRecord(n int) (raw []byte, failed bool) {
	source, name, more := "signin.amazonaws.com", "ConsoleLogin", ""
	switch n % 7 {
	case 0:
		source, name, more, failed = "s3.amazonaws.com", "GetBucketAcl", `"errorCode":"AccessDenied","errorMessage":"no","responseElements":null`, true
	case 1:
		more = `"responseElements":{"ConsoleLogin":"Success"}`
	case 2:
		more, failed = `"errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"}`, true
	case 3:
		name, more, failed = "CheckMfa", `"responseElements":{"CheckMfa":"Failure"}`, true
	case 4:
		more, failed = `"errorCode":"Broken","responseElements":null`, true
	case 5:
		source, name, more = "s3.amazonaws.com", "GetBucketAcl", `"errorMessage":"a remark","responseElements":{"GetBucketAcl":"Failure"}`
	case 6:
		source, name, more = "s3.amazonaws.com", "GetBucketAcl", `"responseElements":null`
	}
	return fmt.Appendf(nil, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"kit"},`+
		`"eventTime":"2024-05-01T10:%02d:%02dZ","eventSource":"%s","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"test",`+
		`"requestParameters":null,%s,"eventID":"00000000-0000-4000-8000-%012d","readOnly":false,"eventType":"AwsApiCall","recipientAccountId":"111122223333","eventCategory":"Management"}`,
		n/3/60%60, n/3%60, source, name, more, n), failed
}

// What failed is found among what did not, in order and page by page, by every
// route; a sign-in that failed has no error code.
func TestErrorOnly(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	const n = 1500
	var body bytes.Buffer
	var want []string // the oldest first; three are of one second
	for i := range n {
		raw, failed := callRecord(i)
		body.Write(append(raw, '\n'))
		if failed {
			want = append(want, string(raw))
		}
	}
	x.post(t, x.a, body.String())
	newest := slices.Clone(want)
	slices.Reverse(newest)
	client := Dial(x.socket)
	defer closeTest(t, client)
	for _, oldest := range []bool{false, true} {
		all, order := newest, "newest"
		if oldest {
			all, order = want, "oldest"
		}
		for _, limit := range []int{0, 1, 50, 333} {
			expected := all
			if limit > 0 {
				expected = all[:limit]
			}
			if got := lookupAll(t, client, LookupRequest{ErrorOnly: true, OldestFirst: oldest, Limit: limit}); !slices.Equal(got, expected) {
				t.Errorf("limit %d, the %s first: %d events, want %d", limit, order, len(got), len(expected))
			}
		}
		var paged []string
		for next := ""; ; {
			found, after := x.find(t, x.a, "errorOnly=true&limit=170&order="+order+"&after="+next)
			for _, f := range found {
				paged = append(paged, string(f.Record))
			}
			if next = after; next == "" {
				break
			}
		}
		if !slices.Equal(paged, all) {
			t.Errorf("%d events in pages, the %s first, want %d", len(paged), order, len(all))
		}
	}
	name := []LookupFilter{{Attribute: "EventName", Values: []string{"CheckMfa"}}}
	if got := lookupAll(t, client, LookupRequest{ErrorOnly: true, Filters: name}); len(got) != n/7 {
		t.Errorf("%d of %d second factors failed", len(got), n/7)
	}

	var tailed []string
	for e, err := range client.Tail(t.Context(), TailRequest{LookupRequest: LookupRequest{Account: accountA, ErrorOnly: true}, From: "start"}) {
		if err != nil {
			t.Fatal(err)
		}
		tailed = append(tailed, string(e.Raw))
	}
	if !slices.Equal(tailed, want) {
		t.Errorf("a tail has %d events, want %d", len(tailed), len(want))
	}

	sum := func(text string) (total int) {
		var h struct{ Buckets []struct{ Count int } }
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for _, b := range h.Buckets {
			total += b.Count
		}
		return total
	}
	_, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/histogram?step=60&errorOnly=true&until=2024-05-02T00:00:00Z", nil, nil)
	if got := sum(text); got != len(want) {
		t.Errorf("a histogram counts %d, want %d", got, len(want))
	}
	_, text = x.call(t, x.operator, http.MethodPost, "/_cairn/v1/histogram", nil, []byte(`{"stepSeconds":60,"errorOnly":true,"account":"`+accountA+`","until":"2024-05-02T00:00:00Z"}`))
	if got := sum(text); got != len(want) {
		t.Errorf("an operator's histogram counts %d, want %d", got, len(want))
	}
}

// An event says why its call failed.
func TestFailure(t *testing.T) {
	t.Parallel()
	for n, want := range []string{"AccessDenied", "", "Failed authentication", "Failure", "Broken", "a remark", ""} {
		e := cairn.Event{}
		e.Raw, _ = callRecord(n)
		if err := e.Extract(); err != nil {
			t.Fatal(err)
		}
		if got := Failure(&e); got != want {
			t.Errorf("%s: %q, want %q", e.Raw, got, want)
		}
	}
}

// The commands' client finds and follows an account's own events with the
// account's credentials, and no others.
func TestClientOfAccount(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	c, err := DialEndpoint(Endpoint{URL: x.url, Key: x.a, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, c)
	x.post(t, x.a, string(testRecord(1)))
	x.post(t, x.b, string(recordOf(accountB, 2)))
	found := 0
	for e, err := range c.Lookup(t.Context(), LookupRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		if found++; e.AccountID != accountA {
			t.Errorf("found %s", e.Raw)
		}
	}
	if found == 0 {
		t.Error("the account finds none of its events")
	}
	for _, err := range c.Lookup(t.Context(), LookupRequest{Account: accountB}) {
		if err == nil || !strings.Contains(err.Error(), "other accounts") {
			t.Errorf("events of another account: %v", err)
		}
	}

	end, err := c.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.post(t, x.b, string(recordOf(accountB, 3)))
	x.post(t, x.a, string(testRecord(4)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	q := LookupRequest{Filters: []LookupFilter{{Attribute: "EventSource", Values: []string{"s3.amazonaws.com"}}}}
	for e, err := range c.Tail(ctx, TailRequest{LookupRequest: q, From: end, Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Raw) != string(testRecord(4)) {
			t.Errorf("followed %s", e.Raw)
		}
		break
	}
}
