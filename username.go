package cairn

import "strings"

// usernameOf returns the user name by which LookupEvents finds a call, or ""
// when it has none.
//
//   - Root is always "root", whatever alias the account has, so that a search
//     for root finds all root activity.
//   - AssumedRole gives the role session's name, which is the last part of its
//     ARN (arn:aws:sts::account:assumed-role/role/session) and stands behind the
//     colon of its principal ID (AROAEXAMPLE:session). The role's own name is in
//     the session issuer and is not the user's.
//   - FederatedUser gives the name given to GetFederationToken, found in the
//     same two places (arn:aws:sts::account:federated-user/name, account:name).
//   - All others, IAMUser, SAMLUser, WebIdentityUser and IdentityCenterUser among
//     them, give userName; AWSService, AWSAccount and Unknown mostly have none.
//
// Sources: the userIdentity element and the LookupEvents operation in the AWS
// CloudTrail documentation (docs.aws.amazon.com/awscloudtrail/latest/userguide/
// cloudtrail-event-reference-user-identity.html and .../latest/APIReference/
// API_Event.html).
func usernameOf(u *UserIdentity) string {
	switch u.Type {
	case "Root":
		return "root"
	case "AssumedRole":
		return sessionName(u, "assumed-role/")
	case "FederatedUser":
		return sessionName(u, "federated-user/")
	}
	return u.UserName
}

// sessionName returns the name of a session of temporary credentials from its
// ARN, else from its principal ID, else its userName.
func sessionName(u *UserIdentity, kind string) string {
	if rest, ok := strings.CutPrefix(arnResource(u.ARN), kind); ok {
		return rest[strings.LastIndexByte(rest, '/')+1:]
	}
	if _, name, ok := strings.Cut(u.PrincipalID, ":"); ok {
		return name
	}
	return u.UserName
}
