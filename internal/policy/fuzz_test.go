package policy_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"cairn/internal/policy"
)

// What Parse takes is valid JSON for the standard library too, comes back from
// MarshalJSON with the same meaning, and can be evaluated.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"errors.txt", "kinds.txt"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			document, _, _ := strings.Cut(line, " => ")
			if cells := strings.Split(line, " | "); len(cells) == 3 {
				document = `{"Version":"2012-10-17","Statement":[` + cells[1] + `]}`
			}
			f.Add([]byte(strings.ReplaceAll(document, "$S", `"Effect":"Allow","Action":"s3:*"`)))
		}
	}
	f.Add([]byte(statement(`"Sid":"1","Effect":"Deny","NotAction":["a:b*","*"],"NotResource":"arn:aws:s3:::${aws:username, 'x'}*",
		"Condition":{"ForAllValues:StringNotLikeIfExists":{"a:b":["${*}?",1,true]},"Null":{"a:b":false},
		"ArnLike":{"a:c":"arn:*:?:::${a:b}:*"},"DateLessThan":{"a:d":"2026"},"IpAddress":{"a:e":"::/0"}}`)))
	f.Fuzz(func(t *testing.T, document []byte) {
		p, err := policy.Parse(document)
		if err != nil {
			if p != nil {
				t.Fatal("a policy beside an error")
			}
			return
		}
		if !json.Valid(document) {
			t.Fatal("took what is not JSON")
		}
		first, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := policy.Parse(first)
		if err != nil {
			t.Fatalf("%v in its own form %s", err, first)
		}
		second, err := json.Marshal(again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
		var ctx policy.Context
		for i := range p.Statements {
			for _, c := range p.Statements[i].Conditions {
				ctx.Set(c.Key, c.Values...)
			}
		}
		for _, caller := range callers {
			req := &policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b", Principal: caller, Context: &ctx}
			one, two := fuzzDecisions(req, p), fuzzDecisions(req, again)
			if one != two {
				t.Fatalf("%+v became %+v", one, two)
			}
		}
	})
}

func fuzzDecisions(req *policy.Request, p *policy.Policy) [2]policy.Decision {
	return [2]policy.Decision{
		policy.Evaluate(req, &policy.Policies{Identity: []policy.Named{{Policy: p}}}),
		policy.EvaluateTrust(req, &policy.Policies{Resource: p}),
	}
}

// Documents of up to a few million bytes, which take next to no time, and would
// take minutes if any step were quadratic in the document.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	const n = 200_000
	with := func(resource string) string { return statement(`"Effect":"Allow","Action":"*","Resource":` + resource) }
	for name, document := range map[string]string{
		"open brackets":      strings.Repeat("[", n),
		"open statements":    strings.Repeat(`{"Statement":`, n),
		"nested conditions":  `{"Statement":{"Condition":` + strings.Repeat(`{"a":`, n),
		"many elements":      `{"Statement":{` + strings.Repeat(`"Sid":"a",`, n),
		"many statements":    `{"Statement":[` + strings.Repeat(`{"Effect":"Allow","Action":"*"},`, n/10) + `{"Effect":"Allow","Action":"*"}]}`,
		"dollars":            with(`"arn:aws:s3:::` + strings.Repeat("$", n) + `"`),
		"special characters": with(`"arn:aws:s3:::` + strings.Repeat("${$}", n) + `"`),
		"stars":              with(`"` + strings.Repeat("*", n) + `"`),
		"open variables":     with(`"arn:aws:s3:::` + strings.Repeat("${", n) + `"`),
		"variables":          with(`"arn:aws:s3:::` + strings.Repeat("${a:b}", n) + `"`),
		"resources":          with(`["*"` + strings.Repeat(`,"arn:aws:s3:::*"`, n/10) + `]`),
		"long number":        statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"a:b":` + strings.Repeat("1", n) + `}}`),
		"long key":           statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:` + strings.Repeat("b", n) + `":true}}`),
		"escapes":            with(`"` + strings.Repeat(`\u002a`, n) + `"`),
	} {
		p, err := policy.Parse([]byte(document))
		if strings.HasPrefix(name, "open ") || strings.HasPrefix(name, "nested ") || name == "many elements" {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %.200s", name, err.Error())
			continue
		}
		var ctx policy.Context
		ctx.Set("a:b", strings.Repeat("1", n))
		req := &policy.Request{Action: "a:b", Resource: "arn:aws:s3:::b", Principal: callers["user"], Context: &ctx}
		policy.Evaluate(req, &policy.Policies{Identity: []policy.Named{{Policy: p}}})
	}
}
