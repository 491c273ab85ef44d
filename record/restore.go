package record

import (
	"encoding/json"
	"strings"

	"cairn/internal/awsmodel"
)

// Restore is the opposite of what Append does to parameters: it returns the input and
// output of an operation, by the API's names, from a record's requestParameters and
// responseElements, decoded with json.Decoder.UseNumber. Either is nil for null. What the
// model does not know keeps its name. Redacted values stay what the record shows.
func Restore(op *awsmodel.Operation, request, response map[string]any) (input, output map[string]any) {
	switch op.Service.ID {
	case "s3", "s3control":
		return s3Restore(op, request), headersRestore(op, response)
	case "ec2":
		return ec2Restore(op, request, response)
	}
	f := form{style: styleOf(op.Service.ID)}
	input, _ = f.restore(op.Input(), orNil(request)).(map[string]any)
	if onlyARN[op.Service.ID+"."+op.Name] && response != nil {
		return input, map[string]any{"ARN": response["arn"]}
	}
	if m := f.style.wrapping(op.Output()); m != nil && response != nil {
		return input, map[string]any{m.Name: f.restore(m.Shape(), response)}
	}
	output, _ = f.restore(op.Output(), orNil(response)).(map[string]any)
	return input, output
}

func orNil(tree map[string]any) any {
	if tree == nil {
		return nil
	}
	return tree
}

func (f form) restore(s *awsmodel.Shape, v any) any {
	switch v := v.(type) {
	case map[string]any:
		tree := make(map[string]any, len(v))
		for name, e := range v {
			m := f.memberNamed(s, name)
			switch {
			case m != nil:
				tree[m.Name] = f.restore(m.Shape(), e)
			case s != nil && s.Kind == awsmodel.Map:
				tree[name] = f.restore(s.Value.Shape(), e)
			default:
				tree[name] = e
			}
		}
		return tree
	case []any:
		if s == nil || s.Kind != awsmodel.List {
			return v
		}
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = f.restore(s.Element.Shape(), e)
		}
		return list
	}
	if s != nil && s.Kind == awsmodel.Timestamp {
		if t, ok := f.style.times.parse(v); ok {
			return t
		}
	}
	return v
}

func (f form) memberNamed(s *awsmodel.Shape, name string) *awsmodel.Member {
	if s == nil || s.Kind != awsmodel.Structure {
		return nil
	}
	for i := range s.Members {
		if f.name(s.Members[i].Name) == name {
			return &s.Members[i]
		}
	}
	return nil
}

func s3Restore(op *awsmodel.Operation, request map[string]any) map[string]any {
	input := make(map[string]any)
	s := op.Input()
	for name, v := range request {
		if name == "Host" || strings.Contains(op.URI+"&", "?"+name+"&") || strings.Contains(op.URI+"&", "&"+name+"&") {
			continue
		}
		if text, ok := v.(json.Number); ok {
			v = string(text)
		}
		if name == "bucketPolicy" {
			if text, err := json.Marshal(v); err == nil {
				input["Policy"] = string(text)
			}
			continue
		}
		m := s3MemberNamed(s, name)
		switch {
		case m == nil:
			input[name] = v
		case m.Location == awsmodel.Body:
			input[m.Name] = xmlRestore(m.Shape(), v)
		default:
			input[m.Name] = v
		}
	}
	return input
}

func s3MemberNamed(s *awsmodel.Shape, name string) *awsmodel.Member {
	for i := 0; s != nil && i < len(s.Members); i++ {
		m := &s.Members[i]
		if m.Location == awsmodel.URI && s3Name(m) == name || m.Location != awsmodel.URI && wireName(m) == name {
			return m
		}
	}
	return nil
}

func headersRestore(op *awsmodel.Operation, response map[string]any) map[string]any {
	if response == nil {
		return nil
	}
	output := make(map[string]any, len(response))
	for name, v := range response {
		if m := s3MemberNamed(op.Output(), name); m != nil {
			output[m.Name] = v
		} else {
			output[name] = v
		}
	}
	return output
}

// xmlRestore is the opposite of xmlTree.
func xmlRestore(s *awsmodel.Shape, v any) any {
	if s == nil {
		return v
	}
	switch s.Kind {
	case awsmodel.Structure:
		tree, ok := v.(map[string]any)
		if !ok {
			return map[string]any{}
		}
		members := make(map[string]any, len(tree))
		for name, e := range tree {
			if name == "xmlns" {
				continue
			}
			m := s.MemberOnWire(name)
			if m == nil {
				members[name] = e
				continue
			}
			if m.Shape().Kind == awsmodel.List && !m.Flattened && !m.Shape().Flattened {
				e = onlyElement(e)
			}
			members[m.Name] = xmlRestore(m.Shape(), e)
		}
		return members
	case awsmodel.List:
		list, ok := v.([]any)
		if !ok && v == "" {
			return []any{}
		}
		if !ok {
			list = []any{v}
		}
		restored := make([]any, len(list))
		for i, e := range list {
			restored[i] = xmlRestore(s.Element.Shape(), e)
		}
		return restored
	case awsmodel.String:
		return plainText(v)
	case awsmodel.Timestamp:
		if t, ok := timeWire.parse(v); ok {
			return t
		}
	}
	return v
}

// onlyElement takes the element around a list away.
func onlyElement(v any) any {
	if tree, ok := v.(map[string]any); ok && len(tree) == 1 {
		for _, e := range tree {
			return e
		}
	}
	return v
}

// plainText is the text that became another scalar.
func plainText(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return string(v)
	}
	return v
}
