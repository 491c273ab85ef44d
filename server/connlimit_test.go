package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A pipeListener accepts connections within the process.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// servePipes serves a handler as the TCP port is served, on pipes and in the
// time of a bubble.
func servePipes(t *testing.T, h http.Handler) *pipeListener {
	s := &Server{cfg: Config{Logger: slog.New(slog.DiscardHandler)}}
	srv := s.newPublicServer()
	srv.Handler = h
	l := newPipeListener()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l
}

// Whoever sends a request drop by drop, nothing at all, or reads no answer, is
// cut off.
func TestSlowPeers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		send  string // one byte every five seconds, after the first part
		first string
		limit time.Duration
		reads bool
	}{
		"silence":     {"", "", 10 * time.Second, true},
		"header":      {strings.Repeat("X-A: b\r\n", 100), "GET / HTTP/1.1\r\nHost: x\r\n", 10 * time.Second, true},
		"body":        {strings.Repeat("x", 1000), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", time.Minute, true},
		"idle":        {"", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2 * time.Minute, true},
		"not reading": {"", "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done := make(chan struct{}, 1)
				l := servePipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if r.URL.Path == "/big" {
						_, err := w.Write(make([]byte, 1<<20))
						if err == nil {
							t.Error("the answer was taken")
						}
						done <- struct{}{}
					}
				}))
				start := time.Now()
				c := l.dial()
				defer c.Close()
				if _, err := io.WriteString(c, test.first); err != nil {
					t.Fatal(err)
				}
				go func() {
					for i := range len(test.send) {
						time.Sleep(5 * time.Second)
						if _, err := c.Write([]byte(test.send[i : i+1])); err != nil {
							return
						}
					}
				}()
				if test.reads {
					_, _ = io.Copy(io.Discard, c)
				} else {
					<-done
				}
				if took := time.Since(start); took > test.limit+time.Second {
					t.Errorf("cut off after %v, want %v", took, test.limit)
				}
				_ = c.Close()
				time.Sleep(10 * time.Second) // until the sender notices
			})
		})
	}
}

// An answer that is given bit by bit is not cut off while its reader reads.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pieces = 40
		l := servePipes(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w = unhurried(w)
			for range pieces {
				if _, err := io.WriteString(w, "x"); err != nil {
					t.Error(err)
				}
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Second)
			}
		}))
		client := &http.Client{Transport: &http.Transport{
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return l.dial(), nil },
			DisableKeepAlives: true,
		}}
		resp, err := client.Get("http://x/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); err != nil || len(b) != pieces {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
}

// An addrConn comes from an address.
type addrConn struct {
	net.Conn
	remote *net.TCPAddr
}

func (c *addrConn) RemoteAddr() net.Addr { return c.remote }

// Connections of one address, or of one IPv6 network, on which requests never
// end keep nobody else out; those of the machine itself are bounded by the whole
// alone.
func TestConnLimitOfPeer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flood    func(i int) string
		newcomer string
		let      bool // the newcomer gets an answer
	}{
		"one address":     {func(int) string { return "192.0.2.7" }, "192.0.2.8", true},
		"mapped":          {func(int) string { return "::ffff:192.0.2.7" }, "192.0.2.8", true},
		"the same":        {func(int) string { return "192.0.2.7" }, "192.0.2.7", false},
		"one network":     {func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, "2001:db8:0:1::1", true},
		"several of them": {func(i int) string { return fmt.Sprintf("192.0.2.%d", i+1) }, "192.0.2.200", false},
		"loopback":        {func(int) string { return "127.0.0.1" }, "192.0.2.8", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newPipeListener()
				dial := func(address string) net.Conn {
					client, server := net.Pipe()
					l.conns <- &addrConn{server, &net.TCPAddr{IP: net.ParseIP(address), Port: 1}}
					return client
				}
				limit := newConnLimit(8, 2)
				srv := &http.Server{ConnState: limit.track, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(w, "ok")
				})}
				served := make(chan error, 1)
				go func() { served <- srv.Serve(l) }()
				var held []net.Conn
				for i := range 10 {
					c := dial(test.flood(i))
					held = append(held, c)
					// A request has begun, if the connection is still there.
					_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx")
					synctest.Wait()
				}
				c := dial(test.newcomer)
				_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if err == nil {
					_, err = http.ReadResponse(bufio.NewReader(c), nil)
				}
				if (err == nil) != test.let {
					t.Errorf("a newcomer: %v", err)
				}
				for _, c := range append(held, c) {
					_ = c.Close()
				}
				synctest.Wait()
				if limit.open != 0 || len(limit.peers) != 0 || len(limit.places) != 0 || limit.waiting.Len() != 0 {
					t.Errorf("left: %d open, %d peers, %d places, %d waiting", limit.open, len(limit.peers), len(limit.places), limit.waiting.Len())
				}
				if err := srv.Close(); err != nil {
					t.Error(err)
				}
				<-served
			})
		})
	}
}

// Connections that are only held open keep nobody out, and requests in progress
// are not cut off for newcomers.
func TestConnLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		release := make(chan struct{})
		srv := &http.Server{ConnState: newConnLimit(3, 3).track, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-release
			}
			_, _ = io.WriteString(w, "ok")
		})}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(l) }()

		ask := func(c net.Conn, path string) error {
			if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				return err
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		}
		slow := l.dial()
		answered := make(chan error, 1)
		go func() { answered <- ask(slow, "/slow") }()
		synctest.Wait()
		var held []net.Conn
		for range 20 {
			held = append(held, l.dial())
			synctest.Wait()
		}
		c := l.dial()
		if err := ask(c, "/"); err != nil {
			t.Errorf("a newcomer: %v", err)
		}
		synctest.Wait()
		if _, err := held[0].Read(make([]byte, 1)); err == nil {
			t.Error("the connection that waited longest is still open")
		}
		close(release)
		if err := <-answered; err != nil {
			t.Errorf("the request in progress: %v", err)
		}
		// An idle connection that was used counts by when it became idle.
		if err := ask(c, "/"); err != nil {
			t.Errorf("the newcomer again: %v", err)
		}
		for _, c := range append(held, slow, c) {
			_ = c.Close()
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
}
