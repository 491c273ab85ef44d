package iam_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"cairn/aws"

	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const hidden = "only-b-may-see-this"

// A listener keeps the answers that pass through it.
type listener struct {
	next http.RoundTripper
	mu   sync.Mutex
	last []byte
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = body
	return response, nil
}

// Whatever the root user of one account calls with the names, ARNs and keys of
// another account changes nothing there and shows nothing of it.
func TestAccountsAreWalls(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	b, ctx := f.root(accountB), t.Context()
	tags := []types.Tag{{Key: p("note"), Value: p(hidden)}}
	document := strings.Replace(allowAll, `"Resource":"*"`, `"Resource":"arn:aws:s3:::`+hidden+`"`, 1)
	user := must(b.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("bob"), Tags: tags}))(t).User
	must(b.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{UserName: p("bob"), PolicyName: p("inline"), PolicyDocument: &document}))(t)
	policy := must(b.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: p("managed"), PolicyDocument: &document, Tags: tags, Description: p(hidden)}))(t).Policy
	must(b.AttachUserPolicy(ctx, &sdk.AttachUserPolicyInput{UserName: p("bob"), PolicyArn: policy.Arn}))(t)
	group := must(b.CreateGroup(ctx, &sdk.CreateGroupInput{GroupName: p("crew")}))(t).Group
	must(b.AddUserToGroup(ctx, &sdk.AddUserToGroupInput{GroupName: p("crew"), UserName: p("bob")}))(t)
	role := must(b.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: p("deploy"), AssumeRolePolicyDocument: p(trustIn(accountB)), Tags: tags, Description: p(hidden)}))(t).Role
	profile := must(b.CreateInstanceProfile(ctx, &sdk.CreateInstanceProfileInput{InstanceProfileName: p("web"), Tags: tags}))(t).InstanceProfile
	must(b.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: p("web"), RoleName: p("deploy")}))(t)
	k := must(b.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{UserName: p("bob")}))(t).AccessKey
	must(b.CreateAccountAlias(ctx, &sdk.CreateAccountAliasInput{AccountAlias: p("b-alias")}))(t)
	secrets := []string{hidden, *user.UserId, *policy.PolicyId, *group.GroupId, *role.RoleId, *profile.InstanceProfileId, *k.SecretAccessKey}
	before := stateOf(t, b)

	id, secret, err := f.store.AddAccount(accountA)
	if err != nil {
		t.Fatal(err)
	}
	ear := &listener{next: aws.InProcess{Handler: f.mux}}
	a := newClient(ear, id, secret)
	members := map[string]any{
		"UserName": "bob", "GroupName": "crew", "RoleName": "deploy", "InstanceProfileName": "web", "PolicyName": "inline",
		"PolicyArn": *policy.Arn, "AccessKeyId": *k.AccessKeyId, "PermissionsBoundary": *policy.Arn, "AccountAlias": "b-alias",
		"PolicyDocument": allowAll, "AssumeRolePolicyDocument": trustIn(accountB), "VersionId": "v1", "Description": "x",
		"Status": types.StatusTypeInactive, "TagKeys": []string{"note"}, "Tags": []types.Tag{{Key: p("x"), Value: p("y")}},
	}
	client := reflect.ValueOf(a)
	served := 0
	for i := range client.NumMethod() {
		name := client.Type().Method(i).Name
		method := client.Method(i)
		if method.Type().NumIn() != 3 || !strings.HasSuffix(method.Type().In(1).String(), "Input") {
			continue
		}
		input := reflect.New(method.Type().In(1).Elem())
		for member, value := range members {
			if field := input.Elem().FieldByName(member); field.IsValid() {
				set(field, value)
			}
		}
		if name == "UpdateAssumeRolePolicy" {
			set(input.Elem().FieldByName("PolicyDocument"), trustIn(accountB))
		}
		ear.last = nil
		results := method.Call([]reflect.Value{reflect.ValueOf(ctx), input})
		err, _ := results[1].Interface().(error)
		if ear.last == nil || bytes.Contains(ear.last, []byte("UnsupportedOperation")) || bytes.Contains(ear.last, []byte("InvalidAction")) {
			continue // an operation that is not served, and mostly lacks members here
		}
		served++
		if strings.Contains(fmt.Sprint(err), "ValidationError") || strings.Contains(fmt.Sprint(err), "MalformedPolicyDocument") {
			t.Errorf("%s was not really tried: %v", name, err)
		}
		for _, s := range secrets {
			if bytes.Contains(ear.last, []byte(s)) {
				t.Errorf("%s shows %q of another account: %s", name, s, ear.last)
			}
		}
		if input.Elem().FieldByName("PolicyArn").IsValid() && err == nil {
			t.Errorf("%s acts on a policy of another account", name)
		}
	}
	if served != operations {
		t.Errorf("%d of %d operations were tried", served, operations)
	}
	if after := stateOf(t, b); after != before {
		t.Errorf("the account was changed from\n%s to\n%s", before, after)
	}
	bob := f.client(*k.AccessKeyId, *k.SecretAccessKey)
	wantCode(t, "the other account's key", second(bob.ListUsers(ctx, &sdk.ListUsersInput{})), "AccessDenied", 403)
	if used := must(b.ListAccessKeys(ctx, &sdk.ListAccessKeysInput{UserName: p("bob")}))(t).AccessKeyMetadata; used[0].Status != types.StatusTypeActive {
		t.Error("the key of another account was made inactive")
	}
}

// set gives a field of an SDK's input a value, through its pointer if it has one.
func set(field reflect.Value, value any) {
	v := reflect.ValueOf(value)
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	if v.Type().ConvertibleTo(field.Type()) {
		field.Set(v.Convert(field.Type()))
	}
}

// stateOf is all that an account's root user sees of it.
func stateOf(t *testing.T, root *sdk.Client) string {
	t.Helper()
	ctx := t.Context()
	var b strings.Builder
	details := must(root.GetAccountAuthorizationDetails(ctx, &sdk.GetAccountAuthorizationDetailsInput{}))(t)
	for _, u := range details.UserDetailList {
		keys := must(root.ListAccessKeys(ctx, &sdk.ListAccessKeysInput{UserName: u.UserName}))(t).AccessKeyMetadata
		fmt.Fprintln(&b, *u.UserName, *u.UserId, u.GroupList, len(u.UserPolicyList), len(u.AttachedManagedPolicies), len(u.Tags), len(keys), u.PermissionsBoundary)
	}
	for _, g := range details.GroupDetailList {
		fmt.Fprintln(&b, *g.GroupName, *g.GroupId, len(g.GroupPolicyList), len(g.AttachedManagedPolicies))
	}
	for _, r := range details.RoleDetailList {
		fmt.Fprintln(&b, *r.RoleName, *r.RoleId, *r.AssumeRolePolicyDocument, len(r.InstanceProfileList), len(r.RolePolicyList), len(r.Tags))
	}
	for _, p := range details.Policies {
		fmt.Fprintln(&b, *p.Arn, *p.PolicyId, *p.DefaultVersionId, len(p.PolicyVersionList), *p.AttachmentCount)
	}
	fmt.Fprintln(&b, must(root.ListAccountAliases(ctx, &sdk.ListAccountAliasesInput{}))(t).AccountAliases)
	return b.String()
}
