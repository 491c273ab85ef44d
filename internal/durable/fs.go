// Package durable is the file system as a durable store sees it: the few
// operations that Cairn's stores are built from, each with a plain statement
// of what survives a power cut, and an atomic way to write a whole file.
//
// It is also the seam where tests put a file system that fails, fills up or
// loses what was not synced.
package durable

import (
	"io"
	"io/fs"
)

// FS is a file system. Paths are slash-separated and absolute or relative to
// the process, as in package os. Errors are those of package os: errors.Is
// with fs.ErrNotExist, fs.ErrExist and syscall.ENOSPC works.
type FS interface {
	// OpenFile opens a file as os.OpenFile does. A file that it creates
	// survives a power cut only after SyncDir of its directory.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)

	// Rename replaces newname by oldname. It is atomic, and survives a power
	// cut only after SyncDir of the directory.
	Rename(oldname, newname string) error

	// Remove unlinks a file. Files that are open or mapped stay readable.
	Remove(name string) error

	// MkdirAll makes a directory and its parents, and syncs the parents of
	// what it made.
	MkdirAll(name string, perm fs.FileMode) error

	// ReadDir lists a directory, sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)

	// Stat describes a file.
	Stat(name string) (fs.FileInfo, error)

	// SyncDir makes the entries of a directory durable: files created, renamed
	// and removed in it.
	SyncDir(name string) error

	// Map maps a whole file read-only. An empty file maps to no bytes.
	Map(name string) (Mapping, error)

	// Free is the number of bytes that an ordinary user may still write to the
	// file system that holds name.
	Free(name string) (uint64, error)

	// Lock takes an exclusive lock on a file, creating it if need be, and
	// holds it until the closer is closed or the process ends. When another
	// holds it, the error is ErrLocked.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer

	// Sync makes the file's bytes and length durable (fdatasync). After an
	// error nothing may be assumed of what was written since the last
	// successful Sync, and a later success proves nothing about it.
	Sync() error

	// Truncate sets the file's length.
	Truncate(size int64) error

	// Size is the file's length in bytes.
	Size() (int64, error)
}

// Mapping is a file mapped into memory.
type Mapping interface {
	// Bytes must not be used after Close, and never written to.
	Bytes() []byte
	io.Closer
}
