package awsmodel

import (
	"fmt"
	"strings"
)

// Resource is a resource that a call is about.
type Resource struct {
	ARN       string
	ARNPrefix string // instead of an ARN, when the call is about all that begins so
	AccountID string // of the ARN, or of the caller when the ARN has none
	Type      string // such as "AWS::S3::Bucket", empty when CloudTrail gives none
	Listed    bool   // CloudTrail names it in the record's resources
}

// Place is where a call was made, as far as ARNs tell it.
type Place struct{ Partition, Region, AccountID string }

// Resources returns the resources that cloudtrail.txt knows a call to be about, from
// its parameters and answer in the API's member names. Either may be nil; what cannot
// be told from them is left out.
func (op *Operation) Resources(at Place, parameters, answer map[string]any) []Resource {
	rules := op.Service.rules
	if rules == nil {
		return nil
	}
	var found []Resource
	for i := range rules.resources {
		rule := &rules.resources[i]
		if !anyMatches(rule.operations, op.Name) {
			continue
		}
		for _, arn := range rule.expand(at, parameters, answer) {
			r := Resource{ARN: arn, Type: rule.typ, AccountID: accountOf(arn, at.AccountID), Listed: rule.listed}
			if prefix, ok := strings.CutSuffix(arn, "*"); ok && rule.prefix {
				r.ARN, r.ARNPrefix = "", prefix
			}
			found = append(found, r)
		}
	}
	return found
}

// resourceRule is a rule "resource" or "about".
type resourceRule struct {
	operations []string
	typ        string
	parts      []part
	listed     bool
	prefix     bool // the template ends in *
}

// part is a text, or a place in the call where to find one.
type part struct {
	text     string
	path     []string
	answer   bool
	modifier string // "last" or "under"
	under    string
}

// parseResourceRule reads the operations, type and ARN template of a rule.
func parseResourceRule(operations, typ, template string) (resourceRule, error) {
	r := resourceRule{operations: strings.Split(operations, ","), typ: typ, prefix: strings.HasSuffix(template, "*")}
	if typ == "-" {
		r.typ = ""
	}
	for rest := template; rest != ""; {
		text, tail, ok := strings.Cut(rest, "{")
		if text != "" {
			r.parts = append(r.parts, part{text: text})
		}
		if !ok {
			break
		}
		name, tail, ok := strings.Cut(tail, "}")
		if !ok {
			return r, fmt.Errorf("no } in %s", template)
		}
		rest = tail
		var p part
		name, modifier, _ := strings.Cut(name, "|")
		p.modifier, p.under, _ = strings.Cut(modifier, ":")
		if p.modifier != "" && p.modifier != "last" && p.modifier != "under" {
			return r, fmt.Errorf("unknown modifier %s in %s", p.modifier, template)
		}
		p.path = strings.Split(name, ".")
		if p.path[0] == "response" {
			p.answer, p.path = true, p.path[1:]
		}
		r.parts = append(r.parts, p)
	}
	return r, nil
}

// maxExpanded bounds what one rule finds, as CloudTrail bounds its lists.
const maxExpanded = 256

// expand returns the template's ARNs: one for each combination of values.
func (r *resourceRule) expand(at Place, parameters, answer map[string]any) []string {
	arns := []string{""}
	for _, p := range r.parts {
		values := p.values(at, parameters, answer)
		var longer []string
		for _, arn := range arns {
			for _, v := range values {
				switch {
				case p.path == nil:
				case strings.HasPrefix(v, "arn:"):
					arn = "" // the whole ARN was given
				case strings.HasSuffix(arn, "/"):
					v = strings.TrimPrefix(v, "/")
				}
				if len(longer) < maxExpanded {
					longer = append(longer, arn+v)
				}
			}
		}
		if arns = longer; arns == nil {
			return nil
		}
	}
	return arns
}

func (p *part) values(at Place, parameters, answer map[string]any) []string {
	if p.path == nil {
		return []string{p.text}
	}
	if !p.answer && len(p.path) == 1 {
		switch p.path[0] {
		case "partition":
			return []string{at.Partition}
		case "region":
			return []string{at.Region}
		case "account":
			return []string{at.AccountID}
		}
	}
	tree := parameters
	if p.answer {
		tree = answer
	}
	if tree == nil {
		return nil
	}
	values := collect(nil, tree, p.path)
	for i, v := range values {
		switch {
		case p.modifier == "last":
			values[i] = v[strings.LastIndexAny(v, "/")+1:]
		case p.modifier == "under" && !strings.Contains(v, "/") && !strings.HasPrefix(v, "arn:"):
			values[i] = p.under + "/" + v
		}
	}
	return values
}

// collect gathers the texts at the end of a path; a list on the way stands for its
// elements.
func collect(values []string, v any, path []string) []string {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			values = collect(values, e, path)
		}
	case map[string]any:
		if len(path) > 0 {
			values = collect(values, v[path[0]], path[1:])
		}
	case string:
		if len(path) == 0 && v != "" {
			values = append(values, v)
		}
	}
	return values
}

// accountOf returns the account in an ARN, or the caller's when there is none, as in
// that of an S3 bucket.
func accountOf(arn, caller string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[4] != "" {
		return parts[4]
	}
	return caller
}
