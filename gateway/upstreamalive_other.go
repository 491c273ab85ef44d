//go:build !unix

package gateway

// alive reports whether a connection that waits can take a request, as far as that can be
// told: what came in is known, what was closed shows when it is used.
func (c *upstreamConn) alive() bool { return c.br.Buffered() == 0 }
