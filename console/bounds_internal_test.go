package console

import (
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// A clock that tests put ahead.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

// The wait doubles with each attempt that fails, up to a bound, and is forgotten in time.
func TestDelays(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := newDelays(c.now)
	source := netip.MustParseAddr("192.0.2.1")
	for i := range 3 {
		if wait := d.begin(source, "AKIAONE"); wait != 0 {
			t.Fatalf("attempt %d waits %v", i, wait)
		}
	}
	last := time.Duration(0)
	for range 14 {
		wait := d.begin(source, "AKIAONE")
		if wait < last || wait <= 0 || wait > maxDelay || last > 0 && last < maxDelay/2 && wait != 2*last {
			t.Fatalf("after %v comes %v", last, wait)
		}
		if again := d.begin(source, "AKIAONE"); again != wait {
			t.Fatalf("an attempt that has to wait changes the wait from %v to %v", wait, again)
		}
		c.at = c.at.Add(wait)
		last = wait
		if wait := d.begin(source, "AKIAONE"); wait != 0 {
			t.Fatalf("after its wait an attempt waits %v", wait)
		}
	}
	if last != maxDelay {
		t.Errorf("the longest wait is %v", last)
	}
	if wait := d.begin(netip.MustParseAddr("192.0.2.2"), "AKIAONE"); wait != 0 {
		t.Errorf("another source waits %v", wait)
	}
	c.at = c.at.Add(forgetAfter)
	if wait := d.begin(source, "AKIAONE"); wait != 0 {
		t.Errorf("what was forgotten waits %v", wait)
	}
}

// A source that tries many keys waits too, and a network of IPv6 is one source.
func TestDelaysOfSources(t *testing.T) {
	t.Parallel()
	d := newDelays(newClock().now)
	for i := range freeSourceAttempts {
		source := netip.MustParseAddr("2001:db8::" + strconv.Itoa(i+1))
		if wait := d.begin(source, "AKIA"+strconv.Itoa(i)); wait != 0 {
			t.Fatalf("attempt %d waits %v", i, wait)
		}
	}
	if wait := d.begin(netip.MustParseAddr("2001:db8::ffff"), "AKIAOTHER"); wait == 0 {
		t.Error("a source has any number of attempts")
	}
	if wait := d.begin(netip.MustParseAddr("2001:db8:0:1::1"), "AKIAOTHER"); wait != 0 {
		t.Errorf("another network waits %v", wait)
	}
}

// What succeeds counts against nobody.
func TestDelaysSucceed(t *testing.T) {
	t.Parallel()
	d := newDelays(newClock().now)
	source := netip.MustParseAddr("192.0.2.1")
	for i := range 10 * freeSourceAttempts {
		if wait := d.begin(source, "AKIAONE"); wait != 0 {
			t.Fatalf("sign-in %d waits %v", i, wait)
		}
		d.succeeded(source, "AKIAONE")
	}
}

// However many sources there are, a bounded number is remembered.
func TestDelaysAreBounded(t *testing.T) {
	t.Parallel()
	d := newDelays(newClock().now)
	for i := range 3 * maxDelays {
		d.begin(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), "AKIAONE")
	}
	if n := len(d.attempts); n > maxDelays+1 {
		t.Errorf("%d are remembered", n)
	}
}

// An account has a bounded number of sessions, and so have all: the one used longest ago
// ends, of the account itself or of the one that has most.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := newSessions(c.now)
	var first *session
	for i := range maxSessions / maxAccountSessions {
		for j := range maxAccountSessions {
			c.at = c.at.Add(time.Millisecond)
			e := &session{account: strconv.Itoa(i)}
			s.add(e)
			if i == 0 && j == 0 {
				first = e
			}
		}
	}
	if len(s.byHash) != maxSessions || s.over(first) {
		t.Fatalf("%d sessions, the first is over: %t", len(s.byHash), s.over(first))
	}
	s.add(&session{account: "0"})
	if !s.over(first) || len(s.byHash) != maxSessions || s.byAccount["0"] != maxAccountSessions {
		t.Errorf("one more of an account leaves %d, %d of the account", len(s.byHash), s.byAccount["0"])
	}
	select {
	case <-first.ended:
	default:
		t.Error("the session's streams go on")
	}
	s.add(&session{account: "another"})
	if len(s.byHash) != maxSessions || s.byAccount["another"] != 1 {
		t.Errorf("one more of another account leaves %d, %d of the account", len(s.byHash), s.byAccount["another"])
	}
	c.at = c.at.Add(IdleTimeout)
	s.add(&session{account: "0"})
	if len(s.byHash) != 1 {
		t.Errorf("%d sessions are left when all are over", len(s.byHash))
	}
	s.close()
	if len(s.byHash) != 0 || len(s.byAccount) != 0 {
		t.Error("sessions are left")
	}
}

// The users of an account cannot end its root user's session by signing in again and again.
func TestRootStays(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := newSessions(c.now)
	root := &session{account: "1", principalID: "1"}
	s.add(root)
	for range 2 * maxAccountSessions {
		c.at = c.at.Add(time.Second)
		s.add(&session{account: "1", principalID: "AIDA"})
	}
	if s.over(root) || s.byAccount["1"] != maxAccountSessions {
		t.Errorf("root's session is over: %t, of %d", s.over(root), s.byAccount["1"])
	}
	for range maxAccountSessions {
		c.at = c.at.Add(time.Second)
		s.add(&session{account: "1", principalID: "1"})
	}
	if !s.over(root) || s.byAccount["1"] != maxAccountSessions {
		t.Errorf("one root user has more than %d sessions", maxAccountSessions)
	}
}

// The newest links are good, and older ones give way.
func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := newLinks(c.now)
	var secrets []string
	for range maxLinks + 4 {
		c.at = c.at.Add(time.Second)
		secret, _ := l.make()
		secrets = append(secrets, secret)
	}
	for i, secret := range secrets {
		if good := l.redeem(secret); good != (i >= 4) {
			t.Errorf("link %d is good: %t", i, good)
		}
	}
	if l.redeem("") || len(l.until) != 0 {
		t.Error("links are left")
	}
}
