// Package faultfs is a durable.FS for tests that fails on request: at the
// n-th operation, or the n-th of some kind on some file, before it takes
// effect or after, halfway through a write, or for good as if the process had
// died there.
package faultfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"

	"cairn/internal/durable"
)

// ErrDied is the error of every operation after a fault that ends the process.
var ErrDied = errors.New("the process died at an earlier fault")

// Kind is a kind of operation.
type Kind string

// The kinds that are counted. Close, Size and Free are not: they fail only
// once the process has died.
const (
	OpenFile Kind = "open"
	ReadAt   Kind = "read"
	WriteAt  Kind = "write"
	Truncate Kind = "truncate"
	Sync     Kind = "sync"
	Rename   Kind = "rename"
	Remove   Kind = "remove"
	MkdirAll Kind = "mkdir"
	ReadDir  Kind = "readdir"
	Stat     Kind = "stat"
	SyncDir  Kind = "syncdir"
	Map      Kind = "map"
	Lock     Kind = "lock"
)

// Kinds are all kinds of operations.
var Kinds = []Kind{OpenFile, ReadAt, WriteAt, Truncate, Sync, Rename, Remove, MkdirAll, ReadDir, Stat, SyncDir, Map, Lock}

// Mutating are the kinds that change something or make it durable. OpenFile is
// among them because it can create a file.
var Mutating = []Kind{OpenFile, WriteAt, Truncate, Sync, Rename, Remove, MkdirAll, SyncDir}

// Mode is what a fault does.
type Mode int

const (
	// FailBefore returns the error and does nothing. A Sync that fails so
	// drops what was not synced, as Linux does, if the files beneath can
	// (memfs can): a later Sync does not bring it back.
	FailBefore Mode = iota
	// FailAfter does the operation and returns the error all the same.
	FailAfter
	// ShortWrite writes the first half and returns the error. An operation
	// other than WriteAt fails before.
	ShortWrite
	// DieBefore does nothing, and every operation from here on fails.
	DieBefore
	// DieAfter does the operation, and every one after it fails, too.
	DieAfter
)

// Modes are all modes.
var Modes = []Mode{FailBefore, FailAfter, ShortWrite, DieBefore, DieAfter}

func (m Mode) String() string {
	if m < 0 || int(m) >= len(Modes) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return [...]string{"fails before", "fails after it took effect", "short write", "dies before", "dies after it took effect"}[m]
}

// A Fault says when to fail and how. Its zero value fails the next operation,
// whatever it is, with EIO before it takes effect.
type Fault struct {
	Kinds  []Kind // default: all kinds
	Suffix string // of the file's name; a rename has two. Default: any
	N      int    // strike at the N-th operation that fits, from 1; 0 is 1
	Sticky bool   // strike at every later one that fits, too
	Mode   Mode
	Err    error // default syscall.EIO
}

// FS passes operations on to another file system, and counts them. It is safe
// for concurrent use.
type FS struct {
	under durable.FS

	mu     sync.Mutex
	counts map[Kind]int
	faults []*armed
	struck []string
	died   bool
}

type armed struct {
	Fault
	seen int
}

// New wraps a file system. No fault is set.
func New(under durable.FS) *FS {
	return &FS{under: under, counts: map[Kind]int{}}
}

// Inject sets a fault beside those that are set. Its counting starts now.
func (f *FS) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault.N = max(fault.N, 1)
	if fault.Err == nil {
		fault.Err = syscall.EIO
	}
	f.faults = append(f.faults, &armed{Fault: fault})
}

// Reset removes all faults, forgets what they struck and sets the counts to
// zero. A process that died lives again, with the files it had open.
func (f *FS) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.struck, f.died = nil, nil, false
	clear(f.counts)
}

// Count is the number of operations of some kinds, or of all without any, that
// were begun since New or Reset.
func (f *FS) Count(kinds ...Kind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(kinds) == 0 {
		kinds = Kinds
	}
	total := 0
	for _, k := range kinds {
		total += f.counts[k]
	}
	return total
}

// Struck says which operations a fault has struck, such as "sync /data/a.log",
// in order.
func (f *FS) Struck() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.struck)
}

// Died says whether a fault has ended the process.
func (f *FS) Died() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.died
}

// A strike is what to do instead of one operation.
type strike struct {
	mode Mode
	err  error
}

// meet counts an operation and finds the fault that strikes it, or nil.
func (f *FS) meet(kind Kind, names ...string) *strike {
	f.mu.Lock()
	defer f.mu.Unlock()
	wrap := func(err error) error { return &fs.PathError{Op: string(kind), Path: names[0], Err: err} }
	if f.died {
		return &strike{DieBefore, wrap(ErrDied)}
	}
	f.counts[kind]++
	var hit *strike
	for _, a := range f.faults {
		if !a.fits(kind, names) {
			continue
		}
		a.seen++
		if hit != nil || a.seen < a.N || a.seen > a.N && !a.Sticky {
			continue
		}
		hit = &strike{a.Mode, wrap(a.Err)}
		f.struck = append(f.struck, string(kind)+" "+strings.Join(names, " "))
		f.died = a.Mode == DieBefore || a.Mode == DieAfter
	}
	return hit
}

func (a *armed) fits(kind Kind, names []string) bool {
	return (len(a.Kinds) == 0 || slices.Contains(a.Kinds, kind)) &&
		slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, a.Suffix) })
}

// takesEffect says whether the operation is done.
func (s *strike) takesEffect() bool {
	return s == nil || s.mode == FailAfter || s.mode == DieAfter
}

// do runs an operation that returns nothing but an error.
func (f *FS) do(op func() error, kind Kind, names ...string) error {
	s := f.meet(kind, names...)
	if s.takesEffect() {
		if err := op(); err != nil {
			return err
		}
	}
	if s != nil {
		return s.err
	}
	return nil
}

// open runs an operation that returns something to close, and closes it if the
// caller is not to have it.
func open[T io.Closer](f *FS, op func() (T, error), kind Kind, name string) (T, error) {
	var none, got T
	err := f.do(func() (err error) {
		got, err = op()
		return err
	}, kind, name)
	if err == nil {
		return got, nil
	}
	if io.Closer(got) != nil {
		got.Close()
	}
	return none, err
}

func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	under, err := open(f, func() (durable.File, error) { return f.under.OpenFile(name, flag, perm) }, OpenFile, name)
	if err != nil {
		return nil, err
	}
	return &file{fs: f, under: under, name: name}, nil
}

func (f *FS) Rename(oldname, newname string) error {
	return f.do(func() error { return f.under.Rename(oldname, newname) }, Rename, oldname, newname)
}

func (f *FS) Remove(name string) error {
	return f.do(func() error { return f.under.Remove(name) }, Remove, name)
}

func (f *FS) MkdirAll(name string, perm fs.FileMode) error {
	return f.do(func() error { return f.under.MkdirAll(name, perm) }, MkdirAll, name)
}

func (f *FS) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = f.do(func() (err error) {
		list, err = f.under.ReadDir(name)
		return err
	}, ReadDir, name)
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (f *FS) Stat(name string) (info fs.FileInfo, err error) {
	err = f.do(func() (err error) {
		info, err = f.under.Stat(name)
		return err
	}, Stat, name)
	if err != nil {
		return nil, err
	}
	return info, nil
}

func (f *FS) SyncDir(name string) error {
	return f.do(func() error { return f.under.SyncDir(name) }, SyncDir, name)
}

func (f *FS) Map(name string) (durable.Mapping, error) {
	return open(f, func() (durable.Mapping, error) { return f.under.Map(name) }, Map, name)
}

func (f *FS) Lock(name string) (io.Closer, error) {
	return open(f, func() (io.Closer, error) { return f.under.Lock(name) }, Lock, name)
}

func (f *FS) Free(name string) (uint64, error) {
	if f.Died() {
		return 0, &fs.PathError{Op: "free", Path: name, Err: ErrDied}
	}
	return f.under.Free(name)
}

type file struct {
	fs    *FS
	under durable.File
	name  string
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	s := f.fs.meet(ReadAt, f.name)
	if s != nil {
		return 0, s.err // a failed read has no effect to speak of
	}
	return f.under.ReadAt(p, off)
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	s := f.fs.meet(WriteAt, f.name)
	switch {
	case s == nil:
		return f.under.WriteAt(p, off)
	case s.mode == ShortWrite:
		p = p[:len(p)/2]
	case !s.takesEffect():
		return 0, s.err
	}
	n, err := f.under.WriteAt(p, off)
	if err != nil {
		return n, err
	}
	return n, s.err
}

func (f *file) Sync() error {
	s := f.fs.meet(Sync, f.name)
	if s.takesEffect() {
		if err := f.under.Sync(); err != nil || s == nil {
			return err
		}
		return s.err
	}
	if under, ok := f.under.(interface{ LoseUnsynced() }); ok && s.mode != DieBefore {
		under.LoseUnsynced()
	}
	return s.err
}

func (f *file) Truncate(size int64) error {
	return f.fs.do(func() error { return f.under.Truncate(size) }, Truncate, f.name)
}

func (f *file) Size() (int64, error) {
	if f.fs.Died() {
		return 0, &fs.PathError{Op: "stat", Path: f.name, Err: ErrDied}
	}
	return f.under.Size()
}

// Close closes the file beneath in any case, so that a test leaks none.
func (f *file) Close() error {
	err := f.under.Close()
	if f.fs.Died() {
		return &fs.PathError{Op: "close", Path: f.name, Err: ErrDied}
	}
	return err
}
