package sigv4

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	chunkBufferBytes = 32 << 10
	maxChunkHeader   = 256 // bytes; the longest that is well-formed has 99
	maxTrailerLine   = 512 // bytes; the longest that is well-formed has 90
	minChunkBytes    = 8 << 10

	decodedLengthHeader = "X-Amz-Decoded-Content-Length"
	trailerHeader       = "X-Amz-Trailer"
	trailerSignature    = "x-amz-trailer-signature"
	chunkSignature      = "chunk-signature="
)

// ChunkReader takes an aws-chunked body apart. It ends with io.EOF only when the
// body was well-formed and had the declared length, and every signature and the
// trailer's checksum were right; otherwise it ends with an *Error. Bytes come out
// before the signature of their chunk has arrived, so that nothing read may be
// believed before the end. It uses about 33 KiB, whatever the body holds.
//
//	400;chunk-signature=<hex>\r\n  <1,024 bytes>\r\n
//	0;chunk-signature=<hex>\r\n
//	x-amz-checksum-crc32c:<base64>\r\n
//	x-amz-trailer-signature:<hex>\r\n
//	\r\n
//
// Unsigned streams have neither the chunk signatures nor the trailer's.
type ChunkReader struct {
	body   io.Closer
	in     *bufio.Reader
	s      *Signature
	signed bool

	declared int64 // decoded bytes
	read     int64 // decoded bytes so far
	left     int64 // of them in this chunk
	small    bool  // the chunk before is one that only the last may be

	previous  [2 * sha256.Size]byte // the signature before, in hex
	claimed   [2 * sha256.Size]byte // the signature of this chunk, in hex
	chunkHash hash.Hash

	trailer   string // the declared one, in lower case, or ""
	algorithm string
	checksum  hash.Hash
	value     string

	err error
}

// NewChunkReader returns a reader of a request's body. The signature must have
// been verified and have a streaming mode; header is the request's. Verify with
// StreamBody does the same by itself.
func NewChunkReader(body io.ReadCloser, s *Signature, header http.Header) (*ChunkReader, error) {
	if !s.verified || !s.PayloadMode.Streaming() {
		return nil, errors.New("sigv4: a chunk reader needs a verified signature with a streaming payload")
	}
	c := &ChunkReader{body: body, s: s, signed: s.PayloadMode != PayloadStreamingUnsignedTrailer}
	if err := c.readHeader(header); err != nil {
		return nil, err
	}
	c.in = bufio.NewReaderSize(body, chunkBufferBytes)
	copy(c.previous[:], s.signature)
	c.chunkHash = sha256.New()
	return c, nil
}

// DecodedLength is how many bytes come out.
func (c *ChunkReader) DecodedLength() int64 { return c.declared }

// Checksum returns the algorithm and the value (in base64) of the checksum in
// the trailer, which was compared with the content. It is known after io.EOF;
// without a trailer both are empty.
func (c *ChunkReader) Checksum() (algorithm, value string) { return c.algorithm, c.value }

// Close closes the body underneath.
func (c *ChunkReader) Close() error { return c.body.Close() }

// readHeader reads what the request's header says about the stream.
func (c *ChunkReader) readHeader(header http.Header) error {
	length, err := single(header, decodedLengthHeader)
	if err != nil {
		return err
	}
	if c.declared, err = strconv.ParseInt(length, 10, 64); err != nil || !isDigits(length) {
		return fail(MissingDecodedLength, "You must provide the x-amz-decoded-content-length HTTP header, a number of bytes.")
	}
	trailer, err := single(header, trailerHeader)
	if err != nil {
		return err
	}
	if c.s.PayloadMode == PayloadStreamingSigned {
		if trailer != "" {
			return fail(MalformedTrailer, "The header x-amz-trailer needs a payload with a trailer, not "+StreamingPayload+".")
		}
		return nil
	}
	c.trailer = strings.ToLower(trailer)
	var ok bool
	if c.algorithm, ok = trailerAlgorithm(c.trailer); !ok {
		return fail(MalformedTrailer, "The value specified in the x-amz-trailer header is not supported: it must be one checksum header, for instance x-amz-checksum-crc32.")
	}
	for algorithm := range checksumAlgorithms {
		if _, ok := headerValues(header, checksumPrefix+strings.ToLower(algorithm)); ok {
			return fail(ConflictingChecksums, "Expecting a single x-amz-checksum- header: one is in the header and one in the trailer.")
		}
	}
	for _, name := range [...]string{"X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Checksum-Algorithm"} {
		if algorithm, err := single(header, name); err != nil {
			return err
		} else if algorithm != "" && !strings.EqualFold(algorithm, c.algorithm) {
			return fail(ConflictingChecksums, "Value for "+strings.ToLower(name)+" header is invalid: it names another algorithm than the trailer does.")
		}
	}
	c.checksum = NewChecksum(c.algorithm)
	return nil
}

func (c *ChunkReader) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.err == nil && c.left == 0 {
		c.err = c.beginChunk()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err = c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.read += int64(n)
	if c.signed {
		c.chunkHash.Write(p[:n])
	}
	if c.checksum != nil {
		c.checksum.Write(p[:n])
	}
	if c.left > 0 {
		c.err = truncated(err)
	} else {
		c.err = c.endChunk()
	}
	return n, c.err
}

// beginChunk reads the head of the next chunk, and of the last chunk also
// everything behind it: it then returns io.EOF.
func (c *ChunkReader) beginChunk() error {
	line, err := c.line(maxChunkHeader)
	if err != nil {
		return err
	}
	head, ok := bytes.CutSuffix(line, []byte("\r"))
	digits, extension, extended := bytes.Cut(head, []byte(";"))
	if !ok || extended != c.signed {
		return errChunk
	}
	if c.signed {
		signature, ok := bytes.CutPrefix(extension, []byte(chunkSignature))
		if !ok || len(signature) != len(c.claimed) || !isLowerHex(string(signature)) {
			return errChunk
		}
		copy(c.claimed[:], signature)
	}
	size, ok := chunkSize(digits)
	if !ok {
		return errChunk
	}
	if size > c.declared-c.read {
		return fail(IncompleteBody, "The request body has more content than x-amz-decoded-content-length says.")
	}
	if size == 0 {
		return c.end()
	}
	if c.small {
		return fail(ChunkTooSmall, "Only the last chunk is allowed to have a size less than 8192 bytes")
	}
	c.small = size < minChunkBytes
	c.left = size
	return nil
}

var errChunk = fail(MalformedChunk, "The request body is not in well-formed aws-chunked encoding.")

// chunkSize reads a hexadecimal number below 2^60.
func chunkSize(digits []byte) (size int64, ok bool) {
	for _, b := range digits {
		d := unhex(b)
		if d > 15 || size >= 1<<56 {
			return 0, false
		}
		size = size<<4 | int64(d)
	}
	return size, len(digits) > 0
}

// endChunk reads the line break behind a chunk's bytes and checks its signature.
func (c *ChunkReader) endChunk() error {
	var lineBreak [2]byte
	if _, err := io.ReadFull(c.in, lineBreak[:]); err != nil {
		return truncated(err)
	}
	if string(lineBreak[:]) != "\r\n" {
		return errChunk
	}
	return c.checkChunk()
}

func (c *ChunkReader) checkChunk() error {
	if !c.signed || c.s.trusted {
		return nil
	}
	toSign := c.s.appendPrefix(make([]byte, 0, 320), "AWS4-HMAC-SHA256-PAYLOAD")
	toSign = append(toSign, c.previous[:]...)
	toSign = append(toSign, "\n"+EmptyPayload+"\n"...)
	toSign = hex.AppendEncode(toSign, c.chunkHash.Sum(nil))
	c.chunkHash.Reset()
	want := signatureOf(c.s.key, toSign)
	if !hmac.Equal(want[:], c.claimed[:]) {
		return fail(ChunkSignatureMismatch, "The chunk signature we calculated does not match the signature you provided.")
	}
	c.previous = want
	return nil
}

// end checks the last chunk, reads the trailer if there is one, and returns
// io.EOF if the body ends behind it.
func (c *ChunkReader) end() error {
	if c.read != c.declared {
		return errIncomplete
	}
	if err := c.checkChunk(); err != nil {
		return err
	}
	if c.trailer == "" {
		// Some clients leave out the last line break.
		line, err := c.line(maxTrailerLine)
		if err != nil && KindOf(err) != IncompleteBody || len(bytes.TrimSuffix(line, []byte("\r"))) > 0 {
			return errChunk
		}
	} else if err := c.readTrailer(); err != nil {
		return err
	}
	switch _, err := c.in.ReadByte(); err {
	case io.EOF:
		return io.EOF
	case nil:
		return fail(MalformedChunk, "The request body goes on behind its last chunk.")
	default:
		return err
	}
}

// readTrailer reads the declared trailer and, in a signed stream, its signature.
// Some clients end the trailer with an empty line before the signature follows.
func (c *ChunkReader) readTrailer() error {
	var signature string
	for blank := 0; c.value == "" || c.signed && signature == ""; {
		line, err := c.line(maxTrailerLine)
		if KindOf(err) == IncompleteBody {
			if len(line) == 0 {
				break
			}
		} else if err != nil {
			return err
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			if blank++; !c.signed || blank > 2 {
				break
			}
			continue
		}
		name, value, _ := strings.Cut(string(line), ":")
		name, value = strings.ToLower(name), strings.Trim(value, " \t")
		switch {
		case value == "":
			return errTrailer
		case name == c.trailer && c.value == "":
			c.value = value
		case name == trailerSignature && c.signed && c.value != "":
			signature = value
		default:
			return errTrailer
		}
	}
	if c.value == "" {
		return fail(MalformedTrailer, "The trailer that x-amz-trailer declares did not arrive.")
	}
	if c.signed {
		if err := c.checkTrailer(signature); err != nil {
			return err
		}
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(c.value)
	if err != nil || len(sum) != c.checksum.Size() {
		return errTrailer
	}
	if !hmac.Equal(sum, c.checksum.Sum(nil)) {
		return fail(ChecksumMismatch, "The "+c.algorithm+" you specified did not match the calculated checksum.")
	}
	// The line that ends the trailer; some clients leave it out.
	line, err := c.line(maxTrailerLine)
	if err != nil && KindOf(err) != IncompleteBody {
		return err
	}
	if len(bytes.TrimSuffix(line, []byte("\r"))) > 0 {
		return errTrailer
	}
	return nil
}

var errTrailer = fail(MalformedTrailer, "The request contained trailing data that was not well-formed or did not conform to our published schema.")

func (c *ChunkReader) checkTrailer(signature string) error {
	if signature == "" {
		return fail(TrailerSignatureMissing, "The trailer of a signed payload needs an x-amz-trailer-signature.")
	}
	if c.s.trusted {
		return nil
	}
	sum := sha256.Sum256([]byte(c.trailer + ":" + c.value + "\n"))
	toSign := c.s.appendPrefix(make([]byte, 0, 256), "AWS4-HMAC-SHA256-TRAILER")
	toSign = append(toSign, c.previous[:]...)
	toSign = append(toSign, '\n')
	toSign = hex.AppendEncode(toSign, sum[:])
	if want := signatureOf(c.s.key, toSign); !hmac.Equal(want[:], []byte(signature)) {
		return fail(ChunkSignatureMismatch, "The trailer signature we calculated does not match the signature you provided.")
	}
	return nil
}

// line reads up to the next line feed, which it leaves out. The bytes are good
// until the next read. At the end of the body it returns what is left and
// errIncomplete.
func (c *ChunkReader) line(limit int) ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(line) > limit {
		return nil, errChunk
	}
	if err != nil {
		return line, truncated(err)
	}
	return line[:len(line)-1], nil
}

var errIncomplete = fail(IncompleteBody, "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header.")

// truncated turns the end of a body that should go on into an Error.
func truncated(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errIncomplete
	}
	return err
}
