package server

import (
	"os"
	"path/filepath"
	"testing"

	"cairn/eventlog"
)

// Copies of the catalog that a crash left behind are removed at the next start.
func TestSpoolsAreRemoved(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	closeTest(t, openTest(t, data))
	dir, file := filepath.Join(data, spoolPrefix+"1"), filepath.Join(data, spoolPrefix+"2")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(dir, catalogName), file} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeTest(t, openTest(t, data))
	for _, name := range []string{dir, file} {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", name, err)
		}
	}
}

// That the catalog cannot be copied says nothing about what is stored.
func TestUncopiedCatalogIsNoDamage(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Data: t.TempDir(), Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := &CheckReport{}
	if err := r.checkOpenCatalog(filepath.Join(s.cfg.Data, "nowhere"), s.catalog); err == nil || len(r.Damage) > 0 {
		t.Errorf("error %v, damage %q", err, r.Damage)
	}
}
