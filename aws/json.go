package aws

import (
	"bytes"
	"encoding/base64"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

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

// jsonBuffers are where answers are put together: a page of events is some 100 KB,
// which would be copied many times while its buffer grows.
var jsonBuffers sync.Pool

func (p JSON) encode(_ string, output reflect.Value, _ string) (string, []byte) {
	scratch, _ := jsonBuffers.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	*scratch = appendJSON((*scratch)[:0], output)
	body := bytes.Clone(*scratch)
	if cap(*scratch) <= 1<<20 {
		jsonBuffers.Put(scratch)
	}
	return p.contentType(), body
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
//
// What is long here are records within an answer of LookupEvents: ASCII with a
// quotation mark every dozen bytes. Where one comes next cannot be predicted, so
// each byte takes the same steps. A text with anything else than printable ASCII
// in it is left to the library.
func appendString(b []byte, s string) []byte {
	if !printable(s) {
		b, _ = jsontext.AppendQuote(b, s) // the error tells of bytes that are not UTF-8
		return b
	}
	n := len(b)
	b = slices.Grow(b, 2*len(s)+2) // each byte may need a backslash
	out := b[n : n+2*len(s)+2]
	out[0] = '"'
	at := 1
	for i := range len(s) {
		c := s[i]
		out[at] = '\\' // stays if it is needed
		at += int(backslashed[c])
		out[at] = c
		at++
	}
	out[at] = '"'
	return b[:n+at+1]
}

// backslashed is 1 for the printable characters that have a backslash before
// them in JSON.
var backslashed = [256]uint8{'"': 1, '\\': 1}

// printable reports whether a text has no control characters and nothing that is
// not ASCII.
func printable(s string) bool {
	const each, top = 0x0101010101010101, 0x8080808080808080
	var odd uint64 // the upper bit of each byte: whether one of its kind is odd
	for ; len(s) >= 8; s = s[8:] {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56 // one load
		// Without upper bits, adding 0x60 sets that of each byte that is at least
		// a blank, and carries into no other.
		odd |= w | ^(w&^top + 0x60*each)
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return odd&top == 0
}
