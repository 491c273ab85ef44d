package record_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"cairn/aws"
	"cairn/record"
)

// The texts of the envelope are cut at 1 KB, between characters (tests.md, R16).
func TestTextLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		text     string
		wantSize int
	}{
		{"below", strings.Repeat("a", 1023), 1023},
		{"at the limit", strings.Repeat("a", 1024), 1024},
		{"one more", strings.Repeat("a", 1025), 1024},
		{"a character of two bytes across", strings.Repeat("a", 1023) + "é", 1023},
		{"a character of four bytes across", strings.Repeat("a", 1021) + "😀", 1021},
		{"a character of four bytes at the end", strings.Repeat("a", 1020) + "😀", 1024},
		{"escapes count as what they stand for", strings.Repeat("\"", 1030), 1024},
	} {
		c := with(call("cloudtrail", "StopLogging", nil, nil), failing(tt.text, tt.text), func(c *aws.Call) { c.UserAgent, c.RequestID = tt.text, tt.text })
		_, r := appended(t, c, record.Details{})
		for field, got := range map[string]string{"userAgent": r.UserAgent, "errorCode": r.ErrorCode, "errorMessage": r.ErrorMessage, "requestID": r.RequestID} {
			if len(got) != tt.wantSize || !utf8.ValidString(got) || !strings.HasPrefix(tt.text, got) {
				t.Errorf("%s, %s: %d bytes, want %d", tt.name, field, len(got), tt.wantSize)
			}
		}
	}
}

// requestParameters and responseElements have 100 KB, additionalEventData has 28 KB.
func TestBodyLimits(t *testing.T) {
	t.Parallel()
	const request = 100<<10 - len(`{"policyDocument":""}`)
	const additional = 28<<10 - len(`{"x":""}`)
	for _, more := range []int{-1, 0, 1} {
		long := strings.Repeat("a", request+more)
		c := call("iam", "CreatePolicy", tree{"PolicyDocument": long}, tree{"Policy": tree{"Arn": strings.Repeat("a", 100<<10-len(`{"policy":{"arn":""}}`)+more)}})
		raw, _ := appended(t, c, record.Details{AdditionalEventData: tree{"x": strings.Repeat("a", additional+more)}})
		for field, limit := range map[string]int{"requestParameters": 100 << 10, "responseElements": 100 << 10, "additionalEventData": 28 << 10} {
			got := fieldOf(t, raw, field)
			if more <= 0 {
				if len(got) != limit+more {
					t.Errorf("%s at %+d: %d bytes, want %d", field, more, len(got), limit+more)
				}
				continue
			}
			var note struct {
				Omitted      bool
				OriginalSize int
			}
			if err := json.Unmarshal([]byte(got), &note); err != nil || !note.Omitted || note.OriginalSize != limit+1 {
				t.Errorf("%s at %+d: %.100s", field, more, got)
			}
		}
	}
}

// A record that is too large as a whole loses fields in CloudTrail's order, and is a
// record still.
func TestRecordLimit(t *testing.T) {
	t.Parallel()
	names := make([]any, 64)
	for i := range names {
		names[i] = strings.Repeat("n", 1500)
	}
	c := call("ssm", "DeleteParameters", tree{"Names": names}, tree{"DeletedParameters": names})
	raw, r := appended(t, c, record.Details{AdditionalEventData: tree{"x": strings.Repeat("a", 28000)}})
	if r.RequestID != "" || fieldOf(t, raw, "additionalEventData") != "" {
		t.Errorf("%d bytes with requestID %q and additionalEventData", len(raw), r.RequestID)
	}
	if r.UserAgent == "" || len(fieldOf(t, raw, "requestParameters")) < 90_000 || len(fieldOf(t, raw, "responseElements")) < 90_000 {
		t.Error("more was dropped than had to be")
	}
	// Without the additional data it fits, and nothing is lost.
	raw, r = appended(t, c, record.Details{AdditionalEventData: tree{"x": ""}})
	if r.RequestID == "" || fieldOf(t, raw, "additionalEventData") == "" {
		t.Errorf("%d bytes, but fields are missing", len(raw))
	}
}

// Depth does not hide a call.
func TestDepth(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{100, 498, 512, 2000} {
		var deep any = "bottom"
		for range depth {
			deep = tree{"a": deep}
		}
		_, r := appended(t, call("iam", "CreateGroup", tree{"GroupName": deep, "x": []any{deep}}, nil), record.Details{})
		if r.EventName != "CreateGroup" {
			t.Errorf("at depth %d the event is %s", depth, r.EventName)
		}
	}
}
