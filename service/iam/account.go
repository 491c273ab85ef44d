package iam

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

func (s *Service) getAccountSummary(_ context.Context, c *aws.Call, _ *GetAccountSummaryInput) (*GetAccountSummaryOutput, error) {
	account := c.Account()
	n := make(map[string]int32)
	for name, count := range map[string]func(string) (int, error){
		"Users": s.Store.Users.Count, "Groups": s.Store.Groups.Count, "Roles": s.Store.Roles.Count,
		"Policies": s.Store.Policies.Count, "InstanceProfiles": s.Store.InstanceProfiles.Count,
	} {
		found, err := count(account)
		if err != nil {
			return nil, err
		}
		n[name] = int32(found)
	}
	keys, err := s.Store.AccessKeys(account, "")
	if err != nil {
		return nil, err
	}
	n["AccountAccessKeysPresent"] = int32(min(len(keys), 1))
	versions := 0
	for p, err := range s.Store.Policies.After(account, "") {
		if err != nil {
			return nil, err
		}
		versions += len(p.Versions)
	}
	n["PolicyVersionsInUse"] = int32(versions)
	for name, quota := range map[string]int32{
		"UsersQuota": identity.MaxUsers, "GroupsQuota": identity.MaxGroups, "RolesQuota": identity.MaxRoles,
		"PoliciesQuota": identity.MaxPolicies, "InstanceProfilesQuota": identity.MaxInstanceProfiles,
		"AccessKeysPerUserQuota": identity.MaxAccessKeys, "GroupsPerUserQuota": identity.MaxUserGroups,
		"AttachedPoliciesPerUserQuota": identity.MaxAttached, "AttachedPoliciesPerGroupQuota": identity.MaxAttached,
		"AttachedPoliciesPerRoleQuota": identity.MaxAttached, "VersionsPerPolicyQuota": identity.MaxPolicyVersions,
		"PolicySizeQuota": policy.MaxManagedSize, "UserPolicySizeQuota": policy.MaxUserInlineSize,
		"GroupPolicySizeQuota": policy.MaxGroupInlineSize, "RolePolicySizeQuota": policy.MaxRoleInlineSize,
		"AssumeRolePolicySizeQuota": policy.MaxTrustSize,
		"MFADevices":                0, "MFADevicesInUse": 0, "AccountMFAEnabled": 0, "AccountPasswordPresent": 0,
		"AccountSigningCertificatesPresent": 0, "ServerCertificates": 0, "Providers": 0,
	} {
		n[name] = quota
	}
	return &GetAccountSummaryOutput{SummaryMap: n}, nil
}

// detail is one entry of the account's details, of whichever kind.
type detail struct {
	sortKey string
	add     func(*GetAccountAuthorizationDetailsOutput)
}

// getAccountAuthorizationDetails lists groups, policies, roles and users, in
// this order.
func (s *Service) getAccountAuthorizationDetails(_ context.Context, c *aws.Call, in *GetAccountAuthorizationDetailsInput) (*GetAccountAuthorizationDetailsOutput, error) {
	kinds := []string{"User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"}
	for _, filter := range in.Filter {
		if !slices.Contains(kinds, filter) {
			return nil, errValidation("Filter has no value " + filter + ": there are " + strings.Join(kinds, ", "))
		}
	}
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	details, err := s.details(c.Account())
	if err != nil {
		return nil, err
	}
	wanted := func(d detail) bool {
		kind, _, _ := strings.Cut(d.sortKey, " ")
		return d.sortKey > p.after && (len(in.Filter) == 0 || slices.Contains(in.Filter, kind))
	}
	found, truncated, marker, err := take(func(yield func(detail, error) bool) {
		for _, d := range details {
			if !yield(d, nil) {
				return
			}
		}
	}, p.max, wanted, func(d detail) string { return d.sortKey })
	if err != nil {
		return nil, err
	}
	out := &GetAccountAuthorizationDetailsOutput{
		UserDetailList: []UserDetail{}, GroupDetailList: []GroupDetail{}, RoleDetailList: []RoleDetail{}, Policies: []ManagedPolicyDetail{},
		IsTruncated: truncated, Marker: marker,
	}
	for _, d := range found {
		d.add(out)
	}
	return out, nil
}

func (s *Service) details(account string) ([]detail, error) {
	var all []detail
	add := func(kind string, h *identity.Head, fn func(*GetAccountAuthorizationDetailsOutput)) {
		all = append(all, detail{kind + " " + h.Name, fn})
	}
	uses, err := s.usesOf(account, "")
	if err != nil {
		return nil, err
	}
	used := countUses(uses)
	groupNames := make(map[string]string)
	for g, err := range s.Store.Groups.After(account, "") {
		if err != nil {
			return nil, err
		}
		groupNames[g.ID] = g.Name
		add("Group", &g.Head, func(out *GetAccountAuthorizationDetailsOutput) {
			out.GroupDetailList = append(out.GroupDetailList, GroupDetail{
				Path: g.Path, GroupName: g.Name, GroupId: g.ID, Arn: g.ARN(account), CreateDate: g.Created,
				GroupPolicyList: describeInline(&g.Grants), AttachedManagedPolicies: describeAttached(&g.Grants),
			})
		})
	}
	profiles := make(map[string][]InstanceProfile)
	for p, err := range s.Store.InstanceProfiles.After(account, "") {
		if err != nil {
			return nil, err
		}
		d, err := s.describeProfile(account, p, false)
		if err != nil {
			return nil, err
		}
		for _, id := range p.Roles {
			profiles[id] = append(profiles[id], d)
		}
	}
	for r, err := range s.Store.Roles.After(account, "") {
		if err != nil {
			return nil, err
		}
		add("Role", &r.Head, func(out *GetAccountAuthorizationDetailsOutput) {
			out.RoleDetailList = append(out.RoleDetailList, RoleDetail{
				Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN(account), CreateDate: r.Created,
				AssumeRolePolicyDocument: escaped(r.Trust), InstanceProfileList: append([]InstanceProfile{}, profiles[r.ID]...),
				RolePolicyList: describeInline(&r.Grants), AttachedManagedPolicies: describeAttached(&r.Grants),
				PermissionsBoundary: describeBoundary(r.Boundary), Tags: describeTags(r.Tags), RoleLastUsed: s.roleLastUsed(account, r),
			})
		})
	}
	for u, err := range s.Store.Users.After(account, "") {
		if err != nil {
			return nil, err
		}
		add("User", &u.Head, func(out *GetAccountAuthorizationDetailsOutput) {
			d := UserDetail{
				Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN(account), CreateDate: u.Created,
				UserPolicyList: describeInline(&u.Grants), GroupList: []string{}, AttachedManagedPolicies: describeAttached(&u.Grants),
				PermissionsBoundary: describeBoundary(u.Boundary), Tags: describeTags(u.Tags),
			}
			for _, id := range u.Groups {
				d.GroupList = append(d.GroupList, groupNames[id])
			}
			out.UserDetailList = append(out.UserDetailList, d)
		})
	}
	for p, err := range s.Store.Policies.After(account, "") {
		if err != nil {
			return nil, err
		}
		arn := p.ARN(account)
		add("LocalManagedPolicy", &p.Head, func(out *GetAccountAuthorizationDetailsOutput) {
			out.Policies = append(out.Policies, describeManaged(p, arn, used[arn]))
		})
	}
	// Of AWS's policies only those that are attached are listed.
	for _, p := range identity.AWSPolicies() {
		arn := identity.AWSPolicyARN(p)
		if n := used[arn]; n != (counts{}) {
			add("AWSManagedPolicy", &p.Head, func(out *GetAccountAuthorizationDetailsOutput) {
				out.Policies = append(out.Policies, describeManaged(p, arn, n))
			})
		}
	}
	slices.SortStableFunc(all, func(a, b detail) int { return strings.Compare(a.sortKey, b.sortKey) })
	return all, nil
}

func describeManaged(p *identity.Policy, arn string, n counts) ManagedPolicyDetail {
	d := ManagedPolicyDetail{
		PolicyName: p.Name, PolicyId: p.ID, Arn: arn, Path: p.Path, DefaultVersionId: p.Default,
		AttachmentCount: &n.attached, PermissionsBoundaryUsageCount: &n.boundaries, IsAttachable: true,
		Description: p.Description, CreateDate: p.Created, UpdateDate: p.Updated,
	}
	for i := range p.Versions {
		d.PolicyVersionList = append(d.PolicyVersionList, describeVersion(p, &p.Versions[len(p.Versions)-1-i]))
	}
	return d
}

func (s *Service) createAccountAlias(_ context.Context, c *aws.Call, in *CreateAccountAliasInput) (*CreateAccountAliasOutput, error) {
	return &CreateAccountAliasOutput{}, s.Store.SetAlias(c.Account(), in.AccountAlias)
}

func (s *Service) listAccountAliases(_ context.Context, c *aws.Call, _ *ListAccountAliasesInput) (*ListAccountAliasesOutput, error) {
	out := &ListAccountAliasesOutput{AccountAliases: []string{}}
	a, err := s.Store.Account(c.Account())
	var missing *identity.NotFoundError
	if errors.As(err, &missing) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if a.Alias != "" {
		out.AccountAliases = append(out.AccountAliases, a.Alias)
	}
	return out, nil
}

func (s *Service) deleteAccountAlias(_ context.Context, c *aws.Call, in *DeleteAccountAliasInput) (*DeleteAccountAliasOutput, error) {
	return &DeleteAccountAliasOutput{}, s.Store.DeleteAlias(c.Account(), in.AccountAlias)
}
