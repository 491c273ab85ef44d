package gateway

import (
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxCapture is how many bytes of a body are copied for the record. A record drops
	// fields of more than 100 KB, so that more would be garbage for who asks for it.
	maxCapture = 256 << 10

	// copyBytes is the size of the buffers through which bodies stream.
	copyBytes = 64 << 10

	// A client's body must move on: the time that it took to come, beyond slowGrace, must
	// be worth slowRate bytes a second.
	slowGrace = 30 * time.Second
	slowRate  = 256

	// eventGrace is how long a stream of events may pause.
	eventGrace = 15 * time.Minute
)

var (
	captures    = sync.Pool{New: func() any { return new([]byte) }}
	copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyBytes); return &b }}
)

// errSlowBody ends the body of a client that sends next to nothing.
var errSlowBody = errors.New("the body of the request came too slowly")

// errStopped ends a body that nobody wants any more, which is not its client's fault.
var errStopped = errors.New("the body of the request is of no use any more")

// A clientBody reads the body of a client's request: its beginning into memory, before the
// call is forwarded, and the rest in passing. One goroutine at a time reads it.
type clientBody struct {
	from   io.Reader
	conn   *http.ResponseController
	length int64         // as declared, -1 if it is not
	events bool          // a stream of events
	grace  time.Duration // slowGrace

	copied  *[]byte // what was read into memory
	armed   bool    // the connection has a deadline
	stopped atomic.Bool

	// Written with mu held, by who reads the body: an answer can come, and be recorded,
	// while it is still read.
	mu     sync.Mutex
	size   int64 // bytes read so far
	done   bool  // the body was read to its end
	err    error // that reading it ended with, but for its end
	waited time.Duration
	hash   hash.Hash // of what is read after those in memory, and of these; nil if nobody asks
}

func newClientBody(w http.ResponseWriter, r *http.Request, grace time.Duration) *clientBody {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return &clientBody{from: http.NoBody, done: true}
	}
	return &clientBody{from: r.Body, length: r.ContentLength, grace: grace, conn: http.NewResponseController(w)}
}

// bytes are those in memory.
func (b *clientBody) bytes() []byte {
	if b.copied == nil {
		return nil
	}
	return *b.copied
}

// progress tells how far the body has been read.
func (b *clientBody) progress() (size int64, done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size, b.done, b.err
}

// sum is the SHA-256 of the body in hex, empty if it was not read to its end.
func (b *clientBody) sum() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done || b.hash == nil {
		return ""
	}
	return hex.EncodeToString(b.hash.Sum(nil))
}

// fill reads the body into memory, up to maxCapture bytes.
func (b *clientBody) fill() error {
	if b.done || b.err != nil {
		return b.err
	}
	if b.copied == nil {
		b.copied = captures.Get().(*[]byte)
		*b.copied = (*b.copied)[:0]
	}
	buffer := *b.copied
	for !b.done && len(buffer) < maxCapture {
		if len(buffer) == cap(buffer) {
			want := max(2*cap(buffer), 2<<10)
			if b.length > 0 && len(buffer) == 0 {
				want = int(min(b.length, 16<<10)) // what is declared need not come
			}
			grown := make([]byte, len(buffer), min(want, maxCapture))
			copy(grown, buffer)
			buffer = grown
		}
		n, err := b.read(buffer[len(buffer):min(cap(buffer), maxCapture)])
		buffer = buffer[:len(buffer)+n]
		*b.copied = buffer
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

// read reads on, and notes the end.
func (b *clientBody) read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	if b.err != nil {
		return 0, b.err
	}
	began := time.Now()
	allowed := eventGrace
	if !b.events {
		allowed = min(max(b.grace+time.Duration(b.size/slowRate)*time.Second-b.waited, 0), b.grace)
	}
	b.conn.SetReadDeadline(began.Add(allowed))
	b.armed = true
	if b.stopped.Load() {
		b.stop() // it came between
	}
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size += int64(n)
	if b.hash != nil {
		b.hash.Write(p[:n])
	}
	b.waited += time.Since(began)
	switch {
	case err == io.EOF, err == nil && b.size == b.length:
		b.done = true
		b.disarm()
		if n > 0 {
			err = nil
		}
	case err != nil:
		if b.stopped.Load() {
			err = errStopped
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errSlowBody
		}
		b.err = err
	}
	return n, err
}

// disarm takes the deadline off the connection: the next request has its own time.
func (b *clientBody) disarm() {
	if b.armed {
		b.conn.SetReadDeadline(time.Time{})
		b.armed = false
	}
}

// stop makes a read that waits return. The connection is of no use afterwards.
func (b *clientBody) stop() {
	b.stopped.Store(true)
	if b.conn != nil {
		b.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// release gives the memory back.
func (b *clientBody) release() {
	if b.copied != nil {
		captures.Put(b.copied)
		b.copied = nil
	}
}
