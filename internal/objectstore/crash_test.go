package objectstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"cairn/internal/durable/faultfs"
	"cairn/internal/durable/memfs"
	"cairn/internal/objectstore"
)

// A history is what a client knows of one key: what was acknowledged last, and
// what was asked for and not answered, or answered with an error that leaves
// open whether it happened.
type history struct {
	acked []byte // nil: there is no object
	maybe [][]byte
}

// step does one random change of a key and notes what is known after it. A nil
// content is a deletion.
func (h *history) step(s *objectstore.Store, key string, rng *rand.Rand) error {
	data := bytesOf(rng.Uint64(), []int{3, 3000, 5000, 3 * frame}[rng.IntN(4)])
	var err error
	switch rng.IntN(4) {
	case 0:
		data = nil
		_, err = s.Delete(ctx, objectstore.Delete{Ref: ref(key, "")})
	case 1:
		var ok bool
		if data, ok, err = multipart(s, key, data); !ok {
			return err // nothing was asked for that could be seen
		}
	default:
		_, err = s.Put(ctx, objectstore.Put{Bucket: "b", Key: key, Body: bytes.NewReader(data), Size: int64(len(data))})
	}
	if err == nil {
		h.acked, h.maybe = data, nil
	} else {
		h.maybe = append(h.maybe, data)
	}
	return err
}

// multipart uploads data twice over, and says whether it came as far as to
// complete it.
func multipart(s *objectstore.Store, key string, data []byte) ([]byte, bool, error) {
	u, err := s.CreateUpload(ctx, objectstore.NewUpload{Bucket: "b", Key: key})
	if err != nil {
		return nil, false, err
	}
	var parts []objectstore.CompletePart
	for _, number := range []int{1, 2, 2, 5} { // one is replaced, and one not used
		p, err := s.PutPart(ctx, objectstore.PutPart{Bucket: "b", Key: key, UploadID: u.ID, Number: number, Body: bytes.NewReader(data), Size: -1})
		if err != nil {
			return nil, false, err
		}
		parts = append(parts, objectstore.CompletePart{Number: number, ETag: p.ETag})
	}
	parts = []objectstore.CompletePart{parts[0], parts[2]}
	_, err = s.Complete(ctx, objectstore.Complete{Bucket: "b", Key: key, UploadID: u.ID, Parts: parts, MinPartSize: 1})
	return bytes.Repeat(data, 2), true, err
}

// check says whether a key holds something that it may hold.
func (h *history) check(s *objectstore.Store, key string) error {
	got, err := read(s, ref(key, ""), nil)
	if errors.Is(err, objectstore.ErrNoSuchKey) {
		got, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	for _, may := range append(h.maybe, h.acked) {
		if bytes.Equal(got, may) && (got == nil) == (may == nil) {
			return nil
		}
	}
	return fmt.Errorf("%s holds %d bytes, which nobody put or which were replaced", key, len(got))
}

// empty removes all that there is, and says which files are left then.
func empty(t *testing.T, s *objectstore.Store, fs *memfs.FS) (left []string) {
	t.Helper()
	uploads, err := s.Uploads(ctx, objectstore.UploadsQuery{Bucket: "b", MaxUploads: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range uploads.Uploads {
		if err := s.Abort(ctx, "b", u.Key, u.ID); err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.List(ctx, objectstore.ListQuery{Bucket: "b", MaxKeys: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Objects {
		if _, err := s.Delete(ctx, objectstore.Delete{Ref: o.Ref}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range fs.Names() {
		if strings.Contains(name, "/content/") {
			left = append(left, name)
		}
	}
	return left
}

var errDied = errors.New("the process died in a commit")

// The power is cut at a random step of several writers at once. What was
// acknowledged is there, nothing is torn, and no file is left that belongs to
// nothing. The content files are on a file system that forgets; the index
// keeps whole transactions, which is bbolt's promise.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for shard := range 4 {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(80) {
				powerCut(t, filepath.Join(dir, fmt.Sprint(shard, "-", seed)), uint64(shard)*80+seed)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func powerCut(t *testing.T, dir string, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	disk := memfs.New(0)
	faults := faultfs.New(disk)
	var commits atomic.Int64
	var dead atomic.Bool
	beforeAt, afterAt := int64(-1), int64(-1)
	switch rng.IntN(4) {
	case 0:
		beforeAt = 2 + rng.Int64N(25)
	case 1:
		afterAt = 2 + rng.Int64N(25)
	}
	die := func(at int64, n int64) error {
		if n == at {
			dead.Store(true)
		}
		if dead.Load() || faults.Died() {
			return errDied
		}
		return nil
	}
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir, FS: faults},
		func() error { return die(beforeAt, commits.Add(1)) },
		func() error { return die(afterAt, commits.Load()) }))
	bucket(t, s, "b", objectstore.Unversioned)
	faults.Inject(faultfs.Fault{Kinds: faultfs.Mutating, N: 1 + rng.IntN(120), Mode: []faultfs.Mode{faultfs.DieBefore, faultfs.DieAfter}[rng.IntN(2)]})

	histories := map[string]*history{}
	for w := range 3 {
		for k := range 2 {
			histories[fmt.Sprint(w, k)] = &history{}
		}
	}
	var wg sync.WaitGroup
	for w := range 3 {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for range 12 {
				key := fmt.Sprint(w, rng.IntN(2))
				if err := histories[key].step(s, key, rng); err != nil && (dead.Load() || faults.Died()) {
					return
				}
			}
		})
	}
	wg.Wait()
	next := disk.Crash(rng) // before Close, so that it can finish nothing
	s.Close()

	s = open(t, objectstore.WithFaults(objectstore.Config{Dir: dir, FS: next}, nil, nil))
	for key, h := range histories {
		if err := h.check(s, key); err != nil {
			t.Errorf("after the power cut: %v", err)
		}
	}
	noDamage(t, s)
	if left := empty(t, s, next); len(left) > 0 {
		t.Errorf("files that belong to nothing: %v", left)
	}
}

// Every operation on files fails once, in every way. Nothing acknowledged is
// lost, nothing is silent, and after a restart all is clean.
func TestEveryOperationFails(t *testing.T) {
	t.Parallel()
	for _, mode := range []faultfs.Mode{faultfs.FailBefore, faultfs.FailAfter, faultfs.ShortWrite} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for n := 1; ; n++ {
				struck := failOnce(t, filepath.Join(dir, fmt.Sprint(n)), n, mode)
				if t.Failed() {
					t.Fatalf("operation %d", n)
				}
				if !struck {
					if n < 50 {
						t.Errorf("only %d operations", n)
					}
					return
				}
			}
		})
	}
}

func failOnce(t *testing.T, dir string, n int, mode faultfs.Mode) (struck bool) {
	disk := memfs.New(0)
	faults := faultfs.New(disk)
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: dir, FS: faults}, nil, nil))
	bucket(t, s, "b", objectstore.Unversioned)
	err := error(syscall.EIO)
	if n%2 == 0 {
		err = syscall.ENOSPC
	}
	faults.Inject(faultfs.Fault{N: n, Mode: mode, Err: err})
	rng := rand.New(rand.NewPCG(1, 1))
	histories := map[string]*history{}
	for i := range 18 {
		key := fmt.Sprint(i % 3)
		if histories[key] == nil {
			histories[key] = &history{}
		}
		h := histories[key]
		err := h.step(s, key, rng)
		if err != nil {
			// A change that failed on a file was not made: the index did not fail.
			h.maybe = nil
			if !errors.Is(err, syscall.EIO) && !errors.Is(err, objectstore.ErrDiskFull) {
				t.Errorf("a change failed with %v", err)
			}
		}
		err = h.check(s, key)
		if err != nil && len(faults.Struck()) > 0 && (errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC)) {
			err = h.check(s, key) // the fault struck the first reading
		}
		if err != nil {
			t.Error(err)
		}
	}
	struck = len(faults.Struck()) > 0
	faults.Reset()
	s.Close()
	next := disk.CrashLosing()
	s = open(t, objectstore.WithFaults(objectstore.Config{Dir: dir, FS: next}, nil, nil))
	for key, h := range histories {
		if err := h.check(s, key); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	}
	noDamage(t, s)
	if left := empty(t, s, next); len(left) > 0 {
		t.Errorf("files that belong to nothing: %v", left)
	}
	return struck
}

// A full disk refuses puts, keeps what it has, and takes puts again once there
// is space.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := memfs.New(1 << 20)
	s := open(t, objectstore.WithFaults(objectstore.Config{Dir: t.TempDir(), FS: disk}, nil, nil))
	bucket(t, s, "b", objectstore.Unversioned)
	data := bytesOf(1, 300<<10)
	full := func(key string) error {
		_, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: key, Body: bytes.NewReader(data), Size: -1})
		return err
	}
	for i := range 3 {
		if err := full(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := disk.Free("/")
	err := full("3")
	wantErr(t, err, objectstore.ErrDiskFull)
	wantErr(t, err, syscall.ENOSPC)
	if after, _ := disk.Free("/"); after != before {
		t.Errorf("a refused put left %d bytes behind", before-after)
	}
	if got, err := read(s, ref("0", ""), nil); err != nil || !bytes.Equal(got, data) {
		t.Errorf("an object after the disk was full: %v", err)
	}
	if _, err := s.Delete(ctx, objectstore.Delete{Ref: ref("0", "")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if err := full("3"); err != nil {
		t.Errorf("a put after space was made: %v", err)
	}
	noDamage(t, s)
}

// A commit of which it is not known whether it took effect stops changes; what
// is there can be read, and the next start knows.
func TestUnknownCommit(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		dir := t.TempDir()
		var fail atomic.Bool
		hook := func() error {
			if fail.Load() {
				return syscall.EIO
			}
			return nil
		}
		cfg := objectstore.WithFaults(objectstore.Config{Dir: dir}, hook, nil)
		if after {
			cfg = objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, hook)
		}
		s := open(t, cfg)
		bucket(t, s, "b", objectstore.Unversioned)
		put(t, s, "old", []byte("old"))
		fail.Store(true)
		data := bytesOf(1, 10000)
		_, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: "new", Body: bytes.NewReader(data), Size: -1})
		wantErr(t, err, syscall.EIO)
		fail.Store(false)
		_, err = s.Delete(ctx, objectstore.Delete{Ref: ref("old", "")})
		wantErr(t, err, objectstore.ErrStopped)
		if got, err := read(s, ref("old", ""), nil); err != nil || string(got) != "old" {
			t.Errorf("reading a stopped store: %q (%v)", got, err)
		}
		s.Close()
		s = open(t, objectstore.WithFaults(objectstore.Config{Dir: dir}, nil, nil))
		got, err := read(s, ref("new", ""), nil)
		if after && (err != nil || !bytes.Equal(got, data)) || !after && !errors.Is(err, objectstore.ErrNoSuchKey) {
			t.Errorf("failed after %v: %d bytes (%v)", after, len(got), err)
		}
		if files := filesIn(t, dir); after != (len(files) == 1) {
			t.Errorf("failed after %v: files %v", after, files)
		}
		noDamage(t, s)
	}
}
