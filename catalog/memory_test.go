package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cairn/catalog"
)

// Opening a catalog that was closed cleanly does not take memory in proportion
// to it. The test counts what the whole process allocates, and so runs alone.
func TestOpenTakesLittleMemory(t *testing.T) {
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	rows := catalog.TableOf[string](c, "rows")
	for i := range 16 {
		ok(rows.Put(fmt.Sprint(i), strings.Repeat("x", 1<<20)))(t)
	}
	must(t, c.Close())
	size := ok(os.Stat(filepath.Join(dir, "catalog.db")))(t).Size()
	allocated := func(do func()) int64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return int64(after.TotalAlloc - before.TotalAlloc)
	}
	if n := allocated(func() {
		must(t, ok(catalog.OpenReadOnly(dir))(t).Close())
	}); n > size/8 {
		t.Errorf("OpenReadOnly of %d bytes allocates %d", size, n)
	}
	if n := allocated(func() {
		c = open(t, catalog.Config{Dir: dir})
	}); n > size/8 {
		t.Errorf("Open of %d bytes allocates %d", size, n)
	}
	must(t, c.Close())
}
