package s3

type CreateBucketInput struct {
	Bucket                     string
	ACL                        string
	BucketNamespace            string
	CreateBucketConfiguration  *CreateBucketConfiguration
	GrantFullControl           string
	GrantRead                  string
	GrantReadACP               string
	GrantWrite                 string
	GrantWriteACP              string
	ObjectLockEnabledForBucket *bool
	ObjectOwnership            string
}

type CreateBucketOutput struct {
	BucketArn string
	Location  string
}

type DeleteBucketInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketOutput struct{}

type HeadBucketInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type HeadBucketOutput struct {
	AccessPointAlias   *bool
	BucketArn          string
	BucketLocationName string
	BucketLocationType string
	BucketRegion       string
}

type ListBucketsInput struct {
	BucketRegion      string
	ContinuationToken string
	MaxBuckets        *int32
	Prefix            string
}

type ListBucketsOutput struct {
	Buckets           []Bucket
	ContinuationToken string
	Owner             *Owner
	Prefix            string
}

type GetBucketLocationInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketLocationOutput struct {
	LocationConstraint string
}
