package server

import (
	"cmp"
	"context"
	"slices"

	"cairn"
	"cairn/eventlog"
)

// signIn is the source of the events of the console's sign-in page.
const signIn = "signin.amazonaws.com"

// Failure says why an event's call failed: by its error code, or where it has
// none by its error message. A sign-in that failed has no code, and need not
// have a message. It is empty for what did not fail.
func Failure(e *cairn.Event) string {
	if why := cmp.Or(e.ErrorCode, e.ErrorMessage); why != "" || e.EventSource != signIn {
		return why
	}
	why := ""
	jsonPath{"responseElements", e.EventName}.values(e.Raw, func(v string) bool {
		if v == "Failure" {
			why = v
		}
		return why == ""
	})
	return why
}

// failed says whether an event is one of a call that failed: it has an error
// code, or is a sign-in that failed.
func failed(e *cairn.Event) bool {
	return e.ErrorCode != "" || e.EventSource == signIn && Failure(e) != ""
}

// find is the event log's Lookup, which with errorOnly keeps to calls that
// failed. The index knows error codes and sources of events, so that beside the
// events with a code only sign-ins are read.
func (s *Server) find(ctx context.Context, q eventlog.Query, errorOnly bool) (*eventlog.Page, error) {
	if !errorOnly {
		return s.log.Lookup(ctx, q)
	}
	// Every value begins with nothing, and an event without a value has none.
	coded := eventlog.Filter{Attribute: cairn.AttrErrorCode, Values: []string{""}, Prefix: true}
	uncoded := coded
	uncoded.Not = true
	var pages [2]*eventlog.Page
	for i, filters := range [][]eventlog.Filter{{coded}, {uncoded, {Attribute: cairn.AttrEventSource, Values: []string{signIn}}}} {
		part := q
		part.Filters = slices.Concat(q.Filters, filters)
		var err error
		if pages[i], err = s.log.Lookup(ctx, part); err != nil {
			return nil, err
		}
	}
	return merge(pages[0], pages[1], q.OldestFirst), nil
}

// merge makes one page of calls that failed from the pages of two queries that
// have no event in common. It reaches as far as both do: behind the end of one,
// it is not known what comes before the events of the other.
func merge(a, b *eventlog.Page, oldestFirst bool) *eventlog.Page {
	order := func(x, y eventlog.Cursor) int {
		c := cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.Seq, y.Seq))
		if oldestFirst {
			return c
		}
		return -c
	}
	out := &eventlog.Page{Damage: slices.Concat(a.Damage, b.Damage)}
	for _, p := range []*eventlog.Page{a, b} {
		if p.More && (!out.More || order(p.Next, out.Next) < 0) {
			out.More, out.Next = true, p.Next
		}
	}
	for _, p := range []*eventlog.Page{a, b} {
		for i := range p.Events {
			if e := &p.Events[i]; failed(e) && (!out.More || order(cursorOf(e), out.Next) <= 0) {
				out.Events = append(out.Events, *e)
			}
		}
	}
	slices.SortFunc(out.Events, func(x, y cairn.Event) int { return order(cursorOf(&x), cursorOf(&y)) })
	return out
}

// cursorOf is the place of an event in the order of results.
func cursorOf(e *cairn.Event) eventlog.Cursor {
	return eventlog.Cursor{Time: e.Time().Unix(), Seq: e.Seq}
}
