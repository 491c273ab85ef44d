package identity

import (
	"strings"
	"sync"
	"time"

	"cairn/aws"
	"cairn/catalog"
)

// A LastUse says when, where and for what an access key or role was last used.
type LastUse struct {
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Region  string    `json:"region"`
}

// lastUseEvery is how far what is stored of a last use may lag behind. AWS's
// own lags by hours; a write for each call would cost more than the call.
const lastUseEvery = 15 * time.Minute

type lastUses struct {
	table catalog.Table[LastUse]

	mu     sync.Mutex
	latest map[string]LastUse
	stored map[string]time.Time
}

// Used notes that the caller's access key and role were used. It must be called
// for verified callers only.
func (s *Store) Used(c *aws.Call) {
	id := c.Identity.AccessKeyID
	if c.Identity.Type == "AssumedRole" {
		id, _, _ = strings.Cut(c.Identity.PrincipalID, ":")
	} else if c.Identity.Session != nil {
		return
	} else if _, err := s.keys.get(key(c.Identity.AccountID, id)); err != nil {
		return // in development mode, a key that nobody made
	}
	s.lastUsed.note(key(c.Identity.AccountID, id), LastUse{Time: c.Time.UTC().Truncate(time.Second), Service: c.Service, Region: c.Region})
}

func (l *lastUses) note(row string, use LastUse) {
	l.mu.Lock()
	if l.latest == nil || len(l.latest) >= maxCached {
		l.latest, l.stored = make(map[string]LastUse), make(map[string]time.Time)
	}
	l.latest[row] = use
	due := use.Time.Sub(l.stored[row]) >= lastUseEvery
	if due {
		l.stored[row] = use.Time
	}
	l.mu.Unlock()
	if due {
		// A failure is passed over: a call must not fail because of a statistic.
		// The next attempt comes after the same time.
		l.table.Put(row, use)
	}
}

// LastUse returns when an access key (by its ID) or a role (by its unique ID)
// was last used, and whether it ever was.
func (s *Store) LastUse(account, id string) (LastUse, bool) {
	row := key(account, id)
	s.lastUsed.mu.Lock()
	use, ok := s.lastUsed.latest[row]
	s.lastUsed.mu.Unlock()
	if ok {
		return use, true
	}
	use, _, err := s.lastUsed.table.Get(row)
	return use, err == nil
}
