package eventlog

import (
	"context"
	"iter"

	"cairn"
)

// Read gives the records from a position on, up to the newest that was durable
// at the time of the call, by rising seq. Their fields are not extracted. An
// event and its bytes are valid until the next one is asked for. A damaged
// place is given as a *Damage error, and reading goes on behind it.
func (l *Log) Read(ctx context.Context, from Position) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		end := l.End().seq
		v, err := l.acquire()
		if err != nil {
			yield(nil, err)
			return
		}
		defer v.release()
		for _, seg := range v.segments {
			if !readSegment(ctx, seg, from.seq, end, yield) {
				return
			}
		}
	}
}

// readSegment gives the records of a segment with seqs in [from, end).
func readSegment(ctx context.Context, seg segment, from, end uint64, yield func(*cairn.Event, error) bool) bool {
	n, count := seg.blocks()
	base := seg.first()
	if base+uint64(count) <= from || base >= end || n == 0 {
		return true
	}
	first := 0
	if from > base {
		first = max(0, seg.blockOf(uint32(from-base)))
	}
	// One block is decompressed ahead while the caller works on another.
	type decoded struct {
		block block
		err   error
	}
	stop := make(chan struct{})
	ahead := make(chan decoded, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(ahead)
		for i := first; i < n; i++ {
			b, err := seg.readBlock(blockBuffers.get(blockSize), i)
			select {
			case ahead <- decoded{b, err}:
			case <-stop:
				return
			}
		}
	}()
	defer func() { close(stop); <-done }()
	for d := range ahead {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return false
		}
		if d.err != nil {
			if !yield(nil, d.err) {
				return false
			}
			continue
		}
		if base+uint64(d.block.first) >= end {
			return true
		}
		if !yieldBlock(&d.block, base, from, end, yield) {
			return false
		}
		blockBuffers.put(d.block.memory)
	}
	return true
}

func yieldBlock(b *block, base, from, end uint64, yield func(*cairn.Event, error) bool) bool {
	goOn := true
	err := b.each(base, func(ordinal uint32, f *frame) {
		if seq := base + uint64(ordinal); goOn && seq >= from && seq < end {
			e := f.event(seq)
			goOn = yield(&e, nil)
		}
	})
	if err != nil && goOn {
		goOn = yield(nil, err)
	}
	return goOn
}

// Wait returns when a record at or after p is durable.
func (l *Log) Wait(ctx context.Context, p Position) error {
	for {
		l.mu.Lock()
		end, err := l.end, l.err
		changed := l.waitChange()
		l.mu.Unlock()
		if end > p.seq {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-changed:
		case <-l.stopc:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
