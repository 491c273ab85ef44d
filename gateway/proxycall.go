package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"cairn/aws"
)

// A call is one request on its way through the gateway.
//
// Where the process may die, and what stands then: before begin the backend has seen
// nothing, and nothing is known of the call. After begin the journal has the intent, and
// opening it makes a record with the outcome unknown. After complete the log has the
// record, under the same event ID, and the client may or may not have its answer.
type call struct {
	g     *Gateway
	w     http.ResponseWriter
	r     *http.Request
	count *counters
	rt    *route
	body  *clientBody
	x     *Exchange // nil until the request has been read

	began  time.Time
	start  time.Time     // the same by the machine's clock
	waited time.Duration // for the upstream

	source    netip.Addr
	caller    Caller
	account   string
	eventID   string
	requestID string // of the answers that are the gateway's own
	unsettled bool   // nobody verified who called, and the backend refused
	unstored  error  // why the log did not take the record
	excluded  bool
	outcome   string
	pending   *Pending
	released  bool // the head of the answer is on its way
}

// What a record says of a call that did not end as it should.
const (
	outcomeUnknown = "unknown" // the backend may have acted, and did not say so
	outcomeAborted = "aborted" // the client went away
	outcomeBroken  = "broken"  // the backend's answer broke off after a part of it had left
)

// ServeHTTP passes a call to its backend, records it, and releases the answer.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{g: g, w: w, r: r, count: &g.strays, began: g.cfg.Now(), start: time.Now(), requestID: aws.NewUUID()}
	c.body = newClientBody(w, r, g.cfg.SlowBody)
	defer c.end()
	c.source = SourceAddress(r, g.cfg.ForwardedFor)
	if e := checkRequest(r); e != nil {
		w.Header().Set("Connection", "close") // what comes behind it may not be a request
		c.refuse(e)
		return
	}
	c.rt = g.match(r, func() []byte { c.body.fill(); return c.body.bytes() })
	if c.rt == nil {
		c.refuse(&aws.Error{Code: "NoSuchRoute", Status: http.StatusNotFound, Message: "The gateway has no route for this service, host and path."})
		return
	}
	c.count = &c.rt.counters
	if c.count.active.Add(1) > int64(c.rt.MaxCalls) {
		c.refuse(&aws.Error{Code: "SlowDown", Status: http.StatusServiceUnavailable, Message: "Too many calls are under way. Please reduce your request rate."})
		return
	}
	if e := c.read(); e != nil {
		c.refuse(e)
		return
	}
	if e := c.settle(r.Context()); e != nil {
		c.refuse(e)
		return
	}
	if c.caller.Refuse != nil {
		c.deny(r.Context())
		return
	}
	upgrade := isUpgrade(r)
	if !c.rt.Relaxed && !c.caller.Own && (upgrade || c.x.MayChange()) {
		if err := c.begin(r.Context()); err != nil {
			c.unavailable(err)
			return
		}
	}
	c.forward(r.Context(), upgrade)
}

// end gives back what the call holds, whatever became of it.
func (c *call) end() {
	if c.pending != nil {
		c.pending.Abandon() // unless the call came to its end, which a panic can prevent
	}
	c.count.calls.Add(1)
	if c.rt != nil {
		c.count.active.Add(-1)
	}
	took := time.Since(c.start)
	c.count.nanos.Add(int64(took))
	c.count.waited.Add(int64(min(c.waited+c.body.waited, took)))
	if !c.body.done && c.body.conn != nil {
		// What is left of the body is net/http's to read, and not for ever. It reads some
		// even where the connection ends with this call: a client that still sends would
		// otherwise be reset, and not see the answer.
		c.body.conn.SetReadDeadline(time.Now().Add(min(c.body.grace, lastWords)))
	}
	c.body.release()
}

// read finds out what is called. Of streams of bytes the head alone tells; of all others
// the body, or its beginning, is read first.
func (c *call) read() *aws.Error {
	r, kind := c.r, c.r.Header.Get("Content-Type")
	events := strings.HasPrefix(kind, "application/vnd.amazon.eventstream") ||
		strings.HasSuffix(r.Header.Get("X-Amz-Content-Sha256"), "-EVENTS")
	head := &Request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header, Body: Capture{Size: r.ContentLength}}
	told := r.Header.Get("X-Amz-Target") != "" || r.Header.Get("Smithy-Protocol") != "" || isForm(r.Header) || strings.HasPrefix(kind, "multipart/form-data")
	if !c.body.done && (events || !told) {
		c.x = c.rt.decoder.Request(head)
		// The first event may wait for an answer. What only calls itself a stream of events
		// would hide its parameters so.
		c.body.events = events && (c.x.StreamIn || c.x.Model == nil && !isForm(r.Header))
		if c.x.StreamIn || c.body.events {
			return nil
		}
	}
	if err := c.body.fill(); err != nil {
		return bodyError(err)
	}
	head.Body.Bytes = c.body.bytes()
	if c.body.done {
		head.Body.Size = c.body.size
	}
	if c.x == nil || c.body.size > 0 || told {
		c.x = c.rt.decoder.Request(head)
	}
	return nil
}

// bodyError is the answer to a request whose body could not be read.
func bodyError(err error) *aws.Error {
	if errors.Is(err, errSlowBody) {
		return &aws.Error{Code: "RequestTimeout", Status: http.StatusRequestTimeout, Message: "Your socket connection to the server was not read from or written to within the timeout period."}
	}
	return aws.Errorf("IncompleteBody", "The body of the request could not be read to its end.")
}

// settle finds out who calls, and in which account and region.
func (c *call) settle(ctx context.Context) *aws.Error {
	if c.x == nil {
		c.x = c.rt.decoder.Request(&Request{Method: c.r.Method, Target: c.r.RequestURI, Host: c.r.Host, Header: c.r.Header, Body: Capture{Size: c.r.ContentLength}})
	}
	g, x := c.g, c.x
	c.eventID = aws.NewUUID()
	if to := c.rt.Regions[x.Region]; to != "" {
		x.Region = to
	}
	if x.Region == "" {
		x.Region = g.cfg.Region
	}
	global := x.Model != nil && x.Model.Service.Global()
	if len(g.cfg.Regions) > 0 && !global && !slices.Contains(g.cfg.Regions, x.Region) {
		return aws.Errorf("InvalidRegion", "The request is signed for a region that is not served here.")
	}
	if g.cfg.Identities == nil {
		c.caller = Caller{Identity: x.Call().Identity}
	} else {
		c.caller = g.cfg.Identities.Resolve(ctx, x, Asking{
			Route: c.rt.Name, Account: c.rt.Account, Request: c.r, Body: c.body.bytes(), Whole: c.body.done,
			Signatures: c.rt.Signatures, At: c.began,
		})
	}
	if c.caller.PayloadHash != "" && !c.body.done {
		c.body.hash = sha256.New()
		c.body.hash.Write(c.body.bytes())
	}
	c.account = c.rt.Account
	if id := c.caller.Identity.AccountID; accountID(id) {
		c.account = id
	}
	return nil
}

// proven takes the caller's name back if the body was not the one that was signed.
func (c *call) proven() {
	want := c.caller.PayloadHash
	if want == "" {
		return
	}
	if sum := c.body.sum(); sum != want {
		c.caller.unknown(c.x)
		c.caller.Verified, c.caller.Own = false, false
		c.caller.Unverified = string(errBody)
		if sum == "" {
			c.caller.Unverified = "the body, whose hash was signed, did not come to its end"
		}
	}
	c.caller.PayloadHash = ""
}

// refuse answers a call that is not forwarded, and that no identity can be named for.
func (c *call) refuse(e *aws.Error) {
	c.count.refused.Add(1)
	c.tally(e)
	c.answerError(e)
}

// tally counts a call instead of recording it.
func (c *call) tally(e *aws.Error) {
	if c.g.cfg.Recorder == nil {
		return
	}
	k := &aws.Call{Time: c.began, SourceIP: c.source, Service: "", RequestID: c.requestID}
	if c.x != nil {
		k.Service, k.Operation = c.x.Service, c.x.Operation
	}
	c.g.cfg.Recorder.Count(k, e)
}

// deny answers a call that the route's rule about signatures refuses, and records it.
func (c *call) deny(ctx context.Context) {
	c.count.refused.Add(1)
	c.x.Err = c.caller.Refuse
	c.unsettled = true
	if !c.complete(ctx) {
		c.unavailable(errors.New("the call could not be recorded"))
		return
	}
	c.answerError(c.caller.Refuse)
}

// unavailable answers a call that cannot be recorded.
func (c *call) unavailable(err error) {
	if c.unstored != nil {
		err = fmt.Errorf("%w: %w", err, c.unstored)
	}
	c.g.cfg.Logger.Error("a call was refused because it could not be recorded", "route", c.rt.Name, "error", err)
	c.count.refused.Add(1)
	c.answerError(&aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: "The call cannot be recorded at the moment, and was not served. Please try again."})
}

// answerError answers with an error of the gateway's own.
func (c *call) answerError(e *aws.Error) {
	if c.released {
		panic(http.ErrAbortHandler)
	}
	c.released = true
	if _, done, _ := c.body.progress(); !done {
		c.w.Header().Set("Connection", "close")
	}
	c.answerBy(c.rt)
	writeError(c.w, c.r, c.x, e, c.requestID)
}

// isUpgrade reports whether a request asks for a WebSocket. Other protocols are not
// offered: what passes in them would pass unseen.
func isUpgrade(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.Method == http.MethodGet && hasToken(r.Header["Connection"], "upgrade") && hasToken(r.Header["Upgrade"], "websocket")
}
