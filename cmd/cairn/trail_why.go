package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) trailWhyCommand() *cobra.Command {
	var output jsonFlag
	var account string
	c := &cobra.Command{
		Use:   "why EVENT-ID",
		Short: "Say why trails take an event or not, and in which file it is",
		Long: `Say for each trail of an event's account whether it takes the event and why, by the
settings that were in force when the event arrived, and in which log file it is or
will be. Where those settings are not kept any more, the log file of that time is
made again and compared with the hash in the ledger.`,
		Example: "  cairn lookup --event-name StopLogging -o ndjson | jq -r .eventID | xargs -n1 cairn trail why",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := output.check()
			if err != nil {
				return err
			}
			return a.withClient(cmd, func(client *server.Client) error {
				events, err := client.ExplainEvent(cmd.Context(), account, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return a.printJSON(server.EventExplanations{Events: events})
				}
				for i := range events {
					if err := a.printVerdicts(&events[i]); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&account, "account", "", "only events of this account")
	output.add(c)
	return c
}

func (a *app) printVerdicts(e *server.EventExplanation) error {
	if _, err := fmt.Fprintln(a.stdout, printable(fmt.Sprintf("%s (%s) of %s in account %s, %s; %s, %s event",
		e.EventName, e.EventSource, e.EventTime.Format(time.RFC3339), e.AccountID, e.Region, e.Origin, e.Category))); err != nil {
		return err
	}
	if len(e.Trails) == 0 {
		_, err := fmt.Fprintf(a.stdout, "  account %s has no trails; `cairn trail create NAME` makes one\n", e.AccountID)
		return err
	}
	for i := range e.Trails {
		v := &e.Trails[i]
		lines := []string{v.Why}
		switch {
		case v.File != nil && v.File.Key != "":
			lines = append(lines, fmt.Sprintf("s3://%s/%s (%s)", v.File.Bucket, v.File.Key, v.File.State))
		case v.File != nil && v.File.Error != "":
			lines = append(lines, fmt.Sprintf("in a file that is %s: %s", v.File.State, v.File.Error))
		case v.File != nil:
			lines = append(lines, fmt.Sprintf("in a file that was made at %s and is %s", v.File.Made.Format(time.RFC3339), v.File.State))
		case v.Pending:
			lines = append(lines, "in the next file that is made")
		}
		switch {
		case v.Proven:
			lines = append(lines, "proved: the log file of that time was made again with the same hash")
		case v.Settings == "forgotten":
			lines = append(lines, "the settings of that time are not kept any more")
		case v.Settings != "present":
			lines = append(lines, "by the settings that it had then, "+v.Settings)
		}
		name := v.Name
		for _, line := range lines {
			if _, err := fmt.Fprintf(a.stdout, "  %-16s %s\n", printable(name), printable(line)); err != nil {
				return err
			}
			name = ""
		}
	}
	return nil
}
