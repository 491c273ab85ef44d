package cloudtrail_test

import (
	"fmt"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

func managementAndObjects() []types.AdvancedEventSelector {
	return []types.AdvancedEventSelector{
		{Name: awssdk.String("management"), FieldSelectors: []types.AdvancedFieldSelector{{Field: awssdk.String("eventCategory"), Equals: []string{"Management"}}}},
		{FieldSelectors: []types.AdvancedFieldSelector{
			{Field: awssdk.String("eventCategory"), Equals: []string{"Data"}},
			{Field: awssdk.String("resources.type"), Equals: []string{"AWS::S3::Object"}},
			{Field: awssdk.String("resources.ARN"), NotStartsWith: []string{"arn:aws:s3:::logs/"}, StartsWith: []string{"arn:aws:s3:::"}},
		}},
	}
}

// Selectors of one kind take the place of all that there were.
func TestEventSelectors(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root)
	f.make(root, "audit")
	name := awssdk.String("audit")
	type selectors struct {
		ARN      *string
		Basic    []types.EventSelector
		Advanced []types.AdvancedEventSelector
	}
	custom := func(want bool) {
		t.Helper()
		out, err := c.GetTrail(t.Context(), &sdk.GetTrailInput{Name: name})
		must(t, err)
		if *out.Trail.HasCustomEventSelectors != want {
			t.Errorf("HasCustomEventSelectors is %v", !want)
		}
	}
	expect := func(what string, want selectors) {
		t.Helper()
		got, err := c.GetEventSelectors(t.Context(), &sdk.GetEventSelectorsInput{TrailName: name})
		must(t, err)
		want.ARN = awssdk.String(arnOf(operator, "us-east-1", "audit"))
		same(t, what, selectors{got.TrailARN, got.EventSelectors, got.AdvancedEventSelectors}, want)
	}
	put := func(basic []types.EventSelector, advanced []types.AdvancedEventSelector) error {
		t.Helper()
		out, err := c.PutEventSelectors(t.Context(), &sdk.PutEventSelectorsInput{TrailName: name, EventSelectors: basic, AdvancedEventSelectors: advanced})
		if err == nil {
			expect("GetEventSelectors after PutEventSelectors", selectors{Basic: out.EventSelectors, Advanced: out.AdvancedEventSelectors})
		}
		return err
	}
	plain := types.EventSelector{
		ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: awssdk.Bool(true), DataResources: []types.DataResource{}, ExcludeManagementEventSources: []string{},
	}
	expect("a new trail", selectors{Basic: []types.EventSelector{plain}})
	custom(false)

	basic := []types.EventSelector{
		{ReadWriteType: types.ReadWriteTypeWriteOnly, ExcludeManagementEventSources: []string{"kms.amazonaws.com"}},
		{IncludeManagementEvents: awssdk.Bool(false), DataResources: []types.DataResource{{Type: awssdk.String("AWS::S3::Object"), Values: []string{"arn:aws:s3:::b/x", "arn:aws:s3"}}}},
	}
	must(t, put(basic, nil))
	one, two := plain, plain
	one.ReadWriteType, one.ExcludeManagementEventSources = types.ReadWriteTypeWriteOnly, []string{"kms.amazonaws.com"}
	two.IncludeManagementEvents, two.DataResources = awssdk.Bool(false), basic[1].DataResources
	expect("basic", selectors{Basic: []types.EventSelector{one, two}})
	custom(true)
	must(t, put(nil, managementAndObjects()))
	expect("advanced in place of basic", selectors{Advanced: managementAndObjects()})
	custom(true)

	bad := func(what string, basic []types.EventSelector, advanced []types.AdvancedEventSelector) {
		t.Helper()
		wantError[*types.InvalidEventSelectorsException](t, what, put(basic, advanced))
	}
	bad("both", basic, managementAndObjects())
	bad("neither", nil, nil)
	bad("empty ones", []types.EventSelector{}, []types.AdvancedEventSelector{})
	bad("six", []types.EventSelector{plain, plain, plain, plain, plain, plain}, nil)
	bad("read-only", []types.EventSelector{{ReadWriteType: "read-only"}}, nil)
	bad("another type", []types.EventSelector{{DataResources: []types.DataResource{{Type: awssdk.String("AWS::S3::Bucket"), Values: []string{"arn:aws:s3"}}}}}, nil)
	var values []string
	for i := range 251 {
		values = append(values, fmt.Sprintf("arn:aws:s3:::b%d/", i))
	}
	bad("251 resources", []types.EventSelector{{DataResources: []types.DataResource{{Type: awssdk.String("AWS::S3::Object"), Values: values}}}}, nil)
	bad("no category", nil, []types.AdvancedEventSelector{{FieldSelectors: []types.AdvancedFieldSelector{{Field: awssdk.String("readOnly"), Equals: []string{"true"}}}}})
	many := managementAndObjects()
	for len(values) <= 500 {
		values = append(values, values...)
	}
	many[1].FieldSelectors[2].StartsWith = values
	bad("more than 500 values", nil, many)
	expect("after refusals", selectors{Advanced: managementAndObjects()})

	// AWS takes this, by which attackers leave a trail that takes nothing.
	hollow := plain
	hollow.IncludeManagementEvents, hollow.DataResources = awssdk.Bool(false), []types.DataResource{{Type: awssdk.String("AWS::S3::Object"), Values: []string{}}}
	must(t, put([]types.EventSelector{hollow}, nil))
	expect("resources without values", selectors{Basic: []types.EventSelector{hollow}})
	custom(true)

	must(t, put([]types.EventSelector{plain}, nil))
	expect("basic in place of advanced", selectors{Basic: []types.EventSelector{plain}})
	custom(false)
}

// Insights need the events that they are computed from, when they are asked for.
func TestInsightSelectors(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root)
	f.make(root, "audit")
	name := awssdk.String("audit")
	rate, failures := types.InsightSelector{InsightType: types.InsightTypeApiCallRateInsight}, types.InsightSelector{InsightType: types.InsightTypeApiErrorRateInsight}
	put := func(s ...types.InsightSelector) error {
		if s == nil {
			s = []types.InsightSelector{}
		}
		_, err := c.PutInsightSelectors(t.Context(), &sdk.PutInsightSelectorsInput{TrailName: name, InsightSelectors: s})
		return err
	}
	take := func(readWrite types.ReadWriteType, management bool) {
		t.Helper()
		_, err := c.PutEventSelectors(t.Context(), &sdk.PutEventSelectorsInput{TrailName: name, EventSelectors: []types.EventSelector{{
			ReadWriteType: readWrite, IncludeManagementEvents: &management, DataResources: []types.DataResource{{Type: awssdk.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}}}}})
		must(t, err)
	}
	get := func() (*sdk.GetInsightSelectorsOutput, error) {
		return c.GetInsightSelectors(t.Context(), &sdk.GetInsightSelectorsInput{TrailName: name})
	}
	_, err := get()
	wantError[*types.InsightNotEnabledException](t, "never set", err)
	must(t, put(rate, failures))
	got, err := get()
	must(t, err)
	same(t, "Insights", got.InsightSelectors, []types.InsightSelector{rate, failures})
	if *got.TrailARN != arnOf(operator, "us-east-1", "audit") || got.EventDataStoreArn != nil || got.InsightsDestination != nil {
		t.Errorf("GetInsightSelectors: %+v", got)
	}
	shown, err := c.GetTrail(t.Context(), &sdk.GetTrailInput{Name: name})
	must(t, err)
	if !*shown.Trail.HasInsightSelectors {
		t.Error("HasInsightSelectors is false")
	}
	take(types.ReadWriteTypeAll, false) // AWS does not refuse this; there are no Insights then
	must(t, put())
	_, err = get()
	wantError[*types.InsightNotEnabledException](t, "switched off", err)

	for _, tt := range []struct {
		readWrite      types.ReadWriteType
		management     bool
		rate, failures bool
	}{
		{types.ReadWriteTypeAll, true, true, true},
		{types.ReadWriteTypeWriteOnly, true, true, true},
		{types.ReadWriteTypeReadOnly, true, false, true},
		{types.ReadWriteTypeAll, false, false, false},
	} {
		take(tt.readWrite, tt.management)
		for _, s := range []struct {
			selector types.InsightSelector
			ok       bool
		}{{rate, tt.rate}, {failures, tt.failures}} {
			err := put(s.selector)
			if what := fmt.Sprintf("%s of %s, management events %v", s.selector.InsightType, tt.readWrite, tt.management); !s.ok {
				wantError[*types.InvalidInsightSelectorsException](t, what, err)
			} else if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	take(types.ReadWriteTypeAll, true)
	wantError[*types.InvalidInsightSelectorsException](t, "an unknown type", put(types.InsightSelector{InsightType: "Weather"}))
	wantError[*types.InvalidInsightSelectorsException](t, "one twice", put(rate, rate))
	store := awssdk.String("arn:aws:cloudtrail:us-east-1:" + operator + ":eventdatastore/EXAMPLE")
	_, err = c.PutInsightSelectors(t.Context(), &sdk.PutInsightSelectorsInput{TrailName: name, EventDataStore: store, InsightSelectors: []types.InsightSelector{rate}})
	wantError[*types.InvalidParameterCombinationException](t, "trail and store", err)
	_, err = c.PutInsightSelectors(t.Context(), &sdk.PutInsightSelectorsInput{EventDataStore: store, InsightsDestination: store, InsightSelectors: []types.InsightSelector{rate}})
	wantError[*types.UnsupportedOperationException](t, "a store", err)
	_, err = c.GetInsightSelectors(t.Context(), &sdk.GetInsightSelectorsInput{})
	wantError[*types.InvalidParameterException](t, "nothing", err)
}

func TestEventConfiguration(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root)
	f.make(root, "audit")
	name := awssdk.String("audit")
	put := func(in sdk.PutEventConfigurationInput) error {
		in.TrailName = name
		_, err := c.PutEventConfiguration(t.Context(), &in)
		return err
	}
	expect := func(want []types.AggregationConfiguration) {
		t.Helper()
		out, err := c.GetEventConfiguration(t.Context(), &sdk.GetEventConfigurationInput{TrailName: name})
		must(t, err)
		same(t, "GetEventConfiguration", out.AggregationConfigurations, want)
	}
	data := types.AggregationConfiguration{EventCategory: types.EventCategoryAggregationData, Templates: []types.Template{types.TemplateApiActivity, types.TemplateUserActions}}
	expect([]types.AggregationConfiguration{})
	must(t, put(sdk.PutEventConfigurationInput{AggregationConfigurations: []types.AggregationConfiguration{data}}))
	expect([]types.AggregationConfiguration{data})
	wantError[*types.InvalidParameterException](t, "two", put(sdk.PutEventConfigurationInput{AggregationConfigurations: []types.AggregationConfiguration{data, data}}))
	wantError[*types.InvalidParameterException](t, "management events", put(sdk.PutEventConfigurationInput{AggregationConfigurations: []types.AggregationConfiguration{{EventCategory: "Management", Templates: data.Templates}}}))
	wantError[*types.InvalidParameterException](t, "a size", put(sdk.PutEventConfigurationInput{MaxEventSize: types.MaxEventSizeLarge}))
	wantError[*types.InvalidParameterException](t, "context keys", put(sdk.PutEventConfigurationInput{ContextKeySelectors: []types.ContextKeySelector{{Type: types.TypeTagContext, Equals: []string{"k"}}}}))
	expect([]types.AggregationConfiguration{data})
	must(t, put(sdk.PutEventConfigurationInput{AggregationConfigurations: []types.AggregationConfiguration{}}))
	expect([]types.AggregationConfiguration{})
}
