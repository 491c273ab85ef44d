package identity

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"
)

// base32Text is the alphabet of unique IDs and access keys.
var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// newID returns a unique ID or access key ID of a length, 20 or 21, prefix
// included. As in AWS's, the account stands in it: of the 80 bits behind the
// prefix the first is set, 40 are the account's number, and the rest is random.
func newID(prefix, account string, length int) string {
	number, err := strconv.ParseUint(account, 10, 40)
	if err != nil {
		panic("identity: " + account + " is no account ID")
	}
	var b [15]byte
	rand.Read(b[:])
	head := uint64(1)<<47 | number<<7 | uint64(b[5]&0x7f)
	var word [8]byte
	binary.BigEndian.PutUint64(word[:], head<<16)
	copy(b[:6], word[:6])
	return (prefix + base32Text.EncodeToString(b[:]))[:length]
}

// AccountOfKey returns the account that stands in an access key ID made here or
// by AWS since 2019, and whether one does.
func AccountOfKey(accessKeyID string) (string, bool) {
	if len(accessKeyID) != 20 || !isLongTerm(accessKeyID) && !isTemporary(accessKeyID) {
		return "", false
	}
	b, err := base32Text.DecodeString(accessKeyID[4:])
	if err != nil || b[0]&0x80 == 0 {
		return "", false
	}
	var word [8]byte
	copy(word[2:], b[:6])
	digits := strconv.FormatUint(binary.BigEndian.Uint64(word[:])&(1<<47-1)>>7, 10)
	if len(digits) > 12 {
		return "", false
	}
	return strings.Repeat("0", 12-len(digits)) + digits, true
}

func isLongTerm(accessKeyID string) bool  { return strings.HasPrefix(accessKeyID, "AKIA") }
func isTemporary(accessKeyID string) bool { return strings.HasPrefix(accessKeyID, "ASIA") }

// newSecret returns 40 letters and digits: 238 random bits.
func newSecret() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	secret := make([]byte, 0, 40)
	for len(secret) < cap(secret) {
		var b [1]byte
		rand.Read(b[:])
		if n := int(b[0] & 63); n < len(alphabet) {
			secret = append(secret, alphabet[n])
		}
	}
	return string(secret)
}
