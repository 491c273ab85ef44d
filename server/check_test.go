package server

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cairn/eventlog"
)

// One bit flipped anywhere in any file of a stopped store is found, and the
// report names the file.
func TestCheckFindsEveryFile(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s, err := Open(Config{Data: data, Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	tr := &transport{handler: s.Handler()}
	c := newClient(tr)
	importTest(t, c, testFile(1), 0, 20, true)
	if err := s.log.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	importTest(t, c, testFile(2), 0, 30, true)
	if _, err := c.ImportRecords(t.Context(), testFile(3), 0, [][]byte{[]byte(`{"eventName":1}`)}, true); err != nil {
		t.Fatal(err)
	}
	tr.wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkSound(t, data)

	files := 0
	err = filepath.WalkDir(data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ballastName { // which holds nothing
			return err
		}
		whole, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if len(whole) > 0 {
			files++
		}
		// A prime step reaches every kind of place over the files.
		step := len(whole)/60 + 1
		for at := files % step; at < len(whole); at += step {
			flipped := append([]byte(nil), whole...)
			flipped[at] ^= 1 << (at % 8)
			if err := os.WriteFile(name, flipped, 0o600); err != nil {
				return err
			}
			r, err := CheckDirectory(t.Context(), Config{Data: data}, func(int64) {})
			if err != nil {
				t.Errorf("%s, byte %d: %v", name, at, err)
			} else if !strings.Contains(strings.Join(r.Damage, "\n"), filepath.Base(name)) {
				t.Errorf("%s, byte %d: the report says %q", name, at, r.Damage)
			}
		}
		return os.WriteFile(name, whole, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 8 {
		t.Errorf("only %d files; the store should have at least 8", files)
	}
	checkSound(t, data)
}

func checkSound(t *testing.T, data string) {
	t.Helper()
	r, err := CheckDirectory(t.Context(), Config{Data: data}, func(int64) {})
	if err != nil || len(r.Damage) > 0 {
		t.Fatalf("a sound store: %+v, %v", r, err)
	}
	if r.Events == 0 || r.ProvenSize != r.HeadSize {
		t.Errorf("a store that was closed is not proved: %+v", r)
	}
}

// Damage that was met when the log was opened is told for ever after.
func TestCheckRemembersDamage(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	c := openTest(t, data)
	importTest(t, c, testFile(1), 0, 20, true)
	importTest(t, c, testFile(2), 0, 40, true)
	closeTest(t, c)
	name := filepath.Join(data, "events", "0000000000000000.log")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/4] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r, err := CheckDirectory(t.Context(), Config{Data: data}, func(int64) {})
		if err != nil || !strings.Contains(strings.Join(r.Damage, "\n"), "tree") {
			t.Fatalf("%+v, %v", r, err)
		}
		closeTest(t, openTest(t, data))
	}
	c = openTest(t, data)
	defer closeTest(t, c)
	r, err := c.Check(t.Context(), func(int64) {})
	if err != nil || !strings.Contains(strings.Join(r.Damage, "\n"), "the log did not bear out") {
		t.Errorf("%+v, %v", r, err)
	}
}

// A file that is gone is missed.
func TestCheckFindsMissingFiles(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	c := openTest(t, data)
	importTest(t, c, testFile(1), 0, 20, true)
	closeTest(t, c)
	for _, name := range []string{"events", "events/format", "events/0000000000000000.log", catalogName, "events/seals"} {
		from := filepath.Join(data, name)
		if err := os.Rename(from, from+"-away"); err != nil {
			t.Fatal(err)
		}
		r, err := CheckDirectory(t.Context(), Config{Data: data}, func(int64) {})
		if name != "events/seals" && (err != nil || len(r.Damage) == 0) {
			t.Errorf("without %s: %+v, %v", name, r, err)
		}
		if err := os.Rename(from+"-away", from); err != nil {
			t.Fatal(err)
		}
	}
	checkSound(t, data)
}

// A store that is being written to is found sound.
func TestCheckWhileWriting(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	stop := make(chan struct{})
	written := make(chan struct{})
	go func() {
		defer close(written)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := c.ImportRecords(t.Context(), testFile(n+1), 0, [][]byte{testRecord(n)}, true); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 5 {
		r, err := c.Check(t.Context(), func(int64) {})
		if err != nil || len(r.Damage) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	close(stop)
	<-written
}
