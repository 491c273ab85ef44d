package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// A read and a write pass, byte for byte, and leave one record each.
func TestProxyRecords(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	resp, body := p.do(t, newCall(t, http.MethodGet, p.url+"/bucket/a%20b?partNumber=1", "s3", nil))
	if resp.StatusCode != 200 || body != "ok" {
		t.Fatalf("%d %q", resp.StatusCode, body)
	}
	p.do(t, newCall(t, http.MethodPost, p.url+"/", "dynamodb", strings.NewReader(`{"TableName":"t"}`),
		"X-Amz-Target", "DynamoDB_20120810.DeleteTable", "Content-Type", "application/x-amz-json-1.0"))
	records := p.log.await(t, 2)
	wantFields(t, records[0], map[string]string{
		"eventName": "GetObject", "requestParameters.key": "a b", "additionalEventData.route": "main", "requestID": "R1",
		"recipientAccountId": testAccount, "awsRegion": "eu-west-1", "userIdentity.accessKeyId": "AKIAIOSFODNN7EXAMPLE",
	})
	wantFields(t, records[1], map[string]string{"eventName": "DeleteTable", "requestParameters.tableName": "t"})
	calls := b.seen()
	if calls[0].line != "GET /bucket/a%20b?partNumber=1 HTTP/1.1" || calls[1].body != `{"TableName":"t"}` {
		t.Errorf("%+v", calls)
	}
	if s := p.intents.Stats(); s.Begun != 1 || s.Open != 0 {
		t.Errorf("intents: %+v", s)
	}
}
