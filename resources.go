package cairn

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// MaxResources is how many resources of one record are kept.
const MaxResources = 256

// resources reads the record's own list of resources. Their names are chosen by
// callers and may be any text: an S3 object's key can hold a line feed.
func (x *extraction) resources(i int) int {
	if x.b[i] != '[' {
		return x.null(i, "not an array")
	}
	x.depth++
	x.controls = true
	i = x.space(i + 1)
	for n := 0; ; n++ {
		if i >= len(x.b) {
			return x.fail(i, reasonEOF)
		}
		switch {
		case x.b[i] == ']':
			x.depth--
			x.controls = false
			return i + 1
		case n > 0 && x.b[i] != ',':
			return x.fail(i, "no comma or ] behind an element")
		case n > 0:
			if i = x.space(i + 1); i >= len(x.b) {
				return x.fail(i, reasonEOF)
			}
		}
		if x.b[i] != '{' {
			x.fail(i, "not an object")
			x.blame(fmt.Sprintf("[%d]", n))
			return -1
		}
		var arn, prefix, typ string
		if i = x.object(i, resourceNames, []*string{&arn, &typ, &prefix}); i < 0 {
			x.blame(fmt.Sprintf("[%d]", n))
			return -1
		}
		if arn == "" {
			arn = prefix
		}
		x.addNamed(typ, arn)
		x.typed = x.typed || typ != ""
		i = x.space(i)
	}
}

var resourceNames = []string{"ARN", "type", "ARNPrefix"}

// addNamed adds a resource, and, when its name is an ARN, once more under the
// short name that people search by.
func (x *extraction) addNamed(typ, name string) {
	x.add(typ, name)
	if strings.HasPrefix(name, "arn:") {
		x.add(typ, shortName(typ, name))
	}
}

// add adds a resource that is not there yet.
func (x *extraction) add(typ, name string) {
	if name == "" || len(x.r.Resources) >= MaxResources {
		return
	}
	res := Resource{Type: typ, Name: name}
	if !slices.Contains(x.r.Resources, res) {
		x.r.Resources = append(x.r.Resources, res)
	}
}

// referenced finds the resources of a record that lists none, or none with a
// type, in its request and its answer.
func (x *extraction) referenced() {
	if x.request.end == 0 && x.response.end == 0 {
		return
	}
	rules := resourceRules().find(x.r.EventSource, x.r.EventName)
	if rules == nil {
		return
	}
	x.lenient = true
	x.follow(&rules.request, x.request)
	x.follow(&rules.response, x.response)
}

func (x *extraction) follow(n *resourceNode, body span) {
	if body.end != 0 && len(n.children) > 0 {
		x.walk(n, body.start)
	}
}

// walk adds the resources that n and the nodes below it find in the value at i.
// An array stands for each of its elements. The text was checked before, so
// nothing can fail here.
func (x *extraction) walk(n *resourceNode, i int) int {
	switch x.b[i] {
	case '{':
		if len(n.children) == 0 {
			return x.skip(i)
		}
		i++
		for first := true; ; first = false {
			name, at, value := x.member(i, first)
			if value <= 0 {
				return at
			}
			if child := n.child(name); child != nil {
				i = x.walk(child, value)
			} else {
				i = x.skip(value)
			}
		}
	case '[':
		for i = x.space(i + 1); x.b[i] != ']'; {
			if x.b[i] == ',' {
				i = x.space(i + 1)
			}
			i = x.space(x.walk(n, i))
		}
		return i + 1
	case '"':
		end, odd := x.str(i + 1)
		if n.named && end > i+1 {
			name := alias(x.b[i+1 : end])
			if odd != 0 {
				name, _ = x.unusual(i+1, end, odd)
				name = strings.ToValidUTF8(name, "\uFFFD")
			}
			x.addNamed(n.typ, name)
		}
		return end + 1
	}
	return x.skip(i)
}

// resources.txt says where requests and answers name resources.
//
//go:embed resources.txt
var resourceTable string

var resourceRules = sync.OnceValue(func() ruleSet {
	set, err := parseResourceTable(resourceTable)
	if err != nil {
		panic("resources.txt: " + err.Error())
	}
	return set
})

// A ruleSet has the rules for each event source.
type ruleSet map[string]*sourceRules

// sourceRules are the rules for one event source: for the events that the table
// names, and for all others.
type sourceRules struct {
	byName map[string]*eventRules
	others eventRules
}

// eventRules say which parts of a request and of an answer name resources.
type eventRules struct{ request, response resourceNode }

// A resourceNode stands for a member of an object: when named is set, its text
// names a resource of the type typ. children are the members below it that
// matter.
type resourceNode struct {
	name     string
	named    bool
	typ      string
	children []resourceNode
}

func (s ruleSet) find(source, event string) *eventRules {
	rules := s[source]
	if rules == nil {
		return nil
	}
	if named := rules.byName[event]; named != nil {
		return named
	}
	return &rules.others
}

func (n *resourceNode) child(name string) *resourceNode {
	for i := range n.children {
		if n.children[i].name == name {
			return &n.children[i]
		}
	}
	return nil
}

// set notes the type for the node at path below n, as the table gives it.
func (n *resourceNode) set(path []string, typ string) {
	for _, name := range path {
		child := n.child(name)
		if child == nil {
			n.children = append(n.children, resourceNode{name: name})
			child = &n.children[len(n.children)-1]
		}
		n = child
	}
	n.named = typ != "-"
	n.typ = strings.Trim(typ, "-?")
}

// parseResourceTable reads the form that the table's first lines describe. The
// rules for all events of a source go to the named ones as well, where a named
// one can set another type for the same path.
func parseResourceTable(table string) (ruleSet, error) {
	set := make(ruleSet)
	var rules *sourceRules
	named := false
	for n, line := range strings.Split(table, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case len(fields) == 1 && line[0] != ' ':
			if set[fields[0]] != nil {
				return nil, fmt.Errorf("line %d: source %s comes twice", n+1, fields[0])
			}
			rules = &sourceRules{byName: make(map[string]*eventRules)}
			set[fields[0]] = rules
			named = false
		case len(fields) == 3 && rules != nil:
			if err := rules.set(fields[0], fields[1], fields[2], &named); err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
		default:
			return nil, fmt.Errorf("line %d: neither a source nor a rule", n+1)
		}
	}
	return set, nil
}

// set takes one rule.
func (s *sourceRules) set(events, path, typ string, named *bool) error {
	steps := strings.Split(path, ".")
	side := steps[0]
	steps = steps[1:]
	if side != "request" && side != "response" || len(steps) == 0 || slices.Contains(steps, "") {
		return fmt.Errorf("path %s is not request.… or response.…", path)
	}
	if typ != "-" && typ != "?" && !strings.HasPrefix(typ, "AWS::") {
		return fmt.Errorf("resource type %s is not of the form AWS::Service::Kind", typ)
	}
	if events == "*" {
		if *named {
			return errors.New("a rule for all events stands behind one for named events")
		}
		s.others.side(side).set(steps, typ)
		return nil
	}
	*named = true
	for _, event := range strings.Split(events, ",") {
		if s.byName[event] == nil {
			s.byName[event] = &eventRules{s.others.request.clone(), s.others.response.clone()}
		}
		s.byName[event].side(side).set(steps, typ)
	}
	return nil
}

func (r *eventRules) side(name string) *resourceNode {
	if name == "request" {
		return &r.request
	}
	return &r.response
}

func (n *resourceNode) clone() resourceNode {
	c := resourceNode{name: n.name, named: n.named, typ: n.typ, children: make([]resourceNode, len(n.children))}
	for i := range n.children {
		c.children[i] = n.children[i].clone()
	}
	return c
}
