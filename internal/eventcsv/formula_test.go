package eventcsv

import "testing"

func TestNeutral(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"} {
		if got := Neutral(start + "1+1"); got != "'"+start+"1+1" {
			t.Errorf("a cell that begins with %q became %q", start, got)
		}
	}
	for cell, want := range map[string]string{
		"foo;=cmd|calc": "foo;'=cmd|calc", "a\t+1\n-2": "a\t'+1\n'-2", "a; =1": "a;' =1", `a;"=1"`: `a;'"=1"`,
		" =1": "' =1", "=1;@2": "'=1;'@2", ";;=1": ";;'=1",
	} {
		if got := Neutral(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
	for _, cell := range []string{"a;b", "x; y=1", "", "alice", "1=1", "arn:aws:iam::1:user/x", "'x", "\xff="} {
		if got := Neutral(cell); got != cell {
			t.Errorf("%q became %q", cell, got)
		}
	}
}
