package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/identity"
)

func (s *Service) tagUser(_ context.Context, c *aws.Call, in *TagUserInput) (*TagUserOutput, error) {
	return &TagUserOutput{}, tag(s.Store.Users, c.Account(), in.UserName, in.Tags)
}

func (s *Service) untagUser(_ context.Context, c *aws.Call, in *UntagUserInput) (*UntagUserOutput, error) {
	return &UntagUserOutput{}, untag(s.Store.Users, c.Account(), in.UserName, in.TagKeys)
}

func (s *Service) listUserTags(_ context.Context, c *aws.Call, in *ListUserTagsInput) (*ListUserTagsOutput, error) {
	tags, truncated, marker, err := listTags(s.Store.Users, c.Account(), in.UserName, in.Marker, in.MaxItems)
	return &ListUserTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) tagRole(_ context.Context, c *aws.Call, in *TagRoleInput) (*TagRoleOutput, error) {
	return &TagRoleOutput{}, tag(s.Store.Roles, c.Account(), in.RoleName, in.Tags)
}

func (s *Service) untagRole(_ context.Context, c *aws.Call, in *UntagRoleInput) (*UntagRoleOutput, error) {
	return &UntagRoleOutput{}, untag(s.Store.Roles, c.Account(), in.RoleName, in.TagKeys)
}

func (s *Service) listRoleTags(_ context.Context, c *aws.Call, in *ListRoleTagsInput) (*ListRoleTagsOutput, error) {
	tags, truncated, marker, err := listTags(s.Store.Roles, c.Account(), in.RoleName, in.Marker, in.MaxItems)
	return &ListRoleTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) tagInstanceProfile(_ context.Context, c *aws.Call, in *TagInstanceProfileInput) (*TagInstanceProfileOutput, error) {
	return &TagInstanceProfileOutput{}, tag(s.Store.InstanceProfiles, c.Account(), in.InstanceProfileName, in.Tags)
}

func (s *Service) untagInstanceProfile(_ context.Context, c *aws.Call, in *UntagInstanceProfileInput) (*UntagInstanceProfileOutput, error) {
	return &UntagInstanceProfileOutput{}, untag(s.Store.InstanceProfiles, c.Account(), in.InstanceProfileName, in.TagKeys)
}

func (s *Service) listInstanceProfileTags(_ context.Context, c *aws.Call, in *ListInstanceProfileTagsInput) (*ListInstanceProfileTagsOutput, error) {
	tags, truncated, marker, err := listTags(s.Store.InstanceProfiles, c.Account(), in.InstanceProfileName, in.Marker, in.MaxItems)
	return &ListInstanceProfileTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) tagPolicy(_ context.Context, c *aws.Call, in *TagPolicyInput) (*TagPolicyOutput, error) {
	p, err := s.ownPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &TagPolicyOutput{}, tag(s.Store.Policies, c.Account(), p.Name, in.Tags)
}

func (s *Service) untagPolicy(_ context.Context, c *aws.Call, in *UntagPolicyInput) (*UntagPolicyOutput, error) {
	p, err := s.ownPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &UntagPolicyOutput{}, untag(s.Store.Policies, c.Account(), p.Name, in.TagKeys)
}

func (s *Service) listPolicyTags(_ context.Context, c *aws.Call, in *ListPolicyTagsInput) (*ListPolicyTagsOutput, error) {
	p, err := s.anyPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := pageOfTags(p.Tags, in.Marker, in.MaxItems)
	return &ListPolicyTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

func tag[E any, P identity.Entity[E]](c *identity.Collection[E, P], account, name string, tags []Tag) error {
	_, err := c.Change(account, name, func(e P) (err error) {
		e.Common().Tags, err = addTags(e.Common().Tags, tags)
		return err
	})
	return err
}

func untag[E any, P identity.Entity[E]](c *identity.Collection[E, P], account, name string, keys []string) error {
	_, err := c.Change(account, name, func(e P) error {
		tags := e.Common().Tags
		maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(keys, key) })
		return nil
	})
	return err
}

func listTags[E any, P identity.Entity[E]](c *identity.Collection[E, P], account, name, marker string, maxItems *int32) ([]Tag, bool, string, error) {
	e, err := c.Get(account, name)
	if err != nil {
		return nil, false, "", err
	}
	return pageOfTags(e.Common().Tags, marker, maxItems)
}

func pageOfTags(all map[string]string, marker string, maxItems *int32) ([]Tag, bool, string, error) {
	keys, truncated, next, err := texts(slices.Collect(maps.Keys(all)), marker, maxItems)
	if err != nil {
		return nil, false, "", err
	}
	tags := []Tag{}
	for _, key := range keys {
		value := all[key]
		tags = append(tags, Tag{Key: key, Value: &value})
	}
	return tags, truncated, next, nil
}

// addTags returns old tags with new ones. Keys that differ only in case are the
// same; the new spelling wins.
func addTags(old map[string]string, tags []Tag) (map[string]string, error) {
	all := maps.Clone(old)
	if all == nil {
		all = make(map[string]string)
	}
	seen := make(map[string]bool)
	for _, t := range tags {
		lower := strings.ToLower(t.Key)
		switch {
		case seen[lower]:
			return nil, errInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		case strings.HasPrefix(lower, "aws:"):
			return nil, errInput("Tag keys must not begin with aws:, which is for AWS itself.")
		}
		seen[lower] = true
		maps.DeleteFunc(all, func(key, _ string) bool { return strings.EqualFold(key, t.Key) })
		all[t.Key] = *t.Value
	}
	if len(all) > identity.MaxTags {
		return nil, &identity.LimitError{Quota: "TagsPerResource", Limit: identity.MaxTags}
	}
	return all, nil
}

// describeTags is nil for no tags: answers then have no list.
func describeTags(all map[string]string) []Tag {
	var tags []Tag
	for _, key := range slices.Sorted(maps.Keys(all)) {
		value := all[key]
		tags = append(tags, Tag{Key: key, Value: &value})
	}
	return tags
}
