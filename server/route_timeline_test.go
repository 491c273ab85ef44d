package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn/eventlog"
	"cairn/timeline"
)

// madeCall is the record of a successful call, minutes ago.
func madeCall(account, source, name string, n, minutes int, request string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":"b%07d-0000-4000-8000-%s","eventTime":%q,"awsRegion":"us-east-1","eventSource":"%s.amazonaws.com","eventName":%q,"readOnly":false,`+
		`"eventType":"AwsApiCall","recipientAccountId":%q,"userIdentity":{"type":"IAMUser","userName":"admin","arn":"arn:aws:iam::%s:user/admin"},"requestParameters":%s,"responseElements":null}`,
		n, account, time.Now().Add(-time.Duration(minutes)*time.Minute).UTC().Format(time.RFC3339), source, name, account, account, request)
}

func (x *routesTest) timeline(t *testing.T, key Credentials, query string) Timeline {
	t.Helper()
	code, text := x.call(t, key, http.MethodGet, "/_cairn/api/timeline?"+query, nil, nil)
	out := Timeline{History: &timeline.History{}}
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, code, text)
	}
	return out
}

// A resource's history is told out of the events of the caller's account, under
// all names that it had.
func TestTimeline(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	for i, call := range [][2]string{
		{"CreateUser", `{"userName":"Kit-user"}`},
		{"AddUserToGroup", `{"userName":"Kit-user","groupName":"developers"}`},
		{"UpdateUser", `{"userName":"Kit-user","newUserName":"Kit-admin"}`},
		{"UpdateUser", `{"userName":"Kit-admin","newPath":"/admins/"}`},
	} {
		x.post(t, x.a, madeCall(accountA, "iam", call[0], i, 30-i, call[1]))
	}
	x.post(t, x.b, madeCall(accountB, "iam", "DeleteUser", 9, 5, `{"userName":"Kit-admin"}`))
	for _, query := range []string{"name=Kit-user", "name=Kit-admin&type=AWS::IAM::User", "name=arn:aws:iam::" + accountA + ":user/Kit-admin"} {
		h := x.timeline(t, x.a, query)
		if h.Name != "Kit-admin" || len(h.Names) != 2 || len(h.Changes) != 4 || h.State != timeline.StateOK || h.Account != accountA || h.Configuration["path"] != "/admins/" {
			t.Errorf("%s: %+v", query, h.History)
		}
	}
	if h := x.timeline(t, x.b, "name=Kit-admin"); h.State != timeline.StateDeleted || len(h.Changes) != 1 {
		t.Errorf("account B: %+v", h.History)
	}
	if h := x.timeline(t, x.operator, "name=Kit-user&account="+accountA+"&limit=2"); len(h.Changes) != 2 || len(h.Cut) != 1 {
		t.Errorf("the operator: %+v", h.History)
	}
	if h := x.timeline(t, x.operator, "name=arn:aws:iam::"+accountB+":user/Kit-admin"); h.Account != accountB || h.State != timeline.StateDeleted {
		t.Errorf("the operator, by ARN: %+v", h.History)
	}
	if h := x.timeline(t, x.a, "name=Kit-admin&since=2100-01-01T00:00:00Z&at=b0000001-0000-4000-8000-"+accountA); h.At == nil || h.At.Name != "Kit-user" || len(h.At.Configuration) != 2 || len(h.Changes) > 0 {
		t.Errorf("behind the second event: %+v", h.History)
	}
	if h := x.timeline(t, x.a, "name=nothing"); h.State != timeline.StateNotRecorded || h.Changes == nil {
		t.Errorf("nothing: %+v", h.History)
	}
	for _, bad := range []string{"", "name=a&account=" + accountB, "name=a&limit=0", "name=a&limit=10001", "name=a&since=x", "name=a&reads=1", "name=a&x=1", "name=" + strings.Repeat("a", maxQueryText+1)} {
		if code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/timeline?"+bad, nil, nil); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", clip(bad), code, text)
		}
	}
	if found, _ := x.find(t, x.a, "EventName=GetTimeline&not.errorCode=*"); len(found) != 5 {
		t.Errorf("%d timelines are recorded", len(found))
	}
}

// What one history is told out of is bounded over all names together: once it is too
// much, no more records are read.
func TestTimelineBytes(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	x.post(t, x.a, madeCall(accountA, "iam", "CreateUser", 1, 1, `{"userName":"Kit-user"}`))
	for bytes, want := range map[int]int{0: 1, maxTimelineBytes: 1, maxTimelineBytes + 1: 0} {
		s := &timelineSource{server: x.server, query: eventlog.Query{Scope: eventlog.Scope{Account: accountA}}, bytes: bytes}
		events, more, err := s.Find(t.Context(), []string{"Kit-user"}, 10)
		if err != nil || len(events) != want || more != (want == 0) {
			t.Errorf("after %d bytes: %d events, more %t, %v", bytes, len(events), more, err)
		}
	}
}
