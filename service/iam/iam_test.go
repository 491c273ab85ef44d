package iam_test

import (
	"net/url"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// A user that gets another name keeps ID, keys, policies and groups.
func TestRename(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	kit := f.as(root, "Kit-user", allowAll)
	must(root.CreateGroup(ctx, &sdk.CreateGroupInput{GroupName: p("crew")}))(t)
	must(root.AddUserToGroup(ctx, &sdk.AddUserToGroupInput{GroupName: p("crew"), UserName: p("Kit-user")}))(t)
	before := must(kit.GetUser(ctx, &sdk.GetUserInput{}))(t).User

	must(root.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: p("Kit-user"), NewUserName: p("Kit-admin"), NewPath: p("/admins/")}))(t)
	after := must(kit.GetUser(ctx, &sdk.GetUserInput{}))(t).User
	if *after.UserName != "Kit-admin" || *after.UserId != *before.UserId || *after.Arn != "arn:aws:iam::"+accountA+":user/admins/Kit-admin" {
		t.Errorf("after the renaming the user is %s, %s, %s", *after.UserName, *after.UserId, *after.Arn)
	}
	if c := f.calls[len(f.calls)-1]; c.Identity.UserName != "Kit-admin" || c.Identity.PrincipalID != *before.UserId || c.Operation != "GetUser" {
		t.Errorf("the call is recorded as one of %+v", c.Identity)
	}
	groups := must(kit.ListGroupsForUser(ctx, &sdk.ListGroupsForUserInput{UserName: p("Kit-admin")}))(t).Groups
	equal(t, "groups", names(groups, func(g types.Group) *string { return g.GroupName }), []string{"crew"})
	policies := must(kit.ListUserPolicies(ctx, &sdk.ListUserPoliciesInput{UserName: p("Kit-admin")}))(t).PolicyNames
	equal(t, "policies", policies, []string{"Kit-user"})
	wantCode(t, "the old name", second(root.GetUser(ctx, &sdk.GetUserInput{UserName: p("Kit-user")})), "NoSuchEntity", 404)
	must(root.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("Kit-user")}))(t)
	wantCode(t, "a name that is taken", second(root.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: p("Kit-user"), NewUserName: p("KIT-ADMIN")})), "EntityAlreadyExists", 409)
	// Only the letters' case changes.
	must(root.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: p("Kit-user"), NewUserName: p("kit-USER")}))(t)
	users := must(root.ListUsers(ctx, &sdk.ListUsersInput{}))(t).Users
	equal(t, "users", names(users, func(u types.User) *string { return u.UserName }), []string{"Kit-admin", "kit-USER"})
	users = must(root.ListUsers(ctx, &sdk.ListUsersInput{PathPrefix: p("/admins")}))(t).Users
	equal(t, "users below /admins", names(users, func(u types.User) *string { return u.UserName }), []string{"Kit-admin"})
}

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	kit := f.as(root, "kit", allowAll)
	must(kit.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{}))(t)
	wantCode(t, "a third key", second(kit.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{})), "LimitExceeded", 409)
	keys := must(kit.ListAccessKeys(ctx, &sdk.ListAccessKeysInput{}))(t).AccessKeyMetadata
	if len(keys) != 2 || len(*keys[0].AccessKeyId) != 20 || *keys[0].UserName != "kit" {
		t.Fatalf("keys: %+v", keys)
	}
	first := f.calls[len(f.calls)-1].Identity.AccessKeyID
	used := must(root.GetAccessKeyLastUsed(ctx, &sdk.GetAccessKeyLastUsedInput{AccessKeyId: &first}))(t)
	if *used.UserName != "kit" || *used.AccessKeyLastUsed.ServiceName != "iam" || used.AccessKeyLastUsed.LastUsedDate == nil {
		t.Errorf("last used: %+v", used.AccessKeyLastUsed)
	}
	wantCode(t, "deleting a user with keys", second(root.DeleteUser(ctx, &sdk.DeleteUserInput{UserName: p("kit")})), "DeleteConflict", 409)

	must(root.UpdateAccessKey(ctx, &sdk.UpdateAccessKeyInput{UserName: p("kit"), AccessKeyId: &first, Status: types.StatusTypeInactive}))(t)
	wantCode(t, "an inactive key", second(kit.GetUser(ctx, &sdk.GetUserInput{})), "InvalidClientTokenId", 403)
	must(root.UpdateAccessKey(ctx, &sdk.UpdateAccessKeyInput{UserName: p("kit"), AccessKeyId: &first, Status: types.StatusTypeActive}))(t)
	must(kit.GetUser(ctx, &sdk.GetUserInput{}))(t)
	for _, k := range keys {
		must(root.DeleteAccessKey(ctx, &sdk.DeleteAccessKeyInput{UserName: p("kit"), AccessKeyId: k.AccessKeyId}))(t)
	}
	wantCode(t, "a deleted key", second(kit.GetUser(ctx, &sdk.GetUserInput{})), "InvalidClientTokenId", 403)
	wantCode(t, "deleting it again", second(root.DeleteAccessKey(ctx, &sdk.DeleteAccessKeyInput{UserName: p("kit"), AccessKeyId: &first})), "NoSuchEntity", 404)
	wantCode(t, "deleting a user with a policy", second(root.DeleteUser(ctx, &sdk.DeleteUserInput{UserName: p("kit")})), "DeleteConflict", 409)
	must(root.DeleteUserPolicy(ctx, &sdk.DeleteUserPolicyInput{UserName: p("kit"), PolicyName: p("kit")}))(t)
	must(root.DeleteUser(ctx, &sdk.DeleteUserInput{UserName: p("kit")}))(t)

	own := must(root.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{}))(t).AccessKey
	second := f.client(*own.AccessKeyId, *own.SecretAccessKey)
	u := must(second.GetUser(ctx, &sdk.GetUserInput{}))(t).User
	if *u.Arn != "arn:aws:iam::"+accountA+":root" {
		t.Errorf("the root user's second key is one of %s", *u.Arn)
	}
}

func TestManagedPolicies(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	document := `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}}`
	made := must(root.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: p("lists"), Path: p("/team/"), PolicyDocument: &document}))(t).Policy
	arn := made.Arn
	if *arn != "arn:aws:iam::"+accountA+":policy/team/lists" || *made.AttachmentCount != 0 || *made.DefaultVersionId != "v1" {
		t.Errorf("created %+v", made)
	}
	kit := f.as(root, "kit", "")
	wantCode(t, "without a policy", second(kit.ListUsers(ctx, &sdk.ListUsersInput{})), "AccessDenied", 403)
	must(root.CreateGroup(ctx, &sdk.CreateGroupInput{GroupName: p("crew")}))(t)
	must(root.AttachGroupPolicy(ctx, &sdk.AttachGroupPolicyInput{GroupName: p("crew"), PolicyArn: arn}))(t)
	must(root.AddUserToGroup(ctx, &sdk.AddUserToGroupInput{GroupName: p("crew"), UserName: p("kit")}))(t)
	must(kit.ListUsers(ctx, &sdk.ListUsersInput{}))(t)
	wantCode(t, "another action", second(kit.GetUser(ctx, &sdk.GetUserInput{})), "AccessDenied", 403)

	deny := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:ListUsers","Resource":"*"}}`
	must(root.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &deny, SetAsDefault: true}))(t)
	wantCode(t, "the new version", second(kit.ListUsers(ctx, &sdk.ListUsersInput{})), "AccessDenied", 403)
	must(root.SetDefaultPolicyVersion(ctx, &sdk.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: p("v1")}))(t)
	must(kit.ListUsers(ctx, &sdk.ListUsersInput{}))(t)
	for range 3 {
		must(root.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &deny}))(t)
	}
	wantCode(t, "a sixth version", second(root.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &deny})), "LimitExceeded", 409)
	wantCode(t, "deleting the default version", second(root.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: arn, VersionId: p("v1")})), "DeleteConflict", 409)
	must(root.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: arn, VersionId: p("v5")}))(t)
	again := must(root.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &deny}))(t).PolicyVersion
	if *again.VersionId != "v6" {
		t.Errorf("version %s follows a deleted v5", *again.VersionId)
	}
	v := must(root.GetPolicyVersion(ctx, &sdk.GetPolicyVersionInput{PolicyArn: arn, VersionId: p("v1")}))(t).PolicyVersion
	if text, err := url.PathUnescape(*v.Document); err != nil || text != document || *v.Document == document || !v.IsDefaultVersion {
		t.Errorf("version v1 is %q", *v.Document)
	}
	pages := sdk.NewListPolicyVersionsPaginator(root, &sdk.ListPolicyVersionsInput{PolicyArn: arn, MaxItems: p(int32(2))})
	var ids []string
	for pages.HasMorePages() {
		ids = append(ids, names(must(pages.NextPage(ctx))(t).Versions, func(v types.PolicyVersion) *string { return v.VersionId })...)
	}
	equal(t, "versions", ids, []string{"v6", "v4", "v3", "v2", "v1"})

	wantCode(t, "deleting it while attached", second(root.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: arn})), "DeleteConflict", 409)
	uses := must(root.ListEntitiesForPolicy(ctx, &sdk.ListEntitiesForPolicyInput{PolicyArn: arn}))(t)
	if len(uses.PolicyGroups) != 1 || *uses.PolicyGroups[0].GroupName != "crew" || len(uses.PolicyUsers)+len(uses.PolicyRoles) != 0 {
		t.Errorf("uses: %+v", uses)
	}
	if n := must(root.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: arn}))(t).Policy.AttachmentCount; *n != 1 {
		t.Errorf("attached %d times", *n)
	}
	must(root.DetachGroupPolicy(ctx, &sdk.DetachGroupPolicyInput{GroupName: p("crew"), PolicyArn: arn}))(t)
	wantCode(t, "deleting it with versions", second(root.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: arn})), "DeleteConflict", 409)
	for _, id := range ids[:4] {
		must(root.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &id}))(t)
	}
	must(root.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: arn}))(t)
	wantCode(t, "the deleted policy", second(root.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: arn})), "NoSuchEntity", 404)
}

func TestAWSPolicies(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	var all []string
	pages := sdk.NewListPoliciesPaginator(root, &sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeAll, MaxItems: p(int32(3))})
	must(root.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: p("zz"), PolicyDocument: p(allowAll)}))(t)
	for pages.HasMorePages() {
		all = append(all, names(must(pages.NextPage(ctx))(t).Policies, func(p types.Policy) *string { return p.PolicyName })...)
	}
	equal(t, "policies", all, []string{"zz", "AWSCloudTrail_FullAccess", "AWSCloudTrail_ReadOnlyAccess", "AdministratorAccess", "IAMFullAccess", "IAMReadOnlyAccess", "ReadOnlyAccess", "SecurityAudit"})
	kit := f.as(root, "kit", "")
	attach := func(name string) {
		t.Helper()
		must(root.AttachUserPolicy(ctx, &sdk.AttachUserPolicyInput{UserName: p("kit"), PolicyArn: p("arn:aws:iam::aws:policy/" + name)}))(t)
	}
	attach("AWSCloudTrail_FullAccess")
	wantCode(t, "IAM by the CloudTrail policy", second(kit.ListUsers(ctx, &sdk.ListUsersInput{})), "AccessDenied", 403)
	attach("IAMReadOnlyAccess")
	must(kit.ListUsers(ctx, &sdk.ListUsersInput{}))(t)
	must(kit.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: p("arn:aws:iam::aws:policy/ReadOnlyAccess")}))(t)
	wantCode(t, "a change by the reading policy", second(kit.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("x")})), "AccessDenied", 403)
	attach("AdministratorAccess")
	must(kit.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("x")}))(t)
	wantCode(t, "changing a policy of AWS", second(root.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: p("arn:aws:iam::aws:policy/SecurityAudit")})), "AccessDenied", 403)

	// A permissions boundary limits what the policies allow.
	must(root.PutUserPermissionsBoundary(ctx, &sdk.PutUserPermissionsBoundaryInput{UserName: p("kit"), PermissionsBoundary: p("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}))(t)
	wantCode(t, "beyond the boundary", second(kit.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("y")})), "AccessDenied", 403)
	must(kit.ListUsers(ctx, &sdk.ListUsersInput{}))(t)
}

func TestDocumentsAreChecked(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	must(root.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("kit")}))(t)
	must(root.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: p("deploy"), AssumeRolePolicyDocument: p(trustIn(accountA))}))(t)
	for name, document := range map[string]string{
		"no JSON": "{", "no statement": `{"Version":"2012-10-17"}`, "an unknown effect": `{"Version":"2012-10-17","Statement":{"Effect":"Perhaps","Action":"*","Resource":"*"}}`,
		"a principal": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`,
	} {
		wantCode(t, name, second(root.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{UserName: p("kit"), PolicyName: p("x"), PolicyDocument: &document})), "MalformedPolicyDocument", 400)
		wantCode(t, name, second(root.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: p("x"), PolicyDocument: &document})), "MalformedPolicyDocument", 400)
	}
	wantCode(t, "a trust policy without principal", second(root.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: p("deploy"), PolicyDocument: p(allowAll)})), "MalformedPolicyDocument", 400)

	nobody := strings.Replace(trustIn(accountA), ":root", ":user/nobody", 1)
	wantCode(t, "a trust policy for nobody", second(root.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: p("deploy"), PolicyDocument: &nobody})), "MalformedPolicyDocument", 400)
	elsewhere := strings.Replace(trustIn(accountB), ":root", ":user/nobody", 1)
	must(root.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: p("deploy"), PolicyDocument: &elsewhere}))(t)
	// Now the other account is one that can be asked.
	theirs := f.root(accountB)
	err := second(root.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: p("deploy"), PolicyDocument: &elsewhere}))
	wantCode(t, "a trust policy for nobody elsewhere", err, "MalformedPolicyDocument", 400)
	if want := `Invalid principal in policy: "AWS":"arn:aws:iam::` + accountB + `:user/nobody"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	must(theirs.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("nobody")}))(t)
	must(root.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: p("deploy"), PolicyDocument: &elsewhere}))(t)

	long := make([]byte, 2100)
	for i := range long {
		long[i] = 'x'
	}
	big := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:` + string(long) + `","Resource":"*"}}`
	wantCode(t, "too long for a user", second(root.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{UserName: p("kit"), PolicyName: p("x"), PolicyDocument: &big})), "LimitExceeded", 409)
	must(root.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: p("deploy"), PolicyName: p("x"), PolicyDocument: &big}))(t)
	got := must(root.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: p("deploy"), PolicyName: p("x")}))(t)
	if text, err := url.PathUnescape(*got.PolicyDocument); err != nil || text != big {
		t.Errorf("the policy came back as %q", *got.PolicyDocument)
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	must(root.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("kit")}))(t)
	for i := range 11 {
		name := "p" + string(rune('a'+i))
		policy := must(root.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: &name, PolicyDocument: p(allowAll)}))(t).Policy
		must(root.CreateGroup(ctx, &sdk.CreateGroupInput{GroupName: &name}))(t)
		attached := second(root.AttachUserPolicy(ctx, &sdk.AttachUserPolicyInput{UserName: p("kit"), PolicyArn: policy.Arn}))
		joined := second(root.AddUserToGroup(ctx, &sdk.AddUserToGroupInput{UserName: p("kit"), GroupName: &name}))
		if i == 10 {
			wantCode(t, "the eleventh policy", attached, "LimitExceeded", 409)
			wantCode(t, "the eleventh group", joined, "LimitExceeded", 409)
		} else if attached != nil || joined != nil {
			t.Fatal(attached, joined)
		}
	}
	var tags []types.Tag
	for i := range 50 {
		tags = append(tags, types.Tag{Key: p("k" + string(rune('A'+i/26)) + string(rune('a'+i%26))), Value: p("")})
	}
	must(root.TagUser(ctx, &sdk.TagUserInput{UserName: p("kit"), Tags: tags}))(t)
	wantCode(t, "the 51st tag", second(root.TagUser(ctx, &sdk.TagUserInput{UserName: p("kit"), Tags: []types.Tag{{Key: p("more"), Value: p("x")}}})), "LimitExceeded", 409)
	must(root.TagUser(ctx, &sdk.TagUserInput{UserName: p("kit"), Tags: []types.Tag{{Key: p("KAA"), Value: p("x")}}}))(t)
	listed := must(root.ListUserTags(ctx, &sdk.ListUserTagsInput{UserName: p("kit")}))(t).Tags
	if len(listed) != 50 || *listed[0].Key != "KAA" || *listed[0].Value != "x" || *listed[1].Value != "" {
		t.Errorf("%d tags, the first %s=%s", len(listed), *listed[0].Key, *listed[0].Value)
	}
	must(root.UntagUser(ctx, &sdk.UntagUserInput{UserName: p("kit"), TagKeys: []string{"KAA"}}))(t)
	if n := len(must(root.GetUser(ctx, &sdk.GetUserInput{UserName: p("kit")}))(t).User.Tags); n != 49 {
		t.Errorf("%d tags are left", n)
	}
}

func TestRolesAndProfiles(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	role := must(root.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: p("deploy"), AssumeRolePolicyDocument: p(trustIn(accountA)), MaxSessionDuration: p(int32(7200)), Description: p("deploys")}))(t).Role
	if *role.MaxSessionDuration != 7200 || len(*role.RoleId) != 21 || (*role.RoleId)[:4] != "AROA" {
		t.Errorf("created %+v", role)
	}
	must(root.UpdateRole(ctx, &sdk.UpdateRoleInput{RoleName: p("deploy"), Description: p("")}))(t)
	got := must(root.GetRole(ctx, &sdk.GetRoleInput{RoleName: p("deploy")}))(t).Role
	if got.Description != nil || *got.MaxSessionDuration != 7200 {
		t.Errorf("after an update of the description only: %v, %d", got.Description, *got.MaxSessionDuration)
	}
	must(root.CreateInstanceProfile(ctx, &sdk.CreateInstanceProfileInput{InstanceProfileName: p("web")}))(t)
	limited := f.as(root, "limited", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"}}`)
	wantCode(t, "without PassRole", second(limited.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: p("web"), RoleName: p("deploy")})), "AccessDenied", 403)
	must(root.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: p("web"), RoleName: p("deploy")}))(t)
	wantCode(t, "a second role", second(root.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: p("web"), RoleName: p("deploy")})), "LimitExceeded", 409)
	wantCode(t, "deleting the role", second(root.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: p("deploy")})), "DeleteConflict", 409)
	wantCode(t, "deleting the profile", second(root.DeleteInstanceProfile(ctx, &sdk.DeleteInstanceProfileInput{InstanceProfileName: p("web")})), "DeleteConflict", 409)
	profile := must(root.GetInstanceProfile(ctx, &sdk.GetInstanceProfileInput{InstanceProfileName: p("web")}))(t).InstanceProfile
	equal(t, "roles", names(profile.Roles, func(r types.Role) *string { return r.RoleName }), []string{"deploy"})
	profiles := must(root.ListInstanceProfilesForRole(ctx, &sdk.ListInstanceProfilesForRoleInput{RoleName: p("deploy")}))(t).InstanceProfiles
	equal(t, "profiles", names(profiles, func(p types.InstanceProfile) *string { return p.InstanceProfileName }), []string{"web"})

	details := must(root.GetAccountAuthorizationDetails(ctx, &sdk.GetAccountAuthorizationDetailsInput{}))(t)
	if len(details.RoleDetailList) != 1 || len(details.RoleDetailList[0].InstanceProfileList) != 1 || len(details.UserDetailList) != 1 || len(details.UserDetailList[0].UserPolicyList) != 1 {
		t.Errorf("details: %+v", details)
	}
	summary := must(root.GetAccountSummary(ctx, &sdk.GetAccountSummaryInput{}))(t).SummaryMap
	if summary["Roles"] != 1 || summary["Users"] != 1 || summary["UsersQuota"] != 5000 || summary["AccountAccessKeysPresent"] != 1 {
		t.Errorf("summary: %v", summary)
	}
	must(root.RemoveRoleFromInstanceProfile(ctx, &sdk.RemoveRoleFromInstanceProfileInput{InstanceProfileName: p("web"), RoleName: p("deploy")}))(t)
	must(root.DeleteInstanceProfile(ctx, &sdk.DeleteInstanceProfileInput{InstanceProfileName: p("web")}))(t)
	must(root.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: p("deploy")}))(t)
}

func TestPaging(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root, ctx := f.root(accountA), t.Context()
	want := []string{"Bea", "ada", "cleo", "Dan", "eve"}
	for _, name := range want {
		must(root.CreateUser(ctx, &sdk.CreateUserInput{UserName: &name}))(t)
	}
	var got []string
	pages := sdk.NewListUsersPaginator(root, &sdk.ListUsersInput{MaxItems: p(int32(2))})
	for pages.HasMorePages() {
		page := must(pages.NextPage(ctx))(t)
		got = append(got, names(page.Users, func(u types.User) *string { return u.UserName })...)
		if len(got) == 2 { // a change between the pages
			must(root.DeleteUser(ctx, &sdk.DeleteUserInput{UserName: p("Bea")}))(t)
		}
	}
	equal(t, "users", got, []string{"ada", "Bea", "cleo", "Dan", "eve"})
	wantCode(t, "a marker that is none", second(root.ListUsers(ctx, &sdk.ListUsersInput{Marker: p("*")})), "ValidationError", 400)
	wantCode(t, "a name that is none", second(root.CreateUser(ctx, &sdk.CreateUserInput{UserName: p("a b")})), "ValidationError", 400)
	wantCode(t, "an operation that is not here", second(root.ListVirtualMFADevices(ctx, &sdk.ListVirtualMFADevicesInput{})), "UnsupportedOperationException", 400)
}

func TestAliases(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b, ctx := f.root(accountA), f.root(accountB), t.Context()
	must(a.CreateAccountAlias(ctx, &sdk.CreateAccountAliasInput{AccountAlias: p("acme")}))(t)
	wantCode(t, "an alias of another account", second(b.CreateAccountAlias(ctx, &sdk.CreateAccountAliasInput{AccountAlias: p("acme")})), "EntityAlreadyExists", 409)
	wantCode(t, "deleting it from there", second(b.DeleteAccountAlias(ctx, &sdk.DeleteAccountAliasInput{AccountAlias: p("acme")})), "NoSuchEntity", 404)
	must(a.CreateAccountAlias(ctx, &sdk.CreateAccountAliasInput{AccountAlias: p("acme-new")}))(t)
	equal(t, "aliases", must(a.ListAccountAliases(ctx, &sdk.ListAccountAliasesInput{}))(t).AccountAliases, []string{"acme-new"})
	must(b.CreateAccountAlias(ctx, &sdk.CreateAccountAliasInput{AccountAlias: p("acme")}))(t)
	must(a.DeleteAccountAlias(ctx, &sdk.DeleteAccountAliasInput{AccountAlias: p("acme-new")}))(t)
	equal(t, "aliases", must(a.ListAccountAliases(ctx, &sdk.ListAccountAliasesInput{}))(t).AccountAliases, []string{})
}

func trustIn(account string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
}
