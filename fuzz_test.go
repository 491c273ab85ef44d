package cairn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// FuzzExtract holds Extract against three judges: encoding/json says whether an
// accepted text is JSON, jsontext whether a refused one should be, and the
// reference extractor whether both see the same fields.
func FuzzExtract(f *testing.F) {
	for _, raw := range sampleRecords(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) { judge(t, raw) })
}

func judge(t *testing.T, raw []byte) {
	t.Helper()
	var got, want Record
	var ref reference
	before := bytes.Clone(raw)
	err := got.Extract(raw)
	refErr := ref.extract(&want, raw)
	if !bytes.Equal(raw, before) {
		t.Fatal("Extract changed the record")
	}
	if err != nil {
		fault, ok := err.(*RecordError)
		if !ok || fault.Reason == "" || fault.Offset < -1 || fault.Offset > len(raw) {
			t.Fatalf("fault %#v in %d bytes", err, len(raw))
		}
		if refErr == nil && fault.Reason != reasonDepth {
			t.Fatalf("Extract refuses what the reference takes: %v", err)
		}
		return
	}
	if !json.Valid(bytes.ToValidUTF8(raw, []byte("\uFFFD"))) {
		t.Fatal("Extract takes what is not JSON")
	}
	if refErr != nil {
		t.Fatalf("Extract takes what the reference refuses: %v", refErr)
	}
	if a, b := printable(got), printable(want); a != b {
		t.Fatalf("fields differ:\n      got %s\nreference %s", a, b)
	}
}

// printable writes a record's fields with one mark for each run of bytes that
// are not UTF-8: jsontext writes the mark for them when it unescapes a text.
func printable(r Record) string {
	s := strings.ToValidUTF8(fmt.Sprintf("%+v", r), "\uFFFD")
	for strings.Contains(s, "\uFFFD\uFFFD") {
		s = strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD")
	}
	return s
}

// The judges agree on every record at hand, and on each with one byte changed
// or left out at many places.
func TestExtractAgreesWithReference(t *testing.T) {
	t.Parallel()
	for _, raw := range invictusRecords(t) {
		judge(t, raw)
	}
	for _, raw := range sampleRecords(t) {
		judge(t, raw)
		step := 17
		if testing.Short() {
			step = 61
		}
		for at := 0; at < len(raw); at += step {
			for _, c := range []byte("\"\\{}[],:0 \x00\xff") {
				changed := bytes.Clone(raw)
				changed[at] = c
				judge(t, changed)
			}
			judge(t, append(bytes.Clone(raw[:at]), raw[at+1:]...))
		}
	}
}

// The table of resources is well formed, and a malformed one is refused with
// the line.
func TestParseResourceTable(t *testing.T) {
	t.Parallel()
	if set, err := parseResourceTable(resourceTable); err != nil || len(set) < 30 {
		t.Errorf("%d sources: %v", len(set), err)
	}
	for table, want := range map[string]string{
		"  * request.a AWS::A::B":                      "line 1: neither a source nor a rule",
		"s\n  * request.a":                             "line 2: neither a source nor a rule",
		"s\n  * request.a B":                           "line 2: resource type B is not of the form AWS::Service::Kind",
		"s\n  * a.b AWS::A::B":                         "line 2: path a.b is not request.… or response.…",
		"s\n  * request AWS::A::B":                     "line 2: path request is not request.… or response.…",
		"s\n  * request..a AWS::A::B":                  "line 2: path request..a is not request.… or response.…",
		"s\n\n# x\ns":                                  "line 4: source s comes twice",
		"s\n  A request.a AWS::A\n  * request.b AWS::": "line 3: a rule for all events stands behind one for named events",
	} {
		if _, err := parseResourceTable(table); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", table, err, want)
		}
	}
}

// A rule for a named event can change and take back one for all events.
func TestResourceRuleForNamedEvent(t *testing.T) {
	t.Parallel()
	set, err := parseResourceTable("s\n  * request.a AWS::A\n  * request.b AWS::B\n  X,Y request.a -\n  Y request.b ?\n")
	if err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]string{"W": "true AWS::A, true AWS::B", "X": "false , true AWS::B", "Y": "false , true "} {
		rules := set.find("s", event)
		a, b := rules.request.child("a"), rules.request.child("b")
		if got := fmt.Sprintf("%t %s, %t %s", a.named, a.typ, b.named, b.typ); got != want {
			t.Errorf("%s: %s, want %s", event, got, want)
		}
	}
	if set.find("t", "W") != nil {
		t.Error("rules for a source that the table does not have")
	}
}
