package objectstore

import (
	"context"
	"fmt"
	"time"
)

// SetTags replaces the tags of a version.
func (s *Store) SetTags(ctx context.Context, ref Ref, tags []Tag) (*Object, error) {
	if err := checkTags(tags); err != nil {
		return nil, fmt.Errorf("set tags of %s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return s.update(ctx, ref, "tags", func(row *objectRow) error {
		row.Tags = tags
		return nil
	})
}

// SetACL replaces the ACL of a version.
func (s *Store) SetACL(ctx context.Context, ref Ref, acl []byte) (*Object, error) {
	return s.update(ctx, ref, "ACL", func(row *objectRow) error {
		row.ACL = acl
		return nil
	})
}

// SetLegalHold sets or lifts the legal hold of a version.
func (s *Store) SetLegalHold(ctx context.Context, ref Ref, on bool) (*Object, error) {
	return s.update(ctx, ref, "legal hold", func(row *objectRow) error {
		row.LegalHold = on
		return nil
	})
}

// SetRetention changes the retention of a version. What protects less than
// before is a *LockedError: under Compliance for everyone, under Governance
// unless the caller bypasses it. A retention that has run out binds nobody.
func (s *Store) SetRetention(ctx context.Context, ref Ref, r Retention, bypassGovernance bool) (*Object, error) {
	r.Until = r.Until.UTC()
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("set retention of %s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return s.update(ctx, ref, "retention", func(row *objectRow) error {
		if !row.Retention.allows(r, s.now(), bypassGovernance) {
			return &LockedError{Ref: Ref{ref.Bucket, row.key, row.versionID()}, Retention: row.Retention}
		}
		row.Retention = r
		return nil
	})
}

// allows says whether a retention may be replaced by another one.
func (r Retention) allows(next Retention, now time.Time, bypassGovernance bool) bool {
	if !now.Before(r.Until) || r.Mode == "" {
		return true
	}
	if r.Mode == Governance && bypassGovernance {
		return true
	}
	if next.Until.Before(r.Until) {
		return false
	}
	return next.Mode == Compliance || next.Mode == Governance && r.Mode == Governance
}

// update changes the attributes of a version that has content.
func (s *Store) update(ctx context.Context, ref Ref, what string, fn func(*objectRow) error) (*Object, error) {
	var o *Object
	err := ctx.Err()
	if err == nil {
		err = s.commit(func(t *txn) error {
			b, row, err := t.require(ref)
			if err != nil {
				return err
			}
			latest, err := t.isLatest(b.Number, row)
			if err != nil {
				return err
			}
			if row.marker {
				return &DeleteMarkerError{*row.object(b.Name, latest)}
			}
			if err := fn(row); err != nil {
				return err
			}
			payload, err := row.encode()
			if err != nil {
				return err
			}
			o = row.object(b.Name, latest)
			return t.put(objectTable, versionRow(b.Number, row.key, row.seq), payload)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("set %s of %s/%s: %w", what, ref.Bucket, ref.Key, err)
	}
	return o, nil
}
