package sns

import (
	"fmt"
	"testing"
)

// A message that is queued while a full line looks for others is found the next
// time, wherever its key is.
func TestQueuedWhileLooking(t *testing.T) {
	t.Parallel()
	q := queue{wake: make(chan struct{}, 1)}
	key := func(n int) string { return fmt.Sprintf("a/r/t/%016x", n) }
	const first = 1000
	for i := range lineLength + 1 {
		q.add("a/r/t/s", key(first+2*i), trial{})
	}
	l := q.lines["a/r/t/s"]
	if len(l.held) != lineLength || !l.behind {
		t.Fatalf("%d are held, behind is %t", len(l.held), l.behind)
	}
	for _, d := range l.waiting[:lineLength/2+10] {
		q.back(l, d, nil)
	}
	if _, ok := q.hasRoom(l); !ok {
		t.Fatal("the line has no room")
	}
	last := key(first + 2*lineLength)
	if !q.found(l, last, trial{}, true) || !l.held[last] {
		t.Fatal("the message that the line did not take before is not held")
	}
	before, behind := key(first+2*lineLength-1), key(first+2*lineLength+1)
	q.add("a/r/t/s", before, trial{}) // the look has passed it
	q.add("a/r/t/s", behind, trial{}) // the look may have ended before it
	q.caughtUp(l)
	if !l.held[before] {
		t.Error("a message before those that were looked at is lost")
	}
	if !l.held[behind] && (!l.behind || l.after >= behind) {
		t.Error("a message behind those that were looked at is lost")
	}
	if _, ok := q.hasRoom(l); !ok {
		t.Fatal("the line has no room")
	}
	q.found(l, behind, trial{}, true)
	if q.caughtUp(l); l.behind || !l.held[behind] {
		t.Errorf("behind is %t after all was found", l.behind)
	}
}
