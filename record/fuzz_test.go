package record_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"cairn/aws"
	"cairn/record"
)

// Whatever a client sends, its call has a record that the event log takes, under the
// caller's name.
func FuzzAppend(f *testing.F) {
	f.Add("iam", "CreateUser", "us-east-1", "agent\xff\x00\x1b[31m", `{"UserName":"\ud800","username":1,"UserName\u0000":[{}]}`, "AccessDenied", "m\x80", "h\x00st", int64(1700000000))
	f.Add("s3", "PutBucketPolicy", "", "", `{"Bucket":"b","Policy":"{\"a\":1e999}","Host":"x"}`, "", "", "", int64(-5))
	f.Add("ec2", "RunInstances", "eu\nwest", "\ufffd", `{"ImageId":{"a":[]},"instancesSet":"x","MinCount":"1","SecurityGroupIds":"x","IpPermissions":[1],"TagSpecifications":[null,{"Tags":{}}]}`, "", "", "", int64(1<<40))
	f.Add("ec2", "DescribeNatGateways", "x", "", `{"NatGatewayIds":[[],{},null,""],"Filter":{"a":"b"},"tag":1}`, "E", "", "", int64(0))
	f.Add("kms", "Encrypt", "x", "", `{"KeyId":["a"],"EncryptionContext":{"a":1e5,"b":-0}}`, "", "", "", int64(0))
	f.Add("rds\x00", "DeleteDBInstance\xff", strings.Repeat("r", 300), strings.Repeat("\xff", 3000), `{"DBInstance":7}`, strings.Repeat("\x01", 2000), "", "", int64(0))
	f.Add("sts", "AssumeRole", "x", "", "Action=AssumeRole&RoleArn=\xff&RoleArn=b&%00=%ff", "", "", "", int64(0))
	f.Fuzz(checkAppend)
}

// The same for texts that a generator makes up, of operations that there are.
func TestAppendAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		operation := rapid.SampledFrom([][2]string{
			{"iam", "CreateUser"}, {"s3", "PutBucketTagging"}, {"s3", "PutBucketPolicy"}, {"ec2", "RunInstances"}, {"ec2", "CreateNatGateway"},
			{"ec2", "AuthorizeSecurityGroupIngress"}, {"ce", "GetTags"}, {"rds", "DeleteDBInstance"}, {"kms", "Encrypt"}, {"nothing", "Nothing"},
		}).Draw(rt, "operation")
		members := rapid.OneOf(rapid.SampledFrom([]string{"UserName", "Tags", "Bucket", "Tagging", "Policy", "ImageId", "IpPermissions", "TagSpecifications", "KeyId", "DBInstance"}), text)
		body, err := json.Marshal(rapid.MapOf(members, rapid.OneOf(text.AsAny(), rapid.SliceOfN(text, 0, 3).AsAny(), rapid.MapOfN(members, text, 0, 3).AsAny(), rapid.Int().AsAny())).Draw(rt, "body"))
		if err != nil {
			rt.Fatal(err)
		}
		checkAppend(t, operation[0], operation[1], text.Draw(rt, "region"), text.Draw(rt, "agent"), string(body), text.Draw(rt, "code"), text.Draw(rt, "message"), text.Draw(rt, "host"), rapid.Int64().Draw(rt, "at"))
	})
}

func checkAppend(t *testing.T, service, operation, region, agent, body, code, message, host string, at int64) {
	t.Helper()
	c := call(service, operation, treeOf(body), treeOf(body))
	c.Region, c.UserAgent, c.Host, c.RequestID = region, agent, host, agent
	c.Identity.UserName, c.Identity.ARN = agent, agent
	c.Time = time.Unix(at, 0)
	if code != "" {
		failing(code, message)(c)
	}
	overTLS(c)
	raw, r := appended(t, c, record.Details{})
	if !utf8.Valid(raw) {
		t.Errorf("not UTF-8: %q", raw)
	}
	if r.AccountID != "111122223333" || r.UserIdentity.AccessKeyID != "AKIAEXAMPLE" || r.SourceIPAddress != "192.0.2.7" {
		t.Errorf("the caller is %s with %s from %s", r.AccountID, r.UserIdentity.AccessKeyID, r.SourceIPAddress)
	}
	if (r.ErrorCode != "") != (code != "") {
		t.Errorf("errorCode %q of %q", r.ErrorCode, code)
	}
	again := record.Append(nil, c, record.Details{EventID: eventID})
	if string(again) != string(raw) {
		t.Errorf("the same call gives another record:\n%s\n%s", raw, again)
	}
}

// treeOf decodes a body as the front and the gateway do: JSON or a form.
func treeOf(body string) map[string]any {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var parameters map[string]any
	if d.Decode(&parameters) == nil {
		return parameters
	}
	form, _ := url.ParseQuery(body)
	parameters = make(map[string]any)
	for name, values := range form {
		parameters[name] = values[0]
	}
	return parameters
}

var sink []byte

func BenchmarkGetCallerIdentity(b *testing.B) {
	c := call("sts", "GetCallerIdentity", nil, tree{"Account": "111122223333", "Arn": "a", "UserId": "u"})
	benchmark(b, c)
}

func BenchmarkCreateUser(b *testing.B) { benchmark(b, calls[1].call) }

func BenchmarkAssumeRole(b *testing.B) { benchmark(b, calls[4].call) }

func benchmark(b *testing.B, c *aws.Call) {
	b.ReportAllocs()
	for b.Loop() {
		sink = record.Append(sink[:0], c, record.Details{})
	}
	b.SetBytes(int64(len(sink)))
}
