package catalog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Revision numbers the states of a row. It grows with every change in the
// row's table and never comes back, not even when a row is deleted and made
// again. 0 is the revision of a row that does not exist.
type Revision uint64

// A stored row is its revision (8 bytes), a CRC-32C (4 bytes), both big
// endian, and the value as JSON.
const rowHeader = 12

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeRow(table, key string, rev Revision, value []byte) []byte {
	row := make([]byte, rowHeader, rowHeader+len(value))
	binary.BigEndian.PutUint64(row, uint64(rev))
	binary.BigEndian.PutUint32(row[8:], rowSum(table, key, row[:8], value))
	return append(row, value...)
}

// decodeRow returns the parts of a row. The value shares memory with it.
func decodeRow(table, key string, row []byte) (Revision, []byte, error) {
	if len(row) < rowHeader {
		return 0, nil, errors.New("the row is too short")
	}
	value := row[rowHeader:]
	if rowSum(table, key, row[:8], value) != binary.BigEndian.Uint32(row[8:]) {
		return 0, nil, errors.New("the checksum does not match")
	}
	return Revision(binary.BigEndian.Uint64(row)), value, nil
}

// rowSum covers the place of the row as well as its content, so that a row
// that turns up elsewhere is found.
func rowSum(table, key string, rev, value []byte) uint32 {
	head := binary.AppendUvarint(nil, uint64(len(table)))
	head = append(head, table...)
	head = binary.AppendUvarint(head, uint64(len(key)))
	head = append(head, key...)
	head = append(head, rev...)
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, value)
}
