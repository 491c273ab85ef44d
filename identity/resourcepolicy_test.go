package identity_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"cairn/aws"
	"cairn/identity"
)

const (
	stranger = "777788889999" // an account that nobody was told of
	trailARN = "arn:aws:cloudtrail:us-east-1:" + account + ":trail/t"
	keyARN   = "arn:aws:kms:us-east-1:" + account + ":key/1"
	topicARN = "arn:aws:sns:us-east-1:" + account + ":n"

	// The bucket policy that AWS's CloudTrail User Guide gives.
	trailBucketPolicy = `{"Version":"2012-10-17","Statement":[
		{"Sid":"AWSCloudTrailAclCheck","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl",
		 "Resource":"arn:aws:s3:::b","Condition":{"StringEquals":{"aws:SourceArn":"` + trailARN + `"}}},
		{"Sid":"AWSCloudTrailWrite","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject",
		 "Resource":"arn:aws:s3:::b/p/AWSLogs/` + account + `/*",
		 "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"` + trailARN + `"}}}]}`

	// The policy that SNS gives each topic, in short.
	defaultTopicPolicy = `{"Version":"2008-10-17","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},
		"Action":["SNS:Publish","SNS:Subscribe"],"Resource":"` + topicARN + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + account + `"}}}]}`

	// The key policy that it gives, and the statement that KMS puts into each.
	trailKeyPolicy = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*","Resource":"*",
		 "Condition":{"StringEquals":{"aws:SourceArn":"` + trailARN + `"},
		              "StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:` + account + `:trail/*"}}}]}`
)

// statements makes a document of statements.
func statements(all ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(all, ",") + `]}`
}

// grantTo is a statement that allows a principal everything.
func grantTo(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"*","Resource":"*"}`
}

// cast are the callers of the tests below.
func cast(t *testing.T, s *identity.Store) map[string]aws.Identity {
	t.Helper()
	made := make(map[string]aws.Identity)
	add := func(of, name string, change func(*identity.User)) {
		u := user(name)
		if change != nil {
			change(u)
		}
		must(t, s.Users.Create(of, u, nil))
		made[name] = aws.Identity{Type: "IAMUser", PrincipalID: u.ID, ARN: u.ARN(of), AccountID: of, UserName: name}
	}
	all := map[string]string{"p": allow("*", "*", "")}
	boundary := &identity.Policy{Head: identity.Head{Name: "lists", Path: "/"}, Default: "v1",
		Versions: []identity.PolicyVersion{{ID: "v1", Document: allow("s3:List*", "*", "")}}}
	must(t, s.Policies.Create(account, boundary, nil))
	add(account, "plain", nil)
	add(account, "admin", func(u *identity.User) { u.Inline = all })
	add(account, "bounded", func(u *identity.User) { u.Inline, u.Boundary = all, boundary.ARN(account) })
	add(other, "foreign", func(u *identity.User) { u.Inline = all })
	add(other, "foreignplain", nil)
	made["root"] = aws.Identity{Type: "Root", PrincipalID: account, ARN: "arn:aws:iam::" + account + ":root", AccountID: account}
	made["foreignroot"] = aws.Identity{Type: "Root", PrincipalID: other, ARN: "arn:aws:iam::" + other + ":root", AccountID: other}
	made["nobody"] = aws.Identity{Type: "AWSAccount", AccountID: "ANONYMOUS_PRINCIPAL"}
	made["unknown"] = aws.Identity{}
	r := &identity.Role{Head: identity.Head{Name: "work", Path: "/"}, MaxSession: time.Hour, Grants: identity.Grants{Inline: all}}
	must(t, s.Roles.Create(account, r, nil))
	issuer := &aws.Issuer{Type: "Role", PrincipalID: r.ID, ARN: r.ARN(account), AccountID: account, UserName: "work"}
	session := aws.Identity{Type: "AssumedRole", PrincipalID: r.ID + ":kim", AccountID: account,
		ARN: "arn:aws:sts::" + account + ":assumed-role/work/kim", Session: &aws.Session{Issuer: issuer}}
	made["session"] = session
	session.Session = &aws.Session{Issuer: issuer, Policies: []string{allow("s3:List*", "*", "")}}
	made["limited"] = session
	made["cloudtrail"] = aws.Identity{Type: "AWSService", InvokedBy: "cloudtrail.amazonaws.com", SourceARN: trailARN, SourceAccount: account}
	made["othertrail"] = aws.Identity{Type: "AWSService", InvokedBy: "cloudtrail.amazonaws.com", SourceARN: trailARN + "2", SourceAccount: account}
	made["sns"] = aws.Identity{Type: "AWSService", InvokedBy: "sns.amazonaws.com", SourceARN: trailARN, SourceAccount: account}
	return made
}

func TestResourcePolicies(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	ids := cast(t, s)
	acl := map[string][]string{"s3:x-amz-acl": {"bucket-owner-full-control"}}
	encryption := map[string][]string{"kms:EncryptionContext:aws:cloudtrail:arn": {trailARN}}
	deny := `{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"*"}`
	const object, log = "arn:aws:s3:::b/k", "arn:aws:s3:::b/p/AWSLogs/" + account + "/CloudTrail/us-east-1/x.json.gz"
	tests := []struct {
		name, caller, action, resource string
		policy                         string
		keys                           map[string][]string
		want                           string // "" if allowed, or what the message must have
	}{
		{"no policy, identity allows", "admin", "s3:GetObject", object, "", nil, ""},
		{"no policy, nothing allows", "plain", "s3:GetObject", object, "", nil, `on resource: "` + object + `" because no identity-based policy allows the s3:GetObject action`},
		{"no policy, owner's root", "root", "s3:GetObject", object, "", nil, ""},
		{"no policy, another account", "foreign", "s3:GetObject", object, "", nil, "because no resource-based policy allows"},
		{"no policy, another root", "foreignroot", "s3:GetObject", object, "", nil, "because no resource-based policy allows"},
		{"no policy, nobody", "nobody", "s3:GetObject", object, "", nil, "User: anonymous is not authorized to perform: s3:GetObject"},
		{"no policy, a service", "cloudtrail", "s3:PutObject", log, "", acl, "User: cloudtrail.amazonaws.com is not authorized"},

		{"policy names the user", "plain", "s3:GetObject", object, statements(grantTo(`{"AWS":"arn:aws:iam::` + account + `:user/plain"}`)), nil, ""},
		{"policy names the account only", "plain", "s3:GetObject", object, statements(grantTo(`{"AWS":"` + account + `"}`)), nil, "no identity-based policy allows"},
		{"policy names another user, identity allows", "admin", "s3:GetObject", object, statements(grantTo(`{"AWS":"arn:aws:iam::` + account + `:user/plain"}`)), nil, ""},
		{"policy denies the admin", "admin", "s3:DeleteObject", object, statements(deny), nil, "with an explicit deny in a resource-based policy"},
		{"policy denies the root user", "root", "s3:DeleteObject", object, statements(deny), nil, "with an explicit deny in a resource-based policy"},

		{"both accounts allow", "foreign", "s3:GetObject", object, statements(grantTo(`{"AWS":"` + other + `"}`)), nil, ""},
		{"both accounts allow, root", "foreignroot", "s3:GetObject", object, statements(grantTo(`{"AWS":"` + other + `"}`)), nil, ""},
		{"only the resource allows", "foreignplain", "s3:GetObject", object, statements(grantTo(`{"AWS":"arn:aws:iam::` + other + `:user/foreignplain"}`)), nil, "no identity-based policy allows"},
		{"only everyone is allowed", "foreignplain", "s3:GetObject", object, statements(grantTo(`"*"`)), nil, "no identity-based policy allows"},
		{"a third account is allowed", "foreign", "s3:GetObject", object, statements(grantTo(`{"AWS":"` + stranger + `"}`)), nil, "no resource-based policy allows"},
		{"nobody where everyone may", "nobody", "s3:GetObject", object, statements(grantTo(`"*"`)), nil, ""},
		{"an unknown caller where everyone may", "unknown", "s3:GetObject", object, statements(grantTo(`"*"`)), nil, ""},
		{"an unknown caller", "unknown", "s3:GetObject", object, "", nil, "User: anonymous is not authorized"},
		{"nobody where an account may", "nobody", "s3:GetObject", object, statements(grantTo(`{"AWS":"` + account + `"}`)), nil, "no resource-based policy allows"},

		{"boundary limits identity", "bounded", "s3:GetObject", object, statements(grantTo(`{"AWS":"` + account + `"}`)), nil, "because no permissions boundary allows"},
		{"boundary does not limit a direct grant", "bounded", "s3:GetObject", object, statements(grantTo(`{"AWS":"arn:aws:iam::` + account + `:user/bounded"}`)), nil, ""},
		{"session policy limits", "limited", "s3:GetObject", object, "", nil, "because no session policy allows"},
		{"session policy limits what the role is granted", "limited", "s3:GetObject", object, statements(grantTo(`{"AWS":"arn:aws:iam::` + account + `:role/work"}`)), nil, "because no session policy allows"},
		{"session policy allows", "limited", "s3:ListBucket", "arn:aws:s3:::b", "", nil, ""},
		{"session is named", "limited", "s3:GetObject", object, statements(grantTo(`{"AWS":"arn:aws:sts::` + account + `:assumed-role/work/kim"}`)), nil, ""},

		{"trail checks the bucket", "cloudtrail", "s3:GetBucketAcl", "arn:aws:s3:::b", trailBucketPolicy, nil, ""},
		{"trail delivers", "cloudtrail", "s3:PutObject", log, trailBucketPolicy, acl, ""},
		{"trail delivers without the ACL", "cloudtrail", "s3:PutObject", log, trailBucketPolicy, nil, "no resource-based policy allows"},
		{"trail delivers outside of the prefix", "cloudtrail", "s3:PutObject", object, trailBucketPolicy, acl, "no resource-based policy allows"},
		{"another account's logs", "cloudtrail", "s3:PutObject", "arn:aws:s3:::b/p/AWSLogs/" + other + "/x", trailBucketPolicy, acl, "no resource-based policy allows"},
		{"another trail delivers", "othertrail", "s3:PutObject", log, trailBucketPolicy, acl, "no resource-based policy allows"},
		{"another service delivers", "sns", "s3:PutObject", log, trailBucketPolicy, acl, "no resource-based policy allows"},
		{"trail reads", "cloudtrail", "s3:GetObject", log, trailBucketPolicy, acl, "no resource-based policy allows"},

		{"trail encrypts", "cloudtrail", "kms:GenerateDataKey", keyARN, trailKeyPolicy, encryption, ""},
		{"trail encrypts without context", "cloudtrail", "kms:GenerateDataKey", keyARN, trailKeyPolicy, nil, "no resource-based policy allows"},
		{"trail decrypts", "cloudtrail", "kms:Decrypt", keyARN, trailKeyPolicy, encryption, "no resource-based policy allows"},
		{"key leaves it to the account", "admin", "kms:Decrypt", keyARN, trailKeyPolicy, nil, ""},
		{"key leaves it to the account, which does not", "plain", "kms:Decrypt", keyARN, trailKeyPolicy, nil, "kms:Decrypt on resource: " + keyARN + " because no identity-based policy allows"},
		{"key's account root", "root", "kms:Decrypt", keyARN, trailKeyPolicy, nil, ""},
		{"key that names nobody else", "admin", "kms:Decrypt", keyARN, statements(grantTo(`{"AWS":"arn:aws:iam::` + account + `:user/plain"}`)), nil, "no resource-based policy allows"},
		{"key that names not even root", "root", "kms:Decrypt", keyARN, statements(grantTo(`{"AWS":"arn:aws:iam::` + account + `:user/plain"}`)), nil, "no resource-based policy allows"},
		{"key that names the user", "plain", "kms:Decrypt", keyARN, statements(grantTo(`{"AWS":"arn:aws:iam::` + account + `:user/plain"}`)), nil, ""},
		{"key without a policy", "admin", "kms:Decrypt", keyARN, "", nil, "no resource-based policy allows"},
		{"key of another account", "foreign", "kms:Decrypt", keyARN, trailKeyPolicy, nil, "no resource-based policy allows"},

		{"topic's default policy, its account", "plain", "sns:Publish", topicARN, defaultTopicPolicy, nil, ""},
		{"topic's default policy, another account", "foreign", "sns:Publish", topicARN, defaultTopicPolicy, nil, "no resource-based policy allows"},
		{"topic for the trail", "cloudtrail", "sns:Publish", topicARN, statements(`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"SNS:Publish",
			"Resource":"` + topicARN + `","Condition":{"StringEquals":{"aws:SourceAccount":"` + account + `"}}}`), nil, ""},
		{"topic for another account's trails", "cloudtrail", "sns:Publish", topicARN, statements(`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"SNS:Publish",
			"Resource":"` + topicARN + `","Condition":{"StringEquals":{"aws:SourceAccount":"` + other + `"}}}`), nil, "no resource-based policy allows"},
	}
	for _, tt := range tests {
		id, ok := ids[tt.caller]
		if !ok {
			t.Fatalf("%s: no caller %s", tt.name, tt.caller)
		}
		service, _, _ := strings.Cut(tt.action, ":")
		c := &aws.Call{Service: service, Region: "us-east-1", Identity: id, Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
		err := s.Authorize(t.Context(), c, aws.Permission{Action: tt.action, Resource: tt.resource, Keys: tt.keys,
			Policy: &aws.ResourcePolicy{Account: account, Document: tt.policy, MustAllow: service == "kms"}})
		var denied *aws.Error
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (!errors.As(err, &denied) || denied.Code != "AccessDenied" || !strings.Contains(denied.Message, tt.want)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// What a service does for a caller is decided as the caller's doing, with keys
// that say by which service it came.
func TestKeysOfForwardedCalls(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	admin := cast(t, s)["admin"]
	only := func(condition string) string {
		return statements(`{"Effect":"Allow","Principal":{"AWS":"` + admin.ARN + `"},"Action":"kms:*","Resource":"*","Condition":{` + condition + `}}`)
	}
	for condition, through := range map[string]bool{
		`"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com","kms:CallerAccount":"` + account + `"}`: true,
		`"StringEquals":{"kms:ViaService":"sns.us-east-1.amazonaws.com"}`:                                      false,
		`"ForAnyValue:StringEquals":{"aws:CalledVia":"s3.amazonaws.com"},"Bool":{"aws:ViaAWSService":"true"}`:  true,
		`"Bool":{"aws:ViaAWSService":"false"}`:                                                                 false,
		`"Bool":{"aws:SecureTransport":"true"}`:                                                                true,
	} {
		c := &aws.Call{Service: "kms", Region: "us-east-1", Identity: admin, Via: "s3.amazonaws.com"}
		need := aws.Permission{Action: "kms:Decrypt", Resource: keyARN, Policy: &aws.ResourcePolicy{Document: only(condition), MustAllow: true}}
		if err := s.Authorize(t.Context(), c, need); (err == nil) != through {
			t.Errorf("%s: %v", condition, err)
		}
		c.Via = ""
		if err := s.Authorize(t.Context(), c, need); (err == nil) == through && !strings.Contains(condition, "sns") {
			t.Errorf("%s, called directly: %v", condition, err)
		}
	}
}

// A policy that names a user who was deleted means nobody who comes after.
func TestResourcePolicyMeansWhoWasThere(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	plain := cast(t, s)["plain"]
	document := statements(grantTo(`{"AWS":"` + plain.ARN + `"}`))
	trusted, err := s.TrustedIDs(account, document)
	must(t, err)
	ask := func(id aws.Identity) error {
		c := &aws.Call{Service: "s3", Region: "us-east-1", Identity: id, TLS: &tls.ConnectionState{}}
		return s.Authorize(t.Context(), c, aws.Permission{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
			Policy: &aws.ResourcePolicy{Account: account, Document: document, Trusted: trusted}})
	}
	must(t, ask(plain))
	must(t, s.Users.Delete(account, "plain", func(*identity.User) error { return nil }))
	again := user("plain")
	must(t, s.Users.Create(account, again, nil))
	plain.PrincipalID = again.ID
	if ask(plain) == nil {
		t.Error("a user who was made again was taken for the first")
	}
}
