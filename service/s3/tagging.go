package s3

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"cairn/aws"
	"cairn/internal/objectstore"
)

func (s *Service) putBucketTagging(ctx context.Context, c *aws.Call, in *PutBucketTaggingInput) (*PutBucketTaggingOutput, error) {
	if in.Tagging == nil {
		return nil, malformedXML()
	}
	if _, err := tagMap(in.Tagging.TagSet, maxBucketTags); err != nil {
		return nil, err
	}
	return &PutBucketTaggingOutput{}, s.set(ctx, in.Bucket, tagsSetting, in.Tagging.TagSet)
}

func (s *Service) getBucketTagging(ctx context.Context, _ *aws.Call, in *GetBucketTaggingInput) (*GetBucketTaggingOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if len(b.Tags) == 0 {
		return nil, noSuchTags()
	}
	return &GetBucketTaggingOutput{TagSet: b.Tags}, nil
}

func (s *Service) deleteBucketTagging(ctx context.Context, _ *aws.Call, in *DeleteBucketTaggingInput) (*DeleteBucketTaggingOutput, error) {
	return &DeleteBucketTaggingOutput{}, s.unset(ctx, in.Bucket, tagsSetting)
}

func (s *Service) putObjectTagging(ctx context.Context, c *aws.Call, in *PutObjectTaggingInput) (*PutObjectTaggingOutput, error) {
	if in.Tagging == nil {
		return nil, malformedXML()
	}
	if _, err := tagMap(in.Tagging.TagSet, maxObjectTags); err != nil {
		return nil, err
	}
	o, err := s.Objects.SetTags(ctx, objectstore.Ref{Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionId}, storedTags(in.Tagging.TagSet))
	if err != nil {
		return nil, s.absent(ctx, c, in.Bucket, err)
	}
	return &PutObjectTaggingOutput{VersionId: versionOf(o)}, nil
}

func (s *Service) getObjectTagging(ctx context.Context, c *aws.Call, in *GetObjectTaggingInput) (*GetObjectTaggingOutput, error) {
	o, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	out := &GetObjectTaggingOutput{VersionId: versionOf(o), TagSet: []Tag{}}
	for _, tag := range o.Tags {
		out.TagSet = append(out.TagSet, Tag(tag))
	}
	return out, nil
}

func (s *Service) deleteObjectTagging(ctx context.Context, c *aws.Call, in *DeleteObjectTaggingInput) (*DeleteObjectTaggingOutput, error) {
	o, err := s.Objects.SetTags(ctx, objectstore.Ref{Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionId}, nil)
	if err != nil {
		return nil, s.absent(ctx, c, in.Bucket, err)
	}
	return &DeleteObjectTaggingOutput{VersionId: versionOf(o)}, nil
}

func storedTags(tags []Tag) []objectstore.Tag {
	var all []objectstore.Tag
	for _, tag := range tags {
		all = append(all, objectstore.Tag(tag))
	}
	return all
}

// headerTags reads the tags that a header has, in the order of their names.
func headerTags(text string) ([]objectstore.Tag, error) {
	tags, err := parseTagging(text)
	if err != nil {
		return nil, err
	}
	var all []objectstore.Tag
	for name, value := range tags {
		all = append(all, objectstore.Tag{Key: name, Value: value})
	}
	slices.SortFunc(all, func(a, b objectstore.Tag) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// parseTagging reads tags as headers have them: name=value&name=value.
func parseTagging(text string) (map[string]string, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var tags []Tag
	for name, list := range values {
		if len(list) > 1 {
			return nil, invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, Tag{name, list[0]})
	}
	return tagMap(tags, maxObjectTags)
}

func encodeTagging(tags []Tag) string {
	values := make(url.Values)
	for _, tag := range tags {
		values.Set(tag.Key, tag.Value)
	}
	return values.Encode()
}

// The most tags that AWS allows.
const (
	maxObjectTags = 10
	maxBucketTags = 50
)

// tagMap checks tags and returns them by name.
func tagMap(tags []Tag, limit int) (map[string]string, error) {
	if len(tags) > limit {
		kind := "Object"
		if limit == maxBucketTags {
			kind = "Bucket"
		}
		return nil, failure(400, "BadRequest", "%s tags cannot be greater than %d", kind, limit)
	}
	all := make(map[string]string, len(tags))
	seen := make(map[string]bool, len(tags))
	for _, tag := range tags {
		// Policies see the tags of objects by keys without case: of two that differ
		// in nothing else they could see either.
		name := tag.Key
		if limit == maxObjectTags {
			name = strings.ToLower(name)
		}
		twice := seen[name]
		seen[name] = true
		switch {
		case twice:
			return nil, invalidTag("Cannot provide multiple Tags with the same key")
		case !tagText(tag.Key) || tag.Key == "" || len([]rune(tag.Key)) > 128:
			return nil, invalidTag("The TagKey you have provided is invalid")
		case !tagText(tag.Value) || len([]rune(tag.Value)) > 256:
			return nil, invalidTag("The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(tag.Key), "aws:"):
			return nil, invalidTag("System tags cannot be added/updated by requester")
		}
		all[tag.Key] = tag.Value
	}
	return all, nil
}

// tagText reports whether a text has only what tags may hold: letters, digits,
// spaces and + - = . _ : / @.
func tagText(s string) bool {
	for _, r := range s {
		if !(strings.ContainsRune("+-=._:/@", r) || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSpace(r)) {
			return false
		}
	}
	return true
}
