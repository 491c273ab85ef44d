package kms

import (
	"context"
	"strconv"

	"cairn"
	"cairn/aws"
	"cairn/internal/policy"
)

const (
	policyName = "default" // of a key's only policy

	// maxPolicyBytes is AWS's limit.
	maxPolicyBytes = 32 << 10
)

// defaultPolicy leaves the choice to the account's identity-based policies.
func defaultPolicy(account, region string) string {
	return "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n" +
		"    \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n" +
		"    \"Principal\" : {\n      \"AWS\" : \"" + rootARN(account, region) + "\"\n    },\n" +
		"    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}"
}

func rootARN(account, region string) string {
	return "arn:" + cairn.PartitionOf(region) + ":iam::" + account + ":root"
}

func (s *Service) getKeyPolicy(ctx context.Context, c *aws.Call, in *GetKeyPolicyInput) (*GetKeyPolicyOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	if in.PolicyName != "" && in.PolicyName != policyName {
		return nil, errNotFound("No such policy exists")
	}
	return &GetKeyPolicyOutput{Policy: k.Policy, PolicyName: policyName}, nil
}

func (s *Service) putKeyPolicy(ctx context.Context, c *aws.Call, in *PutKeyPolicyInput) (*PutKeyPolicyOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{keys: map[string][]string{
		"kms:BypassPolicyLockoutSafetyCheck": {strconv.FormatBool(in.BypassPolicyLockoutSafetyCheck)},
	}})
	if err != nil {
		return nil, err
	}
	if in.PolicyName != "" && in.PolicyName != policyName {
		return nil, errNotFound("No such policy exists")
	}
	return &PutKeyPolicyOutput{}, s.change(k, func(k *key) error {
		return s.setPolicy(ctx, c, k, in.Policy, in.BypassPolicyLockoutSafetyCheck)
	})
}

func (s *Service) listKeyPolicies(ctx context.Context, c *aws.Call, in *ListKeyPoliciesInput) (*ListKeyPoliciesOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	p, err := s.page(c, k.id, in.Marker, in.Limit, 100)
	if err != nil {
		return nil, err
	}
	names, _ := p.texts([]string{policyName})
	return &ListKeyPoliciesOutput{PolicyNames: names}, nil
}

// setPolicy gives a key a policy, which must let the caller, or the key's whole
// account, change it again.
func (s *Service) setPolicy(ctx context.Context, c *aws.Call, k *key, document string, bypass bool) error {
	if len(document) > maxPolicyBytes {
		return errLimit("A key policy has %d bytes at most.", maxPolicyBytes)
	}
	p, err := policy.Parse([]byte(document))
	if err == nil {
		err = p.Validate(policy.ResourcePolicy)
	}
	if err != nil {
		return errMalformedPolicy(err)
	}
	trusted, err := s.Principals.TrustedIDs(k.account, document)
	if err != nil {
		return errMalformedPolicy(err)
	}
	k.Policy, k.Trusted = document, trusted
	if bypass || k.accountMayChange(p) {
		return nil
	}
	if err := c.Authorize(ctx, aws.Permission{Action: "kms:PutKeyPolicy", Resource: k.arn(), Policy: k.resourcePolicy()}); err != nil {
		return errLockout()
	}
	return nil
}

// accountMayChange reports whether a policy leaves it to the key's account who
// changes it.
func (k *key) accountMayChange(p *policy.Policy) bool {
	root := policy.Principal{Type: policy.Root, ARN: rootARN(k.account, k.region), AccountID: k.account, ID: k.account}
	ctx := &policy.Context{}
	ctx.SetPrincipal(&root)
	ctx.Set("kms:CallerAccount", k.account)
	return policy.Evaluate(&policy.Request{Action: "kms:PutKeyPolicy", Resource: k.arn(), Principal: root, Context: ctx},
		&policy.Policies{Resource: p, ResourceAccount: k.account, ResourceMustAllow: true}).Allowed
}
