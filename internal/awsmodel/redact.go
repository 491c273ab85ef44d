package awsmodel

import (
	"encoding/json"
	"strings"
)

// Hidden is what CloudTrail writes in place of a secret.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Masked is what some services write instead, such as organizations.
const Masked = "****"

// concealment is how a secret is taken out.
type concealment uint8

const (
	hide concealment = iota // Hidden in its place
	mask                    // Masked in its place
	omit                    // the member is left out
	show                    // it is no secret, though the model marks it
)

var concealments = map[string]concealment{"hide": hide, "mask": mask, "omit": omit, "show": show}

// RedactInput returns a request's parameters without secrets. The tree has the
// API's member names or those of the wire, in any case; its values are
// map[string]any, []any, strings, booleans, numbers and nil. It is not changed; the
// result shares what is the same.
//
// Secret is what the model or the hand-kept table marks, whole, whatever its type. A
// value that does not have the shape the model gives it, and a member that the model
// does not know, are judged by their names, and taken out where the shape has anything
// secret in it. Presigned URLs lose their signatures.
func (op *Operation) RedactInput(parameters map[string]any) map[string]any {
	return redactor{op, op.secrets}.tree(op.Input(), parameters)
}

// RedactOutput does to an answer what [Operation.RedactInput] does to parameters.
func (op *Operation) RedactOutput(answer map[string]any) map[string]any {
	return redactor{op, op.secrets}.tree(op.Output(), answer)
}

// RedactError does the same to the members of an error that the operation answered. The
// hand-kept names are not asked: they are those of requests and answers, and one of
// them, Message, is that of every error's text.
func (op *Operation) RedactError(code string, members map[string]any) map[string]any {
	for _, s := range op.Errors() {
		if s.Code == code || s.Name == code {
			return redactor{op: op}.tree(s, members)
		}
	}
	return redactor{op: op}.tree(nil, members)
}

// tree redacts the root of a tree.
func (r redactor) tree(s *Shape, tree map[string]any) map[string]any {
	if tree == nil {
		return nil
	}
	if s != nil && s.Sensitive {
		clean := map[string]any{}
		for name := range tree {
			if r.op.defaultSecret != omit {
				clean[name] = r.conceal(r.op.defaultSecret)
			}
		}
		return clean
	}
	v, _, _ := r.value(s, tree, 0)
	clean, _ := v.(map[string]any)
	return clean
}

// maxDepth is far beyond what decoders pass on. What is deeper is hidden whole.
const maxDepth = 512

// redactor walks a tree beside its shape. A nil shape is one that nothing is known of.
type redactor struct {
	op      *Operation
	secrets map[string]concealment // by name in lower case
}

// value returns what takes v's place. changed tells whether that is another value, and
// drop whether v is to be left out.
func (r redactor) value(s *Shape, v any, depth int) (clean any, changed, drop bool) {
	if v == nil {
		return nil, false, false
	}
	if s != nil && s.Sensitive {
		return r.conceal(r.op.defaultSecret), true, r.op.defaultSecret == omit
	}
	if depth > maxDepth {
		return Hidden, true, false
	}
	switch v := v.(type) {
	case map[string]any:
		return r.object(s, v, depth)
	case []any:
		return r.array(s, v, depth)
	case string:
		if s != nil && s.Kind <= Map && s.secretBelow() {
			return Hidden, true, false // what it holds was not decoded
		}
		if u, ok := redactURL(v); ok {
			return u, true, false
		}
	case bool, float64, int, int64, json.Number:
	default:
		// Not a tree as decoders make them: nothing can be said of what is in it.
		if s != nil && s.Kind <= Map && s.secretBelow() {
			return Hidden, true, false
		}
	}
	return v, false, false
}

func (r redactor) object(s *Shape, tree map[string]any, depth int) (any, bool, bool) {
	if s != nil && s.Kind == Map && s.Key.Shape().Sensitive {
		return r.conceal(r.op.defaultSecret), true, r.op.defaultSecret == omit
	}
	var clean map[string]any
	for name, v := range tree {
		value, changed, drop := r.member(s, name, v, depth+1)
		if !changed && !drop {
			continue
		}
		if clean == nil {
			clean = make(map[string]any, len(tree))
			for n, v := range tree {
				clean[n] = v
			}
		}
		if drop {
			delete(clean, name)
		} else {
			clean[name] = value
		}
	}
	if clean == nil {
		return tree, false, false
	}
	return clean, true, false
}

func (r redactor) member(s *Shape, name string, v any, depth int) (any, bool, bool) {
	if how, ok := r.secrets[strings.ToLower(name)]; ok && v != nil && (s == nil || s.Kind != Map) {
		if text, ok := v.(string); how == show && ok {
			clean, changed := redactURL(text)
			return clean, changed, false
		}
		if how == show {
			how = r.op.defaultSecret // it is something else than the rule means
		}
		return r.conceal(how), true, how == omit
	}
	switch {
	case s == nil:
		return r.unknown(name, v, depth)
	case s.Kind == Structure:
		if m := s.memberFold(name); m != nil {
			return r.value(m.Shape(), v, depth)
		}
		return r.unknown(name, v, depth)
	case s.Kind == List:
		// A list in XML's clothes, such as EC2's {"items": […]}.
		if secretName(name) {
			break
		}
		if _, ok := v.([]any); ok {
			return r.value(s, v, depth)
		}
		return r.value(s.Element.Shape(), v, depth)
	case s.Kind == Map:
		return r.value(s.Value.Shape(), v, depth)
	}
	return r.unknown(name, v, depth)
}

func (r redactor) array(s *Shape, list []any, depth int) (any, bool, bool) {
	element := s
	switch {
	case s != nil && s.Kind == List:
		element = s.Element.Shape()
	case s != nil && s.Kind == Map && s.Key.Shape().Sensitive:
		return r.conceal(r.op.defaultSecret), true, r.op.defaultSecret == omit
	case s != nil && s.Kind > Map:
		element = nil
	}
	var clean []any
	kept := 0
	for i, v := range list {
		value, changed, drop := r.element(element, v, depth+1)
		if clean == nil && (changed || drop) {
			clean = append(make([]any, 0, len(list)), list[:i]...)
		}
		if clean != nil && !drop {
			clean = append(clean, value)
		}
		if !drop {
			kept++
		}
	}
	if clean == nil {
		return list, false, false
	}
	return clean, true, kept == 0
}

func (r redactor) element(s *Shape, v any, depth int) (any, bool, bool) {
	pair, ok := v.(map[string]any)
	if !ok || s == nil || s.Kind != Map {
		return r.value(s, v, depth)
	}
	// A list in place of a map is one of pairs, as XML writes maps. The value may be
	// secret; the key is not, or the map would be hidden whole.
	clean := make(map[string]any, len(pair))
	for name, v := range pair {
		shape := s.Value.Shape()
		if strings.EqualFold(name, "key") || strings.EqualFold(name, s.Key.WireName) {
			shape = s.Key.Shape()
		}
		if value, _, drop := r.value(shape, v, depth+1); !drop {
			clean[name] = value
		}
	}
	return clean, true, false
}

// unknown judges a member that the model does not have by its name.
func (r redactor) unknown(name string, v any, depth int) (any, bool, bool) {
	if v != nil && secretName(name) {
		return r.conceal(r.op.defaultSecret), true, r.op.defaultSecret == omit
	}
	return r.value(nil, v, depth)
}

func (r redactor) conceal(how concealment) any {
	if how == mask {
		return Masked
	}
	return Hidden
}

// memberFold returns the member that a name in any case means.
func (s *Shape) memberFold(name string) *Member {
	if m := s.Member(name); m != nil {
		return m
	}
	for i := range s.Members {
		if strings.EqualFold(s.Members[i].WireName, name) || strings.EqualFold(s.Members[i].Name, name) {
			return &s.Members[i]
		}
	}
	return nil
}

// secretBelow reports whether the shape, or one that it leads to, is secret.
func (s *Shape) secretBelow() bool {
	if known := s.secret.Load(); known != 0 {
		return known == 2
	}
	found := int32(1)
	if s.reachesSecret(map[*Shape]bool{}) {
		found = 2
	}
	s.secret.Store(found)
	return found == 2
}

func (s *Shape) reachesSecret(seen map[*Shape]bool) bool {
	if s.Sensitive {
		return true
	}
	if seen[s] {
		return false
	}
	seen[s] = true
	for i := range s.Members {
		if s.Members[i].Shape().reachesSecret(seen) {
			return true
		}
	}
	for _, m := range []*Member{s.Element, s.Key, s.Value} {
		if m != nil && m.Shape().reachesSecret(seen) {
			return true
		}
	}
	return false
}
