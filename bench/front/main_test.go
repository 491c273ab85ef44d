package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
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

// The bench measures each kind of calls, and leaves nothing behind.
func TestBench(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out strings.Builder
	if err := run(t.Context(), []string{"-n", "2000", "-period", "100ms", "-moto=false", "-dir", dir, "-markdown"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		rows++
		if strings.Contains(line, "–") || strings.Contains(line, " 0/s") {
			t.Errorf("not measured: %s", line)
		}
	}
	if rows != 13 {
		t.Errorf("%d rows:\n%s", rows, out.String())
	}
	wantEmpty(t, dir)
}

// An interrupted bench cleans up, too.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	if err := run(ctx, []string{"-n", "1000000", "-moto=false", "-dir", dir}, io.Discard, io.Discard); err == nil {
		t.Error("no error")
	}
	wantEmpty(t, dir)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-n", "10"}, {"-n", "x"}, {"-period", "1h"}, {"more"}, {"-unknown"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
