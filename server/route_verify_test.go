package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/verify"
)

// verifyTrail verifies a trail and returns what was told.
func (x *routesTest) verifyTrail(t *testing.T, key Credentials, body string) (findings []*VerifyFinding, result *VerifyResult, failure string) {
	t.Helper()
	code, text := x.call(t, key, http.MethodPost, "/_cairn/api/trails/verify", nil, []byte(body))
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", body, code, text)
	}
	for line := range strings.Lines(text) {
		var l VerifyLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if result != nil || failure != "" {
			t.Errorf("a line behind the last: %s", line)
		}
		switch {
		case l.Finding != nil:
			findings = append(findings, l.Finding)
		case l.Result != nil:
			result = l.Result
		case l.Error != nil:
			failure = l.Error.Text
		}
	}
	if result == nil && failure == "" {
		t.Fatalf("%s: %s", body, text)
	}
	return findings, result, failure
}

// What a trail has delivered is proved, as its owner, who is told of a log file
// that was changed and what to do; nobody else is.
func TestVerifyTrail(t *testing.T) {
	t.Parallel()
	x := serveRoutesWith(t, Config{Data: t.TempDir(), DeliveryInterval: time.Second, DigestInterval: time.Second})
	provider := credentials.NewStaticCredentialsProvider(x.a.AccessKeyID, x.a.Secret, "")
	trails := cloudtrail.New(cloudtrail.Options{Region: "us-east-1", BaseEndpoint: &x.url, Credentials: provider, RetryMaxAttempts: 1})
	s3 := awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: &x.url, UsePathStyle: true, Credentials: provider, RetryMaxAttempts: 1})
	ctx, bucket, name := t.Context(), awssdk.String("verified-logs"), awssdk.String("verified")
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}]}`, *bucket)
	_, err := s3.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: bucket})
	if err == nil {
		_, err = s3.PutBucketPolicy(ctx, &awss3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy})
	}
	if err == nil {
		_, err = trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: name, S3BucketName: bucket, EnableLogFileValidation: awssdk.Bool(true), S3KeyPrefix: awssdk.String("kept")})
	}
	if err == nil {
		_, err = trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: name})
	}
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		findings, result, failure := x.verifyTrail(t, x.a, `{"trail":"verified"}`)
		if failure == "" && result.Verdict == verify.VerdictProved && result.LogFilesProved > 0 {
			if result.Bucket != *bucket || len(result.Chains) == 0 || result.Damage > 0 {
				t.Errorf("proved: %+v", result)
			}
			break
		}
		if time.Now().After(deadline) || failure != "" || result.Damage > 0 {
			t.Fatalf("nothing is proved: %+v %+v %s", findings, result, failure)
		}
	}
	listed, err := s3.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: bucket, Prefix: awssdk.String("kept/AWSLogs/" + accountA + "/CloudTrail/")})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(listed.Contents, func(o types.Object) bool { return strings.HasSuffix(*o.Key, ".json.gz") })
	if i < 0 {
		t.Fatalf("no log file: %+v", listed.Contents)
	}
	key := listed.Contents[i].Key
	if _, err := s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("changed")}); err != nil {
		t.Fatal(err)
	}
	var findings []*VerifyFinding
	var result *VerifyResult
	var failure string
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) { // until a digest lists it
		findings, result, failure = x.verifyTrail(t, x.a, `{"trail":"verified","since":"2020-01-01T00:00:00Z"}`)
		if failure != "" || result.Damage > 0 {
			break
		}
	}
	if failure != "" || result.Verdict != verify.VerdictDamaged || result.Damage == 0 || result.LogFilesInvalid == 0 || len(findings) == 0 || findings[0].Key != *key || findings[0].Advice == "" {
		t.Errorf("a changed log file: %+v %+v %s", findings, result, failure)
	}
	if code, text := x.call(t, x.b, http.MethodPost, "/_cairn/api/trails/verify", nil, []byte(`{"trail":"verified"}`)); code != http.StatusNotFound {
		t.Errorf("another account: %d %s", code, text)
	}
	for _, bad := range []string{`{}`, `{"trail":"verified","x":1}`, `{"trail":"verified","account":"` + accountB + `"}`, `{"trail":"verified","since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}`} {
		if code, text := x.call(t, x.a, http.MethodPost, "/_cairn/api/trails/verify", nil, []byte(bad)); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, code, text)
		}
	}
	reader := x.newUser(t, accountA, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cairn:VerifyTrail","Resource":"*"}]}`)
	if findings, result, failure := x.verifyTrail(t, reader, `{"trail":"verified"}`); !strings.Contains(failure, "AccessDenied") {
		t.Errorf("a user who may not read the bucket: %+v %+v %s", findings, result, failure)
	}
}
