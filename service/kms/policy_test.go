package kms_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"cairn/aws"
	"cairn/identity"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Identity-based policies count only where the key's policy says so.
func TestKeyPolicyDecides(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	all, none, other := f.user(accountA, "all", "kms:*"), f.user(accountA, "none"), f.user(accountB, "other", "kms:*")
	describe := func(c *sdk.Client, k *types.KeyMetadata) error {
		_, err := c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.Arn})
		return err
	}
	k := createKey(t, root)
	policy, err := root.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: k.KeyId})
	must(t, err)
	if *policy.PolicyName != "default" || !strings.Contains(*policy.Policy, `"Enable IAM User Permissions"`) || !strings.Contains(*policy.Policy, "arn:aws:iam::"+accountA+":root") {
		t.Errorf("the default policy is %s", *policy.Policy)
	}
	must(t, describe(root, k))
	must(t, describe(all, k))
	wantCode(t, "a user without policies", describe(none, k), "AccessDeniedException")
	wantCode(t, "another account", describe(other, k), "AccessDeniedException")

	// The policy names one user; the account's policies no longer count.
	_, err = root.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: k.KeyId, BypassPolicyLockoutSafetyCheck: true,
		Policy: p(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + userARN(accountA, "none") + `"},"Action":"kms:*","Resource":"*"}}`)})
	must(t, err)
	must(t, describe(none, k))
	wantCode(t, "a user with kms:*", describe(all, k), "AccessDeniedException")
	wantCode(t, "the root user", describe(root, k), "AccessDeniedException")

	// Whoever is made again under the name is not meant.
	must(t, f.store.Users.Delete(accountA, "none", func(*identity.User) error { return nil }))
	wantCode(t, "another user of the name", describe(f.user(accountA, "none"), k), "AccessDeniedException")
}

func TestCrossAccount(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	allowed, denied := f.user(accountB, "allowed", "kms:*"), f.user(accountB, "denied")
	k := createKey(t, root, withPolicy(accountA, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+accountB+`:root"},"Action":["kms:Encrypt","kms:Decrypt","kms:DisableKey"],"Resource":"*"}`))
	_, err := root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/shared"), TargetKeyId: k.KeyId})
	must(t, err)
	blob := encrypt(t, allowed, *k.Arn, nil, "x")
	if f.last.SharedWith != accountA {
		t.Errorf("the call is shared with %q", f.last.SharedWith)
	}
	if got, err := decrypt(t, allowed, blob, nil); err != nil || got != "x" {
		t.Errorf("decrypted %q, %v", got, err)
	}
	if got, err := decrypt(t, root, blob, nil); err != nil || got != "x" {
		t.Errorf("the owner decrypted %q, %v", got, err)
	}
	encrypt(t, allowed, strings.Replace(*k.Arn, "key/"+*k.KeyId, "alias/shared", 1), nil, "x")
	_, err = decrypt(t, denied, blob, nil)
	wantCode(t, "a user whose own policies do not allow", err, "AccessDeniedException")
	_, err = allowed.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.Arn})
	wantCode(t, "an action that the key's policy does not allow", err, "AccessDeniedException")
	_, err = allowed.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: k.Arn})
	wantCode(t, "an operation of the own account only", err, "AccessDeniedException")
	_, err = allowed.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.KeyId})
	wantCode(t, "a key ID without its account", err, "NotFoundException")
	for _, missing := range []string{"key/00000000-0000-4000-8000-000000000000", "alias/none"} {
		arn := "arn:aws:kms:us-east-1:" + accountA + ":" + missing
		_, err = allowed.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &arn})
		wantCode(t, "whether another account has "+missing, err, "AccessDeniedException")
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, kit, ctx := f.root(accountA), f.user(accountA, "kit"), t.Context()
	for condition, c := range map[string]struct {
		context map[string]string
		allowed bool
	}{
		`{"StringEquals":{"kms:EncryptionContext:App":"x"}}`:                             {map[string]string{"App": "x", "more": "y"}, true},
		`{"StringEquals":{"kms:EncryptionContext:App":"y"}}`:                             {map[string]string{"App": "x"}, false},
		`{"StringEquals":{"kms:EncryptionContext:Other":"x"}}`:                           {map[string]string{"App": "x"}, false},
		`{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["App","b"]}}`:        {map[string]string{"App": "x"}, true},
		`{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["app"]}}`:            {map[string]string{"App": "x"}, false},
		`{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"c"}}`:                 {map[string]string{"App": "x", "c": "d"}, true},
		`{"Null":{"kms:EncryptionContextKeys":"true"}}`:                                  {nil, true},
		`{"Null":{"kms:EncryptionContextKeys":"false"}}`:                                 {nil, false},
		`{"StringEquals":{"kms:CallerAccount":"` + accountA + `"}}`:                      {nil, true},
		`{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}`:               {nil, false},
		`{"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}}`:               {nil, true},
		`{"StringEquals":{"kms:RequestAlias":"alias/a"}}`:                                {nil, false},
		`{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/conditions"}}`:        {nil, true},
		`{"StringEquals":{"aws:ResourceTag/team":"sea"}}`:                                {nil, true},
		`{"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyOrigin":"AWS_KMS"}}`: {nil, true},
	} {
		k := createKey(t, root, withPolicy(accountA, `{"Effect":"Allow","Principal":{"AWS":"`+userARN(accountA, "kit")+`"},"Action":"kms:Encrypt","Resource":"*","Condition":`+condition+`}`),
			func(in *sdk.CreateKeyInput) { in.Tags = []types.Tag{{TagKey: p("team"), TagValue: p("sea")}} })
		if strings.Contains(condition, "ResourceAliases") {
			_, err := root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/conditions"), TargetKeyId: k.KeyId})
			must(t, err)
		}
		_, err := kit.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("x"), EncryptionContext: c.context})
		if c.allowed && err != nil {
			t.Errorf("%s: %v", condition, err)
		}
		if !c.allowed {
			wantCode(t, condition, err, "AccessDeniedException")
		}
	}
}

// trailPolicy is the key policy that AWS recommends for encrypting a trail's log
// files, with the account and trail filled in.
func trailPolicy(account, trail string) string {
	r := strings.NewReplacer("ACCOUNT", account, "TRAIL", trail)
	return r.Replace(`{"Version":"2012-10-17","Id":"Key policy created by CloudTrail","Statement":[
{"Sid":"Enable IAM user permissions","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::ACCOUNT:root"]},"Action":"kms:*","Resource":"*"},
{"Sid":"Allow CloudTrail to encrypt logs","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*","Resource":"*",
 "Condition":{"StringEquals":{"aws:SourceArn":"TRAIL"},"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:ACCOUNT:trail/*"}}},
{"Sid":"Allow CloudTrail to describe key","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:DescribeKey","Resource":"*"},
{"Sid":"Allow principals in the account to decrypt log files","Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Decrypt","kms:ReEncryptFrom"],"Resource":"*",
 "Condition":{"StringEquals":{"kms:CallerAccount":"ACCOUNT"},"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:ACCOUNT:trail/*"}}}]}`)
}

func TestCloudTrailsPolicy(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const trail = "arn:aws:cloudtrail:us-east-1:" + accountA + ":trail/t"
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root, func(in *sdk.CreateKeyInput) { in.Policy = p(trailPolicy(accountA, trail)) })
	cloudtrail := aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: trail, SourceAccount: accountA}
	with := map[string]string{"aws:cloudtrail:arn": trail}
	ask := func(p aws.ServicePrincipal, with map[string]string) (*sdk.GenerateDataKeyOutput, error) {
		return f.serviceClient(p).GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.Arn, KeySpec: "AES_256", EncryptionContext: with})
	}
	out, err := ask(cloudtrail, with)
	must(t, err)
	_, err = f.serviceClient(cloudtrail).DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.Arn})
	must(t, err)

	other := cloudtrail
	other.SourceARN += "2"
	_, err = ask(other, with)
	wantCode(t, "another trail", err, "AccessDeniedException")
	_, err = ask(aws.ServicePrincipal{Name: "config.amazonaws.com", SourceARN: trail, SourceAccount: accountA}, with)
	wantCode(t, "another service", err, "AccessDeniedException")
	_, err = ask(cloudtrail, nil)
	wantCode(t, "no context", err, "AccessDeniedException")
	_, err = ask(cloudtrail, map[string]string{"aws:cloudtrail:arn": "arn:aws:cloudtrail:us-east-1:" + accountB + ":trail/t"})
	wantCode(t, "a trail of another account in the context", err, "AccessDeniedException")
	_, err = f.serviceClient(cloudtrail).Encrypt(ctx, &sdk.EncryptInput{KeyId: k.Arn, Plaintext: []byte("x"), EncryptionContext: with})
	wantCode(t, "encrypt as the service", err, "AccessDeniedException")
	plain := createKey(t, root)
	_, err = f.serviceClient(cloudtrail).GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: plain.Arn, KeySpec: "AES_256", EncryptionContext: with})
	wantCode(t, "a key with the default policy", err, "AccessDeniedException")

	// The statement for readers names everyone: a user of the account needs no more,
	// one of another account has nothing.
	reader, stranger := f.user(accountA, "reader"), f.user(accountB, "stranger", "kms:*")
	if got, err := decrypt(t, reader, out.CiphertextBlob, with); err != nil || got != string(out.Plaintext) {
		t.Errorf("a reader: %v", err)
	}
	_, err = decrypt(t, reader, out.CiphertextBlob, nil)
	wantCode(t, "a reader without the context", err, "AccessDeniedException")
	_, err = decrypt(t, stranger, out.CiphertextBlob, with)
	wantCode(t, "a reader of another account", err, "AccessDeniedException")
}

func TestLockout(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	kit := f.user(accountA, "kit", "kms:*")
	only := func(name, actions string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + userARN(accountA, name) + `"},"Action":"` + actions + `","Resource":"*"}}`
	}
	k := createKey(t, root)
	put := func(c *sdk.Client, policy string, bypass bool) error {
		_, err := c.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: &policy, BypassPolicyLockoutSafetyCheck: bypass})
		return err
	}
	f.user(accountA, "sam")
	wantCode(t, "a policy for another user", put(kit, only("sam", "kms:*"), false), "MalformedPolicyDocumentException")
	wantCode(t, "a policy without PutKeyPolicy", put(kit, only("kit", "kms:Encrypt"), false), "MalformedPolicyDocumentException")
	wantCode(t, "a user who does not exist", put(kit, document(accountA, `{"Effect":"Allow","Principal":{"AWS":"`+userARN(accountA, "ghost")+`"},"Action":"kms:*","Resource":"*"}`), false), "MalformedPolicyDocumentException")
	wantCode(t, "no principal", put(kit, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`, true), "MalformedPolicyDocumentException")
	wantCode(t, "no JSON", put(kit, `{`, true), "MalformedPolicyDocumentException")
	wantCode(t, "too long", put(kit, document(accountA)+strings.Repeat(" ", 32<<10), true), "LimitExceededException")
	_, err := kit.CreateKey(ctx, &sdk.CreateKeyInput{Policy: p(only("sam", "kms:*"))})
	wantCode(t, "a new key that its maker could not change", err, "MalformedPolicyDocumentException")
	must(t, put(kit, only("kit", "kms:*"), false))
	must(t, put(kit, only("sam", "kms:*"), true))
	wantCode(t, "after the key was given away", put(kit, only("kit", "kms:*"), false), "AccessDeniedException")
	names, err := root.ListKeyPolicies(ctx, &sdk.ListKeyPoliciesInput{KeyId: createKey(t, root).KeyId})
	must(t, err)
	if len(names.PolicyNames) != 1 || names.PolicyNames[0] != "default" {
		t.Errorf("the policies are %v", names.PolicyNames)
	}
}

// Aliases need permission for the alias and for the key.
func TestAliasPermissions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	u := &identity.User{Head: identity.Head{Name: "kit", Path: "/"}}
	u.Inline = map[string]string{"inline": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*Alias","Resource":["arn:aws:kms:*:*:alias/mine","arn:aws:kms:*:*:key/*"]}}`}
	must(t, f.store.Users.Create(accountA, u, nil))
	id, secret, err := f.store.CreateAccessKey(accountA, "kit")
	must(t, err)
	kit := f.client(caller{region, id.ID, secret})
	open := createKey(t, root)
	closed := createKey(t, root, func(in *sdk.CreateKeyInput) {
		in.Policy = p(document(accountA, `{"Effect":"Deny","Principal":{"AWS":"`+userARN(accountA, "kit")+`"},"Action":"kms:*Alias","Resource":"*"}`))
	})
	create := func(name string, k *types.KeyMetadata) error {
		_, err := kit.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: k.KeyId})
		return err
	}
	wantCode(t, "another alias", create("alias/other", open), "AccessDeniedException")
	wantCode(t, "another key", create("alias/mine", closed), "AccessDeniedException")
	must(t, create("alias/mine", open))
	_, err = kit.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: p("alias/mine"), TargetKeyId: closed.KeyId})
	wantCode(t, "move it to another key", err, "AccessDeniedException")
	_, err = root.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: p("alias/mine"), TargetKeyId: closed.KeyId})
	must(t, err)
	_, err = kit.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: p("alias/mine"), TargetKeyId: open.KeyId})
	wantCode(t, "take it from another key", err, "AccessDeniedException")
	_, err = kit.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: p("alias/mine")})
	wantCode(t, "delete it from another key", err, "AccessDeniedException")
}

// No operation is open to a user whom no policy allows anything.
func TestEveryOperationAsks(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root)
	sign := createKey(t, root, ofSpec(specECC, usageSign))
	mac := createKey(t, root, ofSpec("HMAC_256", types.KeyUsageTypeGenerateVerifyMac))
	_, err := root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/a"), TargetKeyId: k.KeyId})
	must(t, err)
	blob := encrypt(t, root, *k.KeyId, nil, "x")
	nobody := reflect.ValueOf(f.user(accountA, "nobody"))
	tag := []types.Tag{{TagKey: p("a"), TagValue: p("b")}}
	text := []byte("x")
	inputs := map[string]any{
		"CreateKey": &sdk.CreateKeyInput{}, "DescribeKey": &sdk.DescribeKeyInput{KeyId: k.KeyId}, "ListKeys": &sdk.ListKeysInput{},
		"EnableKey": &sdk.EnableKeyInput{KeyId: k.KeyId}, "DisableKey": &sdk.DisableKeyInput{KeyId: k.KeyId},
		"ScheduleKeyDeletion": &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId}, "CancelKeyDeletion": &sdk.CancelKeyDeletionInput{KeyId: k.KeyId},
		"UpdateKeyDescription": &sdk.UpdateKeyDescriptionInput{KeyId: k.KeyId, Description: p("x")},
		"CreateAlias":          &sdk.CreateAliasInput{AliasName: p("alias/b"), TargetKeyId: k.KeyId},
		"UpdateAlias":          &sdk.UpdateAliasInput{AliasName: p("alias/a"), TargetKeyId: k.KeyId},
		"DeleteAlias":          &sdk.DeleteAliasInput{AliasName: p("alias/a")}, "ListAliases": &sdk.ListAliasesInput{},
		"GetKeyPolicy":        &sdk.GetKeyPolicyInput{KeyId: k.KeyId},
		"PutKeyPolicy":        &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: p(document(accountA))},
		"ListKeyPolicies":     &sdk.ListKeyPoliciesInput{KeyId: k.KeyId},
		"TagResource":         &sdk.TagResourceInput{KeyId: k.KeyId, Tags: tag},
		"UntagResource":       &sdk.UntagResourceInput{KeyId: k.KeyId, TagKeys: []string{"a"}},
		"ListResourceTags":    &sdk.ListResourceTagsInput{KeyId: k.KeyId},
		"EnableKeyRotation":   &sdk.EnableKeyRotationInput{KeyId: k.KeyId},
		"DisableKeyRotation":  &sdk.DisableKeyRotationInput{KeyId: k.KeyId},
		"RotateKeyOnDemand":   &sdk.RotateKeyOnDemandInput{KeyId: k.KeyId},
		"ListKeyRotations":    &sdk.ListKeyRotationsInput{KeyId: k.KeyId},
		"GenerateRandom":      &sdk.GenerateRandomInput{NumberOfBytes: p(int32(1))},
		"Encrypt":             &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: text},
		"Decrypt":             &sdk.DecryptInput{CiphertextBlob: blob},
		"ReEncrypt":           &sdk.ReEncryptInput{CiphertextBlob: blob, DestinationKeyId: k.KeyId},
		"GenerateDataKey":     &sdk.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: "AES_256"},
		"GenerateDataKeyPair": &sdk.GenerateDataKeyPairInput{KeyId: k.KeyId, KeyPairSpec: "ECC_NIST_P256"},

		"GetKeyRotationStatus":                &sdk.GetKeyRotationStatusInput{KeyId: k.KeyId},
		"GenerateDataKeyWithoutPlaintext":     &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: k.KeyId, KeySpec: "AES_256"},
		"GenerateDataKeyPairWithoutPlaintext": &sdk.GenerateDataKeyPairWithoutPlaintextInput{KeyId: k.KeyId, KeyPairSpec: "ECC_NIST_P256"},

		"Sign":         &sdk.SignInput{KeyId: sign.KeyId, Message: text, SigningAlgorithm: "ECDSA_SHA_256"},
		"Verify":       &sdk.VerifyInput{KeyId: sign.KeyId, Message: text, Signature: text, SigningAlgorithm: "ECDSA_SHA_256"},
		"GetPublicKey": &sdk.GetPublicKeyInput{KeyId: sign.KeyId},
		"GenerateMac":  &sdk.GenerateMacInput{KeyId: mac.KeyId, Message: text, MacAlgorithm: "HMAC_SHA_256"},
		"VerifyMac":    &sdk.VerifyMacInput{KeyId: mac.KeyId, Message: text, Mac: text, MacAlgorithm: "HMAC_SHA_256"},
	}
	for i := range nobody.NumMethod() {
		name := nobody.Type().Method(i).Name
		in, ok := inputs[name]
		if !ok {
			continue
		}
		delete(inputs, name)
		results := nobody.Method(i).Call([]reflect.Value{reflect.ValueOf(context.Context(ctx)), reflect.ValueOf(in)})
		err, _ := results[1].Interface().(error)
		wantCode(t, name, err, "AccessDeniedException")
	}
	if len(inputs) != 0 {
		t.Errorf("the SDK has no %v", inputs)
	}
	out, err := root.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: p("alias/a")})
	must(t, err)
	if out.KeyMetadata.KeyState != types.KeyStateEnabled || *out.KeyMetadata.CurrentKeyMaterialId != *k.CurrentKeyMaterialId {
		t.Errorf("the key is %+v", out.KeyMetadata)
	}
}

// A service is not in the account that it acts for: what lets in everyone of an
// account lets in no service, and a caller without credentials has none either.
func TestServicesHaveNoAccount(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const trail = "arn:aws:cloudtrail:us-east-1:" + accountA + ":trail/t"
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root, withPolicy(accountA, `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"`+accountA+`"}}}`))
	blob := encrypt(t, root, *k.Arn, nil, "x")
	cloudtrail := f.serviceClient(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: trail, SourceAccount: accountA})
	_, err := decrypt(t, cloudtrail, blob, nil)
	wantCode(t, "a service decrypts", err, "AccessDeniedException")
	_, err = cloudtrail.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.Arn, KeySpec: "AES_256"})
	wantCode(t, "a service asks for a data key", err, "AccessDeniedException")
	if got, err := decrypt(t, f.user(accountA, "kit"), blob, nil); err != nil || got != "x" {
		t.Errorf("a user of the account decrypts %q, %v", got, err)
	}
}
