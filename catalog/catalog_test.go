package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cairn/catalog"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type trail struct {
	Name string
	On   bool
}

func TestTable(t *testing.T) {
	t.Parallel()
	c := open(t, catalog.Config{Dir: t.TempDir()})
	trails := catalog.TableOf[trail](c, "trails")

	if _, _, err := trails.Get("a"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("Get of a missing row: %v", err)
	}
	if _, err := trails.CompareAndSet("a", 7, trail{}); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("CompareAndSet of a missing row with a revision: %v", err)
	}
	r1 := ok(trails.CompareAndSet("a", 0, trail{Name: "a"}))(t)
	if _, err := trails.CompareAndSet("a", 0, trail{}); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("CompareAndSet(0) of an existing row: %v", err)
	}
	r2 := ok(trails.CompareAndSet("a", r1, trail{"a", true}))(t)
	if r1 == 0 || r2 <= r1 {
		t.Errorf("revisions %d, %d do not grow", r1, r2)
	}
	for name, err := range map[string]error{"CompareAndSet": second(trails.CompareAndSet("a", r1, trail{})), "Delete": trails.Delete("a", r1), "Delete 0": trails.Delete("a", 0)} {
		if !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), `"a"`) || !strings.Contains(err.Error(), "trails") {
			t.Errorf("%s with an old revision: %v", name, err)
		}
	}
	if v, rev, err := trails.Get("a"); err != nil || rev != r2 || v != (trail{"a", true}) {
		t.Errorf("Get = %v, %d, %v", v, rev, err)
	}
	must(t, trails.Delete("a", r2))
	if err := trails.Delete("a", catalog.AnyRevision); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("Delete of a missing row: %v", err)
	}
	// A row made again has no revision that an earlier one had.
	r3 := ok(trails.CompareAndSet("a", 0, trail{}))(t)
	if r3 <= r2 {
		t.Errorf("revision %d came again as %d", r2, r3)
	}
	r4 := ok(trails.Put("a", trail{Name: "put"}))(t)
	must(t, trails.Delete("a", catalog.AnyRevision))
	if r4 <= r3 {
		t.Errorf("Put gave revision %d after %d", r4, r3)
	}
	for _, key := range []string{"", strings.Repeat("k", catalog.MaxKeyBytes+1)} {
		if _, err := trails.Put(key, trail{}); err == nil {
			t.Errorf("a key of %d bytes was taken", len(key))
		}
	}
	if _, err := catalog.TableOf[func()](c, "functions").Put("f", nil); err == nil {
		t.Error("a value that JSON cannot hold was taken")
	}
}

func TestRowsSurviveReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	rev := ok(catalog.TableOf[trail](c, "trails").Put("a", trail{"a", true}))(t)
	must(t, c.Close())
	must(t, c.Close())
	if _, err := catalog.TableOf[trail](c, "trails").Put("a", trail{}); err == nil {
		t.Error("a closed catalog took a row")
	}

	c = open(t, catalog.Config{Dir: dir})
	if v, r, err := catalog.TableOf[trail](c, "trails").Get("a"); err != nil || r != rev || v != (trail{"a", true}) {
		t.Errorf("Get = %v, %d, %v", v, r, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "catalog.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("catalog.db: %v, %v", info.Mode(), err)
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	numbers := catalog.TableOf[int](c, "numbers")
	for range numbers.Scan("") {
		t.Error("a row in a table that does not exist")
	}
	must(t, c.Close())
	fill(t, dir, 600) // more than one batch
	c = open(t, catalog.Config{Dir: dir})
	numbers = catalog.TableOf[int](c, "numbers")

	next := 0
	for row, err := range numbers.Scan("") {
		must(t, err)
		if row.Value != next || row.Key != fmt.Sprintf("%04d", next) || row.Revision == 0 {
			t.Fatalf("row %d is %v", next, row)
		}
		if next == 10 { // changing the table within the scan
			ok(numbers.CompareAndSet(row.Key, row.Revision, 10))(t)
		}
		next++
	}
	if next != 600 {
		t.Errorf("Scan gave %d rows of 600", next)
	}
	var some []string
	for row := range numbers.Scan("025") {
		some = append(some, row.Key)
		if len(some) == 4 {
			break
		}
	}
	if fmt.Sprint(some) != "[0250 0251 0252 0253]" {
		t.Errorf("Scan of a prefix gave %v", some)
	}
}

// fill makes n rows whose keys are their numbers, and closes the catalog.
func fill(t *testing.T, dir string, n int) {
	t.Helper()
	c := open(t, catalog.Config{Dir: dir})
	numbers := catalog.TableOf[int](c, "numbers")
	for i := range n {
		ok(numbers.Put(fmt.Sprintf("%04d", i), i))(t)
	}
	must(t, c.Close())
}

func TestKey(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	parts := []string{"", "/", "%", "a", "a/b", "a%2Fb", "%2F", "//"}
	for _, a := range parts {
		for _, list := range [][]string{{a}, {a, "a"}, {"a", a}, {a, a}, {a, "", a}} {
			key, text := catalog.Key(list...), fmt.Sprintf("%q", list)
			if was, ok := seen[key]; ok && was != text {
				t.Errorf("%s and %s make the same key %q", was, text, key)
			}
			seen[key] = text
			if got := fmt.Sprintf("%q", catalog.SplitKey(key)); got != text {
				t.Errorf("SplitKey(%q) = %s, want %s", key, got, text)
			}
			if strings.HasPrefix(key, catalog.KeyPrefix("a")) != (len(list) > 1 && list[0] == "a") {
				t.Errorf("the prefix for a and the key of %s", text)
			}
		}
	}
}

// Many writers add to one row; each addition must count once.
func TestCompareAndSetRace(t *testing.T) {
	t.Parallel()
	c := open(t, catalog.Config{Dir: t.TempDir()})
	counter := catalog.TableOf[int](c, "counter")
	const writers, each = 6, 15
	var conflicts atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < each; {
				n, rev, err := counter.Get("n")
				if err != nil && !errors.Is(err, catalog.ErrNotFound) {
					t.Error(err)
					return
				}
				switch _, err := counter.CompareAndSet("n", rev, n+1); {
				case err == nil:
					done++
				case errors.Is(err, catalog.ErrConflict):
					conflicts.Add(1)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n, _, err := counter.Get("n"); err != nil || n != writers*each {
		t.Errorf("the counter is %d, %v; want %d", n, err, writers*each)
	}
	t.Logf("%d conflicts", conflicts.Load())
}

func TestLeases(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := open(t, catalog.Config{Dir: t.TempDir(), Now: func() time.Time { return clock }})

	one := ok(c.Acquire("digest", "one", time.Minute))(t)
	var held *catalog.HeldError
	if _, err := c.Acquire("digest", "two", time.Minute); !errors.As(err, &held) || held.Holder != "one" || !held.Until.Equal(clock.Add(time.Minute)) {
		t.Errorf("Acquire of a held lease: %v", err)
	}
	ok(c.Acquire("other", "two", time.Minute))(t)

	clock = clock.Add(59 * time.Second)
	must(t, one.Renew(time.Minute))
	clock = clock.Add(59 * time.Second)
	if _, err := c.Acquire("digest", "two", time.Minute); !errors.As(err, &held) {
		t.Errorf("Acquire after a renewal: %v", err)
	}
	clock = clock.Add(time.Second)
	two := ok(c.Acquire("digest", "two", time.Minute))(t)
	if two.Revision <= one.Revision {
		t.Errorf("revision %d after %d", two.Revision, one.Revision)
	}
	for name, err := range map[string]error{"Renew": one.Renew(time.Minute), "Release": one.Release()} {
		if !errors.Is(err, catalog.ErrLeaseLost) {
			t.Errorf("%s of a lost lease: %v", name, err)
		}
	}
	// One that ran out, and that nobody took, is still good.
	clock = clock.Add(time.Hour)
	must(t, two.Renew(time.Minute))
	// A holder that starts anew takes its lease again.
	again := ok(c.Acquire("digest", "two", time.Minute))(t)
	if err := two.Renew(time.Minute); !errors.Is(err, catalog.ErrLeaseLost) {
		t.Errorf("Renew of a lease that its holder took again: %v", err)
	}
	must(t, again.Release())
	if err := again.Release(); !errors.Is(err, catalog.ErrLeaseLost) {
		t.Errorf("second Release: %v", err)
	}
	ok(c.Acquire("digest", "one", time.Minute))(t)
	if _, err := c.Acquire("x", "one", 0); err == nil {
		t.Error("a lease for no time was given")
	}
}

func TestLeaseRace(t *testing.T) {
	t.Parallel()
	c := open(t, catalog.Config{Dir: t.TempDir()})
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := c.Acquire("one", fmt.Sprint(i), time.Hour)
			var held *catalog.HeldError
			if err == nil {
				won.Add(1)
			} else if !errors.As(err, &held) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d holders have the lease", won.Load())
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	calls := map[string]func() error{
		"Open":          func() error { return second(catalog.Open(catalog.Config{Dir: dir})) },
		"OpenReadOnly":  func() error { return second(catalog.OpenReadOnly(dir)) },
		"Check":         func() error { return second(catalog.Check(dir)) },
		"ReadVerifiers": func() error { return second(catalog.ReadVerifiers(dir)) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, catalog.ErrLocked) {
			t.Errorf("%s while the catalog is open: %v", name, err)
		}
	}
	must(t, c.Close())
	before := state(t, dir)
	reader := ok(catalog.OpenReadOnly(dir))(t)
	if err := calls["Open"](); !errors.Is(err, catalog.ErrLocked) {
		t.Errorf("Open while the catalog is read: %v", err)
	}
	for _, name := range []string{"OpenReadOnly", "Check", "ReadVerifiers"} {
		if name == "OpenReadOnly" {
			other := ok(catalog.OpenReadOnly(dir))(t)
			must(t, other.Close())
		} else if err := calls[name](); err != nil {
			t.Errorf("%s while the catalog is read: %v", name, err)
		}
	}
	must(t, reader.Close())
	if after := state(t, dir); after != before {
		t.Errorf("reading changed the directory from\n%s to\n%s", before, after)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	ok(catalog.TableOf[trail](c, "trails").Put("a", trail{Name: "a"}))(t)
	must(t, c.Close())
	must(t, os.Remove(filepath.Join(dir, "master.key")))

	r := ok(catalog.OpenReadOnly(dir))(t)
	defer r.Close()
	if v, _, err := catalog.TableOf[trail](r, "trails").Get("a"); err != nil || v.Name != "a" {
		t.Errorf("Get = %v, %v", v, err)
	}
	for name, err := range map[string]error{
		"Put": second(catalog.TableOf[trail](r, "trails").Put("a", trail{})), "Seal": second(r.Keyring().Seal("p", "r", nil)),
		"Open": second(r.Keyring().Open("p", "r", nil)), "Acquire": second(r.Acquire("l", "h", time.Second)),
		"Rotate": r.Keyring().Rotate(catalog.NewMasterKey()), "NewDataKey": r.Keyring().NewDataKey(), "NewSigningKey": r.NewSigningKey("k"),
	} {
		if !errors.Is(err, catalog.ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := catalog.OpenReadOnly(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenReadOnly of an empty directory: %v", err)
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), catalog.NewMasterKey()
	c := open(t, catalog.Config{Dir: dir, MasterKey: key})
	rows := catalog.TableOf[int](c, "numbers")
	ok(rows.Put("a", 1))(t)
	var copied bytes.Buffer
	if n, err := c.Snapshot(&copied); err != nil || n != int64(copied.Len()) {
		t.Fatalf("Snapshot = %d, %v; %d bytes were written", n, err, copied.Len())
	}
	ok(rows.Put("a", 2))(t)

	other := t.TempDir()
	must(t, os.WriteFile(filepath.Join(other, "catalog.db"), copied.Bytes(), 0o600))
	report := ok(catalog.Check(other))(t)
	if len(report.Problems) != 0 || report.Clean || len(report.Notes) != 1 {
		t.Errorf("Check of a snapshot: %+v", report)
	}
	restored := open(t, catalog.Config{Dir: other, MasterKey: key})
	if n, _, err := catalog.TableOf[int](restored, "numbers").Get("a"); err != nil || n != 1 {
		t.Errorf("the snapshot holds %d, %v", n, err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	ok(catalog.TableOf[map[string]any](c, "format").Put("format", map[string]any{"format": "cairn-catalog", "version": 2, "more": true}))(t)
	must(t, c.Close())
	before := state(t, dir)
	for name, err := range map[string]error{"Open": second(catalog.Open(catalog.Config{Dir: dir})), "OpenReadOnly": second(catalog.OpenReadOnly(dir))} {
		var newer *catalog.NewerFormatError
		if !errors.As(err, &newer) || newer.Found != 2 || newer.Known != 1 {
			t.Errorf("%s of a newer format: %v", name, err)
		}
	}
	if after := state(t, dir); after != before {
		t.Errorf("the refusal changed the directory from\n%s to\n%s", before, after)
	}
}

func TestForeignFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "catalog.db")
	db := ok(bbolt.Open(path, 0o600, nil))(t)
	must(t, db.Close())
	for what, content := range map[string][]byte{"another bbolt file": ok(os.ReadFile(path))(t), "an empty file": {}, "text": []byte(strings.Repeat("not a database ", 5000))} {
		must(t, os.WriteFile(path, content, 0o600))
		var damage *catalog.DamageError
		if _, err := catalog.Open(catalog.Config{Dir: dir}); !errors.As(err, &damage) || damage.File != path {
			t.Errorf("Open of %s: %v", what, err)
		}
		if after := ok(os.ReadFile(path))(t); !bytes.Equal(after, content) {
			t.Errorf("Open of %s changed it", what)
		}
	}
}

// A crash while a catalog is being made leaves none, and the next Open makes it.
func TestCrashWhileCreating(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "catalog.db.new"), []byte("half"), 0o600))
	must(t, catalog.WriteMasterKeyFile(filepath.Join(dir, "master.key"), catalog.NewMasterKey()))
	c := open(t, catalog.Config{Dir: dir})
	must(t, c.Close())
	if report := ok(catalog.Check(dir))(t); !report.Clean || len(report.Problems) != 0 {
		t.Errorf("Check: %+v", report)
	}
}

func open(t *testing.T, cfg catalog.Config) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// state is the names and contents of a directory.
func state(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, entry := range ok(os.ReadDir(dir))(t) {
		fmt.Fprintf(&b, "%s %x\n", entry.Name(), ok(os.ReadFile(filepath.Join(dir, entry.Name())))(t))
	}
	return b.String()
}

func logTo(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func ok[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func second[T any](_ T, err error) error { return err }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
