package eventlog

import (
	"time"

	"cairn"
)

// A Scope is a wall that events live behind. Empty members of a query's scope
// mean any.
type Scope struct {
	Account  string
	Region   string
	Category cairn.Category
}

// A Filter is a condition on one attribute. An event passes if one of its
// values for the attribute is among Values (or, with Prefix, begins with one
// of them); with Not, if none is. Matching is exact and case-sensitive.
type Filter struct {
	Attribute cairn.Attribute
	Values    []string
	Prefix    bool
	Not       bool
}

// A Query says which events to find. All filters must pass.
type Query struct {
	Scope   Scope
	Filters []Filter

	// Since and Until bound Event.Time, both inclusive, to the second. Zero
	// means unbounded. Events older than the log's retention are never found.
	Since, Until time.Time

	// OldestFirst turns the order round; the default is newest first, and
	// among events of one second the latest arrival first.
	OldestFirst bool

	// Limit is the largest number of events in a page: 50 if zero, and at most
	// MaxLimit.
	Limit int

	// After continues behind the last event of an earlier page of the same
	// query. The zero Cursor starts at the beginning.
	After Cursor
}

// Matches says whether an extracted event passes the query's scope, filters and
// time range, as Lookup would have it. It knows nothing of the log's retention.
func (q *Query) Matches(e *cairn.Event) bool {
	scope := scopeOf(&e.Record)
	if q.Scope.Account != "" && q.Scope.Account != scope.Account ||
		q.Scope.Region != "" && q.Scope.Region != scope.Region ||
		q.Scope.Category != 0 && q.Scope.Category != scope.Category {
		return false
	}
	s := search{Query: q}
	s.bound(0)
	t := e.Time().Unix()
	return t >= s.since && t <= s.until && s.passes(e, scope)
}

// A Cursor marks the place of one event in the order of a query's results. It
// stays valid while events arrive and expire.
type Cursor struct {
	Time int64 // Event.Time in Unix seconds
	Seq  uint64
}

// A Page is one page of a query's results.
type Page struct {
	Events []cairn.Event // extracted; what they point to is shared, and must not be modified
	Next   Cursor        // pass as Query.After for the next page
	More   bool          // whether there may be a next page

	// Damage names blocks that could not be read and so may have held
	// results. Everything else was searched.
	Damage []error
}

// ValueCount is a value of an attribute and the number of events that have it.
type ValueCount struct {
	Value string
	Count uint64
}

// Values are the values of one attribute, the most frequent first.
type Values struct {
	Values []ValueCount

	// Complete says that no value was left out: neither for the limit nor
	// because the index does not hold the attribute's text.
	Complete bool
}

// Bucket is one bar of a histogram.
type Bucket struct {
	Start time.Time
	Count uint64
}
