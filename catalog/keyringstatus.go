package catalog

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

// A KeyringStatus describes a catalog's keys. It tells no secret: the IDs of
// master keys are derived from them one way.
type KeyringStatus struct {
	MasterKeyID   string
	MasterKeyFile string // empty when the key was given directly

	// Opening are the IDs of all master keys that open the catalog, the newest
	// last. There are several only while a change of the master key is not
	// finished.
	Opening []string

	DataKeys []DataKey // oldest first; the last one seals
}

// A DataKey is one of the keys that secrets are sealed under.
type DataKey struct {
	ID      uint32
	Created time.Time
}

// Status describes the keys.
func (k *Keyring) Status() (KeyringStatus, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newest == 0 {
		return KeyringStatus{}, fmt.Errorf("describe the keyring: %w", ErrReadOnly)
	}
	row, _, err := k.table().Get(keyringRow)
	if err != nil {
		return KeyringStatus{}, fmt.Errorf("describe the keyring: %w", err)
	}
	status := KeyringStatus{MasterKeyID: k.master.id, MasterKeyFile: k.master.file}
	for _, w := range row.Wraps {
		status.Opening = append(status.Opening, w.MasterKeyID)
	}
	for _, created := range row.Created {
		status.DataKeys = append(status.DataKeys, DataKey(created))
	}
	return status, nil
}

// IsMasterKey reports whether a key is the one that the catalog was opened with.
func (k *Keyring) IsMasterKey(key []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.master != nil && subtle.ConstantTimeCompare(key, k.master.secret) == 1
}

// DataKeyOf returns the ID of the data key that bytes are sealed under, 0 if
// they are not what Seal makes.
func DataKeyOf(sealed []byte) uint32 {
	if len(sealed) < sealHeader || sealed[0] != sealVersion {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:])
}

// EachSealed calls fn with what is sealed of each of the catalog's own signing
// keys, which NewDataKey seals anew.
func (c *Catalog) EachSealed(fn func(sealed []byte)) error {
	for row, err := range c.signingKeys().Scan("") {
		if err != nil {
			return fmt.Errorf("read signing keys: %w", err)
		}
		fn(row.Value.Sealed)
	}
	return nil
}
