package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/server"
	"cairn/verify"
)

// A deliveringServer runs with a trail that delivers each second.
type deliveringServer struct {
	data, url string
	s3        *s3.Client
	trails    *cloudtrail.Client
}

func startDelivering(t *testing.T) *deliveringServer {
	t.Helper()
	d := &deliveringServer{data: filepath.Join(t.TempDir(), "data")}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var log bytes.Buffer
	go func() {
		defer close(ended)
		args := []string{"serve", "--listen", "127.0.0.1:0", "--data", d.data, "--delivery-interval", "1s", "--digest-interval", "1s"}
		if code := run(ctx, args, nil, strings.NewReader(""), &log, &log); code != exitOK {
			t.Errorf("serve: exit code %d: %s", code, &log)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	for range 500 {
		if a, err := server.FindServer(d.data); err == nil {
			d.url = a.URL
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	key, err := server.ReadCredentials(d.data)
	if err != nil {
		t.Fatal(err)
	}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &d.url, Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, "")}
	d.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	d.trails = cloudtrail.NewFromConfig(cfg)
	return d
}

func (d *deliveringServer) makeTrail(t *testing.T, name, bucket string) {
	t.Helper()
	ctx := t.Context()
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},`+
		`"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}]}`, bucket)
	_, err := d.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
	if err == nil {
		_, err = d.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
	}
	if err == nil {
		_, err = d.trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: &name, S3BucketName: &bucket, EnableLogFileValidation: aws.Bool(true)})
	}
	if err == nil {
		_, err = d.trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: &name})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// verified verifies the buckets of the server's trails.
func (d *deliveringServer) verified(t *testing.T, args ...string) (code int, reports []verify.Report) {
	t.Helper()
	code, stdout, stderr := runIn(t, d.data, "", append([]string{"verify", "--json"}, args...)...)
	var out struct{ Reports []verify.Report }
	if err := json.Unmarshal([]byte(stdout), &out); err != nil || stderr != "" {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	return code, out.Reports
}

// What a server delivers is proved while it delivers, with nothing but its data
// directory named, and so is a copy; a digest that is removed is missed.
func TestVerifyDeliveries(t *testing.T) {
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	d := startDelivering(t)
	d.makeTrail(t, "demo", "audit-bucket")
	var reports []verify.Report
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var code int
		code, reports = d.verified(t)
		if len(reports) == 1 && reports[0].DigestsProved >= 4 && reports[0].LogFilesProved >= 1 {
			if code != exitOK {
				t.Errorf("what was delivered is not proved: %+v", reports[0])
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no digests come: %+v", reports)
		}
	}
	if c := reports[0].Chains[0]; c.Trail != "demo" || c.HomeRegion != "us-east-1" || c.NewestSignature == "" || reports[0].Bucket != "audit-bucket" {
		t.Errorf("the chain is %+v of %s", c, reports[0].Bucket)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if code, _ := d.verified(t, "s3://audit-bucket", "--save", copied); code != exitOK {
		t.Errorf("exit code %d while a copy is saved", code)
	}
	for _, keys := range []string{copied, "us-east-1=" + filepath.Join(copied, "public-keys.us-east-1.json")} {
		if code, stdout, stderr := runIn(t, "nowhere", "", "verify", copied, "--keys", keys); code != exitPartial || !strings.Contains(stdout, "UNPROVED  keys from the copy") {
			t.Errorf("the copy, with its own keys: exit code %d: %s%s", code, stdout, stderr)
		}
	}
	kept := t.TempDir()
	text, err := os.ReadFile(filepath.Join(copied, "public-keys.us-east-1.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(kept, "public-keys.us-east-1.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := runIn(t, "nowhere", "", "verify", copied, "--keys", kept); code != exitOK {
		t.Errorf("the copy: exit code %d: %s%s", code, stdout, stderr)
	}
	c := reports[0].Chains[0]
	if _, err := d.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("audit-bucket"), Key: &c.Newest}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		code, reports := d.verified(t)
		if code == exitIntegrity && reports[0].Findings[0].Key == c.Newest && reports[0].Findings[0].Kind == verify.KindMissingDigest {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the digest that was removed is not missed: %+v", reports[0])
		}
	}
	if code, _, stderr := runIn(t, d.data, "", "verify", "s3://other-bucket"); code != exitFailed || !strings.Contains(stderr, "NoSuchBucket") {
		t.Errorf("a bucket that is not there: exit code %d: %s", code, stderr)
	}
	if code, _, stderr := runIn(t, d.data, "", "verify", "--trail-arn", "arn:aws:cloudtrail:us-east-1:000000000000:trail/none"); code != exitFailed {
		t.Errorf("a trail that is not there: exit code %d: %s", code, stderr)
	}
}
