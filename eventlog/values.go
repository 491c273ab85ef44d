package eventlog

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"cairn"
)

// Values lists the values that an attribute has within a scope, and how many
// events have each. It reads the index only, and so knows just the attributes
// whose text the index keeps: all but EventId, ResourceName and AccessKeyId.
// Events that retention hides but has not removed yet are counted. The limit
// is 100 if zero.
func (l *Log) Values(ctx context.Context, scope Scope, a cairn.Attribute, prefix string, limit int) (*Values, error) {
	all, err := l.ValuesOf(ctx, scope, []cairn.Attribute{a}, prefix, limit)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// ValuesOf is Values for several attributes, which together take little more
// time than one: the index's texts are decompressed once.
func (l *Log) ValuesOf(ctx context.Context, scope Scope, attributes []cairn.Attribute, prefix string, limit int) ([]*Values, error) {
	v, err := l.acquire()
	if err != nil {
		return nil, err
	}
	defer v.release()
	if limit <= 0 {
		limit = 100
	}
	counts := make([]map[string]uint64, len(attributes))
	out := make([]*Values, len(attributes))
	for i := range attributes {
		counts[i], out[i] = make(map[string]uint64), &Values{Complete: true}
	}
	for _, seg := range v.segments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := seg.search(func(x index) error {
			var all texts
			var failed error
			x.scopes(scope, func(view scopeView) {
				if all == nil && failed == nil {
					all, failed = x.texts()
				}
				if failed != nil {
					return
				}
				for i, a := range attributes {
					whole := all.of(&view, a, func(text string, count uint64) {
						if strings.HasPrefix(text, prefix) {
							counts[i][text] += count
						}
					})
					out[i].Complete = out[i].Complete && whole
				}
			})
			return failed
		})
		if err != nil {
			return nil, err
		}
	}
	for i, values := range out {
		for text, count := range counts[i] {
			values.Values = append(values.Values, ValueCount{text, count})
		}
		slices.SortFunc(values.Values, func(x, y ValueCount) int {
			if c := cmp.Compare(y.Count, x.Count); c != 0 {
				return c
			}
			return strings.Compare(x.Value, y.Value)
		})
		if len(values.Values) > limit {
			values.Values, values.Complete = slices.Clone(values.Values[:limit]), false
		}
		for j := range values.Values { // the index keeps its memory to itself
			values.Values[j].Value = strings.Clone(values.Values[j].Value)
		}
	}
	return out, nil
}

// MaxBuckets bounds a histogram.
const MaxBuckets = 10_000

// Histogram counts the events that q asks for in steps of time. The buckets
// are aligned to multiples of step since 1970 and cover the query's bounds,
// or where it has none those of the events it found; empty buckets are
// included, up to MaxBuckets in all: where there would be more, the error is
// ErrHistogramSize. Limit, After and OldestFirst are ignored.
func (l *Log) Histogram(ctx context.Context, q Query, step time.Duration) ([]Bucket, error) {
	if step < time.Second || step%time.Second != 0 {
		return nil, ErrHistogramStep
	}
	v, err := l.acquire()
	if err != nil {
		return nil, err
	}
	defer v.release()
	q.After, q.OldestFirst = Cursor{}, true
	s := &search{Query: &q, hasher: l.hasher, now: l.now()}
	s.bound(l.retention)
	if s.until < s.since {
		return nil, nil
	}
	bars := &bars{width: int64(step / time.Second), counts: make(map[int64]uint64), first: 1 << 62, last: -1}
	if !q.Since.IsZero() {
		bars.cover(s.since)
	}
	if !q.Until.IsZero() {
		bars.cover(s.until)
	}
	for _, seg := range v.segments {
		if bars.tooMany() {
			return nil, ErrHistogramSize
		}
		if err := s.count(ctx, seg, bars); err != nil {
			return nil, err
		}
	}
	switch {
	case bars.tooMany():
		return nil, ErrHistogramSize
	case len(bars.counts) == 0 && (q.Since.IsZero() || q.Until.IsZero()):
		return nil, nil
	}
	buckets := make([]Bucket, 0, bars.last-bars.first+1)
	for b := bars.first; b <= bars.last; b++ {
		buckets = append(buckets, Bucket{time.Unix(b*bars.width, 0).UTC(), bars.counts[b]})
	}
	return buckets, nil
}

// bars are the bars of a histogram under way.
type bars struct {
	width       int64 // seconds
	counts      map[int64]uint64
	first, last int64 // both included; none if last < first
}

func (b *bars) cover(t int64) { b.first, b.last = min(b.first, t/b.width), max(b.last, t/b.width) }

func (b *bars) add(t int64) {
	b.cover(t)
	b.counts[t/b.width]++
}

func (b *bars) tooMany() bool { return b.last-b.first >= MaxBuckets }

// count adds the number of one segment's hits to the buckets of their times.
// Where the index alone cannot tell, it reads the records.
func (s *search) count(ctx context.Context, seg segment, bars *bars) error {
	var unsure []stream
	kept := &keptTexts{}
	err := seg.search(func(x index) error {
		var failed error
		x.scopes(s.Scope, func(view scopeView) {
			if failed != nil {
				return
			}
			c, exact, err := s.cursor(x, &view, kept)
			if err != nil {
				failed = err
			}
			if err != nil || c == nil {
				return
			}
			if !exact {
				unsure = append(unsure, stream{seg: seg, view: view, kept: kept})
				return
			}
			hi := x.seek(&view, s.until+1, 0)
			_, sealed := x.(*sealedSegment)
			for p := x.seek(&view, s.since, 0); p < hi; p++ {
				if sealed && len(s.Filters) == 0 {
					// The events of a scope have successive places there, so
					// that a bucket's are counted by where the next one begins.
					t, _ := x.at(p)
					next := min(hi, x.seek(&view, (t/bars.width+1)*bars.width, 0))
					bars.add(t)
					bars.counts[t/bars.width] += next - p - 1
					p = next - 1
					continue
				}
				place, ok := c.seek(p)
				if !ok || place >= hi {
					break
				}
				t, _ := x.at(place)
				if bars.add(t); bars.tooMany() {
					failed = ErrHistogramSize
					return
				}
				p = place
			}
		})
		return failed
	})
	if err != nil {
		return err
	}
	for i := range unsure {
		for st := &unsure[i]; !st.done; {
			if err := st.fill(s, 1000); err != nil {
				return err
			}
			var damage []error
			events, err := s.load(ctx, st.hits, &damage)
			if err != nil {
				return err
			}
			if len(damage) > 0 {
				return damage[0]
			}
			for i := range events {
				bars.add(events[i].Time().Unix())
			}
			if bars.tooMany() {
				return ErrHistogramSize
			}
		}
	}
	return nil
}
