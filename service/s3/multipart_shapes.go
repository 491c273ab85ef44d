package s3

import (
	"io"
	"time"
)

type CreateMultipartUploadInput struct {
	Bucket                    string
	Key                       string
	ACL                       string
	BucketKeyEnabled          *bool
	CacheControl              string
	ChecksumAlgorithm         string
	ChecksumType              string
	ContentDisposition        string
	ContentEncoding           string
	ContentLanguage           string
	ContentType               string
	ExpectedBucketOwner       string
	Expires                   string
	GrantFullControl          string
	GrantRead                 string
	GrantReadACP              string
	GrantWriteACP             string
	Metadata                  map[string]string
	ObjectLockLegalHoldStatus string
	ObjectLockMode            string
	ObjectLockRetainUntilDate time.Time
	RequestPayer              string
	SSECustomerAlgorithm      string
	SSECustomerKey            string
	SSECustomerKeyMD5         string
	SSEKMSEncryptionContext   string
	SSEKMSKeyId               string
	ServerSideEncryption      string
	StorageClass              string
	Tagging                   string
	WebsiteRedirectLocation   string
}

type CreateMultipartUploadOutput struct {
	AbortDate               time.Time
	AbortRuleId             string
	Bucket                  string
	BucketKeyEnabled        *bool
	ChecksumAlgorithm       string
	ChecksumType            string
	Key                     string
	RequestCharged          string
	SSECustomerAlgorithm    string
	SSECustomerKeyMD5       string
	SSEKMSEncryptionContext string
	SSEKMSKeyId             string
	ServerSideEncryption    string
	UploadId                string
}

type UploadPartInput struct {
	Bucket               string
	Key                  string
	PartNumber           *int32
	UploadId             string
	Body                 io.Reader
	ChecksumAlgorithm    string
	ChecksumCRC32        string
	ChecksumCRC32C       string
	ChecksumCRC64NVME    string
	ChecksumMD5          string
	ChecksumSHA1         string
	ChecksumSHA256       string
	ChecksumSHA512       string
	ChecksumXXHASH128    string
	ChecksumXXHASH3      string
	ChecksumXXHASH64     string
	ContentLength        *int64
	ContentMD5           string
	ExpectedBucketOwner  string
	RequestPayer         string
	SSECustomerAlgorithm string
	SSECustomerKey       string
	SSECustomerKeyMD5    string
}

type UploadPartOutput struct {
	BucketKeyEnabled     *bool
	ChecksumCRC32        string
	ChecksumCRC32C       string
	ChecksumCRC64NVME    string
	ChecksumMD5          string
	ChecksumSHA1         string
	ChecksumSHA256       string
	ChecksumSHA512       string
	ChecksumXXHASH128    string
	ChecksumXXHASH3      string
	ChecksumXXHASH64     string
	ETag                 string
	RequestCharged       string
	SSECustomerAlgorithm string
	SSECustomerKeyMD5    string
	SSEKMSKeyId          string
	ServerSideEncryption string
}

type UploadPartCopyInput struct {
	Bucket                         string
	CopySource                     string
	Key                            string
	PartNumber                     *int32
	UploadId                       string
	CopySourceIfMatch              string
	CopySourceIfModifiedSince      time.Time
	CopySourceIfNoneMatch          string
	CopySourceIfUnmodifiedSince    time.Time
	CopySourceRange                string
	CopySourceSSECustomerAlgorithm string
	CopySourceSSECustomerKey       string
	CopySourceSSECustomerKeyMD5    string
	ExpectedBucketOwner            string
	ExpectedSourceBucketOwner      string
	RequestPayer                   string
	SSECustomerAlgorithm           string
	SSECustomerKey                 string
	SSECustomerKeyMD5              string
}

type UploadPartCopyOutput struct {
	BucketKeyEnabled     *bool
	CopyPartResult       *CopyPartResult
	CopySourceVersionId  string
	RequestCharged       string
	SSECustomerAlgorithm string
	SSECustomerKeyMD5    string
	SSEKMSKeyId          string
	ServerSideEncryption string
}

type CompleteMultipartUploadInput struct {
	Bucket               string
	Key                  string
	UploadId             string
	ChecksumCRC32        string
	ChecksumCRC32C       string
	ChecksumCRC64NVME    string
	ChecksumMD5          string
	ChecksumSHA1         string
	ChecksumSHA256       string
	ChecksumSHA512       string
	ChecksumType         string
	ChecksumXXHASH128    string
	ChecksumXXHASH3      string
	ChecksumXXHASH64     string
	ExpectedBucketOwner  string
	IfMatch              string
	IfNoneMatch          string
	MpuObjectSize        *int64
	MultipartUpload      *CompletedMultipartUpload
	RequestPayer         string
	SSECustomerAlgorithm string
	SSECustomerKey       string
	SSECustomerKeyMD5    string
}

type CompleteMultipartUploadOutput struct {
	Bucket               string
	BucketKeyEnabled     *bool
	ChecksumCRC32        string
	ChecksumCRC32C       string
	ChecksumCRC64NVME    string
	ChecksumMD5          string
	ChecksumSHA1         string
	ChecksumSHA256       string
	ChecksumSHA512       string
	ChecksumType         string
	ChecksumXXHASH128    string
	ChecksumXXHASH3      string
	ChecksumXXHASH64     string
	ETag                 string
	Expiration           string
	Key                  string
	Location             string
	RequestCharged       string
	SSEKMSKeyId          string
	ServerSideEncryption string
	VersionId            string
}

type AbortMultipartUploadInput struct {
	Bucket               string
	Key                  string
	UploadId             string
	ExpectedBucketOwner  string
	IfMatchInitiatedTime time.Time
	RequestPayer         string
}

type AbortMultipartUploadOutput struct {
	RequestCharged string
}

type ListPartsInput struct {
	Bucket               string
	Key                  string
	UploadId             string
	ExpectedBucketOwner  string
	MaxParts             *int32
	PartNumberMarker     string
	RequestPayer         string
	SSECustomerAlgorithm string
	SSECustomerKey       string
	SSECustomerKeyMD5    string
}

type ListPartsOutput struct {
	AbortDate            time.Time
	AbortRuleId          string
	Bucket               string
	ChecksumAlgorithm    string
	ChecksumType         string
	Initiator            *Initiator
	IsTruncated          *bool
	Key                  string
	MaxParts             *int32
	NextPartNumberMarker string
	Owner                *Owner
	PartNumberMarker     string
	Parts                []Part
	RequestCharged       string
	StorageClass         string
	UploadId             string
}

type ListMultipartUploadsInput struct {
	Bucket              string
	Delimiter           *string
	EncodingType        string
	ExpectedBucketOwner string
	KeyMarker           string
	MaxUploads          *int32
	Prefix              *string
	RequestPayer        string
	UploadIdMarker      string
}

type ListMultipartUploadsOutput struct {
	Bucket             string
	CommonPrefixes     []CommonPrefix
	Delimiter          string
	EncodingType       string
	IsTruncated        *bool
	KeyMarker          string
	MaxUploads         *int32
	NextKeyMarker      string
	NextUploadIdMarker string
	Prefix             string
	RequestCharged     string
	UploadIdMarker     string
	Uploads            []MultipartUpload
}
