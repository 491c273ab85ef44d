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
	v, err := l.acquire()
	if err != nil {
		return nil, err
	}
	defer v.release()
	if limit <= 0 {
		limit = 100
	}
	counts := make(map[string]uint64)
	complete := true
	for _, seg := range v.segments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := seg.search(func(x index) error {
			var failed error
			x.scopes(scope, func(view scopeView) {
				all, err := x.texts(&view, a, func(text string, count uint64) {
					if strings.HasPrefix(text, prefix) {
						counts[text] += count
					}
				})
				complete = complete && all
				if err != nil {
					failed = err
				}
			})
			return failed
		})
		if err != nil {
			return nil, err
		}
	}
	out := &Values{Complete: complete}
	for text, count := range counts {
		out.Values = append(out.Values, ValueCount{strings.Clone(text), count})
	}
	slices.SortFunc(out.Values, func(x, y ValueCount) int {
		if c := cmp.Compare(y.Count, x.Count); c != 0 {
			return c
		}
		return strings.Compare(x.Value, y.Value)
	})
	if len(out.Values) > limit {
		out.Values, out.Complete = out.Values[:limit], false
	}
	return out, nil
}

// maxBuckets bounds a histogram.
const maxBuckets = 10_000

// Histogram counts the events that q asks for in steps of time. The buckets
// are aligned to multiples of step since 1970 and cover the query's bounds,
// or where it has none those of the events it found; empty buckets are
// included, up to 10,000 in all. Limit, After and OldestFirst are ignored.
func (l *Log) Histogram(ctx context.Context, q Query, step time.Duration) ([]Bucket, error) {
	if step < time.Second || step%time.Second != 0 {
		return nil, errHistogramStep
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
	width := int64(step / time.Second)
	counts := make(map[int64]uint64)
	for _, seg := range v.segments {
		if err := s.count(ctx, seg, width, counts); err != nil {
			return nil, err
		}
	}
	if len(counts) == 0 && (q.Since.IsZero() || q.Until.IsZero()) {
		return nil, nil
	}
	first, last := int64(1<<62), int64(-1)
	for b := range counts {
		first, last = min(first, b), max(last, b)
	}
	if !q.Since.IsZero() {
		first = min(first, s.since/width)
	}
	if !q.Until.IsZero() {
		last = max(last, s.until/width)
	}
	if last-first >= maxBuckets {
		return nil, errHistogramSize
	}
	buckets := make([]Bucket, 0, last-first+1)
	for b := first; b <= last; b++ {
		buckets = append(buckets, Bucket{time.Unix(b*width, 0).UTC(), counts[b]})
	}
	return buckets, nil
}

// count adds the number of one segment's hits to the buckets of their times.
// Where the index alone cannot tell, it reads the records.
func (s *search) count(ctx context.Context, seg segment, width int64, counts map[int64]uint64) error {
	var unsure []stream
	err := seg.search(func(x index) error {
		var failed error
		x.scopes(s.Scope, func(view scopeView) {
			c, exact, err := s.cursor(x, &view)
			if err != nil {
				failed = err
			}
			if err != nil || c == nil {
				return
			}
			if !exact {
				unsure = append(unsure, stream{seg: seg, view: view})
				return
			}
			hi := x.seek(&view, s.until+1, 0)
			for p := x.seek(&view, s.since, 0); p < hi; p++ {
				place, ok := c.seek(p)
				if !ok || place >= hi {
					break
				}
				t, _ := x.at(place)
				counts[t/width]++
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
				counts[events[i].Time().Unix()/width]++
			}
		}
	}
	return nil
}
