package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

func (s *Service) createPolicy(_ context.Context, c *aws.Call, in *CreatePolicyInput) (*CreatePolicyOutput, error) {
	if err := checkManaged(in.PolicyDocument, in.PolicyName); err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	now := s.Store.Now().UTC()
	p := &identity.Policy{
		Head:        identity.Head{Name: in.PolicyName, Path: orSlash(in.Path), Tags: tags},
		Description: in.Description, Default: "v1", Last: 1, Updated: now,
		Versions: []identity.PolicyVersion{{ID: "v1", Document: in.PolicyDocument, Created: now}},
	}
	if err := s.Store.Policies.Create(c.Account(), p, nil); err != nil {
		return nil, err
	}
	return &CreatePolicyOutput{Policy: describePolicy(p, p.ARN(c.Account()), counts{}, true)}, nil
}

func (s *Service) getPolicy(_ context.Context, c *aws.Call, in *GetPolicyInput) (*GetPolicyOutput, error) {
	p, err := s.anyPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	uses, err := s.usesOf(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &GetPolicyOutput{Policy: describePolicy(p, in.PolicyArn, countUses(uses)[in.PolicyArn], true)}, nil
}

// listPolicies lists the account's own policies, and then those of AWS.
func (s *Service) listPolicies(_ context.Context, c *aws.Call, in *ListPoliciesInput) (*ListPoliciesOutput, error) {
	pg, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	uses, err := s.usesOf(c.Account(), "")
	if err != nil {
		return nil, err
	}
	used := countUses(uses)
	wanted := func(p Policy) bool {
		n := *p.AttachmentCount + *p.PermissionsBoundaryUsageCount
		switch {
		case !strings.HasPrefix(p.Path, in.PathPrefix):
			return false
		case in.OnlyAttached != nil && *in.OnlyAttached && n == 0:
			return false
		case in.PolicyUsageFilter == "PermissionsPolicy":
			return *p.AttachmentCount > 0
		case in.PolicyUsageFilter == "PermissionsBoundary":
			return *p.PermissionsBoundaryUsageCount > 0
		}
		return true
	}
	found, truncated, marker, err := take(func(yield func(Policy, error) bool) {
		// Own policies sort before those of AWS, whose marker has a prefix that
		// no name has.
		own, after := strings.CutPrefix(pg.after, "aws/")
		if !after && in.Scope != "AWS" {
			for p, err := range s.Store.Policies.After(c.Account(), own) {
				d := Policy{}
				if err == nil {
					d = describePolicy(p, p.ARN(c.Account()), used[p.ARN(c.Account())], false)
				}
				if !yield(d, err) {
					return
				}
			}
		}
		if in.Scope == "Local" {
			return
		}
		for _, p := range identity.AWSPolicies() {
			arn := identity.AWSPolicyARN(p)
			if after && p.Name <= own {
				continue
			}
			if !yield(describePolicy(p, arn, used[arn], false), nil) {
				return
			}
		}
	}, pg.max, wanted, func(p Policy) string {
		if strings.HasPrefix(p.Arn, "arn:aws:iam::aws:") {
			return "aws/" + p.PolicyName
		}
		return p.PolicyName
	})
	if err != nil {
		return nil, err
	}
	return &ListPoliciesOutput{Policies: append([]Policy{}, found...), IsTruncated: truncated, Marker: marker}, nil
}

func (s *Service) deletePolicy(_ context.Context, c *aws.Call, in *DeletePolicyInput) (*DeletePolicyOutput, error) {
	own, err := s.ownPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	err = s.Store.Policies.Delete(c.Account(), own.Name, func(p *identity.Policy) error {
		uses, err := s.usesOf(c.Account(), in.PolicyArn)
		switch {
		case err != nil:
			return err
		case len(uses) > 0:
			return failure("DeleteConflict", 409, "Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return failure("DeleteConflict", 409, "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		return nil
	})
	return &DeletePolicyOutput{}, err
}

func (s *Service) createPolicyVersion(_ context.Context, c *aws.Call, in *CreatePolicyVersionInput) (*CreatePolicyVersionOutput, error) {
	own, err := s.ownPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if err := checkManaged(in.PolicyDocument, own.Name); err != nil {
		return nil, err
	}
	p, err := s.Store.Policies.Change(c.Account(), own.Name, func(p *identity.Policy) error {
		if len(p.Versions) >= identity.MaxPolicyVersions {
			return failure("LimitExceeded", 409, fmt.Sprintf("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", identity.MaxPolicyVersions))
		}
		p.Last++
		v := identity.PolicyVersion{ID: fmt.Sprintf("v%d", p.Last), Document: in.PolicyDocument, Created: s.Store.Now().UTC()}
		p.Versions = append(p.Versions, v)
		p.Updated = v.Created
		if in.SetAsDefault != nil && *in.SetAsDefault {
			p.Default = v.ID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := describeVersion(p, &p.Versions[len(p.Versions)-1])
	d.Document = ""
	return &CreatePolicyVersionOutput{PolicyVersion: d}, nil
}

func (s *Service) getPolicyVersion(_ context.Context, c *aws.Call, in *GetPolicyVersionInput) (*GetPolicyVersionOutput, error) {
	p, err := s.anyPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	v := p.Version(in.VersionId)
	if v == nil {
		return nil, errNoVersion(in.PolicyArn, in.VersionId)
	}
	return &GetPolicyVersionOutput{PolicyVersion: describeVersion(p, v)}, nil
}

// listPolicyVersions lists the newest version first. There are five at most, so
// that the marker is the last one's place.
func (s *Service) listPolicyVersions(_ context.Context, c *aws.Call, in *ListPolicyVersionsInput) (*ListPolicyVersionsOutput, error) {
	p, err := s.anyPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	pg, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	passed := pg.after == ""
	found, truncated, marker, err := take(func(yield func(PolicyVersion, error) bool) {
		for i := range p.Versions {
			v := &p.Versions[len(p.Versions)-1-i]
			if !passed {
				passed = v.ID == pg.after
				continue
			}
			d := describeVersion(p, v)
			d.Document = ""
			if !yield(d, nil) {
				return
			}
		}
	}, pg.max, func(PolicyVersion) bool { return true }, func(v PolicyVersion) string { return v.VersionId })
	return &ListPolicyVersionsOutput{Versions: append([]PolicyVersion{}, found...), IsTruncated: truncated, Marker: marker}, err
}

func (s *Service) setDefaultPolicyVersion(_ context.Context, c *aws.Call, in *SetDefaultPolicyVersionInput) (*SetDefaultPolicyVersionOutput, error) {
	own, err := s.ownPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	_, err = s.Store.Policies.Change(c.Account(), own.Name, func(p *identity.Policy) error {
		if p.Version(in.VersionId) == nil {
			return errNoVersion(in.PolicyArn, in.VersionId)
		}
		p.Default, p.Updated = in.VersionId, s.Store.Now().UTC()
		return nil
	})
	return &SetDefaultPolicyVersionOutput{}, err
}

func (s *Service) deletePolicyVersion(_ context.Context, c *aws.Call, in *DeletePolicyVersionInput) (*DeletePolicyVersionOutput, error) {
	own, err := s.ownPolicy(c.Account(), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	_, err = s.Store.Policies.Change(c.Account(), own.Name, func(p *identity.Policy) error {
		i := slices.IndexFunc(p.Versions, func(v identity.PolicyVersion) bool { return v.ID == in.VersionId })
		switch {
		case i < 0:
			return errNoVersion(in.PolicyArn, in.VersionId)
		case p.Default == in.VersionId:
			return failure("DeleteConflict", 409, "Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		p.Updated = s.Store.Now().UTC()
		return nil
	})
	return &DeletePolicyVersionOutput{}, err
}

func checkManaged(document, name string) error {
	return checkDocument(document, policy.IdentityPolicy, policy.MaxManagedSize, "policy "+name)
}

// anyPolicy returns a managed policy of AWS or of the account.
func (s *Service) anyPolicy(account, arn string) (*identity.Policy, error) {
	if p := identity.AWSPolicy(arn); p != nil {
		return p, nil
	}
	p, err := s.Store.PolicyByARN(account, arn)
	var missing *identity.NotFoundError
	if errors.As(err, &missing) {
		missing.Name = arn
	}
	return p, err
}

// ownPolicy returns a managed policy that the account may change.
func (s *Service) ownPolicy(account, arn string) (*identity.Policy, error) {
	if identity.AWSPolicy(arn) != nil {
		return nil, aws.AccessDenied("Cannot perform the operation on a policy of AWS: " + arn)
	}
	return s.anyPolicy(account, arn)
}

func (s *Service) policyExists(account, arn string) error {
	_, err := s.anyPolicy(account, arn)
	return err
}

// counts says how often a policy is used.
type counts struct{ attached, boundaries int32 }

func countUses(uses []use) map[string]counts {
	all := make(map[string]counts)
	for _, u := range uses {
		n := all[u.arn]
		if u.as == "PermissionsBoundary" {
			n.boundaries++
		} else {
			n.attached++
		}
		all[u.arn] = n
	}
	return all
}

// describePolicy is a policy as answers have it. Lists leave out descriptions
// and tags.
func describePolicy(p *identity.Policy, arn string, n counts, full bool) Policy {
	d := Policy{
		PolicyName: p.Name, PolicyId: p.ID, Arn: arn, Path: p.Path, DefaultVersionId: p.Default,
		AttachmentCount: &n.attached, PermissionsBoundaryUsageCount: &n.boundaries, IsAttachable: true,
		CreateDate: p.Created, UpdateDate: p.Updated,
	}
	if full {
		d.Description = p.Description
		d.Tags = describeTags(p.Tags)
	}
	return d
}

func describeVersion(p *identity.Policy, v *identity.PolicyVersion) PolicyVersion {
	return PolicyVersion{Document: escaped(v.Document), VersionId: v.ID, IsDefaultVersion: p.Default == v.ID, CreateDate: v.Created}
}
