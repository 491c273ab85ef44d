package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn"
	"cairn/internal/durable"
	"cairn/internal/durable/memfs"
)

var quarantineDay = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

const quarantineName = "/q/2026-01-05.ndjson"

func openTestQuarantine(t *testing.T, fsys durable.FS) *quarantine {
	t.Helper()
	q, err := openQuarantine(fsys, "/q")
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func rejects(n, size int) []reject {
	out := make([]reject, n)
	for i := range out {
		out[i] = reject{i, bytes.Repeat([]byte("x"), size), &cairn.RecordError{Field: "eventTime", Offset: 3, Reason: "is missing"}}
	}
	return out
}

// scanned reads a whole quarantine file.
func scanned(t *testing.T, fsys durable.FS, name string) (lines []Rejected, s quarantineScan, damage int) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	s = quarantineScan{file: f, size: size}
	s.line = func(r *Rejected) { lines = append(lines, *r) }
	s.damaged = func(int64, error) { damage++ }
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	return lines, s, damage
}

// When the day's file is full, records are counted only, and a line a minute
// tells how many they were. The next day begins anew.
func TestQuarantineFull(t *testing.T) {
	t.Parallel()
	disk := memfs.New(0)
	q := openTestQuarantine(t, disk)
	q.limit = 20_000
	now := quarantineDay
	b := &Batch{Origin: cairn.OriginPosted, Source: strings.Repeat("ä", 5000)}
	sent, full := 0, int64(0)
	for i := range 600 { // ten minutes
		if err := q.write(now, b, rejects(10, 100)); err != nil {
			t.Fatal(err)
		}
		sent += 10
		now = now.Add(time.Second)
		if i == 60 {
			full = q.size
		}
	}
	if grown := q.size - full; full > q.limit+1000 || grown > 10*500 {
		t.Errorf("the file has %d bytes and grows by %d more", full, grown)
	}
	tomorrow := now.Add(24 * time.Hour)
	if err := q.write(tomorrow, b, rejects(1, 100)); err != nil {
		t.Fatal(err)
	}
	if err := q.close(tomorrow); err != nil {
		t.Fatal(err)
	}
	lines, s, damage := scanned(t, disk, quarantineName)
	if damage > 0 || s.whole != s.size {
		t.Errorf("%d damaged places, %d of %d bytes are whole", damage, s.whole, s.size)
	}
	kept, told, notes := 0, uint64(0), 0
	for _, r := range lines {
		if told += r.Skipped; r.Skipped > 0 {
			notes++
			continue
		}
		kept++
		if len(r.Source) > maxSource || !strings.HasPrefix(b.Source, r.Source) || len(r.Raw) != 100 || r.Reason != "is missing" {
			t.Fatalf("a line is %+v", r)
		}
	}
	if kept == 0 || notes == 0 || notes > 12 || kept+int(told) != sent {
		t.Errorf("%d lines, %d notes of %d skipped: %d were sent", kept, notes, told, sent)
	}
	if lines, _, _ := scanned(t, disk, "/q/2026-01-06.ndjson"); len(lines) != 1 || lines[0].Skipped > 0 {
		t.Errorf("the next day has %+v", lines)
	}
}

// What is counted and not told of yet is told of when the quarantine is closed.
func TestQuarantineFullAtClose(t *testing.T) {
	t.Parallel()
	disk := memfs.New(0)
	q := openTestQuarantine(t, disk)
	q.limit = 100
	for range 3 {
		if err := q.write(quarantineDay, &Batch{Origin: cairn.OriginPosted}, rejects(5, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.close(quarantineDay); err != nil {
		t.Fatal(err)
	}
	lines, _, _ := scanned(t, disk, quarantineName)
	var skipped []uint64
	for _, r := range lines {
		skipped = append(skipped, r.Skipped)
	}
	if !slices.Equal(skipped, []uint64{5, 10}) {
		t.Errorf("the lines tell of %v", skipped)
	}
}

// counting counts the bytes that are read.
type counting struct {
	durable.FS
	bytes atomic.Int64
}

type countingFile struct {
	durable.File
	fs *counting
}

func (c *counting) OpenFile(name string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	return countingFile{f, c}, err
}

func (f countingFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	f.fs.bytes.Add(int64(n))
	return n, err
}

// To open a quarantine and to go on writing takes the end of its file only.
func TestQuarantineReadsTail(t *testing.T) {
	t.Parallel()
	disk := &counting{FS: memfs.New(0)}
	q := openTestQuarantine(t, disk)
	b := &Batch{Origin: cairn.OriginPosted}
	for range 40 {
		if err := q.write(quarantineDay, b, rejects(3, 50_000)); err != nil {
			t.Fatal(err)
		}
	}
	size := q.size
	if err := q.close(quarantineDay); err != nil {
		t.Fatal(err)
	}
	disk.bytes.Store(0)
	q = openTestQuarantine(t, disk)
	if err := q.write(quarantineDay, b, rejects(1, 10)); err != nil {
		t.Fatal(err)
	}
	if err := q.close(quarantineDay); err != nil {
		t.Fatal(err)
	}
	if n := disk.bytes.Load(); n > size/3 {
		t.Errorf("%d bytes were read of a file of %d", n, size)
	}
	if lines, s, damage := scanned(t, disk, quarantineName); len(lines) != 40*3+1 || s.whole != s.size || damage > 0 {
		t.Errorf("%d lines, %d of %d bytes are whole, %d damaged places", len(lines), s.whole, s.size, damage)
	}
}

// Wherever a file was cut or damaged, its end tells where its last whole write
// ends as reading all of it does.
func TestLastWriteFromTail(t *testing.T) {
	t.Parallel()
	disk := memfs.New(0)
	q := openTestQuarantine(t, disk)
	b := &Batch{Origin: cairn.OriginPosted}
	for i := range 25 {
		if err := q.write(quarantineDay, b, rejects(1+i%4, 3000*(i%7))); err != nil {
			t.Fatal(err)
		}
	}
	data, err := disk.ReadFile(quarantineName)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 4*tailBytes {
		t.Fatalf("the file has %d bytes only", len(data))
	}
	compare := func(what string, data []byte) error {
		fsys := memfs.New(0)
		fsys.MkdirAll("/q", 0o700)
		if err := durable.WriteFile(fsys, quarantineName, data, 0o600); err != nil {
			return err
		}
		before, s, _ := scanned(t, fsys, quarantineName)
		size, err := repairDay(fsys, quarantineName, true)
		if err != nil || size != s.whole {
			return fmt.Errorf("%s: %d bytes are kept, %d are whole, %v", what, size, s.whole, err)
		}
		kept, err := fsys.ReadFile(quarantineName)
		if err != nil || !bytes.Equal(kept, data[:s.whole]) {
			return fmt.Errorf("%s: the file was changed, %v", what, err)
		}
		if after, _, _ := scanned(t, fsys, quarantineName); len(after) > len(before) {
			return errors.New(what + ": there are more lines than before")
		}
		return nil
	}
	step := 9973
	if testing.Short() {
		step = 49_999
	}
	for at := 0; at <= len(data); at += step {
		if err := compare(fmt.Sprintf("cut at %d", at), data[:at]); err != nil {
			t.Error(err)
		}
		if at == len(data) {
			continue
		}
		flipped := slices.Clone(data)
		flipped[at] ^= 4
		if err := compare(fmt.Sprintf("flipped at %d", at), flipped); err != nil {
			t.Error(err)
		}
	}
	if err := compare("a tail of zeros", append(slices.Clone(data), make([]byte, 300_000)...)); err != nil {
		t.Error(err)
	}
	if err := compare("a tail of line feeds", append(slices.Clone(data), bytes.Repeat([]byte("\n"), 70_000)...)); err != nil {
		t.Error(err)
	}
}

// A line without an end takes no more memory than the longest line has.
func TestReadLineBounded(t *testing.T) {
	t.Parallel()
	disk := memfs.New(0)
	disk.MkdirAll("/q", 0o700)
	data := append(bytes.Repeat([]byte("x"), maxLine+maxLine/8), '\n')
	text, err := appendLine(data, &Rejected{Reason: "behind it"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(disk, quarantineName, text, 0o600); err != nil {
		t.Fatal(err)
	}
	lines, s, damage := scanned(t, disk, quarantineName)
	if len(lines) != 1 || lines[0].Reason != "behind it" || s.whole != s.size || damage != 1 {
		t.Errorf("%d lines, %d of %d bytes are whole, %d damaged places", len(lines), s.whole, s.size, damage)
	}
}

// Lines that were damaged at the end of a file are cut off when the log is
// opened, and kept beside it.
func TestCutLinesAreKept(t *testing.T) {
	t.Parallel()
	disk := memfs.New(0)
	if err := disk.MkdirAll("/q", 0o700); err != nil {
		t.Fatal(err)
	}
	q, err := openQuarantine(disk, "/q")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
	for range 2 {
		if err := q.write(now, &Batch{Origin: cairn.OriginPosted}, []reject{{raw: []byte("{}"), err: errors.New("reason")}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.close(now); err != nil {
		t.Fatal(err)
	}
	const name = "/q/2026-01-06.ndjson"
	whole, err := disk.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	disk.Corrupt(name, int64(len(whole)-20), 1)
	damaged, err := disk.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if q, err = openQuarantine(disk, "/q"); err != nil {
		t.Fatal(err)
	}
	defer q.close(now)
	left, err := disk.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := disk.ReadFile(name + ".0" + damagedExt)
	if err != nil || string(left)+string(kept) != string(damaged) || len(left) != len(whole)/2 {
		t.Errorf("of %d bytes %d are left and %d kept, %v", len(damaged), len(left), len(kept), err)
	}
}
