package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/internal/objectstore"
)

// maxBuckets is how many an account can have, AWS's quota.
const maxBuckets = 10000

// needsForNew are the permissions to make a bucket. It is asked of the caller's
// own account: a bucket of that name that others have has no say.
func (s *Service) needsForNew(_ context.Context, c *aws.Call, in *CreateBucketInput) ([]aws.Permission, error) {
	own := aws.Permission{
		Action: "s3:CreateBucket", Resource: bucketARN(in.Bucket), Keys: make(map[string][]string),
		Policy: &aws.ResourcePolicy{Account: c.Account()},
	}
	requestKeys(c, own.Keys)
	for key, value := range map[string]string{"s3:x-amz-acl": in.ACL, "s3:x-amz-object-ownership": in.ObjectOwnership} {
		if value != "" {
			own.Keys[key] = []string{value}
		}
	}
	all := []aws.Permission{own}
	if config := in.CreateBucketConfiguration; config != nil {
		if config.LocationConstraint != "" {
			own.Keys["s3:LocationConstraint"] = []string{config.LocationConstraint}
		}
		if len(config.Tags) > 0 {
			all = append(all, also(own, "s3:TagResource"))
		}
	}
	if isTrue(in.ObjectLockEnabledForBucket) {
		all = append(all, also(own, "s3:PutBucketObjectLockConfiguration"), also(own, "s3:PutBucketVersioning"))
	}
	if in.ObjectOwnership != "" {
		all = append(all, also(own, "s3:PutBucketOwnershipControls"))
	}
	return all, nil
}

func (s *Service) createBucket(ctx context.Context, c *aws.Call, in *CreateBucketInput) (*CreateBucketOutput, error) {
	if isTemplateBucket(in.Bucket) {
		return nil, bucketExists()
	}
	if !validBucketName(in.Bucket) {
		return nil, invalidBucketName()
	}
	if in.BucketNamespace != "" && in.BucketNamespace != "global" {
		return nil, notImplemented("buckets in a namespace of the account")
	}
	region, err := s.location(c, in.CreateBucketConfiguration)
	if err != nil {
		return nil, err
	}
	ownership := in.ObjectOwnership
	if ownership == "" {
		ownership = ownerEnforced
	}
	if err := checkOwnership(ownership); err != nil {
		return nil, err
	}
	if in.GrantFullControl+in.GrantRead+in.GrantReadACP+in.GrantWrite+in.GrantWriteACP != "" || in.ACL != "" && in.ACL != "private" {
		if ownership == ownerEnforced {
			return nil, failure(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
		}
		return nil, notImplemented("access control lists")
	}
	yes := true
	settings := map[string]any{
		publicAccessSetting: PublicAccessBlockConfiguration{&yes, &yes, &yes, &yes},
		ownershipSetting:    ownership,
	}
	if config := in.CreateBucketConfiguration; config != nil && len(config.Tags) > 0 {
		if _, err := tagMap(config.Tags, maxBucketTags); err != nil {
			return nil, err
		}
		settings[tagsSetting] = config.Tags
	}
	made := objectstore.NewBucket{
		Name: in.Bucket, Owner: c.Account(), Region: region, ObjectLock: isTrue(in.ObjectLockEnabledForBucket), Settings: make(map[string][]byte),
	}
	for name, value := range settings {
		if made.Settings[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	have, err := s.Objects.Buckets(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	if len(have) >= maxBuckets {
		return nil, tooManyBuckets()
	}
	_, err = s.Objects.CreateBucket(ctx, made)
	var taken *objectstore.BucketExistsError
	switch {
	case errors.As(err, &taken) && taken.Owner == c.Account():
		return nil, bucketIsYours()
	case errors.As(err, &taken):
		return nil, bucketExists()
	case err != nil:
		return nil, err
	}
	return &CreateBucketOutput{Location: "/" + in.Bucket}, nil
}

// location returns the region that a new bucket is to be in.
func (s *Service) location(c *aws.Call, config *CreateBucketConfiguration) (string, error) {
	asked := ""
	if config != nil {
		asked = config.LocationConstraint
		if config.Location != nil || config.Bucket != nil {
			return "", notImplemented("directory buckets")
		}
	}
	if asked == "EU" {
		asked = "eu-west-1"
	}
	switch {
	case asked == "" && c.Region == "us-east-1", asked != "" && asked == c.Region:
		return c.Region, nil
	case asked == "":
		return "", failure(400, "IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case !slices.Contains(s.Regions, asked):
		return "", invalidLocation()
	case c.Region != "us-east-1":
		return "", failure(400, "IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", asked)
	}
	return asked, nil
}

func (s *Service) deleteBucket(ctx context.Context, _ *aws.Call, in *DeleteBucketInput) (*DeleteBucketOutput, error) {
	return &DeleteBucketOutput{}, s.Objects.DeleteBucket(ctx, in.Bucket)
}

func (s *Service) headBucket(ctx context.Context, _ *aws.Call, in *HeadBucketInput) (*HeadBucketOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	no := false
	return &HeadBucketOutput{BucketRegion: b.Region, AccessPointAlias: &no}, nil
}

func (s *Service) getBucketLocation(ctx context.Context, _ *aws.Call, in *GetBucketLocationInput) (*GetBucketLocationOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if b.Region == "us-east-1" {
		return &GetBucketLocationOutput{}, nil // as in AWS, whose first region has no name here
	}
	return &GetBucketLocationOutput{LocationConstraint: b.Region}, nil
}

func (s *Service) listBuckets(ctx context.Context, c *aws.Call, in *ListBucketsInput) (*ListBucketsOutput, error) {
	limit := 10000
	if in.MaxBuckets != nil {
		if limit = int(*in.MaxBuckets); limit < 1 || limit > 10000 {
			return nil, invalidArgument("Argument max-buckets must be an integer between 1 and 10000")
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(in.ContinuationToken)
	if err != nil {
		return nil, invalidArgument("The continuation token provided is incorrect")
	}
	all, err := s.Objects.Buckets(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	out := &ListBucketsOutput{Owner: ownerOf(c.Account()), Prefix: in.Prefix, Buckets: []Bucket{}}
	for _, b := range all {
		if b.Name <= string(after) || !strings.HasPrefix(b.Name, in.Prefix) || in.BucketRegion != "" && in.BucketRegion != b.Region {
			continue
		}
		if len(out.Buckets) == limit {
			out.ContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(out.Buckets[limit-1].Name))
			break
		}
		out.Buckets = append(out.Buckets, Bucket{Name: b.Name, CreationDate: b.Created, BucketRegion: b.Region})
	}
	return out, nil
}

// CanonicalID is the canonical user ID of an account: 64 hexadecimal digits that
// stand for it in owners and grants.
func CanonicalID(account string) string {
	sum := sha256.Sum256([]byte("canonical user ID of " + account))
	return hex.EncodeToString(sum[:])
}

func ownerOf(account string) *Owner { return &Owner{ID: CanonicalID(account)} }

func isTrue(b *bool) bool { return b != nil && *b }
