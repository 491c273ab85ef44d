package aws

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"

	"cairn/internal/sigv4"
)

// Keys finds out whose credentials a request was signed with.
type Keys interface {
	// Credential returns what an access key ID stands for. The session token
	// is that of the request, empty if it had none. The error is an *Error
	// that clients of any service understand.
	Credential(ctx context.Context, accessKeyID, sessionToken, region string) (*Credential, error)
}

// A Credential is a secret and the identity that it proves.
type Credential struct {
	Secret   string
	Identity Identity

	// Unverified lets any signature pass. Only a development server does that,
	// for access keys that it does not know.
	Unverified bool
}

// Authorizer decides whether a call may go on.
type Authorizer interface {
	// Authorize returns an *Error if the caller may not perform an action on a
	// resource, which is an ARN or "*".
	Authorize(ctx context.Context, c *Call, action, resource string) error
}

// Recorder makes calls into events.
type Recorder interface {
	// Ready returns an error if a call's record could not be written now. A
	// call that would change something does not go on then.
	Ready(c *Call) error

	// Record returns when the record of a call is durable.
	Record(ctx context.Context, c *Call) error

	// Count notes a request that no identity can be named for.
	Count(c *Call, err *Error)
}

// Config says what a Mux needs. Keys, Authorizer and Recorder are required.
type Config struct {
	Keys       Keys
	Authorizer Authorizer
	Recorder   Recorder

	Regions  []string         // the regions there are; others are refused
	Throttle bool             // whether operations have the rates of AWS
	Now      func() time.Time // default time.Now
	Logger   *slog.Logger     // default discards

	// MaxBody bounds the body of a request, packed and unpacked: 1 MiB if
	// zero.
	MaxBody int64
}

// Mux is the front: the handler of all AWS requests.
type Mux struct {
	cfg    Config
	apis   map[string]*API
	bodies *semaphore.Weighted
	limits limiter
}

// NewMux makes a Mux without services.
func NewMux(cfg Config) *Mux {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	return &Mux{cfg: cfg, apis: make(map[string]*API), bodies: semaphore.NewWeighted(bodyMemory), limits: limiter{now: cfg.Now}}
}

// Serve adds a service.
func (m *Mux) Serve(api *API) { m.apis[api.Service] = api }

// An answer is what goes back to the client.
type answer struct {
	status      int
	contentType string
	errorCode   string // empty if the call succeeded
	body        []byte
}

// ServeHTTP answers one AWS request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := m.newCall(r)
	a := m.serve(r, c)
	c.done()
	h := w.Header()
	for name, values := range c.answer {
		h[name] = values
	}
	h.Set("X-Amzn-Requestid", c.RequestID)
	h.Set("X-Content-Type-Options", "nosniff")
	m.write(w, a)
}

func (m *Mux) write(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.errorCode != "" {
		h.Set("X-Amzn-Errortype", a.errorCode)
	}
	w.WriteHeader(a.status)
	w.Write(a.body) // the client may be gone; its call is recorded all the same
}

func (m *Mux) newCall(r *http.Request) *Call {
	c := &Call{Time: m.cfg.Now(), RequestID: NewUUID(), UserAgent: r.UserAgent(), Host: r.Host, TLS: r.TLS, Header: r.Header}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.SourceIP = ap.Addr().Unmap()
	}
	return c
}

// NewUUID returns a random UUID (version 4).
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// serve takes a request all the way, and returns its answer when the record of
// the call is durable.
func (m *Mux) serve(r *http.Request, c *Call) answer {
	ctx := r.Context()
	api, output, err := m.performSafely(ctx, r, c)
	protocol := api.protocol()
	if err != nil {
		c.Err = m.visible(c, err)
	}
	if c.Err != nil && c.Err.Unattributed {
		m.cfg.Recorder.Count(c, c.Err)
		return m.refusal(protocol, c)
	}
	if c.Err == nil && output.IsValid() && !api.operations[c.Operation].unrecorded {
		c.Output, _ = treeOf(output).(map[string]any)
	}
	if err := m.cfg.Recorder.Record(ctx, c); err != nil {
		// The call may have had its effect; what it must not have is an answer
		// that no record stands behind.
		m.visible(c, fmt.Errorf("record the call: %w", err)) // logs it
		c.Err = unrecorded()
		return m.refusal(protocol, c)
	}
	if c.Err != nil {
		return m.refusal(protocol, c)
	}
	contentType, body := protocol.encode(c.Operation, output, c.RequestID)
	return answer{status: http.StatusOK, contentType: contentType, body: body}
}

func (m *Mux) refusal(p Protocol, c *Call) answer {
	contentType, body := p.encodeError(c.Err, c.RequestID)
	code, status := p.wireError(c.Err)
	return answer{status, contentType, code, body}
}

// visible returns what a client may see of an error, and logs the rest.
func (m *Mux) visible(c *Call, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	m.cfg.Logger.Error("call failed", "service", c.Service, "operation", c.Operation, "request", c.RequestID, "error", err)
	return &Error{Code: "InternalFailure", Status: http.StatusInternalServerError,
		Message: "The request processing has failed because of an unknown error, exception or failure."}
}

// performSafely performs a call so that a panic is a failure like any other:
// nobody gets past the record by one.
func (m *Mux) performSafely(ctx context.Context, r *http.Request, c *Call) (api *API, output reflect.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			api, output, err = m.apis[c.Service], reflect.Value{}, panicked(p)
		}
	}()
	return m.perform(ctx, r, c)
}

func panicked(p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }

// perform finds out who calls what, whether they may, and lets it happen.
func (m *Mux) perform(ctx context.Context, r *http.Request, c *Call) (*API, reflect.Value, error) {
	none := reflect.Value{}
	api, body, err := m.verify(ctx, r, c, m.cfg.MaxBody)
	if err != nil {
		return api, none, err
	}
	if api == nil {
		return nil, none, &Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: fmt.Sprintf("The service %q is not served here.", c.Service)}
	}
	plain, err := unpack(r, body, m.cfg.MaxBody)
	if err != nil {
		return api, none, err
	}
	// The record names the operation even if its parameters cannot be read.
	c.Operation, c.Input, err = api.Protocol.decode(r, plain)
	if err != nil {
		return api, none, err
	}
	o := api.operations[c.Operation]
	if o == nil {
		return api, none, m.missing(ctx, api, c)
	}
	output, err := m.run(ctx, api, o, c)
	return api, output, err
}

// verify checks a request's signature over its body, and sets who calls, where
// and which service. It is the only way in.
func (m *Mux) verify(ctx context.Context, r *http.Request, c *Call, maxBody int64) (*API, []byte, error) {
	sig, err := sigv4.Parse(r)
	if err != nil {
		api := m.guess(r)
		return api, nil, signatureError(api.protocol(), err)
	}
	c.Service, c.Region = sig.Service, sig.Region
	api := m.apis[sig.Service]
	// A stranger's body is not even read.
	cred, err := m.cfg.Keys.Credential(ctx, sig.AccessKeyID, sig.SessionToken, sig.Region)
	if err != nil {
		return api, nil, unattributed(err)
	}
	if c.release, err = m.reserveBody(r, maxBody); err != nil {
		return api, nil, err
	}
	body, err := readBody(r, maxBody)
	if err != nil {
		return api, nil, err
	}
	if !cred.Unverified {
		err := sig.Verify(r, cred.Secret, sigv4.VerifyOptions{Now: c.Time, Body: body})
		if err != nil {
			return api, nil, signatureError(api.protocol(), err)
		}
	}
	c.Identity = cred.Identity
	c.Identity.AccessKeyID = sig.AccessKeyID
	if !m.hasRegion(c.Region) {
		// The record goes to a region that there is: what clients make up must
		// not become scopes of the log.
		err := &Error{Code: "InvalidClientTokenId", Status: http.StatusForbidden,
			Message: fmt.Sprintf("The region %q does not exist here.", c.Region)}
		c.Region = m.cfg.Regions[0]
		return api, nil, err
	}
	return api, body, nil
}

// run decodes the parameters of an operation, checks permission and performs
// it.
func (m *Mux) run(ctx context.Context, api *API, o *operation, c *Call) (reflect.Value, error) {
	none := reflect.Value{}
	in := reflect.New(o.in)
	var tree any = c.Input
	if _, form := api.Protocol.(Query); form {
		tree = fitForm(o.in, tree)
	}
	if err := assign(in.Elem(), tree, ""); err != nil {
		return none, err
	}
	c.Input, _ = treeOf(in.Elem()).(map[string]any)
	if !o.open {
		resources := []string{"*"}
		if o.resource != nil {
			resources = o.resource(c, in.Interface())
		}
		for _, resource := range resources {
			if err := m.cfg.Authorizer.Authorize(ctx, c, api.action(o.name), resource); err != nil {
				return none, err
			}
		}
	}
	if m.cfg.Throttle && o.rate > 0 && !m.limits.allow(c.Account(), c.Region, api.Service+":"+o.name, o.rate) {
		return none, Errorf("ThrottlingException", "Rate exceeded")
	}
	if err := validate(in.Elem(), ""); err != nil {
		return none, err
	}
	if err := m.ready(c); err != nil {
		return none, err
	}
	out, err := o.call(ctx, c, in.Interface())
	if err != nil {
		return none, err
	}
	return reflect.ValueOf(out).Elem(), nil
}

// missing is the answer to an operation that is not served.
func (m *Mux) missing(ctx context.Context, api *API, c *Call) error {
	if api.Known == nil || !api.Known(c.Operation) {
		return Errorf("UnknownOperationException", "%s has no operation %q.", api.Service, c.Operation)
	}
	if err := m.cfg.Authorizer.Authorize(ctx, c, api.action(c.Operation), "*"); err != nil {
		return err
	}
	return Errorf("UnsupportedOperationException", "This version of Cairn does not have the operation %s.", c.Operation)
}

// protocol is the API's, or the one that most clients understand if it is not
// known which service a request is for.
func (a *API) protocol() Protocol {
	if a == nil {
		return JSON{Version: "1.1"}
	}
	return a.Protocol
}

func (m *Mux) hasRegion(region string) bool {
	if len(m.cfg.Regions) == 0 {
		return true
	}
	for _, r := range m.cfg.Regions {
		if r == region {
			return true
		}
	}
	return false
}

// guess returns the service that an unsigned request seems to be meant for, so
// that its refusal has a form that the client reads.
func (m *Mux) guess(r *http.Request) *API {
	if r.Header.Get("X-Amz-Target") != "" {
		return nil
	}
	for _, api := range m.apis {
		if _, ok := api.Protocol.(Query); ok {
			return api
		}
	}
	return nil
}

func unattributed(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	u := *e
	u.Unattributed = true
	return &u
}

// ready refuses a call whose record could not be written.
func (m *Mux) ready(c *Call) error {
	err := m.cfg.Recorder.Ready(c)
	if err == nil {
		return nil
	}
	m.visible(c, fmt.Errorf("a call is refused, because it could not be recorded: %w", err)) // logs it
	return unrecorded()
}

// smallBody is the size up to which bodies are read without asking for memory
// first: the listener's bound on connections bounds them together.
const smallBody = 64 << 10

// bodyMemory bounds the larger bodies that are held at a time. Whom they come
// from is known only when they have been read.
const bodyMemory = 256 << 20

// reserveBody takes the memory for a request's body, and returns what gives it
// back.
func (m *Mux) reserveBody(r *http.Request, limit int64) (release func(), err error) {
	size := r.ContentLength
	if size < 0 || size > limit {
		size = limit
	}
	if size <= smallBody {
		return func() {}, nil
	}
	if !m.bodies.TryAcquire(size) {
		return nil, &Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Unattributed: true,
			Message: "Too many large requests are being read. Try again."}
	}
	return func() { m.bodies.Release(size) }, nil
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, unattributed(Errorf("RequestTimeout", "The request body could not be read."))
	}
	if int64(len(body)) > limit {
		return nil, &Error{Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge, Unattributed: true,
			Message: fmt.Sprintf("The request body has more than %d bytes.", limit)}
	}
	return body, nil
}

// unpack undoes a body's Content-Encoding. The signature is over the packed
// bytes.
func unpack(r *http.Request, body []byte, limit int64) ([]byte, error) {
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, Errorf("SerializationException", "The request body is not in the gzip format.")
		}
		plain, err := io.ReadAll(io.LimitReader(z, limit+1))
		if err != nil || int64(len(plain)) > limit {
			return nil, Errorf("SerializationException", "The request body cannot be unpacked into %d bytes.", limit)
		}
		return plain, nil
	}
	return nil, &Error{Code: "UnsupportedMediaType", Status: http.StatusUnsupportedMediaType, Message: "The Content-Encoding of the request is not supported."}
}
