package gateway

import (
	"errors"
	"fmt"
	"slices"
)

// A group holds the entries that share a write and a sync.
const (
	groupEntries = 256
	groupBytes   = 1 << 20
)

// An intentWrite is an entry on its way to the disk.
type intentWrite struct {
	header  entryHeader
	buf     []byte // the entry as it will stand in the file
	pending *Pending

	// Set by the committer before done is closed.
	done chan struct{}
	err  error
}

func newIntentWrite(kind entryKind, p *Pending, record []byte) *intentWrite {
	w := &intentWrite{pending: p, done: make(chan struct{})}
	w.header, w.buf = encodeEntry(kind, p.ids, p.room, record)
	return w
}

// commitLoop writes entries until the queue is closed.
func (j *Intents) commitLoop() {
	for w := range j.queue {
		group := []*intentWrite{w}
		size := len(w.buf)
	collect:
		for len(group) < groupEntries && size < groupBytes {
			select {
			case next, ok := <-j.queue:
				if !ok {
					break collect
				}
				group = append(group, next)
				size += len(next.buf)
			default:
				break collect
			}
		}
		for len(group) > 0 {
			n, err := j.commit(group)
			for _, w := range group[:n] {
				w.err = err
				close(w.done)
			}
			group = group[n:]
		}
	}
}

// commit makes as many entries of a group durable as the head has place for,
// after it has begun a new head if need be. It returns how many it is done
// with; the error is theirs.
func (j *Intents) commit(group []*intentWrite) (int, error) {
	if err := j.Err(); err != nil {
		return len(group), err
	}
	n, size := j.fit(group)
	for tried := 0; n == 0; tried++ {
		// Within one turn of the ring there is a file with enough place beside
		// what is needed of it. See capacityOf.
		if tried > len(j.files) {
			return len(group), j.stop(errors.New("no file of the ring has the room that was reserved"))
		}
		if err := j.rotate(); err != nil {
			return len(group), j.stop(err)
		}
		n, size = j.fit(group)
	}
	group = group[:n]

	// A crash from here on leaves some sectors of the group, in any order.
	// Recovery uses the entries that are whole: the calls of those that are not
	// were never forwarded.
	buf := j.gather[:0]
	first := j.seq
	for _, w := range group {
		w.header.intent = w.pending.number
		if w.header.kind == entryIntent {
			w.header.intent = j.seq
		}
		buf = append(buf, w.buf...)
		j.place(&w.header, buf[len(buf)-len(w.buf):], first)
	}
	for _, p := range j.takeEnds(j.fileBytes - j.at - size) {
		h := entryHeader{kind: entryEnd, intent: p.number}
		buf = append(buf, make([]byte, entryHeaderSize)...)
		j.place(&h, buf[len(buf)-entryHeaderSize:], first)
	}
	j.gather = buf
	if _, err := j.head.WriteAt(buf, j.at); err != nil {
		return n, j.stop(fmt.Errorf("write %s: %w", j.head.name, err))
	}
	if err := j.sync(j.head); err != nil {
		return n, j.stop(err)
	}
	j.settle(group)
	j.at += int64(len(buf))
	return n, nil
}

// fit says how many entries of a group the head has place for, and their size.
func (j *Intents) fit(group []*intentWrite) (n int, size int64) {
	for _, w := range group {
		if j.at+size+int64(len(w.buf)) > j.fileBytes {
			break
		}
		size += int64(len(w.buf))
		n++
	}
	return n, size
}

// place gives an entry its place in the journal.
func (j *Intents) place(h *entryHeader, b []byte, group uint64) {
	h.generation, h.seq, h.group = j.generation, j.seq, group
	h.put(b)
	j.seq++
}

// takeEnds takes as many of the waiting ends as have place in the space.
func (j *Intents) takeEnds(space int64) []*Pending {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.ends), int(space/entryHeaderSize))
	ends := slices.Clone(j.ends[:n])
	j.ends = slices.Delete(j.ends, 0, n)
	return ends
}

func (j *Intents) sync(f *intentFile) error {
	if err := f.Sync(); err != nil {
		// What the disk holds now is unknown, and a second sync that succeeds
		// would prove nothing.
		return fmt.Errorf("sync %s: %w", f.name, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Syncs++
	return nil
}

// settle notes where the entries of a durable group lie, which begins at j.at.
func (j *Intents) settle(group []*intentWrite) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.at
	for _, w := range group {
		p, size := w.pending, int64(len(w.buf))
		switch {
		case w.header.kind == entryIntent:
			p.number, p.entryPlace = w.header.seq, entryPlace{j.head, at, size}
			j.live[p.number] = p
			j.stats.Begun++
			if p.state == pendingEnded { // its caller has gone
				j.end(p)
			} else {
				p.state = pendingOpen
			}
		case w.header.kind == entryKept && p.state == pendingOpen:
			p.state, p.entryPlace = pendingKept, entryPlace{j.head, at, size}
			j.live[p.number] = p // is there, unless its intent was damaged
			j.recost(p, size+entryHeaderSize)
			j.kept = append(j.kept, p)
			if j.failing == nil {
				j.wakeMover()
			}
		}
		at += size
	}
}

// stop stops the journal for good: nothing more is written to it.
func (j *Intents) stop(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = fmt.Errorf("%w: %w", ErrIntentsStopped, err)
		j.ends = nil
		j.cfg.Logger.Error("journal of intents stopped", "dir", j.cfg.Dir, "error", err)
	}
	return j.err
}
