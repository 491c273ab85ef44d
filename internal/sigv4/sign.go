package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials are what requests are signed with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // of temporary credentials only
}

// Sign signs a request that a client is about to send, in its Authorization
// header. It sets X-Amz-Date, with a session token X-Amz-Security-Token, and for
// S3 or an unsigned payload X-Amz-Content-Sha256. payloadHash is what
// HashPayload returns for the body, or UnsignedPayload. All headers that r has
// are signed, but those that proxies and HTTP clients change; nothing of the
// request may change afterwards.
func Sign(r *http.Request, payloadHash string, c Credentials, service, region string, now time.Time) error {
	s, err := newSignature(c, service, region, now)
	if err != nil {
		return err
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Del("Authorization")
	r.Header.Set(queryDate, s.timestamp)
	r.Header.Del(queryToken)
	if c.SessionToken != "" {
		r.Header.Set(queryToken, c.SessionToken)
	}
	if RulesFor(service).ContentHashRequired || payloadHash == UnsignedPayload || r.Header.Get(queryContentHash) != "" {
		r.Header.Set(queryContentHash, payloadHash)
	}
	if err := s.sign(r, payloadHash, c.SecretAccessKey); err != nil {
		return err
	}
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+string(s.appendScope(nil))+
		", SignedHeaders="+s.signedHeaders+", Signature="+s.signature)
	return nil
}

// Presign returns the URL of a request that carries its signature in the query,
// good for the given time, in whole seconds up to a week. Headers that r has are
// signed and must be sent with the URL; r itself is left as it is. For S3
// payloadHash is usually UnsignedPayload, because the body is not known yet.
func Presign(r *http.Request, payloadHash string, c Credentials, service, region string, expires time.Duration, now time.Time) (string, error) {
	s, err := newSignature(c, service, region, now)
	if err != nil {
		return "", err
	}
	if expires < time.Second || expires > maxExpires || expires%time.Second != 0 {
		return "", fmt.Errorf("presign: %v is not a whole number of seconds from 1 to 604800", expires)
	}
	signed := r.Clone(r.Context())
	signed.Header.Del("Authorization")
	var query []string
	if r.URL.RawQuery != "" {
		query = append(query, r.URL.RawQuery)
	}
	s.Presigned = true
	s.setNames(signed.Header)
	contentHash := payloadHash
	if RulesFor(service).ContentHashRequired == (payloadHash == UnsignedPayload) {
		contentHash = "" // what the service takes to be the case anyway
	}
	for _, p := range [...][2]string{
		{queryAlgorithm, algorithm},
		{queryCredential, c.AccessKeyID + "/" + string(s.appendScope(nil))},
		{queryDate, s.timestamp},
		{queryExpires, strconv.FormatInt(int64(expires/time.Second), 10)},
		{queryContentHash, contentHash},
		{queryToken, c.SessionToken},
		{querySignedHeaders, s.signedHeaders},
	} {
		if p[1] != "" {
			query = append(query, p[0]+"="+url.QueryEscape(p[1]))
		}
	}
	signed.URL.RawQuery = strings.Join(query, "&")
	if err := s.sign(signed, payloadHash, c.SecretAccessKey); err != nil {
		return "", err
	}
	signed.URL.RawQuery += "&" + querySignature + "=" + s.signature
	return signed.URL.String(), nil
}

func newSignature(c Credentials, service, region string, now time.Time) (*Signature, error) {
	now = now.UTC().Truncate(time.Second)
	s := &Signature{Date: now, timestamp: now.Format(timeFormat)}
	if err := s.parseCredential(c.AccessKeyID + "/" + now.Format(dateFormat) + "/" + region + "/" + service + "/" + terminator); err != nil {
		return nil, fmt.Errorf("sign for %q in %q: %w", service, region, err)
	}
	return s, nil
}

// sign sets the names of the signed headers and the signature.
func (s *Signature) sign(r *http.Request, payloadHash, secret string) error {
	s.setNames(r.Header)
	c := canonical{rules: RulesFor(s.Service), names: s.SignedHeaders, signedHeaders: s.signedHeaders, payload: payloadHash, presigned: s.Presigned}
	request, err := c.append(nil, r)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	signature := signatureOf(keys.get(secret, s.ScopeDate, s.Region, s.Service), s.appendStringToSign(nil, request))
	s.signature = string(signature[:])
	return nil
}

func (s *Signature) setNames(header http.Header) {
	s.SignedHeaders = []string{"host"}
	for key := range header {
		if name := strings.ToLower(key); !neverSigned[name] && isHeaderName(name) {
			s.SignedHeaders = append(s.SignedHeaders, name)
		}
	}
	slices.Sort(s.SignedHeaders)
	s.SignedHeaders = slices.Compact(s.SignedHeaders)
	s.signedHeaders = strings.Join(s.SignedHeaders, ";")
}

// neverSigned are headers that belong to one connection, or that HTTP clients
// and proxies set on their way.
var neverSigned = map[string]bool{
	"accept-encoding": true, "authorization": true, "connection": true, "content-length": true, "expect": true,
	"forwarded": true, "host": true, "keep-alive": true, "proxy-authenticate": true, "proxy-authorization": true,
	"proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
	"user-agent": true, "via": true, "x-amzn-trace-id": true, "x-forwarded-for": true, "x-forwarded-host": true,
	"x-forwarded-port": true, "x-forwarded-proto": true,
}
