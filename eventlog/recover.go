package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"golang.org/x/mod/sumdb/tlog"

	"cairn"
	"cairn/internal/durable"
)

// A foundBlock is a block of a .log file as recovery found it, or a gap where
// one was.
type foundBlock struct {
	blockHeader
	from   int64 // where it was found
	offset int64 // where it is in the file that recovery leaves
}

// A logScan is what a .log file holds.
type logScan struct {
	header fileHeader
	blocks []foundBlock // whole groups, in order; lost ones have blockLost set
	end    int64        // behind the last of them
	next   uint64       // seq behind the last of them
	clean  bool         // the log was closed cleanly
	tail   int64        // bytes behind end that are no whole group and no end mark
	damage []*Damage
}

// scanLog reads the blocks of a .log file. A group that is not whole at the
// end is what a crash leaves of records that were never acknowledged. The same
// before a later group is damage, and what is sound beside it is kept. Next is
// the base of the segment behind this one, 0 if this is the last.
func scanLog(name string, data []byte, base, next uint64) (*logScan, error) {
	s := &logScan{next: base}
	h, err := parseFileHeader(data, logMagic)
	if err == nil && h.base != base {
		err = errFileHeader
	}
	if err != nil {
		var newer *NewerFormatError
		if errors.As(err, &newer) {
			newer.File = name
			return nil, newer
		}
		if next == 0 && !bytes.Contains(data, []byte(blockMagic)) {
			// The crash came before the header was durable: an empty segment.
			s.header = fileHeader{magic: logMagic, base: base}
			s.tail = int64(len(data))
			return s, nil
		}
		s.damage = append(s.damage, &Damage{File: name, Segment: base, Offset: 0, FirstSeq: 1, What: err.Error()})
	}
	s.header = fileHeader{magic: logMagic, base: base, created: h.created}
	s.end = min(fileHeaderSize, int64(len(data)))

	var group []foundBlock // blocks after the last whole group
	expect := base         // the next seq
	chain, chained := uint32(0), true
	pos := s.end
	for pos < int64(len(data)) {
		h, ok := blockAt(data, pos)
		// What a write that failed left behind can come back after a crash: it
		// has seqs that the next segment has given out since.
		ended := next > 0 && h.firstSeq >= next && h.flags&blockEndMark == 0
		sound := ok && !ended && h.firstSeq >= expect && (!chained || h.chain == chain && h.firstSeq == expect)
		if !sound {
			at := findBlock(data, pos+1, expect)
			if at < 0 {
				break
			}
			pos, chained = at, false
			continue
		}
		// A block of a later group proves that the group before it was whole.
		if h.group > s.next && (len(group) > 0 || h.firstSeq > s.next) {
			s.accept(name, group, h.group, pos)
			group = nil
		}
		if h.flags&blockEndMark != 0 {
			// The next group is written over it, so nothing is chained to it.
			s.clean, chained = true, false
			pos += blockHeaderSize
			continue
		}
		group = append(group, foundBlock{h, pos, pos})
		expect = h.firstSeq + uint64(h.count)
		pos += blockHeaderSize + int64(h.stored)
		chain, chained = h.sum, true
		if h.flags&blockEndsGroup != 0 && contiguous(group, s.next) {
			s.accept(name, group, expect, pos)
			group = nil
		}
	}
	if next > s.next {
		s.accept(name, group, next, int64(len(data)))
	}
	s.tail = int64(len(data)) - s.end
	if s.clean = s.clean && s.tail == blockHeaderSize; s.clean {
		s.tail = 0
	}
	return s, nil
}

// blockAt returns the header of the block at pos if the block is sound.
func blockAt(data []byte, pos int64) (blockHeader, bool) {
	if int64(len(data))-pos < blockHeaderSize {
		return blockHeader{}, false
	}
	h, err := parseBlockHeader(data[pos:])
	if err != nil || int64(len(data))-pos-blockHeaderSize < int64(h.stored) {
		return h, false
	}
	return h, checksum(data[pos+blockHeaderSize:pos+blockHeaderSize+int64(h.stored)]) == h.payload
}

// findBlock returns where the next sound block begins that does not come
// before the seq expected, -1 if there is none.
func findBlock(data []byte, from int64, expect uint64) int64 {
	for from < int64(len(data)) {
		i := bytes.Index(data[from:], []byte(blockMagic))
		if i < 0 {
			return -1
		}
		from += int64(i)
		if h, ok := blockAt(data, from); ok && h.firstSeq >= expect {
			return from
		}
		from++
	}
	return -1
}

// contiguous reports whether blocks follow on one another from first.
func contiguous(blocks []foundBlock, first uint64) bool {
	for i := range blocks {
		if blocks[i].firstSeq != first {
			return false
		}
		first += uint64(blocks[i].count)
	}
	return true
}

// accept takes over the blocks of whole groups up to the seq end, and notes
// what is missing between them as lost.
func (s *logScan) accept(name string, group []foundBlock, end uint64, pos int64) {
	lose := func(first, last uint64, offset int64) {
		s.blocks = append(s.blocks, foundBlock{blockHeader{flags: blockLost, count: uint32(last - first + 1), firstSeq: first, group: first}, offset, offset})
		s.damage = append(s.damage, &Damage{File: name, Segment: s.header.base, Offset: offset, FirstSeq: first, LastSeq: last,
			What: "blocks are damaged or missing"})
	}
	offset := s.end
	for _, b := range group {
		if b.firstSeq > s.next {
			lose(s.next, b.firstSeq-1, offset)
		}
		s.blocks = append(s.blocks, b)
		s.next = b.firstSeq + uint64(b.count)
		offset = b.from + blockHeaderSize + int64(b.stored)
	}
	if end > s.next {
		lose(s.next, end-1, offset)
		s.next = end
	}
	s.end = pos
}

// recover reads a .log file into a live segment.
func (l *Log) recover(base, next uint64) (_ *liveSegment, err error) {
	name := segmentName(l.cfg.Dir, base, ".log")
	m, err := l.cfg.FS.Map(name)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer caught(&err, name, base)
	scan, err := scanLog(name, m.Bytes(), base, next)
	if err != nil {
		return nil, err
	}
	for _, d := range scan.damage {
		l.cfg.Logger.Error("the log is damaged", "error", d)
	}
	if len(scan.damage) > 0 {
		if err := l.keepDamaged(base, m.Bytes()); err != nil {
			return nil, err
		}
	}
	switch {
	case len(scan.damage) > 0 || len(scan.blocks) == 0:
		err = l.rewriteLog(name, m.Bytes(), scan)
	case next == 0 && !scan.clean:
		err = l.syncTail(name, m.Bytes(), scan)
	}
	if err != nil {
		return nil, err
	}
	live := &liveSegment{base: base, name: name, created: scan.header.created, size: scan.end,
		idx: newMemIndex(0), hashed: treeRange{start: base, end: base}}
	if live.file, err = l.cfg.FS.OpenFile(name, os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := l.reindex(live, m.Bytes(), scan); err != nil {
		live.file.Close()
		return nil, err
	}
	for i := range scan.blocks {
		if b := &scan.blocks[i]; b.flags&blockLost != 0 {
			l.lose(&Damage{File: name, Segment: base, Offset: b.offset, FirstSeq: b.firstSeq, LastSeq: b.firstSeq + uint64(b.count) - 1, What: lostText})
		}
	}
	return live, nil
}

// syncTail makes the last group of a .log file durable. All groups before it
// are, or it would not have been written. But the last one may be in the page
// cache only, even after a sync that failed, and a second sync would pass over
// it. So its bytes are written once more over themselves: a crash meanwhile
// finds the same bytes, whichever of the two were on the disk.
func (l *Log) syncTail(name string, data []byte, scan *logScan) error {
	first := len(scan.blocks) - 1
	for first > 0 && scan.blocks[first-1].group == scan.blocks[first].group {
		first--
	}
	from := scan.blocks[first].from
	f, err := l.cfg.FS.OpenFile(name, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	group := bytes.Clone(data[from:scan.end]) // not from the mapping: it is of the same pages
	if _, err = f.WriteAt(group, from); err == nil {
		err = f.Sync()
	}
	if err == nil && scan.tail > 0 {
		if err = f.Truncate(scan.end); err == nil {
			err = f.Sync()
		}
	}
	if cErr := f.Close(); err == nil {
		err = cErr
	}
	if err != nil {
		return fmt.Errorf("make the tail of %s durable: %w", name, err)
	}
	return nil
}

// keepDamaged keeps a copy of a damaged .log file for whoever wants to look.
func (l *Log) keepDamaged(base uint64, data []byte) error {
	name := segmentName(l.cfg.Dir, base, ".damaged")
	if _, err := l.cfg.FS.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.WriteFile(l.cfg.FS, name, data, 0o600)
}

// rewriteLog replaces a .log file by one that holds just the blocks of the
// scan, and makes it durable. The scan's offsets become those of the new file.
func (l *Log) rewriteLog(name string, data []byte, scan *logScan) error {
	if scan.header.created == 0 {
		scan.header.created = l.now().UnixMicro()
	}
	// A crash before the rename leaves the old file, from which recovery
	// begins again.
	err := l.replaceFile(name, func(f durable.File) error {
		w := rewriter{file: f, buf: fileHeaderBytes(scan.header)}
		for i := range scan.blocks {
			if err := w.add(&scan.blocks[i], data, i+1 == len(scan.blocks)); err != nil {
				return err
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		scan.end = w.size
		return f.Sync()
	})
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", name, err)
	}
	return nil
}

// replaceFile puts a fresh file in a file's place, once it is durable: write
// writes and syncs it. What fails leaves the old file.
func (l *Log) replaceFile(name string, write func(durable.File) error) error {
	tmp := name + ".tmp"
	f, err := l.cfg.FS.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if cErr := f.Close(); err == nil {
		err = cErr
	}
	if err == nil {
		err = l.cfg.FS.Rename(tmp, name)
	}
	if err == nil {
		err = l.cfg.FS.SyncDir(l.cfg.Dir)
	}
	if err != nil {
		l.cfg.FS.Remove(tmp)
	}
	return err
}

// A rewriter copies blocks into a fresh .log file.
type rewriter struct {
	file  durable.File
	buf   []byte
	size  int64 // in the file
	chain uint32
}

func (w *rewriter) add(b *foundBlock, data []byte, last bool) error {
	var stored []byte
	if b.flags&blockLost == 0 {
		stored = data[b.from+blockHeaderSize:][:b.stored]
	}
	if last || b.flags&blockLost != 0 {
		b.flags |= blockEndsGroup
	}
	b.chain = w.chain
	b.offset = w.size + int64(len(w.buf))
	w.buf = append(w.buf, make([]byte, blockHeaderSize)...)
	b.blockHeader.put(w.buf[len(w.buf)-blockHeaderSize:])
	w.chain = b.sum
	w.buf = append(w.buf, stored...)
	if len(w.buf) >= flushBytes {
		return w.flush()
	}
	return nil
}

func (w *rewriter) flush() error {
	if _, err := w.file.WriteAt(w.buf, w.size); err != nil {
		return err
	}
	w.size += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// A reindexed block is what reindex learns of one.
type reindexed struct {
	leaves  []tlog.Hash
	records []indexed
	raw     int64
	arrival int64
	err     error
}

// reindexWindow is the number of blocks that are decompressed and read ahead
// of the index.
const reindexWindow = 64

// reindex fills the live segment's memory from the blocks of its file.
func (l *Log) reindex(live *liveSegment, data []byte, scan *logScan) error {
	for first := 0; first < len(scan.blocks); first += reindexWindow {
		blocks := scan.blocks[first:min(first+reindexWindow, len(scan.blocks))]
		out := make([]reindexed, len(blocks))
		eachTask(context.Background(), len(blocks), func(i int) {
			if blocks[i].flags&blockLost == 0 {
				out[i] = l.reindexBlock(&blocks[i], data, live.base)
			}
		})
		for i := range blocks {
			b, r := &blocks[i], &out[i]
			if r.err != nil {
				return &Damage{File: live.name, Segment: live.base, Offset: b.from, FirstSeq: b.firstSeq,
					LastSeq: b.firstSeq + uint64(b.count) - 1, What: r.err.Error()}
			}
			live.chain = b.sum
			if b.flags&blockLost != 0 {
				live.addLost(b.offset, b.count)
				continue
			}
			live.blockAt = append(live.blockAt, liveBlock{offset: b.offset, first: uint32(b.firstSeq - live.base), stored: b.stored})
			live.leaves = append(live.leaves, r.leaves...)
			live.raw += r.raw
			live.count += b.count
			live.arrival = max(live.arrival, r.arrival)
			for j := range r.records {
				live.idx.insert(&r.records[j])
			}
		}
	}
	return nil
}

// reindexBlock makes the leaves and the index keys of a block's records.
func (l *Log) reindexBlock(found *foundBlock, data []byte, base uint64) (r reindexed) {
	b := block{first: uint32(found.firstSeq - base), count: found.count, arrival: found.arrival}
	if err := decodeBlock(&b, &found.blockHeader, data[found.from+blockHeaderSize:][:found.stored], nil); err != nil {
		return reindexed{err: err}
	}
	h := newLeafHasher()
	scopes := scopeCache{hasher: l.hasher}
	var record cairn.Record
	var keys []indexKey
	var ranges [][2]int
	r.leaves = make([]tlog.Hash, 0, b.count)
	r.records = make([]indexed, 0, b.count)
	r.err = b.each(base, func(ordinal uint32, f *frame) {
		leaf := h.hash(f.raw)
		r.leaves = append(r.leaves, leaf)
		r.raw += int64(len(f.raw))
		r.arrival = max(r.arrival, f.arrival)
		if record.Extract(f.raw) != nil {
			return // stored by a version that took it; kept, but not found by its fields
		}
		scope, wall := scopes.of(scopeOf(&record))
		first := len(keys)
		keys = appendKeys(keys, &record, scope, wall, identity(&record, leaf[:]))
		ranges = append(ranges, [2]int{first, len(keys)})
		r.records = append(r.records, indexed{scope: scopeOf(&record), time: f.time(&record), ordinal: ordinal})
	})
	for i := range r.records {
		r.records[i].keys = keys[ranges[i][0]:ranges[i][1]]
	}
	return r
}

// addLost adds a block of lost records. Their leaves are the hash of no bytes.
func (s *liveSegment) addLost(offset int64, count uint32) {
	s.blockAt = append(s.blockAt, liveBlock{offset: offset, first: s.count})
	for range count {
		s.leaves = append(s.leaves, lostLeaf)
	}
	s.count += count
}

var lostLeaf = newLeafHasher().hash(nil)
