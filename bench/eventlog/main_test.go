package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"cairn"
	"cairn/internal/eventgen"
)

// The test binary is the bench's child too.
func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := runChild(context.Background(), text, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestEndToEnd(t *testing.T) {
	t.Parallel()
	var out, notes bytes.Buffer
	// A socket's path is short, so the directory is not the test's own.
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "2000", "-batch", "50", "-dir", dir, "-markdown"}
	if testing.Short() {
		args = append(args, "-engines", "cairn,sqlite", "-small=false")
	}
	if err := run(t.Context(), args, &out, &notes); err != nil {
		t.Fatalf("%v\n%s", err, &notes)
	}
	if strings.Contains(notes.String(), "PostgreSQL is left out") {
		t.Log(notes.String())
	}
	if !strings.Contains(notes.String(), "no difference") {
		t.Errorf("no pages were compared:\n%s", &notes)
	}
	for _, want := range []string{"| CPU per event", "| lookup: newest page", "| lookup: EventName and Username", "| check, per core", "Cairn is ready after"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%s was left behind", left[0].Name())
	}
}

// TestBuildClasses holds the queries against the records they were made from.
func TestBuildClasses(t *testing.T) {
	t.Parallel()
	const n = 30000
	g := eventgen.New(seed, eventgen.Options{Start: start, Span: span, Events: n})
	var records [][]byte
	for range n {
		records = append(records, g.Next(nil))
	}
	classes, err := buildClasses(slices.Values(records))
	if err != nil {
		t.Fatal(err)
	}
	var found []cairn.Record
	for _, raw := range records {
		var r cairn.Record
		if err := r.Extract(raw); err != nil {
			t.Fatal(err)
		}
		if r.AccountID == scope.Account && r.AWSRegion == scope.Region && r.Category == cairn.Management {
			found = append(found, r)
		}
	}
	limits := map[string][2]int{ // of a query's hits
		"newest page": {len(found), len(found)}, "EventId": {1, 1}, "EventId, absent": {0, 0},
		"resource, 3 to 20 hits": {3, 20}, "resource, 50 hits scattered": {50, 58},
		"EventName, popular": {100, n}, "Username": {50, n}, "AccessKeyId": {2, n},
		"1 h": {1, n}, "1 h and EventName": {0, n}, "EventName and Username": {1, n},
	}
	seen := 0
	for _, c := range classes {
		limit, ok := limits[c.Name]
		if !ok {
			if !strings.HasPrefix(c.Name, "page ") {
				t.Errorf("class %q is unknown", c.Name)
			}
			limit = [2]int{(c.Queries[0].Page) * pageSize, n}
		} else {
			seen++
		}
		for _, q := range c.Queries {
			if hits := countHits(found, q); hits < limit[0] || hits > limit[1] {
				t.Errorf("%s: %+v has %d hits, not %d to %d", c.Name, q, hits, limit[0], limit[1])
			}
		}
	}
	if seen != len(limits) || len(classes) != len(limits)+2 {
		t.Errorf("%d classes instead of %d", len(classes), len(limits)+2)
	}
}

func countHits(records []cairn.Record, q query) (hits int) {
	for i := range records {
		r := &records[i]
		unix := r.EventTime.Unix()
		ok := (q.Since == 0 || unix >= q.Since) && (q.Until == 0 || unix <= q.Until)
		for _, f := range q.Filters {
			has := false
			r.Values(f.Attribute, func(v string) bool {
				has = has || v == f.Value
				return !has
			})
			ok = ok && has
		}
		if ok {
			hits++
		}
	}
	return hits
}

func TestCompareAnswers(t *testing.T) {
	t.Parallel()
	classes := []class{{Name: "c", Queries: []query{{Page: 1}}}}
	rows := func(times ...int64) (rows []answerRow) {
		for i, at := range times {
			rows = append(rows, answerRow{Time: at, EventID: fmt.Sprint(i), Sum: uint64(i)})
		}
		return rows
	}
	swapped := rows(9, 8, 8, 7)
	swapped[1], swapped[2] = swapped[2], swapped[1]
	changed := rows(9, 8, 8, 7)
	changed[3].Sum++
	for name, c := range map[string]struct {
		a, b []answerRow
		same bool
	}{
		"equal":                         {rows(9, 8, 8, 7), rows(9, 8, 8, 7), true},
		"two of one second swapped":     {rows(9, 8, 8, 7), swapped, true},
		"another time":                  {rows(9, 8, 8, 7), rows(9, 8, 7, 7), false},
		"a row fewer":                   {rows(9, 8, 8, 7), rows(9, 8, 8), false},
		"other bytes under the same ID": {rows(9, 8, 8, 7), changed, false},
	} {
		d := compareAnswers(classes, "x", []answer{{0, 0, c.a}}, "y", []answer{{0, 0, c.b}})
		if (len(d) == 0) != c.same {
			t.Errorf("%s: differences %q", name, d)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-n 0", "-n 5 -x", "-engines mysql", "-clients 0", "-batch 100000", "-peer-n 3", "extra"} {
		var notes bytes.Buffer
		err := run(t.Context(), strings.Fields(args), io.Discard, &notes)
		if err == nil || err.Error()+notes.String() == "" {
			t.Errorf("%s: accepted", args)
		}
	}
}

func TestResultCrossesTheProcessBoundary(t *testing.T) {
	t.Parallel()
	want := result{Events: 3, Latencies: []latency{{"c", 5, 6, 7}}, Answers: []answer{{1, 2, []answerRow{{3, "id", 1<<63 + 1}}}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got result
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v became %v", want, got)
	}
}
