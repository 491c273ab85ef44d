package record

import (
	"strconv"
	"unicode/utf8"
)

// MaxBytes is the most bytes that a record has: CloudTrail's limit for an event.
const MaxBytes = 256 << 10

// CloudTrail's limits for fields: of the text itself for texts, of the JSON for objects.
const (
	maxTextBytes       = 1 << 10   // userAgent, errorCode, errorMessage, requestID
	maxBodyBytes       = 100 << 10 // requestParameters, responseElements
	maxAdditionalBytes = 28 << 10  // additionalEventData

	maxIdentityBytes = 2 << 10  // an ARN or name in userIdentity
	maxNameBytes     = 256      // eventSource, eventName, IDs: what the event log takes
	maxARNBytes      = 2 << 10  // one of resources
	maxResources     = 256      // CloudTrail lists no more
	maxResourceBytes = 64 << 10 // all of resources
)

// droppable are the fields that a record larger than MaxBytes goes without, in
// CloudTrail's order; the resources, which its order does not name, go last.
var droppable = [...]func(*rendering) *[]byte{
	func(r *rendering) *[]byte { return &r.requestID },
	func(r *rendering) *[]byte { return &r.additional },
	func(r *rendering) *[]byte { return &r.userAgent },
	func(r *rendering) *[]byte { return &r.errorCode },
	func(r *rendering) *[]byte { return &r.response },
	func(r *rendering) *[]byte { return &r.request },
	func(r *rendering) *[]byte { return &r.errorMessage },
	func(r *rendering) *[]byte { return &r.resources },
}

// limited returns the JSON of an object, or that of a note in its place when it is
// larger than limit. A nil tree gives nil.
func limited(tree map[string]any, limit int) []byte {
	if tree == nil {
		return nil
	}
	b := appendValue(nil, tree, 0)
	if len(b) <= limit {
		return b
	}
	return appendOmitted(b[:0:0], len(b), "larger than "+strconv.Itoa(limit)+" bytes")
}

// appendOmitted appends what stands in place of a field that is left out.
func appendOmitted(b []byte, size int, reason string) []byte {
	b = append(b, `{"omitted":true,"originalSize":`...)
	b = strconv.AppendInt(b, int64(size), 10)
	b = append(b, `,"reason":`...)
	return append(appendString(b, reason), '}')
}

// cut returns the first bytes of s, limit at most, without a part of a character at
// the end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax+1 && !utf8.RuneStart(s[end]) {
		end--
	}
	if !utf8.RuneStart(s[end]) {
		end = limit // not UTF-8 anyway
	}
	return s[:end]
}
