package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The bounds of the body of an audit webhook, beside those of posted records.
const (
	maxIngestItems = 10_000
	maxIngestDepth = 200
)

// An ingestItem is one entry of a body, or why it is none.
type ingestItem struct {
	raw []byte
	err error
}

// errNoEntries says that a body holds nothing that could be an entry.
var errNoEntries = errors.New("the body holds no entries of an audit log")

// ingestItems finds the entries in a body: objects, arrays of them, and EventLists of
// Kubernetes, any number behind each other, as a batch of MinIO's has one entry a line.
// An empty object is no entry: with one, MinIO asks whether the webhook is there. What
// cannot be read any more becomes one item with an error; if nothing could be read, that
// is the error.
func ingestItems(body []byte) (items []ingestItem, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	values := 0
	for {
		var v json.RawMessage
		start := d.InputOffset()
		if err := d.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			if values == 0 {
				return nil, fmt.Errorf("%w: %w", errNoEntries, err)
			}
			items = append(items, ingestItem{bytes.TrimLeft(body[start:], "\n\r\t "), fmt.Errorf("not JSON from here to the end of the body: %w", err)})
			break
		}
		values++
		parts, err := ingestParts(v)
		if err != nil {
			parts = []json.RawMessage{v}
		}
		for _, part := range parts {
			if len(items) >= maxIngestItems {
				return nil, fmt.Errorf("the body holds more than %d entries", maxIngestItems)
			}
			item := ingestItem{part, err}
			if err == nil {
				if isEmptyObject(part) {
					continue
				}
				if part[0] != '{' {
					item.err = errors.New("not an object")
				} else if jsonDepth(part) > maxIngestDepth {
					item.err = fmt.Errorf("nested more than %d deep", maxIngestDepth)
				}
			}
			items = append(items, item)
		}
	}
	if values == 0 {
		return nil, errNoEntries
	}
	return items, nil
}

// ingestParts returns what a value of a body consists of.
func ingestParts(v json.RawMessage) (parts []json.RawMessage, err error) {
	switch v[0] {
	case '[':
		err = json.Unmarshal(v, &parts)
		return parts, err
	case '{':
		var list struct {
			Kind  string          `json:"kind"`
			Items json.RawMessage `json:"items"`
		}
		if json.Unmarshal(v, &list) != nil || list.Kind != "EventList" {
			return []json.RawMessage{v}, nil
		}
		if len(list.Items) == 0 || string(list.Items) == "null" {
			return nil, nil
		}
		if err := json.Unmarshal(list.Items, &parts); err != nil {
			return nil, errors.New("items: not an array")
		}
		return parts, nil
	}
	return []json.RawMessage{v}, nil
}

func isEmptyObject(v []byte) bool {
	return len(v) >= 2 && v[0] == '{' && len(bytes.TrimSpace(v[1:len(v)-1])) == 0
}

// jsonDepth is how deep a JSON value nests.
func jsonDepth(v []byte) int {
	depth, deepest, inText := 0, 0, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
