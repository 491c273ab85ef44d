package eventlog

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A sealed segment carries its own dictionary: up to dictSize bytes of its own
// records, taken evenly from all over it, to which each of its blocks may
// refer. So blocks stay small enough to be read alone and yet compress nearly
// as well as the whole segment would.
//
// The payload of a block is the zstd blocks (RFC 8878, 3.1.1.2) of a frame
// whose first block, which is not stored, holds the dictionary as it is. The
// reader puts the frame together: a frame header, the dictionary as a raw
// block, the payload. Handing the decoder a dictionary apart would give the
// same bytes at half the speed.
const dictSize = 112 << 10

// An encoder compresses the blocks of one segment.
type encoder struct {
	z   *zstd.Encoder
	buf []byte
}

func newEncoder(dict []byte) (*encoder, error) {
	opts := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedFastest), // with a dictionary, the next level costs twice the time for 1 % of the size
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // the block header has a checksum
		zstd.WithWindowSize(windowSize),
		zstd.WithSingleSegment(true),
		zstd.WithZeroFrames(true),
	}
	if len(dict) > 0 {
		opts = append(opts, zstd.WithEncoderDictRaw(1, dict))
	}
	z, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	return &encoder{z: z}, nil
}

// windowSize covers the dictionary and the longest block.
const windowSize = 2 << 20

// append compresses raw and appends the payload to dst.
func (e *encoder) append(dst, raw []byte) ([]byte, error) {
	e.buf = e.z.EncodeAll(raw, e.buf[:0])
	var h zstd.Header
	if err := h.Decode(e.buf); err != nil {
		return dst, fmt.Errorf("compress block: %w", err)
	}
	return append(dst, e.buf[h.HeaderSize:]...), nil
}

func (e *encoder) close() { e.z.Close() }

// A decoder decompresses the blocks of one segment. It is safe for concurrent
// use.
type decoder struct {
	dict   int    // bytes of dictionary
	prefix []byte // what stands before a block's payload in its frame
}

// frameHeaderSize is the length of the frame header that a decoder makes: the
// magic number, a descriptor that says single segment and a content size of
// four bytes, and that size.
const frameHeaderSize = 9

func newDecoder(dict []byte) *decoder {
	d := &decoder{dict: len(dict), prefix: []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0}}
	if len(dict) > 0 {
		h := len(dict) << 3 // a raw block, not the last
		d.prefix = append(d.prefix, byte(h), byte(h>>8), byte(h>>16))
		d.prefix = append(d.prefix, dict...)
	}
	return d
}

// decode decompresses a payload that has raw bytes before compression. The
// result begins with the dictionary.
func (d *decoder) decode(dst, payload []byte, raw int) ([]byte, error) {
	src, _ := frames.Get().(*zstdFrame)
	if src == nil {
		src = &zstdFrame{}
	}
	defer frames.Put(src)
	if src.of != d {
		src.of, src.b = d, append(src.b[:0], d.prefix...)
	}
	src.b = append(src.b[:len(d.prefix)], payload...)
	binary.LittleEndian.PutUint32(src.b[frameHeaderSize-4:], uint32(d.dict+raw))
	return unzstd.DecodeAll(src.b, dst[:0])
}

// A zstdFrame is where a frame is put together. It begins with the prefix of the
// decoder that used it last, which is the next to use it as a rule.
type zstdFrame struct {
	of *decoder
	b  []byte
}

var frames sync.Pool // of *zstdFrame

// unzstd decompresses for all segments.
var unzstd = func() *zstd.Decoder {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxBlockRaw+dictSize))
	if err != nil {
		panic(err) // the options are constants
	}
	return z
}()

// decoders keeps the decoders of the segments that were read last, because a
// decoder holds its dictionary and some working memory.
type decoders struct {
	mu   sync.Mutex
	keep []*sealedSegment // most recent last; each has its decoder
}

const maxDecoders = 32

// of returns seg's decoder.
func (ds *decoders) of(seg *sealedSegment) (*decoder, error) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if d := seg.dec; d != nil {
		if last := len(ds.keep) - 1; ds.keep[last] != seg {
			for i, s := range ds.keep {
				if s == seg {
					copy(ds.keep[i:], ds.keep[i+1:])
					ds.keep[last] = seg
					break
				}
			}
		}
		return d, nil
	}
	dict, err := seg.dictionary()
	if err != nil {
		return nil, err
	}
	d := newDecoder(dict)
	if len(ds.keep) == maxDecoders {
		ds.keep[0].dec = nil
		copy(ds.keep, ds.keep[1:])
		ds.keep = ds.keep[:maxDecoders-1]
	}
	seg.dec = d
	ds.keep = append(ds.keep, seg)
	return d, nil
}

// drop forgets seg's decoder.
func (ds *decoders) drop(seg *sealedSegment) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	seg.dec = nil
	for i, s := range ds.keep {
		if s == seg {
			ds.keep = append(ds.keep[:i], ds.keep[i+1:]...)
			return
		}
	}
}
