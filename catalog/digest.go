package catalog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cairn/internal/durable"
)

const digestMark = "cairn-catalog-sha256-v1"

func digestPath(path string) string { return path + ".sha256" }

// digestText is the content of the digest file: a mark, the SHA-256 of the
// file, its length, and the CRC-32C of all that.
func digestText(sum []byte, size int64) string {
	line := fmt.Sprintf("%s %x %d", digestMark, sum, size)
	return fmt.Sprintf("%s %08x\n", line, crc32.Checksum([]byte(line), castagnoli))
}

// writeDigest notes the digest of a file that is closed and synced.
func writeDigest(path string) error {
	sum, size, err := sumOf(path)
	if err != nil {
		return err
	}
	return durable.WriteFile(durable.OS, digestPath(path), []byte(digestText(sum, size)), 0o600)
}

// sumOf returns the SHA-256 and the length of a file, which need not fit into
// memory.
func sumOf(path string) (sum []byte, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	hash := sha256.New()
	if size, err = io.Copy(hash, f); err != nil {
		return nil, 0, err
	}
	return hash.Sum(nil), size, nil
}

func removeDigest(path string) error {
	err := os.Remove(digestPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return durable.OS.SyncDir(filepath.Dir(path))
}

// compareDigest holds the SHA-256 and the length of a file against its digest
// file. Without one, exists is false.
func compareDigest(path string, sum []byte, size int64) (exists bool, damage *DamageError, err error) {
	have, err := os.ReadFile(digestPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	if string(have) == digestText(sum, size) {
		return true, nil, nil
	}
	if !digestSound(string(have)) {
		return true, &DamageError{File: digestPath(path), What: "its own checksum does not match; if the check of " + filepath.Base(path) + " finds nothing else, remove it"}, nil
	}
	return true, &DamageError{File: path, What: fmt.Sprintf("it is not what was closed, by the digest in %s: restore it from a backup, or, if it was replaced on purpose, remove the digest", digestPath(path))}, nil
}

// digestSound says whether the text is one that digestText has written.
func digestSound(text string) bool {
	line, ok := strings.CutSuffix(text, "\n")
	at := strings.LastIndexByte(line, ' ')
	return ok && at >= 0 && strings.HasPrefix(line, digestMark+" ") &&
		line[at+1:] == fmt.Sprintf("%08x", crc32.Checksum([]byte(line[:at]), castagnoli))
}
