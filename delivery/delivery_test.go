package delivery_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cairn"
	"cairn/trail"
)

func TestDelivers(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.post(event{}) // before there is a trail
	h.sent = nil
	h.delivery.Deliver(t.Context())
	h.create("main", func(c *cairn.Trail) {
		c.IsMultiRegion = true
		c.S3KeyPrefix = "p"
		c.SNSTopicARN = "arn:aws:sns:eu-central-1:111122223333:n"
	})
	h.create("single", nil)
	var inHome, elsewhere []string
	for range 5 {
		inHome = append(inHome, h.post(event{}))
		elsewhere = append(elsewhere, h.post(event{region: global, source: "iam.amazonaws.com", name: "CreateUser"}))
		h.post(event{account: "444455556666"})
		h.post(event{origin: cairn.OriginImported})
	}
	h.mustDeliver()
	sameEvents(t, "main", h.eventIDs("audit/p/"), append(slices.Clone(inHome), elsewhere...))
	sameEvents(t, "single", h.eventIDs("audit/AWSLogs"), inHome)
	if got := h.bucket.messages; len(got) != 2 || !strings.HasPrefix(got[0], `{"s3Bucket":"audit","s3ObjectKey":["p/AWSLogs/111122223333/CloudTrail/`) {
		t.Errorf("messages %q", got)
	}
	for range 3 {
		h.clock.advance(time.Hour)
		h.mustDeliver()
	}
	w := h.verifyComplete()
	if len(w.digests) != 3*3 || len(w.starts) != 3 {
		t.Errorf("%d digests in %d chains, want 9 in 3", len(w.digests), len(w.starts))
	}
}

// Each change of a trail counts from the moment that it is made, however late the
// events are looked at. The call that ends logging is delivered itself.
func TestChangesCountAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var want []string
	h.post(event{})
	tr := h.create("main", func(c *cairn.Trail) { c.Logging = false })
	h.post(event{})
	tr = h.change(tr, "start", func(t *trail.Trail) { t.Logging = true; t.LoggingStarted = h.clock.Now() })
	want = append(want, h.post(event{source: "cloudtrail.amazonaws.com", name: "StartLogging", request: "start"}), h.post(event{}), h.post(event{readOnly: true}))
	tr = h.change(tr, "select", func(t *trail.Trail) {
		t.EventSelectors = []cairn.EventSelector{{ReadWriteType: "ReadOnly"}}
	})
	want = append(want, h.post(event{source: "cloudtrail.amazonaws.com", name: "PutEventSelectors", request: "select"}))
	h.post(event{})
	want = append(want, h.post(event{readOnly: true}))
	tr = h.change(tr, "stop", func(t *trail.Trail) { t.Logging = false; t.LoggingStopped = h.clock.Now() })
	// The new selectors do not take it.
	h.post(event{source: "cloudtrail.amazonaws.com", name: "StopLogging", request: "stop"})
	h.post(event{readOnly: true})
	h.clock.advance(5 * time.Minute)
	h.mustDeliver()
	h.mustDeliver()
	sameEvents(t, "main", h.eventIDs(""), want)
	w := h.verifyComplete()
	if len(w.digests) != 1 {
		t.Errorf("%d digests, want the last one", len(w.digests))
	}
	_ = tr
}

// Whatever point a crash comes at, everything is delivered under one name and
// with the same bytes, and listed by one digest.
func TestCrashes(t *testing.T) {
	t.Parallel()
	met := make(map[string]int)
	crashRun(t, func(at string) bool { met[at]++; return false })
	if len(met) < 13 {
		t.Errorf("only these crash points are met: %v", met)
	}
	for point, times := range met {
		if testing.Short() {
			times = 1
		}
		for n := range times {
			t.Run(fmt.Sprintf("%s/%d", point, n+1), func(t *testing.T) {
				t.Parallel()
				left := n
				crashed := crashRun(t, func(at string) bool {
					if at != point {
						return false
					}
					left--
					return left < 0
				})
				if !crashed {
					t.Errorf("did not crash")
				}
			})
		}
	}
}

// crashRun delivers for some hours, dies once where the function says, and
// checks the bucket.
func crashRun(t *testing.T, here func(at string) bool) (crashed bool) {
	h := newHarness(t)
	h.create("one", func(c *cairn.Trail) { c.SNSTopicARN = "arn:aws:sns:eu-central-1:111122223333:n" })
	two := h.create("two", func(c *cairn.Trail) { c.S3KeyPrefix = "two"; c.IsMultiRegion = true })
	h.crashWhere(here)
	step := func() {
		if at, _ := h.deliver(); at != "" {
			crashed = true
			h.open()
		}
		h.mustDeliver()
	}
	for i := range 3 {
		h.post(event{})
		h.post(event{region: global})
		step()
		if i == 1 {
			h.clock.advance(time.Hour)
		}
	}
	h.change(two, "stop", func(t *trail.Trail) { t.Logging = false; t.LoggingStopped = h.clock.Now() })
	h.clock.advance(5 * time.Minute)
	step()
	h.clock.advance(time.Hour)
	step()
	sameEvents(t, "trail two", h.eventIDs("two/AWSLogs"), h.sent)
	if got := len(h.eventIDs("audit/AWSLogs")); got != 3 {
		t.Errorf("%d events of trail one", got)
	}
	if n := len(h.bucket.messages); n != 3 && (n != 4 || !crashed) {
		t.Errorf("%d notifications", n)
	}
	h.verifyComplete()
	h.samePuts()
	return crashed
}

// A bucket that fails delays its own trail alone, and gets the same objects in
// the end.
func TestBucketFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		err    error
		effect bool
		status string
	}{
		{"403", failure("AccessDenied", 403), false, "AccessDenied"},
		{"404", failure("NoSuchBucket", 404), false, "NoSuchBucket"},
		{"503", failure("SlowDown", 503), false, "SlowDown"},
		{"500 after it took effect", failure("InternalError", 500), true, "InternalError"},
		{"301", failure("PermanentRedirect", 301), false, "PermanentRedirect"},
		{"connection reset", errors.New("read: connection reset by peer"), true, "read: connection reset by peer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			bad := h.create("bad", func(c *cairn.Trail) { c.S3BucketName = "broken" })
			h.create("good", nil)
			h.bucket.fault = func(bucket, _ string) (error, bool) {
				if bucket == "broken" {
					return c.err, c.effect
				}
				return nil, false
			}
			for range 40 {
				h.post(event{})
				h.deliver()
				h.clock.advance(5 * time.Minute)
			}
			if got := h.eventIDs("audit/"); len(got) != 40 {
				t.Errorf("the good trail has %d of 40 events", len(got))
			}
			s, err := h.delivery.Status(bad.ID)
			if err != nil || s.LatestDeliveryError != c.status || s.LatestDeliveryAttempt.IsZero() {
				t.Errorf("status %+v, %v", s, err)
			}
			h.bucket.fault = nil
			for range 3 {
				h.clock.advance(time.Hour)
				h.mustDeliver()
			}
			sameEvents(t, "bad", h.eventIDs("broken/"), h.sent)
			h.verifyComplete()
			if s, _ := h.delivery.Status(bad.ID); s.LatestDeliveryError != "" || s.LatestDelivery.IsZero() {
				t.Errorf("status %+v", s)
			}
			h.samePuts()
			if n := h.delivery.Stats().Backlog; n != 0 {
				t.Errorf("%d files are left staged", n)
			}
		})
	}
}

// Log files that fail where digests do not, such as for a disabled key, get
// backfill digests when they come.
func TestLateFiles(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", nil)
	h.bucket.fault = func(_, key string) (error, bool) {
		if strings.Contains(key, "_CloudTrail_") {
			return failure("KMS.DisabledException", http.StatusBadRequest), false
		}
		return nil, false
	}
	for range 5 * 12 {
		h.post(event{})
		h.deliver()
		h.clock.advance(5 * time.Minute)
	}
	h.deliver()
	if n := len(h.bucket.keys("/CloudTrail-Digest/")); n < 3 {
		t.Fatalf("%d digests while files fail", n)
	}
	h.bucket.fault = nil
	for range 4 {
		h.clock.advance(time.Hour)
		h.mustDeliver()
	}
	sameEvents(t, "main", h.eventIDs(""), h.sent)
	w := h.verifyComplete()
	if n := len(h.bucket.keys("_backfill")); n < 3 {
		t.Errorf("%d backfill digests", n)
	}
	regular := 0
	for _, s := range w.starts {
		if !strings.Contains(s, "_backfill") {
			regular++
		}
	}
	if regular != 1 {
		t.Errorf("%d regular chains", regular)
	}
}

// A clock that steps back delays, and neither doubles nor loses a window.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", nil)
	for _, step := range []time.Duration{time.Hour, -time.Hour, 5 * time.Minute, -30 * time.Minute, 2 * time.Hour, -3 * time.Hour, 24 * time.Hour, -time.Hour, 3 * time.Hour} {
		h.post(event{})
		h.mustDeliver()
		h.clock.advance(step)
		h.mustDeliver()
	}
	h.clock.advance(5 * time.Hour)
	h.mustDeliver()
	sameEvents(t, "main", h.eventIDs(""), h.sent)
	if w := h.verifyComplete(); len(w.starts) != 1 {
		t.Errorf("%d chains: %v", len(w.starts), w.starts)
	}
}

// A deleted trail gets what it was for, its last digest, and is forgotten.
func TestDeletedTrail(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	h.post(event{})
	if err := h.trails.Delete(account, tr.ID, "delete"); err != nil {
		t.Fatal(err)
	}
	h.post(event{source: "cloudtrail.amazonaws.com", name: "DeleteTrail", request: "delete"})
	want := slices.Clone(h.sent)
	h.post(event{})
	h.clock.advance(5 * time.Minute)
	for range 4 {
		h.deliver()
	}
	sameEvents(t, "main", h.eventIDs(""), want)
	if w := h.verifyComplete(); len(w.digests) != 1 {
		t.Errorf("%d digests", len(w.digests))
	}
	if left := h.trails.All(); len(left) != 0 {
		t.Errorf("trails left: %v", left)
	}
}

// A trail that is given another bucket takes there what its old one did not take.
func TestBucketChanges(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{true, false} {
		h := newHarness(t)
		tr := h.create("main", nil)
		h.post(event{})
		h.mustDeliver()
		h.clock.advance(time.Hour)
		h.mustDeliver()
		h.bucket.fault = func(bucket, key string) (error, bool) {
			switch {
			case bucket == "audit" && refused:
				return failure("AccessDenied", http.StatusForbidden), false
			case bucket == "audit" && strings.Contains(key, "/CloudTrail-Digest/"):
				return failure("InternalError", http.StatusInternalServerError), false
			}
			return nil, false
		}
		for range 4 {
			h.post(event{})
			h.clock.advance(time.Hour)
			h.deliver()
		}
		h.change(tr, "update", func(t *trail.Trail) { t.S3BucketName = "other" })
		for range 6 {
			h.clock.advance(time.Hour)
			h.deliver()
		}
		h.bucket.fault = nil
		w := h.verify()
		chains := 1
		if !refused {
			chains = 2 // the old bucket may have a digest more than is known
		}
		if len(w.starts) != chains {
			t.Errorf("refused %t: chains start at %v", refused, w.starts)
		}
		got := h.eventIDs("")
		for _, id := range h.sent {
			if !slices.Contains(got, id) {
				t.Errorf("refused %t: event %s is lost", refused, id)
			}
		}
		for _, name := range h.bucket.keys("other/AWSLogs/111122223333/CloudTrail/") {
			if w.listed[name] != 1 {
				t.Errorf("refused %t: %s is listed by %d digests", refused, name, w.listed[name])
			}
		}
	}
}

// Data that was restored to an earlier state begins a new chain: the old one, of
// which the bucket has more, never forks.
func TestRestored(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", nil)
	h.post(event{})
	h.mustDeliver()
	h.clock.advance(time.Hour)
	h.mustDeliver()

	var backup bytes.Buffer
	if _, err := h.catalog.Snapshot(&backup); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		h.post(event{})
		h.clock.advance(time.Hour)
		h.mustDeliver()
	}
	before := len(h.verify().digests)

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "catalog.db"), backup.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	h.openCatalog(dir)
	h.dir = dir
	h.open()
	for range 4 {
		h.clock.advance(time.Hour)
		for range 6 {
			h.deliver()
		}
	}
	w := h.verify()
	regular := 0
	for _, s := range w.starts {
		if !strings.Contains(s, "_backfill") {
			regular++
		}
	}
	if regular != 2 {
		t.Errorf("chains start at %v, want the old one and a new one", w.starts)
	}
	if len(w.digests) < before+4 {
		t.Errorf("%d digests, %d before the restore", len(w.digests), before)
	}
	// What was delivered and not yet digested when the data was lost is not
	// listed; it is delivered again, and that is.
	var listed []string
	for name := range w.listed {
		listed = append(listed, h.eventIDs(name)...)
	}
	for _, id := range h.sent {
		if !slices.Contains(listed, id) {
			t.Errorf("event %s is in no listed log file", id)
		}
	}
}

// A trail and its bucket that go together leave nothing that is tried for ever.
func TestBucketGoesWithTrail(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	h.post(event{})
	h.mustDeliver()
	h.bucket.fault = func(string, string) (error, bool) { return failure("NoSuchBucket", http.StatusNotFound), false }
	h.post(event{})
	if err := h.trails.Delete(account, tr.ID, "delete"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		h.clock.advance(time.Hour)
		h.deliver()
	}
	if left := h.trails.All(); len(left) != 0 {
		t.Errorf("trails left: %d", len(left))
	}
	if files, err := os.ReadDir(filepath.Join(h.dir, "staged")); err != nil || len(files) != 0 {
		t.Errorf("staged files left: %v %v", files, err)
	}
}

// Thirty days without a bucket wait on disk, and come in order, each hour with
// its digest. What is older is given up.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", nil)
	h.bucket.fault = func(string, string) (error, bool) { return failure("SlowDown", http.StatusServiceUnavailable), false }
	days := 31
	if testing.Short() {
		days = 3
	}
	for range days {
		h.post(event{})
		h.deliver()
		h.clock.advance(24 * time.Hour)
	}
	h.deliver()
	h.bucket.fault = nil
	for range 3 {
		h.clock.advance(time.Hour)
		h.mustDeliver()
	}
	want := h.sent
	if days > 30 {
		want = h.sent[2:] // the second is 30 days old when the bucket is back
	}
	if got := h.eventIDs(""); !slices.Equal(got, want) {
		t.Errorf("delivered %v, want %v", got, want)
	}
	w := h.verifyComplete()
	if len(w.starts) != 1 || len(w.digests) < days*24 {
		t.Errorf("%d digests over %d days, chains begin with %v", len(w.digests), days, w.starts)
	}
	if n := h.delivery.Stats().Backlog; n != 0 {
		t.Errorf("%d files are left staged", n)
	}
}

// Trails that take the same events share what is staged, and each gets it under
// a name of its own.
func TestEqualTrailsShare(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 4 {
		h.create(fmt.Sprintf("trail-%d", i), func(c *cairn.Trail) { c.S3KeyPrefix = c.Name; c.LogFileValidation = false })
	}
	h.create("other", func(c *cairn.Trail) {
		c.S3KeyPrefix = "other"
		c.EventSelectors = []cairn.EventSelector{{ReadWriteType: "WriteOnly"}}
	})
	h.bucket.fault = func(string, string) (error, bool) { return failure("SlowDown", http.StatusServiceUnavailable), false }
	h.post(event{})
	h.deliver()
	files, err := os.ReadDir(filepath.Join(h.dir, "staged"))
	if err != nil || len(files) != 1 {
		t.Errorf("%d staged files of 5 trails with equal output, want 1 (%v)", len(files), err)
	}
	h.bucket.fault = nil
	h.clock.advance(time.Hour)
	h.mustDeliver()
	if names := h.bucket.keys("_CloudTrail_"); len(names) != 5 {
		t.Errorf("%d log files, want one for each trail", len(names))
	}
	if files, err := os.ReadDir(filepath.Join(h.dir, "staged")); err != nil || len(files) != 0 {
		t.Errorf("staged files left: %v %v", files, err)
	}
}

// A log file never has more than 50 MB before it is compressed.
func TestLogFileSize(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", func(c *cairn.Trail) { c.LogFileValidation = false })
	pad := strings.Repeat("x", 250_000)
	const events = 450
	for range events {
		h.post(event{parameter: pad})
	}
	h.mustDeliver()
	names := h.bucket.keys("_CloudTrail_")
	if len(names) != 3 {
		t.Errorf("%d files for %d MB, want 3", len(names), events*len(pad)/1_000_000)
	}
	for _, name := range names {
		if n := len(unzip(t, h.bucket.objects[name].body)); n > 50_000_000 {
			t.Errorf("%s has %d bytes", name, n)
		}
	}
	if got := h.eventIDs(""); !slices.Equal(got, h.sent) {
		t.Errorf("%d of %d events, or not in order", len(got), len(h.sent))
	}
}

// Started deliveries run by themselves: trails are looked at when they change,
// and a bucket that hangs keeps nobody else waiting.
func TestRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.clock.follow = true
		h.trails.OnChange(h.delivery.Changed)
		h.delivery.Start()
		hang := make(chan struct{})
		h.bucket.fault = func(bucket, _ string) (error, bool) {
			if bucket == "hanging" {
				<-hang
			}
			return nil, false
		}
		h.create("good", nil)
		h.create("bad", func(c *cairn.Trail) { c.S3BucketName = "hanging" })
		for range 30 {
			h.post(event{})
			time.Sleep(5 * time.Minute)
		}
		time.Sleep(time.Hour)
		sameEvents(t, "good", h.eventIDs("audit/"), h.sent)
		if n := len(h.bucket.keys("audit/AWSLogs/111122223333/CloudTrail-Digest/")); n < 3 {
			t.Errorf("%d digests", n)
		}
		close(hang)
		time.Sleep(2 * time.Hour)
		sameEvents(t, "bad", h.eventIDs("hanging/"), h.sent)
		if err := h.delivery.Close(); err != nil {
			t.Error(err)
		}
		h.verifyComplete()
	})
}
