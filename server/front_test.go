package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/identity"
	"cairn/internal/sigv4"
)

// callSTS asks who signed a request, and returns the answer.
func callSTS(t *testing.T, url string, key Credentials) (status int, body string) {
	t.Helper()
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	err = sigv4.Sign(req, sigv4.HashPayload([]byte(form)), sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret}, "sts", "us-east-1", time.Now())
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
	return resp.StatusCode, string(b)
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The first start makes a random access key, hands it out once and keeps it in a
// file for the owner alone. It is the operator's, and stands in no log.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	secrets := make(map[string]bool)
	for range 2 {
		data := t.TempDir()
		cfg := Config{Data: data, AccountID: "123456789012", Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		a, key, stop := serveConfig(t, cfg)
		if key == nil || len(key.AccessKeyID) != 20 || len(key.Secret) != 40 || secrets[key.Secret] {
			t.Fatalf("the first start gave %+v", key)
		}
		secrets[key.Secret] = true
		if account, ok := identity.AccountOfKey(key.AccessKeyID); !ok || account != "123456789012" {
			t.Errorf("the key belongs to %s", account)
		}
		name := filepath.Join(data, CredentialsName)
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if kept, err := ReadCredentials(data); err != nil || *kept != *key {
			t.Errorf("kept %v, %v", kept, err)
		}
		if code, body := callSTS(t, a.URL, *key); code != http.StatusOK || !strings.Contains(body, "arn:aws:iam::123456789012:root") {
			t.Errorf("%d %s", code, body)
		}
		if code, body := callSTS(t, a.URL, Credentials{key.AccessKeyID, key.Secret[1:] + "x"}); code != http.StatusForbidden {
			t.Errorf("a wrong secret: %d %s", code, body)
		}
		stop()

		_, again, stop := serveConfig(t, cfg)
		if again != nil {
			t.Errorf("the second start gave %+v", again)
		}
		stop()
		// The key outlives its file, whose removal is for good.
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		a, again, stop = serveConfig(t, cfg)
		if _, err := os.Stat(name); again != nil || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without the file: %+v, %v", again, err)
		}
		if code, body := callSTS(t, a.URL, *key); code != http.StatusOK {
			t.Errorf("without the file: %d %s", code, body)
		}
		stop()
	}
	for secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
	if log.String() == "" {
		t.Error("nothing was logged, so the test shows nothing")
	}
}

// A start that was cut off before the key was in its file is made up for, and the
// operator's account stays the first one.
func TestInterruptedBootstrap(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s, err := Open(Config{Data: data, AccountID: "123456789012", Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	store, err := s.openIdentities(false)
	if err != nil {
		t.Fatal(err)
	}
	id, secret, err := store.Bootstrap("123456789012")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, key, stop := serveConfig(t, Config{Data: data, AccountID: "123456789012"})
	stop()
	if key == nil || key.AccessKeyID != id || key.Secret != secret {
		t.Errorf("the next start gave %+v", key)
	}
	if kept, err := ReadCredentials(data); err != nil || kept.Secret != secret {
		t.Errorf("kept %v, %v", kept, err)
	}
	s, err = Open(Config{Data: data, AccountID: "210987654321", Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Serve(t.Context(), func(Address, *Credentials) { t.Error("served with another operator") })
	var pinned *identity.OperatorError
	if !errors.As(err, &pinned) || !strings.Contains(err.Error(), "--account-id 123456789012") {
		t.Errorf("with another account: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// In development mode unknown credentials are somebody, and known ones are
// checked all the same.
func TestDevCredentials(t *testing.T) {
	t.Parallel()
	a, key, _ := serveConfig(t, Config{Data: t.TempDir(), Dev: true})
	for _, test := range []struct {
		key    Credentials
		status int
		text   string
	}{
		{Credentials{"test", "test"}, 200, "arn:aws:iam::000000000000:root"},
		{Credentials{"210987654321", "anything"}, 200, "arn:aws:iam::210987654321:root"},
		{Credentials{"AKIAIOSFODNN7EXAMPLE", "anything"}, 200, "arn:aws:iam::000000000000:root"},
		{*key, 200, "arn:aws:iam::000000000000:root"},
		{Credentials{key.AccessKeyID, "anything"}, 403, "SignatureDoesNotMatch"},
	} {
		if code, body := callSTS(t, a.URL, test.key); code != test.status || !strings.Contains(body, test.text) {
			t.Errorf("%s: %d %s", test.key.AccessKeyID, code, body)
		}
	}
}

// A page in a browser reaches a development server by no route of its TCP port,
// be it from another site or by a name that leads here.
func TestDevGuard(t *testing.T) {
	t.Parallel()
	a, _, _ := serveConfig(t, Config{Data: t.TempDir(), Dev: true})
	port := a.URL[strings.LastIndex(a.URL, ":"):]
	try := func(method, path string, set func(*http.Request)) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		set(req)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	foreign := map[string]func(*http.Request){
		"Origin":                func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"Origin null":           func(r *http.Request) { r.Header.Set("Origin", "null") },
		"Origin of this server": func(r *http.Request) { r.Header.Set("Origin", a.URL) },
		"cross-site":            func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":             func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"Host":                  func(r *http.Request) { r.Host = "evil.example" + port },
		"Host without port":     func(r *http.Request) { r.Host = "evil.example" },
		"Host like localhost":   func(r *http.Request) { r.Host = "localhost.evil.example" + port },
		"Host like an address":  func(r *http.Request) { r.Host = "127.0.0.1.evil.example" + port },
		"Host of an address":    func(r *http.Request) { r.Host = "192.0.2.1" + port },
	}
	routes := []struct{ method, path string }{
		{"GET", "/health"}, {"GET", "/ready"}, {"GET", "/metrics"}, {"GET", addressPath}, {"POST", "/_cairn/events"}, {"GET", "/_cairn/api/events"},
		{"GET", "/_cairn/api/tail"}, {"GET", "/_cairn/v1/status"}, {"GET", "/_cairn/nothing"}, {"POST", "/"}, {"OPTIONS", "/"}, {"GET", "/bucket/key"},
	}
	for _, route := range routes {
		for what, set := range foreign {
			if code, body := try(route.method, route.path, set); code != http.StatusForbidden || !strings.Contains(body, "development mode") {
				t.Errorf("%s %s with %s: %d %s", route.method, route.path, what, code, body)
			}
		}
	}
	if _, body := try("GET", "/metrics", func(*http.Request) {}); !strings.Contains(body, fmt.Sprintf("cairn_dev_foreign_requests_total %d\n", len(routes)*len(foreign))) {
		t.Errorf("%d refusals are not counted: %s", len(routes)*len(foreign), body)
	}
	for _, host := range []string{"localhost" + port, "127.0.0.1", "[::1]" + port, "cloudtrail.localhost" + port, "LOCALHOST" + port} {
		if code, body := try("GET", "/health", func(r *http.Request) { r.Host = host }); code != http.StatusOK {
			t.Errorf("Host %s: %d %s", host, code, body)
		}
	}
}

// A data directory keeps its mode.
func TestModeStays(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{false, true} {
		data := t.TempDir()
		_, _, stop := serveConfig(t, Config{Data: data, Dev: dev})
		stop()
		s, err := Open(Config{Data: data, Dev: !dev, Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Serve(t.Context(), func(Address, *Credentials) { t.Error("served in the other mode") })
		var mode *identity.ModeError
		if !errors.As(err, &mode) || !strings.Contains(err.Error(), "--dev") {
			t.Errorf("dev %v, then %v: %v", dev, !dev, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Accounts are added through a running server and on a stopped directory, once
// each, by the local socket alone.
func TestAddAccount(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	a, key, stop := serveConfig(t, Config{Data: data})
	c := Dial(a.Socket)
	added, err := c.AddAccount(t.Context(), "210987654321")
	if err != nil {
		t.Fatal(err)
	}
	if code, body := callSTS(t, a.URL, Credentials{added.AccessKeyID, added.SecretAccessKey}); code != http.StatusOK || !strings.Contains(body, "arn:aws:iam::210987654321:root") {
		t.Errorf("the new account calls: %d %s", code, body)
	}
	for id, text := range map[string]string{"210987654321": "exists already", "000000000000": "the operator's", "21098765432": "12 digits", "21098765432x": "12 digits", "": "12 digits"} {
		var answer *AnswerError
		if _, err := c.AddAccount(t.Context(), id); !errors.As(err, &answer) || answer.StatusCode != http.StatusBadRequest || !strings.Contains(answer.Text, text) {
			t.Errorf("account %q: %v", id, err)
		}
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For"} {
		if code, _, body := get(t, http.MethodGet, a.URL+addressPath, http.Header{name: {"for=192.0.2.7"}}); code != http.StatusForbidden || strings.Contains(body, a.Socket) {
			t.Errorf("the address through a proxy: %d %s", code, body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		if code, _, body := get(t, method, a.URL+"/_cairn/v1/account", http.Header{}); code == http.StatusOK {
			t.Errorf("%s over TCP: %s", method, body)
		}
	}
	closeTest(t, c)
	stop()

	c = openTest(t, data)
	if _, err := c.AddAccount(t.Context(), "310987654321"); err != nil {
		t.Error(err)
	}
	all, err := c.Accounts(t.Context())
	if err != nil || len(all) != 3 || all[0].AccountID != "000000000000" || !all[0].Operator || all[0].AccessKeyIDs[0] != key.AccessKeyID ||
		all[1].AccountID != "210987654321" || all[1].Operator || all[2].AccountID != "310987654321" {
		t.Errorf("accounts %+v, %v", all, err)
	}
	closeTest(t, c)

	// A directory in development mode takes accounts too, however it is opened.
	dev := t.TempDir()
	_, _, stop = serveConfig(t, Config{Data: dev, Dev: true})
	stop()
	c = openTest(t, dev)
	if _, err := c.AddAccount(t.Context(), "310987654321"); err != nil {
		t.Error(err)
	}
	closeTest(t, c)
	_, _, stop = serveConfig(t, Config{Data: dev, Dev: true})
	stop()
}

// The TCP port tells the paths of this machine to nobody who is elsewhere, nor
// to a proxy that may ask for somebody elsewhere.
func TestAddressStaysHere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		remote, local string
		here          bool
	}{
		{"127.0.0.1:1", "127.0.0.1:2", true}, {"[::1]:1", "[::1]:2", true}, {"[::ffff:127.0.0.1]:1", "127.0.0.1:2", true},
		{"192.0.2.7:1", "192.0.2.7:2", true}, {"192.0.2.8:1", "192.0.2.7:2", false}, {"[2001:db8::1]:1", "[2001:db8::2]:2", false}, {"", "192.0.2.7:2", false},
	} {
		local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(test.local))
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, local), http.MethodGet, addressPath, nil)
		r.RemoteAddr = test.remote
		if got := fromThisMachine(r); got != test.here {
			t.Errorf("%s to %s: %v", test.remote, test.local, got)
		}
		for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Real-IP"} {
			proxied := r.Clone(r.Context())
			proxied.Header.Set(name, "")
			if fromThisMachine(proxied) {
				t.Errorf("%s to %s by a proxy that says %s", test.remote, test.local, name)
			}
		}
	}
}

// A header that is too long is refused before it is held.
func TestHeaderBomb(t *testing.T) {
	t.Parallel()
	a, _, _ := serveConfig(t, Config{Data: t.TempDir()})
	for name, header := range map[string]http.Header{
		"long": {"X-Bomb": {strings.Repeat("x", 200<<10)}},
		"many": {"X-Bomb": slices.Repeat([]string{"x"}, 20_000)},
	} {
		if code, _, _ := get(t, http.MethodGet, a.URL+"/health", header); code != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %d", name, code)
		}
	}
}
