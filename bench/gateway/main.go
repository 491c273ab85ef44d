// Command gateway measures what Cairn's recording gateway adds to the calls that
// pass it, beside the standard library's reverse proxy and beside no proxy at all:
// the same backend, the same calls, one run. It prints one table.
//
// Backend and proxies run in processes of their own, on this machine and over
// loopback TCP. Calls are signed, and the gateway verifies them: their key is
// known to its IAM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	if role := os.Getenv(childVariable); role != "" {
		err = runChild(ctx, role)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(os.Stderr, "gateway:", err)
	os.Exit(1)
}

// options are the command's flags.
type options struct {
	period   time.Duration
	rounds   int
	dir      string
	markdown bool
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	var o options
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.period, "period", 3*time.Second, "how long each measurement takes")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each measurement is made, in turns; the median counts")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` on the disk to measure; a temporary one is made in it and removed")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.period < 100*time.Millisecond || o.period > time.Minute:
		return nil, fmt.Errorf("-period is %v, not within 100ms and 1m", o.period)
	case o.rounds < 1 || o.rounds > 99:
		return nil, fmt.Errorf("-rounds is %d, not within 1 and 99", o.rounds)
	}
	return &o, nil
}

// run measures everything and prints the table.
func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	o, err := parseOptions(args, notes)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "cairn-gateway-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, notes: notes}
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.print(out)
}
