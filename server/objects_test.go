package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/aws"
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

// A KMS at a URL sees the server's credentials and not the caller of S3: only
// accounts that may use all of its keys get there, and the services that act for
// them.
func TestObjectsAtAForeignKMS(t *testing.T) {
	t.Parallel()
	const operator, allowed, stranger = "111111111111", "222222222222", "333333333333"
	asked := make(chan string, 1)
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		io.WriteString(w, `{"CiphertextBlob":"eA==","Plaintext":"eA==","KeyId":"k"}`)
	}))
	t.Cleanup(foreign.Close)
	s := &Server{cfg: Config{AccountID: operator, KMS: Companion{
		URL: foreign.URL, AccessKeyID: "AKIAFOREIGN", Secret: "secret", Allow: map[string][]string{allowed: {"*"}, stranger: {"a-bucket"}},
	}}}
	for name, c := range map[string]struct {
		identity aws.Identity
		ok       bool
	}{
		"operator":               {aws.Identity{Type: "IAMUser", AccountID: operator}, true},
		"allowed":                {aws.Identity{Type: "IAMUser", AccountID: allowed}, true},
		"stranger":               {aws.Identity{Type: "Root", AccountID: stranger}, false},
		"anonymous":              {aws.Identity{Type: "AWSAccount", AccountID: "ANONYMOUS_PRINCIPAL"}, false},
		"a service for allowed":  {aws.Identity{Type: "AWSService", InvokedBy: "cloudtrail.amazonaws.com", SourceAccount: allowed}, true},
		"a service for stranger": {aws.Identity{Type: "AWSService", InvokedBy: "cloudtrail.amazonaws.com", SourceAccount: stranger}, false},
	} {
		_, err := s.kmsFor(&aws.Call{Identity: c.identity}, "eu-west-1").GenerateDataKey(t.Context(), &awskms.GenerateDataKeyInput{KeyId: awssdk.String("alias/k"), KeySpec: "AES_256"})
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", name, err)
		}
		select {
		case scope := <-asked:
			if !c.ok || !strings.Contains(scope, "AKIAFOREIGN/") || !strings.Contains(scope, "/eu-west-1/kms/") {
				t.Errorf("%s: the foreign KMS was asked with %s", name, scope)
			}
		default:
			if c.ok {
				t.Errorf("%s: the foreign KMS was not asked", name)
			}
		}
	}
}
