package catalog_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"cairn/catalog"

	"golang.org/x/mod/sumdb/note"
)

func TestSealIsBoundToItsPlace(t *testing.T) {
	t.Parallel()
	k := open(t, catalog.Config{Dir: t.TempDir()}).Keyring()
	secret := []byte("the secret")
	sealed := ok(k.Seal("access-key", "111/a", secret))(t)
	if bytes.Contains(sealed, secret) {
		t.Error("the sealed bytes show the secret")
	}
	if again := ok(k.Seal("access-key", "111/a", secret))(t); bytes.Equal(again, sealed) {
		t.Error("two seals of one secret are equal")
	}
	if got := ok(k.Open("access-key", "111/a", sealed))(t); !bytes.Equal(got, secret) {
		t.Errorf("Open gave %q", got)
	}
	if got := ok(k.Open("p", "", ok(k.Seal("p", "", nil))(t)))(t); len(got) != 0 {
		t.Errorf("an empty secret came back as %q", got)
	}

	broken := func(what, purpose, row string, sealed []byte) {
		t.Helper()
		if _, err := k.Open(purpose, row, sealed); !errors.Is(err, catalog.ErrSealBroken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	broken("another row", "access-key", "222/a", sealed)
	broken("another purpose", "signing-key", "111/a", sealed)
	broken("a purpose that runs over into the row", "access-key1", "11/a", sealed)
	broken("nothing", "access-key", "111/a", nil)
	broken("more", "access-key", "111/a", append(slices.Clone(sealed), 0))
	for n := range sealed {
		broken("cut short", "access-key", "111/a", sealed[:n])
	}
	for bit := range len(sealed) * 8 {
		flipped := slices.Clone(sealed)
		flipped[bit/8] ^= 1 << (bit % 8)
		broken("a flipped bit", "access-key", "111/a", flipped)
	}

	other := open(t, catalog.Config{Dir: t.TempDir()}).Keyring()
	if _, err := other.Open("access-key", "111/a", sealed); !errors.Is(err, catalog.ErrSealBroken) {
		t.Errorf("another catalog: %v", err)
	}
}

func TestWrongMasterKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, open(t, catalog.Config{Dir: dir}).Close())
	wrong := filepath.Join(t.TempDir(), "wrong.key")
	must(t, catalog.WriteMasterKeyFile(wrong, catalog.NewMasterKey()))
	before := state(t, dir)

	var wrongKey *catalog.WrongKeyError
	if _, err := catalog.Open(catalog.Config{Dir: dir, MasterKeyFile: wrong}); !errors.As(err, &wrongKey) || !strings.Contains(err.Error(), wrong) {
		t.Errorf("Open with the wrong file: %v", err)
	}
	if _, err := catalog.Open(catalog.Config{Dir: dir, MasterKey: catalog.NewMasterKey()}); !errors.As(err, &wrongKey) {
		t.Errorf("Open with the wrong key: %v", err)
	}
	for name, cfg := range map[string]catalog.Config{
		"a short key": {Dir: dir, MasterKey: make([]byte, 31)},
		"two keys":    {Dir: dir, MasterKey: catalog.NewMasterKey(), MasterKeyFile: wrong},
	} {
		if _, err := catalog.Open(cfg); err == nil {
			t.Errorf("Open with %s succeeded", name)
		}
	}
	if after := state(t, dir); after != before {
		t.Error("a wrong key changed the directory")
	}
}

func TestMasterKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var logged bytes.Buffer
	must(t, open(t, catalog.Config{Dir: dir, Logger: logTo(&logged)}).Close())
	file := filepath.Join(dir, "master.key")
	if !strings.Contains(logged.String(), "WARN") || !strings.Contains(logged.String(), file) {
		t.Errorf("the log says %q", logged.String())
	}
	if info := ok(os.Stat(file))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v", info.Mode())
	}
	text := ok(os.ReadFile(file))(t)
	if !bytes.HasPrefix(text, []byte("cairn-master-key-v1 ")) || !bytes.HasSuffix(text, []byte("\n")) {
		t.Error("the key file has another format")
	}
	refused := func(what string, content []byte) {
		t.Helper()
		must(t, os.WriteFile(file, content, 0o600))
		var keyFile *catalog.KeyFileError
		_, err := catalog.Open(catalog.Config{Dir: dir})
		if !errors.As(err, &keyFile) || keyFile.File != file {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && len(content) > 30 && strings.Contains(err.Error(), string(content[25:40])) {
			t.Errorf("%s: the error repeats the key: %v", what, err)
		}
	}
	for bit := range len(text) * 8 {
		flipped := slices.Clone(text)
		flipped[bit/8] ^= 1 << (bit % 8)
		refused("a flipped bit", flipped)
	}
	refused("nothing", nil)
	refused("cut short", text[:len(text)-9])
	refused("more", append(slices.Clone(text), '\n'))

	must(t, os.WriteFile(file, text, 0o600))
	must(t, open(t, catalog.Config{Dir: dir}).Close())
	if runtime.GOOS != "windows" {
		for _, mode := range []fs.FileMode{0o644, 0o640, 0o606, 0o700} {
			must(t, os.Chmod(file, mode))
			var keyFile *catalog.KeyFileError
			if _, err := catalog.Open(catalog.Config{Dir: dir}); !errors.As(err, &keyFile) || !strings.Contains(err.Error(), "permissions") {
				t.Errorf("mode %v: %v", mode, err)
			}
		}
		must(t, os.Chmod(file, 0o400))
		must(t, open(t, catalog.Config{Dir: dir}).Close())
	}

	// For a catalog that exists, a new key would only hide the loss.
	must(t, os.Remove(file))
	if _, err := catalog.Open(catalog.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Open without the key file: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a new key was made for an existing catalog")
	}
	// A file that was named is never made.
	named := filepath.Join(dir, "named.key")
	if _, err := catalog.Open(catalog.Config{Dir: t.TempDir(), MasterKeyFile: named}); err == nil || !strings.Contains(err.Error(), named) {
		t.Errorf("Open with a missing key file: %v", err)
	}
}

func TestParseMasterKey(t *testing.T) {
	t.Parallel()
	key := catalog.NewMasterKey()
	file := filepath.Join(t.TempDir(), "key")
	must(t, catalog.WriteMasterKeyFile(file, key))
	text := string(ok(os.ReadFile(file))(t))
	for _, good := range []string{text, strings.TrimSpace(text), hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key) + "\n", base64.RawURLEncoding.EncodeToString(key)} {
		if got, err := catalog.ParseMasterKey(good); err != nil || !bytes.Equal(got, key) {
			t.Errorf("a key of %d characters: %v", len(good), err)
		}
	}
	for _, bad := range []string{"", "secret", hex.EncodeToString(key[:31]), hex.EncodeToString(append(key, 1)), text[:40], strings.Replace(text, " ", " A", 1)} {
		if _, err := catalog.ParseMasterKey(bad); err == nil {
			t.Errorf("%q was taken", bad)
		} else if len(bad) > 5 && strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
	if err := catalog.WriteMasterKeyFile(file, key[:5]); err == nil {
		t.Error("a short key was written")
	}
}

func TestRotateMasterKeyInAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "key")
	oldKey, newKey := catalog.NewMasterKey(), catalog.NewMasterKey()
	must(t, catalog.WriteMasterKeyFile(file, oldKey))
	c := open(t, catalog.Config{Dir: dir, MasterKeyFile: file})
	sealed := ok(c.Keyring().Seal("p", "r", []byte("secret")))(t)
	if err := c.Keyring().Rotate(oldKey); err == nil {
		t.Error("the old key was taken as the new one")
	}
	if err := c.Keyring().Rotate(newKey[:30]); err == nil {
		t.Error("a short key was taken")
	}
	must(t, c.Keyring().Rotate(newKey))
	expectSecret(t, c, sealed)
	must(t, c.Keyring().NewDataKey()) // wraps with the new key
	sealed2 := ok(c.Keyring().Seal("p", "r", []byte("secret")))(t)
	must(t, c.Close())

	if got := ok(catalog.ParseMasterKey(string(ok(os.ReadFile(file))(t))))(t); !bytes.Equal(got, newKey) {
		t.Error("the file does not hold the new key")
	}
	var wrong *catalog.WrongKeyError
	if _, err := catalog.Open(catalog.Config{Dir: dir, MasterKey: oldKey}); !errors.As(err, &wrong) {
		t.Errorf("Open with the old key: %v", err)
	}
	c = open(t, catalog.Config{Dir: dir, MasterKeyFile: file})
	expectSecret(t, c, sealed)
	expectSecret(t, c, sealed2)
}

// The crash is one between the change in the catalog and that of the file: the
// file's directory is gone when it is to be written.
func TestRotationCutShort(t *testing.T) {
	t.Parallel()
	dir, keyDir := t.TempDir(), filepath.Join(t.TempDir(), "keys")
	must(t, os.Mkdir(keyDir, 0o700))
	file := filepath.Join(keyDir, "key")
	oldKey, newKey := catalog.NewMasterKey(), catalog.NewMasterKey()
	must(t, catalog.WriteMasterKeyFile(file, oldKey))
	c := open(t, catalog.Config{Dir: dir, MasterKeyFile: file})
	sealed := ok(c.Keyring().Seal("p", "r", []byte("secret")))(t)
	must(t, os.RemoveAll(keyDir))
	if err := c.Keyring().Rotate(newKey); err == nil {
		t.Fatal("Rotate could not write the file, and gave no error")
	}
	expectSecret(t, c, sealed)
	if err := c.Keyring().NewDataKey(); err == nil {
		t.Error("a data key was added that one of the master keys cannot open")
	}
	var crashed bytes.Buffer
	ok(c.Snapshot(&crashed))(t)

	startWith := func(dir string, key []byte) *catalog.Catalog {
		t.Helper()
		c := open(t, catalog.Config{Dir: dir, MasterKey: key})
		expectSecret(t, c, sealed)
		return c
	}
	crash := func() string {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "catalog.db"), crashed.Bytes(), 0o600))
		return dir
	}
	// The old key opens it, as often as one likes, and then the new one.
	left := crash()
	must(t, startWith(left, oldKey).Close())
	must(t, startWith(left, oldKey).Close())
	must(t, startWith(left, newKey).Close())
	// From then on, the old one does not.
	var wrong *catalog.WrongKeyError
	if _, err := catalog.Open(catalog.Config{Dir: left, MasterKey: oldKey}); !errors.As(err, &wrong) {
		t.Errorf("Open with the old key after the new one: %v", err)
	}

	// The rotation can be repeated where it failed, with either key.
	must(t, os.Mkdir(keyDir, 0o700))
	must(t, c.Keyring().Rotate(newKey))
	must(t, c.Close())
	startWith(dir, newKey)
	next := startWith(crash(), oldKey)
	newest := catalog.NewMasterKey()
	must(t, next.Keyring().Rotate(newest))
	expectSecret(t, next, sealed)
}

func TestNewDataKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	signer, public, err := c.SigningKey("cairn/test")
	must(t, err)
	first := ok(c.Keyring().Seal("p", "r", []byte("secret")))(t)
	if same, changed, err := c.Keyring().Reseal("p", "r", first); err != nil || changed || !bytes.Equal(same, first) {
		t.Errorf("Reseal under the newest key: %t, %v", changed, err)
	}
	must(t, c.Keyring().NewDataKey())
	expectSecret(t, c, first)
	renewed, changed, err := c.Keyring().Reseal("p", "r", first)
	if err != nil || !changed || bytes.Equal(renewed[:5], first[:5]) {
		t.Errorf("Reseal: %t, %v", changed, err)
	}
	if _, _, err := c.Keyring().Reseal("p", "other", first); !errors.Is(err, catalog.ErrSealBroken) {
		t.Errorf("Reseal of another row: %v", err)
	}
	must(t, c.Close())
	c = open(t, catalog.Config{Dir: dir})
	expectSecret(t, c, first)
	expectSecret(t, c, renewed)
	again, publicAgain, err := c.SigningKey("cairn/test")
	if err != nil || publicAgain != public || again.KeyHash() != signer.KeyHash() {
		t.Errorf("the signing key is another one after a new data key: %v", err)
	}
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	signer, public, err := c.SigningKey("cairn/store-1")
	must(t, err)
	again, publicAgain, err := c.SigningKey("cairn/store-1")
	if err != nil || publicAgain != public || again.KeyHash() != signer.KeyHash() || signer.Name() != "cairn/store-1" {
		t.Errorf("a second call gave another key: %v", err)
	}
	early := ok(note.Sign(&note.Note{Text: "early\n"}, signer))(t)
	must(t, c.NewSigningKey("cairn/store-1"))
	later, _, err := c.SigningKey("cairn/store-1")
	must(t, err)
	if later.KeyHash() == signer.KeyHash() {
		t.Error("NewSigningKey made no new key")
	}
	late := ok(note.Sign(&note.Note{Text: "late\n"}, later))(t)
	if _, _, err := c.SigningKey("not a name"); err == nil {
		t.Error("a name with spaces was taken")
	}
	if keys := ok(c.VerifierKeys())(t); len(keys) != 2 || !slices.Contains(keys, public) {
		t.Errorf("verifier keys: %v", keys)
	}
	live := ok(c.Verifiers())(t)
	must(t, c.Close())
	offline := ok(catalog.ReadVerifiers(dir))(t)
	for _, verifiers := range []note.Verifiers{live, offline} {
		for _, signed := range [][]byte{early, late} {
			if _, err := note.Open(signed, verifiers); err != nil {
				t.Errorf("%q: %v", signed, err)
			}
		}
	}
	// The private halves are nowhere in the file.
	if file := ok(os.ReadFile(filepath.Join(dir, "catalog.db")))(t); bytes.Contains(file, []byte("PRIVATE")) || bytes.Contains(file, []byte(base64.StdEncoding.EncodeToString([]byte("PRIVATE")))) {
		t.Error("a private key lies open in the file")
	}
	// A sealed key that is moved to another name opens nothing.
	c = open(t, catalog.Config{Dir: dir})
	rows := catalog.TableOf[map[string]any](c, "signing-keys")
	row, _, err := rows.Get("cairn/store-1")
	must(t, err)
	ok(rows.Put("cairn/store-2", row))(t)
	if _, _, err := c.SigningKey("cairn/store-2"); !errors.Is(err, catalog.ErrSealBroken) {
		t.Errorf("a signing key under another name: %v", err)
	}
}

func expectSecret(t *testing.T, c *catalog.Catalog, sealed []byte) {
	t.Helper()
	if got, err := c.Keyring().Open("p", "r", sealed); err != nil || string(got) != "secret" {
		t.Errorf("Open = %q, %v", got, err)
	}
}
