package server

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// A transport calls a handler in this process as if over a connection: the
// answer's body streams while the handler still writes it.
type transport struct {
	handler http.Handler
	calls   sync.WaitGroup
}

// RoundTrip implements http.RoundTripper. It returns when the handler has
// begun its answer.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	pr, pw := io.Pipe()
	w := &pipeWriter{header: make(http.Header), pipe: pw, begun: make(chan struct{})}
	in := r.Clone(ctx)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RequestURI = r.URL.RequestURI()
	// A caller that gives up must not leave the handler blocked in a write.
	stopClosing := context.AfterFunc(ctx, func() { _ = pr.CloseWithError(context.Canceled) })
	t.calls.Go(func() {
		defer cancel()
		defer stopClosing() // the answer is complete; the caller may still read its end
		t.handler.ServeHTTP(w, in)
		_ = in.Body.Close()
		w.WriteHeader(http.StatusOK) // if nothing was written
		_ = pw.Close()
	})
	select {
	case <-w.begun:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, ContentLength: -1, Request: r,
		Body: &pipeBody{PipeReader: pr, stop: func() { stopClosing(); cancel() }},
	}, nil
}

// wait returns when no call is in progress.
func (t *transport) wait() { t.calls.Wait() }

// pipeBody is an answer's body; closing it ends the call.
type pipeBody struct {
	*io.PipeReader
	stop func()
}

func (b *pipeBody) Close() error {
	b.stop()
	return b.PipeReader.Close()
}

// pipeWriter is the http.ResponseWriter of a call within the process.
type pipeWriter struct {
	header, sent http.Header
	status       int
	pipe         *io.PipeWriter
	once         sync.Once
	begun        chan struct{}
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// Flush begins the answer; what is written is never held back.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }
