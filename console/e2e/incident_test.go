package e2e

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cairn/server"
)

// invictus are real log files of an exercise, which are not part of the repository.
const invictus = "../../../shared/data/invictus/CloudTrail/*.json"

// Who stopped logging, of which trail, from where, and what else did they do within ten
// minutes? The console alone answers, and hands it over as CSV.
func TestIncident(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(invictus)
	if err != nil || len(files) == 0 {
		t.Skip("no real log files here: " + invictus)
	}
	x := newSite(t, nil)
	x.importFiles(t, files)
	v := x.signIn(t, x.operator, download(t.TempDir()))
	v.visit("/events")
	v.search("Event name = StopLogging")
	v.rows("Event name", is("StopLogging"))
	v.rows("User name", is("bert-jan"))
	v.rows("Source address", is("192.168.10.20"))
	v.must(v.Get("link", "StopLogging").Nth(0).Click())
	v.path("/events/")
	v.see("stratus-red-team-ct-stop-trail-qzbgnfqisx")
	v.see("TrailNotFoundException")
	v.click("link", "Five minutes around, same identity")
	v.path("/events?")
	found := v.rows("User name", is("bert-jan"))
	if len(found) < 10 {
		t.Errorf("there are %d rows", len(found))
	}
	v.click("button", "Download")
	v.click("menuitem", "CSV.*")
	d, err := v.WaitDownload(0)
	v.must(err)
	f, err := os.Open(d.Path)
	v.must(err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < len(found)+1 {
		t.Fatalf("%d rows for %d on the page: %v", len(rows), len(found), err)
	}
	name, user := slices.Index(rows[0], "eventName"), slices.Index(rows[0], "username")
	stopped := 0
	for _, row := range rows[1:] {
		if row[user] != "bert-jan" {
			t.Errorf("the file has a row of %s", row[user])
		}
		if row[name] == "StopLogging" {
			stopped++
		}
	}
	if stopped == 0 {
		t.Error("the file does not have what was asked about")
	}
}

// importFiles imports log files as "cairn import" does.
func (x *site) importFiles(t *testing.T, files []string) {
	t.Helper()
	var records [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Records []json.RawMessage }
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range file.Records {
			records = append(records, r)
		}
	}
	f := server.ImportFile{SHA256: "00000000000000000000000000000000000000000000000000000000000000aa", Name: "invictus", Size: 1}
	if _, err := x.client.BeginImport(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	result, err := x.client.ImportRecords(t.Context(), f, 0, records, true)
	if err != nil || result.Counts.Stored == 0 {
		t.Fatalf("%+v, %v", result, err)
	}
}
