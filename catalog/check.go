package catalog

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// A Report is what Check found.
type Report struct {
	Rows     int       // that were read, sound or not
	Clean    bool      // the catalog was closed, and its file matches the digest of then
	Problems []Problem // damage
	Notes    []string  // what could not be checked, and is no damage
}

// A Problem is a place in the catalog that does not hold what was written.
type Problem struct {
	File  string
	Table string // empty when the damage is not in one row
	Key   string
	What  string
}

func (p Problem) String() string { return (*DamageError)(&p).Error() }

// Check reads the catalog of a stopped server from end to end and changes
// nothing. It needs no master key. What the catalog holds sealed is checked as
// far as its checksums go.
//
// After a clean close any change to the file is found. After a crash there is
// no digest: then a change to unused bytes of the file goes unnoticed, and the
// report says so. The error is for what keeps Check from reading at all;
// ErrLocked, wrapped, if the catalog is open.
func Check(dir string) (*Report, error) {
	c, err := check(filepath.Join(dir, dbFile))
	if err != nil {
		return nil, fmt.Errorf("check catalog: %w", err)
	}
	return &Report{Rows: len(c.rows) + c.brokenRows, Clean: c.closed && c.digestDamage == nil, Problems: c.problems(), Notes: c.notes}, nil
}

func check(path string) (c contents, err error) {
	err = whileIdle(path, func() error {
		c, err = readContents(path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		if _, digestErr := os.Stat(digestPath(path)); digestErr == nil {
			c.add(DamageError{File: path, What: "the file is gone, though its digest is there"})
			return c, nil
		}
	}
	if err != nil {
		return c, err
	}
	if !c.closed {
		c.notes = append(c.notes, fmt.Sprintf("%s was not closed cleanly: its structure and rows were checked, and bytes that are not in use were not", path))
	}
	return c, nil
}

// whileIdle runs fn while no server has the catalog open, or returns
// ErrLocked. Without a lock file, as in a backup, there is nothing to wait
// for; and a lock file that cannot be opened for writing lies where no server
// writes.
func whileIdle(path string, fn func() error) error {
	lockPath := filepath.Join(filepath.Dir(path), lockFile)
	if _, err := os.Stat(lockPath); err == nil {
		lock, err := lockSoon(lockPath)
		if errors.Is(err, ErrLocked) {
			return err
		}
		if err == nil {
			defer lock.Close()
		}
	}
	return fn()
}

// ReadVerifiers returns the public signing keys in the catalog of a stopped
// server. It passes over damage elsewhere, which Check reports, and fails if
// one of these keys cannot be read.
func ReadVerifiers(dir string) (note.Verifiers, error) {
	path := filepath.Join(dir, dbFile)
	var c contents
	err := whileIdle(path, func() (err error) {
		c, err = readContents(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read verifiers: %w", err)
	}
	var keys []string
	for _, row := range c.rows {
		var value verifierKey
		if row.table != verifierTable {
			continue
		}
		if err := json.Unmarshal(row.value, &value); err != nil {
			return nil, fmt.Errorf("read verifiers: %w", &DamageError{c.path, row.table, row.key, err.Error()})
		}
		keys = append(keys, value.VerifierKey)
	}
	for i := range c.damage {
		if c.damage[i].Table == verifierTable {
			return nil, fmt.Errorf("read verifiers: %w", &c.damage[i])
		}
	}
	if len(keys) == 0 && len(c.damage) > 0 {
		return nil, fmt.Errorf("read verifiers: %w", &c.damage[0])
	}
	return verifiersOf(keys)
}

// contents is all that a catalog file holds, read without bbolt, which must
// not be let near a file that makes no sense.
type contents struct {
	path         string
	rows         []storedRow
	brokenRows   int
	closed       bool          // there is a digest
	digestDamage *DamageError  // the digest does not match
	damage       []DamageError // in structure and rows
	structure    *DamageError  // the first damage that is not in a row
	notes        []string
}

type storedRow struct {
	table, key string
	value      []byte
}

// maxDamage bounds what is listed for a file that is broken all over.
const maxDamage = 100

func readContents(path string) (contents, error) {
	c := contents{path: path}
	file, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	sum := sha256.Sum256(file)
	if c.closed, c.digestDamage, err = compareDigest(path, sum[:], int64(len(file))); err != nil {
		return c, err
	}
	w := walker{file: file, row: c.row}
	w.problem = func(format string, args ...any) {
		d := DamageError{File: path, What: fmt.Sprintf(format, args...)}
		if c.structure == nil {
			c.structure = &d
		}
		c.add(d)
	}
	w.note = func(format string, args ...any) {
		c.notes = append(c.notes, path+": "+fmt.Sprintf(format, args...))
	}
	w.walk()
	return c, nil
}

// row takes a row of a table, whose counter of revisions is sequence.
func (c *contents) row(table string, sequence uint64, key string, row []byte) {
	rev, value, err := decodeRow(table, key, row)
	switch {
	case err != nil:
	case uint64(rev) > sequence:
		err = fmt.Errorf("the table counts %d revisions, and the row has number %d", sequence, rev)
	case !json.Valid(value):
		err = errors.New("the value is not JSON")
	}
	if err != nil {
		c.brokenRows++
		c.add(DamageError{c.path, table, key, err.Error()})
		return
	}
	c.rows = append(c.rows, storedRow{table, key, value})
}

func (c *contents) add(d DamageError) {
	if len(c.damage) < maxDamage {
		c.damage = append(c.damage, d)
	}
}

// usable says whether the file can be opened. A single damaged row does not
// keep a catalog that was not closed cleanly from being opened: reading it
// does, and names it.
func (c *contents) usable() error {
	if c.digestDamage != nil {
		return c.digestDamage
	}
	if c.structure != nil {
		return c.structure
	}
	for _, row := range c.rows {
		var f format
		if row.table != formatTable || row.key != formatTable {
			continue
		}
		if err := json.Unmarshal(row.value, &f); err != nil {
			f = format{}
		}
		return f.check(c.path)
	}
	return errNoFormat(c.path)
}

func (c *contents) problems() []Problem {
	var list []Problem
	if c.digestDamage != nil {
		list = append(list, Problem(*c.digestDamage))
	}
	for _, d := range c.damage {
		list = append(list, Problem(d))
	}
	return list
}
