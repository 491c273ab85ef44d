package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
)

// An Overview says what goes on in an account, or in all. What it takes is read
// from the index, so that it can be asked for again and again.
type Overview struct {
	Account string    `json:"account,omitempty"` // empty: all
	Region  string    `json:"region,omitempty"`  // empty: all
	Time    time.Time `json:"time"`

	Hours    []overviewBucket     `json:"hours"`    // events of the last day, by their time
	Minutes  []overviewBucket     `json:"minutes"`  // of the last hour
	Failures []overviewBucket     `json:"failures"` // calls with one of the 100 most frequent error codes, by hour
	Newest   *overviewEvent       `json:"newest,omitempty"`
	Top      map[string]valueList `json:"top"` // by attribute
	Trails   *overviewTrails      `json:"trails,omitempty"`
	Server   *overviewServer      `json:"server,omitempty"` // for operators
}

type overviewBucket struct {
	Start time.Time `json:"start"`
	Count uint64    `json:"count"`
}

type overviewEvent struct {
	EventID     string    `json:"eventId"`
	EventName   string    `json:"eventName"`
	EventSource string    `json:"eventSource"`
	Username    string    `json:"username,omitempty"`
	EventTime   time.Time `json:"eventTime"`
	Arrival     time.Time `json:"arrival"`
}

// overviewTrails sums up the trails of the account.
type overviewTrails struct {
	Trails  int `json:"trails"`
	Logging int `json:"logging"`
}

// overviewServer is about the server as a whole.
type overviewServer struct {
	Version       string     `json:"version"`
	StoreID       string     `json:"storeId"`
	Started       time.Time  `json:"started"`
	UptimeSeconds int64      `json:"uptimeSeconds"`
	Retention     string     `json:"retention"` // as the --retention flag reads it
	Regions       []string   `json:"regions"`
	Problem       string     `json:"problem,omitempty"` // why events cannot be written
	Disk          diskRoom   `json:"disk"`
	Log           logSummary `json:"log"`
	Deliveries    lagSummary `json:"deliveries"`

	Gateway *GatewayStatus `json:"gateway,omitempty"`
}

type diskRoom struct {
	FreeBytes    *uint64 `json:"freeBytes,omitempty"` // missing if it cannot be told
	ReserveBytes uint64  `json:"reserveBytes"`        // below it nothing new is stored
}

type logSummary struct {
	Events             uint64 `json:"events"`
	RawBytes           int64  `json:"rawBytes"`
	DiskBytes          int64  `json:"diskBytes"`
	Segments           int    `json:"segments"`
	SealedSegments     int    `json:"sealedSegments"`
	WaitingSegments    int    `json:"waitingSegments"` // full, to be sealed
	DamagedSegments    int    `json:"damagedSegments"`
	OpenEvents         int    `json:"openEvents"` // in the open segment
	StoredSinceStart   uint64 `json:"storedSinceStart"`
	Doubles            uint64 `json:"doublesSinceStart"`
	Quarantined        uint64 `json:"quarantinedSinceStart"`
	ArrivedLastMinute  uint64 `json:"arrivedLastMinute"`
	ArrivedLastQuarter uint64 `json:"arrivedLastQuarterHour"`
}

// lagSummary says how deliveries stand, of all trails together.
type lagSummary struct {
	S3               string  `json:"s3"`
	LagSeconds       float64 `json:"lagSeconds"`
	WaitingFiles     int     `json:"waitingFiles"`
	WaitingBytes     int64   `json:"waitingBytes"`
	WaitingDigests   int     `json:"waitingDigests"`
	DigestAgeSeconds float64 `json:"digestAgeSeconds"`
	Failures         uint64  `json:"failuresSinceStart"`
	GivenUp          uint64  `json:"givenUpSinceStart"`
}

// The bounds of an overview.
const (
	defaultTop = 10
	maxTop     = 100

	topAge      = 5 * time.Second
	maxKeptTops = 64
)

// topAttributes are those whose most frequent values an overview has.
var topAttributes = []cairn.Attribute{cairn.AttrEventName, cairn.AttrUsername, cairn.AttrEventSource, cairn.AttrErrorCode, cairn.AttrSourceIP}

// getOverview answers with what goes on.
func (x *routes) getOverview(ctx context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	top := defaultTop
	one, err := singles(values, "account", "region", "top")
	if err != nil {
		return nil, err
	}
	if text := one["top"]; text != "" {
		if top, err = strconv.Atoi(text); err != nil || top < 1 || top > maxTop {
			return nil, invalid(fmt.Errorf("top %q is not a number from 1 to %d", clip(text), maxTop))
		}
	}
	scope, err := scopeOf(one["account"], one["region"], "")
	if err != nil {
		return nil, invalid(err)
	}
	if err := wall(c, &scope); err != nil {
		return nil, err
	}
	out, err := x.overview(ctx, scope, top)
	if err != nil {
		return nil, x.unavailable(c, err)
	}
	if c.Identity.Operator {
		if out.Server, err = x.overviewServer(ctx); err != nil {
			return nil, x.unavailable(c, err)
		}
	}
	return func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, out) }, nil
}

// overview reads what the index has of a scope.
func (x *routes) overview(ctx context.Context, scope eventlog.Scope, top int) (*Overview, error) {
	now := x.cfg.Now()
	out := &Overview{Account: scope.Account, Region: scope.Region, Time: now.UTC(), Top: make(map[string]valueList)}
	lists, err := x.topLists(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("list the most frequent values: %w", err)
	}
	var codes []string
	for i, a := range topAttributes {
		n := min(top, len(lists[i].Values))
		list := valueList{Values: make([]valueCount, n), Complete: lists[i].Complete && n == len(lists[i].Values)}
		for j, v := range lists[i].Values {
			if a == cairn.AttrErrorCode {
				codes = append(codes, v.Value)
			}
			if j < n {
				list.Values[j] = valueCount(v)
			}
		}
		out.Top[a.String()] = list
	}
	// The index counts values that are named; it would have to read records for
	// whatever begins with nothing.
	failed := []eventlog.Filter{{Attribute: cairn.AttrErrorCode, Values: codes}}
	for _, h := range []struct {
		to      *[]overviewBucket
		span    time.Duration
		step    time.Duration
		filters []eventlog.Filter
	}{
		{&out.Hours, 23 * time.Hour, time.Hour, nil},
		{&out.Failures, 23 * time.Hour, time.Hour, failed},
		{&out.Minutes, 59 * time.Minute, time.Minute, nil},
	} {
		since := now.Add(-h.span).Truncate(h.step)
		buckets, err := x.log.Histogram(ctx, eventlog.Query{Scope: scope, Filters: h.filters, Since: since, Until: now}, h.step)
		if err != nil {
			return nil, fmt.Errorf("count the events of the last %s: %w", h.span+h.step, err)
		}
		*h.to = make([]overviewBucket, len(buckets))
		for i, b := range buckets {
			(*h.to)[i] = overviewBucket{b.Start.UTC(), b.Count}
		}
	}
	page, err := x.log.Lookup(ctx, eventlog.Query{Scope: scope, Until: now, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("find the newest event: %w", err)
	}
	if len(page.Events) > 0 {
		e := &page.Events[0]
		out.Newest = &overviewEvent{e.EventID, e.EventName, e.EventSource, e.Username, e.EventTime.UTC(), e.Arrival.UTC()}
	}
	if f := x.serving(); f != nil {
		out.Trails = &overviewTrails{}
		for _, t := range f.trails.All() {
			if scope.Account != "" && t.AccountID != scope.Account || !t.Deleted.IsZero() {
				continue
			}
			out.Trails.Trails++
			if t.Settings().Logging {
				out.Trails.Logging++
			}
		}
	}
	return out, nil
}

// topLists are the values of the top attributes. They are counted anew when they
// are older than topAge, for that takes most of an overview's time.
func (x *routes) topLists(ctx context.Context, scope eventlog.Scope) ([]*eventlog.Values, error) {
	now := time.Now()
	x.tops.Lock()
	kept, ok := x.tops.kept[scope]
	x.tops.Unlock()
	if ok && now.Sub(kept.at) < topAge {
		return kept.lists, nil
	}
	lists, err := x.log.ValuesOf(ctx, scope, topAttributes, "", maxTop)
	if err != nil {
		return nil, err
	}
	x.tops.Lock()
	defer x.tops.Unlock()
	if x.tops.kept == nil || len(x.tops.kept) >= maxKeptTops {
		x.tops.kept = make(map[eventlog.Scope]keptTop)
	}
	x.tops.kept[scope] = keptTop{now, lists}
	return lists, nil
}

// A keptTop is what topLists counted, and when.
type keptTop struct {
	at    time.Time
	lists []*eventlog.Values
}

// keptTops are the lists of the scopes that were asked for last.
type keptTops struct {
	sync.Mutex
	kept map[eventlog.Scope]keptTop
}

// overviewServer says how the server stands.
func (x *routes) overviewServer(ctx context.Context) (*overviewServer, error) {
	st := x.log.Stats()
	out := &overviewServer{
		Version: x.cfg.Version, StoreID: x.id, Started: x.started.UTC(), UptimeSeconds: int64(time.Since(x.started) / time.Second),
		Retention: retentionText(x.cfg.Retention), Regions: x.regions(),
		Disk: diskRoom{ReserveBytes: reserveBytes},
		Log: logSummary{
			Events: st.Records, RawBytes: st.RawBytes, DiskBytes: st.DiskBytes, Segments: st.Segments, SealedSegments: st.SealedSegments,
			WaitingSegments: st.Waiting, DamagedSegments: st.Damaged, OpenEvents: st.OpenRecords,
			StoredSinceStart: st.Stored, Doubles: st.Doubles, Quarantined: st.Quarantined,
		},
		Deliveries: lagSummary{S3: x.cfg.S3.place()},
	}
	if free, err := x.cfg.FS.Free(x.cfg.Data); err == nil {
		out.Disk.FreeBytes = &free
	}
	if err := x.problem(); err != nil {
		out.Problem = sentence(err)
	}
	var err error
	if out.Gateway, err = x.gatewayStatus(); err != nil {
		return nil, err
	}
	now := x.cfg.Now()
	out.Log.ArrivedLastMinute = x.arrivedSince(ctx, st, now.Add(-time.Minute))
	out.Log.ArrivedLastQuarter = x.arrivedSince(ctx, st, now.Add(-15*time.Minute))
	f := x.serving()
	if f == nil {
		return out, nil
	}
	h, err := f.deliveries.Health(ctx)
	if err != nil {
		return nil, err
	}
	d := f.deliveries.Stats()
	out.Deliveries = lagSummary{
		S3: x.cfg.S3.place(), LagSeconds: max(0, h.Lag.Seconds()), WaitingFiles: h.Files, WaitingBytes: h.Bytes, WaitingDigests: h.Digests,
		DigestAgeSeconds: max(0, h.DigestAge.Seconds()), Failures: d.Failures, GivenUp: d.GivenUp,
	}
	return out, nil
}

// arrivedSince is how many records have arrived since a time. Arrivals never
// decrease, so that a binary search finds the first of them by reading some
// twenty records; what cannot be read counts as older.
func (x *routes) arrivedSince(ctx context.Context, st eventlog.Stats, since time.Time) uint64 {
	low, high := st.End-min(st.Records, st.End), st.End
	for low < high {
		middle := low + (high-low)/2
		later := false
		for e, err := range x.log.Read(ctx, eventlog.At(middle)) {
			later = err == nil && !e.Arrival.Before(since)
			break
		}
		if later {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return st.End - low
}

// singles returns the parameters of the names, each of which can be given once,
// and refuses others.
func singles(values url.Values, names ...string) (map[string]string, error) {
	one := make(map[string]string)
	for name := range values {
		if strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if !slices.Contains(names, name) {
			return nil, invalid(fmt.Errorf("parameter %q is not known", clip(name)))
		}
		v, err := single(values, name)
		if err != nil {
			return nil, err
		}
		one[name] = v
	}
	return one, nil
}
