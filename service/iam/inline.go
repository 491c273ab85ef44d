package iam

import (
	"context"
	"maps"
	"slices"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

// granted is what users, groups and roles have in common.
type granted[E any] interface {
	identity.Entity[E]
	Granted() *identity.Grants
}

func (s *Service) putUserPolicy(_ context.Context, c *aws.Call, in *PutUserPolicyInput) (*PutUserPolicyOutput, error) {
	return &PutUserPolicyOutput{}, putInline(s.Store.Users, c.Account(), "user", in.UserName, in.PolicyName, in.PolicyDocument, policy.MaxUserInlineSize)
}

func (s *Service) getUserPolicy(_ context.Context, c *aws.Call, in *GetUserPolicyInput) (*GetUserPolicyOutput, error) {
	document, err := getInline(s.Store.Users, c.Account(), "user", in.UserName, in.PolicyName)
	return &GetUserPolicyOutput{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

func (s *Service) listUserPolicies(_ context.Context, c *aws.Call, in *ListUserPoliciesInput) (*ListUserPoliciesOutput, error) {
	names, truncated, marker, err := listInline(s.Store.Users, c.Account(), in.UserName, in.Marker, in.MaxItems)
	return &ListUserPoliciesOutput{PolicyNames: names, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) deleteUserPolicy(_ context.Context, c *aws.Call, in *DeleteUserPolicyInput) (*DeleteUserPolicyOutput, error) {
	return &DeleteUserPolicyOutput{}, deleteInline(s.Store.Users, c.Account(), "user", in.UserName, in.PolicyName)
}

func (s *Service) putGroupPolicy(_ context.Context, c *aws.Call, in *PutGroupPolicyInput) (*PutGroupPolicyOutput, error) {
	return &PutGroupPolicyOutput{}, putInline(s.Store.Groups, c.Account(), "group", in.GroupName, in.PolicyName, in.PolicyDocument, policy.MaxGroupInlineSize)
}

func (s *Service) getGroupPolicy(_ context.Context, c *aws.Call, in *GetGroupPolicyInput) (*GetGroupPolicyOutput, error) {
	document, err := getInline(s.Store.Groups, c.Account(), "group", in.GroupName, in.PolicyName)
	return &GetGroupPolicyOutput{GroupName: in.GroupName, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

func (s *Service) listGroupPolicies(_ context.Context, c *aws.Call, in *ListGroupPoliciesInput) (*ListGroupPoliciesOutput, error) {
	names, truncated, marker, err := listInline(s.Store.Groups, c.Account(), in.GroupName, in.Marker, in.MaxItems)
	return &ListGroupPoliciesOutput{PolicyNames: names, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) deleteGroupPolicy(_ context.Context, c *aws.Call, in *DeleteGroupPolicyInput) (*DeleteGroupPolicyOutput, error) {
	return &DeleteGroupPolicyOutput{}, deleteInline(s.Store.Groups, c.Account(), "group", in.GroupName, in.PolicyName)
}

func (s *Service) putRolePolicy(_ context.Context, c *aws.Call, in *PutRolePolicyInput) (*PutRolePolicyOutput, error) {
	return &PutRolePolicyOutput{}, putInline(s.Store.Roles, c.Account(), "role", in.RoleName, in.PolicyName, in.PolicyDocument, policy.MaxRoleInlineSize)
}

func (s *Service) getRolePolicy(_ context.Context, c *aws.Call, in *GetRolePolicyInput) (*GetRolePolicyOutput, error) {
	document, err := getInline(s.Store.Roles, c.Account(), "role", in.RoleName, in.PolicyName)
	return &GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

func (s *Service) listRolePolicies(_ context.Context, c *aws.Call, in *ListRolePoliciesInput) (*ListRolePoliciesOutput, error) {
	names, truncated, marker, err := listInline(s.Store.Roles, c.Account(), in.RoleName, in.Marker, in.MaxItems)
	return &ListRolePoliciesOutput{PolicyNames: names, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) deleteRolePolicy(_ context.Context, c *aws.Call, in *DeleteRolePolicyInput) (*DeleteRolePolicyOutput, error) {
	return &DeleteRolePolicyOutput{}, deleteInline(s.Store.Roles, c.Account(), "role", in.RoleName, in.PolicyName)
}

// putInline sets an inline policy. The limit, in characters, is for all of the
// entity's inline policies together.
func putInline[E any, P granted[E]](c *identity.Collection[E, P], account, kind, name, policyName, document string, limit int) error {
	what := kind + " " + name
	if err := checkDocument(document, policy.IdentityPolicy, limit, what); err != nil {
		return err
	}
	_, err := c.Change(account, name, func(e P) error {
		g := e.Granted()
		if g.Inline == nil {
			g.Inline = make(map[string]string)
		}
		g.Inline[policyName] = document
		size := 0
		for _, d := range g.Inline {
			size += policy.Size([]byte(d))
		}
		if size > limit {
			return errPolicySize(limit, what)
		}
		return nil
	})
	return err
}

func getInline[E any, P granted[E]](c *identity.Collection[E, P], account, kind, name, policyName string) (string, error) {
	e, err := c.Get(account, name)
	if err != nil {
		return "", err
	}
	document, ok := e.Granted().Inline[policyName]
	if !ok {
		return "", errNoInlinePolicy(kind, name, policyName)
	}
	return escaped(document), nil
}

func listInline[E any, P granted[E]](c *identity.Collection[E, P], account, name, marker string, maxItems *int32) ([]string, bool, string, error) {
	e, err := c.Get(account, name)
	if err != nil {
		return nil, false, "", err
	}
	names, truncated, next, err := texts(slices.Collect(maps.Keys(e.Granted().Inline)), marker, maxItems)
	return append([]string{}, names...), truncated, next, err
}

func deleteInline[E any, P granted[E]](c *identity.Collection[E, P], account, kind, name, policyName string) error {
	_, err := c.Change(account, name, func(e P) error {
		if _, ok := e.Granted().Inline[policyName]; !ok {
			return errNoInlinePolicy(kind, name, policyName)
		}
		delete(e.Granted().Inline, policyName)
		return nil
	})
	return err
}

// ungranted refuses to delete what has policies.
func ungranted(g *identity.Grants) error {
	switch {
	case len(g.Inline) > 0:
		return errConflict("delete policies")
	case len(g.Attached) > 0:
		return errConflict("detach all policies")
	}
	return nil
}

// describeInline are all inline policies as account details have them.
func describeInline(g *identity.Grants) []PolicyDetail {
	all := []PolicyDetail{}
	for _, name := range slices.Sorted(maps.Keys(g.Inline)) {
		all = append(all, PolicyDetail{PolicyName: name, PolicyDocument: escaped(g.Inline[name])})
	}
	return all
}
