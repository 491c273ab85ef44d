package aws

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"time"
)

// A Call is one request on its way through the front.
type Call struct {
	Time      time.Time // when the request came in
	RequestID string

	Service   string // signing name, e.g. "cloudtrail"
	Operation string // e.g. "LookupEvents"
	ReadOnly  bool   // of a Route's call; that of an AWS operation is known by its model
	Region    string // from the credential scope
	Identity  Identity

	SourceIP  netip.Addr
	UserAgent string
	Host      string // as the client gave it
	TLS       *tls.ConnectionState
	Header    http.Header // of the request

	// SessionToken is that of the request's temporary credentials, wherever the
	// request carries it.
	SessionToken string

	// Via is the service that makes the call in the course of another one, with
	// the permissions of whoever made that: "s3.amazonaws.com" where S3 asks KMS
	// for a data key. It is empty for all other calls.
	Via string

	// Input and Output are the parameters and the answer by the API's member
	// names: map[string]any, []any, string, bool, json.Number, time.Time and
	// []byte. Output is nil when there is none.
	Input  map[string]any
	Output map[string]any
	Err    *Error // why the call failed, nil if it did not

	// SignatureVersion is "SigV4" or "SigV2", and AuthenticationMethod where the
	// signature stands: "AuthHeader" or "QueryString". Both are empty for
	// requests without one.
	SignatureVersion     string
	AuthenticationMethod string

	// Signed is when a signature of Version 4 was made, as it says itself.
	Signed time.Time

	// BytesIn and BytesOut are the sizes of the bodies of a REST service's
	// request, as far as the operation read it, and answer.
	BytesIn, BytesOut int64

	// SharedWith is another account that the call acted in, such as that of a
	// role that was assumed. Its history has the call, too.
	SharedWith string

	// answer holds headers that an operation adds to its answer.
	answer http.Header

	status int    // of the answer, 0 for the operation's own
	method string // of the request
	path   string // of the request's line, escaped
	body   *Body  // of a streaming service's request
	conn   deadlines

	prepared *answer // of a REST service's operation that succeeded

	release func() // gives back the memory of the request's body

	mux *Mux
	api *API
	as  *own // who calls, if the call was made within the process
}

// done gives back what the call held.
func (c *Call) done() {
	if c.release != nil {
		c.release()
		c.release = nil
	}
}

// Account is the account that the call acts in: the caller's.
func (c *Call) Account() string { return c.Identity.AccountID }

// HostID is the call's x-amz-id-2, as answers and records have it.
func (c *Call) HostID() string { return hostID(c.RequestID) }

// SetHeader adds a header to the answer.
func (c *Call) SetHeader(name, value string) {
	if c.answer == nil {
		c.answer = make(http.Header)
	}
	c.answer.Set(name, value)
}

// SetStatus sets the HTTP status of a REST service's successful answer, such as
// 206 for a range.
func (c *Call) SetStatus(status int) { c.status = status }

// An Identity says who makes a call.
type Identity struct {
	Type        string // "Root", "IAMUser", "AssumedRole", "FederatedUser", "AWSService", or "AWSAccount" for callers without credentials
	PrincipalID string
	ARN         string
	AccountID   string
	AccessKeyID string
	UserName    string // of an IAM user
	InvokedBy   string // of a service, its principal; of others, the Call's Via
	Session     *Session

	// IdentityProvider is who vouches for a WebIdentityUser or SAMLUser.
	IdentityProvider string

	// SourceARN and SourceAccount are the resource that a service acts for, and
	// the account that owns it.
	SourceARN     string
	SourceAccount string

	// Operator says that the caller may act across accounts.
	Operator bool
}

// A Session is what temporary credentials add to an identity.
type Session struct {
	Created        time.Time // zero if it is not known
	Expires        time.Time
	MFA            bool
	Issuer         *Issuer // of a role session
	SourceIdentity string
	Policies       []string          // session policies, JSON
	Tags           map[string]string // principal tags
	WebIdentity    *WebIdentity      // of a role session that a web identity began
	AssumedRoot    bool              // AssumeRoot began it
}

// A WebIdentity is what vouched for the beginning of a session.
type WebIdentity struct {
	Provider   string            // such as the ARN of an OIDC provider
	Attributes map[string]string // of the token that CloudTrail shows
}

// An Issuer is the role that a session belongs to.
type Issuer struct {
	Type        string // "Role"
	PrincipalID string
	ARN         string
	AccountID   string
	UserName    string // the role's name
}
