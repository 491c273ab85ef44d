package aws

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awsmodel"
)

// restAnswer is the answer of an operation that succeeded.
func restAnswer(p restProtocol, c *Call, output reflect.Value) answer {
	op, _ := p.model().Operation(c.Operation)
	a := answer{status: c.status, header: make(http.Header), length: -1}
	if a.status == 0 {
		a.status = op.Status
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.stream = streamOf(output)
	if a.stream == nil {
		a.contentType, a.body = p.encodeBody(op, output)
	}
	shape := op.Output()
	if shape == nil {
		return a
	}
	for _, f := range shapeOf(output.Type()).fields {
		m, field := shape.Member(f.name), output.Field(f.index)
		if m == nil || !present(field) || field.Kind() == reflect.Bool && !field.Bool() {
			continue
		}
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		switch m.Location {
		case awsmodel.StatusCode:
			a.status = int(field.Int())
		case awsmodel.Headers:
			for key, v := range field.Seq2() {
				// As stored: http.Header's own methods would change the case.
				a.header[strings.ToLower(m.WireName)+key.String()] = []string{v.String()}
			}
		case awsmodel.Header:
			a.setHeader(m, field)
		}
	}
	return a
}

func (a *answer) setHeader(m *awsmodel.Member, v reflect.Value) {
	text := headerText(m, v)
	switch http.CanonicalHeaderKey(m.WireName) {
	case "Content-Length":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			a.length = n
		}
	case "Content-Type":
		a.contentType = text
	default:
		a.header.Set(m.WireName, text)
	}
}

func headerText(m *awsmodel.Member, v reflect.Value) string {
	if t, ok := v.Interface().(time.Time); ok {
		format := m.TimestampFormat
		if format == "" {
			format = m.Shape().TimestampFormat
		}
		switch format {
		case "iso8601":
			return t.UTC().Format(xmlTime)
		case "unixTimestamp":
			return strconv.FormatInt(t.Unix(), 10)
		}
		return t.UTC().Format(http.TimeFormat)
	}
	if v.Kind() == reflect.Slice && v.Type() != bytesType {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = headerText(m.Shape().Element, v.Index(i))
		}
		return strings.Join(parts, ",")
	}
	return scalarText(v)
}
