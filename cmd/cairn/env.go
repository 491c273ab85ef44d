package main

import (
	"context"
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
server that runs on the data directory: its URL, its region, the operator's access
key, and for a self-signed certificate the file that makes clients trust it.`,
		Example: "  eval \"$(cairn env)\"\n  cairn env --shell fish | source\n  cairn env --shell pwsh | Invoke-Expression",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.printEnv(cmd.Context(), shell) },
	}
	c.Flags().StringVar(&shell, "shell", "", "sh, fish or pwsh (default by $SHELL)")
	return c
}

func (a *app) printEnv(ctx context.Context, shell string) error {
	if shell == "" {
		shell = "sh"
		if filepath.Base(a.env["SHELL"]) == "fish" {
			shell = "fish"
		} else if a.env["PSModulePath"] != "" && a.env["SHELL"] == "" {
			shell = "pwsh"
		}
	}
	switch shell {
	case "bash", "zsh":
		shell = "sh"
	case "powershell":
		shell = "pwsh"
	}
	formats := map[string]string{"sh": "export %s=%s\n", "fish": "set -gx %s %s\n", "pwsh": "$Env:%s = %s\n"}
	format, ok := formats[shell]
	if !ok {
		return usagef("--shell %q: not one of sh, fish, pwsh", shell)
	}
	setup, err := a.clientSetup(ctx)
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
	variables := [][2]string{{"AWS_ENDPOINT_URL", setup.url}, {"AWS_REGION", setup.region}, {"AWS_DEFAULT_REGION", setup.region}}
	if setup.caBundle != "" {
		variables = append(variables, [2]string{"AWS_CA_BUNDLE", setup.caBundle})
	}
	if setup.key != nil {
		variables = append(variables, [2]string{"AWS_ACCESS_KEY_ID", setup.key.AccessKeyID}, [2]string{"AWS_SECRET_ACCESS_KEY", setup.key.Secret})
	}
	if setup.gateway {
		fmt.Fprintln(a.stderr, "cairn: a gateway runs there, so the access key is one of the backend's; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to it")
	} else if setup.key == nil {
		fmt.Fprintf(a.stderr, "cairn: no access key is printed, because %s is not there any more; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY yourself, or make a new key with `cairn account rekey`\n",
			filepath.Join(a.settings.values["data"], server.CredentialsName))
	}
	for _, kv := range variables {
		if _, err := fmt.Fprintf(a.stdout, format, kv[0], quote(kv[1])); err != nil {
			return err
		}
	}
	return nil
}

// A clientSetup is what an AWS client must know of a server.
type clientSetup struct {
	url, region string
	caBundle    string              // file; empty unless clients would not trust the server
	key         *server.Credentials // nil if the file with the operator's key was removed
	gateway     bool                // a gateway alone runs there
}

// clientSetup returns what clients must know of the server on the data
// directory.
func (a *app) clientSetup(ctx context.Context) (*clientSetup, error) {
	data := a.settings.values["data"]
	addr, err := server.FindServer(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no server runs on %s; start one with `cairn serve`", data)
	}
	if err != nil {
		return nil, err
	}
	key, err := server.ReadCredentials(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	region := a.settings.values["region"]
	if a.settings.source["region"] == "default" {
		client := server.Dial(addr.Socket)
		status, err := client.Status(ctx)
		if err := errors.Join(err, client.Close()); err != nil {
			return nil, err
		}
		region = status.Region
	}
	return &clientSetup{url: addr.URL, region: region, caBundle: addr.CABundle, key: key, gateway: addr.Gateway}, nil
}

// shellQuote quotes a word for a POSIX shell, if it needs it.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
