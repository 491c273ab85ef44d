package timeline

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"cairn"
)

// A call is what a record says of a request and its answer, as trees of
// map[string]any, []any, string, bool, nil and json.Number.
type call struct {
	event  *cairn.Event
	names  map[string]bool // by which the resource goes in the call
	bodies map[string]any  // request and response
}

// readCall reads a record's request and answer. What cannot be read is empty.
func readCall(e *cairn.Event, names map[string]bool) *call {
	var raw struct {
		Request  json.RawMessage `json:"requestParameters"`
		Response json.RawMessage `json:"responseElements"`
	}
	_ = json.Unmarshal(e.Raw, &raw) // the record was checked when it was stored
	return &call{event: e, names: names, bodies: map[string]any{"request": decode(raw.Request), "response": decode(raw.Response)}}
}

func decode(raw []byte) any {
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return plain(v)
}

// plain takes off the wrappers of EC2's lists and attributes: {"items": […]} and
// {"value": …}.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			if items, ok := v["items"].([]any); ok {
				return plain(items)
			}
			if value, ok := v["value"]; ok {
				return plain(value)
			}
		}
		for name := range v {
			v[name] = plain(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

// at returns what the call has at a path; nil if nothing. A path can also be
// "=text", "rest" for the request without what names the resource, "filled" for
// that without what is empty, "response*" for the part of the answer that
// describes the resource, and several with | between them, of which the first
// counts that has anything.
func (c *call) at(path string) any {
	if text, ok := strings.CutPrefix(path, "="); ok {
		switch text {
		case "true", "false":
			return text == "true"
		}
		return text
	}
	for first, others, more := strings.Cut(path, "|"); more; first, others, more = strings.Cut(others, "|") {
		if v := c.at(first); !empty(v) {
			return v
		}
		path = others
	}
	switch path {
	case "rest":
		return c.rest()
	case "filled":
		left, _ := c.rest().(map[string]any)
		left = maps.Clone(left)
		maps.DeleteFunc(left, func(_ string, v any) bool { return empty(v) })
		if len(left) == 0 {
			return nil
		}
		return left
	case "response*":
		return c.described()
	}
	names := strings.Split(path, ".")
	v := c.bodies[names[0]]
	for _, name := range names[1:] {
		v = c.selected(v)
		switch inner := v.(type) {
		case map[string]any:
			v = inner[name]
		case []any:
			var all []any
			for _, element := range inner {
				if m, ok := element.(map[string]any); ok && m[name] != nil {
					if list, ok := m[name].([]any); ok {
						all = append(all, list...)
					} else {
						all = append(all, m[name])
					}
				}
			}
			if v = any(all); len(all) == 0 {
				return nil
			}
		default:
			return nil
		}
	}
	return c.selected(v)
}

// selected is the element of a list that names the resource, or the list if none
// does.
func (c *call) selected(v any) any {
	list, _ := v.([]any)
	for _, element := range list {
		m, _ := element.(map[string]any)
		for _, member := range m {
			if text, ok := member.(string); ok && c.names[text] {
				return element
			}
		}
	}
	return v
}

// rest is the request without the members that name the resource, say nothing, or
// are those of HTTP; of a single member that is an object, the object.
func (c *call) rest() any {
	request, _ := c.bodies["request"].(map[string]any)
	left := make(map[string]any)
	for name, v := range request {
		text, isText := v.(string)
		if isText && (text == "" || c.names[text]) || v == nil || strings.EqualFold(name, "host") || strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			continue
		}
		left[name] = v
	}
	if len(left) == 1 {
		for _, v := range left {
			switch v.(type) {
			case map[string]any, []any:
				return v
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left
}

// empty says whether a value is nothing, or an object or a list without members,
// as EC2 has them for what a request does not name.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// described is the answer's object that the resource is described by: the only
// object in it, or the whole.
func (c *call) described() any {
	response, _ := c.bodies["response"].(map[string]any)
	var only any
	objects := 0
	for _, v := range response {
		switch v := c.selected(v).(type) {
		case map[string]any:
			objects++
			only = v
		}
	}
	if objects == 1 {
		return only
	}
	return c.bodies["response"]
}

// document turns a text that is a policy into what it says, so that two of them
// can be compared member by member. IAM's answers have them escaped as in URLs.
func document(v any) any {
	text, ok := v.(string)
	if !ok || len(text) > maxValueBytes {
		return v
	}
	if strings.HasPrefix(text, "%7B") || strings.HasPrefix(text, "%7b") {
		if plain, err := url.QueryUnescape(text); err == nil {
			text = plain
		}
	}
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || !json.Valid([]byte(text)) {
		return v
	}
	if m, ok := decode([]byte(text)).(map[string]any); ok {
		return m
	}
	return v
}

// size is about how many bytes a tree has as JSON.
func size(v any) int {
	switch v := v.(type) {
	case map[string]any:
		n := 2
		for name, member := range v {
			n += len(name) + 4 + size(member)
		}
		return n
	case []any:
		n := 2
		for _, element := range v {
			n += 1 + size(element)
		}
		return n
	case string:
		return len(v) + 2
	case json.Number:
		return len(v)
	}
	return 5
}

// equal says whether two trees say the same. Numbers are compared as written.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// encoded is a text that two trees share if they are equal.
func encoded(v any) string {
	b, err := json.Marshal(v) // in which members are sorted
	if err != nil {
		return "" // trees come from JSON, of which this cannot be said
	}
	return string(b)
}

// fits says whether a tree has what a part of one says.
func fits(v, part any) bool {
	want, ok := part.(map[string]any)
	have, same := v.(map[string]any)
	if !ok || !same {
		return equal(v, part)
	}
	for name, member := range want {
		if !equal(have[name], member) {
			return false
		}
	}
	return len(want) > 0
}
