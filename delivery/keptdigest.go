package delivery

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"cairn/catalog"
)

// A KeptDigest is a digest that was delivered, as it was put. Its signature
// covers its bytes, and the next digest its signature: what replaces one that is
// gone from its bucket must be the same object, whose links and log files the
// catalog may not know any more. So the object itself is kept for KeepTrying.
type KeptDigest struct {
	Trail     string            `json:"trail"` // the trail's ID
	Account   string            `json:"account"`
	Region    string            `json:"region"`
	Bucket    string            `json:"bucket"`
	Key       string            `json:"key"`
	Start     time.Time         `json:"start"`
	End       time.Time         `json:"end"`
	Delivered time.Time         `json:"delivered"`
	Backfill  bool              `json:"backfill,omitempty"`
	Files     int               `json:"files"` // how many it lists
	Metadata  map[string]string `json:"metadata"`
	Body      []byte            `json:"body"` // compressed
}

// row orders a trail's digests by the end of their windows.
func (k *KeptDigest) row() string { return catalog.Key(k.Trail, unixKey(k.End), k.Bucket, k.Key) }

func unixKey(t time.Time) string { return fmt.Sprintf("%016x", max(t.Unix(), 0)) }

// keep keeps a digest that is in its bucket now. It comes before the lane forgets
// the digest: a crash in between leaves one that is put and kept once more.
func (d *Delivery) keep(lane laneKey, q *queued) error {
	k := &KeptDigest{
		Trail: lane.trail, Account: lane.account, Region: lane.region, Bucket: q.Bucket, Key: q.Key, Start: q.Start, End: q.End,
		Delivered: d.cfg.Now().UTC(), Backfill: q.Backfill, Files: len(q.Files), Metadata: q.Metadata,
	}
	file, err := d.cfg.FS.OpenFile(d.stagedPath(q.Staged), 0, 0)
	if err != nil {
		return fmt.Errorf("open staged digest: %w", err)
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return fmt.Errorf("size of staged digest: %w", err)
	}
	if k.Body, err = io.ReadAll(io.NewSectionReader(file, 0, size)); err != nil {
		return fmt.Errorf("read staged digest: %w", err)
	}
	if _, err := d.digests.Put(k.row(), k); err != nil {
		return fmt.Errorf("keep digest %s: %w", q.Key, err)
	}
	return nil
}

// digestsIn yields the kept digests of a trail whose windows meet a span of time,
// by the ends of their windows. A zero until is no bound.
func (d *Delivery) digestsIn(trailID string, since, until time.Time) iter.Seq2[*KeptDigest, error] {
	prefix := catalog.KeyPrefix(trailID)
	return func(yield func(*KeptDigest, error) bool) {
		for row, err := range d.digests.ScanAfter(prefix, prefix+unixKey(since)) {
			if err != nil {
				yield(nil, fmt.Errorf("read the kept digests: %w", err))
				return
			}
			k := row.Value
			if !until.IsZero() && k.Start.After(until) {
				continue // a shorter window may still end later
			}
			if !yield(k, nil) {
				return
			}
		}
	}
}

// DigestByKey returns the digest of a trail that was delivered under an S3 key,
// whose window ended at a time, or ErrUnknownDigest.
func (d *Delivery) DigestByKey(trailID, s3Key string, end time.Time) (*KeptDigest, error) {
	var found *KeptDigest
	for row, err := range d.digests.Scan(catalog.KeyPrefix(trailID, unixKey(end))) {
		if err != nil {
			return nil, fmt.Errorf("read the kept digests: %w", err)
		}
		// The trail may have put one of this name into an earlier bucket, too.
		if row.Value.Key == s3Key && (found == nil || row.Value.Delivered.After(found.Delivered)) {
			found = row.Value
		}
	}
	if found == nil {
		return nil, ErrUnknownDigest
	}
	return found, nil
}

// ErrUnknownDigest says that no such digest is kept.
var ErrUnknownDigest = errors.New("no such digest is kept")
