package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
)

var (
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that the row's revision is not the given one.
	ErrConflict = errors.New("the row was changed in the meantime")
)

// AnyRevision lets Delete remove a row whatever its revision.
const AnyRevision Revision = math.MaxUint64

// MaxKeyBytes is the greatest length of a key.
const MaxKeyBytes = 4096

// scanBatch is the number of rows that a scan holds in memory at once.
const scanBatch = 256

// A Table holds rows of type V, stored as JSON. It is safe for concurrent use.
// Its errors name the table and the key, and wrap ErrNotFound, ErrConflict or
// a *DamageError where they apply.
type Table[V any] struct {
	catalog *Catalog
	name    string
}

// A Row is a row of a table.
type Row[V any] struct {
	Key      string
	Value    V
	Revision Revision
}

// TableOf returns the table with a name, which is made by its first row. The
// names "format", "keyring", "leases", "signing-keys" and "verifier-keys" are
// the catalog's own.
func TableOf[V any](c *Catalog, name string) Table[V] {
	return Table[V]{c, name}
}

// Get returns a row and its revision.
func (t Table[V]) Get(key string) (V, Revision, error) {
	var value V
	var rev Revision
	err := t.catalog.view(func(tx *bbolt.Tx) error {
		r, raw, err := t.find(tx, key)
		if err != nil {
			return err
		}
		rev = r
		return json.Unmarshal(raw, &value)
	})
	if err != nil {
		var none V
		return none, 0, t.fail("get", key, err)
	}
	return value, rev, nil
}

// Put sets a row, whatever it was, and returns its revision.
func (t Table[V]) Put(key string, value V) (Revision, error) {
	rev, err := t.set(key, value, func(*bbolt.Tx) error { return nil })
	return rev, t.fail("put", key, err)
}

// CompareAndSet sets a row if its revision is rev, and returns the new one.
// With rev 0 the row must not exist.
func (t Table[V]) CompareAndSet(key string, rev Revision, value V) (Revision, error) {
	next, err := t.set(key, value, func(tx *bbolt.Tx) error { return t.expect(tx, key, rev) })
	return next, t.fail("set", key, err)
}

// Delete removes a row if its revision is rev. A row that does not exist is
// ErrNotFound.
func (t Table[V]) Delete(key string, rev Revision) error {
	err := t.catalog.update(func(tx *bbolt.Tx) error {
		switch b := tx.Bucket([]byte(t.name)); {
		case b == nil || b.Get([]byte(key)) == nil:
			return ErrNotFound
		case rev != AnyRevision:
			if err := t.expect(tx, key, rev); err != nil {
				return err
			}
			return b.Delete([]byte(key))
		default:
			return b.Delete([]byte(key))
		}
	})
	return t.fail("delete", key, err)
}

// Scan yields the rows whose keys begin with prefix, in the order of the keys'
// bytes. Each row is as it was at some moment of the scan, and rows may be
// changed during it. A damaged row comes as a Row with its Key only and a
// *DamageError, one whose value does not fit V with that error, and the scan
// goes on behind it. After an error with an empty Key the scan ends.
func (t Table[V]) Scan(prefix string) iter.Seq2[Row[V], error] { return t.scan(prefix, prefix, false) }

// ScanAfter is Scan for the keys behind one, which need not exist.
func (t Table[V]) ScanAfter(prefix, key string) iter.Seq2[Row[V], error] {
	return t.scan(prefix, max(prefix, key), key >= prefix)
}

func (t Table[V]) scan(prefix, start string, skip bool) iter.Seq2[Row[V], error] {
	return func(yield func(Row[V], error) bool) {
		from, behind := start, skip
		// No transaction is open while the caller runs: it would deadlock
		// with a change that the caller makes.
		for {
			rows, errs, err := t.batch(prefix, from, behind)
			if err != nil {
				yield(Row[V]{}, t.fail("scan", prefix, err))
				return
			}
			for i, row := range rows {
				if !yield(row, t.fail("scan", row.Key, errs[i])) {
					return
				}
			}
			if len(rows) < scanBatch {
				return
			}
			from, behind = rows[len(rows)-1].Key, true
		}
	}
}

// batch reads the next rows from a key on, or behind it.
func (t Table[V]) batch(prefix, from string, behind bool) (rows []Row[V], errs []error, err error) {
	err = t.catalog.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(t.name))
		if b == nil {
			return nil
		}
		cursor := b.Cursor()
		k, v := cursor.Seek([]byte(from))
		if behind && string(k) == from {
			k, v = cursor.Next()
		}
		for ; k != nil && bytes.HasPrefix(k, []byte(prefix)) && len(rows) < scanBatch; k, v = cursor.Next() {
			row := Row[V]{Key: string(k)}
			rev, raw, err := decodeRow(t.name, row.Key, v)
			if err != nil {
				err = &DamageError{File: t.catalog.path, Table: t.name, Key: row.Key, What: err.Error()}
			} else if err = json.Unmarshal(raw, &row.Value); err == nil {
				row.Revision = rev
			}
			if err != nil {
				row = Row[V]{Key: row.Key}
			}
			rows, errs = append(rows, row), append(errs, err)
		}
		return nil
	})
	return rows, errs, err
}

func (t Table[V]) set(key string, value V, condition func(*bbolt.Tx) error) (Revision, error) {
	if key == "" || len(key) > MaxKeyBytes {
		return 0, fmt.Errorf("a key must have 1 to %d bytes, and this has %d", MaxKeyBytes, len(key))
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return 0, err
	}
	var rev Revision
	err = t.catalog.update(func(tx *bbolt.Tx) error {
		if err := condition(tx); err != nil {
			return err
		}
		b, err := tx.CreateBucketIfNotExists([]byte(t.name))
		if err != nil {
			return err
		}
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		rev = Revision(seq)
		return b.Put([]byte(key), encodeRow(t.name, key, rev, raw))
	})
	if err != nil {
		return 0, err
	}
	return rev, nil
}

// expect returns ErrConflict if the row's revision is not rev.
func (t Table[V]) expect(tx *bbolt.Tx, key string, rev Revision) error {
	have, _, err := t.find(tx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if have != rev {
		return ErrConflict
	}
	return nil
}

func (t Table[V]) find(tx *bbolt.Tx, key string) (Revision, []byte, error) {
	b := tx.Bucket([]byte(t.name))
	if b == nil {
		return 0, nil, ErrNotFound
	}
	row := b.Get([]byte(key))
	if row == nil {
		return 0, nil, ErrNotFound
	}
	rev, raw, err := decodeRow(t.name, key, row)
	if err != nil {
		return 0, nil, &DamageError{File: t.catalog.path, Table: t.name, Key: key, What: err.Error()}
	}
	return rev, raw, nil
}

func (t Table[V]) fail(doing, key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s row %q of table %s: %w", doing, key, t.name, err)
}

var (
	escape   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescape = strings.NewReplacer("%25", "%", "%2F", "/")
)

// Key joins parts to a key with slashes between them, and escapes the slashes
// within them: no two lists of parts make the same key, except for no part and
// one empty part.
func Key(parts ...string) string {
	escaped := slices.Clone(parts)
	for i, part := range parts {
		escaped[i] = escape.Replace(part)
	}
	return strings.Join(escaped, "/")
}

// KeyPrefix is the prefix to Scan with for the keys that have these first
// parts and at least one more.
func KeyPrefix(parts ...string) string {
	if len(parts) == 0 {
		return ""
	}
	return Key(parts...) + "/"
}

// SplitKey returns the parts that Key has joined.
func SplitKey(key string) []string {
	parts := strings.Split(key, "/")
	for i, part := range parts {
		parts[i] = unescape.Replace(part)
	}
	return parts
}
