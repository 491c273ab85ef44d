package s3

import (
	"net/netip"
	"strings"

	"cairn/aws"
	"cairn/internal/policy"
)

// parsePolicy holds a bucket policy to what AWS checks when it is put: the
// language, a principal in each statement, actions of S3, and resources in the
// bucket.
func parsePolicy(bucket, document string) (*policy.Policy, error) {
	if len(document) > policy.MaxBucketPolicyBytes {
		return nil, failure(400, "PolicyTooLarge", "Policy exceeds the maximum allowed document size of %d bytes.", policy.MaxBucketPolicyBytes)
	}
	p, err := policy.Parse([]byte(document))
	if err == nil {
		err = p.Validate(policy.ResourcePolicy)
	}
	if err != nil {
		return nil, malformedPolicy("%s", err)
	}
	for i := range p.Statements {
		s := &p.Statements[i]
		for _, action := range s.Actions {
			if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
				return nil, malformedPolicy("Policy has invalid action %q", action)
			}
		}
		if len(s.Resources) == 0 {
			return nil, malformedPolicy("Missing required field Resource")
		}
		for _, resource := range s.Resources {
			if resource != bucketARN(bucket) && !strings.HasPrefix(resource, bucketARN(bucket)+"/") && !covers(resource, bucket) {
				return nil, malformedPolicy("Policy has invalid resource %q", resource)
			}
		}
		if !s.NotResource && !s.NotAction && !applies(s) {
			return nil, malformedPolicy("Action does not apply to any resource(s) in statement")
		}
	}
	return p, nil
}

// covers reports whether a resource with a wildcard at its end takes in a bucket
// or some of its objects: "*", or the beginning of their ARNs.
func covers(resource, bucket string) bool {
	start, _, wild := strings.Cut(resource, "*")
	if !wild {
		return false
	}
	return strings.HasPrefix(bucketARN(bucket)+"/", start) && (start == "" || strings.HasPrefix(start, bucketARN("")))
}

// applies reports whether one of a statement's actions can be done to one of its
// resources: actions on objects need resources with a key.
func applies(s *policy.Statement) bool {
	var bucket, object bool
	for _, resource := range s.Resources {
		_, key, hasKey := strings.Cut(strings.TrimPrefix(resource, bucketARN("")), "/")
		wild := strings.ContainsAny(resource, "*?")
		object = object || hasKey && key != "" || wild
		bucket = bucket || !hasKey
	}
	for _, action := range s.Actions {
		switch onObjects, known := actionOnObjects(action); {
		case !known, onObjects && object, !onObjects && bucket:
			return true
		}
	}
	return false
}

// actionOnObjects reports whether an action is one on objects, and whether that
// is known: not of actions with wildcards.
func actionOnObjects(action string) (objects, known bool) {
	_, name, _ := strings.Cut(action, ":")
	if strings.ContainsAny(action, "*?") {
		return false, false
	}
	name = strings.ToLower(name)
	for _, verb := range []string{"getobject", "putobject", "deleteobject", "restoreobject", "abortmultipart", "listmultipartuploadparts", "bypassgovernance"} {
		if strings.HasPrefix(name, verb) {
			return true, true
		}
	}
	return false, true
}

// isPublic reports whether a policy lets in anybody, as S3 Block Public Access
// means it: a statement that allows everyone, and no condition that pins the
// caller to fixed values.
func isPublic(p *policy.Policy) bool {
	if p == nil {
		return false
	}
	for i := range p.Statements {
		if s := &p.Statements[i]; !s.Deny && opensToAll(s) && !pinned(s) {
			return true
		}
	}
	return false
}

func opensToAll(s *policy.Statement) bool {
	if s.NotPrincipal {
		return true
	}
	for _, p := range s.Principals {
		if p.Name == "*" {
			return true
		}
	}
	return false
}

// pinning are the condition keys whose fixed values make a policy not public, by
// the user guide's page on blocking public access.
var pinning = map[string]bool{
	"aws:sourcearn": true, "aws:sourcevpc": true, "aws:sourcevpce": true, "aws:sourceowner": true, "aws:sourceaccount": true,
	"aws:sourceorgid": true, "aws:userid": true, "aws:principalorgid": true, "aws:principalorgpaths": true, "aws:principalaccount": true, "aws:principalarn": true,
	"s3:x-amz-server-side-encryption-aws-kms-key-id": true, "s3:dataaccesspointarn": true, "s3:dataaccesspointaccount": true,
}

func pinned(s *policy.Statement) bool {
	for i := range s.Conditions {
		c := &s.Conditions[i]
		switch key := strings.ToLower(c.Key); {
		case strings.EqualFold(c.Operator, "IpAddress") && key == "aws:sourceip":
			if all(c.Values, narrow) {
				return true
			}
		case pinning[key] && positive(c.Operator):
			if all(c.Values, func(v string) bool { return !strings.Contains(v, "${") && fixed(key, v) }) {
				return true
			}
		}
	}
	return false
}

func positive(operator string) bool {
	switch strings.ToLower(operator) {
	case "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike":
		return true
	}
	return false
}

// fixed reports whether a value stands for a known account or resource. ARNs may
// have wildcards behind the account, and user IDs behind the role's.
func fixed(key, value string) bool {
	before, _, wild := strings.Cut(strings.ReplaceAll(value, "?", "*"), "*")
	if !wild {
		return value != ""
	}
	switch key {
	case "aws:sourcearn", "aws:principalarn", "s3:dataaccesspointarn":
		return strings.Count(before, ":") >= 5 && strings.Split(before, ":")[4] != ""
	case "aws:userid":
		return strings.Contains(before, ":")
	}
	return false
}

// narrow reports whether a range of addresses leaves most of the internet out.
func narrow(value string) bool {
	if _, err := netip.ParseAddr(value); err == nil {
		return true
	}
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		return false
	}
	if prefix.Addr().Is4() {
		return prefix.Bits() >= 8
	}
	return prefix.Bits() >= 32
}

func all(values []string, ok func(string) bool) bool {
	for _, v := range values {
		if !ok(v) {
			return false
		}
	}
	return len(values) > 0
}

// resourcePolicy is what a bucket says about who may use it. A policy that is
// public is as good as none for those outside the owner's account while public
// access is restricted; services are not the public.
func (b *bucket) resourcePolicy(c *aws.Call) *aws.ResourcePolicy {
	p := &aws.ResourcePolicy{Account: b.Account, Document: b.Policy, Trusted: b.Trusted}
	if b.restrictsPublic() && b.PolicyPublic && c.Account() != b.Account && c.Identity.Type != "AWSService" {
		p.Document = ""
	}
	return p
}
