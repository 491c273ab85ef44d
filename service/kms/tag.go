package kms

import (
	"context"
	"maps"
	"slices"
	"strings"

	"cairn/aws"
)

const maxTags = 50

func (s *Service) tagResource(ctx context.Context, c *aws.Call, in *TagResourceInput) (*TagResourceOutput, error) {
	conditions := make(map[string][]string)
	addRequestTags(conditions, in.Tags)
	k, err := s.authorize(ctx, c, in.KeyId, use{keys: conditions})
	if err != nil {
		return nil, err
	}
	return &TagResourceOutput{}, s.change(k, func(k *key) (err error) {
		if err := k.needsLife(); err != nil {
			return err
		}
		k.Tags, err = withTags(k.Tags, in.Tags)
		return err
	})
}

func (s *Service) untagResource(ctx context.Context, c *aws.Call, in *UntagResourceInput) (*UntagResourceOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	return &UntagResourceOutput{}, s.change(k, func(k *key) error {
		maps.DeleteFunc(k.Tags, func(tag, _ string) bool { return slices.Contains(in.TagKeys, tag) })
		return k.needsLife()
	})
}

func (s *Service) listResourceTags(ctx context.Context, c *aws.Call, in *ListResourceTagsInput) (*ListResourceTagsOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	p, err := s.page(c, k.id, in.Marker, in.Limit, maxTags)
	if err != nil {
		return nil, err
	}
	out := &ListResourceTagsOutput{Tags: []Tag{}}
	names, more := p.texts(k.tagKeys())
	for _, name := range names {
		value := k.Tags[name]
		out.Tags = append(out.Tags, Tag{TagKey: name, TagValue: &value})
	}
	if more {
		out.Truncated = true
		out.NextMarker, err = s.marker(c, k.id, p.last)
	}
	return out, err
}

// withTags returns old tags with new ones.
func withTags(old map[string]string, tags []Tag) (map[string]string, error) {
	all := maps.Clone(old)
	if all == nil {
		all = make(map[string]string)
	}
	seen := make(map[string]bool)
	for _, t := range tags {
		switch {
		case seen[t.TagKey]:
			return nil, errTag("Duplicate tag keys")
		case strings.HasPrefix(strings.ToLower(t.TagKey), "aws:"):
			return nil, errTag("Tag keys must not begin with aws:, which is for AWS itself.")
		}
		seen[t.TagKey], all[t.TagKey] = true, *t.TagValue
	}
	// Policies see tags by keys without case: of two that differ in nothing else they
	// could see either.
	lower := make(map[string]bool, len(all))
	for name := range all {
		lower[strings.ToLower(name)] = true
	}
	if len(lower) < len(all) {
		return nil, errTag("Tag keys must differ in more than the case of letters.")
	}
	if len(all) > maxTags {
		return nil, errLimit("A key has %d tags at most.", maxTags)
	}
	return all, nil
}

// addRequestTags adds the condition keys about the tags of a request.
func addRequestTags(conditions map[string][]string, tags []Tag) {
	for _, t := range tags {
		if t.TagValue != nil {
			conditions["aws:RequestTag/"+t.TagKey] = []string{*t.TagValue}
		}
		conditions["aws:TagKeys"] = append(conditions["aws:TagKeys"], t.TagKey)
	}
}
