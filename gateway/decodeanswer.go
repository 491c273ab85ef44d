package gateway

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"cairn/internal/awsmodel"
)

// recordedReads are services with reads whose record depends on what they answered: STS
// gives out credentials, and KMS tells which key an alias stood for.
var recordedReads = map[string]bool{"sts": true, "kms": true}

// decodeOutput reads what a known operation answered.
func (x *Exchange) decodeOutput(a *Answer) {
	output := x.Model.Output()
	x.StreamOut = x.Model.StreamingOutput()
	tree := make(map[string]any)
	if output != nil && (x.Protocol == awsmodel.RESTJSON || x.Protocol == awsmodel.RESTXML) {
		decodeHead(output, a, tree, x.whole)
	}
	if x.StreamOut || x.method == http.MethodHead {
		x.Output = orNil(tree)
		return
	}
	if x.Model.ReadOnly && !x.whole && !recordedReads[x.Model.Service.ID] && !taught(x.Model.Service.ID, x.Model.Name) {
		x.Output = orNil(tree)
		return
	}
	body, partly := x.expand(InAnswer, output, a.Header, a.Body.Bytes, a.Body.Truncated())
	switch x.Protocol {
	case awsmodel.JSON:
		tree = x.object(InAnswer, body, partly, output)
	case awsmodel.CBOR:
		if len(body) > 0 {
			v, err := parseCBOR(body)
			x.note(InAnswer, partly, err, "the CBOR of the body")
			tree = asObject(fit(orStructure(output), v))
		}
	case awsmodel.Query, awsmodel.EC2:
		tree = x.xmlAnswer(output, body, partly)
	default:
		if x.hiddenError(a, body) {
			return
		}
		if output != nil {
			x.decodeBody(InAnswer, output, body, partly, tree)
		}
	}
	x.Output = orNil(tree)
}

// xmlAnswer reads an answer of one of the query protocols.
func (x *Exchange) xmlAnswer(s *awsmodel.Shape, body []byte, partly bool) map[string]any {
	r := newXML(body, false)
	start, err := r.root()
	if err != nil {
		if len(body) > 0 || partly {
			x.note(InAnswer, partly, err, "the XML of the body")
		}
		return nil
	}
	s = orStructure(s)
	var tree map[string]any
	metadata := func(child xml.StartElement) error {
		v, err := r.stranger(child, 1)
		if id, ok := v.(string); ok && strings.EqualFold(child.Name.Local, "requestId") {
			x.RequestID = id
		} else if id, ok := asObject(v)["RequestId"].(string); ok && child.Name.Local == "ResponseMetadata" {
			x.RequestID = id
		}
		return err
	}
	if wrapper := x.Model.ResultWrapper; wrapper != "" && x.Protocol == awsmodel.Query {
		_, err = r.children(start, func(child xml.StartElement) (err error) {
			if child.Name.Local == wrapper && tree == nil {
				tree, err = r.structure(s, child, 1)
				return err
			}
			return metadata(child)
		})
	} else {
		tree = make(map[string]any)
		_, err = r.children(start, func(child xml.StartElement) error {
			if elementMember(s, child.Name.Local) == nil {
				return metadata(child)
			}
			return r.member(s, tree, child, 1)
		})
	}
	x.note(InAnswer, partly, err, "the XML of the body")
	return tree
}

// decodeHead reads the members that stand in the headers of an answer, and with status
// also those that stand in its status, which CloudTrail does not record.
func decodeHead(s *awsmodel.Shape, a *Answer, tree map[string]any, status bool) {
	for i := range s.Members {
		m := &s.Members[i]
		switch m.Location {
		case awsmodel.StatusCode:
			if status {
				tree[m.Name] = json.Number(strconv.Itoa(a.Status))
			}
		case awsmodel.Headers:
			all, prefix := make(map[string]any), strings.ToLower(m.WireName)
			for name, values := range a.Header {
				if rest, ok := strings.CutPrefix(strings.ToLower(name), prefix); ok && rest != "" {
					all[rest] = strings.Join(values, ",")
				}
			}
			if len(all) > 0 {
				tree[m.Name] = all
			}
		}
	}
	// S3's answers have dozens of members that could be there, and a few headers that are.
	for name, values := range a.Header {
		for i := range s.Members {
			if m := &s.Members[i]; m.Location == awsmodel.Header && len(m.WireName) == len(name) && strings.EqualFold(m.WireName, name) {
				tree[m.Name] = headerValue(m, strings.Join(values, ","))
			}
		}
	}
}

func headerValue(m *awsmodel.Member, text string) any {
	s := m.Shape()
	if s.Kind == awsmodel.List {
		list := []any{}
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, textScalar(s.Element.Shape(), strings.TrimSpace(part)))
		}
		return list
	}
	if m.JSONValue {
		if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
			return string(plain)
		}
	}
	return textScalar(s, text)
}
