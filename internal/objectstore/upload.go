package objectstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// maxPart is the greatest number of a part, as in S3.
const maxPart = 10000

// Upload is a multipart upload under way.
type Upload struct {
	Bucket, Key, ID string
	Created         time.Time // UTC, whole milliseconds
	Attributes                // of the object that it becomes
	Encryption      *Encryption
	Extra           []byte // the caller's own
}

// NewUpload is a multipart upload to begin.
type NewUpload struct {
	Bucket, Key string
	Attributes
	Encryption *Encryption // with the data key for all parts, wrapped
	Extra      []byte
}

// PartInfo describes a part. Offset, in bytes, is where it begins in the
// object; it is 0 before the upload is complete.
type PartInfo struct {
	Number       int
	Size, Offset int64
	ETag         string // MD5 in hex, without quotes
	Modified     time.Time
	Checksums    []Checksum
}

// uploadValue is an upload as the index keeps it.
type uploadValue struct {
	Created int64 `json:"created"` // milliseconds since 1970
	Attributes
	Encryption *Encryption `json:"encryption,omitempty"`
	Extra      []byte      `json:"extra,omitempty"`
}

// openUpload is an upload with its place.
type openUpload struct {
	Upload
	seq uint64
	id  objectID // of the object that it becomes
	at  []byte   // the key of its row
}

func decodeUpload(payload []byte) (*uploadValue, error) {
	u := &uploadValue{}
	return u, json.Unmarshal(payload, u)
}

func (u *uploadValue) open(bucket, key string, seq uint64, id objectID) *openUpload {
	return &openUpload{
		Upload: Upload{bucket, key, encodeID(seq, id), time.UnixMilli(u.Created).UTC(), u.Attributes, u.Encryption, u.Extra},
		seq:    seq, id: id,
	}
}

// CreateUpload begins a multipart upload.
func (s *Store) CreateUpload(ctx context.Context, n NewUpload) (*Upload, error) {
	fail := func(err error) (*Upload, error) {
		return nil, fmt.Errorf("create upload to %s/%s: %w", n.Bucket, n.Key, err)
	}
	if err := checkKey(n.Key); err != nil {
		return fail(err)
	}
	if err := n.Attributes.check(); err != nil {
		return fail(err)
	}
	value := &uploadValue{Attributes: n.Attributes, Encryption: n.Encryption, Extra: n.Extra}
	var id objectID
	rand.Read(id[:]) // never fails
	var u *openUpload
	err := s.changeBucket(ctx, n.Bucket, func(t *txn, b *bucketRow) error {
		seq, err := t.next(uploadTable)
		if err != nil {
			return err
		}
		value.Created = s.now().UnixMilli()
		u = value.open(n.Bucket, n.Key, seq, id)
		if err := t.putJSON(uploadTable, uploadRow(b.Number, n.Key, seq, id), value); err != nil {
			return err
		}
		return t.addUsage(b.Number, usage{Uploads: 1})
	})
	if err != nil {
		return fail(err)
	}
	return &u.Upload, nil
}

// Upload describes an upload, or returns ErrNoSuchUpload.
func (s *Store) Upload(ctx context.Context, bucket, key, id string) (*Upload, error) {
	var u *openUpload
	err := ctx.Err()
	if err == nil {
		err = s.index.view(func(t *txn) (err error) {
			_, u, err = t.upload(bucket, key, id)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("look up upload to %s/%s: %w", bucket, key, err)
	}
	return &u.Upload, nil
}

func (t *txn) upload(bucket, key, id string) (*bucketRow, *openUpload, error) {
	b, err := t.bucket(bucket)
	if err != nil {
		return nil, nil, err
	}
	seq, object, ok := decodeID(id)
	if !ok {
		return b, nil, ErrNoSuchUpload
	}
	at := uploadRow(b.Number, key, seq, object)
	payload, ok, err := t.get(uploadTable, at)
	if err != nil {
		return b, nil, err
	}
	if !ok {
		return b, nil, ErrNoSuchUpload
	}
	u, err := t.uploadAt(bucket, at, payload)
	if err == nil {
		u.at = at
	}
	return b, u, err
}

// PutPart is a part to store. Its members mean what those of Put mean.
type PutPart struct {
	Bucket, Key, UploadID string
	Number                int // 1 to 10,000
	Body                  io.Reader
	Size                  int64
	Hashes                []Hash
	Verify                func(Summary) error
	DataKey               []byte // the upload's, if it has Encryption
}

// PutPart stores a part, in place of an earlier one with its number, and
// returns when it is durable.
func (s *Store) PutPart(ctx context.Context, p PutPart) (*PartInfo, error) {
	info, err := s.putPart(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("put part %d of %s/%s: %w", p.Number, p.Bucket, p.Key, err)
	}
	return info, nil
}

func (s *Store) putPart(ctx context.Context, p PutPart) (*PartInfo, error) {
	if p.Number < 1 || p.Number > maxPart {
		return nil, &PartError{Number: p.Number, What: PartOrder}
	}
	if err := s.stoppedBy(); err != nil {
		return nil, err
	}
	var u *openUpload
	err := s.index.view(func(t *txn) (err error) {
		_, u, err = t.upload(p.Bucket, p.Key, p.UploadID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if u.Encryption == nil && p.DataKey != nil {
		return nil, errNoEncryption
	}
	st, err := s.stage(ctx, body{
		bucket: p.Bucket, key: p.Key, object: u.id, part: p.Number, reader: p.Body, size: p.Size, hashes: p.Hashes, verify: p.Verify,
		sealed: u.Encryption != nil, dataKey: p.DataKey,
	})
	if err != nil {
		return nil, err
	}
	part := st.segment
	part.Sealed = u.Encryption != nil
	part.ETag, part.Checksums = hex.EncodeToString(st.MD5), st.Summary.Checksums
	err = s.commit(func(t *txn) error {
		_, u, err := t.upload(p.Bucket, p.Key, p.UploadID)
		if err != nil {
			return err
		}
		at := partRow(u.seq, u.id, p.Number)
		var old segment
		replaced, err := t.getJSON(partTable, at, &old)
		if err != nil {
			return err
		}
		part.Modified = s.now().UnixMilli()
		if err := t.putJSON(partTable, at, part); err != nil {
			return err
		}
		if replaced {
			if err := t.dropFile(old, u.id); err != nil {
				return err
			}
		}
		return t.putFile(part, u.id)
	}, st.gens()...)
	s.settle(st, err)
	if err != nil {
		return nil, err
	}
	return &partInfos([]segment{part})[0], nil
}

// Parts lists the parts of an upload with numbers above one, and says whether
// there are more than asked for.
func (s *Store) Parts(ctx context.Context, bucket, key, uploadID string, after, limit int) ([]PartInfo, bool, error) {
	var list []segment
	err := ctx.Err()
	if err == nil {
		err = s.index.view(func(t *txn) error {
			_, u, err := t.upload(bucket, key, uploadID)
			if err != nil {
				return err
			}
			list, err = t.parts(u, max(0, after), limit+1)
			return err
		})
	}
	if err != nil {
		return nil, false, fmt.Errorf("list parts of %s/%s: %w", bucket, key, err)
	}
	more := len(list) > max(0, limit)
	infos := partInfos(list[:min(len(list), max(0, limit))])
	for i := range infos {
		infos[i].Offset = 0
	}
	return infos, more && limit > 0, nil
}

// parts reads the parts of an upload with numbers above one, at most limit.
func (t *txn) parts(u *openUpload, after, limit int) ([]segment, error) {
	if after >= maxPart || limit <= 0 {
		return nil, nil
	}
	var list []segment
	err := t.scan(partTable, partRows(u.seq, u.id), partRow(u.seq, u.id, after+1), func(key, payload []byte) (bool, error) {
		g, err := decodeSegment(payload)
		if err != nil {
			return false, t.damage(partTable, key, err)
		}
		list = append(list, g)
		return len(list) < limit, nil
	})
	return list, err
}

// Abort ends an upload and removes its parts.
func (s *Store) Abort(ctx context.Context, bucket, key, uploadID string) error {
	err := ctx.Err()
	if err == nil {
		err = s.commit(func(t *txn) error {
			b, u, err := t.upload(bucket, key, uploadID)
			if err != nil {
				return err
			}
			return t.removeUpload(b.Number, u.at)
		})
	}
	if err != nil {
		return fmt.Errorf("abort upload to %s/%s: %w", bucket, key, err)
	}
	return nil
}

// removeUpload removes an upload and its parts. The key of an upload's row
// ends with what the keys of its parts begin with.
func (t *txn) removeUpload(bucket uint64, at []byte) error {
	if len(at) < 24 {
		return t.damage(uploadTable, at, errRowSum)
	}
	tail := bytes.Clone(at[len(at)-24:])
	u := &openUpload{seq: binary.BigEndian.Uint64(tail), id: objectID(tail[8:])}
	list, err := t.parts(u, 0, maxPart)
	if err != nil {
		return err
	}
	for _, g := range list {
		if err := t.delete(partTable, partRow(u.seq, u.id, g.Number)); err != nil {
			return err
		}
		if err := t.dropFile(g, u.id); err != nil {
			return err
		}
	}
	if err := t.delete(uploadTable, at); err != nil {
		return err
	}
	return t.addUsage(bucket, usage{Uploads: -1})
}
