package sts

import (
	"context"
	"errors"
	"time"

	"cairn/aws"
	"cairn/identity"
)

const (
	defaultToken     = 12 * time.Hour // of GetSessionToken and GetFederationToken
	maxRootToken     = time.Hour      // of these for the root user
	defaultRoleToken = time.Hour
	maxChained       = time.Hour // of a role that is assumed from a role session
)

func (s *Service) getCallerIdentity(_ context.Context, c *aws.Call, _ *GetCallerIdentityInput) (*GetCallerIdentityOutput, error) {
	s.Store.Used(c)
	return &GetCallerIdentityOutput{UserId: c.Identity.PrincipalID, Account: c.Account(), Arn: c.Identity.ARN}, nil
}

func (s *Service) getSessionToken(_ context.Context, c *aws.Call, in *GetSessionTokenInput) (*GetSessionTokenOutput, error) {
	if c.Identity.Session != nil || !isLongTerm(c) {
		return nil, errSessionCredentials("GetSessionToken")
	}
	if in.SerialNumber != "" || in.TokenCode != "" {
		return nil, errNoMFA()
	}
	s.Store.Used(c)
	session := identity.Session{Type: c.Identity.Type, Account: c.Account(), EntityID: userID(c)}
	creds, err := s.Store.StartSession(session, tokenLength(c, in.DurationSeconds), tokenSize(in.MinimumSessionTokenSize))
	if err != nil {
		return nil, err
	}
	size, percent := tokenUse(creds)
	return &GetSessionTokenOutput{Credentials: describe(creds), SessionTokenSize: size, SessionTokenUtilization: percent}, nil
}

// getAccessKeyInfo answers from the access key ID alone, as AWS does: it says
// which account the ID is of, not whether there is such a key.
func (s *Service) getAccessKeyInfo(_ context.Context, _ *aws.Call, in *GetAccessKeyInfoInput) (*GetAccessKeyInfoOutput, error) {
	account, ok := identity.AccountOfKey(in.AccessKeyId)
	if !ok {
		return nil, errValidation("Invalid Access Key ID: %s", in.AccessKeyId)
	}
	return &GetAccessKeyInfoOutput{Account: account}, nil
}

func (s *Service) getFederationToken(_ context.Context, c *aws.Call, in *GetFederationTokenInput) (*GetFederationTokenOutput, error) {
	if c.Identity.Session != nil || !isLongTerm(c) {
		return nil, errSessionCredentials("GetFederationToken")
	}
	session := identity.Session{Type: "FederatedUser", Account: c.Account(), EntityID: userID(c), Name: in.Name}
	tags, err := sessionTags(in.Tags)
	if err != nil {
		return nil, err
	}
	session.Tags = tags
	if err := s.limit(&session, c.Account(), in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	packed, err := packedPercent(&session)
	if err != nil {
		return nil, err
	}
	creds, err := s.Store.StartSession(session, tokenLength(c, in.DurationSeconds), tokenSize(in.MinimumSessionTokenSize))
	if err != nil {
		return nil, err
	}
	size, percent := tokenUse(creds)
	return &GetFederationTokenOutput{
		Credentials:      describe(creds),
		FederatedUser:    FederatedUser{FederatedUserId: c.Account() + ":" + in.Name, Arn: federatedARN(c.Account(), in.Name)},
		PackedPolicySize: packed, SessionTokenSize: size, SessionTokenUtilization: percent,
	}, nil
}

// isLongTerm reports whether the caller is a user or root user; only they have
// long-term credentials.
func isLongTerm(c *aws.Call) bool { return c.Identity.Type == "IAMUser" || c.Identity.Type == "Root" }

// userID is the caller's unique ID, empty for the root user.
func userID(c *aws.Call) string {
	if c.Identity.Type == "Root" {
		return ""
	}
	return c.Identity.PrincipalID
}

// tokenLength is how long a caller's own token holds. A root user's is cut to
// an hour.
func tokenLength(c *aws.Call, seconds *int32) time.Duration {
	length := defaultToken
	if seconds != nil {
		length = time.Duration(*seconds) * time.Second
	}
	if c.Identity.Type == "Root" {
		length = min(length, maxRootToken)
	}
	return length
}

// tokenSize is how many bytes a session token must have at least.
func tokenSize(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// tokenUse is the size of a session token, and how much that is of the largest.
func tokenUse(c *identity.Credentials) (size, percent *int32) {
	n := int32(len(c.Token))
	part := n * 100 / identity.MaxTokenSize
	return &n, &part
}

func federatedARN(account, name string) string {
	return "arn:aws:sts::" + account + ":federated-user/" + name
}

func describe(c *identity.Credentials) Credentials {
	return Credentials{AccessKeyId: c.AccessKeyID, SecretAccessKey: c.Secret, SessionToken: c.Token, Expiration: c.Expires}
}

// isMissing reports whether an error says that there is no such entity.
func isMissing(err error) bool {
	var missing *identity.NotFoundError
	return errors.As(err, &missing)
}
