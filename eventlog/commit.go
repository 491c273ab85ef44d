package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// A commit is a batch on its way to the disk.
type commit struct {
	buf     []byte // the blocks as they will stand in the file
	blocks  []builtBlock
	leaves  []tlog.Hash
	index   []indexed // what the index needs to know of the records
	records int
	raw     int64
	rotate  bool // end the open segment first

	// Set by the committer before done is closed.
	done    chan struct{}
	err     error
	first   uint64 // seq of the first record
	arrival int64
	segment *liveSegment // of the whole group; set on its first commit
}

// A builtBlock is a block of a commit whose header lacks its place in the log.
type builtBlock struct {
	at     int // in the commit's buffer
	header blockHeader
}

// add appends a block to the commit.
func (c *commit) add(frames []frame) {
	at := len(c.buf)
	c.buf = append(c.buf, make([]byte, blockHeaderSize)...)
	c.buf = appendPayload(c.buf, frames, 0)
	payload := c.buf[at+blockHeaderSize:]
	c.blocks = append(c.blocks, builtBlock{at, blockHeader{codec: codecNone,
		raw: uint32(len(payload)), stored: uint32(len(payload)), count: uint32(len(frames)), payload: checksum(payload)}})
}

// submit hands a commit to the committer and waits for it.
func (l *Log) submit(c *commit) error {
	l.queue <- c
	<-c.done
	return c.err
}

// A group holds the commits that share a write and a sync.
const (
	groupCommits = 64
	groupBytes   = 8 << 20
)

// commitLoop writes commits until the queue is closed.
func (l *Log) commitLoop() {
	defer close(l.seals)
	defer close(l.durable)
	for c := range l.queue {
		group := []*commit{c}
		size := c.raw
	collect:
		for len(group) < groupCommits && size < groupBytes && !c.rotate {
			select {
			case next, ok := <-l.queue:
				if !ok {
					break collect
				}
				c = next
				group = append(group, c)
				size += c.raw
			default:
				break collect
			}
		}
		// Events that come at once are put in order, so that their lists in the
		// index grow at their ends.
		slices.SortStableFunc(group, func(x, y *commit) int { return cmp.Compare(x.begins(), y.begins()) })
		err := l.commitGroup(group)
		for _, c := range group {
			if c.err = err; err == nil && c.rotate {
				c.err = l.rotate()
			}
		}
		l.durable <- group
	}
}

// begins is the time of a commit's first record. An order to rotate comes last.
func (c *commit) begins() int64 {
	if len(c.index) == 0 {
		return 1<<63 - 1
	}
	return c.index[0].time
}

// indexLoop makes durable records visible, and then lets their callers go on.
func (l *Log) indexLoop() {
	for group := range l.durable {
		if seg := group[0].segment; seg != nil {
			seg.insert(group)
			seg.indexing.Done()
		}
		for _, c := range group {
			close(c.done)
		}
	}
}

// commitGroup makes the records of a group durable.
func (l *Log) commitGroup(group []*commit) error {
	if err := l.Err(); err != nil {
		return err
	}
	if l.full() {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	seg := l.open
	blocks, size, chain := l.layOut(group)
	if len(blocks) == 0 {
		return nil
	}

	// A crash from here on leaves a part of the group in the file. Recovery
	// takes the group only if it is there to its last block.
	start := time.Now()
	if err := l.write(group); err != nil {
		return l.undo(fmt.Errorf("write %s: %w", seg.name, err))
	}
	if err := seg.file.Sync(); err != nil {
		// What the disk holds now is unknown, and a second sync that succeeds
		// would prove nothing.
		l.stop(fmt.Errorf("sync %s: %w", seg.name, err))
		return l.Err()
	}
	l.stats.sync(time.Since(start))
	for _, c := range group {
		commitBuffers.put(c.buf)
		c.buf = nil
	}

	records := 0
	seg.mu.Lock()
	seg.blockAt = append(seg.blockAt, blocks...)
	for _, c := range group {
		seg.leaves = append(seg.leaves, c.leaves...)
		seg.raw += c.raw
		records += c.records
	}
	group[0].segment = seg // has records, as those that have come first
	seg.indexing.Add(1)
	seg.count += uint32(records)
	seg.arrival = l.lastArrival
	seg.size += size
	seg.chain = chain
	seg.mu.Unlock()

	l.mu.Lock()
	l.end += uint64(records)
	l.wake()
	l.mu.Unlock()
	return nil
}

// layOut gives the group's blocks their places in the log.
func (l *Log) layOut(group []*commit) (blocks []liveBlock, size int64, chain uint32) {
	seg := l.open
	l.lastArrival = max(l.lastArrival, l.now().UnixMicro())
	seq := seg.base + uint64(seg.count)
	groupSeq := seq
	chain = seg.chain
	var last []byte
	var lastHeader *blockHeader
	for _, c := range group {
		c.first, c.arrival = seq, l.lastArrival
		for i := range c.blocks {
			b := &c.blocks[i]
			h := &b.header
			h.firstSeq, h.group, h.arrival, h.chain = seq, groupSeq, l.lastArrival, chain
			h.put(c.buf[b.at:])
			last, lastHeader = c.buf[b.at:], h
			blocks = append(blocks, liveBlock{offset: seg.size + size + int64(b.at), first: uint32(seq - seg.base), stored: h.stored})
			chain = h.sum
			seq += uint64(h.count)
		}
		size += int64(len(c.buf))
	}
	if last != nil {
		lastHeader.flags |= blockEndsGroup
		lastHeader.put(last)
		chain = lastHeader.sum
	}
	return blocks, size, chain
}

// gatherBytes is the size from which a commit is written by itself. Smaller
// ones are put together first.
const gatherBytes = 32 << 10

// write writes a group's blocks behind the open segment's last.
func (l *Log) write(group []*commit) error {
	at := l.open.size
	buf := l.gather[:0]
	put := func(b []byte) error {
		if len(b) == 0 {
			return nil
		}
		_, err := l.open.file.WriteAt(b, at)
		at += int64(len(b))
		return err
	}
	for _, c := range group {
		if len(c.buf) < gatherBytes {
			buf = append(buf, c.buf...)
			continue
		}
		if err := put(buf); err != nil {
			return err
		}
		buf = buf[:0]
		if err := put(c.buf); err != nil {
			return err
		}
	}
	l.gather = buf[:0]
	return put(buf)
}

// undo takes back a write that failed before its sync, so that the log can go
// on when the disk has space again. Bytes that a crash brings back after all
// do not continue the chain of block headers, and are cut by recovery.
func (l *Log) undo(err error) error {
	if diskFull(err) {
		if tErr := l.open.file.Truncate(l.open.size); tErr == nil {
			l.space.filled()
			return fmt.Errorf("%w: %w", ErrDiskFull, err)
		}
	}
	l.stop(err)
	return l.Err()
}

// maxSegmentKeys bounds the index of the open segment, and so its memory: a
// record can name hundreds of resources.
const maxSegmentKeys = 4 << 20

// full reports whether the open segment is to be sealed.
func (l *Log) full() bool {
	s := l.open
	if s.count == 0 {
		return false
	}
	s.mu.RLock()
	keys := s.idx.keys.used
	s.mu.RUnlock()
	return int(s.count) >= l.cfg.SegmentEvents || s.raw >= l.cfg.SegmentBytes || keys >= maxSegmentKeys ||
		l.now().Sub(time.UnixMicro(s.created)) >= l.cfg.SegmentAge
}

// rotate ends the open segment and begins the next. It waits while too many
// segments wait to be sealed. But while they wait for space on the disk, the
// open segment grows on: callers are to be told of a full disk, not held up.
func (l *Log) rotate() error {
	old := l.open
	if old.count == 0 {
		return nil
	}
	for len(l.seals) == cap(l.seals) { // the committer alone sends
		l.mu.Lock()
		err, failed, sealed := l.err, l.sealErr, l.sealed
		l.mu.Unlock()
		if err != nil || failed != nil {
			return err
		}
		select {
		case <-sealed:
		case <-l.stopc:
			return nil
		case <-time.After(5 * time.Millisecond):
		}
	}
	old.mu.RLock()
	l.keyHint, l.leafHint = old.idx.keys.used, len(old.leaves) // the next segment will have about as many
	old.mu.RUnlock()
	seg, err := l.createLive(old.base + uint64(old.count))
	if err != nil {
		return err
	}
	l.change(func(segs []segment) []segment { return append(segs, seg) })
	l.open = seg
	l.mu.Lock()
	l.sealing++
	l.mu.Unlock()
	l.seals <- old
	return nil
}

// createLive makes the file of a new open segment.
func (l *Log) createLive(base uint64) (*liveSegment, error) {
	s := &liveSegment{base: base, name: segmentName(l.cfg.Dir, base, ".log"), idx: newMemIndex(l.keyHint),
		leaves: make([]tlog.Hash, 0, l.leafHint), created: l.now().UnixMicro(), size: fileHeaderSize, hashed: treeRange{start: base, end: base}}
	f, err := l.cfg.FS.OpenFile(s.name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		// A crash here leaves a file without a whole header, which recovery
		// takes for an empty segment.
		if _, err = f.WriteAt(fileHeaderBytes(fileHeader{magic: logMagic, base: base, created: s.created}), 0); err == nil {
			if err = f.Sync(); err == nil {
				err = l.cfg.FS.SyncDir(l.cfg.Dir)
			}
		}
		if err != nil {
			f.Close()
		}
	}
	if err != nil {
		err = fmt.Errorf("begin segment %s: %w", s.name, err)
		// The segment before goes on growing. Should this file come back after
		// a crash, it would claim that the other ends where it begins.
		if diskFull(err) {
			rErr := l.cfg.FS.Remove(s.name)
			if errors.Is(rErr, fs.ErrNotExist) {
				rErr = nil
			}
			if errors.Join(rErr, l.cfg.FS.SyncDir(l.cfg.Dir)) == nil {
				l.space.filled()
				return nil, fmt.Errorf("%w: %w", ErrDiskFull, err)
			}
		}
		l.stop(err)
		return nil, l.Err()
	}
	s.file = f
	return s, nil
}

// writeEndMark marks the log as closed cleanly.
func (l *Log) writeEndMark() error {
	seg := l.open
	if seg.count == 0 {
		return nil
	}
	seq := seg.base + uint64(seg.count)
	h := blockHeader{flags: blockEndMark | blockEndsGroup, firstSeq: seq, group: seq, arrival: l.lastArrival, chain: seg.chain}
	b := make([]byte, blockHeaderSize)
	h.put(b)
	if _, err := seg.file.WriteAt(b, seg.size); err != nil {
		return fmt.Errorf("mark %s as closed: %w", seg.name, err)
	}
	if err := seg.file.Sync(); err != nil {
		return fmt.Errorf("mark %s as closed: %w", seg.name, err)
	}
	return nil
}

// space remembers whether the disk has room, so that not every Append asks.
type space struct {
	mu   sync.Mutex
	at   time.Time
	free uint64
}

// spaceAge is how long an answer about the disk's free space holds.
const spaceAge = 100 * time.Millisecond

func (s *space) check(l *Log) error {
	if l.cfg.ReserveBytes <= 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.at.IsZero() || now.Sub(s.at) > spaceAge {
		free, err := l.cfg.FS.Free(l.cfg.Dir)
		if err != nil {
			return fmt.Errorf("free space of %s: %w", l.cfg.Dir, err)
		}
		s.at, s.free = now, free
	}
	if s.free < uint64(l.cfg.ReserveBytes) {
		return ErrDiskFull
	}
	return nil
}

// filled notes that a write found the disk full.
func (s *space) filled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Time{}
}
