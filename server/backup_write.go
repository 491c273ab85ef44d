package server

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"time"
)

// backupWriter writes the members of a backup and notes them in its manifest.
type backupWriter struct {
	tar      *tar.Writer
	manifest Manifest
	folder   folderSum // the one that is being written
}

// A folderSum makes the entry of a folder in a manifest.
type folderSum struct {
	ManifestFolder
	lines hash.Hash
	last  string // name of the last file
}

// add counts the next file.
func (s *folderSum) add(f ManifestFile) {
	if s.lines == nil {
		s.lines = sha256.New()
	}
	fmt.Fprintf(s.lines, "%s %d %s\n", f.Name, f.Size, f.SHA256)
	s.Files, s.Size, s.last = s.Files+1, s.Size+f.Size, f.Name
}

func (s *folderSum) entry() ManifestFolder {
	e := s.ManifestFolder
	e.SHA256 = hex.EncodeToString(s.lines.Sum(nil))
	return e
}

// folderOf returns the folder of a file that a manifest does not list by itself,
// or "".
func folderOf(name string) string {
	if strings.HasPrefix(name, objectsName+"/content/") || strings.HasPrefix(name, deliveryName+"/") {
		return path.Dir(name)
	}
	return ""
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
	f := ManifestFile{Name: name, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))}
	folder := folderOf(name)
	if folder != b.folder.Name {
		b.endFolder()
		b.folder.Name = folder
	}
	if folder == "" {
		b.manifest.Files = append(b.manifest.Files, f)
	} else {
		b.folder.add(f)
	}
	return nil
}

func (b *backupWriter) endFolder() {
	if b.folder.Files > 0 {
		b.manifest.Folders = append(b.manifest.Folders, b.folder.entry())
	}
	b.folder = folderSum{}
}

func (b *backupWriter) header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: b.manifest.Created.Truncate(time.Second), Format: tar.FormatPAX}
}

func (b *backupWriter) finish() error {
	b.endFolder()
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
