package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// overview asks for an overview.
func (x *routesTest) overview(t *testing.T, key Credentials, query string) Overview {
	t.Helper()
	code, text := x.call(t, key, http.MethodGet, "/_cairn/api/overview"+query, nil, nil)
	var out Overview
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, code, text)
	}
	return out
}

func sum(buckets []overviewBucket) (n uint64) {
	for _, b := range buckets {
		n += b.Count
	}
	return n
}

// An overview counts the events of the caller's account. Only operators see
// others, and how the server stands.
func TestOverview(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	for i, account := range []string{accountA, accountA, accountA, accountB} {
		key := map[string]Credentials{accountA: x.a, accountB: x.b}[account]
		at := time.Now().Add(-time.Duration(i) * 2 * time.Hour).UTC().Format(time.RFC3339)
		x.post(t, key, fmt.Sprintf(`{"eventVersion":"1.11","eventID":"a%07d-0000-4000-8000-000000000000","eventTime":%q,"awsRegion":"eu-west-1","eventSource":"made.amazonaws.com",`+
			`"eventName":"Made%s","eventType":"AwsApiCall","recipientAccountId":%q,"errorCode":"MadeError","userIdentity":{"type":"IAMUser","userName":"made"}}`, i, at, account[:4], account))
	}
	a := x.overview(t, x.a, "?region=eu-west-1")
	if len(a.Hours) != 24 || len(a.Minutes) != 60 || len(a.Failures) != 24 || sum(a.Failures) != 3 || sum(a.Hours) < 3 || a.Account != accountA || a.Server != nil {
		t.Errorf("account A: %+v", a)
	}
	for attribute, want := range map[string]string{"EventName": "Made1111", "Username": "made", "EventSource": "made.amazonaws.com", "errorCode": "MadeError"} {
		found := uint64(0)
		for _, v := range a.Top[attribute].Values {
			if v.Value == want {
				found = v.Count
			}
			if strings.Contains(v.Value, "Made4444") {
				t.Errorf("account A sees %s of account B", v.Value)
			}
		}
		if found != 3 {
			t.Errorf("%s: %+v", attribute, a.Top[attribute])
		}
	}
	if b := x.overview(t, x.b, "?region=eu-west-1"); sum(b.Failures) != 1 || b.Newest == nil {
		t.Errorf("account B: %+v", b)
	}
	all := x.overview(t, x.operator, "")
	if sum(all.Failures) != 4 || all.Server == nil || all.Account != "" {
		t.Fatalf("the operator: %+v", all)
	}
	if s := all.Server; s.Log.Events < 4 || s.Log.ArrivedLastMinute != s.Log.Events || s.Disk.FreeBytes == nil || *s.Disk.FreeBytes == 0 || s.StoreID == "" || s.Retention != "0" || s.Deliveries.S3 != TrailsOwnS3 {
		t.Errorf("the server: %+v", s)
	}
	if one := x.overview(t, x.operator, "?top=1&account="+accountB); sum(one.Failures) != 1 || len(one.Top["EventName"].Values) != 1 {
		t.Errorf("the operator, of account B: %+v", one)
	}
	for _, bad := range []string{"?account=" + accountB, "?top=0", "?top=x", "?x=1", "?region=a&region=b"} {
		if code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/overview"+bad, nil, nil); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, code, text)
		}
	}
}

// With -long an overview of two million events of the last day is asked for, and
// the time that it takes is printed.
func TestOverviewOfMany(t *testing.T) {
	if !*long {
		t.Skip("takes a minute; run it with -long")
	}
	x := serveRoutes(t)
	x.fillLastDay(t, 2_000_000)
	for range 5 {
		begin := time.Now()
		out := x.overview(t, x.operator, "")
		t.Logf("%.1f ms for %d events", time.Since(begin).Seconds()*1000, sum(out.Hours))
	}
}
