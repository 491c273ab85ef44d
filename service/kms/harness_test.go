package kms_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/identity"
	"cairn/record"
	. "cairn/service/kms"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

const (
	accountA = "111111111111"
	accountB = "222222222222"
	region   = "us-east-1"
)

// A front is KMS behind a Mux, with real identities and the records of its calls.
type front struct {
	t       *testing.T
	catalog *catalog.Catalog
	store   *identity.Store
	service *Service
	mux     *aws.Mux
	ahead   atomic.Int64 // of the clock, in nanoseconds

	mu      sync.Mutex
	records []string
	last    aws.Call
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{t: t}
	var err error
	f.catalog, err = catalog.Open(catalog.Config{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, f.catalog.Close()) })
	f.store, err = identity.Open(f.catalog, identity.Options{DefaultAccount: accountA})
	must(t, err)
	f.serve(f.catalog, f.store)
	return f
}

// serve lets the front stand on a catalog.
func (f *front) serve(c *catalog.Catalog, store *identity.Store) {
	f.store = store
	f.service = &Service{Catalog: c, Principals: store, Logger: slog.New(slog.DiscardHandler), Now: f.now}
	f.mux = aws.NewMux(aws.Config{Keys: store, Authorizer: store, Recorder: f, Regions: []string{region, "eu-west-1"}})
	f.mux.Serve(f.service.API())
}

func (f *front) now() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) }

func (f *front) wait(d time.Duration) { f.ahead.Add(int64(d)) }

func (f *front) Record(_ context.Context, c *aws.Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = *c
	f.records = append(f.records, string(record.Append(nil, c, record.Details{})))
	return nil
}

func (f *front) Ready(*aws.Call) error { return nil }

func (f *front) Count(*aws.Call, *aws.Error) {}

func (f *front) lastRecord() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.records[len(f.records)-1]
}

// A caller is who signs requests, and where.
type caller struct{ region, id, secret string }

func newClient(transport http.RoundTripper, c caller) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: c.region, BaseEndpoint: awssdk.String("http://kms.invalid"), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(c.id, c.secret, ""), RetryMaxAttempts: 1,
	})
}

func (f *front) client(c caller) *sdk.Client { return newClient(aws.InProcess{Handler: f.mux}, c) }

func (f *front) rootCaller(account string) caller {
	f.t.Helper()
	id, secret, err := f.store.AddAccount(account)
	must(f.t, err)
	return caller{region, id, secret}
}

func (f *front) root(account string) *sdk.Client { return f.client(f.rootCaller(account)) }

// user makes a user whom a policy allows actions on everything.
func (f *front) user(account, name string, actions ...string) *sdk.Client {
	f.t.Helper()
	u := &identity.User{Head: identity.Head{Name: name, Path: "/"}}
	if len(actions) > 0 {
		u.Inline = map[string]string{"inline": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}}`}
	}
	must(f.t, f.store.Users.Create(account, u, nil))
	k, secret, err := f.store.CreateAccessKey(account, name)
	must(f.t, err)
	return f.client(caller{region, k.ID, secret})
}

// service is a client for what a service does on its own behalf.
func (f *front) serviceClient(p aws.ServicePrincipal) *sdk.Client {
	return newClient(f.mux.As(p), caller{region, "AKIAEXAMPLE", "secret"})
}

func userARN(account, name string) string { return "arn:aws:iam::" + account + ":user/" + name }

// createKey makes a key and returns its metadata.
func createKey(t *testing.T, c *sdk.Client, change ...func(*sdk.CreateKeyInput)) *types.KeyMetadata {
	t.Helper()
	in := &sdk.CreateKeyInput{}
	for _, fn := range change {
		fn(in)
	}
	out, err := c.CreateKey(t.Context(), in)
	must(t, err)
	return out.KeyMetadata
}

func ofSpec(spec types.KeySpec, usage types.KeyUsageType) func(*sdk.CreateKeyInput) {
	return func(in *sdk.CreateKeyInput) { in.KeySpec, in.KeyUsage = spec, usage }
}

// withPolicy is for keys with the account's own statement and more.
func withPolicy(account string, statements ...string) func(*sdk.CreateKeyInput) {
	return func(in *sdk.CreateKeyInput) { in.Policy = p(document(account, statements...)) }
}

func document(account string, statements ...string) string {
	own := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}`
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(append([]string{own}, statements...), ",") + `]}`
}

func encrypt(t *testing.T, c *sdk.Client, keyID string, context map[string]string, plaintext string) []byte {
	t.Helper()
	out, err := c.Encrypt(t.Context(), &sdk.EncryptInput{KeyId: &keyID, Plaintext: []byte(plaintext), EncryptionContext: context})
	must(t, err)
	return out.CiphertextBlob
}

func decrypt(t *testing.T, c *sdk.Client, blob []byte, context map[string]string) (string, error) {
	out, err := c.Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: blob, EncryptionContext: context})
	if err != nil {
		return "", err
	}
	return string(out.Plaintext), nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("%s: error %v, want %s", what, err, code)
	}
}

func p[T any](v T) *T { return &v }

func signRequest(t *testing.T, r *http.Request, service, id, secret, body string) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	must(t, v4.NewSigner().SignHTTP(t.Context(), awssdk.Credentials{AccessKeyID: id, SecretAccessKey: secret}, r, hex.EncodeToString(sum[:]), service, region, time.Now()))
}
