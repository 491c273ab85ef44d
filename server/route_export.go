package server

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/internal/eventcsv"
)

// The bounds of an export.
const (
	maxExportColumns = 100
	maxCellValues    = 64      // of a path's values in one cell
	maxCellText      = 8 << 10 // bytes of them
	exportPageBytes  = 4 << 20 // about what a page of records takes in memory; two are held
	exportBuffer     = 64 << 10
)

// exportNeutralized is the header that says what was done to the cells of a CSV.
const exportNeutralized = "X-Cairn-Csv-Neutralized"

// exportEvents answers with the events that a query finds as a file to keep.
func (x *routes) exportEvents(_ context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	q, values, err := x.eventQuery(c, r, "format", "columns")
	if err != nil {
		return nil, err
	}
	if !values.Has("limit") {
		q.limit = 0
	}
	format, err := single(values, "format")
	if err != nil {
		return nil, err
	}
	var columns []eventcsv.Column
	switch format {
	case "csv":
		columns, err = exportColumns(values["columns"])
	case "json", "ndjson":
		if values.Has("columns") {
			err = fmt.Errorf("columns are chosen for csv only; %s has whole records", format)
		}
	default:
		err = fmt.Errorf("format %q is none of csv, json and ndjson", clip(format))
	}
	if err != nil {
		return nil, invalid(err)
	}
	if _, err := x.take(x.streams, c, r); err != nil {
		return nil, err
	}
	// A column of a path takes what a condition on one does: each record is read through.
	if q.scans() || slices.ContainsFunc(columns, func(c eventcsv.Column) bool { return strings.HasPrefix(c.Name, "path.") }) {
		if _, err := x.take(x.scans, c, r); err != nil {
			return nil, err
		}
	}
	return func(w http.ResponseWriter) {
		x.watched(c, r, func(ctx context.Context) {
			h := w.Header()
			h.Set("Cache-Control", "no-store")
			h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", exportName(q.Scope.Account, format, c.Time)))
			slow := unhurried(w)
			e := export{out: bufio.NewWriterSize(slow, exportBuffer), flush: http.NewResponseController(slow).Flush}
			switch format {
			case "csv":
				h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
				h.Set(exportNeutralized, "formulas; a cell that a spreadsheet would run begins with an apostrophe")
				e.table = eventcsv.NewWriter(e.out, columns)
			case "json":
				h.Set("Content-Type", "application/json")
				e.array = true
			default:
				h.Set("Content-Type", lines.contentType)
			}
			w.WriteHeader(http.StatusOK)
			x.runExport(ctx, q, &e)
		})
	}, nil
}

// exportName is the name of a downloaded file: whose events, and when they were
// asked for.
func exportName(account, format string, now time.Time) string {
	if account == "" {
		account = "all-accounts"
	}
	return "cairn-events-" + account + "-" + now.UTC().Format("20060102T150405Z") + "." + format
}

// exportColumns reads the names of columns, several of which can stand in one
// value with commas between them.
func exportColumns(lists []string) ([]eventcsv.Column, error) {
	if len(lists) == 0 {
		return eventcsv.Columns, nil
	}
	var columns []eventcsv.Column
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if len(columns) == maxExportColumns {
				return nil, fmt.Errorf("there are more than %d columns", maxExportColumns)
			}
			column, ok := eventcsv.ColumnOf(name)
			if text, is := strings.CutPrefix(name, "path."); is {
				path, err := parseJSONPath(text)
				if err != nil {
					return nil, fmt.Errorf("column %q: %w", clip(name), err)
				}
				column, ok = pathColumn(name, path), true
			}
			if !ok {
				return nil, fmt.Errorf("column %q is not known", clip(name))
			}
			columns = append(columns, column)
		}
	}
	return columns, nil
}

// pathColumn is the column of what records have at a path: its values, with
// spaces between them, as far as they fit.
func pathColumn(name string, path jsonPath) eventcsv.Column {
	return eventcsv.Column{Name: name, Value: func(e *cairn.Event) string {
		var first string
		var all []byte
		n := 0
		path.values(e.Raw, func(v string) bool {
			if n++; n == 1 {
				first = v
				return true
			}
			if n == 2 {
				all = append(all, first...)
			}
			if n > maxCellValues || len(all)+len(v) > maxCellText {
				all = append(all, " …"...)
				return false
			}
			all = append(append(all, ' '), v...)
			return true
		})
		if n < 2 {
			return first
		}
		return string(all)
	}}
}

// An export writes a file of events.
type export struct {
	out   *bufio.Writer
	table *eventcsv.Writer // of CSV
	array bool             // JSON, as in CloudTrail's log files; else a record a line
	n     int

	flush func() error // sends what was written
	sent  time.Time    // when that was done last
}

// show sends what there is, if the client has waited for a while.
func (e *export) show() error {
	if time.Since(e.sent) < time.Second {
		return nil
	}
	e.sent = time.Now()
	return cmp.Or(e.out.Flush(), e.flush())
}

func (e *export) begin() error {
	switch {
	case e.table != nil:
		return e.table.Header()
	case e.array:
		_, err := e.out.WriteString(`{"Records":[`)
		return err
	}
	return nil
}

func (e *export) event(event *cairn.Event) error {
	e.n++
	switch {
	case e.table != nil:
		return e.table.Write(event)
	case e.array:
		if e.n > 1 {
			_ = e.out.WriteByte(',') // the next write reports the error
		}
		_, err := e.out.Write(event.Raw)
		return err
	}
	// Line breaks can only stand between the tokens of JSON.
	for rest := event.Raw; len(rest) > 0; {
		i := 0
		for i < len(rest) && rest[i] != '\n' && rest[i] != '\r' {
			i++
		}
		if _, err := e.out.Write(rest[:i]); err != nil {
			return err
		}
		rest = rest[min(i+1, len(rest)):]
	}
	return e.out.WriteByte('\n')
}

func (e *export) end() error {
	if e.array {
		_, _ = e.out.WriteString("]}\n") // Flush reports the error
	}
	return e.out.Flush()
}

// runExport writes the events that a query finds. A file that is not whole must
// not pass for one that is: it lacks its end where the format has one, has an
// error in its last line where lines are free, and the connection is cut in any
// case, so that no client takes the answer for complete. What could not be read
// in the log makes a file unwhole, too, but what can be read stands in it.
func (x *routes) runExport(ctx context.Context, q *eventQuery, e *export) {
	gone := cmp.Or(e.begin(), e.show()) // why nothing more can be written
	var err, damage error
	pages, stop := x.exportPages(ctx, q)
	defer stop()
	left := q.limit
	keep := q.keep()
	for p := range pages {
		if err = p.err; err != nil {
			break
		}
		if damage == nil && len(p.page.Damage) > 0 {
			damage = p.page.Damage[0]
		}
		for i := range p.page.Events {
			event := &p.page.Events[i]
			if keep != nil && !keep(event) {
				continue
			}
			if gone == nil {
				gone = e.event(event)
			}
			if err = ctx.Err(); err != nil || gone != nil {
				break
			}
			if left--; left == 0 {
				break
			}
		}
		if err != nil || gone != nil || left == 0 && q.limit > 0 {
			break
		}
		gone = e.show()
	}
	err = cmp.Or(err, ctx.Err(), damage)
	if err == nil && gone == nil {
		if gone = e.end(); gone == nil {
			return
		}
	}
	if gone == nil {
		text := x.tell(ctx, endOf(ctx, err))
		if e.table == nil && !e.array {
			_ = json.NewEncoder(e.out).Encode(map[string]any{"error": map[string]string{"text": text}})
		}
		_ = e.out.Flush()
	}
	stop()
	panic(http.ErrAbortHandler)
}

// An exportPage is a page of an export, or why there is none.
type exportPage struct {
	page *eventlog.Page
	err  error
}

// exportPages reads pages ahead of their reader: one is read while the one before
// it is written. Stop ends it, and may be called more than once.
func (x *routes) exportPages(ctx context.Context, q *eventQuery) (pages <-chan exportPage, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan exportPage)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(out)
		query := q.Query
		query.Limit = 50
		for {
			page, err := x.find(ctx, query, q.errorOnly)
			select {
			case out <- exportPage{page, err}:
			case <-ctx.Done():
				return
			}
			if err != nil || !page.More {
				return
			}
			query.After, query.Limit = page.Next, exportLimit(page)
		}
	}()
	return out, func() {
		cancel()
		<-done
	}
}

// exportLimit is how many events the next page has, if its records are as long as
// those of the last one.
func exportLimit(page *eventlog.Page) int {
	bytes := 0
	for i := range page.Events {
		bytes += len(page.Events[i].Raw)
	}
	if bytes == 0 {
		return pageEvents
	}
	return min(max(exportPageBytes*len(page.Events)/bytes, 20), 2*pageEvents)
}
