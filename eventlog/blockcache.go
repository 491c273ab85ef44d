package eventlog

import (
	"bytes"
	"sync"
)

// A blockCache keeps decompressed blocks of sealed segments that lookups read
// again and again, such as those of the newest page. A block is kept from the
// second time on: what is read once would cost a copy and push others out.
// Each of the two generations forgets what is older than cacheBlocks others.
type blockCache struct {
	mu         sync.Mutex
	young, old map[blockKey]*block // nil values: read once
	kept       int                 // blocks in young
}

type blockKey struct {
	seg *sealedSegment
	i   int
}

// A generation has at most cacheBlocks blocks of 64 KiB, as a rule, and
// cacheKeys keys.
const (
	cacheBlocks = 128
	cacheKeys   = 4096
)

// get returns a block that is kept. Otherwise it notes that the block is about
// to be read, and tells whether it is worth keeping.
func (c *blockCache) get(key blockKey) (b *block, keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, seen := c.young[key]
	if !seen {
		b, seen = c.old[key]
		c.put(key, b)
	}
	return b, seen
}

// add keeps a block. Its memory is not the cache's.
func (c *blockCache) add(key blockKey, b block) {
	b.payload, b.memory = bytes.Clone(b.payload), nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, &b)
}

func (c *blockCache) put(key blockKey, b *block) {
	if c.young == nil || c.kept >= cacheBlocks || len(c.young) >= cacheKeys {
		c.old, c.young, c.kept = c.young, make(map[blockKey]*block), 0
	}
	if c.young[key] == nil && b != nil {
		c.kept++
	}
	c.young[key] = b
}

// drop forgets a segment's blocks.
func (c *blockCache) drop(seg *sealedSegment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, generation := range []map[blockKey]*block{c.young, c.old} {
		for key := range generation {
			if key.seg == seg {
				delete(generation, key)
			}
		}
	}
}
