package objectstore

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// collectBatch is how many files are removed before their notes are.
const collectBatch = 512

func (s *Store) wakeCollector() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// collectLoop removes the content files that the index notes as garbage.
func (s *Store) collectLoop() {
	for {
		select {
		case <-s.closing:
			return
		case <-s.wake:
		}
		var from []byte
		for {
			next, err := s.collect(from)
			if err != nil && !errors.Is(err, ErrClosed) {
				s.logger.Warn("removing deleted content failed; it is tried again later", "error", err)
			}
			if err != nil || next == nil {
				break
			}
			from = next
		}
	}
}

type garbage struct {
	gen  uint32
	file objectID
}

// collect removes one batch, and says where the next begins; nil at the end.
func (s *Store) collect(from []byte) (next []byte, err error) {
	var batch []garbage
	err = s.index.view(func(t *txn) error {
		seen := 0
		return t.scan(garbageTable, nil, from, func(key, owner []byte) (bool, error) {
			if seen == collectBatch {
				next = append([]byte(nil), key...)
				return false, nil
			}
			seen++
			if len(key) == fileKeyLength && len(owner) == len(objectID{}) && !s.pinned(objectID(owner)) {
				batch = append(batch, garbage{binary.BigEndian.Uint32(key), objectID(key[4:])})
			}
			return true, nil
		})
	})
	if err != nil || len(batch) == 0 {
		return next, err
	}
	// Asked after the batch was read: a snapshot that is begun later sees that
	// the batch is garbage, and does without it.
	if s.held() {
		return nil, nil // who holds wakes the collector in the end
	}
	gens := map[uint32]bool{}
	for _, g := range batch {
		err := s.fs.Remove(s.contentPath(g.gen, g.file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		gens[g.gen] = true
	}
	// The notes go after the removals are durable, or a power cut could bring
	// back files that nothing knows of.
	lowest := s.lowestGen()
	for gen := range gens {
		err := s.fs.SyncDir(s.folder(gen))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if gen < lowest {
			s.fs.Remove(s.folder(gen)) // which fails unless it is empty
		}
	}
	return next, s.commit(func(t *txn) error {
		for _, g := range batch {
			if err := t.delete(garbageTable, fileKey(g.gen, g.file)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) pinned(id objectID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pins[id] > 0
}

// sweep removes the files of a folder that no row names: those of puts that a
// crash kept from their commit.
func (s *Store) sweep(gen uint32) error {
	dir := s.folder(gen)
	entries, err := s.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	var orphans []string
	err = s.index.view(func(t *txn) error {
		for _, e := range entries {
			var file objectID
			if len(e.Name()) == 2*len(file) {
				if _, err := hex.Decode(file[:], []byte(e.Name())); err != nil {
					continue // not a name of this store's
				}
				_, known, err := t.get(fileTable, fileKey(gen, file))
				if err != nil {
					return err
				}
				_, noted, err := t.get(garbageTable, fileKey(gen, file))
				if err != nil {
					return err
				}
				if !known && !noted {
					orphans = append(orphans, e.Name())
				}
			}
		}
		return nil
	})
	if err != nil || len(orphans) == 0 {
		return err
	}
	for _, name := range orphans {
		if err := s.fs.Remove(path.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove content that belongs to nothing: %w", err)
		}
	}
	s.logger.Info("removed content that a crash left without an owner", "folder", dir, "files", len(orphans))
	return s.fs.SyncDir(dir)
}
