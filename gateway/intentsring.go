package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// intentFiles is the number of files in the ring. One is the head, one is free.
const intentFiles = 16

// capacityOf is how many bytes of entries and reserved room a ring can hold so
// that everything reserved can be written. Of the files that are not free, one
// then has at least the place of the largest entry beside what is needed of
// it: emptying the files in turn comes to it.
func capacityOf(fileBytes int64, recordBytes int) int64 {
	return (intentFiles - 2) * (fileBytes - fileHeaderSize - maxEntrySize(recordBytes))
}

func maxEntrySize(recordBytes int) int64 { return entrySize(3*maxIDBytes + recordBytes) }

// rotate begins a new head, and empties the oldest file if no other is free.
// All entries so far are durable.
func (j *Intents) rotate() error {
	old := j.head
	if err := j.begin(j.seq); err != nil {
		return err
	}
	j.used = append(j.used, old)
	return j.reclaim()
}

// begin makes the file that is longest free the head. Sure is the seq below
// which all entries are known to be durable.
func (j *Intents) begin(sure uint64) error {
	if len(j.free) == 0 {
		return errors.New("no file of the ring is free")
	}
	f := j.free[0]
	h := fileHeader{version: intentsVersion, generation: j.generation + 1, first: j.seq, sure: sure, created: j.cfg.Now().UnixMicro(), size: j.fileBytes}
	// The header is durable before an entry is written. A crash before that
	// leaves the old file, all of whose entries can still be read, or a new one
	// without entries: those of older generations do not count.
	if _, err := f.WriteAt(h.bytes(), 0); err != nil {
		return fmt.Errorf("begin %s: %w", f.name, err)
	}
	if err := j.sync(f); err != nil {
		return err
	}
	j.free = j.free[1:]
	j.head, j.at, j.generation = f, fileHeaderSize, h.generation
	return nil
}

// reclaim frees the oldest files in which nothing is needed, and carries what
// is needed from the very oldest if else none would be free. The head has just
// begun, so that it has place for what another file has.
func (j *Intents) reclaim() error {
	for len(j.used) > 0 {
		oldest := j.used[0]
		if needed := j.needed(oldest); len(needed) > 0 {
			if len(j.free) > 0 {
				return nil
			}
			if err := j.carry(needed); err != nil {
				return err
			}
		}
		j.used = j.used[1:]
		j.free = append(j.free, oldest)
	}
	return nil
}

// A neededEntry is an entry that has to be carried before its file is used
// again.
type neededEntry struct {
	entryPlace
	p     *Pending
	older bool // an intent whose kept record may not be durable
	ended bool // instead of the entry the end is written, which is not longer
}

// needed are the entries that are needed of a file, by place.
func (j *Intents) needed(f *intentFile) []neededEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []neededEntry
	for _, p := range j.live {
		switch f {
		case p.file:
			list = append(list, neededEntry{p.entryPlace, p, false, false})
		case p.older.file:
			list = append(list, neededEntry{p.older, p, true, false})
		}
	}
	for _, p := range j.ends {
		if p.file == f || p.older.file == f {
			list = append(list, neededEntry{p.entryPlace, p, false, true})
		}
	}
	slices.SortFunc(list, func(x, y neededEntry) int { return cmp.Compare(x.at, y.at) })
	return list
}

// carry copies entries to the head. They form one group with one sync. Until
// it is followed by another group, or by another file whose header says that it
// was durable, recovery does not count on it and takes the originals.
func (j *Intents) carry(list []neededEntry) error {
	var copied []neededEntry
	var places []entryPlace
	buf, at, group := j.gather[:0], j.at, j.seq
	flush := func() error {
		if _, err := j.head.WriteAt(buf, at); err != nil {
			return fmt.Errorf("write %s: %w", j.head.name, err)
		}
		at += int64(len(buf))
		buf = buf[:0]
		return nil
	}
	for _, e := range list {
		// Only the committer moves entries, so that the place stays what it is.
		h := entryHeader{kind: entryEnd, intent: e.p.number}
		entry := make([]byte, entryHeaderSize)
		var err error
		if !e.ended {
			entry, h, err = readEntry(e.entryPlace, e.p.number)
		}
		if errors.Is(err, errNoEntry) {
			j.lost(e.p, e.older)
			continue
		}
		if err != nil {
			return err
		}
		if len(buf) > 0 && len(buf)+len(entry) > groupBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		copied, places = append(copied, e), append(places, entryPlace{j.head, at + int64(len(buf)), e.size})
		buf = append(buf, entry...)
		h.flags |= flagCarried
		j.place(&h, buf[len(buf)-len(entry):], group)
	}
	j.gather = buf
	if len(copied) == 0 {
		return nil
	}
	if err := flush(); err != nil {
		return err
	}
	if err := j.sync(j.head); err != nil {
		return err
	}
	j.at = at
	j.mu.Lock()
	defer j.mu.Unlock()
	ended := map[*Pending]bool{}
	for i, e := range copied {
		switch {
		case e.ended:
			ended[e.p] = true
		case e.older:
			e.p.older = places[i]
		default:
			e.p.entryPlace, e.p.older = places[i], entryPlace{}
		}
	}
	j.ends = slices.DeleteFunc(j.ends, func(p *Pending) bool { return ended[p] })
	j.stats.Carried += uint64(len(copied))
	return nil
}

// errNoEntry says that a place does not hold the sound entry that was written
// there.
var errNoEntry = errors.New("no sound entry")

// readEntry reads an entry of a known place and number.
func readEntry(e entryPlace, number uint64) ([]byte, entryHeader, error) {
	var h entryHeader
	b := make([]byte, e.size)
	n, err := e.file.ReadAt(b, e.at)
	switch {
	case err == io.EOF && n < len(b):
		return nil, h, errNoEntry
	case err != nil && err != io.EOF:
		return nil, h, fmt.Errorf("read %s: %w", e.file.name, err)
	case !h.parse(b) || h.size() != e.size || !h.sound(b[entryHeaderSize:][:h.length]) ||
		h.intent != number || h.kind != entryIntent && h.kind != entryKept:
		return nil, h, errNoEntry
	}
	return b, h, nil
}

// lost gives up an entry that has been damaged since it was written. Its call,
// if it is under way, can still be kept or done.
func (j *Intents) lost(p *Pending, older bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.live[p.number] != p {
		return // ended meanwhile
	}
	at := p.entryPlace
	if older {
		at = p.older
	}
	d := &IntentsDamage{File: at.file.name, Offset: at.at, Entries: 1}
	j.damage = append(j.damage, d)
	j.cfg.Logger.Error("journal of intents damaged", "error", d)
	switch {
	case older:
		p.older = entryPlace{}
	case p.older.file != nil:
		p.entryPlace, p.older = p.older, entryPlace{}
	default:
		delete(j.live, p.number)
		if p.state == pendingKept {
			p.state = pendingEnded
			j.recost(p, 0)
			j.kept = slices.DeleteFunc(j.kept, func(k *Pending) bool { return k == p })
		}
	}
}
