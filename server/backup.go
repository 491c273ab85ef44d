package server

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The members of a backup beside the files of the store.
const (
	manifestName = "MANIFEST.json" // the last one, which makes the backup whole
	failureName  = "FAILED"        // in its place if the backup could not be completed
)

const (
	backupFormat  = "cairn-backup"
	backupVersion = 2
	spoolPrefix   = ".spool-"
	maxManifest   = 256 << 20
)

// What a manifest says of the embedded S3. Version 1 left it out without a word.
const (
	ObjectsIncluded = "included"
	ObjectsLeftOut  = "left out" // because the backup was asked to
	ObjectsNone     = "none"     // there were none: no server ever served the directory
)

// A Manifest lists what is in a backup.
type Manifest struct {
	Format  string           `json:"format"`
	Version int              `json:"version"`
	Store   string           `json:"store"`
	Created time.Time        `json:"created"`
	Cairn   string           `json:"cairn"`             // the version of the program
	Objects string           `json:"objects,omitempty"` // ObjectsIncluded, ObjectsLeftOut or ObjectsNone; empty in version 1
	Files   []ManifestFile   `json:"files"`
	Folders []ManifestFolder `json:"folders,omitempty"` // of which there may be very many files
}

// A ManifestFile is a file in a backup.
type ManifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// A ManifestFolder is the files of one folder in a backup, which are not listed
// one by one, so that a manifest stays small. They lie in the archive one behind
// the other, in the order of their names. The sum is over one line for each file:
// name, size, and SHA-256 of the content, with a space between and a line feed at
// the end.
type ManifestFolder struct {
	Name   string `json:"name"`
	Files  int64  `json:"files"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Size is the total size of the files, in bytes.
func (m *Manifest) Size() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	for _, f := range m.Folders {
		n += f.Size
	}
	return n
}

// Count is the number of files.
func (m *Manifest) Count() int64 {
	n := int64(len(m.Files))
	for _, f := range m.Folders {
		n += f.Files
	}
	return n
}

// Holds reports whether the backup has a file of its own name.
func (m *Manifest) Holds(name string) bool {
	return slices.ContainsFunc(m.Files, func(f ManifestFile) bool { return f.Name == name })
}

// BackupOptions say what is in a backup besides the catalog, the event log and
// the staged files.
type BackupOptions struct {
	MasterKey      bool // put the master key in
	WithoutObjects bool // leave the embedded S3 out
}

// backup streams a backup.
func (s *Server) backup(_ http.ResponseWriter, r *http.Request) (func(context.Context, http.ResponseWriter), error) {
	q := r.URL.Query()
	o := BackupOptions{MasterKey: q.Get("master-key") == "true", WithoutObjects: q.Get("objects") == "false"}
	if o.MasterKey {
		// Without its record a root secret does not leave.
		if err := s.audit(r.Context(), "GetBackup", true, map[string]any{"MasterKey": "true"}, nil); err != nil {
			return nil, err
		}
	} else {
		s.auditRead(r.Context(), "GetBackup", nil)
	}
	return func(ctx context.Context, w http.ResponseWriter) { s.streamBackup(ctx, w, o) }, nil
}

func (s *Server) streamBackup(ctx context.Context, w http.ResponseWriter, o BackupOptions) {
	w.Header().Set("Content-Type", "application/x-tar")
	w.WriteHeader(http.StatusOK)
	b := &backupWriter{tar: tar.NewWriter(w), manifest: Manifest{
		Format: backupFormat, Version: backupVersion, Store: s.id, Created: time.Now().UTC(), Cairn: s.cfg.Version,
	}}
	err := s.writeBackup(ctx, b, o)
	if err == nil {
		err = b.finish()
	}
	if err != nil {
		if callOf(ctx) == nil {
			s.cfg.Logger.Error("backup failed", "error", err)
		}
		b.fail(errors.New(s.tell(ctx, endOf(ctx, err))))
	}
}

// writeBackup takes the states of one moment first, the catalog's and right after
// it that of the embedded S3, and then what both refer to. So the log may hold
// more than the catalog knows, but never less, and of every object it has the
// call that put it, once that was answered. The S3 has everything that the catalog knows as delivered. It
// may have what the catalog still knows as staged: that is put once more, under
// the same name with the same bytes.
func (s *Server) writeBackup(ctx context.Context, b *backupWriter, o BackupOptions) (err error) {
	spools, err := os.MkdirTemp(s.cfg.Data, spoolPrefix)
	if err != nil {
		return fmt.Errorf("back up catalog: %w", err)
	}
	defer os.RemoveAll(spools)
	catalog, size, err := s.spoolCatalog(spools)
	if err != nil {
		return fmt.Errorf("back up catalog: %w", err)
	}
	defer catalog.Close()
	objects, err := s.snapshotObjects(spools, b, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, objects.Close()) }()

	if err := b.add(catalogName, size, catalog); err != nil {
		return err
	}
	if o.MasterKey {
		if err := s.backupMasterKey(b); err != nil {
			return err
		}
	}
	err = s.log.Backup(ctx, func(name string, size int64, r io.Reader) error {
		return b.add(path.Join(eventsName, name), size, r)
	})
	if err != nil {
		return err
	}
	if err := s.backupStaged(ctx, b); err != nil {
		return err
	}
	return objects.backup(ctx, b)
}

// removeSpools removes the copies of the catalog that a crash left behind. The
// caller holds the lock of the data directory.
func removeSpools(data string) error {
	entries, err := os.ReadDir(data)
	if err != nil {
		return fmt.Errorf("remove leftover copies of the catalog: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), spoolPrefix) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(data, e.Name())); err != nil {
			return fmt.Errorf("remove leftover copies of the catalog: %w", err)
		}
	}
	return nil
}

// spoolCatalog copies the catalog to a file of its own first, because a tar
// archive tells the size of a member before its bytes.
func (s *Server) spoolCatalog(dir string) (*os.File, int64, error) {
	spool, err := os.OpenFile(filepath.Join(dir, catalogName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, err
	}
	size, err := s.catalog.Snapshot(spool)
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(err, spool.Close())
	}
	return spool, size, nil
}

func (s *Server) backupMasterKey(b *backupWriter) error {
	name := s.cfg.MasterKeyFile
	if name == "" {
		name = filepath.Join(s.cfg.Data, MasterKeyName)
	}
	if s.cfg.MasterKey != nil {
		return errors.New("back up master key: it comes from the environment, not from a file")
	}
	key, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("back up master key: %w", err)
	}
	defer key.Close()
	info, err := key.Stat()
	if err != nil {
		return fmt.Errorf("back up master key: %w", err)
	}
	return b.add(MasterKeyName, info.Size(), key)
}
