package catalog

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrSealBroken says that sealed bytes are not what Seal made for this purpose
// and row.
var ErrSealBroken = errors.New("the seal is broken: the bytes were changed, or sealed for another purpose or row")

// A WrongKeyError says that the master key is not one that the catalog's keys
// are wrapped with.
type WrongKeyError struct {
	Source string   // where the key came from: a file, mostly
	Have   string   // the key's id
	Want   []string // ids that would do
}

func (e *WrongKeyError) Error() string {
	return fmt.Sprintf("the master key (%s) is the wrong one for this catalog: it has id %s, and the catalog needs %v", e.Source, e.Have, e.Want)
}

const (
	keyringTable = "keyring"
	keyringRow   = "data-keys"

	sealVersion = 1
	sealHeader  = 5 // version and data key id
)

// Keyring seals secrets with AES-256-GCM. It is safe for concurrent use.
type Keyring struct {
	catalog *Catalog

	mu     sync.Mutex
	master *masterKey
	keys   map[uint32][]byte // by data key id
	newest uint32            // 0 when there is no key, in a catalog opened for reading
	aeads  map[aeadOf]cipher.AEAD
}

type aeadOf struct {
	key     uint32
	purpose string
}

// dataKeys is the one row of the keyring's table: the data keys, once for each
// master key that opens them. The last of Wraps is the newest.
type dataKeys struct {
	Created []dataKey `json:"created"`
	Wraps   []wrap    `json:"wraps"`
}

type dataKey struct {
	ID      uint32    `json:"id"`
	Created time.Time `json:"created"`
}

type wrap struct {
	MasterKeyID string            `json:"masterKeyId"`
	Keys        map[uint32][]byte `json:"keys"` // by data key id
}

// Seal encrypts a secret for a purpose, such as "signing-key", and a row, such
// as the key of the row that will hold it. Open needs the same two.
func (k *Keyring) Seal(purpose, row string, plaintext []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newest == 0 {
		return nil, fmt.Errorf("seal for %s: %w", purpose, ErrReadOnly)
	}
	sealed := make([]byte, sealHeader, sealHeader+len(plaintext)+28)
	sealed[0] = sealVersion
	binary.BigEndian.PutUint32(sealed[1:], k.newest)
	aead := k.aead(aeadOf{k.newest, purpose})
	return aead.Seal(sealed, nil, plaintext, sealedFor(sealed[:sealHeader], purpose, row)), nil
}

// Open decrypts what Seal has made for the same purpose and row. The error
// wraps ErrSealBroken when the bytes are not that.
func (k *Keyring) Open(purpose, row string, sealed []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("open what is sealed for %s, row %q: %w", purpose, row, err)
	}
	if k.newest == 0 {
		return fail(ErrReadOnly)
	}
	if len(sealed) < sealHeader || sealed[0] != sealVersion {
		return fail(ErrSealBroken)
	}
	id := binary.BigEndian.Uint32(sealed[1:])
	if k.keys[id] == nil {
		return fail(fmt.Errorf("%w: there is no data key %d", ErrSealBroken, id))
	}
	plaintext, err := k.aead(aeadOf{id, purpose}).Open(nil, nil, sealed[sealHeader:], sealedFor(sealed[:sealHeader], purpose, row))
	if err != nil {
		return fail(ErrSealBroken)
	}
	return plaintext, nil
}

// Reseal returns sealed bytes under the newest data key, and whether they had
// to be changed.
func (k *Keyring) Reseal(purpose, row string, sealed []byte) ([]byte, bool, error) {
	plaintext, err := k.Open(purpose, row, sealed)
	if err != nil {
		return nil, false, err
	}
	k.mu.Lock()
	current := binary.BigEndian.Uint32(sealed[1:]) == k.newest
	k.mu.Unlock()
	if current {
		return sealed, false, nil
	}
	sealed, err = k.Seal(purpose, row, plaintext)
	return sealed, err == nil, err
}

// Rotate changes the master key. First the data keys are wrapped with the new
// one as well: from here on either key opens the catalog. If the old one came
// from a file, the new one is then written there and the old one's wrapping
// dropped. Otherwise that happens at the first Open with the new key, and
// until then the old one is as good.
//
// After an error or a crash the file holds a key that opens the catalog, and
// Rotate can be called again.
func (k *Keyring) Rotate(newKey []byte) error {
	if err := k.rotate(newKey); err != nil {
		return fmt.Errorf("rotate the master key: %w", err)
	}
	return nil
}

func (k *Keyring) rotate(newKey []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newest == 0 {
		return ErrReadOnly
	}
	next, err := newMasterKey(newKey, "the new one", "")
	if err != nil {
		return err
	}
	if next.id == k.master.id {
		return errors.New("the new key is the old one")
	}
	if k.master.file != "" {
		next.file, next.source = k.master.file, k.master.source
	}
	err = k.change(func(row *dataKeys) {
		row.Wraps = slices.DeleteFunc(row.Wraps, func(w wrap) bool { return w.MasterKeyID == next.id })
		row.Wraps = append(row.Wraps, next.wrap(k.keys))
	})
	if err != nil || next.file == "" {
		return err
	}
	// A crash here: the file holds the old key, which still opens the catalog.
	if err := WriteMasterKeyFile(next.file, newKey); err != nil {
		return err
	}
	// A crash here: the file holds the new key, and the next Open drops the
	// old one's wrapping.
	k.master = next
	return k.dropOldWraps()
}

// NewDataKey adds a data key, and seals with it from now on. Older keys stay,
// for what they have sealed; Reseal renews that. The catalog's own signing
// keys are sealed anew here.
func (k *Keyring) NewDataKey() error {
	if err := k.addDataKey(); err != nil {
		return fmt.Errorf("add a data key: %w", err)
	}
	return k.catalog.resealSigningKeys()
}

func (k *Keyring) addDataKey() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newest == 0 {
		return ErrReadOnly
	}
	row, _, err := k.table().Get(keyringRow)
	if err != nil {
		return err
	}
	// Another master key's wrapping could not be given the new data key, and
	// would open a catalog that it cannot read.
	if len(row.Wraps) > 1 {
		return errors.New("a change of the master key is not finished: open the catalog with the new one first")
	}
	id, key := k.newest+1, random(32)
	err = k.change(func(row *dataKeys) {
		row.Created = append(row.Created, dataKey{id, k.catalog.now().UTC()})
		row.Wraps[0].Keys[id] = k.master.seal(id, key)
	})
	if err != nil {
		return err
	}
	k.keys[id], k.newest = key, id
	return nil
}

func createKeyring(c *Catalog, master *masterKey) error {
	key := random(32)
	_, err := TableOf[dataKeys](c, keyringTable).CompareAndSet(keyringRow, 0, dataKeys{
		Created: []dataKey{{ID: 1, Created: time.Now().UTC()}},
		Wraps:   []wrap{master.wrap(map[uint32][]byte{1: key})},
	})
	return err
}

// openKeyring unwraps the data keys.
func openKeyring(c *Catalog, master *masterKey) (*Keyring, error) {
	k := &Keyring{catalog: c, master: master, keys: map[uint32][]byte{}, aeads: map[aeadOf]cipher.AEAD{}}
	row, _, err := k.table().Get(keyringRow)
	if err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	wrong := &WrongKeyError{Source: master.source, Have: master.id}
	for _, w := range row.Wraps {
		if w.MasterKeyID != master.id {
			wrong.Want = append(wrong.Want, w.MasterKeyID)
			continue
		}
		for _, created := range row.Created {
			key, err := master.open(created.ID, w.Keys[created.ID])
			if err != nil {
				return nil, &DamageError{c.path, keyringTable, keyringRow, fmt.Sprintf("data key %d: %v", created.ID, err)}
			}
			k.keys[created.ID], k.newest = key, max(k.newest, created.ID)
		}
	}
	if k.newest == 0 {
		return nil, wrong
	}
	return k, nil
}

// finishRotation drops the wrapping of an old master key once the catalog has
// been opened with the new one.
func (k *Keyring) finishRotation() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	row, _, err := k.table().Get(keyringRow)
	if err != nil || len(row.Wraps) == 1 {
		return err
	}
	if row.Wraps[len(row.Wraps)-1].MasterKeyID != k.master.id {
		k.catalog.logger.Warn("a change of the master key is not finished: the catalog was opened with the old one", "key", k.master.source)
		return nil
	}
	return k.dropOldWraps()
}

func (k *Keyring) dropOldWraps() error {
	return k.change(func(row *dataKeys) {
		row.Wraps = slices.DeleteFunc(row.Wraps, func(w wrap) bool { return w.MasterKeyID != k.master.id })
	})
}

func (k *Keyring) table() Table[dataKeys] { return TableOf[dataKeys](k.catalog, keyringTable) }

// change rewrites the row. The mutex is held, and the catalog has one process:
// a conflict means a bug or another program, and is an error.
func (k *Keyring) change(fn func(*dataKeys)) error {
	row, rev, err := k.table().Get(keyringRow)
	if err != nil {
		return err
	}
	fn(&row)
	_, err = k.table().CompareAndSet(keyringRow, rev, row)
	return err
}

func (k *Keyring) aead(of aeadOf) cipher.AEAD {
	a := k.aeads[of]
	if a == nil {
		a = newAEAD(derive(k.keys[of.key], "cairn/seal/v1/"+of.purpose, 32))
		k.aeads[of] = a
	}
	return a
}

// sealedFor binds sealed bytes to their header and place. The purpose has its
// length before it, so that it cannot run over into the row.
func sealedFor(header []byte, purpose, row string) []byte {
	aad := slices.Clone(header)
	aad = binary.AppendUvarint(aad, uint64(len(purpose)))
	aad = append(aad, purpose...)
	return append(aad, row...)
}

func (m *masterKey) wrap(keys map[uint32][]byte) wrap {
	w := wrap{MasterKeyID: m.id, Keys: map[uint32][]byte{}}
	for id, key := range keys {
		w.Keys[id] = m.seal(id, key)
	}
	return w
}

func (m *masterKey) seal(id uint32, key []byte) []byte {
	return m.aead().Seal(nil, nil, key, binary.BigEndian.AppendUint32(nil, id))
}

func (m *masterKey) open(id uint32, wrapped []byte) ([]byte, error) {
	return m.aead().Open(nil, nil, wrapped, binary.BigEndian.AppendUint32(nil, id))
}

func (m *masterKey) aead() cipher.AEAD {
	return newAEAD(derive(m.secret, "cairn/wrap-data-key/v1", 32))
}

// newAEAD is AES-256-GCM with random nonces of 96 bits, which are good for
// 2^32 sealings per key.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for other lengths than 16, 24 and 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for other ciphers than AES
	}
	return aead
}
