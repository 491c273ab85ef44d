package eventlog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
)

// lookupRecords are 3,000 events whose values have lists of many lengths.
func lookupRecords() []made {
	var events []made
	for i := range 3000 {
		m := made{id: plainID(i), name: "Popular", user: fmt.Sprintf("user%03d", i%400), at: epoch.Add(time.Duration(i/3) * time.Second)}
		if i%100 == 0 {
			m.name = "Rare"
		}
		if i%3 == 1 {
			m.failed = "AccessDenied"
		}
		if i == 1777 {
			m.failed = "Once"
		}
		if i < 128 {
			m.ip = "192.0.2.128" // a list of just one chunk
		} else if i < 128+129 {
			m.ip = "192.0.2.129"
		}
		if i%500 == 17 {
			m.user = "名前 ünïcode " + strings.Repeat("é", i%7)
		}
		if i == 2222 {
			m.user = strings.Repeat("long ", 300)
		}
		m.resources = [][2]string{{"AWS::S3::Bucket", fmt.Sprintf("arn:aws:s3:::b%d", i%2)}, {"AWS::S3::Bucket", "arn:aws:s3:::both"}}
		events = append(events, m)
	}
	return events
}

// Every query gives what a scan gives, both ways round, on pages of any size,
// from an open segment and from sealed ones.
func TestLookup(t *testing.T) {
	t.Parallel()
	is := func(a cairn.Attribute, values ...string) eventlog.Filter {
		return eventlog.Filter{Attribute: a, Values: values}
	}
	not := func(f eventlog.Filter) eventlog.Filter { f.Not = true; return f }
	prefix := func(f eventlog.Filter) eventlog.Filter { f.Prefix = true; return f }
	queries := map[string][]eventlog.Filter{
		"everything":             nil,
		"a long list":            {is(cairn.AttrEventName, "Popular")},
		"popular and rare":       {is(cairn.AttrEventName, "Popular"), is(cairn.AttrErrorCode, "Once")},
		"rare and popular":       {is(cairn.AttrErrorCode, "Once"), is(cairn.AttrResourceName, "arn:aws:s3:::both")},
		"two long lists":         {is(cairn.AttrErrorCode, "AccessDenied"), is(cairn.AttrResourceName, "arn:aws:s3:::b1")},
		"disjoint":               {is(cairn.AttrResourceName, "arn:aws:s3:::b1"), is(cairn.AttrEventName, "Rare")},
		"the same twice":         {is(cairn.AttrEventName, "Rare", "Rare"), is(cairn.AttrEventName, "Rare")},
		"one of two":             {is(cairn.AttrEventName, "Rare", "Popular")},
		"not 99 of 100":          {not(is(cairn.AttrEventName, "Popular"))},
		"not any":                {not(is(cairn.AttrEventName, "Popular", "Rare"))},
		"not 1 of 100":           {not(is(cairn.AttrEventName, "Rare")), is(cairn.AttrErrorCode, "AccessDenied")},
		"not what nobody has":    {not(is(cairn.AttrEventName, "none"))},
		"no values":              {is(cairn.AttrEventName)},
		"not no values":          {not(is(cairn.AttrEventName))},
		"an empty value":         {is(cairn.AttrEventName, "")},
		"nothing":                {is(cairn.AttrEventName, "popular")},
		"one chunk":              {is(cairn.AttrSourceIP, "192.0.2.128")},
		"a chunk and one":        {is(cairn.AttrSourceIP, "192.0.2.129")},
		"prefix of one":          {prefix(is(cairn.AttrUsername, "user001"))},
		"prefix of many":         {prefix(is(cairn.AttrUsername, "user"))},
		"empty prefix":           {prefix(is(cairn.AttrErrorCode, ""))},
		"two prefixes":           {prefix(is(cairn.AttrUsername, "user00", "user39"))},
		"not a prefix":           {not(prefix(is(cairn.AttrUsername, "user")))},
		"prefix of unkept text":  {prefix(is(cairn.AttrResourceName, "arn:aws:s3:::b1"))},
		"not one of unkept text": {not(prefix(is(cairn.AttrResourceName, "arn:aws:s3:::b1")))},
		"prefix of an ID":        {prefix(is(cairn.AttrEventID, "id-299"))},
		"a long value":           {is(cairn.AttrUsername, strings.Repeat("long ", 300))},
		"prefix of a long value": {prefix(is(cairn.AttrUsername, "long "))},
		"unicode":                {is(cairn.AttrUsername, "名前 ünïcode "+strings.Repeat("é", 3))},
		"unicode prefix":         {prefix(is(cairn.AttrUsername, "名前"))},
		"half a letter":          {prefix(is(cairn.AttrUsername, "名"[:2]))},
		"IDs":                    {is(cairn.AttrEventID, "id-0", "id-1500", "id-2999", "id-3000")},
		"not IDs":                {not(is(cairn.AttrEventID, "id-0", "id-1500")), is(cairn.AttrEventName, "Rare")},
		"type":                   {is(cairn.AttrResourceType, "AWS::S3::Bucket"), is(cairn.AttrErrorCode, "Once", "none")},
	}
	for _, size := range []int{5000, 700} { // one open segment; some sealed ones
		cfg := testConfig(t)
		cfg.SegmentEvents = size
		l := open(t, cfg)
		m := &model{now: &clock{}}
		var records [][]byte
		for i, e := range lookupRecords() {
			records = append(records, e.raw())
			event := cairn.Event{Seq: uint64(i), Raw: records[i]}
			if err := event.Extract(); err != nil {
				t.Fatal(err)
			}
			m.events = append(m.events, event)
		}
		appendAll(t, l, records, 90)
		for name, filters := range queries {
			t.Run(fmt.Sprintf("%d/%s", size, name), func(t *testing.T) {
				for i := range scale(3, 6, 6) {
					q := eventlog.Query{Filters: filters, OldestFirst: i%2 == 0, Limit: []int{3000, 1, 50, 64, 127, 1001}[i]}
					if i == 1 { // pages of one event over a short stretch
						q.Since, q.Until = epoch.Add(100*time.Second), epoch.Add(140*time.Second)
					}
					if i == 2 {
						q.Scope = eventlog.Scope{Account: "111122223333", Category: cairn.Management}
					}
					var got []uint64
					for _, e := range lookup(t, l, q) {
						got = append(got, e.Seq)
					}
					if want := m.lookup(&q); !slices.Equal(got, want) {
						t.Errorf("oldest first %t, limit %d: %d events, want %d", q.OldestFirst, q.Limit, len(got), len(want))
					}
				}
				buckets, err := l.Histogram(ctx, eventlog.Query{Filters: filters}, time.Minute)
				n := 0
				for _, b := range buckets {
					n += int(b.Count)
				}
				if want := len(m.lookup(&eventlog.Query{Filters: filters})); err != nil || n != want {
					t.Errorf("histogram: %d events, want %d: %v", n, want, err)
				}
			})
		}
		if page, err := l.Lookup(ctx, eventlog.Query{Scope: eventlog.Scope{Account: "999999999999"}}); err != nil || len(page.Events) > 0 || page.More {
			t.Errorf("another account: %+v, %v", page, err)
		}
		for name, q := range map[string]eventlog.Query{
			"until before since":     {Since: epoch.Add(time.Minute), Until: epoch},
			"until before 1970":      {Until: time.Unix(-5, 0)},
			"since after 2106":       {Since: time.Unix(1<<32, 0)},
			"between two seconds":    {Since: epoch.Add(time.Millisecond), Until: epoch.Add(999 * time.Millisecond)},
			"a cursor past the end":  {After: eventlog.Cursor{Time: 1, Seq: 0}},
			"a cursor of the future": {OldestFirst: true, After: eventlog.Cursor{Time: 1 << 40, Seq: 1 << 50}},
		} {
			if page, err := l.Lookup(ctx, q); err != nil || len(page.Events) > 0 || page.More {
				t.Errorf("%s: %d events, %v", name, len(page.Events), err)
			}
			if q.After == (eventlog.Cursor{}) {
				if buckets, err := l.Histogram(ctx, q, time.Hour); err == nil {
					for _, b := range buckets {
						if b.Count > 0 {
							t.Errorf("%s: the histogram has %+v", name, b)
						}
					}
				}
			}
		}
	}
}

// A value list names the frequent values first and says whether it is whole.
func TestValues(t *testing.T) {
	t.Parallel()
	l := open(t, testConfig(t))
	var records [][]byte
	for _, e := range lookupRecords() {
		records = append(records, e.raw())
	}
	appendAll(t, l, records, 100)
	for range 2 {
		v, err := l.Values(ctx, eventlog.Scope{}, cairn.AttrEventName, "", 0)
		want := []eventlog.ValueCount{{Value: "Popular", Count: 2970}, {Value: "Rare", Count: 30}}
		if err != nil || !v.Complete || !slices.Equal(v.Values, want) {
			t.Errorf("names: %+v, %v", v, err)
		}
		v, err = l.Values(ctx, eventlog.Scope{}, cairn.AttrUsername, "user", 5)
		if err != nil || v.Complete || len(v.Values) != 5 {
			t.Errorf("the first five names: %+v, %v", v, err)
		}
		if v, err = l.Values(ctx, eventlog.Scope{}, cairn.AttrUsername, "", 1000); err != nil || v.Complete {
			t.Errorf("one value is too long to be kept: complete %t, %v", v.Complete, err)
		}
		if v, err = l.Values(ctx, eventlog.Scope{}, cairn.AttrResourceName, "", 10); err != nil || v.Complete || len(v.Values) > 0 {
			t.Errorf("an attribute without texts: %+v, %v", v, err)
		}
		seal(t, l)
	}
}
