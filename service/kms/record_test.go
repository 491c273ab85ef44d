package kms_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// What there is none of here is refused in plain words.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root)
	for code, inputs := range map[string][]sdk.CreateKeyInput{
		"UnsupportedOperationException": {{MultiRegion: p(true)}, {Origin: "EXTERNAL"}, {KeySpec: "SM2", KeyUsage: usageSign}, {CustomKeyStoreId: p("cks-1")}},
		"ValidationException": {
			{KeySpec: "RSA_2048"}, {KeySpec: "HMAC_256", KeyUsage: usageSign}, {KeySpec: specECC, KeyUsage: "KEY_AGREEMENT"},
			{KeySpec: "RSA_2048", CustomerMasterKeySpec: "RSA_4096", KeyUsage: usageSign}, {Description: p(strings.Repeat("x", 8193))},
		},
	} {
		for _, in := range inputs {
			_, err := root.CreateKey(ctx, &in)
			wantCode(t, fmt.Sprintf("%+v", in), err, code)
		}
	}
	_, err := root.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: k.KeyId, GranteePrincipal: p(userARN(accountA, "kit")), Operations: []types.GrantOperation{"Decrypt"}})
	wantCode(t, "a grant", err, "UnsupportedOperationException")
	_, err = root.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: []byte("x"), Recipient: &types.RecipientInfo{AttestationDocument: []byte("x")}})
	wantCode(t, "an enclave", err, "UnsupportedOperationException")
}

// Nothing that is secret gets into a record, and what CloudTrail shows is there.
func TestRecords(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	const marker = "PLANTED-secret"
	k := createKey(t, root)
	if got := f.lastRecord(); !strings.Contains(got, `"keySpec":"SYMMETRIC_DEFAULT"`) || !strings.Contains(got, `"bypassPolicyLockoutSafetyCheck":false`) ||
		!strings.Contains(got, `"resources":[{"accountId":"`+accountA+`","type":"AWS::KMS::Key","ARN":"`+*k.Arn+`"}]`) {
		t.Errorf("the record of CreateKey is %s", got)
	}
	mac := createKey(t, root, ofSpec("HMAC_256", types.KeyUsageTypeGenerateVerifyMac))
	sign := createKey(t, root, ofSpec(specECC, usageSign))
	with := map[string]string{"Trail": "shown"}
	_, err := root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/a"), TargetKeyId: k.KeyId})
	must(t, err)
	blob := encrypt(t, root, "alias/a", with, marker)
	if got := f.lastRecord(); !strings.Contains(got, `"encryptionContext":{"Trail":"shown"}`) || !strings.Contains(got, `"ARN":"`+*k.Arn+`"`) || !strings.Contains(got, `"type":"AWS::KMS::Key"`) {
		t.Errorf("the record of Encrypt is %s", got)
	}
	_, err = decrypt(t, root, blob, with)
	must(t, err)
	if got := f.lastRecord(); !strings.Contains(got, `"encryptionAlgorithm":"SYMMETRIC_DEFAULT"`) || !strings.Contains(got, `"encryptionContext":{"Trail":"shown"}`) || !strings.Contains(got, *k.Arn) || !strings.Contains(got, `"responseElements":null`) {
		t.Errorf("the record of Decrypt is %s", got)
	}
	data, err := root.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: "AES_256", EncryptionContext: with})
	must(t, err)
	if got := f.lastRecord(); !strings.Contains(got, `"keySpec":"AES_256"`) || !strings.Contains(got, `"responseElements":null`) {
		t.Errorf("the record of GenerateDataKey is %s", got)
	}
	for range 2 {
		_, err = root.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: mac.KeyId, MacAlgorithm: "HMAC_SHA_256", Message: []byte(marker)})
		must(t, err)
		_, err = root.Sign(ctx, &sdk.SignInput{KeyId: sign.KeyId, SigningAlgorithm: "ECDSA_SHA_256", Message: []byte(marker)})
		must(t, err)
	}
	// Failures repeat nothing, either.
	_, err = root.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte(strings.Repeat(marker, 400))})
	wantCode(t, "too much", err, "ValidationException")
	_, err = decrypt(t, root, append([]byte(marker), blob...), with)
	wantCode(t, "no ciphertext", err, "InvalidCiphertextException")

	secrets := []string{marker, base64Text([]byte(marker))[:16], base64Text(data.Plaintext)[:20], base64Text(blob)[:60], fmt.Sprint([]byte(marker))[1:20], "UExBTlRFRC1z"}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.records {
		if !json.Valid([]byte(r)) {
			t.Errorf("the record is not JSON: %s", r)
		}
		for _, secret := range secrets {
			if strings.Contains(r, secret) {
				t.Errorf("%s stands in %s", secret, r)
			}
		}
	}
}

// A rotation of the keyring's data key takes the materials along.
func TestReseal(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root := f.root(accountA)
	k := createKey(t, root)
	blob := encrypt(t, root, *k.KeyId, nil, "x")
	must(t, f.catalog.Keyring().NewDataKey())
	for _, want := range []int{1, 0} {
		if n, err := f.service.Reseal(); err != nil || n != want {
			t.Errorf("sealed %d materials anew, want %d, %v", n, want, err)
		}
	}
	if got, err := decrypt(t, root, blob, nil); err != nil || got != "x" {
		t.Errorf("decrypted %q, %v", got, err)
	}
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
