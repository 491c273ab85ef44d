package server

import (
	"io"
	"net/http"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// The TCP port serves S3 beside the server's own paths: keys reach it as they are,
// and its data keys come from the KMS of the same server.
func TestObjectsOnThePublicPort(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	a, ctx := serveTest(t, data), t.Context()
	key, err := ReadCredentials(data)
	if err != nil {
		t.Fatal(err)
	}
	provider := credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, "")
	s3 := awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: &a.URL, UsePathStyle: true, Credentials: provider, RetryMaxAttempts: 1})
	kms := awskms.New(awskms.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: provider, RetryMaxAttempts: 1})
	made, err := kms.CreateKey(ctx, &awskms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	bucket := "public-port"
	if _, err := s3.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a//b", "../x", "./health", "plain"} {
		in := &awss3.PutObjectInput{Bucket: &bucket, Key: &name, Body: strings.NewReader("content of " + name), ServerSideEncryption: "aws:kms", SSEKMSKeyId: made.KeyMetadata.Arn}
		if _, err := s3.PutObject(ctx, in); err != nil {
			t.Errorf("put %s: %v", name, err)
			continue
		}
		out, err := s3.GetObject(ctx, &awss3.GetObjectInput{Bucket: &bucket, Key: &name})
		if err != nil {
			t.Errorf("get %s: %v", name, err)
			continue
		}
		body, err := io.ReadAll(out.Body)
		if err != nil || string(body) != "content of "+name || awssdk.ToString(out.SSEKMSKeyId) != *made.KeyMetadata.Arn {
			t.Errorf("%s is %q under %s, %v", name, body, awssdk.ToString(out.SSEKMSKeyId), err)
		}
	}
	if code, _, body := get(t, http.MethodGet, a.URL+"/health", http.Header{}); code != http.StatusOK {
		t.Errorf("/health: %d %s", code, body)
	}
	if code, _, body := get(t, http.MethodGet, a.URL+"/public-port/plain", http.Header{}); code != http.StatusForbidden || !strings.Contains(body, "<Code>AccessDenied</Code>") {
		t.Errorf("a stranger: %d %s", code, body)
	}
}
