package gateway_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/durable/memfs"
)

// goldenIntents holds the files of a journal as the first released version
// writes them, without the zeros at their ends. Later versions must read them
// for ever.
const goldenIntents = "testdata/intents/v1"

func newerIntentsHeader() []byte {
	b := make([]byte, 512)
	copy(b, "CAIRNINT")
	binary.LittleEndian.PutUint32(b[8:], 2)
	binary.LittleEndian.PutUint64(b[48:], 2560)
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// writeIntents makes a journal with an entry of each kind.
func writeIntents(t testing.TB) *memfs.FS {
	t.Helper()
	disk, log := memfs.New(0), newHeldLog()
	log.set(eventlog.ErrDiskFull, nil, false)
	j := openIntents(t, smallIntents(disk, log))
	mustBegin(t, j, "carried")
	mustKeep(t, mustBegin(t, j, "kept"), completing("kept"))
	for n := range 32 {
		i := intentOf(fmt.Sprint("done", n))
		i.Room = 420
		p, err := j.Begin(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		p.Done()
	}
	mustBegin(t, j, "open")
	if s := j.Stats(); s.Carried != 2 && s.Carried != 3 {
		t.Fatalf("nothing was carried: %+v", s)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

// The same calls give the same files, byte for byte, and those are read.
func TestIntentsGolden(t *testing.T) {
	t.Parallel()
	made := writeIntents(t)
	if os.Getenv("CAIRN_WRITE_GOLDEN") != "" {
		if err := os.MkdirAll(goldenIntents, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range made.Names() {
			data, err := made.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(goldenIntents, filepath.Base(name)), bytes.TrimRight(data, "\x00"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	names, err := filepath.Glob(goldenIntents + "/intents-*")
	if err != nil || len(names) != 16 {
		t.Fatalf("the golden journal has the files %v, %v", names, err)
	}
	disk, log := memfs.New(0), newHeldLog()
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		whole := make([]byte, 2560)
		copy(whole, data)
		to := intentsDir + "/" + filepath.Base(name)
		putFile(t, disk, to, whole)
		if got, err := made.ReadFile(to); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%s is written otherwise than it was (%v)", filepath.Base(name), err)
		}
	}
	j := openIntents(t, smallIntents(disk, log))
	if d := j.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
	for id, want := range map[string][]byte{"carried": intentOf("carried").Record, "open": intentOf("open").Record, "kept": completing("kept")} {
		onlyRecord(t, log, id, want)
	}
	if got := len(log.all()); got != 3 {
		t.Errorf("%d records were recovered", got)
	}
}

func putFile(t testing.TB, disk *memfs.FS, name string, data []byte) {
	t.Helper()
	if err := disk.MkdirAll(filepath.ToSlash(filepath.Dir(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := disk.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close(), disk.SyncDir(filepath.ToSlash(filepath.Dir(name)))); err != nil {
		t.Fatal(err)
	}
}

// FuzzIntents puts any bytes in the place of two neighbouring files, with
// checksums made right where the fuzzer asks for it. The journal opens, or says
// why not; what it gives the log was in the bytes; and it works on.
func FuzzIntents(f *testing.F) {
	made := writeIntents(f)
	a, err := made.ReadFile(intentsDir + "/intents-07")
	if err != nil {
		f.Fatal(err)
	}
	b, err := made.ReadFile(intentsDir + "/intents-08")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a, b, false)
	f.Add(b, a, true)
	f.Add(a[:1500], []byte{}, true)
	f.Add(bytes.Repeat([]byte("CINT"), 600), b, true)
	f.Fuzz(func(t *testing.T, a, b []byte, mend bool) {
		if len(a) > 1<<16 || len(b) > 1<<16 {
			return
		}
		if mend {
			a, b = mendIntents(a), mendIntents(b)
		}
		disk, log := made.Clone(), newHeldLog()
		putFile(t, disk, intentsDir+"/intents-07", a)
		putFile(t, disk, intentsDir+"/intents-08", b)
		j, err := gateway.OpenIntents(smallIntents(disk, anyLog{log}))
		if err != nil {
			if !strings.Contains(err.Error(), intentsDir) {
				t.Errorf("the error does not name the journal: %v", err)
			}
			return
		}
		defer j.Close()
		for n := range 40 {
			p, err := j.Begin(t.Context(), intentOf(fmt.Sprint("after", n)))
			if fullIntents(err) {
				break
			}
			if err != nil {
				t.Fatalf("Begin: %v", err)
			}
			if n%3 > 0 {
				p.Done()
			}
		}
	})
}

// mendIntents makes the checksums of all headers right.
func mendIntents(b []byte) []byte {
	b = bytes.Clone(b)
	table := crc32.MakeTable(crc32.Castagnoli)
	for at := 0; at+64 <= len(b); at += 64 {
		if bytes.HasPrefix(b[at:], []byte("CINT")) || bytes.HasPrefix(b[at:], []byte("CAIRNINT")) {
			binary.LittleEndian.PutUint32(b[at+60:], crc32.Checksum(b[at:at+60], table))
		}
	}
	return b
}

// anyLog takes records that are none, as an event log puts them into
// quarantine.
type anyLog struct{ *heldLog }

func (l anyLog) Append(_ context.Context, b eventlog.Batch) ([]eventlog.Result, error) {
	results := make([]eventlog.Result, len(b.Records))
	for i := range results {
		results[i].Status = eventlog.Quarantined
	}
	return results, nil
}
