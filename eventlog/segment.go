package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"
	"sync/atomic"

	"cairn"
	"cairn/internal/durable"
)

// A segment is a run of records with consecutive seqs: sealed, or still
// written to.
type segment interface {
	// first is the seq of the segment's first record.
	first() uint64

	// search calls fn with the segment's index, which stays as it is until fn
	// returns.
	search(fn func(index) error) error

	// blocks returns the number of blocks that can be read, and end the number
	// of records in them.
	blocks() (n int, end uint32)

	// blockOf returns the block that holds an ordinal.
	blockOf(ordinal uint32) int

	// readBlock reads and decompresses a block into dst.
	readBlock(dst []byte, i int) (block, error)

	// newest is the latest arrival in the segment, in Unix microseconds.
	newest() int64

	close()
	references() *atomic.Int32
}

// A block is a decompressed block.
type block struct {
	memory   []byte // to be reused when the block is done with
	payload  []byte // within memory
	first    uint32 // ordinal
	count    uint32
	arrival  int64
	lost     bool
	fileName string
	offset   int64
}

// An index finds the events of one segment.
type index interface {
	// scopes calls yield for each scope of the segment that q takes in.
	scopes(q Scope, yield func(scopeView))

	// key returns a cursor over the events of a scope that have a key, or nil
	// if there are none.
	key(v *scopeView, hash uint64, desc bool) cursor

	// whole returns a cursor over all events of a scope.
	whole(v *scopeView, desc bool) cursor

	// texts returns the values that are kept as text. A sealed segment has to
	// decompress them, so one query asks for them once.
	texts() (texts, error)

	// seek returns the place of the first event of a scope that is not before
	// (time, ordinal).
	seek(v *scopeView, time int64, ordinal uint32) uint64

	// at returns the event at a place.
	at(place uint64) (time int64, ordinal uint32)
}

// texts are the values of one segment that are kept as text. They are read
// within search only.
type texts interface {
	// of calls yield with each value of an attribute in a scope, and reports
	// whether those are all that it has there.
	of(v *scopeView, a cairn.Attribute, yield func(text string, count uint64)) (complete bool)
}

// A scopeView is one scope of one segment.
type scopeView struct {
	Scope
	number           int // among the scopes of a sealed segment
	minTime, maxTime int64
}

// A sealedSegment is a segment that no longer changes: a .seg file with the
// records and an .idx file with their index.
type sealedSegment struct {
	base uint64
	name string // of the .seg file, with its directory
	file durable.File
	size int64
	idx  *indexFile
	imap durable.Mapping

	// salvaged says that records are damaged, and that the index is one of the
	// others, in memory only.
	salvaged bool

	iname string
	cache *decoders

	headerSize int64 // file header and dictionary
	seal       *seal // nil while there is no sound one
	dec        *decoder

	verify    sync.Once // of the index file's checksums
	verifyErr error

	refs atomic.Int32
}

func segmentName(dir string, base uint64, ext string) string {
	return path.Join(dir, fmt.Sprintf("%016x%s", base, ext))
}

// openSealed opens the sealed segment that begins at base.
func openSealed(fsys durable.FS, dir string, base uint64, cache *decoders) (*sealedSegment, error) {
	return openSegment(fsys, dir, base, cache, fsys.Map)
}

// openSegment opens a sealed segment whose index file mapIndex maps.
func openSegment(fsys durable.FS, dir string, base uint64, cache *decoders, mapIndex func(string) (durable.Mapping, error)) (*sealedSegment, error) {
	s := &sealedSegment{base: base, cache: cache,
		name: segmentName(dir, base, ".seg"), iname: segmentName(dir, base, ".idx")}
	if err := s.openData(fsys); err != nil {
		return nil, err
	}
	m, err := mapIndex(s.iname)
	if err != nil {
		s.file.Close()
		return nil, fmt.Errorf("map %s: %w", s.iname, err)
	}
	s.imap = m
	fault := guard(s.iname, base, func() error {
		if s.idx, err = parseIndex(m.Bytes()); err == nil && s.idx.base != base {
			err = errIndexHeader
		}
		return nil
	})
	if err = cmp.Or(fault, err); err != nil {
		s.file.Close()
		m.Close()
		if fault != nil {
			return nil, fault
		}
		var newer *NewerFormatError
		if errors.As(err, &newer) {
			newer.File = s.iname
			return nil, newer
		}
		return nil, &Damage{File: s.iname, Segment: base, Offset: 0, FirstSeq: 1, What: err.Error()}
	}
	return s, nil
}

// openData opens the .seg file and checks its header and dictionary.
func (s *sealedSegment) openData(fsys durable.FS) error {
	f, err := fsys.OpenFile(s.name, os.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	s.file = f
	if s.size, err = f.Size(); err == nil {
		_, err = s.header()
	}
	if err != nil {
		f.Close()
		var newer *NewerFormatError
		if errors.As(err, &newer) {
			newer.File = s.name
			return newer
		}
		return &Damage{File: s.name, Segment: s.base, Offset: 0, FirstSeq: 1, What: err.Error()}
	}
	return nil
}

func (s *sealedSegment) header() (fileHeader, error) {
	b := make([]byte, fileHeaderSize)
	if _, err := s.file.ReadAt(b, 0); err != nil && err != io.EOF {
		return fileHeader{}, err
	}
	h, err := parseFileHeader(b, segMagic)
	if err == nil && h.base != s.base {
		err = fmt.Errorf("the file holds the segment %016x", h.base)
	}
	s.headerSize = fileHeaderSize + int64(h.dict)
	return h, err
}

// dictionary reads the segment's dictionary.
func (s *sealedSegment) dictionary() ([]byte, error) {
	h, err := s.header()
	if err != nil {
		return nil, s.damage(0, 1, 0, err)
	}
	if h.dict == 0 {
		return nil, nil
	}
	dict := make([]byte, h.dict)
	if _, err := s.file.ReadAt(dict, fileHeaderSize); err != nil {
		return nil, s.damage(fileHeaderSize, 1, 0, fmt.Errorf("read dictionary: %w", err))
	}
	if checksum(dict) != h.dictSum {
		return nil, s.damage(fileHeaderSize, 1, 0, errors.New("the dictionary's checksum does not match"))
	}
	return dict, nil
}

func (s *sealedSegment) damage(offset int64, first, last uint64, err error) error {
	return &Damage{File: s.name, Segment: s.base, Offset: offset, FirstSeq: first, LastSeq: last, What: err.Error()}
}

func (s *sealedSegment) first() uint64             { return s.base }
func (s *sealedSegment) newest() int64             { return s.idx.maxArrival }
func (s *sealedSegment) references() *atomic.Int32 { return &s.refs }
func (s *sealedSegment) blocks() (int, uint32)     { return int(s.idx.blocks), s.idx.count }

func (s *sealedSegment) blockOf(ordinal uint32) (i int) {
	if guard(s.iname, s.base, func() error {
		i = s.idx.blockOf(ordinal)
		return nil
	}) != nil {
		return -1
	}
	return i
}

func (s *sealedSegment) close() {
	s.cache.drop(s)
	s.file.Close()
	s.imap.Close()
}

// verified checks the index file's checksums once, when it is first used.
func (s *sealedSegment) verified() error {
	s.verify.Do(func() {
		var err error
		s.verifyErr = guard(s.iname, s.base, func() error {
			err = s.idx.checkAll()
			return nil
		})
		if err != nil {
			s.verifyErr = &Damage{File: s.iname, Segment: s.base, Offset: 0, FirstSeq: 1, What: err.Error()}
		}
	})
	return s.verifyErr
}

func (s *sealedSegment) search(fn func(index) error) error {
	if err := s.verified(); err != nil {
		return err
	}
	return guard(s.iname, s.base, func() error { return fn(s) })
}

func (s *sealedSegment) scopes(q Scope, yield func(scopeView)) {
	for i := range s.idx.scopes {
		if sc := &s.idx.scopes[i]; q.matches(sc.Scope) {
			yield(scopeView{Scope: sc.Scope, number: i, minTime: sc.minTime, maxTime: sc.maxTime})
		}
	}
}

func (s *sealedSegment) key(v *scopeView, hash uint64, desc bool) cursor {
	if l, ok := s.idx.find(hash); ok {
		return newRankCursor(l, desc)
	}
	return nil
}

func (s *sealedSegment) whole(v *scopeView, desc bool) cursor {
	sc := &s.idx.scopes[v.number]
	return &rangeCursor{lo: uint64(sc.first), hi: uint64(sc.end), desc: desc}
}

func (s *sealedSegment) texts() (texts, error) {
	v, err := s.idx.values()
	if err != nil {
		return nil, &Damage{File: s.iname, Segment: s.base, Offset: -1, FirstSeq: 1, What: err.Error()}
	}
	return v, nil
}

func (s *sealedSegment) seek(v *scopeView, time int64, ordinal uint32) uint64 {
	return uint64(s.idx.seek(&s.idx.scopes[v.number], time, ordinal))
}

func (s *sealedSegment) at(place uint64) (int64, uint32) {
	return s.idx.time(uint32(place)), s.idx.ordinal(uint32(place))
}

// readBlock reads the i-th block. The block's bounds come from the index file,
// its contents are held to the header's checksums.
func (s *sealedSegment) readBlock(dst []byte, i int) (block, error) {
	var p blockPlace
	end, next := s.size, s.idx.count
	if err := guard(s.iname, s.base, func() error {
		p = s.idx.block(i)
		if i+1 < int(s.idx.blocks) {
			q := s.idx.block(i + 1)
			end, next = int64(q.offset), q.firstOrdinal
		}
		return nil
	}); err != nil {
		return block{}, err
	}
	first := s.base + uint64(p.firstOrdinal)
	fail := func(err error) (block, error) {
		return block{}, s.damage(int64(p.offset), first, s.base+uint64(next)-1, err)
	}
	length := end - int64(p.offset)
	if length < blockHeaderSize || length > maxBlockRaw*2 || end > s.size {
		return fail(errBlockFields)
	}
	buf := readBuffers.get(int(length))
	defer readBuffers.put(buf)
	if _, err := s.file.ReadAt(buf, int64(p.offset)); err != nil {
		return fail(fmt.Errorf("read block: %w", err))
	}
	h, err := parseBlockHeader(buf)
	if err != nil {
		return fail(err)
	}
	if h.firstSeq != first || int64(h.stored) != length-blockHeaderSize || h.count != next-p.firstOrdinal {
		return fail(errBlockFields)
	}
	if h.flags&blockLost != 0 {
		return block{memory: dst, first: p.firstOrdinal, count: h.count, lost: true, fileName: s.name, offset: int64(p.offset)}, nil
	}
	dec, err := s.cache.of(s)
	if err != nil {
		return block{}, err
	}
	b := block{memory: dst, first: p.firstOrdinal, count: h.count, arrival: h.arrival, fileName: s.name, offset: int64(p.offset)}
	if err := decodeBlock(&b, &h, buf[blockHeaderSize:], dec); err != nil {
		return fail(err)
	}
	return b, nil
}

// A mappedReader reads a segment's index file from its mapping.
type mappedReader struct {
	seg *sealedSegment
	at  int
}

func (r *mappedReader) Read(p []byte) (n int, err error) {
	err = guard(r.seg.iname, r.seg.base, func() error {
		if n = copy(p, r.seg.idx.data[r.at:]); n == 0 && len(p) > 0 {
			return io.EOF
		}
		return nil
	})
	r.at += n
	return n, err
}

// A bufferPool lends byte slices.
type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) get(size int) []byte {
	if b, ok := p.pool.Get().(*[]byte); ok && cap(*b) >= size {
		return (*b)[:size]
	}
	return make([]byte, size, max(size, 3*blockSize))
}

func (p *bufferPool) put(b []byte) {
	if cap(b) <= 4<<20 {
		p.pool.Put(&b)
	}
}

var (
	readBuffers  bufferPool // stored blocks
	blockBuffers bufferPool // decompressed blocks

	commitBuffers bufferPool // batches on their way to the disk
)
