package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Validate checks what depends on the kind of policy. Policies of a resource
// and of a role's trust must name principals, all others must not. A trust
// policy grants actions of STS and has no Resource; the policy of a resource may
// leave it out, and all others must have it. Errors are [*ParseError]s that point
// to the statement.
func (p *Policy) Validate(kind Kind) error {
	sids := make(map[string]bool, len(p.Statements))
	for i := range p.Statements {
		s := &p.Statements[i]
		reason := s.faultInAny(kind)
		switch {
		case reason != "":
		case s.Sid != "" && sids[s.Sid]:
			reason = fmt.Sprintf("Sid %q stands in another statement already", s.Sid)
		case kind == ResourcePolicy:
		case kind == TrustPolicy:
			reason = s.faultInTrust()
		default:
			reason = s.faultInIdentity()
		}
		if reason != "" {
			return &ParseError{fmt.Sprintf("Statement[%d]", i), s.offset, reason}
		}
		sids[s.Sid] = true
	}
	return nil
}

func (s *Statement) faultInAny(kind Kind) string {
	principal := kind == ResourcePolicy || kind == TrustPolicy
	switch {
	case principal && len(s.Principals) == 0:
		return "a " + kind.String() + " must have a Principal"
	case !principal && len(s.Principals) > 0:
		return elementName("Principal", s.NotPrincipal) + " is for policies of resources and roles only"
	case kind != ResourcePolicy && !isWord(s.Sid, ""):
		return fmt.Sprintf("Sid %q may hold letters and digits only", s.Sid)
	}
	return ""
}

func (s *Statement) faultInTrust() string {
	notSTS := func(action string) bool {
		return len(action) < 4 || !strings.EqualFold(action[:4], "sts:")
	}
	switch {
	case len(s.Resources) > 0:
		return "a role trust policy must have no " + elementName("Resource", s.NotResource)
	case s.NotAction || slices.ContainsFunc(s.Actions, notSTS):
		return "a role trust policy may only name actions of sts"
	case s.NotPrincipal && !s.Deny:
		return "a role trust policy must not allow a NotPrincipal"
	}
	return ""
}

func (s *Statement) faultInIdentity() string {
	if len(s.Resources) == 0 {
		return "Resource is missing"
	}
	for _, r := range s.Resources {
		// A star at the end may stand for the parts that are not written.
		if r != "*" && (!strings.HasPrefix(r, "arn:") || strings.Count(r, ":") < 5 && !strings.HasSuffix(r, "*")) {
			return fmt.Sprintf("resource %q is neither an ARN nor \"*\"", r)
		}
	}
	return ""
}
