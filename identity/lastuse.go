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

// lastUses writes by a goroutine of its own, one at a time, which ends when
// nothing is left. What waits for it is bounded by maxCached.
type lastUses struct {
	put func(row string, use LastUse) error
	get func(row string) (LastUse, error)

	mu      sync.Mutex
	latest  map[string]LastUse
	stored  map[string]time.Time
	due     map[string]bool // rows to be written
	writing chan struct{}   // closed by the writer at its end; nil if there is none
}

func newLastUses(table catalog.Table[LastUse]) lastUses {
	return lastUses{
		put: func(row string, use LastUse) error { _, err := table.Put(row, use); return err },
		get: func(row string) (LastUse, error) { use, _, err := table.Get(row); return use, err },
	}
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

// note keeps a use in memory, and has it written if that is due.
func (l *lastUses) note(row string, use LastUse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest == nil || len(l.latest) >= maxCached {
		l.latest, l.stored, l.due = make(map[string]LastUse), make(map[string]time.Time), make(map[string]bool)
	}
	l.latest[row] = use
	if use.Time.Sub(l.stored[row]) < lastUseEvery {
		return
	}
	l.stored[row] = use.Time
	l.due[row] = true
	if l.writing == nil {
		l.writing = make(chan struct{})
		go l.write()
	}
}

// write writes what is due until nothing is.
func (l *lastUses) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.due) > 0 {
		for row := range l.due {
			use := l.latest[row]
			delete(l.due, row)
			l.mu.Unlock()
			// A failure is passed over: it is a statistic. The next attempt comes
			// after the same time.
			l.put(row, use)
			l.mu.Lock()
			break // the rows that are due may be others now
		}
	}
	close(l.writing)
	l.writing = nil
}

// Flush returns when the uses that were noted before are stored. It must be called
// before the catalog is closed.
func (s *Store) Flush() {
	s.lastUsed.mu.Lock()
	writing := s.lastUsed.writing
	s.lastUsed.mu.Unlock()
	if writing != nil {
		<-writing
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
	use, err := s.lastUsed.get(row)
	return use, err == nil
}
