package server

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// VerifyBackup reads a backup and compares every file in it with its manifest.
func VerifyBackup(r io.Reader) (*Manifest, error) {
	return readBackup(r, func(string, io.Reader) error { return nil })
}

// readBackup hands each file of a backup to keep, which may leave bytes
// unread, and compares all with the manifest at the end.
func readBackup(r io.Reader, keep func(name string, r io.Reader) error) (*Manifest, error) {
	t := tar.NewReader(r)
	seen := &seenFiles{files: make(map[string]ManifestFile), folders: make(map[string]ManifestFolder)}
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
		if err := seen.next(h.Name); err != nil {
			return nil, err
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
		seen.add(ManifestFile{Name: h.Name, Size: h.Size, SHA256: hex.EncodeToString(hash.Sum(nil))})
	}
}

// seenFiles are the members that were read, to be compared with the manifest.
type seenFiles struct {
	files   map[string]ManifestFile
	folders map[string]ManifestFolder // those that are complete
	folder  folderSum                 // the one that is being read
}

// next refuses a file that comes again, or in a folder out of its order.
func (s *seenFiles) next(name string) error {
	folder := folderOf(name)
	if folder != s.folder.Name {
		s.endFolder()
		s.folder.Name = folder
	}
	_, twice := s.files[name]
	if folder != "" {
		_, twice = s.folders[folder]
	}
	switch {
	case twice || name == s.folder.last:
		return backupDamagef("it has two members %q", name)
	case name < s.folder.last:
		return backupDamagef("its member %q is out of order", name)
	}
	return nil
}

func (s *seenFiles) add(f ManifestFile) {
	if s.folder.Name != "" {
		s.folder.add(f)
	} else {
		s.files[f.Name] = f
	}
}

func (s *seenFiles) endFolder() {
	if s.folder.Files > 0 {
		s.folders[s.folder.Name] = s.folder.entry()
	}
	s.folder = folderSum{}
}

// compare says in what the members are other than a manifest has them.
func (s *seenFiles) compare(m *Manifest) error {
	s.endFolder()
	for _, want := range m.Files {
		have, ok := s.files[want.Name]
		switch {
		case !ok:
			return backupDamagef("%s is missing", want.Name)
		case have != want:
			return backupDamagef("%s is not what its manifest says", want.Name)
		}
	}
	for _, want := range m.Folders {
		have, ok := s.folders[want.Name]
		switch {
		case !ok:
			return backupDamagef("the files of %s are missing", want.Name)
		case have != want:
			return backupDamagef("the files of %s are not what its manifest says", want.Name)
		}
	}
	if len(m.Files) != len(s.files) || len(m.Folders) != len(s.folders) {
		return backupDamagef("it has %d files and %d folders, its manifest %d and %d", len(s.files), len(s.folders), len(m.Files), len(m.Folders))
	}
	return nil
}

// readManifest reads the manifest and compares it with what was seen.
func readManifest(t *tar.Reader, rest io.Reader, seen *seenFiles) (*Manifest, error) {
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
	if err := seen.compare(&m); err != nil {
		return nil, err
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
