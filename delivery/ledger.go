package delivery

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"cairn/catalog"
)

// A FileState says how far a log file has come, more finely than the State that
// its row keeps.
type FileState string

// The states of log files as the ledger tells them, in their order.
const (
	FileStaged    FileState = "staged"    // on disk, waiting for its bucket
	FileDelivered FileState = "delivered" // in the bucket
	FileNotified  FileState = "notified"  // and its topic was told
	FileInDigest  FileState = "in digest" // and a signed digest lists it
	FileAbandoned FileState = "abandoned" // given up; Error says why
)

// FileStates are all of them.
var FileStates = []FileState{FileStaged, FileDelivered, FileNotified, FileInDigest, FileAbandoned}

// Progress returns how far the file has come.
func (f *File) Progress() FileState {
	switch {
	case f.state() == Abandoned:
		return FileAbandoned
	case f.state() == Staged:
		return FileStaged
	case f.Digest != "":
		return FileInDigest
	case !f.Notified.IsZero():
		return FileNotified
	}
	return FileDelivered
}

// ID names the file's row in the ledger. IDs of one trail sort by the time that
// the files were made.
func (f *File) ID() string { return f.key() }

// A LedgerQuery says which files of the ledger are asked for.
type LedgerQuery struct {
	Trail string // ID

	// Since and Until bound when the files were made, which is the time in
	// their names; inclusive, and without a bound where zero.
	Since, Until time.Time

	// Before is the ID of a file: only older ones are given. Empty gives all.
	Before string

	// States are those asked for; all if empty.
	States []FileState
}

func (q *LedgerQuery) takes(f *File) bool {
	return len(q.States) == 0 || slices.Contains(q.States, f.Progress())
}

// The steps in which the ledger is read backwards.
const (
	firstLedgerStep = time.Hour
	ledgerStepRows  = 256 // fewer rows make the next step longer, more make it shorter
)

// Files yields a trail's log files, the newest first. Files of the last 30 days
// are known, and older ones with something left to do. It holds a step of the
// ledger in memory at a time, however many files there are.
func (d *Delivery) Files(q LedgerQuery) iter.Seq2[*File, error] {
	return func(yield func(*File, error) bool) {
		first, err := d.oldestStamp(q.Trail)
		if err != nil || first == nil {
			if err != nil {
				yield(nil, err)
			}
			return
		}
		since := *first
		if q.Since.After(since) {
			since = q.Since
		}
		d.mu.Lock()
		end := d.floor.Add(time.Second)
		d.mu.Unlock()
		if !q.Until.IsZero() && q.Until.Before(end) {
			end = q.Until.Truncate(time.Second).Add(time.Second)
		}
		step := firstLedgerStep
		for end.After(since) {
			start := end.Add(-step)
			if start.Before(since) {
				start = since
			}
			rows, full, err := d.step(&q, start, end)
			if err != nil {
				yield(nil, err)
				return
			}
			if full && step > time.Second {
				step = max(step/4, time.Second).Truncate(time.Second)
				continue
			}
			for _, f := range slices.Backward(rows) {
				if !yield(f, nil) {
					return
				}
			}
			if end = start; len(rows) < ledgerStepRows/4 {
				step = min(step*2, KeepTrying)
			}
		}
	}
}

// step returns the files that were made in [start, end), oldest first. It is full
// if there are more than a step may have, unless the step is a second.
func (d *Delivery) step(q *LedgerQuery, start, end time.Time) (files []*File, full bool, err error) {
	n := 0
	for f, err := range d.filesFrom(q.Trail, start) {
		if err != nil {
			return nil, false, err
		}
		if !f.Stamp.Before(end) {
			break
		}
		if n++; n > ledgerStepRows && end.Sub(start) > time.Second {
			return nil, true, nil
		}
		if q.takes(f) && (q.Before == "" || f.key() < q.Before) && !f.Stamp.Before(q.Since.Truncate(time.Second)) {
			files = append(files, f)
		}
	}
	return files, false, nil
}

// oldestStamp is when the oldest file that the ledger knows of a trail was made;
// nil if it knows none.
func (d *Delivery) oldestStamp(trailID string) (*time.Time, error) {
	for f, err := range d.filesFrom(trailID, time.Time{}) {
		if err != nil {
			return nil, err
		}
		return &f.Stamp, nil
	}
	return nil, nil
}

// filesFrom yields a trail's files that were made at a time or later, oldest
// first: those with something left to do and those that are done. Files of a cut
// that does not count yet are left out.
func (d *Delivery) filesFrom(trailID string, from time.Time) iter.Seq2[*File, error] {
	prefix := catalog.KeyPrefix(trailID)
	start := prefix
	if from.Unix() > 0 {
		start = prefix + fmt.Sprintf("%016x", from.Unix())
	}
	return func(yield func(*File, error) bool) {
		nextPending, stopPending := iter.Pull2(d.pending.ScanAfter(prefix, start))
		defer stopPending()
		nextDone, stopDone := iter.Pull2(d.ledger.ScanAfter(prefix, start))
		defer stopDone()
		open, openErr, haveOpen := nextPending()
		done, doneErr, haveDone := nextDone()
		for haveOpen || haveDone {
			row, err := done, doneErr
			switch order := strings.Compare(open.Key, done.Key); {
			case haveOpen && (!haveDone || order <= 0):
				// A row in both is being moved, or was taken up again: the one
				// with something left to do counts.
				if row, err = open, openErr; haveDone && order == 0 {
					done, doneErr, haveDone = nextDone()
				}
				open, openErr, haveOpen = nextPending()
			default:
				done, doneErr, haveDone = nextDone()
			}
			if err != nil {
				yield(nil, fmt.Errorf("read the delivery ledger: %w", err))
				return
			}
			if row.Value.Cut > d.cutNumber() {
				continue
			}
			if !yield(row.Value, nil) {
				return
			}
		}
	}
}

// FileByKey returns the file of a trail that was delivered under an S3 key, or
// ErrUnknownFile.
func (d *Delivery) FileByKey(trailID, s3Key string, made time.Time) (*File, error) {
	// The name tells the minute; what could not be delivered at once keeps it.
	for f, err := range d.filesFrom(trailID, made.Truncate(time.Minute)) {
		if err != nil {
			return nil, err
		}
		if f.Stamp.After(made.Truncate(time.Minute).Add(time.Minute)) {
			break
		}
		if f.Key == s3Key {
			return f, nil
		}
	}
	return nil, ErrUnknownFile
}

// ErrUnknownFile says that the ledger has no such file.
var ErrUnknownFile = errors.New("the delivery ledger has no such log file")
