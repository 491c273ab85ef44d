package trail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/catalog"
	"cairn/eventlog"
	"cairn/trail"
)

const account = "111111111111"

// A bench is a store of trails over a catalog, and the event log as it is seen
// from there.
type bench struct {
	t           *testing.T
	dir         string
	catalog     *catalog.Catalog
	store       *trail.Store
	end, passed uint64
	now         time.Time
}

func open(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
	b.reopen()
	t.Cleanup(func() { must(t, b.catalog.Close()) })
	return b
}

func (b *bench) reopen() {
	b.t.Helper()
	if b.catalog != nil {
		must(b.t, b.catalog.Close())
	}
	var err error
	b.catalog, err = catalog.Open(catalog.Config{Dir: b.dir})
	must(b.t, err)
	b.store = b.another()
}

func (b *bench) another() *trail.Store {
	b.t.Helper()
	s, err := trail.Open(trail.Config{
		Catalog: b.catalog, Regions: []string{"us-east-1", "eu-west-1"},
		End: func() eventlog.Position { return eventlog.At(b.end) }, Passed: func() eventlog.Position { return eventlog.At(b.passed) },
		Now: func() time.Time { return b.now },
	})
	must(b.t, err)
	return s
}

func (b *bench) create(name string) *trail.Trail {
	b.t.Helper()
	t, err := b.store.Create(cairn.Trail{Name: name, AccountID: account, HomeRegion: "us-east-1", S3BucketName: "logs"}, map[string]string{"k": "v"})
	must(b.t, err)
	return t
}

// change makes a change at a position of the log.
func (b *bench) change(id string, at uint64, fn func(*trail.Trail)) error {
	b.end = at
	_, err := b.store.Change(account, id, fmt.Sprint("request-", at), func(t *trail.Trail) error { fn(t); return nil })
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// versions are the positions up to which earlier versions were in force.
func versions(t *trail.Trail) string {
	s := ""
	for _, v := range t.Past {
		s += fmt.Sprintf("%s/%s/%v ", v.Until, v.RequestID, v.Logging)
	}
	return s
}

// What a trail was stays known until all followers have passed it, over restarts,
// and only changes of what it takes make a version.
func TestVersions(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := b.create("audit")
	toggle := func(t *trail.Trail) { t.Logging = !t.Logging }
	must(t, b.change(made.ID, 5, toggle))
	must(t, b.change(made.ID, 6, func(t *trail.Trail) { t.S3KeyPrefix, t.SNSTopicARN = "pre", "arn:aws:sns:us-east-1:111111111111:t" }))
	must(t, b.change(made.ID, 7, func(t *trail.Trail) { t.Tags["k"] = "other" }))
	must(t, b.change(made.ID, 8, func(t *trail.Trail) { t.Tags[trail.ImportedTag] = "true" }))
	must(t, b.change(made.ID, 9, toggle))
	expect := func(want string) {
		t.Helper()
		got, err := b.store.Get(account, "us-east-1", "audit")
		must(t, err)
		if v := versions(got); v != want {
			t.Errorf("versions %s, want %s", v, want)
		}
	}
	expect("0-5/request-5/false 0-8/request-8/true 0-9/request-9/true ")
	b.reopen()
	expect("0-5/request-5/false 0-8/request-8/true 0-9/request-9/true ")
	if made.Logging || len(made.Past) > 0 || made.Tags["k"] != "v" {
		t.Error("a trail that was given out was changed")
	}

	// The event of the call that ended a version may come a little later.
	b.passed = 10
	b.now = b.now.Add(5 * time.Second)
	must(t, b.change(made.ID, 10, func(t *trail.Trail) { t.LogFileValidation = true }))
	expect("0-5/request-5/false 0-8/request-8/true 0-9/request-9/true ")
	b.now = b.now.Add(10 * time.Second)
	must(t, b.change(made.ID, 12, func(t *trail.Trail) { t.LogFileValidation = false }))
	expect("0-5/request-5/false 0-8/request-8/true 0-9/request-9/true ") // who follows has not come so far
	b.passed = 12
	must(t, b.change(made.ID, 13, toggle))
	expect("0-13/request-13/false ")
}

// A trail has a hundred versions that are not passed, and then no more until they
// are.
func TestTooManyVersions(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := b.create("audit")
	toggle := func(t *trail.Trail) { t.Logging = !t.Logging }
	for at := range uint64(100) {
		must(t, b.change(made.ID, at+1, toggle))
	}
	if err := b.change(made.ID, 101, toggle); !errors.Is(err, trail.ErrBusy) {
		t.Errorf("version 101: %v", err)
	}
	must(t, b.change(made.ID, 102, func(t *trail.Trail) { t.S3KeyPrefix = "pre" }))
	// The log is always ahead of who follows it.
	b.passed, b.now = 102, b.now.Add(time.Minute)
	if err := b.change(made.ID, 200, toggle); !errors.Is(err, trail.ErrBusy) {
		t.Errorf("nobody has passed the versions: %v", err)
	}
	b.passed = 201
	must(t, b.change(made.ID, 300, toggle))
	if got, _ := b.store.Get(account, "us-east-1", "audit"); len(got.Past) != 1 {
		t.Errorf("%d versions are kept", len(got.Past))
	}
}

// Large selectors make a trail busy before they fill the row of its account.
func TestLargeVersions(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := b.create("audit")
	n, err := 0, error(nil)
	for ; err == nil && n < 100; n++ {
		err = b.change(made.ID, uint64(n), func(t *trail.Trail) {
			values := make([]string, 250)
			for i := range values {
				values[i] = fmt.Sprintf("arn:aws:s3:::%d-%d/%s", n, i, strings.Repeat("x", 1900))
			}
			t.EventSelectors = []cairn.EventSelector{{DataResources: []cairn.DataResource{{Type: "AWS::S3::Object", Values: values}}}}
		})
	}
	if !errors.Is(err, trail.ErrBusy) || n < 5 || n > 20 {
		t.Errorf("change %d of half a megabyte: %v", n, err)
	}
}

// A deleted trail is not found, leaves its name and its place, and stays known
// until it is forgotten.
func TestDelete(t *testing.T) {
	t.Parallel()
	b := open(t)
	var last *trail.Trail
	for i := range cairn.MaxTrails {
		last = b.create(fmt.Sprint("trail-", i))
	}
	must(t, b.change(last.ID, 3, func(t *trail.Trail) { t.Logging = true }))
	b.end = 4
	must(t, b.store.Delete(account, last.ID, "request-4"))
	if err := b.store.Delete(account, last.ID, "request-5"); !errors.Is(err, trail.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := b.store.Get(account, "us-east-1", last.Name); !errors.Is(err, trail.ErrNotFound) {
		t.Errorf("a deleted trail is found: %v", err)
	}
	again := b.create(last.Name)
	b.reopen()
	gone, err := b.store.ByID(account, last.ID)
	must(t, err)
	if gone.Settings().Logging || gone.Deleted.IsZero() || versions(gone) != "0-3/request-3/false 0-4/request-4/true " {
		t.Errorf("the deleted trail is %+v", gone)
	}
	if n := len(b.store.All()); n != cairn.MaxTrails+1 || len(b.store.List(account)) != cairn.MaxTrails {
		t.Errorf("%d trails with the deleted one", n)
	}
	must(t, b.store.Forget(account, again.ID)) // it is not deleted
	must(t, b.store.Forget(account, last.ID))
	if _, err := b.store.ByID(account, last.ID); !errors.Is(err, trail.ErrNotFound) {
		t.Errorf("a forgotten trail is known: %v", err)
	}
	if len(b.store.List(account)) != cairn.MaxTrails {
		t.Error("a living trail was forgotten")
	}
	var quota *trail.QuotaError
	_, err = b.store.Create(cairn.Trail{Name: "sixth", AccountID: account, HomeRegion: "us-east-1"}, nil)
	if !errors.As(err, &quota) || quota.Region != "us-east-1" {
		t.Errorf("a sixth trail: %v", err)
	}
	if err := b.store.HasRoom(&cairn.Trail{Name: "sixth", AccountID: account, HomeRegion: "us-east-1"}); !errors.As(err, &quota) {
		t.Errorf("there is room for a sixth trail: %v", err)
	}
	if err := b.store.HasRoom(&cairn.Trail{Name: last.Name, AccountID: account, HomeRegion: "us-east-1"}); !errors.Is(err, trail.ErrExists) {
		t.Errorf("there is room for the same name: %v", err)
	}
	must(t, b.store.HasRoom(&cairn.Trail{Name: last.Name, AccountID: account, HomeRegion: "eu-west-1"}))
}

// A change that failed leaves nothing behind, and one whose row is not as the
// store knew it does not block those that follow.
func TestFailedChange(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := b.create("audit")
	calls := 0
	b.store.OnChange(func() { calls++ })
	refused := errors.New("refused")
	_, err := b.store.Change(account, made.ID, "r", func(t *trail.Trail) error { t.S3BucketName = "elsewhere"; return refused })
	if got, _ := b.store.Get(account, "us-east-1", "audit"); !errors.Is(err, refused) || got.S3BucketName != "logs" || calls != 0 {
		t.Errorf("a change that was refused: %v, %+v, told %d times", err, got, calls)
	}
	_, err = b.another().Change(account, made.ID, "r", func(t *trail.Trail) error { t.S3KeyPrefix = "theirs"; return nil })
	must(t, err)
	if err := b.change(made.ID, 1, func(t *trail.Trail) { t.S3KeyPrefix = "ours" }); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("the row was changed by someone else: %v", err)
	}
	if got, _ := b.store.Get(account, "us-east-1", "audit"); got.S3KeyPrefix != "theirs" {
		t.Errorf("the row was not read anew: %+v", got)
	}
	must(t, b.change(made.ID, 2, func(t *trail.Trail) { t.S3KeyPrefix = "ours" }))
	if calls != 1 {
		t.Errorf("told %d times of one change", calls)
	}
}

// Settings tell what a trail takes, and nothing while it is deleted.
func TestSettings(t *testing.T) {
	t.Parallel()
	tr := &trail.Trail{Trail: cairn.Trail{Name: "audit", Logging: true, IsMultiRegion: true}, Tags: map[string]string{trail.ImportedTag: "yes"}}
	if s := tr.Settings(); !s.Logging || !s.IsMultiRegion || s.Imported {
		t.Errorf("settings %+v", s)
	}
	was := tr.In(trail.Settings{IncludeGlobalServiceEvents: true})
	if was.Logging || was.IsMultiRegion || !was.IncludeGlobalServiceEvents || was.Name != "audit" || !tr.Logging {
		t.Errorf("the trail as it was: %+v", was)
	}
	tr.Deleted, tr.Tags[trail.ImportedTag] = time.Now(), "true"
	if s := tr.Settings(); s.Logging || !s.Imported {
		t.Errorf("settings when deleted %+v", s)
	}
}
