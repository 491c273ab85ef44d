package identity

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cairn/aws"
	"cairn/catalog"
)

// MaxPackedSize is how many bytes the policies and tags of a session may take
// once they are compressed.
const MaxPackedSize = 4096

// MaxTokenSize is how many bytes a session token has at most. One whose policies
// and tags take MaxPackedSize is shorter.
const MaxTokenSize = 8192

// sessionPurpose is what session tokens are sealed for, with the access key ID.
const sessionPurpose = "session-token"

// A Session says what temporary credentials stand for. All of it is in their
// token, sealed, so that nothing is stored and a restart loses nothing.
type Session struct {
	Type     string `json:"y"` // "Root", "IAMUser", "AssumedRole" or "FederatedUser"
	Account  string `json:"a"`
	EntityID string `json:"i,omitempty"` // of the user or role; empty for the root user's
	Name     string `json:"n,omitempty"` // of a role session or federated user

	Policy         string            `json:"p,omitempty"` // inline session policy
	PolicyARNs     []string          `json:"m,omitempty"` // managed session policies
	Tags           map[string]string `json:"t,omitempty"`
	Transitive     []string          `json:"v,omitempty"` // keys of tags that the next session inherits
	SourceIdentity string            `json:"s,omitempty"`
	MFA            bool              `json:"f,omitempty"`

	Created time.Time `json:"c"`
	Expires time.Time `json:"e"`
	Secret  string    `json:"k"`
}

// Credentials are temporary credentials.
type Credentials struct {
	AccessKeyID string
	Secret      string
	Token       string
	Expires     time.Time
}

// StartSession makes temporary credentials that hold for a time. It sets the
// session's times and secret. The account and what else the session says must
// have been checked. The token is padded to minToken bytes.
func (s *Store) StartSession(session Session, length time.Duration, minToken int) (*Credentials, error) {
	session.Created = s.now().UTC().Truncate(time.Second)
	session.Expires = session.Created.Add(length)
	session.Secret = newSecret()
	text, err := json.Marshal(session)
	if err != nil {
		return nil, fmt.Errorf("start session: %w", err)
	}
	id := newID("ASIA", session.Account, 20)
	packed := deflate(text)
	token, err := s.keyring.Seal(sessionPurpose, id, packed)
	// Base64 makes four bytes of three. What follows the packed text is not read.
	if missing := (minToken+3)/4*3 - len(token); err == nil && missing > 0 {
		token, err = s.keyring.Seal(sessionPurpose, id, append(packed, make([]byte, missing)...))
	}
	if err != nil {
		return nil, fmt.Errorf("start session: %w", err)
	}
	text = base64.StdEncoding.AppendEncode(nil, token)
	if len(text) > MaxTokenSize {
		return nil, fmt.Errorf("start session: the token would have %d bytes, and may have %d", len(text), MaxTokenSize)
	}
	return &Credentials{id, session.Secret, string(text), session.Expires}, nil
}

// PackedSize is the number of bytes that a session's policies and tags take.
func (s *Session) PackedSize() int {
	if s.Policy == "" && len(s.PolicyARNs) == 0 && len(s.Tags) == 0 {
		return 0
	}
	text, err := json.Marshal([]any{s.Policy, s.PolicyARNs, s.Tags, s.Transitive})
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	return len(deflate(text))
}

// SessionOf returns the session that a call's temporary credentials stand for,
// or nil if it has none.
func (s *Store) SessionOf(c *aws.Call) (*Session, error) {
	if c.Identity.Session == nil {
		return nil, nil
	}
	return s.openToken(c.Identity.AccessKeyID, c.SessionToken)
}

// openToken returns what a token holds. The error is aws.ErrUnknownKey if it was
// not made here for the access key, and aws.ErrExpiredToken if it is over.
func (s *Store) openToken(accessKeyID, token string) (*Session, error) {
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, aws.ErrUnknownKey
	}
	packed, err := s.keyring.Open(sessionPurpose, accessKeyID, sealed)
	if errors.Is(err, catalog.ErrSealBroken) {
		return nil, aws.ErrUnknownKey
	}
	if err != nil {
		return nil, err
	}
	var session Session
	if err := json.NewDecoder(flate.NewReader(bytes.NewReader(packed))).Decode(&session); err != nil {
		return nil, fmt.Errorf("read session token: %w", err)
	}
	if !s.now().Before(session.Expires) {
		return nil, aws.ErrExpiredToken
	}
	return &session, nil
}

func deflate(text []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err) // only for levels that do not exist
	}
	w.Write(text) // a buffer takes everything
	w.Close()
	return b.Bytes()
}
