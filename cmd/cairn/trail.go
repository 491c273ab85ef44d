package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) trailCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "trail",
		Short: "Deliver events to a bucket, and see how deliveries stand",
		Long: `Trails deliver events to buckets as signed log files. create, start, stop and delete
call the AWS API with the credentials of "cairn env", or those of the environment
where there are any, so that they need the same permissions and leave the same
events as the aws command line. The other commands ask the server.`,
		Example: `  cairn trail create audit
  cairn trail status audit
  cairn trail why 5f0c1a52-3c7b-4d57-9d4e-0b7f6a1f2c33`,
		Args: subcommandArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(
		a.trailCreateCommand(), a.trailListCommand(), a.trailStatusCommand(), a.trailFilesCommand(), a.trailWhyCommand(),
		a.trailRedeliverCommand(), a.trailStartCommand(), a.trailStopCommand(), a.trailDeleteCommand(),
	)
	return c
}

// jsonFlag is how the output of a command is chosen: --json is -o json.
type jsonFlag struct {
	format string
	json   bool
}

func (j *jsonFlag) add(c *cobra.Command) {
	c.Flags().StringVarP(&j.format, "output", "o", "text", "text or json")
	c.Flags().BoolVar(&j.json, "json", false, "the same as --output json")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// check reports whether JSON is asked for.
func (j *jsonFlag) check() (bool, error) {
	if err := checkFormat(j.format); err != nil {
		return false, err
	}
	return j.json || j.format == "json", nil
}

// showTrails prints the trails of an account, or of all, or the one with a name:
// as JSON, or by print.
func (a *app) showTrails(cmd *cobra.Command, account, name string, asJSON bool, print func([]server.TrailReport, time.Time) error) error {
	return a.withClient(cmd, func(client *server.Client) error {
		trails, err := client.Trails(cmd.Context(), account, name)
		if err != nil {
			return err
		}
		if asJSON {
			return a.printJSON(server.TrailList{Trails: trails})
		}
		if len(trails) == 0 {
			_, err := fmt.Fprintln(a.stdout, "There are no trails; `cairn trail create NAME` makes one.")
			return err
		}
		return print(trails, time.Now())
	})
}

func (a *app) trailListCommand() *cobra.Command {
	var output jsonFlag
	var account string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the trails",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := output.check()
			if err != nil {
				return err
			}
			return a.showTrails(cmd, account, "", asJSON, a.printTrails)
		},
	}
	c.Flags().StringVar(&account, "account", "", "only trails of this account")
	output.add(c)
	return c
}

// printTrails prints a table of trails.
func (a *app) printTrails(trails []server.TrailReport, now time.Time) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tACCOUNT\tHOME REGION\tREGIONS\tLOGGING\tLAST FILE\tLAG\tWAITING\tBUCKET\tPROBLEM")
	for i := range trails {
		t := &trails[i]
		regions := "one"
		if t.IsMultiRegion {
			regions = "all"
		}
		last := "-"
		if !t.LatestDelivery.IsZero() {
			last = ago(t.LatestDelivery, now)
		}
		var problems []string
		for _, p := range t.Problems {
			problems = append(problems, p.What+": "+p.Error)
		}
		waiting := "-"
		if t.Staged.Files > 0 {
			waiting = count(uint64(t.Staged.Files), "file")
		}
		cells := []string{t.Name, t.AccountID, t.HomeRegion, regions, loggingWord(t), last, lagText(t.LagSeconds), waiting, t.Bucket, strings.Join(problems, "; ")}
		for i := range cells {
			cells[i] = printable(cells[i])
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	return w.Flush()
}

func loggingWord(t *server.TrailReport) string {
	switch {
	case !t.Deleted.IsZero():
		return "deleted"
	case t.Logging:
		return "yes"
	}
	return "no"
}

// ago writes how long ago something was.
func ago(t, now time.Time) string {
	if now.Sub(t) < time.Second {
		return "just now"
	}
	return humanize.RelTime(t, now, "ago", "from now")
}

// ahead writes in how much time something is.
func ahead(t, now time.Time) string {
	if t.Sub(now) < time.Second {
		return "now"
	}
	return "in " + strings.TrimSpace(humanize.RelTime(t, now, "", ""))
}

// lagText writes an age of seconds.
func lagText(seconds float64) string {
	if seconds == 0 {
		return "none"
	}
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Second {
		return "<1s"
	}
	text := d.Truncate(time.Second).String()
	if d >= 48*time.Hour {
		text = fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	}
	return text
}
