package cloudtrail

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"cairn"
	"cairn/aws"
	"cairn/trail"
)

// The limits of tags.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
	maxTagged   = 20 // resources of one ListTags
)

// A Tag is a tag of a trail.
type Tag struct {
	Key   string `aws:",required"`
	Value string
}

// AddTagsInput holds the parameters of AddTags.
type AddTagsInput struct {
	ResourceId string
	TagsList   []Tag `aws:",required,max=200"`
}

// AddTagsOutput is empty.
type AddTagsOutput struct{}

// RemoveTagsInput holds the parameters of RemoveTags. Values do not matter.
type RemoveTagsInput struct {
	ResourceId string
	TagsList   []Tag `aws:",required,max=200"`
}

// RemoveTagsOutput is empty.
type RemoveTagsOutput struct{}

// ListTagsInput names the resources.
type ListTagsInput struct {
	ResourceIdList []string `aws:",required"`
	NextToken      string
}

// A ResourceTag shows the tags of one resource.
type ResourceTag struct {
	ResourceId string
	TagsList   []Tag
}

// ListTagsOutput shows the tags. They are one page.
type ListTagsOutput struct {
	ResourceTagList []ResourceTag
	NextToken       string
}

func (s *Service) addTags(_ context.Context, c *aws.Call, in *AddTagsInput) (*AddTagsOutput, error) {
	t, err := s.tagged(c, in.ResourceId)
	if err != nil {
		return nil, err
	}
	_, err = s.Trails.Change(c.Account(), t.ID, c.RequestID, func(t *trail.Trail) error {
		t.Tags, err = tagsOf(t.Tags, in.TagsList)
		return err
	})
	if err != nil {
		return nil, trailError(c, in.ResourceId, err)
	}
	return &AddTagsOutput{}, nil
}

func (s *Service) removeTags(_ context.Context, c *aws.Call, in *RemoveTagsInput) (*RemoveTagsOutput, error) {
	t, err := s.tagged(c, in.ResourceId)
	if err != nil {
		return nil, err
	}
	_, err = s.Trails.Change(c.Account(), t.ID, c.RequestID, func(t *trail.Trail) error {
		for _, tag := range in.TagsList {
			delete(t.Tags, tag.Key)
		}
		return nil
	})
	if err != nil {
		return nil, trailError(c, in.ResourceId, err)
	}
	return &RemoveTagsOutput{}, nil
}

func (s *Service) listTags(_ context.Context, c *aws.Call, in *ListTagsInput) (*ListTagsOutput, error) {
	if in.NextToken != "" {
		return nil, errToken()
	}
	if len(in.ResourceIdList) > maxTagged {
		return nil, errTooManyResources()
	}
	out := &ListTagsOutput{ResourceTagList: []ResourceTag{}}
	for _, id := range in.ResourceIdList {
		t, err := s.findTagged(c, id)
		if err != nil {
			return nil, err
		}
		shown := ResourceTag{ResourceId: t.ARN().String(), TagsList: []Tag{}}
		for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
			shown.TagsList = append(shown.TagsList, Tag{key, t.Tags[key]})
		}
		out.ResourceTagList = append(out.ResourceTagList, shown)
	}
	return out, nil
}

// listTagsNeeds are the permissions of a ListTags: one for each resource. More
// resources than can be listed are refused for their number.
func (s *Service) listTagsNeeds(_ context.Context, c *aws.Call, in *ListTagsInput) ([]aws.Permission, error) {
	if n := len(in.ResourceIdList); n == 0 || n > maxTagged {
		return []aws.Permission{{Resource: "*"}}, nil
	}
	var needs []aws.Permission
	for _, id := range in.ResourceIdList {
		needs = append(needs, s.permission(c, id))
	}
	return needs, nil
}

// tagged returns the trail of an ARN for a call that changes its tags.
func (s *Service) tagged(c *aws.Call, id string) (*trail.Trail, error) {
	t, err := s.findTagged(c, id)
	if err == nil && t.HomeRegion != c.Region {
		return nil, errHomeRegion(t.HomeRegion, c.Region)
	}
	return t, err
}

// findTagged returns the trail of an ARN. Resources of other kinds can have tags,
// too, but there are none of them.
func (s *Service) findTagged(c *aws.Call, id string) (*trail.Trail, error) {
	arn, err := cairn.ParseARN(id)
	if err != nil || arn.Service != "cloudtrail" {
		return nil, errTaggedARN(id)
	}
	if err := otherResource(arn); err != nil {
		return nil, err
	}
	t, err := s.findTrail(c, id)
	if e, ok := err.(*aws.Error); ok && e.Code == "TrailNotFoundException" {
		return nil, errResourceNotFound(id)
	}
	return t, err
}

// otherResource refuses the ARNs of what there is none of.
func otherResource(arn cairn.ARN) error {
	kind, _, _ := strings.Cut(arn.Resource, "/")
	switch kind {
	case "eventdatastore":
		return aws.Errorf("EventDataStoreNotFoundException", "The event data store %s does not exist.", arn)
	case "channel":
		return aws.Errorf("ChannelNotFoundException", "The channel %s does not exist.", arn)
	case "dashboard":
		return errResourceNotFound(arn.String())
	}
	return nil
}

// tagsOf returns tags with others added.
func tagsOf(tags map[string]string, add []Tag) (map[string]string, error) {
	next := maps.Clone(tags)
	if next == nil {
		next = make(map[string]string)
	}
	seen := make(map[string]bool)
	for _, tag := range add {
		switch {
		case tag.Key == "" || utf8.RuneCountInString(tag.Key) > maxTagKey || utf8.RuneCountInString(tag.Value) > maxTagValue:
			return nil, errTag("A tag's key has 1 to 128 characters, and its value up to 256.")
		case strings.HasPrefix(strings.ToLower(tag.Key), "aws:"):
			return nil, errTag("A tag's key must not begin with aws:.")
		case seen[tag.Key]:
			return nil, errTag("The tag key " + tag.Key + " comes more than once.")
		}
		seen[tag.Key] = true
		next[tag.Key] = tag.Value
	}
	if len(next) > maxTags {
		return nil, errTooManyTags()
	}
	return next, nil
}
