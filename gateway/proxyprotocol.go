package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A ProxyListener is a listener for clients that come through load balancers, which say
// in a header before each connection's bytes where it comes from: the PROXY protocol,
// versions 1 and 2 (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
//
// The header is believed from listed networks only, and demanded from them: a connection
// of theirs that does not begin with one fails. To all others the protocol is unknown.
// It is read when the connection is first read, or asked for its address, so that Accept
// waits for nobody.
type ProxyListener struct {
	net.Listener

	// Trusted are the networks of the load balancers.
	Trusted []netip.Prefix

	// Timeout is how long the header may take: 5 s if zero.
	Timeout time.Duration
}

// Accept returns the next connection.
func (l *ProxyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	peer, ok := addressOf(c.RemoteAddr())
	if !ok || !isIn(l.Trusted, peer) {
		return c, nil
	}
	timeout := l.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	return &proxiedConn{Conn: c, timeout: timeout}, nil
}

// addressOf returns the IP address of a connection's end.
func addressOf(a net.Addr) (netip.Addr, bool) {
	if a == nil {
		return netip.Addr{}, false
	}
	ap, err := netip.ParseAddrPort(a.String())
	return ap.Addr().Unmap().WithZone(""), err == nil
}

// isIn reports whether an address is in one of the networks.
func isIn(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// proxiedConn is a connection that begins with a header.
type proxiedConn struct {
	net.Conn
	timeout time.Duration

	once   sync.Once
	rest   []byte   // what was read behind the header
	source net.Addr // nil: the peer itself
	err    error    // why there is no header

	mu       sync.Mutex
	deadline time.Time // for reading, as the user of the connection set it
	reading  bool      // the header is being read
}

// Read reads what comes behind the header.
func (c *proxiedConn) Read(p []byte) (int, error) {
	c.once.Do(c.readHeader)
	if c.err != nil {
		return 0, c.err
	}
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		if c.rest = c.rest[n:]; len(c.rest) == 0 {
			c.rest = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// RemoteAddr returns where the connection comes from, by the header. Of a connection
// without a good one, which cannot be read, it is the peer.
func (c *proxiedConn) RemoteAddr() net.Addr {
	c.once.Do(c.readHeader)
	if c.source != nil {
		return c.source
	}
	return c.Conn.RemoteAddr()
}

// SetDeadline and SetReadDeadline do not lengthen the time for the header.
func (c *proxiedConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.Conn.SetWriteDeadline(t))
}

// SetReadDeadline sets until when the connection may be read.
func (c *proxiedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if c.reading && (t.IsZero() || t.After(time.Now())) {
		return nil // it counts once the header is there
	}
	return c.Conn.SetReadDeadline(t)
}

// CloseWrite tells the client that nothing more comes, if the connection can.
func (c *proxiedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// readHeader reads the header within its time.
func (c *proxiedConn) readHeader() {
	c.mu.Lock()
	c.reading = true
	last := time.Now().Add(c.timeout)
	if !c.deadline.IsZero() && c.deadline.Before(last) {
		last = c.deadline
	}
	c.err = c.Conn.SetReadDeadline(last)
	c.mu.Unlock()
	if c.err == nil {
		c.source, c.rest, c.err = readProxyHeader(c.Conn)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if err := c.Conn.SetReadDeadline(c.deadline); c.err == nil {
		c.err = err
	}
	if c.err != nil && !errors.Is(c.err, os.ErrDeadlineExceeded) {
		c.err = fmt.Errorf("read the PROXY header: %w", c.err)
	}
}

// proxySignature begins a header of version 2.
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

const (
	maxProxyLine = 107 // of version 1, with its end
	proxyHead    = 16  // of version 2: signature, command, family, length
)

var (
	errNoProxyHeader = errors.New("the connection does not begin with a PROXY header")
	errProxyHeader   = errors.New("the PROXY header is malformed")
)

// readProxyHeader reads a header of either version, and returns the source that it names,
// nil for that of the connection, and what was read behind it.
func readProxyHeader(r io.Reader) (source net.Addr, rest []byte, err error) {
	var buffer [256]byte
	n := 0
	for n < proxyHead {
		m, err := r.Read(buffer[n:])
		n += m
		begun := string(buffer[:min(n, len(proxySignature))])
		if !strings.HasPrefix(proxySignature, begun) && !strings.HasPrefix("PROXY ", begun[:min(len(begun), 6)]) {
			return nil, nil, errNoProxyHeader
		}
		if begun[:min(len(begun), 6)] == "PROXY " && bytes.IndexByte(buffer[:n], '\n') >= 0 {
			break
		}
		if err != nil && n < proxyHead {
			return nil, nil, unexpected(err)
		}
	}
	if buffer[0] == 'P' {
		return readProxyLine(r, buffer[:], n)
	}
	return readProxyBinary(r, buffer[:], n)
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readProxyLine reads version 1, of which n bytes are there: one line of text.
func readProxyLine(r io.Reader, buffer []byte, n int) (net.Addr, []byte, error) {
	for {
		end := bytes.IndexByte(buffer[:n], '\n')
		if end >= maxProxyLine || end < 0 && n >= maxProxyLine {
			return nil, nil, errProxyHeader
		}
		if end >= 0 {
			source, err := parseProxyLine(string(buffer[:end+1]))
			return source, bytes.Clone(buffer[end+1 : n]), err
		}
		m, err := r.Read(buffer[n:])
		if n += m; err != nil && m == 0 {
			return nil, nil, unexpected(err)
		}
	}
}

func parseProxyLine(line string) (net.Addr, error) {
	line, ok := strings.CutSuffix(line, "\r\n")
	if line == "PROXY UNKNOWN" || strings.HasPrefix(line, "PROXY UNKNOWN ") {
		if !ok {
			return nil, errProxyHeader
		}
		return nil, nil
	}
	parts := strings.Split(line, " ")
	if !ok || len(parts) != 6 {
		return nil, errProxyHeader
	}
	source, err := netip.ParseAddr(parts[2])
	target, targetErr := netip.ParseAddr(parts[3])
	want := map[string]bool{"TCP4": true, "TCP6": false}
	is4, known := want[parts[1]]
	if err != nil || targetErr != nil || !known || source.Is4() != is4 || target.Is4() != is4 || source.Zone() != "" {
		return nil, errProxyHeader
	}
	port, err := strconv.ParseUint(parts[4], 10, 16)
	_, targetErr = strconv.ParseUint(parts[5], 10, 16)
	if err != nil || targetErr != nil {
		return nil, errProxyHeader
	}
	return tcpAddress(source, uint16(port)), nil
}

func tcpAddress(a netip.Addr, port uint16) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.Unmap(), port))
}

// readProxyBinary reads version 2, of which at least the head is there, n bytes in all.
func readProxyBinary(r io.Reader, buffer []byte, n int) (net.Addr, []byte, error) {
	command, family := buffer[12], buffer[13]
	length := int(binary.BigEndian.Uint16(buffer[14:]))
	if command>>4 != 2 || command&15 > 1 {
		return nil, nil, errProxyHeader
	}
	// The addresses of TCP over IPv4 have 12 bytes, over IPv6 36. Other families have no
	// address that a record could name.
	size := map[byte]int{0x11: 12, 0x21: 36}[family]
	if length < size {
		return nil, nil, errProxyHeader
	}
	for n < proxyHead+size {
		m, err := r.Read(buffer[n:])
		if n += m; err != nil && m == 0 {
			return nil, nil, unexpected(err)
		}
	}
	address := buffer[proxyHead : proxyHead+size]
	var source net.Addr
	if command&15 == 1 && size > 0 {
		half := (size - 4) / 2
		ip, _ := netip.AddrFromSlice(address[:half])
		source = tcpAddress(ip, binary.BigEndian.Uint16(address[2*half:]))
	}
	// The rest of the header is skipped: type-length-values that nobody asked for.
	end := proxyHead + length
	if n >= end {
		return source, bytes.Clone(buffer[end:n]), nil
	}
	if _, err := io.CopyN(io.Discard, r, int64(end-n)); err != nil {
		return nil, nil, unexpected(err)
	}
	return source, nil, nil
}
