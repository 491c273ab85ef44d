package aws_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/identity"
	"cairn/internal/awsmodel"
	"cairn/internal/durable/memfs"
	"cairn/record"
	"cairn/service/cloudtrail"

	"golang.org/x/mod/sumdb/note"
)

// A realFront is all services behind a Mux, with a real recorder and event log.
type realFront struct {
	t      *testing.T
	store  *identity.Store
	log    *eventlog.Log
	mux    *aws.Mux
	logged bytes.Buffer
	id     string // of the root user's access key
	secret string
}

func newRealFront(t *testing.T) *realFront {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, public, err := note.GenerateKey(rand.Reader, "cairn.test")
	must(err)
	signer, err := note.NewSigner(key)
	must(err)
	verifier, err := note.NewVerifier(public)
	must(err)
	f := &realFront{t: t}
	logger := slog.New(slog.NewTextHandler(&f.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.log, err = eventlog.Open(eventlog.Config{Dir: "events", FS: memfs.New(0), Signer: signer, Verifiers: note.VerifierList(verifier), ReserveBytes: -1})
	must(err)
	recorder, err := record.New(record.Config{Log: f.log, AccountID: account, Logger: logger})
	must(err)
	t.Cleanup(func() {
		must(recorder.Close())
		must(f.log.Close())
	})
	cat, store := newStore(t)
	f.store = store
	f.id, f.secret, err = store.AddAccount(account)
	must(err)
	f.mux = aws.NewMux(aws.Config{Keys: store, Authorizer: store, Recorder: recorder, Logger: logger, Regions: []string{"us-east-1"}})
	for _, api := range served(t, cat, store, &cloudtrail.Service{History: f.log, Sealer: cat.Keyring(), Logger: logger, Now: time.Now}) {
		f.mux.Serve(api)
	}
	return f
}

// post sends a request, of the root user if it names no other, and returns its answer.
func (f *realFront) post(q request) (int, string) {
	f.t.Helper()
	if q.id == "" {
		q.id, q.secret = f.id, f.secret
	}
	q.skew = time.Since(now)
	rec := httptest.NewRecorder()
	f.mux.ServeHTTP(rec, q.build(f.t))
	return rec.Code, rec.Body.String()
}

// events are all records of the log.
func (f *realFront) events() (raws []string) {
	f.t.Helper()
	q := eventlog.Query{Limit: 1000}
	for {
		page, err := f.log.Lookup(context.Background(), q)
		if err != nil {
			f.t.Fatal(err)
		}
		for i := range page.Events {
			raws = append(raws, string(page.Events[i].Raw))
		}
		if !page.More {
			return raws
		}
		q.After = page.Next
	}
}

const marker = "PLANTED7SECRET7MARKER"

// A secret that stands in any sensitive member of a request to a service that is
// served, well-formed or not, reaches neither the event log nor the server's own
// log; nor does one of an answer (S7).
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	f := newRealFront(t)
	planted, calls := 0, 0
	for _, id := range []string{"iam", "sts", "cloudtrail"} {
		model, ok := awsmodel.Service(id)
		if !ok {
			t.Fatalf("no model of %s", id)
		}
		for _, op := range model.Operations() {
			tree, n := plant(op.Input(), false, 0)
			if n == 0 {
				continue
			}
			planted += n
			input, _ := tree.(map[string]any)
			if id == "cloudtrail" {
				body, err := json.Marshal(input)
				if err != nil {
					t.Fatal(err)
				}
				f.post(request{target: "CloudTrail_20131101." + op.Name, body: string(body)})
				calls++
				continue
			}
			for _, broken := range []string{"", "&DurationSeconds=x&MaxItems=x&MaxSessionDuration=x&Tags=x"} {
				form := url.Values{"Action": {op.Name}}
				addForm(form, "", input)
				f.post(request{service: id, body: form.Encode() + broken})
				calls++
			}
		}
	}
	if planted < 5 {
		t.Errorf("only %d secrets were planted", planted)
	}

	// Answers: what they give away is found nowhere either.
	secrets := []string{marker, base64.StdEncoding.EncodeToString([]byte(marker))[:24], f.secret}
	trust := url.QueryEscape(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:user/kit"},"Action":"sts:AssumeRole"}}`)
	var kit []string // the user's access key
	for _, q := range []request{
		{service: "iam", body: "Action=CreateUser&UserName=kit"},
		{service: "iam", body: "Action=CreateAccessKey&UserName=kit"},
		{service: "iam", body: "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + trust},
		{service: "sts", body: "Action=GetSessionToken"},
		{service: "sts", body: "Action=AssumeRole&RoleSessionName=xx&RoleArn=arn:aws:iam::" + account + ":role/r", id: "kit"},
		{service: "sts", body: "Action=GetFederationToken&Name=xx"},
	} {
		if q.id == "kit" {
			q.id, q.secret = kit[1], kit[2]
		}
		status, answer := f.post(q)
		calls++
		for _, match := range regexp.MustCompile(`<(?:SecretAccessKey|SessionToken)>([^<]+)<`).FindAllStringSubmatch(answer, -1) {
			secrets = append(secrets, match[1])
		}
		if match := regexp.MustCompile(`<AccessKeyId>([^<]+)<.*<SecretAccessKey>([^<]+)<`).FindStringSubmatch(answer); match != nil && kit == nil {
			kit = match
		}
		if status != 200 {
			t.Errorf("%s: %d %s", q.body, status, answer)
		}
	}
	if len(secrets) != 3+1+2+2+2 {
		t.Errorf("the answers gave only %d secrets", len(secrets)-3)
	}
	raws := f.events()
	if len(raws) != calls {
		t.Errorf("%d events of %d calls", len(raws), calls)
	}
	for _, text := range append(raws, f.logged.String()) {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("a secret is in %.2000s", text)
			}
		}
	}
	t.Logf("%d secrets planted, %d in answers, %d events", planted, len(secrets)-3, len(raws))
}

// plant makes a value of a shape with the marker in all that is sensitive, and
// tells how often that is.
func plant(s *awsmodel.Shape, secret bool, depth int) (any, int) {
	if s == nil || depth > 8 {
		return nil, 0
	}
	secret = secret || s.Sensitive
	switch s.Kind {
	case awsmodel.Structure:
		object, total := map[string]any{}, 0
		for i := range s.Members {
			if v, n := plant(s.Members[i].Shape(), secret, depth+1); v != nil {
				object[s.Members[i].Name] = v
				total += n
			}
		}
		return object, total
	case awsmodel.List:
		v, n := plant(s.Element.Shape(), secret, depth+1)
		return []any{v}, n
	case awsmodel.Map:
		v, n := plant(s.Value.Shape(), secret, depth+1)
		return map[string]any{"key": v}, n
	case awsmodel.String:
		if secret {
			return marker, 1
		}
		return "plain", 0
	case awsmodel.Blob:
		if secret {
			return base64.StdEncoding.EncodeToString([]byte(marker)), 1
		}
	}
	return nil, 0
}

// addForm writes a tree as the query protocol does.
func addForm(form url.Values, prefix string, v any) {
	join := func(name string) string { return strings.TrimPrefix(prefix+"."+name, ".") }
	switch v := v.(type) {
	case string:
		form.Set(prefix, v)
	case []any:
		for i, e := range v {
			addForm(form, join("member."+strconv.Itoa(i+1)), e)
		}
	case map[string]any:
		for name, e := range v {
			addForm(form, join(name), e)
		}
	}
}

// Odd requests of a verified caller are kept in the history as what they are, one
// event each: nobody hides behind bytes that no record could hold.
func TestOddCallsAreRecorded(t *testing.T) {
	t.Parallel()
	f := newRealFront(t)
	bodies := []request{
		{target: "CloudTrail_20131101.LookupEvents", body: "{"},
		{target: "CloudTrail_20131101.LookupEvents", body: "\x1f\x8b", header: map[string]string{"Content-Encoding": "gzip"}},
		{target: "CloudTrail_20131101.LookupEvents", body: "{}", header: map[string]string{"Content-Encoding": "zip"}},
		{target: "CloudTrail_20131101." + strings.Repeat("A", 3000), body: "{}"},
		{target: "CloudTrail_20131101.", body: "{}"},
		{target: "nonsense", body: "{}"},
		{service: "iam", body: "Action=" + urlEscape("Get\x00User\n\xff\u202e") + "&UserName=kit"},
		{service: "iam", body: "Action=" + strings.Repeat("A", 100_000)},
		{service: "iam", body: "Action=GetUser&UserName=" + urlEscape("\x00\xff\xfe{\"x\":")},
		{service: "iam", body: "Action=NoSuch&" + strings.Repeat("a.", 15) + "b=" + strings.Repeat("x", 300_000)},
		{service: "iam", body: "Version=1"},
		{service: "iam", body: "%zz"},
		{service: "nosuchservice", body: "Action=X"},
		{region: "mars-north-1", target: "CloudTrail_20131101.LookupEvents", body: "{}"},
		{target: "CloudTrail_20131101.LookupEvents", body: "{}", header: map[string]string{"User-Agent": strings.Repeat("agent", 5000)}},
		{target: "CloudTrail_20131101.LookupEvents", body: `{"x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}"},
	}
	for i, q := range bodies {
		if status, answer := f.post(q); status >= 500 {
			t.Errorf("request %d: %d %s", i, status, answer)
		}
		if n := len(f.events()); n != i+1 {
			t.Fatalf("%d events after %d calls; the last was %.100q %.100q", n, i+1, q.target, q.body)
		}
	}
	for _, raw := range f.events() {
		var e cairn.Record
		if err := e.Extract([]byte(raw)); err != nil || e.AccountID != account || e.UserIdentity.AccessKeyID != f.id {
			t.Errorf("%v: %.500s", err, raw)
		}
	}
	wantOneLineEach(t, f.logged.String())
	if f.logged.Len() > 0 {
		t.Errorf("internal failures: %s", f.logged.String())
	}
}

// A name in letters whose lower case is shorter leads nobody past the record.
func TestKelvinSign(t *testing.T) {
	t.Parallel()
	f := newRealFront(t)
	f.post(request{service: "iam", body: "Action=CreateUser&UserName=k"})
	status, answer := f.post(request{service: "iam", body: "Action=UpdateUser&UserName=%E2%84%AA&NewUserName=x"})
	if status < 400 || status >= 500 || len(f.events()) != 2 {
		t.Errorf("%d %s, %d events", status, answer, len(f.events()))
	}
	if f.logged.Len() > 0 {
		t.Error(f.logged.String())
	}
}
