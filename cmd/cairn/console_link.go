package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) consoleLinkCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "console-link",
		Short: "Print a one-time link that signs in to the web console",
		Long: `Print a link that signs a browser in to the console of the running server, as the
root user of the operator's account. It works once, within ten minutes. It goes through the
server's socket, which only the owner of the data directory can use, and leaves an event.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return a.withLocalClient(cmd.Context(), false, func(client *server.Client) error {
				link, err := client.ConsoleLink(cmd.Context())
				if err != nil {
					return err
				}
				if format == "json" {
					return a.printJSON(link)
				}
				_, err = fmt.Fprintln(a.stdout, link.URL)
				return err
			})
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	return c
}

// consoleText tells a terminal where the console is, with a link that signs in to it.
func (a *app) consoleText(ctx context.Context, s *server.Server, addr server.Address) string {
	if addr.Console == "" {
		return ""
	}
	link, err := s.ConsoleLink(ctx)
	if err != nil {
		return fmt.Sprintf("Console: %s\n(there is no link that signs in: %v)\n", addr.Console, err)
	}
	return fmt.Sprintf("Console: %s\n(the link signs in once, until %s)\n", link.URL, link.Expires.Local().Format(time.TimeOnly))
}
