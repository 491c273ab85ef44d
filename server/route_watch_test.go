package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn/aws"
	"cairn/eventlog"
	"cairn/internal/sigv4"
)

// readerPolicy lets a user read events.
const readerPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cairn:GetEvents","Resource":"*"}]}`

// A stream ends, and says why, when its caller would not be let in any more. One
// whose caller still is goes on.
func TestStreamsEndWithPermission(t *testing.T) {
	t.Parallel()
	x := serveRoutesWith(t, Config{Data: t.TempDir(), Recheck: 20 * time.Millisecond})
	stays := x.newUser(t, accountA, "stays", readerPolicy)
	other := x.send(t, stays, http.MethodGet, "/_cairn/api/tail?EventSource=s3.amazonaws.com", nil, nil)
	defer other.Body.Close()
	for name, test := range map[string]struct {
		withdraw []url.Values
		code     string
	}{
		"key disabled": {[]url.Values{{"Action": {"UpdateAccessKey"}, "Status": {"Inactive"}}}, "InvalidClientTokenId"},
		"key deleted":  {[]url.Values{{"Action": {"DeleteAccessKey"}}}, "InvalidClientTokenId"},
		"user deleted": {[]url.Values{{"Action": {"DeleteUserPolicy"}, "PolicyName": {"p"}}, {"Action": {"DeleteAccessKey"}}, {"Action": {"DeleteUser"}}}, ""},
		"denied":       {[]url.Values{{"Action": {"DeleteUserPolicy"}, "PolicyName": {"p"}}}, "AccessDenied"},
	} {
		user := strings.ReplaceAll(name, " ", "-")
		key := x.newUser(t, accountA, user, readerPolicy)
		resp := x.send(t, key, http.MethodGet, "/_cairn/api/tail?EventSource=s3.amazonaws.com", nil, nil)
		defer resp.Body.Close()
		r := bufio.NewReader(resp.Body)
		nextEvent(t, r, false)
		for _, parameters := range test.withdraw {
			parameters.Set("UserName", user)
			if parameters.Get("Action") != "DeleteUser" && parameters.Get("PolicyName") == "" {
				parameters.Set("AccessKeyId", key.AccessKeyID)
			}
			x.query(t, x.a, "iam", "2010-05-08", parameters)
		}
		rest, err := restOf(resp, r)
		if text := string(rest); err != nil || !strings.Contains(text, "event: error\ndata: ") || !strings.Contains(text, "not allowed to read it any more: "+test.code) || strings.Contains(text, "event: end") {
			t.Errorf("%s: the stream ended with %q, %v", name, text, err)
		}
	}
	r := bufio.NewReader(other.Body)
	nextEvent(t, r, false)
	x.post(t, x.a, string(testRecord(1)))
	if _, data := nextEvent(t, r, true); !strings.Contains(data, string(testRecord(1))) || !strings.Contains(data, `"origin":"posted"`) {
		t.Errorf("the stream of a user who may: %q", data)
	}
}

// restOf reads a stream that is about to end. One that does not end is given up,
// so that the test says so.
func restOf(resp *http.Response, r io.Reader) ([]byte, error) {
	defer time.AfterFunc(30*time.Second, func() { _ = resp.Body.Close() }).Stop()
	return io.ReadAll(r)
}

// A stream ends with the session that it was opened in.
func TestStreamsEndWithSession(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	x := serveRoutesWith(t, Config{Data: t.TempDir(), Recheck: 20 * time.Millisecond, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	answer := x.query(t, x.a, "sts", "2011-06-15", url.Values{"Action": {"GetSessionToken"}, "DurationSeconds": {"900"}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+"/_cairn/api/tail", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	key := sigv4.Credentials{AccessKeyID: between(answer, "AccessKeyId"), SecretAccessKey: between(answer, "SecretAccessKey"), SessionToken: between(answer, "SessionToken")}
	if err := sigv4.Sign(req, sigv4.EmptyPayload, key, "cloudtrail", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the tail of a session: %s", resp.Status)
	}
	ahead.Store(int64(time.Hour))
	rest, err := restOf(resp, resp.Body)
	if err != nil || !strings.Contains(string(rest), "ExpiredToken") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
}

// A search whose caller is not let in any more sends nothing more, and says why,
// in each form of its answer.
func TestSearchEndsWithPermission(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	x.post(t, x.a, string(testRecord(1)))
	ctx, end := context.WithCancelCause(t.Context())
	end(&endedError{refusal: aws.AccessDenied("not for you")})
	for name, format := range map[string]streamFormat{"lines": lines, "frames": frames} {
		w := httptest.NewRecorder()
		x.server.streamLookup(ctx, nil, lookingUp{query: eventlog.Query{}}, x.server.newStream(ctx, w, format))
		if text := w.Body.String(); strings.Contains(text, "Op1") || !strings.Contains(text, "AccessDenied: not for you") || strings.Contains(text, `"end"`) {
			t.Errorf("%s: %q", name, text)
		}
	}
	// The first page was read before.
	page, err := x.server.log.Lookup(t.Context(), eventlog.Query{})
	if err != nil || len(page.Events) == 0 {
		t.Fatalf("%+v %v", page, err)
	}
	w := httptest.NewRecorder()
	x.server.streamLookup(ctx, page, lookingUp{}, x.server.newStream(ctx, w, lines))
	if text := w.Body.String(); strings.Contains(text, "Op1") || !strings.Contains(text, "AccessDenied") {
		t.Errorf("behind the first page: %q", text)
	}
}

// What ends before its caller is checked again leaves nothing running; a caller
// who cannot be checked is let go.
func TestWatchFailsClosed(t *testing.T) {
	t.Parallel()
	broken := errors.New("the catalog cannot be read")
	for name, found := range map[string]brokenCallers{
		"no answer":         {err: broken},
		"somebody else":     {cred: &aws.Credential{Identity: aws.Identity{PrincipalID: "other", AccountID: accountA}}},
		"an operator then":  {cred: &aws.Credential{Identity: aws.Identity{PrincipalID: "me", AccountID: accountA}}},
		"not authorised":    {cred: &aws.Credential{Identity: aws.Identity{PrincipalID: "me", AccountID: accountA, Operator: true}}, denied: aws.AccessDenied("no")},
		"authorisation bad": {cred: &aws.Credential{Identity: aws.Identity{PrincipalID: "me", AccountID: accountA, Operator: true}}, denied: broken},
	} {
		x := &routes{Server: &Server{cfg: Config{Recheck: time.Millisecond}.withDefaults()}, callers: found}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if err := sigv4.Sign(r, sigv4.EmptyPayload, sigv4.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "s"}, "cloudtrail", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		c := &aws.Call{Identity: aws.Identity{PrincipalID: "me", AccountID: accountA, Operator: true}}
		x.watched(c, r, func(ctx context.Context) {
			<-ctx.Done()
			err := endOf(ctx, nil)
			if told := x.tell(ctx, err); err == nil || strings.Contains(told, "catalog") || !strings.HasPrefix(told, "The stream ends because its caller ") {
				t.Errorf("%s: %v, told as %q", name, err, told)
			}
		})
		x.cfg.Recheck = time.Hour
		x.watched(c, r, func(context.Context) {})
	}
}

type brokenCallers struct {
	cred        *aws.Credential
	err, denied error
}

func (b brokenCallers) Credential(context.Context, string, string, string) (*aws.Credential, error) {
	return b.cred, b.err
}
func (b brokenCallers) Authorize(context.Context, *aws.Call, aws.Permission) error { return b.denied }

// A tail's first look at a record rules nothing out that belongs to the account,
// however its digits are written.
func TestTailFirstLook(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	resp := x.send(t, x.a, http.MethodGet, "/_cairn/api/tail?EventSource=s3.amazonaws.com", nil, nil)
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	nextEvent(t, r, false)
	escaped := bytes.ReplaceAll(testRecord(2), []byte(accountA), []byte(`\u0031\u00311122223333`))
	x.post(t, x.a, string(escaped))
	_, data := nextEvent(t, r, true)
	var e foundLine
	if err := json.Unmarshal([]byte(data), &e); err != nil || !bytes.Equal(e.Record, escaped) {
		t.Errorf("the tail sent %q", data)
	}
	if mayBelong(recordOf(accountB, 1), accountA) || !mayBelong(recordOf(accountB, 1), "") || !mayBelong(recordOf(accountB, 1), accountB) {
		t.Error("the first look does not tell the accounts apart")
	}
}
