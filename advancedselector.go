package cairn

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An AdvancedEventSelector takes the events that meet all its field selectors.
// It is spelled and encoded as in CloudTrail's API.
type AdvancedEventSelector struct {
	Name           string                  `json:"Name,omitempty"` // at most 1000 characters
	FieldSelectors []AdvancedFieldSelector `json:"FieldSelectors,omitempty"`
}

// An AdvancedFieldSelector is a condition on one field of an event. The field's
// value must match one of the values of Equals, StartsWith and EndsWith taken
// together, if there are any, and none of those of NotEquals, NotStartsWith and
// NotEndsWith. Case counts, and there are no wildcards.
type AdvancedFieldSelector struct {
	Field         string   `json:"Field"`
	Equals        []string `json:"Equals,omitempty"`
	StartsWith    []string `json:"StartsWith,omitempty"`
	EndsWith      []string `json:"EndsWith,omitempty"`
	NotEquals     []string `json:"NotEquals,omitempty"`
	NotStartsWith []string `json:"NotStartsWith,omitempty"`
	NotEndsWith   []string `json:"NotEndsWith,omitempty"`
}

// A selectorField is a field that advanced selectors may ask for.
type selectorField uint8

const (
	fieldUnknown selectorField = iota
	fieldCategory
	fieldReadOnly
	fieldEventSource
	fieldEventName
	fieldEventType
	fieldResourceType
	fieldResourceARN
	fieldUserARN
	fieldConsole
	fieldErrorCode
	fieldVPCEndpointID
	numSelectorFields
)

var selectorFieldNames = [numSelectorFields]string{
	fieldCategory:      "eventCategory",
	fieldReadOnly:      "readOnly",
	fieldEventSource:   "eventSource",
	fieldEventName:     "eventName",
	fieldEventType:     "eventType",
	fieldResourceType:  "resources.type",
	fieldResourceARN:   "resources.ARN",
	fieldUserARN:       "userIdentity.arn",
	fieldConsole:       "sessionCredentialFromConsole",
	fieldErrorCode:     "errorCode",
	fieldVPCEndpointID: "vpcEndpointId",
}

func parseSelectorField(name string) selectorField {
	if i := slices.Index(selectorFieldNames[1:], name); i >= 0 {
		return selectorField(i + 1)
	}
	return fieldUnknown
}

// operators is a set of the six operators.
type operators uint8

const (
	opEquals operators = 1 << iota
	opStartsWith
	opEndsWith
	opNotEquals
	opNotStartsWith
	opNotEndsWith

	opAny = opEquals | opStartsWith | opEndsWith | opNotEquals | opNotStartsWith | opNotEndsWith
)

// operatorOf has what each operator is: how it compares, and whether it
// excludes.
var operatorOf = []struct {
	op   operators
	name string
	how  affix
	not  bool
	of   func(*AdvancedFieldSelector) []string
}{
	{opEquals, "Equals", affixWhole, false, func(f *AdvancedFieldSelector) []string { return f.Equals }},
	{opStartsWith, "StartsWith", affixStart, false, func(f *AdvancedFieldSelector) []string { return f.StartsWith }},
	{opEndsWith, "EndsWith", affixEnd, false, func(f *AdvancedFieldSelector) []string { return f.EndsWith }},
	{opNotEquals, "NotEquals", affixWhole, true, func(f *AdvancedFieldSelector) []string { return f.NotEquals }},
	{opNotStartsWith, "NotStartsWith", affixStart, true, func(f *AdvancedFieldSelector) []string { return f.NotStartsWith }},
	{opNotEndsWith, "NotEndsWith", affixEnd, true, func(f *AdvancedFieldSelector) []string { return f.NotEndsWith }},
}

// A fieldRule says what selectors of a category may ask of a field.
type fieldRule struct {
	operators operators
	required  bool
	single    bool // exactly one value
	values    []string
}

var booleans = []string{"true", "false"}

// fieldRules are the fields that a trail's selectors may use, by category. Event
// data stores allow more for management events.
var fieldRules = map[Category]map[selectorField]fieldRule{
	Management: {
		fieldCategory:    {operators: opEquals, required: true, single: true},
		fieldReadOnly:    {operators: opEquals, single: true, values: booleans},
		fieldEventSource: {operators: opNotEquals, values: []string{"kms.amazonaws.com", "rdsdata.amazonaws.com"}},
	},
	Data: {
		fieldCategory:     {operators: opEquals, required: true, single: true},
		fieldResourceType: {operators: opEquals, required: true, single: true},
		fieldReadOnly:     {operators: opEquals, single: true, values: booleans},
		fieldEventSource:  {operators: opAny},
		fieldEventName:    {operators: opAny},
		fieldEventType:    {operators: opAny},
		fieldResourceARN:  {operators: opAny},
		fieldUserARN:      {operators: opAny},
		fieldConsole:      {operators: opEquals | opNotEquals, values: booleans},
	},
	NetworkActivity: {
		fieldCategory:      {operators: opEquals, required: true, single: true},
		fieldEventSource:   {operators: opEquals, required: true},
		fieldEventName:     {operators: opAny},
		fieldErrorCode:     {operators: opEquals, values: []string{"VpceAccessDenied"}},
		fieldVPCEndpointID: {operators: opAny},
		fieldUserARN:       {operators: opAny},
	},
}

// advanced compiles advanced selectors, each into one rule.
func (c *selectorCompiler) advanced(selectors []AdvancedEventSelector) error {
	for n := range selectors {
		if err := c.advancedSelector(n, &selectors[n]); err != nil {
			return err
		}
		if c.count > MaxAdvancedValues {
			return c.refuse(-1, "AdvancedEventSelectors",
				"A trail can have up to "+strconv.Itoa(MaxAdvancedValues)+" values over all conditions of its advanced event selectors.")
		}
	}
	return nil
}

func (c *selectorCompiler) advancedSelector(n int, e *AdvancedEventSelector) error {
	if utf8.RuneCountInString(e.Name) > maxSelectorName {
		return c.refuse(n, "Name", "The name of an advanced event selector can have up to "+strconv.Itoa(maxSelectorName)+" characters.")
	}
	category, fault := c.categoryOf(n, e)
	if fault != nil {
		return fault
	}
	r := rule{selector: n, name: e.Name, category: category}
	rules := fieldRules[category]
	var seen [numSelectorFields]bool
	for i := range e.FieldSelectors {
		f := &e.FieldSelectors[i]
		field := parseSelectorField(f.Field)
		fr, allowed := rules[field]
		switch {
		case field == fieldUnknown:
			return c.refuse(n, shown(f.Field), "Field "+shown(f.Field)+" is not a field of advanced event selectors.")
		case !allowed:
			return c.refuse(n, f.Field, "Field "+f.Field+" is not supported for eventCategory "+category.String()+" on a trail.")
		case seen[field]:
			return c.refuse(n, f.Field, "Field "+f.Field+" comes more than once in an advanced event selector.")
		}
		seen[field] = true
		cond, fault := c.fieldSelector(n, f, field, fr)
		if fault != nil {
			return fault
		}
		switch field {
		case fieldCategory:
		case fieldResourceType:
			r.resourceType, r.typeLabel = f.Equals[0], f.Field
		default:
			r.conditions = append(r.conditions, cond)
		}
	}
	for field, fr := range rules {
		if fr.required && !seen[field] {
			name := selectorFieldNames[field]
			return c.refuse(n, name, "Field "+name+" is required for eventCategory "+category.String()+".")
		}
	}
	// Fields are compared in the order of their numbers: the cheap ones, and those
	// that tell most events apart, come first.
	slices.SortFunc(r.conditions, func(a, b condition) int { return int(a.field) - int(b.field) })
	c.rules = append(c.rules, r)
	return nil
}

// categoryOf returns the category that a selector is for, on which everything
// else in it depends.
func (c *selectorCompiler) categoryOf(n int, e *AdvancedEventSelector) (Category, *SelectorError) {
	const name = "eventCategory"
	if len(e.FieldSelectors) == 0 {
		return 0, c.refuse(n, "FieldSelectors", "An advanced event selector needs at least one field selector.")
	}
	i := slices.IndexFunc(e.FieldSelectors, func(f AdvancedFieldSelector) bool { return f.Field == name })
	if i < 0 {
		return 0, c.refuse(n, name, "Field eventCategory is required in an advanced event selector.")
	}
	f := &e.FieldSelectors[i]
	if len(f.Equals) != 1 {
		return 0, c.refuse(n, name, "Field eventCategory needs the operator Equals with exactly one value.")
	}
	category, ok := ParseCategory(f.Equals[0])
	if _, known := fieldRules[category]; !ok || !known {
		return 0, c.refuse(n, name, "Value "+shown(f.Equals[0])+" for eventCategory is invalid for a trail.")
	}
	return category, nil
}

// fieldSelector checks and compiles the condition on one field.
func (c *selectorCompiler) fieldSelector(n int, f *AdvancedFieldSelector, field selectorField, fr fieldRule) (condition, *SelectorError) {
	cond := condition{field: field, label: f.Field}
	count := 0
	for _, op := range operatorOf {
		values := op.of(f)
		if len(values) == 0 {
			continue
		}
		if fr.operators&op.op == 0 {
			return cond, c.refuse(n, f.Field, "Operator "+op.name+" is not supported for field "+f.Field+".")
		}
		for _, v := range values {
			if v == "" || utf8.RuneCountInString(v) > maxSelectorValue || !utf8.ValidString(v) || strings.ContainsAny(v, "\n\r") {
				return cond, c.refuse(n, f.Field, "A value of field "+f.Field+" is not 1 to "+strconv.Itoa(maxSelectorValue)+" characters of text.")
			}
			if fr.values != nil && !slices.Contains(fr.values, v) {
				return cond, c.refuse(n, f.Field, "Value "+shown(v)+" for field "+f.Field+" is invalid.")
			}
		}
		count += len(values)
		set := newValueSet(op.how, values)
		if op.not {
			cond.not = append(cond.not, set)
		} else {
			cond.is = append(cond.is, set)
		}
	}
	switch {
	case count == 0:
		return cond, c.refuse(n, f.Field, "Field "+f.Field+" needs at least one operator with a value.")
	case fr.single && count != 1:
		return cond, c.refuse(n, f.Field, "Field "+f.Field+" takes exactly one value.")
	}
	c.count += count
	return cond, nil
}
