package eventlog_test

import (
	"encoding/binary"
	"hash/crc32"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable"
	"cairn/internal/durable/memfs"
)

// fuzzFile replaces one file of a small store, checks, opens and reads it. That
// must not panic, hang, or take memory without bound; and what is read was
// appended, unless the fuzzer has made the checksums fit.
func fuzzFile(t *testing.T, s *smallStore, name string, data []byte, honest bool) {
	disk := s.disk.Clone()
	if err := durable.WriteFile(disk, name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := s.cfg
	cfg.FS = disk
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	report, err := eventlog.Check(ctx, eventlog.CheckConfig{Dir: cfg.Dir, FS: disk, Verifiers: cfg.Verifiers, KnownHead: &s.head})
	if original, _ := s.disk.ReadFile(name); err == nil && len(report.Damage) == 0 && honest && string(original) != string(data) &&
		path.Ext(name) != ".log" && path.Ext(name) != ".ndjson" {
		t.Errorf("the check does not see that %s was changed", name)
	}
	l, err := eventlog.Open(cfg)
	if err == nil {
		read, _ := readAll(l)
		found, _, _ := lookAll(l, eventlog.Query{Limit: 100})
		l.Values(ctx, eventlog.Scope{}, cairn.AttrEventName, "", 10)
		l.Histogram(ctx, eventlog.Query{}, 24*time.Hour)
		for i := range s.cfg.SegmentEvents / 200 {
			lookAll(l, byID(plainID(i)))
		}
		send(l, plain(5000), plain(4))
		l.Seal(ctx)
		if honest {
			for _, k := range read {
				checkKept(t, s, k.raw)
			}
			for _, e := range found {
				checkKept(t, s, string(e.Raw))
			}
		}
		l.Close()
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 512<<20 {
		t.Errorf("%d bytes were allocated for a file of %d", n, len(data))
	}
}

func checkKept(t *testing.T, s *smallStore, raw string) {
	var r cairn.Record
	if err := r.Extract([]byte(raw)); err != nil || s.records[r.EventID].raw != raw {
		t.Errorf("an event that was never appended: %.200q", raw)
	}
}

// fit sets the checksums of a file's header, and of an index's sections, to
// what they should be, so that what lies behind them is reached.
func fit(name string, data []byte) {
	le := binary.LittleEndian
	sum := func(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
	switch path.Ext(name) {
	case ".log", ".seg":
		if len(data) >= 64 {
			le.PutUint32(data[60:], sum(data[:60]))
		}
		magic := []byte("CBK1")
		for at := 64; at+56 <= len(data); at++ {
			if string(data[at:at+4]) != string(magic) {
				continue
			}
			if stored := int64(le.Uint32(data[at+8:])); stored <= int64(len(data)-at-56) {
				le.PutUint32(data[at+48:], sum(data[at+56:int64(at)+56+stored]))
			}
			le.PutUint32(data[at+52:], sum(data[at:at+52]))
		}
	case ".idx":
		if len(data) < 64 {
			return
		}
		sections := int(min(le.Uint32(data[60:]), 32))
		end := 72 + 20*sections
		if end+4 > len(data) {
			return
		}
		for i := range sections {
			at := data[72+20*i:]
			from, to := le.Uint64(at), (le.Uint64(at)+le.Uint64(at[8:])+7)&^7
			if from <= to && to <= uint64(len(data)) {
				le.PutUint32(at[16:], sum(data[from:to]))
			}
		}
		le.PutUint32(data[end:], sum(data[:end]))
	}
}

// fuzzKind fuzzes the files with one extension.
func fuzzKind(f *testing.F, ext string) {
	s := newSmallStore(f)
	var names []string
	for _, name := range s.disk.Names() {
		if path.Ext(name) == ext && path.Base(name) != "lock" {
			names = append(names, name)
		}
	}
	original, _ := s.disk.ReadFile(names[len(names)-1])
	name := names[len(names)-1]
	fitted := append([]byte(nil), original...)
	if fit(name, fitted); string(fitted) != string(original) {
		f.Fatalf("the checksums of %s stand elsewhere than the fuzzer thinks", name)
	}
	// The input edits the file: pairs of a place and a byte. Inputs of whole
	// files would fit no other store, as each has its own seed and key.
	f.Add([]byte{}, uint16(0), false)
	for at := 0; at < len(original); at += max(1, len(original)/12) {
		f.Add([]byte{byte(at), byte(at >> 8), 0xff, byte(at + 1), byte(at >> 8), 0x80}, uint16(0), at%2 == 0)
	}
	f.Add([]byte{8, 0, 0xff, 9, 0, 0xff, 10, 0, 0xff, 11, 0, 0xff}, uint16(0), true)
	f.Add([]byte{}, uint16(len(original)/2), true)
	f.Fuzz(func(t *testing.T, edits []byte, cut uint16, fitted bool) {
		data := append([]byte(nil), original...)
		if int(cut) > 0 && int(cut) < len(data) {
			data = data[:cut]
		}
		for ; len(edits) >= 3; edits = edits[3:] {
			if at := int(edits[0]) | int(edits[1])<<8; at < len(data) {
				data[at] ^= edits[2]
			}
		}
		if fitted {
			fit(name, data)
		}
		fuzzFile(t, s, name, data, !fitted)
	})
}

func FuzzSegment(f *testing.F) { fuzzKind(f, ".seg") }
func FuzzIndex(f *testing.F)   { fuzzKind(f, ".idx") }
func FuzzLog(f *testing.F)     { fuzzKind(f, ".log") }
func FuzzSeal(f *testing.F)    { fuzzKind(f, ".seal") }

// FuzzQuarantine and FuzzSealText read whole texts.
func FuzzQuarantine(f *testing.F) {
	s := newSmallStore(f)
	var name string
	for _, n := range s.disk.Names() {
		if path.Ext(n) == ".ndjson" {
			name = n
		}
	}
	original, _ := s.disk.ReadFile(name)
	f.Add(original)
	f.Add([]byte("{}\t1\t00000000\n"))
	f.Add([]byte("\n\n\t\t\n"))
	f.Add(append(original, "{}"...))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, s, name, data, true) })
}

func FuzzSealText(f *testing.F) {
	// The fuzzer has the key, so that the text behind the signature is reached.
	cfg := testConfig(f)
	cfg.SegmentEvents = 3
	l := open(f, cfg)
	mustSend(f, l, eventlog.Stored, plains(0, 3)...)
	seal(f, l)
	closeLog(f, l)
	disk := cfg.FS.(*memfs.FS)
	name := path.Join(cfg.Dir, "seals", "0000000000000000.seal")
	original, err := disk.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	text, _, _ := strings.Cut(string(original), "\n\n")
	f.Add(text + "\n")
	f.Add(strings.Replace(text, "segment 0 3", "segment 0 18446744073709551615", 1) + "\n")
	f.Add(strings.Replace(text, "\n3\n", "\n18446744073709551615\n", 1) + "\n")
	f.Add(text + "\nlost 0 18446744073709551615\n")
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := signNote(cfg.Signer, text)
		if err != nil {
			return
		}
		disk := disk.Clone()
		if err := durable.WriteFile(disk, name, signed, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := cfg
		cfg.FS = disk
		eventlog.Check(ctx, eventlog.CheckConfig{Dir: cfg.Dir, FS: disk, Verifiers: cfg.Verifiers})
		if l, err := eventlog.Open(cfg); err == nil {
			readAll(l)
			l.Close()
		}
	})
}
