package eventlog

import (
	"testing"

	"cairn"
)

func cachedHits(seqs ...uint64) (hits []hit) {
	st := &stream{seg: &liveSegment{}}
	for _, seq := range seqs {
		hits = append(hits, hit{ordinal: uint32(seq), stream: st})
	}
	return hits
}

func cachedEvent(seq uint64, size int) *cairn.Event {
	return &cairn.Event{Seq: seq, Raw: make([]byte, size)}
}

// The cache never holds more than it may, forgets what was not asked for, and
// keeps what is.
func TestEventCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c eventCache
	const size, n = 32 << 10, 10 * eventCacheBytes / (32 << 10)
	for seq := uint64(0); seq < n; seq++ {
		c.add([]*cairn.Event{nil, cachedEvent(seq, size)})
		if c.get(cachedHits(0))[0] == nil {
			t.Fatalf("event 0 is asked for all the time, and gone after %d others", seq)
		}
		held := 0
		for _, generation := range []map[uint64]*cairn.Event{c.young, c.old} {
			for _, e := range generation {
				held += len(e.Raw)
			}
		}
		if held > 2*(eventCacheBytes+size) {
			t.Fatalf("%d bytes are held after %d events", held, seq)
		}
	}
	got := c.get(cachedHits(1, n-1, n, n-2))
	if got[0] != nil || got[2] != nil {
		t.Error("an old event, or one that never was, is found")
	}
	if got[1] == nil || got[1].Seq != n-1 || got[3] == nil || got[3].Seq != n-2 {
		t.Errorf("the newest events are %v and %v", got[1], got[3])
	}
	c.add([]*cairn.Event{cachedEvent(n, maxCachedEvent+1)})
	if c.get(cachedHits(n))[0] != nil {
		t.Error("a large event is kept")
	}
	var none *eventCache
	none.add(got)
	if e := none.get(cachedHits(1, 2)); len(e) != 2 || e[0] != nil || e[1] != nil {
		t.Errorf("no cache gives %v", e)
	}
}
