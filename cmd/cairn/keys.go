package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cairn/catalog"
	"cairn/internal/durable"
	"cairn/server"
)

func (a *app) keysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Show or rotate the keys that seal secrets at rest",
		Args:  subcommandArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var format string
	status := &cobra.Command{
		Use:   "status",
		Short: "Show which keys there are and what is sealed under them",
		Long: `Show where the master key comes from, which data keys there are, and how many
secrets are sealed under each. No key is shown: a master key's ID is derived from it
and gives nothing away.`,
		Example: "  cairn keys status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withKeys(cmd, format, func(client *server.Client) error {
				status, err := client.Keys(cmd.Context())
				if err != nil {
					return err
				}
				if format == "json" {
					return a.printJSON(status)
				}
				return a.printKeyStatus(status)
			})
		},
	}
	rotate := a.keysRotateCommand(&format)
	for _, sub := range []*cobra.Command{status, rotate} {
		sub.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	}
	c.AddCommand(status, rotate)
	return c
}

func (a *app) keysRotateCommand(format *string) *cobra.Command {
	var file, saved string
	var generate bool
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Seal all secrets under a new key, and change the master key if asked",
		Long: `Make a new data key and seal all secrets under it: access keys, signing keys, the
materials of KMS keys, subscription tokens. With --generate or --new-master-key-file
the master key that wraps the data keys changes as well.

A master key that comes from a file is replaced in that file, and the old one opens
the directory no more. One from CAIRN_MASTER_KEY opens it until the first start with
the new one. An interrupted rotation leaves a directory that the key in the file, or
the old key, opens; the command can be given again.

A backup needs the master key that it was made under: --save-old-master-key keeps a
copy of the old one, which is in its file no more.

Objects in S3 keep the data key that they were written under, and so do tokens that
end by themselves; old data keys stay for them.`,
		Example: "  cairn keys rotate\n  cairn keys rotate --generate\n  umask 077; openssl rand -base64 32 > new.key; cairn keys rotate --new-master-key-file new.key",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			req := server.RotateKeysRequest{Generate: generate}
			if cmd.Flags().Changed("new-master-key-file") {
				if generate {
					return usagef("--generate and --new-master-key-file: a new master key is either made or given")
				}
				var err error
				if req.NewMasterKey, err = readNewMasterKey(file); err != nil {
					return err
				}
			}
			if saved != "" && !generate && req.NewMasterKey == nil {
				return usagef("--save-old-master-key: the master key stays, because neither --generate nor --new-master-key-file is given")
			}
			return a.withKeys(cmd, *format, func(client *server.Client) error {
				if saved != "" {
					if err := saveMasterKey(cmd.Context(), client, saved); err != nil {
						return err
					}
				}
				done, err := client.RotateKeys(cmd.Context(), req)
				if err != nil {
					return err
				}
				if *format == "json" {
					return a.printJSON(done)
				}
				return a.printRotation(done, file, saved)
			})
		},
	}
	rotate.Flags().StringVar(&file, "new-master-key-file", "", "file with the new master key: 32 bytes in base64 or hexadecimal, or a master key file")
	rotate.Flags().BoolVar(&generate, "generate", false, "make a new master key and write it to the master key file")
	rotate.Flags().StringVar(&saved, "save-old-master-key", "", "new file for a copy of the old master key, which backups need")
	return rotate
}

// withKeys calls do with a client of the directory or its server's socket: keys
// never go over the network.
func (a *app) withKeys(cmd *cobra.Command, format string, do func(*server.Client) error) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	if e := a.settings.values["endpoint"]; e != "" && !strings.HasPrefix(e, "unix:") {
		return usagef("%s %q: keys are managed on the server's machine only, with --data or --endpoint unix:/path/to/cairn.sock", a.settings.source["endpoint"], e)
	}
	return a.withLocalClient(cmd.Context(), false, do)
}

// readNewMasterKey reads the master key that is to come. Errors never repeat what
// the file holds.
func readNewMasterKey(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("--new-master-key-file %q: there is no such file; --generate makes a key", name)
	case err != nil:
		return nil, fmt.Errorf("read the new master key: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxConfiguration:
		return nil, usagef("--new-master-key-file %q: not a file with a key", name)
	}
	if perm := info.Mode().Perm(); runtime.GOOS != "windows" && perm&^0o600 != 0 {
		return nil, usagef("--new-master-key-file %q: its permissions are %04o, and others than its owner may have read it: make a new key in a file with mode 0600", name, perm)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the new master key: %w", err)
	}
	key, err := catalog.ParseMasterKey(string(text))
	if err != nil {
		return nil, usagef("--new-master-key-file %q: %w", name, err)
	}
	return key, nil
}

// saveMasterKey copies the file with the master key to a file that must not exist.
func saveMasterKey(ctx context.Context, client *server.Client, name string) error {
	status, err := client.Keys(ctx)
	if err != nil {
		return err
	}
	if status.MasterKey.File == "" {
		return usagef("--save-old-master-key: the master key comes from CAIRN_MASTER_KEY; keep a copy of that")
	}
	text, err := os.ReadFile(status.MasterKey.File)
	if err != nil {
		return fmt.Errorf("save the old master key: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("save the old master key: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close(), durable.OS.SyncDir(filepath.Dir(name))); err != nil {
		return fmt.Errorf("save the old master key: %w", err)
	}
	return nil
}

func (a *app) printKeyStatus(status *server.KeyStatus) error {
	m := status.MasterKey
	from := "CAIRN_MASTER_KEY"
	switch {
	case m.BesideData:
		from = m.File + ", beside the data: who can copy the one can copy the other"
	case m.File != "":
		from = m.File
	}
	fmt.Fprintf(a.stdout, "Master key  %s, from %s\n", m.ID, from)
	if len(m.Opening) > 1 {
		fmt.Fprintf(a.stdout, "A change of the master key is not finished: %s open the directory.\nOpen it with the last of them, or give a new master key with `cairn keys rotate`.\n", strings.Join(m.Opening, " and "))
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nDATA KEY\tCREATED\tSECRETS\t")
	for i, k := range status.DataKeys {
		note := ""
		if i == len(status.DataKeys)-1 {
			note = "seals"
		}
		id := fmt.Sprint(k.ID)
		created := k.Created.UTC().Format(time.RFC3339)
		if len(k.Sealed) == 0 {
			fmt.Fprintf(w, "%s\t%s\t0\t%s\n", id, created, note)
		}
		for _, of := range k.Sealed {
			fmt.Fprintf(w, "%s\t%s\t%d %s\t%s\n", id, created, of.Count, of.Kind, note)
			id, created, note = "", "", ""
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "\nNot counted, each under the data key of its time: %s.\n", strings.Join(status.NotCounted, "; "))
	return err
}

// printRotation tells what was done and what is left for the operator to do.
func (a *app) printRotation(done *server.KeysRotated, newKeyFile, saved string) error {
	if done.DataKeyID != 0 {
		fmt.Fprintf(a.stdout, "Data key %d seals from now on. Sealed anew:\n", done.DataKeyID)
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, of := range done.Resealed {
			fmt.Fprintf(w, "%d\t  %s\n", of.Count, of.Kind)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "Older data keys stay for what was not sealed anew: %s.\n", strings.Join(done.Kept, "; "))
	}
	if done.NewMasterKeyID == "" {
		_, err := fmt.Fprintln(a.stdout, "The master key is the same as before.")
		return err
	}
	fmt.Fprintf(a.stdout, "\nThe master key is %s instead of %s.\n", done.NewMasterKeyID, done.OldMasterKeyID)
	if !done.Finished {
		_, err := fmt.Fprintf(a.stdout, `Both open the directory until it is opened with the new one. Next:
  1. Set CAIRN_MASTER_KEY to what %s holds, wherever cairn runs on this directory.
  2. Restart the server: from then on the old key opens nothing.
  3. Run "cairn keys rotate" once more, for a data key that the old one never wrapped.
Backups made before step 2 need the old key: keep it as long as them.
`, newKeyFile)
		return err
	}
	old := "keep it, if you have it, as long as them"
	if saved != "" {
		old = "it is in " + saved + ", to be kept as long as them"
	}
	_, err := fmt.Fprintf(a.stdout, `%s holds it. The old one opens the directory no more.
Next: keep a copy of that file where backups of the directory do not go. Nothing has to be restarted.
Backups made before need the old key: %s. Make a new backup now.
`, done.MasterKeyFile, old)
	if newKeyFile != "" {
		_, err = fmt.Fprintf(a.stdout, "%s holds the new key too: remove it, or keep it as that copy.\n", newKeyFile)
	}
	return err
}
