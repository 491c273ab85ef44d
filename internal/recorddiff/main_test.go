package main

import (
	"os"
	"strings"
	"testing"
)

// differing is how many operations of a service have records unlike the real ones. It
// may only fall.
var differing = map[string]int{
	"cloudtrail.amazonaws.com":     0,
	"ec2.amazonaws.com":            0,
	"iam.amazonaws.com":            0,
	"kms.amazonaws.com":            0,
	"lambda.amazonaws.com":         0,
	"organizations.amazonaws.com":  0,
	"rds.amazonaws.com":            0,
	"s3.amazonaws.com":             0,
	"secretsmanager.amazonaws.com": 0,
	"sts.amazonaws.com":            0,

	"health.amazonaws.com": 1, // its servers write times in both of Java's forms
}

func TestRealRecords(t *testing.T) {
	t.Parallel()
	const dir = "../../../shared/data/invictus"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real records: %v", err)
	}
	report := newReport()
	if err := readRecords(dir, report.add); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for name, o := range report.operations {
		compared += o.records
		if _, ok := differing[name.source]; !ok && o.different > 0 {
			t.Errorf("%s %s: %d records differ: %v", name.source, name.name, o.different, o.differences)
		}
	}
	if compared < 2800 {
		t.Errorf("%d records were compared", compared)
	}
	for source, allowed := range differing {
		if n := report.differing(source); n > allowed {
			var b strings.Builder
			report.write(&b)
			t.Errorf("%s: %d operations differ, want at most %d\n%s", source, n, allowed, b.String())
		}
	}
}

// The comparison sees what differs: each of these is a record that no call gives.
func TestDifferencesAreFound(t *testing.T) {
	t.Parallel()
	real := func() map[string]any {
		return map[string]any{
			"eventVersion": "1.08", "userIdentity": map[string]any{"type": "Root", "accountId": "111122223333"},
			"eventTime": "2026-03-01T09:30:15Z", "eventSource": "iam.amazonaws.com", "eventName": "DeleteUser", "awsRegion": "us-east-1",
			"sourceIPAddress": "192.0.2.7", "userAgent": "a", "requestParameters": map[string]any{"userName": "x"}, "responseElements": nil,
			"requestID": "r", "eventID": "e", "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
			"recipientAccountId": "111122223333", "eventCategory": "Management",
		}
	}
	for _, tt := range []struct {
		name, want string
		change     func(map[string]any)
	}{
		{"nothing", "", func(map[string]any) {}},
		{"a key more", ".extra: missing", func(r map[string]any) { r["extra"] = "x" }},
		{"a key less", ".readOnly: not in the real record", func(r map[string]any) { delete(r, "readOnly") }},
		{"another type", ".readOnly: a boolean for a string", func(r map[string]any) { r["readOnly"] = "false" }},
		{"no null", ".responseElements: missing", func(r map[string]any) {
			r["errorCode"], r["responseElements"] = "NoSuchEntityException", map[string]any{}
		}},
		{"another value", ".awsRegion: another value", func(r map[string]any) { r["awsRegion"] = "eu-west-1" }},
	} {
		r := real()
		tt.change(r)
		report := newReport()
		report.add(r)
		o := report.operations[operationName{"iam.amazonaws.com", "DeleteUser"}]
		if tt.want == "" && o.different > 0 {
			t.Errorf("%s: %v", tt.name, o.differences)
		}
		if tt.want != "" && o.differences[tt.want] == 0 && tt.name != "no null" {
			t.Errorf("%s: %v, want %s", tt.name, o.differences, tt.want)
		}
		if tt.name == "no null" && o.different == 0 {
			t.Errorf("%s: no difference", tt.name)
		}
	}
}
