package policy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A ParseError says where a document is wrong.
type ParseError struct {
	Path   string // e.g. "Statement[1].Condition.StringLikes", or "" for the document
	Offset int64  // of the first byte at fault
	Reason string
}

func (e *ParseError) Error() string {
	path := e.Path
	if path == "" {
		path = "policy document"
	}
	return fmt.Sprintf("%s: %s at byte %d", path, e.Reason, e.Offset)
}

// Parse reads a policy document. It refuses what is wrong in every kind of
// policy: JSON that is not valid or has a name twice in one object, elements
// that do not exist or are missing, values that an operator cannot compare.
// [Policy.Validate] then checks what depends on the kind. Every error is a
// [*ParseError].
func Parse(document []byte) (*Policy, error) {
	r := &reader{dec: jsontext.NewDecoder(bytes.NewBuffer(document))}
	parsed := r.document()
	if r.err == nil {
		end := int(r.dec.InputOffset())
		if rest := bytes.TrimLeft(document[end:], " \t\r\n"); len(rest) > 0 {
			r.fail("", int64(len(document)-len(rest)), "there is more behind the document")
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	p, err := parsed.compile()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// compile checks the texts and makes what is evaluated.
func (d *documentText) compile() (*Policy, error) {
	p := &Policy{Version: Version2008, ID: d.id, Statements: make([]Statement, len(d.statements))}
	if d.version != nil {
		p.Version = d.version.value
		if p.Version != Version2008 && p.Version != Version2012 {
			return nil, &ParseError{"Version", d.version.offset, fmt.Sprintf("must be %q or %q", Version2012, Version2008)}
		}
	}
	for i := range d.statements {
		if err := d.statements[i].compile(&p.Statements[i], p.Version == Version2012); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (t *statementText) compile(s *Statement, variables bool) error {
	switch {
	case t.effect == nil:
		return &ParseError{t.path, t.offset, "Effect is missing"}
	case t.effect.value != "Allow" && t.effect.value != "Deny":
		return &ParseError{t.path + ".Effect", t.effect.offset, `must be "Allow" or "Deny"`}
	case !t.hasAction:
		return &ParseError{t.path, t.offset, "Action is missing"}
	}
	s.offset = t.offset
	s.Sid, s.Deny = t.sid, t.effect.value == "Deny"
	s.NotPrincipal, s.NotAction, s.NotResource = t.notPrincipal, t.notAction, t.notResource
	for _, p := range t.principals {
		name, err := parsePrincipalName(p.kind, p.name.value)
		if err != nil {
			return &ParseError{p.path, p.name.offset, err.Error()}
		}
		s.Principals = append(s.Principals, name)
	}
	for _, a := range t.actions {
		compiled, err := compileAction(a.value)
		if err != nil {
			return &ParseError{t.path + "." + elementName("Action", t.notAction), a.offset, err.Error()}
		}
		s.Actions = append(s.Actions, a.value)
		s.actions = append(s.actions, compiled)
	}
	for _, r := range t.resources {
		compiled, err := compileResource(r.value, variables)
		if err != nil {
			return &ParseError{t.path + "." + elementName("Resource", t.notResource), r.offset, err.Error()}
		}
		s.Resources = append(s.Resources, r.value)
		s.resources = append(s.resources, compiled)
	}
	for i := range t.conditions {
		c, err := t.conditions[i].compile(variables)
		if err != nil {
			return err
		}
		s.Conditions = append(s.Conditions, c)
	}
	return nil
}

func (t *conditionText) compile(variables bool) (Condition, error) {
	c := Condition{Operator: t.operator.value, Key: t.key.value, key: strings.ToLower(t.key.value)}
	var ok bool
	if c.op, c.set, c.ifExists, ok = parseOperator(t.operator.value); !ok {
		return c, &ParseError{t.path, t.operator.offset, fmt.Sprintf("unknown operator %q", t.operator.value)}
	}
	if vendor, name, ok := strings.Cut(t.key.value, ":"); !ok || vendor == "" || name == "" {
		return c, &ParseError{t.path, t.key.offset, fmt.Sprintf("condition key %q has no prefix such as \"aws:\"", t.key.value)}
	}
	c.Values = make([]string, len(t.values))
	c.values = make([]conditionValue, len(t.values))
	for i, v := range t.values {
		var err error
		c.Values[i] = v.value
		if c.values[i], err = c.op.compile(v.value, variables); err != nil {
			return c, &ParseError{t.path + "." + t.key.value, v.offset, err.Error()}
		}
	}
	return c, nil
}

// compileAction makes the pattern of "*" or of a service prefix, a colon and a
// name with wildcards.
func compileAction(s string) (pattern, error) {
	if s != "*" {
		service, name, ok := strings.Cut(s, ":")
		switch {
		case !ok || service == "" || name == "":
			return pattern{}, fmt.Errorf("action %q has no service prefix such as \"cloudtrail:\"", s)
		case !isWord(service, "-") && s != "*:*":
			return pattern{}, fmt.Errorf("action %q: the service prefix must be letters, digits and hyphens", s)
		case !isWord(name, "-_.*?"):
			return pattern{}, fmt.Errorf("action %q has characters that no action has", s)
		}
	}
	return compilePattern(s, false, true)
}

// compileResource makes the pattern of "*" or of an ARN. AWS takes variables
// only in the last of the ARN's six parts.
func compileResource(s string, variables bool) (pattern, error) {
	if s == "" {
		return pattern{}, errors.New("resource is empty")
	}
	if before, _, ok := strings.Cut(s, "${"); ok && variables && strings.Count(before, ":") < 5 {
		return pattern{}, fmt.Errorf("resource %q has a policy variable before the fifth colon", s)
	}
	return compilePattern(s, variables, true)
}

// elementName returns the name of an element or of its opposite.
func elementName(name string, not bool) string {
	if not {
		return "Not" + name
	}
	return name
}

// isWord tells whether s is ASCII letters, digits and characters of more.
func isWord(s, more string) bool {
	return !slices.ContainsFunc([]byte(s), func(b byte) bool {
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		return !letter && (b < '0' || b > '9') && !strings.Contains(more, string(rune(b)))
	})
}
