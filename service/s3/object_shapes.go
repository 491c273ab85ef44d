package s3

import (
	"io"
	"time"
)

type PutObjectInput struct {
	Bucket                    string
	Key                       string
	ACL                       string
	Body                      io.Reader
	BucketKeyEnabled          *bool
	CacheControl              string
	ChecksumAlgorithm         string
	ChecksumCRC32             string
	ChecksumCRC32C            string
	ChecksumCRC64NVME         string
	ChecksumMD5               string
	ChecksumSHA1              string
	ChecksumSHA256            string
	ChecksumSHA512            string
	ChecksumXXHASH128         string
	ChecksumXXHASH3           string
	ChecksumXXHASH64          string
	ContentDisposition        string
	ContentEncoding           string
	ContentLanguage           string
	ContentLength             *int64
	ContentMD5                string
	ContentType               string
	ExpectedBucketOwner       string
	Expires                   string
	GrantFullControl          string
	GrantRead                 string
	GrantReadACP              string
	GrantWriteACP             string
	IfMatch                   string
	IfNoneMatch               string
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
	WriteOffsetBytes          *int64
}

type PutObjectOutput struct {
	BucketKeyEnabled        *bool
	ChecksumCRC32           string
	ChecksumCRC32C          string
	ChecksumCRC64NVME       string
	ChecksumMD5             string
	ChecksumSHA1            string
	ChecksumSHA256          string
	ChecksumSHA512          string
	ChecksumType            string
	ChecksumXXHASH128       string
	ChecksumXXHASH3         string
	ChecksumXXHASH64        string
	ETag                    string
	Expiration              string
	RequestCharged          string
	SSECustomerAlgorithm    string
	SSECustomerKeyMD5       string
	SSEKMSEncryptionContext string
	SSEKMSKeyId             string
	ServerSideEncryption    string
	Size                    *int64
	VersionId               string
}

type GetObjectInput struct {
	Bucket                     string
	Key                        string
	ChecksumMode               string
	ExpectedBucketOwner        string
	IfMatch                    string
	IfModifiedSince            time.Time
	IfNoneMatch                string
	IfUnmodifiedSince          time.Time
	PartNumber                 *int32
	Range                      string
	RequestPayer               string
	ResponseCacheControl       string
	ResponseContentDisposition string
	ResponseContentEncoding    string
	ResponseContentLanguage    string
	ResponseContentType        string
	ResponseExpires            time.Time
	SSECustomerAlgorithm       string
	SSECustomerKey             string
	SSECustomerKeyMD5          string
	VersionId                  string
}

type GetObjectOutput struct {
	AcceptRanges              string
	Body                      io.ReadCloser
	BucketKeyEnabled          *bool
	CacheControl              string
	ChecksumCRC32             string
	ChecksumCRC32C            string
	ChecksumCRC64NVME         string
	ChecksumMD5               string
	ChecksumSHA1              string
	ChecksumSHA256            string
	ChecksumSHA512            string
	ChecksumType              string
	ChecksumXXHASH128         string
	ChecksumXXHASH3           string
	ChecksumXXHASH64          string
	ContentDisposition        string
	ContentEncoding           string
	ContentLanguage           string
	ContentLength             *int64
	ContentRange              string
	ContentType               string
	DeleteMarker              *bool
	ETag                      string
	Expiration                string
	Expires                   string
	LastModified              time.Time
	Metadata                  map[string]string
	MissingMeta               *int32
	ObjectLockLegalHoldStatus string
	ObjectLockMode            string
	ObjectLockRetainUntilDate time.Time
	PartsCount                *int32
	ReplicationStatus         string
	RequestCharged            string
	Restore                   string
	SSECustomerAlgorithm      string
	SSECustomerKeyMD5         string
	SSEKMSKeyId               string
	ServerSideEncryption      string
	StorageClass              string
	TagCount                  *int32
	VersionId                 string
	WebsiteRedirectLocation   string
}

type HeadObjectInput struct {
	Bucket                     string
	Key                        string
	ChecksumMode               string
	ExpectedBucketOwner        string
	IfMatch                    string
	IfModifiedSince            time.Time
	IfNoneMatch                string
	IfUnmodifiedSince          time.Time
	PartNumber                 *int32
	Range                      string
	RequestPayer               string
	ResponseCacheControl       string
	ResponseContentDisposition string
	ResponseContentEncoding    string
	ResponseContentLanguage    string
	ResponseContentType        string
	ResponseExpires            time.Time
	SSECustomerAlgorithm       string
	SSECustomerKey             string
	SSECustomerKeyMD5          string
	VersionId                  string
}

type HeadObjectOutput struct {
	AcceptRanges              string
	ArchiveStatus             string
	BucketKeyEnabled          *bool
	CacheControl              string
	ChecksumCRC32             string
	ChecksumCRC32C            string
	ChecksumCRC64NVME         string
	ChecksumMD5               string
	ChecksumSHA1              string
	ChecksumSHA256            string
	ChecksumSHA512            string
	ChecksumType              string
	ChecksumXXHASH128         string
	ChecksumXXHASH3           string
	ChecksumXXHASH64          string
	ContentDisposition        string
	ContentEncoding           string
	ContentLanguage           string
	ContentLength             *int64
	ContentRange              string
	ContentType               string
	DeleteMarker              *bool
	ETag                      string
	Expiration                string
	Expires                   string
	LastModified              time.Time
	Metadata                  map[string]string
	MissingMeta               *int32
	ObjectLockLegalHoldStatus string
	ObjectLockMode            string
	ObjectLockRetainUntilDate time.Time
	PartsCount                *int32
	ReplicationStatus         string
	RequestCharged            string
	Restore                   string
	SSECustomerAlgorithm      string
	SSECustomerKeyMD5         string
	SSEKMSKeyId               string
	ServerSideEncryption      string
	StorageClass              string
	TagCount                  *int32
	VersionId                 string
	WebsiteRedirectLocation   string
}

type CopyObjectInput struct {
	Bucket                         string
	CopySource                     string
	Key                            string
	ACL                            string
	BucketKeyEnabled               *bool
	CacheControl                   string
	ChecksumAlgorithm              string
	ContentDisposition             string
	ContentEncoding                string
	ContentLanguage                string
	ContentType                    string
	CopySourceIfMatch              string
	CopySourceIfModifiedSince      time.Time
	CopySourceIfNoneMatch          string
	CopySourceIfUnmodifiedSince    time.Time
	CopySourceSSECustomerAlgorithm string
	CopySourceSSECustomerKey       string
	CopySourceSSECustomerKeyMD5    string
	ExpectedBucketOwner            string
	ExpectedSourceBucketOwner      string
	Expires                        string
	GrantFullControl               string
	GrantRead                      string
	GrantReadACP                   string
	GrantWriteACP                  string
	IfMatch                        string
	IfNoneMatch                    string
	Metadata                       map[string]string
	MetadataDirective              string
	ObjectLockLegalHoldStatus      string
	ObjectLockMode                 string
	ObjectLockRetainUntilDate      time.Time
	RequestPayer                   string
	SSECustomerAlgorithm           string
	SSECustomerKey                 string
	SSECustomerKeyMD5              string
	SSEKMSEncryptionContext        string
	SSEKMSKeyId                    string
	ServerSideEncryption           string
	StorageClass                   string
	Tagging                        string
	TaggingDirective               string
	WebsiteRedirectLocation        string
}

type CopyObjectOutput struct {
	BucketKeyEnabled        *bool
	CopyObjectResult        *CopyObjectResult
	CopySourceVersionId     string
	Expiration              string
	RequestCharged          string
	SSECustomerAlgorithm    string
	SSECustomerKeyMD5       string
	SSEKMSEncryptionContext string
	SSEKMSKeyId             string
	ServerSideEncryption    string
	VersionId               string
}

type DeleteObjectInput struct {
	Bucket                    string
	Key                       string
	BypassGovernanceRetention *bool
	ExpectedBucketOwner       string
	IfMatch                   string
	IfMatchLastModifiedTime   time.Time
	IfMatchSize               *int64
	MFA                       string
	RequestPayer              string
	VersionId                 string
}

type DeleteObjectOutput struct {
	DeleteMarker   *bool
	RequestCharged string
	VersionId      string
}

type DeleteObjectsInput struct {
	Bucket                    string
	Delete                    *Delete
	BypassGovernanceRetention *bool
	ChecksumAlgorithm         string
	ExpectedBucketOwner       string
	MFA                       string
	RequestPayer              string
}

type DeleteObjectsOutput struct {
	Deleted        []DeletedObject
	Errors         []Error
	RequestCharged string
}

type GetObjectAttributesInput struct {
	Bucket               string
	Key                  string
	ObjectAttributes     []string
	ExpectedBucketOwner  string
	MaxParts             *int32
	PartNumberMarker     string
	RequestPayer         string
	SSECustomerAlgorithm string
	SSECustomerKey       string
	SSECustomerKeyMD5    string
	VersionId            string
}

type GetObjectAttributesOutput struct {
	Checksum       *Checksum
	DeleteMarker   *bool
	ETag           string
	LastModified   time.Time
	ObjectParts    *GetObjectAttributesParts
	ObjectSize     *int64
	RequestCharged string
	StorageClass   string
	VersionId      string
}

type PutObjectTaggingInput struct {
	Bucket              string
	Key                 string
	Tagging             *Tagging
	ChecksumAlgorithm   string
	ContentMD5          string
	ExpectedBucketOwner string
	RequestPayer        string
	VersionId           string
}

type PutObjectTaggingOutput struct {
	VersionId string
}

type GetObjectTaggingInput struct {
	Bucket              string
	Key                 string
	ExpectedBucketOwner string
	RequestPayer        string
	VersionId           string
}

type GetObjectTaggingOutput struct {
	TagSet    []Tag
	VersionId string
}

type DeleteObjectTaggingInput struct {
	Bucket              string
	Key                 string
	ExpectedBucketOwner string
	VersionId           string
}

type DeleteObjectTaggingOutput struct {
	VersionId string
}
