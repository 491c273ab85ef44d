package server

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// maxConnections bounds the connections of the TCP port, each of which costs a
// file descriptor and some 20 KB.
const maxConnections = 4096

// A connLimit bounds how many connections a server holds. One too many costs
// the place of the connection that has waited longest for its next request, or
// its first: connections that are only held open keep nobody out.
type connLimit struct {
	max int

	mu      sync.Mutex
	open    int
	waiting list.List // of net.Conn, the longest first
	places  map[net.Conn]*list.Element
}

func newConnLimit(limit int) *connLimit {
	return &connLimit{max: limit, places: make(map[net.Conn]*list.Element)}
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
	if place, ok := l.places[c]; ok {
		l.waiting.Remove(place)
		delete(l.places, c)
	}
	switch state {
	case http.StateNew:
		l.open++
		l.places[c] = l.waiting.PushBack(c)
	case http.StateIdle:
		l.places[c] = l.waiting.PushBack(c)
	case http.StateClosed, http.StateHijacked:
		l.open--
	}
	if state != http.StateNew || l.open <= l.max {
		return nil
	}
	// It stays in the count until the server has noticed.
	loser := l.waiting.Remove(l.waiting.Front()).(net.Conn)
	delete(l.places, loser)
	return loser
}
