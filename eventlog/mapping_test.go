package eventlog_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable"
)

// truncating empties a file right after it was mapped, once, so that each
// access to the mapping faults as it does over a sector that cannot be read.
type truncating struct {
	durable.FS
	ext  string
	left atomic.Int32 // mappings that are struck
}

func (fsys *truncating) Map(name string) (durable.Mapping, error) {
	m, err := fsys.FS.Map(name)
	if err == nil && filepath.Ext(name) == fsys.ext && fsys.left.Add(-1) >= 0 {
		err = os.Truncate(name, 0)
	}
	return m, err
}

// realConfig is for a log on the real disk, since memory does not fault.
func realConfig(t *testing.T) eventlog.Config {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is mapped cannot be truncated on Windows")
	}
	cfg := testConfig(t)
	cfg.Dir, cfg.FS, cfg.SegmentEvents = filepath.Join(t.TempDir(), "events"), durable.OS, 5
	return cfg
}

func isDamageOf(err error, ext string) bool {
	var d *eventlog.Damage
	return errors.As(err, &d) && filepath.Ext(d.File) == ext
}

// An index file that becomes shorter, or unreadable, under its mapping is
// damage that readers are told of. It does not end the process.
func TestIndexFileShrinks(t *testing.T) {
	t.Parallel()
	cfg := realConfig(t)
	l := open(t, cfg)
	mustSend(t, l, eventlog.Stored, plains(0, 5)...)
	seal(t, l)
	mustSend(t, l, eventlog.Stored, plains(5, 8)...)
	name := filepath.Join(cfg.Dir, "0000000000000000.idx")
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	events, damage, err := lookAll(l, eventlog.Query{Limit: 2})
	if err != nil || len(events) != 3 || len(damage) == 0 || !isDamageOf(damage[0], ".idx") {
		t.Errorf("lookup: %d events of 3, damage %v, %v", len(events), damage, err)
	}
	if _, err := l.Values(ctx, eventlog.Scope{}, cairn.AttrEventName, "", 0); !isDamageOf(err, ".idx") {
		t.Errorf("values: %v", err)
	}
	if _, damage := readAll(l); len(damage) == 0 || !isDamageOf(damage[0], ".idx") {
		t.Errorf("read: damage %v", damage)
	}
	results, err := l.Append(ctx, eventlog.Batch{Origin: cairn.OriginImported, Records: [][]byte{plain(2), plain(6), plain(9)}})
	if err != nil || results[1].Status != eventlog.Double || results[2].Status != eventlog.Stored {
		t.Errorf("append: %+v, %v", results, err)
	}
	err = l.Backup(ctx, func(_ string, _ int64, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	if !isDamageOf(err, ".idx") {
		t.Errorf("backup: %v", err)
	}
	closeLog(t, l)
	l = open(t, cfg) // makes the index again
	if events := lookup(t, l, eventlog.Query{Limit: 20}); len(events) < 9 {
		t.Errorf("%d events after a restart", len(events))
	}
}

// The same while the log is opened or checked.
func TestFilesShrinkMeanwhile(t *testing.T) {
	t.Parallel()
	cfg := realConfig(t)
	l := open(t, cfg)
	mustSend(t, l, eventlog.Stored, plains(0, 5)...)
	seal(t, l)
	mustSend(t, l, eventlog.Stored, plains(5, 8)...)
	closeLog(t, l)
	whole := os.DirFS(cfg.Dir)
	again := func(ext string) (eventlog.Config, *truncating) {
		c := cfg
		c.Dir = filepath.Join(t.TempDir(), "events")
		if err := os.CopyFS(c.Dir, whole); err != nil {
			t.Fatal(err)
		}
		fsys := &truncating{FS: durable.OS, ext: ext}
		fsys.left.Store(1)
		c.FS = fsys
		return c, fsys
	}

	c, _ := again(".log")
	if _, err := eventlog.Open(c); !isDamageOf(err, ".log") {
		t.Errorf("open with a .log that shrinks: %v", err)
	}
	c, _ = again(".idx")
	l = open(t, c)
	if events := lookup(t, l, eventlog.Query{}); len(events) != 8 {
		t.Errorf("%d events of 8 with an .idx that shrinks", len(events))
	}
	for _, ext := range []string{".log", ".seg"} {
		c, _ = again(ext)
		report, err := eventlog.Check(context.Background(), eventlog.CheckConfig{Dir: c.Dir, FS: c.FS, Verifiers: c.Verifiers})
		if err != nil || len(report.Damage) == 0 || filepath.Ext(report.Damage[0].File) != ext {
			t.Errorf("check with a %s that shrinks: %+v, %v", ext, report, err)
		}
	}
	c, fsys := again(".seg")
	if err := os.Remove(filepath.Join(c.Dir, "0000000000000000.idx")); err != nil {
		t.Fatal(err)
	}
	l = open(t, c)
	if events, damage, err := lookAll(l, eventlog.Query{}); err != nil || len(events) != 3 || len(damage) == 0 {
		t.Errorf("a .seg that shrinks while its index is made: %d events of 3, damage %v, %v", len(events), damage, err)
	}
	if fsys.left.Load() > 0 {
		t.Error("no index was made")
	}
}
