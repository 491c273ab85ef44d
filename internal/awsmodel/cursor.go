package awsmodel

// cursor reads the table's bytes in order. The table is part of the program, so that
// a fault in it ends in a panic of the runtime and not in an error.
type cursor struct {
	text string
	at   int
}

func (c *cursor) uvarint() uint64 {
	var v uint64
	for shift := 0; ; shift += 7 {
		b := c.text[c.at]
		c.at++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

func (c *cursor) int() int { return int(c.uvarint()) }

func (c *cursor) byte() byte {
	c.at++
	return c.text[c.at-1]
}

func (c *cursor) take(n int) string {
	c.at += n
	return c.text[c.at-n : c.at]
}

func (c *cursor) string() string { return c.take(c.int()) }

// offsets reads n lengths and returns where the n things behind them begin, and, as
// the last element, where they end. The cursor moves there.
func (c *cursor) offsets(n int) []uint32 {
	at := make([]uint32, n+1)
	sum := uint32(0)
	for i := range n {
		at[i] = sum
		sum += uint32(c.uvarint())
	}
	at[n] = sum
	base := uint32(c.at)
	for i := range at {
		at[i] += base
	}
	c.at = int(at[n])
	return at
}
