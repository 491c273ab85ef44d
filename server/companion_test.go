package server

import (
	"errors"
	"testing"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
	"cairn/trail"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"logs", "logs", true}, {"logs", "logs2", false}, {"logs", "xlogs", false}, {"logs-*", "logs-a", true}, {"logs-*", "logs-", true},
		{"*", "", true}, {"*", "arn:aws:kms:r:1:key/k", true}, {"a*b*c", "abc", true}, {"a*b*c", "a-b-c", true}, {"a*b*c", "acb", false},
		{"*-logs", "my-logs", true}, {"*-logs", "my-logs-2", false}, {"a*a", "a", false}, {"", "x", false},
		{"*/k", "arn:aws:kms:r:1:key/k", true}, {"[a]", "a", false}, {"?", "a", false},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("matches(%q, %q) is %t", c.pattern, c.name, got)
		}
	}
}

// At a URL the server's credentials speak, so accounts other than the operator's
// get to what they are allowed, and to nothing else.
func TestCompanionAllows(t *testing.T) {
	t.Parallel()
	const operator, tenant = "111111111111", "222222222222"
	at := func(allow ...string) Companion {
		// Nobody listens there: whoever is let through fails otherwise.
		return Companion{URL: "http://127.0.0.1:1", AccessKeyID: "k", Secret: "s", Allow: map[string][]string{tenant: allow}}
	}
	cfg := &Config{AccountID: operator, S3: at("tenant-*"), SNS: at("alerts", "arn:aws:sns:us-east-1:333333333333:shared"), KMS: at("arn:aws:kms:us-east-1:222222222222:key/*")}
	d := &destinations{cfg, aws.NewMux(aws.Config{})}
	key, body := "k", "b"
	for _, c := range []struct {
		account, bucket, topic string
		s3, sns                bool
	}{
		{tenant, "tenant-logs", "arn:aws:sns:us-east-1:222222222222:alerts", true, true},
		{tenant, "other", "arn:aws:sns:us-east-1:111111111111:alerts", false, false},
		{tenant, "tenant", "arn:aws:sns:us-east-1:333333333333:shared", false, true},
		{"333333333333", "tenant-logs", "arn:aws:sns:us-east-1:333333333333:alerts", false, false},
		{operator, "other", "arn:aws:sns:us-east-1:333333333333:any", true, true},
	} {
		tr := &trail.Trail{Trail: cairn.Trail{Name: "t-1", AccountID: c.account, HomeRegion: "us-east-1", S3BucketName: c.bucket, SNSTopicARN: c.topic}}
		_, err := d.Objects(tr).PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &c.bucket, Key: &key}, func(o *awss3.Options) { o.RetryMaxAttempts = 1 })
		if refused := errors.As(err, new(notAllowed)); refused == c.s3 {
			t.Errorf("account %s to bucket %s: %v", c.account, c.bucket, err)
		}
		_, err = d.Topics(tr).Publish(t.Context(), &sns.PublishInput{TopicArn: &c.topic, Message: &body}, func(o *sns.Options) { o.RetryMaxAttempts = 1 })
		if refused := errors.As(err, new(notAllowed)); refused == c.sns {
			t.Errorf("account %s to topic %s: %v", c.account, c.topic, err)
		}
	}
	s := &Server{cfg: *cfg}
	for account, ok := range map[string]bool{tenant: true, operator: true, "333333333333": false} {
		keys := s.keysFor(&aws.Call{Region: "us-east-1", Identity: aws.Identity{Type: "Root", AccountID: account}})
		id := "arn:aws:kms:us-east-1:222222222222:key/1"
		_, err := keys.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &id})
		var api smithy.APIError
		if refused := errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException"; refused == ok {
			t.Errorf("account %s to its key: %v", account, err)
		}
	}
	var _ delivery.Destinations = d
}
