package s3

type PutBucketVersioningInput struct {
	Bucket                  string
	VersioningConfiguration *VersioningConfiguration
	ChecksumAlgorithm       string
	ContentMD5              string
	ExpectedBucketOwner     string
	MFA                     string
}

type PutBucketVersioningOutput struct{}

type GetBucketVersioningInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketVersioningOutput struct {
	MFADelete string
	Status    string
}

type PutBucketEncryptionInput struct {
	Bucket                            string
	ServerSideEncryptionConfiguration *ServerSideEncryptionConfiguration
	ChecksumAlgorithm                 string
	ContentMD5                        string
	ExpectedBucketOwner               string
}

type PutBucketEncryptionOutput struct{}

type GetBucketEncryptionInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketEncryptionOutput struct {
	ServerSideEncryptionConfiguration *ServerSideEncryptionConfiguration
}

type DeleteBucketEncryptionInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketEncryptionOutput struct{}

type PutBucketNotificationConfigurationInput struct {
	Bucket                    string
	NotificationConfiguration *NotificationConfiguration
	ExpectedBucketOwner       string
	SkipDestinationValidation *bool
}

type PutBucketNotificationConfigurationOutput struct{}

type GetBucketNotificationConfigurationInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketNotificationConfigurationOutput struct {
	EventBridgeConfiguration     *EventBridgeConfiguration
	LambdaFunctionConfigurations []LambdaFunctionConfiguration
	QueueConfigurations          []QueueConfiguration
	TopicConfigurations          []TopicConfiguration
}

type PutBucketTaggingInput struct {
	Bucket              string
	Tagging             *Tagging
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
}

type PutBucketTaggingOutput struct{}

type GetBucketTaggingInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketTaggingOutput struct {
	TagSet []Tag
}

type DeleteBucketTaggingInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketTaggingOutput struct{}

type PutBucketLoggingInput struct {
	Bucket              string
	BucketLoggingStatus *BucketLoggingStatus
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
}

type PutBucketLoggingOutput struct{}

type GetBucketLoggingInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketLoggingOutput struct {
	LoggingEnabled *LoggingEnabled
}

type PutBucketRequestPaymentInput struct {
	Bucket                      string
	RequestPaymentConfiguration *RequestPaymentConfiguration
	ChecksumAlgorithm           string
	ContentMD5                  string
	ExpectedBucketOwner         string
}

type PutBucketRequestPaymentOutput struct{}

type GetBucketRequestPaymentInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketRequestPaymentOutput struct {
	Payer string
}

type PutBucketAccelerateConfigurationInput struct {
	AccelerateConfiguration *AccelerateConfiguration
	Bucket                  string
	ChecksumAlgorithm       string
	ExpectedBucketOwner     string
}

type PutBucketAccelerateConfigurationOutput struct{}

type GetBucketAccelerateConfigurationInput struct {
	Bucket              string
	ExpectedBucketOwner string
	RequestPayer        string
}

type GetBucketAccelerateConfigurationOutput struct {
	RequestCharged string
	Status         string
}
