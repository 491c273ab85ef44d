package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/catalog"
	"cairn/internal/sigv4"
)

// IdentitiesConfig says where callers are known from. All of it may be missing.
type IdentitiesConfig struct {
	// Keys are those of Cairn's own IAM.
	Keys aws.Keys

	// Catalog keeps what is learned of the traffic. Without one, nothing is learned.
	Catalog *catalog.Catalog

	// MappingFile names a file of identities, docs/format/identities.md. It must be
	// there and well-formed when the Identities are opened.
	MappingFile string

	// MappingInterval is how often the mapping file is looked at for a change, which
	// counts once the file has stood still from one look to the next. Default a second.
	MappingInterval time.Duration

	// Own are the credentials that Cairn's own deliveries are signed with.
	Own []OwnKey

	Logger *slog.Logger     // default discards
	Now    func() time.Time // default time.Now
}

// An OwnKey is an access key that Cairn itself signs with.
type OwnKey struct{ AccessKeyID, Secret string }

// A SignatureRule says what becomes of a call whose access key is known here and whose
// signature does not verify.
type SignatureRule string

const (
	// RecordSignatures, the default, lets the call pass. Its record claims no identity.
	RecordSignatures SignatureRule = "record"

	// RefuseSignatures answers with the error that the service would give.
	RefuseSignatures SignatureRule = "refuse"

	// IgnoreSignatures verifies nothing. Who the access key belongs to is recorded as
	// not verified.
	IgnoreSignatures SignatureRule = "off"
)

// An Asking is what Resolve needs to know of a request beyond its Exchange.
type Asking struct {
	Route   string
	Account string // of the route: that of callers who are not known

	// Request is what came from the client, its URL, Host and Header as they came. It is
	// not changed, and its body is not read.
	Request *http.Request

	// Body is the body, or its beginning: Whole says that it is all of it. It is needed
	// where the head does not declare the body's hash, and is otherwise compared with it.
	Body  []byte
	Whole bool

	Signatures SignatureRule
	At         time.Time // default now
}

// A Caller is who made a call.
type Caller struct {
	// Identity is what the record says. It is of type "Unknown", with nothing but the
	// access key and the route's account, where nobody can be named.
	Identity aws.Identity

	// Source is where the identity is known from: "iam", "mapping", "learned", or empty
	// for callers who are not known.
	Source string

	// Verified says that the signature was checked here, and is right. Of identities
	// that come from elsewhere than IAM, the backend checks it.
	Verified bool

	// Unverified tells why what the request says of its caller is not proven, for the
	// record. It is empty where it is, where the backend proves it, and where the request
	// says nothing.
	Unverified string

	// PayloadHash is the SHA-256 in lower-case hex that the body must have for a
	// verified signature to be good for it, if Resolve did not see all of the body.
	PayloadHash string

	// Own says that Cairn itself made the call, to deliver what it recorded.
	Own bool

	// Refuse is what to answer instead of forwarding the call, nil if it may pass.
	Refuse *aws.Error

	account string // of the route
}

// A Conflict is an answer that would have taught something that contradicts what is
// known, or that the backend has no say in. Nothing is learned of it.
type Conflict struct {
	Route, Account string
	Operation      string // that was answered, such as "CreateAccessKey"
	AccessKeyID    string // that the answer names, empty if it names none
	Known          string // ARN of whom the key belongs to; empty if the key is not known
	Claimed        string // ARN of whom the answer gave it to
	Reason         string
}

// Identities know who calls. They are safe for concurrent use.
type Identities struct {
	cfg     IdentitiesConfig
	own     map[string]string // secrets by access key
	mapping *mapping          // nil if there is none
	learned *learned          // nil without a catalog
	closing sync.Once
}

// OpenIdentities reads the mapping and what was learned before.
func OpenIdentities(cfg IdentitiesConfig) (*Identities, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Identities{cfg: cfg, own: make(map[string]string)}
	for _, key := range cfg.Own {
		if key.AccessKeyID == "" || key.Secret == "" {
			return nil, errors.New("open identities: an access key of Cairn's own has no ID or no secret")
		}
		s.own[key.AccessKeyID] = key.Secret
	}
	var err error
	if cfg.MappingFile != "" {
		if s.mapping, err = openMapping(cfg.MappingFile, cfg.Logger, cmp.Or(cfg.MappingInterval, mappingInterval)); err != nil {
			return nil, fmt.Errorf("open identities: %w", err)
		}
	}
	if cfg.Catalog != nil {
		if s.learned, err = openLearned(cfg.Catalog, maxLearned); err != nil {
			s.Close()
			return nil, fmt.Errorf("open identities: %w", err)
		}
	}
	return s, nil
}

// Close ends the looking at the mapping file, and waits until nothing is read any more. What
// was read holds on.
func (s *Identities) Close() error {
	if s.mapping != nil {
		s.closing.Do(s.mapping.close)
	}
	return nil
}

// Resolve names the caller of a request: Cairn itself by its own keys, then whom its IAM
// knows, then the mapping, then what was learned, then the mapping's default. Who can be
// proven here is proven here; the identities of the others are the backend's to prove, and
// Caller.Answered takes them back if it did not.
func (s *Identities) Resolve(ctx context.Context, x *Exchange, q Asking) Caller {
	if q.At.IsZero() {
		q.At = s.cfg.Now()
	}
	c := Caller{account: q.Account}
	sig := &x.Signature
	switch kind := x.unsigned(); {
	case sig.Version != "SigV4" && sig.Version != "SigV4A" && sig.Version != "SigV2", kind == "WebIdentityUser", kind == "SAMLUser":
		// Nobody looks at a signature of the latter: the token is what counts.
		c.unsigned(x)
		return c
	}
	c.unknown(x)
	if sig.AccessKeyID == "" {
		c.Unverified = "the signature names no access key"
		return c
	}
	if secret, ok := s.own[sig.AccessKeyID]; ok {
		unchecked, err := verify(x, &q, secret)
		if err != nil {
			c.fail(x, &q, err)
		} else {
			c.Own, c.Verified, c.PayloadHash = x.delivers(), true, unchecked
		}
		return c
	}
	cred, err := s.credential(ctx, sig)
	switch {
	case err != nil:
		c.fail(x, &q, err)
	case cred != nil && !cred.Unverified:
		c.prove(x, &q, cred)
	case sig.Problem == sigv4.AmbiguousAuthentication:
		c.Unverified = string(errOtherKey) // the backend may believe another one
	case sig.form && !x.posted && (sig.Version != "SigV2" || x.isS3()):
		c.Unverified = string(errForm) // no backend looks for one there
	case x.Model != nil && x.Model.Unsigned:
		c.Unverified = "the operation needs no signature"
	default:
		s.resolveElsewhere(x, &q, cred, &c)
	}
	return c
}

// deliveries are the operations by which Cairn delivers what it recorded.
var deliveries = map[string]bool{"s3:PutObject": true, "s3:HeadObject": true, "sns:Publish": true}

// delivers reports whether the call is one of those that deliver. Whatever else somebody
// does with an access key of Cairn's own, such as to remove log files, is recorded.
func (x *Exchange) delivers() bool {
	return x.Model != nil && deliveries[x.Model.Service.ID+":"+x.Model.Name] && !x.doubtful()
}

// resolveElsewhere names a caller whom Cairn's IAM does not know. cred is what a server in
// development mode makes of the access key, otherwise nil.
func (s *Identities) resolveElsewhere(x *Exchange, q *Asking, cred *aws.Credential, c *Caller) {
	key := x.Signature.AccessKeyID
	if s.mapping != nil {
		if e, ok := s.mapping.find(key); ok {
			c.name(x, e.identity(q.Account, x.Region), "mapping")
			return
		}
	}
	if s.learned != nil {
		id, why, err := s.learned.find(q.Route, q.Account, key, q.At)
		switch {
		case err != nil:
			s.cfg.Logger.Error("the caller of a request cannot be named", "route", q.Route, "error", err)
			c.Unverified = string(errLookUp)
			return
		case why != "":
			c.Unverified = why
			return
		case id.Type != "":
			c.name(x, id, "learned")
			return
		}
	}
	if s.mapping != nil {
		if e, ok := s.mapping.find(everyKey); ok {
			c.name(x, e.identity(q.Account, x.Region), "mapping")
			return
		}
	}
	if cred != nil {
		c.develop(x, cred)
	}
}

// Answered returns the caller as the answer leaves it, for the call's record; also that
// of a call without an answer. Whom the backend refused is nobody that the record may
// name, unless the signature was verified here.
func (c Caller) Answered(x *Exchange) Caller {
	switch {
	case c.Own || c.Verified:
	case x.Signature.AccessKeyID != "" && c.Identity.AccessKeyID != "" && Refused(x):
		c.unknown(x)
		if c.Unverified == "" || c.Unverified == notVerified {
			c.Unverified = x.Err.Code
		}
	case c.Source == "mapping" || c.Source == "learned":
		if !x.judged() {
			c.Unverified = "the backend did not say whether it believes the signature"
		}
	case c.Identity.Type == "WebIdentityUser" || c.Identity.Type == "SAMLUser":
		c.federated(x)
	}
	return c
}

// notVerified is what the record says of identities that nobody was to verify.
const notVerified = "not verified"

// prove names a caller whose access key is one of Cairn's own IAM.
func (c *Caller) prove(x *Exchange, q *Asking, cred *aws.Credential) {
	if q.Signatures == IgnoreSignatures {
		c.name(x, cred.Identity, "iam")
		c.Unverified = notVerified
		return
	}
	unchecked, err := verify(x, q, cred.Secret)
	if err != nil {
		c.fail(x, q, err)
		return
	}
	c.name(x, cred.Identity, "iam")
	c.Verified, c.PayloadHash = true, unchecked
}

// name sets who it is.
func (c *Caller) name(x *Exchange, id aws.Identity, source string) {
	c.Identity, c.Source = id, source
	c.Identity.AccessKeyID = x.Signature.AccessKeyID
	if c.Identity.AccountID == "" {
		c.Identity.AccountID = c.account
	}
	c.Identity.Operator = false // of Cairn, not of the backend
}

// unknown is what a record says of a caller by the access key alone. CloudTrail writes
// the type Unknown where it cannot tell whose credentials they are.
func (c *Caller) unknown(x *Exchange) {
	c.Identity = aws.Identity{Type: "Unknown", AccountID: c.account, AccessKeyID: x.Signature.AccessKeyID}
	c.Source = ""
}

// unsigned is what a record says of a caller who did not sign.
func (c *Caller) unsigned(x *Exchange) {
	c.Identity = aws.Identity{Type: x.unsigned()}
	switch c.Identity.Type {
	case "AWSAccount":
		c.Identity.AccountID = anonymous
	case "Unknown":
		c.Identity.AccountID = c.account
	}
}

// fail notes why the signature of a key that is known is not believed.
func (c *Caller) fail(x *Exchange, q *Asking, err error) {
	c.unknown(x)
	c.Unverified = x.codeOf(err)
	if q.Signatures == RefuseSignatures {
		c.Refuse = x.refusal(err)
	}
}

// develop names a caller as a server in development mode does: the root user of the
// account that an access key of 12 digits names, or of the route's.
func (c *Caller) develop(x *Exchange, cred *aws.Credential) {
	account := c.account
	if cred.Identity.AccountID == x.Signature.AccessKeyID {
		account = cred.Identity.AccountID
	}
	c.name(x, rootIdentity(cairn.PartitionOf(x.Region), account), "iam")
	c.Unverified = notVerified
}

// federated adds what a good answer tells of somebody who came with a token.
func (c *Caller) federated(x *Exchange) {
	if x.Err != nil {
		return
	}
	id := &c.Identity
	if id.Type == "SAMLUser" {
		id.IdentityProvider, id.UserName = text(x.Output, "NameQualifier"), text(x.Output, "Subject")
		if id.IdentityProvider != "" && id.UserName != "" {
			id.PrincipalID = id.IdentityProvider + ":" + id.UserName
		}
		return
	}
	id.IdentityProvider, id.UserName = text(x.Output, "Provider"), text(x.Output, "SubjectFromWebIdentityToken")
	if audience := text(x.Output, "Audience"); id.IdentityProvider != "" && audience != "" && id.UserName != "" {
		id.PrincipalID = id.IdentityProvider + ":" + audience + ":" + id.UserName
	}
}

// text returns a member of a call's input or output that is a text.
func text(tree map[string]any, name string) string {
	s, _ := tree[name].(string)
	return s
}
