// Package policy reads, checks and evaluates AWS IAM policies. It is pure: no
// files, no clocks, no sockets; what a decision depends on is in its arguments.
//
// Its nouns are AWS's. A [Policy] is a parsed document of [Statement]s. A
// [Request] is what a [Principal] wants to do, with the [Context] that
// conditions look at. [Policies] are all policies that apply to it, by [Kind].
// [Evaluate] turns the three into a [Decision], which names the policy and the
// statement that decided.
//
// Its one invariant: whatever is missing, malformed or cannot be resolved never
// grants. But for an account's root user, a request is allowed only if a
// statement allows it and no statement denies it.
//
// # What it covers
//
// Both versions of the language with all their elements; all condition
// operators with IfExists, ForAllValues and ForAnyValue; policy variables with
// default values; identity-based, resource-based, role trust and session
// policies, permissions boundaries and service control policies; the same
// account and two accounts; root users, users, role sessions, federated user
// sessions, web identity and SAML callers, AWS services and anonymous callers.
//
// The rules are those of the AWS IAM User Guide, pages "Grammar of the IAM JSON
// policy language", "IAM JSON policy elements reference" (Principal,
// NotPrincipal, Action, Resource, Condition, Condition operators, Variables and
// tags), "Multivalued context keys", "Policy evaluation logic", "Cross-account
// policy evaluation logic", "Permissions boundaries for IAM entities",
// "Troubleshoot access denied error messages" and "IAM and AWS STS quotas".
//
// # Where the pages leave room
//
//   - A variable that cannot be resolved (its key is missing, or has several
//     values) matches nothing. Where not matching would make the statement
//     apply, as in NotResource or StringNotEquals, an Allow statement then does
//     not apply and a Deny statement does.
//   - The same goes for a number, date or address of the request that is none:
//     under a negated operator, an Allow statement does not apply and a Deny
//     statement does.
//   - A value that is put in for a variable stands for itself: wildcards in it
//     are plain characters.
//   - A condition without a set operator, on a key with several values, holds
//     if any value matches; a negated one if none does.
//   - A wildcard in Resource also matches colons, wherever it stands.
//   - NotPrincipal with Deny exempts a caller only if the list has all that the
//     caller is: the account, the role or user behind a session, and the session
//     itself. NotPrincipal with Allow leaves out a caller if the list has any.
//
// # What it does not cover
//
// Access control lists, VPC endpoint policies, resource control policies, the
// rules of single services (such as KMS grants), and which actions, resources
// and condition keys exist: names are compared, not looked up.
package policy

// A Kind says what a policy is attached to, and so what it may hold and do.
type Kind uint8

// The kinds of policies, and no kind at all.
const (
	NoPolicy Kind = iota
	IdentityPolicy
	ResourcePolicy
	TrustPolicy
	PermissionsBoundary
	SessionPolicy
	ServiceControlPolicy
)

// String returns the name that AWS's messages use.
func (k Kind) String() string {
	switch k {
	case IdentityPolicy:
		return "identity-based policy"
	case ResourcePolicy:
		return "resource-based policy"
	case TrustPolicy:
		return "role trust policy"
	case PermissionsBoundary:
		return "permissions boundary"
	case SessionPolicy:
		return "session policy"
	case ServiceControlPolicy:
		return "service control policy"
	}
	return "policy"
}

// The largest documents, in characters as [Size] counts them. Inline policies
// count together with all others of the same user, group or role. [Parse] does
// not enforce them.
const (
	MaxManagedSize       = 6144
	MaxUserInlineSize    = 2048
	MaxGroupInlineSize   = 5120
	MaxRoleInlineSize    = 10240
	MaxTrustSize         = 2048 // the default quota
	MaxRaisedTrustSize   = 4096 // what the quota can be raised to
	MaxSessionSize       = 2048 // one inline session policy
	MaxResourceSize      = 8192 // CloudTrail's own resources
	MaxBucketPolicyBytes = 20 << 10
)

// Size counts the characters of a document as IAM's quotas do: white space is
// left out, both between and inside values.
func Size(document []byte) int {
	n := 0
	for _, b := range document {
		// Bytes that continue a character are not counted.
		if b > ' ' && b&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// The two versions of the policy language.
const (
	Version2008 = "2008-10-17" // without variables; the default
	Version2012 = "2012-10-17"
)

// A Policy is a parsed document. It is immutable, and safe for concurrent use.
type Policy struct {
	Version    string // Version2008 if the document names none
	ID         string
	Statements []Statement
}

// A Statement allows or denies actions on resources under conditions. Its
// fields hold what the document says and may be read, not changed.
type Statement struct {
	Sid          string
	Deny         bool
	Principals   []PrincipalName // none in policies that are attached to a principal
	NotPrincipal bool            // Principals are the exceptions
	Actions      []string
	NotAction    bool // Actions are the exceptions
	Resources    []string
	NotResource  bool // Resources are the exceptions
	Conditions   []Condition

	offset    int64 // where it begins in the document
	actions   []pattern
	resources []pattern
}

// A Condition is one key under one operator. All conditions of a statement have
// to hold, and each holds if any of its values matches.
type Condition struct {
	Operator string // as written, e.g. "ForAnyValue:StringLikeIfExists"
	Key      string // as written, e.g. "aws:SourceIp"
	Values   []string

	key      string // in lower case
	op       operator
	set      setOperator
	ifExists bool
	values   []conditionValue
}
