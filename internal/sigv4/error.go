package sigv4

import "errors"

// Kind says what is wrong with a signature.
type Kind uint8

const (
	_ Kind = iota

	// Found by Parse, or by Verify before it looks at the signature.
	MissingAuthentication    // neither an Authorization header nor a signed query
	AmbiguousAuthentication  // more than one of them, or a part of one twice
	UnsupportedScheme        // an Authorization that is not AWS's
	UnsupportedSigV2         // Signature Version 2
	UnsupportedSigV4a        // Signature Version 4A, with elliptic curves
	IncompleteSignature      // a part of the Authorization header is missing or malformed
	MalformedQueryAuth       // a part of the signed query is missing or malformed
	MalformedRequest         // the path, the query or the Host cannot be put in canonical form
	MalformedCredential      // not <key>/<date>/<region>/<service>/aws4_request
	WrongRegion              // the scope names another region than the caller expects
	WrongService             // the scope names another service than the caller expects
	TimeSkewed               // the date is too far from the server's clock
	Expired                  // a presigned request after its time
	NotYetValid              // a presigned request before its time
	HeadersNotSigned         // Host or an x-amz-* header is not covered
	MissingContentHash       // no X-Amz-Content-Sha256 where the service demands it
	MalformedContentHash     // X-Amz-Content-Sha256 is none of the known values
	UnsignedPayloadForbidden // the service takes no unsigned bodies
	UnsupportedPayload       // a form of body that the service does not take

	SignatureMismatch // the signature is not the one that the secret makes
	PayloadMismatch   // the body does not have the signed hash

	// Found in an aws-chunked body.
	MissingDecodedLength    // no or a malformed X-Amz-Decoded-Content-Length
	IncompleteBody          // the body ends early, or its length is not the declared one
	MalformedChunk          // the framing cannot be read
	ChunkTooSmall           // a signed chunk under 8 KiB that is not the last one
	MalformedTrailer        // a trailer is missing, doubled, unknown or unreadable
	ConflictingChecksums    // checksum headers that contradict the trailer
	ChecksumMismatch        // the content does not have the checksum of the trailer
	ChunkSignatureMismatch  // a chunk's signature is wrong
	TrailerSignatureMissing // the trailer of a signed stream is not signed

	kindEnd
)

// Codes are the names that AWS gives to a kind of error, by protocol: the query
// protocol answers them with status 403, the JSON protocols with 400, and S3
// with S3Status.
type Codes struct {
	Query    string
	JSON     string
	S3       string
	S3Status int
}

var codes = [kindEnd]Codes{
	MissingAuthentication:    {"MissingAuthenticationToken", "MissingAuthenticationTokenException", "AccessDenied", 403},
	AmbiguousAuthentication:  {"IncompleteSignature", "IncompleteSignatureException", "InvalidArgument", 400},
	UnsupportedScheme:        {"IncompleteSignature", "IncompleteSignatureException", "InvalidArgument", 400},
	UnsupportedSigV2:         {"IncompleteSignature", "IncompleteSignatureException", "InvalidRequest", 400},
	UnsupportedSigV4a:        {"IncompleteSignature", "IncompleteSignatureException", "InvalidRequest", 400},
	IncompleteSignature:      {"IncompleteSignature", "IncompleteSignatureException", "AuthorizationHeaderMalformed", 400},
	MalformedQueryAuth:       {"IncompleteSignature", "IncompleteSignatureException", "AuthorizationQueryParametersError", 400},
	MalformedRequest:         {"MalformedQueryString", "InvalidSignatureException", "InvalidURI", 400},
	MalformedCredential:      {"IncompleteSignature", "IncompleteSignatureException", "AuthorizationHeaderMalformed", 400},
	WrongRegion:              {"SignatureDoesNotMatch", "InvalidSignatureException", "AuthorizationHeaderMalformed", 400},
	WrongService:             {"SignatureDoesNotMatch", "InvalidSignatureException", "AuthorizationHeaderMalformed", 400},
	TimeSkewed:               {"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed", 403},
	Expired:                  {"RequestExpired", "InvalidSignatureException", "AccessDenied", 403},
	NotYetValid:              {"SignatureDoesNotMatch", "InvalidSignatureException", "AccessDenied", 403},
	HeadersNotSigned:         {"SignatureDoesNotMatch", "InvalidSignatureException", "AccessDenied", 403},
	MissingContentHash:       {"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidRequest", 400},
	MalformedContentHash:     {"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidArgument", 400},
	UnsignedPayloadForbidden: {"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidRequest", 400},
	UnsupportedPayload:       {"SignatureDoesNotMatch", "InvalidSignatureException", "NotImplemented", 501},
	SignatureMismatch:        {"SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch", 403},
	PayloadMismatch:          {"SignatureDoesNotMatch", "InvalidSignatureException", "XAmzContentSHA256Mismatch", 400},
	MissingDecodedLength:     {"InvalidParameterValue", "ValidationException", "MissingContentLength", 411},
	IncompleteBody:           {"InvalidParameterValue", "ValidationException", "IncompleteBody", 400},
	MalformedChunk:           {"InvalidParameterValue", "ValidationException", "InvalidRequest", 400},
	ChunkTooSmall:            {"InvalidParameterValue", "ValidationException", "InvalidChunkSizeError", 403},
	MalformedTrailer:         {"InvalidParameterValue", "ValidationException", "MalformedTrailerError", 400},
	ConflictingChecksums:     {"InvalidParameterValue", "ValidationException", "InvalidRequest", 400},
	ChecksumMismatch:         {"InvalidParameterValue", "ValidationException", "BadDigest", 400},
	ChunkSignatureMismatch:   {"SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch", 403},
	TrailerSignatureMissing:  {"SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch", 403},
}

// Codes returns AWS's names for the kind.
func (k Kind) Codes() Codes {
	if k >= kindEnd {
		return Codes{}
	}
	return codes[k]
}

// Error is the only type of error that this package makes of a request; reading
// a body can also fail with the error of the connection.
type Error struct {
	Kind    Kind
	Message string // for the client

	// Set for WrongRegion and WrongService.
	Expected string

	// Set for SignatureMismatch, and what S3 puts into its answer. They repeat
	// what the client sent, its session token included: never log them.
	CanonicalRequest string
	StringToSign     string
}

func (e *Error) Error() string { return e.Message }

// ErrUnsigned is what Parse returns for a request that does not claim to be
// signed at all.
var ErrUnsigned error = &Error{Kind: MissingAuthentication, Message: "Missing Authentication Token"}

// KindOf returns the kind of an error of this package, and 0 for any other.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}

func fail(kind Kind, message string) *Error {
	return &Error{Kind: kind, Message: message}
}
