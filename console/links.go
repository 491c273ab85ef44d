package console

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxLinks bounds the links that wait to be redeemed. One too many takes the place of the
// oldest.
const maxLinks = 16

// linkBytes is how many random bytes a link has: it is good for minutes, and stands in a
// terminal.
const linkBytes = 20

// links are one-time links, by the hashes of their secrets.
type links struct {
	now func() time.Time

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func newLinks(now func() time.Time) *links {
	return &links{now: now, until: make(map[[sha256.Size]byte]time.Time)}
}

// make makes a link, and says until when it is good.
func (l *links) make() (secret string, until time.Time) {
	secret = newSecret(linkBytes)
	l.mu.Lock()
	defer l.mu.Unlock()
	until = l.now().Add(LinkTimeout)
	if len(l.until) >= maxLinks {
		var oldest [sha256.Size]byte
		first := until
		for hash, t := range l.until {
			if !t.After(first) {
				oldest, first = hash, t
			}
		}
		delete(l.until, oldest)
	}
	l.until[sha256.Sum256([]byte(secret))] = until
	return secret, until
}

// redeem reports whether a link is good. It is not any more after that.
func (l *links) redeem(secret string) bool {
	hash := sha256.Sum256([]byte(secret))
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.until[hash]
	delete(l.until, hash)
	return ok && l.now().Before(until)
}
