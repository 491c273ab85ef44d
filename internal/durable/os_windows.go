package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// Map reads the file: a view of a file would keep Windows from removing it.
func (osFS) Map(name string) (Mapping, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return copied(b), nil
}

type copied []byte

func (m copied) Bytes() []byte { return m }
func (m copied) Close() error  { return nil }

func (osFS) Free(name string) (uint64, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, &fs.PathError{Op: "free", Path: name, Err: err}
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, &fs.PathError{Op: "free", Path: name, Err: err}
	}
	return free, nil
}

// Lock is LockFileEx over the whole file; the system releases it with the
// handle.
func (osFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	const all = ^uint32(0)
	err = windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, all, all, new(windows.Overlapped))
	if err != nil {
		f.Close()
		if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
			err = ErrLocked
		}
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	return f, nil
}
