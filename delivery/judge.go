package delivery

import (
	"encoding/json"
	"fmt"

	"cairn"
	"cairn/eventlog"
	"cairn/trail"
)

// judges decide which trails take which events. Trails that decide alike are one
// class, which is asked once.
type judges struct {
	byAccount map[string][]*class
}

// A class is some trails of an account that take the same events.
type class struct {
	trails   []*trail.Trail
	versions []version // by rising until; the last is the present one
}

// A version of a class decides about the events before a position.
type version struct {
	until     eventlog.Position
	requestID string // of the call that ended it
	trail     cairn.Trail
	selectors *cairn.Selectors
	imported  bool
}

// settled is how many events after a change the event of the call that made it
// may come: each call's event is written before its answer.
const settled = 100_000

// newJudges compiles the trails' selectors for the events from a position on.
func newJudges(trails []*trail.Trail, from eventlog.Position) (judges, error) {
	j := judges{byAccount: make(map[string][]*class)}
	byText := make(map[string]*class)
	for _, t := range trails {
		past, err := pastFrom(t, from)
		if err != nil {
			return j, fmt.Errorf("trail %s: %w", t.ARN(), err)
		}
		if len(past) == 0 && !t.Settings().Logging {
			continue
		}
		text, err := json.Marshal([]any{t.AccountID, t.HomeRegion, past, t.Settings()})
		if err != nil {
			return j, err
		}
		c := byText[string(text)]
		if c == nil {
			c = &class{}
			if c.versions, err = compile(t, past); err != nil {
				return j, fmt.Errorf("trail %s: %w", t.ARN(), err)
			}
			byText[string(text)] = c
			j.byAccount[t.AccountID] = append(j.byAccount[t.AccountID], c)
		}
		c.trails = append(c.trails, t)
	}
	return j, nil
}

// pastFrom returns the versions of a trail that events from a position on may
// need: those in force there, and one that ended so shortly before that the
// event of the call that ended it may be still to come.
func pastFrom(t *trail.Trail, from eventlog.Position) ([]trail.Version, error) {
	for i, v := range t.Past {
		until, err := eventlog.ParsePosition(v.Until)
		if err != nil {
			return nil, err
		}
		if from.Compare(until.Plus(settled)) < 0 {
			return t.Past[i:], nil
		}
	}
	return nil, nil
}

func compile(t *trail.Trail, past []trail.Version) ([]version, error) {
	var versions []version
	for _, v := range append(past[:len(past):len(past)], trail.Version{Settings: t.Settings()}) {
		made := version{requestID: v.RequestID, trail: t.In(v.Settings), imported: v.Imported}
		if v.Until != "" {
			made.until, _ = eventlog.ParsePosition(v.Until) // pastFrom has read it
		}
		var err error
		if made.selectors, err = made.trail.Selectors(); err != nil {
			return nil, err
		}
		versions = append(versions, made)
	}
	return versions, nil
}

// none reports whether no trail takes anything.
func (j *judges) none() bool { return len(j.byAccount) == 0 }

// classes returns those who may take events of an account in a region.
func (j *judges) classes(s scope) []*class {
	var found []*class
	for _, c := range j.byAccount[s.account] {
		for i := range c.versions {
			if c.versions[i].trail.IsIn(s.region) {
				found = append(found, c)
				break
			}
		}
	}
	return found
}

// takes reports whether the class takes an event: whether the version does that
// was in force. The event of the call that ended a version is that version's,
// too: a trail shows who stopped it.
func (c *class) takes(e *cairn.Event, at eventlog.Position, subject *cairn.Subject) bool {
	i := 0
	for i < len(c.versions)-1 && c.versions[i].until.Compare(at) <= 0 {
		i++
	}
	if c.versions[i].takes(e, subject) {
		return true
	}
	if e.EventSource != "cloudtrail.amazonaws.com" {
		return false
	}
	for i--; i >= 0; i-- {
		v := &c.versions[i]
		if v.requestID != "" && v.requestID == e.RequestID {
			return v.takes(e, subject)
		}
	}
	return false
}

func (v *version) takes(e *cairn.Event, subject *cairn.Subject) bool {
	return v.trail.Logging && (v.imported || e.Origin != cairn.OriginImported) && v.trail.Match(subject, v.selectors, false)
}
