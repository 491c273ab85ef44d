package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"cairn"
	"cairn/verify"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	trailARN, accountID  string
	start, end           string
	bucket, prefix       string
	prefixGiven          bool
	keys                 []string
	save                 string
	endpointURL, profile string
	format               string
	json                 bool
	parallel             int
}

func (a *app) verifyCommand() *cobra.Command {
	f := verifyFlags{}
	c := &cobra.Command{
		Use:   "verify [s3://BUCKET[/PREFIX] | FOLDER | FILE.tar[.gz]]",
		Short: "Prove that delivered log files are complete and unchanged",
		Long: `Prove that the log files in a bucket, or in a copy of one, are complete and unchanged:
that every digest is signed by a known key, that every chain of digests has no hole and
no fork, that every log file is there with the listed hash, and that there is none that
no digest lists. Everything that is found is verified, unless flags say what.

Without an argument, the buckets of the server's trails are verified. The server is the
one that --endpoint-url, --profile or the AWS environment names, else the one that runs
on the data directory, else AWS.

A copy is a folder, as "aws s3 sync" makes it, or a tar file of one. It has no signatures
of the newest digests, which are part of the objects' metadata; a copy made with --save
has. Public keys come from the server, or from files that were kept, one for each region:
  aws cloudtrail list-public-keys --start-time 2026-01-01 --region eu-west-1 > keys.json
A copy made with --save has them in public-keys.REGION.json. Keep these elsewhere: keys
that lie in the copy show only that it agrees with itself, and exit code 4 says so.

Exit codes: 0 all is proved, 3 there is damage, 1 something could not be read, 4 nothing
is damaged but not all can be proved.

` + timeHelp,
		Example: "  cairn verify\n  cairn verify s3://audit-logs --start-time 7d\n  cairn verify s3://audit-logs --save copy\n  cairn verify copy --keys eu-west-1=keys.json\n  cairn verify copy --keys kept-keys",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.prefixGiven = cmd.Flags().Changed("s3-prefix")
			if f.json {
				f.format = "json"
			}
			return a.runVerify(cmd.Context(), f, append(args, "")[0])
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.trailARN, "trail-arn", "", "verify the digests of this trail only")
	flags.StringVar(&f.accountID, "account-id", "", "verify this account only")
	flags.StringVar(&f.start, "start-time", "", "verify what was delivered from then on")
	flags.StringVar(&f.end, "end-time", "", "verify what was delivered before")
	flags.StringVar(&f.bucket, "s3-bucket", "", "bucket (default those of the trails)")
	flags.StringVar(&f.prefix, "s3-prefix", "", "the trail's key prefix (default every one that is found)")
	flags.StringArrayVar(&f.keys, "keys", nil, "file of public keys, or REGION=FILE, or a folder of public-keys.REGION.json; may be given more than once")
	flags.StringVar(&f.save, "save", "", "folder to keep a copy of everything that is read, with the metadata of digests")
	flags.StringVar(&f.endpointURL, "endpoint-url", "", "URL of the server, for S3 and CloudTrail")
	flags.StringVar(&f.profile, "profile", "", "AWS profile")
	flags.IntVar(&f.parallel, "parallel", 0, "files to read at a time (default 4 for each processor)")
	flags.StringVarP(&f.format, "output", "o", "text", "text or json")
	flags.BoolVar(&f.json, "json", false, "the same as --output json")
	return c
}

// runVerify verifies what the flags name and prints what was found.
func (a *app) runVerify(ctx context.Context, f verifyFlags, place string) error {
	if f.format != "text" && f.format != "json" {
		return usagef("--output %q: not one of text, json", f.format)
	}
	if f.parallel < 0 || f.parallel > 256 {
		return usagef("--parallel %d: it must be from 1 to 256", f.parallel)
	}
	cfg := verify.Config{AccountID: f.accountID, Parallel: f.parallel}
	if a.settings.source["region"] == "--region" {
		cfg.Region = a.settings.values["region"]
	}
	now := time.Now()
	var err error
	if f.start != "" {
		if cfg.Start, err = parseTime(f.start, now, false); err != nil {
			return usagef("--start-time: %w", err)
		}
	}
	if f.end != "" {
		if cfg.End, err = parseTime(f.end, now, true); err != nil {
			return usagef("--end-time: %w", err)
		}
		if !cfg.Start.Before(cfg.End) {
			return usagef("--end-time %s is not after --start-time %s", f.end, f.start)
		}
	}
	if f.trailARN != "" {
		arn, name, err := cairn.ParseTrailARN(f.trailARN)
		if err != nil {
			return usagef("--trail-arn: %w", err)
		}
		cfg.TrailName, cfg.HomeRegion = name, arn.Region
	}
	if f.prefixGiven {
		cfg.Prefixes = []string{strings.TrimSuffix(f.prefix, "/")}
	}
	if rest, ok := strings.CutPrefix(place, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(rest, "/")
		if f.bucket != "" || bucket == "" {
			return usagef("%s: name the bucket once", place)
		}
		f.bucket, place = bucket, ""
		if prefix != "" {
			cfg.Prefixes = []string{strings.TrimSuffix(prefix, "/")}
		}
	}
	files, err := keyFilesOf(f.keys)
	if err != nil {
		return err
	}
	if cfg.Keys, err = keysOf(files); err != nil {
		return err
	}
	cfg.KeysBeside = place != "" && slices.ContainsFunc(files, func(k keyFile) bool { return liesIn(k.name, place) })
	targets, err := a.verifyTargets(ctx, f, cfg, place, now)
	if err != nil {
		return err
	}
	return a.verifyAll(ctx, f, targets)
}

// verifyTargets returns what is to be verified, each with its source.
func (a *app) verifyTargets(ctx context.Context, f verifyFlags, cfg verify.Config, place string, now time.Time) ([]verify.Config, error) {
	if place != "" {
		if f.bucket != "" || f.save != "" {
			return nil, usagef("%s is a copy; --s3-bucket and --save are for buckets", place)
		}
		source, err := openCopy(place)
		if err != nil {
			return nil, err
		}
		if cfg.Keys == nil {
			if cfg.Keys, err = a.keysForCopy(ctx, f, place); err != nil {
				return nil, errors.Join(err, source.Close())
			}
		}
		cfg.Source = source
		return []verify.Config{cfg}, nil
	}
	aws, err := a.awsClients(ctx, f, false)
	if err != nil {
		return nil, err
	}
	if cfg.Keys == nil {
		cfg.Keys = aws.keys()
	}
	cfg.Now = now
	trails, err := aws.trails(ctx, f.trailARN)
	if err != nil && f.bucket == "" {
		return nil, fmt.Errorf("ask the server for its trails (or name a bucket with --s3-bucket): %w", err)
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "cairn: the server's trails are not known, so it is not known how new digests should be: %s\n", printableLines(err.Error()))
	}
	for _, t := range trails {
		cfg.Trails = append(cfg.Trails, t.TrailState)
	}
	buckets := []string{f.bucket}
	prefixes := map[string][]string{f.bucket: cfg.Prefixes}
	if f.bucket == "" {
		if buckets, prefixes = placesOf(trails); len(buckets) == 0 {
			return nil, errors.New("the server has no trails; name a bucket, as in `cairn verify s3://BUCKET`")
		}
	}
	var targets []verify.Config
	for _, bucket := range buckets {
		t := cfg
		if t.Prefixes == nil {
			t.Prefixes = prefixes[bucket]
		}
		t.Trails = statesIn(trails, bucket)
		client, err := aws.objects(ctx, bucket)
		if err != nil {
			return nil, err
		}
		t.Source = verify.NewBucket(client, bucket)
		if f.save != "" {
			dir := f.save
			if len(buckets) > 1 {
				dir += string(os.PathSeparator) + bucket
			}
			saver, err := verify.NewSaver(t.Source, dir)
			if err != nil {
				return nil, err
			}
			t.Source, t.Keys = saver, saver.Keys(t.Keys)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// openCopy opens a folder or an archive.
func openCopy(place string) (*verify.Copy, error) {
	info, err := os.Stat(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder or file %s; a bucket is written s3://%s", place, place)
	case err != nil:
		return nil, err
	case info.IsDir():
		return verify.OpenFolder(place)
	}
	return verify.OpenTar(place)
}

// verifyAll verifies the targets and prints a report of each.
func (a *app) verifyAll(ctx context.Context, f verifyFlags, targets []verify.Config) error {
	var reports []*verify.Report
	var failed error
	for _, t := range targets {
		if failed == nil {
			var report *verify.Report
			if report, failed = a.verifyOne(ctx, t); failed == nil {
				reports = append(reports, report)
			}
		}
		if c, ok := t.Source.(io.Closer); ok {
			failed = errors.Join(failed, c.Close())
		}
	}
	if failed != nil && ctx.Err() != nil {
		failed = errors.New("interrupted")
	}
	var err error
	switch {
	case f.format == "json" && failed == nil:
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(map[string]any{"reports": reports})
	case f.format == "text":
		for _, r := range reports {
			if err == nil {
				err = printVerification(a.stdout, r)
			}
		}
	}
	return verifyExit(reports, errors.Join(failed, err))
}

// verifyExit chooses the exit code: damage counts more than what could not be
// read, and this more than what is not proved.
func verifyExit(reports []*verify.Report, err error) error {
	code := exitOK
	for _, r := range reports {
		switch {
		case r.Damage > 0:
			code = exitIntegrity
		case code == exitIntegrity:
		case r.Unreadable > 0 || len(r.Chains) == 0 && r.Unproved == 0:
			code = exitFailed
		case r.Unproved > 0 && code == exitOK:
			code = exitPartial
		}
	}
	if err != nil && code != exitIntegrity {
		return err
	}
	if code != exitOK {
		return &exitError{code: code, err: err}
	}
	return nil
}

// verifyOne verifies one target behind a progress bar.
func (a *app) verifyOne(ctx context.Context, t verify.Config) (*verify.Report, error) {
	begin := time.Now()
	if isTerminal(a.stderr) {
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription("verifying "+printable(t.Source.Name())), progressbar.OptionThrottle(100*time.Millisecond))
		var files int
		var bytes int64
		t.Progress = func(n int, b int64) {
			files, bytes = files+n, bytes+b
			text := fmt.Sprintf("verifying %s: %s, %s", printable(t.Source.Name()), count(uint64(files), "log file"), humanize.IBytes(uint64(bytes)))
			if took := time.Since(begin); took >= leastForRate {
				text += fmt.Sprintf(", %.0f MB/s", float64(bytes)/1e6/took.Seconds())
			}
			bar.Describe(text)
		}
		defer func() {
			_ = bar.Finish()
			_ = bar.Clear()
		}()
	}
	report, err := verify.Run(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", t.Source.Name(), err)
	}
	return report, nil
}
