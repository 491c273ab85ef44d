package aws_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"cairn/aws"
)

// A text in an answer is what a JSON reader makes of it, whatever bytes stand
// wherever in it.
func TestTextsInAnswers(t *testing.T) {
	t.Parallel()
	check := func(s string) {
		t.Helper()
		quoted := aws.AppendString([]byte("before"), s)
		var got string
		if err := json.Unmarshal(quoted[len("before"):], &got); err != nil || got != eachInvalid(s) {
			t.Errorf("%q is written as %s (%v)", s, quoted, err)
		}
		if string(quoted[:6]) != "before" {
			t.Errorf("%q: what was before it is %q now", s, quoted[:6])
		}
	}
	// Each byte at each place of texts of up to three words.
	for n := 1; n <= 24; n++ {
		for at := range n {
			for c := range 256 {
				check(strings.Repeat("x", at) + string([]byte{byte(c)}) + strings.Repeat("y", n-at-1))
			}
		}
	}
	letters := []string{`"`, `\`, "a", "bc", "defgh", "~", "\x7f", " ", "!", "#", "[", "]", "\x1f", "é", "\u2028", "😀", "\xff"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		use := letters[:2+random.IntN(len(letters)-1)]
		var b strings.Builder
		for range random.IntN(40) {
			b.WriteString(use[random.IntN(len(use))])
		}
		check(b.String())
	}
}

// eachInvalid returns s with each byte that is not UTF-8 replaced by U+FFFD.
func eachInvalid(s string) string { return string([]rune(s)) }
