package server

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/eventlog"
)

// A ledger remembers every imported file by the hash of its content, for ever,
// and how far an unfinished one came. So a file is imported once, and an
// interrupted import goes on where it stopped.
type ledger struct {
	tables *tables
	mu     sync.Mutex // held while an entry is read, changed and written
}

// An importEntry is what the ledger knows of one file.
type importEntry struct {
	Name     string       `json:"name"` // the last one under which it was seen
	Size     int64        `json:"size"`
	Done     int64        `json:"done"` // records of the file that were dealt with
	Finished bool         `json:"finished"`
	Counts   ImportCounts `json:"counts"`
	Updated  time.Time    `json:"updated"`

	// Retention is the shortest that Counts.Expired was counted under, in
	// seconds; -1 when everything was kept, 0 before the first batch.
	Retention int64 `json:"retention"`

	// Again says that the file is read once more because the retention became
	// longer: each record is compared with those in the log before it is kept.
	Again bool `json:"again,omitempty"`

	// Resumed says that the next batch may have been stored just before a
	// crash, without this entry having been written.
	Resumed bool `json:"resumed,omitempty"`
}

func (e *importEntry) state() ImportState {
	return ImportState{Finished: e.Finished, Done: e.Done, Counts: e.Counts}
}

// begin returns how far the file was imported.
func (l *ledger) begin(f ImportFile, retention time.Duration) (ImportState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok, err := l.tables.importEntry(f.SHA256)
	if err != nil || !ok {
		return ImportState{}, err
	}
	switch {
	case e.Counts.Expired > 0 && longer(retention, e.Retention):
		e = importEntry{Again: true}
	case !e.Finished && !e.Resumed:
		e.Resumed = true
	default:
		return e.state(), nil
	}
	e.Name, e.Size, e.Updated = f.Name, f.Size, time.Now().UTC()
	return e.state(), l.tables.putImportEntry(f.SHA256, e)
}

// longer says whether a retention keeps more than an earlier one, in seconds.
func longer(retention time.Duration, earlier int64) bool {
	switch {
	case earlier < 0:
		return false
	case retention == eventlog.Forever:
		return true
	}
	return int64(retention/time.Second) > earlier
}

// A gapError says that a batch does not continue where the file's import
// stands.
type gapError struct{ first, done int64 }

func (e *gapError) Error() string {
	if e.first == e.done {
		return "the file is imported already"
	}
	return fmt.Sprintf("the batch begins at record %d of its file, the import stands at %d", e.first, e.done)
}

// entry returns the entry to continue with a batch that begins at first.
func (l *ledger) entry(sha string, first int64) (importEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, _, err := l.tables.importEntry(sha)
	if err != nil {
		return e, err
	}
	if e.Done != first {
		return e, &gapError{first, e.Done}
	}
	return e, nil
}

// advance notes that n more records were dealt with.
func (l *ledger) advance(f ImportFile, first, n int64, c ImportCounts, last bool, retention time.Duration) (ImportState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, _, err := l.tables.importEntry(f.SHA256)
	if err != nil {
		return ImportState{}, err
	}
	if e.Done != first {
		return ImportState{}, &gapError{first, e.Done}
	}
	e.Name, e.Size, e.Updated = f.Name, f.Size, time.Now().UTC()
	e.Done += n
	e.Counts.Add(c)
	e.Resumed = false
	if last {
		e.Finished, e.Again = true, false
	}
	if e.Retention == 0 || longer(retentionOf(e.Retention), secondsOf(retention)) {
		e.Retention = secondsOf(retention)
	}
	return e.state(), l.tables.putImportEntry(f.SHA256, e)
}

// present says whether the log holds a record already, however long ago it
// came. It is asked when a batch may have been stored before: the log itself
// looks for doubles in the last 24 hours only.
func present(ctx context.Context, log *eventlog.Log, raw []byte) (bool, error) {
	e := cairn.Event{Raw: raw}
	if err := e.Extract(); err != nil {
		return false, nil // for the log to quarantine
	}
	q := eventlog.Query{
		Scope: eventlog.Scope{Account: e.AccountID, Region: e.AWSRegion, Category: e.Category},
		Limit: 100,
	}
	if e.EventID != "" {
		q.Filters = []eventlog.Filter{{Attribute: cairn.AttrEventID, Values: []string{e.EventID}}}
	} else {
		q.Filters = []eventlog.Filter{{Attribute: cairn.AttrEventName, Values: []string{e.EventName}}}
		q.Since, q.Until = e.Record.EventTime, e.Record.EventTime
	}
	for {
		page, err := log.Lookup(ctx, q)
		if err != nil {
			return false, err
		}
		for i := range page.Events {
			if bytes.Equal(page.Events[i].Raw, raw) {
				return true, nil
			}
		}
		if !page.More {
			return false, nil
		}
		q.After = page.Next
	}
}

// validSHA256 says whether s is a SHA-256 in lower-case hex.
func validSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
