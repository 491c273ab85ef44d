package console

import (
	"net/netip"
	"sync"
	"time"
)

// After so many attempts that failed the next ones wait: of one source with one access
// key, and of one source whatever the key. The wait doubles from a second to the most.
const (
	freeKeyAttempts    = 3
	freeSourceAttempts = 20
	maxDelay           = 15 * time.Minute
)

// maxDelays bounds what is remembered. forgetAfter is when an attempt that failed does not
// count any more.
const (
	maxDelays   = 10_000
	forgetAfter = 2 * maxDelay
)

// delays slow down who tries access keys.
type delays struct {
	now func() time.Time

	mu       sync.Mutex
	attempts map[attemptKey]*attempts
}

// An attemptKey is a source, and the access key that it tries: empty for all together. A
// source is an IPv4 address or an IPv6 network of 64 bits.
type attemptKey struct {
	source      netip.Prefix
	accessKeyID string
}

type attempts struct {
	failed int
	last   time.Time
}

func newDelays(now func() time.Time) *delays {
	return &delays{now: now, attempts: make(map[attemptKey]*attempts)}
}

// begin returns how long an attempt must wait, zero if it may go on. Then it counts as one
// that failed until succeeded is called, so that many at a time gain nothing.
func (d *delays) begin(source netip.Addr, accessKeyID string) time.Duration {
	own, all := keysOf(source, accessKeyID)
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	wait := max(d.waitOf(own, freeKeyAttempts, now), d.waitOf(all, freeSourceAttempts, now))
	if wait > 0 {
		return wait
	}
	d.count(own, now)
	d.count(all, now)
	return 0
}

// succeeded takes back what begin has counted: the failures of a source with a key are
// forgotten, those with other keys stay.
func (d *delays) succeeded(source netip.Addr, accessKeyID string) {
	own, all := keysOf(source, accessKeyID)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.attempts, own)
	if a := d.attempts[all]; a != nil {
		a.failed--
	}
}

func keysOf(source netip.Addr, accessKeyID string) (own, all attemptKey) {
	bits := source.BitLen()
	if source.Is6() {
		bits = 64
	}
	prefix, _ := source.WithZone("").Prefix(bits)
	return attemptKey{prefix, accessKeyID}, attemptKey{prefix, ""}
}

func (d *delays) waitOf(key attemptKey, free int, now time.Time) time.Duration {
	a := d.attempts[key]
	if a == nil || a.failed < free || now.Sub(a.last) >= forgetAfter {
		return 0
	}
	delay := min(time.Second<<min(a.failed-free, 20), maxDelay)
	return max(0, a.last.Add(delay).Sub(now))
}

func (d *delays) count(key attemptKey, now time.Time) {
	a := d.attempts[key]
	if a == nil {
		if len(d.attempts) >= maxDelays {
			d.makeRoom(now)
		}
		a = &attempts{}
		d.attempts[key] = a
	}
	if now.Sub(a.last) >= forgetAfter {
		a.failed = 0
	}
	a.failed++
	a.last = now
}

// makeRoom forgets what does not count any more, then what delays nothing yet, and if all
// that is left delays somebody the half of it that a map yields first.
func (d *delays) makeRoom(now time.Time) {
	for key, a := range d.attempts {
		if now.Sub(a.last) >= forgetAfter || key.accessKeyID != "" && a.failed < freeKeyAttempts {
			delete(d.attempts, key)
		}
	}
	if len(d.attempts) < maxDelays/2 {
		return
	}
	for key := range d.attempts {
		if len(d.attempts) < maxDelays/2 {
			return
		}
		delete(d.attempts, key)
	}
}

// maxRecordedFailures is how many failures to sign in have records of their own, in a
// minute. More are counted: whoever knows the ID of an access key must not fill the disk.
const maxRecordedFailures = 100

// A rate allows so many in a minute.
type rate struct {
	now func() time.Time
	max int

	mu    sync.Mutex
	since time.Time
	n     int
}

func (r *rate) allow() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); now.Sub(r.since).Abs() >= time.Minute {
		r.since, r.n = now, 0
	}
	r.n++
	return r.n <= r.max
}
