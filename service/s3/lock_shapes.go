package s3

type PutObjectLockConfigurationInput struct {
	Bucket                  string
	ChecksumAlgorithm       string
	ContentMD5              string
	ExpectedBucketOwner     string
	ObjectLockConfiguration *ObjectLockConfiguration
	RequestPayer            string
	Token                   string
}

type PutObjectLockConfigurationOutput struct {
	RequestCharged string
}

type GetObjectLockConfigurationInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetObjectLockConfigurationOutput struct {
	ObjectLockConfiguration *ObjectLockConfiguration
}

type PutObjectRetentionInput struct {
	Bucket                    string
	Key                       string
	BypassGovernanceRetention *bool
	ChecksumAlgorithm         string
	ContentMD5                string
	ExpectedBucketOwner       string
	RequestPayer              string
	Retention                 *ObjectLockRetention
	VersionId                 string
}

type PutObjectRetentionOutput struct {
	RequestCharged string
}

type GetObjectRetentionInput struct {
	Bucket              string
	Key                 string
	ExpectedBucketOwner string
	RequestPayer        string
	VersionId           string
}

type GetObjectRetentionOutput struct {
	Retention *ObjectLockRetention
}

type PutObjectLegalHoldInput struct {
	Bucket              string
	Key                 string
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
	LegalHold           *ObjectLockLegalHold
	RequestPayer        string
	VersionId           string
}

type PutObjectLegalHoldOutput struct {
	RequestCharged string
}

type GetObjectLegalHoldInput struct {
	Bucket              string
	Key                 string
	ExpectedBucketOwner string
	RequestPayer        string
	VersionId           string
}

type GetObjectLegalHoldOutput struct {
	LegalHold *ObjectLockLegalHold
}
