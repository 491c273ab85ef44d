package catalog_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cairn/catalog"

	"go.etcd.io/bbolt"
)

var long = flag.Bool("long", false, "run the tests that need minutes at their full figures")

// steps is the figure for an ordinary run, one with -short, or one with -long.
func steps(ordinary, short, full int) int {
	switch {
	case *long:
		return full
	case testing.Short():
		return short
	}
	return ordinary
}

// sample makes the files of a catalog that was closed: a table with many rows,
// one with a row too large for a page, one with a small row, and a signing key.
func sample(t *testing.T) (dir string, db []byte) {
	t.Helper()
	dir = t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	_, _, err := c.SigningKey("cairn/test")
	must(t, err)
	ok(catalog.TableOf[trail](c, "trails").Put("a", trail{"a", true}))(t)
	ok(catalog.TableOf[string](c, "large").Put("large", strings.Repeat("large ", 1500)))(t)
	ok(catalog.TableOf[string](c, "gone").Put("x", strings.Repeat("gone ", 1500)))(t)
	must(t, catalog.TableOf[string](c, "gone").Delete("x", catalog.AnyRevision))
	numbers := catalog.TableOf[string](c, "numbers")
	for i := range 60 {
		ok(numbers.Put(fmt.Sprintf("%04d", i), strings.Repeat("number ", 30)))(t)
	}
	must(t, c.Close())
	return dir, ok(os.ReadFile(filepath.Join(dir, "catalog.db")))(t)
}

func TestCheckOfSoundCatalogs(t *testing.T) {
	t.Parallel()
	dir, _ := sample(t)
	before := state(t, dir)
	if r := ok(catalog.Check(dir))(t); !r.Clean || len(r.Problems) != 0 || len(r.Notes) != 0 || r.Rows < 66 {
		t.Errorf("Check after a clean close: %+v", r)
	}
	if after := state(t, dir); after != before {
		t.Error("Check changed the directory")
	}

	// While it is open, the digest is gone, and so it is after a crash.
	c := open(t, catalog.Config{Dir: dir})
	if _, err := os.Stat(filepath.Join(dir, "catalog.db.sha256")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the digest is there while the catalog is open: %v", err)
	}
	crashed := t.TempDir()
	must(t, os.CopyFS(crashed, os.DirFS(dir)))
	must(t, c.Close())
	if r := ok(catalog.Check(crashed))(t); r.Clean || len(r.Problems) != 0 || len(r.Notes) != 1 {
		t.Errorf("Check after a crash: %+v", r)
	}
	again := open(t, catalog.Config{Dir: crashed, MasterKeyFile: filepath.Join(dir, "master.key")})
	must(t, again.Close())
	if r := ok(catalog.Check(crashed))(t); !r.Clean || len(r.Problems) != 0 {
		t.Errorf("Check after the restart: %+v", r)
	}
}

// TestEveryFlippedByteIsFound flips a bit in every byte of a cleanly closed
// catalog, another bit from byte to byte, and every bit of the digest.
//
// Every fifth byte is enough for each commit; -long takes them all.
func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	_, _, err := c.SigningKey("cairn/test")
	must(t, err)
	must(t, c.Close())
	path := filepath.Join(dir, "catalog.db")
	db, digest := ok(os.ReadFile(path))(t), ok(os.ReadFile(path+".sha256"))(t)
	step := steps(5, 41, 1)
	for at := 0; at < len(db); at += step {
		flip(t, path, at, 1<<((at+at/8)%8))
		if r := ok(catalog.Check(dir))(t); len(r.Problems) == 0 || r.Clean || r.Problems[0].File != path {
			t.Fatalf("a bit of byte %d is flipped: %+v", at, r)
		}
		flip(t, path, at, 1<<((at+at/8)%8))
	}
	path += ".sha256"
	for bit := range len(digest) * 8 {
		flip(t, path, bit/8, 1<<(bit%8))
		if r := ok(catalog.Check(dir))(t); len(r.Problems) == 0 || r.Problems[0].File != path {
			t.Fatalf("bit %d of the digest is flipped: %+v", bit, r)
		}
		flip(t, path, bit/8, 1<<(bit%8))
	}
	if r := ok(catalog.Check(dir))(t); len(r.Problems) != 0 {
		t.Errorf("after all flips were undone: %+v", r)
	}
}

// TestDamageWithoutADigest damages the file of a catalog that has crashed, so
// that only structure and rows can tell. Whatever Check, Open and the tables
// say, none may panic, none may return a wrong value, and what Check calls
// sound can be opened and read in whole.
func TestDamageWithoutADigest(t *testing.T) {
	t.Parallel()
	dir, db := sample(t)
	key := ok(catalog.ParseMasterKey(string(ok(os.ReadFile(filepath.Join(dir, "master.key")))(t))))(t)
	path := filepath.Join(dir, "catalog.db")
	seeds := uint64(steps(200, 40, 3000))
	found, unnoticed := 0, 0
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 2))
		damaged := slices.Clone(db)
		switch page := damaged[4096*rng.IntN(len(db)/4096):]; seed % 4 {
		case 0: // a bit anywhere
			damaged[rng.IntN(len(db))] ^= 1 << rng.IntN(8)
		case 1: // a bit in a page's header or first entries
			page[rng.IntN(128)] ^= 1 << rng.IntN(8)
		case 2: // a page of noise behind its header
			for i := range page[16:4096] {
				page[16+i] = byte(rng.Uint32())
			}
		case 3: // cut off, or a page that took another's place
			if rng.IntN(2) == 0 {
				damaged = damaged[:rng.IntN(len(db))]
			} else {
				copy(page[:4096], db[4096*rng.IntN(len(db)/4096):])
			}
		}
		os.Remove(path + ".sha256")
		must(t, os.WriteFile(path, damaged, 0o600))
		report, err := catalog.Check(dir)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(report.Problems) > 0 {
			found++
		} else if !bytes.Equal(damaged, db) {
			unnoticed++
		}
		catalog.ReadVerifiers(dir)
		c, err := catalog.Open(catalog.Config{Dir: dir, MasterKey: key})
		if err != nil {
			if len(report.Problems) == 0 {
				t.Fatalf("seed %d: Check finds nothing, and Open: %v", seed, err)
			}
			continue
		}
		for row, err := range catalog.TableOf[string](c, "numbers").Scan("") {
			var damage *catalog.DamageError
			if err == nil && row.Value != strings.Repeat("number ", 30) || err != nil && !errors.As(err, &damage) {
				t.Fatalf("seed %d: row %q holds %q, %v", seed, row.Key, row.Value, err)
			}
			if err != nil && len(report.Problems) == 0 {
				t.Fatalf("seed %d: Check finds nothing, and a scan: %v", seed, err)
			}
		}
		for name, get := range map[string]func() error{
			"large":  func() error { return second2(catalog.TableOf[string](c, "large").Get("large")) },
			"trails": func() error { return second2(catalog.TableOf[trail](c, "trails").Get("a")) },
			"key":    func() error { return second2(c.SigningKey("cairn/test")) },
		} {
			if err := get(); err != nil && len(report.Problems) == 0 {
				t.Fatalf("seed %d: Check finds nothing, and %s: %v", seed, name, err)
			}
		}
		c.Close()
	}
	if found < int(seeds)/4 {
		t.Errorf("of %d damaged files Check found %d", seeds, found)
	}
	t.Logf("%d damaged files: %d found, %d unnoticed in bytes that are not in use", seeds, found, unnoticed)
}

func TestDamagedRowIsNamed(t *testing.T) {
	t.Parallel()
	dir, db := sample(t)
	path := filepath.Join(dir, "catalog.db")
	must(t, os.Remove(path+".sha256"))
	at := bytes.LastIndex(db, []byte(`0007`))
	for ; at >= 0; at = bytes.LastIndex(db[:at], []byte(`0007`)) {
		flip(t, path, at+20, 4)
	}
	r := ok(catalog.Check(dir))(t)
	if len(r.Problems) != 1 || r.Problems[0].Table != "numbers" || r.Problems[0].Key != "0007" || !strings.Contains(r.Problems[0].String(), `"0007"`) {
		t.Fatalf("Check: %+v", r)
	}
	c := open(t, catalog.Config{Dir: dir})
	numbers := catalog.TableOf[string](c, "numbers")
	_, rev, err := numbers.Get("0007")
	var damage *catalog.DamageError
	if !errors.As(err, &damage) || damage.Table != "numbers" || damage.Key != "0007" {
		t.Errorf("Get: %v", err)
	}
	if _, err := numbers.CompareAndSet("0007", rev, "x"); !errors.As(err, &damage) {
		t.Errorf("CompareAndSet: %v", err)
	}
	rows, damaged := 0, 0
	for row, err := range numbers.Scan("") {
		rows++
		if errors.As(err, &damage) && row.Key == "0007" {
			damaged++
		} else {
			must(t, err)
		}
	}
	if rows != 60 || damaged != 1 {
		t.Errorf("Scan gave %d rows, %d damaged", rows, damaged)
	}
	ok(numbers.Put("0007", "mended"))(t)
	must(t, c.Close())
	if r := ok(catalog.Check(dir))(t); len(r.Problems) != 0 {
		t.Errorf("Check after the repair: %+v", r)
	}
}

// A row that was moved to another key or table is not sound there.
func TestMovedRowIsFound(t *testing.T) {
	t.Parallel()
	dir, _ := sample(t)
	path := filepath.Join(dir, "catalog.db")
	must(t, os.Remove(path+".sha256"))
	db := ok(bbolt.Open(path, 0o600, nil))(t)
	must(t, db.Update(func(tx *bbolt.Tx) error {
		row := tx.Bucket([]byte("trails")).Get([]byte("a"))
		must(t, tx.Bucket([]byte("trails")).Put([]byte("b"), row))
		return tx.Bucket([]byte("gone")).Put([]byte("a"), row)
	}))
	must(t, db.Close())
	r := ok(catalog.Check(dir))(t)
	if len(r.Problems) != 2 || r.Problems[0].Table != "gone" || r.Problems[1].Key != "b" {
		t.Errorf("Check: %+v", r)
	}
}

func TestMissingDatabase(t *testing.T) {
	t.Parallel()
	dir, _ := sample(t)
	must(t, os.Remove(filepath.Join(dir, "catalog.db")))
	if r := ok(catalog.Check(dir))(t); len(r.Problems) != 1 {
		t.Errorf("Check: %+v", r)
	}
	var damage *catalog.DamageError
	if _, err := catalog.Open(catalog.Config{Dir: dir}); !errors.As(err, &damage) {
		t.Errorf("Open: %v", err)
	}
	if _, err := catalog.Check(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Check of an empty directory: %v", err)
	}
}

func flip(t *testing.T, path string, at int, mask byte) {
	t.Helper()
	f := ok(os.OpenFile(path, os.O_RDWR, 0))(t)
	defer f.Close()
	b := []byte{0}
	ok(f.ReadAt(b, int64(at)))(t)
	b[0] ^= mask
	ok(f.WriteAt(b, int64(at)))(t)
}

func second2[T, U any](_ T, _ U, err error) error { return err }
