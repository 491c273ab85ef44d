package eventgen

import (
	"testing"

	"cairn"
)

func TestExtractAcceptsAll(t *testing.T) {
	t.Parallel()
	g := New(3, Options{})
	var buf []byte
	for i := range 20000 {
		buf = g.Next(buf[:0])
		var r cairn.Record
		if err := r.Extract(buf); err != nil {
			t.Fatalf("event %d: %v\n%s", i, err, buf)
		}
		if r.EventID == "" || r.EventName == "" || r.AccountID == "" || r.EventTime.IsZero() {
			t.Fatalf("event %d: extracted without an ID, a name, an account or a time: %+v\n%s", i, r, buf)
		}
	}
}
