package policy_test

import (
	"strings"
	"testing"

	"cairn/internal/policy"
)

func matches(t testing.TB, operator, pattern, value string) bool {
	t.Helper()
	p := mustParse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"`+operator+`":{"t:value":"`+pattern+`"}}`))
	var ctx policy.Context
	ctx.Set("t:value", value)
	ctx.Set("t:as", strings.Repeat("a", 1000))
	req := &policy.Request{Action: "a:b", Resource: "*", Principal: callers["user"], Context: &ctx}
	return policy.Evaluate(req, &policy.Policies{Identity: []policy.Named{{Policy: p}}}).Allowed
}

// Patterns and values on which matchers that backtrack do not come to an end.
// Those without "?" have values of a million bytes, on which not even the
// product of both lengths would.
func TestGlobWorstCases(t *testing.T) {
	t.Parallel()
	const n = 1_000_000
	as := strings.Repeat("a", n)
	for _, c := range []struct {
		name, operator, pattern, value string
		want                           bool
	}{
		{"many stars, no end", "StringLike", strings.Repeat("a*", 3000) + "b", as, false},
		{"many stars, an end", "StringLike", strings.Repeat("a*", 3000) + "b", as + "b", true},
		{"stars alone", "StringLike", strings.Repeat("*", 6000), as, true},
		{"long run, no end", "StringLike", "*" + strings.Repeat("a", 5000) + "b*", as, false},
		{"long run, an end", "StringLike", "*" + strings.Repeat("a", 5000) + "b*", as + "b", true},
		{"long runs", "StringLike", strings.Repeat("*"+strings.Repeat("a", 100)+"b", 50), as, false},
		{"long suffix", "StringLike", "*" + strings.Repeat("a", 5000), as, true},
		{"overlap of prefix and suffix", "StringLike", strings.Repeat("a", 600) + "*" + strings.Repeat("a", 600), strings.Repeat("a", 1199), false},
		{"no overlap of prefix and suffix", "StringLike", strings.Repeat("a", 600) + "*" + strings.Repeat("a", 600), strings.Repeat("a", 1200), true},
		{"star and question mark by turns", "StringLike", strings.Repeat("*?", 3000), as[:2999], false},
		{"star and question mark by turns, enough", "StringLike", strings.Repeat("*?", 3000), as[:3000], true},
		{"question marks", "StringLike", strings.Repeat("?", 3000) + "*", as, true},
		{"question marks in runs", "StringLike", "*" + strings.Repeat("a?", 1000) + "b*", as[:3000], false},
		{"parts of an ARN", "ArnLike", "arn:*:*:*:*:" + strings.Repeat("*a", 1000) + "b", "arn:aws:s3:::" + as, false},
		{"variables", "StringLike", "*${t:as}*${t:as}b", as, false},
		{"variables that are there", "StringLike", "*${t:as}*${t:as}", as, true},
		{"colons", "ArnLike", "arn:aws:s3:::*", "arn:aws:s3:::" + strings.Repeat(":", n), true},
	} {
		if got := matches(t, c.operator, c.pattern, c.value); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	// Actions ignore case, which takes another way through the matcher.
	p := mustParse(t, statement(`"Effect":"Allow","Action":"a:`+strings.Repeat("A*", 1500)+`b","Resource":"*"`))
	for value, want := range map[string]bool{"a:" + as[:3000]: false, "a:" + as[:3000] + "B": true} {
		req := &policy.Request{Action: value, Resource: "*", Principal: callers["user"]}
		if got := policy.Evaluate(req, &policy.Policies{Identity: []policy.Named{{Policy: p}}}).Allowed; got != want {
			t.Errorf("actions: %v, want %v", got, want)
		}
	}
}

// Every pattern of up to five and every value of up to four letters out of few,
// against the textbook's recursion.
func TestGlobExhaustive(t *testing.T) {
	t.Parallel()
	patterns, values := words("a日*?", 5), words("a日b", 4)
	if testing.Short() {
		patterns = words("a日*?", 4)
	}
	for _, pattern := range patterns {
		p := mustParse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"t:value":"`+pattern+`"}}`))
		policies := &policy.Policies{Identity: []policy.Named{{Policy: p}}}
		var ctx policy.Context
		req := &policy.Request{Action: "a:b", Resource: "*", Principal: callers["user"], Context: &ctx}
		for _, value := range values {
			ctx.Set("t:value", value)
			if got, want := policy.Evaluate(req, policies).Allowed, textbook([]rune(pattern), []rune(value)); got != want {
				t.Fatalf("%q with %q: %v, want %v", pattern, value, got, want)
			}
		}
	}
}

// words returns all words of up to n letters.
func words(letters string, n int) []string {
	all := []string{""}
	for start := 0; n > 0; n-- {
		end := len(all)
		for _, word := range all[start:end] {
			for _, letter := range letters {
				all = append(all, word+string(letter))
			}
		}
		start = end
	}
	return all
}

func textbook(pattern, s []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		return textbook(pattern[1:], s) || len(s) > 0 && textbook(pattern, s[1:])
	case len(s) == 0:
		return false
	}
	return (pattern[0] == '?' || pattern[0] == s[0]) && textbook(pattern[1:], s[1:])
}
