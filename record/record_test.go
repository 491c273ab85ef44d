package record_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/record"
)

var update = flag.Bool("update", false, "write the golden file anew")

var user = aws.Identity{
	Type: "IAMUser", PrincipalID: "AIDAEXAMPLE", ARN: "arn:aws:iam::111122223333:user/Kit", AccountID: "111122223333",
	AccessKeyID: "AKIAEXAMPLE", UserName: "Kit",
}

var roleSession = aws.Identity{
	Type: "AssumedRole", PrincipalID: "AROAEXAMPLE:work", ARN: "arn:aws:sts::111122223333:assumed-role/admin/work", AccountID: "111122223333",
	AccessKeyID: "ASIAEXAMPLE",
	Session: &aws.Session{
		Created: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), MFA: true, SourceIdentity: "kit",
		Issuer: &aws.Issuer{Type: "Role", PrincipalID: "AROAEXAMPLE", ARN: "arn:aws:iam::111122223333:role/admin", AccountID: "111122223333", UserName: "admin"},
	},
}

const eventID = "8a2d5f0e-6c1b-4c58-9d07-3f1f6f1f0c11"

// call is a call by a user over plain HTTP.
func call(service, operation string, input, output map[string]any) *aws.Call {
	return &aws.Call{
		Time: time.Date(2026, 3, 1, 9, 30, 15, 999_000_000, time.UTC), RequestID: "3e1c2b6a-0000-4000-8000-000000000001",
		Service: service, Operation: operation, Region: "eu-west-1", Identity: user,
		SourceIP: netip.MustParseAddr("192.0.2.7"), UserAgent: "aws-cli/2.17", Host: "cairn.example:8080", Input: input, Output: output,
	}
}

func with(c *aws.Call, changes ...func(*aws.Call)) *aws.Call {
	for _, change := range changes {
		change(c)
	}
	return c
}

func by(id aws.Identity) func(*aws.Call) { return func(c *aws.Call) { c.Identity = id } }

func failing(code string, message string) func(*aws.Call) {
	return func(c *aws.Call) { c.Err = &aws.Error{Code: code, Message: message} }
}

func overTLS(c *aws.Call) {
	c.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
}

var created = time.Date(2026, 3, 1, 13, 4, 5, 0, time.UTC)

type tree = map[string]any

// calls are what the golden file has the records of.
var calls = []struct {
	name    string
	call    *aws.Call
	details record.Details
}{
	{"a call without parameters", call("sts", "GetCallerIdentity", nil, tree{"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/Kit", "UserId": "AIDAEXAMPLE"}), record.Details{}},
	{"root, over TLS", with(call("iam", "CreateUser",
		tree{"UserName": "Kit-admin", "Path": "/", "Tags": []any{tree{"Key": "team", "Value": "red"}}},
		tree{"User": tree{"UserName": "Kit-admin", "Path": "/", "UserId": "AIDAEXAMPLE2", "Arn": "arn:aws:iam::111122223333:user/Kit-admin", "CreateDate": created}}),
		by(aws.Identity{Type: "Root", PrincipalID: "111122223333", ARN: "arn:aws:iam::111122223333:root", AccountID: "111122223333", AccessKeyID: "AKIAROOT"}), overTLS), record.Details{}},
	{"a role session", with(call("cloudtrail", "StopLogging", tree{"Name": "trail"}, tree{}), by(roleSession)), record.Details{}},
	{"an access key", call("iam", "CreateAccessKey", tree{"UserName": "Kit"},
		tree{"AccessKey": tree{"UserName": "Kit", "AccessKeyId": "AKIANEW", "Status": "Active", "SecretAccessKey": "PLANTED", "CreateDate": created}}), record.Details{}},
	{"credentials", call("sts", "AssumeRole", tree{"RoleArn": "arn:aws:iam::111122223333:role/admin", "RoleSessionName": "work", "DurationSeconds": json.Number("900")},
		tree{"Credentials": tree{"AccessKeyId": "ASIANEW", "SecretAccessKey": "PLANTED", "SessionToken": "PLANTED", "Expiration": created},
			"AssumedRoleUser": tree{"AssumedRoleId": "AROAEXAMPLE:work", "Arn": roleSession.ARN}}), record.Details{}},
	{"denied", with(call("sts", "AssumeRole", tree{"RoleArn": "arn:aws:iam::111122223333:role/admin", "RoleSessionName": "work"}, nil),
		failing("AccessDenied", "User: arn:aws:iam::111122223333:user/Kit is not authorized to perform: sts:AssumeRole")), record.Details{}},
	{"failed", with(call("iam", "DeleteUser", tree{"UserName": "nobody"}, nil), failing("NoSuchEntity", "The user with name nobody cannot be found.")), record.Details{}},
	{"throttled", with(call("cloudtrail", "LookupEvents", tree{"MaxResults": json.Number("5")}, nil), failing("ThrottlingException", "Rate exceeded")), record.Details{}},
	{"EC2", call("ec2", "TerminateInstances", tree{"InstanceIds": []any{"i-1", "i-2"}},
		tree{"TerminatingInstances": []any{tree{"InstanceId": "i-1", "CurrentState": tree{"Code": json.Number("32"), "Name": "shutting-down"}}}}), record.Details{}},
	{"EC2, failed", with(call("ec2", "DescribeInstances", tree{"InstanceIds": []any{"i-1"}}, nil), failing("InvalidInstanceID.NotFound", "gone")), record.Details{}},
	{"EC2, a newer operation", call("ec2", "CreateNatGateway", tree{"SubnetId": "subnet-1", "ClientToken": "c", "TagSpecifications": []any{tree{"ResourceType": "natgateway", "Tags": []any{tree{"Key": "a", "Value": "true"}}}}},
		tree{"NatGateway": tree{"NatGatewayId": "nat-1", "CreateTime": created}, "ClientToken": "c"}), record.Details{}},
	{"S3, a policy", call("s3", "PutBucketPolicy", tree{"Bucket": "logs", "Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}`}, nil),
		record.Details{AdditionalEventData: tree{"SignatureVersion": "SigV4", "bytesTransferredIn": 56}}},
	{"S3, XML", call("s3", "PutBucketTagging", tree{"Bucket": "logs", "Tagging": tree{"TagSet": []any{tree{"Key": "n", "Value": "12"}, tree{"Key": "b", "Value": "true"}}}}, nil), record.Details{}},
	{"S3, a data event", call("s3", "PutObject", tree{"Bucket": "logs", "Key": "a/b\nc", "ACL": "private", "Body": []byte("PLANTED")}, tree{"ServerSideEncryption": "AES256", "ETag": `"x"`}), record.Details{}},
	{"a secret", call("secretsmanager", "CreateSecret", tree{"Name": "db", "SecretString": "PLANTED", "ClientRequestToken": "t"},
		tree{"ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-1", "Name": "db", "VersionId": "t"}), record.Details{}},
	{"KMS by an alias", call("kms", "Encrypt", tree{"KeyId": "alias/a", "Plaintext": []byte("PLANTED"), "EncryptionContext": tree{"Tenant": "x"}},
		tree{"KeyId": "arn:aws:kms:eu-west-1:111122223333:key/k", "CiphertextBlob": []byte("PLANTED")}), record.Details{}},
	{"RDS", call("rds", "DeleteDBInstance", tree{"DBInstanceIdentifier": "db", "SkipFinalSnapshot": "true"}, tree{"DBInstance": tree{"DBInstanceIdentifier": "db", "InstanceCreateTime": created, "IAMDatabaseAuthenticationEnabled": false}}), record.Details{}},
	{"SSM", call("ssm", "PutParameter", tree{"Name": "/a", "Value": "PLANTED", "Type": "SecureString"}, tree{"Version": json.Number("1"), "Tier": "Standard"}), record.Details{}},
	{"a service", with(call("sts", "AssumeRole", tree{"RoleArn": "arn:aws:iam::111122223333:role/delivery"}, nil),
		by(aws.Identity{Type: "AWSService", InvokedBy: "cloudtrail.amazonaws.com"}), overTLS), record.Details{RecipientAccountID: "111122223333", SharedEventID: "9b0c4c1a-0000-4000-8000-000000000002"}},
	{"not in the model", call("cloudtrail", "MakeTea", tree{"Password": "PLANTED"}, nil), record.Details{}},
	{"no service", call("", "", nil, nil), record.Details{}},
}

// appended returns the call's record, which is valid in every respect.
func appended(t *testing.T, c *aws.Call, d record.Details) (raw []byte, r cairn.Record) {
	t.Helper()
	d.EventID = eventID
	raw = record.Append(nil, c, d)
	if err := r.Extract(raw); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	if !json.Valid(raw) || bytes.ContainsRune(raw, '\n') || len(raw) > record.MaxBytes {
		t.Fatalf("not one line of JSON of at most %d bytes: %s", record.MaxBytes, raw)
	}
	return raw, r
}

func TestGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, tt := range calls {
		raw, _ := appended(t, tt.call, tt.details)
		if bytes.Contains(raw, []byte("PLANTED")) || bytes.Contains(raw, []byte("UExBTlRFR")) {
			t.Errorf("%s: a secret is in the record: %s", tt.name, raw)
		}
		fmt.Fprintf(&b, "# %s\n%s\n", tt.name, raw)
	}
	const file = "testdata/records.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, golden := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(golden)) {
		if i >= len(got) || i >= len(golden) || got[i] != golden[i] {
			t.Fatalf("line %d differs from %s (run with -update to write it anew)\n got %s\nwant %s", i+1, file, at(got, i), at(golden, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// What the log indexes is what the call was.
func TestFields(t *testing.T) {
	t.Parallel()
	c := with(call("iam", "DeleteUser", tree{"UserName": "nobody"}, nil), by(roleSession), failing("NoSuchEntity", "none"), overTLS)
	_, r := appended(t, c, record.Details{})
	for _, tt := range []struct{ field, got, want string }{
		{"version", r.EventVersion, "1.11"},
		{"id", r.EventID, eventID},
		{"time", r.EventTime.Format(time.RFC3339Nano), "2026-03-01T09:30:15Z"},
		{"source", r.EventSource, "iam.amazonaws.com"},
		{"name", r.EventName, "DeleteUser"},
		{"type", r.EventType, "AwsApiCall"},
		{"category", r.Category.String(), "Management"},
		{"region of a global service", r.AWSRegion, "us-east-1"},
		{"address", r.SourceIPAddress, "192.0.2.7"},
		{"agent", r.UserAgent, "aws-cli/2.17"},
		{"error", r.ErrorCode + ": " + r.ErrorMessage, "NoSuchEntityException: none"},
		{"request", r.RequestID, c.RequestID},
		{"read only", r.ReadOnly.String(), "false"},
		{"account", r.AccountID, "111122223333"},
		{"user", r.Username, "work"},
		{"key", r.UserIdentity.AccessKeyID, "ASIAEXAMPLE"},
		{"issuer", r.UserIdentity.SessionIssuer.UserName, "admin"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.field, tt.got, tt.want)
		}
	}
}

// Without an ID each record gets a UUID of its own.
func TestEventID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		var r cairn.Record
		if err := r.Extract(record.Append(nil, call("sts", "GetCallerIdentity", nil, nil), record.Details{})); err != nil {
			t.Fatal(err)
		}
		id := r.EventID
		if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || strings.Count(id, "-") != 4 || seen[id] {
			t.Fatalf("eventID %q", id)
		}
		seen[id] = true
	}
}

// fieldOf returns the JSON at a path of keys.
func fieldOf(t *testing.T, raw []byte, path ...string) string {
	t.Helper()
	for _, key := range path {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		raw = object[key]
	}
	return string(raw)
}

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, operation, code, want string }{
		{"iam", "GetUser", "NoSuchEntity", "NoSuchEntityException"},
		{"iam", "GetUser", "AccessDenied", "AccessDenied"},
		{"cloudtrail", "StopLogging", "AccessDeniedException", "AccessDenied"},
		{"cloudtrail", "StopLogging", "TrailNotFoundException", "TrailNotFoundException"},
		{"sts", "GetCallerIdentity", "Throttling", "ThrottlingException"},
		{"rds", "DeleteDBInstance", "InvalidDBInstanceState", "InvalidDBInstanceStateFault"},
		{"ec2", "RunInstances", "UnauthorizedOperation", "Client.UnauthorizedOperation"},
		{"ec2", "RunInstances", "Client.UnauthorizedOperation", "Client.UnauthorizedOperation"},
		{"s3", "GetBucketPolicy", "NoSuchBucketPolicy", "NoSuchBucketPolicy"},
		{"cloudtrail", "MakeTea", "UnsupportedOperationException", "UnsupportedOperationException"},
	} {
		_, r := appended(t, with(call(tt.service, tt.operation, nil, nil), failing(tt.code, "")), record.Details{})
		if r.ErrorCode != tt.want {
			t.Errorf("%s %s %s: %q, want %q", tt.service, tt.operation, tt.code, r.ErrorCode, tt.want)
		}
	}
	_, r := appended(t, with(call("ec2", "RunInstances", nil, nil), func(c *aws.Call) { c.Err = &aws.Error{Code: "InternalError", Status: 500} }), record.Details{})
	if r.ErrorCode != "Server.InternalError" {
		t.Errorf("EC2's own fault: %q", r.ErrorCode)
	}
}

// Services quote what they refuse, secrets too.
func TestErrorMessageHasNoSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"hunter2!", "abc"} {
		c := with(call("iam", "CreateLoginProfile", tree{"UserName": "Kit", "Password": secret}, nil),
			failing("ValidationException", "Value '"+secret+"' at 'password' failed"))
		raw, r := appended(t, c, record.Details{})
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the password is in %s", raw)
		}
		if !strings.HasSuffix(r.ErrorMessage, "at 'password' failed") {
			t.Errorf("message %q", r.ErrorMessage)
		}
	}
}

func TestNulls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		call              *aws.Call
		request, response bool // not null
	}{
		{"a read", call("iam", "GetUser", tree{"UserName": "a"}, tree{"User": tree{"UserName": "a"}}), true, false},
		{"a read without parameters", call("iam", "GetUser", tree{}, tree{"User": tree{"UserName": "a"}}), false, false},
		{"a write that returns nothing", call("iam", "DeleteUser", tree{"UserName": "a"}, tree{}), true, false},
		{"a write", call("iam", "CreateGroup", tree{"GroupName": "a"}, tree{"Group": tree{"GroupName": "a"}}), true, true},
		{"a write that failed", with(call("iam", "CreateGroup", tree{"GroupName": "a"}, tree{"Group": tree{"GroupName": "a"}}), failing("EntityAlreadyExists", "")), true, false},
		{"denied", with(call("iam", "CreateGroup", tree{"GroupName": "a"}, nil), failing("AccessDenied", "")), false, false},
		{"throttled", with(call("ssm", "PutParameter", tree{"Name": "a"}, nil), failing("ThrottlingException", "")), false, false},
		{"denied by EC2", with(call("ec2", "DeleteVpc", tree{"VpcId": "a"}, nil), failing("UnauthorizedOperation", "")), true, false},
		{"denied by S3", with(call("s3", "DeleteBucket", tree{"Bucket": "a"}, nil), failing("AccessDenied", "")), true, false},
		{"denied by Cost Explorer", with(call("ce", "GetTags", tree{"TagKey": "a"}, nil), failing("AccessDenied", "")), true, false},
	} {
		raw, _ := appended(t, tt.call, record.Details{})
		if got := fieldOf(t, raw, "requestParameters"); (got != "null") != tt.request {
			t.Errorf("%s: requestParameters %s", tt.name, got)
		}
		if got := fieldOf(t, raw, "responseElements"); (got != "null") != tt.response {
			t.Errorf("%s: responseElements %s", tt.name, got)
		}
	}
}

func TestSpelling(t *testing.T) {
	t.Parallel()
	when := time.Date(2023, 7, 3, 9, 4, 5, 123_000_000, time.UTC)
	for _, tt := range []struct {
		service, operation string
		input              tree
		want               string
	}{
		{"rds", "DescribeDBInstances", tree{"DBInstanceIdentifier": "a", "MaxRecords": "20"}, `{"dBInstanceIdentifier":"a","maxRecords":20}`},
		{"kms", "CreateKey", tree{"BypassPolicyLockoutSafetyCheck": "true"}, `{"bypassPolicyLockoutSafetyCheck":true}`},
		{"kms", "Decrypt", tree{"EncryptionContext": tree{"SecretARN": "x"}}, `{"encryptionContext":{"SecretARN":"x"}}`},
		{"ce", "GetTags", tree{"TagKey": "a", "TimePeriod": tree{"Start": "2023-01-01"}}, `{"TagKey":"a","TimePeriod":{"Start":"2023-01-01"}}`},
		{"cloudtrail", "LookupEvents", tree{"StartTime": when}, `{"startTime":"Jul 3, 2023, 9:04:05 AM"}`},
		{"rds", "DescribeEvents", tree{"StartTime": when}, `{"startTime":"Jul 3, 2023 9:04:05 AM"}`},
		{"devops-guru", "SearchInsights", tree{"StartTimeRange": tree{"FromTime": when}}, `{"StartTimeRange":{"FromTime":1688375045.123}}`},
		{"ec2", "DescribeVpcs", nil, `{"filterSet":{},"vpcSet":{}}`},
		{"ec2", "CreateSecurityGroup", tree{"Description": "d", "GroupName": "g"}, `{"groupDescription":"d","groupName":"g"}`},
		{"ec2", "CreateVolume", tree{"Size": json.Number("8"), "AvailabilityZone": "a"}, `{"size":"8","zone":"a"}`},
		{"ec2", "DescribeNatGateways", tree{"NatGatewayIds": []any{"nat-1", "nat-2"}}, `{"DescribeNatGatewaysRequest":{"NatGatewayId":[{"content":"nat-1","tag":1},{"content":"nat-2","tag":2}]}}`},
		{"s3", "GetBucketAcl", tree{"Bucket": "b"}, `{"Host":"cairn.example:8080","acl":"","bucketName":"b"}`},
		{"s3", "ListObjectsV2", tree{"Bucket": "b", "MaxKeys": json.Number("5"), "Prefix": "p"}, `{"Host":"cairn.example:8080","bucketName":"b","list-type":"2","max-keys":"5","prefix":"p"}`},
		// Unknown members stay; none takes the place of a known one.
		{"iam", "CreateGroup", tree{"GroupName": "a", "groupName": "b", "extra": "c"}, `{"extra":"c","groupName":"a","groupName_":"b"}`},
		{"kms", "Decrypt", tree{"EncryptionContext": tree{"a\xff": "1", "a\xfe": "2", "a\ufffd": "3"}}, `{"encryptionContext":{"a` + "\ufffd" + `":"3","a` + "\ufffd" + `_":"2","a` + "\ufffd" + `__":"1"}}`},
	} {
		raw, _ := appended(t, call(tt.service, tt.operation, tt.input, nil), record.Details{})
		if got := fieldOf(t, raw, "requestParameters"); got != tt.want {
			t.Errorf("%s %s: %s\nwant %s", tt.service, tt.operation, got, tt.want)
		}
	}
}

// KMS shows the algorithm that it used where the caller left it to the default.
func TestKMSAlgorithm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		input, output map[string]any
		want          string
	}{
		{map[string]any{"CiphertextBlob": []byte("x")}, map[string]any{"EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "Plaintext": []byte("y")}, `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`},
		{nil, map[string]any{"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`},
		{map[string]any{"EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}, map[string]any{"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}, `{"encryptionAlgorithm":"RSAES_OAEP_SHA_1"}`},
		{map[string]any{"CiphertextBlob": []byte("x")}, nil, "null"},
	} {
		raw, _ := appended(t, call("kms", "Decrypt", tt.input, tt.output), record.Details{})
		if got := fieldOf(t, raw, "requestParameters"); got != tt.want {
			t.Errorf("requestParameters are %s, want %s", got, tt.want)
		}
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, operation, region, want string }{
		{"iam", "ListUsers", "eu-west-1", "us-east-1"},
		{"cloudtrail", "ListTrails", "eu-west-1", "eu-west-1"},
		{"sts", "GetCallerIdentity", "eu-west-1", "eu-west-1"},
		{"cloudtrail", "ListTrails", "EU west/1\x00", "eu-west-1-"},
		{"cloudtrail", "ListTrails", "", "us-east-1"},
	} {
		_, r := appended(t, with(call(tt.service, tt.operation, nil, nil), func(c *aws.Call) { c.Region = tt.region }), record.Details{})
		if r.AWSRegion != tt.want {
			t.Errorf("%s in %q: %s, want %s", tt.service, tt.region, r.AWSRegion, tt.want)
		}
	}
	_, r := appended(t, with(call("sts", "GetCallerIdentity", nil, nil), func(c *aws.Call) { c.Host = "sts.amazonaws.com" }), record.Details{})
	if r.AWSRegion != "us-east-1" {
		t.Errorf("the global endpoint of STS: %s", r.AWSRegion)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for suite, want := range map[uint16]string{
		tls.TLS_AES_128_GCM_SHA256:                        "TLS_AES_128_GCM_SHA256",
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         "ECDHE-RSA-AES128-GCM-SHA256",
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:       "ECDHE-ECDSA-AES256-GCM-SHA384",
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:            "ECDHE-RSA-AES128-SHA",
		tls.TLS_RSA_WITH_AES_256_CBC_SHA:                  "AES256-SHA",
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:   "ECDHE-RSA-CHACHA20-POLY1305",
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
	} {
		c := call("sts", "GetCallerIdentity", nil, nil)
		c.TLS = &tls.ConnectionState{Version: tls.VersionTLS12, CipherSuite: suite}
		raw, _ := appended(t, c, record.Details{})
		want := `{"tlsVersion":"TLSv1.2","cipherSuite":"` + want + `","clientProvidedHostHeader":"cairn.example:8080"}`
		if got := fieldOf(t, raw, "tlsDetails"); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	raw, _ := appended(t, call("sts", "GetCallerIdentity", nil, nil), record.Details{})
	if got := fieldOf(t, raw, "tlsDetails"); got != "" {
		t.Errorf("plain HTTP has tlsDetails %s", got)
	}
}
