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
	client, buffered, err := http.NewResponseController(c.w).Hijack()
	c.released = true
	c.x.Status = a.status
	if err != nil {
		c.outcome = outcomeAborted
		c.complete(ctx)
		panic(http.ErrAbortHandler)
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
			pipe(a.conn.nc, client, buffered.Reader, &in)
			a.conn.nc.SetReadDeadline(time.Now().Add(lastWords))
		}()
		pipe(client, a.conn.nc, a.conn.br, &out)
		client.SetReadDeadline(time.Now().Add(lastWords))
		<-done
	}
	c.x.BytesIn, c.x.BytesOut = in.Load(), out.Load()
	c.complete(ctx)
}

// pipe copies what one side sends to the other, first what was read of it already.
func pipe(to, from net.Conn, ahead *bufio.Reader, count *atomic.Int64) {
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	early, _ := ahead.Peek(ahead.Buffered())
	n, err := to.Write(early)
	count.Add(int64(n))
	for err == nil {
		var r int
		r, err = from.Read(*buffer)
		if r > 0 {
			w, e := to.Write((*buffer)[:r])
			count.Add(int64(w))
			if e != nil {
				break
			}
		}
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}
