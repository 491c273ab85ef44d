package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"cairn/internal/durable"
	"cairn/record"
)

var (
	// ErrIntentsFull is returned by Begin while the journal has no room for
	// another call and its completing record.
	ErrIntentsFull = errors.New("the journal of intents is full")

	// ErrIntentsStopped is returned once a failed write has stopped the
	// journal. Err tells the cause. Opening it anew recovers what it holds.
	ErrIntentsStopped = errors.New("the journal of intents has stopped after a failed write; restart once its disk is sound")

	// ErrIntentsClosed is returned after Close.
	ErrIntentsClosed = errors.New("the journal of intents is closed")

	// ErrIntentSize is returned for a record, or for an account, region or event
	// ID, that is longer than the journal takes.
	ErrIntentSize = errors.New("too long for the journal of intents")

	// ErrIntentEnded is returned by Keep after Done.
	ErrIntentEnded = errors.New("the intent has ended")
)

// IntentsConfig says how to open a journal. The zero values are the defaults
// given.
type IntentsConfig struct {
	Dir string     // the journal's own directory, in a data directory that is locked; made if missing
	FS  durable.FS // durable.OS
	Log Log        // required

	// Space is the size of the journal's files, which is allocated when they
	// are made: 64 MiB. Somewhat more than three quarters of it are for intents
	// and the room reserved for their completing records; Stats tells how much.
	Space int64

	// RecordBytes is the size of the largest record. record.MaxBytes
	RecordBytes int

	Logger *slog.Logger     // discards
	Now    func() time.Time // time.Now
}

const defaultIntentsSpace = 64 << 20

// maxIDBytes is the longest account, region or event ID.
const maxIDBytes = 64

// Intents is the journal of intents of the strict mode: of calls that may have
// changed something, and whose records are not in the log yet. What it holds
// is enough for one record of each call, whatever happens.
//
// The journal is a ring of files of fixed size. Entries are appended to one of
// them, the head. When it is full the next begins, and the oldest is emptied:
// what in it is still needed is carried to the head. A file is used again
// only once copies of all that is needed from it are durable elsewhere, and the
// files are used in turn, so that an end is never gone before its intent.
//
// Its methods may be called concurrently.
type Intents struct {
	cfg       IntentsConfig
	fileBytes int64
	capacity  int64
	files     []*intentFile

	gate   sync.RWMutex // held shared by what writes
	closed bool
	queue  chan *intentWrite
	wake   chan struct{}
	cancel context.CancelFunc // ends the mover
	mover  sync.WaitGroup
	writer sync.WaitGroup

	// The committer's own.
	head       *intentFile
	used       []*intentFile // begun before the head and not free, oldest first
	free       []*intentFile // in the order of use
	at         int64         // in the head
	seq        uint64        // of the next entry
	generation uint64        // of the head
	gather     []byte

	mu        sync.Mutex
	err       error               // why the journal has stopped
	live      map[uint64]*Pending // by number
	kept      []*Pending          // in the order in which the log is to get them
	ends      []*Pending          // have ended, which is to be written with the next group
	committed int64
	stats     IntentsStats
	damage    []error
	failing   error // why the log did not take kept records
}

// intentFile is one file of the ring.
type intentFile struct {
	durable.File
	name string
}

// IntentsStats counts what a journal holds and has done since it was opened.
type IntentsStats struct {
	Open     int   // intents whose calls are under way
	Kept     int   // records that wait for the log to take them
	Bytes    int64 // of entries that are needed, and of reserved room
	Capacity int64 // what Bytes can reach

	Begun   uint64 // intents
	Syncs   uint64 // of files
	Carried uint64 // entries copied to empty a file
	Moved   uint64 // records that were kept, or of unknown outcome, and are in the log now
	Unknown uint64 // intents without an end that OpenIntents found
	Damaged int    // places where the files do not hold what was written
}

// An Intent is a call that is about to be forwarded.
type Intent struct {
	EventID, Account, Region string

	// Record is what the log gets if the call's end is lost: a record with
	// unknown outcome, under the same event ID as the completing record.
	Record []byte

	// Room is the size of the largest completing record that Keep is to take.
	// IntentsConfig.RecordBytes if zero.
	Room int
}

// Begin makes an intent durable and reserves room for its completing record.
// Callers that come at once share a sync. After an error the call must not be
// forwarded: ErrIntentsFull, ErrIntentsStopped, ErrIntentsClosed,
// ErrIntentSize, or the context's.
func (j *Intents) Begin(ctx context.Context, i Intent) (*Pending, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if i.EventID == "" || len(i.Record) == 0 || i.Room < 0 {
		return nil, errors.New("begin intent: an intent has an event ID and a record")
	}
	if i.Room == 0 {
		i.Room = j.cfg.RecordBytes
	}
	if max(len(i.EventID), len(i.Account), len(i.Region)) > maxIDBytes || max(len(i.Record), i.Room) > j.cfg.RecordBytes {
		return nil, fmt.Errorf("begin intent %.64q: %w", i.EventID, ErrIntentSize)
	}
	j.gate.RLock()
	defer j.gate.RUnlock()
	if j.closed {
		return nil, ErrIntentsClosed
	}
	p := &Pending{j: j, ids: recordIDs{i.Account, i.Region, i.EventID}, room: i.Room}
	if err := j.reserve(p, len(i.Record)); err != nil {
		return nil, err
	}
	w := newIntentWrite(entryIntent, p, i.Record)
	select {
	case j.queue <- w:
	case <-ctx.Done():
		j.release(p)
		return nil, ctx.Err()
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		// It may become durable all the same, and ends then.
		p.Done()
		return nil, ctx.Err()
	}
	if w.err != nil {
		j.release(p)
		return nil, w.err
	}
	return p, nil
}

// reserve takes the space that a call can need: its intent, its completing
// record and the end.
func (j *Intents) reserve(p *Pending, record int) error {
	cost := p.entrySize(record) + p.entrySize(p.room) + entryHeaderSize
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	if j.committed+int64(len(j.ends))*entryHeaderSize+cost > j.capacity {
		return fmt.Errorf("%w: %d of %d bytes are taken, by %d open calls and %d records that the event log has not taken yet",
			ErrIntentsFull, j.committed, j.capacity, len(j.live)-len(j.kept), len(j.kept))
	}
	j.recost(p, cost)
	return nil
}

// release gives back what is reserved.
func (j *Intents) release(p *Pending) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.recost(p, 0)
}

// recost changes what a call takes of the space. The caller holds j.mu.
func (j *Intents) recost(p *Pending, cost int64) {
	j.committed += cost - p.cost
	p.cost = cost
}

// Pending is a call whose record is not in the log yet. One of Done and Keep
// is to be called; if none is, the next OpenIntents gives the log the
// intent's record.
type Pending struct {
	j    *Intents
	ids  recordIDs // empty if recovered: the entry has them
	room int

	// Guarded by j.mu.
	state      pendingState
	number     uint64 // seq of the intent
	cost       int64
	entryPlace // of the newest entry

	// older is where the intent lies while its kept record, which recovery found,
	// may not be durable.
	older entryPlace
}

// An entryPlace says where an entry lies.
type entryPlace struct {
	file *intentFile // nil: nowhere
	at   int64
	size int64
}

type pendingState uint8

const (
	pendingBegun pendingState = iota // on its way to the disk
	pendingOpen
	pendingKept  // its record is to be moved into the log
	pendingEnded // nothing more is to be done
)

// entrySize is the size of an entry with a record of so many bytes.
func (p *Pending) entrySize(record int) int64 {
	return entrySize(len(p.ids.account) + len(p.ids.region) + len(p.ids.eventID) + record)
}

// Done says that the completing record is durable in the log, or that the call
// was never forwarded. It does not wait for the disk: should the end be lost in
// a crash, the log is asked for the record. After Keep it does nothing.
func (p *Pending) Done() {
	j := p.j
	j.mu.Lock()
	defer j.mu.Unlock()
	switch p.state {
	case pendingOpen:
		j.end(p)
	case pendingBegun:
		p.state = pendingEnded // the committer ends it
	}
	if j.failing != nil {
		j.wakeMover() // the log may take records again
	}
}

// end notes that nothing more is to be done for an intent. The caller holds
// j.mu.
func (j *Intents) end(p *Pending) {
	p.state = pendingEnded
	delete(j.live, p.number)
	j.recost(p, 0)
	if j.err == nil {
		j.ends = append(j.ends, p)
	}
}

// Keep makes the completing record durable in the room that was reserved for
// it. It is moved into the log as soon as that takes it. Its errors are
// ErrIntentSize, ErrIntentsStopped, ErrIntentsClosed and ErrIntentEnded: there
// is always space. A second Keep does nothing.
func (p *Pending) Keep(record []byte) error {
	j := p.j
	if len(record) > p.room || len(record) == 0 {
		return fmt.Errorf("keep the record of %s, %d bytes where room for %d is reserved: %w", p.ids.eventID, len(record), p.room, ErrIntentSize)
	}
	j.gate.RLock()
	defer j.gate.RUnlock()
	if j.closed {
		return ErrIntentsClosed
	}
	j.mu.Lock()
	state, err := p.state, j.err
	j.mu.Unlock()
	switch {
	case state == pendingKept:
		return nil
	case state != pendingOpen:
		return ErrIntentEnded
	case err != nil:
		return err
	}
	w := newIntentWrite(entryKept, p, record)
	j.queue <- w
	<-w.done
	return w.err
}

// Abandon gives the log the intent's own record, as the next OpenIntents would: the end of
// the call will not be known. After Done or Keep it does nothing.
func (p *Pending) Abandon() {
	j := p.j
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.state != pendingOpen || j.err != nil {
		return
	}
	p.state = pendingKept
	j.live[p.number] = p // is there, unless the intent was damaged
	j.recost(p, p.size+entryHeaderSize)
	j.kept = append(j.kept, p)
	if j.failing == nil {
		j.wakeMover()
	}
}

// Stats tells what the journal holds.
func (j *Intents) Stats() IntentsStats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Kept = len(j.kept)
	s.Open = len(j.live) - s.Kept
	s.Bytes, s.Capacity, s.Damaged = j.committed, j.capacity, len(j.damage)
	return s
}

// Err is why the journal has stopped, nil while it runs.
func (j *Intents) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Waiting is why the log has not taken the records that are kept, nil if it
// takes them.
func (j *Intents) Waiting() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failing
}

// Damage tells where the files do not hold what was written. Each error is an
// *IntentsDamage.
func (j *Intents) Damage() []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.damage)
}

// Close waits for work under way and marks the journal as closed cleanly.
// Intents that are open and records that are kept stay in it for the next
// OpenIntents.
func (j *Intents) Close() error {
	j.gate.Lock()
	if j.closed {
		j.gate.Unlock()
		return nil
	}
	j.closed = true
	j.gate.Unlock()
	j.cancel()
	j.mover.Wait()
	// The first mark takes along the ends that wait, the second proves that they
	// were durable.
	var errs []error
	for range 2 {
		mark := newIntentWrite(entryClosed, &Pending{j: j}, nil)
		j.queue <- mark
		<-mark.done
		errs = []error{mark.err}
	}
	close(j.queue)
	j.writer.Wait()
	for _, f := range j.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func (c *IntentsConfig) setDefaults() error {
	if c.Dir == "" || c.Log == nil {
		return errors.New("a journal of intents needs a directory and a log")
	}
	if c.Space < 0 || c.RecordBytes < 0 {
		return errors.New("a journal of intents has no negative size")
	}
	if c.FS == nil {
		c.FS = durable.OS
	}
	if c.Space == 0 {
		c.Space = defaultIntentsSpace
	}
	if c.RecordBytes == 0 {
		c.RecordBytes = record.MaxBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}
