package aws

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"

	"cairn/internal/sigv4"
)

var (
	readerType     = reflect.TypeFor[io.Reader]()
	readCloserType = reflect.TypeFor[io.ReadCloser]()
)

// streamField returns the index of the field that takes a request's body as a
// stream, -1 if a struct has none.
func streamField(in reflect.Type) int {
	for i := range in.NumField() {
		if in.Field(i).Type == readerType {
			return i
		}
	}
	return -1
}

// streamOf returns the stream of an answer, nil if it has none.
func streamOf(output reflect.Value) io.ReadCloser {
	if !output.IsValid() {
		return nil
	}
	for i := range output.NumField() {
		if f := output.Field(i); f.Type() == readCloserType && !f.IsNil() {
			return f.Interface().(io.ReadCloser)
		}
	}
	return nil
}

// closeStream closes the stream of an answer that will not be sent.
func closeStream(output reflect.Value) {
	if stream := streamOf(output); stream != nil {
		stream.Close()
	}
}

// verifyHead checks the signature of a request whose body is still to be read,
// and replaces the body by one that checks itself.
func (m *Mux) verifyHead(r *http.Request, c *Call, sig *sigv4.Signature, cred *Credential) error {
	var err error
	if cred.Unverified {
		err = sig.Trust(r)
	} else {
		err = sig.Verify(r, cred.Secret, sigv4.VerifyOptions{Now: c.Time, StreamBody: true, AllowUnsignedPayload: true})
	}
	if err == nil && sig.Presigned {
		fromQuery(r)
	}
	return err
}

// finished makes sure that an operation that succeeded has read its body to the
// end: before it, nothing of the body may be believed.
func (c *Call) finished() error {
	if c.body == nil || c.body.err == io.EOF {
		return nil
	}
	if c.body.err != nil {
		return c.body.err
	}
	return errors.New("the operation did not read its request's body to the end")
}

// Checksum returns the checksum that the client declared, in a header or behind
// the body, and that the body was found to have: the algorithm, such as "CRC32C",
// and the value in base64. Both are empty if there is none, or before the body has
// been read to its end.
func (c *Call) Checksum() (algorithm, value string) {
	if c.body == nil || c.body.err != io.EOF {
		return "", ""
	}
	if c.body.chunks != nil {
		if algorithm, value = c.body.chunks.Checksum(); algorithm != "" {
			return algorithm, value
		}
	}
	return c.body.algorithm, c.body.value
}

// pieceBytes is how much of a stream is sent between two deadlines.
const pieceBytes = 1 << 20

// patience is how long a client may take for a piece of an answer.
const patience = time.Minute

// send sends the stream of an answer. A stream that fails or ends early breaks the
// connection: the client must not take what it got for the whole.
func (m *Mux) send(w http.ResponseWriter, c *Call, a answer) {
	if taker, ok := w.(bodyTaker); ok && c.method != http.MethodHead {
		taker.takeBody(a.stream, a.length)
		return
	}
	defer a.stream.Close()
	if c.method == http.MethodHead {
		return
	}
	left := a.length
	for left != 0 {
		c.conn.setWrite(time.Now().Add(patience))
		n := int64(pieceBytes)
		if left > 0 {
			n = min(n, left)
		}
		sent, err := io.CopyN(w, a.stream, n)
		if left > 0 {
			left -= sent
		}
		if err == io.EOF && a.length < 0 {
			return
		}
		if err != nil {
			m.cfg.Logger.Debug("an answer broke off", "service", c.Service, "operation", c.Operation, "request", c.RequestID, "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// A bodyTaker is an http.ResponseWriter within the process, which takes a stream
// instead of its bytes.
type bodyTaker interface {
	takeBody(body io.ReadCloser, length int64)
}
