package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"cairn/internal/sigv4"
)

// A Signature is what a request says of who signed it. Nothing of it is verified.
type Signature struct {
	// Version is "SigV4", "SigV4A" or "SigV2", "Bearer" for a token that is no signature,
	// "Other" for a scheme that is not known, and empty for requests without any.
	Version string

	// Method is where it stands: "AuthHeader", "QueryString" or "HtmlForm", as
	// CloudTrail names them.
	Method string

	AccessKeyID  string
	SessionToken string // of temporary credentials: a secret, which is never recorded

	// The credential scope: of V4 whole, of V4A without a region, of V2 empty.
	ScopeDate string
	Region    string
	Service   string

	RegionSet string // of V4A: the regions that it is good for, such as "us-*"

	Date    time.Time // of V4, zero if it cannot be read
	Expires time.Time // of presigned requests

	// Problem says why the signature cannot be one that verifies, 0 if nothing shows.
	Problem sigv4.Kind

	form bool // it stands in a form
}

// Presigned reports whether the signature stands in the URL.
func (s *Signature) Presigned() bool { return s.Method == "QueryString" }

// Temporary reports whether the request carries a session token.
func (s *Signature) Temporary() bool { return s.SessionToken != "" }

const (
	schemeV4  = "AWS4-HMAC-SHA256"
	schemeV4a = "AWS4-ECDSA-P256-SHA256"
)

// readSignature reads a request's signature. What the strict reader refuses is read
// as far as it goes: the backend decides what it takes, the record says what came.
func readSignature(q *wire) Signature {
	s := claimed(q)
	credentials := len(q.post["x-amz-credential"]) + len(q.post["awsaccesskeyid"])
	if credentials > 1 || credentials == 1 && s.Method != "HtmlForm" {
		s.Problem = sigv4.AmbiguousAuthentication // the backend may believe another one
		return s
	}
	if s.Version == "" || s.form {
		return s
	}
	r := &http.Request{Method: q.Method, Host: q.Host, Header: q.Header, URL: &url.URL{Path: "/", RawQuery: q.raw}}
	if s.Version == "SigV2" && s.Method == "QueryString" {
		if v2, err := sigv4.ParseV2(r); err != nil {
			s.Problem = sigv4.KindOf(err)
		} else if v2 != nil {
			s.Expires = v2.Expires
		}
		return s
	}
	strict, err := sigv4.Parse(r)
	if err != nil {
		if kind := sigv4.KindOf(err); kind != sigv4.UnsupportedSigV2 && kind != sigv4.UnsupportedSigV4a {
			s.Problem = kind
		}
		return s
	}
	s.Date = strict.Date
	if strict.Presigned && strict.Expires > 0 {
		s.Expires = strict.Date.Add(strict.Expires)
	}
	return s
}

// claimed finds the signature and its credential.
func claimed(q *wire) Signature {
	token := q.Header.Get("X-Amz-Security-Token")
	if token == "" {
		token = q.Header.Get("X-Amz-S3session-Token")
	}
	if authorization := q.Header.Get("Authorization"); authorization != "" {
		s := Signature{Method: "AuthHeader", SessionToken: token, RegionSet: word(q.Header.Get("X-Amz-Region-Set"))}
		s.authorization(strings.TrimSpace(authorization))
		return s
	}
	for _, from := range []struct {
		values url.Values
		method string
		form   bool
	}{{q.query, "QueryString", false}, {q.post, "HtmlForm", true}, {q.form, "QueryString", true}} {
		s := Signature{Method: from.method, SessionToken: token, form: from.form}
		if s.parameters(from.values) {
			return s
		}
	}
	return Signature{SessionToken: token}
}

// authorization reads an Authorization header.
func (s *Signature) authorization(text string) {
	scheme, rest, _ := strings.Cut(text, " ")
	switch {
	case scheme == schemeV4 || scheme == schemeV4a:
		s.Version = "SigV4"
		if scheme == schemeV4a {
			s.Version = "SigV4A"
		}
		for part := range strings.SplitSeq(rest, ",") {
			if credential, ok := strings.CutPrefix(strings.TrimSpace(part), "Credential="); ok {
				s.credential(credential)
				return
			}
		}
	case scheme == "AWS":
		s.Version = "SigV2"
		if colon := strings.LastIndexByte(rest, ':'); colon > 0 {
			s.AccessKeyID = word(rest[:colon])
		}
	case strings.EqualFold(scheme, "Bearer"):
		s.Version = "Bearer"
	default:
		s.Version = "Other"
	}
}

// parameters reads a signature that stands in a query or a form. It reports whether there is one.
func (s *Signature) parameters(v url.Values) bool {
	get := func(name string) string {
		if values := v[name]; len(values) > 0 {
			return values[0]
		}
		for n, values := range v { // forms write their names in any case
			if strings.EqualFold(n, name) && len(values) > 0 {
				return values[0]
			}
		}
		return ""
	}
	if len(v) == 0 {
		return false
	}
	credential, algorithm := get("X-Amz-Credential"), get("X-Amz-Algorithm")
	switch {
	case credential != "" || algorithm != "":
		s.Version = "SigV4"
		if strings.HasPrefix(algorithm, schemeV4a) {
			s.Version, s.RegionSet = "SigV4A", word(get("X-Amz-Region-Set"))
		}
		s.credential(credential)
	case get("AWSAccessKeyId") != "":
		s.Version, s.AccessKeyID = "SigV2", word(get("AWSAccessKeyId"))
	default:
		return false
	}
	for _, name := range []string{"X-Amz-Security-Token", "SecurityToken", "X-Amz-S3session-Token"} {
		if token := get(name); token != "" {
			s.SessionToken = token
			break
		}
	}
	return true
}

// credential reads a credential from its end, because access keys that AWS did not make
// may hold slashes.
func (s *Signature) credential(text string) {
	rest, _ := strings.CutSuffix(text, "/aws4_request")
	n := 3 // date, region, service
	if s.Version == "SigV4A" {
		n = 2
	}
	parts := make([]string, n)
	for i := n - 1; i >= 0; i-- {
		slash := strings.LastIndexByte(rest, '/')
		if slash < 0 {
			s.AccessKeyID = word(rest)
			return
		}
		rest, parts[i] = rest[:slash], word(rest[slash+1:])
	}
	s.AccessKeyID, s.ScopeDate, s.Service = word(rest), parts[0], parts[n-1]
	if n == 3 {
		s.Region = parts[1]
	}
}
