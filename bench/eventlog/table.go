package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A table is everything that was measured.
type table struct {
	options
	rawBytes int64
	columns  []column
	small    []smallRow
	startup  *startupResult
}

var titles = map[string]string{"cairn": "Cairn", "postgres": "PostgreSQL", "sqlite": "SQLite"}

// print writes the table and what must be known to read it.
func (t *table) print(out io.Writer) error {
	rows := [][]string{t.header()}
	add := func(name string, cell func(c *column) string) {
		row := []string{name}
		for i := range t.columns {
			row = append(row, cell(&t.columns[i]))
		}
		rows = append(rows, row)
	}
	add("events", func(c *column) string { return fmt.Sprint(c.n) })
	measured := func(format string, value func(r *result) float64) func(c *column) string {
		return func(c *column) string {
			if v := value(c.result); !c.only && v != 0 {
				return fmt.Sprintf(format, v)
			}
			return "–"
		}
	}
	add("CPU per event, with background work", measured("%.1f µs", func(r *result) float64 { return r.CPUPerEvent }))
	add("acknowledged", measured("%.0f events/s", func(r *result) float64 { return r.EventsPerSec }))
	add("disk per event", measured("%.0f B", func(r *result) float64 { return r.BytesPerEvent }))
	add("peak memory", measured("%.0f MB", func(r *result) float64 { return float64(r.PeakMemory) / 1e6 }))
	add("scan of raw records", measured("%.0f MB/s", func(r *result) float64 { return r.ScanMBPerSec }))
	add("retention of one day", measured("%.3f s", func(r *result) float64 { return r.RetentionSec }))
	add("close", measured("%.3f s", func(r *result) float64 { return r.CloseSec }))
	if t.check {
		add("check, per core", measured("%.0f MB/s", func(r *result) float64 { return r.CheckMBPerSec }))
	}
	for _, s := range t.small {
		if i := slices.IndexFunc(t.columns, func(c column) bool { return c.engine == s.engine && !c.only }); i >= 0 {
			row := make([]string, len(t.columns)+1)
			for j := range row {
				row[j] = "–"
			}
			row[0] = fmt.Sprintf("one event a request, %d clients: CPU", smallClients)
			row[i+1] = fmt.Sprintf("%.1f µs (%d events, %.0f/s)", s.result.CPUPerEvent, s.result.Events, s.result.EventsPerSec)
			rows = merge(rows, row)
		}
	}
	for _, name := range t.classNames() {
		add("lookup: "+name+", p50 / p99", func(c *column) string {
			for _, l := range c.result.Latencies {
				if l.Class == name {
					return milliseconds(l.P50) + " / " + milliseconds(l.P99) + " ms"
				}
			}
			return "–"
		})
	}
	if t.markdown {
		printMarkdown(out, rows)
	} else {
		printAligned(out, rows)
	}
	_, err := fmt.Fprint(out, "\n", t.notes())
	return err
}

// merge joins a row with an earlier one of the same name.
func merge(rows [][]string, row []string) [][]string {
	for _, r := range rows {
		if r[0] == row[0] {
			for i, cell := range row {
				if i > 0 && cell != "–" {
					r[i] = cell
				}
			}
			return rows
		}
	}
	return append(rows, row)
}

func (t *table) header() []string {
	row := []string{""}
	for _, c := range t.columns {
		title := titles[c.engine]
		if c.only {
			title += fmt.Sprintf(", %d events", c.n)
		}
		row = append(row, title)
	}
	return row
}

// classNames are the classes' names in order: the number of the late page may
// differ between columns with different numbers of events.
func (t *table) classNames() (names []string) {
	for _, c := range t.columns {
		for _, l := range c.result.Latencies {
			if !slices.Contains(names, l.Class) {
				names = append(names, l.Class)
			}
		}
	}
	return names
}

func milliseconds(d time.Duration) string {
	ms := float64(d.Nanoseconds()) / 1e6
	switch {
	case ms < 0.1:
		return fmt.Sprintf("%.3f", ms)
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

func (t *table) notes() string {
	var s strings.Builder
	note := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	note("%d processor threads, %s. %d clients with %d events a request; %d-byte records in the mean; %d full records a page, warm.",
		runtime.GOMAXPROCS(0), runtime.Version(), t.clients, t.batch, t.rawBytes/int64(t.columns[0].n), pageSize)
	for _, c := range t.columns {
		if c.n != t.columns[0].n && !c.only {
			note("%s has %d events and %s %d: compare its lookups with the column of as many events only.", titles[c.engine], c.n, titles[t.columns[0].engine], t.columns[0].n)
		}
	}
	note("CPU is user and system time of all processes from the first request until nothing is left to do: Cairn's segments sealed (%d events each), PostgreSQL's CHECKPOINT, SQLite's checkpoint. The client's share is in it, for the peers the reading of the fields out of each record too.",
		t.segmentEvents(t.n, t.batch))
	note("Acknowledged: Cairn once the record is synced and found by lookups, its index rebuilt from the log after a crash; PostgreSQL (COPY, INSERT for one event; synchronous_commit=on) and SQLite (WAL, synchronous=FULL, group commit) once record and indexes are in the synced write-ahead log.")
	note("Disk is without PostgreSQL's write-ahead log. Memory is anonymous memory, of PostgreSQL the sum over its processes and the shared buffers once. PostgreSQL and SQLite are vacuumed or analysed before the lookups, uncounted. They scan in the order that suits them, Cairn in order of arrival.")
	if t.startup != nil {
		note("Cairn is ready after %.0f ms with an empty store and after %.2f s with %d MB of raw records that a killed process had not sealed. Idle, with an empty store, it has %.1f MB resident, %.1f MB of it anonymous.",
			t.startup.empty.OpenSec*1e3, t.startup.killed.OpenSec, t.startup.killedBytes/1e6, float64(t.startup.empty.IdleResident)/1e6, float64(t.startup.empty.IdleAnonymous)/1e6)
	}
	return s.String()
}

func printMarkdown(out io.Writer, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(out, "|---|%s\n", strings.Repeat("---:|", len(row)-1))
		}
	}
}

func printAligned(out io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				fmt.Fprint(out, cell, space)
			} else {
				fmt.Fprint(out, "  ", space, cell)
			}
		}
		fmt.Fprintln(out)
	}
}
