package objectstore_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn/internal/objectstore"
)

// model is a store of one bucket as simple as can be: all versions in the
// order in which they were written.
type model struct {
	versioning objectstore.Versioning
	versions   []*version
	now        time.Time
}

type version struct {
	key, id   string // id: as the store gave it, or null
	marker    bool
	data      []byte
	retention objectstore.Retention
	hold      bool
}

func (m *model) current(key string) *version {
	for _, v := range slices.Backward(m.versions) {
		if v.key == key {
			return v
		}
	}
	return nil
}

func (m *model) find(key, id string) *version {
	if id == "" {
		return m.current(key)
	}
	for _, v := range m.versions {
		if v.key == key && v.id == id {
			return v
		}
	}
	return nil
}

func (m *model) locked(v *version, bypass bool) bool {
	return v.hold || m.now.Before(v.retention.Until) && (v.retention.Mode == objectstore.Compliance || !bypass)
}

func (m *model) drop(v *version) {
	m.versions = slices.DeleteFunc(m.versions, func(w *version) bool { return w == v })
}

// write adds a version; it returns false if one that it replaces is locked.
func (m *model) write(v *version, bypass bool) bool {
	if m.versioning != objectstore.Enabled {
		v.id = "null"
		if old := m.find(v.key, "null"); old != nil {
			if m.locked(old, bypass) {
				return false
			}
			m.drop(old)
		}
	}
	m.versions = append(m.versions, v)
	return true
}

// sorted lists all versions as a listing does.
func (m *model) sorted() []*version {
	list := slices.Clone(m.versions)
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b *version) int { return cmp.Compare(a.key, b.key) })
	return list
}

// list is a listing of current objects or of versions, as lines.
func (m *model) list(prefix, delimiter, after string, all bool) (lines []string) {
	last, lastKey := "", ""
	for _, v := range m.sorted() {
		latest := v.key != lastKey
		lastKey = v.key
		if !strings.HasPrefix(v.key, prefix) || !all && (!latest || v.marker) || v.key <= after {
			continue
		}
		if at := strings.Index(v.key[len(prefix):], delimiter); delimiter != "" && at >= 0 {
			common := v.key[:len(prefix)+at+len(delimiter)]
			if common != last && common != after {
				lines = append(lines, "prefix "+common)
			}
			last = common
			continue
		}
		lines = append(lines, fmt.Sprintf("%q %s latest=%v marker=%v %d", v.key, v.id, latest, v.marker, len(v.data)))
	}
	return lines
}

func line(o objectstore.Object) string {
	return fmt.Sprintf("%q %s latest=%v marker=%v %d", o.Key, o.VersionID, o.Latest, o.DeleteMarker, o.Size)
}

var modelKeys = []string{"a", "a/", "a/b", "a/b/c", "a/b0", "a0", "a\x00b", "a\x00", "b", "b//", "é/x", "\U0010ffff"}

// The store and the model give the same answers to thousands of random calls.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			runModel(t, seed)
		})
	}
}

func runModel(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 5))
	m := &model{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), versioning: [...]objectstore.Versioning{objectstore.Unversioned, objectstore.Enabled}[seed%2]}
	var clock atomic.Int64
	clock.Store(m.now.UnixNano())
	dir := t.TempDir()
	reopen := func() *objectstore.Store {
		return open(t, objectstore.WithFaults(objectstore.Config{Dir: dir, Now: func() time.Time { return time.Unix(0, clock.Load()) }}, nil, nil))
	}
	s := reopen()
	bucket(t, s, "b", m.versioning)
	for step := range 600 {
		key := modelKeys[rng.IntN(len(modelKeys))]
		id := ""
		if all := m.sorted(); len(all) > 0 && rng.IntN(2) == 0 {
			v := all[rng.IntN(len(all))]
			key, id = v.key, v.id
		}
		v, bypass := m.find(key, id), rng.IntN(2) == 0
		expect := func(what string, err error, ok bool, want error) {
			t.Helper()
			if ok && err != nil || !ok && !errors.Is(err, want) {
				t.Fatalf("seed %d, step %d: %s of %q %q: %v; the model says ok=%v", seed, step, what, key, id, err, ok)
			}
		}
		expectLocked := func(what string, err error, ok bool) {
			t.Helper()
			var locked *objectstore.LockedError
			if ok && err != nil || !ok && !errors.As(err, &locked) {
				t.Fatalf("seed %d, step %d: %s of %q %q: %v; the model says ok=%v", seed, step, what, key, id, err, ok)
			}
		}
		switch rng.IntN(12) {
		case 0, 1, 2: // put
			data := bytesOf(rng.Uint64(), []int{0, 10, 5000, 70000}[rng.IntN(4)])
			o, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: key, Body: bytes.NewReader(data), Size: int64(len(data))})
			v := &version{key: key, data: data}
			expectLocked("put", err, m.write(v, false))
			if err == nil {
				v.id = o.VersionID
			}
		case 3: // conditional put
			current := m.current(key)
			exists := current != nil && !current.marker
			if exists && m.versioning != objectstore.Enabled {
				continue // the lock of what it replaces would come into it
			}
			_, err := s.Put(ctx, objectstore.Put{Bucket: "b", Key: key, IfNoneMatch: true})
			v := &version{key: key}
			if exists {
				expect("put if none", err, false, objectstore.ErrPrecondition)
			} else {
				expectLocked("put if none", err, m.write(v, false))
			}
			if err == nil {
				o, err := s.Head(ctx, ref(key, ""))
				expect("head", err, true, nil)
				v.id = o.VersionID
			}
		case 4, 5: // delete
			d, err := s.Delete(ctx, objectstore.Delete{Ref: ref(key, id), BypassGovernance: bypass})
			switch {
			case id == "" && m.versioning != objectstore.Unversioned:
				marker := &version{key: key, marker: true}
				expectLocked("delete", err, m.write(marker, bypass))
				if err == nil {
					marker.id = d.VersionID
				}
			case v == nil:
				expect("delete", err, true, nil)
			default:
				ok := !m.locked(v, bypass)
				expectLocked("delete", err, ok)
				if ok {
					m.drop(v)
				}
			}
		case 6: // retention
			r := objectstore.Retention{Mode: []objectstore.RetentionMode{objectstore.Governance, objectstore.Compliance}[rng.IntN(2)], Until: m.now.Add(time.Duration(rng.IntN(50)) * time.Hour)}
			if rng.IntN(4) == 0 {
				r = objectstore.Retention{}
			}
			_, err := s.SetRetention(ctx, ref(key, id), r, bypass)
			if v == nil || v.marker {
				if err == nil {
					t.Fatalf("step %d: retention of nothing", step)
				}
				continue
			}
			ok := !m.now.Before(v.retention.Until)
			if !ok {
				weaker := r.Until.Before(v.retention.Until) || r.Mode == "" || r.Mode == objectstore.Governance && v.retention.Mode == objectstore.Compliance
				ok = !weaker || v.retention.Mode == objectstore.Governance && bypass
			}
			expectLocked("retention", err, ok)
			if ok {
				v.retention = r
			}
		case 7: // hold
			on := rng.IntN(3) == 0
			_, err := s.SetLegalHold(ctx, ref(key, id), on)
			if v != nil && !v.marker {
				expect("hold", err, true, nil)
				v.hold = on
			} else if err == nil {
				t.Fatalf("step %d: a hold on nothing", step)
			}
		case 8: // time
			m.now = m.now.Add(time.Duration(rng.IntN(20)) * time.Hour)
			clock.Store(m.now.UnixNano())
		case 9: // versioning
			if rng.IntN(10) == 0 {
				m.versioning = []objectstore.Versioning{objectstore.Enabled, objectstore.Suspended}[rng.IntN(2)]
				expect("versioning", s.SetVersioning(ctx, "b", m.versioning), true, nil)
			}
			if rng.IntN(10) == 0 {
				s.Close()
				s = reopen()
			}
		case 10: // get
			got, err := read(s, ref(key, id), nil)
			switch {
			case v == nil && id == "":
				expect("get", err, false, objectstore.ErrNoSuchKey)
			case v == nil:
				expect("get", err, false, objectstore.ErrNoSuchVersion)
			case v.marker:
				var marker *objectstore.DeleteMarkerError
				if !errors.As(err, &marker) || marker.Object.VersionID != v.id || marker.Object.Latest != (m.current(key) == v) {
					t.Fatalf("step %d: get of a marker: %v", step, err)
				}
			default:
				expect("get", err, true, nil)
				if !bytes.Equal(got, v.data) {
					t.Fatalf("step %d: get of %q %q: other bytes", step, key, id)
				}
			}
		case 11:
			compareLists(t, s, m, rng)
		}
	}
	compareLists(t, s, m, rng)
	noDamage(t, s)
	var want objectstore.Stats
	want.Buckets = 1
	for _, v := range m.versions {
		if v.marker {
			want.DeleteMarkers++
		} else {
			want.Objects++
			want.Bytes += int64(len(v.data))
		}
	}
	if st, err := s.Stats(ctx); err != nil || st != want {
		t.Errorf("stats %+v, want %+v (%v)", st, want, err)
	}
}

// compareLists pages through both kinds of listings.
func compareLists(t *testing.T, s *objectstore.Store, m *model, rng *rand.Rand) {
	t.Helper()
	prefix := []string{"", "", "a", "a/", "a/b", "a\x00", "b/", "\xc3", "zz"}[rng.IntN(9)]
	delimiter := []string{"", "/", "/", "b", "\x00", "/b"}[rng.IntN(6)]
	after := append([]string{"", "", "0"}, modelKeys...)[rng.IntN(3+len(modelKeys))]
	what := fmt.Sprintf("prefix %q, delimiter %q, after %q", prefix, delimiter, after)
	size := 1 + rng.IntN(5)

	var got []string
	q := objectstore.ListQuery{Bucket: "b", Prefix: prefix, Delimiter: delimiter, After: after, MaxKeys: size}
	for pages := 0; ; pages++ {
		page, err := s.List(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(page.Objects) + len(page.Prefixes); n > size || page.Truncated && n < size || pages > 1000 {
			t.Fatalf("list with %s: page of %d, want %d", what, n, size)
		}
		for _, o := range page.Objects {
			got = append(got, line(o))
		}
		for _, p := range page.Prefixes {
			got = append(got, "prefix "+p)
		}
		if !page.Truncated {
			break
		}
		q.After = page.Next
	}
	compareLines(t, "list with "+what, got, m.list(prefix, delimiter, after, false))

	got = nil
	v := objectstore.VersionsQuery{Bucket: "b", Prefix: prefix, Delimiter: delimiter, KeyMarker: after, MaxKeys: size}
	for {
		page, err := s.ListVersions(ctx, v)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Versions {
			got = append(got, line(o))
		}
		for _, p := range page.Prefixes {
			got = append(got, "prefix "+p)
		}
		if !page.Truncated {
			break
		}
		v.KeyMarker, v.VersionIDMarker = page.NextKeyMarker, page.NextVersionIDMarker
	}
	compareLines(t, "versions with "+what, got, m.list(prefix, delimiter, after, true))
}

// compareLines ignores how prefixes and keys lie between each other, which a
// page does not say.
func compareLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	kind := func(lines []string) (keys, prefixes []string) {
		for _, l := range lines {
			if strings.HasPrefix(l, "prefix ") {
				prefixes = append(prefixes, l)
			} else {
				keys = append(keys, l)
			}
		}
		return keys, prefixes
	}
	gotKeys, gotPrefixes := kind(got)
	wantKeys, wantPrefixes := kind(want)
	if !slices.Equal(gotKeys, wantKeys) || !slices.Equal(gotPrefixes, wantPrefixes) {
		t.Fatalf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}
