package main

import (
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"time"

	"cairn/bench/columns"
	"cairn/console"
)

// A table is everything that was measured.
type table struct {
	cold, warm, attribute, path, rarePath times
	day                                   int // events of the day that paths are searched in
	loaded                                struct{ Script, Style int64 }
	rows, bytes, directRows               int64
	inPage, direct                        time.Duration
	before, peak                          int64
}

// print writes the table and what must be known to read it.
func (t *table) print(out io.Writer, o *options) error {
	embedded, err := embeddedSize()
	if err != nil {
		return err
	}
	two := func(s times) string { return fmt.Sprintf("%.0f / %.0f ms", s.part(0.5), s.part(0.9)) }
	rate := func(rows int64, d time.Duration) string { return fmt.Sprintf("%.0f rows/s", float64(rows)/d.Seconds()) }
	kB := func(n int64) string { return fmt.Sprintf("%.0f kB", float64(n)/1e3) }
	rows := [][]string{
		{"", "measured", "at most"},
		{"first table, cold, p50 / p90", two(t.cold), "1200 ms"},
		{"first table, warm, p50 / p90", two(t.warm), "600 ms"},
		{"filter by an attribute to new rows, p50 / p90", two(t.attribute), "300 ms"},
		{"filter by a path over a day, frequent value, to first rows, p50 / p90", two(t.path), "500 ms"},
		{"filter by a path over a day, rare value, to first rows, p50 / p90", two(t.rarePath), ""},
		{"CSV, in the page", rate(t.rows, t.inPage), "≥ 50000 rows/s"},
		{"CSV, by a client alone", rate(t.directRows, t.direct), ""},
		{"memory of the server, before and at most during it", mb(t.before) + " / " + mb(t.peak), ""},
		{"JavaScript that the page loads, packed", kB(t.loaded.Script), "400 kB"},
		{"CSS that the page loads, packed", kB(t.loaded.Style), "115 kB"},
		{"everything that is embedded, packed", kB(embedded), "1200 kB"},
	}
	columns.Print(out, rows, o.markdown)
	_, err = fmt.Fprintf(out, "\n%d processors, shared by the server, the browser and the bench. %d events in the history, %d on the day whose paths are searched.\n"+
		"Cold: a browser that was just started, with nothing kept; warm: its third visit. Filters: from the Enter key to the frame with the new rows, with values that a\n"+
		"twentieth and a two-thousandth of the events have, of four attributes. The CSV has %d rows, %.0f MB.\n",
		runtime.NumCPU(), o.n, t.day, t.rows, float64(t.bytes)/1e6)
	return err
}

// embeddedSize is the size of the pages as they are in the program.
func embeddedSize() (size int64, err error) {
	err = fs.WalkDir(console.Assets(), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

func mb(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }
