// Command eventlog compares Cairn's event log with PostgreSQL and SQLite and
// prints one table. All engines get the same records, made from a fixed seed,
// answer the same lookups, and must give the same rows.
//
// Each engine runs in a process of its own. PostgreSQL is started from the
// programs initdb and postgres of this machine; without them it is left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A reader of the output that goes away must not keep the temporary
	// directory from being removed.
	signal.Ignore(syscall.SIGPIPE)
	var err error
	if text := os.Getenv(childVariable); text != "" {
		err = runChild(ctx, text, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(os.Stderr, "eventlog:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

var errUsage = errors.New("wrong usage")

// options are the command's flags.
type options struct {
	n, peerN, clients, batch, segment int
	engines                           []string
	dir, profile                      string
	small, startup, check, markdown   bool
}

// automatic is the default of -peer-n.
const automatic = -1

// sqliteN is how many records SQLite gets by default: it takes about ten
// times as long for each as the others.
const sqliteN = 200_000

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	var o options
	var engines string
	flags := flag.NewFlagSet("eventlog", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.n, "n", 2_000_000, "`number` of events")
	flags.IntVar(&o.peerN, "peer-n", automatic, "`number` of events for PostgreSQL and SQLite; 0: as -n; -1: PostgreSQL as -n, SQLite at most 200,000")
	flags.IntVar(&o.clients, "clients", 4, "`number` of clients that append side by side")
	flags.IntVar(&o.batch, "batch", 500, "events in a request")
	flags.IntVar(&o.segment, "segment", 0, "events in Cairn's segments; 0: a tenth of all, which is a day, at most 262,144")
	flags.StringVar(&engines, "engines", "cairn,postgres,sqlite", "engines to measure, with commas between")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` on the disk to measure; a temporary one is made in it and removed")
	flags.StringVar(&o.profile, "profile", "", "`directory` for processor profiles of what each engine does in the bench's own processes")
	flags.BoolVar(&o.small, "small", true, "also measure one event a request from 64 clients")
	flags.BoolVar(&o.startup, "startup", true, "also measure how soon Cairn is ready, empty and after a kill")
	flags.BoolVar(&o.check, "check", true, "also measure Cairn's check")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errUsage // the flag set has told
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	}
	for _, f := range []struct {
		name            string
		value, low, top int
	}{{"n", o.n, 1000, 50_000_000}, {"peer-n", o.peerN, automatic, 50_000_000}, {"clients", o.clients, 1, 256}, {"batch", o.batch, 1, 5000}, {"segment", o.segment, 0, 50_000_000}} {
		if f.value < f.low || f.value > f.top {
			return nil, fmt.Errorf("%w: -%s is %d, not within %d and %d", errUsage, f.name, f.value, f.low, f.top)
		}
	}
	if o.peerN > 0 && o.peerN < 1000 {
		return nil, fmt.Errorf("%w: -peer-n is %d, fewer than 1000", errUsage, o.peerN)
	}
	for name := range strings.SplitSeq(engines, ",") {
		if !slices.Contains([]string{"cairn", "postgres", "sqlite"}, name) {
			return nil, fmt.Errorf("%w: -engines: there is no engine %q; choose among cairn, postgres and sqlite", errUsage, name)
		}
		o.engines = append(o.engines, name)
	}
	return &o, nil
}

// events is the number of records that an engine gets.
func (o *options) events(engine string) int {
	switch {
	case engine == "cairn" || o.peerN == 0:
		return o.n
	case o.peerN > 0:
		return o.peerN
	case engine == "sqlite":
		return min(o.n, sqliteN)
	}
	return o.n
}
