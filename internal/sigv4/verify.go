package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// DefaultMaxSkew is how far a signature's date may be from the server's clock,
// either way, unless VerifyOptions say otherwise.
const DefaultMaxSkew = 15 * time.Minute

// VerifyOptions say what a verification demands.
type VerifyOptions struct {
	Now     time.Time     // default time.Now()
	MaxSkew time.Duration // default DefaultMaxSkew

	// Region and Service are what the scope must name; empty takes any.
	Region  string
	Service string

	// Rules default to RulesFor the service of the scope.
	Rules *Rules

	// AllowUnsignedPayload takes bodies that the signature does not cover.
	AllowUnsignedPayload bool

	// Body is the whole body, or BodySHA256 its hash, which then goes before
	// Body. Neither means an empty body.
	Body       []byte
	BodySHA256 *[sha256.Size]byte

	// StreamBody says that the body is still to be read from the request. When
	// Verify succeeds it has replaced Request.Body, if it must, by a reader that
	// ends with io.EOF only when the whole body was as signed, and otherwise
	// with an *Error: what was read before the error must not be believed. For
	// the streaming modes that reader is a *ChunkReader, and
	// Request.ContentLength is set to the decoded length; the body must be read
	// to its end even when that is 0.
	StreamBody bool

	// HeadOnly leaves the body to somebody else, who has it or passes it on: what is
	// checked is the signature, over what the head declares of the body.
	HeadOnly bool
}

// Verify checks the signature that Parse found in r with the secret of its
// access key. It returns nil or an *Error. What it leaves to the caller: whether
// the access key exists and may be used, whether the session token is the right
// one, and whether the request was seen before.
func (s *Signature) Verify(r *http.Request, secret string, o VerifyOptions) error {
	if len(s.timestamp) != len(timeFormat) || secret == "" {
		return fail(SignatureMismatch, "There is no signature or no secret to verify it with.")
	}
	s.verified = false
	rules := RulesFor(s.Service)
	if o.Rules != nil {
		rules = *o.Rules
	}
	if err := s.checkScope(o); err != nil {
		return err
	}
	if err := s.checkTime(o, rules); err != nil {
		return err
	}
	payload, err := s.payload(r, o, rules)
	if err != nil {
		return err
	}

	buf := buffers.Get().(*[]byte)
	defer putBuffer(buf)
	c := canonical{rules: rules, names: s.SignedHeaders, signedHeaders: s.signedHeaders, payload: payload, presigned: s.Presigned}
	request, err := c.append((*buf)[:0], r)
	*buf = request
	if err != nil {
		return err
	}
	*buf = s.appendStringToSign(request, request)
	toSign := (*buf)[len(request):]
	key := keys.get(secret, s.ScopeDate, s.Region, s.Service)
	if want := signatureOf(key, toSign); !hmac.Equal(want[:], []byte(s.signature)) {
		return &Error{
			Kind:             SignatureMismatch,
			Message:          "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
			CanonicalRequest: string(request),
			StringToSign:     string(toSign),
		}
	}
	if s.PayloadMode == PayloadSigned && !o.StreamBody && !o.HeadOnly {
		if sum := bodyHash(o); !hmac.Equal(sum[:], []byte(s.PayloadHash)) {
			return errPayload
		}
	}
	s.verified, s.key = true, key
	if o.StreamBody && !o.HeadOnly {
		return s.streamBody(r, payload)
	}
	return nil
}

var errPayload = fail(PayloadMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")

func (s *Signature) checkScope(o VerifyOptions) error {
	if s.timestamp[:len(dateFormat)] != s.ScopeDate {
		return fail(SignatureMismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+s.ScopeDate+"' != '"+s.timestamp[:len(dateFormat)]+"', from '"+s.timestamp+"'.")
	}
	if o.Region != "" && s.Region != o.Region {
		return &Error{Kind: WrongRegion, Expected: o.Region, Message: "Credential should be scoped to a valid region; the region '" + s.Region + "' is wrong; expecting '" + o.Region + "'."}
	}
	if o.Service != "" && s.Service != o.Service {
		return &Error{Kind: WrongService, Expected: o.Service, Message: "Credential should be scoped to correct service: '" + o.Service + "'."}
	}
	return nil
}

func (s *Signature) checkTime(o VerifyOptions, rules Rules) error {
	now, skew := o.Now, o.MaxSkew
	if now.IsZero() {
		now = time.Now()
	}
	if skew == 0 {
		skew = DefaultMaxSkew
	}
	if s.Presigned && s.Expires == 0 && rules.ContentHashRequired {
		return fail(MalformedQueryAuth, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	early, late := TimeSkewed, TimeSkewed
	last := s.Date.Add(skew)
	if s.Presigned {
		early, late = NotYetValid, Expired
		if s.Expires > 0 {
			last = s.Date.Add(s.Expires)
		}
	}
	switch {
	case s.Date.After(now.Add(skew)):
		return fail(early, "Signature not yet current: "+s.timestamp+" is still later than "+stamp(now.Add(skew))+" ("+stamp(now)+" + "+minutes(skew)+")")
	case now.After(last) && s.Expires > 0:
		return fail(late, "Request has expired: "+s.timestamp+" + "+strconv.Itoa(int(s.Expires/time.Second))+" s is before "+stamp(now))
	case now.After(last):
		return fail(late, "Signature expired: "+s.timestamp+" is now earlier than "+stamp(now.Add(-skew))+" ("+stamp(now)+" - "+minutes(skew)+")")
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }

func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min."
	}
	return d.String()
}

// payload returns the last line of the canonical request.
func (s *Signature) payload(r *http.Request, o VerifyOptions, rules Rules) (string, error) {
	switch s.PayloadMode {
	case PayloadSigned:
		return s.PayloadHash, nil
	case PayloadUnsigned:
		return UnsignedPayload, allowUnsigned(o)
	case PayloadStreamingSigned, PayloadStreamingSignedTrailer, PayloadStreamingUnsignedTrailer:
		if !o.StreamBody && !o.HeadOnly || s.Presigned {
			return "", fail(UnsupportedPayload, "This request cannot have a body in chunks: "+s.PayloadMode.String()+".")
		}
		if s.PayloadMode == PayloadStreamingUnsignedTrailer {
			return StreamingUnsignedTrailer, allowUnsigned(o)
		}
		return s.PayloadMode.String(), nil
	case PayloadEvents:
		if o.HeadOnly && !s.Presigned {
			return StreamingEvents, nil
		}
		return "", fail(UnsupportedPayload, "Signed event streams ("+StreamingEvents+") are not supported.")
	}
	switch {
	case rules.ContentHashRequired && s.Presigned:
		return UnsignedPayload, allowUnsigned(o)
	case rules.ContentHashRequired:
		return "", fail(MissingContentHash, "Missing required header for this request: x-amz-content-sha256")
	case (o.StreamBody || o.HeadOnly) && !withoutBody(r):
		return "", fail(MissingContentHash, "A body of this size needs its hash in the header x-amz-content-sha256.")
	case o.StreamBody || o.HeadOnly:
		return EmptyPayload, nil
	}
	sum := bodyHash(o)
	return string(sum[:]), nil
}

func allowUnsigned(o VerifyOptions) error {
	if o.AllowUnsignedPayload {
		return nil
	}
	return fail(UnsignedPayloadForbidden, "The service does not take requests whose payload is not signed.")
}

// bodyHash returns the hash of the body that was handed over, in lower-case hex.
func bodyHash(o VerifyOptions) (hash [2 * sha256.Size]byte) {
	if o.BodySHA256 != nil {
		hex.Encode(hash[:], o.BodySHA256[:])
		return hash
	}
	sum := sha256.Sum256(o.Body)
	hex.Encode(hash[:], sum[:])
	return hash
}

// appendStringToSign appends what the signature is made of to dst, which may be
// the canonical request itself.
func (s *Signature) appendStringToSign(dst, request []byte) []byte {
	dst = s.appendPrefix(dst, algorithm)
	sum := sha256.Sum256(request)
	return hex.AppendEncode(dst, sum[:])
}

// appendPrefix appends the three lines that every string to sign begins with.
func (s *Signature) appendPrefix(dst []byte, algorithm string) []byte {
	dst = append(dst, algorithm...)
	dst = append(dst, '\n')
	dst = append(dst, s.timestamp...)
	dst = append(dst, '\n')
	dst = s.appendScope(dst)
	return append(dst, '\n')
}

func (s *Signature) appendScope(dst []byte) []byte {
	for _, part := range [...]string{s.ScopeDate, s.Region, s.Service} {
		dst = append(dst, part...)
		dst = append(dst, '/')
	}
	return append(dst, terminator...)
}

// streamBody replaces the body of a verified request as StreamBody says. payload
// is what the signature covers of it.
func (s *Signature) streamBody(r *http.Request, payload string) error {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	switch {
	case len(payload) == len(EmptyPayload):
		if withoutBody(r) && payload != EmptyPayload {
			return errPayload // a handler might not read a body that is empty
		}
		if body != http.NoBody {
			r.Body = &hashedBody{ReadCloser: body, want: payload, hash: sha256.New()}
		}
	case s.PayloadMode.Streaming():
		chunks, err := NewChunkReader(body, s, r.Header)
		if err != nil {
			return err
		}
		r.Body = chunks
		r.ContentLength = chunks.DecodedLength()
	}
	return nil
}

// withoutBody says that a request has no body. A length of 0 says so only of a
// request that a server read; a client's has it when it does not know the length.
func withoutBody(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 && r.RequestURI != ""
}

// hashedBody reads a body and fails at its end if it has not the wanted hash.
type hashedBody struct {
	io.ReadCloser
	want string
	hash hash.Hash
	err  error
}

func (b *hashedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n])
	if err == io.EOF {
		if hex.EncodeToString(b.hash.Sum(nil)) != b.want {
			err = errPayload
		}
	}
	b.err = err
	return n, err
}

// buffers hold canonical requests, which are rarely above 2 KiB.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 2048)
	return &b
}}

func putBuffer(b *[]byte) {
	if cap(*b) <= 64<<10 {
		buffers.Put(b)
	}
}
