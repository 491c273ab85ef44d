package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"cairn/internal/eventgen"

	"golang.org/x/sys/unix"
)

// span is the time that the records of every corpus are spread over, and
// start when it begins.
const span = 10 * 24 * time.Hour

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// seed is what all records follow from.
const seed = 42

// writeCorpus writes n records to a file, each behind its length (uint32,
// little-endian), and returns the sum of the records' lengths.
func writeCorpus(ctx context.Context, path string, n int) (rawBytes int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	g := eventgen.New(seed, eventgen.Options{Start: start, Span: span, Events: n})
	buf := make([]byte, 4, 16<<10)
	for i := range n {
		if i%10000 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		buf = g.Next(buf[:4])
		binary.LittleEndian.PutUint32(buf, uint32(len(buf)-4))
		rawBytes += int64(len(buf) - 4)
		if _, err := w.Write(buf); err != nil {
			return 0, fmt.Errorf("write corpus: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return 0, fmt.Errorf("write corpus: %w", err)
	}
	return rawBytes, nil
}

// A corpus is a file of records, mapped into memory: its pages belong to the
// page cache and not to the process that reads them.
type corpus struct {
	mapped  []byte
	offsets []int64 // of each record's length
}

func openCorpus(path string) (*corpus, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	c := &corpus{}
	if info.Size() == 0 {
		return c, nil
	}
	c.mapped, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	for off := int64(0); off < int64(len(c.mapped)); {
		c.offsets = append(c.offsets, off)
		off += 4 + int64(binary.LittleEndian.Uint32(c.mapped[off:]))
	}
	return c, nil
}

func (c *corpus) close() error {
	if c.mapped == nil {
		return nil
	}
	return unix.Munmap(c.mapped)
}

func (c *corpus) len() int { return len(c.offsets) }

// record returns the bytes of record i. They must not be modified, nor used
// after close.
func (c *corpus) record(i int) []byte {
	off := c.offsets[i]
	n := int64(binary.LittleEndian.Uint32(c.mapped[off:]))
	return c.mapped[off+4 : off+4+n : off+4+n]
}

// records are the corpus's first n records.
func (c *corpus) records(n int) func(yield func(raw []byte) bool) {
	return func(yield func(raw []byte) bool) {
		for i := range min(n, c.len()) {
			if !yield(c.record(i)) {
				return
			}
		}
	}
}
