// Package timeline tells the history of a resource out of events: who changed
// what and when, how the resource was set up as far as requests and answers tell
// it, what else it has to do with, and under which names it went.
//
// The nouns: a Change is one event in the history; a span is the time in which
// the resource had one of its names; the configuration is what is known of how
// the resource is set up.
//
// The invariant: nothing is made up. A call that failed changes nothing; what a
// call does that the rules do not know is shown and counted as unknown; a part
// that no call told of is missing, not empty.
package timeline

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"cairn"
)

// MaxEvents is the most that a history is told out of.
const MaxEvents = 10_000

// An Ask says whose history is told.
type Ask struct {
	Type string // such as AWS::IAM::User; empty for the type that most events have
	Name string // a name, an ID or an ARN

	// Region is that of the resource; empty for the one where most of its
	// events are. It does not matter for what is global.
	Region string

	// Since is from when on changes are listed. Those before count for the
	// configuration all the same. Zero lists all.
	Since time.Time

	// Limit is how many events are read, the oldest first; MaxEvents at most and
	// if zero.
	Limit int

	// At is the ID of an event of the resource, behind which its configuration
	// is told too.
	At string
}

// A Source finds events.
type Source interface {
	// Find returns the events that name a resource by one of the names, oldest
	// first: limit at most, and whether there are more.
	Find(ctx context.Context, names []string, limit int) (events []cairn.Event, more bool, err error)
}

// The states of a resource, as AWS Config has them.
const (
	StateOK          = "OK"                  // it exists, and has been changed
	StateDiscovered  = "ResourceDiscovered"  // it exists, and nothing but its creation is known
	StateDeleted     = "ResourceDeleted"     // it is gone
	StateNotRecorded = "ResourceNotRecorded" // no event has changed it
)

// A History is what events tell of a resource.
type History struct {
	Type   string `json:"type,omitempty"`
	Name   string `json:"name"` // the newest
	ARN    string `json:"arn,omitempty"`
	Region string `json:"region,omitempty"`
	State  string `json:"state"`
	Names  []Span `json:"names"` // oldest first

	Created *Moment `json:"created,omitempty"`
	Deleted *Moment `json:"deleted,omitempty"`

	// Configuration is how the resource is set up, or was when it was deleted,
	// in the terms of requests and answers. Complete says that its creation is
	// among the events, so that only what changes by itself can be missing.
	Configuration map[string]any `json:"configuration"`
	Complete      bool           `json:"complete"`
	At            *Snapshot      `json:"at,omitempty"`  // missing where the event is not among those of the resource
	Cut           []string       `json:"cut,omitempty"` // what was too much: events, configuration, relationships, names

	Changes       []Change       `json:"changes"`           // oldest first
	Earlier       int            `json:"earlier,omitempty"` // changes that are not listed because they are older than asked for
	Unknown       int            `json:"unknown,omitempty"` // successful changes whose effect is not known
	Relationships []Relationship `json:"relationships"`

	// What else goes by the name: types and regions with their events, and the
	// names that others with this one went on to have.
	OtherTypes   map[string]int `json:"otherTypes,omitempty"`
	OtherRegions map[string]int `json:"otherRegions,omitempty"`
	Others       []Span         `json:"others,omitempty"`
}

// A Span is the time in which a resource had a name.
type Span struct {
	Name      string    `json:"name"`
	From      time.Time `json:"from,omitzero"`  // zero: as far back as events go
	Until     time.Time `json:"until,omitzero"` // zero: to this day
	RenamedTo string    `json:"renamedTo,omitempty"`
	EventID   string    `json:"eventId,omitempty"` // of the call that ended it

	from, until place
}

// A Moment is when something was done, and by whom.
type Moment struct {
	Time    time.Time `json:"time"`
	EventID string    `json:"eventId"`
	By      string    `json:"by,omitempty"`
}

// A Snapshot is what was known of a resource once an event had happened.
type Snapshot struct {
	EventID       string         `json:"eventId"`
	Time          time.Time      `json:"time"`
	Name          string         `json:"name"`
	State         string         `json:"state"`
	Complete      bool           `json:"complete"`
	Configuration map[string]any `json:"configuration"`
}

// Effects of a change.
const (
	EffectCreated = "created"
	EffectUpdated = "updated"
	EffectDeleted = "deleted"
	EffectRenamed = "renamed"
	EffectNone    = "none"    // it changes nothing of the resource, or only names it
	EffectFailed  = "failed"  // the call failed
	EffectUnknown = "unknown" // it may have changed something, and the rules do not know what
)

// A Change is one event of a history.
type Change struct {
	Seq             uint64       `json:"seq"`
	EventID         string       `json:"eventId"`
	EventTime       time.Time    `json:"eventTime"`
	EventName       string       `json:"eventName"`
	EventSource     string       `json:"eventSource"`
	Username        string       `json:"username,omitempty"`
	UserARN         string       `json:"userArn,omitempty"`
	SourceIPAddress string       `json:"sourceIPAddress,omitempty"`
	Origin          string       `json:"origin"`
	Name            string       `json:"name"` // that the resource had before the call
	Effect          string       `json:"effect"`
	State           string       `json:"state,omitempty"` // of the resource, behind the call; empty if not known
	ErrorCode       string       `json:"errorCode,omitempty"`
	ErrorMessage    string       `json:"errorMessage,omitempty"`
	Differences     []Difference `json:"differences,omitempty"`
	MoreDifferences int          `json:"moreDifferences,omitempty"`
}

// A place is where an event stands in the order of time.
type place struct {
	time int64
	seq  uint64
}

var endless = place{time: 1<<63 - 1}

func placeOf(e *cairn.Event) place { return place{e.Time().Unix(), e.Seq} }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.time, q.time), cmp.Compare(p.seq, q.seq))
}

// Follow finds the events of a resource, under all its names, and tells its
// history.
func Follow(ctx context.Context, source Source, ask Ask) (*History, error) {
	f := &follower{ctx: ctx, source: source, ask: ask, events: make(map[uint64]*cairn.Event), asked: make(map[string]bool)}
	if f.ask.Limit <= 0 || f.ask.Limit > MaxEvents {
		f.ask.Limit = MaxEvents
	}
	h := &History{Type: ask.Type, Region: ask.Region, Configuration: map[string]any{}, Changes: []Change{}, Relationships: []Relationship{}}
	if err := f.find(variants(ask.Name)...); err != nil {
		return nil, err
	}
	f.settle(h)
	if err := f.trace(h); err != nil {
		return nil, err
	}
	if err := f.tell(h); err != nil {
		return nil, err
	}
	return h, nil
}

// A follower is a history under way.
type follower struct {
	ctx    context.Context
	source Source
	ask    Ask

	events map[uint64]*cairn.Event // found, by seq
	asked  map[string]bool         // names
	cut    bool
	name   string // short, that is asked for
	typ    string
	region string // empty: any

	renamed   []renaming // among the first renamedOf events found
	renamedOf int
}

// find adds the events of names that were not asked for.
func (f *follower) find(names ...string) error {
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" || f.asked[n] })
	left := f.ask.Limit - len(f.events)
	if len(names) == 0 {
		return nil
	}
	for _, n := range names {
		f.asked[n] = true
	}
	if left <= 0 {
		f.cut = true
		return nil
	}
	events, more, err := f.source.Find(f.ctx, names, left)
	if err != nil {
		return err
	}
	f.cut = f.cut || more
	for i := range events {
		f.events[events[i].Seq] = &events[i]
	}
	return nil
}

// sorted returns all events found, oldest first.
func (f *follower) sorted() []*cairn.Event {
	return slices.SortedFunc(maps.Values(f.events), func(a, b *cairn.Event) int { return placeOf(a).compare(placeOf(b)) })
}

// settle decides which resource is meant, if several go by the name.
func (f *follower) settle(h *History) {
	names := variants(f.ask.Name)
	types, regions := make(map[string]int), make(map[string]int)
	for _, e := range f.events {
		seen := make(map[string]bool)
		for _, r := range e.Resources {
			if slices.Contains(names, r.Name) && !seen[r.Type] {
				seen[r.Type] = true
				types[r.Type]++
			}
		}
	}
	f.typ = f.ask.Type
	if f.typ == "" {
		f.typ = most(types)
	}
	f.name = cairn.ShortName(f.typ, f.ask.Name)
	if !global(f.typ) {
		for _, e := range f.events {
			if f.names(e)[f.name] {
				regions[e.AWSRegion]++
			}
		}
		if f.region = f.ask.Region; f.region == "" {
			if arn, err := cairn.ParseARN(f.ask.Name); err == nil {
				f.region = arn.Region
			}
		}
		f.region = cmp.Or(f.region, most(regions))
		delete(regions, f.region)
	}
	delete(types, f.typ)
	delete(types, "")
	h.Type, h.Region = f.typ, f.region
	if len(types) > 0 {
		h.OtherTypes = types
	}
	if len(regions) > 0 {
		h.OtherRegions = regions
	}
}

// most returns what is counted most; of several the first by name.
func most(counts map[string]int) (best string) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if name != "" && (best == "" || counts[name] > counts[best]) {
			best = name
		}
	}
	return best
}

// global says whether resources of a type are of no region, or of one that
// events need not have: a bucket's are recorded where they were made.
func global(typ string) bool {
	switch typ {
	case "AWS::S3::Bucket", "AWS::S3::Object":
		return true
	}
	return len(typ) > 10 && typ[:10] == "AWS::IAM::" || typ == ""
}

// names returns the short names of the resources of the type in an event.
func (f *follower) names(e *cairn.Event) map[string]bool {
	names := make(map[string]bool)
	for _, r := range e.Resources {
		if r.Type == f.typ || r.Type == "" {
			names[cairn.ShortName(f.typ, r.Name)] = true
		}
	}
	return names
}

// variants are the names by which events may know a resource that is asked for
// by one of them.
func variants(name string) []string {
	names := []string{name}
	arn, err := cairn.ParseARN(name)
	if err != nil {
		return names
	}
	add := func(n string) {
		if n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	add(arn.Resource)
	for i, c := range arn.Resource {
		if c == '/' || c == ':' {
			add(arn.Resource[i+1:])
		}
		if len(names) >= 8 {
			break
		}
	}
	return names
}
