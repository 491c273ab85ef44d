package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn/catalog"
)

// The systems whose audit logs are taken in.
const (
	IngestMinIO      = "minio"
	IngestKubernetes = "kubernetes"
)

// IngestTokenRequest asks for a token with which a system may send its audit log.
type IngestTokenRequest struct {
	Name      string `json:"name"`
	Source    string `json:"source"`              // IngestMinIO or IngestKubernetes
	AccountID string `json:"accountId,omitempty"` // of the records; the server's own if empty
	Region    string `json:"region,omitempty"`    // of the records; the server's own if empty
}

// IngestTokenSummary describes a token.
type IngestTokenSummary struct {
	Name      string    `json:"name"`
	ID        string    `json:"id"` // the part of the token that is no secret
	Source    string    `json:"source"`
	AccountID string    `json:"accountId"`
	Region    string    `json:"region"`
	Created   time.Time `json:"created"`
}

// NewIngestToken is a new token. It is told only here.
type NewIngestToken struct {
	IngestTokenSummary
	Token string `json:"token"`
}

// IngestTokenList is all tokens, in the order of their names.
type IngestTokenList struct {
	Tokens []IngestTokenSummary `json:"tokens"`
}

// IngestTokenName names a token that is to be revoked.
type IngestTokenName struct {
	Name string `json:"name"`
}

// AddIngestToken makes a token.
func (c *Client) AddIngestToken(ctx context.Context, req IngestTokenRequest) (*NewIngestToken, error) {
	var t NewIngestToken
	return &t, c.call(ctx, http.MethodPost, "ingest/token", req, &t)
}

// IngestTokens returns all tokens.
func (c *Client) IngestTokens(ctx context.Context) ([]IngestTokenSummary, error) {
	var l IngestTokenList
	return l.Tokens, c.call(ctx, http.MethodGet, "ingest/token", nil, &l)
}

// RevokeIngestToken makes a token worthless at once, and returns what it was.
func (c *Client) RevokeIngestToken(ctx context.Context, name string) (*IngestTokenSummary, error) {
	var t IngestTokenSummary
	return &t, c.call(ctx, http.MethodPost, "ingest/token/revoke", IngestTokenName{name}, &t)
}

func (s *Server) localIngestRoutes() []localRoute {
	return []localRoute{
		{pattern: "POST /_cairn/v1/ingest/token", operation: "AddIngestToken", ownerOnly: true, serve: s.addIngestToken},
		{pattern: "GET /_cairn/v1/ingest/token", operation: "ListIngestTokens", readOnly: true, ownerOnly: true, serve: s.listIngestTokens},
		{pattern: "POST /_cairn/v1/ingest/token/revoke", operation: "RevokeIngestToken", ownerOnly: true, serve: s.revokeIngestToken},
	}
}

// ingestToken is a row of the table of tokens; its key is the token's ID. The secret
// has 256 random bits, so that a plain hash of it gives nothing away.
type ingestToken struct {
	Name      string    `json:"name"`
	Source    string    `json:"source"`
	AccountID string    `json:"accountId"`
	Region    string    `json:"region"`
	Created   time.Time `json:"created"`
	Hash      []byte    `json:"hash"` // SHA-256 of the secret
}

func (t *ingestToken) summary(id string) IngestTokenSummary {
	return IngestTokenSummary{Name: t.Name, ID: id, Source: t.Source, AccountID: t.AccountID, Region: t.Region, Created: t.Created}
}

const (
	// maxIngestTokens bounds the table, which is read whole to find a name.
	maxIngestTokens = 1000

	// A token is this, its ID of 16 hex digits, an underscore, and the secret of 43
	// characters in base64url.
	ingestTokenPrefix = "cairn_ingest_"
	ingestIDLength    = 16
)

var ingestNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ingestChanges has one change of the tokens at a time look at their names.
var ingestChanges sync.Mutex

func (s *Server) ingestTokens() catalog.Table[ingestToken] {
	return catalog.TableOf[ingestToken](s.catalog, "ingest-tokens")
}

// addIngestToken makes a token.
func (s *Server) addIngestToken(w http.ResponseWriter, r *http.Request) error {
	var req IngestTokenRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	if req.AccountID == "" {
		req.AccountID = s.cfg.AccountID
	}
	if req.Region == "" {
		req.Region = s.cfg.Region
	}
	if err := s.checkIngestToken(req); err != nil {
		return &requestError{err}
	}
	if err := s.log.Writable(); err != nil {
		return err // it could not be recorded
	}
	ingestChanges.Lock()
	defer ingestChanges.Unlock()
	table, count := s.ingestTokens(), 0
	for row, err := range table.Scan("") {
		if err != nil {
			return err
		}
		if count++; row.Value.Name == req.Name {
			return &requestError{fmt.Errorf("the token %s exists already", req.Name)}
		}
	}
	if count >= maxIngestTokens {
		return &requestError{fmt.Errorf("there are %d tokens already, which is the most", count)}
	}
	var random [ingestIDLength/2 + 32]byte
	rand.Read(random[:])
	id, secret := hex.EncodeToString(random[:ingestIDLength/2]), base64.RawURLEncoding.EncodeToString(random[ingestIDLength/2:])
	hash := sha256.Sum256([]byte(secret))
	t := ingestToken{Name: req.Name, Source: req.Source, AccountID: req.AccountID, Region: req.Region, Created: time.Now().UTC().Truncate(time.Second), Hash: hash[:]}
	if _, err := table.CompareAndSet(id, 0, t); err != nil {
		return err
	}
	if err := s.audit(r.Context(), "AddIngestToken", false, ingestAudit(id, &t), nil); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, NewIngestToken{t.summary(id), ingestTokenPrefix + id + "_" + secret})
	return nil
}

func (s *Server) checkIngestToken(req IngestTokenRequest) error {
	switch {
	case !ingestNamePattern.MatchString(req.Name):
		return fmt.Errorf("the name %q is not 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first", clip(req.Name))
	case req.Source != IngestMinIO && req.Source != IngestKubernetes:
		return fmt.Errorf("the source %q is neither %s nor %s", clip(req.Source), IngestMinIO, IngestKubernetes)
	case !accountIDPattern.MatchString(req.AccountID):
		return fmt.Errorf("account ID %q does not have 12 digits", clip(req.AccountID))
	case !slices.Contains(s.regions(), req.Region):
		return fmt.Errorf("the region %q does not exist here: there are %s", clip(req.Region), strings.Join(s.regions(), ", "))
	}
	return nil
}

// ingestAudit is what the records of changes show of a token.
func ingestAudit(id string, t *ingestToken) map[string]any {
	return map[string]any{"Name": t.Name, "TokenId": id, "Source": t.Source, "AccountId": t.AccountID, "Region": t.Region}
}

// listIngestTokens lists all tokens.
func (s *Server) listIngestTokens(w http.ResponseWriter, r *http.Request) error {
	list := IngestTokenList{Tokens: []IngestTokenSummary{}}
	for row, err := range s.ingestTokens().Scan("") {
		if err != nil {
			return err
		}
		list.Tokens = append(list.Tokens, row.Value.summary(row.Key))
	}
	slices.SortFunc(list.Tokens, func(a, b IngestTokenSummary) int { return strings.Compare(a.Name, b.Name) })
	s.auditRead(r.Context(), "ListIngestTokens", nil)
	writeJSON(w, http.StatusOK, list)
	return nil
}

// revokeIngestToken removes a token. The records that it has sent stay.
func (s *Server) revokeIngestToken(w http.ResponseWriter, r *http.Request) error {
	var req IngestTokenName
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	if err := s.log.Writable(); err != nil {
		return err // it could not be recorded
	}
	ingestChanges.Lock()
	defer ingestChanges.Unlock()
	table := s.ingestTokens()
	for row, err := range table.Scan("") {
		if err != nil {
			return err
		}
		if row.Value.Name != req.Name {
			continue
		}
		if err := table.Delete(row.Key, row.Revision); err != nil {
			return err
		}
		if err := s.audit(r.Context(), "RevokeIngestToken", false, ingestAudit(row.Key, &row.Value), nil); err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, row.Value.summary(row.Key))
		return nil
	}
	return &requestError{fmt.Errorf("there is no token %q", clip(req.Name))}
}

// errIngestToken says that a request shows no token that may send what it sends.
var errIngestToken = errors.New("the token is not one that may send this")

// ingestTokenOf returns the token that an Authorization header has, with or without the
// word Bearer, if it is one of a source.
func (s *Server) ingestTokenOf(header, source string) (*ingestToken, error) {
	text := strings.TrimSpace(header)
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(rest)
	}
	text, ok := strings.CutPrefix(text, ingestTokenPrefix)
	id, secret, parted := strings.Cut(text, "_")
	if !ok || !parted || len(id) != ingestIDLength {
		return nil, errIngestToken
	}
	t, _, err := s.ingestTokens().Get(id)
	if known, err := found(err); err != nil {
		return nil, err
	} else if !known {
		return nil, errIngestToken
	}
	hash := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(hash[:], t.Hash) != 1 || t.Source != source {
		return nil, errIngestToken
	}
	return &t, nil
}
