package sts_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/identity"
	. "cairn/service/sts"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

const (
	accountA = "111111111111"
	accountB = "222222222222"
)

func newStore(t *testing.T, dev bool) *identity.Store { return openStore(t, dev, time.Now) }

func openStore(t *testing.T, dev bool, now func() time.Time) *identity.Store {
	t.Helper()
	cat, err := catalog.Open(catalog.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cat.Close() })
	s, err := identity.Open(cat, identity.Options{Dev: dev, DefaultAccount: accountA, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newClient(transport http.RoundTripper, id, secret, token string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String("http://sts.invalid"), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token), RetryMaxAttempts: 1,
	})
}

// A front is STS behind a Mux, with the last call that it recorded.
type front struct {
	t     *testing.T
	store *identity.Store
	mux   *aws.Mux

	mu   sync.Mutex
	last aws.Call
}

func newFront(t *testing.T, dev bool) *front {
	f := &front{t: t, store: newStore(t, dev)}
	f.mux = aws.NewMux(aws.Config{Keys: f.store, Authorizer: f.store, Recorder: f})
	f.mux.Serve((&Service{Store: f.store}).API())
	return f
}

func (f *front) Record(_ context.Context, c *aws.Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = *c
	return nil
}

func (f *front) Ready(*aws.Call) error { return nil }

func (f *front) Count(*aws.Call, *aws.Error) {}

func (f *front) client(id, secret, token string) *sdk.Client {
	return newClient(aws.InProcess{Handler: f.mux}, id, secret, token)
}

func (f *front) with(c *types.Credentials) *sdk.Client {
	return f.client(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func (f *front) root(account string) *sdk.Client {
	id, secret, err := f.store.AddAccount(account)
	must(f.t, err)
	return f.client(id, secret, "")
}

// user makes a user with an inline policy that allows actions on everything.
func (f *front) user(account, name string, actions ...string) *sdk.Client {
	f.t.Helper()
	u := &identity.User{Head: identity.Head{Name: name, Path: "/", Tags: map[string]string{"team": "sea"}}}
	if len(actions) > 0 {
		u.Inline = map[string]string{"inline": allow(actions...)}
	}
	must(f.t, f.store.Users.Create(account, u, nil))
	k, secret, err := f.store.CreateAccessKey(account, name)
	must(f.t, err)
	return f.client(k.ID, secret, "")
}

func (f *front) role(account, name, trust string, actions ...string) string {
	f.t.Helper()
	trusted, err := f.store.TrustedIDs(account, trust)
	must(f.t, err)
	r := &identity.Role{Head: identity.Head{Name: name, Path: "/"}, Trust: trust, Trusted: trusted, MaxSession: 2 * time.Hour}
	if len(actions) > 0 {
		r.Inline = map[string]string{"inline": allow(actions...)}
	}
	must(f.t, f.store.Roles.Create(account, r, nil))
	return r.ARN(account)
}

func allow(actions ...string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}}`
}

func trust(principal, more string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]` + more + `}}`
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

// who is the ARN that a client's credentials stand for.
func who(t *testing.T, c *sdk.Client) string {
	t.Helper()
	out, err := c.GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	must(t, err)
	return *out.Arn
}

func whoError(t *testing.T, c *sdk.Client) error {
	_, err := c.GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	return err
}

func assume(t *testing.T, c *sdk.Client, in sdk.AssumeRoleInput) (*sdk.AssumeRoleOutput, error) {
	if in.RoleSessionName == nil {
		in.RoleSessionName = p("session")
	}
	return c.AssumeRole(t.Context(), &in)
}

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root, kit := f.root(accountA), f.user(accountA, "kit")
	out, err := root.GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	must(t, err)
	if *out.Arn != "arn:aws:iam::"+accountA+":root" || *out.UserId != accountA || *out.Account != accountA {
		t.Errorf("root is %s, %s, %s", *out.Arn, *out.UserId, *out.Account)
	}
	if arn := who(t, kit); arn != "arn:aws:iam::"+accountA+":user/kit" { // no policy allows it
		t.Errorf("kit is %s", arn)
	}
	wantCode(t, "an unknown key", whoError(t, f.client("AKIAIOSFODNN7EXAMPLE", "secret", "")), "InvalidClientTokenId")
	info, err := root.GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: &f.last.Identity.AccessKeyID})
	must(t, err)
	if *info.Account != accountA {
		t.Errorf("the key is one of %s", *info.Account)
	}
	_, err = kit.GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: &f.last.Identity.AccessKeyID})
	wantCode(t, "GetAccessKeyInfo without permission", err, "AccessDenied")
	_, err = root.GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: p("AKIAIOSFODNN7EXAMPLE")})
	wantCode(t, "a key of before 2019", err, "ValidationError")
}

func TestSessionToken(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	kit := f.user(accountA, "kit")
	out, err := kit.GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{DurationSeconds: p(int32(900))})
	must(t, err)
	c := out.Credentials
	session := f.with(c)
	if arn := who(t, session); arn != "arn:aws:iam::"+accountA+":user/kit" || !strings.HasPrefix(*c.AccessKeyId, "ASIA") || f.last.Identity.Session == nil {
		t.Errorf("the session is one of %s", arn)
	}
	_, err = session.GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{})
	wantCode(t, "a session from a session", err, "AccessDenied")
	_, err = kit.GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{SerialNumber: p("arn:aws:iam::111111111111:mfa/kit"), TokenCode: p("123456")})
	wantCode(t, "with an MFA device", err, "AccessDenied")

	other, err := kit.GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{MinimumSessionTokenSize: p(int32(4001))})
	must(t, err)
	if n := len(*other.Credentials.SessionToken); n < 4001 || n > 4010 {
		t.Errorf("the token has %d bytes", n)
	}
	who(t, f.with(other.Credentials))
	for what, client := range map[string]*sdk.Client{
		"without its token":        f.client(*c.AccessKeyId, *c.SecretAccessKey, ""),
		"with another token":       f.client(*c.AccessKeyId, *c.SecretAccessKey, *other.Credentials.SessionToken),
		"with a changed token":     f.client(*c.AccessKeyId, *c.SecretAccessKey, "A"+*c.SessionToken),
		"with a token that is not": f.client(*c.AccessKeyId, *c.SecretAccessKey, "token"),
	} {
		wantCode(t, what, whoError(t, client), "InvalidClientTokenId")
	}
	wantCode(t, "with a wrong secret", whoError(t, f.client(*c.AccessKeyId, "secret", *c.SessionToken)), "SignatureDoesNotMatch")

	keys, err := f.store.AccessKeys(accountA, "kit")
	must(t, err)
	must(t, f.store.DeleteAccessKey(accountA, "kit", keys[0].ID))
	who(t, session) // outlives the key that it was made with
	must(t, f.store.Users.Delete(accountA, "kit", func(*identity.User) error { return nil }))
	wantCode(t, "a session of a deleted user", whoError(t, session), "InvalidClientTokenId")
	f.user(accountA, "kit")
	wantCode(t, "the session of an earlier user of that name", whoError(t, session), "InvalidClientTokenId")
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(accountA)
	kit := f.user(accountA, "kit", "sts:*")
	plain := f.user(accountA, "plain")
	arn := f.role(accountA, "deploy", trust("arn:aws:iam::"+accountA+":root", ""), "sts:GetAccessKeyInfo", "sts:AssumeRole")

	out, err := assume(t, kit, sdk.AssumeRoleInput{RoleArn: &arn, RoleSessionName: p("kit")})
	must(t, err)
	session := f.with(out.Credentials)
	if got := who(t, session); got != "arn:aws:sts::"+accountA+":assumed-role/deploy/kit" || got != *out.AssumedRoleUser.Arn {
		t.Errorf("the session is %s", got)
	}
	issuer := f.last.Identity.Session.Issuer
	if f.last.Identity.Type != "AssumedRole" || issuer.ARN != arn || issuer.UserName != "deploy" || f.last.Identity.PrincipalID != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("the call is recorded as one of %+v, %+v", f.last.Identity, issuer)
	}
	if length := time.Until(*out.Credentials.Expiration); length < 59*time.Minute || length > time.Hour {
		t.Errorf("the session holds %v", length)
	}
	id := &sdk.GetAccessKeyInfoInput{AccessKeyId: &f.last.Identity.AccessKeyID}
	_, err = session.GetAccessKeyInfo(t.Context(), id)
	must(t, err)

	for what, c := range map[string]struct {
		client *sdk.Client
		in     sdk.AssumeRoleInput
		code   string
	}{
		"a user without permission": {plain, sdk.AssumeRoleInput{RoleArn: &arn}, "AccessDenied"},
		"a root user":               {root, sdk.AssumeRoleInput{RoleArn: &arn}, "AccessDenied"},
		"a role that is not":        {kit, sdk.AssumeRoleInput{RoleArn: p(arn + "s")}, "AccessDenied"},
		"an ARN that is none":       {kit, sdk.AssumeRoleInput{RoleArn: p("this is no ARN of a role")}, "ValidationError"},
		"longer than the role's":    {kit, sdk.AssumeRoleInput{RoleArn: &arn, DurationSeconds: p(int32(7201))}, "ValidationError"},
		"longer than a chain's":     {session, sdk.AssumeRoleInput{RoleArn: &arn, DurationSeconds: p(int32(3601))}, "ValidationError"},
		"an MFA device":             {kit, sdk.AssumeRoleInput{RoleArn: &arn, SerialNumber: p("arn:aws:iam::111111111111:mfa/kit"), TokenCode: p("123456")}, "AccessDenied"},
		"a malformed policy":        {kit, sdk.AssumeRoleInput{RoleArn: &arn, Policy: p("{")}, "MalformedPolicyDocument"},
		"a policy that is not":      {kit, sdk.AssumeRoleInput{RoleArn: &arn, PolicyArns: []types.PolicyDescriptorType{{Arn: p("arn:aws:iam::aws:policy/Nothing")}}}, "ValidationError"},
	} {
		_, err := assume(t, c.client, c.in)
		wantCode(t, what, err, c.code)
	}
	long, err := assume(t, kit, sdk.AssumeRoleInput{RoleArn: &arn, DurationSeconds: p(int32(7200))})
	must(t, err)
	_, err = assume(t, f.with(long.Credentials), sdk.AssumeRoleInput{RoleArn: &arn})
	must(t, err)

	// Session policies limit, and the loss of one does not widen.
	for what, in := range map[string]sdk.AssumeRoleInput{
		"an inline session policy": {RoleArn: &arn, Policy: p(allow("s3:*"))},
		"a managed session policy": {RoleArn: &arn, PolicyArns: []types.PolicyDescriptorType{{Arn: p("arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess")}}},
	} {
		limited, err := assume(t, kit, in)
		must(t, err)
		if *limited.SessionTokenUtilization < 1 || int(*limited.SessionTokenSize) != len(*limited.Credentials.SessionToken) {
			t.Errorf("%s: a token of %d bytes, %d%%", what, *limited.SessionTokenSize, *limited.SessionTokenUtilization)
		}
		_, err = f.with(limited.Credentials).GetAccessKeyInfo(t.Context(), id)
		wantCode(t, what, err, "AccessDenied")
	}
	own := &identity.Policy{Head: identity.Head{Name: "own", Path: "/"}, Default: "v1", Versions: []identity.PolicyVersion{{ID: "v1", Document: allow("sts:*")}}}
	must(t, f.store.Policies.Create(accountA, own, nil))
	limited, err := assume(t, kit, sdk.AssumeRoleInput{RoleArn: &arn, PolicyArns: []types.PolicyDescriptorType{{Arn: p(own.ARN(accountA))}}})
	must(t, err)
	_, err = f.with(limited.Credentials).GetAccessKeyInfo(t.Context(), id)
	must(t, err)
	must(t, f.store.Policies.Delete(accountA, "own", func(*identity.Policy) error { return nil }))
	_, err = f.with(limited.Credentials).GetAccessKeyInfo(t.Context(), id)
	wantCode(t, "after the session policy is gone", err, "AccessDenied")

	must(t, f.store.Roles.Delete(accountA, "deploy", func(*identity.Role) error { return nil }))
	wantCode(t, "a session of a deleted role", whoError(t, session), "InvalidClientTokenId")
}

func TestAssumeRoleAcrossAccounts(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	kit, plain := f.user(accountA, "kit", "sts:AssumeRole"), f.user(accountA, "plain")
	open := f.role(accountB, "open", trust("arn:aws:iam::"+accountA+":root", `,"Condition":{"StringEquals":{"sts:ExternalId":"pact"}}`))
	closed := f.role(accountB, "closed", trust("arn:aws:iam::"+accountB+":root", ""))
	named := f.role(accountB, "named", trust("arn:aws:iam::"+accountA+":user/plain", ""))

	out, err := assume(t, kit, sdk.AssumeRoleInput{RoleArn: &open, ExternalId: p("pact")})
	must(t, err)
	if arn := who(t, f.with(out.Credentials)); arn != "arn:aws:sts::"+accountB+":assumed-role/open/session" {
		t.Errorf("the session is %s", arn)
	}
	_, err = assume(t, kit, sdk.AssumeRoleInput{RoleArn: &open})
	wantCode(t, "without the external ID", err, "AccessDenied")
	_, err = assume(t, kit, sdk.AssumeRoleInput{RoleArn: &open, ExternalId: p("another")})
	wantCode(t, "with another external ID", err, "AccessDenied")
	_, err = assume(t, kit, sdk.AssumeRoleInput{RoleArn: &closed})
	wantCode(t, "a role that does not trust the account", err, "AccessDenied")
	_, missing := assume(t, kit, sdk.AssumeRoleInput{RoleArn: p(strings.Replace(closed, "closed", "nosuch", 1))})
	if strings.ReplaceAll(err.Error(), "closed", "") == "" || message(err, "closed") != message(missing, "nosuch") {
		t.Errorf("a role that is not there is refused by %v, and one that is by %v", missing, err)
	}
	_, err = assume(t, plain, sdk.AssumeRoleInput{RoleArn: &named})
	wantCode(t, "a caller whose own account does not allow it", err, "AccessDenied")
}

// message is an error's text without the role's name.
func message(err error, role string) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return strings.ReplaceAll(api.ErrorMessage(), role, "")
}

func TestSessionTags(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	kit := f.user(accountA, "kit", "sts:*")
	first := f.role(accountA, "first", trust(accountA, ""), "sts:*")
	next := f.role(accountA, "next", trust(accountA, `,"Condition":{"StringEquals":{"aws:RequestTag/project":"reef"}}`), "sts:*")
	tags := []types.Tag{{Key: p("project"), Value: p("reef")}, {Key: p("cost"), Value: p("7")}}
	out, err := assume(t, kit, sdk.AssumeRoleInput{RoleArn: &first, Tags: tags, TransitiveTagKeys: []string{"project"}, SourceIdentity: p("kit@sea")})
	must(t, err)
	session := f.with(out.Credentials)
	who(t, session)
	if s := f.last.Identity.Session; s.Tags["project"] != "reef" || s.Tags["cost"] != "7" || s.SourceIdentity != "kit@sea" {
		t.Errorf("the session has %v, %q", s.Tags, s.SourceIdentity)
	}
	// The transitive tag goes on to the next session, which the role asks for.
	out, err = assume(t, session, sdk.AssumeRoleInput{RoleArn: &next})
	must(t, err)
	who(t, f.with(out.Credentials))
	if s := f.last.Identity.Session; s.Tags["project"] != "reef" || s.Tags["cost"] != "" || s.SourceIdentity != "kit@sea" {
		t.Errorf("the next session has %v, %q", s.Tags, s.SourceIdentity)
	}
	_, err = assume(t, session, sdk.AssumeRoleInput{RoleArn: &next, Tags: tags[:1]})
	wantCode(t, "a tag that is inherited", err, "ValidationError")
	for _, name := range []string{"Project", "PROJECT", "proJECT"} {
		_, err = assume(t, session, sdk.AssumeRoleInput{RoleArn: &next, Tags: []types.Tag{{Key: &name, Value: p("reef")}}})
		wantCode(t, "an inherited tag as "+name, err, "ValidationError")
	}
	full := make([]types.Tag, 0, 50)
	for i := range cap(full) {
		full = append(full, types.Tag{Key: p(fmt.Sprintf("k%d", i)), Value: p("v")})
	}
	_, err = assume(t, session, sdk.AssumeRoleInput{RoleArn: &next, Tags: full})
	wantCode(t, "51 tags with the inherited one", err, "ValidationError")
	_, err = assume(t, session, sdk.AssumeRoleInput{RoleArn: &next, Tags: full[:49]})
	must(t, err)
	// A transitive key means the tag, however it is spelled.
	out, err = assume(t, kit, sdk.AssumeRoleInput{RoleArn: &first, Tags: tags, TransitiveTagKeys: []string{"PROJECT", "project"}})
	must(t, err)
	_, err = assume(t, f.with(out.Credentials), sdk.AssumeRoleInput{RoleArn: &next})
	must(t, err)
	_, err = assume(t, session, sdk.AssumeRoleInput{RoleArn: &next, SourceIdentity: p("another")})
	wantCode(t, "another source identity", err, "AccessDenied")
	_, err = assume(t, kit, sdk.AssumeRoleInput{RoleArn: &next})
	wantCode(t, "without the tag", err, "AccessDenied")
	_, err = assume(t, kit, sdk.AssumeRoleInput{RoleArn: &first, Tags: append(tags, types.Tag{Key: p("PROJECT"), Value: p("x")})})
	wantCode(t, "the same tag twice", err, "ValidationError")

	var many []types.Tag
	for i := range 50 {
		value := rand.Text() + rand.Text() + rand.Text() + rand.Text() + rand.Text()
		many = append(many, types.Tag{Key: p(fmt.Sprintf("key-%d", i)), Value: &value})
	}
	_, err = assume(t, kit, sdk.AssumeRoleInput{RoleArn: &first, Tags: many})
	wantCode(t, "tags that take too much space", err, "PackedPolicyTooLarge")
}

func TestFederationToken(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	kit := f.user(accountA, "kit", "sts:GetFederationToken", "sts:GetAccessKeyInfo")
	in := &sdk.GetAccessKeyInfoInput{}
	for policy, code := range map[string]string{allow("sts:GetAccessKeyInfo"): "", allow("s3:*"): "AccessDenied", "": "AccessDenied"} {
		federate := &sdk.GetFederationTokenInput{Name: p("guest")}
		if policy != "" {
			federate.Policy = &policy
		}
		out, err := kit.GetFederationToken(t.Context(), federate)
		must(t, err)
		guest := f.with(out.Credentials)
		if arn := who(t, guest); arn != "arn:aws:sts::"+accountA+":federated-user/guest" || arn != *out.FederatedUser.Arn {
			t.Errorf("the guest is %s", arn)
		}
		in.AccessKeyId = &f.last.Identity.AccessKeyID
		_, err = guest.GetAccessKeyInfo(t.Context(), in)
		if code != "" {
			wantCode(t, policy, err, code)
		} else {
			must(t, err)
		}
	}
	_, err := f.user(accountA, "plain").GetFederationToken(t.Context(), &sdk.GetFederationTokenInput{Name: p("guest")})
	wantCode(t, "without permission", err, "AccessDenied")
}

// Whom a root user vouches for may assume roles no more than the root user.
func TestRootAssumesNoRole(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(accountA)
	arn := f.role(accountA, "deploy", trust("*", ""))
	_, err := assume(t, root, sdk.AssumeRoleInput{RoleArn: &arn})
	wantCode(t, "root", err, "AccessDenied")
	all := allow("*")
	out, err := root.GetFederationToken(t.Context(), &sdk.GetFederationTokenInput{Name: p("guest"), Policy: &all})
	must(t, err)
	_, err = assume(t, f.with(out.Credentials), sdk.AssumeRoleInput{RoleArn: &arn})
	if wantCode(t, "root's guest", err, "AccessDenied"); err != nil && !strings.Contains(err.Error(), "by root accounts") {
		t.Errorf("root's guest: %v", err)
	}
}

// In development mode everybody is a root user, and may assume roles.
func TestDevelopmentMode(t *testing.T) {
	t.Parallel()
	f := newFront(t, true)
	for id, account := range map[string]string{"test": accountA, "AKIAIOSFODNN7EXAMPLE": accountA, "333333333333": "333333333333"} {
		if arn := who(t, f.client(id, "anything", "")); arn != "arn:aws:iam::"+account+":root" {
			t.Errorf("the key %s is one of %s", id, arn)
		}
	}
	arn := f.role(accountA, "deploy", trust("arn:aws:iam::"+accountA+":root", ""))
	out, err := assume(t, f.client("test", "test", ""), sdk.AssumeRoleInput{RoleArn: &arn})
	must(t, err)
	if got := who(t, f.with(out.Credentials)); got != *out.AssumedRoleUser.Arn {
		t.Errorf("the session is %s", got)
	}
	f.user(accountA, "kit")
	keys, err := f.store.AccessKeys(accountA, "kit")
	must(t, err)
	wantCode(t, "a known key with a wrong secret", whoError(t, f.client(keys[0].ID, "secret", "")), "SignatureDoesNotMatch")
	must(t, f.store.SetAccessKey(accountA, "kit", keys[0].ID, false))
	wantCode(t, "a known key that is inactive", whoError(t, f.client(keys[0].ID, "secret", "")), "InvalidClientTokenId")
}

// A trust policy that names a user or role means that one, not whoever gets its
// name later.
func TestTrustIsInAPersonNotInAName(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	kit := f.user(accountA, "kit")
	arn := f.role(accountA, "deploy", trust("arn:aws:iam::"+accountA+":user/kit", ""))
	relay := f.role(accountA, "relay", trust(accountA, ""), "sts:*")
	byRole := f.role(accountA, "behind", trust(relay, ""))
	admin := f.user(accountA, "admin", "sts:*")
	_, err := assume(t, kit, sdk.AssumeRoleInput{RoleArn: &arn})
	must(t, err)
	out, err := assume(t, admin, sdk.AssumeRoleInput{RoleArn: &relay})
	must(t, err)
	_, err = assume(t, f.with(out.Credentials), sdk.AssumeRoleInput{RoleArn: &byRole})
	must(t, err)

	must(t, f.store.Users.Delete(accountA, "kit", func(*identity.User) error { return nil }))
	must(t, f.store.Roles.Delete(accountA, "relay", func(*identity.Role) error { return nil }))
	impostor := f.user(accountA, "kit", "sts:*")
	f.role(accountA, "relay", trust(accountA, ""), "sts:*")
	_, err = assume(t, impostor, sdk.AssumeRoleInput{RoleArn: &arn})
	wantCode(t, "another user of that name", err, "AccessDenied")
	if !strings.Contains(err.Error(), "user/kit is not authorized") {
		t.Errorf("the refusal does not name the caller: %v", err)
	}
	out, err = assume(t, admin, sdk.AssumeRoleInput{RoleArn: &relay})
	must(t, err)
	_, err = assume(t, f.with(out.Credentials), sdk.AssumeRoleInput{RoleArn: &byRole})
	wantCode(t, "another role of that name", err, "AccessDenied")
}

// A presigned request carries its session token in the query.
func TestPresignedByASession(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	relay := f.role(accountA, "relay", trust(accountA, ""), "sts:*")
	deploy := f.role(accountA, "deploy", trust(accountA, ""))
	out, err := assume(t, f.user(accountA, "admin", "sts:*"), sdk.AssumeRoleInput{RoleArn: &relay})
	must(t, err)
	query := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {deploy}, "RoleSessionName": {"kim"}}
	r, err := http.NewRequest(http.MethodGet, "http://sts.invalid/?"+query.Encode(), nil)
	must(t, err)
	creds := awssdk.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, emptyHash, "sts", "us-east-1", time.Now())
	must(t, err)
	r, err = http.NewRequest(http.MethodGet, signed, nil)
	must(t, err)
	answer, err := aws.InProcess{Handler: f.mux}.RoundTrip(r)
	must(t, err)
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.StatusCode != 200 || !strings.Contains(string(body), ":assumed-role/deploy/kim") {
		t.Errorf("%d: %s", answer.StatusCode, body)
	}
}

// emptyHash is the SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
