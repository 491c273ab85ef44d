package record_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"cairn/aws"
	"cairn/record"
)

// A record of S3 says how the call was signed, what it weighed and how the object
// is encrypted.
func TestAdditionalDataOfS3(t *testing.T) {
	t.Parallel()
	put := call("s3", "PutObject", tree{"Bucket": "b", "Key": "k", "ACL": "bucket-owner-full-control", "ServerSideEncryption": "aws:kms"},
		tree{"ETag": `"e"`, "ServerSideEncryption": "aws:kms", "VersionId": "v"})
	put.SignatureVersion, put.AuthenticationMethod, put.BytesIn, put.RequestID = "SigV4", "AuthHeader", 5, "r"
	put.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
	raw, _ := appended(t, put, record.Details{})
	for field, want := range map[string]string{
		"additionalEventData": `{"AuthenticationMethod":"AuthHeader","CipherSuite":"TLS_AES_128_GCM_SHA256","SSEApplied":"SSE_KMS","SignatureVersion":"SigV4","bytesTransferredIn":5,"bytesTransferredOut":0,"x-amz-id-2":"cg=="}`,
		"requestParameters":   `{"Host":"cairn.example:8080","bucketName":"b","key":"k","x-amz-acl":"bucket-owner-full-control","x-amz-server-side-encryption":"aws:kms"}`,
		"responseElements":    `{"x-amz-server-side-encryption":"aws:kms","x-amz-version-id":"v"}`,
	} {
		if got := fieldOf(t, raw, field); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	put.Input = tree{"Bucket": "b", "Key": "k"}
	put.Output = tree{"ServerSideEncryption": "AES256"}
	put.TLS, put.Err = nil, &aws.Error{Code: "AccessDenied"}
	put.BytesOut = 243
	raw, _ = appended(t, put, record.Details{})
	if got, want := fieldOf(t, raw, "additionalEventData"), `{"AuthenticationMethod":"AuthHeader","SignatureVersion":"SigV4","bytesTransferredIn":5,"bytesTransferredOut":243,"x-amz-id-2":"cg=="}`; got != want {
		t.Errorf("of a refused call it is %s, want %s", got, want)
	}
	put.Err = nil
	if raw, _ = appended(t, put, record.Details{}); fieldOf(t, raw, "additionalEventData") == "" {
		t.Error("a call without TLS has no additional data")
	}
	within := call("s3", "PutObject", tree{"Bucket": "b"}, nil)
	if raw, _ = appended(t, within, record.Details{}); fieldOf(t, raw, "additionalEventData") != "" {
		t.Error("a call that did not come in by the front has additional data")
	}
}

// S3's records have the user agent in square brackets, within its limit, and no other
// service's; of the resources they give the account of the bucket alone.
func TestS3AgentAndResources(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, operation, agent, want string }{
		{"s3", "GetObject", "aws-cli/2.17", "[aws-cli/2.17]"},
		{"s3", "CreateBucket", "aws-cli/2.17", "[aws-cli/2.17]"},
		{"s3", "GetObject", "AWS Internal", "AWS Internal"},
		{"s3", "GetObject", "", ""},
		{"s3", "GetObject", strings.Repeat("a", 2000), "[" + strings.Repeat("a", 1022) + "]"},
		{"iam", "ListUsers", "aws-cli/2.17", "aws-cli/2.17"},
	} {
		c := with(call(tt.service, tt.operation, map[string]any{"Bucket": "b", "Key": "k"}, nil), func(c *aws.Call) { c.UserAgent = tt.agent })
		raw, r := appended(t, c, record.Details{})
		if r.UserAgent != tt.want {
			t.Errorf("%s %s has the user agent %.40q", tt.service, tt.operation, r.UserAgent)
		}
		if tt.operation == "GetObject" && !strings.Contains(string(raw), `"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}]`) {
			t.Errorf("%s", raw)
		}
	}
}

// DynamoDB is one of the services whose records name the version of the API.
func TestDynamoDBVersion(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"CreateTable", "GetItem"} {
		raw, _ := appended(t, call("dynamodb", operation, map[string]any{"TableName": "t"}, nil), record.Details{})
		if !strings.Contains(string(raw), `"apiVersion":"2012-08-10"`) {
			t.Errorf("%s", raw)
		}
	}
}
