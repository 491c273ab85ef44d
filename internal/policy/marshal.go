package policy

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// MarshalJSON returns the policy in one form for all ways of writing it:
// elements in AWS's order, every list as an array, every value as a string. What
// is stored and handed out should be the original document instead.
func (p *Policy) MarshalJSON() ([]byte, error) {
	b := append([]byte(`{"Version":`), strconv.Quote(p.Version)...)
	if p.ID != "" {
		b = appendMember(b, "Id", p.ID)
	}
	b = append(b, `,"Statement":[`...)
	for i := range p.Statements {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.Statements[i].appendJSON(b)
	}
	return append(b, "]}"...), nil
}

func (s *Statement) appendJSON(b []byte) []byte {
	effect := "Allow"
	if s.Deny {
		effect = "Deny"
	}
	b = append(b, `{"Effect":"`...)
	b = append(append(b, effect...), '"')
	if s.Sid != "" {
		b = appendMember(b, "Sid", s.Sid)
	}
	if len(s.Principals) > 0 {
		b = append(b, `,"`+elementName("Principal", s.NotPrincipal)+`":{`...)
		b = appendPrincipals(b, s.Principals)
		b = append(b, '}')
	}
	b = appendMember(b, elementName("Action", s.NotAction), s.Actions...)
	if len(s.Resources) > 0 {
		b = appendMember(b, elementName("Resource", s.NotResource), s.Resources...)
	}
	if len(s.Conditions) > 0 {
		b = append(b, `,"Condition":`...)
		b = appendConditions(b, s.Conditions)
	}
	return append(b, '}')
}

func appendPrincipals(b []byte, names []PrincipalName) []byte {
	first := true
	for _, t := range []string{"AWS", "Service", "Federated", "CanonicalUser"} {
		var list []string
		for i := range names {
			if names[i].Type == t {
				list = append(list, names[i].Name)
			}
		}
		if len(list) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, t), ':')
		b = appendList(b, list)
	}
	return b
}

// appendConditions writes the conditions, those under one operator together.
// They stand together already.
func appendConditions(b []byte, conditions []Condition) []byte {
	b = append(b, '{')
	for i := range conditions {
		c := &conditions[i]
		switch {
		case i > 0 && conditions[i-1].Operator == c.Operator:
			b = append(b, ',')
		case i > 0:
			b = append(b, "},"...)
			fallthrough
		default:
			b = append(appendString(b, c.Operator), ":{"...)
		}
		b = append(appendString(b, c.Key), ':')
		b = appendList(b, c.Values)
	}
	return append(b, "}}"...)
}

// appendMember writes a member that is not the first, with one value or a list.
func appendMember(b []byte, name string, values ...string) []byte {
	b = append(appendString(append(b, ','), name), ':')
	if name == "Id" || name == "Sid" {
		return appendString(b, values[0])
	}
	return appendList(b, values)
}

func appendList(b []byte, values []string) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, v)
	}
	return append(b, ']')
}

// appendString cannot fail: all strings of a parsed policy are valid UTF-8.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
