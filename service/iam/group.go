package iam

import (
	"context"
	"slices"

	"cairn/aws"
	"cairn/identity"
)

func (s *Service) createGroup(_ context.Context, c *aws.Call, in *CreateGroupInput) (*CreateGroupOutput, error) {
	g := &identity.Group{Head: identity.Head{Name: in.GroupName, Path: orSlash(in.Path)}}
	if err := s.Store.Groups.Create(c.Account(), g, nil); err != nil {
		return nil, err
	}
	return &CreateGroupOutput{Group: describeGroup(c.Account(), g)}, nil
}

func (s *Service) getGroup(_ context.Context, c *aws.Call, in *GetGroupInput) (*GetGroupOutput, error) {
	g, err := s.Store.Groups.Get(c.Account(), in.GroupName)
	if err != nil {
		return nil, err
	}
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	users, truncated, marker, err := take(s.Store.Users.After(c.Account(), p.after), p.max,
		func(u *identity.User) bool { return slices.Contains(u.Groups, g.ID) },
		func(u *identity.User) string { return u.Name })
	if err != nil {
		return nil, err
	}
	out := &GetGroupOutput{Group: describeGroup(c.Account(), g), Users: []User{}, IsTruncated: truncated, Marker: marker}
	for _, u := range users {
		out.Users = append(out.Users, describeUser(c.Account(), u, false))
	}
	return out, nil
}

func (s *Service) listGroups(_ context.Context, c *aws.Call, in *ListGroupsInput) (*ListGroupsOutput, error) {
	groups, truncated, marker, err := entities(s.Store.Groups, c.Account(), in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &ListGroupsOutput{Groups: []Group{}, IsTruncated: truncated, Marker: marker}
	for _, g := range groups {
		out.Groups = append(out.Groups, describeGroup(c.Account(), g))
	}
	return out, nil
}

func (s *Service) updateGroup(_ context.Context, c *aws.Call, in *UpdateGroupInput) (*UpdateGroupOutput, error) {
	_, err := s.Store.Groups.Change(c.Account(), in.GroupName, func(g *identity.Group) error {
		rename(&g.Head, in.NewGroupName, in.NewPath)
		return nil
	})
	return &UpdateGroupOutput{}, err
}

func (s *Service) deleteGroup(_ context.Context, c *aws.Call, in *DeleteGroupInput) (*DeleteGroupOutput, error) {
	err := s.Store.Groups.Delete(c.Account(), in.GroupName, func(g *identity.Group) error {
		for u, err := range s.Store.Users.After(c.Account(), "") {
			if err != nil {
				return err
			}
			if slices.Contains(u.Groups, g.ID) {
				return errConflict("remove users from group")
			}
		}
		return ungranted(&g.Grants)
	})
	return &DeleteGroupOutput{}, err
}

func (s *Service) addUserToGroup(_ context.Context, c *aws.Call, in *AddUserToGroupInput) (*AddUserToGroupOutput, error) {
	_, err := s.Store.Users.Change(c.Account(), in.UserName, func(u *identity.User) error {
		g, err := s.Store.Groups.Get(c.Account(), in.GroupName)
		switch {
		case err != nil:
			return err
		case slices.Contains(u.Groups, g.ID):
			return nil
		case len(u.Groups) >= identity.MaxUserGroups:
			return &identity.LimitError{Quota: "GroupsPerUser", Limit: identity.MaxUserGroups}
		}
		u.Groups = append(u.Groups, g.ID)
		return nil
	})
	return &AddUserToGroupOutput{}, err
}

func (s *Service) removeUserFromGroup(_ context.Context, c *aws.Call, in *RemoveUserFromGroupInput) (*RemoveUserFromGroupOutput, error) {
	_, err := s.Store.Users.Change(c.Account(), in.UserName, func(u *identity.User) error {
		g, err := s.Store.Groups.Get(c.Account(), in.GroupName)
		if err != nil {
			return err
		}
		i := slices.Index(u.Groups, g.ID)
		if i < 0 {
			return errNoSuchEntity("user", in.UserName)
		}
		u.Groups = slices.Delete(u.Groups, i, i+1)
		return nil
	})
	return &RemoveUserFromGroupOutput{}, err
}

func describeGroup(account string, g *identity.Group) Group {
	return Group{Path: g.Path, GroupName: g.Name, GroupId: g.ID, Arn: g.ARN(account), CreateDate: g.Created}
}
