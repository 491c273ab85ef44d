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
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	return durable.WriteFile(durable.OS, digestPath(path), []byte(digestText(sum.Sum(nil), size)), 0o600)
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

// compareDigest holds the bytes of a file against its digest file. Without
// one, exists is false.
func compareDigest(path string, file []byte) (exists bool, damage *DamageError, err error) {
	have, err := os.ReadFile(digestPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	sum := sha256.Sum256(file)
	if string(have) == digestText(sum[:], int64(len(file))) {
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
