package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// WriteFile writes a whole file so that after a crash at any point it holds
// either what it held before or all of data, never a mixture. When WriteFile
// has returned nil, data survives a power cut. When it has returned an error,
// the file holds one or the other.
//
// The bytes go to name+".tmp" first; a crash can leave that file behind, and
// the next WriteFile of the same name replaces it. Calls for the same name
// must not run at the same time.
func WriteFile(fsys FS, name string, data []byte, perm fs.FileMode) error {
	if err := writeFile(fsys, name, data, perm); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func writeFile(fsys FS, name string, data []byte, perm fs.FileMode) (err error) {
	tmp := name + ".tmp"

	// What an earlier crash left behind goes first, because opening it would
	// keep the permissions that it has.
	if err := fsys.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	// A crash from here to the rename leaves the old file and a partial tmp.
	renamed := false
	defer func() {
		if err != nil && !renamed {
			fsys.Remove(tmp) // the error at hand matters more than this one
		}
	}()
	if _, err := f.WriteAt(data, 0); err != nil {
		f.Close()
		return err
	}
	// The bytes must be durable before the name is: the other way round, a
	// crash could leave the new name on an empty file.
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return err
	}
	renamed = true
	// A crash here leaves the old file or the new one, each whole.
	return fsys.SyncDir(Dir(name))
}

// ReadFile reads a whole file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return data[:n], nil
}

// Dir is the directory that holds name: the one to pass to SyncDir.
func Dir(name string) string { return path.Dir(filepath.ToSlash(name)) }
