package s3

import (
	"context"

	"cairn/aws"
	"cairn/internal/objectstore"
)

func (s *Service) putBucketVersioning(ctx context.Context, _ *aws.Call, in *PutBucketVersioningInput) (*PutBucketVersioningOutput, error) {
	config := in.VersioningConfiguration
	switch {
	case config == nil:
		return nil, malformedXML()
	case config.MFADelete == "Enabled":
		return nil, notImplemented("MFA delete")
	case config.Status != string(objectstore.Enabled) && config.Status != string(objectstore.Suspended):
		return nil, failure(400, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	return &PutBucketVersioningOutput{}, s.Objects.SetVersioning(ctx, in.Bucket, objectstore.Versioning(config.Status))
}

func (s *Service) getBucketVersioning(ctx context.Context, _ *aws.Call, in *GetBucketVersioningInput) (*GetBucketVersioningOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	return &GetBucketVersioningOutput{Status: string(b.Versioning)}, nil
}

// Notifications are kept for those who send them; the store itself sends none.
func (s *Service) putBucketNotificationConfiguration(ctx context.Context, _ *aws.Call, in *PutBucketNotificationConfigurationInput) (*PutBucketNotificationConfigurationOutput, error) {
	if in.NotificationConfiguration == nil {
		return nil, malformedXML()
	}
	n := *in.NotificationConfiguration
	name := func(id *string) {
		if *id == "" {
			*id = aws.NewUUID()
		}
	}
	for i := range n.TopicConfigurations {
		name(&n.TopicConfigurations[i].Id)
	}
	for i := range n.QueueConfigurations {
		name(&n.QueueConfigurations[i].Id)
	}
	for i := range n.LambdaFunctionConfigurations {
		name(&n.LambdaFunctionConfigurations[i].Id)
	}
	return &PutBucketNotificationConfigurationOutput{}, s.set(ctx, in.Bucket, notificationSetting, n)
}

func (s *Service) getBucketNotificationConfiguration(ctx context.Context, _ *aws.Call, in *GetBucketNotificationConfigurationInput) (*GetBucketNotificationConfigurationOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if b.Notification == nil {
		return &GetBucketNotificationConfigurationOutput{}, nil
	}
	return &GetBucketNotificationConfigurationOutput{
		EventBridgeConfiguration:     b.Notification.EventBridgeConfiguration,
		LambdaFunctionConfigurations: b.Notification.LambdaFunctionConfigurations,
		QueueConfigurations:          b.Notification.QueueConfigurations,
		TopicConfigurations:          b.Notification.TopicConfigurations,
	}, nil
}

func (s *Service) putBucketEncryption(ctx context.Context, _ *aws.Call, in *PutBucketEncryptionInput) (*PutBucketEncryptionOutput, error) {
	config := in.ServerSideEncryptionConfiguration
	if config == nil || len(config.Rules) != 1 {
		return nil, malformedXML()
	}
	rule := &config.Rules[0]
	if rule.ApplyServerSideEncryptionByDefault == nil {
		rule.ApplyServerSideEncryptionByDefault = &ServerSideEncryptionByDefault{SSEAlgorithm: sseS3}
	}
	by := rule.ApplyServerSideEncryptionByDefault
	switch {
	case by.SSEAlgorithm == sseS3 && by.KMSMasterKeyID != "":
		return nil, invalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	case by.SSEAlgorithm == "aws:kms:dsse":
		return nil, notImplemented("dual-layer encryption (aws:kms:dsse)")
	case by.SSEAlgorithm != sseS3 && by.SSEAlgorithm != sseKMS:
		return nil, malformedXML()
	case by.SSEAlgorithm == sseKMS && s.KMS == nil:
		return nil, noKMS()
	}
	if rule.BucketKeyEnabled == nil {
		rule.BucketKeyEnabled = new(bool)
	}
	return &PutBucketEncryptionOutput{}, s.set(ctx, in.Bucket, encryptionSetting, config)
}

func (s *Service) getBucketEncryption(ctx context.Context, _ *aws.Call, in *GetBucketEncryptionInput) (*GetBucketEncryptionOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	config := b.Encryption
	if config == nil { // nothing is stored in the clear
		config = &ServerSideEncryptionConfiguration{Rules: []ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &ServerSideEncryptionByDefault{SSEAlgorithm: sseS3}, BucketKeyEnabled: new(bool),
		}}}
	}
	return &GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: config}, nil
}

func (s *Service) deleteBucketEncryption(ctx context.Context, _ *aws.Call, in *DeleteBucketEncryptionInput) (*DeleteBucketEncryptionOutput, error) {
	return &DeleteBucketEncryptionOutput{}, s.unset(ctx, in.Bucket, encryptionSetting)
}
