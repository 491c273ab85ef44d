package record

import (
	"maps"
	"slices"

	"cairn/aws"
)

// appendIdentity appends the userIdentity element. Members without a value are left
// out, as CloudTrail does: a root user has no userName, a service no ARN.
func appendIdentity(b []byte, id *aws.Identity) []byte {
	o := identityWriter{b: append(b, '{')}
	o.text("type", id.Type)
	o.text("principalId", id.PrincipalID)
	o.text("arn", id.ARN)
	o.text("accountId", id.AccountID)
	o.text("accessKeyId", id.AccessKeyID)
	o.text("userName", id.UserName)
	if id.Session != nil {
		o.session(id.Session)
	}
	o.text("identityProvider", id.IdentityProvider)
	o.text("invokedBy", id.InvokedBy)
	return append(o.b, '}')
}

// identityWriter writes the members of an object.
type identityWriter struct {
	b     []byte
	begun bool
}

func (o *identityWriter) name(name string) {
	if o.begun {
		o.b = append(o.b, ',')
	}
	o.begun = true
	o.b = append(append(append(o.b, '"'), name...), `":`...)
}

func (o *identityWriter) text(name, value string) {
	if value != "" {
		o.name(name)
		o.b = appendIndexed(o.b, value, maxIdentityBytes)
	}
}

func (o *identityWriter) open(name string) {
	o.name(name)
	o.b, o.begun = append(o.b, '{'), false
}

func (o *identityWriter) close() { o.b, o.begun = append(o.b, '}'), true }

// session writes the sessionContext. Records before version 1.09 had an empty
// sessionIssuer for sessions of users, and an empty webIdFederationData for all;
// later ones leave them out.
func (o *identityWriter) session(s *aws.Session) {
	o.open("sessionContext")
	if i := s.Issuer; i != nil {
		o.open("sessionIssuer")
		o.text("type", i.Type)
		o.text("principalId", i.PrincipalID)
		o.text("arn", i.ARN)
		o.text("accountId", i.AccountID)
		o.text("userName", i.UserName)
		o.close()
	}
	if w := s.WebIdentity; w != nil {
		o.open("webIdFederationData")
		o.text("federatedProvider", w.Provider)
		o.open("attributes")
		for _, name := range slices.Sorted(maps.Keys(w.Attributes)) {
			o.text(name, w.Attributes[name])
		}
		o.close()
		o.close()
	}
	// Of a session whose beginning was not seen, nothing more is known.
	if !s.Created.IsZero() {
		o.open("attributes")
		o.name("creationDate")
		o.b = append(appendTime(append(o.b, '"'), s.Created), '"')
		o.name("mfaAuthenticated")
		o.b = append(appendBool(append(o.b, '"'), s.MFA), '"')
		o.close()
	}
	o.text("sourceIdentity", s.SourceIdentity)
	if s.AssumedRoot {
		o.text("assumedRoot", "true")
	}
	o.close()
}
