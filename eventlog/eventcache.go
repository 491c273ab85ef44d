package eventlog

import (
	"sync"
	"unsafe"

	"cairn"
)

// An eventCache keeps the events of queries' first pages, extracted: those are
// asked for again and again, by whoever watches a name or reloads a page. An
// event takes 2 KB here; the block that it would be read from takes 64 KB.
// Further pages, and long ones, belong to readers who see each event once.
//
// Events never change, and only the index says which there are. So nothing here
// goes stale, and what retention removes is not found any more.
//
// Each of the two generations forgets what is older than eventCacheBytes of
// others.
type eventCache struct {
	mu         sync.Mutex
	young, old map[uint64]*cairn.Event // by seq
	bytes      int                     // in young
}

const (
	// eventCacheBytes bounds one generation, of two.
	eventCacheBytes = 24 << 20

	// cachedLimit is the longest page whose events are kept.
	cachedLimit = 100

	// maxCachedEvent keeps one large record from pushing out many.
	maxCachedEvent = 64 << 10
)

// get returns the events of hits, nil for those that are not kept.
func (c *eventCache) get(hits []hit) []*cairn.Event {
	events := make([]*cairn.Event, len(hits))
	if c == nil {
		return events
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range hits {
		seq := hits[i].seq()
		e, young := c.young[seq]
		if !young {
			if e = c.old[seq]; e != nil {
				c.put(e)
			}
		}
		events[i] = e
	}
	return events
}

// add keeps events. Some may be nil, or kept already.
func (c *eventCache) add(events []*cairn.Event) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		if e != nil && len(e.Raw) <= maxCachedEvent && c.young[e.Seq] == nil {
			c.put(e)
		}
	}
}

func (c *eventCache) put(e *cairn.Event) {
	if c.young == nil || c.bytes >= eventCacheBytes {
		c.old, c.young, c.bytes = c.young, make(map[uint64]*cairn.Event), 0
	}
	c.young[e.Seq] = e
	// Its strings lie in Raw. A map's entry takes some 24 bytes.
	c.bytes += len(e.Raw) + int(unsafe.Sizeof(*e)) + len(e.Resources)*int(unsafe.Sizeof(cairn.Resource{})) + 24
}
