package eventlog_test

import (
	"math"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
)

// A histogram of too many bars is refused, whether its bounds ask for them or
// the events that it finds.
func TestHistogramBounds(t *testing.T) {
	t.Parallel()
	l := open(t, testConfig(t))
	at := func(id string, n int) []byte {
		return made{id: id, at: epoch.Add(time.Duration(n) * time.Second), resources: [][2]string{{"AWS::S3::Bucket", "arn:aws:s3:::b" + id}}}.raw()
	}
	mustSend(t, l, eventlog.Stored, at("a", 0), at("b", 5000), at("c", eventlog.MaxBuckets-1))
	// The index does not keep names of resources: the records are read.
	byRecord := []eventlog.Filter{{Attribute: cairn.AttrResourceName, Values: []string{"arn:"}, Prefix: true}}
	for round := range 3 {
		for _, filters := range [][]eventlog.Filter{nil, byRecord} {
			buckets, err := l.Histogram(ctx, eventlog.Query{Filters: filters}, time.Second)
			switch {
			case round < 2 && (err != nil || len(buckets) != eventlog.MaxBuckets || buckets[5000].Count != 1):
				t.Errorf("%d buckets, %v", len(buckets), err)
			case round == 2 && err != eventlog.ErrHistogramSize:
				t.Errorf("one bucket too many: %d buckets, %v", len(buckets), err)
			}
			if buckets, err := l.Histogram(ctx, eventlog.Query{Filters: filters}, time.Hour); err != nil || len(buckets) != 3 {
				t.Errorf("%d buckets of an hour, %v", len(buckets), err)
			}
			if _, err := l.Histogram(ctx, eventlog.Query{Filters: filters, Since: time.Unix(0, 0), Until: epoch}, time.Second); err != eventlog.ErrHistogramSize {
				t.Errorf("bounds of 56 years: %v", err)
			}
		}
		if seal(t, l); round == 1 {
			mustSend(t, l, eventlog.Stored, at("d", eventlog.MaxBuckets))
		}
	}
	for _, step := range []time.Duration{0, -time.Second, time.Millisecond, 1500 * time.Millisecond} {
		if _, err := l.Histogram(ctx, eventlog.Query{}, step); err != eventlog.ErrHistogramStep {
			t.Errorf("a step of %v: %v", step, err)
		}
	}
	if buckets, err := l.Histogram(ctx, eventlog.Query{}, math.MaxInt64/time.Second*time.Second); err != nil || len(buckets) != 1 {
		t.Errorf("the longest step: %v, %v", buckets, err)
	}
}

// A page has a largest size, however many are asked for.
func TestLimitIsCapped(t *testing.T) {
	t.Parallel()
	l := open(t, testConfig(t))
	records := plains(0, eventlog.MaxLimit+2)
	appendAll(t, l, records, 5000)
	for _, limit := range []int{eventlog.MaxLimit + 1, math.MaxInt} {
		page, err := l.Lookup(ctx, eventlog.Query{Limit: limit})
		if err != nil || len(page.Events) != eventlog.MaxLimit || !page.More {
			t.Fatalf("limit %d: %d events, %v", limit, len(page.Events), err)
		}
		if page, err = l.Lookup(ctx, eventlog.Query{Limit: limit, After: page.Next}); err != nil || len(page.Events) != 2 || page.More {
			t.Fatalf("limit %d: %d events on the second page, %v", limit, len(page.Events), err)
		}
	}
}
