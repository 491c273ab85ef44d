package aws

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn/internal/awsmodel"
	"cairn/internal/sigv4"
)

// A Body is the body of a request to a streaming service. It ends with io.EOF only
// if it is what the request's headers and trailer say: signed so, as long, with
// these checksums. Otherwise it ends with an *Error. Its last bytes come out after
// the checks, so that whoever has read as many bytes as there should be knows
// their outcome.
type Body struct {
	in     io.Reader
	chunks *sigv4.ChunkReader // of an aws-chunked body
	length int64              // -1 if unknown
	read   int64

	wantMD5   []byte
	md5Hash   hash.Hash
	algorithm string // of the checksum in a header
	value     string
	sum       hash.Hash

	call  *Call
	began time.Time
	moved time.Time // when the deadlines were last moved
	err   error
}

// checksumAlgorithms are those whose headers clients send.
var checksumAlgorithms = []string{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}

// newBody prepares the body of a request that is verified. It reads of it only
// where there should be nothing.
func newBody(r *http.Request, c *Call, op *awsmodel.Operation) (*Body, error) {
	b := &Body{in: r.Body, length: r.ContentLength, call: c, began: time.Now()}
	b.moved = b.began
	b.chunks, _ = r.Body.(*sigv4.ChunkReader)
	if r.Body == nil {
		b.in = http.NoBody
	}
	if err := b.readHeader(r.Header, op); err != nil {
		return nil, err
	}
	if b.length == 0 {
		if err := b.probe(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *Body) readHeader(header http.Header, op *awsmodel.Operation) error {
	if text := header.Get("Content-Md5"); text != "" {
		sum, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(sum) != md5.Size {
			return Errorf("InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		b.wantMD5, b.md5Hash = sum, md5.New()
	}
	if !hasChecksum(op) {
		return nil
	}
	for _, algorithm := range checksumAlgorithms {
		values := header["X-Amz-Checksum-"+http.CanonicalHeaderKey(algorithm)]
		if len(values) == 0 {
			continue
		}
		if b.algorithm != "" || len(values) > 1 {
			return Errorf("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		b.algorithm, b.value, b.sum = algorithm, values[0], sigv4.NewChecksum(algorithm)
		if sum, err := base64.StdEncoding.DecodeString(b.value); err != nil || len(sum) != b.sum.Size() {
			return Errorf("InvalidRequest", "Value for x-amz-checksum-%s header is invalid.", strings.ToLower(algorithm))
		}
	}
	switch named := header.Get("X-Amz-Sdk-Checksum-Algorithm"); {
	case named == "" || b.chunks != nil && b.algorithm == "" && header.Get("X-Amz-Trailer") != "": // the trailer's was compared
	case b.algorithm == "":
		return Errorf("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case !strings.EqualFold(named, b.algorithm):
		return Errorf("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

// Read reads the body.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.length >= 0 {
		p = p[:min(int64(len(p)), b.length-b.read)]
	}
	b.extend()
	n, err := b.in.Read(p)
	b.read += int64(n)
	b.call.BytesIn = b.read
	if b.md5Hash != nil {
		b.md5Hash.Write(p[:n])
	}
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	switch {
	case err != nil:
		b.end(err)
	case b.read == b.length:
		b.probe()
	}
	if b.err != nil && b.err != io.EOF {
		return 0, b.err
	}
	return n, b.err
}

// probe looks for the end where it should be. It returns the error of the body, if
// it has one.
func (b *Body) probe() error {
	var one [1]byte
	for {
		n, err := b.in.Read(one[:])
		if n > 0 {
			err = errTooLong
		} else if err == nil {
			continue
		}
		if b.end(err); b.err == io.EOF {
			return nil
		}
		return b.err
	}
}

var errTooLong = errors.New("the body goes on behind its end")

// end sets the error that the body ends with.
func (b *Body) end(err error) {
	switch kind := sigv4.KindOf(err); {
	case err == io.EOF:
		if b.err = b.check(); b.err == io.EOF {
			// There is nothing more to wait for from the client: what follows takes
			// as long as it takes, and serveAs gives the answer its own time.
			b.call.conn.setRead(time.Time{})
		}
	case kind != 0:
		b.err = &Error{Code: kind.Codes().S3, Status: kind.Codes().S3Status, Message: err.Error()}
	case errors.Is(err, io.ErrUnexpectedEOF) || err == errTooLong:
		b.err = errIncompleteBody()
	default:
		b.err = Errorf("RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period.")
	}
}

func errIncompleteBody() *Error {
	return Errorf("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
}

// check compares what was read with what was declared.
func (b *Body) check() error {
	if b.length >= 0 && b.read != b.length {
		return errIncompleteBody()
	}
	if b.md5Hash != nil && !bytes.Equal(b.md5Hash.Sum(nil), b.wantMD5) {
		return Errorf("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	if b.sum != nil && base64.StdEncoding.EncodeToString(b.sum.Sum(nil)) != b.value {
		return Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", b.algorithm)
	}
	return io.EOF
}

// slowestBytes is how many bytes a second a client must send on average, after the
// first minute.
const slowestBytes = 16 << 10

// extend moves the connection's deadlines: as far as what was read has earned.
func (b *Body) extend() {
	now := time.Now()
	if now.Sub(b.moved) < time.Second && b.read > 0 {
		return
	}
	b.moved = now
	until := b.began.Add(patience + time.Duration(b.read/slowestBytes)*time.Second)
	b.call.conn.setRead(until)
	b.call.conn.setWrite(until.Add(patience))
}

// deadlines are those of a connection. A server sets them anew for each request,
// if it does at all: those of one that does not are left alone.
type deadlines struct {
	*http.ResponseController
	read, write bool
}

func newDeadlines(w http.ResponseWriter, r *http.Request) deadlines {
	d := deadlines{ResponseController: http.NewResponseController(w)}
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		d.read, d.write = server.ReadTimeout > 0, server.WriteTimeout > 0
	}
	return d
}

func (d deadlines) setRead(t time.Time) {
	if d.read {
		_ = d.SetReadDeadline(t) // the connection's own one stands
	}
}

func (d deadlines) setWrite(t time.Time) {
	if d.write {
		_ = d.SetWriteDeadline(t) // the connection's own one stands
	}
}

// hasChecksum reports whether an operation's checksum headers are those of its
// body. CompleteMultipartUpload has those of the object.
func hasChecksum(op *awsmodel.Operation) bool {
	input := op.Input()
	return input != nil && slices.ContainsFunc(input.Members, func(m awsmodel.Member) bool {
		return m.Location == awsmodel.Header && strings.EqualFold(m.WireName, "x-amz-sdk-checksum-algorithm")
	})
}
