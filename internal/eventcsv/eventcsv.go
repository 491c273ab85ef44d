// Package eventcsv writes events as CSV (RFC 4180) in which no cell is a formula:
// the columns that the cairn command and the server's downloads share, and the
// writer of rows.
package eventcsv

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// A Column is a named value of each event.
type Column struct {
	Name  string
	Value func(e *cairn.Event) string
}

// Columns are those of a row unless others are chosen.
var Columns = []Column{
	{"eventTime", func(e *cairn.Event) string { return stamp(e.EventTime) }},
	{"eventName", func(e *cairn.Event) string { return e.EventName }},
	{"eventSource", func(e *cairn.Event) string { return e.EventSource }},
	{"username", func(e *cairn.Event) string { return e.Username }},
	{"sourceIPAddress", func(e *cairn.Event) string { return e.SourceIPAddress }},
	{"readOnly", func(e *cairn.Event) string { return e.ReadOnly.String() }},
	{"errorCode", func(e *cairn.Event) string { return e.ErrorCode }},
	{"errorMessage", func(e *cairn.Event) string { return e.ErrorMessage }},
	{"accountId", func(e *cairn.Event) string { return e.AccountID }},
	{"awsRegion", func(e *cairn.Event) string { return e.AWSRegion }},
	{"resourceTypes", func(e *cairn.Event) string { return Resources(e, func(r cairn.Resource) string { return r.Type }) }},
	{"resourceNames", func(e *cairn.Event) string { return Resources(e, func(r cairn.Resource) string { return r.Name }) }},
	{"userIdentity.type", func(e *cairn.Event) string { return e.UserIdentity.Type }},
	{"userIdentity.arn", func(e *cairn.Event) string { return e.UserIdentity.ARN }},
	{"accessKeyId", func(e *cairn.Event) string { return e.UserIdentity.AccessKeyID }},
	{"userAgent", func(e *cairn.Event) string { return e.UserAgent }},
	{"requestID", func(e *cairn.Event) string { return e.RequestID }},
	{"eventID", func(e *cairn.Event) string { return e.EventID }},
	{"eventCategory", func(e *cairn.Event) string { return e.Category.String() }},
	{"origin", func(e *cairn.Event) string { return e.Origin.String() }},
	{"flags", func(e *cairn.Event) string { return strings.Join(e.Flags.Strings(), " ") }},
	{"arrival", func(e *cairn.Event) string { return stamp(e.Arrival) }},
	{"seq", func(e *cairn.Event) string { return strconv.FormatUint(e.Seq, 10) }},
}

// ColumnOf returns the column of a name: one of Columns, or an attribute that
// events are found by, whose values stand in one cell with spaces between them.
func ColumnOf(name string) (Column, bool) {
	for _, c := range Columns {
		if c.Name == name {
			return c, true
		}
	}
	a, ok := cairn.ParseAttribute(name)
	if !ok {
		return Column{}, false
	}
	return Column{name, func(e *cairn.Event) string {
		var values []string
		e.Values(a, func(v string) bool {
			if !slices.Contains(values, v) {
				values = append(values, v)
			}
			return true
		})
		return strings.Join(values, " ")
	}}, true
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Resources joins one part of an event's resources.
func Resources(e *cairn.Event, part func(cairn.Resource) string) string {
	var parts []string
	for _, r := range e.Resources {
		if p := part(r); p != "" && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " ")
}

// A Writer writes a row for each event, below a row of the columns' names. Lines
// end in a line feed, as with encoding/csv.
type Writer struct {
	// Clean changes each value before it is made harmless; nil leaves all as
	// they are.
	Clean func(string) string

	w       io.Writer
	columns []Column
	begun   bool
	row     []byte
}

// NewWriter returns a writer of rows with the columns. Each row is one Write.
func NewWriter(w io.Writer, columns []Column) *Writer { return &Writer{w: w, columns: columns} }

// Write writes an event's row.
func (w *Writer) Write(e *cairn.Event) error {
	if err := w.Header(); err != nil {
		return err
	}
	w.row = w.row[:0]
	for i, c := range w.columns {
		if i > 0 {
			w.row = append(w.row, ',')
		}
		value := c.Value(e)
		if w.Clean != nil {
			value = w.Clean(value)
		}
		w.row = appendCell(w.row, value)
	}
	w.row = append(w.row, '\n')
	_, err := w.w.Write(w.row)
	return err
}

// Header writes the names of the columns, unless it has done so.
func (w *Writer) Header() error {
	if w.begun {
		return nil
	}
	w.begun = true
	var row []byte
	for i, c := range w.columns {
		if i > 0 {
			row = append(row, ',')
		}
		row = appendCell(row, c.Name)
	}
	_, err := w.w.Write(append(row, '\n'))
	return err
}

// harmless has the characters that neither have a meaning in CSV nor separate or
// begin what a spreadsheet could run. Most cells have no others.
var harmless = func() (set [256]bool) {
	for c := '!'; c <= '~'; c++ {
		set[c] = !strings.ContainsRune(`",;=+-@\`, c)
	}
	return set
}()

// appendCell appends a cell that no spreadsheet runs, in quotes where it needs
// them.
func appendCell(b []byte, cell string) []byte {
	if cell == "" {
		return b
	}
	plain := harmless[cell[0]]
	for i := 1; plain && i < len(cell); i++ {
		c := cell[i]
		// Within a cell the signs of formulas are ordinary characters.
		plain = harmless[c] || c == ' ' || c == '=' || c == '+' || c == '-' || c == '@' || c == '\\'
	}
	if plain {
		return append(b, cell...)
	}
	cell = Neutral(cell)
	if !strings.ContainsAny(cell, "\",\r\n") && cell[0] != ' ' && cell[0] != '\t' && cell != `\.` {
		return append(b, cell...)
	}
	b = append(b, '"')
	for {
		i := strings.IndexByte(cell, '"')
		if i < 0 {
			break
		}
		b = append(append(b, cell[:i]...), `""`...)
		cell = cell[i+1:]
	}
	return append(append(b, cell...), '"')
}
