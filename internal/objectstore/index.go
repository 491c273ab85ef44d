package objectstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"cairn/internal/durable"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

const (
	indexFile     = "index.db"
	formatName    = "cairn-objects"
	formatVersion = 1
)

// index is the file of all rows. Its transactions hold whole changes of the
// store; changes that come at the same time share one.
type index struct {
	path    string
	db      *bbolt.DB
	verdict *verdict // of the look at it when it was opened
}

// format is the row that says what the file is. It stays readable in all later
// formats.
type format struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

func openIndex(path string, noSync bool) (*index, error) {
	x := &index{path: path, verdict: &verdict{}}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = createIndex(path, noSync)
	} else if err == nil {
		x.verdict, err = vetIndex(path)
	}
	if err != nil {
		return nil, err
	}
	err = guard(path, func() (err error) {
		x.db, err = openBolt(path, noSync)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := x.checkFormat(); err != nil {
		x.db.Close()
		return nil, err
	}
	return x, nil
}

// openBolt leaves the list of free pages out of the file: it is found anew by
// a walk over the pages, and no change has to write it. The file is private to
// the store, which holds a lock of its own.
func openBolt(path string, noSync bool) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, PageSize: 4096, NoStatistics: true,
		NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: noSync})
}

// createIndex makes an index under a name of its own and renames it, so that a
// crash leaves none or a whole one.
func createIndex(path string, noSync bool) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := openBolt(tmp, noSync)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, table := range tables {
			if _, err := tx.CreateBucket([]byte(table)); err != nil {
				return err
			}
		}
		t := &txn{tx: tx, path: path, verdict: &verdict{}}
		return t.putJSON(metaTable, []byte(formatRow), format{formatName, formatVersion})
	})
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

func (x *index) checkFormat() error {
	return x.view(func(t *txn) error {
		if t.tx.Bucket([]byte(metaTable)) == nil {
			return &DamageError{File: x.path, What: "it has no table that says what it is"}
		}
		var f format
		ok, err := t.getJSON(metaTable, []byte(formatRow), &f)
		switch {
		case err != nil:
			return err
		case !ok || f.Format != formatName || f.Version < 1:
			return &DamageError{File: x.path, What: "it does not name the format of an index of objects"}
		case f.Version > formatVersion:
			return &NewerFormatError{x.path, f.Version, formatVersion}
		}
		for _, table := range tables {
			if t.tx.Bucket([]byte(table)) == nil {
				return &DamageError{File: x.path, What: "table " + table + " is gone"}
			}
		}
		return nil
	})
}

// view runs fn over the state of one moment. It must be short: pages that it
// may see cannot be used again while it runs.
func (x *index) view(fn func(*txn) error) error {
	err := guard(x.path, func() error {
		return x.db.View(func(tx *bbolt.Tx) error { return fn(&txn{tx: tx, path: x.path, verdict: x.verdict}) })
	})
	if errors.Is(err, bbolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
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

// txn is a transaction over the index.
type txn struct {
	tx      *bbolt.Tx
	path    string
	verdict *verdict
	dirty   bool // the change at hand has written something
	freed   bool // there is something to collect
}

// get returns the content of a row, which is valid as long as the transaction,
// and whether there is one.
func (t *txn) get(table string, key []byte) ([]byte, bool, error) {
	row := t.tx.Bucket([]byte(table)).Get(key)
	if row == nil {
		return nil, false, nil
	}
	payload, err := decodeRow(table, key, row)
	if err != nil {
		return nil, false, t.damage(table, key, err)
	}
	return payload, true, nil
}

func (t *txn) getJSON(table string, key []byte, into any) (bool, error) {
	payload, ok, err := t.get(table, key)
	if !ok || err != nil {
		return false, err
	}
	if err := json.Unmarshal(payload, into); err != nil {
		return false, t.damage(table, key, err)
	}
	return true, nil
}

func (t *txn) put(table string, key, payload []byte) error {
	t.dirty = true
	return t.tx.Bucket([]byte(table)).Put(key, encodeRow(table, key, payload))
}

func (t *txn) putJSON(table string, key []byte, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return t.put(table, key, payload)
}

func (t *txn) delete(table string, key []byte) error {
	t.dirty = true
	return t.tx.Bucket([]byte(table)).Delete(key)
}

// next is the next number of a table: each is given out once.
func (t *txn) next(table string) (uint64, error) {
	t.dirty = true
	return t.tx.Bucket([]byte(table)).NextSequence()
}

// scan calls fn for each row whose key begins with prefix, from a place on,
// until fn says to stop. Fn must not change the table.
func (t *txn) scan(table string, prefix, from []byte, fn func(key, payload []byte) (bool, error)) error {
	c := t.tx.Bucket([]byte(table)).Cursor()
	for key, row := c.Seek(from); key != nil && bytes.HasPrefix(key, prefix); key, row = c.Next() {
		payload, err := decodeRow(table, key, row)
		if err != nil {
			return t.damage(table, key, err)
		}
		if more, err := fn(key, payload); err != nil || !more {
			return err
		}
	}
	return nil
}

func (t *txn) damage(table string, key []byte, err error) error {
	return &DamageError{File: t.path, What: fmt.Sprintf("table %s, row %q: %v", table, key, err)}
}

// usage is what a bucket holds.
type usage struct {
	Objects int64 `json:"objects,omitempty"` // versions with content, current or not
	Markers int64 `json:"markers,omitempty"` // delete markers
	Uploads int64 `json:"uploads,omitempty"` // multipart uploads under way
	Bytes   int64 `json:"bytes,omitempty"`   // of the plaintext of all versions
}

func (t *txn) addUsage(bucket uint64, d usage) error {
	key := keyPrefix(bucket, "")
	var u usage
	if _, err := t.getJSON(usageTable, key, &u); err != nil {
		return err
	}
	u.Objects += d.Objects
	u.Markers += d.Markers
	u.Uploads += d.Uploads
	u.Bytes += d.Bytes
	return t.putJSON(usageTable, key, u)
}
