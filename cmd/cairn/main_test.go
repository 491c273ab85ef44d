package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cairn/server"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cairn": main})
}

// TestScripts runs the program as users do. Each script has a directory of its
// own, and beside the usual commands:
//
//	exits CODE cairn ARG...   the program ends with that exit code
//	server DATA               waits until a server runs on a data directory
//	gzip FILE                 makes FILE.gz
//	blanks FILE N RECORD      makes a log file of a record and N blanks
//	flip FILE OFFSET          flips one bit; a negative offset is from the end
//	truncate FILE SIZE        cuts a file off
//	await FILE PATTERN        waits until a line of the file matches
//	records FILE N            makes a file of N records, one a line
//	stored DATA N             waits until the server on DATA has N records
//	lines FILE N              fails unless the file has N lines
//	delivered TRAIL           waits until the trail on cairn-data has delivered
//	eventid FILE              puts the ID of a record into $EVENT
//	secrets FILE              makes a new account's access key that of the environment
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "server": waitForServer, "gzip": gzipFile, "blanks": blanks, "flip": flipBit, "truncate": truncate, "lines": lines, "await": await, "records": records, "stored": stored,
			"delivered": delivered, "eventid": eventID, "secrets": secrets, "s3keys": s3keys,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func waitForServer(ts *testscript.TestScript, _ bool, args []string) {
	for range 500 {
		if a, err := server.FindServer(ts.MkAbs(args[0])); err == nil {
			ts.Setenv("URL", a.URL)
			ts.Setenv("ADDRESS", strings.TrimPrefix(a.URL, "http://"))
			ts.Setenv("SOCKET", a.Socket)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("no server on %s", args[0])
}

func gzipFile(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(errors.Join(err, z.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[0])+".gz", b.Bytes(), 0o600))
}

// blanks makes a log file with so many blanks behind its first record.
func blanks(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	record := strings.TrimSpace(ts.ReadFile(args[2]))
	text := `{"Records":[` + record + strings.Repeat(" ", n) + `]}`
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func flipBit(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x10
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

func truncate(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

func lines(ts *testscript.TestScript, _ bool, args []string) {
	if n := strconv.Itoa(strings.Count(ts.ReadFile(args[0]), "\n")); n != args[1] {
		ts.Fatalf("%s has %s lines, want %s", args[0], n, args[1])
	}
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for range 500 {
		if b, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && pattern.Match(b) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("nothing in %s matches %s", args[0], args[1])
}

func records(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333","userName":"u"},`+
			`"eventTime":"2024-05-01T%02d:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"PutBucketTagging","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"test",`+
			`"requestParameters":{"n":%d},"responseElements":null,"eventID":"00000000-0000-4000-8000-%012d","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`+"\n",
			i/3600%24, i/60%60, i%60, i, i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

func stored(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	a, err := server.FindServer(ts.MkAbs(args[0]))
	ts.Check(err)
	c := server.Dial(a.Socket)
	defer c.Close()
	for range 5000 {
		s, err := c.Status(context.Background())
		ts.Check(err)
		if s.Events >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	ts.Fatalf("the server on %s does not get to %d records", args[0], n)
}
