package policy_test

import (
	"strings"
	"testing"

	"cairn/internal/policy"
)

const (
	allowIt    = `"Effect":"Allow","Action":["s3:GetObject","sts:AssumeRole"]`
	allowOther = `"Effect":"Allow","Action":["s3:PutObject","sts:TagSession"]`
	denyIt     = `"Effect":"Deny","Action":["s3:GetObject","sts:AssumeRole"]`
)

var effects = map[string]string{"A": allowIt, "N": allowOther, "D": denyIt}

// lists parses a cell such as "A,N" into policies without principals.
func list(t *testing.T, cell string) (policies []*policy.Policy) {
	t.Helper()
	if cell == "-" {
		return nil
	}
	for _, letter := range strings.Split(cell, ",") {
		policies = append(policies, mustParse(t, statement(effects[letter]+`,"Resource":"*"`)))
	}
	return policies
}

// resourcePolicy parses a cell such as "A:self".
func resourcePolicy(t *testing.T, cell string, caller policy.Principal, trust bool) *policy.Policy {
	t.Helper()
	if cell == "-" {
		return nil
	}
	effect, who, _ := strings.Cut(cell, ":")
	principal := map[string]string{
		"self":     `{"AWS":"` + caller.ARN + `"}`,
		"issuer":   `{"AWS":"` + caller.IssuerARN + `"}`,
		"account":  `{"AWS":"111111111111"}`,
		"everyone": `"*"`,
		"other":    `{"AWS":["333333333333","arn:aws:iam::111111111111:user/lee"],"Service":"config.amazonaws.com"}`,
	}[who]
	switch {
	case who == "self" && caller.Type == policy.AWSService:
		principal = `{"Service":"` + caller.Service + `"}`
	case who == "self" && caller.Type == policy.WebOrSAML:
		principal = `{"Federated":"` + caller.Provider + `"}`
	}
	elements := effects[effect] + `,"Principal":` + principal
	if !trust {
		elements += `,"Resource":"*"`
	}
	return mustParse(t, statement(elements))
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "decisions.txt", "", 8, 215) {
		caller, ok := callers[row[0]]
		if !ok {
			t.Fatalf("no caller %s", row[0])
		}
		var p policy.Policies
		for _, identity := range list(t, row[1]) {
			p.Identity = append(p.Identity, policy.Named{Name: "named", Policy: identity})
		}
		other, owner := strings.CutPrefix(row[6], "other")
		trust := strings.HasSuffix(row[6], "trust")
		p.Resource = resourcePolicy(t, row[2], caller, trust)
		if boundary := list(t, row[3]); boundary != nil {
			p.PermissionsBoundary = boundary[0]
		}
		p.Session = list(t, row[4])
		if row[5] != "-" {
			for _, level := range strings.Split(row[5], "/") {
				p.SCPs = append(p.SCPs, list(t, level))
			}
		}
		p.ResourceAccount = "111111111111"
		if owner {
			p.ResourceAccount = "222222222222"
		}
		p.ResourceMustAllow = other == "key"

		req := &policy.Request{Action: "s3:getobject", Resource: "arn:aws:s3:::b/k", Principal: caller}
		evaluate := policy.Evaluate
		if trust {
			req.Action, req.Resource = "sts:AssumeRole", "arn:aws:iam::"+p.ResourceAccount+":role/r"
			evaluate = policy.EvaluateTrust
		}
		d := evaluate(req, &p)
		wantOutcome, wantKind, _ := strings.Cut(row[7], ":")
		if outcome(d) != wantOutcome || d.Kind != kinds[wantKind] {
			t.Errorf("%s\n got %s", strings.Join(row, " "), d.Reason())
		}
		if d.Explicit != (d.Statement >= 0) || (d.Policy == "named") != (d.Explicit && d.Kind == policy.IdentityPolicy) {
			t.Errorf("%s\n decision %+v does not name what decided", strings.Join(row, " "), d)
		}
		if (d.Message(req) == "") != d.Allowed {
			t.Errorf("%s\n message %q", strings.Join(row, " "), d.Message(req))
		}
	}
}

// The decision names the statement, and prefers the one that is limited least.
func TestDecisionStatement(t *testing.T) {
	t.Parallel()
	p := mustParse(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Account","Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"*","Resource":"*"},
		{"Sid":"Role","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/team/admin"},"Action":"*","Resource":"*"},
		{"Sid":"Session","Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/admin/kim"},"Action":"s3:*","Resource":"*"},
		{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:Put*","Resource":"*"}]}`)
	for action, want := range map[string]string{
		"s3:GetObject":     "allowed by statement 2 (Session) of the resource-based policy",
		"s3:PutObject":     "denied by statement 3 (No) of the resource-based policy",
		"sns:Publish":      "allowed by statement 1 (Role) of the resource-based policy",
		"sqs:ReceiveQueue": "allowed by statement 1 (Role) of the resource-based policy",
	} {
		req := &policy.Request{Action: action, Resource: "arn:aws:s3:::b", Principal: callers["role"]}
		if got := policy.Evaluate(req, &policy.Policies{Resource: p}).Reason(); got != want {
			t.Errorf("%s: %s, want %s", action, got, want)
		}
	}
	named := []policy.Named{
		{Name: "first", Policy: mustParse(t, statement(allowOther+`,"Resource":"*"`))},
		{Name: "second", Policy: mustParse(t, statement(`"Sid":"Get",`+allowIt+`,"Resource":"*"`))},
		{Name: "third", Policy: mustParse(t, statement(allowIt+`,"Resource":"*"`))},
	}
	req := &policy.Request{Action: "s3:GetObject", Resource: "*", Principal: callers["user"]}
	const want = "allowed by statement 0 (Get) of the identity-based policy second"
	if got := policy.Evaluate(req, &policy.Policies{Identity: named}).Reason(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Unless it is said, whose a resource is stands in its ARN.
func TestResourceAccount(t *testing.T) {
	t.Parallel()
	identity := []policy.Named{{Policy: list(t, "A")[0]}}
	everyone := resourcePolicy(t, "A:everyone", callers["user"], false)
	for _, c := range []struct{ resource, account, want string }{
		{"arn:aws:sns:us-east-1:111111111111:t", "", "allow"},
		{"arn:aws:sns:us-east-1:222222222222:t", "", "implicit"},
		{"arn:aws:sns:us-east-1:222222222222:t", "111111111111", "allow"},
		{"arn:aws:sns:us-east-1:111111111111:t", "222222222222", "implicit"},
		{"arn:aws:s3:::b", "", "allow"},
		{"arn:aws:s3:::b:222222222222:c", "", "allow"},
		{"arn:aws:iam::aws:policy/AdministratorAccess", "", "allow"},
		{"*", "", "allow"},
		{"*", "222222222222", "implicit"},
	} {
		for _, caller := range []string{"user", "root"} {
			req := &policy.Request{Action: "s3:GetObject", Resource: c.resource, Principal: callers[caller]}
			p := policy.Policies{Identity: identity, ResourceAccount: c.account}
			if got := outcome(policy.Evaluate(req, &p)); got != c.want {
				t.Errorf("%s: %+v: %s", caller, c, got)
			}
			p = policy.Policies{Resource: everyone, ResourceAccount: c.account}
			want := c.want
			if caller == "root" {
				want = "allow" // the resource's policy lets in the account's root
			}
			if got := outcome(policy.Evaluate(req, &p)); got != want {
				t.Errorf("%s by the resource's policy: %+v: %s", caller, c, got)
			}
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	req := &policy.Request{Action: "s3:GetObject", Resource: "*", Principal: callers["root"]}
	if got := policy.Evaluate(req, &policy.Policies{}).Reason(); got != "allowed: the root user needs no policy" {
		t.Error(got)
	}
	req.Principal = callers["user"]
	if got := policy.Evaluate(req, &policy.Policies{}).Reason(); got != "denied: no identity-based policy allows it" {
		t.Error(got)
	}
	named := []policy.Named{{Name: "p", Policy: mustParse(t, statement(denyIt+`,"Resource":"*"`))}}
	if got := policy.Evaluate(req, &policy.Policies{Identity: named}).Reason(); got != "denied by statement 0 of the identity-based policy p" {
		t.Error(got)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	const user = "User: arn:aws:iam::111111111111:user/kim is not authorized to perform: s3:GetObject"
	allow, deny := list(t, "A")[0], list(t, "D")[0]
	identity := []policy.Named{{Name: "secret", Policy: allow}}
	for _, c := range []struct {
		resource string
		caller   string
		policies policy.Policies
		want     string
	}{
		{"*", "user", policy.Policies{},
			user + " because no identity-based policy allows the s3:GetObject action"},
		{"", "user", policy.Policies{},
			user + " because no identity-based policy allows the s3:GetObject action"},
		{"arn:aws:s3:::b", "user", policy.Policies{},
			user + ` on resource: "arn:aws:s3:::b"` + " because no identity-based policy allows the s3:GetObject action"},
		{"*", "user", policy.Policies{Identity: []policy.Named{{Name: "secret", Policy: deny}}},
			user + " with an explicit deny in an identity-based policy"},
		{"*", "user", policy.Policies{Identity: identity, PermissionsBoundary: deny},
			user + " with an explicit deny in a permissions boundary"},
		{"*", "user", policy.Policies{Identity: identity, PermissionsBoundary: list(t, "N")[0]},
			user + " because no permissions boundary allows the s3:GetObject action"},
		{"*", "user", policy.Policies{Identity: identity, Session: list(t, "N")},
			user + " because no session policy allows the s3:GetObject action"},
		{"*", "user", policy.Policies{Identity: identity, Session: list(t, "D")},
			user + " with an explicit deny in a session policy"},
		{"*", "user", policy.Policies{Identity: identity, SCPs: [][]*policy.Policy{list(t, "N")}},
			user + " because no service control policy allows the s3:GetObject action"},
		{"*", "user", policy.Policies{Identity: identity, SCPs: [][]*policy.Policy{list(t, "D")}},
			user + " with an explicit deny in a service control policy"},
		{"*", "user", policy.Policies{Identity: identity, ResourceAccount: "222222222222"},
			user + " because no resource-based policy allows the s3:GetObject action"},
		{"*", "user", policy.Policies{Identity: identity, Resource: resourcePolicy(t, "D:self", callers["user"], false)},
			user + " with an explicit deny in a resource-based policy"},
		{"*", "service", policy.Policies{},
			"User: cloudtrail.amazonaws.com is not authorized to perform: s3:GetObject because no resource-based policy allows the s3:GetObject action"},
		{"*", "web", policy.Policies{},
			"User: accounts.google.com is not authorized to perform: s3:GetObject because no resource-based policy allows the s3:GetObject action"},
		{"*", "anonymous", policy.Policies{},
			"User: anonymous is not authorized to perform: s3:GetObject because no resource-based policy allows the s3:GetObject action"},
	} {
		req := &policy.Request{Action: "s3:GetObject", Resource: c.resource, Principal: callers[c.caller]}
		if got := policy.Evaluate(req, &c.policies).Message(req); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}

	const role = "arn:aws:iam::222222222222:role/r"
	req := &policy.Request{Action: "sts:AssumeRole", Resource: role, Principal: callers["user"]}
	const prefix = "User: arn:aws:iam::111111111111:user/kim is not authorized to perform: sts:AssumeRole on resource: " + role
	p := policy.Policies{Identity: identity, ResourceAccount: "222222222222"}
	if got := policy.EvaluateTrust(req, &p).Message(req); got != prefix+" because no role trust policy allows the sts:AssumeRole action" {
		t.Error(got)
	}
	p.Resource = resourcePolicy(t, "D:everyone", callers["user"], true)
	if got := policy.EvaluateTrust(req, &p).Message(req); got != prefix+" with an explicit deny in the role trust policy" {
		t.Error(got)
	}
}
