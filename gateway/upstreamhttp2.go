package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// errNoHTTP2 says that an upstream does not speak HTTP/2, or not for this request.
var errNoHTTP2 = errors.New("the upstream does not speak HTTP/2")

// noHTTP2For is how long an upstream that did not choose HTTP/2 is not asked again.
const noHTTP2For = 10 * time.Minute

// exchange2 sends a request over HTTP/2, which clients of HTTP/2 may need: streams of
// events in both directions come by it alone. After errNoHTTP2 nothing was sent.
func (u *upstream) exchange2(ctx context.Context, o *outgoing) (*answer, error) {
	if strings.HasPrefix(o.target, "//") {
		return nil, errNoHTTP2 // net/http's client would take it for a host
	}
	transport, err := u.transport2(ctx)
	if err != nil {
		return nil, err
	}
	header := maps.Clone(o.header)
	maps.DeleteFunc(header, func(name string, _ []string) bool { return notForwarded[name] })
	if hasToken(o.header["Te"], "trailers") {
		header["Te"] = []string{"trailers"}
	}
	if len(header["User-Agent"]) == 0 {
		header["User-Agent"] = nil // or net/http's client adds its own
	}
	r := &http.Request{
		Method: o.method, URL: &url.URL{Scheme: "https", Host: u.address, Opaque: o.target}, Host: o.host,
		Header: header, ContentLength: o.length, Trailer: o.trailer,
	}
	if !o.read {
		ctx = context.WithoutCancel(ctx) // the answer to a change is worth knowing
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(u.rt.AnswerTimeout, func() { cancel(context.DeadlineExceeded) })
	var mu sync.Mutex
	headed := false
	body := &body2{o: o, closed: make(chan struct{}), uploaded: func() {
		mu.Lock()
		defer mu.Unlock()
		if !headed {
			timer.Reset(u.rt.AnswerTimeout)
		}
	}}
	if o.length != 0 {
		timer.Stop()
		r.Body = body
	} else {
		body.over = true
		close(body.closed)
	}
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if o.interim != nil {
				o.interim(code, http.Header(h))
			}
			return nil
		},
	}
	resp, err := transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(ctx, trace)))
	mu.Lock()
	headed = true // an upload that ends later sets no time for what has come
	timer.Stop()
	mu.Unlock()
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		body.finish()
		if !sent.Load() {
			// It may not speak HTTP/2 any more: the next call asks anew.
			u.mu.Lock()
			u.is2 = false
			u.mu.Unlock()
		}
		e := &upstreamError{err: fmt.Errorf("call %s: %w", u.address, err), sent: sent.Load(), timeout: isTimeout(err)}
		if body.err != nil {
			e.err, e.client = body.err, true
		} else if errors.Is(err, context.Canceled) {
			e.client = true
		}
		return nil, e
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, length: resp.ContentLength, trailer: func() http.Header { return resp.Trailer }}
	delete(a.header, "Trailer")
	if a.length >= 0 && a.header["Content-Length"] == nil && a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		a.header["Content-Length"] = []string{strconv.FormatInt(a.length, 10)}
	}
	if o.method == http.MethodHead || a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		a.length = 0
	}
	// The connection has no deadline of its own: it serves other calls, too.
	idle := time.AfterFunc(u.rt.IdleTimeout, func() { cancel(context.DeadlineExceeded) })
	a.body = &idleReader{resp.Body, idle, u.rt.IdleTimeout}
	a.busy = func() bool {
		select {
		case <-body.closed:
			return false
		default:
			return true
		}
	}
	a.close = sync.OnceFunc(func() {
		idle.Stop()
		resp.Body.Close()
		cancel(nil)
		body.finish()
	})
	return a, nil
}

type idleReader struct {
	io.Reader
	timer *time.Timer
	after time.Duration
}

func (r *idleReader) Read(p []byte) (int, error) {
	r.timer.Reset(r.after)
	defer r.timer.Stop() // what the client takes its time for is not the upstream's
	return r.Reader.Read(p)
}

// transport2 returns the client for HTTP/2, once the upstream is known to speak it.
func (u *upstream) transport2(ctx context.Context) (*http.Transport, error) {
	u.mu.Lock()
	is, not := u.is2, time.Now().Before(u.not2)
	u.mu.Unlock()
	if not {
		return nil, errNoHTTP2
	}
	if !is {
		nc, protocol, err := u.connect(context.WithoutCancel(ctx), "h2", "http/1.1")
		if err != nil {
			return nil, err
		}
		if protocol != "h2" {
			u.mu.Lock()
			u.not2 = time.Now().Add(noHTTP2For)
			u.mu.Unlock()
			u.put(newUpstreamConn(nc, u), time.Now())
			return nil, errNoHTTP2
		}
		nc.Close()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.is2 = true
	if u.h2 == nil {
		protocols := new(http.Protocols)
		protocols.SetHTTP2(true)
		u.h2 = &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return u.dialer(ctx, network, u.address)
			},
			TLSClientConfig:        u.tls.Clone(),
			TLSHandshakeTimeout:    u.rt.DialTimeout,
			Protocols:              protocols,
			DisableCompression:     true,
			ExpectContinueTimeout:  continueWait,
			MaxResponseHeaderBytes: maxAnswerHead,
			IdleConnTimeout:        idleUpstream,
		}
	}
	return u.h2, nil
}

// body2 is a request's body on its way over HTTP/2. Nobody reads the client's body when
// finish has returned.
type body2 struct {
	o        *outgoing
	uploaded func()
	closed   chan struct{}

	mu   sync.Mutex
	at   int
	over bool
	err  error // of reading from the client
}

func (b *body2) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over:
		return 0, io.EOF
	case b.at < len(b.o.body):
		n := copy(p, b.o.body[b.at:])
		b.at += n
		return n, nil
	case b.o.rest == nil:
		b.end()
		return 0, io.EOF
	}
	n, err := b.o.rest.read(p)
	switch {
	case b.o.rest.done:
		b.end()
		err = io.EOF
	case err != nil:
		if b.over = true; err != errStopped {
			b.err = err
		}
		close(b.closed)
	}
	return n, err
}

// end is called with the lock held.
func (b *body2) end() {
	b.o.pruneTrailer()
	b.over = true
	b.uploaded()
	close(b.closed)
}

// Close is called by net/http's client when it has no use for the body any more. It waits
// for a read under way, and a client that sends nothing would hold it for long.
func (b *body2) Close() error {
	select {
	case <-b.closed:
	default:
		if b.o.rest != nil {
			b.o.rest.stop()
		}
	}
	return nil
}

// finish ends the body, and waits for a read under way.
func (b *body2) finish() {
	select {
	case <-b.closed:
		return
	default:
	}
	if b.o.rest != nil {
		b.o.rest.stop()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.over = true
		close(b.closed)
	}
}
