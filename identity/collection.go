package identity

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"cairn/catalog"
)

// An Entity is a pointer to one of the kinds of entities.
type Entity[E any] interface {
	*E
	Common() *Head
	ARN(account string) string
}

// A Collection holds all entities of one kind. An error about one that does not
// exist is a *NotFoundError.
type Collection[E any, P Entity[E]] struct {
	store  *Store
	kind   string
	prefix string // of unique IDs
	quota  int    // for each account
	rows   *cached[E]
}

// nameRow is where a name leads. Its key ends in the kind and the name in lower
// case.
type nameRow struct {
	ID string `json:"id"`
}

func newCollection[E any, P Entity[E]](s *Store, cat *catalog.Catalog, kind, prefix string, quota int) *Collection[E, P] {
	return &Collection[E, P]{store: s, kind: kind, prefix: prefix, quota: quota, rows: newCached[E](cat, "identity-"+kind)}
}

// Get returns the entity with a name, whose case matters.
func (c *Collection[E, P]) Get(account, name string) (P, error) {
	e, err := c.named(account, strings.ToLower(name))
	if err != nil {
		return nil, err
	}
	if e == nil || e.Common().Name != name {
		return nil, &NotFoundError{c.kind, name}
	}
	return e, nil
}

// ByID returns the entity with a unique ID.
func (c *Collection[E, P]) ByID(account, id string) (P, error) {
	e, err := c.rows.get(key(account, id))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, &NotFoundError{c.kind, id}
	}
	return P(e), err
}

// ARN returns the ARN of the entity with a name, or the one that it would have
// if it existed.
func (c *Collection[E, P]) ARN(account, name string) string {
	if e, err := c.Get(account, name); err == nil {
		return e.ARN(account)
	}
	return arn(account, c.kind, &Head{Path: "/", Name: name})
}

// After yields an account's entities in the order of their names in lower case,
// from behind a name on; all of them if it is empty.
func (c *Collection[E, P]) After(account, name string) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		for row, err := range c.store.names.table.ScanAfter(catalog.KeyPrefix(account, c.kind), c.nameKey(account, strings.ToLower(name))) {
			if err != nil {
				yield(nil, err)
				return
			}
			e, err := c.led(account, row.Value.ID, lastPart(row.Key))
			if e == nil && err == nil {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Count returns the number of an account's entities.
func (c *Collection[E, P]) Count(account string) (int, error) {
	n := 0
	for _, err := range c.After(account, "") {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// Create adds an entity, and sets its ID and time. The error is an *ExistsError
// if the name is taken, and a *LimitError if the account has too many. The check
// may refuse it in view of what it refers to.
func (c *Collection[E, P]) Create(account string, e P, check func() error) error {
	s := c.store
	defer s.writing.lock(account)()
	if check != nil {
		if err := check(); err != nil {
			return err
		}
	}
	h := e.Common()
	h.ID, h.Created = newID(c.prefix, account, 21), s.now().UTC()
	if err := c.claim(account, h.Name, h.ID); err != nil {
		return err
	}
	// A crash here: the name leads nowhere.
	if err := c.rows.set(key(account, h.ID), 0, (*E)(e)); err != nil {
		return fmt.Errorf("create %s %s: %w", c.kind, h.Name, err)
	}
	return nil
}

// Change lets a function change an entity, its name included, and returns what
// became of it. The function must not change other entities.
func (c *Collection[E, P]) Change(account, name string, change func(P) error) (P, error) {
	s := c.store
	defer s.writing.lock(account)()
	e, rev, err := c.load(account, name)
	if err != nil {
		return nil, err
	}
	if err := change(e); err != nil {
		return nil, err
	}
	h := e.Common()
	if h.Name != name {
		if err := c.claim(account, h.Name, h.ID); err != nil {
			return nil, err
		}
		// A crash here: the new name leads to an entity that has another one.
	}
	if err := c.rows.set(key(account, h.ID), rev, (*E)(e)); err != nil {
		return nil, fmt.Errorf("change %s %s: %w", c.kind, name, err)
	}
	if !strings.EqualFold(h.Name, name) {
		// A crash here: the old name does.
		if err := c.release(account, name); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Delete removes an entity if a check finds nothing against it.
func (c *Collection[E, P]) Delete(account, name string, check func(P) error) error {
	s := c.store
	defer s.writing.lock(account)()
	e, rev, err := c.load(account, name)
	if err != nil {
		return err
	}
	if err := check(e); err != nil {
		return err
	}
	if err := c.rows.delete(key(account, e.Common().ID), rev); err != nil {
		return fmt.Errorf("delete %s %s: %w", c.kind, name, err)
	}
	// A crash here: the name leads nowhere.
	return c.release(account, name)
}

// load returns an entity that may be changed.
func (c *Collection[E, P]) load(account, name string) (P, catalog.Revision, error) {
	found, err := c.Get(account, name)
	if err != nil {
		return nil, 0, err
	}
	e, rev, err := c.rows.load(key(account, found.Common().ID))
	return P(&e), rev, err
}

// named returns the entity that a name in lower case leads to, or nil if it
// leads nowhere.
func (c *Collection[E, P]) named(account, lower string) (P, error) {
	row, err := c.store.names.get(c.nameKey(account, lower))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.led(account, row.ID, lower)
}

// led returns the entity with an ID if it has the name that led there, or nil.
func (c *Collection[E, P]) led(account, id, lower string) (P, error) {
	e, err := c.rows.get(key(account, id))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if strings.ToLower(P(e).Common().Name) != lower {
		return nil, nil
	}
	return e, nil
}

// claim lets a name lead to an ID.
func (c *Collection[E, P]) claim(account, name, id string) error {
	lower := strings.ToLower(name)
	row := c.nameKey(account, lower)
	old, rev, err := c.store.names.load(row)
	taken := err == nil
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	if taken {
		owner, err := c.led(account, old.ID, lower)
		if err != nil {
			return err
		}
		if owner != nil && owner.Common().ID != id {
			return &ExistsError{c.kind, name}
		}
	}
	// An entity that gets another name has one already.
	if renamed, err := c.rows.get(key(account, id)); err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	} else if renamed == nil && !taken {
		if err := c.makeRoom(account); err != nil {
			return err
		}
	}
	return c.store.setName(account, c.kind, row, rev, id)
}

// makeRoom returns a *LimitError if an account has all the entities that it may
// have. Names that lead nowhere are removed before that is said.
func (c *Collection[E, P]) makeRoom(account string) error {
	for pruned := false; ; pruned = true {
		n, err := c.store.countNames(account, c.kind)
		if err != nil || n < c.quota {
			return err
		}
		if pruned {
			return &LimitError{quotaNames[c.kind], c.quota}
		}
		if err := c.prune(account); err != nil {
			return err
		}
	}
}

// prune removes the names that lead nowhere.
func (c *Collection[E, P]) prune(account string) error {
	for row, err := range c.store.names.table.Scan(catalog.KeyPrefix(account, c.kind)) {
		if err != nil {
			return err
		}
		e, err := c.led(account, row.Value.ID, lastPart(row.Key))
		if err == nil && e == nil {
			err = c.store.dropName(account, c.kind, row.Key, row.Revision)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Collection[E, P]) release(account, name string) error {
	return c.store.dropName(account, c.kind, c.nameKey(account, strings.ToLower(name)), catalog.AnyRevision)
}

func (c *Collection[E, P]) nameKey(account, lower string) string {
	return catalog.Key(account, c.kind, lower)
}

func lastPart(row string) string {
	parts := catalog.SplitKey(row)
	return parts[len(parts)-1]
}

var quotaNames = map[string]string{
	"user": "UsersPerAccount", "group": "GroupsPerAccount", "role": "RolesPerAccount",
	"policy": "PoliciesPerAccount", "instance-profile": "InstanceProfilesPerAccount",
}
