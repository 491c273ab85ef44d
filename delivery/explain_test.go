package delivery_test

import (
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/delivery"
	"cairn/trail"
)

// A trail says of each event whether it takes it, by the settings that it had
// when the event came, and where the event is.
func TestExplain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tr := h.create("main", func(c *cairn.Trail) { c.Logging = false })
	h.create("elsewhere", func(c *cairn.Trail) { c.AccountID = "444455556666" })
	verdict := func(id string) delivery.Verdict {
		t.Helper()
		verdicts, err := h.delivery.Explain(t.Context(), h.eventWith(id))
		if err != nil || len(verdicts) != 1 || verdicts[0].Trail.Name != "main" {
			t.Fatalf("%+v %v", verdicts, err)
		}
		return verdicts[0]
	}
	expect := func(what, id string, taken bool, why, settings string) delivery.Verdict {
		t.Helper()
		v := verdict(id)
		if v.Taken != taken || !strings.Contains(v.Why, why) || !strings.HasPrefix(v.Settings, settings) {
			t.Errorf("%s: %t, %s by %q; want %t, %s by %q", what, v.Taken, v.Why, v.Settings, taken, why, settings)
		}
		return v
	}
	early := h.post(event{})
	h.clock.advance(time.Minute)
	tr = h.change(tr, "start", func(t *trail.Trail) { t.Logging = true; t.LoggingStarted = h.clock.Now() })
	start := h.post(event{source: "cloudtrail.amazonaws.com", name: "StartLogging", request: "start"})
	write, imported, away := h.post(event{}), h.post(event{origin: cairn.OriginImported}), h.post(event{region: global})
	tr = h.change(tr, "select", func(t *trail.Trail) {
		t.EventSelectors = []cairn.EventSelector{{ReadWriteType: "ReadOnly", IncludeManagementEvents: new(bool)}}
	})
	tr = h.change(tr, "select", func(t *trail.Trail) {
		t.EventSelectors = []cairn.EventSelector{{ReadWriteType: "ReadOnly"}}
	})
	selected := h.post(event{source: "cloudtrail.amazonaws.com", name: "PutEventSelectors", request: "select"})
	late, read := h.post(event{}), h.post(event{readOnly: true})

	expect("before the start", early, false, "not logging", "until ")
	if v := expect("the start", start, true, "taken by selector 1", "until "); !v.Pending || v.File != nil {
		t.Errorf("before the cut: %+v", v)
	}
	expect("a write", write, true, "taken by selector 1", "until ")
	expect("imported", imported, false, trail.ImportedTag, "until ")
	expect("another region", away, false, "region us-east-1", "until ")
	expect("the change", selected, false, "", "present")
	expect("a write after the change", late, false, "ReadWriteType is \"false\"", "present")
	expect("a read after the change", read, true, "taken by selector 1", "present")

	h.clock.advance(5 * time.Minute)
	h.mustDeliver()
	v := expect("a write in a file", write, true, "taken by selector 1", "until ")
	if v.Pending || v.File == nil || v.File.Progress() != delivery.FileDelivered || !strings.Contains(v.File.Key, home) {
		t.Errorf("after the cut: %+v", v)
	}
	if v := expect("before the start", early, false, "not logging", delivery.SettingsForgotten); v.File != nil {
		t.Errorf("after the cut: %+v", v)
	}

	// Once what was in force is forgotten, its file cannot be made again.
	tr = h.forget(tr)
	if v := verdict(write); v.Settings != delivery.SettingsForgotten || v.Proven || !strings.Contains(v.Why, "not certain") {
		t.Errorf("with settings that are forgotten: %+v", v)
	}
	before := h.post(event{readOnly: true})
	h.clock.advance(5 * time.Minute)
	wrote := h.post(event{})
	h.mustDeliver()
	h.forget(tr) // which leaves versions that made the file
	if v := verdict(wrote); v.Settings != delivery.SettingsForgotten || !v.Taken || !v.Proven || v.File == nil {
		t.Errorf("what is in a file that was made again: %+v", v)
	}
	if v := verdict(before); v.Settings != delivery.SettingsForgotten || v.Taken || !v.Proven || v.File != nil {
		t.Errorf("what is not in a file that was made again: %+v", v)
	}
}

// An event from before there was a trail is in none of its files.
func TestExplainTooEarly(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.create("first", nil)
	early := h.post(event{})
	h.clock.advance(5 * time.Minute)
	h.mustDeliver()
	h.create("second", nil)
	verdicts, err := h.delivery.Explain(t.Context(), h.eventWith(early))
	if err != nil || len(verdicts) != 2 {
		t.Fatalf("%+v %v", verdicts, err)
	}
	for _, v := range verdicts {
		if v.Taken != (v.Trail.Name == "first") || !v.Taken && !strings.Contains(v.Why, "before the trail was made") {
			t.Errorf("%s: %t, %s", v.Trail.Name, v.Taken, v.Why)
		}
	}
}
