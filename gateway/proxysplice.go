package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// splicePiece is how much of an answer goes from connection to connection at a time. The
// client has the route's IdleTimeout for each piece.
const splicePiece = 256 << 10

// splice passes on the middle of a large answer from connection to connection, which Linux
// does without copying it: all but what is copied for the record, and the last piece, which
// waits for the record. It does nothing where that cannot be, as with TLS.
//
// After an error it is not known how much of what was read has reached the client, so
// that the answer cannot go on. Where the upstream ends early there is none: whoever reads
// next meets the end.
func (s *stream) splice(copied bool) error {
	body, ok := s.a.body.(*answerBody)
	if !ok || !copied || s.pieces != nil || body.framing != byLength || body.ended.Load() || body.err != nil || body.c.br.Buffered() > 0 || s.c.r.TLS != nil {
		return nil
	}
	from, ok := body.c.nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	to, ok := s.c.w.(io.ReaderFrom)
	if !ok {
		return nil
	}
	asked := time.Now()
	defer func() {
		s.c.waited += time.Since(asked)
		body.c.read, s.arms = time.Time{}, time.Time{} // what comes next has its own time
	}()
	client := http.NewResponseController(s.c.w)
	for left := body.left - copyBytes; left > 0; {
		deadline := time.Now().Add(s.c.rt.IdleTimeout)
		from.SetReadDeadline(deadline)
		client.SetWriteDeadline(deadline)
		want := min(left, splicePiece)
		n, err := to.ReadFrom(&io.LimitedReader{R: from, N: want})
		body.left, left, s.read, s.sent = body.left-n, left-n, s.read+n, s.sent+n
		if err != nil {
			body.err = err
			return err
		}
		if n < want {
			return nil
		}
	}
	return nil
}

// blame is how long it may take to learn that a client has gone.
const blame = 50 * time.Millisecond

// cutOff ends an answer that came to an error between the connections, of which either may
// be the cause: that of a client that has gone is heard of soon.
func (s *stream) cutOff(ctx context.Context, err error) error {
	timer := time.NewTimer(blame)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return s.aborted(ctx, err)
	case <-timer.C:
		if isTimeout(err) {
			return s.aborted(ctx, err)
		}
		return s.broken(ctx, err)
	}
}
