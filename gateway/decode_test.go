package gateway_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"cairn/gateway"
	"cairn/internal/awsmodel"
	"cairn/record"
)

const (
	keyID = "AKIAIOSFODNN7EXAMPLE"
	zeros = "0000000000000000000000000000000000000000000000000000000000000000"
)

func signedFor(service string) map[string]string {
	return map[string]string{
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + keyID + "/20260101/eu-west-1/" + service + "/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + zeros,
		"X-Amz-Date":    "20260101T000000Z",
	}
}

func with(h map[string]string, pairs ...string) map[string]string {
	all := make(map[string]string)
	for name, value := range h {
		all[name] = value
	}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

func decode(d *gateway.Decoder, method, target, host string, headers map[string]string, body string) *gateway.Exchange {
	return d.Request(&gateway.Request{
		Method: method, Target: target, Host: host, Header: header(headers), Body: gateway.Capture{Bytes: []byte(body), Size: int64(len(body))},
	})
}

func answer(x *gateway.Exchange, status int, headers map[string]string, body string) {
	x.Answer(&gateway.Answer{Status: status, Header: header(headers), Body: gateway.Capture{Bytes: []byte(body), Size: int64(len(body))}})
}

const (
	formType = "application/x-www-form-urlencoded; charset=utf-8"
	jsonType = "application/x-amz-json-1.1"
)

func TestOperationIsFound(t *testing.T) {
	t.Parallel()
	minio := &gateway.Decoder{Service: "s3", Region: "us-east-1", BucketDomains: []string{"minio.example.com"}}
	plain := &gateway.Decoder{Region: "us-east-1"}
	for _, tt := range []struct {
		name                 string
		d                    *gateway.Decoder
		method, target, host string
		headers              map[string]string
		body                 string
		service, operation   string
		protocol             awsmodel.Protocol
		problem              string
	}{
		{"target", plain, "POST", "/", "gw:8080", with(signedFor("dynamodb"), "X-Amz-Target", "DynamoDB_20120810.GetItem"), "{}", "dynamodb", "GetItem", awsmodel.JSON, ""},
		{"long target", plain, "POST", "/", "gw", with(signedFor("cloudtrail"), "X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"), "{}", "cloudtrail", "LookupEvents", awsmodel.JSON, ""},
		{"action", plain, "POST", "/", "gw", with(signedFor("iam"), "Content-Type", formType), "Action=CreateUser&Version=2010-05-08&UserName=a", "iam", "CreateUser", awsmodel.Query, ""},
		{"action in the URL", plain, "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "gw", signedFor("sts"), "", "sts", "GetCallerIdentity", awsmodel.Query, ""},
		{"ec2", plain, "POST", "/", "gw", with(signedFor("ec2"), "Content-Type", formType), "Action=DescribeInstances&Version=2016-11-15", "ec2", "DescribeInstances", awsmodel.EC2, ""},
		{"cbor", plain, "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "gw", with(signedFor("monitoring"), "Smithy-Protocol", "rpc-v2-cbor"), "\xa0", "monitoring", "PutMetricData", awsmodel.CBOR, ""},
		{"old SQS", plain, "POST", "/", "gw", with(signedFor("sqs"), "Content-Type", formType), "Action=SendMessage&Version=2012-11-05&MessageBody=x", "sqs", "SendMessage", awsmodel.Query, ""},
		{"rest-json", plain, "POST", "/2015-03-31/functions/f/invocations", "gw", signedFor("lambda"), "{}", "lambda", "Invoke", awsmodel.RESTJSON, ""},
		{"a relative", plain, "POST", "/", "gw", with(signedFor("rds"), "Content-Type", formType), "Action=CreateDBInstance&Version=2014-10-31", "rds", "CreateDBInstance", awsmodel.Query, ""},
		{"the newer of two", plain, "POST", "/v2/email/outbound-emails", "gw", signedFor("ses"), "{}", "ses", "SendEmail", awsmodel.RESTJSON, ""},
		{"unsigned STS", plain, "POST", "/", "gw", map[string]string{"Content-Type": formType}, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15", "sts", "AssumeRoleWithWebIdentity", awsmodel.Query, ""},
		{"unsigned Cognito", plain, "POST", "/", "cognito-identity.eu-west-1.amazonaws.com", map[string]string{"X-Amz-Target": "AWSCognitoIdentityService.GetId"}, "{}", "cognito-identity", "GetId", awsmodel.JSON, ""},
		{"anonymous S3", minio, "GET", "/b/k", "minio.example.com", nil, "", "s3", "GetObject", awsmodel.RESTXML, ""},
		{"bucket in the host", minio, "GET", "/k", "b.minio.example.com:9000", nil, "", "s3", "GetObject", awsmodel.RESTXML, ""},
		{"bucket in AWS's host", plain, "GET", "/?acl", "b.c.s3.eu-west-1.amazonaws.com", nil, "", "s3", "GetBucketAcl", awsmodel.RESTXML, ""},
		{"S3 control", plain, "GET", "/v20180820/accesspoint/p", "gw", with(signedFor("s3"), "X-Amz-Account-Id", "111122223333"), "", "s3", "GetAccessPoint", awsmodel.RESTXML, ""},
		{"an object with its path", plain, "GET", "/v20180820/accesspoint/p", "gw", signedFor("s3"), "", "s3", "GetObject", awsmodel.RESTXML, ""},
		{"object lambda", plain, "POST", "/WriteGetObjectResponse", "r.s3-object-lambda.eu-west-1.amazonaws.com", signedFor("s3-object-lambda"), "", "s3", "WriteGetObjectResponse", awsmodel.RESTXML, ""},
		{"directory buckets", plain, "GET", "/", "s3express-control.eu-west-1.amazonaws.com", signedFor("s3express"), "", "s3", "ListDirectoryBuckets", awsmodel.RESTXML, ""},
		{"absolute form", plain, "PUT", "http://s3.example.com/b/k?partNumber=1&uploadId=u", "s3.example.com", signedFor("s3"), "x", "s3", "UploadPart", awsmodel.RESTXML, ""},

		{"an unknown operation", plain, "POST", "/", "gw", with(signedFor("dynamodb"), "X-Amz-Target", "DynamoDB_20120810.Explode"), "{}", "dynamodb", "Explode", awsmodel.JSON, "unknown operation"},
		{"an unknown service", plain, "GET", "/", "gw", signedFor("nimbus"), "", "nimbus", "", 0, "unknown service"},
		{"nothing", plain, "GET", "/", "gw", nil, "", "", "", 0, "unknown service"},
		{"a sub-resource without such an operation", plain, "DELETE", "/b/k?acl", "gw", signedFor("s3"), "", "s3", "", 0, "unknown operation"},
		{"a target of another service", plain, "POST", "/", "gw", with(signedFor("dynamodb"), "X-Amz-Target", "TrentService.Decrypt"), "{}", "kms", "Decrypt", awsmodel.JSON, "ambiguous"},
		{"a target on an object", plain, "PUT", "/b/k", "gw", with(signedFor("s3"), "X-Amz-Target", "TrentService.Decrypt"), "{}", "s3", "PutObject", awsmodel.RESTXML, "ambiguous"},
		{"an action on an object", plain, "POST", "/b/k?uploads", "gw", with(signedFor("s3"), "Content-Type", formType), "Action=ListUsers&Version=2010-05-08", "s3", "CreateMultipartUpload", awsmodel.RESTXML, "ambiguous"},
		{"two actions", plain, "POST", "/?Action=ListUsers", "gw", with(signedFor("iam"), "Content-Type", formType), "Action=DeleteUser&Version=2010-05-08", "iam", "DeleteUser", awsmodel.Query, "ambiguous"},
		{"dot segments", plain, "GET", "/2015-03-31/functions/../functions", "gw", signedFor("lambda"), "", "lambda", "", 0, "unknown operation"},
	} {
		x := decode(tt.d, tt.method, tt.target, tt.host, tt.headers, tt.body)
		if x.Service != tt.service || x.Operation != tt.operation || tt.operation != "" && x.Protocol != tt.protocol {
			t.Errorf("%s: %s %s %s, want %s %s %s", tt.name, x.Service, x.Operation, x.Protocol, tt.service, tt.operation, tt.protocol)
		}
		if problems := fmt.Sprint(x.Problems); (len(x.Problems) > 0) != (tt.problem != "") || !strings.Contains(problems, tt.problem) {
			t.Errorf("%s: problems %s, want %q", tt.name, problems, tt.problem)
		}
		raw := record.Append(nil, x.Call(), x.Details())
		if !json.Valid(raw) {
			t.Errorf("%s: the record is no JSON: %s", tt.name, raw)
		}
	}
}

// Every operation of S3 is told from its method, path and query, in both forms of host,
// apart from the few that others have taken over.
func TestSubResourcesOfS3(t *testing.T) {
	t.Parallel()
	s, _ := awsmodel.Service("s3")
	same := map[string]bool{
		"GetBucketLifecycle": true, "PutBucketLifecycle": true, "GetBucketNotification": true, "PutBucketNotification": true,
		"ListDirectoryBuckets": true, "ListBuckets": true, "WriteGetObjectResponse": true,
	}
	seen := 0
	for _, op := range s.Operations() {
		if same[op.Name] {
			continue
		}
		path, query, _ := strings.Cut(op.URI, "?")
		path = strings.NewReplacer("/{Bucket}", "", "{Key+}", "a/b%20c").Replace(path)
		headers := signedFor("s3")
		for _, m := range op.Input().Members {
			switch {
			case m.Required && m.Location == awsmodel.QueryParam && m.WireName != "":
				query += "&" + m.WireName + "=1"
			case m.Required && m.Location == awsmodel.Header:
				headers[m.WireName] = "b/k"
			}
		}
		for _, form := range []struct{ host, path string }{{"b.s3.eu-west-1.amazonaws.com", path}, {"gw.example.com", "/b" + path}} {
			x := decode(&gateway.Decoder{}, op.Method, strings.TrimSuffix(form.path+"?"+query, "?"), form.host, headers, "")
			if x.Operation != op.Name || x.Input["Bucket"] != "b" && op.Name != "ListBuckets" {
				t.Errorf("%s %s%s?%s: %s with %v, want %s", op.Method, form.host, form.path, query, x.Operation, x.Input, op.Name)
			}
			if strings.Contains(path, "a/b") && x.Input["Key"] != "a/b c" {
				t.Errorf("%s: key %q", op.Name, x.Input["Key"])
			}
			seen++
		}
	}
	if seen < 180 {
		t.Errorf("only %d requests", seen)
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	scope := keyID + "/20260101/eu-west-1/s3/aws4_request"
	presigned := "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + strings.ReplaceAll(scope, "/", "%2F") +
		"&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + zeros
	form := with(nil, "Content-Type", formType)
	for _, tt := range []struct {
		name, method, target string
		headers              map[string]string
		body                 string
		version, where, key  string
		region               string
		temporary, bad       bool
	}{
		{"v4", "GET", "/b/k", signedFor("s3"), "", "SigV4", "AuthHeader", keyID, "eu-west-1", false, false},
		{"v4 with a token", "GET", "/b/k", with(signedFor("s3"), "X-Amz-Security-Token", "t"), "", "SigV4", "AuthHeader", keyID, "eu-west-1", true, false},
		{"v4 without a date", "GET", "/b/k", map[string]string{"Authorization": signedFor("s3")["Authorization"]}, "", "SigV4", "AuthHeader", keyID, "eu-west-1", false, true},
		{"v4 with a key with slashes", "GET", "/b/k", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=" + zeros, "X-Amz-Date": "20260101T000000Z"}, "", "SigV4", "AuthHeader", "a/b", "eu-west-1", false, false},
		{"v4 cut short", "GET", "/b/k", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=" + keyID}, "", "SigV4", "AuthHeader", keyID, "us-east-1", false, true},
		{"v4a", "GET", "/b/k", map[string]string{"Authorization": "AWS4-ECDSA-P256-SHA256 Credential=" + keyID + "/20260101/s3/aws4_request, SignedHeaders=host, Signature=00", "X-Amz-Region-Set": "eu-central-1", "X-Amz-Date": "20260101T000000Z"}, "", "SigV4A", "AuthHeader", keyID, "eu-central-1", false, false},
		{"v4a everywhere", "GET", "/b/k", map[string]string{"Authorization": "AWS4-ECDSA-P256-SHA256 Credential=" + keyID + "/20260101/s3/aws4_request, SignedHeaders=host, Signature=00", "X-Amz-Region-Set": "*", "X-Amz-Date": "20260101T000000Z"}, "", "SigV4A", "AuthHeader", keyID, "us-east-1", false, false},
		{"v2", "GET", "/b/k", map[string]string{"Authorization": "AWS " + keyID + ":c2ln", "Date": "x"}, "", "SigV2", "AuthHeader", keyID, "us-east-1", false, false},
		{"presigned", "GET", presigned, nil, "", "SigV4", "QueryString", keyID, "eu-west-1", false, false},
		{"presigned with a token", "GET", presigned + "&X-Amz-Security-Token=t", nil, "", "SigV4", "QueryString", keyID, "eu-west-1", true, false},
		{"presigned twice", "GET", presigned + "&X-Amz-Signature=" + zeros, nil, "", "SigV4", "QueryString", keyID, "eu-west-1", false, true},
		{"presigned by v2", "GET", "/b/k?AWSAccessKeyId=" + keyID + "&Expires=1893456000&Signature=c2ln", nil, "", "SigV2", "QueryString", keyID, "us-east-1", false, false},
		{"a form by v2", "POST", "/", form, "Action=DescribeInstances&Version=2016-11-15&AWSAccessKeyId=" + keyID + "&SignatureVersion=2&Signature=x", "SigV2", "QueryString", keyID, "us-east-1", false, false},
		{"bearer", "GET", "/b/k", map[string]string{"Authorization": "Bearer abc"}, "", "Bearer", "AuthHeader", "", "us-east-1", false, true},
		{"basic", "GET", "/b/k", map[string]string{"Authorization": "Basic dXNlcjpwdw=="}, "", "Other", "AuthHeader", "", "us-east-1", false, true},
		{"none", "GET", "/b/k", nil, "", "", "", "", "us-east-1", false, false},
	} {
		x := decode(&gateway.Decoder{Service: "s3", Region: "us-east-1"}, tt.method, tt.target, "gw", tt.headers, tt.body)
		s := x.Signature
		if s.Version != tt.version || s.Method != tt.where || s.AccessKeyID != tt.key || s.Temporary() != tt.temporary || (s.Problem != 0) != tt.bad || x.Region != tt.region {
			t.Errorf("%s: %+v in %s, want %+v", tt.name, s, x.Region, tt)
		}
		if c := x.Call(); tt.version == "" != c.Identity.Anonymous() || c.Identity.AccessKeyID != tt.key {
			t.Errorf("%s: identity %+v", tt.name, c.Identity)
		}
	}
}

func TestUploadByForm(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range [][2]string{
		{"key", "a/b"}, {"acl", "private"}, {"x-amz-meta-owner", "me"}, {"x-amz-server-side-encryption", "AES256"}, {"policy", "eyJ9"},
		{"X-Amz-Credential", keyID + "/20260101/eu-west-1/s3/aws4_request"}, {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"}, {"X-Amz-Signature", zeros}, {"X-Amz-Security-Token", "PLANTED-SECRET"},
	} {
		w.WriteField(f[0], f[1])
	}
	file, _ := w.CreateFormFile("file", "x")
	fmt.Fprint(file, strings.Repeat("content", 1000))
	body := b.String()[:b.Len()-500] // the copy may end in the file
	x := (&gateway.Decoder{}).Request(&gateway.Request{
		Method: "POST", Target: "/bucket", Host: "gw", Header: header(map[string]string{"Content-Type": w.FormDataContentType()}),
		Body: gateway.Capture{Bytes: []byte(body), Size: int64(b.Len())},
	})
	if x.Operation != "PutObject" || x.Signature.AccessKeyID != keyID || x.Signature.Method != "HtmlForm" || x.Region != "eu-west-1" || !x.Signature.Temporary() {
		t.Errorf("%s %+v %s", x.Operation, x.Signature, x.Region)
	}
	want := map[string]any{"Bucket": "bucket", "Key": "a/b", "ACL": "private", "ServerSideEncryption": "AES256", "Metadata": map[string]any{"owner": "me"}}
	if !reflect.DeepEqual(x.Input, want) || len(x.Problems) > 0 {
		t.Errorf("%v %v", x.Input, x.Problems)
	}
	if raw := record.Append(nil, x.Call(), x.Details()); bytes.Contains(raw, []byte("PLANTED")) || !bytes.Contains(raw, []byte(`"AuthenticationMethod":"HtmlForm"`)) {
		t.Errorf("%s", raw)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	target := func(service, target string) *gateway.Exchange {
		return decode(&gateway.Decoder{}, "POST", "/", "gw", with(signedFor(service), "X-Amz-Target", target), "{}")
	}
	form := func(service, body string) *gateway.Exchange {
		return decode(&gateway.Decoder{}, "POST", "/", "gw", with(signedFor(service), "Content-Type", formType), body)
	}
	s3 := func(method, target string) *gateway.Exchange {
		return decode(&gateway.Decoder{}, method, target, "gw", signedFor("s3"), "")
	}
	for _, tt := range []struct {
		name                   string
		x                      *gateway.Exchange
		status                 int
		headers                map[string]string
		body                   string
		code, message, request string
	}{
		{"json", target("kms", "TrentService.DescribeKey"), 400, map[string]string{"X-Amzn-Requestid": "r"}, `{"__type":"com.amazonaws.kms#NotFoundException","message":"no"}`, "NotFoundException", "no", "r"},
		{"json, by header", target("kms", "TrentService.DescribeKey"), 400, map[string]string{"X-Amzn-Errortype": "NotFoundException:http://x/"}, `{"Message":"no"}`, "NotFoundException", "no", ""},
		{"json, compatible with query", target("sqs", "AmazonSQS.SendMessage"), 400, map[string]string{"X-Amzn-Query-Error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`, "AWS.SimpleQueueService.NonExistentQueue", "no", ""},
		{"query", form("iam", "Action=GetUser&Version=2010-05-08"), 404, nil, `<ErrorResponse xmlns="u"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no &amp; no</Message></Error><RequestId>r</RequestId></ErrorResponse>`, "NoSuchEntity", "no & no", "r"},
		{"ec2", form("ec2", "Action=StopInstances&Version=2016-11-15"), 400, nil, `<?xml version="1.0"?><Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>`, "InvalidInstanceID.NotFound", "no", "r"},
		{"s3", s3("GET", "/b/k"), 404, nil, `<Error><Code>NoSuchKey</Code><Message>no</Message><Key>k</Key><RequestId>r</RequestId><HostId>h</HostId></Error>`, "NoSuchKey", "no", "r"},
		{"s3 head", s3("HEAD", "/b/k"), 404, map[string]string{"X-Amz-Request-Id": "r"}, "", "NoSuchKey", "", "r"},
		{"s3 head of a bucket", s3("HEAD", "/b"), 404, nil, "", "NoSuchBucket", "", ""},
		{"s3 head, forbidden", s3("HEAD", "/b/k"), 403, nil, "", "AccessDenied", "", ""},
		{"minio head", s3("HEAD", "/b/k"), 400, map[string]string{"X-Minio-Error-Code": "InvalidDigest", "X-Minio-Error-Desc": "\"no\""}, "", "InvalidDigest", "no", ""},
		{"s3 redirect", s3("GET", "/b/k"), 301, nil, `<Error><Code>PermanentRedirect</Code><Message>there</Message></Error>`, "PermanentRedirect", "there", ""},
		{"s3 with a good status", s3("POST", "/b/k?uploadId=u"), 200, nil, "\n  <Error><Code>InternalError</Code><Message>no</Message></Error>", "InternalError", "no", ""},
		{"s3 not modified", s3("GET", "/b/k"), 304, nil, "", "", "", ""},
		{"rest-json", decode(&gateway.Decoder{}, "GET", "/2015-03-31/functions/f", "gw", signedFor("lambda"), ""), 404, map[string]string{"X-Amzn-Errortype": "ResourceNotFoundException"}, `{"Type":"User","Message":"no"}`, "ResourceNotFoundException", "no", ""},
		{"cbor", decode(&gateway.Decoder{}, "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "gw", with(signedFor("monitoring"), "Smithy-Protocol", "rpc-v2-cbor"), "\xa0"),
			400, map[string]string{"Content-Type": "application/cbor"}, "\xa2f__typejX#BadThinggmessagebno", "BadThing", "no", ""},
		{"a proxy's page", form("iam", "Action=GetUser&Version=2010-05-08"), 502, nil, "<html><body>Bad Gateway<br></body></html>", "BadGateway", "", ""},
		{"nothing", target("kms", "TrentService.DescribeKey"), 500, nil, "", "InternalServerError", "", ""},
		{"an odd status", target("kms", "TrentService.DescribeKey"), 599, nil, "", "UnknownError", "", ""},
	} {
		answer(tt.x, tt.status, tt.headers, tt.body)
		code, message := "", ""
		if tt.x.Err != nil {
			code, message = tt.x.Err.Code, tt.x.Err.Message
		}
		if code != tt.code || message != tt.message || tt.x.RequestID != tt.request {
			t.Errorf("%s: %q %q %q, want %q %q %q", tt.name, code, message, tt.x.RequestID, tt.code, tt.message, tt.request)
		}
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func TestCodings(t *testing.T) {
	t.Parallel()
	form := with(signedFor("iam"), "Content-Type", formType, "Content-Encoding", "gzip")
	chunks := func(s string) string {
		return strconv.FormatInt(int64(len(s)), 16) + ";chunk-signature=" + zeros + "\r\n" + s + "\r\n0;chunk-signature=" + zeros + "\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
	}
	tagging := "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
	x := decode(&gateway.Decoder{}, "POST", "/", "gw", form, gzipped("Action=CreateUser&Version=2010-05-08&UserName=alice"))
	if x.Input["UserName"] != "alice" || len(x.Problems) > 0 {
		t.Errorf("gzip: %v %v", x.Input, x.Problems)
	}
	x = decode(&gateway.Decoder{}, "POST", "/", "gw", with(form, "Content-Encoding", "br"), "????")
	if !strings.Contains(fmt.Sprint(x.Problems), "unsupported") {
		t.Errorf("br: %v", x.Problems)
	}
	streaming := with(signedFor("s3"), "X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "Content-Encoding", "aws-chunked")
	x = decode(&gateway.Decoder{}, "PUT", "/b/k?tagging", "gw", streaming, chunks(tagging))
	want := map[string]any{"TagSet": []any{map[string]any{"Key": "k", "Value": "v"}}}
	if !reflect.DeepEqual(x.Input["Tagging"], want) || len(x.Problems) > 0 || x.BytesIn != int64(len(tagging)) {
		t.Errorf("aws-chunked: %v %v %d", x.Input, x.Problems, x.BytesIn)
	}
	x = decode(&gateway.Decoder{}, "PUT", "/b/k", "gw", with(streaming, "X-Amz-Decoded-Content-Length", "5", "Content-Encoding", "aws-chunked,gzip"), chunks("hello"))
	if x.BytesIn != 5 || !x.StreamIn || x.Input["ContentEncoding"] != "gzip" || x.Input["Body"] != nil || len(x.Problems) > 0 {
		t.Errorf("stream: %d %t %v %v", x.BytesIn, x.StreamIn, x.Input, x.Problems)
	}
}

// However a body is broken, the call keeps its name and what could be read, and the
// record says that there is more.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	user := `{"TrailNameList":["a","b"],"IncludeShadowTrails":tr`
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	many := `{"trailNameList":[` + strings.Repeat("1,", 20_000) + "1]}"
	for _, tt := range []struct {
		name, body string
		encoding   string
		size       int64
		fault      gateway.Fault
	}{
		{"cut", `{"trailNameList":["a","b"],"includeShadowTr`, "", 100, gateway.Truncated},
		{"not copied", "", "", 100, gateway.Truncated},
		{"of unknown size", `{"trailNameList":["a"`, "", -1, gateway.Truncated},
		{"no JSON", user, "", 0, gateway.Malformed},
		{"no object", `["a"]`, "", 0, gateway.Malformed},
		{"two values", `{"trailNameList":["a"]}{}`, "", 0, gateway.Malformed},
		{"twice the same", `{"trailNameList":["a"],"trailNameList":["b"]}`, "", 0, gateway.Ambiguous},
		{"deep", deep, "", 0, gateway.TooLarge},
		{"many", many, "", 0, gateway.TooLarge},
		{"large", `{"trailNameList":["` + strings.Repeat("a", 2<<20) + `"]}`, "", 0, gateway.TooLarge},
		{"a bomb", gzipped(`{"trailNameList":["` + strings.Repeat("a", 900<<10) + `"]}`), "gzip", 0, gateway.TooLarge},
		{"half a gzip", gzipped(`{"trailNameList":["a"]}`)[:20], "gzip", 60, gateway.Truncated},
		{"no gzip", "{}", "gzip", 0, gateway.Malformed},
	} {
		size := tt.size
		if size == 0 {
			size = int64(len(tt.body))
		}
		headers := with(signedFor("cloudtrail"), "X-Amz-Target", "CloudTrail_20131101.DescribeTrails")
		if tt.encoding != "" {
			headers["Content-Encoding"] = tt.encoding
		}
		x := (&gateway.Decoder{}).Request(&gateway.Request{
			Method: "POST", Target: "/", Host: "gw", Header: header(headers), Body: gateway.Capture{Bytes: []byte(tt.body), Size: size},
		})
		if len(x.Problems) == 0 || x.Problems[0].What != tt.fault || x.Operation != "DescribeTrails" {
			t.Errorf("%s: %s %v, want %s", tt.name, x.Operation, x.Problems, tt.fault)
		}
		raw := record.Append(nil, x.Call(), x.Details())
		if !bytes.Contains(raw, []byte(`"undecoded":["request: `+string(tt.fault))) {
			t.Errorf("%s: the record does not say so: %.600s", tt.name, raw)
		}
		if tt.name == "cut" && !reflect.DeepEqual(x.Input["trailNameList"], []any{"a", "b"}) {
			t.Errorf("cut: %v", x.Input)
		}
	}
	// The same for XML and forms.
	cut := func(h map[string]string, method, target, body string) *gateway.Exchange {
		return (&gateway.Decoder{}).Request(&gateway.Request{
			Method: method, Target: target, Host: "gw", Header: header(h), Body: gateway.Capture{Bytes: []byte(body), Size: 1 << 30},
		})
	}
	x := cut(signedFor("s3"), "PUT", "/b?tagging", "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>l")
	want := []any{map[string]any{"Key": "k", "Value": "v"}, map[string]any{}}
	if got, _ := x.Input["Tagging"].(map[string]any); !reflect.DeepEqual(got["TagSet"], want) || x.Problems[0].What != gateway.Truncated {
		t.Errorf("XML: %v %v", x.Input, x.Problems)
	}
	x = cut(with(signedFor("iam"), "Content-Type", formType), "POST", "/", "Action=CreateUser&Version=2010-05-08&UserName=alice&Path=%2")
	if x.Input["UserName"] != "alice" || x.Problems[0].What != gateway.Truncated {
		t.Errorf("form: %v %v", x.Input, x.Problems)
	}
	for _, body := range []string{
		"<!DOCTYPE t [<!ENTITY x 'y'>]><Tagging>&x;</Tagging>", "<Tagging>&x;</Tagging>", "<Tagging/><Tagging/>", "<Tagging><TagSet></Tagging>",
		strings.Repeat("<a>", 1000), "<Tagging>" + strings.Repeat("<TagSet/>", 20_000) + "</Tagging>", "text",
	} {
		x := decode(&gateway.Decoder{}, "PUT", "/b?tagging", "gw", signedFor("s3"), body)
		if len(x.Problems) == 0 || x.Operation != "PutBucketTagging" {
			t.Errorf("%.40s: %s %v", body, x.Operation, x.Problems)
		}
	}
}

// What the model does not know is kept beside what it knows, and never in its place.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	headers := with(signedFor("kms"), "X-Amz-Target", "TrentService.CreateKey")
	x := decode(&gateway.Decoder{}, "POST", "/", "gw", headers, `{"Description":"d","NewThing":{"A":[1,"b",null,1.5e3]},"description":"other"}`)
	want := map[string]any{"Description": "d", "description": "other", "NewThing": map[string]any{"A": []any{json.Number("1"), "b", nil, json.Number("1.5e3")}}}
	if !reflect.DeepEqual(x.Input, want) {
		t.Errorf("%v", x.Input)
	}
	x = decode(&gateway.Decoder{}, "POST", "/", "gw", with(signedFor("iam"), "Content-Type", formType), "Action=CreateUser&Version=2010-05-08&UserName=a&UserName=b&New.Thing=c&Tags.member.2.Key=k2&Tags.member.10.Key=k10")
	want = map[string]any{"UserName": "a", "New": map[string]any{"Thing": "c"}, "Tags": []any{map[string]any{"Key": "k2"}, map[string]any{"Key": "k10"}}}
	if !reflect.DeepEqual(x.Input, want) || !strings.Contains(fmt.Sprint(x.Problems), "ambiguous") {
		t.Errorf("%v %v", x.Input, x.Problems)
	}
}

// The bodies of reads are left alone unless their record needs them.
func TestAnswersOfReads(t *testing.T) {
	t.Parallel()
	list := decode(&gateway.Decoder{}, "POST", "/", "gw", with(signedFor("iam"), "Content-Type", formType), "Action=ListUsers&Version=2010-05-08")
	answer(list, 200, map[string]string{"X-Amzn-Requestid": "r"}, "not even XML")
	if list.Output != nil || len(list.Problems) > 0 || list.BytesOut != 12 || !list.ReadOnly() || list.RequestID != "r" {
		t.Errorf("%+v", list)
	}
	assume := decode(&gateway.Decoder{}, "POST", "/", "gw", with(signedFor("sts"), "Content-Type", formType), "Action=AssumeRole&Version=2011-06-15&RoleArn=r&RoleSessionName=s")
	answer(assume, 200, nil, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>PLANTED-SECRET</SecretAccessKey></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>`)
	credentials, _ := assume.Output["Credentials"].(map[string]any)
	if credentials["AccessKeyId"] != "ASIAX" || assume.RequestID != "r" {
		t.Errorf("%v", assume.Output)
	}
	if raw := record.Append(nil, assume.Call(), assume.Details()); bytes.Contains(raw, []byte("PLANTED")) || !bytes.Contains(raw, []byte("ASIAX")) {
		t.Errorf("%s", raw)
	}
	get := decode(&gateway.Decoder{}, "GET", "/b/k", "gw", signedFor("s3"), "")
	get.Answer(&gateway.Answer{Status: http.StatusOK, Header: header(map[string]string{"X-Amz-Server-Side-Encryption": "AES256", "X-Amz-Id-2": "host", "X-Amz-Meta-A": "b"}), Body: gateway.Capture{Bytes: []byte("con"), Size: 7}})
	if get.BytesOut != 7 || !get.StreamOut || get.Output["ServerSideEncryption"] != "AES256" || get.Output["Body"] != nil || len(get.Problems) > 0 {
		t.Errorf("%+v", get)
	}
	raw := record.Append(nil, get.Call(), get.Details())
	for _, want := range []string{`"bytesTransferredOut":7`, `"x-amz-id-2":"host"`, `"SSEApplied":"SSE_S3"`, `"eventCategory":"Data"`, `"bucketName":"b"`} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
}

// A presigned URL's record shows how long it was good, and nothing that could be used again.
func TestPresignedRecord(t *testing.T) {
	t.Parallel()
	x := decode(&gateway.Decoder{}, "PUT", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+keyID+"%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z"+
		"&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature="+zeros+"&X-Amz-Security-Token=PLANTED-SECRET&x-amz-acl=private", "gw", nil, "content")
	answer(x, 200, nil, "")
	raw := record.Append(nil, x.Call(), x.Details())
	for _, want := range []string{`"X-Amz-Expires":"60"`, `"x-amz-acl":"private"`, `"AuthenticationMethod":"QueryString"`, `"bytesTransferredIn":7`, `"accessKeyId":"` + keyID + `"`} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	if bytes.Contains(raw, []byte("PLANTED")) || bytes.Contains(raw, []byte(zeros)) || bytes.Contains(raw, []byte("undecoded")) {
		t.Errorf("%s", raw)
	}
}

// Callers without a signature are of the type that CloudTrail gives them.
func TestUnsignedCallers(t *testing.T) {
	t.Parallel()
	form := map[string]string{"Content-Type": formType}
	for _, tt := range []struct {
		x    *gateway.Exchange
		want string
	}{
		{decode(&gateway.Decoder{}, "POST", "/", "gw", form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=PLANTED-SECRET"), "WebIdentityUser"},
		{decode(&gateway.Decoder{}, "POST", "/", "gw", form, "Action=AssumeRoleWithSAML&Version=2011-06-15&SAMLAssertion=PLANTED-SECRET"), "SAMLUser"},
		{decode(&gateway.Decoder{Service: "s3"}, "GET", "/b/k", "gw", nil, ""), "AWSAccount"},
		{decode(&gateway.Decoder{Service: "lambda"}, "GET", "/2015-03-31/functions", "gw", nil, ""), "Unknown"},
	} {
		raw := record.Append(nil, tt.x.Call(), tt.x.Details())
		if id := tt.x.Call().Identity; id.Type != tt.want || bytes.Contains(raw, []byte("PLANTED")) {
			t.Errorf("%s: %+v in %s", tt.x.Operation, id, raw)
		}
	}
}

// Answers come compressed and cut, too.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	body := `<CreateUserResponse><CreateUserResult><User><UserName>alice</UserName><Path>/</Path></User></CreateUserResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></CreateUserResponse>`
	for _, tt := range []struct {
		name, body string
		headers    map[string]string
		size       int
		fault      gateway.Fault
		path       any
	}{
		{"whole", body, nil, len(body), "", "/"},
		{"gzip", gzipped(body), map[string]string{"Content-Encoding": "gzip"}, len(gzipped(body)), "", "/"},
		{"cut", body[:strings.Index(body, "<Path>")+7], nil, len(body), gateway.Truncated, nil},
		{"no XML", "{}", nil, 2, gateway.Malformed, nil},
	} {
		x := decode(&gateway.Decoder{}, "POST", "/", "gw", with(signedFor("iam"), "Content-Type", formType), "Action=CreateUser&Version=2010-05-08&UserName=alice")
		x.Answer(&gateway.Answer{Status: 200, Header: header(tt.headers), Body: gateway.Capture{Bytes: []byte(tt.body), Size: int64(tt.size)}})
		user, _ := x.Output["User"].(map[string]any)
		if user["Path"] != tt.path || (tt.fault != "") != (len(x.Problems) > 0) || tt.fault != "" && (x.Problems[0].What != tt.fault || x.Problems[0].Where != gateway.InAnswer) {
			t.Errorf("%s: %v %v", tt.name, x.Output, x.Problems)
		}
		if tt.name == "cut" && user["UserName"] != "alice" {
			t.Errorf("cut: %v", x.Output)
		}
	}
}
