package main

import (
	"context"
	"encoding/json"
	"strings"
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
