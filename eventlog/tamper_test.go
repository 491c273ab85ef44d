package eventlog_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable"
	"cairn/internal/durable/memfs"
)

// twoSegments makes a closed log of two sealed segments of five records each.
func twoSegments(t *testing.T, edit func(*eventlog.Config)) (eventlog.Config, *eventlog.Head) {
	t.Helper()
	cfg := testConfig(t)
	cfg.SegmentEvents = 5
	if edit != nil {
		edit(&cfg)
	}
	l := open(t, cfg)
	for i := range 2 {
		mustSend(t, l, eventlog.Stored, plains(5*i, 5*i+5)...)
		seal(t, l)
	}
	h := head(t, l)
	closeLog(t, l)
	return cfg, &h
}

// told checks that a log tells of damage to whoever looks events up, and that
// check finds it.
func told(t *testing.T, cfg eventlog.Config, h *eventlog.Head, what string) *eventlog.Log {
	t.Helper()
	if r := check(t, cfg, h, true); !strings.Contains(fmt.Sprint(r.Damage), what) {
		t.Errorf("check says %v, not %q", r.Damage, what)
	}
	l := open(t, cfg)
	if _, damage, err := lookAll(l, eventlog.Query{Limit: 100}); err != nil || !strings.Contains(fmt.Sprint(damage), what) {
		t.Errorf("lookup says %v, %v, not %q", damage, err, what)
	}
	return l
}

// Retention goes by what was signed, not by an index file that anybody could
// have written.
func TestForgedAge(t *testing.T) {
	t.Parallel()
	cfg, h := twoSegments(t, func(cfg *eventlog.Config) {
		cfg.Retention = 90 * 24 * time.Hour
		cfg.Now = func() time.Time { return epoch.Add(time.Hour) }
	})
	name := "/events/0000000000000000.idx"
	b, err := cfg.FS.(*memfs.FS).ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint64(b[32:], 0) // greatest time
	fit(name, b)
	if err := durable.WriteFile(cfg.FS, name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l := told(t, cfg, h, "index file")
	if n, err := l.Expire(); n != 0 || err != nil {
		t.Errorf("retention removed %d segments of an hour ago, %v", n, err)
	}
}

// A file name removes nothing.
func TestForgedRetirement(t *testing.T) {
	t.Parallel()
	cfg, h := twoSegments(t, nil)
	if err := durable.WriteFile(cfg.FS, "/events/seals/0000000000000000.retired", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := told(t, cfg, h, "0000000000000000.retired")
	if events, _, _ := lookAll(l, eventlog.Query{Limit: 100}); len(events) != 10 {
		t.Errorf("%d events are left of 10", len(events))
	}
}

// The seals name the file that the index keys depend on.
func TestForeignSeed(t *testing.T) {
	t.Parallel()
	cfg, h := twoSegments(t, nil)
	text := "cairn event log\nversion 1\nseed 0123456789abcdef\n"
	text += fmt.Sprintf("crc32c %08x\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)))
	if err := durable.WriteFile(cfg.FS, "/events/format", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := check(t, cfg, h, true); !strings.Contains(fmt.Sprint(r.Damage), "another format file") {
		t.Errorf("check says %v", r.Damage)
	}
	if l, err := eventlog.Open(cfg); err == nil {
		closeLog(t, l)
		t.Error("the log opens with a key seed that is not its own")
	}
}

// A segment that is gone without a note of retention is told of.
func TestMissingSegment(t *testing.T) {
	t.Parallel()
	cfg, h := twoSegments(t, nil)
	for _, ext := range []string{".seg", ".idx"} {
		if err := cfg.FS.Remove("/events/0000000000000000" + ext); err != nil {
			t.Fatal(err)
		}
	}
	l := told(t, cfg, h, "the segment is missing")
	if events, damage := readAll(l); len(events) != 5 || !strings.Contains(fmt.Sprint(damage), "records 0 to 4") {
		t.Errorf("read gives %d events of 5, and says %v", len(events), damage)
	}
	if damage := damageFrom(l, l.End()); len(damage) > 0 {
		t.Errorf("who reads from the end is told of damage before it: %v", damage)
	}
}

func damageFrom(l *eventlog.Log, p eventlog.Position) (damage []error) {
	for _, err := range l.Read(ctx, p) {
		if err != nil {
			damage = append(damage, err)
		}
	}
	return damage
}

// A directory whose files are gone is not taken for a new one.
func TestEmptiedDirectory(t *testing.T) {
	t.Parallel()
	cfg, h := twoSegments(t, nil)
	cfg.FS, cfg.KnownHead = memfs.New(0), h
	if l, err := eventlog.Open(cfg); err == nil {
		closeLog(t, l)
		t.Error("a log of which a tree of 10 records is known begins anew")
	}
}

// Records that are known to have been there are told of, and not aged away.
func TestLostRecords(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Retention = 90 * 24 * time.Hour
	cfg.Now = func() time.Time { return epoch }
	l := open(t, cfg)
	mustSend(t, l, eventlog.Stored, plains(0, 5)...)
	closeLog(t, l)
	cfg.KnownHead = &eventlog.Head{Size: 10}
	l = open(t, cfg)
	if _, damage, err := lookAll(l, eventlog.Query{Limit: 100}); err != nil || !strings.Contains(fmt.Sprint(damage), "records 5 to 9") {
		t.Errorf("lookup says %v, %v", damage, err)
	}
	seal(t, l)
	if n, err := l.Expire(); n != 0 || err != nil {
		t.Errorf("retention removed %d segments, %v", n, err)
	}
	closeLog(t, l)
	cfg.KnownHead = &eventlog.Head{Size: 1 << 40}
	if l, err := eventlog.Open(cfg); err == nil {
		closeLog(t, l)
		t.Error("the log opens although a trillion records are missing")
	}
}

// A known head that the records contradict is told of, wherever it ends.
func TestContradictedHead(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{3, 5, 7, 10, 12} {
		cfg, _ := twoSegments(t, nil)
		l := open(t, cfg)
		mustSend(t, l, eventlog.Stored, plains(10, 13)...)
		closeLog(t, l)
		cfg.KnownHead = &eventlog.Head{Size: size}
		l = open(t, cfg)
		if !l.Contradicted() {
			t.Errorf("a head of %d records that is another goes unnoticed", size)
		}
		closeLog(t, l)
	}
}

// A backup that is taken while segments are sealed opens.
func TestBackupDuringSeal(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SegmentEvents = 5
	l := open(t, cfg)
	mustSend(t, l, eventlog.Stored, plains(0, 3)...)
	disk := memfs.New(0)
	for _, dir := range []string{"/events/seals", "/events/quarantine"} {
		if err := disk.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	err := l.Backup(ctx, func(name string, size int64, r io.Reader) error {
		if name == "format" { // a slow reader: meanwhile two segments are sealed
			mustSend(t, l, eventlog.Stored, plains(3, 5)...)
			seal(t, l)
			mustSend(t, l, eventlog.Stored, plains(5, 10)...)
			seal(t, l)
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, r); err != nil {
			return err
		}
		return durable.WriteFile(disk, path.Join("/events", name), b.Bytes(), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.FS = disk
	l = open(t, cfg)
	if events, damage := readAll(l); len(events) < 3 || len(damage) > 0 {
		t.Errorf("the backup has %d records of at least 3, damage %v", len(events), damage)
	}
}

// Imported records are known again after more than a day, those that were
// dated ahead of their arrival too.
func TestImportedDoublesLater(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	now := epoch
	cfg.Now = func() time.Time { return now }
	l := open(t, cfg)
	batch := eventlog.Batch{Origin: cairn.OriginImported, Records: [][]byte{
		made{id: "a", at: epoch.Add(-time.Hour)}.raw(), made{id: "b", at: epoch.Add(3 * time.Hour)}.raw()}}
	for _, want := range []eventlog.Status{eventlog.Stored, eventlog.Double} {
		results, err := l.Append(ctx, batch)
		if err != nil || results[0].Status != want || results[1].Status != want {
			t.Errorf("%v, %v; want both %v", results, err, want)
		}
		seal(t, l)
		now = now.Add(48 * time.Hour)
	}
}

// Any number of records may claim one event ID. All are kept, and flagged.
func TestManyRecordsOneID(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SegmentEvents = 5000
	l := open(t, cfg)
	same := func(from, to int) (records [][]byte) {
		for i := from; i < to; i++ {
			records = append(records, bytes.Replace(plain(i), fmt.Appendf(nil, `"%s"`, plainID(i)), []byte(`"same"`), 1))
		}
		return records
	}
	mustSend(t, l, eventlog.Stored, same(0, 2000)...)
	seal(t, l)
	results := mustSend(t, l, eventlog.Stored, same(2000, 2100)...)
	for _, r := range results {
		if r.Flags != cairn.FlagConflict {
			t.Fatalf("a record with a taken ID is flagged %v", r.Flags.Strings())
		}
	}
	if events, _, err := lookAll(l, byID("same")); err != nil || len(events) != 2100 {
		t.Errorf("found %d of 2100, %v", len(events), err)
	}
}
