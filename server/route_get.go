package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
)

// eventQuery reads a request's query and keeps it within the caller's walls.
func (x *routes) eventQuery(c *aws.Call, r *http.Request, others ...string) (*eventQuery, url.Values, error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, nil, err
	}
	q, err := parseEventQuery(values, others...)
	if err != nil {
		return nil, nil, invalid(err)
	}
	return q, values, wall(c, &q.Scope)
}

// single returns a parameter that may be given once.
func single(values url.Values, name string) (string, error) {
	if n := len(values[name]); n > 1 {
		return "", invalid(fmt.Errorf("%s is given %d times", name, n))
	}
	return values.Get(name), nil
}

// getEvents streams the events that a query finds.
func (x *routes) getEvents(_ context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	q, _, err := x.eventQuery(c, r)
	if err != nil {
		return nil, err
	}
	format := lines
	if strings.Contains(r.Header.Get("Accept"), eventStreamType) {
		format = frames
	}
	if _, err := x.take(x.streams, c, r); err != nil {
		return nil, err
	}
	if q.scans() {
		if _, err := x.take(x.scans, c, r); err != nil {
			return nil, err
		}
	}
	return func(w http.ResponseWriter) {
		x.watched(c, r, func(ctx context.Context) {
			stream := x.newStream(ctx, unhurried(w), format)
			stream.begin() // an error from here on is told within the answer
			x.streamLookup(ctx, nil, lookingUp{q.Query, q.errorOnly, q.limit, q.keep()}, stream)
		})
	}, nil
}

// getValues answers with the values of one attribute, the most frequent first.
func (x *routes) getValues(ctx context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	req := ValuesRequest{}
	limit := ""
	for name, v := range map[string]*string{
		"account": &req.Account, "region": &req.Region, "category": &req.Category,
		"attribute": &req.Attribute, "prefix": &req.Prefix, "limit": &limit,
	} {
		if *v, err = single(values, name); err != nil {
			return nil, err
		}
		delete(values, name)
	}
	for name := range values {
		if !strings.HasPrefix(name, "X-Amz-") {
			return nil, invalid(fmt.Errorf("parameter %q is not known", clip(name)))
		}
	}
	if limit != "" {
		if req.Limit, err = strconv.Atoi(limit); err != nil || req.Limit < 1 || req.Limit > maxValues {
			return nil, invalid(fmt.Errorf("limit %q is not a number from 1 to %d", clip(limit), maxValues))
		}
	}
	scope, err := scopeOf(req.Account, req.Region, req.Category)
	if err != nil {
		return nil, invalid(err)
	}
	if err := wall(c, &scope); err != nil {
		return nil, err
	}
	req.Account = scope.Account
	out, err := x.valuesOf(ctx, req)
	var bad *requestError
	if errors.As(err, &bad) {
		return nil, invalid(err)
	}
	if err != nil {
		return nil, x.unavailable(c, err)
	}
	return func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, out) }, nil
}

// maxValues bounds a list of values.
const maxValues = 10_000

// getHistogram answers with the number of hits in each step of time.
func (x *routes) getHistogram(ctx context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	q, values, err := x.eventQuery(c, r, "step")
	if err != nil {
		return nil, err
	}
	text, err := single(values, "step")
	if err != nil {
		return nil, err
	}
	step, err := strconv.ParseInt(text, 10, 64)
	if err != nil || step < 1 || step > math.MaxInt32 {
		return nil, invalid(fmt.Errorf("step %q is not a number of seconds from 1 on", clip(text)))
	}
	release, err := x.take(x.scans, c, r)
	if err != nil {
		return nil, err
	}
	defer release()
	width := time.Duration(step) * time.Second
	var buckets []eventlog.Bucket
	if keep := q.keep(); keep != nil {
		buckets, err = x.countKept(ctx, q.Query, q.errorOnly, width, keep)
	} else {
		buckets, err = x.log.Histogram(ctx, q.Query, width)
	}
	if errors.Is(err, eventlog.ErrHistogramSize) {
		return nil, invalid(err)
	}
	if err != nil {
		return nil, x.unavailable(c, err)
	}
	out := bucketList(buckets)
	return func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, out) }, nil
}

// countKept is the event log's Histogram for a query with conditions that the
// log does not know: it reads the records.
func (s *Server) countKept(ctx context.Context, q eventlog.Query, errorOnly bool, step time.Duration, keep func(*cairn.Event) bool) ([]eventlog.Bucket, error) {
	var buckets []eventlog.Bucket
	fill := func(t time.Time) error {
		seconds := int64(step / time.Second)
		start := time.Unix(t.Unix()/seconds*seconds, 0).UTC()
		if len(buckets) == 0 {
			buckets = append(buckets, eventlog.Bucket{Start: start})
		}
		for buckets[len(buckets)-1].Start.Before(start) {
			if len(buckets) == eventlog.MaxBuckets {
				return eventlog.ErrHistogramSize
			}
			buckets = append(buckets, eventlog.Bucket{Start: buckets[len(buckets)-1].Start.Add(step)})
		}
		return nil
	}
	if !q.Since.IsZero() {
		if err := fill(q.Since); err != nil {
			return nil, err
		}
	}
	q.OldestFirst, q.After, q.Limit = true, eventlog.Cursor{}, pageEvents
	for {
		page, err := s.find(ctx, q, errorOnly)
		if err != nil {
			return nil, err
		}
		if len(page.Damage) > 0 {
			return nil, page.Damage[0]
		}
		for i := range page.Events {
			if !keep(&page.Events[i]) {
				continue
			}
			if err := fill(page.Events[i].Time()); err != nil {
				return nil, err
			}
			buckets[len(buckets)-1].Count++
		}
		if !page.More {
			break
		}
		q.After = page.Next
	}
	if !q.Until.IsZero() {
		return buckets, fill(q.Until)
	}
	return buckets, nil
}

// An eventLine is an event as a line of JSON.
type eventLine struct {
	Seq     uint64    `json:"seq"`
	Arrival time.Time `json:"arrival"`
	Origin  string    `json:"origin"`
	Flags   []string  `json:"flags"`

	Resources []lineResource `json:"resources,omitempty"`

	Record json.RawMessage `json:"-"` // stands at the end, untouched
}

type lineResource struct {
	Type string `json:"type,omitempty"`
	Name string `json:"name"`
}

// appendEventLine appends an event as one line without a line feed at its end.
func appendEventLine(b []byte, h frameHead, raw []byte) ([]byte, error) {
	flags := cairn.Flags(h.Flags).Strings()
	if flags == nil {
		flags = []string{}
	}
	line := eventLine{Seq: h.Seq, Arrival: h.Arrival, Origin: cairn.Origin(h.Origin).String(), Flags: flags}
	for _, r := range h.Resources {
		line.Resources = append(line.Resources, lineResource(r))
	}
	head, err := json.Marshal(line)
	if err != nil {
		return b, err
	}
	b = append(append(b, head[:len(head)-1]...), `,"record":`...)
	// Line feeds can only stand between the tokens of JSON.
	for _, c := range raw {
		if c != '\n' && c != '\r' {
			b = append(b, c)
		}
	}
	return append(b, '}'), nil
}

// lines is the format of one JSON object a line.
var lines = streamFormat{"application/x-ndjson", func(w io.Writer, h frameHead, raw []byte) (err error) {
	var line []byte
	if h.Type == "event" {
		line, err = appendEventLine(make([]byte, 0, len(raw)+200), h, raw)
	} else {
		line, err = json.Marshal(noteOf(h))
	}
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	return err
}}

// noteOf is what a stream says besides its events: {"end":{…}}, {"damage":{…}},
// {"error":{…}}.
func noteOf(h frameHead) map[string]any {
	note := make(map[string]string)
	for name, text := range map[string]string{"text": h.Text, "next": h.Next, "position": h.Position} {
		if text != "" {
			note[name] = text
		}
	}
	return map[string]any{h.Type: note}
}

// tailStart says where a tail begins.
func (s *Server) tailStart(from string) (eventlog.Position, error) {
	switch from {
	case "start":
		return s.log.Start(), nil
	case "end":
		return s.log.End(), nil
	}
	return eventlog.ParsePosition(from)
}
