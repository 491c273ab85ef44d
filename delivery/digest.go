package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/gzip"

	"cairn"
	"cairn/catalog"
	"cairn/internal/durable"
)

// digest signs the digests that are due in the trail's lanes, and delivers those
// that are signed.
func (w *worker) digest(ctx context.Context, lanes map[laneKey]*lane) error {
	if len(lanes) == 0 && !w.trail.LogFileValidation {
		return nil
	}
	open, err := w.undigested()
	if err != nil {
		return err
	}
	if err := w.openLanes(lanes, open); err != nil {
		return err
	}
	var errs []error
	for key, l := range lanes {
		errs = append(errs, w.digestLane(ctx, key, l, open[key]))
	}
	return errors.Join(errs...)
}

// undigested returns the trail's files that no digest lists, by lane, in the
// order in which they were made. Of those that wait for their bucket it has the
// oldest and the newest of each lane, which is what windows need to know of them:
// they may be many.
func (w *worker) undigested() (map[laneKey][]catalog.Row[*File], error) {
	open := make(map[laneKey][]catalog.Row[*File])
	newest := make(map[laneKey]int) // where the newest that waits is
	for row, err := range w.delivery.pending.Scan(catalog.KeyPrefix(w.id)) {
		if err != nil {
			return nil, err
		}
		f := row.Value
		if f.Digest != "" || f.state() == Abandoned || f.Cut > w.delivery.cutNumber() {
			continue
		}
		key := f.lane()
		if f.state() == Staged {
			switch at, seen := newest[key]; {
			case !seen:
				newest[key] = -1
			case at < 0:
				newest[key] = len(open[key])
			default:
				open[key][at] = row
				continue
			}
		}
		open[key] = append(open[key], row)
	}
	return open, nil
}

func (w *worker) digestLane(ctx context.Context, key laneKey, l *lane, open []catalog.Row[*File]) error {
	if l.Window.IsZero() && len(l.Queue) == 0 {
		return nil
	}
	// What is queued comes first: a crash may have come before its files were
	// marked.
	if err := w.deliverQueue(ctx, key, l, &open); err != nil {
		return err
	}
	signed := 0
	// What is signed waits for its bucket before more is signed: files that come
	// with it are then in the digests of their own windows.
	for !l.Window.IsZero() && (len(l.Queue) == 0 || signed > 0 && signed%maxQueue != 0) {
		if err := ctx.Err(); err != nil {
			return err
		}
		end, last, due := w.due(key, l, open)
		if !due {
			break
		}
		if err := w.signWindow(key, l, &open, end, last); err != nil {
			return err
		}
		if signed++; signed%maxQueue == 0 { // a long absence is made up for in steps
			if err := w.deliverQueue(ctx, key, l, &open); err != nil {
				return err
			}
		}
	}
	return w.deliverQueue(ctx, key, l, &open)
}

// maxQueue is how many digests are signed before the bucket must take some.
const maxQueue = 64

// due says where the open window ends if its digest can be signed now, and
// whether it is the chain's last. A digest waits for the window's files, but not
// for longer than another window: what comes later gets a backfill digest.
func (w *worker) due(key laneKey, l *lane, open []catalog.Row[*File]) (end time.Time, last, due bool) {
	d := w.delivery
	now := d.cfg.Now()
	end = d.windowEnd(l.Window)
	ended := !w.chained()
	if ended && now.Before(end) {
		// The last window ends when nothing can come any more.
		stopped := w.trail.LoggingStopped
		if !w.trail.Deleted.IsZero() {
			stopped = w.trail.Deleted
		}
		if !w.cutStopped(stopped) {
			return end, false, false
		}
		end, last = d.stamp(), true
		if !end.After(l.Window) {
			end = l.Window.Add(time.Second)
		}
		for _, row := range open {
			if !row.Value.Stamp.Before(end) {
				end = row.Value.Stamp.Add(time.Second)
			}
		}
	} else if now.Before(end) || !w.cutAfter(end.Add(-settleTime)) {
		return end, false, false
	}
	if !ended && w.left(key.region) {
		last = true
	}
	// While the bucket takes nothing, a digest would not come sooner without the
	// files: they are put first when it is back, however many turns that takes.
	overdue := now.After(end.Add(d.cfg.DigestInterval)) && w.puts.wait == 0 && !w.more
	for _, row := range open {
		if f := row.Value; f.state() == Staged && f.Stamp.Before(end) && !overdue {
			return end, last, false
		}
	}
	return end, last, true
}

// signWindow makes the digest of the window that ends at end, and those of
// windows before it whose files came late. Setting the lane's row is what makes a
// digest part of the chain; a crash before leaves a staged file that no row
// names.
func (w *worker) signWindow(key laneKey, l *lane, open *[]catalog.Row[*File], end time.Time, last bool) error {
	d := w.delivery
	var listed []catalog.Row[*File]
	late := make(map[time.Time][]catalog.Row[*File])
	for _, row := range *open {
		f := row.Value
		switch {
		case f.state() != Delivered || !f.Stamp.Before(end):
		case f.Stamp.Before(l.Window):
			start := f.Stamp.Truncate(d.cfg.DigestInterval)
			late[start] = append(late[start], row)
		default:
			listed = append(listed, row)
		}
	}
	q, link, err := w.sign(key, l.Window, end, l.Previous, listed, false)
	if err != nil {
		return err
	}
	next := *l
	next.Queue = append(slices.Clone(l.Queue), *q)
	next.Window, next.Previous = end, link
	// The oldest first, or they could not be linked.
	for _, start := range slices.SortedFunc(maps.Keys(late), time.Time.Compare) {
		if err := w.backfill(key, &next, start, late[start]); err != nil {
			return err
		}
	}
	if last {
		next.Window, next.Previous, next.Ended = time.Time{}, cairn.DigestLink{}, end
	}
	d.crash("digest staged")
	if err := d.setLane(key, &next); err != nil {
		return err
	}
	d.crash("digest signed")
	*l = next
	d.raiseFloor(end)
	return w.mark(l, open)
}

// backfill makes the digest of files that came after the digest of their window.
// Its end is that of the window, or as many seconds earlier as there were
// backfill digests of the window before.
func (w *worker) backfill(key laneKey, l *lane, start time.Time, rows []catalog.Row[*File]) error {
	d := w.delivery
	end := start.Add(d.cfg.DigestInterval)
	for slices.ContainsFunc(l.Backfilled, end.Equal) {
		end = end.Add(-time.Second)
	}
	if !start.Before(end) {
		start = end.Add(-time.Second)
	}
	// A reader follows the links backwards in time, and begins anew where there
	// is none.
	var previous cairn.DigestLink
	if end.After(l.BackfillEnd) {
		previous = l.Backfill
	}
	q, link, err := w.sign(key, start, end, previous, rows, true)
	if err != nil {
		return err
	}
	l.Queue = append(l.Queue, *q)
	l.Backfilled = append(slices.DeleteFunc(slices.Clone(l.Backfilled), func(t time.Time) bool { return end.Sub(t) > 2*KeepTrying }), end)
	if end.After(l.BackfillEnd) {
		l.Backfill, l.BackfillEnd = link, end
	}
	return nil
}

// sign makes and stages a digest.
func (w *worker) sign(key laneKey, start, end time.Time, previous cairn.DigestLink, rows []catalog.Row[*File], backfill bool) (*queued, cairn.DigestLink, error) {
	d := w.delivery
	fail := func(err error) (*queued, cairn.DigestLink, error) {
		return nil, cairn.DigestLink{}, fmt.Errorf("sign digest of %s, %s, up to %s: %w", w.trail.ARN(), key.region, end.Format(time.RFC3339), err)
	}
	object := w.trail.DigestFileName(key.account, key.region, end, backfill).Key()
	digest := &cairn.Digest{
		AWSAccountID: key.account, DigestStartTime: cairn.FormatDigestTime(start), DigestEndTime: cairn.FormatDigestTime(end),
		DigestS3Bucket: w.trail.S3BucketName, DigestS3Object: object,
	}
	q := &queued{Bucket: w.trail.S3BucketName, Key: object, Start: start, End: end, Previous: previous, Backfill: backfill}
	files := []cairn.DigestLogFile{}
	for _, row := range rows {
		f := row.Value
		q.Files = append(q.Files, row.Key)
		files = append(files, cairn.DigestLogFile{
			S3Bucket: f.Bucket, S3Object: f.Key, HashValue: f.Hash, HashAlgorithm: cairn.DigestHashAlgorithm,
			NewestEventTime: cairn.FormatDigestTime(f.Newest), OldestEventTime: cairn.FormatDigestTime(f.Oldest),
		})
	}
	digest.SetLogFiles(files)
	digest.Follow(previous)
	at := end
	if backfill {
		at = d.cfg.Now()
	}
	private, err := d.cfg.Keys.Signer(key.region, at)
	if err != nil {
		return fail(err)
	}
	signed, err := digest.Sign(private)
	if err != nil {
		return fail(err)
	}
	if backfill {
		signed.BackfillTime = cairn.FormatBackfillTime(at)
	}
	q.Metadata = signed.Metadata()
	q.Staged = "digest-" + cairn.HashHex([]byte(w.id + object))[:32] + ".json.gz"
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	zip.Write(signed.Body)
	if err := zip.Close(); err != nil {
		return fail(err)
	}
	q.Size, q.Sum = int64(packed.Len()), sum(packed.Bytes())
	if err := durable.WriteFile(d.cfg.FS, d.stagedPath(q.Staged), packed.Bytes(), 0o600); err != nil {
		return fail(err)
	}
	return q, signed.Link(), nil
}

// mark notes in the rows of files which digest lists them, and forgets those that
// are done.
func (w *worker) mark(l *lane, open *[]catalog.Row[*File]) error {
	d := w.delivery
	in := make(map[string]string)
	for _, q := range l.Queue {
		for _, file := range q.Files {
			in[file] = q.Key
		}
	}
	var left []catalog.Row[*File]
	for _, row := range *open {
		digest, ok := in[row.Key]
		if !ok {
			left = append(left, row)
			continue
		}
		row.Value.Digest = digest
		if err := d.set(&row); err != nil {
			return err
		}
		d.crash("file marked")
		if w.done(row.Value, l) {
			if err := d.archive(&row); err != nil {
				return err
			}
		}
	}
	*open = left
	return nil
}

// deliverQueue puts the signed digests into the bucket, oldest first.
func (w *worker) deliverQueue(ctx context.Context, key laneKey, l *lane, open *[]catalog.Row[*File]) error {
	d := w.delivery
	if len(l.Queue) == 0 {
		return nil
	}
	if err := w.mark(l, open); err != nil {
		return err
	}
	for len(l.Queue) > 0 {
		if d.cfg.Now().Before(w.seals.until) {
			w.held = true
			return nil
		}
		forked, err := w.putDigest(ctx, key, l)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if done, err := w.giveUpDigest(key, l, open, err); done {
				return err
			}
			w.seals.failed(d.cfg.Now())
			d.metrics.failedPut()
			w.state.LatestDigestDeliveryError, w.dirty = short(err), true
			return fmt.Errorf("deliver digest %s to bucket %s: %w", l.Queue[0].Key, l.Queue[0].Bucket, err)
		}
		if forked {
			q := &l.Queue[0]
			d.cfg.Logger.Error("the bucket has a digest that this server does not know of: its data was restored to an earlier state; a new digest chain begins",
				"trail", w.trail.ARN().String(), "region", key.region, "bucket", q.Bucket, "digest", q.Key)
			return w.rewind(key, l, open, q.End, cairn.DigestLink{}) // what was dropped is signed again
		}
		d.crash("digest put")
		done := l.Queue[0]
		if err := d.keep(key, &done); err != nil {
			w.seals.failed(d.cfg.Now())
			return err
		}
		w.seals.ok()
		d.crash("digest kept")
		l.Queue = slices.Delete(slices.Clone(l.Queue), 0, 1)
		if err := d.setLane(key, l); err != nil {
			return err
		}
		d.crash("digest delivered")
		if err := d.unstage(done.Staged); err != nil {
			return err
		}
		d.metrics.digested(done.End)
		w.state.LatestDigestDelivery, w.state.LatestDigestDeliveryError, w.dirty = d.cfg.Now().UTC(), "", true
	}
	return nil
}

// putDigest puts the first digest of the queue. Its key must be free. If it is
// not, an earlier attempt put the digest there, or the bucket has a digest that
// the catalog does not know: the catalog was restored to an earlier state, or a
// trail that was deleted had this one's name.
func (w *worker) putDigest(ctx context.Context, key laneKey, l *lane) (forked bool, err error) {
	q := &l.Queue[0]
	first := q.Attempts == 0
	if first {
		q.Attempts = 1
		if err := w.delivery.setLane(key, l); err != nil {
			return false, err
		}
		w.delivery.crash("digest about to be put")
	}
	in := &s3.PutObjectInput{
		Bucket: aws.String(q.Bucket), Key: aws.String(q.Key), Metadata: q.Metadata,
		ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip"),
	}
	in.IfNoneMatch = aws.String("*")
	err = w.put(ctx, in, q.Staged, q.Size, q.Sum)
	if statusCode(err) == http.StatusPreconditionFailed {
		ours, known := w.isOurs(ctx, q)
		if known || first {
			return !ours, nil
		}
		// Nobody tells what is there. Most likely it is what an earlier attempt
		// put.
		in.IfNoneMatch = nil
		err = w.put(ctx, in, q.Staged, q.Size, q.Sum)
	}
	if err == nil || !first {
		return false, err
	}
	var lost *lostError
	if refused(err) || errors.As(err, &lost) {
		q.Attempts = 0 // nothing was written: the next attempt is the first again
		return false, errors.Join(err, w.delivery.setLane(key, l))
	}
	return false, err
}

// isOurs reports whether the object under a digest's key is that digest, and
// whether that is known: a trail's bucket need not let its trail read.
func (w *worker) isOurs(ctx context.Context, q *queued) (ours, known bool) {
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	out, err := w.delivery.cfg.Destinations.Objects(w.trailAt(q.Bucket)).HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(q.Bucket), Key: aws.String(q.Key)}, onceS3)
	return err == nil && out.Metadata[cairn.MetadataSignature] == q.Metadata[cairn.MetadataSignature], err == nil
}

// giveUpDigest decides about a digest that could not be put. If the trail has
// another bucket by now, the windows of what is queued are signed again for that
// one, and so they are if the staged copy is lost; a bucket that went with its
// trail ends the chain. It reports whether any of that is so.
func (w *worker) giveUpDigest(key laneKey, l *lane, open *[]catalog.Row[*File], failure error) (done bool, err error) {
	d, q := w.delivery, &l.Queue[0]
	var lost *lostError
	switch {
	case q.Bucket != w.trail.S3BucketName, errors.As(failure, &lost):
		if lost != nil {
			d.cfg.Logger.Error("a staged digest is signed again, because its copy is lost", "trail", w.trail.ARN().String(), "digest", q.Key, "error", failure)
		}
		previous := q.Previous
		if q.Attempts > 0 {
			previous = cairn.DigestLink{} // the digest may be in the old bucket: no fork
		}
		return true, w.rewind(key, l, open, q.Start, previous)
	case !w.trail.Deleted.IsZero() && (short(failure) == "NoSuchBucket" || d.cfg.Now().Sub(w.trail.Deleted) > KeepTrying):
		staged := l.Queue
		l.Window, l.Queue, l.Previous, l.Ended = time.Time{}, nil, cairn.DigestLink{}, later(l.Ended, l.Window)
		if err := d.setLane(key, l); err != nil {
			return true, err
		}
		for _, q := range staged {
			if err := d.unstage(q.Staged); err != nil {
				return true, err
			}
		}
		d.cfg.Logger.Warn("the last digest of a deleted trail is given up", "trail", w.trail.ARN().String(), "error", failure)
		return true, nil
	}
	return false, nil
}

// rewind takes back the digests that are queued. The chain goes on with a window
// that begins at a time, and with a link to previous; files from before that get
// backfill digests. A chain never forks: where the bucket may have another
// continuation, previous is empty, which begins a new chain.
func (w *worker) rewind(key laneKey, l *lane, open *[]catalog.Row[*File], from time.Time, previous cairn.DigestLink) error {
	d := w.delivery
	next := *l
	next.Queue, next.Window, next.Previous = nil, from, previous
	dropped := l.Queue
	if l.Queue[0].Backfill {
		// It is not part of the chain, but other backfill digests may follow it.
		next.Window, next.Previous, dropped = l.Window, l.Previous, nil
		for _, q := range l.Queue {
			if q.Backfill {
				dropped = append(dropped, q)
			} else {
				next.Queue = append(next.Queue, q)
			}
		}
	}
	if slices.ContainsFunc(dropped, func(q queued) bool { return q.Backfill }) {
		// The next one must not follow one that was dropped.
		next.Backfill, next.BackfillEnd = cairn.DigestLink{}, time.Time{}
	}
	for _, q := range dropped {
		for _, file := range q.Files {
			if err := w.reopen(file); err != nil {
				return err
			}
		}
	}
	if err := d.setLane(key, &next); err != nil {
		return err
	}
	for _, q := range dropped {
		if err := d.unstage(q.Staged); err != nil {
			return err
		}
	}
	*l = next
	all, err := w.undigested()
	*open = all[key]
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reopen makes a file one that no digest lists, and that is too late for one.
func (w *worker) reopen(file string) error {
	d := w.delivery
	f, rev, err := d.pending.Get(file)
	if errors.Is(err, catalog.ErrNotFound) {
		f, _, err = d.ledger.Get(file)
		rev = 0
	}
	if errors.Is(err, catalog.ErrNotFound) {
		d.cfg.Logger.Error("a log file is in no digest any more: the ledger has forgotten it", "file", file)
		return nil
	}
	if err != nil {
		return err
	}
	f.Digest = ""
	_, err = d.pending.CompareAndSet(file, rev, f)
	return err
}
