package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cairn/server"
)

// delivered waits until a trail on ./cairn-data has delivered a file with all
// that it had then.
func delivered(ts *testscript.TestScript, _ bool, args []string) {
	a, err := server.FindServer(ts.MkAbs("cairn-data"))
	ts.Check(err)
	c := server.Dial(a.Socket)
	defer c.Close()
	for range 1000 {
		trails, err := c.Trails(context.Background(), "", args[0])
		ts.Check(err)
		if len(trails) == 1 && !trails[0].LatestDelivery.IsZero() && trails[0].Staged.Files == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("trail %s has delivered nothing", args[0])
}

// eventID puts the ID of the record in a file's first line into $EVENT.
func eventID(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	var record struct{ EventID string }
	ts.Check(json.Unmarshal([]byte(line), &record))
	ts.Setenv("EVENT", record.EventID)
}

// secrets makes the access key in a file that of the environment.
func secrets(ts *testscript.TestScript, _ bool, args []string) {
	var account server.NewAccount
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &account))
	ts.Setenv("AWS_ACCESS_KEY_ID", account.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", account.SecretAccessKey)
}

// s3keys makes the access key that `cairn env` printed to a file the one of the
// server's S3 at a URL.
func s3keys(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if key, ok := strings.CutPrefix(name, "AWS_"); ok && (key == "ACCESS_KEY_ID" || key == "SECRET_ACCESS_KEY") {
			ts.Setenv("CAIRN_S3_"+key, strings.Trim(value, `'"`))
		}
	}
}

// What a trail needs is added to a bucket's policy, in which everything stays.
func TestMergePolicy(t *testing.T) {
	t.Parallel()
	write := statement{"Write", "Allow", trailPrincipal, "s3:PutObject", "arn:aws:s3:::b/*", nil}
	const there = `{"Action":"s3:PutObject","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Resource":"arn:aws:s3:::b/*","Sid":"other name"}`
	const write1 = `{"Sid":"Write","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}`
	const write3 = `{"Sid":"Write3","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}`
	const first, second = `{"Sid":"Write","Effect":"Deny","Principal":"*","NotAction":["s3:*"],"Resource":"*"}`, `{"Sid":"Write2","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
	for _, c := range []struct {
		what, policy, want string
		added              int
	}{
		{"none", "", `{"Statement":[` + write1 + `],"Version":"2012-10-17"}`, 1},
		{"it is there", `{"Version":"2012-10-17","Statement":[` + there + `]}`, `{"Statement":[` + there + `],"Version":"2012-10-17"}`, 0},
		{"names are taken", `{"Version":"2008-10-17","Id":"i","Statement":[` + first + `,` + second + `]}`,
			`{"Id":"i","Statement":[` + first + `,` + second + `,` + write3 + `],"Version":"2008-10-17"}`, 1},
		{"one statement without a list", `{"Statement":` + second + `}`, `{"Statement":[` + second + `,` + write1 + `]}`, 1},
	} {
		got, added, err := mergePolicy(c.policy, []statement{write})
		if err != nil || got != c.want || added != c.added {
			t.Errorf("%s: %v, %d added:\n got %s\nwant %s", c.what, err, added, got, c.want)
		}
	}
	for _, policy := range []string{"{", `{"Statement":["x"]}`} {
		if _, _, err := mergePolicy(policy, []statement{write}); err == nil {
			t.Errorf("policy %s is taken", policy)
		}
	}
}
