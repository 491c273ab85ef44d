package egress_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "cairn/internal/egress"
)

// names is a Resolver that knows a few names and asks nobody.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if addrs, ok := n[strings.ToLower(strings.TrimSuffix(host, "."))]; ok {
		return addrs, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func addresses(texts ...string) (list []netip.Addr) {
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

var resolver = names{
	"localhost":                addresses("127.0.0.1", "::1"),
	"internal.example":         addresses("10.0.0.7"),
	"mapped.example":           addresses("::ffff:127.0.0.1"),
	"127.0.0.1.nip.example":    addresses("127.0.0.1"),
	"metadata.google.internal": addresses("169.254.169.254"),
	"both.example":             addresses("169.254.169.254", "127.0.0.1"),
}

// hidden is a server on loopback that nobody should reach, and counts who does.
func hidden(t *testing.T) (port string, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			reached.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	_, port, _ = net.SplitHostPort(srv.Listener.Addr().String())
	return port, reached
}

func newGuard(t *testing.T, r Resolver, allow ...string) *Guard {
	t.Helper()
	g, err := New(Config{Allow: allow, Resolver: r})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Every spelling of an address that is not public is refused before anything is
// sent, although the port is allowed.
func TestSpellings(t *testing.T) {
	t.Parallel()
	port, reached := hidden(t)
	client := newGuard(t, resolver, "8.8.8.0/24:"+port).Client(5 * time.Second)
	hosts := []string{
		"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "0177.0.0.1", "017700000001", "0177.0.0.01",
		"127.0.0.1.", "127.255.255.254", "0.0.0.0", "0", "0.0.0.1",
		"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
		"[64:ff9b::169.254.169.254]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[::1%25lo]",
		"[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.170.2", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
		"100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1", "255.255.255.255",
		"localhost", "LOCALHOST", "localhost.", "internal.example", "mapped.example", "127.0.0.1.nip.example", "metadata.google.internal", "both.example",
		"①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "ⓛocalhost",
	}
	for _, host := range hosts {
		for _, target := range []string{"http://" + host + ":" + port + "/", "http://8.8.8.8@" + host + ":" + port + "/"} {
			resp, err := client.Get(target)
			if err == nil {
				resp.Body.Close()
			}
			var refused *RefusedError
			if !errors.As(err, &refused) {
				t.Errorf("%s: error %v, want a refusal", target, err)
			}
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d connections reached the server", n)
	}
}

// rebinding is a name that is public when it is looked at, and loopback later.
type rebinding struct{ asked atomic.Int64 }

func (r *rebinding) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.asked.Add(1) == 1 {
		return addresses("8.8.8.8"), nil
	}
	return addresses("127.0.0.1"), nil
}

func TestRebinding(t *testing.T) {
	t.Parallel()
	port, reached := hidden(t)
	r := new(rebinding)
	g := newGuard(t, r, "8.8.8.8:"+port)
	u, err := url.Parse("http://rebind.example:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.CheckURL(u); err != nil {
		t.Fatalf("the URL is refused: %v", err)
	}
	if addrs, _ := r.LookupNetIP(t.Context(), "ip", "rebind.example"); addrs[0] != netip.MustParseAddr("8.8.8.8") {
		t.Fatal("the first answer is not the public address")
	}
	var refused *RefusedError
	if _, err := g.Client(5 * time.Second).Get(u.String()); !errors.As(err, &refused) {
		t.Errorf("error %v, want a refusal", err)
	}
	if reached.Load() != 0 {
		t.Error("the server was reached")
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	port, reached := hidden(t)
	srv := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:"+port+"/", http.StatusFound))
	t.Cleanup(srv.Close)
	// The redirect's target is allowed, too: it must not be followed all the same.
	client := newGuard(t, resolver, "127.0.0.1:*").Client(5 * time.Second)
	resp, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Errorf("status %d, want the redirect itself", resp.StatusCode)
	}
	if reached.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	port, reached := hidden(t)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+port)
	var refused *RefusedError
	if _, err := newGuard(t, resolver, "127.0.0.1:"+port).Client(5 * time.Second).Get("http://10.1.2.3/"); !errors.As(err, &refused) {
		t.Errorf("error %v, want a refusal", err)
	}
	if reached.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

func TestAllowList(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ allow, host, to, want string }{
		{"", "", "8.8.8.8:443", ""},
		{"", "", "8.8.8.8:80", ""},
		{"", "", "8.8.8.8:8080", "port"},
		{"", "", "[2606:4700::1111]:443", ""},
		{"", "", "[2606:4700::1111]:22", "port"},
		{"", "", "127.0.0.1:80", "loopback"},
		{"127.0.0.1", "", "127.0.0.1:80", ""},
		{"127.0.0.1", "", "127.0.0.1:8080", "loopback"},
		{"127.0.0.1", "", "127.0.0.2:80", "loopback"},
		{"127.0.0.1", "", "[::ffff:127.0.0.1]:80", ""},
		{"127.0.0.1:8080", "", "127.0.0.1:8080", ""},
		{"127.0.0.1:8080", "", "127.0.0.1:80", "loopback"},
		{"127.0.0.1:*", "", "127.0.0.1:22", ""},
		{"10.0.0.0/8", "", "10.9.8.7:443", ""},
		{"10.0.0.0/8", "", "10.9.8.7:22", "private"},
		{"10.0.0.0/8:22", "", "10.9.8.7:22", ""},
		{"10.0.0.0/8:22", "", "11.9.8.7:22", "port"},
		{"::1", "", "[::1]:80", ""},
		{"[::1]:81", "", "[::1]:81", ""},
		{"[fd00::/8]:9000", "", "[fd12::1]:9000", ""},
		{"hooks.corp:8443", "hooks.corp", "10.1.1.1:8443", ""},
		{"hooks.corp:8443", "HOOKS.corp.", "10.1.1.1:8443", ""},
		{"hooks.corp:8443", "hooks.corp", "10.1.1.1:443", "private"},
		{"hooks.corp:8443", "other.corp", "10.1.1.1:8443", "private"},
		{"hooks.corp:8443", "hooks.corp", "169.254.169.254:8443", "link-local"},
		{"hooks.corp", "hooks.corp", "[fd00:ec2::254]:80", "private"},
		{"hooks.corp", "hooks.corp", "0.0.0.0:80", "this network"},
		{"169.254.169.254", "hooks.corp", "169.254.169.254:80", ""},
		{"*.corp:*", "a.b.corp", "192.168.0.1:9", ""},
		{"*.corp", "corp", "192.168.0.1:80", "private"},
		{"*.corp", "evilcorp", "192.168.0.1:80", "private"},
		{"*.corp", "10.0.0.1", "10.0.0.1:80", "private"},
	} {
		var allow []string
		if c.allow != "" {
			allow = []string{c.allow}
		}
		err := newGuard(t, resolver, allow...).Connecting(c.host, netip.MustParseAddrPort(c.to))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("allow %q, host %q, to %s: error %v, want %q", c.allow, c.host, c.to, err, c.want)
		}
	}
}

func TestAllowedServerIsReached(t *testing.T) {
	t.Parallel()
	port, reached := hidden(t)
	for i, allow := range []string{"127.0.0.1:" + port, "127.0.0.0/8:" + port, "localhost:" + port, "*:" + port} {
		g, err := New(Config{Allow: []string{allow}, Resolver: resolver})
		if allow == "*:"+port {
			if err == nil {
				t.Errorf("%s: no error, although everything would be allowed", allow)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		host := "127.0.0.1"
		if strings.HasPrefix(allow, "localhost") {
			host = "localhost"
		}
		resp, err := g.Client(5 * time.Second).Get("http://" + host + ":" + port + "/")
		if err != nil {
			t.Errorf("%s: %v", allow, err)
			continue
		}
		resp.Body.Close()
		if n := reached.Load(); n != int64(i+1) {
			t.Errorf("%s: %d connections, want %d", allow, n, i+1)
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	g := newGuard(t, resolver, "127.0.0.1:8080", "hooks.corp:8443")
	for target, want := range map[string]string{
		"http://example.com/":             "",
		"https://example.com/a?b=c":       "",
		"https://example.com:443/":        "",
		"http://example.com:22/":          "port",
		"http://127.0.0.1:8080/":          "",
		"http://127.0.0.1/":               "loopback",
		"https://hooks.corp:8443/":        "",
		"ftp://example.com/":              "scheme",
		"gopher://example.com/":           "scheme",
		"file:///etc/passwd":              "scheme",
		"http:///nothing":                 "no host",
		"http://example.com:0/":           "port",
		"http://example.com:99999/":       "port",
		"http://user:secret@example.com/": "password",
		"http://2130706433/":              "number",
		"http://[fe80::1%25eth0]/":        "zone",
	} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		err = g.CheckURL(u)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", target, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error has the password: %v", target, err)
		}
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "*", "*:80", "*corp", "10.0.0.0/33", "10.0.0.0/8:0", "10.0.0.0/8:x", "10.0.0.0/8:70000", "http://a/", "a b", "host:", ":80",
		"0x7f.1", "2130706433", "fe80::1%lo", "::ffff:10.0.0.0/104", "user@host",
	} {
		if err := CheckEntry(text); err == nil {
			t.Errorf("entry %q is taken", text)
		}
	}
}
