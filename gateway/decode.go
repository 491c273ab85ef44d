// Package gateway stands in front of any backend that speaks AWS's protocols, and
// makes CloudTrail records of the calls that pass.
//
// Its nouns: a [Request] and an [Answer] are what was seen on the wire, the heads whole
// and the bodies as bounded copies ([Capture]). A [Decoder] turns them into an [Exchange]:
// which operation of which service was called, with what parameters, by which access
// key, and what came back. [Exchange.Call] and [Exchange.Details] hand it to package record.
//
// The invariant of decoding: every exchange is described as far as it can be. What
// cannot be read is a [Problem] beside the description, never an error in its place,
// and memory, depth and time are bounded whatever the bytes are.
package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// A Request is what came from the client.
type Request struct {
	Method string
	Target string // of the request line, as it came: "/bucket/key?acl", perhaps a whole URL
	Host   string // as the client gave it
	Header http.Header
	Body   Capture
}

// An Answer is what came from the backend.
type Answer struct {
	Status int
	Header http.Header
	Body   Capture
}

// A Capture is the bounded copy of a body.
type Capture struct {
	// Bytes are the first bytes of the body as they were sent, its codings included,
	// the framing of HTTP itself excluded. They are not changed.
	Bytes []byte

	// Size is how many bytes the body has in all, -1 when that is not known. A body
	// with more bytes than were copied is truncated.
	Size int64

	// Aborted says that the body broke off: it is truncated whatever its Size.
	Aborted bool
}

// Truncated reports whether the copy lacks a part of the body.
func (c *Capture) Truncated() bool {
	return c.Aborted || c.Size < 0 || c.Size > int64(len(c.Bytes))
}

// A Decoder reads exchanges. The zero value reads those of AWS's own endpoints; it is
// safe for concurrent use as long as nobody changes it.
type Decoder struct {
	// Service is what requests without a credential scope are taken to be for, when
	// neither host, target nor action tells: a signing name or botocore's ID, such as "s3".
	Service string

	// Region is that of requests that name none.
	Region string

	// BucketDomains are the hosts of S3 below which a name is a bucket's, such as
	// "s3.example.com". Those of AWS need not be named.
	BucketDomains []string

	// EveryAnswer has the answers of all operations decoded. Otherwise the bodies of
	// successful reads are left alone, unless their record depends on them: CloudTrail
	// records no answer of a read.
	EveryAnswer bool
}

// An Exchange is what is known of a request and its answer.
type Exchange struct {
	Service   string // signing name, empty if nothing tells
	Operation string // the API's name, or what the client called it; empty if nothing tells
	Region    string // as the client or the Decoder named it, empty if nobody did
	Protocol  awsmodel.Protocol
	Model     *awsmodel.Operation // nil if the model does not know the operation

	Signature Signature

	Input  map[string]any // by the API's member names, values as in aws.Call
	Output map[string]any // nil before the answer, after an error and where it was not decoded
	Err    *aws.Error     // of an answer that is an error

	Status    int    // of the answer, 0 if there was none
	RequestID string // the backend's
	HostID    string // its x-amz-id-2

	// BytesIn and BytesOut are the sizes of the bodies without the framing of
	// aws-chunked, as far as they are known.
	BytesIn, BytesOut int64

	// StreamIn and StreamOut say that a body is a stream of bytes or events, whose
	// content is no part of Input or Output.
	StreamIn, StreamOut bool

	Problems []Problem

	host      string
	agent     string
	header    http.Header
	method    string
	whole     bool // the Decoder's EveryAnswer
	posted    bool // an upload by an HTML form
	preflight bool // OPTIONS of a browser
	silent    bool // the answer is an error, and its body gives no code

	// also are operations of other services that the request names as well. What is
	// secret in one of them is secret.
	also []*awsmodel.Operation
}

// ReadOnly reports whether the call changes nothing. Of one that is not known it is
// assumed that it does.
func (x *Exchange) ReadOnly() bool { return x.Model != nil && x.Model.ReadOnly }

// MayChange reports whether the call may change something, whatever ReadOnly says: the
// backend may understand a doubtful request in another way.
func (x *Exchange) MayChange() bool { return !x.ReadOnly() || x.doubtful() }

// doubtful reports whether a request could not be read as a whole, names operations in
// several ways, or asks for another method than its own.
func (x *Exchange) doubtful() bool {
	return slices.ContainsFunc(x.Problems, func(p Problem) bool { return p.Where == InRequest }) ||
		slices.ContainsFunc(x.also, func(op *awsmodel.Operation) bool { return !op.ReadOnly })
}

// Request describes a request. It reads nothing but its argument, which must not change
// as long as the Exchange is used. The body may be missing, as it is before it has been
// read: whether an operation streams is known from the head of a REST service's request.
func (d *Decoder) Request(r *Request) *Exchange {
	x := &Exchange{host: r.Host, agent: r.Header.Get("User-Agent"), header: r.Header, method: r.Method, whole: d.EveryAnswer}
	q := newWire(r, x)
	x.Signature = readSignature(q)
	x.BytesIn = bodySize(&r.Body, r.Header)
	for _, name := range [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		if len(r.Header[name]) > 0 {
			x.problem(InRequest, Ambiguous, "a header names a method")
		}
	}
	d.identify(q, x)
	x.Region = d.regionOf(q, x)
	if x.preflight {
		x.Signature = Signature{}
	} else if x.Model != nil {
		q.decodeInput(x)
	}
	return x
}

// Answer adds what the backend answered. It is called once, or never when there was no answer.
func (x *Exchange) Answer(a *Answer) {
	x.Status = a.Status
	x.RequestID = firstHeader(a.Header, "X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amzn-Request-Id")
	x.HostID = a.Header.Get("X-Amz-Id-2")
	x.BytesOut = a.Body.Size
	if x.BytesOut < 0 {
		x.BytesOut = int64(len(a.Body.Bytes))
		if n, err := strconv.ParseInt(a.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 && x.method != http.MethodHead {
			x.BytesOut = n
		}
	}
	if a.Status >= 300 && a.Status != http.StatusNotModified && !(x.posted && a.Status == http.StatusSeeOther) {
		x.Err = x.decodeError(a)
		return
	}
	if x.Model != nil {
		x.decodeOutput(a)
	}
}

func firstHeader(h http.Header, names ...string) string {
	for _, name := range names {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// A wire is a request taken apart.
type wire struct {
	*Request
	path  string // as on the request line, escaped
	raw   string // the query, escaped
	query url.Values
	form  url.Values // of a body that is one, nil otherwise
	plain []byte     // the body without its codings
	part  bool       // plain is not all of it
	post  url.Values // the fields of an upload by an HTML form, nil otherwise

	formErr error // why the form could not be read to its end

	// Of a REST service's request.
	restRequest *aws.RESTRequest
	labels      map[string]string
}

func newWire(r *Request, x *Exchange) *wire {
	q := &wire{Request: r}
	target := r.Target
	if i := strings.Index(target, "://"); i > 0 && !strings.HasPrefix(target, "/") {
		// The absolute form, which clients send to proxies.
		target = target[i+len("://"):]
		if slash := strings.IndexAny(target, "/?"); slash >= 0 {
			target = target[slash:]
		} else {
			target = "/"
		}
	}
	target, _, _ = strings.Cut(target, "#")
	q.path, q.raw, _ = strings.Cut(target, "?")
	var err error
	q.query, err = parseForm(q.raw)
	x.note(InRequest, false, err, "the query of the URL")
	q.post = parsePost(q)
	if isForm(r.Header) && (r.Method == http.MethodPost || r.Method == http.MethodGet && len(r.Body.Bytes) > 0) {
		if chunked(r.Header) {
			x.problem(InRequest, Ambiguous, "a form in chunks") // which only S3 knows, who takes no forms
		}
		q.open(x)
		q.form, q.formErr = parseForm(string(q.plain))
	}
	return q
}

func isForm(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// parseForm reads a form as far as it is well-formed, and no more than maxNodes members.
func parseForm(raw string) (form url.Values, err error) {
	form = make(url.Values)
	n := 0
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		if n++; n > maxNodes {
			return form, tooLarge("the number of parameters")
		}
		name, value, _ := strings.Cut(pair, "=")
		name, e := url.QueryUnescape(name)
		if e == nil {
			value, e = url.QueryUnescape(value)
		}
		if e != nil {
			err = malformed("")
			continue
		}
		form[name] = append(form[name], value)
	}
	return form, err
}
