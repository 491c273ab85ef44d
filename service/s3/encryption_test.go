package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cairn/aws"
	. "cairn/service/s3"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const keyARN = "arn:aws:kms:us-east-1:" + accountA + ":key/11111111-2222-3333-4444-555555555555"

// A fakeKMS gives data keys and opens them for the same encryption context.
type fakeKMS struct {
	mu      sync.Mutex
	keys    map[string]dataKey // by ciphertext
	asked   []map[string]string
	caller  []string
	regions []string
	denied  string // ARN of a caller who may not
	broken  error  // of the transport
}

type dataKey struct {
	plain   []byte
	context map[string]string
}

func (k *fakeKMS) of(c *aws.Call, region string) DataKeys { return kmsFor{k, c.Identity.ARN, region} }

type kmsFor struct {
	*fakeKMS
	who, region string
}

func (k kmsFor) note(context map[string]string) error {
	k.asked, k.caller = append(k.asked, context), append(k.caller, k.who)
	k.fakeKMS.regions = append(k.regions, k.region)
	if k.broken != nil {
		return fmt.Errorf("operation error KMS: %w", k.broken)
	}
	if k.denied == k.who {
		return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not with this key"}
	}
	return nil
}

func (k kmsFor) GenerateDataKey(_ context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.note(in.EncryptionContext); err != nil {
		return nil, err
	}
	if *in.KeyId == "gone" {
		return nil, &smithy.GenericAPIError{Code: "NotFoundException", Message: "there is no such key"}
	}
	plain, sealed := make([]byte, 32), make([]byte, 64)
	rand.Read(plain)
	rand.Read(sealed)
	if k.keys == nil {
		k.fakeKMS.keys = make(map[string]dataKey)
	}
	k.keys[string(sealed)] = dataKey{plain, in.EncryptionContext}
	return &kms.GenerateDataKeyOutput{CiphertextBlob: sealed, Plaintext: plain, KeyId: p(keyARN)}, nil
}

func (k kmsFor) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.note(in.EncryptionContext); err != nil {
		return nil, err
	}
	key, ok := k.keys[string(in.CiphertextBlob)]
	if !ok || !maps.Equal(key.context, in.EncryptionContext) || *in.KeyId != keyARN {
		return nil, &smithy.GenericAPIError{Code: "InvalidCiphertextException"}
	}
	return &kms.DecryptOutput{Plaintext: key.plain}, nil
}

// What is stored without a word about encryption is under SSE-S3, and no byte of it
// lies on the disk in the clear.
func TestObjectsAreEncrypted(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a := f.root(accountA)
	bucket := f.bucket(a, "sealed-bucket")
	secret := strings.Repeat("nobody may read this on the disk; ", 300)
	out := f.put(a, bucket, "k", secret)
	if out.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("put says %q", out.ServerSideEncryption)
	}
	body, got, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	must(t, err)
	if body != secret || got.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("get gives %d bytes under %q", len(body), got.ServerSideEncryption)
	}
	must(t, filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("nobody may read")) {
			t.Errorf("%s holds the content in the clear", path)
		}
		return err
	}))
	encryption, err := a.GetBucketEncryption(t.Context(), &sdk.GetBucketEncryptionInput{Bucket: &bucket})
	must(t, err)
	if rule := encryption.ServerSideEncryptionConfiguration.Rules[0]; rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 {
		t.Errorf("the default is %q", rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm)
	}
}

// Under SSE-KMS the key comes from KMS, asked for the caller and with the
// encryption context of AWS; whoever may not use the key may not read.
func TestKMS(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a := f.root(accountA)
	bucket, ctx := f.bucket(a, "kms-bucket"), t.Context()
	in := &sdk.PutObjectInput{
		Bucket: &bucket, Key: p("k"), Body: strings.NewReader("content"), ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: p("mine"),
		SSEKMSEncryptionContext: p(base64.StdEncoding.EncodeToString([]byte(`{"aws:cloudtrail:arn":"arn:trail"}`))),
	}
	out, err := a.PutObject(ctx, in)
	must(t, err)
	if out.ServerSideEncryption != "aws:kms" || *out.SSEKMSKeyId != keyARN || *out.SSEKMSEncryptionContext != *in.SSEKMSEncryptionContext {
		t.Errorf("put says %q %q %q", out.ServerSideEncryption, *out.SSEKMSKeyId, *out.SSEKMSEncryptionContext)
	}
	body, got, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	must(t, err)
	if body != "content" || got.ServerSideEncryption != "aws:kms" || *got.SSEKMSKeyId != keyARN {
		t.Errorf("get gives %q, %q", body, got.ServerSideEncryption)
	}
	want := map[string]string{"aws:cloudtrail:arn": "arn:trail", "aws:s3:arn": "arn:aws:s3:::kms-bucket/k"}
	for i, asked := range f.kms.asked {
		if !maps.Equal(asked, want) || f.kms.caller[i] != "arn:aws:iam::"+accountA+":root" {
			t.Errorf("KMS was asked by %s with %v", f.kms.caller[i], asked)
		}
	}
	ann := f.user(accountA, "ann", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	f.kms.denied = "arn:aws:iam::" + accountA + ":user/ann"
	_, _, err = get(ann, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	wantCode(t, "get without the key", err, "AccessDenied", 403)
	if _, err = ann.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &bucket, Key: p("k")}); err != nil {
		t.Errorf("head needs no key, but %v", err)
	}
	f.kms.broken = errors.New("the service kms is switched off")
	_, _, err = get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	wantCode(t, "get without KMS", err, "ServiceUnavailable", 503)
	f.kms.broken = nil
	in.Body, in.SSEKMSKeyId = strings.NewReader("content"), p("gone")
	_, err = a.PutObject(ctx, in)
	wantCode(t, "put with a key that is gone", err, "KMS.NotFoundException", 400)

	// The bucket's default, a copy, and parts.
	_, err = a.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: &bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
		Rules: []types.ServerSideEncryptionRule{{BucketKeyEnabled: p(true), ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "aws:kms", KMSMasterKeyID: p("mine")}}},
	}})
	must(t, err)
	if out := f.put(a, bucket, "plain", "by default"); out.ServerSideEncryption != "aws:kms" || !*out.BucketKeyEnabled {
		t.Errorf("the default was not taken: %q", out.ServerSideEncryption)
	}
	if _, err := a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &bucket, Key: p("copy"), CopySource: p("kms-bucket/k"), ServerSideEncryption: "AES256"}); err != nil {
		t.Fatal(err)
	}
	if body, got, err := get(ann, &sdk.GetObjectInput{Bucket: &bucket, Key: p("copy")}); err != nil || body != "content" || got.ServerSideEncryption != "AES256" {
		t.Errorf("the copy is %q under %v: %v", body, got, err)
	}
	upload, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: p("parts")})
	must(t, err)
	part, err := a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: p("parts"), UploadId: upload.UploadId, PartNumber: p(int32(1)), Body: strings.NewReader("one part")})
	must(t, err)
	done, err := a.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: &bucket, Key: p("parts"), UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: p(int32(1)), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}}}})
	must(t, err)
	if body, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("parts")}); body != "one part" || done.ServerSideEncryption != "aws:kms" {
		t.Errorf("parts are %q under %q: %v", body, done.ServerSideEncryption, err)
	}
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("c"), Body: strings.NewReader("x"), SSECustomerAlgorithm: p("AES256"),
		SSECustomerKey: p(strings.Repeat("k", 32))})
	if err == nil || !strings.Contains(err.Error(), "NotImplemented") && !strings.Contains(err.Error(), "https") {
		t.Errorf("SSE-C: %v", err)
	}
}
