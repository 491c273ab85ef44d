package delivery

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// A complaint is what the log was told of a trail that fails: each kind of error
// when it comes and once an hour from then on, and that all is well again.
type complaint struct {
	since time.Time            // of the first failure; zero if nothing fails
	told  map[string]time.Time // when, by kind of error
}

// complainEvery is how often a failure that lasts is told of.
const complainEvery = time.Hour

// about notes the outcome of a turn, and tells the log what is new. A turn that
// left something alone because it had failed shortly before says nothing.
func (c *complaint) about(w *worker, err error) {
	d := w.delivery
	now := d.cfg.Now()
	log := d.cfg.Logger.With("trail", w.trail.ARN().String())
	switch {
	case err != nil:
		kind := strings.Join(kinds(err), ", ")
		if last, told := c.told[kind]; told && now.Sub(last) < complainEvery && !now.Before(last) {
			return
		}
		if c.told == nil {
			c.since, c.told = now, make(map[string]time.Time)
		}
		c.told[kind] = now
		log.Warn("a trail's deliveries wait; they are tried again", "error", err, "failing", now.Sub(c.since).Round(time.Second))
	case c.told != nil && !w.held:
		log.Info("a trail's deliveries go on", "failed", now.Sub(c.since).Round(time.Second))
		*c = complaint{}
	}
}

// kinds are the codes of all errors that are joined in one, without the texts
// that differ from one attempt to the next.
func kinds(err error) []string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []string{short(err)}
	}
	var all []string
	for _, e := range joined.Unwrap() {
		all = append(all, kinds(e)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
