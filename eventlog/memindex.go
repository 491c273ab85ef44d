package eventlog

import (
	"slices"
	"strings"

	"cairn"
)

// A place orders the events of a segment: the event's time in Unix seconds in
// the upper half, its ordinal (seq minus the segment's base) in the lower.
func placeOf(time int64, ordinal uint32) uint64 { return uint64(time)<<32 | uint64(ordinal) }

func placeTime(p uint64) int64     { return int64(p >> 32) }
func placeOrdinal(p uint64) uint32 { return uint32(p) }

// A memIndex is the index of a segment that is not sealed yet.
type memIndex struct {
	keys    keyTable
	byScope map[Scope]*memScope
	records int      // in the index
	ids     []uint64 // the keys of the event IDs

	minTime, maxTime int64
}

type memScope struct {
	key    uint64 // the key of the list of all the scope's events
	values [cairn.NumAttributes]textValues
}

// textValues are the values that one attribute has in one scope.
type textValues struct {
	texts   []textValue
	partial bool // some values' text is not here
}

type textValue struct {
	text string
	hash uint64
}

// An indexed record is what the index needs to know of one.
type indexed struct {
	scope   Scope
	time    int64
	ahead   bool // goes by its arrival instead of time
	ordinal uint32
	keys    []indexKey // the scope's own key first
}

// newMemIndex makes an index for about the given number of keys.
func newMemIndex(keys int) *memIndex {
	return &memIndex{keys: newKeyTable(keys), byScope: make(map[Scope]*memScope)}
}

func (x *memIndex) insert(r *indexed) {
	if len(x.byScope) == 0 || r.time < x.minTime {
		x.minTime = r.time
	}
	if r.time > x.maxTime {
		x.maxTime = r.time
	}
	sc := x.byScope[r.scope]
	if sc == nil {
		s := r.scope
		s.Account, s.Region = strings.Clone(s.Account), strings.Clone(s.Region)
		sc = &memScope{key: r.keys[0].hash}
		x.byScope[s] = sc
	}
	x.records++
	x.keys.setTime(r.ordinal, r.time)
	x.keys.touch(r.keys)
	for i := range r.keys {
		k := &r.keys[i]
		if !x.keys.add(k.hash, r.ordinal) {
			continue
		}
		if k.attr == cairn.AttrEventID {
			x.ids = append(x.ids, k.hash)
		}
		if k.value == "" {
			continue
		}
		v := &sc.values[k.attr]
		if len(v.texts) >= maxTexts || len(k.value) > maxText {
			v.partial = true
			continue
		}
		v.texts = append(v.texts, textValue{strings.Clone(k.value), k.hash})
	}
}

// ageUnindexed sees to it that records which are not in the index, because they
// are lost or cannot be read, are not taken for old: they go by their segment's
// newest arrival, and where that is not known by its creation, both in Unix
// microseconds.
func (x *memIndex) ageUnindexed(count uint32, arrival, created int64) {
	if x.records < int(count) {
		x.maxTime = max(x.maxTime, arrival/1e6, created/1e6)
	}
}

// sortedScopes returns the index's scopes in the order of an index file.
func (x *memIndex) sortedScopes() []Scope {
	scopes := make([]Scope, 0, len(x.byScope))
	for s := range x.byScope {
		scopes = append(scopes, s)
	}
	slices.SortFunc(scopes, compareScopes)
	return scopes
}

func compareScopes(a, b Scope) int {
	if c := strings.Compare(a.Account, b.Account); c != 0 {
		return c
	}
	if c := strings.Compare(a.Region, b.Region); c != 0 {
		return c
	}
	return int(a.Category) - int(b.Category)
}

func (q Scope) matches(s Scope) bool {
	return (q.Account == "" || q.Account == s.Account) &&
		(q.Region == "" || q.Region == s.Region) &&
		(q.Category == 0 || q.Category == s.Category)
}
