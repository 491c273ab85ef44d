package delivery

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn"
	"cairn/catalog"
)

// A laneKey names a digest chain: of one trail, account and region.
type laneKey struct{ trail, account, region string }

func (k laneKey) row() string { return catalog.Key(k.trail, k.account, k.region) }

// A lane is the state of a digest chain. It is one row, so that signing a digest,
// moving the window on and linking the next one to it is one step.
type lane struct {
	// Window is where the open window begins; zero when there is no chain. A
	// window ends at the next point of the grid of digests.
	Window time.Time `json:"window,omitzero"`

	// Ended is where the last window of the last chain ended: the next one does
	// not begin earlier.
	Ended time.Time `json:"ended,omitzero"`

	// Previous is the last digest of the chain, empty in a new one.
	Previous cairn.DigestLink `json:"previous"`

	// Queue are digests that are signed and not delivered yet, oldest first.
	Queue []queued `json:"queue,omitempty"`

	// Backfill is the backfill digest with the latest end, and Backfilled the
	// ends of all that may still get another one.
	Backfill    cairn.DigestLink `json:"backfill"`
	BackfillEnd time.Time        `json:"backfillEnd,omitzero"`
	Backfilled  []time.Time      `json:"backfilled,omitempty"`

	rev catalog.Revision
}

// A queued digest is staged under its name, with its signature kept beside it.
type queued struct {
	Staged   string            `json:"staged"`
	Size     int64             `json:"size,omitempty"` // bytes; 0 if it was not noted
	Sum      uint32            `json:"sum,omitempty"`  // CRC-32C
	Bucket   string            `json:"bucket"`
	Key      string            `json:"key"`
	Start    time.Time         `json:"start"`
	End      time.Time         `json:"end"`
	Metadata map[string]string `json:"metadata"`
	Files    []string          `json:"files,omitempty"` // rows of the files that it lists
	Previous cairn.DigestLink  `json:"previous"`
	Backfill bool              `json:"backfill,omitempty"`

	// Attempts are puts that may have had an effect. It is set before the first
	// one: when the key is taken before any attempt was made, the bucket knows
	// more of this chain than the catalog does.
	Attempts int `json:"attempts,omitempty"`
}

// covers reports whether a digest that is still queued lists a file.
func (l *lane) covers(f *File) bool {
	if len(l.Queue) == 0 {
		return false
	}
	key := f.key()
	return slices.ContainsFunc(l.Queue, func(q queued) bool { return slices.Contains(q.Files, key) })
}

// readLanes reads the lanes of the trail.
func (w *worker) readLanes() (map[laneKey]*lane, error) {
	lanes := make(map[laneKey]*lane)
	for row, err := range w.delivery.lanes.Scan(catalog.KeyPrefix(w.id)) {
		if err != nil {
			return nil, err
		}
		parts := catalog.SplitKey(row.Key)
		row.Value.rev = row.Revision
		lanes[laneKey{parts[0], parts[1], parts[2]}] = row.Value
	}
	return lanes, nil
}

// openLanes begins the lanes that should be there and are not: one for each
// region while the trail is logging and makes digests, and those of files that no
// chain is open for, because the trail was stopped before it was begun or after
// it had ended.
func (w *worker) openLanes(lanes map[laneKey]*lane, open map[laneKey][]catalog.Row[*File]) error {
	if !w.trail.LogFileValidation {
		return nil
	}
	begin := func(key laneKey, at time.Time) error {
		l := lanes[key]
		if l == nil {
			l = &lane{}
			lanes[key] = l
		}
		if !l.Window.IsZero() {
			return nil
		}
		if at.Before(l.Ended) {
			at = l.Ended // what is older gets a backfill digest
		}
		l.Window, l.Previous = at, cairn.DigestLink{}
		return w.delivery.setLane(key, l)
	}
	for key, rows := range open {
		if l := lanes[key]; l != nil && l.covers(rows[0].Value) {
			continue
		}
		if err := begin(key, rows[0].Value.Stamp); err != nil {
			return err
		}
	}
	if !w.chained() {
		return nil
	}
	for _, region := range w.trail.Regions(w.delivery.cfg.Regions) {
		if err := begin(laneKey{w.id, w.trail.AccountID, region}, w.delivery.stamp()); err != nil {
			return err
		}
	}
	return nil
}

// chained reports whether the trail should have digests from now on.
func (w *worker) chained() bool {
	return w.trail.LogFileValidation && w.trail.Settings().Logging
}

// left reports whether the trail, which should have digests, is not for a region
// any more.
func (w *worker) left(region string) bool {
	return !slices.Contains(w.trail.Regions(w.delivery.cfg.Regions), region)
}

func (d *Delivery) setLane(key laneKey, l *lane) error {
	rev, err := d.lanes.CompareAndSet(key.row(), l.rev, l)
	if err != nil {
		return fmt.Errorf("set digest chain %s: %w", key.row(), err)
	}
	l.rev = rev
	return nil
}

// windowEnd is the end of a window that begins at start.
func (d *Delivery) windowEnd(start time.Time) time.Time {
	return start.Truncate(d.cfg.DigestInterval).Add(d.cfg.DigestInterval)
}

// keepStatus writes what has changed of the trail's status.
func (w *worker) keepStatus() error {
	if !w.dirty {
		return nil
	}
	if _, err := w.delivery.status.Put(w.id, w.state); err != nil {
		return err
	}
	w.dirty = false
	return nil
}

// Status is what GetTrailStatus tells of a trail's deliveries. Times are zero
// where nothing happened, errors empty where the last attempt succeeded.
type Status struct {
	LatestDelivery        time.Time `json:"latestDelivery,omitzero"`
	LatestDeliveryAttempt time.Time `json:"latestDeliveryAttempt,omitzero"`
	LatestDeliveryError   string    `json:"latestDeliveryError,omitempty"`

	LatestNotification        time.Time `json:"latestNotification,omitzero"`
	LatestNotificationAttempt time.Time `json:"latestNotificationAttempt,omitzero"`
	LatestNotificationError   string    `json:"latestNotificationError,omitempty"`

	LatestDigestDelivery      time.Time `json:"latestDigestDelivery,omitzero"`
	LatestDigestDeliveryError string    `json:"latestDigestDeliveryError,omitempty"`

	GivenUp int `json:"givenUp,omitempty"` // log files that were abandoned, ever
}

// Status returns what became of a trail's deliveries.
func (d *Delivery) Status(trailID string) (Status, error) {
	s, _, err := d.status.Get(trailID)
	if errors.Is(err, catalog.ErrNotFound) {
		err = nil
	}
	return s, err
}
