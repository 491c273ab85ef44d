package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cairn/internal/logfile"
	"cairn/server"
)

// importFlags are the flags of import.
type importFlags struct {
	failures string
	limits   logfile.Limits
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
in them that ends in .json, .ndjson, .jsonl or the same with .gz or .zst, or, for
-, of standard input.

A file may hold {"Records":[...]}, an array of records, one record, a record a
line, or the output of "aws cloudtrail lookup-events". Records are kept byte for
byte. A file that was imported is recognised by its content and not read again;
an interrupted import goes on where it stopped. Records older than the retention
of the store are skipped and counted. While a server runs, its retention counts,
and an import with another --retention is refused.

A Cairn data directory within a folder is passed over, and so is a file of
failures.

What could not be imported is written to the file of failures, one JSON object a
line: run (when the import began), file, record, byte, reason, and the record in
base64. What earlier imports wrote there stays.`,
		Example: "  cairn import ./AWSLogs --retention 0\n  aws cloudtrail lookup-events | cairn import -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runImport(cmd.Context(), f, args)
		},
	}
	c.Flags().StringVar(&f.failures, "failures", "", "file of failures (default ./"+defaultFailures+", made only when there are any)")
	c.Flags().Int64Var(&f.limits.Ratio, "max-ratio", 200, "stop reading a file that unpacks to more than so many times its size")
	c.Flags().Int64Var(&f.limits.Bytes, "max-unpacked", 1<<30, "stop reading a file that unpacks to more than so many bytes")
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
	Advice       string              `json:"advice,omitempty"`   // how to keep what was skipped
	Interrupted  bool                `json:"interrupted,omitempty"`
}

// runImport imports what paths name.
func (a *app) runImport(ctx context.Context, f importFlags, paths []string) error {
	if f.limits.Ratio < 1 {
		return usagef("--max-ratio %d: it must be at least 1", f.limits.Ratio)
	}
	if f.limits.Bytes < 1 {
		return usagef("--max-unpacked %d: it must be at least 1", f.limits.Bytes)
	}
	if f.workers < 1 || f.workers > 64 {
		return usagef("--parallel %d: it must be from 1 to 64", f.workers)
	}
	begin := time.Now()
	name := f.failures
	if name == "" {
		name = defaultFailures
	}
	files, err := findImportFiles(paths, name)
	if err != nil {
		return err
	}
	failures, err := newFailureFile(name, begin)
	if err != nil {
		return err
	}
	client, err := a.connect(ctx, true)
	if err != nil {
		return err
	}
	if err := a.refuseRetention(ctx, client); err != nil {
		return errors.Join(err, client.Close())
	}
	im := &importer{
		client: client, flags: f, stdin: a.stdin,
		failures: failures,
		progress: newImportProgress(a.stdout, a.stderr, files),
	}
	err = im.all(ctx, files)
	if err != nil && isGone(ctx, client) {
		err = fmt.Errorf("the server went away; run the same import again, it goes on where it stopped (%w)", err)
	}
	im.progress.finish()
	sum := im.summary
	sum.Seconds = time.Since(begin).Seconds()
	if sum.Seconds > 0 {
		sum.PerSecond = float64(sum.Records.Stored) / sum.Seconds
	}
	sum.Failures = im.failures.written()
	if sum.Records.Expired > 0 {
		sum.Advice = adviceExpired(client.InProcess)
	}
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

// refuseRetention refuses a retention that is not the running server's: that
// one counts, and would skip records that this command was told to keep.
func (a *app) refuseRetention(ctx context.Context, client *server.Client) error {
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
		return fmt.Errorf("the running server has --retention %s, which counts, and not the %s of %s; nothing was imported. Import without it, or stop the server and start it with `cairn serve --retention %s`",
			status.Retention, text, a.settings.source["retention"], text)
	}
	return nil
}

// isGone says whether a server does not answer any more.
func isGone(ctx context.Context, client *server.Client) bool {
	if client.InProcess || ctx.Err() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	_, err := client.Status(ctx)
	var answer *server.AnswerError
	return err != nil && !errors.As(err, &answer)
}

// adviceExpired says how to keep records that were older than the retention.
func adviceExpired(inProcess bool) string {
	if inProcess {
		return "to keep them, run the same import again with --retention 0"
	}
	return "to keep them, stop the server, start it with `cairn serve --retention 0`, and run the same import again"
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
		{s.Records.Expired, "events older than the retention, skipped; " + s.Advice, s.Records.Expired > 0},
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
