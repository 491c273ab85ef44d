package server

import (
	"errors"
	"testing"
)

// Whatever a body is, its items are parts of it, within the bounds, and nothing is lost
// without a word: a body without items is an error or consists of empty objects and lists.
func FuzzIngestItems(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "{}\n{}", `{"a":1}{"b":2}`, `[{"a":1},[2],null]`, `{"kind":"EventList","items":[{"auditID":"x"}]}`,
		`{"kind":"EventList","items":7}`, `{"kind":"EventList"}`, `{"a":1} x`, "[[[[", "\"\\\"{[\"", "\xff", `{"a":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := ingestItems(body)
		if err != nil {
			if len(items) != 0 {
				t.Errorf("%d items beside the error %v", len(items), err)
			}
			return
		}
		size := 0
		for _, item := range items {
			size += len(item.raw)
			if item.err == nil && (item.raw[0] != '{' || jsonDepth(item.raw) > maxIngestDepth || isEmptyObject(item.raw)) {
				t.Errorf("%q is taken for an entry", item.raw)
			}
		}
		if size > len(body) || len(items) > maxIngestItems {
			t.Errorf("%d items of %d bytes in a body of %d", len(items), size, len(body))
		}
	})
}

func TestIngestItemsOfNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " \n", "x", "<a/>", "\x1f\x8b"} {
		if items, err := ingestItems([]byte(body)); !errors.Is(err, errNoEntries) || items != nil {
			t.Errorf("%q gives %v, %v", body, items, err)
		}
	}
}
