package objectstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cairn/internal/objectstore"
)

// copyTo writes the files of a snapshot to a new directory.
func copyTo(t *testing.T, n *objectstore.Snapshot) string {
	t.Helper()
	dir := t.TempDir()
	last := ""
	err := n.Files(ctx, func(name string, size int64, r io.Reader) error {
		if last != "" && last != "index.db" && name <= last {
			t.Errorf("%s comes behind %s", name, last)
		}
		last = name
		b, err := io.ReadAll(r)
		if err != nil || int64(len(b)) != size {
			t.Errorf("%s has %d bytes and says %d: %v", name, len(b), size, err)
		}
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			return err
		}
		return os.WriteFile(full, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func contentFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "content"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What a snapshot has is there until it is closed, whatever is deleted
// meanwhile; what came later is not in it.
func TestSnapshotKeepsWhatIsDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	bucket(t, s, "b", objectstore.Unversioned)
	want := map[string][]byte{}
	for n, size := range []int{0, 40, 5000, 70_000, 300_000} {
		key := fmt.Sprint("k", n)
		want[key] = bytesOf(uint64(n), size)
		put(t, s, key, want[key])
	}
	u := upload(t, s, objectstore.NewUpload{Key: "parts"})
	part := putPart(t, s, u, 1, bytesOf(9, 20_000), nil)

	spool := filepath.Join(t.TempDir(), "index")
	n, err := s.Snapshot(spool)
	if err != nil {
		t.Fatal(err)
	}
	for key := range want {
		if _, err := s.Delete(ctx, objectstore.Delete{Ref: ref(key, "")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Abort(ctx, "b", "parts", u.ID); err != nil {
		t.Fatal(err)
	}
	put(t, s, "later", bytesOf(7, 9000))
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if have := contentFiles(t, dir); len(have) != 5 { // k2, k3, k4, the part, later
		t.Errorf("while the snapshot is open there are %d files", len(have))
	}
	copied := copyTo(t, n)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(spool); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the copy of the index is still there: %v", err)
	}
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if have := contentFiles(t, dir); len(have) != 1 {
		t.Errorf("after the snapshot there are %d files, want that of the later object alone", len(have))
	}

	s = open(t, objectstore.Config{Dir: copied})
	noDamage(t, s)
	for key, data := range want {
		if got, err := read(s, ref(key, ""), nil); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s in the copy: %d bytes, %v", key, len(got), err)
		}
	}
	_, err = s.Head(ctx, ref("later", ""))
	wantErr(t, err, objectstore.ErrNoSuchKey)
	o, err := s.Complete(ctx, objectstore.Complete{Bucket: "b", Key: "parts", UploadID: u.ID, Parts: []objectstore.CompletePart{part}, MinPartSize: 1})
	if err != nil || o.Size != 20_000 {
		t.Errorf("the upload in the copy: %+v, %v", o, err)
	}
}

// Each snapshot that is taken under writers is a sound store.
func TestSnapshotUnderWriters(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Enabled)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("%d/%d", w, n%7)
				o, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: key, Body: bytes.NewReader(bytesOf(uint64(n), 100+n%3*6000)), Size: -1})
				if err == nil && n%2 == 0 {
					_, err = s.Delete(ctx, objectstore.Delete{Ref: o.Ref})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		n, err := s.Snapshot(filepath.Join(t.TempDir(), "index"))
		if err != nil {
			t.Fatal(err)
		}
		copied := copyTo(t, n)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		_, err = objectstore.CheckDirectory(ctx, objectstore.Config{Dir: copied}, func(d *objectstore.DamageError) { t.Errorf("the copy: %v", d) })
		if err != nil {
			t.Error(err)
		}
	}
	close(stop)
	writers.Wait()
}

// A snapshot does not pass over a file that is gone.
func TestSnapshotOfDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, objectstore.Config{Dir: dir})
	bucket(t, s, "b", objectstore.Unversioned)
	put(t, s, "k", bytesOf(1, 9000))
	gone := contentFiles(t, dir)[0]
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	n, err := s.Snapshot(filepath.Join(t.TempDir(), "index"))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	err = n.Files(ctx, func(string, int64, io.Reader) error { return nil })
	var damage *objectstore.DamageError
	if !errors.As(err, &damage) || damage.File != gone {
		t.Errorf("the error is %v", err)
	}
}

// A directory is checked without being opened: damage is named by bucket and key,
// and nothing is changed.
func TestCheckDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check := func() (found []string, st objectstore.Stats) {
		t.Helper()
		st, err := objectstore.CheckDirectory(ctx, objectstore.Config{Dir: dir}, func(d *objectstore.DamageError) { found = append(found, d.Error()) })
		if err != nil {
			t.Fatal(err)
		}
		return found, st
	}
	if found, st := check(); len(found) > 0 || st != (objectstore.Stats{}) {
		t.Errorf("an empty directory: %q, %+v", found, st)
	}
	contents, _ := small(t, dir)
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	tree := func() (all []string) {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				b, rerr := os.ReadFile(name)
				all, err = append(all, name+string(b)), rerr
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := tree()
	if found, st := check(); len(found) > 0 || st.Buckets != 1 || st.Objects != int64(len(contents)) {
		t.Errorf("a sound directory: %q, %+v", found, st)
	}
	if !slices.Equal(tree(), before) {
		t.Error("the check has changed files")
	}
	for _, name := range contentFiles(t, dir) {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		whole[len(whole)/2] ^= 1
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		found, _ := check()
		if len(found) != 1 || !strings.Contains(found[0], name) || !strings.Contains(found[0], " of b/") {
			t.Errorf("%s with a bit flipped: %q", name, found)
		}
		whole[len(whole)/2] ^= 1
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(dir, "index.db"), filepath.Join(dir, "index.away")); err != nil {
		t.Fatal(err)
	}
	if found, _ := check(); len(found) != 1 || !strings.Contains(found[0], "index.db") {
		t.Errorf("without its index: %q", found)
	}
}
