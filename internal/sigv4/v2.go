package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SignatureV2 is what a presigned query of Signature Version 2 says about itself.
// S3's clients still make them for endpoints that are not AWS's
// (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html).
//
// It covers less than Version 4 does: the method, the path, the time when it
// ends, x-amz-* headers, Content-MD5, Content-Type and the parameters of
// signedV2. Verify refuses all other parameters, which anybody could have added.
// The body is not covered.
type SignatureV2 struct {
	AccessKeyID  string
	SessionToken string
	Expires      time.Time

	signature string
	expires   string
	query     url.Values
}

// signedV2 are the query parameters that the signature covers.
var signedV2 = map[string]bool{
	"accelerate": true, "acl": true, "analytics": true, "cors": true, "defaultObjectAcl": true, "delete": true, "inventory": true,
	"lifecycle": true, "location": true, "logging": true, "metrics": true, "notification": true, "object-lock": true, "partNumber": true,
	"policy": true, "replication": true, "requestPayment": true, "response-cache-control": true, "response-content-disposition": true,
	"response-content-encoding": true, "response-content-language": true, "response-content-type": true, "response-expires": true,
	"restore": true, "select": true, "select-type": true, "storageClass": true, "tagging": true, "torrent": true, "uploadId": true,
	"uploads": true, "versionId": true, "versioning": true, "versions": true, "website": true,
}

// ParseV2 reads a presigned query of Version 2, and believes nothing of it. It
// returns nil for a request that has none.
func ParseV2(r *http.Request) (*SignatureV2, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if !query.Has(queryV2Key) || !query.Has(queryV2Signature) {
		return nil, nil
	}
	if err != nil {
		return nil, errQuery
	}
	for _, name := range []string{queryV2Key, queryV2Signature, "Expires"} {
		if len(query[name]) != 1 || query.Get(name) == "" {
			return nil, fail(MalformedQueryAuth, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters, each once.")
		}
	}
	if r.Header.Get("Authorization") != "" || query.Has(queryAlgorithm) || query.Has(querySignature) || query.Has(queryCredential) {
		return nil, fail(AmbiguousAuthentication, "Only one auth mechanism allowed.")
	}
	s := &SignatureV2{
		AccessKeyID: query.Get(queryV2Key), signature: query.Get(queryV2Signature), expires: query.Get("Expires"), query: query,
	}
	if !isWord(s.AccessKeyID, maxAccessKeyBytes, accessKeyExtra) {
		return nil, fail(MalformedQueryAuth, "The AWSAccessKeyId parameter is malformed.")
	}
	seconds, err := strconv.ParseInt(s.expires, 10, 64)
	if err != nil || !isDigits(s.expires) || seconds > 1<<40 {
		return nil, fail(MalformedQueryAuth, "The Expires parameter must be seconds since 1970.")
	}
	s.Expires = time.Unix(seconds, 0).UTC()
	if s.SessionToken, err = single(r.Header, queryToken); err != nil {
		return nil, err
	}
	for name, values := range query {
		if strings.EqualFold(name, queryToken) {
			if s.SessionToken != "" || len(values) != 1 {
				return nil, fail(AmbiguousAuthentication, "X-Amz-Security-Token must stand only once.")
			}
			s.SessionToken = values[0]
		}
	}
	return s, nil
}

// Verify checks the signature with the secret of its access key. bucket is that of
// the host's name, if the path does not have it.
func (s *SignatureV2) Verify(r *http.Request, bucket, secret string, now time.Time) error {
	if secret == "" {
		return fail(SignatureMismatch, "There is no secret to verify the signature with.")
	}
	if now.After(s.Expires) {
		return fail(Expired, "Request has expired: "+stamp(s.Expires)+" is before "+stamp(now))
	}
	toSign, err := s.stringToSign(r, bucket)
	if err != nil {
		return err
	}
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(toSign))
	sum, err := base64.StdEncoding.DecodeString(s.signature)
	if err != nil || !hmac.Equal(sum, h.Sum(nil)) {
		return &Error{
			Kind:         SignatureMismatch,
			Message:      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
			StringToSign: toSign,
		}
	}
	return nil
}

func (s *SignatureV2) stringToSign(r *http.Request, bucket string) (string, error) {
	path, err := Path(r)
	if err != nil {
		return "", err
	}
	amz := make(map[string]string)
	for name, values := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			amz[lower] = trimmed(values)
		}
	}
	plain := map[string]string{"content-md5": trimmed(r.Header["Content-Md5"]), "content-type": trimmed(r.Header["Content-Type"])}
	var resources []string
	for name, values := range s.query {
		lower := strings.ToLower(name)
		_, isPlain := plain[lower]
		switch {
		case name == queryV2Key || name == queryV2Signature || name == "Expires":
		case len(values) != 1 || strings.ContainsAny(values[0], "\r\n&"):
			// The string to sign does not tell such a value from several ones.
			return "", fail(MalformedQueryAuth, "The query parameter "+shorten(name)+" must stand only once, without line breaks and ampersands.")
		case strings.HasPrefix(lower, "x-amz-"):
			if !isHeaderName(lower) {
				// With a colon or a line break in it, it could pass for others.
				return "", fail(MalformedQueryAuth, "The query parameter "+strconv.Quote(shorten(name))+" is not the name of a header.")
			}
			if _, twice := amz[lower]; twice {
				return "", fail(AmbiguousAuthentication, shorten(name)+" stands in the query and in a header.")
			}
			amz[lower] = values[0]
		case isPlain:
			if plain[lower] != "" {
				return "", fail(AmbiguousAuthentication, shorten(name)+" stands in the query and in a header.")
			}
			plain[lower] = values[0]
		case signedV2[name] && values[0] == "":
			resources = append(resources, name)
		case signedV2[name]:
			resources = append(resources, name+"="+values[0])
		default:
			return "", fail(MalformedQueryAuth, "The query parameter "+shorten(name)+" is not covered by a signature of version 2.")
		}
	}
	var b strings.Builder
	b.WriteString(r.Method + "\n" + plain["content-md5"] + "\n" + plain["content-type"] + "\n" + s.expires + "\n")
	names := make([]string, 0, len(amz))
	for name := range amz {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + ":" + amz[name] + "\n")
	}
	if bucket != "" {
		b.WriteString("/" + bucket)
	}
	b.WriteString(path)
	slices.Sort(resources)
	for i, resource := range resources {
		if i == 0 {
			b.WriteByte('?')
		} else {
			b.WriteByte('&')
		}
		b.WriteString(resource)
	}
	return b.String(), nil
}

func trimmed(values []string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = strings.TrimSpace(v)
	}
	return strings.Join(parts, ",")
}
