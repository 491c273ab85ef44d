package iam_test

import (
	"net/http"
	"testing"

	"cairn/aws/mirrortest"
	. "cairn/service/iam"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
)

// operations is how many the service has.
const operations = 84

func TestMirror(t *testing.T) {
	t.Parallel()
	p := mirrortest.Probe{API: (&Service{Store: newStore(t)}).API(), Client: func(transport http.RoundTripper) any {
		return newClient(transport, "AKIAEXAMPLE", "secret")
	}}
	mirrortest.Operation[CreateAccessKeyInput, CreateAccessKeyOutput](t, p)
	mirrortest.Operation[ListAccessKeysInput, ListAccessKeysOutput](t, p)
	mirrortest.Operation[UpdateAccessKeyInput, UpdateAccessKeyOutput](t, p)
	mirrortest.Operation[DeleteAccessKeyInput, DeleteAccessKeyOutput](t, p)
	mirrortest.Operation[GetAccessKeyLastUsedInput, GetAccessKeyLastUsedOutput](t, p)
	mirrortest.Operation[GetAccountSummaryInput, GetAccountSummaryOutput](t, p)
	mirrortest.Operation[GetAccountAuthorizationDetailsInput, GetAccountAuthorizationDetailsOutput](t, p)
	mirrortest.Operation[CreateAccountAliasInput, CreateAccountAliasOutput](t, p)
	mirrortest.Operation[ListAccountAliasesInput, ListAccountAliasesOutput](t, p)
	mirrortest.Operation[DeleteAccountAliasInput, DeleteAccountAliasOutput](t, p)
	mirrortest.Operation[AttachUserPolicyInput, AttachUserPolicyOutput](t, p)
	mirrortest.Operation[DetachUserPolicyInput, DetachUserPolicyOutput](t, p)
	mirrortest.Operation[ListAttachedUserPoliciesInput, ListAttachedUserPoliciesOutput](t, p)
	mirrortest.Operation[AttachGroupPolicyInput, AttachGroupPolicyOutput](t, p)
	mirrortest.Operation[DetachGroupPolicyInput, DetachGroupPolicyOutput](t, p)
	mirrortest.Operation[ListAttachedGroupPoliciesInput, ListAttachedGroupPoliciesOutput](t, p)
	mirrortest.Operation[AttachRolePolicyInput, AttachRolePolicyOutput](t, p)
	mirrortest.Operation[DetachRolePolicyInput, DetachRolePolicyOutput](t, p)
	mirrortest.Operation[ListAttachedRolePoliciesInput, ListAttachedRolePoliciesOutput](t, p)
	mirrortest.Operation[ListEntitiesForPolicyInput, ListEntitiesForPolicyOutput](t, p)
	mirrortest.Operation[CreateGroupInput, CreateGroupOutput](t, p)
	mirrortest.Operation[GetGroupInput, GetGroupOutput](t, p)
	mirrortest.Operation[ListGroupsInput, ListGroupsOutput](t, p)
	mirrortest.Operation[UpdateGroupInput, UpdateGroupOutput](t, p)
	mirrortest.Operation[DeleteGroupInput, DeleteGroupOutput](t, p)
	mirrortest.Operation[AddUserToGroupInput, AddUserToGroupOutput](t, p)
	mirrortest.Operation[RemoveUserFromGroupInput, RemoveUserFromGroupOutput](t, p)
	mirrortest.Operation[ListGroupsForUserInput, ListGroupsForUserOutput](t, p)
	mirrortest.Operation[PutUserPolicyInput, PutUserPolicyOutput](t, p)
	mirrortest.Operation[GetUserPolicyInput, GetUserPolicyOutput](t, p)
	mirrortest.Operation[ListUserPoliciesInput, ListUserPoliciesOutput](t, p)
	mirrortest.Operation[DeleteUserPolicyInput, DeleteUserPolicyOutput](t, p)
	mirrortest.Operation[PutGroupPolicyInput, PutGroupPolicyOutput](t, p)
	mirrortest.Operation[GetGroupPolicyInput, GetGroupPolicyOutput](t, p)
	mirrortest.Operation[ListGroupPoliciesInput, ListGroupPoliciesOutput](t, p)
	mirrortest.Operation[DeleteGroupPolicyInput, DeleteGroupPolicyOutput](t, p)
	mirrortest.Operation[PutRolePolicyInput, PutRolePolicyOutput](t, p)
	mirrortest.Operation[GetRolePolicyInput, GetRolePolicyOutput](t, p)
	mirrortest.Operation[ListRolePoliciesInput, ListRolePoliciesOutput](t, p)
	mirrortest.Operation[DeleteRolePolicyInput, DeleteRolePolicyOutput](t, p)
	mirrortest.Operation[CreateInstanceProfileInput, CreateInstanceProfileOutput](t, p)
	mirrortest.Operation[GetInstanceProfileInput, GetInstanceProfileOutput](t, p)
	mirrortest.Operation[ListInstanceProfilesInput, ListInstanceProfilesOutput](t, p)
	mirrortest.Operation[DeleteInstanceProfileInput, DeleteInstanceProfileOutput](t, p)
	mirrortest.Operation[AddRoleToInstanceProfileInput, AddRoleToInstanceProfileOutput](t, p)
	mirrortest.Operation[RemoveRoleFromInstanceProfileInput, RemoveRoleFromInstanceProfileOutput](t, p)
	mirrortest.Operation[ListInstanceProfilesForRoleInput, ListInstanceProfilesForRoleOutput](t, p)
	mirrortest.Operation[CreatePolicyInput, CreatePolicyOutput](t, p)
	mirrortest.Operation[GetPolicyInput, GetPolicyOutput](t, p)
	mirrortest.Operation[ListPoliciesInput, ListPoliciesOutput](t, p)
	mirrortest.Operation[DeletePolicyInput, DeletePolicyOutput](t, p)
	mirrortest.Operation[CreatePolicyVersionInput, CreatePolicyVersionOutput](t, p)
	mirrortest.Operation[GetPolicyVersionInput, GetPolicyVersionOutput](t, p)
	mirrortest.Operation[ListPolicyVersionsInput, ListPolicyVersionsOutput](t, p)
	mirrortest.Operation[SetDefaultPolicyVersionInput, SetDefaultPolicyVersionOutput](t, p)
	mirrortest.Operation[DeletePolicyVersionInput, DeletePolicyVersionOutput](t, p)
	mirrortest.Operation[CreateRoleInput, CreateRoleOutput](t, p)
	mirrortest.Operation[GetRoleInput, GetRoleOutput](t, p)
	mirrortest.Operation[ListRolesInput, ListRolesOutput](t, p)
	mirrortest.Operation[UpdateRoleInput, UpdateRoleOutput](t, p)
	mirrortest.Operation[UpdateRoleDescriptionInput, UpdateRoleDescriptionOutput](t, p)
	mirrortest.Operation[UpdateAssumeRolePolicyInput, UpdateAssumeRolePolicyOutput](t, p)
	mirrortest.Operation[DeleteRoleInput, DeleteRoleOutput](t, p)
	mirrortest.Operation[PutRolePermissionsBoundaryInput, PutRolePermissionsBoundaryOutput](t, p)
	mirrortest.Operation[DeleteRolePermissionsBoundaryInput, DeleteRolePermissionsBoundaryOutput](t, p)
	mirrortest.Operation[TagUserInput, TagUserOutput](t, p)
	mirrortest.Operation[UntagUserInput, UntagUserOutput](t, p)
	mirrortest.Operation[ListUserTagsInput, ListUserTagsOutput](t, p)
	mirrortest.Operation[TagRoleInput, TagRoleOutput](t, p)
	mirrortest.Operation[UntagRoleInput, UntagRoleOutput](t, p)
	mirrortest.Operation[ListRoleTagsInput, ListRoleTagsOutput](t, p)
	mirrortest.Operation[TagPolicyInput, TagPolicyOutput](t, p)
	mirrortest.Operation[UntagPolicyInput, UntagPolicyOutput](t, p)
	mirrortest.Operation[ListPolicyTagsInput, ListPolicyTagsOutput](t, p)
	mirrortest.Operation[TagInstanceProfileInput, TagInstanceProfileOutput](t, p)
	mirrortest.Operation[UntagInstanceProfileInput, UntagInstanceProfileOutput](t, p)
	mirrortest.Operation[ListInstanceProfileTagsInput, ListInstanceProfileTagsOutput](t, p)
	mirrortest.Operation[CreateUserInput, CreateUserOutput](t, p)
	mirrortest.Operation[GetUserInput, GetUserOutput](t, p)
	mirrortest.Operation[ListUsersInput, ListUsersOutput](t, p)
	mirrortest.Operation[UpdateUserInput, UpdateUserOutput](t, p)
	mirrortest.Operation[DeleteUserInput, DeleteUserOutput](t, p)
	mirrortest.Operation[PutUserPermissionsBoundaryInput, PutUserPermissionsBoundaryOutput](t, p)
	mirrortest.Operation[DeleteUserPermissionsBoundaryInput, DeleteUserPermissionsBoundaryOutput](t, p)
}

// newClient is the SDK's client with an access key.
func newClient(transport http.RoundTripper, id, secret string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String("http://iam.invalid"), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), RetryMaxAttempts: 1,
	})
}
