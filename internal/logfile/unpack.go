package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// unpackLimits bound what one file may unpack to.
type unpackLimits struct {
	ratio int64 // unpacked bytes per packed byte, once more than 1 MiB came out
	bytes int64 // unpacked bytes in total
}

// ratioGrace is how much may come out of a file before its ratio counts: short
// files of repeated text pack very well.
const ratioGrace = 1 << 20

// unpackReader reads a file that may be gzip-compressed, known by its first
// bytes and not by its name, and stops when it unpacks to more than the limits
// allow.
type unpackReader struct {
	limits unpackLimits
	packed *countingReader
	out    io.Reader
	gzip   bool
	n      int64 // bytes handed out
	err    error
}

// newUnpackReader reads the beginning of r.
func newUnpackReader(r io.Reader, limits unpackLimits) (*unpackReader, error) {
	u := &unpackReader{limits: limits, packed: &countingReader{r: r}}
	br := bufio.NewReaderSize(u.packed, 32<<10)
	u.out = br
	if magic, _ := br.Peek(2); string(magic) != "\x1f\x8b" {
		return u, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	inner := bufio.NewReaderSize(z, 32<<10)
	if magic, _ := inner.Peek(2); string(magic) == "\x1f\x8b" {
		return nil, errors.New("unpack: the file is gzip-compressed twice; unpack it once first")
	}
	u.gzip, u.out = true, inner
	return u, nil
}

// Read reads unpacked bytes.
func (u *unpackReader) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.out.Read(p)
	u.n += int64(n)
	switch {
	case u.n > u.limits.bytes:
		u.err = fmt.Errorf("unpack: the file unpacks to more than %d bytes (--max-unpacked)", u.limits.bytes)
	case u.gzip && u.n > ratioGrace && u.n/u.limits.ratio > u.packed.n:
		u.err = fmt.Errorf("unpack: the file unpacks to more than %d times its size (--max-ratio)", u.limits.ratio)
	case errors.Is(err, gzip.ErrHeader):
		u.err = errors.New("unpack: something other than gzip follows the gzip data")
	case err == io.ErrUnexpectedEOF && u.gzip:
		u.err = errors.New("unpack: the gzip data is cut off")
	case err != nil && err != io.EOF:
		u.err = fmt.Errorf("unpack: %w", err)
	default:
		return n, err
	}
	return n, u.err
}

// countingReader counts the bytes read through it.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
