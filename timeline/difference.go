package timeline

import (
	"maps"
	"slices"
	"strings"
)

// A Difference is one field that a change has changed. Before is nil where the
// field was not set, or was not known.
type Difference struct {
	Path   string `json:"path"`   // names with dots between them; [] stands for an element of a list
	Change string `json:"change"` // added, changed or removed
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
}

// maxDifferences bounds those of one change.
const maxDifferences = 200

// differences are those of the call under way, sorted by path, and how many more
// there were.
func (c *configuration) differences() (list []Difference, more int) {
	var d differ
	for _, name := range slices.Sorted(maps.Keys(c.changed)) {
		before, after := c.changed[name], c.parts[name]
		if before == nil && after == nil {
			if c.removed[name] { // what was there was not known
				d.note(Difference{Path: escape(name), Change: "removed"})
			}
			continue
		}
		d.compare(escape(name), before, after)
	}
	return d.list, d.more
}

type differ struct {
	list []Difference
	more int
}

func (d *differ) note(x Difference) {
	if len(d.list) == maxDifferences {
		d.more++
		return
	}
	d.list = append(d.list, x)
}

// compare walks two trees side by side.
func (d *differ) compare(path string, before, after any) {
	switch {
	case equal(before, after):
		return
	case before == nil:
		d.note(Difference{Path: path, Change: "added", After: after})
		return
	case after == nil:
		d.note(Difference{Path: path, Change: "removed", Before: before})
		return
	}
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			names := make(map[string]bool)
			for name := range b {
				names[name] = true
			}
			for name := range a {
				names[name] = true
			}
			for _, name := range slices.Sorted(maps.Keys(names)) {
				d.compare(path+"."+escape(name), b[name], a[name])
			}
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.elements(path+"[]", b, a)
			return
		}
	}
	d.note(Difference{Path: path, Change: "changed", Before: before, After: after})
}

// elements compares lists by what is in them. Where only the order differs, the
// lists as a whole are told.
func (d *differ) elements(path string, before, after []any) {
	if len(before) > maxElements || len(after) > maxElements {
		d.note(Difference{Path: strings.TrimSuffix(path, "[]"), Change: "changed", Before: before, After: after})
		return
	}
	have := make(map[string]int)
	for _, element := range after {
		have[encoded(element)]++
	}
	var left, added []any
	same := make(map[string]int)
	for _, element := range before {
		if key := encoded(element); have[key] > same[key] {
			same[key]++
		} else {
			left = append(left, element)
		}
	}
	for _, element := range after {
		if key := encoded(element); same[key] > 0 {
			same[key]--
		} else {
			added = append(added, element)
		}
	}
	if len(left)+len(added) == 0 {
		d.note(Difference{Path: strings.TrimSuffix(path, "[]"), Change: "changed", Before: before, After: after})
	}
	if len(left) == 1 && len(added) == 1 {
		d.compare(path, left[0], added[0])
		return
	}
	for _, v := range left {
		d.note(Difference{Path: path, Change: "removed", Before: v})
	}
	for _, v := range added {
		d.note(Difference{Path: path, Change: "added", After: v})
	}
}

// escape writes a name as a part of a path, as in the searches for events.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
}
