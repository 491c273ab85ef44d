package eventlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"cairn/internal/durable"
)

// CheckConfig says what to check and what else is known of it.
type CheckConfig struct {
	Dir       string
	FS        durable.FS     // durable.OS
	Verifiers note.Verifiers // of the seals; required

	// KnownHead is the newest head that is known from elsewhere, nil if none
	// is. Clean says that the log was closed cleanly after it.
	KnownHead *Head
	Clean     bool

	// Progress, if set, is called now and then with the bytes of records
	// checked so far.
	Progress func(rawBytes int64)
}

// A CheckReport is what Check found.
type CheckReport struct {
	Segments    int
	Events      uint64
	RawBytes    int64
	Quarantined uint64
	Damage      []*Damage
	Notes       []string // what is not as it was, and needs no worry

	// Head is the head of the tree over all records.
	Head Head

	// ProvenSize is the number of records, from the first, that a signed seal
	// or the known head covers. What lies behind has checksums only: who can
	// write the files could also make them.
	ProvenSize uint64
}

// Check reads all files of a log's directory and compares every checksum,
// every leaf of the tree, the tree and the seals. It changes nothing and needs
// no lock: a log that is running may be checked, and then is as of some moment
// during the check. The error is for what kept it from checking; damage is in
// the report.
func Check(ctx context.Context, cfg CheckConfig) (*CheckReport, error) {
	if cfg.FS == nil {
		cfg.FS = durable.OS
	}
	if _, err := cfg.FS.Stat(cfg.Dir); err != nil {
		return nil, fmt.Errorf("check event log: %w", err)
	}
	// Files go away when a running log seals or expires a segment; then the
	// check begins anew.
	for try := 0; ; try++ {
		c := checker{CheckConfig: cfg, ctx: ctx, report: &CheckReport{}}
		err := c.run()
		if errors.Is(err, fs.ErrNotExist) && try < 10 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("check event log: %w", err)
		}
		return c.report, nil
	}
}

type checker struct {
	CheckConfig
	ctx    context.Context
	report *CheckReport
	files  *logFiles
	hasher hasher
	format logFormat
	leaf   *leafHasher

	tree   treeRange // over what has been checked
	before treeRange // the same without the segment that is being checked
	broken bool      // leaves are missing; the tree cannot be followed
}

func (c *checker) damage(d *Damage) { c.report.Damage = append(c.report.Damage, d) }

func (c *checker) fault(file string, segment uint64, err error) {
	c.damage(&Damage{File: file, Segment: segment, Offset: -1, FirstSeq: 1, What: err.Error()})
}

func (c *checker) run() error {
	c.leaf = newLeafHasher()
	if format, err := openFormat(c.FS, c.Dir, false); err == nil {
		c.format, c.hasher = format, hasher{format.seed}
	} else if d := (*Damage)(nil); errors.As(err, &d) {
		c.damage(d)
	} else if errors.Is(err, fs.ErrNotExist) {
		c.fault(path.Join(c.Dir, formatFile), 0, errors.New("the file is missing"))
	} else {
		return err
	}
	var err error
	if c.files, err = listFiles(c.FS, c.Dir); err != nil {
		return err
	}
	for _, name := range c.files.tmp {
		c.report.Notes = append(c.report.Notes, name+" is left over from a write that did not finish")
	}
	c.settle()
	for _, name := range c.files.stale {
		c.report.Notes = append(c.report.Notes, name+" is left over from a segment that was sealed")
	}
	for _, name := range c.files.other {
		c.fault(name, 0, errors.New("the file does not belong here"))
	}
	if err := c.quarantine(); err != nil {
		return err
	}
	if err := c.sealedSegments(); err != nil {
		return err
	}
	if err := c.logs(); err != nil {
		return err
	}
	c.end()
	return nil
}

// settle tells logs that are left over from logs that are not sealed, as Open
// does.
func (c *checker) settle() {
	sound := func(base uint64) bool {
		text, err := durable.ReadFile(c.FS, segmentName(path.Join(c.Dir, "seals"), base, ".seal"))
		if err != nil {
			return false
		}
		s, err := parseSeal(text, c.Verifiers)
		return err == nil && s.segment.start == base && s.format == c.format.hash
	}
	for _, newest := range slices.Backward(c.files.seals) {
		if sound(newest) {
			c.files.settle(c.Dir, newest, sound)
			return
		}
	}
}

func (c *checker) quarantine() error {
	dir := path.Join(c.Dir, "quarantine")
	entries, err := c.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if path.Ext(name) == ".tmp" {
			c.report.Notes = append(c.report.Notes, name+" is left over from a write that did not finish")
			continue
		}
		if path.Ext(name) == damagedExt {
			c.report.Notes = append(c.report.Notes, name+" holds what was cut off a file of the quarantine: an unfinished write, or lines that were damaged")
			continue
		}
		if err := c.quarantineDay(name); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) quarantineDay(name string) error {
	f, err := c.FS.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	s := quarantineScan{file: f, size: size}
	s.line = func(r *Rejected) { c.report.Quarantined += max(r.Skipped, 1) }
	s.damaged = func(at int64, what error) {
		c.damage(&Damage{File: name, Offset: at, FirstSeq: 1, What: what.Error()})
	}
	if err := s.run(); err != nil {
		return err
	}
	if s.whole < size {
		c.tail(name, size-s.whole, s.whole)
	}
	return nil
}

// tail judges bytes behind the last whole entry of a file: what a crash leaves
// of a write that was never acknowledged, but not in a log closed cleanly.
func (c *checker) tail(name string, size, at int64) {
	if c.Clean {
		c.damage(&Damage{File: name, Offset: at, FirstSeq: 1, What: fmt.Sprintf("%d bytes are damaged at the end of a file that was closed cleanly", size)})
		return
	}
	c.report.Notes = append(c.report.Notes, fmt.Sprintf("%s ends in %d bytes of a write that was not finished", name, size))
}

// sealedSegments follows the seals from the first on, and holds each segment
// that is still there to its seal.
func (c *checker) sealedSegments() error {
	have := make(map[uint64]bool)
	for _, base := range c.files.sealed() {
		have[base] = true
	}
	for base, exts := range c.files.bases {
		if exts[".idx"] && !exts[".seg"] && !exts[".log"] && !c.files.gone[base] {
			c.fault(segmentName(c.Dir, base, ".seg"), base, errors.New("the segment's file is missing"))
		}
	}
	previous := [sha256.Size]byte{}
	for _, base := range c.files.seals {
		if c.files.bases[base][".log"] {
			continue // not sealed for good
		}
		name := segmentName(path.Join(c.Dir, "seals"), base, ".seal")
		text, err := durable.ReadFile(c.FS, name)
		if err != nil {
			return err
		}
		s, err := parseSeal(text, c.Verifiers)
		if err == nil {
			err = c.follow(s, base, previous)
		}
		previous = sha256.Sum256(text)
		if err != nil {
			c.fault(name, base, err)
			c.broken = true
		} else {
			c.report.ProvenSize = s.tree.end
		}
		switch {
		case have[base]:
			delete(have, base)
			if err := c.segment(base, s); err != nil {
				return err
			}
			if c.files.gone[base] { // retention was interrupted, or so it is to seem
				if err := c.retired(base, s); err != nil {
					return err
				}
			}
		case c.files.gone[base]:
			if err := c.retired(base, s); err != nil {
				return err
			}
		default:
			d := &Damage{File: segmentName(c.Dir, base, ".seg"), Segment: base, Offset: -1, FirstSeq: base, What: missingText}
			d.LastSeq = base
			if s != nil {
				d.LastSeq = s.segment.end - 1
			}
			c.damage(d)
		}
	}
	for _, base := range slices.Sorted(func(yield func(uint64) bool) {
		for base := range have {
			if !yield(base) {
				return
			}
		}
	}) {
		c.fault(segmentName(path.Join(c.Dir, "seals"), base, ".seal"), base, errors.New("the segment's seal is missing"))
		c.broken = true
		if err := c.segment(base, nil); err != nil {
			return err
		}
	}
	return nil
}

// follow holds a seal to the ones before it.
func (c *checker) follow(s *seal, base uint64, previous [sha256.Size]byte) error {
	if s.segment.start != base {
		return fmt.Errorf("the seal is that of segment %016x", s.segment.start)
	}
	if s.format != c.format.hash {
		return fmt.Errorf("the seal was made with another %s file than the one that is there", formatFile)
	}
	if c.broken {
		c.tree, c.before, c.broken = s.tree.clone(), treeRange{}, false // go on from here
		return nil
	}
	if s.previous != previous {
		return errors.New("the seal does not follow the one before it")
	}
	c.before = c.tree.clone()
	if err := c.tree.append(&s.segment); err != nil {
		return errors.New("the seal's segment does not follow the one before it")
	}
	if c.tree.root() != s.tree.root() || c.tree.end != s.tree.end {
		return errors.New("the seal's tree is not that of the seal before it and its own segment")
	}
	return nil
}

func (c *checker) retired(base uint64, s *seal) error {
	name := segmentName(path.Join(c.Dir, "seals"), base, ".retired")
	text, err := durable.ReadFile(c.FS, name)
	if err != nil {
		return err
	}
	r, err := parseRetired(text, c.Verifiers)
	if err == nil && (r.base != base || s != nil && !r.of(s)) {
		err = errors.New("the note of retention is that of another segment")
	}
	if err != nil {
		c.fault(name, base, err)
	}
	return nil
}

// segment checks the files of one sealed segment against its seal, which is
// nil if there is no sound one.
func (c *checker) segment(base uint64, s *seal) error {
	c.report.Segments++
	seg := &sealedSegment{base: base, name: segmentName(c.Dir, base, ".seg")}
	if err := seg.openData(c.FS); err != nil {
		var d *Damage
		if errors.As(err, &d) {
			c.damage(d)
			return nil
		}
		return err
	}
	defer seg.file.Close()
	found := len(c.report.Damage)
	part := treeRange{start: base, end: base}
	frames := sha256.New()
	var lost []seqRange
	err := seg.walk(c.FS, func(offset int64, b *block, err error) error {
		if c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		if err != nil {
			var d *Damage
			if !errors.As(err, &d) {
				return err
			}
			c.damage(d)
			return nil
		}
		if b.lost {
			lost = append(lost, seqRange{base + uint64(b.first), base + uint64(b.first+b.count) - 1})
		}
		return c.block(b, &part, frames)
	})
	var d *Damage
	if errors.As(err, &d) {
		c.damage(d)
	} else if err != nil {
		return err
	}
	if err := c.index(base, s); err != nil {
		return err
	}
	if s == nil || len(c.report.Damage) > found {
		return nil
	}
	var sum [sha256.Size]byte
	frames.Sum(sum[:0])
	switch {
	case part.end != s.segment.end:
		c.fault(seg.name, base, fmt.Errorf("the segment ends before record %d, its seal says %d", part.end, s.segment.end))
	case !slices.Equal(part.nodes, s.segment.nodes):
		c.fault(seg.name, base, errors.New("the records are not those that were sealed: their hashes do not give the sealed tree"))
	case sum != s.frames:
		c.fault(seg.name, base, errors.New("the records' arrivals, origins or flags are not those that were sealed"))
	case !slices.Equal(lost, s.lost):
		c.fault(seg.name, base, errors.New("other records are lost than the seal says"))
	}
	for _, r := range s.lost {
		c.damage(&Damage{File: seg.name, Segment: base, Offset: -1, FirstSeq: r.first, LastSeq: r.last, What: lostText})
	}
	return nil
}

// block adds a block's records to the tree over its segment.
func (c *checker) block(b *block, part *treeRange, frames interface{ Write([]byte) (int, error) }) error {
	if b.lost {
		for range b.count {
			part.push(0, lostLeaf)
			c.compareHead(part)
		}
		return nil
	}
	err := b.each(part.start, func(_ uint32, f *frame) {
		part.push(0, c.leaf.hash(f.raw))
		c.compareHead(part)
		hashFrame(frames, f)
		c.report.Events++
		c.report.RawBytes += int64(len(f.raw))
	})
	if c.Progress != nil {
		c.Progress(c.report.RawBytes)
	}
	return err
}

// compareHead compares the tree with the known head where that ends.
func (c *checker) compareHead(part *treeRange) {
	if c.KnownHead == nil || part.end != c.KnownHead.Size || c.before.end != part.start || c.broken {
		return
	}
	t := c.before.clone()
	if t.append(part) != nil {
		return
	}
	if t.root() != c.KnownHead.Root {
		c.damage(&Damage{File: c.Dir, Segment: part.start, Offset: -1, FirstSeq: part.start, LastSeq: part.end - 1,
			What: fmt.Sprintf("the records are not those of the known tree of %d records", part.end)})
		return
	}
	c.report.ProvenSize = max(c.report.ProvenSize, part.end)
}

// index checks a segment's index file.
func (c *checker) index(base uint64, s *seal) error {
	name := segmentName(c.Dir, base, ".idx")
	data, err := durable.ReadFile(c.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := c.FS.Stat(segmentName(c.Dir, base, ".seg")); err != nil {
			return err
		}
		c.fault(name, base, errors.New("the index file is missing; it is made again when the log is opened"))
		return nil
	}
	if err != nil {
		return err
	}
	f, err := parseIndex(data)
	var newer *NewerFormatError
	if errors.As(err, &newer) {
		newer.File = name
		return newer
	}
	if err == nil {
		err = f.checkAll()
	}
	if err == nil && s != nil && sha256.Sum256(data) != s.index {
		// A version that finds more in a record makes another index, and that is
		// as good if it is what the records give.
		rebuilt, rErr := rebuildIndex(c.FS, c.Dir, base, c.hasher)
		if rErr == nil && bytes.Equal(rebuilt, data) {
			c.report.Notes = append(c.report.Notes, name+" was made again from the records by another version than the one that sealed them")
			return nil
		}
		err = errors.New("the index file is not the one that was sealed")
	}
	if err != nil {
		c.fault(name, base, fmt.Errorf("%w: remove the file, and it is made again from the segment when the log is opened", err))
	}
	return nil
}

// logs checks the segments that are not sealed.
func (c *checker) logs() error {
	logs := c.files.withExt(".log")
	for i, base := range logs {
		next := uint64(0)
		if i+1 < len(logs) {
			next = logs[i+1]
		}
		name := segmentName(c.Dir, base, ".log")
		err := guard(name, base, func() error { return c.log(base, next) })
		if d := (*Damage)(nil); errors.As(err, &d) {
			c.damage(d)
			c.broken = true
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) log(base, next uint64) error {
	name := segmentName(c.Dir, base, ".log")
	m, err := c.FS.Map(name)
	if err != nil {
		return err
	}
	defer m.Close()
	data := m.Bytes()
	c.report.Segments++
	scan, err := scanLog(name, data, base, next)
	if err != nil {
		return err
	}
	for _, d := range scan.damage {
		c.damage(d)
	}
	if base != c.tree.end && !c.broken {
		c.damage(&Damage{File: name, Segment: base, Offset: -1, FirstSeq: c.tree.end, LastSeq: base - 1, What: "the records before this segment are missing"})
		c.broken = true
	}
	if scan.tail > 0 {
		c.tail(name, scan.tail, scan.end)
	} else if c.Clean && next == 0 && !scan.clean && scan.next > base {
		c.damage(&Damage{File: name, Segment: base, Offset: scan.end, FirstSeq: 1, What: "the log was closed cleanly, but its end mark is missing"})
	}
	c.before = c.tree.clone()
	part := treeRange{start: base, end: base}
	frames := sha256.New()
	memory := make([]byte, 0, blockSize)
	for i := range scan.blocks {
		if c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		h := &scan.blocks[i]
		b := block{first: uint32(h.firstSeq - base), count: h.count, arrival: h.arrival, lost: h.flags&blockLost != 0, fileName: name, offset: h.from}
		if b.lost {
			if len(scan.damage) == 0 {
				c.damage(&Damage{File: name, Segment: base, Offset: h.from, FirstSeq: h.firstSeq, LastSeq: h.firstSeq + uint64(h.count) - 1, What: lostText})
			}
		} else {
			b.memory = memory
			err = decodeBlock(&b, &h.blockHeader, data[h.from+blockHeaderSize:][:h.stored], nil)
			memory = b.memory
		}
		if err == nil {
			err = c.block(&b, &part, frames)
		}
		if err != nil {
			c.damage(&Damage{File: name, Segment: base, Offset: h.from, FirstSeq: h.firstSeq, LastSeq: h.firstSeq + uint64(h.count) - 1, What: err.Error()})
			c.broken = true
			return nil
		}
	}
	if c.broken {
		return nil
	}
	return c.tree.append(&part)
}

// end draws the conclusions that need all of the log.
func (c *checker) end() {
	r := c.report
	if c.broken {
		return
	}
	r.Head = Head{Size: c.tree.end, Root: c.tree.root()}
	if k := c.KnownHead; k != nil && k.Size > r.Head.Size {
		c.damage(&Damage{File: c.Dir, Offset: -1, FirstSeq: r.Head.Size, LastSeq: k.Size - 1, What: "the records are missing from the end of the log: a tree that covered them is known"})
	}
}
