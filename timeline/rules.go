package timeline

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed rules.txt
var ruleTable string

// rules are those of the table.
var rules = sync.OnceValue(func() ruleSet {
	set, err := parseRules(ruleTable)
	if err != nil {
		panic("rules.txt: " + err.Error())
	}
	return set
})

// A ruleKey is what a rule is for.
type ruleKey struct{ source, event, typ string }

type ruleSet map[ruleKey][]rule

// A rule says what a call does to a resource.
type rule struct {
	effect string
	args   []string
}

// effectArgs are how many arguments effects have; -1 stands for one or more.
var effectArgs = map[string]int{
	"create": -1, "ensure": -1, "delete": 0, "merge": -1, "set": 2, "unset": 1, "put": 3, "drop": 2, "add": 2, "remove": 2,
	"tag": 1, "untag": 1, "retag": 1, "rename": 2, "relate": 3, "unrelate": 3, "none": 0,
}

// parseRules reads the form that the table's first lines describe.
func parseRules(table string) (ruleSet, error) {
	set := make(ruleSet)
	source := ""
	for n, line := range strings.Split(table, "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case len(fields) == 1 && line[0] != ' ':
			source = fields[0]
		case len(fields) >= 3 && source != "" && strings.HasPrefix(fields[1], "AWS::"):
			r := rule{fields[2], fields[3:]}
			if want, ok := effectArgs[r.effect]; !ok || want >= 0 && want != len(r.args) || want < 0 && len(r.args) == 0 {
				return nil, fmt.Errorf("line %d: effect %s does not exist, or has other arguments", n+1, r.effect)
			}
			for event := range strings.SplitSeq(fields[0], ",") {
				key := ruleKey{source, event, fields[1]}
				set[key] = append(set[key], r)
			}
		default:
			return nil, fmt.Errorf("line %d: neither a source nor a rule", n+1)
		}
	}
	return set, nil
}

// baseName is an event's name without the date of the API that Lambda and
// CloudFront put behind it: CreateFunction20150331, UpdateDistribution2020_05_31.
func baseName(event string) string {
	i := len(event)
	for i > 0 && (event[i-1] >= '0' && event[i-1] <= '9' || event[i-1] == '_' || event[i-1] == 'v') {
		i--
	}
	if len(event)-i < len("20150331") {
		return event
	}
	return event[:i]
}
