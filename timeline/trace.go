package timeline

import (
	"slices"
	"time"

	"cairn"
)

// maxRenames bounds how many names are followed.
const maxRenames = 16

// A renaming is a call that gave a resource another name.
type renaming struct {
	old, new string
	at       place
	event    *cairn.Event
}

// trace finds the spans of time in which the resource had its names: back from
// the name that is asked for to the ones before, and on to the ones behind.
func (f *follower) trace(h *History) error {
	if f.name == "" {
		return nil
	}
	s, err := f.span(f.name)
	if err != nil {
		return err
	}
	// Whoever had the name before and was renamed is somebody else, if the name
	// was given anew: the last to have it is meant.
	last := f.lastUse(f.name)
	for _, r := range f.renamings() {
		if r.old != f.name {
			continue
		}
		if last.compare(r.at) > 0 {
			if len(h.Others) == maxRenames {
				h.Others = h.Others[1:]
			}
			h.Others = append(h.Others, Span{Name: f.name, Until: r.event.Time().UTC(), RenamedTo: r.new, EventID: r.event.EventID})
			s.from = r.at
		} else {
			s.until, s.RenamedTo, s.EventID = r.at, r.new, r.event.EventID
			break
		}
	}
	h.Names = []Span{s}
	for len(h.Names) < maxRenames {
		first := h.Names[0]
		i := slices.IndexFunc(f.renamings(), func(r renaming) bool {
			return r.new == first.Name && r.at.compare(first.from) > 0 && r.at.compare(first.until) < 0
		})
		if i < 0 {
			break
		}
		r := f.renamings()[i]
		before, err := f.span(r.old)
		if err != nil {
			return err
		}
		for _, other := range f.renamings() { // of others that had that name
			if other.old == r.old && other.at.compare(r.at) < 0 {
				before.from = other.at
			}
		}
		before.until, before.RenamedTo, before.EventID = r.at, r.new, r.event.EventID
		h.Names[0].from = r.at
		h.Names = slices.Insert(h.Names, 0, before)
	}
	for len(h.Names) < maxRenames {
		last := h.Names[len(h.Names)-1]
		if last.RenamedTo == "" {
			break
		}
		next, err := f.span(last.RenamedTo)
		if err != nil {
			return err
		}
		next.from = last.until
		for _, r := range f.renamings() {
			if r.old == next.Name && r.at.compare(next.from) > 0 {
				next.until, next.RenamedTo, next.EventID = r.at, r.new, r.event.EventID
				break
			}
		}
		h.Names = append(h.Names, next)
	}
	if len(h.Names) == maxRenames {
		h.Cut = append(h.Cut, "names")
	}
	for i := range h.Names {
		s := &h.Names[i]
		if s.from != (place{}) {
			s.From = time.Unix(s.from.time, 0).UTC()
		}
		if s.until != endless {
			s.Until = time.Unix(s.until.time, 0).UTC()
		}
	}
	return nil
}

// span returns the whole of time for a name, once its events are found.
func (f *follower) span(name string) (Span, error) {
	err := f.find(name)
	var arns []string
	for _, e := range f.events {
		for _, r := range e.Resources {
			if r.Type == f.typ && r.Name != name && cairn.ShortName(f.typ, r.Name) == name && len(arns) < 8 && !slices.Contains(arns, r.Name) {
				arns = append(arns, r.Name) // of records that know no type, but the ARN
			}
		}
	}
	if err == nil {
		err = f.find(arns...)
	}
	return Span{Name: name, until: endless}, err
}

// renamings are those among the events found, oldest first.
func (f *follower) renamings() []renaming {
	if f.renamed != nil && f.renamedOf == len(f.events) {
		return f.renamed
	}
	list := []renaming{}
	defer func() { f.renamed, f.renamedOf = list, len(f.events) }()
	for _, e := range f.sorted() {
		if e.ErrorCode != "" || f.region != "" && e.AWSRegion != f.region {
			continue
		}
		for _, r := range rules()[ruleKey{e.EventSource, baseName(e.EventName), f.typ}] {
			if r.effect != "rename" {
				continue
			}
			c := readCall(e, nil)
			old, new := text(c.at(r.args[0])), text(c.at(r.args[1]))
			if old != "" && new != "" && old != new {
				list = append(list, renaming{old, new, placeOf(e), e})
			}
		}
	}
	return list
}

// lastUse is the place of the last call that succeeded and named a resource so.
func (f *follower) lastUse(name string) (last place) {
	for _, e := range f.events {
		if at := placeOf(e); at.compare(last) > 0 && e.ErrorCode == "" && f.names(e)[name] {
			last = at
		}
	}
	return last
}
