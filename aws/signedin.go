package aws

import (
	"context"
	"io"
	"net/http"

	"cairn/internal/sigv4"
)

// A SignedIn is somebody who has proved an access key some time before a call, as
// who signs in to the console does. Like all that is own to the process it reaches
// the Mux as an argument: no request leads to one.
type SignedIn struct {
	// Identity says whose the calls are, now: it is asked for each call, and for a
	// stream from time to time. The error is an *Error if they are nobody's any more.
	Identity func(ctx context.Context) (Identity, error)

	// SessionToken is that of temporary credentials.
	SessionToken string

	// Service and Region are what a signature's scope would say that calls are for.
	Service string
	Region  string

	// Ended is closed when the calls are nobody's any more, so that streams end at
	// once. It may be nil.
	Ended <-chan struct{}
}

// SignedIn returns a handler of AWS requests that need no signature: they are
// those of somebody who has signed in. They are authorised, throttled and recorded
// like all others, with the source, user agent and TLS of the request. Query
// services answer in JSON if the request accepts only that.
func (m *Mux) SignedIn(s *SignedIn) http.Handler {
	as := &own{signedIn: s}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serveAs(as, w, r) })
}

// RouteSignedIn is SignedIn for a handler that Mux.Handler has returned. It is nil
// for other handlers. The service is that of routes, whatever s says.
func RouteSignedIn(h http.Handler, s *SignedIn) http.Handler {
	route, ok := h.(*routeHandler)
	if !ok {
		return nil
	}
	of := *s
	of.Service = routeScope
	as := &own{signedIn: &of}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.serveAs(as, w, r) })
}

// SignedIn returns who makes a call without a signature, nil for all other calls.
func (c *Call) SignedIn() *SignedIn {
	if c.as == nil {
		return nil
	}
	return c.as.signedIn
}

// letIn is verify for the calls of somebody who has signed in.
func (m *Mux) letIn(ctx context.Context, r *http.Request, c *Call, s *SignedIn, maxBody int64) (*API, []byte, error) {
	c.Service, c.Region = s.Service, s.Region
	api := m.apis[s.Service]
	c.api = api
	id, err := s.Identity(ctx)
	if err != nil {
		return api, nil, unattributed(err)
	}
	c.Identity, c.SessionToken = id, s.SessionToken
	var body []byte
	if maxBody == 0 && api != nil && api.Streaming {
		if err := sigv4.Unsigned(r); err != nil {
			return api, nil, signatureError(api.Protocol, err)
		}
	} else {
		if maxBody == 0 {
			maxBody = m.maxBody(api)
		}
		if body, err = m.wholeBody(r, c, maxBody); err != nil {
			return api, nil, err
		}
	}
	return api, body, m.inRegion(c)
}

// wholeBody reads a request's body into memory that the call gives back.
func (m *Mux) wholeBody(r *http.Request, c *Call, limit int64) (body []byte, err error) {
	if c.release, err = m.reserveBody(r, limit); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = io.NopCloser(http.NoBody)
	}
	return readBody(r, limit)
}
