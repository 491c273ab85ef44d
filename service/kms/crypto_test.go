package kms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestDataKeys(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root)
	with := map[string]string{"aws:cloudtrail:arn": "t"}
	for _, in := range []sdk.GenerateDataKeyInput{{KeySpec: "AES_256"}, {KeySpec: "AES_128"}, {NumberOfBytes: p(int32(1024))}} {
		in.KeyId, in.EncryptionContext = k.KeyId, with
		out, err := root.GenerateDataKey(ctx, &in)
		must(t, err)
		want := map[types.DataKeySpec]int{"AES_256": 32, "AES_128": 16, "": 1024}[in.KeySpec]
		got, err := decrypt(t, root, out.CiphertextBlob, with)
		if err != nil || len(out.Plaintext) != want || got != string(out.Plaintext) || *out.KeyId != *k.Arn {
			t.Errorf("%s: %d bytes, %v", in.KeySpec, len(out.Plaintext), err)
		}
	}
	without, err := root.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: k.KeyId, KeySpec: "AES_256"})
	must(t, err)
	if got, err := decrypt(t, root, without.CiphertextBlob, nil); err != nil || len(got) != 32 || got == strings.Repeat("\x00", 32) {
		t.Errorf("a data key without plaintext has %d bytes, %v", len(got), err)
	}
	for what, in := range map[string]sdk.GenerateDataKeyInput{"neither": {}, "both": {KeySpec: "AES_256", NumberOfBytes: p(int32(32))}} {
		in.KeyId = k.KeyId
		_, err := root.GenerateDataKey(ctx, &in)
		wantCode(t, what+" of spec and size", err, "ValidationException")
	}
	_, err = root.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: "AES_256", DryRun: p(true)})
	wantCode(t, "a dry run", err, "DryRunOperationException")
	_, err = root.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: "AES_256", GrantTokens: []string{"token"}})
	wantCode(t, "a grant token", err, "InvalidGrantTokenException")

	pair, err := root.GenerateDataKeyPair(ctx, &sdk.GenerateDataKeyPairInput{KeyId: k.KeyId, KeyPairSpec: "ECC_NIST_P384"})
	must(t, err)
	private, err := x509.ParsePKCS8PrivateKey(pair.PrivateKeyPlaintext)
	must(t, err)
	public, err := x509.ParsePKIXPublicKey(pair.PublicKey)
	must(t, err)
	if !private.(*ecdsa.PrivateKey).PublicKey.Equal(public) {
		t.Error("the halves do not belong together")
	}
	if got, err := decrypt(t, root, pair.PrivateKeyCiphertextBlob, nil); err != nil || got != string(pair.PrivateKeyPlaintext) {
		t.Errorf("the encrypted private half: %v", err)
	}
	half, err := root.GenerateDataKeyPairWithoutPlaintext(ctx, &sdk.GenerateDataKeyPairWithoutPlaintextInput{KeyId: k.KeyId, KeyPairSpec: "ECC_NIST_P256"})
	must(t, err)
	if got, err := decrypt(t, root, half.PrivateKeyCiphertextBlob, nil); err != nil {
		t.Errorf("the encrypted private half: %v", err)
	} else if _, err := x509.ParsePKCS8PrivateKey([]byte(got)); err != nil {
		t.Error(err)
	}
	one, err := root.GenerateRandom(ctx, &sdk.GenerateRandomInput{NumberOfBytes: p(int32(32))})
	must(t, err)
	two, err := root.GenerateRandom(ctx, &sdk.GenerateRandomInput{NumberOfBytes: p(int32(32))})
	must(t, err)
	if len(one.Plaintext) != 32 || string(one.Plaintext) == string(two.Plaintext) {
		t.Error("random bytes are not")
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root)
	blob := encrypt(t, root, *k.KeyId, map[string]string{"a": "1", "b": "2"}, "x")
	for _, with := range []map[string]string{nil, {"a": "1"}, {"a": "1", "b": "3"}, {"A": "1", "b": "2"}, {"a": "1", "b": "2", "c": ""}} {
		_, err := decrypt(t, root, blob, with)
		wantCode(t, fmt.Sprint(with), err, "InvalidCiphertextException")
	}
	for what, with := range map[string]map[string]string{
		"keys that differ in case": {"a": "1", "A": "2"}, "an empty key": {"": "x"}, "too much": {"a": strings.Repeat("x", 8192)},
	} {
		_, err := root.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("x"), EncryptionContext: with})
		wantCode(t, what, err, "ValidationException")
	}
	encrypt(t, root, *k.KeyId, nil, strings.Repeat("x", 4096))
	for _, size := range []int{0, 4097} {
		_, err := root.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte(strings.Repeat("x", size))})
		wantCode(t, fmt.Sprint(size, " bytes"), err, "ValidationException")
	}

	to := createKey(t, root)
	out, err := root.ReEncrypt(ctx, &sdk.ReEncryptInput{
		CiphertextBlob: blob, SourceEncryptionContext: map[string]string{"a": "1", "b": "2"}, DestinationKeyId: to.KeyId,
		DestinationEncryptionContext: map[string]string{"c": "3"},
	})
	must(t, err)
	if got, err := decrypt(t, root, out.CiphertextBlob, map[string]string{"c": "3"}); err != nil || got != "x" || *out.KeyId != *to.Arn || *out.SourceKeyId != *k.Arn {
		t.Errorf("encrypted again: %q, %v", got, err)
	}
	_, err = root.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: blob, DestinationKeyId: to.KeyId})
	wantCode(t, "encrypt again with a wrong context", err, "InvalidCiphertextException")
}

func TestAsymmetric(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	rsaSign := createKey(t, root, ofSpec("RSA_2048", usageSign))
	rsaEncrypt := createKey(t, root, ofSpec("RSA_2048", types.KeyUsageTypeEncryptDecrypt))
	digest := sha256.Sum256([]byte("message"))
	for _, k := range []*types.KeyMetadata{
		rsaSign, createKey(t, root, ofSpec("ECC_NIST_P256", usageSign)), createKey(t, root, ofSpec("ECC_NIST_P384", usageSign)), createKey(t, root, ofSpec("ECC_NIST_P521", usageSign)),
	} {
		if len(k.SigningAlgorithms) == 0 || len(k.EncryptionAlgorithms) != 0 || k.CurrentKeyMaterialId != nil {
			t.Errorf("the key is %+v", k)
		}
		for _, algorithm := range k.SigningAlgorithms {
			out, err := root.Sign(ctx, &sdk.SignInput{KeyId: k.KeyId, Message: []byte("message"), SigningAlgorithm: algorithm})
			must(t, err)
			verify := &sdk.VerifyInput{KeyId: k.KeyId, Message: []byte("message"), SigningAlgorithm: algorithm, Signature: out.Signature}
			verified, err := root.Verify(ctx, verify)
			if err != nil || !verified.SignatureValid {
				t.Errorf("%s: %v", algorithm, err)
			}
			verify.Message = []byte("messagf")
			_, err = root.Verify(ctx, verify)
			wantCode(t, "another message", err, "KMSInvalidSignatureException")
			verify.Message, verify.Signature[len(verify.Signature)-1] = []byte("message"), verify.Signature[len(verify.Signature)-1]^1
			_, err = root.Verify(ctx, verify)
			wantCode(t, "another signature", err, "KMSInvalidSignatureException")
		}
		_, err := root.Sign(ctx, &sdk.SignInput{KeyId: k.KeyId, Message: []byte("m"), SigningAlgorithm: "SM2DSA"})
		wantCode(t, "an algorithm of another spec", err, "ValidationException")
	}
	// The public half verifies elsewhere.
	public, err := root.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: rsaSign.KeyId})
	must(t, err)
	parsed, err := x509.ParsePKIXPublicKey(public.PublicKey)
	must(t, err)
	signed, err := root.Sign(ctx, &sdk.SignInput{KeyId: rsaSign.KeyId, Message: digest[:], MessageType: "DIGEST", SigningAlgorithm: "RSASSA_PKCS1_V1_5_SHA_256"})
	must(t, err)
	must(t, rsa.VerifyPKCS1v15(parsed.(*rsa.PublicKey), crypto.SHA256, digest[:], signed.Signature))
	_, err = root.Sign(ctx, &sdk.SignInput{KeyId: rsaSign.KeyId, Message: digest[:31], MessageType: "DIGEST", SigningAlgorithm: "RSASSA_PKCS1_V1_5_SHA_256"})
	wantCode(t, "a digest that is too short", err, "ValidationException")

	for _, algorithm := range rsaEncrypt.EncryptionAlgorithms {
		out, err := root.Encrypt(ctx, &sdk.EncryptInput{KeyId: rsaEncrypt.KeyId, Plaintext: []byte("x"), EncryptionAlgorithm: algorithm})
		must(t, err)
		plain, err := root.Decrypt(ctx, &sdk.DecryptInput{KeyId: rsaEncrypt.KeyId, CiphertextBlob: out.CiphertextBlob, EncryptionAlgorithm: algorithm})
		if err != nil || string(plain.Plaintext) != "x" {
			t.Errorf("%s: %v", algorithm, err)
		}
		out.CiphertextBlob[3] ^= 1
		_, err = root.Decrypt(ctx, &sdk.DecryptInput{KeyId: rsaEncrypt.KeyId, CiphertextBlob: out.CiphertextBlob, EncryptionAlgorithm: algorithm})
		wantCode(t, "a changed ciphertext", err, "InvalidCiphertextException")
	}
	_, err = root.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: rsaEncrypt.KeyId, KeySpec: "AES_256"})
	wantCode(t, "a data key of an RSA key", err, "InvalidKeyUsageException")
	_, err = root.Encrypt(ctx, &sdk.EncryptInput{KeyId: rsaEncrypt.KeyId, Plaintext: []byte("x")})
	wantCode(t, "the algorithm of symmetric keys", err, "ValidationException")
	_, err = root.Encrypt(ctx, &sdk.EncryptInput{KeyId: rsaSign.KeyId, Plaintext: []byte("x"), EncryptionAlgorithm: "RSAES_OAEP_SHA_256"})
	wantCode(t, "encrypt with a signing key", err, "InvalidKeyUsageException")
	_, err = root.Encrypt(ctx, &sdk.EncryptInput{KeyId: rsaEncrypt.KeyId, Plaintext: make([]byte, 191), EncryptionAlgorithm: "RSAES_OAEP_SHA_256"})
	wantCode(t, "more than RSA takes", err, "ValidationException")
	_, err = root.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: createKey(t, root).KeyId})
	wantCode(t, "the public half of a symmetric key", err, "UnsupportedOperationException")
}

func TestMac(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	for _, size := range []string{"224", "256", "384", "512"} {
		k := createKey(t, root, ofSpec(types.KeySpec("HMAC_"+size), types.KeyUsageTypeGenerateVerifyMac))
		algorithm := types.MacAlgorithmSpec("HMAC_SHA_" + size)
		out, err := root.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: k.KeyId, Message: []byte("m"), MacAlgorithm: algorithm})
		must(t, err)
		verify := &sdk.VerifyMacInput{KeyId: k.KeyId, Message: []byte("m"), MacAlgorithm: algorithm, Mac: out.Mac}
		verified, err := root.VerifyMac(ctx, verify)
		if err != nil || !verified.MacValid || fmt.Sprint(len(out.Mac)*8) != size {
			t.Errorf("%s: %d bytes, %v", algorithm, len(out.Mac), err)
		}
		for i := range out.Mac {
			verify.Mac = slices.Clone(out.Mac)
			verify.Mac[i] ^= 1
			_, err := root.VerifyMac(ctx, verify)
			wantCode(t, "a changed MAC", err, "KMSInvalidMacException")
		}
	}
}
