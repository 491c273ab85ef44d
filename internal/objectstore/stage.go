package objectstore

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync"

	"cairn/internal/durable"
)

const (
	// inlineMax is the greatest content, in bytes, that lies in the index
	// rather than in a file: below it a put costs one sync less, and the index
	// grows by little more than the row.
	inlineMax = 4 << 10
	// writeSize is how much is handed to the file system at once.
	writeSize = 256 << 10
)

// A staged body is on its way to being content: read, hashed, coded, and
// either short enough to lie inline, or in a synced file of which the name is not
// yet durable.
type staged struct {
	segment
	Summary
	inline []byte // as coded, header included; nil when there is a file
}

// A body is what a put brings.
type body struct {
	bucket, key string
	object      objectID
	part        int
	reader      io.Reader
	size        int64 // expected; -1: not known
	hashes      []Hash
	verify      func(Summary) error
	sealed      bool
	dataKey     []byte
	mayInline   bool
}

// stage reads a body to its end. After an error nothing is left of it. Without
// one, the caller owes discard or a commit, and then leaveFolder.
func (s *Store) stage(ctx context.Context, b body) (*staged, error) {
	if b.size > maxContent {
		return nil, fmt.Errorf("%d bytes: %w", b.size, ErrBadSize)
	}
	st := &staged{}
	rand.Read(st.File[:]) // never fails
	st.Number = b.part
	coding, err := newFrames(b.bucket, b.key, b.object, st.File, b.part, b.sealed, b.dataKey)
	if err != nil {
		return nil, err
	}
	if b.sealed && coding.aead == nil {
		return nil, fmt.Errorf("no data key was given: %w", ErrWrongKey)
	}
	room := stageRooms.Get().(*stageRoom)
	defer stageRooms.Put(room)
	w := &stageWriter{store: s, staged: st, coding: coding, mayInline: b.mayInline, room: room, buf: room.coded[:0]}
	if err := w.write(ctx, b); err != nil {
		w.abandon()
		return nil, withDiskFull(err)
	}
	return st, nil
}

// A stageRoom is the memory that a put works in.
type stageRoom struct {
	frame, next [frameSize]byte
	coded       [writeSize + 2*frameSize]byte
}

var stageRooms = sync.Pool{New: func() any { return new(stageRoom) }}

type stageWriter struct {
	store     *Store
	staged    *staged
	coding    *frames
	mayInline bool
	room      *stageRoom

	entered bool         // a folder, and a file may be there
	file    durable.File // nil until the first write
	offset  int64
	buf     []byte // coded and not yet written
}

func (w *stageWriter) write(ctx context.Context, b body) error {
	sum := md5.New()
	hashers := make([]hash.Hash, len(b.hashes))
	for i, h := range b.hashes {
		hashers[i] = h.New()
	}
	w.buf = append(w.buf, w.coding.header()...)

	// A frame must know whether it is the last, so one is read ahead.
	reader := b.reader
	if reader == nil {
		reader = eofReader{}
	}
	frame, next := w.room.frame[:], w.room.next[:]
	have, err := readFrame(ctx, reader, frame)
	if err != nil {
		return err
	}
	var size int64
	for n := int64(0); ; n++ {
		ahead := 0
		if have == frameSize {
			if ahead, err = readFrame(ctx, reader, next); err != nil {
				return err
			}
		}
		size += int64(have)
		if b.size >= 0 && size > b.size || size > maxContent {
			return fmt.Errorf("more than %d bytes came: %w", b.size, ErrBadSize)
		}
		sum.Write(frame[:have])
		for _, h := range hashers {
			h.Write(frame[:have])
		}
		last := ahead == 0
		w.buf = w.coding.append(w.buf, frame[:have], n, last)
		if last {
			break
		}
		if len(w.buf) >= writeSize {
			if err := w.flush(); err != nil {
				return err
			}
		}
		frame, next, have = next, frame, ahead
	}
	if b.size >= 0 && size != b.size {
		return fmt.Errorf("%d bytes came and %d were announced: %w", size, b.size, ErrBadSize)
	}
	w.staged.Summary = Summary{Size: size, MD5: sum.Sum(nil)}
	w.staged.segment.Size = size
	for i, h := range b.hashes {
		w.staged.Summary.Checksums = append(w.staged.Summary.Checksums, Checksum{Algorithm: h.Algorithm, Value: hashers[i].Sum(nil)})
	}
	if b.verify != nil {
		if err := b.verify(w.staged.Summary); err != nil {
			return err
		}
	}
	if w.mayInline && w.file == nil && size <= inlineMax {
		w.staged.inline = bytes.Clone(w.buf)
		return nil
	}
	return w.finish()
}

// readFrame fills p, or as much of it as there is.
func readFrame(ctx context.Context, r io.Reader, p []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n := 0
	for n < len(p) {
		m, err := r.Read(p[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("read the body: %w", err)
		}
	}
	return n, nil
}

func (w *stageWriter) flush() error {
	if w.file == nil {
		if err := w.create(); err != nil {
			return err
		}
	}
	_, err := w.file.WriteAt(w.buf, w.offset)
	w.offset += int64(len(w.buf))
	w.buf = w.buf[:0]
	return err
}

// create makes the file where it is to stay. No row names it before the
// commit, so it needs no other name until it is whole, and the sync of the
// folder finds its entry written by that of the file.
func (w *stageWriter) create() error {
	s, st := w.store, w.staged
	st.Gen = s.enterFolder()
	w.entered = true
	path := s.contentPath(st.Gen, st.File)
	f, err := s.fs.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		// The folder is new.
		if err = s.fs.MkdirAll(s.folder(st.Gen), 0o700); err == nil {
			f, err = s.fs.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
	}
	if err != nil {
		return err
	}
	w.file = f
	return nil
}

// finish makes the bytes durable. The name becomes durable with the commit.
func (w *stageWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	err := w.file.Close()
	w.file = nil
	return err
}

// abandon removes what was written.
func (w *stageWriter) abandon() {
	if w.file != nil {
		w.file.Close()
	}
	if w.entered {
		w.store.discard(w.staged)
	}
}

// discard removes content that no row will name. Its folder counts as one with
// orphans until the removal is durable, and for ever if that fails.
func (s *Store) discard(st *staged) {
	if st.inline != nil {
		return
	}
	path := s.contentPath(st.Gen, st.File)
	err := s.fs.Remove(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.fs.SyncDir(s.folder(st.Gen))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		s.logger.Warn("content that belongs to nothing stays until the next start", "file", path, "error", err)
		return
	}
	s.leaveFolder(st.Gen)
}

// settle ends a put: the content is named by a row, or of no use, or, when it
// is not known which, stays for the next Open to decide.
func (s *Store) settle(st *staged, err error) {
	switch {
	case st.inline != nil || errors.Is(err, errUnknown):
	case err != nil:
		s.discard(st)
	default:
		s.leaveFolder(st.Gen)
	}
}

// gens are the folders to be synced before a row names the content.
func (st *staged) gens() []uint32 {
	if st.inline != nil {
		return nil
	}
	return []uint32{st.Gen}
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }
