package delivery

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cairn/catalog"
	"cairn/eventlog"
	"cairn/internal/durable"
	"cairn/trail"
)

// How long a worker waits after a failure: first, and at most.
const (
	firstWait = time.Second
	maxWait   = 5 * time.Minute
)

// A put may take putTime, and another second for each putRate bytes.
const (
	putTime = time.Minute
	putRate = 100_000
)

// putTotal is how long a put of some bytes may take.
func putTotal(size int) time.Duration {
	return putTime + time.Duration(size/putRate)*time.Second
}

// A worker does what there is to do for one trail, one thing after the other.
type worker struct {
	delivery *Delivery
	account  string
	id       string
	wake     chan struct{}
	running  bool // under Delivery.mu

	mu     sync.Mutex // held while working
	trail  *trail.Trail
	cut    time.Time             // when the log was last cut to its end, before this work began
	passed eventlog.Position     // and up to where
	puts   attempts              // of log files
	lanes  map[laneKey]*attempts // of log files that the bucket refuses, which it may do by region
	seals  attempts              // of digests, which may succeed when log files cannot be encrypted
	tells  attempts              // of the topic
	since  time.Time             // of the first failed put of a log file after the last good one
	state  Status
	turn   int  // log files that were put in this turn
	more   bool // and whether others wait that were not tried
	dirty  bool // state is not what its row is
	held   bool // something was left alone, because it failed shortly before

	complaint complaint
}

// attempts remembers failures, so that what is down is left alone for a while.
type attempts struct {
	wait  time.Duration
	until time.Time
}

func (a *attempts) ok() { *a = attempts{} }

func (a *attempts) failed(now time.Time) {
	a.wait = min(max(2*a.wait, firstWait), maxWait)
	a.until = now.Add(a.wait)
}

func (w *worker) run() {
	d := w.delivery
	for {
		next, err := w.work(d.stopping)
		if d.stopping.Err() != nil || errors.Is(err, errForgotten) {
			return
		}
		timer := time.NewTimer(max(next.Sub(d.cfg.Now()), firstWait))
		select {
		case <-d.stopping.Done():
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// nudge wakes the worker if it waits.
func (w *worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// errForgotten says that a trail was deleted and nothing of it is left to do.
var errForgotten = errors.New("the trail is no more")

// work does what is due, and returns when there may be more: for a failure, when
// to try again. The error is the first failure.
func (w *worker) work(ctx context.Context) (next time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
	next, err = w.round(ctx)
	if ctx.Err() == nil && !errors.Is(err, errForgotten) {
		w.complaint.about(w, err)
	}
	return next, err
}

// round is one round of work.
func (w *worker) round(ctx context.Context) (next time.Time, err error) {
	d := w.delivery
	// Of what was cut later than this, the worker may not see everything.
	d.mu.Lock()
	w.cut, w.passed = d.lastCut, d.position
	d.mu.Unlock()
	if w.trail, err = d.cfg.Trails.ByID(w.account, w.id); err != nil {
		d.mu.Lock()
		delete(d.workers, w.id)
		d.mu.Unlock()
		return time.Time{}, errForgotten
	}
	if w.state, _, err = d.status.Get(w.id); err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return time.Time{}, err
	}
	lanes, err := w.readLanes()
	if err != nil {
		return d.cfg.Now().Add(maxWait), err
	}
	errs := []error{w.deliver(ctx, lanes), w.digest(ctx, lanes), w.keepStatus()}
	err = errors.Join(errs...)
	if w.more {
		return d.cfg.Now(), err
	}
	if err == nil && !w.trail.Deleted.IsZero() {
		return w.finish(lanes)
	}
	return w.next(lanes), err
}

// next is when there may be something to do again without being woken.
func (w *worker) next(lanes map[laneKey]*lane) time.Time {
	d := w.delivery
	next := d.cfg.Now().Add(d.cfg.DigestInterval)
	now := d.cfg.Now()
	for _, l := range lanes {
		if l.Window.IsZero() {
			continue
		}
		// A window that has ended waits for a cut, which wakes the worker, or for
		// its files, for one more window.
		end := d.windowEnd(l.Window)
		if !end.After(now) {
			end = end.Add(d.cfg.DigestInterval)
		}
		if end.After(now) && end.Before(next) {
			next = end
		}
	}
	for _, a := range w.attempts() {
		if !a.until.IsZero() && a.until.Before(next) {
			next = a.until
		}
	}
	return next
}

// attempts are all that may wait.
func (w *worker) attempts() []*attempts {
	return append(slices.Collect(maps.Values(w.lanes)), &w.puts, &w.seals, &w.tells)
}

// finish forgets a deleted trail once nothing of it is left to do.
func (w *worker) finish(lanes map[laneKey]*lane) (time.Time, error) {
	d := w.delivery
	for _, l := range lanes {
		if !l.Window.IsZero() || len(l.Queue) > 0 {
			return w.next(lanes), nil
		}
	}
	for range d.pending.Scan(catalog.KeyPrefix(w.id)) {
		return w.next(lanes), nil
	}
	if !w.cutStopped(w.trail.Deleted) {
		return w.next(lanes), nil
	}
	for key, l := range lanes {
		if l.rev != 0 {
			if err := d.lanes.Delete(key.row(), l.rev); err != nil {
				return d.cfg.Now().Add(maxWait), err
			}
		}
	}
	if err := d.status.Delete(w.id, catalog.AnyRevision); err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return d.cfg.Now().Add(maxWait), err
	}
	if err := d.cfg.Trails.Forget(w.account, w.id); err != nil {
		return d.cfg.Now().Add(maxWait), err
	}
	d.mu.Lock()
	delete(d.workers, w.id)
	d.mu.Unlock()
	return time.Time{}, errForgotten
}

// settleTime is how long after a change the event of the call that made it is in
// the log at the latest.
const settleTime = 2 * time.Second

// cutAfter reports whether the log was cut to its end well after t, when the
// event of a call that ended at t was in it.
func (w *worker) cutAfter(t time.Time) bool { return w.cut.After(t.Add(settleTime)) }

// cutStopped reports whether all is cut that a trail takes that was stopped at t:
// the log up to where its settings changed, which is certain whatever the clock
// does, and the event of the call, which comes a little later. A place that the
// log does not reach is of a log that was restored to an older state.
func (w *worker) cutStopped(t time.Time) bool {
	end := w.delivery.cfg.Log.End()
	for _, v := range w.trail.Past {
		until, err := eventlog.ParsePosition(v.Until)
		if err == nil && until.Compare(w.passed) > 0 && until.Compare(end) <= 0 {
			return false
		}
	}
	return w.cutAfter(t)
}

// maxTurn is how many log files are put before digests have their turn.
const maxTurn = 2000

// deliver puts the trail's staged files into its bucket in the order in which
// they were made, and tells its topic. Files that are done go to the ledger.
func (w *worker) deliver(ctx context.Context, lanes map[laneKey]*lane) error {
	d := w.delivery
	var failure error
	w.turn, w.more = 0, false
	for row, err := range d.pending.Scan(catalog.KeyPrefix(w.id)) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if row.Value.Cut > d.cutNumber() {
			break // of a cut that does not count yet
		}
		if w.turn == maxTurn {
			w.more = true // digests and the status have their turn, too
			break
		}
		if err := w.advance(ctx, &row, lanes[row.Value.lane()]); err != nil && failure == nil {
			failure = err
		}
	}
	return failure
}

func (d *Delivery) cutNumber() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.Cut
}

// advance takes one file as far as it goes.
func (w *worker) advance(ctx context.Context, row *catalog.Row[*File], l *lane) error {
	d, f := w.delivery, row.Value
	now := d.cfg.Now()
	if f.state() == Staged {
		refusals := w.lanes[f.lane()]
		if now.Before(w.puts.until) || refusals != nil && now.Before(refusals.until) {
			w.held = true
			return nil
		}
		err := w.putLog(ctx, f)
		var lost *lostError
		if errors.As(err, &lost) {
			var why string
			if why, err = w.restage(ctx, row, lost); err == nil && why != "" {
				return w.giveUp(row, why)
			}
			if err == nil {
				err = w.putLog(ctx, f)
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			wait := &w.puts
			if refused(err) {
				if refusals == nil {
					refusals = &attempts{}
					w.lanes[f.lane()] = refusals
				}
				wait = refusals
			}
			wait.failed(d.cfg.Now())
			return w.failedPut(row, err)
		}
		w.puts.ok()
		w.since = time.Time{}
		delete(w.lanes, f.lane())
		d.crash("log file put")
		if err := d.set(row); err != nil {
			return err
		}
		d.crash("log file delivered")
		w.delivered(f)
		if err := d.drop(f.Staged); err != nil {
			return err
		}
	}
	var failure error
	switch untold := w.trail.SNSTopicARN != "" && f.state() == Delivered && f.Notified.IsZero(); {
	case untold && now.Before(w.tells.until):
		w.held = true
	case untold:
		if err := w.tell(ctx, f); err != nil {
			w.tells.failed(d.cfg.Now())
			failure = fmt.Errorf("notify topic %s: %w", w.trail.SNSTopicARN, err)
		} else {
			w.tells.ok()
			d.crash("topic notified")
			if err := d.set(row); err != nil {
				return err
			}
		}
	}
	if w.done(f, l) {
		return errors.Join(failure, d.archive(row))
	}
	return failure
}

// done reports whether nothing is left to do for a file.
func (w *worker) done(f *File, l *lane) bool {
	switch {
	case f.state() == Abandoned:
		return true
	case f.state() == Staged:
		return false
	case w.trail.SNSTopicARN != "" && f.Notified.IsZero() && w.delivery.cfg.Now().Sub(f.Delivered) < KeepTrying:
		return false
	}
	return f.Digest != "" || !w.trail.LogFileValidation && (l == nil || l.Window.IsZero() && !l.covers(f))
}

// set writes a file's row again.
func (d *Delivery) set(row *catalog.Row[*File]) error {
	rev, err := d.pending.CompareAndSet(row.Key, row.Revision, row.Value)
	row.Revision = rev
	return err
}

// archive moves a file that is done to the ledger. A crash in between leaves it
// in both, and it is moved again.
func (d *Delivery) archive(row *catalog.Row[*File]) error {
	if _, err := d.ledger.Put(row.Key, row.Value); err != nil {
		return err
	}
	d.crash("file in the ledger")
	return d.pending.Delete(row.Key, row.Revision)
}

// failedPut notes a failure, and gives a file up that has failed for too long.
func (w *worker) failedPut(row *catalog.Row[*File], failure error) error {
	d, f := w.delivery, row.Value
	now := d.cfg.Now()
	d.metrics.failedPut()
	w.state.LatestDeliveryAttempt, w.state.LatestDeliveryError, w.dirty = now.UTC(), short(failure), true
	failure = fmt.Errorf("deliver log file of %s to bucket %s: %w", f.Stamp.Format(time.RFC3339), w.trail.S3BucketName, failure)
	if w.since.IsZero() {
		w.since = now
	}
	limit := KeepTrying
	if !w.trail.Deleted.IsZero() && short(errors.Unwrap(failure)) == "NoSuchBucket" {
		limit = 0 // the bucket went with the trail
	}
	f.Error = short(errors.Unwrap(failure))
	// After a long absence, or when the clock has leapt, all that is staged is
	// old: one failure is not yet a reason.
	if now.Sub(f.Stamp) < limit || limit > 0 && now.Sub(w.since) < leastTrying {
		return failure
	}
	return errors.Join(failure, w.giveUp(row, f.Error))
}

// leastTrying is how long puts must have failed before a file is given up.
const leastTrying = time.Hour

// giveUp gives a staged file up.
func (w *worker) giveUp(row *catalog.Row[*File], why string) error {
	d, f := w.delivery, row.Value
	f.State, f.Error = Abandoned, why
	if err := d.set(row); err != nil {
		return err
	}
	d.metrics.abandoned()
	w.state.GivenUp, w.dirty = w.state.GivenUp+1, true
	d.cfg.Logger.Error("a log file is given up", "trail", w.trail.ARN().String(), "events", f.Events, "from", f.From, "to", f.To, "why", why)
	if err := d.drop(f.Staged); err != nil {
		return err
	}
	return d.archive(row)
}

// restage makes the staged copy of a file again that was lost or damaged. If the
// event log does not give the same bytes any more, it says why.
func (w *worker) restage(ctx context.Context, row *catalog.Row[*File], lost *lostError) (why string, err error) {
	d, f := w.delivery, row.Value
	d.cfg.Logger.Error("a staged log file is made again, because its copy is lost", "trail", w.trail.ARN().String(), "error", lost)
	d.restaging.Lock() // each holds a part of the log in memory
	defer d.restaging.Unlock()
	m, err := d.remake(w.trail, f)
	if err != nil {
		return "", err
	}
	made, why, err := m.file(ctx, f)
	if err != nil || made == nil {
		return why, err
	}
	defer made.release()
	// Other rows may name the lost copy, with the sum that it should have.
	was, name := f.Staged, "again-"+strings.ToLower(rand.Text())+".json.gz"
	if err := durable.WriteFile(d.cfg.FS, d.stagedPath(name), made.out.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("stage a log file again: %w", err)
	}
	f.Staged, f.Size, f.Sum = name, int64(made.out.Len()), sum(made.out.Bytes())
	if err := d.set(row); err != nil {
		return "", err
	}
	d.mu.Lock()
	d.refs[name]++
	d.mu.Unlock()
	return "", d.drop(was)
}

// delivered notes a success.
func (w *worker) delivered(f *File) {
	w.turn++
	w.delivery.metrics.delivered(f)
	w.state.LatestDelivery, w.state.LatestDeliveryAttempt, w.state.LatestDeliveryError, w.dirty = f.Delivered, f.Delivered, "", true
}

// putLog puts a log file into the bucket. Its key is fixed from the first
// attempt on, unless the trail is given another bucket or prefix.
func (w *worker) putLog(ctx context.Context, f *File) error {
	key := w.trail.LogFileName(f.Account, f.Region, f.Kind, f.Stamp, f.Unique).Key()
	in := &s3.PutObjectInput{
		Bucket: aws.String(w.trail.S3BucketName), Key: aws.String(key),
		ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip"),
	}
	if w.trail.KMSKeyID != "" {
		if err := encrypt(in, w.trail); err != nil {
			return err
		}
	}
	if err := w.put(ctx, in, f.Staged, f.Size, f.Sum); err != nil {
		return err
	}
	f.State, f.Bucket, f.Key, f.Delivered, f.Error = Delivered, w.trail.S3BucketName, key, w.delivery.stamp(), ""
	return nil
}

// A lostError says that a staged file is not there, or is not what was staged.
type lostError struct {
	name string
	err  error
}

func (e *lostError) Error() string { return fmt.Sprintf("staged file %s: %v", e.name, e.err) }
func (e *lostError) Unwrap() error { return e.err }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of staged files, which is never 0: that is one that was not
// noted.
func sum(b []byte) uint32 { return max(crc32.Checksum(b, castagnoli), 1) }

// intact checks a staged file's size and sum, as far as they were noted.
func intact(file io.ReaderAt, have, size int64, want uint32) error {
	if size > 0 && have != size {
		return fmt.Errorf("it has %d bytes instead of %d", have, size)
	}
	if want == 0 {
		return nil
	}
	h := crc32.New(castagnoli)
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, have)); err != nil {
		return err
	}
	if max(h.Sum32(), 1) != want {
		return errors.New("its bytes have changed")
	}
	return nil
}

// trailAt is the trail as it would be with another bucket: what was signed for an
// earlier one still goes there, and only if the trail may use it.
func (w *worker) trailAt(bucket string) *trail.Trail {
	if bucket == w.trail.S3BucketName {
		return w.trail
	}
	t := *w.trail
	t.S3BucketName = bucket
	return &t
}

// put puts a staged file as an object. The error is a *lostError if it is not
// what was staged.
func (w *worker) put(ctx context.Context, in *s3.PutObjectInput, staged string, want int64, checksum uint32) error {
	d := w.delivery
	file, err := d.cfg.FS.OpenFile(d.stagedPath(staged), 0, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &lostError{staged, err}
	}
	if err != nil {
		return fmt.Errorf("open staged file: %w", err)
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return fmt.Errorf("size of staged file: %w", err)
	}
	if err := intact(file, size, want, checksum); err != nil {
		return &lostError{staged, err}
	}
	ctx, cancel := context.WithTimeout(ctx, putTotal(int(size)))
	defer cancel()
	in.ContentLength = aws.Int64(size)
	return putOwned(ctx, d.cfg.Destinations.Objects(w.trailAt(*in.Bucket)), in, func() { in.Body = io.NewSectionReader(file, 0, size) })
}

// Attempts are counted here, not by the clients.
func onceS3(o *s3.Options)   { o.RetryMaxAttempts = 1 }
func onceSNS(o *sns.Options) { o.RetryMaxAttempts = 1 }

// message is what subscribers of a trail's topic get for each log file.
type message struct {
	S3Bucket    string   `json:"s3Bucket"`
	S3ObjectKey []string `json:"s3ObjectKey"`
}

// tell tells the topic of a log file.
func (w *worker) tell(ctx context.Context, f *File) error {
	text, err := json.Marshal(message{f.Bucket, []string{f.Key}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	_, err = w.delivery.cfg.Destinations.Topics(w.trail).Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(w.trail.SNSTopicARN), Message: aws.String(string(text)),
	}, onceSNS)
	now := w.delivery.cfg.Now().UTC()
	w.state.LatestNotificationAttempt, w.dirty = now, true
	if err != nil {
		w.state.LatestNotificationError = short(err)
		return err
	}
	w.state.LatestNotification, w.state.LatestNotificationError = now, ""
	f.Notified = now
	return nil
}

// statusCode is the HTTP status of a failed call, 0 if there was no answer.
func statusCode(err error) int {
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) {
		return answered.HTTPStatusCode()
	}
	return 0
}

// refused reports whether a failed call certainly had no effect.
func refused(err error) bool {
	code := statusCode(err)
	return code >= 400 && code < 500 && code != http.StatusRequestTimeout
}
