package policy

import (
	"strconv"
	"strings"
)

// Reason says in one line what decided, for logs and for whoever writes the
// policies.
func (d Decision) Reason() string {
	switch {
	case d.Allowed && d.Kind == NoPolicy:
		return "allowed: the root user needs no policy"
	case !d.Explicit:
		return "denied: no " + d.Kind.String() + " allows it"
	}
	s := "denied by statement "
	if d.Allowed {
		s = "allowed by statement "
	}
	s += strconv.Itoa(d.Statement)
	if d.Sid != "" {
		s += " (" + d.Sid + ")"
	}
	s += " of the " + d.Kind.String()
	if d.Policy != "" {
		s += " " + d.Policy
	}
	return s
}

// Message returns the text of the AccessDenied error, in the form that AWS
// gives it and its clients know. It does not name the policy: whoever is denied
// may not be allowed to know of it.
func (d Decision) Message(req *Request) string {
	if d.Allowed {
		return ""
	}
	s := "User: " + req.Principal.name() + " is not authorized to perform: " + req.Action
	switch {
	case req.Resource == "" || req.Resource == "*":
	case strings.HasPrefix(req.Action, "s3:"):
		s += ` on resource: "` + req.Resource + `"` // S3 alone quotes it
	default:
		s += " on resource: " + req.Resource
	}
	switch {
	case !d.Explicit:
		return s + " because no " + d.Kind.String() + " allows the " + req.Action + " action"
	case d.Kind == TrustPolicy:
		return s + " with an explicit deny in the role trust policy"
	case d.Kind == IdentityPolicy:
		return s + " with an explicit deny in an identity-based policy"
	}
	return s + " with an explicit deny in a " + d.Kind.String()
}

// name is what a message calls the caller.
func (p *Principal) name() string {
	switch {
	case p.ARN != "":
		return p.ARN
	case p.Type == AWSService:
		return p.Service
	case p.Type == WebOrSAML:
		return p.Provider
	}
	return "anonymous"
}
