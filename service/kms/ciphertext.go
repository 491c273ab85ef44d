package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The form of what symmetric keys encrypt; docs/format/kms.md draws it.
const (
	blobMagic    = "ckms"
	blobVersion  = 1
	blobHead     = 4 + 1 + 8 + 16 + 4 // magic, version, account, key ID, material version
	blobSalt     = 32
	blobTag      = 16
	blobOverhead = blobHead + blobSalt + blobTag

	blobInfo = "cairn/kms/ciphertext/v1"
)

// A blobHeader says which key and material a ciphertext is of. It is not secret,
// and proves nothing before the ciphertext was opened.
type blobHeader struct {
	account string
	keyID   string
	version uint32
}

// parseBlob reads the header of a ciphertext.
func parseBlob(b []byte) (blobHeader, bool) {
	if len(b) < blobOverhead || string(b[:4]) != blobMagic || b[4] != blobVersion {
		return blobHeader{}, false
	}
	id := hex.EncodeToString(b[13:29])
	account := binary.BigEndian.Uint64(b[5:])
	if account > 999_999_999_999 {
		return blobHeader{}, false
	}
	text := strconv.FormatUint(account, 10)
	return blobHeader{
		account: strings.Repeat("0", 12-len(text)) + text,
		keyID:   id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:],
		version: binary.BigEndian.Uint32(b[29:]),
	}, true
}

// append appends the header's bytes, or returns nil if the key has no account or
// ID of the usual form.
func (h blobHeader) append(b []byte) []byte {
	account, err := strconv.ParseUint(h.account, 10, 64)
	id, hexErr := hex.DecodeString(strings.ReplaceAll(h.keyID, "-", ""))
	if err != nil || hexErr != nil || len(id) != 16 {
		return nil
	}
	b = append(append(b, blobMagic...), blobVersion)
	b = append(binary.BigEndian.AppendUint64(b, account), id...)
	return binary.BigEndian.AppendUint32(b, h.version)
}

// sealBlob encrypts with a material. Each ciphertext has a key of its own, derived
// from the material with a random salt, so that a material can encrypt without
// bound; AES-GCM with random nonces alone could 2^32 times.
func sealBlob(secret []byte, h blobHeader, arn string, context map[string]string, plaintext []byte) ([]byte, bool) {
	head := h.append(make([]byte, 0, blobOverhead+len(plaintext)))
	if head == nil {
		return nil, false
	}
	return sealBlobWith(secret, head, random(blobSalt), arn, context, plaintext), true
}

func sealBlobWith(secret, head, salt []byte, arn string, context map[string]string, plaintext []byte) []byte {
	aead, nonce := blobCipher(secret, salt)
	aad := blobAAD(head, arn, context)
	return aead.Seal(append(head, salt...), nonce, plaintext, aad)
}

// openBlob decrypts what sealBlob has made of the same ARN and context.
func openBlob(secret, blob []byte, arn string, context map[string]string) ([]byte, bool) {
	head, salt := blob[:blobHead], blob[blobHead:blobHead+blobSalt]
	aead, nonce := blobCipher(secret, salt)
	plaintext, err := aead.Open(nil, nonce, blob[blobHead+blobSalt:], blobAAD(head, arn, context))
	return plaintext, err == nil
}

func blobCipher(secret, salt []byte) (cipher.AEAD, []byte) {
	derived, err := hkdf.Key(sha256.New, secret, salt, blobInfo, 32+12)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		panic(err) // only for other lengths than 16, 24 and 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for other ciphers than AES
	}
	return aead, derived[32:]
}

// blobAAD is what a ciphertext is bound to: its header, the key's ARN, and the
// encryption context in the order of its keys. Each text has its length before it,
// so that no two contexts look the same.
func blobAAD(head []byte, arn string, context map[string]string) []byte {
	aad := appendSized(slices.Clone(head), arn)
	aad = binary.AppendUvarint(aad, uint64(len(context)))
	for _, member := range slices.Sorted(maps.Keys(context)) {
		aad = appendSized(appendSized(aad, member), context[member])
	}
	return aad
}

func appendSized(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
