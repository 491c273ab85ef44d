package identity

import (
	"context"
	"errors"
	"fmt"

	"cairn/aws"
)

// Credential finds out whose an access key is. It implements aws.Keys: what is
// not known, inactive or deleted is aws.ErrUnknownKey, and a session whose time
// is over aws.ErrExpiredToken.
func (s *Store) Credential(_ context.Context, accessKeyID, sessionToken, _ string) (*aws.Credential, error) {
	cred, err := s.credential(accessKeyID, sessionToken)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		// The user or role is gone.
		return nil, aws.ErrUnknownKey
	}
	var visible *aws.Error
	if err != nil && !errors.As(err, &visible) {
		return nil, fmt.Errorf("find the access key %s: %w", accessKeyID, err)
	}
	return cred, err
}

func (s *Store) credential(accessKeyID, sessionToken string) (*aws.Credential, error) {
	account, ok := AccountOfKey(accessKeyID)
	if !ok {
		return s.unknown(accessKeyID)
	}
	if isTemporary(accessKeyID) {
		session, err := s.openToken(accessKeyID, sessionToken)
		if errors.Is(err, aws.ErrUnknownKey) {
			return s.unknown(accessKeyID)
		}
		if err != nil {
			return nil, err
		}
		id, err := s.sessionIdentity(session)
		if err != nil {
			return nil, err
		}
		return &aws.Credential{Secret: session.Secret, Identity: id}, nil
	}
	k, user, err := s.findKey(account, accessKeyID)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return s.unknown(accessKeyID)
	}
	if err != nil {
		return nil, err
	}
	if k.Inactive || sessionToken != "" {
		return nil, aws.ErrUnknownKey
	}
	secret, err := s.secretOf(account, k)
	if err != nil {
		return nil, err
	}
	id := s.rootIdentity(account)
	if user != nil {
		id = userIdentity(account, user)
	}
	return &aws.Credential{Secret: secret, Identity: id}, nil
}

// unknown is what credentials mean that are not known here.
func (s *Store) unknown(accessKeyID string) (*aws.Credential, error) {
	if !s.dev {
		return nil, aws.ErrUnknownKey
	}
	account := s.defaultAccount
	if isAccountID(accessKeyID) {
		account = accessKeyID
	}
	return &aws.Credential{Identity: s.rootIdentity(account), Unverified: true}, nil
}

func (s *Store) rootIdentity(account string) aws.Identity {
	return aws.Identity{Type: "Root", PrincipalID: account, ARN: rootARN(account), AccountID: account, Operator: s.isOperator(account)}
}

func userIdentity(account string, u *User) aws.Identity {
	return aws.Identity{Type: "IAMUser", PrincipalID: u.ID, ARN: u.ARN(account), AccountID: account, UserName: u.Name}
}

// sessionIdentity returns who acts in a session. Its user or role must still be
// there: the error is a *NotFoundError otherwise.
func (s *Store) sessionIdentity(session *Session) (aws.Identity, error) {
	none := aws.Identity{}
	account := session.Account
	id := s.rootIdentity(account)
	var user *User
	if session.EntityID != "" && session.Type != "AssumedRole" {
		var err error
		if user, err = s.Users.ByID(account, session.EntityID); err != nil {
			return none, err
		}
		id = userIdentity(account, user)
	}
	details := &aws.Session{
		Created: session.Created, Expires: session.Expires, MFA: session.MFA,
		SourceIdentity: session.SourceIdentity, Tags: session.Tags,
	}
	switch session.Type {
	case "Root", "IAMUser":
	case "AssumedRole":
		role, err := s.Roles.ByID(account, session.EntityID)
		if err != nil {
			return none, err
		}
		details.Issuer = &aws.Issuer{Type: "Role", PrincipalID: role.ID, ARN: role.ARN(account), AccountID: account, UserName: role.Name}
		id = aws.Identity{Type: "AssumedRole", PrincipalID: role.ID + ":" + session.Name, AccountID: account,
			ARN: "arn:aws:sts::" + account + ":assumed-role/" + role.Name + "/" + session.Name}
	case "FederatedUser":
		details.Issuer = &aws.Issuer{Type: id.Type, PrincipalID: id.PrincipalID, ARN: id.ARN, AccountID: account, UserName: id.UserName}
		id = aws.Identity{Type: "FederatedUser", PrincipalID: account + ":" + session.Name, AccountID: account,
			ARN: "arn:aws:sts::" + account + ":federated-user/" + session.Name}
	default:
		return none, fmt.Errorf("a session of type %q is not known", session.Type)
	}
	if session.Policy != "" {
		details.Policies = append(details.Policies, session.Policy)
	}
	for _, arn := range session.PolicyARNs {
		document, err := s.Document(account, arn)
		var missing *NotFoundError
		if errors.As(err, &missing) {
			// A session must not gain from the loss of what limits it.
			document, err = grantsNothing, nil
		}
		if err != nil {
			return none, err
		}
		details.Policies = append(details.Policies, document)
	}
	id.Session = details
	return id, nil
}
