package main

import (
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check or print the settings",
		Args:  subcommandArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "check",
		Short: "Check the settings of flags, environment and file",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "The settings are usable.")
			return err // whatever is wrong was refused before
		},
	}, &cobra.Command{
		Use:   "print",
		Short: "Print the effective settings as YAML, with the source of each",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.printConfig() },
	})
	return c
}

func (a *app) printConfig() error {
	cfg, err := a.serverConfig()
	if err != nil {
		return err
	}
	booleans := map[string]bool{"insecure": cfg.Insecure, "dev": cfg.Dev, "throttle": cfg.Throttle}
	for _, d := range settingDefs {
		var v any = a.settings.values[d.name]
		if b, ok := booleans[d.name]; ok {
			v = b
		}
		line, err := yaml.Marshal(map[string]any{d.name: v})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.stdout, "%-40s # %s\n", line[:len(line)-1], a.settings.source[d.name]); err != nil {
			return err
		}
	}
	return nil
}
