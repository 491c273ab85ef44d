package objectstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// Put is an object to store.
type Put struct {
	Bucket, Key string

	// Body is read to its end. An error other than io.EOF aborts the put, and
	// is returned, wrapped. Size is how many bytes it must bring, or -1 when
	// that is not known.
	Body io.Reader
	Size int64

	Hashes []Hash // computed on the way, and kept as Object.Checksums
	// Verify has the last word once all of the body was read. Its error aborts
	// the put.
	Verify    func(Summary) error
	Checksums []Checksum // kept beside those of Hashes
	Attributes

	// Encryption and DataKey, 32 bytes, make the content sealed. The key is not
	// kept; Encryption says how to get it again.
	Encryption *Encryption
	DataKey    []byte

	IfNoneMatch bool   // only if the key has no current object
	IfMatch     string // only if the current object has this ETag
}

// Put stores an object, and returns when it is durable and visible. The errors
// are ErrNoSuchBucket, ErrPrecondition, ErrNoSuchKey (for IfMatch),
// *LockedError, ErrDiskFull, ErrBadSize, ErrNotText, ErrStopped, and those of
// Body and Verify. After any of them but ErrStopped nothing is there.
func (s *Store) Put(ctx context.Context, p Put) (*Object, error) {
	o, err := s.put(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("put object %s/%s: %w", p.Bucket, p.Key, err)
	}
	return o, nil
}

func (s *Store) put(ctx context.Context, p Put) (*Object, error) {
	if err := checkKey(p.Key); err != nil {
		return nil, err
	}
	if err := p.Attributes.check(); err != nil {
		return nil, err
	}
	if p.Encryption == nil && p.DataKey != nil {
		return nil, errNoEncryption
	}
	if err := s.stoppedBy(); err != nil {
		return nil, err
	}
	w := writing{bucket: p.Bucket, key: p.Key, ifNoneMatch: p.IfNoneMatch, ifMatch: p.IfMatch}
	// What would be refused is refused before the body is read, and what
	// changes meanwhile is found by the commit.
	if err := s.index.view(func(t *txn) error { return s.mayWrite(t, w) }); err != nil {
		return nil, err
	}
	row := &objectRow{Encryption: p.Encryption, Attributes: p.Attributes}
	rand.Read(row.ID[:]) // never fails
	st, err := s.stage(ctx, body{
		bucket: p.Bucket, key: p.Key, object: row.ID, reader: p.Body, size: p.Size, hashes: p.Hashes, verify: p.Verify,
		sealed: p.Encryption != nil, dataKey: p.DataKey, mayInline: true,
	})
	if err != nil {
		return nil, err
	}
	row.Size, row.ETag = st.segment.Size, hex.EncodeToString(st.MD5)
	row.Checksums = append(slices.Clone(p.Checksums), st.Summary.Checksums...)
	var o *Object
	err = s.commit(func(t *txn) (err error) {
		var content []segment
		if st.inline == nil {
			content = []segment{{Gen: st.Gen, File: st.File, Size: st.segment.Size}}
		}
		o, err = s.write(t, w, row, content, st.inline)
		if err == nil && content != nil {
			err = t.putFile(content[0], row.ID)
		}
		return err
	}, st.gens()...)
	s.settle(st, err)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Copy stores the content of src, which must be unlocked if it is sealed, as
// p says. Body and Size of p are not used. A copy onto the same key is a new
// version like any other.
func (s *Store) Copy(ctx context.Context, src *Content, p Put) (*Object, error) {
	p.Size = src.Object().Size
	p.Body = io.NewSectionReader(src, 0, p.Size)
	return s.Put(ctx, p)
}

// writing is where a new version goes, and on what conditions.
type writing struct {
	bucket, key string
	ifNoneMatch bool
	ifMatch     string

	bypassGovernance bool // only a delete marker may
}

// mayWrite says whether a new version may be written now.
func (s *Store) mayWrite(t *txn, w writing) error {
	b, err := t.bucket(w.bucket)
	if err != nil {
		return err
	}
	if err := t.checkConditions(b.Number, w); err != nil {
		return err
	}
	_, err = s.replaced(t, b, w.key, w.bypassGovernance)
	return err
}

func (t *txn) checkConditions(bucket uint64, w writing) error {
	if !w.ifNoneMatch && w.ifMatch == "" {
		return nil
	}
	current, err := t.current(bucket, w.key)
	if err != nil {
		return err
	}
	if current == nil && t.verdict.buckets[bucket] {
		return t.missing(w.bucket)
	}
	exists := current != nil && !current.marker
	switch {
	case w.ifNoneMatch && exists:
		return ErrPrecondition
	case w.ifMatch != "" && !exists:
		return ErrNoSuchKey
	case w.ifMatch != "" && current.ETag != w.ifMatch:
		return ErrPrecondition
	}
	return nil
}

// replaced is the version that a new one takes the place of: the null version,
// unless versioning is enabled.
func (s *Store) replaced(t *txn, b *bucketRow, key string, bypassGovernance bool) (*objectRow, error) {
	if b.Versioning == Enabled {
		return nil, nil
	}
	old, err := t.nullVersion(b.Number, key)
	if err != nil || old == nil {
		return nil, err
	}
	return old, s.mayRemove(b.Name, old, bypassGovernance)
}

func (s *Store) mayRemove(bucket string, row *objectRow, bypassGovernance bool) error {
	if !row.protects(s.now(), bypassGovernance) {
		return nil
	}
	return &LockedError{Ref: Ref{bucket, row.key, row.versionID()}, Retention: row.Retention, LegalHold: row.LegalHold}
}

// write makes a new version the current one. All checks come before the first
// change. The rows of the files are the caller's.
func (s *Store) write(t *txn, w writing, row *objectRow, content []segment, inline []byte) (*Object, error) {
	if err := s.mayWrite(t, w); err != nil {
		return nil, err
	}
	b, err := t.bucket(w.bucket)
	if err != nil {
		return nil, err
	}
	old, err := s.replaced(t, b, w.key, w.bypassGovernance)
	if err != nil {
		return nil, err
	}
	if old != nil {
		if err := t.remove(b.Number, old); err != nil {
			return nil, err
		}
	}
	row.null, row.key = b.Versioning != Enabled, w.key
	row.Modified, row.Segments = s.now().UnixMilli(), len(content)
	if row.seq, err = t.next(objectTable); err != nil {
		return nil, err
	}
	at := versionRow(b.Number, row.key, row.seq)
	payload, err := row.encode()
	if err != nil {
		return nil, err
	}
	if err := t.put(objectTable, at, payload); err != nil {
		return nil, err
	}
	used := usage{Objects: 1, Bytes: row.Size}
	switch {
	case row.marker:
		used = usage{Markers: 1}
	case inline != nil:
		err = t.put(inlineTable, at, inline)
	default:
		err = t.putJSON(segmentTable, at, content)
	}
	if err != nil {
		return nil, err
	}
	o := row.object(b.Name, true)
	if row.Multipart {
		o.Parts = partInfos(content)
	}
	return o, t.addUsage(b.Number, used)
}
