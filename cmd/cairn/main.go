// Command cairn runs a self-hosted AWS CloudTrail and works with its data.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"cairn/catalog"
	"cairn/eventlog"
	"cairn/server"
)

// The exit codes.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitIntegrity = 3 // something stored is not what was written
	exitPartial   = 4 // some of the work was done
)

func main() {
	// A closed pipe is reported by the write that meets it.
	signal.Ignore(syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// An exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error // nil: everything has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef returns an error in how the program was called.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// app is what the subcommands share: where they read and write, and the
// settings that they were called with.
type app struct {
	env            map[string]string
	stdin          io.Reader
	stdout, stderr io.Writer
	settings       settings
	warned         bool // that AWS_ENDPOINT_URL is not used
}

// run is the whole program. It returns the exit code.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &outWriter{w: stdout}
	a := &app{env: make(map[string]string), stdin: stdin, stdout: out, stderr: stderr}
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok {
			a.env[k] = v
		}
	}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			complain(stderr, exit.err)
		}
		return exit.code
	case out.closed && errors.Is(err, syscall.EPIPE) && (cmd.Annotations["output"] == "partial" || cmd.Name() == "help"):
		return exitOK // nobody wants to read the rest
	}
	complain(stderr, err)
	if isDamage(err) {
		return exitIntegrity
	}
	return exitFailed
}

// complain writes an error behind the name of the program, unless it names a
// command itself.
func complain(stderr io.Writer, err error) {
	text := printableLines(err.Error())
	if !strings.HasPrefix(text, "cairn ") && !strings.HasPrefix(text, "cairn: ") {
		text = "cairn: " + text
	}
	fmt.Fprintln(stderr, text)
}

// isDamage says whether an error tells that something stored, or something in
// a backup, is not what was written.
func isDamage(err error) bool {
	var (
		record *eventlog.Damage
		row    *catalog.DamageError
		backup *server.BackupDamageError
	)
	return errors.As(err, &record) || errors.As(err, &row) || errors.As(err, &backup)
}

// readPartly marks a command whose output is of use without its end.
var readPartly = map[string]string{"output": "partial"}

// outWriter is standard output, and knows whether its reader has gone away.
type outWriter struct {
	w      io.Writer
	closed bool
}

func (o *outWriter) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		o.closed = true
	}
	return n, err
}

// rootCommand builds the command tree.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "cairn",
		Short: "A self-hosted AWS CloudTrail",
		Long: `Cairn records API activity as CloudTrail events, keeps them searchable, and
proves that nothing was changed.

Settings come from flags, from the environment (CAIRN_DATA for --data and so
on), and from the YAML file that --config or CAIRN_CONFIG names, in this order.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 damage found, 4 done in part.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          subcommandArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Annotations["settings"] == "none" {
				return nil
			}
			return a.loadSettings(cmd)
		},
	}
	root.SetVersionTemplate(versionText())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{exitUsage, flagHint(cmd, err)}
	})
	root.AddCommand(
		a.serveCommand(), a.gatewayCommand(), a.importCommand(), a.lookupCommand(), a.tailCommand(), a.checkCommand(), a.verifyCommand(),
		a.backupCommand(), a.restoreCommand(), a.statusCommand(), a.trailCommand(), a.accountCommand(), a.keysCommand(), a.consoleLinkCommand(), a.ingestCommand(), a.demoCommand(), a.profileCommand(), a.envCommand(), a.configCommand(), a.versionCommand(),
	)
	a.addSettingFlags(root)
	for _, c := range root.Commands() {
		usageArgs(c)
	}
	return root
}

// subcommandArgs refuses the arguments of a command that only has subcommands,
// and suggests the nearest of these.
func subcommandArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.SuggestionsMinimumDistance == 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("%s: unknown command %q; did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return usagef("%s: unknown command %q; see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
}

// usageArgs makes wrong arguments of c and its subcommands an error of use.
func usageArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var exit *exitError
			if err != nil && len(args) > 0 && strings.HasPrefix(err.Error(), "unknown command ") {
				hint := ""
				if cmd.Flags().Lookup("event-name") != nil {
					hint = "; to find events by their name, use --event-name " + shellQuote(args[0])
				}
				return usagef("%s: %q is not expected: the command takes flags only%s", cmd.CommandPath(), args[0], hint)
			}
			if err != nil && !errors.As(err, &exit) {
				return usagef("%s: %w", cmd.CommandPath(), err)
			}
			return err
		}
	}
	for _, sub := range c.Commands() {
		usageArgs(sub)
	}
}
