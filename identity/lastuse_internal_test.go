package identity

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// A store that is slow, or fails, holds up no call, and what waits for it is
// bounded.
func TestLastUseIsWrittenBesideTheCall(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	stored := make(map[string]LastUse)
	block := make(chan struct{})
	s := &Store{lastUsed: lastUses{
		put: func(row string, use LastUse) error {
			<-block
			mu.Lock()
			defer mu.Unlock()
			if row == "refused" {
				return errors.New("disk full")
			}
			stored[row] = use
			return nil
		},
		get: func(string) (LastUse, error) { return LastUse{}, errors.New("nothing there") },
	}}
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	l := &s.lastUsed
	for _, row := range []string{"refused", "a", "b"} {
		l.note(row, LastUse{Time: at}) // returns, though nothing can be written
	}
	l.note("b", LastUse{Time: at.Add(time.Minute)})
	for i := range 3 * maxCached {
		l.note(fmt.Sprint("c", i), LastUse{Time: at})
	}
	l.mu.Lock()
	if len(l.due) > maxCached || len(l.latest) > maxCached {
		t.Errorf("%d rows wait, of %d", len(l.due), len(l.latest))
	}
	clear(l.due)
	l.mu.Unlock()
	l.note("b", LastUse{Time: at.Add(time.Hour)})
	close(block)
	s.Flush()
	s.Flush()
	mu.Lock()
	defer mu.Unlock()
	if got := stored["b"]; !got.Time.Equal(at.Add(time.Hour)) {
		t.Errorf("what is stored: %v", stored)
	}
}
