package objectstore

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

var (
	// ErrLocked says that another process has the store open.
	ErrLocked = errors.New("the object store is open in another process")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the object store is closed")
	// ErrStopped says that an earlier change of the index failed in a way that
	// leaves open whether it took effect. What is stored can be read; to change
	// it, close the store and open it again.
	ErrStopped = errors.New("the object store takes no more changes")
	// ErrDiskFull says that there was no space, and that nothing was left
	// behind.
	ErrDiskFull = errors.New("the disk is full")
	// ErrNoSuchBucket says that there is no bucket of that name.
	ErrNoSuchBucket = errors.New("no such bucket")
	// ErrBucketNotEmpty says that a bucket still holds objects, versions or
	// delete markers.
	ErrBucketNotEmpty = errors.New("the bucket is not empty")
	// ErrNoSuchKey says that the key has no current object.
	ErrNoSuchKey = errors.New("no such key")
	// ErrNoSuchVersion says that there is no such version, or that the version
	// id is none of this store's.
	ErrNoSuchVersion = errors.New("no such version")
	// ErrNoSuchUpload says that the multipart upload does not exist: it may have
	// been completed or aborted.
	ErrNoSuchUpload = errors.New("no such upload")
	// ErrNoSuchSetting says that the bucket has no setting of that name.
	ErrNoSuchSetting = errors.New("no such setting")
	// ErrConflict says that a setting was changed since its revision was read.
	ErrConflict = errors.New("changed meanwhile")
	// ErrPrecondition says that IfMatch or IfNoneMatch did not hold.
	ErrPrecondition = errors.New("the precondition does not hold")
	// ErrBadSize says that a body was shorter or longer than announced.
	ErrBadSize = errors.New("the body has another length than announced")
	// ErrNotText says that a name, header, metadata entry or tag is not valid
	// UTF-8, or that a key has not 1 to 1024 bytes.
	ErrNotText = errors.New("not acceptable text")
	// ErrWrongKey says that a data key is not the one that the content was
	// sealed with, or that one is needed and was not given.
	ErrWrongKey = errors.New("the data key does not open the content")
	// ErrLockState says that versioning cannot be suspended under object lock,
	// or that object lock was asked for without versioning.
	ErrLockState = errors.New("object lock and versioning do not fit together")
)

var errNoEncryption = fmt.Errorf("a data key was given, and not how to get it again: %w", ErrWrongKey)

// A BucketExistsError says that the name is taken, and by whom.
type BucketExistsError struct{ Name, Owner string }

func (e *BucketExistsError) Error() string {
	return fmt.Sprintf("bucket %s exists, and account %s owns it", e.Name, e.Owner)
}

// A DeleteMarkerError says that what was asked for is a delete marker. It is
// ErrNoSuchKey when the marker is the current version.
type DeleteMarkerError struct{ Object Object }

func (e *DeleteMarkerError) Error() string {
	return fmt.Sprintf("version %s of %s/%s is a delete marker", e.Object.VersionID, e.Object.Bucket, e.Object.Key)
}

func (e *DeleteMarkerError) Unwrap() error { return ErrNoSuchKey }

// A LockedError says that a version is protected by retention or a legal hold.
type LockedError struct {
	Ref       Ref
	Retention Retention
	LegalHold bool
}

func (e *LockedError) Error() string {
	why := fmt.Sprintf("retention %s until %s", e.Retention.Mode, e.Retention.Until.UTC().Format("2006-01-02T15:04:05Z"))
	if e.LegalHold {
		why = "a legal hold"
	}
	return fmt.Sprintf("version %s of %s/%s is protected by %s", e.Ref.VersionID, e.Ref.Bucket, e.Ref.Key, why)
}

// PartFault is what is wrong with a part of a list to complete.
type PartFault string

// The faults that Complete finds.
const (
	PartNone      PartFault = "no part is listed"
	PartMissing   PartFault = "it was not uploaded"
	PartWrongETag PartFault = "it has another ETag"
	PartOrder     PartFault = "the list is not in ascending order"
	PartTooSmall  PartFault = "it is smaller than a part before the last may be"
)

// A PartError says which part kept an upload from being completed. Size and
// MinSize, in bytes, are set with PartTooSmall.
type PartError struct {
	Number        int
	What          PartFault
	Size, MinSize int64
	ETag          string // as listed
}

func (e *PartError) Error() string { return fmt.Sprintf("part %d: %s", e.Number, e.What) }

// A DamageError says that stored bytes are not what was written. Ref is empty
// when it is not known which object they belong to.
type DamageError struct {
	File string
	What string
	Ref  Ref
}

func (e *DamageError) Error() string {
	if e.Ref.Bucket == "" {
		return fmt.Sprintf("%s is damaged: %s; restore it from a backup", e.File, e.What)
	}
	return fmt.Sprintf("%s is damaged: %s; it belongs to version %s of %s/%s: put that object again, or restore the file from a backup",
		e.File, e.What, e.Ref.VersionID, e.Ref.Bucket, e.Ref.Key)
}

// A NewerFormatError says that a newer Cairn wrote the store.
type NewerFormatError struct {
	File         string
	Found, Known int
}

func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("%s has format %d, and this Cairn reads formats up to %d: use the Cairn that wrote it, or a newer one", e.File, e.Found, e.Known)
}

// withDiskFull adds ErrDiskFull to errors that mean it.
func withDiskFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, ErrDiskFull) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// fullAtWrite says that a change of the index failed before anything referred
// to what it wrote.
func fullAtWrite(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "write" && errors.Is(err, syscall.ENOSPC)
}
