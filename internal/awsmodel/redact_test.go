package awsmodel_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"cairn/internal/awsmodel"
)

const hidden = awsmodel.Hidden

// planter fills trees with markers: SECRET-n in what is secret, PLAIN-n elsewhere.
type planter struct {
	n       int
	plain   []string // markers planted in members that are not secret
	secrets int
	done    map[place]bool
	shown   map[string]bool // members that the model marks and that are no secrets
}

// shown are the members that cloudtrail.txt exempts, by service.
var shown = map[string]map[string]bool{"s3": {"SSEKMSKeyId": true, "KMSMasterKeyID": true}}

// place is a structure, and whether it stands inside a secret.
type place struct {
	shape  *awsmodel.Shape
	secret bool
}

// plant returns a value of the shape. Each structure is filled once per call inside of
// secrets, and once outside.
func (p *planter) plant(s *awsmodel.Shape, secret bool) any {
	secret = secret || s.Sensitive
	switch s.Kind {
	case awsmodel.Structure:
		tree := map[string]any{}
		if p.done[place{s, secret}] {
			return tree
		}
		p.done[place{s, secret}] = true
		for i := range s.Members {
			m := &s.Members[i]
			if p.shown[m.Name] {
				tree[m.Name] = p.marker(false)
				continue
			}
			tree[m.Name] = p.plant(m.Shape(), secret)
		}
		return tree
	case awsmodel.List:
		return []any{p.plant(s.Element.Shape(), secret), p.plant(s.Element.Shape(), secret)}
	case awsmodel.Map:
		secret = secret || s.Key.Shape().Sensitive
		key := "key"
		if secret {
			key = p.marker(true)
		}
		return map[string]any{key: p.plant(s.Value.Shape(), secret)}
	}
	// Whatever the type should be: a marker is what can be found again.
	if secret && s.Kind == awsmodel.Document {
		return map[string]any{"a": []any{p.marker(true)}}
	}
	return p.marker(secret)
}

func (p *planter) marker(secret bool) string {
	p.n++
	if secret {
		p.secrets++
		return fmt.Sprintf("SECRET-%d.", p.n)
	}
	m := fmt.Sprintf("PLAIN-%d.", p.n)
	p.plain = append(p.plain, m)
	return m
}

// handKept are the services for which cloudtrail.txt hides more than the model says.
func handKept(t *testing.T) map[string]bool {
	t.Helper()
	kept := map[string]bool{}
	for _, id := range strings.Fields(`cloudtrail-data cognito-identity cognito-idp dynamodb dynamodbstreams ec2 ecr events firehose
		iam iot-data kinesis kms lambda logs mailmanager ses sesv2 pinpoint-email rds docdb neptune rds-data redshift
		redshift-serverless route53domains s3 s3control secretsmanager sns sqs ssm sso sso-admin sso-oidc sts`) {
		kept[id] = true
	}
	return kept
}

// What is planted in any sensitive member of any service's inputs, outputs and
// errors does not come out, and what is not sensitive does.
func TestNoSecretPasses(t *testing.T) {
	t.Parallel()
	services, kept := awsmodel.Services(), handKept(t)
	if testing.Short() {
		services = nil
		for _, id := range []string{"secretsmanager", "iam", "rds", "organizations", "connect"} {
			s, _ := awsmodel.Service(id)
			services = append(services, s)
		}
	}
	trees, secrets := 0, 0
	for i, s := range services {
		if underRace && i%16 != 0 {
			continue
		}
		errors := map[*awsmodel.Shape]bool{} // operations share them
		for _, op := range s.Operations() {
			check := func(where string, shape *awsmodel.Shape, redact func(map[string]any) map[string]any) {
				if shape == nil {
					return
				}
				p := planter{done: map[place]bool{}, shown: shown[s.ID]}
				tree := p.plant(shape, false).(map[string]any)
				before, err := json.Marshal(tree)
				if err != nil {
					t.Fatal(err)
				}
				clean := redact(tree)
				after, err := json.Marshal(clean)
				if err != nil {
					t.Fatal(err)
				}
				if i := strings.Index(string(after), "SECRET-"); i >= 0 {
					t.Errorf("%s.%s: a secret in the %s passes: …%.100s", s.ID, op.Name, where, after[max(0, i-60):])
				}
				if again, err := json.Marshal(tree); err != nil || string(again) != string(before) {
					t.Errorf("%s.%s: the %s was changed in place", s.ID, op.Name, where)
				}
				if !kept[s.ID] {
					if got := strings.Count(string(after), "PLAIN-"); got != len(p.plain) {
						t.Errorf("%s.%s: %d of %d members that are not secret are left of the %s", s.ID, op.Name, got, len(p.plain), where)
					}
				}
				trees++
				secrets += p.secrets
			}
			check("input", op.Input(), op.RedactInput)
			check("output", op.Output(), op.RedactOutput)
			for _, e := range op.Errors() {
				if errors[e] {
					continue
				}
				errors[e] = true
				check("error "+e.Code, e, func(m map[string]any) map[string]any { return op.RedactError(e.Code, m) })
			}
		}
	}
	if trees == 0 || secrets == 0 {
		t.Fatalf("%d trees with %d secrets", trees, secrets)
	}
	t.Logf("%d trees with %d secrets", trees, secrets)
}

// What CloudTrail writes in place of secrets, and what of them it leaves out.
func TestRedact(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, op, where, in, want string }{
		{"secretsmanager", "CreateSecret", "in", `{"Name":"n","SecretString":"x","SecretBinary":"eA=="}`, `{"Name":"n"}`},
		{"secretsmanager", "GetSecretValue", "out", `{"Name":"n","SecretString":"x"}`, `{"Name":"n"}`},
		{"kms", "Decrypt", "out", `{"KeyId":"k","Plaintext":"eA=="}`, `{"KeyId":"k"}`},
		{"kms", "GenerateDataKey", "in", `{"KeyId":"k","EncryptionContext":{"SecretARN":"a","SecretVersionId":"b"}}`, `{"KeyId":"k","EncryptionContext":{"SecretARN":"a","SecretVersionId":"b"}}`},
		{"sts", "AssumeRole", "out", `{"Credentials":{"AccessKeyId":"ASIA","SecretAccessKey":"x","SessionToken":"y","Expiration":1}}`, `{"Credentials":{"AccessKeyId":"ASIA","SessionToken":"` + hidden + `","Expiration":1}}`},
		{"iam", "CreateAccessKey", "out", `{"AccessKey":{"AccessKeyId":"AKIA","SecretAccessKey":"x","Status":"Active"}}`, `{"AccessKey":{"AccessKeyId":"AKIA","Status":"Active"}}`},
		{"iam", "CreateLoginProfile", "in", `{"UserName":"u","Password":"x","PasswordResetRequired":false}`, `{"UserName":"u","PasswordResetRequired":false}`},
		{"iam", "ChangePassword", "in", `{"OldPassword":"x","NewPassword":"y"}`, `{}`},
		{"rds", "CreateDBInstance", "in", `{"DBInstanceIdentifier":"d","MasterUserPassword":"x"}`, `{"DBInstanceIdentifier":"d","MasterUserPassword":"` + hidden + `"}`},
		{"rds", "CreateDBInstance", "out", `{"DBInstance":{"PendingModifiedValues":{"MasterUserPassword":"x","Port":1}}}`, `{"DBInstance":{"PendingModifiedValues":{"MasterUserPassword":"` + hidden + `","Port":1}}}`},
		{"lambda", "CreateFunction", "in", `{"FunctionName":"f","Environment":{"Variables":{"A":"x"}},"Code":{"ZipFile":"eA==","S3Key":"k"}}`, `{"FunctionName":"f","Environment":{},"Code":{"S3Key":"k"}}`},
		{"lambda", "Invoke", "in", `{"FunctionName":"f","Payload":"x"}`, `{"FunctionName":"f"}`},
		{"ssm", "PutParameter", "in", `{"Name":"n","Value":"x","Type":"SecureString","Tags":[{"Key":"k","Value":"v"}]}`, `{"Name":"n","Value":"` + hidden + `","Type":"SecureString","Tags":[{"Key":"k","Value":"v"}]}`},
		{"ssm", "SendCommand", "in", `{"DocumentName":"d","Parameters":{"commands":["x"]}}`, `{"DocumentName":"d","Parameters":"` + hidden + `"}`},
		{"ssm", "SendCommand", "out", `{"Command":{"CommandId":"c","Parameters":{"commands":["x"]}}}`, `{"Command":{"CommandId":"c","Parameters":"` + hidden + `"}}`},
		{"sqs", "SendMessage", "in", `{"QueueUrl":"https://q/1/n","MessageBody":"x"}`, `{"QueueUrl":"https://q/1/n","MessageBody":"` + hidden + `"}`},
		{"organizations", "CreateAccount", "in", `{"Email":"a@b","AccountName":"x"}`, `{"Email":"****","AccountName":"****"}`},
		{"rolesanywhere", "CreateProfile", "in", `{"name":"n","tags":[{"key":"k","value":"v"}]}`, `{"name":"n","tags":[{"key":"` + hidden + `","value":"` + hidden + `"}]}`},
		{"dynamodb", "PutItem", "in", `{"TableName":"t","Item":{"k":{"S":"x"}}}`, `{"TableName":"t","Item":"` + hidden + `"}`},
		{"s3", "PutObject", "in", `{"Bucket":"b","SSEKMSKeyId":"arn:aws:kms:us-east-1:111122223333:key/k","SSEKMSEncryptionContext":"x"}`, `{"Bucket":"b","SSEKMSKeyId":"arn:aws:kms:us-east-1:111122223333:key/k","SSEKMSEncryptionContext":"` + hidden + `"}`},
		{"s3", "PutObject", "in", `{"SSEKMSKeyId":{"a":"x"}}`, `{"SSEKMSKeyId":"` + hidden + `"}`},
		{"s3", "PutObject", "in", `{"Bucket":"b","SSECustomerKey":"x","Body":"y","Metadata":{"password-hint":"z"}}`, `{"Bucket":"b","Metadata":{"password-hint":"z"}}`},

		// The members' case does not matter, nor does the type of the value.
		{"rds", "CreateDBInstance", "in", `{"masterUserPassword":["x"],"MASTERUSERPASSWORD":{"a":"x"}}`, `{"masterUserPassword":"` + hidden + `","MASTERUSERPASSWORD":"` + hidden + `"}`},
		{"secretsmanager", "CreateSecret", "in", `{"secretString":{"a":"x"},"SecretString":null}`, `{"SecretString":null}`},
		// What the model does not know is judged by its name, wherever it stands.
		{"guardduty", "GetDetector", "in", `{"DetectorId":"d","NewPassword":"x","Other":{"client_secret":"x","a":[{"x-amz-security-token":"y","b":1}]}}`,
			`{"DetectorId":"d","NewPassword":"` + hidden + `","Other":{"client_secret":"` + hidden + `","a":[{"x-amz-security-token":"` + hidden + `","b":1}]}}`},
		{"guardduty", "GetDetector", "in", `{"DetectorId":{"password":"x","a":1}}`, `{"DetectorId":{"password":"` + hidden + `","a":1}}`},
		// A text where a structure with secrets should be was not decoded.
		{"lambda", "UpdateFunctionConfiguration", "in", `{"FunctionName":"f","Environment":"{\"Variables\":{\"A\":\"x\"}}"}`, `{"FunctionName":"f","Environment":"` + hidden + `"}`},
		// Lists and maps may come as XML has them.
		{"rds", "ModifyDBInstance", "in", `{"MasterUserPassword":{"items":["x"]},"VpcSecurityGroupIds":{"items":["sg-1"]}}`, `{"MasterUserPassword":"` + hidden + `","VpcSecurityGroupIds":{"items":["sg-1"]}}`},
		{"rolesanywhere", "CreateProfile", "in", `{"tags":{"items":[{"key":"k","value":"v"}]}}`, `{"tags":{"items":[{"key":"` + hidden + `","value":"` + hidden + `"}]}}`},
		// Presigned URLs lose their signatures.
		{"guardduty", "GetDetector", "in", `{"DetectorId":"https://b.s3/k?X-Amz-Credential=A%2F1&X-Amz-Signature=abc&x=1#f"}`, `{"DetectorId":"https://b.s3/k?X-Amz-Credential=A%2F1&X-Amz-Signature=` + hidden + `&x=1#f"}`},
		{"sts", "GetCallerIdentity", "in", `{}`, `{}`},
	} {
		op := operation(t, tt.service, tt.op)
		redact := op.RedactInput
		if tt.where == "out" {
			redact = op.RedactOutput
		}
		var in, want map[string]any
		if err := json.Unmarshal([]byte(tt.in), &in); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if got := redact(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%s.%s: %s\nbecomes %v\nwant    %s", tt.service, tt.op, tt.in, got, tt.want)
		}
	}
	failure := map[string]any{"message": "m", "password": "x"}
	want := map[string]any{"message": "m", "password": hidden}
	for _, code := range []string{"NotFound", "InternalError", "NoSuchCode"} {
		if got := operation(t, "sns", "Publish").RedactError(code, failure); !reflect.DeepEqual(got, want) {
			t.Errorf("error %s: %v", code, got)
		}
	}
	if operation(t, "sts", "GetCallerIdentity").RedactInput(nil) != nil {
		t.Error("no parameters become some")
	}
}

// A tree of any depth ends.
func TestRedactDepth(t *testing.T) {
	t.Parallel()
	var v any = map[string]any{"password": "SECRET"}
	for range 10_000 {
		v = map[string]any{"L": []any{v}}
	}
	clean := operation(t, "guardduty", "GetDetector").RedactInput(map[string]any{"DetectorId": v})
	if s := fmt.Sprint(clean); strings.Contains(s, "SECRET") || !strings.Contains(s, hidden) {
		t.Error("a secret at great depth passes")
	}
}

// Values of other Go types are hidden where their shape has secrets.
func TestRedactOtherTypes(t *testing.T) {
	t.Parallel()
	op := operation(t, "lambda", "UpdateFunctionConfiguration")
	clean := op.RedactInput(map[string]any{"Environment": map[string]map[string]string{"Variables": {"A": "x"}}, "Layers": []string{"l"}, "Timeout": 3})
	want := map[string]any{"Environment": hidden, "Layers": []string{"l"}, "Timeout": 3}
	if !reflect.DeepEqual(clean, want) {
		t.Errorf("%v, want %v", clean, want)
	}
}

// Whatever a caller sends beside and around it, a secret member does not come out.
func FuzzRedact(f *testing.F) {
	f.Add(`{"Name":"n","SecretString":"s"}`)
	f.Add(`{"Tags":[{"Key":"k"},null,1,[[]]],"AddReplicaRegions":{"items":{"Region":true}}}`)
	f.Add(`{"https://x/?X-Amz-Signature=1":"https://x/?X-Amz-Signature=1&%zz#?"}`)
	f.Fuzz(func(t *testing.T, text string) {
		const marker = "\u2603 marker"
		var tree map[string]any
		if json.Unmarshal([]byte(text), &tree) != nil || tree == nil || strings.Contains(text, "marker") {
			return
		}
		tree["SecretString"] = marker
		tree["Tags"] = map[string]any{"tag": tree["Tags"], "password": []any{marker}}
		clean := operation(t, "secretsmanager", "CreateSecret").RedactInput(tree)
		if s := fmt.Sprint(clean); strings.Contains(s, marker) {
			t.Errorf("the marker is in %s", s)
		}
	})
}

func TestSecretHeadersAndQueries(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Authorization": true, "X-Amz-Security-Token": true, "cookie": true, "X-Api-Key": true,
		"x-amz-server-side-encryption-customer-key": true, "X-Vault-Password": true, "x-amz-s3session-token": true,
		"User-Agent": false, "X-Amz-Date": false, "x-amz-content-sha256": false, "Host": false,
		"x-amz-server-side-encryption-customer-key-md5": false,
	} {
		if awsmodel.SecretHeader(name) != want {
			t.Errorf("SecretHeader(%q) = %v", name, !want)
		}
	}
	for in, want := range map[string]string{
		"":          "",
		"uploads":   "uploads",
		"a=b&c=%2F": "a=b&c=%2F",
		"Expires=12&Signature=x%3D&AWSAccessKeyId=AKIA":             "Expires=12&Signature=" + hidden + "&AWSAccessKeyId=AKIA",
		"X-Amz-Signature=x&X-Amz-Security-Token=y&X-Amz-Expires=60": "X-Amz-Signature=" + hidden + "&X-Amz-Security-Token=" + hidden + "&X-Amz-Expires=60",
		"x-amz-%73ignature=x": "x-amz-%73ignature=" + hidden,
		"Action=AssumeRoleWithSAML&SAMLAssertion=x&X-Amz-Credential=A": "Action=AssumeRoleWithSAML&SAMLAssertion=" + hidden + "&X-Amz-Credential=A",
		"%zz=1&X-Amz-Signature": "%zz=1&X-Amz-Signature",
	} {
		if got := awsmodel.RedactQuery(in); got != want {
			t.Errorf("RedactQuery(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	at := awsmodel.Place{Partition: "aws", Region: "eu-west-1", AccountID: "111122223333"}
	for _, tt := range []struct{ service, op, in, out, want string }{
		{"s3", "GetObject", `{"Bucket":"b","Key":"a/k"}`, ``, "AWS::S3::Object arn:aws:s3:::b/a/k 111122223333 true; AWS::S3::Bucket arn:aws:s3:::b 111122223333 true"},
		{"s3", "ListObjectsV2", `{"Bucket":"b"}`, ``, "AWS::S3::Object prefix arn:aws:s3:::b/ 111122223333 true; AWS::S3::Bucket arn:aws:s3:::b 111122223333 true"},
		{"s3", "GetBucketAcl", `{"Bucket":"b"}`, ``, "AWS::S3::Bucket arn:aws:s3:::b 111122223333 true"},
		{"s3", "ListBuckets", `{}`, ``, ""},
		{"kms", "Encrypt", `{"KeyId":"1234"}`, ``, "AWS::KMS::Key arn:aws:kms:eu-west-1:111122223333:key/1234 111122223333 true"},
		{"kms", "Encrypt", `{"KeyId":"alias/a"}`, ``, "AWS::KMS::Key arn:aws:kms:eu-west-1:111122223333:alias/a 111122223333 true"},
		{"kms", "Encrypt", `{"KeyId":"arn:aws:kms:us-east-1:444455556666:key/1"}`, ``, "AWS::KMS::Key arn:aws:kms:us-east-1:444455556666:key/1 444455556666 true"},
		{"kms", "CreateKey", `{}`, `{"KeyMetadata":{"Arn":"arn:aws:kms:eu-west-1:111122223333:key/9"}}`, "AWS::KMS::Key arn:aws:kms:eu-west-1:111122223333:key/9 111122223333 true"},
		{"ssm", "GetParameters", `{"Names":["/a/b","c"]}`, ``, " arn:aws:ssm:eu-west-1:111122223333:parameter/a/b 111122223333 true;  arn:aws:ssm:eu-west-1:111122223333:parameter/c 111122223333 true"},
		{"sts", "AssumeRole", `{"RoleArn":"arn:aws:iam::444455556666:role/r"}`, ``, "AWS::IAM::Role arn:aws:iam::444455556666:role/r 444455556666 true"},
		{"sqs", "SendMessage", `{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/q"}`, ``, "AWS::SQS::Queue arn:aws:sqs:eu-west-1:111122223333:q 111122223333 true"},
		{"sns", "Publish", `{"TopicArn":"arn:aws:sns:eu-west-1:111122223333:t"}`, ``, "AWS::SNS::Topic arn:aws:sns:eu-west-1:111122223333:t 111122223333 true"},
		{"iam", "GetUser", `{"UserName":"u"}`, ``, "AWS::IAM::User arn:aws:iam::111122223333:user/u 111122223333 false"},
		{"iam", "GetUser", `{}`, ``, ""},
		{"iam", "GetUser", ``, ``, ""},
		{"ec2", "StopInstances", `{"InstanceIds":["i-1","i-2"]}`, ``, "AWS::EC2::Instance arn:aws:ec2:eu-west-1:111122223333:instance/i-1 111122223333 false; AWS::EC2::Instance arn:aws:ec2:eu-west-1:111122223333:instance/i-2 111122223333 false"},
		{"dynamodb", "GetItem", `{"TableName":"t"}`, ``, "AWS::DynamoDB::Table arn:aws:dynamodb:eu-west-1:111122223333:table/t 111122223333 true"},
		{"lambda", "Invoke", `{"FunctionName":"f"}`, ``, "AWS::Lambda::Function arn:aws:lambda:eu-west-1:111122223333:function:f 111122223333 true"},
		{"cloudtrail", "StopLogging", `{"Name":"t"}`, ``, "AWS::CloudTrail::Trail arn:aws:cloudtrail:eu-west-1:111122223333:trail/t 111122223333 false"},
		{"guardduty", "GetDetector", `{"DetectorId":"d"}`, ``, ""},
	} {
		var in, out map[string]any
		for text, tree := range map[string]*map[string]any{tt.in: &in, tt.out: &out} {
			if text != "" {
				if err := json.Unmarshal([]byte(text), tree); err != nil {
					t.Fatal(err)
				}
			}
		}
		var got []string
		for _, r := range operation(t, tt.service, tt.op).Resources(at, in, out) {
			name := r.ARN
			if r.ARNPrefix != "" {
				name += "prefix " + r.ARNPrefix
			}
			got = append(got, fmt.Sprintf("%s %s %s %v", r.Type, name, r.AccountID, r.Listed))
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("%s.%s %s:\n got %s\nwant %s", tt.service, tt.op, tt.in, s, tt.want)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	op := operation(b, "rds", "CreateDBInstance")
	var in map[string]any
	if err := json.Unmarshal([]byte(`{"DBInstanceIdentifier":"d","MasterUserPassword":"x","Port":3306,"Engine":"mysql","Tags":[{"Key":"a","Value":"b"}]}`), &in); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		op.RedactInput(in)
	}
}
