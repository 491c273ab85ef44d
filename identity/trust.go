package identity

import (
	"errors"
	"strings"

	"cairn"
	"cairn/aws"
	"cairn/internal/policy"
)

// TrustedIDs returns the unique IDs of the users and roles that a trust policy
// names by ARN. A role keeps them beside the policy, so that who is deleted and
// made again under the same name is not trusted for it. One that does not exist
// in the role's own account is a *NotFoundError of the kind "principal"; of other
// accounts nothing is told.
func (s *Store) TrustedIDs(account, document string) (map[string]string, error) {
	p, err := s.parse(document)
	if err != nil {
		return nil, err
	}
	var ids map[string]string
	for i := range p.Statements {
		for _, principal := range p.Statements[i].Principals {
			a, err := cairn.ParseARN(principal.Name)
			if err != nil || principal.Type != "AWS" || a.Service != "iam" || a.Resource == "root" {
				continue
			}
			id, err := s.idOf(a)
			var missing *NotFoundError
			switch {
			case errors.As(err, &missing) && a.AccountID == account:
				return nil, &NotFoundError{"principal", principal.Name}
			case errors.As(err, &missing):
				continue
			case err != nil:
				return nil, err
			}
			if ids == nil {
				ids = make(map[string]string)
			}
			ids[principal.Name] = id
		}
	}
	return ids, nil
}

// idOf returns the unique ID of the user or role with an ARN.
func (s *Store) idOf(a cairn.ARN) (string, error) {
	kind, _, _ := strings.Cut(a.Resource, "/")
	name := a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	var id, found string
	switch kind {
	case "user":
		u, err := s.Users.Get(a.AccountID, name)
		if err != nil {
			return "", err
		}
		id, found = u.ID, u.ARN(a.AccountID)
	case "role":
		r, err := s.Roles.Get(a.AccountID, name)
		if err != nil {
			return "", err
		}
		id, found = r.ID, r.ARN(a.AccountID)
	}
	if found != a.String() {
		return "", &NotFoundError{"principal", a.String()}
	}
	return id, nil
}

// asTrusted is a caller as a role's trust policy sees it: without the ARNs that
// meant someone else when the policy was set.
func (r *Role) asTrusted(p policy.Principal, id *aws.Identity) policy.Principal {
	if trusted, ok := r.Trusted[p.ARN]; ok && trusted != p.ID {
		p.ARN = ""
	}
	if trusted, ok := r.Trusted[p.IssuerARN]; ok && trusted != id.Session.Issuer.PrincipalID {
		p.IssuerARN = ""
	}
	return p
}
