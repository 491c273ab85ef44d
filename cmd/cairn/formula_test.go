package main

import "testing"

func TestNeutral(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"} {
		if got := neutral(start + "1+1"); got != "'"+start+"1+1" {
			t.Errorf("a cell that begins with %q became %q", start, got)
		}
	}
	for _, cell := range []string{"", "alice", "1=1", "arn:aws:iam::1:user/x", "'x", "\xff="} {
		if got := neutral(cell); got != cell {
			t.Errorf("%q became %q", cell, got)
		}
	}
}
