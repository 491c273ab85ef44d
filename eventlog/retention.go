package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"cairn/internal/durable"
)

// Hold keeps retention from removing records at or after p, until the next
// Hold of the same name or its Release. Holds last until Close: followers
// renew theirs when they start.
func (l *Log) Hold(name string, p Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds[name] = p
}

// Release gives up a hold.
func (l *Log) Release(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.holds, name)
}

// Expire removes the sealed segments whose events are all older than the
// retention and that nobody holds, and returns how many they were. It also
// runs by itself once a minute.
func (l *Log) Expire() (int, error) {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return 0, ErrClosed
	}
	if l.retention <= 0 {
		return 0, nil
	}
	v, err := l.acquire()
	if err != nil {
		return 0, err
	}
	defer v.release()
	now := l.now()
	keep := ceilSeconds(now.Add(-l.retention))
	held := l.held()
	removed := 0
	for _, seg := range v.segments {
		s, ok := seg.(*sealedSegment)
		// The seal decides, because it is signed.
		if !ok || s.seal == nil || s.seal.maxTime >= keep || s.seal.segment.end > held {
			continue
		}
		if err := l.retire(s, now); err != nil {
			return removed, fmt.Errorf("remove segment %016x: %w", s.base, err)
		}
		removed++
	}
	return removed, l.rejects.expire(now.Add(-l.retention))
}

// held is the lowest seq that a hold keeps.
func (l *Log) held() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq := uint64(1<<64 - 1)
	for _, p := range l.holds {
		seq = min(seq, p.seq)
	}
	return seq
}

// retire removes one segment. The signed note that says so comes first, so
// that a segment that is missing without one was removed by someone else.
func (l *Log) retire(s *sealedSegment, now time.Time) error {
	r := retirement{base: s.base, count: s.seal.segment.end - s.base, minTime: s.seal.minTime, maxTime: s.seal.maxTime, at: now}
	text, err := r.sign(l.cfg.Signer)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(l.cfg.FS, segmentName(l.sealsDir(), s.base, ".retired"), text, 0o600); err != nil {
		return err
	}
	l.change(func(segs []segment) []segment {
		for i := range segs {
			if segs[i] == segment(s) {
				return append(segs[:i], segs[i+1:]...)
			}
		}
		return segs
	})
	// A crash from here on leaves files that the next start removes.
	if err := l.cfg.FS.Remove(s.name); err != nil {
		return err
	}
	if err := l.cfg.FS.Remove(s.iname); err != nil && !(s.salvaged && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	return l.cfg.FS.SyncDir(l.cfg.Dir)
}
