package cairn

import (
	"unicode/utf8"
	"unsafe"
)

// What unusual can find wrong with a string. The string is usable all the same,
// for a caller that does not mind.
const (
	reasonUTF8      = "invalid UTF-8"
	reasonSurrogate = "half of a surrogate pair"
	reasonControl   = "a control character"
)

// unusual returns the text of the string b[start:end], which holds odd bytes or
// escapes, and what is wrong with it: one of the reasons above, or "". Half a
// surrogate pair becomes U+FFFD; bytes that are not UTF-8 stay.
func (s *scanner) unusual(start, end int, odd oddities) (text, reason string) {
	raw := s.b[start:end]
	if odd&escaped == 0 {
		text = alias(raw)
	} else {
		text, reason = unescape(raw)
	}
	if odd&nonASCII != 0 && !utf8.Valid(raw) {
		reason = reasonUTF8
	}
	return text, reason
}

// unescape returns the text that raw, the checked inside of a JSON string,
// stands for.
func unescape(raw []byte) (text, reason string) {
	buf := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			buf = append(buf, raw[i])
			i++
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			u, _ := hex4(raw, i)
			i += 4
			if u < ' ' && reason == "" {
				reason = reasonControl
			}
			if 0xD800 <= u && u < 0xE000 {
				low := rune(-1)
				if u < 0xDC00 && i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low, _ = hex4(raw, i+2)
				}
				if 0xDC00 <= low && low < 0xE000 {
					u = (u-0xD800)<<10 | (low - 0xDC00) + 0x10000
					i += 6
				} else {
					u = utf8.RuneError
					reason = reasonSurrogate
				}
			}
			buf = utf8.AppendRune(buf, u)
			continue
		}
		if c < ' ' && reason == "" {
			reason = reasonControl
		}
		buf = append(buf, c)
	}
	return alias(buf), reason
}

// hex4 reads the four hexadecimal digits at i.
func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var u rune
	for _, c := range b[i : i+4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// alias returns b's bytes as a string without copying them. The string is only
// as constant as b: an Event's Raw must not be modified.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
