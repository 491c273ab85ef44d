package verify

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"

	"cairn"
)

// What a file may unpack to, in bytes. CloudTrail's log files have 50 MB at most.
const (
	maxDigest  = 64 << 20
	maxLogFile = 1 << 30
)

// readTries is how often an object is read whose transfer breaks off.
const readTries = 3

// A brokenError tells that an object came whole and is not what it should be.
type brokenError struct{ reason string }

func (e *brokenError) Error() string { return e.reason }

// A sourceReader remembers whether the source, and not what was read from it,
// failed.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// unpacker is what is needed to unpack a file, to be used again.
type unpacker struct {
	in  *bufio.Reader
	zip *gzip.Reader
	sum hash.Hash
	buf []byte
}

var unpackers = sync.Pool{New: func() any {
	return &unpacker{in: bufio.NewReaderSize(nil, 64<<10), sum: sha256.New(), buf: make([]byte, 128<<10)}
}}

// unpackTo unpacks r and gives the pieces to take. A fault in the content is a
// *brokenError.
func (u *unpacker) unpackTo(r io.Reader, limit int64, take func([]byte)) (n int64, err error) {
	source := &sourceReader{r: r}
	u.in.Reset(source)
	if u.zip == nil {
		u.zip, err = gzip.NewReader(u.in)
	} else {
		err = u.zip.Reset(u.in)
	}
	for err == nil {
		var k int
		k, err = u.zip.Read(u.buf)
		take(u.buf[:k])
		if n += int64(k); n > limit {
			return n, &brokenError{fmt.Sprintf("unpacks to more than %d MiB", limit>>20)}
		}
	}
	switch {
	case source.err != nil:
		return n, source.err
	case err == io.EOF && n == 0:
		return n, &brokenError{"is empty"}
	case err == io.EOF:
		return n, nil
	}
	return n, &brokenError{"is no gzip file: " + err.Error()}
}

// unpack returns what a file unpacks to.
func unpack(r io.Reader, limit int64) ([]byte, error) {
	u := unpackers.Get().(*unpacker)
	defer unpackers.Put(u)
	var body []byte
	_, err := u.unpackTo(r, limit, func(b []byte) { body = append(body, b...) })
	return body, err
}

// hashFile returns the SHA-256 of what a file unpacks to.
func hashFile(r io.Reader) (sum string, n int64, err error) {
	u := unpackers.Get().(*unpacker)
	defer unpackers.Put(u)
	u.sum.Reset()
	n, err = u.unpackTo(r, maxLogFile, func(b []byte) { u.sum.Write(b) })
	return hex.EncodeToString(u.sum.Sum(nil)), n, err
}

// read opens an object and gives it to use, again if the transfer broke off.
func (v *verifier) read(ctx context.Context, bucket, key string, use func(*Object) error) error {
	v.slots <- struct{}{}
	defer func() { <-v.slots }()
	for try := 1; ; try++ {
		o, err := v.Source.Get(ctx, bucket, key)
		if err != nil {
			return err
		}
		err = use(o)
		var broken *brokenError
		if cerr := o.Body.Close(); err == nil || errors.As(err, &broken) && cerr != nil {
			err = cerr
		}
		if err == nil || errors.As(err, &broken) || try == readTries || ctx.Err() != nil {
			return err
		}
	}
}

// A logJob is a log file that is to be checked.
type logJob struct {
	lane   *lane
	file   cairn.DigestLogFile
	proved bool // the digest that lists it is
	away   bool // it lies in another bucket than the copy is of
}

// A logResult is what the check of a log file found.
type logResult struct {
	job      logJob
	severity Severity // empty if all is well
	kind     string
	detail   string
	bytes    int64
}

// checkLog compares a log file with what a digest lists.
func (v *verifier) checkLog(ctx context.Context, job logJob) logResult {
	r := logResult{job: job}
	if job.away {
		r.severity, r.kind, r.detail = Unproved, KindUnreadable, ErrOtherBucket.Error()
		return r
	}
	var sum string
	err := v.read(ctx, job.file.S3Bucket, job.file.S3Object, func(o *Object) (err error) {
		sum, r.bytes, err = hashFile(o.Body)
		return err
	})
	var broken *brokenError
	var fault *cairn.DigestError
	switch {
	case errors.Is(err, ErrNotFound):
		r.severity, r.kind, r.detail = Damage, KindMissingLog, "a digest lists it"
	case errors.As(err, &broken):
		r.severity, r.kind, r.detail = Damage, string(cairn.LogFileModified), "it "+broken.reason
	case isStoreDamage(err):
		r.severity, r.kind, r.detail = Damage, KindStoreDamage, err.Error()
	case err != nil:
		r.severity, r.kind, r.detail = Unreadable, KindUnreadable, err.Error()
	default:
		if errors.As(job.file.Verify(sum), &fault) {
			r.severity, r.kind, r.detail = Damage, string(fault.Fault), fault.Detail
		}
	}
	v.progress(r.bytes)
	return r
}

// isStoreDamage reports whether a store says that what it holds is not what was written, as
// Cairn's own S3 does.
func isStoreDamage(err error) bool {
	var code interface{ ErrorCode() string }
	return errors.As(err, &code) && code.ErrorCode() == "DamagedObject"
}
