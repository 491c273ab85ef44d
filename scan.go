package cairn

import (
	"encoding/binary"
	"math/bits"
)

// MaxDepth is how deep objects and arrays may nest in a record. The record
// itself is the first level.
const MaxDepth = 1000

// A scanner reads JSON text (RFC 8259) from front to back. Its methods take the
// position to read at and return the position behind what they read, or -1
// after a fault, which is then in fault. Positions travel in registers, so that
// the hot loops touch no memory but the text.
type scanner struct {
	b     []byte
	fault *RecordError
	depth int // how many levels are open where skip is called

	// lenient lets member names hold anything that is JSON.
	lenient bool

	// controls lets texts hold control characters, written as escapes.
	controls bool

	// nest has one bit for each open level below the one where skip began: set
	// for an object, clear for an array.
	nest [(MaxDepth + 63) / 64]uint64
}

// fail notes the first fault. Its Field is filled in by the caller that knows
// which field is being read.
func (s *scanner) fail(at int, reason string) int {
	if s.fault == nil {
		s.fault = &RecordError{Offset: at, Reason: reason}
	}
	return -1
}

// reasonEOF is the reason of a record that stops too early.
const reasonEOF = "record ends in the middle"

// space returns the position of the first byte at or after i that is not white
// space. It may be the end of the text.
func (s *scanner) space(i int) int {
	for i < len(s.b) {
		switch s.b[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

// Repeated bytes for the eight-at-a-time test in str.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// oddities are what a string holds beside printable ASCII.
type oddities uint8

const (
	escaped  oddities = 1 << iota // a backslash escape
	nonASCII                      // a byte of 0x80 or more; not checked to be UTF-8
)

// str scans a string whose first byte behind the opening quote is at i, and
// returns the position of the closing quote.
func (s *scanner) str(i int) (end int, odd oddities) {
	b := s.b
	var high uint64
	for {
		// Eight bytes at a time: XOR with 2 brings the quote (0x22) down beside
		// the control characters (below 0x20), so that one subtraction finds
		// both; the other finds the backslash. A borrow can only come from a
		// byte that is itself a hit, so the lowest hit is exact.
		for i <= len(b)-8 {
			x := binary.LittleEndian.Uint64(b[i:])
			hit := (((x ^ 0x02*ones) - 0x21*ones) | ((x ^ '\\'*ones) - ones)) &^ x & highs
			if hit == 0 {
				high |= x
				i += 8
				continue
			}
			n := bits.TrailingZeros64(hit)
			high |= x & (hit&-hit - 1)
			i += n >> 3
			goto found
		}
		for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
			high |= uint64(b[i])
			i++
		}
		if i >= len(b) {
			return s.fail(len(b), "string is not closed"), 0
		}
	found:
		switch b[i] {
		case '"':
			if high&highs != 0 {
				odd |= nonASCII
			}
			return i, odd
		case '\\':
			odd |= escaped
			if i+1 >= len(b) {
				return s.fail(len(b), "string is not closed"), 0
			}
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := hex4(b, i+2); !ok {
					return s.fail(i, `\u without four hexadecimal digits`), 0
				}
				i += 6
			default:
				return s.fail(i, "unknown escape in a string"), 0
			}
		default:
			return s.fail(i, "control character in a string"), 0
		}
	}
}

// number scans a number that starts at i.
func (s *scanner) number(i int) int {
	b := s.b
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && isDigit(b[i]):
		i = s.digits(i)
	default:
		return s.fail(i, "number without digits")
	}
	if i < len(b) && b[i] == '.' {
		start := i + 1
		if i = s.digits(start); i == start {
			return s.fail(i, "number without digits behind its point")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		start := i + 1
		if start < len(b) && (b[start] == '+' || b[start] == '-') {
			start++
		}
		if i = s.digits(start); i == start {
			return s.fail(i, "number without digits in its exponent")
		}
	}
	return i
}

// digits returns the position behind the run of digits that starts at i.
func (s *scanner) digits(i int) int {
	for i < len(s.b) && isDigit(s.b[i]) {
		i++
	}
	return i
}

// literal scans true, false or null.
func (s *scanner) literal(i int) int {
	b := s.b
	switch {
	case len(b)-i >= 4 && (string(b[i:i+4]) == "null" || string(b[i:i+4]) == "true"):
		return i + 4
	case len(b)-i >= 5 && string(b[i:i+5]) == "false":
		return i + 5
	}
	return s.fail(i, "not a JSON value")
}

// skip checks and passes over the value at i, whatever it holds. It does not
// recurse: a record can nest deeper than it would be wise to call.
func (s *scanner) skip(i int) int {
	b := s.b
	level := 0
value:
	if i >= len(b) {
		return s.fail(i, reasonEOF)
	}
	switch c := b[i]; {
	case c == '"':
		if i, _ = s.str(i + 1); i < 0 {
			return -1
		}
		i++
	case c == '{' || c == '[':
		if s.depth+level >= MaxDepth {
			return s.fail(i, reasonDepth)
		}
		word, bit := &s.nest[uint(level)/64%uint(len(s.nest))], uint64(1)<<(uint(level)%64)
		level++
		i = s.space(i + 1)
		if c == '{' {
			*word |= bit
			if i >= len(b) || b[i] != '}' {
				goto key
			}
		} else {
			*word &^= bit
			if i >= len(b) || b[i] != ']' {
				goto value
			}
		}
		level--
		i++
	case c == '-' || isDigit(c):
		if i = s.number(i); i < 0 {
			return -1
		}
	case c <= ' ':
		if j := s.space(i); j > i {
			i = j
			goto value
		}
		return s.fail(i, "not a JSON value")
	default:
		if i = s.literal(i); i < 0 {
			return -1
		}
	}

	// Behind a value: what comes next depends on what it is in.
	for level > 0 {
		if i < len(b) && b[i] <= ' ' {
			i = s.space(i)
		}
		if i >= len(b) {
			return s.fail(i, reasonEOF)
		}
		inObject := s.nest[uint(level-1)/64%uint(len(s.nest))]>>(uint(level-1)%64)&1 != 0
		c := b[i]
		i++
		switch {
		case c == ',' && inObject:
			goto key
		case c == ',':
			goto value
		case c == '}' && inObject, c == ']' && !inObject:
			level--
		case inObject:
			return s.fail(i-1, "no comma or } behind a member")
		default:
			return s.fail(i-1, "no comma or ] behind an element")
		}
	}
	return i

key:
	if i < len(b) && b[i] <= ' ' {
		i = s.space(i)
	}
	if i >= len(b) || b[i] != '"' {
		return s.fail(i, "no member name")
	}
	if i, _ = s.str(i + 1); i < 0 {
		return -1
	}
	i++
	if i < len(b) && b[i] <= ' ' {
		i = s.space(i)
	}
	if i >= len(b) || b[i] != ':' {
		return s.fail(i, "no colon behind a member name")
	}
	i++
	goto value
}

const reasonDepth = "nested deeper than 1000 levels"

// member reads the next member's name in an object whose opening brace, or last
// value, ends just before i. It returns the name and the position of the
// value. When the object ends instead, value is 0 and at is the position behind
// the closing brace. After a fault value is -1.
func (s *scanner) member(i int, first bool) (name string, at, value int) {
	b := s.b
	if i < len(b) && b[i] <= ' ' {
		i = s.space(i)
	}
	if i >= len(b) {
		return "", i, s.fail(i, reasonEOF)
	}
	switch c := b[i]; {
	case c == '}':
		return "", i + 1, 0
	case first:
	case c == ',':
		i++
		if i < len(b) && b[i] <= ' ' {
			i = s.space(i)
		}
	default:
		return "", i, s.fail(i, "no comma or } behind a member")
	}
	if i >= len(b) || b[i] != '"' {
		return "", i, s.fail(i, "no member name")
	}
	at = i
	end, odd := s.str(i + 1)
	if end < 0 {
		return "", at, -1
	}
	name = alias(b[i+1 : end])
	if odd != 0 {
		var reason string
		if name, reason = s.unusual(i+1, end, odd); reason != "" && !s.lenient {
			return "", at, s.fail(at, "member name holds "+reason)
		}
	}
	i = end + 1
	if i < len(b) && b[i] <= ' ' {
		i = s.space(i)
	}
	if i >= len(b) || b[i] != ':' {
		return "", at, s.fail(i, "no colon behind a member name")
	}
	i++
	if i < len(b) && b[i] <= ' ' {
		i = s.space(i)
	}
	if i >= len(b) {
		return "", at, s.fail(i, reasonEOF)
	}
	return name, at, i
}
