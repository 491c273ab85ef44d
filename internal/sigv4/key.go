package sigv4

import (
	"container/list"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
)

// keys serves all verifications of the process.
var keys = newKeyCache(1024)

// keyCache keeps the signing keys that were used last: deriving one takes four
// HMACs, about as long as all the rest of a verification. A signing key is good
// for one day, region and service. Secrets are not kept, nor are their plain
// hashes: entries are found by a hash with a salt of this process.
type keyCache struct {
	salt  [32]byte
	limit int

	mu     sync.Mutex
	byID   map[keyID]*list.Element // of *keyEntry
	recent *list.List              // the last used first
}

type keyID [sha256.Size]byte

type keyEntry struct {
	id  keyID
	key [sha256.Size]byte
}

func newKeyCache(limit int) *keyCache {
	c := &keyCache{limit: limit, byID: make(map[keyID]*list.Element), recent: list.New()}
	rand.Read(c.salt[:]) // never fails
	return c
}

// get returns the signing key of a secret for a day, region and service.
func (c *keyCache) get(secret, date, region, service string) [sha256.Size]byte {
	id := c.id(secret, date, region, service)
	c.mu.Lock()
	if e, ok := c.byID[id]; ok {
		c.recent.MoveToFront(e)
		key := e.Value.(*keyEntry).key
		c.mu.Unlock()
		return key
	}
	c.mu.Unlock()

	key := deriveKey(secret, date, region, service)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byID[id]; ok {
		return key // another goroutine was faster
	}
	for c.recent.Len() >= c.limit {
		oldest := c.recent.Back()
		delete(c.byID, c.recent.Remove(oldest).(*keyEntry).id)
	}
	c.byID[id] = c.recent.PushFront(&keyEntry{id: id, key: key})
	return key
}

// id hashes the parts with their lengths, so that no two sets of parts make the
// same input.
func (c *keyCache) id(parts ...string) keyID {
	var small [256]byte
	buf := append(small[:0], c.salt[:]...)
	for _, part := range parts {
		buf = binary.AppendUvarint(buf, uint64(len(part)))
		buf = append(buf, part...)
	}
	return sha256.Sum256(buf)
}

func deriveKey(secret, date, region, service string) (key [sha256.Size]byte) {
	k := mac([]byte("AWS4"+secret), date)
	for _, part := range []string{region, service, terminator} {
		k = mac(k, part)
	}
	copy(key[:], k)
	return key
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// signatureOf returns the signature of a string to sign, in lower-case hex.
func signatureOf(key [sha256.Size]byte, stringToSign []byte) (signature [2 * sha256.Size]byte) {
	h := hmac.New(sha256.New, key[:])
	h.Write(stringToSign)
	var sum [sha256.Size]byte
	hex.Encode(signature[:], h.Sum(sum[:0]))
	return signature
}
