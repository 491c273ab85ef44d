package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) trailStatusCommand() *cobra.Command {
	var output jsonFlag
	var account string
	c := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show how deliveries stand, what is wrong and what to do about it",
		Long: `Show for a trail, named by its name or ARN, or for all of them: whether it logs, what
was delivered last, what waits, how old the oldest event is that is not in the
bucket (the lag), the digest chains, and for each error what to do about it.`,
		Example: "  cairn trail status audit\n  cairn trail status --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := output.check()
			if err != nil {
				return err
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return a.showTrails(cmd, account, name, asJSON, func(trails []server.TrailReport, now time.Time) error {
				for i := range trails {
					if i > 0 {
						fmt.Fprintln(a.stdout)
					}
					if err := a.printTrail(&trails[i], now); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&account, "account", "", "only trails of this account")
	output.add(c)
	return c
}

func (a *app) printTrail(t *server.TrailReport, now time.Time) error {
	lines := [][2]string{
		{"Trail", t.ARN},
		{"Logging", loggingText(t, now)},
		{"Takes", takesText(t)},
		{"Bucket", bucketText(t)},
	}
	if t.KMSKeyID != "" {
		lines = append(lines, [2]string{"Key", t.KMSKeyID})
	}
	if t.SNSTopicARN != "" {
		text := t.SNSTopicARN
		if t.Untold > 0 {
			text += ", not told of " + count(uint64(t.Untold), "file") + " yet"
		}
		lines = append(lines, [2]string{"Topic", text})
	}
	last := "none yet"
	if !t.LatestDelivery.IsZero() {
		last = fmt.Sprintf("%s (%s)", ago(t.LatestDelivery, now), t.LatestDelivery.UTC().Format(time.RFC3339))
	}
	lines = append(lines, [2]string{"Last file", last}, [2]string{"Lag", lagText(t.LagSeconds)}, [2]string{"Pending", pendingText(t, now)}, [2]string{"Waiting", waitingText(t, now)})
	lines = append(lines, digestLines(t, now)...)
	for _, p := range t.Problems {
		what := p.What
		if what == "givenUp" {
			what = "given up"
		}
		lines = append(lines, [2]string{"Problem", what + ": " + p.Error}, [2]string{"  next", p.Advice})
	}
	for _, l := range lines {
		if _, err := fmt.Fprintf(a.stdout, "%-10s %s\n", l[0], printable(l[1])); err != nil {
			return err
		}
	}
	return nil
}

func loggingText(t *server.TrailReport, now time.Time) string {
	switch {
	case !t.Deleted.IsZero():
		return fmt.Sprintf("no: deleted %s, and kept until everything is delivered", ago(t.Deleted, now))
	case t.Logging:
		return "yes, since " + t.LoggingStarted.UTC().Format(time.RFC3339)
	case t.LoggingStopped.IsZero():
		return fmt.Sprintf("no: it was never started; `cairn trail start %s` starts it", t.Name)
	}
	return fmt.Sprintf("no, since %s; `cairn trail start %s` starts it", t.LoggingStopped.UTC().Format(time.RFC3339), t.Name)
}

func takesText(t *server.TrailReport) string {
	what := "management events"
	if t.CustomSelectors {
		what = "what its selectors say"
	}
	if t.IsMultiRegion {
		return what + " of all regions"
	}
	return what + " of " + t.HomeRegion
}

func bucketText(t *server.TrailReport) string {
	return "s3://" + strings.TrimSuffix(t.Bucket+"/"+t.Prefix, "/") + "/"
}

func pendingText(t *server.TrailReport, now time.Time) string {
	if t.Pending == nil || t.Pending.Events == 0 && !t.Pending.More {
		return "no events"
	}
	more := ""
	if t.Pending.More {
		more = "at least "
	}
	return fmt.Sprintf("%s%s; the next files are made %s", more, count(uint64(t.Pending.Events), "event"), ahead(t.NextCut, now))
}

func waitingText(t *server.TrailReport, now time.Time) string {
	if t.Staged.Files == 0 {
		return "no files"
	}
	text := fmt.Sprintf("%s with %s (%s)", count(uint64(t.Staged.Files), "file"), count(uint64(t.Staged.Events), "event"), humanize.IBytes(uint64(t.Staged.Bytes)))
	switch {
	case t.Working:
		return text + ", on their way now"
	case !t.Retry.IsZero():
		return text + ", tried again " + ahead(t.Retry, now)
	}
	return text
}

// digestLines are a line for each digest chain that is open or has something
// left to deliver.
func digestLines(t *server.TrailReport, now time.Time) [][2]string {
	if !t.LogFileValidation && len(t.Lanes) == 0 {
		return [][2]string{{"Digests", "off"}}
	}
	var lines [][2]string
	for _, l := range t.Lanes {
		if l.Window.IsZero() && l.Queued == 0 {
			continue
		}
		text := l.Region + ": none yet"
		if !l.Newest.IsZero() {
			text = l.Region + ": up to " + l.Newest.UTC().Format(time.RFC3339)
		}
		if l.Queued > 0 {
			text += fmt.Sprintf(", %d wait for the bucket", l.Queued)
		}
		if !l.Due.IsZero() {
			text += ", the next is due " + ahead(l.Due, now)
		}
		lines = append(lines, [2]string{"Digests", text})
	}
	if lines == nil {
		lines = [][2]string{{"Digests", "no open chain: one begins when the trail logs"}}
	}
	return lines
}
