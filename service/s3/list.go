package s3

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/internal/objectstore"
)

// maxPage is the most entries on a page of a listing.
const maxPage = 1000

// pageSize returns how many entries a page may have.
func pageSize(asked *int32, name string) (int, error) {
	switch {
	case asked == nil:
		return maxPage, nil
	case *asked < 0:
		return 0, invalidArgument("Argument %s must be an integer between 0 and 2147483647", name)
	}
	return min(int(*asked), maxPage), nil
}

// An encoder writes keys as the request asks for: as they are, or as in URLs.
type encoder func(string) string

func encoderOf(encoding string) (encoder, error) {
	switch encoding {
	case "":
		return func(s string) string { return s }, nil
	case "url":
		return func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }, nil
	}
	return nil, invalidArgument("Invalid Encoding Method specified in Request")
}

func (s *Service) listObjects(ctx context.Context, _ *aws.Call, in *ListObjectsInput) (*ListObjectsOutput, error) {
	prefix, delimiter := text(in.Prefix), text(in.Delimiter)
	b, encode, size, err := s.listing(ctx, in.Bucket, in.EncodingType, in.MaxKeys, in.OptionalObjectAttributes)
	if err != nil {
		return nil, err
	}
	page, err := s.Objects.List(ctx, objectstore.ListQuery{Bucket: in.Bucket, Prefix: prefix, Delimiter: delimiter, After: in.Marker, MaxKeys: size})
	if err != nil {
		return nil, err
	}
	max := int32(size)
	out := &ListObjectsOutput{
		Name: in.Bucket, Prefix: encode(prefix), Delimiter: encode(delimiter), Marker: encode(in.Marker), EncodingType: in.EncodingType,
		MaxKeys: &max, IsTruncated: &page.Truncated, CommonPrefixes: prefixes(page.Prefixes, encode),
	}
	for i := range page.Objects {
		out.Contents = append(out.Contents, b.listed(&page.Objects[i], encode, true))
	}
	if page.Truncated && delimiter != "" {
		out.NextMarker = encode(page.Next)
	}
	return out, nil
}

func (s *Service) listObjectsV2(ctx context.Context, _ *aws.Call, in *ListObjectsV2Input) (*ListObjectsV2Output, error) {
	prefix, delimiter := text(in.Prefix), text(in.Delimiter)
	b, encode, size, err := s.listing(ctx, in.Bucket, in.EncodingType, in.MaxKeys, in.OptionalObjectAttributes)
	if err != nil {
		return nil, err
	}
	after := in.StartAfter
	if in.ContinuationToken != "" {
		token, err := base64.RawURLEncoding.DecodeString(in.ContinuationToken)
		if err != nil {
			return nil, invalidArgument("The continuation token provided is incorrect")
		}
		after = string(token)
	}
	page, err := s.Objects.List(ctx, objectstore.ListQuery{Bucket: in.Bucket, Prefix: prefix, Delimiter: delimiter, After: after, MaxKeys: size})
	if err != nil {
		return nil, err
	}
	max, count := int32(size), int32(len(page.Objects)+len(page.Prefixes))
	out := &ListObjectsV2Output{
		Name: in.Bucket, Prefix: encode(prefix), Delimiter: encode(delimiter), StartAfter: encode(in.StartAfter), EncodingType: in.EncodingType,
		ContinuationToken: in.ContinuationToken, MaxKeys: &max, KeyCount: &count, IsTruncated: &page.Truncated, CommonPrefixes: prefixes(page.Prefixes, encode),
	}
	for i := range page.Objects {
		out.Contents = append(out.Contents, b.listed(&page.Objects[i], encode, isTrue(in.FetchOwner)))
	}
	if page.Truncated {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(page.Next))
	}
	return out, nil
}

func (s *Service) listObjectVersions(ctx context.Context, _ *aws.Call, in *ListObjectVersionsInput) (*ListObjectVersionsOutput, error) {
	prefix, delimiter := text(in.Prefix), text(in.Delimiter)
	b, encode, size, err := s.listing(ctx, in.Bucket, in.EncodingType, in.MaxKeys, in.OptionalObjectAttributes)
	if err != nil {
		return nil, err
	}
	if in.VersionIdMarker != "" && in.KeyMarker == "" {
		return nil, invalidArgument("A version-id marker cannot be specified without a key marker.")
	}
	page, err := s.Objects.ListVersions(ctx, objectstore.VersionsQuery{
		Bucket: in.Bucket, Prefix: prefix, Delimiter: delimiter, KeyMarker: in.KeyMarker, VersionIDMarker: in.VersionIdMarker, MaxKeys: size,
	})
	if err != nil {
		return nil, err
	}
	max := int32(size)
	out := &ListObjectVersionsOutput{
		Name: in.Bucket, Prefix: encode(prefix), Delimiter: encode(delimiter), KeyMarker: encode(in.KeyMarker), VersionIdMarker: in.VersionIdMarker,
		EncodingType: in.EncodingType, MaxKeys: &max, IsTruncated: &page.Truncated, CommonPrefixes: prefixes(page.Prefixes, encode),
	}
	for i := range page.Versions {
		o := &page.Versions[i]
		if o.DeleteMarker {
			out.DeleteMarkers = append(out.DeleteMarkers, DeleteMarkerEntry{
				IsLatest: &o.Latest, Key: encode(o.Key), LastModified: o.Modified, Owner: ownerOf(b.Account), VersionId: o.VersionID,
			})
			continue
		}
		v := ObjectVersion{
			ETag: quoted(o.ETag), IsLatest: &o.Latest, Key: encode(o.Key), LastModified: o.Modified, Owner: ownerOf(b.Account),
			Size: &o.Size, StorageClass: classOf(o), VersionId: o.VersionID,
		}
		v.ChecksumAlgorithm, v.ChecksumType = listedChecksums(o)
		out.Versions = append(out.Versions, v)
	}
	if page.Truncated {
		out.NextKeyMarker, out.NextVersionIdMarker = encode(page.NextKeyMarker), page.NextVersionIDMarker
	}
	return out, nil
}

// text is a member that may be missing.
func text(member *string) string {
	if member == nil {
		return ""
	}
	return *member
}

// listing is what all listings begin with.
func (s *Service) listing(ctx context.Context, name, encoding string, asked *int32, optional []string) (*bucket, encoder, int, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return nil, nil, 0, err
	}
	encode, err := encoderOf(encoding)
	if err != nil {
		return nil, nil, 0, err
	}
	if slices.ContainsFunc(optional, func(name string) bool { return name != "RestoreStatus" }) {
		return nil, nil, 0, invalidArgument("Invalid attribute name specified")
	}
	size, err := pageSize(asked, "max-keys")
	return b, encode, size, err
}

func (b *bucket) listed(o *objectstore.Object, encode encoder, withOwner bool) Object {
	entry := Object{ETag: quoted(o.ETag), Key: encode(o.Key), LastModified: o.Modified, Size: &o.Size, StorageClass: classOf(o)}
	entry.ChecksumAlgorithm, entry.ChecksumType = listedChecksums(o)
	if withOwner {
		entry.Owner = ownerOf(b.Account)
	}
	return entry
}

func prefixes(list []string, encode encoder) []CommonPrefix {
	var all []CommonPrefix
	for _, prefix := range list {
		all = append(all, CommonPrefix{Prefix: encode(prefix)})
	}
	return all
}
