package s3

type PutBucketPolicyInput struct {
	Bucket                        string
	Policy                        string
	ChecksumAlgorithm             string
	ConfirmRemoveSelfBucketAccess *bool
	ContentMD5                    string
	ExpectedBucketOwner           string
}

type PutBucketPolicyOutput struct{}

type GetBucketPolicyInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketPolicyOutput struct {
	Policy string
}

type DeleteBucketPolicyInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketPolicyOutput struct{}

type GetBucketPolicyStatusInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketPolicyStatusOutput struct {
	PolicyStatus *PolicyStatus
}

type PutBucketAclInput struct {
	Bucket              string
	ACL                 string
	AccessControlPolicy *AccessControlPolicy
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
	GrantFullControl    string
	GrantRead           string
	GrantReadACP        string
	GrantWrite          string
	GrantWriteACP       string
}

type PutBucketAclOutput struct{}

type GetBucketAclInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketAclOutput struct {
	Grants []Grant
	Owner  *Owner
}

type PutObjectAclInput struct {
	Bucket              string
	Key                 string
	ACL                 string
	AccessControlPolicy *AccessControlPolicy
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
	GrantFullControl    string
	GrantRead           string
	GrantReadACP        string
	GrantWrite          string
	GrantWriteACP       string
	RequestPayer        string
	VersionId           string
}

type PutObjectAclOutput struct {
	RequestCharged string
}

type GetObjectAclInput struct {
	Bucket              string
	Key                 string
	ExpectedBucketOwner string
	RequestPayer        string
	VersionId           string
}

type GetObjectAclOutput struct {
	Grants         []Grant
	Owner          *Owner
	RequestCharged string
}

type PutPublicAccessBlockInput struct {
	Bucket                         string
	PublicAccessBlockConfiguration *PublicAccessBlockConfiguration
	ChecksumAlgorithm              string
	ContentMD5                     string
	ExpectedBucketOwner            string
}

type PutPublicAccessBlockOutput struct{}

type GetPublicAccessBlockInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetPublicAccessBlockOutput struct {
	PublicAccessBlockConfiguration *PublicAccessBlockConfiguration
}

type DeletePublicAccessBlockInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeletePublicAccessBlockOutput struct{}

type PutBucketOwnershipControlsInput struct {
	Bucket              string
	OwnershipControls   *OwnershipControls
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
}

type PutBucketOwnershipControlsOutput struct{}

type GetBucketOwnershipControlsInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type GetBucketOwnershipControlsOutput struct {
	OwnershipControls *OwnershipControls
}

type DeleteBucketOwnershipControlsInput struct {
	Bucket              string
	ExpectedBucketOwner string
}

type DeleteBucketOwnershipControlsOutput struct{}
