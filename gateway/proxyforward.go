package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn/aws"
)

// forward sends the call to an upstream and passes its answer on.
func (c *call) forward(ctx context.Context, upgrade bool) {
	r := c.r
	o := &outgoing{
		method: r.Method, target: r.RequestURI, host: r.Host, header: r.Header, trailer: r.Trailer,
		body: c.body.bytes(), length: r.ContentLength, expect: r.Header.Get("Expect") != "",
		upgrade: upgrade, read: !upgrade && !c.x.MayChange(), major2: r.ProtoMajor == 2,
	}
	if !c.body.done {
		o.rest = c.body
	}
	if !o.major2 && r.ProtoAtLeast(1, 1) && !o.expect { // net/http writes its own 100 whenever it likes
		o.interim = c.interim
	}
	asked := time.Now()
	var a *answer
	var err error
	for _, u := range c.rt.backend.choose(r.Host, asked) {
		if a, err = u.exchange(ctx, o); err == nil {
			u.succeeded()
			break
		}
		var e *upstreamError
		if !errors.As(err, &e) || e.client {
			break
		}
		u.failed()
		c.count.upstreamErrors.Add(1)
		if e.sent {
			break
		}
	}
	c.waited += time.Since(asked)
	if r.Context().Err() != nil && o.read && err != nil {
		err = &upstreamError{err: err, client: true}
	}
	if err != nil {
		c.failed(ctx, err)
		return
	}
	defer a.close()
	switch {
	case a.conn != nil:
		c.tunnel(ctx, a)
	case a.length >= 0 && a.length <= maxCapture:
		c.small(ctx, a)
	default:
		c.long(ctx, a)
	}
}

// interim passes an answer with status 1xx on, such as 103 with its links.
func (c *call) interim(status int, header http.Header) {
	h := c.w.Header()
	for name, values := range header {
		if !hopByHop[name] {
			h[name] = values
		}
	}
	c.w.WriteHeader(status)
	clear(h)
}

// failed ends a call that no upstream answered.
func (c *call) failed(ctx context.Context, err error) {
	var e *upstreamError
	if !errors.As(err, &e) {
		e = &upstreamError{err: err}
	}
	size, _, broken := c.body.progress()
	c.x.BytesIn = size
	if e.client {
		c.outcome = outcomeAborted
		c.complete(ctx)
		if broken != nil {
			c.answerError(bodyError(broken))
			return
		}
		panic(http.ErrAbortHandler)
	}
	c.g.cfg.Logger.Warn("an upstream gave no answer", "route", c.rt.Name, "eventID", c.eventID, "sent", e.sent, "error", err)
	c.broken(ctx, e.sent, e.timeout)
}

// broken answers a call whose own answer did not come, or not as a whole.
func (c *call) broken(ctx context.Context, sent, timeout bool) {
	failure := &aws.Error{Code: "BadGateway", Status: http.StatusBadGateway, Message: "The backend could not be reached."}
	if sent {
		failure.Message = "The backend broke off before it had answered."
		c.outcome = outcomeUnknown
	}
	if timeout {
		failure.Code, failure.Status, failure.Message = "GatewayTimeout", http.StatusGatewayTimeout, "The backend did not answer in time."
	}
	c.x.Status, c.x.Output, c.x.Err = 0, nil, failure
	if !c.complete(ctx) {
		c.unavailable(errors.New("a read without an answer could not be recorded"))
		return
	}
	c.answerError(failure)
}

// small passes on an answer that is read as a whole before any of it leaves.
func (c *call) small(ctx context.Context, a *answer) {
	copied := captures.Get().(*[]byte)
	defer captures.Put(copied)
	buffer := slices.Grow((*copied)[:0], int(a.length))[:a.length]
	*copied = buffer
	if a.length > 0 {
		asked := time.Now()
		n, err := io.ReadFull(a.body, buffer)
		if err == nil {
			err = a.end()
		}
		c.waited += time.Since(asked)
		if err != nil {
			c.partly(ctx, a, buffer[:n], err)
			return
		}
	}
	c.release(ctx, a, buffer, false)
}

// partly ends a call whose answer has begun, and did not come to its end before any of it
// left: because the client went away, which also ends reading, or because the upstream
// broke off.
func (c *call) partly(ctx context.Context, a *answer, came []byte, err error) {
	if ctx.Err() != nil {
		c.outcome = outcomeAborted
		c.answered(a, Capture{Bytes: came, Aborted: true})
		c.complete(ctx)
		panic(http.ErrAbortHandler)
	}
	c.g.cfg.Logger.Warn("an upstream broke off its answer", "route", c.rt.Name, "eventID", c.eventID, "error", err)
	c.broken(ctx, true, isTimeout(err))
}

// end reads the end of a body whose bytes are all there: over HTTP/2 trailers come with it.
func (a *answer) end() error {
	var none [1]byte
	if _, err := a.body.Read(none[:]); err != io.EOF {
		return err
	}
	return nil
}

// release records a call whose answer is whole, and lets the answer go.
func (c *call) release(ctx context.Context, a *answer, body []byte, chunked bool) {
	c.answered(a, Capture{Bytes: body, Size: int64(len(body))})
	if !c.complete(ctx) {
		c.unavailable(errors.New("a read could not be recorded"))
		return
	}
	c.answerBy(c.rt)
	c.writeHead(a)
	if len(body) > 0 {
		if _, err := c.w.Write(body); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if chunked {
		http.NewResponseController(c.w).Flush() // or net/http would say its length
	}
	c.writeTrailer(a)
}

// answered takes in what the answer says.
func (c *call) answered(a *answer, body Capture) {
	if size, _, err := c.body.progress(); err != nil || size > int64(len(c.body.bytes())) && !chunked(c.r.Header) {
		c.x.BytesIn = size
	}
	c.x.Answer(&Answer{Status: a.status, Header: a.header, Body: body})
	c.x.BytesOut = body.Size
	c.excluded = c.x.Err == nil && c.outcome == "" && c.rt.excludes(c.x)
}

// hopByHop are headers of an answer that belong to the connection with the upstream.
var hopByHop = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Te": true,
	"Transfer-Encoding": true, "Upgrade": true,
}

// writeHead writes the head of the answer as the upstream gave it.
func (c *call) writeHead(a *answer) {
	c.released = true
	h := c.w.Header()
	for name, values := range a.header {
		if hopByHop[name] {
			continue
		}
		switch name {
		case "Content-Length", "Content-Type", "Date", "Trailer":
			// net/http looks for these by their canonical names.
		default:
			if spelt := a.spelling[name]; spelt != "" {
				name = spelt
			}
			if strings.HasPrefix(name, "X-Amz-Meta-") {
				// S3 writes the names of metadata so, and clients show them as they came.
				name = strings.ToLower(name)
			}
		}
		h[name] = values
	}
	for _, name := range [...]string{"Date", "Content-Type"} {
		if h[name] == nil {
			h[name] = nil // net/http is not to add it
		}
	}
	if _, done, _ := c.body.progress(); !done && a.busy() {
		http.NewResponseController(c.w).EnableFullDuplex() // or net/http would read the body away
		if c.r.ProtoMajor == 1 {
			// Then it does not look either whether the body has ended, and takes what is
			// left of it for the next request.
			h.Set("Connection", "close")
		}
	}
	c.w.WriteHeader(a.status)
}

// answerBy sets until when the client is to take an answer that is whole: one that does
// not read would hold the call for ever. net/http lifts it for the next call.
func (c *call) answerBy(rt *route) {
	after := time.Minute
	if rt != nil {
		after = rt.IdleTimeout
	}
	http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(after))
}

func (c *call) writeTrailer(a *answer) {
	for name, values := range a.trailer() {
		c.w.Header()[http.TrailerPrefix+name] = values
	}
}
