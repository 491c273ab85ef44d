package timeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
)

// A memory is a Source of events at hand.
type memory []cairn.Event

func (m memory) Find(_ context.Context, names []string, limit int) (found []cairn.Event, more bool, err error) {
	for _, e := range m {
		if !slices.ContainsFunc(e.Resources, func(r cairn.Resource) bool { return slices.Contains(names, r.Name) }) {
			continue
		}
		if len(found) == limit {
			return found, true, nil
		}
		found = append(found, e)
	}
	return found, false, nil
}

// events makes events of lines of the form: source event request answer [error].
// Requests and answers are JSON without spaces.
func events(t *testing.T, lines string) (m memory) {
	t.Helper()
	at := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		for len(f) < 4 {
			f = append(f, "null")
		}
		failed := ""
		if len(f) > 4 {
			failed = fmt.Sprintf(`"errorCode":%q,`, f[4])
		}
		at = at.Add(time.Minute)
		raw := fmt.Sprintf(`{"eventVersion":"1.11","eventID":"e%d","eventTime":%q,"awsRegion":"us-east-1","eventSource":"%s.amazonaws.com","eventName":%q,"eventType":"AwsApiCall",`+
			`"recipientAccountId":"111122223333","readOnly":false,%s"userIdentity":{"type":"IAMUser","userName":"admin","arn":"arn:aws:iam::111122223333:user/admin"},"requestParameters":%s,"responseElements":%s}`,
			len(m)+1, at.Format(time.RFC3339), f[0], f[1], failed, f[2], f[3])
		e := cairn.Event{Seq: uint64(len(m) + 1), Arrival: at, Origin: cairn.OriginRecorded, Raw: []byte(raw)}
		if err := e.Extract(); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		m = append(m, e)
	}
	return m
}

func follow(t *testing.T, m memory, typ, name string) *History {
	t.Helper()
	h, err := Follow(t.Context(), m, Ask{Type: typ, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// summary is a history in a form to compare: a line for each change, the
// configuration and what stands.
func summary(h *History) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s complete=%v unknown=%d\n", h.Type, h.Name, h.State, h.Complete, h.Unknown)
	for _, c := range h.Changes {
		fmt.Fprintf(&b, "%s %s %s", c.EventName, c.Name, c.Effect)
		for _, d := range c.Differences {
			before, _ := json.Marshal(d.Before)
			after, _ := json.Marshal(d.After)
			fmt.Fprintf(&b, " %s:%s>%s", d.Path, before, after)
		}
		b.WriteByte('\n')
	}
	text, _ := json.Marshal(h.Configuration)
	b.Write(text)
	for _, r := range h.Relationships {
		fmt.Fprintf(&b, "\n%s %s %s %d", r.Role, r.Type, r.Name, r.Events)
		if r.Current != nil {
			fmt.Fprintf(&b, " %v", *r.Current)
		}
	}
	return b.String()
}

const kit = `
iam CreateUser {"userName":"Kit-user"} {"user":{"userName":"Kit-user","userId":"AIDA1","path":"/","arn":"arn:aws:iam::111122223333:user/Kit-user"}}
iam AddUserToGroup {"userName":"Kit-user","groupName":"developers"}
iam AttachUserPolicy {"userName":"Kit-user","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}
iam DeleteUser {"userName":"Kit-user"} null DeleteConflictException
iam UpdateUser {"userName":"Kit-user","newUserName":"Kit-admin"}
iam DetachUserPolicy {"userName":"Kit-admin","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}
iam PutUserPolicy {"userName":"Kit-admin","policyName":"all","policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\"}]}"}
iam PutUserPolicy {"userName":"Kit-admin","policyName":"all","policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\"}]}"}
iam TagUser {"userName":"Kit-admin","tags":[{"key":"team","value":"blue"}]}
`

const kitHistory = `AWS::IAM::User Kit-admin OK complete=true unknown=0
CreateUser Kit-user created arn:null>"arn:aws:iam::111122223333:user/Kit-user" path:null>"/" userId:null>"AIDA1" userName:null>"Kit-user"
AddUserToGroup Kit-user updated groups:null>["developers"]
AttachUserPolicy Kit-user updated attachedPolicies:null>["arn:aws:iam::aws:policy/ReadOnlyAccess"]
DeleteUser Kit-user failed
UpdateUser Kit-user renamed arn:"arn:aws:iam::111122223333:user/Kit-user">"arn:aws:iam::111122223333:user/Kit-admin" userName:"Kit-user">"Kit-admin"
DetachUserPolicy Kit-admin updated attachedPolicies:["arn:aws:iam::aws:policy/ReadOnlyAccess"]>null
PutUserPolicy Kit-admin updated inlinePolicies:null>{"all":{"Statement":[{"Action":"s3:*","Effect":"Allow"}]}}
PutUserPolicy Kit-admin updated inlinePolicies.all.Statement[].Action:"s3:*">"*"
TagUser Kit-admin updated tags:null>{"team":"blue"}
{"arn":"arn:aws:iam::111122223333:user/Kit-admin","groups":["developers"],"inlinePolicies":{"all":{"Statement":[{"Action":"*","Effect":"Allow"}]}},"path":"/","tags":{"team":"blue"},"userId":"AIDA1","userName":"Kit-admin"}
member-of AWS::IAM::Group developers 1 true
has-policy AWS::IAM::Policy ReadOnlyAccess 2 false
named-with AWS::IAM::Policy all 2`

// A user who was renamed has one history, whichever name it is asked for by.
func TestRenamed(t *testing.T) {
	t.Parallel()
	m := events(t, kit)
	for _, name := range []string{"Kit-user", "Kit-admin", "arn:aws:iam::111122223333:user/Kit-user", "arn:aws:iam::111122223333:user/Kit-admin"} {
		for _, typ := range []string{"", "AWS::IAM::User"} {
			h := follow(t, m, typ, name)
			if got := summary(h); got != kitHistory {
				t.Errorf("%s:\n%s", name, got)
			}
			if len(h.Names) != 2 || h.Names[0].RenamedTo != "Kit-admin" || h.Names[0].EventID != "e5" || h.Names[1].From.IsZero() {
				t.Errorf("%s: names %+v", name, h.Names)
			}
		}
	}
	since, err := Follow(t.Context(), m, Ask{Name: "Kit-admin", Since: m[7].EventTime})
	if err != nil || since.Earlier != 7 || len(since.Changes) != 2 || since.Changes[0].Differences[0].Before != "s3:*" {
		t.Errorf("since the eighth event: %+v %v", since, err)
	}
	cut, err := Follow(t.Context(), m, Ask{Name: "Kit-user", Limit: 3})
	if err != nil || !slices.Contains(cut.Cut, "events") || len(cut.Changes) != 3 {
		t.Errorf("three events: %+v %v", cut, err)
	}
}

// The configuration behind an event is what the events up to it have told.
func TestAt(t *testing.T) {
	t.Parallel()
	m := events(t, kit+`
iam UpdateUser {"userName":"Kit-admin","newPath":"/ops/"}
iam DeleteUser {"userName":"Kit-admin"}
`)
	for _, test := range []struct{ id, name, state, want string }{
		{"e1", "Kit-user", StateDiscovered, `{"arn":"arn:aws:iam::111122223333:user/Kit-user","path":"/","userId":"AIDA1","userName":"Kit-user"}`},
		{"e4", "Kit-user", StateOK, `{"arn":"arn:aws:iam::111122223333:user/Kit-user","attachedPolicies":["arn:aws:iam::aws:policy/ReadOnlyAccess"],"groups":["developers"],"path":"/","userId":"AIDA1","userName":"Kit-user"}`},
		{"e5", "Kit-admin", StateOK, `{"arn":"arn:aws:iam::111122223333:user/Kit-admin","attachedPolicies":["arn:aws:iam::aws:policy/ReadOnlyAccess"],"groups":["developers"],"path":"/","userId":"AIDA1","userName":"Kit-admin"}`},
		{"e11", "Kit-admin", StateDeleted, `{"arn":"arn:aws:iam::111122223333:user/ops/Kit-admin","groups":["developers"],"inlinePolicies":{"all":{"Statement":[{"Action":"*","Effect":"Allow"}]}},"path":"/ops/","tags":{"team":"blue"},"userId":"AIDA1","userName":"Kit-admin"}`},
	} {
		h, err := Follow(t.Context(), m, Ask{Name: "Kit-user", At: test.id, Since: m[10].EventTime.Add(time.Hour)})
		if err != nil || h.At == nil || len(h.Changes) > 0 {
			t.Fatalf("%s: %+v %v", test.id, h, err)
		}
		got, _ := json.Marshal(h.At.Configuration)
		if string(got) != test.want || h.At.Name != test.name || h.At.State != test.state || h.At.EventID != test.id || !h.At.Complete {
			t.Errorf("%s: %+v\n%s", test.id, h.At, got)
		}
		if h.ARN != "arn:aws:iam::111122223333:user/ops/Kit-admin" {
			t.Errorf("%s: the ARN is %s", test.id, h.ARN)
		}
	}
	if h, err := Follow(t.Context(), m, Ask{Name: "Kit-user", At: "e99"}); err != nil || h.At != nil {
		t.Errorf("behind an event of others: %+v %v", h, err)
	}
}

// What a rule has told a role of has it in all calls.
func TestRoleOnce(t *testing.T) {
	t.Parallel()
	h := follow(t, events(t, `
iam CreateAccessKey {"userName":"kim"} {"accessKey":{"accessKeyId":"AKIA1","status":"Active","userName":"kim"}}
iam UpdateAccessKey {"userName":"kim","accessKeyId":"AKIA1","status":"Inactive"}
`), "AWS::IAM::User", "kim")
	if r := h.Relationships; len(r) != 1 || r[0].Role != "access-key" || r[0].Events != 2 || r[0].Current == nil || !*r[0].Current {
		t.Errorf("relationships: %+v", r)
	}
}

// An ARN without a type that means the resource itself, or one that the event has
// with its type too, is no other resource.
func TestUntyped(t *testing.T) {
	t.Parallel()
	m := events(t, `
ec2 RunInstances {} {"instancesSet":{"items":[{"instanceId":"i-1"}]}}
ssm UpdateInstanceAssociationStatus {"instanceId":"i-1","associationId":"a-1"}
`)
	m[1].Resources = []cairn.Resource{
		{Type: "AWS::EC2::Instance", Name: "i-1"},
		{Name: "arn:aws:ec2:us-east-1:111122223333:instance/i-1"},
		{Type: "AWS::SSM::Association", Name: "a-1"},
		{Name: "arn:aws:ssm:us-east-1:111122223333:association/a-1"},
		{Name: "arn:aws:ssm:us-east-1:111122223333:managed-instance-inventory/i-1x"},
	}
	var got []string
	for _, r := range follow(t, m, "", "i-1").Relationships {
		got = append(got, r.Name)
	}
	if want := []string{"a-1", "arn:aws:ssm:us-east-1:111122223333:managed-instance-inventory/i-1x"}; !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("relationships: %q", got)
	}
}

// A call that succeeds also where the resource exists makes it once.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	h := follow(t, events(t, `
sns CreateTopic {"name":"alarms"} {"topicArn":"arn:aws:sns:us-east-1:111122223333:alarms"}
sns SetTopicAttributes {"topicArn":"arn:aws:sns:us-east-1:111122223333:alarms","attributeName":"DisplayName","attributeValue":"A"}
sns CreateTopic {"name":"alarms"} {"topicArn":"arn:aws:sns:us-east-1:111122223333:alarms"}
sns DeleteTopic {"topicArn":"arn:aws:sns:us-east-1:111122223333:alarms"}
sns CreateTopic {"name":"alarms"} {"topicArn":"arn:aws:sns:us-east-1:111122223333:alarms"}
`), "AWS::SNS::Topic", "alarms")
	var effects []string
	for _, c := range h.Changes {
		effects = append(effects, c.Effect)
	}
	if want := []string{EffectCreated, EffectUpdated, EffectNone, EffectDeleted, EffectCreated}; !slices.Equal(effects, want) {
		t.Errorf("effects %q", effects)
	}
	if h.Changes[2].State != StateOK || len(h.Changes[2].Differences) > 0 || len(h.Changes[3].Differences) != 3 || h.State != StateDiscovered || h.Created.EventID != "e5" {
		t.Errorf("%s", summary(h))
	}
}

// A rule of a security group is told in either form that requests have.
func TestSecurityGroup(t *testing.T) {
	t.Parallel()
	h := follow(t, events(t, `
ec2 CreateSecurityGroup {"groupName":"web","vpcId":"vpc-1"} {"groupId":"sg-1"}
ec2 AuthorizeSecurityGroupIngress {"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","toPort":443}]}}
ec2 AuthorizeSecurityGroupIngress {"groupId":"sg-1","ipPermissions":{},"ipProtocol":"tcp","toPort":22,"cidrIp":"0.0.0.0/0"}
ec2 RevokeSecurityGroupIngress {"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","toPort":443}]}}
ec2 RevokeSecurityGroupIngress {"groupId":"sg-1","ipPermissions":{},"ipProtocol":"tcp","toPort":22,"cidrIp":"0.0.0.0/0"}
`), "AWS::EC2::SecurityGroup", "sg-1")
	want := `AuthorizeSecurityGroupIngress sg-1 updated ingress:null>[{"ipProtocol":"tcp","toPort":443}]
AuthorizeSecurityGroupIngress sg-1 updated ingress[]:null>{"cidrIp":"0.0.0.0/0","ipProtocol":"tcp","toPort":22}
RevokeSecurityGroupIngress sg-1 updated ingress[]:{"ipProtocol":"tcp","toPort":443}>null
RevokeSecurityGroupIngress sg-1 updated ingress:[{"cidrIp":"0.0.0.0/0","ipProtocol":"tcp","toPort":22}]>null
`
	if got := summary(h); !strings.Contains(got, want) {
		t.Errorf("got\n%s", got)
	}
}

// A name that is given anew is that of somebody else.
func TestNameGivenAnew(t *testing.T) {
	t.Parallel()
	m := events(t, kit+`
iam CreateUser {"userName":"Kit-user"} {"user":{"userName":"Kit-user","userId":"AIDA2"}}
iam DeleteUser {"userName":"Kit-user"}
`)
	h := follow(t, m, "", "Kit-user")
	if h.State != StateDeleted || len(h.Changes) != 2 || h.Configuration["userId"] != "AIDA2" || len(h.Others) != 1 || h.Others[0].RenamedTo != "Kit-admin" || h.Deleted == nil || h.Deleted.EventID != "e11" {
		t.Errorf("the new one: %s %+v", summary(h), h)
	}
	if h := follow(t, m, "", "Kit-admin"); summary(h) != kitHistory {
		t.Errorf("the first one:\n%s", summary(h))
	}
}

// Each service's calls do what the table, or else their names, say.
func TestServices(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, typ, lines, want string }{
		{"logs", "AWS::S3::Bucket", `
s3 CreateBucket {"bucketName":"logs","Host":"s3.amazonaws.com"}
s3 PutBucketPolicy {"bucketName":"logs","policy":"","bucketPolicy":{"Version":"1","Statement":[{"Effect":"Allow"}]}}
s3 PutBucketTagging {"bucketName":"logs","tagging":"","Tagging":{"TagSet":{"Tag":[{"Key":"a","Value":"1"}]}}}
s3 PutBucketVersioning {"bucketName":"logs","versioning":"","VersioningConfiguration":{"Status":"Enabled"}}
s3 PutBucketVersioning {"bucketName":"logs","versioning":"","VersioningConfiguration":{"Status":"Suspended"}}
s3 DeleteBucketPolicy {"bucketName":"logs","policy":""}
s3 DeleteBucketWebsite {"bucketName":"logs","website":""}
s3 FrobnicateBucket {"bucketName":"logs"}
`, `AWS::S3::Bucket logs OK complete=true unknown=1
CreateBucket logs created bucketName:null>"logs"
PutBucketPolicy logs updated policy:null>{"Statement":[{"Effect":"Allow"}],"Version":"1"}
PutBucketTagging logs updated tags:null>{"a":"1"}
PutBucketVersioning logs updated versioning:null>{"Status":"Enabled"}
PutBucketVersioning logs updated versioning.Status:"Enabled">"Suspended"
DeleteBucketPolicy logs updated policy:{"Statement":[{"Effect":"Allow"}],"Version":"1"}>null
DeleteBucketWebsite logs updated website:null>null
FrobnicateBucket logs unknown
{"bucketName":"logs","tags":{"a":"1"},"versioning":{"Status":"Suspended"}}`},
		{"main", "", `
cloudtrail CreateTrail {"name":"main","s3BucketName":"logs"} {"name":"main","s3BucketName":"logs","trailARN":"arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}
cloudtrail StartLogging {"name":"arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}
cloudtrail StopLogging {"name":"main"}
cloudtrail DeleteTrail {"name":"main"}
`, `AWS::CloudTrail::Trail main ResourceDeleted complete=true unknown=0
CreateTrail main created name:null>"main" s3BucketName:null>"logs" trailARN:null>"arn:aws:cloudtrail:us-east-1:111122223333:trail/main"
StartLogging main updated isLogging:null>true
StopLogging main updated isLogging:true>false
DeleteTrail main deleted isLogging:false>null name:"main">null s3BucketName:"logs">null trailARN:"arn:aws:cloudtrail:us-east-1:111122223333:trail/main">null
{"isLogging":false,"name":"main","s3BucketName":"logs","trailARN":"arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}
delivers-to AWS::S3::Bucket logs 1 false`},
		{"i-2", "AWS::EC2::Instance", `
ec2 RunInstances {"instancesSet":{"items":[{"imageId":"ami-1"}]}} {"instancesSet":{"items":[{"instanceId":"i-1","imageId":"ami-1"},{"instanceId":"i-2","imageId":"ami-1","instanceType":"t3.micro"}]}}
ec2 ModifyInstanceAttribute {"instanceId":"i-2","instanceType":{"value":"t3.large"}} {"_return":true}
ec2 CreateTags {"resourcesSet":{"items":[{"resourceId":"i-2"}]},"tagSet":{"items":[{"key":"Name","value":"web"}]}}
ec2 TerminateInstances {"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}
`, `AWS::EC2::Instance i-2 ResourceDeleted complete=true unknown=0
RunInstances i-2 created imageId:null>"ami-1" instanceId:null>"i-2" instanceType:null>"t3.micro"
ModifyInstanceAttribute i-2 updated instanceType:"t3.micro">"t3.large"
CreateTags i-2 updated tags:null>{"Name":"web"}
TerminateInstances i-2 deleted imageId:"ami-1">null instanceId:"i-2">null instanceType:"t3.large">null tags:{"Name":"web"}>null
{"imageId":"ami-1","instanceId":"i-2","instanceType":"t3.large","tags":{"Name":"web"}}
launched-from AWS::EC2::Ami ami-1 1 false
named-with AWS::EC2::Instance i-1 2`},
		{"f", "AWS::Lambda::Function", `
lambda CreateFunction20150331 {"functionName":"f","runtime":"go"} {"functionName":"f","runtime":"go","functionArn":"arn:aws:lambda:us-east-1:111122223333:function:f"}
lambda AddPermission20150331v2 {"functionName":"f","statementId":"s","principal":"*"}
lambda UpdateFunctionConfiguration20150331v2 {"functionName":"f","timeout":5}
lambda RemovePermission20150331v2 {"functionName":"f","statementId":"s"}
`, `AWS::Lambda::Function f OK complete=true unknown=0
CreateFunction20150331 f created functionArn:null>"arn:aws:lambda:us-east-1:111122223333:function:f" functionName:null>"f" runtime:null>"go"
AddPermission20150331v2 f updated permissions:null>{"s":{"functionName":"f","principal":"*","statementId":"s"}}
UpdateFunctionConfiguration20150331v2 f updated timeout:null>5
RemovePermission20150331v2 f updated permissions:{"s":{"functionName":"f","principal":"*","statementId":"s"}}>null
{"functionArn":"arn:aws:lambda:us-east-1:111122223333:function:f","functionName":"f","runtime":"go","timeout":5}`},
		{"nobody", "", ``, " nobody ResourceNotRecorded complete=false unknown=0\n{}"},
	} {
		if got := summary(follow(t, events(t, test.lines), test.typ, test.name)); got != test.want {
			t.Errorf("%s:\n%s", test.name, got)
		}
	}
}

// The table names operations and types that exist, as far as events show: each of
// its rules can be reached, and its paths lead somewhere.
func TestRulesAreRead(t *testing.T) {
	t.Parallel()
	set, err := parseRules(ruleTable)
	if err != nil || len(set) < 100 {
		t.Fatalf("%d rules: %v", len(set), err)
	}
	for key, list := range set {
		if baseName(key.event) != key.event {
			t.Errorf("%v has a date", key)
		}
		for _, r := range list {
			for _, arg := range r.args {
				if strings.Contains(arg, ".") && !strings.HasPrefix(arg, "request.") && !strings.HasPrefix(arg, "response.") {
					t.Errorf("%v: path %s", key, arg)
				}
			}
		}
	}
	for _, bad := range []string{"x", "a.b\n  E AWS::X frob", "a.b\n  E AWS::X set a", "a.b\n  E X delete"} {
		if _, err := parseRules(bad); err == nil && bad != "x" {
			t.Errorf("%q was read", bad)
		}
	}
}

// What the intruder of the real incident made, was given and left behind is told
// out of the real records; of the user that they came in as, no call says more.
func TestRealRecords(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../shared/data/invictus/CloudTrail/*.json")
	if len(files) == 0 {
		t.Skip("the real records are not at hand")
	}
	var m memory
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Records []json.RawMessage }
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, raw := range file.Records {
			e := cairn.Event{Seq: uint64(len(m)), Raw: raw}
			if e.Extract() == nil && e.Category == cairn.Management {
				m = append(m, e)
			}
		}
	}
	slices.SortStableFunc(m, func(a, b cairn.Event) int { return a.EventTime.Compare(b.EventTime) })
	made := follow(t, m, "", "malicious-iam-user")
	if made.State != StateDeleted || !made.Complete || made.Created == nil || !strings.HasSuffix(made.Created.By, ":user/bert-jan") || made.Unknown > 0 {
		t.Errorf("the user that was made: %s %+v", summary(made), made.Created)
	}
	attached := slices.IndexFunc(made.Changes, func(c Change) bool { return c.EventName == "AttachUserPolicy" })
	if attached < 0 || len(made.Changes[attached].Differences) != 1 || made.Changes[attached].Differences[0].Path != "attachedPolicies" {
		t.Errorf("what it was given: %s", summary(made))
	}
	if !slices.ContainsFunc(made.Relationships, func(r Relationship) bool {
		return r.Role == "has-policy" && r.Name == "AdministratorAccess" && !*r.Current
	}) || !slices.ContainsFunc(made.Relationships, func(r Relationship) bool { return r.Role == "access-key" && strings.HasPrefix(r.Name, "AKIA") }) {
		t.Errorf("what it had: %+v", made.Relationships)
	}
	trail := follow(t, m, "AWS::CloudTrail::Trail", "stratus-red-team-ctes-trail-qyxyekjbtk")
	if trail.State != StateDeleted || !strings.Contains(summary(trail), "PutEventSelectors") || !slices.ContainsFunc(trail.Relationships, func(r Relationship) bool {
		return r.Role == "delivers-to" && r.Name == "stratus-red-team-ctes-bucket-qyxyekjbtk"
	}) {
		t.Errorf("the trail: %s", summary(trail))
	}
	if user := follow(t, m, "AWS::IAM::User", "bert-jan"); user.State != StateNotRecorded || user.Complete {
		t.Errorf("the user: %s", summary(user))
	}
}

// Whatever records hold, a history is told, and is not larger than its bounds.
func FuzzFollow(f *testing.F) {
	f.Add("iam", "UpdateUser", `{"userName":"a","newUserName":"b"}`, `{"user":{"userName":"a"}}`, "a")
	f.Add("iam", "UpdateUser", `{"userName":"a","newUserName":"a"}`, `null`, "a")
	f.Add("s3", "PutBucketPolicy", `{"bucketName":"a","bucketPolicy":[[[{"items":[]}]]]}`, `{"value":{"value":{}}}`, "a")
	f.Add("ec2", "CreateTags", `{"resourcesSet":{"items":[{"resourceId":"i-1"}]},"tagSet":{"items":[{"key":1,"value":{}},"x"]}}`, `null`, "i-1")
	f.Add("iam", "PutUserPolicy", `{"userName":"a","policyName":"p","policyDocument":"{\"a\":{\"b\":1}}"}`, `{}`, "a")
	f.Add("kms", "Create\u00e9", `{"keyId":"a"}`, `[1,2]`, "arn:aws:kms:::key/a")
	f.Add("lambda", "Delete20150331", `{"functionName":"a"}`, `"x"`, "a")
	f.Fuzz(func(t *testing.T, service, name, request, response, asked string) {
		var m memory
		for i := range 4 {
			raw, err := json.Marshal(map[string]any{
				"eventVersion": "1.11", "eventID": fmt.Sprint("e", i), "eventTime": "2026-05-01T10:00:00Z", "awsRegion": "us-east-1", "eventSource": service + ".amazonaws.com",
				"eventName": name, "eventType": "AwsApiCall", "recipientAccountId": "111122223333", "readOnly": false, "requestParameters": raw(request), "responseElements": raw(response),
				"userIdentity": map[string]any{"type": "Root"},
			})
			e := cairn.Event{Seq: uint64(i + 1), Raw: raw}
			if err != nil || e.Extract() != nil {
				return
			}
			m = append(m, e)
		}
		h, err := Follow(t.Context(), m, Ask{Name: asked})
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Changes) > len(m) || len(h.Names) > maxRenames || size(h.Configuration) > 2*maxConfigBytes {
			t.Errorf("%d changes, %d names, %d bytes", len(h.Changes), len(h.Names), size(h.Configuration))
		}
		if _, err := json.Marshal(h); err != nil {
			t.Error(err)
		}
	})
}

// raw is JSON, or a text where it is none.
func raw(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

// A history of many large changes stays within its bounds, and says so.
func TestBounds(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	long := strings.Repeat("x", 20<<10)
	for i := range 40 {
		fmt.Fprintf(&lines, "iam PutUserPolicy {\"userName\":\"a\",\"policyName\":\"p%d\",\"policyDocument\":\"%s\"}\n", i, long)
		fmt.Fprintf(&lines, "iam UpdateUser {\"userName\":\"a%d\",\"newUserName\":\"a%d\"}\n", i, i+1)
	}
	m := events(t, lines.String())
	h := follow(t, m, "", "a")
	if !slices.Contains(h.Cut, "configuration") || size(h.Configuration) > maxConfigBytes {
		t.Errorf("cut %v at %d bytes", h.Cut, size(h.Configuration))
	}
	if h := follow(t, m, "AWS::IAM::User", "a0"); len(h.Names) != maxRenames || !slices.Contains(h.Cut, "names") {
		t.Errorf("%d names, cut %v", len(h.Names), h.Cut)
	}
}

// What a call with many tags takes grows with their number, and not with its square.
// It is not parallel: other tests would count, too.
func TestManyTags(t *testing.T) {
	tags := make(map[string]any, maxElements)
	for i := range maxElements {
		tags[fmt.Sprintf("k%04d", i)] = "v"
	}
	c := newConfiguration()
	c.begin()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.retag(map[string]any{"tags": tags})
	c.tag(map[string]any{"tagKeys": []any{"k0000"}}, true)
	runtime.ReadMemStats(&after)
	if got, n := len(c.parts["tags"].(map[string]any)), after.TotalAlloc-before.TotalAlloc; got != maxElements-1 || n > 4<<20 {
		t.Errorf("%d tags, %d bytes", got, n)
	}
}
