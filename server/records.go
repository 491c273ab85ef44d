package server

import (
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"cairn/catalog"
	"cairn/eventlog"
)

// tables are the server's own rows in the catalog.
type tables struct {
	stores  catalog.Table[storeRecord]
	heads   catalog.Table[savedHead]
	imports catalog.Table[importEntry]
}

// theRow is the key in a table that has one row.
const theRow = "this"

// storeRecord says which store a data directory is.
type storeRecord struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`

	// Retention is the one that the store was last opened with explicitly, in
	// seconds; -1 keeps everything. It is kept here because opening a store
	// with a shorter one removes events.
	Retention int64 `json:"retention"`
}

// secondsOf writes a retention as storeRecord and importEntry keep it.
func secondsOf(retention time.Duration) int64 {
	if retention == eventlog.Forever {
		return -1
	}
	return int64(retention / time.Second)
}

// retentionOf reads what secondsOf wrote.
func retentionOf(seconds int64) time.Duration {
	if seconds < 0 {
		return eventlog.Forever
	}
	return time.Duration(seconds) * time.Second
}

// savedHead is the newest head of the event log's tree that was saved. What
// was in the log then must be there for ever, under this root.
type savedHead struct {
	Size  uint64    `json:"size"`
	Root  tlog.Hash `json:"root"`
	Clean bool      `json:"clean"` // the log was closed in order, with this head
	Time  time.Time `json:"time"`
}

func openTables(c *catalog.Catalog) tables {
	return tables{
		stores:  catalog.TableOf[storeRecord](c, "store"),
		heads:   catalog.TableOf[savedHead](c, "event-log-head"),
		imports: catalog.TableOf[importEntry](c, "imported-files"),
	}
}

// found tells an absent row from an error.
func found(err error) (bool, error) {
	if errors.Is(err, catalog.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// store returns which store this is; the zero record for a new one.
func (t *tables) store() (storeRecord, error) {
	r, _, err := t.stores.Get(theRow)
	_, err = found(err)
	return r, err
}

func (t *tables) putStore(r storeRecord) error {
	_, err := t.stores.Put(theRow, r)
	return err
}

// savedHead returns the head that was saved last; the zero head if there is
// none.
func (t *tables) savedHead() (savedHead, error) {
	h, _, err := t.heads.Get(theRow)
	_, err = found(err)
	return h, err
}

func (t *tables) saveHead(h savedHead) error {
	_, err := t.heads.Put(theRow, h)
	return err
}

// contradictedPrefix begins the keys of heads that the log did not bear out
// when it was opened.
const contradictedPrefix = "contradicted/"

// keepContradicted remembers, for ever, a head that the log does not bear out
// any more. The next head takes its place, but must not take the evidence away.
func (t *tables) keepContradicted(h savedHead) error {
	_, err := t.heads.Put(contradictedPrefix+h.Root.String(), h)
	return err
}

// contradicted returns the heads that the log did not bear out.
func (t *tables) contradicted() (heads []savedHead, err error) {
	for row, err := range t.heads.Scan(contradictedPrefix) {
		if err != nil {
			return heads, err
		}
		heads = append(heads, row.Value)
	}
	return heads, nil
}

func (t *tables) importEntry(sha string) (importEntry, bool, error) {
	e, _, err := t.imports.Get(sha)
	ok, err := found(err)
	return e, ok, err
}

func (t *tables) putImportEntry(sha string, e importEntry) error {
	_, err := t.imports.Put(sha, e)
	return err
}
