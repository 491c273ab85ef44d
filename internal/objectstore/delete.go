package objectstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
)

// deleteGroup is how many deletions of a list go into one transaction.
const deleteGroup = 1000

// Delete is a version to remove; without a VersionID, the key's current object
// as the bucket's versioning has it: removed, or hidden behind a delete marker.
type Delete struct {
	Ref
	BypassGovernance bool   // the caller may, and wants to
	IfMatch          string // only if the object has this ETag
}

// Deleted says what a deletion did. With Found false there was nothing to
// remove, which is no error.
type Deleted struct {
	VersionID    string // of the version removed, or of the marker made; empty where the bucket never had versions
	DeleteMarker bool   // a marker was made or removed
	Found        bool   // a version was removed
	Err          error  // of this entry of DeleteMany
}

// Delete removes one version or makes a delete marker. The errors are
// ErrNoSuchBucket, *LockedError, and for IfMatch ErrPrecondition and
// ErrNoSuchKey.
func (s *Store) Delete(ctx context.Context, d Delete) (Deleted, error) {
	list, err := s.DeleteMany(ctx, []Delete{d})
	if err == nil {
		err = list[0].Err
	}
	if err != nil {
		return Deleted{}, fmt.Errorf("delete %s/%s: %w", d.Bucket, d.Key, err)
	}
	return list[0], nil
}

// DeleteMany does many deletions, one after the other, in few transactions. It
// returns one result for each. Its own error says that from some entry on
// nothing is known to have been done.
func (s *Store) DeleteMany(ctx context.Context, list []Delete) ([]Deleted, error) {
	results := make([]Deleted, 0, len(list))
	for group := range slices.Chunk(list, deleteGroup) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		done := make([]Deleted, len(group))
		err := s.commit(func(t *txn) error {
			for i, d := range group {
				dirty := t.dirty
				t.dirty = false
				var err error
				done[i], err = s.delete(t, d)
				if err != nil && (t.dirty || !isAnswer(err)) {
					t.dirty = t.dirty || dirty
					return err
				}
				done[i].Err = err
				t.dirty = t.dirty || dirty
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		results = append(results, done...)
	}
	return results, nil
}

// isAnswer says whether an error concerns one entry alone.
func isAnswer(err error) bool {
	var locked *LockedError
	var damage *DamageError
	return errors.As(err, &locked) || errors.As(err, &damage) ||
		errors.Is(err, ErrNoSuchBucket) || errors.Is(err, ErrNoSuchKey) || errors.Is(err, ErrPrecondition) || errors.Is(err, ErrNotText)
}

func (s *Store) delete(t *txn, d Delete) (Deleted, error) {
	if err := checkKey(d.Key); err != nil {
		return Deleted{}, err
	}
	b, err := t.bucket(d.Bucket)
	if err != nil {
		return Deleted{}, err
	}
	row, err := t.find(b.Number, d.Ref)
	if err != nil {
		return Deleted{}, err
	}
	if d.IfMatch != "" {
		if row == nil || row.marker {
			return Deleted{}, ErrNoSuchKey
		}
		if row.ETag != d.IfMatch {
			return Deleted{}, ErrPrecondition
		}
	}
	if d.VersionID == "" && b.Versioning != Unversioned {
		return s.mark(t, b, d)
	}
	if row == nil {
		return Deleted{VersionID: d.VersionID}, nil
	}
	if err := s.mayRemove(b.Name, row, d.BypassGovernance); err != nil {
		return Deleted{}, err
	}
	result := Deleted{VersionID: row.versionID(), DeleteMarker: row.marker, Found: true}
	if b.Versioning == Unversioned && d.VersionID == "" {
		result.VersionID = ""
	}
	return result, t.remove(b.Number, row)
}

// mark makes a delete marker the current version.
func (s *Store) mark(t *txn, b *bucketRow, d Delete) (Deleted, error) {
	if _, err := s.replaced(t, b, d.Key, d.BypassGovernance); err != nil {
		return Deleted{}, err
	}
	marker := &objectRow{marker: true}
	rand.Read(marker.ID[:]) // never fails
	o, err := s.write(t, writing{bucket: b.Name, key: d.Key, bypassGovernance: d.BypassGovernance}, marker, nil, nil)
	if err != nil {
		return Deleted{}, err
	}
	return Deleted{VersionID: o.VersionID, DeleteMarker: true}, nil
}
