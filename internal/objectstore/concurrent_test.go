package objectstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"cairn/internal/objectstore"
)

// Writers, readers, listers and removers of the same keys at once: a reader
// gets one version whole, and in the end everything adds up.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Unversioned)
	// Content that says of every eight bytes what the first say.
	content := func(n uint64) []byte {
		return bytes.Repeat(binary.BigEndian.AppendUint64(nil, n), []int{10, 3 * frame / 8}[n%2])
	}
	whole := func(data []byte) bool {
		return len(data) > 8 && bytes.Equal(data, content(binary.BigEndian.Uint64(data)))
	}
	var wg sync.WaitGroup
	for w := range uint64(4) {
		wg.Go(func() {
			for i := range uint64(60) {
				data := content(w*1000 + i)
				_, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: fmt.Sprint(i % 3), Body: bytes.NewReader(data), Size: -1})
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for i := range 120 {
				data, err := read(s, ref(fmt.Sprint(i%3), ""), nil)
				if err != nil && !errors.Is(err, objectstore.ErrNoSuchKey) || err == nil && !whole(data) {
					t.Errorf("a reader got %d bytes (%v)", len(data), err)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 60 {
			if _, err := s.Delete(ctx, objectstore.Delete{Ref: ref(fmt.Sprint(i%3), "")}); err != nil {
				t.Error(err)
			}
			if _, err := s.List(ctx, objectstore.ListQuery{Bucket: "b", MaxKeys: 2}); err != nil {
				t.Error(err)
			}
			if i%20 == 0 {
				noDamage(t, s)
			}
		}
	})
	wg.Wait()
	noDamage(t, s)
	page, err := s.List(ctx, objectstore.ListQuery{Bucket: "b", MaxKeys: 10})
	st, statsErr := s.Stats(ctx)
	if err != nil || statsErr != nil || st.Objects != int64(len(page.Objects)) {
		t.Errorf("%d objects are listed, and stats are %+v (%v, %v)", len(page.Objects), st, err, statsErr)
	}
}

// Of many puts that want to be the first, one is.
func TestOneFirst(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Enabled)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 16 {
		wg.Go(func() {
			_, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: "k", Body: bytes.NewReader(bytesOf(uint64(i), 9000)), Size: -1, IfNoneMatch: true})
			if err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, objectstore.ErrPrecondition) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d puts were the first", won)
	}
	noDamage(t, s)
}

// A list of deletions answers for each entry, and does those that it can.
func TestDeleteMany(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Enabled)
	put(t, s, "a", []byte("a"))
	held, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: "held", Attributes: objectstore.Attributes{LegalHold: true}})
	if err != nil {
		t.Fatal(err)
	}
	c := put(t, s, "c", []byte("c"))
	list, err := s.DeleteMany(ctx, []objectstore.Delete{
		{Ref: ref("a", "")}, {Ref: held.Ref, BypassGovernance: true}, {Ref: c.Ref}, {Ref: ref("c", "nonsense")}, {Ref: objectstore.Ref{Bucket: "none", Key: "k"}}, {Ref: ref("c", ""), IfMatch: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var locked *objectstore.LockedError
	if !list[0].DeleteMarker || list[0].VersionID == "" || !errors.As(list[1].Err, &locked) || !locked.LegalHold ||
		list[2].Err != nil || !list[2].Found || list[2].VersionID != c.VersionID || list[3].Err != nil || list[3].Found ||
		!errors.Is(list[4].Err, objectstore.ErrNoSuchBucket) || !errors.Is(list[5].Err, objectstore.ErrNoSuchKey) {
		t.Errorf("the results are %+v", list)
	}
	page, err := s.ListVersions(ctx, objectstore.VersionsQuery{Bucket: "b", MaxKeys: 10})
	if err != nil || len(page.Versions) != 3 {
		t.Errorf("versions left: %+v (%v)", page, err)
	}
	noDamage(t, s)
}
