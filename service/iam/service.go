// Package iam serves AWS IAM's operations on users, groups, roles, instance
// profiles, access keys and policies.
//
// Its one invariant: what an operation reads or changes lies in the caller's own
// account. A name means the caller's, and an ARN of another account is refused.
package iam

import (
	"context"
	"reflect"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/awsmodel"
)

// Service is IAM.
type Service struct {
	Store *identity.Store
}

// API returns the service's operations for a Mux.
func (s *Service) API() *aws.API {
	api := &aws.API{
		Service:  "iam",
		Protocol: aws.Query{Version: "2010-05-08", Namespace: "https://iam.amazonaws.com/doc/2010-05-08/"},
		Known:    known,
	}
	s.handleUsers(api)
	s.handleGroups(api)
	s.handleRoles(api)
	s.handleInstanceProfiles(api)
	s.handlePolicies(api)
	s.handleAccount(api)
	return api
}

func (s *Service) handleUsers(api *aws.API) {
	users := s.Store.Users
	handle(api, s.createUser, onNew[CreateUserInput]("user", "UserName"))
	handle(api, s.getUser, onUser[GetUserInput](s))
	handle(api, s.listUsers, onList[ListUsersInput]("user"))
	handle(api, s.updateUser, onRenamed[UpdateUserInput]("user", users.ARN, "UserName"))
	handle(api, s.deleteUser, onUser[DeleteUserInput](s))
	handle(api, s.putUserPermissionsBoundary, onUser[PutUserPermissionsBoundaryInput](s))
	handle(api, s.deleteUserPermissionsBoundary, onUser[DeleteUserPermissionsBoundaryInput](s))
	handle(api, s.listGroupsForUser, onUser[ListGroupsForUserInput](s))
	handle(api, s.tagUser, onUser[TagUserInput](s))
	handle(api, s.untagUser, onUser[UntagUserInput](s))
	handle(api, s.listUserTags, onUser[ListUserTagsInput](s))

	handle(api, s.putUserPolicy, onUser[PutUserPolicyInput](s))
	handle(api, s.getUserPolicy, onUser[GetUserPolicyInput](s))
	handle(api, s.listUserPolicies, onUser[ListUserPoliciesInput](s))
	handle(api, s.deleteUserPolicy, onUser[DeleteUserPolicyInput](s))
	handle(api, s.attachUserPolicy, onUser[AttachUserPolicyInput](s))
	handle(api, s.detachUserPolicy, onUser[DetachUserPolicyInput](s))
	handle(api, s.listAttachedUserPolicies, onUser[ListAttachedUserPoliciesInput](s))

	handle(api, s.createAccessKey, onUser[CreateAccessKeyInput](s))
	handle(api, s.listAccessKeys, onUser[ListAccessKeysInput](s))
	handle(api, s.updateAccessKey, onUser[UpdateAccessKeyInput](s))
	handle(api, s.deleteAccessKey, onUser[DeleteAccessKeyInput](s))
	handle(api, s.getAccessKeyLastUsed, s.onKeyOwner())
}

func (s *Service) handleGroups(api *aws.API) {
	arn := s.Store.Groups.ARN
	handle(api, s.createGroup, onNew[CreateGroupInput]("group", "GroupName"))
	handle(api, s.getGroup, on[GetGroupInput](arn, "GroupName"))
	handle(api, s.listGroups, onList[ListGroupsInput]("group"))
	handle(api, s.updateGroup, onRenamed[UpdateGroupInput]("group", arn, "GroupName"))
	handle(api, s.deleteGroup, on[DeleteGroupInput](arn, "GroupName"))
	handle(api, s.addUserToGroup, on[AddUserToGroupInput](arn, "GroupName"))
	handle(api, s.removeUserFromGroup, on[RemoveUserFromGroupInput](arn, "GroupName"))

	handle(api, s.putGroupPolicy, on[PutGroupPolicyInput](arn, "GroupName"))
	handle(api, s.getGroupPolicy, on[GetGroupPolicyInput](arn, "GroupName"))
	handle(api, s.listGroupPolicies, on[ListGroupPoliciesInput](arn, "GroupName"))
	handle(api, s.deleteGroupPolicy, on[DeleteGroupPolicyInput](arn, "GroupName"))
	handle(api, s.attachGroupPolicy, on[AttachGroupPolicyInput](arn, "GroupName"))
	handle(api, s.detachGroupPolicy, on[DetachGroupPolicyInput](arn, "GroupName"))
	handle(api, s.listAttachedGroupPolicies, on[ListAttachedGroupPoliciesInput](arn, "GroupName"))
}

func (s *Service) handleRoles(api *aws.API) {
	arn := s.Store.Roles.ARN
	handle(api, s.createRole, onNew[CreateRoleInput]("role", "RoleName"))
	handle(api, s.getRole, on[GetRoleInput](arn, "RoleName"))
	handle(api, s.listRoles, onList[ListRolesInput]("role"))
	handle(api, s.updateRole, on[UpdateRoleInput](arn, "RoleName"))
	handle(api, s.updateRoleDescription, on[UpdateRoleDescriptionInput](arn, "RoleName"))
	handle(api, s.updateAssumeRolePolicy, on[UpdateAssumeRolePolicyInput](arn, "RoleName"))
	handle(api, s.deleteRole, on[DeleteRoleInput](arn, "RoleName"))
	handle(api, s.putRolePermissionsBoundary, on[PutRolePermissionsBoundaryInput](arn, "RoleName"))
	handle(api, s.deleteRolePermissionsBoundary, on[DeleteRolePermissionsBoundaryInput](arn, "RoleName"))
	handle(api, s.tagRole, on[TagRoleInput](arn, "RoleName"))
	handle(api, s.untagRole, on[UntagRoleInput](arn, "RoleName"))
	handle(api, s.listRoleTags, on[ListRoleTagsInput](arn, "RoleName"))
	handle(api, s.listInstanceProfilesForRole, on[ListInstanceProfilesForRoleInput](arn, "RoleName"))

	handle(api, s.putRolePolicy, on[PutRolePolicyInput](arn, "RoleName"))
	handle(api, s.getRolePolicy, on[GetRolePolicyInput](arn, "RoleName"))
	handle(api, s.listRolePolicies, on[ListRolePoliciesInput](arn, "RoleName"))
	handle(api, s.deleteRolePolicy, on[DeleteRolePolicyInput](arn, "RoleName"))
	handle(api, s.attachRolePolicy, on[AttachRolePolicyInput](arn, "RoleName"))
	handle(api, s.detachRolePolicy, on[DetachRolePolicyInput](arn, "RoleName"))
	handle(api, s.listAttachedRolePolicies, on[ListAttachedRolePoliciesInput](arn, "RoleName"))
}

func (s *Service) handleInstanceProfiles(api *aws.API) {
	arn, name := s.Store.InstanceProfiles.ARN, "InstanceProfileName"
	handle(api, s.createInstanceProfile, onNew[CreateInstanceProfileInput]("instance-profile", name))
	handle(api, s.getInstanceProfile, on[GetInstanceProfileInput](arn, name))
	handle(api, s.listInstanceProfiles, onList[ListInstanceProfilesInput]("instance-profile"))
	handle(api, s.deleteInstanceProfile, on[DeleteInstanceProfileInput](arn, name))
	handle(api, s.addRoleToInstanceProfile, on[AddRoleToInstanceProfileInput](arn, name))
	handle(api, s.removeRoleFromInstanceProfile, on[RemoveRoleFromInstanceProfileInput](arn, name))
	handle(api, s.tagInstanceProfile, on[TagInstanceProfileInput](arn, name))
	handle(api, s.untagInstanceProfile, on[UntagInstanceProfileInput](arn, name))
	handle(api, s.listInstanceProfileTags, on[ListInstanceProfileTagsInput](arn, name))
}

func (s *Service) handlePolicies(api *aws.API) {
	handle(api, s.createPolicy, onNew[CreatePolicyInput]("policy", "PolicyName"))
	handle(api, s.getPolicy, onPolicy[GetPolicyInput]())
	handle(api, s.listPolicies, onList[ListPoliciesInput]("policy"))
	handle(api, s.deletePolicy, onPolicy[DeletePolicyInput]())
	handle(api, s.createPolicyVersion, onPolicy[CreatePolicyVersionInput]())
	handle(api, s.getPolicyVersion, onPolicy[GetPolicyVersionInput]())
	handle(api, s.listPolicyVersions, onPolicy[ListPolicyVersionsInput]())
	handle(api, s.setDefaultPolicyVersion, onPolicy[SetDefaultPolicyVersionInput]())
	handle(api, s.deletePolicyVersion, onPolicy[DeletePolicyVersionInput]())
	handle(api, s.listEntitiesForPolicy, onPolicy[ListEntitiesForPolicyInput]())
	handle(api, s.tagPolicy, onPolicy[TagPolicyInput]())
	handle(api, s.untagPolicy, onPolicy[UntagPolicyInput]())
	handle(api, s.listPolicyTags, onPolicy[ListPolicyTagsInput]())
}

func (s *Service) handleAccount(api *aws.API) {
	handle(api, s.getAccountSummary)
	handle(api, s.getAccountAuthorizationDetails)
	handle(api, s.createAccountAlias)
	handle(api, s.listAccountAliases)
	handle(api, s.deleteAccountAlias)
}

// handle registers an operation whose errors of the store become IAM's.
func handle[In, Out any](api *aws.API, fn func(context.Context, *aws.Call, *In) (*Out, error), options ...aws.Option) {
	aws.Handle(api, func(ctx context.Context, c *aws.Call, in *In) (*Out, error) {
		out, err := fn(ctx, c, in)
		if err != nil {
			return nil, visible(err)
		}
		return out, nil
	}, options...)
}

// on is for operations on the entity that a member names.
func on[In any](arn func(account, name string) string, member string) aws.Option {
	name := text[In](member)
	return aws.OnResource(func(c *aws.Call, in *In) []string { return []string{arn(c.Account(), name(in))} })
}

// onUser is for operations on a user, the caller itself if none is named.
func onUser[In any](s *Service) aws.Option {
	name := text[In]("UserName")
	return aws.OnResource(func(c *aws.Call, in *In) []string {
		if name(in) == "" {
			return []string{c.Identity.ARN}
		}
		return []string{s.Store.Users.ARN(c.Account(), name(in))}
	})
}

// onPolicy is for operations on a managed policy.
func onPolicy[In any]() aws.Option {
	arn := text[In]("PolicyArn")
	return aws.OnResource(func(_ *aws.Call, in *In) []string { return []string{arn(in)} })
}

// onNew is for operations that make an entity.
func onNew[In any](kind, member string) aws.Option {
	path, name := text[In]("Path"), text[In](member)
	return aws.OnResource(func(c *aws.Call, in *In) []string {
		return []string{"arn:aws:iam::" + c.Account() + ":" + kind + orSlash(path(in)) + name(in)}
	})
}

// onRenamed is for operations on an entity that may get another name or path:
// the caller needs permission for what it is and for what it becomes.
func onRenamed[In any](kind string, arn func(account, name string) string, member string) aws.Option {
	name, newName, newPath := text[In](member), text[In]("New"+member), text[In]("NewPath")
	return aws.OnResource(func(c *aws.Call, in *In) []string {
		old := arn(c.Account(), name(in))
		prefix := "arn:aws:iam::" + c.Account() + ":" + kind
		path, last := old[len(prefix):len(old)-len(name(in))], name(in)
		if newPath(in) != "" {
			path = newPath(in)
		}
		if newName(in) != "" {
			last = newName(in)
		}
		if renamed := prefix + path + last; renamed != old {
			return []string{old, renamed}
		}
		return []string{old}
	})
}

// onList is for operations that list all entities of a kind, or those below a
// path.
func onList[In any](kind string) aws.Option {
	path := text[In]("PathPrefix")
	return aws.OnResource(func(c *aws.Call, in *In) []string {
		return []string{"arn:aws:iam::" + c.Account() + ":" + kind + orSlash(path(in))}
	})
}

// onKeyOwner is for operations on an access key without its user's name.
func (s *Service) onKeyOwner() aws.Option {
	return aws.OnResource(func(c *aws.Call, in *GetAccessKeyLastUsedInput) []string {
		name, err := s.Store.KeyOwner(c.Account(), in.AccessKeyId)
		if err != nil || name == "" {
			return []string{"*"}
		}
		return []string{s.Store.Users.ARN(c.Account(), name)}
	})
}

// text returns a function that reads a member of an operation's input.
func text[In any](member string) func(*In) string {
	f, ok := reflect.TypeFor[In]().FieldByName(member)
	if !ok {
		panic("iam: " + reflect.TypeFor[In]().Name() + " has no member " + member)
	}
	return func(in *In) string { return reflect.ValueOf(in).Elem().FieldByIndex(f.Index).String() }
}

// known tells whether AWS's IAM has an operation.
func known(operation string) bool {
	model, ok := awsmodel.Service("iam")
	if !ok {
		return false
	}
	_, ok = model.Operation(operation)
	return ok
}
