package verify

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
)

// A coverage is how a lane stands to a time.
type coverage int

const (
	before    coverage = iota // its first digest
	covered                   // by a digest that is proved
	hole                      // between two, covered by none
	waiting                   // after the newest digest, and the next need not be there yet
	after                     // longer after
	late                      // covered, but put later, and a backfill digest need not be there yet
	partly                    // a part of its minute is covered
	otherKind                 // covered or not, these digests list no such files
)

// leeway is how much later than expected something may come.
func leeway(window time.Duration) time.Duration { return max(window/2, 5*time.Minute) }

// covers says how the lane stands to a log file's minute.
func (l *lane) covers(from time.Time, now time.Time) coverage {
	until := from.Add(time.Minute - time.Second)
	newest := l.chain.newest
	switch {
	case !until.Before(newest) && now.Before(l.chain.settled):
		return waiting
	case !from.Before(newest):
		return after
	}
	i := l.endAfter(from) // the oldest of these covers from
	if i == 0 {
		return after
	}
	oldest := i == len(l.nodes)
	n := l.nodes[i-1]
	switch {
	case oldest && !n.start.IsZero() && until.Before(n.start):
		return before
	case !n.proved || until.Before(n.start):
		return hole
	case from.Before(n.start), until.After(n.end) && (i < 2 || !l.nodes[i-2].proved || until.Before(l.nodes[i-2].start)):
		return partly
	}
	return covered
}

// isLate reports whether a log file that a digest covers, if in part, was put after its time
// had ended, and when the backfill digest that lists it must be there: like any
// other it is made when the window ends in which the file came, and may wait for
// one more. The time when the digest itself was put says less: it may have waited
// for its bucket, and what it lists was decided before.
func (l *lane) isLate(e Entry, name cairn.LogFileName) (due time.Time, ok bool) {
	until := name.Time.Add(time.Minute - time.Second)
	for _, n := range slices.Backward(l.nodes[:l.endAfter(name.Time)]) {
		if n.start.After(until) {
			break
		}
		if n.proved && !e.Modified.After(n.end) {
			return time.Time{}, false
		}
	}
	return e.Modified.Add(2*l.chain.window + leeway(l.chain.window)), !e.Modified.IsZero()
}

// endAfter returns how many nodes end after a time; they are the first.
func (l *lane) endAfter(t time.Time) int {
	i, _ := slices.BinarySearchFunc(l.nodes, t, func(n *node, t time.Time) int {
		if n.end.After(t) {
			return -1
		}
		return 1
	})
	return i
}

// A tally counts log files of one kind of finding.
type tally struct {
	files       int
	from, until time.Time
	first       string
}

func (t *tally) add(key string, at time.Time) {
	if t.files++; t.files == 1 || at.Before(t.from) {
		t.from, t.first = at, key
	}
	if at.After(t.until) {
		t.until = at
	}
}

// checkUnlisted lists the group's log files and tells of those that no digest
// lists.
func (w *groupWork) checkUnlisted(ctx context.Context) error {
	now := w.Now
	var uncovered, pending, other tally
	if now.IsZero() {
		// A copy is as old as its newest log file.
		if err := w.eachLog(ctx, false, func(_ Entry, name cairn.LogFileName) {
			if name.Time.After(now) {
				now = name.Time
			}
		}); err != nil {
			return err
		}
	}
	err := w.eachLog(ctx, true, func(e Entry, name cairn.LogFileName) {
		key := sha256.Sum256([]byte(e.Key))
		if _, ok := w.listed[[16]byte(key[:])]; ok {
			return
		}
		state, due := w.classify(e, name, now)
		switch state {
		case waiting:
			pending.add(e.Key, name.Time)
		case late:
			w.logs.addNamed(Unproved, KindLate, e.Key, "it was put at %s, after the time of the digest that should list it: it came late, and then a backfill digest lists it by %s, or somebody else put it", stamp(e.Modified), stamp(due))
		case covered:
			detail := "it lies in the time of digests that are proved, and none of them lists it"
			if !due.IsZero() {
				detail = fmt.Sprintf("it was put at %s, after the time of the digest that should list it, and no backfill digest lists it either", stamp(e.Modified))
			}
			w.logs.addNamed(Damage, KindUnlisted, e.Key, "%s", detail)
		case partly:
			w.logs.addNamed(Unproved, KindNotCovered, e.Key, "digests that are proved are for a part of its minute only, and none of them lists it")
		case otherKind:
			other.add(e.Key, name.Time)
		default:
			uncovered.add(e.Key, name.Time)
		}
	})
	if err != nil {
		return err
	}
	if pending.files > 0 {
		w.tell(&pending, Note, KindWaiting, "the next digest should list %s of %s", count(pending.files, "log file"), w.what())
	}
	if other.files > 0 {
		w.tell(&other, Unproved, KindOtherKind, "%s of %s: these digests list none of their kind", count(other.files, "log file"), w.what())
	}
	if uncovered.files == 0 {
		return nil
	}
	if len(w.lanes) > 0 {
		w.tell(&uncovered, Unproved, KindNotCovered, "%s of %s: no digest that is proved is for their time", count(uncovered.files, "log file"), w.what())
		return nil
	}
	severity, text := Unproved, ""
	for _, t := range w.Trails {
		if t.Validation && t.Logging && t.Prefix == w.prefix && (t.IsMultiRegion || t.HomeRegion == w.region) && (t.IsOrganization || t.AccountID == w.account) &&
			now.Sub(uncovered.from) > 3*time.Hour {
			severity, text = Damage, "; trail "+t.Name+" makes digests, says the server"
		}
	}
	w.tell(&uncovered, severity, KindNoDigests, "%s of %s, and not one digest%s", count(uncovered.files, "log file"), w.what(), text)
	return nil
}

func (w *groupWork) tell(t *tally, s Severity, kind, format string, args ...any) {
	f := w.logs.add(s, kind, "", t.first, format, args...)
	f.Files, f.From, f.Until = t.files, t.from, t.until
}

// classify says what it means that no digest lists a log file. Of one that came
// after its digest it also says when a backfill digest must be there.
func (w *groupWork) classify(e Entry, name cairn.LogFileName, now time.Time) (coverage, time.Time) {
	if len(w.lanes) == 0 {
		return after, time.Time{}
	}
	if name.Kind != cairn.LogKindCloudTrail && !w.kinds[name.Kind] {
		return otherKind, time.Time{} // whoever makes these digests does not list files of this kind
	}
	var states [otherKind + 1]bool
	var due time.Time // the latest of the lanes that it came too late for
	for _, l := range w.lanes {
		state := l.covers(name.Time, now)
		if state == covered || state == partly {
			if by, ok := l.isLate(e, name); ok {
				if by.After(due) {
					due = by
				}
				if now.Before(by) {
					state = late
				}
			}
		}
		states[state] = true
	}
	for _, state := range []coverage{hole, waiting, late, partly, covered, after} {
		if states[state] {
			return state, due
		}
	}
	return before, time.Time{}
}

// eachLog calls f for each log file of the asked time. With tell, it tells of
// files that are none.
func (w *groupWork) eachLog(ctx context.Context, tell bool, f func(Entry, cairn.LogFileName)) error {
	for _, kind := range w.logKinds {
		folder := w.folder(kind)
		for e, err := range w.Source.List(ctx, folder, w.after(folder)) {
			if err != nil {
				return fmt.Errorf("list the log files in %s: %w", folder, err)
			}
			if strings.HasSuffix(e.Key, "/") && e.Size == 0 {
				continue
			}
			name, err := cairn.ParseLogFileKey(e.Key)
			if err != nil {
				if tell {
					w.logs.addNamed(Damage, KindForeign, e.Key, "it lies among the log files, and no digest lists it: %s", reason(err))
				}
				continue
			}
			if !w.outside(name.Time, name.Time.Add(time.Minute)) {
				f(e, name)
			}
		}
	}
	return nil
}
