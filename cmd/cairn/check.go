package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) checkCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "check",
		Short: "Verify everything that is stored",
		Long: `Verify everything that is stored: every checksum, every record against its leaf in
the tree, the tree against its signed seals and the newest head that the catalog
knows, the catalog, the master key, every object of the embedded S3, and the log
files and digests that wait for their bucket. Nothing is changed. Works beside a
running server, on a stopped directory, and on a damaged one.

The newest records that no seal covers yet are proved up to the head that the
catalog knows, which is at most a minute old; behind it there are checksums only.

Exit code 3 tells of damage; each place is named.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usagef("--output %q: not one of text, json", format)
			}
			return a.check(cmd.Context(), format)
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	return c
}

func (a *app) check(ctx context.Context, format string) error {
	begin := time.Now()
	progress, clearBar := func(int64) {}, func() {}
	if isTerminal(a.stderr) {
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(a.stderr),
			progressbar.OptionSetDescription("checking"), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		progress = func(n int64) {
			text := "checking, " + humanize.IBytes(uint64(n))
			if took := time.Since(begin); took >= leastForRate {
				text += fmt.Sprintf(", %.0f MB/s", float64(n)/1e6/took.Seconds())
			}
			bar.Describe(text)
		}
		clearBar = func() {
			_ = bar.Finish()
			_ = bar.Clear()
		}
	}
	report, err := a.runCheck(ctx, progress)
	clearBar()
	if err != nil {
		return err
	}
	return a.printReport(report, time.Since(begin), format)
}

// runCheck asks the running server, or checks the directory itself.
func (a *app) runCheck(ctx context.Context, progress func(int64)) (*server.CheckReport, error) {
	cfg, err := a.serverConfig()
	if err != nil {
		return nil, err
	}
	if endpoint, _ := a.endpoint(); endpoint == "" {
		var report *server.CheckReport
		err := whenUnlocked(ctx, func() error {
			if _, err := server.FindServer(cfg.Data); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			var err error
			report, err = server.CheckDirectory(ctx, quiet(cfg, a), progress)
			return err
		})
		if report != nil || err != nil {
			return report, err
		}
	}
	client, err := a.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	report, err := client.Check(ctx, progress)
	return report, errors.Join(err, client.Close())
}

func (a *app) printReport(r *server.CheckReport, took time.Duration, format string) error {
	damaged := len(r.Damage) > 0
	var err error
	if format == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = a.printReportText(r, took)
	}
	if damaged { // also when nobody reads where
		return &exitError{code: exitIntegrity, err: err}
	}
	return err
}

func (a *app) printReportText(r *server.CheckReport, took time.Duration) error {
	w := a.stdout
	for _, d := range r.Damage {
		if _, err := fmt.Fprintf(w, "DAMAGE  %s\n", printableLines(d)); err != nil {
			return err
		}
	}
	for _, n := range r.Notes {
		if _, err := fmt.Fprintf(w, "note    %s\n", printableLines(n)); err != nil {
			return err
		}
	}
	verdict := "ok"
	if len(r.Damage) > 0 {
		verdict = "DAMAGED in " + count(uint64(len(r.Damage)), "place")
	}
	rate := ""
	if took >= leastForRate {
		rate = fmt.Sprintf(", %.0f MB/s", float64(r.RawBytes)/1e6/took.Seconds())
	}
	if _, err := fmt.Fprintf(w, "%s: %s, %s (%s), %d quarantined; %.2f s%s\n", verdict, count(r.Segments, "segment"), count(r.Events, "record"),
		humanize.IBytes(uint64(r.RawBytes)), r.Quarantined, took.Seconds(), rate); err != nil {
		return err
	}
	if r.Buckets > 0 || r.StagedFiles > 0 {
		if _, err := fmt.Fprintf(w, "S3: %s, %s (%s); %s staged\n", count(uint64(r.Buckets), "bucket"), count(uint64(r.Objects), "object"),
			humanize.IBytes(uint64(r.ObjectBytes)), count(uint64(r.StagedFiles), "file")); err != nil {
			return err
		}
	}
	if len(r.Damage) > r.ObjectDamage {
		_, err := fmt.Fprintln(w, "tree: not judged, because of the damage above")
		return err
	}
	_, err := fmt.Fprintf(w, "tree: %s, root %s\nproved by signed seals and the catalog's head: %s; checksums only: %d\n",
		count(r.HeadSize, "record"), r.HeadRoot, count(r.ProvenSize, "record"), r.HeadSize-min(r.ProvenSize, r.HeadSize))
	return err
}

// leastForRate is how long a check must take for its speed to mean anything.
const leastForRate = 100 * time.Millisecond

// count writes a number of things.
func count(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
