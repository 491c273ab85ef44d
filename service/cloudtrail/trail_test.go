//lint:file-ignore SA1019 AWS still shows the members that it has deprecated, and so does Cairn.

package cloudtrail_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/delivery"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// same compares what the SDK returns with what it should.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, err := json.MarshalIndent(got, "", " ")
	must(t, err)
	w, err := json.MarshalIndent(want, "", " ")
	must(t, err)
	if !bytes.Equal(g, w) {
		t.Errorf("%s is\n%s\nwant\n%s", what, g, w)
	}
}

func arnOf(account, region, name string) string {
	return "arn:aws:cloudtrail:" + region + ":" + account + ":trail/" + name
}

// make makes a trail with a bucket.
func (f *front) make(c caller, name string, change ...func(*sdk.CreateTrailInput)) {
	f.t.Helper()
	in := &sdk.CreateTrailInput{Name: &name, S3BucketName: awssdk.String("logs-of-" + c.account)}
	for _, ch := range change {
		ch(in)
	}
	_, err := f.client(c).CreateTrail(f.t.Context(), in)
	must(f.t, err)
}

func multiRegion(in *sdk.CreateTrailInput) { in.IsMultiRegionTrail = awssdk.Bool(true) }

// Everything that a trail is made with comes back from each operation that shows
// it.
func TestTrail(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	f.kms["alias/logs"] = aKey(nil)
	c := f.client(f.root(operator))
	made, err := c.CreateTrail(t.Context(), &sdk.CreateTrailInput{
		Name: awssdk.String("audit"), S3BucketName: awssdk.String("logs"), S3KeyPrefix: awssdk.String("pre"), SnsTopicName: awssdk.String("topic"),
		IsMultiRegionTrail: awssdk.Bool(true), EnableLogFileValidation: awssdk.Bool(true), KmsKeyId: awssdk.String("alias/logs"),
		TagsList: []types.Tag{{Key: awssdk.String("team"), Value: awssdk.String("audit")}, {Key: awssdk.String("empty")}},
	})
	must(t, err)
	want := types.Trail{
		Name: awssdk.String("audit"), S3BucketName: awssdk.String("logs"), S3KeyPrefix: awssdk.String("pre"),
		SnsTopicName: awssdk.String("topic"), SnsTopicARN: awssdk.String("arn:aws:sns:us-east-1:" + operator + ":topic"),
		IncludeGlobalServiceEvents: awssdk.Bool(true), IsMultiRegionTrail: awssdk.Bool(true), HomeRegion: awssdk.String("us-east-1"),
		TrailARN: awssdk.String(arnOf(operator, "us-east-1", "audit")), LogFileValidationEnabled: awssdk.Bool(true), KmsKeyId: awssdk.String(keyARN),
		HasCustomEventSelectors: awssdk.Bool(false), HasInsightSelectors: awssdk.Bool(false), IsOrganizationTrail: awssdk.Bool(false),
	}
	same(t, "CreateTrail", types.Trail{
		Name: made.Name, S3BucketName: made.S3BucketName, S3KeyPrefix: made.S3KeyPrefix, SnsTopicName: made.SnsTopicName, SnsTopicARN: made.SnsTopicARN,
		IncludeGlobalServiceEvents: made.IncludeGlobalServiceEvents, IsMultiRegionTrail: made.IsMultiRegionTrail, HomeRegion: want.HomeRegion, TrailARN: made.TrailARN,
		LogFileValidationEnabled: made.LogFileValidationEnabled, KmsKeyId: made.KmsKeyId, HasCustomEventSelectors: awssdk.Bool(false), HasInsightSelectors: awssdk.Bool(false),
		IsOrganizationTrail: made.IsOrganizationTrail,
	}, want)
	for _, name := range []string{"audit", arnOf(operator, "us-east-1", "audit")} {
		got, err := c.GetTrail(t.Context(), &sdk.GetTrailInput{Name: &name})
		must(t, err)
		same(t, "GetTrail", *got.Trail, want)
		described, err := c.DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{TrailNameList: []string{name}})
		must(t, err)
		same(t, "DescribeTrails", described.TrailList, []types.Trail{want})
	}
	tags, err := c.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: []string{*made.TrailARN}})
	must(t, err)
	same(t, "ListTags", tags.ResourceTagList, []types.ResourceTag{{ResourceId: made.TrailARN, TagsList: []types.Tag{
		{Key: awssdk.String("empty"), Value: nil}, {Key: awssdk.String("team"), Value: awssdk.String("audit")}}}})
	if n := len(f.deliveries.probed); n != 1 || f.deliveries.before[0] != nil || f.deliveries.probed[0].KMSKeyID != keyARN {
		t.Errorf("the destinations were tried %d times: %+v", n, f.deliveries.probed)
	}

	_, err = c.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String("audit"), S3BucketName: awssdk.String("logs")})
	wantError[*types.TrailAlreadyExistsException](t, "the name again", err)
	if len(f.deliveries.probed) != 1 {
		t.Error("the bucket was written to for a trail that cannot be made")
	}
	_, err = c.DeleteTrail(t.Context(), &sdk.DeleteTrailInput{Name: made.TrailARN})
	must(t, err)
	_, err = c.DeleteTrail(t.Context(), &sdk.DeleteTrailInput{Name: made.TrailARN})
	wantError[*types.TrailNotFoundException](t, "deleted twice", err)
	if want := "Unknown trail: " + *made.TrailARN + " for the user: " + operator; !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("%v, want %s", err, want)
	}
	f.make(f.root(operator), "audit")
	got, err := c.GetTrail(t.Context(), &sdk.GetTrailInput{Name: awssdk.String("audit")})
	must(t, err)
	if got.Trail.KmsKeyId != nil || *got.Trail.IsMultiRegionTrail {
		t.Errorf("a trail has settings of the one that had its name: %+v", got.Trail)
	}
}

// What CreateTrail and UpdateTrail refuse, and as what.
func TestTrailSettings(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	f.kms["gone"] = &smithy.GenericAPIError{Code: "NotFoundException"}
	f.kms["no/arn"] = &smithy.GenericAPIError{Code: "InvalidArnException"}
	f.kms["forbidden"] = &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not you"}
	f.kms["limits"] = &smithy.GenericAPIError{Code: "ThrottlingException"}
	f.kms["unreachable"] = errors.New("connection refused")
	f.kms["signing"] = aKey(func(m *kmstypes.KeyMetadata) { m.KeyUsage = kmstypes.KeyUsageTypeSignVerify })
	f.kms["disabled"] = aKey(func(m *kmstypes.KeyMetadata) { m.KeyState = kmstypes.KeyStateDisabled })
	f.kms["deleting"] = aKey(func(m *kmstypes.KeyMetadata) { m.KeyState = kmstypes.KeyStatePendingDeletion })
	f.kms["empty"] = (*kmstypes.KeyMetadata)(nil)
	root := f.root(operator)
	f.make(root, "existing")
	c := f.client(root)
	group, role := "arn:aws:logs:us-east-1:"+operator+":log-group:g:*", "arn:aws:iam::"+operator+":role/r"
	for _, tt := range []struct {
		name string
		set  func(*sdk.UpdateTrailInput)
		code string
	}{
		{"bucket name", func(in *sdk.UpdateTrailInput) { in.S3BucketName = awssdk.String("Logs") }, "InvalidS3BucketNameException"},
		{"no bucket name", func(in *sdk.UpdateTrailInput) { in.S3BucketName = awssdk.String("") }, "InvalidS3BucketNameException"},
		{"prefix", func(in *sdk.UpdateTrailInput) { in.S3KeyPrefix = awssdk.String(strings.Repeat("p", 201)) }, "InvalidS3PrefixException"},
		{"topic", func(in *sdk.UpdateTrailInput) { in.SnsTopicName = awssdk.String("no topic") }, "InvalidSnsTopicNameException"},
		{"topic's ARN", func(in *sdk.UpdateTrailInput) {
			in.SnsTopicName = awssdk.String("arn:aws:sqs:us-east-1:" + operator + ":q")
		}, "InvalidSnsTopicNameException"},
		{"FIFO topic", func(in *sdk.UpdateTrailInput) { in.SnsTopicName = awssdk.String("t.fifo") }, "InvalidSnsTopicNameException"},
		{"multi-region without global", func(in *sdk.UpdateTrailInput) {
			in.IsMultiRegionTrail, in.IncludeGlobalServiceEvents = awssdk.Bool(true), awssdk.Bool(false)
		}, "InvalidParameterCombinationException"},
		{"group without role", func(in *sdk.UpdateTrailInput) { in.CloudWatchLogsLogGroupArn = &group }, "InvalidParameterCombinationException"},
		{"role without group", func(in *sdk.UpdateTrailInput) { in.CloudWatchLogsRoleArn = &role }, "InvalidParameterCombinationException"},
		{"log group", func(in *sdk.UpdateTrailInput) {
			in.CloudWatchLogsLogGroupArn, in.CloudWatchLogsRoleArn = &group, &role
		}, "CloudWatchLogsDeliveryUnavailableException"},
		{"organization", func(in *sdk.UpdateTrailInput) { in.IsOrganizationTrail = awssdk.Bool(true) }, "OrganizationsNotInUseException"},
		{"unknown key", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("gone") }, "KmsKeyNotFoundException"},
		{"no key's name", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("no/arn") }, "InvalidKmsKeyIdException"},
		{"key of others", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("forbidden") }, "InsufficientEncryptionPolicyException"},
		{"busy KMS", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("limits") }, "KmsException"},
		{"no KMS", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("unreachable") }, "KmsException"},
		{"key without description", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("empty") }, "KmsException"},
		{"signing key", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("signing") }, "InvalidKmsKeyIdException"},
		{"disabled key", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("disabled") }, "KmsKeyDisabledException"},
		{"key to be deleted", func(in *sdk.UpdateTrailInput) { in.KmsKeyId = awssdk.String("deleting") }, "KmsException"},
	} {
		in := &sdk.UpdateTrailInput{Name: awssdk.String("existing")}
		tt.set(in)
		_, err := c.UpdateTrail(t.Context(), in)
		wantCode(t, "UpdateTrail: "+tt.name, err, tt.code)
		bucket := in.S3BucketName
		if bucket == nil {
			bucket = awssdk.String("logs")
		}
		_, err = c.CreateTrail(t.Context(), &sdk.CreateTrailInput{
			Name: awssdk.String("new"), S3BucketName: bucket, S3KeyPrefix: in.S3KeyPrefix, SnsTopicName: in.SnsTopicName, KmsKeyId: in.KmsKeyId,
			IsMultiRegionTrail: in.IsMultiRegionTrail, IncludeGlobalServiceEvents: in.IncludeGlobalServiceEvents, IsOrganizationTrail: in.IsOrganizationTrail,
			CloudWatchLogsLogGroupArn: in.CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn: in.CloudWatchLogsRoleArn,
		})
		wantCode(t, "CreateTrail: "+tt.name, err, tt.code)
	}
	for _, name := range []string{"", "ab", strings.Repeat("x", 129), "-ab", "ab-", "a..b", "a._b", "a b", "a/b", "10.0.0.1", "tráil", arnOf(operator, "us-east-1", "new")} {
		_, err := c.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: &name, S3BucketName: awssdk.String("logs")})
		wantError[*types.InvalidTrailNameException](t, "the name "+name, err)
	}
	for _, in := range []string{"1.2.3", "a.b-c_d", "A1a", strings.Repeat("x", 128)} {
		f.make(f.root(other), in)
	}
	listed, err := c.ListTrails(t.Context(), &sdk.ListTrailsInput{})
	must(t, err)
	if len(listed.Trails) != 1 || len(f.deliveries.probed) != 5 {
		t.Errorf("%d trails, %d probes after refusals", len(listed.Trails), len(f.deliveries.probed))
	}
}

// What the destinations answer becomes AWS's error for them, and nothing is made.
func TestDestinations(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	f.kms[keyARN] = aKey(nil)
	c := f.client(f.root(operator))
	api := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "so it is"} }
	for _, tt := range []struct {
		where delivery.Destination
		err   error
		code  string
	}{
		{delivery.Bucket, api("AccessDenied"), "InsufficientS3BucketPolicyException"},
		{delivery.Bucket, errors.New("dial tcp: secret-host refused"), "InsufficientS3BucketPolicyException"},
		{delivery.Key, api("AccessDenied"), "InsufficientEncryptionPolicyException"},
		{delivery.Topic, api("NotFound"), "InsufficientSnsTopicPolicyException"},
		{delivery.Topic, api("AuthorizationError"), "InsufficientSnsTopicPolicyException"},
	} {
		f.deliveries.fail = func(*cairn.Trail) error { return &delivery.ProbeError{Destination: tt.where, Err: tt.err} }
		_, err := c.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String("new"), S3BucketName: awssdk.String("logs"), KmsKeyId: awssdk.String(keyARN)})
		wantCode(t, fmt.Sprint(tt.where, " ", tt.err), err, tt.code)
		if strings.Contains(fmt.Sprint(err), "secret-host") {
			t.Errorf("the way to the bucket is shown: %v", err)
		}
	}
	listed, err := c.ListTrails(t.Context(), &sdk.ListTrailsInput{})
	must(t, err)
	if len(listed.Trails) != 0 {
		t.Errorf("%d trails were made", len(listed.Trails))
	}
}

// UpdateTrail changes what it is given; an empty text takes a setting away.
func TestUpdateTrail(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	f.kms["mine"], f.kms[keyARN] = aKey(nil), aKey(nil)
	root := f.root(operator)
	c := f.client(root)
	f.make(root, "audit", func(in *sdk.CreateTrailInput) {
		in.S3KeyPrefix, in.SnsTopicName, in.KmsKeyId = awssdk.String("pre"), awssdk.String("arn:aws:sns:eu-west-1:"+other+":theirs"), awssdk.String("mine")
		in.EnableLogFileValidation = awssdk.Bool(true)
	})
	get := func() types.Trail {
		t.Helper()
		out, err := c.GetTrail(t.Context(), &sdk.GetTrailInput{Name: awssdk.String("audit")})
		must(t, err)
		return *out.Trail
	}
	before := get()
	if *before.SnsTopicName != *before.SnsTopicARN {
		t.Errorf("a topic elsewhere has the name %s", *before.SnsTopicName)
	}
	_, err := c.UpdateTrail(t.Context(), &sdk.UpdateTrailInput{Name: awssdk.String("audit")})
	must(t, err)
	same(t, "after nothing was changed", get(), before)

	out, err := c.UpdateTrail(t.Context(), &sdk.UpdateTrailInput{
		Name: before.TrailARN, S3KeyPrefix: awssdk.String(""), SnsTopicName: awssdk.String(""), KmsKeyId: awssdk.String(""), EnableLogFileValidation: awssdk.Bool(false),
		CloudWatchLogsLogGroupArn: awssdk.String(""), CloudWatchLogsRoleArn: awssdk.String(""), IsOrganizationTrail: awssdk.Bool(false),
	})
	must(t, err)
	if out.S3KeyPrefix != nil || out.SnsTopicName != nil || out.SnsTopicARN != nil || out.KmsKeyId != nil || *out.LogFileValidationEnabled || *out.S3BucketName != *before.S3BucketName {
		t.Errorf("the settings were not taken away: %+v", out)
	}
	after := before
	after.S3KeyPrefix, after.SnsTopicName, after.SnsTopicARN, after.KmsKeyId, after.LogFileValidationEnabled = nil, nil, nil, nil, awssdk.Bool(false)
	same(t, "after the settings were taken away", get(), after)
	if last := f.deliveries.before[len(f.deliveries.before)-1]; last == nil || last.KMSKeyID != keyARN {
		t.Errorf("what the trail was before is not known to who tries it: %+v", last)
	}
}

// A trail becomes one of all regions and of one, with global-service events as
// they were asked for.
func TestConversion(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root.in("eu-west-1"))
	f.make(root.in("eu-west-1"), "audit", func(in *sdk.CreateTrailInput) { in.IncludeGlobalServiceEvents = awssdk.Bool(false) })
	for i, tt := range []struct {
		multi, global         *bool
		wantMulti, wantGlobal bool
	}{
		{nil, nil, false, false},
		{awssdk.Bool(true), nil, true, true},
		{awssdk.Bool(true), awssdk.Bool(true), true, true},
		{awssdk.Bool(false), nil, false, true},
		{nil, awssdk.Bool(false), false, false},
		{awssdk.Bool(false), awssdk.Bool(true), false, true},
		{awssdk.Bool(true), awssdk.Bool(true), true, true},
		{awssdk.Bool(false), awssdk.Bool(false), false, false},
	} {
		out, err := c.UpdateTrail(t.Context(), &sdk.UpdateTrailInput{Name: awssdk.String("audit"), IsMultiRegionTrail: tt.multi, IncludeGlobalServiceEvents: tt.global})
		must(t, err)
		if *out.IsMultiRegionTrail != tt.wantMulti || *out.IncludeGlobalServiceEvents != tt.wantGlobal {
			t.Errorf("step %d: all regions %v, global %v", i, *out.IsMultiRegionTrail, *out.IncludeGlobalServiceEvents)
		}
		seen, err := f.client(root).DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{})
		must(t, err)
		if shadow := len(seen.TrailList) == 1; shadow != tt.wantMulti {
			t.Errorf("step %d: a shadow in us-east-1: %v", i, shadow)
		}
	}
	_, err := c.UpdateTrail(t.Context(), &sdk.UpdateTrailInput{Name: awssdk.String("audit"), IsMultiRegionTrail: awssdk.Bool(true)})
	must(t, err)
	_, err = c.UpdateTrail(t.Context(), &sdk.UpdateTrailInput{Name: awssdk.String("audit"), IncludeGlobalServiceEvents: awssdk.Bool(false)})
	wantError[*types.InvalidParameterCombinationException](t, "global events off, all regions", err)
}

// Changes made while the destinations of another are tried are not lost, unless
// they would give the trail destinations that nobody tried together.
func TestConcurrentUpdates(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root)
	f.make(root, "audit")
	during := func(meanwhile *sdk.UpdateTrailInput) error {
		once := false
		f.deliveries.fail = func(*cairn.Trail) error {
			if once {
				return nil
			}
			once = true
			_, err := c.UpdateTrail(t.Context(), meanwhile)
			must(t, err)
			return nil
		}
		_, err := c.UpdateTrail(t.Context(), &sdk.UpdateTrailInput{Name: awssdk.String("audit"), SnsTopicName: awssdk.String("topic")})
		return err
	}
	must(t, during(&sdk.UpdateTrailInput{Name: awssdk.String("audit"), EnableLogFileValidation: awssdk.Bool(true)}))
	out, err := c.GetTrail(t.Context(), &sdk.GetTrailInput{Name: awssdk.String("audit")})
	must(t, err)
	if !*out.Trail.LogFileValidationEnabled || *out.Trail.SnsTopicName != "topic" {
		t.Errorf("a change was lost: %+v", out.Trail)
	}
	wantError[*types.ConflictException](t, "another bucket in the meantime", during(&sdk.UpdateTrailInput{Name: awssdk.String("audit"), S3BucketName: awssdk.String("elsewhere")}))
}

// A new trail does not log; the status has all that is known of logging and of
// deliveries.
func TestTrailStatus(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root)
	name := awssdk.String("audit")
	f.make(root, "audit")
	status := func() *sdk.GetTrailStatusOutput {
		t.Helper()
		out, err := c.GetTrailStatus(t.Context(), &sdk.GetTrailStatusInput{Name: name})
		must(t, err)
		return out
	}
	s := status()
	for what, text := range map[string]*string{
		"LatestDeliveryAttemptTime": s.LatestDeliveryAttemptTime, "LatestDeliveryAttemptSucceeded": s.LatestDeliveryAttemptSucceeded,
		"LatestNotificationAttemptTime": s.LatestNotificationAttemptTime, "LatestNotificationAttemptSucceeded": s.LatestNotificationAttemptSucceeded,
		"TimeLoggingStarted": s.TimeLoggingStarted, "TimeLoggingStopped": s.TimeLoggingStopped,
	} {
		if text == nil || *text != "" {
			t.Errorf("a new trail has %s %v, want an empty text", what, text)
		}
	}
	if *s.IsLogging || s.StartLoggingTime != nil || s.StopLoggingTime != nil || s.LatestDeliveryTime != nil || s.LatestDeliveryError != nil || s.LatestDigestDeliveryTime != nil {
		t.Errorf("a new trail has the status %+v", s)
	}

	at := time.Now().UTC().Truncate(time.Second) // the client signs by the machine's clock
	clock := func(d time.Duration) time.Time { t := at.Add(d); f.frozen.Store(&t); return t }
	started := clock(0)
	_, err := c.StartLogging(t.Context(), &sdk.StartLoggingInput{Name: name})
	must(t, err)
	clock(time.Minute)
	_, err = c.StartLogging(t.Context(), &sdk.StartLoggingInput{Name: name})
	must(t, err)
	s = status()
	if !*s.IsLogging || !s.StartLoggingTime.Equal(started) || *s.TimeLoggingStarted != started.Format("2006-01-02T15:04:05Z") || s.StopLoggingTime != nil {
		t.Errorf("after two starts: %v, %v", s.StartLoggingTime, *s.TimeLoggingStarted)
	}
	stopped := clock(2 * time.Minute)
	for range 2 {
		_, err = c.StopLogging(t.Context(), &sdk.StopLoggingInput{Name: name})
		must(t, err)
		clock(3 * time.Minute)
	}
	s = status()
	if *s.IsLogging || !s.StartLoggingTime.Equal(started) || !s.StopLoggingTime.Equal(stopped) || *s.TimeLoggingStopped != stopped.Format("2006-01-02T15:04:05Z") {
		t.Errorf("after two stops: %v, %v", s.StopLoggingTime, *s.TimeLoggingStopped)
	}

	kept, err := f.trails.Get(operator, "us-east-1", "audit")
	must(t, err)
	d := delivery.Status{
		LatestDelivery: at.Add(1500 * time.Millisecond), LatestDeliveryAttempt: at.Add(2 * time.Second), LatestDeliveryError: "AccessDenied",
		LatestNotification: at.Add(3 * time.Second), LatestNotificationAttempt: at.Add(4 * time.Second), LatestNotificationError: "NotFound",
		LatestDigestDelivery: at.Add(5 * time.Second), LatestDigestDeliveryError: "NoSuchBucket",
	}
	f.deliveries.status[kept.ID] = d
	s = status()
	text := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	if !s.LatestDeliveryTime.Equal(d.LatestDelivery) || !s.LatestNotificationTime.Equal(d.LatestNotification) || !s.LatestDigestDeliveryTime.Equal(d.LatestDigestDelivery) ||
		*s.LatestDeliveryError != "AccessDenied" || *s.LatestNotificationError != "NotFound" || *s.LatestDigestDeliveryError != "NoSuchBucket" ||
		*s.LatestDeliveryAttemptTime != text(d.LatestDeliveryAttempt) || *s.LatestDeliveryAttemptSucceeded != text(d.LatestDelivery) ||
		*s.LatestNotificationAttemptTime != text(d.LatestNotificationAttempt) || *s.LatestNotificationAttemptSucceeded != text(d.LatestNotification) ||
		s.LatestCloudWatchLogsDeliveryTime != nil || s.LatestCloudWatchLogsDeliveryError != nil {
		t.Errorf("deliveries %+v are shown as %+v", d, s)
	}
}
