package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"cairn/internal/objectstore"
)

// objectsConfig says where the store behind the embedded S3 is.
func (s *Server) objectsConfig() objectstore.Config {
	return objectstore.Config{Dir: objectsDir(s.cfg.Data), FS: s.cfg.FS, Now: s.cfg.Now, Logger: s.cfg.Logger}
}

func objectsDir(data string) string { return path.Join(filepath.ToSlash(data), objectsName) }

func deliveryDir(data string) string { return path.Join(filepath.ToSlash(data), deliveryName) }

// serving returns the front of a server that serves, or nil.
func (s *Server) serving() *front {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.front
}

// An objectsBackup is the embedded S3's part of a backup.
type objectsBackup struct {
	snapshot *objectstore.Snapshot // nil: nothing of it is in the backup
	own      *objectstore.Store    // that was opened for the backup; nil while serving
}

// snapshotObjects takes the state of the embedded S3, and notes in the manifest
// whether it is in the backup.
func (s *Server) snapshotObjects(spools string, b *backupWriter, o BackupOptions) (*objectsBackup, error) {
	ob := &objectsBackup{}
	f := s.serving()
	switch {
	case o.WithoutObjects:
		b.manifest.Objects = ObjectsLeftOut
		return ob, nil
	case f == nil && isMissing(s.cfg.Data, objectsName):
		b.manifest.Objects = ObjectsNone
		return ob, nil
	}
	b.manifest.Objects = ObjectsIncluded
	var err error
	store := f.store()
	if store == nil {
		if ob.own, err = objectstore.Open(s.objectsConfig()); err != nil {
			return nil, objectsFailure(err)
		}
		store = ob.own
	}
	if ob.snapshot, err = store.Snapshot(filepath.Join(spools, "objects.db")); err != nil {
		return nil, errors.Join(objectsFailure(err), ob.Close())
	}
	return ob, nil
}

// store returns the store behind the embedded S3 of a front that serves.
func (f *front) store() *objectstore.Store {
	if f == nil {
		return nil
	}
	return f.objects
}

// objectsFailure says how to go on where damage stands in the way.
func objectsFailure(err error) error {
	var damage *objectstore.DamageError
	if errors.As(err, &damage) {
		return fmt.Errorf("back up the embedded S3: %w (`cairn check` tells all that is damaged; `cairn backup --without-objects` leaves the S3 out)", err)
	}
	return fmt.Errorf("back up the embedded S3: %w", err)
}

func (ob *objectsBackup) backup(ctx context.Context, b *backupWriter) error {
	if ob.snapshot == nil {
		return nil
	}
	err := ob.snapshot.Files(ctx, func(name string, size int64, r io.Reader) error {
		return b.add(path.Join(objectsName, name), size, r)
	})
	var damage *objectstore.DamageError
	if errors.As(err, &damage) {
		return objectsFailure(err)
	}
	return err
}

// Close lets go of what the snapshot holds.
func (ob *objectsBackup) Close() error {
	var errs []error
	if ob.snapshot != nil {
		errs = append(errs, ob.snapshot.Close())
	}
	if ob.own != nil {
		errs = append(errs, ob.own.Close())
	}
	return errors.Join(errs...)
}

// backupStaged writes the log files and digests that wait for their bucket. What
// is delivered meanwhile is missing: the restored server makes it again from the
// log. What no row of the copied catalog names is removed at its start.
func (s *Server) backupStaged(ctx context.Context, b *backupWriter) error {
	dir := deliveryDir(s.cfg.Data)
	entries, err := s.cfg.FS.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("back up staged files: %w", err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.IsDir() || strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		if err := s.backupStagedFile(b, path.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("back up staged files: %w", err)
		}
	}
	return nil
}

func (s *Server) backupStagedFile(b *backupWriter, name string) error {
	f, err := s.cfg.FS.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	return b.add(path.Join(deliveryName, path.Base(name)), size, io.NewSectionReader(f, 0, size))
}
