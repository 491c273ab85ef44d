package s3

import (
	"context"

	"cairn/aws"
)

// The settings here are never set: reading one gives AWS's answer for a bucket
// without it, setting one is refused, and removing one has nothing to do.

func (s *Service) putBucketLogging(ctx context.Context, _ *aws.Call, in *PutBucketLoggingInput) (*PutBucketLoggingOutput, error) {
	if in.BucketLoggingStatus != nil && in.BucketLoggingStatus.LoggingEnabled != nil {
		return nil, notImplemented("server access logging: the calls are in the event history")
	}
	_, err := s.bucket(ctx, in.Bucket)
	return &PutBucketLoggingOutput{}, err
}

func (s *Service) getBucketLogging(ctx context.Context, _ *aws.Call, in *GetBucketLoggingInput) (*GetBucketLoggingOutput, error) {
	_, err := s.bucket(ctx, in.Bucket)
	return &GetBucketLoggingOutput{}, err
}

func (s *Service) putBucketRequestPayment(ctx context.Context, _ *aws.Call, in *PutBucketRequestPaymentInput) (*PutBucketRequestPaymentOutput, error) {
	if in.RequestPaymentConfiguration == nil {
		return nil, malformedXML()
	}
	if in.RequestPaymentConfiguration.Payer != "BucketOwner" {
		return nil, notImplemented("requester pays")
	}
	_, err := s.bucket(ctx, in.Bucket)
	return &PutBucketRequestPaymentOutput{}, err
}

func (s *Service) getBucketRequestPayment(ctx context.Context, _ *aws.Call, in *GetBucketRequestPaymentInput) (*GetBucketRequestPaymentOutput, error) {
	_, err := s.bucket(ctx, in.Bucket)
	return &GetBucketRequestPaymentOutput{Payer: "BucketOwner"}, err
}

func (s *Service) putBucketAccelerateConfiguration(ctx context.Context, _ *aws.Call, in *PutBucketAccelerateConfigurationInput) (*PutBucketAccelerateConfigurationOutput, error) {
	if in.AccelerateConfiguration == nil {
		return nil, malformedXML()
	}
	if in.AccelerateConfiguration.Status != "Suspended" {
		return nil, notImplemented("transfer acceleration")
	}
	_, err := s.bucket(ctx, in.Bucket)
	return &PutBucketAccelerateConfigurationOutput{}, err
}

func (s *Service) getBucketAccelerateConfiguration(ctx context.Context, _ *aws.Call, in *GetBucketAccelerateConfigurationInput) (*GetBucketAccelerateConfigurationOutput, error) {
	_, err := s.bucket(ctx, in.Bucket)
	return &GetBucketAccelerateConfigurationOutput{}, err
}

func (s *Service) putBucketLifecycleConfiguration(context.Context, *aws.Call, *PutBucketLifecycleConfigurationInput) (*PutBucketLifecycleConfigurationOutput, error) {
	return nil, notImplemented("lifecycle rules")
}

func (s *Service) getBucketLifecycleConfiguration(ctx context.Context, _ *aws.Call, in *GetBucketLifecycleConfigurationInput) (*GetBucketLifecycleConfigurationOutput, error) {
	return nil, s.neverSet(ctx, in.Bucket, noLifecycle())
}

func (s *Service) deleteBucketLifecycle(ctx context.Context, _ *aws.Call, in *DeleteBucketLifecycleInput) (*DeleteBucketLifecycleOutput, error) {
	return &DeleteBucketLifecycleOutput{}, s.neverSet(ctx, in.Bucket, nil)
}

func (s *Service) putBucketCors(context.Context, *aws.Call, *PutBucketCorsInput) (*PutBucketCorsOutput, error) {
	return nil, notImplemented("CORS rules")
}

func (s *Service) getBucketCors(ctx context.Context, _ *aws.Call, in *GetBucketCorsInput) (*GetBucketCorsOutput, error) {
	return nil, s.neverSet(ctx, in.Bucket, noCORS())
}

func (s *Service) deleteBucketCors(ctx context.Context, _ *aws.Call, in *DeleteBucketCorsInput) (*DeleteBucketCorsOutput, error) {
	return &DeleteBucketCorsOutput{}, s.neverSet(ctx, in.Bucket, nil)
}

func (s *Service) putBucketWebsite(context.Context, *aws.Call, *PutBucketWebsiteInput) (*PutBucketWebsiteOutput, error) {
	return nil, notImplemented("websites")
}

func (s *Service) getBucketWebsite(ctx context.Context, _ *aws.Call, in *GetBucketWebsiteInput) (*GetBucketWebsiteOutput, error) {
	return nil, s.neverSet(ctx, in.Bucket, noWebsite())
}

func (s *Service) deleteBucketWebsite(ctx context.Context, _ *aws.Call, in *DeleteBucketWebsiteInput) (*DeleteBucketWebsiteOutput, error) {
	return &DeleteBucketWebsiteOutput{}, s.neverSet(ctx, in.Bucket, nil)
}

func (s *Service) putBucketReplication(context.Context, *aws.Call, *PutBucketReplicationInput) (*PutBucketReplicationOutput, error) {
	return nil, notImplemented("replication")
}

func (s *Service) getBucketReplication(ctx context.Context, _ *aws.Call, in *GetBucketReplicationInput) (*GetBucketReplicationOutput, error) {
	return nil, s.neverSet(ctx, in.Bucket, noReplication())
}

func (s *Service) deleteBucketReplication(ctx context.Context, _ *aws.Call, in *DeleteBucketReplicationInput) (*DeleteBucketReplicationOutput, error) {
	return &DeleteBucketReplicationOutput{}, s.neverSet(ctx, in.Bucket, nil)
}

// neverSet returns the answer to a request about a setting that a bucket does not
// have, if there is the bucket.
func (s *Service) neverSet(ctx context.Context, bucket string, answer error) error {
	if _, err := s.bucket(ctx, bucket); err != nil {
		return err
	}
	return answer
}
