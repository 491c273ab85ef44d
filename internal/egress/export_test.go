package egress

import "net/netip"

// Connecting is what is asked of each connection.
func (g *Guard) Connecting(host string, to netip.AddrPort) error {
	return g.checkAddress(host, to.Addr(), to.Port())
}
