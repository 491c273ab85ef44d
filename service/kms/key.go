package kms

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"cairn"
	"cairn/catalog"
)

// The states of keys.
const (
	enabled         = "Enabled"
	disabled        = "Disabled"
	pendingDeletion = "PendingDeletion"
)

const (
	materialPurpose = "kms-key-material"

	// maxAttempts bounds how often a row is read again that others changed.
	maxAttempts = 100
)

const day = 24 * time.Hour

// A key is one row, with its policy and its materials.
type key struct {
	account, region, id string // from the row's key
	rev                 catalog.Revision

	Spec        string            `json:"spec"`
	Usage       string            `json:"usage"`
	Description string            `json:"description,omitempty"`
	Manager     string            `json:"manager"` // CUSTOMER or AWS
	Created     time.Time         `json:"created"`
	State       string            `json:"state"`
	Policy      string            `json:"policy"`
	Trusted     map[string]string `json:"trusted,omitempty"` // unique IDs, by the ARNs in Policy
	Tags        map[string]string `json:"tags,omitempty"`

	DeletionDate  time.Time `json:"deletionDate,omitzero"` // when pending deletion
	PendingWindow int32     `json:"pendingWindow,omitempty"`

	// Materials only grow: what an older one has encrypted stays readable. The
	// version of one is its index plus one, and the last is the current one.
	Materials []material `json:"materials"`

	RotationPeriod int32     `json:"rotationPeriod,omitempty"` // days; 0 when keys are not rotated by themselves
	NextRotation   time.Time `json:"nextRotation,omitzero"`
	OnDemand       int       `json:"onDemand,omitempty"` // rotations on demand so far
}

// A material is what a key computes with.
type material struct {
	ID      string    `json:"id"` // as AWS shows it; 64 hexadecimal digits
	Created time.Time `json:"created"`
	Origin  string    `json:"origin,omitempty"` // AUTOMATIC or ON_DEMAND; empty for the first one
	Sealed  []byte    `json:"sealed"`           // by the keyring, bound to the key's ARN and the version
	Public  []byte    `json:"public,omitempty"` // DER, of asymmetric keys
}

func (s *Service) keys() catalog.Table[key] { return catalog.TableOf[key](s.Catalog, "kms-keys") }

func (k *key) row() string { return catalog.Key(k.account, k.region, k.id) }

func (k *key) arn() string { return keyARN(k.region, k.account, k.id) }

func keyARN(region, account, id string) string { return kmsARN(region, account, "key/"+id) }

func kmsARN(region, account, resource string) string {
	return "arn:" + cairn.PartitionOf(region) + ":kms:" + region + ":" + account + ":" + resource
}

func (k *key) spec() *spec {
	of := specs[k.Spec]
	return &of
}

func (k *key) symmetric() bool { return k.Spec == symmetricDefault }

// current is the version that encrypts.
func (k *key) current() uint32 { return uint32(len(k.Materials)) }

// materialID returns the ID of a version, which only symmetric keys show.
func (k *key) materialID(version uint32) string {
	if !k.symmetric() {
		return ""
	}
	return k.Materials[version-1].ID
}

// addMaterial makes a version.
func (s *Service) addMaterial(k *key, origin string) error {
	secret, public, err := s.makeMaterial(k.spec())
	if err != nil {
		return errInternal("make material", k.arn(), err)
	}
	defer clear(secret)
	sealed, err := s.Catalog.Keyring().Seal(materialPurpose, sealedRow(k, k.current()+1), secret)
	if err != nil {
		return errInternal("seal material", k.arn(), err)
	}
	// The ID tells versions apart, and nothing of the secret.
	sum := sha256.Sum256(sealed)
	k.Materials = append(k.Materials, material{ID: hex.EncodeToString(sum[:]), Created: s.Now().UTC(), Origin: origin, Sealed: sealed, Public: public})
	return nil
}

// secret unseals a version. The caller clears it.
func (s *Service) secret(k *key, version uint32) ([]byte, error) {
	secret, err := s.Catalog.Keyring().Open(materialPurpose, sealedRow(k, version), k.Materials[version-1].Sealed)
	if err != nil {
		return nil, errInternal("open material "+strconv.FormatUint(uint64(version), 10), k.arn(), err)
	}
	return secret, nil
}

func sealedRow(k *key, version uint32) string {
	return catalog.Key(k.account, k.region, k.id, strconv.FormatUint(uint64(version), 10))
}

// load returns a key, nil if there is none. What was due has been done: a key
// whose time is over is deleted, one that is to be rotated has a new material.
func (s *Service) load(account, region, id string) (*key, error) {
	for range maxAttempts {
		k := &key{account: account, region: region, id: id}
		stored, rev, err := s.keys().Get(k.row())
		if errors.Is(err, catalog.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		stored.account, stored.region, stored.id, stored.rev = account, region, id, rev
		k = &stored
		now := s.Now()
		switch {
		case k.State == pendingDeletion && !now.Before(k.DeletionDate):
			if err := s.remove(k); err != nil {
				if errors.Is(err, catalog.ErrConflict) {
					continue
				}
				return nil, err
			}
			return nil, nil
		case k.State == enabled && k.RotationPeriod > 0 && !now.Before(k.NextRotation):
			err := s.addMaterial(k, "AUTOMATIC")
			if err != nil {
				return nil, err
			}
			k.NextRotation = now.UTC().Add(time.Duration(k.RotationPeriod) * day)
			if err := s.store(k); err != nil {
				if errors.Is(err, catalog.ErrConflict) {
					continue
				}
				return nil, err
			}
		}
		return k, nil
	}
	return nil, errBusy(keyARN(region, account, id))
}

// store writes a key whose row is as it was read; a new one has revision 0.
func (s *Service) store(k *key) error {
	rev, err := s.keys().CompareAndSet(k.row(), k.rev, *k)
	if err == nil {
		k.rev = rev
	}
	return err
}

// change changes a key. If others do so at the same time, fn is called again with
// what they made of it.
func (s *Service) change(k *key, fn func(*key) error) error {
	for range maxAttempts {
		now, err := s.load(k.account, k.region, k.id)
		if err != nil {
			return err
		}
		if now == nil {
			return errNoKey(k.arn())
		}
		if err := fn(now); err != nil {
			return err
		}
		if err := s.store(now); !errors.Is(err, catalog.ErrConflict) {
			return err
		}
	}
	return errBusy(k.arn())
}

// remove deletes a key with its aliases and material for good. A crash in between
// leaves a key without aliases, whose time is over still.
func (s *Service) remove(k *key) error {
	if err := s.dropAliases(k); err != nil {
		return err
	}
	err := s.keys().Delete(k.row(), k.rev)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}

// metadata describes a key.
func (k *key) metadata() KeyMetadata {
	no, of := false, k.spec()
	m := KeyMetadata{
		KeyId: k.id, AWSAccountId: k.account, Arn: k.arn(), CreationDate: k.Created, Description: &k.Description,
		KeySpec: k.Spec, CustomerMasterKeySpec: k.Spec, KeyUsage: k.Usage, KeyState: k.State, Enabled: k.State == enabled,
		KeyManager: k.Manager, Origin: "AWS_KMS", MultiRegion: &no, CurrentKeyMaterialId: k.materialID(k.current()),
	}
	switch k.Usage {
	case usageEncrypt:
		m.EncryptionAlgorithms = of.encryption
	case usageSign:
		m.SigningAlgorithms = of.signing
	case usageMac:
		m.MacAlgorithms = of.mac
	}
	if k.State == pendingDeletion {
		m.DeletionDate = k.DeletionDate
	}
	return m
}

// needsEnabled returns an error unless the key is enabled.
func (k *key) needsEnabled() error {
	switch k.State {
	case disabled:
		return errDisabled(k.arn())
	case pendingDeletion:
		return errState(k.arn(), "is pending deletion")
	}
	return nil
}

// needsLife returns an error if the key is pending deletion.
func (k *key) needsLife() error {
	if k.State == pendingDeletion {
		return errState(k.arn(), "is pending deletion")
	}
	return nil
}

// tagKeys are the keys of the tags, in order.
func (k *key) tagKeys() []string { return slices.Sorted(maps.Keys(k.Tags)) }
