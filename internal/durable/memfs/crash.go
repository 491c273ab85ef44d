package memfs

import (
	"io/fs"
	"math/rand/v2"
	"slices"
)

// Sector is the number of bytes that reach the disk together or not at all.
const sector = 512

// Crash cuts the power and returns the file system as the next start finds
// it. The old one is dead: all its operations, and those of its open files,
// return ErrPowerCut.
//
// What was synced is there. Of the unsynced changes in a directory, the first
// few survive, in order. Of the unsynced writes to a file, each sector of 512
// bytes holds what it held after any of them, independent of the other
// sectors, and the length is anything between the lengths that the file had.
// Capacity stays as it is.
func (f *FS) Crash(rng *rand.Rand) *FS { return f.crash(&chance{rng: rng}) }

// CrashLosing is Crash with everything lost that was not synced.
func (f *FS) CrashLosing() *FS { return f.crash(&chance{}) }

// CrashKeeping is Crash with nothing lost but what a failed Sync has dropped.
func (f *FS) CrashKeeping() *FS { return f.crash(&chance{keep: true}) }

// chance decides what survives. With neither member set, nothing does.
type chance struct {
	rng  *rand.Rand
	keep bool
}

// upTo picks a number of changes that survive, out of n.
func (c *chance) upTo(n int) int {
	switch {
	case c.keep:
		return n
	case c.rng == nil:
		return 0
	}
	// All or nothing as often as anything between: an even choice would
	// hardly ever show either when there are many changes.
	switch c.rng.IntN(3) {
	case 0:
		return 0
	case 1:
		return n
	}
	return c.rng.IntN(n + 1)
}

func (f *FS) crash(c *chance) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true

	total := map[*node]int{}
	var dirs []*node // in the order of first use, so that a seed repeats
	for _, e := range f.edits {
		for _, dir := range e.dirs() {
			if total[dir] == 0 {
				dirs = append(dirs, dir)
			}
			total[dir]++
		}
	}
	survive := map[*node]int{}
	for _, dir := range dirs {
		survive[dir] = c.upTo(total[dir])
	}
	for _, e := range f.edits {
		ok := true
		for _, dir := range e.dirs() {
			ok = ok && survive[dir] > 0
		}
		for _, dir := range e.dirs() {
			if ok {
				survive[dir]--
			} else {
				survive[dir] = 0 // nothing behind a lost change survives
			}
		}
		if ok {
			e.persist()
		}
	}
	f.edits = nil

	next := New(f.capacity)
	next.root = next.restore(f.root, c)
	return next
}

// restore makes the node that a power cut leaves of n.
func (f *FS) restore(n *node, c *chance) *node {
	left := &node{mode: n.mode, modTime: n.modTime, refs: 1}
	if n.mode.IsDir() {
		left.entries, left.durable = map[string]*node{}, map[string]*node{}
		for _, name := range sortedNames(n.durable) {
			child := f.restore(n.durable[name], c)
			left.entries[name], left.durable[name] = child, child
		}
		return left
	}
	left.synced = n.survivor(c)
	left.data = left.synced.share()
	f.used += int64(len(left.data.b))
	return left
}

// survivor is the content that a power cut leaves.
func (n *node) survivor(c *chance) buffer {
	if len(n.writes) == 0 {
		return n.synced.share()
	}
	if !n.lost && c.keep {
		return n.data.share()
	}

	// The length: any that the file had, or one between the least and the
	// greatest of them.
	lengths := []int64{int64(len(n.synced.b))}
	for _, w := range n.writes {
		lengths = append(lengths, w.after())
	}
	size := lengths[c.upTo(len(lengths)-1)]
	if c.rng != nil && c.rng.IntN(2) == 0 {
		least, most := slices.Min(lengths), slices.Max(lengths)
		size = least + c.rng.Int64N(most-least+1)
	}

	// The bytes, sector by sector, each after some of the writes that
	// concern it.
	left := n.synced.share()
	left.truncate(max(slices.Max(lengths), size))
	first, last := int64(len(left.b)), int64(0)
	for _, w := range n.writes {
		from, to := w.extent()
		first, last = min(first, from), max(last, to)
	}
	for at := first / sector * sector; at < last; at += sector {
		var concern []write
		for _, w := range n.writes {
			if from, to := w.extent(); from < at+sector && to > at {
				concern = append(concern, w)
			}
		}
		for _, w := range concern[:c.upTo(len(concern))] {
			w.applyWithin(&left, at, at+sector)
		}
	}
	left.truncate(size)
	return left
}

// after is the length of the file behind the write.
func (w write) after() int64 {
	if w.truncate {
		return w.off
	}
	return max(w.before, w.off+int64(len(w.data)))
}

// extent is the range of bytes that the write changes.
func (w write) extent() (from, to int64) {
	if w.truncate {
		return min(w.off, w.before), max(w.off, w.before)
	}
	return w.off, w.off + int64(len(w.data))
}

// apply does the write to a buffer.
func (w write) apply(b *buffer) {
	if w.truncate {
		b.truncate(w.off)
		return
	}
	b.writeAt(w.data, w.off)
}

// applyWithin does the part of the write that lies in [from, to), which the
// buffer may end before.
func (w write) applyWithin(b *buffer, from, to int64) {
	lo, hi := w.extent()
	lo, hi = max(lo, from), min(hi, to, int64(len(b.b)))
	if lo >= hi {
		return
	}
	if w.truncate {
		b.writeAt(make([]byte, hi-lo), lo) // cut off, or a hole
		return
	}
	b.writeAt(w.data[lo-w.off:hi-w.off], lo)
}

// dirs are the directories that the edit changes, each once.
func (e edit) dirs() []*node {
	var dirs []*node
	for _, l := range e {
		if !slices.Contains(dirs, l.dir) {
			dirs = append(dirs, l.dir)
		}
	}
	return dirs
}

// Clone returns a copy with the same unsynced changes. Locks and open files
// stay with the original.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := cloner{copies: map[*node]*node{}}
	next := New(f.capacity)
	next.dead = f.dead
	next.root = c.clone(f.root)
	next.root.refs = 1
	for _, e := range f.edits {
		copied := make(edit, len(e))
		for i, l := range e {
			copied[i] = link{c.clone(l.dir), l.name, c.clone(l.node)}
		}
		next.edits = append(next.edits, copied)
	}
	for _, n := range c.copies {
		for _, child := range n.entries {
			child.refs++
			next.used += int64(len(child.data.b))
		}
	}
	return next
}

type cloner struct{ copies map[*node]*node }

func (c cloner) clone(n *node) *node {
	if n == nil {
		return nil
	}
	if have := c.copies[n]; have != nil {
		return have
	}
	copied := &node{mode: n.mode, modTime: n.modTime, lost: n.lost, writes: slices.Clone(n.writes), data: n.data.share(), synced: n.synced.share()}
	c.copies[n] = copied
	if n.mode.IsDir() {
		copied.entries, copied.durable = c.cloneEntries(n.entries), c.cloneEntries(n.durable)
	}
	return copied
}

func (c cloner) cloneEntries(entries map[string]*node) map[string]*node {
	copied := make(map[string]*node, len(entries))
	for name, n := range entries {
		copied[name] = c.clone(n)
	}
	return copied
}

// Corrupt flips the bits of mask in one byte of a file, on the disk and as
// read. Mappings made before do not show it.
func (f *FS) Corrupt(name string, offset int64, mask byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.lookup(name)
	if err == nil && (n.mode.IsDir() || offset < 0 || offset >= int64(len(n.data.b))) {
		err = fs.ErrInvalid
	}
	if err != nil {
		return &fs.PathError{Op: "corrupt", Path: name, Err: err}
	}
	n.data.writeAt([]byte{n.data.b[offset] ^ mask}, offset)
	if offset < int64(len(n.synced.b)) {
		n.synced.writeAt([]byte{n.synced.b[offset] ^ mask}, offset)
	}
	return nil
}

// Names lists all files, sorted, as absolute paths.
func (f *FS) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	var walk func(prefix string, n *node)
	walk = func(prefix string, n *node) {
		for name, child := range n.entries {
			if child.mode.IsDir() {
				walk(prefix+name+"/", child)
			} else {
				names = append(names, prefix+name)
			}
		}
	}
	walk("/", f.root)
	slices.Sort(names)
	return names
}

// ReadFile returns the bytes of a file, also of a file system that has
// crashed.
func (f *FS) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dead := f.dead
	f.dead = false
	n, err := f.lookup(name)
	f.dead = dead
	if err == nil && n.mode.IsDir() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return slices.Clone(n.data.b), nil
}
