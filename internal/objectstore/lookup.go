package objectstore

import (
	"context"
	"errors"
	"fmt"
)

// Head describes a version. The errors are ErrNoSuchBucket, ErrNoSuchKey,
// ErrNoSuchVersion and *DeleteMarkerError.
func (s *Store) Head(ctx context.Context, ref Ref) (*Object, error) {
	_, _, o, err := s.lookup(ctx, ref, false)
	if err != nil {
		return nil, fmt.Errorf("look up %s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return o, nil
}

// lookup finds a version and what its content lies in.
func (s *Store) lookup(ctx context.Context, ref Ref, content bool) (list []segment, inline []byte, o *Object, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, nil, err
	}
	err = s.index.view(func(t *txn) error {
		b, row, err := t.require(ref)
		if err != nil {
			return err
		}
		latest, err := t.isLatest(b.Number, row)
		if err != nil {
			return err
		}
		o = row.object(b.Name, latest)
		if row.marker {
			return &DeleteMarkerError{*o}
		}
		if list, err = t.segments(b.Number, row); err != nil {
			return err
		}
		if row.Multipart {
			o.Parts = partInfos(list)
		}
		if row.Segments > 0 || !content {
			return nil
		}
		at := versionRow(b.Number, row.key, row.seq)
		stored, ok, err := t.get(inlineTable, at)
		if err == nil && !ok {
			err = t.damage(inlineTable, at, errors.New("the content is gone"))
		}
		inline = append([]byte{}, stored...)
		return err
	})
	if err != nil {
		var damage *DamageError
		if errors.As(err, &damage) && o != nil {
			damage.Ref = o.Ref
		}
		return nil, nil, nil, err
	}
	return list, inline, o, nil
}

// require finds a version that must be there; it may be a delete marker.
func (t *txn) require(ref Ref) (*bucketRow, *objectRow, error) {
	b, err := t.bucket(ref.Bucket)
	if err != nil {
		return nil, nil, err
	}
	row, err := t.find(b.Number, ref)
	switch {
	case err != nil:
		return nil, nil, err
	case row == nil && t.verdict.buckets[b.Number]:
		return nil, nil, t.missing(b.Name)
	case row == nil && ref.VersionID == "":
		return nil, nil, ErrNoSuchKey
	case row == nil:
		return nil, nil, ErrNoSuchVersion
	}
	return b, row, nil
}

// missing is the answer, in a bucket that has lost rows, to who asks for what
// is not there.
func (t *txn) missing(bucket string) error {
	return &DamageError{File: t.path, What: fmt.Sprintf("rows of bucket %s are missing, and what was asked for may be among them", bucket)}
}
