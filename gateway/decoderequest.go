package gateway

import (
	"encoding/base64"
	"maps"
	"net/http"
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// decodeInput reads the parameters of a known operation.
func (q *wire) decodeInput(x *Exchange) {
	x.StreamIn = x.Model.StreamingInput()
	switch x.Protocol {
	case awsmodel.JSON:
		q.open(x)
		x.Input = x.object(InRequest, q.plain, q.part, x.Model.Input())
	case awsmodel.CBOR:
		q.open(x)
		if len(q.plain) > 0 || q.part {
			v, err := parseCBOR(q.plain)
			x.note(InRequest, q.part, err, "the CBOR of the body")
			x.Input = asObject(fit(orStructure(x.Model.Input()), v))
		}
	case awsmodel.Query, awsmodel.EC2:
		q.decodeForm(x)
	default:
		q.decodeREST(x)
	}
}

// object reads a JSON object by a shape.
func (x *Exchange) object(where Part, body []byte, partly bool, s *awsmodel.Shape) map[string]any {
	if len(strings.TrimSpace(string(body[:min(len(body), 64)]))) == 0 && len(body) <= 64 {
		if partly {
			x.problem(where, Truncated, "the JSON of the body")
		}
		return nil
	}
	v, twice, err := parseJSON(body)
	x.note(where, partly, err, "the JSON of the body")
	if twice {
		x.problem(where, Ambiguous, "a member stands twice")
	}
	if v != nil && asObject(v) == nil {
		x.problem(where, Malformed, "the JSON of the body is no object")
	}
	return asObject(fit(orStructure(s), v))
}

// noMembers is the shape of messages that have none.
var noMembers = &awsmodel.Shape{Kind: awsmodel.Structure}

func orStructure(s *awsmodel.Shape) *awsmodel.Shape {
	if s == nil {
		return noMembers
	}
	return s
}

func asObject(v any) map[string]any {
	object, _ := v.(map[string]any)
	return object
}

// decodeREST reads the parameters that stand in the path, the query and the headers, and
// those in the body unless it is a stream.
func (q *wire) decodeREST(x *Exchange) {
	if q.post != nil {
		x.posted = true
		x.Input = q.decodePost(x)
		return
	}
	r := *q.restRequest
	if x.Signature.Presigned() {
		r.Header = q.lifted()
	}
	x.Input = aws.DecodeREST(x.Model, q.labels, &r)
	if x.Signature.Presigned() && x.Model.Service.ID == "s3" {
		for _, name := range presignedParameters {
			if values := q.query[name]; len(values) > 0 {
				x.Input[name] = values[0]
			}
		}
	}
	input := x.Model.Input()
	if input == nil {
		return
	}
	for i := range input.Members {
		// A JSON text in a header is in base64.
		if m := &input.Members[i]; m.JSONValue && m.Location == awsmodel.Header {
			if text, ok := x.Input[m.Name].(string); ok {
				if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
					x.Input[m.Name] = string(plain)
				}
			}
		}
	}
	dropConstants(x.Model, x.Input)
	if !x.StreamIn {
		q.open(x)
		x.decodeBody(InRequest, input, q.plain, q.part, x.Input)
	}
	x.Input = orNil(x.Input)
}

// dropConstants takes what tells operations apart out of a map of all query parameters.
func dropConstants(op *awsmodel.Operation, tree map[string]any) {
	_, query, _ := strings.Cut(op.URI, "?")
	if query == "" {
		return
	}
	for i := range op.Input().Members {
		m := &op.Input().Members[i]
		all, ok := tree[m.Name].(map[string]any)
		if m.Location != awsmodel.QueryParam || !ok {
			continue
		}
		for pair := range strings.SplitSeq(query, "&") {
			name, _, _ := strings.Cut(pair, "=")
			delete(all, name)
		}
		if len(all) == 0 {
			delete(tree, m.Name)
		}
	}
}

func orNil(tree map[string]any) map[string]any {
	if len(tree) == 0 {
		return nil
	}
	return tree
}

// decodeBody adds the members that stand in the body of a REST service's message.
func (x *Exchange) decodeBody(where Part, s *awsmodel.Shape, body []byte, partly bool, tree map[string]any) {
	if len(body) == 0 && !partly {
		return
	}
	payload := s.PayloadMember()
	if payload == nil && !hasBody(s) && where == InAnswer {
		return
	}
	shape := s
	if payload != nil {
		shape = payload.Shape()
		switch {
		case shape.Kind == awsmodel.Blob:
			if partly {
				x.problem(where, Truncated, "the payload")
				return
			}
			tree[payload.Name] = body
			return
		case shape.Kind == awsmodel.String:
			if partly {
				x.problem(where, Truncated, "the payload")
				return
			}
			tree[payload.Name] = string(body)
			return
		}
	}
	var v any
	if x.Protocol == awsmodel.RESTXML {
		v = x.xmlBody(where, shape, body, partly)
	} else {
		var twice bool
		var err error
		if len(body) > 0 {
			v, twice, err = parseJSON(body)
		} else {
			err = malformed("")
		}
		x.note(where, partly, err, "the JSON of the body")
		if twice {
			x.problem(where, Ambiguous, "a member stands twice")
		}
		v = fit(shape, v)
	}
	switch object, ok := v.(map[string]any); {
	case payload != nil && v != nil:
		tree[payload.Name] = v
	case ok && payload == nil:
		for name, e := range object {
			if s.Member(name) == nil {
				addStranger(s, tree, name, e)
			} else {
				tree[name] = e
			}
		}
	case v != nil:
		x.problem(where, Malformed, "the body is no object")
	}
}

// hasBody reports whether a message has members in its body.
func hasBody(s *awsmodel.Shape) bool {
	for i := range s.Members {
		if s.Members[i].Location == awsmodel.Body {
			return true
		}
	}
	return false
}

func (x *Exchange) xmlBody(where Part, s *awsmodel.Shape, body []byte, partly bool) any {
	r := newXML(body, where == InRequest)
	start, err := r.root()
	if err != nil {
		x.note(where, partly, err, "the XML of the body")
		return nil
	}
	v, err := r.value(s, start, 0)
	if err == nil {
		err = r.rest()
	}
	x.note(where, partly, err, "the XML of the body")
	if r.twice {
		x.problem(where, Ambiguous, "an element stands twice")
	}
	return v
}

// presignedParameters are those of a presigned URL that S3's records show.
var presignedParameters = [...]string{"X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"}

// lifted is the header of a presigned request with the x-amz parameters of its query,
// which S3 takes for headers.
func (q *wire) lifted() http.Header {
	h := maps.Clone(q.Header)
	if h == nil {
		h = make(http.Header)
	}
	for name, values := range q.query {
		key := http.CanonicalHeaderKey(name)
		if strings.HasPrefix(key, "X-Amz-") && !notParameters[name] && h[key] == nil {
			h[key] = values
		}
	}
	return h
}
