package s3_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"cairn/aws/mirrortest"
	. "cairn/service/s3"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	p := mirrortest.Probe{API: (&Service{}).API(), Client: func(transport http.RoundTripper) any {
		return newClient(transport, "AKIAEXAMPLE", "secret", "us-east-1")
	}, Adjust: adjust, Unknown: []string{
		"AnnotationDirective", "DefaultEventHold", "EventHold", "EventHoldDuration", "ExpiresString",
		"ObjectLockEventHold", "ObjectLockEventHoldDurationDays", "ObjectLockEventHoldDurationYears",
	}}
	mirrortest.Operation[CreateBucketInput, CreateBucketOutput](t, p)
	mirrortest.Operation[DeleteBucketInput, DeleteBucketOutput](t, p)
	mirrortest.Operation[HeadBucketInput, HeadBucketOutput](t, p)
	mirrortest.Operation[ListBucketsInput, ListBucketsOutput](t, p)
	mirrortest.Operation[GetBucketLocationInput, GetBucketLocationOutput](t, p)
	mirrortest.Operation[PutBucketPolicyInput, PutBucketPolicyOutput](t, p)
	mirrortest.Operation[GetBucketPolicyInput, GetBucketPolicyOutput](t, p)
	mirrortest.Operation[DeleteBucketPolicyInput, DeleteBucketPolicyOutput](t, p)
	mirrortest.Operation[GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput](t, p)
	mirrortest.Operation[PutBucketAclInput, PutBucketAclOutput](t, p)
	mirrortest.Operation[GetBucketAclInput, GetBucketAclOutput](t, p)
	mirrortest.Operation[PutObjectAclInput, PutObjectAclOutput](t, p)
	mirrortest.Operation[GetObjectAclInput, GetObjectAclOutput](t, p)
	mirrortest.Operation[PutPublicAccessBlockInput, PutPublicAccessBlockOutput](t, p)
	mirrortest.Operation[GetPublicAccessBlockInput, GetPublicAccessBlockOutput](t, p)
	mirrortest.Operation[DeletePublicAccessBlockInput, DeletePublicAccessBlockOutput](t, p)
	mirrortest.Operation[PutBucketOwnershipControlsInput, PutBucketOwnershipControlsOutput](t, p)
	mirrortest.Operation[GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput](t, p)
	mirrortest.Operation[DeleteBucketOwnershipControlsInput, DeleteBucketOwnershipControlsOutput](t, p)
	mirrortest.Operation[PutBucketVersioningInput, PutBucketVersioningOutput](t, p)
	mirrortest.Operation[GetBucketVersioningInput, GetBucketVersioningOutput](t, p)
	mirrortest.Operation[PutBucketEncryptionInput, PutBucketEncryptionOutput](t, p)
	mirrortest.Operation[GetBucketEncryptionInput, GetBucketEncryptionOutput](t, p)
	mirrortest.Operation[DeleteBucketEncryptionInput, DeleteBucketEncryptionOutput](t, p)
	mirrortest.Operation[PutBucketNotificationConfigurationInput, PutBucketNotificationConfigurationOutput](t, p)
	mirrortest.Operation[GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput](t, p)
	mirrortest.Operation[PutBucketTaggingInput, PutBucketTaggingOutput](t, p)
	mirrortest.Operation[GetBucketTaggingInput, GetBucketTaggingOutput](t, p)
	mirrortest.Operation[DeleteBucketTaggingInput, DeleteBucketTaggingOutput](t, p)
	mirrortest.Operation[PutBucketLoggingInput, PutBucketLoggingOutput](t, p)
	mirrortest.Operation[GetBucketLoggingInput, GetBucketLoggingOutput](t, p)
	mirrortest.Operation[PutBucketRequestPaymentInput, PutBucketRequestPaymentOutput](t, p)
	mirrortest.Operation[GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput](t, p)
	mirrortest.Operation[PutBucketAccelerateConfigurationInput, PutBucketAccelerateConfigurationOutput](t, p)
	mirrortest.Operation[GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput](t, p)
	mirrortest.Operation[PutBucketLifecycleConfigurationInput, PutBucketLifecycleConfigurationOutput](t, p)
	mirrortest.Operation[GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput](t, p)
	mirrortest.Operation[DeleteBucketLifecycleInput, DeleteBucketLifecycleOutput](t, p)
	mirrortest.Operation[PutBucketCorsInput, PutBucketCorsOutput](t, p)
	mirrortest.Operation[GetBucketCorsInput, GetBucketCorsOutput](t, p)
	mirrortest.Operation[DeleteBucketCorsInput, DeleteBucketCorsOutput](t, p)
	mirrortest.Operation[PutBucketWebsiteInput, PutBucketWebsiteOutput](t, p)
	mirrortest.Operation[GetBucketWebsiteInput, GetBucketWebsiteOutput](t, p)
	mirrortest.Operation[DeleteBucketWebsiteInput, DeleteBucketWebsiteOutput](t, p)
	mirrortest.Operation[PutBucketReplicationInput, PutBucketReplicationOutput](t, p)
	mirrortest.Operation[GetBucketReplicationInput, GetBucketReplicationOutput](t, p)
	mirrortest.Operation[DeleteBucketReplicationInput, DeleteBucketReplicationOutput](t, p)
	mirrortest.Operation[PutObjectLockConfigurationInput, PutObjectLockConfigurationOutput](t, p)
	mirrortest.Operation[GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput](t, p)
	mirrortest.Operation[PutObjectRetentionInput, PutObjectRetentionOutput](t, p)
	mirrortest.Operation[GetObjectRetentionInput, GetObjectRetentionOutput](t, p)
	mirrortest.Operation[PutObjectLegalHoldInput, PutObjectLegalHoldOutput](t, p)
	mirrortest.Operation[GetObjectLegalHoldInput, GetObjectLegalHoldOutput](t, p)
	mirrortest.Operation[PutObjectInput, PutObjectOutput](t, p)
	mirrortest.Operation[GetObjectInput, GetObjectOutput](t, p)
	mirrortest.Operation[HeadObjectInput, HeadObjectOutput](t, p)
	mirrortest.Operation[CopyObjectInput, CopyObjectOutput](t, p)
	mirrortest.Operation[DeleteObjectInput, DeleteObjectOutput](t, p)
	mirrortest.Operation[DeleteObjectsInput, DeleteObjectsOutput](t, p)
	mirrortest.Operation[GetObjectAttributesInput, GetObjectAttributesOutput](t, p)
	mirrortest.Operation[PutObjectTaggingInput, PutObjectTaggingOutput](t, p)
	mirrortest.Operation[GetObjectTaggingInput, GetObjectTaggingOutput](t, p)
	mirrortest.Operation[DeleteObjectTaggingInput, DeleteObjectTaggingOutput](t, p)
	mirrortest.Operation[ListObjectsInput, ListObjectsOutput](t, p)
	mirrortest.Operation[ListObjectsV2Input, ListObjectsV2Output](t, p)
	mirrortest.Operation[ListObjectVersionsInput, ListObjectVersionsOutput](t, p)
	mirrortest.Operation[CreateMultipartUploadInput, CreateMultipartUploadOutput](t, p)
	mirrortest.Operation[UploadPartInput, UploadPartOutput](t, p)
	mirrortest.Operation[UploadPartCopyInput, UploadPartCopyOutput](t, p)
	mirrortest.Operation[CompleteMultipartUploadInput, CompleteMultipartUploadOutput](t, p)
	mirrortest.Operation[AbortMultipartUploadInput, AbortMultipartUploadOutput](t, p)
	mirrortest.Operation[ListPartsInput, ListPartsOutput](t, p)
	mirrortest.Operation[ListMultipartUploadsInput, ListMultipartUploadsOutput](t, p)
}

// adjust gives members the values that the SDK insists on: of checksums the names
// and the values that fit the body, and the body's length.
func adjust(input, output any) {
	in, out := reflect.ValueOf(input).Elem(), reflect.ValueOf(output).Elem()
	if f := in.FieldByName("ChecksumAlgorithm"); f.IsValid() {
		f.SetString("CRC32")
	}
	for i := range in.NumField() {
		name := in.Type().Field(i).Name
		// A request has one checksum.
		if strings.HasPrefix(name, "Checksum") && name != "ChecksumAlgorithm" && name != "ChecksumMode" && name != "ChecksumType" || name == "ContentMD5" {
			in.Field(i).SetZero()
		}
	}
	if body := in.FieldByName("Body"); body.IsValid() {
		content, err := io.ReadAll(body.Interface().(io.Reader))
		if err != nil {
			panic(err)
		}
		body.Set(reflect.ValueOf(bytes.NewReader(content)))
		size, md5 := int64(len(content)), md5.Sum(content)
		in.FieldByName("ContentLength").Set(reflect.ValueOf(&size))
		in.FieldByName("ContentMD5").Set(reflect.ValueOf(p(base64.StdEncoding.EncodeToString(md5[:]))))
		crc := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(content))
		in.FieldByName("ChecksumCRC32").Set(reflect.ValueOf(p(base64.StdEncoding.EncodeToString(crc))))
	}
	if f := out.FieldByName("Body"); f.IsValid() {
		size := f.Interface().(interface{ Size() int64 }).Size()
		out.FieldByName("ContentLength").Set(reflect.ValueOf(&size))
	}
	if f := out.FieldByName("Expires"); f.IsValid() {
		f.SetString("Wed, 04 Mar 2026 05:06:07 GMT")
	}
}

// servedOperations are all that the service has.
var servedOperations = map[string]bool{
	"CreateBucket":                       true,
	"DeleteBucket":                       true,
	"HeadBucket":                         true,
	"ListBuckets":                        true,
	"GetBucketLocation":                  true,
	"PutBucketPolicy":                    true,
	"GetBucketPolicy":                    true,
	"DeleteBucketPolicy":                 true,
	"GetBucketPolicyStatus":              true,
	"PutBucketAcl":                       true,
	"GetBucketAcl":                       true,
	"PutObjectAcl":                       true,
	"GetObjectAcl":                       true,
	"PutPublicAccessBlock":               true,
	"GetPublicAccessBlock":               true,
	"DeletePublicAccessBlock":            true,
	"PutBucketOwnershipControls":         true,
	"GetBucketOwnershipControls":         true,
	"DeleteBucketOwnershipControls":      true,
	"PutBucketVersioning":                true,
	"GetBucketVersioning":                true,
	"PutBucketEncryption":                true,
	"GetBucketEncryption":                true,
	"DeleteBucketEncryption":             true,
	"PutBucketNotificationConfiguration": true,
	"GetBucketNotificationConfiguration": true,
	"PutBucketTagging":                   true,
	"GetBucketTagging":                   true,
	"DeleteBucketTagging":                true,
	"PutBucketLogging":                   true,
	"GetBucketLogging":                   true,
	"PutBucketRequestPayment":            true,
	"GetBucketRequestPayment":            true,
	"PutBucketAccelerateConfiguration":   true,
	"GetBucketAccelerateConfiguration":   true,
	"PutBucketLifecycleConfiguration":    true,
	"GetBucketLifecycleConfiguration":    true,
	"DeleteBucketLifecycle":              true,
	"PutBucketCors":                      true,
	"GetBucketCors":                      true,
	"DeleteBucketCors":                   true,
	"PutBucketWebsite":                   true,
	"GetBucketWebsite":                   true,
	"DeleteBucketWebsite":                true,
	"PutBucketReplication":               true,
	"GetBucketReplication":               true,
	"DeleteBucketReplication":            true,
	"PutObjectLockConfiguration":         true,
	"GetObjectLockConfiguration":         true,
	"PutObjectRetention":                 true,
	"GetObjectRetention":                 true,
	"PutObjectLegalHold":                 true,
	"GetObjectLegalHold":                 true,
	"PutObject":                          true,
	"GetObject":                          true,
	"HeadObject":                         true,
	"CopyObject":                         true,
	"DeleteObject":                       true,
	"DeleteObjects":                      true,
	"GetObjectAttributes":                true,
	"PutObjectTagging":                   true,
	"GetObjectTagging":                   true,
	"DeleteObjectTagging":                true,
	"ListObjects":                        true,
	"ListObjectsV2":                      true,
	"ListObjectVersions":                 true,
	"CreateMultipartUpload":              true,
	"UploadPart":                         true,
	"UploadPartCopy":                     true,
	"CompleteMultipartUpload":            true,
	"AbortMultipartUpload":               true,
	"ListParts":                          true,
	"ListMultipartUploads":               true,
}
