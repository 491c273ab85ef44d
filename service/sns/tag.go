package sns

import (
	"context"
	"maps"
	"slices"
	"strings"

	"cairn/aws"
)

const maxTags = 50

func (s *Service) tagResource(ctx context.Context, c *aws.Call, in *TagResourceInput) (*TagResourceOutput, error) {
	return &TagResourceOutput{}, asResource(s.changeTopic(c, in.ResourceArn, func(t *topic) error { return t.addTags(in.Tags) }))
}

func (s *Service) untagResource(ctx context.Context, c *aws.Call, in *UntagResourceInput) (*UntagResourceOutput, error) {
	return &UntagResourceOutput{}, asResource(s.changeTopic(c, in.ResourceArn, func(t *topic) error {
		maps.DeleteFunc(t.Tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
		return nil
	}))
}

func (s *Service) listTagsForResource(ctx context.Context, c *aws.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	t, err := s.topic(c, in.ResourceArn)
	if err != nil {
		return nil, asResource(err)
	}
	out := &ListTagsForResourceOutput{Tags: []Tag{}}
	for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
		value := t.Tags[key]
		out.Tags = append(out.Tags, Tag{Key: key, Value: &value})
	}
	return out, nil
}

// getDataProtectionPolicy answers that a topic has none.
func (s *Service) getDataProtectionPolicy(ctx context.Context, c *aws.Call, in *GetDataProtectionPolicyInput) (*GetDataProtectionPolicyOutput, error) {
	_, err := s.topic(c, in.ResourceArn)
	return &GetDataProtectionPolicyOutput{}, err
}

func (t *topic) addTags(tags []Tag) error {
	if len(tags) == 0 {
		return nil
	}
	all := maps.Clone(t.Tags)
	if all == nil {
		all = make(map[string]string)
	}
	seen := make(map[string]bool)
	for _, tag := range tags {
		switch {
		case seen[tag.Key]:
			return errInvalid("Tags Reason: Duplicate keys are not allowed")
		case strings.HasPrefix(strings.ToLower(tag.Key), "aws:"):
			return errInvalid("Tags Reason: Tag keys must not begin with aws:, which is for AWS itself.")
		}
		seen[tag.Key], all[tag.Key] = true, *tag.Value
	}
	if len(all) > maxTags {
		return errTooManyTags()
	}
	t.Tags = all
	return nil
}

// asResource gives the error about a missing topic the code that the operations on
// tags have.
func asResource(err error) error {
	if isMissing(err) {
		return errNoResource()
	}
	return err
}
