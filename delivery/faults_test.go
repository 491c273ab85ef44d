package delivery_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn"
	"cairn/delivery"
	"cairn/trail"
)

// A staged file that is lost or damaged is made again, and holds nothing up.
func TestStagedFilesAreLost(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 20) },
		"changed": func(path string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return os.WriteFile(path, b, 0o600)
		},
	} {
		for _, kind := range []string{"_CloudTrail_", "_CloudTrail-Digest_"} {
			t.Run(name+kind, func(t *testing.T) {
				t.Parallel()
				h := newHarness(t)
				h.create("main", nil)
				h.create("twin", func(c *cairn.Trail) { c.S3KeyPrefix = "twin" })
				h.bucket.fault = func(_, key string) (error, bool) {
					if strings.Contains(key, kind) {
						return failure("AccessDenied", http.StatusForbidden), false
					}
					return nil, false
				}
				for range 3 {
					h.post(event{})
					h.deliver()
					h.clock.advance(20 * time.Minute)
				}
				h.deliver()
				staged, err := filepath.Glob(filepath.Join(h.dir, "staged", "*"))
				if err != nil || len(staged) == 0 {
					t.Fatalf("nothing is staged: %v", err)
				}
				for _, path := range staged {
					if err := damage(path); err != nil {
						t.Fatal(err)
					}
				}
				h.bucket.fault = nil
				for range 4 {
					h.clock.advance(time.Hour)
					h.deliver()
				}
				sameEvents(t, "main", h.eventIDs("audit/AWSLogs"), h.sent)
				sameEvents(t, "twin", h.eventIDs("audit/twin/"), h.sent)
				if w := h.verifyComplete(); len(w.starts) != 2 {
					t.Errorf("chains start at %v", w.starts)
				}
				if staged, _ := filepath.Glob(filepath.Join(h.dir, "staged", "*")); len(staged) > 0 {
					t.Errorf("staged files are left: %v", staged)
				}
			})
		}
	}
}

// A bucket that refuses the files of one region takes those of the others.
func TestOneRegionIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", func(c *cairn.Trail) { c.IsMultiRegion = true })
	h.bucket.fault = func(_, key string) (error, bool) {
		if strings.Contains(key, "/"+global+"/") {
			return failure("AccessDenied", http.StatusForbidden), false
		}
		return nil, false
	}
	var here []string
	for range 3 {
		h.post(event{region: global})
		here = append(here, h.post(event{}))
		h.deliver()
		h.clock.advance(5 * time.Minute)
	}
	sameEvents(t, "main", h.eventIDs(""), here)
}

// What is old because the server was away, or because its clock leaps, is not
// given up at the first failure.
func TestOldFilesAreTried(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("main", func(c *cairn.Trail) { c.LogFileValidation = false }) // nor a year of digests
	h.bucket.fault = func(string, string) (error, bool) { return failure("SlowDown", http.StatusServiceUnavailable), false }
	h.post(event{})
	h.deliver()
	h.open()
	h.clock.advance(365 * 24 * time.Hour)
	h.deliver()
	h.clock.advance(5 * time.Minute)
	h.bucket.fault = nil
	h.deliver()
	sameEvents(t, "main", h.eventIDs(""), h.sent)
}

// A trail's status is for its account: it names neither the operator's machines
// nor files.
func TestStatusNamesNoMachine(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	for _, err := range []error{
		&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 9000}, Err: syscall.ECONNREFUSED},
		&net.DNSError{Err: "no such host", Name: "minio.internal"},
		&os.PathError{Op: "open", Path: "/var/lib/cairn/delivery/x", Err: syscall.EIO},
		context.DeadlineExceeded,
	} {
		h.bucket.fault = func(string, string) (error, bool) { return err, false }
		h.post(event{})
		h.clock.advance(time.Hour)
		h.deliver()
		s, failed := h.delivery.Status(tr.ID)
		text := s.LatestDeliveryError + s.LatestDigestDeliveryError
		if failed != nil || s.LatestDeliveryError == "" || strings.Contains(text, "10.1.2.3") || strings.Contains(text, "minio") || strings.Contains(text, "/var") {
			t.Errorf("%v: status %q, %v", err, text, failed)
		}
	}
}

// A disk that is full while a cut's rows are set, or anything else that fails
// there, leaves no rows that the next cut makes count.
func TestCutFailsHalfway(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"files staged", "row of a staged file set", "log cut"} {
		h := newHarness(t)
		h.create("main", nil)
		h.create("twin", func(c *cairn.Trail) { c.S3KeyPrefix = "twin" })
		h.post(event{})
		once := true
		h.crashWhere(func(at string) bool {
			fail := at == point && once
			once = once && !fail
			return fail
		})
		if at, _ := h.deliver(); at != point {
			t.Fatalf("%s: did not fail", point)
		}
		h.post(event{}) // the next cut's files have other bytes
		h.clock.advance(5 * time.Minute)
		h.mustDeliver()
		h.mustDeliver()
		sameEvents(t, point+": main", h.eventIDs("audit/AWSLogs"), h.sent)
		sameEvents(t, point+": twin", h.eventIDs("audit/twin"), h.sent)
		if n := h.delivery.Stats().Backlog; n != 0 {
			t.Errorf("%s: %d files wait", point, n)
		}
		h.clock.advance(2 * time.Hour)
		h.mustDeliver()
		h.verifyComplete()
	}
}

// A trail that is made while the log is being cut, and deleted before the cut is
// done, gets what came in between.
func TestDeletedDuringCut(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("other", func(c *cairn.Trail) { c.S3KeyPrefix = "other" })
	tr := h.create("main", func(c *cairn.Trail) { c.S3KeyPrefix = "main" })
	h.post(event{})
	deleted := false
	delivery.SetCrash(h.delivery, func(at string) {
		if at != "files staged" || deleted {
			return
		}
		deleted = true
		h.post(event{}) // behind the end of this cut
		if err := h.trails.Delete(account, tr.ID, "delete"); err != nil {
			t.Error(err)
		}
		h.clock.advance(10 * time.Minute) // it is a large cut
	})
	for range 3 {
		h.deliver()
	}
	h.clock.advance(2 * time.Hour)
	h.deliver()
	h.deliver()
	sameEvents(t, "main", h.eventIDs("audit/main/"), h.sent)
}

// countedTrails count how often a worker looks at its trail, which it does once
// a turn.
type countedTrails struct {
	delivery.Trails
	turns atomic.Int64
}

func (c *countedTrails) ByID(account, id string) (*trail.Trail, error) {
	c.turns.Add(1)
	return c.Trails.ByID(account, id)
}

// hangingBucket answers nothing before the caller gives up.
type hangingBucket struct{ *bucket }

func (b hangingBucket) Objects(*trail.Trail) delivery.Objects { return b }

func (b hangingBucket) PutObject(ctx context.Context, _ *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// started runs deliveries in a bubble, which fails if a goroutine is left.
func started(t *testing.T, destinations func(*bucket) delivery.Destinations, run func(h *harness, trails *countedTrails)) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.clock.follow = true
		trails := &countedTrails{Trails: h.trails}
		d, err := delivery.Open(delivery.Config{
			Dir: filepath.ToSlash(filepath.Join(h.dir, "staged")), Log: h.log, Catalog: h.catalog, Trails: trails, Keys: h.keys,
			Destinations: destinations(h.bucket), Regions: regions, Now: h.clock.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		h.trails.OnChange(d.Changed)
		h.delivery = d
		d.Start()
		run(h, trails)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Deliveries that hang end when they are closed, with no goroutine left.
func TestCloseWhileHanging(t *testing.T) {
	t.Parallel()
	started(t, func(b *bucket) delivery.Destinations { return hangingBucket{b} }, func(h *harness, _ *countedTrails) {
		for _, name := range []string{"a", "b", "c"} {
			h.create(name, nil)
		}
		h.post(event{})
		time.Sleep(5*time.Minute + time.Second)
		began := time.Now()
		if err := h.delivery.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Close took %v", took)
		}
		h.delivery.Changed() // has no effect any more
	})
}

// A bucket that is down for a day is not asked about all the time.
func TestOutageIsQuiet(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	started(t, func(b *bucket) delivery.Destinations {
		b.fault = func(string, string) (error, bool) { return down, false }
		return b
	}, func(h *harness, trails *countedTrails) {
		h.create("main", func(c *cairn.Trail) { c.IsMultiRegion = true })
		for range 24 {
			h.post(event{})
			time.Sleep(time.Hour)
		}
		// One turn for each cut, and one for each attempt.
		if n := trails.turns.Load(); n > 3*24*12 {
			t.Errorf("%d turns in a day", n)
		}
	})
}
