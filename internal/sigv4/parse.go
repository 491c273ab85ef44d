package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of what a credential may hold. AWS's access keys have 16 to 128 word
// characters; other makers' have a little more.
const (
	maxAccessKeyBytes = 128
	maxScopeBytes     = 64
	accessKeyExtra    = "_-+=,.@/:"
	scopeExtra        = "_-."
)

// maxExpires is AWS's limit for presigned requests, seven days.
const maxExpires = 604800 * time.Second

// Parse reads the signature of a request and believes nothing of it. A request
// without any is answered with ErrUnsigned.
func Parse(r *http.Request) (*Signature, error) {
	q, err := parseQueryAuth(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	authorization, inHeader := r.Header["Authorization"]
	switch {
	case inHeader && len(authorization) != 1 || inHeader && (q.v4 || q.v2()) || q.v4 && q.v2():
		return nil, fail(AmbiguousAuthentication, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified.")
	case inHeader:
		return parseHeader(r, authorization[0])
	case q.v4:
		return parsePresigned(r, q)
	case q.v2():
		return nil, errSigV2
	}
	return nil, ErrUnsigned
}

var (
	errSigV2  = fail(UnsupportedSigV2, "The authorization mechanism you have provided, Signature Version 2, is not supported. Please use AWS4-HMAC-SHA256.")
	errSigV4a = fail(UnsupportedSigV4a, "The authorization mechanism you have provided, AWS4-ECDSA-P256-SHA256 (Signature Version 4A), is not supported. Please use AWS4-HMAC-SHA256.")
)

func parseHeader(r *http.Request, authorization string) (*Signature, error) {
	scheme, rest, _ := strings.Cut(strings.Trim(authorization, " \t"), " ")
	switch {
	case scheme == algorithm:
	case scheme == algorithmV4a:
		return nil, errSigV4a
	case scheme == "AWS":
		return nil, errSigV2
	case scheme == "":
		return nil, fail(IncompleteSignature, "The Authorization header is empty.")
	default:
		return nil, fail(UnsupportedScheme, "Unsupported Authorization Type "+strconv.Quote(shorten(scheme))+". Please use AWS4-HMAC-SHA256.")
	}
	var credential, signedHeaders, signature string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.Trim(part, " \t"), "=")
		var to *string
		switch name {
		case "Credential":
			to = &credential
		case "SignedHeaders":
			to = &signedHeaders
		case "Signature":
			to = &signature
		}
		if to == nil || !ok || value == "" {
			return nil, fail(IncompleteSignature, strconv.Quote(shorten(part))+" is not a valid key=value pair (missing equal-sign or unknown key) in Authorization header.")
		}
		if *to != "" {
			return nil, fail(IncompleteSignature, "Authorization header holds '"+name+"' more than once.")
		}
		*to = value
	}
	var missing string
	for _, part := range [...]struct{ name, value string }{{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signedHeaders}} {
		if part.value == "" {
			missing += "Authorization header requires '" + part.name + "' parameter. "
		}
	}
	if missing != "" {
		return nil, fail(IncompleteSignature, strings.TrimSuffix(missing, " "))
	}

	s := &Signature{signature: signature, signedHeaders: signedHeaders}
	if err := s.parseCommon(credential, IncompleteSignature); err != nil {
		return nil, err
	}
	if err := s.parseDateHeader(r.Header); err != nil {
		return nil, err
	}
	var err error
	if s.SessionToken, err = single(r.Header, queryToken); err != nil {
		return nil, err
	}
	hash, err := single(r.Header, queryContentHash)
	if err != nil {
		return nil, err
	}
	if err := s.parseContentHash(hash); err != nil {
		return nil, err
	}
	return s, nil
}

func parsePresigned(r *http.Request, q queryAuth) (*Signature, error) {
	switch q.algorithm {
	case algorithm:
	case algorithmV4a:
		return nil, errSigV4a
	case "":
		return nil, fail(MalformedQueryAuth, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	default:
		return nil, fail(MalformedQueryAuth, `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"`)
	}
	if q.credential == "" || q.signature == "" || q.date == "" || q.signedHeaders == "" {
		return nil, fail(MalformedQueryAuth, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	s := &Signature{Presigned: true, signature: q.signature, signedHeaders: q.signedHeaders, SessionToken: q.token}
	if err := s.parseCommon(q.credential, MalformedQueryAuth); err != nil {
		return nil, err
	}
	if !s.parseTimestamp(q.date) {
		return nil, fail(MalformedQueryAuth, `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	if err := s.parseExpires(q.expires); err != nil {
		return nil, err
	}
	if token, err := single(r.Header, queryToken); err != nil {
		return nil, err
	} else if token != "" {
		return nil, fail(AmbiguousAuthentication, "X-Amz-Security-Token stands in the query of a presigned request, not in a header.")
	}
	hash, err := single(r.Header, queryContentHash)
	if err != nil {
		return nil, err
	}
	if hash != "" && q.contentHash != "" && hash != q.contentHash {
		return nil, fail(MalformedContentHash, "The header and the query parameter X-Amz-Content-Sha256 differ.")
	}
	if hash == "" {
		hash = q.contentHash
	}
	if err := s.parseContentHash(hash); err != nil {
		return nil, err
	}
	return s, nil
}

// parseCommon reads what both forms spell alike. The parts of s that are still
// to be read are in the unexported fields.
func (s *Signature) parseCommon(credential string, kind Kind) error {
	if err := s.parseCredential(credential); err != nil {
		return err
	}
	if len(s.signature) != 64 || !isLowerHex(s.signature) {
		return fail(kind, "The signature must be 64 lower-case hexadecimal digits.")
	}
	s.SignedHeaders = strings.Split(s.signedHeaders, ";")
	for i, name := range s.SignedHeaders {
		if !isHeaderName(name) {
			return fail(kind, "SignedHeaders must be names of headers in lower case, separated by semicolons.")
		}
		if i > 0 && name <= s.SignedHeaders[i-1] {
			return fail(kind, "SignedHeaders must be in ascending order, each header once.")
		}
	}
	return nil
}

// parseCredential reads the credential from its end, because access keys that
// AWS did not make may hold slashes.
func (s *Signature) parseCredential(credential string) error {
	rest, ok := strings.CutSuffix(credential, "/"+terminator)
	var parts [3]string // date, region, service
	for i := len(parts) - 1; i >= 0 && ok; i-- {
		slash := strings.LastIndexByte(rest, '/')
		if ok = slash >= 0; ok {
			rest, parts[i] = rest[:slash], rest[slash+1:]
		}
	}
	if !ok {
		return fail(MalformedCredential, `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`)
	}
	if !isWord(rest, maxAccessKeyBytes, accessKeyExtra) {
		return fail(MalformedCredential, "the Credential is mal-formed; the access key id has 1 to 128 characters, letters, digits and "+accessKeyExtra+" only.")
	}
	if len(parts[0]) != len(dateFormat) || !isDigits(parts[0]) {
		return fail(MalformedCredential, "the Credential is mal-formed; the date must be YYYYMMDD.")
	}
	if !isWord(parts[1], maxScopeBytes, scopeExtra) || !isWord(parts[2], maxScopeBytes, scopeExtra) {
		return fail(MalformedCredential, "the Credential is mal-formed; the region and the service must be names.")
	}
	s.AccessKeyID, s.ScopeDate, s.Region, s.Service = rest, parts[0], parts[1], parts[2]
	return nil
}

// parseDateHeader reads X-Amz-Date or, without it, Date.
func (s *Signature) parseDateHeader(header http.Header) error {
	date, err := single(header, queryDate)
	if err != nil {
		return err
	}
	if date != "" {
		if !s.parseTimestamp(date) {
			return fail(IncompleteSignature, "Date must be in ISO-8601 'basic format'. Got "+strconv.Quote(shorten(date))+". See http://en.wikipedia.org/wiki/ISO_8601")
		}
		return nil
	}
	if date, err = single(header, "Date"); err != nil {
		return err
	}
	if date == "" {
		return fail(IncompleteSignature, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if s.parseTimestamp(date) {
		return nil
	}
	t, err := http.ParseTime(date)
	if err != nil {
		return fail(IncompleteSignature, "The Date header must be in ISO-8601 'basic format' or an HTTP date. Got "+strconv.Quote(shorten(date))+".")
	}
	s.Date = t.UTC()
	s.timestamp = s.Date.Format(timeFormat)
	return nil
}

func (s *Signature) parseTimestamp(date string) bool {
	if len(date) != len(timeFormat) {
		return false // time.Parse would take fractions of a second
	}
	t, err := time.Parse(timeFormat, date)
	s.Date, s.timestamp = t, date
	return err == nil
}

func (s *Signature) parseExpires(expires string) error {
	if expires == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(expires, 10, 32)
	if err != nil || !isDigits(expires) {
		return fail(MalformedQueryAuth, "X-Amz-Expires should be a number")
	}
	s.Expires = time.Duration(seconds) * time.Second
	if s.Expires > maxExpires {
		return fail(MalformedQueryAuth, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	if seconds == 0 {
		return fail(MalformedQueryAuth, "X-Amz-Expires must be a positive number of seconds")
	}
	return nil
}

func (s *Signature) parseContentHash(hash string) error {
	mode, known := payloadModes[hash]
	switch {
	case hash == "":
		s.PayloadMode = PayloadAbsent
	case known:
		s.PayloadMode = mode
	case len(hash) == 64 && isLowerHex(hash):
		s.PayloadMode, s.PayloadHash = PayloadSigned, hash
	case strings.HasPrefix(hash, "STREAMING-"+algorithmV4a):
		return fail(UnsupportedSigV4a, "A payload that is signed with AWS4-ECDSA-P256-SHA256 (Signature Version 4A) is not supported. Please use "+StreamingPayload+".")
	default:
		return fail(MalformedContentHash, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.")
	}
	return nil
}

// single returns the only value of a header, or "" when there is none.
func single(header http.Header, name string) (string, error) {
	values := header[name]
	if values == nil {
		values, _ = headerValues(header, strings.ToLower(name))
	}
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return strings.Trim(values[0], " \t"), nil
	}
	return "", fail(AmbiguousAuthentication, "The header "+name+" must stand only once.")
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isWord reports whether s has 1 to limit ASCII letters, digits and bytes of extra.
func isWord(s string, limit int, extra string) bool {
	for i := range len(s) {
		b := s[i]
		letter := 'a' <= b|0x20 && b|0x20 <= 'z'
		if !letter && (b < '0' || b > '9') && strings.IndexByte(extra, b) < 0 {
			return false
		}
	}
	return 0 < len(s) && len(s) <= limit
}

// isHeaderName reports whether s is a token (RFC 9110, section 5.6.2) without
// capitals.
func isHeaderName(s string) bool {
	for i := range len(s) {
		b := s[i]
		if 'A' <= b && b <= 'Z' || !unreserved[b] && !slices.Contains([]byte("!#$%&'*+^`|"), b) {
			return false
		}
	}
	return s != ""
}

// shorten cuts what a message quotes of the request.
func shorten(s string) string {
	const limit = 64
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
