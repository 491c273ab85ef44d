package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/internal/policy"
)

// grantsNothing stands for a policy that is gone where a policy limits.
const grantsNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

// maxParsed bounds the policies that are kept parsed.
const maxParsed = 4096

// Authorize decides whether a call has a permission. It implements
// aws.Authorizer.
//
// In the account that owns the resource, the caller's own policies or the
// resource's must allow; from another account both must, so that a resource
// without a policy is refused there, whoever calls. What an operator may do across
// accounts is up to the operations that offer it. Services and callers without
// credentials have no policies of their own: the resource's decides alone. Nothing
// gets past a policy that denies.
func (s *Store) Authorize(_ context.Context, c *aws.Call, need aws.Permission) error {
	if c.Service == "iam" && withoutMFA(&c.Identity) {
		return &aws.Error{Code: "InvalidClientTokenId", Status: http.StatusForbidden, Message: "The security token included in the request is invalid"}
	}
	s.Used(c)
	req := &policy.Request{Action: need.Action, Resource: need.Resource, Principal: principalOf(&c.Identity)}
	policies, tags, err := s.policiesOf(&c.Identity)
	if err != nil {
		return whileGone(err)
	}
	policies.ResourceAccount = accountOf(need.Resource)
	evaluated := *req
	if need.Policy != nil {
		if err := s.addResourcePolicy(policies, need.Policy); err != nil {
			return fmt.Errorf("policy of %s: %w", need.Resource, err)
		}
		evaluated.Principal = asMeant(need.Policy.Trusted, req.Principal, &c.Identity)
	}
	// Only policies look at the context, and a root user mostly has none.
	if len(policies.Identity)+len(policies.Session) > 0 || policies.Resource != nil {
		evaluated.Context = s.contextOf(c, &req.Principal, tags, need.Resource)
		setText(evaluated.Context, "aws:ResourceAccount", policies.ResourceAccount)
		if c.Service == "s3" {
			setText(evaluated.Context, "s3:ResourceAccount", policies.ResourceAccount)
		}
		for name, values := range need.Keys {
			evaluated.Context.Set(name, values...)
		}
	}
	return decided(policy.Evaluate(&evaluated, policies), req)
}

// addResourcePolicy adds what a resource says itself.
func (s *Store) addResourcePolicy(p *policy.Policies, of *aws.ResourcePolicy) (err error) {
	if of.Account != "" {
		p.ResourceAccount = of.Account
	}
	p.ResourceMustAllow = of.MustAllow
	if of.Document != "" {
		p.Resource, err = s.parse(of.Document)
	}
	return err
}

// withoutMFA reports whether a caller has credentials of GetFederationToken, or of
// GetSessionToken without MFA. IAM takes neither, whatever the policies say.
func withoutMFA(id *aws.Identity) bool {
	if id.Session == nil {
		return false
	}
	switch id.Type {
	case "FederatedUser":
		return true
	case "Root", "IAMUser":
		return !id.Session.MFA
	}
	return false
}

// AuthorizeTrust decides whether a call may perform an action, sts:AssumeRole or
// one that goes with it, on a role, whose trust policy has its say. The role may
// be nil: then it is refused as one that does not trust the caller. More condition
// keys can be given.
func (s *Store) AuthorizeTrust(_ context.Context, c *aws.Call, action, roleARN string, role *Role, keys map[string][]string) error {
	s.Used(c)
	req := &policy.Request{Action: action, Resource: roleARN, Principal: principalOf(&c.Identity)}
	policies, tags, err := s.policiesOf(&c.Identity)
	if err != nil {
		return whileGone(err)
	}
	policies.ResourceAccount = accountOf(roleARN)
	if role != nil {
		if policies.Resource, err = s.parse(role.Trust); err != nil {
			return fmt.Errorf("trust policy of %s: %w", roleARN, err)
		}
	}
	req.Context = s.contextOf(c, &req.Principal, tags, roleARN)
	for name, values := range keys {
		req.Context.Set(name, values...)
	}
	evaluated := *req
	if role != nil {
		evaluated.Principal = asMeant(role.Trusted, req.Principal, &c.Identity)
	}
	return decided(policy.EvaluateTrust(&evaluated, policies), req)
}

// whileGone is the error of a call whose caller's policies cannot be had. A user or
// role that was deleted after its signature was checked is refused as one that was
// deleted before.
func whileGone(err error) error {
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return aws.ErrUnknownKey
	}
	return fmt.Errorf("find the caller's policies: %w", err)
}

func decided(d policy.Decision, req *policy.Request) error {
	if d.Allowed {
		return nil
	}
	return aws.AccessDenied(d.Message(req))
}

// Document returns the default version of a managed policy, of AWS or of the
// account. The error is a *NotFoundError if there is none with that ARN.
func (s *Store) Document(account, policyARN string) (string, error) {
	if p := AWSPolicy(policyARN); p != nil {
		return p.Version(p.Default).Document, nil
	}
	p, err := s.PolicyByARN(account, policyARN)
	if err != nil {
		return "", err
	}
	v := p.Version(p.Default)
	if v == nil {
		return "", fmt.Errorf("policy %s has no version %s", policyARN, p.Default)
	}
	return v.Document, nil
}

// PolicyByARN returns an account's own managed policy.
func (s *Store) PolicyByARN(account, policyARN string) (*Policy, error) {
	name := lastName(policyARN)
	p, err := s.Policies.Get(account, name)
	if err == nil && p.ARN(account) != policyARN {
		err = &NotFoundError{"policy", policyARN}
	}
	return p, err
}

// policiesOf gathers what is attached to a caller, and the caller's tags.
func (s *Store) policiesOf(id *aws.Identity) (*policy.Policies, map[string]string, error) {
	p := &policy.Policies{}
	var tags map[string]string
	boundary := ""
	account, entityID := id.AccountID, id.PrincipalID
	if id.Type == "FederatedUser" && id.Session != nil {
		entityID = id.Session.Issuer.PrincipalID
	}
	switch {
	case entityID == account: // the root user, or whom it vouches for
	case id.Type == "IAMUser" || id.Type == "FederatedUser":
		u, err := s.Users.ByID(account, entityID)
		if err != nil {
			return nil, nil, err
		}
		tags, boundary = u.Tags, u.Boundary
		if err := s.grant(p, account, &u.Grants); err != nil {
			return nil, nil, err
		}
		for _, groupID := range u.Groups {
			g, err := s.Groups.ByID(account, groupID)
			var missing *NotFoundError
			if errors.As(err, &missing) {
				continue // the user left it, and it was deleted, since the user was read
			}
			if err != nil {
				return nil, nil, err
			}
			if err := s.grant(p, account, &g.Grants); err != nil {
				return nil, nil, err
			}
		}
	case id.Type == "AssumedRole":
		roleID, _, _ := strings.Cut(entityID, ":")
		r, err := s.Roles.ByID(account, roleID)
		if err != nil {
			return nil, nil, err
		}
		tags, boundary = r.Tags, r.Boundary
		if err := s.grant(p, account, &r.Grants); err != nil {
			return nil, nil, err
		}
	}
	if boundary != "" {
		document, err := s.limit(account, boundary)
		if err != nil {
			return nil, nil, err
		}
		p.PermissionsBoundary = document
	}
	if id.Session != nil {
		for _, document := range id.Session.Policies {
			parsed, err := s.parse(document)
			if err != nil {
				return nil, nil, err
			}
			p.Session = append(p.Session, parsed)
		}
		if len(id.Session.Tags) > 0 {
			all := maps.Clone(id.Session.Tags)
			for name, value := range tags {
				if _, ok := TagKey(id.Session.Tags, name); !ok {
					all[name] = value
				}
			}
			tags = all
		}
	}
	return p, tags, nil
}

// TagKey returns how a tag's key is spelled among others. The case of letters does
// not matter, by Unicode's folding or as condition keys are compared: the two
// differ for a few letters, such as the dotted capital I.
func TagKey(tags map[string]string, name string) (string, bool) {
	lower := strings.ToLower(name)
	for key := range tags {
		if strings.EqualFold(key, name) || strings.ToLower(key) == lower {
			return key, true
		}
	}
	return "", false
}

// grant adds the policies of a user, group or role. An attached policy that is
// gone grants nothing.
func (s *Store) grant(p *policy.Policies, account string, g *Grants) error {
	for name, document := range g.Inline {
		parsed, err := s.parse(document)
		if err != nil {
			return fmt.Errorf("inline policy %s: %w", name, err)
		}
		p.Identity = append(p.Identity, policy.Named{Name: name, Policy: parsed})
	}
	for _, arn := range g.Attached {
		document, err := s.Document(account, arn)
		var missing *NotFoundError
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return err
		}
		parsed, err := s.parse(document)
		if err != nil {
			return fmt.Errorf("policy %s: %w", arn, err)
		}
		p.Identity = append(p.Identity, policy.Named{Name: arn, Policy: parsed})
	}
	return nil
}

// limit returns a permissions boundary. One that is gone allows nothing.
func (s *Store) limit(account, arn string) (*policy.Policy, error) {
	document, err := s.Document(account, arn)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		document, err = grantsNothing, nil
	}
	if err != nil {
		return nil, err
	}
	return s.parse(document)
}

// parse returns a document in the form in which it is evaluated.
func (s *Store) parse(document string) (*policy.Policy, error) {
	s.parsing.Lock()
	p := s.parsed[document]
	s.parsing.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := policy.Parse([]byte(document))
	if err != nil {
		return nil, err
	}
	s.parsing.Lock()
	defer s.parsing.Unlock()
	if len(s.parsed) >= maxParsed {
		clear(s.parsed)
	}
	s.parsed[document] = p
	return p, nil
}

func principalOf(id *aws.Identity) policy.Principal {
	p := policy.Principal{ARN: id.ARN, AccountID: id.AccountID, ID: id.PrincipalID}
	switch id.Type {
	case "Root":
		p.Type = policy.Root
	case "IAMUser":
		p.Type = policy.User
	case "AssumedRole":
		p.Type = policy.AssumedRole
	case "FederatedUser":
		p.Type = policy.FederatedUser
	case "AWSService":
		p.Type, p.Service = policy.AWSService, id.InvokedBy
	case "AWSAccount": // a caller without credentials
		p.AccountID = ""
	}
	if id.Session != nil && id.Session.Issuer != nil {
		p.IssuerARN = id.Session.Issuer.ARN
	}
	return p
}

// contextOf sets the condition keys of a call.
func (s *Store) contextOf(c *aws.Call, p *policy.Principal, tags map[string]string, resource string) *policy.Context {
	ctx := &policy.Context{}
	ctx.SetPrincipal(p)
	for name, value := range tags {
		ctx.Set("aws:PrincipalTag/"+name, value)
	}
	setRoute(ctx, c, p)
	ctx.Set("aws:CurrentTime", c.Time.UTC().Format(time.RFC3339))
	ctx.Set("aws:EpochTime", strconv.FormatInt(c.Time.Unix(), 10))
	ctx.Set("aws:RequestedRegion", c.Region)
	setText(ctx, "aws:UserAgent", c.UserAgent)
	setText(ctx, "aws:Referer", c.Header.Get("Referer"))
	if session := c.Identity.Session; session != nil {
		ctx.Set("aws:MultiFactorAuthPresent", strconv.FormatBool(session.MFA))
		ctx.Set("aws:TokenIssueTime", session.Created.UTC().Format(time.RFC3339))
		setText(ctx, "aws:SourceIdentity", session.SourceIdentity)
	}
	setRequestTags(ctx, c.Input)
	if c.Service == "iam" {
		arn, _ := c.Input["PolicyArn"].(string)
		setText(ctx, "iam:PolicyARN", arn)
		setText(ctx, "iam:PermissionsBoundary", s.boundaryFor(c, resource))
	}
	for name, value := range s.resourceTags(resource) {
		ctx.Set("aws:ResourceTag/"+name, value)
		ctx.Set("iam:ResourceTag/"+name, value)
	}
	return ctx
}

// setRoute sets the keys about the way that a call took: from an address, or
// within the process, which no wire leads out of.
func setRoute(ctx *policy.Context, c *aws.Call, p *policy.Principal) {
	within := c.Via != "" || c.Identity.Type == "AWSService"
	if c.SourceIP.IsValid() && !within {
		ctx.Set("aws:SourceIp", c.SourceIP.String())
	}
	ctx.Set("aws:SecureTransport", strconv.FormatBool(c.TLS != nil || within))
	ctx.Set("aws:ViaAWSService", strconv.FormatBool(c.Via != ""))
	if c.Via != "" {
		ctx.Set("aws:CalledVia", c.Via)
		ctx.Set("aws:CalledViaFirst", c.Via)
		ctx.Set("aws:CalledViaLast", c.Via)
	}
	setText(ctx, "aws:SourceArn", c.Identity.SourceARN)
	setText(ctx, "aws:SourceAccount", c.Identity.SourceAccount)
	switch c.Service {
	case "sns":
		// The default policy of topics asks for it. CloudTrail does not set it, so
		// that its deliveries need a statement of their own.
		setText(ctx, "aws:SourceOwner", p.AccountID)
	case "kms":
		// A service has no account: were it set to that of the resource, whatever
		// lets in everyone of an account would let in every service, too.
		setText(ctx, "kms:CallerAccount", p.AccountID)
		if service, ok := strings.CutSuffix(c.Via, ".amazonaws.com"); ok {
			ctx.Set("kms:ViaService", service+"."+c.Region+".amazonaws.com")
		}
	}
}

func setText(ctx *policy.Context, name, value string) {
	if value != "" {
		ctx.Set(name, value)
	}
}

// setRequestTags sets the keys about the tags that a request gives or names.
func setRequestTags(ctx *policy.Context, input map[string]any) {
	var names []string
	tags, _ := input["Tags"].([]any)
	for _, e := range tags {
		tag, _ := e.(map[string]any)
		name, _ := tag["Key"].(string)
		value, _ := tag["Value"].(string)
		if name != "" {
			names = append(names, name)
			ctx.Set("aws:RequestTag/"+name, value)
		}
	}
	untagged, _ := input["TagKeys"].([]any)
	for _, e := range untagged {
		if name, ok := e.(string); ok {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		ctx.Set("aws:TagKeys", names...)
	}
}

// boundaryFor returns the permissions boundary that a call to IAM is about: the one
// that it sets, or, where it changes the permissions of a user or role that there
// is, the one attached to it. Other calls have none, as AWS's do.
func (s *Store) boundaryFor(c *aws.Call, resource string) string {
	switch c.Operation {
	case "CreateUser", "CreateRole", "PutUserPermissionsBoundary", "PutRolePermissionsBoundary":
		boundary, _ := c.Input["PermissionsBoundary"].(string)
		return boundary
	case "AttachUserPolicy", "DetachUserPolicy", "PutUserPolicy", "DeleteUserPolicy", "DeleteUserPermissionsBoundary":
		if u, err := s.Users.Get(accountOf(resource), lastName(resource)); err == nil {
			return u.Boundary
		}
	case "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "DeleteRolePermissionsBoundary":
		if r, err := s.Roles.Get(accountOf(resource), lastName(resource)); err == nil {
			return r.Boundary
		}
	}
	return ""
}

func lastName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// resourceTags returns the tags of a user, role or policy.
func (s *Store) resourceTags(resource string) map[string]string {
	a, err := cairn.ParseARN(resource)
	if err != nil || a.Service != "iam" || !isAccountID(a.AccountID) {
		return nil
	}
	kind, _, _ := strings.Cut(a.Resource, "/")
	name := lastName(a.Resource)
	switch kind {
	case "user":
		if u, err := s.Users.Get(a.AccountID, name); err == nil {
			return u.Tags
		}
	case "role":
		if r, err := s.Roles.Get(a.AccountID, name); err == nil {
			return r.Tags
		}
	case "policy":
		if p, err := s.Policies.Get(a.AccountID, name); err == nil {
			return p.Tags
		}
	}
	return nil
}

// accountOf returns the account in an ARN, or "" where there is none. AWS's own
// managed policies are everybody's.
func accountOf(resource string) string {
	a, err := cairn.ParseARN(resource)
	if err != nil || a.AccountID == "aws" {
		return ""
	}
	return a.AccountID
}
