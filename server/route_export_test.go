package server

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/eventgen"
)

// An export has the events of a query and no others, each as it came, in each of
// its forms, under a name to keep it by.
func TestExport(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	var want []string
	for i := range 5 {
		want = append(want, string(testRecord(i)))
		x.post(t, x.a, want[i])
	}
	slices.Reverse(want)
	x.post(t, x.b, string(recordOf(accountB, 9)))
	var first struct{ EventSource string }
	if err := json.Unmarshal(testRecord(1), &first); err != nil {
		t.Fatal(err)
	}
	query := "&EventSource=" + first.EventSource
	get := func(format string) (http.Header, string) {
		t.Helper()
		resp := x.send(t, x.a, http.MethodGet, "/_cairn/api/export?format="+format+query, nil, nil)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %s %v", format, resp.Status, text, err)
		}
		name := resp.Header.Get("Content-Disposition")
		if extension, _, _ := strings.Cut(format, "&"); !strings.HasPrefix(name, `attachment; filename="cairn-events-`+accountA+`-`) || !strings.HasSuffix(name, "."+extension+`"`) {
			t.Errorf("%s: %s", format, name)
		}
		return resp.Header, string(text)
	}
	var file struct{ Records []json.RawMessage }
	_, text := get("json")
	if err := json.Unmarshal([]byte(text), &file); err != nil || len(file.Records) != len(want) {
		t.Fatalf("json: %v: %s", err, text)
	}
	for i, r := range file.Records {
		if string(r) != want[i] {
			t.Errorf("record %d is %s", i, r)
		}
	}
	if _, text := get("ndjson"); text != strings.Join(want, "\n")+"\n" {
		t.Errorf("ndjson: %s", text)
	}
	header, text := get("csv&columns=eventID,awsRegion&columns=path.userIdentity.accountId,EventName&order=oldest&limit=2")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 3 || strings.Join(rows[0], " ") != "eventID awsRegion path.userIdentity.accountId EventName" {
		t.Errorf("csv: %v: %s", err, text)
	}
	if !strings.Contains(want[4], rows[1][0]) || header.Get(exportNeutralized) == "" || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") {
		t.Errorf("csv: %v: %s", header, text)
	}
	if _, text := get("csv&EventName=nothing"); strings.Count(text, "\n") != 1 {
		t.Errorf("csv without events: %s", text)
	}
	if _, text := get("json&EventName=nothing"); text != "{\"Records\":[]}\n" {
		t.Errorf("json without events: %s", text)
	}
	for _, bad := range []string{"", "?format=xml", "?format=json&columns=eventID", "?format=csv&columns=nothing", "?format=csv&columns=path.a..b", "?format=csv&account=" + accountB, "?format=csv&x=1"} {
		if code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/export"+bad, nil, nil); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, code, text)
		}
	}
	if found, _ := x.find(t, x.a, "EventName=ExportEvents&path.requestParameters.format=csv"); len(found) == 0 {
		t.Error("exports are not recorded")
	}
}

// No cell of an export runs in a spreadsheet, whatever field of a record it
// comes from; records in other forms are untouched.
func TestExportIsNeutral(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	starts := []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"}
	columns := "username,errorMessage,errorCode,resourceNames,userIdentity.type,accessKeyId,userAgent,sourceIPAddress,requestID,eventName,path.requestParameters.note,path.requestParameters.list,ResourceName"
	for i, start := range starts {
		text := start + "cmd|' /C calc'!A0"
		record := map[string]any{
			"eventVersion": "1.11", "eventID": fmt.Sprintf("a%07d-0000-4000-8000-000000000000", i), "eventTime": "2026-05-01T10:00:00Z", "awsRegion": "eu-west-1",
			"eventSource": "s3.amazonaws.com", "eventName": "PutObject", "eventType": "AwsApiCall", "recipientAccountId": accountA,
			"userIdentity": map[string]any{"type": "IAMUser", "accountId": accountA, "userName": "u", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
			"errorMessage": text, "userAgent": text, "requestParameters": map[string]any{"bucketName": "b", "key": text, "note": text, "list": []string{text, text}},
		}
		b, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		if out := x.post(t, x.a, string(b)); out.Counts["stored"] != 1 {
			t.Logf("a record with %q: %+v", start, out)
		}
	}
	code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/export?format=csv&EventName=PutObject&columns="+columns, nil, nil)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || code != http.StatusOK || len(rows) < 5 {
		t.Fatalf("%d %v %d rows: %s", code, err, len(rows), text)
	}
	neutralized := 0
	for _, row := range rows {
		for i, cell := range row {
			if slices.ContainsFunc(starts, func(s string) bool { return strings.HasPrefix(cell, s) }) {
				t.Errorf("column %s: %q", rows[0][i], cell)
			}
			if strings.HasPrefix(cell, "'") {
				neutralized++
			}
		}
	}
	if neutralized < 3*(len(rows)-1) {
		t.Errorf("%d cells were made harmless in %d rows", neutralized, len(rows))
	}
}

// An export whose caller loses the permission is cut: its file has no end.
func TestExportBreaksOff(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "json", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			x := serveRoutesWith(t, Config{Data: t.TempDir(), Recheck: 10 * time.Millisecond})
			x.fill(t, 60_000)
			reader := x.newUser(t, accountA, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cairn:ExportEvents","Resource":"*"}]}`)
			resp := x.send(t, reader, http.MethodGet, "/_cairn/api/export?format="+format, nil, nil)
			defer resp.Body.Close()
			start := make([]byte, 1<<10)
			if _, err := io.ReadFull(resp.Body, start); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %v", resp.Status, err)
			}
			x.query(t, x.a, "iam", "2010-05-08", url.Values{"Action": {"DeleteUserPolicy"}, "UserName": {"reader"}, "PolicyName": {"p"}})
			time.Sleep(200 * time.Millisecond) // several checks; the sockets' buffers hold less than the file
			rest, err := io.ReadAll(resp.Body)
			if err == nil {
				t.Errorf("an export that broke off looks complete: %d bytes", len(rest))
			}
			switch format {
			case "json":
				if bytes.HasSuffix(bytes.TrimSpace(rest), []byte("]}")) && json.Valid(append(start, rest...)) {
					t.Error("the file has its end")
				}
			case "ndjson":
				// The line may be lost with the connection; if it is there, it says why.
				if i := bytes.LastIndex(rest, []byte(`{"error"`)); i >= 0 && !bytes.Contains(rest[i:], []byte("The stream ends because its caller")) {
					t.Errorf("the last line is %s", rest[i:])
				}
			}
		})
	}
}

// An export of a log that cannot be read whole has what can be, and does not pass
// for whole.
func TestExportOfDamagedLog(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	const records = 2*pageEvents + 50
	damagedStore(t, data, records)
	x := serveRoutesWith(t, Config{Data: data})
	for format, least := range map[string]int{"ndjson": records + 1, "csv": records + 1, "json": 1} {
		resp := x.send(t, x.a, http.MethodGet, "/_cairn/api/export?format="+format+"&not.EventSource=cairn.amazonaws.com", nil, nil)
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if n := bytes.Count(text, []byte("\n")); err == nil || resp.StatusCode != http.StatusOK || format != "json" && n < least {
			t.Errorf("%s: %s, %d lines, %v", format, resp.Status, n, err)
		}
		if format == "ndjson" && !strings.Contains(string(text), `{"error":{"text":`) || format == "json" && json.Valid(text) {
			t.Errorf("%s: %s", format, text[max(0, len(text)-300):])
		}
	}
}

// fill stores made-up events, most of them account A's.
func (x *routesTest) fill(t testing.TB, n int) {
	t.Helper()
	x.fillFrom(t, eventgen.New(1, eventgen.Options{}), n)
}

// fillLastDay stores made-up events of the last day.
func (x *routesTest) fillLastDay(t testing.TB, n int) {
	t.Helper()
	x.fillFrom(t, eventgen.New(1, eventgen.Options{Start: time.Now().Add(-24 * time.Hour), Span: 24 * time.Hour, Events: n}), n)
}

func (x *routesTest) fillFrom(t testing.TB, g *eventgen.Generator, n int) {
	t.Helper()
	for n > 0 {
		var b eventlog.Batch
		b.Origin = cairn.OriginPosted
		for range min(n, 2000) {
			b.Records = append(b.Records, g.Next(nil))
		}
		n -= len(b.Records)
		if _, err := x.server.log.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// The memory that an export takes does not grow with what it sends. With -long
// the figures are those of a large download, and its rate is printed.
func TestExportMemory(t *testing.T) {
	n, most := 30_000, int64(64<<20)
	if *long {
		n = 1_000_000
	}
	x := serveRoutes(t)
	x.fill(t, n)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Int64
	begin := time.Now()
	resp := x.send(t, x.operator, http.MethodGet, "/_cairn/api/export?format=csv", nil, nil)
	defer resp.Body.Close()
	buf := make([]byte, 1<<20)
	rows, next := 0, 0
	for {
		k, err := resp.Body.Read(buf)
		rows += bytes.Count(buf[:k], []byte("\n"))
		if rows >= next { // some ten times in all
			next += n / 10
			var m runtime.MemStats
			runtime.GC() // or it would be what the collector lets pile up
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), int64(m.HeapAlloc)-int64(before.HeapAlloc)))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(begin)
	t.Logf("%d rows in %.1f s: %.0f rows/s, at most %.1f MB more than before", rows, took.Seconds(), float64(rows)/took.Seconds(), float64(peak.Load())/1e6)
	if rows < n {
		t.Errorf("%d rows of %d events", rows, n)
	}
	if peak.Load() > most {
		t.Errorf("an export of %d events took %d bytes", n, peak.Load())
	}
}
