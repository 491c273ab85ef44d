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
knows, the catalog, and the master key. Nothing is changed. Works beside a
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
	progress := func(int64) {}
	if isTerminal(a.stderr) {
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription("checking"), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		progress = func(n int64) { _ = bar.Set64(n) }
		defer func() { _ = bar.Finish() }()
	}
	report, err := a.runCheck(ctx, progress)
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
	remote := a.settings.values["endpoint"] != "" || a.env["AWS_ENDPOINT_URL"] != ""
	if !remote {
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
	if format == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	} else if err := a.printReportText(r, took); err != nil {
		return err
	}
	if damaged {
		return &exitError{code: exitIntegrity}
	}
	return nil
}

func (a *app) printReportText(r *server.CheckReport, took time.Duration) error {
	w := a.stdout
	for _, d := range r.Damage {
		if _, err := fmt.Fprintf(w, "DAMAGE  %s\n", d); err != nil {
			return err
		}
	}
	for _, n := range r.Notes {
		if _, err := fmt.Fprintf(w, "note    %s\n", n); err != nil {
			return err
		}
	}
	verdict := "ok"
	if len(r.Damage) > 0 {
		verdict = fmt.Sprintf("DAMAGED in %d places", len(r.Damage))
	}
	_, err := fmt.Fprintf(w, `%s: %d segments, %d records (%s), %d quarantined; %.2f s, %.0f MB/s
tree: %d records, root %s
proved by signed seals and the catalog's head: %d records; checksums only: %d
`, verdict, r.Segments, r.Events, humanize.IBytes(uint64(r.RawBytes)), r.Quarantined, took.Seconds(), float64(r.RawBytes)/1e6/max(took.Seconds(), 1e-9),
		r.HeadSize, r.HeadRoot, r.ProvenSize, r.HeadSize-min(r.ProvenSize, r.HeadSize))
	return err
}
