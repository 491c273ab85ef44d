package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// The bounds of how many sessions there are. One too many ends the one of the same
// account, or of the account that has most, that was used longest ago. Those of its root
// user come last, so that an account's users cannot keep that one out.
const (
	maxSessions        = 4096
	maxAccountSessions = 64
)

// A session is a browser that somebody has signed in with. What it has of the access
// key is what any request shows: the ID, and the token of temporary credentials, in
// which all that is secret is sealed.
type session struct {
	hash        [sha256.Size]byte // of the cookie's value
	accessKeyID string            // empty for who came by a link
	token       string
	account     string
	principalID string
	unverified  bool // anybody's: a development server does not know the key
	created     time.Time
	ended       chan struct{} // closed when it is over

	// The set's mutex guards these.
	region string
	used   time.Time
}

// root reports whether it is the session of an account's root user.
func (e *session) root() bool { return e.principalID == e.account }

// sessions are those of all browsers. They live in memory: a restart ends them.
type sessions struct {
	now func() time.Time

	mu        sync.Mutex
	byHash    map[[sha256.Size]byte]*session
	byAccount map[string]int
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byHash: make(map[[sha256.Size]byte]*session), byAccount: make(map[string]int)}
}

// add begins a session, and returns the value of its cookie: 256 random bits.
func (s *sessions) add(of *session) (value string) {
	value = newSecret(cookieBytes)
	of.hash = sha256.Sum256([]byte(value))
	of.ended = make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	of.created = s.now()
	of.used = of.created
	if s.byAccount[of.account] >= maxAccountSessions || len(s.byHash) >= maxSessions {
		s.makeRoom(of.account)
	}
	s.byHash[of.hash] = of
	s.byAccount[of.account]++
	return value
}

// makeRoom ends what is over, and if that leaves no room one session more.
func (s *sessions) makeRoom(account string) {
	for _, e := range s.byHash {
		s.overLocked(e)
	}
	if s.byAccount[account] < maxAccountSessions {
		if len(s.byHash) < maxSessions {
			return
		}
		for a, n := range s.byAccount {
			if n > s.byAccount[account] {
				account = a
			}
		}
	}
	var oldest *session
	for _, e := range s.byHash {
		if e.account == account && (oldest == nil || e.root() == oldest.root() && e.used.Before(oldest.used) || !e.root() && oldest.root()) {
			oldest = e
		}
	}
	if oldest != nil {
		s.endLocked(oldest)
	}
}

// find returns the session of a cookie's value, nil if there is none. With use its idle
// time begins anew.
func (s *sessions) find(value string, use bool) *session {
	hash := sha256.Sum256([]byte(value))
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byHash[hash]
	if e == nil || s.overLocked(e) {
		return nil
	}
	if use {
		e.used = s.now()
	}
	return e
}

// over reports whether a session is over, which ends it.
func (s *sessions) over(e *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overLocked(e)
}

func (s *sessions) overLocked(e *session) bool {
	if s.byHash[e.hash] != e {
		return true
	}
	now := s.now()
	if now.Sub(e.used) < IdleTimeout && now.Sub(e.created) < SessionTimeout {
		return false
	}
	s.endLocked(e)
	return true
}

// regionOf and setRegion are for the region that a session's calls without one go to.
func (s *sessions) regionOf(e *session) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.region
}

func (s *sessions) setRegion(e *session, region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.region = region
}

// end ends a session, and its streams.
func (s *sessions) end(e *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(e)
}

func (s *sessions) endLocked(e *session) {
	if s.byHash[e.hash] != e {
		return
	}
	delete(s.byHash, e.hash)
	if s.byAccount[e.account]--; s.byAccount[e.account] == 0 {
		delete(s.byAccount, e.account)
	}
	close(e.ended)
}

// close ends all sessions.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.byHash {
		s.endLocked(e)
	}
}

// cookieBytes is how many random bytes tell a session.
const cookieBytes = 32

// newSecret returns random bytes as text that may stand in a cookie or a URL.
func newSecret(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
