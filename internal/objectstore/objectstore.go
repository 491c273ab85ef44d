// Package objectstore keeps buckets and their objects on disk: versions,
// delete markers, multipart uploads, retention and legal holds. It is the
// engine of service/s3, and knows neither HTTP nor accounts' rights.
//
// The nouns: a bucket holds keys; a key has versions, newest first, of which
// one may be the null version; a version is an object or a delete marker; the
// content of an object lies in segments, which are files, or inline in the
// index when it is small; a frame is 64 KiB of content with its check.
//
// The one invariant: whoever hears that an object was stored can cut the
// power, and it is there, whole; and no byte is given out that is not the byte
// that was put.
//
// # Files
//
// index.db is a bbolt file with all rows. content/<folder>/<name> are content
// files, named at random: no path is ever made of a bucket's name or a key.
// lock is held while the store is open. The bytes are drawn in
// docs/format/objects.md.
//
// # Steps of a put
//
//  1. The body is written to a new file of content, and the file is synced.
//  2. The folder is synced, once for all puts of a group.
//  3. The row is committed to the index, in one transaction for the group.
//
// A crash before 3 leaves a file that no row names, whole or not; the next
// Open removes it. It looks only into folders from which a put may not have
// come to its end, which the index remembers. A file is removed after the
// transaction that takes its row away and notes it as garbage, so a crash in
// between leaves the note.
package objectstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"cairn/internal/durable"

	"go.etcd.io/bbolt"
)

const (
	contentDir = "content"
	lockFile   = "lock"

	// folderFiles is how many files are put into a folder before the next one
	// is begun. Puts share the sync of a folder, so there is one at a time.
	folderFiles = 1024
)

// Config says how to open a store. Its zero values are the documented
// defaults, except for Dir.
type Config struct {
	Dir    string           // made if it is missing
	FS     durable.FS       // holds the content files; default durable.OS. The index is always on the operating system's
	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default discards

	noSync                    bool // of the index, in tests that simulate its crashes
	beforeCommit, afterCommit func() error
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	dir    string
	fs     durable.FS
	now    func() time.Time
	logger *slog.Logger
	lock   io.Closer
	index  *index

	changes chan *change
	closing chan struct{}
	wake    chan struct{} // to the collector; holds one
	wg      sync.WaitGroup

	swept                     uint32 // used by the committer alone, once the store is open
	beforeCommit, afterCommit func() error

	mu      sync.Mutex
	stopped error
	closed  bool
	gen     uint32           // the folder that content goes to
	inGen   int              // how many files went to it
	working map[uint32]int   // puts between creating a file and the commit, by folder
	pins    map[objectID]int // readers, by object
	holds   int              // snapshots, for which all content stays
}

// Open opens the store in a directory, or makes one. It returns ErrLocked,
// *NewerFormatError or *DamageError, wrapped, where they apply.
func Open(cfg Config) (*Store, error) {
	s := newStore(cfg)
	if err := s.open(cfg); err != nil {
		s.release()
		return nil, fmt.Errorf("open object store: %w", err)
	}
	s.wg.Go(s.commitLoop)
	s.wg.Go(s.collectLoop)
	s.wakeCollector() // for what was left at the last stop
	return s, nil
}

func newStore(cfg Config) *Store {
	s := &Store{
		dir: filepath.ToSlash(cfg.Dir), fs: cfg.FS, now: cfg.Now, logger: cfg.Logger,
		changes: make(chan *change), closing: make(chan struct{}), wake: make(chan struct{}, 1),
		working: map[uint32]int{}, pins: map[objectID]int{},
		beforeCommit: cfg.beforeCommit, afterCommit: cfg.afterCommit,
	}
	if s.fs == nil {
		s.fs = durable.OS
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	return s
}

// goneIndex says that there is content without an index.
func goneIndex(path string) *DamageError {
	return &DamageError{File: path, What: "the file is gone, though there is content"}
}

func (s *Store) open(cfg Config) error {
	if cfg.Dir == "" {
		return errors.New("no directory given")
	}
	if err := durable.OS.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}
	lock, err := durable.OS.Lock(path.Join(s.dir, lockFile))
	if errors.Is(err, durable.ErrLocked) {
		err = ErrLocked
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.dir, err)
	}
	s.lock = lock
	if err := s.fs.MkdirAll(path.Join(s.dir, contentDir), 0o700); err != nil {
		return err
	}
	folders, err := s.folders()
	if err != nil {
		return err
	}
	indexPath := filepath.Join(cfg.Dir, indexFile)
	if _, err := durable.OS.Stat(indexPath); errors.Is(err, fs.ErrNotExist) && len(folders) > 0 {
		return goneIndex(indexPath)
	}
	if s.index, err = openIndex(indexPath, cfg.noSync); err != nil {
		return err
	}
	return s.recover(folders)
}

// recover removes what a crash left behind, and begins a new folder.
func (s *Store) recover(folders []uint32) error {
	err := s.index.view(func(t *txn) error {
		row, ok, err := t.get(metaTable, []byte(sweptRow))
		if ok && len(row) == 4 {
			s.swept = binary.BigEndian.Uint32(row)
		}
		return err
	})
	if err != nil {
		return err
	}
	if heal := s.index.verdict.heal; heal != nil {
		s.logger.Warn("damaged counts of the index of objects were made anew", "file", s.index.path, "rows", s.index.verdict.rows)
		err := guard(s.index.path, func() error {
			return s.index.db.Update(func(tx *bbolt.Tx) error {
				return heal.do(&txn{tx: tx, path: s.index.path, verdict: s.index.verdict})
			})
		})
		if err != nil {
			return fmt.Errorf("mend the counts of the index: %w", err)
		}
		s.index.verdict = &verdict{}
	}
	// With rows missing, a file that no row names may be one that had a row.
	damaged := !s.index.verdict.clean()
	if damaged {
		s.logger.Error("the index of objects is damaged: what a crash left behind is not removed", "file", s.index.path, "rows", len(s.index.verdict.rows))
	}
	s.gen = s.swept
	for _, gen := range folders {
		s.gen = max(s.gen, gen+1)
		if gen < s.swept || damaged {
			continue
		}
		if err := s.sweep(gen); err != nil {
			return err
		}
	}
	s.gen = max(s.gen, 1)
	if damaged {
		s.swept = math.MaxUint32 // as long as it is damaged, nothing is noted as swept
		return nil
	}
	s.swept = s.gen
	return s.commitTwice()
}

// commitTwice repeats the state of the last transaction in one more. bbolt
// falls back to the transaction before when the page that begins the last one
// is damaged, and so would forget a change without a word; after this it loses
// none. It is done when the store is opened and closed: in between, damage to
// that page cannot be told from a power cut in the middle of a commit.
func (s *Store) commitTwice() error {
	return guard(s.index.path, func() error {
		return s.index.db.Update(func(tx *bbolt.Tx) error {
			t := &txn{tx: tx, path: s.index.path, verdict: s.index.verdict}
			return t.put(metaTable, []byte(sweptRow), binary.BigEndian.AppendUint32(nil, s.swept))
		})
	})
}

// folders lists the folders of content, in order.
func (s *Store) folders() ([]uint32, error) {
	entries, err := s.fs.ReadDir(path.Join(s.dir, contentDir))
	if err != nil {
		return nil, err
	}
	var gens []uint32
	for _, e := range entries {
		gen, err := strconv.ParseUint(e.Name(), 16, 32)
		if err == nil && len(e.Name()) == 8 && e.IsDir() {
			gens = append(gens, uint32(gen))
		}
	}
	return gens, nil
}

// Close waits for the changes that are under way. Readers must be closed
// before.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.closing)
	s.wg.Wait()
	var err error
	if s.stoppedBy() == nil && s.index.verdict.clean() {
		err = s.commitTwice()
	}
	if releaseErr := s.release(); err == nil {
		err = releaseErr
	}
	if err != nil {
		return fmt.Errorf("close object store: %w", err)
	}
	return nil
}

func (s *Store) release() error {
	var err error
	if s.index != nil {
		err = s.index.db.Close()
	}
	if s.lock != nil {
		if lockErr := s.lock.Close(); err == nil {
			err = lockErr
		}
	}
	return err
}

// enterFolder chooses the folder for a content file. Until leaveFolder, the
// folder counts as one that a crash may leave orphans in.
func (s *Store) enterFolder() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inGen >= folderFiles {
		s.gen, s.inGen = s.gen+1, 0
	}
	s.inGen++
	s.working[s.gen]++
	return s.gen
}

func (s *Store) leaveFolder(gen uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working[gen]--; s.working[gen] == 0 {
		delete(s.working, gen)
	}
}

// lowestGen is the oldest folder that a put is at work in, or the current one.
func (s *Store) lowestGen() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	lowest := s.gen
	for gen := range s.working {
		lowest = min(lowest, gen)
	}
	return lowest
}
