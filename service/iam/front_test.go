package iam_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/identity"
	. "cairn/service/iam"

	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
)

const (
	accountA = "111111111111"
	accountB = "222222222222"
)

func newStore(t *testing.T) *identity.Store {
	t.Helper()
	cat, err := catalog.Open(catalog.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cat.Close() })
	s, err := identity.Open(cat, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A front is IAM behind a Mux, with what it recorded.
type front struct {
	t     *testing.T
	store *identity.Store
	mux   *aws.Mux

	mu    sync.Mutex
	calls []aws.Call
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{t: t, store: newStore(t)}
	f.mux = aws.NewMux(aws.Config{Keys: f.store, Authorizer: f.store, Recorder: f, Now: time.Now})
	f.mux.Serve((&Service{Store: f.store}).API())
	return f
}

func (f *front) Record(_ context.Context, c *aws.Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, *c)
	return nil
}

func (f *front) Ready(*aws.Call) error { return nil }

func (f *front) Count(*aws.Call, *aws.Error) {}

// root returns the client of an account's root user, which it makes.
func (f *front) root(account string) *sdk.Client {
	f.t.Helper()
	id, secret, err := f.store.AddAccount(account)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.client(id, secret)
}

func (f *front) client(id, secret string) *sdk.Client {
	return newClient(aws.InProcess{Handler: f.mux}, id, secret)
}

// as makes a user with an inline policy, and returns the user's client.
func (f *front) as(root *sdk.Client, name, document string) *sdk.Client {
	f.t.Helper()
	ctx := f.t.Context()
	must(root.CreateUser(ctx, &sdk.CreateUserInput{UserName: &name}))(f.t)
	if document != "" {
		must(root.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{UserName: &name, PolicyName: &name, PolicyDocument: &document}))(f.t)
	}
	k := must(root.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{UserName: &name}))(f.t).AccessKey
	return f.client(*k.AccessKeyId, *k.SecretAccessKey)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantCode fails the test unless an error has a code and status.
func wantCode(t *testing.T, what string, err error, code string, status int) {
	t.Helper()
	var api smithy.APIError
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Errorf("%s: error %v, want %s", what, err, code)
		return
	}
	if api.ErrorCode() != code || response.HTTPStatusCode() != status {
		t.Errorf("%s: %s (%d) %q, want %s (%d)", what, api.ErrorCode(), response.HTTPStatusCode(), api.ErrorMessage(), code, status)
	}
}

func p[T any](v T) *T { return &v }

func second[T any](_ T, err error) error { return err }

func names[T any](list []T, name func(T) *string) []string {
	all := []string{}
	for _, e := range list {
		all = append(all, *name(e))
	}
	return all
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
