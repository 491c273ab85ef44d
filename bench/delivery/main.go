// Command delivery measures the way of events into buckets and back, and prints
// one table: how fast a backlog of the event log becomes log files in the embedded
// S3, how long it takes to verify a digest chain, beside the aws command line, and
// what the embedded S3 makes of the disk, beside versitygw.
//
// Each measurement of Cairn runs in a process of its own, on this machine. The
// programs aws and versitygw are taken from PATH; without one of them its cells
// stay empty and a line says so. What was delivered is read again and compared
// with what was logged; a difference is an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A reader of the output that goes away must not keep the temporary
	// directory from being removed.
	signal.Ignore(syscall.SIGPIPE)
	var err error
	if text := os.Getenv(childVariable); text != "" {
		err = runChild(ctx, text, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(os.Stderr, "delivery:", err)
	os.Exit(1)
}

// The parts of the bench.
const (
	partDeliver = "deliver"
	partVerify  = "verify"
	partObjects = "s3"
)

var allParts = []string{partDeliver, partVerify, partObjects}

// options are the command's flags.
type options struct {
	n, small, big, bigBytes  int
	period                   time.Duration
	parts                    []string
	dir, profile             string
	cairn, awsCLI, versitygw string
	markdown                 bool
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	var o options
	var parts string
	flags := flag.NewFlagSet("delivery", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.n, "n", 2_000_000, "`number` of events in the backlog")
	flags.IntVar(&o.small, "small", 2000, "`number` of small log files to verify")
	flags.IntVar(&o.big, "big", 20, "`number` of big log files to verify")
	flags.IntVar(&o.bigBytes, "big-bytes", bigBytes, "`bytes` of a big log file before compression")
	flags.DurationVar(&o.period, "period", 10*time.Second, "how long each measurement of the object store and of the disk takes")
	flags.StringVar(&parts, "parts", strings.Join(allParts, ","), "what to measure, with commas between")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` on the disk to measure; a temporary one is made in it and removed")
	flags.StringVar(&o.profile, "profile", "", "`directory` for processor profiles of deliveries and of the server")
	flags.StringVar(&o.cairn, "cairn", "", "cairn `program` that verifies; by default it is built")
	flags.StringVar(&o.awsCLI, "aws", "aws", "aws `program` to compare with; empty for none")
	flags.StringVar(&o.versitygw, "versitygw", "versitygw", "versitygw `program` to compare with; empty for none")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, f := range []struct {
		name            string
		value, low, top int
	}{{"n", o.n, 1000, 50_000_000}, {"small", o.small, 0, 20_000}, {"big", o.big, 0, 200}, {"big-bytes", o.bigBytes, 100_000, bigBytes}} {
		if f.value < f.low || f.value > f.top {
			return nil, fmt.Errorf("-%s is %d, not within %d and %d", f.name, f.value, f.low, f.top)
		}
	}
	if o.period < 100*time.Millisecond || o.period > time.Minute {
		return nil, fmt.Errorf("-period is %v, not within 100ms and 1m", o.period)
	}
	for part := range strings.SplitSeq(parts, ",") {
		if !slices.Contains(allParts, part) {
			return nil, fmt.Errorf("-parts: there is no part %q; choose among %s", part, strings.Join(allParts, ", "))
		}
		o.parts = append(o.parts, part)
	}
	return &o, nil
}

// A bench measures into its table.
type bench struct {
	*options
	temp  string // removed at the end
	notes io.Writer
	table *table
}

func (b *bench) note(format string, args ...any) { fmt.Fprintf(b.notes, format+"\n", args...) }

// run measures everything and prints the table.
func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	o, err := parseOptions(args, notes)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(o.dir, "cairn-delivery-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if temp, err = filepath.Abs(temp); err != nil {
		return err
	}
	b := &bench{options: o, temp: temp, notes: notes, table: &table{}}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{{partDeliver, b.measureDeliveries}, {partVerify, b.measureVerify}, {partObjects, b.measureObjects}} {
		if !slices.Contains(o.parts, part.name) {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return b.table.print(out, o)
}
