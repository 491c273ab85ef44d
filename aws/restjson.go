package aws

import (
	"encoding/json"
	"net/http"
	"reflect"

	"cairn/internal/awsmodel"
)

// RESTJSON is the protocol restJson1, as Lambda and CloudTrail's data API speak it.
type RESTJSON struct {
	Model *awsmodel.ServiceModel
}

func (p RESTJSON) model() *awsmodel.ServiceModel { return p.Model }

func (p RESTJSON) request(r *http.Request) (*RESTRequest, error) { return NewRESTRequest(r, nil) }

func (p RESTJSON) decode(r *http.Request, body []byte) (string, map[string]any, error) {
	return decodeREST(p, r, body)
}

func (p RESTJSON) encode(operation string, output reflect.Value, _ string) (string, []byte) {
	op, _ := p.Model.Operation(operation)
	return p.encodeBody(op, output)
}

func (p RESTJSON) wireError(e *Error) (string, int) {
	code, status := JSON{}.wireError(e)
	if e.Status != 0 {
		status = e.Status // AccessDenied is 403 where HTTP's status counts
	}
	return code, status
}

func (p RESTJSON) encodeError(e *Error, _ string) (string, []byte) {
	code, _ := p.wireError(e)
	body := append([]byte(`{"__type":`), appendString(nil, code)...)
	body = append(append(body, `,"message":`...), appendString(nil, e.Message)...)
	return "application/json", append(body, '}')
}

func (p RESTJSON) decodeBody(op *awsmodel.Operation, body []byte, tree map[string]any) error {
	input := op.Input()
	if input == nil || len(body) == 0 {
		return nil
	}
	payload := input.PayloadMember()
	if payload != nil {
		switch payload.Shape().Kind {
		case awsmodel.Blob:
			tree[payload.Name] = body
			return nil
		case awsmodel.String:
			tree[payload.Name] = string(body)
			return nil
		}
	}
	sent, err := parseJSON(body)
	if err != nil {
		return err
	}
	if payload != nil {
		tree[payload.Name] = byMembers(payload.Shape(), sent, 0)
		return nil
	}
	for i := range input.Members {
		m := &input.Members[i]
		if v, ok := sent[m.WireName]; ok && m.Location == awsmodel.Body {
			tree[m.Name] = byMembers(m.Shape(), v, 0)
		}
	}
	return nil
}

// byMembers names what a client sent by the members of a shape, where these have
// other names on the wire.
func byMembers(s *awsmodel.Shape, v any, depth int) any {
	if depth > maxRESTDepth {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		tree := make(map[string]any, len(v))
		switch s.Kind {
		case awsmodel.Structure:
			for i := range s.Members {
				if e, ok := v[s.Members[i].WireName]; ok {
					tree[s.Members[i].Name] = byMembers(s.Members[i].Shape(), e, depth+1)
				}
			}
			return tree
		case awsmodel.Map:
			for key, e := range v {
				tree[key] = byMembers(s.Value.Shape(), e, depth+1)
			}
			return tree
		}
	case []any:
		if s.Kind == awsmodel.List {
			list := make([]any, len(v))
			for i, e := range v {
				list[i] = byMembers(s.Element.Shape(), e, depth+1)
			}
			return list
		}
	}
	return v
}

func (p RESTJSON) encodeBody(op *awsmodel.Operation, output reflect.Value) (string, []byte) {
	shape := op.Output()
	if shape == nil || !output.IsValid() {
		return "application/json", nil
	}
	if payload := shape.PayloadMember(); payload != nil {
		for _, f := range shapeOf(output.Type()).fields {
			if f.name != payload.Name {
				continue
			}
			switch v := output.Field(f.index); payload.Shape().Kind {
			case awsmodel.Blob:
				return "application/octet-stream", v.Bytes()
			case awsmodel.String:
				return "text/plain", []byte(scalarText(v))
			default:
				return "application/json", toJSON(wireTree(payload.Shape(), v))
			}
		}
		return "application/json", nil
	}
	tree := wireTree(shape, output).(map[string]any)
	return "application/json", toJSON(tree)
}

// wireTree is a value by its names on the wire, without what stands in headers.
func wireTree(s *awsmodel.Shape, v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Struct && v.Type() != timeType && s.Kind == awsmodel.Structure:
		tree := make(map[string]any)
		for _, f := range shapeOf(v.Type()).fields {
			m, field := s.Member(f.name), v.Field(f.index)
			if m == nil || m.Location != awsmodel.Body || !present(field) {
				continue
			}
			if field.Type() == timeType && (m.TimestampFormat == "iso8601" || m.Shape().TimestampFormat == "iso8601") {
				tree[m.WireName] = scalarText(field)
				continue
			}
			tree[m.WireName] = wireTree(m.Shape(), field)
		}
		return tree
	case v.Kind() == reflect.Slice && v.Type() != bytesType && s.Kind == awsmodel.List:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = wireTree(s.Element.Shape(), v.Index(i))
		}
		return list
	case v.Kind() == reflect.Map && s.Kind == awsmodel.Map:
		tree := make(map[string]any, v.Len())
		for key, e := range v.Seq2() {
			tree[key.String()] = wireTree(s.Value.Shape(), e)
		}
		return tree
	}
	return json.RawMessage(appendJSON(nil, v))
}

func toJSON(tree any) []byte {
	b, err := json.Marshal(tree)
	if err != nil {
		panic("aws: " + err.Error()) // a tree of wireTree has nothing that JSON has not
	}
	return b
}
