// Package s3 serves Amazon S3: buckets and objects on this machine's disk, under
// the policies of their buckets and of their callers.
//
// Its nouns are S3's. What is stored is the business of package objectstore; this
// package decides who may, what requests mean and what they are answered.
//
// Its one invariant: nothing is read or changed in a bucket unless the policies
// of the caller and of the bucket let it, and no setting is accepted that would
// have no effect here: such a request is answered with NotImplemented.
//
// What differs from AWS: one endpoint serves the buckets of all regions; whoever
// makes a bucket again that is theirs gets BucketAlreadyOwnedByYou, in us-east-1
// too; all storage classes but those that need a restore are one; access control
// lists grant nothing, as with AWS's default of BucketOwnerEnforced; ETags of
// objects under SSE-KMS are MD5 sums, too.
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/internal/objectstore"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Sealer seals the data keys of objects under SSE-S3 so that only the store itself
// can open them. One that was sealed for an object does not open for another.
type Sealer interface {
	Seal(purpose, row string, plaintext []byte) ([]byte, error)
	Open(purpose, row string, sealed []byte) ([]byte, error)
}

// DataKeys is the part of KMS that gives data keys; a *kms.Client is one.
type DataKeys interface {
	GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, options ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Decrypt(ctx context.Context, in *kms.DecryptInput, options ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Identities knows whom a bucket policy names.
type Identities interface {
	// TrustedIDs returns the unique IDs of the users and roles that a policy names
	// by ARN. The error is an *identity.NotFoundError if one does not exist.
	TrustedIDs(account, document string) (map[string]string, error)
}

// Service is S3.
type Service struct {
	Objects    *objectstore.Store // required
	Sealer     Sealer             // required
	Identities Identities         // required

	// KMS returns the client that gets data keys in a region for a call, with the
	// permissions of that call's caller. If nil, SSE-KMS is refused.
	KMS func(c *aws.Call, region string) DataKeys

	Regions []string         // where buckets can be
	Domains []string         // whose subdomains are buckets, beside localhost
	Now     func() time.Time // default time.Now
}

// maxDocumentBytes bounds the bodies that are no objects. The longest is that of
// CompleteMultipartUpload, with 10,000 parts and their checksums.
const maxDocumentBytes = 8 << 20

// API returns the service's operations for a Mux.
func (s *Service) API() *aws.API {
	if s.Now == nil {
		s.Now = time.Now
	}
	model, ok := awsmodel.Service("s3")
	if !ok {
		panic("s3: the model of S3 is missing")
	}
	api := &aws.API{
		Service:  "s3",
		Protocol: aws.RESTXML{Model: model, Namespace: "http://s3.amazonaws.com/doc/2006-03-01/", Domains: s.Domains},
		Known: func(operation string) bool {
			_, ok := model.Operation(operation)
			return ok
		},
		ResourcePolicy: s.policyOf,
		Streaming:      true,
		Anonymous:      true,
		PresignedV2:    true,
		MaxBody:        maxDocumentBytes,
	}
	s.handleBuckets(api)
	s.handleAccess(api)
	s.handleSettings(api)
	s.handleObjects(api)
	s.handleUploads(api)
	return api
}

func (s *Service) handleBuckets(api *aws.API) {
	handle(s, api, s.createBucket, aws.Needs(s.needsForNew))
	handle(s, api, s.deleteBucket, on[DeleteBucketInput](s, "s3:DeleteBucket"))
	handle(s, api, s.headBucket, on[HeadBucketInput](s, "s3:ListBucket"))
	handle(s, api, s.listBuckets, on[ListBucketsInput](s, "s3:ListAllMyBuckets"))
	handle(s, api, s.getBucketLocation, on[GetBucketLocationInput](s, "s3:GetBucketLocation"))
	handle(s, api, s.listObjects, on[ListObjectsInput](s, "s3:ListBucket"), aws.AnswerUnrecorded())
	handle(s, api, s.listObjectsV2, on[ListObjectsV2Input](s, "s3:ListBucket"), aws.AnswerUnrecorded())
	handle(s, api, s.listObjectVersions, on[ListObjectVersionsInput](s, "s3:ListBucketVersions"), aws.AnswerUnrecorded())
}

func (s *Service) handleAccess(api *aws.API) {
	handle(s, api, s.putBucketPolicy, on[PutBucketPolicyInput](s, "s3:PutBucketPolicy"))
	handle(s, api, s.getBucketPolicy, on[GetBucketPolicyInput](s, "s3:GetBucketPolicy"))
	handle(s, api, s.deleteBucketPolicy, on[DeleteBucketPolicyInput](s, "s3:DeleteBucketPolicy"))
	handle(s, api, s.getBucketPolicyStatus, on[GetBucketPolicyStatusInput](s, "s3:GetBucketPolicyStatus"))
	handle(s, api, s.putPublicAccessBlock, on[PutPublicAccessBlockInput](s, "s3:PutBucketPublicAccessBlock"))
	handle(s, api, s.getPublicAccessBlock, on[GetPublicAccessBlockInput](s, "s3:GetBucketPublicAccessBlock"))
	handle(s, api, s.deletePublicAccessBlock, on[DeletePublicAccessBlockInput](s, "s3:PutBucketPublicAccessBlock"))
	handle(s, api, s.putBucketOwnershipControls, on[PutBucketOwnershipControlsInput](s, "s3:PutBucketOwnershipControls"))
	handle(s, api, s.getBucketOwnershipControls, on[GetBucketOwnershipControlsInput](s, "s3:GetBucketOwnershipControls"))
	handle(s, api, s.deleteBucketOwnershipControls, on[DeleteBucketOwnershipControlsInput](s, "s3:PutBucketOwnershipControls"))
	handle(s, api, s.putBucketAcl, on[PutBucketAclInput](s, "s3:PutBucketAcl"))
	handle(s, api, s.getBucketAcl, on[GetBucketAclInput](s, "s3:GetBucketAcl"))
	handle(s, api, s.putObjectAcl, on[PutObjectAclInput](s, "s3:PutObjectAcl"))
	handle(s, api, s.getObjectAcl, on[GetObjectAclInput](s, "s3:GetObjectAcl"))
}

func (s *Service) handleSettings(api *aws.API) {
	handle(s, api, s.putBucketVersioning, on[PutBucketVersioningInput](s, "s3:PutBucketVersioning"))
	handle(s, api, s.getBucketVersioning, on[GetBucketVersioningInput](s, "s3:GetBucketVersioning"))
	handle(s, api, s.putBucketEncryption, on[PutBucketEncryptionInput](s, "s3:PutEncryptionConfiguration"))
	handle(s, api, s.getBucketEncryption, on[GetBucketEncryptionInput](s, "s3:GetEncryptionConfiguration"))
	handle(s, api, s.deleteBucketEncryption, on[DeleteBucketEncryptionInput](s, "s3:PutEncryptionConfiguration"))
	handle(s, api, s.putBucketNotificationConfiguration, on[PutBucketNotificationConfigurationInput](s, "s3:PutBucketNotification"))
	handle(s, api, s.getBucketNotificationConfiguration, on[GetBucketNotificationConfigurationInput](s, "s3:GetBucketNotification"))
	handle(s, api, s.putBucketTagging, on[PutBucketTaggingInput](s, "s3:PutBucketTagging"))
	handle(s, api, s.getBucketTagging, on[GetBucketTaggingInput](s, "s3:GetBucketTagging"))
	handle(s, api, s.deleteBucketTagging, on[DeleteBucketTaggingInput](s, "s3:PutBucketTagging"))
	handle(s, api, s.putObjectLockConfiguration, on[PutObjectLockConfigurationInput](s, "s3:PutBucketObjectLockConfiguration"))
	handle(s, api, s.getObjectLockConfiguration, on[GetObjectLockConfigurationInput](s, "s3:GetBucketObjectLockConfiguration"))

	handle(s, api, s.putBucketLogging, on[PutBucketLoggingInput](s, "s3:PutBucketLogging"))
	handle(s, api, s.getBucketLogging, on[GetBucketLoggingInput](s, "s3:GetBucketLogging"))
	handle(s, api, s.putBucketRequestPayment, on[PutBucketRequestPaymentInput](s, "s3:PutBucketRequestPayment"))
	handle(s, api, s.getBucketRequestPayment, on[GetBucketRequestPaymentInput](s, "s3:GetBucketRequestPayment"))
	handle(s, api, s.putBucketAccelerateConfiguration, on[PutBucketAccelerateConfigurationInput](s, "s3:PutAccelerateConfiguration"))
	handle(s, api, s.getBucketAccelerateConfiguration, on[GetBucketAccelerateConfigurationInput](s, "s3:GetAccelerateConfiguration"))
	handle(s, api, s.putBucketLifecycleConfiguration, on[PutBucketLifecycleConfigurationInput](s, "s3:PutLifecycleConfiguration"))
	handle(s, api, s.getBucketLifecycleConfiguration, on[GetBucketLifecycleConfigurationInput](s, "s3:GetLifecycleConfiguration"))
	handle(s, api, s.deleteBucketLifecycle, on[DeleteBucketLifecycleInput](s, "s3:PutLifecycleConfiguration"))
	handle(s, api, s.putBucketCors, on[PutBucketCorsInput](s, "s3:PutBucketCORS"))
	handle(s, api, s.getBucketCors, on[GetBucketCorsInput](s, "s3:GetBucketCORS"))
	handle(s, api, s.deleteBucketCors, on[DeleteBucketCorsInput](s, "s3:PutBucketCORS"))
	handle(s, api, s.putBucketWebsite, on[PutBucketWebsiteInput](s, "s3:PutBucketWebsite"))
	handle(s, api, s.getBucketWebsite, on[GetBucketWebsiteInput](s, "s3:GetBucketWebsite"))
	handle(s, api, s.deleteBucketWebsite, on[DeleteBucketWebsiteInput](s, "s3:DeleteBucketWebsite"))
	handle(s, api, s.putBucketReplication, on[PutBucketReplicationInput](s, "s3:PutReplicationConfiguration"))
	handle(s, api, s.getBucketReplication, on[GetBucketReplicationInput](s, "s3:GetReplicationConfiguration"))
	handle(s, api, s.deleteBucketReplication, on[DeleteBucketReplicationInput](s, "s3:PutReplicationConfiguration"))
}

func (s *Service) handleObjects(api *aws.API) {
	handle(s, api, s.putObject, needs(s, needsForPut, "s3:PutObject"))
	handle(s, api, s.getObject, needs(s, templated[GetObjectInput], "s3:GetObject"))
	handle(s, api, s.headObject, needs(s, templated[HeadObjectInput], "s3:GetObject"))
	handle(s, api, s.copyObject, needs(s, s.needsForCopy, "s3:PutObject"))
	handle(s, api, s.deleteObject, on[DeleteObjectInput](s, "s3:DeleteObject"))
	handle(s, api, s.deleteObjects, aws.Needs(needsPerKey))
	handle(s, api, s.getObjectAttributes, needs(s, needsForAttributes, "s3:GetObjectAttributes"))
	handle(s, api, s.putObjectTagging, on[PutObjectTaggingInput](s, "s3:PutObjectTagging"))
	handle(s, api, s.getObjectTagging, on[GetObjectTaggingInput](s, "s3:GetObjectTagging"))
	handle(s, api, s.deleteObjectTagging, on[DeleteObjectTaggingInput](s, "s3:DeleteObjectTagging"))
	handle(s, api, s.putObjectRetention, needs(s, needsForRetention, "s3:PutObjectRetention"))
	handle(s, api, s.getObjectRetention, on[GetObjectRetentionInput](s, "s3:GetObjectRetention"))
	handle(s, api, s.putObjectLegalHold, needs(s, needsForHold, "s3:PutObjectLegalHold"))
	handle(s, api, s.getObjectLegalHold, on[GetObjectLegalHoldInput](s, "s3:GetObjectLegalHold"))
}

func (s *Service) handleUploads(api *aws.API) {
	handle(s, api, s.createMultipartUpload, needs(s, needsForUpload, "s3:PutObject"))
	handle(s, api, s.uploadPart, needs(s, needsForPart[UploadPartInput](s), "s3:PutObject"))
	handle(s, api, s.uploadPartCopy, needs(s, s.needsForPartCopy, "s3:PutObject"))
	handle(s, api, s.completeMultipartUpload, needs(s, needsForPart[CompleteMultipartUploadInput](s), "s3:PutObject"))
	handle(s, api, s.abortMultipartUpload, on[AbortMultipartUploadInput](s, "s3:AbortMultipartUpload"))
	handle(s, api, s.listParts, on[ListPartsInput](s, "s3:ListMultipartUploadParts"), aws.AnswerUnrecorded())
	handle(s, api, s.listMultipartUploads, on[ListMultipartUploadsInput](s, "s3:ListBucketMultipartUploads"), aws.AnswerUnrecorded())
}

// handle registers an operation whose errors of the store become S3's.
func handle[In, Out any](s *Service, api *aws.API, fn func(context.Context, *aws.Call, *In) (*Out, error), options ...aws.Option) {
	aws.Handle(api, func(ctx context.Context, c *aws.Call, in *In) (*Out, error) {
		out, err := fn(ctx, c, in)
		if err != nil {
			return nil, visible(err)
		}
		return out, nil
	}, options...)
}

// The names of a bucket's settings in the store.
const (
	policySetting       = "policy"
	publicAccessSetting = "public-access-block"
	ownershipSetting    = "ownership"
	encryptionSetting   = "encryption"
	tagsSetting         = "tags"
	notificationSetting = "notification"
	retentionSetting    = "default-retention"
)

// A bucket is one of the store with its settings.
type bucket struct {
	objectstore.Bucket
	Account string // that owns it

	Policy       string
	Trusted      map[string]string
	PolicyPublic bool

	PublicAccess *PublicAccessBlockConfiguration
	Ownership    string // empty if the controls were removed
	Encryption   *ServerSideEncryptionConfiguration
	Tags         []Tag
	Notification *NotificationConfiguration
	Retention    *DefaultRetention
}

// policyRow is a bucket policy as it is stored.
type policyRow struct {
	Document string            `json:"document"`
	Trusted  map[string]string `json:"trusted,omitempty"`
	Public   bool              `json:"public,omitempty"`
}

// find returns a bucket, nil if there is none.
func (s *Service) find(ctx context.Context, name string) (*bucket, error) {
	stored, err := s.Objects.Bucket(ctx, name)
	if errors.Is(err, objectstore.ErrNoSuchBucket) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := &bucket{Bucket: *stored, Account: stored.Owner}
	var row policyRow
	for setting, into := range map[string]any{
		policySetting: &row, publicAccessSetting: &b.PublicAccess, ownershipSetting: &b.Ownership, encryptionSetting: &b.Encryption,
		tagsSetting: &b.Tags, notificationSetting: &b.Notification, retentionSetting: &b.Retention,
	} {
		value := stored.Settings[setting].Value
		if len(value) == 0 {
			continue
		}
		if err := json.Unmarshal(value, into); err != nil {
			return nil, fmt.Errorf("read the setting %s of bucket %s: %w", setting, name, err)
		}
	}
	b.Policy, b.Trusted, b.PolicyPublic = row.Document, row.Trusted, row.Public
	return b, nil
}

// bucket returns a bucket that must exist.
func (s *Service) bucket(ctx context.Context, name string) (*bucket, error) {
	b, err := s.find(ctx, name)
	if err == nil && b == nil {
		err = noSuchBucket()
	}
	return b, err
}

// maxSettingBytes bounds a setting as it is stored: every call to a bucket reads its
// settings. A policy of the greatest length needs most.
const maxSettingBytes = 256 << 10

// set changes a setting of a bucket.
func (s *Service) set(ctx context.Context, bucket, setting string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(raw) > maxSettingBytes {
		return invalidRequest("The configuration is too large: it may have %d bytes.", maxSettingBytes)
	}
	_, err = s.Objects.SetSetting(ctx, bucket, setting, objectstore.AnyRevision, raw)
	return err
}

// unset removes a setting of a bucket.
func (s *Service) unset(ctx context.Context, bucket, setting string) error {
	return s.Objects.DeleteSetting(ctx, bucket, setting, objectstore.AnyRevision)
}
