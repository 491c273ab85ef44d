package cairn

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// A Digest lists the log files that were delivered for one trail and region in
// one window of time, and points to the digest before it. Its fields are those
// of the file, in the file's order; docs/format/digest.md draws it. Where null is
// said to be possible, the empty string stands for it.
type Digest struct {
	AWSAccountID                string
	DigestStartTime             string // as FormatDigestTime writes it; where the digest before ended
	DigestEndTime               string
	DigestS3Bucket              string
	DigestS3Object              string // the digest's own key
	DigestPublicKeyFingerprint  string // see Fingerprint
	DigestSignatureAlgorithm    string // DigestSignatureAlgorithm
	NewestEventTime             string // of all events in all log files; null when there are none
	OldestEventTime             string
	PreviousDigestS3Bucket      string // null, like all five, in the first digest of a chain
	PreviousDigestS3Object      string
	PreviousDigestHashValue     string
	PreviousDigestHashAlgorithm string
	PreviousDigestSignature     string
	LogFiles                    []DigestLogFile // empty when nothing was delivered
}

// A DigestLogFile is a log file as a digest lists it.
type DigestLogFile struct {
	S3Bucket        string
	S3Object        string
	HashValue       string // HashHex of the file's uncompressed bytes
	HashAlgorithm   string // DigestHashAlgorithm
	NewestEventTime string
	OldestEventTime string
}

// The algorithms that digests name.
const (
	DigestSignatureAlgorithm = "SHA256withRSA"
	DigestHashAlgorithm      = "SHA-256"
)

// The S3 user metadata of a digest's object, without "x-amz-meta-".
const (
	MetadataSignature          = "signature"                     // the signature in lower-case hexadecimal
	MetadataSignatureAlgorithm = "signature-algorithm"           // DigestSignatureAlgorithm
	MetadataBackfill           = "backfill-generation-timestamp" // FormatBackfillTime of a backfill digest
)

// FormatDigestTime returns t as digests write it: YYYY-MM-DDTHH:MM:SSZ.
func FormatDigestTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// FormatBackfillTime returns t as a backfill digest's metadata writes it:
// YYYY-MM-DDTHH:MM:SS.mmmZ.
func FormatBackfillTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Window returns the time that the digest is for, from start up to but not
// including end. ParseDigest has checked both.
func (d *Digest) Window() (start, end time.Time) {
	start, _ = parseEventTime(d.DigestStartTime)
	end, _ = parseEventTime(d.DigestEndTime)
	return start, end
}

// SetLogFiles sets the list of log files, and the newest and oldest event time
// from it.
func (d *Digest) SetLogFiles(files []DigestLogFile) {
	d.LogFiles, d.NewestEventTime, d.OldestEventTime = files, "", ""
	var newest, oldest time.Time
	for _, f := range files {
		if t, fault := parseEventTime(f.NewestEventTime); fault == "" && (d.NewestEventTime == "" || t.After(newest)) {
			newest, d.NewestEventTime = t, f.NewestEventTime
		}
		if t, fault := parseEventTime(f.OldestEventTime); fault == "" && (d.OldestEventTime == "" || t.Before(oldest)) {
			oldest, d.OldestEventTime = t, f.OldestEventTime
		}
	}
}

// A DigestLink is what a digest says of the one before it. The zero DigestLink
// begins a new chain.
type DigestLink struct {
	S3Bucket  string `json:",omitempty"`
	S3Object  string `json:",omitempty"`
	HashValue string `json:",omitempty"` // HashHex of the digest's uncompressed bytes
	Signature string `json:",omitempty"` // in hexadecimal
}

// Follow makes the digest the one after link.
func (d *Digest) Follow(link DigestLink) {
	d.PreviousDigestS3Bucket, d.PreviousDigestS3Object = link.S3Bucket, link.S3Object
	d.PreviousDigestHashValue, d.PreviousDigestSignature = link.HashValue, link.Signature
	d.PreviousDigestHashAlgorithm = ""
	if link != (DigestLink{}) {
		d.PreviousDigestHashAlgorithm = DigestHashAlgorithm
	}
}

// Previous returns what the digest says of the one before it.
func (d *Digest) Previous() DigestLink {
	return DigestLink{d.PreviousDigestS3Bucket, d.PreviousDigestS3Object, d.PreviousDigestHashValue, d.PreviousDigestSignature}
}

// Backfill reports whether the digest lists log files that came too late for the
// digest of their window. Its key says so, which the signature covers.
func (d *Digest) Backfill() bool {
	return strings.HasSuffix(d.DigestS3Object, backfillSuffix+logFileSuffix)
}

// BeginsChain reports whether the digest names no digest before it.
func (d *Digest) BeginsChain() bool {
	return d.PreviousDigestS3Bucket == "" || d.PreviousDigestS3Object == ""
}

// members returns the members of the file with where they are kept.
func (d *Digest) members() []digestMember {
	return []digestMember{
		{"awsAccountId", &d.AWSAccountID, 0},
		{"digestStartTime", &d.DigestStartTime, memberTime | memberRequired},
		{"digestEndTime", &d.DigestEndTime, memberTime | memberRequired},
		{"digestS3Bucket", &d.DigestS3Bucket, memberRequired},
		{"digestS3Object", &d.DigestS3Object, memberRequired},
		{"digestPublicKeyFingerprint", &d.DigestPublicKeyFingerprint, memberRequired},
		{"digestSignatureAlgorithm", &d.DigestSignatureAlgorithm, 0},
		{"newestEventTime", &d.NewestEventTime, memberTime | memberNullable},
		{"oldestEventTime", &d.OldestEventTime, memberTime | memberNullable},
		{"previousDigestS3Bucket", &d.PreviousDigestS3Bucket, memberNullable},
		{"previousDigestS3Object", &d.PreviousDigestS3Object, memberNullable},
		{"previousDigestHashValue", &d.PreviousDigestHashValue, memberNullable},
		{"previousDigestHashAlgorithm", &d.PreviousDigestHashAlgorithm, memberNullable},
		{"previousDigestSignature", &d.PreviousDigestSignature, memberNullable | memberRequired},
	}
}

func (f *DigestLogFile) members() []digestMember {
	return []digestMember{
		{"s3Bucket", &f.S3Bucket, memberRequired},
		{"s3Object", &f.S3Object, memberRequired},
		{"hashValue", &f.HashValue, memberRequired},
		{"hashAlgorithm", &f.HashAlgorithm, 0},
		{"newestEventTime", &f.NewestEventTime, memberTime | memberNullable},
		{"oldestEventTime", &f.OldestEventTime, memberTime | memberNullable},
	}
}

// A digestMember is a member of a digest whose value is a string.
type digestMember struct {
	name  string
	value *string
	is    memberTraits
}

type memberTraits uint8

const (
	memberRequired memberTraits = 1 << iota // the key must be there, though null may be its value
	memberNullable                          // the empty string is written as null
	memberTime
)

const keyLogFiles = "logFiles"

// Bytes returns the digest's file, not compressed. The same digest always has the
// same bytes: no white space, members in AWS's order, no final line feed.
func (d *Digest) Bytes() []byte {
	b := appendMembers([]byte{'{'}, d.members())
	b = append(b, `,"`+keyLogFiles+`":[`...)
	for i := range d.LogFiles {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendMembers(append(b, '{'), d.LogFiles[i].members()), '}')
	}
	return append(b, "]}"...)
}

func appendMembers(b []byte, members []digestMember) []byte {
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), m.name...), `":`...)
		if *m.value == "" && m.is&memberNullable != 0 {
			b = append(b, "null"...)
		} else {
			b = appendJSONString(b, *m.value)
		}
	}
	return b
}

// appendJSONString appends s as a JSON string, in which <, > and & stay as they
// are: a digest is never part of a web page.
func appendJSONString(b []byte, s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("encode a string: " + err.Error()) // no string makes the encoder fail
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})...)
}
