package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/internal/logfile"
)

// The bounds of a body of posted records.
const (
	maxPacked   = 16 << 20
	maxUnpacked = 64 << 20
	maxRatio    = 200
	maxPosted   = 100_000 // records
)

// putResult says what became of one posted record.
type putResult struct {
	Status string   `json:"status"` // that of eventlog, or "refused"
	Seq    *uint64  `json:"seq,omitempty"`
	Flags  []string `json:"flags,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// putAnswer is the answer to PutEvents.
type putAnswer struct {
	Results []putResult    `json:"results"`
	Counts  map[string]int `json:"counts"` // by status
}

// A posting says how posted records are kept, and which of them may be.
type posting struct {
	origin cairn.Origin
	source string // of the batches

	// again says that an earlier request may have stored the same records,
	// however long ago.
	again bool

	// ownNotes takes those of Cairn's own records that a gateway makes.
	ownNotes bool
}

// putEvents stores posted records. It returns when they are durable.
func (x *routes) putEvents(ctx context.Context, c *aws.Call, r *http.Request, body []byte) (func(http.ResponseWriter), error) {
	if _, err := parameters(c, r); err != nil {
		return nil, err
	}
	if len(c.Input) > 0 {
		return nil, invalid(errors.New("the request takes no parameters"))
	}
	return x.put(ctx, c, r, body, posting{origin: cairn.OriginPosted, source: "posted by " + c.Identity.ARN})
}

// put stores the records of a body.
func (x *routes) put(ctx context.Context, c *aws.Call, r *http.Request, body []byte, p posting) (func(http.ResponseWriter), error) {
	encoding := strings.ToLower(r.Header.Get("Content-Encoding"))
	if c.Input == nil {
		c.Input = make(map[string]any)
	}
	c.Input["contentLength"] = json.Number(fmt.Sprint(len(body)))
	if encoding != "" {
		c.Input["contentEncoding"] = encoding
	}
	weight, err := postedWeight(encoding, len(body))
	if err != nil {
		return nil, err
	}
	if err := x.unpacking.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	defer x.unpacking.Release(weight)
	records, err := postedRecords(encoding, body)
	if err != nil {
		return nil, invalid(err)
	}
	answer := &putAnswer{Results: make([]putResult, len(records)), Counts: make(map[string]int)}
	err = x.post(ctx, c, p, records, answer.Results)
	c.Output = make(map[string]any)
	for i := range answer.Results {
		if status := answer.Results[i].Status; status != "" {
			answer.Counts[status]++
		}
	}
	for status, n := range answer.Counts {
		x.metrics.appended.WithLabelValues(status, p.origin.String()).Add(float64(n))
		c.Output[status] = json.Number(fmt.Sprint(n))
	}
	if err != nil {
		return nil, x.unavailable(c, fmt.Errorf("append posted records: %w", err))
	}
	return func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, answer) }, nil
}

// postedWeight is how much memory a body may take once it is unpacked.
func postedWeight(encoding string, size int) (int64, error) {
	switch encoding {
	case "", "identity":
		return int64(size), nil
	case "gzip", "zstd":
		return min(maxUnpacked, int64(size)*maxRatio+1<<20), nil
	}
	return 0, &aws.Error{Code: "UnsupportedMediaType", Status: http.StatusUnsupportedMediaType,
		Message: "The Content-Encoding is neither gzip nor zstd."}
}

// postedRecords finds the records in a body. It is all or nothing, so that a
// body that was cut off is not stored in part.
func postedRecords(encoding string, body []byte) ([]postedRecord, error) {
	unpacked, err := logfile.NewReader(bytes.NewReader(body), logfile.Limits{Ratio: maxRatio, Bytes: maxUnpacked})
	if err != nil {
		return nil, err
	}
	if encoding == "identity" {
		encoding = ""
	}
	if string(unpacked.Packing) != encoding {
		return nil, fmt.Errorf("the body is not what Content-Encoding %q says", encoding)
	}
	split := logfile.NewSplitter(unpacked, false)
	var records []postedRecord
	for {
		rec, err := split.Next()
		switch {
		case err == io.EOF:
			return records, nil
		case errors.Is(err, logfile.ErrNotEvents):
			return nil, errors.New(`the body holds no records: {"Records":[…]}, an array of records, or a record a line`)
		case err != nil:
			return nil, err
		case len(records) == maxPosted:
			return nil, fmt.Errorf("the body holds more than %d records", maxPosted)
		}
		records = append(records, postedRecord{slices.Clone(rec.Raw), rec.Err})
	}
}

// A postedRecord is one record of a body, or why it could not be read.
type postedRecord struct {
	raw []byte
	err error
}

// post appends the records that the caller may post, in as few batches as the
// event log's limits allow, and fills in what became of each.
func (x *routes) post(ctx context.Context, c *aws.Call, p posting, records []postedRecord, results []putResult) error {
	batch := eventlog.Batch{Origin: p.origin, Source: p.source}
	var indexes []int
	size := 0
	send := func() error {
		if len(batch.Records) == 0 {
			return nil
		}
		out, err := x.log.Append(ctx, batch)
		if err != nil {
			return err
		}
		for i, r := range out {
			results[indexes[i]] = resultOf(r)
		}
		batch.Records, indexes, size = batch.Records[:0], indexes[:0], 0
		return nil
	}
	regions := x.regions()
	for i, rec := range records {
		if rec.err != nil {
			results[i] = putResult{Status: eventlog.Quarantined.String(), Reason: rec.err.Error()}
			continue
		}
		if reason := p.refusal(c, regions, rec.raw); reason != "" {
			results[i] = putResult{Status: "refused", Reason: reason}
			continue
		}
		if p.again {
			there, err := present(ctx, x.log, rec.raw)
			if err != nil {
				return err
			}
			if there {
				results[i] = putResult{Status: eventlog.Double.String()}
				continue
			}
		}
		if len(batch.Records) == eventlog.MaxBatchRecords || size+len(rec.raw) > eventlog.MaxBatchBytes {
			if err := send(); err != nil {
				return err
			}
		}
		batch.Records, indexes, size = append(batch.Records, rec.raw), append(indexes, i), size+len(rec.raw)
	}
	return send()
}

// refusal says why a caller may not post a record; empty if nothing is against
// it. What is no record goes on, for the log to quarantine.
func (p *posting) refusal(c *aws.Call, regions []string, raw []byte) string {
	var r cairn.Record
	if r.Extract(raw) != nil {
		return ""
	}
	if !c.Identity.Operator && r.AccountID != c.Account() {
		return "the record belongs to another account than the caller's"
	}
	if !c.Identity.Operator && ownSource(r.EventSource) && !(p.ownNotes && gatewayNote(&r)) {
		return fmt.Sprintf("the event source %q is Cairn's own", clip(r.EventSource))
	}
	if !slices.Contains(regions, r.AWSRegion) {
		return fmt.Sprintf("the region %q does not exist here", clip(r.AWSRegion))
	}
	return ""
}

// ownSource says whether an event source is one of those that Cairn's own
// records have, cairn.amazonaws.com and cairn.internal, or could be taken for
// one.
func ownSource(source string) bool {
	first, _, _ := strings.Cut(source, ".")
	return strings.EqualFold(strings.TrimSpace(first), "cairn")
}

func resultOf(r eventlog.Result) putResult {
	p := putResult{Status: r.Status.String(), Flags: r.Flags.Strings()}
	switch r.Status {
	case eventlog.Stored, eventlog.Double:
		p.Seq = &r.Seq
	case eventlog.Quarantined:
		p.Reason = "not a well-formed record"
		if r.Err != nil {
			p.Reason = r.Err.Error()
		}
	}
	return p
}
