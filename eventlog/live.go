package eventlog

import (
	"fmt"
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

	// indexing counts the batches that are durable and not yet in the index.
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
	buf := readBuffers.get(blockHeaderSize + int(p.stored))
	defer readBuffers.put(buf)
	fail := func(err error) (block, error) {
		seq := s.base + uint64(p.first)
		return block{}, &Damage{File: s.name, Segment: s.base, Offset: p.offset, FirstSeq: seq, LastSeq: seq, What: err.Error()}
	}
	if _, err := s.file.ReadAt(buf, p.offset); err != nil {
		return fail(fmt.Errorf("read block: %w", err))
	}
	h, err := parseBlockHeader(buf)
	if err == nil && (h.firstSeq != s.base+uint64(p.first) || h.stored != p.stored) {
		err = errBlockFields
	}
	if err != nil {
		return fail(err)
	}
	if h.flags&blockLost != 0 {
		return block{memory: dst, first: p.first, count: h.count, lost: true, fileName: s.name, offset: p.offset}, nil
	}
	b := block{memory: dst, first: p.first, count: h.count, arrival: h.arrival, fileName: s.name, offset: p.offset}
	if err := decodeBlock(&b, &h, buf[blockHeaderSize:], nil); err != nil {
		return fail(err)
	}
	return b, nil
}

// insert puts records into the index.
func (s *liveSegment) insert(records []indexed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range records {
		s.idx.insert(&records[i])
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
		if list := x.keys.places(sc.key); len(list) > 0 {
			yield(scopeView{Scope: s, minTime: placeTime(list[0]), maxTime: placeTime(list[len(list)-1])})
		}
	}
}

func (x *liveIndex) key(v *scopeView, hash uint64, desc bool) cursor {
	if list := x.keys.places(hash); list != nil {
		return &sliceCursor{list: list, desc: desc}
	}
	return nil
}

func (x *liveIndex) whole(v *scopeView, desc bool) cursor {
	return &sliceCursor{list: x.keys.places(x.byScope[v.Scope].key), desc: desc}
}

func (x *liveIndex) texts(v *scopeView, a cairn.Attribute, yield func(string, uint64)) (bool, error) {
	values := &x.byScope[v.Scope].values[a]
	for _, t := range values.texts {
		yield(t.text, uint64(x.keys.countOf(t.hash)))
	}
	return textAttributes[a] && !values.partial, nil
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
