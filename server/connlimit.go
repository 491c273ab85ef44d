package server

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// maxConnections bounds the connections of the TCP port, each of which costs a
// file descriptor and some 20 KB; maxPeerConnections those of one peer.
const (
	maxConnections     = 4096
	maxPeerConnections = maxConnections / 4
)

// A connLimit bounds how many connections a server holds. One too many costs
// the place of the connection that has waited longest for its next request, or
// its first: connections that are only held open keep nobody out. One too many
// of a peer costs a place of that peer's own, so that neither do connections on
// which requests never end.
//
// A peer is an IPv4 address or an IPv6 network of 64 bits, which is what one
// customer of a provider has at least. The machine's own programs are no peer:
// a proxy may be among them, and bring everybody's connections.
type connLimit struct {
	max, perPeer int

	mu      sync.Mutex
	open    int
	waiting list.List // of net.Conn, the longest first
	places  map[net.Conn]connPlace
	peers   map[netip.Prefix]*peerConns
}

// A connPlace is where a connection that waits stands in its lists.
type connPlace struct{ all, peer *list.Element }

// peerConns are the connections of one peer.
type peerConns struct {
	open    int
	waiting list.List // of net.Conn, the longest first
}

func newConnLimit(limit, perPeer int) *connLimit {
	return &connLimit{max: limit, perPeer: perPeer, places: make(map[net.Conn]connPlace), peers: make(map[netip.Prefix]*peerConns)}
}

// track is an http.Server's ConnState.
func (l *connLimit) track(c net.Conn, state http.ConnState) {
	if loser := l.change(c, state); loser != nil {
		// A polite end of TLS could wait for the peer.
		if t, ok := loser.(*tls.Conn); ok {
			loser = t.NetConn()
		}
		_ = loser.Close()
	}
}

// change notes a connection's state and returns the one that must go, if there
// is one.
func (l *connLimit) change(c net.Conn, state http.ConnState) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(c)
	name, limited := peerOf(c)
	peer := l.peers[name]
	if limited && peer == nil {
		peer = &peerConns{}
		l.peers[name] = peer
	}
	switch state {
	case http.StateNew:
		l.open++
		if limited {
			peer.open++
		}
		l.wait(c, peer)
	case http.StateIdle:
		l.wait(c, peer)
	case http.StateClosed, http.StateHijacked:
		l.open--
		if limited {
			peer.open--
		}
	}
	if limited && peer.open == 0 {
		delete(l.peers, name)
	}
	if state != http.StateNew {
		return nil
	}
	waiting := &l.waiting
	if limited && peer.open > l.perPeer {
		waiting = &peer.waiting
	} else if l.open <= l.max {
		return nil
	}
	// It stays in the counts until the server has noticed.
	loser := waiting.Front().Value.(net.Conn)
	l.remove(loser)
	return loser
}

// wait puts a connection last among those that wait. Peer is nil for one that
// belongs to none.
func (l *connLimit) wait(c net.Conn, peer *peerConns) {
	place := connPlace{all: l.waiting.PushBack(c)}
	if peer != nil {
		place.peer = peer.waiting.PushBack(c)
	}
	l.places[c] = place
}

// remove takes a connection out of those that wait.
func (l *connLimit) remove(c net.Conn) {
	place, ok := l.places[c]
	if !ok {
		return
	}
	l.waiting.Remove(place.all)
	if place.peer != nil {
		name, _ := peerOf(c)
		l.peers[name].waiting.Remove(place.peer)
	}
	delete(l.places, c)
}

// peerOf returns who is at the other end of a connection, false if that is this
// machine.
func peerOf(c net.Conn) (netip.Prefix, bool) {
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}, false
	}
	ip := remote.AddrPort().Addr().Unmap()
	if !ip.IsValid() || ip.IsLoopback() {
		return netip.Prefix{}, false
	}
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.WithZone("").Prefix(bits)
	return prefix, err == nil
}
