package gateway_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"cairn/gateway"
	"cairn/internal/sigv4"
)

// sign signs a request as the SDK does.
func sign(t *testing.T, r *http.Request, service, key, secret, hash string) *http.Request {
	t.Helper()
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	err := signer.SignHTTP(context.Background(), sdk.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hash, service, "eu-west-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What Cairn itself delivers leaves no record, unless somebody else pretends to.
func TestOwnDeliveriesPass(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, func(c *gateway.Config) {
		c.Identities = opened(t, gateway.IdentitiesConfig{Own: []gateway.OwnKey{{AccessKeyID: "AKIACAIRN", Secret: "own secret"}}})
	})
	put := func(secret, body string) {
		r := newCall(t, http.MethodPut, p.url+"/logs/AWSLogs/x.json.gz", "s3", strings.NewReader(body))
		p.do(t, sign(t, r, "s3", "AKIACAIRN", secret, sigv4.HashPayload([]byte("log file"))))
	}
	put("own secret", "log file")
	if n := len(p.log.all()); n != 0 || p.intents.Stats().Begun != 0 || p.Stats()[1].Own != 1 {
		t.Errorf("%d records, %+v", n, p.Stats()[1])
	}
	put("guessed", "log file")
	put("own secret", "something else") // a signature that was seen once is good for its body alone
	for _, raw := range p.log.await(t, 2) {
		wantFields(t, raw, map[string]string{"eventName": "PutObject", "userIdentity.accessKeyId": "AKIACAIRN", "userIdentity.type": "Unknown"})
		if field(t, raw, "additionalEventData.unverified") == "null" {
			t.Errorf("%s", raw)
		}
	}
	if len(b.seen()) != 3 {
		t.Errorf("%d calls passed", len(b.seen()))
	}
}

// A route can refuse signatures that are wrong; the backend sees none of them.
func TestSignaturesRefused(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, func(c *gateway.Config) {
		c.Identities = opened(t, gateway.IdentitiesConfig{Keys: aliceOnly()})
		c.Routes[0].Signatures = gateway.RefuseSignatures
	})
	hash := sigv4.HashPayload(nil)
	resp, body := p.do(t, sign(t, newCall(t, http.MethodGet, p.url+"/b/k", "s3", nil), "s3", aliceKey, "guessed", hash))
	if resp.StatusCode != 403 || !strings.Contains(body, "<Code>SignatureDoesNotMatch</Code>") || len(b.seen()) != 0 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp, body = p.do(t, sign(t, newCall(t, http.MethodGet, p.url+"/b/k", "s3", nil), "s3", aliceKey, aliceSecret, hash))
	if resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	records := p.log.await(t, 2)
	wantFields(t, records[0], map[string]string{"errorCode": "SignatureDoesNotMatch", "userIdentity.type": "Unknown"})
	wantFields(t, records[1], map[string]string{"errorCode": "null", "userIdentity.arn": alice.ARN, "additionalEventData.unverified": "null"})
}

// Calls with credentials that the backend does not know are recorded up to a bound, and
// counted beyond.
func TestUnverifiedIsThrottled(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says("HTTP/1.1 403 Forbidden\r\nContent-Length: 48\r\n\r\n<Error><Code>InvalidAccessKeyId</Code></Error>  "))
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Now = func() time.Time { return now } })
	for range 110 {
		p.do(t, newCall(t, http.MethodDelete, p.url+"/b/k", "s3", nil))
	}
	records := p.log.await(t, 100)
	wantFields(t, records[0], map[string]string{"errorCode": "InvalidAccessKeyId", "eventTime": "2026-03-01T12:00:00Z"})
	if codes := p.tally.all(); len(codes) != 10 || codes[0] != "InvalidAccessKeyId" {
		t.Errorf("%v", codes)
	}
	if s := p.intents.Stats(); s.Open != 0 || s.Begun != 110 {
		t.Errorf("%+v", s)
	}
}

// So are those that versitygw does not know, in all its interfaces; what was answered well
// is recorded however often it comes.
func TestStrangersToVersitygw(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		if strings.Contains(s.line, "/good/") {
			io.WriteString(conn, okAnswer)
		} else {
			io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 48\r\n\r\n<Error><Code>XAdminUserNotFound</Code></Error>  ")
		}
		return true
	})
	path := filepath.Join(t.TempDir(), "map.yaml")
	write(t, path, "identities:\n- {accessKeyId: \"*\", userName: somebody}\n")
	s := opened(t, gateway.IdentitiesConfig{MappingFile: path})
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Now, c.Identities = func() time.Time { return now }, s })
	for range 103 {
		p.do(t, newCall(t, http.MethodPut, p.url+"/b/k", "s3", nil))
	}
	p.do(t, newCall(t, http.MethodPut, p.url+"/good/k", "s3", nil))
	records := p.log.await(t, 101)
	wantFields(t, records[0], map[string]string{"userIdentity.type": "Unknown", "additionalEventData.unverified": "XAdminUserNotFound"})
	wantFields(t, records[100], map[string]string{"userIdentity.userName": "somebody", "errorCode": "null"})
	if codes := p.tally.all(); len(codes) != 3 {
		t.Errorf("%v", codes)
	}
	// Of a caller who has no name, the interface for users counts, too.
	p = startProxy(t, b.url, func(c *gateway.Config) { c.Now = func() time.Time { return now } })
	for range 102 {
		p.do(t, newCall(t, http.MethodPatch, p.url+"/delete-user?access=x", "s3", nil))
	}
	p.log.await(t, 100)
}

// Reads of data can be left out or sampled. That they were is recorded.
func TestExcludeAndSample(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		if strings.Contains(s.line, "missing") {
			io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			return true
		}
		return says(okAnswer)(conn, s)
	})
	p := startProxy(t, b.url, func(c *gateway.Config) {
		c.Routes[0].Exclude = []gateway.Exclusion{{Operation: "s3:GetObject", Buckets: []string{"noisy"}}}
		c.Routes[0].Sample = []gateway.Sampling{{Operation: "s3:HeadObject", OneIn: 4}}
	})
	for range 8 {
		p.do(t, newCall(t, http.MethodGet, p.url+"/noisy/k", "s3", nil))
		p.do(t, newCall(t, http.MethodHead, p.url+"/noisy/k", "s3", nil))
	}
	p.do(t, newCall(t, http.MethodGet, p.url+"/noisy/missing", "s3", nil))
	p.do(t, newCall(t, http.MethodGet, p.url+"/quiet/k", "s3", nil))
	p.do(t, newCall(t, http.MethodPut, p.url+"/noisy/k", "s3", strings.NewReader("x")))
	records := p.log.await(t, 5)
	for i, name := range []string{"HeadObject", "HeadObject", "GetObject", "GetObject", "PutObject"} {
		wantFields(t, records[i], map[string]string{"eventName": name})
	}
	if s := p.Stats()[1]; s.Excluded != 14 || s.Recorded != 5 {
		t.Errorf("%+v", s)
	}
	p.Close()
	raw := p.log.await(t, 6)[5]
	wantFields(t, raw, map[string]string{
		"eventSource": "cairn.amazonaws.com", "eventName": "ExcludedCalls", "requestParameters.route": "main", "recipientAccountId": testAccount,
		"requestParameters.rules": `[{"notRecorded":"8","operation":"s3:GetObject"},{"notRecorded":"6","operation":"s3:HeadObject"}]`,
	})
}

// A route that is an authority teaches who its keys belong to. What contradicts is recorded.
func TestAuthorityTeaches(t *testing.T) {
	t.Parallel()
	var user atomic.Value
	user.Store("kim")
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		body := `<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>` + user.Load().(string) + `</UserName><AccessKeyId>AKIALEARNED00000000X</AccessKeyId>` +
			`<Status>Active</Status><SecretAccessKey>PLANTED</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>`
		if strings.HasPrefix(s.line, "GET") {
			body = "ok"
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		return true
	})
	p := startProxy(t, b.url, func(c *gateway.Config) {
		c.Identities = opened(t, gateway.IdentitiesConfig{Catalog: opencatalog(t, t.TempDir())})
		c.Routes[0].Authority = true
	})
	create := func() {
		p.do(t, newCall(t, http.MethodPost, p.url+"/", "iam", strings.NewReader("Action=CreateAccessKey&Version=2010-05-08&UserName="+user.Load().(string)),
			"Content-Type", "application/x-www-form-urlencoded"))
	}
	create()
	r := newCall(t, http.MethodGet, p.url+"/b/k", "s3", nil)
	r.Header.Set("Authorization", strings.Replace(signedHeader("s3"), "AKIAIOSFODNN7EXAMPLE", "AKIALEARNED00000000X", 1))
	p.do(t, r)
	records := p.log.await(t, 2)
	wantFields(t, records[0], map[string]string{"eventName": "CreateAccessKey", "responseElements.accessKey.accessKeyId": "AKIALEARNED00000000X"})
	wantFields(t, records[1], map[string]string{"eventName": "GetObject", "userIdentity.userName": "kim"})
	user.Store("mallory")
	create()
	records = p.log.await(t, 4)
	wantFields(t, records[2], map[string]string{"eventSource": "cairn.amazonaws.com", "eventName": "IdentityConflict", "requestParameters.accessKeyId": "AKIALEARNED00000000X"})
	if all := strings.Join(records, "") + p.lines.String(); strings.Contains(all, "PLANTED") {
		t.Error("a secret was recorded")
	}
}

// No secret of a request or an answer reaches a record, an intent or the log of the program,
// whatever becomes of the call.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	const mark = "PLANTEDsecret"
	packed := base64.StdEncoding.EncodeToString([]byte(mark))
	form := "application/x-www-form-urlencoded"
	cases := []struct{ service, target, kind, request, answer string }{
		{"secretsmanager", "secretsmanager.CreateSecret", "", `{"Name":"n","SecretString":"` + mark + `","SecretBinary":"` + packed + `"}`, `{"Name":"n"}`},
		{"secretsmanager", "secretsmanager.PutSecretValue", "", `{"SecretId":"n","SecretString":"` + mark + `"}`, `{"Name":"n"}`},
		{"ssm", "AmazonSSM.PutParameter", "", `{"Name":"n","Value":"` + mark + `","Type":"SecureString"}`, `{"Version":1}`},
		{"kms", "TrentService.Encrypt", "", `{"KeyId":"k","Plaintext":"` + packed + `"}`, `{"KeyId":"k","CiphertextBlob":"` + packed + `"}`},
		{"kms", "TrentService.GenerateDataKey", "", `{"KeyId":"k"}`, `{"KeyId":"k","Plaintext":"` + packed + `"}`},
		{"iam", "", form, "Action=CreateLoginProfile&Version=2010-05-08&UserName=u&Password=" + mark, "<CreateLoginProfileResponse/>"},
		{"iam", "", form, "Action=CreateAccessKey&Version=2010-05-08", "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><SecretAccessKey>" + mark + "</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>"},
		{"sts", "", form, "Action=AssumeRole&Version=2011-06-15&RoleArn=a&RoleSessionName=s", "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>" + mark + "</SecretAccessKey><SessionToken>" + mark + "</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>"},
		{"rds", "", form, "Action=CreateDBInstance&Version=2014-10-31&DBInstanceIdentifier=d&MasterUserPassword=" + mark, "<CreateDBInstanceResponse/>"},
		{"redshift", "", form, "Action=CreateCluster&Version=2012-12-01&ClusterIdentifier=c&MasterUserPassword=" + mark, "<CreateClusterResponse/>"},
		{"cognito-idp", "AWSCognitoIdentityProviderService.SignUp", "", `{"ClientId":"c","Username":"u","Password":"` + mark + `"}`, `{"UserSub":"s"}`},
		{"codecommit", "CodeCommit_20150413.MakeTea", "", `{"password":"` + mark + `","secretKey":"` + mark + `"}`, `{}`},
	}
	var says atomic.Value // what the backend answers; nothing, and it breaks off
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		answer := says.Load().(string)
		if answer == "" {
			return false
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nSet-Cookie: %s\r\n\r\n%s", len(answer), mark, answer)
		return true
	})
	p := startProxy(t, b.url, nil)
	for _, tt := range cases {
		for _, answer := range []string{tt.answer, ""} {
			says.Store(answer)
			r := newCall(t, http.MethodPost, p.url+"/?X-Amz-Security-Token="+mark, tt.service, strings.NewReader(tt.request),
				"X-Amz-Security-Token", mark, "Cookie", mark, "Content-Type", "application/x-amz-json-1.1")
			if tt.target != "" {
				r.Header.Set("X-Amz-Target", tt.target)
			} else {
				r.Header.Set("Content-Type", tt.kind)
			}
			p.do(t, r)
		}
	}
	records := p.log.await(t, 2*len(cases))
	all := strings.Join(records, "\n") + p.lines.String()
	if strings.Contains(all, mark) || strings.Contains(all, packed) || strings.Contains(all, strings.Repeat("ab", 32)) {
		t.Errorf("a secret is in\n%s", all)
	}
}

// What the records of a few calls are, in all that does not change from run to run.
func TestExactRecords(t *testing.T) {
	t.Parallel()
	var answer atomic.Value
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool { io.WriteString(conn, answer.Load().(string)); return true })
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Now = func() time.Time { return now } })
	reply := func(status, header, body string) string {
		return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
	}
	body := "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
	put := newCall(t, http.MethodPut, p.url+"/logs/a%20b", "s3", strings.NewReader(body), "Content-Encoding", "aws-chunked",
		"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer", "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length", "5")
	put.ContentLength = -1
	get := newCall(t, http.MethodPost, p.url+"/", "dynamodb", strings.NewReader(`{"TableName":"t","Key":{"id":{"S":"x"}}}`),
		"X-Amz-Target", "DynamoDB_20120810.GetItem", "Content-Type", "application/x-amz-json-1.0")
	form := "application/x-www-form-urlencoded"
	run := newCall(t, http.MethodPost, p.url+"/", "ec2", strings.NewReader("Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=2&InstanceType=t3.micro"), "Content-Type", form)
	create := newCall(t, http.MethodPost, p.url+"/", "iam", strings.NewReader("Action=CreateUser&Version=2010-05-08&UserName=kim"), "Content-Type", form)
	presigned := newCall(t, http.MethodGet, p.url+"/logs/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260301T115959Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="+strings.Repeat("cd", 32), "s3", nil)
	presigned.Header.Del("Authorization")
	presigned.Header.Del("X-Amz-Date")
	for i, tt := range []struct {
		r      *http.Request
		answer string
		want   map[string]string
	}{
		{put, reply("200 OK", "x-amz-request-id: R1\r\nx-amz-id-2: H1\r\nx-amz-server-side-encryption: AES256\r\n", ""), map[string]string{
			"eventSource": "s3.amazonaws.com", "eventName": "PutObject", "managementEvent": "false", "eventCategory": "Data", "readOnly": "false", "requestID": "R1",
			"requestParameters.bucketName": "logs", "requestParameters.key": "a b", "responseElements.x-amz-server-side-encryption": "AES256",
			"additionalEventData.bytesTransferredIn": "5", "additionalEventData.bytesTransferredOut": "0", "additionalEventData.x-amz-id-2": "H1",
			"additionalEventData.AuthenticationMethod": "AuthHeader", "additionalEventData.SignatureVersion": "SigV4", "additionalEventData.outcome": "null",
			"additionalEventData.undecoded": "null"}},
		{get, reply("200 OK", "x-amzn-requestid: R2\r\n", `{"Item":{"id":{"S":"x"}}}`), map[string]string{
			"eventSource": "dynamodb.amazonaws.com", "eventName": "GetItem", "readOnly": "true", "requestID": "R2", "responseElements": "null",
			"requestParameters.tableName": "t", "managementEvent": "false", "userAgent": "Go-http-client/1.1", "sourceIPAddress": "127.0.0.1"}},
		{run, reply("200 OK", "", `<RunInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>R3</requestId><reservationId>r-1</reservationId><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></RunInstancesResponse>`), map[string]string{
			"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "requestID": "R3", "requestParameters.instanceType": "t3.micro",
			"requestParameters.instancesSet": `{"items":[{"imageId":"ami-1","maxCount":2,"minCount":1}]}`, "responseElements.instancesSet": `{"items":[{"instanceId":"i-1"}]}`}},
		{create, reply("409 Conflict", "", `<ErrorResponse><Error><Type>Sender</Type><Code>EntityAlreadyExists</Code><Message>User with name kim already exists.</Message></Error><RequestId>R4</RequestId></ErrorResponse>`), map[string]string{
			"eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "us-east-1", "errorCode": "EntityAlreadyExistsException",
			"errorMessage": "User with name kim already exists.", "requestID": "R4", "responseElements": "null", "requestParameters.userName": "kim"}},
		{presigned, reply("200 OK", "x-amz-request-id: R5\r\n", "content"), map[string]string{
			"eventName": "GetObject", "requestParameters.X-Amz-Expires": "900", "requestParameters.key": "key", "requestParameters.X-Amz-Signature": "null",
			"additionalEventData.AuthenticationMethod": "QueryString", "additionalEventData.bytesTransferredOut": "7", "userIdentity.accessKeyId": "AKIAIOSFODNN7EXAMPLE"}},
	} {
		answer.Store(tt.answer)
		p.do(t, tt.r)
		raw := p.log.await(t, i+1)[i]
		wantFields(t, raw, tt.want)
		wantFields(t, raw, map[string]string{
			"eventTime": "2026-03-01T12:00:00Z", "eventType": "AwsApiCall", "recipientAccountId": testAccount, "additionalEventData.route": "main",
		})
	}
	if got := b.seen()[0]; got.body != "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n" || p.intents.Stats().Begun != 3 {
		t.Errorf("%q", got.body)
	}
}
