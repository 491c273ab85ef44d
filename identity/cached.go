package identity

import (
	"sync"

	"cairn/catalog"
)

// maxCached bounds the rows of a table that are kept in memory. When there are
// more, all are forgotten: it is rare, and what is used comes back at once.
const maxCached = 16_384

// cached is a table whose rows are kept, decoded, once they have been read.
// That holds because all changes go through it.
type cached[V any] struct {
	table catalog.Table[V]

	mu      sync.RWMutex
	rows    map[string]*V
	changes uint64
}

func newCached[V any](cat *catalog.Catalog, name string) *cached[V] {
	return &cached[V]{table: catalog.TableOf[V](cat, name), rows: make(map[string]*V)}
}

// get returns a row, which must not be changed. Rows that do not exist are not
// remembered: anybody can ask for any number of them.
func (c *cached[V]) get(key string) (*V, error) {
	c.mu.RLock()
	v, ok := c.rows[key]
	before := c.changes
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	row, _, err := c.table.Get(key)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A change since then may have made what was read out of date.
	if before == c.changes {
		c.keep(key, &row)
	}
	return &row, nil
}

// load returns a row of the caller's own, and its revision.
func (c *cached[V]) load(key string) (V, catalog.Revision, error) { return c.table.Get(key) }

func (c *cached[V]) set(key string, rev catalog.Revision, v *V) error {
	_, err := c.table.CompareAndSet(key, rev, *v)
	c.changed(key, v, err)
	return err
}

func (c *cached[V]) delete(key string, rev catalog.Revision) error {
	err := c.table.Delete(key, rev)
	c.changed(key, nil, err)
	return err
}

// changed notes a change. After one that failed nothing is known of the row
// until it is read again.
func (c *cached[V]) changed(key string, v *V, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.rows, key)
	if err == nil && v != nil {
		c.keep(key, v)
	}
}

func (c *cached[V]) keep(key string, v *V) {
	if len(c.rows) >= maxCached {
		clear(c.rows)
	}
	c.rows[key] = v
}
