package gateway

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awsmodel"
)

const (
	// maxNodes bounds the values that one body becomes. A record has room for 100 KB of
	// parameters, which is fewer.
	maxNodes = 16 << 10

	// maxDepth bounds their nesting. DynamoDB's items, the deepest that AWS takes, have
	// two levels of JSON for each of their 32.
	maxDepth = 100
)

// A budget is what is left of maxNodes.
type budget struct{ left int }

func newBudget() *budget { return &budget{maxNodes} }

// spend takes a value's share.
func (b *budget) spend(depth int) error {
	if depth > maxDepth {
		return tooLarge("the depth of the body")
	}
	if b.left--; b.left < 0 {
		return tooLarge("the number of values in the body")
	}
	return nil
}

// fit names the members of a value by its shape and gives scalars their types. What
// does not fit stays as it is: the redactor hides it where the shape holds secrets.
func fit(s *awsmodel.Shape, v any) any {
	if v == nil {
		return nil
	}
	if s == nil || s.Kind == awsmodel.Document {
		return plainTree(v)
	}
	switch v := v.(type) {
	case map[string]any:
		switch s.Kind {
		case awsmodel.Structure:
			return fitMembers(s, v)
		case awsmodel.Map:
			for name, e := range v {
				v[name] = fit(s.Value.Shape(), e)
			}
			return v
		}
		return plainTree(v)
	case []any:
		var element *awsmodel.Shape
		if s.Kind == awsmodel.List {
			element = s.Element.Shape()
		}
		for i, e := range v {
			v[i] = fit(element, e)
		}
		return v
	}
	return scalar(s, v)
}

// fitMembers names the members of an object. One that the model does not have keeps its
// name on the wire, unless a known member has that.
func fitMembers(s *awsmodel.Shape, object map[string]any) map[string]any {
	tree := make(map[string]any, len(object))
	for name, v := range object {
		if v == nil {
			continue
		}
		if m := bodyMember(s, name); m != nil {
			tree[m.Name] = fit(m.Shape(), v)
		} else {
			addStranger(s, tree, name, plainTree(v))
		}
	}
	return tree
}

// addStranger adds a value that the shape has no member for, under its own name or, where
// that is a member's or taken, with an underscore behind it. More of them make a list.
func addStranger(s *awsmodel.Shape, tree map[string]any, name string, v any) {
	if name == "__type" {
		return
	}
	if _, taken := tree[name]; taken || s != nil && s.Member(name) != nil {
		name += "_"
	}
	for s != nil && s.Member(name) != nil {
		name += "_"
	}
	switch known := tree[name].(type) {
	case nil:
		tree[name] = v
	case []any:
		tree[name] = append(known, v)
	default:
		tree[name] = []any{known, v}
	}
}

// bodyMember returns the member that has a name on the wire and stands in bodies.
func bodyMember(s *awsmodel.Shape, name string) *awsmodel.Member {
	m := s.Member(name)
	if m == nil || m.WireName != name {
		m = s.MemberOnWire(name)
	}
	if m != nil && m.Location == awsmodel.Body {
		return m
	}
	return nil
}

// plainTree makes the values of an unknown shape ones that records hold.
func plainTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			v[name] = plainTree(e)
		}
		return v
	case []any:
		for i, e := range v {
			v[i] = plainTree(e)
		}
		return v
	case string, bool, json.Number, []byte, time.Time, nil:
		return v
	}
	return number(v)
}

// number is a number of CBOR as JSON writes it.
func number(v any) any {
	switch v := v.(type) {
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+")
		}
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	case float32:
		return number(float64(v))
	case big.Int:
		return json.Number(v.String())
	case *big.Int:
		return json.Number(v.String())
	}
	return "?" // nothing else comes out of a decoder
}

// scalar gives a value the type of its shape.
func scalar(s *awsmodel.Shape, v any) any {
	text, isText := v.(string)
	switch s.Kind {
	case awsmodel.Timestamp:
		if t, ok := timeOf(v); ok {
			return t
		}
	case awsmodel.Blob:
		if isText {
			if b, err := base64.StdEncoding.DecodeString(text); err == nil {
				return b
			}
		}
	case awsmodel.Boolean:
		if isText {
			return boolean(text)
		}
	case awsmodel.Integer, awsmodel.Long, awsmodel.Float, awsmodel.Double:
		if isText {
			return numeral(text)
		}
	}
	if isText {
		return text
	}
	return plainTree(v)
}

// textScalar reads a value from the text that it has in a form, in XML or in a header.
func textScalar(s *awsmodel.Shape, text string) any {
	if s == nil {
		return text
	}
	switch s.Kind {
	case awsmodel.String:
		return text
	case awsmodel.Timestamp:
		if n, ok := numeral(strings.TrimSpace(text)).(json.Number); ok {
			return scalar(s, n)
		}
	}
	return scalar(s, strings.TrimSpace(text))
}

func boolean(text string) any {
	switch {
	case strings.EqualFold(text, "true"):
		return true
	case strings.EqualFold(text, "false"):
		return false
	}
	return text
}

// numeral is a number if the text is one as JSON writes it.
func numeral(text string) any {
	if text != "" && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') && json.Valid([]byte(text)) {
		return json.Number(text)
	}
	return text
}

// timeOf reads a time in any form that the protocols have.
func timeOf(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v.UTC(), true
	case string:
		for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly, "20060102T150405Z"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC(), true
			}
		}
		t, err := http.ParseTime(v)
		return t.UTC(), err == nil
	case float64:
		return timeAt(v)
	case uint64:
		return timeAt(float64(v))
	case int64:
		return timeAt(float64(v))
	case json.Number:
		if seconds, err := strconv.ParseInt(string(v), 10, 64); err == nil && seconds > -maxSeconds && seconds < maxSeconds {
			return time.Unix(seconds, 0).UTC(), true
		}
		f, err := strconv.ParseFloat(string(v), 64)
		if err == nil {
			return timeAt(f)
		}
	}
	return time.Time{}, false
}

// maxSeconds is past the year 9999, which is the last one that layouts can write.
const maxSeconds = 2e11

// timeAt is a number of seconds since 1970, exact to the millisecond as the protocols are.
func timeAt(seconds float64) (time.Time, bool) {
	if !(seconds > -maxSeconds && seconds < maxSeconds) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), true
}
