package eventlog_test

import (
	"encoding/binary"
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

// A damaged block costs its own records when the index has to be made again,
// and readers are told of it at every start.
func TestIndexOfDamagedSegment(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SegmentEvents = 40
	var now time.Time
	cfg.Now = func() time.Time { return now }
	now = epoch.Add(time.Hour)
	l := open(t, cfg)
	var records [][]byte
	for i := range 40 {
		random := seeded(i)
		text := make([]byte, 20_000)
		for j := range text {
			text[j] = 'a' + byte(random.IntN(26))
		}
		records = append(records, made{id: plainID(i), at: epoch.Add(time.Duration(i) * time.Second), text: string(text)}.raw())
	}
	mustSend(t, l, eventlog.Stored, records...)
	seal(t, l)
	mustSend(t, l, eventlog.Stored, plains(100, 103)...)
	closeLog(t, l)
	original := cfg.FS.(*memfs.FS)
	const seg, idx = "/events/0000000000000000.seg", "/events/0000000000000000.idx"
	data, err := original.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []int
	for at := 64; at < len(data); at += 56 + int(binary.LittleEndian.Uint32(data[at+8:])) {
		blocks = append(blocks, at)
	}
	if len(blocks) < 8 {
		t.Fatalf("the segment has %d blocks", len(blocks))
	}

	for name, damage := range map[string]func([]byte) []byte{
		"payload of a block":   func(b []byte) []byte { b[blocks[3]+100] ^= 1; return b },
		"header of a block":    func(b []byte) []byte { b[blocks[3]+30] ^= 1; return b },
		"two headers":          func(b []byte) []byte { b[blocks[3]] ^= 1; b[blocks[4]] ^= 1; return b },
		"first header":         func(b []byte) []byte { b[blocks[0]+9] ^= 1; return b },
		"last header":          func(b []byte) []byte { b[blocks[len(blocks)-1]+9] ^= 1; return b },
		"cut within a block":   func(b []byte) []byte { return b[:blocks[6]+1000] },
		"cut behind a block":   func(b []byte) []byte { return b[:blocks[6]] },
		"all blocks are empty": func(b []byte) []byte { clear(b[64:]); return b },
	} {
		disk := original.Clone()
		cfg := cfg
		cfg.FS = disk
		if err := durable.WriteFile(disk, seg, damage(append([]byte(nil), data...)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := disk.Remove(idx); err != nil {
			t.Fatal(err)
		}
		found := -1
		for range 2 {
			l := open(t, cfg)
			events, lost, err := lookAll(l, eventlog.Query{Limit: 100})
			if err != nil || len(lost) == 0 || !strings.Contains(lost[0].Error(), seg) {
				t.Errorf("%s: damage %v, %v", name, lost, err)
			}
			if found >= 0 && len(events) != found {
				t.Errorf("%s: %d events, then %d", name, found, len(events))
			}
			found = len(events)
			read, told := readAll(l)
			if len(read) != found || len(told) == 0 {
				t.Errorf("%s: %d events are read, %d found; damage %v", name, len(read), found, told)
			}
			switch {
			case strings.HasPrefix(name, "cut"):
				if found <= 3+6*2 || found >= 43 {
					t.Errorf("%s: %d events", name, found)
				}
			case strings.HasPrefix(name, "all"):
				if found != 3 {
					t.Errorf("%s: %d events", name, found)
				}
			case found < 43-8 || found >= 43:
				t.Errorf("%s: %d events of 43", name, found)
			}
			// Nothing is written that would look like a sound index.
			err = l.Backup(ctx, func(name string, _ int64, r io.Reader) error {
				if path.Ext(name) == ".idx" {
					t.Errorf("%s: the backup has %s", name, name)
				}
				_, err := io.Copy(io.Discard, r)
				return err
			})
			if err != nil {
				t.Errorf("%s: backup: %v", name, err)
			}
			closeLog(t, l)
		}

		// Retention removes it like any other.
		cfg.Retention = 24 * time.Hour
		cfg.Now = func() time.Time { return now.Add(72 * time.Hour) }
		l := open(t, cfg)
		if n, err := l.Expire(); n != 1 || err != nil {
			t.Errorf("%s: %d segments expired, %v", name, n, err)
		}
		closeLog(t, l)
	}
}

// A reference of an index file to ranks that no event has is not followed,
// even where all checksums are right.
func TestRanksOutOfRange(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SegmentEvents = 5
	l := open(t, cfg)
	mustSend(t, l, eventlog.Stored, plains(0, 5)...)
	seal(t, l)
	closeLog(t, l)
	const name = "/events/0000000000000000.idx"
	b, err := cfg.FS.(*memfs.FS).ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	references := b[72+20*5:]
	from, n := binary.LittleEndian.Uint64(references), binary.LittleEndian.Uint64(references[8:])
	for i := range n {
		b[from+i] = 0xff
	}
	fit(name, b)
	if err := durable.WriteFile(cfg.FS, name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, cfg)
	if events, _, err := lookAll(l, byID("id-2")); err != nil || len(events) > 0 {
		t.Errorf("%d events, %v", len(events), err)
	}
	mustSend(t, l, eventlog.Stored, plain(2)) // not known to be a double
	if events, _, err := lookAll(l, byID("id-2")); err != nil || len(events) != 1 {
		t.Errorf("%d events of 1, %v", len(events), err)
	}
}

// Bytes behind the last record of a block are covered by no leaf of the tree.
// So a block has none.
func TestBytesBehindRecords(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	l := open(t, cfg)
	mustSend(t, l, eventlog.Stored, plains(0, 5)...)
	known := head(t, l)
	closeLog(t, l)
	const name = "/events/0000000000000000.log"
	b, err := cfg.FS.(*memfs.FS).ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	n := le.Uint32(b[64+8:])
	b = append(b[:64+56+n:64+56+n], "hidden"...)
	le.PutUint32(b[64+8:], n+6)
	le.PutUint32(b[64+12:], n+6)
	fit(name, b)
	if err := durable.WriteFile(cfg.FS, name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if report := check(t, cfg, &known, false); len(report.Damage) == 0 {
		t.Error("the check finds nothing")
	}
}

// An origin that does not exist would be stored for good.
func TestUnknownOrigin(t *testing.T) {
	t.Parallel()
	l := open(t, testConfig(t))
	for _, origin := range []cairn.Origin{0, cairn.OriginAudit + 1, 255} {
		if _, err := l.Append(ctx, eventlog.Batch{Origin: origin, Records: plains(0, 1)}); err != eventlog.ErrOrigin {
			t.Errorf("origin %d: %v", origin, err)
		}
	}
	for origin := cairn.OriginRecorded; origin <= cairn.OriginAudit; origin++ {
		results, err := l.Append(ctx, eventlog.Batch{Origin: origin, Records: [][]byte{plain(int(origin))}})
		if err != nil || results[0].Status != eventlog.Stored {
			t.Errorf("origin %v: %+v, %v", origin, results, err)
		}
	}
}
