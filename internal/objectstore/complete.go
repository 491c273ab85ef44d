package objectstore

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
)

// defaultMinPart is the least size of a part before the last, in bytes, as in
// S3.
const defaultMinPart = 5 << 20

// CompletePart names a part to become part of the object.
type CompletePart struct {
	Number int
	ETag   string // without quotes
}

// Complete says what an upload's object consists of.
type Complete struct {
	Bucket, Key, UploadID string
	Parts                 []CompletePart // in ascending order
	MinPartSize           int64          // of all parts but the last, in bytes; default 5 MiB
	// Checksums makes the object's checksums out of those of its parts. It may
	// be called more than once. Its error aborts, and is returned.
	Checksums   func([]PartInfo) ([]Checksum, error)
	IfNoneMatch bool
	IfMatch     string
}

// Complete makes an upload an object, out of the parts listed, and removes the
// others. The upload stands after an error. To complete again what has become
// the current object returns that object: the first answer may have been lost.
func (s *Store) Complete(ctx context.Context, c Complete) (*Object, error) {
	var o *Object
	err := ctx.Err()
	if err == nil {
		err = s.commit(func(t *txn) (err error) {
			o, err = s.complete(t, c)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("complete upload to %s/%s: %w", c.Bucket, c.Key, err)
	}
	return o, nil
}

func (s *Store) complete(t *txn, c Complete) (*Object, error) {
	b, u, err := t.upload(c.Bucket, c.Key, c.UploadID)
	if errors.Is(err, ErrNoSuchUpload) && b != nil {
		return t.completed(b, c)
	}
	if err != nil {
		return nil, err
	}
	have, err := t.parts(u, 0, maxPart)
	if err != nil {
		return nil, err
	}
	content, err := c.choose(have)
	if err != nil {
		return nil, err
	}
	row := &objectRow{ID: u.id, Multipart: true, Encryption: u.Encryption, Attributes: u.Attributes}
	sum := md5.New()
	for _, g := range content {
		row.Size += g.Size
		part, err := hex.DecodeString(g.ETag)
		if err != nil {
			return nil, err
		}
		sum.Write(part)
	}
	row.ETag = fmt.Sprintf("%x-%d", sum.Sum(nil), len(content))
	if c.Checksums != nil {
		if row.Checksums, err = c.Checksums(partInfos(content)); err != nil {
			return nil, err
		}
	}
	o, err := s.write(t, writing{bucket: c.Bucket, key: c.Key, ifNoneMatch: c.IfNoneMatch, ifMatch: c.IfMatch}, row, content, nil)
	if err != nil {
		return nil, err
	}
	used := map[objectID]bool{}
	for _, g := range content {
		used[g.File] = true
	}
	for _, g := range have {
		if err := t.delete(partTable, partRow(u.seq, u.id, g.Number)); err != nil {
			return nil, err
		}
		if used[g.File] {
			continue
		}
		if err := t.dropFile(g, u.id); err != nil {
			return nil, err
		}
	}
	if err := t.delete(uploadTable, u.at); err != nil {
		return nil, err
	}
	return o, t.addUsage(b.Number, usage{Uploads: -1})
}

// choose picks the parts listed out of those that are there, which are in the
// order of their numbers.
func (c Complete) choose(have []segment) ([]segment, error) {
	if len(c.Parts) == 0 {
		return nil, &PartError{What: PartNone}
	}
	byNumber := make(map[int]segment, len(have))
	for _, g := range have {
		byNumber[g.Number] = g
	}
	smallest := c.MinPartSize
	if smallest == 0 {
		smallest = defaultMinPart
	}
	content := make([]segment, 0, len(c.Parts))
	for i, p := range c.Parts {
		g, ok := byNumber[p.Number]
		fault := PartFault("")
		switch {
		case i > 0 && p.Number <= c.Parts[i-1].Number:
			fault = PartOrder
		case !ok:
			fault = PartMissing
		case g.ETag != p.ETag:
			fault = PartWrongETag
		case i+1 < len(c.Parts) && g.Size < smallest:
			fault = PartTooSmall
		}
		if fault != "" {
			return nil, &PartError{Number: p.Number, What: fault, Size: g.Size, MinSize: smallest, ETag: p.ETag}
		}
		content = append(content, g)
	}
	return content, nil
}

// completed returns the current object if the upload has become it.
func (t *txn) completed(b *bucketRow, c Complete) (*Object, error) {
	_, id, ok := decodeID(c.UploadID)
	if !ok {
		return nil, ErrNoSuchUpload
	}
	row, err := t.current(b.Number, c.Key)
	if err != nil {
		return nil, err
	}
	if row == nil || row.ID != id || !row.Multipart {
		return nil, ErrNoSuchUpload
	}
	list, err := t.segments(b.Number, row)
	if err != nil {
		return nil, err
	}
	o := row.object(b.Name, true)
	o.Parts = partInfos(list)
	return o, nil
}
