package eventlog_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable"
	"cairn/internal/durable/memfs"
)

var update = flag.Bool("update", false, "write testdata/golden/v1 anew")

// goldenDir holds a log as the first released version writes it, beside what is
// known of it. Later versions must open it for ever.
const goldenDir = "testdata/golden/v1"

// golden is what is known of the golden log.
type golden struct {
	Now         time.Time
	Size        uint64
	Root        string
	Events      uint64
	Quarantined uint64
	Names       map[string]int // events by name
	Flagged     int
}

func goldenConfig(t testing.TB, now time.Time) eventlog.Config {
	signer, verifiers := fixedKeys(t)
	return eventlog.Config{Dir: "/log", FS: memfs.New(0), Signer: signer, Verifiers: verifiers, Retention: 24 * time.Hour,
		SegmentAge: 1 << 60, ReserveBytes: -1, Now: func() time.Time { return now }}
}

// fixedKeys makes the keys of the golden log from a fixed seed. They protect
// nothing.
func fixedKeys(t testing.TB) (note.Signer, note.Verifiers) {
	t.Helper()
	private, public, err := note.GenerateKey(fixedSeed{}, "cairn/golden")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, note.VerifierList(verifier)
}

type fixedSeed struct{}

func (fixedSeed) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i + 1)
	}
	return len(p), nil
}

// goldenLog makes a log with each kind of file: a segment that retention has
// removed, one with a dictionary, one without, an open one closed cleanly, and a
// quarantine.
func goldenLog(t testing.TB) (eventlog.Config, golden) {
	now := epoch
	cfg := goldenConfig(t, now)
	cfg.Now = func() time.Time { return now }
	l := open(t, cfg)
	mustSend(t, l, eventlog.Stored, plains(0, 4)...)
	seal(t, l)
	now = now.Add(36 * time.Hour)
	if n, err := l.Expire(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	var records [][]byte
	for i := range 640 {
		records = append(records, made{id: fmt.Sprint("large", i), at: now.Add(-time.Duration(i) * time.Second), name: fmt.Sprint("Name", i%13),
			category: []string{"Management", "Data"}[i%2], account: []string{"111122223333", "444455556666"}[i%3/2],
			resources: [][2]string{{"AWS::S3::Bucket", fmt.Sprint("arn:aws:s3:::bucket", i%50)}}, text: strings.Repeat(fmt.Sprint("some text ", i%9, " "), 115)}.raw())
	}
	appendAll(t, l, records, 64)
	seal(t, l)
	mustSend(t, l, eventlog.Stored, made{id: "conflict", at: now}.raw(), made{id: "conflict", at: now, text: "other"}.raw(), made{id: "ahead", at: now.Add(time.Hour)}.raw())
	seal(t, l)
	if _, err := send(l, made{id: "last", at: now, name: "Größe"}.raw(), []byte(`{"poison":1}`), []byte{0xff}); err != nil {
		t.Fatal(err)
	}
	h := head(t, l)
	g := golden{Now: now, Size: h.Size, Root: hex.EncodeToString(h.Root[:]), Names: map[string]int{}, Quarantined: 2}
	for _, e := range lookup(t, l, eventlog.Query{Limit: 1000}) {
		g.Names[e.EventName]++
		g.Events++
		if e.Flags != 0 {
			g.Flagged++
		}
	}
	closeLog(t, l)
	return cfg, g
}

// The golden directory is opened, its contents are those that were written, and
// nothing is wrong with it.
func TestGolden(t *testing.T) {
	t.Parallel()
	if *update {
		writeGolden(t)
	}
	text, err := os.ReadFile(filepath.Join(goldenDir, "golden.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("there is no golden directory yet: run with -update to write it")
	}
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	cfg := goldenConfig(t, g.Now)
	root := filepath.Join(goldenDir, "log")
	err = filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		to := path.Join(cfg.Dir, filepath.ToSlash(rel))
		if err := cfg.FS.MkdirAll(path.Dir(to), 0o700); err != nil {
			return err
		}
		return durable.WriteFile(cfg.FS, to, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	holdGolden(t, cfg, g)
}

// What the golden directory is made of passes the golden test.
func TestGoldenGenerator(t *testing.T) {
	t.Parallel()
	cfg, g := goldenLog(t)
	if g.Events != 644 || g.Flagged != 2 {
		t.Fatalf("the golden log is not as meant: %+v", g)
	}
	sizes := map[string]int64{}
	for _, name := range cfg.FS.(*memfs.FS).Names() {
		info, err := cfg.FS.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		sizes[path.Ext(name)] += info.Size()
	}
	if sizes[".seg"] < 112<<10 {
		t.Errorf("no segment has a dictionary: %v", sizes)
	}
	holdGolden(t, cfg, g)
}

func holdGolden(t *testing.T, cfg eventlog.Config, g golden) {
	t.Helper()
	h := eventlog.Head{Size: g.Size}
	hex.Decode(h.Root[:], []byte(g.Root))
	report := mustBeClean(t, cfg, &h, true)
	if report.Head != h || report.Events != g.Events || report.Quarantined != g.Quarantined {
		t.Errorf("check: %+v, want %+v", report, g)
	}
	l := open(t, cfg)
	if got := head(t, l); got != h {
		t.Errorf("head %v, want %v", got, h)
	}
	names, flagged := map[string]int{}, 0
	for _, e := range lookup(t, l, eventlog.Query{Limit: 100}) {
		names[e.EventName]++
		if e.Flags != 0 {
			flagged++
		}
	}
	if flagged != g.Flagged || fmt.Sprint(names) != fmt.Sprint(g.Names) {
		t.Errorf("%d flagged, names %v; want %d, %v", flagged, names, g.Flagged, g.Names)
	}
	for name, n := range g.Names {
		q := eventlog.Query{Filters: []eventlog.Filter{{Attribute: cairn.AttrEventName, Values: []string{name}}}}
		if found := len(lookup(t, l, q)); found != n {
			t.Errorf("%d events are named %s, want %d", found, name, n)
		}
	}
	if r := mustSend(t, l, eventlog.Stored, made{id: "more", at: g.Now}.raw())[0]; r.Seq != g.Size {
		t.Errorf("the next seq is %d, want %d", r.Seq, g.Size)
	}
	if r := mustSend(t, l, eventlog.Double, made{id: "last", at: g.Now, name: "Größe"}.raw())[0]; r.Seq != g.Size-1 {
		t.Errorf("the last record is a double of seq %d, want %d", r.Seq, g.Size-1)
	}
	seal(t, l)
	closeLog(t, l)
	mustBeClean(t, cfg, &h, true)
}

func writeGolden(t *testing.T) {
	cfg, g := goldenLog(t)
	if err := os.RemoveAll(goldenDir); err != nil {
		t.Fatal(err)
	}
	disk := cfg.FS.(*memfs.FS)
	for _, name := range disk.Names() {
		data, err := disk.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(goldenDir, "log", filepath.FromSlash(strings.TrimPrefix(name, cfg.Dir)))
		if path.Base(name) == "lock" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.MarshalIndent(g, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(goldenDir, "golden.json"), append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newer makes a file of a later version of one of this.
func newer(name string, data []byte) []byte {
	data = append([]byte(nil), data...)
	le := binary.LittleEndian
	if path.Base(name) == "format" {
		text, _, _ := strings.Cut(strings.Replace(string(data), "version 1", "version 2", 1), "crc32c ")
		return fmt.Appendf(nil, "%scrc32c %08x\n", text, crc32.Checksum([]byte(text), castagnoli))
	}
	le.PutUint32(data[8:], 2)
	sum := 60 // where the header's checksum stands
	if path.Ext(name) == ".idx" {
		sum = 72 + 20*int(le.Uint32(data[60:]))
	}
	le.PutUint32(data[sum:], crc32.Checksum(data[:sum], castagnoli))
	return data
}

// A file of a later version is refused, and nothing is written.
func TestNewerFormatRefused(t *testing.T) {
	t.Parallel()
	s := newSmallStore(t)
	tried := map[string]bool{}
	for _, name := range s.disk.Names() {
		ext := path.Ext(name)
		if base := path.Base(name); base == "lock" || ext == ".seal" || ext == ".retired" || ext == ".ndjson" {
			continue
		}
		data, _ := s.disk.ReadFile(name)
		disk := s.disk.Clone()
		if err := durable.WriteFile(disk, name, newer(name, data), 0o600); err != nil {
			t.Fatal(err)
		}
		before := contents(disk)
		cfg := s.cfg
		cfg.FS = disk
		var refused *eventlog.NewerFormatError
		if l, err := eventlog.Open(cfg); !errors.As(err, &refused) || refused.File != name || refused.Version != 2 {
			t.Errorf("%s of version 2: open says %v", name, err)
			if err == nil {
				l.Close()
			}
		}
		if after := contents(disk); after != before {
			t.Errorf("%s of version 2: open has changed the directory", name)
		}
		_, err := eventlog.Check(ctx, eventlog.CheckConfig{Dir: cfg.Dir, FS: disk, Verifiers: cfg.Verifiers})
		if !errors.As(err, &refused) {
			t.Errorf("%s of version 2: check says %v", name, err)
		}
		tried[ext] = true
	}
	if len(tried) != 4 {
		t.Errorf("tried %v", tried)
	}
}

func contents(disk *memfs.FS) string {
	var b strings.Builder
	for _, name := range disk.Names() {
		data, _ := disk.ReadFile(name)
		fmt.Fprintf(&b, "%s %x\n", name, data)
	}
	return b.String()
}
