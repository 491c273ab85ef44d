package identity

import (
	"errors"
	"strings"

	"cairn"
	"cairn/aws"
	"cairn/internal/policy"
)

// TrustedIDs returns the unique IDs of the users and roles that the policy of a
// role or another resource names by ARN. The role or resource keeps them beside
// the policy, so that who is deleted and made again under the same name is not
// trusted for it. One that does not exist is a *NotFoundError of the kind
// "principal", in the resource's own account and in all others that Cairn knows.
// Nobody can be asked for those of other accounts: they are left out.
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
			case errors.As(err, &missing) && (a.AccountID == account || s.knows(a.AccountID)):
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

// knows reports whether an account's users and roles are here.
func (s *Store) knows(account string) bool {
	_, err := s.Account(account)
	return err == nil
}

// idOf returns the unique ID of the user or role with an ARN.
func (s *Store) idOf(a cairn.ARN) (string, error) {
	kind, _, _ := strings.Cut(a.Resource, "/")
	name := lastName(a.Resource)
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

// asMeant is a caller as the policy of a role or resource sees it: without the
// ARNs that meant someone else when the policy was set.
func asMeant(trusted map[string]string, p policy.Principal, id *aws.Identity) policy.Principal {
	if meant, ok := trusted[p.ARN]; ok && meant != p.ID {
		p.ARN = ""
	}
	if meant, ok := trusted[p.IssuerARN]; ok && meant != id.Session.Issuer.PrincipalID {
		p.IssuerARN = ""
	}
	return p
}
