// Package eventlog keeps CloudTrail events: durable before anyone sees them,
// found again by any attribute in milliseconds, and bound into a Merkle tree
// so that a change, a removal or a reordering is found.
//
// Its nouns: a record arrives in a Batch and gets a seq, its arrival number. A
// log is a row of segments. The newest segment is open: a file of plain
// blocks that is only ever appended to, and an index in memory. A full segment
// is sealed: rewritten into compressed blocks, with an index file beside it and
// a signed seal over its place in the tree. Retention unlinks whole sealed
// segments; nothing else removes or changes a record.
//
// Its one invariant: durable, then visible, then acknowledged. No reader sees
// a record before it would survive a power cut.
//
// The formats on disk are described in docs/format/eventlog.md.
package eventlog
