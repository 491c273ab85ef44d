package server

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn/eventlog"
)

// serveConsole is serveRoutesWith, with a console and a clock that can be put ahead.
func serveConsole(t *testing.T, cfg Config) (x *routesTest, ahead *atomic.Int64) {
	t.Helper()
	ahead = new(atomic.Int64)
	cfg.Data, cfg.ConsoleListen = t.TempDir(), "127.0.0.1:0"
	cfg.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	return serveRoutesWith(t, cfg), ahead
}

// A browser has cookies, and says of its requests whose they are.
type browser struct {
	base   string
	client *http.Client
}

func (x *routesTest) browser(t *testing.T) *browser {
	t.Helper()
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{x.server.front.console.url, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// send sends a request. Headers are given in pairs; an empty value takes one away.
func (b *browser) send(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Sec-Fetch-Mode", "cors")
	req.Header.Set("Sec-Fetch-Dest", "empty")
	req.Header.Set("User-Agent", "Mozilla/5.0 (test)")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Del(headers[i])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (b *browser) call(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	resp := b.send(t, method, path, body, headers...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func keyBody(key Credentials) string {
	b, _ := json.Marshal(map[string]string{"accessKeyId": key.AccessKeyID, "secretAccessKey": key.Secret, "region": "eu-west-1"})
	return string(b)
}

func (b *browser) signIn(t *testing.T, key Credentials) {
	t.Helper()
	if code, text := b.call(t, http.MethodPost, "/session", keyBody(key)); code != http.StatusOK {
		t.Fatalf("sign in: %d %s", code, text)
	}
}

func (b *browser) cookies(t *testing.T) []*http.Cookie {
	t.Helper()
	u, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	return b.client.Jar.Cookies(u)
}

// form is a call of a query service, answered in JSON.
func (b *browser) form(t *testing.T, service string, parameters url.Values) (int, string) {
	t.Helper()
	return b.call(t, http.MethodPost, "/aws/"+service+"/us-east-1/", parameters.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json")
}

// A session begins with an access key, describes itself, changes its region, and is over
// at once when it is signed out, with its cookie too.
func TestConsoleSession(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{})
	b := x.browser(t)
	if code, text := b.call(t, http.MethodGet, "/session", ""); code != http.StatusUnauthorized || !strings.Contains(text, `"__type":"NotSignedIn"`) {
		t.Errorf("without a session: %d %s", code, text)
	}
	resp := b.send(t, http.MethodPost, "/session", keyBody(x.a))
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	var s struct {
		SignedIn    bool
		Identity    struct{ Type, ARN, AccountID, PrincipalID string }
		Region      string
		Regions     []string
		IdleSeconds int
	}
	if err := json.Unmarshal(text, &s); err != nil || !s.SignedIn || s.Identity.Type != "Root" || s.Identity.ARN != "arn:aws:iam::"+accountA+":root" ||
		s.Region != "eu-west-1" || !slices.Equal(s.Regions, []string{"us-east-1", "eu-west-1"}) || s.IdleSeconds != 3600 {
		t.Errorf("the session is %s", text)
	}
	cookie := resp.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 0 || len(cookie.Value) < 43 {
		t.Errorf("the cookie is %v", cookie)
	}
	if strings.Contains(string(text), x.a.Secret) || strings.Contains(cookie.Value, x.a.AccessKeyID) {
		t.Error("the session shows a secret, or the cookie the key")
	}
	if code, text := b.call(t, http.MethodPatch, "/session", `{"region":"us-east-1"}`); code != http.StatusOK || !strings.Contains(text, `"region":"us-east-1"`) {
		t.Errorf("another region: %d %s", code, text)
	}
	for body, want := range map[string]string{`{"region":"mars-1"}`: "no such region", `{"region":"us-east-1","link":"x"}`: "only the region", `[]`: "not the JSON object", `{"a":1}`: "not the JSON object"} {
		if code, text := b.call(t, http.MethodPatch, "/session", body); code != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("PATCH %s: %d %s", body, code, text)
		}
	}
	if code, _ := b.call(t, http.MethodPut, "/session", ""); code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", code)
	}
	stolen := cookie.Name + "=" + cookie.Value
	if code, _ := x.browser(t).call(t, http.MethodGet, "/session", "", "Cookie", stolen); code != http.StatusOK {
		t.Errorf("the cookie by hand: %d", code)
	}
	if code, _ := b.call(t, http.MethodDelete, "/session", ""); code != http.StatusNoContent || len(b.cookies(t)) != 0 {
		t.Errorf("sign out: %d, cookies %v", code, b.cookies(t))
	}
	for _, path := range []string{"/session", "/_cairn/api/events", "/aws/s3/us-east-1/"} {
		if code, _ := x.browser(t).call(t, http.MethodGet, path, "", "Cookie", stolen); code != http.StatusUnauthorized {
			t.Errorf("%s after the sign-out: %d", path, code)
		}
	}
	// A second sign-in in one browser takes the place of the first.
	b.signIn(t, x.a)
	first := b.cookies(t)[0]
	b.signIn(t, x.b)
	if code, _ := x.browser(t).call(t, http.MethodGet, "/session", "", "Cookie", first.Name+"="+first.Value); code != http.StatusUnauthorized {
		t.Errorf("the session before: %d", code)
	}
}

// Nothing is done for a request that a page of another origin could have a browser send,
// nor under a name that is not the console's.
func TestConsoleForeign(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{})
	b := x.browser(t)
	b.signIn(t, x.a)
	b.call(t, http.MethodPut, "/aws/s3/us-east-1/foreign-a", "")
	for _, tt := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", "/session", nil, 200},
		{"GET", "/session", []string{"Sec-Fetch-Site", ""}, 403},
		{"GET", "/session", []string{"Sec-Fetch-Site", "none"}, 403},
		{"GET", "/session", []string{"Sec-Fetch-Site", "same-site"}, 403}, // another port of this machine
		{"GET", "/session", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", "/session", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		{"DELETE", "/session", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/session", []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, 403},
		{"POST", "/session", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		{"GET", "/_cairn/api/events", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", "/_cairn/api/events", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "iframe"}, 403},
		{"GET", "/_cairn/api/events", []string{"Sec-Fetch-Dest", "iframe"}, 403},
		{"GET", "/_cairn/api/events", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200}, // a download
		{"GET", "/aws/s3/us-east-1/foreign-a", []string{"Sec-Fetch-Dest", "script"}, 403},
		{"GET", "/aws/s3/us-east-1/foreign-a", []string{"Sec-Fetch-Dest", "style"}, 403},
		{"GET", "/aws/s3/us-east-1/foreign-a", []string{"Sec-Fetch-Dest", "serviceworker"}, 403},
		{"GET", "/aws/s3/us-east-1/foreign-a", []string{"Sec-Fetch-Dest", "image", "Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/aws/iam/us-east-1/", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"OPTIONS", "/aws/s3/us-east-1/foreign-a", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Access-Control-Request-Method", "PUT"}, 403},
		{"GET", "/aws/iam/us-east-1/?Action=ListUsers&Version=2010-05-08", nil, 405},
		{"GET", "/session", []string{"Host", "evil.example"}, 403},
		{"GET", "/", []string{"Host", "evil.example:4587"}, 403},
		{"GET", "/", []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"GET", "/", []string{"Host", "10.0.0.1"}, 403},
		{"GET", "/", []string{"Host", "foreign-a.localhost"}, 403},
		{"GET", "/session", []string{"Host", "localhost"}, 401}, // another origin: it has no cookie
		{"GET", "/", []string{"Host", "localhost:1"}, 200},
		{"GET", "/", nil, 200},
		{"GET", "/", []string{"Sec-Fetch-Site", ""}, 200},
		{"GET", "/events", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200}, // a link from elsewhere
		{"GET", "/events", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"GET", "/assets/index.js", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, 403},
		{"POST", "/", nil, 405},
	} {
		resp := b.send(t, tt.method, tt.path, "", tt.headers...)
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("%s %s %q: %d %s, want %d", tt.method, tt.path, tt.headers, resp.StatusCode, text, tt.want)
		}
		h := resp.Header
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s %s %q: %s", tt.method, tt.path, tt.headers, name)
			}
		}
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" ||
			h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s %s: headers %v", tt.method, tt.path, h)
		}
	}
	if code, _ := b.call(t, http.MethodGet, "/session", ""); code != http.StatusOK {
		t.Errorf("the session after all that: %d", code)
	}
}

// The port of AWS's API and of the signed routes never reads a cookie: with that of an
// operator's session every route and service refuses as it does without.
func TestCookieMeansNothingToAWS(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{})
	b := x.browser(t)
	b.signIn(t, x.operator)
	cookie := b.cookies(t)[0]
	requests := []string{"GET /", "GET /some-bucket", "PUT /some-bucket/key", "GET /session", "POST /session", "GET /aws/s3/us-east-1/"}
	for _, l := range x.server.localRoutes() {
		requests = append(requests, l.pattern)
	}
	sources, err := filepath.Glob("route*.go")
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`"((?:GET|POST|PUT|PATCH|DELETE) /_cairn/[^"]+)"`)
	for _, name := range sources {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range pattern.FindAllStringSubmatch(string(source), -1) {
			requests = append(requests, m[1])
		}
	}
	for _, action := range []string{"iam 2010-05-08 ListUsers", "sts 2011-06-15 GetCallerIdentity", "sns 2010-03-31 ListTopics"} {
		requests = append(requests, "POST / "+action)
	}
	if len(requests) < 30 {
		t.Fatalf("only %d requests: %q", len(requests), requests)
	}
	for _, request := range requests {
		parts := strings.Fields(request)
		body := ""
		if len(parts) == 5 {
			body = url.Values{"Version": {parts[3]}, "Action": {parts[4]}}.Encode()
		}
		var answers [2]string
		for i, value := range []string{"", cookie.Name + "=" + cookie.Value} {
			req, err := http.NewRequestWithContext(t.Context(), parts[0], x.url+parts[1], strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if body != "" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if value != "" {
				req.Header.Set("Cookie", value)
			}
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			answers[i] = fmt.Sprint(resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"))
			resp.Body.Close()
			if resp.StatusCode < 400 || len(resp.Cookies()) > 0 {
				t.Errorf("%s with cookie %q: %s", request, value, resp.Status)
			}
		}
		if answers[0] != answers[1] {
			t.Errorf("%s: %s without a cookie, %s with it", request, answers[0], answers[1])
		}
	}
}

// A link signs in once and within ten minutes, as the operator, and making one is an event.
func TestConsoleLink(t *testing.T) {
	t.Parallel()
	x, ahead := serveConsole(t, Config{})
	local := Dial(x.socket)
	defer local.Close()
	secretOf := func() string {
		link, err := local.ConsoleLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before, secret, ok := strings.Cut(link.URL, "/#link=")
		if b := x.browser(t); !ok || before != b.base || len(secret) < 27 {
			t.Fatalf("the link is %s", link.URL)
		}
		return secret
	}
	secret := secretOf()
	b := x.browser(t)
	if code, text := b.call(t, http.MethodGet, "/session?link="+secret, ""); code != http.StatusUnauthorized {
		t.Errorf("by GET: %d %s", code, text)
	}
	if code, text := b.call(t, http.MethodPost, "/session", `{"link":"`+secret+`"}`); code != http.StatusOK || !strings.Contains(text, `"operator":true`) {
		t.Errorf("redeemed: %d %s", code, text)
	}
	if code, text := b.call(t, http.MethodGet, "/_cairn/api/events?account="+accountA, ""); code != http.StatusOK {
		t.Errorf("the operator reads another account: %d %s", code, text)
	}
	if code, _ := x.browser(t).call(t, http.MethodPost, "/session", `{"link":"`+secret+`"}`); code != http.StatusUnauthorized {
		t.Errorf("redeemed again: %d", code)
	}
	old := secretOf()
	ahead.Store(int64(11 * time.Minute))
	if code, _ := x.browser(t).call(t, http.MethodPost, "/session", `{"link":"`+old+`"}`); code != http.StatusUnauthorized {
		t.Errorf("redeemed after eleven minutes: %d", code)
	}
	// Of those who come at the same time, one gets it.
	var won atomic.Int32
	secret = secretOf()
	done := make(chan struct{})
	const racers = 2
	for range racers {
		racer := x.browser(t)
		go func() {
			defer func() { done <- struct{}{} }()
			if code, _ := racer.call(t, http.MethodPost, "/session", `{"link":"`+secret+`"}`); code == http.StatusOK {
				won.Add(1)
			}
		}()
	}
	for range racers {
		<-done
	}
	if won.Load() != 1 {
		t.Errorf("%d have redeemed one link", won.Load())
	}
	records, _ := x.find(t, x.operator, "EventName=CreateConsoleLink&EventName=ConsoleLogin&order=oldest")
	var names []string
	for _, r := range records {
		var e struct{ EventName string }
		_ = json.Unmarshal(r.Record, &e)
		names = append(names, e.EventName)
		if bytes.Contains(r.Record, []byte(secret)) || bytes.Contains(r.Record, []byte(old)) {
			t.Errorf("a record has a link's secret: %s", r.Record)
		}
	}
	if want := "CreateConsoleLink ConsoleLogin CreateConsoleLink CreateConsoleLink ConsoleLogin"; strings.Join(names, " ") != want {
		t.Errorf("the events are %q, want %q", names, want)
	}
}

// realLogin is what AWS writes of a user's sign-in, by the names of its members; that of
// the access key is added, because no password is used here.
var realLogin = []string{"eventVersion", "userIdentity.type", "userIdentity.principalId", "userIdentity.arn", "userIdentity.accountId", "userIdentity.userName",
	"eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "requestParameters", "responseElements.ConsoleLogin",
	"additionalEventData.LoginTo", "additionalEventData.MobileVersion", "additionalEventData.MFAUsed", "eventID", "readOnly", "eventType", "managementEvent",
	"recipientAccountId", "eventCategory"}

// Sign-ins are recorded as AWS records them, those that fail too, if it is known whose
// they were.
func TestConsoleLogin(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{})
	user := x.newUser(t, accountA, "kit", readerPolicy)
	x.browser(t).signIn(t, user)
	wrong := user
	wrong.Secret = strings.ToUpper(user.Secret)
	if code, text := x.browser(t).call(t, http.MethodPost, "/session", keyBody(wrong)); code != http.StatusUnauthorized || strings.Contains(text, "kit") {
		t.Errorf("a wrong secret: %d %s", code, text)
	}
	unknown := Credentials{"AKIAQAAAAAAAAAAAAAAA", user.Secret}
	if code, _ := x.browser(t).call(t, http.MethodPost, "/session", keyBody(unknown)); code != http.StatusUnauthorized {
		t.Errorf("an unknown key: %d", code)
	}
	x.browser(t).signIn(t, x.a)
	found, _ := x.find(t, x.a, "EventName=ConsoleLogin&order=oldest")
	if len(found) != 3 {
		t.Fatalf("%d sign-ins are recorded", len(found))
	}
	for i, want := range []map[string]any{
		{"responseElements.ConsoleLogin": "Success", "userIdentity.userName": "kit", "userIdentity.type": "IAMUser", "awsRegion": "eu-west-1", "errorMessage": nil},
		{"responseElements.ConsoleLogin": "Failure", "userIdentity.userName": "kit", "errorMessage": "Failed authentication", "errorCode": nil, "awsRegion": "eu-west-1"},
		{"responseElements.ConsoleLogin": "Success", "userIdentity.userName": nil, "userIdentity.type": "Root", "awsRegion": "us-east-1"},
	} {
		members := membersOf(t, found[i].Record)
		for name, value := range want {
			if members[name] != value {
				t.Errorf("sign-in %d: %s is %v, want %v", i, name, members[name], value)
			}
		}
		for name, value := range map[string]any{"eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "additionalEventData.MFAUsed": "No", "userAgent": "Mozilla/5.0 (test)",
			"additionalEventData.MobileVersion": "No", "additionalEventData.LoginTo": x.browser(t).base + "/", "sourceIPAddress": "127.0.0.1", "readOnly": false, "requestParameters": nil} {
			if got, ok := members[name]; !ok || got != value {
				t.Errorf("sign-in %d: %s is %v, want %v", i, name, got, value)
			}
		}
		if i == 0 {
			got := make([]string, 0, len(members))
			for name := range members {
				if name != "userIdentity.accessKeyId" {
					got = append(got, name)
				}
			}
			want := slices.Clone(realLogin)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("the record has %q\nAWS's has %q", got, want)
			}
		}
	}
	if all, _ := x.find(t, x.operator, "EventName=ConsoleLogin&account="+x.server.cfg.AccountID); len(all) != 0 {
		t.Errorf("the attempt of nobody known is an event: %s", all[0].Record)
	}
}

// membersOf returns the members of a record by their paths.
func membersOf(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	members := make(map[string]any)
	for name, v := range tree {
		inner, ok := v.(map[string]any)
		if !ok {
			members[name] = v
			continue
		}
		for n, e := range inner {
			members[name+"."+n] = e
		}
	}
	return members
}

// After a few attempts with a key the next ones wait, with the right secret too, and
// others do not.
func TestConsoleDelaysGuessing(t *testing.T) {
	t.Parallel()
	x, ahead := serveConsole(t, Config{})
	wrong := x.a
	wrong.Secret = "guess"
	b := x.browser(t)
	for range 3 {
		if code, text := b.call(t, http.MethodPost, "/session", keyBody(wrong)); code != http.StatusUnauthorized {
			t.Fatalf("a guess: %d %s", code, text)
		}
	}
	resp := b.send(t, http.MethodPost, "/session", keyBody(x.a))
	resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the right secret after three guesses: %s %v", resp.Status, resp.Header)
	}
	x.browser(t).signIn(t, x.b)
	ahead.Add(int64(time.Minute))
	b.signIn(t, x.a)
	x.browser(t).signIn(t, x.a) // what failed is forgotten
}

// A session that nobody uses is over after an hour, one that somebody uses after twelve.
// What pages ask of their own is no use.
func TestConsoleTimeouts(t *testing.T) {
	t.Parallel()
	x, ahead := serveConsole(t, Config{})
	used, idle, background := x.browser(t), x.browser(t), x.browser(t)
	for _, b := range []*browser{used, idle, background} {
		b.signIn(t, x.a)
	}
	status := func(b *browser, headers ...string) int {
		code, _ := b.call(t, http.MethodGet, "/session", "", headers...)
		return code
	}
	for i := range 12 {
		if code := status(used); code != http.StatusOK {
			t.Fatalf("used each hour but one minute, time %d: %d", i, code)
		}
		if code := status(background, "X-Cairn-Background", "1"); (code == http.StatusOK) != (i < 2) {
			t.Errorf("in the background, time %d: %d", i, code)
		}
		ahead.Add(int64(59 * time.Minute))
	}
	if code := status(idle); code != http.StatusUnauthorized {
		t.Errorf("idle: %d", code)
	}
	if code := status(used); code != http.StatusOK {
		t.Errorf("after 11 h 48 min: %d", code)
	}
	ahead.Add(int64(13 * time.Minute))
	if code := status(used); code != http.StatusUnauthorized {
		t.Errorf("after 12 h 1 min: %d", code)
	}
}

// A session has no rights of its own: what is withdrawn from the key or its user is
// withdrawn from the session, and from its streams.
func TestConsoleEndsWithKey(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{Recheck: 20 * time.Millisecond})
	for name, test := range map[string]struct {
		withdraw url.Values
		why      string // the stream ends
		code     int    // of a call after that
		answer   string
	}{
		"disabled": {url.Values{"Action": {"UpdateAccessKey"}, "Status": {"Inactive"}}, "InvalidClientTokenId", http.StatusUnauthorized, "NotSignedIn"},
		"deleted":  {url.Values{"Action": {"DeleteAccessKey"}}, "InvalidClientTokenId", http.StatusUnauthorized, "NotSignedIn"},
		"denied":   {url.Values{"Action": {"DeleteUserPolicy"}, "PolicyName": {"p"}}, "AccessDenied", http.StatusBadRequest, "AccessDenied"},
	} {
		key := x.newUser(t, accountA, name, readerPolicy)
		b := x.browser(t)
		b.signIn(t, key)
		resp := b.send(t, http.MethodGet, "/_cairn/api/tail?EventSource=s3.amazonaws.com", "")
		defer resp.Body.Close()
		r := bufio.NewReader(resp.Body)
		nextEvent(t, r, false)
		test.withdraw.Set("UserName", name)
		if name != "denied" {
			test.withdraw.Set("AccessKeyId", key.AccessKeyID)
		}
		x.query(t, x.a, "iam", "2010-05-08", test.withdraw)
		rest, err := restOf(resp, r)
		if text := string(rest); err != nil || !strings.Contains(text, "not allowed to read it any more: "+test.why) {
			t.Errorf("%s: the stream ended with %q, %v", name, text, err)
		}
		if code, text := b.call(t, http.MethodGet, "/_cairn/api/events", ""); code != test.code || !strings.Contains(text, test.answer) {
			t.Errorf("%s: a call is answered %d %s", name, code, text)
		}
	}
}

// Who signs out ends the streams of the session at once, and the answers that S3 sends.
func TestConsoleSignOutEndsStreams(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{Recheck: time.Hour})
	b := x.browser(t)
	b.signIn(t, x.a)
	b.call(t, http.MethodPut, "/aws/s3/us-east-1/large-a", "")
	if code, text := b.call(t, http.MethodPut, "/aws/s3/us-east-1/large-a/object", strings.Repeat("x", 64<<20)); code != http.StatusOK {
		t.Fatalf("put: %d %s", code, text)
	}
	object := b.send(t, http.MethodGet, "/aws/s3/us-east-1/large-a/object", "")
	defer object.Body.Close()
	tail := b.send(t, http.MethodGet, "/_cairn/api/tail?EventSource=none", "")
	defer tail.Body.Close()
	r := bufio.NewReader(tail.Body)
	nextEvent(t, r, false)
	if code, _ := b.call(t, http.MethodDelete, "/session", ""); code != http.StatusNoContent {
		t.Fatalf("sign out: %d", code)
	}
	rest, err := restOf(tail, r)
	if text := string(rest); err != nil || !strings.Contains(text, "not allowed to read it any more: NotSignedIn") {
		t.Errorf("the tail ended with %q, %v", text, err)
	}
	if n, err := io.Copy(io.Discard, object.Body); err == nil {
		t.Errorf("the object came whole, %d bytes", n)
	}
}

// What callers have stored can be downloaded and not be a page of the console.
func TestConsoleObjects(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{})
	b := x.browser(t)
	b.signIn(t, x.a)
	const hostile = "<script>alert(1)</script>"
	b.call(t, http.MethodPut, "/aws/s3/us-east-1/pages-a", "")
	path := "/aws/s3/us-east-1/pages-a/a//..%2Fb/page.html"
	if code, text := b.call(t, http.MethodPut, path, hostile, "Content-Type", "text/html", "Content-Disposition", "inline"); code != http.StatusOK {
		t.Fatalf("put: %d %s", code, text)
	}
	for _, query := range []string{"", "?response-content-disposition=inline&response-content-type=text%2Fhtml&response-cache-control=public"} {
		resp := b.send(t, http.MethodGet, path+query, "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		h := resp.Header
		if resp.StatusCode != http.StatusOK || string(text) != hostile || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") || h.Get("Content-Disposition") != "attachment" ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %s %s %v", query, resp.Status, text, h)
		}
	}
	resp := b.send(t, http.MethodGet, path+"?response-content-disposition="+url.QueryEscape(`attachment; filename="a.html"`), "")
	resp.Body.Close()
	if got := resp.Header.Get("Content-Disposition"); got != `attachment; filename="a.html"` {
		t.Errorf("a download's name: %q", got)
	}
	// The key came through as it was escaped.
	if _, text := b.call(t, http.MethodGet, "/aws/s3/us-east-1/pages-a?list-type=2", ""); !strings.Contains(text, "<Key>a//../b/page.html</Key>") {
		t.Errorf("the bucket has %s", text)
	}
	found, _ := x.find(t, x.a, "EventName=CreateBucket")
	if len(found) != 1 || !bytes.Contains(found[0].Record, []byte(`"sessionCredentialFromConsole":"true"`)) || !bytes.Contains(found[0].Record, []byte(`"accessKeyId":"`+x.a.AccessKeyID+`"`)) ||
		!bytes.Contains(found[0].Record, []byte(`Mozilla/5.0 (test)`)) {
		t.Errorf("the bucket's making is recorded as %+v", found)
	}
}

// Accounts are walls for the console as they are for signed requests: on every route one
// account's session gets nothing of another's.
func TestConsoleWalls(t *testing.T) {
	t.Parallel()
	x, _ := serveConsole(t, Config{})
	a, b := x.browser(t), x.browser(t)
	a.signIn(t, x.a)
	b.signIn(t, x.b)
	const mark = "secret-of-a"
	steps := []struct{ method, path, body string }{
		{"PUT", "/aws/s3/us-east-1/" + mark, ""}, {"PUT", "/aws/s3/us-east-1/" + mark + "/key", "content-" + mark},
		{"POST", "/aws/cloudtrail/us-east-1/", `{"Name":"` + mark + `","S3BucketName":"` + mark + `"}`},
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::` + mark + `","arn:aws:s3:::` + mark + `/*"]}]}`
	steps = slices.Insert(steps, 2, struct{ method, path, body string }{"PUT", "/aws/s3/us-east-1/" + mark + "?policy", policy})
	for _, s := range steps {
		if code, text := a.call(t, s.method, s.path, s.body, "X-Amz-Target", "CloudTrail_20131101.CreateTrail"); code >= 300 {
			t.Fatalf("%s %s: %d %s", s.method, s.path, code, text)
		}
	}
	if code, text := a.form(t, "iam", url.Values{"Action": {"CreateUser"}, "Version": {"2010-05-08"}, "UserName": {mark}}); code != http.StatusOK {
		t.Fatalf("create user: %d %s", code, text)
	}
	arn := url.QueryEscape("arn:aws:cloudtrail:us-east-1:" + accountA + ":trail/" + mark)
	for _, path := range []string{
		"/_cairn/api/events", "/_cairn/api/events?account=" + accountA, "/_cairn/api/events?ResourceName=" + mark, "/_cairn/api/values?attribute=ResourceName",
		"/_cairn/api/values?attribute=ResourceName&account=" + accountA, "/_cairn/api/histogram?account=" + accountA, "/_cairn/api/tail?account=" + accountA,
		"/_cairn/api/trails", "/_cairn/api/trails?account=" + accountA, "/_cairn/api/trails/files?trail=" + arn, "/_cairn/api/trails/files?trail=" + mark,
		"/_cairn/v1/status", "/aws/s3/us-east-1/", "/aws/s3/us-east-1/" + mark, "/aws/s3/us-east-1/" + mark + "/key",
	} {
		code, text := b.call(t, http.MethodGet, path, "")
		if shown := strings.ReplaceAll(text, path, ""); code == http.StatusOK && (strings.Contains(shown, mark) || strings.Contains(shown, accountA)) || strings.Contains(text, "content-") {
			t.Errorf("GET %s: %d %s", path, code, text)
		}
		if strings.Contains(path, "account=") && code == http.StatusOK {
			t.Errorf("GET %s: %d", path, code)
		}
	}
	for _, action := range []string{"ListUsers", "GetUser"} {
		if code, text := b.form(t, "iam", url.Values{"Action": {action}, "Version": {"2010-05-08"}, "UserName": {mark}}); code == http.StatusOK && strings.Contains(text, mark) {
			t.Errorf("%s: %s", action, text)
		}
	}
	for target, body := range map[string]string{
		"DescribeTrails": `{}`, "GetTrail": `{"Name":"arn:aws:cloudtrail:us-east-1:` + accountA + `:trail/` + mark + `"}`, "StopLogging": `{"Name":"` + mark + `"}`,
		"DeleteTrail": `{"Name":"arn:aws:cloudtrail:us-east-1:` + accountA + `:trail/` + mark + `"}`,
	} {
		if code, text := b.call(t, http.MethodPost, "/aws/cloudtrail/us-east-1/", body, "X-Amz-Target", "CloudTrail_20131101."+target); code == http.StatusOK && strings.Contains(text, mark) {
			t.Errorf("%s: %s", target, text)
		}
	}
	if code, text := b.call(t, http.MethodPost, "/aws/cloudtrail/us-east-1/", `{}`, "X-Amz-Target", "CloudTrail_20131101.LookupEvents"); code != http.StatusOK || strings.Contains(text, "iam::"+accountA) || !strings.Contains(text, "iam::"+accountB) {
		t.Errorf("LookupEvents: %d %s", code, text)
	}
	if code, text := a.call(t, http.MethodGet, "/aws/s3/us-east-1/"+mark+"/key", ""); code != http.StatusOK || text != "content-"+mark {
		t.Errorf("the owner reads %d %s", code, text)
	}
	// The service and region of a path cannot be made up.
	for _, path := range []string{"/aws/", "/aws/iam", "/aws/iam/us-east-1", "/aws/IAM/us-east-1/", "/aws/../us-east-1/", "/aws/i%61m/us-east-1/", "/_cairn/none", "/_cairn/v1/account", "/_cairn/v1/console-link", "/_cairn/v1/keys"} {
		if code, text := b.call(t, http.MethodPost, path, "{}"); code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
}

// A console that a certificate names is found by that name, with a cookie that only TLS
// carries.
func TestConsoleTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := writePair(t, dir, 1, []string{"console.example.org", "localhost"}, nil)
	x, _ := serveConsole(t, Config{TLSCert: cert, TLSKey: key})
	b := x.browser(t)
	b.client.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	if !strings.HasPrefix(b.base, "https://localhost:") {
		t.Fatalf("the console is at %s", b.base)
	}
	resp := b.send(t, http.MethodPost, "/session", keyBody(x.a))
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %s", resp.Status)
	}
	if c := resp.Cookies()[0]; !c.Secure || !strings.HasPrefix(c.Name, "__Host-") || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("the cookie is %v", c)
	}
	for host, want := range map[string]int{"console.example.org": 200, "CONSOLE.example.org:443": 200, "other.example.org": 403, "localhost": 200} {
		resp := b.send(t, http.MethodGet, "/", "", "Host", host)
		resp.Body.Close()
		if hsts := resp.Header.Get("Strict-Transport-Security"); resp.StatusCode != want || (hsts == "") != (host == "localhost") {
			t.Errorf("%s: %s, HSTS %q", host, resp.Status, hsts)
		}
	}
	found, _ := x.server.log.Lookup(t.Context(), eventlog.Query{})
	var last map[string]any
	if err := json.Unmarshal(found.Events[0].Raw, &last); err != nil || last["eventName"] != "ConsoleLogin" || last["tlsDetails"] == nil {
		t.Errorf("the sign-in is recorded as %s", found.Events[0].Raw)
	}
}

// Without a console there is no listener, and no link.
func TestNoConsole(t *testing.T) {
	t.Parallel()
	x := serveRoutesWith(t, Config{Data: t.TempDir(), ConsoleListen: "off"})
	local := Dial(x.socket)
	defer local.Close()
	if _, err := local.ConsoleLink(t.Context()); err == nil || !strings.Contains(err.Error(), "no console") {
		t.Errorf("a link: %v", err)
	}
	for _, cfg := range []Config{{ConsoleListen: "0.0.0.0:4587"}, {ConsoleListen: "4587"}, {ConsoleURL: "ftp://x"}, {ConsoleURL: "https://x/y"}, {ConsoleURL: "https://a.localhost"}, {ConsoleListen: "0.0.0.0:0", Dev: true, Insecure: true}} {
		if err := cfg.Validate(); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}
