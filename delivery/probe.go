package delivery

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cairn"
	"cairn/trail"
)

// A Destination is a part of where a trail delivers to.
type Destination string

// The destinations that Probe tries.
const (
	Bucket Destination = "bucket"
	Key    Destination = "key"
	Topic  Destination = "topic"
)

// A ProbeError says what of a trail's destinations does not work.
type ProbeError struct {
	Destination Destination
	Err         error
}

func (e *ProbeError) Error() string { return fmt.Sprintf("%s: %v", e.Destination, e.Err) }

// Unwrap returns what the destination answered.
func (e *ProbeError) Unwrap() error { return e.Err }

// Code is the error code that the destination answered with, such as
// "NoSuchBucket", or empty.
func (e *ProbeError) Code() string {
	if statusCode(e.Err) == 0 {
		return ""
	}
	return short(e.Err)
}

// validationMessage is what subscribers get when a topic was given to a trail.
const validationMessage = "CloudTrail validation message."

// Probe tries what deliveries of a trail will do: it writes the empty objects
// that mark the trail's folders, with the trail's key if it has one, and
// publishes a test message. What is as it was before is not tried. The error is
// a *ProbeError.
func (d *Delivery) Probe(ctx context.Context, t, before *cairn.Trail) error {
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	made := &trail.Trail{Trail: *t}
	if before == nil || before.S3BucketName != t.S3BucketName || before.S3KeyPrefix != t.S3KeyPrefix {
		if err := d.mark(ctx, made, cairn.LogKindDigest, ""); err != nil {
			return &ProbeError{Bucket, err}
		}
		if err := d.mark(ctx, made, cairn.LogKindCloudTrail, ""); err != nil {
			return &ProbeError{Bucket, err}
		}
		before = nil
	}
	if t.KMSKeyID != "" && (before == nil || before.KMSKeyID != t.KMSKeyID) {
		if err := d.mark(ctx, made, cairn.LogKindCloudTrail, t.KMSKeyID); err != nil {
			return &ProbeError{Key, err}
		}
	}
	if t.SNSTopicARN != "" && (before == nil || before.SNSTopicARN != t.SNSTopicARN) {
		in := &sns.PublishInput{TopicArn: aws.String(t.SNSTopicARN), Message: aws.String(validationMessage)}
		if _, err := d.cfg.Destinations.Topics(made).Publish(ctx, in, onceSNS); err != nil {
			return &ProbeError{Topic, err}
		}
	}
	return nil
}

// mark writes the empty object that marks the folder of a kind of files.
func (d *Delivery) mark(ctx context.Context, t *trail.Trail, kind cairn.LogKind, kmsKey string) error {
	organization := ""
	if t.IsOrganization {
		organization = t.OrganizationID
	}
	in := &s3.PutObjectInput{
		Bucket: aws.String(t.S3BucketName), Key: aws.String(cairn.KindFolder(t.S3KeyPrefix, organization, t.AccountID, kind)),
		Body: strings.NewReader(""), ContentLength: aws.Int64(0),
	}
	if kmsKey != "" {
		if err := encrypt(in, t); err != nil {
			return err
		}
	}
	return putOwned(ctx, d.cfg.Destinations.Objects(t), in, func() { in.Body = strings.NewReader("") })
}

// encrypt asks for an object to be encrypted with the trail's key.
func encrypt(in *s3.PutObjectInput, t *trail.Trail) error {
	context, err := json.Marshal(map[string]string{"aws:cloudtrail:arn": t.ARN().String()})
	if err != nil {
		return err
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(t.KMSKeyID)
	in.SSEKMSEncryptionContext = aws.String(base64.StdEncoding.EncodeToString(context))
	return nil
}

// putOwned puts an object that the bucket's owner is given control of, and that
// may have to be new. A service that has no such things is asked without. body
// sets the body for each attempt.
func putOwned(ctx context.Context, objects Objects, in *s3.PutObjectInput, body func()) error {
	in.ACL = types.ObjectCannedACLBucketOwnerFullControl
	for {
		body()
		_, err := objects.PutObject(ctx, in, onceS3)
		code := ""
		if err != nil {
			code = short(err)
		}
		switch {
		case in.ACL != "" && (code == "AccessControlListNotSupported" || code == "NotImplemented"):
			in.ACL = ""
		case in.IfNoneMatch != nil && code == "NotImplemented":
			in.IfNoneMatch = nil
		default:
			return err
		}
	}
}
