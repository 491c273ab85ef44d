package timeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The bounds of a configuration.
const (
	maxValueBytes  = 64 << 10  // of one part
	maxConfigBytes = 256 << 10 // of all
	maxParts       = 500       // on the first level
	maxElements    = 1000      // of a list, or of parts with keys
)

// A configuration is what is known of how a resource is set up. Its trees are
// never changed, only replaced, so that what was can be compared with what is.
type configuration struct {
	parts   map[string]any
	bytes   int
	cut     bool
	changed map[string]any // by the call under way: what the parts were before
	removed map[string]bool
}

func newConfiguration() *configuration { return &configuration{parts: make(map[string]any)} }

// begin forgets what the call before changed.
func (c *configuration) begin() {
	c.changed, c.removed = make(map[string]any), make(map[string]bool)
}

// set sets a part, or takes it away if v is nil.
func (c *configuration) set(name string, v any) {
	old, had := c.parts[name]
	if _, noted := c.changed[name]; !noted {
		c.changed[name] = old
	}
	c.removed[name] = v == nil
	if had {
		c.bytes -= len(name) + size(old)
		delete(c.parts, name)
	}
	if v == nil {
		return
	}
	if n := size(v); n > maxValueBytes {
		v, c.cut = map[string]any{"omitted": fmt.Sprintf("%d bytes", n)}, true
	}
	n := len(name) + size(v)
	if c.bytes+n > maxConfigBytes || len(c.parts) == maxParts {
		c.cut = true
		return
	}
	c.bytes += n
	c.parts[name] = v
}

// merge sets each member of an object. Those that say nothing are passed over.
func (c *configuration) merge(v any) {
	m, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if text, isText := m[name].(string); m[name] == nil || isText && text == "" || noise[name] || strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			continue
		}
		switch name {
		case "tags", "tagSet", "tagSpecificationSet", "tagList", "tagsList":
			c.tag(m[name], false)
			continue
		}
		c.set(name, document(m[name]))
	}
}

// noise are members of requests and answers that say nothing of a resource.
var noise = map[string]bool{"requestId": true, "_return": true, "Host": true, "host": true, "clientToken": true, "clientRequestToken": true, "dryRun": true}

// add puts a value, or each of several, at the end of a list.
func (c *configuration) add(name string, v any) {
	list, _ := c.parts[name].([]any)
	list = slices.Clone(list)
	have := make(map[string]bool, len(list))
	for _, element := range list {
		have[encoded(element)] = true
	}
	for _, element := range elementsOf(v) {
		if len(list) == maxElements {
			c.cut = true
			break
		}
		if key := encoded(element); !have[key] {
			have[key] = true
			list = append(list, element)
		}
	}
	c.set(name, list)
}

// remove takes what a value describes out of a list. A part of an element
// describes it, too, where there are few of them.
func (c *configuration) remove(name string, v any) {
	list, _ := c.parts[name].([]any)
	gone := elementsOf(v)
	whole := make(map[string]bool, len(gone))
	for _, element := range gone {
		whole[encoded(element)] = true
	}
	few := gone[:min(len(gone), 32)]
	left := slices.DeleteFunc(slices.Clone(list), func(have any) bool {
		return whole[encoded(have)] || slices.ContainsFunc(few, func(part any) bool { return fits(have, part) })
	})
	if len(left) == 0 {
		c.set(name, nil)
	} else {
		c.set(name, left)
	}
}

func elementsOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// put sets one of several parts that have keys; nil takes it away.
func (c *configuration) put(name, key string, v any) { c.putAll(name, map[string]any{key: v}) }

// putAll is put for many keys: what there is is copied and measured once, whatever
// their number.
func (c *configuration) putAll(name string, changes map[string]any) {
	if len(changes) == 0 {
		return
	}
	old, _ := c.parts[name].(map[string]any)
	m := maps.Clone(old)
	if m == nil {
		m = make(map[string]any)
	}
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		v := changes[key]
		if v == nil {
			delete(m, key)
		} else if _, had := m[key]; had || len(m) < maxElements {
			m[key] = document(v)
		} else {
			c.cut = true
		}
	}
	if len(m) == 0 {
		c.set(name, nil)
	} else {
		c.set(name, m)
	}
}

// tag sets or takes away tags, in any of the forms that services have for them:
// lists of keys and values, objects, keys alone, or these somewhere in a request.
func (c *configuration) tag(v any, away bool) {
	found := make(map[string]any)
	findTags(v, found, 0)
	if away {
		for key := range found {
			found[key] = nil
		}
	}
	c.putAll("tags", found)
}

// retag makes tags all that there are.
func (c *configuration) retag(v any) {
	c.set("tags", nil)
	c.tag(v, false)
}

// findTags collects tags out of a tree.
func findTags(v any, found map[string]any, depth int) {
	if depth > 8 || len(found) > maxElements {
		return
	}
	switch v := v.(type) {
	case string:
		found[v] = ""
	case []any:
		for _, element := range v {
			findTags(element, found, depth+1)
		}
	case map[string]any:
		for _, names := range [][2]string{{"key", "value"}, {"Key", "Value"}, {"tagKey", "tagValue"}} {
			if key, ok := v[names[0]].(string); ok {
				found[key] = text(v[names[1]])
				return
			}
		}
		inner := false
		for name, member := range v {
			if lower := strings.ToLower(name); strings.Contains(lower, "tag") {
				inner = true
				findTags(member, found, depth+1)
			}
		}
		for name, member := range v {
			if value, ok := member.(string); ok && !inner {
				found[name] = value
			}
		}
	}
}

// text is a value that a key or a tag can have; empty for others.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// clear is the end of a resource.
func (c *configuration) clear() {
	for name := range c.parts {
		c.set(name, nil)
	}
	c.cut = false
}
