package kms_test

import (
	"fmt"
	"sync"
	"testing"

	"cairn/catalog"
	"cairn/identity"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Changes of one key at the same time all count, and what is encrypted in between
// can be decrypted.
func TestConcurrentChanges(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root)
	const n = 8
	blobs := make([][]byte, n)
	errs := make([]error, 4*n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			_, errs[i] = root.RotateKeyOnDemand(ctx, &sdk.RotateKeyOnDemandInput{KeyId: k.KeyId})
		})
		group.Go(func() {
			in := &sdk.TagResourceInput{KeyId: k.KeyId, Tags: []types.Tag{{TagKey: p(fmt.Sprint("tag", i)), TagValue: p("x")}}}
			_, errs[n+i] = root.TagResource(ctx, in)
		})
		group.Go(func() {
			out, err := root.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte{byte(i)}})
			if errs[2*n+i] = err; err == nil {
				blobs[i] = out.CiphertextBlob
			}
		})
		group.Go(func() {
			name := fmt.Sprint("alias/", i)
			_, errs[3*n+i] = root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: k.KeyId})
		})
	}
	group.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	rotations, err := root.ListKeyRotations(ctx, &sdk.ListKeyRotationsInput{KeyId: k.KeyId})
	must(t, err)
	tags, err := root.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: k.KeyId})
	must(t, err)
	aliases, err := root.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: k.KeyId})
	must(t, err)
	if len(rotations.Rotations) != n || len(tags.Tags) != n || len(aliases.Aliases) != n {
		t.Errorf("%d rotations, %d tags and %d aliases are left of %d", len(rotations.Rotations), len(tags.Tags), len(aliases.Aliases), n)
	}
	for i, blob := range blobs {
		if got, err := decrypt(t, root, blob, nil); err != nil || got != string([]byte{byte(i)}) {
			t.Errorf("ciphertext %d: %q, %v", i, got, err)
		}
	}
}

// One of several that take the same name gets it.
func TestAliasRace(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	const n = 8
	var keys [n]*types.KeyMetadata
	var errs [n]error
	var group sync.WaitGroup
	byAlias := `{"Effect":"Allow","Principal":{"AWS":"` + userARN(accountA, "kit") + `"},"Action":"kms:Encrypt","Resource":"*",` +
		`"Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/one"}}}`
	kit := f.user(accountA, "kit")
	for i := range n {
		keys[i] = createKey(t, root, withPolicy(accountA, byAlias))
	}
	for i := range n {
		group.Go(func() {
			_, errs[i] = root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/one"), TargetKeyId: keys[i].KeyId})
		})
	}
	group.Wait()
	winners := 0
	for i, err := range errs {
		listed, listErr := root.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: keys[i].KeyId})
		must(t, listErr)
		if err != nil {
			wantCode(t, "who came later", err, "AlreadyExistsException")
		} else {
			winners++
		}
		_, allowed := kit.Encrypt(ctx, &sdk.EncryptInput{KeyId: keys[i].KeyId, Plaintext: []byte("x")})
		if (err == nil) != (allowed == nil) {
			t.Errorf("key %d is used by an alias: %v, after %v", i, allowed, err)
		}
		if (err == nil) != (len(listed.Aliases) == 1) {
			t.Errorf("key %d has %d aliases, after %v", i, len(listed.Aliases), err)
		}
	}
	if winners != 1 {
		t.Errorf("%d calls got the name", winners)
	}
}

// Keys outlive the process, and their material stands nowhere in the clear.
func TestReopen(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	dir := t.TempDir()
	open := func() *catalog.Catalog {
		c, err := catalog.Open(catalog.Config{Dir: dir})
		must(t, err)
		store, err := identity.Open(c, identity.Options{DefaultAccount: accountA})
		must(t, err)
		f.serve(c, store)
		return c
	}
	c := open()
	who := f.rootCaller(accountA)
	root := f.client(who)
	k := createKey(t, root)
	blob := encrypt(t, root, *k.KeyId, nil, "x")
	must(t, c.Close())
	c = open()
	defer c.Close()
	if got, err := decrypt(t, f.client(who), blob, nil); err != nil || got != "x" {
		t.Errorf("decrypted %q, %v", got, err)
	}
	for row, err := range catalog.TableOf[struct {
		Materials []struct{ Sealed []byte }
	}](c, "kms-keys").Scan("") {
		must(t, err)
		sealed := row.Value.Materials[0].Sealed
		if len(sealed) < 32+28 {
			t.Errorf("the material is not sealed: %d bytes", len(sealed))
		}
		for _, place := range []string{row.Key + "/2", accountB + row.Key[12:] + "/1"} {
			if _, err := c.Keyring().Open("kms-key-material", place, sealed); err == nil {
				t.Errorf("the material of %s/1 opens at %s", row.Key, place)
			}
		}
		if secret, err := c.Keyring().Open("kms-key-material", row.Key+"/1", sealed); err != nil || len(secret) != 32 {
			t.Errorf("the material has %d bytes, %v", len(secret), err)
		}
	}
}
