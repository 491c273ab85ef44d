package objectstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"
	"unicode/utf8"
)

// AnyRevision makes a change of a setting, whatever its revision is.
const AnyRevision = math.MaxUint64

// Versioning is what a bucket does with the version that a put replaces.
type Versioning string

// A bucket starts unversioned, or enabled; once it was enabled it can only be
// suspended.
const (
	Unversioned Versioning = ""
	Enabled     Versioning = "Enabled"
	Suspended   Versioning = "Suspended"
)

// Bucket describes a bucket. Names are global: one name is one bucket, whoever
// owns it. Whether a caller may see it is the caller's to decide, by Owner.
type Bucket struct {
	Name, Owner, Region string
	Created             time.Time // UTC, whole milliseconds
	Versioning          Versioning
	ObjectLock          bool // versions can be locked, and versioning cannot be suspended
	Settings            map[string]Setting
}

// Setting is what the caller keeps with a bucket under a name of its own, such
// as a policy. Revision grows with each change, and starts at 1.
type Setting struct {
	Value    []byte
	Revision uint64
}

// bucketRow is a bucket as the index keeps it.
type bucketRow struct {
	Number     uint64                `json:"number"` // begins the keys of all its rows; never given out twice
	Owner      string                `json:"owner"`
	Region     string                `json:"region"`
	Created    int64                 `json:"created"` // milliseconds since 1970
	Versioning Versioning            `json:"versioning,omitempty"`
	ObjectLock bool                  `json:"objectLock,omitempty"`
	Revision   uint64                `json:"revision,omitempty"` // the last that was given to a setting
	Settings   map[string]settingRow `json:"settings,omitempty"`

	Name string `json:"-"`
}

type settingRow struct {
	Value    []byte `json:"value"`
	Revision uint64 `json:"revision"`
}

func (b *bucketRow) bucket() *Bucket {
	public := &Bucket{b.Name, b.Owner, b.Region, time.UnixMilli(b.Created).UTC(), b.Versioning, b.ObjectLock, make(map[string]Setting, len(b.Settings))}
	for name, setting := range b.Settings {
		public.Settings[name] = Setting(setting)
	}
	return public
}

// NewBucket is a bucket to make. ObjectLock makes it Enabled.
type NewBucket struct {
	Name, Owner, Region string
	Versioning          Versioning
	ObjectLock          bool
	Settings            map[string][]byte
}

// CreateBucket makes a bucket, or returns *BucketExistsError.
func (s *Store) CreateBucket(ctx context.Context, n NewBucket) (*Bucket, error) {
	row := &bucketRow{Name: n.Name, Owner: n.Owner, Region: n.Region, Versioning: n.Versioning, ObjectLock: n.ObjectLock}
	if n.ObjectLock {
		row.Versioning = Enabled
	}
	for name, value := range n.Settings {
		if row.Settings == nil {
			row.Settings = map[string]settingRow{}
		}
		row.Revision++
		row.Settings[name] = settingRow{value, row.Revision}
	}
	err := ctx.Err()
	switch {
	case err != nil:
	case n.Name == "" || len(n.Name) > 255 || !utf8.ValidString(n.Name):
		err = ErrNotText
	default:
		err = s.commit(func(t *txn) error {
			old, err := t.bucket(n.Name)
			if err == nil {
				return &BucketExistsError{n.Name, old.Owner}
			}
			if !errors.Is(err, ErrNoSuchBucket) {
				return err
			}
			if row.Number, err = t.next(bucketTable); err != nil {
				return err
			}
			row.Created = s.now().UnixMilli()
			if err := t.addCounts(counts{Buckets: 1}); err != nil {
				return err
			}
			return t.putJSON(bucketTable, []byte(n.Name), row)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("create bucket %s: %w", n.Name, err)
	}
	return row.bucket(), nil
}

// Bucket describes a bucket, or returns ErrNoSuchBucket.
func (s *Store) Bucket(ctx context.Context, name string) (*Bucket, error) {
	var b *bucketRow
	err := ctx.Err()
	if err == nil {
		err = s.index.view(func(t *txn) (err error) {
			b, err = t.bucket(name)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("look up bucket %s: %w", name, err)
	}
	return b.bucket(), nil
}

// Buckets lists an account's buckets by name; with an empty owner, everyone's.
func (s *Store) Buckets(ctx context.Context, owner string) ([]Bucket, error) {
	var list []Bucket
	err := ctx.Err()
	if err == nil {
		err = s.index.view(func(t *txn) error {
			if t.verdict.tables {
				return &DamageError{File: t.path, What: "rows of buckets are missing, so that no list of them is whole"}
			}
			return t.scan(bucketTable, nil, nil, func(key, _ []byte) (bool, error) {
				b, err := t.bucket(string(key))
				if err == nil && (owner == "" || b.Owner == owner) {
					list = append(list, *b.bucket())
				}
				return true, err
			})
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list buckets: %w", err)
	}
	return list, nil
}

// DeleteBucket removes a bucket that holds no object, version or delete
// marker; otherwise it returns ErrBucketNotEmpty. Uploads under way are
// aborted.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	err := s.changeBucket(ctx, name, func(t *txn, b *bucketRow) error {
		if t.verdict.buckets[b.Number] {
			return t.missing(name)
		}
		prefix := keyPrefix(b.Number, "")
		empty := true
		err := t.scan(objectTable, prefix, prefix, func(_, _ []byte) (bool, error) {
			empty = false
			return false, nil
		})
		if err != nil {
			return err
		}
		if !empty {
			return ErrBucketNotEmpty
		}
		var uploads [][]byte
		err = t.scan(uploadTable, prefix, prefix, func(key, _ []byte) (bool, error) {
			uploads = append(uploads, append([]byte(nil), key...))
			return true, nil
		})
		if err != nil {
			return err
		}
		for _, at := range uploads {
			if err := t.removeUpload(b.Number, at); err != nil {
				return err
			}
		}
		if err := t.delete(usageTable, prefix); err != nil {
			return err
		}
		if err := t.addCounts(counts{Buckets: -1}); err != nil {
			return err
		}
		return t.delete(bucketTable, []byte(name))
	})
	if err != nil {
		return fmt.Errorf("delete bucket %s: %w", name, err)
	}
	return nil
}

// SetSetting changes a setting if it has the given revision, 0 meaning that it
// must not exist, and returns its new one. Otherwise it returns ErrConflict.
func (s *Store) SetSetting(ctx context.Context, bucket, name string, revision uint64, value []byte) (uint64, error) {
	var set uint64
	err := s.changeBucket(ctx, bucket, func(t *txn, b *bucketRow) error {
		if !b.has(name, revision) {
			return ErrConflict
		}
		b.Settings = maps.Clone(b.Settings)
		if b.Settings == nil {
			b.Settings = map[string]settingRow{}
		}
		b.Revision++
		set = b.Revision
		b.Settings[name] = settingRow{value, set}
		return t.putJSON(bucketTable, []byte(bucket), b)
	})
	if err != nil {
		return 0, fmt.Errorf("set %s of bucket %s: %w", name, bucket, err)
	}
	return set, nil
}

// DeleteSetting removes a setting if it has the given revision. Removing what
// is not there is no error.
func (s *Store) DeleteSetting(ctx context.Context, bucket, name string, revision uint64) error {
	err := s.changeBucket(ctx, bucket, func(t *txn, b *bucketRow) error {
		if _, ok := b.Settings[name]; !ok {
			return nil
		}
		if !b.has(name, revision) {
			return ErrConflict
		}
		delete(b.Settings, name)
		return t.putJSON(bucketTable, []byte(bucket), b)
	})
	if err != nil {
		return fmt.Errorf("delete %s of bucket %s: %w", name, bucket, err)
	}
	return nil
}

func (b *bucketRow) has(setting string, revision uint64) bool {
	return revision == AnyRevision || b.Settings[setting].Revision == revision
}

// Setting reads one setting; ErrNoSuchSetting says that there is none.
func (s *Store) Setting(ctx context.Context, bucket, name string) (Setting, error) {
	b, err := s.Bucket(ctx, bucket)
	if err != nil {
		return Setting{}, err
	}
	setting, ok := b.Settings[name]
	if !ok {
		return Setting{}, fmt.Errorf("%s of bucket %s: %w", name, bucket, ErrNoSuchSetting)
	}
	return setting, nil
}

// SetVersioning enables or suspends versioning. It returns ErrLockState for a
// bucket with object lock that is to be suspended, and for a bucket that is to
// be as if it never had versions.
func (s *Store) SetVersioning(ctx context.Context, bucket string, v Versioning) error {
	err := s.changeBucket(ctx, bucket, func(t *txn, b *bucketRow) error {
		if v != Enabled && v != Suspended || b.ObjectLock && v != Enabled {
			return ErrLockState
		}
		b.Versioning = v
		return t.putJSON(bucketTable, []byte(bucket), b)
	})
	if err != nil {
		return fmt.Errorf("set versioning of bucket %s: %w", bucket, err)
	}
	return nil
}

// EnableObjectLock lets the versions of a bucket be locked, for ever. It
// returns ErrLockState unless versioning is enabled.
func (s *Store) EnableObjectLock(ctx context.Context, bucket string) error {
	err := s.changeBucket(ctx, bucket, func(t *txn, b *bucketRow) error {
		if b.Versioning != Enabled {
			return ErrLockState
		}
		b.ObjectLock = true
		return t.putJSON(bucketTable, []byte(bucket), b)
	})
	if err != nil {
		return fmt.Errorf("enable object lock of bucket %s: %w", bucket, err)
	}
	return nil
}

func (s *Store) changeBucket(ctx context.Context, name string, fn func(*txn, *bucketRow) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.commit(func(t *txn) error {
		b, err := t.bucket(name)
		if err != nil {
			return err
		}
		return fn(t, b)
	})
}
