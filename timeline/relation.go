package timeline

import (
	"cmp"
	"slices"
	"time"

	"cairn"
)

// A Relationship is another resource that calls named together with this one.
type Relationship struct {
	Role    string    `json:"role"` // such as member-of or delivers-to; named-with where nothing more is known
	Type    string    `json:"type,omitempty"`
	Name    string    `json:"name"`
	Events  int       `json:"events"`
	Failed  int       `json:"failed,omitempty"` // of these
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Current *bool     `json:"current,omitempty"` // whether it still stands; missing where calls do not tell
}

// namedWith is the role of what is named in the same call and nothing more.
const namedWith = "named-with"

// maxRelationships bounds those of a history.
const maxRelationships = 500

// relationships collects them.
type relationships struct {
	list []*Relationship
	by   map[[3]string]*Relationship
	// By type and name, those that are more than named-with.
	roles map[[2]string]string
	cut   bool
}

func newRelationships() *relationships {
	return &relationships{by: make(map[[3]string]*Relationship), roles: make(map[[2]string]string)}
}

// note counts one event. Current is nil where it does not tell.
func (r *relationships) note(role, typ, name string, e *cairn.Event, current *bool) {
	key := [3]string{role, typ, name}
	rel := r.by[key]
	if rel == nil {
		if len(r.list) == maxRelationships {
			r.cut = true
			return
		}
		rel = &Relationship{Role: role, Type: typ, Name: name, First: e.Time().UTC()}
		r.by[key] = rel
		r.list = append(r.list, rel)
		if at := [2]string{typ, name}; role != namedWith && r.roles[at] == "" {
			r.roles[at] = role
		}
	}
	rel.Events++
	rel.Last = e.Time().UTC()
	if e.ErrorCode != "" {
		rel.Failed++
	} else if current != nil {
		rel.Current = current
	}
}

// roleOf is the role that a rule has told of another resource, the first of
// several; empty if none has.
func (r *relationships) roleOf(typ, name string) string {
	return r.roles[[2]string{typ, name}]
}

// all returns them, those that still stand first, and the frequent before the
// rare.
func (r *relationships) all() []Relationship {
	out := make([]Relationship, len(r.list))
	for i := range r.list {
		out[i] = *r.list[i]
	}
	rank := func(x Relationship) int {
		switch {
		case x.Current != nil && *x.Current:
			return 0
		case x.Role != namedWith:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b Relationship) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Events, a.Events), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// end says that nothing stands any more, because the resource is gone.
func (r *relationships) end() {
	for _, rel := range r.list {
		if rel.Current != nil {
			rel.Current = new(bool)
		}
	}
}
