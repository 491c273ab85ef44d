package record

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// s3Request returns the requestParameters of a call to S3, which have names of their
// own: bucketName, key and Host, the sub-resource (acl, with an empty value), query
// parameters and x-amz headers by their names on the wire, and the body's XML.
func s3Request(op *awsmodel.Operation, host string, input map[string]any) map[string]any {
	request := make(map[string]any)
	if host != "" {
		request["Host"] = host
	}
	_, query, _ := strings.Cut(op.URI, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name != "" && name != "x-id" {
			request[name] = value
		}
	}
	for name, v := range input {
		m := memberOf(op.Input(), name)
		switch {
		case v == nil:
		case m == nil:
			if _, taken := request[name]; !taken {
				request[name] = v
			}
		case m.Location == awsmodel.URI:
			request[s3Name(m)] = wireText(m, v)
		case m.Location == awsmodel.QueryParam:
			request[m.WireName] = wireText(m, v)
		case m.Location == awsmodel.Header:
			if s3Header(m.WireName) {
				request[m.WireName] = wireText(m, v)
			}
		case m.Location != awsmodel.Body || m.Streaming || m.Shape().Streaming:
		case name == "Policy":
			request["bucketPolicy"] = parsedJSON(v)
		default:
			request[wireName(m)] = xmlTree(m.Shape(), namespaceOf(m), "", v, 0)
		}
	}
	return notEmpty(request)
}

func s3Name(m *awsmodel.Member) string {
	if m.Name == "Bucket" {
		return "bucketName"
	}
	return lowerFirst(m.Name)
}

// s3Header reports whether a header is among the parameters: x-amz headers but those
// that are the SDK's own business or name an account that the record has already.
func s3Header(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "x-amz-account-id", "x-amz-sdk-checksum-algorithm", "x-amz-expected-bucket-owner":
		return false
	case "x-amz-bucket-arn": // of CreateBucket's answer, whose records have none
		return false
	}
	return strings.HasPrefix(name, "x-amz-")
}

// s3Response returns the responseElements: the x-amz headers of the answer.
func s3Response(op *awsmodel.Operation, output map[string]any) map[string]any {
	response := make(map[string]any)
	for name, v := range output {
		m := memberOf(op.Output(), name)
		if v != nil && m != nil && m.Location == awsmodel.Header && s3Header(m.WireName) {
			response[m.WireName] = wireText(m, v)
		}
	}
	return notEmpty(response)
}

// s3Additional returns the additionalEventData of a call that came in by the front:
// how it was signed and sent, what it weighed, and how the object is encrypted.
func s3Additional(c *aws.Call, input, output map[string]any) map[string]any {
	if c.SignatureVersion == "" && c.SignedIn() == nil && !c.Identity.Anonymous() {
		return nil
	}
	data := map[string]any{
		"bytesTransferredIn":  json.Number(strconv.FormatInt(c.BytesIn, 10)),
		"bytesTransferredOut": json.Number(strconv.FormatInt(c.BytesOut, 10)),
		"x-amz-id-2":          c.HostID(),
	}
	if c.SignatureVersion != "" {
		data["SignatureVersion"], data["AuthenticationMethod"] = c.SignatureVersion, c.AuthenticationMethod
	}
	if c.TLS != nil {
		data["CipherSuite"] = cipherName(tls.CipherSuiteName(c.TLS.CipherSuite))
	}
	applied := map[any]string{"AES256": "SSE_S3", "aws:kms": "SSE_KMS"}[output["ServerSideEncryption"]]
	if applied != "" && c.Err == nil {
		// That of a bucket is told from one that the request names.
		if input["ServerSideEncryption"] == nil && (c.Operation == "PutObject" || c.Operation == "CopyObject" || c.Operation == "CreateMultipartUpload") {
			applied = "Default_" + applied
		}
		data["SSEApplied"] = applied
	}
	return data
}

// wireText is a value as it stands in a header, a path or a query.
func wireText(m *awsmodel.Member, v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return string(v)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		if m.TimestampFormat == "iso8601" || m.Shape().TimestampFormat == "iso8601" {
			return timeWire.format(v, "iso8601")
		}
		return timeWire.format(v, "rfc822")
	}
	return v
}

// parsedJSON is a policy as an object; what is no JSON stays a text.
func parsedJSON(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil || d.More() {
		return text
	}
	return tree
}

func wireName(m *awsmodel.Member) string {
	if m.WireName != "" {
		return m.WireName
	}
	return m.Name
}

func namespaceOf(m *awsmodel.Member) string {
	if m.XMLNamespace != "" {
		return m.XMLNamespace
	}
	return m.Shape().XMLNamespace
}

// xmlTree is a value as S3's and EC2's newer records have it: its XML turned into JSON by
// rules that know no shapes. An element that comes once is a value and one that comes
// several times a list; true, false and numbers are themselves wherever they stand; an
// element without content is an empty text. item is the name of a list's elements where
// the shape has none.
func xmlTree(s *awsmodel.Shape, namespace, item string, v any, depth int) any {
	if depth > maxDepth {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		tree := make(map[string]any, len(v)+1)
		if namespace != "" {
			tree["xmlns"] = namespace
		}
		for name, e := range v {
			var m *awsmodel.Member
			if s != nil && s.Kind == awsmodel.Structure {
				m = s.Member(name)
			}
			switch {
			case e == nil:
			case m == nil:
				if _, taken := tree[name]; !taken {
					tree[name] = xmlTree(nil, "", item, e, depth+1)
				}
			case m.Shape().Kind == awsmodel.List && (m.Flattened || m.Shape().Flattened):
				tree[wireName(m)] = xmlList(m.Shape(), item, e, depth+1)
			case m.Shape().Kind == awsmodel.List:
				element := m.Shape().Element.WireName
				if element == "" {
					element = item
				}
				list := xmlList(m.Shape(), item, e, depth+1)
				if list == "" {
					tree[wireName(m)] = ""
				} else {
					tree[wireName(m)] = map[string]any{element: list}
				}
			default:
				tree[wireName(m)] = xmlTree(m.Shape(), namespaceOf(m), item, e, depth+1)
			}
		}
		if len(tree) == 0 {
			return ""
		}
		return tree
	case []any:
		return xmlList(s, item, v, depth)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case string:
		return xmlScalar(v)
	}
	return v
}

func xmlList(s *awsmodel.Shape, item string, v any, depth int) any {
	list, ok := v.([]any)
	if !ok {
		return xmlTree(nil, "", item, v, depth)
	}
	var element *awsmodel.Shape
	if s != nil && s.Kind == awsmodel.List {
		element = s.Element.Shape()
	}
	values := make([]any, len(list))
	for i, e := range list {
		values[i] = xmlTree(element, "", item, e, depth+1)
	}
	switch len(values) {
	case 0:
		return ""
	case 1:
		return values[0]
	}
	return values
}

func xmlScalar(v string) any {
	switch {
	case v == "true":
		return true
	case v == "false":
		return false
	case len(v) < 19 && isNumber(v):
		return number(v)
	}
	return v
}
