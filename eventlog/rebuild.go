package eventlog

import (
	"errors"
	"fmt"
	"io/fs"

	"cairn"
	"cairn/internal/durable"
)

// openOrRebuild opens a sealed segment. An index file that is missing or whose
// header is damaged is made again from the records. If some of those are
// damaged, too, the index is kept in memory only: so every start finds it
// missing, and readers are told of the damage each time.
func (l *Log) openOrRebuild(base uint64) (*sealedSegment, error) {
	s, err := openSealed(l.cfg.FS, l.cfg.Dir, base, l.cache)
	idxName := segmentName(l.cfg.Dir, base, ".idx")
	var damage *Damage
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !(errors.As(err, &damage) && damage.File == idxName) {
		return s, err
	}
	l.cfg.Logger.Warn("an index file is made again from its segment", "index", idxName, "error", err)
	end := uint64(0)
	if s, _, err := l.readSeal(base); err == nil {
		end = s.segment.end
	}
	index, found, err := salvageIndex(l.cfg.FS, l.cfg.Dir, base, end, l.hasher)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if err := durable.WriteFile(l.cfg.FS, idxName, index, 0o600); err != nil {
			return nil, err
		}
		return openSealed(l.cfg.FS, l.cfg.Dir, base, l.cache)
	}
	for _, d := range found {
		l.lose(d)
	}
	s, err = openSegment(l.cfg.FS, l.cfg.Dir, base, l.cache, func(string) (durable.Mapping, error) { return heldIndex(index), nil })
	if err == nil {
		s.salvaged = true
	}
	return s, err
}

// A heldIndex is an index file that is in memory only.
type heldIndex []byte

func (x heldIndex) Bytes() []byte { return x }
func (x heldIndex) Close() error  { return nil }

// rebuildIndex makes the index file of a sealed segment from its records. It
// is the same, byte for byte, as the one made when the segment was sealed.
func rebuildIndex(fsys durable.FS, dir string, base uint64, h hasher) ([]byte, error) {
	index, found, err := salvageIndex(fsys, dir, base, 0, h)
	if err == nil && len(found) > 0 {
		err = found[0]
	}
	if err != nil {
		return nil, fmt.Errorf("make the index of segment %016x: %w", base, err)
	}
	return index, nil
}

// salvageIndex makes the index file of a sealed segment from those of its
// records that are sound, and returns the damage that it found. End is the seq
// behind the segment's last record, or 0 if that is not known.
func salvageIndex(fsys durable.FS, dir string, base, end uint64, h hasher) (index []byte, found []*Damage, err error) {
	s := &sealedSegment{base: base, name: segmentName(dir, base, ".seg")}
	if err := s.openData(fsys); err != nil {
		return nil, nil, err
	}
	defer s.file.Close()
	header, err := s.header()
	if err != nil {
		return nil, nil, s.damage(0, 1, 0, err)
	}
	g := salvage{base: base, end: end, mem: newMemIndex(0), scopes: scopeCache{hasher: h}, leaves: newLeafHasher()}
	err = s.walk(fsys, g.block)
	var damage *Damage
	if errors.As(err, &damage) {
		g.found = append(g.found, damage) // to the end of the file
	} else if err != nil {
		return nil, nil, err
	}
	if end > base+uint64(g.count) {
		if len(g.found) == 0 {
			g.found = append(g.found, &Damage{File: s.name, Segment: base, Offset: s.size, FirstSeq: base + uint64(g.count), LastSeq: end - 1,
				What: "blocks are missing from the end of the segment"})
		}
		g.places = append(g.places, blockPlace{uint64(s.size), g.count})
		g.count = uint32(end - base)
	}
	g.mem.ageUnindexed(g.count, g.maxArrival, header.created)
	return encodeIndex(g.mem, base, g.places, g.count, g.maxArrival, uint64(g.raw)), g.found, nil
}

// A salvage puts the records of a segment into an index.
type salvage struct {
	base, end  uint64
	mem        *memIndex
	scopes     scopeCache
	leaves     *leafHasher
	record     cairn.Record
	keys       []indexKey
	maxArrival int64
	raw        int64
	places     []blockPlace
	count      uint32
	found      []*Damage
}

// block adds one block, as walk gives it. A damaged one keeps its place, so
// that who reads it is told.
func (g *salvage) block(offset int64, b *block, err error) error {
	first, end := g.base+uint64(g.count), g.base+uint64(g.count)
	if b != nil {
		first = g.base + uint64(b.first)
		end = first + uint64(b.count)
	}
	var damage *Damage
	if errors.As(err, &damage) {
		g.found = append(g.found, damage)
		first, end = damage.FirstSeq, damage.LastSeq+1
	} else if err != nil {
		return err
	}
	limit := g.end
	if limit == 0 {
		limit = g.base + maxLost // what a hostile header claims must not decide how long the index gets
	}
	if damage != nil && first >= limit {
		return nil // behind the last record
	}
	if end > limit {
		return &Damage{File: segmentName("", g.base, ".seg"), Segment: g.base, Offset: offset, FirstSeq: first, LastSeq: first,
			What: "a block claims records that the segment does not have"}
	}
	g.places = append(g.places, blockPlace{uint64(offset), uint32(first - g.base)})
	g.count = uint32(end - g.base)
	if damage != nil || b.lost {
		return nil
	}
	err = b.each(g.base, g.add)
	if errors.As(err, &damage) {
		g.found, err = append(g.found, damage), nil
	}
	return err
}

func (g *salvage) add(ordinal uint32, f *frame) {
	g.raw += int64(len(f.raw))
	g.maxArrival = max(g.maxArrival, f.arrival)
	r := &g.record
	if r.Extract(f.raw) != nil {
		return
	}
	id := r.EventID
	if id == "" {
		leaf := g.leaves.hash(f.raw)
		id = identity(r, leaf[:])
	}
	scope, wall := g.scopes.of(scopeOf(r))
	g.keys = appendKeys(g.keys[:0], r, scope, wall, id)
	g.mem.insert(&indexed{scope: scopeOf(r), time: f.time(r), ordinal: ordinal, keys: g.keys})
}

// walk reads a .seg file from front to back without its index, and calls fn
// with each block. What is damaged is given as a *Damage, and the walk goes on
// at the next sound block. A block is valid only within fn.
func (s *sealedSegment) walk(fsys durable.FS, fn func(offset int64, b *block, err error) error) error {
	dict, err := s.dictionary()
	if err != nil {
		return err
	}
	dec := newDecoder(dict)
	m, err := fsys.Map(s.name)
	if err != nil {
		return err
	}
	defer m.Close()
	return guard(s.name, s.base, func() error { return s.walkBlocks(m.Bytes(), dec, fn) })
}

func (s *sealedSegment) walkBlocks(data []byte, dec *decoder, fn func(offset int64, b *block, err error) error) error {
	memory := blockBuffers.get(blockSize)
	defer func() { blockBuffers.put(memory) }()

	pos, expect := s.headerSize, s.base
	chain, chained := uint32(0), true
	for pos < int64(len(data)) {
		h, ok := blockAt(data, pos)
		if !ok || h.firstSeq != expect || chained && h.chain != chain {
			at := findBlock(data, pos+1, expect)
			damage := &Damage{File: s.name, Segment: s.base, Offset: pos, FirstSeq: expect, LastSeq: expect, What: "blocks are damaged or missing"}
			if at < 0 {
				damage.What += " up to the end of the segment"
				return fn(pos, nil, damage)
			}
			next, _ := blockAt(data, at)
			damage.LastSeq = next.firstSeq - 1
			if err := fn(pos, nil, damage); err != nil {
				return err
			}
			pos, expect, chained = at, next.firstSeq, false
			continue
		}
		b := block{memory: memory, first: uint32(h.firstSeq - s.base), count: h.count, arrival: h.arrival,
			lost: h.flags&blockLost != 0, fileName: s.name, offset: pos}
		var failed error
		if !b.lost {
			err := decodeBlock(&b, &h, data[pos+blockHeaderSize:][:h.stored], dec)
			memory = b.memory
			if err != nil {
				failed = &Damage{File: s.name, Segment: s.base, Offset: pos, FirstSeq: h.firstSeq,
					LastSeq: h.firstSeq + uint64(h.count) - 1, What: err.Error()}
			}
		}
		if err := fn(pos, &b, failed); err != nil {
			return err
		}
		chain, chained = h.sum, true
		expect = h.firstSeq + uint64(h.count)
		pos += blockHeaderSize + int64(h.stored)
	}
	return nil
}
