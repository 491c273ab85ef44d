// Command console measures the web console in a headless Chromium, with the server in a
// process of its own, and prints one table: how soon the first table of events is there,
// how soon new rows are after a filter, how fast a CSV comes and what memory it takes, and
// how large the pages are. Chromium is taken from PATH.
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
	"syscall"

	"cairn/console/e2e/browser"
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
	fmt.Fprintln(os.Stderr, "console:", err)
	os.Exit(1)
}

// options are the command's flags.
type options struct {
	n        int
	rounds   int
	dir      string
	markdown bool
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	var o options
	flags := flag.NewFlagSet("console", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.n, "n", 2_000_000, "`number` of events in the history, a tenth of them on each day")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each time is measured; the table has the medians")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` on the disk to measure; a temporary one is made in it and removed")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.n < 1000 || o.n > 50_000_000:
		return nil, fmt.Errorf("-n is %d, not within 1000 and 50000000", o.n)
	case o.rounds < 1 || o.rounds > 100:
		return nil, fmt.Errorf("-rounds is %d, not within 1 and 100", o.rounds)
	}
	return &o, nil
}

// run measures everything and prints the table.
func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	o, err := parseOptions(args, notes)
	if err != nil {
		return err
	}
	if _, err := browser.Find(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "cairn-console-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, notes: notes}
	b.note("starting the server …")
	p, s, err := startCairn(ctx, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	b.process, b.serving = p, s
	err = errors.Join(b.measure(ctx), p.stop())
	if err != nil {
		return err
	}
	return b.table.print(out, o)
}
