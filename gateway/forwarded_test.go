package gateway_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"cairn/gateway"
)

func TestSourceAddress(t *testing.T) {
	t.Parallel()
	trusted := networks("10.0.0.0/8", "2001:db8:1::/48")
	for _, c := range []struct {
		remote    string
		plain     []string
		forwarded []string
		want      string
	}{
		{"203.0.113.9:1", nil, nil, "203.0.113.9"},
		{"203.0.113.9:1", []string{"192.0.2.1"}, []string{"for=192.0.2.1"}, "203.0.113.9"}, // a stranger says so
		{"[::ffff:203.0.113.9]:1", nil, nil, "203.0.113.9"},
		{"10.0.0.1:1", nil, nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{"192.0.2.1"}, nil, "192.0.2.1"},
		{"[::ffff:10.0.0.1]:1", []string{"192.0.2.1"}, nil, "192.0.2.1"},
		{"10.0.0.1:1", []string{"1.1.1.1, 192.0.2.1"}, nil, "192.0.2.1"},               // 1.1.1.1 is what the client made up
		{"10.0.0.1:1", []string{"1.1.1.1, 192.0.2.1, 10.0.0.2"}, nil, "192.0.2.1"},     // two proxies
		{"10.0.0.1:1", []string{"1.1.1.1", "192.0.2.1", "10.0.0.2"}, nil, "192.0.2.1"}, // in lines of their own
		{"10.0.0.1:1", []string{"10.9.9.9, 10.0.0.2"}, nil, "10.9.9.9"},                // a client within
		{"10.0.0.1:1", []string{"192.0.2.1:5678"}, nil, "192.0.2.1"},
		{"10.0.0.1:1", []string{"[2001:db8::7]:5678, 2001:db8:1::5"}, nil, "2001:db8::7"},
		{"10.0.0.1:1", []string{"192.0.2.1, unknown"}, nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{"192.0.2.1, unknown, 10.0.0.2"}, nil, "10.0.0.2"},
		{"10.0.0.1:1", []string{",, ,"}, nil, "10.0.0.1"},
		{"10.0.0.1:1", nil, []string{`for=192.0.2.1;proto=https;by=10.0.0.1`}, "192.0.2.1"},
		{"10.0.0.1:1", nil, []string{`For="[2001:db8::7]:4711"`}, "2001:db8::7"},
		{"10.0.0.1:1", nil, []string{`for=1.1.1.1, for=192.0.2.1;host=x, for=10.0.0.2`}, "192.0.2.1"},
		{"10.0.0.1:1", nil, []string{`for=_hidden`}, "10.0.0.1"},
		{"10.0.0.1:1", nil, []string{`for=1.1.1.1;for=2.2.2.2`}, "10.0.0.1"},
		{"10.0.0.1:1", nil, []string{`for=1.1.1.1;x=", for=192.0.2.1`}, "192.0.2.1"}, // an open quote swallows nothing
		{"10.0.0.1:1", nil, []string{`for="1.1.1.1, for=192.0.2.1`}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1"}, []string{"for=192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1"}, []string{"for=1.1.1.1"}, "10.0.0.1"}, // one of them is the client's own
		{"nonsense", nil, nil, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: make(http.Header)}
		if c.plain != nil {
			r.Header["X-Forwarded-For"] = c.plain
		}
		if c.forwarded != nil {
			r.Header["Forwarded"] = c.forwarded
		}
		if got := gateway.SourceAddress(r, trusted).String(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {strings.Repeat("10.0.0.2,", 100_000)}}}
	if got := gateway.SourceAddress(r, trusted); got != netip.MustParseAddr("10.0.0.2") {
		t.Errorf("%v", got)
	}
}

func FuzzSourceAddress(f *testing.F) {
	f.Add("1.1.1.1, 192.0.2.1", `for="[2001:db8::7]:4711";proto=http`)
	f.Add("unknown", "for=_x")
	trusted := networks("10.0.0.0/8")
	proxy, client := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("192.0.2.99")
	f.Fuzz(func(t *testing.T, plain, forwarded string) {
		// Whatever the client sends, what the proxy adds behind it counts: that, or the
		// proxy itself where the client's other header contradicts it.
		for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
			r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {plain}, "Forwarded": {forwarded}}}
			added := map[string]string{"X-Forwarded-For": "192.0.2.99", "Forwarded": "for=192.0.2.99"}[name]
			r.Header[name] = []string{r.Header[name][0] + ", " + added}
			if got := gateway.SourceAddress(r, trusted); got != client && got != proxy {
				t.Errorf("%q, %q: %v", plain, forwarded, got)
			}
			for other := range r.Header {
				if other != name {
					delete(r.Header, other)
				}
			}
			if got := gateway.SourceAddress(r, trusted); got != client {
				t.Errorf("%q, %q alone: %v", name, r.Header[name], got)
			}
		}
	})
}
