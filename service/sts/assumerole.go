package sts

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

// maxSessionTags and maxSessionPolicies bound what a session is made with.
const (
	maxSessionTags     = 50
	maxSessionPolicies = 10
)

func (s *Service) assumeRole(ctx context.Context, c *aws.Call, in *AssumeRoleInput) (*AssumeRoleOutput, error) {
	a, err := cairn.ParseARN(in.RoleArn)
	if err != nil || a.Service != "iam" || len(a.AccountID) != 12 || !strings.HasPrefix(a.Resource, "role/") {
		return nil, errValidation("%s is invalid", in.RoleArn)
	}
	if len(in.ProvidedContexts) > 0 {
		return nil, errValidation("ProvidedContexts: there are no trusted providers of context here.")
	}
	caller, err := s.Store.SessionOf(c)
	if err != nil {
		return nil, err
	}
	session := identity.Session{Type: "AssumedRole", Account: a.AccountID, Name: in.RoleSessionName, SourceIdentity: in.SourceIdentity}
	if err := inherit(&session, caller, in); err != nil {
		return nil, err
	}
	role, err := s.role(a)
	if err != nil {
		return nil, err
	}
	if err := s.mayAssume(ctx, c, in, role, &session); err != nil {
		return nil, err
	}
	session.EntityID = role.ID
	// The credentials are not made before everything that is asked for is known
	// to be possible.
	if err := s.limit(&session, a.AccountID, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	packed, err := packedPercent(&session)
	if err != nil {
		return nil, err
	}
	length, err := roleLength(in.DurationSeconds, role, c.Identity.Type == "AssumedRole")
	if err != nil {
		return nil, err
	}
	if in.SerialNumber != "" || in.TokenCode != "" {
		return nil, errNoMFA()
	}
	creds, err := s.Store.StartSession(session, length, tokenSize(in.MinimumSessionTokenSize))
	if err != nil {
		return nil, err
	}
	size, percent := tokenUse(creds)
	c.SharedWith = a.AccountID
	return &AssumeRoleOutput{
		Credentials: describe(creds),
		AssumedRoleUser: AssumedRoleUser{
			AssumedRoleId: role.ID + ":" + in.RoleSessionName,
			Arn:           "arn:aws:sts::" + a.AccountID + ":assumed-role/" + role.Name + "/" + in.RoleSessionName,
		},
		PackedPolicySize: packed, SourceIdentity: session.SourceIdentity,
		SessionTokenSize: size, SessionTokenUtilization: percent,
	}, nil
}

// role returns the role with an ARN, or nil if there is none: whether it exists
// is nothing that whoever may not assume it is told.
func (s *Service) role(a cairn.ARN) (*identity.Role, error) {
	name := a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	r, err := s.Store.Roles.Get(a.AccountID, name)
	if isMissing(err) || err == nil && r.ARN(a.AccountID) != a.String() {
		return nil, nil
	}
	return r, err
}

// mayAssume lets the policies of the caller and the role decide. Tags and a
// source identity need permissions of their own.
func (s *Service) mayAssume(ctx context.Context, c *aws.Call, in *AssumeRoleInput, role *identity.Role, session *identity.Session) error {
	// In development mode everybody is a root user.
	if isRoot(&c.Identity) && !s.Store.Dev() {
		return errRootAssumesRole()
	}
	keys := map[string][]string{"sts:RoleSessionName": {in.RoleSessionName}}
	if in.ExternalId != "" {
		keys["sts:ExternalId"] = []string{in.ExternalId}
	}
	if session.SourceIdentity != "" {
		keys["sts:SourceIdentity"] = []string{session.SourceIdentity}
	}
	if len(in.TransitiveTagKeys) > 0 {
		keys["sts:TransitiveTagKeys"] = in.TransitiveTagKeys
	}
	if len(session.Tags) > 0 {
		for name, value := range session.Tags {
			keys["aws:RequestTag/"+name] = []string{value}
		}
		keys["aws:TagKeys"] = slices.Sorted(maps.Keys(session.Tags))
	}
	actions := []string{"sts:AssumeRole"}
	if len(session.Tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if session.SourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	for _, action := range actions {
		if err := s.Store.AuthorizeTrust(ctx, c, action, in.RoleArn, role, keys); err != nil {
			return err
		}
	}
	if role == nil {
		return aws.AccessDenied("User: " + c.Identity.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + in.RoleArn)
	}
	return nil
}

// isRoot reports whether a caller is a root user, or a federated user that one
// vouches for.
func isRoot(id *aws.Identity) bool {
	if id.Type == "FederatedUser" && id.Session != nil && id.Session.Issuer != nil {
		return id.Session.Issuer.Type == "Root"
	}
	return id.Type == "Root"
}

// inherit gives a session its tags and source identity: those that are asked
// for, and those that the caller's own session hands on. The case of letters in
// a tag's key does not matter.
func inherit(session, caller *identity.Session, in *AssumeRoleInput) error {
	tags, err := sessionTags(in.Tags)
	if err != nil {
		return err
	}
	session.Tags = tags
	for _, name := range in.TransitiveTagKeys {
		key, ok := identity.TagKey(tags, name)
		if !ok {
			return errValidation("The transitive tag key %s is not one of the session's tags.", name)
		}
		if !slices.Contains(session.Transitive, key) {
			session.Transitive = append(session.Transitive, key)
		}
	}
	if caller == nil {
		return nil
	}
	for _, name := range caller.Transitive {
		if _, ok := identity.TagKey(session.Tags, name); ok {
			return errValidation("The tag %s is inherited from the caller's session, and cannot be set again.", name)
		}
		if session.Tags == nil {
			session.Tags = make(map[string]string)
		}
		session.Tags[name] = caller.Tags[name]
		session.Transitive = append(session.Transitive, name)
	}
	if len(session.Tags) > maxSessionTags {
		return errTooManyTags()
	}
	if caller.SourceIdentity != "" {
		if in.SourceIdentity != "" && in.SourceIdentity != caller.SourceIdentity {
			return aws.AccessDenied("The source identity of the caller's session cannot be changed.")
		}
		session.SourceIdentity = caller.SourceIdentity
	}
	return nil
}

// limit gives a session its session policies, and refuses malformed ones and
// those that do not exist.
func (s *Service) limit(session *identity.Session, account, document string, arns []PolicyDescriptorType) error {
	if document != "" {
		p, err := policy.Parse([]byte(document))
		if err == nil {
			err = p.Validate(policy.SessionPolicy)
		}
		if err != nil {
			return errMalformedPolicy(err)
		}
		if policy.Size([]byte(document)) > policy.MaxSessionSize {
			return errValidation("1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to %d", policy.MaxSessionSize)
		}
		session.Policy = document
	}
	if len(arns) > maxSessionPolicies {
		return errValidation("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxSessionPolicies)
	}
	for _, d := range arns {
		if _, err := s.Store.Document(account, d.Arn); isMissing(err) {
			return errNoPolicy(d.Arn)
		} else if err != nil {
			return err
		}
		session.PolicyARNs = append(session.PolicyARNs, d.Arn)
	}
	return nil
}

// packedPercent returns how much of the space for policies and tags a session
// takes, nil if it has none.
func packedPercent(session *identity.Session) (*int32, error) {
	size := session.PackedSize()
	if size == 0 {
		return nil, nil
	}
	percent := int32((size*100 + identity.MaxPackedSize - 1) / identity.MaxPackedSize)
	if percent > 100 {
		return nil, errPackedTooLarge(int(percent))
	}
	return &percent, nil
}

func sessionTags(tags []Tag) (map[string]string, error) {
	if len(tags) > maxSessionTags {
		return nil, errTooManyTags()
	}
	var all map[string]string
	for _, t := range tags {
		if _, ok := identity.TagKey(all, t.Key); ok {
			return nil, errValidation("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, errValidation("Tag keys must not begin with aws:, which is for AWS itself.")
		}
		if all == nil {
			all = make(map[string]string)
		}
		all[t.Key] = *t.Value
	}
	return all, nil
}

// roleLength is how long a role session holds: what is asked for, within what
// the role allows, and an hour at most if it is made from another role session.
func roleLength(seconds *int32, role *identity.Role, chained bool) (time.Duration, error) {
	length := defaultRoleToken
	if seconds != nil {
		length = time.Duration(*seconds) * time.Second
	}
	switch {
	case chained && length > maxChained:
		return 0, errValidation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case length > role.MaxSession:
		return 0, errValidation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return length, nil
}
