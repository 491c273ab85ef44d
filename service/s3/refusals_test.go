package s3_test

import (
	"bytes"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Each request that makes no sense gets the code that AWS has for it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket, locked := f.bucket(a, "refusals"), f.locked(a, "refusals-locked")
	f.put(a, bucket, "k", "x")
	f.put(a, locked, "k", "x")
	put := func(in sdk.PutObjectInput) error {
		if in.Bucket == nil {
			in.Bucket = &bucket
		}
		in.Key, in.Body = p("k"), strings.NewReader("x")
		_, err := a.PutObject(ctx, &in)
		return err
	}
	encrypt := func(by *types.ServerSideEncryptionByDefault) error {
		_, err := a.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: &bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: by}}}})
		return err
	}
	lock := func(r *types.DefaultRetention) error {
		_, err := a.PutObjectLockConfiguration(ctx, &sdk.PutObjectLockConfigurationInput{Bucket: &locked, ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: "Enabled", Rule: &types.ObjectLockRule{DefaultRetention: r}}})
		return err
	}
	of := func(_ any, err error) error { return err }
	until := soon()
	for what, c := range map[string]struct {
		err    error
		code   string
		status int
	}{
		"two conditions":        {put(sdk.PutObjectInput{IfMatch: p("x"), IfNoneMatch: p("*")}), "NotImplemented", 501},
		"If-None-Match an ETag": {put(sdk.PutObjectInput{IfNoneMatch: p("x")}), "NotImplemented", 501},
		"If-Match anything":     {put(sdk.PutObjectInput{IfMatch: p("*")}), "NotImplemented", 501},
		"appending":             {put(sdk.PutObjectInput{WriteOffsetBytes: p(int64(1))}), "NotImplemented", 501},
		"a storage class":       {put(sdk.PutObjectInput{StorageClass: "CHEAP"}), "InvalidStorageClass", 400},
		"an encryption":         {put(sdk.PutObjectInput{ServerSideEncryption: "ROT13"}), "InvalidEncryptionAlgorithmError", 400},
		"two layers":            {put(sdk.PutObjectInput{ServerSideEncryption: "aws:kms:dsse"}), "NotImplemented", 501},
		"a key without KMS":     {put(sdk.PutObjectInput{SSEKMSKeyId: p("k")}), "InvalidArgument", 400},
		"a key for SSE-S3":      {put(sdk.PutObjectInput{ServerSideEncryption: "AES256", SSEKMSKeyId: p("k")}), "InvalidArgument", 400},
		"an odd context":        {put(sdk.PutObjectInput{ServerSideEncryption: "aws:kms", SSEKMSEncryptionContext: p("e30")}), "InvalidArgument", 400},
		"many tags":             {put(sdk.PutObjectInput{Tagging: p("a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=")}), "BadRequest", 400},
		"a tag twice":           {put(sdk.PutObjectInput{Tagging: p("a=1&a=2")}), "InvalidArgument", 400},
		"mode without date":     {put(sdk.PutObjectInput{Bucket: &locked, ObjectLockMode: "GOVERNANCE"}), "InvalidArgument", 400},
		"an odd mode":           {put(sdk.PutObjectInput{Bucket: &locked, ObjectLockMode: "FOREVER", ObjectLockRetainUntilDate: &until}), "InvalidArgument", 400},
		"an odd hold":           {put(sdk.PutObjectInput{Bucket: &locked, ObjectLockLegalHoldStatus: "MAYBE"}), "InvalidArgument", 400},
		"no bucket":             {put(sdk.PutObjectInput{Bucket: p("never-made")}), "NoSuchBucket", 404},
		"both days and years":   {lock(&types.DefaultRetention{Mode: "GOVERNANCE", Days: p(int32(1)), Years: p(int32(1))}), "MalformedXML", 400},
		"no days":               {lock(&types.DefaultRetention{Mode: "GOVERNANCE", Days: p(int32(0))}), "InvalidArgument", 400},
		"no mode":               {lock(&types.DefaultRetention{Days: p(int32(1))}), "MalformedXML", 400},
		"KMS key for AES256":    {encrypt(&types.ServerSideEncryptionByDefault{SSEAlgorithm: "AES256", KMSMasterKeyID: p("k")}), "InvalidArgument", 400},
		"two layers by default": {encrypt(&types.ServerSideEncryptionByDefault{SSEAlgorithm: "aws:kms:dsse"}), "NotImplemented", 501},
		"an odd default":        {encrypt(&types.ServerSideEncryptionByDefault{SSEAlgorithm: "ROT13"}), "MalformedXML", 400},
		"no retention":          {of(a.GetObjectRetention(ctx, &sdk.GetObjectRetentionInput{Bucket: &locked, Key: p("k")})), "NoSuchObjectLockConfiguration", 404},
		"retention of nothing":  {of(a.GetObjectRetention(ctx, &sdk.GetObjectRetentionInput{Bucket: &locked, Key: p("none")})), "NoSuchKey", 404},
		"hold without lock":     {of(a.GetObjectLegalHold(ctx, &sdk.GetObjectLegalHoldInput{Bucket: &bucket, Key: p("k")})), "InvalidRequest", 400},
		"ACL of nothing":        {of(a.GetObjectAcl(ctx, &sdk.GetObjectAclInput{Bucket: &bucket, Key: p("none")})), "NoSuchKey", 404},
		"an ACL of nothing":     {of(a.PutObjectAcl(ctx, &sdk.PutObjectAclInput{Bucket: &bucket, Key: p("k")})), "MissingSecurityHeader", 400},
		"a grant to others":     {of(a.PutObjectAcl(ctx, &sdk.PutObjectAclInput{Bucket: &bucket, Key: p("k"), GrantRead: p(`uri="http://acs.amazonaws.com/groups/global/AllUsers"`)})), "AccessControlListNotSupported", 400},
		"an odd attribute":      {of(a.GetObjectAttributes(ctx, &sdk.GetObjectAttributesInput{Bucket: &bucket, Key: p("k"), ObjectAttributes: []types.ObjectAttributes{"Colour"}})), "InvalidArgument", 400},
		"an odd encoding":       {of(a.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: &bucket, EncodingType: "rot13"})), "InvalidArgument", 400},
		"a negative page":       {of(a.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: &bucket, MaxKeys: p(int32(-1))})), "InvalidArgument", 400},
		"a lone version marker": {of(a.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: &bucket, VersionIdMarker: p("x")})), "InvalidArgument", 400},
		"replication": {of(a.PutBucketReplication(ctx, &sdk.PutBucketReplicationInput{Bucket: &bucket, ReplicationConfiguration: &types.ReplicationConfiguration{Role: p("r"),
			Rules: []types.ReplicationRule{{Status: "Enabled", Destination: &types.Destination{Bucket: p("b")}}}}})), "NotImplemented", 501},
		"both part and range": {of(a.GetObject(ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), PartNumber: p(int32(1)), Range: p("bytes=0-0")})), "InvalidRequest", 400},
		"part 0":              {of(a.GetObject(ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), PartNumber: p(int32(0))})), "InvalidArgument", 400},
		"SHA-512":             {put(sdk.PutObjectInput{ChecksumSHA512: p(strings.Repeat("A", 86) + "==")}), "NotImplemented", 501},
		"versions suspended":  {of(a.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Sometimes"}})), "IllegalVersioningConfigurationException", 400},
	} {
		wantCode(t, what, c.err, c.code, c.status)
	}
	acl, err := a.GetObjectAcl(ctx, &sdk.GetObjectAclInput{Bucket: &bucket, Key: p("k")})
	if err != nil || len(acl.Grants) != 1 || acl.Grants[0].Permission != "FULL_CONTROL" {
		t.Errorf("the object's ACL is %+v, %v", acl, err)
	}
	if _, err := a.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: p("awscloudtrail-policy-us-east-1"), Key: p("policy/S3/AWSCloudTrail-S3BucketPolicy-2014-12-17.json")}); err != nil {
		t.Errorf("head of the template: %v", err)
	}
	attributes, err := a.GetObjectAttributes(ctx, &sdk.GetObjectAttributesInput{Bucket: &bucket, Key: p("k"), ObjectAttributes: []types.ObjectAttributes{"ObjectParts", "ObjectSize"}})
	if err != nil || attributes.ObjectParts != nil || *attributes.ObjectSize != 1 {
		t.Errorf("the attributes are %+v, %v", attributes, err)
	}
}

// A body that ends early, or is not what its headers say, leaves nothing behind.
func TestUnfinishedBodies(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	for name, c := range f.overTheNetwork(t, id, secret) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := f.bucket(c, "unfinished-"+name)
			f.put(c, bucket, "k", "what was there")
			body := bytes.NewReader(bytes.Repeat([]byte("x"), 1<<20))
			_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: body, ContentLength: p(int64(1<<20 + 7))})
			if err == nil {
				t.Error("a body that is too short was taken")
			}
			if got, _, err := get(c, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")}); err != nil || got != "what was there" {
				t.Errorf("the object is %.20q, %v", got, err)
			}
		})
	}
}
