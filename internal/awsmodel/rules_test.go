package awsmodel

import (
	"strings"
	"testing"
)

// Every service, operation and member in cloudtrail.txt is one that the models have.
func TestCloudTrailTable(t *testing.T) {
	t.Parallel()
	headings := map[*serviceRules][]*Operation{}
	for id, rules := range handRules() {
		s, ok := Service(id)
		if !ok {
			t.Errorf("no service %s", id)
			continue
		}
		headings[rules] = append(headings[rules], s.Operations()...)
	}
	for rules, operations := range headings {
		id := operations[0].Service.ID
		known := func(pattern string) []*Operation {
			var found []*Operation
			for _, op := range operations {
				if anyMatches([]string{pattern}, op.Name) {
					found = append(found, op)
				}
			}
			return found
		}
		patterns := append(append(append([]string{}, rules.data...), rules.reads...), rules.writes...)
		for name := range rules.events {
			patterns = append(patterns, name)
		}
		for _, r := range rules.resources {
			patterns = append(patterns, r.operations...)
		}
		for _, r := range rules.secrets {
			patterns = append(patterns, r.operations...)
			names := map[string]bool{}
			for _, pattern := range r.operations {
				for _, op := range known(pattern) {
					memberNames(op.Input(), names, map[*Shape]bool{})
					memberNames(op.Output(), names, map[*Shape]bool{})
				}
			}
			for _, member := range r.members {
				if !names[member] {
					t.Errorf("%s: no member %s in %v", id, member, r.operations)
				}
			}
		}
		for _, pattern := range patterns {
			if len(known(pattern)) == 0 {
				t.Errorf("%s: no operation %s", id, pattern)
			}
		}
		for _, r := range rules.resources {
			for _, pattern := range r.operations {
				if !anyKnows(known(pattern), r.parts) {
					t.Errorf("%s: %s has not all of the template %v", id, pattern, r.parts)
				}
			}
		}
	}
}

// anyKnows reports whether one of the operations has all that the template names.
func anyKnows(operations []*Operation, parts []part) bool {
	for _, op := range operations {
		all := true
		for i := range parts {
			all = all && parts[i].known(op)
		}
		if all {
			return true
		}
	}
	return false
}

// known reports whether the operation has what the part names.
func (p *part) known(op *Operation) bool {
	if p.path == nil || len(p.path) == 1 && (p.path[0] == "partition" || p.path[0] == "region" || p.path[0] == "account") {
		return true
	}
	s := op.Input()
	if p.answer {
		s = op.Output()
	}
	for _, name := range p.path {
		for s != nil && s.Kind == List {
			s = s.Element.Shape()
		}
		if s == nil || s.Member(name) == nil {
			return false
		}
		s = s.Member(name).Shape()
	}
	return true
}

func memberNames(s *Shape, names map[string]bool, seen map[*Shape]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	for i := range s.Members {
		names[strings.ToLower(s.Members[i].Name)] = true
		memberNames(s.Members[i].Shape(), names, seen)
	}
	for _, m := range []*Member{s.Element, s.Key, s.Value} {
		if m != nil {
			memberNames(m.Shape(), names, seen)
		}
	}
}

func TestParseRulesRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"  source x\n":                 "line 1: a rule before the first service",
		"a\n\n  nonsense x\n":          "line 3: unknown rule nonsense",
		"a\n  source\n":                "line 2: source takes 1 words",
		"a\n  event X\n":               "line 2: event takes 2 words",
		"a b\na\n":                     "line 2: service a is there twice",
		"a\n  sensitive loudly\n":      "line 2: sensitive takes hide, mask or omit, not loudly",
		"a\n  resource X T arn:{Y\n":   "line 2: no } in arn:{Y",
		"a\n  about X T {Y|first}#c\n": "line 2: unknown modifier first in {Y|first}",
	} {
		if _, err := parseRules(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
