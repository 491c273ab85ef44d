package trail

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/catalog"
	"cairn/eventlog"
)

var (
	// ErrNotFound says that an account has no such trail.
	ErrNotFound = errors.New("no such trail")

	// ErrExists says that the account has a trail with that name in the region.
	ErrExists = errors.New("the trail exists")

	// ErrBusy says that a trail was changed too often since its events were last
	// looked at: it has as many versions as it may have, or too large ones.
	ErrBusy = errors.New("the trail was changed too often in a short time")
)

// A QuotaError names the region that has as many trails as there can be.
type QuotaError struct{ Region string }

func (e *QuotaError) Error() string {
	return fmt.Sprintf("region %s has %d trails", e.Region, cairn.MaxTrails)
}

// maxPast bounds the versions of a trail, and maxPastBytes what they take as JSON:
// selectors can be large, and the trails of an account are one row.
const (
	maxPast      = 100
	maxPastBytes = 4 << 20
)

// lingering is how long after the end of a version the event of the call that
// ended it is logged at the latest.
const lingering = 10 * time.Second

// Config says what a Store needs.
type Config struct {
	Catalog *catalog.Catalog
	Regions []string // all that exist

	// End is the end of the event log: where a change begins to count.
	End func() eventlog.Position

	// Passed is the position up to which all followers have asked for versions;
	// older ones are forgotten. Nil keeps all.
	Passed func() eventlog.Position

	Now func() time.Time // default time.Now
}

// Store holds the trails of all accounts. It is safe for concurrent use.
type Store struct {
	cfg  Config
	rows catalog.Table[account]

	mu       sync.Mutex
	accounts map[string]*catalog.Row[account] // all of them, read once
	changed  func()
}

// account is the row of an account: all its trails, because a quota counts them.
type account struct {
	Trails []*Trail `json:"trails"`
}

// Open reads the trails in a catalog.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg: cfg, rows: catalog.TableOf[account](cfg.Catalog, "trails"), accounts: make(map[string]*catalog.Row[account])}
	for row, err := range s.rows.Scan("") {
		if err != nil {
			return nil, fmt.Errorf("read trails: %w", err)
		}
		s.accounts[row.Key] = &row
	}
	return s, nil
}

// OnChange sets what is called after each change.
func (s *Store) OnChange(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = fn
}

// All returns the trails of all accounts, and those that were deleted and not
// yet forgotten. They must not be changed.
func (s *Store) All() []*Trail {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Trail
	for _, row := range s.accounts {
		all = append(all, row.Value.Trails...)
	}
	slices.SortFunc(all, func(a, b *Trail) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// List returns an account's trails by name and home region. They must not be
// changed.
func (s *Store) List(accountID string) []*Trail {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.accounts[accountID]
	if row == nil {
		return nil
	}
	live := slices.DeleteFunc(slices.Clone(row.Value.Trails), func(t *Trail) bool { return !t.Deleted.IsZero() })
	slices.SortFunc(live, func(a, b *Trail) int {
		return slices.Compare([]string{a.Name, a.HomeRegion}, []string{b.Name, b.HomeRegion})
	})
	return live
}

// Get returns an account's trail by its home region and name, or ErrNotFound. It
// must not be changed.
func (s *Store) Get(accountID, homeRegion, name string) (*Trail, error) {
	for _, t := range s.List(accountID) {
		if t.HomeRegion == homeRegion && t.Name == name {
			return t, nil
		}
	}
	return nil, ErrNotFound
}

// ByID returns a trail, even one that was deleted, as long as it is known.
func (s *Store) ByID(accountID, id string) (*Trail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row := s.accounts[accountID]; row != nil {
		if i := row.Value.find(id); i >= 0 {
			return row.Value.Trails[i], nil
		}
	}
	return nil, ErrNotFound
}

// HasRoom returns the error that Create would have for a trail.
func (s *Store) HasRoom(t *cairn.Trail) error {
	live := s.List(t.AccountID)
	for _, other := range live {
		if other.Name == t.Name && other.HomeRegion == t.HomeRegion {
			return ErrExists
		}
	}
	return s.checkQuota(&account{append(live, &Trail{Trail: *t})}, nil)
}

// Create adds a trail to its account. The error is ErrExists or a *QuotaError if
// the account cannot have it.
func (s *Store) Create(t cairn.Trail, tags map[string]string) (*Trail, error) {
	var b [16]byte
	rand.Read(b[:])
	made := &Trail{Trail: t, ID: hex.EncodeToString(b[:]), Tags: tags}
	err := s.change(t.AccountID, func(a *account) error {
		for _, other := range a.Trails {
			if other.Deleted.IsZero() && other.Name == t.Name && other.HomeRegion == t.HomeRegion {
				return ErrExists
			}
		}
		a.Trails = append(a.Trails, made)
		return s.checkQuota(a, nil)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Change changes a trail. If it takes other events afterwards, the change counts
// from the end of the log on; requestID is that of the call that makes it. The
// error may be ErrNotFound, ErrBusy, a *QuotaError or what fn returns.
func (s *Store) Change(accountID, id, requestID string, fn func(*Trail) error) (*Trail, error) {
	var changed *Trail
	err := s.change(accountID, func(a *account) error {
		i := a.find(id)
		if i < 0 || !a.Trails[i].Deleted.IsZero() {
			return ErrNotFound
		}
		was := a.Trails[i]
		t := was.clone()
		if err := fn(t); err != nil {
			return err
		}
		if err := s.remember(t, was.Settings(), requestID); err != nil {
			return err
		}
		a.Trails[i], changed = t, t
		return s.checkQuota(a, was)
	})
	if errors.Is(err, ErrBusy) {
		// What is settled is kept, or the trail would be busy for ever where the
		// log is always ahead of those who follow it.
		err = errors.Join(err, s.change(accountID, func(a *account) error {
			if i := a.find(id); i >= 0 {
				t := a.Trails[i].clone()
				s.settle(t)
				a.Trails[i] = t
			}
			return nil
		}))
	}
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// Delete deletes a trail. What it was for is still delivered; then Forget
// removes it.
func (s *Store) Delete(accountID, id, requestID string) error {
	_, err := s.Change(accountID, id, requestID, func(t *Trail) error {
		t.Deleted = s.cfg.Now().UTC()
		return nil
	})
	return err
}

// Forget removes a deleted trail for good.
func (s *Store) Forget(accountID, id string) error {
	return s.change(accountID, func(a *account) error {
		if i := a.find(id); i >= 0 && !a.Trails[i].Deleted.IsZero() {
			a.Trails = slices.Delete(a.Trails, i, i+1)
		}
		return nil
	})
}

// remember keeps the settings that a trail had if they are not those that it
// has.
func (s *Store) remember(t *Trail, was Settings, requestID string) error {
	s.settle(t)
	if reflect.DeepEqual(was, t.Settings()) {
		return nil
	}
	past, err := json.Marshal(t.Past)
	if err != nil {
		return fmt.Errorf("measure the versions of trail %s: %w", t.Name, err)
	}
	if len(t.Past) >= maxPast || len(past) > maxPastBytes {
		return ErrBusy
	}
	t.Past = append(t.Past, Version{Until: s.cfg.End().String(), Ended: s.cfg.Now().UTC(), RequestID: requestID, Settings: was})
	return nil
}

// settle notes of a trail's versions where the log is when they cannot matter
// behind it any more, and removes those that all followers have passed.
func (s *Store) settle(t *Trail) {
	if s.cfg.Passed == nil {
		return
	}
	passed, now, n := s.cfg.Passed(), s.cfg.Now(), 0
	for i := range t.Past {
		v := &t.Past[i]
		if v.Settled == "" && now.Sub(v.Ended).Abs() >= lingering {
			v.Settled = s.cfg.End().String()
		}
		settled, err := eventlog.ParsePosition(v.Settled)
		if n == i && err == nil && settled.Compare(passed) <= 0 {
			n++
		}
	}
	t.Past = slices.Delete(t.Past, 0, n)
}

// checkQuota returns a *QuotaError if a region has too many of the account's
// trails, and was, if there was one before, was not one of them.
func (s *Store) checkQuota(a *account, was *Trail) error {
	for _, region := range s.cfg.Regions {
		n := 0
		for _, t := range a.Trails {
			if t.Deleted.IsZero() && t.IsIn(region) {
				n++
			}
		}
		if n > cairn.MaxTrails && (was == nil || !was.IsIn(region)) {
			return &QuotaError{region}
		}
	}
	return nil
}

func (a *account) find(id string) int {
	return slices.IndexFunc(a.Trails, func(t *Trail) bool { return t.ID == id })
}

// change changes the row of an account and keeps it in memory once it is
// durable.
func (s *Store) change(accountID string, fn func(*account) error) error {
	s.mu.Lock()
	var next account
	var rev catalog.Revision
	if row := s.accounts[accountID]; row != nil {
		next.Trails, rev = slices.Clone(row.Value.Trails), row.Revision
	}
	err := fn(&next)
	if err == nil {
		if rev, err = s.rows.CompareAndSet(accountID, rev, next); err != nil {
			// The row may be the old one or the new one.
			err = errors.Join(err, s.reread(accountID))
		}
	}
	if err == nil {
		s.accounts[accountID] = &catalog.Row[account]{Key: accountID, Value: next, Revision: rev}
	}
	notify := s.changed
	s.mu.Unlock()
	if err == nil && notify != nil {
		notify()
	}
	return err
}

// reread reads the row of an account anew.
func (s *Store) reread(accountID string) error {
	value, rev, err := s.rows.Get(accountID)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		delete(s.accounts, accountID)
	case err != nil:
		return fmt.Errorf("read the trails of %s: %w", accountID, err)
	default:
		s.accounts[accountID] = &catalog.Row[account]{Key: accountID, Value: value, Revision: rev}
	}
	return nil
}
