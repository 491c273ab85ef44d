package delivery

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cairn"
	"cairn/catalog"
)

// How long a key signs digests, and how long before its end the next one takes
// over. The private half goes keyRetained after the key's end: no digest can be
// late by more. The public half stays for ever.
const (
	keyLifetime = 30 * 24 * time.Hour
	keyOverlap  = 24 * time.Hour
	keyRetained = 40 * 24 * time.Hour
	keyBits     = 2048

	keyPurpose = "digest-signing-key"
)

// A PublicKey verifies digests of one region whose end lies in its validity.
type PublicKey struct {
	Region      string
	Fingerprint string // hex MD5 of DER
	DER         []byte // PKCS #1 RSAPublicKey
	From, Until time.Time
}

// Keys are the RSA keys that sign digests: for each region a line of keys, each
// valid for 30 days, the next one from a day before the end of the last.
type Keys struct {
	table    catalog.Table[keyRow]
	keyring  *catalog.Keyring
	generate func() (*rsa.PrivateKey, error)

	mu   sync.Mutex
	open map[string]*rsa.PrivateKey // by row
}

// keyRow is a key of a region. Sealed is its private half (PKCS #1), sealed for
// the row; empty once it has been destroyed.
type keyRow struct {
	Public []byte    `json:"public"`
	Sealed []byte    `json:"sealed,omitempty"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
}

// OpenKeys returns the keys in a catalog. generate makes an RSA key; nil makes
// one of 2,048 bits.
func OpenKeys(c *catalog.Catalog, generate func() (*rsa.PrivateKey, error)) *Keys {
	if generate == nil {
		generate = func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, keyBits) }
	}
	return &Keys{table: catalog.TableOf[keyRow](c, "digest-keys"), keyring: c.Keyring(), generate: generate, open: make(map[string]*rsa.PrivateKey)}
}

// Public returns the keys of a region that were valid at some time in [start,
// end], oldest first.
func (k *Keys) Public(region string, start, end time.Time) ([]PublicKey, error) {
	rows, err := k.rows(region)
	if err != nil {
		return nil, err
	}
	var found []PublicKey
	for _, row := range rows {
		v := row.Value
		if v.From.After(end) || v.Until.Before(start) {
			continue
		}
		public, err := cairn.ParsePublicKeyDER(v.Public)
		if err != nil {
			return nil, fmt.Errorf("read digest key %s: %w", row.Key, err)
		}
		found = append(found, PublicKey{Region: region, Fingerprint: cairn.Fingerprint(public), DER: v.Public, From: v.From, Until: v.Until})
	}
	return found, nil
}

// Signer returns the key to sign a digest of a region with that ends at a time.
// If none is valid then, one is made.
func (k *Keys) Signer(region string, at time.Time) (*rsa.PrivateKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rows, err := k.rows(region)
	if err != nil {
		return nil, err
	}
	var current *catalog.Row[keyRow]
	for i := range rows {
		if v := rows[i].Value; len(v.Sealed) > 0 && !v.From.After(at) && v.Until.After(at) {
			current = &rows[i]
		}
	}
	if current == nil || current.Value.Until.Sub(at) <= keyOverlap && current == &rows[len(rows)-1] {
		if err := k.retire(rows, at); err != nil {
			return nil, err
		}
		return k.make(region, at)
	}
	return k.private(current)
}

// make makes the key of a region that is valid from a time on. Its validity
// begins a little earlier, because clocks differ.
func (k *Keys) make(region string, at time.Time) (*rsa.PrivateKey, error) {
	private, err := k.generate()
	if err != nil {
		return nil, fmt.Errorf("make a digest key of %s: %w", region, err)
	}
	from := at.Add(-time.Hour).UTC().Truncate(time.Second)
	name := catalog.Key(region, from.Format(time.RFC3339), cairn.Fingerprint(&private.PublicKey))
	sealed, err := k.keyring.Seal(keyPurpose, name, x509.MarshalPKCS1PrivateKey(private))
	if err != nil {
		return nil, fmt.Errorf("seal a digest key of %s: %w", region, err)
	}
	row := keyRow{Public: cairn.PublicKeyDER(&private.PublicKey), Sealed: sealed, From: from, Until: from.Add(keyLifetime)}
	// The row is durable before anything is signed with the key.
	if _, err := k.table.CompareAndSet(name, 0, row); err != nil {
		return nil, err
	}
	k.open[name] = private
	return private, nil
}

// retire destroys the private halves of keys that ended long before a time.
func (k *Keys) retire(rows []catalog.Row[keyRow], at time.Time) error {
	for _, row := range rows {
		if len(row.Value.Sealed) == 0 || at.Sub(row.Value.Until) < keyRetained {
			continue
		}
		row.Value.Sealed = nil
		if _, err := k.table.CompareAndSet(row.Key, row.Revision, row.Value); err != nil {
			return err
		}
		delete(k.open, row.Key)
	}
	return nil
}

func (k *Keys) private(row *catalog.Row[keyRow]) (*rsa.PrivateKey, error) {
	if key := k.open[row.Key]; key != nil {
		return key, nil
	}
	der, err := k.keyring.Open(keyPurpose, row.Key, row.Value.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open digest key %s: %w", row.Key, err)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("read digest key %s: %w", row.Key, err)
	}
	k.open[row.Key] = key
	return key, nil
}

// rows returns the keys of a region by the time that they began.
func (k *Keys) rows(region string) ([]catalog.Row[keyRow], error) {
	var rows []catalog.Row[keyRow]
	for row, err := range k.table.Scan(catalog.KeyPrefix(region)) {
		if err != nil {
			return nil, fmt.Errorf("read digest keys of %s: %w", region, err)
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b catalog.Row[keyRow]) int { return cmp.Compare(a.Value.From.Unix(), b.Value.From.Unix()) })
	return rows, nil
}

// Reseal seals the private halves under the keyring's newest data key, and
// returns how many were under an older one.
func (k *Keys) Reseal() (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for row, err := range k.table.Scan("") {
		if err != nil {
			return n, fmt.Errorf("reseal digest keys: %w", err)
		}
		if len(row.Value.Sealed) == 0 {
			continue
		}
		sealed, changed, err := k.keyring.Reseal(keyPurpose, row.Key, row.Value.Sealed)
		if err == nil && changed {
			row.Value.Sealed = sealed
			n++
			_, err = k.table.CompareAndSet(row.Key, row.Revision, row.Value)
		}
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return n, fmt.Errorf("reseal digest keys: %w", err)
		}
	}
	return n, nil
}

// EachSealed calls fn with each private half that has not been destroyed, sealed.
func (k *Keys) EachSealed(fn func(sealed []byte)) error {
	for row, err := range k.table.Scan("") {
		if err != nil {
			return fmt.Errorf("read digest keys: %w", err)
		}
		if len(row.Value.Sealed) > 0 {
			fn(row.Value.Sealed)
		}
	}
	return nil
}
