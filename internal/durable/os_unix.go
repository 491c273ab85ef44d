//go:build unix

package durable

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

func (osFS) Map(name string) (Mapping, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // a mapping outlives its descriptor
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size == 0 {
		return &osMapping{}, nil
	}
	if size > math.MaxInt {
		return nil, &fs.PathError{Op: "mmap", Path: name, Err: unix.EFBIG}
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &fs.PathError{Op: "mmap", Path: name, Err: err}
	}
	return &osMapping{b: b}, nil
}

type osMapping struct {
	b    []byte
	once sync.Once
	err  error
}

func (m *osMapping) Bytes() []byte { return m.b }

func (m *osMapping) Close() error {
	m.once.Do(func() {
		if m.b != nil {
			m.err = unix.Munmap(m.b)
			m.b = nil
		}
	})
	return m.err
}

// Free counts the blocks that are open to ordinary users, which leaves out
// what the file system keeps for root.
func (osFS) Free(name string) (uint64, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(name, &st)
		if err == nil {
			return uint64(max(0, int64(st.Bavail))) * uint64(st.Bsize), nil
		}
		if err != unix.EINTR {
			return 0, &fs.PathError{Op: "statfs", Path: name, Err: err}
		}
	}
}

// Lock is flock, which belongs to the open file and not to the process: a
// second Lock in the same process fails as well, and the kernel releases it
// when the process dies, however it dies.
func (osFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	return f, nil
}
