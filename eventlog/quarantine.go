package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"cairn"
	"cairn/internal/durable"
)

// The quarantine keeps malformed records with the reason why they were not
// stored: a file per UTC day, a line per record.
type quarantine struct {
	fsys durable.FS
	dir  string

	mu   sync.Mutex
	file durable.File
	name string
	size int64

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
// broken sender cannot fill the disk. Beyond it only the reasons are kept.
const maxQuarantineDay = 256 << 20

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
	return &quarantine{fsys: fsys, dir: dir}, nil
}

// repairDay cuts the remains of an unfinished write off a file, and returns its
// size. After a crash or a failed sync the page cache can hold what the disk
// never got, so the file is written anew: always if fresh is set, else only if
// there is something to cut.
func repairDay(fsys durable.FS, name string, fresh bool) (size int64, err error) {
	data, err := durable.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	size = readQuarantine(data, func(*Rejected) {}, func(int64, error) {})
	if fresh && size > 0 || size < int64(len(data)) {
		err = durable.WriteFile(fsys, name, data[:size], 0o600)
	}
	return size, err
}

// write makes rejected records durable.
func (q *quarantine) write(now time.Time, b *Batch, rejects []reject) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	name := path.Join(q.dir, now.UTC().Format("2006-01-02")+".ndjson")
	if err := q.openDay(name); err != nil {
		return q.failed(name, err)
	}
	var buf []byte
	for i, r := range rejects {
		line := Rejected{Arrival: now.UTC(), Origin: b.Origin.String(), Source: b.Source, Index: r.index, Reason: r.err.Error(), Raw: r.raw}
		var rec *cairn.RecordError
		if errors.As(r.err, &rec) {
			line.Field, line.Offset, line.Reason = rec.Field, rec.Offset, rec.Reason
		}
		if q.size+int64(len(buf)+2*len(r.raw)) > maxQuarantineDay {
			sum := sha256.Sum256(r.raw)
			line.Raw, line.Reason = nil, fmt.Sprintf("%s (bytes not kept: today's quarantine is full; SHA-256 %x)", line.Reason, sum)
		}
		var err error
		lines := 0
		if i == 0 {
			lines = len(rejects)
		}
		if buf, err = appendLine(buf, &line, lines); err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
	}
	if _, err := q.file.WriteAt(buf, q.size); err != nil {
		if q.file.Truncate(q.size) != nil {
			q.abandon(err)
		}
		return q.failed(name, err)
	}
	if err := q.file.Sync(); err != nil {
		q.abandon(err)
		return q.failed(name, err)
	}
	q.size += int64(len(buf))
	return nil
}

// abandon gives up the open file: what it holds on the disk is not known. The
// next write begins with a fresh copy of what can be read of it.
func (q *quarantine) abandon(err error) {
	q.file.Close()
	q.file, q.broken = nil, err
}

func (q *quarantine) failed(name string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		err = fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return fmt.Errorf("quarantine: write %s: %w", name, err)
}

// openDay makes name the file that is written to.
func (q *quarantine) openDay(name string) error {
	if q.file != nil && q.name == name {
		return nil
	}
	if q.file != nil {
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

// close closes the file. It fails if the last write may have left something
// unfinished behind, for then the quarantine is not closed cleanly.
func (q *quarantine) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.broken
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

// readQuarantine calls fn with each line of a quarantine file, and damaged with
// the offset of each damaged place. It returns where the last whole write ends:
// what is behind it was never acknowledged, unless it was damaged later.
func readQuarantine(data []byte, fn func(*Rejected), damaged func(offset int64, err error)) (whole int64) {
	type fault struct {
		offset int64
		err    error
	}
	var faults []fault // in the write that is being read
	missing := 0       // lines of it that are still to come
	for at := int64(0); at < int64(len(data)); {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			break
		}
		text, lines, err := parseLine(data[at : at+int64(end)])
		var r Rejected
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err == nil && lines > 0 {
			// Another write begins, so the one before it was acknowledged.
			if missing > 0 && len(faults) == 0 {
				faults = append(faults, fault{at, errors.New("lines are missing here")})
			}
			for _, f := range faults {
				damaged(f.offset, f.err)
			}
			faults, missing, whole = nil, lines, at
		}
		if err == nil {
			fn(&r)
			missing--
		} else {
			faults = append(faults, fault{at, err})
		}
		at += int64(end) + 1
		if missing == 0 && len(faults) == 0 {
			whole = at
		}
	}
	return whole
}
