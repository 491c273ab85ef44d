package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"cairn/aws"
)

var (
	servicePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	regionPattern  = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

// forward makes a call as whoever has signed in.
func (x *Console) forward(w http.ResponseWriter, r *http.Request) {
	s, _ := x.caller(w, r)
	if s == nil {
		return
	}
	as := &aws.SignedIn{
		Identity:     func(ctx context.Context) (aws.Identity, error) { return x.identity(ctx, s) },
		SessionToken: s.token, Region: x.sessions.regionOf(s), Ended: s.ended,
	}
	in := r.Clone(r.Context())
	for _, name := range browserHeaders {
		in.Header.Del(name)
	}
	answer := &guardedWriter{ResponseWriter: w, request: r, check: func() error { return nil }}
	if strings.HasPrefix(r.URL.Path, "/_cairn/") {
		handler, _ := x.cfg.Routes.Handler(in)
		if handler = aws.RouteSignedIn(handler, as); handler == nil {
			x.refuse(w, http.StatusNotFound, "UnknownOperationException", "There is no such route here.")
			return
		}
		handler.ServeHTTP(answer, in)
		return
	}
	path, ok := awsPath(in, as)
	if !ok {
		x.refuse(w, http.StatusNotFound, "UnknownOperationException", "Calls of AWS's services have the form /aws/SERVICE/REGION/, with the service's own path behind it.")
		return
	}
	if r.Method == http.MethodGet && as.Service != "s3" {
		x.refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "Calls of this service are made by POST.")
		return
	}
	in.URL.Path, _ = url.PathUnescape(path) // it was part of one that can be
	in.URL.RawPath = path
	in.RequestURI = in.URL.RequestURI()
	answer.check = x.checker(r.Context(), s)
	x.cfg.Mux.SignedIn(as).ServeHTTP(answer, in)
}

// browserHeaders are those of the browser and of the console's own, which mean nothing to
// a service: what looks like a credential must not reach one, nor what S3 would take for a
// foreign page.
var browserHeaders = []string{
	"Authorization", "Cookie", "Origin", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
	"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", backgroundHeader,
}

// awsPath sets the service and region of a call by its path, and returns what follows them,
// escaped as it came.
func awsPath(r *http.Request, as *aws.SignedIn) (path string, ok bool) {
	path = r.URL.EscapedPath()
	if strings.HasPrefix(r.RequestURI, "/aws/") { // as the browser has escaped it
		path, _, _ = strings.Cut(r.RequestURI, "?")
	}
	parts := strings.SplitN(path, "/", 5) // "", "aws", service, region, path
	if len(parts) < 5 || !servicePattern.MatchString(parts[2]) || !regionPattern.MatchString(parts[3]) {
		return "", false
	}
	as.Service, as.Region = parts[2], parts[3]
	return "/" + parts[4], true
}

// checker returns what tells, now and then, whether a session is still somebody's.
func (x *Console) checker(ctx context.Context, s *session) func() error {
	checked := time.Now()
	return func() error {
		select {
		case <-s.ended:
			return errSignedOut
		default:
		}
		if time.Since(checked) < x.cfg.Recheck {
			return nil
		}
		checked = time.Now()
		_, err := x.identity(ctx, s)
		return err
	}
}

// A guardedWriter keeps answers, whatever callers have stored, from being pages of the
// console's origin, and from going on when their session is over.
type guardedWriter struct {
	http.ResponseWriter
	request *http.Request
	check   func() error
	begun   bool
}

// Unwrap is for http.ResponseController.
func (w *guardedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the headers.
func (w *guardedWriter) WriteHeader(status int) {
	if !w.begun {
		w.begun = status >= http.StatusOK
		w.guard()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *guardedWriter) guard() {
	h := w.Header()
	for _, name := range []string{"Set-Cookie", "Clear-Site-Data", "Refresh", "Service-Worker-Allowed", "Link", "Access-Control-Allow-Origin",
		"Access-Control-Allow-Credentials", "Content-Security-Policy-Report-Only", "Reporting-Endpoints", "Report-To", "Nel"} {
		h.Del(name)
	}
	h.Set("Content-Security-Policy", sandboxed)
	h.Set("X-Content-Type-Options", "nosniff")
	disposition := h.Get("Content-Disposition")
	if kind, _, _ := strings.Cut(disposition, ";"); !strings.EqualFold(strings.TrimSpace(kind), "attachment") {
		h.Set("Content-Disposition", "attachment")
	}
	if h.Get("Cache-Control") == "" || strings.HasPrefix(w.request.URL.Path, "/aws/") {
		h.Set("Cache-Control", "no-store")
	}
}

var errOver = errors.New("the session is over")

// Write sends a piece of the body.
func (w *guardedWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if err := w.check(); err != nil {
		return 0, errors.Join(errOver, err)
	}
	return w.ResponseWriter.Write(p)
}

// FlushError is what http.ResponseController flushes by.
func (w *guardedWriter) FlushError() error {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}
