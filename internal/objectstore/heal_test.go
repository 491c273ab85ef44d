package objectstore_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cairn/internal/objectstore"
)

// Damage to a row that only counts others is mended at the next start, and
// costs nothing else.
func TestDamagedCountsAreMended(t *testing.T) {
	t.Parallel()
	for _, row := range []string{`{"objects":5,`, `{"buckets":1,`} {
		dir := t.TempDir()
		contents, dataKey := small(t, dir)
		path := filepath.Join(dir, "index.db")
		index, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(index, []byte(row)) {
			t.Fatalf("the index holds no row %s", row)
		}
		index = bytes.ReplaceAll(index, []byte(row), []byte(strings.ToUpper(row)))
		if err := os.WriteFile(path, index, 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s := open(t, objectstore.Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if !strings.Contains(log.String(), "made anew") {
			t.Errorf("%s: the log does not tell: %s", row, log.String())
		}
		put(t, s, "new", []byte("new"))
		if st, err := s.Stats(ctx); err != nil || st.Buckets != 1 || st.Objects != int64(len(contents)+1) {
			t.Errorf("%s: stats are %+v (%v)", row, st, err)
		}
		s.Close()
		contents[ref("new", "")] = []byte("new")
		if survey(t, dir, row, contents, dataKey) {
			t.Errorf("%s: damage is reported after it was mended", row)
		}
	}
}
