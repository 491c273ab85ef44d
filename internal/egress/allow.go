package egress

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// An entry of an allow-list is one of
//
//	10.1.2.0/24        addresses of a network, on ports 80 and 443
//	10.1.2.0/24:8080   the same on another port, or on all with :*
//	127.0.0.1:8080     an address and port; IPv6 addresses stand in brackets
//	hooks.corp:8443    a host's name and port, whatever its address is
//	*.corp             hosts below a name, on ports 80 and 443
//
// A name that leads to a link-local address, or to another one that clouds serve
// credentials at, is refused all the same.
type entry struct {
	net  netip.Prefix // of addresses
	host string       // of names, in lower case
	tail bool         // whether host is what names end with
	port uint16       // 0: 80 and 443
	any  bool         // whether all ports are meant
}

// CheckEntry returns an error if a text is not an entry of an allow-list: an
// address, a network or a name, perhaps with a port.
func CheckEntry(text string) error {
	_, err := parseEntry(text)
	return err
}

func parseEntry(text string) (entry, error) {
	fail := func(why string) (entry, error) {
		return entry{}, fmt.Errorf("allow-list entry %q: %s", text, why)
	}
	var e entry
	place := text
	if host, port, ok := splitPort(text); ok {
		place = host
		number, err := strconv.ParseUint(port, 10, 16)
		switch {
		case port == "*":
			e.any = true
		case err != nil || number == 0:
			return fail("the port is neither a number from 1 to 65535 nor *")
		default:
			e.port = uint16(number)
		}
	}
	place = strings.TrimSuffix(strings.TrimPrefix(place, "["), "]")
	if strings.Contains(place, "/") {
		p, err := netip.ParsePrefix(place)
		if err != nil || p.Addr().Is4In6() {
			return fail("not a network such as 10.0.0.0/8")
		}
		e.net = p.Masked()
		return e, nil
	}
	if addr, err := netip.ParseAddr(place); err == nil {
		if addr.Zone() != "" {
			return fail("the address has a zone")
		}
		addr = addr.Unmap()
		e.net = netip.PrefixFrom(addr, addr.BitLen())
		return e, nil
	}
	e.host = strings.ToLower(strings.TrimSuffix(place, "."))
	e.host, e.tail = strings.CutPrefix(e.host, "*")
	letters := "abcdefghijklmnopqrstuvwxyz0123456789-._"
	switch {
	case e.host == "" || e.tail && (len(e.host) < 2 || e.host[0] != '.'):
		return fail("neither an address, a network nor a host's name")
	case strings.Trim(e.host, letters) != "" || looksNumeric(e.host):
		return fail("neither an address, a network nor a host's name")
	}
	return e, nil
}

// splitPort splits a port off an entry. The colons of an IPv6 address without
// brackets are its own.
func splitPort(text string) (place, port string, ok bool) {
	if strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		return text, "", false
	}
	if network, port, ok := strings.Cut(text, "]:"); ok {
		return network, port, true
	}
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

// allows reports whether the entry lets a connection through.
func (e *entry) allows(host string, addr netip.Addr, port uint16) bool {
	if !e.onPort(port) {
		return false
	}
	if e.host == "" {
		return e.net.Contains(addr)
	}
	return e.names(host) && !neverByName(addr)
}

// anyOnPort reports whether the entry may let a name through on a port, which its
// address decides.
func (e *entry) anyOnPort(host string, port uint16) bool {
	return e.onPort(port) && (e.host == "" || e.names(host))
}

func (e *entry) onPort(port uint16) bool {
	return e.any || port == e.port || e.port == 0 && (port == 80 || port == 443)
}

func (e *entry) names(host string) bool {
	if net.ParseIP(host) != nil {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if e.tail {
		return strings.HasSuffix(host, e.host)
	}
	return host == e.host
}
