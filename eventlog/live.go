package eventlog

import (
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"

	"cairn"
	"cairn/internal/durable"
)

// A liveSegment is a segment that is not sealed: a .log file, and its index in
// memory. The newest of them is the open one, which records are appended to;
// the others wait to be sealed.
type liveSegment struct {
	base    uint64
	name    string
	file    durable.File
	created int64 // Unix microseconds

	// indexing counts the groups that are durable and not yet in the index.
	indexing sync.WaitGroup

	refs atomic.Int32

	// The committer alone writes these; others read them under mu.
	mu      sync.RWMutex
	size    int64 // durable bytes of the file
	blockAt []liveBlock
	leaves  []tlog.Hash
	count   uint32
	arrival int64 // of the newest record, Unix microseconds
	raw     int64 // bytes of records
	chain   uint32
	idx     *memIndex

	// hashed is the tree over the first leaves; see tree.
	hashed treeRange
}

// A liveBlock is where a block of a live segment stands.
type liveBlock struct {
	offset int64
	first  uint32 // ordinal
	stored uint32 // bytes behind the header; 0 if the records are lost
}

// isLost reports whether the records of a block are lost.
func (s *liveSegment) isLost(i int) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.blockAt[i].stored == 0
}

func (s *liveSegment) first() uint64             { return s.base }
func (s *liveSegment) references() *atomic.Int32 { return &s.refs }
func (s *liveSegment) close()                    { s.file.Close() }

func (s *liveSegment) newest() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.arrival
}

func (s *liveSegment) blocks() (int, uint32) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.blockAt), s.count
}

func (s *liveSegment) blockOf(ordinal uint32) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sort.Search(len(s.blockAt), func(i int) bool { return s.blockAt[i].first > ordinal }) - 1
}

func (s *liveSegment) readBlock(dst []byte, i int) (block, error) {
	s.mu.RLock()
	p := s.blockAt[i]
	s.mu.RUnlock()
	size := blockHeaderSize + int(p.stored)
	b := block{memory: slices.Grow(dst[:0], size)[:size]}
	if _, err := s.file.ReadAt(b.memory, p.offset); err != nil {
		return block{}, s.damage(p, fmt.Errorf("read block: %w", err))
	}
	err := s.parse(&b, p, b.memory)
	return b, err
}

// parse checks the block at p, whose bytes are stored. Its payload, which is
// plain in a live segment, stays where it is.
func (s *liveSegment) parse(b *block, p liveBlock, stored []byte) error {
	h, err := parseBlockHeader(stored)
	if err == nil && (h.firstSeq != s.base+uint64(p.first) || h.stored != p.stored) {
		err = errBlockFields
	}
	if err != nil {
		return s.damage(p, err)
	}
	b.first, b.count, b.arrival, b.fileName, b.offset = p.first, h.count, h.arrival, s.name, p.offset
	if b.lost = h.flags&blockLost != 0; b.lost {
		return nil
	}
	switch b.payload = stored[blockHeaderSize:]; {
	case checksum(b.payload) != h.payload:
		return s.damage(p, errBlockSum)
	case h.codec != codecNone || h.raw != h.stored:
		return s.damage(p, errBlockFields)
	}
	return nil
}

func (s *liveSegment) damage(p liveBlock, err error) error {
	seq := s.base + uint64(p.first)
	return &Damage{File: s.name, Segment: s.base, Offset: p.offset, FirstSeq: seq, LastSeq: seq, What: err.Error()}
}

// walk calls fn with each block of a segment that is no longer written to. A
// block is valid only within fn.
func (s *liveSegment) walk(fn func(*block) error) error {
	window := make([]byte, 0, min(flushBytes, s.size)) // of the file
	var begin int64
	var b block
	for _, p := range s.blockAt {
		size := blockHeaderSize + int(p.stored)
		if p.offset < begin || p.offset+int64(size) > begin+int64(len(window)) {
			n := min(max(size, cap(window)), int(s.size-p.offset))
			if n > cap(window) {
				window = make([]byte, 0, n)
			}
			window, begin = window[:n], p.offset
			if _, err := s.file.ReadAt(window, begin); err != nil {
				return s.damage(p, fmt.Errorf("read blocks: %w", err))
			}
		}
		at := int(p.offset - begin)
		if err := s.parse(&b, p, window[at:at+size]); err != nil {
			return err
		}
		if err := fn(&b); err != nil {
			return err
		}
	}
	return nil
}

// insert puts the records of commits into the index, in the commits' order.
func (s *liveSegment) insert(commits []*commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range commits {
		ordinal := uint32(c.first - s.base)
		for i := range c.index {
			r := &c.index[i]
			r.ordinal = ordinal + uint32(i)
			if r.ahead {
				r.time = c.arrival / 1e6
			}
			s.idx.insert(r)
		}
	}
}

// tree returns the subtrees over all of the segment's durable records.
func (s *liveSegment) tree() treeRange {
	s.mu.Lock()
	defer s.mu.Unlock()
	for int(s.hashed.end-s.base) < len(s.leaves) {
		s.hashed.push(0, s.leaves[s.hashed.end-s.base])
	}
	return s.hashed.clone()
}

func (s *liveSegment) search(fn func(index) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return fn((*liveIndex)(s.idx))
}

// liveIndex gives a memIndex the methods of an index. A place is the event's
// (time, ordinal).
type liveIndex memIndex

func (x *liveIndex) scopes(q Scope, yield func(scopeView)) {
	for s, sc := range x.byScope {
		if !q.matches(s) {
			continue
		}
		list := x.keys.events(x.keys.find(sc.key))
		yield(scopeView{Scope: s, minTime: int64(x.keys.times[list[0]]), maxTime: int64(x.keys.times[list[len(list)-1]])})
	}
}

func (x *liveIndex) key(v *scopeView, hash uint64, desc bool) cursor {
	if e := x.keys.find(hash); e != nil {
		return &listCursor{keys: &x.keys, list: x.keys.events(e), desc: desc}
	}
	return nil
}

func (x *liveIndex) whole(v *scopeView, desc bool) cursor {
	return x.key(v, x.byScope[v.Scope].key, desc)
}

func (x *liveIndex) texts() (texts, error) { return x, nil }

func (x *liveIndex) of(v *scopeView, a cairn.Attribute, yield func(string, uint64)) bool {
	values := &x.byScope[v.Scope].values[a]
	for _, t := range values.texts {
		yield(t.text, uint64(x.keys.countOf(t.hash)))
	}
	return textAttributes[a] && !values.partial
}

func (x *liveIndex) seek(v *scopeView, time int64, ordinal uint32) uint64 {
	if time > maxTime {
		return 1<<64 - 1
	}
	return placeOf(time, ordinal)
}

func (x *liveIndex) at(place uint64) (int64, uint32) { return placeTime(place), placeOrdinal(place) }

// maxTime is the last second that the index can hold.
const maxTime = 1<<32 - 1
