package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const hidden = "only-b-may-see-this"

// A listener keeps the answers that pass through it.
type listener struct {
	next http.RoundTripper
	mu   sync.Mutex
	last []byte
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = body
	return response, nil
}

// Whatever the root user of one account calls with the names of another account's
// bucket, key and upload is refused, changes nothing, shows nothing, and leaves
// exactly one record.
func TestAccountsAreWalls(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	b, ctx := f.root(accountB), t.Context()
	bucket := f.locked(b, "walled-bucket")
	version := f.put(b, bucket, "k", hidden).VersionId
	_, err := b.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: &bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: p("note"), Value: p(hidden)}}}})
	must(t, err)
	f.policy(b, bucket, `{"Version":"2012-10-17","Statement":{"Sid":"`+strings.ReplaceAll(hidden, "-", "")+`","Effect":"Allow","Principal":{"AWS":"`+accountB+`"},"Action":"s3:*","Resource":"arn:aws:s3:::walled-bucket/*"}}`)
	upload, err := b.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: p("k")})
	must(t, err)

	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	ear := &listener{next: inProcess{f.mux}}
	a := newClient(ear, id, secret, "us-east-1")
	members := map[string]any{
		"Bucket": p(bucket), "Key": p("k"), "VersionId": version, "UploadId": upload.UploadId, "PartNumber": p(int32(1)), "CopySource": p(bucket + "/k"),
		"Policy":  p(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + accountA + `"},"Action":"s3:*","Resource":"arn:aws:s3:::walled-bucket"}}`),
		"Tagging": &types.Tagging{TagSet: []types.Tag{{Key: p("x"), Value: p("y")}}}, "ObjectAttributes": []types.ObjectAttributes{"ETag"},
		"Delete":                  &types.Delete{Objects: []types.ObjectIdentifier{{Key: p("k"), VersionId: version}}},
		"VersioningConfiguration": &types.VersioningConfiguration{Status: "Suspended"}, "BypassGovernanceRetention": p(true),
		"PublicAccessBlockConfiguration": &types.PublicAccessBlockConfiguration{}, "LegalHold": &types.ObjectLockLegalHold{Status: "ON"},
		"Retention": &types.ObjectLockRetention{Mode: "COMPLIANCE", RetainUntilDate: p(soon())}, "NotificationConfiguration": &types.NotificationConfiguration{},
		"OwnershipControls":       &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "BucketOwnerPreferred"}}},
		"ObjectLockConfiguration": &types.ObjectLockConfiguration{ObjectLockEnabled: "Enabled"}, "MultipartUpload": &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: p(int32(1)), ETag: p("x")}}},
		"ServerSideEncryptionConfiguration": &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "AES256"}}}},
		"LifecycleConfiguration":            &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{Status: "Enabled"}}}, "RequestPaymentConfiguration": &types.RequestPaymentConfiguration{Payer: "BucketOwner"},
		"CORSConfiguration": &types.CORSConfiguration{CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}}}, "WebsiteConfiguration": &types.WebsiteConfiguration{},
		"ReplicationConfiguration": &types.ReplicationConfiguration{Role: p("r"), Rules: []types.ReplicationRule{{Status: "Enabled", Destination: &types.Destination{Bucket: p("b")}}}},
		"AccelerateConfiguration":  &types.AccelerateConfiguration{Status: "Enabled"}, "BucketLoggingStatus": &types.BucketLoggingStatus{}, "ACL": types.ObjectCannedACL("private"),
	}
	client, served := reflect.ValueOf(a), 0
	for i := range client.NumMethod() {
		name := client.Type().Method(i).Name
		method := client.Method(i)
		if name == "Options" || method.Type().NumIn() != 3 || !servedOperations[name] || name == "CreateBucket" || name == "ListBuckets" {
			continue
		}
		in := reflect.New(method.Type().In(1).Elem())
		for j := range in.Elem().NumField() {
			field := in.Elem().Type().Field(j)
			switch value, ok := members[field.Name]; {
			case field.Name == "Body":
				in.Elem().Field(j).Set(reflect.ValueOf(strings.NewReader("from outside")))
			case field.Name == "ACL":
				in.Elem().Field(j).SetString("bucket-owner-full-control")
			case ok && reflect.TypeOf(value).AssignableTo(field.Type):
				in.Elem().Field(j).Set(reflect.ValueOf(value))
			}
		}
		f.calls.calls = nil
		results := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
		err, _ := results[1].Interface().(error)
		served++
		if name == "DeleteObjects" && err == nil {
			if out := results[0].Interface().(*sdk.DeleteObjectsOutput); len(out.Deleted) != 0 || len(out.Errors) != 1 || *out.Errors[0].Code != "AccessDenied" {
				t.Errorf("DeleteObjects gives %+v", out)
			}
		} else if !denied(err) {
			t.Errorf("%s: %v", name, err)
		}
		if bytes.Contains(ear.last, []byte(hidden)) {
			t.Errorf("%s shows %s", name, ear.last)
		}
		if calls := f.calls.calls; len(calls) != 1 || calls[0].Err == nil && calls[0].SharedWith != "" {
			t.Errorf("%s leaves %d records", name, len(calls))
		}
	}
	if served != len(servedOperations)-2 {
		t.Errorf("%d operations were called, of %d", served, len(servedOperations)-2)
	}
	body, o, err := get(b, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	if err != nil || body != hidden || *o.VersionId != *version || o.ObjectLockMode != "" || o.TagCount != nil {
		t.Errorf("the object is %q now, %+v, %v", body, o, err)
	}
	if parts, err := b.ListParts(ctx, &sdk.ListPartsInput{Bucket: &bucket, Key: p("k"), UploadId: upload.UploadId}); err != nil || len(parts.Parts) != 0 {
		t.Errorf("the upload is %+v now, %v", parts, err)
	}
}

func denied(err error) bool {
	var api smithy.APIError
	var response interface{ HTTPStatusCode() int }
	return errors.As(err, &response) && response.HTTPStatusCode() == http.StatusForbidden && errors.As(err, &api) && (api.ErrorCode() == "AccessDenied" || api.ErrorCode() == "Forbidden")
}

// A key is what it is: no path, whatever it looks like, and with the bucket in the
// host's name as without.
func TestOddKeys(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "odd-keys")
	keys := []string{
		"..", "../../etc/passwd", "/", "//", "/leading", "trailing/", "a/./b", "a//b", "CON", "nul.txt", ".", "a\\b", "a:b", "%2e%2e/%00", "+", " ", "a b+c", "ключ", "日本", "🗻",
		"a\tb", "health", "_cairn/v1/status", strings.Repeat("k", 1024), "a?b#c", "&=<>\"'", "~", "*", "e\u0301", "\u00e9",
	}
	for _, key := range keys {
		f.put(a, bucket, key, "content of "+key)
	}
	for _, key := range keys {
		if body, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: &key}); err != nil || body != "content of "+key {
			t.Errorf("%q is %q, %v", key, body, err)
		}
	}
	list, err := a.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket})
	must(t, err)
	if len(list.Contents) != len(keys) {
		t.Errorf("%d keys are listed, of %d", len(list.Contents), len(keys))
	}
	virtual := sdk.New(a.Options(), func(o *sdk.Options) { o.UsePathStyle, o.BaseEndpoint = false, p("http://localhost") })
	for _, key := range []string{"health", "_cairn/v1/status", "a//b"} {
		if body, _, err := get(virtual, &sdk.GetObjectInput{Bucket: &bucket, Key: &key}); err != nil || body != "content of "+key {
			t.Errorf("with the bucket in the host, %q is %q, %v", key, body, err)
		}
	}
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p(strings.Repeat("k", 1025)), Body: strings.NewReader("x")})
	wantCode(t, "a long key", err, "KeyTooLongError", 400)
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), Metadata: map[string]string{"m": strings.Repeat("x", 2048)}})
	wantCode(t, "much metadata", err, "MetadataTooLarge", 400)
}

// The status of a policy says whether it is public, by S3's own measure.
func TestPublicPolicies(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "measured-bucket")
	_, err := a.DeletePublicAccessBlock(ctx, &sdk.DeletePublicAccessBlockInput{Bucket: &bucket})
	must(t, err)
	for statement, want := range map[string]bool{
		`"Principal":"*"`:                                                                                             true,
		`"Principal":{"AWS":"*"}`:                                                                                     true,
		`"Principal":{"AWS":"` + accountB + `"}`:                                                                      false,
		`"Principal":{"Service":"cloudtrail.amazonaws.com"}`:                                                          false,
		`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`:                                   false,
		`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","0.0.0.0/0"]}}`:                     true,
		`"Principal":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`:                                true,
		`"Principal":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"` + accountB + `"}}`:                    false,
		`"Principal":"*","Condition":{"StringLike":{"aws:PrincipalAccount":"*"}}`:                                     true,
		`"Principal":"*","Condition":{"StringEqualsIfExists":{"aws:PrincipalAccount":"` + accountB + `"}}`:            true,
		`"Principal":"*","Condition":{"StringNotEquals":{"aws:PrincipalAccount":"` + accountB + `"}}`:                 true,
		`"Principal":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:us-east-1:` + accountB + `:*"}}`: false,
		`"Principal":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:*:*"}}`:                        true,
		`"Principal":"*","Condition":{"StringEquals":{"s3:prefix":"x"}}`:                                              true,
		`"Principal":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}}`:             true,
	} {
		f.policy(a, bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+statement+`,"Action":"s3:*","Resource":"arn:aws:s3:::measured-bucket/*"}}`)
		status, err := a.GetBucketPolicyStatus(ctx, &sdk.GetBucketPolicyStatusInput{Bucket: &bucket})
		must(t, err)
		if *status.PolicyStatus.IsPublic != want {
			t.Errorf("%s is public: %v", statement, !want)
		}
	}
}
