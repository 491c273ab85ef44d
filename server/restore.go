package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"cairn/internal/durable"
)

// Restore makes a data directory from a backup. The directory must be empty or
// not there, and appears only when every file in it is durable and as the
// manifest has it.
func Restore(r io.Reader, data string) (*Manifest, error) {
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty; a backup is restored into an empty directory only", data)
	}
	parent := filepath.Dir(filepath.Clean(data))
	if err := durable.OS.MkdirAll(filepath.ToSlash(parent), 0o700); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(parent, filepath.Base(filepath.Clean(data))+".restoring-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp) // renamed, if all went well
	w := &restorer{dir: tmp}
	m, err := readBackup(r, w.file)
	if err == nil {
		err = w.syncFolder()
	}
	if err != nil {
		return nil, err
	}
	if err := os.Remove(data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.Rename(tmp, data); err != nil {
		return nil, err
	}
	return m, durable.OS.SyncDir(filepath.ToSlash(parent))
}

// A restorer writes files, and makes them and their names durable.
type restorer struct {
	dir    string
	folder string // of the last file, whose names are not durable yet; "" at the start
}

func (w *restorer) file(name string, r io.Reader) error {
	full := filepath.Join(w.dir, filepath.FromSlash(name))
	if folder := filepath.ToSlash(filepath.Dir(full)); folder != w.folder {
		if err := w.syncFolder(); err != nil {
			return err
		}
		if err := durable.OS.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		w.folder = folder
	}
	f, err := os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// syncFolder makes the names in the last file's folder durable.
func (w *restorer) syncFolder() error {
	if w.folder == "" {
		return nil
	}
	return durable.OS.SyncDir(w.folder)
}
