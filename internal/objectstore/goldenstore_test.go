package objectstore_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"cairn/internal/objectstore"
)

// A store that the first release wrote is read by every later one.
func TestGoldenStore(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "v1")
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		os.RemoveAll(golden)
		small(t, golden)
		os.Remove(filepath.Join(golden, "lock"))
	}
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(golden)); err != nil {
		t.Fatal(err)
	}
	filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error { return os.Chmod(path, 0o700) })
	s := open(t, objectstore.Config{Dir: dir})
	for key, want := range map[string][]byte{
		"inlinefalse": bytesOf(40, 40), "inlinetrue": bytesOf(40, 40), "filefalse": bytesOf(4200, 4200), "filetrue": bytesOf(4200, 4200), "parts": []byte("onetwo"),
	} {
		got, err := read(s, ref(key, ""), bytesOf(5, 32))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, want %d (%v)", key, len(got), len(want), err)
		}
	}
	noDamage(t, s)
	put(t, s, "new", bytesOf(1, 10000))
	noDamage(t, s)
}
