package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// hurry is how long an answer of unknown length may take to come as a whole. After it, what
// came is passed on: S3 sends blanks while it works, so that clients stay patient.
const hurry = 200 * time.Millisecond

// long passes on an answer that is large, or of unknown length.
func (c *call) long(ctx context.Context, a *answer) {
	s := &stream{c: c, a: a}
	defer s.release()
	if a.length < 0 {
		s.begin()
		if !c.eventual(a) && s.whole() {
			if s.err != io.EOF {
				c.partly(ctx, a, s.copied(), s.err)
				return
			}
			c.release(ctx, a, s.copied(), true)
			return
		}
	}
	// Whether the answer will get to its end is open, and its record must not be lost.
	spared := a.status < 300 && c.x.Err == nil && c.spared()
	if c.pending == nil && !c.rt.Relaxed && !c.caller.Own && !spared {
		if err := c.begin(ctx); err != nil {
			c.unavailable(err)
			return
		}
	}
	c.writeHead(a)
	if err := s.pass(ctx); err != nil {
		panic(http.ErrAbortHandler) // the client must see that there was more
	}
	c.writeTrailer(a)
}

// eventual reports whether an answer is a stream that has no end to wait for.
func (c *call) eventual(a *answer) bool {
	kind := a.header.Get("Content-Type")
	return strings.HasPrefix(kind, "application/vnd.amazon.eventstream") || strings.HasPrefix(kind, "text/event-stream") ||
		a.status < 300 && c.x.Model != nil && c.x.Model.StreamingOutput() || c.body.events
}

// spared reports whether a rule may leave the call out.
func (c *call) spared() bool {
	return !c.x.MayChange() && slices.ContainsFunc(c.rt.rules, func(r *rule) bool { return r.covers(c.x) })
}

// A stream is an answer that passes piece by piece.
type stream struct {
	c    *call
	a    *answer
	held *[]byte // the beginning, for the record
	sent int64   // to the client
	read int64   // from the upstream
	arms time.Time

	buffer *[]byte // the one in use

	// Of an answer of unknown length: pieces are read by a goroutine of their own, so that
	// waiting for one can end.
	pieces chan piece
	free   chan *[]byte
	closed chan struct{}
	err    error // that reading ended with, io.EOF at the end; once pieces is closed
}

type piece struct {
	buffer *[]byte
	n      int
}

// begin starts to read an answer of unknown length.
func (s *stream) begin() {
	s.pieces, s.free, s.closed = make(chan piece), make(chan *[]byte, 2), make(chan struct{})
	for range cap(s.free) {
		s.free <- copyBuffers.Get().(*[]byte)
	}
	go s.pump()
}

func (s *stream) pump() {
	defer close(s.pieces)
	for s.err == nil {
		var buffer *[]byte
		select {
		case buffer = <-s.free:
		case <-s.closed:
			s.err = net.ErrClosed
			return
		}
		n := 0
		n, s.err = s.a.body.Read(*buffer)
		if n == 0 {
			s.free <- buffer
			continue
		}
		select {
		case s.pieces <- piece{buffer, n}:
		case <-s.closed:
			s.free <- buffer
			s.err = net.ErrClosed
		}
	}
}

// whole waits for the end of an answer that is small and hurries, and reports whether it
// came. What came until then is held.
func (s *stream) whole() bool {
	timer := time.NewTimer(hurry)
	defer timer.Stop()
	asked := time.Now()
	defer func() { s.c.waited += time.Since(asked) }()
	for {
		select {
		case p, more := <-s.pieces:
			if !more {
				return true
			}
			if s.held == nil {
				s.held = captures.Get().(*[]byte)
				*s.held = (*s.held)[:0]
			}
			*s.held = append(*s.held, (*p.buffer)[:p.n]...)
			s.free <- p.buffer
			if s.read += int64(p.n); len(*s.held) >= maxCapture {
				return false
			}
		case <-timer.C:
			return false
		}
	}
}

func (s *stream) copied() []byte {
	if s.held == nil {
		return nil
	}
	return *s.held
}

// next returns the next piece, which is good until the one after it.
func (s *stream) next() ([]byte, error) {
	asked := time.Now()
	defer func() { s.c.waited += time.Since(asked) }()
	if s.pieces == nil {
		if s.buffer == nil {
			s.buffer = copyBuffers.Get().(*[]byte)
		}
		n, err := s.a.body.Read(*s.buffer)
		s.read += int64(n)
		return (*s.buffer)[:n], err
	}
	if s.buffer != nil {
		s.free <- s.buffer
		s.buffer = nil
	}
	p, more := <-s.pieces
	if !more {
		return nil, s.err
	}
	s.buffer = p.buffer
	s.read += int64(p.n)
	return (*p.buffer)[:p.n], nil
}

// pass passes pieces on until the answer ends. Its record is complete before the last one
// leaves; of an answer of unknown length that is the mark of its end.
func (s *stream) pass(ctx context.Context) error {
	x := s.c.x
	shown := s.a.status >= 300 || x.Model != nil && !x.Model.StreamingOutput()
	if err := s.write(s.copied()); err != nil {
		return s.aborted(ctx, err)
	}
	for {
		if err := s.splice(!shown || len(s.copied()) >= maxCapture); err != nil {
			return s.cutOff(ctx, err)
		}
		p, err := s.next()
		if len(p) > 0 {
			if shown && len(s.copied()) < maxCapture {
				if s.held == nil {
					s.held = captures.Get().(*[]byte)
					*s.held = (*s.held)[:0]
				}
				*s.held = append(*s.held, p[:min(len(p), maxCapture-len(*s.held))]...)
			}
			if s.read == s.a.length {
				s.a.end()
				s.sent += int64(len(p))
				if !s.complete(ctx, false) {
					return errNotRecorded
				}
				s.sent -= int64(len(p))
			}
			if err := s.write(p); err != nil {
				if s.read == s.a.length {
					return err // the record is there already
				}
				return s.aborted(ctx, err)
			}
		}
		switch {
		case s.read == s.a.length:
			return nil
		case err == io.EOF:
			if !s.complete(ctx, false) {
				return errNotRecorded
			}
			return nil
		case err != nil && ctx.Err() != nil:
			return s.aborted(ctx, err)
		case err != nil:
			return s.broken(ctx, err)
		}
	}
}

var errNotRecorded = errors.New("the call could not be recorded")

// broken ends an answer that the upstream did not end.
func (s *stream) broken(ctx context.Context, err error) error {
	s.c.g.cfg.Logger.Warn("an upstream broke off its answer", "route", s.c.rt.Name, "eventID", s.c.eventID, "error", err)
	s.c.outcome = outcomeBroken
	s.complete(ctx, true)
	return err
}

// aborted ends an answer that the client does not take.
func (s *stream) aborted(ctx context.Context, err error) error {
	s.c.outcome = outcomeAborted
	s.complete(ctx, true)
	return err
}

// write gives the client as long as the route does to take a piece.
func (s *stream) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	conn := http.NewResponseController(s.c.w)
	if now := time.Now(); now.Sub(s.arms) > rearm {
		s.arms = now
		conn.SetWriteDeadline(now.Add(s.c.rt.IdleTimeout))
	}
	n, err := s.c.w.Write(p)
	s.sent += int64(n)
	if err == nil && s.pieces != nil {
		err = conn.Flush() // it may be an event that somebody waits for
	}
	if s.c.r.ProtoMajor == 2 {
		// Over HTTP/2 the end of this time resets the stream, also while nobody writes.
		s.arms = time.Time{}
		conn.SetWriteDeadline(s.arms)
	}
	return err
}

func (s *stream) complete(ctx context.Context, short bool) bool {
	s.c.answered(s.a, Capture{Bytes: s.copied(), Size: s.sent, Aborted: short})
	return s.c.complete(ctx)
}

// release ends the reading, waits for it, and gives the memory back.
func (s *stream) release() {
	if s.pieces != nil {
		close(s.closed)
		s.a.close()
		for p := range s.pieces {
			s.free <- p.buffer
		}
		close(s.free)
		for buffer := range s.free {
			copyBuffers.Put(buffer)
		}
	}
	if s.buffer != nil {
		copyBuffers.Put(s.buffer)
	}
	if s.held != nil {
		captures.Put(s.held)
	}
}
