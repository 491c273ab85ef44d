package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// lastWords is how long one side of a tunnel may go on when the other has ended.
const lastWords = 5 * time.Second

// tunnel connects the client to an upstream that has switched to WebSocket. The intent is
// durable already; the record comes when the tunnel ends, with what went through it.
func (c *call) tunnel(ctx context.Context, a *answer) {
	c.released = true
	c.x.Status = a.status
	aborted := func() {
		c.outcome = outcomeAborted
		c.complete(ctx)
		panic(http.ErrAbortHandler)
	}
	if !c.g.enter() {
		aborted()
	}
	defer c.g.working.Done()
	client, buffered, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		aborted()
	}
	defer client.Close()
	client.SetDeadline(time.Time{})
	stop := context.AfterFunc(c.g.ctx, func() { client.Close(); a.conn.nc.Close() })
	defer stop()
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", a.status, http.StatusText(a.status))
	for name, values := range a.header {
		if hopByHop[name] {
			continue
		}
		for _, v := range values {
			head.WriteString(name + ": " + v + "\r\n")
		}
	}
	head.WriteString("\r\n")
	var in, out atomic.Int64
	done := make(chan struct{})
	if _, err := io.WriteString(client, head.String()); err == nil {
		go func() {
			defer close(done)
			pipe(a.conn.nc, client, buffered.Reader, c.rt.IdleTimeout, &in)
			a.conn.nc.SetReadDeadline(time.Now().Add(lastWords))
		}()
		pipe(client, a.conn.nc, a.conn.br, c.rt.IdleTimeout, &out)
		client.SetReadDeadline(time.Now().Add(lastWords))
		<-done
	}
	c.x.BytesIn, c.x.BytesOut = in.Load(), out.Load()
	c.complete(ctx)
}

// pipe copies what one side sends to the other, first what was read of it already. Either
// may keep silent for as long as it likes, but must take what comes within idle.
func pipe(to, from net.Conn, ahead *bufio.Reader, idle time.Duration, count *atomic.Int64) {
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	piece, _ := ahead.Peek(ahead.Buffered())
	var armed time.Time
	for {
		if len(piece) > 0 {
			if now := time.Now(); now.Sub(armed) > rearm {
				armed = now
				to.SetWriteDeadline(now.Add(idle))
			}
			n, err := to.Write(piece)
			count.Add(int64(n))
			if err != nil {
				break
			}
		}
		n, err := from.Read(*buffer)
		if piece = (*buffer)[:n]; n == 0 && err != nil {
			break
		}
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}
