package cairn

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// A DigestFault is a way in which a digest, its place in the chain, or a log file
// that it lists can be wrong.
type DigestFault string

// The faults of a digest by itself.
const (
	DigestMalformed        DigestFault = "malformed"            // not gzip or JSON, or a member is missing or wrong
	DigestMoved            DigestFault = "moved"                // not where it says that it was delivered to
	DigestUnsigned         DigestFault = "unsigned"             // its metadata lacks the signature or the algorithm
	DigestUnknownAlgorithm DigestFault = "unknown algorithm"    // of the signature, or of a hash
	DigestUnknownKey       DigestFault = "unknown key"          // no public key has its fingerprint
	DigestBadSignature     DigestFault = "wrong signature"      // the digest was changed, or signed by something else
	DigestNoTimestamp      DigestFault = "no backfill time"     // a backfill digest whose metadata lacks its time
	DigestWrongName        DigestFault = "name does not agree"  // its key names another account, time or place than its content
	DigestOtherChain       DigestFault = "other chain"          // the digest before does not name the same account
	DigestHashBroken       DigestFault = "previous hash"        // previousDigestHashValue is not that of the digest before
	DigestChainBroken      DigestFault = "previous signature"   // previousDigestSignature is not that of the digest before
	DigestPlaceBroken      DigestFault = "previous place"       // the digest before is not the one that is named
	DigestTimeGap          DigestFault = "gap in time"          // it begins after the digest before ended
	DigestTimeOverlap      DigestFault = "overlap in time"      // it begins before the digest before ended
	LogFileModified        DigestFault = "log file was changed" // its hash is not the one listed
)

// A DigestError says what is wrong with a digest, with its place in the chain, or
// with a log file that it lists.
type DigestError struct {
	Fault  DigestFault
	Detail string // may be empty
}

// Error gives the fault and the detail.
func (e *DigestError) Error() string {
	if e.Detail == "" {
		return string(e.Fault)
	}
	return string(e.Fault) + ": " + e.Detail
}

// A DigestObject is a digest file as S3 has it, decompressed.
type DigestObject struct {
	S3Bucket string
	S3Object string
	Body     []byte            // not compressed
	Metadata map[string]string // user metadata; names in lower case, without "x-amz-meta-"
}

// Verify checks a digest by itself: that it is well-formed, lies where it says,
// and is signed by the key that publicKey gives for its fingerprint; publicKey
// returns nil for a key that is not known. It checks at least what the AWS
// command line does. It returns what it could read even when something is
// wrong, and nil when nothing could be read. A fault is a *DigestError.
func (o *DigestObject) Verify(publicKey func(fingerprint string) *rsa.PublicKey) (*SignedDigest, error) {
	d, err := ParseDigest(o.Body)
	if err != nil {
		return nil, err
	}
	s := &SignedDigest{Digest: d, Body: o.Body, Signature: o.Metadata[MetadataSignature], BackfillTime: o.Metadata[MetadataBackfill]}
	algorithm := o.Metadata[MetadataSignatureAlgorithm]
	switch {
	case s.Signature == "" || algorithm == "":
		return s, &DigestError{Fault: DigestUnsigned}
	case d.DigestS3Bucket != o.S3Bucket || d.DigestS3Object != o.S3Object:
		return s, &DigestError{DigestMoved, "delivered to " + shown(d.DigestS3Bucket+"/"+d.DigestS3Object)}
	case algorithm != DigestSignatureAlgorithm:
		return s, &DigestError{DigestUnknownAlgorithm, shown(algorithm)}
	case d.DigestSignatureAlgorithm != "" && d.DigestSignatureAlgorithm != DigestSignatureAlgorithm:
		return s, &DigestError{DigestUnknownAlgorithm, shown(d.DigestSignatureAlgorithm)}
	case d.Backfill() && s.BackfillTime == "":
		return s, &DigestError{Fault: DigestNoTimestamp}
	}
	key := publicKey(d.DigestPublicKeyFingerprint)
	if key == nil {
		return s, &DigestError{DigestUnknownKey, "fingerprint " + shown(d.DigestPublicKeyFingerprint)}
	}
	if !validSignature(key, d.StringToSign(o.Body), s.Signature) {
		return s, &DigestError{Fault: DigestBadSignature}
	}
	return s, d.agreesWithName()
}

func validSignature(key *rsa.PublicKey, text, signature string) bool {
	raw, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	hash := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], raw) == nil
}

// agreesWithName checks a digest against its key. Keys of another form than
// CloudTrail's, and those of backfill digests, are not judged: the signature
// covers them.
func (d *Digest) agreesWithName() error {
	name, err := ParseDigestFileKey(d.DigestS3Object)
	if err != nil || name.Backfill {
		return nil
	}
	_, end := d.Window()
	switch {
	case d.AWSAccountID != "" && name.AccountID != d.AWSAccountID:
		return &DigestError{DigestWrongName, "awsAccountId is " + shown(d.AWSAccountID)}
	case !name.End.Equal(end):
		return &DigestError{DigestWrongName, "digestEndTime is " + d.DigestEndTime}
	}
	return nil
}

// VerifyPrevious checks the link from a digest to the one before it: place, hash,
// signature, account, and that one's window begins where the other's ends. Only
// backfill digests, which are made when there is something to list, may leave
// gaps or list more of a window. previous must have been verified by itself. A
// fault is a *DigestError.
func (s *SignedDigest) VerifyPrevious(previous *SignedDigest) error {
	d, link := s.Digest, previous.Link()
	start, _ := d.Window()
	_, end := previous.Digest.Window()
	switch {
	case d.PreviousDigestS3Bucket != link.S3Bucket || d.PreviousDigestS3Object != link.S3Object:
		return &DigestError{DigestPlaceBroken, "the digest names " + shown(d.PreviousDigestS3Bucket+"/"+d.PreviousDigestS3Object)}
	case d.PreviousDigestHashAlgorithm != "" && d.PreviousDigestHashAlgorithm != DigestHashAlgorithm:
		return &DigestError{DigestUnknownAlgorithm, shown(d.PreviousDigestHashAlgorithm)}
	case !strings.EqualFold(d.PreviousDigestHashValue, link.HashValue):
		return &DigestError{Fault: DigestHashBroken}
	case !strings.EqualFold(d.PreviousDigestSignature, link.Signature):
		return &DigestError{Fault: DigestChainBroken}
	case d.AWSAccountID != previous.Digest.AWSAccountID:
		return &DigestError{DigestOtherChain, "account " + shown(previous.Digest.AWSAccountID)}
	case d.Backfill():
		return nil
	case start.After(end):
		return &DigestError{DigestTimeGap, "from " + previous.Digest.DigestEndTime + " to " + d.DigestStartTime}
	case start.Before(end):
		return &DigestError{DigestTimeOverlap, "from " + d.DigestStartTime + " to " + previous.Digest.DigestEndTime}
	}
	return nil
}

// Verify checks a log file against what the digest lists. hash is the HashHex of
// the file's uncompressed bytes. A fault is a *DigestError.
func (f *DigestLogFile) Verify(hash string) error {
	switch {
	case f.HashAlgorithm != "" && f.HashAlgorithm != DigestHashAlgorithm:
		return &DigestError{DigestUnknownAlgorithm, shown(f.HashAlgorithm)}
	case !strings.EqualFold(f.HashValue, hash):
		return &DigestError{LogFileModified, "SHA-256 is " + shown(hash) + ", listed is " + shown(f.HashValue)}
	}
	return nil
}
