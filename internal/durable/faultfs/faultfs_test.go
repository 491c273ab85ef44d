package faultfs_test

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"

	"cairn/internal/durable"
	"cairn/internal/durable/faultfs"
	"cairn/internal/durable/memfs"
)

// each operation on a file system that holds /d/a.
var operations = map[faultfs.Kind]func(fsys durable.FS, f durable.File) error{
	faultfs.OpenFile: func(fsys durable.FS, _ durable.File) error {
		g, err := fsys.OpenFile("/d/new", os.O_RDWR|os.O_CREATE, 0o600)
		if err == nil {
			g.Close()
		}
		return err
	},
	faultfs.ReadAt:   func(_ durable.FS, f durable.File) error { return second(f.ReadAt(make([]byte, 1), 0)) },
	faultfs.WriteAt:  func(_ durable.FS, f durable.File) error { return second(f.WriteAt([]byte("wxyz"), 0)) },
	faultfs.Truncate: func(_ durable.FS, f durable.File) error { return f.Truncate(1) },
	faultfs.Sync:     func(_ durable.FS, f durable.File) error { return f.Sync() },
	faultfs.Rename:   func(fsys durable.FS, _ durable.File) error { return fsys.Rename("/d/a", "/d/b") },
	faultfs.Remove:   func(fsys durable.FS, _ durable.File) error { return fsys.Remove("/d/a") },
	faultfs.MkdirAll: func(fsys durable.FS, _ durable.File) error { return fsys.MkdirAll("/d/e", 0o755) },
	faultfs.ReadDir:  func(fsys durable.FS, _ durable.File) error { return second(fsys.ReadDir("/d")) },
	faultfs.Stat:     func(fsys durable.FS, _ durable.File) error { return second(fsys.Stat("/d/a")) },
	faultfs.SyncDir:  func(fsys durable.FS, _ durable.File) error { return fsys.SyncDir("/d") },
	faultfs.Map:      func(fsys durable.FS, _ durable.File) error { return second(fsys.Map("/d/a")) },
	faultfs.Lock:     func(fsys durable.FS, _ durable.File) error { return second(fsys.Lock("/d/LOCK")) },
}

func TestEveryKindInEveryMode(t *testing.T) {
	t.Parallel()
	for _, kind := range faultfs.Kinds {
		for _, mode := range faultfs.Modes {
			disk, faulty, f := setUp(t)
			before := state(disk)
			faulty.Inject(faultfs.Fault{Kinds: []faultfs.Kind{kind}, Mode: mode, Err: syscall.ENOSPC})
			if err := operations[kind](faulty, f); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s, %s: %v; want ENOSPC", kind, mode, err)
			}
			if len(faulty.Struck()) != 1 {
				t.Errorf("%s, %s: struck %v", kind, mode, faulty.Struck())
			}

			clean, passing, g := setUp(t)
			if err := operations[kind](passing, g); err != nil {
				t.Fatalf("%s without a fault: %v", kind, err)
			}
			want := before
			switch {
			case mode == faultfs.FailAfter || mode == faultfs.DieAfter:
				want = state(clean)
			case mode == faultfs.ShortWrite && kind == faultfs.WriteAt:
				want = []string{"/d/a", "wxcd"}
			}
			if got := state(disk); !slices.Equal(got, want) {
				t.Errorf("%s, %s: left %q, want %q", kind, mode, got, want)
			}

			dies := mode == faultfs.DieBefore || mode == faultfs.DieAfter
			if faulty.Died() != dies {
				t.Errorf("%s, %s: Died = %t", kind, mode, faulty.Died())
			}
			for _, next := range faultfs.Kinds {
				err := operations[next](faulty, f)
				if errors.Is(err, faultfs.ErrDied) != dies {
					t.Errorf("%s, %s, then %s: %v", kind, mode, next, err)
				}
			}
			if err := f.Close(); errors.Is(err, faultfs.ErrDied) != dies {
				t.Errorf("%s, %s, then close: %v", kind, mode, err)
			}
		}
	}
}

func TestWhichOperationIsStruck(t *testing.T) {
	t.Parallel()
	_, faulty, f := setUp(t)
	if n := faulty.Count(); n != 0 {
		t.Fatalf("Count = %d after Reset", n)
	}
	faulty.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.WriteAt, faultfs.Sync}, Suffix: "/a", N: 3})
	faulty.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Stat}, N: 2, Sticky: true})
	var failed []int
	for i := range 6 {
		if second(f.WriteAt([]byte("x"), 0)) != nil {
			failed = append(failed, i)
		}
	}
	if !slices.Equal(failed, []int{2}) {
		t.Errorf("writes %v failed; want the third only", failed)
	}
	failed = nil
	for i := range 4 {
		if second(faulty.Stat("/d/a")) != nil {
			failed = append(failed, i)
		}
	}
	if !slices.Equal(failed, []int{1, 2, 3}) {
		t.Errorf("stats %v failed; want all from the second", failed)
	}
	if n := faulty.Count(faultfs.WriteAt); n != 6 {
		t.Errorf("Count(WriteAt) = %d", n)
	}
	if n := faulty.Count(); n != 10 {
		t.Errorf("Count() = %d", n)
	}
	faulty.Reset()
	if err := second(faulty.Stat("/d/a")); err != nil || len(faulty.Struck()) != 0 {
		t.Errorf("after Reset: %v, %v", err, faulty.Struck())
	}
	faulty.Inject(faultfs.Fault{Suffix: ".log"})
	if err := faulty.Rename("/d/a", "/d/a.txt"); err != nil {
		t.Errorf("a rename of other files: %v", err)
	}
	if err := faulty.Rename("/d/a.txt", "/d/a.log"); !errors.Is(err, syscall.EIO) {
		t.Errorf("a rename to the suffix: %v", err)
	}
}

// A Sync that fails, and then one that does not, prove nothing.
func TestFailedSyncLosesTheWrites(t *testing.T) {
	t.Parallel()
	disk, faulty, f := setUp(t)
	faulty.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Sync}})
	if _, err := f.WriteAt([]byte("gone"), 0); err != nil {
		t.Fatal(err)
	}
	if f.Sync() == nil {
		t.Fatal("Sync gave no error")
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if got, _ := disk.CrashKeeping().ReadFile("/d/a"); string(got) != "abcd" {
		t.Errorf("after the crash the file holds %q", got)
	}
}

func setUp(t *testing.T) (*memfs.FS, *faultfs.FS, durable.File) {
	t.Helper()
	disk := memfs.New(0)
	if err := disk.MkdirAll("/d", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(disk, "/d/a", []byte("abcd"), 0o600); err != nil {
		t.Fatal(err)
	}
	faulty := faultfs.New(disk)
	f, err := faulty.OpenFile("/d/a", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	faulty.Reset()
	return disk, faulty, f
}

// state is all that a test can see of a file system.
func state(disk *memfs.FS) []string {
	var s []string
	for _, name := range disk.Names() {
		data, _ := disk.ReadFile(name)
		s = append(s, name, string(data))
	}
	for _, dir := range []string{"/d/e"} {
		if _, err := disk.Stat(dir); err == nil {
			s = append(s, dir)
		}
	}
	return s
}

func second[T any](_ T, err error) error { return err }
