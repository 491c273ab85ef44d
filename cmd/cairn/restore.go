package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE --data DIR",
		Short: "Make a data directory from a backup",
		Long: `Make a data directory from a backup, and check it. The directory must be empty or
not there. With - the archive is read from standard input.

It tells what the backup has brought and what not: the buckets of the embedded S3
are in it unless it was taken with --without-objects, the file credentials never
is. If the backup holds no master key, name it with --master-key-file.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := a.stdin
			if args[0] != stdinName {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("restore: %w", err)
				}
				defer f.Close()
				in = f
			}
			data := a.settings.values["data"]
			m, err := server.Restore(in, data)
			if err != nil {
				return fmt.Errorf("restore: %w", err)
			}
			if _, err := fmt.Fprintf(a.stdout, "Restored %s into %s, each as the backup's manifest has it.\n", count(uint64(m.Count()), "file"), data); err != nil {
				return err
			}
			if err := a.printRestored(m); err != nil {
				return err
			}
			return a.checkRestored(cmd, m)
		},
	}
}

// printRestored tells what a backup has brought and what not.
func (a *app) printRestored(m *server.Manifest) error {
	brought := []string{"catalog", "event log"}
	if m.Objects == server.ObjectsIncluded {
		brought = append(brought, "buckets of the embedded S3")
	}
	if m.Holds(server.MasterKeyName) {
		brought = append(brought, "master key")
	}
	lines := []string{"Brought: " + strings.Join(brought, ", ") + "."}
	const lost = "its buckets are gone, and deliveries to them fail until they are made again."
	switch m.Objects {
	case server.ObjectsLeftOut:
		lines = append(lines, "Not in the backup: the embedded S3, which it was told to leave out; "+lost)
	case "":
		lines = append(lines, "Not in the backup: the embedded S3, which earlier versions of Cairn left out; "+lost)
	}
	account, data := a.settings.values["account-id"], a.settings.values["data"]
	lines = append(lines, fmt.Sprintf("Never in a backup: the file credentials. Without a copy of its key, `cairn account rekey %s --data %s` makes a new one.", account, shellQuote(data)))
	for _, l := range lines {
		if _, err := fmt.Fprintln(a.stdout, l); err != nil {
			return err
		}
	}
	return nil
}

// checkRestored checks the new directory as far as there is a key for it.
func (a *app) checkRestored(cmd *cobra.Command, m *server.Manifest) error {
	cfg, err := a.serverConfig()
	if err != nil {
		return err
	}
	key := cfg.MasterKeyFile
	if key == "" {
		key = filepath.Join(cfg.Data, server.MasterKeyName)
	}
	if _, err := os.Stat(key); errors.Is(err, os.ErrNotExist) {
		_, err := fmt.Fprintf(a.stdout, "The backup holds no master key. Put it at %s (mode 0600), or name it with --master-key-file; then run `cairn check --data %s`.\n", key, shellQuote(cfg.Data))
		return err
	}
	begin := time.Now()
	report, err := server.CheckDirectory(cmd.Context(), quiet(cfg, a), func(int64) {})
	if err != nil {
		return err
	}
	return a.printReport(report, time.Since(begin), "text")
}
