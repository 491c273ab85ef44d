package server

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// A trail with a prefix, a key and a topic is refused until the policies of all
// three let it deliver; then what it takes is in the bucket, encrypted, and its
// status says so.
func TestTrailEndToEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	a, key, stop := serveConfig(t, Config{Data: t.TempDir(), Regions: []string{"us-east-1", "eu-west-1"}, DeliveryInterval: time.Second})
	defer stop()
	provider := credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, "")
	trails := cloudtrail.New(cloudtrail.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: provider, RetryMaxAttempts: 1})
	s3 := awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: &a.URL, UsePathStyle: true, Credentials: provider, RetryMaxAttempts: 1})
	kms := awskms.New(awskms.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: provider, RetryMaxAttempts: 1})
	topics := sns.New(sns.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: provider, RetryMaxAttempts: 1})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	const account, arn = DefaultAccountID, "arn:aws:cloudtrail:us-east-1:" + DefaultAccountID + ":trail/end-to-end"
	statement := func(action, resource, more string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":%q,"Resource":%q,"Condition":{"StringEquals":{%s"aws:SourceArn":%q}}}`, action, resource, more, arn)
	}
	document := func(statements ...string) *string {
		return awssdk.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
	}
	owner := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}`
	made, err := kms.CreateKey(ctx, &awskms.CreateKeyInput{Policy: document(owner)})
	must(err)
	topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: awssdk.String("deliveries")})
	must(err)
	bucket := awssdk.String("end-to-end")

	create := func() error {
		_, err := trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{
			Name: awssdk.String("end-to-end"), S3BucketName: bucket, S3KeyPrefix: awssdk.String("pre/fix"), KmsKeyId: made.KeyMetadata.KeyId, SnsTopicName: awssdk.String("deliveries")})
		return err
	}
	var noBucket *types.S3BucketDoesNotExistException
	if err := create(); !errors.As(err, &noBucket) {
		t.Errorf("without a bucket: %v", err)
	}
	_, err = s3.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: bucket})
	must(err)
	var noBucketPolicy *types.InsufficientS3BucketPolicyException
	if err := create(); !errors.As(err, &noBucketPolicy) {
		t.Errorf("without a bucket policy: %v", err)
	}
	_, err = s3.PutBucketPolicy(ctx, &awss3.PutBucketPolicyInput{Bucket: bucket, Policy: document(
		statement("s3:GetBucketAcl", "arn:aws:s3:::end-to-end", ""),
		statement("s3:PutObject", "arn:aws:s3:::end-to-end/pre/fix/AWSLogs/"+account+"/*", `"s3:x-amz-acl":"bucket-owner-full-control",`))})
	must(err)
	var noKeyPolicy *types.InsufficientEncryptionPolicyException
	if err := create(); !errors.As(err, &noKeyPolicy) {
		t.Errorf("without permission in the key's policy: %v", err)
	}
	_, err = kms.PutKeyPolicy(ctx, &awskms.PutKeyPolicyInput{KeyId: made.KeyMetadata.KeyId, Policy: document(owner, statement("kms:GenerateDataKey*", "*", ""), statement("kms:DescribeKey", "*", ""))})
	must(err)
	var noTopicPolicy *types.InsufficientSnsTopicPolicyException
	if err := create(); !errors.As(err, &noTopicPolicy) {
		t.Errorf("without a topic policy: %v", err)
	}
	_, err = topics.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic.TopicArn, AttributeName: awssdk.String("Policy"), AttributeValue: document(statement("SNS:Publish", *topic.TopicArn, ""))})
	must(err)
	must(create())
	_, err = trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: awssdk.String(arn)})
	must(err)

	marker := "tag-that-is-looked-for"
	_, err = trails.AddTags(ctx, &cloudtrail.AddTagsInput{ResourceId: awssdk.String(arn), TagsList: []types.Tag{{Key: &marker}}})
	must(err)
	prefix := "pre/fix/AWSLogs/" + account + "/CloudTrail/us-east-1/"
	for found := false; !found; {
		if ctx.Err() != nil {
			t.Fatal("the event did not come to the bucket")
		}
		time.Sleep(100 * time.Millisecond)
		listed, err := s3.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: bucket, Prefix: &prefix})
		must(err)
		for _, object := range listed.Contents {
			got, err := s3.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: object.Key})
			must(err)
			if got.ServerSideEncryption != "aws:kms" || awssdk.ToString(got.SSEKMSKeyId) != *made.KeyMetadata.Arn {
				t.Errorf("%s is encrypted with %s %s", *object.Key, got.ServerSideEncryption, awssdk.ToString(got.SSEKMSKeyId))
			}
			z, err := gzip.NewReader(got.Body)
			must(err)
			text, err := io.ReadAll(z)
			must(err)
			must(got.Body.Close())
			found = found || strings.Contains(string(text), marker)
		}
	}
	for {
		status, err := trails.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: awssdk.String(arn)})
		must(err)
		if status.LatestDeliveryTime != nil && status.LatestNotificationTime != nil {
			if awssdk.ToString(status.LatestDeliveryError)+awssdk.ToString(status.LatestNotificationError) != "" || *status.LatestDeliveryAttemptSucceeded == "" || !*status.IsLogging {
				t.Errorf("the status is %+v", status)
			}
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
}
