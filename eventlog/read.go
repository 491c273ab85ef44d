package eventlog

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync"

	"cairn"
)

// Read gives the records from a position on, up to the newest that was durable
// at the time of the call, by rising seq. Their fields are not extracted. An
// event and its bytes are valid until the next one is asked for. A damaged
// place is given as a *Damage error, and reading goes on behind it; segments that
// could not be opened are given first.
func (l *Log) Read(ctx context.Context, from Position) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		end := l.End().seq
		v, err := l.acquire()
		if err != nil {
			yield(nil, err)
			return
		}
		defer v.release()
		for _, err := range l.missing(v, from.seq) {
			if !yield(nil, err) {
				return
			}
		}
		for _, seg := range v.segments {
			if !readSegment(ctx, seg, from.seq, end, yield) {
				return
			}
		}
	}
}

// missing returns the damage of segments that a view should have, but has not,
// unless they end before from.
func (l *Log) missing(v *view, from uint64) []error {
	have := make(map[uint64]bool, len(v.segments))
	for _, seg := range v.segments {
		have[seg.first()] = true
	}
	return slices.DeleteFunc(l.unreadable(), func(err error) bool {
		var d *Damage
		return !errors.As(err, &d) || have[d.Segment] || d.LastSeq < d.FirstSeq || d.LastSeq < from
	})
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
	ahead := decodeAhead(seg, first, n)
	defer ahead.stop()
	for d := range ahead.blocks {
		b := <-d
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return false
		}
		if b.err != nil {
			if !yield(nil, b.err) {
				return false
			}
			continue
		}
		if base+uint64(b.block.first) >= end {
			return true
		}
		if !yieldBlock(&b.block, base, from, end, yield) {
			return false
		}
		blockBuffers.put(b.block.memory)
	}
	return true
}

// A readAhead decompresses blocks on all processors while its reader works,
// and gives them in order.
type readAhead struct {
	blocks chan chan decodedBlock
	quit   chan struct{}
	done   sync.WaitGroup
}

type decodedBlock struct {
	block block
	err   error
}

// decodeAhead starts on the blocks [first, end) of a segment.
func decodeAhead(seg segment, first, end int) *readAhead {
	r := &readAhead{blocks: make(chan chan decodedBlock, runtime.GOMAXPROCS(0)), quit: make(chan struct{})}
	r.done.Go(func() {
		defer close(r.blocks)
		for i := first; i < end; i++ {
			d := make(chan decodedBlock, 1)
			select {
			case r.blocks <- d: // waits while enough are under way
			case <-r.quit:
				return
			}
			r.done.Go(func() {
				b, err := seg.readBlock(blockBuffers.get(blockSize), i)
				d <- decodedBlock{b, err}
			})
		}
	})
	return r
}

func (r *readAhead) stop() {
	close(r.quit)
	r.done.Wait()
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
