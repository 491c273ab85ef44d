package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) accountCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "account",
		Short: "Add, list or rekey the accounts whose users may call",
		Args:  subcommandArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var format string
	add := &cobra.Command{
		Use:   "add ID",
		Short: "Add an account and print the access key of its root user",
		Long: `Add an account, through the running server or on a stopped data directory, and
print the access key of its root user. The secret is not shown again.`,
		Example: "  cairn account add 210987654321",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if err := checkAccountID(args[0]); err != nil {
				return err
			}
			return a.withLocalClient(cmd.Context(), true, func(client *server.Client) error {
				account, err := client.AddAccount(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.printAccount(account, format)
			})
		},
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List the accounts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return a.withLocalClient(cmd.Context(), false, func(client *server.Client) error {
				all, err := client.Accounts(cmd.Context())
				if err != nil {
					return err
				}
				return a.printAccounts(all, format)
			})
		},
	}
	rekey := a.accountRekeyCommand(&format)
	for _, sub := range []*cobra.Command{add, list, rekey} {
		sub.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	}
	c.AddCommand(add, list, rekey)
	return c
}

func (a *app) accountRekeyCommand(format *string) *cobra.Command {
	var replaced string
	rekey := &cobra.Command{
		Use:   "rekey ID",
		Short: "Make a new access key for an account's root user",
		Long: `Make a new access key for the root user of an account, also the operator's, and
print it: the way back in when the last key was deleted or its secret lost. It goes
through the running server's socket or works on a stopped data directory. The
secret is not shown again. A root user has two access keys at most: --replace
removes one in the same step. The file credentials in the data directory stays as
it is.`,
		Example: "  cairn account rekey 000000000000",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(*format); err != nil {
				return err
			}
			if err := checkAccountID(args[0]); err != nil {
				return err
			}
			return a.withLocalClient(cmd.Context(), true, func(client *server.Client) error {
				account, err := client.RekeyAccount(cmd.Context(), args[0], replaced)
				if err != nil {
					return err
				}
				if *format == "json" {
					return a.printJSON(account)
				}
				_, err = fmt.Fprintf(a.stdout, "Account %s has a new access key of its root user, which is shown only now:\n", account.AccountID)
				return errors.Join(err, a.printKey(account))
			})
		},
	}
	rekey.Flags().StringVar(&replaced, "replace", "", "ID of an access key of the root user that is removed for it")
	return rekey
}

// checkAccountID refuses what is no account's ID.
func checkAccountID(id string) error {
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return usagef("account ID %q: an AWS account ID has 12 digits", id)
	}
	return nil
}

// withLocalClient calls do with a client of the data directory or the socket of
// its server: accounts are not made over the network, so AWS_ENDPOINT_URL does
// not count.
func (a *app) withLocalClient(ctx context.Context, write bool, do func(*server.Client) error) error {
	if e := a.settings.values["endpoint"]; e != "" && !strings.HasPrefix(e, "unix:") {
		return usagef("%s %q: accounts are managed on the server's machine only, with --data or --endpoint unix:/path/to/cairn.sock", a.settings.source["endpoint"], e)
	}
	local := *a
	local.env = maps.Clone(a.env)
	delete(local.env, "AWS_ENDPOINT_URL")
	client, err := local.connect(ctx, write)
	if err != nil {
		return err
	}
	err = do(client)
	if cerr := client.Close(); err == nil {
		err = cerr
	}
	return err
}

// checkFormat refuses what -o does not know.
func checkFormat(format string) error {
	if format != "text" && format != "json" {
		return usagef("--output %q: not one of text, json", format)
	}
	return nil
}

func (a *app) printAccount(account *server.NewAccount, format string) error {
	if format == "json" {
		return a.printJSON(account)
	}
	_, err := fmt.Fprintf(a.stdout, "Account %s is there. The access key of its root user, which is shown only now:\n", account.AccountID)
	return errors.Join(err, a.printKey(account))
}

func (a *app) printKey(account *server.NewAccount) error {
	_, err := fmt.Fprintf(a.stdout, "  access key ID      %s\n  secret access key  %s\n", account.AccessKeyID, account.SecretAccessKey)
	return err
}

func (a *app) printAccounts(all []server.AccountSummary, format string) error {
	if format == "json" {
		return a.printJSON(server.AccountList{Accounts: all})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACCOUNT\tCREATED\tALIAS\tROOT ACCESS KEYS\t")
	for _, s := range all {
		note := ""
		if s.Operator {
			note = "operator"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.AccountID, s.Created.UTC().Format(time.DateOnly), s.Alias, strings.Join(s.AccessKeyIDs, ","), note)
	}
	return w.Flush()
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
