package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"cairn/internal/demo"
)

// search types a condition of the event history, as "Event name = StopLogging".
func (v *view) search(condition string) {
	v.t.Helper()
	v.fill("combobox", "Conditions of the search", condition)
	v.must(v.Press(kb.Enter))
	v.must(v.Press(kb.Escape))
}

// rows waits until the history shows events, and all of them fit.
func (v *view) rows(column string, fits func(string) bool) []string {
	v.t.Helper()
	var cells []string
	js := fmt.Sprintf(columnCells, quoteJS(column))
	for range 100 {
		cells = eval[[]string](v, js)
		if len(cells) > 0 && !slices.ContainsFunc(cells, func(c string) bool { return !fits(c) }) {
			return cells
		}
		v.must(v.Wait("new Promise(done => setTimeout(() => done(true), 50))"))
	}
	v.t.Fatalf("in the column %s there are %q", column, cells)
	return nil
}

// columnCells are the texts below a column's name, in the table of events.
const columnCells = `(name => {
	const table = document.querySelector('[role=grid][aria-label^=Events], table[aria-label^=Events]') ?? [...document.querySelectorAll('table, [role=grid]')].find(t => t.querySelector('tbody'));
	if (!table) return [];
	const at = [...table.querySelectorAll('thead th')].findIndex(th => th.innerText.trim() === name);
	return at < 0 ? [] : [...table.querySelectorAll('tbody tr')].map(tr => tr.children[at]?.innerText.trim()).filter(text => text !== undefined);
})(%s)`

func is(want string) func(string) bool { return func(s string) bool { return s == want } }

// Whoever looks for what happened finds it: by an attribute, by a path of the record, in
// a time range; opens an event, and goes on from its values.
func TestHistory(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	x.loadDay(t)
	v := x.signIn(t, x.operator)
	v.visit("/events")
	v.wait("heading", "Event history.*")
	v.search("Event name = StopLogging")
	v.rows("Event name", is("StopLogging"))
	v.rows("User name", is(demo.Intruder))
	v.path("/events?")
	link, err := v.URL()
	v.must(err)

	// The event has a page, and its values lead on.
	v.click("link", "StopLogging")
	v.path("/events/")
	v.wait("heading", "StopLogging")
	v.see("Resources referenced")
	v.see(demo.AttackerIP)
	v.see(`"eventName": "StopLogging"`)
	v.click("link", "Search for Source address "+strings.ReplaceAll(demo.AttackerIP, ".", `\.`))
	v.path("/events?")
	v.rows("Source address", is(demo.AttackerIP))
	v.must(v.Back())
	v.click("link", "Five minutes around, same identity")
	v.path("/events?")
	v.rows("User name", is(demo.Intruder))

	// Every search is a link.
	again := x.signIn(t, x.operator)
	again.must(again.Goto(link))
	again.rows("Event name", is("StopLogging"))

	// By a path of the record, alone and with what was there.
	v.visit("/events?order=newest")
	v.search("path.userIdentity.userName = " + demo.Victim)
	v.rows("User name", is(demo.Victim))
	v.search("Source address != " + demo.AttackerIP)
	v.rows("Source address", func(s string) bool { return s != demo.AttackerIP })
}

// A range leaves out what lies outside of it.
func TestHistoryRange(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	x.load(t, madeRecord(t, 600, map[string]any{"eventName": "StartInstances"}), madeRecord(t, 7200, map[string]any{"eventName": "StopInstances"}))
	v := x.signIn(t, x.operator)
	v.visit("/events")
	v.search("Event source = ec2.amazonaws.com")
	v.rows("Event name", func(s string) bool { return s == "StartInstances" || s == "StopInstances" })
	v.click("button", "(?s)Time range.*|.*All time.*")
	v.click("radio", "Last 30 minutes")
	v.click("button", "Apply")
	v.rows("Event name", is("StartInstances"))
	v.path("/events?")
	v.search("Event name = StopInstances")
	v.see("No events match")
	v.click("button", "Show all events")
	v.rows("Event name", func(s string) bool { return s != "" })
}

// Two events that are ticked are compared side by side.
func TestCompare(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	x.load(t, madeRecord(t, 1, map[string]any{"eventName": "StartInstances"}), madeRecord(t, 2, map[string]any{"eventName": "StopInstances"}))
	v := x.signIn(t, x.operator)
	v.visit("/events")
	v.click("checkbox", "StartInstances of .*")
	v.click("checkbox", "StopInstances of .*")
	v.click("link", "Compare|Open the comparison")
	v.path("/compare?ids=")
	v.wait("heading", "Compare events")
	v.see("StartInstances")
	v.see("StopInstances")
	if text, _ := v.Text(); strings.Count(text, "192.0.2.1") < 2 {
		t.Error("what is the same is not there for each event")
	}
}

// formulas are cells that a spreadsheet would run.
var formulas = []string{"=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠A1", "=cmd|' /C calc'!A0", `"=1+1`}

// A download has what was searched for and nothing else, in CSV no cell runs, and JSON has
// the bytes as they are.
func TestDownload(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	var records [][]byte
	for i, f := range formulas {
		records = append(records, madeRecord(t, i+1, map[string]any{
			"userAgent": f, "errorMessage": f, "requestID": f, "eventName": "Formula", "requestParameters": map[string]any{"text": f},
		}))
	}
	records = append(records, madeRecord(t, 100, map[string]any{"eventName": "Other"}))
	x.load(t, records...)
	v := x.signIn(t, x.operator, download(t.TempDir()))
	v.visit("/events")
	v.search("Event name = Formula")
	v.rows("Event name", is("Formula"))

	v.click("button", "Download")
	v.click("menuitem", "CSV.*")
	d, err := v.WaitDownload(0)
	v.must(err)
	v.see("neutralised")
	f, err := os.Open(d.Path)
	v.must(err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != len(formulas)+1 || d.State != "completed" || !strings.HasSuffix(d.Name, ".csv") {
		t.Fatalf("%+v has %d rows, %v", d, len(rows), err)
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n\x00") || strings.HasPrefix(cell, "＝") || strings.HasPrefix(cell, "＋") || strings.HasPrefix(cell, "－") || strings.HasPrefix(cell, "＠") {
				t.Errorf("%s is %q, which runs", rows[0][i], cell)
			}
		}
	}
	v.click("button", "Download")
	v.click("menuitem", "JSON.*")
	if d, err = v.WaitDownload(1); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(d.Path)
	v.must(err)
	var file struct{ Records []json.RawMessage }
	if err := json.Unmarshal(b, &file); err != nil || len(file.Records) != len(formulas) {
		t.Fatalf("%d records, %v", len(file.Records), err)
	}
	for _, r := range file.Records {
		if !slices.ContainsFunc(records, func(sent []byte) bool { return string(sent) == string(r) }) {
			t.Errorf("nobody sent %s", r)
		}
	}
}

// A download that is cancelled asks first, and leaves nothing.
func TestDownloadCancelled(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	x.loadDay(t)
	v := x.signIn(t, x.operator, download(t.TempDir()))
	v.visit("/events?order=newest")
	v.wait("heading", "Event history.*")
	v.rows("Event name", func(string) bool { return true })
	v.must(v.Throttle(20_000))
	v.click("button", "Download")
	v.click("menuitem", "CSV.*")
	v.see("Downloading CSV")
	v.click("button", "Cancel")
	v.see("Cancel the download of CSV?")
	v.click("button", "Go on")
	v.see("Downloading CSV")
	v.click("button", "Cancel")
	v.click("button", "Cancel download")
	v.see("Download cancelled")
	v.must(v.Throttle(0))
	if files := v.Downloads(); len(files) > 0 {
		t.Errorf("it left %+v", files)
	}
}

// The history can be used by the keyboard alone.
func TestHistoryByKeyboard(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	x.load(t, madeRecord(t, 1, map[string]any{"eventName": "StartInstances"}), madeRecord(t, 2, map[string]any{"eventName": "StopInstances"}))
	v := x.signIn(t, x.operator)
	v.visit("/events")
	v.rows("Event name", func(string) bool { return true })
	v.tabTo("Conditions of the search")
	v.must(v.Insert("Event name = StopInstances"))
	v.must(v.Press(kb.Enter))
	v.rows("Event name", is("StopInstances"))
	v.must(v.Press(kb.Escape))
	v.tabTo("Download")
	v.must(v.Press(kb.Enter))
	v.wait("menuitem", "CSV.*")
	v.must(v.Press(kb.Escape))
	v.gone("menuitem", "CSV.*")
	// Within the table arrows move, and Enter opens.
	v.tabTo("The first 5 events")
	v.must(v.Press(kb.ArrowDown))
	v.must(v.Press(kb.ArrowRight))
	v.must(v.Press(kb.Enter))
	v.path("/events/" + eventID(2))
}

// tabTo presses Tab until the focus is on what has a name.
func (v *view) tabTo(name string) {
	v.t.Helper()
	var passed []string
	for range 120 {
		v.must(v.Press(kb.Tab))
		on := eval[string](v, "(e => (e.ariaLabel ?? e.innerText).trim())(document.activeElement)")
		if on == name {
			return
		}
		passed = append(passed, fmt.Sprintf("%.30q", on))
	}
	v.t.Fatalf("Tab does not lead to %q, but to %v", name, passed)
}
