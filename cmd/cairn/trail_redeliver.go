package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"cairn/delivery"
	"cairn/server"
)

func (a *app) trailRedeliverCommand() *cobra.Command {
	var output jsonFlag
	var account, since, until, key string
	var asNew bool
	c := &cobra.Command{
		Use:   "redeliver NAME",
		Short: "Make log files again from the event log and put them into the bucket",
		Long: `Make log files again from the event log, those that were made from --since to --until
or the one with a key, and put them under the keys that they had. Each is put only
if its bytes are those that the ledger has the hash of, so that the digests that
list it stay valid. A file whose events have expired, or that was made under
settings that are not kept any more, is told of and not put.

With --as-new, ranges of the event log that no log file is for, or only one that could
not be made again, are delivered in new files, which the next digests cover: the
events that arrived from --since to --until and that the trail's present settings
take. So a new trail also gets what was logged before it was made.

Exit code 4: some files could not be delivered again, 1: none could.

` + timeHelp,
		Example: "  cairn trail redeliver audit --since 2d\n  cairn trail redeliver audit --key AWSLogs/000000000000/CloudTrail/us-east-1/...",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := output.check()
			if err != nil {
				return err
			}
			r := server.RedeliverRequest{Account: account, Trail: args[0], Key: key, AsNew: asNew}
			switch {
			case key == "" && since == "":
				return usagef("cairn trail redeliver: name what to deliver again, by --since and --until or by --key")
			case key != "" && (since != "" || until != "now"):
				return usagef("--key %s: it cannot be combined with --since and --until", key)
			case key == "":
				if r.Since, r.Until, err = timeSpan(since, until); err != nil {
					return err
				}
				if r.Since == nil {
					return usagef("--since %s: name the time from which on files are delivered again, such as 30d", since)
				}
			}
			return a.withClient(cmd, func(client *server.Client) error { return a.redeliver(cmd.Context(), client, r, asJSON) })
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&since, "since", "", "files that were made from this time on")
	c.Flags().StringVar(&until, "until", "now", "files that were made up to this time")
	c.Flags().StringVar(&key, "key", "", "the file with this key in the bucket")
	c.Flags().BoolVar(&asNew, "as-new", false, "deliver what no file has in new files")
	c.Flags().StringVar(&account, "account", "", "account of the trail, if several have one of its name")
	output.add(c)
	return c
}

// redeliver prints a line for each file as it comes.
func (a *app) redeliver(ctx context.Context, client *server.Client, r server.RedeliverRequest, asJSON bool) error {
	counts := make(map[string]uint64)
	for line, err := range client.Redeliver(ctx, r) {
		if err != nil {
			return err
		}
		if line.File != nil {
			counts[line.Outcome]++
		}
		if asJSON {
			err = json.NewEncoder(a.stdout).Encode(line)
		} else if line.File != nil {
			err = a.printRedelivered(line)
		}
		if err != nil {
			return err
		}
	}
	return a.redelivered(counts, r, asJSON)
}

func (a *app) printRedelivered(l *server.TrailLine) error {
	f := l.File
	what := f.Region + ", made " + f.Made.Format("2006-01-02T15:04:05Z")
	if f.Key != "" {
		what = "s3://" + f.Bucket + "/" + f.Key
	}
	if l.Why != "" {
		what += ": " + l.Why
	}
	_, err := fmt.Fprintf(a.stdout, "%-9s  %s  %s\n", l.Outcome, count(uint64(f.Events), "event"), printable(what))
	return err
}

// redelivered sums up, and makes the exit code.
func (a *app) redelivered(counts map[string]uint64, r server.RedeliverRequest, asJSON bool) error {
	of := func(outcomes ...delivery.Outcome) (n uint64) {
		for _, o := range outcomes {
			n += counts[string(o)]
		}
		return n
	}
	done := of(delivery.OutcomeSame, delivery.OutcomeDelivered)
	different, waiting, made := of(delivery.OutcomeDifferent), of(delivery.OutcomeWaiting), of(delivery.OutcomeNew)
	if !asJSON {
		text := count(done, "file") + " delivered again"
		if made > 0 {
			text += ", " + count(made, "new file") + " staged"
		}
		if different > 0 {
			text += fmt.Sprintf(", %d cannot be made again", different)
		}
		if waiting > 0 {
			text += fmt.Sprintf(", %d wait for their first delivery", waiting)
		}
		if done+different+waiting+made == 0 {
			text = "No log file was made in that time"
			if r.AsNew {
				text = "Nothing is missing"
			}
		}
		if _, err := fmt.Fprintln(a.stdout, text+"."); err != nil {
			return err
		}
	}
	if different == 0 || r.AsNew {
		return nil
	}
	err := errors.New("what could not be made again was not put; with --as-new its events are delivered in new files, as far as the event log has them")
	if done == 0 {
		return err
	}
	return &exitError{exitPartial, err}
}
