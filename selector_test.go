package cairn_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"cairn"
)

// fields are the parts of a record that selectors ask for. Empty ones are left
// out of the record.
type fields struct {
	category, readOnly, source, name, typ, region string
	resources                                     string // JSON of the list's elements
	userType, userARN                             string
	errorCode, vpcEndpointID, console, host       string
}

// subjectOf makes a record with the fields and extracts it.
func subjectOf(t testing.TB, f fields) *cairn.Subject {
	t.Helper()
	return subject(t, rawOf(t, f))
}

// rawOf makes a record with the fields.
func rawOf(t testing.TB, f fields) []byte {
	t.Helper()
	record := map[string]any{
		"eventVersion": "1.10", "eventTime": "2026-11-20T10:00:00Z", "eventID": "e", "awsRegion": or(f.region, "eu-west-1"),
		"eventSource": or(f.source, "s3.amazonaws.com"), "eventName": or(f.name, "GetObject"),
		"recipientAccountId": "111122223333", "requestParameters": nil,
		"eventType": or(f.typ, "AwsApiCall"),
		"userIdentity": map[string]any{
			"type": or(f.userType, "IAMUser"), "accountId": "111122223333", "arn": f.userARN,
		},
	}
	for key, value := range map[string]string{
		"eventCategory": f.category, "errorCode": f.errorCode, "vpcEndpointId": f.vpcEndpointID,
		"sessionCredentialFromConsole": f.console,
	} {
		if value != "" {
			record[key] = value
		}
	}
	if f.readOnly != "" {
		record["readOnly"] = f.readOnly == "true"
	}
	if f.resources != "" {
		record["resources"] = json.RawMessage("[" + f.resources + "]")
	}
	if f.host != "" {
		record["tlsDetails"] = map[string]any{"cipherSuite": map[string]any{"clientProvidedHostHeader": "no"}, "clientProvidedHostHeader": f.host}
	}
	raw, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func subject(t testing.TB, raw []byte) *cairn.Subject {
	t.Helper()
	e := &cairn.Event{Raw: raw}
	if err := e.Extract(); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	s := new(cairn.Subject)
	s.Reset(e)
	return s
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// compile reads selectors as the API has them, and compiles them.
func compile(basic, advanced string) (*cairn.Selectors, error) {
	var b []cairn.EventSelector
	var a []cairn.AdvancedEventSelector
	for text, dst := range map[string]any{basic: &b, advanced: &a} {
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), dst); err != nil {
			panic(err)
		}
	}
	return cairn.CompileSelectors(b, a)
}

const (
	object   = `{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::photos/2026/a.jpg"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::photos"}`
	function = `{"type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:us-west-2:111122223333:function:hello"}`
	table    = `{"type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:us-west-2:111122223333:table/t"}`
)

var (
	managementRead  = fields{category: "Management", readOnly: "true", source: "ec2.amazonaws.com", name: "DescribeInstances"}
	managementWrite = fields{category: "Management", readOnly: "false", source: "ec2.amazonaws.com", name: "RunInstances"}
	kmsRead         = fields{category: "Management", readOnly: "true", source: "kms.amazonaws.com", name: "Decrypt"}
	rdsdataWrite    = fields{category: "Management", readOnly: "false", source: "rdsdata.amazonaws.com", name: "ExecuteStatement"}
	objectRead      = fields{category: "Data", readOnly: "true", resources: object}
	objectWrite     = fields{category: "Data", readOnly: "false", name: "PutObject", resources: object}
	otherObject     = fields{category: "Data", readOnly: "true", resources: strings.ReplaceAll(object, "photos", "photos2")}
	objectList      = fields{category: "Data", readOnly: "true", name: "ListObjects", resources: `{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::photos/"}`}
	invoke          = fields{category: "Data", readOnly: "false", source: "lambda.amazonaws.com", name: "Invoke", resources: function}
	invokeOther     = fields{category: "Data", readOnly: "false", source: "lambda.amazonaws.com", name: "Invoke", resources: strings.Replace(function, "hello", "hello2", 1)}
	putItem         = fields{category: "Data", readOnly: "false", source: "dynamodb.amazonaws.com", name: "PutItem", resources: table}
	network         = fields{category: "NetworkActivity", typ: "AwsVpceEvents", readOnly: "true", source: "kms.amazonaws.com", name: "Decrypt",
		errorCode: "VpceAccessDenied", vpcEndpointID: "vpce-1", userARN: "arn:aws:iam::111122223333:user/ann"}
	insight = fields{category: "Insight", typ: "AwsCloudTrailInsight", source: "ec2.amazonaws.com", name: "RunInstances"}
	config  = fields{category: "ConfigurationItem", typ: "AwsConfigurationItem"}

	// kinds are events by their names in the tables below.
	kinds = map[string]fields{
		"read": managementRead, "write": managementWrite, "kms": kmsRead, "rdsdata": rdsdataWrite,
		"object": objectRead, "put": objectWrite, "other": otherObject, "list": objectList,
		"invoke": invoke, "invoke2": invokeOther, "item": putItem, "network": network,
		"insight": insight, "config": config,
	}
)

// Basic selectors take what AWS says that they take, and nothing else.
func TestBasicSelectors(t *testing.T) {
	t.Parallel()
	for selectors, want := range map[string]string{
		`[{}]`:                           "kms rdsdata read write",
		`[{"ReadWriteType":"All"}]`:      "kms rdsdata read write",
		`[{"ReadWriteType":"ReadOnly"}]`: "kms read",
		`[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]`:                                "rdsdata write",
		`[{"IncludeManagementEvents":false}]`:                                                           "",
		`[{"ExcludeManagementEventSources":["kms.amazonaws.com"]}]`:                                     "rdsdata read write",
		`[{"ExcludeManagementEventSources":["kms.amazonaws.com","rdsdata.amazonaws.com"]}]`:             "read write",
		`[{"ReadWriteType":"ReadOnly","ExcludeManagementEventSources":["kms.amazonaws.com"]}]`:          "read",
		s3Selector(`"arn:aws:s3"`):                                                                      "list object other put",
		s3Selector(`"arn:aws:s3:::"`):                                                                   "list object other put",
		s3Selector(`"arn:aws-cn:s3"`):                                                                   "list object other put",
		s3Selector(`"arn:aws:s3:::photos/"`):                                                            "list object put",
		s3Selector(`"arn:aws:s3:::photos/2026"`):                                                        "object put",
		s3Selector(`"arn:aws:s3:::photos/2026/a.jpg"`):                                                  "object put",
		s3Selector(`"arn:aws:s3:::photos/2026/a.jpg.bak"`):                                              "",
		s3Selector(`"arn:aws:s3:::photos/2025","arn:aws:s3:::photos2/"`):                                "other",
		strings.Replace(s3Selector(`"arn:aws:s3:::photos/"`), "{", `{"ReadWriteType":"WriteOnly",`, 1):  "put",
		dataSelector("AWS::Lambda::Function", `"arn:aws:lambda"`):                                       "invoke invoke2",
		dataSelector("AWS::Lambda::Function", `"arn:aws:lambda:us-west-2:111122223333:function:hello"`): "invoke",
		dataSelector("AWS::DynamoDB::Table", `"arn:aws:dynamodb"`):                                      "item",
		dataSelector("AWS::DynamoDB::Table", `"arn:aws:dynamodb:us-west-2:111122223333:table/t"`):       "item",
		dataSelector("AWS::DynamoDB::Table", `"arn:aws:dynamodb:us-west-2:111122223333:table/u"`):       "",
		`[{"ReadWriteType":"WriteOnly"},` + s3Selector(`"arn:aws:s3"`)[1:]:                              "list object other put rdsdata write",
	} {
		s, err := compile(selectors, "")
		if err != nil {
			t.Errorf("%s: %v", selectors, err)
			continue
		}
		if got := taken(t, s); got != want {
			t.Errorf("%s takes %q, want %q", selectors, got, want)
		}
	}
}

// taken returns the names of the kinds of events that the selectors take. What
// Explain says must agree.
func taken(t *testing.T, s *cairn.Selectors) string {
	t.Helper()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		e := subjectOf(t, kinds[name])
		match := s.Match(e)
		if x := s.Explain(e); x.Matched != match || strings.HasPrefix(x.String(), "taken") != match {
			t.Errorf("%s: match %t, explained by %q", name, match, x)
		}
		if match {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func s3Selector(values string) string { return dataSelector("AWS::S3::Object", values) }

func dataSelector(typ, values string) string {
	return fmt.Sprintf(`[{"IncludeManagementEvents":false,"DataResources":[{"Type":%q,"Values":[%s]}]}]`, typ, values)
}

// Basic selectors that AWS refuses are refused, and the error names what is at
// fault.
func TestBasicSelectorFaults(t *testing.T) {
	t.Parallel()
	for selectors, want := range map[string]string{
		``:                                   "-1 : Specify at least one event selector.",
		`[]`:                                 "-1 : Specify at least one event selector.",
		`[{},{},{},{},{},{}]`:                "-1 EventSelectors: A trail can have up to 5 event selectors.",
		`[{},{"ReadWriteType":"read-only"}]`: "1 ReadWriteType: Value read-only for ReadWriteType is invalid.",
		`[{"ExcludeManagementEventSources":["ec2.amazonaws.com"]}]`: "0 ExcludeManagementEventSources: " +
			"Value ec2.amazonaws.com for ExcludeManagementEventSources is invalid.",
		`[{"IncludeManagementEvents":false,"ExcludeManagementEventSources":["kms.amazonaws.com"]}]`: "0 ExcludeManagementEventSources: " +
			"ExcludeManagementEventSources needs IncludeManagementEvents to be true.",
		dataSelector("AWS::S3::Bucket", `"arn:aws:s3"`):             "0 DataResources: Value AWS::S3::Bucket for DataResources.Type is invalid.",
		s3Selector(`"arn:aws:s3:::photos"`):                         "0 DataResources: Value arn:aws:s3:::photos for DataResources.Values is invalid.",
		s3Selector(`"arn:aws:s3:::*"`):                              "0 DataResources: Value arn:aws:s3:::* for DataResources.Values is invalid.",
		s3Selector(`"arn:aws:s3:::/x"`):                             "0 DataResources: Value arn:aws:s3:::/x for DataResources.Values is invalid.",
		s3Selector(`"arn:aws:lambda"`):                              "0 DataResources: Value arn:aws:lambda for DataResources.Values is invalid.",
		s3Selector(`"photos/"`):                                     "0 DataResources: Value photos/ for DataResources.Values is invalid.",
		s3Selector(`"arn:gcp:s3:::photos/"`):                        "0 DataResources: Value arn:gcp:s3:::photos/ for DataResources.Values is invalid.",
		dataSelector("AWS::Lambda::Function", `"arn:aws:lambda:*"`): "0 DataResources: Value arn:aws:lambda:* for DataResources.Values is invalid.",
		dataSelector("AWS::Lambda::Function", `"arn:aws:lambda:us-west-2:111122223333:layer:x"`): "0 DataResources: " +
			"Value arn:aws:lambda:us-west-2:111122223333:layer:x for DataResources.Values is invalid.",
		dataSelector("AWS::DynamoDB::Table", `"arn:aws:dynamodb:us-west-2:111122223333:table/"`): "0 DataResources: " +
			"Value arn:aws:dynamodb:us-west-2:111122223333:table/ for DataResources.Values is invalid.",
		s3Selector(strings.Repeat(`"arn:aws:s3:::b/",`, 250) + `"arn:aws:s3:::b/"`): "-1 DataResources: " +
			"A trail can have up to 250 data resources over all event selectors.",
	} {
		_, err := compile(selectors, "")
		checkSelectorError(t, selectors, err, want)
	}
	// Values for all resources of a type do not count.
	if _, err := compile(s3Selector(strings.Repeat(`"arn:aws:s3:::b/",`, 250)+`"arn:aws:s3"`), ""); err != nil {
		t.Error(err)
	}
	// A resource without values takes nothing.
	nothing, err := compile(s3Selector(""), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := taken(t, nothing); got != "" {
		t.Errorf("no resources take %q", got)
	}
	_, err = compile(`[{}]`, `[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]}]`)
	checkSelectorError(t, "both kinds", err, "-1 : Specify either EventSelectors or AdvancedEventSelectors, not both.")
}

func checkSelectorError(t *testing.T, what string, err error, want string) {
	t.Helper()
	var fault *cairn.SelectorError
	if !errors.As(err, &fault) {
		t.Errorf("%s: %v, want %s", what, err, want)
	} else if got := fmt.Sprintf("%d %s: %s", fault.Selector, fault.Field, err); got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// The default takes all management events and shows all its members.
func TestDefaultEventSelectors(t *testing.T) {
	t.Parallel()
	s, err := cairn.CompileSelectors(cairn.DefaultEventSelectors(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := taken(t, s), "kms rdsdata read write"; got != want {
		t.Errorf("takes %s, want %s", got, want)
	}
	d := cairn.DefaultEventSelectors()[0]
	if d.ReadWriteType != "All" || !*d.IncludeManagementEvents || d.DataResources == nil || d.ExcludeManagementEventSources == nil {
		t.Errorf("default %+v", d)
	}
}

// Records that leave out what newer ones say are judged by what they are.
func TestSelectOldRecords(t *testing.T) {
	t.Parallel()
	old := strings.NewReplacer(`"eventVersion":"1.10"`, `"eventVersion":"1.03"`)
	for name, c := range map[string]struct {
		selectors string
		f         fields
		want      bool
	}{
		"management without category":   {`[{}]`, fields{source: "ec2.amazonaws.com", name: "RunInstances"}, true},
		"data without category":         {`[{}]`, fields{resources: object}, false},
		"data without category, wanted": {s3Selector(`"arn:aws:s3:::photos/"`), fields{resources: object}, true},
		"without readOnly, write only":  {`[{"ReadWriteType":"WriteOnly"}]`, fields{source: "ec2.amazonaws.com", name: "X"}, true},
		"without readOnly, read only":   {`[{"ReadWriteType":"ReadOnly"}]`, fields{source: "ec2.amazonaws.com", name: "X"}, false},
	} {
		s, err := compile(c.selectors, "")
		if err != nil {
			t.Fatal(err)
		}
		e := new(cairn.Event)
		e.Raw = []byte(old.Replace(string(rawOf(t, c.f))))
		if err := e.Extract(); err != nil {
			t.Fatal(err)
		}
		var sub cairn.Subject
		sub.Reset(e)
		if got := s.Match(&sub); got != c.want {
			t.Errorf("%s: match %t, want %t", name, got, c.want)
		}
	}
}
