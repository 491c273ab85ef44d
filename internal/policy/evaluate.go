package policy

import "strings"

// A Request is what is to be decided.
type Request struct {
	Action    string // e.g. "cloudtrail:LookupEvents"
	Resource  string // an ARN, or "*" for actions without a resource
	Principal Principal
	Context   *Context // may be nil; see also [Context.SetPrincipal]
}

// Named is a policy with the name that a [Decision] calls it by.
type Named struct {
	Name   string // e.g. an ARN, or an inline policy's name
	Policy *Policy
}

// Policies are all policies that apply to a request. All may be missing.
type Policies struct {
	// Identity are those of the user, its groups, or the role.
	Identity []Named

	// Resource is the policy of the resource; for [EvaluateTrust] the role's
	// trust policy.
	Resource *Policy

	// ResourceAccount owns the resource. When empty, it is the account in the
	// resource's ARN, and the caller's own where that has none.
	ResourceAccount string

	// ResourceMustAllow is for resources such as KMS keys, whose own policy has
	// to allow even callers of the same account. It is implied by EvaluateTrust.
	ResourceMustAllow bool

	// PermissionsBoundary limits what Identity grants.
	PermissionsBoundary *Policy

	// Session are the policies that a session was made with. If there are any,
	// one of them has to allow.
	Session []*Policy

	// SCPs are the service control policies that apply to the caller's account,
	// one list for each level from the organization's root to the account. On
	// every level one of them has to allow.
	SCPs [][]*Policy
}

// A Decision is the answer, with what decided it. The statement is the one that
// allowed or denied. An implicit deny has none, and its Kind is the kind of
// policies among which none allowed.
type Decision struct {
	Allowed   bool
	Explicit  bool   // a statement decided, not the lack of one
	Kind      Kind   // NoPolicy if a root user was allowed without any
	Policy    string // the Name of the policy, if it has one
	Statement int    // its index in the policy, or -1
	Sid       string
}

// Evaluate decides a request by AWS's evaluation logic. It takes no memory from
// the heap unless a pattern with variables has more than a dozen parts.
//
// In one account, a statement of the resource's policy that names the caller
// itself (the user, the session, everyone) is enough, and neither boundary nor
// session policies limit it. One that names the role or user behind a session
// stands in for the identity-based policies, and is limited by both. One that
// names the account leaves the decision to the identity-based policies. Between
// accounts both sides have to allow. A federated user needs a session policy.
func Evaluate(req *Request, p *Policies) Decision {
	return evaluate(req, p, ResourcePolicy)
}

// EvaluateTrust decides whether a caller may assume a role. The request's
// action is sts:AssumeRole or one of its kin, its resource the role's ARN, and
// the Resource of p the role's trust policy. That a root user can assume no role
// is not a matter of policies, and up to the caller.
func EvaluateTrust(req *Request, p *Policies) Decision {
	return evaluate(req, p, TrustPolicy)
}

func evaluate(req *Request, p *Policies, resourceKind Kind) Decision {
	caller := &req.Principal

	// Every explicit deny wins, so that all policies are looked at first.
	levelsAllow := true
	if caller.hasAccount() {
		for _, level := range p.SCPs {
			allow, deny := req.anyAllows(level, ServiceControlPolicy)
			if deny.Explicit {
				return deny
			}
			levelsAllow = levelsAllow && allow
		}
	}
	resource := p.Resource.find(req, resourceKind)
	if resource.denied {
		return resource.decision(resourceKind, "", p.Resource)
	}
	identity := implicit(IdentityPolicy)
	for i := range p.Identity {
		named := &p.Identity[i]
		found := named.Policy.find(req, IdentityPolicy)
		if found.denied {
			return found.decision(IdentityPolicy, named.Name, named.Policy)
		}
		if found.grant != noGrant && !identity.Allowed {
			identity = found.decision(IdentityPolicy, named.Name, named.Policy)
		}
	}
	boundary := p.PermissionsBoundary.find(req, PermissionsBoundary)
	if boundary.denied {
		return boundary.decision(PermissionsBoundary, "", p.PermissionsBoundary)
	}
	sessionAllows, deny := req.anyAllows(p.Session, SessionPolicy)
	if deny.Explicit {
		return deny
	}

	// Nothing denies. What is left has to allow.
	sameAccount := p.ownerOf(req.Resource, caller.AccountID) == caller.AccountID
	if !levelsAllow {
		return implicit(ServiceControlPolicy)
	}
	if resource.grant != noGrant {
		granted := resource.decision(resourceKind, "", p.Resource)
		if !caller.hasAccount() || sameAccount && resource.grant == directGrant {
			return granted
		}
		if sameAccount && resource.grant == issuerGrant && !identity.Allowed {
			identity = granted
		}
	}
	if caller.isRoot() {
		identity = Decision{Allowed: true, Statement: -1}
	}
	resourceMustAllow := p.ResourceMustAllow || resourceKind == TrustPolicy || !sameAccount
	switch {
	case !caller.hasAccount():
		return implicit(resourceKind)
	case !identity.Allowed:
		return identity
	case resourceMustAllow && resource.grant == noGrant:
		return implicit(resourceKind)
	case p.PermissionsBoundary != nil && boundary.grant == noGrant && !caller.isRoot():
		return implicit(PermissionsBoundary)
	case (len(p.Session) > 0 || caller.Type == FederatedUser) && !sessionAllows:
		return implicit(SessionPolicy)
	}
	return identity
}

// ownerOf returns the account that owns a resource. What AWS owns itself, such
// as its managed policies, has "aws" in that place and is everyone's.
func (p *Policies) ownerOf(resource, caller string) string {
	if p.ResourceAccount != "" {
		return p.ResourceAccount
	}
	for range 4 {
		_, resource, _ = strings.Cut(resource, ":")
	}
	if account, _, ok := strings.Cut(resource, ":"); ok && len(account) == 12 && allDigits(account) {
		return account
	}
	return caller
}

// implicit is the denial for lack of an allowing policy of kind k.
func implicit(k Kind) Decision {
	return Decision{Kind: k, Statement: -1}
}

// anyAllows tells whether one of the policies allows, or how one denies.
func (req *Request) anyAllows(policies []*Policy, kind Kind) (allows bool, deny Decision) {
	for _, p := range policies {
		found := p.find(req, kind)
		if found.denied {
			return false, found.decision(kind, "", p)
		}
		allows = allows || found.grant != noGrant
	}
	return allows, Decision{}
}

// found is what one policy says: that a statement denies, or which statement
// names the caller most closely and allows.
type found struct {
	denied    bool
	grant     grant
	statement int
}

func (f found) decision(kind Kind, name string, p *Policy) Decision {
	return Decision{
		Allowed: !f.denied, Explicit: true,
		Kind: kind, Policy: name, Statement: f.statement, Sid: p.Statements[f.statement].Sid,
	}
}

// find looks for the statements that apply to the request.
func (p *Policy) find(req *Request, kind Kind) (best found) {
	if p == nil {
		return best
	}
	for i := range p.Statements {
		s := &p.Statements[i]
		if !s.Deny && best.grant == directGrant {
			continue
		}
		g := s.applies(req, kind)
		switch {
		case g == noGrant:
		case s.Deny:
			return found{denied: true, grant: g, statement: i}
		case g > best.grant:
			best = found{grant: g, statement: i}
		}
	}
	return best
}

// applies tells whether, and how closely, the statement is about the request.
// Where an element is missing that the kind must have, or is there that it must
// not have, an Allow never applies and a Deny does not care.
func (s *Statement) applies(req *Request, kind Kind) grant {
	if s.listed(s.actions, req.Action, true, req.Context) == s.NotAction {
		return noGrant
	}
	ofResource := kind == ResourcePolicy || kind == TrustPolicy
	switch {
	case len(s.resources) > 0:
		if s.listed(s.resources, req.Resource, false, req.Context) == s.NotResource {
			return noGrant
		}
	case !ofResource && !s.Deny:
		return noGrant
	}
	g := directGrant
	switch {
	case ofResource && len(s.Principals) > 0:
		g = s.grantTo(&req.Principal)
	case ofResource != (len(s.Principals) > 0) && !s.Deny:
		g = noGrant
	}
	if g == noGrant {
		return noGrant
	}
	for i := range s.Conditions {
		if !s.Conditions[i].holds(req.Context, s.Deny) {
			return noGrant
		}
	}
	return g
}

// listed tells whether one of the patterns matches. If that hangs on a variable
// without a value, a list of what is meant does not match. A list of exceptions
// does for an Allow, which then excepts the request, and does not for a Deny.
func (s *Statement) listed(patterns []pattern, value string, action bool, ctx *Context) bool {
	unknown := false
	for i := range patterns {
		switch patterns[i].match(value, action, ctx) {
		case yes:
			return true
		case unresolved:
			unknown = true
		}
	}
	return unknown && s.NotResource && !s.Deny
}
