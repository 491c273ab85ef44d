package cairn_test

import (
	"slices"
	"testing"
	"time"

	"cairn"
)

// An event is dated by its record, or by its arrival when it is flagged as
// dated ahead; in whole seconds either way.
func TestEventTime(t *testing.T) {
	t.Parallel()
	e := cairn.Event{
		Raw:     edit(t, "08:20:09Z", "08:20:09.75Z"),
		Arrival: time.Date(2024, 5, 2, 8, 0, 1, 999, time.UTC),
	}
	if err := e.Extract(); err != nil {
		t.Fatal(err)
	}
	if got, want := e.Time(), time.Date(2024, 5, 2, 8, 20, 9, 0, time.UTC); !got.Equal(want) {
		t.Errorf("Time %v, want %v", got, want)
	}
	e.Flags = cairn.FlagAhead
	if got, want := e.Time(), time.Date(2024, 5, 2, 8, 0, 1, 0, time.UTC); !got.Equal(want) {
		t.Errorf("Time %v of an event dated ahead, want %v", got, want)
	}
}

// The numbers of categories and attributes are on disk, and their names on the
// wire.
func TestNames(t *testing.T) {
	t.Parallel()
	for n, name := range []string{"Unknown", "Management", "Data", "Insight", "NetworkActivity", "Aggregated", "Other", "Unknown"} {
		c := cairn.Category(n)
		if c.String() != name {
			t.Errorf("category %d is %s, want %s", n, c, name)
		}
		if got, ok := cairn.ParseCategory(name); ok != (name != "Unknown") || ok && got != c {
			t.Errorf("ParseCategory(%s) = %d, %t", name, got, ok)
		}
	}
	for n, name := range []string{"unknown", "EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName",
		"EventSource", "AccessKeyId", "errorCode", "sourceIPAddress", "userIdentity.arn", "unknown"} {
		a := cairn.Attribute(n)
		if a.String() != name {
			t.Errorf("attribute %d is %s, want %s", n, a, name)
		}
		if got, ok := cairn.ParseAttribute(name); ok != (name != "unknown") || ok && got != a {
			t.Errorf("ParseAttribute(%s) = %d, %t", name, got, ok)
		}
	}
	for n, name := range []string{"unknown", "recorded", "gateway", "posted", "imported", "audit", "unknown"} {
		if got := cairn.Origin(n).String(); got != name {
			t.Errorf("origin %d is %s, want %s", n, got, name)
		}
	}
	if got := (cairn.FlagAhead | cairn.FlagConflict).Strings(); !slices.Equal(got, []string{"ahead", "conflict"}) {
		t.Errorf("flags %v", got)
	}
}

func TestRecordValues(t *testing.T) {
	t.Parallel()
	var r cairn.Record
	if err := r.Extract([]byte(plainRecord)); err != nil {
		t.Fatal(err)
	}
	for a, want := range map[cairn.Attribute][]string{
		cairn.AttrEventID:      {"e-1"},
		cairn.AttrEventName:    {"RebootInstances"},
		cairn.AttrReadOnly:     {"false"},
		cairn.AttrUsername:     {"ann"},
		cairn.AttrResourceType: {"AWS::S3::Bucket", "AWS::S3::Bucket"},
		cairn.AttrResourceName: {"arn:aws:s3:::b", "b"},
		cairn.AttrEventSource:  {"ec2.amazonaws.com"},
		cairn.AttrAccessKeyID:  {"AKIAIOSFODNN7EXAMPLE"},
		cairn.AttrErrorCode:    {"E"},
		cairn.AttrSourceIP:     {"203.0.113.24"},
		cairn.AttrUserARN:      {"arn:aws:iam::111122223333:user/ann"},
		0:                      nil,
	} {
		var got []string
		r.Values(a, func(v string) bool { got = append(got, v); return true })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", a, got, want)
		}
		got = nil
		r.Values(a, func(v string) bool { got = append(got, v); return false })
		if len(got) > 1 {
			t.Errorf("%s goes on after it was told to stop: %q", a, got)
		}
	}
	var empty cairn.Record
	for a := range cairn.Attribute(cairn.NumAttributes) {
		empty.Values(a, func(v string) bool { t.Errorf("%s of an empty record: %q", a, v); return true })
	}
}
