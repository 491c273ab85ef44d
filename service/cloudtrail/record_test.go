package cloudtrail_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cairn"
	"cairn/aws"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// records are the events of a user's calls, oldest first.
func (f *front) records(user string) []map[string]any {
	f.t.Helper()
	out, err := f.client(f.root(operator)).LookupEvents(f.t.Context(), &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, user), MaxResults: awssdk.Int32(50)})
	must(f.t, err)
	var all []map[string]any
	for _, e := range slices.Backward(out.Events) {
		all = append(all, rawOf(f.t, e))
	}
	return all
}

// Each operation leaves exactly one event, with parameters and answer as AWS
// writes them, whether it succeeds or not (S19).
func TestTrailRecords(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	ann := f.client(f.user(operator, "ann"))
	arn := arnOf(operator, "us-east-1", "audit")
	ctx := t.Context()
	selectors := `[{"readWriteType":"All","includeManagementEvents":true,"dataResources":[],"excludeManagementEventSources":[]}]`
	byName := func(name string) func() error {
		i := slices.IndexFunc(operations, func(o operation) bool { return o.name == name })
		return func() error { return operations[i].do(ann, ctx, &arn) }
	}
	calls := []struct {
		name               string
		do                 func() error
		parameters, answer string
		readOnly           bool
	}{
		{"CreateTrail", func() error {
			_, err := ann.CreateTrail(ctx, &sdk.CreateTrailInput{Name: awssdk.String("audit"), S3BucketName: awssdk.String("logs"), IncludeGlobalServiceEvents: awssdk.Bool(true), TagsList: tagsFrom("k", "v")})
			return err
		}, `{"name":"audit","s3BucketName":"logs","includeGlobalServiceEvents":true,"tagsList":[{"key":"k","value":"v"}]}`,
			`{"name":"audit","s3BucketName":"logs","includeGlobalServiceEvents":true,"isMultiRegionTrail":false,"trailARN":"` + arn + `","logFileValidationEnabled":false,"isOrganizationTrail":false}`, false},
		{"UpdateTrail", func() error {
			_, err := ann.UpdateTrail(ctx, &sdk.UpdateTrailInput{Name: &arn, S3KeyPrefix: awssdk.String(""), SnsTopicName: awssdk.String("topic"), IsMultiRegionTrail: awssdk.Bool(true)})
			return err
		}, `{"name":"` + arn + `","s3KeyPrefix":"","snsTopicName":"topic","isMultiRegionTrail":true}`,
			`{"name":"audit","s3BucketName":"logs","snsTopicName":"topic","snsTopicARN":"arn:aws:sns:us-east-1:` + operator + `:topic","includeGlobalServiceEvents":true,"isMultiRegionTrail":true,"trailARN":"` + arn + `","logFileValidationEnabled":false,"isOrganizationTrail":false}`, false},
		{"StartLogging", byName("StartLogging"), `{"name":"` + arn + `"}`, `null`, false},
		{"StopLogging", byName("StopLogging"), `{"name":"` + arn + `"}`, `null`, false},
		{"GetTrail", byName("GetTrail"), `{"name":"` + arn + `"}`, `null`, true},
		{"GetTrailStatus", byName("GetTrailStatus"), `{"name":"` + arn + `"}`, `null`, true},
		{"DescribeTrails", func() error {
			_, err := ann.DescribeTrails(ctx, &sdk.DescribeTrailsInput{TrailNameList: []string{}, IncludeShadowTrails: awssdk.Bool(true)})
			return err
		}, `{"trailNameList":[],"includeShadowTrails":true}`, `null`, true},
		{"ListTrails", func() error { _, err := ann.ListTrails(ctx, &sdk.ListTrailsInput{}); return err }, `null`, `null`, true},
		{"PutEventSelectors", func() error {
			_, err := ann.PutEventSelectors(ctx, &sdk.PutEventSelectorsInput{TrailName: awssdk.String("audit"), EventSelectors: []types.EventSelector{
				{ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: awssdk.Bool(true), DataResources: []types.DataResource{}, ExcludeManagementEventSources: []string{}}}})
			return err
		}, `{"trailName":"audit","eventSelectors":` + selectors + `}`, `{"trailARN":"` + arn + `","eventSelectors":` + selectors + `}`, false},
		{"GetEventSelectors", byName("GetEventSelectors"), `{"trailName":"` + arn + `"}`, `null`, true},
		{"PutInsightSelectors", byName("PutInsightSelectors"), `{"trailName":"` + arn + `","insightSelectors":[{"insightType":"ApiCallRateInsight"}]}`,
			`{"trailARN":"` + arn + `","insightSelectors":[{"insightType":"ApiCallRateInsight"}]}`, false},
		{"GetInsightSelectors", byName("GetInsightSelectors"), `{"trailName":"` + arn + `"}`, `null`, true},
		{"PutEventConfiguration", byName("PutEventConfiguration"), `{"trailName":"` + arn + `","aggregationConfigurations":[{"eventCategory":"Data","templates":["API_ACTIVITY"]}]}`,
			`{"trailARN":"` + arn + `","aggregationConfigurations":[{"eventCategory":"Data","templates":["API_ACTIVITY"]}]}`, false},
		{"GetEventConfiguration", byName("GetEventConfiguration"), `{"trailName":"` + arn + `"}`, `null`, true},
		{"AddTags", byName("AddTags"), `{"resourceId":"` + arn + `","tagsList":[{"key":"k","value":"v"}]}`, `null`, false},
		{"RemoveTags", byName("RemoveTags"), `{"resourceId":"` + arn + `","tagsList":[{"key":"k"}]}`, `null`, false},
		{"ListTags", byName("ListTags"), `{"resourceIdList":["` + arn + `"]}`, `null`, true},
		{"ListPublicKeys", func() error { _, err := ann.ListPublicKeys(ctx, &sdk.ListPublicKeysInput{}); return err }, `null`, `null`, true},
		{"GetResourcePolicy", func() error {
			_, err := ann.GetResourcePolicy(ctx, &sdk.GetResourcePolicyInput{ResourceArn: &arn})
			return err
		}, `{"resourceArn":"` + arn + `"}`, `null`, true},
		{"PutResourcePolicy", func() error {
			_, err := ann.PutResourcePolicy(ctx, &sdk.PutResourcePolicyInput{ResourceArn: &arn, ResourcePolicy: awssdk.String("{}")})
			return err
		}, `{"resourceArn":"` + arn + `","resourcePolicy":"{}"}`, `null`, false},
		{"DeleteResourcePolicy", func() error {
			_, err := ann.DeleteResourcePolicy(ctx, &sdk.DeleteResourcePolicyInput{ResourceArn: &arn})
			return err
		}, `{"resourceArn":"` + arn + `"}`, `null`, false},
		{"DeleteTrail", byName("DeleteTrail"), `{"name":"` + arn + `"}`, `null`, false},
		{"DeleteTrail", byName("DeleteTrail"), `{"name":"` + arn + `"}`, `null`, false}, // fails
	}
	failed := make([]bool, len(calls))
	for i, call := range calls {
		err := call.do()
		failed[i] = err != nil
		if want := strings.HasSuffix(call.name, "ResourcePolicy") || i == len(calls)-1; failed[i] != want {
			t.Errorf("%s: %v", call.name, err)
		}
	}
	records := f.records("ann")
	if len(records) != len(calls) {
		t.Fatalf("%d events of %d calls", len(records), len(calls))
	}
	for i, call := range calls {
		r := records[i]
		if r["eventName"] != call.name || r["readOnly"] != call.readOnly || r["eventSource"] != "cloudtrail.amazonaws.com" || r["managementEvent"] != true || (r["errorCode"] != nil) != failed[i] {
			t.Errorf("the record of %s is %v", call.name, r)
		}
		for member, want := range map[string]string{"requestParameters": call.parameters, "responseElements": call.answer} {
			var tree any
			must(t, json.Unmarshal([]byte(want), &tree))
			same(t, call.name+": "+member, r[member], tree)
		}
	}
}

// The calls of real records, made again, leave the same records.
func TestRealTrailRecords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../shared/data/invictus/CloudTrail/*.json")
	must(t, err)
	if len(files) == 0 {
		t.Skip("the real records are not there")
	}
	f := newFront(t, false)
	c := f.user(operator, "ann")
	seen := 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		must(t, err)
		var file struct{ Records []map[string]any }
		must(t, json.Unmarshal(b, &file))
		for _, r := range file.Records {
			event, _ := r["eventName"].(string)
			if r["eventSource"] != "cloudtrail.amazonaws.com" || event == "LookupEvents" {
				continue
			}
			seen++
			account, region := r["recipientAccountId"].(string), r["awsRegion"].(string)
			here := strings.NewReplacer(account, operator, region, "us-east-1")
			b, err := json.Marshal(map[string]any{"p": r["requestParameters"], "a": r["responseElements"], "e": r["errorCode"], "m": r["errorMessage"], "r": r["readOnly"], "c": r["eventCategory"], "t": r["eventType"]})
			must(t, err)
			var want map[string]any
			must(t, json.Unmarshal([]byte(here.Replace(string(b))), &want))
			parameters, _ := want["p"].(map[string]any)
			f.prepare(event, parameters, want["e"] == nil)
			body, err := json.Marshal(apiCase(event, parameters))
			must(t, err)
			before := len(f.records("ann"))
			_, err = aws.InProcess{Handler: f.mux}.RoundTrip(signed(t, c, event, string(body)))
			must(t, err)
			records := f.records("ann")
			if len(records) != before+1 {
				t.Fatalf("%d events of one %s", len(records)-before, event)
			}
			got := records[before]
			same(t, event, map[string]any{"p": got["requestParameters"], "a": got["responseElements"], "e": got["errorCode"], "m": got["errorMessage"], "r": got["readOnly"], "c": got["eventCategory"], "t": got["eventType"]}, want)
		}
	}
	if seen < 20 {
		t.Errorf("only %d real records", seen)
	}
}

// prepare makes or removes the trail of a call, so that it succeeds or fails as it
// did.
func (f *front) prepare(event string, parameters map[string]any, succeeds bool) {
	f.t.Helper()
	name, _ := parameters["name"].(string)
	if s, ok := parameters["trailName"].(string); ok {
		name = s
	}
	if list, ok := parameters["resourceIdList"].([]any); ok {
		_, name, _ = strings.Cut(list[0].(string), "trail/")
	}
	if _, short, ok := strings.Cut(name, "trail/"); ok {
		name = short
	}
	for _, t := range f.trails.List(operator) {
		must(f.t, f.trails.Delete(operator, t.ID, "r"))
	}
	if name != "" && succeeds && event != "CreateTrail" {
		_, err := f.trails.Create(cairn.Trail{Name: name, AccountID: operator, HomeRegion: "us-east-1", S3BucketName: "logs", Logging: event == "StopLogging"}, nil)
		must(f.t, err)
	}
}

// apiCase spells the parameters of a record as the API does.
func apiCase(event string, tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		m := make(map[string]any)
		for key, value := range v {
			if event != "DescribeTrails" {
				key = strings.ToUpper(key[:1]) + key[1:]
			}
			m[key] = apiCase(event, value)
		}
		return m
	case []any:
		list := []any{}
		for _, value := range v {
			list = append(list, apiCase(event, value))
		}
		return list
	}
	return tree
}
