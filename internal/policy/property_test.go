package policy_test

import (
	"encoding/json"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cairn/internal/policy"
)

var long = flag.Bool("long", false, "run the tests that need minutes at their full figures")

// The generators draw from few values that resemble one another, so that most
// patterns match now and then.
var (
	actions   = []string{"s3:GetObject", "s3:PutObject", "S3:GETOBJECT", "sns:Publish", "s3:G"}
	actionsIn = []string{"*", "*", "s3:*", "s3:*", "s3:Get*", "S3:getobject", "s3:?etObject", "*:*", "sns:Publish", "s3:*Object", "s3:*t*"}
	resources = []string{"*", "arn:aws:s3:::b", "arn:aws:s3:::b/kim/a", "arn:aws:s3:::b/a*b", "arn:aws:s3:::bé:é", "arn:aws:s3:::"}

	resourcesIn = []string{
		"*", "*", "*", "*", "arn:aws:s3:::*", "arn:aws:s3:::b", "arn:aws:s3:::b*", "arn:aws:s3:::b/${t:name}/*", "arn:aws:s3:::b/${t:list}/a",
		"arn:aws:s3:::*/a", "arn:aws:s3:::b/a${*}b", "arn:aws:s3:::b??*", "arn:aws:s3:::${t:none, 'b'}", "arn:aws:s3:::${t:none}*",
		"arn:*:?3:*:*:b*", "arn:aws:s3:::*a*a*", "arn:aws:s3:::*?b",
	}
	keys  = []string{"t:name", "T:List", "t:none", "t:number", "t:Date", "t:flag", "t:address", "t:arn"}
	texts = []string{"", "kim", "Kim", "kimkim", "a*b", "aXb", "é"}
	likes = []string{"", "kim", "KIM", "k*", "*m", "?im", "*", "*?*", "k*m*m", "${t:name}", "${t:name}*", "${t:list}", "${t:none, 'kim'}", "${t:none}", "a${*}b", "é", "?"}

	numbers = []string{"0", "-0.0", "1", "1.0", "10", "9.99", "-3", "1e1", "0.001", "+1"}
	dates   = []string{"2026", "2026-01", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-12-31T23:59Z", "1767225600", "12", "2026-02-03"}
	flags   = []string{"true", "false", "TRUE"}
	binary  = []string{"", "a", "kim"}
	base64s = []string{"", "YQ==", "a2lt"}
	ranges  = []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.1.1", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1", "::/0"}
	ips     = []string{"10.1.1.1", "10.2.0.0", "192.0.2.1", "2001:db8::1", "2001:db9::1", "nowhere"}
	arns    = []string{"arn:aws:s3:::b", "arn:aws:s3:::b:c", "arn:aws:sns:us-east-1:1:t", "no ARN", "arn:aws:s3:::kim"}
	arnsIn  = []string{"arn:aws:s3:::*", "arn:*:*:*:*:*", "arn:aws:s3:::${t:name}", "arn:aws:s3:::b*", "${t:arn}", "*", "arn:aws:sns:*:?:t", "arn:aws:s3:::${t:none}"}

	principalsIn = []string{
		`"*"`, `{"AWS":"*"}`, `{"AWS":"111111111111"}`, `{"AWS":"arn:aws:iam::111111111111:root"}`,
		`{"AWS":"arn:aws:iam::111111111111:user/kim"}`, `{"AWS":"arn:aws:iam::111111111111:role/team/admin"}`,
		`{"AWS":"arn:aws:sts::111111111111:assumed-role/admin/kim"}`, `{"Service":"cloudtrail.amazonaws.com"}`,
		`{"Service":"*","AWS":"222222222222"}`, `{"Federated":"accounts.google.com"}`,
		`{"AWS":["arn:aws:iam::111111111111:user/kim","111111111111"]}`,
		`{"AWS":["arn:aws:sts::111111111111:assumed-role/admin/kim","arn:aws:iam::111111111111:role/team/admin","111111111111"]}`,
		`{"AWS":["arn:aws:sts::111111111111:federated-user/fay","arn:aws:iam::111111111111:user/kim"]}`,
	}
)

// operatorsOf lists operators with the values that policies and requests have.
var operatorsOf = []struct {
	operators, in, values []string
}{
	{[]string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"}, likes, texts},
	{[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"}, numbers, slices.Concat(numbers, []string{"x"})},
	{[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"}, dates, slices.Concat(dates, []string{"x"})},
	{[]string{"Bool"}, flags, flags},
	{[]string{"BinaryEquals"}, base64s, binary},
	{[]string{"IpAddress", "NotIpAddress"}, ranges, ips},
	{[]string{"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"}, arnsIn, arns},
}

func oneOf[T any](t *rapid.T, from []T) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(t, "choice")]
}

func someOf(t *rapid.T, from []string) (list []string) {
	for range rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "count") {
		list = append(list, oneOf(t, from))
	}
	return list
}

func chance(t *rapid.T, outOf int) bool {
	return rapid.IntRange(1, outOf).Draw(t, "chance") == 1
}

// drawCondition draws an operator and a key whose values mostly suit it.
func drawCondition(t *rapid.T, into map[string]map[string]any) {
	if chance(t, 8) {
		into["Null"] = map[string]any{oneOf(t, keys): oneOf(t, []string{"true", "false"})}
		return
	}
	which := oneOf(t, operatorsOf)
	operator := oneOf(t, []string{"", "", "ForAllValues:", "ForAnyValue:"}) + oneOf(t, which.operators) + oneOf(t, []string{"", "", "IfExists"})
	key := oneOf(t, keys)
	into[operator] = map[string]any{key: someOf(t, which.in)}
}

func drawPolicy(t *rapid.T, withPrincipal bool) string {
	var statements []any
	for range rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "statements") {
		s := map[string]any{"Effect": oneOf(t, []string{"Allow", "Allow", "Allow", "Allow", "Allow", "Allow", "Deny"})}
		s[oneOf(t, []string{"Action", "Action", "Action", "Action", "NotAction"})] = someOf(t, actionsIn)
		s[oneOf(t, []string{"Resource", "Resource", "Resource", "NotResource"})] = someOf(t, resourcesIn)
		conditions := map[string]map[string]any{}
		for range rapid.SampledFrom([]int{0, 0, 1, 1, 1, 2}).Draw(t, "conditions") {
			drawCondition(t, conditions)
		}
		if len(conditions) > 0 {
			s["Condition"] = conditions
		}
		if withPrincipal {
			s[oneOf(t, []string{"Principal", "Principal", "Principal", "NotPrincipal"})] = json.RawMessage(oneOf(t, principalsIn))
		}
		statements = append(statements, s)
	}
	d := map[string]any{"Statement": statements, "Version": oneOf(t, []string{"2012-10-17", "2012-10-17", "2008-10-17"})}
	if d["Version"] == "2008-10-17" {
		// Without variables, "${" in these values is no ARN and no number.
		for _, s := range statements {
			delete(s.(map[string]any), "Condition")
		}
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func drawPolicies(t *rapid.T) (list []string) {
	for range rapid.SampledFrom([]int{0, 1, 1, 2}).Draw(t, "policies") {
		list = append(list, drawPolicy(t, false))
	}
	return list
}

func drawContext(t *rapid.T) map[string][]string {
	ctx := map[string][]string{}
	for _, key := range keys {
		if key == "t:none" || chance(t, 4) {
			continue
		}
		which := oneOf(t, operatorsOf)
		values := someOf(t, which.values)
		switch {
		case key == "t:name":
			values = []string{oneOf(t, []string{"kim", "b", "é"})}
		case key == "t:arn":
			values = []string{oneOf(t, arns)}
		case chance(t, 10):
			values = nil
		}
		ctx[strings.ToLower(key)] = values
	}
	return ctx
}

// One check draws policies and asks both evaluators for several requests.
const requestsPerCheck = 10

func checkAgainstModel(t *rapid.T, outcomes map[string]int) {
	var m modelPolicies
	var p policy.Policies
	parse := func(documents []string) (parsed []*policy.Policy) {
		for _, d := range documents {
			one, err := policy.Parse([]byte(d))
			if err != nil {
				t.Fatalf("%s: %v", d, err)
			}
			parsed = append(parsed, one)
		}
		return parsed
	}
	m.identity = drawPolicies(t)
	for _, one := range parse(m.identity) {
		p.Identity = append(p.Identity, policy.Named{Policy: one})
	}
	if chance(t, 2) {
		m.resource = drawPolicy(t, true)
		p.Resource = parse([]string{m.resource})[0]
	}
	if chance(t, 3) {
		m.boundary = drawPolicy(t, false)
		p.PermissionsBoundary = parse([]string{m.boundary})[0]
	}
	if chance(t, 3) {
		m.session = drawPolicies(t)
		p.Session = parse(m.session)
	}
	if chance(t, 4) {
		level := append(drawPolicies(t), drawPolicy(t, false))
		m.scps = append(m.scps, level)
		p.SCPs = append(p.SCPs, parse(level))
	}
	m.owner = oneOf(t, []string{"", "111111111111", "222222222222"})
	m.resourceMustAllow = chance(t, 4)
	p.ResourceAccount, p.ResourceMustAllow = m.owner, m.resourceMustAllow

	for range requestsPerCheck {
		r := modelRequest{oneOf(t, actions), oneOf(t, resources), callers[oneOf(t, callerNames)], drawContext(t)}
		var ctx policy.Context
		for key, values := range r.context {
			ctx.Set(key, values...)
		}
		req := &policy.Request{Action: r.action, Resource: r.resource, Principal: r.caller, Context: &ctx}
		d := policy.Evaluate(req, &p)
		want := modelEvaluate(r, m)
		outcomes[want]++
		if outcome(d) != want {
			t.Fatalf("%s, want %s\nrequest %+v\npolicies %+v", d.Reason(), want, r, m)
		}
	}
}

var callerNames = []string{"user", "role", "fed", "root", "service", "web", "anonymous"}

// TestModel compares 5,000 requests with the model, 1,000 with -short and
// 100,000 with -long. Each round has as many checks as rapid's flag says, 100 by
// default.
func TestModel(t *testing.T) {
	t.Parallel()
	rounds := 5
	switch {
	case *long:
		rounds = 100
	case testing.Short():
		rounds = 1
	}
	outcomes := map[string]int{}
	for range rounds {
		rapid.Check(t, func(t *rapid.T) { checkAgainstModel(t, outcomes) })
	}
	all := outcomes["allow"] + outcomes["explicit"] + outcomes["implicit"]
	for _, one := range []string{"allow", "explicit", "implicit"} {
		if outcomes[one] < all/20 {
			t.Errorf("of %d requests, only %d came out as %s: the generators have gone dull", all, outcomes[one], one)
		}
	}
	t.Log(outcomes)
}

// The tables' callers are what the generators use, less one that the model does
// not know.
func TestModelCallers(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(callers))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "fedroot" })
	if want := slices.Sorted(slices.Values(callerNames)); !slices.Equal(names, want) {
		t.Errorf("callers %v, generated %v", names, want)
	}
}
