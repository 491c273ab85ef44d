package eventlog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"

	"cairn/internal/durable"
)

// Backup hands out a copy of the log as of now, file by file, while the log
// goes on. The names are relative to the log's directory and use slashes; the
// order is that in which they should be written. A directory of these files
// opens like one after a crash.
func (l *Log) Backup(ctx context.Context, put func(name string, size int64, r io.Reader) error) error {
	v, err := l.acquire()
	if err != nil {
		return err
	}
	defer v.release()
	file := func(name string) error {
		b, err := durable.ReadFile(l.cfg.FS, path.Join(l.cfg.Dir, name))
		if err != nil {
			return err
		}
		return put(name, int64(len(b)), bytes.NewReader(b))
	}
	if err := file(formatFile); err != nil {
		return err
	}
	// The seals of all segments in the view, and of those before it. A seal
	// that is made meanwhile belongs to a segment that the copy has as a log.
	unsealed := uint64(1<<64 - 1)
	for _, seg := range v.segments {
		if live, ok := seg.(*liveSegment); ok {
			unsealed = min(unsealed, live.base)
		}
	}
	for _, dir := range []string{"seals", "quarantine"} {
		entries, err := l.cfg.FS.ReadDir(path.Join(l.cfg.Dir, dir))
		if err != nil {
			return err
		}
		for _, e := range entries {
			base, ext, ok := segmentOf(e.Name())
			if path.Ext(e.Name()) == ".tmp" || ok && ext == ".seal" && base >= unsealed {
				continue
			}
			copyOne := file
			if dir == "quarantine" && path.Ext(e.Name()) != damagedExt {
				copyOne = func(name string) error { return l.rejects.copy(name, put) }
			}
			if err := copyOne(path.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	for _, seg := range v.segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		switch seg := seg.(type) {
		case *sealedSegment:
			err = put(path.Base(seg.name), seg.size, io.NewSectionReader(seg.file, 0, seg.size))
			if err == nil && !seg.salvaged {
				err = put(path.Base(seg.iname), int64(len(seg.idx.data)), &mappedReader{seg: seg})
			}
		case *liveSegment:
			seg.mu.RLock()
			size := seg.size
			seg.mu.RUnlock()
			err = put(path.Base(seg.name), size, io.NewSectionReader(seg.file, 0, size))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
