package s3_test

import (
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// An object under retention or legal hold stays, whoever asks; governance gives
// way to those who may bypass it and say so.
func TestObjectLock(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.locked(a, "locked-bucket")
	until := soon()
	put := func(key string, in sdk.PutObjectInput) *string {
		t.Helper()
		in.Bucket, in.Key, in.Body = &bucket, &key, strings.NewReader("evidence")
		out, err := a.PutObject(ctx, &in)
		must(t, err)
		return out.VersionId
	}
	remove := func(c *sdk.Client, key string, version *string, bypass bool) error {
		_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: version, BypassGovernanceRetention: &bypass})
		return err
	}
	compliance := put("compliance", sdk.PutObjectInput{ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: &until})
	governance := put("governance", sdk.PutObjectInput{ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: &until})
	held := put("held", sdk.PutObjectInput{ObjectLockLegalHoldStatus: "ON"})
	head, err := a.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &bucket, Key: p("compliance")})
	must(t, err)
	if head.ObjectLockMode != "COMPLIANCE" || !head.ObjectLockRetainUntilDate.Equal(until) {
		t.Errorf("head says %q until %v", head.ObjectLockMode, head.ObjectLockRetainUntilDate)
	}
	for _, bypass := range []bool{false, true} {
		wantCode(t, "compliance", remove(a, "compliance", compliance, bypass), "AccessDenied", 403)
		wantCode(t, "held", remove(a, "held", held, bypass), "AccessDenied", 403)
	}
	wantCode(t, "governance", remove(a, "governance", governance, false), "AccessDenied", 403)
	ann := f.user(accountA, "ann", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:BypassGovernanceRetention","Resource":"*"}]}`)
	wantCode(t, "governance, by who may not bypass", remove(ann, "governance", governance, true), "AccessDenied", 403)
	many, err := ann.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &bucket, BypassGovernanceRetention: p(true), Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: p("governance"), VersionId: governance}}}})
	if err != nil || len(many.Errors) != 1 || *many.Errors[0].Code != "AccessDenied" {
		t.Errorf("many deletes: %v", err)
	}
	retention := func(key string, mode types.ObjectLockRetentionMode, at time.Time, bypass bool) error {
		_, err := a.PutObjectRetention(ctx, &sdk.PutObjectRetentionInput{Bucket: &bucket, Key: &key, BypassGovernanceRetention: &bypass, Retention: &types.ObjectLockRetention{Mode: mode, RetainUntilDate: &at}})
		return err
	}
	wantCode(t, "shorter compliance", retention("compliance", "COMPLIANCE", until.Add(-time.Minute), true), "AccessDenied", 403)
	wantCode(t, "weaker mode", retention("compliance", "GOVERNANCE", until.Add(time.Minute), true), "AccessDenied", 403)
	must(t, retention("compliance", "COMPLIANCE", until.Add(time.Minute), false))
	wantCode(t, "shorter governance", retention("governance", "GOVERNANCE", until.Add(-time.Minute), false), "AccessDenied", 403)
	must(t, retention("governance", "GOVERNANCE", until.Add(-time.Minute), true))
	wantCode(t, "the past", retention("governance", "GOVERNANCE", time.Now().Add(-time.Minute), true), "InvalidArgument", 400)
	if got, err := a.GetObjectRetention(ctx, &sdk.GetObjectRetentionInput{Bucket: &bucket, Key: p("governance")}); err != nil || got.Retention.Mode != "GOVERNANCE" || !got.Retention.RetainUntilDate.Equal(until.Add(-time.Minute)) {
		t.Errorf("the retention is %+v, %v", got, err)
	}
	must(t, remove(a, "governance", governance, true))
	_, err = a.PutObjectLegalHold(ctx, &sdk.PutObjectLegalHoldInput{Bucket: &bucket, Key: p("held"), LegalHold: &types.ObjectLockLegalHold{Status: "OFF"}})
	must(t, err)
	if hold, err := a.GetObjectLegalHold(ctx, &sdk.GetObjectLegalHoldInput{Bucket: &bucket, Key: p("held")}); err != nil || hold.LegalHold.Status != "OFF" {
		t.Errorf("the hold is %v, %v", hold, err)
	}
	must(t, remove(a, "held", held, false))
	must(t, remove(a, "compliance", nil, false)) // a marker hides it, no more
	if body, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("compliance"), VersionId: compliance}); err != nil || body != "evidence" {
		t.Errorf("the locked version is %q, %v", body, err)
	}
	_, err = a.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Suspended"}})
	wantCode(t, "suspended versioning", err, "InvalidBucketState", 409)
}

// A bucket's default retention is that of each new object, and lock settings need
// a bucket with object lock.
func TestDefaultRetention(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "default-retention")
	_, err := a.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: &bucket})
	wantCode(t, "no lock", err, "ObjectLockConfigurationNotFoundError", 404)
	until := soon()
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: &until})
	wantCode(t, "retention without lock", err, "InvalidRequest", 400)
	config := &sdk.PutObjectLockConfigurationInput{Bucket: &bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: "Enabled",
		Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: "COMPLIANCE", Days: p(int32(2))}}}}
	_, err = a.PutObjectLockConfiguration(ctx, config)
	wantCode(t, "lock without versions", err, "InvalidBucketState", 409)
	_, err = a.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
	must(t, err)
	_, err = a.PutObjectLockConfiguration(ctx, config)
	must(t, err)
	got, err := a.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: &bucket})
	must(t, err)
	if r := got.ObjectLockConfiguration.Rule.DefaultRetention; r.Mode != "COMPLIANCE" || *r.Days != 2 || r.Years != nil {
		t.Errorf("the default is %+v", r)
	}
	f.put(a, bucket, "k", "x")
	upload, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: p("parts")})
	must(t, err)
	part, err := a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: p("parts"), UploadId: upload.UploadId, PartNumber: p(int32(1)), Body: strings.NewReader("x")})
	must(t, err)
	_, err = a.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: &bucket, Key: p("parts"), UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: p(int32(1)), ETag: part.ETag}}}})
	must(t, err)
	_, err = a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &bucket, Key: p("copy"), CopySource: p("default-retention/k")})
	must(t, err)
	for _, key := range []string{"k", "parts", "copy"} {
		r, err := a.GetObjectRetention(ctx, &sdk.GetObjectRetentionInput{Bucket: &bucket, Key: &key})
		if err != nil || r.Retention.Mode != "COMPLIANCE" || r.Retention.RetainUntilDate.Before(time.Now().Add(47*time.Hour)) {
			t.Errorf("%s: %+v, %v", key, r, err)
		}
	}
}
