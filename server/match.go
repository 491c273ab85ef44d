package server

import (
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/eventlog"
)

// matches says whether an extracted event passes a query's scope, filters and
// time range, as the event log's Lookup would have it.
func matches(q *eventlog.Query, e *cairn.Event) bool {
	s := &q.Scope
	if s.Account != "" && s.Account != e.AccountID ||
		s.Region != "" && s.Region != e.AWSRegion ||
		s.Category != 0 && s.Category != e.Category {
		return false
	}
	t := e.Time()
	if !q.Since.IsZero() && t.Before(q.Since.Truncate(time.Second)) ||
		!q.Until.IsZero() && t.After(q.Until.Truncate(time.Second)) {
		return false
	}
	for i := range q.Filters {
		if !passes(&q.Filters[i], e) {
			return false
		}
	}
	return true
}

func passes(f *eventlog.Filter, e *cairn.Event) bool {
	hit := false
	e.Values(f.Attribute, func(value string) bool {
		if f.Prefix {
			hit = slices.ContainsFunc(f.Values, func(p string) bool { return strings.HasPrefix(value, p) })
		} else {
			hit = slices.Contains(f.Values, value)
		}
		return !hit
	})
	return hit != f.Not
}
