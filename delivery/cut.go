package delivery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable"
	"cairn/trail"
)

// chunkBytes bounds the events that are cut at a time, and so every log file: 50
// MB before compression is AWS's limit. The margin is for the brackets and
// commas, and for the last record.
const (
	maxLogFile  = 50_000_000
	chunkBytes  = maxLogFile - 2_000_000
	chunkEvents = 200_000
)

// cutState is how far the log has been cut into files. It is one row: setting it
// is what makes a cut count.
type cutState struct {
	Position string    `json:"position"`
	Cut      uint64    `json:"cut"`   // number of the last cut
	Stamp    time.Time `json:"stamp"` // of the last cut
	Order    int       `json:"order"` // of the last cut within its minute
}

// cut makes log files of all events that came since the last cut, for all trails
// that take them, and stages them on disk. Each step is one chunk of the log:
//
//  1. Staged files are written and synced. A crash here leaves files that no row
//     names; the next start removes them.
//  2. A row is set for each file and trail. A crash here leaves rows of a cut that
//     does not count yet; the next start removes them, too.
//  3. The state is set to the chunk's end. From here on the files are delivered.
//
// So that a range of the log is cut once, and its files keep their names and
// bytes however often they have to be put.
func (d *Delivery) cut(ctx context.Context) error {
	d.cutting.Lock()
	defer d.cutting.Unlock()
	if d.halfCut {
		if err := d.takeBack(); err != nil {
			return fmt.Errorf("take back a cut that failed: %w", err)
		}
	}
	// The time and the end first: what comes while the log is being cut is not
	// in this cut, and a trail that changes in between has its versions.
	began := d.cfg.Now()
	end := d.cfg.Log.End()
	judges, err := newJudges(d.cfg.Trails.All(), d.position)
	if err != nil {
		return err
	}
	var memory arena
	for d.position.Compare(end) < 0 {
		c := &chunk{judges: judges, from: d.position, to: end}
		memory.lend(c)
		if !judges.none() {
			if err := c.read(ctx, d.cfg.Log, d.damaged); err != nil {
				return err
			}
		}
		if err := d.commit(ctx, c); err != nil {
			return err
		}
		d.wake(c)
		memory = arena{c.arena, c.events}
	}
	d.mu.Lock()
	d.lastCut = began
	d.mu.Unlock()
	return nil
}

// takeBack does after a cut that failed what a start does after a crash: it finds
// out whether the cut counts, and removes its rows if it does not. The next cut
// has the same number, and would make them count.
func (d *Delivery) takeBack() error {
	state, rev, err := d.states.Get(cutterRow)
	if err != nil {
		return err
	}
	position, err := eventlog.ParsePosition(state.Position)
	if err != nil {
		return err
	}
	if err := d.claim(state.Cut, int64(d.state.Cut)); err != nil {
		return err
	}
	if state.Cut != d.state.Cut {
		d.setState(state, rev, position)
	}
	d.halfCut = false
	return nil
}

// commit stages the files of a chunk and sets the state.
func (d *Delivery) commit(ctx context.Context, c *chunk) error {
	state := cutState{Position: c.to.String(), Cut: d.state.Cut + 1, Stamp: d.stamp(), Order: 0}
	if state.Stamp.Truncate(time.Minute).Equal(d.state.Stamp.Truncate(time.Minute)) {
		state.Order = d.state.Order + 1
	}
	files, err := d.stage(ctx, c, state)
	if err != nil {
		return err
	}
	d.crash("files staged")
	d.halfCut = true
	for _, f := range files {
		if _, err := d.pending.Put(f.key(), f); err != nil {
			return err
		}
		d.crash("row of a staged file set")
	}
	rev, err := d.states.CompareAndSet(cutterRow, d.stateRev, state)
	if err != nil {
		return fmt.Errorf("set how far the log is cut: %w", err)
	}
	d.crash("log cut")
	d.mu.Lock()
	for _, f := range files {
		d.refs[f.Staged]++
	}
	d.mu.Unlock()
	d.setState(state, rev, c.to)
	d.halfCut = false
	return nil
}

// wake lets the workers of the trails that got files begin to deliver them.
func (d *Delivery) wake(c *chunk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range c.scopes {
		for _, class := range s.classes {
			for _, t := range class.trails {
				if w := d.workers[t.ID]; w != nil {
					w.nudge()
				}
			}
		}
	}
}

// stage writes the files of a chunk. Trails that get the same events share a
// file.
func (d *Delivery) stage(ctx context.Context, c *chunk, state cutState) ([]*File, error) {
	var files []*File
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, l := range c.lists() {
		name := fmt.Sprintf("%016x-%04x.json.gz", state.Cut, n)
		base := File{
			Staged: name, Account: l.scope.account, Region: l.scope.region, Kind: l.kind,
			Cut: state.Cut, Stamp: state.Stamp, From: c.from.String(), To: c.to.String(), Events: len(l.events),
			Oldest: time.Unix(l.oldest(c), 0).UTC(), Newest: time.Unix(l.newest(c), 0).UTC(),
		}
		var shared []*File
		for _, t := range l.trails {
			f := base
			f.Trail, f.N, f.Unique = t.ID, n, unique(state.Order)
			shared = append(shared, &f)
		}
		files = append(files, shared...)
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			made, err := pack(c, l.events)
			if err != nil {
				return err
			}
			defer packers.Put(made)
			for _, f := range shared {
				f.Hash, f.RawSize = made.hash(), made.raw
				f.Size, f.Sum = int64(made.out.Len()), sum(made.out.Bytes())
			}
			return durable.WriteFile(d.cfg.FS, d.stagedPath(name), made.out.Bytes(), 0o600)
		})
	}
	return files, group.Wait()
}

func (d *Delivery) stagedPath(name string) string { return path.Join(d.cfg.Dir, name) }

func unique(order int) string {
	var seed [16]byte
	rand.Read(seed[:])
	return cairn.UniqueString(order, seed)
}

// A chunk is a run of events of the log in memory, with which of them go where.
type chunk struct {
	judges   judges
	from, to eventlog.Position
	arena    []byte
	events   []chunkEvent
	scopes   map[scope]*scopeLists
}

type chunkEvent struct {
	start, end int // in the arena
	time       int64
}

func (c *chunk) raw(i uint32) []byte { return c.arena[c.events[i].start:c.events[i].end] }

// An arena is the memory of a chunk, which the next chunk of the same cut uses
// again.
type arena struct {
	bytes  []byte
	events []chunkEvent
}

// lend gives a chunk the memory. Growing to a whole chunk step by step would take
// it twice over, so where there is more to cut than a little it is taken at once.
func (a *arena) lend(c *chunk) {
	if a.bytes == nil && c.from.Plus(largeCut).Compare(c.to) < 0 {
		a.bytes, a.events = make([]byte, 0, chunkBytes), make([]chunkEvent, 0, 2*largeCut)
	}
	c.arena, c.events = a.bytes[:0], a.events[:0]
}

// largeCut is the number of events from which on a cut is expected to fill a
// chunk.
const largeCut = 15_000

// scope is whose events a log file holds, and where they happened.
type scope struct{ account, region string }

// scopeLists has for each class of trails the events that it takes, by kind of
// log file.
type scopeLists struct {
	classes []*class
	lists   []map[cairn.LogKind][]uint32
}

// read takes the events from c.from up to c.to, or fewer if they would be too
// many.
func (c *chunk) read(ctx context.Context, log Log, damaged func(error)) error {
	c.scopes = make(map[scope]*scopeLists)
	var subject cairn.Subject
	for e, err := range log.Read(ctx, c.from) {
		if err != nil {
			var damage *eventlog.Damage
			if !errors.As(err, &damage) {
				return fmt.Errorf("read the event log: %w", err)
			}
			damaged(err)
			continue
		}
		at := eventlog.At(e.Seq)
		if at.Compare(c.to) >= 0 {
			return nil
		}
		if len(c.events) > 0 && (len(c.arena)+len(e.Raw)+len(c.events) > chunkBytes || len(c.events) >= chunkEvents) {
			c.to = at
			return nil
		}
		if err := e.Extract(); err != nil {
			damaged(fmt.Errorf("record %d of the event log: %w", e.Seq, err))
			continue
		}
		subject.Reset(e)
		c.add(e, at, &subject)
	}
	return nil
}

// add puts an event on the lists of those who take it.
func (c *chunk) add(e *cairn.Event, at eventlog.Position, subject *cairn.Subject) {
	s := c.scopes[scope{e.AccountID, e.AWSRegion}]
	if s == nil {
		// The event's strings are valid for this turn only.
		key := scope{strings.Clone(e.AccountID), strings.Clone(e.AWSRegion)}
		s = &scopeLists{classes: c.judges.classes(key)}
		s.lists = make([]map[cairn.LogKind][]uint32, len(s.classes))
		c.scopes[key] = s
	}
	kept := false
	for i, class := range s.classes {
		if !class.takes(e, at, subject) {
			continue
		}
		kind, ok := cairn.LogKindOf(e.Category)
		if !ok {
			continue
		}
		if !kept {
			kept = true
			start := len(c.arena)
			c.arena = append(c.arena, e.Raw...)
			c.events = append(c.events, chunkEvent{start, len(c.arena), e.EventTime.Unix()})
		}
		if s.lists[i] == nil {
			s.lists[i] = make(map[cairn.LogKind][]uint32)
		}
		s.lists[i][kind] = append(s.lists[i][kind], uint32(len(c.events)-1))
	}
}

// A list is one log file to be: its events and the trails that get it.
type list struct {
	scope  scope
	kind   cairn.LogKind
	events []uint32
	trails []*trail.Trail
}

// lists returns the log files of the chunk in a fixed order. Classes whose
// events are the same are one.
func (c *chunk) lists() []*list {
	var all []*list
	for at, s := range c.scopes {
		first := len(all)
		for i, kinds := range s.lists {
			for kind, events := range kinds {
				same := slices.IndexFunc(all[first:], func(l *list) bool { return l.kind == kind && slices.Equal(l.events, events) })
				if same >= 0 {
					l := all[first+same]
					l.trails = append(l.trails, s.classes[i].trails...)
					continue
				}
				all = append(all, &list{at, kind, events, slices.Clone(s.classes[i].trails)})
			}
		}
	}
	slices.SortFunc(all, func(a, b *list) int {
		return slices.Compare([]string{a.scope.account, a.scope.region, string(a.kind), a.trails[0].ID},
			[]string{b.scope.account, b.scope.region, string(b.kind), b.trails[0].ID})
	})
	return all
}

func (l *list) oldest(c *chunk) int64 {
	t := c.events[l.events[0]].time
	for _, i := range l.events {
		t = min(t, c.events[i].time)
	}
	return t
}

func (l *list) newest(c *chunk) int64 {
	t := c.events[l.events[0]].time
	for _, i := range l.events {
		t = max(t, c.events[i].time)
	}
	return t
}

// A packer makes a log file: an object whose one member Records is the list of
// the records, byte for byte as they came, compressed by gzip.
type packer struct {
	out bytes.Buffer
	zip *gzip.Writer
	sum hash.Hash
	raw int64
}

var packers = sync.Pool{New: func() any {
	p := &packer{sum: sha256.New()}
	p.zip, _ = gzip.NewWriterLevel(&p.out, compression)
	return p
}}

// compression is the level that packs about 200 MB/s on one core.
const compression = 4

// pack makes the log file of some events of a chunk. The caller gives the packer
// back.
func pack(c *chunk, events []uint32) (*packer, error) {
	p := packers.Get().(*packer)
	p.out.Reset()
	p.zip.Reset(&p.out)
	p.sum.Reset()
	p.raw = 0
	w := io.MultiWriter(p.zip, p.sum)
	write := func(b []byte) error {
		n, err := w.Write(b)
		p.raw += int64(n)
		return err
	}
	err := write([]byte(`{"Records":[`))
	for n, i := range events {
		if err == nil && n > 0 {
			err = write([]byte{','})
		}
		if err == nil {
			err = write(c.raw(i))
		}
	}
	if err == nil {
		err = write([]byte("]}"))
	}
	if err == nil {
		err = p.zip.Close()
	}
	if err != nil {
		packers.Put(p)
		return nil, fmt.Errorf("pack a log file: %w", err)
	}
	return p, nil
}

// hash is the SHA-256 of the file before compression, in hexadecimal.
func (p *packer) hash() string { return hex.EncodeToString(p.sum.Sum(nil)) }
