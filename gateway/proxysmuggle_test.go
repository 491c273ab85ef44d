package gateway_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/gateway"
)

// auth is a signature as clients send it.
var auth = "Authorization: " + signedHeader("s3") + "\r\nX-Amz-Date: 20260301T120000Z\r\n"

// last ends a connection with a request that shows whether the two sides still agree.
var last = "GET /b/last HTTP/1.1\r\nHost: h\r\n" + auth + "Connection: close\r\n\r\n"

// smuggling are bytes that a client sends, and the request lines that the backend may see
// of them. What it sees must have a record each, and nothing else has one.
var smuggling = []struct {
	name string
	raw  string
	want []string // of the form "GET /b/k"
}{
	{"a plain request", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/k", "GET /b/last"}},
	{"two in one packet", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 3\r\n\r\nabc" + last, []string{"PUT /b/k", "GET /b/last"}},
	{"CL and TE", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + last, []string{"PUT /b/k", "GET /b/last"}},
	{"TE and CL", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n18\r\nGET /b/evil HTTP/1.1\r\n\r\n\r\n0\r\n\r\n" + last, []string{"PUT /b/k", "GET /b/last"}},
	{"TE twice", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + last, nil},
	{"TE identity", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc" + last, nil},
	{"TE list", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + last, nil},
	{"TE xchunked", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + last, nil},
	{"TE with a vertical tab", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + last, nil},
	{"TE name with a blank", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc" + last, nil},
	{"TE behind a bare CR", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "X: y\rTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc" + last, nil},
	{"TE with an underscore", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc" + last, nil},
	{"TE of HTTP/1.0", "PUT /b/k HTTP/1.0\r\nHost: h\r\n" + auth + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + last, nil},
	{"two lengths", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" + last, nil},
	{"two lengths in a list", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 3, 3\r\n\r\nabc" + last, nil},
	{"a length with a sign", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: +3\r\n\r\nabc" + last, nil},
	{"a negative length", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: -3\r\n\r\nabc" + last, nil},
	{"a length in hex", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 0x3\r\n\r\nabc" + last, nil},
	{"a length without digits", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: \r\n\r\nabc" + last, nil},
	{"a length beyond 64 bits", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 99999999999999999999\r\n\r\nabc" + last, nil},
	{"a length with an underscore", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content_Length: 30\r\nContent-Length: 3\r\n\r\nabc" + last, nil},
	{"a length on a line that goes on", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length:\r\n 3\r\n\r\nabc" + last, []string{"PUT /b/k", "GET /b/last"}},
	{"a header on two lines", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "X-Amz-Meta-A: one\r\n two\r\n\r\n" + last, []string{"GET /b/k", "GET /b/last"}},
	{"a first header that begins with a blank", "GET /b/k HTTP/1.1\r\n Host: h\r\n" + auth + "\r\n" + last, nil},
	{"a header without a colon", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Nothing\r\n\r\n" + last, nil},
	{"a header without a name", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + ": x\r\n\r\n" + last, nil},
	{"NUL in a header", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "X-A: a\x00b\r\n\r\n" + last, nil},
	{"NUL in the target", "GET /b/k\x00 HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"CR in a header", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "X-A: a\rb\r\n\r\n" + last, nil},
	{"CR in the target", "GET /b/k\r/x HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a blank in the target", "GET /b/k /x HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a tab in the target", "GET /b/k\t HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a fragment", "GET /b/k#x HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a broken escape", "GET /b/%zz HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"dots", "GET /b/../c/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/../c/k", "GET /b/last"}},
	{"escaped dots", "GET /b/%2e%2e/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/%2e%2e/k", "GET /b/last"}},
	{"an escaped slash", "GET /b/a%2fk HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/a%2fk", "GET /b/last"}},
	{"two slashes first", "GET //b/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET //b/k", "GET /b/last"}},
	{"two slashes within", "GET /b//k// HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b//k//", "GET /b/last"}},
	{"a backslash", `GET /b/a\k HTTP/1.1` + "\r\nHost: h\r\n" + auth + "\r\n" + last, []string{`GET /b/a\k`, "GET /b/last"}},
	{"bytes above ASCII", "GET /b/\xc3\xa9\xff HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/\xc3\xa9\xff", "GET /b/last"}},
	{"odd characters", `GET /b/"<>!^{|}'()* HTTP/1.1` + "\r\nHost: h\r\n" + auth + "\r\n" + last, []string{`GET /b/"<>!^{|}'()*`, "GET /b/last"}},
	{"escapes in both cases", "GET /b/%c3%A9%41%7e~ HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/%c3%A9%41%7e~", "GET /b/last"}},
	{"an empty query", "GET /b/k? HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/k?", "GET /b/last"}},
	{"semicolons in the query", "GET /b/k?a;b=c;d&&e HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/k?a;b=c;d&&e", "GET /b/last"}},
	{"plus and escapes in the query", "GET /b/k?a=b+c%20d%2B HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, []string{"GET /b/k?a=b+c%20d%2B", "GET /b/last"}},
	{"a whole URL", "GET http://h/b/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a whole URL to another host", "GET http://evil/b/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a star", "OPTIONS * HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", nil},
	{"CONNECT to a path", "CONNECT /b/k HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"TRACE", "TRACE /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a method of no standard", "DEBUG /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"a method in lower case", "get /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"no host", "GET /b/k HTTP/1.1\r\n" + auth + "\r\n" + last, nil},
	{"two hosts", "GET /b/k HTTP/1.1\r\nHost: h\r\nHost: evil\r\n" + auth + "\r\n" + last, nil},
	{"a host with a user", "GET /b/k HTTP/1.1\r\nHost: h@evil\r\n" + auth + "\r\n" + last, nil},
	{"a host with a path", "GET /b/k HTTP/1.1\r\nHost: h/evil\r\n" + auth + "\r\n" + last, nil},
	{"a host with a blank", "GET /b/k HTTP/1.1\r\nHost: h evil\r\n" + auth + "\r\n" + last, nil},
	{"a host of dots", "GET /b/k HTTP/1.1\r\nHost: ..\r\n" + auth + "\r\n" + last, nil},
	{"a host with an odd port", "GET /b/k HTTP/1.1\r\nHost: h:080\r\n" + auth + "\r\n" + last, nil},
	{"a host with a zone", "GET /b/k HTTP/1.1\r\nHost: [fe80::1%25lo]\r\n" + auth + "\r\n" + last, nil},
	{"a header named away", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Connection: Authorization\r\n\r\n" + last, nil},
	{"an upgrade to h2c", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" + last, []string{"GET /b/k", "GET /b/last"}},
	{"two signatures", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + auth + "\r\n" + last, nil},
	{"a bad chunk", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n" + last, []string{"PUT /b/k!"}},
	{"a chunk with an endless extension", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\n3;" + strings.Repeat("x", 10_000) + "\r\nabc\r\n0\r\n\r\n" + last, []string{"PUT /b/k!"}},
	{"a chunk that is longer than it says", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcGET /b/evil HTTP/1.1\r\n\r\n0\r\n\r\n", []string{"PUT /b/k!"}},
	{"chunks with bare line feeds", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n" + last, []string{"PUT /b/k!"}},
	{"chunks as they should be", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + last, []string{"PUT /b/k", "GET /b/last"}},
	{"a body that is not there", "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 300\r\n\r\n" + last, []string{"PUT /b/k!"}},
	{"a GET with a body", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 31\r\n\r\nGET /b/evil HTTP/1.1\r\nHost: h\r\n" + last, []string{"GET /b/k", "GET /b/last"}},
	{"a version that is none", "GET /b/k HTTP/1.9\r\nHost: h\r\n" + auth + "\r\n" + last, nil},
	{"HTTP/0.9", "GET /b/k\r\n\r\n" + last, nil},
	{"a head too large", "GET /b/k HTTP/1.1\r\nHost: h\r\n" + auth + "X-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n" + last, nil},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + last, nil},
}

var refused = regexp.MustCompile(`^(HTTP/1\.[01] [45]|$)`)

// A want that ends with ! is a request that the backend may begin to see, and must not
// take for whole.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	for _, tt := range smuggling {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newRawBackend(t, says(okAnswer))
			p := startProxy(t, b.url, func(c *gateway.Config) { c.SlowBody = 500 * time.Millisecond })
			answer := p.exchange(t, tt.raw)
			if len(tt.want) == 0 && !refused.MatchString(answer) {
				t.Errorf("answered %q", answer)
			}
			checkSeen(t, p, b, tt.raw, tt.want)
		})
	}
}

// checkSeen compares what the backend saw with what was recorded, and with what may be.
func checkSeen(t *testing.T, p *proxy, b *backend, raw string, want []string) {
	t.Helper()
	var whole, wanted []string
	for _, w := range want {
		if !strings.HasSuffix(w, "!") {
			wanted = append(wanted, w)
		}
	}
	var records []string
	for range 200 { // a call that was cut has its record a moment later
		if records = p.log.all(); len(records) >= len(want) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if len(records) != len(want) {
		t.Errorf("%d records, want %d:\n%s", len(records), len(want), strings.Join(records, "\n"))
	}
	for _, s := range b.seen() {
		target, _ := strings.CutSuffix(s.line, " HTTP/1.1")
		if s.err != nil {
			continue // cut short: no server takes it for a request
		}
		whole = append(whole, target)
		if !strings.Contains(raw, target) {
			t.Errorf("the backend saw %q, which nobody sent", s.line)
		}
		if s.body != "" && !strings.Contains(raw, s.body) {
			t.Errorf("the backend saw the body %q, which nobody sent", s.body)
		}
	}
	if !slices.Equal(whole, wanted) {
		t.Errorf("the backend saw %q, want %q", whole, wanted)
	}
}

// Requests over HTTP/2 can hold what those over HTTP/1.1 cannot.
func TestSmugglingHTTP2(t *testing.T) {
	t.Parallel()
	base := func(fields ...string) []string {
		return append([]string{":method", "GET", ":scheme", "https", ":authority", "h", ":path", "/b/k",
			"authorization", signedHeader("s3"), "x-amz-date", "20260301T120000Z"}, fields...)
	}
	instead := func(name, value string) []string {
		f := base()
		f[slices.Index(f, name)+1] = value
		return f
	}
	for _, tt := range []struct {
		name   string
		fields []string
		body   string
		want   []string
	}{
		{"a plain request", base(), "", []string{"GET /b/k"}},
		{"a blank in the path", instead(":path", "/b/k HTTP/1.1"), "", nil},
		{"a request in the path", instead(":path", "/b/k HTTP/1.1\r\nHost: h\r\n\r\nGET /b/evil"), "", nil},
		{"a fragment in the path", instead(":path", "/b/k#x"), "", nil},
		{"an empty path", instead(":path", ""), "", nil},
		{"a path that is a URL", instead(":path", "https://evil/b/k"), "", nil},
		{"two slashes", instead(":path", "//b/k"), "", []string{"GET //b/k"}},
		{"bytes above ASCII", instead(":path", "/b/\xc3\xa9"), "", []string{"GET /b/\xc3\xa9"}},
		{"a blank in the method", instead(":method", "GET /b/evil HTTP/1.1"), "", nil},
		{"a line in the method", instead(":method", "GET /b/evil HTTP/1.1\r\nX: "), "", nil},
		{"an authority with a line", instead(":authority", "h\r\nX: y"), "", nil},
		{"an authority with a user", instead(":authority", "a@h"), "", nil},
		{"a host beside the authority", base("host", "evil"), "", nil},
		{"a line in a value", base("x-a", "a\r\nContent-Length: 5"), "", nil},
		{"a line feed in a value", base("x-a", "a\nb"), "", nil},
		{"NUL in a value", base("x-a", "a\x00b"), "", nil},
		{"a line in a name", base("x-a: b\r\nx-c", "d"), "", nil},
		{"a colon in a name", base("x-a:b", "d"), "", nil},
		{"a blank in a name", base("transfer-encoding ", "chunked"), "", nil},
		{"capitals in a name", base("Transfer-Encoding", "chunked"), "", nil},
		{"a transfer coding", base("transfer-encoding", "chunked"), "", nil},
		{"a connection header", base("connection", "keep-alive"), "", nil},
		{"an upgrade", base("upgrade", "h2c"), "", nil},
		{"a length that is too small", append(instead(":method", "PUT"), "content-length", "1"), "GET /b/evil HTTP/1.1\r\n\r\n", []string{"PUT /b/k!"}},
		{"a length that is too large", append(instead(":method", "PUT"), "content-length", "100"), "abc", []string{"PUT /b/k!"}},
		{"two lengths", append(instead(":method", "PUT"), "content-length", "3", "content-length", "4"), "abc", []string{"PUT /b/k?"}},
		{"a pseudo-header behind the others", base(":path", "/b/evil"), "", nil},
		{"two paths", append([]string{":path", "/b/evil"}, base()...), "", nil},
		{"two signatures", base("authorization", signedHeader("s3")), "", nil},
		{"CONNECT", []string{":method", "CONNECT", ":authority", "h:80"}, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newRawBackend(t, says(okAnswer))
			p := startProxyOver(t, b.url, true, func(c *gateway.Config) { c.SlowBody = 500 * time.Millisecond })
			sendHTTP2(t, p, tt.fields, tt.body)
			if len(tt.want) == 1 && strings.HasSuffix(tt.want[0], "?") {
				// Refused or served: net/http decides, and the body is what it is.
				for _, s := range b.seen() {
					if s.err == nil && s.body != "abc" {
						t.Errorf("the backend saw the body %q", s.body)
					}
				}
				return
			}
			checkSeen(t, p, b, strings.Join(tt.fields, " ")+"GET /b/k PUT /b/k GET //b/k GET /b/\xc3\xa9"+tt.body, tt.want)
		})
	}
}

// sendHTTP2 sends one request, whatever is in it, and waits for its end.
func sendHTTP2(t *testing.T, p *proxy, fields []string, body string) {
	t.Helper()
	c := p.secure.Clone()
	c.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", p.addr, c)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	var block bytes.Buffer
	for i := 0; i < len(fields); i += 2 {
		block.WriteByte(0) // a literal that nobody keeps
		writeHPACK(&block, fields[i])
		writeHPACK(&block, fields[i+1])
	}
	io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	writeFrame(conn, 4, 0, 0, nil) // settings
	end := byte(0)
	if body == "" {
		end = 1
	}
	writeFrame(conn, 1, 4|end, 1, block.Bytes())
	if body != "" {
		writeFrame(conn, 0, 1, 1, []byte(body))
	}
	var head [9]byte
	for {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		if _, err := io.CopyN(io.Discard, conn, int64(size)); err != nil {
			return
		}
		switch kind, flags := head[3], head[4]; {
		case kind == 4 && flags == 0:
			writeFrame(conn, 4, 1, 0, nil)
		case kind == 3, kind == 7, (kind == 0 || kind == 1) && flags&1 != 0:
			return
		}
	}
}

func writeHPACK(b *bytes.Buffer, text string) {
	if len(text) < 127 {
		b.WriteByte(byte(len(text)))
	} else {
		b.WriteByte(127)
		n := len(text) - 127
		for ; n >= 128; n >>= 7 {
			b.WriteByte(byte(n) | 0x80)
		}
		b.WriteByte(byte(n))
	}
	b.WriteString(text)
}

func writeFrame(w io.Writer, kind, flags byte, stream uint32, payload []byte) {
	n := len(payload)
	head := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}
	w.Write(append(head, payload...))
}
