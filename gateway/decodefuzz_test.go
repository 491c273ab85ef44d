package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/gateway"
	"cairn/record"
)

// sound fails unless an exchange gives a record that the event log takes.
func sound(t *testing.T, x *gateway.Exchange) {
	t.Helper()
	c := x.Call()
	c.Time = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	raw := record.Append(nil, c, x.Details())
	if !json.Valid(raw) || len(raw) > record.MaxBytes {
		t.Fatalf("%d bytes: %.300s", len(raw), raw)
	}
	var r cairn.Record
	if err := r.Extract(raw); err != nil {
		t.Fatalf("%v: %.300s", err, raw)
	}
}

// fuzzBody runs a decoder of bodies, on the request and on the answer of an operation.
func fuzzBody(f *testing.F, method, target string, headers map[string]string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed), int64(len(seed)), 200)
		f.Add([]byte(seed[:len(seed)/2]), int64(len(seed)), 400)
	}
	f.Fuzz(func(t *testing.T, body []byte, size int64, status int) {
		x := (&gateway.Decoder{EveryAnswer: true}).Request(&gateway.Request{
			Method: method, Target: target, Host: "gw", Header: header(headers), Body: gateway.Capture{Bytes: body, Size: size},
		})
		x.Answer(&gateway.Answer{Status: status, Header: header(headers), Body: gateway.Capture{Bytes: body, Size: size}})
		sound(t, x)
	})
}

func FuzzJSON(f *testing.F) {
	fuzzBody(f, "POST", "/", with(signedFor("dynamodb"), "X-Amz-Target", "DynamoDB_20120810.UpdateTable"),
		`{"TableName":"t","ProvisionedThroughput":{"ReadCapacityUnits":1e400},"x":[null,true,{"TableName_":"\ud800"}]}`, `{"TableName":1,"TableName":{}}`, "\xef\xbb\xbf{}")
}

func FuzzRESTJSON(f *testing.F) {
	fuzzBody(f, "POST", "/2015-03-31/functions", signedFor("lambda"), `{"FunctionName":"f","Environment":{"Variables":{"a":"b"}},"Code":{"ZipFile":"eA=="}}`)
}

func FuzzXML(f *testing.F) {
	fuzzBody(f, "PUT", "/b?lifecycle", signedFor("s3"),
		`<LifecycleConfiguration xmlns="x"><Rule><ID>1</ID><Filter><Tag><Key>k</Key></Tag></Filter><Expiration><Days>3</Days></Expiration></Rule><Rule/></LifecycleConfiguration>`,
		`<!DOCTYPE a><a/>`, `<Error><Code>A</Code></Error>`)
}

func FuzzForm(f *testing.F) {
	fuzzBody(f, "POST", "/", with(signedFor("ec2"), "Content-Type", formType),
		"Action=RunInstances&Version=2016-11-15&ImageId=a&BlockDeviceMapping.1.Ebs.VolumeSize=5&TagSpecification.1.Tag.2.Key=a", "Action=RunInstances&Version=1&ImageId.1=&ImageId=%zz&.=.&..=",
		`<RunInstancesResponse><instancesSet><item><instanceId>i</instanceId></item></instancesSet></RunInstancesResponse>`)
}

func FuzzQueryForm(f *testing.F) {
	fuzzBody(f, "POST", "/", with(signedFor("sns"), "Content-Type", formType),
		"Action=Publish&Version=2010-03-31&MessageAttributes.entry.1.Name=n&MessageAttributes.entry.1.Value.StringValue=v&TopicArn.member.1=a",
		`<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`)
}

func FuzzCBOR(f *testing.F) {
	fuzzBody(f, "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", with(signedFor("monitoring"), "Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor"),
		"\xa2iNamespaceantjMetricData\x81\xa2jMetricNameamiTimestamp\xc1\x1aY\x00\x00\x00", "\xbf\x61a\x9f\x01\xff\xff", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00")
}

func FuzzCodings(f *testing.F) {
	fuzzBody(f, "PUT", "/b?tagging", with(signedFor("s3"), "X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content-Encoding", "gzip"),
		"5;chunk-signature=x\r\nhello\r\n0;chunk-signature=x\r\n\r\n", "ffffffffffffffff\r\n", "14\r\n"+gzipped("<Tagging/>")[:20]+"\r\n0\r\n\r\n", gzipped("<Tagging/>"))
}

func FuzzForms(f *testing.F) {
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		sound(t, (&gateway.Decoder{}).Request(&gateway.Request{
			Method: "POST", Target: "/b", Host: "gw", Header: http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, Body: gateway.Capture{Bytes: body, Size: int64(len(body))},
		}))
	})
}

// FuzzHead runs everything that looks at the head of a request: which service, which
// operation, whose signature.
func FuzzHead(f *testing.F) {
	f.Add("GET", "/b/k?acl&x=%zz", "b.s3.eu-west-1.amazonaws.com", "Authorization: AWS4-HMAC-SHA256 Credential=a/b/20260101/x/s3/aws4_request\nX-Amz-Date: 1")
	f.Add("POST", "http://h/service/a/operation/b?Action=x&Version=1", "[::1]:80", "Smithy-Protocol: rpc-v2-cbor\nX-Amz-Target: a.b.c\nContent-Type: application/x-www-form-urlencoded")
	f.Add("GET", "/?X-Amz-Credential=&X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&AWSAccessKeyId=", "s3express-control.x", "Authorization: AWS :")
	f.Fuzz(func(t *testing.T, method, target, host, head string) {
		h := make(http.Header)
		for line := range strings.SplitSeq(head, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			h.Add(name, value)
		}
		d := &gateway.Decoder{Service: "s3", BucketDomains: []string{"x.example.com"}}
		x := d.Request(&gateway.Request{Method: method, Target: target, Host: host, Header: h})
		x.Answer(&gateway.Answer{Status: 200, Header: h})
		sound(t, x)
	})
}
