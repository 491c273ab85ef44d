//go:build unix

package gateway

import (
	"crypto/tls"
	"syscall"
)

// alive reports whether a connection that waits can take a request: the other side has
// neither closed it nor sent anything. It does not block.
func (c *upstreamConn) alive() bool {
	if c.br.Buffered() > 0 {
		return false
	}
	nc := c.nc
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	s, ok := nc.(syscall.Conn)
	if !ok {
		return true
	}
	if c.raw == nil {
		raw, err := s.SyscallConn()
		if err != nil {
			return false
		}
		c.raw = raw
	}
	quiet := false
	err := c.raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK // Go's sockets do not block
		return true
	})
	return err == nil && quiet
}
