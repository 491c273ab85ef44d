package server

import (
	"archive/tar"
	"bytes"
	"context"
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

	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"cairn/eventlog"
)

func s3Client(a Address, key *Credentials) *awss3.Client {
	return awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: &a.URL, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, "")})
}

func putTest(ctx context.Context, t *testing.T, s3 *awss3.Client, bucket, key string, content []byte) {
	t.Helper()
	if _, err := s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)}); err != nil {
		t.Error(err)
	}
}

func bucketTest(t *testing.T, s3 *awss3.Client, bucket string) {
	t.Helper()
	if _, err := s3.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
}

// contentOf are the files of content below a data directory.
func contentOf(t *testing.T, data string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(data, objectsName, "content"), func(name string, d fs.DirEntry, err error) error {
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

// The buckets of the embedded S3 are in a backup, also in one of a stopped store,
// and out of it when it was told to leave them out.
func TestBackupOfObjects(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	a, key, stop := serveConfig(t, Config{Data: data, Retention: eventlog.Forever})
	s3 := s3Client(a, key)
	bucketTest(t, s3, "kept")
	content := map[string][]byte{"small": []byte("a few bytes"), "large": bytes.Repeat([]byte("0123456789"), 20_000), "middle": bytes.Repeat([]byte("x"), 5000)}
	for name, b := range content {
		putTest(t.Context(), t, s3, "kept", name, b)
	}
	backup := func(c *Client, o BackupOptions) ([]byte, *Manifest) {
		t.Helper()
		o.MasterKey = true
		var b bytes.Buffer
		if err := c.Backup(t.Context(), &b, o); err != nil {
			t.Fatal(err)
		}
		m, err := VerifyBackup(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes(), m
	}
	c := Dial(a.Socket)
	hot, m := backup(c, BackupOptions{})
	if m.Objects != ObjectsIncluded || !m.Holds("objects/index.db") || m.Count() != int64(len(m.Files))+2 {
		t.Errorf("the manifest of a backup with objects: %+v", m)
	}
	without, m := backup(c, BackupOptions{WithoutObjects: true})
	if m.Objects != ObjectsLeftOut || slices.ContainsFunc(m.Files, func(f ManifestFile) bool { return strings.HasPrefix(f.Name, objectsName) }) || len(m.Folders) > 0 {
		t.Errorf("the manifest of a backup without objects: %+v", m)
	}
	status, err := c.Status(t.Context())
	if err != nil || status.ObjectBytes < 200_000 || status.DiskBytes < status.ObjectBytes {
		t.Errorf("the status says %+v, %v", status, err)
	}
	closeTest(t, c)
	stop()
	c = openTest(t, data)
	cold, _ := backup(c, BackupOptions{})
	status, err = c.Status(t.Context())
	if err != nil || status.ObjectBytes < 200_000 {
		t.Errorf("the status of the stopped store says %+v, %v", status, err)
	}
	closeTest(t, c)
	if left, err := filepath.Glob(filepath.Join(data, spoolPrefix+"*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}

	for name, archive := range map[string][]byte{"hot": hot, "cold": cold} {
		restored := filepath.Join(t.TempDir(), name)
		if _, err := Restore(bytes.NewReader(archive), restored); err != nil {
			t.Fatal(err)
		}
		if r, err := CheckDirectory(t.Context(), Config{Data: restored}, func(int64) {}); err != nil || len(r.Damage) > 0 || r.Objects != 3 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		a, _, stop := serveConfig(t, Config{Data: restored})
		s3 := s3Client(a, key)
		for name, want := range content {
			bucket := "kept"
			out, err := s3.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &bucket, Key: &name})
			if err != nil {
				t.Error(err)
				continue
			}
			if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		stop()
	}
	restored := filepath.Join(t.TempDir(), "without")
	if _, err := Restore(bytes.NewReader(without), restored); err != nil {
		t.Fatal(err)
	}
	a, _, stop = serveConfig(t, Config{Data: restored})
	defer stop()
	bucket, small := "kept", "small"
	var gone smithy.APIError
	if _, err := s3Client(a, key).GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &bucket, Key: &small}); !errors.As(err, &gone) || gone.ErrorCode() != "NoSuchBucket" {
		t.Errorf("a bucket that was left out: %v", err)
	}
}

// A store that was never served has no objects, and its backup says so.
func TestBackupWithoutEmbeddedS3(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	var b bytes.Buffer
	if err := c.Backup(t.Context(), &b, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	if m, err := VerifyBackup(&b); err != nil || m.Objects != ObjectsNone {
		t.Errorf("%+v, %v", m, err)
	}
}

// A backup that is taken while objects come and go is whole and sound.
func TestBackupUnderPuts(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	a, key, stop := serveConfig(t, Config{Data: data})
	defer stop()
	s3, bucket := s3Client(a, key), "busy"
	bucketTest(t, s3, bucket)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("%d-%d", w, n%5)
				putTest(context.WithoutCancel(ctx), t, s3, bucket, name, bytes.Repeat([]byte{byte(n)}, 3000*(n%4)))
				if n%3 == 0 {
					if _, err := s3.DeleteObject(context.WithoutCancel(ctx), &awss3.DeleteObjectInput{Bucket: &bucket, Key: &name}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	c := Dial(a.Socket)
	for range 3 {
		var b bytes.Buffer
		if err := c.Backup(t.Context(), &b, BackupOptions{MasterKey: true}); err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "copy")
		if _, err := Restore(&b, copied); err != nil {
			t.Fatal(err)
		}
		r, err := CheckDirectory(t.Context(), Config{Data: copied}, func(int64) {})
		if err != nil || len(r.Damage) > 0 || r.Buckets != 1 {
			t.Errorf("%+v %v", r, err)
		}
	}
	cancel()
	writers.Wait()
	closeTest(t, c)
}

// Damage in an object is found beside a running server and on a stopped
// directory, and told by bucket and key. The store's own folders are no note.
func TestCheckOfObjects(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	a, key, stop := serveConfig(t, Config{Data: data})
	s3 := s3Client(a, key)
	bucketTest(t, s3, "evidence")
	putTest(t.Context(), t, s3, "evidence", "a/key", bytes.Repeat([]byte("evidence"), 2000))
	c := Dial(a.Socket)
	check := func() (r *CheckReport) {
		t.Helper()
		var err error
		if c != nil {
			r, err = c.Check(t.Context(), func(int64) {})
		} else {
			r, err = CheckDirectory(t.Context(), Config{Data: data}, func(int64) {})
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, where := range []string{"served", "stopped"} {
		if where == "stopped" {
			closeTest(t, c)
			stop()
			c = nil
		}
		if r := check(); len(r.Damage) > 0 || len(r.Notes) > 0 || r.Buckets != 1 || r.Objects != 1 || r.ObjectBytes != 16_000 {
			t.Errorf("%s: a sound store: %+v", where, r)
		}
		name := contentOf(t, data)[0]
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		flipped := slices.Clone(whole)
		flipped[len(flipped)/2] ^= 4
		if err := os.WriteFile(name, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := check(); len(r.Damage) != 1 || !strings.Contains(r.Damage[0], "evidence/a/key") || !strings.Contains(r.Damage[0], name) || r.ObjectDamage != 1 {
			t.Errorf("%s: the damage is %q", where, r.Damage)
		}
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A backup does not pass over what is gone, and can do without.
	if err := os.Remove(contentOf(t, data)[0]); err != nil {
		t.Fatal(err)
	}
	c = openTest(t, data)
	defer closeTest(t, c)
	var b bytes.Buffer
	if err := c.Backup(t.Context(), &b, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyBackup(&b); err == nil || !strings.Contains(err.Error(), "--without-objects") {
		t.Errorf("a backup of damaged objects: %v", err)
	}
	b.Reset()
	if err := c.Backup(t.Context(), &b, BackupOptions{WithoutObjects: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyBackup(&b); err != nil {
		t.Error(err)
	}
}

// The files of a folder are verified one by one, though the manifest has one line
// for all.
func TestRestoreRefusesFolders(t *testing.T) {
	t.Parallel()
	const one, two, other = "delivery/1", "delivery/2", "objects/content/00000001/0a"
	archive := func(members ...string) []byte {
		var b bytes.Buffer
		w := &backupWriter{tar: tar.NewWriter(&b), manifest: Manifest{Format: backupFormat, Version: backupVersion}}
		for i := 0; i < len(members); i += 2 {
			if err := w.add(members[i], int64(len(members[i+1])), strings.NewReader(members[i+1])); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := archive(one, "alpha", two, "beta", other, "gamma")
	if m, err := VerifyBackup(bytes.NewReader(whole)); err != nil || len(m.Folders) != 2 || m.Count() != 3 || m.Size() != 14 {
		t.Errorf("a whole backup: %+v, %v", m, err)
	}
	for name, b := range map[string][]byte{
		"changed":      bytes.Replace(whole, []byte("beta"), []byte("zeta"), 1),
		"renamed":      bytes.Replace(whole, []byte(two), []byte("delivery/3"), 1),
		"out of order": archive(two, "beta", one, "alpha"),
		"twice":        archive(one, "alpha", one, "alpha"),
		"come back":    archive(one, "alpha", other, "gamma", two, "beta"),
		"fewer files":  bytes.Replace(whole, []byte(`"files": 2`), []byte(`"files": 1`), 1),
		"other folder": bytes.Replace(whole, []byte(`"name": "delivery"`), []byte(`"name": "deliverx"`), 1),
	} {
		var damage *BackupDamageError
		if _, err := VerifyBackup(bytes.NewReader(b)); !errors.As(err, &damage) || bytes.Equal(b, whole) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
