package gateway

import (
	"fmt"
	"testing"
	"time"

	"cairn/catalog"
)

// A route that learns too many keys forgets those whose time is over, then the oldest
// temporary ones, and never a user's.
func TestLearnedIsBounded(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Open(catalog.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer cat.Close()
	l, err := openLearned(cat, 8)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	l.writing.Lock()
	defer l.writing.Unlock()
	add := func(key string, lasts time.Duration) error {
		k := learnedKey{Type: "IAMUser", Partition: "aws", Name: "u", Learned: at}
		if lasts > 0 {
			end := at.Add(lasts)
			k.Began, k.Expires = &at, &end
		}
		_, err := l.add(catalog.Key("r", "123456789012", key), k, at)
		at = at.Add(time.Second)
		return err
	}
	known := func(key string) bool {
		id, _, err := l.find("r", "123456789012", key, at)
		if err != nil {
			t.Fatal(err)
		}
		return id.Type != ""
	}
	for i := range 4 {
		if err := add(fmt.Sprint("user", i), 0); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		if err := add(fmt.Sprint("session", i), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.count("r/123456789012"); n > 8 || len(l.index) > 8 {
		t.Errorf("%d keys", n)
	}
	if !known("session49") || !known("user0") || known("session0") {
		t.Error("the wrong keys were forgotten")
	}
	at = at.Add(2 * time.Hour)
	for i := 4; i < 8; i++ {
		if err := add(fmt.Sprint("user", i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if known("session49") || !known("user0") || !known("user7") {
		t.Error("the wrong keys were forgotten")
	}
	if err := add("user8", 0); err == nil {
		t.Error("a full route learned one more")
	}
}
