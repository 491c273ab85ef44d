package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/semaphore"

	"cairn/internal/durable"
)

// Config says how to open a log. The zero values are the defaults given.
type Config struct {
	Dir string     // the log's own directory; it is made if missing
	FS  durable.FS // durable.OS

	// Now is the clock. time.Now
	Now func() time.Time

	// Retention is how long events are kept, by Event.Time. 90 days; Forever
	// keeps them all.
	Retention time.Duration

	// A segment is sealed when it has SegmentEvents records (262,144), or
	// SegmentBytes bytes of records (512 MiB), or is SegmentAge old (24 h).
	SegmentEvents int
	SegmentBytes  int64
	SegmentAge    time.Duration

	// ReserveBytes is the free space below which Append answers ErrDiskFull.
	// 64 MiB; negative for none.
	ReserveBytes int64

	// Signer signs seals, and Verifiers knows its key and all that signed
	// before it. Both are required.
	Signer    note.Signer
	Verifiers note.Verifiers

	// KnownHead is the newest head of the log's tree that is known from elsewhere,
	// nil if none is. A log that has lost records below it never gives their
	// seqs out again.
	KnownHead *Head

	Logger *slog.Logger // discards
}

// Forever as a Config's Retention keeps all events.
const Forever time.Duration = -1

const (
	defaultRetention     = 90 * 24 * time.Hour
	defaultSegmentEvents = 1 << 18
	defaultSegmentBytes  = 512 << 20
	defaultSegmentAge    = 24 * time.Hour
	defaultReserve       = 64 << 20
)

// sealBacklog is how many full segments may wait to be sealed before Append
// waits too.
const sealBacklog = 2

// appendMemory bounds the bytes of records that are on their way into the log.
const appendMemory = 64 << 20

// Log is an event log. Its methods may be called concurrently.
type Log struct {
	cfg Config
	hasher
	retention time.Duration // 0 keeps all events
	lock      io.Closer
	cache     *decoders
	events    eventCache
	memory    *semaphore.Weighted
	space     space
	rejects   *quarantine

	gate    sync.RWMutex // held shared by every Append
	closed  bool
	stopc   chan struct{} // closed by Close
	queue   chan *commit
	durable chan []*commit // groups that are durable and not yet in the index
	seals   chan *liveSegment
	reseal  chan struct{} // try again what a full disk prevented
	done    sync.WaitGroup

	viewMu sync.RWMutex
	view   *view

	// The committer's own.
	open        *liveSegment
	gather      []byte // commits that are written together
	keyHint     int    // how many index keys a segment has
	leafHint    int    // and how many records
	lastArrival int64

	doubles doubles

	mu       sync.Mutex
	err      error // why the log has stopped
	changed  chan struct{}
	end      uint64 // seq behind the newest durable record
	holds    map[string]Position
	tree     treeRange // over all sealed segments
	format   [32]byte  // hash of the format file
	prevSeal [32]byte  // hash of the newest seal
	sealing  int       // segments waiting to be sealed
	sealed   chan struct{}
	sealErr  error
	lost     []error // damage that every reader is told of

	contradicts bool // see Contradicted

	stats counters
}

// view is the set of segments at one moment, oldest first. Its segments stay
// readable until it is released.
type view struct {
	segments []segment
	refs     atomic.Int32
}

func newView(segments []segment) *view {
	v := &view{segments: segments}
	v.refs.Store(1)
	for _, s := range segments {
		s.references().Add(1)
	}
	return v
}

func (v *view) release() {
	if v.refs.Add(-1) > 0 {
		return
	}
	for _, s := range v.segments {
		if s.references().Add(-1) == 0 {
			s.close()
		}
	}
}

// acquire returns the present view. The caller releases it.
func (l *Log) acquire() (*view, error) {
	l.viewMu.RLock()
	defer l.viewMu.RUnlock()
	if l.view == nil {
		return nil, ErrClosed
	}
	l.view.refs.Add(1)
	return l.view, nil
}

// change replaces the view by what edit makes of its segments.
func (l *Log) change(edit func([]segment) []segment) {
	l.viewMu.Lock()
	old := l.view
	l.view = newView(edit(append([]segment(nil), old.segments...)))
	l.viewMu.Unlock()
	old.release()
}

// Close seals nothing: it waits for work under way, marks the log as closed
// cleanly and gives up the lock. After an error, which is that of Err if the
// log has stopped, the lock is given up and the log is not closed cleanly.
func (l *Log) Close() error {
	l.gate.Lock()
	if l.closed {
		l.gate.Unlock()
		return nil
	}
	l.closed = true
	l.gate.Unlock()
	close(l.stopc)
	close(l.queue)
	l.done.Wait()

	var errs []error
	if err := l.Err(); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, l.writeEndMark())
	}
	l.viewMu.Lock()
	v := l.view
	l.view = nil
	l.viewMu.Unlock()
	v.release()
	l.mu.Lock()
	l.wake()
	l.mu.Unlock()
	errs = append(errs, l.rejects.close(l.now()), l.lock.Close())
	return errors.Join(errs...)
}

// Err is why the log has stopped, nil while it runs.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// unreadable returns the segments that could not be opened.
func (l *Log) unreadable() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lost)
}

// stop stops the log for good: nothing more is written to it.
func (l *Log) stop(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = fmt.Errorf("%w: %w", ErrStopped, err)
		l.cfg.Logger.Error("event log stopped", "dir", l.cfg.Dir, "error", err)
	}
	l.wake()
}

// wake wakes all that wait for a change. The caller holds l.mu.
func (l *Log) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// waitChange returns a channel that is closed at the next change. The caller
// holds l.mu.
func (l *Log) waitChange() <-chan struct{} {
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// Start is the position of the oldest record that is still kept.
func (l *Log) Start() Position {
	v, err := l.acquire()
	if err != nil {
		return Position{}
	}
	defer v.release()
	return At(v.segments[0].first())
}

// End is the position behind the newest durable record.
func (l *Log) End() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return At(l.end)
}

// Head returns the head of the tree over all durable records.
func (l *Log) Head() (Head, error) {
	v, err := l.acquire()
	if err != nil {
		return Head{}, err
	}
	defer v.release()
	l.mu.Lock()
	t := l.tree.clone()
	l.mu.Unlock()
	for _, s := range v.segments {
		live, ok := s.(*liveSegment)
		if !ok || live.base < t.end {
			continue
		}
		if part := live.tree(); part.end > part.start {
			if err := t.append(&part); err != nil {
				return Head{}, err
			}
		}
	}
	return Head{Size: t.end, Root: t.root()}, nil
}

// Seal seals the open segment, if it has records, and waits until no segment
// waits to be sealed.
func (l *Log) Seal(ctx context.Context) error {
	l.mu.Lock()
	if l.sealErr != nil {
		l.sealErr = nil
		select {
		case l.reseal <- struct{}{}:
		default:
		}
	}
	l.mu.Unlock()
	if err := l.order(&commit{rotate: true}); err != nil {
		return err
	}
	for {
		l.mu.Lock()
		waiting, err := l.sealing, l.err
		if err == nil {
			err = l.sealErr
		}
		c := l.sealed
		l.mu.Unlock()
		if err != nil || waiting == 0 {
			return err
		}
		select {
		case <-c:
		case <-l.stopc:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// order submits a commit without records.
func (l *Log) order(c *commit) error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return ErrClosed
	}
	c.done = make(chan struct{})
	return l.submit(c)
}

// maintain does what time brings: it rotates old segments, expires what
// retention no longer keeps and tries again what a full disk prevented.
func (l *Log) maintain() {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-l.stopc:
			return
		case <-tick.C:
		}
		if l.Err() != nil {
			return
		}
		if err := l.order(&commit{}); err != nil && !errors.Is(err, ErrDiskFull) { // rotates by age
			return
		}
		if _, err := l.Expire(); err != nil {
			l.cfg.Logger.Error("expire events", "error", err)
		}
	}
}

func (l *Log) sealsDir() string { return path.Join(l.cfg.Dir, "seals") }

func (l *Log) now() time.Time { return l.cfg.Now() }
