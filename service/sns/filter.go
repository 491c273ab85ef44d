package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
)

// A filter is the attribute FilterPolicy of a subscription: it says which messages
// the subscription gets. All of its keys must have a value that one of the key's
// conditions takes. The page is "Amazon SNS message filtering" of AWS's guide.
type filter struct {
	keys     map[string]filterKey
	branches []filter // of $or: one must match
}

// A filterKey has conditions, or a filter of the object that is its value.
type filterKey struct {
	conditions []condition
	inner      *filter
}

// A condition decides about one value: a string, json.Number, bool or nil.
type condition struct {
	matches func(value any) bool
	absent  bool // whether the key must be missing
	present bool // whether any value will do
}

const (
	maxFilterBytes        = 256 << 10
	maxFilterKeys         = 5
	maxFilterDepth        = 5
	maxFilterCombinations = 150

	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// parseFilter reads a filter policy. In the scope of attributes it has one level.
func parseFilter(text, scope string) (*filter, error) {
	if len(text) > maxFilterBytes {
		return nil, fmt.Errorf("the policy has more than %d bytes", maxFilterBytes)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil || tree == nil || d.More() {
		return nil, errors.New("the policy is not a JSON object")
	}
	p := filterParser{nested: scope == scopeBody, combinations: 1}
	f, err := p.object(tree, 1)
	switch {
	case err != nil:
		return nil, err
	case p.keys > maxFilterKeys:
		return nil, fmt.Errorf("the policy has more than %d keys", maxFilterKeys)
	case p.combinations > maxFilterCombinations:
		return nil, fmt.Errorf("the policy has more than %d combinations of values", maxFilterCombinations)
	}
	return f, nil
}

type filterParser struct {
	nested             bool
	keys, combinations int
}

func (p *filterParser) object(tree map[string]any, depth int) (*filter, error) {
	if depth > maxFilterDepth {
		return nil, fmt.Errorf("the policy is nested deeper than %d levels", maxFilterDepth)
	}
	f := &filter{keys: make(map[string]filterKey)}
	for name, value := range tree {
		switch value := value.(type) {
		case []any:
			if name == "$or" {
				for _, branch := range value {
					object, ok := branch.(map[string]any)
					if !ok {
						return nil, errors.New("$or has a list of objects")
					}
					inner, err := p.object(object, depth+1)
					if err != nil {
						return nil, err
					}
					f.branches = append(f.branches, *inner)
				}
				continue
			}
			if len(value) == 0 {
				return nil, fmt.Errorf("the list of %q is empty", name)
			}
			p.keys++
			p.combinations = min(p.combinations*len(value), maxFilterCombinations+1)
			key := filterKey{}
			for _, one := range value {
				c, err := parseCondition(one)
				if err != nil {
					return nil, fmt.Errorf("%q: %w", name, err)
				}
				key.conditions = append(key.conditions, c)
			}
			f.keys[name] = key
		case map[string]any:
			if !p.nested {
				return nil, fmt.Errorf("%q must be a list of conditions", name)
			}
			inner, err := p.object(value, depth+1)
			if err != nil {
				return nil, err
			}
			f.keys[name] = filterKey{inner: inner}
		default:
			return nil, fmt.Errorf("%q must be a list of conditions", name)
		}
	}
	return f, nil
}

func parseCondition(tree any) (condition, error) {
	operator, ok := tree.(map[string]any)
	if !ok {
		if _, list := tree.([]any); list {
			return condition{}, errors.New("a condition is no list")
		}
		return condition{matches: func(value any) bool { return equalValue(tree, value) }}, nil
	}
	if len(operator) != 1 {
		return condition{}, errors.New("a condition has one operator")
	}
	for name, operand := range operator {
		switch name {
		case "exists":
			want, ok := operand.(bool)
			if !ok {
				return condition{}, errors.New("exists is true or false")
			}
			return condition{present: want, absent: !want, matches: func(any) bool { return want }}, nil
		case "anything-but":
			not, err := parseExcluded(operand)
			return condition{matches: func(value any) bool { return !not(value) }}, err
		case "numeric":
			matches, err := parseNumeric(operand)
			return condition{matches: matches}, err
		}
		matches, err := parseTextOperator(name, operand)
		return condition{matches: matches}, err
	}
	panic("unreachable")
}

// parseExcluded reads the operand of anything-but: a value, a list of values, or an
// operator on texts.
func parseExcluded(operand any) (func(any) bool, error) {
	switch operand := operand.(type) {
	case []any:
		if len(operand) == 0 {
			return nil, errors.New("the list of anything-but is empty")
		}
		return func(value any) bool {
			for _, one := range operand {
				if equalValue(one, value) {
					return true
				}
			}
			return false
		}, nil
	case map[string]any:
		for name, inner := range operand {
			if len(operand) == 1 {
				return parseTextOperator(name, inner)
			}
		}
		return nil, errors.New("anything-but has one operator")
	}
	return func(value any) bool { return equalValue(operand, value) }, nil
}

func parseTextOperator(name string, operand any) (func(any) bool, error) {
	text, ok := operand.(string)
	if !ok || text == "" {
		return nil, fmt.Errorf("the operand of %q is not a text", name)
	}
	var matches func(string) bool
	switch name {
	case "prefix":
		matches = func(s string) bool { return strings.HasPrefix(s, text) }
	case "suffix":
		matches = func(s string) bool { return strings.HasSuffix(s, text) }
	case "equals-ignore-case":
		matches = func(s string) bool { return strings.EqualFold(s, text) }
	case "wildcard":
		matches = func(s string) bool { return wildcard(text, s) }
	case "cidr":
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, errors.New("the operand of cidr is not a network")
		}
		matches = func(s string) bool {
			addr, err := netip.ParseAddr(s)
			return err == nil && network.Contains(addr)
		}
	default:
		return nil, fmt.Errorf("there is no operator %q", name)
	}
	return func(value any) bool {
		s, ok := value.(string)
		return ok && matches(s)
	}, nil
}

// parseNumeric reads the operand of numeric, such as [">", 0, "<=", 100].
func parseNumeric(operand any) (func(any) bool, error) {
	bad := errors.New("the operand of numeric is not a list of comparisons with numbers")
	list, ok := operand.([]any)
	if !ok || len(list) == 0 || len(list)%2 != 0 || len(list) > 4 {
		return nil, bad
	}
	type comparison struct {
		operator string
		bound    *big.Float
	}
	var all []comparison
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		bound, ok := number(list[i+1])
		if !ok || !strings.Contains(" = < <= > >= ", " "+operator+" ") || operator == "" {
			return nil, bad
		}
		all = append(all, comparison{operator, bound})
	}
	return func(value any) bool {
		n, ok := number(value)
		if !ok {
			return false
		}
		for _, c := range all {
			order := n.Cmp(c.bound)
			if !strings.Contains(c.operator, map[int]string{-1: "<", 0: "=", 1: ">"}[order]) {
				return false
			}
		}
		return true
	}, nil
}

// maxNumberBytes bounds the numbers that are compared: an exponent is cheap to
// write and dear to compute with.
const maxNumberBytes = 64

func number(v any) (*big.Float, bool) {
	n, ok := v.(json.Number)
	if !ok || len(n) > maxNumberBytes {
		return nil, false
	}
	f, _, err := big.ParseFloat(n.String(), 10, 128, big.ToNearestEven)
	if err != nil || f.IsInf() || f.MantExp(nil) > 1100 || f.MantExp(nil) < -1100 {
		return nil, false
	}
	return f, true
}

func equalValue(want, value any) bool {
	a, isNumber := number(want)
	b, alsoNumber := number(value)
	if isNumber && alsoNumber {
		return a.Cmp(b) == 0
	}
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return !isNumber && !alsoNumber && want == value
}

// wildcard matches a pattern in which * stands for any text.
func wildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, last)
}

// match reports whether an object has what the filter asks for.
func (f *filter) match(object map[string]any) bool {
	for name, key := range f.keys {
		value, there := object[name]
		if !key.match(value, there) {
			return false
		}
	}
	if len(f.branches) == 0 {
		return true
	}
	for i := range f.branches {
		if f.branches[i].match(object) {
			return true
		}
	}
	return false
}

func (k *filterKey) match(value any, there bool) bool {
	if k.inner != nil {
		if list, ok := value.([]any); ok {
			for _, element := range list {
				if object, ok := element.(map[string]any); ok && k.inner.match(object) {
					return true
				}
			}
			return false
		}
		object, _ := value.(map[string]any) // without one, only what must be absent matches
		return k.inner.match(object)
	}
	for _, c := range k.conditions {
		switch {
		case !there:
			if c.absent {
				return true
			}
		case c.present:
			return true
		case c.absent:
		default:
			list, ok := value.([]any)
			if !ok {
				list = []any{value}
			}
			for _, element := range list {
				if _, object := element.(map[string]any); !object && c.matches(element) {
					return true
				}
			}
		}
	}
	return false
}

// lets reports whether a subscription's filter lets a message through.
func (sub *subscription) lets(m *message) bool {
	if sub.FilterPolicy == "" {
		return true
	}
	f, err := parseFilter(sub.FilterPolicy, sub.FilterPolicyScope)
	if err != nil {
		return false // it was checked when it was set
	}
	if sub.FilterPolicyScope != scopeBody {
		return f.match(m.attributeValues())
	}
	d := json.NewDecoder(strings.NewReader(m.text(sub.Protocol)))
	d.UseNumber()
	var body map[string]any
	return d.Decode(&body) == nil && !d.More() && f.match(body)
}

// attributeValues are the attributes as filters see them. Binary ones have no value
// that a condition could take, but they exist.
func (m *message) attributeValues() map[string]any {
	values := make(map[string]any, len(m.Attributes))
	for name, a := range m.Attributes {
		kind, _, _ := strings.Cut(a.Type, ".")
		switch {
		case a.Type == "String.Array":
			d := json.NewDecoder(strings.NewReader(a.Value))
			d.UseNumber()
			var list []any
			if d.Decode(&list) == nil {
				values[name] = list
			}
		case kind == "Number":
			values[name] = json.Number(a.Value)
		case kind == "String":
			values[name] = a.Value
		default:
			values[name] = map[string]any{}
		}
	}
	return values
}
