package aws

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
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
	// Authorize returns an *Error if the caller does not have a permission.
	Authorize(ctx context.Context, c *Call, need Permission) error
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
func (m *Mux) Serve(api *API) {
	if p, ok := api.Protocol.(restProtocol); ok {
		checkREST(api, p)
	}
	m.apis[api.Service] = api
}

// An answer is what goes back to the client.
type answer struct {
	status      int
	contentType string
	errorCode   string // empty if the call succeeded
	body        []byte

	// Of a REST service.
	header http.Header
	stream io.ReadCloser // nil if the body is whole
	length int64         // of the stream or of what a HEAD does not get, -1 if unknown
}

// ServeHTTP answers one AWS request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.serveAs(nil, w, r) }

// serveAs answers a request of the network, one of somebody who has signed in, or
// one that the process makes itself.
func (m *Mux) serveAs(as *own, w http.ResponseWriter, r *http.Request) {
	c := m.newCall(r)
	c.as, c.conn = as, newDeadlines(w, r)
	a := m.serve(r, c)
	c.done()
	h := w.Header()
	for _, from := range []http.Header{c.answer, a.header} {
		for name, values := range from {
			h[name] = values
		}
	}
	h.Set("X-Amzn-Requestid", c.RequestID)
	h.Set("X-Content-Type-Options", "nosniff")
	if a.header != nil {
		c.conn.setWrite(time.Now().Add(patience))
		h.Set("X-Amz-Request-Id", c.RequestID)
		h.Set("X-Amz-Id-2", hostID(c.RequestID))
	}
	m.write(w, a)
	if a.stream != nil {
		m.send(w, c, a)
	}
}

func (m *Mux) write(w http.ResponseWriter, a answer) {
	h := w.Header()
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	} else if a.header != nil {
		h["Content-Type"] = nil // or net/http would guess one
	}
	switch {
	case a.header != nil && a.length >= 0:
		h.Set("Content-Length", strconv.FormatInt(a.length, 10))
	case a.stream == nil && a.status != http.StatusNoContent && a.status != http.StatusNotModified:
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	if a.errorCode != "" {
		h.Set("X-Amzn-Errortype", a.errorCode)
	}
	w.WriteHeader(a.status)
	w.Write(a.body) // the client may be gone; its call is recorded all the same
}

func (m *Mux) newCall(r *http.Request) *Call {
	c := &Call{Time: m.cfg.Now(), RequestID: NewUUID(), UserAgent: r.UserAgent(), Host: r.Host, TLS: r.TLS, Header: r.Header, method: r.Method, mux: m}
	if r.URL.Opaque == "" {
		c.path = r.URL.EscapedPath()
	}
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
	protocol := protocolOf(api, r, c)
	if err != nil {
		c.Err = m.visible(c, err)
	}
	if c.Err != nil && c.Err.Unattributed {
		if !c.as.unrecorded() {
			m.cfg.Recorder.Count(c, c.Err)
		}
		return m.refusal(protocol, c)
	}
	if c.Err == nil && output.IsValid() && !api.operations[c.Operation].unrecorded {
		c.Output, _ = treeOf(output).(map[string]any)
	}
	if c.as.unrecorded() {
		// It would cause the next one.
	} else if err := m.cfg.Recorder.Record(ctx, c); err != nil {
		// The call may have had its effect; what it must not have is an answer
		// that no record stands behind.
		m.visible(c, fmt.Errorf("record the call: %w", err)) // logs it
		c.Err = unrecorded(err)
		closeStream(output)
		return m.refusal(protocol, c)
	}
	if c.Err != nil {
		return m.refusal(protocol, c)
	}
	if c.prepared != nil {
		return *c.prepared
	}
	contentType, body := protocol.encode(c.Operation, output, c.RequestID)
	return answer{status: http.StatusOK, contentType: contentType, body: body}
}

func (m *Mux) refusal(p Protocol, c *Call) answer {
	if rest, ok := p.(RESTXML); ok {
		return rest.refuse(c)
	}
	contentType, body := p.encodeError(c.Err, c.RequestID)
	code, status := p.wireError(c.Err)
	return answer{status: status, contentType: contentType, errorCode: code, body: body}
}

// visible returns what a client may see of an error, and logs the rest: also the cause that
// an Error of the server's fault was wrapped with.
func (m *Mux) visible(c *Call, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		if e.Status >= http.StatusInternalServerError && err != error(e) {
			m.cfg.Logger.Error("call failed", "service", c.Service, "operation", c.Operation, "request", c.RequestID, "error", err)
		}
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
	api, admitted, err := m.admit(ctx, r, c)
	var body []byte
	if !admitted {
		api, body, err = m.verify(ctx, r, c, 0)
	}
	if err != nil {
		return api, none, err
	}
	if api == nil {
		return nil, none, &Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: fmt.Sprintf("The service %s is not served here.", c.Service)}
	}
	if api.Streaming {
		output, err := m.performREST(ctx, r, c, api, nil)
		if err != nil && c.Identity.Anonymous() {
			err = unattributed(err)
		}
		return api, output, err
	}
	plain, err := unpack(r, body, m.maxBody(api))
	if err != nil {
		return api, none, err
	}
	if _, ok := api.Protocol.(restProtocol); ok {
		output, err := m.performREST(ctx, r, c, api, plain)
		return api, output, err
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
// and which service. It, with letIn, and admit are the only ways in. A limit of 0
// stands for that of the service; the body of a streaming service is then left to
// be read.
func (m *Mux) verify(ctx context.Context, r *http.Request, c *Call, maxBody int64) (*API, []byte, error) {
	if s := c.SignedIn(); s != nil {
		return m.letIn(ctx, r, c, s, maxBody)
	}
	sig, err := sigv4.Parse(r)
	if err != nil {
		api := m.guess(r)
		return api, nil, signatureError(api.protocol(), err)
	}
	c.Service, c.Region = sig.Service, sig.Region
	api := m.apis[sig.Service]
	c.api = api
	// A stranger's body is not even read.
	cred, err := m.credential(ctx, c, sig)
	if err != nil {
		return api, nil, unattributed(err)
	}
	var body []byte
	if maxBody == 0 && api != nil && api.Streaming {
		if err := m.verifyHead(r, c, sig, cred); err != nil {
			return api, nil, signatureError(api.protocol(), err)
		}
	} else {
		if maxBody == 0 {
			maxBody = m.maxBody(api)
		}
		if body, err = m.wholeBody(r, c, maxBody); err != nil {
			return api, nil, err
		}
		if !cred.Unverified {
			err := sig.Verify(r, cred.Secret, sigv4.VerifyOptions{Now: c.Time, Body: body})
			if err != nil {
				return api, nil, signatureError(api.protocol(), err)
			}
		}
	}
	c.SignatureVersion, c.AuthenticationMethod, c.Signed = "SigV4", "AuthHeader", sig.Date
	if sig.Presigned {
		c.AuthenticationMethod = "QueryString"
	}
	c.Identity = cred.Identity
	if c.as == nil {
		c.Identity.AccessKeyID, c.SessionToken = sig.AccessKeyID, sig.SessionToken
	}
	return api, body, m.inRegion(c)
}

// inRegion refuses calls for regions that do not exist.
func (m *Mux) inRegion(c *Call) error {
	if m.hasRegion(c.Region) {
		return nil
	}
	// The record goes to a region that there is: what clients make up must not
	// become scopes of the log.
	err := &Error{Code: "InvalidClientTokenId", Status: http.StatusForbidden,
		Message: fmt.Sprintf("The region %q does not exist here.", c.Region)}
	c.Region = m.cfg.Regions[0]
	return err
}

// credential finds out whose a request is: whose its access key is, or who the
// process itself says.
func (m *Mux) credential(ctx context.Context, c *Call, sig *sigv4.Signature) (*Credential, error) {
	if c.as == nil {
		return m.cfg.Keys.Credential(ctx, sig.AccessKeyID, sig.SessionToken, sig.Region)
	}
	c.Via, c.SessionToken = c.as.via, c.as.session
	return &Credential{Identity: c.as.identity, Unverified: true}, nil
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
	if o.body >= 0 {
		in.Elem().Field(o.body).Set(reflect.ValueOf(c.body))
	}
	if err := o.authorize(ctx, api, c, in.Interface()); err != nil {
		return none, err
	}
	if m.cfg.Throttle && o.rate > 0 && !c.as.unrecorded() && !m.limits.allow(c.Account(), c.Region, api.Service+":"+o.name, o.rate) {
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
	output := reflect.ValueOf(out).Elem()
	if err := c.finished(); err != nil {
		closeStream(output)
		return none, err
	}
	return output, nil
}

// missing is the answer to an operation that is not served.
func (m *Mux) missing(ctx context.Context, api *API, c *Call) error {
	if api.Known == nil || !api.Known(c.Operation) {
		return Errorf("UnknownOperationException", "%s has no operation %q.", api.Service, c.Operation)
	}
	if err := c.Authorize(ctx, Permission{Action: api.action(c.Operation), Resource: "*"}); err != nil {
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

// guess returns the service that a request without a scope seems to be meant for,
// so that its refusal has a form that the client reads: forms are for the first of
// the services that speak query, all else but JSON is for the one that keeps
// objects.
func (m *Mux) guess(r *http.Request) *API {
	if r.Header.Get("X-Amz-Target") != "" {
		return nil
	}
	var query, objects *API
	for _, name := range slices.Sorted(maps.Keys(m.apis)) {
		switch api := m.apis[name]; api.Protocol.(type) {
		case Query:
			query = cmp.Or(query, api)
		case RESTXML:
			objects = cmp.Or(objects, api)
		}
	}
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	// No bucket's name has an underscore: that is where routes are.
	if objects == nil || strings.HasPrefix(r.URL.Path, "/_") || r.URL.Path == "/" && (r.Method == http.MethodPost && form || r.URL.Query().Has("Action")) {
		return query
	}
	return objects
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
	if c.as.unrecorded() {
		return nil
	}
	err := m.cfg.Recorder.Ready(c)
	if err == nil {
		return nil
	}
	m.visible(c, fmt.Errorf("a call is refused, because it could not be recorded: %w", err)) // logs it
	return unrecorded(err)
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
