package eventlog

import (
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in the event log: before the record with its seq, after
// all records with a lower one. Positions are handed out by the log and are
// opaque to others. The zero Position is the beginning of everything.
type Position struct {
	partition uint32 // always 0: one log has one partition
	seq       uint64
}

// At returns the position before the record with the given seq.
func At(seq uint64) Position { return Position{seq: seq} }

// String returns the position as text that ParsePosition reads.
func (p Position) String() string {
	return strconv.FormatUint(uint64(p.partition), 10) + "-" + strconv.FormatUint(p.seq, 10)
}

// ParsePosition reads what Position.String wrote.
func ParsePosition(s string) (Position, error) {
	partition, seq, ok := strings.Cut(s, "-")
	p, err1 := strconv.ParseUint(partition, 10, 32)
	q, err2 := strconv.ParseUint(seq, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return Position{}, fmt.Errorf("position %q is not of the form partition-seq", s)
	}
	if p != 0 {
		return Position{}, fmt.Errorf("position %q names partition %d; this log has partition 0 only", s, p)
	}
	return Position{seq: q}, nil
}

// Compare returns -1, 0 or +1 as p comes before, at or after q.
func (p Position) Compare(q Position) int {
	switch {
	case p.seq < q.seq:
		return -1
	case p.seq > q.seq:
		return 1
	}
	return 0
}

// Plus returns the position n records behind p.
func (p Position) Plus(n uint64) Position { return Position{p.partition, p.seq + n} }
