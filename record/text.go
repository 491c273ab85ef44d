package record

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is how deep parameters are written. It leaves room below
// cairn.MaxDepth for what surrounds them.
const maxDepth = 500

// appendValue appends the JSON of a tree of parameters. Names of objects are in
// ascending order, so that a call always gives the same bytes.
func appendValue(b []byte, v any, depth int) []byte {
	if depth > maxDepth {
		return append(b, `{"omitted":true}`...)
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return appendBool(b, v)
	case json.Number:
		if !isNumber(string(v)) {
			return appendString(b, string(v))
		}
		return append(b, v...)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return appendString(b, strconv.FormatFloat(v, 'g', -1, 64))
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case []byte:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v)
		return append(b, '"')
	case time.Time:
		return append(appendTime(append(b, '"'), v), '"')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, e, depth+1)
		}
		return append(b, ']')
	case map[string]any:
		return appendObject(b, v, depth)
	}
	return append(b, `"?"`...) // no tree holds anything else
}

// appendObject appends an object. Names that differ only in bytes that are not UTF-8
// would fall together; each after the first gets an underscore, so that a reader
// that keeps one value per name sees them all.
func appendObject(b []byte, tree map[string]any, depth int) []byte {
	var room [16]string
	names := room[:0]
	for name := range tree {
		names = append(names, name)
	}
	slices.Sort(names)
	var taken map[string]bool
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		written := name
		if !utf8.ValidString(name) {
			if taken == nil {
				taken = make(map[string]bool, len(names))
				for _, n := range names {
					if utf8.ValidString(n) {
						taken[n] = true
					}
				}
			}
			for written = strings.ToValidUTF8(name, "\uFFFD"); taken[written]; written += "_" {
			}
			taken[written] = true
		}
		b = append(appendString(b, written), ':')
		b = appendValue(b, tree[name], depth+1)
	}
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Control characters are escaped; what is not
// UTF-8 becomes U+FFFD, byte for byte.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			case '\r':
				b = append(b, `\r`...)
			case '\t':
				b = append(b, `\t`...)
			default:
				b = append(b, `\u00`...)
				b = append(b, hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			start = i + 1
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// appendName appends a string for the envelope that must not be long: a name or an ID.
func appendName(b []byte, s string) []byte { return appendIndexed(b, s, maxNameBytes) }

// appendIndexed appends a string for the envelope, which indexes hold: at most limit
// bytes, and no control characters.
func appendIndexed(b []byte, s string, limit int) []byte {
	s = cut(s, limit)
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			s = cut(strings.Map(printable, s), limit)
			break
		}
	}
	return appendText(b, s, limit)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return utf8.RuneError
	}
	return r
}

// appendText appends a string of at most limit bytes.
func appendText(b []byte, s string, limit int) []byte {
	s = cut(s, limit)
	if !utf8.ValidString(s) {
		s = cut(strings.ToValidUTF8(s, "\uFFFD"), limit)
	}
	return appendString(b, s)
}

// isNumber reports whether s is a number as JSON writes it.
func isNumber(s string) bool {
	rest := strings.TrimPrefix(s, "-")
	whole := digits(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return false
	}
	rest = rest[whole:]
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return false
		}
		rest = fraction[n:]
	}
	if rest == "" {
		return true
	}
	if rest[0]|0x20 != 'e' {
		return false
	}
	rest = strings.TrimLeft(rest[1:min(2, len(rest))], "+-") + rest[min(2, len(rest)):]
	return rest != "" && digits(rest) == len(rest)
}

func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
