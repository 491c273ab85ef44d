package eventlog

import (
	"crypto/sha256"
	"errors"
	"hash"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// The log's Merkle tree is that of RFC 6962: leaf n is the hash of the bytes
// of the record with seq n, as tlog.RecordHash computes it.

// Head is the size and the root hash of the tree over the first Size records.
type Head struct {
	Size uint64
	Root tlog.Hash
}

// leafHasher computes leaf hashes without allocating.
type leafHasher struct {
	h   hash.Hash
	sum [sha256.Size]byte
}

var leafPrefix = []byte{0}

func newLeafHasher() *leafHasher { return &leafHasher{h: sha256.New()} }

func (l *leafHasher) hash(raw []byte) tlog.Hash {
	l.h.Reset()
	l.h.Write(leafPrefix)
	l.h.Write(raw)
	l.h.Sum(l.sum[:0])
	return tlog.Hash(l.sum)
}

func nodeHash(left, right tlog.Hash) tlog.Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// A treeRange holds the hashes of the largest complete subtrees that cover the
// leaves [start, end), from left to right. A range that starts at 0 has the
// tree's root in it; a range that starts where another ends can be appended to
// it.
type treeRange struct {
	start, end uint64
	nodes      []tlog.Hash
}

// levels returns the levels of the subtrees that cover [start, end): first
// rising, then falling.
func rangeLevels(start, end uint64) []int {
	var levels []int
	for start < end {
		level := bits.TrailingZeros64(start)
		if start == 0 {
			level = 63
		}
		if most := bits.Len64(end-start) - 1; level > most {
			level = most
		}
		levels = append(levels, level)
		start += 1 << level
	}
	return levels
}

// push appends a complete subtree of 1<<level leaves.
func (t *treeRange) push(level int, h tlog.Hash) {
	at := t.end
	t.end += 1 << level
	// Merge with the left neighbour while the two are the halves of a subtree
	// that begins within the range.
	for at>>level&1 == 1 && at-1<<level >= t.start && len(t.nodes) > 0 {
		h = nodeHash(t.nodes[len(t.nodes)-1], h)
		t.nodes = t.nodes[:len(t.nodes)-1]
		at -= 1 << level
		level++
	}
	t.nodes = append(t.nodes, h)
}

var errRangeShape = errors.New("the subtree hashes do not have the number that their range needs")

// append appends the range that starts where t ends.
func (t *treeRange) append(o *treeRange) error {
	levels := rangeLevels(o.start, o.end)
	if o.start != t.end || len(levels) != len(o.nodes) {
		return errRangeShape
	}
	for i, level := range levels {
		t.push(level, o.nodes[i])
	}
	return nil
}

// root is the root hash of a range that starts at 0.
func (t *treeRange) root() tlog.Hash {
	if len(t.nodes) == 0 {
		return sha256.Sum256(nil)
	}
	h := t.nodes[len(t.nodes)-1]
	for i := len(t.nodes) - 2; i >= 0; i-- {
		h = nodeHash(t.nodes[i], h)
	}
	return h
}

func (t *treeRange) clone() treeRange {
	c := *t
	c.nodes = append([]tlog.Hash(nil), t.nodes...)
	return c
}
