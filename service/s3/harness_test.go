package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/identity"
	"cairn/internal/objectstore"
	. "cairn/service/s3"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

const (
	accountA = "111111111111"
	accountB = "222222222222"
)

// A front is S3 behind a Mux with real identities and a real store.
type front struct {
	t       *testing.T
	catalog *catalog.Catalog
	dir     string // of the objects
	store   *identity.Store
	objects *objectstore.Store
	service *Service
	mux     *aws.Mux
	kms     *fakeKMS
	calls   *notebook
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{t: t, dir: t.TempDir(), kms: &fakeKMS{}, calls: &notebook{}}
	var err error
	f.catalog, err = catalog.Open(catalog.Config{Dir: t.TempDir()})
	must(t, err)
	f.store, err = identity.Open(f.catalog, identity.Options{})
	must(t, err)
	f.objects, err = objectstore.Open(objectstore.Config{Dir: f.dir})
	must(t, err)
	t.Cleanup(func() {
		must(t, f.objects.Close())
		must(t, f.catalog.Close())
	})
	f.service = &Service{
		Objects: f.objects, Sealer: f.catalog.Keyring(), Identities: f.store, Regions: []string{"us-east-1", "eu-west-1"},
		KMS: func(c *aws.Call, region string) DataKeys { return f.kms.of(c, region) },
	}
	f.mux = aws.NewMux(aws.Config{Keys: f.store, Authorizer: f.store, Recorder: f.calls, Regions: []string{"us-east-1", "eu-west-1"}})
	f.mux.Serve(f.service.API())
	return f
}

// root is the client of an account's root user, which it makes.
func (f *front) root(account string) *sdk.Client {
	f.t.Helper()
	id, secret, err := f.store.AddAccount(account)
	must(f.t, err)
	return f.client(id, secret)
}

func (f *front) client(id, secret string) *sdk.Client {
	return newClient(aws.InProcess{Handler: f.mux}, id, secret, "us-east-1")
}

// user is the client of a new user with a policy, none if it is empty.
func (f *front) user(account, name, document string) *sdk.Client {
	f.t.Helper()
	u := &identity.User{Head: identity.Head{Name: name, Path: "/"}}
	if document != "" {
		u.Inline = map[string]string{"own": document}
	}
	must(f.t, f.store.Users.Create(account, u, nil))
	k, secret, err := f.store.CreateAccessKey(account, name)
	must(f.t, err)
	return f.client(k.ID, secret)
}

// anonymous is a client without credentials.
func (f *front) anonymous() *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String("http://s3.invalid"), UsePathStyle: true, RetryMaxAttempts: 1,
		HTTPClient: &http.Client{Transport: aws.InProcess{Handler: f.mux}}, Credentials: awssdk.AnonymousCredentials{},
	})
}

// service is the client of a service that acts on its own behalf.
func (f *front) principal(p aws.ServicePrincipal) *sdk.Client {
	return newClient(f.mux.As(p), "any", "any", "us-east-1")
}

func newClient(transport http.RoundTripper, id, secret, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: awssdk.String("http://s3.invalid"), UsePathStyle: true, RetryMaxAttempts: 1,
		HTTPClient: &http.Client{Transport: transport}, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		RequestChecksumCalculation: awssdk.RequestChecksumCalculationWhenSupported, // as clients have it that load a configuration
	})
}

// bucket makes a bucket.
func (f *front) bucket(c *sdk.Client, name string) string {
	f.t.Helper()
	_, err := c.CreateBucket(f.t.Context(), &sdk.CreateBucketInput{Bucket: &name})
	must(f.t, err)
	return name
}

// locked makes a bucket with object lock.
func (f *front) locked(c *sdk.Client, name string) string {
	f.t.Helper()
	_, err := c.CreateBucket(f.t.Context(), &sdk.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: p(true)})
	must(f.t, err)
	return name
}

func (f *front) put(c *sdk.Client, bucket, key, body string) *sdk.PutObjectOutput {
	f.t.Helper()
	out, err := c.PutObject(f.t.Context(), &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte(body))})
	must(f.t, err)
	return out
}

func (f *front) policy(c *sdk.Client, bucket, document string) {
	f.t.Helper()
	_, err := c.PutBucketPolicy(f.t.Context(), &sdk.PutBucketPolicyInput{Bucket: &bucket, Policy: &document})
	must(f.t, err)
}

func get(c *sdk.Client, in *sdk.GetObjectInput) (string, *sdk.GetObjectOutput, error) {
	out, err := c.GetObject(context.Background(), in)
	if err != nil {
		return "", nil, err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	return string(b), out, err
}

// A notebook is a recorder that keeps the calls.
type notebook struct {
	mu      sync.Mutex
	calls   []aws.Call
	counted []string
}

func (n *notebook) Ready(*aws.Call) error { return nil }

func (n *notebook) Record(_ context.Context, c *aws.Call) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, *c)
	return nil
}

func (n *notebook) Count(_ *aws.Call, e *aws.Error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counted = append(n.counted, e.Code)
}

func p[T any](v T) *T { return &v }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails the test unless an error has a code and a status.
func wantCode(t *testing.T, what string, err error, code string, status int) {
	t.Helper()
	var api smithy.APIError
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &response) || api.ErrorCode() != code || response.HTTPStatusCode() != status {
		t.Errorf("%s: error %v, want %s (%d)", what, err, code, status)
	}
}

// soon is a time within the next hour, in whole seconds.
func soon() time.Time { return time.Now().Add(time.Hour).UTC().Truncate(time.Second) }
