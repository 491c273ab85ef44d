package s3_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// A bucket that was just made answers each question about its settings as AWS
// does.
func TestSettingsOfANewBucket(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "new-bucket")
	for method, want := range map[string]string{
		"GetBucketPolicy": "NoSuchBucketPolicy", "GetBucketPolicyStatus": "NoSuchBucketPolicy", "GetBucketCors": "NoSuchCORSConfiguration", "GetBucketWebsite": "NoSuchWebsiteConfiguration",
		"GetBucketLifecycleConfiguration": "NoSuchLifecycleConfiguration", "GetBucketReplication": "ReplicationConfigurationNotFoundError",
		"GetObjectLockConfiguration": "ObjectLockConfigurationNotFoundError", "GetBucketTagging": "NoSuchTagSet",
		"GetBucketLogging": "", "GetBucketRequestPayment": "", "GetBucketAccelerateConfiguration": "", "GetBucketVersioning": "", "GetBucketEncryption": "",
		"GetBucketNotificationConfiguration": "", "GetPublicAccessBlock": "", "GetBucketOwnershipControls": "", "GetBucketAcl": "", "HeadBucket": "", "GetBucketLocation": "",
		"DeleteBucketCors": "", "DeleteBucketWebsite": "", "DeleteBucketLifecycle": "", "DeleteBucketReplication": "", "DeleteBucketPolicy": "", "DeleteBucketTagging": "", "DeleteBucketEncryption": "",
	} {
		call := func(bucket string) error {
			m := reflect.ValueOf(a).MethodByName(method)
			in := reflect.New(m.Type().In(1).Elem())
			in.Elem().FieldByName("Bucket").Set(reflect.ValueOf(&bucket))
			err, _ := m.Call([]reflect.Value{reflect.ValueOf(ctx), in})[1].Interface().(error)
			return err
		}
		err := call(bucket)
		var api smithy.APIError
		if want == "" && err != nil || want != "" && (!errors.As(err, &api) || api.ErrorCode() != want) {
			t.Errorf("%s: %v, want %s", method, err, want)
		}
		if err := call("never-made"); !errors.As(err, &api) || api.ErrorCode() != "NoSuchBucket" && api.ErrorCode() != "NotFound" {
			t.Errorf("%s of no bucket: %v", method, err)
		}
	}
	block, err := a.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: &bucket})
	must(t, err)
	if b := block.PublicAccessBlockConfiguration; !*b.BlockPublicAcls || !*b.BlockPublicPolicy || !*b.IgnorePublicAcls || !*b.RestrictPublicBuckets {
		t.Errorf("the public access block is %+v", b)
	}
	if o, err := a.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: &bucket}); err != nil || o.OwnershipControls.Rules[0].ObjectOwnership != "BucketOwnerEnforced" {
		t.Errorf("the ownership is %v, %v", o, err)
	}
	_, err = a.DeletePublicAccessBlock(ctx, &sdk.DeletePublicAccessBlockInput{Bucket: &bucket})
	must(t, err)
	_, err = a.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: &bucket})
	wantCode(t, "no block", err, "NoSuchPublicAccessBlockConfiguration", 404)
	_, err = a.DeleteBucketOwnershipControls(ctx, &sdk.DeleteBucketOwnershipControlsInput{Bucket: &bucket})
	must(t, err)
	_, err = a.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: &bucket})
	wantCode(t, "no controls", err, "OwnershipControlsNotFoundError", 404)
}

// What would have no effect here is refused, not kept.
func TestSettingsWithoutEffect(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "without-effect")
	errs := map[string]error{}
	_, errs["lifecycle"] = a.PutBucketLifecycleConfiguration(ctx, &sdk.PutBucketLifecycleConfigurationInput{Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{
		Rules: []types.LifecycleRule{{Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: p("")}, Expiration: &types.LifecycleExpiration{Days: p(int32(1))}}}}})
	_, errs["cors"] = a.PutBucketCors(ctx, &sdk.PutBucketCorsInput{Bucket: &bucket, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}}}})
	_, errs["website"] = a.PutBucketWebsite(ctx, &sdk.PutBucketWebsiteInput{Bucket: &bucket, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: p("index.html")}}})
	_, errs["logging"] = a.PutBucketLogging(ctx, &sdk.PutBucketLoggingInput{Bucket: &bucket, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: &types.LoggingEnabled{TargetBucket: &bucket, TargetPrefix: p("")}}})
	_, errs["payer"] = a.PutBucketRequestPayment(ctx, &sdk.PutBucketRequestPaymentInput{Bucket: &bucket, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: "Requester"}})
	_, errs["acceleration"] = a.PutBucketAccelerateConfiguration(ctx, &sdk.PutBucketAccelerateConfigurationInput{Bucket: &bucket, AccelerateConfiguration: &types.AccelerateConfiguration{Status: "Enabled"}})
	_, errs["MFA delete"] = a.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &bucket, MFA: p("serial 123456"), VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled", MFADelete: "Enabled"}})
	_, errs["object writer"] = a.PutBucketOwnershipControls(ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: &bucket, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}})
	_, errs["storage class"] = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), StorageClass: "GLACIER"})
	_, errs["another operation"] = a.GetObjectTorrent(ctx, &sdk.GetObjectTorrentInput{Bucket: &bucket, Key: p("k")})
	_, errs["inventory"] = a.ListBucketInventoryConfigurations(ctx, &sdk.ListBucketInventoryConfigurationsInput{Bucket: &bucket})
	for what, err := range errs {
		wantCode(t, what, err, "NotImplemented", 501)
	}
	_, err := a.PutBucketLogging(ctx, &sdk.PutBucketLoggingInput{Bucket: &bucket, BucketLoggingStatus: &types.BucketLoggingStatus{}})
	must(t, err)
}

func TestKeptSettings(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "kept-settings")
	_, err := a.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: &bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: p("b"), Value: p("1")}, {Key: p("a"), Value: p("")}}}})
	must(t, err)
	if tags, err := a.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: &bucket}); err != nil || len(tags.TagSet) != 2 || *tags.TagSet[0].Key != "b" {
		t.Errorf("the tags are %v, %v", tags, err)
	}
	for name, tags := range map[string][]types.Tag{"twice": {{Key: p("a"), Value: p("1")}, {Key: p("a"), Value: p("2")}}, "aws:": {{Key: p("aws:x"), Value: p("")}}, "odd": {{Key: p("<"), Value: p("")}}} {
		_, err := a.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: &bucket, Tagging: &types.Tagging{TagSet: tags}})
		wantCode(t, name, err, "InvalidTag", 400)
	}
	topic := "arn:aws:sns:us-east-1:" + accountA + ":topic"
	_, err = a.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: &bucket, NotificationConfiguration: &types.NotificationConfiguration{
		TopicConfigurations: []types.TopicConfiguration{{TopicArn: &topic, Events: []types.Event{"s3:ObjectCreated:*"}, Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "prefix", Value: p("x")}}}}}}}})
	must(t, err)
	n, err := a.GetBucketNotificationConfiguration(ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	must(t, err)
	if len(n.TopicConfigurations) != 1 || *n.TopicConfigurations[0].TopicArn != topic || n.TopicConfigurations[0].Id == nil || *n.TopicConfigurations[0].Filter.Key.FilterRules[0].Value != "x" {
		t.Errorf("the notifications are %+v", n.TopicConfigurations)
	}
	f.put(a, bucket, "k", "x")
	_, err = a.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{Bucket: &bucket, Key: p("k"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: p("t"), Value: p("ü ")}}}})
	must(t, err)
	if tags, err := a.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: &bucket, Key: p("k")}); err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "ü " {
		t.Errorf("the object's tags are %v, %v", tags, err)
	}
	_, err = a.DeleteObjectTagging(ctx, &sdk.DeleteObjectTaggingInput{Bucket: &bucket, Key: p("k")})
	must(t, err)
	if tags, err := a.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: &bucket, Key: p("k")}); err != nil || len(tags.TagSet) != 0 {
		t.Errorf("the object's tags are %v, %v", tags, err)
	}
	for _, status := range []types.BucketVersioningStatus{"Enabled", "Suspended"} {
		_, err = a.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
		must(t, err)
		if v, err := a.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: &bucket}); err != nil || v.Status != status {
			t.Errorf("versioning is %v, %v", v, err)
		}
	}
}

func TestBucketNamesAndRegions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	a, ctx := f.client(id, secret), t.Context()
	for _, name := range []string{"ab", strings.Repeat("a", 64), "Upper", "under_score", "-dash", "dash-", "two..dots", ".dot", "192.168.5.4", "xn--x", "sthree-x", "x-s3alias", "health", "ready", "metrics", "a b", "a.b."} {
		_, err := a.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: &name})
		if err == nil {
			t.Errorf("%q was made", name)
			continue
		}
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorCode() != "InvalidBucketName" {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"abc", strings.Repeat("a", 63), "a.b-c.9", "1.2.3.4.5"} {
		f.bucket(a, name)
	}
	eu := newClient(inProcess{f.mux}, id, secret, "eu-west-1")
	_, err = eu.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: p("no-constraint")})
	wantCode(t, "no constraint", err, "IllegalLocationConstraintException", 400)
	_, err = a.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: p("far-away"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "ap-south-1"}})
	wantCode(t, "a region that is not served", err, "InvalidLocationConstraint", 400)
	_, err = eu.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: p("in-europe"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1", Tags: []types.Tag{{Key: p("k"), Value: p("v")}}}})
	must(t, err)
	if l, err := a.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: p("in-europe")}); err != nil || l.LocationConstraint != "eu-west-1" {
		t.Errorf("the location is %v, %v", l, err)
	}
	if h, err := a.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: p("in-europe")}); err != nil || *h.BucketRegion != "eu-west-1" {
		t.Errorf("head is %v, %v", h, err)
	}
	var found []string
	pages := sdk.NewListBucketsPaginator(a, &sdk.ListBucketsInput{MaxBuckets: p(int32(2))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		for _, b := range page.Buckets {
			found = append(found, *b.Name)
		}
	}
	if strings.Join(found, " ") != "1.2.3.4.5 a.b-c.9 "+strings.Repeat("a", 63)+" abc in-europe" {
		t.Errorf("the buckets are %q", found)
	}
}

// Every call to a bucket reads its settings, so that none of them may be of any
// size.
func TestSettingsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "bounded-bucket")
	n := &types.NotificationConfiguration{}
	for range 5000 {
		n.TopicConfigurations = append(n.TopicConfigurations, types.TopicConfiguration{TopicArn: p("arn:aws:sns:us-east-1:111111111111:t"), Events: []types.Event{"s3:ObjectCreated:*"}})
	}
	_, err := a.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: &bucket, NotificationConfiguration: n})
	wantCode(t, "5,000 notifications", err, "InvalidRequest", 400)
	n.TopicConfigurations = n.TopicConfigurations[:100]
	_, err = a.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: &bucket, NotificationConfiguration: n})
	must(t, err)
	_, err = a.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: &bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "aws:kms", KMSMasterKeyID: p(strings.Repeat("k", 1<<20))}}}}})
	wantCode(t, "a key's name of a megabyte", err, "InvalidRequest", 400)
}

// What is stored of a request's headers is bounded as a whole: a page of a listing
// holds that of a thousand objects.
func TestStoredHeadersAreBounded(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "headers-bucket")
	_, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ContentDisposition: p(strings.Repeat("d", 5000)), CacheControl: p(strings.Repeat("c", 5000))})
	wantCode(t, "10,000 bytes of headers", err, "RequestHeaderSectionTooLarge", 400)
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("k"), Body: strings.NewReader("x"), ContentDisposition: p(strings.Repeat("d", 5000))})
	must(t, err)
}
