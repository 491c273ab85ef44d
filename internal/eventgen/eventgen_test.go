package eventgen

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	a, b, other := New(7, Options{}), New(7, Options{}), New(8, Options{})
	differ := false
	for i := range 5000 {
		// A buffer that already holds something must not change what is made.
		x, y := a.Next(nil), b.Next([]byte("prefix"))
		if string(x) != string(y[len("prefix"):]) {
			t.Fatalf("event %d differs between two generators of one seed:\n%s\n%s", i, x, y)
		}
		differ = differ || string(other.Next(nil)) != string(x)
	}
	if !differ {
		t.Error("another seed gives the same events")
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	g := New(1, Options{})
	buf := make([]byte, 0, 64<<10)
	for range 1000 {
		g.Next(buf)
	}
	if n := testing.AllocsPerRun(1000, func() { g.Next(buf) }); n != 0 {
		t.Errorf("Next allocates %v times", n)
	}
}

type record struct {
	EventTime    time.Time
	EventID      string
	EventSource  string
	EventName    string
	AWSRegion    string
	ErrorCode    string
	UserIdentity struct {
		Type, AccessKeyID string
	}
	RecipientAccountID string
	EventCategory      string
}

func TestPopulation(t *testing.T) {
	t.Parallel()
	const events = 40000
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	span := 24 * time.Hour
	g := New(42, Options{Start: start, Span: span, Events: events})
	var (
		buf        []byte
		sizes      []int
		raw, total int
		packed     bytes.Buffer
		chunk      []byte
		scopes     = map[Scope]int{}
		names      = map[string]int{}
		sources    = map[string]bool{}
		identities = map[string]int{}
		categories = map[string]int{}
		ids        = map[string]bool{}
		errors     int
		late       int
	)
	for i := range events {
		buf = g.Next(buf[:0])
		// jsontext also refuses members that come twice in one object.
		if !jsontext.Value(buf).IsValid() {
			t.Fatalf("event %d is not valid JSON: %s", i, buf)
		}
		var r record
		if err := json.Unmarshal(buf, &r); err != nil {
			t.Fatalf("event %d: %v\n%s", i, err, buf)
		}
		if bytes.Contains(buf, []byte("\n")) || strings.Contains(r.EventTime.Format(time.RFC3339Nano), ".") {
			t.Fatalf("event %d has a line break or a fraction of a second: %s", i, buf)
		}
		due := start.Add(span * time.Duration(i) / events)
		if behind := due.Sub(r.EventTime); behind < 0 || behind > 10*time.Minute+time.Second {
			t.Fatalf("event %d is %v behind its time", i, behind)
		} else if behind >= 2*time.Second {
			late++
		}
		if ids[r.EventID] {
			t.Fatalf("eventID %s comes twice", r.EventID)
		}
		ids[r.EventID] = true
		scopes[Scope{Account: r.RecipientAccountID, Region: r.AWSRegion}]++
		names[r.EventSource+r.EventName]++
		sources[r.EventSource] = true
		identities[r.UserIdentity.Type]++
		categories[r.EventCategory]++
		if r.ErrorCode != "" {
			errors++
		}
		sizes = append(sizes, len(buf))
		total += len(buf)
		chunk = append(append(chunk, buf...), '\n')
		if len(chunk) >= 1<<20 && raw < 16<<20 {
			w, err := gzip.NewWriterLevel(&packed, 6)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(chunk)
			w.Close()
			raw += len(chunk)
			chunk = chunk[:0]
		}
	}
	slices.Sort(sizes)
	between := func(what string, got, low, high float64) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("%s is %.4g, not within %g and %g", what, got, low, high)
		}
	}
	between("mean size", float64(total)/events, 1600, 1650)
	between("5th percentile of size", float64(sizes[events/20]), 1082, 1182)
	between("95th percentile of size", float64(sizes[events*19/20]), 2171, 2291)
	between("gzip ratio", float64(raw)/float64(packed.Len()), 6.3, 6.7)
	between("percentage of errors", 100*float64(errors)/events, 5, 7)
	between("percentage of late events", 100*float64(late)/events, 1.5, 2.5)
	between("percentage of data events", 100*float64(categories["Data"])/events, 3, 10)
	between("operations", float64(len(names)), 130, 150)
	between("sources", float64(len(sources)), 15, 40)
	between("identity types", float64(len(identities)), 4, 4)
	between("share of the commonest operation", float64(slices.Max(values(names)))/events, 0.1, 0.25)
	for _, s := range Scopes {
		between("percentage of "+s.Account+" "+s.Region, 100*float64(scopes[Scope{Account: s.Account, Region: s.Region}])/events, float64(s.Percent)-1, float64(s.Percent)+1)
	}
}

func values(m map[string]int) (v []int) {
	for _, n := range m {
		v = append(v, n)
	}
	return v
}
