package gateway

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"io"
	"strings"

	"cairn/internal/awsmodel"
)

// An xmlReader reads values by their shapes, as far as a document goes. Entities other
// than XML's own five, document types and anything in another encoding are refused.
type xmlReader struct {
	*xml.Decoder
	*budget

	strangers bool // elements that the model does not know are kept
	twice     bool // an element that must be there once came again
}

func newXML(body []byte, strangers bool) *xmlReader {
	return &xmlReader{Decoder: xml.NewDecoder(bytes.NewReader(body)), budget: newBudget(), strangers: strangers}
}

var errXML = malformed("")

// root returns the first element.
func (r *xmlReader) root() (xml.StartElement, error) {
	for {
		token, err := r.RawToken()
		if err != nil {
			return xml.StartElement{}, errXML
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token.Copy(), nil
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return xml.StartElement{}, errXML
			}
		case xml.Directive:
			return xml.StartElement{}, malformed("a document type")
		}
	}
}

// value reads what stands in an element, up to its end. Besides an error it returns
// what came before it.
func (r *xmlReader) value(s *awsmodel.Shape, start xml.StartElement, depth int) (any, error) {
	if err := r.spend(depth); err != nil {
		return nil, err
	}
	if s == nil {
		return r.stranger(start, depth)
	}
	switch s.Kind {
	case awsmodel.Structure:
		return r.structure(s, start, depth)
	case awsmodel.List:
		list := []any{}
		_, err := r.children(start, func(child xml.StartElement) error {
			v, err := r.value(s.Element.Shape(), child, depth+1)
			if v != nil {
				list = append(list, v)
			}
			return err
		})
		return list, err
	case awsmodel.Map:
		all := make(map[string]any)
		_, err := r.children(start, func(child xml.StartElement) error { return r.entry(s, child, all, depth+1) })
		return all, err
	}
	v, err := r.stranger(start, depth)
	if text, ok := v.(string); ok {
		return textScalar(s, text), err
	}
	return v, err
}

func (r *xmlReader) structure(s *awsmodel.Shape, start xml.StartElement, depth int) (map[string]any, error) {
	tree := make(map[string]any)
	for i := range s.Members {
		m := &s.Members[i]
		if !m.XMLAttribute {
			continue
		}
		local := m.WireName[strings.LastIndexByte(m.WireName, ':')+1:]
		for _, attr := range start.Attr {
			if attr.Name.Local == local && attr.Name.Space != "xmlns" {
				tree[m.Name] = textScalar(m.Shape(), attr.Value)
			}
		}
	}
	text, err := r.children(start, func(child xml.StartElement) error { return r.member(s, tree, child, depth) })
	if len(tree) == 0 && strings.TrimSpace(text) != "" {
		// GetBucketLocation answers with the text of its only member.
		if m := elementMember(s, start.Name.Local); m != nil && m.Shape().Kind > awsmodel.Map {
			tree[m.Name] = textScalar(m.Shape(), text)
		}
	}
	return tree, err
}

// member reads one element within a structure.
func (r *xmlReader) member(s *awsmodel.Shape, tree map[string]any, child xml.StartElement, depth int) error {
	m := elementMember(s, child.Name.Local)
	if m == nil {
		v, err := r.stranger(child, depth+1)
		if r.strangers && v != nil {
			addStranger(s, tree, child.Name.Local, v)
		}
		return err
	}
	switch shape := m.Shape(); {
	case flattened(m) && shape.Kind == awsmodel.List:
		v, err := r.value(shape.Element.Shape(), child, depth+1)
		if list, _ := tree[m.Name].([]any); v != nil {
			tree[m.Name] = append(list, v)
		}
		return err
	case flattened(m) && shape.Kind == awsmodel.Map:
		all, _ := tree[m.Name].(map[string]any)
		if all == nil {
			all = make(map[string]any)
			tree[m.Name] = all
		}
		return r.entry(shape, child, all, depth+1)
	default:
		v, err := r.value(shape, child, depth+1)
		if v == nil {
			return err
		}
		if _, twice := tree[m.Name]; twice {
			addStranger(s, tree, m.Name, v)
			r.twice = true
			return err
		}
		tree[m.Name] = v
		return err
	}
}

// elementMember returns the member that an element within a structure means.
func elementMember(s *awsmodel.Shape, element string) *awsmodel.Member {
	for i := range s.Members {
		m := &s.Members[i]
		if m.Location == awsmodel.Body && !m.XMLAttribute && elementName(m) == element {
			return m
		}
	}
	for i := range s.Members {
		// A few lists have a name of their own, besides that of the member.
		if m := &s.Members[i]; m.Location == awsmodel.Body && m.Shape().Kind == awsmodel.List && m.Shape().WireName == element {
			return m
		}
	}
	return nil
}

func flattened(m *awsmodel.Member) bool { return m.Flattened || m.Shape().Flattened }

// elementName is the name of a member's element; that of a flattened list's elements
// goes first.
func elementName(m *awsmodel.Member) string {
	if s := m.Shape(); s.Kind == awsmodel.List && flattened(m) && s.Element.WireName != "" {
		return s.Element.WireName
	}
	return m.WireName
}

// entry reads one pair of a map.
func (r *xmlReader) entry(s *awsmodel.Shape, start xml.StartElement, all map[string]any, depth int) error {
	var key string
	var value any
	_, err := r.children(start, func(child xml.StartElement) (err error) {
		switch child.Name.Local {
		case cmp.Or(s.Key.WireName, "key"):
			var v any
			v, err = r.stranger(child, depth+1)
			key, _ = v.(string)
		case cmp.Or(s.Value.WireName, "value"):
			value, err = r.value(s.Value.Shape(), child, depth+1)
		default:
			_, err = r.stranger(child, depth+1)
		}
		return err
	})
	all[key] = value
	return err
}

// stranger reads an element without a shape: its text, or its elements by their names.
func (r *xmlReader) stranger(start xml.StartElement, depth int) (any, error) {
	if err := r.spend(depth); err != nil {
		return nil, err
	}
	var tree map[string]any
	text, err := r.children(start, func(child xml.StartElement) error {
		v, err := r.stranger(child, depth+1)
		if tree == nil {
			tree = make(map[string]any)
		}
		name := child.Name.Local
		switch known := tree[name].(type) {
		case nil:
			tree[name] = v
		case []any:
			tree[name] = append(known, v)
		default:
			tree[name] = []any{known, v}
		}
		return err
	})
	if tree != nil {
		return tree, err
	}
	if err != nil {
		return nil, err // a part of a text would pass for the whole
	}
	return text, nil
}

// children calls f for each element in an element, reads to its end, and returns the
// text in it. After an error of f it stops.
func (r *xmlReader) children(start xml.StartElement, f func(xml.StartElement) error) (string, error) {
	var text strings.Builder
	for {
		token, err := r.RawToken()
		if err != nil {
			return text.String(), errXML
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := f(token.Copy()); err != nil {
				return text.String(), err
			}
		case xml.EndElement:
			if token.Name != start.Name {
				return text.String(), errXML
			}
			return text.String(), nil
		case xml.CharData:
			text.Write(token)
		case xml.Directive:
			return text.String(), malformed("a document type")
		}
	}
}

// rest reads to the end of the document.
func (r *xmlReader) rest() error {
	for {
		switch token, err := r.RawToken(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return errXML
		default:
			if _, ok := token.(xml.StartElement); ok {
				return malformed("there is more behind the root element")
			}
		}
	}
}
