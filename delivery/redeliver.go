package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn"
	"cairn/catalog"
	"cairn/eventlog"
	"cairn/trail"
)

// A Redelivery says which log files and digests of a trail are delivered again.
type Redelivery struct {
	Trail *trail.Trail

	// File or Digest is the one that is meant. If both are nil, all log files are
	// that were made from Since to Until, which is the time in their names, and
	// all digests whose windows meet that time.
	File         *File
	Digest       *KeptDigest
	Since, Until time.Time

	// AsNew has the events of ranges of the log that no log file is for, or only
	// one that cannot be made again, delivered in new files: those that the
	// trail's present settings take and that arrived from Since to Until.
	AsNew bool
}

// An Outcome says what became of a file that was to be delivered again.
type Outcome string

// The outcomes of a redelivery.
const (
	OutcomeRestored  Outcome = "restored"  // it was missing, and is there again
	OutcomePresent   Outcome = "was there" // nothing was put
	OutcomeAgain     Outcome = "put again" // something was there that is not it or could not be compared; Why says which
	OutcomeDelivered Outcome = "delivered" // a file that had been given up is in the bucket now
	OutcomeWaiting   Outcome = "waiting"   // not delivered the first time yet
	OutcomeDifferent Outcome = "different" // its bytes cannot be made again; nothing was put
	OutcomeRefused   Outcome = "refused"   // another object is under a digest's key; nothing was put
	OutcomeFailed    Outcome = "failed"    // the bucket did not take it
	OutcomeNew       Outcome = "new"       // a new file is staged
)

// A Redelivered is one log file or digest of a redelivery; the other is nil.
type Redelivered struct {
	File    *File
	Outcome Outcome
	Why     string // where the outcome alone does not say it
	Digest  *KeptDigest
}

// ErrRedelivering says that another redelivery is under way: there is one at a
// time, because each holds a file in memory.
var ErrRedelivering = errors.New("another redelivery is under way; try again when it has ended")

// Redeliver makes log files again from the event log and puts them under the
// keys that they had. A file whose bytes would not be those that the ledger has
// the hash of is not put, so that digests stay valid. Digests are put as they were
// kept. The ledger's rows stay as they are, but for files that had been given up.
// Tell is called for each file and digest; its error ends the redelivery, and so
// does a bucket that refuses one.
func (d *Delivery) Redeliver(ctx context.Context, r Redelivery, tell func(Redelivered) error) error {
	if !d.redelivering.TryLock() {
		return ErrRedelivering
	}
	defer d.redelivering.Unlock()
	a := &redelivery{Redelivery: r, delivery: d, tell: tell, different: make(coverage), differentIDs: make(map[string]bool)}
	switch {
	case r.Digest != nil:
		return a.digest(ctx, r.Digest)
	case r.File != nil:
		if err := a.file(ctx, r.File); err != nil {
			return err
		}
	default:
		for f, err := range d.filesFrom(r.Trail.ID, r.Since.Truncate(time.Second)) {
			if err != nil {
				return err
			}
			if !r.Until.IsZero() && f.Stamp.After(r.Until) {
				break
			}
			if err := a.file(ctx, f); err != nil {
				return err
			}
		}
		for k, err := range d.digestsIn(r.Trail.ID, r.Since.Truncate(time.Second), r.Until) {
			if err != nil {
				return err
			}
			if err := a.digest(ctx, k); err != nil {
				return err
			}
		}
	}
	if !r.AsNew {
		return nil
	}
	if err := a.missing(ctx); err != nil {
		return fmt.Errorf("stage new log files: %w", err)
	}
	d.Changed()
	return nil
}

// A redelivery is a Redelivery under way.
type redelivery struct {
	Redelivery
	delivery *Delivery
	tell     func(Redelivered) error
	remaker  *remaker

	// What was found to be different, if new files are to be made of it.
	different    coverage
	differentIDs map[string]bool
}

// file delivers one file again.
func (a *redelivery) file(ctx context.Context, f *File) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if f.state() == Staged {
		return a.tell(Redelivered{File: f, Outcome: OutcomeWaiting, Why: "it waits for its first delivery"})
	}
	if m := a.remaker; m == nil || m.from.String() != f.From || m.to.String() != f.To {
		var err error
		if a.remaker, err = a.delivery.remake(a.Trail, f); err != nil {
			return err
		}
	}
	made, why, err := a.remaker.file(ctx, f)
	if err != nil {
		return err
	}
	if made == nil {
		if a.remaker.chunk != nil {
			a.remaker = nil // the next file may need settings that were tried
		}
		if a.AsNew {
			if err := a.note(f); err != nil {
				return err
			}
		}
		return a.tell(Redelivered{File: f, Outcome: OutcomeDifferent, Why: why})
	}
	defer made.release()
	bucket, key := f.Bucket, f.Key
	if f.state() == Abandoned {
		bucket, key = a.Trail.S3BucketName, a.Trail.LogFileName(f.Account, f.Region, f.Kind, f.Stamp, f.Unique).Key()
	}
	outcome, why, err := a.put(ctx, bucket, key, made.out.Bytes())
	if err != nil {
		return errors.Join(fmt.Errorf("put log file %s into bucket %s again: %w", key, bucket, err), a.tell(Redelivered{File: f, Outcome: OutcomeFailed, Why: short(err)}))
	}
	if f.state() != Abandoned {
		return a.tell(Redelivered{File: f, Outcome: outcome, Why: why})
	}
	f, err = a.delivery.takeUp(f, bucket, key)
	if err != nil {
		return err
	}
	return a.tell(Redelivered{File: f, Outcome: OutcomeDelivered})
}

// note notes a file whose events are delivered in a new one.
func (a *redelivery) note(f *File) error {
	if len(a.differentIDs) >= maxCovering {
		return errTooManyFiles
	}
	a.differentIDs[f.key()] = true
	return a.different.add(f)
}

// put puts a log file unless it is there.
func (a *redelivery) put(ctx context.Context, bucket, key string, body []byte) (outcome Outcome, why string, err error) {
	d, t := a.delivery, a.at(bucket)
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key}
	if t.KMSKeyID != "" {
		if err := encrypt(in, t); err != nil {
			return "", "", err
		}
	}
	found, _ := look(ctx, d.cfg.Destinations.Objects(t), bucket, key, body)
	switch found {
	case same:
		why := unsound(ctx, d.cfg.Destinations.Objects(t), bucket, key, body)
		if why == "" {
			return OutcomePresent, "", nil
		}
		_, _, err := d.putObject(ctx, t, in, body, false)
		return OutcomeAgain, why, err
	case absent:
		_, _, err := d.putObject(ctx, t, in, body, false)
		return OutcomeRestored, "", err
	case other:
		_, _, err := d.putObject(ctx, t, in, body, false)
		return OutcomeAgain, "other bytes were under its key", err
	case unread:
		taken, sure, err := d.putObject(ctx, t, in, body, true)
		if err != nil || !taken && sure {
			return OutcomeRestored, "", err
		}
		if !taken {
			return OutcomeAgain, "the bucket does not tell what was there before", nil
		}
	}
	_, _, err = d.putObject(ctx, t, in, body, false)
	return OutcomeAgain, "it was there, and could not be compared: the bucket does not let the trail read", err
}

// at is the trail with another bucket: it may have been given one since, and may
// not use the earlier one any more.
func (a *redelivery) at(bucket string) *trail.Trail {
	t := *a.Trail
	t.S3BucketName = bucket
	return &t
}

// digest puts a digest under its key again, unless something lies there.
func (a *redelivery) digest(ctx context.Context, k *KeptDigest) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	d, t := a.delivery, a.at(k.Bucket)
	tell := func(outcome Outcome, why string) error {
		return a.tell(Redelivered{Digest: k, Outcome: outcome, Why: why})
	}
	found, metadata := look(ctx, d.cfg.Destinations.Objects(t), k.Bucket, k.Key, k.Body)
	switch {
	case found == other || found != absent && found != unread && metadata[cairn.MetadataSignature] != k.Metadata[cairn.MetadataSignature]:
		return tell(OutcomeRefused, "another object is under its key, and is not replaced; remove it first if it should not be there")
	case found == same:
		why := unsound(ctx, d.cfg.Destinations.Objects(t), k.Bucket, k.Key, k.Body)
		if why == "" {
			return tell(OutcomePresent, "")
		}
		if _, _, err := d.putObject(ctx, t, &s3.PutObjectInput{Bucket: &k.Bucket, Key: &k.Key, Metadata: k.Metadata}, k.Body, false); err != nil {
			return errors.Join(fmt.Errorf("put digest %s into bucket %s again: %w", k.Key, k.Bucket, err), tell(OutcomeFailed, short(err)))
		}
		return tell(OutcomeAgain, why)
	case found == unknown:
		return tell(OutcomePresent, "")
	}
	taken, sure, err := d.putObject(ctx, t, &s3.PutObjectInput{Bucket: &k.Bucket, Key: &k.Key, Metadata: k.Metadata}, k.Body, true)
	switch {
	case err != nil:
		return errors.Join(fmt.Errorf("put digest %s into bucket %s again: %w", k.Key, k.Bucket, err), tell(OutcomeFailed, short(err)))
	case taken:
		return tell(OutcomePresent, "not compared: the bucket does not let the trail read what is under its key")
	case !sure && found == unread:
		return tell(OutcomeAgain, "the bucket does not tell what was there before")
	}
	return tell(OutcomeRestored, "")
}

// takeUp notes that a file that had been given up is in the bucket, so that it
// is notified and gets a backfill digest. A crash between the two rows leaves
// both, of which the one with something left to do counts.
func (d *Delivery) takeUp(f *File, bucket, key string) (*File, error) {
	next := *f
	next.State, next.Bucket, next.Key, next.Delivered, next.Error = Delivered, bucket, key, d.stamp(), ""
	if _, err := d.pending.CompareAndSet(f.key(), 0, &next); err != nil {
		return nil, err
	}
	d.crash("file taken up")
	if err := d.ledger.Delete(f.key(), catalog.AnyRevision); err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return nil, err
	}
	d.Changed()
	return &next, nil
}

// seek returns the position of the first record that arrived at a time or later,
// up to end.
func (d *Delivery) seek(ctx context.Context, t time.Time, end eventlog.Position) (eventlog.Position, error) {
	first, err := d.recordAt(ctx, eventlog.Position{})
	if err != nil || first == nil {
		return end, err
	}
	low := eventlog.At(first.seq)
	for step := uint64(1) << 62; step > 0; step >>= 1 {
		// Everything before low arrived earlier than t.
		probe := low.Plus(step - 1)
		if probe.Compare(end) >= 0 || probe.Compare(low) < 0 {
			continue
		}
		r, err := d.recordAt(ctx, probe)
		if err != nil {
			return end, err
		}
		if r != nil && r.arrival.Before(t) {
			low = eventlog.At(r.seq + 1)
		}
	}
	return low, nil
}

type recordPlace struct {
	seq     uint64
	arrival time.Time
}

// recordAt returns where the first record from a position on is that can be
// read; nil if there is none.
func (d *Delivery) recordAt(ctx context.Context, p eventlog.Position) (*recordPlace, error) {
	for e, err := range d.cfg.Log.Read(ctx, p) {
		var damage *eventlog.Damage
		if errors.As(err, &damage) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the event log: %w", err)
		}
		return &recordPlace{e.Seq, e.Arrival}, nil
	}
	return nil, nil
}
