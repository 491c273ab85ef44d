package server

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"cairn/internal/durable"
)

// A lockFails is a file system on which locks fail, as on one that is mounted
// read-only.
type lockFails struct {
	durable.FS
	err error
}

func (l lockFails) Lock(string) (io.Closer, error) { return nil, l.err }

// A store is checked where nothing can be written, and where it was never
// opened; the check leaves nothing behind.
func TestCheckChangesNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	c := openTest(t, data)
	importTest(t, c, testFile(1), 0, 20, true) // and one event of the import
	closeTest(t, c)
	names := func() (names []string) {
		err := filepath.WalkDir(data, func(name string, _ fs.DirEntry, err error) error {
			names = append(names, name)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	for _, err := range []error{syscall.EROFS, syscall.EACCES} {
		cfg := Config{Data: data, FS: lockFails{durable.OS, &fs.PathError{Op: "open", Path: lockName, Err: err}}}
		r, err := CheckDirectory(t.Context(), cfg, func(int64) {})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Damage) > 0 || r.Events != 21 || !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "without its lock") }) {
			t.Errorf("the report about %d records has the damage %q and the notes %q", r.Events, r.Damage, r.Notes)
		}
	}
	cfg := Config{Data: data, FS: lockFails{durable.OS, durable.ErrLocked}}
	if _, err := CheckDirectory(t.Context(), cfg, func(int64) {}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("the check of a directory in use: %v", err)
	}
	if err := os.Remove(filepath.Join(data, lockName)); err != nil {
		t.Fatal(err)
	}
	before := names()
	checkSound(t, data)
	if after := names(); !slices.Equal(after, before) {
		t.Errorf("the check made %q of %q", after, before)
	}
}

// What is no data directory is refused, and stays as it was.
func TestCheckOfOtherDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := CheckDirectory(t.Context(), Config{Data: dir}, func(int64) {}); !errors.Is(err, errNoData) {
		t.Errorf("check of an empty directory: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the check left %v behind (%v)", entries, err)
	}
}
