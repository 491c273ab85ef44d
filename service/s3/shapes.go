package s3

import (
	"time"
)

// The structs here and in the files *_shapes.go have the members of AWS's API in
// its spelling. The mirror test holds them against the SDK's.

type AbortIncompleteMultipartUpload struct {
	DaysAfterInitiation *int32
}

type AccelerateConfiguration struct {
	Status string
}

type AccessControlPolicy struct {
	Grants []Grant
	Owner  *Owner
}

type AccessControlTranslation struct {
	Owner string
}

type BlockedEncryptionTypes struct {
	EncryptionType []string
}

type Bucket struct {
	BucketArn    string
	BucketRegion string
	CreationDate time.Time
	Name         string
}

type BucketInfo struct {
	DataRedundancy string
	Type           string
}

type BucketLifecycleConfiguration struct {
	Rules []LifecycleRule
}

type BucketLoggingStatus struct {
	LoggingEnabled *LoggingEnabled
}

type CORSConfiguration struct {
	CORSRules []CORSRule
}

type CORSRule struct {
	AllowedMethods []string
	AllowedOrigins []string
	AllowedHeaders []string
	ExposeHeaders  []string
	ID             string
	MaxAgeSeconds  *int32
}

type Checksum struct {
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumMD5       string
	ChecksumSHA1      string
	ChecksumSHA256    string
	ChecksumSHA512    string
	ChecksumType      string
	ChecksumXXHASH128 string
	ChecksumXXHASH3   string
	ChecksumXXHASH64  string
}

type CommonPrefix struct {
	Prefix string
}

type CompletedMultipartUpload struct {
	Parts []CompletedPart
}

type CompletedPart struct {
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumMD5       string
	ChecksumSHA1      string
	ChecksumSHA256    string
	ChecksumSHA512    string
	ChecksumXXHASH128 string
	ChecksumXXHASH3   string
	ChecksumXXHASH64  string
	ETag              string
	PartNumber        *int32
}

type Condition struct {
	HttpErrorCodeReturnedEquals string
	KeyPrefixEquals             string
}

type CopyObjectResult struct {
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumMD5       string
	ChecksumSHA1      string
	ChecksumSHA256    string
	ChecksumSHA512    string
	ChecksumType      string
	ChecksumXXHASH128 string
	ChecksumXXHASH3   string
	ChecksumXXHASH64  string
	ETag              string
	LastModified      time.Time
}

type CopyPartResult struct {
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumMD5       string
	ChecksumSHA1      string
	ChecksumSHA256    string
	ChecksumSHA512    string
	ChecksumXXHASH128 string
	ChecksumXXHASH3   string
	ChecksumXXHASH64  string
	ETag              string
	LastModified      time.Time
}

type CreateBucketConfiguration struct {
	Bucket             *BucketInfo
	Location           *LocationInfo
	LocationConstraint string
	Tags               []Tag
}

type DefaultRetention struct {
	Days  *int32
	Mode  string
	Years *int32
}

type Delete struct {
	Objects []ObjectIdentifier
	Quiet   *bool
}

type DeleteMarkerEntry struct {
	IsLatest     *bool
	Key          string
	LastModified time.Time
	Owner        *Owner
	VersionId    string
}

type DeleteMarkerReplication struct {
	Status string
}

type DeletedObject struct {
	DeleteMarker          *bool
	DeleteMarkerVersionId string
	Key                   string
	VersionId             string
}

type Destination struct {
	Bucket                   string
	AccessControlTranslation *AccessControlTranslation
	Account                  string
	EncryptionConfiguration  *EncryptionConfiguration
	Metrics                  *Metrics
	ReplicationTime          *ReplicationTime
	StorageClass             string
}

type EncryptionConfiguration struct {
	ReplicaKmsKeyID string
}

type Error struct {
	Code      string
	Key       string
	Message   string
	VersionId string
}

type ErrorDocument struct {
	Key string
}

type EventBridgeConfiguration struct{}

type ExistingObjectReplication struct {
	Status string
}

type FilterRule struct {
	Name  string
	Value string
}

type GetObjectAttributesParts struct {
	IsTruncated          *bool
	MaxParts             *int32
	NextPartNumberMarker string
	PartNumberMarker     string
	Parts                []ObjectPart
	TotalPartsCount      *int32
}

type Grant struct {
	Grantee    *Grantee
	Permission string
}

type Grantee struct {
	Type         string
	DisplayName  string
	EmailAddress string
	ID           string
	URI          string
}

type IndexDocument struct {
	Suffix string
}

type Initiator struct {
	DisplayName string
	ID          string
}

type LambdaFunctionConfiguration struct {
	Events            []string
	LambdaFunctionArn string
	Filter            *NotificationConfigurationFilter
	Id                string
}

type LifecycleExpiration struct {
	Date                      time.Time
	Days                      *int32
	ExpiredObjectDeleteMarker *bool
}

type LifecycleRule struct {
	Status                         string
	AbortIncompleteMultipartUpload *AbortIncompleteMultipartUpload
	Expiration                     *LifecycleExpiration
	Filter                         *LifecycleRuleFilter
	ID                             string
	NoncurrentVersionExpiration    *NoncurrentVersionExpiration
	NoncurrentVersionTransitions   []NoncurrentVersionTransition
	Prefix                         string
	Transitions                    []Transition
}

type LifecycleRuleAndOperator struct {
	ObjectSizeGreaterThan *int64
	ObjectSizeLessThan    *int64
	Prefix                string
	Tags                  []Tag
}

type LifecycleRuleFilter struct {
	And                   *LifecycleRuleAndOperator
	ObjectSizeGreaterThan *int64
	ObjectSizeLessThan    *int64
	Prefix                string
	Tag                   *Tag
}

type LocationInfo struct {
	Name string
	Type string
}

type LoggingEnabled struct {
	TargetBucket          string
	TargetPrefix          string
	TargetGrants          []TargetGrant
	TargetObjectKeyFormat *TargetObjectKeyFormat
}

type Metrics struct {
	Status         string
	EventThreshold *ReplicationTimeValue
}

type MultipartUpload struct {
	ChecksumAlgorithm string
	ChecksumType      string
	Initiated         time.Time
	Initiator         *Initiator
	Key               string
	Owner             *Owner
	StorageClass      string
	UploadId          string
}

type NoncurrentVersionExpiration struct {
	NewerNoncurrentVersions *int32
	NoncurrentDays          *int32
}

type NoncurrentVersionTransition struct {
	NewerNoncurrentVersions *int32
	NoncurrentDays          *int32
	StorageClass            string
}

type NotificationConfiguration struct {
	EventBridgeConfiguration     *EventBridgeConfiguration
	LambdaFunctionConfigurations []LambdaFunctionConfiguration
	QueueConfigurations          []QueueConfiguration
	TopicConfigurations          []TopicConfiguration
}

type NotificationConfigurationFilter struct {
	Key *S3KeyFilter
}

type Object struct {
	ChecksumAlgorithm []string
	ChecksumType      string
	ETag              string
	Key               string
	LastModified      time.Time
	Owner             *Owner
	RestoreStatus     *RestoreStatus
	Size              *int64
	StorageClass      string
}

type ObjectIdentifier struct {
	Key              string
	ETag             string
	LastModifiedTime time.Time
	Size             *int64
	VersionId        string
}

type ObjectLockConfiguration struct {
	ObjectLockEnabled string
	Rule              *ObjectLockRule
}

type ObjectLockLegalHold struct {
	Status string
}

type ObjectLockRetention struct {
	Mode            string
	RetainUntilDate time.Time
}

type ObjectLockRule struct {
	DefaultRetention *DefaultRetention
}

type ObjectPart struct {
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumMD5       string
	ChecksumSHA1      string
	ChecksumSHA256    string
	ChecksumSHA512    string
	ChecksumXXHASH128 string
	ChecksumXXHASH3   string
	ChecksumXXHASH64  string
	PartNumber        *int32
	Size              *int64
}

type ObjectVersion struct {
	ChecksumAlgorithm []string
	ChecksumType      string
	ETag              string
	IsLatest          *bool
	Key               string
	LastModified      time.Time
	Owner             *Owner
	RestoreStatus     *RestoreStatus
	Size              *int64
	StorageClass      string
	VersionId         string
}

type Owner struct {
	DisplayName string
	ID          string
}

type OwnershipControls struct {
	Rules []OwnershipControlsRule
}

type OwnershipControlsRule struct {
	ObjectOwnership string
}

type Part struct {
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumMD5       string
	ChecksumSHA1      string
	ChecksumSHA256    string
	ChecksumSHA512    string
	ChecksumXXHASH128 string
	ChecksumXXHASH3   string
	ChecksumXXHASH64  string
	ETag              string
	LastModified      time.Time
	PartNumber        *int32
	Size              *int64
}

type PartitionedPrefix struct {
	PartitionDateSource string
}

type PolicyStatus struct {
	IsPublic *bool
}

type PublicAccessBlockConfiguration struct {
	BlockPublicAcls       *bool
	BlockPublicPolicy     *bool
	IgnorePublicAcls      *bool
	RestrictPublicBuckets *bool
}

type QueueConfiguration struct {
	Events   []string
	QueueArn string
	Filter   *NotificationConfigurationFilter
	Id       string
}

type Redirect struct {
	HostName             string
	HttpRedirectCode     string
	Protocol             string
	ReplaceKeyPrefixWith string
	ReplaceKeyWith       string
}

type RedirectAllRequestsTo struct {
	HostName string
	Protocol string
}

type ReplicaModifications struct {
	Status string
}

type ReplicationConfiguration struct {
	Role  string
	Rules []ReplicationRule
}

type ReplicationRule struct {
	Destination               *Destination
	Status                    string
	DeleteMarkerReplication   *DeleteMarkerReplication
	ExistingObjectReplication *ExistingObjectReplication
	Filter                    *ReplicationRuleFilter
	ID                        string
	Prefix                    string
	Priority                  *int32
	SourceSelectionCriteria   *SourceSelectionCriteria
}

type ReplicationRuleAndOperator struct {
	Prefix string
	Tags   []Tag
}

type ReplicationRuleFilter struct {
	And    *ReplicationRuleAndOperator
	Prefix string
	Tag    *Tag
}

type ReplicationTime struct {
	Status string
	Time   *ReplicationTimeValue
}

type ReplicationTimeValue struct {
	Minutes *int32
}

type RequestPaymentConfiguration struct {
	Payer string
}

type RestoreStatus struct {
	IsRestoreInProgress *bool
	RestoreExpiryDate   time.Time
}

type RoutingRule struct {
	Redirect  *Redirect
	Condition *Condition
}

type S3KeyFilter struct {
	FilterRules []FilterRule
}

type ServerSideEncryptionByDefault struct {
	SSEAlgorithm   string
	KMSMasterKeyID string
}

type ServerSideEncryptionConfiguration struct {
	Rules []ServerSideEncryptionRule
}

type ServerSideEncryptionRule struct {
	ApplyServerSideEncryptionByDefault *ServerSideEncryptionByDefault
	BlockedEncryptionTypes             *BlockedEncryptionTypes
	BucketKeyEnabled                   *bool
}

type SimplePrefix struct{}

type SourceSelectionCriteria struct {
	ReplicaModifications   *ReplicaModifications
	SseKmsEncryptedObjects *SseKmsEncryptedObjects
}

type SseKmsEncryptedObjects struct {
	Status string
}

type Tag struct {
	Key   string
	Value string
}

type Tagging struct {
	TagSet []Tag
}

type TargetGrant struct {
	Grantee    *Grantee
	Permission string
}

type TargetObjectKeyFormat struct {
	PartitionedPrefix *PartitionedPrefix
	SimplePrefix      *SimplePrefix
}

type TopicConfiguration struct {
	Events   []string
	TopicArn string
	Filter   *NotificationConfigurationFilter
	Id       string
}

type Transition struct {
	Date         time.Time
	Days         *int32
	StorageClass string
}

type VersioningConfiguration struct {
	MFADelete string
	Status    string
}

type WebsiteConfiguration struct {
	ErrorDocument         *ErrorDocument
	IndexDocument         *IndexDocument
	RedirectAllRequestsTo *RedirectAllRequestsTo
	RoutingRules          []RoutingRule
}
