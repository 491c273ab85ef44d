package s3_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn/aws"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func statement(effect, actions, resource, condition string) string {
	return `{"Effect":"` + effect + `","Action":` + actions + `,"Resource":` + resource + `,"Condition":` + condition + `}`
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// The account of a resource is a condition of every permission that a call needs,
// also of those that are asked for in its course.
func TestResourceAccountOfEveryPermission(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "perimeter-bucket")
	f.put(a, bucket, "k", "x")
	for i, key := range []string{"aws:ResourceAccount", "s3:ResourceAccount"} {
		inside := f.user(accountA, "inside"+key[:2], document(statement("Allow", `"s3:*"`, `"*"`, `{"StringEquals":{"`+key+`":"`+accountA+`"}}`)))
		all := statement("Allow", `"s3:*"`, `"*"`, `{}`)
		outside := f.user(accountA, "outside"+key[:2], document(all, statement("Deny", `"s3:*"`, `"*"`, `{"StringEquals":{"`+key+`":"`+accountA+`"}}`)))

		out, err := outside.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: p("k")}}}})
		if err == nil && (len(out.Deleted) > 0 || len(out.Errors) != 1) {
			t.Errorf("%s: a policy that denies everything in the account lets DeleteObjects delete %v", key, out.Deleted)
		}
		_, _, err = get(inside, &sdk.GetObjectInput{Bucket: &bucket, Key: p("not there")})
		wantCode(t, key+", a key that does not exist", err, "NoSuchKey", 404)
		out, err = inside.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: p("k")}}}})
		if err != nil || len(out.Errors) > 0 {
			t.Errorf("%s, round %d: DeleteObjects within the account: %v, %v", key, i, out, err)
		}
	}
}

// A policy that wants objects encrypted, or given to the bucket's owner, is met by
// the upload that says so when it begins: the parts have no headers for it.
func TestConditionsOfAnUploadHoldForItsParts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "demanding-bucket")
	f.policy(a, bucket, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::demanding-bucket/*","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::demanding-bucket/*","Condition":{"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}`)
	_, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: p("k")})
	wantCode(t, "an upload without the headers", err, "AccessDenied", 403)
	upload, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: p("k"), ServerSideEncryption: "AES256", ACL: "bucket-owner-full-control"})
	must(t, err)
	part, err := a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: p("k"), UploadId: upload.UploadId, PartNumber: p(int32(1)), Body: bytes.NewReader([]byte("part"))})
	must(t, err)
	_, err = a.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: &bucket, Key: p("k"), UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: p(int32(1)), ETag: part.ETag}}}})
	must(t, err)
	// Another key's upload lends its conditions to nobody.
	_, err = a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: p("other"), UploadId: upload.UploadId, PartNumber: p(int32(1)), Body: bytes.NewReader([]byte("part"))})
	wantCode(t, "a part of another key", err, "AccessDenied", 403)
}

// s3:ObjectCreationOperation tells what makes an object from what prepares one, so
// that a policy can demand conditional writes.
func TestObjectCreationOperation(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "conditional-bucket")
	f.policy(a, bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::conditional-bucket/*",
		"Condition":{"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}}}}`)
	_, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x")})
	wantCode(t, "a put without a condition", err, "AccessDenied", 403)
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), IfNoneMatch: p("*")})
	must(t, err)
	upload, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: p("m")})
	must(t, err)
	part, err := a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: p("m"), UploadId: upload.UploadId, PartNumber: p(int32(1)), Body: bytes.NewReader([]byte("part"))})
	must(t, err)
	complete := &sdk.CompleteMultipartUploadInput{Bucket: &bucket, Key: p("m"), UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: p(int32(1)), ETag: part.ETag}}}}
	_, err = a.CompleteMultipartUpload(ctx, complete)
	wantCode(t, "a completion without a condition", err, "AccessDenied", 403)
	complete.IfNoneMatch = p("*")
	_, err = a.CompleteMultipartUpload(ctx, complete)
	must(t, err)
}

// An empty prefix is one that the request names: AWS's policies for home folders
// allow the top level by it. A request without a prefix names none.
func TestEmptyPrefixIsACondition(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "home-bucket")
	f.put(a, bucket, "home/x", "x")
	u := f.user(accountA, "homely", document(statement("Allow", `"s3:ListBucket"`, `"arn:aws:s3:::home-bucket"`, `{"StringEquals":{"s3:prefix":["","home/"],"s3:delimiter":["/"]}}`)))
	for _, prefix := range []string{"", "home/"} {
		if _, err := u.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, Delimiter: p("/")}); err != nil {
			t.Errorf("the prefix %q: %v", prefix, err)
		}
		if _, err := u.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: &bucket, Prefix: &prefix, Delimiter: p("/")}); err != nil {
			t.Errorf("the prefix %q in version 1: %v", prefix, err)
		}
	}
	_, err := u.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket, Delimiter: p("/")})
	wantCode(t, "no prefix", err, "AccessDenied", 403)
	_, err = u.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket, Prefix: p(""), Delimiter: p("")})
	wantCode(t, "no delimiter", err, "AccessDenied", 403)
}

// Condition keys have no case, so that tags which differ in nothing else would
// leave it to chance which of them a policy sees.
func TestTagsDifferInMoreThanCase(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "tagged-bucket")
	_, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), Tagging: p("project=a&Project=b")})
	wantCode(t, "tags of a new object", err, "InvalidTag", 400)
	f.put(a, bucket, "k", "x")
	_, err = a.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{Bucket: &bucket, Key: p("k"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: p("p"), Value: p("a")}, {Key: p("P"), Value: p("b")}}}})
	wantCode(t, "tags of an object", err, "InvalidTag", 400)
}

// A copy that takes tags along reads them from the source and sets them.
func TestCopiedTagsNeedPermissions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "copied-tags")
	f.put(a, bucket, "plain", "x")
	_, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("tagged"), Body: strings.NewReader("x"), Tagging: p("clearance=secret")})
	must(t, err)
	plain := f.user(accountA, "plain", document(statement("Allow", `["s3:GetObject","s3:PutObject"]`, `"*"`, `{}`)))
	copyOf := func(c *sdk.Client, key string, directive types.TaggingDirective) error {
		_, err := c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &bucket, Key: p("copy"), CopySource: p(bucket + "/" + key), TaggingDirective: directive})
		return err
	}
	must(t, copyOf(plain, "plain", ""))
	must(t, copyOf(plain, "tagged", "REPLACE"))
	wantCode(t, "a copy with tags", copyOf(plain, "tagged", ""), "AccessDenied", 403)
	must(t, copyOf(f.user(accountA, "tagger", document(statement("Allow", `["s3:GetObject","s3:PutObject","s3:GetObjectTagging","s3:PutObjectTagging"]`, `"*"`, `{}`))), "tagged", ""))
	wantCode(t, "a copy with tags that may not be set", copyOf(f.user(accountA, "careful", document(
		statement("Allow", `["s3:GetObject","s3:PutObject","s3:GetObjectTagging","s3:PutObjectTagging"]`, `"*"`, `{}`),
		statement("Deny", `"s3:PutObjectTagging"`, `"*"`, `{"StringEquals":{"s3:RequestObjectTag/clearance":"secret"}}`))), "tagged", ""), "AccessDenied", 403)
}

// KMS is asked in the region of the bucket, whichever region a client signs for.
func TestKeysAreOfTheBucketsRegion(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	a, ctx := f.client(id, secret), t.Context()
	abroad := newClient(aws.InProcess{Handler: f.mux}, id, secret, "eu-west-1")
	bucket := f.bucket(a, "regional-bucket")
	_, err = abroad.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms"})
	must(t, err)
	_, _, err = get(abroad, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	must(t, err)
	f.kms.mu.Lock()
	defer f.kms.mu.Unlock()
	if len(f.kms.regions) != 2 || f.kms.regions[0] != "us-east-1" || f.kms.regions[1] != "us-east-1" {
		t.Errorf("KMS was asked in %v", f.kms.regions)
	}
}

// Without a signature of Version 4 nobody gets at a KMS key, however public the
// bucket is.
func TestKeysNeedASignature(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	a, ctx := f.client(id, secret), t.Context()
	bucket := f.bucket(a, "public-bucket")
	_, err = a.DeletePublicAccessBlock(ctx, &sdk.DeletePublicAccessBlockInput{Bucket: &bucket})
	must(t, err)
	f.policy(a, bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::public-bucket/*"}}`)
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms"})
	must(t, err)
	before := len(f.kms.asked)
	stranger := f.anonymous()
	_, err = stranger.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("s"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms"})
	wantCode(t, "a stranger's put", err, "InvalidArgument", 400)
	_, _, err = get(stranger, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	wantCode(t, "a stranger's get", err, "InvalidArgument", 400)
	if len(f.kms.asked) != before {
		t.Error("KMS was asked for a stranger")
	}
}

// The encryption context names the object that it is for, so that a key's policy
// can rely on it.
func TestEncryptionContextNamesTheObject(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "context-bucket")
	with := func(context string) error {
		_, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms", SSEKMSEncryptionContext: p(context)})
		return err
	}
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	must(t, with(encoded(`{"a":"b"}`)))
	must(t, with(encoded(`{"aws:s3:arn":"arn:aws:s3:::context-bucket/k"}`)))
	wantCode(t, "another object's context", with(encoded(`{"aws:s3:arn":"arn:aws:s3:::secure-bucket/k"}`)), "InvalidArgument", 400)
}

// The list of buckets is of all buckets' ARN, as AWS's examples of policies have it.
func TestListOfBucketsByARN(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.bucket(f.root(accountA), "listed-bucket")
	for name, resource := range map[string]string{"arn": `"arn:aws:s3:::*"`, "all": `"*"`} {
		out, err := f.user(accountA, name, document(statement("Allow", `"s3:ListAllMyBuckets"`, resource, `{}`))).ListBuckets(t.Context(), &sdk.ListBucketsInput{})
		if err != nil || len(out.Buckets) != 1 {
			t.Errorf("%s: %v, %v", resource, out, err)
		}
	}
	_, err := f.user(accountA, "one", document(statement("Allow", `"s3:ListAllMyBuckets"`, `"arn:aws:s3:::listed-bucket"`, `{}`))).ListBuckets(t.Context(), &sdk.ListBucketsInput{})
	wantCode(t, "one bucket", err, "AccessDenied", 403)
	_, err = f.anonymous().ListBuckets(t.Context(), &sdk.ListBucketsInput{})
	wantCode(t, "a stranger", err, "AccessDenied", 403)
}

// A bucket's policy is its owner's: who is let into a bucket with every action does
// not get to replace it.
func TestPolicyIsOfTheOwnersAccount(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b, ctx := f.root(accountA), f.root(accountB), t.Context()
	bucket := f.bucket(a, "shared-bucket")
	mine := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + accountB + `"},"Action":"s3:*","Resource":["arn:aws:s3:::shared-bucket","arn:aws:s3:::shared-bucket/*"]}}`
	f.policy(a, bucket, mine)
	f.put(b, bucket, "k", "x")
	_, err := b.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: &bucket, Policy: p(strings.Replace(mine, "Allow", "Deny", 1))})
	wantCode(t, "put", err, "MethodNotAllowed", 405)
	_, err = b.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: &bucket})
	wantCode(t, "get", err, "MethodNotAllowed", 405)
	_, err = b.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: &bucket})
	wantCode(t, "delete", err, "MethodNotAllowed", 405)
	f.put(b, bucket, "k", "still let in")
}

// s3:signatureAge bounds for how long presigned requests are of use.
func TestSignatureAge(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	a, ctx := f.client(id, secret), t.Context()
	bucket := f.bucket(a, "aging-bucket")
	f.put(a, bucket, "k", "x")
	f.policy(a, bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::aging-bucket/*","Condition":{"NumericGreaterThan":{"s3:signatureAge":"600000"}}}}`)
	presigned := func(age time.Duration) int {
		t.Helper()
		signed, err := sdk.NewPresignClient(a).PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")}, func(o *sdk.PresignOptions) {
			o.Expires = time.Hour
			o.Presigner = agedPresigner{v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), time.Now().Add(-age)}
		})
		must(t, err)
		r, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, nil)
		must(t, err)
		answer, err := aws.InProcess{Handler: f.mux}.RoundTrip(r)
		must(t, err)
		must(t, answer.Body.Close())
		return answer.StatusCode
	}
	if got := presigned(time.Minute); got != 200 {
		t.Errorf("a signature of a minute ago: %d", got)
	}
	if got := presigned(20 * time.Minute); got != 403 {
		t.Errorf("a signature of twenty minutes ago: %d", got)
	}
}

type agedPresigner struct {
	*v4.Signer
	signed time.Time
}

func (a agedPresigner) PresignHTTP(ctx context.Context, c awssdk.Credentials, r *http.Request, hash, service, region string, _ time.Time, options ...func(*v4.SignerOptions)) (string, http.Header, error) {
	return a.Signer.PresignHTTP(ctx, c, r, hash, service, region, a.signed, options...)
}
