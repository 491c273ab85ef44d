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
	if text := os.Getenv(childVariable); text != "" {
		if err := runChild(context.Background(), text, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The bench measures each part of what it is for, and leaves nothing behind. What
// it compares on the way is part of the test: a record that is not delivered is an
// error.
func TestBench(t *testing.T) {
	t.Parallel()
	for part, want := range map[string][]string{
		partDeliver: {"events in the backlog | 3000", "one trail ", "100 trails", "20 trails", "µs", "≤ 1.3×"},
		partVerify:  {"verify 5 log files of 10 events", "verify 2 log files of 0 MB", " s + "},
		partObjects: {"put objects", "get objects", "MB/s", "≥ 60 %"},
	} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var out, notes strings.Builder
			args := []string{"-parts", part, "-n", "3000", "-small", "5", "-big", "2", "-big-bytes", "500000", "-period", "100ms", "-aws", "", "-versitygw", "", "-dir", dir, "-markdown"}
			if err := run(t.Context(), args, &out, &notes); err != nil {
				t.Fatalf("%v\n%s", err, notes.String())
			}
			text := strings.Join(strings.Fields(out.String()), " ")
			for _, w := range want {
				if !strings.Contains(text, strings.TrimSpace(w)) {
					t.Errorf("no %q in\n%s", w, out.String())
				}
			}
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Errorf("not measured:\n%s", out.String())
			}
			wantEmpty(t, dir)
		})
	}
}

// A comparison that finds a difference is an error.
func TestDifference(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := &bench{options: &options{}, temp: dir, notes: io.Discard}
	var sum contents
	if err := b.do(t.Context(), spec{Task: taskFill, Events: dir + "/events", N: 1000}, "", &sum); err != nil {
		t.Fatal(err)
	}
	sum.Sum++
	var result delivered
	s := spec{Task: taskDeliver, Dir: dir + "/data", Events: dir + "/events", N: 1000, Trails: oneTrail, Sum: sum}
	if err := b.do(t.Context(), s, "", &result); err == nil {
		t.Error("no error for a backlog with another record")
	}
}

// An interrupted bench cleans up, too.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	if err := run(ctx, []string{"-n", "10000000", "-dir", dir}, io.Discard, io.Discard); err == nil {
		t.Error("no error")
	}
	wantEmpty(t, dir)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-n", "10"}, {"-n", "x"}, {"-small", "-1"}, {"-big", "1000"}, {"-big-bytes", "60000000"}, {"-period", "1h"}, {"-parts", "s3,some"}, {"more"}, {"-unknown"}} {
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
