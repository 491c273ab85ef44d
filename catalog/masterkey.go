package catalog

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"cairn/internal/durable"
)

// MasterKeyBytes is the length of a master key.
const MasterKeyBytes = 32

const (
	masterKeyMark = "cairn-master-key-v1"
	masterKeySum  = 4 // bytes of checksum behind the key
)

// A KeyFileError says what is wrong with a master key file.
type KeyFileError struct {
	File string
	What string
}

func (e *KeyFileError) Error() string { return fmt.Sprintf("master key file %s: %s", e.File, e.What) }

// masterKey is a master key, where it came from, and a name that tells keys
// apart and gives nothing away.
type masterKey struct {
	secret []byte
	source string // for messages
	file   string // empty if the key did not come from a file
	id     string
}

func newMasterKey(secret []byte, source, file string) (*masterKey, error) {
	if len(secret) != MasterKeyBytes {
		return nil, fmt.Errorf("the master key (%s) has %d bytes instead of %d", source, len(secret), MasterKeyBytes)
	}
	return &masterKey{bytes.Clone(secret), source, file, hex.EncodeToString(derive(secret, "cairn/master-key-id/v1", 8))}, nil
}

// NewMasterKey returns a random master key.
func NewMasterKey() []byte { return random(MasterKeyBytes) }

// ParseMasterKey reads a master key from text: what WriteMasterKeyFile writes,
// or 32 bytes in base64 or hexadecimal.
func ParseMasterKey(text string) ([]byte, error) {
	if strings.HasPrefix(text, masterKeyMark) {
		return decodeMasterKey(strings.TrimRight(text, "\r\n") + "\n")
	}
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.Strict().DecodeString, base64.RawStdEncoding.Strict().DecodeString, base64.RawURLEncoding.Strict().DecodeString, base64.URLEncoding.Strict().DecodeString} {
		if key, err := decode(text); err == nil && len(key) == MasterKeyBytes {
			return key, nil
		}
	}
	// The text may be a key with a typing error: it is not repeated.
	return nil, fmt.Errorf("the master key is not %d bytes in base64 or hexadecimal", MasterKeyBytes)
}

// WriteMasterKeyFile writes a master key for Config.MasterKeyFile, readable by
// its owner only, in place of what the file held.
func WriteMasterKeyFile(name string, key []byte) error {
	if len(key) != MasterKeyBytes {
		return fmt.Errorf("write %s: a master key has %d bytes, not %d", name, MasterKeyBytes, len(key))
	}
	return durable.WriteFile(durable.OS, name, []byte(encodeMasterKey(key)), 0o600)
}

// loadMasterKey finds the master key where the configuration says. A catalog
// that is new may get a new key with it; for an existing one, a new key would
// only hide that the right one is missing.
func loadMasterKey(cfg Config, isNew bool, logger *slog.Logger) (*masterKey, error) {
	switch {
	case cfg.MasterKey != nil && cfg.MasterKeyFile != "":
		return nil, errors.New("both a master key and a master key file are given")
	case cfg.MasterKey != nil:
		return newMasterKey(cfg.MasterKey, "given directly", "")
	case cfg.MasterKeyFile != "":
		return readMasterKeyFile(cfg.MasterKeyFile)
	}
	file := filepath.Join(cfg.Dir, masterKeyFile)
	_, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) && isNew {
		if err := WriteMasterKeyFile(file, NewMasterKey()); err != nil {
			return nil, err
		}
	}
	key, err := readMasterKeyFile(file)
	if err == nil {
		logger.Warn("the master key lies beside the data that it protects: who can copy the one can copy the other; give a key file elsewhere", "file", file)
	}
	return key, err
}

func readMasterKeyFile(name string) (*masterKey, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &KeyFileError{name, "it does not exist; without it no secret of this catalog can be read, so restore it"}
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &KeyFileError{name, "it is not a regular file"}
	}
	if perm := info.Mode().Perm(); runtime.GOOS != "windows" && perm&^0o600 != 0 {
		return nil, &KeyFileError{name, fmt.Sprintf("its permissions are %04o, and others than its owner may use it: run chmod 600 on it, and rotate the key if someone else may have read it", perm)}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	key, err := decodeMasterKey(string(text))
	if err != nil {
		return nil, &KeyFileError{name, err.Error()}
	}
	return newMasterKey(key, name, name)
}

// encodeMasterKey writes a mark, the key with a checksum in base64, and a line
// feed.
func encodeMasterKey(key []byte) string {
	sum := sha256.Sum256(append([]byte(masterKeyMark+" "), key...))
	return masterKeyMark + " " + base64.StdEncoding.EncodeToString(append(bytes.Clone(key), sum[:masterKeySum]...)) + "\n"
}

// decodeMasterKey takes exactly what encodeMasterKey writes, and so notices
// any change in it. Messages never repeat the text.
func decodeMasterKey(text string) ([]byte, error) {
	mark, rest, _ := strings.Cut(text, " ")
	if mark != masterKeyMark {
		return nil, fmt.Errorf("it does not begin with %q: it is damaged, of a newer format, or something else", masterKeyMark)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(rest, "\n"))
	if err != nil || len(raw) != MasterKeyBytes+masterKeySum {
		return nil, errors.New("it is damaged: the key is not whole")
	}
	key := raw[:MasterKeyBytes:MasterKeyBytes]
	if encodeMasterKey(key) != text {
		return nil, errors.New("it is damaged: the checksum does not match")
	}
	return key, nil
}

// derive is HKDF with SHA-256, without salt: the secrets are random and whole.
func derive(secret []byte, info string, n int) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, info, n)
	if err != nil {
		panic(err) // only for lengths beyond 8160 bytes
	}
	return key
}
