package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"cairn/gateway"
)

func preflight(t *testing.T, url string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodOptions, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "PUT")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// The question of a browser is a read of data by nobody, and needs no intent. What a
// presigned URL says of its signer is said of the call to come.
func TestPreflight(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	const signed = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=PLANTED"
	for i, target := range []string{"/photos/a%20b.jpg", "/photos/a%20b.jpg" + signed} {
		p.do(t, preflight(t, p.url+target))
		raw := p.log.await(t, i+1)[i]
		wantFields(t, raw, map[string]string{
			"eventSource": "s3.amazonaws.com", "eventName": "PreflightRequest", "readOnly": "true", "managementEvent": "false", "eventCategory": "Data",
			"userIdentity.type": "AWSAccount", "userIdentity.accountId": "ANONYMOUS_PRINCIPAL", "userIdentity.accessKeyId": "null", "awsRegion": "eu-west-1",
			"requestParameters.bucketName": "photos", "requestParameters.key": "a b.jpg", "additionalEventData.undecoded": "null",
			"resources": `[{"ARN":"arn:aws:s3:::photos/a b.jpg","type":"AWS::S3::Object"},{"ARN":"arn:aws:s3:::photos","accountId":"` + testAccount + `","type":"AWS::S3::Bucket"}]`,
		})
		if strings.Contains(raw, "PLANTED") {
			t.Errorf("a signature: %s", raw)
		}
	}
	if n := p.intents.Stats().Begun; n != 0 {
		t.Errorf("%d intents", n)
	}
}

// What only looks like one, and could be taken for a change, is none.
func TestFalsePreflights(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	bare := preflight(t, p.url+"/photos/x")
	bare.Header.Del("Origin")
	for i, r := range []*http.Request{
		bare,
		preflight(t, p.url+"/photos/x", "Authorization", signedHeader("s3")),
		preflight(t, p.url+"/photos/x", "X-Http-Method-Override", "DELETE"),
		preflight(t, p.url+"/?Action=CreateUser&Version=2010-05-08"),
		preflight(t, p.url+"/", "X-Amz-Target", "DynamoDB_20120810.DeleteTable"),
	} {
		p.do(t, r)
		if raw := p.log.await(t, i+1)[i]; field(t, raw, "eventName") == "PreflightRequest" || field(t, raw, "readOnly") != "false" {
			t.Errorf("%d: %s", i, raw)
		}
		if n := p.intents.Stats().Begun; n != uint64(i+1) {
			t.Errorf("%d: %d intents", i, n)
		}
	}
}

// A page before a backend of any service asks, too; of a service that nothing tells the
// question does not count among the management events either.
func TestPreflightOfOthers(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	for service, source := range map[string]string{"": "unknown", "dynamodb": "dynamodb.amazonaws.com"} {
		p := startProxy(t, b.url, func(c *gateway.Config) { c.Routes[0].DefaultService = service })
		p.do(t, preflight(t, p.url+"/"))
		wantFields(t, p.log.await(t, 1)[0], map[string]string{
			"eventSource": source, "eventName": "PreflightRequest", "readOnly": "true", "managementEvent": "false", "userIdentity.type": "Unknown",
		})
	}
	p := startProxy(t, b.url, func(c *gateway.Config) {
		c.Routes[0].Exclude = []gateway.Exclusion{{Operation: "s3:PreflightRequest", Buckets: []string{"photos"}}}
	})
	p.do(t, preflight(t, p.url+"/photos/x"))
	p.do(t, preflight(t, p.url+"/other/x"))
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"requestParameters.bucketName": "other"})
	if resp, err := p.client.Do(preflight(t, p.url+"/photos/x")); err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
