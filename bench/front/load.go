package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cairn/internal/sigv4"
)

// A call is one request to send.
type call struct {
	service, path, target, contentType string
	body                               []byte
	check                              func(answer []byte) error // nil: any answer with status 200 will do
}

// A peer is a server under load.
type peer struct {
	address     string
	credentials sigv4.Credentials
}

func newPeer(url string, credentials sigv4.Credentials) *peer {
	return &peer{strings.TrimPrefix(url, "http://"), credentials}
}

// A connection sends calls one after the other. It takes as little of the
// processors as it can, because the server has to share them: it has no
// goroutines, and it reads every answer into the same memory.
type connection struct {
	peer   *peer
	conn   net.Conn // nil: to be dialled
	stop   func() bool
	out    *bufio.Writer
	in     *bufio.Reader
	answer []byte
}

// dial opens the connection. The end of ctx closes it.
func (c *connection) dial(ctx context.Context) (err error) {
	var d net.Dialer
	if c.conn, err = d.DialContext(ctx, "tcp", c.peer.address); err != nil {
		return err
	}
	conn := c.conn
	c.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	c.out, c.in = bufio.NewWriter(conn), bufio.NewReader(conn)
	return nil
}

func (c *connection) close() {
	if c.conn != nil {
		c.stop()
		_ = c.conn.Close()
		c.conn = nil
	}
}

// statusError is an answer that is not 200.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %.300s", e.status, e.body) }

// send signs and sends a call, and returns its answer, which is valid until the
// next call.
func (c *connection) send(ctx context.Context, call *call) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.peer.address+call.path, bytes.NewReader(call.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", call.contentType)
	if call.target != "" {
		r.Header.Set("X-Amz-Target", call.target)
	}
	if err := sigv4.Sign(r, sigv4.HashPayload(call.body), c.peer.credentials, call.service, region, time.Now()); err != nil {
		return nil, err
	}
	if c.conn == nil {
		if err := c.dial(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if err := errors.Join(r.Write(c.out), c.out.Flush()); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.in, r)
	if err != nil {
		return nil, err
	}
	if err := c.read(answer); err != nil {
		return nil, err
	}
	if answer.Close {
		c.close()
	}
	if answer.StatusCode != http.StatusOK {
		return nil, &statusError{answer.StatusCode, string(c.answer)}
	}
	if call.check != nil {
		return c.answer, call.check(c.answer)
	}
	return c.answer, nil
}

// read takes in an answer's body.
func (c *connection) read(answer *http.Response) (err error) {
	if n := answer.ContentLength; n >= 0 {
		c.answer = slices.Grow(c.answer[:0], int(n))[:n]
		_, err = io.ReadFull(answer.Body, c.answer)
	} else {
		c.answer, err = io.ReadAll(answer.Body)
	}
	return errors.Join(err, answer.Body.Close())
}

// send sends one call over a connection of its own.
func (p *peer) send(ctx context.Context, call *call) ([]byte, error) {
	c := &connection{peer: p}
	defer c.close()
	return c.send(ctx, call)
}

// A load is what was measured of one kind of calls.
type load struct {
	calls    int
	p50, p99 time.Duration
	rate     float64       // calls a second
	cpu      time.Duration // of the server, for each call; 0 if not known
}

// drive sends calls from so many connections, each one after the other, until
// the time is over or there are no more.
func (p *peer) drive(ctx context.Context, connections int, period time.Duration, next func(i int) *call) (load, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		all   []time.Duration
		errs  []error
		count atomic.Int64
	)
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range connections {
		wg.Go(func() {
			var took []time.Duration
			var err error
			connection := &connection{peer: p}
			defer connection.close()
			for err == nil && time.Since(began) < period {
				c := next(int(count.Add(1) - 1))
				if c == nil {
					break
				}
				at := time.Now()
				if _, err = connection.send(ctx, c); err == nil {
					took = append(took, time.Since(at))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				errs = append(errs, err)
				cancel()
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	if len(errs) > 0 {
		return load{}, errs[0]
	}
	if len(all) == 0 {
		return load{}, errors.New("no call was answered in time")
	}
	slices.Sort(all)
	return load{calls: len(all), p50: all[len(all)/2], p99: all[len(all)*99/100], rate: float64(len(all)) / elapsed.Seconds()}, nil
}
