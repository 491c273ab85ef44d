package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// performREST performs a call to a REST service. body is that of a service that
// does not stream.
func (m *Mux) performREST(ctx context.Context, r *http.Request, c *Call, api *API, body []byte) (reflect.Value, error) {
	none := reflect.Value{}
	p := api.Protocol.(restProtocol)
	o, err := m.decodeREST(ctx, r, c, api, body)
	if err != nil {
		return none, err
	}
	output, err := m.run(ctx, api, o, c)
	if err != nil {
		return none, err
	}
	a := restAnswer(p, c, output)
	c.BytesOut = int64(len(a.body))
	if a.stream != nil {
		c.BytesOut = max(a.length, 0)
	}
	c.prepared = &a
	return output, nil
}

// decodeREST finds the operation of a call to a REST service, and its parameters
// but for a body that the operation reads itself.
func (m *Mux) decodeREST(ctx context.Context, r *http.Request, c *Call, api *API, body []byte) (*operation, error) {
	p := api.Protocol.(restProtocol)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") && r.Method == http.MethodPost {
		return nil, &Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
			Message: "Uploads by browser forms are not taken. Use a presigned PUT request."}
	}
	q, err := p.request(r)
	if err != nil {
		return nil, signatureError(p, err)
	}
	op, labels, err := MatchREST(p.model(), q)
	if op != nil {
		c.Operation = op.Name
	}
	if err != nil {
		return nil, err
	}
	c.Input = DecodeREST(op, labels, q)
	if c.SignatureVersion == "SigV2" && !presignable[op.Name] {
		return nil, Errorf("InvalidRequest", "Signature Version 2 is taken to get and put objects only. Please use AWS4-HMAC-SHA256.")
	}
	o := api.operations[op.Name]
	if o == nil {
		return nil, m.missing(ctx, api, c)
	}
	fitTexts(o.in, c.Input)
	if api.Streaming {
		if c.body, err = newBody(r, c, op); err != nil {
			return nil, err
		}
		if o.body >= 0 && c.body.length < 0 {
			return nil, &Error{Code: "MissingContentLength", Status: http.StatusLengthRequired, Message: "You must provide the Content-Length HTTP header."}
		}
		if o.body >= 0 {
			return o, nil
		}
		if body, err = m.readWhole(r, c, api); err != nil {
			return nil, err
		}
	}
	return o, p.decodeBody(op, body, c.Input)
}

// fitTexts makes texts of numbers where a struct has a text: to S3's model the
// markers of parts are numbers, and to the SDKs they are opaque.
func fitTexts(in reflect.Type, tree map[string]any) {
	for _, f := range shapeOf(in).fields {
		if n, ok := tree[f.name].(json.Number); ok && in.Field(f.index).Type.Kind() == reflect.String {
			tree[f.name] = n.String()
		}
	}
}

// presignable are the operations that a signature of Version 2 is taken for.
var presignable = map[string]bool{"GetObject": true, "HeadObject": true, "PutObject": true, "UploadPart": true, "ListObjects": true, "HeadBucket": true}

// readWhole reads the body of an operation that does not stream, to its end and
// its checks.
func (m *Mux) readWhole(r *http.Request, c *Call, api *API) ([]byte, error) {
	limit := m.maxBody(api)
	if c.Identity.Anonymous() {
		limit = min(limit, smallBody) // strangers do not get at the memory for larger ones
	}
	var err error
	if c.release, err = m.reserveBody(r, limit); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(c.body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, &Error{Code: "RequestEntityTooLarge", Status: http.StatusBadRequest, Message: fmt.Sprintf("The request body has more than %d bytes.", limit)}
	}
	return body, nil
}

func (m *Mux) maxBody(api *API) int64 {
	if api != nil && api.MaxBody != 0 {
		return api.MaxBody
	}
	return m.cfg.MaxBody
}
