package cairn_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cairn"
)

// advanced returns one advanced selector for a category with the field selectors
// given as JSON without their outer braces, such as `"Field":"readOnly","Equals":["true"]`.
func advanced(category string, fields ...string) string {
	all := fmt.Sprintf(`{"Field":"eventCategory","Equals":[%q]}`, category)
	for _, f := range fields {
		all += ",{" + f + "}"
	}
	return `[{"Name":"n","FieldSelectors":[` + all + `]}]`
}

const (
	objects   = `"Field":"resources.type","Equals":["AWS::S3::Object"]`
	kmsSource = `"Field":"eventSource","Equals":["kms.amazonaws.com"]`
)

// Advanced selectors take what AWS says that they take.
func TestAdvancedSelectors(t *testing.T) {
	t.Parallel()
	for selectors, want := range map[string]string{
		advanced("Management"): "kms rdsdata read write",
		advanced("Management", `"Field":"readOnly","Equals":["true"]`):                                            "kms read",
		advanced("Management", `"Field":"readOnly","Equals":["false"]`):                                           "rdsdata write",
		advanced("Management", `"Field":"eventSource","NotEquals":["kms.amazonaws.com"]`):                         "rdsdata read write",
		advanced("Management", `"Field":"eventSource","NotEquals":["kms.amazonaws.com","rdsdata.amazonaws.com"]`): "read write",
		advanced("Data", objects): "list object other put",
		advanced("Data", `"Field":"resources.type","Equals":["AWS::S3::Bucket"]`):                                               "object other put",
		advanced("Data", `"Field":"resources.type","Equals":["AWS::SNS::Topic"]`):                                               "",
		advanced("Data", objects, `"Field":"readOnly","Equals":["false"]`):                                                      "put",
		advanced("Data", objects, `"Field":"eventName","Equals":["PutObject","DeleteObject"]`):                                  "put",
		advanced("Data", objects, `"Field":"eventName","StartsWith":["Put"],"EndsWith":["Objects"]`):                            "list put",
		advanced("Data", objects, `"Field":"eventName","NotStartsWith":["Put"],"NotEndsWith":["Objects"]`):                      "object other",
		advanced("Data", objects, `"Field":"eventName","EndsWith":["Object"],"NotEquals":["PutObject"]`):                        "object other",
		advanced("Data", objects, `"Field":"eventName","Equals":["putobject"]`):                                                 "",
		advanced("Data", objects, `"Field":"resources.ARN","StartsWith":["arn:aws:s3:::photos/"]`):                              "list object put",
		advanced("Data", objects, `"Field":"resources.ARN","Equals":["arn:aws:s3:::photos"]`):                                   "",
		advanced("Data", objects, `"Field":"resources.ARN","NotStartsWith":["arn:aws:s3:::photos/"]`):                           "other",
		advanced("Data", objects, `"Field":"resources.ARN","EndsWith":[".jpg"],"NotEquals":["arn:aws:s3:::photos/2026/a.jpg"]`): "other",
		advanced("Data", objects, `"Field":"eventSource","NotEquals":["s3.amazonaws.com"]`):                                     "",
		advanced("Data", objects, `"Field":"eventType","Equals":["AwsApiCall"]`):                                                "list object other put",
		advanced("Data", objects, `"Field":"eventType","NotEquals":["AwsServiceEvent"]`):                                        "list object other put",
		advanced("Data", objects, `"Field":"sessionCredentialFromConsole","Equals":["true"]`):                                   "",
		advanced("Data", objects, `"Field":"sessionCredentialFromConsole","NotEquals":["true"]`):                                "list object other put",
		advanced("Data", objects, `"Field":"userIdentity.arn","StartsWith":["arn:aws:iam::"]`):                                  "",
		advanced("Data", objects, `"Field":"userIdentity.arn","NotStartsWith":["arn:aws:iam::"]`):                               "list object other put",
		advanced("NetworkActivity", kmsSource):                                                                                  "network",
		advanced("NetworkActivity", `"Field":"eventSource","Equals":["ec2.amazonaws.com"]`):                                     "",
		advanced("NetworkActivity", kmsSource, `"Field":"errorCode","Equals":["VpceAccessDenied"]`):                             "network",
		advanced("NetworkActivity", kmsSource, `"Field":"vpcEndpointId","Equals":["vpce-1"]`):                                   "network",
		advanced("NetworkActivity", kmsSource, `"Field":"vpcEndpointId","NotStartsWith":["vpce-"]`):                             "",
		advanced("NetworkActivity", kmsSource, `"Field":"userIdentity.arn","EndsWith":[":user/ann"]`):                           "network",
		advanced("NetworkActivity", kmsSource, `"Field":"eventName","Equals":["Encrypt"]`):                                      "",
		strings.TrimSuffix(advanced("Management"), "]") + "," + advanced("NetworkActivity", kmsSource)[1:]:                      "kms network rdsdata read write",
	} {
		s, err := compile("", selectors)
		if err != nil {
			t.Errorf("%s: %v", selectors, err)
			continue
		}
		if got := taken(t, s); got != want {
			t.Errorf("%s takes %q, want %q", selectors, got, want)
		}
	}
}

// A session of the console is found, written as a text or as a boolean, behind a
// tlsDetails of any shape.
func TestSelectConsoleSessions(t *testing.T) {
	t.Parallel()
	s, err := compile("", advanced("Data", objects, `"Field":"sessionCredentialFromConsole","Equals":["true"]`))
	if err != nil {
		t.Fatal(err)
	}
	f := objectRead
	f.console = "true"
	raw := string(rawOf(t, f))
	const text = `"sessionCredentialFromConsole":"true"`
	for replacement, want := range map[string]bool{
		text: true, `"sessionCredentialFromConsole":true`: true, `"sessionCredentialFromConsole":"t\u0072ue"`: true,
		`"sessionCredentialFromConsole":"false"`: false, `"sessionCredentialFromConsole":null`: false,
		`"sessionCredentialFromConsole":["true"]`:                         false,
		`"additionalEventData":{"sessionCredentialFromConsole":"true"}`:   false,
		`"tlsDetails":{"a":[1,{}]},"sessionCredentialFromConsole":"true"`: true,
		`"tlsDetails":null , "sessionCredentialFromConsole" : "true"`:     true,
		`"tlsDetails":["x"],"sessionCredentialFromConsole":"true"`:        true,
		`"tlsDetails":{},"sessionCredentialFromConsole":"true"`:           true,
	} {
		changed := strings.Replace(raw, text, replacement, 1)
		if got := s.Match(subject(t, []byte(changed))); got != want {
			t.Errorf("%s: match %t, want %t", replacement, got, want)
		}
	}
}

// Advanced selectors that AWS refuses are refused, and the error names what is
// at fault.
func TestAdvancedSelectorFaults(t *testing.T) {
	t.Parallel()
	for selectors, want := range map[string]string{
		`[{}]`: "0 FieldSelectors: An advanced event selector needs at least one field selector.",
		`[{"FieldSelectors":[{"Field":"readOnly","Equals":["true"]}]}]`:                                 "0 eventCategory: Field eventCategory is required in an advanced event selector.",
		`[{"FieldSelectors":[{"Field":"eventCategory","StartsWith":["Data"]}]}]`:                        "0 eventCategory: Field eventCategory needs the operator Equals with exactly one value.",
		`[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data","Management"]}]}]`:               "0 eventCategory: Field eventCategory needs the operator Equals with exactly one value.",
		`[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Management"],"NotEquals":["Data"]}]}]`: "0 eventCategory: Operator NotEquals is not supported for field eventCategory.",
		advanced("management"): "0 eventCategory: Value management for eventCategory is invalid for a trail.",
		advanced("Insight"):    "0 eventCategory: Value Insight for eventCategory is invalid for a trail.",
		advanced("Data"):       "0 resources.type: Field resources.type is required for eventCategory Data.",
		advanced("Data", `"Field":"resources.type","Equals":["A","B"]`):                "0 resources.type: Field resources.type takes exactly one value.",
		advanced("Data", `"Field":"resources.type","StartsWith":["AWS"]`):              "0 resources.type: Operator StartsWith is not supported for field resources.type.",
		advanced("Data", objects, objects):                                             "0 resources.type: Field resources.type comes more than once in an advanced event selector.",
		advanced("Data", objects, `"Field":"readOnly","NotEquals":["true"]`):           "0 readOnly: Operator NotEquals is not supported for field readOnly.",
		advanced("Data", objects, `"Field":"readOnly","Equals":["True"]`):              "0 readOnly: Value True for field readOnly is invalid.",
		advanced("Data", objects, `"Field":"readOnly","Equals":["true","false"]`):      "0 readOnly: Field readOnly takes exactly one value.",
		advanced("Data", objects, `"Field":"readOnly"`):                                "0 readOnly: Field readOnly needs at least one operator with a value.",
		advanced("Data", objects, `"Field":"errorCode","Equals":["VpceAccessDenied"]`): "0 errorCode: Field errorCode is not supported for eventCategory Data on a trail.",
		advanced("Data", objects, `"Field":"sourceIPAddress","Equals":["x"]`):          "0 sourceIPAddress: Field sourceIPAddress is not a field of advanced event selectors.",
		advanced("Data", objects, `"Field":"eventname","Equals":["x"]`):                "0 eventname: Field eventname is not a field of advanced event selectors.",
		advanced("Data", objects, `"Field":"sessionCredentialFromConsole","StartsWith":["t"]`): "0 sessionCredentialFromConsole: " +
			"Operator StartsWith is not supported for field sessionCredentialFromConsole.",
		advanced("Data", objects, `"Field":"eventName","Equals":[""]`): "0 eventName: A value of field eventName is not 1 to 2048 characters of text.",
		advanced("Data", objects, `"Field":"eventName","NotEndsWith":["`+strings.Repeat("x", 2049)+`"]`): "0 eventName: " +
			"A value of field eventName is not 1 to 2048 characters of text.",
		advanced("Management", `"Field":"eventName","Equals":["x"]`):                      "0 eventName: Field eventName is not supported for eventCategory Management on a trail.",
		advanced("Management", `"Field":"eventSource","Equals":["kms.amazonaws.com"]`):    "0 eventSource: Operator Equals is not supported for field eventSource.",
		advanced("Management", `"Field":"eventSource","NotEquals":["ec2.amazonaws.com"]`): "0 eventSource: Value ec2.amazonaws.com for field eventSource is invalid.",
		advanced("NetworkActivity"): "0 eventSource: Field eventSource is required for eventCategory NetworkActivity.",
		advanced("NetworkActivity", `"Field":"eventSource","StartsWith":["kms"]`):               "0 eventSource: Operator StartsWith is not supported for field eventSource.",
		advanced("NetworkActivity", kmsSource, `"Field":"errorCode","Equals":["AccessDenied"]`): "0 errorCode: Value AccessDenied for field errorCode is invalid.",
		advanced("NetworkActivity", kmsSource, `"Field":"readOnly","Equals":["true"]`):          "0 readOnly: Field readOnly is not supported for eventCategory NetworkActivity on a trail.",
		strings.Replace(advanced("Management"), `"n"`, `"`+strings.Repeat("n", 1001)+`"`, 1):    "0 Name: The name of an advanced event selector can have up to 1000 characters.",
		// The category and the type are values too: 2 and 499 make 501.
		advanced("Data", objects, `"Field":"eventName","Equals":["x"`+strings.Repeat(`,"x"`, 498)+`]`): "-1 AdvancedEventSelectors: " +
			"A trail can have up to 500 values over all conditions of its advanced event selectors.",
	} {
		_, err := compile("", selectors)
		checkSelectorError(t, selectors, err, want)
	}
	if _, err := compile("", advanced("Data", objects, `"Field":"eventName","Equals":["x"`+strings.Repeat(`,"x"`, 497)+`]`)); err != nil {
		t.Errorf("500 values: %v", err)
	}
}

// Selectors that were read from JSON are written as they were.
func TestSelectorsKeepTheirJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		advanced("Data", objects, `"Field":"eventName","Equals":["a"],"StartsWith":["b"],"EndsWith":["c"],"NotEquals":["d"],"NotStartsWith":["e"],"NotEndsWith":["f"]`),
	} {
		var s []cairn.AdvancedEventSelector
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(s); string(got) != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
	const text = `[{"ReadWriteType":"All","IncludeManagementEvents":false,` +
		`"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}],"ExcludeManagementEventSources":["kms.amazonaws.com"]}]`
	var s []cairn.EventSelector
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(s); string(got) != text {
		t.Errorf("got %s, want %s", got, text)
	}
}

// naive decides as AWS's documentation words it, one value after the other.
func naive(s []cairn.AdvancedEventSelector, e map[string][]string) bool {
	for _, selector := range s {
		all := true
		for _, f := range selector.FieldSelectors {
			holds := func(values []string, by func(a, b string) bool) bool {
				for _, v := range values {
					for _, have := range e[f.Field] {
						if by(have, v) {
							return true
						}
					}
				}
				return false
			}
			equal := func(a, b string) bool { return a == b }
			some := holds(f.Equals, equal) || holds(f.StartsWith, strings.HasPrefix) || holds(f.EndsWith, strings.HasSuffix)
			if len(f.Equals)+len(f.StartsWith)+len(f.EndsWith) == 0 {
				some = true
			}
			none := !holds(f.NotEquals, equal) && !holds(f.NotStartsWith, strings.HasPrefix) && !holds(f.NotEndsWith, strings.HasSuffix)
			all = all && some && none
		}
		if all {
			return true
		}
	}
	return false
}

// Compiled selectors decide like the naive ones, on values of few letters, of
// which many begin or end like others.
func TestAdvancedSelectorsAgreeWithNaive(t *testing.T) {
	t.Parallel()
	const rounds = 3000
	rng := rand.New(rand.NewPCG(7, 11))
	word := func() string {
		b := make([]byte, 1+rng.IntN(4))
		for i := range b {
			b[i] = "ab"[rng.IntN(2)]
		}
		return string(b)
	}
	some := func() (words []string) {
		for range rng.IntN(4) {
			words = append(words, word())
		}
		return words
	}
	matches := 0
	for range rounds {
		selectors := make([]cairn.AdvancedEventSelector, 1+rng.IntN(2))
		for i := range selectors {
			selectors[i].FieldSelectors = []cairn.AdvancedFieldSelector{
				{Field: "eventCategory", Equals: []string{"Data"}},
				{Field: "resources.type", Equals: []string{"T"}},
			}
			for _, field := range []string{"eventName", "resources.ARN", "userIdentity.arn", "eventType"} {
				f := cairn.AdvancedFieldSelector{Field: field}
				if rng.IntN(2) == 0 {
					f.Equals, f.StartsWith, f.EndsWith = some(), some(), some()
				}
				if rng.IntN(2) == 0 {
					f.NotEquals, f.NotStartsWith, f.NotEndsWith = some(), some(), some()
				}
				if field == "resources.ARN" {
					for _, values := range [][]string{f.Equals, f.StartsWith, f.NotEquals, f.NotStartsWith} {
						for i := range values {
							values[i] = "arn:" + values[i]
						}
					}
				}
				if !reflect.DeepEqual(f, cairn.AdvancedFieldSelector{Field: field}) {
					selectors[i].FieldSelectors = append(selectors[i].FieldSelectors, f)
				}
			}
		}
		s, err := cairn.CompileSelectors(nil, selectors)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			f := fields{category: "Data", name: word(), userARN: word(), typ: word()}
			event := map[string][]string{
				"eventCategory": {"Data"}, "resources.type": {"T"}, "eventName": {f.name}, "userIdentity.arn": {f.userARN}, "eventType": {f.typ},
			}
			var resources []string
			for range 1 + rng.IntN(3) {
				arn := "arn:" + word()
				event["resources.ARN"] = append(event["resources.ARN"], arn)
				resources = append(resources, fmt.Sprintf(`{"type":"T","ARN":%q},{"type":"U","ARN":%q}`, arn, "arn:"+word()))
			}
			f.resources = strings.Join(resources, ",")
			got, want := s.Match(subjectOf(t, f)), naive(selectors, event)
			if got != want {
				text, _ := json.Marshal(selectors)
				t.Fatalf("match %t, want %t: %s and %v", got, want, text, event)
			}
			if got {
				matches++
			}
		}
	}
	if matches < rounds/20 || matches > rounds*4*19/20 {
		t.Errorf("%d of %d events match: the test says little", matches, rounds*4)
	}
}

// Explain names the closest selector, the field, its value and what was asked.
func TestExplain(t *testing.T) {
	t.Parallel()
	three := `[{"Name":"a","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]},` +
		`{"Name":"b","FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{` + objects + `},` +
		`{"Field":"readOnly","Equals":["false"]},{"Field":"eventName","StartsWith":["Put"],"NotEquals":["PutObjectAcl"]}]},` +
		`{"Name":"c","FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{` + objects + `},` +
		`{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::x/"]},{"Field":"readOnly","Equals":["true"]}]}]`
	for _, c := range []struct{ basic, advanced, event, want string }{
		{"", three, "read", `taken by selector 1 (a)`},
		{"", three, "put", `taken by selector 2 (b)`},
		{"", three, "object", `not taken: selector 3 (c) came closest, but resources.ARN is "arn:aws:s3:::photos/2026/a.jpg", and it asks for one that begins with "arn:aws:s3:::x/"`},
		{"", three, "invoke", `not taken: selector 2 (b) came closest, but resources.type is "AWS::Lambda::Function", and it asks for one that is "AWS::S3::Object"`},
		{"", three, "network", `not taken: no selector is for NetworkActivity events`},
		{"", three, "insight", `not taken: Insight events are chosen by insight selectors`},
		{`[{"ReadWriteType":"WriteOnly"}]`, "", "read", `not taken: selector 1 came closest, but ReadWriteType is "true", and it asks for one that is "false"`},
		{`[{"ExcludeManagementEventSources":["kms.amazonaws.com","rdsdata.amazonaws.com"]}]`, "", "kms",
			`not taken: selector 1 came closest, but ExcludeManagementEventSources is "kms.amazonaws.com", and it asks for one that is not "kms.amazonaws.com" nor "rdsdata.amazonaws.com"`},
		{s3Selector(`"arn:aws:s3:::a/","arn:aws:s3:::b/","arn:aws:s3:::c/","arn:aws:s3:::d/","arn:aws:s3:::e/","arn:aws:s3:::f/","arn:aws:s3:::g/"`), "", "object",
			`not taken: selector 1 came closest, but DataResources.Values is "arn:aws:s3:::photos/2026/a.jpg", and it asks for one that begins with ` +
				`"arn:aws:s3:::a/" or "arn:aws:s3:::b/" or "arn:aws:s3:::c/" or "arn:aws:s3:::d/" or "arn:aws:s3:::e/" or 2 more`},
		{`[{}]`, "", "object", `not taken: no selector is for Data events`},
	} {
		s, err := compile(c.basic, c.advanced)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Explain(subjectOf(t, kinds[c.event])).String(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.event, got, c.want)
		}
	}
}

// Global-service events are told from those of the region that they are
// recorded in.
func TestSubjectGlobal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    fields
		want bool
	}{
		"IAM":                  {fields{source: "iam.amazonaws.com", region: "us-east-1"}, true},
		"IAM elsewhere":        {fields{source: "iam.amazonaws.com"}, false},
		"CloudFront":           {fields{source: "cloudfront.amazonaws.com", region: "us-east-1"}, true},
		"Route 53":             {fields{source: "route53.amazonaws.com", region: "us-east-1"}, true},
		"EC2":                  {fields{source: "ec2.amazonaws.com", region: "us-east-1"}, false},
		"root sign-in":         {fields{source: "signin.amazonaws.com", region: "us-east-1", userType: "Root"}, true},
		"user's sign-in":       {fields{source: "signin.amazonaws.com", region: "us-east-1"}, false},
		"STS, global endpoint": {fields{source: "sts.amazonaws.com", region: "us-east-1", host: "sts.amazonaws.com"}, true},
		"STS, region's":        {fields{source: "sts.amazonaws.com", region: "us-east-1", host: "sts.us-east-1.amazonaws.com"}, false},
		"STS, not said":        {fields{source: "sts.amazonaws.com", region: "us-east-1"}, false},
	} {
		if got := subjectOf(t, c.f).Global(); got != c.want {
			t.Errorf("%s: global %t, want %t", name, got, c.want)
		}
	}
}

// hundred returns the selectors of 100 trails, of which one takes PutObject, and
// the same one last.
func hundred(t testing.TB) []*cairn.Selectors {
	all := make([]*cairn.Selectors, 100)
	for i := range all {
		name := fmt.Sprintf("bucket-%02d", i)
		selectors := []string{
			advanced("Management", `"Field":"readOnly","Equals":["false"]`),
			advanced("Data", objects, `"Field":"resources.ARN","StartsWith":["arn:aws:s3:::`+name+`/"]`),
			advanced("Data", objects, `"Field":"eventName","Equals":["DeleteObject"],"NotEndsWith":["Tagging"]`),
			advanced("NetworkActivity", kmsSource, `"Field":"vpcEndpointId","Equals":["vpce-9"]`),
		}[i%4]
		if i == len(all)-1 {
			selectors = advanced("Data", objects, `"Field":"resources.ARN","StartsWith":["arn:aws:s3:::photos/"]`)
		}
		s, err := compile("", selectors)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = s
	}
	return all
}

// Matching allocates nothing, even where the record must be read once more.
func TestMatchDoesNotAllocate(t *testing.T) {
	e := &cairn.Event{Raw: rawOf(t, network)}
	if err := e.Extract(); err != nil {
		t.Fatal(err)
	}
	all := hundred(t)
	var s cairn.Subject
	matches := 0
	if n := testing.AllocsPerRun(100, func() {
		s.Reset(e)
		for _, selectors := range all {
			if selectors.Match(&s) {
				matches++
			}
		}
	}); n != 0 || matches != 0 {
		t.Errorf("%v allocations, %d matches", n, matches)
	}
	if !slices.ContainsFunc(all, func(s *cairn.Selectors) bool { return s.Match(subjectOf(t, objectWrite)) }) {
		t.Error("none of the hundred takes the event that one should")
	}
}

func BenchmarkMatch(b *testing.B) {
	all := hundred(b)
	many := strings.Builder{}
	for i := range 497 {
		fmt.Fprintf(&many, `"arn:aws:s3:::bucket-%d/",`, i)
	}
	long, err := compile("", advanced("Data", objects, `"Field":"resources.ARN","StartsWith":[`+many.String()+`"arn:aws:s3:::photos/"]`))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		set   []*cairn.Selectors
		event fields
		want  int
	}{
		{"OneTrail", all[99:], objectWrite, 1},
		{"HundredTrailsOneMatches", all, objectWrite, 1},
		{"HundredTrailsNoneMatches", all, managementRead, 0},
		{"HundredTrailsScan", all, network, 0},
		{"FiveHundredValues", []*cairn.Selectors{long}, objectWrite, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := &cairn.Event{Raw: rawOf(b, c.event)}
			if err := e.Extract(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var s cairn.Subject
			for b.Loop() {
				s.Reset(e)
				matches := 0
				for _, selectors := range c.set {
					if selectors.Match(&s) {
						matches++
					}
				}
				if matches != c.want {
					b.Fatalf("%d matches, want %d", matches, c.want)
				}
			}
		})
	}
	b.Run("ExtractForComparison", func(b *testing.B) {
		e := &cairn.Event{Raw: rawOf(b, objectWrite)}
		b.ReportAllocs()
		for b.Loop() {
			if err := e.Extract(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// FuzzSelectors reads selectors from anybody's JSON. What compiles decides the
// same whether it is matched or explained.
func FuzzSelectors(f *testing.F) {
	f.Add(`[{}]`, "")
	f.Add(s3Selector(`"arn:aws:s3:::photos/"`), "")
	f.Add("", advanced("Data", objects, `"Field":"eventName","EndsWith":["Object"],"NotEquals":["PutObject"]`))
	f.Add("", advanced("NetworkActivity", kmsSource, `"Field":"vpcEndpointId","NotStartsWith":["vpce-"]`))
	var events []*cairn.Subject
	for _, kind := range kinds {
		events = append(events, subjectOf(f, kind))
	}
	f.Fuzz(func(t *testing.T, basic, advanced string) {
		var b []cairn.EventSelector
		var a []cairn.AdvancedEventSelector
		if basic != "" && json.Unmarshal([]byte(basic), &b) != nil || advanced != "" && json.Unmarshal([]byte(advanced), &a) != nil {
			return
		}
		s, err := cairn.CompileSelectors(b, a)
		if err != nil {
			if fault, ok := err.(*cairn.SelectorError); !ok || fault.Reason == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		for _, e := range events {
			if x := s.Explain(e); x.Matched != s.Match(e) || x.String() == "" {
				t.Fatalf("match %t, explained by %q", s.Match(e), x)
			}
		}
	})
}
