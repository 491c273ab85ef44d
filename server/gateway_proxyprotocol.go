package server

import (
	"net"
	"net/netip"
	"sync"

	"cairn/gateway"
)

// maxProxyHeaders bounds the connections whose PROXY header is awaited. Those
// beyond wait to be accepted.
const maxProxyHeaders = 512

// A proxyListener takes connections from load balancers that speak the PROXY
// protocol. Whom a connection is of is known only behind its header, and the
// server asks for that at once, for its limits: so the header is read before
// Accept gives the connection away, each apart from the others, because one that
// sends nothing must not hold up its neighbours.
type proxyListener struct {
	*gateway.ProxyListener

	ready   chan net.Conn
	failed  chan error
	closing chan struct{}
	once    sync.Once
	places  chan struct{}
	reading sync.WaitGroup
}

// listenProxied wraps a listener for load balancers in the given networks; it
// is that itself if there are none.
func listenProxied(l net.Listener, from []netip.Prefix) net.Listener {
	if len(from) == 0 {
		return l
	}
	p := &proxyListener{
		ProxyListener: &gateway.ProxyListener{Listener: l, Trusted: from},
		ready:         make(chan net.Conn), failed: make(chan error, 1), closing: make(chan struct{}), places: make(chan struct{}, maxProxyHeaders),
	}
	p.reading.Go(p.acceptAll)
	return p
}

func (p *proxyListener) acceptAll() {
	for {
		select {
		case p.places <- struct{}{}:
		case <-p.closing:
			return
		}
		c, err := p.ProxyListener.Accept()
		if err != nil {
			<-p.places
			select {
			case p.failed <- err:
				continue // one that is temporary is told by the server, which comes again
			case <-p.closing:
				return
			}
		}
		p.reading.Go(func() {
			defer func() { <-p.places }()
			c.RemoteAddr()
			select {
			case p.ready <- c:
			case <-p.closing:
				_ = c.Close()
			}
		})
	}
}

// Accept implements net.Listener.
func (p *proxyListener) Accept() (net.Conn, error) {
	select {
	case c := <-p.ready:
		return c, nil
	case err := <-p.failed:
		return nil, err
	case <-p.closing:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Headers that are awaited end by their own time.
func (p *proxyListener) Close() error {
	err := p.Listener.Close()
	p.once.Do(func() { close(p.closing) })
	p.reading.Wait()
	return err
}
