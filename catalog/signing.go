package catalog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const signingPurpose = "signing-key"

// signingKey is the current key of a name. Its private half is sealed.
type signingKey struct {
	VerifierKey string `json:"verifierKey"`
	Sealed      []byte `json:"sealed"`
}

// verifierKey is a public key. Its rows are never removed: what the private
// half has signed stays to be verified.
type verifierKey struct {
	VerifierKey string    `json:"verifierKey"`
	Created     time.Time `json:"created"`
}

func (c *Catalog) signingKeys() Table[signingKey] { return TableOf[signingKey](c, "signing-keys") }

func (c *Catalog) verifierKeys() Table[verifierKey] {
	return TableOf[verifierKey](c, verifierTable)
}

const verifierTable = "verifier-keys"

// SigningKey returns the Ed25519 key with a name, such as "cairn/<store id>",
// for signing notes, and the text of its public half, which note.NewVerifier
// reads. The first call for a name makes the key.
func (c *Catalog) SigningKey(name string) (note.Signer, string, error) {
	c.signing.Lock()
	defer c.signing.Unlock()
	row, _, err := c.signingKeys().Get(name)
	if errors.Is(err, ErrNotFound) {
		row, err = c.makeSigningKey(name, 0)
	}
	if err != nil {
		return nil, "", fmt.Errorf("signing key %s: %w", name, err)
	}
	secret, err := c.Keyring().Open(signingPurpose, name, row.Sealed)
	if err != nil {
		return nil, "", fmt.Errorf("signing key %s: %w", name, err)
	}
	signer, err := note.NewSigner(string(secret))
	if err != nil {
		return nil, "", fmt.Errorf("signing key %s: %w", name, err)
	}
	return signer, row.VerifierKey, nil
}

// NewSigningKey makes a new key for a name. SigningKey returns it from now on;
// the public halves of earlier ones stay among the Verifiers.
func (c *Catalog) NewSigningKey(name string) error {
	c.signing.Lock()
	defer c.signing.Unlock()
	_, rev, err := c.signingKeys().Get(name)
	if err == nil || errors.Is(err, ErrNotFound) {
		_, err = c.makeSigningKey(name, rev)
	}
	if err != nil {
		return fmt.Errorf("new signing key %s: %w", name, err)
	}
	return nil
}

func (c *Catalog) makeSigningKey(name string, rev Revision) (signingKey, error) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return signingKey{}, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return signingKey{}, fmt.Errorf("the name is not fit for a key: %w", err)
	}
	sealed, err := c.Keyring().Seal(signingPurpose, name, []byte(private))
	if err != nil {
		return signingKey{}, err
	}
	// The public half first: a crash between the two leaves a verifier that
	// nothing was signed for, and never a signature without one.
	_, err = c.verifierKeys().CompareAndSet(Key(name, fmt.Sprintf("%08x", verifier.KeyHash())), 0, verifierKey{public, c.now().UTC()})
	if err != nil {
		return signingKey{}, err
	}
	row := signingKey{public, sealed}
	_, err = c.signingKeys().CompareAndSet(name, rev, row)
	return row, err
}

// resealSigningKeys seals the private halves with the newest data key.
func (c *Catalog) resealSigningKeys() error {
	c.signing.Lock()
	defer c.signing.Unlock()
	for row, err := range c.signingKeys().Scan("") {
		if err != nil {
			return err
		}
		sealed, changed, err := c.Keyring().Reseal(signingPurpose, row.Key, row.Value.Sealed)
		if err == nil && changed {
			row.Value.Sealed = sealed
			_, err = c.signingKeys().CompareAndSet(row.Key, row.Revision, row.Value)
		}
		if err != nil {
			return fmt.Errorf("reseal signing key %s: %w", row.Key, err)
		}
	}
	return nil
}

// Verifiers returns the public halves of all signing keys that there ever were.
func (c *Catalog) Verifiers() (note.Verifiers, error) {
	keys, err := c.VerifierKeys()
	if err != nil {
		return nil, err
	}
	return verifiersOf(keys)
}

// VerifierKeys returns the texts of the public halves of all signing keys that
// there ever were, sorted.
func (c *Catalog) VerifierKeys() ([]string, error) {
	var keys []string
	for row, err := range c.verifierKeys().Scan("") {
		if err != nil {
			return nil, fmt.Errorf("verifier keys: %w", err)
		}
		keys = append(keys, row.Value.VerifierKey)
	}
	slices.Sort(keys)
	return keys, nil
}

func verifiersOf(keys []string) (note.Verifiers, error) {
	list := make([]note.Verifier, len(keys))
	for i, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("verifier key %q: %w", strings.ToValidUTF8(key, "�"), err)
		}
		list[i] = verifier
	}
	return note.VerifierList(list...), nil
}
