package sigv4

import (
	"strconv"
	"testing"
)

// The cache keeps as many keys as it may, those that were used last, and gives
// the same keys whether it has them or not.
func TestKeyCache(t *testing.T) {
	t.Parallel()
	c := newKeyCache(4)
	for round := range 2 {
		for i := range 10 {
			c.get("favourite", "20260228", "us-east-1", "sts")
			secret := strconv.Itoa(i)
			if got := c.get(secret, "20260228", "us-east-1", "sts"); got != deriveKey(secret, "20260228", "us-east-1", "sts") {
				t.Errorf("round %d: a wrong key for %q", round, secret)
			}
		}
	}
	if len(c.byID) != 4 || c.recent.Len() != 4 {
		t.Errorf("the cache holds %d and %d keys", len(c.byID), c.recent.Len())
	}
	for _, secret := range []string{"favourite", "7", "8", "9"} {
		if c.byID[c.id(secret, "20260228", "us-east-1", "sts")] == nil {
			t.Errorf("the key of %q, used lately, is gone", secret)
		}
	}
	if c.id("a", "bc") == c.id("ab", "c") || newKeyCache(1).id("a") == c.id("a") {
		t.Error("two entries have the same name")
	}
}
