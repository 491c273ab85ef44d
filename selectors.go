package cairn

import "strings"

// Selectors decide which events a trail takes. They are made by
// CompileSelectors, do not change, and are safe for concurrent use.
type Selectors struct {
	rules []rule

	// byCategory has the rules for one category, so that the many trails that do
	// not want an event find out at once.
	byCategory [len(categoryNames)][]rule
}

// CompileSelectors checks a trail's selectors, of which one kind may be given,
// and makes them ready for use. A fault is returned as a *SelectorError.
//
// Sources: EventSelector, DataResource, AdvancedEventSelector,
// AdvancedFieldSelector and PutEventSelectors in
// docs.aws.amazon.com/awscloudtrail/latest/APIReference.
func CompileSelectors(basic []EventSelector, advanced []AdvancedEventSelector) (*Selectors, error) {
	var c selectorCompiler
	switch {
	case len(basic) > 0 && len(advanced) > 0:
		return nil, c.refuse(-1, "", "Specify either EventSelectors or AdvancedEventSelectors, not both.")
	case len(basic) > 0:
		if err := c.basic(basic); err != nil {
			return nil, err
		}
	case len(advanced) > 0:
		if err := c.advanced(advanced); err != nil {
			return nil, err
		}
	default:
		return nil, c.refuse(-1, "", "Specify at least one event selector.")
	}
	s := &Selectors{rules: c.rules}
	for _, r := range s.rules {
		s.byCategory[r.category] = append(s.byCategory[r.category], r)
	}
	return s, nil
}

// Match reports whether any selector takes the event. It does not allocate.
// Insight and aggregated events, and those of other categories, are never taken:
// a trail gets them by its insight selectors and event configuration.
func (s *Selectors) Match(e *Subject) bool {
	category := e.record.Category
	if int(category) >= len(s.byCategory) {
		return false
	}
	rules := s.byCategory[category]
	for i := range rules {
		if rules[i].match(e) {
			return true
		}
	}
	return false
}

// A rule is what one selector asks of events of one category.
type rule struct {
	selector     int
	name         string
	category     Category
	resourceType string // only for data events
	typeLabel    string // what the selector calls the resource type
	conditions   []condition
}

// A condition is what a rule asks of one field.
type condition struct {
	field selectorField
	label string     // what the selector calls it
	is    []valueSet // the value must be in one of them, if there are any
	not   []valueSet // the value must be in none of them
}

func (r *rule) match(e *Subject) bool {
	if r.resourceType != "" && !e.hasType(r.resourceType) {
		return false
	}
	for i := range r.conditions {
		if !r.meets(&r.conditions[i], e) {
			return false
		}
	}
	return true
}

// meets reports whether the event meets the condition. Of several ARNs one must
// be wanted, and none unwanted.
func (r *rule) meets(c *condition, e *Subject) bool {
	if c.field != fieldResourceARN {
		value := e.value(c.field)
		return c.wants(value) && !c.refuses(value)
	}
	wanted, refused := len(c.is) == 0, false
	e.arns(r.resourceType, func(arn string) bool {
		wanted = wanted || c.wants(arn)
		refused = c.refuses(arn)
		return !refused
	})
	return wanted && !refused
}

func (c *condition) wants(value string) bool {
	for i := range c.is {
		if _, ok := c.is[i].match(value); ok {
			return true
		}
	}
	return len(c.is) == 0
}

func (c *condition) refuses(value string) bool {
	for i := range c.not {
		if _, ok := c.not[i].match(value); ok {
			return true
		}
	}
	return false
}

// The most that a trail's selectors may hold.
const (
	MaxEventSelectors = 5   // basic selectors
	MaxDataResources  = 250 // values of DataResources, not counting those for all resources of a type
	MaxAdvancedValues = 500 // values of all conditions of the advanced selectors

	maxSelectorValue = 2048 // characters of a value
	maxSelectorName  = 1000 // characters of a selector's name
	maxShownValue    = 200  // bytes of a caller's value in an error
)

// A SelectorError says why selectors were refused. AWS answers such a request
// with InvalidEventSelectorsException.
type SelectorError struct {
	Selector int    // which selector is at fault, counted from 0; -1 for all of them together
	Field    string // the member or field at fault, such as "ReadWriteType" or "resources.type"
	Reason   string // a sentence for the caller
}

// Error returns the reason.
func (e *SelectorError) Error() string { return e.Reason }

// A selectorCompiler turns selectors into rules.
type selectorCompiler struct {
	rules []rule
	count int // how many values came that a quota limits
}

func (c *selectorCompiler) refuse(selector int, field, reason string) *SelectorError {
	return &SelectorError{Selector: selector, Field: field, Reason: reason}
}

// equals returns the condition that a field has one value.
func equals(f selectorField, label, value string) condition {
	return condition{field: f, label: label, is: []valueSet{newValueSet(affixWhole, []string{value})}}
}

// shown returns a caller's value for an error text, cut short.
func shown(v string) string {
	if len(v) > maxShownValue {
		return strings.ToValidUTF8(v[:maxShownValue], "") + "…"
	}
	return v
}
