package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cairn/gateway"
)

// minioCall maps an entry with a name and returns the record's source, name and readOnly.
func minioCall(t *testing.T, name, path string) string {
	t.Helper()
	entry := fmt.Sprintf(`{"time":"2026-02-27T20:00:00Z","trigger":"incoming","requestID":"1","requestPath":%q,"accessKey":"k","api":{"name":%q,"bucket":%q,"statusCode":200}}`,
		path, name, strings.Trim(strings.TrimPrefix(path, "/minio/admin"), "/"))
	rec, err := gateway.MinIORecord([]byte(entry), place)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		EventSource, EventName string
		ReadOnly               bool
	}
	if err := json.Unmarshal(rec, &r); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(r.EventSource, " ", r.EventName, " ", r.ReadOnly)
}

// MinIO's names for S3's operations become CloudTrail's names for them; its own stay.
func TestMinIONames(t *testing.T) {
	t.Parallel()
	s3 := map[string]string{
		"PutBucket": "CreateBucket false", "HeadBucket": "HeadBucket true", "ListBucketsDoubleSlash": "ListBuckets true", "ListObjectsV1": "ListObjects true",
		"ListObjectsV2M": "ListObjects true", "ListObjectVersionsM": "ListObjectVersions true", "PutBucketLifecycle": "PutBucketLifecycle false",
		"GetBucketLifecycle": "GetBucketLifecycle true", "PutBucketNotification": "PutBucketNotification false", "GetBucketNotification": "GetBucketNotification true",
		"PutBucketObjectLockConfig": "PutBucketObjectLockConfiguration false", "GetBucketObjectLockConfig": "GetBucketObjectLockConfiguration true",
		"PutBucketReplicationConfig": "PutBucketReplication false", "GetBucketReplicationConfig": "GetBucketReplication true",
		"DeleteBucketReplicationConfig": "DeleteBucketReplication false", "GetBucketACL": "GetBucketAcl true", "PutBucketACL": "PutBucketAcl false",
		"GetBucketAccelerate": "GetAccelerateConfiguration true", "PutObjectPart": "UploadPart false", "CopyObjectPart": "UploadPartCopy false",
		"NewMultipartUpload": "CreateMultipartUpload false", "ListObjectParts": "ListParts true", "PostPolicyBucket": "PutObject false",
		"PostRestoreObject": "RestoreObject false", "PutObjectExtract": "PutObject false", "GetObjectACL": "GetObjectAcl true", "PutObjectACL": "PutObjectAcl false",
		"DeleteMultipleObjects": "DeleteObjects false", "PutBucketPolicy": "PutBucketPolicy false", "SelectObjectContent": "SelectObjectContent true",
	}
	for name, want := range s3 {
		if got := minioCall(t, name, "/data/"); got != "s3.amazonaws.com "+want {
			t.Errorf("%s is recorded as %s, want s3's %s", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"AddUser": "false", "ListUsers": "true", "ServerInfo": "true", "SetConfigKV": "false", "GetBucketQuotaConfig": "true", "AttachDetachPolicyBuiltin": "false",
		"PutObject": "false", // its own interface, whatever it is called
	} {
		if got := minioCall(t, name, "/minio/admin/v3/x"); got != "min.io "+name+" "+want {
			t.Errorf("%s is recorded as %s, want min.io's, read-only %s", name, got, want)
		}
	}
	if got := minioCall(t, "ListenNotification", "/data"); got != "min.io ListenNotification true" {
		t.Errorf("ListenNotification is recorded as %s", got)
	}
	if got := minioCall(t, "AssumeRoleWithLDAPIdentity", "/"); got != "min.io AssumeRoleWithLDAPIdentity false" {
		t.Errorf("an STS call that AWS does not have is recorded as %s", got)
	}
}

// Who called: the user of the key, nobody, or somebody whose credentials were refused.
func TestMinIOIdentity(t *testing.T) {
	t.Parallel()
	fields, _ := auditFields(t, "minio-head-missing", `,"accessKey":"dana"}`, `}`)
	if id := fields["userIdentity"].(map[string]any); id["type"] != "Unknown" || id["accessKeyId"] != "dana" || id["arn"] != nil {
		t.Errorf("refused credentials are recorded as %v", id)
	}
	fields, _ = auditFields(t, "minio-putobject", `"parentUser":"dana"`, `"parentUser":""`)
	if id := fields["userIdentity"].(map[string]any); id["userName"] != "Q3AM3UQ867SPQQA43P2F" {
		t.Errorf("a key without a parent is recorded as %v", id)
	}
}

// The status tells the code of an error as far as it can, and the record says so.
func TestMinIOErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ entry, from, to, want string }{
		{"minio-anonymous-denied", `"statusCode":403`, `"statusCode":404`, "NoSuchBucket"},
		{"minio-anonymous-denied", `"statusCode":403`, `"statusCode":503`, "SlowDown"},
		{"minio-anonymous-denied", `"statusCode":403`, `"statusCode":409`, "Conflict"},
		{"minio-anonymous-denied", `"statusCode":403`, `"statusCode":599`, "InternalError"},
		{"minio-deletes", `"statusCode":200`, `"statusCode":404`, "NotFound"}, // of the bucket or something in it
		{"minio-presigned", `"statusCode":206`, `"statusCode":404`, "NoSuchKey"},
		{"minio-expiry", `"tags"`, `"error":"disk","tags"`, "InternalError"},
	} {
		fields, raw := auditFields(t, test.entry, test.from, test.to)
		if fields["errorCode"] != test.want || fields["additionalEventData"].(map[string]any)["errorCodeFrom"] != "statusCode" {
			t.Errorf("%s with %s has the error %v: %s", test.entry, test.to, fields["errorCode"], raw)
		}
	}
	fields, _ := auditFields(t, "minio-presigned", `"statusCode":206`, `"statusCode":0`)
	if fields["errorCode"] != nil || fields["additionalEventData"].(map[string]any)["outcome"] != "unknown" {
		t.Errorf("an entry without a status has %v", fields["additionalEventData"])
	}
}

// Two calls have two IDs, also when they differ by their moment only.
func TestMinIOEventID(t *testing.T) {
	t.Parallel()
	first, _ := auditFields(t, "minio-putobject", "", "")
	for _, change := range [][2]string{{"744431903Z", "744431904Z"}, {`"requestID":"17B86CB0ED88EBE9"`, `"requestID":"2"`}, {"8ca2b7ad", "8ca2b7ae"}} {
		if other, _ := auditFields(t, "minio-putobject", change[0], change[1]); other["eventID"] == first["eventID"] {
			t.Errorf("an entry with %s has the same eventID", change[1])
		}
	}
}

// MinIO names the key of an upload before it looks at the signature: who was refused there
// may be anybody. So may whoever sent a form.
func TestMinIOUnproven(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ from, to, kind, key string }{
		{`"statusCode":200`, `"statusCode":403`, "Unknown", "Q3AM3UQ867SPQQA43P2F"},
		{`"statusCode":200`, `"statusCode":400`, "Unknown", "Q3AM3UQ867SPQQA43P2F"},
		{`"statusCode":200`, `"statusCode":404`, "IAMUser", "Q3AM3UQ867SPQQA43P2F"}, // it had looked by then
	} {
		fields, raw := auditFields(t, "minio-putobject", test.from, test.to)
		id, more := fields["userIdentity"].(map[string]any), fields["additionalEventData"].(map[string]any)
		if id["type"] != test.kind || id["accessKeyId"] != test.key || (test.kind == "Unknown") != (id["arn"] == nil) || (test.kind == "Unknown") != (more["unverified"] != nil) {
			t.Errorf("%s: %s", test.to, raw)
		}
	}
	const form = `{"time":"2026-02-27T20:00:00Z","trigger":"incoming","requestID":"1","remotehost":"192.0.2.1","requestPath":"/data","api":{"name":"PostPolicyBucket","bucket":"data","statusCode":204},"requestHeader":{"Content-Type":"multipart/form-data; boundary=x"}}`
	rec, err := gateway.MinIORecord([]byte(form), place)
	if err != nil {
		t.Fatal(err)
	}
	wantFields(t, string(rec), map[string]string{"eventName": "PutObject", "userIdentity.type": "Unknown", "userIdentity.accountId": "null", "additionalEventData.unverified": "the entry does not show who signed the form"})
}

// What MinIO refused before it knew what it was is recorded by its path.
func TestMinIOWithoutName(t *testing.T) {
	t.Parallel()
	const entry = `{"version":"1","time":"2026-02-27T20:00:00Z","trigger":"incoming","api":{"status":"Bad Request","statusCode":400,"rx":9,"tx":300},"remotehost":"192.0.2.1","requestID":"1","requestPath":"/Bad_Bucket!/x","requestHost":"m:9000",
		"requestQuery":{"X-Amz-Signature":"PLANTED-SECRET","uploads":""},"requestHeader":{"Authorization":"AWS4-HMAC-SHA256 Credential=dana/20260227/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=PLANTED-SECRET"}}`
	rec, err := gateway.MinIORecord([]byte(entry), place)
	if err != nil {
		t.Fatal(err)
	}
	wantFields(t, string(rec), map[string]string{
		"eventSource": "min.io", "eventName": "Unknown", "readOnly": "false", "errorCode": "BadRequest", "userIdentity.type": "Unknown", "userIdentity.accessKeyId": "dana",
		"additionalEventData.requestPath": "/Bad_Bucket!/x", "additionalEventData.statusCode": "400", "sourceIPAddress": "192.0.2.1",
	})
	if strings.Contains(string(rec), "PLANTED") {
		t.Errorf("a secret: %s", rec)
	}
}
