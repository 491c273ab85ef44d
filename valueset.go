package cairn

import (
	"cmp"
	"slices"
	"strings"
)

// A valueSet tells whether a text equals, begins or ends with one of many
// values, in a time that grows with the logarithm of their number and without
// allocating.
type valueSet struct {
	how    affix
	values []string // sorted by how; no value is an affix of another
}

// An affix is the part of a text that a value is compared with.
type affix uint8

const (
	affixWhole affix = iota
	affixStart
	affixEnd
)

// newValueSet returns the set of values. A value that a shorter one already
// covers is left out: then at most one value can match a text, and it is the
// greatest that does not sort behind it.
func newValueSet(how affix, values []string) valueSet {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, how.compare)
	kept := sorted[:0]
	for _, v := range sorted {
		if len(kept) == 0 || !how.matches(v, kept[len(kept)-1]) {
			kept = append(kept, v)
		}
	}
	return valueSet{how, slices.Clip(kept)}
}

// match reports whether one of the values matches text, and which.
func (s *valueSet) match(text string) (value string, ok bool) {
	low, high := 0, len(s.values)
	for low < high {
		mid := int(uint(low+high) / 2)
		if s.how.compare(s.values[mid], text) <= 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return "", false
	}
	value = s.values[low-1]
	return value, s.how.matches(text, value)
}

// compare orders texts so that those with a common affix stand together, behind
// the affix itself.
func (a affix) compare(x, y string) int {
	if a != affixEnd {
		return strings.Compare(x, y)
	}
	for i := 1; i <= len(x) && i <= len(y); i++ {
		if c := cmp.Compare(x[len(x)-i], y[len(y)-i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func (a affix) matches(text, value string) bool {
	switch a {
	case affixStart:
		return strings.HasPrefix(text, value)
	case affixEnd:
		return strings.HasSuffix(text, value)
	}
	return text == value
}
