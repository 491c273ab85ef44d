package durable_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"testing"

	"cairn/internal/durable"
	"cairn/internal/durable/faultfs"
	"cairn/internal/durable/memfs"
)

// TestConformance holds every implementation to one contract.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (durable.FS, string){
		"os":      func(t *testing.T) (durable.FS, string) { return durable.OS, filepath.ToSlash(t.TempDir()) },
		"memfs":   func(t *testing.T) (durable.FS, string) { return memDir(t, memfs.New(0)) },
		"faultfs": func(t *testing.T) (durable.FS, string) { return memDir(t, faultfs.New(memfs.New(0))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, test := range conformance {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					fsys, dir := open(t)
					test(t, fsys, dir)
				})
			}
		})
	}
}

func memDir(t *testing.T, fsys durable.FS) (durable.FS, string) {
	t.Helper()
	must(t, fsys.MkdirAll("/data", 0o755))
	return fsys, "/data"
}

var conformance = map[string]func(t *testing.T, fsys durable.FS, dir string){
	"read and write": func(t *testing.T, fsys durable.FS, dir string) {
		f, err := fsys.OpenFile(dir+"/a", os.O_RDWR|os.O_CREATE, 0o644)
		must(t, err)
		defer f.Close()
		writeAt(t, f, "hello", 3)
		if size, err := f.Size(); err != nil || size != 8 {
			t.Errorf("Size = %d, %v; want 8", size, err)
		}
		buf := make([]byte, 6)
		if n, err := f.ReadAt(buf, 2); n != 6 || err != nil || string(buf) != "\x00hello" {
			t.Errorf("ReadAt(2) = %q, %v", buf[:n], err)
		}
		if n, err := f.ReadAt(buf, 6); n != 2 || err != io.EOF || string(buf[:n]) != "lo" {
			t.Errorf("ReadAt(6) = %q, %v; want lo, EOF", buf[:n], err)
		}
		if n, err := f.ReadAt(buf, 8); n != 0 || err != io.EOF {
			t.Errorf("ReadAt(8) = %d, %v; want 0, EOF", n, err)
		}
		if _, err := f.ReadAt(buf, -1); err == nil {
			t.Error("ReadAt(-1) gave no error")
		}
		must(t, f.Truncate(4))
		must(t, f.Truncate(6))
		must(t, f.Sync())
		if got := read(t, fsys, dir+"/a"); got != "\x00\x00\x00h\x00\x00" {
			t.Errorf("after two truncates the file holds %q", got)
		}
	},
	"open flags": func(t *testing.T, fsys durable.FS, dir string) {
		name := dir + "/a"
		if _, err := fsys.OpenFile(name, os.O_RDWR, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open of a missing file: %v", err)
		}
		if _, err := fsys.OpenFile(dir+"/no/a", os.O_RDWR|os.O_CREATE, 0o644); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("create in a missing directory: %v", err)
		}
		write(t, fsys, name, "old")
		if _, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644); !errors.Is(err, fs.ErrExist) {
			t.Errorf("exclusive create of an existing file: %v", err)
		}
		f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
		must(t, err)
		if _, err := f.WriteAt([]byte("x"), 0); err == nil {
			t.Error("a file opened for reading was written")
		}
		must(t, f.Close())
		if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("read of a closed file: %v", err)
		}
		f, err = fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
		must(t, err)
		must(t, f.Close())
		if got := read(t, fsys, name); got != "" {
			t.Errorf("after O_TRUNC the file holds %q", got)
		}
	},
	"rename and remove": func(t *testing.T, fsys durable.FS, dir string) {
		write(t, fsys, dir+"/a", "a")
		write(t, fsys, dir+"/b", "b")
		open, err := fsys.OpenFile(dir+"/b", os.O_RDONLY, 0)
		must(t, err)
		defer open.Close()
		must(t, fsys.Rename(dir+"/a", dir+"/b"))
		must(t, fsys.SyncDir(dir))
		if got := read(t, fsys, dir+"/b"); got != "a" {
			t.Errorf("after the rename b holds %q", got)
		}
		buf := make([]byte, 1)
		if _, err := open.ReadAt(buf, 0); err != nil || string(buf) != "b" {
			t.Errorf("the replaced file, still open, reads %q, %v", buf, err)
		}
		for _, err := range []error{fsys.Rename(dir+"/a", dir+"/c"), fsys.Remove(dir + "/a"), second(fsys.Stat(dir + "/a"))} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("use of the renamed file: %v", err)
			}
		}
		must(t, fsys.Remove(dir+"/b"))
		if list, err := fsys.ReadDir(dir); err != nil || len(list) != 0 {
			t.Errorf("ReadDir = %v, %v; want nothing", list, err)
		}
	},
	"directories": func(t *testing.T, fsys durable.FS, dir string) {
		must(t, fsys.MkdirAll(dir+"/x/y", 0o755))
		must(t, fsys.MkdirAll(dir+"/x/y", 0o755))
		write(t, fsys, dir+"/x/b", "bb")
		write(t, fsys, dir+"/x/a", "")
		list, err := fsys.ReadDir(dir + "/x")
		must(t, err)
		var names []string
		for _, e := range list {
			names = append(names, e.Name())
		}
		if len(names) != 3 || names[0] != "a" || names[1] != "b" || names[2] != "y" || !list[2].IsDir() || list[1].IsDir() {
			t.Errorf("ReadDir lists %v", list)
		}
		info, err := fsys.Stat(dir + "/x/b")
		if err != nil || info.Size() != 2 || info.Name() != "b" || info.IsDir() {
			t.Errorf("Stat = %v, %v", info, err)
		}
		if err := fsys.Remove(dir + "/x"); err == nil {
			t.Error("a directory with entries was removed")
		}
		if err := fsys.MkdirAll(dir+"/x/a/z", 0o755); err == nil {
			t.Error("a directory was made below a file")
		}
		for _, err := range []error{second(fsys.ReadDir(dir + "/no")), fsys.SyncDir(dir + "/no"), second(fsys.Map(dir + "/no"))} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("use of a missing name: %v", err)
			}
		}
	},
	"map": func(t *testing.T, fsys durable.FS, dir string) {
		write(t, fsys, dir+"/empty", "")
		m, err := fsys.Map(dir + "/empty")
		must(t, err)
		if len(m.Bytes()) != 0 {
			t.Errorf("an empty file maps to %d bytes", len(m.Bytes()))
		}
		must(t, m.Close())
		write(t, fsys, dir+"/a", "mapped")
		m, err = fsys.Map(dir + "/a")
		must(t, err)
		must(t, fsys.Remove(dir+"/a"))
		if string(m.Bytes()) != "mapped" {
			t.Errorf("the mapping of a removed file reads %q", m.Bytes())
		}
		must(t, m.Close())
		must(t, m.Close())
	},
	"lock": func(t *testing.T, fsys durable.FS, dir string) {
		l, err := fsys.Lock(dir + "/LOCK")
		must(t, err)
		if _, err := fsys.Lock(dir + "/LOCK"); !errors.Is(err, durable.ErrLocked) {
			t.Errorf("second lock: %v; want ErrLocked", err)
		}
		other, err := fsys.Lock(dir + "/OTHER")
		must(t, err)
		must(t, other.Close())
		must(t, l.Close())
		l, err = fsys.Lock(dir + "/LOCK")
		must(t, err)
		must(t, l.Close())
	},
	"free": func(t *testing.T, fsys durable.FS, dir string) {
		if free, err := fsys.Free(dir); err != nil || free == 0 {
			t.Errorf("Free = %d, %v", free, err)
		}
	},
	"write file": func(t *testing.T, fsys durable.FS, dir string) {
		name := dir + "/f"
		write(t, fsys, name+".tmp", "left behind by a crash, and longer")
		for _, data := range []string{"one", "", "three"} {
			must(t, durable.WriteFile(fsys, name, []byte(data), 0o600))
			if got := read(t, fsys, name); got != data {
				t.Errorf("the file holds %q, want %q", got, data)
			}
		}
		if info, err := fsys.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("Stat = %v, %v; want mode 0600", info, err)
		}
		if _, err := fsys.Stat(name + ".tmp"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the temporary file is still there: %v", err)
		}
	},
}

// TestWriteFileFaults makes every operation of WriteFile fail in every way,
// cuts the power, and finds the old bytes or the new ones.
func TestWriteFileFaults(t *testing.T) {
	t.Parallel()
	oldData, newData := bytes.Repeat([]byte("old "), 700), bytes.Repeat([]byte("newer "), 900)
	for _, mode := range faultfs.Modes {
		for n := 1; ; n++ {
			disk := memfs.New(0)
			must(t, disk.MkdirAll("/d", 0o755))
			must(t, durable.WriteFile(disk, "/d/f", oldData, 0o600))
			write(t, disk, "/d/f.tmp", "left behind")
			faulty := faultfs.New(disk)
			faulty.Inject(faultfs.Fault{N: n, Mode: mode})
			err := durable.WriteFile(faulty, "/d/f", newData, 0o600)
			struck := faulty.Struck()
			if len(struck) == 0 {
				if n < 7 {
					t.Errorf("WriteFile used %d operations; some step is missing", n-1)
				}
				must(t, err)
				break
			}
			if err == nil {
				t.Errorf("%s, %s: WriteFile gave no error", struck, mode)
			}
			// Opening the temporary file is where WriteFile begins to own it.
			if !faulty.Died() && struck[0] != "remove /d/f.tmp" && struck[0] != "open /d/f.tmp" {
				if _, err := disk.Stat("/d/f.tmp"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s, %s: the temporary file is still there (%v)", struck, mode, err)
				}
			}
			for name, after := range map[string]*memfs.FS{"losing": disk.Clone().CrashLosing(), "keeping": disk.Clone().CrashKeeping(), "live": disk} {
				got, err := after.ReadFile("/d/f")
				if err != nil || !bytes.Equal(got, oldData) && !bytes.Equal(got, newData) {
					t.Errorf("%s, %s, %s: the file holds a mixture (%d bytes, %v)", struck, mode, name, len(got), err)
				}
			}
		}
	}
}

func TestWriteFileFullDisk(t *testing.T) {
	t.Parallel()
	disk := memfs.New(1000)
	must(t, disk.MkdirAll("/d", 0o755))
	must(t, durable.WriteFile(disk, "/d/f", make([]byte, 600), 0o600))
	if err := durable.WriteFile(disk, "/d/f", make([]byte, 601), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("WriteFile on a full disk: %v", err)
	}
	if free, _ := disk.Free("/d"); free != 400 {
		t.Errorf("%d bytes are free after the failure, want 400: the temporary file stayed", free)
	}
}

func write(t *testing.T, fsys durable.FS, name, data string) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	must(t, err)
	writeAt(t, f, data, 0)
	must(t, f.Close())
}

func writeAt(t *testing.T, f durable.File, data string, off int64) {
	t.Helper()
	if n, err := f.WriteAt([]byte(data), off); n != len(data) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
}

func read(t *testing.T, fsys durable.FS, name string) string {
	t.Helper()
	data, err := durable.ReadFile(fsys, path.Clean(name))
	must(t, err)
	return string(data)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func second[T any](_ T, err error) error { return err }
