package demo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/demo"
)

const account = "123456789012"

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// The same seed gives the same bytes, on every machine; another seed, account
// or day gives others.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	sum := func(seed uint64, account string, now time.Time) string {
		h := sha256.New()
		for _, e := range demo.LastDay(seed, account, "us-east-1", now) {
			h.Write(e.Raw)
		}
		return hex.EncodeToString(h.Sum(nil)[:8])
	}
	first := sum(1, account, noon)
	if again := sum(1, account, noon); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	for what, other := range map[string]string{"seed": sum(2, account, noon), "account": sum(1, "210987654321", noon), "day": sum(1, account, noon.Add(24*time.Hour))} {
		if other == first {
			t.Errorf("another %s gives the same", what)
		}
	}
}

// A later window has the same bytes where it overlaps the earlier one, so that
// nothing is stored twice.
func TestWindowsOverlap(t *testing.T) {
	t.Parallel()
	before := make(map[string][]byte)
	for _, e := range demo.LastDay(1, account, "us-east-1", noon) {
		before[id(t, e.Raw)] = e.Raw
	}
	later := noon.Add(5 * time.Hour)
	same := 0
	for _, e := range demo.LastDay(1, account, "us-east-1", later) {
		raw, ok := before[id(t, e.Raw)]
		if ok != !e.Time.After(noon) || ok && !bytes.Equal(raw, e.Raw) {
			t.Fatalf("at %s: there before is %v", e.Time, ok)
		}
		if ok {
			same++
		}
	}
	if same < 1000 {
		t.Errorf("only %d events overlap", same)
	}
}

func id(t *testing.T, raw []byte) string {
	t.Helper()
	var r cairn.Record
	if err := r.Extract(raw); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return r.EventID
}

// At any time of the day there are a few thousand well-formed records of the
// last 24 hours in order, with one whole break-in among them.
func TestAnyTime(t *testing.T) {
	t.Parallel()
	var story []string // of the break-in, by the names of its events
	for minutes := 0; minutes < 24*60; minutes += 131 {
		now := noon.Add(time.Duration(minutes) * time.Minute)
		all := demo.LastDay(1, account, "eu-west-1", now)
		if len(all) < 3000 || len(all) > 5000 {
			t.Errorf("%s: %d events", now, len(all))
		}
		ids := make(map[string]bool)
		var names []string
		last := time.Time{}
		for _, e := range all {
			var r cairn.Record
			if err := r.Extract(e.Raw); err != nil {
				t.Fatalf("%v: %s", err, e.Raw)
			}
			if ids[r.EventID] || !r.EventTime.Equal(e.Time) || r.EventTime.Before(last) || r.EventTime.After(now) || r.AccountID != account {
				t.Fatalf("at %s: %s", now, e.Raw)
			}
			if !e.Incident && now.Sub(e.Time) >= 24*time.Hour || now.Sub(e.Time) > 26*time.Hour {
				t.Fatalf("at %s: an event of %s", now, e.Time)
			}
			ids[r.EventID], last = true, r.EventTime
			if e.Incident {
				names = append(names, r.EventName)
			}
		}
		text := strings.Join(names, " ")
		for _, want := range []string{"ConsoleLogin ConsoleLogin", "ListUsers", "CreateUser CreateAccessKey AttachUserPolicy", "GetSecretValue GetSecretValue",
			"DeleteBucketPublicAccessBlock PutBucketPolicy", "StopLogging", "DeleteTrail", "RunInstances", "StartLogging", "TerminateInstances"} {
			if !strings.Contains(text, want) {
				t.Errorf("at %s the break-in lacks %s: %s", now, want, text)
			}
		}
		if story = append(story, text); text != story[0] {
			t.Errorf("at %s the break-in is not whole", now)
		}
	}
}

// What stands in the records is what a reader searches by.
func TestSearchable(t *testing.T) {
	t.Parallel()
	count := make(map[string]int)
	for _, e := range demo.LastDay(1, account, "us-east-1", noon) {
		var r cairn.Record
		if err := r.Extract(e.Raw); err != nil {
			t.Fatal(err)
		}
		count["user "+r.Username]++
		count["category "+r.Category.String()]++
		count["error "+r.ErrorCode]++
		count["ip "+r.SourceIPAddress]++
		count["region "+r.AWSRegion]++
	}
	for _, want := range []string{"user mara", "user priya", "user " + demo.Victim, "user " + demo.Intruder, "user ci-deployer", "category Management", "category Data",
		"error AccessDenied", "error Client.UnauthorizedOperation", "ip " + demo.AttackerIP, "region ap-southeast-3"} {
		if count[want] == 0 {
			t.Errorf("there is no %s: %v", want, count)
		}
	}
}
