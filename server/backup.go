package server

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"cairn/internal/durable"
)

// The members of a backup beside the files of the store.
const (
	manifestName = "MANIFEST.json" // the last one, which makes the backup whole
	failureName  = "FAILED"        // in its place if the backup could not be completed
)

const (
	backupFormat  = "cairn-backup"
	backupVersion = 1
	spoolPrefix   = ".spool-"
	maxManifest   = 256 << 20
)

// A Manifest lists what is in a backup.
type Manifest struct {
	Format  string         `json:"format"`
	Version int            `json:"version"`
	Store   string         `json:"store"`
	Created time.Time      `json:"created"`
	Cairn   string         `json:"cairn"` // the version of the program
	Files   []ManifestFile `json:"files"`
}

// A ManifestFile is a file in a backup.
type ManifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Size is the total size of the files, in bytes.
func (m *Manifest) Size() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// backup streams a backup.
func (s *Server) backup(_ http.ResponseWriter, r *http.Request) (func(context.Context, http.ResponseWriter), error) {
	masterKey := r.URL.Query().Get("master-key") == "true"
	if masterKey {
		// Without its record a root secret does not leave.
		if err := s.audit(r.Context(), "GetBackup", true, map[string]any{"MasterKey": "true"}, nil); err != nil {
			return nil, err
		}
	} else {
		s.auditRead(r.Context(), "GetBackup", nil)
	}
	return func(ctx context.Context, w http.ResponseWriter) { s.streamBackup(ctx, w, masterKey) }, nil
}

func (s *Server) streamBackup(ctx context.Context, w http.ResponseWriter, masterKey bool) {
	w.Header().Set("Content-Type", "application/x-tar")
	w.WriteHeader(http.StatusOK)
	b := &backupWriter{tar: tar.NewWriter(w), manifest: Manifest{
		Format: backupFormat, Version: backupVersion, Store: s.id, Created: time.Now().UTC(), Cairn: s.cfg.Version,
	}}
	err := s.writeBackup(ctx, b, masterKey)
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

// writeBackup writes the catalog first: the log may hold more than the catalog
// knows, but never less.
func (s *Server) writeBackup(ctx context.Context, b *backupWriter, masterKey bool) error {
	if err := s.backupCatalog(b); err != nil {
		return err
	}
	if masterKey {
		if err := s.backupMasterKey(b); err != nil {
			return err
		}
	}
	return s.log.Backup(ctx, func(name string, size int64, r io.Reader) error {
		return b.add(path.Join(eventsName, name), size, r)
	})
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

// backupCatalog copies the catalog to a file of its own first, because a tar
// archive tells the size of a member before its bytes.
func (s *Server) backupCatalog(b *backupWriter) error {
	spool, err := os.CreateTemp(s.cfg.Data, spoolPrefix)
	if err != nil {
		return fmt.Errorf("back up catalog: %w", err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	size, err := s.catalog.Snapshot(spool)
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("back up catalog: %w", err)
	}
	return b.add(catalogName, size, spool)
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

// backupWriter writes the members of a backup and notes them in its manifest.
type backupWriter struct {
	tar      *tar.Writer
	manifest Manifest
}

func (b *backupWriter) add(name string, size int64, r io.Reader) error {
	if err := b.tar.WriteHeader(b.header(name, size)); err != nil {
		return fmt.Errorf("back up %s: %w", name, err)
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(b.tar, hash), io.LimitReader(r, size))
	if err == nil && n != size {
		err = fmt.Errorf("it has %d bytes instead of %d", n, size)
	}
	if err != nil {
		return fmt.Errorf("back up %s: %w", name, err)
	}
	b.manifest.Files = append(b.manifest.Files, ManifestFile{Name: name, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))})
	return nil
}

func (b *backupWriter) header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: b.manifest.Created.Truncate(time.Second), Format: tar.FormatPAX}
}

func (b *backupWriter) finish() error {
	text, err := json.MarshalIndent(b.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := b.tar.WriteHeader(b.header(manifestName, int64(len(text)))); err != nil {
		return err
	}
	if _, err := b.tar.Write(text); err != nil {
		return err
	}
	return b.tar.Close()
}

// fail tells the reader why there is no manifest, if the archive is at a place
// between two members.
func (b *backupWriter) fail(err error) {
	text := err.Error()
	if b.tar.WriteHeader(b.header(failureName, int64(len(text)))) == nil {
		_, _ = io.WriteString(b.tar, text)
		_ = b.tar.Close()
	}
}

// VerifyBackup reads a backup and compares every file in it with its manifest.
func VerifyBackup(r io.Reader) (*Manifest, error) {
	return readBackup(r, func(string, io.Reader) error { return nil })
}

// readBackup hands each file of a backup to keep, which may leave bytes
// unread, and compares all with the manifest at the end.
func readBackup(r io.Reader, keep func(name string, r io.Reader) error) (*Manifest, error) {
	t := tar.NewReader(r)
	seen := make(map[string]ManifestFile)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil, backupDamagef("it is cut off: it has no %s", manifestName)
		}
		if err != nil {
			return nil, readBackupError(err)
		}
		switch {
		case h.Name == manifestName:
			return readManifest(t, r, seen)
		case h.Name == failureName:
			text, _ := io.ReadAll(io.LimitReader(t, 64<<10))
			return nil, fmt.Errorf("the backup was not completed: %q", text)
		case h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) || !fs.ValidPath(h.Name):
			return nil, backupDamagef("it has a member %q, which is not a file of a store", h.Name)
		}
		if _, twice := seen[h.Name]; twice {
			return nil, backupDamagef("it has two members %q", h.Name)
		}
		hash := sha256.New()
		body := io.TeeReader(t, hash)
		if err := keep(h.Name, body); errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, readBackupError(fmt.Errorf("%s: %w", h.Name, err))
		} else if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return nil, readBackupError(fmt.Errorf("%s: %w", h.Name, err))
		}
		seen[h.Name] = ManifestFile{Name: h.Name, Size: h.Size, SHA256: hex.EncodeToString(hash.Sum(nil))}
	}
}

// readManifest reads the manifest and compares it with what was seen.
func readManifest(t *tar.Reader, rest io.Reader, seen map[string]ManifestFile) (*Manifest, error) {
	text, err := io.ReadAll(io.LimitReader(t, maxManifest))
	if err != nil {
		return nil, readBackupError(fmt.Errorf("%s: %w", manifestName, err))
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Format != backupFormat {
		return nil, backupDamagef("%s is not the manifest of a backup", manifestName)
	}
	if m.Version > backupVersion {
		return nil, fmt.Errorf("the backup has format version %d, this version of Cairn reads version %d: use the newer version", m.Version, backupVersion)
	}
	for _, want := range m.Files {
		have, ok := seen[want.Name]
		switch {
		case !ok:
			return nil, backupDamagef("%s is missing", want.Name)
		case have != want:
			return nil, backupDamagef("%s is not what its manifest says", want.Name)
		}
	}
	if len(m.Files) != len(seen) {
		return nil, backupDamagef("it has %d files, its manifest %d", len(seen), len(m.Files))
	}
	if _, err := t.Next(); err != io.EOF {
		return nil, backupDamagef("something follows its manifest")
	}
	if _, err := io.Copy(io.Discard, rest); err != nil { // lets a pipe's writer finish
		return nil, fmt.Errorf("read backup: %w", err)
	}
	return &m, nil
}

// A BackupDamageError says that a backup does not hold what was written.
type BackupDamageError struct{ What string }

func (e *BackupDamageError) Error() string { return "the backup is damaged: " + e.What }

func backupDamagef(format string, args ...any) error {
	return &BackupDamageError{fmt.Sprintf(format, args...)}
}

// readBackupError tells an archive that makes no sense from a reader that
// failed.
func readBackupError(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return backupDamagef("%v", err)
	}
	return fmt.Errorf("read backup: %w", err)
}

// Restore makes a data directory from a backup. The directory must be empty or
// not there, and appears only when every file in it is durable and as the
// manifest has it.
func Restore(r io.Reader, data string) (*Manifest, error) {
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty; a backup is restored into an empty directory only", data)
	}
	parent := filepath.Dir(filepath.Clean(data))
	if err := durable.OS.MkdirAll(filepath.ToSlash(parent), 0o700); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(parent, filepath.Base(filepath.Clean(data))+".restoring-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp) // renamed, if all went well
	m, err := readBackup(r, func(name string, r io.Reader) error { return restoreFile(tmp, name, r) })
	if err != nil {
		return nil, err
	}
	if err := os.Remove(data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.Rename(tmp, data); err != nil {
		return nil, err
	}
	return m, durable.OS.SyncDir(filepath.ToSlash(parent))
}

// restoreFile writes one file and makes it and its name durable.
func restoreFile(dir, name string, r io.Reader) error {
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := durable.OS.MkdirAll(filepath.ToSlash(filepath.Dir(full)), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = durable.OS.SyncDir(filepath.ToSlash(filepath.Dir(full)))
	}
	return err
}
