package memfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"cairn/internal/durable"
	"cairn/internal/durable/memfs"
)

func TestUnsyncedNameIsLost(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	f := d.create("/d/a")
	d.write(f, "kept", 0)
	must(t, f.Sync())
	if names := d.Clone().CrashLosing().Names(); len(names) != 0 {
		t.Errorf("a file without SyncDir survived: %v", names)
	}
	must(t, d.SyncDir("/d"))
	if got := content(t, d.Clone().CrashLosing(), "/d/a"); got != "kept" {
		t.Errorf("the file holds %q after Sync and SyncDir", got)
	}
	must(t, d.Rename("/d/a", "/d/b"))
	if names := d.Clone().CrashLosing().Names(); !slices.Equal(names, []string{"/d/a"}) {
		t.Errorf("an unsynced rename survived: %v", names)
	}
	if names := d.Clone().CrashKeeping().Names(); !slices.Equal(names, []string{"/d/b"}) {
		t.Errorf("CrashKeeping lost a rename: %v", names)
	}
	must(t, d.SyncDir("/d"))
	must(t, d.Remove("/d/b"))
	if names := d.Clone().CrashLosing().Names(); !slices.Equal(names, []string{"/d/b"}) {
		t.Errorf("an unsynced removal survived: %v", names)
	}
}

// Directory changes survive in order: a state after a crash is one that the
// directory had at some time.
func TestDirectoryChangesSurviveInOrder(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(200) {
		d := newDisk(t)
		states := []string{fmt.Sprint(d.Names())}
		for i := range 4 {
			must(t, d.create(fmt.Sprintf("/d/%d.tmp", i)).Close())
			states = append(states, fmt.Sprint(d.Names()))
			must(t, d.Rename(fmt.Sprintf("/d/%d.tmp", i), fmt.Sprintf("/d/%d", i)))
			states = append(states, fmt.Sprint(d.Names()))
		}
		got := fmt.Sprint(d.Crash(rng(seed)).Names())
		if !slices.Contains(states, got) {
			t.Fatalf("seed %d left %s, which the directory never held", seed, got)
		}
		seen[got] = true
	}
	if len(seen) != 9 {
		t.Errorf("200 seeds left %d of the 9 states", len(seen))
	}
}

func TestRenameAcrossDirectoriesIsAtomic(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(100) {
		d := newDisk(t)
		must(t, d.MkdirAll("/e", 0o755))
		d.put("/d/a", "x")
		must(t, d.create("/e/other").Close())
		must(t, d.Rename("/d/a", "/e/a"))
		must(t, d.create("/d/other").Close())
		names := d.Crash(rng(seed)).Names()
		if slices.Contains(names, "/d/a") == slices.Contains(names, "/e/a") {
			t.Fatalf("seed %d left %v: the file is in both places or in none", seed, names)
		}
		seen[fmt.Sprint(names)]++
	}
	if len(seen) < 3 {
		t.Errorf("100 seeds left only %v", seen)
	}
	d := newDisk(t)
	must(t, d.MkdirAll("/e", 0o755))
	d.put("/d/a", "x")
	must(t, d.Rename("/d/a", "/e/a"))
	must(t, d.SyncDir("/d"))
	if names := d.CrashLosing().Names(); !slices.Equal(names, []string{"/e/a"}) {
		t.Errorf("after SyncDir of the one directory: %v", names)
	}
}

// Each sector holds what it held at some time, synced bytes stay, and torn
// states do come up.
func TestUnsyncedWritesAreTorn(t *testing.T) {
	t.Parallel()
	synced := strings.Repeat("s", 700)
	torn, lengths := 0, map[int]bool{}
	for seed := range uint64(300) {
		d := newDisk(t)
		f := d.create("/d/a")
		must(t, d.SyncDir("/d"))
		d.write(f, synced, 0)
		must(t, f.Sync())
		d.write(f, strings.Repeat("1", 2000), 700)
		d.write(f, strings.Repeat("2", 1000), 1000)
		live := content(t, d.FS, "/d/a")

		got := content(t, d.Crash(rng(seed)), "/d/a")
		if !strings.HasPrefix(got, synced) {
			t.Fatalf("seed %d lost synced bytes", seed)
		}
		if len(got) < 700 || len(got) > 2700 {
			t.Fatalf("seed %d left %d bytes, between 700 and 2700 expected", seed, len(got))
		}
		lengths[len(got)] = true
		first := synced + strings.Repeat("1", 2000)
		zero := synced + strings.Repeat("\x00", 2000)
		for at := 0; at < len(got); at += 512 {
			to := min(at+512, len(got))
			if s := got[at:to]; s != zero[at:to] && s != first[at:to] && s != live[at:to] {
				t.Fatalf("seed %d: the sector at %d holds what it never held", seed, at)
			}
		}
		if got != live[:len(got)] && got != zero[:len(got)] {
			torn++
		}
	}
	if torn < 50 || len(lengths) < 50 {
		t.Errorf("of 300 seeds %d were torn, with %d lengths: the model is too kind", torn, len(lengths))
	}
}

func TestTruncateIsNotDurableAtOnce(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put("/d/a", strings.Repeat("x", 2000))
	f := d.open("/d/a", os.O_RDWR)
	must(t, f.Truncate(100))
	must(t, f.Truncate(1000))
	if got := content(t, d.Clone().CrashLosing(), "/d/a"); got != strings.Repeat("x", 2000) {
		t.Errorf("an unsynced truncate survived: %d bytes", len(got))
	}
	want := strings.Repeat("x", 100) + strings.Repeat("\x00", 900)
	if got := content(t, d.Clone().CrashKeeping(), "/d/a"); got != want {
		t.Errorf("CrashKeeping left %d bytes", len(got))
	}
	must(t, f.Sync())
	if got := content(t, d.CrashLosing(), "/d/a"); got != want {
		t.Errorf("a synced truncate was lost: %d bytes", len(got))
	}
}

func TestCrashRepeatsWithItsSeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		d := newDisk(t)
		must(t, d.MkdirAll("/e", 0o755))
		for i := range 6 {
			f := d.create(fmt.Sprintf("/%c/%d", "de"[i%2], i))
			d.write(f, strings.Repeat("abc", 1000), int64(i))
		}
		must(t, d.Rename("/d/0", "/e/0"))
		one, two := d.Clone().Crash(rng(seed)), d.Clone().Crash(rng(seed))
		if a, b := dump(t, one), dump(t, two); a != b {
			t.Fatalf("seed %d gave two results", seed)
		}
	}
}

func TestHandlesAreDeadAfterCrash(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put("/d/a", "x")
	f := d.open("/d/a", os.O_RDWR)
	held, err := d.Lock("/d/LOCK")
	must(t, err)
	next := d.CrashLosing()
	for name, err := range map[string]error{
		"WriteAt": second(f.WriteAt([]byte("y"), 0)), "ReadAt": second(f.ReadAt(make([]byte, 1), 0)), "Sync": f.Sync(), "Truncate": f.Truncate(0),
		"Close": f.Close(), "Stat": second(d.Stat("/d/a")), "OpenFile": second(d.OpenFile("/d/a", os.O_RDONLY, 0)), "Rename": d.Rename("/d/a", "/d/b"),
		"Remove": d.Remove("/d/a"), "SyncDir": d.SyncDir("/d"), "MkdirAll": d.MkdirAll("/x", 0o755), "ReadDir": second(d.ReadDir("/")),
		"Map": second(d.Map("/d/a")), "Free": second(d.Free("/")),
	} {
		if !errors.Is(err, memfs.ErrPowerCut) {
			t.Errorf("%s after the crash: %v", name, err)
		}
	}
	if _, err := next.Lock("/d/LOCK"); err != nil {
		t.Errorf("the lock outlived the crash: %v", err)
	}
	must(t, held.Close())
	if content(t, next, "/d/a") != "x" {
		t.Error("the old handle wrote to the new file system")
	}
}

func TestLostWritesStayLost(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put("/d/a", "aaaa")
	f := d.open("/d/a", os.O_RDWR)
	d.write(f, "bb", 0)
	f.(interface{ LoseUnsynced() }).LoseUnsynced()
	d.write(f, "cc", 4)
	must(t, f.Sync())
	if got := content(t, d.FS, "/d/a"); got != "bbaacc" {
		t.Errorf("the file reads %q before the crash", got)
	}
	if got := content(t, d.CrashKeeping(), "/d/a"); got != "aaaacc" {
		t.Errorf("after the crash the file holds %q", got)
	}
}

func TestCapacity(t *testing.T) {
	t.Parallel()
	d := &disk{memfs.New(100), t}
	f := d.create("/a")
	n, err := f.WriteAt(make([]byte, 150), 0)
	var pathError *fs.PathError
	if n != 100 || !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &pathError) {
		t.Errorf("WriteAt = %d, %v; want 100 and ENOSPC", n, err)
	}
	if n, err := f.WriteAt([]byte("in place"), 90); n != 8 || err != nil {
		t.Errorf("overwriting on a full disk: %d, %v", n, err)
	}
	if n, err := f.WriteAt([]byte("x"), 200); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing beyond the end of a full disk: %d, %v", n, err)
	}
	if err := f.Truncate(101); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("growing on a full disk: %v", err)
	}
	if _, err := d.Clone().OpenFile("/b", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		t.Errorf("creating an empty file on a full disk: %v", err)
	}
	must(t, d.Remove("/a"))
	if free, _ := d.Free("/"); free != 0 {
		t.Errorf("%d bytes are free while the removed file is open", free)
	}
	m := d.create("/m")
	must(t, f.Close())
	d.write(m, "mapped", 0)
	mapped, err := d.Map("/m")
	must(t, err)
	must(t, d.Remove("/m"))
	must(t, m.Close())
	if free, _ := d.Free("/"); free != 94 {
		t.Errorf("%d bytes are free, want 94 while the removed file is mapped", free)
	}
	must(t, mapped.Close())
	if free, _ := d.Free("/"); free != 100 {
		t.Errorf("%d bytes are free at the end, want 100", free)
	}
	d.SetCapacity(10)
	if free, _ := d.Free("/"); free != 10 {
		t.Errorf("%d bytes are free after SetCapacity(10)", free)
	}
	d.put("/r", "12345")
	must(t, d.Rename("/r", "/s"))
	after := d.CrashKeeping()
	if free, _ := after.Free("/"); free != 5 {
		t.Errorf("%d bytes are free after a rename and a crash, want 5", free)
	}
}

func TestMappingIsASnapshot(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put("/d/a", "before")
	m, err := d.Map("/d/a")
	must(t, err)
	f := d.open("/d/a", os.O_RDWR)
	d.write(f, "after, and longer", 0)
	must(t, f.Truncate(2))
	must(t, d.Corrupt("/d/a", 0, 0xff))
	if string(m.Bytes()) != "before" {
		t.Errorf("the mapping reads %q", m.Bytes())
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put("/d/a", "aaa")
	must(t, d.Corrupt("/d/a", 1, 1))
	if got := content(t, d.FS, "/d/a"); got != "a`a" {
		t.Errorf("the file reads %q", got)
	}
	if err := d.Corrupt("/d/a", 3, 1); err == nil {
		t.Error("a byte beyond the end was corrupted")
	}
	if got := content(t, d.CrashLosing(), "/d/a"); got != "a`a" {
		t.Errorf("after the crash the file reads %q", got)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.put("/d/a", "base")
	f := d.open("/d/a", os.O_RDWR)
	d.write(f, "+", 4)
	c := &disk{d.Clone(), t}
	g := c.open("/d/a", os.O_RDWR)
	c.write(g, "clone", 5)
	d.write(f, "origin", 5)
	d.write(f, "B", 0)
	if a, b := content(t, d.FS, "/d/a"), content(t, c.FS, "/d/a"); a != "Base+origin" || b != "base+clone" {
		t.Errorf("original %q, clone %q", a, b)
	}
	if a, b := content(t, d.CrashLosing(), "/d/a"), content(t, c.CrashLosing(), "/d/a"); a != "base" || b != "base" {
		t.Errorf("after crashes: original %q, clone %q", a, b)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("/d/%d", i)
			for range 50 {
				d.put(name, "x")
				m, err := d.Map(name)
				must(t, err)
				if !bytes.Equal(m.Bytes(), []byte("x")) {
					t.Error("a mapping of another file")
				}
				m.Close()
				d.Clone().Crash(rng(uint64(i)))
			}
		})
	}
	wg.Wait()
}

// disk is a file system with shorter calls.
type disk struct {
	*memfs.FS
	t *testing.T
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{memfs.New(0), t}
	must(t, d.MkdirAll("/d", 0o755))
	return d
}

func (d *disk) open(name string, flag int) durable.File {
	d.t.Helper()
	f, err := d.OpenFile(name, flag, 0o600)
	if err != nil {
		d.t.Error(err)
	}
	return f
}

func (d *disk) create(name string) durable.File { return d.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL) }

func (d *disk) write(f durable.File, data string, off int64) {
	d.t.Helper()
	if _, err := f.WriteAt([]byte(data), off); err != nil {
		d.t.Error(err)
	}
}

func (d *disk) put(name, data string) {
	d.t.Helper()
	if err := durable.WriteFile(d.FS, name, []byte(data), 0o600); err != nil {
		d.t.Error(err)
	}
}

func dump(t *testing.T, f *memfs.FS) string {
	t.Helper()
	var b strings.Builder
	for _, name := range f.Names() {
		fmt.Fprintf(&b, "%s %q\n", name, content(t, f, name))
	}
	return b.String()
}

func content(t *testing.T, f *memfs.FS, name string) string {
	t.Helper()
	data, err := f.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func second[T any](_ T, err error) error { return err }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
