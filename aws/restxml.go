package aws

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"reflect"
	"slices"

	"cairn/internal/awsmodel"
)

// RESTXML is the protocol restXml as S3 speaks it.
type RESTXML struct {
	Model     *awsmodel.ServiceModel
	Namespace string // of the answers, e.g. "http://s3.amazonaws.com/doc/2006-03-01/"

	// Domains are the hosts in front of which a bucket can stand, as in
	// bucket.s3.example.com. "localhost" is always one.
	Domains []string
}

func (p RESTXML) model() *awsmodel.ServiceModel { return p.Model }

func (p RESTXML) request(r *http.Request) (*RESTRequest, error) {
	return NewRESTRequest(r, append(slices.Clip(p.Domains), "localhost"))
}

func (p RESTXML) decode(r *http.Request, body []byte) (string, map[string]any, error) {
	return decodeREST(p, r, body)
}

// decodeREST decodes a request whose body was read.
func decodeREST(p restProtocol, r *http.Request, body []byte) (string, map[string]any, error) {
	q, err := p.request(r)
	if err != nil {
		return "", nil, err
	}
	op, labels, err := MatchREST(p.model(), q)
	if op == nil || err != nil {
		return "", nil, err
	}
	tree := DecodeREST(op, labels, q)
	return op.Name, tree, p.decodeBody(op, body, tree)
}

func (p RESTXML) encode(operation string, output reflect.Value, _ string) (string, []byte) {
	op, _ := p.Model.Operation(operation)
	return p.encodeBody(op, output)
}

// restCodes are the codes that S3 spells in its own way.
var restCodes = map[string]Error{
	"InvalidClientTokenId":          {Code: "InvalidAccessKeyId", Status: http.StatusForbidden},
	"ExpiredToken":                  {Code: "ExpiredToken", Status: http.StatusBadRequest},
	"ValidationException":           {Code: "InvalidArgument", Status: http.StatusBadRequest},
	"SerializationException":        {Code: "InvalidArgument", Status: http.StatusBadRequest},
	"ThrottlingException":           {Code: "SlowDown", Status: http.StatusServiceUnavailable},
	"UnknownOperationException":     {Code: "MethodNotAllowed", Status: http.StatusMethodNotAllowed},
	"UnsupportedOperationException": {Code: "NotImplemented", Status: http.StatusNotImplemented},
	"InternalFailure":               {Code: "InternalError", Status: http.StatusInternalServerError},
	"RequestEntityTooLarge":         {Code: "EntityTooLarge", Status: http.StatusBadRequest},
}

func (p RESTXML) wireError(e *Error) (code string, status int) {
	if as, ok := restCodes[e.Code]; ok {
		return as.Code, as.Status
	}
	return e.Code, e.status()
}

func (p RESTXML) encodeError(e *Error, requestID string) (string, []byte) {
	return p.errorBody(e, "", requestID)
}

// refuse is the answer of a call that failed. Answers to HEAD, and those that say
// that nothing has changed, have no body.
func (p RESTXML) refuse(c *Call) answer {
	a := answer{header: make(http.Header), length: -1}
	_, a.status = p.wireError(c.Err)
	if c.method == http.MethodHead || a.status == http.StatusNotModified || a.status == http.StatusNoContent {
		return a
	}
	a.contentType, a.body = p.errorBody(c.Err, c.path, c.RequestID)
	return a
}

func (p RESTXML) errorBody(e *Error, resource, requestID string) (string, []byte) {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error>")
	code, _ := p.wireError(e)
	for _, d := range slices.Concat([]Detail{{"Code", code}, {"Message", e.Message}}, e.Detail,
		[]Detail{{"Resource", resource}, {"RequestId", requestID}, {"HostId", hostID(requestID)}}) {
		if d.Value != "" {
			b.WriteString("<" + d.Name + ">")
			xml.EscapeText(&b, []byte(d.Value))
			b.WriteString("</" + d.Name + ">")
		}
	}
	b.WriteString("</Error>")
	return "application/xml", b.Bytes()
}

// hostID is the second ID of a request, which S3's clients log beside the first.
func hostID(requestID string) string { return base64.StdEncoding.EncodeToString([]byte(requestID)) }

func malformedXML() *Error {
	return Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema.")
}

func (p RESTXML) decodeBody(op *awsmodel.Operation, body []byte, tree map[string]any) error {
	input := op.Input()
	if input == nil {
		return nil
	}
	payload := input.PayloadMember()
	switch {
	case payload == nil && op.InputRoot == "":
		return nil
	case payload == nil:
		v, err := decodeXML(body, op.InputRoot, input)
		if err != nil {
			return err
		}
		members, _ := v.(map[string]any)
		for name, v := range members {
			tree[name] = v
		}
		return nil
	case len(body) == 0 || payload.Streaming:
		return nil
	}
	switch payload.Shape().Kind {
	case awsmodel.Structure, awsmodel.List, awsmodel.Map:
		v, err := decodeXML(body, payload.WireName, payload.Shape())
		if err != nil {
			return err
		}
		tree[payload.Name] = v
	case awsmodel.Blob:
		tree[payload.Name] = body
	default:
		tree[payload.Name] = string(body)
	}
	return nil
}
