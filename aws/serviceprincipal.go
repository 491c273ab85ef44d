package aws

import "net/http"

// A ServicePrincipal is a service that acts on its own behalf, as policies name
// it: CloudTrail when it delivers a log file.
type ServicePrincipal struct {
	Name          string // e.g. "cloudtrail.amazonaws.com"
	SourceARN     string // the resource that it acts for, such as a trail: aws:SourceArn
	SourceAccount string // the account that owns the resource: aws:SourceAccount
}

// own is who makes a call that needs no signature: the process itself, or somebody
// who has signed in. It reaches the Mux as an argument, never by the request or its
// context: nothing that a request holds leads to one.
type own struct {
	identity Identity
	via      string
	session  string // the session token of the caller that is acted for

	signedIn *SignedIn // who has signed in; the others are of no account then
}

// As returns a transport by which a service calls the Mux on its own behalf.
//
// A client of it needs credentials for the form's sake, which may be any: they
// say which service and region a request is for, and nothing in them is checked.
// Policies of resources decide whether the service may, as they do for AWS's own
// services; it has no other permissions. Its calls are neither recorded, or each
// log file would cause the next, nor throttled.
func (m *Mux) As(p ServicePrincipal) http.RoundTripper {
	return ownTransport{m, &own{identity: Identity{
		Type: "AWSService", InvokedBy: p.Name, SourceARN: p.SourceARN, SourceAccount: p.SourceAccount,
	}}}
}

// Forward returns a transport by which a service calls another one in the course
// of a call, with the permissions of that call's caller: "s3.amazonaws.com" asks
// KMS for a data key, and the caller of S3 must be allowed to have it. AWS calls
// this a forward access session. Its calls are recorded, as the caller's, unless
// the caller is a service whose calls are not. As with As, clients of it may have
// any credentials.
func (c *Call) Forward(via string) http.RoundTripper {
	if c.mux == nil {
		return InProcess{http.NotFoundHandler()}
	}
	id := c.Identity
	if id.Type != "AWSService" {
		id.InvokedBy = via
	}
	return ownTransport{c.mux, &own{identity: id, via: via, session: c.SessionToken}}
}

// unrecorded reports whether calls leave no record.
func (o *own) unrecorded() bool { return o != nil && o.identity.Type == "AWSService" }

type ownTransport struct {
	mux *Mux
	as  *own
}

// RoundTrip performs one request.
func (t ownTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return roundTrip(func(w http.ResponseWriter, r *http.Request) { t.mux.serveAs(t.as, w, r) }, r)
}
