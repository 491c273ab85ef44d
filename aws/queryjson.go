package aws

import (
	"net/http"
	"reflect"
	"strings"
)

// queryJSON is Query with answers in JSON, as AWS's query services give them to
// clients that accept nothing else.
type queryJSON struct{ Query }

// acceptsJSON reports whether a request accepts JSON and no XML.
func acceptsJSON(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "xml")
}

func (p queryJSON) encode(operation string, output reflect.Value, requestID string) (string, []byte) {
	b := append([]byte("{"), appendString(nil, operation+"Response")...)
	b = append(b, ":{"...)
	if output.IsValid() {
		b = append(append(b, appendString(nil, operation+"Result")...), ':')
		b = append(appendJSON(b, output), ',')
	}
	b = append(append(b, `"ResponseMetadata":{"RequestId":`...), appendString(nil, requestID)...)
	return "application/json", append(b, "}}}"...)
}

func (p queryJSON) encodeError(e *Error, requestID string) (string, []byte) {
	code, _ := p.wireError(e)
	b := append([]byte(`{"Error":{"Code":`), appendString(nil, code)...)
	b = append(append(b, `,"Message":`...), appendString(nil, e.Message)...)
	b = append(append(b, `,"Type":`...), appendString(nil, e.fault())...)
	b = append(append(b, `},"RequestId":`...), appendString(nil, requestID)...)
	return "application/json", append(b, '}')
}
