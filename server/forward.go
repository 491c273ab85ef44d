package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"cairn/catalog"
	"cairn/eventlog"
)

// The bounds of one request that forwards records. The records of a request that
// was cut off are found again as long as these stay what they are: the next
// request begins where it began, and holds all of it.
const (
	forwardRecords = 1000
	forwardBytes   = 8 << 20 // uncompressed; one record may be longer
)

// The times of forwarding.
const (
	// DefaultForwardEvery is how long records are collected for one request, which
	// leaves a record of its own at the server.
	DefaultForwardEvery = 2 * time.Second

	forwardTimeout = 2 * time.Minute // of one request
	forwardRetry   = time.Second     // before the first repetition
	forwardRetries = time.Minute     // at most
	forwardRemind  = 10 * time.Minute
)

// forwardHold names the hold that keeps what is not forwarded from retention.
const forwardHold = "forward"

// maxRefusals is how many reasons of refusals are told apart.
const maxRefusals = 32

// A forwardRow is how far forwarding has come. It is written after each answer.
type forwardRow struct {
	To   string `json:"to"`
	Next uint64 `json:"next"` // seq of the first record that was not dealt with

	// What became of records at the server, ever.
	Stored      uint64 `json:"stored"` // doubles included
	Expired     uint64 `json:"expired"`
	Refused     uint64 `json:"refused"`
	Quarantined uint64 `json:"quarantined"`
	Damaged     uint64 `json:"damaged"` // records that could not be read here

	Refusals []ForwardRefusal `json:"refusals,omitempty"`
}

// A ForwardRefusal sums up the records that were not taken for one reason. They
// stay in the event log here.
type ForwardRefusal struct {
	Status   string    `json:"status"` // refused, quarantined, expired
	Reason   string    `json:"reason,omitempty"`
	Count    uint64    `json:"count"`
	FirstSeq uint64    `json:"firstSeq"`
	LastSeq  uint64    `json:"lastSeq"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

// note counts a record that was not taken.
func (r *forwardRow) note(status, reason string, seq uint64, now time.Time) (first bool) {
	i := slices.IndexFunc(r.Refusals, func(x ForwardRefusal) bool { return x.Status == status && x.Reason == reason })
	if i < 0 && len(r.Refusals) >= maxRefusals {
		status, reason = "refused", "other reasons"
		i = slices.IndexFunc(r.Refusals, func(x ForwardRefusal) bool { return x.Reason == reason })
	}
	if first = i < 0; first {
		i = len(r.Refusals)
		r.Refusals = append(r.Refusals, ForwardRefusal{Status: status, Reason: reason, FirstSeq: seq, First: now})
	}
	x := &r.Refusals[i]
	x.Count++
	x.LastSeq, x.Last = seq, now
	return first
}

// A forwarder is a follower of the event log: it sends the records of a gateway
// to another server. Its backlog is the event log itself, and it remembers
// nothing but its position.
type forwarder struct {
	log    *eventlog.Log
	rows   catalog.Table[forwardRow]
	client *Client
	every  time.Duration
	retry  time.Duration // before the first repetition; each is twice as late as the one before
	now    func() time.Time
	logger *slog.Logger

	mu       sync.Mutex
	row      forwardRow
	oldest   time.Time // arrival of the record at row.Next, zero if there is none
	problem  string
	since    time.Time // when the problem began
	failures uint64

	warned time.Time // when the problem was last logged
}

func forwardRows(c *catalog.Catalog) catalog.Table[forwardRow] {
	return catalog.TableOf[forwardRow](c, "gateway-forward")
}

// holdForwarded keeps what was not forwarded from retention, as soon as the log
// is open.
func (s *Server) holdForwarded() error {
	row, _, err := forwardRows(s.catalog).Get(theRow)
	if ok, err := found(err); !ok || err != nil || row.To == "" {
		return err
	}
	s.log.Hold(forwardHold, eventlog.At(row.Next))
	return nil
}

// releaseForwarded gives up what was to be forwarded, because nobody forwards it
// any more. The position stays, for who does later.
func (s *Server) releaseForwarded() error {
	rows := forwardRows(s.catalog)
	row, _, err := rows.Get(theRow)
	if ok, err := found(err); !ok || err != nil || row.To == "" {
		return err
	}
	if end := s.logEnd(); end > row.Next {
		s.cfg.Logger.Warn("records wait to be forwarded, and without --to nobody does; they are kept as long as --retention says",
			slog.String("to", row.To), slog.Uint64("first", row.Next), slog.Uint64("records", end-row.Next))
	}
	row.To = ""
	if _, err := rows.Put(theRow, row); err != nil {
		return fmt.Errorf("release what was to be forwarded: %w", err)
	}
	s.log.Release(forwardHold)
	return nil
}

// openForwarder returns the forwarder to another server. A new one begins with
// the oldest record that there is.
func (s *Server) openForwarder(to Endpoint, every time.Duration) (*forwarder, error) {
	if to.Key.AccessKeyID == "" || to.Key.Secret == "" {
		return nil, GatewayError{{"gateway.to", to.URL, "there is no access key for it; set CAIRN_TO_ACCESS_KEY_ID and CAIRN_TO_SECRET_ACCESS_KEY"}}
	}
	f := &forwarder{log: s.log, rows: forwardRows(s.catalog), every: cmp.Or(every, DefaultForwardEvery), retry: forwardRetry, now: s.cfg.Now, logger: s.cfg.Logger}
	var err error
	if f.client, err = DialEndpoint(to); err != nil {
		return nil, err
	}
	if f.row, _, err = f.rows.Get(theRow); err != nil {
		if _, err := found(err); err != nil {
			return nil, err
		}
	}
	f.row.To = to.URL
	if err := f.save(); err != nil {
		return nil, err
	}
	return f, nil
}

// save writes the position, and then lets retention follow it.
func (f *forwarder) save() error {
	if _, err := f.rows.Put(theRow, f.row); err != nil {
		return fmt.Errorf("save how far records were forwarded: %w", err)
	}
	f.log.Hold(forwardHold, eventlog.At(f.row.Next))
	return nil
}

// run forwards until ctx is done. The first request after a start may repeat one
// that a stop has cut off, and each after a failure the one that failed.
func (f *forwarder) run(ctx context.Context) {
	defer func() { _ = f.client.Close() }()
	again, wait := true, f.retry
	for ctx.Err() == nil {
		err := f.step(ctx, &again)
		if err == nil {
			wait = f.retry
			continue
		}
		if ctx.Err() != nil {
			return
		}
		again = true
		f.fail(err)
		sleep(ctx, wait/2+rand.N(wait/2))
		wait = min(2*wait, forwardRetries)
	}
}

// step forwards what there is, one request long.
func (f *forwarder) step(ctx context.Context, again *bool) error {
	if err := f.log.Wait(ctx, eventlog.At(f.row.Next)); err != nil {
		return err
	}
	b, err := f.gather(ctx)
	if err != nil {
		return err
	}
	if len(b.records) > 0 && !b.full && !*again {
		// What comes in a moment goes along.
		f.setOldest(b.oldest)
		sleep(ctx, f.every)
		if b, err = f.gather(ctx); err != nil {
			return err
		}
	}
	f.setOldest(b.oldest)
	row := f.row
	row.Refusals = slices.Clone(row.Refusals)
	if err := f.send(ctx, &row, b.records, *again); err != nil {
		return err
	}
	row.Next, row.Damaged = b.next, row.Damaged+b.damaged
	f.done(row, len(b.records) > 0)
	if len(b.records) == 0 && b.damaged == 0 && !b.full {
		return nil
	}
	*again = false
	return f.save() // after an error the answer is known here, but not after a crash
}

// done notes how far records were dealt with, and that what came in the way of
// sending them is gone.
func (f *forwarder) done(row forwardRow, sent bool) {
	f.mu.Lock()
	f.row, f.oldest = row, time.Time{}
	was, since := f.problem, f.since
	if sent {
		f.problem = ""
	}
	f.mu.Unlock()
	if sent && was != "" {
		f.logger.Info("records are forwarded again", slog.String("to", row.To), slog.Time("since", since))
	}
}

func (f *forwarder) setOldest(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.oldest = t
}

// send posts records, and notes in row what became of each. A body that the
// server cannot take is sent in halves, until it is known which record it is.
func (f *forwarder) send(ctx context.Context, row *forwardRow, records []forwardRecord, again bool) error {
	if len(records) == 0 {
		return nil
	}
	answer, err := f.post(ctx, records, again)
	var refused *AnswerError
	if errors.As(err, &refused) && (refused.Code == "ValidationException" || refused.StatusCode == http.StatusRequestEntityTooLarge) {
		if len(records) == 1 {
			f.refuse(row, "refused", refused.Text, records[0].seq)
			return nil
		}
		half := len(records) / 2
		if err := f.send(ctx, row, records[:half], again); err != nil {
			return err
		}
		return f.send(ctx, row, records[half:], again)
	}
	if err != nil {
		return err
	}
	for i, r := range answer.Results {
		switch r.Status {
		case eventlog.Stored.String(), eventlog.Double.String():
			row.Stored++
		default:
			f.refuse(row, r.Status, r.Reason, records[i].seq)
		}
	}
	return nil
}

// refuse notes a record that the server did not take. The first one for a reason
// is told in the log, and the others are counted.
func (f *forwarder) refuse(row *forwardRow, status, reason string, seq uint64) {
	switch status {
	case "expired":
		row.Expired++
	case "quarantined":
		row.Quarantined++
	default:
		status = "refused"
		row.Refused++
	}
	if row.note(status, reason, seq, f.now().UTC()) {
		f.logger.Error("the server did not take a record, which stays here; more of the kind are only counted",
			slog.String("to", row.To), slog.Uint64("seq", seq), slog.String("status", status), slog.String("reason", reason))
	}
}

// post sends one request.
func (f *forwarder) post(ctx context.Context, records []forwardRecord, again bool) (*putAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	body := []byte(`{"Records":[`)
	for i, r := range records {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, r.raw...)
	}
	body = append(body, "]}"...)
	encoding := "gzip"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if len(body) > maxRatio/2*packed.Len() { // which could pass for a bomb
		encoding, packed = "identity", *bytes.NewBuffer(body)
	}
	answer, err := f.client.putGatewayEvents(ctx, packed.Bytes(), encoding, again)
	if err != nil {
		return nil, err
	}
	if len(answer.Results) != len(records) {
		return nil, fmt.Errorf("the server answered with %d results for %d records", len(answer.Results), len(records))
	}
	return answer, nil
}

// fail notes what came in the way, and logs it when it is new and now and then.
func (f *forwarder) fail(err error) {
	now := f.now()
	f.mu.Lock()
	f.failures++
	if f.problem == "" {
		f.since = now
	}
	changed := f.problem != err.Error()
	f.problem = err.Error()
	status, since := f.statusLocked(), f.since
	f.mu.Unlock()
	if changed || now.Sub(f.warned).Abs() >= forwardRemind {
		f.warned = now
		f.logger.Warn("records cannot be forwarded; they are kept here and tried again",
			slog.String("to", status.To), slog.Uint64("pending", status.Pending), slog.Time("since", since), slog.Any("error", err))
	}
}

// sleep waits, or returns when ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
