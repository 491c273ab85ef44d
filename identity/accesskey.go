package identity

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn/catalog"
)

// An AccessKey is a user's or root user's long-term credential.
type AccessKey struct {
	ID       string    `json:"id"`
	Sealed   []byte    `json:"sealed"` // the secret, for the purpose keyPurpose
	Created  time.Time `json:"created"`
	Inactive bool      `json:"inactive,omitempty"`
}

// keyPurpose is what secrets of access keys are sealed for, with the key of
// their keyOwner row.
const keyPurpose = "access-key"

// keyOwner says whose an access key is. It counts only if the owner's row has
// the key.
type keyOwner struct {
	UserID string `json:"userId,omitempty"` // empty: the account's root user
}

// CreateAccessKey makes an access key for a user, or for the root user if the
// name is empty, and returns it with its secret.
func (s *Store) CreateAccessKey(account, userName string) (*AccessKey, string, error) {
	owner := keyOwner{}
	if userName != "" {
		user, err := s.Users.Get(account, userName)
		if err != nil {
			return nil, "", err
		}
		owner.UserID = user.ID
	}
	return s.createKey(account, userName, owner, "")
}

// createKey makes an access key, in place of another one if that is named.
func (s *Store) createKey(account, userName string, owner keyOwner, replaced string) (*AccessKey, string, error) {
	id := newID("AKIA", account, 20)
	row := key(account, id)
	secret := newSecret()
	sealed, err := s.keyring.Seal(keyPurpose, row, []byte(secret))
	if err != nil {
		return nil, "", fmt.Errorf("create access key: %w", err)
	}
	k := AccessKey{ID: id, Sealed: sealed, Created: s.now().UTC()}
	if err := s.keys.set(row, 0, &owner); err != nil {
		return nil, "", fmt.Errorf("create access key: %w", err)
	}
	// A crash here: the ID leads to an owner that has no such key.
	err = s.changeKeys(account, userName, func(keys []AccessKey) ([]AccessKey, error) {
		if replaced != "" {
			i := slices.IndexFunc(keys, func(k AccessKey) bool { return k.ID == replaced })
			if i < 0 {
				return nil, &NotFoundError{"access-key", replaced}
			}
			keys = slices.Delete(keys, i, i+1)
		}
		if len(keys) >= MaxAccessKeys {
			return nil, &LimitError{"AccessKeysPerUser", MaxAccessKeys}
		}
		return append(keys, k), nil
	})
	if err != nil {
		return nil, "", errors.Join(err, s.keys.delete(row, catalog.AnyRevision))
	}
	return &k, secret, nil
}

// Rekey makes an access key for an account's root user and returns it with its
// secret, for an owner who has none that works any more. If replaced is not empty,
// that key of the root user is removed in the same step, which makes room where
// there are MaxAccessKeys already: the error is a *LimitError otherwise, and a
// *NotFoundError if there is no such account or key.
func (s *Store) Rekey(account, replaced string) (accessKeyID, secret string, err error) {
	if _, err := s.Account(account); err != nil {
		return "", "", fmt.Errorf("rekey: %w", err)
	}
	k, secret, err := s.createKey(account, "", keyOwner{}, replaced)
	if err != nil {
		return "", "", fmt.Errorf("rekey account %s: %w", account, err)
	}
	if replaced != "" {
		// A crash here: the ID leads to an account that has no such key.
		if err := s.keys.delete(key(account, replaced), catalog.AnyRevision); err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return "", "", fmt.Errorf("rekey account %s: %w", account, err)
		}
	}
	return k.ID, secret, nil
}

// AccessKeys returns the access keys of a user, or the root user.
func (s *Store) AccessKeys(account, userName string) ([]AccessKey, error) {
	if userName != "" {
		user, err := s.Users.Get(account, userName)
		if err != nil {
			return nil, err
		}
		return user.Keys, nil
	}
	a, err := s.Account(account)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return a.Keys, nil
}

// SetAccessKey makes an access key active or inactive.
func (s *Store) SetAccessKey(account, userName, id string, active bool) error {
	return s.changeKeys(account, userName, func(keys []AccessKey) ([]AccessKey, error) {
		i := slices.IndexFunc(keys, func(k AccessKey) bool { return k.ID == id })
		if i < 0 {
			return nil, &NotFoundError{"access-key", id}
		}
		keys[i].Inactive = !active
		return keys, nil
	})
}

// DeleteAccessKey removes an access key.
func (s *Store) DeleteAccessKey(account, userName, id string) error {
	err := s.changeKeys(account, userName, func(keys []AccessKey) ([]AccessKey, error) {
		i := slices.IndexFunc(keys, func(k AccessKey) bool { return k.ID == id })
		if i < 0 {
			return nil, &NotFoundError{"access-key", id}
		}
		return slices.Delete(keys, i, i+1), nil
	})
	if err != nil {
		return err
	}
	// A crash here: the ID leads to an owner that has no such key.
	return s.keys.delete(key(account, id), catalog.AnyRevision)
}

// KeyOwner returns the name of the user whose access key it is, or "" for the
// root user. A key of another account is not found.
func (s *Store) KeyOwner(account, id string) (string, error) {
	_, user, err := s.findKey(account, id)
	if err != nil || user == nil {
		return "", err
	}
	return user.Name, nil
}

// changeKeys changes the keys of a user, or of the root user.
func (s *Store) changeKeys(account, userName string, change func([]AccessKey) ([]AccessKey, error)) (err error) {
	if userName == "" {
		return s.changeAccount(account, func(a *Account) (err error) {
			a.Keys, err = change(a.Keys)
			return err
		})
	}
	_, err = s.Users.Change(account, userName, func(u *User) (err error) {
		u.Keys, err = change(u.Keys)
		return err
	})
	return err
}

// findKey returns an access key and its user, nil for the root user.
func (s *Store) findKey(account, id string) (*AccessKey, *User, error) {
	owner, err := s.keys.get(key(account, id))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil, &NotFoundError{"access-key", id}
	}
	if err != nil {
		return nil, nil, err
	}
	var keys []AccessKey
	var user *User
	if owner.UserID == "" {
		a, err := s.Account(account)
		if err != nil {
			return nil, nil, err
		}
		keys = a.Keys
	} else {
		if user, err = s.Users.ByID(account, owner.UserID); err != nil {
			return nil, nil, err
		}
		keys = user.Keys
	}
	for i := range keys {
		if keys[i].ID == id {
			return &keys[i], user, nil
		}
	}
	return nil, nil, &NotFoundError{"access-key", id}
}

// secretOf opens an access key's secret.
func (s *Store) secretOf(account string, k *AccessKey) (string, error) {
	secret, err := s.keyring.Open(keyPurpose, key(account, k.ID), k.Sealed)
	return string(secret), err
}
