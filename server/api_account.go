package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"cairn/identity"
)

// AccountRequest asks for a new account.
type AccountRequest struct {
	AccountID string `json:"accountId"`
}

// NewAccount is a new account with the access key of its root user. The secret
// is told only here.
type NewAccount struct {
	AccountID       string `json:"accountId"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// AccountList is all accounts that were added, in the order of their IDs.
type AccountList struct {
	Accounts []AccountSummary `json:"accounts"`
}

// AccountSummary describes an account.
type AccountSummary struct {
	AccountID    string    `json:"accountId"`
	Alias        string    `json:"alias,omitempty"`
	Operator     bool      `json:"operator"` // its root user may act across accounts
	Created      time.Time `json:"created"`
	AccessKeyIDs []string  `json:"accessKeyIds"` // of the root user
}

// AddAccount makes an account.
func (c *Client) AddAccount(ctx context.Context, id string) (*NewAccount, error) {
	var a NewAccount
	return &a, c.call(ctx, http.MethodPost, "account", AccountRequest{id}, &a)
}

// Accounts returns all accounts.
func (c *Client) Accounts(ctx context.Context) ([]AccountSummary, error) {
	var l AccountList
	return l.Accounts, c.call(ctx, http.MethodGet, "account", nil, &l)
}

// openIdentities returns the one store of identities that a process has of the
// directory, because it keeps what it has read.
func (s *Server) openIdentities(dev bool) (*identity.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.identities == nil {
		store, err := identity.Open(s.catalog, identity.Options{DefaultAccount: s.cfg.AccountID, Dev: dev, Now: s.cfg.Now})
		if err != nil {
			return nil, err
		}
		s.identities = store
	}
	if s.identities.Dev() != dev {
		return nil, &identity.ModeError{Dev: s.identities.Dev()}
	}
	return s.identities, nil
}

// anyIdentities is openIdentities in the directory's own mode, for what is the
// same in both.
func (s *Server) anyIdentities() (*identity.Store, error) {
	store, err := s.openIdentities(s.cfg.Dev)
	var other *identity.ModeError
	if errors.As(err, &other) {
		return s.openIdentities(other.Dev)
	}
	return store, err
}

// addAccount makes an account with an access key of its root user.
func (s *Server) addAccount(w http.ResponseWriter, r *http.Request) error {
	var req AccountRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	if !accountIDPattern.MatchString(req.AccountID) {
		return &requestError{errors.New("account ID \"" + req.AccountID + "\" does not have 12 digits")}
	}
	store, err := s.anyIdentities()
	if err != nil {
		return err
	}
	if req.AccountID == s.cfg.AccountID {
		// Made here, it would not be the operator's.
		return &requestError{errors.New("the account " + req.AccountID + " is the operator's, which the first start of the server makes")}
	}
	if err := s.log.Writable(); err != nil {
		return err // it could not be recorded
	}
	id, secret, err := store.AddAccount(req.AccountID)
	var taken *identity.ExistsError
	if errors.As(err, &taken) {
		return &requestError{errors.New("the account " + req.AccountID + " exists already")}
	}
	if err != nil {
		return err
	}
	if err := s.audit(r.Context(), "AddAccount", false, map[string]any{"AccountId": req.AccountID}, nil); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, NewAccount{AccountID: req.AccountID, AccessKeyID: id, SecretAccessKey: secret})
	return nil
}

// accounts lists all accounts.
func (s *Server) accounts(w http.ResponseWriter, r *http.Request) error {
	store, err := s.anyIdentities()
	if err != nil {
		return err
	}
	list := AccountList{}
	if list.Accounts, err = accountSummaries(store); err != nil {
		return err
	}
	s.auditRead(r.Context(), "ListAccounts", nil)
	writeJSON(w, http.StatusOK, list)
	return nil
}

// accountSummaries describe all accounts.
func accountSummaries(store *identity.Store) ([]AccountSummary, error) {
	all, err := store.Accounts()
	if err != nil {
		return nil, err
	}
	list := []AccountSummary{}
	for _, a := range all {
		summary := AccountSummary{AccountID: a.ID, Alias: a.Alias, Operator: a.Operator, Created: a.Created, AccessKeyIDs: []string{}}
		for _, k := range a.Keys {
			summary.AccessKeyIDs = append(summary.AccessKeyIDs, k.ID)
		}
		list = append(list, summary)
	}
	return list, nil
}
