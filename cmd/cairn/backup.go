package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) backupCommand() *cobra.Command {
	var includeKey bool
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a backup, also while the server runs",
		Long: `Write a backup of the data directory as a tar archive, also while the server runs.
The archive is read back and every file in it verified before it gets its name;
an existing file is never overwritten. With - the archive goes to standard
output.

The master key is left out unless --include-master-key is given: keep it
elsewhere, because whoever has both can read every secret. The backup cannot be
used without it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd, func(client *server.Client) error {
				return a.backup(cmd.Context(), client, args[0], includeKey)
			})
		},
	}
	c.Flags().BoolVar(&includeKey, "include-master-key", false, "put the master key into the backup")
	return c
}

func (a *app) backup(ctx context.Context, client *server.Client, name string, includeKey bool) error {
	if name == stdinName {
		return a.backupToStdout(ctx, client, includeKey)
	}
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("backup: %s exists already; it is not overwritten", name)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("backup: %w", err)
	}
	partial, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".partial-")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.Remove(partial.Name())
	m, err := writeBackup(ctx, client, partial, includeKey)
	if cerr := partial.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = giveName(partial.Name(), name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	_, err = fmt.Fprintf(a.stdout, "Wrote and verified %s: %d files, %s.\n", name, len(m.Files), humanize.IBytes(uint64(m.Size())))
	if err == nil && !includeKey {
		_, err = fmt.Fprintln(a.stdout, "The master key is not in it: keep a copy of that key elsewhere.")
	}
	return err
}

// giveName puts a file under its name, unless the name is taken by now. Where
// the file system has no links, that cannot be told in one step.
func giveName(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s exists by now; it is not overwritten", to)
	}
	return os.Rename(from, to)
}

// writeBackup writes the archive, makes it durable and reads it back.
func writeBackup(ctx context.Context, client *server.Client, f *os.File, includeKey bool) (*server.Manifest, error) {
	if err := client.Backup(ctx, f, includeKey); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m, err := server.VerifyBackup(f)
	if err != nil {
		return nil, fmt.Errorf("read it back: %w", err)
	}
	return m, nil
}

// backupToStdout verifies the archive while it passes by.
func (a *app) backupToStdout(ctx context.Context, client *server.Client, includeKey bool) error {
	pr, pw := io.Pipe()
	verified := make(chan error, 1)
	go func() {
		_, err := server.VerifyBackup(pr)
		_ = pr.CloseWithError(err)
		verified <- err
	}()
	err := client.Backup(ctx, io.MultiWriter(a.stdout, pw), includeKey)
	_ = pw.CloseWithError(err)
	if verr := <-verified; err == nil {
		err = verr
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// syncDir makes a new name in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
