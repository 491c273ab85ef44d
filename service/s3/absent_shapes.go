package s3

type PutBucketLifecycleConfigurationInput struct {
	Bucket                             string
	ChecksumAlgorithm                  string
	ExpectedBucketOwner                string
	LifecycleConfiguration             *BucketLifecycleConfiguration
	TransitionDefaultMinimumObjectSize string
}

type PutBucketLifecycleConfigurationOutput struct {
	TransitionDefaultMinimumObjectSize string
}

type GetBucketLifecycleConfigurationInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketLifecycleConfigurationOutput struct {
	Rules                              []LifecycleRule
	TransitionDefaultMinimumObjectSize string
}

type DeleteBucketLifecycleInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketLifecycleOutput struct{}

type PutBucketCorsInput struct {
	Bucket              string
	CORSConfiguration   *CORSConfiguration
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
}

type PutBucketCorsOutput struct{}

type GetBucketCorsInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketCorsOutput struct {
	CORSRules []CORSRule
}

type DeleteBucketCorsInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketCorsOutput struct{}

type PutBucketWebsiteInput struct {
	Bucket               string
	WebsiteConfiguration *WebsiteConfiguration
	ChecksumAlgorithm    string
	ContentMD5           string
	ExpectedBucketOwner  string
}

type PutBucketWebsiteOutput struct{}

type GetBucketWebsiteInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketWebsiteOutput struct {
	ErrorDocument         *ErrorDocument
	IndexDocument         *IndexDocument
	RedirectAllRequestsTo *RedirectAllRequestsTo
	RoutingRules          []RoutingRule
}

type DeleteBucketWebsiteInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketWebsiteOutput struct{}

type PutBucketReplicationInput struct {
	Bucket                   string
	ReplicationConfiguration *ReplicationConfiguration
	ChecksumAlgorithm        string
	ContentMD5               string
	ExpectedBucketOwner      string
	Token                    string
}

type PutBucketReplicationOutput struct{}

type GetBucketReplicationInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketReplicationOutput struct {
	ReplicationConfiguration *ReplicationConfiguration
}

type DeleteBucketReplicationInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketReplicationOutput struct{}
