package cloudtrail_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/identity"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/aws"
)

// Each of the eight keys finds its events and no others, whatever the case of
// their letters.
func TestKeys(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	c := f.client(f.root(operator))
	f.put(
		made{name: "StopLogging", source: "cloudtrail.amazonaws.com", user: "eve", key: "AKIAEVE", id: "11111111-0000-4000-8000-000000000001",
			resource: [2]string{"AWS::CloudTrail::Trail", "arn:aws:cloudtrail:us-east-1:111111111111:trail/main"}},
		made{name: "ListThings", source: "things.amazonaws.com", readOnly: true, root: true},
		made{name: "stoplogging", source: "CloudTrail.amazonaws.com", user: "EVE", key: "akiaeve", resource: [2]string{"aws::cloudtrail::trail", "arn:aws:cloudtrail:us-east-1:111111111111:trail/Main"}},
		made{name: "GetThing", category: "Data", user: "eve", source: "cloudtrail.amazonaws.com"},
	)
	for _, tt := range []struct {
		key   types.LookupAttributeKey
		value string
		want  []string
	}{
		{types.LookupAttributeKeyEventId, "11111111-0000-4000-8000-000000000001", []string{"StopLogging"}},
		{types.LookupAttributeKeyEventName, "StopLogging", []string{"StopLogging"}},
		{types.LookupAttributeKeyEventSource, "cloudtrail.amazonaws.com", []string{"StopLogging"}},
		{types.LookupAttributeKeyUsername, "eve", []string{"StopLogging"}},
		{types.LookupAttributeKeyUsername, "root", []string{"ListThings"}},
		{types.LookupAttributeKeyAccessKeyId, "AKIAEVE", []string{"StopLogging"}},
		{types.LookupAttributeKeyResourceType, "AWS::CloudTrail::Trail", []string{"StopLogging"}},
		{types.LookupAttributeKeyResourceName, "arn:aws:cloudtrail:us-east-1:111111111111:trail/main", []string{"StopLogging"}},
		{types.LookupAttributeKeyEventName, "StopLog", nil},
		{types.LookupAttributeKeyEventName, "GetThing", nil}, // a data event
		{types.LookupAttributeKeyEventName, "*", nil},
		{types.LookupAttributeKeyReadOnly, "False", nil},
	} {
		out, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: by(tt.key, tt.value)})
		must(t, err)
		got := names(out)
		if tt.value == "root" || tt.value == "cloudtrail.amazonaws.com" {
			// Root's own lookups are events, too.
			got = slices.DeleteFunc(got, func(name string) bool { return name == "LookupEvents" })
		}
		if !slices.Equal(got, tt.want) && len(got)+len(tt.want) > 0 {
			t.Errorf("%s=%s: %v, want %v", tt.key, tt.value, got, tt.want)
		}
	}
	for value, want := range map[string]string{"false": "StopLogging", "true": "ListThings"} {
		out, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyReadOnly, value)})
		must(t, err)
		if !slices.Contains(names(out), want) {
			t.Errorf("ReadOnly=%s: %v", value, names(out))
		}
		for _, e := range out.Events {
			if *e.ReadOnly != value {
				t.Errorf("ReadOnly=%s gives %s with ReadOnly %q", value, *e.EventName, *e.ReadOnly)
			}
		}
	}
}

// An event is given with all its members, and its record byte by byte.
func TestEvent(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	at := f.now().Add(-time.Hour).Truncate(time.Second)
	m := made{
		name: "StopLogging", source: "cloudtrail.amazonaws.com", user: "eve", key: "AKIAEVE", id: "11111111-0000-4000-8000-000000000001", at: at,
		resource:   [2]string{"AWS::CloudTrail::Trail", "arn:aws:cloudtrail:us-east-1:111111111111:trail/main"},
		parameters: `{"z":1,"a":9007199254740993,"n":1.50e+01,"html":"<&>","é":"\u00e9é\ud83d\ude00","Tagging":1,"tagging":2,"list":[ ],"ctl":"\u0000\u2028"}`,
	}
	f.put(m)
	out, err := f.client(f.root(operator)).LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyEventId, m.id)})
	must(t, err)
	if len(out.Events) != 1 || out.NextToken != nil {
		t.Fatalf("%d events", len(out.Events))
	}
	e := out.Events[0]
	if *e.CloudTrailEvent != string(f.raw(m)) {
		t.Errorf("the record is %s\nwant %s", *e.CloudTrailEvent, f.raw(m))
	}
	if *e.EventId != m.id || *e.EventName != m.name || *e.ReadOnly != "false" || *e.AccessKeyId != m.key || !e.EventTime.Equal(at) ||
		*e.EventSource != m.source || *e.Username != "eve" || len(e.Resources) == 0 || *e.Resources[0].ResourceType != m.resource[0] || *e.Resources[0].ResourceName != m.resource[1] {
		t.Errorf("%+v", e)
	}
}

// Calls are found in the history under the name of their caller.
func TestUsernames(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root, kit := f.root(operator), f.user(operator, "kit")
	role := &identity.Role{Head: identity.Head{Name: "auditor", Path: "/"}, MaxSession: time.Hour,
		Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/kit"},"Action":"sts:AssumeRole"}}`}
	role.Inline = map[string]string{"look": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudtrail:LookupEvents","Resource":"*"}}`}
	must(t, f.store.Roles.Create(operator, role, nil))
	session := stssdk.New(stssdk.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String("http://sts.invalid"), HTTPClient: &http.Client{Transport: aws.InProcess{Handler: f.mux}},
		Credentials: credentials.NewStaticCredentialsProvider(kit.id, kit.secret, ""), RetryMaxAttempts: 1,
	})
	assumed, err := session.AssumeRole(t.Context(), &stssdk.AssumeRoleInput{RoleArn: awssdk.String(role.ARN(operator)), RoleSessionName: awssdk.String("night-shift")})
	must(t, err)
	k := assumed.Credentials
	for _, c := range []caller{root, kit, {region: "us-east-1", id: *k.AccessKeyId, secret: *k.SecretAccessKey, token: *k.SessionToken}} {
		_, err := f.client(c).LookupEvents(t.Context(), &sdk.LookupEventsInput{MaxResults: awssdk.Int32(1)})
		must(t, err)
	}
	for user, want := range map[string]string{"root": "Root", "kit": "IAMUser", "night-shift": "AssumedRole"} {
		out, err := f.client(root).LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, user)})
		must(t, err)
		if !slices.Contains(names(out), "LookupEvents") {
			t.Errorf("%s: %v", user, names(out))
		}
		for _, e := range out.Events {
			who, _ := rawOf(t, e)["userIdentity"].(map[string]any)
			if *e.Username != user || who["type"] != want {
				t.Errorf("%s: %s by %s, %v", user, *e.EventName, *e.Username, who["type"])
			}
			if strings.Contains(*e.CloudTrailEvent, *k.SecretAccessKey) || strings.Contains(*e.CloudTrailEvent, *k.SessionToken) {
				t.Errorf("%s: a secret is in %s", user, *e.CloudTrailEvent)
			}
		}
	}
}

// Of several attributes only the first counts, and a header says so.
func TestFirstAttributeCounts(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	f.put(made{name: "StopLogging", user: "eve"}, made{name: "StopLogging", user: "ann"}, made{name: "RunInstances", user: "ann"})
	warning := ""
	c := f.client(f.root(operator), func(r *http.Response) { warning = r.Header.Get("X-Cairn-Warning") })
	both := append(by(types.LookupAttributeKeyEventName, "StopLogging"), by(types.LookupAttributeKeyUsername, "ann")...)
	out, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: both})
	must(t, err)
	if got := names(out); !slices.Equal(got, []string{"StopLogging", "StopLogging"}) || warning == "" {
		t.Errorf("%v with the warning %q", got, warning)
	}
	out, err = c.LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: both[1:]})
	must(t, err)
	if got := names(out); !slices.Equal(got, []string{"RunInstances", "StopLogging"}) || warning != "" {
		t.Errorf("%v with the warning %q", got, warning)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	c := f.client(f.root(operator))
	look := func(in sdk.LookupEventsInput) error {
		_, err := c.LookupEvents(t.Context(), &in)
		return err
	}
	for _, key := range []types.LookupAttributeKey{"eventname", "EVENTNAME", "UserName", "ErrorCode", "EventTime", "EventName ", " "} {
		wantError[*types.InvalidLookupAttributesException](t, string(key), look(sdk.LookupEventsInput{LookupAttributes: by(key, "x")}))
	}
	wantError[*types.InvalidLookupAttributesException](t, "2001 characters", look(sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyEventName, strings.Repeat("é", 2001))}))
	must(t, look(sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyEventName, strings.Repeat("é", 2000))}))
	wantError[*types.InvalidLookupAttributesException](t, "no characters", look(sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyEventName, "")}))
	for _, n := range []int32{0, -1, 51, 1 << 30} {
		wantError[*types.InvalidMaxResultsException](t, fmt.Sprint(n, " results"), look(sdk.LookupEventsInput{MaxResults: &n}))
	}
	now := f.now()
	wantError[*types.InvalidTimeRangeException](t, "start behind end", look(sdk.LookupEventsInput{StartTime: &now, EndTime: awssdk.Time(now.Add(-time.Second))}))
	must(t, look(sdk.LookupEventsInput{StartTime: &now, EndTime: &now}))
	for _, category := range []types.EventCategory{"Insight", "management", "data", " "} {
		wantError[*types.InvalidEventCategoryException](t, string(category), look(sdk.LookupEventsInput{EventCategory: category}))
	}
	for _, token := range []string{"x", "AAAA", strings.Repeat("A", 5000), "🦊", "0"} {
		wantError[*types.InvalidNextTokenException](t, "token "+token[:1], look(sdk.LookupEventsInput{NextToken: &token}))
	}
	_, err := c.ListChannels(t.Context(), &sdk.ListChannelsInput{})
	wantError[*types.UnsupportedOperationException](t, "another operation", err)
	for _, tt := range []struct{ operation, body, code string }{
		{"MakeTea", "{}", "UnknownOperationException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeValue":"x"}]}`, "ValidationException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"EventName"}]}`, "ValidationException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":""}]}`, "InvalidLookupAttributesException"},
		{"LookupEvents", `{"StartTime":"yesterday"}`, "SerializationException"},
		{"LookupEvents", `{"MaxResults":"5"}`, "SerializationException"},
	} {
		answer, err := aws.InProcess{Handler: f.mux}.RoundTrip(signed(t, f.root(operator), tt.operation, tt.body))
		must(t, err)
		if answer.StatusCode != 400 || answer.Header.Get("X-Amzn-Errortype") != tt.code {
			t.Errorf("%s %s: %d %v", tt.operation, tt.body, answer.StatusCode, answer.Header)
		}
	}
	// Each of these calls is in the history, with its error.
	out, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, "root")})
	must(t, err)
	seen := make(map[any]bool)
	for _, e := range out.Events {
		seen[rawOf(t, e)["errorCode"]] = true
	}
	for _, code := range []string{"InvalidLookupAttributesException", "InvalidMaxResultsException", "InvalidTimeRangeException", "InvalidEventCategoryException",
		"InvalidNextTokenException", "ValidationException", "SerializationException", "UnsupportedOperationException", "UnknownOperationException"} {
		if !seen[code] {
			t.Errorf("no event has the error %s: %v", code, seen)
		}
	}
}

// Time ranges include both their ends, to the second.
func TestTimeRanges(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	c := f.client(f.root(operator))
	at := f.now().Add(-time.Hour).Truncate(time.Second)
	for i := range 5 {
		f.put(made{name: fmt.Sprint("N", i), at: at.Add(time.Duration(i) * time.Second)})
	}
	after := func(s float64) *time.Time { return awssdk.Time(at.Add(time.Duration(s * float64(time.Second)))) }
	for _, tt := range []struct {
		from, to *time.Time
		want     string
	}{
		{after(1), after(3), "N3 N2 N1"}, {after(2), after(2), "N2"}, {nil, after(1), "N1 N0"}, {after(3), after(100), "N4 N3"},
		{after(-10), after(-1), ""}, {after(5), after(6), ""}, {after(0), after(3.5), "N3 N2 N1 N0"},
	} {
		out, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{StartTime: tt.from, EndTime: tt.to})
		must(t, err)
		if got := strings.Join(names(out), " "); got != tt.want {
			t.Errorf("from %v to %v: %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
}

// Events leave the history exactly when the retention is over.
func TestRetention(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	const day = 24 * time.Hour
	now := f.now()
	f.put(made{name: "Old", at: now.Add(-90*day + time.Minute)})
	f.put(made{name: "New", at: now.Add(-89 * day)})
	client := f.client(f.root(operator))
	find := func() []string {
		t.Helper()
		out, err := client.LookupEvents(t.Context(), &sdk.LookupEventsInput{EndTime: awssdk.Time(now.Add(-day))})
		must(t, err)
		return names(out)
	}
	if got := find(); !slices.Equal(got, []string{"New", "Old"}) {
		t.Errorf("%v", got)
	}
	// The clock goes no further than those of callers may differ.
	f.ahead.Store(int64(2 * time.Minute))
	if got := find(); !slices.Equal(got, []string{"New"}) {
		t.Errorf("two minutes later %v", got)
	}
}

func TestInsightCategory(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	f.put(made{name: "StopLogging"})
	c := f.client(f.root(operator))
	out, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{EventCategory: types.EventCategoryInsight})
	must(t, err)
	if len(out.Events) != 0 || out.NextToken != nil {
		t.Errorf("%v", names(out))
	}
	for _, key := range types.LookupAttributeKey("").Values() {
		_, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{EventCategory: types.EventCategoryInsight, LookupAttributes: by(key, "x")})
		switch key {
		case types.LookupAttributeKeyEventId, types.LookupAttributeKeyEventName, types.LookupAttributeKeyEventSource:
			must(t, err)
		default:
			wantError[*types.InvalidLookupAttributesException](t, string(key), err)
		}
	}
}

// Regions and accounts are walls, whoever asks.
func TestWalls(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	for _, account := range []string{operator, other} {
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			f.put(made{account: account, region: region, name: "At-" + account + "-" + region, id: "11111111-0000-4000-8000-" + account})
		}
	}
	for _, account := range []string{operator, other} {
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			c := f.client(f.root(account).in(region))
			for _, in := range []sdk.LookupEventsInput{{}, {LookupAttributes: by(types.LookupAttributeKeyUsername, "ann")}, {LookupAttributes: by(types.LookupAttributeKeyEventId, "11111111-0000-4000-8000-"+account)},
				{LookupAttributes: by(types.LookupAttributeKeyEventId, "11111111-0000-4000-8000-"+map[string]string{operator: other, other: operator}[account])}} {
				out, err := c.LookupEvents(t.Context(), &in)
				must(t, err)
				for _, e := range out.Events {
					tree := rawOf(t, e)
					if tree["recipientAccountId"] != account || tree["awsRegion"] != region {
						t.Errorf("%s in %s sees %s", account, region, *e.CloudTrailEvent)
					}
				}
				if in.LookupAttributes == nil && !slices.Contains(names(out), "At-"+account+"-"+region) {
					t.Errorf("%s in %s sees %v", account, region, names(out))
				}
			}
		}
	}
}

// Two calls a second, in each account and region.
func TestThrottling(t *testing.T) {
	t.Parallel()
	f := newFront(t, true)
	f.frozen.Store(awssdk.Time(time.Now()))
	for _, account := range []string{operator, other} {
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			c := f.client(f.root(account).in(region))
			throttled := 0
			for range 12 {
				if _, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{}); err != nil {
					wantCode(t, account+" "+region, err, "ThrottlingException")
					throttled++
				}
			}
			if throttled != 10 {
				t.Errorf("%d of 12 calls of %s in %s are throttled", throttled, account, region)
			}
		}
	}
	f.ahead.Add(int64(500 * time.Millisecond))
	_, err := f.client(f.root(operator)).LookupEvents(t.Context(), &sdk.LookupEventsInput{})
	must(t, err)
}

// A caller without permission sees nothing, and is seen.
func TestDenied(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	must(t, f.store.Users.Create(operator, &identity.User{Head: identity.Head{Name: "nobody", Path: "/"}}, nil))
	k, secret, err := f.store.CreateAccessKey(operator, "nobody")
	must(t, err)
	_, err = f.client(caller{region: "us-east-1", id: k.ID, secret: secret}).LookupEvents(t.Context(), &sdk.LookupEventsInput{MaxResults: awssdk.Int32(99)})
	wantCode(t, "a denied call", err, "AccessDeniedException")
	out, err := f.client(root).LookupEvents(t.Context(), &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, "nobody")})
	must(t, err)
	if len(out.Events) != 1 || rawOf(t, out.Events[0])["errorCode"] != "AccessDenied" {
		t.Errorf("recorded %v", names(out))
	}
}

// Many callers at once: each call is one event.
func TestEachCallIsOneEvent(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	c := f.client(f.root(operator))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if _, err := c.LookupEvents(t.Context(), &sdk.LookupEventsInput{MaxResults: awssdk.Int32(1)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	pages := sdk.NewLookupEventsPaginator(c, &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyEventName, "LookupEvents"), EndTime: awssdk.Time(f.now().Add(time.Hour))})
	ids := make(map[string]bool)
	for pages.HasMorePages() && len(ids) < 1000 {
		out, err := pages.NextPage(t.Context())
		must(t, err)
		for _, e := range out.Events {
			ids[*e.EventId] = true
		}
	}
	// The pages' own calls come before the first of them, and are not seen.
	if len(ids) != 200 {
		t.Errorf("%d events of 200 calls", len(ids))
	}
}
