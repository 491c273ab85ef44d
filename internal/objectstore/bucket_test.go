package objectstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"cairn/internal/objectstore"
)

func TestBuckets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, objectstore.Config{Dir: dir})
	for i, name := range []string{"b", "c", "a"} {
		_, err := s.CreateBucket(ctx, objectstore.NewBucket{Name: name, Owner: fmt.Sprint(i % 2), Region: "r", Settings: map[string][]byte{"acl": []byte("private")}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var exists *objectstore.BucketExistsError
	if _, err := s.CreateBucket(ctx, objectstore.NewBucket{Name: "c", Owner: "0"}); !errors.As(err, &exists) || exists.Owner != "1" {
		t.Errorf("a second bucket of the same name: %v", err)
	}
	_, err := objectstore.Open(objectstore.Config{Dir: dir})
	wantErr(t, err, objectstore.ErrLocked)

	s.Close()
	s = open(t, objectstore.Config{Dir: dir})
	list, err := s.Buckets(ctx, "0")
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" || string(list[0].Settings["acl"].Value) != "private" {
		t.Errorf("the buckets of 0 are %+v (%v)", list, err)
	}
	if list, _ = s.Buckets(ctx, ""); len(list) != 3 {
		t.Errorf("all buckets are %+v", list)
	}
	put(t, s, "k", []byte("x"))
	wantErr(t, s.DeleteBucket(ctx, "b"), objectstore.ErrBucketNotEmpty)
	if _, err := s.Delete(ctx, objectstore.Delete{Ref: ref("k", "")}); err != nil {
		t.Fatal(err)
	}
	u, err := s.CreateUpload(ctx, objectstore.NewUpload{Bucket: "b", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPart(ctx, objectstore.PutPart{Bucket: "b", Key: "k", UploadID: u.ID, Number: 1, Body: strings.NewReader("x"), Size: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteBucket(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, s.DeleteBucket(ctx, "b"), objectstore.ErrNoSuchBucket)
	_, err = s.Bucket(ctx, "b")
	wantErr(t, err, objectstore.ErrNoSuchBucket)
	_, err = s.List(ctx, objectstore.ListQuery{Bucket: "b"})
	wantErr(t, err, objectstore.ErrNoSuchBucket)
	noDamage(t, s)
}

// Of changes to one setting that begin with the same revision, one wins; other
// settings do not disturb it.
func TestSettings(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Unversioned)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 20 {
		wg.Go(func() {
			if _, err := s.SetSetting(ctx, "b", fmt.Sprint(i), 0, nil); err != nil {
				t.Error(err)
			}
			_, err := s.SetSetting(ctx, "b", "policy", 0, []byte(fmt.Sprint(i)))
			if err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, objectstore.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b, err := s.Bucket(ctx, "b")
	if err != nil || won != 1 || len(b.Settings) != 21 {
		t.Errorf("%d won, and there are %d settings (%v)", won, len(b.Settings), err)
	}
	rev := b.Settings["policy"].Revision
	next, err := s.SetSetting(ctx, "b", "policy", rev, []byte("new"))
	if err != nil || next <= rev {
		t.Errorf("revision %d after %d (%v)", next, rev, err)
	}
	wantErr(t, s.DeleteSetting(ctx, "b", "policy", rev), objectstore.ErrConflict)
	for range 2 {
		if err := s.DeleteSetting(ctx, "b", "policy", next); err != nil {
			t.Error(err)
		}
	}
	_, err = s.Setting(ctx, "b", "policy")
	wantErr(t, err, objectstore.ErrNoSuchSetting)
	if got, err := s.SetSetting(ctx, "b", "policy", objectstore.AnyRevision, nil); err != nil || got <= next {
		t.Errorf("a setting made again has revision %d after %d (%v)", got, next, err)
	}
	wantErr(t, s.EnableObjectLock(ctx, "b"), objectstore.ErrLockState)
	wantErr(t, s.SetVersioning(ctx, "b", objectstore.Unversioned), objectstore.ErrLockState)
	if err := s.SetVersioning(ctx, "b", objectstore.Enabled); err != nil {
		t.Error(err)
	}
	if err := s.EnableObjectLock(ctx, "b"); err != nil {
		t.Error(err)
	}
	wantErr(t, s.SetVersioning(ctx, "b", objectstore.Suspended), objectstore.ErrLockState)
}
