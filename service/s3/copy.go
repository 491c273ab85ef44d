package s3

import (
	"context"
	"net/url"
	"strings"

	"cairn/aws"
	"cairn/internal/objectstore"
)

// needsForCopy are the permissions to copy an object: to read the source and to
// store the copy, and its tags.
func (s *Service) needsForCopy(ctx context.Context, c *aws.Call, in *CopyObjectInput, own aws.Permission) ([]aws.Permission, error) {
	source, err := s.sourcePermission(ctx, c, in.CopySource, in.ExpectedSourceBucketOwner)
	if err != nil {
		return nil, err
	}
	lockKeys(own.Keys, c.Time, in.ObjectLockMode, in.ObjectLockRetainUntilDate)
	all := append(needsForNewObject(own, in.Tagging, in.ObjectLockMode, in.ObjectLockLegalHoldStatus), source)
	if in.TaggingDirective == "REPLACE" {
		return all, nil
	}
	bucket, key, version, err := splitSource(in.CopySource)
	if err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(ctx, bucket, key, version)
	if err != nil || len(tags) == 0 {
		return all, err
	}
	// The tags come along: they are read there and set here.
	addTagKeys(own.Keys, "s3:RequestObjectTag", tags)
	read := "s3:GetObjectTagging"
	if version != "" {
		read = versionForms[read]
	}
	return append(all, also(source, read), also(own, "s3:PutObjectTagging")), nil
}

func (s *Service) needsForPartCopy(ctx context.Context, c *aws.Call, in *UploadPartCopyInput, own aws.Permission) ([]aws.Permission, error) {
	source, err := s.sourcePermission(ctx, c, in.CopySource, in.ExpectedSourceBucketOwner)
	if err != nil {
		return nil, err
	}
	return []aws.Permission{own, source}, s.addConditions(ctx, own.Keys, in)
}

// sourcePermission is what reading the source of a copy needs.
func (s *Service) sourcePermission(ctx context.Context, c *aws.Call, source, expectedOwner string) (aws.Permission, error) {
	bucket, key, version, err := splitSource(source)
	if err != nil {
		return aws.Permission{}, err
	}
	need := aws.Permission{Action: "s3:GetObject", Resource: objectARN(bucket, key), Keys: make(map[string][]string)}
	if version != "" {
		need.Action = versionForms[need.Action]
		need.Keys["s3:VersionId"] = []string{version}
	}
	requestKeys(c, need.Keys)
	b, err := s.find(ctx, bucket)
	if err != nil || b == nil {
		return need, err
	}
	if expectedOwner != "" && expectedOwner != b.Account {
		return need, accessDenied()
	}
	return need, s.addExistingTags(ctx, need.Keys, bucket, key, version)
}

func (s *Service) copyObject(ctx context.Context, c *aws.Call, in *CopyObjectInput) (*CopyObjectOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	content, err := s.openSource(ctx, c, in)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	source := content.Object()
	if source.Size > maxPutBytes {
		return nil, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPutBytes))
	}
	put := objectstore.Put{Bucket: in.Bucket, Key: in.Key}
	put.IfMatch, put.IfNoneMatch, err = writeConditions(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	if put.Attributes, err = s.attributes(c, b, in); err != nil {
		return nil, err
	}
	if err := s.carryOver(in, source, &put.Attributes); err != nil {
		return nil, err
	}
	algorithm := in.ChecksumAlgorithm
	if algorithm == "" && len(source.Checksums) > 0 {
		algorithm = source.Checksums[0].Algorithm
	}
	if algorithm == "" {
		algorithm = defaultAlgorithm
	}
	if err := checkAlgorithm(algorithm); err != nil {
		return nil, err
	}
	put.Hashes = []objectstore.Hash{hashOf(algorithm)}
	if put.Encryption, put.DataKey, err = s.encryption(ctx, c, b, in.Key, in); err != nil {
		return nil, err
	}
	if err := unchanged(in, source, put.Encryption); err != nil {
		return nil, err
	}
	o, err := s.Objects.Copy(ctx, content, put)
	if err != nil {
		return nil, err
	}
	out := &CopyObjectOutput{CopyObjectResult: &CopyObjectResult{ETag: quoted(o.ETag), LastModified: o.Modified}, VersionId: versionOf(o), CopySourceVersionId: versionOf(source)}
	setChecksums(out.CopyObjectResult, o.Checksums, len(o.Parts))
	setEncryption(out, o.Encryption)
	return out, nil
}

// carryOver takes the metadata and the tags of a copy's source over, unless the
// request replaces them.
func (s *Service) carryOver(in *CopyObjectInput, source *objectstore.Object, a *objectstore.Attributes) error {
	switch in.MetadataDirective {
	case "", "COPY":
		class, redirect := a.Headers[storageClassHeader], a.Headers[redirectHeader]
		headers := make(map[string]string, len(source.Headers))
		for name, value := range source.Headers {
			headers[name] = value
		}
		// These two are of the request always.
		delete(headers, storageClassHeader)
		delete(headers, redirectHeader)
		for name, value := range map[string]string{storageClassHeader: class, redirectHeader: redirect} {
			if value != "" {
				headers[name] = value
			}
		}
		a.Headers, a.User = headers, source.User
	case "REPLACE":
	default:
		return invalidArgument("Unknown metadata directive.")
	}
	switch in.TaggingDirective {
	case "", "COPY":
		a.Tags = source.Tags
	case "REPLACE":
	default:
		return invalidArgument("Unknown tagging directive.")
	}
	return nil
}

// unchanged refuses a copy of an object to itself that changes nothing.
func unchanged(in *CopyObjectInput, source *objectstore.Object, e *objectstore.Encryption) error {
	bucket, key, version, err := splitSource(in.CopySource)
	if err != nil || bucket != in.Bucket || key != in.Key || version != "" {
		return err
	}
	same := in.MetadataDirective != "REPLACE" && in.TaggingDirective != "REPLACE" && in.WebsiteRedirectLocation == "" && in.StorageClass == "" &&
		in.ServerSideEncryption == "" && in.ChecksumAlgorithm == "" && in.ObjectLockMode == "" && in.ObjectLockLegalHoldStatus == ""
	if same && source.Encryption != nil && e.Algorithm == source.Encryption.Algorithm {
		return invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	return nil
}

// openSource opens the source of a copy, readable, if the conditions hold.
func (s *Service) openSource(ctx context.Context, c *aws.Call, in any) (*objectstore.Content, error) {
	if err := refuseCustomerKeys(in); err != nil {
		return nil, err
	}
	bucket, key, version, err := splitSource(memberText(in, "CopySource"))
	if err != nil {
		return nil, err
	}
	content, err := s.Objects.Open(ctx, objectstore.Ref{Bucket: bucket, Key: key, VersionID: version})
	if err != nil {
		return nil, s.absent(ctx, c, bucket, err)
	}
	err = readConditions(content.Object(), memberText(in, "CopySourceIfMatch"), memberText(in, "CopySourceIfNoneMatch"),
		memberTime(in, "CopySourceIfModifiedSince"), memberTime(in, "CopySourceIfUnmodifiedSince"))
	if err != nil {
		err = preconditionFailed() // a copy has no answer "not modified"
	} else {
		err = s.unlock(ctx, c, content)
	}
	if err != nil {
		_ = content.Close() // it was only read
		return nil, err
	}
	return content, nil
}

// splitSource reads the object that a copy is made of: bucket/key?versionId=id, in
// the encoding of URLs, with or without a slash before it.
func splitSource(source string) (bucket, key, version string, err error) {
	path, query, _ := strings.Cut(source, "?")
	path, err = url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err == nil {
		var values url.Values
		values, err = url.ParseQuery(query)
		version = values.Get("versionId")
	}
	bucket, key, ok := strings.Cut(path, "/")
	if err != nil || !ok || bucket == "" || key == "" {
		return "", "", "", invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if strings.HasPrefix(bucket, "arn:") {
		return "", "", "", notImplemented("access points")
	}
	return bucket, key, version, nil
}
