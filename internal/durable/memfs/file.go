package memfs

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"cairn/internal/durable"
)

// A file is an open handle.
type file struct {
	fs     *FS
	node   *node
	name   string
	flag   int
	closed bool
}

// A write is one change of a file's bytes since its last Sync: data at off, or
// with truncate the length off.
type write struct {
	off      int64
	data     []byte
	truncate bool
	before   int64 // the length that the file had
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	defer f.fs.lock()()
	if err := f.usable("read", f.flag&os.O_WRONLY == 0 && !f.node.mode.IsDir()); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, f.fail("read", syscall.EINVAL)
	}
	if off >= int64(len(f.node.data.b)) {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	n := copy(p, f.node.data.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	defer f.fs.lock()()
	if err := f.usable("write", f.flag&(os.O_WRONLY|os.O_RDWR) != 0 && f.flag&os.O_APPEND == 0); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, f.fail("write", syscall.EINVAL)
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := f.node
	size := int64(len(n.data.b))
	fits := p
	if grow := off + int64(len(p)) - size; grow > f.fs.free() {
		// What is overwritten needs no space, and what fits is written.
		fits = p[:min(int64(len(p)), max(0, size+f.fs.free()-off))]
	}
	if len(fits) > 0 {
		n.writes = append(n.writes, write{off: off, data: slices.Clone(fits), before: size})
		n.data.writeAt(fits, off)
		n.modTime = time.Now()
		f.fs.used += int64(len(n.data.b)) - size
	}
	if len(fits) < len(p) {
		return len(fits), f.fail("write", syscall.ENOSPC)
	}
	return len(p), nil
}

func (f *file) Truncate(size int64) error {
	defer f.fs.lock()()
	if err := f.usable("truncate", f.flag&(os.O_WRONLY|os.O_RDWR) != 0); err != nil {
		return err
	}
	if err := f.fs.truncate(f.node, size); err != nil {
		return f.fail("truncate", err)
	}
	return nil
}

func (f *FS) truncate(n *node, size int64) error {
	before := int64(len(n.data.b))
	switch {
	case size < 0:
		return syscall.EINVAL
	case size == before:
		return nil
	case size-before > f.free():
		return syscall.ENOSPC
	}
	n.writes = append(n.writes, write{off: size, truncate: true, before: before})
	n.data.truncate(size)
	n.modTime = time.Now()
	f.used += size - before
	return nil
}

func (f *file) Sync() error {
	defer f.fs.lock()()
	if err := f.usable("sync", true); err != nil {
		return err
	}
	n := f.node
	if n.lost {
		// Only what was written since the failed Sync reaches the disk.
		for _, w := range n.writes {
			w.apply(&n.synced)
		}
		n.synced.truncate(int64(len(n.data.b)))
	} else {
		n.synced = n.data.share()
	}
	n.writes = nil
	return nil
}

// LoseUnsynced does to the file what a failed fsync does on Linux: what was
// written since the last Sync can still be read, but counts as clean, so that
// no later Sync makes it durable and a power cut loses it.
func (f *file) LoseUnsynced() {
	defer f.fs.lock()()
	if len(f.node.writes) > 0 {
		f.node.lost = true
		f.node.writes = nil
	}
}

func (f *file) Size() (int64, error) {
	defer f.fs.lock()()
	if err := f.usable("stat", true); err != nil {
		return 0, err
	}
	return int64(len(f.node.data.b)), nil
}

func (f *file) Close() error {
	defer f.fs.lock()()
	if f.closed {
		return f.fail("close", fs.ErrClosed)
	}
	f.closed = true
	f.fs.release(f.node)
	if f.fs.dead {
		return f.fail("close", ErrPowerCut)
	}
	return nil
}

func (f *file) usable(op string, allowed bool) error {
	switch {
	case f.fs.dead:
		return f.fail(op, ErrPowerCut)
	case f.closed:
		return f.fail(op, fs.ErrClosed)
	case !allowed:
		return f.fail(op, syscall.EBADF)
	}
	return nil
}

func (f *file) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

func (f *FS) lock() (unlock func()) {
	f.mu.Lock()
	return f.mu.Unlock
}

// Map returns the file's bytes as they are now; later writes do not show.
func (f *FS) Map(name string) (durable.Mapping, error) {
	defer f.lock()()
	n, err := f.lookup(name)
	if err == nil && n.mode.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, &fs.PathError{Op: "mmap", Path: name, Err: err}
	}
	n.refs++
	return &mapping{fs: f, node: n, b: n.data.share().b}, nil
}

type mapping struct {
	fs   *FS
	node *node // nil once closed
	b    []byte
}

func (m *mapping) Bytes() []byte { return m.b }

func (m *mapping) Close() error {
	defer m.fs.lock()()
	if m.node != nil {
		m.fs.release(m.node)
		m.node, m.b = nil, nil
	}
	return nil
}

// Lock holds among the users of this FS; a crash releases it.
func (f *FS) Lock(name string) (io.Closer, error) {
	defer f.lock()()
	n, err := f.open(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil && f.locks[n] {
		err = durable.ErrLocked
	}
	if err != nil {
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	f.locks[n] = true
	return &lock{fs: f, node: n}, nil
}

type lock struct {
	fs   *FS
	node *node // nil once released
}

func (l *lock) Close() error {
	defer l.fs.lock()()
	if l.node != nil {
		delete(l.fs.locks, l.node)
		l.node = nil
	}
	return nil
}

// A buffer is bytes of which the first few may be shared with others, and are
// copied before they change.
type buffer struct {
	b      []byte
	shared int
}

// share returns the same bytes for someone else.
func (b *buffer) share() buffer {
	b.shared = len(b.b)
	return buffer{b.b[:len(b.b):len(b.b)], len(b.b)}
}

func (b *buffer) own(from int64) {
	if from < int64(b.shared) {
		b.b, b.shared = slices.Clone(b.b), 0
	}
}

func (b *buffer) writeAt(p []byte, off int64) {
	b.own(off)
	if end := off + int64(len(p)); end > int64(len(b.b)) {
		b.truncate(end)
	}
	copy(b.b[off:], p)
}

func (b *buffer) truncate(size int64) {
	have := int64(len(b.b))
	if size <= have {
		b.b = b.b[:size]
		return
	}
	b.own(have)
	b.b = slices.Grow(b.b, int(size-have))[:size]
	clear(b.b[have:])
}
