package kms_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A key is found by its ID, its ARN, an alias and the alias's ARN, in its own
// region only.
func TestNames(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	who := f.rootCaller(accountA)
	root, ctx := f.client(who), t.Context()
	who.region = "eu-west-1"
	elsewhere := f.client(who)
	k := createKey(t, root)
	_, err := root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/a/b"), TargetKeyId: k.Arn})
	must(t, err)
	prefix := "arn:aws:kms:us-east-1:" + accountA + ":"
	for _, name := range []string{*k.KeyId, strings.ToUpper(*k.KeyId), *k.Arn, "alias/a/b", prefix + "alias/a/b"} {
		out, err := root.Encrypt(ctx, &sdk.EncryptInput{KeyId: &name, Plaintext: []byte("x")})
		if err != nil || *out.KeyId != *k.Arn {
			t.Errorf("%s: %v", name, err)
		}
		_, err = elsewhere.Encrypt(ctx, &sdk.EncryptInput{KeyId: &name, Plaintext: []byte("x")})
		wantCode(t, name+" in another region", err, "NotFoundException")
	}
	_, err = decrypt(t, elsewhere, encrypt(t, root, *k.KeyId, nil, "x"), nil)
	wantCode(t, "a ciphertext in another region", err, "AccessDeniedException")
	namesake := createKey(t, elsewhere)
	_, err = elsewhere.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: p("alias/a/b"), TargetKeyId: namesake.KeyId})
	must(t, err)
	_, err = elsewhere.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: p(prefix + "alias/a/b")})
	wantCode(t, "an alias's ARN where another alias has the name", err, "NotFoundException")
	for name, code := range map[string]string{
		"12345": "NotFoundException", "alias/none": "NotFoundException", "00000000-0000-4000-8000-000000000000": "NotFoundException",
		"mrk-00000000000040008000000000000000": "NotFoundException", "arn:aws:iam::" + accountA + ":root": "InvalidArnException",
		prefix + "trail/x": "InvalidArnException", "arn:aws:kms:us-east-1::key/" + *k.KeyId: "InvalidArnException", prefix + "key/../../x": "NotFoundException",
	} {
		_, err := root.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &name})
		wantCode(t, name, err, code)
	}
	_, err = root.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: p("alias/a/b")})
	wantCode(t, "an alias where it cannot stand", err, "NotFoundException")
	_, err = root.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: p(prefix + "alias/a/b")})
	wantCode(t, "an alias's ARN where it cannot stand", err, "InvalidArnException")
}

func TestAliases(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	a, b := createKey(t, root), createKey(t, root)
	create := func(name string, k *types.KeyMetadata) error {
		_, err := root.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: k.KeyId})
		return err
	}
	must(t, create("alias/x", a))
	wantCode(t, "a name twice", create("alias/x", b), "AlreadyExistsException")
	wantCode(t, "AWS's names", create("alias/aws/s3", a), "InvalidAliasNameException")
	wantCode(t, "no alias", create("x", a), "InvalidAliasNameException")
	wantCode(t, "an empty one", create("alias/", a), "InvalidAliasNameException")
	blob := encrypt(t, root, "alias/x", nil, "x")
	_, err := root.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: p("alias/x"), TargetKeyId: b.KeyId})
	must(t, err)
	out, err := root.Encrypt(ctx, &sdk.EncryptInput{KeyId: p("alias/x"), Plaintext: []byte("x")})
	must(t, err)
	if *out.KeyId != *b.Arn {
		t.Errorf("the alias stands for %s", *out.KeyId)
	}
	if _, err := decrypt(t, root, blob, nil); err != nil {
		t.Errorf("what was encrypted by the alias before: %v", err)
	}
	_, err = root.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob, KeyId: p("alias/x")})
	wantCode(t, "with the alias's new key", err, "IncorrectKeyException")
	sign := createKey(t, root, ofSpec(specECC, usageSign))
	_, err = root.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: p("alias/x"), TargetKeyId: sign.KeyId})
	wantCode(t, "a key of another type", err, "ValidationException")
	for i := range 49 {
		must(t, create(fmt.Sprintf("alias/n%02d", i), b))
	}
	wantCode(t, "the 51st alias", create("alias/more", b), "LimitExceededException")

	list := func(keyID *string) (names []string) {
		in := &sdk.ListAliasesInput{KeyId: keyID, Limit: p(int32(7))}
		for {
			out, err := root.ListAliases(ctx, in)
			must(t, err)
			for _, e := range out.Aliases {
				names = append(names, *e.AliasName)
			}
			if !out.Truncated {
				return names
			}
			in.Marker = out.NextMarker
		}
	}
	if names := list(nil); len(names) != 50 || !slices.IsSorted(names) {
		t.Errorf("the aliases are %v", names)
	}
	if names := list(b.KeyId); len(names) != 50 {
		t.Errorf("the key's aliases are %v", names)
	}
	if names := list(a.KeyId); len(names) != 0 {
		t.Errorf("the old key's aliases are %v", names)
	}
	_, err = root.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: p("alias/x")})
	must(t, err)
	_, err = root.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: p("alias/x")})
	wantCode(t, "a name that is gone", err, "NotFoundException")
	must(t, create("alias/x", a))
}

// Markers hold for the account, the region and the list that they were given for.
func TestMarkers(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	who := f.rootCaller(accountA)
	root, other, ctx := f.client(who), f.root(accountB), t.Context()
	who.region = "eu-west-1"
	made := make(map[string]bool)
	for range 5 {
		made[*createKey(t, root).KeyId] = true
		createKey(t, other)
	}
	in := &sdk.ListKeysInput{Limit: p(int32(2))}
	var marker *string
	for {
		out, err := root.ListKeys(ctx, in)
		must(t, err)
		for _, k := range out.Keys {
			if !made[*k.KeyId] {
				t.Errorf("%s is listed twice, or not the account's", *k.KeyArn)
			}
			delete(made, *k.KeyId)
		}
		if !out.Truncated {
			break
		}
		marker, in.Marker = out.NextMarker, out.NextMarker
	}
	if len(made) != 0 {
		t.Errorf("keys that are not listed: %v", made)
	}
	for what, c := range map[string]*sdk.Client{"another account": other, "another region": f.client(who)} {
		_, err := c.ListKeys(ctx, &sdk.ListKeysInput{Marker: marker})
		wantCode(t, "a marker in "+what, err, "InvalidMarkerException")
	}
	_, err := root.ListAliases(ctx, &sdk.ListAliasesInput{Marker: marker})
	wantCode(t, "a marker of another list", err, "InvalidMarkerException")
	_, err = root.ListKeys(ctx, &sdk.ListKeysInput{Marker: p("made up")})
	wantCode(t, "a marker that is none", err, "InvalidMarkerException")
}

func TestTags(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	k := createKey(t, root, func(in *sdk.CreateKeyInput) { in.Tags = []types.Tag{{TagKey: p("a"), TagValue: p("1")}} })
	tag := func(pairs ...string) error {
		in := &sdk.TagResourceInput{KeyId: k.KeyId}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{TagKey: &pairs[i], TagValue: &pairs[i+1]})
		}
		_, err := root.TagResource(ctx, in)
		return err
	}
	must(t, tag("a", "2", "b", "", "c", "3"))
	wantCode(t, "a key twice", tag("x", "1", "x", "2"), "TagException")
	wantCode(t, "a key in another case", tag("A", "1"), "TagException")
	wantCode(t, "a tag of AWS", tag("aws:x", "1"), "TagException")
	_, err := root.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: k.KeyId, TagKeys: []string{"c", "none"}})
	must(t, err)
	got := ""
	in := &sdk.ListResourceTagsInput{KeyId: k.KeyId, Limit: p(int32(1))}
	for {
		out, err := root.ListResourceTags(ctx, in)
		must(t, err)
		for _, tag := range out.Tags {
			got += *tag.TagKey + "=" + *tag.TagValue + ";"
		}
		if !out.Truncated {
			break
		}
		in.Marker = out.NextMarker
	}
	if got != "a=2;b=;" {
		t.Errorf("the tags are %s", got)
	}
	var many []string
	for i := range 49 {
		many = append(many, fmt.Sprint("n", i), "x")
	}
	wantCode(t, "51 tags", tag(many...), "LimitExceededException")
}
