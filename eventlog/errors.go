package eventlog

import (
	"errors"
	"fmt"
	"syscall"
)

var (
	// ErrStopped is returned once a failed write has stopped the log. Err
	// tells the cause. What was acknowledged stays readable.
	ErrStopped = errors.New("the event log has stopped after a failed write; restart it once its disk is sound")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the event log is closed")

	// ErrDiskFull is returned while the disk has less free space than the
	// reserve. Reads and retention go on.
	// It is syscall.ENOSPC as well.
	ErrDiskFull error = fullError{}

	// ErrBatchTooLarge is returned for a batch above MaxBatchRecords or
	// MaxBatchBytes.
	ErrBatchTooLarge = fmt.Errorf("a batch holds at most %d records and %d bytes", MaxBatchRecords, MaxBatchBytes)

	// ErrOrigin is returned for a batch whose Origin is none that is known.
	ErrOrigin = errors.New("the batch's origin is not known")

	// ErrHistogramStep and ErrHistogramSize are returned for a histogram that
	// cannot be asked for like that.
	ErrHistogramStep = errors.New("a histogram's step is a whole number of seconds, at least 1")
	ErrHistogramSize = fmt.Errorf("a histogram has at most %d buckets: choose a longer step or a shorter time range", MaxBuckets)
)

type fullError struct{}

func (fullError) Error() string { return "the disk of the event log is full" }

func (fullError) Is(target error) bool { return target == syscall.ENOSPC }

// NewerFormatError says that a file was written by a later version of Cairn.
type NewerFormatError struct {
	File    string
	Version uint32
}

func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("%s has format version %d, this version of Cairn reads version %d: use the newer version, or restore a backup made by this one", e.File, e.Version, formatVersion)
}

// Damage is a place in the log where what is stored is not what was written.
type Damage struct {
	File     string // the file's path
	Segment  uint64 // seq of the segment's first record
	Offset   int64  // in the file; -1 when the damage has no one place
	FirstSeq uint64 // the records that are lost or cannot be trusted ...
	LastSeq  uint64 // ... none if LastSeq < FirstSeq
	What     string
}

// Error names the place and what is wrong there.
func (d *Damage) Error() string {
	s := d.File
	if d.Offset >= 0 {
		s += fmt.Sprintf(" at byte %d", d.Offset)
	}
	s += fmt.Sprintf(" (segment %016x", d.Segment)
	switch {
	case d.LastSeq == d.FirstSeq:
		s += fmt.Sprintf(", record %d", d.FirstSeq)
	case d.LastSeq > d.FirstSeq:
		s += fmt.Sprintf(", records %d to %d", d.FirstSeq, d.LastSeq)
	}
	return s + "): " + d.What
}

// diskFull reports whether a write failed because the disk, or the user's quota
// of it, is used up.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
