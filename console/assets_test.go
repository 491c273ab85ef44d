package console_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"cairn/console"
)

const page = "<!doctype html><title>Cairn</title>"

func packed(t *testing.T, text string) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func newConsole(t *testing.T, change func(*console.Config)) *console.Console {
	t.Helper()
	cfg := console.Config{Port: "4587", Assets: fstest.MapFS{
		"index.html.gz": packed(t, page), "assets/app.js.gz": packed(t, "run()"), "assets/font.woff2": {Data: []byte("font")}, "secret.map": {Data: []byte("map")},
	}}
	if change != nil {
		change(&cfg)
	}
	x, err := console.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// local is a request that came in by a loopback address.
func local(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4587}))
}

// get asks a console on a loopback address. Headers are given in pairs.
func get(t *testing.T, x *console.Console, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := local(httptest.NewRequest(method, "http://127.0.0.1:4587"+path, nil))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	x.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Files go out as they are packed, or plain to who takes no gzip; paths of pages lead to
// the one page there is, and nothing else does.
func TestAssets(t *testing.T) {
	t.Parallel()
	x := newConsole(t, nil)
	for _, tt := range []struct {
		path, accept, mode string
		status             int
		encoding, text     string
	}{
		{"/", "gzip, br", "navigate", 200, "gzip", page},
		{"/", "", "navigate", 200, "", page},
		{"/", "gzip;q=0, br", "navigate", 200, "", page},
		{"/", "br, gzip;q=0.5", "navigate", 200, "gzip", page},
		{"/index.html", "gzip", "navigate", 200, "gzip", page},
		{"/events/0b2a", "gzip", "cors", 200, "gzip", page},
		{"/trails/my.trail", "gzip", "navigate", 200, "gzip", page},
		{"/trails/my.trail", "gzip", "cors", 404, "", ""},
		{"/assets/app.js", "gzip", "no-cors", 200, "gzip", "run()"},
		{"/assets/gone.js", "gzip", "no-cors", 404, "", ""},
		{"/assets/gone.js", "gzip", "navigate", 404, "", ""},
		{"/assets/font.woff2", "gzip", "cors", 200, "", "font"},
		{"/assets/app.js.gz", "gzip", "no-cors", 404, "", ""},
		{"/secret.map", "gzip", "no-cors", 404, "", ""},
		{"/../console.go", "gzip", "no-cors", 404, "", ""},
	} {
		r := get(t, x, http.MethodGet, tt.path, "Accept-Encoding", tt.accept, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", tt.mode, "Sec-Fetch-Dest", "document")
		if r.StatusCode != tt.status || r.Header.Get("Content-Encoding") != tt.encoding {
			t.Errorf("%s %q: %s %v", tt.path, tt.accept, r.Status, r.Header)
		} else if tt.status == http.StatusOK {
			if text := read(t, r); text != tt.text || r.Header.Get("Cache-Control") != "no-cache" || r.Header.Get("ETag") == "" {
				t.Errorf("%s %q: %q %v", tt.path, tt.accept, text, r.Header)
			}
		}
	}
}

// Who has a file is told so, by the tag of its content and its packing.
func TestAssetTags(t *testing.T) {
	t.Parallel()
	x := newConsole(t, nil)
	gz, plain := get(t, x, http.MethodGet, "/assets/app.js", "Accept-Encoding", "gzip").Header.Get("ETag"), get(t, x, http.MethodGet, "/assets/app.js").Header.Get("ETag")
	changed := newConsole(t, func(c *console.Config) { c.Assets.(fstest.MapFS)["assets/app.js.gz"] = packed(t, "walk()") })
	for _, tt := range []struct {
		x      *console.Console
		tag    string
		status int
	}{{x, gz, 304}, {x, plain, 200}, {x, `"a", W/` + gz, 304}, {x, "*", 304}, {x, strings.Trim(gz, `"`), 200}, {changed, gz, 200}} {
		r := get(t, tt.x, http.MethodGet, "/assets/app.js", "Accept-Encoding", "gzip", "If-None-Match", tt.tag)
		if body := read(t, r); r.StatusCode != tt.status || (body == "") != (tt.status == 304) {
			t.Errorf("If-None-Match %s: %s %q", tt.tag, r.Status, body)
		}
	}
	if r := get(t, x, http.MethodHead, "/assets/app.js", "Accept-Encoding", "gzip"); r.StatusCode != http.StatusOK || r.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %s %v", r.Status, r.Header)
	}
}

// A console needs its pages.
func TestNoAssets(t *testing.T) {
	t.Parallel()
	if _, err := console.New(console.Config{Assets: fstest.MapFS{}}); err == nil {
		t.Error("a console without pages was made")
	}
}

// Behind a proxy with TLS the console is found by the name that is set, which its cookie
// and its answers go by.
func TestPublicURL(t *testing.T) {
	t.Parallel()
	x := newConsole(t, func(c *console.Config) { c.PublicURL = "https://audit.example.org" })
	for host, want := range map[string]int{"audit.example.org": 200, "AUDIT.example.org:443": 200, "127.0.0.1:4587": 200, "other.example.org": 403} {
		r := get(t, x, http.MethodGet, "/", "Host", host)
		if r.StatusCode != want || r.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %s %v", host, r.Status, r.Header)
		}
	}
	r := get(t, x, http.MethodDelete, "/session", "Host", "audit.example.org", "Sec-Fetch-Site", "same-origin", "Origin", "https://audit.example.org")
	if c := r.Cookies(); r.StatusCode != http.StatusNoContent || len(c) != 1 || !c[0].Secure || c[0].Name != "__Host-cairn-session-4587" {
		t.Errorf("sign out: %s %v", r.Status, c)
	}
}
