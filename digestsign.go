package cairn

import (
	"crypto"
	"crypto/md5" // the fingerprint that AWS's clients look keys up by; nothing rests on it
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// A SignedDigest is a digest with the bytes of its file and the signature over
// them.
type SignedDigest struct {
	Digest    *Digest
	Body      []byte // the file, not compressed
	Signature string // in lower-case hexadecimal, for the metadata

	// BackfillTime is the metadata's backfill-generation-timestamp, which only
	// backfill digests have.
	BackfillTime string
}

// Sign makes the digest's file and signs it with an RSA key, PKCS #1 v1.5 with
// SHA-256. It sets the fingerprint and the signature algorithm; everything else
// must be set before. Signing the same digest with the same key gives the same
// bytes.
func (d *Digest) Sign(key crypto.Signer) (*SignedDigest, error) {
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("sign digest %s: key is %T, and CloudTrail's are RSA keys", d.DigestS3Object, key.Public())
	}
	d.DigestPublicKeyFingerprint = Fingerprint(public)
	d.DigestSignatureAlgorithm = DigestSignatureAlgorithm
	body := d.Bytes()
	hash := sha256.Sum256([]byte(d.StringToSign(body)))
	signature, err := key.Sign(nil, hash[:], crypto.SHA256) // this scheme takes no randomness
	if err != nil {
		return nil, fmt.Errorf("sign digest %s: %w", d.DigestS3Object, err)
	}
	return &SignedDigest{Digest: d, Body: body, Signature: hex.EncodeToString(signature)}, nil
}

// StringToSign returns the text that a digest's signature is over: the end time,
// bucket and key, the hash of body, which is the digest's uncompressed file, and
// the signature of the digest before, or "null". Line feeds stand between them.
func (d *Digest) StringToSign(body []byte) string {
	previous := d.PreviousDigestSignature
	if previous == "" {
		previous = "null"
	}
	return strings.Join([]string{d.DigestEndTime, d.DigestS3Bucket + "/" + d.DigestS3Object, HashHex(body), previous}, "\n")
}

// Metadata returns the user metadata of the digest's S3 object.
func (s *SignedDigest) Metadata() map[string]string {
	m := map[string]string{MetadataSignature: s.Signature, MetadataSignatureAlgorithm: s.Digest.DigestSignatureAlgorithm}
	if s.BackfillTime != "" {
		m[MetadataBackfill] = s.BackfillTime
	}
	return m
}

// Link returns what the next digest of the chain says of this one.
func (s *SignedDigest) Link() DigestLink {
	return DigestLink{
		S3Bucket: s.Digest.DigestS3Bucket, S3Object: s.Digest.DigestS3Object,
		HashValue: HashHex(s.Body), Signature: s.Signature,
	}
}

// HashHex returns the SHA-256 of b in lower-case hexadecimal, as digests have it.
func HashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// PublicKeyDER returns the key as ListPublicKeys gives it: an RSAPublicKey of
// PKCS #1 in DER.
func PublicKeyDER(key *rsa.PublicKey) []byte { return x509.MarshalPKCS1PublicKey(key) }

// ParsePublicKeyDER reads a key as ListPublicKeys gives it.
func ParsePublicKeyDER(der []byte) (*rsa.PublicKey, error) {
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("parse public key of digests: %w", err)
	}
	return key, nil
}

// Fingerprint returns the name by which digests call a key: the MD5 of its
// PublicKeyDER in lower-case hexadecimal.
func Fingerprint(key *rsa.PublicKey) string {
	sum := md5.Sum(PublicKeyDER(key))
	return hex.EncodeToString(sum[:])
}
