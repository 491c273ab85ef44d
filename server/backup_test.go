package server

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tarOf makes an archive of name, content pairs.
func tarOf(t *testing.T, members ...string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		h := &tar.Header{Name: members[i], Size: int64(len(members[i+1])), Mode: 0o600, Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(members[i+1], "->"); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, target, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, members[i+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// No archive makes Restore write outside its directory, and one that is not
// whole leaves nothing behind.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	const empty = `{"format":"cairn-backup","version":1,"files":[]}`
	const one = `{"format":"cairn-backup","version":1,"files":[{"name":"a","size":1,"sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}]}`
	for name, archive := range map[string]io.Reader{
		"nothing":          strings.NewReader(""),
		"no archive":       strings.NewReader(strings.Repeat("x", 2000)),
		"no manifest":      tarOf(t, "a", "a"),
		"parent":           tarOf(t, "../a", "a", manifestName, empty),
		"absolute":         tarOf(t, "/a", "a", manifestName, empty),
		"parent inside":    tarOf(t, "a/../../b", "a", manifestName, empty),
		"link":             tarOf(t, "a", "->/etc", manifestName, empty),
		"not listed":       tarOf(t, "a", "a", manifestName, empty),
		"missing":          tarOf(t, manifestName, one),
		"changed":          tarOf(t, "a", "b", manifestName, one),
		"twice":            tarOf(t, "a", "a", "a", "a", manifestName, one),
		"behind":           tarOf(t, "a", "a", manifestName, one, "b", "b"),
		"newer":            tarOf(t, manifestName, `{"format":"cairn-backup","version":9,"files":[]}`),
		"another manifest": tarOf(t, manifestName, `{}`),
		"failed":           tarOf(t, "a", "a", failureName, "the disk is full"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			if _, err := Restore(archive, filepath.Join(parent, "x", "data")); err == nil {
				t.Error("it was restored")
			}
			left, err := os.ReadDir(filepath.Join(parent, "x"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(tarOf(t, "a", "a", manifestName, one), data); err != nil {
		t.Errorf("a whole backup: %v", err)
	}
}

// A backup taken under writers is whole, and holds a state that was.
func TestHotBackup(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	stop := make(chan struct{})
	written := make(chan struct{})
	go func() {
		defer close(written)
		for n := 0; ; n += 3 {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := c.ImportRecords(t.Context(), testFile(n+1), 0, [][]byte{testRecord(n), testRecord(n + 1), testRecord(n + 2)}, true); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 3 {
		var b bytes.Buffer
		if err := c.Backup(t.Context(), &b, BackupOptions{MasterKey: true}); err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(t.TempDir(), "copy")
		if _, err := Restore(&b, data); err != nil {
			t.Fatal(err)
		}
		r, err := CheckDirectory(t.Context(), Config{Data: data}, func(int64) {})
		if err != nil || len(r.Damage) > 0 {
			t.Fatalf("%+v %v", r, err)
		}
		copied := openTest(t, data)
		if got := lookupAll(t, copied, LookupRequest{}); len(got)%3 != 0 {
			t.Errorf("%d events: a batch was taken in part", len(got))
		}
		closeTest(t, copied)
	}
	close(stop)
	<-written
}
