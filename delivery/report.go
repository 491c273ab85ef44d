package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/catalog"
	"cairn/eventlog"
	"cairn/trail"
)

// A Report says how the deliveries of one trail stand.
type Report struct {
	Trail *trail.Trail
	Status

	// Lag is the age of the oldest event of the trail that is not in its bucket;
	// zero if there is none.
	Lag time.Duration

	Pending Pending
	Staged  Backlog // files that wait for the bucket
	Untold  int     // files in the bucket that the topic was not told of

	Lanes []Lane // digest chains, by account and region

	// Working says that the trail is being worked for at this moment. Then
	// Retry is not known.
	Working bool

	// Retry is when what failed is tried again; zero if nothing did.
	Retry time.Time

	NextCut time.Time // when the log is cut into files next
}

// Pending are events that were not cut into files yet.
type Pending struct {
	Events int
	More   bool      // there may be more: not all were looked at
	Oldest time.Time // arrival of the first
}

// A Backlog counts staged files.
type Backlog struct {
	Files  int
	Events int
	Bytes  int64     // of their objects
	Oldest time.Time // since when the oldest event in them waits, about
}

// A Lane is a digest chain.
type Lane struct {
	Account string
	Region  string
	Window  time.Time // begin of the open window; zero if the chain has ended
	Newest  time.Time // end of the newest digest in the bucket; zero if the bucket has none
	Digest  string    // its key
	Queued  int       // digests that are signed and wait for the bucket
	Due     time.Time // when the next digest is due; zero if the chain has ended
}

// maxPending bounds the events that Report looks at to count those that are not
// cut yet.
const maxPending = 20_000

// Report says how the deliveries of trails stand.
func (d *Delivery) Report(ctx context.Context, trails []*trail.Trail) ([]Report, error) {
	pending, err := d.uncut(ctx, trails)
	if err != nil {
		return nil, err
	}
	now := d.cfg.Now()
	reports := make([]Report, 0, len(trails))
	for _, t := range trails {
		r := Report{Trail: t, Pending: pending[t.ID], NextCut: now.Add(d.untilNext()).UTC()}
		if r.Status, err = d.Status(t.ID); err != nil {
			return nil, err
		}
		if err := d.count(t, &r); err != nil {
			return nil, err
		}
		if r.Lanes, err = d.lanesOf(t.ID); err != nil {
			return nil, err
		}
		for _, oldest := range []time.Time{r.Pending.Oldest, r.Staged.Oldest} {
			if !oldest.IsZero() {
				r.Lag = max(r.Lag, now.Sub(oldest))
			}
		}
		d.mu.Lock()
		w := d.workers[t.ID]
		d.mu.Unlock()
		if w != nil {
			r.Retry, r.Working = w.retry(now)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// count counts what is left to do for a trail's files.
func (d *Delivery) count(t *trail.Trail, r *Report) error {
	for row, err := range d.pending.Scan(catalog.KeyPrefix(t.ID)) {
		if err != nil {
			return fmt.Errorf("read the delivery ledger: %w", err)
		}
		f := row.Value
		switch {
		case f.Cut > d.cutNumber():
		case f.state() == Staged:
			r.Staged.add(f, d.cfg.Interval)
		case f.state() == Delivered && f.Notified.IsZero() && t.SNSTopicARN != "":
			r.Untold++
		}
	}
	return nil
}

// add counts a file. Its events came within an interval before it was made. The
// age of older ones, such as those of another clock, says nothing.
func (b *Backlog) add(f *File, interval time.Duration) {
	b.Files++
	b.Events += f.Events
	b.Bytes += f.Size
	since := f.Stamp
	if f.Oldest.Before(since) && f.Oldest.After(since.Add(-interval)) {
		since = f.Oldest
	}
	if b.Oldest.IsZero() || since.Before(b.Oldest) {
		b.Oldest = since
	}
}

// retry is when a worker tries again what failed.
func (w *worker) retry(now time.Time) (next time.Time, working bool) {
	if !w.mu.TryLock() { // held as long as a put may take
		return time.Time{}, true
	}
	defer w.mu.Unlock()
	for _, a := range w.attempts() {
		if a.until.After(now) && (next.IsZero() || a.until.Before(next)) {
			next = a.until
		}
	}
	return next, false
}

// lanesOf returns the digest chains of a trail.
func (d *Delivery) lanesOf(trailID string) ([]Lane, error) {
	var lanes []Lane
	for row, err := range d.lanes.Scan(catalog.KeyPrefix(trailID)) {
		if err != nil {
			return nil, fmt.Errorf("read digest chains: %w", err)
		}
		key, l := catalog.SplitKey(row.Key), row.Value
		lane := Lane{Account: key[1], Region: key[2], Window: l.Window, Queued: len(l.Queue)}
		if !l.Window.IsZero() {
			lane.Due = d.windowEnd(l.Window)
		}
		lane.Newest, lane.Digest = l.newest()
		lanes = append(lanes, lane)
	}
	return lanes, nil
}

// newest returns the end and the key of the newest digest of the open chain that
// is in the bucket. Each window begins where the one before it ended.
func (l *lane) newest() (end time.Time, key string) {
	link, start := l.Previous, l.Window
	for i := range l.Queue {
		if q := &l.Queue[i]; !q.Backfill {
			link, start = q.Previous, q.Start
			break
		}
	}
	if link == (cairn.DigestLink{}) {
		return time.Time{}, ""
	}
	return start, link.S3Object
}

// uncut counts for each trail the events behind the last cut that it takes.
func (d *Delivery) uncut(ctx context.Context, trails []*trail.Trail) (map[string]Pending, error) {
	from := d.Passed()
	js, err := newJudges(trails, from)
	if err != nil {
		return nil, err
	}
	pending := make(map[string]Pending)
	if js.none() {
		return pending, nil
	}
	var subject cairn.Subject
	classes := make(map[scope][]*class)
	seen, more := 0, false
	for e, err := range d.cfg.Log.Read(ctx, from) {
		var damage *eventlog.Damage
		if errors.As(err, &damage) {
			continue // the cut tells of it
		}
		if err != nil {
			return nil, fmt.Errorf("read the event log: %w", err)
		}
		if seen++; seen > maxPending {
			more = true
			break
		}
		if e.Extract() != nil {
			continue
		}
		at := scope{e.AccountID, e.AWSRegion}
		found, ok := classes[at]
		if !ok {
			found = js.classes(at)
			classes[scope{strings.Clone(at.account), strings.Clone(at.region)}] = found
		}
		if len(found) == 0 {
			continue
		}
		subject.Reset(e)
		for _, c := range found {
			if !c.takes(e, eventlog.At(e.Seq), &subject) {
				continue
			}
			for _, t := range c.trails {
				p := pending[t.ID]
				if p.Events++; p.Oldest.IsZero() {
					p.Oldest = e.Arrival
				}
				pending[t.ID] = p
			}
		}
	}
	if more {
		for _, t := range trails {
			p := pending[t.ID]
			p.More = true
			pending[t.ID] = p
		}
	}
	return pending, nil
}

// Health says how the deliveries of all trails together stand, as far as Stats
// does not.
type Health struct {
	Backlog
	Lag       time.Duration // of the oldest event that is not cut, or file that is not in its bucket
	DigestAge time.Duration // since what time a digest chain has no digest in its bucket, of the oldest
	Digests   int           // that are signed and wait for their bucket
}

// Health reads how deliveries stand. It reads what is left to do, and none of
// what is done.
func (d *Delivery) Health(ctx context.Context) (Health, error) {
	var h Health
	now := d.cfg.Now()
	for row, err := range d.pending.Scan("") {
		if err != nil {
			return h, fmt.Errorf("read the delivery ledger: %w", err)
		}
		if f := row.Value; f.state() == Staged && f.Cut <= d.cutNumber() {
			h.add(f, d.cfg.Interval)
		}
	}
	if !h.Oldest.IsZero() {
		h.Lag = now.Sub(h.Oldest)
	}
	for row, err := range d.lanes.Scan("") {
		if err != nil {
			return h, fmt.Errorf("read digest chains: %w", err)
		}
		l := row.Value
		h.Digests += len(l.Queue)
		since := l.Window
		if i := slices.IndexFunc(l.Queue, func(q queued) bool { return !q.Backfill }); i >= 0 {
			since = l.Queue[i].Start
		}
		if !since.IsZero() {
			h.DigestAge = max(h.DigestAge, now.Sub(since))
		}
	}
	logging := slices.ContainsFunc(d.cfg.Trails.All(), func(t *trail.Trail) bool { return t.Settings().Logging })
	if !logging {
		return h, nil
	}
	for e, err := range d.cfg.Log.Read(ctx, d.Passed()) {
		if err == nil {
			h.Lag = max(h.Lag, now.Sub(e.Arrival))
			break
		}
	}
	return h, nil
}
