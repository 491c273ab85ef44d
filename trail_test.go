package cairn_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
)

func newTrail() *cairn.Trail {
	return &cairn.Trail{
		Name: "main", AccountID: "111122223333", HomeRegion: "eu-west-1", S3BucketName: "audit-bucket",
		IncludeGlobalServiceEvents: true, Created: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
	}
}

// Which regions' events a trail takes, and whether it takes global ones.
func TestTrailWants(t *testing.T) {
	t.Parallel()
	all := []string{"eu-west-1", "us-east-1", "us-west-2"}
	for name, c := range map[string]struct {
		home          string
		multi, global bool
		regions       string // whose events it takes
		globals       bool   // whether it takes global-service events of us-east-1
	}{
		"single":                    {"eu-west-1", false, true, "eu-west-1", false},
		"single without globals":    {"eu-west-1", false, false, "eu-west-1", false},
		"us-east-1":                 {"us-east-1", false, true, "us-east-1", true},
		"us-east-1 without globals": {"us-east-1", false, false, "us-east-1", false},
		"multi-region":              {"eu-west-1", true, true, "eu-west-1 us-east-1 us-west-2", true},
		"home is none of them":      {"ap-south-1", false, true, "", false},
	} {
		trail := newTrail()
		trail.HomeRegion, trail.IsMultiRegion, trail.IncludeGlobalServiceEvents = c.home, c.multi, c.global
		if got := strings.Join(trail.Regions(all), " "); got != c.regions {
			t.Errorf("%s: regions %q, want %q", name, got, c.regions)
		}
		var wanted []string
		for _, region := range all {
			if trail.Wants(region, false) {
				wanted = append(wanted, region)
			}
			if trail.Wants(region, false) != trail.IsIn(region) {
				t.Errorf("%s: is in %s: %t", name, region, trail.IsIn(region))
			}
		}
		if got := strings.Join(wanted, " "); got != c.regions {
			t.Errorf("%s: wants events of %q, want %q", name, got, c.regions)
		}
		if got := trail.Wants(cairn.GlobalRegion, true); got != c.globals {
			t.Errorf("%s: wants global-service events: %t", name, got)
		}
	}
}

// Becoming a multi-region trail includes global-service events, and going back
// leaves them as they are.
func TestTrailSetMultiRegion(t *testing.T) {
	t.Parallel()
	trail := newTrail()
	trail.IncludeGlobalServiceEvents = false
	for i, c := range []struct{ multi, global bool }{{false, false}, {true, true}, {true, true}, {false, true}, {false, true}} {
		trail.SetMultiRegion(c.multi)
		if trail.IsMultiRegion != c.multi || trail.IncludeGlobalServiceEvents != c.global {
			t.Errorf("step %d: multi-region %t, global %t", i, trail.IsMultiRegion, trail.IncludeGlobalServiceEvents)
		}
	}
}

// An organization's trail takes its members' events, any other its own account's.
func TestTrailWantsAccount(t *testing.T) {
	t.Parallel()
	own, organization := newTrail(), newTrail()
	organization.IsOrganization, organization.OrganizationID = true, "o-abc"
	for _, c := range []struct {
		trail   *cairn.Trail
		account string
		member  bool
		want    bool
	}{
		{own, "111122223333", false, true}, {own, "444455556666", true, false},
		{organization, "111122223333", true, true}, {organization, "444455556666", true, true}, {organization, "444455556666", false, false},
	} {
		if got := c.trail.WantsAccount(c.account, c.member); got != c.want {
			t.Errorf("organization %t, account %s, member %t: %t", c.trail.IsOrganization, c.account, c.member, got)
		}
	}
	const key = "AWSLogs/o-abc/444455556666/CloudTrail/eu-west-1/2026/11/20/444455556666_CloudTrail_eu-west-1_20261120T1000Z_u.json.gz"
	if got := organization.LogFileName("444455556666", "eu-west-1", cairn.LogKindCloudTrail, organization.Created, "u").Key(); got != key {
		t.Errorf("key %s, want %s", got, key)
	}
	// A trail that was an organization's once keeps the ID and not the layout.
	organization.IsOrganization = false
	if got := organization.DigestFileName("111122223333", "eu-west-1", organization.Created, false).Key(); strings.Contains(got, "o-abc") {
		t.Errorf("key %s", got)
	}
}

func TestTrailARN(t *testing.T) {
	t.Parallel()
	trail := newTrail()
	const want = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
	if got := trail.ARN().String(); got != want {
		t.Errorf("ARN %s, want %s", got, want)
	}
	arn, name, err := cairn.ParseTrailARN(want)
	if err != nil || name != "main" || arn != trail.ARN() {
		t.Errorf("%v, %s, %v", arn, name, err)
	}
	trail.Partition = "aws-cn"
	if got := trail.ARN().String(); !strings.HasPrefix(got, "arn:aws-cn:") {
		t.Errorf("ARN %s", got)
	}
	for _, bad := range []string{
		"", "main", "arn:aws:cloudtrail:eu-west-1:111122223333:main", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/",
		"arn:aws:cloudtrail:eu-west-1:111122223333:trail/a--b", "arn:aws:s3:eu-west-1:111122223333:trail/main",
		"arn:aws:cloudtrail::111122223333:trail/main", "arn:aws:cloudtrail:eu-west-1:1:trail/main",
	} {
		var fault *cairn.NameError
		if _, _, err := cairn.ParseTrailARN(bad); !errors.As(err, &fault) || fault.Name != bad {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A setting that is at fault is named.
func TestTrailValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*cairn.Trail)
		want   string
	}{
		{func(t *cairn.Trail) {}, ""},
		{func(t *cairn.Trail) { t.SetMultiRegion(true) }, ""},
		{func(t *cairn.Trail) { t.Name = "a" }, "Name"},
		{func(t *cairn.Trail) { t.S3BucketName = "A" }, "S3BucketName"},
		{func(t *cairn.Trail) { t.S3KeyPrefix = strings.Repeat("p", 201) }, "S3KeyPrefix"},
		{func(t *cairn.Trail) { t.SNSTopicARN = "a topic" }, "SnsTopicName"},
		{func(t *cairn.Trail) { t.SNSTopicARN = "arn:aws:sns:eu-west-1:111122223333:topic" }, ""},
		{func(t *cairn.Trail) { t.EventSelectors = []cairn.EventSelector{{ReadWriteType: "x"}} }, "EventSelectors"},
		{func(t *cairn.Trail) { t.InsightSelectors = []cairn.InsightSelector{{InsightType: "x"}} }, "InsightSelectors"},
		{func(t *cairn.Trail) { t.AggregationConfigurations = []cairn.AggregationConfiguration{{}} }, "AggregationConfigurations"},
		{func(t *cairn.Trail) { t.AccountID = "1" }, "AccountID"},
		{func(t *cairn.Trail) { t.HomeRegion = "" }, "HomeRegion"},
		{func(t *cairn.Trail) { t.IsMultiRegion, t.IncludeGlobalServiceEvents = true, false }, "IncludeGlobalServiceEvents combination"},
		{func(t *cairn.Trail) { t.CloudWatchLogsRoleARN = "r" }, "CloudWatchLogsLogGroupArn combination"},
		{func(t *cairn.Trail) { t.CloudWatchLogsLogGroupARN = "g" }, "CloudWatchLogsRoleArn combination"},
		{func(t *cairn.Trail) { t.CloudWatchLogsRoleARN, t.CloudWatchLogsLogGroupARN = "r", "g" }, ""},
		{func(t *cairn.Trail) { t.IsOrganization = true }, "IsOrganizationTrail"},
	} {
		trail := newTrail()
		c.change(trail)
		err := trail.Validate()
		got := ""
		if fault, ok := err.(*cairn.TrailError); ok {
			got = fault.Field
			if fault.Combination {
				got += " combination"
			}
			if err.Error() == "" || errors.Unwrap(err) == nil {
				t.Errorf("%s: error %q", got, err)
			}
		}
		if got != c.want || (err != nil) != (c.want != "") {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}

// A trail without selectors has the default ones, and knows its own for custom
// only if they change what it takes.
func TestTrailSelectors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		basic    []cairn.EventSelector
		advanced []cairn.AdvancedEventSelector
		takes    string
		custom   bool
	}{
		"none":    {nil, nil, "kms rdsdata read write", false},
		"default": {cairn.DefaultEventSelectors(), nil, "kms rdsdata read write", false},
		"reads":   {[]cairn.EventSelector{{ReadWriteType: "ReadOnly"}}, nil, "kms read", true},
		"no kms":  {[]cairn.EventSelector{{ExcludeManagementEventSources: []string{"kms.amazonaws.com"}}}, nil, "rdsdata read write", true},
		"advanced": {nil, []cairn.AdvancedEventSelector{{FieldSelectors: []cairn.AdvancedFieldSelector{{Field: "eventCategory", Equals: []string{"Management"}}}}},
			"kms rdsdata read write", true},
		"objects": {[]cairn.EventSelector{{DataResources: []cairn.DataResource{{Type: "AWS::S3::Object", Values: []string{"arn:aws:s3:::photos2/"}}}}}, nil,
			"kms other rdsdata read write", true},
	} {
		trail := newTrail()
		trail.EventSelectors, trail.AdvancedEventSelectors = c.basic, c.advanced
		s, err := trail.Selectors()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := taken(t, s); got != c.takes {
			t.Errorf("%s: takes %s, want %s", name, got, c.takes)
		}
		if got := trail.HasCustomEventSelectors(); got != c.custom {
			t.Errorf("%s: custom %t", name, got)
		}
	}
}

// A trail is kept as JSON without a loss.
func TestTrailJSON(t *testing.T) {
	t.Parallel()
	trail := newTrail()
	trail.EventSelectors = cairn.DefaultEventSelectors()
	trail.InsightSelectors = []cairn.InsightSelector{{InsightType: "ApiErrorRateInsight", EventCategories: []string{"Data"}}}
	trail.Logging, trail.LoggingStarted = true, trail.Created.Add(time.Hour)
	text, err := json.Marshal(trail)
	if err != nil {
		t.Fatal(err)
	}
	again := new(cairn.Trail)
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	again.EventSelectors[0] = again.EventSelectors[0].WithDefaults() // empty lists are not written
	if !reflect.DeepEqual(again, trail) || !again.HasInsightSelectors() {
		t.Errorf("%+v becomes %+v", trail, again)
	}
	if strings.Contains(string(text), "LoggingStopped") {
		t.Errorf("a time that there is not is written: %s", text)
	}
}

// Insight selectors and aggregation configurations that AWS refuses are refused.
func TestValidateInsightSelectors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`: "", `[{"InsightType":"ApiCallRateInsight"},{"InsightType":"ApiErrorRateInsight","EventCategories":["Management","Data"]}]`: "",
		`[{}]`: "InsightType", `[{"InsightType":"ApiCallRateInsight"},{"InsightType":"ApiCallRateInsight"}]`: "InsightType",
		`[{"InsightType":"ApiCallRateInsight","EventCategories":["Insight"]}]`:     "EventCategories",
		`[{"InsightType":"ApiCallRateInsight","EventCategories":["Data","Data"]}]`: "EventCategories",
	} {
		var s []cairn.InsightSelector
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		checkField(t, text, cairn.ValidateInsightSelectors(s), want)
	}
	for text, want := range map[string]string{
		`[]`: "", `[{"EventCategory":"Data","Templates":["API_ACTIVITY","RESOURCE_ACCESS","USER_ACTIONS"]}]`: "",
		`[{"EventCategory":"Management","Templates":["API_ACTIVITY"]}]`: "EventCategory",
		`[{"EventCategory":"Data"}]`:                                    "Templates", `[{"EventCategory":"Data","Templates":["X"]}]`: "Templates",
		`[{"EventCategory":"Data","Templates":["API_ACTIVITY","API_ACTIVITY"]}]`: "Templates",
		`[{},{}]`: "AggregationConfigurations",
	} {
		var c []cairn.AggregationConfiguration
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		checkField(t, text, cairn.ValidateAggregationConfigurations(c), want)
	}
}

// checkField holds the field of a *SelectorError, "" for none, to what is wanted.
func checkField(t *testing.T, what string, err error, want string) {
	t.Helper()
	got := ""
	if fault, ok := err.(*cairn.SelectorError); ok {
		got = fault.Field
	}
	if got != want || (err != nil) != (want != "") {
		t.Errorf("%s: %v, want a fault of %q", what, err, want)
	}
}

// A trail's regions are a list of its own.
func TestTrailRegionsAreACopy(t *testing.T) {
	t.Parallel()
	all := []string{"eu-west-1", "us-east-1"}
	trail := newTrail()
	trail.SetMultiRegion(true)
	trail.Regions(all)[0] = "x"
	if !slices.Equal(all, []string{"eu-west-1", "us-east-1"}) {
		t.Errorf("regions %v", all)
	}
}

// Whether a trail takes an event, and what it says of it.
func TestTrailMatch(t *testing.T) {
	t.Parallel()
	iam := fields{category: "Management", readOnly: "false", source: "iam.amazonaws.com", name: "CreateUser", region: "us-east-1"}
	for name, c := range map[string]struct {
		change func(*cairn.Trail)
		event  fields
		member bool
		want   string
	}{
		"home":              {func(*cairn.Trail) {}, managementWrite, false, "taken by selector 1"},
		"global at home":    {func(t *cairn.Trail) { t.HomeRegion = "us-east-1" }, iam, false, "taken by selector 1"},
		"global everywhere": {func(t *cairn.Trail) { t.SetMultiRegion(true) }, iam, false, "taken by selector 1"},
		"member":            {func(t *cairn.Trail) { t.AccountID, t.IsOrganization = "444455556666", true }, managementWrite, true, "taken by selector 1"},
		"no member": {func(t *cairn.Trail) { t.AccountID, t.IsOrganization = "444455556666", true }, managementWrite, false,
			"not taken: account 111122223333 is not in the trail's organization"},
		"other account": {func(t *cairn.Trail) { t.AccountID = "444455556666" }, managementWrite, true,
			"not taken: the event is of account 111122223333, and the trail of account 444455556666"},
		"other region": {func(t *cairn.Trail) { t.HomeRegion = "us-west-2" }, managementWrite, false,
			"not taken: the event is of region eu-west-1, and the trail for us-west-2 alone"},
		"global elsewhere": {func(*cairn.Trail) {}, iam, false,
			"not taken: global-service events are recorded in us-east-1, and the trail is for eu-west-1 alone"},
		"no globals": {func(t *cairn.Trail) { t.HomeRegion, t.IncludeGlobalServiceEvents = "us-east-1", false }, iam, false,
			"not taken: the trail leaves out global-service events"},
		"selectors": {func(*cairn.Trail) {}, objectRead, false, "not taken: no selector is for Data events"},
	} {
		trail := newTrail()
		c.change(trail)
		s, err := trail.Selectors()
		if err != nil {
			t.Fatal(err)
		}
		e := subjectOf(t, c.event)
		matched, why := trail.Explain(e, s, c.member)
		if why != c.want || matched != strings.HasPrefix(why, "taken") {
			t.Errorf("%s: %t, %q, want %q", name, matched, why, c.want)
		}
		if got := trail.Match(e, s, c.member); got != matched {
			t.Errorf("%s: match %t, explained by %q", name, got, why)
		}
	}
}
