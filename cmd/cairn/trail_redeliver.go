package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
		Short: "Bring log files and digests back that are missing in the bucket",
		Long: `Bring back what is missing in the bucket: the log files that were made from --since to
--until with the digests of that time, or the one file or digest with a key. Each
gets the key that it had.

Log files are made again from the event log. Each is put only if its bytes are those
that the ledger has the hash of, so that the digests that list it stay valid. A file
whose events have expired, or that was made under settings that are not kept any
more, is told of and not put. Digests are kept for 30 days as they were signed, and
are put only where nothing lies under their key.

What is there already is left alone, if the bucket lets the trail read enough to
compare it; a log file that cannot be compared is put again.

With --as-new, ranges of the event log that no log file is for, or only one that could
not be made again, are delivered in new files, which the next digests cover: the
events that arrived from --since to --until and that the trail's present settings
take. So a new trail also gets what was logged before it was made.

Exit code 4: some could not be brought back, 1: none could.

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
	c.Flags().StringVar(&since, "since", "", "what was made from this time on")
	c.Flags().StringVar(&until, "until", "now", "what was made up to this time")
	c.Flags().StringVar(&key, "key", "", "the log file or digest with this key in the bucket")
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
		one := line.File != nil || line.Digest != nil
		if one {
			counts[line.Outcome]++
		}
		if asJSON {
			err = json.NewEncoder(a.stdout).Encode(line)
		} else if one {
			err = a.printRedelivered(line)
		}
		if err != nil {
			return err
		}
	}
	return a.redelivered(counts, r, asJSON)
}

func (a *app) printRedelivered(l *server.TrailLine) error {
	var size, what string
	if k := l.Digest; k != nil {
		size, what = "digest of "+count(uint64(k.Files), "file"), "s3://"+k.Bucket+"/"+k.Key
	} else {
		f := l.File
		size, what = count(uint64(f.Events), "event"), f.Region+", made "+f.Made.Format("2006-01-02T15:04:05Z")
		if f.Key != "" {
			what = "s3://" + f.Bucket + "/" + f.Key
		}
	}
	if l.Why != "" {
		what += ": " + l.Why
	}
	_, err := fmt.Fprintf(a.stdout, "%-9s  %s  %s\n", l.Outcome, size, printable(what))
	return err
}

// redeliverTexts are the parts of the summary, in their order.
var redeliverTexts = []struct {
	outcome delivery.Outcome
	text    string // after the number
}{
	{delivery.OutcomeRestored, "restored"},
	{delivery.OutcomePresent, "there already"},
	{delivery.OutcomeAgain, "put again"},
	{delivery.OutcomeDelivered, "delivered that had been given up"},
	{delivery.OutcomeNew, "new staged"},
	{delivery.OutcomeDifferent, "cannot be made again"},
	{delivery.OutcomeRefused, "not put over another object"},
	{delivery.OutcomeWaiting, "waiting for the first delivery"},
}

// redelivered sums up, and makes the exit code.
func (a *app) redelivered(counts map[string]uint64, r server.RedeliverRequest, asJSON bool) error {
	of := func(outcomes ...delivery.Outcome) (n uint64) {
		for _, o := range outcomes {
			n += counts[string(o)]
		}
		return n
	}
	if !asJSON {
		var parts []string
		for _, t := range redeliverTexts {
			if n := of(t.outcome); n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, t.text))
			}
		}
		text := strings.Join(parts, ", ")
		if parts == nil {
			text = "No log file was made in that time"
			if r.AsNew {
				text = "Nothing is missing"
			}
		}
		if _, err := fmt.Fprintln(a.stdout, text+"."); err != nil {
			return err
		}
	}
	different, refused := of(delivery.OutcomeDifferent), of(delivery.OutcomeRefused)
	var err error
	switch {
	case different > 0 && !r.AsNew:
		err = errors.New("what could not be made again was not put; with --as-new its events are delivered in new files, as far as the event log has them")
	case refused > 0:
		err = errors.New("other objects lie under the keys of digests, and were not replaced")
	default:
		return nil
	}
	if of(delivery.OutcomeRestored, delivery.OutcomePresent, delivery.OutcomeAgain, delivery.OutcomeDelivered) == 0 {
		return err
	}
	return &exitError{exitPartial, err}
}
