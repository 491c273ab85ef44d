package identity

import (
	"errors"

	"cairn/catalog"
)

// countNames returns the number of an account's names of one kind. They are
// counted once, and then as they come and go. The caller has the account's turn.
func (s *Store) countNames(account, kind string) (int, error) {
	row := catalog.Key(account, kind)
	s.counting.Lock()
	n, ok := s.counts[row]
	s.counting.Unlock()
	if ok {
		return n, nil
	}
	for _, err := range s.names.table.Scan(catalog.KeyPrefix(account, kind)) {
		if err != nil {
			return 0, err
		}
		n++
	}
	s.counting.Lock()
	defer s.counting.Unlock()
	if len(s.counts) >= maxCached {
		clear(s.counts)
	}
	s.counts[row] = n
	return n, nil
}

// setName lets a name lead to an ID.
func (s *Store) setName(account, kind, row string, rev catalog.Revision, id string) error {
	err := s.names.set(row, rev, &nameRow{id})
	if rev == 0 {
		s.counted(account, kind, 1, err)
	}
	return err
}

// dropName removes a name. That it is gone already is no error.
func (s *Store) dropName(account, kind, row string, rev catalog.Revision) error {
	err := s.names.delete(row, rev)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	s.counted(account, kind, -1, err)
	return err
}

// counted notes that a name came or went. After a failure, which may have had its
// effect, the names are counted anew.
func (s *Store) counted(account, kind string, change int, err error) {
	row := catalog.Key(account, kind)
	s.counting.Lock()
	defer s.counting.Unlock()
	if n, ok := s.counts[row]; ok && err == nil {
		s.counts[row] = n + change
	} else {
		delete(s.counts, row)
	}
}
