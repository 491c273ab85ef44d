package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cairn/identity"
)

// RekeyRequest asks for a new access key of an account's root user.
type RekeyRequest struct {
	AccountID string `json:"accountId"`
	Replaced  string `json:"replaced,omitempty"` // the access key that goes for it
}

// RekeyAccount makes a new access key for an account's root user. If replaced is
// not empty, that key of the root user is removed in the same step.
func (c *Client) RekeyAccount(ctx context.Context, id, replaced string) (*NewAccount, error) {
	var a NewAccount
	return &a, c.call(ctx, http.MethodPost, "account/rekey", RekeyRequest{id, replaced}, &a)
}

// rekeyAccount makes an access key for a root user who has none that works.
func (s *Server) rekeyAccount(w http.ResponseWriter, r *http.Request) error {
	var req RekeyRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	if !accountIDPattern.MatchString(req.AccountID) {
		return &requestError{fmt.Errorf("account ID %q does not have 12 digits", req.AccountID)}
	}
	store, err := s.anyIdentities()
	if err != nil {
		return err
	}
	if err := s.log.Writable(); err != nil {
		return err // it could not be recorded
	}
	id, secret, err := store.Rekey(req.AccountID, req.Replaced)
	var missing *identity.NotFoundError
	var full *identity.LimitError
	switch {
	case errors.As(err, &missing) && missing.Kind == "account":
		return &requestError{fmt.Errorf("there is no account %s: account add makes one, and the first start of the server the operator's", req.AccountID)}
	case errors.As(err, &missing):
		return &requestError{fmt.Errorf("the root user of %s has no access key %q", req.AccountID, req.Replaced)}
	case errors.As(err, &full):
		return &requestError{fmt.Errorf("the root user of %s has %d access keys already, %s: name the one that may go by --replace",
			req.AccountID, full.Limit, rootKeys(store, req.AccountID))}
	case err != nil:
		return err
	}
	input := map[string]any{"AccountId": req.AccountID}
	if req.Replaced != "" {
		input["Replaced"] = req.Replaced
	}
	if err := s.audit(r.Context(), "RekeyAccount", false, input, map[string]any{"AccessKeyId": id}); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, NewAccount{AccountID: req.AccountID, AccessKeyID: id, SecretAccessKey: secret})
	return nil
}

// rootKeys lists the IDs of a root user's access keys.
func rootKeys(store *identity.Store, account string) string {
	keys, err := store.AccessKeys(account, "")
	if err != nil {
		return err.Error()
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return strings.Join(ids, " and ")
}
