package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) ingestCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ingest",
		Short: "Let MinIO and Kubernetes send their audit logs",
		Args:  subcommandArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	token := &cobra.Command{
		Use:   "token",
		Short: "Add, list or revoke the tokens that audit logs are sent with",
		Args:  subcommandArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var format string
	add, list, revoke := a.ingestTokenAddCommand(&format), a.ingestTokenListCommand(&format), a.ingestTokenRevokeCommand(&format)
	for _, sub := range []*cobra.Command{add, list, revoke} {
		sub.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	}
	token.AddCommand(add, list, revoke)
	c.AddCommand(token)
	return c
}

func (a *app) ingestTokenAddCommand(format *string) *cobra.Command {
	req := server.IngestTokenRequest{}
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a token and print it",
		Long: `Add a token with which one system may send its audit log, through the running
server's socket or on a stopped data directory, and print it. It is not shown again.

The account and region are those of the records: the sender cannot choose others.`,
		Example: "  cairn ingest token add storage --source minio\n  cairn ingest token add prod-cluster --source kubernetes --account-id 210987654321 --region eu-west-1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(*format); err != nil {
				return err
			}
			req.Name = args[0]
			if req.Source != server.IngestMinIO && req.Source != server.IngestKubernetes {
				return usagef("--source %q: not one of %s, %s", req.Source, server.IngestMinIO, server.IngestKubernetes)
			}
			if req.AccountID != "" {
				if err := checkAccountID(req.AccountID); err != nil {
					return err
				}
			}
			return a.withLocalClient(cmd.Context(), true, func(client *server.Client) error {
				t, err := client.AddIngestToken(cmd.Context(), req)
				if err != nil {
					return err
				}
				if *format == "json" {
					return a.printJSON(t)
				}
				_, err = fmt.Fprintf(a.stdout, `Token %s is there. It is shown only now:
  %s

Audit entries go to POST /_cairn/ingest/%s with the header
  Authorization: Bearer TOKEN
and become records of account %s in %s.
`, t.Name, t.Token, t.Source, t.AccountID, t.Region)
				return err
			})
		},
	}
	add.Flags().StringVar(&req.Source, "source", "", "what sends: minio or kubernetes")
	add.Flags().StringVar(&req.AccountID, "account-id", "", "account of the records (default: the server's own)")
	add.Flags().StringVar(&req.Region, "region", "", "region of the records (default: the server's own)")
	for _, name := range []string{"account-id", "region"} {
		_ = add.Flags().SetAnnotation(name, conditionFlag, nil) // the flags exist, and are not the settings of the same names
	}
	return add
}

func (a *app) ingestTokenListCommand(format *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the tokens",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(*format); err != nil {
				return err
			}
			return a.withLocalClient(cmd.Context(), false, func(client *server.Client) error {
				all, err := client.IngestTokens(cmd.Context())
				if err != nil {
					return err
				}
				if *format == "json" {
					return a.printJSON(server.IngestTokenList{Tokens: all})
				}
				w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "NAME\tID\tSOURCE\tACCOUNT\tREGION\tCREATED")
				for _, t := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.ID, t.Source, t.AccountID, t.Region, t.Created.UTC().Format(time.DateOnly))
				}
				return w.Flush()
			})
		},
	}
}

func (a *app) ingestTokenRevokeCommand(format *string) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Make a token worthless at once",
		Long:    "Make a token worthless at once. The records that it has sent stay.",
		Example: "  cairn ingest token revoke storage",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(*format); err != nil {
				return err
			}
			return a.withLocalClient(cmd.Context(), true, func(client *server.Client) error {
				t, err := client.RevokeIngestToken(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if *format == "json" {
					return a.printJSON(t)
				}
				_, err = fmt.Fprintf(a.stdout, "Token %s (%s, account %s, %s) is revoked.\n", t.Name, t.Source, t.AccountID, t.Region)
				return err
			})
		},
	}
}
