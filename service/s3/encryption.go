package s3

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"cairn"
	"cairn/aws"
	"cairn/internal/objectstore"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// The algorithms of server-side encryption, by their names in headers.
const (
	sseS3  = "AES256"
	sseKMS = "aws:kms"
)

// awsManagedKey is the key of SSE-KMS where none is named.
const awsManagedKey = "alias/aws/s3"

// sealPurpose is what data keys of SSE-S3 are sealed for; their row is the
// object's bucket and key, so that one does not open another object.
const sealPurpose = "s3-object"

// encryption makes the data key of a new object and what is stored of it: the one
// that the request asks for, else the bucket's default, else SSE-S3. The members
// of the request are ServerSideEncryption, SSEKMSKeyId, SSEKMSEncryptionContext and
// BucketKeyEnabled.
func (s *Service) encryption(ctx context.Context, c *aws.Call, b *bucket, key string, in any) (*objectstore.Encryption, []byte, error) {
	if err := refuseCustomerKeys(in); err != nil {
		return nil, nil, err
	}
	algorithm, keyID, bucketKey := memberText(in, "ServerSideEncryption"), memberText(in, "SSEKMSKeyId"), memberBool(in, "BucketKeyEnabled")
	userContext := memberText(in, "SSEKMSEncryptionContext")
	if algorithm == "" && (keyID != "" || userContext != "") {
		return nil, nil, invalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	}
	if b.Encryption != nil {
		rule := b.Encryption.Rules[0]
		by := rule.ApplyServerSideEncryptionByDefault
		if algorithm == "" {
			algorithm, keyID = by.SSEAlgorithm, by.KMSMasterKeyID
		} else if algorithm == sseKMS && keyID == "" && by.SSEAlgorithm == sseKMS {
			keyID = by.KMSMasterKeyID
		}
		if bucketKey == nil && algorithm == sseKMS {
			bucketKey = rule.BucketKeyEnabled
		}
	}
	switch algorithm {
	case "", sseS3:
		if keyID != "" || userContext != "" {
			return nil, nil, invalidArgument("x-amz-server-side-encryption-aws-kms-key-id is not applicable if the sse algorithm is not aws:kms or aws:kms:dsse")
		}
		return s.sealedKey(b.Name, key)
	case sseKMS:
		return s.kmsKey(ctx, c, objectstore.Encryption{Algorithm: sseKMS, KeyID: keyID, BucketKey: isTrue(bucketKey)}, b, key, userContext)
	case "aws:kms:dsse":
		return nil, nil, notImplemented("dual-layer encryption (aws:kms:dsse)")
	}
	return nil, nil, failure(http.StatusBadRequest, "InvalidEncryptionAlgorithmError", "The encryption request you specified is not valid. The valid value is AES256, aws:kms or aws:kms:dsse.")
}

func (s *Service) sealedKey(bucket, key string) (*objectstore.Encryption, []byte, error) {
	data := make([]byte, 32)
	rand.Read(data)
	sealed, err := s.Sealer.Seal(sealPurpose, bucket+"/"+key, data)
	if err != nil {
		return nil, nil, err
	}
	return &objectstore.Encryption{Algorithm: sseS3, Wrapped: sealed}, data, nil
}

// kmsKey gets a data key from KMS in the bucket's region, where the key must be.
func (s *Service) kmsKey(ctx context.Context, c *aws.Call, e objectstore.Encryption, b *bucket, key, userContext string) (*objectstore.Encryption, []byte, error) {
	client, err := s.kms(c, b.Region)
	if err != nil {
		return nil, nil, err
	}
	if userContext != "" {
		raw, err := base64.StdEncoding.DecodeString(userContext)
		var pairs map[string]string
		if err == nil {
			err = json.Unmarshal(raw, &pairs)
		}
		if err != nil {
			return nil, nil, invalidArgument("The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map")
		}
		// Policies of keys rely on this member to tell what a key is used for.
		for member, value := range pairs {
			if strings.EqualFold(member, arnMember) && (member != arnMember || value != boundTo(&e, b.Name, key)) {
				return nil, nil, invalidArgument("The encryption context's %s must be that of the object", arnMember)
			}
		}
		e.Context = raw
	}
	if e.KeyID == "" {
		e.KeyID = awsManagedKey
	}
	out, err := client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &e.KeyID, KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: contextOf(&e, b.Name, key),
	})
	if err != nil {
		return nil, nil, kmsError(err)
	}
	if out.KeyId != nil {
		e.KeyID = *out.KeyId
	}
	e.Wrapped = out.CiphertextBlob
	return &e, out.Plaintext, nil
}

// contextOf is the encryption context of an object's data key: the request's, and
// the ARN of the object, or of the bucket where a bucket key is asked for.
func contextOf(e *objectstore.Encryption, bucket, key string) map[string]string {
	pairs := make(map[string]string)
	if len(e.Context) > 0 {
		_ = json.Unmarshal(e.Context, &pairs) // it was checked when it was given
	}
	if _, given := pairs[arnMember]; !given {
		pairs[arnMember] = boundTo(e, bucket, key)
	}
	return pairs
}

// arnMember is the member of an encryption context that says what a data key is
// for.
const arnMember = "aws:s3:arn"

func boundTo(e *objectstore.Encryption, bucket, key string) string {
	if e.BucketKey {
		return bucketARN(bucket)
	}
	return objectARN(bucket, key)
}

// kms returns the client that acts for a caller. There is none for callers without
// credentials, whatever a bucket's policy lets them do.
func (s *Service) kms(c *aws.Call, region string) (DataKeys, error) {
	switch {
	case c.Identity.Anonymous():
		return nil, invalidArgument("Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.")
	case s.KMS == nil:
		return nil, noKMS()
	}
	return s.KMS(c, region), nil
}

// dataKey opens the data key of an object or upload.
func (s *Service) dataKey(ctx context.Context, c *aws.Call, e *objectstore.Encryption, bucket, key string) ([]byte, error) {
	if e.Algorithm != sseKMS {
		return s.Sealer.Open(sealPurpose, bucket+"/"+key, e.Wrapped)
	}
	region := c.Region
	if arn, err := cairn.ParseARN(e.KeyID); err == nil {
		region = arn.Region
	}
	client, err := s.kms(c, region)
	if err != nil {
		return nil, err
	}
	out, err := client.Decrypt(ctx, &kms.DecryptInput{KeyId: &e.KeyID, CiphertextBlob: e.Wrapped, EncryptionContext: contextOf(e, bucket, key)})
	if err != nil {
		return nil, kmsError(err)
	}
	return out.Plaintext, nil
}

// unlock makes an object's content readable.
func (s *Service) unlock(ctx context.Context, c *aws.Call, content *objectstore.Content) error {
	o := content.Object()
	if o.Encryption == nil {
		return nil
	}
	key, err := s.dataKey(ctx, c, o.Encryption, o.Bucket, o.Key)
	if err != nil {
		return err
	}
	return content.Unlock(key)
}

func noKMS() error {
	return failure(http.StatusBadRequest, "KMS.NotFoundException", "There is no KMS here to encrypt with.")
}

// kmsError is an error of KMS as S3 passes it on.
func kmsError(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		why := err
		for errors.Unwrap(why) != nil {
			why = errors.Unwrap(why)
		}
		return failure(http.StatusServiceUnavailable, "ServiceUnavailable", "KMS could not be asked for a data key: %s", why)
	}
	switch code := api.ErrorCode(); code {
	case "AccessDenied", "AccessDeniedException":
		return failure(http.StatusForbidden, "AccessDenied", "%s", api.ErrorMessage())
	case "NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException":
		return failure(http.StatusBadRequest, "KMS."+code, "%s", api.ErrorMessage())
	case "UnknownOperationException":
		return noKMS()
	default:
		var response interface{ HTTPStatusCode() int }
		if errors.As(err, &response) && response.HTTPStatusCode()/100 == 4 {
			return failure(http.StatusBadRequest, "KMS."+code, "%s", api.ErrorMessage())
		}
	}
	return err
}

// refuseCustomerKeys refuses SSE-C.
func refuseCustomerKeys(in any) error {
	for _, name := range []string{"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "CopySourceSSECustomerAlgorithm", "CopySourceSSECustomerKey"} {
		if memberText(in, name) != "" {
			return notImplemented("encryption with keys of the customer's (SSE-C)")
		}
	}
	return nil
}

// setEncryption sets the members of an answer about an object's encryption.
func setEncryption(out any, e *objectstore.Encryption) {
	if e == nil {
		return
	}
	v := reflect.ValueOf(out).Elem()
	v.FieldByName("ServerSideEncryption").SetString(e.Algorithm)
	if e.Algorithm != sseKMS {
		return
	}
	v.FieldByName("SSEKMSKeyId").SetString(e.KeyID)
	if e.BucketKey {
		v.FieldByName("BucketKeyEnabled").Set(reflect.ValueOf(&e.BucketKey))
	}
	if f := v.FieldByName("SSEKMSEncryptionContext"); f.IsValid() && len(e.Context) > 0 {
		f.SetString(base64.StdEncoding.EncodeToString(e.Context))
	}
}

// memberBool is a member of an input that is a bool, nil if there is none.
func memberBool(in any, name string) *bool {
	f := reflect.ValueOf(in).Elem().FieldByName(name)
	if !f.IsValid() {
		return nil
	}
	b, _ := f.Interface().(*bool)
	return b
}
