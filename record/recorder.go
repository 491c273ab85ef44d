package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/internal/awsmodel"
)

// Log is where records go.
type Log interface {
	// Writable returns an error if Append would refuse a record now.
	Writable() error

	Append(ctx context.Context, b eventlog.Batch) ([]eventlog.Result, error)
}

// Config says what a Recorder needs. Log and AccountID are required.
type Config struct {
	Log Log

	// AccountID and Region are where the summaries of unattributed failures belong: the
	// operator's account, and us-east-1 if Region is empty. Calls by an identity without
	// an account belong to the account, too.
	AccountID string
	Region    string

	// Details gives what a record says beyond its call; nothing if nil.
	Details func(*aws.Call) Details

	Logger *slog.Logger // default discards
}

// A Recorder puts the records of calls into the event log. It implements aws.Recorder.
type Recorder struct {
	cfg Config

	mu       sync.Mutex
	failures failures
	closed   bool

	stop    chan struct{}
	stopped chan struct{}
}

// New makes a Recorder, which must be closed.
func New(cfg Config) (*Recorder, error) {
	if cfg.Log == nil {
		return nil, errors.New("record: no log")
	}
	if accountOf(cfg.AccountID) != cfg.AccountID {
		return nil, fmt.Errorf("record: account %q is not 12 digits", cfg.AccountID)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Recorder{cfg: cfg, stop: make(chan struct{}), stopped: make(chan struct{})}
	go r.summarise()
	return r, nil
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooledBytes is the largest buffer that is kept for the next record.
const maxPooledBytes = 64 << 10

// Record returns when the record of a call is durable. The call may have had its effect,
// so that a client that went away does not stop its record: of ctx only the values count.
// It may use the log's reserve when the disk is full: calls that change something are
// refused by Ready before it comes to that.
func (r *Recorder) Record(ctx context.Context, c *aws.Call) error {
	var details Details
	if r.cfg.Details != nil {
		details = r.cfg.Details(c)
	}
	return r.RecordWith(ctx, c, details)
}

// RecordWith is Record with details that the caller gives.
func (r *Recorder) RecordWith(ctx context.Context, c *aws.Call, details Details) error {
	if details.RecipientAccountID == "" && accountOf(c.Identity.AccountID) != c.Identity.AccountID {
		details.RecipientAccountID = r.cfg.AccountID
		if c.SharedWith != "" { // nobody's call belongs to whom it came to
			details.RecipientAccountID = c.SharedWith
		}
	}
	buffer := buffers.Get().(*[]byte)
	var records [][]byte
	if shared := c.SharedWith; c.Err == nil && shared != "" && shared != c.Identity.AccountID && shared != details.RecipientAccountID {
		details.SharedEventID = aws.NewUUID()
		theirs := details
		theirs.RecipientAccountID = shared
		records = append(records, Append(nil, c, theirs))
	}
	*buffer = Append((*buffer)[:0], c, details)
	// What the call did is done; its record takes from the reserve if need be.
	err := r.append(context.WithoutCancel(ctx), eventlog.Batch{
		Origin: cairn.OriginRecorded, Records: append(records, *buffer), UseReserve: true,
	})
	if cap(*buffer) <= maxPooledBytes {
		buffers.Put(buffer)
	}
	if err != nil {
		return fmt.Errorf("record %s %s: %w", cut(c.Service, 100), cut(c.Operation, 100), err)
	}
	return nil
}

// Ready refuses calls that would change something while the log cannot be written to.
func (r *Recorder) Ready(c *aws.Call) error {
	if readOnly(c, Details{}) {
		return nil
	}
	return r.cfg.Log.Writable()
}

func readOnly(c *aws.Call, d Details) bool {
	if c.Service == aws.RouteService {
		return c.ReadOnly
	}
	op := d.Operation
	if op == nil {
		_, op = lookUp(c.Service, c.Operation)
	}
	return op != nil && op.ReadOnly
}

// append stores records and makes sure that each was.
func (r *Recorder) append(ctx context.Context, b eventlog.Batch) error {
	results, err := r.cfg.Log.Append(ctx, b)
	if err != nil {
		return err
	}
	if len(results) != len(b.Records) {
		return fmt.Errorf("%d results for %d records", len(results), len(b.Records))
	}
	for _, result := range results {
		if result.Status != eventlog.Stored {
			if result.Err != nil {
				return fmt.Errorf("the event log did not store the record (%s): %w", result.Status, result.Err)
			}
			return fmt.Errorf("the event log did not store the record (%s)", result.Status)
		}
	}
	return nil
}

// Count notes a request that no identity can be named for. It keeps no more than a
// bounded number of counters.
func (r *Recorder) Count(c *aws.Call, e *aws.Error) {
	source := "unknown"
	if c.SourceIP.IsValid() {
		source = c.SourceIP.WithZone("").String()
	}
	service := "unknown"
	// Clients choose the service that they sign for.
	if services := awsmodel.BySigningName(c.Service); len(services) > 0 {
		service = services[0].EventSource
	} else if c.Service == aws.RouteService {
		service = aws.RouteService + ".amazonaws.com"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.failures.add(source, failure{service, cut(e.Code, maxNameBytes)}, c.Time, 1)
	}
}

// summarise writes the summaries once a minute until the Recorder is closed.
func (r *Recorder) summarise() {
	defer close(r.stopped)
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
			if err := r.flush(context.Background()); err != nil {
				r.cfg.Logger.Error("unattributed failures were not recorded; they stay counted", "error", err)
			}
		}
	}
}

// flush writes what was counted. After an error it stays counted.
func (r *Recorder) flush(ctx context.Context) error {
	r.mu.Lock()
	counted := r.failures
	r.failures = failures{}
	r.mu.Unlock()
	records := counted.records(r.cfg.AccountID, r.cfg.Region, time.Now())
	if len(records) == 0 {
		return nil
	}
	err := r.append(ctx, eventlog.Batch{Origin: cairn.OriginAudit, Records: records})
	if err != nil {
		r.mu.Lock()
		r.failures.merge(counted)
		r.mu.Unlock()
		return fmt.Errorf("record unattributed failures: %w", err)
	}
	return nil
}

// Close writes the last summaries and stops. Calls are not counted after it.
func (r *Recorder) Close() error {
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if closed {
		<-r.stopped
		return nil
	}
	close(r.stop)
	<-r.stopped
	return r.flush(context.Background())
}
