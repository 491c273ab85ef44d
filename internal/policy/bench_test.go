package policy_test

import (
	"testing"

	"cairn/internal/policy"
)

// A policy like those that people attach, and a request that its last statement
// decides.
const typicalDocument = `{"Version":"2012-10-17","Statement":[
	{"Sid":"Read","Effect":"Allow","Action":["s3:Get*","s3:List*","sns:List*","sqs:Get*"],"Resource":"*"},
	{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::home/${aws:username}/*","arn:aws:s3:::logs-*/AWSLogs/*"]},
	{"Sid":"Keys","Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::111111111111:user/${aws:username}"},
	{"Sid":"Insecure","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
	{"Sid":"Trail","Effect":"Allow","Action":["cloudtrail:LookupEvents","cloudtrail:Describe*"],"Resource":"*",
	 "Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.0/24"]},"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"},
	 "NumericLessThan":{"aws:MultiFactorAuthAge":"3600"},"StringLike":{"aws:UserAgent":"aws-cli/*"},
	 "ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/*"}}}]}`

func typical(t testing.TB) (*policy.Request, *policy.Policies) {
	caller := callers["user"]
	var ctx policy.Context
	ctx.SetPrincipal(&caller)
	ctx.Set("aws:SecureTransport", "true")
	ctx.Set("aws:SourceIp", "192.0.2.44")
	ctx.Set("aws:CurrentTime", "2026-11-20T11:16:09Z")
	ctx.Set("aws:MultiFactorAuthAge", "120")
	ctx.Set("aws:UserAgent", "aws-cli/1.45.11 md/Botocore#1.43.11")
	return &policy.Request{Action: "cloudtrail:LookupEvents", Resource: "*", Principal: caller, Context: &ctx},
		&policy.Policies{Identity: []policy.Named{{Name: "typical", Policy: mustParse(t, typicalDocument)}}}
}

// The requests of the benchmarks, by name.
func benchRequests(t testing.TB) map[string]func() policy.Decision {
	req, identity := typical(t)
	own := *req
	own.Action, own.Resource = "s3:PutObject", "arn:aws:s3:::home/kim/notes.txt"
	all := *identity
	all.PermissionsBoundary = identity.Identity[0].Policy
	all.SCPs = [][]*policy.Policy{{mustParse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*"`))}}
	all.Session = []*policy.Policy{identity.Identity[0].Policy}
	role := policy.Request{Action: "sts:AssumeRole", Resource: "arn:aws:iam::111111111111:role/r", Principal: callers["user"]}
	trust := policy.Policies{Resource: mustParse(t, statement(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111111111111:user/kim"}`))}
	return map[string]func() policy.Decision{
		"conditions": func() policy.Decision { return policy.Evaluate(req, identity) },
		"variables":  func() policy.Decision { return policy.Evaluate(&own, identity) },
		"all kinds":  func() policy.Decision { return policy.Evaluate(&own, &all) },
		"trust":      func() policy.Decision { return policy.EvaluateTrust(&role, &trust) },
	}
}

// An evaluation takes no memory from the heap.
func TestEvaluateAllocs(t *testing.T) {
	for name, evaluate := range benchRequests(t) {
		if d := evaluate(); !d.Allowed {
			t.Errorf("%s: %s", name, d.Reason())
		}
		if n := testing.AllocsPerRun(100, func() { evaluate() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for name, evaluate := range benchRequests(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				evaluate()
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(typicalDocument)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse([]byte(typicalDocument)); err != nil {
			b.Fatal(err)
		}
	}
}
