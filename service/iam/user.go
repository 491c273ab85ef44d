package iam

import (
	"context"
	"slices"

	"cairn/aws"
	"cairn/identity"
)

func (s *Service) createUser(_ context.Context, c *aws.Call, in *CreateUserInput) (*CreateUserOutput, error) {
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	u := &identity.User{Head: identity.Head{Name: in.UserName, Path: orSlash(in.Path), Tags: tags}, Boundary: in.PermissionsBoundary}
	err = s.Store.Users.Create(c.Account(), u, func() error { return s.boundaryExists(c.Account(), in.PermissionsBoundary) })
	if err != nil {
		return nil, err
	}
	return &CreateUserOutput{User: describeUser(c.Account(), u, true)}, nil
}

func (s *Service) getUser(_ context.Context, c *aws.Call, in *GetUserInput) (*GetUserOutput, error) {
	name, err := userName(c, in.UserName)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return &GetUserOutput{User: s.describeRoot(c.Account())}, nil
	}
	u, err := s.Store.Users.Get(c.Account(), name)
	if err != nil {
		return nil, err
	}
	return &GetUserOutput{User: describeUser(c.Account(), u, true)}, nil
}

func (s *Service) listUsers(_ context.Context, c *aws.Call, in *ListUsersInput) (*ListUsersOutput, error) {
	users, truncated, marker, err := entities(s.Store.Users, c.Account(), in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &ListUsersOutput{Users: []User{}, IsTruncated: truncated, Marker: marker}
	for _, u := range users {
		out.Users = append(out.Users, describeUser(c.Account(), u, false))
	}
	return out, nil
}

func (s *Service) updateUser(_ context.Context, c *aws.Call, in *UpdateUserInput) (*UpdateUserOutput, error) {
	_, err := s.Store.Users.Change(c.Account(), in.UserName, func(u *identity.User) error {
		rename(&u.Head, in.NewUserName, in.NewPath)
		return nil
	})
	return &UpdateUserOutput{}, err
}

func (s *Service) deleteUser(_ context.Context, c *aws.Call, in *DeleteUserInput) (*DeleteUserOutput, error) {
	err := s.Store.Users.Delete(c.Account(), in.UserName, func(u *identity.User) error {
		switch {
		case len(u.Keys) > 0:
			return errConflict("delete access keys")
		case len(u.Groups) > 0:
			return errConflict("remove users from group")
		}
		return ungranted(&u.Grants)
	})
	return &DeleteUserOutput{}, err
}

func (s *Service) putUserPermissionsBoundary(_ context.Context, c *aws.Call, in *PutUserPermissionsBoundaryInput) (*PutUserPermissionsBoundaryOutput, error) {
	_, err := s.Store.Users.Change(c.Account(), in.UserName, func(u *identity.User) error {
		u.Boundary = in.PermissionsBoundary
		return s.boundaryExists(c.Account(), in.PermissionsBoundary)
	})
	return &PutUserPermissionsBoundaryOutput{}, err
}

func (s *Service) deleteUserPermissionsBoundary(_ context.Context, c *aws.Call, in *DeleteUserPermissionsBoundaryInput) (*DeleteUserPermissionsBoundaryOutput, error) {
	_, err := s.Store.Users.Change(c.Account(), in.UserName, func(u *identity.User) error {
		if u.Boundary == "" {
			return errNoSuchEntity("permissions boundary", in.UserName)
		}
		u.Boundary = ""
		return nil
	})
	return &DeleteUserPermissionsBoundaryOutput{}, err
}

func (s *Service) listGroupsForUser(_ context.Context, c *aws.Call, in *ListGroupsForUserInput) (*ListGroupsForUserOutput, error) {
	u, err := s.Store.Users.Get(c.Account(), in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	groups, truncated, marker, err := take(s.Store.Groups.After(c.Account(), p.after), p.max,
		func(g *identity.Group) bool { return slices.Contains(u.Groups, g.ID) },
		func(g *identity.Group) string { return g.Name })
	if err != nil {
		return nil, err
	}
	out := &ListGroupsForUserOutput{Groups: []Group{}, IsTruncated: truncated, Marker: marker}
	for _, g := range groups {
		out.Groups = append(out.Groups, describeGroup(c.Account(), g))
	}
	return out, nil
}

// userName is the user that a call means: the named one, or else the caller. It
// is empty for the root user.
func userName(c *aws.Call, named string) (string, error) {
	switch {
	case named != "":
		return named, nil
	case c.Identity.Type == "IAMUser":
		return c.Identity.UserName, nil
	case c.Identity.Type == "Root":
		return "", nil
	}
	return "", errValidation("Must specify userName when calling with non-User credentials")
}

// rename changes a name and path. Empty ones stay.
func rename(h *identity.Head, name, path string) {
	if name != "" {
		h.Name = name
	}
	if path != "" {
		h.Path = path
	}
}

// describeUser is a user as answers have it. Lists leave out tags and boundaries.
func describeUser(account string, u *identity.User, full bool) User {
	d := User{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN(account), CreateDate: u.Created}
	if full {
		d.PermissionsBoundary = describeBoundary(u.Boundary)
		d.Tags = describeTags(u.Tags)
	}
	return d
}

func (s *Service) describeRoot(account string) User {
	d := User{UserId: account, Arn: "arn:aws:iam::" + account + ":root"}
	if a, err := s.Store.Account(account); err == nil {
		d.CreateDate = a.Created
	}
	return d
}

// boundaryExists refuses a permissions boundary that is no policy.
func (s *Service) boundaryExists(account, arn string) error {
	if arn == "" {
		return nil
	}
	return s.policyExists(account, arn)
}

func describeBoundary(arn string) AttachedPermissionsBoundary {
	if arn == "" {
		return AttachedPermissionsBoundary{}
	}
	return AttachedPermissionsBoundary{PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: arn}
}
