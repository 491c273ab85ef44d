package eventlog

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"cairn"
)

// Keys that share the lower 40 bits, and so cannot be told apart within an
// entry of the directory, get different entries.
func TestKeysWithEqualTails(t *testing.T) {
	t.Parallel()
	tail := uint64(0x1234567890)
	for _, others := range [][]uint64{
		{tail | 1<<45},
		{tail | 1<<40},
		{tail | 1<<55},
		{tail | 1<<41, tail | 1<<40 + 1}, // a key between the two
		{tail | 1<<40, tail | 1<<41, tail | 1<<42, tail | 3<<40},
	} {
		hashes := append([]uint64{tail}, others...)
		x := newMemIndex(0)
		for i, h := range hashes {
			x.insert(&indexed{scope: Scope{"111122223333", "us-east-1", cairn.Management}, time: int64(i), ordinal: uint32(i),
				keys: []indexKey{{hash: 77}, {hash: h, attr: cairn.AttrEventID}}})
		}
		b := encodeIndex(x, 0, []blockPlace{{64, 0}}, uint32(len(hashes)), 1, 1)
		f, err := parseIndex(b)
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range hashes {
			l, ok := f.find(h)
			if !ok || l.count != 1 || f.ordinal(l.single) != uint32(i) {
				t.Errorf("key %x of %x is found as that of event %d: %t", h, hashes, f.ordinal(l.single), ok)
			}
		}
		if again := encodeIndex(x, 0, []blockPlace{{64, 0}}, uint32(len(hashes)), 1, 1); !bytes.Equal(b, again) {
			t.Error("the same events give another index file")
		}
	}
}

// A tallied segment counts how often its texts are asked for.
type tallied struct {
	*sealedSegment
	asked *int
}

type talliedIndex struct {
	index
	asked *int
}

func (s tallied) search(fn func(index) error) error {
	return fn(talliedIndex{s.sealedSegment, s.asked})
}

func (x talliedIndex) texts() (texts, error) {
	*x.asked++
	return x.index.texts()
}

// scopesSegment is a sealed segment with one event in each of n scopes, without
// its records.
func scopesSegment(t *testing.T, n int) (tallied, hasher) {
	h := hasher{42}
	x := newMemIndex(0)
	for i := range n {
		s := Scope{fmt.Sprintf("%012d", i), "us-east-1", cairn.Management}
		scope := h.scopeKey(s)
		name := fmt.Sprintf("Name%d", i%10)
		x.insert(&indexed{scope: s, time: int64(1000 + i), ordinal: uint32(i), keys: []indexKey{{hash: scope},
			{hash: uint64(i) + 1, attr: cairn.AttrEventID}, {hash: valueKey(scope, cairn.AttrEventName, name), attr: cairn.AttrEventName, value: name}}})
	}
	f, err := parseIndex(encodeIndex(x, 0, []blockPlace{{64, 0}}, uint32(n), 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	return tallied{&sealedSegment{idx: f}, new(int)}, h
}

// The values of a segment are decompressed once for a query, however many
// scopes it has and however often its streams are filled.
func TestTextsOnce(t *testing.T) {
	t.Parallel()
	const n = 300
	seg, h := scopesSegment(t, n)
	q := &Query{Filters: []Filter{
		{Attribute: cairn.AttrEventName, Values: []string{"Name3"}, Prefix: true},
		{Attribute: cairn.AttrEventName, Values: []string{"Name4"}, Prefix: true, Not: true},
	}}
	s := &search{Query: q, hasher: h, until: maxTime}
	var damage []error
	m := s.merge(context.Background(), &view{segments: []segment{seg}}, &damage)
	found := 0
	for {
		hits, err := m.take(7)
		if err != nil || len(damage) > 0 {
			t.Fatal(err, damage)
		}
		if len(hits) == 0 {
			break
		}
		for i := range hits {
			if hits[i].ordinal%10 != 3 {
				t.Errorf("event %d is found", hits[i].ordinal)
			}
		}
		found += len(hits)
	}
	if found != n/10 || *seg.asked != 1 {
		t.Errorf("%d events of %d found, texts asked for %d times", found, n/10, *seg.asked)
	}

	*seg.asked = 0
	b := &bars{width: 3600, counts: make(map[int64]uint64), first: 1 << 62, last: -1}
	if err := s.count(context.Background(), seg, b); err != nil || b.counts[0] != n/10 || *seg.asked != 1 {
		t.Errorf("counted %d of %d, texts asked for %d times, %v", b.counts[0], n/10, *seg.asked, err)
	}

	*seg.asked = 0
	l := &Log{view: &view{segments: []segment{seg}, refs: atomic.Int32{}}}
	l.view.refs.Store(1)
	v, err := l.Values(context.Background(), Scope{}, cairn.AttrEventName, "Name", 0)
	if err != nil || len(v.Values) != 10 || v.Values[0].Count != n/10 || !v.Complete || *seg.asked != 1 {
		t.Errorf("values %+v, texts asked for %d times, %v", v, *seg.asked, err)
	}
}
