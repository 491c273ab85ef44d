package gateway

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// decodeError reads an error in the form of any protocol: backends and the proxies before
// them do not always keep to that of the request. There is always one.
func (x *Exchange) decodeError(a *Answer) *aws.Error {
	body, partly := x.expand(InAnswer, nil, a.Header, a.Body.Bytes, a.Body.Truncated())
	e := &aws.Error{Status: a.Status}
	code, message := "", ""
	switch text := strings.TrimSpace(string(body[:min(len(body), 16)])); {
	case x.Protocol == awsmodel.CBOR && strings.Contains(a.Header.Get("Content-Type"), "cbor"):
		v, err := parseCBOR(body)
		x.note(InAnswer, partly, err, "the CBOR of the error")
		code, message = errorMembers(asObject(v))
	case strings.HasPrefix(text, "{"):
		v, _, err := parseJSON(body)
		x.note(InAnswer, partly, err, "the JSON of the error")
		code, message = errorMembers(asObject(v))
	case strings.HasPrefix(text, "<"):
		found, err := readXMLError(body)
		if found.code == "" {
			x.note(InAnswer, partly, err, "the XML of the error")
		}
		code, message = found.code, found.message
		x.RequestID = cmp.Or(x.RequestID, found.requestID)
		x.HostID = cmp.Or(x.HostID, found.hostID)
	case len(body) > 0:
		x.problem(InAnswer, Malformed, "the body of the error")
	}
	code = cmp.Or(a.Header.Get("X-Amzn-Errortype"), code)
	if query, _, _ := strings.Cut(a.Header.Get("X-Amzn-Query-Error"), ";"); query != "" {
		code = query
	}
	e.Message = message
	if e.Code = errorCode(code); e.Code == "" {
		x.silent = a.Header.Get("X-Minio-Error-Code") == ""
		e.Code = cmp.Or(errorCode(a.Header.Get("X-Minio-Error-Code")), x.bodilessCode(a.Status), statusCode(a.Status))
		e.Message = cmp.Or(e.Message, strings.Trim(a.Header.Get("X-Minio-Error-Desc"), `"`)) // MinIO writes it in quotes
	}
	return e
}

// errorCode takes the namespace and the address off a code:
// "com.amazonaws.x#NoSuchThing:http://…" is NoSuchThing.
func errorCode(code string) string {
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	code, _, _ = strings.Cut(code, ":")
	return word(code)
}

// statusCode makes a code of a status that nothing else explains.
func statusCode(status int) string {
	return cmp.Or(strings.NewReplacer(" ", "", "-", "", "'", "").Replace(http.StatusText(status)), "UnknownError")
}

// errorMembers finds code and message among the members of a JSON or CBOR error.
func errorMembers(v map[string]any) (code, message string) {
	if inner := asObject(v["error"]); inner != nil && v["__type"] == nil {
		v = inner
	}
	for _, name := range [...]string{"__type", "code", "Code"} {
		if s, ok := v[name].(string); ok && s != "" {
			code = s
			break
		}
	}
	for _, name := range [...]string{"message", "Message", "errorMessage", "error_message"} {
		if s, ok := v[name].(string); ok && s != "" {
			message = s
			break
		}
	}
	return code, message
}

type xmlError struct{ code, message, requestID, hostID string }

// readXMLError finds an error in any of the forms that the XML protocols have: Error,
// ErrorResponse with Error in it, Response with Errors in it.
func readXMLError(body []byte) (found xmlError, err error) {
	r := newXML(body, false)
	start, err := r.root()
	if err != nil {
		return found, err
	}
	var look func(start xml.StartElement, depth int) error
	look = func(start xml.StartElement, depth int) error {
		if err := r.spend(depth); err != nil {
			return err
		}
		text, err := r.children(start, func(child xml.StartElement) error { return look(child, depth+1) })
		if err != nil || depth > 4 {
			return err
		}
		var to *string
		switch start.Name.Local {
		case "Code":
			to = &found.code
		case "Message":
			to = &found.message
		case "RequestId", "RequestID", "requestId":
			to = &found.requestID
		case "HostId":
			to = &found.hostID
		default:
			return nil
		}
		if *to == "" {
			*to = strings.TrimSpace(text)
		}
		return nil
	}
	return found, look(start, 0)
}

// hiddenError reports whether an answer with a good status is an error all the same: S3
// sends the status of operations that take long before it knows their end.
func (x *Exchange) hiddenError(a *Answer, body []byte) bool {
	if x.Model.Service.ID != "s3" || a.Status != http.StatusOK || len(body) == 0 {
		return false
	}
	r := newXML(body, false)
	start, err := r.root()
	if err != nil || start.Name.Local != "Error" {
		return false
	}
	found, _ := readXMLError(body)
	if found.code == "" {
		return false
	}
	x.Err = &aws.Error{Code: errorCode(found.code), Message: found.message, Status: http.StatusInternalServerError}
	return true
}
