// Package sigv4 verifies and makes AWS Signature Version 4 signatures. It is
// Cairn's only check of a request's signature.
//
// [Parse] reads what a request claims: who signed it, when, for which region
// and service, and which headers. Nothing of that may be believed before
// [Signature.Verify] has returned nil. The caller looks up the secret of the
// access key between the two, and answers for keys that it does not know.
// [Sign] and [Presign] are the other direction. [ParseV2] is for the presigned
// queries of Version 2 that S3's clients still make, and that cover less.
//
// The invariant: what Verify accepts was made by somebody who holds the secret,
// and covers the method, the path, the query, the Host, every x-amz-* header
// and, unless the caller allows unsigned payloads, the body.
//
// The format is fixed by
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// and, for S3's streaming bodies, by
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

const (
	algorithm    = "AWS4-HMAC-SHA256"
	algorithmV4a = "AWS4-ECDSA-P256-SHA256"
	terminator   = "aws4_request"
	timeFormat   = "20060102T150405Z" // always UTC
	dateFormat   = "20060102"
)

// Values of X-Amz-Content-Sha256 that are not the hash of the body.
const (
	UnsignedPayload          = "UNSIGNED-PAYLOAD"
	StreamingPayload         = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingPayloadTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	StreamingEvents          = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
)

// EmptyPayload is the hash of an empty body.
const EmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// HashPayload returns the hash of a body as the header X-Amz-Content-Sha256
// spells it.
func HashPayload(body []byte) string {
	if len(body) == 0 {
		return EmptyPayload
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Signature is what a request says about its own signature.
type Signature struct {
	AccessKeyID string
	Date        time.Time // of the signature, to the second, UTC
	ScopeDate   string    // yyyymmdd, the day that the signing key is for
	Region      string
	Service     string // signing name, for instance "cloudtrail" or "monitoring"

	// SignedHeaders are the names of the signed headers, in lower case and in
	// ascending order.
	SignedHeaders []string

	// Presigned says that the signature stands in the query and not in the
	// Authorization header. Expires is then how long after Date it is good;
	// 0 when the query does not say, which only S3 forbids.
	Presigned bool
	Expires   time.Duration

	// SessionToken belongs to temporary credentials. It is covered by a
	// signature that verifies. Whether it belongs to the access key is the
	// caller's to check.
	SessionToken string

	PayloadMode PayloadMode
	PayloadHash string // in lower-case hex, when the mode is PayloadSigned

	signature     string // lower-case hex
	timestamp     string // Date in timeFormat
	signedHeaders string // SignedHeaders, joined with ;

	// Set by Verify: what checking the chunks of a body starts from.
	verified bool
	trusted  bool // by Trust: there is no key
	key      [sha256.Size]byte
}

// PayloadMode says how a signature covers the body.
type PayloadMode uint8

const (
	// PayloadAbsent: there is no X-Amz-Content-Sha256. The signature covers the
	// hash of the body all the same, or for presigned S3 requests no body.
	PayloadAbsent PayloadMode = iota
	PayloadSigned
	PayloadUnsigned
	PayloadStreamingSigned
	PayloadStreamingSignedTrailer
	PayloadStreamingUnsignedTrailer
	PayloadEvents
)

var payloadModes = map[string]PayloadMode{
	UnsignedPayload:          PayloadUnsigned,
	StreamingPayload:         PayloadStreamingSigned,
	StreamingPayloadTrailer:  PayloadStreamingSignedTrailer,
	StreamingUnsignedTrailer: PayloadStreamingUnsignedTrailer,
	StreamingEvents:          PayloadEvents,
}

// String returns the mode's value of X-Amz-Content-Sha256, or a word for the
// two modes that have none of their own.
func (m PayloadMode) String() string {
	switch m {
	case PayloadAbsent:
		return "absent"
	case PayloadSigned:
		return "signed"
	}
	for value, mode := range payloadModes {
		if mode == m {
			return value
		}
	}
	return "unknown"
}

// Streaming says that the body is framed in chunks (aws-chunked), which a
// [ChunkReader] takes apart.
func (m PayloadMode) Streaming() bool {
	return m == PayloadStreamingSigned || m == PayloadStreamingSignedTrailer || m == PayloadStreamingUnsignedTrailer
}

// Rules are the ways in which services differ. The zero value is what all
// services but S3 follow.
type Rules struct {
	// PathAsSent takes the path as it stands on the request line: no dot
	// segments resolved, no slashes merged, and not escaped a second time.
	PathAsSent bool

	// ContentHashRequired demands X-Amz-Content-Sha256 of requests that carry
	// an Authorization header, and X-Amz-Expires of presigned ones. A presigned
	// request without X-Amz-Content-Sha256 then leaves its body unsigned.
	ContentHashRequired bool
}

// RulesFor returns the rules of the service with a signing name.
//
// Where the rules resolve the path, a signature for /b is also one for /a/../b:
// the caller must route by the resolved path, or refuse paths that are not.
func RulesFor(service string) Rules {
	switch service {
	case "s3", "s3express", "s3-object-lambda", "s3-outposts":
		return Rules{PathAsSent: true, ContentHashRequired: true}
	}
	return Rules{}
}
