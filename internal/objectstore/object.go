package objectstore

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"time"
	"unicode/utf8"
)

// NullVersion is the id of the version that a bucket without versioning, or
// with suspended versioning, writes. A key has at most one.
const NullVersion = "null"

// maxKey is the greatest length of a key in bytes, as in S3.
const maxKey = 1024

// A Ref names one version of an object; with an empty VersionID the current
// one.
type Ref struct{ Bucket, Key, VersionID string }

// Object is one version of an object, or a delete marker.
type Object struct {
	Ref               // VersionID is always set
	Versioned    bool // it is not the null version
	DeleteMarker bool
	Latest       bool      // it is the newest version of its key
	Size         int64     // in bytes, of the plaintext
	ETag         string    // MD5 in hex without quotes, with "-N" behind it after a multipart upload of N parts
	Modified     time.Time // UTC, whole milliseconds
	Attributes
	Checksums  []Checksum
	Parts      []PartInfo  // of an object that came in parts; listings leave it out
	Encryption *Encryption // nil when the content is not sealed

	id objectID
}

// Attributes are what a writer says about an object. All text must be UTF-8.
type Attributes struct {
	Headers   map[string]string `json:"headers,omitempty"` // system headers, by the names that the caller uses
	User      map[string]string `json:"user,omitempty"`    // user metadata
	Tags      []Tag             `json:"tags,omitempty"`
	ACL       []byte            `json:"acl,omitempty"`   // opaque
	Owner     string            `json:"owner,omitempty"` // the account that wrote the object
	Retention Retention         `json:"retention,omitzero"`
	LegalHold bool              `json:"legalHold,omitempty"`
}

// Tag is one entry of an object's tag set.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v,omitempty"`
}

// RetentionMode says who may lift a retention.
type RetentionMode string

// Governance can be bypassed by a caller that may; Compliance by nobody, until
// it runs out.
const (
	Governance RetentionMode = "GOVERNANCE"
	Compliance RetentionMode = "COMPLIANCE"
)

// Retention protects a version from removal until a time. Its zero value
// protects nothing.
type Retention struct {
	Mode  RetentionMode `json:"mode,omitempty"`
	Until time.Time     `json:"until,omitzero"`
}

// Checksum is a checksum of a whole object or part, under the name that the
// caller has for its algorithm. A composite one was made of the parts'
// checksums.
type Checksum struct {
	Algorithm string `json:"a"`
	Value     []byte `json:"v"`
	Composite bool   `json:"c,omitempty"`
}

// Encryption says how content is sealed. Every member is the caller's own: the
// store keeps it, and uses none of it.
type Encryption struct {
	Algorithm string `json:"algorithm,omitempty"`
	KeyID     string `json:"keyId,omitempty"`
	Wrapped   []byte `json:"wrapped,omitempty"` // the data key, sealed by whoever can open it
	Context   []byte `json:"context,omitempty"`
	BucketKey bool   `json:"bucketKey,omitempty"`
}

// Hash is a checksum to compute while a body is read.
type Hash struct {
	Algorithm string
	New       func() hash.Hash
}

// Summary is what is known of a body once all of it was read.
type Summary struct {
	Size      int64
	MD5       []byte
	Checksums []Checksum // in the order of the Hashes
}

// An objectID is random, and stands for one version in all that is bound to
// it: the version's id, and the frames of its content. An upload has the id of
// the object that it becomes.
type objectID [16]byte

func (id objectID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

func (id *objectID) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(id) {
		return fmt.Errorf("an id of %d digits", len(text))
	}
	_, err := hex.Decode(id[:], text)
	return err
}

// objectRow is an object as the index keeps it.
type objectRow struct {
	ID         objectID    `json:"id"`
	Size       int64       `json:"-"` // in bytes, of the plaintext
	ETag       string      `json:"etag,omitempty"`
	Modified   int64       `json:"modified"`           // milliseconds since 1970
	Segments   int         `json:"segments,omitempty"` // how many files hold the content; 0: it is inline
	Multipart  bool        `json:"multipart,omitempty"`
	Checksums  []Checksum  `json:"checksums,omitempty"`
	Encryption *Encryption `json:"encryption,omitempty"`
	Attributes

	null, marker bool
	seq          uint64
	key          string
}

// A segment is one content file of an object, and what is known of it as a
// part. Objects that did not come in parts have one with number 0.
type segment struct {
	Gen       uint32     `json:"gen"`
	File      objectID   `json:"file"`
	Number    int        `json:"part,omitempty"`
	Size      int64      `json:"size"`
	ETag      string     `json:"etag,omitempty"`
	Modified  int64      `json:"modified,omitempty"`
	Sealed    bool       `json:"sealed,omitempty"` // of parts only, for a check that comes before the upload is complete
	Checksums []Checksum `json:"checksums,omitempty"`
}

func decodeSegment(payload []byte) (segment, error) {
	var g segment
	err := json.Unmarshal(payload, &g)
	return g, err
}

const (
	flagNull   = 1
	flagMarker = 2

	rowHead = 9 // flags and size, before the JSON of a row
)

func (r *objectRow) encode() ([]byte, error) {
	var flags byte
	if r.null {
		flags |= flagNull
	}
	if r.marker {
		flags |= flagMarker
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	payload := make([]byte, 1, rowHead+len(body))
	payload[0] = flags
	payload = binary.BigEndian.AppendUint64(payload, uint64(r.Size))
	return append(payload, body...), nil
}

func decodeObject(payload []byte) (*objectRow, error) {
	r, err := decodeHead(payload)
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(payload[rowHead:], r)
}

// decodeHead reads what a row says before its JSON: the kind and size of the
// version.
func decodeHead(payload []byte) (*objectRow, error) {
	if len(payload) < rowHead {
		return nil, errors.New("the row is too short")
	}
	return &objectRow{
		null: payload[0]&flagNull != 0, marker: payload[0]&flagMarker != 0,
		Size: int64(binary.BigEndian.Uint64(payload[1:])),
	}, nil
}

func (r *objectRow) versionID() string {
	if r.null {
		return NullVersion
	}
	return encodeID(r.seq, r.ID)
}

func (r *objectRow) object(bucket string, latest bool) *Object {
	return &Object{
		Ref: Ref{bucket, r.key, r.versionID()}, Versioned: !r.null, DeleteMarker: r.marker, Latest: latest,
		Size: r.Size, ETag: r.ETag, Modified: time.UnixMilli(r.Modified).UTC(),
		Attributes: r.Attributes, Checksums: r.Checksums, Encryption: r.Encryption,
		id: r.ID,
	}
}

// encodeID writes a version id or upload id: where in the order of all changes
// it was made, and the random id. So it leads to its row without a search.
func encodeID(seq uint64, id objectID) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, seq), id[:]...))
}

func decodeID(text string) (seq uint64, id objectID, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 24 {
		return 0, id, false
	}
	return binary.BigEndian.Uint64(b), objectID(b[8:]), true
}

func partInfos(segments []segment) []PartInfo {
	parts := make([]PartInfo, len(segments))
	var offset int64
	for i, g := range segments {
		parts[i] = PartInfo{Number: g.Number, Size: g.Size, Offset: offset, ETag: g.ETag, Modified: time.UnixMilli(g.Modified).UTC(), Checksums: g.Checksums}
		offset += g.Size
	}
	return parts
}

// protects says whether a version may not be removed now.
func (a Attributes) protects(now time.Time, bypassGovernance bool) bool {
	if a.LegalHold {
		return true
	}
	if !now.Before(a.Retention.Until) {
		return false
	}
	return a.Retention.Mode == Compliance || a.Retention.Mode == Governance && !bypassGovernance
}

func checkKey(key string) error {
	if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
		return fmt.Errorf("key: %w", ErrNotText)
	}
	return nil
}

func (a Attributes) check() error {
	for _, m := range []map[string]string{a.Headers, a.User} {
		for name, value := range m {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				return fmt.Errorf("metadata %q: %w", name, ErrNotText)
			}
		}
	}
	if err := checkTags(a.Tags); err != nil {
		return err
	}
	return a.Retention.check()
}

func (r Retention) check() error {
	if r.Mode != "" && r.Mode != Governance && r.Mode != Compliance {
		return fmt.Errorf("retention mode %q: %w", r.Mode, ErrNotText)
	}
	return nil
}

func checkTags(tags []Tag) error {
	for _, tag := range tags {
		if !utf8.ValidString(tag.Key) || !utf8.ValidString(tag.Value) {
			return fmt.Errorf("tag %q: %w", tag.Key, ErrNotText)
		}
	}
	return nil
}
