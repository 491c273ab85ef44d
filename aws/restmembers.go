package aws

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awsmodel"
)

// maxRESTDepth bounds the nesting of bodies.
const maxRESTDepth = 32

// DecodeREST returns the members of a request that stand in its path, query and
// headers: strings, bools, json.Numbers, time.Times, lists and maps. What has not
// the form of its type stays a string.
func DecodeREST(op *awsmodel.Operation, labels map[string]string, r *RESTRequest) map[string]any {
	tree := make(map[string]any)
	input := op.Input()
	if input == nil {
		return tree
	}
	for i := range input.Members {
		m := &input.Members[i]
		var v any
		switch m.Location {
		case awsmodel.URI:
			if label, ok := labels[m.WireName]; ok {
				v = restScalar(m, label)
			}
		case awsmodel.QueryParam:
			v = restQuery(m, input, r.Query)
		case awsmodel.Header:
			v = restHeader(m, r)
		case awsmodel.Headers:
			v = restPrefixed(m.WireName, r.Header)
		}
		if v != nil {
			tree[m.Name] = v
		}
	}
	return tree
}

func restQuery(m *awsmodel.Member, input *awsmodel.Shape, query url.Values) any {
	switch s := m.Shape(); s.Kind {
	case awsmodel.Map: // all parameters that are not other members
		all := make(map[string]any)
		for name, values := range query {
			switch {
			case takesQuery(input, name) || len(values) == 0:
			case s.Value.Shape().Kind == awsmodel.List:
				all[name] = texts(values)
			default:
				all[name] = values[0]
			}
		}
		if len(all) == 0 {
			return nil
		}
		return all
	case awsmodel.List:
		values, ok := query[m.WireName]
		if !ok {
			return nil
		}
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = restScalar(s.Element, v)
		}
		return list
	}
	values, ok := query[m.WireName]
	if !ok {
		return nil
	}
	return restScalar(m, values[0])
}

func texts(values []string) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}

func restHeader(m *awsmodel.Member, r *RESTRequest) any {
	if strings.EqualFold(m.WireName, "Content-Length") {
		if r.ContentLength < 0 {
			return nil
		}
		return json.Number(strconv.FormatInt(r.ContentLength, 10))
	}
	values, ok := r.Header[http.CanonicalHeaderKey(m.WireName)]
	if !ok {
		return nil
	}
	text := strings.Join(values, ",")
	if strings.EqualFold(m.WireName, "Content-Encoding") {
		if text = withoutChunked(text); text == "" {
			return nil
		}
	}
	if m.Shape().Kind == awsmodel.List {
		var list []any
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, restScalar(m.Shape().Element, strings.TrimSpace(part)))
		}
		return list
	}
	v := restScalar(m, text)
	if _, bad := v.(string); bad && m.Shape().Kind == awsmodel.Timestamp && strings.HasPrefix(m.WireName, "If-") {
		return nil // HTTP has conditions with a malformed date passed over
	}
	return v
}

// withoutChunked takes aws-chunked out of a list of encodings: the front has
// undone it.
func withoutChunked(text string) string {
	if !strings.Contains(strings.ToLower(text), "aws-chunked") {
		return text
	}
	var kept []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" && !strings.EqualFold(part, "aws-chunked") {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}

// restPrefixed returns the headers that begin with a prefix, by the rest of their
// names in lower case: names of headers have no case.
func restPrefixed(prefix string, header http.Header) any {
	all := make(map[string]any)
	for name, values := range header {
		lower := strings.ToLower(name)
		if rest, ok := strings.CutPrefix(lower, strings.ToLower(prefix)); ok && rest != "" {
			all[rest] = strings.Join(values, ",")
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// restScalar reads a value from its text. An empty text is no value, but for
// strings.
func restScalar(m *awsmodel.Member, text string) any {
	switch kind := m.Shape().Kind; kind {
	case awsmodel.Boolean:
		switch {
		case strings.EqualFold(text, "true"):
			return true
		case strings.EqualFold(text, "false"):
			return false
		}
	case awsmodel.Integer, awsmodel.Long, awsmodel.Float, awsmodel.Double:
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text)
		}
	case awsmodel.Timestamp:
		if t, ok := restTime(text); ok {
			return t
		}
	default:
		return text
	}
	if text == "" {
		return nil
	}
	return text
}

// restTime reads a time in any form that clients use.
func restTime(text string) (time.Time, bool) {
	if t, err := http.ParseTime(text); err == nil {
		return t.UTC(), true
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), true
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > -1e11 && seconds < 1e11 {
		return parseTime(json.Number(text))
	}
	return time.Time{}, false
}
