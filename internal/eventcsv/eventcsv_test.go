package eventcsv

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"cairn"
)

var starts = []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"}

// No cell of any column begins as a formula does, whatever the events hold, and
// what a reader of CSV gets is the text with nothing but apostrophes added.
func TestCellsAreNeutral(t *testing.T) {
	t.Parallel()
	texts := []string{"", "plain", `a "quoted", text`, " space", `\.`, "a;=1", "line\nbreak", "semi;colon", "1-1=0", "tab\there", "é"}
	for _, start := range starts {
		texts = append(texts, start+"cmd|' /C calc'!A0", start, " "+start+"1", `"`+start+"1", "x;"+start+"1")
	}
	var columns []Column
	for range 3 {
		columns = append(columns, Column{"=name", func(e *cairn.Event) string { return e.EventName }})
	}
	for _, text := range texts {
		var out bytes.Buffer
		w := NewWriter(&out, columns)
		e := &cairn.Event{Record: cairn.Record{EventName: text}}
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 3 || rows[0][0] != "'=name" {
			t.Fatalf("%q became %q: %v", text, rows, err)
		}
		for _, cell := range rows[1] {
			for _, start := range starts {
				if strings.HasPrefix(cell, start) || !strings.ContainsAny(start, "\t\r\n\x00") && strings.HasPrefix(strings.TrimLeft(cell, ` "`), start) {
					t.Errorf("%q became %q", text, cell)
				}
			}
			if strings.ReplaceAll(cell, "'", "") != strings.ReplaceAll(text, "'", "") {
				t.Errorf("%q became %q", text, cell)
			}
		}
	}
}

// Every cell is as encoding/csv writes it once it is harmless.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "a", "=1", "a,b", "a\"b", "\\.", " a", "a;=b", "\t", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := string(appendCell(nil, text))
		rows, err := csv.NewReader(strings.NewReader("x," + got + "\n")).ReadAll()
		if err != nil || len(rows) != 1 || len(rows[0]) != 2 {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
		if want := strings.ReplaceAll(Neutral(text), "\r\n", "\n"); rows[0][1] != want {
			t.Errorf("%q became %q, which reads %q", text, got, rows[0][1])
		}
	})
}

// Columns can be chosen by their names and by those of attributes.
func TestColumnOf(t *testing.T) {
	t.Parallel()
	e := &cairn.Event{Record: cairn.Record{Username: "alice", Resources: []cairn.Resource{{Type: "T", Name: "a"}, {Type: "T", Name: "b"}}}}
	for name, want := range map[string]string{"username": "alice", "Username": "alice", "ResourceName": "a b", "ResourceType": "T", "resourceNames": "a b", "flags": ""} {
		c, ok := ColumnOf(name)
		if !ok || c.Value(e) != want {
			t.Errorf("column %s: %v, want %q", name, ok, want)
		}
	}
	if _, ok := ColumnOf("nothing"); ok {
		t.Error("a column that does not exist")
	}
}
