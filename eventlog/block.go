package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"cairn"
)

// A block is the unit of compression and of checksumming: at most blockSize
// bytes of records (or one record that is longer), behind a header. The blocks
// of a sealed segment are compressed. Those of an open one are not: they are
// read once, to be sealed, and compressing them would cost a sixth of all the
// time that an event takes.
const (
	blockSize       = 64 << 10
	sealedBlockSize = 64 << 10
	blockHeaderSize = 56
	blockMagic      = "CBK1"
)

// maxBlockRaw bounds what a header may claim, so that a damaged or hostile
// length never makes a reader allocate without bound.
const maxBlockRaw = cairn.MaxRecordBytes + blockSize

type codec uint8

const (
	codecNone codec = 0
	codecZstd codec = 1
)

const (
	blockEndsGroup = 1 << 0 // the last block of a group: everything before it counts
	blockLost      = 1 << 2 // holds no payload: its records were damaged and are lost
	blockEndMark   = 1 << 1 // holds no records: the log was closed cleanly behind the block before
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// A blockHeader stands before each block's payload.
type blockHeader struct {
	codec    codec
	flags    uint8
	stored   uint32 // bytes of payload in the file
	raw      uint32 // bytes of payload when decompressed
	count    uint32 // records
	chain    uint32 // header checksum of the block before, 0 for the first
	firstSeq uint64
	group    uint64 // firstSeq of the first block of the group
	arrival  int64  // Unix microseconds; the records' arrivals count from here
	payload  uint32 // CRC-32C of the stored payload
	sum      uint32 // CRC-32C of the header before this field
}

// put writes the header to b and sets h.sum.
func (h *blockHeader) put(b []byte) {
	copy(b, blockMagic)
	b[4] = byte(h.codec)
	b[5] = h.flags
	b[6], b[7] = 0, 0
	le := binary.LittleEndian
	le.PutUint32(b[8:], h.stored)
	le.PutUint32(b[12:], h.raw)
	le.PutUint32(b[16:], h.count)
	le.PutUint32(b[20:], h.chain)
	le.PutUint64(b[24:], h.firstSeq)
	le.PutUint64(b[32:], h.group)
	le.PutUint64(b[40:], uint64(h.arrival))
	le.PutUint32(b[48:], h.payload)
	h.sum = checksum(b[:52])
	le.PutUint32(b[52:], h.sum)
}

var (
	errBlockMagic  = errors.New("no block begins here")
	errBlockHeader = errors.New("the block header's checksum does not match")
	errBlockFields = errors.New("the block header's fields contradict each other")
	errBlockSum    = errors.New("the block's checksum does not match")
)

func parseBlockHeader(b []byte) (blockHeader, error) {
	var h blockHeader
	if len(b) < blockHeaderSize || string(b[:4]) != blockMagic {
		return h, errBlockMagic
	}
	le := binary.LittleEndian
	h.sum = le.Uint32(b[52:])
	if checksum(b[:52]) != h.sum {
		return h, errBlockHeader
	}
	h.codec = codec(b[4])
	h.flags = b[5]
	h.stored = le.Uint32(b[8:])
	h.raw = le.Uint32(b[12:])
	h.count = le.Uint32(b[16:])
	h.chain = le.Uint32(b[20:])
	h.firstSeq = le.Uint64(b[24:])
	h.group = le.Uint64(b[32:])
	h.arrival = int64(le.Uint64(b[40:]))
	h.payload = le.Uint32(b[48:])
	if h.flags&blockLost != 0 && h.count > maxLost || h.raw > maxBlockRaw || h.stored > maxBlockRaw+maxBlockRaw/8 || h.count > h.raw && h.flags&blockLost == 0 || h.codec > codecZstd || h.group > h.firstSeq {
		return h, errBlockFields
	}
	return h, nil
}

// decodeBlock checks a block's stored payload and decompresses it into b, using
// b's memory where it suffices.
func decodeBlock(b *block, h *blockHeader, stored []byte, z *decoder) error {
	if checksum(stored) != h.payload {
		return errBlockSum
	}
	dst, skip := b.memory, 0
	var raw []byte
	var err error
	switch h.codec {
	case codecNone:
		raw = append(dst[:0], stored...)
	case codecZstd:
		if z == nil {
			return errors.New("the block needs a dictionary that its file does not have")
		}
		skip = z.dict
		raw, err = z.decode(dst, stored, int(h.raw))
	}
	if err != nil {
		return fmt.Errorf("decompress block: %w", err)
	}
	if len(raw) != skip+int(h.raw) {
		return errBlockFields
	}
	b.memory, b.payload = raw, raw[skip:]
	return nil
}

// A frame is one record within a block, and what the server noted about it.
type frame struct {
	arrival int64 // Unix microseconds
	origin  cairn.Origin
	flags   cairn.Flags
	raw     []byte
}

// maxFrameOverhead is the most that a frame adds to its record.
const maxFrameOverhead = binary.MaxVarintLen32 + binary.MaxVarintLen64 + 2

// appendPayload appends the payload of a block with the given arrival. The
// records stand in columns, which compress better than rows: their lengths,
// then their arrivals in microseconds after the record before (the first after
// the block's), uvarint each; then their origins and their flags, a byte each;
// then their bytes.
func appendPayload(b []byte, frames []frame, arrival int64) []byte {
	for i := range frames {
		b = binary.AppendUvarint(b, uint64(len(frames[i].raw)))
	}
	for i := range frames {
		b = binary.AppendUvarint(b, uint64(frames[i].arrival-arrival))
		arrival = frames[i].arrival
	}
	for i := range frames {
		b = append(b, byte(frames[i].origin))
	}
	for i := range frames {
		b = append(b, byte(frames[i].flags))
	}
	for i := range frames {
		b = append(b, frames[i].raw...)
	}
	return b
}

// each calls fn with each record of a block of the segment that begins at
// base. The frame and its bytes are valid only within fn.
func (b *block) each(base uint64, fn func(ordinal uint32, f *frame)) error {
	fail := func(what string) error {
		first := base + uint64(b.first)
		return &Damage{File: b.fileName, Segment: base, Offset: b.offset, FirstSeq: first, LastSeq: first + uint64(b.count) - 1, What: what}
	}
	if b.lost {
		return fail(lostText)
	}
	lengths, rest, total := b.payload, b.payload, uint64(0)
	for range b.count {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(b.payload)) {
			return fail(errFrame)
		}
		total += size
		rest = rest[n:]
	}
	arrivals := rest
	for range b.count {
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return fail(errFrame)
		}
		rest = rest[n:]
	}
	count := int(b.count)
	if len(rest) < 2*count {
		return fail(errFrame)
	}
	origins, flags, rest := rest[:count], rest[count:2*count], rest[2*count:]
	if total != uint64(len(rest)) {
		return fail(errFrame)
	}
	f := frame{arrival: b.arrival}
	for i := range count {
		size, n := binary.Uvarint(lengths)
		lengths = lengths[n:]
		delta, n := binary.Uvarint(arrivals)
		arrivals = arrivals[n:]
		f.arrival += int64(delta)
		f.origin, f.flags = cairn.Origin(origins[i]), cairn.Flags(flags[i])
		f.raw, rest = rest[:size:size], rest[size:]
		fn(b.first+uint32(i), &f)
	}
	return nil
}

// maxLost bounds the records that one lost block stands for.
const maxLost = 1 << 22

// lostText describes records that were damaged and could not be kept.
const lostText = "these records were found damaged when the log was opened, and are lost"

const errFrame = "the block's records do not end where the block does"

// time is Event.Time of the frame's record, in Unix seconds.
func (f *frame) time(r *cairn.Record) int64 {
	if f.flags&cairn.FlagAhead != 0 {
		return f.arrival / 1e6
	}
	return r.EventTime.Unix()
}

// event returns the frame as an event, its fields not extracted.
func (f *frame) event(seq uint64) cairn.Event {
	return cairn.Event{
		Seq:     seq,
		Arrival: time.UnixMicro(f.arrival).UTC(),
		Origin:  f.origin,
		Flags:   f.flags,
		Raw:     f.raw,
	}
}

// A fileHeader opens each .log and .seg file.
type fileHeader struct {
	magic   string // logMagic or segMagic
	base    uint64 // seq of the first record
	created int64  // Unix microseconds
	dict    uint32 // bytes of dictionary that follow the header
	dictSum uint32 // CRC-32C of the dictionary
}

// Version 1 is the only version there is. Readers refuse any other.
const (
	formatVersion  = 1
	fileHeaderSize = 64
	logMagic       = "CAIRNLOG"
	segMagic       = "CAIRNSEG"
	idxMagic       = "CAIRNIDX"
)

func (h *fileHeader) put(b []byte) {
	clear(b[:fileHeaderSize])
	le := binary.LittleEndian
	copy(b, h.magic)
	le.PutUint32(b[8:], formatVersion)
	// 12: u32 encryption key id, 0 = not encrypted; 40: 12 bytes for a nonce.
	le.PutUint64(b[16:], h.base)
	le.PutUint64(b[24:], uint64(h.created))
	le.PutUint32(b[32:], h.dict)
	le.PutUint32(b[36:], h.dictSum)
	le.PutUint32(b[60:], checksum(b[:60]))
}

var errFileHeader = errors.New("the file header is damaged")

func parseFileHeader(b []byte, magic string) (fileHeader, error) {
	var h fileHeader
	if len(b) < fileHeaderSize || string(b[:8]) != magic {
		return h, errFileHeader
	}
	le := binary.LittleEndian
	if le.Uint32(b[60:]) != checksum(b[:60]) {
		return h, errFileHeader
	}
	if v := le.Uint32(b[8:]); v != formatVersion {
		return h, &NewerFormatError{Version: v}
	}
	if le.Uint32(b[12:]) != 0 {
		return h, errors.New("the file is encrypted; this version reads only unencrypted files")
	}
	h.magic = magic
	h.base = le.Uint64(b[16:])
	h.created = int64(le.Uint64(b[24:]))
	h.dict = le.Uint32(b[32:])
	h.dictSum = le.Uint32(b[36:])
	if h.dict > 1<<20 {
		return h, errFileHeader
	}
	return h, nil
}

func fileHeaderBytes(h fileHeader) []byte {
	b := make([]byte, fileHeaderSize)
	h.put(b)
	return b
}
