package eventlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"cairn/internal/durable"
)

// readSeals reads the seals of the segments that have files, and the newest
// one, from which the tree goes on. What the seals and the notes of retention
// do not account for is damage that every reader is told of. It settles which
// logs are left over.
func (l *Log) readSeals(f *logFiles) (map[uint64]*seal, error) {
	seals := make(map[uint64]*seal)
	newest := uint64(0)
	for _, base := range slices.Backward(f.seals) {
		exts := f.bases[base]
		if len(exts) == 0 && f.gone[base] && l.tree.end > 0 {
			continue // of a segment that is gone; check follows all of them
		}
		s, text, err := l.readSeal(base)
		if err != nil {
			var damage *Damage
			if !errors.As(err, &damage) {
				return nil, err
			}
			if exts[".log"] {
				continue // half made; the segment will be sealed again
			}
			if l.tree.end == 0 {
				return nil, damage // without its tree the log cannot go on
			}
			l.lose(damage)
			continue
		}
		seals[base] = s
		newest = max(newest, base)
		if !exts[".log"] && l.tree.end == 0 {
			l.tree, l.prevSeal = s.tree, sha256.Sum256(text)
		}
	}
	for base := range f.gone {
		if len(f.bases[base]) > 0 && !l.retired(base, seals[base]) {
			delete(f.gone, base)
		}
	}
	f.settle(l.cfg.Dir, newest, func(base uint64) bool { return seals[base] != nil })
	for _, base := range f.seals {
		if exts := f.bases[base]; !exts[".log"] && !exts[".seg"] && !f.gone[base] {
			d := &Damage{File: segmentName(l.cfg.Dir, base, ".seg"), Segment: base, Offset: -1, FirstSeq: base, LastSeq: base, What: missingText}
			if s := seals[base]; s != nil {
				d.LastSeq = s.segment.end - 1
			}
			l.lose(d)
		}
	}
	if len(f.seals) == 0 && len(f.sealed()) > 0 {
		return nil, &Damage{File: l.sealsDir(), Offset: -1, FirstSeq: 1, What: "the seals are missing: restore them from a backup"}
	}
	return seals, nil
}

const missingText = "the segment is missing, and it was not retention that removed it"

// lose notes damage that every reader is to be told of.
func (l *Log) lose(d *Damage) {
	l.cfg.Logger.Error("the event log is damaged", "error", d)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, d)
}

// readSeal reads and verifies one seal. The error is a *Damage if it is not
// sound.
func (l *Log) readSeal(base uint64) (s *seal, text []byte, err error) {
	name := segmentName(l.sealsDir(), base, ".seal")
	text, err = durable.ReadFile(l.cfg.FS, name)
	if err != nil {
		return nil, nil, err
	}
	s, err = parseSeal(text, l.cfg.Verifiers)
	if err == nil && s.segment.start != base {
		err = fmt.Errorf("the seal is that of segment %016x", s.segment.start)
	}
	if err == nil && s.format != l.format {
		err = errors.New("the seal was made with another format file than the one that is there")
	}
	if err != nil {
		return nil, nil, &Damage{File: name, Segment: base, Offset: -1, FirstSeq: 1, What: err.Error() + ": restore the file from a backup"}
	}
	return s, text, nil
}

// retired reports whether a sound note says that retention removed a segment.
func (l *Log) retired(base uint64, s *seal) bool {
	name := segmentName(l.sealsDir(), base, ".retired")
	text, err := durable.ReadFile(l.cfg.FS, name)
	if err == nil {
		var r *retirement
		if r, err = parseRetired(text, l.cfg.Verifiers); err == nil && (s == nil || !r.of(s)) {
			err = errors.New("the note of retention is not that of this segment")
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.lose(&Damage{File: name, Segment: base, Offset: -1, FirstSeq: 1, What: err.Error()})
	}
	return err == nil
}

// adopt holds an opened segment to its seal.
func (l *Log) adopt(seg *sealedSegment, s *seal) {
	if s == nil {
		l.lose(&Damage{File: segmentName(l.sealsDir(), seg.base, ".seal"), Segment: seg.base, Offset: -1, FirstSeq: 1, What: "the segment's seal is missing or damaged"})
		return
	}
	if x := seg.idx; !seg.salvaged && (uint64(x.count) != s.segment.end-seg.base || x.minTime != s.minTime || x.maxTime != s.maxTime) {
		l.lose(&Damage{File: seg.iname, Segment: seg.base, Offset: 0, FirstSeq: 1,
			What: "the index file's header is not that of the sealed one: remove the file, and it is made again when the log is opened"})
	}
	for _, r := range s.lost {
		l.lose(&Damage{File: seg.name, Segment: seg.base, Offset: -1, FirstSeq: r.first, LastSeq: r.last, What: lostText})
	}
	seg.seal = s
}
