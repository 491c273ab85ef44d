package cloudtrail_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cairn/aws"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// An operation on a trail, by its name or ARN, with parameters that suit any.
type operation struct {
	name   string
	writes bool
	do     func(c *sdk.Client, ctx context.Context, trail *string) error
}

// operations are all that name a trail, but CreateTrail. DeleteTrail is the last.
var operations = []operation{
	{"GetTrail", false, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.GetTrail(ctx, &sdk.GetTrailInput{Name: trail})
		return err
	}},
	{"GetTrailStatus", false, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.GetTrailStatus(ctx, &sdk.GetTrailStatusInput{Name: trail})
		return err
	}},
	{"PutEventSelectors", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.PutEventSelectors(ctx, &sdk.PutEventSelectorsInput{TrailName: trail, EventSelectors: []types.EventSelector{{ReadWriteType: types.ReadWriteTypeAll}}})
		return err
	}},
	{"GetEventSelectors", false, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.GetEventSelectors(ctx, &sdk.GetEventSelectorsInput{TrailName: trail})
		return err
	}},
	{"PutInsightSelectors", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.PutInsightSelectors(ctx, &sdk.PutInsightSelectorsInput{TrailName: trail, InsightSelectors: []types.InsightSelector{{InsightType: types.InsightTypeApiCallRateInsight}}})
		return err
	}},
	{"GetInsightSelectors", false, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.GetInsightSelectors(ctx, &sdk.GetInsightSelectorsInput{TrailName: trail})
		return err
	}},
	{"PutEventConfiguration", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.PutEventConfiguration(ctx, &sdk.PutEventConfigurationInput{TrailName: trail, AggregationConfigurations: []types.AggregationConfiguration{
			{EventCategory: types.EventCategoryAggregationData, Templates: []types.Template{types.TemplateApiActivity}}}})
		return err
	}},
	{"GetEventConfiguration", false, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.GetEventConfiguration(ctx, &sdk.GetEventConfigurationInput{TrailName: trail})
		return err
	}},
	{"AddTags", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.AddTags(ctx, &sdk.AddTagsInput{ResourceId: trail, TagsList: []types.Tag{{Key: awssdk.String("k"), Value: awssdk.String("v")}}})
		return err
	}},
	{"ListTags", false, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.ListTags(ctx, &sdk.ListTagsInput{ResourceIdList: []string{*trail}})
		return err
	}},
	{"RemoveTags", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.RemoveTags(ctx, &sdk.RemoveTagsInput{ResourceId: trail, TagsList: []types.Tag{{Key: awssdk.String("k")}}})
		return err
	}},
	{"StartLogging", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.StartLogging(ctx, &sdk.StartLoggingInput{Name: trail})
		return err
	}},
	{"StopLogging", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.StopLogging(ctx, &sdk.StopLoggingInput{Name: trail})
		return err
	}},
	{"UpdateTrail", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.UpdateTrail(ctx, &sdk.UpdateTrailInput{Name: trail})
		return err
	}},
	{"DeleteTrail", true, func(c *sdk.Client, ctx context.Context, trail *string) error {
		_, err := c.DeleteTrail(ctx, &sdk.DeleteTrailInput{Name: trail})
		return err
	}},
}

func (o *operation) ofTags() bool { return strings.HasSuffix(o.name, "Tags") }

// A trail goes by its name in its home region and by its ARN everywhere; only its
// home region changes it. DescribeTrails and ListTrails follow the same rule.
func TestHomeRegion(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	f.make(root.in("eu-west-1"), "shadowed", multiRegion)
	f.make(root.in("eu-west-1"), "single")
	away, home := f.client(root), f.client(root.in("eu-west-1"))
	for _, name := range []string{"shadowed", "single"} {
		arn := arnOf(operator, "eu-west-1", name)
		for _, o := range operations {
			what := o.name + " of " + name
			switch err := o.do(away, t.Context(), &arn); {
			case o.writes:
				wantCode(t, what+" by ARN from elsewhere", err, "InvalidHomeRegionException") // the SDK does not know it of AddTags
			case o.name != "GetInsightSelectors": // there are none yet
				must(t, err)
			}
			switch err := o.do(away, t.Context(), &name); {
			case o.ofTags():
				wantError[*types.CloudTrailARNInvalidException](t, what+" by name", err)
			case o.writes && name == "shadowed":
				wantError[*types.InvalidHomeRegionException](t, what+" by the name of a shadow", err)
			default:
				wantError[*types.TrailNotFoundException](t, what+" by name from elsewhere", err)
			}
		}
		for _, o := range operations {
			ref := name
			if o.ofTags() {
				ref = arn
			}
			if err := o.do(home, t.Context(), &ref); err != nil {
				t.Errorf("%s of %s at home: %v", o.name, name, err)
			}
		}
	}
	f.make(root.in("eu-west-1"), "shadowed", multiRegion)
	f.make(root.in("eu-west-1"), "single")
	f.make(root, "here")
	for _, tt := range []struct {
		region  string
		names   []string
		shadows *bool
		want    []string
	}{
		{"us-east-1", nil, nil, []string{"here", "shadowed"}},
		{"us-east-1", nil, awssdk.Bool(true), []string{"here", "shadowed"}},
		{"us-east-1", nil, awssdk.Bool(false), []string{"here"}},
		{"ap-south-1", nil, nil, []string{"shadowed"}},
		{"eu-west-1", nil, awssdk.Bool(false), []string{"shadowed", "single"}},
		{"us-east-1", []string{"here", "shadowed", "nowhere"}, nil, []string{"here"}},
		{"us-east-1", []string{arnOf(operator, "eu-west-1", "single"), arnOf(operator, "eu-west-1", "shadowed")}, nil, []string{"single", "shadowed"}},
		{"us-east-1", []string{arnOf(operator, "eu-west-1", "shadowed")}, awssdk.Bool(false), nil},
		{"us-east-1", []string{"here", "here", arnOf(operator, "us-east-1", "here")}, nil, []string{"here"}},
	} {
		out, err := f.client(root.in(tt.region)).DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{TrailNameList: tt.names, IncludeShadowTrails: tt.shadows})
		must(t, err)
		var names []string
		for _, trail := range out.TrailList {
			names = append(names, *trail.Name)
		}
		if !slices.Equal(names, tt.want) || out.TrailList == nil {
			t.Errorf("DescribeTrails %v in %s: %v, want %v", tt.names, tt.region, names, tt.want)
		}
	}
	_, err := away.DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{TrailNameList: []string{"here", "no name"}})
	wantError[*types.InvalidTrailNameException](t, "DescribeTrails", err)
	_, err = away.DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{TrailNameList: []string{"arn:aws:s3:::bucket"}})
	wantError[*types.CloudTrailARNInvalidException](t, "DescribeTrails", err)
	listed, err := away.ListTrails(t.Context(), &sdk.ListTrailsInput{})
	must(t, err)
	if len(listed.Trails) != 3 || *listed.Trails[0].TrailARN != arnOf(operator, "us-east-1", "here") || *listed.Trails[1].HomeRegion != "eu-west-1" {
		t.Errorf("ListTrails: %+v", listed.Trails)
	}
	_, err = away.ListTrails(t.Context(), &sdk.ListTrailsInput{NextToken: awssdk.String("x")})
	wantCode(t, "ListTrails with a token", err, "InvalidNextTokenException")
}

// Names that are none, ARNs that are none, and what does not exist.
func TestNoSuchTrail(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	c := f.client(f.root(operator))
	for _, o := range operations {
		if !o.ofTags() {
			wantError[*types.TrailNotFoundException](t, o.name, o.do(c, t.Context(), awssdk.String("nowhere")))
			for _, name := range []string{"no name", "ab", "a..b"} {
				wantError[*types.InvalidTrailNameException](t, o.name+" "+name, o.do(c, t.Context(), &name))
			}
		}
		for _, arn := range []string{"arn:aws:s3:::bucket", "arn:aws:cloudtrail:us-east-1:12:trail/abc", "arn:aws:cloudtrail:us-east-1:" + operator + ":trail/a..b", "arn:aws:cloudtrail:us-east-1:" + operator + ":other/abc"} {
			wantError[*types.CloudTrailARNInvalidException](t, o.name+" "+arn, o.do(c, t.Context(), &arn))
		}
		err := o.do(c, t.Context(), awssdk.String(arnOf(operator, "us-east-1", "nowhere")))
		if o.ofTags() {
			wantError[*types.ResourceNotFoundException](t, o.name, err)
		} else {
			wantError[*types.TrailNotFoundException](t, o.name, err)
		}
	}
	// What is missing altogether.
	for operation, body := range map[string]string{"CreateTrail": `{}`, "UpdateTrail": `{}`, "GetTrail": `{"Name":null}`, "PutEventSelectors": `{}`} {
		answer, err := aws.InProcess{Handler: f.mux}.RoundTrip(signed(t, f.root(operator), operation, body))
		must(t, err)
		if code := answer.Header.Get("X-Amzn-Errortype"); answer.StatusCode != 400 || code != "InvalidTrailNameException" {
			t.Errorf("%s %s: %d %s", operation, body, answer.StatusCode, code)
		}
	}
}

// No operation reaches another account's trail, by name or ARN, or tells whether
// there is one: what does not exist is answered in the same words (S13).
func TestTrailIsolation(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	accounts := []string{operator, other, third}
	for _, account := range accounts {
		f.make(f.root(account), "only-of-"+account, multiRegion)
		f.make(f.root(account), "same-name")
	}
	for _, account := range accounts {
		for _, region := range regions[:2] {
			c := f.client(f.root(account).in(region))
			for _, victim := range accounts {
				if victim == account {
					continue
				}
				for _, o := range operations {
					err := o.do(c, t.Context(), awssdk.String(arnOf(victim, "us-east-1", "only-of-"+victim)))
					code := "TrailNotFoundException"
					if o.ofTags() {
						code = "ResourceNotFoundException"
					}
					wantCode(t, o.name+" as "+account+" of "+victim, err, code)
					missing := o.do(c, t.Context(), awssdk.String(arnOf(victim, "us-east-1", "not-there-"+victim)))
					strip := func(err error, name string) string {
						text := fmt.Sprint(err)
						if i := strings.Index(text, "RequestID: "); i >= 0 {
							text = text[:i] + text[i+len("RequestID: ")+36:]
						}
						return strings.ReplaceAll(text, name, "")
					}
					if a, b := strip(err, "only-of-"+victim), strip(missing, "not-there-"+victim); a != b {
						t.Errorf("%s as %s tells a trail that is there (%s) from one that is not (%s)", o.name, account, a, b)
					}
					if !o.ofTags() {
						wantError[*types.TrailNotFoundException](t, o.name, o.do(c, t.Context(), awssdk.String("only-of-"+victim)))
					}
				}
			}
			out, err := c.DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{})
			must(t, err)
			named, err := c.DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{TrailNameList: []string{
				arnOf(operator, "us-east-1", "same-name"), arnOf(other, "us-east-1", "same-name"), arnOf(third, "us-east-1", "same-name")}})
			must(t, err)
			if len(named.TrailList) != 1 {
				t.Errorf("%s sees %d trails of that name", account, len(named.TrailList))
			}
			for _, trail := range append(out.TrailList, named.TrailList...) {
				if !strings.Contains(*trail.TrailARN, account) {
					t.Errorf("%s sees %s", account, *trail.TrailARN)
				}
			}
			listed, err := c.ListTrails(t.Context(), &sdk.ListTrailsInput{})
			must(t, err)
			if len(listed.Trails) != 2 {
				t.Errorf("%s lists %d trails", account, len(listed.Trails))
			}
		}
	}
}

// Permission for one trail is for that one, by whatever name it is given; a Deny
// cannot be passed by, as by the ARN of another partition.
func TestTrailPermissions(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	f.make(root, "mine")
	f.make(root, "theirs")
	mine, theirs := arnOf(operator, "us-east-1", "mine"), arnOf(operator, "us-east-1", "theirs")
	one := f.client(f.userWith(operator, "one", `{"Effect":"Allow","Action":"cloudtrail:*","Resource":"`+mine+`"}`))
	denied := f.client(f.userWith(operator, "denied", `{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"},{"Effect":"Deny","Action":"cloudtrail:*","Resource":"`+theirs+`"}`))
	nobody := f.client(f.userWith(operator, "nobody", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))
	for _, o := range operations {
		for _, trail := range []string{"theirs", theirs} {
			if trail == "theirs" && o.ofTags() {
				continue
			}
			wantCode(t, o.name+" of "+trail+" by one", o.do(one, t.Context(), &trail), "AccessDeniedException")
			wantCode(t, o.name+" of "+trail+" by denied", o.do(denied, t.Context(), &trail), "AccessDeniedException")
			wantCode(t, o.name+" of "+trail+" by nobody", o.do(nobody, t.Context(), &trail), "AccessDeniedException")
		}
		for _, partition := range []string{"aws-cn", "aws-us-gov", "AWS"} {
			trail := "arn:" + partition + strings.TrimPrefix(theirs, "arn:aws")
			if err := o.do(denied, t.Context(), &trail); err == nil {
				t.Errorf("%s of %s passes a Deny", o.name, trail)
			}
		}
		for _, trail := range []string{"mine", mine} {
			if trail == "mine" && (o.ofTags() || o.name == "DeleteTrail") {
				continue
			}
			if err := o.do(one, t.Context(), &trail); err != nil {
				t.Errorf("%s of %s: %v", o.name, trail, err)
			}
		}
	}
	_, err := one.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String("other"), S3BucketName: awssdk.String("logs")})
	wantCode(t, "CreateTrail of another name", err, "AccessDeniedException")
	_, err = one.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String("mine"), S3BucketName: awssdk.String("logs")})
	must(t, err)
	for what, err := range map[string]error{
		"DescribeTrails": func() error { _, err := one.DescribeTrails(t.Context(), &sdk.DescribeTrailsInput{}); return err }(),
		"ListTrails":     func() error { _, err := one.ListTrails(t.Context(), &sdk.ListTrailsInput{}); return err }(),
		"ListPublicKeys": func() error { _, err := one.ListPublicKeys(t.Context(), &sdk.ListPublicKeysInput{}); return err }(),
		"ListTags of nothing": func() error {
			_, err := nobody.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: []string{}})
			return err
		}(),
		"ListTags of both": func() error {
			_, err := one.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: []string{mine, theirs}})
			return err
		}(),
	} {
		wantCode(t, what, err, "AccessDeniedException")
	}
}

// Policies see a trail's tags, and those of a request.
func TestTagConditions(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	f.make(root, "open")
	f.make(root, "locked", func(in *sdk.CreateTrailInput) { in.TagsList = tagsFrom("locked", "yes") })
	c := f.client(f.userWith(operator, "ann", `{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"},`+
		`{"Effect":"Deny","Action":"cloudtrail:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/locked":"yes"}}},`+
		`{"Effect":"Deny","Action":["cloudtrail:CreateTrail","cloudtrail:AddTags"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/locked":"yes"}}}`))
	for _, o := range operations {
		for _, name := range []string{"locked", "open"} {
			ref := arnOf(operator, "us-east-1", name)
			err := o.do(c, t.Context(), &ref)
			if name == "locked" {
				wantCode(t, o.name, err, "AccessDeniedException")
			} else if err != nil {
				t.Errorf("%s: %v", o.name, err)
			}
		}
	}
	f.make(root, "open")
	wantCode(t, "AddTags", func() error {
		_, err := c.AddTags(t.Context(), &sdk.AddTagsInput{ResourceId: awssdk.String(arnOf(operator, "us-east-1", "open")), TagsList: tagsFrom("locked", "yes")})
		return err
	}(), "AccessDeniedException")
	wantCode(t, "CreateTrail", func() error {
		_, err := c.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String("new"), S3BucketName: awssdk.String("logs"), TagsList: tagsFrom("locked", "yes")})
		return err
	}(), "AccessDeniedException")
}

// Of calls that come at the same time no more succeed than there is room for.
func TestConcurrentCreates(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	var made atomic.Int64
	var calls sync.WaitGroup
	for i := range 20 {
		calls.Go(func() {
			c := f.client(root.in(regions[i%2]))
			_, err := c.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String(fmt.Sprint("trail-", i/4)), S3BucketName: awssdk.String("logs"), IsMultiRegionTrail: awssdk.Bool(i%3 == 0)})
			if err == nil {
				made.Add(1)
			}
		})
	}
	calls.Wait()
	names := make(map[string]bool)
	trails := f.trails.List(operator)
	for _, region := range regions {
		n := 0
		for _, trail := range trails {
			if names[trail.ARN().String()] = true; trail.IsIn(region) {
				n++
			}
		}
		if n > 5 {
			t.Errorf("%d trails in %s", n, region)
		}
	}
	if int(made.Load()) != len(trails) || len(names) != len(trails) || len(trails) < 5 {
		t.Errorf("%d calls made %d trails of %d names", made.Load(), len(trails), len(names))
	}
}

// A region has five trails; one of all regions counts in each.
func TestTrailQuota(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	create := func(c caller, name string, multi bool) error {
		_, err := f.client(c).CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: &name, S3BucketName: awssdk.String("logs"), IsMultiRegionTrail: &multi})
		return err
	}
	for i := range 3 {
		must(t, create(root, fmt.Sprint("here-", i), false))
	}
	must(t, create(root.in("eu-west-1"), "wide-0", true))
	must(t, create(root.in("ap-south-1"), "wide-1", true))
	wantError[*types.MaximumNumberOfTrailsExceededException](t, "a sixth with two shadows", create(root, "here-3", false))
	wantError[*types.MaximumNumberOfTrailsExceededException](t, "a third of all regions", create(root.in("eu-west-1"), "wide-2", true))
	if probed := len(f.deliveries.probed); probed != 5 {
		t.Errorf("%d probes for five trails", probed)
	}
	for i := range 3 {
		must(t, create(root.in("eu-west-1"), fmt.Sprint("there-", i), false))
	}
	wantError[*types.MaximumNumberOfTrailsExceededException](t, "a sixth elsewhere", create(root.in("eu-west-1"), "there-3", false))
	convert := func(c caller, name string, multi bool) error {
		_, err := f.client(c).UpdateTrail(t.Context(), &sdk.UpdateTrailInput{Name: &name, IsMultiRegionTrail: &multi})
		return err
	}
	wantCode(t, "conversion", convert(root, "here-0", true), "MaximumNumberOfTrailsExceededException")
	must(t, convert(root.in("eu-west-1"), "wide-0", true)) // as it is
	must(t, create(f.root(other), "here-3", false))        // another account's
	_, err := f.client(root).DeleteTrail(t.Context(), &sdk.DeleteTrailInput{Name: awssdk.String("here-0")})
	must(t, err)
	must(t, create(root, "here-3", false))
	must(t, convert(root.in("eu-west-1"), "wide-0", false))
	must(t, create(root, "here-4", false))
}

// Reads have ten a second, writes one, for each operation, account and region;
// the eleventh is answered with status 400.
func TestTrailThrottling(t *testing.T) {
	t.Parallel()
	f := newFront(t, true)
	now := time.Now()
	f.frozen.Store(&now)
	root := f.root(operator)
	f.make(root, "audit")
	f.make(root.in("eu-west-1"), "audit")
	f.make(f.root(other), "audit")
	count := func(c caller, o operation) (passed int, last error) {
		trail := arnOf(c.account, c.region, "audit")
		for range 15 {
			err := o.do(f.client(c), t.Context(), &trail)
			if err != nil && strings.Contains(err.Error(), "ThrottlingException") {
				last = err
				continue
			}
			passed++
		}
		return passed, last
	}
	for _, o := range operations {
		want := 10
		if o.writes {
			want = 1
		}
		for _, c := range []caller{root, root.in("eu-west-1"), f.root(other)} {
			n, err := count(c, o)
			if n != want {
				t.Errorf("%s in %s of %s: %d a second, want %d", o.name, c.region, c.account, n, want)
			}
			wantCode(t, o.name, err, "ThrottlingException")
		}
	}
	for range 2 {
		_, err := f.client(root).LookupEvents(t.Context(), &sdk.LookupEventsInput{})
		must(t, err)
	}
	_, err := f.client(root).LookupEvents(t.Context(), &sdk.LookupEventsInput{})
	wantCode(t, "LookupEvents", err, "ThrottlingException")
}
