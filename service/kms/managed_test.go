package kms_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"cairn/aws"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// forwarding is an S3 that asks KMS for its callers.
type forwarding struct {
	ask func(transport http.RoundTripper) error
}

type GetObjectLockConfigurationInput struct{}
type GetObjectLockConfigurationOutput struct{}

// S3's own key is made when S3 first needs it, and is of use by way of S3 only.
func TestManagedKey(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	kit, root, ctx := f.user(accountA, "kit", "kms:*", "cloudtrail:*"), f.root(accountA), t.Context()
	_, err := kit.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: p("alias/aws/s3")})
	wantCode(t, "before S3 needs it", err, "NotFoundException")

	// Any operation can ask on, as S3 does.
	s3 := &forwarding{}
	mux := aws.NewMux(aws.Config{Keys: f.store, Authorizer: f.store, Recorder: f, Regions: []string{region}})
	mux.Serve(f.service.API())
	api := &aws.API{Service: "s3", Protocol: aws.JSON{Version: "1.1", Target: "S3"}}
	aws.Handle(api, func(_ context.Context, c *aws.Call, _ *GetObjectLockConfigurationInput) (*GetObjectLockConfigurationOutput, error) {
		return &GetObjectLockConfigurationOutput{}, s3.ask(c.Forward("s3.amazonaws.com"))
	}, aws.NeedsNoPermission())
	mux.Serve(api)
	var key string
	var blob []byte
	s3.ask = func(transport http.RoundTripper) error {
		client := newClient(transport, caller{region, "AKIAEXAMPLE", "secret"})
		for range 2 {
			out, err := client.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: p("alias/aws/s3"), KeySpec: "AES_256"})
			if err != nil {
				return err
			}
			if key != "" && key != *out.KeyId {
				t.Errorf("the keys are %s and %s", key, *out.KeyId)
			}
			key, blob = *out.KeyId, out.CiphertextBlob
		}
		_, err := client.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob})
		return err
	}
	callS3(t, mux, f)
	out, err := root.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: p("alias/aws/s3")})
	must(t, err)
	if m := out.KeyMetadata; m.KeyManager != types.KeyManagerTypeAws || *m.Arn != key {
		t.Errorf("the key is %+v", m)
	}
	_, err = decrypt(t, root, blob, nil)
	wantCode(t, "decrypt without S3", err, "AccessDeniedException")
	_, err = root.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &key})
	wantCode(t, "delete AWS's key", err, "AccessDeniedException")
	_, err = root.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: p("alias/aws/s3")})
	wantCode(t, "delete AWS's alias", err, "InvalidAliasNameException")
}

// callS3 calls the operation that TestManagedKey adds, as a user with no policy
// but for S3.
func callS3(t *testing.T, mux *aws.Mux, f *front) {
	t.Helper()
	f.user(accountA, "plain", "kms:GenerateDataKey", "kms:Decrypt")
	k, secret, err := f.store.CreateAccessKey(accountA, "plain")
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://s3.invalid/", strings.NewReader("{}"))
	must(t, err)
	r.Header.Set("X-Amz-Target", "S3.GetObjectLockConfiguration")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	signRequest(t, r, "s3", k.ID, secret, "{}")
	answer, err := aws.InProcess{Handler: mux}.RoundTrip(r)
	must(t, err)
	if answer.StatusCode != 200 {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("S3 answers %s: %s", answer.Status, body)
	}
}
