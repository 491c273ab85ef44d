package eventlog_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable/memfs"
)

// A model is a log as a slice.
type model struct {
	events    []cairn.Event // extracted, by seq
	retention time.Duration
	now       *clock
}

// passes says whether an event passes a query.
func (m *model) passes(e *cairn.Event, q *eventlog.Query) bool {
	t := e.Time()
	if m.retention > 0 && t.Before(m.now.Now().Add(-m.retention)) {
		return false
	}
	if !q.Since.IsZero() && t.Before(q.Since) || !q.Until.IsZero() && t.After(q.Until) {
		return false
	}
	s := q.Scope
	if s.Account != "" && s.Account != e.AccountID || s.Region != "" && s.Region != e.AWSRegion || s.Category != 0 && s.Category != e.Category {
		return false
	}
	for _, f := range q.Filters {
		found := false
		e.Values(f.Attribute, func(v string) bool {
			for _, w := range f.Values {
				found = found || v == w || f.Prefix && strings.HasPrefix(v, w)
			}
			return true
		})
		if found == f.Not {
			return false
		}
	}
	return true
}

func (m *model) lookup(q *eventlog.Query) []uint64 {
	var hits []*cairn.Event
	for i := range m.events {
		if m.passes(&m.events[i], q) {
			hits = append(hits, &m.events[i])
		}
	}
	slices.SortFunc(hits, func(a, b *cairn.Event) int {
		c := cmp.Or(a.Time().Compare(b.Time()), cmp.Compare(a.Seq, b.Seq))
		if !q.OldestFirst {
			c = -c
		}
		return c
	})
	seqs := make([]uint64, len(hits))
	for i, e := range hits {
		seqs[i] = e.Seq
	}
	return seqs
}

// The words that the simulation's events and queries are made of.
var (
	simAccounts = []string{"111122223333", "444455556666"}
	simRegions  = []string{"us-east-1", "eu-west-1"}
	simNames    = []string{"RunInstances", "RunTask", "GetObject", "Get", "PutObject", "StopLogging", "Größe", "名前"}
	simUsers    = []string{"ann", "anna", "annabel", "bob", "carol", "Ann", ""}
	simErrors   = []string{"", "", "", "AccessDenied", "AccessDeniedException", "Throttled"}
	simTypes    = []string{"AWS::S3::Bucket", "AWS::S3::Object", "AWS::EC2::Instance"}
)

func pick[T any](random *rand.Rand, of []T) T { return of[random.IntN(len(of))] }

func simEvent(random *rand.Rand, id int, now time.Time) made {
	m := made{id: fmt.Sprintf("sim-%d", id), account: pick(random, simAccounts), region: pick(random, simRegions), name: pick(random, simNames),
		source: pick(random, []string{"ec2.amazonaws.com", "s3.amazonaws.com"}), failed: pick(random, simErrors),
		readOnly: pick(random, []string{"", "true", "false"}), ip: fmt.Sprintf("192.0.2.%d", random.IntN(30)),
		category: pick(random, []string{"Management", "Management", "Management", "Data"})}
	if u := pick(random, simUsers); u != "" {
		m.user, m.arn, m.key = u, "arn:aws:iam::"+m.account+":user/"+u, fmt.Sprintf("AKIA%d", random.IntN(12))
	}
	for range random.IntN(3) {
		t := pick(random, simTypes)
		m.resources = append(m.resources, [2]string{t, fmt.Sprintf("arn:aws:x:::%s/%d", t[5:7], random.IntN(20))})
	}
	age := time.Duration(random.IntN(3600*20)) * time.Second
	switch random.IntN(30) {
	case 0:
		age = -time.Duration(random.IntN(3600)) * time.Second // some of them flagged
	case 1, 2, 3, 4, 5, 6:
		age = time.Duration(random.IntN(10)) * time.Second
	}
	m.at = now.Add(-age)
	return m
}

func simQuery(random *rand.Rand, m *model) eventlog.Query {
	q := eventlog.Query{OldestFirst: random.IntN(2) == 0, Limit: 20 + random.IntN(80)}
	if random.IntN(12) == 0 {
		q.Limit = 1 + random.IntN(5)
	}
	if random.IntN(2) == 0 {
		q.Scope.Account = pick(random, simAccounts)
	}
	if random.IntN(3) == 0 {
		q.Scope.Region = pick(random, simRegions)
	}
	if random.IntN(2) == 0 {
		q.Scope.Category = cairn.Category(1 + random.IntN(2))
	}
	moment := func() time.Time {
		return m.now.Now().Add(-time.Duration(random.IntN(3600*30*1000)) * time.Millisecond)
	}
	if random.IntN(3) == 0 {
		q.Since = moment()
	}
	if random.IntN(3) == 0 {
		q.Until = moment()
	}
	for range random.IntN(4) {
		f := eventlog.Filter{Attribute: cairn.Attribute(1 + random.IntN(cairn.NumAttributes-1)), Not: random.IntN(3) == 0, Prefix: random.IntN(4) == 0}
		for range 1 + random.IntN(3) {
			v := "nothing has this"
			if len(m.events) > 0 && random.IntN(10) > 0 {
				m.events[random.IntN(len(m.events))].Values(f.Attribute, func(w string) bool { v = w; return random.IntN(2) == 0 })
			}
			if f.Prefix {
				v = v[:random.IntN(len(v)+1)]
			}
			f.Values = append(f.Values, v)
		}
		q.Filters = append(q.Filters, f)
	}
	return q
}

// Random histories of everything a log does give what a slice gives.
func TestSimulation(t *testing.T) {
	t.Parallel()
	base := testConfig(t)
	seeds := scale(2, 20, 100)
	steps := scale(500, 10_000, 500_000) / seeds
	eachSeed(t, seeds, func(seed int) error { return simulate(base, seed, steps) })
}

func simulate(cfg eventlog.Config, seed, steps int) (err error) {
	random := seeded(seed)
	m := &model{now: &clock{now: epoch.Add(40 * 24 * time.Hour)}}
	cfg.Now = m.now.Now
	cfg.SegmentEvents = 25 + random.IntN(80)
	if seed%2 == 1 {
		m.retention = 24 * time.Hour
		cfg.Retention = m.retention
	}
	disk := memfs.New(0)
	cfg.FS = disk
	l, err := eventlog.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { l.Close() }()
	nextID := 0
	for step := range steps {
		what := ""
		switch op := random.IntN(100); {
		case op < 40:
			what = "append"
			err = m.append(l, random, &nextID)
		case op < 80:
			what = "lookup"
			err = m.compare(l, random)
		case op < 84:
			what = "histogram"
			err = m.histogram(l, random)
		case op < 88:
			what = "values"
			err = m.values(l, random)
		case op < 91:
			what = "seal"
			err = l.Seal(ctx)
		case op < 94:
			what = "clock"
			m.now.add(time.Duration(random.IntN(7200)) * time.Second)
			if random.IntN(10) == 0 {
				m.now.add(-time.Duration(random.IntN(600)) * time.Second)
			}
		case op < 96:
			what = "retention"
			if _, err = l.Expire(); err == nil {
				err = m.expire(l)
			}
		case op < 98:
			what = "reopen"
			if err = l.Close(); err == nil {
				l, err = eventlog.Open(cfg)
			}
		default:
			what = "crash"
			old := l
			disk = crash(disk, random)
			old.Close()
			cfg.FS = disk
			if l, err = eventlog.Open(cfg); err == nil {
				err = m.reread(l)
			}
		}
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", step, what, err)
		}
	}
	if err := m.reread(l); err != nil {
		return err
	}
	h, err := l.Head()
	if err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	report, err := eventlog.Check(ctx, eventlog.CheckConfig{Dir: cfg.Dir, FS: cfg.FS, Verifiers: cfg.Verifiers, KnownHead: &h, Clean: true})
	if err == nil && len(report.Damage) > 0 {
		err = report.Damage[0]
	}
	return err
}

func (m *model) append(l *eventlog.Log, random *rand.Rand, nextID *int) error {
	var records [][]byte
	now := m.now.Now()
	for range 1 + random.IntN(7) {
		records = append(records, simEvent(random, *nextID, now).raw())
		*nextID++
	}
	again := -1
	if len(m.events) > 0 && random.IntN(4) == 0 {
		// Doubles are looked for among those that arrived within 24 hours.
		if again = random.IntN(len(m.events)); now.Sub(m.events[again].Arrival) < 23*time.Hour {
			records = append(records, m.events[again].Raw)
		} else {
			again = -1
		}
	}
	results, err := send(l, records...)
	if err != nil {
		return err
	}
	for i, r := range results {
		if i == len(results)-1 && again >= 0 {
			expired := m.retention > 0 && m.events[again].EventTime.Before(now.Add(-m.retention))
			if expired != (r.Status == eventlog.Expired) || !expired && (r.Status != eventlog.Double || r.Seq != m.events[again].Seq) {
				return fmt.Errorf("a record that is seq %d is sent again: %+v", m.events[again].Seq, r)
			}
			continue
		}
		if r.Status != eventlog.Stored {
			return fmt.Errorf("record %d is %v: %v", i, r.Status, r.Err)
		}
		e := cairn.Event{Seq: r.Seq, Raw: records[i], Flags: r.Flags, Arrival: now}
		if err := e.Extract(); err != nil {
			return err
		}
		m.events = append(m.events, e)
	}
	added := len(records)
	if again >= 0 {
		added--
	}
	// Arrivals are the log's own: they never decrease.
	last := len(m.events) - 1
	for e := range l.Read(ctx, eventlog.At(m.events[last].Seq)) {
		if e == nil {
			return errors.New("the newest record cannot be read")
		}
		for i := last; i >= 0 && i > last-added; i-- {
			m.events[i].Arrival = e.Arrival
		}
	}
	return nil
}

func (m *model) compare(l *eventlog.Log, random *rand.Rand) error {
	q := simQuery(random, m)
	events, damage, err := lookAll(l, q)
	if err != nil || len(damage) > 0 {
		return fmt.Errorf("%+v: %v %v", q, err, damage)
	}
	want := m.lookup(&q)
	got := make([]uint64, len(events))
	for i, e := range events {
		got[i] = e.Seq
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%+v gives the seqs %v, want %v", q, got, want)
	}
	return nil
}

func (m *model) histogram(l *eventlog.Log, random *rand.Rand) error {
	q := simQuery(random, m)
	step := time.Duration(60*(1+random.IntN(200))) * time.Second
	buckets, err := l.Histogram(ctx, q, step)
	if err != nil {
		return fmt.Errorf("%+v: %w", q, err)
	}
	want := map[int64]uint64{}
	for i := range m.events {
		if m.passes(&m.events[i], &q) {
			want[m.events[i].Time().Unix()/int64(step/time.Second)*int64(step/time.Second)]++
		}
	}
	for i, b := range buckets {
		if i > 0 && !b.Start.Equal(buckets[i-1].Start.Add(step)) {
			return fmt.Errorf("bucket %v follows %v", b.Start, buckets[i-1].Start)
		}
		if b.Count != want[b.Start.Unix()] {
			return fmt.Errorf("%+v: bucket %v has %d events, want %d", q, b.Start, b.Count, want[b.Start.Unix()])
		}
		delete(want, b.Start.Unix())
	}
	if len(want) > 0 {
		return fmt.Errorf("%+v: buckets are missing: %v", q, want)
	}
	return nil
}

func (m *model) values(l *eventlog.Log, random *rand.Rand) error {
	a := cairn.Attribute(1 + random.IntN(cairn.NumAttributes-1))
	prefix := pick(random, []string{"", "", "A", "ann", "Run", "192.0.2.1"})
	scope := simQuery(random, m).Scope
	got, err := l.Values(ctx, scope, a, prefix, 1000)
	if err != nil {
		return err
	}
	if a == cairn.AttrEventID || a == cairn.AttrResourceName || a == cairn.AttrAccessKeyID {
		if len(got.Values) > 0 {
			return fmt.Errorf("values of %v: %v", a, got)
		}
		return nil
	}
	counts := map[string]uint64{}
	for i := range m.events {
		e := &m.events[i]
		if scope.Account != "" && scope.Account != e.AccountID || scope.Region != "" && scope.Region != e.AWSRegion || scope.Category != 0 && scope.Category != e.Category {
			continue
		}
		seen := map[string]bool{}
		e.Values(a, func(v string) bool {
			if strings.HasPrefix(v, prefix) && !seen[v] {
				counts[v]++
			}
			seen[v] = true
			return true
		})
	}
	if !got.Complete || len(got.Values) != len(counts) {
		return fmt.Errorf("values of %v in %+v: %+v, want %v", a, scope, got, counts)
	}
	for i, v := range got.Values {
		if counts[v.Value] != v.Count || i > 0 && v.Count > got.Values[i-1].Count {
			return fmt.Errorf("value %q of %v in %+v: %d, want %d", v.Value, a, scope, v.Count, counts[v.Value])
		}
	}
	return nil
}

// expire takes the events out of the model that the log no longer has. They
// have to be old enough.
func (m *model) expire(l *eventlog.Log) error {
	records, damage := readAll(l)
	if len(damage) > 0 {
		return errors.Join(damage...)
	}
	have := map[uint64]bool{}
	for _, k := range records {
		have[k.seq] = true
	}
	var err error
	m.events = slices.DeleteFunc(m.events, func(e cairn.Event) bool {
		if !have[e.Seq] && (m.retention == 0 || !e.Time().Before(m.now.Now().Add(-m.retention))) {
			err = fmt.Errorf("seq %d is gone and not old enough", e.Seq)
		}
		return !have[e.Seq]
	})
	return err
}

// reread holds the log to the model, record for record.
func (m *model) reread(l *eventlog.Log) error {
	records, damage := readAll(l)
	if len(damage) > 0 || len(records) != len(m.events) {
		return fmt.Errorf("%d records of %d, damage %v", len(records), len(m.events), damage)
	}
	for i, k := range records {
		e := &m.events[i]
		if k.seq != e.Seq || k.raw != string(e.Raw) || k.flags != e.Flags || !k.at.Equal(e.Arrival) {
			return fmt.Errorf("record %d is %+v, want seq %d, flags %v, arrival %v", i, k, e.Seq, e.Flags, e.Arrival)
		}
	}
	return nil
}
