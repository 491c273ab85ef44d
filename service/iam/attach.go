package iam

import (
	"context"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/identity"
)

func (s *Service) attachUserPolicy(_ context.Context, c *aws.Call, in *AttachUserPolicyInput) (*AttachUserPolicyOutput, error) {
	return &AttachUserPolicyOutput{}, attach(s, s.Store.Users, c.Account(), "User", in.UserName, in.PolicyArn)
}

func (s *Service) detachUserPolicy(_ context.Context, c *aws.Call, in *DetachUserPolicyInput) (*DetachUserPolicyOutput, error) {
	return &DetachUserPolicyOutput{}, detach(s.Store.Users, c.Account(), "user", in.UserName, in.PolicyArn)
}

func (s *Service) listAttachedUserPolicies(_ context.Context, c *aws.Call, in *ListAttachedUserPoliciesInput) (*ListAttachedUserPoliciesOutput, error) {
	policies, truncated, marker, err := listAttached(s.Store.Users, c.Account(), in.UserName, in.PathPrefix, in.Marker, in.MaxItems)
	return &ListAttachedUserPoliciesOutput{AttachedPolicies: policies, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) attachGroupPolicy(_ context.Context, c *aws.Call, in *AttachGroupPolicyInput) (*AttachGroupPolicyOutput, error) {
	return &AttachGroupPolicyOutput{}, attach(s, s.Store.Groups, c.Account(), "Group", in.GroupName, in.PolicyArn)
}

func (s *Service) detachGroupPolicy(_ context.Context, c *aws.Call, in *DetachGroupPolicyInput) (*DetachGroupPolicyOutput, error) {
	return &DetachGroupPolicyOutput{}, detach(s.Store.Groups, c.Account(), "group", in.GroupName, in.PolicyArn)
}

func (s *Service) listAttachedGroupPolicies(_ context.Context, c *aws.Call, in *ListAttachedGroupPoliciesInput) (*ListAttachedGroupPoliciesOutput, error) {
	policies, truncated, marker, err := listAttached(s.Store.Groups, c.Account(), in.GroupName, in.PathPrefix, in.Marker, in.MaxItems)
	return &ListAttachedGroupPoliciesOutput{AttachedPolicies: policies, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) attachRolePolicy(_ context.Context, c *aws.Call, in *AttachRolePolicyInput) (*AttachRolePolicyOutput, error) {
	return &AttachRolePolicyOutput{}, attach(s, s.Store.Roles, c.Account(), "Role", in.RoleName, in.PolicyArn)
}

func (s *Service) detachRolePolicy(_ context.Context, c *aws.Call, in *DetachRolePolicyInput) (*DetachRolePolicyOutput, error) {
	return &DetachRolePolicyOutput{}, detach(s.Store.Roles, c.Account(), "role", in.RoleName, in.PolicyArn)
}

func (s *Service) listAttachedRolePolicies(_ context.Context, c *aws.Call, in *ListAttachedRolePoliciesInput) (*ListAttachedRolePoliciesOutput, error) {
	policies, truncated, marker, err := listAttached(s.Store.Roles, c.Account(), in.RoleName, in.PathPrefix, in.Marker, in.MaxItems)
	return &ListAttachedRolePoliciesOutput{AttachedPolicies: policies, IsTruncated: truncated, Marker: marker}, err
}

// listEntitiesForPolicy lists groups, then roles, then users. The marker holds
// the kind of the last one and its name.
func (s *Service) listEntitiesForPolicy(_ context.Context, c *aws.Call, in *ListEntitiesForPolicyInput) (*ListEntitiesForPolicyOutput, error) {
	if _, err := s.anyPolicy(c.Account(), in.PolicyArn); err != nil {
		return nil, err
	}
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	uses, err := s.usesOf(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &ListEntitiesForPolicyOutput{PolicyGroups: []PolicyGroup{}, PolicyUsers: []PolicyUser{}, PolicyRoles: []PolicyRole{}}
	wanted := func(u use) bool {
		return (in.EntityFilter == "" || in.EntityFilter == u.kind) &&
			(in.PolicyUsageFilter == "" || in.PolicyUsageFilter == u.as) &&
			strings.HasPrefix(u.Path, in.PathPrefix) && u.sortKey() > p.after
	}
	found, truncated, marker, err := take(func(yield func(use, error) bool) {
		for _, u := range uses {
			if !yield(u, nil) {
				return
			}
		}
	}, p.max, wanted, use.sortKey)
	out.IsTruncated, out.Marker = truncated, marker
	for _, u := range found {
		switch u.kind {
		case "Group":
			out.PolicyGroups = append(out.PolicyGroups, PolicyGroup{GroupName: u.Name, GroupId: u.ID})
		case "Role":
			out.PolicyRoles = append(out.PolicyRoles, PolicyRole{RoleName: u.Name, RoleId: u.ID})
		case "User":
			out.PolicyUsers = append(out.PolicyUsers, PolicyUser{UserName: u.Name, UserId: u.ID})
		}
	}
	return out, err
}

func attach[E any, P granted[E]](s *Service, c *identity.Collection[E, P], account, title, name, arn string) error {
	_, err := c.Change(account, name, func(e P) error {
		if err := s.policyExists(account, arn); err != nil {
			return err
		}
		g := e.Granted()
		switch {
		case slices.Contains(g.Attached, arn):
			return nil
		case len(g.Attached) >= identity.MaxAttached:
			return &identity.LimitError{Quota: "PoliciesPer" + title, Limit: identity.MaxAttached}
		}
		g.Attached = append(g.Attached, arn)
		return nil
	})
	return err
}

func detach[E any, P granted[E]](c *identity.Collection[E, P], account, kind, name, arn string) error {
	_, err := c.Change(account, name, func(e P) error {
		g := e.Granted()
		i := slices.Index(g.Attached, arn)
		if i < 0 {
			return errNotAttached(kind, name, arn)
		}
		g.Attached = slices.Delete(g.Attached, i, i+1)
		return nil
	})
	return err
}

func listAttached[E any, P granted[E]](c *identity.Collection[E, P], account, name, pathPrefix, marker string, maxItems *int32) ([]AttachedPolicy, bool, string, error) {
	e, err := c.Get(account, name)
	if err != nil {
		return nil, false, "", err
	}
	p, err := pageOf(marker, maxItems)
	if err != nil {
		return nil, false, "", err
	}
	all := describeAttached(e.Granted())
	slices.SortFunc(all, func(a, b AttachedPolicy) int { return strings.Compare(a.PolicyName, b.PolicyName) })
	page, truncated, next, err := take(func(yield func(AttachedPolicy, error) bool) {
		for _, a := range all {
			if a.PolicyName > p.after && !yield(a, nil) {
				return
			}
		}
	}, p.max,
		func(a AttachedPolicy) bool { return strings.HasPrefix(pathOf(a.PolicyArn), pathPrefix) },
		func(a AttachedPolicy) string { return a.PolicyName })
	return append([]AttachedPolicy{}, page...), truncated, next, err
}

func describeAttached(g *identity.Grants) []AttachedPolicy {
	all := []AttachedPolicy{}
	for _, arn := range g.Attached {
		all = append(all, AttachedPolicy{PolicyName: arn[strings.LastIndexByte(arn, '/')+1:], PolicyArn: arn})
	}
	return all
}

// pathOf is the path in a policy's ARN.
func pathOf(arn string) string {
	return arn[strings.IndexByte(arn, '/') : strings.LastIndexByte(arn, '/')+1]
}

// A use is an entity that has a policy attached, or as its permissions boundary.
type use struct {
	*identity.Head
	kind string // "Group", "Role" or "User"
	as   string // "PermissionsPolicy" or "PermissionsBoundary"
	arn  string // of the policy
}

func (u use) sortKey() string { return u.kind + " " + u.as + " " + u.Name }

// usesOf finds all uses of a policy in an account, or of all policies if arn is
// empty, in the order of their sort keys.
func (s *Service) usesOf(account, arn string) ([]use, error) {
	var all []use
	add := func(h *identity.Head, kind string, g *identity.Grants, boundary string) {
		for _, attached := range g.Attached {
			if arn == "" || arn == attached {
				all = append(all, use{h, kind, "PermissionsPolicy", attached})
			}
		}
		if boundary != "" && (arn == "" || arn == boundary) {
			all = append(all, use{h, kind, "PermissionsBoundary", boundary})
		}
	}
	for g, err := range s.Store.Groups.After(account, "") {
		if err != nil {
			return nil, err
		}
		add(&g.Head, "Group", &g.Grants, "")
	}
	for r, err := range s.Store.Roles.After(account, "") {
		if err != nil {
			return nil, err
		}
		add(&r.Head, "Role", &r.Grants, r.Boundary)
	}
	for u, err := range s.Store.Users.After(account, "") {
		if err != nil {
			return nil, err
		}
		add(&u.Head, "User", &u.Grants, u.Boundary)
	}
	slices.SortStableFunc(all, func(a, b use) int { return strings.Compare(a.sortKey(), b.sortKey()) })
	return all, nil
}
