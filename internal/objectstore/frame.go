package objectstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The layout of content, which docs/format/objects.md draws: a header, then
// frames of 64 KiB of plaintext, of which the last may be shorter. There is
// always one frame, if an empty one. A sealed frame has the tag of AES-256-GCM
// behind it; every frame ends with a CRC-32C of what is stored, so that
// damage is found without the keys, too.
const (
	frameSize    = 64 << 10
	headerSize   = 64
	sumSize      = 4
	tagSize      = 16
	dataKeySize  = 32
	contentMagic = "cairnobj"
	contentForm  = 1
	kindPlain    = 0
	kindSealed   = 1

	// maxContent keeps the number of a frame within 32 bits.
	maxContent = int64(frameSize) << 32
)

// frames is the coding of one content file: what binds its bytes to their
// place, and the cipher, if it is sealed.
type frames struct {
	object, file objectID
	part         int
	sealed       bool
	aead         cipher.AEAD // nil: plain, or sealed and not unlocked
	aad          []byte      // without the frame's number
}

// newFrames prepares the coding of a file. Each file has a key of its own,
// derived from the data key, so that the number of a frame is a nonce that is
// used once.
func newFrames(bucket, key string, object, file objectID, part int, sealed bool, dataKey []byte) (*frames, error) {
	f := &frames{object: object, file: file, part: part, sealed: sealed}
	if !sealed || dataKey == nil {
		return f, nil
	}
	if len(dataKey) != dataKeySize {
		return nil, fmt.Errorf("a data key of %d bytes: %w", len(dataKey), ErrWrongKey)
	}
	fileKey, err := hkdf.Key(sha256.New, dataKey, file[:], "cairn/object/v1", dataKeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(fileKey)
	if err != nil {
		return nil, err
	}
	if f.aead, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	// Lengths stand before names, so that none can run over into the next.
	f.aad = binary.AppendUvarint(f.aad, uint64(len(bucket)))
	f.aad = append(f.aad, bucket...)
	f.aad = binary.AppendUvarint(f.aad, uint64(len(key)))
	f.aad = append(f.aad, key...)
	f.aad = append(f.aad, object[:]...)
	f.aad = binary.BigEndian.AppendUint32(f.aad, uint32(part))
	return f, nil
}

// header is the head of the file.
func (f *frames) header() []byte {
	b := make([]byte, headerSize)
	copy(b, contentMagic)
	b[8] = contentForm
	if f.sealed {
		b[9] = kindSealed
	}
	binary.BigEndian.PutUint32(b[12:], frameSize)
	copy(b[16:], f.object[:])
	copy(b[32:], f.file[:])
	binary.BigEndian.PutUint32(b[48:], uint32(f.part))
	binary.BigEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// checkHeader says what is wrong with the head of a file.
func (f *frames) checkHeader(b []byte) error {
	switch {
	case len(b) < headerSize || crc32.Checksum(b[:60], castagnoli) != binary.BigEndian.Uint32(b[60:]):
		return errors.New("the checksum of the header does not match")
	case string(b[:8]) == contentMagic && b[8] > contentForm:
		return fmt.Errorf("it has format %d, and this Cairn reads formats up to %d", b[8], contentForm)
	case !bytes.Equal(b[:headerSize], f.header()):
		return errors.New("the header belongs to other content")
	}
	return nil
}

// stored is the length of a file that holds size bytes of plaintext.
func (f *frames) stored(size int64) int64 {
	return headerSize + size + frameCount(size)*int64(f.overhead())
}

func (f *frames) overhead() int {
	if f.sealed {
		return tagSize + sumSize
	}
	return sumSize
}

func frameCount(size int64) int64 { return max(1, (size+frameSize-1)/frameSize) }

// at is where a frame begins, and its length as stored, in a file that holds
// size bytes of plaintext.
func (f *frames) at(n, size int64) (offset int64, length int) {
	plain := min(frameSize, size-n*frameSize)
	return headerSize + n*int64(frameSize+f.overhead()), int(plain) + f.overhead()
}

// append adds a frame to dst.
func (f *frames) append(dst, plain []byte, n int64, last bool) []byte {
	start := len(dst)
	if f.sealed {
		dst = f.aead.Seal(dst, nonce(n), plain, f.aadOf(n, last))
	} else {
		dst = append(dst, plain...)
	}
	return binary.BigEndian.AppendUint32(dst, f.sum(dst[start:], n, last))
}

// open checks a frame as stored, and returns its plaintext, which shares
// memory with it.
func (f *frames) open(stored []byte, n int64, last bool) ([]byte, error) {
	body, err := f.check(stored, n, last)
	if err != nil || !f.sealed {
		return body, err
	}
	if f.aead == nil {
		return nil, ErrWrongKey
	}
	plain, err := f.aead.Open(body[:0], nonce(n), body, f.aadOf(n, last))
	if err != nil {
		return nil, fmt.Errorf("frame %d: %w", n, errSeal)
	}
	return plain, nil
}

var errSeal = errors.New("the seal does not fit")

// check checks a frame as far as it can be without the key.
func (f *frames) check(stored []byte, n int64, last bool) ([]byte, error) {
	body := stored[:len(stored)-sumSize]
	if f.sum(body, n, last) != binary.BigEndian.Uint32(stored[len(body):]) {
		return nil, fmt.Errorf("the checksum of frame %d does not match", n)
	}
	return body, nil
}

// sum covers the place of the frame, too.
func (f *frames) sum(stored []byte, n int64, last bool) uint32 {
	var place [16 + 5]byte
	copy(place[:], f.file[:])
	putPlace(place[16:], n, last)
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, stored)
}

// aadOf binds a frame to its number, and says whether content ends with it.
func (f *frames) aadOf(n int64, last bool) []byte {
	var place [5]byte
	putPlace(place[:], n, last)
	return append(f.aad[:len(f.aad):len(f.aad)], place[:]...)
}

func putPlace(b []byte, n int64, last bool) {
	binary.BigEndian.PutUint32(b, uint32(n))
	b[4] = 0
	if last {
		b[4] = 1
	}
}

func nonce(n int64) []byte {
	var b [12]byte
	binary.BigEndian.PutUint64(b[4:], uint64(n))
	return b[:]
}
