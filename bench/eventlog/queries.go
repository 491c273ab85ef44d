package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"cairn"
	"cairn/internal/eventgen"
)

// A query looks up management events of the busiest scope.
type query struct {
	Filters      []filter
	Since, Until int64 // Unix seconds, inclusive; 0 for unbounded
	Page         int   // the page that is measured, from 1; pages before it are walked to get its cursor
}

type filter struct {
	Attribute cairn.Attribute
	Value     string
}

// A class is queries of one kind.
type class struct {
	Name    string
	Queries []query
	Rounds  int // how often each is measured
}

// scope is where all lookups look.
var scope = eventgen.Scopes[0]

// absentEventID is well-formed and no record's.
const absentEventID = "00000000-0000-4000-8000-%012d"

// buildClasses chooses the queries for the records of a corpus. The choice
// follows from the records alone.
func buildClasses(records func(yield func(raw []byte) bool)) ([]class, error) {
	s := newSurvey()
	var failed error
	for raw := range records {
		if failed = s.add(raw); failed != nil {
			return nil, failed
		}
	}
	if s.events == 0 {
		return nil, fmt.Errorf("no record lies in %s %s", scope.Account, scope.Region)
	}
	hour := func(q query) []query {
		var queries []query
		for range 40 {
			since := s.first + int64(s.random.Uint64N(uint64(max(s.last-s.first-3600, 1))))
			q.Since, q.Until = since, since+3600
			queries = append(queries, q)
		}
		return queries
	}
	popular := s.byHits(cairn.AttrEventName, func(hits int) int { return -hits })
	names := queriesFor(cairn.AttrEventName, head(popular, 20))
	deep := min(100, max(s.events/pageSize, 1))
	deepName := min(100, max(s.hits[cairn.AttrEventName][popular[0]]/pageSize, 1))
	hourNamed := hour(query{Page: 1})
	for i := range hourNamed {
		hourNamed[i].Filters = []filter{{cairn.AttrEventName, popular[i%min(10, len(popular))]}}
	}
	classes := []class{
		{"newest page", []query{{Page: 1}}, 200},
		{"EventId", queriesFor(cairn.AttrEventID, s.eventIDs), 2},
		{"EventId, absent", absent(100), 2},
		{"resource, 3 to 20 hits", queriesFor(cairn.AttrResourceName, s.withHits(cairn.AttrResourceName, 3, 20)), 4},
		{"resource, 50 hits scattered", queriesFor(cairn.AttrResourceName, s.withHits(cairn.AttrResourceName, 50, 58)), 4},
		{"EventName, popular", names, 10},
		{"Username", queriesFor(cairn.AttrUsername, s.withHits(cairn.AttrUsername, 50, s.events)), 4},
		{"AccessKeyId", queriesFor(cairn.AttrAccessKeyID, s.withHits(cairn.AttrAccessKeyID, 2, s.events)), 4},
		{fmt.Sprintf("page %d, no filter", deep), []query{{Page: deep}}, 200},
		{fmt.Sprintf("page %d, EventName", deepName), pages(head(popular, 3), s.hits[cairn.AttrEventName], deepName), 40},
		{"1 h", hour(query{Page: 1}), 4},
		{"1 h and EventName", hourNamed, 4},
		{"EventName and Username", s.pairs, 4},
	}
	return slices.DeleteFunc(classes, func(c class) bool { return len(c.Queries) == 0 }), nil
}

func queriesFor(a cairn.Attribute, values []string) (queries []query) {
	for _, v := range values {
		queries = append(queries, query{Filters: []filter{{a, v}}, Page: 1})
	}
	return queries
}

// pages asks for a late page of each name that has so many hits.
func pages(names []string, hits map[string]int, page int) (queries []query) {
	for _, n := range names {
		if hits[n] >= page*pageSize || len(queries) == 0 {
			queries = append(queries, query{Filters: []filter{{cairn.AttrEventName, n}}, Page: page})
		}
	}
	return queries
}

func absent(n int) (queries []query) {
	for i := range n {
		queries = append(queries, query{Filters: []filter{{cairn.AttrEventID, fmt.Sprintf(absentEventID, i)}}, Page: 1})
	}
	return queries
}

func head(s []string, n int) []string { return s[:min(n, len(s))] }

// A survey counts what the records of the scope hold.
type survey struct {
	random      *rand.Rand
	events      int
	first, last int64
	hits        map[cairn.Attribute]map[string]int
	eventIDs    []string // a sample
	pairs       []query  // a sample of an event's name and user
}

func newSurvey() *survey {
	return &survey{random: rand.New(rand.NewPCG(1, 2)), hits: map[cairn.Attribute]map[string]int{
		cairn.AttrEventName: {}, cairn.AttrUsername: {}, cairn.AttrAccessKeyID: {}, cairn.AttrResourceName: {},
	}}
}

func (s *survey) add(raw []byte) error {
	var r cairn.Record
	if err := r.Extract(raw); err != nil {
		return fmt.Errorf("extract %.80s: %w", raw, err)
	}
	if r.AccountID != scope.Account || r.AWSRegion != scope.Region || r.Category != cairn.Management {
		return nil
	}
	t := r.EventTime.Unix()
	if s.events == 0 || t < s.first {
		s.first = t
	}
	s.last = max(s.last, t)
	s.events++
	for a, hits := range s.hits {
		var seen string
		r.Values(a, func(v string) bool {
			if v != seen { // a record names a resource twice at most in a row
				hits[v]++
			}
			seen = v
			return true
		})
	}
	const sample = 100
	pair := query{Filters: []filter{{cairn.AttrEventName, r.EventName}, {cairn.AttrUsername, r.Username}}, Page: 1}
	switch i := s.random.IntN(s.events); {
	case len(s.eventIDs) < sample:
		s.eventIDs = append(s.eventIDs, r.EventID)
	case i < sample:
		s.eventIDs[i] = r.EventID
	}
	if r.Username == "" {
		return nil
	}
	switch i := s.random.IntN(s.events); {
	case len(s.pairs) < sample/2:
		s.pairs = append(s.pairs, pair)
	case i < sample/2:
		s.pairs[i] = pair
	}
	return nil
}

// withHits returns up to 50 values that a number of events have, the fewest
// and then in random order. With none it takes those that are closest above
// nothing, so that a tiny corpus still asks something.
func (s *survey) withHits(a cairn.Attribute, low, high int) []string {
	var values []string
	for v, n := range s.hits[a] {
		if n >= low && n <= high {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return head(s.byHits(a, func(n int) int { return max(n-low, low-n) }), 1)
	}
	slices.Sort(values)
	s.random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	return head(values, 50)
}

// byHits returns all values ordered by a key of their hits.
func (s *survey) byHits(a cairn.Attribute, key func(hits int) int) []string {
	values := make([]string, 0, len(s.hits[a]))
	for v := range s.hits[a] {
		values = append(values, v)
	}
	slices.SortFunc(values, func(x, y string) int {
		return cmp.Or(cmp.Compare(key(s.hits[a][x]), key(s.hits[a][y])), cmp.Compare(x, y))
	})
	return values
}

// An answer is one query's page, as far as engines can be compared by it.
type answer struct {
	Class, Query int
	Rows         []answerRow
}

type answerRow struct {
	Time    int64
	EventID string
	Sum     uint64 // of the raw bytes
}

// compareAnswers returns what differs between two engines' answers to the same
// queries, in words. Both have every page in order of time. Among records of
// one second the later arrival comes first, and which one arrived later is
// chance when clients write side by side: records of one second are compared
// as a set, and where a page begins or ends inside a second, as many as both
// have must exist, no more.
func compareAnswers(classes []class, nameA string, a []answer, nameB string, b []answer) []string {
	if len(a) != len(b) {
		return []string{fmt.Sprintf("%s answered %d queries and %s %d", nameA, len(a), nameB, len(b))}
	}
	var differences []string
	for i := range a {
		if d := compareRows(a[i].Rows, b[i].Rows, classes[a[i].Class].Queries[a[i].Query].Page > 1); d != "" {
			q, _ := json.Marshal(classes[a[i].Class].Queries[a[i].Query])
			differences = append(differences, fmt.Sprintf("%s and %s differ on %s %s: %s", nameA, nameB, classes[a[i].Class].Name, q, d))
		}
	}
	return differences
}

func compareRows(a, b []answerRow, continued bool) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d rows and %d rows", len(a), len(b))
	}
	for begin := 0; begin < len(a); {
		end := begin
		for end < len(a) && a[end].Time == a[begin].Time {
			if b[end].Time != a[end].Time {
				return fmt.Sprintf("row %d is of %s and %s", end, clock(a[end].Time), clock(b[end].Time))
			}
			end++
		}
		cut := begin == 0 && continued || end == len(a) && end == pageSize
		if !cut {
			x, y := byID(a[begin:end]), byID(b[begin:end])
			for i := range x {
				if x[i] != y[i] {
					return fmt.Sprintf("at %s one has event %s and the other %s, or their bytes differ", clock(x[i].Time), x[i].EventID, y[i].EventID)
				}
			}
		}
		begin = end
	}
	return ""
}

func byID(rows []answerRow) []answerRow {
	return slices.SortedFunc(slices.Values(rows), func(x, y answerRow) int { return cmp.Compare(x.EventID, y.EventID) })
}

func clock(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
