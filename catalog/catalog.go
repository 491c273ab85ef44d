// Package catalog keeps the small facts that Cairn lives by: trails, keys,
// positions, the state of its services. It offers typed tables whose rows
// change by compare-and-set, leases over such rows, and the keyring that seals
// every secret at rest.
//
// The nouns: a Table holds rows of one Go type under string keys; each row has
// a Revision that grows with every change of its table; a lease is a row that
// one holder owns for a time; the Keyring seals under a purpose and a row.
//
// The one invariant: a change is durable when its call has returned, and
// concerns one row. No operation spans rows, because the store of a cluster
// offers no more than that.
//
// # Keys
//
// One master key of 32 bytes comes from outside. It wraps data keys, which are
// random and stand, wrapped, in one row. What is sealed is sealed under a key
// derived from the newest data key and the purpose. So a new master key
// changes one row only, and nothing that was sealed. During the change the row
// holds the data keys under both master keys, and either one opens the
// catalog; the first open with the new one drops the old one's copy. A new
// data key leaves the older ones in place: what they sealed can be opened, and
// Reseal renews it.
//
// # Files
//
// catalog.db is a bbolt file; each row in it carries a CRC-32C. catalog.lock
// is held while the catalog is open. catalog.db.sha256 exists only while the
// catalog is cleanly closed, and holds the digest of catalog.db. master.key
// is there if the master key comes from nowhere else.
package catalog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"cairn/internal/durable"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

const (
	dbFile        = "catalog.db"
	lockFile      = "catalog.lock"
	masterKeyFile = "master.key"

	formatVersion = 1
	formatTable   = "format"

	// lockTimeout is how long to wait for a reader of the file, such as a
	// check, to finish.
	lockTimeout = 100 * time.Millisecond
)

var (
	// ErrLocked says that another process has the catalog open.
	ErrLocked = errors.New("the catalog is open in another process")
	// ErrReadOnly says that the catalog was opened with OpenReadOnly.
	ErrReadOnly = errors.New("the catalog is open for reading only")
	// ErrStopped says that an earlier change could not be made durable. The
	// catalog can be read; to change it, close it and open it again.
	ErrStopped = errors.New("the catalog takes no more changes")
)

// A NewerFormatError says that a newer Cairn wrote the catalog.
type NewerFormatError struct {
	File         string
	Found, Known int
}

func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("%s has format %d, and this Cairn reads formats up to %d: use the Cairn that wrote it, or a newer one", e.File, e.Found, e.Known)
}

// A DamageError says that stored bytes are not what was written.
type DamageError struct {
	File  string
	Table string // empty when the damage is not in one row
	Key   string
	What  string
}

func (e *DamageError) Error() string {
	if e.Table == "" {
		return fmt.Sprintf("%s is damaged: %s", e.File, e.What)
	}
	return fmt.Sprintf("%s is damaged: table %s, row %q: %s", e.File, e.Table, e.Key, e.What)
}

// Config says how to open a catalog. Its zero values are the documented
// defaults, except for Dir.
type Config struct {
	// Dir holds the catalog's files. It is made if it is missing.
	Dir string

	// MasterKeyFile names a file that holds the master key, and must exist.
	// MasterKey is the key itself, 32 bytes; ParseMasterKey reads it from
	// text. At most one of them may be set. Without either the key is in
	// master.key in Dir, and is made along with the catalog.
	MasterKeyFile string
	MasterKey     []byte

	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default discards
}

// Catalog is an open catalog. It is safe for concurrent use.
type Catalog struct {
	path     string
	db       *bbolt.DB
	lock     io.Closer // nil when read-only
	now      func() time.Time
	logger   *slog.Logger
	keyring  *Keyring // nil when read-only
	readOnly bool

	signing sync.Mutex // one maker of signing keys at a time

	changing sync.RWMutex // read-locked by changes, locked by Close

	mu      sync.Mutex
	stopped error
	closed  bool
}

// Open opens the catalog in a directory, or makes one. It returns ErrLocked,
// *NewerFormatError, *DamageError, *WrongKeyError or *KeyFileError, wrapped,
// where they apply, and has changed nothing then.
func Open(cfg Config) (*Catalog, error) {
	c := &Catalog{path: filepath.Join(cfg.Dir, dbFile), now: cfg.Now, logger: cfg.Logger}
	if c.now == nil {
		c.now = time.Now
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if err := c.open(cfg); err != nil {
		c.abandon()
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	return c, nil
}

func (c *Catalog) open(cfg Config) error {
	if cfg.Dir == "" {
		return errors.New("no directory given")
	}
	if err := durable.OS.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}
	lock, err := lockSoon(filepath.Join(cfg.Dir, lockFile))
	if err != nil {
		return err
	}
	c.lock = lock

	isNew, err := c.missing()
	if err != nil {
		return err
	}
	unchanged := false
	if !isNew {
		if unchanged, err = vet(c.path); err != nil {
			return err
		}
	}
	master, err := loadMasterKey(cfg, isNew, c.logger)
	if err != nil {
		return err
	}
	if isNew {
		if err := create(c.path, master); err != nil {
			return err
		}
	}
	if c.db, err = openBolt(c.path, false); err != nil {
		return err
	}
	if unchanged {
		if err := c.checkFormat(); err != nil {
			return err
		}
	}
	// The keyring comes before the first change, so that a wrong key leaves
	// the directory as it was.
	if c.keyring, err = openKeyring(c, master); err != nil {
		return err
	}
	// From here on the file may differ from its digest. The removal must be
	// durable first, or a power cut could bring the digest back.
	if err := removeDigest(c.path); err != nil {
		return err
	}
	return c.keyring.finishRotation()
}

// missing says whether there is no catalog yet.
func (c *Catalog) missing() (bool, error) {
	_, err := os.Stat(c.path)
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if _, err := os.Stat(digestPath(c.path)); err == nil {
		return false, &DamageError{File: c.path, What: "the file is gone, though its digest is there: restore it from a backup"}
	}
	return true, nil
}

// vet says whether bbolt may be let near the file of a catalog. One that is,
// by its digest, what was closed needs no look at its pages, and is not held in
// memory.
func vet(path string) (unchanged bool, err error) {
	sum, size, err := sumOf(path)
	if err != nil {
		return false, err
	}
	closed, damage, err := compareDigest(path, sum, size)
	switch {
	case err != nil:
		return false, err
	case damage != nil:
		return false, damage
	case closed:
		return true, nil
	}
	found, err := readContents(path)
	if err == nil {
		err = found.usable()
	}
	return false, err
}

// checkFormat says whether the open file is a catalog in a format that this
// version reads.
func (c *Catalog) checkFormat() error {
	f, _, err := TableOf[format](c, formatTable).Get(formatTable)
	if errors.Is(err, ErrNotFound) {
		return errNoFormat(c.path)
	}
	if err != nil {
		return err
	}
	return f.check(c.path)
}

// create makes a catalog under a name of its own and renames it, so that a
// crash leaves none or a whole one.
func create(path string, master *masterKey) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := openBolt(tmp, false)
	if err != nil {
		return err
	}
	c := &Catalog{path: tmp, db: db}
	_, err = TableOf[format](c, formatTable).CompareAndSet(formatTable, 0, format{Format: "cairn-catalog", Version: formatVersion})
	if err == nil {
		err = createKeyring(c, master)
	}
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = durable.OS.Rename(tmp, path)
	}
	if err == nil {
		err = durable.OS.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// format is the row that says what the file is. It stays readable in all
// later formats.
type format struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// check says whether this version reads the catalog at path.
func (f format) check(path string) error {
	if f.Format != "cairn-catalog" || f.Version < 1 {
		return &DamageError{path, formatTable, formatTable, "it does not name the format of a catalog"}
	}
	if f.Version > formatVersion {
		return &NewerFormatError{path, f.Version, formatVersion}
	}
	return nil
}

func errNoFormat(path string) error {
	return &DamageError{File: path, What: "there is no row that says that it is a catalog"}
}

// OpenReadOnly opens the catalog of a stopped server for reading. It needs no
// master key and changes nothing; the keyring and all changes answer
// ErrReadOnly.
func OpenReadOnly(dir string) (*Catalog, error) {
	c := &Catalog{path: filepath.Join(dir, dbFile), now: time.Now, logger: slog.New(slog.DiscardHandler), readOnly: true}
	err := whileIdle(c.path, func() error {
		unchanged, err := vet(c.path)
		if err == nil {
			c.db, err = openBolt(c.path, true)
		}
		if err == nil && unchanged {
			err = c.checkFormat()
		}
		return err // from here on bbolt's own lock keeps a server away
	})
	if err != nil {
		c.abandon()
		return nil, fmt.Errorf("open catalog for reading: %w", err)
	}
	return c, nil
}

// lockSoon takes a lock that a reader may hold for a moment.
func lockSoon(path string) (io.Closer, error) {
	for end := time.Now().Add(lockTimeout); ; time.Sleep(lockTimeout / 20) {
		lock, err := durable.OS.Lock(path)
		if !errors.Is(err, durable.ErrLocked) {
			return lock, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s: %w", filepath.Dir(path), ErrLocked)
		}
	}
}

func openBolt(path string, readOnly bool) (*bbolt.DB, error) {
	var db *bbolt.DB
	err := guard(path, func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: readOnly, PageSize: 4096, NoStatistics: true})
		return err
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// Close closes the catalog, and notes the digest of its file for the next Open
// or Check.
func (c *Catalog) Close() error {
	// Changes that are under way must have said whether they failed.
	c.changing.Lock()
	defer c.changing.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	err := c.db.Close()
	if c.readOnly {
		return err
	}
	// After a failed change the file is not known to be sound, and a digest
	// would say that it is.
	if err == nil && c.stopped == nil {
		// A full disk leaves no digest: then the next Open looks at every page.
		if err = writeDigest(c.path); errors.Is(err, syscall.ENOSPC) {
			err = nil
		}
	}
	if lockErr := c.lock.Close(); err == nil {
		err = lockErr
	}
	if err != nil {
		return fmt.Errorf("close catalog: %w", err)
	}
	return nil
}

// abandon releases what a failed Open holds.
func (c *Catalog) abandon() {
	if c.db != nil {
		c.db.Close()
	}
	if c.lock != nil {
		c.lock.Close()
	}
}

// Keyring returns the catalog's keyring.
func (c *Catalog) Keyring() *Keyring {
	if c.keyring == nil {
		return &Keyring{catalog: c}
	}
	return c.keyring
}

// Snapshot writes a consistent copy of catalog.db while the catalog is in use,
// and returns its length in bytes. The master key is not part of it. A change
// that makes the file grow waits for the copy, so w should be fast: a file
// rather than a connection.
func (c *Catalog) Snapshot(w io.Writer) (int64, error) {
	var n int64
	err := c.view(func(tx *bbolt.Tx) (err error) {
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("snapshot catalog: %w", err)
	}
	return n, nil
}

func (c *Catalog) view(fn func(tx *bbolt.Tx) error) error {
	return guard(c.path, func() error { return c.db.View(fn) })
}

// update makes a change durable. When the file system fails, nothing is known
// of what the file holds, and a second attempt could succeed without being
// true: so the catalog takes no change after it. A disk that is full at the
// write is no such failure: nothing refers yet to what was written.
func (c *Catalog) update(fn func(tx *bbolt.Tx) error) error {
	c.changing.RLock()
	defer c.changing.RUnlock()
	c.mu.Lock()
	stopped := c.stopped
	c.mu.Unlock()
	switch {
	case c.readOnly:
		return ErrReadOnly
	case stopped != nil:
		return fmt.Errorf("%w, because of an earlier failure: %w", ErrStopped, stopped)
	}
	refused := false // by fn, or because the catalog is closed
	err := guard(c.path, func() error {
		err := c.db.Update(func(tx *bbolt.Tx) error {
			err := fn(tx)
			refused = err != nil
			return err
		})
		refused = refused || errors.Is(err, bbolterrors.ErrDatabaseNotOpen)
		return err
	})
	if err != nil && !refused && !fullAtWrite(err) {
		c.mu.Lock()
		c.stopped = err
		c.mu.Unlock()
	}
	return err
}

func fullAtWrite(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "write" && errors.Is(err, syscall.ENOSPC)
}

// guard turns a panic or memory fault, with which bbolt meets pages that make
// no sense, into an error.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &DamageError{File: path, What: fmt.Sprintf("reading it failed with: %v", p)}
		}
	}()
	return fn()
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
