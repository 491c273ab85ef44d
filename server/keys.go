package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cairn/catalog"
	"cairn/delivery"
	"cairn/internal/durable"
	"cairn/service/kms"
	"cairn/service/sns"
)

// KeyStatus describes the keys that seal secrets at rest. It tells no secret.
type KeyStatus struct {
	MasterKey MasterKeyStatus `json:"masterKey"`
	DataKeys  []DataKeyStatus `json:"dataKeys"` // oldest first; the last one seals

	// NotCounted are kinds of secrets that stay under the data key that they were
	// sealed with, and that nobody counts.
	NotCounted []string `json:"notCounted"`
}

// MasterKeyStatus says where the master key comes from.
type MasterKeyStatus struct {
	ID         string `json:"id"`
	File       string `json:"file,omitempty"` // empty when CAIRN_MASTER_KEY has it
	BesideData bool   `json:"besideData"`     // whoever copies the directory copies the key

	// Opening are the IDs of all master keys that open the directory, the newest
	// last: several while a change of the master key is not finished.
	Opening []string `json:"opening"`
}

// DataKeyStatus is a data key, with the number of secrets that it has sealed.
type DataKeyStatus struct {
	ID      uint32      `json:"id"`
	Created time.Time   `json:"created"`
	Sealed  []KindCount `json:"sealed"`
}

// KindCount is a number of secrets of a kind.
type KindCount struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

// RotateKeysRequest asks for a new data key, and for a new master key if either
// member is set.
type RotateKeysRequest struct {
	Generate     bool   `json:"generate,omitempty"`     // the server makes a master key
	NewMasterKey []byte `json:"newMasterKey,omitempty"` // 32 bytes
}

// KeysRotated says what a rotation has done.
type KeysRotated struct {
	// DataKeyID is that of the new data key, 0 if none could be made, because an
	// earlier change of the master key is not finished.
	DataKeyID uint32      `json:"dataKeyId,omitempty"`
	Resealed  []KindCount `json:"resealed"`
	Kept      []string    `json:"kept"` // kinds that stay under their data keys

	// OldMasterKeyID and NewMasterKeyID are set if the master key changed.
	OldMasterKeyID string `json:"oldMasterKeyId,omitempty"`
	NewMasterKeyID string `json:"newMasterKeyId,omitempty"`
	MasterKeyFile  string `json:"masterKeyFile,omitempty"` // it holds the new master key

	// Finished says that the old master key opens the directory no more. It does
	// until the first start with the new one, if that is no file's.
	Finished bool `json:"finished"`
}

// Keys describes the keys that seal secrets.
func (c *Client) Keys(ctx context.Context) (*KeyStatus, error) {
	var status KeyStatus
	return &status, c.call(ctx, http.MethodGet, "keys", nil, &status)
}

// RotateKeys makes a new data key, seals everything with it, and changes the
// master key if the request says so.
func (c *Client) RotateKeys(ctx context.Context, req RotateKeysRequest) (*KeysRotated, error) {
	var done KeysRotated
	return &done, c.call(ctx, http.MethodPost, "keys/rotate", req, &done)
}

// keptKinds are what keeps its data key: sealing each object's key anew would
// rewrite the whole index of the object store, and tokens end by themselves.
var keptKinds = []string{"keys of S3 objects and uploads", "session tokens, page tokens"}

// A sealedKind is one kind of secrets that lie in the catalog.
type sealedKind struct {
	name  string
	owner interface {
		EachSealed(fn func(sealed []byte)) error
	}
	reseal func() (int, error) // nil where adding a data key does it
}

// sealedKinds are all that the catalog holds sealed. While serving they are the
// owners that serve, which know of each other's changes.
func (s *Server) sealedKinds() ([]sealedKind, error) {
	identities, err := s.anyIdentities()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	f := s.front
	s.mu.Unlock()
	if f == nil {
		f = &front{
			digestKeys: delivery.OpenKeys(s.catalog, nil),
			kms:        &kms.Service{Catalog: s.catalog, Principals: identities, Logger: s.cfg.Logger, Now: s.cfg.Now},
			topics:     sns.New(sns.Config{Catalog: s.catalog, Principals: identities, Logger: s.cfg.Logger}),
		}
	}
	return []sealedKind{
		{"signing keys of the event log", s.catalog, nil},
		{"access keys", identities, identities.Reseal},
		{"signing keys of digests", f.digestKeys, f.digestKeys.Reseal},
		{"materials of KMS keys", f.kms, f.kms.Reseal},
		{"signing keys and subscription tokens of SNS", f.topics, f.topics.Reseal},
	}, nil
}

// keyStatus answers with what is sealed under which key.
func (s *Server) keyStatus(w http.ResponseWriter, r *http.Request) error {
	status, err := s.keys()
	if err != nil {
		return err
	}
	s.auditRead(r.Context(), "GetKeyStatus", nil)
	writeJSON(w, http.StatusOK, status)
	return nil
}

// keys counts what is sealed under which key.
func (s *Server) keys() (*KeyStatus, error) {
	ring, err := s.catalog.Keyring().Status()
	if err != nil {
		return nil, err
	}
	kinds, err := s.sealedKinds()
	if err != nil {
		return nil, err
	}
	status := &KeyStatus{NotCounted: keptKinds, MasterKey: MasterKeyStatus{
		ID: ring.MasterKeyID, File: absolute(ring.MasterKeyFile), Opening: ring.Opening,
		BesideData: ring.MasterKeyFile != "" && filepath.Dir(absolute(ring.MasterKeyFile)) == absolute(s.cfg.Data),
	}}
	for _, k := range ring.DataKeys {
		status.DataKeys = append(status.DataKeys, DataKeyStatus{ID: k.ID, Created: k.Created, Sealed: []KindCount{}})
	}
	for _, kind := range kinds {
		counts := make(map[uint32]int)
		if err := kind.owner.EachSealed(func(sealed []byte) { counts[catalog.DataKeyOf(sealed)]++ }); err != nil {
			return nil, err
		}
		for i := range status.DataKeys {
			if n := counts[status.DataKeys[i].ID]; n > 0 {
				status.DataKeys[i].Sealed = append(status.DataKeys[i].Sealed, KindCount{kind.name, n})
			}
		}
	}
	return status, nil
}

// rotateKeys answers once everything is sealed anew. It goes on if the caller
// goes away. Whatever it has done has an event, also if it could not do all.
func (s *Server) rotateKeys(w http.ResponseWriter, r *http.Request) error {
	var req RotateKeysRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	defer clear(req.NewMasterKey)
	if req.Generate && req.NewMasterKey != nil {
		return &requestError{errors.New("a new master key is given, and one is to be generated: only one of them is possible")}
	}
	if req.NewMasterKey != nil && len(req.NewMasterKey) != catalog.MasterKeyBytes {
		return &requestError{fmt.Errorf("the new master key has %d bytes instead of %d", len(req.NewMasterKey), catalog.MasterKeyBytes)}
	}
	s.rotating.Lock()
	defer s.rotating.Unlock()
	if err := s.log.Writable(); err != nil {
		return err // it could not be recorded
	}
	done, err := s.rotate(req)
	if done.DataKeyID == 0 && done.NewMasterKeyID == "" {
		return err
	}
	if auditErr := s.audit(r.Context(), "RotateKeys", false, rotationInput(req), rotationOutput(done)); auditErr != nil || err != nil {
		return errors.Join(err, auditErr)
	}
	writeJSON(w, http.StatusOK, done)
	return nil
}

// rotate does the steps in an order in which no data key is ever wrapped with a
// master key that it replaces, where that is possible: with a master key from a
// file. A crash between any two leaves a directory that the key in the file
// opens, and in which every secret can be read; the command can be given again.
func (s *Server) rotate(req RotateKeysRequest) (done KeysRotated, err error) {
	done.Resealed, done.Kept, done.Finished = []KindCount{}, keptKinds, true
	ring, err := s.catalog.Keyring().Status()
	if err != nil {
		return done, err
	}
	kinds, err := s.sealedKinds()
	if err != nil {
		return done, err
	}
	newKey := req.NewMasterKey
	if req.Generate {
		if ring.MasterKeyFile == "" {
			return done, &requestError{errors.New("the master key comes from CAIRN_MASTER_KEY, where no server can put a new one: " +
				"make a key yourself (umask 077; openssl rand -base64 32 > FILE) and give it with --new-master-key-file FILE")}
		}
		newKey = catalog.NewMasterKey()
		defer clear(newKey)
	}
	if newKey != nil && s.catalog.Keyring().IsMasterKey(newKey) {
		return done, &requestError{errors.New("the new master key is the one that the directory was opened with")}
	}
	pending, before := len(ring.Opening) > 1, newestDataKey(ring)
	switch {
	case newKey == nil && pending:
		return done, &requestError{fmt.Errorf("a change of the master key is not finished: keys with the IDs %s open the directory, and it was opened with %s. "+
			"Open it with the last of them, or give a new master key again", strings.Join(ring.Opening, ", "), ring.MasterKeyID)}
	case newKey == nil:
		return done, s.renewDataKey(kinds, before, &done)
	case ring.MasterKeyFile != "":
		if err := s.changeMasterKey(newKey, ring, &done); err != nil {
			return done, err
		}
		if err := s.renewDataKey(kinds, before, &done); err != nil {
			return done, fmt.Errorf("the master key is changed, to the one with the ID %s: %w", done.NewMasterKeyID, err)
		}
		return done, nil
	}
	// The old key goes on opening the directory until it is started with the new
	// one, and a data key that is added in between could be given to one only.
	var addErr error
	if !pending {
		addErr = s.renewDataKey(kinds, before, &done)
	}
	return done, errors.Join(addErr, s.changeMasterKey(newKey, ring, &done))
}

// changeMasterKey wraps the data keys with a new master key. A file that cannot be
// replaced is found before that: a key that was generated for it would be lost, and
// the directory would wait for it.
func (s *Server) changeMasterKey(newKey []byte, before catalog.KeyringStatus, done *KeysRotated) error {
	if name := before.MasterKeyFile; name != "" {
		if err := rewrite(name); err != nil {
			return fmt.Errorf("the master key stays, because its file cannot be replaced: %w. "+
				"To change a key in a file that Cairn may not write, stop the server, give the key by CAIRN_MASTER_KEY instead of the file, and rotate so", err)
		}
	}
	keyring := s.catalog.Keyring()
	rotateErr := keyring.Rotate(newKey)
	if rotateErr != nil {
		rotateErr = fmt.Errorf("%w; the old master key opens the directory still, and a rotation with a new one can be tried again", rotateErr)
	}
	after, err := keyring.Status()
	if err != nil || rotateErr != nil && after.MasterKeyID == before.MasterKeyID {
		return errors.Join(rotateErr, err)
	}
	done.OldMasterKeyID, done.NewMasterKeyID = before.MasterKeyID, after.Opening[len(after.Opening)-1]
	done.MasterKeyFile, done.Finished = absolute(after.MasterKeyFile), len(after.Opening) == 1
	return rotateErr
}

// rewrite replaces a master key file with itself.
func rewrite(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	defer clear(text)
	return durable.WriteFile(durable.OS, name, text, 0o600)
}

// renewDataKey adds a data key and seals everything with it. What one owner
// cannot seal anew does not keep the others from it: it stays under its old key.
func (s *Server) renewDataKey(kinds []sealedKind, before uint32, done *KeysRotated) error {
	addErr := s.catalog.Keyring().NewDataKey()
	ring, err := s.catalog.Keyring().Status()
	if err != nil {
		return errors.Join(addErr, err)
	}
	newest := newestDataKey(ring)
	if newest == before {
		return addErr
	}
	done.DataKeyID = newest
	failed := []error{addErr}
	for _, kind := range kinds {
		n, err := kind.resealUnder(newest)
		done.Resealed = append(done.Resealed, KindCount{kind.name, n})
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("data key %d is in use, and some secrets stay under older ones, until another rotation succeeds: %w", newest, err)
	}
	return nil
}

// newestDataKey is the ID of the data key that seals.
func newestDataKey(ring catalog.KeyringStatus) uint32 { return ring.DataKeys[len(ring.DataKeys)-1].ID }

// resealUnder returns how many secrets were sealed anew.
func (k *sealedKind) resealUnder(newest uint32) (n int, err error) {
	if k.reseal != nil {
		return k.reseal()
	}
	err = k.owner.EachSealed(func(sealed []byte) {
		if catalog.DataKeyOf(sealed) == newest {
			n++
		}
	})
	return n, err
}

// absolute is the name of a file for who works in another directory.
func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil && name != "" {
		return abs
	}
	return name
}

func rotationInput(req RotateKeysRequest) map[string]any {
	switch {
	case req.Generate:
		return map[string]any{"newMasterKey": "generated"}
	case req.NewMasterKey != nil:
		return map[string]any{"newMasterKey": "given"}
	}
	return nil
}

func rotationOutput(done KeysRotated) map[string]any {
	output := map[string]any{}
	if done.DataKeyID != 0 {
		resealed := 0
		for _, k := range done.Resealed {
			resealed += k.Count
		}
		output["dataKeyId"], output["resealed"] = int64(done.DataKeyID), int64(resealed)
	}
	if done.NewMasterKeyID != "" {
		output["oldMasterKeyId"], output["newMasterKeyId"] = done.OldMasterKeyID, done.NewMasterKeyID
	}
	return output
}
