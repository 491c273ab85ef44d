package sigv4

import "net/http"

// Trust replaces the body of a request as Verify does with StreamBody, without a
// secret: the caller knows by other means who sent the request. Framing, lengths,
// hashes and checksums are checked, signatures of chunks are not.
func (s *Signature) Trust(r *http.Request) error {
	t := *s
	t.verified, t.trusted = true, true
	payload := t.PayloadHash
	if t.PayloadMode != PayloadSigned {
		payload = t.PayloadMode.String()
	}
	return t.streamBody(r, payload)
}

// Unsigned replaces the body of a request that is not signed at all, as Trust
// does. Bodies whose chunks claim to be signed are refused.
func Unsigned(r *http.Request) error {
	hash, err := single(r.Header, queryContentHash)
	if err != nil {
		return err
	}
	s := &Signature{}
	if err := s.parseContentHash(hash); err != nil {
		return err
	}
	switch s.PayloadMode {
	case PayloadStreamingSigned, PayloadStreamingSignedTrailer, PayloadEvents:
		return fail(UnsupportedPayload, "A request without a signature cannot have a body whose chunks are signed.")
	}
	return s.Trust(r)
}
