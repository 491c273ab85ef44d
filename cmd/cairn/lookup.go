package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/server"
)

func (a *app) lookupCommand() *cobra.Command {
	var filters filterFlags
	var format string
	var limit int
	var oldestFirst bool
	c := &cobra.Command{
		Use:   "lookup",
		Short: "Find events",
		Long: "Find events by any of their attributes, the newest first.\n\n" + filterHelp + "\n\n" + timeHelp + `

The table and CSV show the times of the records, which are in UTC. JSON and
NDJSON hold the records as they came, byte for byte (NDJSON without the line
breaks of records that have any).`,
		Example: `  cairn lookup --event-name StopLogging
  cairn lookup --username alice --not-read-only true --since 7d
  cairn lookup --event-name 'Delete*' --error-only -o ndjson --limit 0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit %d: it must not be negative; 0 shows all", limit)
			}
			q, err := filters.request(time.Now())
			if err != nil {
				return err
			}
			q.Limit, q.OldestFirst = limit, oldestFirst
			w, err := newEventWriter(format, a.stdout)
			if err != nil {
				return err
			}
			return a.withClient(cmd, func(client *server.Client) error {
				return writeEvents(client.Lookup(cmd.Context(), q), w, a.stderr)
			})
		},
	}
	filters.add(c.Flags())
	c.Flags().IntVar(&limit, "limit", 50, "show at most so many events; 0 shows all")
	c.Flags().BoolVar(&oldestFirst, "oldest-first", false, "show the oldest events first")
	addOutputFlag(c, &format)
	return c
}

// addOutputFlag adds -o.
func addOutputFlag(c *cobra.Command, format *string) {
	c.Flags().StringVarP(format, "output", "o", "table", "table, json, ndjson or csv")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json", "ndjson", "csv"}, cobra.ShellCompDirectiveNoFileComp))
}

// withClient calls do with a client of an existing data directory.
func (a *app) withClient(cmd *cobra.Command, do func(*server.Client) error) error {
	client, err := a.connect(cmd.Context(), false)
	if err != nil {
		return err
	}
	err = do(client)
	if cerr := client.Close(); err == nil {
		err = cerr
	}
	return err
}

// writeEvents writes what a query yields. Damage is told and stepped over; it
// makes the exit code 3.
func writeEvents(events iter.Seq2[*cairn.Event, error], w eventWriter, stderr io.Writer) error {
	var damaged bool
	for e, err := range events {
		var damage *server.DamageReport
		switch {
		case errors.As(err, &damage):
			damaged = true
			fmt.Fprintln(stderr, "cairn: damage:", damage)
		case err != nil:
			return errors.Join(err, w.close())
		default:
			if err := w.write(e); err != nil {
				return err
			}
		}
	}
	if err := w.close(); err != nil {
		return err
	}
	if damaged {
		return &exitError{exitIntegrity, errors.New("parts of the log could not be read, so events may be missing here; `cairn check` tells more")}
	}
	return nil
}
