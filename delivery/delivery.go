// Package delivery turns events into log files and digests in buckets.
//
// It follows the event log. At each interval it cuts what is new into log files,
// one for each trail, account, region and kind of events, and stages them on
// disk. From there each trail's own worker puts them into the trail's bucket,
// tells its topic, and signs for each window of time a digest that lists them and
// points to the digest before. A bucket that is down delays its own trail alone,
// and what waits for it lies on disk.
//
// The nouns: a cut is one range of the log made into files; a File is a row of
// the ledger; a lane is the digest chain of one trail, account and region.
//
// The invariant: what a step has made durable keeps its name and bytes, and every
// step can be done again. A start does what was left with the same functions that
// do it at any other time.
package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cairn"
	"cairn/catalog"
	"cairn/eventlog"
	"cairn/internal/durable"
	"cairn/trail"
)

// The documented defaults of Config.
const (
	DefaultInterval       = 5 * time.Minute
	DefaultDigestInterval = time.Hour
)

// KeepTrying is how long a log file that cannot be delivered is tried again.
const KeepTrying = 30 * 24 * time.Hour

// Log is the event log, as far as it is followed here.
type Log interface {
	Read(ctx context.Context, from eventlog.Position) iter.Seq2[*cairn.Event, error]
	End() eventlog.Position
	Hold(name string, p eventlog.Position)
}

// Trails are the trails there are.
type Trails interface {
	All() []*trail.Trail
	ByID(account, id string) (*trail.Trail, error)
	Forget(account, id string) error
}

// Destinations give the clients that act for a trail.
type Destinations interface {
	Objects(t *trail.Trail) Objects
	Topics(t *trail.Trail) Topics
}

// Objects is where log files and digests go: an S3 client.
type Objects interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, options ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	HeadObject(ctx context.Context, in *s3.HeadObjectInput, options ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Topics is where deliveries are told: an SNS client.
type Topics interface {
	Publish(ctx context.Context, in *sns.PublishInput, options ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Config says what a Delivery needs. Everything without a default is required.
type Config struct {
	Dir          string     // of the staged files
	FS           durable.FS // default durable.OS
	Log          Log
	Catalog      *catalog.Catalog
	Trails       Trails
	Destinations Destinations
	Keys         *Keys
	Regions      []string // all that exist

	// Interval is how often the log is cut, DigestInterval how much time a
	// digest is for. Both are laid out on a grid that begins with the Unix
	// epoch.
	Interval       time.Duration // default DefaultInterval
	DigestInterval time.Duration // default DefaultDigestInterval

	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default discards
}

// A Delivery delivers. It has one goroutine that cuts, and one for each trail.
type Delivery struct {
	cfg     Config
	pending catalog.Table[*File] // by File.key: files with something left to do
	ledger  catalog.Table[*File] // by File.key: files that are done
	digests catalog.Table[*KeptDigest]
	lanes   catalog.Table[*lane]
	states  catalog.Table[cutState]
	status  catalog.Table[Status]
	metrics counters

	cutting  sync.Mutex // held by who cuts
	state    cutState
	stateRev catalog.Revision
	position eventlog.Position
	halfCut  bool // a cut may have left rows and not count; under cutting

	redelivering sync.Mutex // held by who makes files again, to put them
	restaging    sync.Mutex // held by who makes a lost staged file again, or one to see what is in it

	mu      sync.Mutex
	floor   time.Time      // no stamp is earlier
	lastCut time.Time      // when the log was last cut to its end
	swept   time.Time      // when the ledger and the kept digests were
	refs    map[string]int // how many undelivered rows name a staged file
	workers map[string]*worker
	closed  bool

	stopping context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup
	nudged   chan struct{}

	// crash is called at each point where a crash would leave something half
	// done, with what was done last. Tests set it.
	crash func(at string)
}

const (
	cutterRow = "cutter"
	holdName  = "delivery"
)

// Open takes up deliveries where they were left. Nothing is delivered before
// Start.
func Open(cfg Config) (*Delivery, error) {
	if cfg.FS == nil {
		cfg.FS = durable.OS
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.DigestInterval == 0 {
		cfg.DigestInterval = DefaultDigestInterval
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	d := &Delivery{
		cfg:     cfg,
		pending: catalog.TableOf[*File](cfg.Catalog, "delivery-pending"),
		ledger:  catalog.TableOf[*File](cfg.Catalog, "delivery-ledger"),
		digests: catalog.TableOf[*KeptDigest](cfg.Catalog, "delivery-digests"),
		lanes:   catalog.TableOf[*lane](cfg.Catalog, "delivery-lanes"),
		states:  catalog.TableOf[cutState](cfg.Catalog, "delivery-state"),
		status:  catalog.TableOf[Status](cfg.Catalog, "delivery-status"),
		refs:    make(map[string]int),
		workers: make(map[string]*worker),
		nudged:  make(chan struct{}, 1),
		crash:   func(string) {},
	}
	d.stopping, d.stop = context.WithCancel(context.Background())
	if err := d.recover(); err != nil {
		return nil, fmt.Errorf("take up deliveries: %w", err)
	}
	return d, nil
}

// recover reads how far everything is, and removes what a crash has left: rows
// of a cut that does not count, and staged files that no row names.
func (d *Delivery) recover() error {
	if err := d.cfg.FS.MkdirAll(d.cfg.Dir, 0o700); err != nil {
		return err
	}
	state, rev, err := d.states.Get(cutterRow)
	if errors.Is(err, catalog.ErrNotFound) {
		// What was logged before there were deliveries belongs to no trail.
		state.Position = d.cfg.Log.End().String()
		if rev, err = d.states.CompareAndSet(cutterRow, 0, state); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	position, err := eventlog.ParsePosition(state.Position)
	if err != nil {
		return fmt.Errorf("read how far the log is cut: %w", err)
	}
	if end := d.cfg.Log.End(); position.Compare(end) > 0 {
		// The log was restored to an older state than the catalog.
		d.cfg.Logger.Error("the event log ends before the place up to which it was delivered: it is older than the catalog", "delivered", state.Position, "end", end.String())
		position = end
	}
	d.setState(state, rev, position)
	if err := d.claim(state.Cut, -1); err != nil {
		return err
	}
	named := make(map[string]bool)
	for name := range d.refs {
		named[name] = true
	}
	for row, err := range d.lanes.Scan("") {
		if err != nil {
			return err
		}
		d.raiseFloor(row.Value.Window)
		d.raiseFloor(row.Value.Ended)
		for _, q := range row.Value.Queue {
			named[q.Staged] = true
		}
	}
	entries, err := d.cfg.FS.ReadDir(d.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !named[e.Name()] {
			if err := d.unstage(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// claim counts for each staged file the rows that name it, of cuts behind known,
// and removes the rows of cuts behind the last one, which do not count.
func (d *Delivery) claim(last uint64, known int64) error {
	for row, err := range d.pending.Scan("") {
		if err != nil {
			return err
		}
		f := row.Value
		switch {
		case f.Cut > last:
			if err := d.pending.Delete(row.Key, row.Revision); err != nil {
				return err
			}
		case f.state() == Staged && int64(f.Cut) > known:
			d.mu.Lock()
			d.refs[f.Staged]++
			d.mu.Unlock()
		}
	}
	return nil
}

// setState notes how far the log is cut, and lets retention remove what is
// before.
func (d *Delivery) setState(s cutState, rev catalog.Revision, p eventlog.Position) {
	d.mu.Lock()
	d.state, d.stateRev, d.position = s, rev, p
	d.mu.Unlock()
	d.raiseFloor(s.Stamp)
	d.cfg.Log.Hold(holdName, p)
}

// Passed is the position up to which events have been looked at.
func (d *Delivery) Passed() eventlog.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.position
}

// stamp is the time that something made now is dated: the clock's, but never
// earlier than what was dated before, and never within a window that a digest was
// signed for.
func (d *Delivery) stamp() time.Time {
	now := d.cfg.Now().UTC().Truncate(time.Second)
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Before(d.floor) {
		return d.floor
	}
	d.floor = now
	return now
}

func (d *Delivery) raiseFloor(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.After(d.floor) {
		d.floor = t.UTC()
	}
}

// unstage removes a staged file.
func (d *Delivery) unstage(name string) error {
	err := d.cfg.FS.Remove(d.stagedPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// drop takes back one row's claim on a staged file, and removes the file when it
// was the last. A crash before that leaves a file that the next start removes.
func (d *Delivery) drop(name string) error {
	d.mu.Lock()
	d.refs[name]--
	last := d.refs[name] <= 0
	if last {
		delete(d.refs, name)
	}
	d.mu.Unlock()
	if !last {
		return nil
	}
	return d.unstage(name)
}

// damaged notes a place of the log that cannot be read. Deliveries go on behind
// it.
func (d *Delivery) damaged(err error) {
	d.metrics.damage()
	d.cfg.Logger.Error("events could not be delivered, because the event log is damaged", "error", err)
}

// Start begins to deliver.
func (d *Delivery) Start() {
	d.running.Go(d.run)
}

// Changed lets deliveries look at the trails again: one was changed.
func (d *Delivery) Changed() {
	select {
	case d.nudged <- struct{}{}:
	default:
	}
}

// Close stops, within what is being done. What is left waits for the next
// Start.
func (d *Delivery) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.stop()
	d.running.Wait()
	return nil
}

// run cuts at each point of the grid, and keeps a worker for each trail.
func (d *Delivery) run() {
	for {
		timer := time.NewTimer(d.untilNext())
		for waiting := true; waiting; {
			d.employ()
			select {
			case <-d.stopping.Done():
				timer.Stop()
				return
			case <-d.nudged:
			case <-timer.C:
				waiting = false
			}
		}
		if err := d.cut(d.stopping); err != nil && d.stopping.Err() == nil {
			d.metrics.failedCut()
			d.cfg.Logger.Error("events could not be cut into log files; it is tried again", "error", err)
		}
		d.sweep()
	}
}

// untilNext is the time to the next point of the grid.
func (d *Delivery) untilNext() time.Duration {
	now := d.cfg.Now()
	return now.Truncate(d.cfg.Interval).Add(d.cfg.Interval).Sub(now)
}

// employ starts a worker for each trail that has none, and wakes the others.
func (d *Delivery) employ() {
	trails := d.cfg.Trails.All() // which may ask for Passed: not under d.mu
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range trails {
		w := d.workerOf(t)
		if !w.running && !d.closed {
			w.running = true
			d.running.Go(w.run)
		}
		w.nudge()
	}
}

// workerOf returns the worker of a trail. The caller holds d.mu.
func (d *Delivery) workerOf(t *trail.Trail) *worker {
	w := d.workers[t.ID]
	if w == nil {
		w = &worker{delivery: d, account: t.AccountID, id: t.ID, wake: make(chan struct{}, 1), lanes: make(map[laneKey]*attempts)}
		d.workers[t.ID] = w
	}
	return w
}

// Deliver cuts what is new and does everything that is due, once. What fails is
// tried again later; the error tells the first failure.
func (d *Delivery) Deliver(ctx context.Context) error {
	errs := []error{d.cut(ctx)}
	for _, t := range d.cfg.Trails.All() {
		d.mu.Lock()
		w := d.workerOf(t)
		d.mu.Unlock()
		if _, err := w.work(ctx); !errors.Is(err, errForgotten) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sweep removes the rows of the ledger and the kept digests that are older than
// KeepTrying.
func (d *Delivery) sweep() {
	d.mu.Lock()
	due := d.cfg.Now().Sub(d.swept) > time.Hour
	if due {
		d.swept = d.cfg.Now()
	}
	d.mu.Unlock()
	if !due {
		return
	}
	before := d.cfg.Now().Add(-KeepTrying)
	err := errors.Join(
		sweepTable(d.ledger, func(f *File) bool { return f.Stamp.Before(before) }),
		sweepTable(d.digests, func(k *KeptDigest) bool { return k.Delivered.Before(before) }),
	)
	if err != nil {
		d.cfg.Logger.Error("the delivery ledger could not be swept", "error", err)
	}
}

// sweepTable removes the rows of a table that are old. A row that cannot be read
// stays.
func sweepTable[T any](table catalog.Table[T], old func(T) bool) error {
	for row, err := range table.Scan("") {
		if err != nil || !old(row.Value) {
			continue
		}
		if err := table.Delete(row.Key, row.Revision); err != nil {
			return err
		}
	}
	return nil
}

// short is an error's text as a trail's status shows it: the code that the
// destination answered with. Where there was no answer, the text names no
// addresses and no files: the status is for the account, and these are the
// operator's, whose log has them.
func short(err error) string {
	var code interface{ ErrorCode() string }
	if errors.As(err, &code) {
		return code.ErrorCode()
	}
	var timeout net.Error
	var network *net.OpError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var file *fs.PathError
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return "RequestTimeout"
	case errors.As(err, &network) || errors.As(err, &dns) || errors.As(err, &certificate):
		return "the endpoint could not be reached"
	case errors.As(err, &file):
		return "InternalFailure"
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > 200 {
		text = text[:200]
	}
	return text
}
