package sns

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"cairn/catalog"
)

// The queue is in the catalog: a row per message, in the order of time, which says
// who waits for it. What is in memory is a line of the next messages for each
// subscription that has any, so that neither many messages nor a subscriber that
// takes none need more memory.
type queue struct {
	wake chan struct{} // a line has something to do

	mu     sync.Mutex
	lines  map[string]*line // by the subscription's row
	memory map[string]*semaphore.Weighted
}

// pending is the row of a message. Its key is the topic's, with the time and the
// message's ID behind it.
type pending struct {
	// Body is the message, if it is small; else it has a row of its own in the
	// table of bodies, with the same key, which is written before this one and
	// removed after it.
	Body *message `json:"body,omitempty"`

	// Waiting are the subscriptions that wait for the message, by ID.
	Waiting map[string]trial `json:"waiting"`
}

// A trial is how often a message was tried to be delivered, and when it is to be
// tried again.
type trial struct {
	Failed int       `json:"failed,omitempty"`
	Next   time.Time `json:"next,omitzero"`
}

func (s *Service) pending() catalog.Table[pending] {
	return catalog.TableOf[pending](s.cfg.Catalog, "sns-queue")
}

func (s *Service) bodies() catalog.Table[message] {
	return catalog.TableOf[message](s.cfg.Catalog, "sns-bodies")
}

const (
	// maxInlineBytes is the size of messages that stand in their own row. The
	// rows are read to find what waits, and written for each attempt.
	maxInlineBytes = 4 << 10

	// lineLength is how many messages of a subscription are known in memory.
	// The others are found in the catalog when there is room.
	lineLength = 256

	// lineAttempts is how many messages an endpoint gets at a time.
	lineAttempts = 4

	// accountMemory bounds the messages of an account that are being delivered,
	// in bytes.
	accountMemory = 32 << 20
)

// post queues a message for subscriptions. It is durable when post returns.
func (s *Service) post(m *message, to ...*subscription) error {
	if len(to) == 0 {
		return nil
	}
	key := catalog.Key(m.account, m.region, m.name, fmt.Sprintf("%016x-%s", m.Time.UnixNano(), m.ID))
	row := pending{Waiting: make(map[string]trial, len(to))}
	for _, sub := range to {
		row.Waiting[sub.id] = trial{}
	}
	if m.size() <= maxInlineBytes {
		row.Body = m
	} else if _, err := s.bodies().Put(key, *m); err != nil {
		return fmt.Errorf("queue message %s: %w", m.ID, err)
	}
	// A crash here leaves a body that nobody waits for, which a sweep removes.
	if _, err := s.pending().CompareAndSet(key, 0, row); err != nil {
		return fmt.Errorf("queue message %s: %w", m.ID, err)
	}
	for _, sub := range to {
		s.queue.add(sub.row(), key, trial{})
	}
	return nil
}

// load returns the message of a row.
func (s *Service) load(key string, row *pending) (*message, error) {
	m := row.Body
	if m == nil {
		body, _, err := s.bodies().Get(key)
		if err != nil {
			return nil, err
		}
		m = &body
	}
	m.topicName = topicOfRow(key)
	return m, nil
}

// settle notes what became of an attempt: the subscription waits until another
// trial, or no longer if there is none.
func (s *Service) settle(key, id string, next *trial) error {
	for range maxAttempts {
		row, rev, err := s.pending().Get(key)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		delete(row.Waiting, id)
		if next != nil {
			row.Waiting[id] = *next
		}
		if len(row.Waiting) == 0 {
			err = s.pending().Delete(key, rev)
		} else {
			_, err = s.pending().CompareAndSet(key, rev, row)
		}
		if errors.Is(err, catalog.ErrConflict) {
			continue
		}
		if err == nil && len(row.Waiting) == 0 && row.Body == nil {
			err = s.bodies().Delete(key, catalog.AnyRevision)
		}
		return err
	}
	return errBusy()
}

// bodyAge is how long a body may be without its row before it is taken for one
// that a crash left behind.
const bodyAge = time.Hour

func (s *Service) sweepBodies(ctx context.Context) error {
	var failed []error
	for row, err := range s.bodies().Scan("") {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && time.Since(row.Value.Time) > bodyAge {
			if _, _, err = s.pending().Get(row.Key); errors.Is(err, catalog.ErrNotFound) {
				err = s.bodies().Delete(row.Key, row.Revision)
			}
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// A line is what is known in memory of the messages for one subscription.
type line struct {
	subscription string        // its row
	changed      chan struct{} // something was added or came back
	working      bool          // a courier is on it
	pace         pace          // of that courier

	waiting trials          // in the order of their times
	held    map[string]bool // all that wait or are under way, by key

	// behind says that there may be messages with keys behind after that are
	// not held. More says that one was queued since they were last looked for.
	behind, more bool
	after        string
}

// A delivery is one message on its way to one subscription.
type delivery struct {
	key string
	trial
}

// add tells a subscription's line of a message.
func (q *queue) add(subscription, key string, t trial) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[subscription]
	if l == nil {
		l = &line{subscription: subscription, changed: make(chan struct{}, 1), held: make(map[string]bool)}
		if q.lines == nil {
			q.lines = make(map[string]*line)
		}
		q.lines[subscription] = l
	}
	switch {
	case l.held[key]:
	case l.behind && key > l.after:
		l.more = true
	case !l.behind && len(l.held) >= lineLength:
		l.behind, l.after = true, key[:len(key)-1] // this one, too, is to be found
	default:
		l.hold(&delivery{key, t})
	}
	notice(l.changed)
	if !l.working {
		notice(q.wake)
	}
}

func (l *line) hold(d *delivery) {
	l.held[d.key] = true
	heap.Push(&l.waiting, d)
}

// back returns a delivery that was under way to its line: to wait for another
// trial, or to be forgotten.
func (q *queue) back(l *line, d *delivery, next *trial) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(l.held, d.key)
	if next != nil {
		l.hold(&delivery{d.key, *next})
	}
	notice(l.changed)
}

// next takes the delivery that is due from a line. Without one it says how long
// until there is; and a line that has nothing is closed.
func (q *queue) next(l *line, now time.Time) (d *delivery, wait time.Duration, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(l.held) == 0 && !l.behind:
		// A line that comes again must not come sooner than this one might.
		if wait := l.pace.next.Sub(now); wait > 0 {
			return nil, wait, false
		}
		delete(q.lines, l.subscription)
		return nil, 0, true
	case len(l.waiting) == 0:
		return nil, storeTrouble, false // a notice comes first, unless the catalog failed
	}
	if wait := l.waiting[0].Next.Sub(now); wait > 0 {
		return nil, wait, false
	}
	return heap.Pop(&l.waiting).(*delivery), 0, false
}

// hasRoom reports whether a line should look for what it does not hold.
func (q *queue) hasRoom(l *line) (after string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !l.behind || len(l.held) > lineLength/2 {
		return "", false
	}
	l.more = false
	return l.after, true
}

// refill looks for messages that a line does not hold.
func (s *Service) refill(l *line) {
	after, ok := s.queue.hasRoom(l)
	if !ok {
		return
	}
	parts := catalog.SplitKey(l.subscription)
	for row, err := range s.pending().ScanAfter(catalog.KeyPrefix(parts[0], parts[1], parts[2]), after) {
		if err != nil {
			s.cfg.Logger.Error("a row of SNS's queue cannot be read", "error", err)
			if row.Key == "" {
				return // still behind, and so to be tried again
			}
			continue
		}
		t, waits := row.Value.Waiting[parts[3]]
		if !s.queue.found(l, row.Key, t, waits) {
			return
		}
	}
	s.queue.caughtUp(l)
}

// caughtUp notes that a line has looked at all there was. What came in the meantime
// is still to be found.
func (q *queue) caughtUp(l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.behind = l.more
}

// found tells a line of a row, and returns false if the line takes no more.
func (q *queue) found(l *line, key string, t trial, waits bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if waits && !l.held[key] {
		if len(l.held) >= lineLength {
			return false
		}
		l.hold(&delivery{key, t})
	}
	l.after = key
	return true
}

// recover tells the lines of all that waits in the catalog.
func (s *Service) recover(ctx context.Context) {
	for row, err := range s.pending().Scan("") {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.cfg.Logger.Error("a row of SNS's queue cannot be read", "error", err)
			continue
		}
		n := topicOfRow(row.Key)
		for id, t := range row.Value.Waiting {
			s.queue.add(subscriptionRow(n, id), row.Key, t)
		}
	}
}

// memoryOf bounds the memory for an account's deliveries: accounts do not wait for
// each other.
func (q *queue) memoryOf(account string) *semaphore.Weighted {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.memory == nil {
		q.memory = make(map[string]*semaphore.Weighted)
	}
	if q.memory[account] == nil {
		q.memory[account] = semaphore.NewWeighted(accountMemory)
	}
	return q.memory[account]
}

func notice(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// trials is a heap of deliveries, the one that is due first in front.
type trials []*delivery

func (t trials) Len() int { return len(t) }

func (t trials) Less(i, j int) bool {
	if t[i].Next.Equal(t[j].Next) {
		return strings.Compare(t[i].key, t[j].key) < 0
	}
	return t[i].Next.Before(t[j].Next)
}

func (t trials) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

func (t *trials) Push(x any) { *t = append(*t, x.(*delivery)) }

func (t *trials) Pop() any {
	last := len(*t) - 1
	d := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return d
}
