package gateway

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops is how many proxies are looked through.
const maxHops = 64

// SourceAddress returns where a request comes from: the address of the connection or, if
// that is in a trusted network, what the headers X-Forwarded-For or Forwarded (RFC 7239)
// say. Of the addresses there the last one counts that is not trusted itself: those
// before it could be made up. Without any address it is the zero Addr.
//
// A proxy keeps one of the two headers and lets the client's other one pass. So where both
// are there, they must agree, or neither is believed.
func SourceAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap().WithZone("")
	if !isIn(trusted, address) {
		return address
	}
	plain, standard := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	byPlain := lastUntrusted(address, trusted, lastFirst(plain, func(element string) string { return element }))
	byStandard := lastUntrusted(address, trusted, lastFirst(standard, forOf))
	switch {
	case len(standard) == 0 || len(plain) > 0 && byPlain == byStandard:
		return byPlain
	case len(plain) == 0:
		return byStandard
	}
	return address
}

// lastUntrusted walks the hops from the last one, as long as they are trusted.
func lastUntrusted(address netip.Addr, trusted []netip.Prefix, hops []string) netip.Addr {
	for _, hop := range hops {
		a, ok := parseHop(hop)
		if !ok {
			break // "unknown" or "_hidden": what is known is the proxy that says so
		}
		if address = a; !isIn(trusted, a) {
			break
		}
	}
	return address
}

// lastFirst returns the elements of a header's lists, the last one first. find takes
// from an element what is wanted. Lists are cut at every comma, also between quotes: what
// a proxy adds has none, and so a client cannot swallow it by a quote that it leaves open.
func lastFirst(values []string, find func(element string) string) (found []string) {
	for i := len(values) - 1; i >= 0; i-- {
		for rest, more := values[i], true; more; {
			element, comma := rest, strings.LastIndexByte(rest, ',')
			if more = comma >= 0; more {
				rest, element = rest[:comma], rest[comma+1:]
			}
			if element = strings.Trim(element, " \t"); element != "" {
				if found = append(found, find(element)); len(found) == maxHops {
					return found
				}
			}
		}
	}
	return found
}

// forOf returns the parameter "for" of an element of Forwarded, empty if it has none or
// more than one.
func forOf(element string) (value string) {
	n := 0
	for pair := range strings.SplitSeq(element, ";") {
		name, v, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !ok || !strings.EqualFold(name, "for") {
			continue
		}
		if n++; n > 1 {
			return ""
		}
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		value = v
	}
	return value
}

// parseHop reads an address with or without brackets and port.
func parseHop(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		s = s[1 : len(s)-1]
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap().WithZone(""), err == nil
}
