package s3

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"reflect"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/internal/objectstore"
	"cairn/internal/sigv4"
)

// defaultAlgorithm is the checksum that S3 computes where a client gives none.
const defaultAlgorithm = "CRC64NVME"

// algorithms are S3's checksums, as the members of requests and answers name them.
var algorithms = []string{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}

// unserved are checksums that S3 has, too.
var unserved = []string{"MD5", "SHA512", "XXHASH128", "XXHASH3", "XXHASH64"}

// checkAlgorithm checks the name of a checksum that a request asks for.
func checkAlgorithm(name string) error {
	switch {
	case name == "" || slices.Contains(algorithms, name):
		return nil
	case slices.Contains(unserved, name):
		return notImplemented("the checksum algorithm %s", name)
	}
	return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [%s]", strings.Join(algorithms, ", "))
}

// hashOf returns what computes a checksum while a body is stored.
func hashOf(algorithm string) objectstore.Hash {
	return objectstore.Hash{Algorithm: algorithm, New: func() hash.Hash { return sigv4.NewChecksum(algorithm) }}
}

// checksumsOf returns what computes the checksum to store with a body: the one that
// the client announces in a trailer or names, else S3's own. One that the client
// gives in a header is stored as it is: the front compares it with the body.
func checksumsOf(c *aws.Call, in any) ([]objectstore.Hash, []objectstore.Checksum, error) {
	algorithm, value, err := givenChecksum(in)
	if err != nil {
		return nil, nil, err
	}
	if algorithm != "" {
		if err := checkAlgorithm(algorithm); err != nil {
			return nil, nil, err
		}
		sum, err := headerChecksum(algorithm, value)
		return nil, []objectstore.Checksum{sum}, err
	}
	if name, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(c.Header.Get("X-Amz-Trailer"))), "x-amz-checksum-"); ok {
		algorithm = strings.ToUpper(name)
	}
	algorithm = cmp.Or(algorithm, memberText(in, "ChecksumAlgorithm"), defaultAlgorithm)
	return []objectstore.Hash{hashOf(algorithm)}, nil, checkAlgorithm(algorithm)
}

func headerChecksum(algorithm, value string) (objectstore.Checksum, error) {
	sum, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(sum) != sigv4.NewChecksum(algorithm).Size() {
		err = invalidRequest("Value for x-amz-checksum-%s header is invalid.", strings.ToLower(algorithm))
	}
	return objectstore.Checksum{Algorithm: algorithm, Value: sum}, err
}

// givenChecksum returns the checksum among the members of a request.
func givenChecksum(in any) (algorithm, value string, err error) {
	for _, name := range slices.Concat(algorithms, unserved) {
		given := memberText(in, "Checksum"+name)
		switch {
		case given == "":
		case algorithm != "":
			return "", "", invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		default:
			algorithm, value = name, given
		}
	}
	return algorithm, value, nil
}

// setChecksums sets the members of an answer that hold checksums, and its
// ChecksumType if it has one. parts is the number of parts of an object that was
// uploaded in parts.
func setChecksums(out any, sums []objectstore.Checksum, parts int) {
	v := reflect.ValueOf(out).Elem()
	for _, sum := range sums {
		f := v.FieldByName("Checksum" + sum.Algorithm)
		if !f.IsValid() {
			continue
		}
		f.SetString(checksumText(sum, parts))
		if f := v.FieldByName("ChecksumType"); f.IsValid() {
			f.SetString(checksumType(sum))
		}
	}
}

func checksumText(sum objectstore.Checksum, parts int) string {
	text := base64.StdEncoding.EncodeToString(sum.Value)
	if sum.Composite {
		text += fmt.Sprintf("-%d", parts)
	}
	return text
}

func checksumType(sum objectstore.Checksum) string {
	if sum.Composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// listedChecksums are the names and the type of an object's checksums in a
// listing.
func listedChecksums(o *objectstore.Object) (names []string, kind string) {
	for _, sum := range o.Checksums {
		names, kind = append(names, sum.Algorithm), checksumType(sum)
	}
	return names, kind
}

// ofParts returns the checksum of an object from those of its parts: the checksum
// of the parts' checksums, or the one that the whole content has.
func ofParts(algorithm string, composite bool, parts []objectstore.PartInfo) (objectstore.Checksum, error) {
	whole := objectstore.Checksum{Algorithm: algorithm, Composite: composite}
	h := sigv4.NewChecksum(algorithm)
	var crc uint64
	for i, part := range parts {
		sum := partSum(part, algorithm)
		switch {
		case sum == nil:
			return whole, fmt.Errorf("part %d has no checksum of the algorithm %s", part.Number, algorithm)
		case composite:
			h.Write(sum)
		case i == 0:
			crc = number(sum)
		default:
			crc = combine(polynomials[algorithm], crc, number(sum), part.Size)
		}
	}
	if composite {
		whole.Value = h.Sum(nil)
		return whole, nil
	}
	whole.Value = binary.BigEndian.AppendUint64(nil, crc)[8-h.Size():]
	return whole, nil
}

func partSum(part objectstore.PartInfo, algorithm string) []byte {
	for _, sum := range part.Checksums {
		if sum.Algorithm == algorithm {
			return sum.Value
		}
	}
	return nil
}

func number(sum []byte) uint64 {
	var b [8]byte
	copy(b[8-len(sum):], sum)
	return binary.BigEndian.Uint64(b[:])
}

// polynomials are those of the CRCs, reflected.
var polynomials = map[string]uint64{
	"CRC32":     crc32.IEEE,
	"CRC32C":    crc32.Castagnoli,
	"CRC64NVME": 0x9a6c9329ac4bc9b5,
}

// combine returns the CRC of two pieces of data, one behind the other, from their
// CRCs and the size of the second. A CRC is a polynomial over GF(2), reflected: the
// first one is multiplied by x to the power of the second's bits. What begins and
// ends each CRC (all bits set) cancels out.
func combine(polynomial, first, second uint64, size int64) uint64 {
	top := uint64(1) << 63
	if polynomial>>32 == 0 {
		top = 1 << 31
	}
	shift, power := top, multiply(polynomial, top, top>>1, top>>1) // x^0 and x^2
	power = multiply(polynomial, top, power, power)                // x^4
	power = multiply(polynomial, top, power, power)                // x^8, one byte
	for n := uint64(size); n > 0; n >>= 1 {
		if n&1 != 0 {
			shift = multiply(polynomial, top, shift, power)
		}
		power = multiply(polynomial, top, power, power)
	}
	return multiply(polynomial, top, first, shift) ^ second
}

// multiply multiplies two reflected polynomials modulo a third.
func multiply(polynomial, top, a, b uint64) uint64 {
	var product uint64
	for bit := top; bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		if b&1 != 0 {
			b = b>>1 ^ polynomial
		} else {
			b >>= 1
		}
	}
	return product
}
