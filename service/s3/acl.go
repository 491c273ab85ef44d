package s3

import (
	"context"
	"reflect"

	"cairn/aws"
)

// The kinds of object ownership.
const (
	ownerEnforced  = "BucketOwnerEnforced" // AWS's default: access control lists are off
	ownerPreferred = "BucketOwnerPreferred"
	objectWriter   = "ObjectWriter"
)

// ownerControl is the canned ACL that CloudTrail and others send with each object.
const ownerControl = "bucket-owner-full-control"

// checkOwnership refuses what would make objects belong to others than the
// bucket's owner.
func checkOwnership(ownership string) error {
	switch ownership {
	case ownerEnforced, ownerPreferred:
		return nil
	case objectWriter:
		return notImplemented("the object ownership ObjectWriter: all objects belong to the bucket's owner")
	}
	return invalidArgument("Invalid x-amz-object-ownership header: %s", ownership)
}

func (s *Service) putBucketOwnershipControls(ctx context.Context, _ *aws.Call, in *PutBucketOwnershipControlsInput) (*PutBucketOwnershipControlsOutput, error) {
	if in.OwnershipControls == nil || len(in.OwnershipControls.Rules) != 1 {
		return nil, malformedXML()
	}
	ownership := in.OwnershipControls.Rules[0].ObjectOwnership
	if err := checkOwnership(ownership); err != nil {
		return nil, err
	}
	return &PutBucketOwnershipControlsOutput{}, s.set(ctx, in.Bucket, ownershipSetting, ownership)
}

func (s *Service) getBucketOwnershipControls(ctx context.Context, _ *aws.Call, in *GetBucketOwnershipControlsInput) (*GetBucketOwnershipControlsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if b.Ownership == "" {
		return nil, noOwnershipControls()
	}
	return &GetBucketOwnershipControlsOutput{OwnershipControls: &OwnershipControls{Rules: []OwnershipControlsRule{{ObjectOwnership: b.Ownership}}}}, nil
}

func (s *Service) deleteBucketOwnershipControls(ctx context.Context, _ *aws.Call, in *DeleteBucketOwnershipControlsInput) (*DeleteBucketOwnershipControlsOutput, error) {
	return &DeleteBucketOwnershipControlsOutput{}, s.unset(ctx, in.Bucket, ownershipSetting)
}

func (s *Service) getBucketAcl(ctx context.Context, _ *aws.Call, in *GetBucketAclInput) (*GetBucketAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	return &GetBucketAclOutput{Owner: ownerOf(b.Account), Grants: ownersGrants(b.Account)}, nil
}

func (s *Service) getObjectAcl(ctx context.Context, c *aws.Call, in *GetObjectAclInput) (*GetObjectAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	o, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	setVersion(c, o)
	return &GetObjectAclOutput{Owner: ownerOf(b.Account), Grants: ownersGrants(b.Account)}, nil
}

func (s *Service) putBucketAcl(ctx context.Context, c *aws.Call, in *PutBucketAclInput) (*PutBucketAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if !hasACL(in) {
		return nil, failure(400, "MissingSecurityHeader", "Your request was missing a required header")
	}
	if b.Ownership == ownerEnforced && in.ACL == "private" {
		return nil, aclNotSupported()
	}
	return &PutBucketAclOutput{}, b.checkACL(c, in)
}

func (s *Service) putObjectAcl(ctx context.Context, c *aws.Call, in *PutObjectAclInput) (*PutObjectAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if _, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId); err != nil {
		return nil, err
	}
	if !hasACL(in) {
		return nil, failure(400, "MissingSecurityHeader", "Your request was missing a required header")
	}
	return &PutObjectAclOutput{}, b.checkACL(c, in)
}

// ownersGrants are the grants of everything: all belongs to the bucket's owner.
func ownersGrants(account string) []Grant {
	return []Grant{{Grantee: &Grantee{Type: "CanonicalUser", ID: CanonicalID(account)}, Permission: "FULL_CONTROL"}}
}

// grantMembers are those of a request that grant something.
var grantMembers = []string{"GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"}

func hasACL(in any) bool {
	if policyIn(in) != nil || memberText(in, "ACL") != "" {
		return true
	}
	for _, name := range grantMembers {
		if memberText(in, name) != "" {
			return true
		}
	}
	return false
}

// checkACL refuses an access control list that would grant something to others
// than the bucket's owner.
func (b *bucket) checkACL(c *aws.Call, in any) error {
	refuse := func() error {
		if b.Ownership == ownerEnforced {
			return aclNotSupported()
		}
		return notImplemented("access control lists that grant something to others than the bucket's owner")
	}
	switch acl := memberText(in, "ACL"); acl {
	case "", ownerControl:
	case "private", "bucket-owner-read":
		if b.Ownership == ownerEnforced || c.Account() != b.Account {
			return refuse()
		}
	case "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write":
		return refuse()
	default:
		return invalidArgument("Argument x-amz-acl is not valid: %s", acl)
	}
	owner := `id="` + CanonicalID(b.Account) + `"`
	for _, name := range grantMembers {
		if given := memberText(in, name); given != "" && (name != "GrantFullControl" || given != owner && given != owner[:3]+CanonicalID(b.Account)) {
			return refuse()
		}
	}
	if p := policyIn(in); p != nil {
		if len(p.Grants) == 0 {
			return malformedXML()
		}
		for _, g := range p.Grants {
			if g.Grantee == nil {
				return malformedXML()
			}
			if g.Grantee.ID != CanonicalID(b.Account) {
				return refuse()
			}
		}
	}
	return nil
}

func policyIn(in any) *AccessControlPolicy {
	switch in := in.(type) {
	case *PutBucketAclInput:
		return in.AccessControlPolicy
	case *PutObjectAclInput:
		return in.AccessControlPolicy
	}
	return nil
}

// memberText is a member of an input that is a text, empty if there is none of
// that name.
func memberText(in any, name string) string {
	f := reflect.ValueOf(in).Elem().FieldByName(name)
	if !f.IsValid() || f.Kind() != reflect.String {
		return ""
	}
	return f.String()
}

func memberValue(in any, name string) any {
	f := reflect.ValueOf(in).Elem().FieldByName(name)
	if !f.IsValid() {
		return nil
	}
	return f.Interface()
}
