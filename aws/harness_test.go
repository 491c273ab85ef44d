package aws_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/internal/sigv4"
)

const (
	account = "111122223333"
	keyID   = "AKIAIOSFODNN7EXAMPLE"
	secret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// A world is what a Mux needs, and all that it was told.
type world struct {
	mux *aws.Mux
	log bytes.Buffer // of the Mux

	mu      sync.Mutex
	calls   []aws.Call // recorded
	counted []string   // codes of unattributed failures
	asked   []string   // actions and resources
	needs   []aws.Permission
	deny    bool
	failing error // of the recorder
	clock   time.Time
}

func newWorld(t *testing.T, change func(*aws.Config)) *world {
	t.Helper()
	w := &world{clock: now}
	cfg := aws.Config{
		Keys: w, Authorizer: w, Recorder: w, Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.clock },
		Regions: []string{"us-east-1", "eu-west-1"}, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	w.mux = aws.NewMux(cfg)
	w.mux.Serve(jsonAPI())
	w.mux.Serve(queryAPI())
	return w
}

func (w *world) Credential(_ context.Context, id, token, _ string) (*aws.Credential, error) {
	switch {
	case id == "AKIABROKEN":
		return nil, errors.New("the catalog is gone")
	case id == "ASIAEXPIRED":
		return nil, aws.ErrExpiredToken
	case id != keyID || token != "":
		return nil, aws.ErrUnknownKey
	}
	return &aws.Credential{Secret: secret, Identity: aws.Identity{
		Type: "IAMUser", AccountID: account, UserName: "kit", PrincipalID: "AIDAKIT", ARN: "arn:aws:iam::" + account + ":user/kit",
	}}, nil
}

func (w *world) Authorize(_ context.Context, _ *aws.Call, need aws.Permission) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, need.Action+" "+need.Resource)
	w.needs = append(w.needs, need)
	if w.deny {
		return aws.AccessDenied("not for you")
	}
	return nil
}

func (w *world) Record(_ context.Context, c *aws.Call) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		return w.failing
	}
	w.calls = append(w.calls, *c)
	return nil
}

func (w *world) Ready(*aws.Call) error { return nil }

func (w *world) Count(_ *aws.Call, e *aws.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted = append(w.counted, e.Code)
}

// An Item has a member of each type there is.
type Item struct {
	Text    string
	Flag    *bool
	Count   *int32
	Big     int64
	Ratio   float64
	Blob    []byte
	When    time.Time
	Words   []string
	Items   []Item
	Texts   map[string]string
	ByName  map[string]Item
	Inner   *Item
	Limited string `aws:"limitedName,min=3,max=5,pattern=^[a-z,]+$"`
	Choice  string `aws:",enum=one|two"`
	Page    *int32 `aws:",min=1,max=50"`
}

// EchoInput asks for its own Item.
type EchoInput struct {
	Item Item
	Must string `aws:",required"`
	Mode string
}

// EchoOutput is an EchoInput's Item.
type EchoOutput struct{ Item Item }

// SlowInput is the input of an operation with a rate.
type SlowInput struct{}

// SlowOutput has no members.
type SlowOutput struct{}

func echo(_ context.Context, c *aws.Call, in *EchoInput) (*EchoOutput, error) {
	switch in.Mode {
	case "panic":
		panic("a defect\nlevel=INFO msg=forged")
	case "break":
		return nil, errors.New("internal detail\nlevel=INFO msg=forged")
	case "server":
		return nil, &aws.Error{Code: "ServiceFailure", Status: 500, Message: "it is us"}
	case "missing":
		return nil, &aws.Error{Code: "NoSuchEntity", Status: 404, Message: `<it> & "that"`}
	case "warn":
		c.SetHeader("X-Test-Warning", "careful")
	}
	return &EchoOutput{in.Item}, nil
}

func slow(context.Context, *aws.Call, *SlowInput) (*SlowOutput, error) { return &SlowOutput{}, nil }

func known(operation string) bool { return operation == "StartTrail" }

func register(api *aws.API) *aws.API {
	aws.Handle(api, echo, aws.OnResource(func(_ *aws.Call, in *EchoInput) []string { return []string{"arn:" + in.Must} }))
	aws.Handle(api, slow, aws.Rate(2), aws.NeedsNoPermission())
	return api
}

func jsonAPI() *aws.API {
	return register(&aws.API{Service: "cloudtrail", Protocol: aws.JSON{Version: "1.1", Target: "CloudTrail_20131101"}, Known: known})
}

func queryAPI() *aws.API {
	return register(&aws.API{Service: "iam", IAMPrefix: "iam", Protocol: aws.Query{Version: "2010-05-08", Namespace: "https://iam.example/doc/"}, Known: known})
}

// A request is one to sign and send.
type request struct {
	service, region, target, body string
	method, url, id, secret       string
	header                        map[string]string
	unsigned                      bool
	skew                          time.Duration
}

func (q request) build(t testing.TB) *http.Request {
	t.Helper()
	or := func(s, plain string) string {
		if s == "" {
			return plain
		}
		return s
	}
	r := httptest.NewRequest(or(q.method, "POST"), or(q.url, "http://aws.test/"), strings.NewReader(q.body))
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("User-Agent", "tester/1")
	if q.target != "" {
		r.Header.Set("X-Amz-Target", q.target)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if !q.unsigned {
		err := sigv4.Sign(r, sigv4.HashPayload([]byte(q.body)), sigv4.Credentials{AccessKeyID: or(q.id, keyID), SecretAccessKey: or(q.secret, secret)},
			or(q.service, "cloudtrail"), or(q.region, "us-east-1"), now.Add(q.skew))
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (w *world) send(t testing.TB, q request) *http.Response {
	t.Helper()
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, q.build(t))
	return rec.Result()
}

// echoJSON and echoForm are requests for the operation Echo.
func echoJSON(body string) request {
	return request{target: "CloudTrail_20131101.Echo", body: body}
}

func echoForm(body string) request {
	return request{service: "iam", body: "Action=Echo&Version=2010-05-08&Must=x" + body, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
}

func text(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantEvents fails the test unless so many calls were recorded and counted.
func (w *world) wantEvents(t testing.TB, recorded, counted int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) != recorded || len(w.counted) != counted {
		t.Errorf("%d calls are recorded and %d counted (%v), want %d and %d", len(w.calls), len(w.counted), w.counted, recorded, counted)
	}
}
