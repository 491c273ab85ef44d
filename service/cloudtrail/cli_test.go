package cloudtrail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// The aws command line asks for each key, in each style of times that it reads,
// and joins the pages.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the aws CLI takes a second a call")
	}
	program, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("there is no aws CLI")
	}
	f := newFront(t, false)
	server := httptest.NewServer(f.mux)
	t.Cleanup(server.Close)
	root := f.root(operator)
	home := t.TempDir()
	run := func(args ...string) (names []string, message string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, append([]string{"cloudtrail", "lookup-events", "--output", "json"}, args...)...)
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + home, "PYENV_ROOT=" + os.Getenv("PYENV_ROOT"), "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "TZ=UTC", "AWS_PAGER=",
			"AWS_ACCESS_KEY_ID=" + root.id, "AWS_SECRET_ACCESS_KEY=" + root.secret, "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1",
		}
		stderr := new(bytes.Buffer)
		cmd.Stderr = stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, err.Error() + ": " + stderr.String()
		}
		var answer struct{ Events []struct{ EventName string } }
		must(t, json.Unmarshal(out, &answer))
		for _, e := range answer.Events {
			names = append(names, e.EventName)
		}
		return names, ""
	}
	if _, message := run("--max-items", "1"); message != "" && exec.Command(program, "--version").Run() != nil {
		t.Skip("the aws CLI does not start: " + message)
	}

	at := f.now().Add(-50 * time.Hour).UTC().Truncate(24 * time.Hour).Add(13*time.Hour + 16*time.Minute) // 01:16 PM, two or three days ago
	f.put(made{name: "Before", at: at.Add(-24 * time.Hour)})
	f.put(made{name: "StopLogging", source: "cloudtrail.amazonaws.com", user: "eve", key: "AKIAEVE", id: "11111111-0000-4000-8000-000000000001", at: at,
		resource: [2]string{"AWS::CloudTrail::Trail", "arn:aws:cloudtrail:us-east-1:111111111111:trail/main"}})
	var many []made
	for i := range 120 {
		many = append(many, made{name: "Many", at: at.Add(24*time.Hour + time.Duration(i)*time.Second), readOnly: true})
	}
	f.put(many...)
	want := func(names []string, args ...string) {
		t.Helper()
		got, message := run(args...)
		got = slices.DeleteFunc(got, func(name string) bool { return name == "LookupEvents" })
		if !slices.Equal(got, names) {
			t.Errorf("%q: %v, want %v: %s", args, got, names, message)
		}
	}
	if got, message := run(); len(got) < 122 || got[len(got)-1] != "Before" {
		t.Errorf("%d events without arguments: %s", len(got), message)
	}
	for key, value := range map[string]string{
		"EventId": "11111111-0000-4000-8000-000000000001", "EventName": "StopLogging", "Username": "eve", "AccessKeyId": "AKIAEVE", "EventSource": "cloudtrail.amazonaws.com",
		"ResourceType": "AWS::CloudTrail::Trail", "ResourceName": "arn:aws:cloudtrail:us-east-1:111111111111:trail/main",
	} {
		want([]string{"StopLogging"}, "--lookup-attributes", "AttributeKey="+key+",AttributeValue="+value, "--end-time", fmt.Sprint(at.Add(time.Hour).Unix()))
	}
	want([]string{"StopLogging", "Before"}, "--lookup-attributes", "AttributeKey=ReadOnly,AttributeValue=false", "--end-time", fmt.Sprint(at.Add(time.Hour).Unix()))

	// Styles with a time of day include the event at that minute; those without one begin at midnight.
	for _, style := range []string{"01-02-2006, 03:04 PM", "01/02/2006, 15:04", "2006-01-02, 03:04 PM", "2006-01-02T15:04:05Z", "2006-01-02T15:04:05+00:00", "2006-01-02 15:04"} {
		want([]string{"StopLogging"}, "--start-time", at.Format(style), "--end-time", at.Format(style))
	}
	for _, format := range []string{"%d", "%d.0"} {
		want([]string{"StopLogging"}, "--start-time", fmt.Sprintf(format, at.Unix()), "--end-time", fmt.Sprintf(format, at.Unix()))
	}
	for _, style := range []string{"01-02-2006", "2006-01-02"} {
		want([]string{"StopLogging"}, "--start-time", at.Format(style), "--end-time", at.Add(24*time.Hour).Format(style))
	}
	if got, message := run("--start-time", at.Add(time.Hour).Format(time.RFC3339), "--end-time", at.Format(time.RFC3339)); got != nil || !strings.Contains(message, "InvalidTimeRangeException") {
		t.Errorf("start behind end: %v %s", got, message)
	}
}
