package verify_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"cairn"
	"cairn/verify"
)

// A failingSource cannot give one object whole.
type failingSource struct {
	*memoryBucket
	key string
}

func (f *failingSource) Get(ctx context.Context, bucket, key string) (*verify.Object, error) {
	o, err := f.memoryBucket.Get(ctx, bucket, key)
	if err == nil && key == f.key {
		o.Body = io.NopCloser(io.MultiReader(io.LimitReader(o.Body, 20), failingReader{}))
	}
	return o, err
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

type failingKeys struct{}

func (failingKeys) PublicKeys(context.Context, string, time.Time, time.Time) ([]verify.PublicKey, error) {
	return nil, errBroken
}

// writeFolder writes a bucket's objects below dir, without metadata.
func writeFolder(t *testing.T, b *memoryBucket, dir string) {
	t.Helper()
	for key, o := range b.objects {
		name := filepath.Join(dir, filepath.FromSlash(key))
		if strings.HasSuffix(key, "/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, o.body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tarOf makes a tar file of a folder, whose names begin with prefix.
func tarOf(t *testing.T, dir, prefix string, compress bool) string {
	t.Helper()
	var b bytes.Buffer
	var out io.WriteCloser = struct {
		io.Writer
		io.Closer
	}{&b, io.NopCloser(nil)}
	if compress {
		out = gzip.NewWriter(&b)
	}
	w := tar.NewWriter(out)
	if err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if err := w.WriteHeader(&tar.Header{Name: prefix + filepath.ToSlash(rel), Size: int64(len(body)), Mode: 0o600}); err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(&tar.Header{Name: "../../outside", Size: 0, Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if compress {
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "copy.tar")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, c *verify.Copy, err error) *verify.Copy {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Folders and tar files are verified wherever in the bucket they begin, and from
// whatever folder above.
func TestCopies(t *testing.T) {
	t.Parallel()
	b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
	trail := demoTrail()
	trail.S3KeyPrefix = "a/b"
	newLane(b, trail, "111122223333", "us-east-1").hours(t, 4, 2)
	whole := t.TempDir()
	writeFolder(t, b, filepath.Join(whole, "copies", "bucket"))
	bucket := filepath.Join(whole, "copies", "bucket")
	for name, c := range map[string]func() (*verify.Copy, error){
		"the bucket":                func() (*verify.Copy, error) { return verify.OpenFolder(bucket) },
		"folders above it":          func() (*verify.Copy, error) { return verify.OpenFolder(whole) },
		"a prefix":                  func() (*verify.Copy, error) { return verify.OpenFolder(filepath.Join(bucket, "a")) },
		"the folder AWSLogs":        func() (*verify.Copy, error) { return verify.OpenFolder(filepath.Join(bucket, "a", "b")) },
		"an archive":                func() (*verify.Copy, error) { return verify.OpenTar(tarOf(t, bucket, "", false)) },
		"an archive of folders":     func() (*verify.Copy, error) { return verify.OpenTar(tarOf(t, bucket, "./x/y/", false)) },
		"a compressed archive":      func() (*verify.Copy, error) { return verify.OpenTar(tarOf(t, bucket, "", true)) },
		"an archive of a subfolder": func() (*verify.Copy, error) { return verify.OpenTar(tarOf(t, filepath.Join(bucket, "a"), "", true)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := c()
			r := run(t, verify.Config{Source: open(t, source, err)})
			if want := []string{"unproved: no signature at hand"}; !slices.Equal(kinds(r), want) || r.DigestsProved != 3 || r.LogFilesProved != 6 {
				t.Errorf("found %q, %d digests, %d log files proved\n%s", kinds(r), r.DigestsProved, r.LogFilesProved, dump(r))
			}
		})
	}
}

// A saved copy proves all that the bucket does, without it.
func TestSave(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	dir := t.TempDir()
	saver, err := verify.NewSaver(b, dir)
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, verify.Config{Source: saver, Now: end, Keys: saver.Keys(knownKeys())}); !r.Proved() {
		t.Fatalf("the bucket is not proved while it is saved: %s", dump(r))
	}
	if err := saver.Close(); err != nil {
		t.Fatal(err)
	}
	keys := verify.FileKeys{}
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		text, err := os.ReadFile(filepath.Join(dir, "public-keys."+region+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if keys[region], err = verify.ParseKeys(text); err != nil || len(keys[region]) != 1 {
			t.Fatalf("%d keys of %s: %v", len(keys[region]), region, err)
		}
	}
	source, err := verify.OpenFolder(dir)
	r := run(t, verify.Config{Source: open(t, source, err), Keys: keys})
	if !r.Proved() || len(r.Findings) > 0 || r.Digests != 2*windows+2 || r.LogFilesProved != 5*windows+4 {
		t.Errorf("the copy: %+v\n%s", r, dump(r))
	}
	if files, err := verify.KeyFiles(dir); err != nil || len(files) != 2 || files["us-east-1"] != filepath.Join(dir, "public-keys.us-east-1.json") || files["eu-west-1"] == "" {
		t.Errorf("the files of keys are %q, %v", files, err)
	}
	source, err = verify.OpenTar(tarOf(t, dir, "copy/", true))
	if r := run(t, verify.Config{Source: open(t, source, err), Keys: keys}); !r.Proved() {
		t.Errorf("an archive of the copy: %s", dump(r))
	}
	// Keys of nobody knows which region are not kept as a region's.
	apart := t.TempDir()
	if saver, err = verify.NewSaver(b, apart); err != nil {
		t.Fatal(err)
	}
	run(t, verify.Config{Source: saver, Now: end, Keys: saver.Keys(verify.FileKeys{"": {{Key: &signer().PublicKey, File: "keys.json"}}})})
	if err := saver.Close(); err != nil {
		t.Fatal(err)
	}
	if files, err := verify.KeyFiles(apart); err != nil || len(files) != 1 || files[""] != filepath.Join(apart, "public-keys.json") {
		t.Errorf("the files of keys are %q, %v", files, err)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/*/*/*/*/*.part")); len(parts) > 0 {
		t.Errorf("unfinished files are left: %q", parts)
	}
}

// Keys in digests that lead out of the folder, links and pipes do no harm.
func TestHostileFolder(t *testing.T) {
	t.Parallel()
	b, _ := sound(t)
	outside := filepath.Join(t.TempDir(), "secret.json.gz")
	if err := os.WriteFile(outside, zipped([]byte("secret")), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := newLane(b, demoTrail(), "111122223333", "ap-south-1")
	rel, err := filepath.Rel(dir, outside)
	if err != nil {
		t.Fatal(err)
	}
	secret := cairn.HashHex([]byte("secret"))
	hostile := func(key string) cairn.DigestLogFile {
		return cairn.DigestLogFile{S3Bucket: "audit-bucket", S3Object: key, HashValue: secret, HashAlgorithm: cairn.DigestHashAlgorithm}
	}
	keys := []string{filepath.ToSlash(rel), outside, "AWSLogs/../../x", "AWSLogs//x", "", "AWSLogs", "link.json.gz", "pipe.json.gz", "a\x00b"}
	var files []cairn.DigestLogFile
	for _, key := range keys {
		if key != "" {
			files = append(files, hostile(key))
		}
	}
	l.digest(t, l.end, l.end.Add(time.Hour), false, files...)
	l.digest(t, l.end.Add(time.Hour), l.end.Add(2*time.Hour), false)
	writeFolder(t, b, dir)
	if err := os.Symlink(outside, filepath.Join(dir, "link.json.gz")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.json.gz"), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := verify.OpenFolder(dir)
	r := run(t, verify.Config{Source: open(t, source, err), Region: "ap-south-1"})
	if r.LogFiles != len(files) || r.LogFilesProved != 0 || r.Damage+r.Unreadable != len(files) {
		t.Errorf("%d of %d hostile names are proved, %d damaged, %d unreadable\n%s", r.LogFilesProved, r.LogFiles, r.Damage, r.Unreadable, dump(r))
	}
	// Nor does saving such objects write anywhere else.
	b.objects["../x.json.gz"] = object{body: zipped([]byte("x"))}
	saver, err := verify.NewSaver(b, filepath.Join(t.TempDir(), "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer saver.Close()
	if o, err := saver.Get(t.Context(), "audit-bucket", "../x.json.gz"); err == nil {
		t.Errorf("saved outside of the folder: %v", o.Body.Close())
	}
}

// Files that unpack to very much are given up.
func TestBombs(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 65 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	b, end := sound(t)
	key := digestKey("us-east-1", 4, false)
	change(b, key, func(o *object) { o.body = bomb.Bytes() })
	r := run(t, verify.Config{Source: b, Now: end})
	if r.Damage != 1 || r.Findings[0].Key != key || !strings.Contains(r.Findings[0].Detail, "unpacks to more than 64 MiB") {
		t.Errorf("a digest that is a bomb: %s", dump(r))
	}
	name := filepath.Join(t.TempDir(), "bomb.tar.gz")
	if err := os.WriteFile(name, bomb.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := verify.OpenTar(name); err == nil {
		t.Errorf("an archive that is a bomb is opened as %s", c.Name())
	}
}

// FuzzDigest gives a digest's file any content: nothing is proved by it but what
// was signed.
func FuzzDigest(f *testing.F) {
	b, end := sound(f)
	key := digestKey("us-east-1", 8, false)
	body, err := unzipped(b.objects[key].body)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"digestStartTime":"2026-11-20T03:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Equal(text, body) {
			return
		}
		c := b.clone()
		change(c, key, func(o *object) { o.body = zipped(text) })
		if r := run(t, verify.Config{Source: c, Now: end, Region: "us-east-1"}); r.Damage == 0 {
			t.Errorf("%q is taken for a digest", text)
		}
	})
}

// A hangingSource never gives an object.
type hangingSource struct {
	*memoryBucket
	asked chan struct{}
}

func (h *hangingSource) Get(ctx context.Context, _, _ string) (*verify.Object, error) {
	select {
	case h.asked <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// A verification that is interrupted ends, with everything that it began.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	ctx, cancel := context.WithCancel(t.Context())
	source := &hangingSource{b, make(chan struct{}, 1)}
	go func() {
		<-source.asked
		cancel()
	}()
	if r, err := verify.Run(ctx, verify.Config{Source: source, Keys: knownKeys(), Now: end}); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted verification gives %+v, %v", r, err)
	}
}
