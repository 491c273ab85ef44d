// Package memfs is a file system in memory for tests. It models a power cut
// honestly and pessimistically: bytes survive one only after Sync of their
// file, names only after SyncDir of their directory. What was not synced may
// survive in part, torn at sectors of 512 bytes, or not at all.
//
// The nouns: a node is a file or directory; an edit is a change of directory
// entries that no SyncDir has made durable yet; a write is a change of a
// file's bytes or length that no Sync has made durable yet.
package memfs

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"cairn/internal/durable"
)

// ErrPowerCut is the error of every operation on a file system, and on its
// open files, after Crash.
var ErrPowerCut = errors.New("the power was cut")

// FS is an in-memory durable.FS. Names are taken from the root: "a/b" and
// "/a/b" are the same file. It is safe for concurrent use.
type FS struct {
	mu       sync.Mutex
	root     *node
	edits    []edit // in the order they were made
	capacity int64  // 0 = unlimited
	used     int64
	locks    map[*node]bool
	dead     bool
}

var _ durable.FS = (*FS)(nil)

// New returns an empty file system that holds at most capacity bytes of file
// contents; 0 means that there is no limit.
func New(capacity int64) *FS {
	return &FS{root: newDir(0o755), capacity: capacity, locks: make(map[*node]bool)}
}

// A node is a file or a directory.
type node struct {
	mode    fs.FileMode
	modTime time.Time

	// Directories: the entries now, and those that survive a power cut.
	entries, durable map[string]*node

	// Files: the bytes now, those that survive a power cut, and the writes
	// between them. Lost says that a failed Sync has dropped some writes, so
	// that data is no longer durable plus writes.
	data, synced buffer
	writes       []write
	lost         bool
	refs         int // names, handles and mappings that keep the bytes in use
}

func newDir(perm fs.FileMode) *node {
	return &node{mode: fs.ModeDir | perm.Perm(), modTime: time.Now(), entries: map[string]*node{}, durable: map[string]*node{}, refs: 1}
}

// An edit is one atomic change of directory entries.
type edit []link

// A link sets one entry of a directory, or removes it if node is nil.
type link struct {
	dir  *node
	name string
	node *node
}

func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.open(name, flag, perm)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	n.refs++
	return &file{fs: f, node: n, name: name, flag: flag}, nil
}

func (f *FS) open(name string, flag int, perm fs.FileMode) (*node, error) {
	dir, base, err := f.parent(name)
	if err != nil {
		return nil, err
	}
	writable := flag&(os.O_WRONLY|os.O_RDWR) != 0
	n := f.root
	if base != "" {
		n = dir.entries[base]
	}
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case n == nil:
		n = &node{mode: perm.Perm(), modTime: time.Now()}
		f.edit(link{dir, base, n})
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, fs.ErrExist
	case n.mode.IsDir() && (writable || flag&os.O_CREATE != 0):
		return nil, syscall.EISDIR
	case flag&os.O_TRUNC != 0 && writable:
		if err := f.truncate(n, 0); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (f *FS) Rename(oldname, newname string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.rename(oldname, newname); err != nil {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: err}
	}
	return nil
}

func (f *FS) rename(oldname, newname string) error {
	oldDir, oldBase, err := f.parent(oldname)
	if err != nil {
		return err
	}
	newDir, newBase, err := f.parent(newname)
	if err != nil {
		return err
	}
	n := oldDir.entries[oldBase]
	if n == nil {
		return fs.ErrNotExist
	}
	if strings.HasPrefix(clean(newname), clean(oldname)+"/") || newBase == "" {
		return syscall.EINVAL
	}
	switch old := newDir.entries[newBase]; {
	case old == nil:
	case old == n:
		return nil
	case old.mode.IsDir():
		return fs.ErrExist // as package os, which does not replace directories
	case n.mode.IsDir():
		return syscall.ENOTDIR
	}
	f.edit(link{oldDir, oldBase, nil}, link{newDir, newBase, n})
	return nil
}

func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, err := f.parent(name)
	if err == nil {
		n := dir.entries[base]
		switch {
		case n == nil:
			err = fs.ErrNotExist
		case len(n.entries) > 0:
			err = syscall.ENOTEMPTY
		default:
			f.edit(link{dir, base, nil})
		}
	}
	if err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

func (f *FS) MkdirAll(name string, perm fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.alive()
	for dir, rest := f.root, clean(name)[1:]; err == nil && rest != ""; {
		var base string
		base, rest, _ = strings.Cut(rest, "/")
		n := dir.entries[base]
		switch {
		case n == nil:
			n = newDir(perm)
			f.edit(link{dir, base, n})
			f.commit(dir)
		case !n.mode.IsDir():
			err = syscall.ENOTDIR
		}
		dir = n
	}
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	return nil
}

func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, err := f.dir(name)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	list := make([]fs.DirEntry, 0, len(dir.entries))
	for _, base := range sortedNames(dir.entries) {
		list = append(list, fs.FileInfoToDirEntry(dir.entries[base].info(base)))
	}
	return list, nil
}

func (f *FS) Stat(name string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.lookup(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return n.info(path.Base(clean(name))), nil
}

func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, err := f.dir(name)
	if err != nil {
		return &fs.PathError{Op: "syncdir", Path: name, Err: err}
	}
	f.commit(dir)
	return nil
}

// Free is what is left of the capacity, and a very large number without one.
func (f *FS) Free(string) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	return uint64(f.free()), nil
}

// SetCapacity changes the limit; 0 means none. What is there stays, even if it
// is more than the new limit.
func (f *FS) SetCapacity(capacity int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = capacity
}

func (f *FS) free() int64 {
	if f.capacity == 0 {
		return math.MaxInt64 - f.used
	}
	return max(0, f.capacity-f.used)
}

// edit changes the entries as everyone sees them, and keeps the change for a
// SyncDir or a crash.
func (f *FS) edit(links ...link) {
	for _, l := range links {
		if old := l.dir.entries[l.name]; old != nil {
			f.release(old)
		}
		if l.node == nil {
			delete(l.dir.entries, l.name)
			continue
		}
		if l.node.refs == 0 && len(l.node.data.b) > 0 {
			f.used += int64(len(l.node.data.b)) // renamed: released above
		}
		l.node.refs++
		l.dir.entries[l.name] = l.node
	}
	f.edits = append(f.edits, links)
}

// commit makes the entries of a directory durable: every edit that touches it,
// and what those edits depend on.
func (f *FS) commit(dir *node) {
	touched := map[*node]bool{dir: true}
	take := make([]bool, len(f.edits))
	for i, e := range slices.Backward(f.edits) {
		take[i] = e.touches(touched)
		for _, l := range e {
			if take[i] {
				touched[l.dir] = true
			}
		}
	}
	var left []edit
	for i, e := range f.edits {
		if take[i] {
			e.persist()
		} else {
			left = append(left, e)
		}
	}
	f.edits = left
}

func (e edit) touches(dirs map[*node]bool) bool {
	return slices.ContainsFunc(e, func(l link) bool { return dirs[l.dir] })
}

func (e edit) persist() {
	for _, l := range e {
		if l.node == nil {
			delete(l.dir.durable, l.name)
		} else {
			l.dir.durable[l.name] = l.node
		}
	}
}

// release gives up one use of a node, and its space with the last one.
func (f *FS) release(n *node) {
	n.refs--
	if n.refs == 0 {
		f.used -= int64(len(n.data.b))
	}
}

func (f *FS) alive() error {
	if f.dead {
		return ErrPowerCut
	}
	return nil
}

// parent finds the directory that holds name, and name's last element, which
// is empty for the root.
func (f *FS) parent(name string) (*node, string, error) {
	if name == "" {
		return nil, "", fs.ErrNotExist
	}
	name = clean(name)
	if name == "/" {
		return f.root, "", f.alive()
	}
	dir, err := f.dir(path.Dir(name))
	return dir, path.Base(name), err
}

func (f *FS) dir(name string) (*node, error) {
	n, err := f.lookup(name)
	if err == nil && !n.mode.IsDir() {
		err = syscall.ENOTDIR
	}
	return n, err
}

func (f *FS) lookup(name string) (*node, error) {
	if err := f.alive(); err != nil {
		return nil, err
	}
	n := f.root
	for rest := clean(name)[1:]; rest != ""; {
		var base string
		base, rest, _ = strings.Cut(rest, "/")
		if !n.mode.IsDir() {
			return nil, syscall.ENOTDIR
		}
		if n = n.entries[base]; n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

func clean(name string) string { return path.Clean("/" + filepath.ToSlash(name)) }

func sortedNames(entries map[string]*node) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type info struct {
	name    string
	size    int64
	mode    fs.FileMode
	modTime time.Time
}

func (n *node) info(name string) fs.FileInfo {
	return info{name, int64(len(n.data.b)), n.mode, n.modTime}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.modTime }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
