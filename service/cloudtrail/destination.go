package cloudtrail

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
)

// keyARN returns the ARN of the KMS key that a caller names by its ID, its ARN,
// an alias or an alias's ARN. The key must be one that can encrypt.
func (s *Service) keyARN(ctx context.Context, c *aws.Call, key string) (string, error) {
	out, err := s.KMS(c).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	if err != nil {
		var e smithy.APIError
		if !errors.As(err, &e) {
			s.Logger.Warn("KMS does not answer", "key", key, "error", err)
			return "", aws.Errorf("KmsException", "The KMS key %s cannot be used: KMS could not be reached.", key)
		}
		switch e.ErrorCode() {
		case "NotFoundException":
			return "", aws.Errorf("KmsKeyNotFoundException", "The KMS key %s does not exist.", key)
		case "InvalidArnException", "ValidationException":
			return "", aws.Errorf("InvalidKmsKeyIdException", "%q is not the name of a KMS key.", key)
		case "AccessDeniedException", "AccessDenied":
			return "", aws.Errorf("InsufficientEncryptionPolicyException", "The caller may not use the KMS key %s: %s", key, e.ErrorMessage())
		}
		return "", aws.Errorf("KmsException", "The KMS key %s cannot be used: %s", key, e.ErrorMessage())
	}
	m := out.KeyMetadata
	switch {
	case m == nil || m.Arn == nil:
		return "", aws.Errorf("KmsException", "The KMS key %s cannot be used: KMS does not describe it.", key)
	case m.KeyUsage != types.KeyUsageTypeEncryptDecrypt || m.KeySpec != types.KeySpecSymmetricDefault:
		return "", aws.Errorf("InvalidKmsKeyIdException", "The KMS key %s is not a symmetric key for encryption.", key)
	case m.KeyState == types.KeyStateDisabled:
		return "", aws.Errorf("KmsKeyDisabledException", "The KMS key %s is disabled.", key)
	case m.KeyState != types.KeyStateEnabled:
		return "", aws.Errorf("KmsException", "The KMS key %s is in the state %s.", key, m.KeyState)
	}
	return *m.Arn, nil
}

// probeError turns a failed probe of a trail's destinations into the error that
// AWS has for it.
func probeError(t *cairn.Trail, err error) error {
	var e *delivery.ProbeError
	if !errors.As(err, &e) {
		return err
	}
	code := e.Code()
	switch e.Destination {
	case delivery.Topic:
		return aws.Errorf("InsufficientSnsTopicPolicyException", "SNS Topic does not exist or the topic policy is incorrect!%s", answered(e))
	case delivery.Key:
		switch {
		case strings.Contains(code, "Disabled"):
			return aws.Errorf("KmsKeyDisabledException", "The KMS key %s is disabled.", t.KMSKeyID)
		case strings.Contains(code, "NotFound"):
			return aws.Errorf("KmsKeyNotFoundException", "The KMS key %s does not exist.", t.KMSKeyID)
		}
		return aws.Errorf("InsufficientEncryptionPolicyException", "Insufficient permissions to access S3 bucket %s or KMS key %s.%s", t.S3BucketName, t.KMSKeyID, answered(e))
	}
	if code == "NoSuchBucket" {
		return aws.Errorf("S3BucketDoesNotExistException", "S3 bucket %s does not exist!", t.S3BucketName)
	}
	return aws.Errorf("InsufficientS3BucketPolicyException", "Incorrect S3 bucket policy is detected for bucket: %s%s", t.S3BucketName, answered(e))
}

// answered adds what the destination has said, which names what is wrong. What
// went wrong on the way there stays in the server's own log.
func answered(e *delivery.ProbeError) string {
	var api smithy.APIError
	if !errors.As(e.Err, &api) {
		return " (it could not be reached)"
	}
	return fmt.Sprintf(" (%s: %s)", api.ErrorCode(), api.ErrorMessage())
}
