package aws

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strings"

	"cairn/internal/awsmodel"
)

// protocolOf is the protocol in which a call is answered: that of its service,
// also if Cairn does not serve it, as long as it is one of AWS's.
func protocolOf(api *API, r *http.Request, c *Call) Protocol {
	if api != nil {
		if query, ok := api.Protocol.(Query); ok && acceptsJSON(r) {
			return queryJSON{query}
		}
	}
	if api != nil || c.Service == "" || r.Header.Get("X-Amz-Target") != "" {
		return api.protocol()
	}
	models := awsmodel.BySigningName(c.Service)
	if len(models) == 0 {
		return api.protocol()
	}
	// Services that share a name share the form of their errors as well, but
	// for S3 and its relatives, the first of which is S3 itself.
	model := models[0]
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	switch {
	case model.HasProtocol(awsmodel.EC2):
		return ec2Errors{Query{Version: model.APIVersion, Namespace: model.XMLNamespace}}
	case model.HasProtocol(awsmodel.RESTXML) && model.ID == "s3":
		return RESTXML{Model: model, Namespace: model.XMLNamespace}
	case form, model.HasProtocol(awsmodel.RESTXML), model.Protocols[0] == awsmodel.Query:
		// REST services other than S3 write errors in XML as those of query do.
		return Query{Version: model.APIVersion, Namespace: model.XMLNamespace}
	}
	return api.protocol()
}

// ec2Errors is Query with errors as EC2 writes them.
type ec2Errors struct{ Query }

func (p ec2Errors) encodeError(e *Error, requestID string) (string, []byte) {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Response><Errors><Error><Code>")
	code, _ := p.wireError(e)
	xml.EscapeText(&b, []byte(code))
	b.WriteString("</Code><Message>")
	xml.EscapeText(&b, []byte(e.Message))
	b.WriteString("</Message></Error></Errors><RequestID>" + requestID + "</RequestID></Response>\n")
	return "text/xml", b.Bytes()
}
