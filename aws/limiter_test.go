package aws

import (
	"strconv"
	"testing"
	"time"
)

// Buckets that nobody uses are forgotten; those in use are not, until there is
// no other way.
func TestLimiterMemory(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	l := limiter{now: func() time.Time { return now }}
	fill := func(prefix string, n int) {
		for i := range n {
			l.allow(prefix+strconv.Itoa(i), "us-east-1", "op", 2)
		}
	}
	fill("idle", maxBuckets/2)
	now = now.Add(61 * time.Second)
	fill("busy", maxBuckets/2)
	l.allow("busy0", "us-east-1", "op", 2)
	if l.allow("busy0", "us-east-1", "op", 2) {
		t.Fatal("three calls at once")
	}
	fill("new", 1)
	if len(l.buckets) != maxBuckets/2+1 {
		t.Errorf("%d buckets after the idle ones were dropped", len(l.buckets))
	}
	if l.allow("busy0", "us-east-1", "op", 2) {
		t.Error("a bucket in use was dropped")
	}
	fill("flood", 3*maxBuckets)
	if len(l.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(l.buckets))
	}
}

func TestLimiterSlowRate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	l := limiter{now: func() time.Time { return now }}
	for i, want := range []bool{true, false, false, false, true, false} {
		if got := l.allow("a", "r", "op", 0.25); got != want {
			t.Errorf("call %d, one a second, is allowed: %v", i, got)
		}
		now = now.Add(time.Second)
	}
}
