package aws

import (
	"encoding/base64"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// JSON is the protocol awsJson1.0 or awsJson1.1: a POST to / whose header
// X-Amz-Target names the operation.
type JSON struct {
	Version string // "1.0" or "1.1"

	// Target stands before the operation's name in X-Amz-Target, behind
	// anything that ends in a dot: SDKs differ in what they send there.
	Target string
}

func (p JSON) decode(r *http.Request, body []byte) (string, map[string]any, error) {
	target := r.Header.Get("X-Amz-Target")
	i := strings.LastIndexByte(target, '.')
	if i < 0 || target[:i] != p.Target && !strings.HasSuffix(target[:i], "."+p.Target) {
		return "", nil, Errorf("UnknownOperationException", "The header X-Amz-Target does not name an operation of this service.")
	}
	input, err := parseJSON(body)
	return target[i+1:], input, err
}

func (p JSON) contentType() string { return "application/x-amz-json-" + p.Version }

func (p JSON) encode(_ string, output reflect.Value, _ string) (string, []byte) {
	return p.contentType(), appendJSON(nil, output)
}

// jsonCodes are the codes that the JSON protocols spell in their own way.
var jsonCodes = map[string]string{
	"AccessDenied":         "AccessDeniedException",
	"InvalidClientTokenId": "UnrecognizedClientException",
	"ExpiredToken":         "ExpiredTokenException",
}

func (p JSON) wireError(e *Error) (code string, status int) {
	if code, ok := jsonCodes[e.Code]; ok {
		return code, http.StatusBadRequest
	}
	return e.Code, e.status()
}

func (p JSON) encodeError(e *Error, _ string) (string, []byte) {
	code, _ := p.wireError(e)
	body := append([]byte(`{"__type":`), appendString(nil, code)...)
	body = append(append(body, `,"message":`...), appendString(nil, e.Message)...)
	return p.contentType(), append(body, '}')
}

// appendJSON appends the wire form of a value: timestamps as epoch seconds,
// blobs as base64, absent members left out.
func appendJSON(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return appendJSON(b, v.Elem())
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Float64:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case reflect.Slice:
		if v.Type() == bytesType {
			return appendString(b, base64.StdEncoding.EncodeToString(v.Bytes()))
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, v.Index(i))
		}
		return append(b, ']')
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
		b = append(b, '{')
		for i, key := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, key.String()), ':')
			b = appendJSON(b, v.MapIndex(key))
		}
		return append(b, '}')
	case reflect.Struct:
		if v.Type() == timeType {
			return appendEpoch(b, v.Interface().(time.Time))
		}
		b = append(b, '{')
		first := true
		for _, f := range shapeOf(v.Type()).fields {
			field := v.Field(f.index)
			if !present(field) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(appendString(b, f.name), ':')
			b = appendJSON(b, field)
		}
		return append(b, '}')
	}
	panic("aws: no wire form for " + v.Type().String())
}

// appendEpoch appends seconds since 1970, with milliseconds where there are
// any.
func appendEpoch(b []byte, t time.Time) []byte {
	if ms := t.UnixMilli(); ms%1000 != 0 {
		return strconv.AppendFloat(b, math.Round(float64(ms))/1e3, 'f', -1, 64)
	}
	return strconv.AppendInt(b, t.Unix(), 10)
}

// appendString appends a text in quotes. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error tells of such bytes
	return b
}
