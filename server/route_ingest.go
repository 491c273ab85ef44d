package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/logfile"
)

// An ingest route takes the audit log of a system that sends it by webhook. Such systems
// cannot sign requests: a token stands for the account and region of their records. The
// requests themselves are not recorded, or each call there would be two events here; a
// wrong token is counted like a failed sign-in.
type ingestRoute struct {
	*routes
	source  string
	record  func(raw []byte, place gateway.AuditPlace) ([]byte, error)
	counter failureCounter
}

// failureCounter sums up failures that no identity can be named for.
type failureCounter interface {
	Count(c *aws.Call, e *aws.Error)
}

// addIngest adds the routes for audit logs to the public handler.
func (x *routes) addIngest(mux *http.ServeMux, counter failureCounter) {
	for source, record := range map[string]func([]byte, gateway.AuditPlace) ([]byte, error){
		IngestMinIO: gateway.MinIORecord, IngestKubernetes: gateway.KubernetesRecord,
	} {
		mux.Handle("POST /_cairn/ingest/"+source, &ingestRoute{x, source, record, counter})
	}
}

// maxIngestProblems bounds the items that an answer gives reasons for.
const maxIngestProblems = 100

// ingestAnswer says what became of the items of a body.
type ingestAnswer struct {
	Items    int             `json:"items"`
	Counts   map[string]int  `json:"counts"`             // by status; "dropped" are those that no record is made of
	Problems []ingestProblem `json:"problems,omitempty"` // at most 100
}

// ingestProblem says why an item became no record.
type ingestProblem struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

func (x *ingestRoute) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &aws.Call{Time: x.now(), RequestID: aws.NewUUID(), Service: aws.RouteService, Operation: "Ingest"}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.SourceIP = at.Addr().Unmap()
	}
	w.Header().Set("X-Amzn-Requestid", c.RequestID)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	answer, err := x.serve(w, r, c)
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	var e *aws.Error
	if !errors.As(err, &e) {
		if err = x.unavailable(c, err); !errors.As(err, &e) {
			x.cfg.Logger.Error("audit entries were not stored", "source", x.source, "request", c.RequestID, "error", err)
			e = &aws.Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: "The entries could not be stored. Request ID: " + c.RequestID}
		}
	}
	if e.Status == 0 {
		e.Status = http.StatusBadRequest
	}
	if e.Unattributed {
		x.counter.Count(c, e)
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.Header().Set("Connection", "close") // the body may not have been read
	writeJSON(w, e.Status, map[string]string{"__type": e.Code, "message": e.Message})
}

func (x *ingestRoute) now() time.Time {
	if x.cfg.Now != nil {
		return x.cfg.Now()
	}
	return time.Now()
}

// serve stores the entries of a request. A stranger's body is not read.
func (x *ingestRoute) serve(w http.ResponseWriter, r *http.Request, c *aws.Call) (answer *ingestAnswer, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	token, err := x.ingestTokenOf(r.Header.Get("Authorization"), x.source)
	if errors.Is(err, errIngestToken) {
		return nil, &aws.Error{Code: "InvalidIngestToken", Status: http.StatusForbidden, Unattributed: true,
			Message: "The Authorization header has no ingest token of the source " + x.source + "."}
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(x.regions(), token.Region) {
		return nil, &aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable,
			Message: "The token's region, " + token.Region + ", does not exist here any more."}
	}
	body, release, err := x.read(w, r)
	if err != nil {
		return nil, err
	}
	defer release()
	items, err := ingestItems(body)
	if err != nil {
		return nil, invalid(err)
	}
	return x.store(r.Context(), token, items)
}

// read returns the body, unpacked, and what gives its memory back.
func (x *ingestRoute) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	encoding := strings.ToLower(r.Header.Get("Content-Encoding"))
	if encoding == "identity" {
		encoding = ""
	}
	size := r.ContentLength
	if size < 0 || size > maxPacked {
		size = maxPacked
	}
	weight, err := postedWeight(encoding, int(size))
	if err != nil {
		return nil, nil, err
	}
	// The body is there in up to four forms at a time: as it was read, as the decoder reads
	// ahead, as a value, and as the value's parts. An item is a tree and a record for a moment.
	weight = min(4*weight+1<<20, maxUnpacking)
	if err := x.unpacking.Acquire(r.Context(), weight); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			x.unpacking.Release(weight)
		}
	}()
	unpacked, err := logfile.NewReader(http.MaxBytesReader(w, r.Body, maxPacked), logfile.Limits{Ratio: maxRatio, Bytes: maxUnpacked})
	if err == nil {
		if string(unpacked.Packing) != encoding {
			return nil, nil, invalid(fmt.Errorf("the body is not what Content-Encoding %q says", clip(encoding)))
		}
		body, err = io.ReadAll(unpacked)
	}
	var tooLong *http.MaxBytesError
	var tooMuch *logfile.LimitError
	switch {
	case errors.As(err, &tooLong), errors.As(err, &tooMuch):
		return nil, nil, &aws.Error{Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge, Message: "The body is too large: " + err.Error() + "."}
	case err != nil:
		return nil, nil, invalid(fmt.Errorf("read the body: %w", err))
	}
	return body, func() { x.unpacking.Release(weight) }, nil
}

// store makes records of the items and appends them in as few batches as the log's
// limits allow. Items that cannot become records are quarantined, so that their sender
// can go on to the next ones.
func (x *ingestRoute) store(ctx context.Context, token *ingestToken, items []ingestItem) (*ingestAnswer, error) {
	answer := &ingestAnswer{Items: len(items), Counts: make(map[string]int)}
	place := gateway.AuditPlace{AccountID: token.AccountID, Region: token.Region}
	batch := eventlog.Batch{Origin: cairn.OriginPosted, Source: "ingest token " + token.Name}
	size := 0
	send := func() error {
		if len(batch.Records) == 0 {
			return nil
		}
		results, err := x.log.Append(ctx, batch)
		if err != nil {
			return fmt.Errorf("append the records of ingest token %s: %w", token.Name, err)
		}
		for _, result := range results {
			status := result.Status.String()
			answer.Counts[status]++
			x.metrics.appended.WithLabelValues(status, batch.Origin.String()).Inc()
		}
		batch.Records, size = batch.Records[:0], 0
		return nil
	}
	for i, item := range items {
		rec, err := []byte(nil), item.err
		if err == nil {
			rec, err = x.record(item.raw, place)
		}
		switch {
		case err != nil:
			if len(answer.Problems) < maxIngestProblems {
				answer.Problems = append(answer.Problems, ingestProblem{i, clip(err.Error())})
			}
			rec = x.unreadable(i, item.raw, err)
		case rec == nil:
			answer.Counts["dropped"]++
			continue
		}
		if len(batch.Records) == eventlog.MaxBatchRecords || size+len(rec) > eventlog.MaxBatchBytes {
			if err := send(); err != nil {
				return nil, err
			}
		}
		batch.Records, size = append(batch.Records, rec), size+len(rec)
	}
	return answer, send()
}

// maxUnreadable is how much of an item that is no entry the quarantine keeps.
const maxUnreadable = 64 << 10

// unreadable is what the quarantine keeps of an item: the reason, its size, and the
// first of its bytes in base64. It is no record whatever the item holds, so that
// nobody can send a record of their own making in place of an entry.
func (x *ingestRoute) unreadable(index int, raw []byte, why error) []byte {
	text, err := json.Marshal(map[string]any{
		"ingest": x.source, "index": index, "reason": strings.ToValidUTF8(why.Error(), "\uFFFD"),
		"size": strconv.Itoa(len(raw)), "item": bytes.Clone(raw[:min(len(raw), maxUnreadable)]),
	})
	if err != nil {
		return []byte("{}") // of texts and bytes there is always JSON
	}
	return text
}
