package aws

import (
	"sync"
	"time"
)

// A limiter allows each account so many calls a second of each operation in
// each region, with bursts of as many.
type limiter struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[limitKey]*bucket
}

type limitKey struct{ account, region, operation string }

type bucket struct {
	tokens float64
	at     time.Time
}

// maxBuckets bounds the memory of a limiter. Full buckets are dropped first,
// because forgetting them changes nothing.
const maxBuckets = 100_000

func (l *limiter) allow(account, region, operation string, rate float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	key := limitKey{account, region, operation}
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			l.drop(now)
		}
		if l.buckets == nil {
			l.buckets = make(map[limitKey]*bucket)
		}
		b = &bucket{tokens: max(rate, 1), at: now}
		l.buckets[key] = b
	}
	b.tokens = min(max(rate, 1), b.tokens+rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// drop forgets buckets that were not used for a minute, or all if there are
// none.
func (l *limiter) drop(now time.Time) {
	for key, b := range l.buckets {
		if now.Sub(b.at) > time.Minute {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}
