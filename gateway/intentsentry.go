package gateway

import (
	"encoding/binary"
	"hash/crc32"
)

// The journal's format is drawn in docs/format/intents.md.
const (
	intentsVersion = 1

	entryAlign      = 64
	entryHeaderSize = 64

	// fileHeaderSize is that of both copies, which lie in sectors of their own.
	fileHeaderSize = 2 * headerCopy
	headerCopy     = 512

	// maxNumber bounds generations and seqs, so that no damaged one can make
	// counting from it overflow.
	maxNumber = 1 << 62
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An entryKind is a type of entry. Its numbers are part of the format.
type entryKind uint8

const (
	entryIntent entryKind = 1 + iota // a call is about to be forwarded
	entryEnd                         // nothing more is to be done for an intent
	entryKept                        // the completing record of a call, for the log
	entryClosed                      // the journal was closed cleanly
)

const flagCarried = 1 // a copy of an entry in an older file

// An entryHeader stands before each entry's payload.
type entryHeader struct {
	kind       entryKind
	flags      uint8
	ids        [3]uint8 // bytes of account, region and event ID, which begin the payload
	length     uint32   // bytes of the payload
	payload    uint32   // its CRC-32C
	room       uint32   // bytes that the completing record may have
	generation uint64   // of the file
	seq        uint64
	group      uint64 // seq of the first entry of the same write
	intent     uint64 // seq that the intent had when it began
}

// size is the entry's size in the file.
func (h *entryHeader) size() int64 { return entrySize(int(h.length)) }

// entrySize is the size in the file of an entry with a payload of so many bytes.
func entrySize(payload int) int64 {
	return (int64(payload) + entryHeaderSize + entryAlign - 1) / entryAlign * entryAlign
}

var entryMagic = [4]byte{'C', 'I', 'N', 'T'}

func (h *entryHeader) put(b []byte) {
	clear(b[:entryHeaderSize])
	copy(b, entryMagic[:])
	b[4], b[5] = byte(h.kind), h.flags
	copy(b[6:], h.ids[:])
	binary.LittleEndian.PutUint32(b[12:], h.length)
	binary.LittleEndian.PutUint32(b[16:], h.payload)
	binary.LittleEndian.PutUint32(b[20:], h.room)
	binary.LittleEndian.PutUint64(b[24:], h.generation)
	binary.LittleEndian.PutUint64(b[32:], h.seq)
	binary.LittleEndian.PutUint64(b[40:], h.group)
	binary.LittleEndian.PutUint64(b[48:], h.intent)
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}

// parse reads a header. Of bytes that are none, or that no version 1 writes,
// it returns false.
func (h *entryHeader) parse(b []byte) bool {
	if len(b) < entryHeaderSize || [4]byte(b[:4]) != entryMagic || binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return false
	}
	*h = entryHeader{
		kind: entryKind(b[4]), flags: b[5], ids: [3]uint8(b[6:9]),
		length:     binary.LittleEndian.Uint32(b[12:]),
		payload:    binary.LittleEndian.Uint32(b[16:]),
		room:       binary.LittleEndian.Uint32(b[20:]),
		generation: binary.LittleEndian.Uint64(b[24:]),
		seq:        binary.LittleEndian.Uint64(b[32:]),
		group:      binary.LittleEndian.Uint64(b[40:]),
		intent:     binary.LittleEndian.Uint64(b[48:]),
	}
	ids := uint32(h.ids[0]) + uint32(h.ids[1]) + uint32(h.ids[2])
	return h.kind >= entryIntent && h.kind <= entryClosed && h.length >= ids && h.length <= 1<<30 &&
		h.generation < maxNumber && h.seq < maxNumber && h.group <= h.seq && h.intent <= h.seq &&
		(h.kind != entryIntent || h.flags&flagCarried != 0 || h.intent == h.seq)
}

// sound reports whether a payload is the one that was written.
func (h *entryHeader) sound(payload []byte) bool {
	return crc32.Checksum(payload, castagnoli) == h.payload
}

// recordIDs say where the log has a record.
type recordIDs struct{ account, region, eventID string }

// split takes a payload apart.
func (h *entryHeader) split(payload []byte) (ids recordIDs, record []byte) {
	a, r, e := int(h.ids[0]), int(h.ids[1]), int(h.ids[2])
	return recordIDs{string(payload[:a]), string(payload[a : a+r]), string(payload[a+r : a+r+e])}, payload[a+r+e:]
}

// encodeEntry makes an entry whose header lacks its place in the journal.
func encodeEntry(kind entryKind, ids recordIDs, room int, record []byte) (h entryHeader, b []byte) {
	n := len(ids.account) + len(ids.region) + len(ids.eventID) + len(record)
	size := entrySize(n)
	b = make([]byte, entryHeaderSize, size)
	b = append(b, ids.account...)
	b = append(b, ids.region...)
	b = append(b, ids.eventID...)
	b = append(b, record...)
	h = entryHeader{kind: kind, ids: [3]uint8{uint8(len(ids.account)), uint8(len(ids.region)), uint8(len(ids.eventID))},
		length: uint32(n), payload: crc32.Checksum(b[entryHeaderSize:], castagnoli), room: uint32(room)}
	return h, b[:size]
}

// A foundEntry is an entry and where its file has it.
type foundEntry struct {
	entryHeader
	at int64
}

// scanEntries finds the sound entries of one generation in a file's bytes.
// Behind bytes that are damaged it goes on where the next entry begins: a
// sound header tells how long a damaged payload is, and without one every
// place is looked at where an entry can begin.
func scanEntries(data []byte, generation uint64) []foundEntry {
	var found []foundEntry
	for at := int64(fileHeaderSize); at+entryHeaderSize <= int64(len(data)); {
		e := foundEntry{at: at}
		if !e.parse(data[at:]) || e.generation != generation || at+e.size() > int64(len(data)) {
			at += entryAlign
			continue
		}
		if e.sound(data[at+entryHeaderSize:][:e.length]) {
			found = append(found, e)
		}
		at += e.size()
	}
	return found
}

// newestGeneration finds the generation of a file that lacks a sound header, 0
// if it has no entry: every entry carries its file's.
func newestGeneration(data []byte) (newest uint64) {
	var h entryHeader
	for at := fileHeaderSize; at+entryHeaderSize <= len(data); at += entryAlign {
		if h.parse(data[at:]) {
			newest = max(newest, h.generation)
		}
	}
	return newest
}

// A fileHeader begins each file, twice.
type fileHeader struct {
	version    uint32
	generation uint64 // how many files had been begun, this one included; 0: never begun
	first      uint64 // seq of the first entry
	sure       uint64 // entries below this seq were durable when the file was begun
	created    int64  // Unix microseconds
	size       int64  // of the file
}

var fileMagic = [8]byte{'C', 'A', 'I', 'R', 'N', 'I', 'N', 'T'}

func (h *fileHeader) bytes() []byte {
	b := make([]byte, fileHeaderSize)
	copy(b, fileMagic[:])
	binary.LittleEndian.PutUint32(b[8:], h.version)
	binary.LittleEndian.PutUint64(b[16:], h.generation)
	binary.LittleEndian.PutUint64(b[24:], h.first)
	binary.LittleEndian.PutUint64(b[32:], h.sure)
	binary.LittleEndian.PutUint64(b[40:], uint64(h.created))
	binary.LittleEndian.PutUint64(b[48:], uint64(h.size))
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	copy(b[headerCopy:], b[:headerCopy])
	return b
}

// parse reads the newer of the two copies, and says whether one is sound. Two
// that differ are what a power cut leaves of a file that was being begun.
func (h *fileHeader) parse(data []byte) (ok bool) {
	for at := 0; at+headerCopy <= min(len(data), fileHeaderSize); at += headerCopy {
		b := data[at:]
		if [8]byte(b[:8]) != fileMagic || binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
			continue
		}
		c := fileHeader{
			version:    binary.LittleEndian.Uint32(b[8:]),
			generation: binary.LittleEndian.Uint64(b[16:]),
			first:      binary.LittleEndian.Uint64(b[24:]),
			sure:       binary.LittleEndian.Uint64(b[32:]),
			created:    int64(binary.LittleEndian.Uint64(b[40:])),
			size:       int64(binary.LittleEndian.Uint64(b[48:])),
		}
		if c.generation >= maxNumber || c.first >= maxNumber || c.sure > c.first || c.size < 0 || c.size > maxFileBytes {
			continue
		}
		if !ok || c.generation > h.generation {
			*h = c
		}
		ok = true
	}
	return ok
}

// maxFileBytes bounds the size of a file of the ring, which is read at once.
const maxFileBytes = 1 << 30
