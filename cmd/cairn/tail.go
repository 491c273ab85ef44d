package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/server"
)

func (a *app) tailCommand() *cobra.Command {
	var filters filterFlags
	var format outputFlags
	var count int
	var follow bool
	c := &cobra.Command{
		Use:   "tail",
		Short: "Show the last events, and new ones as they arrive",
		Long: `Show the last events by their time, then, with -f, new ones in the order of their
arrival until interrupted.

` + filterHelp + "\n\n" + timeHelp,
		Example:     "  cairn tail -f --not-read-only true",
		Args:        cobra.NoArgs,
		Annotations: readPartly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 0 {
				return usagef("--lines %d: it must not be negative", count)
			}
			q, narrowed, err := filters.request(time.Now())
			if err != nil {
				return err
			}
			w, err := newEventWriter(format, a.stdout)
			if err != nil {
				return err
			}
			return a.withClient(cmd, func(client *server.Client) error {
				if follow && client.InProcess {
					return fmt.Errorf("no server runs on %s, so nothing arrives there; start one with `cairn serve`, or leave out -f", a.settings.values["data"])
				}
				if narrowed && isTerminal(a.stderr) {
					fmt.Fprintln(a.stderr, narrowedHint)
				}
				return a.tail(cmd.Context(), client, q, count, follow, w)
			})
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "show new events as they arrive")
	c.Flags().IntVarP(&count, "lines", "n", 10, "show so many of the last events first")
	filters.add(c.Flags())
	format.add(c)
	return c
}

// tail shows the last events and follows the log from where it ended before
// they were looked up, so that none is missed and none is shown twice.
func (a *app) tail(ctx context.Context, client *server.Client, q server.LookupRequest, count int, follow bool, w eventWriter) error {
	var end string
	if follow {
		var err error
		if end, err = client.End(ctx); err != nil {
			return err
		}
	}
	shown := make(map[uint64]bool)
	last, damage, err := lastEvents(ctx, client, q, count)
	if err != nil {
		return err
	}
	for _, e := range last {
		shown[e.Seq] = true
	}
	events := inOrder(last, damage)
	if !follow {
		return writeEvents(events, w, a.stderr)
	}
	arrivals := client.Tail(ctx, server.TailRequest{LookupRequest: q, From: end, Follow: true})
	err = writeEvents(func(yield func(*cairn.Event, error) bool) {
		for e, err := range events {
			if !yield(e, err) {
				return
			}
		}
		if err := w.flush(); err != nil {
			yield(nil, err)
			return
		}
		flushing(unseen(arrivals, shown), w)(yield)
	}, w, a.stderr)
	if ctx.Err() != nil {
		return nil // the user has seen enough
	}
	if err == nil {
		err = errors.New("the server has stopped")
	}
	return err
}

// lastEvents returns the newest events of a query, the oldest of them first,
// and the damage that was met on the way.
func lastEvents(ctx context.Context, client *server.Client, q server.LookupRequest, count int) (events []*cairn.Event, damage []*server.DamageReport, err error) {
	if count == 0 {
		return nil, nil, nil
	}
	q.Limit = count
	for e, err := range client.Lookup(ctx, q) {
		var d *server.DamageReport
		switch {
		case errors.As(err, &d):
			damage = append(damage, d)
		case err != nil:
			return nil, nil, err
		default:
			events = append(events, e)
		}
	}
	slices.Reverse(events)
	return events, damage, nil
}

// inOrder yields damage, and then events.
func inOrder(events []*cairn.Event, damage []*server.DamageReport) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		for _, d := range damage {
			if !yield(nil, d) {
				return
			}
		}
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// unseen leaves out events that were shown already.
func unseen(events iter.Seq2[*cairn.Event, error], shown map[uint64]bool) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		for e, err := range events {
			if err == nil && shown[e.Seq] {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// flushing shows each event at once.
func flushing(events iter.Seq2[*cairn.Event, error], w eventWriter) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		for e, err := range events {
			if !yield(e, err) || w.flush() != nil {
				return
			}
		}
	}
}
