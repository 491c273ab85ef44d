package s3

import (
	"context"
	"errors"

	"cairn/aws"
	"cairn/identity"
)

// ownBucket returns a bucket of the caller's account. Policies are for the account
// of the bucket alone: whoever else one lets in, with whichever actions, could
// otherwise keep everybody out by another one.
func (s *Service) ownBucket(ctx context.Context, c *aws.Call, name string) (*bucket, error) {
	b, err := s.bucket(ctx, name)
	if err == nil && b.Account != c.Account() {
		return nil, methodNotAllowed()
	}
	return b, err
}

func (s *Service) putBucketPolicy(ctx context.Context, c *aws.Call, in *PutBucketPolicyInput) (*PutBucketPolicyOutput, error) {
	b, err := s.ownBucket(ctx, c, in.Bucket)
	if err != nil {
		return nil, err
	}
	p, err := parsePolicy(in.Bucket, in.Policy)
	if err != nil {
		return nil, err
	}
	row := policyRow{Document: in.Policy, Public: isPublic(p)}
	if row.Public && b.PublicAccess != nil && isTrue(b.PublicAccess.BlockPublicPolicy) {
		return nil, publicPolicyBlocked(c, in.Bucket)
	}
	row.Trusted, err = s.Identities.TrustedIDs(b.Account, in.Policy)
	var missing *identity.NotFoundError
	if errors.As(err, &missing) {
		return nil, malformedPolicy("Invalid principal in policy")
	}
	if err != nil {
		return nil, err
	}
	return &PutBucketPolicyOutput{}, s.set(ctx, in.Bucket, policySetting, row)
}

func (s *Service) getBucketPolicy(ctx context.Context, c *aws.Call, in *GetBucketPolicyInput) (*GetBucketPolicyOutput, error) {
	b, err := s.ownBucket(ctx, c, in.Bucket)
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, noSuchPolicy()
	}
	return &GetBucketPolicyOutput{Policy: b.Policy}, nil
}

func (s *Service) deleteBucketPolicy(ctx context.Context, c *aws.Call, in *DeleteBucketPolicyInput) (*DeleteBucketPolicyOutput, error) {
	if _, err := s.ownBucket(ctx, c, in.Bucket); err != nil {
		return nil, err
	}
	return &DeleteBucketPolicyOutput{}, s.unset(ctx, in.Bucket, policySetting)
}

func (s *Service) getBucketPolicyStatus(ctx context.Context, _ *aws.Call, in *GetBucketPolicyStatusInput) (*GetBucketPolicyStatusOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, noSuchPolicy()
	}
	return &GetBucketPolicyStatusOutput{PolicyStatus: &PolicyStatus{IsPublic: &b.PolicyPublic}}, nil
}

func (s *Service) putPublicAccessBlock(ctx context.Context, _ *aws.Call, in *PutPublicAccessBlockInput) (*PutPublicAccessBlockOutput, error) {
	if in.PublicAccessBlockConfiguration == nil {
		return nil, malformedXML()
	}
	given := *in.PublicAccessBlockConfiguration
	for _, setting := range []**bool{&given.BlockPublicAcls, &given.BlockPublicPolicy, &given.IgnorePublicAcls, &given.RestrictPublicBuckets} {
		if *setting == nil {
			*setting = new(bool)
		}
	}
	return &PutPublicAccessBlockOutput{}, s.set(ctx, in.Bucket, publicAccessSetting, given)
}

func (s *Service) getPublicAccessBlock(ctx context.Context, _ *aws.Call, in *GetPublicAccessBlockInput) (*GetPublicAccessBlockOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if b.PublicAccess == nil {
		return nil, noPublicAccessBlock()
	}
	return &GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: b.PublicAccess}, nil
}

func (s *Service) deletePublicAccessBlock(ctx context.Context, _ *aws.Call, in *DeletePublicAccessBlockInput) (*DeletePublicAccessBlockOutput, error) {
	return &DeletePublicAccessBlockOutput{}, s.unset(ctx, in.Bucket, publicAccessSetting)
}

func (b *bucket) restrictsPublic() bool {
	return b.PublicAccess != nil && isTrue(b.PublicAccess.RestrictPublicBuckets)
}
