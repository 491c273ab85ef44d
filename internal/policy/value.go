package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A number is a decimal number of any length, kept as its digits, so that no
// comparison rounds. Its value is 0.DIGITS times ten to the power of point.
type number struct {
	negative bool
	digits   string // without zeros in front; may hold one "."; "" is zero
	point    int
}

// maxExponent bounds what may stand behind the "e" of a number.
const maxExponent = 999

// parseNumber reads an integer or decimal number, as JSON writes it or with a
// plus sign or zeros in front.
func parseNumber(s string) (n number, ok bool) {
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(s[i+1:]); err != nil || exponent > maxExponent || exponent < -maxExponent {
			return n, false
		}
		s = s[:i]
	}
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.negative = s[0] == '-'
		s = s[1:]
	}
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if whole == "" || hasPoint && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return n, false
	}
	whole = strings.TrimLeft(whole, "0")
	n.point = len(whole) + exponent
	n.digits = s[len(s)-len(fraction)-btoi(hasPoint)-len(whole):]
	if whole == "" {
		n.digits = strings.TrimLeft(fraction, "0")
		n.point -= len(fraction) - len(n.digits)
	}
	if n.digits = trimZeros(n.digits); n.digits == "" {
		return number{}, true
	}
	return n, true
}

// trimZeros cuts the zeros behind the last digit that counts. Zeros in front of
// the point count for nothing either, because the point is kept elsewhere.
func trimZeros(s string) string {
	return strings.TrimRight(s, "0.")
}

// compare returns -1, 0 or 1.
func (n number) compare(other number) int {
	sign := 1
	switch {
	case n.digits == "" && other.digits == "":
		return 0
	case n.digits == "":
		return btoi(other.negative)*2 - 1
	case other.digits == "":
		return 1 - btoi(n.negative)*2
	case n.negative != other.negative:
		return 1 - btoi(n.negative)*2
	case n.negative:
		sign = -1
	}
	if c := cmp.Compare(n.point, other.point); c != 0 {
		return c * sign
	}
	a, b := n.digits, other.digits
	for a != "" && b != "" {
		switch {
		case a[0] == '.':
			a = a[1:]
		case b[0] == '.':
			b = b[1:]
		case a[0] != b[0]:
			return cmp.Compare(a[0], b[0]) * sign
		default:
			a, b = a[1:], b[1:]
		}
	}
	// The digits end in none that is zero, so that a rest makes a number larger.
	return cmp.Compare(len(a), len(b)) * sign
}

// parseDate reads a date in one of the forms of the W3C's note on ISO 8601, in
// Go's notation "2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00" and
// the same with seconds and fractions, or in seconds since 1970. Four digits
// are a year.
func parseDate(s string) (time.Time, bool) {
	switch {
	case len(s) == 4 && allDigits(s):
		return parseLayout("2006", s)
	case len(s) == 7 && s[4] == '-':
		return parseLayout("2006-01", s)
	case len(s) == 10 && s[4] == '-':
		return parseLayout(time.DateOnly, s)
	case len(s) > 16 && s[10] == 'T' && s[16] != ':':
		return parseLayout("2006-01-02T15:04Z07:00", s)
	case len(s) > 16 && s[10] == 'T':
		return parseLayout(time.RFC3339Nano, s)
	}
	return parseEpoch(s)
}

func parseLayout(layout, s string) (time.Time, bool) {
	t, err := time.ParseInLocation(layout, s, time.UTC)
	return t, err == nil
}

// parseEpoch reads seconds since 1970, perhaps negative or with a fraction of
// up to nine digits.
func parseEpoch(s string) (time.Time, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 12 || !allDigits(whole) ||
		hasPoint && (fraction == "" || len(fraction) > 9 || !allDigits(fraction)) {
		return time.Time{}, false
	}
	var seconds, nanos int64
	for _, c := range []byte(whole) {
		seconds = seconds*10 + int64(c-'0')
	}
	for i := range 9 {
		nanos *= 10
		if i < len(fraction) {
			nanos += int64(fraction[i] - '0')
		}
	}
	if negative {
		seconds, nanos = -seconds, -nanos
	}
	return time.Unix(seconds, nanos).UTC(), true
}

// parsePrefix reads a range of addresses in CIDR notation, or one address. Bits
// behind the prefix are ignored.
func parsePrefix(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return prefix, fmt.Errorf("%q is neither an IP address nor a range of them", s)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	// Addresses of IPv4 are compared as such even if written as IPv6.
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
