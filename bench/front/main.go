// Command front measures Cairn's AWS front, and moto_server beside it, and
// prints one table. Each server runs in a process of its own, on this machine
// and over loopback TCP; requests are signed, as any client's.
//
// moto_server is taken from PATH; without it its column is left out. It keeps
// everything in memory, checks no signature and records nothing.
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
	if data := os.Getenv(childVariable); data != "" {
		err = runChild(ctx, data)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(os.Stderr, "front:", err)
	os.Exit(1)
}

// options are the command's flags.
type options struct {
	n        int
	period   time.Duration
	dir      string
	moto     bool
	markdown bool
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	var o options
	flags := flag.NewFlagSet("front", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.n, "n", 2_000_000, "`number` of events in the history")
	flags.DurationVar(&o.period, "period", 10*time.Second, "how long each measurement takes at most")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` on the disk to measure; a temporary one is made in it and removed")
	flags.BoolVar(&o.moto, "moto", true, "also measure moto_server, if it is on PATH")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.n < 1000 || o.n > 50_000_000:
		return nil, fmt.Errorf("-n is %d, not within 1000 and 50000000", o.n)
	case o.period < 100*time.Millisecond || o.period > time.Minute:
		return nil, fmt.Errorf("-period is %v, not within 100ms and 1m", o.period)
	}
	return &o, nil
}

// run measures everything and prints the table.
func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	o, err := parseOptions(args, notes)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "cairn-front-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &table{}
	b := &bench{options: o, dir: dir, notes: notes, table: t}
	if err := b.measureCairn(ctx); err != nil {
		return err
	}
	if err := b.measureMoto(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return t.print(out, o)
}
