package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// resolveTimeout bounds how long the names of upstreams are looked up at a start.
const resolveTimeout = 5 * time.Second

// refuseLoops returns a GatewayError if an upstream leads back to an address that
// this process listens on: one call would become endless many.
func (g *recordingGateway) refuseLoops(ctx context.Context, own []net.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	var bad GatewayError
	for i, p := range g.ports {
		for j, r := range p.Routes {
			path := fmt.Sprintf("gateway.listeners[%d].routes[%d].upstream", i, j)
			for _, upstream := range r.Upstreams {
				for _, text := range upstreamHosts(upstream, r.Hosts) {
					if at := g.leadsBack(ctx, text, own); at != "" {
						bad = append(bad, &SettingError{path, upstream, "it leads back to " + at + ", where this process itself listens"})
						break
					}
				}
			}
		}
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// upstreamHosts are the URLs that an upstream can stand for, as far as they are
// known before a call comes.
func upstreamHosts(upstream string, hosts []string) []string {
	if !chosenByClient(upstream) {
		return []string{upstream}
	}
	var all []string
	for _, h := range hosts {
		if !strings.HasPrefix(h, "*") {
			all = append(all, strings.Replace(upstream, "{host}", h, 1))
		}
	}
	return all
}

// leadsBack returns the address of own that a URL leads to; empty if it is none.
func (g *recordingGateway) leadsBack(ctx context.Context, text string, own []net.Addr) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		// The backend may come later, and its name with it.
		g.server.cfg.Logger.Warn("the name of an upstream is not known now", slog.String("upstream", text), slog.Any("error", err))
		return ""
	}
	for _, a := range own {
		listener, err := netip.ParseAddrPort(a.String())
		if err != nil || fmt.Sprint(listener.Port()) != port {
			continue
		}
		for _, ip := range ips {
			at := listener.Addr().Unmap()
			if ip = ip.Unmap(); ip == at || at.IsUnspecified() && isLocal(ip) || ip.IsUnspecified() && at.IsLoopback() {
				return a.String()
			}
		}
	}
	return ""
}

// isLocal says whether an address is one of this machine.
func isLocal(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip.WithZone("") {
			return true
		}
	}
	return false
}
