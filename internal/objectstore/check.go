package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"cairn/internal/durable"
)

// checkBatch is how many objects are read from the index at once.
const checkBatch = 256

// Stats says how much there is. Versions with content count as objects,
// whether they are current or not.
type Stats struct {
	Buckets, Objects, DeleteMarkers, Uploads int64
	Bytes                                    int64 // of plaintext, without parts of uploads under way
}

// Stats adds up all buckets.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	err := s.index.view(func(t *txn) error {
		return t.scan(bucketTable, nil, nil, func(key, _ []byte) (bool, error) {
			b, err := t.bucket(string(key))
			if err == nil {
				err = t.addStats(&st, b)
			}
			return true, err
		})
	})
	if err != nil {
		return Stats{}, fmt.Errorf("add up buckets: %w", err)
	}
	return st, ctx.Err()
}

// BucketStats is what one bucket holds.
func (s *Store) BucketStats(ctx context.Context, name string) (Stats, error) {
	var st Stats
	err := s.index.view(func(t *txn) error {
		b, err := t.bucket(name)
		if err != nil {
			return err
		}
		return t.addStats(&st, b)
	})
	if err != nil {
		return Stats{}, fmt.Errorf("add up bucket %s: %w", name, err)
	}
	return st, ctx.Err()
}

func (t *txn) addStats(st *Stats, b *bucketRow) error {
	var u usage
	_, err := t.getJSON(usageTable, keyPrefix(b.Number, ""), &u)
	st.Buckets++
	st.Objects += u.Objects
	st.DeleteMarkers += u.Markers
	st.Uploads += u.Uploads
	st.Bytes += u.Bytes
	return err
}

// Check reads every row of the index and every content file, and reports each
// damage to fn. Sealed content is checked against its checksums, which needs
// no keys. Changes may go on meanwhile; what they touch may or may not be
// checked.
func (s *Store) Check(ctx context.Context, fn func(*DamageError)) error {
	if err := s.checkIndex(fn); err != nil {
		return fmt.Errorf("check the index of objects: %w", err)
	}
	for _, table := range []string{objectTable, partTable} {
		if err := s.checkContents(ctx, table, fn); err != nil {
			return fmt.Errorf("check the content of objects: %w", err)
		}
	}
	return nil
}

// CheckDirectory checks a store that nobody has open, as Check does, and says
// what it holds. It changes nothing, and works on a damaged store. Without a
// directory there is nothing to check.
func CheckDirectory(ctx context.Context, cfg Config, fn func(*DamageError)) (Stats, error) {
	s := newStore(cfg)
	folders, err := s.folders()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Stats{}, fmt.Errorf("check the content of objects: %w", err)
	}
	s.index = &index{path: filepath.Join(cfg.Dir, indexFile)}
	if _, err := durable.OS.Stat(s.index.path); errors.Is(err, fs.ErrNotExist) {
		if len(folders) > 0 {
			fn(goneIndex(s.index.path))
		}
		return Stats{}, nil
	}
	err = s.index.openReadOnly()
	if s.index.db != nil {
		defer s.index.db.Close()
	}
	var damage *DamageError
	if errors.As(err, &damage) {
		fn(damage)
		return Stats{}, nil
	}
	if err == nil {
		err = s.Check(ctx, fn)
	}
	if err != nil {
		return Stats{}, fmt.Errorf("check %s: %w", s.dir, err)
	}
	st, err := s.Stats(ctx)
	if errors.As(err, &damage) {
		return st, nil // reported above
	}
	return st, err
}

func (s *Store) checkIndex(fn func(*DamageError)) error {
	tally := newTally()
	err := s.index.view(func(t *txn) error {
		for _, table := range tables {
			c := t.tx.Bucket([]byte(table)).Cursor()
			for key, row := c.First(); key != nil; key, row = c.Next() {
				tally.row(table, key, row)
			}
		}
		return nil
	})
	var damage *DamageError
	if errors.As(err, &damage) {
		fn(damage)
		return nil
	}
	if err != nil {
		return err
	}
	v := tally.verdict()
	for _, what := range v.rows {
		fn(&DamageError{File: s.index.path, What: what})
	}
	if v.tables {
		fn(&DamageError{File: s.index.path, What: "rows of buckets or files are missing or too many"})
	}
	for bucket := range v.buckets {
		fn(&DamageError{File: s.index.path, What: fmt.Sprintf("rows of objects or uploads of bucket number %d are missing or too many", bucket)})
	}
	return nil
}

// A place is content to check: one version's or one part's.
type place struct {
	at       []byte // the key of its row
	bucket   uint64
	row      *objectRow // nil for a part
	part     segment
	id       objectID
	segments []segment
	err      error
}

func (s *Store) checkContents(ctx context.Context, table string, fn func(*DamageError)) error {
	names, err := s.bucketNames()
	if err != nil {
		return nil // reported with the index
	}
	var from []byte
	for {
		batch, next, err := s.places(table, from)
		if err != nil {
			return nil // reported with the index
		}
		for _, p := range batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.checkPlace(ctx, names, p, fn)
		}
		if next == nil {
			return nil
		}
		from = next
	}
}

func (s *Store) bucketNames() (map[uint64]string, error) {
	names := map[uint64]string{}
	return names, s.index.view(func(t *txn) error {
		return t.scan(bucketTable, nil, nil, func(key, _ []byte) (bool, error) {
			b, err := t.bucket(string(key))
			if err == nil {
				names[b.Number] = b.Name
			}
			return true, err
		})
	})
}

// places reads where a batch of content lies. Damaged rows are left out: the
// check of the index reports them.
func (s *Store) places(table string, from []byte) (batch []place, next []byte, err error) {
	err = s.index.view(func(t *txn) error {
		c := t.tx.Bucket([]byte(table)).Cursor()
		for key, row := c.Seek(from); key != nil; key, row = c.Next() {
			if len(batch) == checkBatch {
				next = append([]byte(nil), key...)
				return nil
			}
			payload, err := decodeRow(table, key, row)
			if err != nil {
				continue
			}
			if p, ok := t.placeOf(table, key, payload); ok {
				batch = append(batch, p)
			}
		}
		return nil
	})
	return batch, next, err
}

func (t *txn) placeOf(table string, key, payload []byte) (place, bool) {
	p := place{at: append([]byte(nil), key...)}
	if table == partTable {
		g, err := decodeSegment(payload)
		if err != nil || len(key) != 26 {
			return p, false
		}
		p.part, p.id = g, objectID(key[8:24])
		return p, true
	}
	row, err := t.objectAt(key, payload)
	if err != nil || row.marker {
		return p, false
	}
	bucket, _, _, _ := splitRow(key, 8)
	p.bucket, p.row, p.id = bucket, row, row.ID
	p.segments, p.err = t.segments(bucket, row)
	return p, true
}

func (s *Store) checkPlace(ctx context.Context, names map[uint64]string, p place, fn func(*DamageError)) {
	report := func(err error) {
		var damage *DamageError
		if errors.As(err, &damage) {
			fn(damage)
		} else if err != nil && ctx.Err() == nil {
			fn(&DamageError{File: s.dir, What: err.Error()})
		}
	}
	s.pin(p.id)
	defer s.unpin(p.id)
	if p.row == nil {
		if still, err := s.stands(partTable, p.at); err == nil && still {
			c := &Content{store: s, object: &Object{id: p.id}}
			coding, _ := newFrames("", "", p.id, p.part.File, p.part.Number, p.part.Sealed, nil)
			report(c.checkParts([]*contentPart{{segment: p.part, coding: coding, cached: -1}}))
		}
		return
	}
	if p.err != nil {
		report(p.err)
		return
	}
	name, ok := names[p.bucket]
	if !ok {
		return // its bucket's row is damaged, or was made just now
	}
	ref := Ref{name, p.row.key, p.row.versionID()}
	_, inline, o, err := s.lookup(ctx, ref, true)
	if errors.Is(err, ErrNoSuchKey) || errors.Is(err, ErrNoSuchVersion) || errors.Is(err, ErrNoSuchBucket) || err == nil && o.id != p.id {
		return // removed just now
	}
	if err != nil {
		report(err)
		return
	}
	list := p.segments
	if inline != nil {
		list = []segment{{Size: o.Size}}
	}
	c, err := s.newContent(o, list, inline)
	if err != nil {
		report(err)
		return
	}
	report(c.checkParts(c.parts))
}

func (s *Store) stands(table string, at []byte) (ok bool, err error) {
	err = s.index.view(func(t *txn) error {
		_, ok, err = t.get(table, at)
		return err
	})
	return ok, err
}

// checkParts checks every frame as far as it can be without a key.
func (c *Content) checkParts(parts []*contentPart) error {
	for _, p := range parts {
		err := p.checkFrames(c)
		if closeErr := p.closeFile(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *contentPart) checkFrames(c *Content) error {
	for n := range frameCount(p.Size) {
		stored, err := p.stored(c, n)
		if err != nil {
			return err
		}
		if _, err := p.coding.check(stored, n, n == frameCount(p.Size)-1); err != nil {
			return p.damage(c, err)
		}
	}
	return nil
}
