package egress

import "net/netip"

// special are the networks whose addresses are not of one host in the public
// Internet, and why. They are those of the IANA registries of special-purpose
// addresses for IPv4 and IPv6.
var special = []struct {
	net netip.Prefix
	why string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "it is an address of this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "it is a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "it is a shared address of a provider's network"},
	{netip.MustParsePrefix("127.0.0.0/8"), "it is a loopback address"},
	{netip.MustParsePrefix("168.63.129.16/32"), "it is an address of a cloud's metadata"},
	{netip.MustParsePrefix("169.254.0.0/16"), "it is a link-local address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "it is a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "it is an address for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "it is an address for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "it is an address of relays"},
	{netip.MustParsePrefix("192.168.0.0/16"), "it is a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "it is an address for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "it is an address for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "it is an address for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "it is a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "it is a reserved address"},

	{netip.MustParsePrefix("::/128"), "it is the unspecified address"},
	{netip.MustParsePrefix("::1/128"), "it is a loopback address"},
	{netip.MustParsePrefix("64:ff9b::/96"), "it stands for an IPv4 address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "it stands for an IPv4 address"},
	{netip.MustParsePrefix("2001::/23"), "it is an address for protocols"},
	{netip.MustParsePrefix("2001:db8::/32"), "it is an address for documentation"},
	{netip.MustParsePrefix("2002::/16"), "it stands for an IPv4 address"},
	{netip.MustParsePrefix("3fff::/20"), "it is an address for documentation"},
	{netip.MustParsePrefix("fc00::/7"), "it is a private address"},
	{netip.MustParsePrefix("fe80::/10"), "it is a link-local address"},
	{netip.MustParsePrefix("ff00::/8"), "it is a multicast address"},
}

// global is where all public IPv6 addresses are.
var global = netip.MustParsePrefix("2000::/3")

// notPublic says why an address is not one of the public Internet; empty if it is.
func notPublic(addr netip.Addr) string {
	for i := range special {
		if special[i].net.Contains(addr) {
			return special[i].why
		}
	}
	if addr.Is6() && !global.Contains(addr) {
		return "it is not a public address"
	}
	return ""
}

// neverByName reports whether only an entry with the address itself can allow it:
// names may be moved by others, and what answers there gives out credentials.
func neverByName(addr netip.Addr) bool {
	return !addr.IsValid() || addr.IsUnspecified() || addr.IsLinkLocalUnicast() || addr.IsMulticast() ||
		addr == netip.AddrFrom4([4]byte{168, 63, 129, 16}) || addr == netip.AddrFrom4([4]byte{100, 100, 100, 200}) ||
		addr == netip.MustParseAddr("fd00:ec2::254")
}
