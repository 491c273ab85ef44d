package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cairn/server"
)

// importFlags are the flags of import.
type importFlags struct {
	failures string
	limits   unpackLimits
	workers  int
}

// defaultFailures is where failures go if nothing else is asked for.
const defaultFailures = "cairn-import-failures.ndjson"

func (a *app) importCommand() *cobra.Command {
	f := importFlags{}
	c := &cobra.Command{
		Use:   "import PATH...",
		Short: "Store the events of CloudTrail log files",
		Long: `Store the events of CloudTrail log files: of files, of folders with everything
in them that ends in .json, .ndjson, .jsonl or the same with .gz, or, for -, of
standard input.

A file may hold {"Records":[...]}, an array of records, one record, a record a
line, or the output of "aws cloudtrail lookup-events". Records are kept byte for
byte. A file that was imported is recognised by its content and not read again;
an interrupted import goes on where it stopped. Records older than --retention
are skipped and counted.

What could not be imported is written to the file of failures, one JSON object a
line: file, record, byte, reason, and the record in base64.`,
		Example: "  cairn import ./AWSLogs --retention 0\n  aws cloudtrail lookup-events | cairn import -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runImport(cmd.Context(), f, args)
		},
	}
	c.Flags().StringVar(&f.failures, "failures", "", "file of failures (default ./"+defaultFailures+", made only when there are any)")
	c.Flags().Int64Var(&f.limits.ratio, "max-ratio", 200, "stop reading a file that unpacks to more than so many times its size")
	c.Flags().Int64Var(&f.limits.bytes, "max-unpacked", 1<<30, "stop reading a file that unpacks to more than so many bytes")
	c.Flags().IntVar(&f.workers, "parallel", 4, "files to read at a time")
	return c
}

// importSummary is what an import did.
type importSummary struct {
	Files        int                 `json:"files"`
	AlreadyDone  int                 `json:"filesAlreadyImported"`
	NotEventLogs int                 `json:"notEventLogs"`
	Failed       int                 `json:"filesFailed"`
	Records      server.ImportCounts `json:"records"`
	Seconds      float64             `json:"seconds"`
	PerSecond    float64             `json:"eventsPerSecond"`
	Failures     string              `json:"failures,omitempty"` // the file
	Interrupted  bool                `json:"interrupted,omitempty"`
}

// runImport imports what paths name.
func (a *app) runImport(ctx context.Context, f importFlags, paths []string) error {
	if f.limits.ratio < 1 {
		return usagef("--max-ratio %d: it must be at least 1", f.limits.ratio)
	}
	if f.limits.bytes < 1 {
		return usagef("--max-unpacked %d: it must be at least 1", f.limits.bytes)
	}
	if f.workers < 1 || f.workers > 64 {
		return usagef("--parallel %d: it must be from 1 to 64", f.workers)
	}
	files, err := findImportFiles(paths)
	if err != nil {
		return err
	}
	client, err := a.connect(ctx, true)
	if err != nil {
		return err
	}
	if err := a.warnOfRetention(ctx, client); err != nil {
		return errors.Join(err, client.Close())
	}
	begin := time.Now()
	im := &importer{
		client: client, flags: f, stdin: a.stdin,
		failures: failureFile{name: f.failures, fallback: defaultFailures},
		progress: newImportProgress(a.stdout, a.stderr, files),
	}
	err = im.all(ctx, files)
	im.progress.finish()
	sum := im.summary
	sum.Seconds = time.Since(begin).Seconds()
	if sum.Seconds > 0 {
		sum.PerSecond = float64(sum.Records.Stored) / sum.Seconds
	}
	sum.Failures = im.failures.written()
	sum.Interrupted = ctx.Err() != nil
	if cerr := im.failures.close(); err == nil {
		err = cerr
	}
	if cerr := client.Close(); err == nil {
		err = cerr
	}
	if perr := im.progress.summarise(sum); err == nil {
		err = perr
	}
	switch {
	case sum.Interrupted:
		return &exitError{exitPartial, fmt.Errorf("interrupted; the same command goes on where this one stopped")}
	case err != nil:
		return err
	case sum.Failed > 0 || sum.Records.Quarantined > 0:
		return &exitError{code: exitPartial}
	}
	return nil
}

// warnOfRetention tells that a running server's retention stands, whatever
// this command was called with.
func (a *app) warnOfRetention(ctx context.Context, client *server.Client) error {
	text := a.settings.values["retention"]
	if client.InProcess || text == "" {
		return nil
	}
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	asked, err := parseRetention(text)
	if err != nil {
		return err
	}
	if has, err := parseRetention(status.Retention); err != nil || has != asked {
		_, err = fmt.Fprintf(a.stderr, "cairn: the running server has --retention %s; that counts, not the %s of this command\n", status.Retention, a.settings.source["retention"])
		return err
	}
	return nil
}

// printSummary writes the summary for people.
func printSummary(w io.Writer, s importSummary) error {
	lines := []struct {
		n    int64
		text string
		show bool
	}{
		{int64(s.Files), "files read", true},
		{int64(s.AlreadyDone), "files imported before", s.AlreadyDone > 0},
		{int64(s.NotEventLogs), "files that are not event logs", s.NotEventLogs > 0},
		{int64(s.Failed), "files failed", s.Failed > 0},
		{s.Records.Stored, "events stored", true},
		{s.Records.Double, "events already there", s.Records.Double > 0},
		{s.Records.Expired, "events older than the retention, skipped (--retention 0 keeps all)", s.Records.Expired > 0},
		{s.Records.Quarantined, "records quarantined", s.Records.Quarantined > 0},
	}
	for _, l := range lines {
		if !l.show {
			continue
		}
		if _, err := fmt.Fprintf(w, "%12d  %s\n", l.n, l.text); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "%12.1f  seconds, %.0f events/s\n", s.Seconds, s.PerSecond); err != nil {
		return err
	}
	if s.Failures != "" {
		_, err := fmt.Fprintf(w, "What failed is in %s\n", s.Failures)
		return err
	}
	return nil
}
