package cairn

import (
	"slices"
	"strconv"
	"strings"
)

// An EventSelector is a basic event selector, spelled and encoded as in
// CloudTrail's API. An event is taken when it matches any selector of a trail.
type EventSelector struct {
	// ReadWriteType is All, ReadOnly or WriteOnly; empty means All. It holds for
	// management and data events alike.
	ReadWriteType string `json:"ReadWriteType,omitempty"`

	// IncludeManagementEvents takes management events; nil means true.
	IncludeManagementEvents *bool `json:"IncludeManagementEvents,omitempty"`

	// DataResources are the resources whose data events are taken.
	DataResources []DataResource `json:"DataResources,omitempty"`

	// ExcludeManagementEventSources are event sources whose management events
	// are left out: kms.amazonaws.com and rdsdata.amazonaws.com are possible.
	ExcludeManagementEventSources []string `json:"ExcludeManagementEventSources,omitempty"`
}

// A DataResource names resources of one type by ARN or by the start of ARNs.
type DataResource struct {
	// Type is AWS::S3::Object, AWS::Lambda::Function or AWS::DynamoDB::Table.
	Type string `json:"Type,omitempty"`

	// Values are all resources of the type ("arn:aws:s3", "arn:aws:lambda",
	// "arn:aws:dynamodb"), one function's or table's whole ARN, or a bucket and
	// the start of its objects' keys ("arn:aws:s3:::bucket/",
	// "arn:aws:s3:::bucket/start"). Without any, no event is taken.
	Values []string `json:"Values,omitempty"`
}

// DefaultEventSelectors returns the selectors of a trail that was given none:
// all management events, no data events.
func DefaultEventSelectors() []EventSelector {
	return []EventSelector{EventSelector{}.WithDefaults()}
}

// WithDefaults returns e with nothing left out, as GetEventSelectors shows it.
func (e EventSelector) WithDefaults() EventSelector {
	if e.ReadWriteType == "" {
		e.ReadWriteType = "All"
	}
	if e.IncludeManagementEvents == nil {
		e.IncludeManagementEvents = new(true)
	}
	if e.DataResources == nil {
		e.DataResources = []DataResource{}
	}
	if e.ExcludeManagementEventSources == nil {
		e.ExcludeManagementEventSources = []string{}
	}
	return e
}

// basic compiles basic selectors: each into a rule for management events and
// one for each data resource.
func (c *selectorCompiler) basic(selectors []EventSelector) error {
	if len(selectors) > MaxEventSelectors {
		return c.refuse(-1, "EventSelectors", "A trail can have up to "+strconv.Itoa(MaxEventSelectors)+" event selectors.")
	}
	for n := range selectors {
		if err := c.basicSelector(n, &selectors[n]); err != nil {
			return err
		}
	}
	if c.count > MaxDataResources {
		return c.refuse(-1, "DataResources", "A trail can have up to "+strconv.Itoa(MaxDataResources)+" data resources over all event selectors.")
	}
	return nil
}

func (c *selectorCompiler) basicSelector(n int, e *EventSelector) error {
	var access []condition
	switch e.ReadWriteType {
	case "", "All":
	case "ReadOnly":
		access = []condition{equals(fieldReadOnly, "ReadWriteType", "true")}
	case "WriteOnly":
		access = []condition{equals(fieldReadOnly, "ReadWriteType", "false")}
	default:
		return c.refuse(n, "ReadWriteType", "Value "+shown(e.ReadWriteType)+" for ReadWriteType is invalid.")
	}
	management := e.IncludeManagementEvents == nil || *e.IncludeManagementEvents
	for _, source := range e.ExcludeManagementEventSources {
		if !excludableSource(source) {
			return c.refuse(n, "ExcludeManagementEventSources", "Value "+shown(source)+" for ExcludeManagementEventSources is invalid.")
		}
	}
	if management {
		r := rule{selector: n, category: Management, conditions: slices.Clip(access)}
		if len(e.ExcludeManagementEventSources) > 0 {
			r.conditions = append(r.conditions, condition{
				field: fieldEventSource, label: "ExcludeManagementEventSources",
				not: []valueSet{newValueSet(affixWhole, e.ExcludeManagementEventSources)},
			})
		}
		c.rules = append(c.rules, r)
	} else if len(e.ExcludeManagementEventSources) > 0 {
		return c.refuse(n, "ExcludeManagementEventSources", "ExcludeManagementEventSources needs IncludeManagementEvents to be true.")
	}
	for i := range e.DataResources {
		if err := c.dataResource(n, &e.DataResources[i], access); err != nil {
			return err
		}
	}
	return nil
}

// excludableSource reports whether trails can leave the source's management
// events out.
func excludableSource(source string) bool {
	return source == "kms.amazonaws.com" || source == "rdsdata.amazonaws.com"
}

// dataResourceTypes are the types of resources that basic selectors know. S3
// objects are matched by the start of their ARN, functions and tables by the
// whole.
var dataResourceTypes = map[string]struct {
	service string
	kind    string // what the resource part of an ARN begins with
	how     affix
}{
	"AWS::S3::Object":       {service: "s3", how: affixStart},
	"AWS::Lambda::Function": {service: "lambda", kind: "function:"},
	"AWS::DynamoDB::Table":  {service: "dynamodb", kind: "table/"},
}

func (c *selectorCompiler) dataResource(n int, d *DataResource, access []condition) error {
	typ, ok := dataResourceTypes[d.Type]
	if !ok {
		return c.refuse(n, "DataResources", "Value "+shown(d.Type)+" for DataResources.Type is invalid.")
	}
	if len(d.Values) == 0 {
		return nil // taken by AWS, and so it takes no event
	}
	every := false
	for _, v := range d.Values {
		all, ok := dataResourceValue(typ.service, typ.kind, v)
		if !ok {
			return c.refuse(n, "DataResources", "Value "+shown(v)+" for DataResources.Values is invalid.")
		}
		if every = every || all; !all {
			c.count++
		}
	}
	r := rule{
		selector: n, category: Data, resourceType: d.Type, typeLabel: "DataResources.Type", conditions: slices.Clip(access),
	}
	if !every {
		r.conditions = append(r.conditions, condition{
			field: fieldResourceARN, label: "DataResources.Values", is: []valueSet{newValueSet(typ.how, d.Values)},
		})
	}
	c.rules = append(c.rules, r)
	return nil
}

// dataResourceValue reports whether v is a value for a service's data resources,
// and whether it stands for all of them. A bucket without a slash behind it is
// no value: it would be the start of other buckets' names.
func dataResourceValue(service, kind, v string) (all, ok bool) {
	rest, ok := strings.CutPrefix(v, "arn:")
	if !ok || len(v) > maxSelectorValue {
		return false, false
	}
	partition, rest, _ := strings.Cut(rest, ":")
	if partition != "aws" && !strings.HasPrefix(partition, "aws-") {
		return false, false
	}
	if rest == service || service == "s3" && rest == "s3:::" {
		return true, true
	}
	if service == "s3" {
		bucket, ok := strings.CutPrefix(rest, "s3:::")
		slash := strings.IndexByte(bucket, '/')
		return false, ok && slash > 0 && !strings.ContainsAny(bucket[:slash], ":*")
	}
	arn, err := ParseARN(v)
	if err != nil || arn.Service != service || arn.Region == "" || !validAccountID(arn.AccountID) {
		return false, false
	}
	name, ok := strings.CutPrefix(arn.Resource, kind)
	return false, ok && name != "" && !strings.Contains(name, "*")
}
