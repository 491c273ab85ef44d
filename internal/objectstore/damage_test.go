package objectstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cairn/internal/objectstore"
)

// small makes a store with content of every kind, and says what it holds.
func small(t *testing.T, dir string) (contents map[objectstore.Ref][]byte, dataKey []byte) {
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	bucket(t, s, "b", objectstore.Enabled)
	dataKey = bytesOf(5, 32)
	contents = map[objectstore.Ref][]byte{}
	for key, size := range map[string]int{"inline": 40, "file": 4200} {
		for _, sealed := range []bool{false, true} {
			data := bytesOf(uint64(size), size)
			p := objectstore.Put{Bucket: "b", Key: fmt.Sprint(key, sealed), Body: bytes.NewReader(data), Size: -1}
			if sealed {
				p.Encryption, p.DataKey = &objectstore.Encryption{Algorithm: "AES256"}, dataKey
			}
			o, err := s.Put(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			contents[o.Ref] = data
		}
	}
	u := upload(t, s, objectstore.NewUpload{Key: "parts"})
	parts := []objectstore.CompletePart{putPart(t, s, u, 1, []byte("one"), nil), putPart(t, s, u, 2, []byte("two"), nil)}
	o, err := s.Complete(ctx, objectstore.Complete{Bucket: "b", Key: "parts", UploadID: u.ID, Parts: parts, MinPartSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	contents[o.Ref] = []byte("onetwo")
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return contents, dataKey
}

// survey reads everything by every way. It fails the test if a wrong byte or a
// wrong answer is given, and says whether anything was reported as damaged.
func survey(t *testing.T, dir, what string, contents map[objectstore.Ref][]byte, dataKey []byte) (reported bool) {
	t.Helper()
	s, err := objectstore.Open(objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	if err != nil {
		var damage *objectstore.DamageError
		var newer *objectstore.NewerFormatError
		if !errors.As(err, &damage) && !errors.As(err, &newer) {
			t.Errorf("%s: open: %v", what, err)
		}
		return true
	}
	defer s.Close()
	for r, want := range contents {
		for _, r := range []objectstore.Ref{r, {Bucket: r.Bucket, Key: r.Key}} {
			got, err := read(s, r, dataKey)
			var damage *objectstore.DamageError
			switch {
			case errors.As(err, &damage):
				reported = true
			case errors.Is(err, objectstore.ErrWrongKey):
				t.Errorf("%s: %s: damage shows as a wrong key", what, r.Key)
			case err != nil:
				t.Errorf("%s: %s: %v", what, r.Key, err)
			case !bytes.Equal(got, want):
				t.Errorf("%s: %s: wrong bytes were served", what, r.Key)
			}
		}
	}
	page, err := s.List(ctx, objectstore.ListQuery{Bucket: "b", MaxKeys: 100})
	var damage *objectstore.DamageError
	switch {
	case errors.As(err, &damage):
		reported = true
	case err != nil:
		t.Errorf("%s: list: %v", what, err)
	case len(page.Objects) != len(contents):
		t.Errorf("%s: the list has %d objects, want %d", what, len(page.Objects), len(contents))
	}
	if err := s.Check(ctx, func(d *objectstore.DamageError) { reported = true }); err != nil {
		t.Errorf("%s: check: %v", what, err)
	}
	return reported
}

// One bit of every byte of every content file is flipped in turn, and each
// time it is found: nothing wrong is served, and the rest can be read.
func TestFlippedContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	contents, dataKey := small(t, dir)
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	files := filesIn(t, dir)
	if len(files) != 4 {
		t.Fatalf("there are %d files", len(files))
	}
	for _, file := range files {
		original, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		for at, b := range original {
			f.WriteAt([]byte{b ^ 1<<(at%8)}, int64(at))
			damaged := 0
			for r, want := range contents {
				got, err := read(s, r, dataKey)
				var damage *objectstore.DamageError
				switch {
				case errors.As(err, &damage) && damage.File == filepath.ToSlash(file) && damage.Ref == r:
					damaged++
				case err != nil || !bytes.Equal(got, want):
					t.Fatalf("byte %d of %s: %s has %d bytes (%v)", at, file, r.Key, len(got), err)
				}
			}
			if damaged != 1 {
				t.Fatalf("byte %d of %s: %d objects are damaged, want 1", at, file, damaged)
			}
			f.WriteAt([]byte{b}, int64(at))
		}
		for _, size := range []int{0, 1, 63, 64, len(original) - 1} {
			if err := f.Truncate(int64(size)); err != nil {
				t.Fatal(err)
			}
			found := 0
			if err := s.Check(ctx, func(*objectstore.DamageError) { found++ }); err != nil || found != 1 {
				t.Errorf("cut to %d bytes: check reports %d (%v)", size, found, err)
			}
		}
		f.WriteAt(original, 0)
		f.WriteAt([]byte{0}, int64(len(original)))
		found := 0
		if err := s.Check(ctx, func(*objectstore.DamageError) { found++ }); err != nil || found != 1 {
			t.Errorf("a byte too many: check reports %d (%v)", found, err)
		}
		f.Truncate(int64(len(original)))
		f.Close()
	}
	noDamage(t, s)
	os.Remove(files[0])
	found := 0
	if err := s.Check(ctx, func(*objectstore.DamageError) { found++ }); err != nil || found != 1 {
		t.Errorf("a file is gone: check reports %d (%v)", found, err)
	}
}

// One bit of bytes of the index is flipped in turn: of each byte in the heads
// of pages, and of an eighth of the others. What matters is found; what was in
// free space changes nothing.
func TestFlippedIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	contents, dataKey := small(t, dir)
	path := filepath.Join(dir, "index.db")
	original, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content := filesIn(t, dir)
	reported := 0
	flip := func(at int) {
		index := bytes.Clone(original)
		index[at] ^= 1 << (at % 8)
		if err := os.WriteFile(path, index, 0o600); err != nil {
			t.Fatal(err)
		}
		if survey(t, dir, fmt.Sprintf("byte %d of the index", at), contents, dataKey) {
			reported++
		}
		if got := filesIn(t, dir); len(got) != len(content) {
			t.Fatalf("byte %d of the index: content was removed", at)
		}
	}
	tried := 0
	for at := range original {
		// Pages are mostly zeros, of which a few are tried.
		if at%4096 >= 16 && at%8 != 0 || original[at] == 0 && at%97 != 0 || t.Failed() {
			continue
		}
		tried++
		flip(at)
	}
	t.Logf("%d of %d flips were reported", reported, tried)
	if reported < 100 {
		t.Errorf("only %d flips were reported", reported)
	}
}

// Sealed content that is swapped, cut or put together from other content of the
// same store does not open, even with checksums that fit.
func TestSealBindsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	bucket(t, s, "b", objectstore.Enabled)
	dataKey := bytesOf(5, 32)
	for i := range 2 {
		_, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: "k", Body: bytes.NewReader(bytesOf(uint64(i), 3*frame)), Size: -1, Encryption: &objectstore.Encryption{}, DataKey: dataKey})
		if err != nil {
			t.Fatal(err)
		}
	}
	files := filesIn(t, dir)
	var original [2][]byte
	for i := range files {
		original[i], _ = os.ReadFile(files[i])
	}
	const stored = frame + 16 + 4
	swapFrames := bytes.Clone(original[0])
	copy(swapFrames[64:], original[0][64+stored:][:stored])
	copy(swapFrames[64+stored:], original[0][64:][:stored])
	mixed := bytes.Clone(original[0])
	copy(mixed[64:], original[1][64:][:stored])
	for name, b := range map[string][]byte{
		"frames swapped": swapFrames, "frame of another version": mixed, "other version": original[1],
		"other version, own header": append(bytes.Clone(original[0][:64]), original[1][64:]...),
		"last frame cut":            original[0][:64+2*stored],
	} {
		if err := os.WriteFile(files[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		found := 0
		page, _ := s.ListVersions(ctx, objectstore.VersionsQuery{Bucket: "b", MaxKeys: 10})
		for i, v := range page.Versions {
			got, err := read(s, v.Ref, dataKey)
			switch {
			case err != nil:
				found++
			case !bytes.Equal(got, bytesOf(uint64(1-i), 3*frame)):
				t.Errorf("%s: wrong bytes were served", name)
			}
		}
		if found != 1 {
			t.Errorf("%s: %d versions do not open, want 1", name, found)
		}
	}
}
