package main

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"cairn/bench/columns"
)

// A column is what was measured of one server.
type column struct {
	lookup, lookups, identity, identities, post load
}

// A table is everything that was measured.
type table struct {
	cairn, moto column
	hasMoto     bool
	fsync       load
	verify      time.Duration
	remarks     []string
}

func (t *table) remark(format string, args ...any) {
	t.remarks = append(t.remarks, fmt.Sprintf(format, args...))
}

// print writes the table and what must be known to read it.
func (t *table) print(out io.Writer, o *options) error {
	var rows [][]string
	row := func(name, cairn, moto string) {
		cells := []string{name, cairn}
		if t.hasMoto {
			cells = append(cells, moto)
		}
		rows = append(rows, cells)
	}
	both := func(name string, of func(c *column) load, show func(l load) string) {
		cell := func(c *column) string {
			if l := of(c); l.calls > 0 {
				return show(l)
			}
			return "–"
		}
		row(name, cell(&t.cairn), cell(&t.moto))
	}
	latency := func(l load) string { return milliseconds(l.p50) + " / " + milliseconds(l.p99) + " ms" }
	rate := func(l load) string { return fmt.Sprintf("%.0f/s", l.rate) }
	cpu := func(l load) string { return fmt.Sprintf("%.0f µs", float64(l.cpu)/1e3) }

	row("", "Cairn", "moto_server")
	row("events in the history", fmt.Sprint(o.n), "0")
	both("LookupEvents, one connection, p50 / p99", func(c *column) load { return c.lookup }, latency)
	both(fmt.Sprintf("LookupEvents, %d connections", lookupConnections), func(c *column) load { return c.lookups }, rate)
	both("its CPU in the server", func(c *column) load { return c.lookups }, cpu)
	both("GetCallerIdentity, one connection, p50 / p99", func(c *column) load { return c.identity }, latency)
	row("its p50 above one fsync", milliseconds(t.cairn.identity.p50-t.fsync.p50)+" ms", "–")
	both(fmt.Sprintf("GetCallerIdentity, %d connections", identityConnections), func(c *column) load { return c.identities }, rate)
	both("its CPU in the server", func(c *column) load { return c.identities }, cpu)
	both(fmt.Sprintf("POST /_cairn/events, %d clients × %d", postConnections, postBatch), func(c *column) load { return c.post },
		func(l load) string { return fmt.Sprintf("%.0f events/s", l.rate*postBatch) })
	both("its CPU in the server, for each event", func(c *column) load { return c.post }, func(l load) string { return fmt.Sprintf("%.1f µs", float64(l.cpu)/postBatch/1e3) })
	row("check of a signature (SigV4)", fmt.Sprintf("%.1f µs", float64(t.verify)/1e3), "none")
	row("write of 2 KB and fsync, p50 / p99", latency(t.fsync), "none")
	columns.Print(out, rows, o.markdown)

	_, err := fmt.Fprintf(out, "\n%d processors, shared by the server and the load. Throttling is off. Lookups: without attribute and by each of the\n"+
		"eight keys, for %d values of each that come up again and again, first pages of 50. Each of Cairn's calls is recorded,\n"+
		"and its record on disk, before its answer.\n", runtime.NumCPU(), lookupValues)
	for _, r := range t.remarks {
		fmt.Fprintln(out, r)
	}
	return err
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }
