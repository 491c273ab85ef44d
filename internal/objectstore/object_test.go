package objectstore_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"cairn/internal/objectstore"
)

const frame = 64 << 10

// Every length around the edges of a frame, and of what lies inline, comes
// back whole and in ranges, plain and sealed.
func TestRanges(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Unversioned)
	dataKey := bytesOf(7, 32)
	for _, size := range []int{0, 1, 4095, 4096, 4097, frame - 1, frame, frame + 1, 2*frame - 1, 2 * frame, 3*frame + 17, 9 * frame} {
		for _, sealed := range []bool{false, true} {
			data := bytesOf(uint64(size), size)
			p := objectstore.Put{Bucket: "b", Key: "k", Body: iotest.HalfReader(bytes.NewReader(data)), Size: -1}
			if sealed {
				p.Encryption, p.DataKey = &objectstore.Encryption{Algorithm: "AES256", Wrapped: []byte("w")}, dataKey
			}
			o, err := s.Put(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			if sum := md5.Sum(data); o.ETag != hex.EncodeToString(sum[:]) || o.Size != int64(size) {
				t.Errorf("size %d: etag %s, size %d", size, o.ETag, o.Size)
			}
			c, err := s.Open(ctx, ref("k", ""))
			if err != nil {
				t.Fatal(err)
			}
			if sealed {
				if _, err := c.ReadAt(make([]byte, 1), 0); size > 0 && !errors.Is(err, objectstore.ErrWrongKey) {
					t.Errorf("sealed content was read without its key: %v", err)
				}
				wantErr(t, c.Unlock(bytesOf(8, 32)), objectstore.ErrWrongKey)
				wantErr(t, c.Unlock(nil), objectstore.ErrWrongKey)
				if err := c.Unlock(dataKey); err != nil {
					t.Fatal(err)
				}
			}
			for _, from := range []int{0, 1, frame - 1, frame, frame + 1, 2 * frame, size - 1, size} {
				for _, n := range []int{0, 1, frame, frame + 2, size} {
					if from < 0 || from > size {
						continue
					}
					got, err := io.ReadAll(io.NewSectionReader(c, int64(from), int64(n)))
					if err != nil || !bytes.Equal(got, data[from:min(size, from+n)]) {
						t.Errorf("size %d, sealed %v: bytes %d+%d are %d wrong ones (%v)", size, sealed, from, n, len(got), err)
					}
				}
			}
			var all bytes.Buffer
			if _, err := c.WriteTo(&all); err != nil || !bytes.Equal(all.Bytes(), data) {
				t.Errorf("size %d: WriteTo gave other bytes (%v)", size, err)
			}
			c.Close()
		}
	}
	noDamage(t, s)
}

// What a put refuses leaves nothing, and the object before it stands.
func TestPutAborts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	bucket(t, s, "b", objectstore.Unversioned)
	before := put(t, s, "k", []byte("before"))
	broken, big := errors.New("the connection broke"), bytesOf(1, 5*frame)
	for name, c := range map[string]struct {
		change func(*objectstore.Put)
		want   error
	}{
		"reader":        {func(p *objectstore.Put) { p.Body = io.MultiReader(bytes.NewReader(big), iotest.ErrReader(broken)) }, broken},
		"too short":     {func(p *objectstore.Put) { p.Size++ }, objectstore.ErrBadSize},
		"too long":      {func(p *objectstore.Put) { p.Size-- }, objectstore.ErrBadSize},
		"verify":        {func(p *objectstore.Put) { p.Verify = func(objectstore.Summary) error { return broken } }, broken},
		"exists":        {func(p *objectstore.Put) { p.IfNoneMatch = true }, objectstore.ErrPrecondition},
		"other etag":    {func(p *objectstore.Put) { p.IfMatch = "x" }, objectstore.ErrPrecondition},
		"no such key":   {func(p *objectstore.Put) { p.Key, p.IfMatch = "other", before.ETag }, objectstore.ErrNoSuchKey},
		"no bucket":     {func(p *objectstore.Put) { p.Bucket = "none" }, objectstore.ErrNoSuchBucket},
		"empty key":     {func(p *objectstore.Put) { p.Key = "" }, objectstore.ErrNotText},
		"long key":      {func(p *objectstore.Put) { p.Key = strings.Repeat("k", 1025) }, objectstore.ErrNotText},
		"not UTF-8":     {func(p *objectstore.Put) { p.User = map[string]string{"a": "\xff"} }, objectstore.ErrNotText},
		"key too short": {func(p *objectstore.Put) { p.Encryption, p.DataKey = &objectstore.Encryption{}, []byte("short") }, objectstore.ErrWrongKey},
		"no encryption": {func(p *objectstore.Put) { p.DataKey = bytesOf(1, 32) }, objectstore.ErrWrongKey},
		"no data key":   {func(p *objectstore.Put) { p.Encryption = &objectstore.Encryption{} }, objectstore.ErrWrongKey},
	} {
		p := objectstore.Put{Bucket: "b", Key: "k", Body: bytes.NewReader(big), Size: int64(len(big))}
		c.change(&p)
		if _, err := s.Put(ctx, p); !errors.Is(err, c.want) {
			t.Errorf("%s: the error is %v, want %v", name, err, c.want)
		}
	}
	if got, err := read(s, ref("k", ""), nil); err != nil || string(got) != "before" {
		t.Errorf("the object before is %q (%v)", got, err)
	}
	if files := filesIn(t, dir); len(files) != 0 {
		t.Errorf("files were left behind: %v", files)
	}
	if st, _ := s.Stats(ctx); st.Objects != 1 || st.Bytes != 6 {
		t.Errorf("stats %+v", st)
	}
	noDamage(t, s)
}

func filesIn(t *testing.T, dir string) (files []string) {
	files, err := filepath.Glob(filepath.Join(dir, "content/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// All that a writer says comes back, in Head and in listings.
func TestAttributes(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Enabled)
	a := objectstore.Attributes{
		Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": ""},
		User:    map[string]string{"signature": "Ωmega", "start-time": "1"},
		Tags:    []objectstore.Tag{{Key: "b", Value: "2"}, {Key: "a", Value: ""}},
		ACL:     []byte{0, 255}, Owner: "111122223333", LegalHold: true,
	}
	sum := sha256.Sum256([]byte("data"))
	_, err := s.Put(ctx, objectstore.Put{
		Bucket: "b", Key: "k", Body: strings.NewReader("data"), Size: 4, Attributes: a,
		Hashes:    []objectstore.Hash{{Algorithm: "SHA256", New: sha256.New}, {Algorithm: "CRC32", New: func() hash.Hash { return crc32.NewIEEE() }}},
		Checksums: []objectstore.Checksum{{Algorithm: "CARRIED", Value: []byte("x"), Composite: true}},
		Verify: func(got objectstore.Summary) error {
			if got.Size != 4 || !bytes.Equal(got.Checksums[0].Value, sum[:]) {
				return fmt.Errorf("summary %+v", got)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Head(ctx, ref("k", ""))
	if err != nil || !reflect.DeepEqual(o.Attributes, a) || len(o.Checksums) != 3 || !bytes.Equal(o.Checksums[1].Value, sum[:]) || !o.Latest || !o.Versioned {
		t.Errorf("head is %+v (%v)", o, err)
	}
	page, err := s.List(ctx, objectstore.ListQuery{Bucket: "b", MaxKeys: 10})
	if err != nil || len(page.Objects) != 1 || !reflect.DeepEqual(page.Objects[0], *o) {
		t.Errorf("the list is %+v (%v)", page, err)
	}
	if o, err = s.SetTags(ctx, ref("k", ""), nil); err != nil || o.Tags != nil || o.LegalHold != true {
		t.Errorf("after SetTags: %+v (%v)", o, err)
	}
	if o, err = s.SetACL(ctx, ref("k", o.VersionID), []byte("acl")); err != nil || string(o.ACL) != "acl" {
		t.Errorf("after SetACL: %+v (%v)", o, err)
	}
	_, err = s.SetTags(ctx, ref("k", "null"), nil)
	wantErr(t, err, objectstore.ErrNoSuchVersion)
}

// A reader keeps what it has opened, whatever happens to the object, and the
// file goes when the reader does.
func TestReaderOutlivesObject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	bucket(t, s, "b", objectstore.Unversioned)
	data := bytesOf(1, 3*frame)
	put(t, s, "k", data)
	c, err := s.Open(ctx, ref("k", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(ctx, objectstore.Delete{Ref: ref("k", "")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the reader got %d bytes (%v)", len(got), err)
	}
	c.Close()
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	s.Close() // waits for the collector
	if files := filesIn(t, dir); len(files) != 0 {
		t.Errorf("the file of a deleted object is still there: %v", files)
	}
}

// No name of a bucket or a key finds its way into a path.
func TestNamesStayOutOfPaths(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	dir := filepath.Join(outer, "a", "store")
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
	names := []string{"..", "../../x", "/etc/passwd", "a\x00b", "CON", "😀/..", ".", "a/../../b", "\\..\\x", "%2e%2e/", "index.db", "content", strings.Repeat("é", 120)}
	for _, name := range names {
		if _, err := s.CreateBucket(ctx, objectstore.NewBucket{Name: name}); err != nil {
			t.Fatal(err)
		}
		for _, key := range names {
			if _, err := s.Put(ctx, objectstore.Put{Bucket: name, Key: key, Body: strings.NewReader(strings.Repeat(key, 5000/len(key)+1)), Size: -1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range names {
		for _, key := range names {
			got, err := read(s, objectstore.Ref{Bucket: name, Key: key}, nil)
			if err != nil || string(got) != strings.Repeat(key, 5000/len(key)+1) {
				t.Errorf("%q/%q: %d bytes (%v)", name, key, len(got), err)
			}
		}
	}
	err := filepath.WalkDir(outer, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(outer, path)
		for _, ok := range []string{".", "a", "a/store", "a/store/lock", "a/store/index.db", "a/store/content"} {
			if rel == ok {
				return err
			}
		}
		if tail, ok := strings.CutPrefix(rel, "a/store/content/"); !ok || strings.Trim(tail, "0123456789abcdef/") != "" {
			t.Errorf("there is a file %q", rel)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A copy has the same bytes under a seal of its own.
func TestCopy(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Enabled)
	key1, key2, data := bytesOf(1, 32), bytesOf(2, 32), bytesOf(3, 2*frame+5)
	if _, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: "k", Body: bytes.NewReader(data), Size: -1, Encryption: &objectstore.Encryption{}, DataKey: key1}); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"other", "k"} {
		src, err := s.Open(ctx, ref("k", ""))
		if err != nil {
			t.Fatal(err)
		}
		p := objectstore.Put{Bucket: "b", Key: to, Attributes: src.Object().Attributes, Encryption: &objectstore.Encryption{}, DataKey: key2}
		_, err = s.Copy(ctx, src, p)
		wantErr(t, err, objectstore.ErrWrongKey)
		if err := src.Unlock(key1); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Copy(ctx, src, p); err != nil {
			t.Fatal(err)
		}
		src.Close()
		if got, err := read(s, ref(to, ""), key2); err != nil || !bytes.Equal(got, data) {
			t.Errorf("the copy has %d bytes (%v)", len(got), err)
		}
	}
	noDamage(t, s)
}
