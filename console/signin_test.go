package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cairn/aws"
	"cairn/console"
	"cairn/record"
)

// full is a log that takes no record, and counts what nobody can be named for.
type full struct{ counted []string }

func (f *full) RecordWith(context.Context, *aws.Call, record.Details) error {
	return errors.New("the disk is full")
}

func (f *full) Count(c *aws.Call, e *aws.Error) {
	f.counted = append(f.counted, c.Service+" "+e.Code+" "+c.SourceIP.String())
}

// oneKey is an access key that is known.
type oneKey struct{}

func (oneKey) Credential(context.Context, string, string, string) (*aws.Credential, error) {
	return &aws.Credential{Secret: "right", Identity: aws.Identity{Type: "Root", AccountID: "111122223333", PrincipalID: "111122223333"}}, nil
}

// Calls without a session are counted like those without a good signature, and so is a
// failure to sign in that cannot be recorded. Pages, and their question whether there is a
// session, are not. The cookie stays: it may be another's by the time of the answer.
func TestCountsNobody(t *testing.T) {
	t.Parallel()
	log := &full{}
	x := newConsole(t, func(c *console.Config) {
		c.Records, c.Keys, c.Regions, c.Region = log, oneKey{}, []string{"us-east-1"}, "us-east-1"
	})
	for _, tt := range []struct {
		method, path, body string
		status             int
		counted            string
	}{
		{"GET", "/", "", 200, ""},
		{"GET", "/session", "", 401, ""},
		{"PATCH", "/session", `{"region":"us-east-1"}`, 401, ""},
		{"GET", "/_cairn/api/events", "", 401, "cairn NotSignedIn 192.0.2.1"},
		{"POST", "/aws/iam/us-east-1/", "", 401, "iam NotSignedIn 192.0.2.1"},
		{"GET", "/aws/", "", 401, "cairn NotSignedIn 192.0.2.1"},
		{"POST", "/session", `{"accessKeyId":"AKIA","secretAccessKey":"wrong"}`, 401, "signin UnrecognizedClientException 192.0.2.1"},
		{"POST", "/session", `{"accessKeyId":"AKIA","secretAccessKey":"right"}`, 503, ""},
		{"POST", "/session", `{"link":"none"}`, 401, "signin UnrecognizedClientException 192.0.2.1"},
	} {
		log.counted = nil
		r := local(httptest.NewRequest(tt.method, "http://127.0.0.1:4587"+tt.path, strings.NewReader(tt.body)))
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.AddCookie(&http.Cookie{Name: "cairn-session-4587", Value: "that of a session that is over"})
		w := httptest.NewRecorder()
		x.ServeHTTP(w, r)
		var want []string
		if tt.counted != "" {
			want = []string{tt.counted}
		}
		if w.Code != tt.status || !slices.Equal(log.counted, want) {
			t.Errorf("%s %s: %d %s, counted %q", tt.method, tt.path, w.Code, w.Body, log.counted)
		}
		if w.Code >= 400 && len(w.Result().Cookies()) != 0 {
			t.Errorf("%s %s: cookies %v", tt.method, tt.path, w.Result().Cookies())
		}
	}
}
