package s3_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"cairn/aws"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const trailARN = "arn:aws:cloudtrail:us-east-1:" + accountA + ":trail/main"

// trailPolicy is the bucket policy that AWS's user guide has for CloudTrail.
func trailPolicy(bucket, prefix string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Sid":"AWSCloudTrailAclCheck20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl",
		 "Resource":"arn:aws:s3:::%[1]s","Condition":{"StringEquals":{"aws:SourceArn":"%[3]s"}}},
		{"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject",
		 "Resource":"arn:aws:s3:::%[1]s/%[2]sAWSLogs/%[4]s/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"%[3]s"}}}]}`,
		bucket, prefix, trailARN, accountA)
}

// CloudTrail may do what its policy says, and nothing else; no record is made of
// that.
func TestCloudTrailsPolicy(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "trail-bucket")
	trail := f.principal(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: trailARN, SourceAccount: accountA})
	put := func(c *sdk.Client, key string, acl types.ObjectCannedACL) error {
		_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("log"), ACL: acl})
		return err
	}
	key, acl := "logs/AWSLogs/"+accountA+"/CloudTrail/x.json.gz", types.ObjectCannedACLBucketOwnerFullControl
	wantCode(t, "put without a policy", put(trail, key, acl), "AccessDenied", 403)
	f.policy(a, bucket, trailPolicy(bucket, "logs/"))
	f.calls.calls = nil
	must(t, put(trail, key, acl))
	if _, err := trail.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: &bucket}); err != nil {
		t.Error(err)
	}
	wantCode(t, "put without the ACL", put(trail, key, ""), "AccessDenied", 403)
	wantCode(t, "put elsewhere", put(trail, "AWSLogs/"+accountA+"/x", acl), "AccessDenied", 403)
	wantCode(t, "put of another account", put(trail, "logs/AWSLogs/"+accountB+"/x", acl), "AccessDenied", 403)
	_, _, err := get(trail, &sdk.GetObjectInput{Bucket: &bucket, Key: &key})
	wantCode(t, "get", err, "AccessDenied", 403)
	for name, p := range map[string]aws.ServicePrincipal{
		"another trail":   {Name: "cloudtrail.amazonaws.com", SourceARN: trailARN + "2", SourceAccount: accountA},
		"another service": {Name: "delivery.logs.amazonaws.com", SourceARN: trailARN, SourceAccount: accountA},
	} {
		wantCode(t, name, put(f.principal(p), key, acl), "AccessDenied", 403)
	}
	if len(f.calls.calls)+len(f.calls.counted) != 0 {
		t.Errorf("CloudTrail's own calls are recorded: %v", f.calls.calls)
	}
}

// The templates of create-subscription make a policy that is accepted, for every
// verified caller and nobody else.
func TestTemplates(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	in := &sdk.GetObjectInput{Bucket: p("awscloudtrail-policy-us-east-1"), Key: p("policy/S3/AWSCloudTrail-S3BucketPolicy-2014-12-17.json")}
	template, _, err := get(f.user(accountA, "nobody", ""), in)
	must(t, err)
	for _, prefix := range []string{"", "p/"} {
		bucket := f.bucket(a, "template"+strings.Trim(prefix, "/"))
		document := strings.NewReplacer("<BucketName>", bucket, "<CustomerAccountID>", accountA, "<Prefix>/", prefix).Replace(template)
		if strings.Contains(document, "<") {
			t.Errorf("a placeholder is left: %s", document)
		}
		f.policy(a, bucket, document)
		trail := f.principal(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: trailARN, SourceAccount: accountA})
		_, err := trail.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p(prefix + "AWSLogs/" + accountA + "/x"), Body: strings.NewReader("x"), ACL: types.ObjectCannedACLBucketOwnerFullControl})
		must(t, err)
	}
	in.Key = p("policy/SNS/AWSCloudTrail-SnsTopicPolicy-2014-12-17.json")
	if topic, _, err := get(a, in); err != nil || !strings.Contains(topic, "<SNSTopicOwnerAccountId>") {
		t.Errorf("the topic's template is %q, %v", topic, err)
	}
	_, _, err = get(f.anonymous(), in)
	wantCode(t, "a stranger", err, "AccessDenied", 403)
	in.Key = p("other")
	_, _, err = get(a, in)
	wantCode(t, "another key", err, "NoSuchKey", 404)
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: in.Bucket, Key: p("k"), Body: strings.NewReader("x")})
	wantCode(t, "put", err, "NoSuchBucket", 404)
	_, err = a.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: in.Bucket})
	wantCode(t, "create", err, "BucketAlreadyExists", 409)
}

// What identity-based policies allow is bound to S3's own actions, resources and
// condition keys.
func TestIdentityPolicies(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "identity-bucket")
	f.put(a, bucket, "home/ann/k", "hers")
	f.put(a, bucket, "home/bob/k", "his")
	_, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("tagged"), Body: strings.NewReader("x"), Tagging: p("class=open")})
	must(t, err)
	ann := f.user(accountA, "ann", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::identity-bucket","Condition":{"StringLike":{"s3:prefix":"home/${aws:username}/*"},"NumericLessThanEquals":{"s3:max-keys":"10"}}},
		{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::identity-bucket/home/${aws:username}/*"},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::identity-bucket/*","Condition":{"StringEquals":{"s3:ExistingObjectTag/class":"open"}}},
		{"Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}}]}`)
	list := func(prefix string, size int32) error {
		_, err := ann.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, MaxKeys: &size})
		return err
	}
	read := func(key string) error {
		_, _, err := get(ann, &sdk.GetObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
	must(t, list("home/ann/", 10))
	wantCode(t, "list of his", list("home/bob/", 10), "AccessDenied", 403)
	wantCode(t, "long list", list("home/ann/", 11), "AccessDenied", 403)
	must(t, read("home/ann/k"))
	must(t, read("tagged"))
	wantCode(t, "get of his", read("home/bob/k"), "AccessDenied", 403)
	wantCode(t, "get of nothing, without ListBucket", read("home/ann/none"), "AccessDenied", 403)
	_, err = a.GetObject(ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: p("none")})
	wantCode(t, "get of nothing, with ListBucket", err, "NoSuchKey", 404)
	_, err = ann.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("home/ann/n"), Body: strings.NewReader("x")})
	must(t, err)
	_, err = ann.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("home/ann/n"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms"})
	wantCode(t, "put under KMS", err, "AccessDenied", 403)
	_, err = ann.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("home/ann/n"), Body: strings.NewReader("x"), Tagging: p("a=b")})
	wantCode(t, "put with tags", err, "AccessDenied", 403)
	_, err = ann.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &bucket, Key: p("home/ann/c"), CopySource: p(bucket + "/home/ann/k")})
	must(t, err)
	_, err = ann.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &bucket, Key: p("home/ann/c"), CopySource: p(bucket + "/home/bob/k")})
	wantCode(t, "copy of his", err, "AccessDenied", 403)
	many, err := ann.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: p("home/ann/c")}, {Key: p("home/bob/k")}}}})
	must(t, err)
	if len(many.Deleted) != 1 || len(many.Errors) != 1 || *many.Errors[0].Code != "AccessDenied" || *many.Errors[0].Key != "home/bob/k" {
		t.Errorf("deletes give %+v, %+v", many.Deleted, many.Errors)
	}
	must(t, func() error {
		_, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("home/bob/k")})
		return err
	}())
	_, err = ann.ListBuckets(ctx, &sdk.ListBucketsInput{})
	wantCode(t, "list of buckets", err, "AccessDenied", 403)
	_, err = ann.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: &bucket})
	wantCode(t, "delete of the bucket", err, "AccessDenied", 403)
	_, err = ann.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: p("anns-bucket")})
	wantCode(t, "create", err, "AccessDenied", 403)
}

// Accounts are walls; a bucket policy opens a door, for what it says, and both
// sides have to allow.
func TestOtherAccounts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b, ctx := f.root(accountA), f.root(accountB), t.Context()
	bucket := f.bucket(a, "shared-bucket")
	f.put(a, bucket, "k", "content")
	read := func(c *sdk.Client) error {
		_, _, err := get(c, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
		return err
	}
	wantCode(t, "another account", read(b), "AccessDenied", 403)
	_, err := b.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: &bucket})
	wantCode(t, "create", err, "BucketAlreadyExists", 409)
	_, err = a.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: &bucket})
	wantCode(t, "create again", err, "BucketAlreadyOwnedByYou", 409)
	if list, err := b.ListBuckets(ctx, &sdk.ListBucketsInput{}); err != nil || len(list.Buckets) != 0 {
		t.Errorf("another account sees %v, %v", list.Buckets, err)
	}
	f.policy(a, bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+accountB+`"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::shared-bucket/*"}}`)
	must(t, read(b))
	bob := f.user(accountB, "bob", "")
	wantCode(t, "a user whose account grants nothing", read(bob), "AccessDenied", 403)
	carl := f.user(accountB, "carl", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	must(t, read(carl))
	f.calls.calls = nil
	_, err = b.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("theirs"), Body: strings.NewReader("x")})
	must(t, err)
	if c := f.calls.calls[0]; c.SharedWith != accountA || c.Account() != accountB {
		t.Errorf("the call is recorded for %s and %s", c.Account(), c.SharedWith)
	}
	_, err = b.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &bucket, Key: p("theirs")})
	wantCode(t, "delete", err, "AccessDenied", 403)
	_, err = b.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: &bucket})
	wantCode(t, "policy", err, "AccessDenied", 403)
	_, err = a.GetObject(ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), ExpectedBucketOwner: p(accountB)})
	wantCode(t, "another expected owner", err, "AccessDenied", 403)
	// Explicit denies reach the owner, too, but the root user can always mend the policy.
	f.policy(a, bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shared-bucket","arn:aws:s3:::shared-bucket/*"]}}`)
	wantCode(t, "the owner, denied", read(a), "AccessDenied", 403)
	_, err = a.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: &bucket})
	must(t, err)
	must(t, read(a))
	// Over plain HTTP, where the policy asks for TLS.
	f.policy(a, bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::shared-bucket/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}}`)
	wantCode(t, "without TLS", read(a), "AccessDenied", 403)
}

// Strangers get in by a public policy, and such a policy only without the block
// that each new bucket has.
func TestPublicAccess(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "public-bucket")
	f.put(a, bucket, "k", "for all")
	anyone := f.anonymous()
	read := func() error {
		_, _, err := get(anyone, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
		return err
	}
	public := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::public-bucket/*"}}`
	wantCode(t, "a stranger", read(), "AccessDenied", 403)
	_, err := a.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: &bucket, Policy: &public})
	wantCode(t, "a public policy", err, "AccessDenied", 403)
	block := func(policy, restrict bool) {
		t.Helper()
		_, err := a.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: &bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicPolicy: &policy, RestrictPublicBuckets: &restrict}})
		must(t, err)
	}
	block(false, true)
	f.policy(a, bucket, public)
	if status, err := a.GetBucketPolicyStatus(ctx, &sdk.GetBucketPolicyStatusInput{Bucket: &bucket}); err != nil || !*status.PolicyStatus.IsPublic {
		t.Errorf("the policy's status is %v, %v", status, err)
	}
	wantCode(t, "a stranger, while public access is restricted", read(), "AccessDenied", 403)
	block(false, false)
	must(t, read())
	_, err = anyone.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x")})
	wantCode(t, "a stranger's put", err, "AccessDenied", 403)
	_, _, err = get(anyone, &sdk.GetObjectInput{Bucket: &bucket, Key: p("none")})
	wantCode(t, "a stranger's get of nothing", err, "AccessDenied", 403)
	_, err = anyone.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: p("k")}}}})
	wantCode(t, "a stranger's deletes", err, "AccessDenied", 403)
	must(t, read())
	_, err = anyone.ListBuckets(ctx, &sdk.ListBucketsInput{})
	wantCode(t, "a stranger's list of buckets", err, "AccessDenied", 403)
	_, err = anyone.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: p("strangers-bucket")})
	wantCode(t, "a stranger's bucket", err, "AccessDenied", 403)
	answer := f.send(t, http.MethodGet, "http://s3.invalid/public-bucket/k", "")
	if b, err := io.ReadAll(answer.Body); err != nil || string(b) != "for all" {
		t.Errorf("a browser gets %q, %v", b, err)
	}
}

// Policies are held to what AWS checks when they are put.
func TestMalformedPolicies(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "policy-bucket")
	statement := func(more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + more + `}]}`
	}
	for name, document := range map[string]string{
		"no JSON":             `{`,
		"no principal":        statement(`"Action":"s3:GetObject","Resource":"arn:aws:s3:::policy-bucket/*"`),
		"another service":     statement(`"Principal":{"AWS":"` + accountA + `"},"Action":"iam:GetUser","Resource":"arn:aws:s3:::policy-bucket"`),
		"another bucket":      statement(`"Principal":{"AWS":"` + accountA + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::other-bucket/*"`),
		"no resource":         statement(`"Principal":{"AWS":"` + accountA + `"},"Action":"s3:GetObject"`),
		"object action":       statement(`"Principal":{"AWS":"` + accountA + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::policy-bucket"`),
		"bucket action":       statement(`"Principal":{"AWS":"` + accountA + `"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::policy-bucket/*"`),
		"nobody":              statement(`"Principal":{"AWS":"arn:aws:iam::` + accountA + `:user/nobody"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::policy-bucket/*"`),
		"an unknown operator": statement(`"Principal":{"AWS":"` + accountA + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::policy-bucket/*","Condition":{"StringSame":{"s3:prefix":"x"}}`),
	} {
		_, err := a.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: &bucket, Policy: &document})
		wantCode(t, name, err, "MalformedPolicy", 400)
	}
	_, err := a.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: &bucket})
	must(t, err)
	_, err = a.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: &bucket})
	wantCode(t, "no policy", err, "NoSuchBucketPolicy", 404)
	document := trailPolicy(bucket, "")
	f.policy(a, bucket, document)
	if got, err := a.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: &bucket}); err != nil || *got.Policy != document {
		t.Errorf("the policy comes back as %v, %v", got, err)
	}
}

// Whoever may not leave everything to the owner gets AWS's refusals.
func TestACLs(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "acl-bucket")
	f.put(a, bucket, "k", "x")
	acl, err := a.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: &bucket})
	must(t, err)
	if len(acl.Grants) != 1 || acl.Grants[0].Permission != "FULL_CONTROL" || *acl.Grants[0].Grantee.ID != *acl.Owner.ID || acl.Grants[0].Grantee.Type != "CanonicalUser" || len(*acl.Owner.ID) != 64 {
		t.Errorf("the ACL is %+v", acl)
	}
	for acl, want := range map[types.ObjectCannedACL]string{"bucket-owner-full-control": "", "private": "AccessControlListNotSupported", "public-read": "AccessControlListNotSupported", "nonsense": "InvalidArgument"} {
		_, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ACL: acl})
		_, err2 := a.PutObjectAcl(ctx, &sdk.PutObjectAclInput{Bucket: &bucket, Key: p("k"), ACL: acl})
		for _, err := range []error{err, err2} {
			if want == "" {
				must(t, err)
				continue
			}
			wantCode(t, string(acl), err, want, 400)
		}
	}
	_, err = a.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: &bucket, ACL: "private"})
	wantCode(t, "bucket ACL", err, "AccessControlListNotSupported", 400)
	_, err = a.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: &bucket, AccessControlPolicy: &types.AccessControlPolicy{Owner: acl.Owner, Grants: acl.Grants}})
	must(t, err)
	_, err = a.PutBucketOwnershipControls(ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: &bucket, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "BucketOwnerPreferred"}}}})
	must(t, err)
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ACL: "private"})
	must(t, err)
	_, err = a.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: &bucket, ACL: "private"})
	must(t, err)
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ACL: "public-read"})
	wantCode(t, "a public object", err, "NotImplemented", 501)
	_, err = a.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: p("public-acl-bucket"), ACL: "public-read"})
	wantCode(t, "a public bucket", err, "InvalidBucketAclWithObjectOwnership", 400)
}
