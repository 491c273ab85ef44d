package record

import (
	"net/http"
	"strings"

	"cairn/internal/awsmodel"
)

// generalCodes are the codes of failures that any operation can have, as records write
// them. The protocols spell some of them otherwise.
var generalCodes = map[string]string{
	"AccessDeniedException":       "AccessDenied",
	"Throttling":                  "ThrottlingException",
	"ExpiredTokenException":       "ExpiredToken",
	"UnrecognizedClientException": "InvalidClientTokenId",
}

// code returns the call's errorCode. Most services record the name of the exception in
// the API model, which differs from the code on the wire in the query protocol:
// NoSuchEntityException for NoSuchEntity. EC2 says which side is to blame; S3 records
// what it sends.
func (r *rendering) code() string {
	e := r.call.Err
	id := ""
	if r.op != nil {
		id = r.op.Service.ID
	}
	switch id {
	case "s3", "s3control":
		return e.Code
	case "ec2":
		switch {
		case strings.HasPrefix(e.Code, "Client.") || strings.HasPrefix(e.Code, "Server."):
			return e.Code
		case e.Status >= http.StatusInternalServerError:
			return "Server." + e.Code
		}
		return "Client." + e.Code
	}
	if code := generalCodes[e.Code]; code != "" {
		return code
	}
	if r.op != nil {
		for _, s := range r.op.Errors() {
			if s.Code == e.Code && s.Name != "" {
				return s.Name
			}
		}
	}
	return e.Code
}

// message returns the call's errorMessage without secrets: services quote the values
// that they refuse.
func (r *rendering) message(redacted map[string]any) string {
	message := r.call.Err.Message
	if message == "" || r.op == nil && len(r.call.Input) == 0 {
		return message
	}
	for _, secret := range removed(nil, r.call.Input, redacted, 0) {
		if len(secret) >= 4 {
			message = strings.ReplaceAll(message, secret, awsmodel.Hidden)
			continue
		}
		// A short one would be found in the words around it.
		for _, quote := range []string{"'", `"`} {
			message = strings.ReplaceAll(message, quote+secret+quote, quote+awsmodel.Hidden+quote)
		}
	}
	return message
}

// removed gathers the texts that before has and after, its redacted form, has not.
func removed(texts []string, before, after any, depth int) []string {
	if depth > maxDepth {
		return texts
	}
	switch before := before.(type) {
	case map[string]any:
		clean, _ := after.(map[string]any)
		for name, v := range before {
			texts = removed(texts, v, clean[name], depth+1)
		}
	case []any:
		clean, _ := after.([]any)
		for i, v := range before {
			var c any
			if len(clean) == len(before) {
				c = clean[i]
			}
			texts = removed(texts, v, c, depth+1)
		}
	case string:
		if s, ok := after.(string); (!ok || s != before) && before != "" {
			texts = append(texts, before)
		}
	case []byte:
		if _, ok := after.([]byte); !ok && len(before) > 0 {
			texts = append(texts, string(before))
		}
	}
	return texts
}
