package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"cairn/internal/durable"
)

// OpenIntents opens a journal, which is made if missing, and recovers what is in
// it: records that were kept, and the record with unknown outcome of every
// intent without an end, are given to the log, unless it has one under the same
// event ID. What the log refuses now is moved in the background.
//
// Damage in the files is no error: what can be read is used, and Damage and the
// logger tell the rest.
func OpenIntents(cfg IntentsConfig) (*Intents, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	j := &Intents{cfg: cfg, fileBytes: cfg.Space / intentFiles / headerCopy * headerCopy, live: map[uint64]*Pending{},
		queue: make(chan *intentWrite, groupEntries), wake: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	if err := j.open(ctx); err != nil {
		cancel()
		for _, f := range j.files {
			f.Close()
		}
		return nil, fmt.Errorf("open the journal of intents %s: %w", cfg.Dir, err)
	}
	j.cancel = cancel
	j.writer.Go(j.commitLoop)
	j.mover.Go(func() { j.moveLoop(ctx) })
	return j, nil
}

// minFileBytes is the least size of a file: place for its header and for two
// entries of any size.
func minFileBytes(recordBytes int) int64 { return fileHeaderSize + 2*maxEntrySize(recordBytes) }

// open reads the files and makes the journal ready for entries.
func (j *Intents) open(ctx context.Context) error {
	if err := j.cfg.FS.MkdirAll(j.cfg.Dir, 0o700); err != nil {
		return err
	}
	found, err := j.read()
	if err != nil {
		return err
	}
	r := replay{files: found, live: j.live}
	if err := r.run(); err != nil {
		return err
	}
	j.tell(&r)
	if size := r.fileBytes(); size != 0 && size != j.fileBytes {
		if len(j.live) == 0 {
			if err := j.clear(found); err != nil {
				return err
			}
			r = replay{next: r.next, sure: r.next, generation: r.generation}
		} else {
			j.cfg.Logger.Info("the journal of intents keeps its size until it is opened with nothing to recover", "dir", j.cfg.Dir, "bytes", size*intentFiles)
			j.fileBytes = size
		}
	}
	if j.fileBytes > maxFileBytes {
		return fmt.Errorf("its space is at most %d bytes", int64(maxFileBytes)*intentFiles)
	}
	if need := minFileBytes(j.cfg.RecordBytes); j.fileBytes < need {
		return fmt.Errorf("its %d files have %d bytes, and records of %d bytes need files of at least %d", intentFiles, j.fileBytes, j.cfg.RecordBytes, need)
	}
	j.capacity = capacityOf(j.fileBytes, j.cfg.RecordBytes)
	if err := j.allocate(); err != nil {
		return err
	}
	j.recover()
	// The mover tries again what fails here.
	if err := j.move(ctx); err != nil {
		j.cfg.Logger.Info("the journal of intents opens with records that wait for the event log", "dir", j.cfg.Dir, "records", len(j.kept))
	}
	return j.start(&r)
}

func (j *Intents) fileName(i int) string {
	return path.Join(j.cfg.Dir, fmt.Sprintf("intents-%02d", i))
}

// A readIntents is a file of the ring as it was found.
type readIntents struct {
	file   *intentFile
	header fileHeader
	headed bool // whether its header is sound
	length int64
	used   bool
	load   func() ([]byte, error)
}

// read opens the files that are there and reads their headers.
func (j *Intents) read() ([]*readIntents, error) {
	var found []*readIntents
	for i := range intentFiles {
		name := j.fileName(i)
		f, err := j.cfg.FS.OpenFile(name, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		file := &intentFile{f, name}
		j.files = append(j.files, file)
		r := &readIntents{file: file, load: func() ([]byte, error) { return readIntentFile(file) }}
		found = append(found, r)
		head := make([]byte, fileHeaderSize)
		n, err := f.ReadAt(head, 0)
		if err != nil && err != io.EOF {
			return nil, unreadable(file, err)
		}
		r.headed = r.header.parse(head[:n])
		if r.length, err = f.Size(); err != nil {
			return nil, err
		}
		if r.headed && r.header.version != intentsVersion {
			return nil, fmt.Errorf("%s has format version %d, this version of Cairn reads version %d: use the newer version", name, r.header.version, intentsVersion)
		}
		r.used = r.headed && r.header.generation > 0
		if !r.headed {
			data, err := r.load()
			if err != nil {
				return nil, unreadable(file, err)
			}
			r.header.generation = newestGeneration(data)
			r.used = slices.ContainsFunc(data[:min(len(data), fileHeaderSize)], func(b byte) bool { return b != 0 }) || r.header.generation > 0
		}
	}
	return found, nil
}

func readIntentFile(f *intentFile) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return data[:n], nil
}

func unreadable(f *intentFile, err error) error {
	return fmt.Errorf("read %s: %w; check the disk; if the file stays unreadable, move it away: the journal opens without it, and tells what is missing", f.name, err)
}

// clear removes all files, the oldest first, so that no intent is left without
// its end.
func (j *Intents) clear(found []*readIntents) error {
	slices.SortStableFunc(found, func(x, y *readIntents) int { return cmp.Compare(x.header.generation, y.header.generation) })
	for _, r := range found {
		r.file.Close()
		if err := j.cfg.FS.Remove(r.file.name); err != nil {
			return err
		}
	}
	j.files = nil
	return j.cfg.FS.SyncDir(j.cfg.Dir)
}

// allocate makes the files that are missing, and those whose making a crash has
// cut short. Zeros are written, so that the space is really there; a header
// of generation 0 says that they were durable.
func (j *Intents) allocate() (err error) {
	byName := map[string]*intentFile{}
	for _, f := range j.files {
		byName[f.name] = f
	}
	var made []*intentFile
	defer func() {
		if err == nil {
			return
		}
		// What was not in use goes again: a full disk needs the space.
		for _, f := range made {
			j.cfg.FS.Remove(f.name) // the error at hand matters more than this one
		}
		err = fmt.Errorf("allocate %d bytes: %w", j.fileBytes*intentFiles, err)
	}()
	j.files = j.files[:0:0]
	var failed error
	for i := range intentFiles {
		name := j.fileName(i)
		f := byName[name]
		delete(byName, name)
		if f == nil && failed == nil {
			file, err := j.cfg.FS.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				failed = err
				continue
			}
			f = &intentFile{file, name}
			made = append(made, f)
		}
		if f == nil {
			continue
		}
		j.files = append(j.files, f)
		if failed == nil {
			failed = j.fill(f)
		}
	}
	// A process before may have made the files, and died before this.
	if failed == nil {
		failed = j.cfg.FS.SyncDir(j.cfg.Dir)
	}
	return failed
}

// fill writes zeros up to the size that a file is to have, or all over one that
// was never finished.
func (j *Intents) fill(f *intentFile) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	head := make([]byte, fileHeaderSize)
	if _, err := f.ReadAt(head, 0); err != nil && err != io.EOF {
		return err
	}
	var h fileHeader
	fresh := !h.parse(head) && !slices.ContainsFunc(head, func(b byte) bool { return b != 0 })
	if !fresh && size >= j.fileBytes {
		return nil
	}
	at := size
	if fresh {
		at = 0
	}
	zeros := make([]byte, min(groupBytes, j.fileBytes))
	for at < j.fileBytes {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), j.fileBytes-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if !fresh {
		return nil
	}
	h = fileHeader{version: intentsVersion, created: j.cfg.Now().UnixMicro(), size: j.fileBytes}
	if _, err := f.WriteAt(h.bytes(), 0); err != nil {
		return err
	}
	return f.Sync()
}

// recover queues what was found for the log.
func (j *Intents) recover() {
	for _, p := range j.live {
		if p.state == pendingOpen {
			p.state = pendingKept
			j.stats.Unknown++
		}
		j.recost(p, p.size+p.older.size+entryHeaderSize)
		j.kept = append(j.kept, p)
	}
	slices.SortFunc(j.kept, func(x, y *Pending) int { return cmp.Compare(x.number, y.number) })
	for _, p := range j.kept {
		p.j = j
	}
}

// start sorts the files and begins a head: entries are never written behind
// some that a crash may have left in memory only.
func (j *Intents) start(r *replay) error {
	byFile := map[*intentFile]bool{}
	for _, p := range j.live {
		byFile[p.file], byFile[p.older.file] = true, true
	}
	j.seq, j.generation = r.next, r.generation
	order := slices.Clone(r.order)
	var empty []*intentFile
	if n := len(order); n > 0 && r.emptyHead {
		// The last process had begun it and got no further than copies of what
		// the oldest file still has.
		empty = []*intentFile{order[n-1]}
		order = order[:n-1]
	}
	oldest := slices.IndexFunc(order, func(f *intentFile) bool { return byFile[f] })
	if oldest < 0 {
		oldest = len(order)
	}
	for _, f := range j.files { // never used
		if !slices.Contains(order, f) && !slices.Contains(empty, f) {
			j.free = append(j.free, f)
		}
	}
	j.free = append(j.free, order[:oldest]...)
	j.free = append(empty, j.free...)
	j.used = order[oldest:]
	if len(j.free) == 0 {
		// An end that was damaged lets an intent come back into a file that was
		// free. Nothing is written over it before the log has it.
		return fmt.Errorf("damage leaves none of its files free, and the event log does not take what is in them; open it again once the log does: %w",
			errors.Join(append([]error{j.failing}, j.damage...)...))
	}
	if err := j.begin(r.sure); err != nil {
		return err
	}
	return j.reclaim()
}

// IntentsDamage is a place where a journal's files do not hold what was
// written.
type IntentsDamage struct {
	File    string
	Begun   time.Time // when the file was begun; zero if that is not known
	Offset  int64     // -1: the file's header
	Entries uint64    // that are lost; 0 if that is not known
	Copy    string    // the file as it was found
}

// Error names the place, what may be missing and what to do.
func (d *IntentsDamage) Error() string {
	s := d.File
	if d.Offset >= 0 {
		s += fmt.Sprintf(" at byte %d", d.Offset)
	} else {
		s += " in its header"
	}
	s += " is damaged"
	if d.Entries > 0 {
		s += fmt.Sprintf(" and has lost %d entries", d.Entries)
	}
	if !d.Begun.IsZero() {
		s += ", none older than " + d.Begun.UTC().Format(time.RFC3339)
	}
	s += ": calls of that time may have no record; compare the history with the back end's own log, and check the disk"
	if d.Copy != "" {
		s += "; a copy is in " + d.Copy
	}
	return s
}

// tell reports what the replay found, and keeps copies of the damaged files,
// which will be used again.
func (j *Intents) tell(r *replay) {
	for _, d := range r.damage {
		name := fmt.Sprintf("%s.%d.damaged", d.from.file.name, d.from.header.generation)
		d.Copy = name
		if _, err := j.cfg.FS.Stat(name); err != nil {
			data, err := d.from.load()
			if err == nil {
				err = durable.WriteFile(j.cfg.FS, name, data, 0o600)
			}
			if err != nil {
				d.Copy = ""
				j.cfg.Logger.Warn("no copy of the damaged file was made", "file", d.File, "error", err)
			}
		}
		j.damage = append(j.damage, &d.IntentsDamage)
		j.cfg.Logger.Error("journal of intents damaged", "error", &d.IntentsDamage)
	}
}
