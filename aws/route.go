package aws

import (
	"context"
	"errors"
	"net/http"
	"syscall"
)

// A Route is a path of Cairn's own, beside the AWS API. Requests are signed for
// the service "cloudtrail", authorised by the action cairn:<Operation>, and
// recorded as calls of that operation of the event source cairn.
type Route struct {
	Operation string // e.g. "PutEvents"
	ReadOnly  bool
	MaxBody   int64 // bytes; the Mux's own bound if zero

	// Serve acts for a caller that may. The Call's Input and Output are what
	// its record will show. What it returns writes the answer, once the call is
	// recorded.
	Serve func(ctx context.Context, c *Call, r *http.Request, body []byte) (func(http.ResponseWriter), error)
}

// RouteService is the Service of the calls that come in by a Route.
const RouteService = "cairn"

// routeScope is the service that requests for routes are signed for.
const routeScope = "cloudtrail"

// Handler returns the route's handler.
func (m *Mux) Handler(route Route) http.Handler {
	if route.MaxBody == 0 {
		route.MaxBody = m.cfg.MaxBody
	}
	return &routeHandler{m, route}
}

type routeHandler struct {
	mux   *Mux
	route Route
}

func (h *routeHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serveAs(nil, w, r) }

// serveAs answers a request of the network, or one of somebody who has signed in.
func (h *routeHandler) serveAs(as *own, w http.ResponseWriter, r *http.Request) {
	m := h.mux
	c := m.newCall(r)
	c.as = as
	respond, err := m.serveRoute(r, c, &h.route)
	c.done()
	if err != nil {
		c.Err = m.visible(c, err)
	}
	if c.Err != nil && c.Err.Unattributed {
		m.cfg.Recorder.Count(c, c.Err)
	} else if err := m.cfg.Recorder.Record(r.Context(), c); err != nil {
		m.visible(c, err) // logs it
		c.Err = unrecorded(err)
	}
	for name, values := range c.answer {
		w.Header()[name] = values
	}
	w.Header().Set("X-Amzn-Requestid", c.RequestID)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if c.Err != nil {
		m.write(w, m.refusal(JSON{Version: "1.1"}, c))
		return
	}
	respond(w)
}

func (m *Mux) serveRoute(r *http.Request, c *Call, route *Route) (respond func(http.ResponseWriter), err error) {
	defer func() {
		if p := recover(); p != nil {
			respond, err = nil, panicked(p)
		}
	}()
	ctx := r.Context()
	_, body, err := m.verify(ctx, r, c, route.MaxBody)
	if err != nil {
		return nil, err
	}
	if c.Service != routeScope {
		return nil, Errorf("InvalidSignatureException", "Credential should be scoped to the service cloudtrail.")
	}
	c.Service, c.Operation, c.ReadOnly = RouteService, route.Operation, route.ReadOnly
	if err := c.Authorize(ctx, Permission{Action: RouteService + ":" + route.Operation, Resource: "*"}); err != nil {
		return nil, err
	}
	if err := m.ready(c); err != nil {
		return nil, err
	}
	return route.Serve(ctx, c, r, body)
}

// unrecorded is the answer to a call whose record could not be written, with the
// reason if waiting will not help.
func unrecorded(err error) *Error {
	e := &Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: "The call could not be recorded."}
	if errors.Is(err, syscall.ENOSPC) {
		e.Message = "The call could not be recorded, because the disk of the event log is full."
	}
	return e
}
