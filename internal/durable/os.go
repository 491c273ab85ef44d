package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// ErrLocked says that another holder, here or in another process, has the
// lock.
var ErrLocked = errors.New("locked by another holder")

// OS is the operating system's file system.
var OS FS = osFS{}

type osFS struct{}

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Rename(oldname, newname string) error { return os.Rename(oldname, newname) }

func (osFS) Remove(name string) error { return os.Remove(name) }

func (osFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

func (osFS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

func (s osFS) MkdirAll(name string, perm fs.FileMode) error {
	var parents []string // of the directories that are missing, innermost first
	for dir := filepath.Clean(name); ; {
		_, err := os.Stat(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		parent := filepath.Dir(dir)
		parents = append(parents, parent)
		if parent == dir {
			break
		}
		dir = parent
	}
	if err := os.MkdirAll(name, perm); err != nil {
		return err
	}
	// Outermost first, so that a power cut between two syncs leaves a shorter
	// path and never an unreachable directory.
	for _, dir := range slices.Backward(parents) {
		if err := s.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// SyncDir is fsync of the directory. Windows has no such call: NTFS keeps the
// order of its metadata in a journal of its own and offers no way to wait for it.
func (osFS) SyncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if runtime.GOOS == "windows" {
		return nil
	}
	return dir.Sync()
}

type osFile struct{ *os.File }

func (f osFile) Sync() error { return syncData(f.File) }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
