package eventlog

import (
	"container/heap"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
)

// defaultLimit is the page size of a query that names none.
const defaultLimit = 50

// MaxLimit is the largest page that Lookup gives.
const MaxLimit = 10_000

// Lookup returns a page of the events that q asks for. It sees every record
// whose Append has returned.
func (l *Log) Lookup(ctx context.Context, q Query) (*Page, error) {
	v, err := l.acquire()
	if err != nil {
		return nil, err
	}
	defer v.release()
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	s := &search{Query: &q, hasher: l.hasher, now: l.now()}
	if q.After == (Cursor{}) && q.Limit <= cachedLimit {
		s.cache = &l.events
	}
	s.bound(l.retention)
	page := &Page{}
	if s.until < s.since {
		return page, nil
	}
	page.Damage = l.unreadable()
	m := s.merge(ctx, v, &page.Damage)
	after := q.After
	for {
		// One hit more than needed tells whether there is a next page.
		hits, err := m.take(q.Limit + 1 - len(page.Events))
		if err != nil {
			return nil, err
		}
		if len(hits) == 0 {
			break
		}
		events, err := s.load(ctx, hits, &page.Damage)
		if err != nil {
			return nil, err
		}
		if page.Events == nil {
			page.Events = events
		} else {
			page.Events = append(page.Events, events...)
		}
		if len(page.Events) > q.Limit {
			page.Events, page.More = page.Events[:q.Limit], true
			break
		}
	}
	if n := len(page.Events); n > 0 {
		e := &page.Events[n-1]
		after = Cursor{Time: e.Time().Unix(), Seq: e.Seq}
	}
	page.Next = after
	return page, nil
}

// A search is a query under way.
type search struct {
	*Query
	hasher
	now          time.Time
	since, until int64       // Unix seconds, inclusive
	cache        *eventCache // nil: not used
}

// bound clips the query's times at the retention.
func (s *search) bound(retention time.Duration) {
	s.since, s.until = 0, maxTime
	if !s.Since.IsZero() {
		s.since = max(s.since, ceilSeconds(s.Since))
	}
	if !s.Until.IsZero() {
		s.until = min(s.until, s.Until.Unix())
	}
	if retention > 0 {
		s.since = max(s.since, ceilSeconds(s.now.Add(-retention)))
	}
}

func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// passes holds a record to the whole query.
func (s *search) passes(e *cairn.Event, scope Scope) bool {
	if scopeOf(&e.Record) != scope {
		return false
	}
	for i := range s.Filters {
		if !s.Filters[i].passes(&e.Record) {
			return false
		}
	}
	return true
}

func (f *Filter) passes(r *cairn.Record) bool {
	found := false
	r.Values(f.Attribute, func(v string) bool {
		found = f.takes(v)
		return !found
	})
	return found != f.Not
}

// takes reports whether the filter names a value.
func (f *Filter) takes(v string) bool {
	if !f.Prefix {
		return slices.Contains(f.Values, v)
	}
	for _, p := range f.Values {
		if strings.HasPrefix(v, p) {
			return true
		}
	}
	return false
}

// cursor returns a cursor over the events of one scope of one segment that may
// pass the filters, nil if none can. Exact says that all of them pass.
func (s *search) cursor(x index, v *scopeView, kept *keptTexts) (c cursor, exact bool, err error) {
	all := &allCursor{desc: !s.OldestFirst}
	exact = true
	scope, wall := s.scopeKey(v.Scope), s.wallKey(v.Account, v.Region)
	for i := range s.Filters {
		f := &s.Filters[i]
		values := f.Values
		if f.Prefix {
			var complete bool
			if values, complete, err = s.expand(x, v, f, kept); err != nil {
				return nil, false, err
			} else if !complete {
				exact = false
				continue
			}
		}
		var of []cursor
		for _, value := range values {
			seed := scope
			if f.Attribute == cairn.AttrEventID {
				seed, exact = wall, false // may be of another category
			}
			if c := x.key(v, valueKey(seed, f.Attribute, value), all.desc); c != nil {
				of = append(of, c)
			}
		}
		switch {
		case f.Not:
			all.without = append(all.without, of...)
		case len(of) == 0:
			return nil, true, nil
		case len(of) == 1:
			all.of = append(all.of, of[0])
		default:
			all.of = append(all.of, &anyCursor{of: of, desc: all.desc})
		}
	}
	if len(all.of) == 0 {
		all.of = append(all.of, x.whole(v, all.desc))
	}
	return all, exact, nil
}

// expand returns the values that a prefix filter takes in, unless the index
// does not keep them all.
func (s *search) expand(x index, v *scopeView, f *Filter, kept *keptTexts) (values []string, complete bool, err error) {
	if !textAttributes[f.Attribute] {
		return nil, false, nil
	}
	if kept.texts == nil {
		if kept.texts, err = x.texts(); err != nil {
			return nil, false, err
		}
	}
	complete = kept.of(v, f.Attribute, func(text string, _ uint64) {
		if len(values) <= maxExpanded && f.takes(text) {
			values = append(values, text)
		}
	})
	return values, complete && len(values) <= maxExpanded, nil
}

// keptTexts keeps the texts of a segment for the streams that one query has
// there.
type keptTexts struct{ texts }

// maxExpanded bounds the lists that one prefix is turned into; beyond it the
// records themselves are read.
const maxExpanded = 128

// A hit is an event that the index found.
type hit struct {
	time    int64
	ordinal uint32
	stream  *stream
}

func (h *hit) seq() uint64 { return h.stream.seg.first() + uint64(h.ordinal) }

// A stream gives the hits of one scope of one segment, in order.
type stream struct {
	seg  segment
	view scopeView
	kept *keptTexts // of the segment

	after Cursor // the last hit given out, or the query's own cursor
	hits  []hit  // found and not given out
	done  bool   // nothing beyond hits
}

// head is where the stream's next hit is, or can be at the earliest.
func (st *stream) head(desc bool) (time int64, seq uint64) {
	if len(st.hits) > 0 {
		return st.hits[0].time, st.hits[0].seq()
	}
	if desc {
		return st.view.maxTime, 1<<64 - 1
	}
	return st.view.minTime, 0
}

// fill finds up to n more hits.
func (st *stream) fill(s *search, n int) error {
	desc := !s.OldestFirst
	st.hits = st.hits[:0]
	return st.seg.search(func(x index) error {
		c, _, err := s.cursor(x, &st.view, st.kept)
		if err != nil || c == nil {
			st.done = true
			return err
		}
		lo := x.seek(&st.view, s.since, 0)
		hi := x.seek(&st.view, s.until+1, 0) // exclusive
		// What has arrived outside the stream's bounds since they were taken
		// would come out of order.
		lo = max(lo, x.seek(&st.view, st.view.minTime, 0))
		hi = min(hi, x.seek(&st.view, st.view.maxTime+1, 0))
		if st.after != (Cursor{}) {
			if desc {
				hi = min(hi, st.placeOf(x, st.after))
			} else {
				lo = max(lo, st.placeOf(x, Cursor{st.after.Time, st.after.Seq + 1}))
			}
		}
		p := lo
		if desc {
			if hi == 0 {
				st.done = true
				return nil
			}
			p = hi - 1
		}
		for len(st.hits) < n {
			place, ok := c.seek(p)
			if !ok || place < lo || place >= hi {
				st.done = true
				break
			}
			t, ordinal := x.at(place)
			st.hits = append(st.hits, hit{t, ordinal, st})
			if desc {
				if place == 0 {
					st.done = true
					break
				}
				p = place - 1
			} else {
				p = place + 1
			}
		}
		if n := len(st.hits); n > 0 {
			st.after = Cursor{st.hits[n-1].time, st.hits[n-1].seq()}
		}
		return nil
	})
}

// placeOf returns the place of the stream's first event that is not before c.
func (st *stream) placeOf(x index, c Cursor) uint64 {
	base := st.seg.first()
	switch {
	case c.Seq < base:
		return x.seek(&st.view, c.Time, 0)
	case c.Seq-base >= 1<<32:
		return x.seek(&st.view, c.Time+1, 0)
	}
	return x.seek(&st.view, c.Time, uint32(c.Seq-base))
}

// A merger gives the hits of all streams in the query's order. It opens a
// stream only when its turn comes.
type merger struct {
	ctx     context.Context
	s       *search
	damage  *[]error
	streams []*stream // a heap
}

func (s *search) merge(ctx context.Context, v *view, damage *[]error) *merger {
	m := &merger{ctx: ctx, s: s, damage: damage}
	for _, seg := range v.segments {
		kept := &keptTexts{}
		err := seg.search(func(x index) error {
			x.scopes(s.Scope, func(view scopeView) {
				if view.maxTime < s.since || view.minTime > s.until {
					return
				}
				if s.After != (Cursor{}) && (s.OldestFirst && view.maxTime < s.After.Time || !s.OldestFirst && view.minTime > s.After.Time) {
					return
				}
				m.streams = append(m.streams, &stream{seg: seg, view: view, kept: kept, after: s.After})
			})
			return nil
		})
		if err != nil {
			*damage = append(*damage, err)
		}
	}
	heap.Init(m)
	return m
}

// take returns the next n hits, fewer only at the end.
func (m *merger) take(n int) ([]hit, error) {
	hits := make([]hit, 0, n)
	for len(hits) < n && len(m.streams) > 0 {
		if err := m.ctx.Err(); err != nil {
			return nil, err
		}
		st := m.streams[0]
		if len(st.hits) > 0 {
			hits = append(hits, st.hits[0])
			st.hits = st.hits[1:]
		}
		if len(st.hits) == 0 && !st.done {
			if err := st.fill(m.s, n-len(hits)+1); err != nil {
				*m.damage = append(*m.damage, err)
				st.done = true
			}
		}
		if len(st.hits) == 0 && st.done {
			st.kept = nil // hits keep their stream
			heap.Pop(m)
		} else {
			heap.Fix(m, 0)
		}
	}
	return hits, nil
}

func (m *merger) Len() int      { return len(m.streams) }
func (m *merger) Swap(i, j int) { m.streams[i], m.streams[j] = m.streams[j], m.streams[i] }
func (m *merger) Push(any)      { panic("a merger never grows") }
func (m *merger) Pop() any {
	n := len(m.streams) - 1
	st := m.streams[n]
	m.streams = m.streams[:n]
	return st
}

func (m *merger) Less(i, j int) bool {
	desc := !m.s.OldestFirst
	ti, si := m.streams[i].head(desc)
	tj, sj := m.streams[j].head(desc)
	if ti != tj {
		return ti > tj == desc
	}
	if si != sj {
		return si > sj == desc
	}
	return false
}

// load reads the events of hits, holds them to the query, and returns those
// that pass, in order. Each block is decompressed once.
func (s *search) load(ctx context.Context, hits []hit, damage *[]error) ([]cairn.Event, error) {
	events := s.cache.get(hits)
	type task struct {
		seg   segment
		block int
		hits  []int
	}
	type blockID struct {
		seg   segment
		block int
	}
	var tasks []*task
	byBlock := make(map[blockID]*task)
	for i := range hits {
		if events[i] != nil {
			continue
		}
		seg := hits[i].stream.seg
		id := blockID{seg, seg.blockOf(hits[i].ordinal)}
		t := byBlock[id]
		if t == nil {
			t = &task{seg: seg, block: id.block}
			byBlock[id] = t
			tasks = append(tasks, t)
		}
		t.hits = append(t.hits, i)
	}
	var mu sync.Mutex // of damage
	run := func(t *task) {
		err := readRecords(t.seg, t.block, func(ordinal uint32, f *frame) {
			for _, i := range t.hits {
				if hits[i].ordinal != ordinal {
					continue
				}
				e := f.event(hits[i].seq())
				e.Raw = slices.Clone(f.raw)
				// A record that was stored has been extracted before; should
				// that fail now, it is no result.
				if e.Extract() == nil {
					events[i] = &e
				}
			}
		})
		if err != nil {
			mu.Lock()
			*damage = append(*damage, err)
			mu.Unlock()
		}
	}
	if len(tasks) > 0 {
		if err := eachTask(ctx, len(tasks), func(i int) { run(tasks[i]) }); err != nil {
			return nil, err
		}
		s.cache.add(events)
	}
	out := make([]cairn.Event, 0, len(hits))
	for i, e := range events {
		if e != nil && s.passes(e, hits[i].stream.view.Scope) {
			out = append(out, *e)
		}
	}
	return out, nil
}

// eachTask runs n tasks of some ten microseconds each on all processors. A
// memory fault in one of them comes up in the caller, who may guard against it.
func eachTask(ctx context.Context, n int, run func(int)) error {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			run(i)
		}
		return nil
	}
	var wg sync.WaitGroup
	var fault atomic.Value
	for w := range workers {
		wg.Go(func() {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
			defer func() {
				switch p := recover(); {
				case isFault(p):
					fault.Store(p)
				case p != nil:
					panic(p)
				}
			}()
			for i := w; i < n && ctx.Err() == nil; i += workers {
				run(i)
			}
		})
	}
	wg.Wait()
	if p := fault.Load(); p != nil {
		panic(p)
	}
	return ctx.Err()
}

// readRecords reads one block and calls fn with each of its records. The
// frame's bytes are valid only within fn.
func readRecords(seg segment, i int, fn func(ordinal uint32, f *frame)) error {
	if i < 0 {
		return &Damage{File: fmt.Sprintf("%016x.idx", seg.first()), Segment: seg.first(), Offset: -1, FirstSeq: 1, What: "the index cannot say which block holds a record"}
	}
	buf := blockBuffers.get(blockSize)
	b, err := seg.readBlock(buf, i)
	if err != nil {
		blockBuffers.put(buf)
		return err
	}
	defer blockBuffers.put(b.memory)
	return b.each(seg.first(), fn)
}
