package cairn

import (
	"fmt"
	"slices"
	"strings"
)

// An Explanation says why selectors take an event, or why they do not.
type Explanation struct {
	Matched  bool
	Category Category // the event's

	// Selector is the number, counted from 0, of the selector that takes the
	// event, or of the one that came closest; -1 when none is for events of the
	// category. Name is the name of an advanced selector.
	Selector int
	Name     string

	// Field is the first field that the closest selector is not content with, as
	// the selector calls it, and Values are the event's values for it. Both are
	// empty when the event matched.
	Field  string
	Values []string

	// Wanted says what the selector asks of the field, as in `begins with "x"`;
	// one entry per operator.
	Wanted []string
}

// Explain says why the selectors take the event, or which of them came closest
// and what it is missing: the selector that is content with the most fields, and
// of several the first.
func (s *Selectors) Explain(e *Subject) Explanation {
	best := Explanation{Category: e.record.Category, Selector: -1, Field: "eventCategory", Values: []string{e.value(fieldCategory)}}
	most := -1
	for i := range s.rules {
		r := &s.rules[i]
		if r.category != e.record.Category {
			if best.Selector < 0 && !slices.Contains(best.Wanted, describe("is", r.category.String())) {
				best.Wanted = append(best.Wanted, describe("is", r.category.String()))
			}
			continue
		}
		x, met := r.explain(e)
		if x.Matched {
			return x
		}
		if met > most {
			best, most = x, met
		}
	}
	return best
}

// explain says what the rule makes of an event of its category, and with how
// many fields it is content.
func (r *rule) explain(e *Subject) (x Explanation, met int) {
	x = Explanation{Category: r.category, Selector: r.selector, Name: r.name}
	if r.resourceType != "" {
		if e.hasType(r.resourceType) {
			met++
		} else {
			x.Field, x.Wanted = r.typeLabel, []string{describe("is", r.resourceType)}
			for _, resource := range e.record.Resources {
				if !slices.Contains(x.Values, resource.Type) {
					x.Values = append(x.Values, strings.Clone(resource.Type))
				}
			}
		}
	}
	for i := range r.conditions {
		c := &r.conditions[i]
		if r.meets(c, e) {
			met++
		} else if x.Field == "" {
			x.Field, x.Wanted, x.Values = c.label, c.describe(), r.valuesFor(c, e)
		}
	}
	x.Matched = x.Field == ""
	return x, met
}

// valuesFor returns copies of the event's values for a condition's field.
func (r *rule) valuesFor(c *condition, e *Subject) (values []string) {
	if c.field != fieldResourceARN {
		return []string{strings.Clone(e.value(c.field))}
	}
	e.arns(r.resourceType, func(arn string) bool {
		values = append(values, strings.Clone(arn))
		return true
	})
	return values
}

// describe says in words what the condition asks for.
func (c *condition) describe() (wanted []string) {
	for i := range c.is {
		wanted = append(wanted, describe(affixVerbs[c.is[i].how][0], c.is[i].values...))
	}
	for i := range c.not {
		wanted = append(wanted, describe(affixVerbs[c.not[i].how][1], c.not[i].values...))
	}
	return wanted
}

var affixVerbs = [...][2]string{
	affixWhole: {"is", "is not"},
	affixStart: {"begins with", "does not begin with"},
	affixEnd:   {"ends with", "does not end with"},
}

// maxDescribed is how many values of an operator are named.
const maxDescribed = 5

func describe(verb string, values ...string) string {
	joint := " or"
	if strings.Contains(verb, "not") {
		joint = " nor"
	}
	var b strings.Builder
	b.WriteString(verb)
	for i, v := range values {
		if i == maxDescribed {
			fmt.Fprintf(&b, "%s %d more", joint, len(values)-i)
			break
		}
		if i > 0 {
			b.WriteString(joint)
		}
		fmt.Fprintf(&b, " %q", shown(v))
	}
	return b.String()
}

// String returns the explanation as a sentence.
func (x Explanation) String() string {
	selector := fmt.Sprintf("selector %d", x.Selector+1)
	if x.Name != "" {
		selector += fmt.Sprintf(" (%s)", shown(x.Name))
	}
	values := make([]string, 0, len(x.Values))
	for _, v := range x.Values[:min(len(x.Values), maxDescribed)] {
		values = append(values, fmt.Sprintf("%q", shown(v)))
	}
	value := "absent"
	if len(values) > 0 {
		value = strings.Join(values, ", ")
	}
	switch {
	case x.Matched:
		return "taken by " + selector
	case x.Category == Insight:
		return "not taken: Insight events are chosen by insight selectors"
	case x.Category == Aggregated:
		return "not taken: aggregated events are chosen by the trail's event configuration"
	case x.Selector < 0:
		return "not taken: no selector is for " + x.Category.String() + " events"
	}
	return fmt.Sprintf("not taken: %s came closest, but %s is %s, and it asks for one that %s",
		selector, x.Field, value, strings.Join(x.Wanted, ", "))
}
