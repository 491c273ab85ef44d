package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/zeebo/xxh3"

	"cairn"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/internal/eventgen"
	"cairn/trail"
)

// A scenario is a set of trails that a backlog is delivered for.
type scenario struct {
	Name   string
	Takers int // trails that take every event
	Others int // trails that are asked for every event and take none
}

var (
	oneTrail      = scenario{"one", 1, 0}
	hundredTrails = scenario{"hundred", 1, 99}
	twentyTakers  = scenario{"twenty", 20, 0}
)

// contents say what records there are, whatever their order.
type contents struct {
	Events int
	Bytes  int64
	Sum    uint64 // of the hashes of all records
	Data   int    // data events among them, where that is known
}

func (c *contents) add(raw []byte) {
	c.Events++
	c.Bytes += int64(len(raw))
	c.Sum += xxh3.Hash(raw)
}

// fill appends a backlog to a new event log and says what it is.
func (s *spec) fill(ctx context.Context, say func(any) error) (err error) {
	log, err := openLog(s.Events, &clock{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	const span, batch = 24 * time.Hour, 2000
	taker := oneTrail.trails()[0]
	selectors, err := taker.Selectors()
	if err != nil {
		return err
	}
	from := source{
		generator: eventgen.New(42, eventgen.Options{Start: time.Now().Add(-2 * span), Span: span, Events: 2 * s.N}),
		wanted:    func(e *cairn.Subject) bool { return taker.Match(e, selectors, false) },
	}
	var sum contents
	records := make([][]byte, batch)
	for sum.Events < s.N {
		records = records[:min(batch, s.N-sum.Events)]
		for i := range records {
			if records[i], err = from.next(records[i][:0]); err != nil {
				return err
			}
			sum.add(records[i])
			if from.event.Category == cairn.Data {
				sum.Data++
			}
		}
		if err := appendAll(ctx, log, records); err != nil {
			return err
		}
	}
	// Sealing goes on behind appends, and must not do so beside deliveries.
	if err := log.Seal(ctx); err != nil {
		return err
	}
	return say(sum)
}

// A delivered is what was measured of one delivery of the backlog.
type delivered struct {
	Elapsed, CPU time.Duration
	Before, Peak int64 // bytes resident, before deliveries and at most
	Files        int   // of one trail
	Size         int64 // of one trail's objects
}

// gridStep is how often the log is cut, and gridLead how much earlier the clock
// starts: a backlog is delivered at once, and not when an interval ends.
const (
	gridStep = 250 * time.Millisecond
	gridLead = 5 * time.Millisecond
)

// deliver delivers the backlog for a scenario's trails and compares what is in the
// bucket with it. What it says is measured from the start of deliveries until
// every log file is in the bucket.
func (s *spec) deliver(ctx context.Context, say func(any) error) (err error) {
	now := &clock{}
	st, err := openStore(ctx, s.Dir, s.Events, now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	trails := s.Trails.trails()
	log := &backlog{Log: st.log}
	cfg := st.deliveryConfig(s.Dir, log, trails)
	cfg.Interval = gridStep
	d, err := delivery.Open(cfg)
	if err != nil {
		return err
	}
	log.there = true
	var result delivered
	forgetPeak()
	result.Before, _ = resident()
	err = s.profiled(func() error {
		time.Sleep(time.Until(time.Now().Add(gridLead).Truncate(gridStep).Add(gridStep - gridLead)))
		began, before := time.Now(), ownCPU()
		d.Start()
		if err := await(ctx, d, uint64(s.N*s.Trails.Takers)); err != nil {
			return err
		}
		result.Elapsed, result.CPU = time.Since(began), ownCPU()-before
		_, result.Peak = resident()
		return nil
	})
	if err = errors.Join(err, d.Close()); err != nil {
		return err
	}
	if err := st.compare(ctx, d, trails, s, &result); err != nil {
		return err
	}
	return say(result)
}

// await returns when so many events are in the bucket.
func await(ctx context.Context, d *delivery.Delivery, events uint64) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		stats := d.Stats()
		switch {
		case stats.Failures > 0 || stats.FailedCuts > 0 || stats.Damages > 0:
			return fmt.Errorf("deliveries failed: %+v", stats)
		case stats.Events >= events:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// A backlog is an event log that seems to be empty until there are deliveries:
// what is logged before belongs to no trail.
type backlog struct {
	*eventlog.Log
	there bool
}

// End is the end of the log.
func (b *backlog) End() eventlog.Position {
	if !b.there {
		return b.Start()
	}
	return b.Log.End()
}

// fixedTrails are trails that do not change. The quota of five in a region does
// not hold for them.
type fixedTrails []*trail.Trail

// All returns the trails.
func (f fixedTrails) All() []*trail.Trail { return f }

// ByID returns a trail.
func (f fixedTrails) ByID(_, id string) (*trail.Trail, error) {
	for _, t := range f {
		if t.ID == id {
			return t, nil
		}
	}
	return nil, trail.ErrNotFound
}

// Forget is never called: no trail is deleted.
func (f fixedTrails) Forget(_, id string) error {
	return fmt.Errorf("trail %s is not deleted", id)
}

// trails makes a scenario's trails: those that take every event first. No two have
// the same selectors, so that none is spared the question.
func (s scenario) trails() fixedTrails {
	var all fixedTrails
	add := func(selectors func(*cairn.Trail)) {
		n := len(all)
		t := cairn.Trail{
			Name: fmt.Sprintf("trail-%d", n), AccountID: account, HomeRegion: region, IsMultiRegion: true, IncludeGlobalServiceEvents: true,
			S3BucketName: bucketName, LogFileValidation: true, Created: time.Now(), Logging: true, LoggingStarted: time.Now(),
		}
		selectors(&t)
		all = append(all, &trail.Trail{Trail: t, ID: fmt.Sprintf("%032x", n)})
	}
	for n := range s.Takers {
		add(func(t *cairn.Trail) { t.EventSelectors = everything(n) })
	}
	for n := range s.Others {
		add(func(t *cairn.Trail) { t.AdvancedEventSelectors = nothing(n) })
	}
	return all
}

// everything takes all management events and the data events of three services.
// Those with different n are written differently.
func everything(n int) []cairn.EventSelector {
	resources := []cairn.DataResource{
		{Type: "AWS::S3::Object", Values: []string{"arn:aws:s3"}},
		{Type: "AWS::Lambda::Function", Values: []string{"arn:aws:lambda"}},
		{Type: "AWS::DynamoDB::Table", Values: []string{"arn:aws:dynamodb"}},
	}
	if n > 0 {
		resources[0].Values = append(resources[0].Values, fmt.Sprintf("arn:aws:s3:::bucket-%d/", n))
	}
	return []cairn.EventSelector{{DataResources: resources}}
}

// nothing takes none of the events. It is what trails for one purpose have, which
// can be data events alone: of management events a trail has all or half.
func nothing(n int) []cairn.AdvancedEventSelector {
	is := func(field string, values ...string) cairn.AdvancedFieldSelector {
		return cairn.AdvancedFieldSelector{Field: field, Equals: values}
	}
	begins := func(field, value string) cairn.AdvancedFieldSelector {
		return cairn.AdvancedFieldSelector{Field: field, StartsWith: []string{value}}
	}
	asked := begins("resources.ARN", fmt.Sprintf("arn:aws:s3:::no-such-bucket-%d/", n))
	switch n % 3 {
	case 1:
		asked = begins("userIdentity.arn", fmt.Sprintf("arn:aws:sts::%s:assumed-role/no-such-role-%d/", account, n))
	case 2:
		asked = is("eventName", fmt.Sprintf("NoSuchOperation%d", n))
	}
	return []cairn.AdvancedEventSelector{{FieldSelectors: []cairn.AdvancedFieldSelector{is("eventCategory", "Data"), is("resources.type", "AWS::S3::Object"), asked}}}
}

// measureDeliveries delivers one backlog for one scenario after the other.
func (b *bench) measureDeliveries(ctx context.Context) error {
	dir := filepath.Join(b.temp, "backlog")
	events := filepath.Join(dir, "events")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b.note("appending %d events …", b.n)
	t := b.table
	if err := b.do(ctx, spec{Task: taskFill, Events: events, N: b.n}, "", &t.backlog); err != nil {
		return err
	}
	for _, step := range []struct {
		to *delivered
		scenario
	}{{&t.one, oneTrail}, {&t.hundred, hundredTrails}, {&t.twenty, twentyTakers}} {
		b.note("delivering them for %d trails …", step.Takers+step.Others)
		data := filepath.Join(dir, step.Name)
		s := spec{Task: taskDeliver, Dir: data, Events: events, N: b.n, Trails: step.scenario, Sum: t.backlog}
		if err := b.do(ctx, s, "deliver-"+step.Name, step.to); err != nil {
			return fmt.Errorf("%s: %w", step.Name, err)
		}
		if err := os.RemoveAll(data); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}
