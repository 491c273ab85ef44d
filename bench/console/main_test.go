package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"cairn/console/e2e/browser"
)

func TestMain(m *testing.M) {
	if data := os.Getenv(childVariable); data != "" {
		if err := runChild(context.Background(), data); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The bench measures everything, and leaves nothing behind.
func TestBench(t *testing.T) {
	t.Parallel()
	if _, err := browser.Find(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	var out strings.Builder
	if err := run(t.Context(), []string{"-n", "5000", "-rounds", "1", "-dir", dir, "-markdown"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		rows++
		if strings.Contains(line, " 0 ") || strings.Contains(line, "NaN") {
			t.Errorf("not measured: %s", line)
		}
	}
	if rows != 12 {
		t.Errorf("%d rows:\n%s", rows, out.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-n", "10"}, {"-n", "x"}, {"-rounds", "0"}, {"more"}, {"-unknown"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
