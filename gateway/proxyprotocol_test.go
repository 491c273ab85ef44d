package gateway_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"cairn/gateway"
)

// proxyV2 makes a header of version 2.
func proxyV2(command, family byte, address []byte, extra int) string {
	b := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x20|command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(address)+extra))
	return string(append(append(b, address...), make([]byte, extra)...))
}

var (
	v4Address = []byte{192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 80}
	v6Address = append(append(netip.MustParseAddr("2001:db8::7").AsSlice(), netip.MustParseAddr("::1").AsSlice()...), 0x30, 0x39, 0, 80)
)

// through sends bytes through a listener, some at a time, and returns what came out.
func through(t *testing.T, l *gateway.ProxyListener, sent string, at int) (source, read string, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, dialErr := net.Dial("tcp", l.Addr().String())
		if dialErr != nil {
			t.Error(dialErr)
			return
		}
		defer c.Close()
		for len(sent) > 0 {
			n := min(at, len(sent))
			if _, err := io.WriteString(c, sent[:n]); err != nil {
				return // the listener's side has seen enough
			}
			sent = sent[n:]
		}
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	source = c.RemoteAddr().String()
	b, err := io.ReadAll(c)
	c.Close()
	<-done
	return source, string(b), err
}

func listener(t *testing.T, trusted ...string) *gateway.ProxyListener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inner.Close() })
	return &gateway.ProxyListener{Listener: inner, Trusted: networks(trusted...), Timeout: 2 * time.Second}
}

func networks(from ...string) (all []netip.Prefix) {
	for _, n := range from {
		all = append(all, netip.MustParsePrefix(n))
	}
	return all
}

func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	l := listener(t, "127.0.0.0/8")
	const request = "GET / HTTP/1.1\r\n\r\n"
	for header, want := range map[string]string{
		"PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n": "192.0.2.7:12345",
		"PROXY TCP6 2001:db8::7 ::1 12345 80\r\n":    "[2001:db8::7]:12345",
		"PROXY UNKNOWN\r\n":                          "127.0.0.1:",
		"PROXY UNKNOWN ffff:f...f:ffff whatever\r\n": "127.0.0.1:",
		proxyV2(1, 0x11, v4Address, 0):               "192.0.2.7:12345",
		proxyV2(1, 0x11, v4Address, 300):             "192.0.2.7:12345",
		proxyV2(1, 0x11, v4Address, 65535-12):        "192.0.2.7:12345",
		proxyV2(1, 0x21, v6Address, 0):               "[2001:db8::7]:12345",
		proxyV2(1, 0x21, v6Address, 5000):            "[2001:db8::7]:12345",
		proxyV2(0, 0, nil, 0):                        "127.0.0.1:",
		proxyV2(0, 0x11, v4Address, 9):               "127.0.0.1:",
		proxyV2(1, 0x31, make([]byte, 216), 0):       "127.0.0.1:",
	} {
		for _, at := range []int{1, 7, 1 << 20} {
			if at < 100 && len(header) > 1000 {
				continue
			}
			source, read, err := through(t, l, header+request, at)
			if !strings.HasPrefix(source, want) || read != request || err != nil {
				t.Errorf("%.60q, %d bytes at a time: from %s: %q, %v", header, at, source, read, err)
			}
		}
	}
	for _, bad := range []string{
		"GET / HTTP/1.1\r\n\r\n", "", "PROXY", "PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\n", "PROXY TCP4 2001:db8::7 ::1 1 2\r\n", "PROXY TCP5 1.1.1.1 1.1.1.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 10.0.0.1 99999 80\r\n", "PROXY TCP4  192.0.2.7 10.0.0.1 1 80\r\n", "PROXY " + strings.Repeat("x", 300), "PROXY UNKNOWN " + strings.Repeat("x", 200) + "\r\n",
		proxyV2(1, 0x11, v4Address[:4], 0), proxyV2(2, 0x11, v4Address, 0), proxyV2(1, 0x11, v4Address, 20)[:30], "\r\n\r\n\x00\r\nQUIT\n\x11\x11\x00\x0c" + string(v4Address),
	} {
		source, read, err := through(t, l, bad, 1<<20)
		if !strings.HasPrefix(source, "127.0.0.1:") || read != "" || err == nil {
			t.Errorf("%.60q: from %s: %q, %v", bad, source, read, err)
		}
	}
}

// Nobody else's header is believed.
func TestProxyProtocolOfStrangers(t *testing.T) {
	t.Parallel()
	l := listener(t, "10.0.0.0/8", "::1/128")
	const sent = "PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\nGET / HTTP/1.1\r\n\r\n"
	source, read, err := through(t, l, sent, 1<<20)
	if !strings.HasPrefix(source, "127.0.0.1:") || read != sent || err != nil {
		t.Errorf("from %s: %q, %v", source, read, err)
	}
}

func TestProxyProtocolTakesNoTime(t *testing.T) {
	t.Parallel()
	l := listener(t, "127.0.0.0/8")
	l.Timeout = 50 * time.Millisecond
	slow, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// The server of net/http takes the address from the header.
func TestProxyProtocolOfAServer(t *testing.T) {
	t.Parallel()
	l := listener(t, "127.0.0.0/8")
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\nGET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil || !bytes.HasSuffix(b, []byte("\r\n\r\n192.0.2.7:12345")) {
		t.Errorf("%q, %v", b, err)
	}
}

func FuzzProxyProtocol(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\nrest"))
	f.Add([]byte("PROXY UNKNOWN\r\nrest"))
	f.Add([]byte(proxyV2(1, 0x11, v4Address, 7) + "rest"))
	f.Add([]byte(proxyV2(0, 0, nil, 0) + "rest"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		l := &gateway.ProxyListener{Listener: &oneConn{sent: sent}, Trusted: networks("127.0.0.0/8"), Timeout: time.Hour}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		source, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err != nil {
			t.Fatalf("no address: %v", err)
		}
		read, err := io.ReadAll(c)
		switch {
		case !bytes.HasSuffix(sent, read):
			t.Errorf("read %q of %q", read, sent)
		case err != nil && (len(read) > 0 || source.Addr() != netip.MustParseAddr("127.0.0.1")):
			t.Errorf("a bad header gave %v and %q", source, read)
		case err == nil && len(read) == len(sent):
			t.Errorf("%q was taken without a header", sent)
		}
	})
}

// oneConn is a listener for one connection that somebody has sent bytes over.
type oneConn struct {
	net.Conn
	sent []byte
}

func (c *oneConn) Accept() (net.Conn, error)       { return c, nil }
func (c *oneConn) Addr() net.Addr                  { return c.RemoteAddr() }
func (c *oneConn) Close() error                    { return nil }
func (c *oneConn) SetReadDeadline(time.Time) error { return nil }
func (c *oneConn) RemoteAddr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (c *oneConn) Read(p []byte) (int, error) {
	if len(c.sent) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.sent[:min(5, len(c.sent))])
	c.sent = c.sent[n:]
	return n, nil
}
