package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) trailFilesCommand() *cobra.Command {
	var output jsonFlag
	var account, since, until, state string
	var limit int
	c := &cobra.Command{
		Use:   "files NAME",
		Short: "List a trail's log files and how far each has come",
		Long: `List a trail's log files, the newest first, and how far each has come: staged (on the
server's disk), delivered (in the bucket), notified (the topic was told), in digest
(a signed digest lists it), abandoned (given up after 30 days). The ledger keeps
30 days. The time is when a file was made, as in its name.

` + timeHelp,
		Example:     "  cairn trail files audit\n  cairn trail files audit --since 2d --state abandoned",
		Args:        cobra.ExactArgs(1),
		Annotations: readPartly,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := output.check()
			if err != nil {
				return err
			}
			if limit < 0 {
				return usagef("--limit %d: it must not be negative; 0 shows all", limit)
			}
			parameters := url.Values{"account": {account}, "trail": args, "state": {state}, "limit": {strconv.Itoa(limit)}}
			if err := timeParameters(parameters, since, until); err != nil {
				return err
			}
			return a.withClient(cmd, func(client *server.Client) error {
				w := bufio.NewWriter(a.stdout)
				files := &fileTable{w: w, asJSON: asJSON}
				for line, err := range client.TrailFiles(cmd.Context(), parameters) {
					if err != nil {
						_ = w.Flush()
						return err
					}
					if err := files.line(line); err != nil {
						return err
					}
				}
				if err := files.close(); err != nil {
					return err
				}
				if files.more && isTerminal(a.stderr) {
					fmt.Fprintln(a.stderr, "… there are more files: --limit 0 shows all")
				}
				return nil
			})
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&since, "since", "0", "only files that were made from this time on")
	c.Flags().StringVar(&until, "until", "now", "only files that were made up to this time")
	c.Flags().StringVar(&state, "state", "", "only files in this state: staged, delivered, notified, 'in digest' or abandoned")
	c.Flags().IntVar(&limit, "limit", 50, "show at most so many files; 0 shows all")
	c.Flags().StringVar(&account, "account", "", "account of the trail, if several have one of its name")
	output.add(c)
	return c
}

// timeParameters reads a range of times into a request's parameters.
func timeParameters(parameters url.Values, since, until string) error {
	from, to, err := timeSpan(since, until)
	if err != nil {
		return err
	}
	if from != nil {
		parameters.Set("since", from.UTC().Format(time.RFC3339))
	}
	if to != nil {
		parameters.Set("until", to.UTC().Format(time.RFC3339))
	}
	return nil
}

// timeSpan reads a range of times; nil is without a bound.
func timeSpan(since, until string) (from, to *time.Time, err error) {
	now := time.Now()
	first, err := parseTime(since, now, false)
	if err != nil {
		return nil, nil, usagef("--since: %w", err)
	}
	if !first.IsZero() {
		from = &first
	}
	if until == "now" {
		return from, nil, nil
	}
	last, err := parseTime(until, now, true)
	if err != nil {
		return nil, nil, usagef("--until: %w", err)
	}
	if first.After(last) {
		return nil, nil, usagef("--until %s: it is before --since %s", until, since)
	}
	return from, &last, nil
}

// A fileTable writes log files as they come.
type fileTable struct {
	w      *bufio.Writer
	asJSON bool
	n      int
	more   bool
}

// fileRow aligns the columns of log files; the last one, the key, has any width.
const fileRow = "%-20s  %-9s  %-14s  %8s  %9s  %s\n"

func (t *fileTable) line(l *server.TrailLine) error {
	switch {
	case l.End != nil:
		t.more = l.End.Next != ""
		return nil
	case l.Pending != nil && !t.asJSON:
		events := strconv.Itoa(l.Pending.Events)
		if l.Pending.More {
			events += "+"
		}
		t.head()
		_, err := fmt.Fprintf(t.w, fileRow, "-", "pending", "-", events, "-", "not cut into files yet")
		return err
	case l.File == nil:
		return nil
	case t.asJSON:
		return t.json(l.File)
	}
	t.head()
	f := l.File
	where := ""
	switch {
	case f.Key != "":
		where = "s3://" + f.Bucket + "/" + f.Key
	case f.Error != "":
		where = f.Error
	}
	_, err := fmt.Fprintf(t.w, fileRow, f.Made.UTC().Format(time.RFC3339), f.State, printable(f.Region), strconv.Itoa(f.Events), strings.ReplaceAll(humanize.IBytes(uint64(f.Bytes)), " ", ""), printable(where))
	return err
}

func (t *fileTable) head() {
	if t.n == 0 {
		fmt.Fprintf(t.w, fileRow, "MADE", "STATE", "REGION", "EVENTS", "SIZE", "FILE")
	}
	t.n++
}

func (t *fileTable) json(f *server.TrailFile) error {
	before := ",\n  "
	if t.n == 0 {
		before = "[\n  "
	}
	t.n++
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, _ = t.w.WriteString(before) // the last write reports the error
	_, err = t.w.Write(b)
	return err
}

func (t *fileTable) close() error {
	switch {
	case t.asJSON && t.n == 0:
		_, _ = t.w.WriteString("[]\n")
	case t.asJSON:
		_, _ = t.w.WriteString("\n]\n")
	case t.n == 0:
		_, _ = t.w.WriteString("No log files.\n")
	}
	return t.w.Flush()
}
