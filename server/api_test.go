package server

import (
	"cmp"
	"net/http"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
)

// Value lists and histograms count what lookups find.
func TestValuesAndHistogram(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 140, true)
	var values struct {
		Values []struct {
			Value string
			Count uint64
		}
		Complete bool
	}
	req := ValuesRequest{Attribute: "Username", Account: "111122223333", Region: "eu-west-1", Category: "Management"}
	if err := c.call(t.Context(), http.MethodPost, "values", req, &values); err != nil {
		t.Fatal(err)
	}
	if len(values.Values) != 7 || !values.Complete || values.Values[0].Count != 20 {
		t.Errorf("values %+v", values)
	}
	var histogram struct {
		Buckets []struct {
			Start time.Time
			Count uint64
		}
	}
	if err := c.call(t.Context(), http.MethodPost, "histogram", HistogramRequest{StepSeconds: 60, LookupRequest: LookupRequest{Account: accountA}}, &histogram); err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, b := range histogram.Buckets {
		sum += b.Count
	}
	if len(histogram.Buckets) != 3 || sum != 140 {
		t.Errorf("histogram %+v", histogram)
	}
}

// What the server notes about a record reaches the client, and a cursor goes on
// behind the last event of an answer.
func TestLookupNotes(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 10, true)
	n := uint64(0)
	for e, err := range c.Lookup(t.Context(), LookupRequest{OldestFirst: true, Account: accountA}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Origin != cairn.OriginImported || e.Seq != n || time.Since(e.Arrival) > time.Hour || e.EventName == "" {
			t.Errorf("event %d: %+v", n, e)
		}
		n++
	}
	after := cursorText(eventlog.Cursor{Time: time.Date(2024, 5, 1, 10, 0, 6, 0, time.UTC).Unix(), Seq: 6})
	if got := lookupAll(t, c, LookupRequest{OldestFirst: true, After: after}); len(got) != 3 || got[0] != string(testRecord(7)) {
		t.Errorf("behind the cursor: %q", got)
	}
}

// A live tail passes exactly the events that a lookup with the same conditions
// finds.
func TestTailMatchesLookup(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 140, true)
	since, until := time.Date(2024, 5, 1, 10, 0, 30, 0, time.UTC), time.Date(2024, 5, 1, 10, 1, 59, 0, time.UTC)
	sinceFraction, untilFraction := since.Add(time.Second/2), until.Add(time.Second/2)
	for name, q := range map[string]LookupRequest{
		"all":      {},
		"name":     {Filters: []LookupFilter{{Attribute: "EventName", Values: []string{"Op1", "Op3"}}}},
		"not":      {Filters: []LookupFilter{{Attribute: "EventName", Values: []string{"Op1"}, Not: true}, {Attribute: "ReadOnly", Values: []string{"true"}}}},
		"prefix":   {Filters: []LookupFilter{{Attribute: "userIdentity.arn", Values: []string{"arn:aws:iam::111122223333:user/u1"}, Prefix: true}}},
		"error":    {Filters: []LookupFilter{{Attribute: "errorCode", Values: []string{""}, Prefix: true}}},
		"no error": {Filters: []LookupFilter{{Attribute: "errorCode", Values: []string{""}, Prefix: true, Not: true}}},
		"time":     {Since: &since, Until: &until},
		"fraction": {Since: &sinceFraction, Until: &untilFraction},
		"account":  {Account: "999999999999"},
		"region":   {Region: "eu-west-1", Category: "Management"},
		"category": {Category: "Data"},
	} {
		q.Account = cmp.Or(q.Account, accountA)
		found := make(map[string]bool)
		for _, raw := range lookupAll(t, c, q) {
			found[raw] = true
		}
		n := 0
		for e, err := range c.Tail(t.Context(), TailRequest{LookupRequest: q, From: "start"}) {
			if err != nil {
				t.Fatal(err)
			}
			if !found[string(e.Raw)] {
				t.Errorf("%s: the lookup did not find %s", name, e.Raw)
			}
			n++
		}
		if n != len(found) {
			t.Errorf("%s: the tail has %d events, the lookup %d", name, n, len(found))
		}
	}
}
