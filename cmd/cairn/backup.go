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
	var o server.BackupOptions
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a backup, also while the server runs",
		Long: `Write a backup of the data directory as a tar archive, also while the server runs:
the catalog, the event log, the log files and digests that wait for their bucket,
and all buckets of the embedded S3. --without-objects leaves those buckets out:
after such a backup was restored, deliveries to them fail until they are made
again. What is deleted from the S3 while the backup runs takes up its space until
the backup is done.

The archive is read back and every file in it verified before it gets its name;
an existing file is never overwritten. With - the archive goes to standard
output.

The master key is left out unless --include-master-key is given: keep it
elsewhere, because whoever has both can read every secret. The backup cannot be
used without it. The file credentials, with the operator's first access key, is
never in a backup.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd, func(client *server.Client) error {
				return a.backup(cmd.Context(), client, args[0], o)
			})
		},
	}
	c.Flags().BoolVar(&o.MasterKey, "include-master-key", false, "put the master key into the backup")
	c.Flags().BoolVar(&o.WithoutObjects, "without-objects", false, "leave the buckets of the embedded S3 out")
	return c
}

func (a *app) backup(ctx context.Context, client *server.Client, name string, o server.BackupOptions) error {
	if name == stdinName {
		return a.backupToStdout(ctx, client, o)
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
	m, err := writeBackup(ctx, client, partial, o)
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
	_, err = fmt.Fprintf(a.stdout, "Wrote and verified %s: %s, %s.\n", name, count(uint64(m.Count()), "file"), humanize.IBytes(uint64(m.Size())))
	if err == nil && m.Objects == server.ObjectsLeftOut {
		_, err = fmt.Fprintln(a.stdout, "The buckets of the embedded S3 are not in it (--without-objects).")
	}
	if err == nil && !o.MasterKey {
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
func writeBackup(ctx context.Context, client *server.Client, f *os.File, o server.BackupOptions) (*server.Manifest, error) {
	if err := client.Backup(ctx, f, o); err != nil {
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
func (a *app) backupToStdout(ctx context.Context, client *server.Client, o server.BackupOptions) error {
	pr, pw := io.Pipe()
	verified := make(chan error, 1)
	go func() {
		_, err := server.VerifyBackup(pr)
		_ = pr.CloseWithError(err)
		verified <- err
	}()
	err := client.Backup(ctx, io.MultiWriter(a.stdout, pw), o)
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
