package eventlog

import (
	"errors"
	"fmt"
	"io/fs"

	"cairn"
	"cairn/internal/durable"
)

// openOrRebuild opens a sealed segment. An index file that is missing or whose
// header is damaged is made again from the records.
func (l *Log) openOrRebuild(base uint64) (*sealedSegment, error) {
	s, err := openSealed(l.cfg.FS, l.cfg.Dir, base, l.cache)
	idxName := segmentName(l.cfg.Dir, base, ".idx")
	var damage *Damage
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !(errors.As(err, &damage) && damage.File == idxName) {
		return s, err
	}
	l.cfg.Logger.Warn("an index file is made again from its segment", "index", idxName, "error", err)
	index, err := rebuildIndex(l.cfg.FS, l.cfg.Dir, base, l.hasher)
	if err != nil {
		return nil, err
	}
	if err := durable.WriteFile(l.cfg.FS, idxName, index, 0o600); err != nil {
		return nil, err
	}
	return openSealed(l.cfg.FS, l.cfg.Dir, base, l.cache)
}

// rebuildIndex makes the index file of a sealed segment from its records. It
// is the same, byte for byte, as the one made when the segment was sealed.
func rebuildIndex(fsys durable.FS, dir string, base uint64, h hasher) ([]byte, error) {
	s := &sealedSegment{base: base, name: segmentName(dir, base, ".seg")}
	if err := s.openData(fsys); err != nil {
		return nil, err
	}
	defer s.file.Close()
	x := newMemIndex(0)
	scopes := scopeCache{hasher: h}
	leaves := newLeafHasher()
	var record cairn.Record
	var keys []indexKey
	var maxArrival, raw int64
	var places []blockPlace
	count := uint32(0)
	err := s.walk(fsys, func(offset int64, b *block, err error) error {
		if err != nil {
			return err
		}
		places = append(places, blockPlace{uint64(offset), b.first})
		count = b.first + b.count
		if b.lost {
			return nil
		}
		return b.each(base, func(ordinal uint32, f *frame) {
			raw += int64(len(f.raw))
			maxArrival = max(maxArrival, f.arrival)
			if record.Extract(f.raw) != nil {
				return
			}
			id := record.EventID
			if id == "" {
				leaf := leaves.hash(f.raw)
				id = identity(&record, leaf[:])
			}
			scope, wall := scopes.of(scopeOf(&record))
			keys = appendKeys(keys[:0], &record, scope, wall, id)
			t := record.EventTime.Unix()
			if f.flags&cairn.FlagAhead != 0 {
				t = f.arrival / 1e6
			}
			x.insert(&indexed{scope: scopeOf(&record), time: t, ordinal: ordinal, keys: keys})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("make the index of %s: %w", s.name, err)
	}
	return encodeIndex(x, base, places, count, maxArrival, uint64(raw)), nil
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
	data := m.Bytes()
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
