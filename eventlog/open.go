package eventlog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"cairn/internal/durable"
)

// Open opens the log in cfg.Dir, or begins one there. It makes the tail that a
// crash left durable in a fresh file before it returns.
func Open(cfg Config) (*Log, error) {
	l := &Log{cfg: cfg}
	l.defaults()
	if cfg.Signer == nil || cfg.Verifiers == nil {
		return nil, errors.New("open event log: a Signer and Verifiers are required")
	}
	if err := l.cfg.FS.MkdirAll(l.sealsDir(), 0o700); err != nil {
		return nil, fmt.Errorf("open event log: %w", err)
	}
	lock, err := l.cfg.FS.Lock(path.Join(l.cfg.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open event log %s: %w", l.cfg.Dir, err)
	}
	l.lock = lock
	if err := l.load(); err != nil {
		if l.view != nil {
			l.view.release()
		}
		lock.Close()
		return nil, fmt.Errorf("open event log: %w", err)
	}
	l.done.Go(l.commitLoop)
	l.done.Go(l.indexLoop)
	l.done.Go(l.sealLoop)
	l.done.Go(l.maintain)
	return l, nil
}

func (l *Log) defaults() {
	if l.cfg.FS == nil {
		l.cfg.FS = durable.OS
	}
	if l.cfg.Now == nil {
		l.cfg.Now = time.Now
	}
	switch {
	case l.cfg.Retention == 0:
		l.retention = defaultRetention
	case l.cfg.Retention > 0:
		l.retention = l.cfg.Retention
	}
	if l.cfg.SegmentEvents == 0 {
		l.cfg.SegmentEvents = defaultSegmentEvents
	}
	if l.cfg.SegmentBytes == 0 {
		l.cfg.SegmentBytes = defaultSegmentBytes
	}
	if l.cfg.SegmentAge == 0 {
		l.cfg.SegmentAge = defaultSegmentAge
	}
	if l.cfg.ReserveBytes == 0 {
		l.cfg.ReserveBytes = defaultReserve
	}
	if l.cfg.Logger == nil {
		l.cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l.cache = &decoders{}
	l.memory = semaphore.NewWeighted(appendMemory)
	l.stopc = make(chan struct{})
	l.queue = make(chan *commit, groupCommits)
	l.durable = make(chan []*commit, 1)
	l.seals = make(chan *liveSegment, sealBacklog)
	l.sealed = make(chan struct{})
	l.reseal = make(chan struct{}, 1)
	l.holds = make(map[string]Position)
	l.doubles.claims = make(map[uint64]claim)
	l.doubles.others = make(map[uint64][]claim)
}

// load reads the directory's files.
func (l *Log) load() error {
	known := l.cfg.KnownHead != nil && l.cfg.KnownHead.Size > 0
	format, err := openFormat(l.cfg.FS, l.cfg.Dir, !known)
	if err != nil {
		return err
	}
	l.hasher, l.format = hasher{format.seed}, format.hash
	files, err := listFiles(l.cfg.FS, l.cfg.Dir)
	if err != nil {
		return err
	}
	// What the signed texts say comes before anything is removed.
	seals, err := l.readSeals(files)
	if err != nil {
		return err
	}
	if err := l.tidy(files); err != nil {
		return err
	}
	if l.rejects, err = openQuarantine(l.cfg.FS, path.Join(l.cfg.Dir, "quarantine")); err != nil {
		return err
	}
	l.view = newView(nil)
	var segs []segment
	for _, base := range files.sealed() {
		seg, err := l.openOrRebuild(base)
		if err != nil {
			var damage *Damage
			if errors.As(err, &damage) {
				if s := seals[base]; s != nil {
					damage.FirstSeq, damage.LastSeq = base, s.segment.end-1
				}
				l.lose(damage)
				continue
			}
			return err
		}
		l.adopt(seg, seals[base])
		segs = append(segs, seg)
		l.change(func([]segment) []segment { return segs })
	}
	logs := files.withExt(".log")
	var lives []*liveSegment
	for i, base := range logs {
		next := uint64(0)
		if i+1 < len(logs) {
			next = logs[i+1]
		}
		live, err := l.recover(base, next)
		if err != nil {
			return err
		}
		segs = append(segs, live)
		lives = append(lives, live)
		l.change(func([]segment) []segment { return segs })
	}
	end := l.tree.end
	for _, live := range lives {
		if live.base != end {
			return &Damage{File: live.name, Segment: live.base, Offset: -1, FirstSeq: end, LastSeq: max(live.base, end+1) - 1,
				What: "the records before this segment are missing: restore the directory from a backup"}
		}
		end += uint64(live.count)
	}
	l.end = end
	if len(lives) == 0 {
		live, err := l.createLive(end)
		if err != nil {
			return err
		}
		segs = append(segs, live)
		lives = append(lives, live)
		l.change(func([]segment) []segment { return segs })
	}
	for _, s := range segs {
		l.lastArrival = max(l.lastArrival, s.newest())
	}
	l.open = lives[len(lives)-1]
	if err := l.compareHead(files, segs); err != nil {
		return err
	}
	if l.cfg.KnownHead != nil && l.cfg.KnownHead.Size > l.end {
		if err := l.replaceLost(l.cfg.KnownHead.Size); err != nil {
			return err
		}
	}
	waiting := lives[:len(lives)-1]
	l.sealing = len(waiting)
	if len(waiting) > sealBacklog {
		l.seals = make(chan *liveSegment, len(waiting))
	}
	for _, live := range waiting {
		l.seals <- live
	}
	return nil
}

// compareHead holds the records to the known head. Records that contradict it
// stay readable, and every reader is told.
func (l *Log) compareHead(files *logFiles, segs []segment) error {
	known := l.cfg.KnownHead
	if known == nil || known.Size == 0 || known.Size > l.end {
		return nil
	}
	t := l.tree.clone()
	if known.Size < t.end {
		var err error
		if t, err = l.treeBefore(files, known.Size); err != nil {
			return err
		}
	}
	for _, seg := range segs {
		if seg.first() != t.end || t.end >= known.Size {
			continue
		}
		part, err := l.treeOf(seg, known.Size)
		if err != nil {
			return nil // the damage is told where it lies
		}
		if err := t.append(&part); err != nil {
			return err
		}
	}
	if t.end == known.Size && t.root() != known.Root {
		l.contradicts = true
		l.lose(&Damage{File: l.cfg.Dir, Segment: l.tree.end, Offset: -1, FirstSeq: 1,
			What: fmt.Sprintf("the records are not those of the known tree of %d records: restore the directory from a backup", known.Size)})
	}
	return nil
}

// treeBefore returns the tree up to the segment in which a tree of the given
// size ends, as the seal before it has it.
func (l *Log) treeBefore(files *logFiles, size uint64) (t treeRange, err error) {
	for _, base := range files.seals {
		s, _, err := l.readSeal(base)
		var damage *Damage
		if errors.As(err, &damage) {
			continue // told already, or by check
		}
		if err != nil {
			return t, err
		}
		if s.tree.end <= size {
			t = s.tree
		}
	}
	return t, nil
}

// treeOf returns the tree over a segment's records below end.
func (l *Log) treeOf(seg segment, end uint64) (treeRange, error) {
	base := seg.first()
	t := treeRange{start: base, end: base}
	if live, ok := seg.(*liveSegment); ok {
		for _, leaf := range live.leaves[:min(end-base, uint64(live.count))] {
			t.push(0, leaf)
		}
		return t, nil
	}
	h := newLeafHasher()
	err := seg.(*sealedSegment).walk(l.cfg.FS, func(_ int64, b *block, err error) error {
		if err != nil || t.end >= end {
			return err
		}
		if b.lost {
			for range min(uint64(b.count), end-t.end) {
				t.push(0, lostLeaf)
			}
			return nil
		}
		return b.each(base, func(_ uint32, f *frame) {
			if t.end < end {
				t.push(0, h.hash(f.raw))
			}
		})
	})
	return t, err
}

// Contradicted reports whether the records are not those of the known head
// that the log was opened with.
func (l *Log) Contradicted() bool { return l.contradicts }

// replaceLost takes the seqs up to end out of use: records had them that the
// log no longer has.
func (l *Log) replaceLost(end uint64) error {
	seg := l.open
	n := end - l.end
	if n > maxLost {
		return fmt.Errorf("the log ends at record %d, but a tree of %d records is known: restore the directory from a backup", l.end, end)
	}
	l.lose(&Damage{File: seg.name, Segment: seg.base, Offset: seg.size, FirstSeq: l.end, LastSeq: end - 1, What: "records that were acknowledged are missing from the end of the log"})
	h := blockHeader{flags: blockLost | blockEndsGroup, count: uint32(n), chain: seg.chain, firstSeq: l.end, group: l.end, arrival: l.lastArrival}
	b := make([]byte, blockHeaderSize)
	h.put(b)
	if _, err := seg.file.WriteAt(b, seg.size); err != nil {
		return fmt.Errorf("write %s: %w", seg.name, err)
	}
	if err := seg.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", seg.name, err)
	}
	seg.addLost(seg.size, uint32(n))
	seg.size += blockHeaderSize
	seg.chain = h.sum
	l.end = end
	return nil
}

// The format file names the version of the directory and holds the seed of the
// index keys.
const formatFile = "format"

// A logFormat is what the format file says.
type logFormat struct {
	seed uint64
	hash [sha256.Size]byte // of the file
}

// openFormat reads the format file. A directory without one is new and gets
// one, if create is set.
func openFormat(fsys durable.FS, dir string, create bool) (f logFormat, err error) {
	name := path.Join(dir, formatFile)
	b, err := durable.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) && create {
		files, err := listFiles(fsys, dir)
		if err != nil {
			return f, err
		}
		if len(files.bases) > 0 || len(files.seals) > 0 {
			return f, &Damage{File: name, Offset: -1, FirstSeq: 1, What: "the file is missing, but the directory has segments: restore the file from a backup"}
		}
		var s [8]byte
		rand.Read(s[:])
		b = formatText(s)
		if err := durable.WriteFile(fsys, name, b, 0o600); err != nil {
			return f, err
		}
	} else if err != nil {
		return f, err
	}
	f.hash = sha256.Sum256(b)
	f.seed, err = parseFormat(name, b)
	return f, err
}

func formatText(seed [8]byte) []byte {
	text := fmt.Sprintf("cairn event log\nversion %d\nseed %x\n", formatVersion, seed)
	return fmt.Appendf(nil, "%scrc32c %08x\n", text, checksum([]byte(text)))
}

func parseFormat(name string, b []byte) (seed uint64, err error) {
	damaged := &Damage{File: name, Offset: 0, FirstSeq: 1, What: "the file is damaged: restore it from a backup"}
	var version uint32
	if _, err := fmt.Sscanf(string(b), "cairn event log\nversion %d\n", &version); err != nil {
		return 0, damaged
	}
	text, sum, ok := strings.Cut(string(b), "crc32c ")
	if !ok || fmt.Sprintf("%08x\n", checksum([]byte(text))) != sum {
		return 0, damaged
	}
	if version != formatVersion {
		return 0, &NewerFormatError{File: name, Version: version}
	}
	_, hexSeed, _ := strings.Cut(text, "seed ")
	s, err := hex.DecodeString(strings.TrimSpace(hexSeed))
	if err != nil || len(s) != 8 {
		return 0, damaged
	}
	return binary.BigEndian.Uint64(s), nil
}

// logFiles are the files of a log's directory.
type logFiles struct {
	bases map[uint64]map[string]bool // extensions by base seq
	seals []uint64                   // rising
	gone  map[uint64]bool            // segments that retention removed
	other []string                   // names that do not belong here
	tmp   []string
	stale []string // logs of segments that are sealed for good
}

func listFiles(fsys durable.FS, dir string) (*logFiles, error) {
	f := &logFiles{bases: make(map[uint64]map[string]bool), gone: make(map[uint64]bool)}
	for _, d := range []string{dir, path.Join(dir, "seals")} {
		entries, err := fsys.ReadDir(d)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			f.add(dir, d, e.Name())
		}
	}
	slices.Sort(f.seals)
	return f, nil
}

// settle judges logs beside sealed segments. A seal is made only when the
// segments before it are sealed for good: a log of one of those is left from a
// removal that failed. Newest is the base of the newest sound seal, and sound
// tells whether a segment has one of its own.
func (f *logFiles) settle(dir string, newest uint64, sound func(base uint64) bool) {
	for base, exts := range f.bases {
		if exts[".log"] && base < newest && sound(base) && (exts[".seg"] || f.gone[base]) {
			delete(exts, ".log")
			f.stale = append(f.stale, segmentName(dir, base, ".log"))
		}
	}
}

func (f *logFiles) add(dir, in, name string) {
	full := path.Join(in, name)
	if strings.HasSuffix(name, ".tmp") {
		f.tmp = append(f.tmp, full)
		return
	}
	base, ext, known := segmentOf(name)
	switch {
	case known && in == dir && (ext == ".log" || ext == ".seg" || ext == ".idx"):
		if f.bases[base] == nil {
			f.bases[base] = make(map[string]bool)
		}
		f.bases[base][ext] = true
	case known && in != dir && ext == ".seal":
		f.seals = append(f.seals, base)
	case known && in != dir && ext == ".retired":
		f.gone[base] = true
	case in == dir && (name == formatFile || name == "lock" || name == "seals" || name == "quarantine" || known && ext == ".damaged"):
	default:
		f.other = append(f.other, full)
	}
}

// segmentOf takes apart the name of a segment's file.
func segmentOf(name string) (base uint64, ext string, ok bool) {
	ext = path.Ext(name)
	base, err := strconv.ParseUint(strings.TrimSuffix(name, ext), 16, 64)
	return base, ext, err == nil && len(name) == 16+len(ext)
}

func (f *logFiles) withExt(ext string) []uint64 {
	var bases []uint64
	for base, exts := range f.bases {
		if exts[ext] {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	return bases
}

// sealed returns the bases of the segments that are sealed for good: those
// that have no .log file any more.
func (f *logFiles) sealed() []uint64 {
	return slices.DeleteFunc(f.withExt(".seg"), func(base uint64) bool { return f.bases[base][".log"] })
}

// tidy removes what a crash left half done.
func (l *Log) tidy(f *logFiles) error {
	remove := slices.Concat(f.tmp, f.stale)
	for base, exts := range f.bases {
		// Beside a .log file the others may be half made. An index whose
		// segment is gone is what retention left.
		if exts[".idx"] && (exts[".log"] || !exts[".seg"]) {
			remove = append(remove, segmentName(l.cfg.Dir, base, ".idx"))
		}
		if exts[".seg"] && exts[".log"] {
			remove = append(remove, segmentName(l.cfg.Dir, base, ".seg"))
		}
		if exts[".seg"] && !exts[".log"] && f.gone[base] {
			// Retention had begun on this segment.
			remove = append(remove, segmentName(l.cfg.Dir, base, ".seg"), segmentName(l.cfg.Dir, base, ".idx"))
			delete(f.bases, base)
		}
	}
	for _, name := range remove {
		if err := l.cfg.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	if err := l.cfg.FS.SyncDir(l.cfg.Dir); err != nil {
		return err
	}
	return l.cfg.FS.SyncDir(l.sealsDir())
}
