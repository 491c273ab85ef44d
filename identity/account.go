package identity

import (
	"errors"
	"fmt"
	"time"

	"cairn/catalog"
)

// An Account is an AWS account that Cairn has been told of. In development mode
// others are in use as well.
type Account struct {
	ID       string      `json:"id"`
	Created  time.Time   `json:"created"`
	Operator bool        `json:"operator,omitempty"` // its root user may act across accounts
	Alias    string      `json:"alias,omitempty"`
	Keys     []AccessKey `json:"keys,omitempty"` // of the root user

	// Undelivered is the ID of the operator's first key until it was written where
	// the operator finds it.
	Undelivered string `json:"undelivered,omitempty"`
}

// aliasRow says which account claims an alias. The claim counts only if the
// account's row has the alias.
type aliasRow struct {
	Account string `json:"account"`
}

// An OperatorError says that a data directory has another operator's account
// than the one that is asked for.
type OperatorError struct {
	Pinned string // the account that the first start made the operator's
	Asked  string
}

func (e *OperatorError) Error() string {
	return fmt.Sprintf("the operator's account of this data directory is %s since its first start, and cannot become %s: use --account-id %s, or take another directory", e.Pinned, e.Asked, e.Pinned)
}

// Bootstrap makes the operator's account with an access key of its root user,
// and returns the key until KeyDelivered is called, so that a caller who was
// interrupted before writing it down can do so later. From then on, or if the key
// was made inactive or deleted, the ID is empty.
//
// There is one operator for ever: the error is an *OperatorError if it is another
// account. In development mode, where the default account may change, nothing is
// made then.
func (s *Store) Bootstrap(account string) (accessKeyID, secret string, err error) {
	all, err := s.Accounts()
	if err != nil {
		return "", "", fmt.Errorf("bootstrap: %w", err)
	}
	pinned := ""
	for _, a := range all {
		if a.Operator && a.ID == account {
			return s.undelivered(a)
		}
		if a.Operator && pinned == "" {
			pinned = a.ID
		}
	}
	switch {
	case pinned != "" && s.dev:
		return "", "", nil
	case pinned != "":
		return "", "", fmt.Errorf("bootstrap: %w", &OperatorError{Pinned: pinned, Asked: account})
	}
	accessKeyID, secret, err = s.addAccount(account, true)
	if err != nil {
		return "", "", fmt.Errorf("bootstrap: %w", err)
	}
	return accessKeyID, secret, nil
}

// undelivered returns an account's first access key if it may still be handed out.
func (s *Store) undelivered(a *Account) (accessKeyID, secret string, err error) {
	for i := range a.Keys {
		if k := &a.Keys[i]; k.ID == a.Undelivered && !k.Inactive {
			if secret, err = s.secretOf(a.ID, k); err != nil {
				return "", "", fmt.Errorf("bootstrap: %w", err)
			}
			return k.ID, secret, nil
		}
	}
	return "", "", nil
}

// KeyDelivered notes that the operator has the key that Bootstrap returned. Its
// secret is not handed out again.
func (s *Store) KeyDelivered(account string) error {
	err := s.changeAccount(account, func(a *Account) error {
		a.Undelivered = ""
		return nil
	})
	if err != nil {
		return fmt.Errorf("note that the access key was delivered: %w", err)
	}
	return nil
}

// AddAccount makes an account with an access key of its root user. The error is
// an *ExistsError if there is one.
func (s *Store) AddAccount(account string) (accessKeyID, secret string, err error) {
	accessKeyID, secret, err = s.addAccount(account, false)
	if err != nil {
		return "", "", fmt.Errorf("add account %s: %w", account, err)
	}
	return accessKeyID, secret, nil
}

func (s *Store) addAccount(account string, operator bool) (accessKeyID, secret string, err error) {
	if !isAccountID(account) {
		return "", "", fmt.Errorf("account %q does not have 12 digits", account)
	}
	id, row := newID("AKIA", account, 20), ""
	row = key(account, id)
	secret = newSecret()
	sealed, err := s.keyring.Seal(keyPurpose, row, []byte(secret))
	if err != nil {
		return "", "", err
	}
	if err := s.keys.set(row, 0, &keyOwner{}); err != nil {
		return "", "", err
	}
	// A crash here: the ID leads to an account that has no such key.
	err = s.changeAccount(account, func(a *Account) error {
		// In development mode an account can have a row before it is added.
		if a.Operator || len(a.Keys) > 0 {
			return &ExistsError{"account", account}
		}
		a.Operator = operator
		if operator {
			a.Undelivered = id
		}
		a.Keys = append(a.Keys, AccessKey{ID: id, Sealed: sealed, Created: s.now().UTC()})
		return nil
	})
	if err != nil {
		return "", "", errors.Join(err, s.keys.delete(row, catalog.AnyRevision))
	}
	return id, secret, nil
}

// Account returns an account. The error is a *NotFoundError if it was not added.
func (s *Store) Account(account string) (*Account, error) {
	a, err := s.accounts.get(key(account, "account"))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, &NotFoundError{"account", account}
	}
	return a, err
}

// Accounts returns all accounts in the order of their IDs.
func (s *Store) Accounts() ([]*Account, error) {
	var all []*Account
	for row, err := range s.accounts.table.Scan("") {
		if err != nil {
			return nil, fmt.Errorf("list accounts: %w", err)
		}
		all = append(all, &row.Value)
	}
	return all, nil
}

// isOperator reports whether an account's root user may act across accounts.
func (s *Store) isOperator(account string) bool {
	a, err := s.Account(account)
	return err == nil && a.Operator
}

// changeAccount changes an account's row, which is made if it is missing.
func (s *Store) changeAccount(account string, change func(*Account) error) error {
	defer s.writing.lock(account)()
	return s.rewriteAccount(account, change)
}

// rewriteAccount is changeAccount for who has the account's turn.
func (s *Store) rewriteAccount(account string, change func(*Account) error) error {
	row := key(account, "account")
	a, rev, err := s.accounts.load(row)
	if errors.Is(err, catalog.ErrNotFound) {
		a, err = Account{ID: account, Created: s.now().UTC()}, nil
	}
	if err != nil {
		return err
	}
	if err := change(&a); err != nil {
		return err
	}
	return s.accounts.set(row, rev, &a)
}

// SetAlias gives an account its alias, in place of any that it had. Aliases are
// unique over all accounts: the error is an *ExistsError if another has it.
func (s *Store) SetAlias(account, alias string) error {
	s.aliasing.Lock()
	defer s.aliasing.Unlock()
	defer s.writing.lock(account)()
	row, old := catalog.Key("alias", alias), ""
	err := s.rewriteAccount(account, func(a *Account) error {
		claim, _, err := s.aliases.Get(row)
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return err
		}
		if err == nil && claim.Account != account {
			owner, err := s.Account(claim.Account)
			var missing *NotFoundError
			if err != nil && !errors.As(err, &missing) {
				return err
			}
			if err == nil && owner.Alias == alias {
				return &ExistsError{"alias", alias}
			}
		}
		if _, err := s.aliases.Put(row, aliasRow{account}); err != nil {
			return err
		}
		// A crash here: the claim is one that the account does not have.
		old, a.Alias = a.Alias, alias
		return nil
	})
	if err != nil || old == alias {
		return err
	}
	return s.dropClaim(account, old)
}

// DeleteAlias takes an account's alias away. The error is a *NotFoundError if
// the account does not have it.
func (s *Store) DeleteAlias(account, alias string) error {
	s.aliasing.Lock()
	defer s.aliasing.Unlock()
	defer s.writing.lock(account)()
	err := s.rewriteAccount(account, func(a *Account) error {
		if a.Alias != alias {
			return &NotFoundError{"alias", alias}
		}
		a.Alias = ""
		return nil
	})
	if err != nil {
		return err
	}
	return s.dropClaim(account, alias)
}

// dropClaim removes an account's claim of an alias that it no longer has. A crash
// before it leaves a claim that does not count. The caller holds the aliases' lock.
func (s *Store) dropClaim(account, alias string) error {
	if alias == "" {
		return nil
	}
	row := catalog.Key("alias", alias)
	claim, rev, err := s.aliases.Get(row)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && claim.Account != account {
		return nil
	}
	if err != nil {
		return err
	}
	return s.aliases.Delete(row, rev)
}
