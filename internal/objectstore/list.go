package objectstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
)

// ListQuery asks for current objects in the byte order of their keys. MaxKeys
// bounds the objects and prefixes of a page together.
type ListQuery struct {
	Bucket, Prefix, Delimiter string
	After                     string // a key, or a prefix of an earlier page; neither it nor what it stands for is listed
	MaxKeys                   int
}

// ListPage is one page. Next, when Truncated, is the After of the next one.
type ListPage struct {
	Objects   []Object
	Prefixes  []string // what the keys up to the delimiter have in common, each once
	Truncated bool
	Next      string
}

// VersionsQuery asks for all versions and delete markers. The page begins
// behind the version that the markers name, or behind all versions of
// KeyMarker.
type VersionsQuery struct {
	Bucket, Prefix, Delimiter  string
	KeyMarker, VersionIDMarker string
	MaxKeys                    int
}

// VersionsPage is one page of versions, newest first for each key.
type VersionsPage struct {
	Versions                           []Object
	Prefixes                           []string
	Truncated                          bool
	NextKeyMarker, NextVersionIDMarker string
}

// walk is one pass over the rows of a table whose keys begin with a bucket and
// an object key, with what listings have in common: prefix, delimiter, and the
// size of a page.
type walk struct {
	t                 *txn
	table             string
	tail              int // length of what follows the object key in a row's key
	bucket            uint64
	prefix, delimiter string
	max               int
}

// rollup is the common prefix that a key is listed under, or empty.
func (w walk) rollup(key string) string {
	if w.delimiter == "" {
		return ""
	}
	at := strings.Index(key[len(w.prefix):], w.delimiter)
	if at < 0 {
		return ""
	}
	return key[:len(w.prefix)+at+len(w.delimiter)]
}

// afterKey is where a listing goes on behind a key, or behind all that a
// common prefix stands for.
func (w walk) afterKey(after string) []byte {
	if after == "" {
		return keyPrefix(w.bucket, w.prefix)
	}
	if strings.HasPrefix(after, w.prefix) && w.rollup(after) == after {
		return behind(keyPrefix(w.bucket, after))
	}
	return behindKey(w.bucket, after)
}

// run visits rows from a place on. For each key outside of common prefixes it
// calls visit, which says whether the row counts, and where to go on: nil is
// the next row. It returns whether there is more than a page holds.
func (w walk) run(from []byte, visit func(at []byte, key string, payload []byte) (counts bool, next []byte, err error), prefix func(string)) (bool, error) {
	if w.t.verdict.buckets[w.bucket] {
		return false, &DamageError{File: w.t.path, What: "rows of the bucket are missing, so that no list of it is whole"}
	}
	low := keyPrefix(w.bucket, w.prefix)
	if bytes.Compare(from, low) < 0 {
		from = low
	}
	c := w.t.tx.Bucket([]byte(w.table)).Cursor()
	count := 0
	for at, row := c.Seek(from); at != nil && bytes.HasPrefix(at, low); {
		_, key, _, ok := splitRow(at, w.tail)
		payload, err := decodeRow(w.table, at, row)
		if err == nil && !ok {
			err = errRowSum
		}
		if err != nil {
			return false, w.t.damage(w.table, at, err)
		}
		var next []byte
		if common := w.rollup(key); common != "" {
			// A prefix is listed only if something current is below it.
			counts, skip, err := visit(at, "", payload)
			if err != nil {
				return false, err
			}
			if !counts {
				if next = skip; next == nil {
					next = behindKey(w.bucket, key)
				}
			} else {
				if count == w.max {
					return true, nil
				}
				count++
				prefix(common)
				next = behind(keyPrefix(w.bucket, common))
			}
		} else {
			if count == w.max {
				// Full: is there anything more that counts?
				counts, skip, err := visit(at, "", payload)
				if err != nil || counts {
					return counts, err
				}
				if next = skip; next == nil {
					next = behindKey(w.bucket, key)
				}
			} else {
				var counts bool
				if counts, next, err = visit(at, key, payload); err != nil {
					return false, err
				}
				if counts {
					count++
				}
			}
		}
		if next == nil {
			at, row = c.Next()
		} else {
			at, row = c.Seek(next)
		}
	}
	return false, nil
}

// List lists a page of current objects.
func (s *Store) List(ctx context.Context, q ListQuery) (*ListPage, error) {
	page := &ListPage{}
	err := ctx.Err()
	if err == nil && q.MaxKeys > 0 {
		err = s.index.view(func(t *txn) error { return t.list(q, page) })
	} else if err == nil {
		_, err = s.Bucket(ctx, q.Bucket)
	}
	if err != nil {
		return nil, fmt.Errorf("list bucket %s: %w", q.Bucket, err)
	}
	return page, nil
}

func (t *txn) list(q ListQuery, page *ListPage) error {
	b, err := t.bucket(q.Bucket)
	if err != nil {
		return err
	}
	w := walk{t, objectTable, 8, b.Number, q.Prefix, q.Delimiter, q.MaxKeys}
	last := ""
	page.Truncated, err = w.run(w.afterKey(q.After), func(at []byte, key string, payload []byte) (bool, []byte, error) {
		row, err := t.objectAt(at, payload)
		if err != nil {
			return false, nil, err
		}
		next := behindKey(b.Number, row.key) // the first row of a key is its newest version
		if row.marker || key == "" {
			return !row.marker, next, nil
		}
		page.Objects = append(page.Objects, *row.object(b.Name, true))
		last = key
		return true, next, nil
	}, func(prefix string) {
		page.Prefixes = append(page.Prefixes, prefix)
		last = prefix
	})
	if page.Truncated {
		page.Next = last
	}
	return err
}

// ListVersions lists a page of versions. A VersionIDMarker that is none of this
// store's is ErrNoSuchVersion.
func (s *Store) ListVersions(ctx context.Context, q VersionsQuery) (*VersionsPage, error) {
	page := &VersionsPage{}
	err := ctx.Err()
	if err == nil && q.MaxKeys > 0 {
		err = s.index.view(func(t *txn) error { return t.listVersions(q, page) })
	} else if err == nil {
		_, err = s.Bucket(ctx, q.Bucket)
	}
	if err != nil {
		return nil, fmt.Errorf("list versions of bucket %s: %w", q.Bucket, err)
	}
	return page, nil
}

func (t *txn) listVersions(q VersionsQuery, page *VersionsPage) error {
	b, err := t.bucket(q.Bucket)
	if err != nil {
		return err
	}
	w := walk{t, objectTable, 8, b.Number, q.Prefix, q.Delimiter, q.MaxKeys}
	from := w.afterKey(q.KeyMarker)
	if q.VersionIDMarker != "" {
		if from, err = t.afterVersion(b.Number, q.KeyMarker, q.VersionIDMarker); err != nil {
			return err
		}
	}
	latestKey, latestSeq := "", uint64(0)
	page.Truncated, err = w.run(from, func(at []byte, key string, payload []byte) (bool, []byte, error) {
		if key == "" {
			return true, nil, nil
		}
		row, err := t.objectAt(at, payload)
		if err != nil {
			return false, nil, err
		}
		if latestKey != key {
			// The page may begin in the middle of a key.
			current, err := t.current(b.Number, key)
			if err != nil {
				return false, nil, err
			}
			latestKey, latestSeq = key, current.seq
		}
		page.Versions = append(page.Versions, *row.object(b.Name, row.seq == latestSeq))
		page.NextKeyMarker, page.NextVersionIDMarker = key, row.versionID()
		return true, nil, nil
	}, func(prefix string) {
		page.Prefixes = append(page.Prefixes, prefix)
		page.NextKeyMarker, page.NextVersionIDMarker = prefix, ""
	})
	if !page.Truncated {
		page.NextKeyMarker, page.NextVersionIDMarker = "", ""
	}
	return err
}

// afterVersion is where a listing goes on behind a version, which may be gone
// by now. Where the null version was cannot be known then: its key is listed
// from the start, so that nothing is left out.
func (t *txn) afterVersion(bucket uint64, key, version string) ([]byte, error) {
	if version == NullVersion {
		null, err := t.nullVersion(bucket, key)
		if err != nil {
			return nil, err
		}
		if null == nil {
			return keyRows(bucket, key), nil
		}
		return append(versionRow(bucket, key, null.seq), 0), nil
	}
	seq, _, ok := decodeID(version)
	if !ok {
		return nil, ErrNoSuchVersion
	}
	return append(versionRow(bucket, key, seq), 0), nil
}

// UploadsQuery asks for multipart uploads under way. The page begins behind
// the upload that the markers name, or behind all uploads of KeyMarker.
type UploadsQuery struct {
	Bucket, Prefix, Delimiter string
	KeyMarker, UploadIDMarker string
	MaxUploads                int
}

// UploadsPage is one page of uploads, oldest first for each key.
type UploadsPage struct {
	Uploads                           []Upload
	Prefixes                          []string
	Truncated                         bool
	NextKeyMarker, NextUploadIDMarker string
}

// Uploads lists a page of uploads. An UploadIDMarker that is none of this
// store's is ErrNoSuchUpload.
func (s *Store) Uploads(ctx context.Context, q UploadsQuery) (*UploadsPage, error) {
	page := &UploadsPage{}
	err := ctx.Err()
	if err == nil && q.MaxUploads > 0 {
		err = s.index.view(func(t *txn) error { return t.listUploads(q, page) })
	} else if err == nil {
		_, err = s.Bucket(ctx, q.Bucket)
	}
	if err != nil {
		return nil, fmt.Errorf("list uploads of bucket %s: %w", q.Bucket, err)
	}
	return page, nil
}

func (t *txn) listUploads(q UploadsQuery, page *UploadsPage) error {
	b, err := t.bucket(q.Bucket)
	if err != nil {
		return err
	}
	w := walk{t, uploadTable, 24, b.Number, q.Prefix, q.Delimiter, q.MaxUploads}
	from := w.afterKey(q.KeyMarker)
	if q.UploadIDMarker != "" {
		seq, id, ok := decodeID(q.UploadIDMarker)
		if !ok {
			return ErrNoSuchUpload
		}
		from = append(uploadRow(b.Number, q.KeyMarker, seq, id), 0)
	}
	page.Truncated, err = w.run(from, func(at []byte, key string, payload []byte) (bool, []byte, error) {
		if key == "" {
			return true, nil, nil
		}
		u, err := t.uploadAt(b.Name, at, payload)
		if err != nil {
			return false, nil, err
		}
		page.Uploads = append(page.Uploads, u.Upload)
		page.NextKeyMarker, page.NextUploadIDMarker = key, u.ID
		return true, nil, nil
	}, func(prefix string) {
		page.Prefixes = append(page.Prefixes, prefix)
		page.NextKeyMarker, page.NextUploadIDMarker = prefix, ""
	})
	if !page.Truncated {
		page.NextKeyMarker, page.NextUploadIDMarker = "", ""
	}
	return err
}

// uploadAt decodes a row of the table of uploads.
func (t *txn) uploadAt(bucket string, at, payload []byte) (*openUpload, error) {
	_, key, tail, ok := splitRow(at, 24)
	row, err := decodeUpload(payload)
	if err == nil && !ok {
		err = errRowSum
	}
	if err != nil {
		return nil, t.damage(uploadTable, at, err)
	}
	seq, id := binary.BigEndian.Uint64(tail), objectID(tail[8:])
	return row.open(bucket, key, seq, id), nil
}
