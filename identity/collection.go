package identity

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
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

// nameRow maps the names of an account's entities of one kind, in lower case,
// to unique IDs.
type nameRow map[string]string

func newCollection[E any, P Entity[E]](s *Store, cat *catalog.Catalog, kind, prefix string, quota int) *Collection[E, P] {
	return &Collection[E, P]{store: s, kind: kind, prefix: prefix, quota: quota, rows: newCached[E](cat, "identity-"+kind)}
}

// Get returns the entity with a name, whose case matters.
func (c *Collection[E, P]) Get(account, name string) (P, error) {
	names, err := c.namesIn(account)
	if err != nil {
		return nil, err
	}
	e, err := c.named(account, names, strings.ToLower(name))
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
		names, err := c.namesIn(account)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, lower := range slices.Sorted(maps.Keys(names)) {
			if lower <= strings.ToLower(name) {
				continue
			}
			e, err := c.named(account, names, lower)
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
	s.writing.Lock()
	defer s.writing.Unlock()
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
	s.writing.Lock()
	defer s.writing.Unlock()
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
	s.writing.Lock()
	defer s.writing.Unlock()
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

func (c *Collection[E, P]) namesIn(account string) (nameRow, error) {
	names, err := c.store.names.get(key(account, c.kind))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return *names, nil
}

// named returns the entity that a name in lower case leads to, or nil if it
// leads nowhere.
func (c *Collection[E, P]) named(account string, names nameRow, lower string) (P, error) {
	id, ok := names[lower]
	if !ok {
		return nil, nil
	}
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
	row := key(account, c.kind)
	names, rev, err := c.store.names.load(row)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	lower := strings.ToLower(name)
	owner, err := c.named(account, names, lower)
	if err != nil {
		return err
	}
	if owner != nil && owner.Common().ID != id {
		return &ExistsError{c.kind, name}
	}
	if names == nil {
		names = make(nameRow)
	}
	delete(names, lower)
	if len(names) >= c.quota {
		if err := c.prune(account, names); err != nil {
			return err
		}
	}
	if len(names) >= c.quota && !hasID(names, id) {
		return &LimitError{quotaNames[c.kind], c.quota}
	}
	names[lower] = id
	return c.store.names.set(row, rev, &names)
}

// prune removes the names that lead nowhere.
func (c *Collection[E, P]) prune(account string, names nameRow) error {
	for lower := range names {
		e, err := c.named(account, names, lower)
		if err != nil {
			return err
		}
		if e == nil {
			delete(names, lower)
		}
	}
	return nil
}

func (c *Collection[E, P]) release(account, name string) error {
	row := key(account, c.kind)
	names, rev, err := c.store.names.load(row)
	if err != nil {
		return err
	}
	delete(names, strings.ToLower(name))
	return c.store.names.set(row, rev, &names)
}

func hasID(names nameRow, id string) bool {
	for _, other := range names {
		if other == id {
			return true
		}
	}
	return false
}

var quotaNames = map[string]string{
	"user": "UsersPerAccount", "group": "GroupsPerAccount", "role": "RolesPerAccount",
	"policy": "PoliciesPerAccount", "instance-profile": "InstanceProfilesPerAccount",
}
