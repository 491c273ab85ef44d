package iam

import (
	"context"
	"errors"
	"slices"

	"cairn/aws"
	"cairn/identity"
)

func (s *Service) createInstanceProfile(_ context.Context, c *aws.Call, in *CreateInstanceProfileInput) (*CreateInstanceProfileOutput, error) {
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	p := &identity.InstanceProfile{Head: identity.Head{Name: in.InstanceProfileName, Path: orSlash(in.Path), Tags: tags}}
	if err := s.Store.InstanceProfiles.Create(c.Account(), p, nil); err != nil {
		return nil, err
	}
	d, err := s.describeProfile(c.Account(), p, true)
	return &CreateInstanceProfileOutput{InstanceProfile: d}, err
}

func (s *Service) getInstanceProfile(_ context.Context, c *aws.Call, in *GetInstanceProfileInput) (*GetInstanceProfileOutput, error) {
	p, err := s.Store.InstanceProfiles.Get(c.Account(), in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	d, err := s.describeProfile(c.Account(), p, true)
	return &GetInstanceProfileOutput{InstanceProfile: d}, err
}

func (s *Service) listInstanceProfiles(_ context.Context, c *aws.Call, in *ListInstanceProfilesInput) (*ListInstanceProfilesOutput, error) {
	profiles, truncated, marker, err := entities(s.Store.InstanceProfiles, c.Account(), in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	described, err := s.describeProfiles(c.Account(), profiles)
	return &ListInstanceProfilesOutput{InstanceProfiles: described, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) deleteInstanceProfile(_ context.Context, c *aws.Call, in *DeleteInstanceProfileInput) (*DeleteInstanceProfileOutput, error) {
	err := s.Store.InstanceProfiles.Delete(c.Account(), in.InstanceProfileName, func(p *identity.InstanceProfile) error {
		if len(p.Roles) > 0 {
			return errConflict("remove roles from instance profile")
		}
		return nil
	})
	return &DeleteInstanceProfileOutput{}, err
}

func (s *Service) addRoleToInstanceProfile(ctx context.Context, c *aws.Call, in *AddRoleToInstanceProfileInput) (*AddRoleToInstanceProfileOutput, error) {
	// The role's permissions go to whoever uses the profile.
	if err := c.Authorize(ctx, aws.Permission{Action: "iam:PassRole", Resource: s.Store.Roles.ARN(c.Account(), in.RoleName)}); err != nil {
		return nil, err
	}
	_, err := s.Store.InstanceProfiles.Change(c.Account(), in.InstanceProfileName, func(p *identity.InstanceProfile) error {
		r, err := s.Store.Roles.Get(c.Account(), in.RoleName)
		switch {
		case err != nil:
			return err
		case len(p.Roles) > 0:
			return &identity.LimitError{Quota: "InstanceSessionsPerInstanceProfile", Limit: 1}
		}
		p.Roles = []string{r.ID}
		return nil
	})
	return &AddRoleToInstanceProfileOutput{}, err
}

func (s *Service) removeRoleFromInstanceProfile(_ context.Context, c *aws.Call, in *RemoveRoleFromInstanceProfileInput) (*RemoveRoleFromInstanceProfileOutput, error) {
	_, err := s.Store.InstanceProfiles.Change(c.Account(), in.InstanceProfileName, func(p *identity.InstanceProfile) error {
		r, err := s.Store.Roles.Get(c.Account(), in.RoleName)
		if err != nil {
			return err
		}
		i := slices.Index(p.Roles, r.ID)
		if i < 0 {
			return errNoSuchEntity("role", in.RoleName)
		}
		p.Roles = slices.Delete(p.Roles, i, i+1)
		return nil
	})
	return &RemoveRoleFromInstanceProfileOutput{}, err
}

func (s *Service) listInstanceProfilesForRole(_ context.Context, c *aws.Call, in *ListInstanceProfilesForRoleInput) (*ListInstanceProfilesForRoleOutput, error) {
	r, err := s.Store.Roles.Get(c.Account(), in.RoleName)
	if err != nil {
		return nil, err
	}
	pg, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	profiles, truncated, marker, err := take(s.Store.InstanceProfiles.After(c.Account(), pg.after), pg.max,
		func(p *identity.InstanceProfile) bool { return slices.Contains(p.Roles, r.ID) },
		func(p *identity.InstanceProfile) string { return p.Name })
	if err != nil {
		return nil, err
	}
	described, err := s.describeProfiles(c.Account(), profiles)
	return &ListInstanceProfilesForRoleOutput{InstanceProfiles: described, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) describeProfiles(account string, profiles []*identity.InstanceProfile) ([]InstanceProfile, error) {
	described := []InstanceProfile{}
	for _, p := range profiles {
		d, err := s.describeProfile(account, p, false)
		if err != nil {
			return nil, err
		}
		described = append(described, d)
	}
	return described, nil
}

func (s *Service) describeProfile(account string, p *identity.InstanceProfile, full bool) (InstanceProfile, error) {
	d := InstanceProfile{
		Path: p.Path, InstanceProfileName: p.Name, InstanceProfileId: p.ID, Arn: p.ARN(account), CreateDate: p.Created, Roles: []Role{},
	}
	for _, id := range p.Roles {
		r, err := s.Store.Roles.ByID(account, id)
		var missing *identity.NotFoundError
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return d, err
		}
		d.Roles = append(d.Roles, s.describeRole(account, r, false))
	}
	if full {
		d.Tags = describeTags(p.Tags)
	}
	return d, nil
}
