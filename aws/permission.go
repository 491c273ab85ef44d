package aws

import (
	"context"
	"errors"
)

// A Permission is what a call needs before it goes on: that its caller may
// perform an action on a resource.
type Permission struct {
	Action   string // e.g. "s3:PutObject"
	Resource string // an ARN, or "*" for actions without a resource

	// Keys are the condition keys that the service adds to those that every call
	// has, e.g. "s3:x-amz-acl" or "kms:EncryptionContext:aws:cloudtrail:arn". A
	// key without a value is left out.
	Keys map[string][]string

	// Policy is the resource's own policy. Where it is nil, the API's
	// ResourcePolicy is asked.
	Policy *ResourcePolicy
}

// A ResourcePolicy is what a resource says itself about who may use it.
type ResourcePolicy struct {
	// Account owns the resource. When empty, it is the account in the
	// resource's ARN, and the caller's own where that has none. ARNs of S3 have
	// none, so that S3 must set it.
	Account string

	// Document is the policy in JSON, empty if there is none. Then callers of
	// the owner's account need what identity-based policies grant, and nobody
	// else may.
	Document string

	// MustAllow is for KMS keys: even callers of the owner's account need a
	// statement of Document. One that names the account leaves the choice to
	// the account's identity-based policies.
	MustAllow bool

	// Trusted are the unique IDs of the users and roles that Document names by
	// ARN, from when it was set, by ARN. Who was deleted and made again under
	// the same name is not meant by it. It may be nil.
	Trusted map[string]string
}

// Authorize returns an *Error if the call's caller does not have a permission.
// The Mux asks for what an operation's OnResource or Needs say before the
// operation runs; this is for what is known only in its course, such as the
// objects that one call deletes.
func (c *Call) Authorize(ctx context.Context, need Permission) error {
	if c.mux == nil {
		return AccessDenied("The call did not come in by the front.")
	}
	if need.Policy == nil && c.api != nil && c.api.ResourcePolicy != nil && need.Resource != "*" {
		var err error
		if need.Policy, err = c.api.ResourcePolicy(ctx, c, need.Resource); err != nil {
			return err
		}
	}
	err := c.mux.cfg.Authorizer.Authorize(ctx, c, need)
	var denied *Error
	if c.api != nil && c.api.DeniedCode != "" && errors.As(err, &denied) && denied.Code == "AccessDenied" {
		named := *denied
		named.Code = c.api.DeniedCode
		return &named
	}
	return err
}

// authorize asks for all that an operation needs.
func (o *operation) authorize(ctx context.Context, api *API, c *Call, in any) error {
	if o.open {
		return nil
	}
	needs := []Permission{{Resource: "*"}}
	if o.needs != nil {
		var err error
		if needs, err = o.needs(ctx, c, in); err != nil {
			return err
		}
	}
	for _, need := range needs {
		if need.Action == "" {
			need.Action = api.action(o.name)
		}
		if err := c.Authorize(ctx, need); err != nil {
			return err
		}
	}
	return nil
}
