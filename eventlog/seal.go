package eventlog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"cairn/internal/durable"
)

// sealLoop seals full segments, one after another.
func (l *Log) sealLoop() {
	var waiting []*liveSegment
	retry := time.NewTicker(2 * time.Second)
	defer retry.Stop()
	for {
		in := l.seals
		if len(waiting) > 0 {
			in = nil // what waits bounds what may come
		}
		select {
		case seg, ok := <-in:
			if !ok {
				return // what waits is sealed when the log is opened again
			}
			waiting = append(waiting, seg)
		case <-retry.C:
		case <-l.reseal:
		case <-l.stopc:
			for range l.seals {
			}
			return
		}
		for len(waiting) > 0 {
			err := l.seal(waiting[0])
			l.mu.Lock()
			l.sealErr = err
			if err == nil {
				l.sealing--
				waiting = waiting[1:]
			}
			close(l.sealed)
			l.sealed = make(chan struct{})
			l.mu.Unlock()
			if err == nil {
				continue
			}
			if errors.Is(err, ErrClosed) {
				break
			}
			if !diskFull(err) {
				l.stop(err)
				for range l.seals { // a rotation under way must not wait for ever
				}
				return
			}
			l.cfg.Logger.Warn("a segment waits to be sealed until the disk has space", "segment", waiting[0].name, "error", err)
			break
		}
	}
}

// seal turns a live segment into a sealed one. Until its last step the .log
// file is the truth: whatever a crash leaves of the others is made again.
func (l *Log) seal(live *liveSegment) error {
	live.indexing.Wait()
	// A seal that runs into a full disk has cost time for nothing.
	if free, err := l.cfg.FS.Free(l.cfg.Dir); err == nil && free < uint64(live.size/3) {
		return fmt.Errorf("seal segment %016x: %d bytes are free, about %d are needed: %w", live.base, free, live.size/3, syscall.ENOSPC)
	}
	w, err := l.writeSegment(live)
	if err != nil {
		return fmt.Errorf("seal segment %016x: %w", live.base, err)
	}
	live.mu.Lock()
	live.idx.ageUnindexed(live.count, live.arrival, live.created)
	live.mu.Unlock()
	index := encodeIndex(live.idx, live.base, w.places, live.count, live.arrival, uint64(live.raw))
	idxName := segmentName(l.cfg.Dir, live.base, ".idx")
	if err := durable.WriteFile(l.cfg.FS, idxName, index, 0o600); err != nil {
		return fmt.Errorf("seal segment %016x: %w", live.base, err)
	}
	part := live.tree()
	l.mu.Lock()
	tree, previous := l.tree.clone(), l.prevSeal
	l.mu.Unlock()
	if err := tree.append(&part); err != nil {
		return fmt.Errorf("seal segment %016x: %w", live.base, err)
	}
	s := &seal{tree: tree, segment: part, frames: w.frames, index: sha256.Sum256(index), format: l.format, lost: w.lost,
		minTime: live.idx.minTime, maxTime: live.idx.maxTime, previous: previous}
	text, err := s.sign(l.cfg.Signer)
	if err != nil {
		return fmt.Errorf("sign the seal of segment %016x: %w", live.base, err)
	}
	if err := durable.WriteFile(l.cfg.FS, segmentName(l.sealsDir(), live.base, ".seal"), text, 0o600); err != nil {
		return fmt.Errorf("seal segment %016x: %w", live.base, err)
	}
	sealed, err := openSealed(l.cfg.FS, l.cfg.Dir, live.base, l.cache)
	if err != nil {
		return fmt.Errorf("open the sealed segment: %w", err)
	}
	sealed.seal = s
	// The tree comes before the view: Head passes over live segments that the
	// tree has already.
	l.mu.Lock()
	l.tree, l.prevSeal = tree, sha256.Sum256(text)
	l.mu.Unlock()
	l.change(func(segs []segment) []segment {
		for i := range segs {
			if segs[i] == segment(live) {
				segs[i] = sealed
			}
		}
		return segs
	})

	// Everything that replaces the .log file is durable. If it stays, or comes
	// back after a crash, the segment is sealed once more, to the same bytes.
	err = l.cfg.FS.Remove(live.name)
	if err == nil {
		err = l.cfg.FS.SyncDir(l.cfg.Dir)
	}
	if err != nil {
		l.cfg.Logger.Warn("a sealed segment's log stays until the next start", "error", err)
	}
	return nil
}

// written is what writeSegment has to tell about a .seg file.
type written struct {
	places []blockPlace
	frames [sha256.Size]byte
	lost   []seqRange
}

// A seqRange is a run of seqs, both ends included.
type seqRange struct{ first, last uint64 }

// writeSegment writes the .seg file of a live segment: its records, in full
// blocks, compressed with a dictionary of their own.
func (l *Log) writeSegment(live *liveSegment) (w written, err error) {
	dict, err := sampleDictionary(live)
	if err != nil {
		return w, err
	}
	enc, err := newEncoder(dict)
	if err != nil {
		return w, err
	}
	defer enc.close()
	out := segmentWriter{enc: enc, base: live.base, frameSum: sha256.New()}
	out.buf = append(out.buf, fileHeaderBytes(fileHeader{magic: segMagic, base: live.base, created: live.created,
		dict: uint32(len(dict)), dictSum: checksum(dict)})...)
	out.buf = append(out.buf, dict...)
	err = l.replaceFile(segmentName(l.cfg.Dir, live.base, ".seg"), func(f durable.File) error {
		out.file = f
		if err := l.copyRecords(live, &out); err != nil {
			return err
		}
		return out.finish()
	})
	if err != nil {
		return w, err
	}
	w.places, w.lost = out.places, out.lost
	out.frameSum.Sum(w.frames[:0])
	return w, nil
}

func (l *Log) copyRecords(live *liveSegment, out *segmentWriter) error {
	return live.walk(func(b *block) error {
		select {
		case <-l.stopc:
			return ErrClosed
		default:
		}
		if b.lost {
			return out.lose(b.first, b.count)
		}
		var failed error
		err := b.each(live.base, func(ordinal uint32, f *frame) {
			if failed == nil {
				failed = out.add(ordinal, f)
			}
		})
		if err == nil {
			err = failed
		}
		return err
	})
}

// sampleDictionary takes records from all over a segment, dictSize bytes in
// all. A small segment goes without: the dictionary would cost more than it
// saves.
func sampleDictionary(live *liveSegment) ([]byte, error) {
	if live.raw < 8*dictSize {
		return nil, nil
	}
	n, _ := live.blocks()
	want := min(n, dictSize/1024)
	var dict []byte
	for i := range want {
		at := i * n / want
		if live.isLost(at) {
			continue
		}
		err := readRecords(live, at, func(_ uint32, f *frame) {
			if len(f.raw) <= dictSize/16 && len(dict)+len(f.raw) <= dictSize*(i+1)/want {
				dict = append(dict, f.raw...)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// A segmentWriter writes the blocks of a .seg file.
type segmentWriter struct {
	file durable.File
	enc  *encoder
	base uint64

	size   int64  // written to the file
	buf    []byte // to be written
	places []blockPlace
	chain  uint32
	frames []frame // of the block that is being filled
	arena  []byte  // their bytes
	joined []byte
	header blockHeader // of that block
	lost   []seqRange

	frameSum interface {
		Write([]byte) (int, error)
		Sum([]byte) []byte
	}
}

// flushBytes is how much is written to a segment file at once.
const flushBytes = 1 << 20

func (w *segmentWriter) add(ordinal uint32, f *frame) error {
	if len(w.frames) > 0 && len(w.arena)+len(f.raw)+(len(w.frames)+1)*maxFrameOverhead > sealedBlockSize {
		if err := w.endBlock(); err != nil {
			return err
		}
	}
	if w.header.count == 0 {
		w.header = blockHeader{codec: codecZstd, firstSeq: w.base + uint64(ordinal), group: w.base, arrival: f.arrival}
	}
	// The arena never moves while the block is filled, as but a first record
	// that is longer fits into less.
	if len(w.frames) == 0 && cap(w.arena) < max(sealedBlockSize, len(f.raw)) {
		w.arena = make([]byte, 0, max(sealedBlockSize, len(f.raw)))
	}
	w.arena = append(w.arena, f.raw...)
	g := *f
	g.raw = w.arena[len(w.arena)-len(f.raw):]
	w.frames = append(w.frames, g)
	w.header.count++
	hashFrame(w.frameSum, f)
	return nil
}

// lose notes records that are lost.
func (w *segmentWriter) lose(ordinal, count uint32) error {
	if err := w.endBlock(); err != nil {
		return err
	}
	w.header = blockHeader{flags: blockLost, count: count, firstSeq: w.base + uint64(ordinal), group: w.base}
	first := w.base + uint64(ordinal)
	w.lost = append(w.lost, seqRange{first, first + uint64(count) - 1})
	return w.endBlock()
}

// hashFrame adds what the server noted about a record to the hash that the
// seal holds: arrival (u64), origin, flags.
func hashFrame(h interface{ Write([]byte) (int, error) }, f *frame) {
	var b [10]byte
	binary.LittleEndian.PutUint64(b[:], uint64(f.arrival))
	b[8], b[9] = byte(f.origin), byte(f.flags)
	h.Write(b[:])
}

func (w *segmentWriter) endBlock() error {
	if w.header.count == 0 {
		return nil
	}
	at := len(w.buf)
	w.places = append(w.places, blockPlace{uint64(w.size) + uint64(at), uint32(w.header.firstSeq - w.base)})
	w.buf = append(w.buf, make([]byte, blockHeaderSize)...)
	if w.header.flags&blockLost == 0 {
		w.joined = appendPayload(w.joined[:0], w.frames, w.header.arrival)
		w.header.raw = uint32(len(w.joined))
		var err error
		if w.buf, err = w.enc.append(w.buf, w.joined); err != nil {
			return err
		}
	}
	stored := w.buf[at+blockHeaderSize:]
	h := &w.header
	h.stored, h.payload, h.chain = uint32(len(stored)), checksum(stored), w.chain
	h.put(w.buf[at:])
	w.chain = h.sum
	w.header = blockHeader{}
	w.frames, w.arena = w.frames[:0], w.arena[:0]
	if len(w.buf) >= flushBytes {
		return w.flush()
	}
	return nil
}

func (w *segmentWriter) flush() error {
	if _, err := w.file.WriteAt(w.buf, w.size); err != nil {
		return err
	}
	w.size += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// finish writes what is left and makes the file durable.
func (w *segmentWriter) finish() error {
	if err := w.endBlock(); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	return w.file.Sync()
}
