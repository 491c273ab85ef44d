package timeline

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"cairn"
)

// The bounds of the differences of all changes together.
const (
	maxHistoryDifferences = 20_000
	maxDifferenceBytes    = 16 << 20
)

// A teller goes through the events of a history.
type teller struct {
	*History
	f       *follower
	config  *configuration
	related *relationships
	state   string
	told    int            // differences
	bytes   int            // of these
	last    map[string]any // the configuration of what was deleted
}

// tell goes through the events of the resource, oldest first.
func (f *follower) tell(h *History) error {
	t := &teller{History: h, f: f, config: newConfiguration(), related: newRelationships()}
	for _, e := range f.sorted() {
		span := t.spanOf(e)
		if span == nil {
			continue
		}
		if err := f.ctx.Err(); err != nil {
			return err
		}
		c := t.change(e, span)
		if f.ask.At != "" && e.EventID == f.ask.At && h.At == nil {
			h.At = t.snapshot(e, span)
		}
		if !f.ask.Since.IsZero() && e.Time().Before(f.ask.Since) {
			h.Earlier++
			continue
		}
		h.Changes = append(h.Changes, c)
	}
	h.Name = f.ask.Name
	if len(h.Names) > 0 {
		h.Name = h.Names[len(h.Names)-1].Name
	} else {
		h.Names = []Span{}
	}
	h.State, h.Configuration = t.now()
	if arn := text(h.Configuration["arn"]); arn != h.Name && cairn.ShortName(h.Type, arn) == h.Name {
		h.ARN = arn // behind all changes of name and path
	}
	h.Relationships = t.related.all()
	if f.cut {
		h.Cut = append(h.Cut, "events")
	}
	if t.config.cut {
		h.Cut = append(h.Cut, "configuration")
	}
	if t.related.cut {
		h.Cut = append(h.Cut, "relationships")
	}
	return nil
}

// now is the state behind the events so far, and what is known of the
// configuration then; of what is deleted, what it had last.
func (t *teller) now() (state string, config map[string]any) {
	switch {
	case t.state == StateDeleted:
		return t.state, t.last
	case t.state == "" && len(t.config.parts) == 0:
		return StateNotRecorded, t.config.parts
	}
	return cmp.Or(t.state, StateOK), t.config.parts
}

// snapshot is what is known behind an event.
func (t *teller) snapshot(e *cairn.Event, span *Span) *Snapshot {
	s := &Snapshot{EventID: e.EventID, Time: e.EventTime.UTC(), Name: span.Name, Complete: t.Complete}
	if span.EventID == e.EventID && span.RenamedTo != "" {
		s.Name = span.RenamedTo
	}
	state, config := t.now()
	s.State, s.Configuration = state, maps.Clone(config) // whose trees are never changed
	return s
}

// spanOf returns the span in which an event is one of the resource; nil if it is
// not.
func (t *teller) spanOf(e *cairn.Event) *Span {
	if t.f.region != "" && e.AWSRegion != t.f.region {
		return nil
	}
	names, at := t.f.names(e), placeOf(e)
	for i := range t.Names {
		s := &t.Names[i]
		if names[s.Name] && at.compare(s.from) > 0 && at.compare(s.until) <= 0 {
			return s
		}
	}
	return nil
}

// change applies one event.
func (t *teller) change(e *cairn.Event, span *Span) Change {
	out := Change{
		Seq: e.Seq, EventID: e.EventID, EventTime: e.EventTime.UTC(), EventName: e.EventName, EventSource: e.EventSource,
		Username: e.Username, UserARN: e.UserIdentity.ARN, SourceIPAddress: e.SourceIPAddress, Origin: e.Origin.String(),
		Name: span.Name, ErrorCode: e.ErrorCode, ErrorMessage: e.ErrorMessage,
	}
	call := readCall(e, t.namesIn(e, span))
	found, understood := t.rulesFor(e)
	t.config.begin()
	switch {
	case e.ErrorCode != "":
		out.Effect = EffectFailed
	case e.ReadOnly == cairn.True:
		out.Effect, found = EffectNone, nil
	case !understood:
		out.Effect, found = EffectUnknown, nil
		t.Unknown++
	default:
		out.Effect = EffectNone
		for _, r := range found {
			t.apply(r, call, e, &out)
		}
	}
	t.relate(found, call, e)
	differences, more := t.config.differences()
	for i, d := range differences {
		n := size(d.Before) + size(d.After)
		if t.told == maxHistoryDifferences || t.bytes+n > maxDifferenceBytes {
			more += len(differences) - i
			differences = differences[:i]
			break
		}
		t.told++
		t.bytes += n
	}
	if out.Effect == EffectNone && len(differences)+more > 0 {
		out.Effect = EffectUpdated
	}
	if out.Effect == EffectUpdated && t.state != StateDeleted {
		t.state = StateOK
	}
	out.Differences, out.MoreDifferences, out.State = differences, more, t.state
	if t.ARN == "" {
		for _, r := range e.Resources {
			if r.Type == t.Type && strings.HasPrefix(r.Name, "arn:") && cairn.ShortName(t.Type, r.Name) == span.Name && t.isLast(span) {
				t.ARN = strings.Clone(r.Name)
			}
		}
	}
	return out
}

func (t *teller) isLast(s *Span) bool { return s == &t.Names[len(t.Names)-1] }

// namesIn are all names that the resource has in an event.
func (t *teller) namesIn(e *cairn.Event, span *Span) map[string]bool {
	names := map[string]bool{span.Name: true}
	for _, r := range e.Resources {
		if (r.Type == t.Type || r.Type == "") && cairn.ShortName(t.Type, r.Name) == span.Name {
			names[r.Name] = true
		}
	}
	return names
}

// rulesFor returns what an event's call does to the resource. Understood is false
// for a call that may do something, of which nothing is known.
func (t *teller) rulesFor(e *cairn.Event) (found []rule, understood bool) {
	name := baseName(e.EventName)
	if found = rules()[ruleKey{e.EventSource, name, t.Type}]; found != nil {
		return found, true
	}
	found, about, understood := genericRules(name, t.Type)
	if !about { // it only names the resource
		return nil, true
	}
	return found, understood
}

// apply does what a rule says.
func (t *teller) apply(r rule, c *call, e *cairn.Event, out *Change) {
	arg := func(i int) any { return c.at(r.args[i]) }
	switch r.effect {
	case "ensure":
		if t.state == StateOK || t.state == StateDiscovered { // the call made nothing
			for i := range r.args {
				t.config.merge(arg(i))
			}
			return
		}
		r.effect = "create"
		t.apply(r, c, e, out)
	case "create":
		t.config.clear()
		for i := range r.args {
			t.config.merge(arg(i))
		}
		out.Effect, t.state, t.Complete, t.Deleted = EffectCreated, StateDiscovered, true, nil
		t.Created = momentOf(e)
	case "delete":
		t.last = make(map[string]any, len(t.config.parts))
		for name, v := range t.config.parts {
			t.last[name] = v
		}
		t.config.clear()
		out.Effect, t.state, t.Deleted = EffectDeleted, StateDeleted, momentOf(e)
		t.related.end()
	case "merge":
		for i := range r.args {
			t.config.merge(arg(i))
		}
		out.Effect = EffectUpdated
	case "set":
		if v := arg(1); v != nil {
			t.config.set(r.args[0], document(v))
			if r.args[0] == "path" {
				t.move(text(v), "")
			}
		}
	case "unset":
		t.unset(r.args[0])
	case "put":
		if key, v := text(arg(1)), arg(2); key != "" && v != nil {
			t.config.put(r.args[0], key, v)
		}
	case "drop":
		if key := text(arg(1)); key != "" {
			t.config.put(r.args[0], key, nil)
		}
		out.Effect = EffectUpdated
	case "add":
		if v := arg(1); v != nil {
			t.config.add(r.args[0], v)
		}
	case "remove":
		t.config.remove(r.args[0], arg(1))
		out.Effect = EffectUpdated
	case "tag", "untag":
		t.config.tag(arg(0), r.effect == "untag")
	case "retag":
		t.config.retag(arg(0))
	case "rename":
		old, new := text(arg(0)), text(arg(1))
		if old != "" && new != "" && old != new {
			out.Effect, t.state = EffectRenamed, StateOK
			t.config.set(lastName(r.args[0]), new)
			t.move("", new)
		}
	}
}

// move tells the ARN of what has another name or path now, where it is known and
// these are parts of it, as in IAM.
func (t *teller) move(path, name string) {
	arn, err := cairn.ParseARN(text(t.config.parts["arn"]))
	kind, rest, ok := strings.Cut(arn.Resource, "/")
	if err != nil || !ok || arn.Service != "iam" {
		return
	}
	i := strings.LastIndexByte(rest, '/') + 1
	arn.Resource = kind + cmp.Or(path, "/"+rest[:i]) + cmp.Or(name, rest[i:])
	t.config.set("arn", arn.String())
}

// unset takes a part away, by its name or, of several, by that of all of them.
func (t *teller) unset(name string) {
	if _, ok := t.config.parts[name]; !ok {
		if _, ok := t.config.parts[plural(name)]; ok {
			name = plural(name)
		}
	}
	t.config.set(name, nil)
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func momentOf(e *cairn.Event) *Moment {
	by := e.UserIdentity.ARN
	if by == "" {
		by = e.Username
	}
	return &Moment{Time: e.EventTime.UTC(), EventID: e.EventID, By: by}
}

// relate notes the other resources of a call: those with a role that a rule
// knows, and the others that the record names.
func (t *teller) relate(found []rule, c *call, e *cairn.Event) {
	known := make(map[[2]string]bool)
	for _, r := range found {
		if r.effect != "relate" && r.effect != "unrelate" {
			continue
		}
		for _, v := range elementsOf(c.at(r.args[2])) {
			name := cairn.ShortName(r.args[1], text(v))
			if name == "" || len(name) > maxValueBytes {
				continue
			}
			stands := r.effect == "relate"
			known[[2]string{r.args[1], name}] = true
			t.related.note(r.args[0], r.args[1], name, e, &stands)
		}
	}
	for _, r := range e.Resources {
		name := cairn.ShortName(r.Type, r.Name)
		key := [2]string{r.Type, name}
		if known[key] || (r.Type == t.Type || r.Type == "") && t.isOwn(cairn.ShortName(t.Type, r.Name)) || r.Type == "" && typedToo(e, name) {
			continue
		}
		known[key] = true
		if role := t.related.roleOf(r.Type, name); role != "" {
			t.related.note(role, r.Type, name, e, nil)
			continue
		}
		t.related.note(namedWith, strings.Clone(r.Type), strings.Clone(name), e, nil)
	}
}

// typedToo says whether an event has the resource of an ARN whose type is not
// known under its short name with its type, too.
func typedToo(e *cairn.Event, arn string) bool {
	return strings.HasPrefix(arn, "arn:") && slices.ContainsFunc(e.Resources, func(r cairn.Resource) bool {
		rest, ok := strings.CutSuffix(arn, r.Name)
		return ok && r.Type != "" && r.Name != "" && (strings.HasSuffix(rest, "/") || strings.HasSuffix(rest, ":"))
	})
}

// isOwn says whether a name is one that the resource has had.
func (t *teller) isOwn(name string) bool {
	return slices.ContainsFunc(t.Names, func(s Span) bool { return s.Name == name })
}
