package gateway

import (
	"strings"

	"cairn"
	"cairn/aws"
)

// The forms that CloudTrail gives to identities. An ID that is not known is left empty.

func rootIdentity(partition, account string) aws.Identity {
	return aws.Identity{Type: "Root", PrincipalID: account, AccountID: account, ARN: "arn:" + partition + ":iam::" + account + ":root"}
}

// userIdentity is that of an IAM user. The path begins and ends with a slash.
func userIdentity(partition, account, path, name, id string) aws.Identity {
	return aws.Identity{
		Type: "IAMUser", PrincipalID: id, AccountID: account, UserName: name,
		ARN: "arn:" + partition + ":iam::" + account + ":user" + orSlash(path) + name,
	}
}

// roleSession is that of a session of a role. id is the role's, session the session's name.
func roleSession(partition, account, path, role, id, session string) aws.Identity {
	identity := aws.Identity{
		Type: "AssumedRole", AccountID: account,
		ARN: "arn:" + partition + ":sts::" + account + ":assumed-role/" + role + "/" + session,
		Session: &aws.Session{Issuer: &aws.Issuer{
			Type: "Role", PrincipalID: id, AccountID: account, UserName: role,
			ARN: "arn:" + partition + ":iam::" + account + ":role" + orSlash(path) + role,
		}},
	}
	if id != "" {
		identity.PrincipalID = id + ":" + session
	}
	return identity
}

func federatedUser(partition, account, name string) aws.Identity {
	return aws.Identity{
		Type: "FederatedUser", PrincipalID: account + ":" + name, AccountID: account,
		ARN: "arn:" + partition + ":sts::" + account + ":federated-user/" + name,
	}
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// A principal is what the ARN of an identity says.
type principal struct {
	kind      string // "root", "user", "role", "assumed-role" or "federated-user"
	partition string
	account   string
	path      string // of a user or role: "/" or "/a/b/"
	name      string
	session   string // of an assumed role
}

// parsePrincipal takes the ARN of an identity apart.
func parsePrincipal(text string) (p principal, ok bool) {
	arn, err := cairn.ParseARN(text)
	if err != nil || arn.Region != "" || len(text) > 2048 || !isPartition(arn.Partition) {
		return p, false
	}
	p.partition, p.account = arn.Partition, arn.AccountID
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	p.kind = kind
	switch arn.Service + ":" + kind {
	case "iam:root":
		return p, rest == ""
	case "iam:user", "iam:role":
		slash := strings.LastIndexByte(rest, '/')
		p.path, p.name = "/"+rest[:slash+1], rest[slash+1:]
	case "sts:assumed-role":
		p.name, p.session, _ = strings.Cut(rest, "/")
		if !isName(p.session) {
			return p, false
		}
	case "sts:federated-user":
		p.name = rest
	default:
		return p, false
	}
	return p, isName(p.name) && isPath(p.path)
}

// isName reports whether s can be the name of a user, role or session: no more than
// IAM's 128 characters, and none that would make another ARN of it.
func isName(s string) bool {
	return 0 < len(s) && len(s) <= 128 && isVisible(s, `/:*"\`)
}

// isPath reports whether s is empty or a path of IAM.
func isPath(s string) bool {
	return s == "" || s[0] == '/' && s[len(s)-1] == '/' && len(s) <= 512 && isVisible(s, `:*"\`)
}

// isVisible reports whether s has visible ASCII characters only, and none of some.
func isVisible(s, except string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(except, s[i]) >= 0 {
			return false
		}
	}
	return true
}

func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// isPartition reports whether s is, or could be, a partition of AWS.
func isPartition(s string) bool {
	return s == "aws" || strings.HasPrefix(s, "aws-") && len(s) <= 16 && isName(s)
}
