package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxAnswerHead = 256 << 10 // bytes
	maxInterim    = 16        // answers with status 1xx before the final one
	continueWait  = time.Second

	// inlineBody is the largest body that is sent without a look at what comes back
	// meanwhile: the kernel's buffers hold it.
	inlineBody = 32 << 10

	// rearm is how old a connection's deadline may be before it is set anew.
	rearm = time.Second
)

// An outgoing is a request on its way to an upstream. What the client signed is written as
// it came, which net/http's client would not do: it escapes paths anew, leaves headers out
// and adds others, and sends calls twice that may have been served already.
type outgoing struct {
	method, target, host string
	header               http.Header // of the client; it is not changed
	trailer              http.Header // of the client, filled in when the body has ended

	body    []byte      // the body, or its beginning
	rest    *clientBody // what comes after it, nil if that is nothing
	length  int64       // of the whole body, -1 if it is not known
	expect  bool        // the client waits for a status of 100
	upgrade bool        // to WebSocket
	read    bool        // the call changes nothing
	major2  bool        // it came over HTTP/2

	// interim is given answers with status 1xx, but for 100.
	interim func(status int, header http.Header)
}

// An answer is what an upstream answers. It must be closed.
type answer struct {
	status   int
	header   http.Header       // by canonical names
	spelling map[string]string // of names that came in another form
	length   int64             // of the body, -1 if it is not known
	body     io.Reader
	trailer  func() http.Header // after the body's end
	conn     *upstreamConn      // of an upgrade

	busy  func() bool // the request's body is still being sent
	close func()      // ends that, and waits for it
}

// An upstreamConn is a connection to an upstream over HTTP/1.1.
type upstreamConn struct {
	nc    net.Conn
	raw   syscall.RawConn
	br    *bufio.Reader
	bw    *bufio.Writer
	u     *upstream
	since time.Time
	idle  time.Duration
	read  time.Time // when the deadline for reading was set
	wrote time.Time // when that for writing was set
	sent  int64     // bytes of the current request
}

func newUpstreamConn(nc net.Conn, u *upstream) *upstreamConn {
	c := &upstreamConn{nc: nc, u: u, idle: u.rt.IdleTimeout}
	c.br = bufio.NewReaderSize(c, 4<<10)
	c.bw = bufio.NewWriterSize(connWriter{c}, 4<<10)
	return c
}

// Read reads with a deadline that moves on.
func (c *upstreamConn) Read(p []byte) (int, error) {
	if now := time.Now(); now.Sub(c.read) > rearm {
		c.read = now
		c.nc.SetReadDeadline(now.Add(c.idle))
	}
	return c.nc.Read(p)
}

type connWriter struct{ *upstreamConn }

func (w connWriter) Write(p []byte) (int, error) {
	if now := time.Now(); now.Sub(w.wrote) > rearm {
		w.wrote = now
		w.nc.SetWriteDeadline(now.Add(w.idle))
	}
	n, err := w.nc.Write(p)
	w.sent += int64(n)
	return n, err
}

// exchange sends a request and returns the head of its answer. It tries again, on another
// connection, only where nothing of the request was sent. Errors are *upstreamError.
func (u *upstream) exchange(ctx context.Context, o *outgoing) (*answer, error) {
	if o.major2 && u.tls != nil && !o.upgrade {
		if a, err := u.exchange2(ctx, o); err != errNoHTTP2 {
			return a, err
		}
	}
	for {
		c := u.take(time.Now())
		reused := c != nil
		if !reused {
			// Clients that lose patience say nothing of the upstream.
			nc, _, err := u.connect(context.WithoutCancel(ctx), "http/1.1")
			if err != nil {
				return nil, err
			}
			c = newUpstreamConn(nc, u)
		}
		a, err := c.exchange(ctx, o)
		if e, ok := err.(*upstreamError); ok && reused && !e.sent && !e.client {
			continue
		}
		return a, err
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.Timeout()
}

// exchange sends a request over the connection, which it closes after an error.
func (c *upstreamConn) exchange(ctx context.Context, o *outgoing) (*answer, error) {
	c.sent, c.read, c.wrote = 0, time.Time{}, time.Time{}
	up := &upload{c: c, o: o, done: make(chan struct{}), begin: make(chan bool, 1)}
	inline := o.rest == nil && len(o.body) <= inlineBody
	c.writeHead(o)
	if inline {
		c.writeBody(o.body, o)
	}
	if err := c.bw.Flush(); err != nil && c.sent == 0 {
		c.nc.Close()
		return nil, &upstreamError{err: fmt.Errorf("call %s: %w", c.u.address, err), timeout: isTimeout(err)}
	}
	// An upstream that refuses a request may answer and close before it has read all of it,
	// so that a write that failed later is no reason not to look for the answer.
	stop := func() bool { return true }
	if o.read {
		stop = context.AfterFunc(ctx, func() { c.nc.Close() })
	}
	if inline {
		close(up.done)
		c.awaitAnswer()
	} else {
		c.read = time.Now().Add(100 * 24 * time.Hour) // nobody answers before the body is there
		c.nc.SetReadDeadline(time.Time{})
		go up.run()
	}
	a, err := c.await(o, up, inline, stop)
	if err == nil {
		return a, nil
	}
	gone := !stop()
	c.nc.Close()
	up.wait(true)
	e := &upstreamError{err: fmt.Errorf("call %s: %w", c.u.address, err), sent: c.sent > 0, timeout: isTimeout(err), client: gone}
	if up.clientErr != nil {
		e.err, e.client = up.clientErr, true
	}
	return nil, e
}

// await reads answers up to the final one.
func (c *upstreamConn) await(o *outgoing, up *upload, inline bool, stop func() bool) (*answer, error) {
	for range maxInterim {
		a, minor, err := c.readHead()
		switch {
		case err != nil:
			return nil, err
		case a.status == http.StatusSwitchingProtocols && o.upgrade:
			up.wait(false)
			if !stop() {
				return nil, context.Canceled
			}
			c.nc.SetDeadline(time.Time{})
			a.conn, a.body, a.close = c, http.NoBody, sync.OnceFunc(func() { c.nc.Close() })
			a.busy = up.busy
			return a, nil
		case a.status == http.StatusSwitchingProtocols:
			return nil, errors.New("the upstream switches protocols without having been asked to")
		case a.status >= 200:
			return a, c.frame(a, o, up, minor, stop)
		case a.status == http.StatusContinue:
			up.mayBegin(true)
		case o.interim != nil:
			o.interim(a.status, a.header)
		}
		if inline {
			c.awaitAnswer()
		}
	}
	return nil, errors.New("the upstream gives interim answers without end")
}

// awaitAnswer sets the deadline for the head of the answer. Read leaves it alone.
func (c *upstreamConn) awaitAnswer() {
	c.read = time.Now().Add(c.u.rt.AnswerTimeout)
	c.nc.SetReadDeadline(c.read)
}

// notForwarded are headers that belong to the connection with the client.
var notForwarded = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Host": true, "Http2-Settings": true,
}

func (c *upstreamConn) writeHead(o *outgoing) {
	w := c.bw
	w.WriteString(o.method)
	w.WriteByte(' ')
	w.WriteString(o.target)
	w.WriteString(" HTTP/1.1\r\n")
	writeField(w, "Host", o.host)
	for name, values := range o.header {
		if notForwarded[name] || o.length < 0 && name == "Content-Length" {
			continue
		}
		for _, v := range values {
			writeField(w, name, v)
		}
	}
	if o.length > 0 && o.header["Content-Length"] == nil {
		writeField(w, "Content-Length", strconv.FormatInt(o.length, 10))
	}
	if o.length < 0 {
		writeField(w, "Transfer-Encoding", "chunked")
		for name := range o.trailer {
			if !notInTrailer(name) {
				writeField(w, "Trailer", name)
			}
		}
	}
	if o.upgrade {
		w.WriteString("Connection: Upgrade\r\nUpgrade: websocket\r\n")
	} else if hasToken(o.header["Te"], "trailers") {
		w.WriteString("Connection: TE\r\nTE: trailers\r\n")
	}
	w.WriteString("\r\n")
}

// pruneTrailer takes out of a trailer that has come what has no place there: a backend
// that adds trailers to the header would take it for what the record was made of.
func (o *outgoing) pruneTrailer() {
	maps.DeleteFunc(o.trailer, func(name string, _ []string) bool { return notInTrailer(name) })
}

func notInTrailer(name string) bool {
	return notForwarded[name] || once[name] || name == "Content-Encoding"
}

func writeField(w *bufio.Writer, name, value string) {
	w.WriteString(name)
	w.WriteString(": ")
	w.WriteString(value)
	w.WriteString("\r\n")
}

// writeBody writes a body that is whole.
func (c *upstreamConn) writeBody(body []byte, o *outgoing) {
	c.writePiece(body, o)
	c.writeEnd(o)
}

func (c *upstreamConn) writePiece(p []byte, o *outgoing) {
	switch {
	case len(p) == 0:
	case o.length >= 0:
		c.bw.Write(p)
	default:
		fmt.Fprintf(c.bw, "%x\r\n", len(p))
		c.bw.Write(p)
		c.bw.WriteString("\r\n")
	}
}

func (c *upstreamConn) writeEnd(o *outgoing) {
	if o.length >= 0 {
		return
	}
	c.bw.WriteString("0\r\n")
	o.pruneTrailer()
	for name, values := range o.trailer {
		for _, v := range values {
			writeField(c.bw, name, v)
		}
	}
	c.bw.WriteString("\r\n")
}

// An upload sends a request's body while the answer is awaited. Whoever made the call
// waits for its goroutine.
type upload struct {
	c         *upstreamConn
	o         *outgoing
	begin     chan bool // whether the body may be sent
	done      chan struct{}
	clientErr error // of reading, after done
	err       error // of either, after done

	mu     sync.Mutex
	headed bool // the head of the answer is there, and its body has deadlines of its own
}

// mayBegin decides whether a body may be sent that waits for its status of 100.
func (up *upload) mayBegin(yes bool) {
	select {
	case up.begin <- yes:
	default:
	}
}

var errNotWanted = errors.New("the upstream did not ask for the body")

func (up *upload) run() {
	defer close(up.done)
	if up.o.expect && len(up.o.body) == 0 {
		timer := time.NewTimer(continueWait)
		defer timer.Stop()
		select {
		case yes := <-up.begin:
			if !yes {
				up.err = errNotWanted
				return
			}
		case <-timer.C: // upstreams that know nothing of it just wait
		}
	}
	if up.err = up.send(); up.clientErr != nil {
		up.c.nc.Close() // the upstream must not take what came for the whole
		return
	}
	// The reader, another goroutine, leaves the deadline alone until the head is there.
	up.mu.Lock()
	defer up.mu.Unlock()
	if !up.headed {
		up.c.nc.SetReadDeadline(time.Now().Add(up.c.u.rt.AnswerTimeout))
	}
}

// head notes that the head of the answer is there.
func (up *upload) head() {
	up.mu.Lock()
	defer up.mu.Unlock()
	up.headed = true
}

func (up *upload) send() error {
	c, o := up.c, up.o
	if o.rest == nil {
		c.writeBody(o.body, o)
		return c.bw.Flush()
	}
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	for piece := o.body; ; {
		c.writePiece(piece, o)
		// What came is passed on at once: it may be an event that waits for an answer.
		if err := c.bw.Flush(); err != nil {
			return err
		}
		n, err := o.rest.read(*buffer)
		if piece = (*buffer)[:n]; n > 0 || err == nil {
			continue
		}
		if err != io.EOF {
			if err != errStopped {
				up.clientErr = err
			}
			return err
		}
		c.writeEnd(o)
		return c.bw.Flush()
	}
}

func (up *upload) busy() bool {
	select {
	case <-up.done:
		return false
	default:
		return true
	}
}

// wait waits for the end of the upload, which it stops if it is to.
func (up *upload) wait(stop bool) {
	if stop && up.busy() {
		up.mayBegin(false)
		up.c.nc.SetWriteDeadline(time.Unix(1, 0))
		up.c.nc.Close()
		if up.o.rest != nil {
			up.o.rest.stop()
		}
	}
	<-up.done
}

// errHead is the head of an answer that is none of HTTP.
var errHead = errors.New("the head of the upstream's answer is malformed")

func (c *upstreamConn) readHead() (a *answer, minor int, err error) {
	room := maxAnswerHead
	line, err := c.readLine(&room)
	if err != nil {
		return nil, 0, err
	}
	rest, ok := strings.CutPrefix(line, "HTTP/1.")
	if !ok || len(rest) < 5 || rest[0] != '0' && rest[0] != '1' || rest[1] != ' ' || len(rest) > 5 && rest[5] != ' ' {
		return nil, 0, errHead
	}
	status, err := strconv.Atoi(rest[2:5])
	if err != nil || status < 100 || status > 599 {
		return nil, 0, errHead
	}
	a = &answer{status: status, header: make(http.Header, 16), body: http.NoBody}
	return a, int(rest[0] - '0'), c.readFields(&room, func(name, value string) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		a.header[canonical] = append(a.header[canonical], value)
		if canonical != name {
			if a.spelling == nil {
				a.spelling = make(map[string]string, 8)
			}
			a.spelling[canonical] = name
		}
	})
}

// readFields reads header fields up to the empty line.
func (c *upstreamConn) readFields(room *int, do func(name, value string)) error {
	for {
		line, err := c.readLine(room)
		if err != nil || line == "" {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if value = strings.Trim(value, " \t"); !ok || !isToken(name) || !isFieldValue(value) {
			return errHead // lines that go on with a blank are no fields either
		}
		do(name, value)
	}
}

func (c *upstreamConn) readLine(room *int) (string, error) {
	line, err := c.br.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		long := append([]byte(nil), line...)
		for err == bufio.ErrBufferFull && len(long) <= *room {
			line, err = c.br.ReadSlice('\n')
			long = append(long, line...)
		}
		line = long
	}
	if *room -= len(line); *room < 0 {
		return "", errors.New("the head of the upstream's answer is too large")
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
}

func isFieldValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func isToken(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// frame finds out where the body of the answer ends.
func (c *upstreamConn) frame(a *answer, o *outgoing, up *upload, minor int, stop func() bool) error {
	up.mayBegin(false)
	up.head()
	reuse := minor == 1 && !hasToken(a.header["Connection"], "close")
	lengths, codings := a.header["Content-Length"], a.header["Transfer-Encoding"]
	a.length = -1
	if len(lengths) > 0 {
		n, err := strconv.ParseUint(lengths[0], 10, 63)
		if err != nil {
			return errHead
		}
		a.length = int64(n)
		for _, other := range lengths[1:] {
			if other != lengths[0] {
				return errors.New("the upstream's answer has two lengths")
			}
		}
		a.header["Content-Length"] = lengths[:1]
	}
	body := &answerBody{c: c, source: c.br, framing: byLength}
	switch {
	case o.method == http.MethodHead || a.status == http.StatusNoContent || a.status == http.StatusNotModified:
		a.length = 0
	case len(codings) > 1 || len(codings) == 1 && !strings.EqualFold(codings[0], "chunked"):
		return errors.New("the upstream's answer is in a transfer coding that is not known")
	case len(codings) == 1:
		reuse = reuse && a.length < 0 // who says both may mean either
		delete(a.header, "Content-Length")
		a.length, body.source, body.framing = -1, httputil.NewChunkedReader(c.br), byChunks
	case a.length < 0:
		body.framing, reuse = byClose, false
	}
	body.left = a.length
	body.ended.Store(a.length == 0)
	a.body, a.busy = body, up.busy
	a.trailer = func() http.Header { return body.trailer }
	a.close = sync.OnceFunc(func() {
		if live := stop(); live && body.ended.Load() && reuse && !up.busy() && up.err == nil {
			c.u.put(c, time.Now())
			return
		}
		c.nc.Close()
		up.wait(true)
	})
	c.read = time.Time{}
	return nil
}

// How the end of an answer's body shows.
const (
	byLength = iota
	byChunks
	byClose
)

// An answerBody reads the body of an answer.
type answerBody struct {
	c       *upstreamConn
	source  io.Reader
	framing int
	left    int64       // byLength
	ended   atomic.Bool // the answer may be closed while another goroutine reads
	err     error
	trailer http.Header
}

func (b *answerBody) Read(p []byte) (int, error) {
	switch {
	case b.ended.Load():
		return 0, io.EOF
	case b.err != nil:
		return 0, b.err
	case b.framing == byLength && int64(len(p)) > b.left:
		p = p[:b.left]
	}
	n, err := b.source.Read(p)
	b.left -= int64(n)
	switch {
	case b.framing == byLength && b.left == 0, err == io.EOF && b.framing == byClose:
		b.ended.Store(true)
		return n, io.EOF
	case err == io.EOF && b.framing == byChunks:
		room := maxAnswerHead
		err = b.c.readFields(&room, func(name, value string) {
			if b.trailer == nil {
				b.trailer = make(http.Header)
			}
			b.trailer.Add(name, value)
		})
		if err == nil {
			b.ended.Store(true)
			return n, io.EOF
		}
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	b.err = err
	return n, err
}
