package kms

import (
	"errors"
	"slices"
	"time"

	"cairn/catalog"
)

// An alias is a row; one whose key is gone counts as none.
type alias struct {
	rev catalog.Revision

	Target  string    `json:"target"` // the ID of a key of the same account and region
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

func (s *Service) aliases() catalog.Table[alias] {
	return catalog.TableOf[alias](s.Catalog, "kms-aliases")
}

// byKey is the index of the aliases by their keys. A row of it counts only if the
// alias says the same: it is written before the alias and deleted after it, so
// that none is missing after a crash, and some may be too many.
func (s *Service) byKey() catalog.Table[struct{}] {
	return catalog.TableOf[struct{}](s.Catalog, "kms-aliases-by-key")
}

// aliasRow is the row of an alias, whose name has "alias/".
func aliasRow(account, region, name string) string { return catalog.Key(account, region, name) }

func indexRow(k *key, name string) string { return catalog.Key(k.account, k.region, k.id, name) }

// alias returns an alias, nil if there is none.
func (s *Service) alias(account, region, name string) (*alias, error) {
	a, rev, err := s.aliases().Get(aliasRow(account, region, name))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a.rev = rev
	return &a, nil
}

// aliasesOf returns the names of a key's aliases, sorted.
func (s *Service) aliasesOf(k *key) (names []string, err error) {
	for row, err := range s.byKey().Scan(catalog.KeyPrefix(k.account, k.region, k.id)) {
		if err != nil {
			return nil, err
		}
		name := catalog.SplitKey(row.Key)[3]
		a, err := s.alias(k.account, k.region, name)
		if err != nil {
			return nil, err
		}
		if a != nil && a.Target == k.id {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// setAlias lets an alias with a revision, 0 for a new one, stand for a key, and
// no longer for the one before, if there was one. The error is
// catalog.ErrConflict if it was changed in the meantime.
func (s *Service) setAlias(k, before *key, name string, rev catalog.Revision, a alias) error {
	s.naming.Lock()
	defer s.naming.Unlock()
	if _, err := s.byKey().Put(indexRow(k, name), struct{}{}); err != nil {
		return err
	}
	// A crash here leaves a row of the index that counts for nothing.
	_, err := s.aliases().CompareAndSet(aliasRow(k.account, k.region, name), rev, a)
	if err != nil || before == nil || before.id == k.id {
		return err
	}
	return s.unindex(before, name)
}

// dropAlias deletes an alias of a key, and its row in the index.
func (s *Service) dropAlias(k *key, name string, rev catalog.Revision) error {
	s.naming.Lock()
	defer s.naming.Unlock()
	if err := s.aliases().Delete(aliasRow(k.account, k.region, name), rev); err != nil {
		return err
	}
	return s.unindex(k, name)
}

func (s *Service) unindex(k *key, name string) error {
	err := s.byKey().Delete(indexRow(k, name), catalog.AnyRevision)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}

// dropAliases deletes all aliases of a key, and its rows in the index.
func (s *Service) dropAliases(k *key) error {
	s.naming.Lock()
	defer s.naming.Unlock()
	for row, err := range s.byKey().Scan(catalog.KeyPrefix(k.account, k.region, k.id)) {
		if err != nil {
			return err
		}
		name := catalog.SplitKey(row.Key)[3]
		a, err := s.alias(k.account, k.region, name)
		if err == nil && a != nil && a.Target == k.id {
			err = s.aliases().Delete(aliasRow(k.account, k.region, name), a.rev)
		}
		if err == nil {
			err = s.unindex(k, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
