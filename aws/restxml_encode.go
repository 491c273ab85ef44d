package aws

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awsmodel"
)

// restRoots are the root elements of S3's answers that are not named as their
// shapes are: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html
var restRoots = map[string]string{
	"CompleteMultipartUpload":                    "CompleteMultipartUploadResult",
	"CreateMultipartUpload":                      "InitiateMultipartUploadResult",
	"CreateSession":                              "CreateSessionResult",
	"DeleteObjects":                              "DeleteResult",
	"GetBucketAccelerateConfiguration":           "AccelerateConfiguration",
	"GetBucketAcl":                               "AccessControlPolicy",
	"GetBucketCors":                              "CORSConfiguration",
	"GetBucketLifecycle":                         "LifecycleConfiguration",
	"GetBucketLifecycleConfiguration":            "LifecycleConfiguration",
	"GetBucketLogging":                           "BucketLoggingStatus",
	"GetBucketNotification":                      "NotificationConfiguration",
	"GetBucketRequestPayment":                    "RequestPaymentConfiguration",
	"GetBucketTagging":                           "Tagging",
	"GetBucketVersioning":                        "VersioningConfiguration",
	"GetBucketWebsite":                           "WebsiteConfiguration",
	"GetObjectAcl":                               "AccessControlPolicy",
	"GetObjectAttributes":                        "GetObjectAttributesResponse",
	"GetObjectTagging":                           "Tagging",
	"ListBucketAnalyticsConfigurations":          "ListBucketAnalyticsConfigurationResult",
	"ListBucketIntelligentTieringConfigurations": "ListBucketIntelligentTieringConfigurationsOutput",
	"ListBucketInventoryConfigurations":          "ListInventoryConfigurationsResult",
	"ListBucketMetricsConfigurations":            "ListMetricsConfigurationsResult",
	"ListBuckets":                                "ListAllMyBucketsResult",
	"ListDirectoryBuckets":                       "ListAllMyDirectoryBucketsResult",
	"ListMultipartUploads":                       "ListMultipartUploadsResult",
	"ListObjectVersions":                         "ListVersionsResult",
	"ListObjects":                                "ListBucketResult",
	"ListObjectsV2":                              "ListBucketResult",
	"ListParts":                                  "ListPartsResult",
}

func (p RESTXML) encodeBody(op *awsmodel.Operation, output reflect.Value) (string, []byte) {
	shape := op.Output()
	if shape == nil || !output.IsValid() {
		return "", nil
	}
	b := &xmlWriter{namespace: p.Namespace}
	b.WriteString(xml.Header)
	if op.Name == "GetBucketLocation" {
		// An element in an element of its name to the model, but only one on the wire.
		if f := output.FieldByName("LocationConstraint"); f.IsValid() {
			b.element("LocationConstraint", p.Namespace, shape.Member("LocationConstraint"), f)
			return "application/xml", b.Bytes()
		}
	}
	if payload := shape.PayloadMember(); payload != nil {
		return p.encodePayload(b, payload, output)
	}
	if !hasBody(shape) {
		return "", nil
	}
	root := restRoots[op.Name]
	if root == "" {
		root = or(shape.WireName, shape.Name)
	}
	b.open(root, p.Namespace)
	b.members(shape, output)
	b.close(root)
	return "application/xml", b.Bytes()
}

func hasBody(s *awsmodel.Shape) bool {
	return slices.ContainsFunc(s.Members, func(m awsmodel.Member) bool { return m.Location == awsmodel.Body })
}

func (p RESTXML) encodePayload(b *xmlWriter, payload *awsmodel.Member, output reflect.Value) (string, []byte) {
	var v reflect.Value
	for _, f := range shapeOf(output.Type()).fields {
		if f.name == payload.Name {
			v = output.Field(f.index)
		}
	}
	if !v.IsValid() || !present(v) {
		return "", nil
	}
	switch payload.Shape().Kind {
	case awsmodel.String:
		return "application/json", []byte(scalarText(v)) // S3's only one is a policy
	case awsmodel.Blob:
		return "binary/octet-stream", v.Bytes()
	}
	b.element(payload.WireName, p.Namespace, payload, v)
	return "application/xml", b.Bytes()
}

// xmlTime is how S3 writes times in XML.
const xmlTime = "2006-01-02T15:04:05.000Z"

// An xmlWriter writes values by their shapes.
type xmlWriter struct {
	bytes.Buffer
	namespace string
}

func (b *xmlWriter) open(name, namespace string) {
	b.WriteString("<" + name)
	if namespace != "" {
		b.WriteString(` xmlns="` + namespace + `"`)
	}
	b.WriteString(">")
}

func (b *xmlWriter) close(name string) { b.WriteString("</" + name + ">") }

func (b *xmlWriter) members(s *awsmodel.Shape, v reflect.Value) {
	for _, f := range shapeOf(v.Type()).fields {
		m, field := s.Member(f.name), v.Field(f.index)
		if m == nil || m.Location != awsmodel.Body || m.XMLAttribute || !present(field) {
			continue
		}
		if flattened(m) && field.Kind() == reflect.Slice {
			for i := range field.Len() {
				b.element(elementName(m), "", m.Shape().Element, field.Index(i))
			}
			continue
		}
		if flattened(m) && field.Kind() == reflect.Map {
			b.entries(m.WireName, m.Shape(), field)
			continue
		}
		b.element(m.WireName, "", m, field)
	}
}

func (b *xmlWriter) element(name, namespace string, m *awsmodel.Member, v reflect.Value) {
	s := m.Shape()
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	b.WriteString("<" + name)
	if namespace != "" {
		b.WriteString(` xmlns="` + namespace + `"`)
	}
	if v.Kind() == reflect.Struct && v.Type() != timeType {
		b.attributes(m, s, v)
	}
	b.WriteString(">")
	switch {
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		b.members(s, v)
	case v.Kind() == reflect.Map:
		b.entries("entry", s, v)
	case v.Kind() == reflect.Slice && v.Type() != bytesType:
		for i := range v.Len() {
			b.element(or(s.Element.WireName, "member"), "", s.Element, v.Index(i))
		}
	default:
		xml.EscapeText(&b.Buffer, []byte(scalarText(v)))
	}
	b.close(name)
}

// attributes writes the members of a structure that are attributes.
func (b *xmlWriter) attributes(m *awsmodel.Member, s *awsmodel.Shape, v reflect.Value) {
	for _, f := range shapeOf(v.Type()).fields {
		attr, field := s.Member(f.name), v.Field(f.index)
		if attr == nil || !attr.XMLAttribute || !present(field) {
			continue
		}
		if prefix, _, ok := strings.Cut(attr.WireName, ":"); ok {
			b.WriteString(" xmlns:" + prefix + `="` + or(or(m.XMLNamespace, s.XMLNamespace), "http://www.w3.org/2001/XMLSchema-instance") + `"`)
		}
		b.WriteString(" " + attr.WireName + `="`)
		xml.EscapeText(&b.Buffer, []byte(scalarText(field)))
		b.WriteString(`"`)
	}
}

func (b *xmlWriter) entries(name string, s *awsmodel.Shape, v reflect.Value) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
	for _, key := range keys {
		b.open(name, "")
		b.element(or(s.Key.WireName, "key"), "", s.Key, key)
		b.element(or(s.Value.WireName, "value"), "", s.Value, v.MapIndex(key))
		b.close(name)
	}
}

// scalarText is a value as it stands in an element or a header.
func scalarText(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.Slice:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case reflect.Struct:
		return v.Interface().(time.Time).UTC().Format(xmlTime)
	}
	return v.String()
}
