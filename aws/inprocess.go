package aws

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// InProcess is a transport that calls a handler instead of a network. Answers
// are buffered whole.
type InProcess struct {
	Handler http.Handler
}

// RoundTrip performs one request.
func (t InProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	in.RemoteAddr = "127.0.0.1:0"
	w := &recordedAnswer{header: make(http.Header), status: http.StatusOK}
	t.Handler.ServeHTTP(w, in)
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

type recordedAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recordedAnswer) Header() http.Header         { return w.header }
func (w *recordedAnswer) WriteHeader(status int)      { w.status = status }
func (w *recordedAnswer) Write(b []byte) (int, error) { return w.body.Write(b) }
