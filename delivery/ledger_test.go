package delivery_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"cairn"
	"cairn/catalog"
	"cairn/delivery"
	"cairn/trail"
)

// files returns what the ledger tells of a trail.
func (h *harness) files(q delivery.LedgerQuery) []*delivery.File {
	h.t.Helper()
	var files []*delivery.File
	for f, err := range h.delivery.Files(q) {
		if err != nil {
			h.t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func ids(files []*delivery.File) []string {
	var ids []string
	for _, f := range files {
		ids = append(ids, f.ID())
	}
	return ids
}

// The ledger is read backwards in steps; whatever their length, each file comes
// once and in order.
func TestLedgerNewestFirst(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", nil)
	other := h.create("other", nil)
	ledger := catalog.TableOf[*delivery.File](h.catalog, "delivery-ledger")
	begin := h.clock.Now().Add(-6 * 24 * time.Hour).UTC().Truncate(time.Second)
	var want []string
	put := func(id string, at time.Time, n int, state delivery.State) {
		f := &delivery.File{Trail: id, Account: account, Region: home, Kind: cairn.LogKindCloudTrail, N: n, Stamp: at, From: "0-0", To: "0-0", State: state}
		if _, err := ledger.Put(f.ID(), f); err != nil {
			t.Fatal(err)
		}
		if id == tr.ID {
			want = append(want, f.ID())
		}
	}
	at := begin
	for range 15 { // sparse
		put(tr.ID, at, 0, delivery.Delivered)
		at = at.Add(7 * time.Hour)
	}
	put(other.ID, at, 0, delivery.Delivered)
	dense := at
	for i := range 330 { // more in an hour than a step holds
		put(tr.ID, at, i%3, delivery.Abandoned)
		if i%3 == 2 {
			at = at.Add(2 * time.Second)
		}
	}
	h.post(event{})
	h.mustDeliver() // one that is not done
	h.clock.advance(time.Second)
	slices.Reverse(want)

	got := h.files(delivery.LedgerQuery{Trail: tr.ID})
	if len(got) != len(want)+1 || got[0].Progress() != delivery.FileDelivered || got[0].Events != 1 {
		t.Fatalf("%d files, want %d; the first: %+v", len(got), len(want)+1, got[0])
	}
	if !slices.Equal(ids(got[1:]), want) {
		t.Error("the files are not in order")
	}
	var paged []string
	for before := ""; ; {
		n := 0
		for f, err := range h.delivery.Files(delivery.LedgerQuery{Trail: tr.ID, Before: before}) {
			if err != nil {
				t.Fatal(err)
			}
			if before = f.ID(); n == 100 {
				break
			}
			n++
			paged = append(paged, before)
		}
		if n < 100 {
			break
		}
		before = paged[len(paged)-1]
	}
	if !slices.Equal(paged, ids(got)) {
		t.Errorf("pages have %d files, want %d", len(paged), len(got))
	}
	if n := len(h.files(delivery.LedgerQuery{Trail: tr.ID, States: []delivery.FileState{delivery.FileAbandoned}})); n != 330 {
		t.Errorf("%d abandoned files, want 330", n)
	}
	if n := len(h.files(delivery.LedgerQuery{Trail: tr.ID, Since: dense.Add(time.Second), Until: dense.Add(4 * time.Second)})); n != 6 {
		t.Errorf("%d files in a range of time, want 6", n)
	}
	if n := len(h.files(delivery.LedgerQuery{Trail: tr.ID, Until: begin})); n != 1 {
		t.Errorf("%d files up to the first, want 1", n)
	}
	if n := len(h.files(delivery.LedgerQuery{Trail: "nobody"})); n != 0 {
		t.Errorf("%d files of nobody", n)
	}
}

// A report tells what is not cut, what waits and why, and how old it is.
func TestReport(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", func(c *cairn.Trail) { c.SNSTopicARN = "arn:aws:sns:eu-central-1:111122223333:n" })
	report := func() delivery.Report {
		t.Helper()
		reports, err := h.delivery.Report(t.Context(), []*trail.Trail{tr})
		if err != nil || len(reports) != 1 {
			t.Fatalf("%d reports: %v", len(reports), err)
		}
		return reports[0]
	}
	h.post(event{region: global}) // not the trail's
	h.post(event{})
	h.post(event{})
	h.clock.advance(90 * time.Second)
	if r := report(); r.Pending.Events != 2 || r.Pending.More || r.Lag != 90*time.Second || r.Staged.Files != 0 {
		t.Errorf("before the cut: %+v", r)
	}
	h.bucket.fault = func(string, string) (error, bool) { return failure("AccessDenied", http.StatusForbidden), false }
	if _, err := h.deliver(); err == nil {
		t.Fatal("no error from a bucket that refuses")
	}
	h.clock.advance(10 * time.Minute)
	r := report()
	if r.Pending.Events != 0 || r.Staged.Files != 1 || r.Staged.Events != 2 || r.Lag != 11*time.Minute+30*time.Second || r.LatestDeliveryError != "AccessDenied" {
		t.Errorf("while the bucket refuses: %+v", r)
	}
	health, err := h.delivery.Health(t.Context())
	if err != nil || health.Files != 1 || health.Bytes != r.Staged.Bytes || health.Lag != r.Lag {
		t.Errorf("health: %+v %v", health, err)
	}
	h.bucket.fault = nil
	h.bucket.quiet = failure("NotFound", http.StatusNotFound)
	h.deliver()
	if r := report(); r.Staged.Files != 0 || r.Lag != 0 || r.Untold != 1 || r.Retry.IsZero() || r.LatestDeliveryError != "" || r.LatestNotificationError != "NotFound" {
		t.Errorf("with a topic that is gone: %+v", r)
	}
	h.bucket.quiet = nil
	h.clock.advance(time.Hour)
	h.mustDeliver()
	r = report()
	if len(r.Lanes) != 1 || r.Lanes[0].Region != home || r.Lanes[0].Newest.IsZero() || r.Lanes[0].Queued != 0 || r.Untold != 0 {
		t.Errorf("with a digest: %+v", r)
	}
	if f := h.files(delivery.LedgerQuery{Trail: tr.ID}); len(f) != 1 || f[0].Progress() != delivery.FileInDigest {
		t.Errorf("files %+v", f)
	}
	if health, err := h.delivery.Health(t.Context()); err != nil || health.Lag != 0 || health.DigestAge != h.clock.Now().Sub(r.Lanes[0].Newest) {
		t.Errorf("health: %+v %v", health, err)
	}
}

// rowsOf is the whole ledger of a trail as text.
func (h *harness) rowsOf(id string) string {
	h.t.Helper()
	b, err := json.Marshal(h.files(delivery.LedgerQuery{Trail: id}))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// eventWith returns the event with an ID.
func (h *harness) eventWith(id string) *cairn.Event {
	h.t.Helper()
	for e, err := range h.log.Read(h.t.Context(), h.log.Start()) {
		if err != nil {
			h.t.Fatal(err)
		}
		if err := e.Extract(); err != nil {
			h.t.Fatal(err)
		}
		if e.EventID == id {
			c := &cairn.Event{Seq: e.Seq, Arrival: e.Arrival, Origin: e.Origin, Flags: e.Flags, Raw: slices.Clone(e.Raw)}
			if err := c.Extract(); err != nil {
				h.t.Fatal(err)
			}
			return c
		}
	}
	h.t.Fatal(fmt.Errorf("there is no event %s", id))
	return nil
}
