package delivery_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/trail"
)

func (h *harness) redeliver(r delivery.Redelivery) (map[delivery.Outcome]int, []delivery.Redelivered, error) {
	counts := make(map[delivery.Outcome]int)
	var all []delivery.Redelivered
	err := h.delivery.Redeliver(context.Background(), r, func(f delivery.Redelivered) error {
		counts[f.Outcome]++
		all = append(all, f)
		return nil
	})
	return counts, all, err
}

func (h *harness) mustRedeliver(r delivery.Redelivery, want map[delivery.Outcome]int) []delivery.Redelivered {
	h.t.Helper()
	counts, all, err := h.redeliver(r)
	if err != nil || !maps.Equal(counts, want) {
		h.t.Fatalf("redelivered %v, want %v: %v; %+v", counts, want, err, all)
	}
	return all
}

// only returns a change of a trail to events that read, or to those that write.
func only(readWrite string) func(*trail.Trail) {
	return func(t *trail.Trail) { t.EventSelectors = []cairn.EventSelector{{ReadWriteType: readWrite}} }
}

// forget changes a trail so often that its settings of before are forgotten.
func (h *harness) forget(t *trail.Trail) *trail.Trail {
	h.t.Helper()
	for range 30 {
		t = h.change(h.change(t, "r", only("ReadOnly")), "w", only("WriteOnly"))
	}
	return t
}

// What is gone from the bucket comes back byte for byte, under settings that
// have changed since, and neither the ledger nor the digests change.
func TestRedeliver(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", func(c *cairn.Trail) { c.IsMultiRegion = true })
	h.create("other", nil)
	begin := h.clock.Now()
	for range 3 {
		h.post(event{})
		h.post(event{region: global})
		h.clock.advance(5 * time.Minute)
		h.mustDeliver()
	}
	h.clock.advance(time.Hour)
	h.mustDeliver()
	h.verifyComplete()
	rows := h.rowsOf(tr.ID)
	var gone []string
	for _, f := range h.files(delivery.LedgerQuery{Trail: tr.ID}) {
		gone = append(gone, f.Bucket+"/"+f.Key)
	}
	if len(gone) != 6 {
		t.Fatalf("%d files", len(gone))
	}
	for _, name := range gone {
		delete(h.bucket.objects, name)
	}
	// The version that took the events is forgotten, but its selectors took the
	// same as those of now do.
	tr = h.change(tr, "a", func(t *trail.Trail) { t.Logging = false; t.LoggingStopped = h.clock.Now() })
	h.post(event{})
	h.mustDeliver()
	tr = h.change(tr, "b", func(t *trail.Trail) { t.S3BucketName = "elsewhere" })
	one := h.files(delivery.LedgerQuery{Trail: tr.ID})[1]
	if f, err := h.delivery.FileByKey(tr.ID, one.Key, one.Stamp.Truncate(time.Minute)); err != nil || f.ID() != one.ID() {
		t.Fatalf("file by key: %+v %v", f, err)
	}
	if _, err := h.delivery.FileByKey(tr.ID, one.Key+"x", one.Stamp); !errors.Is(err, delivery.ErrUnknownFile) {
		t.Errorf("a key that is not known: %v", err)
	}
	digests := len(h.bucket.keys("_main_"))
	h.mustRedeliver(delivery.Redelivery{Trail: tr, File: one}, map[delivery.Outcome]int{delivery.OutcomeRestored: 1})
	h.mustRedeliver(delivery.Redelivery{Trail: tr, Since: begin, Until: h.clock.Now()}, map[delivery.Outcome]int{delivery.OutcomeRestored: 5, delivery.OutcomePresent: 1 + digests})
	h.samePuts()
	h.verify()
	for _, name := range gone {
		if _, ok := h.bucket.objects[name]; !ok {
			t.Errorf("%s is not back", name)
		}
	}
	if now := h.rowsOf(tr.ID); now != rows {
		t.Errorf("the ledger was\n%s\nand is\n%s", rows, now)
	}
	// As new there is nothing to add: everything is in a file.
	h.mustRedeliver(delivery.Redelivery{Trail: tr, Since: begin, Until: begin.Add(16 * time.Minute), AsNew: true}, map[delivery.Outcome]int{delivery.OutcomePresent: 6 + digests})
}

// A file that cannot be made again is not put. As new, its events are delivered
// in another file, once, and a digest lists it.
func TestRedeliverDifferent(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	begin := h.clock.Now()
	h.post(event{})
	h.post(event{readOnly: true})
	h.clock.advance(5 * time.Minute)
	h.mustDeliver()
	tr = h.change(tr, "a", only("ReadOnly"))
	h.post(event{readOnly: true})
	h.clock.advance(5 * time.Minute)
	h.mustDeliver()
	tr = h.change(tr, "b", only("WriteOnly"))
	h.post(event{})
	h.clock.advance(5 * time.Minute)
	h.mustDeliver()
	tr = h.forget(tr)
	puts := len(h.bucket.puts)
	all := h.mustRedeliver(delivery.Redelivery{Trail: tr, Since: begin, Until: h.clock.Now()}, map[delivery.Outcome]int{delivery.OutcomeDifferent: 1, delivery.OutcomePresent: 2})
	if all[0].Outcome != delivery.OutcomeDifferent || !strings.Contains(all[0].Why, "settings of that time are not kept") || len(h.bucket.puts) != puts {
		t.Errorf("%+v, %d objects instead of %d", all[0], len(h.bucket.puts), puts)
	}
	again := delivery.Redelivery{Trail: tr, File: all[0].File, AsNew: true}
	all = h.mustRedeliver(again, map[delivery.Outcome]int{delivery.OutcomeDifferent: 1, delivery.OutcomeNew: 1})
	if f := all[1].File; !f.Again || f.Events != 1 || f.ID() == all[0].File.ID() {
		t.Errorf("new file %+v", f)
	}
	h.mustDeliver()
	h.mustRedeliver(again, map[delivery.Outcome]int{delivery.OutcomeDifferent: 1}) // it is there
	h.clock.advance(time.Hour)
	h.mustDeliver()
	h.verifyComplete()
}

// A trail gets what was logged before it was made, in new files, a crash at any
// step or not; and nothing twice.
func TestRedeliverAsNew(t *testing.T) {
	t.Parallel()
	for _, crashAt := range []string{"", "new file staged"} {
		h := newHarness(t)
		h.clock.advance(time.Minute)
		early := h.post(event{})
		h.clock.advance(time.Minute)
		since := h.clock.Now()
		h.clock.advance(time.Second)
		ids := []string{h.post(event{}), h.post(event{}), h.post(event{})}
		h.post(event{region: global})
		h.post(event{origin: cairn.OriginImported})
		h.clock.advance(5 * time.Minute)
		h.mustDeliver()
		tr := h.create("late", nil)
		ids = append(ids, h.post(event{}))
		r := delivery.Redelivery{Trail: tr, Since: since, Until: h.clock.Now(), AsNew: true}
		if crashAt != "" {
			h.crashWhere(func(at string) bool { return at == crashAt })
			func() {
				defer func() {
					if _, ok := recover().(crash); !ok {
						t.Fatalf("no crash where %s", crashAt)
					}
				}()
				h.redeliver(r)
			}()
			h.open()
		}
		h.mustRedeliver(r, map[delivery.Outcome]int{delivery.OutcomeNew: 1})
		h.mustRedeliver(r, map[delivery.Outcome]int{delivery.OutcomeWaiting: 1})
		h.clock.advance(5 * time.Minute)
		h.mustDeliver()
		h.clock.advance(time.Hour)
		h.mustDeliver()
		h.verifyComplete()
		sameEvents(t, "late", h.eventIDs(""), ids)
		if slices.Contains(h.eventIDs(""), early) {
			t.Error("an event from before the range was delivered")
		}
	}
}

// A file that was given up is delivered under its name, notified, and listed by
// a backfill digest.
func TestRedeliverGivenUp(t *testing.T) {
	t.Parallel()
	for _, crashAt := range []string{"", "file taken up"} {
		h := newHarness(t)
		h.config.DigestInterval = 24 * time.Hour
		h.open()
		tr := h.create("main", func(c *cairn.Trail) { c.SNSTopicARN = "arn:aws:sns:eu-central-1:111122223333:n" })
		begin := h.clock.Now()
		id := h.post(event{})
		down := func(_, key string) (error, bool) {
			if strings.Contains(key, "_CloudTrail_") {
				return failure("NoSuchBucket", http.StatusNotFound), false
			}
			return nil, true
		}
		h.bucket.fault = down
		h.deliver()
		h.clock.advance(delivery.KeepTrying + time.Hour)
		h.deliver()
		f := h.files(delivery.LedgerQuery{Trail: tr.ID})
		if len(f) != 1 || f[0].Progress() != delivery.FileAbandoned || f[0].Error != "NoSuchBucket" {
			t.Fatalf("files %+v", f)
		}
		if s, err := h.delivery.Status(tr.ID); err != nil || s.GivenUp != 1 {
			t.Errorf("status %+v %v", s, err)
		}
		r := delivery.Redelivery{Trail: tr, Since: begin, Until: h.clock.Now()}
		if _, all, err := h.redeliver(r); err == nil || len(all) != 1 || all[0].Outcome != delivery.OutcomeFailed || all[0].Why != "NoSuchBucket" {
			t.Errorf("while the bucket is gone: %+v %v", all, err)
		}
		h.bucket.fault = nil
		if crashAt != "" {
			h.crashWhere(func(at string) bool { return at == crashAt })
			func() {
				defer func() { _ = recover() }()
				h.redeliver(r)
			}()
			h.open()
		} else {
			h.mustRedeliver(r, map[delivery.Outcome]int{delivery.OutcomeDelivered: 1, delivery.OutcomePresent: len(h.bucket.keys("_main_"))})
		}
		for range 2 {
			h.clock.advance(24 * time.Hour)
			h.mustDeliver()
		}
		sameEvents(t, "main", h.eventIDs(""), []string{id})
		h.verifyComplete()
		if f := h.files(delivery.LedgerQuery{Trail: tr.ID}); len(f) != 1 || f[0].Progress() != delivery.FileInDigest || f[0].Notified.IsZero() {
			t.Errorf("files %+v", f)
		}
	}
}

// expired is a log whose first records retention has removed.
type expired struct {
	delivery.Log
	first eventlog.Position
}

func (l expired) Read(ctx context.Context, from eventlog.Position) iter.Seq2[*cairn.Event, error] {
	if from.Compare(l.first) < 0 {
		from = l.first
	}
	return l.Log.Read(ctx, from)
}

// What the event log has no more cannot be made again; the rest can, as new.
func TestRedeliverExpired(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	h.post(event{})
	h.post(event{})
	first := h.log.End()
	left := h.post(event{})
	h.clock.advance(5 * time.Minute)
	h.mustDeliver()
	cfg := h.config
	cfg.Dir, cfg.Catalog, cfg.Trails, cfg.Keys = filepath.ToSlash(filepath.Join(h.dir, "staged")), h.catalog, h.trails, h.keys
	cfg.Destinations, cfg.Regions, cfg.Now, cfg.Log = h.bucket, regions, h.clock.Now, expired{h.log, first}
	var err error
	if h.delivery, err = delivery.Open(cfg); err != nil {
		t.Fatal(err)
	}
	for name := range h.bucket.objects {
		delete(h.bucket.objects, name)
	}
	r := delivery.Redelivery{Trail: tr, Since: h.clock.Now(), Until: h.clock.Now()}
	all := h.mustRedeliver(r, map[delivery.Outcome]int{delivery.OutcomeDifferent: 1})
	if !strings.Contains(all[0].Why, "expired: the event log has 1 of its 3") || len(h.bucket.objects) != 0 {
		t.Errorf("%s; %d objects", all[0].Why, len(h.bucket.objects))
	}
	r.AsNew = true
	h.mustRedeliver(r, map[delivery.Outcome]int{delivery.OutcomeDifferent: 1, delivery.OutcomeNew: 1})
	h.mustDeliver()
	sameEvents(t, "what is left", h.eventIDs(""), []string{left})
}

// A digest that is gone comes back as it was signed, by its key or with the log
// files of its time, and the chain is whole again. One that is there is left
// alone, and so is another object under its key.
func TestRedeliverDigests(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	begin := h.clock.Now()
	for range 4 {
		h.post(event{})
		h.mustDeliver()
		h.clock.advance(time.Hour)
	}
	h.mustDeliver()
	h.verifyComplete()
	before := maps.Clone(h.bucket.objects)
	names := h.bucket.keys("/CloudTrail-Digest/")
	if len(names) != 4 {
		t.Fatalf("digests %v", names)
	}
	byKey := func(name string) delivery.Redelivery {
		t.Helper()
		key := strings.TrimPrefix(name, "audit/")
		parsed, err := cairn.ParseDigestFileKey(key)
		if err != nil {
			t.Fatal(err)
		}
		k, err := h.delivery.DigestByKey(tr.ID, key, parsed.End)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.delivery.DigestByKey(tr.ID, key+"x", parsed.End); !errors.Is(err, delivery.ErrUnknownDigest) {
			t.Errorf("a key that is not known: %v", err)
		}
		return delivery.Redelivery{Trail: tr, Digest: k}
	}
	same := func(what string) {
		t.Helper()
		h.verifyComplete()
		for name, o := range before {
			if now := h.bucket.objects[name]; !slices.Equal(now.body, o.body) || !maps.Equal(now.metadata, o.metadata) {
				t.Errorf("%s: %s is not as it was", what, name)
			}
		}
	}
	delete(h.bucket.objects, names[1])
	h.open() // a start of the server keeps what is kept
	h.mustRedeliver(byKey(names[1]), map[delivery.Outcome]int{delivery.OutcomeRestored: 1})
	same("by key")
	h.mustRedeliver(byKey(names[1]), map[delivery.Outcome]int{delivery.OutcomePresent: 1})

	// What was taken out altogether comes back together.
	clear(h.bucket.objects)
	r := delivery.Redelivery{Trail: tr, Since: begin, Until: h.clock.Now()}
	h.mustRedeliver(r, map[delivery.Outcome]int{delivery.OutcomeRestored: 8})
	same("by time")

	// A window that the time only touches is meant, and no other is.
	r.Since, r.Until = begin.Add(time.Hour), begin.Add(time.Hour+time.Minute)
	all := h.mustRedeliver(r, map[delivery.Outcome]int{delivery.OutcomePresent: 2})
	if k := all[1].Digest; k == nil || k.Start.After(r.Since) || k.End.Before(r.Until) || k.Files != 1 {
		t.Errorf("digest %+v of %v to %v", k, r.Since, r.Until)
	}

	// Another object is not replaced, with the digest's signature or without.
	for _, metadata := range []map[string]string{nil, before[names[2]].metadata} {
		strange := object{body: []byte("another"), metadata: metadata}
		h.bucket.objects[names[2]] = strange
		all := h.mustRedeliver(byKey(names[2]), map[delivery.Outcome]int{delivery.OutcomeRefused: 1})
		if !strings.Contains(all[0].Why, "another object") || string(h.bucket.objects[names[2]].body) != "another" {
			t.Errorf("refused because %q", all[0].Why)
		}
	}

	// A bucket that does not let the trail read still has nothing replaced.
	h.bucket.blind = true
	all = h.mustRedeliver(byKey(names[2]), map[delivery.Outcome]int{delivery.OutcomePresent: 1})
	if !strings.Contains(all[0].Why, "not compared") || string(h.bucket.objects[names[2]].body) != "another" {
		t.Errorf("there because %q", all[0].Why)
	}
	delete(h.bucket.objects, names[2])
	h.mustRedeliver(byKey(names[2]), map[delivery.Outcome]int{delivery.OutcomeRestored: 1})
	same("blind")
}

// Log files that are there are left alone, others are put: where something lies
// under the key that cannot be compared, the outcome says so.
func TestRedeliverPresent(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", func(c *cairn.Trail) { c.LogFileValidation = false })
	h.post(event{})
	h.mustDeliver()
	f := h.files(delivery.LedgerQuery{Trail: tr.ID})[0]
	name := f.Bucket + "/" + f.Key
	was := h.bucket.objects[name]
	r := delivery.Redelivery{Trail: tr, File: f}
	for _, c := range []struct {
		what    string
		blind   bool
		there   *object
		outcome delivery.Outcome
		why     string
		puts    int
	}{
		{"the same", false, &was, delivery.OutcomePresent, "", 0},
		{"nothing", false, nil, delivery.OutcomeRestored, "", 1},
		{"other bytes", false, &object{body: []byte("other")}, delivery.OutcomeAgain, "other bytes", 1},
		{"something", true, &was, delivery.OutcomeAgain, "could not be compared", 1},
		{"nothing, unseen", true, nil, delivery.OutcomeRestored, "", 1},
	} {
		delete(h.bucket.objects, name)
		if c.there != nil {
			h.bucket.objects[name] = *c.there
		}
		h.bucket.blind = c.blind
		puts := len(h.bucket.puts[name])
		all := h.mustRedeliver(r, map[delivery.Outcome]int{c.outcome: 1})
		if puts = len(h.bucket.puts[name]) - puts; puts != c.puts || !strings.Contains(all[0].Why, c.why) || (c.why == "") != (all[0].Why == "") {
			t.Errorf("%s: %d puts, because %q", c.what, puts, all[0].Why)
		}
		if !slices.Equal(h.bucket.objects[name].body, was.body) {
			t.Errorf("%s: the file is not as it was", c.what)
		}
	}
}

// What a bucket tells of and cannot read any more is put again, log files and digests.
func TestRedeliverRotten(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	begin := h.clock.Now()
	h.post(event{})
	h.clock.advance(time.Hour)
	h.mustDeliver()
	h.clock.advance(time.Hour)
	h.mustDeliver()
	h.bucket.rotten = make(map[string]bool)
	for name := range h.bucket.objects {
		h.bucket.rotten[name] = true
	}
	n := len(h.bucket.rotten)
	all := h.mustRedeliver(delivery.Redelivery{Trail: tr, Since: begin, Until: h.clock.Now()}, map[delivery.Outcome]int{delivery.OutcomeAgain: n})
	if n < 2 || len(h.bucket.rotten) > 0 || !strings.Contains(all[0].Why, "could not be read") {
		t.Errorf("%d of %d are rotten still: %+v", len(h.bucket.rotten), n, all)
	}
	h.samePuts()
	h.verify()
}

// Digests are kept for 30 days from their delivery on.
func TestDigestsAreKept(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.config.DigestInterval = 24 * time.Hour
	h.open()
	tr := h.create("main", nil)
	begin := h.clock.Now()
	kept := func() (ends []time.Time) {
		t.Helper()
		_, all, err := h.redeliver(delivery.Redelivery{Trail: tr, Since: begin, Until: h.clock.Now()})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if r.Digest != nil {
				ends = append(ends, r.Digest.End)
			}
		}
		return ends
	}
	h.mustDeliver()
	for range 2 {
		h.clock.advance(24 * time.Hour)
		h.mustDeliver()
	}
	delivery.Sweep(h.delivery)
	if ends := kept(); len(ends) != 2 {
		t.Fatalf("%d digests are kept: %v", len(ends), ends)
	}
	h.clock.advance(delivery.KeepTrying - 12*time.Hour)
	delivery.Sweep(h.delivery)
	if ends := kept(); len(ends) != 1 || !ends[0].After(begin.Add(24*time.Hour)) {
		t.Errorf("kept 30 days after the first: %v", ends)
	}
}
