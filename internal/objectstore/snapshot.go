package objectstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"go.etcd.io/bbolt"
)

// snapshotBatch is how many files of a snapshot are read from its index at once.
const snapshotBatch = 512

// A Snapshot is the state of a store at one moment. Content that it names stays
// on disk until it is closed, also when it is deleted meanwhile.
type Snapshot struct {
	store *Store
	index *index // of the copy
}

// Snapshot copies the index to a new file, which Close removes. Changes go on
// meanwhile and afterwards; only the removal of deleted content waits for Close.
func (s *Store) Snapshot(copyPath string) (*Snapshot, error) {
	// Held first: what is deleted after the view below keeps its files.
	s.hold()
	n := &Snapshot{store: s, index: &index{path: copyPath}}
	if err := n.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("take a snapshot of the index of objects: %w", err), n.Close())
	}
	return n, nil
}

func (n *Snapshot) open() error {
	f, err := os.OpenFile(n.index.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = n.store.index.view(func(t *txn) error {
		_, err := t.tx.WriteTo(f)
		return err
	})
	if err := errors.Join(err, f.Close()); err != nil {
		return withDiskFull(err)
	}
	err = n.index.openReadOnly()
	if err == nil && n.index.verdict.tables {
		err = &DamageError{What: "rows of buckets or files are missing or too many"}
	}
	var damage *DamageError
	if errors.As(err, &damage) {
		damage.File = n.store.index.path // the copy is gone when somebody reads this
	}
	return err
}

// openReadOnly opens an index that nobody changes, and leaves it as it is.
func (x *index) openReadOnly() (err error) {
	if x.verdict, err = vetIndex(x.path); err != nil {
		return err
	}
	err = guard(x.path, func() (err error) {
		x.db, err = bbolt.Open(x.path, 0o600, &bbolt.Options{Timeout: time.Second, PageSize: 4096, NoStatistics: true, ReadOnly: true})
		return err
	})
	if err != nil {
		return err
	}
	return x.checkFormat()
}

// Files calls fn for each file of the snapshot by its path in the directory of
// a store: the index first, then the content in the order of its paths. The
// reader is valid within the call.
func (n *Snapshot) Files(ctx context.Context, fn func(name string, size int64, r io.Reader) error) error {
	f, err := os.Open(n.index.path)
	if err != nil {
		return fmt.Errorf("read the snapshot of the index of objects: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read the snapshot of the index of objects: %w", err)
	}
	if err := fn(indexFile, info.Size(), f); err != nil {
		return err
	}
	var from []byte
	for {
		batch, next, err := n.batch(from)
		if err != nil {
			return fmt.Errorf("read the snapshot of the index of objects: %w", err)
		}
		for _, c := range batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := n.file(c, fn); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		from = next
	}
}

// A contentFile names a file of content.
type contentFile struct {
	gen  uint32
	file objectID
}

// batch reads which files the snapshot has, from a place on.
func (n *Snapshot) batch(from []byte) (batch []contentFile, next []byte, err error) {
	err = n.index.view(func(t *txn) error {
		return t.scan(fileTable, nil, from, func(key, _ []byte) (bool, error) {
			if len(batch) == snapshotBatch {
				next = append([]byte(nil), key...)
				return false, nil
			}
			if len(key) != fileKeyLength {
				return false, t.damage(fileTable, key, errRowSum)
			}
			batch = append(batch, contentFile{binary.BigEndian.Uint32(key), objectID(key[4:])})
			return true, nil
		})
	})
	var damage *DamageError
	if errors.As(err, &damage) {
		damage.File = n.store.index.path
	}
	return batch, next, err
}

func (n *Snapshot) file(c contentFile, fn func(name string, size int64, r io.Reader) error) error {
	s := n.store
	full := s.contentPath(c.gen, c.file)
	f, err := s.fs.OpenFile(full, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamageError{File: full, What: "the file is gone"}
	}
	if err != nil {
		return fmt.Errorf("read content of an object: %w", err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("read content of an object: %w", err)
	}
	name := path.Join(contentDir, fmt.Sprintf("%08x", c.gen), fmt.Sprintf("%x", c.file[:]))
	return fn(name, size, io.NewSectionReader(f, 0, size))
}

// Close lets go of the content and removes the copy of the index.
func (n *Snapshot) Close() error {
	var err error
	if n.index.db != nil {
		err = n.index.db.Close()
	}
	if rmErr := os.Remove(n.index.path); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
		err = errors.Join(err, rmErr)
	}
	n.store.unhold()
	return err
}

// hold keeps the collector from removing anything, until unhold.
func (s *Store) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds++
}

func (s *Store) unhold() {
	s.mu.Lock()
	s.holds--
	s.mu.Unlock()
	s.wakeCollector()
}

func (s *Store) held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holds > 0
}
