package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
)

// A DryRunRequest asks what selectors would have taken of past events. The
// selectors are those of PutEventSelectors; of neither kind, those that a trail
// has without any.
type DryRunRequest struct {
	EventSelectors         []cairn.EventSelector
	AdvancedEventSelectors []cairn.AdvancedEventSelector

	Account                    string     `json:"account"`                    // the caller's if empty
	Region                     string     `json:"region"`                     // only events that a trail of this region alone takes; empty for all
	IncludeGlobalServiceEvents *bool      `json:"includeGlobalServiceEvents"` // default true
	Imported                   bool       `json:"imported"`                   // imported events, too, which trails do not take
	Since                      *time.Time `json:"since"`                      // default a day before until
	Until                      *time.Time `json:"until"`                      // default now
	Samples                    *int       `json:"samples"`                    // of each kind; default 5, at most 100
}

// A DryRunResult says what the selectors would have taken.
type DryRunResult struct {
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Scanned  int       `json:"scanned"`
	Matched  int       `json:"matched"`
	Imported int       `json:"importedLeftOut"`
	RawBytes int64     `json:"rawBytes"` // of the records that match

	// For a day, at the rate of the time range.
	EventsPerDay    float64 `json:"eventsPerDay"`
	RawBytesPerDay  float64 `json:"rawBytesPerDay"`
	GzipBytesPerDay float64 `json:"gzipBytesPerDay"` // estimated from a part of the records

	Categories []DryRunCount  `json:"categories"` // of all events
	Names      []DryRunCount  `json:"names"`      // the most frequent of all events
	Taken      []DryRunSample `json:"taken"`      // one of each name at most
	NotTaken   []DryRunSample `json:"notTaken"`
	Damage     []string       `json:"damage,omitempty"`
}

// DryRunCount counts the events of a category or a name.
type DryRunCount struct {
	Value        string `json:"value"`
	Events       int    `json:"events"`
	Matched      int    `json:"matched"`
	MatchedBytes int64  `json:"matchedBytes"`
}

// DryRunSample is an event, and why it is taken or not.
type DryRunSample struct {
	EventID     string    `json:"eventId"`
	EventTime   time.Time `json:"eventTime"`
	EventName   string    `json:"eventName"`
	EventSource string    `json:"eventSource"`
	Username    string    `json:"username,omitempty"`
	Category    string    `json:"category"`
	ReadOnly    string    `json:"readOnly,omitempty"`
	AWSRegion   string    `json:"awsRegion"`
	Why         string    `json:"why"`
}

// DryRunLine is a line of the answer: one of these.
type DryRunLine struct {
	Progress *DryRunProgress `json:"progress,omitempty"`
	Result   *DryRunResult   `json:"result,omitempty"`
	Error    *TrailText      `json:"error,omitempty"`
}

// DryRunProgress says how far a dry run is.
type DryRunProgress struct {
	Scanned int       `json:"scanned"`
	Matched int       `json:"matched"`
	At      time.Time `json:"at"` // it goes from the newest to the oldest
}

// The bounds of a dry run.
const (
	defaultSamples  = 5
	maxSamples      = 100
	maxDryRunNames  = 10_000
	topDryRunNames  = 25
	dryRunGzipBytes = 8 << 20 // of records that are compressed for the estimate
	progressEvery   = 500 * time.Millisecond
)

// dryRun answers with what selectors would have taken of past events.
func (x *routes) dryRun(_ context.Context, c *aws.Call, r *http.Request, body []byte) (func(http.ResponseWriter), error) {
	if _, err := parameters(c, r); err != nil {
		return nil, err
	}
	if err := showBody(c, r, body); err != nil {
		return nil, err
	}
	var req DryRunRequest
	if err := readBody(body, &req); err != nil {
		return nil, err
	}
	run, err := newDryRun(c, &req, x.cfg.Now())
	if err != nil {
		return nil, invalid(err)
	}
	if err := wall(c, &run.query.Scope); err != nil {
		return nil, err
	}
	if _, err := x.take(x.streams, c, r); err != nil {
		return nil, err
	}
	if _, err := x.take(x.scans, c, r); err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter) {
		x.watched(c, r, func(ctx context.Context) { x.streamDryRun(ctx, unhurried(w), run) })
	}, nil
}

// readBody reads a body of JSON, in which there may be nothing that is not known.
func readBody(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid(badJSON(err))
	}
	return nil
}

// A dryRun is one under way.
type dryRun struct {
	DryRunResult
	trail     cairn.Trail
	selectors *cairn.Selectors
	query     eventlog.Query
	imported  bool
	samples   int

	categories, names map[string]*DryRunCount
	sampled           [2]map[string]bool // names that a sample has, by whether it is taken
	packedRaw, packed int64
	pack              *gzip.Writer
	packing           bytes.Buffer
}

func newDryRun(c *aws.Call, req *DryRunRequest, now time.Time) (*dryRun, error) {
	run := &dryRun{
		samples: defaultSamples, imported: req.Imported, categories: make(map[string]*DryRunCount), names: make(map[string]*DryRunCount),
		sampled: [2]map[string]bool{make(map[string]bool), make(map[string]bool)},
	}
	run.Until = now.UTC()
	if req.Until != nil {
		run.Until = req.Until.UTC()
	}
	run.Since = run.Until.Add(-24 * time.Hour)
	if req.Since != nil {
		run.Since = req.Since.UTC()
	}
	switch {
	case run.Until.Unix() <= 0 || run.Since.Unix() <= 0:
		return nil, errors.New("a time lies before 1970")
	case !run.Since.Before(run.Until):
		return nil, errors.New("since is not before until")
	case req.Samples != nil && (*req.Samples < 0 || *req.Samples > maxSamples):
		return nil, fmt.Errorf("samples %d is not a number from 0 to %d", *req.Samples, maxSamples)
	case req.Samples != nil:
		run.samples = *req.Samples
	}
	run.query.Scope.Account = cmp.Or(req.Account, c.Account())
	run.query.Since, run.query.Until = run.Since, run.Until
	run.trail = cairn.Trail{
		AccountID: run.query.Scope.Account, HomeRegion: req.Region, IsMultiRegion: req.Region == "",
		IncludeGlobalServiceEvents: req.IncludeGlobalServiceEvents == nil || *req.IncludeGlobalServiceEvents,
		EventSelectors:             req.EventSelectors, AdvancedEventSelectors: req.AdvancedEventSelectors,
	}
	var err error
	run.selectors, err = run.trail.Selectors()
	return run, err
}

// streamDryRun reads the events of the range and tells how far it is, and at last
// what was found.
func (x *routes) streamDryRun(ctx context.Context, w http.ResponseWriter, run *dryRun) {
	w.Header().Set("Content-Type", lines.contentType)
	w.WriteHeader(http.StatusOK)
	lines := json.NewEncoder(w)
	flush := http.NewResponseController(w)
	pages, stop := x.exportPages(ctx, &eventQuery{Query: run.query})
	defer stop()
	var told time.Time
	var subject cairn.Subject
	for p := range pages {
		if p.err != nil {
			_ = lines.Encode(DryRunLine{Error: &TrailText{x.tell(ctx, endOf(ctx, p.err))}})
			return
		}
		for _, d := range p.page.Damage {
			if text := x.tell(ctx, d); len(run.Damage) < 100 && !slices.Contains(run.Damage, text) {
				run.Damage = append(run.Damage, text)
			}
		}
		run.take(p.page.Events, &subject)
		if n := len(p.page.Events); n > 0 && time.Since(told) > progressEvery {
			told = time.Now()
			if lines.Encode(DryRunLine{Progress: &DryRunProgress{run.Scanned, run.Matched, p.page.Events[n-1].Time().UTC()}}) != nil {
				return // the client is gone
			}
			_ = flush.Flush()
		}
	}
	if err := ctx.Err(); err != nil {
		_ = lines.Encode(DryRunLine{Error: &TrailText{x.tell(ctx, endOf(ctx, err))}})
		return
	}
	run.finish()
	_ = lines.Encode(DryRunLine{Result: &run.DryRunResult})
}

// take holds a page of events to the selectors.
func (d *dryRun) take(events []cairn.Event, subject *cairn.Subject) {
	for i := range events {
		e := &events[i]
		d.Scanned++
		if e.Origin == cairn.OriginImported && !d.imported {
			d.Imported++
			continue
		}
		subject.Reset(e)
		matched := d.trail.Match(subject, d.selectors, false)
		if matched {
			d.Matched++
			d.RawBytes += int64(len(e.Raw))
			d.compress(e.Raw)
		}
		countDryRun(d.categories, e.Category.String(), matched, len(e.Raw))
		name := e.EventSource + " " + e.EventName
		if _, known := d.names[name]; !known && len(d.names) >= maxDryRunNames {
			name = "others"
		}
		countDryRun(d.names, name, matched, len(e.Raw))
		d.sample(e, subject, matched)
	}
	d.flushPack()
}

func countDryRun(counts map[string]*DryRunCount, value string, matched bool, bytes int) {
	n := counts[value]
	if n == nil {
		value = strings.Clone(value) // a record's memory goes with its page
		n = &DryRunCount{Value: value}
		counts[value] = n
	}
	n.Events++
	if matched {
		n.Matched++
		n.MatchedBytes += int64(bytes)
	}
}

// sample keeps the event if it is the first of its name.
func (d *dryRun) sample(e *cairn.Event, subject *cairn.Subject, matched bool) {
	list, sampled := &d.NotTaken, d.sampled[0]
	if matched {
		list, sampled = &d.Taken, d.sampled[1]
	}
	if len(*list) >= d.samples || sampled[e.EventName] {
		return
	}
	_, why := d.trail.Explain(subject, d.selectors, false)
	*list = append(*list, DryRunSample{
		EventID: strings.Clone(e.EventID), EventTime: e.EventTime.UTC(), EventName: strings.Clone(e.EventName), EventSource: strings.Clone(e.EventSource),
		Username: strings.Clone(e.Username), Category: e.Category.String(), ReadOnly: e.ReadOnly.String(), AWSRegion: strings.Clone(e.AWSRegion), Why: why,
	})
	sampled[(*list)[len(*list)-1].EventName] = true
}

// compress adds a record to what the estimate is made from: each page is one log
// file, for they are compressed one by one.
func (d *dryRun) compress(raw []byte) {
	if d.packedRaw >= dryRunGzipBytes {
		return
	}
	if d.pack == nil {
		d.pack = gzip.NewWriter(&d.packing)
	}
	d.packedRaw += int64(len(raw))
	_, _ = d.pack.Write(raw) // into memory
}

func (d *dryRun) flushPack() {
	if d.pack == nil {
		return
	}
	_ = d.pack.Close()
	d.packed += int64(d.packing.Len())
	d.packing.Reset()
	d.pack.Reset(&d.packing)
	if d.packedRaw >= dryRunGzipBytes {
		d.pack = nil
	}
}

// finish makes the figures of a day, and the lists.
func (d *dryRun) finish() {
	days := d.Until.Sub(d.Since).Hours() / 24
	d.EventsPerDay, d.RawBytesPerDay = float64(d.Matched)/days, float64(d.RawBytes)/days
	if d.packedRaw > 0 {
		d.GzipBytesPerDay = d.RawBytesPerDay * float64(d.packed) / float64(d.packedRaw)
	}
	d.Categories, d.Names = sortDryRun(d.categories, 10), sortDryRun(d.names, topDryRunNames)
	for _, list := range []*[]DryRunSample{&d.Taken, &d.NotTaken} {
		if *list == nil {
			*list = []DryRunSample{}
		}
	}
}

func sortDryRun(counts map[string]*DryRunCount, most int) []DryRunCount {
	list := []DryRunCount{}
	for _, n := range counts {
		list = append(list, *n)
	}
	slices.SortFunc(list, func(a, b DryRunCount) int {
		return cmp.Or(cmp.Compare(b.Matched, a.Matched), cmp.Compare(b.Events, a.Events), cmp.Compare(a.Value, b.Value))
	})
	return list[:min(most, len(list))]
}
