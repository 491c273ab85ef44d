package iam

import (
	"context"
	"slices"
	"time"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

// defaultMaxSession is how long a role's sessions may last if nobody says.
const defaultMaxSession = time.Hour

func (s *Service) createRole(_ context.Context, c *aws.Call, in *CreateRoleInput) (*CreateRoleOutput, error) {
	trusted, err := s.checkTrust(c.Account(), in.AssumeRolePolicyDocument, in.RoleName)
	if err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r := &identity.Role{
		Head:  identity.Head{Name: in.RoleName, Path: orSlash(in.Path), Tags: tags},
		Trust: in.AssumeRolePolicyDocument, Trusted: trusted, Description: in.Description,
		MaxSession: maxSession(in.MaxSessionDuration), Boundary: in.PermissionsBoundary,
	}
	err = s.Store.Roles.Create(c.Account(), r, func() error { return s.boundaryExists(c.Account(), in.PermissionsBoundary) })
	if err != nil {
		return nil, err
	}
	return &CreateRoleOutput{Role: s.describeRole(c.Account(), r, true)}, nil
}

func (s *Service) getRole(_ context.Context, c *aws.Call, in *GetRoleInput) (*GetRoleOutput, error) {
	r, err := s.Store.Roles.Get(c.Account(), in.RoleName)
	if err != nil {
		return nil, err
	}
	return &GetRoleOutput{Role: s.describeRole(c.Account(), r, true)}, nil
}

func (s *Service) listRoles(_ context.Context, c *aws.Call, in *ListRolesInput) (*ListRolesOutput, error) {
	roles, truncated, marker, err := entities(s.Store.Roles, c.Account(), in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &ListRolesOutput{Roles: []Role{}, IsTruncated: truncated, Marker: marker}
	for _, r := range roles {
		out.Roles = append(out.Roles, s.describeRole(c.Account(), r, false))
	}
	return out, nil
}

func (s *Service) updateRole(_ context.Context, c *aws.Call, in *UpdateRoleInput) (*UpdateRoleOutput, error) {
	_, err := s.Store.Roles.Change(c.Account(), in.RoleName, func(r *identity.Role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSession = maxSession(in.MaxSessionDuration)
		}
		return nil
	})
	return &UpdateRoleOutput{}, err
}

func (s *Service) updateRoleDescription(_ context.Context, c *aws.Call, in *UpdateRoleDescriptionInput) (*UpdateRoleDescriptionOutput, error) {
	r, err := s.Store.Roles.Change(c.Account(), in.RoleName, func(r *identity.Role) error {
		r.Description = *in.Description
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &UpdateRoleDescriptionOutput{Role: s.describeRole(c.Account(), r, true)}, nil
}

func (s *Service) updateAssumeRolePolicy(_ context.Context, c *aws.Call, in *UpdateAssumeRolePolicyInput) (*UpdateAssumeRolePolicyOutput, error) {
	trusted, err := s.checkTrust(c.Account(), in.PolicyDocument, in.RoleName)
	if err != nil {
		return nil, err
	}
	_, err = s.Store.Roles.Change(c.Account(), in.RoleName, func(r *identity.Role) error {
		r.Trust, r.Trusted = in.PolicyDocument, trusted
		return nil
	})
	return &UpdateAssumeRolePolicyOutput{}, err
}

func (s *Service) deleteRole(_ context.Context, c *aws.Call, in *DeleteRoleInput) (*DeleteRoleOutput, error) {
	err := s.Store.Roles.Delete(c.Account(), in.RoleName, func(r *identity.Role) error {
		for p, err := range s.Store.InstanceProfiles.After(c.Account(), "") {
			if err != nil {
				return err
			}
			if slices.Contains(p.Roles, r.ID) {
				return errConflict("remove roles from instance profile")
			}
		}
		return ungranted(&r.Grants)
	})
	return &DeleteRoleOutput{}, err
}

func (s *Service) putRolePermissionsBoundary(_ context.Context, c *aws.Call, in *PutRolePermissionsBoundaryInput) (*PutRolePermissionsBoundaryOutput, error) {
	_, err := s.Store.Roles.Change(c.Account(), in.RoleName, func(r *identity.Role) error {
		r.Boundary = in.PermissionsBoundary
		return s.boundaryExists(c.Account(), in.PermissionsBoundary)
	})
	return &PutRolePermissionsBoundaryOutput{}, err
}

func (s *Service) deleteRolePermissionsBoundary(_ context.Context, c *aws.Call, in *DeleteRolePermissionsBoundaryInput) (*DeleteRolePermissionsBoundaryOutput, error) {
	_, err := s.Store.Roles.Change(c.Account(), in.RoleName, func(r *identity.Role) error {
		if r.Boundary == "" {
			return errNoSuchEntity("permissions boundary", in.RoleName)
		}
		r.Boundary = ""
		return nil
	})
	return &DeleteRolePermissionsBoundaryOutput{}, err
}

// checkTrust refuses a trust policy that is malformed, or that names users or
// roles of the account that do not exist. It returns the IDs of those it names.
func (s *Service) checkTrust(account, document, roleName string) (map[string]string, error) {
	if err := checkDocument(document, policy.TrustPolicy, policy.MaxTrustSize, "role "+roleName); err != nil {
		return nil, err
	}
	return s.Store.TrustedIDs(account, document)
}

func maxSession(seconds *int32) time.Duration {
	if seconds == nil {
		return defaultMaxSession
	}
	return time.Duration(*seconds) * time.Second
}

// describeRole is a role as answers have it. Lists leave out tags, boundaries
// and the last use.
func (s *Service) describeRole(account string, r *identity.Role, full bool) Role {
	seconds := int32(r.MaxSession / time.Second)
	d := Role{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN(account), CreateDate: r.Created,
		AssumeRolePolicyDocument: escaped(r.Trust), Description: r.Description, MaxSessionDuration: &seconds,
	}
	if full {
		d.PermissionsBoundary = describeBoundary(r.Boundary)
		d.Tags = describeTags(r.Tags)
		d.RoleLastUsed = s.roleLastUsed(account, r)
	}
	return d
}

func (s *Service) roleLastUsed(account string, r *identity.Role) RoleLastUsed {
	use, ok := s.Store.LastUse(account, r.ID)
	if !ok {
		return RoleLastUsed{}
	}
	return RoleLastUsed{LastUsedDate: use.Time, Region: use.Region}
}
