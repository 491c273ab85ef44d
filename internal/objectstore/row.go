package objectstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
)

// The tables of the index, each a bucket of the bbolt file.
const (
	metaTable     = "meta"     // the format, and how far orphans were looked for
	bucketTable   = "buckets"  // by name
	usageTable    = "usage"    // by bucket number: what a bucket holds
	objectTable   = "objects"  // by bucket number, key, newest first
	inlineTable   = "inline"   // by the key of the object's row: small content
	segmentTable  = "segments" // by the key of the object's row: its content files
	uploadTable   = "uploads"  // by bucket number, key, oldest first
	partTable     = "parts"    // by upload, part number
	fileTable     = "files"    // by folder and name: every content file that belongs to something
	garbageTable  = "garbage"  // by folder and name: content files to be removed
	formatRow     = "format"
	sweptRow      = "swept"
	rowHeader     = 4
	keyEnd        = 1 // behind 0: where a key ends, in the keys of rows
	keyEnd2       = keyEnd + 1
	escapedZero   = 0xFF
	fileKeyLength = 4 + 16
)

var tables = []string{metaTable, bucketTable, usageTable, objectTable, inlineTable, segmentTable, uploadTable, partTable, fileTable, garbageTable}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errRowSum = errors.New("the checksum of a row does not match")

// encodeRow puts a CRC-32C, big endian, before a row. It covers the place of
// the row as well as its content, so that a row that turns up elsewhere is
// found.
func encodeRow(table string, key, payload []byte) []byte {
	row := make([]byte, rowHeader, rowHeader+len(payload))
	binary.BigEndian.PutUint32(row, rowSum(table, key, payload))
	return append(row, payload...)
}

// decodeRow returns the content of a row, which shares memory with it.
func decodeRow(table string, key, row []byte) ([]byte, error) {
	if len(row) < rowHeader || binary.BigEndian.Uint32(row) != rowSum(table, key, row[rowHeader:]) {
		return nil, errRowSum
	}
	return row[rowHeader:], nil
}

func rowSum(table string, key, payload []byte) uint32 {
	head := make([]byte, 0, 64)
	head = binary.AppendUvarint(head, uint64(len(table)))
	head = append(head, table...)
	head = binary.AppendUvarint(head, uint64(len(key)))
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, key)
	return crc32.Update(sum, castagnoli, payload)
}

// keyPrefix begins the keys of all rows of a bucket whose object keys begin
// with prefix. A zero byte is written as 0 FF, so that 0 1 can end a key and
// the order of rows is the byte order of keys.
func keyPrefix(bucket uint64, prefix string) []byte {
	b := make([]byte, 0, 8+len(prefix)+2+8+16)
	b = binary.BigEndian.AppendUint64(b, bucket)
	if strings.IndexByte(prefix, 0) < 0 {
		return append(b, prefix...)
	}
	for i := range len(prefix) {
		b = append(b, prefix[i])
		if prefix[i] == 0 {
			b = append(b, escapedZero)
		}
	}
	return b
}

// keyRows begins the keys of all rows of one object key.
func keyRows(bucket uint64, key string) []byte { return append(keyPrefix(bucket, key), 0, keyEnd) }

// behindKey is above all rows of one object key, and below those of the next.
func behindKey(bucket uint64, key string) []byte { return append(keyPrefix(bucket, key), 0, keyEnd2) }

// behind is above all keys that begin with prefix; nil when there is no such
// place.
func behind(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xFF {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return next
		}
	}
	return nil
}

// versionRow is the key of an object's row: newer versions come first.
func versionRow(bucket uint64, key string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(keyRows(bucket, key), ^seq)
}

// splitRow takes a row's key apart: bucket number, object key, and the tail of
// the given length.
func splitRow(row []byte, tailLength int) (bucket uint64, key string, tail []byte, ok bool) {
	if len(row) < 8+2+tailLength {
		return 0, "", nil, false
	}
	middle, tail := row[8:len(row)-tailLength-2], row[len(row)-tailLength:]
	if end := row[len(row)-tailLength-2:]; end[0] != 0 || end[1] != keyEnd {
		return 0, "", nil, false
	}
	key = string(middle)
	if strings.IndexByte(key, 0) >= 0 {
		key = strings.ReplaceAll(key, "\x00\xff", "\x00")
	}
	return binary.BigEndian.Uint64(row), key, tail, true
}

func fileKey(gen uint32, file objectID) []byte {
	return append(binary.BigEndian.AppendUint32(nil, gen), file[:]...)
}

func uploadRow(bucket uint64, key string, seq uint64, id objectID) []byte {
	return append(binary.BigEndian.AppendUint64(keyRows(bucket, key), seq), id[:]...)
}

// partRows begins the keys of the rows of an upload's parts.
func partRows(seq uint64, id objectID) []byte {
	return append(binary.BigEndian.AppendUint64(nil, seq), id[:]...)
}

func partRow(seq uint64, id objectID, number int) []byte {
	return binary.BigEndian.AppendUint16(partRows(seq, id), uint16(number))
}

func sequenceOf(tail []byte) uint64 { return ^binary.BigEndian.Uint64(tail) }
