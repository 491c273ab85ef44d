package eventlog

import "sort"

// A cursor walks a sorted set of places in one direction. Sealed segments use
// ranks for places, unsealed ones (time, ordinal); both order the events of a
// scope alike.
type cursor interface {
	// seek returns the first place at p or beyond it in the cursor's
	// direction. Calls must not go back.
	seek(p uint64) (place uint64, ok bool)
}

// listCursor walks a list of a keyTable.
type listCursor struct {
	keys *keyTable
	list []uint32 // what is left
	desc bool
}

func (c *listCursor) at(i int) uint64 { return c.keys.place(c.list[i]) }

func (c *listCursor) seek(p uint64) (uint64, bool) {
	// Gallop, as steps are short as a rule.
	if c.desc {
		n, step := len(c.list), 1
		for n > 0 && c.at(n-1) > p {
			step = min(step, n)
			if c.at(n-step) > p {
				n -= step
				step *= 2
				continue
			}
			lo := n - step + 1 // the place before lo is not beyond p
			n = lo + sort.Search(n-1-lo, func(i int) bool { return c.at(lo+i) > p })
			break
		}
		if c.list = c.list[:n]; n == 0 {
			return 0, false
		}
		return c.at(n - 1), true
	}
	n, step := 0, 1
	for n < len(c.list) && c.at(n) < p {
		step = min(step, len(c.list)-n)
		if c.at(n+step-1) < p {
			n += step
			step *= 2
			continue
		}
		n += sort.Search(step-1, func(i int) bool { return c.at(n+i) >= p })
		break
	}
	if c.list = c.list[n:]; len(c.list) == 0 {
		return 0, false
	}
	return c.at(0), true
}

// rangeCursor walks all places of [lo, hi).
type rangeCursor struct {
	lo, hi uint64
	desc   bool
}

func (c *rangeCursor) seek(p uint64) (uint64, bool) {
	if c.desc {
		if c.hi > 0 {
			p = min(p, c.hi-1)
		}
		return p, c.lo < c.hi && p >= c.lo
	}
	p = max(p, c.lo)
	return p, p < c.hi
}

// rankCursor walks a stored list of ranks, a chunk at a time.
type rankCursor struct {
	list  rankList
	desc  bool
	chunk int // the chunk in buf, -1 before the first
	buf   []uint32
}

func newRankCursor(l rankList, desc bool) *rankCursor {
	return &rankCursor{list: l, desc: desc, chunk: -1}
}

func (c *rankCursor) load(chunk int) {
	if c.chunk != chunk {
		c.chunk = chunk
		c.buf = c.list.chunk(chunk, c.buf)
	}
}

func (c *rankCursor) seek(p uint64) (uint64, bool) {
	n := c.list.chunks()
	if n == 0 {
		return 0, false
	}
	// The last chunk that begins at p or before it.
	at := 0
	if n > 1 {
		if c.chunk >= 0 && uint64(c.list.chunkFirst(c.chunk)) <= p && (c.chunk == n-1 || uint64(c.list.chunkFirst(c.chunk+1)) > p) {
			at = c.chunk
		} else {
			at = max(0, sort.Search(n, func(i int) bool { return uint64(c.list.chunkFirst(i)) > p })-1)
		}
	}
	c.load(at)
	i := sort.Search(len(c.buf), func(i int) bool { return uint64(c.buf[i]) >= p })
	if c.desc {
		if i < len(c.buf) && uint64(c.buf[i]) == p {
			return p, true
		}
		if i == 0 { // only in the first chunk
			return 0, false
		}
		return uint64(c.buf[i-1]), true
	}
	if i == len(c.buf) {
		if at+1 >= n {
			return 0, false
		}
		c.load(at + 1)
		// A list that does not rise would send its reader round and round.
		if i = 0; len(c.buf) == 0 || uint64(c.buf[0]) < p {
			return 0, false
		}
	}
	return uint64(c.buf[i]), true
}

// anyCursor walks the union of its members.
type anyCursor struct {
	of   []cursor
	desc bool
}

func (c *anyCursor) seek(p uint64) (best uint64, ok bool) {
	for _, m := range c.of {
		q, found := m.seek(p)
		if !found {
			continue
		}
		if q == p {
			return p, true
		}
		if !ok || (q > best) == c.desc {
			best, ok = q, true
		}
	}
	return best, ok
}

// allCursor walks the intersection of its members, less the places of without.
type allCursor struct {
	of      []cursor
	without []cursor
	desc    bool
}

func (c *allCursor) seek(p uint64) (uint64, bool) {
again:
	for {
		at := p
		for _, m := range c.of {
			q, ok := m.seek(at)
			if !ok {
				return 0, false
			}
			at = q
		}
		if at != p && len(c.of) > 1 {
			p = at
			continue // until all members agree
		}
		p = at
		for _, m := range c.without {
			if q, ok := m.seek(p); ok && q == p {
				if p, ok = c.beyond(p); !ok {
					return 0, false
				}
				continue again
			}
		}
		return p, true
	}
}

func (c *allCursor) beyond(p uint64) (uint64, bool) {
	if c.desc {
		return p - 1, p > 0
	}
	return p + 1, p < 1<<64-1
}
