package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"cairn/internal/egress"
)

const (
	maxIdleUpstream  = 256              // connections that wait for a call, per upstream
	idleUpstream     = 30 * time.Second // how long they wait
	ejectAfter       = 3                // failures in a row after which an upstream rests
	minRest, maxRest = time.Second, time.Minute
	maxDialledHosts  = 256 // hosts of an https://{host} route with connections
	healthInterval   = 10 * time.Second
)

// A backend is what a route leads to: one upstream, several that take turns, or the host
// that each request names.
type backend struct {
	rt   *route
	all  []*upstream
	next atomic.Uint32

	// Of https://{host}.
	tls   *tls.Config
	dial  dialFunc
	mu    sync.Mutex
	hosts map[string]*upstream
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// An upstream is one server.
type upstream struct {
	address string      // host and port
	tls     *tls.Config // nil for plain HTTP
	dialer  dialFunc
	rt      *route

	mu       sync.Mutex
	idle     []*upstreamConn // the one that was used last at the end
	closed   bool
	failures int       // in a row
	rests    time.Time // left out until then
	used     time.Time

	h2   *http.Transport
	is2  bool      // it is known to speak HTTP/2
	not2 time.Time // it is taken not to, until then
}

func newBackend(cfg *Config, rt *route) (*backend, error) {
	if len(rt.Upstreams) == 0 {
		return nil, errors.New("it has no upstream")
	}
	b := &backend{rt: rt}
	var err error
	if b.tls, err = rt.upstreamTLS(); err != nil {
		return nil, err
	}
	for _, text := range rt.Upstreams {
		if text == "https://{host}" {
			if len(rt.Upstreams) > 1 || len(rt.Hosts) == 0 {
				return nil, errors.New("the upstream https://{host} stands alone, and needs hosts")
			}
			guard := cfg.Egress
			if guard == nil {
				if guard, err = egress.New(egress.Config{}); err != nil {
					return nil, err
				}
			}
			b.hosts, b.dial = make(map[string]*upstream), guard.DialContext
			return b, nil
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			return nil, fmt.Errorf("upstream %q is not a URL of scheme and host", text)
		}
		port := "80"
		up := &upstream{address: u.Host, dialer: (&net.Dialer{Timeout: rt.DialTimeout}).DialContext, rt: rt}
		switch u.Scheme {
		case "http":
		case "https":
			port = "443"
			up.tls = b.tls.Clone()
			up.tls.ServerName = u.Hostname()
		default:
			return nil, fmt.Errorf("upstream %q is neither http nor https", text)
		}
		if u.Port() == "" {
			up.address = net.JoinHostPort(u.Hostname(), port)
		}
		b.all = append(b.all, up)
	}
	return b, nil
}

// choose returns the upstreams for a call in the order in which they are to be tried.
func (b *backend) choose(host string, now time.Time) []*upstream {
	if b.hosts != nil {
		return []*upstream{b.named(hostName(host), now)}
	}
	if len(b.all) == 1 {
		return b.all
	}
	var order, resting []*upstream
	first := int(b.next.Add(1) % uint32(len(b.all)))
	for i := range b.all {
		u := b.all[(first+i)%len(b.all)]
		u.mu.Lock()
		rests := now.Before(u.rests)
		u.mu.Unlock()
		if rests {
			resting = append(resting, u)
		} else {
			order = append(order, u)
		}
	}
	return append(order, resting...) // when all rest, one of them must do
}

// named returns the upstream with a name that a request gave, which the route's hosts allow.
func (b *backend) named(host string, now time.Time) *upstream {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.hosts[host]
	if u == nil {
		if len(b.hosts) >= maxDialledHosts {
			b.forgetOldest()
		}
		u = &upstream{address: net.JoinHostPort(host, "443"), dialer: b.dial, rt: b.rt, tls: b.tls.Clone()}
		u.tls.ServerName = host
		b.hosts[host] = u
	}
	u.used = now
	return u
}

func (b *backend) forgetOldest() {
	oldest := ""
	for name, u := range b.hosts {
		if oldest == "" || u.used.Before(b.hosts[oldest].used) {
			oldest = name
		}
	}
	b.hosts[oldest].close()
	delete(b.hosts, oldest)
}

func (b *backend) each(do func(*upstream)) {
	for _, u := range b.all {
		do(u)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.hosts {
		do(u)
	}
}

func (b *backend) stats(urls []string) []UpstreamStats {
	all := make([]UpstreamStats, len(urls))
	for i, text := range urls {
		all[i] = UpstreamStats{text, true}
		if i < len(b.all) {
			u := b.all[i]
			u.mu.Lock()
			all[i].Healthy = !time.Now().Before(u.rests)
			u.mu.Unlock()
		}
	}
	return all
}

// check asks for the health path of each of several upstreams.
func (b *backend) check(ctx context.Context) {
	if b.rt.HealthPath == "" || len(b.all) < 2 {
		return
	}
	var wait sync.WaitGroup
	for _, u := range b.all {
		wait.Go(func() { u.check(ctx, b.rt.HealthPath) })
	}
	wait.Wait()
}

func (u *upstream) check(ctx context.Context, path string) {
	ctx, cancel := context.WithTimeout(ctx, healthInterval/2)
	defer cancel()
	a, err := u.exchange(ctx, &outgoing{method: http.MethodGet, target: path, host: u.address, header: http.Header{}, read: true})
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(a.body, 1<<20))
		a.close()
	}
	if err == nil && a.status < http.StatusInternalServerError {
		u.succeeded()
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failures = max(u.failures+1, ejectAfter)
	u.rests = time.Now().Add(2 * healthInterval)
}

// succeeded and failed keep count of what an upstream did to calls.
func (u *upstream) succeeded() {
	u.mu.Lock()
	u.failures, u.rests = 0, time.Time{}
	u.mu.Unlock()
}

func (u *upstream) failed() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failures++; u.failures >= ejectAfter {
		u.rests = time.Now().Add(min(minRest<<min(u.failures-ejectAfter, 6), maxRest))
	}
}

// take returns a connection that waits, nil if there is none that is alive.
func (u *upstream) take(now time.Time) *upstreamConn {
	for {
		u.mu.Lock()
		n := len(u.idle)
		if n == 0 {
			u.mu.Unlock()
			return nil
		}
		c := u.idle[n-1]
		u.idle[n-1], u.idle = nil, u.idle[:n-1]
		u.mu.Unlock()
		if now.Sub(c.since) < idleUpstream && c.alive() {
			return c
		}
		c.nc.Close()
	}
}

// put gives a connection back that is ready for another call.
func (u *upstream) put(c *upstreamConn, now time.Time) {
	c.since = now
	u.mu.Lock()
	keep := !u.closed && len(u.idle) < maxIdleUpstream
	if keep {
		u.idle = append(u.idle, c)
	}
	u.mu.Unlock()
	if !keep {
		c.nc.Close()
	}
}

// prune closes connections that have waited for too long.
func (u *upstream) prune(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for n < len(u.idle) && now.Sub(u.idle[n].since) >= idleUpstream {
		u.idle[n].nc.Close()
		n++
	}
	kept := copy(u.idle, u.idle[n:])
	clear(u.idle[kept:])
	u.idle = u.idle[:kept]
}

func (u *upstream) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for _, c := range u.idle {
		c.nc.Close()
	}
	u.idle = nil
	if u.h2 != nil {
		u.h2.CloseIdleConnections()
	}
}

// connect dials. Over TLS it offers the protocols given.
func (u *upstream) connect(ctx context.Context, protocols ...string) (nc net.Conn, protocol string, err error) {
	ctx, cancel := context.WithTimeout(ctx, u.rt.DialTimeout)
	defer cancel()
	nc, err = u.dialer(ctx, "tcp", u.address)
	if err == nil && u.tls != nil {
		c := u.tls.Clone()
		c.NextProtos = protocols
		t := tls.Client(nc, c)
		if err = t.HandshakeContext(ctx); err != nil {
			nc.Close()
		} else {
			nc, protocol = t, t.ConnectionState().NegotiatedProtocol
		}
	}
	if err != nil {
		return nil, "", &upstreamError{err: fmt.Errorf("connect to %s: %w", u.address, err), timeout: isTimeout(err)}
	}
	return nc, protocol, nil
}

// An upstreamError is a call that got no answer.
type upstreamError struct {
	err     error
	sent    bool // the upstream may have the request
	timeout bool
	client  bool // it was the client that broke off
}

func (e *upstreamError) Error() string { return e.err.Error() }
func (e *upstreamError) Unwrap() error { return e.err }
