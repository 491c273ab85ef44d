package identity

import (
	"errors"
	"fmt"

	"cairn/catalog"
)

// Reseal seals the secrets of all access keys under the keyring's newest data
// key, and returns how many were under an older one. Session tokens stay as they
// are: they end by themselves.
func (s *Store) Reseal() (int, error) {
	n := 0
	reseal := func(account string, keys []AccessKey) ([]AccessKey, error) {
		for i := range keys {
			sealed, changed, err := s.keyring.Reseal(keyPurpose, key(account, keys[i].ID), keys[i].Sealed)
			if err != nil {
				return nil, err
			}
			if changed {
				keys[i].Sealed = sealed
				n++
			}
		}
		return keys, nil
	}
	for row, err := range s.accounts.table.Scan("") {
		if err == nil && len(row.Value.Keys) > 0 {
			err = s.changeAccount(row.Value.ID, func(a *Account) (err error) {
				a.Keys, err = reseal(a.ID, a.Keys)
				return err
			})
		}
		if err != nil {
			return n, fmt.Errorf("reseal access keys: %w", err)
		}
	}
	for row, err := range s.Users.rows.table.Scan("") {
		if err == nil && len(row.Value.Keys) > 0 {
			account := catalog.SplitKey(row.Key)[0]
			_, err = s.Users.Change(account, row.Value.Name, func(u *User) (err error) {
				u.Keys, err = reseal(account, u.Keys)
				return err
			})
		}
		// A user that was deleted or renamed in the meantime is no fault.
		var gone *NotFoundError
		if err != nil && !errors.As(err, &gone) {
			return n, fmt.Errorf("reseal access keys: %w", err)
		}
	}
	return n, nil
}

// EachSealed calls fn with the sealed secret of each access key.
func (s *Store) EachSealed(fn func(sealed []byte)) error {
	each := func(keys []AccessKey) {
		for i := range keys {
			fn(keys[i].Sealed)
		}
	}
	for row, err := range s.accounts.table.Scan("") {
		if err != nil {
			return fmt.Errorf("read access keys: %w", err)
		}
		each(row.Value.Keys)
	}
	for row, err := range s.Users.rows.table.Scan("") {
		if err != nil {
			return fmt.Errorf("read access keys: %w", err)
		}
		each(row.Value.Keys)
	}
	return nil
}
