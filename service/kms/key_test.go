package kms_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn/catalog"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const oneDay = 24 * time.Hour

func TestKeyLife(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root, func(in *sdk.CreateKeyInput) { in.Description = p("first") })
	if k.KeyState != types.KeyStateEnabled || !k.Enabled || k.KeySpec != types.KeySpecSymmetricDefault || *k.Arn != "arn:aws:kms:us-east-1:"+accountA+":key/"+*k.KeyId ||
		k.Origin != types.OriginTypeAwsKms || k.KeyManager != types.KeyManagerTypeCustomer || *k.MultiRegion || len(*k.CurrentKeyMaterialId) != 64 {
		t.Errorf("the key is %+v", k)
	}
	blob := encrypt(t, root, *k.KeyId, nil, "x")
	_, err := root.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: k.KeyId, Description: p("")})
	must(t, err)
	_, err = root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/a"), TargetKeyId: k.KeyId})
	must(t, err)

	_, err = root.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: k.KeyId})
	must(t, err)
	_, err = decrypt(t, root, blob, nil)
	wantCode(t, "decrypt with a disabled key", err, "DisabledException")
	_, err = root.Encrypt(ctx, &sdk.EncryptInput{KeyId: p("alias/a"), Plaintext: []byte("x")})
	wantCode(t, "encrypt with a disabled key", err, "DisabledException")
	_, err = root.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: k.Arn})
	must(t, err)
	if got, err := decrypt(t, root, blob, nil); err != nil || got != "x" {
		t.Errorf("after it was enabled again: %q, %v", got, err)
	}

	for _, days := range []int32{6, 31} {
		_, err = root.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: &days})
		wantCode(t, "a window that is not allowed", err, "ValidationException")
	}
	out, err := root.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: p(int32(7))})
	must(t, err)
	if left := time.Until(*out.DeletionDate); left < 7*oneDay-time.Minute || left > 7*oneDay || out.KeyState != types.KeyStatePendingDeletion || *out.KeyId != *k.Arn {
		t.Errorf("deletion is %+v", out)
	}
	_, err = decrypt(t, root, blob, nil)
	wantCode(t, "decrypt with a key pending deletion", err, "KMSInvalidStateException")
	_, err = root.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: k.KeyId})
	wantCode(t, "enable a key pending deletion", err, "KMSInvalidStateException")
	_, err = root.TagResource(ctx, &sdk.TagResourceInput{KeyId: k.KeyId, Tags: []types.Tag{{TagKey: p("a"), TagValue: p("b")}}})
	wantCode(t, "tag a key pending deletion", err, "KMSInvalidStateException")
	_, err = root.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: k.KeyId})
	must(t, err)
	_, err = root.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: k.KeyId})
	wantCode(t, "cancel what was not scheduled", err, "KMSInvalidStateException")
	_, err = decrypt(t, root, blob, nil)
	wantCode(t, "decrypt after the deletion was cancelled", err, "DisabledException")

	_, err = root.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: p(int32(7))})
	must(t, err)
	f.wait(7*oneDay - time.Minute)
	described, err := root.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: p("alias/a")})
	must(t, err)
	if described.KeyMetadata.DeletionDate == nil || *described.KeyMetadata.Description != "" {
		t.Errorf("described %+v", described.KeyMetadata)
	}
	f.wait(time.Minute)
	listed, err := root.ListKeys(ctx, &sdk.ListKeysInput{})
	must(t, err)
	aliases, err := root.ListAliases(ctx, &sdk.ListAliasesInput{})
	must(t, err)
	if len(aliases.Aliases) != 0 {
		t.Errorf("a deleted key's alias is listed: %v", aliases.Aliases)
	}
	if len(listed.Keys) != 0 {
		t.Errorf("a deleted key is listed: %v", listed.Keys)
	}
	_, err = root.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.KeyId})
	wantCode(t, "a deleted key", err, "NotFoundException")
	_, err = root.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: p("alias/a")})
	wantCode(t, "the alias of a deleted key", err, "NotFoundException")
	_, err = decrypt(t, root, blob, nil)
	wantCode(t, "decrypt with a deleted key", err, "AccessDeniedException")
	_, err = root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/a"), TargetKeyId: createKey(t, root).KeyId})
	must(t, err)
}

// What is due happens without a call, too, and nothing of a key stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	gone, stays := createKey(t, root), createKey(t, root)
	for name, k := range map[string]*types.KeyMetadata{"alias/gone": gone, "alias/stays": stays} {
		_, err := root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: k.KeyId})
		must(t, err)
	}
	_, err := root.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: stays.KeyId, RotationPeriodInDays: p(int32(90))})
	must(t, err)
	_, err = root.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: gone.KeyId})
	must(t, err)
	// What a crash between a key's deletion and an alias's creation leaves.
	_, err = catalog.TableOf[map[string]string](f.catalog, "kms-aliases").Put(catalog.Key(accountA, region, "alias/crash"), map[string]string{"target": "00000000-0000-4000-8000-000000000000"})
	must(t, err)
	f.wait(91 * oneDay)
	must(t, f.service.Sweep(ctx))
	f.wait(-91 * oneDay) // before anything is due: only what the sweep did can be seen
	_, err = root.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: gone.KeyId})
	wantCode(t, "a swept key", err, "NotFoundException")
	aliases, err := root.ListAliases(ctx, &sdk.ListAliasesInput{})
	must(t, err)
	if len(aliases.Aliases) != 1 || *aliases.Aliases[0].AliasName != "alias/stays" {
		t.Errorf("the aliases are %+v", aliases.Aliases)
	}
	_, err = root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/crash"), TargetKeyId: stays.KeyId})
	must(t, err)
	rotations, err := root.ListKeyRotations(ctx, &sdk.ListKeyRotationsInput{KeyId: stays.KeyId})
	must(t, err)
	if len(rotations.Rotations) != 1 || rotations.Rotations[0].RotationType != types.RotationTypeAutomatic {
		t.Errorf("the rotations are %+v", rotations.Rotations)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root)
	status := func() *sdk.GetKeyRotationStatusOutput {
		out, err := root.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: k.KeyId})
		must(t, err)
		return out
	}
	if s := status(); s.KeyRotationEnabled || s.NextRotationDate != nil || s.RotationPeriodInDays != nil {
		t.Errorf("a new key: %+v", s)
	}
	_, err := root.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: p(int32(89))})
	wantCode(t, "a period that is too short", err, "ValidationException")
	_, err = root.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: k.KeyId})
	must(t, err)
	if s := status(); !s.KeyRotationEnabled || *s.RotationPeriodInDays != 365 {
		t.Errorf("after EnableKeyRotation: %+v", s)
	}
	var blobs [][]byte
	materials := make(map[string]bool)
	for i := range 4 {
		blobs = append(blobs, encrypt(t, root, *k.KeyId, nil, fmt.Sprint("text ", i)))
		out, err := root.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blobs[i]})
		must(t, err)
		materials[*out.KeyMaterialId] = true
		if i == 1 {
			_, err := root.RotateKeyOnDemand(ctx, &sdk.RotateKeyOnDemandInput{KeyId: k.KeyId})
			must(t, err)
		} else {
			f.wait(366 * oneDay)
		}
	}
	if len(materials) != 4 {
		t.Errorf("four ciphertexts are of %d materials", len(materials))
	}
	for i, blob := range blobs {
		if got, err := decrypt(t, root, blob, nil); err != nil || got != fmt.Sprint("text ", i) {
			t.Errorf("ciphertext %d: %q, %v", i, got, err)
		}
	}
	var types []string
	var marker *string
	for {
		out, err := root.ListKeyRotations(ctx, &sdk.ListKeyRotationsInput{KeyId: k.KeyId, Limit: p(int32(1)), Marker: marker})
		must(t, err)
		for _, r := range out.Rotations {
			types = append(types, string(r.RotationType))
		}
		if !out.Truncated {
			break
		}
		marker = out.NextMarker
	}
	if got := strings.Join(types, " "); got != "AUTOMATIC ON_DEMAND AUTOMATIC AUTOMATIC" {
		t.Errorf("the rotations are %s", got)
	}
	_, err = root.DisableKeyRotation(ctx, &sdk.DisableKeyRotationInput{KeyId: k.KeyId})
	must(t, err)
	if s := status(); s.KeyRotationEnabled {
		t.Errorf("after DisableKeyRotation: %+v", s)
	}
	for range 24 {
		_, err = root.RotateKeyOnDemand(ctx, &sdk.RotateKeyOnDemandInput{KeyId: k.KeyId})
		must(t, err)
	}
	_, err = root.RotateKeyOnDemand(ctx, &sdk.RotateKeyOnDemandInput{KeyId: k.KeyId})
	wantCode(t, "the 26th rotation on demand", err, "LimitExceededException")
	sign := createKey(t, root, ofSpec(specECC, usageSign))
	_, err = root.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: sign.KeyId})
	wantCode(t, "rotation of an asymmetric key", err, "UnsupportedOperationException")
	out, err := root.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: sign.KeyId})
	must(t, err)
	if out.KeyRotationEnabled {
		t.Error("an asymmetric key is rotated")
	}
}

const (
	specECC   = types.KeySpecEccNistP256
	usageSign = types.KeyUsageTypeSignVerify
)
