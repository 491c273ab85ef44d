// Command recorddiff compares the records that Cairn makes with real ones.
//
//	go run ./internal/recorddiff DIR…
//
// It reads CloudTrail log files, plain or gzipped, takes each record of an API call back
// to the call that it tells of, has package record write that call again, and prints for
// each operation what is different: keys, types, nulls and values. Operations that the
// API model does not have are counted and passed over.
//
// These differences are expected and not shown: eventVersion, the empty objects that
// sessionContext had before version 1.09, sessionToken (which Cairn never records), and
// what a record tells of the way that a call took through AWS (vpcEndpointId, tlsDetails
// of a suite that Go does not have, sessionCredentialFromConsole).
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "recorddiff:", err)
		os.Exit(1)
	}
}

func run(dirs []string, w io.Writer) error {
	if len(dirs) == 0 {
		return fmt.Errorf("usage: recorddiff DIR…")
	}
	report := newReport()
	for _, dir := range dirs {
		if err := readRecords(dir, report.add); err != nil {
			return err
		}
	}
	return report.write(w)
}
