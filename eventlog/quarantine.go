package eventlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"cairn"
	"cairn/internal/durable"
)

// The quarantine keeps malformed records with the reason why they were not
// stored: a file per UTC day, a line per record.
type quarantine struct {
	fsys  durable.FS
	dir   string
	limit int64 // bytes a day; see maxQuarantineDay

	mu   sync.Mutex
	file durable.File
	name string
	size int64

	// skipped counts the records that came when the day's file was full, since
	// a line last told of them.
	skipped uint64
	told    time.Time

	// broken is set after a write that may have left something unfinished
	// behind in the file called name.
	broken error
}

// A Rejected is one line of the quarantine.
type Rejected struct {
	Arrival time.Time `json:"arrival"`
	Origin  string    `json:"origin"`
	Source  string    `json:"source,omitempty"`
	Index   int       `json:"index"` // in its batch
	Field   string    `json:"field,omitempty"`
	Offset  int       `json:"offset"`
	Reason  string    `json:"reason"`
	Raw     []byte    `json:"raw"` // base64

	// Skipped is the number of records that a line stands for instead of one,
	// because they came when the day's quarantine was full.
	Skipped uint64 `json:"skipped,omitempty"`
}

// A line is the JSON of a Rejected, a tab, a number, a tab, the CRC-32C of all
// that in eight hex digits, and a line feed. The number is how many lines were
// written at once, on the first of them, and 0 on the others.
func appendLine(b []byte, r *Rejected, lines int) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return b, err
	}
	text = fmt.Appendf(text, "\t%d", lines)
	return fmt.Appendf(append(b, text...), "\t%08x\n", checksum(text)), nil
}

// parseLine returns the JSON and the number of a line without its line feed.
func parseLine(line []byte) (text []byte, lines int, err error) {
	i := bytes.LastIndexByte(line, '\t')
	if i < 0 || fmt.Sprintf("%08x", checksum(line[:i])) != string(line[i+1:]) {
		return nil, 0, errors.New("the line's checksum does not match")
	}
	j := bytes.LastIndexByte(line[:i], '\t')
	if j < 0 {
		return nil, 0, errors.New("the line does not say how many lines were written with it")
	}
	lines, err = strconv.Atoi(string(line[j+1 : i]))
	if err != nil || lines < 0 {
		return nil, 0, errors.New("the line does not say how many lines were written with it")
	}
	return line[:j], lines, nil
}

// reject is a record that failed extraction.
type reject struct {
	index int
	raw   []byte
	err   error
}

// maxQuarantineDay bounds what one day's quarantine may grow to, so that a
// broken sender cannot fill the disk. Records beyond it are only counted, and a
// line tells how many they were: one in toldEvery, and one at the end of the
// day. A crash loses the count since the last of them.
const (
	maxQuarantineDay = 256 << 20
	toldEvery        = time.Minute
)

// maxSource bounds what a line keeps of its batch's source, in bytes.
const maxSource = 256

// openQuarantine opens the quarantine in dir and cuts off what a crash left of
// the last write to it. That is the newest file, by its day or, should the
// clock have been set back, by when it was written.
func openQuarantine(fsys durable.FS, dir string) (*quarantine, error) {
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var latest, newest string
	var written time.Time
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if path.Ext(name) == damagedExt {
			continue
		}
		if path.Ext(name) == ".tmp" {
			if err := fsys.Remove(name); err != nil {
				return nil, err
			}
			continue
		}
		info, err := fsys.Stat(name)
		if err != nil {
			return nil, err
		}
		if latest = name; newest == "" || info.ModTime().After(written) {
			newest, written = name, info.ModTime()
		}
	}
	for _, name := range slices.Compact([]string{latest, newest}) {
		if name == "" {
			break
		}
		if _, err := repairDay(fsys, name, false); err != nil {
			return nil, err
		}
	}
	return &quarantine{fsys: fsys, dir: dir, limit: maxQuarantineDay}, nil
}

// repairDay cuts the remains of an unfinished write off a file, and returns its
// size. After a crash or a failed sync the page cache can hold of the last
// write what the disk never got, and a second sync would pass over it. So that
// write's bytes are written once more over themselves: always if fresh is set,
// else only if there is something to cut. All writes before it were synced, or
// it would not have been made.
func repairDay(fsys durable.FS, name string, fresh bool) (size int64, err error) {
	f, err := fsys.OpenFile(name, os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() {
		if cErr := f.Close(); err == nil {
			err = cErr
		}
	}()
	found, err := lastWrite(f)
	if err != nil {
		return 0, err
	}
	if cut := found.whole < found.size; !cut && (!fresh || found.whole == 0) {
		return found.whole, nil
	}
	if found.whole > found.start {
		last := make([]byte, found.whole-found.start)
		if _, err := f.ReadAt(last, found.start); err != nil {
			return 0, err
		}
		if _, err := f.WriteAt(last, found.start); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	if found.whole < found.size {
		if err := keepCut(fsys, name, f, found); err != nil {
			return 0, err
		}
		if err := f.Truncate(found.whole); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return found.whole, nil
}

// damagedExt ends the names of files that hold what was cut off others.
const damagedExt = ".damaged"

// maxKeptCuts bounds the cuts that are kept of one file.
const maxKeptCuts = 100

// keepCut keeps what is about to be cut off a file: nobody can tell the remains
// of an unfinished write from lines that were damaged later. A full disk does
// not keep the log from opening.
func keepCut(fsys durable.FS, name string, f durable.File, found foundWrite) error {
	cut := make([]byte, min(found.size-found.whole, maxQuarantineDay))
	if _, err := f.ReadAt(cut, found.whole); err != nil {
		return err
	}
	for n := range maxKeptCuts {
		kept := fmt.Sprintf("%s.%d%s", name, n, damagedExt)
		if _, err := fsys.Stat(kept); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := durable.WriteFile(fsys, kept, cut, 0o600); err != nil && !diskFull(err) {
			return err
		}
		return nil
	}
	return nil
}

// foundWrite is the last whole write that a file has.
type foundWrite struct {
	start, whole int64 // where it begins and ends
	size         int64 // of the file
}

// tailBytes is how much of a file's end is read first to find its last write.
const tailBytes = 64 << 10

// lastWrite finds a file's last whole write from its end.
func lastWrite(f durable.File) (found foundWrite, err error) {
	size, err := f.Size()
	if err != nil {
		return found, err
	}
	for n := int64(tailBytes); ; n *= 8 {
		from := max(0, size-n)
		s := quarantineScan{file: f, from: from, size: size, inside: from > 0}
		if err := s.run(); err != nil {
			return found, err
		}
		// The first line of a write says all that went before is whole.
		if s.whole > 0 || from == 0 {
			return foundWrite{start: s.start, whole: s.whole, size: size}, nil
		}
	}
}

// write makes rejected records durable, as long as today's file has room.
func (q *quarantine) write(now time.Time, b *Batch, rejects []reject) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	name := path.Join(q.dir, now.UTC().Format("2006-01-02")+".ndjson")
	if err := q.openDay(name, now); err != nil {
		return q.failed(name, err)
	}
	var lines []Rejected
	room, skipped := q.limit-q.size, q.skipped
	for _, r := range rejects {
		line := Rejected{Arrival: now.UTC(), Origin: b.Origin.String(), Source: shorten(b.Source, maxSource), Index: r.index, Reason: r.err.Error(), Raw: r.raw}
		var rec *cairn.RecordError
		if errors.As(r.err, &rec) {
			line.Field, line.Offset, line.Reason = rec.Field, rec.Offset, rec.Reason
		}
		need := int64(len(line.Raw)/3*4 + len(line.Source) + len(line.Field) + len(line.Reason) + 256)
		if room -= need; room < 0 {
			skipped++
			continue
		}
		lines = append(lines, line)
	}
	// The clock may have been set back.
	if since := now.Sub(q.told); skipped > 0 && (since >= toldEvery || since < 0) {
		lines = append(lines, skippedLine(now, skipped))
		q.told, skipped = now, 0
	}
	if err := q.append(lines); err != nil {
		return q.failed(name, err)
	}
	q.skipped = skipped
	return nil
}

func skippedLine(now time.Time, n uint64) Rejected {
	return Rejected{Arrival: now.UTC(), Index: -1, Offset: -1, Skipped: n,
		Reason: fmt.Sprintf("%d malformed records were not kept, because the day's quarantine was full", n)}
}

// shorten cuts a text to at most n bytes, between two characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// append makes lines durable, all or none.
func (q *quarantine) append(lines []Rejected) error {
	if len(lines) == 0 {
		return nil
	}
	var buf []byte
	for i := range lines {
		together := 0
		if i == 0 {
			together = len(lines)
		}
		var err error
		if buf, err = appendLine(buf, &lines[i], together); err != nil {
			return err
		}
	}
	if _, err := q.file.WriteAt(buf, q.size); err != nil {
		if q.file.Truncate(q.size) != nil {
			q.abandon(err)
		}
		return err
	}
	if err := q.file.Sync(); err != nil {
		q.abandon(err)
		return err
	}
	q.size += int64(len(buf))
	return nil
}

// tellSkipped writes down what was skipped since the last line that told of it.
func (q *quarantine) tellSkipped(now time.Time) error {
	if q.file == nil || q.skipped == 0 {
		return nil
	}
	if err := q.append([]Rejected{skippedLine(now, q.skipped)}); err != nil {
		return err
	}
	q.skipped = 0
	return nil
}

// abandon gives up the open file: what it holds on the disk is not known. The
// next write begins by making durable what can be read of it.
func (q *quarantine) abandon(err error) {
	q.file.Close()
	q.file, q.broken = nil, err
}

func (q *quarantine) failed(name string, err error) error {
	if diskFull(err) {
		err = fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return fmt.Errorf("quarantine: write %s: %w", name, err)
}

// openDay makes name the file that is written to.
func (q *quarantine) openDay(name string, now time.Time) error {
	if q.file != nil && q.name == name {
		return nil
	}
	if q.file != nil {
		if err := q.tellSkipped(now); err != nil {
			return err
		}
		q.file.Close()
		q.file = nil
	}
	size, err := repairDay(q.fsys, name, true)
	if err != nil {
		return err
	}
	f, err := q.fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := q.fsys.SyncDir(q.dir); err != nil {
		f.Close()
		return err
	}
	if q.name == name {
		q.broken = nil
	}
	q.file, q.name, q.size = f, name, size
	return nil
}

// copy hands out what a file holds of whole writes. Its name is relative to the
// log's directory.
func (q *quarantine) copy(name string, put func(name string, size int64, r io.Reader) error) error {
	f, size, err := q.open(path.Base(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return put(name, size, io.NewSectionReader(f, 0, size))
}

// open opens one of the files to be read, and returns how much of it holds
// whole writes.
func (q *quarantine) open(name string) (f durable.File, size int64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	name = path.Join(q.dir, name)
	if f, err = q.fsys.OpenFile(name, os.O_RDONLY, 0); err != nil {
		return nil, 0, err
	}
	if q.file != nil && q.name == name {
		return f, q.size, nil
	}
	found, err := lastWrite(f)
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, found.whole, nil
}

// close closes the file. It fails if the last write may have left something
// unfinished behind, for then the quarantine is not closed cleanly.
func (q *quarantine) close(now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.tellSkipped(now)
	err = errors.Join(err, q.broken)
	if q.file != nil {
		err = errors.Join(err, q.file.Close())
		q.file = nil
	}
	return err
}

// expire removes the files of days before the given time.
func (q *quarantine) expire(before time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries, err := q.fsys.ReadDir(q.dir)
	if err != nil {
		return err
	}
	removed := false
	for _, e := range entries {
		day, err := time.Parse("2006-01-02", strings.TrimSuffix(e.Name(), ".ndjson"))
		name := path.Join(q.dir, e.Name())
		if err != nil || name == q.name && q.file != nil || !day.AddDate(0, 0, 1).Before(before) {
			continue
		}
		if err := q.fsys.Remove(name); err != nil {
			return err
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return q.fsys.SyncDir(q.dir)
}

// A quarantineScan reads a quarantine file, or its end, line by line.
type quarantineScan struct {
	file   io.ReaderAt
	from   int64
	size   int64
	inside bool // from need not be where a write begins

	line    func(*Rejected)                // if set, gets each sound line
	damaged func(offset int64, what error) // if set, gets each damaged place

	start, whole int64 // of the last whole write
}

const (
	// maxLine bounds a line: a batch's bytes as base64, and the rest of it.
	maxLine = MaxBatchBytes/3*4 + 1<<20

	// maxLineFaults bounds the damaged places that are told of between two
	// writes.
	maxLineFaults = 16
)

// run reads the lines. What is behind the last whole write was never
// acknowledged, unless it was damaged later.
func (s *quarantineScan) run() error {
	type fault struct {
		offset int64
		err    error
	}
	var faults []fault // in the write that is being read
	missing := 0       // lines of it that are still to come
	begun := s.from    // where it begins
	in := bufio.NewReaderSize(io.NewSectionReader(s.file, s.from, s.size-s.from), tailBytes)
	var memory []byte
	for at := s.from; ; {
		line, size, err := readLine(in, memory)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		memory = line[:0]
		var r Rejected
		text, lines, err := parseLine(line)
		if size > maxLine {
			err = errors.New("the line is too long")
		}
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		begins := err == nil && lines > 0
		if begins {
			// So the write before it was acknowledged.
			if missing > 0 && len(faults) == 0 && !s.inside {
				faults = append(faults, fault{at, errors.New("lines are missing here")})
			}
			for _, f := range faults {
				if s.damaged != nil {
					s.damaged(f.offset, f.err)
				}
			}
			if s.inside = false; at > s.from {
				s.start, s.whole = begun, at
			}
			faults, missing, begun = nil, lines, at
		}
		switch {
		case s.inside: // until a write begins
		case err == nil:
			if s.line != nil {
				s.line(&r)
			}
			missing--
		case len(faults) < maxLineFaults:
			faults = append(faults, fault{at, err})
		}
		at += size
		if missing == 0 && len(faults) == 0 && !s.inside {
			s.start, s.whole = begun, at
		}
	}
}

// readLine reads a line into memory, without its line feed, and returns its
// size with it. Of a line that is too long it keeps just the beginning.
func readLine(in *bufio.Reader, memory []byte) (line []byte, size int64, err error) {
	line = memory[:0]
	for {
		part, err := in.ReadSlice('\n')
		if size += int64(len(part)); len(line) <= maxLine {
			line = append(line, part...)
		}
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), size, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, 0, err
		}
	}
}
