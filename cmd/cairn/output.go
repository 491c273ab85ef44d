package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/term"

	"cairn"
	"cairn/internal/eventcsv"
	"cairn/server"
)

// An eventWriter writes events in one of the output formats.
type eventWriter interface {
	write(e *cairn.Event) error
	flush() error // shows what was written so far
	close() error // completes the output
}

// newEventWriter returns the writer of an output format.
func newEventWriter(o outputFlags, stdout io.Writer) (eventWriter, error) {
	w := bufio.NewWriter(stdout)
	switch o.format {
	case "table":
		return &tableWriter{w: w, width: terminalWidth(stdout)}, nil
	case "json":
		return &jsonWriter{w: w, withOrigin: o.withOrigin}, nil
	case "ndjson":
		return &ndjsonWriter{w: w, withOrigin: o.withOrigin}, nil
	case "csv":
		return newCSVWriter(w), nil
	}
	return nil, usagef("--output %q: not one of table, json, ndjson, csv", o.format)
}

// terminalWidth is the width of the terminal, or 0 where there is none and
// nothing needs to be cut.
func terminalWidth(stdout io.Writer) int {
	if o, ok := stdout.(*outWriter); ok {
		stdout = o.w
	}
	if f, ok := stdout.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// jsonWriter writes an array of records, each as it came.
type jsonWriter struct {
	w          *bufio.Writer
	withOrigin bool
	n          int
}

func (j *jsonWriter) write(e *cairn.Event) error {
	before := ",\n"
	if j.n == 0 {
		before = "[\n"
	}
	j.n++
	if _, err := j.w.WriteString(before); err != nil {
		return err
	}
	return writeRecord(j.w, e, e.Raw, j.withOrigin)
}

// writeRecord writes a record, wrapped in what the server noted about it if
// that is asked for.
func writeRecord(w *bufio.Writer, e *cairn.Event, raw []byte, withOrigin bool) error {
	if !withOrigin {
		_, err := w.Write(raw)
		return err
	}
	head, err := json.Marshal(struct {
		Seq     uint64    `json:"seq"`
		Arrival time.Time `json:"arrival"`
		Origin  string    `json:"origin"`
		Flags   []string  `json:"flags"`
	}{e.Seq, e.Arrival.UTC(), e.Origin.String(), append([]string{}, e.Flags.Strings()...)})
	if err != nil {
		return err
	}
	_, _ = w.Write(head[:len(head)-1]) // the last write reports the error
	_, _ = w.WriteString(`,"record":`)
	_, _ = w.Write(raw)
	return w.WriteByte('}')
}

func (j *jsonWriter) flush() error { return j.w.Flush() }

func (j *jsonWriter) close() error {
	end := "\n]\n"
	if j.n == 0 {
		end = "[]\n"
	}
	_, _ = j.w.WriteString(end) // Flush reports the error
	return j.w.Flush()
}

// ndjsonWriter writes a record a line.
type ndjsonWriter struct {
	w          *bufio.Writer
	withOrigin bool
	compact    jsontext.Value
}

func (n *ndjsonWriter) write(e *cairn.Event) error {
	raw := e.Raw
	if bytes.IndexByte(raw, '\n') >= 0 {
		n.compact = append(n.compact[:0], raw...)
		if err := n.compact.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
			return fmt.Errorf("write record %d on one line: %w", e.Seq, err)
		}
		raw = n.compact
	}
	if err := writeRecord(n.w, e, raw, n.withOrigin); err != nil {
		return err
	}
	return n.w.WriteByte('\n')
}

func (n *ndjsonWriter) flush() error { return n.w.Flush() }
func (n *ndjsonWriter) close() error { return n.w.Flush() }

// csvWriter writes RFC 4180 rows in which no cell is a formula.
type csvWriter struct {
	w   *eventcsv.Writer
	out *bufio.Writer
}

func newCSVWriter(out *bufio.Writer) *csvWriter {
	w := eventcsv.NewWriter(out, eventcsv.Columns)
	w.Clean = printableCell
	return &csvWriter{w, out}
}

func (c *csvWriter) write(e *cairn.Event) error { return c.w.Write(e) }
func (c *csvWriter) flush() error               { return c.out.Flush() }

func (c *csvWriter) close() error {
	if err := c.w.Header(); err != nil {
		return err
	}
	return c.out.Flush()
}

// tableColumns are the columns of the table and the most that each takes when
// the terminal is too narrow for all.
var tableColumns = []struct {
	name  string
	least int
	value func(e *cairn.Event) string
}{
	{"TIME", 20, func(e *cairn.Event) string { return e.EventTime.UTC().Format(time.RFC3339) }},
	{"NAME", 16, func(e *cairn.Event) string { return e.EventName }},
	{"USER", 10, func(e *cairn.Event) string { return e.Username }},
	{"SOURCE IP", 15, func(e *cairn.Event) string { return e.SourceIPAddress }},
	{"SOURCE", 10, func(e *cairn.Event) string { return strings.TrimSuffix(e.EventSource, ".amazonaws.com") }},
	{"RESOURCES", 12, func(e *cairn.Event) string {
		return eventcsv.Resources(e, func(r cairn.Resource) string { return r.Name })
	}},
	{"ORIGIN", 8, func(e *cairn.Event) string {
		return strings.Join(append([]string{e.Origin.String()}, e.Flags.Strings()...), " ")
	}},
	{"ERROR", 8, server.Failure},
}

// tableRows is how many rows decide how wide the columns are.
const tableRows = 100

// tableWriter writes aligned columns that fit the terminal.
type tableWriter struct {
	w      *bufio.Writer
	width  int // of the terminal; 0: any
	rows   [][]string
	widths []int // once decided
}

func (t *tableWriter) write(e *cairn.Event) error {
	row := make([]string, len(tableColumns))
	for i, c := range tableColumns {
		row[i] = printable(c.value(e))
	}
	if t.widths != nil {
		return t.line(row)
	}
	t.rows = append(t.rows, row)
	if len(t.rows) == tableRows {
		return t.layOut()
	}
	return nil
}

func (t *tableWriter) flush() error {
	if len(t.rows) > 0 {
		if err := t.layOut(); err != nil {
			return err
		}
	}
	return t.w.Flush()
}

func (t *tableWriter) close() error {
	if t.widths == nil {
		if err := t.layOut(); err != nil {
			return err
		}
	}
	return t.w.Flush()
}

// layOut decides the widths and writes the heading and the rows at hand.
func (t *tableWriter) layOut() error {
	if t.widths == nil {
		heading := make([]string, len(tableColumns))
		t.widths = make([]int, len(tableColumns))
		for i, c := range tableColumns {
			heading[i] = c.name
			t.widths[i] = len(c.name)
			for _, row := range t.rows {
				t.widths[i] = max(t.widths[i], utf8.RuneCountInString(row[i]))
			}
		}
		t.narrow()
		if err := t.line(heading); err != nil {
			return err
		}
	}
	for _, row := range t.rows {
		if err := t.line(row); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

// narrow takes from the widest columns until the row fits the terminal.
func (t *tableWriter) narrow() {
	if t.width == 0 {
		return
	}
	for {
		total, widest := 2*(len(t.widths)-1), -1
		for i, w := range t.widths {
			total += w
			if w > tableColumns[i].least && (widest < 0 || w > t.widths[widest]) {
				widest = i
			}
		}
		if total <= t.width || widest < 0 {
			return
		}
		t.widths[widest]--
	}
}

func (t *tableWriter) line(row []string) error {
	var b strings.Builder
	for i, cell := range row {
		if i > 0 {
			b.WriteString("  ")
		}
		n := utf8.RuneCountInString(cell)
		if t.width > 0 && n > t.widths[i] {
			cell, n = string([]rune(cell)[:t.widths[i]-1])+"…", t.widths[i]
		}
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", max(0, t.widths[i]-n)))
	}
	_, err := t.w.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	return err
}

// printableLines is printable for texts of more than one line.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

// printableCell is printable for the cells of CSV, which may hold tabs and line
// breaks.
func printableCell(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\t' || r == '\n' {
			return r
		}
		return '�'
	}, s)
}

// printable replaces what could steer the terminal: control characters and
// those that turn the direction of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, s)
}
