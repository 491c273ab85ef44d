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
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/durable"
)

// The quarantine keeps malformed records with the reason why they were not
// stored: a file per UTC day, a line per record.
type quarantine struct {
	fsys durable.FS
	dir  string

	mu    sync.Mutex
	file  durable.File
	name  string
	size  int64
	count uint64 // lines written since the log was opened
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

// A line is the JSON of a Rejected, a tab, the CRC-32C of that JSON in eight
// hex digits, and a line feed.
func appendLine(b []byte, r *Rejected) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return b, err
	}
	b = append(b, text...)
	return fmt.Appendf(b, "\t%08x\n", checksum(text)), nil
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

func openQuarantine(fsys durable.FS, dir string) (*quarantine, error) {
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &quarantine{fsys: fsys, dir: dir}, nil
}

// write makes rejected records durable.
func (q *quarantine) write(now time.Time, b *Batch, rejects []reject) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	name := path.Join(q.dir, now.UTC().Format("2006-01-02")+".ndjson")
	if err := q.openDay(name); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	var buf []byte
	for _, r := range rejects {
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
		if buf, err = appendLine(buf, &line); err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
	}
	_, err := q.file.WriteAt(buf, q.size)
	if err == nil {
		err = q.file.Sync()
	}
	if err != nil {
		// The next write begins with a fresh look at the file.
		q.file.Close()
		q.file = nil
		return fmt.Errorf("quarantine: write %s: %w", name, err)
	}
	q.size += int64(len(buf))
	q.count += uint64(len(rejects))
	return nil
}

// openDay makes name the file that is written to. Bytes behind its last line
// feed are of a write that was never acknowledged, and are written over.
func (q *quarantine) openDay(name string) error {
	if q.file != nil && q.name == name {
		return nil
	}
	if q.file != nil {
		q.file.Close()
		q.file = nil
	}
	data, err := durable.ReadFile(q.fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	size := int64(bytes.LastIndexByte(data, '\n') + 1)
	f, err := q.fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), q.fsys.SyncDir(q.dir)); err != nil {
		f.Close()
		return err
	}
	q.file, q.name, q.size = f, name, size
	return nil
}

func (q *quarantine) written() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

func (q *quarantine) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.file == nil {
		return nil
	}
	err := q.file.Close()
	q.file = nil
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

// readQuarantine calls fn with each line of a quarantine file. An incomplete
// last line was never acknowledged; any other fault is returned with the
// line's offset.
func readQuarantine(data []byte, fn func(*Rejected)) (offset int64, err error) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return offset, nil
		}
		line := data[:end]
		tab := bytes.LastIndexByte(line, '\t')
		if tab < 0 || fmt.Sprintf("%08x", checksum(line[:tab])) != string(line[tab+1:]) {
			return offset, errors.New("the line's checksum does not match")
		}
		var r Rejected
		if err := json.Unmarshal(line[:tab], &r); err != nil {
			return offset, err
		}
		fn(&r)
		data = data[end+1:]
		offset += int64(end) + 1
	}
	return offset, nil
}
