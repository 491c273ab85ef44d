package catalog

import (
	"errors"
	"fmt"
	"time"
)

// ErrLeaseLost says that the lease has passed to another holder, or was
// released.
var ErrLeaseLost = errors.New("the lease is lost")

// A HeldError says who holds a lease, and until when.
type HeldError struct {
	Name, Holder string
	Until        time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("lease %q is held by %q until %s", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// A Lease is the right to do what its name says, for one holder and a time.
// Holders trust each other's clocks: a lease is over when Config.Now says so,
// and what must not be done twice even then carries the Revision, which grows
// with every acquisition.
type Lease struct {
	Name     string
	Holder   string
	Until    time.Time
	Revision Revision

	catalog *Catalog
}

type leaseRow struct {
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
}

func (c *Catalog) leases() Table[leaseRow] { return TableOf[leaseRow](c, "leases") }

// Acquire takes a lease that nobody else holds, or that has run out. A holder
// that has it already, such as one that was started anew, takes it again, and
// what it took before is lost. While another holds it, the error is a
// *HeldError.
func (c *Catalog) Acquire(name, holder string, ttl time.Duration) (*Lease, error) {
	if ttl <= 0 {
		return nil, fmt.Errorf("acquire lease %q: the time of %s is not positive", name, ttl)
	}
	for {
		row, rev, err := c.leases().Get(name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("acquire lease: %w", err)
		}
		if err == nil && row.Holder != holder && c.now().Before(row.Until) {
			return nil, &HeldError{name, row.Holder, row.Until}
		}
		l := &Lease{Name: name, Holder: holder, catalog: c, Revision: rev}
		err = l.set(ttl)
		if errors.Is(err, ErrConflict) {
			continue // another was faster: see who
		}
		if err != nil {
			return nil, fmt.Errorf("acquire lease: %w", err)
		}
		return l, nil
	}
}

// Renew extends the lease to ttl from now. A lease that has run out can be
// renewed as long as nobody else has taken it; else the error is ErrLeaseLost.
func (l *Lease) Renew(ttl time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("renew lease %q: the time of %s is not positive", l.Name, ttl)
	}
	return l.lost("renew", l.set(ttl))
}

// Release gives the lease up. If it is lost already, the error is
// ErrLeaseLost.
func (l *Lease) Release() error {
	return l.lost("release", l.catalog.leases().Delete(l.Name, l.Revision))
}

func (l *Lease) set(ttl time.Duration) error {
	until := l.catalog.now().Add(ttl)
	rev, err := l.catalog.leases().CompareAndSet(l.Name, l.Revision, leaseRow{l.Holder, until})
	if err != nil {
		return err
	}
	l.Revision, l.Until = rev, until
	return nil
}

func (l *Lease) lost(doing string, err error) error {
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		err = ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("%s lease %q: %w", doing, l.Name, err)
	}
	return nil
}
