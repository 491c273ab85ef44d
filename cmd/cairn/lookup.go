package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/server"
)

func (a *app) lookupCommand() *cobra.Command {
	var filters filterFlags
	var format outputFlags
	var limit int
	var oldestFirst bool
	c := &cobra.Command{
		Use:   "lookup",
		Short: "Find events",
		Long: "Find events by any of their attributes, the newest first.\n\n" + filterHelp + "\n\n" + timeHelp + `

The table and CSV show the times of the records, which are in UTC. JSON and
NDJSON hold the records as they came, byte for byte (NDJSON without the line
breaks of records that have any).

The column ERROR has the error code, or where there is none the error message;
CSV has both.

Where a record came from is set by the server and never by the sender. The table
and CSV show it. With --with-origin JSON and NDJSON do too; each record is then
the last member of an object:

  {"seq":7,"arrival":"2026-01-02T03:04:05Z","origin":"imported","flags":[],"record":{...}}

The origin is recorded, gateway, posted, imported or audit. The flag "ahead" is
for a record dated more than 15 minutes after its arrival, "conflict" for one
whose eventID another record has.`,
		Example: `  cairn lookup --event-name StopLogging
  cairn lookup --username alice --not-read-only true --since 7d
  cairn lookup --event-name 'Delete*' --error-only -o ndjson --limit 0`,
		Args:        cobra.NoArgs,
		Annotations: readPartly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit %d: it must not be negative; 0 shows all", limit)
			}
			q, narrowed, err := filters.request(time.Now())
			if err != nil {
				return err
			}
			q.Limit, q.OldestFirst = limit, oldestFirst
			if limit > 0 && limit < math.MaxInt32 {
				q.Limit++ // the one more is not shown, but tells that there are more
			}
			w, err := newEventWriter(format, a.stdout)
			if err != nil {
				return err
			}
			return a.withClient(cmd, func(client *server.Client) error {
				shown, cut := 0, false
				err := writeEvents(firstEvents(client.Lookup(cmd.Context(), q), limit, &shown, &cut), w, a.stderr)
				if err != nil {
					return err
				}
				if cut && (format.format == "table" || isTerminal(a.stderr)) {
					fmt.Fprintln(a.stderr, "… more events match: --limit 0 shows all")
				}
				// Who asks for all, or gets none, must learn that there may be more.
				if narrowed && (limit == 0 || shown == 0 || isTerminal(a.stderr)) {
					fmt.Fprintln(a.stderr, narrowedHint)
				}
				return nil
			})
		},
	}
	filters.add(c.Flags())
	c.Flags().IntVar(&limit, "limit", 50, "show at most so many events; 0 shows all")
	c.Flags().BoolVar(&oldestFirst, "oldest-first", false, "show the oldest events first")
	format.add(c)
	return c
}

// firstEvents yields so many events, or all if limit is 0. It counts them, and
// sets cut if there are more.
func firstEvents(events iter.Seq2[*cairn.Event, error], limit int, shown *int, cut *bool) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		for e, err := range events {
			if err == nil {
				if limit > 0 && *shown == limit {
					*cut = true
					return
				}
				*shown++
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// outputFlags are how events are shown.
type outputFlags struct {
	format     string
	withOrigin bool
}

func (o *outputFlags) add(c *cobra.Command) {
	c.Flags().StringVarP(&o.format, "output", "o", "table", "table, json, ndjson or csv")
	c.Flags().BoolVar(&o.withOrigin, "with-origin", false, "wrap each record of json and ndjson in what the server noted about it")
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
// makes the exit code 3. An error before the first event leaves the output
// empty: a heading, or the brackets of JSON, would say that nothing was found.
func writeEvents(events iter.Seq2[*cairn.Event, error], w eventWriter, stderr io.Writer) error {
	var damaged, begun bool
	for e, err := range events {
		var damage *server.DamageReport
		switch {
		case errors.As(err, &damage):
			damaged = true
			fmt.Fprintln(stderr, "cairn: damage:", printable(damage.Text))
		case err != nil && !begun:
			return err
		case err != nil:
			return errors.Join(err, w.close())
		default:
			begun = true
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
