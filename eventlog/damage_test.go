package eventlog_test

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable/memfs"
)

// A small store has one of each kind of file.
type smallStore struct {
	cfg     eventlog.Config
	disk    *memfs.FS
	head    eventlog.Head
	records map[string]kept // by event ID
	largest int             // records of one segment
}

func newSmallStore(t testing.TB) *smallStore {
	s := &smallStore{cfg: testConfig(t), disk: memfs.New(0), records: map[string]kept{}}
	now := epoch.Add(time.Hour)
	s.cfg.FS, s.cfg.Now, s.cfg.Retention, s.cfg.SegmentAge = s.disk, func() time.Time { return now }, 24*time.Hour, 1000*time.Hour
	s.largest = 8
	l := open(t, s.cfg)
	n := 0
	add := func(count int) {
		mustSend(t, l, eventlog.Stored, plains(n, n+count)...)
		n += count
	}
	add(3) // will be retired
	seal(t, l)
	now = now.Add(36 * time.Hour)
	old := n
	more := func(count int) {
		var records [][]byte
		for range count {
			records = append(records, made{id: plainID(n), at: now.Add(-time.Minute), user: "bob", failed: "AccessDenied", readOnly: "true", resources: [][2]string{{"AWS::S3::Bucket", "arn:aws:s3:::bucket"}}}.raw())
			n++
		}
		mustSend(t, l, eventlog.Stored, records...)
	}
	more(5)
	more(3)
	seal(t, l)
	if removed, err := l.Expire(); removed != 1 || err != nil {
		t.Fatalf("retention removed %d segments: %v", removed, err)
	}
	more(4)
	seal(t, l)
	more(3)
	more(2)
	results, err := send(l, []byte(`{"poison":1}`), []byte(`{"poison":2}`))
	if err != nil || results[0].Status != eventlog.Quarantined {
		t.Fatal(err)
	}
	s.head = head(t, l)
	all, damage := readAll(l)
	if len(damage) > 0 || len(all) != n-old {
		t.Fatalf("%d records, damage %v", len(all), damage)
	}
	for _, k := range all {
		var r cairn.Record
		if err := r.Extract([]byte(k.raw)); err != nil {
			t.Fatal(err)
		}
		s.records[r.EventID] = k
	}
	closeLog(t, l)
	return s
}

// Every bit of a small store is flipped. The check finds each flip and names
// the file; the log that is opened with it never gives an event that differs
// from what was appended, and loses no more than what the flip hit.
func TestEveryBitFlipped(t *testing.T) {
	t.Parallel()
	s := newSmallStore(t)
	mustBeClean(t, s.cfg, &s.head, true)
	type place struct {
		name   string
		offset int64
	}
	var places []place
	kinds := map[string]int{}
	for _, name := range s.disk.Names() {
		data, err := s.disk.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		kinds[path.Ext(name)]++
		for at := 0; at < len(data); at += scale(7, 1, 1) {
			places = append(places, place{name, int64(at)})
		}
	}
	if kinds[".log"] != 1 || kinds[".seg"] != 2 || kinds[".idx"] != 2 || kinds[".seal"] != 3 || kinds[".retired"] != 1 || kinds[".ndjson"] != 1 {
		t.Fatalf("the store has other files than meant: %v", kinds)
	}
	t.Logf("%d bytes", len(places))
	bits := scale(1, 1, 8)     // of each byte
	every := scale(40, 10, 10) // for how many flips the log is opened as well
	eachSeed(t, len(places)*bits, func(i int) error {
		p := places[i/bits]
		mask := byte(1) << ((i + i/bits) % 8)
		if bits == 1 {
			mask = 1 << (i * 7 % 8)
		}
		if err := s.flip(p.name, p.offset, mask, i%every == 0); err != nil {
			return fmt.Errorf("%s, byte %d, mask %02x: %w", p.name, p.offset, mask, err)
		}
		return nil
	})
}

func (s *smallStore) flip(name string, offset int64, mask byte, opened bool) error {
	disk := s.disk.Clone()
	if err := disk.Corrupt(name, offset, mask); err != nil {
		return err
	}
	cfg := s.cfg
	cfg.FS = disk
	report, err := eventlog.Check(ctx, eventlog.CheckConfig{Dir: cfg.Dir, FS: disk, Verifiers: cfg.Verifiers, KnownHead: &s.head, Clean: true})
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	named := false
	for _, d := range report.Damage {
		named = named || d.File == name
	}
	if !named {
		return fmt.Errorf("the check does not name the file: %v", report.Damage)
	}
	if !opened {
		return nil
	}
	cfg.KnownHead = &s.head
	l, err := eventlog.Open(cfg)
	if err != nil {
		// Without these there is nothing to hold the records to.
		if base := path.Base(name); base == "format" || strings.HasSuffix(base, ".seal") {
			return nil
		}
		return fmt.Errorf("open: %w", err)
	}
	defer l.Close()
	read, damage := readAll(l)
	if err := s.hold(name, len(read), damage, func(i int) (string, kept) {
		var r cairn.Record
		r.Extract([]byte(read[i].raw))
		return r.EventID, read[i]
	}); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	found, damage, err := lookAll(l, eventlog.Query{Limit: 5})
	if err != nil {
		return err
	}
	if err := s.hold(name, len(found), damage, func(i int) (string, kept) {
		return found[i].EventID, kept{found[i].Seq, string(found[i].Raw), found[i].Origin, found[i].Flags, found[i].Arrival}
	}); err != nil {
		return fmt.Errorf("lookup: %w", err)
	}
	for id := range s.records {
		if events, _, err := lookAll(l, byID(id)); err != nil || len(events) > 1 {
			return fmt.Errorf("%d events have the ID %s: %v", len(events), id, err)
		}
	}
	return nil
}

// hold compares events with what was appended.
func (s *smallStore) hold(name string, n int, damage []error, at func(int) (string, kept)) error {
	for i := range n {
		id, got := at(i)
		if want := s.records[id]; got != want {
			return fmt.Errorf("an event was changed: %+v, want %+v", got, want)
		}
	}
	lost := len(s.records) - n
	switch ext := path.Ext(name); {
	case lost > 0 && len(damage) == 0:
		return fmt.Errorf("%d records are lost in silence", lost)
	case lost > s.largest:
		return fmt.Errorf("%d records are lost, more than a segment has", lost)
	case lost > 0 && ext != ".log" && ext != ".seg" && ext != ".idx":
		return fmt.Errorf("%d records are lost with a file that holds none", lost)
	}
	return nil
}

// A segment that is large enough for a dictionary, flipped in places.
func TestFlipsInLargeSegment(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	disk := cfg.FS.(*memfs.FS)
	l := open(t, cfg)
	records := generated(5, 900)
	appendAll(t, l, records, 100)
	seal(t, l)
	h := head(t, l)
	closeLog(t, l)
	var names []string
	for _, name := range disk.Names() {
		if ext := path.Ext(name); ext == ".seg" || ext == ".idx" {
			names = append(names, name)
		}
	}
	eachSeed(t, scale(40, 300, 20_000), func(seed int) error {
		random := seeded(seed)
		name := names[seed%len(names)]
		clone := disk.Clone()
		data, _ := clone.ReadFile(name)
		at := random.Int64N(int64(len(data)))
		if err := clone.Corrupt(name, at, 1<<random.IntN(8)); err != nil {
			return err
		}
		cfg := cfg
		cfg.FS = clone
		report, err := eventlog.Check(ctx, eventlog.CheckConfig{Dir: cfg.Dir, FS: clone, Verifiers: cfg.Verifiers, KnownHead: &h, Clean: true})
		if err != nil || len(report.Damage) == 0 || report.Damage[0].File != name {
			return fmt.Errorf("%s, byte %d: %v, %v", name, at, err, report)
		}
		if seed%4 != 0 {
			return nil
		}
		l, err := eventlog.Open(cfg)
		if err != nil {
			return err
		}
		defer l.Close()
		read, _ := readAll(l)
		for _, k := range read {
			if k.raw != string(records[k.seq]) {
				return fmt.Errorf("%s, byte %d: record %d was changed", name, at, k.seq)
			}
		}
		found, _, err := lookAll(l, eventlog.Query{Limit: 1000})
		if err != nil {
			return err
		}
		for _, e := range found {
			if string(e.Raw) != string(records[e.Seq]) {
				return fmt.Errorf("%s, byte %d: event %d was changed", name, at, e.Seq)
			}
		}
		return nil
	})
}

// The last log is cut at every byte: what is whole before the cut stays.
func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	disk := cfg.FS.(*memfs.FS)
	l := open(t, cfg)
	name := path.Join(cfg.Dir, "0000000000000000.log")
	size := func() int64 {
		info, err := disk.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var ends []int64 // of the groups
	var counts []int // of records up to there
	n := 0
	for i := range 12 {
		records := plains(n, n+1+i%4)
		if i == 7 { // a group of several blocks
			records = nil
			for j := range 30 {
				records = append(records, made{id: plainID(n + j), text: strings.Repeat(plainID(j), 700)}.raw())
			}
		}
		mustSend(t, l, eventlog.Stored, records...)
		n += len(records)
		ends, counts = append(ends, size()), append(counts, n)
	}
	all, _ := readAll(l)
	disk = disk.CrashLosing()
	l.Close()
	total := int(ends[len(ends)-1])
	step := scale(61, 1, 1)
	if !*long && step == 1 && total > 12_000 {
		step = total / 6_000 // every byte of a nightly run
	}
	var cuts []int64
	for at := 0; at <= total; at += step {
		cuts = append(cuts, int64(at))
	}
	for _, end := range ends {
		cuts = append(cuts, end-1, end, min(end+1, int64(total)))
	}
	eachSeed(t, len(cuts), func(i int) error {
		cut := cuts[i]
		clone := disk.Clone()
		f, err := clone.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Truncate(cut), f.Sync(), f.Close()); err != nil {
			return err
		}
		want := 0
		for g, end := range ends {
			if end <= cut {
				want = counts[g]
			}
		}
		cfg := cfg
		cfg.FS = clone
		report, err := eventlog.Check(ctx, eventlog.CheckConfig{Dir: cfg.Dir, FS: clone, Verifiers: cfg.Verifiers})
		if err != nil || len(report.Damage) > 0 || report.Events != uint64(want) {
			return fmt.Errorf("cut at %d: check finds %d events of %d, damage %v, %v", cut, report.Events, want, report.Damage, err)
		}
		l, err := eventlog.Open(cfg)
		if err != nil {
			return fmt.Errorf("cut at %d: %w", cut, err)
		}
		defer l.Close()
		read, damage := readAll(l)
		if len(read) != want || len(damage) > 0 {
			return fmt.Errorf("cut at %d: %d records of %d, damage %v", cut, len(read), want, damage)
		}
		for i := range read {
			if read[i] != all[i] {
				return fmt.Errorf("cut at %d: record %d was changed", cut, i)
			}
		}
		if results, err := send(l, plain(100_000)); err != nil || results[0].Seq != uint64(want) {
			return fmt.Errorf("cut at %d: %+v, %v", cut, results, err)
		}
		return nil
	})
}

// Files that are missing are named, and nothing that is still there is lost
// with them.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	s := newSmallStore(t)
	for _, name := range s.disk.Names() {
		if path.Base(name) == "lock" || path.Ext(name) == ".ndjson" || path.Ext(name) == ".log" {
			continue // Check cannot know that a quarantine or the end was there; the known head tells of the end
		}
		disk := s.disk.Clone()
		if err := disk.Remove(name); err != nil {
			t.Fatal(err)
		}
		cfg := s.cfg
		cfg.FS = disk
		report := check(t, cfg, &s.head, true)
		if len(report.Damage) == 0 {
			t.Errorf("%s is missing, and the check finds nothing", name)
		}
		l, err := eventlog.Open(cfg)
		if err != nil {
			if strings.HasSuffix(name, ".idx") || strings.HasSuffix(name, ".retired") {
				t.Errorf("%s is missing: %v", name, err)
			}
			continue
		}
		read, damage := readAll(l)
		if lost := len(s.records) - len(read); lost > s.largest || lost > 0 && len(damage) == 0 && path.Ext(name) != ".seg" {
			t.Errorf("%s is missing: %d records lost, damage %v", name, lost, damage)
		}
		l.Close()
	}
	disk := s.disk.Clone()
	for _, name := range disk.Names() {
		if path.Ext(name) == ".log" {
			disk.Remove(name)
		}
	}
	cfg := s.cfg
	cfg.FS = disk
	if report := check(t, cfg, &s.head, false); len(report.Damage) == 0 {
		t.Error("the log is missing, a larger tree is known, and the check finds nothing")
	}
	cfg.KnownHead = &s.head
	l := open(t, cfg)
	results, err := send(l, made{id: "new", at: s.cfg.Now()}.raw())
	if err != nil || results[0].Seq < s.head.Size {
		t.Errorf("%+v, %v: a seq of a lost record is given out again", results, err)
	}
}
