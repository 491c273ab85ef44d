// Package egress sends requests to addresses that strangers name, such as the
// endpoints of webhooks, and keeps them away from everything that only this
// machine or its networks can reach.
//
// A [Guard] lets a connection through if the address that it is made to is a
// public one and the port is 80 or 443, or if an entry of the operator's
// allow-list says so. What counts is the address that the socket connects to, not
// the name or the spelling that it was found by: a name that resolves to another
// address the second time gets no further than one that did so at once.
//
// Its one invariant: no byte leaves for an address that was not checked.
package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Resolver finds the addresses of names. A *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config says what a Guard lets through. Its zero values are the defaults.
type Config struct {
	// Allow are exceptions for hosts and networks that are not public, and for
	// other ports, as CheckEntry describes them.
	Allow []string

	// Resolver is net.DefaultResolver if nil.
	Resolver Resolver
}

// A Guard checks where connections go. It is safe for concurrent use.
type Guard struct {
	allow    []entry
	resolver Resolver
}

// A RefusedError says that a Guard does not let a request through.
type RefusedError struct {
	Target string // a URL, or an address with its port
	Why    string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("requests to %s are not allowed: %s", e.Target, e.Why)
}

// New makes a Guard. The error is a fault of an entry of Allow.
func New(cfg Config) (*Guard, error) {
	g := &Guard{resolver: cfg.Resolver}
	if g.resolver == nil {
		g.resolver = net.DefaultResolver
	}
	for _, text := range cfg.Allow {
		e, err := parseEntry(text)
		if err != nil {
			return nil, err
		}
		g.allow = append(g.allow, e)
	}
	return g, nil
}

// CheckURL refuses a URL that can be seen not to be let through, without looking
// up its host. It is for the moment when a URL is given; the connection is
// checked when it is made.
func (g *Guard) CheckURL(u *url.URL) error {
	refuse := func(why string) error { return &RefusedError{u.Redacted(), why} }
	port, ok := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	switch {
	case !ok:
		return refuse("the scheme is neither http nor https")
	case u.Hostname() == "":
		return refuse("it has no host")
	case u.User != nil:
		return refuse("it has a user name or a password")
	case u.Port() != "":
		port = u.Port()
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return refuse("the port is not a number from 1 to 65535")
	}
	return g.checkHost(u.Hostname(), uint16(number))
}

// Client returns a client whose connections are all checked. It follows no
// redirect: the answer that asks for one is what the caller gets. It uses no
// proxy, because the proxy would choose the address. A request takes at most
// timeout, its answer's body included, which the caller must bound.
func (g *Guard) Client(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            g.DialContext,
			TLSHandshakeTimeout:    timeout,
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
		},
	}
}

// DialContext connects to a host and port over TCP, if the Guard lets it.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", address, err)
	}
	number, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", address, err)
	}
	port := uint16(number)
	if err := g.checkHost(host, port); err != nil {
		return nil, err
	}
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{
		Timeout:   10 * time.Second,
		KeepAlive: -1,
		Control: func(_, connecting string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(connecting)
			if err != nil {
				return &RefusedError{connecting, "the address cannot be read"}
			}
			return g.checkAddress(host, to.Addr(), to.Port())
		},
	}
	for _, addr := range addrs {
		var conn net.Conn
		conn, err = dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
		if err == nil {
			return conn, nil
		}
	}
	return nil, err // of the last address
}

// maxAddresses bounds how many addresses of a name are tried.
const maxAddresses = 4

func (g *Guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up %q: %w", host, err)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("look up %q: it has no address", host)
	}
	return addrs[:min(len(addrs), maxAddresses)], nil
}

// checkHost refuses what no lookup could make right.
func (g *Guard) checkHost(host string, port uint16) error {
	target := net.JoinHostPort(host, strconv.Itoa(int(port)))
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.checkAddress(host, addr, port)
	}
	if looksNumeric(host) {
		return &RefusedError{target, "the host is a number, and not an address in its usual form"}
	}
	if port == 80 || port == 443 {
		return nil
	}
	for i := range g.allow {
		if g.allow[i].anyOnPort(host, port) {
			return nil
		}
	}
	return &RefusedError{target, "the port is neither 80 nor 443, and no entry of the allow-list has it"}
}

// checkAddress decides about a connection. host is the name that led to it.
func (g *Guard) checkAddress(host string, addr netip.Addr, port uint16) error {
	target := netip.AddrPortFrom(addr, port).String()
	if addr.Zone() != "" {
		return &RefusedError{target, "the address has a zone"}
	}
	addr = addr.Unmap()
	for i := range g.allow {
		if g.allow[i].allows(host, addr, port) {
			return nil
		}
	}
	if why := notPublic(addr); why != "" {
		return &RefusedError{target, why}
	}
	if port != 80 && port != 443 {
		return &RefusedError{target, "the port is neither 80 nor 443, and no entry of the allow-list has it"}
	}
	return nil
}

// looksNumeric reports whether a host would be read as an IPv4 address by some
// programs: whether its last part is a number, in decimal or with 0x before it.
func looksNumeric(host string) bool {
	last := strings.ToLower(strings.TrimSuffix(host, "."))
	last = last[strings.LastIndexByte(last, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
