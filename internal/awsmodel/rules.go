package awsmodel

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed cloudtrail.txt
var cloudtrailTable string

// handRules are the services' rules in cloudtrail.txt, by ID.
var handRules = sync.OnceValue(func() map[string]*serviceRules {
	rules, err := parseRules(cloudtrailTable)
	if err != nil {
		panic("awsmodel: cloudtrail.txt: " + err.Error())
	}
	return rules
})

// serviceRules is what cloudtrail.txt says of the services in one of its headings.
type serviceRules struct {
	source         string // eventSource
	region         string // of all its events
	endpointRegion string // of the events of its global endpoint
	events         map[string]string
	data           []string
	reads, writes  []string
	sensitive      concealment // of members that the model marks, Hide when unset
	secrets        []secretRule
	resources      []resourceRule
}

// secretRule names secret members of some operations.
type secretRule struct {
	operations []string
	members    []string
	how        concealment
}

// parseRules reads the format that the table's head describes.
func parseRules(text string) (map[string]*serviceRules, error) {
	all := map[string]*serviceRules{}
	var current *serviceRules
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if line[0] != ' ' {
			current = &serviceRules{events: map[string]string{}}
			for _, id := range words {
				if all[id] != nil {
					return nil, fmt.Errorf("line %d: service %s is there twice", number, id)
				}
				all[id] = current
			}
			continue
		}
		if current == nil {
			return nil, fmt.Errorf("line %d: a rule before the first service", number)
		}
		if err := current.add(words); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return all, nil
}

// add adds the rule of one line.
func (r *serviceRules) add(words []string) error {
	verb, args := words[0], words[1:]
	count := func(n int) error {
		if len(args) != n {
			return fmt.Errorf("%s takes %d words", verb, n)
		}
		return nil
	}
	switch verb {
	case "source":
		if err := count(1); err != nil {
			return err
		}
		r.source = args[0]
	case "region":
		if err := count(1); err != nil {
			return err
		}
		r.region = args[0]
	case "endpoint-region":
		if err := count(1); err != nil {
			return err
		}
		r.endpointRegion = args[0]
	case "event":
		if err := count(2); err != nil {
			return err
		}
		r.events[args[0]] = args[1]
	case "data":
		r.data = append(r.data, args...)
	case "read":
		r.reads = append(r.reads, args...)
	case "write":
		r.writes = append(r.writes, args...)
	case "sensitive":
		if err := count(1); err != nil {
			return err
		}
		how, ok := concealments[args[0]]
		if !ok || how == show {
			return fmt.Errorf("sensitive takes hide, mask or omit, not %s", args[0])
		}
		r.sensitive = how
	case "hide", "mask", "omit", "show":
		if err := count(2); err != nil {
			return err
		}
		r.secrets = append(r.secrets, secretRule{
			operations: strings.Split(args[0], ","),
			members:    strings.Split(strings.ToLower(args[1]), ","),
			how:        concealments[verb],
		})
	case "resource", "about":
		if err := count(3); err != nil {
			return err
		}
		rule, err := parseResourceRule(args[0], args[1], args[2])
		if err != nil {
			return err
		}
		rule.listed = verb == "resource"
		r.resources = append(r.resources, rule)
	default:
		return fmt.Errorf("unknown rule %s", verb)
	}
	return nil
}

// apply gives an operation what the rules say of it.
func (r *serviceRules) apply(op *Operation) {
	if name := r.events[op.Name]; name != "" {
		op.EventName = name
	}
	op.Data = anyMatches(r.data, op.Name)
	if anyMatches(r.reads, op.Name) {
		op.ReadOnly = true
	}
	if anyMatches(r.writes, op.Name) {
		op.ReadOnly = false
	}
	op.defaultSecret = r.sensitive
	for _, rule := range r.secrets {
		if !anyMatches(rule.operations, op.Name) {
			continue
		}
		for _, name := range rule.members {
			if op.secrets == nil {
				op.secrets = map[string]concealment{}
			}
			op.secrets[name] = rule.how
		}
	}
}

// anyMatches reports whether a pattern is name. A pattern may end in *.
func anyMatches(patterns []string, name string) bool {
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(name, prefix) || p == name {
			return true
		}
	}
	return false
}
