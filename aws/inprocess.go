package aws

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// InProcess is a transport that calls a handler instead of a network. Answers
// are buffered whole, but for the streams of a Mux, which the client reads
// itself.
type InProcess struct {
	Handler http.Handler
}

// RoundTrip performs one request.
func (t InProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	return roundTrip(t.Handler.ServeHTTP, r)
}

func roundTrip(serve http.HandlerFunc, r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if r.ContentLength == 0 && in.Body != http.NoBody {
		in.ContentLength = -1 // a client's zero does not say that there is nothing
	}
	defer in.Body.Close()
	in.RemoteAddr = "127.0.0.1:0"
	w := &recordedAnswer{header: make(http.Header), status: http.StatusOK}
	serve(w, in)
	body, length := io.ReadCloser(io.NopCloser(&w.body)), int64(w.body.Len())
	if w.stream != nil {
		body, length = w.stream, w.length
		if length >= 0 {
			body = &exactly{w.stream, length}
		}
	}
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: body, ContentLength: length, Request: r,
	}, nil
}

type recordedAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer

	stream io.ReadCloser
	length int64 // of the stream, -1 if unknown
}

func (w *recordedAnswer) takeBody(stream io.ReadCloser, length int64) {
	w.stream, w.length = stream, length
}

func (w *recordedAnswer) Header() http.Header         { return w.header }
func (w *recordedAnswer) WriteHeader(status int)      { w.status = status }
func (w *recordedAnswer) Write(b []byte) (int, error) { return w.body.Write(b) }

// exactly reads a stream that has a length. One that ends early is an error, as it
// is on a network.
type exactly struct {
	io.ReadCloser
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.ReadCloser.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
