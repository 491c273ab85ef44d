package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// writeError answers with an error in the form of the service that was called, so that
// clients show it.
func writeError(w http.ResponseWriter, r *http.Request, x *Exchange, e *aws.Error, requestID string) {
	kind, service := formOf(r, x)
	h := w.Header()
	var body []byte
	switch kind {
	case awsmodel.JSON, awsmodel.RESTJSON:
		h.Set("Content-Type", "application/x-amz-json-1.1")
		if kind == awsmodel.RESTJSON {
			h.Set("Content-Type", "application/json")
		}
		h.Set("X-Amzn-Errortype", e.Code)
		body, _ = json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	case awsmodel.CBOR:
		h.Set("Content-Type", "application/cbor")
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
		body = []byte{0xa2} // a map of two
		for _, text := range []string{"__type", e.Code, "message", e.Message} {
			body = appendCBORText(body, text)
		}
	default:
		h.Set("Content-Type", "application/xml")
		body = xmlErrorBody(kind, service, e, requestID)
	}
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("X-Amz-Request-Id", requestID)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(cmp.Or(e.Status, http.StatusBadRequest))
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// formOf finds the protocol that the client speaks, as far as that can be told.
func formOf(r *http.Request, x *Exchange) (awsmodel.Protocol, *awsmodel.ServiceModel) {
	if x != nil && x.Model != nil {
		return x.Protocol, x.Model.Service
	}
	_, raw, _ := strings.Cut(r.RequestURI, "?")
	query, _ := parseForm(raw[:min(len(raw), 8<<10)])
	s := claimed(&wire{Request: &Request{Method: r.Method, Header: r.Header}, query: query})
	var service *awsmodel.ServiceModel
	if found := signedFor(s.Service); len(found) > 0 {
		service = found[0]
	}
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return awsmodel.CBOR, service
	case r.Header.Get("X-Amz-Target") != "":
		return awsmodel.JSON, service
	case service != nil && service.HasProtocol(awsmodel.EC2):
		return awsmodel.EC2, service
	case isForm(r.Header) || query.Has("Action"):
		return awsmodel.Query, service
	case service != nil:
		return service.Protocols[0], service
	case strings.Contains(r.Header.Get("Content-Type"), "json"):
		return awsmodel.RESTJSON, nil
	}
	return awsmodel.RESTXML, nil
}

func xmlErrorBody(kind awsmodel.Protocol, service *awsmodel.ServiceModel, e *aws.Error, requestID string) []byte {
	var b bytes.Buffer
	element := func(name, text string) {
		b.WriteString("<" + name + ">")
		xml.EscapeText(&b, []byte(text))
		b.WriteString("</" + name + ">")
	}
	b.WriteString(xml.Header)
	switch {
	case kind == awsmodel.EC2:
		b.WriteString("<Response><Errors><Error>")
		element("Code", e.Code)
		element("Message", e.Message)
		b.WriteString("</Error></Errors>")
		element("RequestID", requestID)
		b.WriteString("</Response>")
	case kind == awsmodel.RESTXML && (service == nil || service.ID == "s3"):
		b.WriteString("<Error>")
		element("Code", e.Code)
		element("Message", e.Message)
		element("RequestId", requestID)
		b.WriteString("</Error>")
	default:
		b.WriteString("<ErrorResponse><Error><Type>")
		if e.Status >= http.StatusInternalServerError {
			b.WriteString("Receiver</Type>")
		} else {
			b.WriteString("Sender</Type>")
		}
		element("Code", e.Code)
		element("Message", e.Message)
		b.WriteString("</Error>")
		element("RequestId", requestID)
		b.WriteString("</ErrorResponse>")
	}
	return b.Bytes()
}

func appendCBORText(b []byte, text string) []byte {
	switch n := len(text); {
	case n < 24:
		b = append(b, 0x60|byte(n))
	case n < 1<<8:
		b = append(b, 0x78, byte(n))
	default:
		b = append(b, 0x79, byte(n>>8), byte(n))
	}
	return append(b, text...)
}
