package sigv4

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
)

// checksumPrefix begins the names of the headers and trailers that hold a
// checksum; the algorithm's name in lower case follows.
const checksumPrefix = "x-amz-checksum-"

// checksumAlgorithms are S3's additional checksums
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
// All of them are written big-endian, in base64.
var checksumAlgorithms = map[string]func() hash.Hash{
	"CRC32":  func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	// The polynomial of the NVM Express specification, reflected.
	"CRC64NVME": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"SHA1":      sha1.New,
	"SHA256":    sha256.New,
}

// NewChecksum returns the hash of one of S3's checksum algorithms by its name,
// for instance "CRC64NVME", or nil.
func NewChecksum(algorithm string) hash.Hash {
	if make, ok := checksumAlgorithms[algorithm]; ok {
		return make()
	}
	return nil
}

// trailerAlgorithm returns the algorithm that a declared trailer holds.
func trailerAlgorithm(trailer string) (string, bool) {
	name, ok := strings.CutPrefix(trailer, checksumPrefix)
	if !ok {
		return "", false
	}
	algorithm := strings.ToUpper(name)
	_, ok = checksumAlgorithms[algorithm]
	return algorithm, ok
}
