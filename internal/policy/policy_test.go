package policy_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cairn/internal/policy"
)

// rows reads a table: one row per line, "#" begins a comment, cells are
// separated by sep. Every table must have at least as many rows as it has now.
func rows(t *testing.T, name, sep string, cells, atLeast int) (table [][]string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(b), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		row := strings.Split(line, sep)
		if sep == "" {
			row = strings.Fields(line)
		}
		if len(row) != cells {
			t.Fatalf("%s:%d: %d cells, want %d", name, i+1, len(row), cells)
		}
		table = append(table, row)
	}
	if len(table) < atLeast {
		t.Fatalf("%s has %d rows, want at least %d", name, len(table), atLeast)
	}
	return table
}

func mustParse(t testing.TB, document string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(document))
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return p
}

func statement(elements string) string {
	return `{"Version":"2012-10-17","Statement":{` + elements + `}}`
}

// callers are those that the tables name.
var callers = map[string]policy.Principal{
	"user": {
		Type: policy.User, AccountID: "111111111111", ID: "AIDAEXAMPLEEXAMPLE11", CanonicalUser: canonical,
		ARN: "arn:aws:iam::111111111111:user/kim",
	},
	"role": {
		Type: policy.AssumedRole, AccountID: "111111111111", ID: "AROAEXAMPLEEXAMPLE11:kim", CanonicalUser: canonical,
		ARN:       "arn:aws:sts::111111111111:assumed-role/admin/kim",
		IssuerARN: "arn:aws:iam::111111111111:role/team/admin",
	},
	"fed": {
		Type: policy.FederatedUser, AccountID: "111111111111", ID: "111111111111:fay", CanonicalUser: canonical,
		ARN:       "arn:aws:sts::111111111111:federated-user/fay",
		IssuerARN: "arn:aws:iam::111111111111:user/kim",
	},
	"fedroot": {
		Type: policy.FederatedUser, AccountID: "111111111111", ID: "111111111111:fay", CanonicalUser: canonical,
		ARN:       "arn:aws:sts::111111111111:federated-user/fay",
		IssuerARN: "arn:aws:iam::111111111111:root",
	},
	"root": {
		Type: policy.Root, AccountID: "111111111111", ID: "111111111111", CanonicalUser: canonical,
		ARN: "arn:aws:iam::111111111111:root",
	},
	"service":   {Type: policy.AWSService, Service: "cloudtrail.amazonaws.com"},
	"web":       {Type: policy.WebOrSAML, Provider: "accounts.google.com"},
	"anonymous": {Type: policy.Anonymous},
}

const canonical = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"

// outcome tells whether a policy allows, denies or does neither.
func outcome(d policy.Decision) string {
	switch {
	case d.Allowed:
		return "allow"
	case d.Explicit:
		return "explicit"
	}
	return "implicit"
}

// identityOutcome evaluates a policy of the user alone.
func identityOutcome(t *testing.T, document string, req *policy.Request) string {
	t.Helper()
	req.Principal = callers["user"]
	return outcome(policy.Evaluate(req, &policy.Policies{Identity: []policy.Named{{Policy: mustParse(t, document)}}}))
}

// expect checks a statement as an Allow and as a Deny.
func expect(t *testing.T, row []string, allow, deny string, wantAllow, wantDeny bool) {
	t.Helper()
	if got := allow == "allow"; got != wantAllow {
		t.Errorf("%q: Allow applies: %v, want %v", row, got, wantAllow)
	}
	if got := deny == "explicit"; got != wantDeny {
		t.Errorf("%q: Deny applies: %v, want %v", row, got, wantDeny)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "conditions.txt", " | ", 4, 240) {
		var ctx policy.Context
		switch {
		case row[2] == "-":
		case row[2][0] == '[':
			var values []string
			if err := json.Unmarshal([]byte(row[2]), &values); err != nil {
				t.Fatal(row, err)
			}
			ctx.Set("Test:KEY", values...)
		default:
			var value string
			if err := json.Unmarshal([]byte(row[2]), &value); err != nil {
				t.Fatal(row, err)
			}
			ctx.Set("Test:KEY", value)
		}
		condition := `"Action":"*","Resource":"*","Condition":{"` + row[0] + `":{"tesT:key":` + row[1] + `}}`
		req := &policy.Request{Action: "s3:GetObject", Resource: "*", Context: &ctx}
		allow := identityOutcome(t, statement(`"Effect":"Allow",`+condition), req)
		deny := identityOutcome(t, statement(`"Effect":"Deny",`+condition), req)
		expect(t, row, allow, deny, row[3] == "yes", row[3] != "no")
	}
}

// All conditions of a statement have to hold.
func TestConditionsTogether(t *testing.T) {
	t.Parallel()
	document := statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{
		"StringEquals":{"t:a":"1","t:b":"1"},"Bool":{"t:c":"true"}}`)
	for bits := range 8 {
		var ctx policy.Context
		for i, key := range []string{"t:a", "t:b", "t:c"} {
			if bits&(1<<i) != 0 {
				ctx.Set(key, []string{"1", "1", "true"}[i])
			}
		}
		req := &policy.Request{Action: "s3:GetObject", Resource: "*", Context: &ctx}
		if got := identityOutcome(t, document, req) == "allow"; got != (bits == 7) {
			t.Errorf("keys %03b: allowed: %v", bits, got)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "variables.txt", " | ", 5, 65) {
		var ctx policy.Context
		ctx.Set("aws:username", "kim")
		ctx.Set("aws:PrincipalTag/team", "red")
		ctx.Set("t:star", "a*b")
		ctx.Set("t:empty", "")
		ctx.Set("t:two", "x", "y")
		ctx.Set("t:arn", "arn:aws:s3:::kim")
		where, old := strings.CutPrefix(row[0], "2008 ")
		quoted, _ := json.Marshal(row[1])
		req := &policy.Request{Action: "s3:GetObject", Resource: "*", Context: &ctx}
		elements := `"Resource":"*","Condition":{"` + where + `":{"t:value":` + string(quoted) + `}}`
		if strings.HasSuffix(where, "Resource") {
			elements = `"` + where + `":` + string(quoted)
			req.Resource = row[2]
		} else {
			ctx.Set("t:value", row[2])
		}
		document := func(effect string) string {
			d := statement(`"Effect":"` + effect + `","Action":"*",` + elements)
			if old {
				d = strings.Replace(d, "2012", "2008", 1)
			}
			return d
		}
		allow, deny := identityOutcome(t, document("Allow"), req), identityOutcome(t, document("Deny"), req)
		expect(t, row, allow, deny, row[3] == "yes", row[4] == "yes")
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "elements.txt", " | ", 5, 40) {
		rest := `"Resource":"*"`
		if strings.HasSuffix(row[0], "Resource") {
			rest = `"Action":"*"`
		}
		elements := `"` + row[0] + `":` + row[1] + `,` + rest
		req := &policy.Request{Action: row[2], Resource: row[3]}
		allow := identityOutcome(t, statement(`"Effect":"Allow",`+elements), req)
		deny := identityOutcome(t, statement(`"Effect":"Deny",`+elements), req)
		expect(t, row, allow, deny, row[4] == "yes", row[4] == "yes")
	}
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "principals.txt", " | ", 5, 50) {
		apply := func(effect string) string {
			return outcome(policy.Evaluate(
				&policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Principal: callers[row[2]]},
				&policy.Policies{
					ResourceMustAllow: true,
					Resource:          mustParse(t, statement(`"Effect":"`+effect+`","Action":"*","Resource":"*","`+row[0]+`":`+row[1])),
				}))
		}
		expect(t, row, apply("Allow"), apply("Deny"), row[3] == "yes", row[4] == "yes")
	}
}

// What the kind of policy forbids or lacks never grants, even unvalidated.
func TestUnfitPolicies(t *testing.T) {
	t.Parallel()
	with := mustParse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"`))
	without := mustParse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*"`))
	noResource := mustParse(t, statement(`"Effect":"Allow","Action":"*"`))
	req := &policy.Request{Action: "s3:GetObject", Resource: "*", Principal: callers["user"]}
	for name, p := range map[string]*policy.Policies{
		"identity-based with Principal":     {Identity: []policy.Named{{Policy: with}}},
		"identity-based without Resource":   {Identity: []policy.Named{{Policy: noResource}}},
		"resource-based without Principal":  {Resource: without},
		"boundary with Principal":           {Identity: []policy.Named{{Policy: without}}, PermissionsBoundary: with},
		"session policy without Resource":   {Identity: []policy.Named{{Policy: without}}, Session: []*policy.Policy{noResource}},
		"session policy that is not there":  {Identity: []policy.Named{{Policy: without}}, Session: []*policy.Policy{nil}},
		"level without control policies":    {Identity: []policy.Named{{Policy: without}}, SCPs: [][]*policy.Policy{{}}},
		"identity-based that are not there": {Identity: []policy.Named{{Policy: nil}}},
	} {
		if d := policy.Evaluate(req, p); d.Allowed {
			t.Errorf("%s: %s", name, d.Reason())
		}
	}
	denyWithout := mustParse(t, statement(`"Effect":"Deny","Action":"*","Resource":"*"`))
	p := &policy.Policies{Identity: []policy.Named{{Policy: without}}, Resource: denyWithout}
	if d := policy.Evaluate(req, p); d.Allowed {
		t.Errorf("a Deny without Principal: %s", d.Reason())
	}
}

// jsonDetail is what the JSON decoder says of a fault, in its own words.
var jsonDetail = regexp.MustCompile(`(not valid JSON) \(.*\)`)

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "errors.txt", " => ", 2, 80) {
		document := strings.ReplaceAll(row[0], "$S", `"Effect":"Allow","Action":"s3:*"`)
		_, err := policy.Parse([]byte(document))
		var parseError *policy.ParseError
		switch {
		case err == nil:
			t.Errorf("%s: no error, want %s", row[0], row[1])
		case !errors.As(err, &parseError):
			t.Errorf("%s: %T", row[0], err)
		case jsonDetail.ReplaceAllString(err.Error(), "$1") != row[1]:
			t.Errorf("%s\n got %v\nwant %s", row[0], err, row[1])
		}
	}
}

var kinds = map[string]policy.Kind{
	"identity": policy.IdentityPolicy, "resource": policy.ResourcePolicy, "trust": policy.TrustPolicy,
	"boundary": policy.PermissionsBoundary, "session": policy.SessionPolicy, "scp": policy.ServiceControlPolicy,
	"none": policy.NoPolicy,
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "kinds.txt", " | ", 3, 27) {
		p := mustParse(t, `{"Version":"2012-10-17","Statement":[`+row[1]+`]}`)
		got := "ok"
		if err := p.Validate(kinds[row[0]]); err != nil {
			got = err.Error()
		}
		want := row[2]
		if want != "ok" {
			want = "Statement[0]: " + want + " at byte 37"
		}
		if got != want {
			t.Errorf("%s %s\n got %s\nwant %s", row[0], row[1], got, want)
		}
	}
	twice := mustParse(t, `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},
		{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"}]}`)
	const want = `Statement[1]: Sid "A" stands in another statement already at byte 74`
	if err := twice.Validate(policy.IdentityPolicy); err == nil || err.Error() != want {
		t.Errorf("one Sid twice: %v, want %s", err, want)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]int{
		"":                           0,
		" {\n\t\"a\" : \"b c\"\r\n}": 10,
		`{"é":"日本"}`:                 10,
	} {
		if got := policy.Size([]byte(document)); got != want {
			t.Errorf("%q: %d, want %d", document, got, want)
		}
	}
}

func TestSetPrincipal(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]map[string]string{
		"user": {
			"aws:PrincipalType": "User", "aws:username": "kim", "aws:userid": "AIDAEXAMPLEEXAMPLE11",
			"aws:PrincipalArn": "arn:aws:iam::111111111111:user/kim", "aws:PrincipalAccount": "111111111111",
			"aws:PrincipalIsAWSService": "false",
		},
		"role": {
			"aws:PrincipalType": "AssumedRole", "aws:userid": "AROAEXAMPLEEXAMPLE11:kim", "aws:username": "",
			"aws:PrincipalArn": "arn:aws:iam::111111111111:role/team/admin",
		},
		"root": {
			"aws:PrincipalType": "Account", "aws:username": "", "aws:PrincipalArn": "arn:aws:iam::111111111111:root",
		},
		"fed": {
			"aws:PrincipalType": "FederatedUser", "aws:PrincipalArn": "arn:aws:sts::111111111111:federated-user/fay",
		},
		"service": {
			"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": "cloudtrail.amazonaws.com",
			"aws:PrincipalAccount": "", "aws:PrincipalType": "",
		},
		"anonymous": {"aws:PrincipalType": "Anonymous", "aws:PrincipalArn": ""},
		"web":       {"aws:PrincipalType": ""},
	} {
		caller := callers[name]
		var ctx policy.Context
		ctx.SetPrincipal(&caller)
		for key, value := range want {
			condition := `"StringEquals":{"` + key + `":"` + value + `"}`
			if value == "" {
				condition = `"Null":{"` + key + `":"true"}`
			}
			document := statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}`)
			if identityOutcome(t, document, &policy.Request{Action: "a:b", Resource: "*", Context: &ctx}) != "allow" {
				t.Errorf("%s: %s is not %q", name, key, value)
			}
		}
	}
}
