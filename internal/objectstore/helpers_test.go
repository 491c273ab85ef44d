package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"cairn/internal/objectstore"
)

var ctx = context.Background()

func open(t *testing.T, cfg objectstore.Config) *objectstore.Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := objectstore.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// withBucket opens an empty store with one bucket, b, whose index is not
// synced: the tests that cut the power say so.
func withBucket(t *testing.T, v objectstore.Versioning) *objectstore.Store {
	t.Helper()
	s := open(t, objectstore.WithFaults(objectstore.Config{}, nil, nil))
	bucket(t, s, "b", v)
	return s
}

func bucket(t *testing.T, s *objectstore.Store, name string, v objectstore.Versioning) {
	t.Helper()
	if _, err := s.CreateBucket(ctx, objectstore.NewBucket{Name: name, Owner: "111122223333", Region: "eu-west-1", Versioning: v}); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, s *objectstore.Store, key string, data []byte) *objectstore.Object {
	t.Helper()
	o, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: key, Body: bytes.NewReader(data), Size: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// read reads a version whole, with the data key if it is sealed.
func read(s *objectstore.Store, ref objectstore.Ref, dataKey []byte) ([]byte, error) {
	c, err := s.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.Unlock(dataKey); err != nil {
		return nil, err
	}
	return io.ReadAll(c)
}

func noDamage(t *testing.T, s *objectstore.Store) {
	t.Helper()
	if err := s.Check(ctx, func(d *objectstore.DamageError) { t.Errorf("check: %v", d) }); err != nil {
		t.Error(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Helper()
		t.Errorf("the error is %v, want %v", err, want)
	}
}

// bytesOf makes bytes that a seed repeats.
func bytesOf(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func ref(key, version string) objectstore.Ref {
	return objectstore.Ref{Bucket: "b", Key: key, VersionID: version}
}
