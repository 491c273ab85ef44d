package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) envCommand() *cobra.Command {
	var shell string
	c := &cobra.Command{
		Use:   "env",
		Short: "Print the environment that points AWS clients at the running server",
		Long: `Print commands for the shell that point AWS clients, and cairn itself, at the
server that runs on the data directory.`,
		Example: "  eval \"$(cairn env)\"\n  cairn env --shell fish | source\n  cairn env --shell pwsh | Invoke-Expression",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.printEnv(shell) },
	}
	c.Flags().StringVar(&shell, "shell", "", "sh, fish or pwsh (default by $SHELL)")
	return c
}

func (a *app) printEnv(shell string) error {
	if shell == "" {
		shell = "sh"
		if filepath.Base(a.env["SHELL"]) == "fish" {
			shell = "fish"
		} else if a.env["PSModulePath"] != "" && a.env["SHELL"] == "" {
			shell = "pwsh"
		}
	}
	formats := map[string]string{"sh": "export %s=%s\n", "fish": "set -gx %s %s\n", "pwsh": "$Env:%s = %s\n"}
	format, ok := formats[shell]
	if !ok {
		return usagef("--shell %q: not one of sh, fish, pwsh", shell)
	}
	addr, err := server.FindServer(a.settings.values["data"])
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no server runs on %s; start one with `cairn serve`", a.settings.values["data"])
	}
	if err != nil {
		return err
	}
	quote := shellQuote
	switch shell {
	case "pwsh":
		quote = func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	case "fish":
		quote = func(s string) string {
			return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
		}
	}
	for _, kv := range [][2]string{{"AWS_ENDPOINT_URL", addr.URL}, {"AWS_REGION", a.settings.values["region"]}} {
		if _, err := fmt.Fprintf(a.stdout, format, kv[0], quote(kv[1])); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(a.stdout, "# This version answers the commands of cairn; the AWS API comes with a later one.")
	return err
}

// shellQuote quotes a word for a POSIX shell, if it needs it.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
