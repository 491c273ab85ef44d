package logfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Limits bound what one file may unpack to.
type Limits struct {
	Ratio int64 // unpacked bytes per packed byte, once more than 1 MiB came out
	Bytes int64 // unpacked bytes in total
}

// A LimitError says that a file unpacks to more than the Limits allow.
type LimitError struct {
	Limit int64
	Ratio bool // the Limit is that of the ratio
}

func (e *LimitError) Error() string {
	if e.Ratio {
		return fmt.Sprintf("unpack: the file unpacks to more than %d times its size", e.Limit)
	}
	return fmt.Sprintf("unpack: the file unpacks to more than %d bytes", e.Limit)
}

// ratioGrace is how much may come out of a file before its ratio counts: short
// files of repeated text pack very well.
const ratioGrace = 1 << 20

// maxWindow bounds the memory that a zstd frame may ask for. It is what the
// format's specification recommends decoders to support at least.
const maxWindow = 8 << 20

// A Packing is the compression of a file, known by its first bytes.
type Packing string

// The packings. Text files are Plain.
const (
	Plain Packing = ""
	Gzip  Packing = "gzip"
	Zstd  Packing = "zstd"
)

// packingOf looks at the first bytes of a file without consuming them.
func packingOf(r *bufio.Reader) Packing {
	magic, _ := r.Peek(4)
	switch {
	case len(magic) >= 2 && string(magic[:2]) == "\x1f\x8b":
		return Gzip
	case string(magic) == "\x28\xb5\x2f\xfd":
		return Zstd
	}
	return Plain
}

// A Reader reads a file that may be compressed, known by its first bytes and
// not by its name, and stops when it unpacks to more than the limits allow.
type Reader struct {
	Packing Packing

	limits Limits
	packed *countingReader
	out    io.Reader
	n      int64 // bytes handed out
	err    error
}

// NewReader reads the beginning of r.
func NewReader(r io.Reader, limits Limits) (*Reader, error) {
	u := &Reader{limits: limits, packed: &countingReader{r: r}}
	br := bufio.NewReaderSize(u.packed, 32<<10)
	u.out = br
	u.Packing = packingOf(br)
	var unpacked io.Reader
	var err error
	switch u.Packing {
	case Plain:
		return u, nil
	case Gzip:
		unpacked, err = gzip.NewReader(br)
	case Zstd:
		// With a concurrency of 1 the decoder has no goroutines, and so needs no
		// Close.
		unpacked, err = zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	}
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	inner := bufio.NewReaderSize(unpacked, 32<<10)
	if packingOf(inner) != Plain {
		return nil, errors.New("unpack: the file is compressed twice; unpack it once first")
	}
	u.out = inner
	return u, nil
}

// Read reads unpacked bytes.
func (u *Reader) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.out.Read(p)
	u.n += int64(n)
	packed := u.Packing != Plain
	switch {
	case u.n > u.limits.Bytes:
		u.err = &LimitError{Limit: u.limits.Bytes}
	case packed && u.n > ratioGrace && u.n/u.limits.Ratio > u.packed.n:
		u.err = &LimitError{Limit: u.limits.Ratio, Ratio: true}
	case errors.Is(err, gzip.ErrHeader), packed && errors.Is(err, zstd.ErrMagicMismatch):
		u.err = fmt.Errorf("unpack: something other than %s follows the %[1]s data", u.Packing)
	case err == io.ErrUnexpectedEOF && packed:
		u.err = fmt.Errorf("unpack: the %s data is cut off", u.Packing)
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
