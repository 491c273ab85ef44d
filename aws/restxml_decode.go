package aws

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"cairn/internal/awsmodel"
)

// decodeXML reads one element of a name and nothing behind it.
func decodeXML(body []byte, root string, s *awsmodel.Shape) (any, error) {
	d := xmlDecoder{xml.NewDecoder(bytes.NewReader(body))}
	var tree any
	for found := false; ; {
		token, err := d.RawToken()
		if err != nil {
			if !found || err != io.EOF {
				return nil, malformedXML()
			}
			return tree, nil
		}
		switch token := token.(type) {
		case xml.StartElement:
			if found || token.Name.Local != root {
				return nil, malformedXML()
			}
			found = true
			if tree, err = d.value(s, token, 0); err != nil {
				return nil, malformedXML()
			}
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return nil, malformedXML()
			}
		case xml.Directive: // a document type, which no request has
			return nil, malformedXML()
		}
	}
}

// An xmlDecoder reads values by their shapes. Elements that a shape does not know
// are passed over.
type xmlDecoder struct{ *xml.Decoder }

// value reads what stands in an element, up to its end.
func (d xmlDecoder) value(s *awsmodel.Shape, start xml.StartElement, depth int) (any, error) {
	if depth > maxRESTDepth {
		return nil, malformedXML()
	}
	switch s.Kind {
	case awsmodel.Structure:
		return d.structure(s, start, depth)
	case awsmodel.List:
		list := []any{}
		err := d.children(start, func(child xml.StartElement) error {
			name := s.Element.WireName
			if name == "" {
				name = "member"
			}
			if child.Name.Local != name {
				return d.pass(child)
			}
			v, err := d.value(s.Element.Shape(), child, depth+1)
			list = append(list, v)
			return err
		})
		return list, err
	case awsmodel.Map:
		all := make(map[string]any)
		err := d.children(start, func(child xml.StartElement) error { return d.entry(s, child, all, depth+1) })
		return all, err
	}
	text, err := d.text(start)
	if err != nil {
		return nil, err
	}
	return xmlScalar(s, text)
}

// xmlScalar reads a value from the text of an element.
func xmlScalar(s *awsmodel.Shape, text string) (any, error) {
	trim := strings.TrimSpace(text)
	switch s.Kind {
	case awsmodel.Boolean:
		switch trim {
		case "true", "TRUE", "True", "1":
			return true, nil
		case "false", "FALSE", "False", "0":
			return false, nil
		}
		return nil, malformedXML()
	case awsmodel.Integer, awsmodel.Long, awsmodel.Float, awsmodel.Double:
		if _, err := strconv.ParseFloat(trim, 64); err != nil {
			return nil, malformedXML()
		}
		return json.Number(trim), nil
	case awsmodel.Timestamp:
		t, ok := restTime(trim)
		if !ok {
			return nil, malformedXML()
		}
		return t, nil
	case awsmodel.Blob:
		b, err := base64.StdEncoding.DecodeString(trim)
		if err != nil {
			return nil, malformedXML()
		}
		return b, nil
	}
	return text, nil
}

func (d xmlDecoder) structure(s *awsmodel.Shape, start xml.StartElement, depth int) (any, error) {
	tree := make(map[string]any)
	for i := range s.Members {
		m := &s.Members[i]
		if !m.XMLAttribute {
			continue
		}
		local := m.WireName[strings.LastIndexByte(m.WireName, ':')+1:]
		for _, attr := range start.Attr {
			if attr.Name.Local == local && attr.Name.Space != "xmlns" {
				tree[m.Name] = attr.Value
			}
		}
	}
	err := d.children(start, func(child xml.StartElement) error {
		m := memberFor(s, child.Name.Local)
		switch {
		case m == nil:
			return d.pass(child)
		case flattened(m) && m.Shape().Kind == awsmodel.List:
			v, err := d.value(m.Shape().Element.Shape(), child, depth+1)
			list, _ := tree[m.Name].([]any)
			tree[m.Name] = append(list, v)
			return err
		case flattened(m) && m.Shape().Kind == awsmodel.Map:
			all, _ := tree[m.Name].(map[string]any)
			if all == nil {
				all = make(map[string]any)
				tree[m.Name] = all
			}
			return d.entry(m.Shape(), child, all, depth+1)
		}
		if _, twice := tree[m.Name]; twice {
			return malformedXML()
		}
		v, err := d.value(m.Shape(), child, depth+1)
		tree[m.Name] = v
		return err
	})
	return tree, err
}

func memberFor(s *awsmodel.Shape, element string) *awsmodel.Member {
	for i := range s.Members {
		m := &s.Members[i]
		if m.Location == awsmodel.Body && !m.XMLAttribute && elementName(m) == element {
			return m
		}
	}
	return nil
}

func flattened(m *awsmodel.Member) bool { return m.Flattened || m.Shape().Flattened }

// elementName is the name of a member's element; that of a flattened list's
// elements goes first.
func elementName(m *awsmodel.Member) string {
	if s := m.Shape(); s.Kind == awsmodel.List && flattened(m) && s.Element.WireName != "" {
		return s.Element.WireName
	}
	return m.WireName
}

func (d xmlDecoder) entry(s *awsmodel.Shape, start xml.StartElement, all map[string]any, depth int) error {
	var key string
	var value any
	err := d.children(start, func(child xml.StartElement) (err error) {
		switch child.Name.Local {
		case or(s.Key.WireName, "key"):
			key, err = d.text(child)
		case or(s.Value.WireName, "value"):
			value, err = d.value(s.Value.Shape(), child, depth+1)
		default:
			err = d.pass(child)
		}
		return err
	})
	all[key] = value
	return err
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// children calls f for each element in an element, and reads to its end.
func (d xmlDecoder) children(start xml.StartElement, f func(xml.StartElement) error) error {
	for {
		token, err := d.RawToken()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := f(token); err != nil {
				return err
			}
		case xml.EndElement:
			if token.Name != start.Name {
				return malformedXML()
			}
			return nil
		case xml.Directive:
			return malformedXML()
		}
	}
}

// text reads the text of an element that has no others.
func (d xmlDecoder) text(start xml.StartElement) (string, error) {
	var b strings.Builder
	for {
		token, err := d.RawToken()
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.CharData:
			b.Write(token)
		case xml.EndElement:
			if token.Name != start.Name {
				return "", malformedXML()
			}
			return b.String(), nil
		case xml.StartElement, xml.Directive:
			return "", malformedXML()
		}
	}
}

// pass reads to the end of an element. It keeps the names of those that are open,
// of which there are no more than the body has bytes.
func (d xmlDecoder) pass(start xml.StartElement) error {
	open := []xml.Name{start.Name}
	for len(open) > 0 {
		token, err := d.RawToken()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(open) > maxRESTDepth {
				return malformedXML()
			}
			open = append(open, token.Name)
		case xml.EndElement:
			if token.Name != open[len(open)-1] {
				return malformedXML()
			}
			open = open[:len(open)-1]
		case xml.Directive:
			return malformedXML()
		}
	}
	return nil
}
