package kms_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	. "cairn/service/kms"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
)

const (
	goldenARN = "arn:aws:kms:us-east-1:000123456789:key/00112233-4455-6677-8899-aabbccddeeff"
	goldenID  = "00112233-4455-6677-8899-aabbccddeeff"
)

var goldenContext = map[string]string{"b": "2", "a": "1", "aws:cloudtrail:arn": "arn:aws:cloudtrail:us-east-1:000123456789:trail/t"}

// counting returns n bytes that count up.
func counting(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// The bytes of docs/format/kms.md do not change: ciphertexts are kept for years.
func TestGoldenCiphertext(t *testing.T) {
	t.Parallel()
	secret := counting(0, 32)
	blob := Blob(secret, counting(0x80, 32), "000123456789", goldenID, 3, goldenARN, goldenContext, []byte("a stone on the trail"))
	const file = "testdata/ciphertext-v1.hex"
	want, err := os.ReadFile(file)
	must(t, err)
	if got := hex.EncodeToString(blob); got != strings.Join(strings.Fields(string(want)), "") {
		t.Errorf("the ciphertext is\n%s, want\n%s", got, want)
	}
	account, keyID, version, ok := ParseBlob(blob)
	if !ok || account != "000123456789" || keyID != goldenID || version != 3 {
		t.Errorf("the header says %s %s %d, %v", account, keyID, version, ok)
	}
	plaintext, ok := OpenBlob(secret, blob, goldenARN, goldenContext)
	if !ok || string(plaintext) != "a stone on the trail" {
		t.Errorf("decrypted %q, %v", plaintext, ok)
	}
}

// A ciphertext belongs to its ARN and its context, entry by entry.
func TestCiphertextIsBound(t *testing.T) {
	t.Parallel()
	secret, salt := counting(0, 32), counting(1, 32)
	contexts := []map[string]string{
		nil, {"a": ""}, {"": "a"}, {"a": "b"}, {"ab": ""}, {"a": "b", "c": "d"}, {"a": "bc", "": "d"}, {"a": "b\x01c\x01d"}, {"A": "b"}, {"a": "B"},
	}
	for i, with := range contexts {
		blob := Blob(secret, salt, "000123456789", goldenID, 1, goldenARN, with, []byte("x"))
		for j, other := range contexts {
			if _, ok := OpenBlob(secret, blob, goldenARN, other); ok != (i == j) {
				t.Errorf("encrypted with %v, decrypted with %v: %v", with, other, ok)
			}
		}
		if _, ok := OpenBlob(secret, blob, strings.Replace(goldenARN, "us-east-1", "eu-west-1", 1), with); ok {
			t.Error("decrypted under another region's ARN")
		}
		if _, ok := OpenBlob(counting(1, 32), blob, goldenARN, with); ok {
			t.Error("decrypted with another material")
		}
	}
}

// Every byte counts, wherever it stands.
func TestTamperedCiphertext(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root := f.root(accountA)
	k := createKey(t, root)
	_, err := root.RotateKeyOnDemand(t.Context(), &sdk.RotateKeyOnDemandInput{KeyId: k.KeyId})
	must(t, err)
	with := map[string]string{"trail": "t"}
	blob := encrypt(t, root, *k.KeyId, with, "marker")
	if got, err := decrypt(t, root, blob, with); err != nil || got != "marker" {
		t.Fatalf("decrypted %q, %v", got, err)
	}
	try := func(what string, changed []byte) {
		if bytes.Equal(changed, blob) {
			t.Fatalf("%s: nothing was changed", what)
		}
		for _, keyID := range []*string{nil, k.KeyId} {
			out, err := root.Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: changed, EncryptionContext: with, KeyId: keyID})
			if err == nil {
				t.Errorf("%s: decrypted to %q", what, out.Plaintext)
				continue
			}
			if !strings.Contains(err.Error(), "InvalidCiphertextException") && !strings.Contains(err.Error(), "AccessDeniedException") &&
				!strings.Contains(err.Error(), "IncorrectKeyException") && !strings.Contains(err.Error(), "ValidationException") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	for i := range blob {
		for _, bit := range []byte{0x01, 0x80} {
			changed := bytes.Clone(blob)
			changed[i] ^= bit
			try("byte "+hex.EncodeToString([]byte{byte(i)}), changed)
		}
	}
	for n := range blob {
		try("cut", blob[:n])
	}
	try("longer", append(bytes.Clone(blob), 0))
}

func FuzzParseBlob(f *testing.F) {
	f.Add(Blob(counting(0, 32), counting(1, 32), "000123456789", goldenID, 1, goldenARN, nil, nil))
	f.Add([]byte("ckms"))
	f.Fuzz(func(t *testing.T, b []byte) {
		account, keyID, version, ok := ParseBlob(b)
		if !ok {
			return
		}
		if len(account) != 12 || len(keyID) != 36 {
			t.Errorf("account %q, key %q", account, keyID)
		}
		again := Blob(counting(0, 32), counting(1, 32), account, keyID, version, "", nil, nil)
		if !bytes.Equal(again[:33], b[:33]) {
			t.Errorf("the header %x is read as that of %x", b[:33], again[:33])
		}
		if _, ok := OpenBlob(counting(0, 32), b, goldenARN, nil); ok && !bytes.Contains(b, counting(1, 32)) {
			t.Error("made-up bytes were decrypted")
		}
	})
}
