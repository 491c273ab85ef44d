package policy

import (
	"errors"
	"fmt"
	"strings"
)

// A PrincipalType says what sort of caller a principal is.
type PrincipalType uint8

// The types of callers.
const (
	Anonymous     PrincipalType = iota // no credentials
	Root                               // the root user of an account
	User                               // an IAM user, with or without a session token
	AssumedRole                        // a role session
	FederatedUser                      // a session from GetFederationToken
	AWSService                         // a service on its own behalf
	WebOrSAML                          // someone vouched for by an identity provider
)

// A Principal is who makes a request.
type Principal struct {
	Type PrincipalType

	// ARN is the caller's own: of the account's root, the user, or the session
	// (arn:aws:sts::111122223333:assumed-role/admin/kim).
	ARN string

	// AccountID is the caller's account. Services, WebOrSAML and anonymous
	// callers have none.
	AccountID string

	// IssuerARN is, for a session, the ARN of the role that was assumed, with
	// its path, or of the user who asked for the federation token.
	IssuerARN string

	// ID is the unique ID, such as "AIDAEXAMPLE", or "AROAEXAMPLE:kim" for a role
	// session. Policies that had a user or role replaced by its ID match by it.
	ID string

	// CanonicalUser is the canonical user ID of the account, where known.
	CanonicalUser string

	Service  string // of an AWSService, e.g. "cloudtrail.amazonaws.com"
	Provider string // of a WebOrSAML caller, as trust policies name it
}

// isRoot tells whether the caller has, or inherits, a root user's permissions.
func (p *Principal) isRoot() bool {
	return p.Type == Root || p.Type == FederatedUser && strings.HasSuffix(p.IssuerARN, ":root")
}

// hasAccount tells whether the caller has an account whose policies count.
func (p *Principal) hasAccount() bool {
	switch p.Type {
	case Root, User, AssumedRole, FederatedUser:
		return true
	}
	return false
}

// A PrincipalName is one entry of a Principal or NotPrincipal element.
type PrincipalName struct {
	Type string // AWS, Service, Federated or CanonicalUser
	Name string // as written

	form    nameForm
	account string // of an account's name
}

type nameForm uint8

const (
	nameEveryone nameForm = iota
	nameAccount
	nameARN
	nameID
	nameService
	nameAnyService
	nameFederated
	nameCanonicalUser
)

// parsePrincipalName checks an entry. Wildcards never stand for a part of one.
func parsePrincipalName(kind, name string) (PrincipalName, error) {
	n := PrincipalName{Type: kind, Name: name}
	switch {
	case kind == "AWS" && name == "*":
		n.form = nameEveryone
		return n, nil
	case kind == "Service" && name == "*":
		n.form = nameAnyService
		return n, nil
	case name == "":
		return n, errors.New("principal is empty")
	case strings.ContainsAny(name, "*?"):
		return n, fmt.Errorf("principal %q: a wildcard cannot stand for part of a principal", name)
	}
	switch kind {
	case "Service":
		n.form = nameService
		if !strings.Contains(name, ".") || !isWord(name, ".-_") {
			return n, fmt.Errorf("principal %q is not a service such as \"cloudtrail.amazonaws.com\"", name)
		}
	case "Federated":
		n.form = nameFederated
	case "CanonicalUser":
		n.form = nameCanonicalUser
	default:
		return parseAWSName(n)
	}
	return n, nil
}

// parseAWSName reads an account number, an ARN of IAM or STS, or a unique ID.
func parseAWSName(n PrincipalName) (PrincipalName, error) {
	parts := strings.SplitN(n.Name, ":", 6)
	switch {
	case len(n.Name) == 12 && allDigits(n.Name):
		n.form, n.account = nameAccount, n.Name
	case len(parts) == 6 && parts[0] == "arn" && (parts[2] == "iam" || parts[2] == "sts") && parts[4] != "" && parts[5] != "":
		n.form = nameARN
		if parts[2] == "iam" && parts[5] == "root" {
			n.form, n.account = nameAccount, parts[4]
		}
	case len(n.Name) >= 16 && len(n.Name) <= 128 && isWord(n.Name, "") && strings.ToUpper(n.Name) == n.Name:
		n.form = nameID
	default:
		return n, fmt.Errorf("principal %q is not an account, an ARN of IAM or STS, or \"*\"", n.Name)
	}
	return n, nil
}

// A grant says how closely a statement names the caller. It decides which other
// policies limit what the statement allows.
type grant uint8

const (
	noGrant      grant = iota
	accountGrant       // by account, which leaves the choice to the account
	issuerGrant        // by the role or user behind the session
	directGrant        // the caller itself, or everyone
)

// grantTo returns how closely the entry names p.
func (n *PrincipalName) grantTo(p *Principal) grant {
	switch n.form {
	case nameEveryone:
		return directGrant
	case nameAccount:
		return p.accountGrant(p.AccountID == n.account)
	case nameCanonicalUser:
		return p.accountGrant(p.CanonicalUser == n.Name)
	case nameARN:
		switch {
		case !p.hasAccount():
		case p.ARN == n.Name:
			return directGrant
		case p.IssuerARN == n.Name:
			return issuerGrant
		}
	case nameID:
		id, _, session := strings.Cut(p.ID, ":")
		switch {
		case !p.hasAccount() || id != n.Name:
		case session:
			return issuerGrant
		default:
			return directGrant
		}
	case nameService:
		return directIf(p.Type == AWSService && p.Service == n.Name)
	case nameAnyService:
		return directIf(p.Type == AWSService)
	case nameFederated:
		return directIf(p.Type == WebOrSAML && p.Provider == n.Name)
	}
	return noGrant
}

// accountGrant is what naming the account means: for its root user that it is
// named itself.
func (p *Principal) accountGrant(named bool) grant {
	switch {
	case !named || !p.hasAccount():
		return noGrant
	case p.Type == Root:
		return directGrant
	}
	return accountGrant
}

func directIf(b bool) grant {
	if b {
		return directGrant
	}
	return noGrant
}

// grantTo returns how closely the statement's Principal or NotPrincipal names p.
func (s *Statement) grantTo(p *Principal) grant {
	best := noGrant
	var named [directGrant + 1]bool
	for i := range s.Principals {
		g := s.Principals[i].grantTo(p)
		best = max(best, g)
		named[g] = true
		if s.Principals[i].form == nameEveryone {
			named = [directGrant + 1]bool{true, true, true, true}
		}
	}
	if !s.NotPrincipal {
		return best
	}
	exempt := best != noGrant
	if s.Deny {
		exempt = named[directGrant]
		if p.hasAccount() && p.Type != Root {
			exempt = exempt && named[accountGrant]
		}
		if p.Type == AssumedRole || p.Type == FederatedUser {
			exempt = exempt && named[issuerGrant]
		}
	}
	return directIf(!exempt)
}
