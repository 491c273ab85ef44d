package server

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A jsonPath leads to values in a record: the names of members from the outside
// in. Arrays on the way stand for each of their elements.
type jsonPath []string

// maxPathNames bounds a path.
const maxPathNames = 32

// parseJSONPath reads names with dots between them. A dot or backslash that is
// part of a name has a backslash before it.
func parseJSONPath(text string) (jsonPath, error) {
	var path jsonPath
	var name strings.Builder
	for i := 0; i <= len(text); i++ {
		switch {
		case i == len(text) || text[i] == '.':
			if name.Len() == 0 {
				return nil, errors.New("the path has an empty name")
			}
			if len(path) == maxPathNames {
				return nil, fmt.Errorf("the path has more than %d names", maxPathNames)
			}
			path = append(path, name.String())
			name.Reset()
		case text[i] == '\\':
			if i++; i == len(text) || text[i] != '.' && text[i] != '\\' {
				return nil, errors.New(`a backslash in a path stands before a dot or another backslash`)
			}
			name.WriteByte(text[i])
		default:
			name.WriteByte(text[i])
		}
	}
	return path, nil
}

// values calls yield with each value that a record has at the path, until yield
// returns false: strings as their text, numbers, true, false and null as they
// are written, an object as the empty text.
func (p jsonPath) values(raw []byte, yield func(string) bool) {
	// Below the top level a record may hold names twice and bytes that are not
	// UTF-8, and is evidence all the same.
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	_ = p.walk(d, yield) // what cannot be read has no values
}

// errSeen ends a walk early.
var errSeen = errors.New("enough values were seen")

func (p jsonPath) walk(d *jsontext.Decoder, yield func(string) bool) error {
	switch kind := d.PeekKind(); {
	case kind == '[':
		return p.elements(d, yield)
	case len(p) > 0 && kind == '{':
		return p.members(d, yield)
	case len(p) > 0:
		return d.SkipValue()
	case kind == '{':
		if !yield("") {
			return errSeen
		}
		return d.SkipValue()
	}
	t, err := d.ReadToken()
	if err == nil && !yield(t.String()) {
		return errSeen
	}
	return err
}

func (p jsonPath) elements(d *jsontext.Decoder, yield func(string) bool) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := p.walk(d, yield); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (p jsonPath) members(d *jsontext.Decoder, yield func(string) bool) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if name.String() == p[0] {
			err = p[1:].walk(d, yield)
		} else {
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}
