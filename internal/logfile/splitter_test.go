package logfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	recordA = `{"eventVersion":"1.08","eventName":"A","n":1.10,"s":"\"]}"}`
	recordB = `{ "eventName" : "B", "x": {"y":[1,2,{"z":"[{"}]} }`
)

// splitAll returns the records of a text, and the error that ended it.
func splitAll(t testing.TB, text string, lines bool, r func(io.Reader) io.Reader) (records []string, err error) {
	t.Helper()
	s := NewSplitter(r(strings.NewReader(text)), lines)
	for {
		rec, err := s.Next()
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		if rec.Err != nil {
			records = append(records, "ERROR "+rec.Err.Error())
			continue
		}
		if rec.Index != int64(len(records)) {
			t.Fatalf("record %d has index %d", len(records), rec.Index)
		}
		records = append(records, string(rec.Raw))
	}
}

func TestSplitter(t *testing.T) {
	t.Parallel()
	quoted, err := json.Marshal(recordA)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		lines      bool
		want       []string
		err        string
	}{
		{name: "records", text: `{"Records":[` + recordA + `,` + recordB + `]}`, want: []string{recordA, recordB}},
		{name: "records among others", text: `{"a":{"Records":1},"Records" : [` + recordA + "\n,\n" + recordB + `],"b":[1,"x"]}` + "\n", want: []string{recordA, recordB}},
		{name: "no records", text: `{"Records":[]}`},
		{name: "array", text: "\n[ " + recordA + ", " + recordB + " ]\n", want: []string{recordA, recordB}},
		{name: "empty array", text: "[]"},
		{name: "one", text: recordA, want: []string{recordA}},
		{name: "one on many lines", text: "{\n \"eventName\": \"A\"\n}\n", want: []string{"{\n \"eventName\": \"A\"\n}"}},
		{name: "two on many lines", text: "{\n \"eventName\": \"A\"\n}\n{\n \"eventName\": \"B\"\n}\n", want: []string{"{\n \"eventName\": \"A\"\n}", "{\n \"eventName\": \"B\"\n}"}},
		{name: "lines", text: recordA + "\n" + recordB + "\n\n" + recordA, want: []string{recordA, recordB, recordA}},
		{name: "lines with returns", text: recordA + "\r\n" + recordB + "\r\n", want: []string{recordA, recordB}},
		{name: "a broken line", text: recordA + "\n{\"eventName\":\"X\n" + recordB + "\n", want: []string{recordA, `{"eventName":"X`, recordB}},
		{name: "an open line", text: recordA + "\n{\"a\":[1,\n" + recordB + "\n", want: []string{recordA, `{"a":[1,`, recordB}},
		{name: "a line that is no object", text: recordA + "\nhello {\n" + recordB, want: []string{recordA, "hello {", recordB}},
		{name: "first line broken", text: "{\"a\"\n" + recordB, lines: true, want: []string{`{"a"`, recordB}},
		{name: "several files", text: `{"Records":[` + recordA + `]}` + `{"Records":[` + recordB + `]}`, want: []string{recordA, recordB}},
		{name: "lookup-events", text: `{"NextToken":"x","Events":[{"EventId":"1","CloudTrailEvent":` + string(quoted) + `,"Resources":[]}]}`, want: []string{recordA}},
		{name: "lookup-events without record", text: `{"Events":[{"EventId":"1"}]}`, want: []string{"ERROR read CloudTrailEvent: there is none"}},
		{name: "lookup-events, not a string", text: `{"Events":[{"CloudTrailEvent":{}}]}`, want: []string{"ERROR read CloudTrailEvent: it is not a string"}},
		{name: "byte order mark", text: "\xef\xbb\xbf" + recordA, want: []string{recordA}},
		{name: "odd element", text: `{"Records":[` + recordA + `,7,"x",null,` + recordB + `]}`, want: []string{recordA, "7", `"x"`, "null", recordB}},
		{name: "empty", text: "", err: "not an event log"},
		{name: "blank", text: " \n", err: "not an event log"},
		{name: "other object", text: `{"digestStartTime":"x","logFiles":[]}`, err: "not an event log"},
		{name: "other array", text: `[1,2]`, err: "not an event log"},
		{name: "text", text: "hello", err: "not an event log"},
		{name: "binary", text: "\x00\x01", err: "not an event log"},
		{name: "cut off in a record", text: `{"Records":[` + recordA + `,{"a":`, want: []string{recordA}, err: "ends inside"},
		{name: "cut off in a string", text: `{"Records":[` + recordA + `,{"a":"\`, want: []string{recordA}, err: "ends inside"},
		{name: "cut off between records", text: `{"Records":[` + recordA + `,`, want: []string{recordA}, err: "ends in the middle"},
		{name: "array not closed", text: `[` + recordA, want: []string{recordA}, err: "ends in the middle"},
		{name: "garbage behind", text: `{"Records":[` + recordA + `]} xyz`, want: []string{recordA}, err: ": something other than a record"},
		{name: "stray brace", text: `[` + recordA + `}`, want: []string{recordA}, err: "where a record should begin"},
	}
	readers := map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytewise": iotest.OneByteReader, "with EOF": iotest.DataErrReader,
	}
	for _, test := range tests {
		for how, reader := range readers {
			t.Run(test.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				got, err := splitAll(t, test.text, test.lines, reader)
				if strings.Join(got, "|") != strings.Join(test.want, "|") {
					t.Errorf("got  %q\nwant %q", got, test.want)
				}
				if err == nil && test.err != "" || err != nil && (test.err == "" || !strings.Contains(err.Error(), test.err)) {
					t.Errorf("error %v, want %q", err, test.err)
				}
			})
		}
	}
}

func TestSplitterOffsets(t *testing.T) {
	t.Parallel()
	text := "\xef\xbb\xbf {\"Records\": [" + recordA + " ,\n" + recordB + "]}"
	s := NewSplitter(strings.NewReader(text), false)
	for range 2 {
		rec, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(text[rec.Offset:], string(rec.Raw)) {
			t.Errorf("record %d does not begin at byte %d", rec.Index, rec.Offset)
		}
	}
}

// A record that is too long is told and stepped over, and its neighbours are
// read.
func TestSplitterLongRecord(t *testing.T) {
	t.Parallel()
	for name, long := range map[string]string{
		"string":  `{"eventName":"` + strings.Repeat("x", MaxRecordBytes) + `"}`,
		"numbers": `{"a":[` + strings.Repeat("1, ", MaxRecordBytes/3) + `1]}`,
	} {
		got, err := splitAll(t, `{"Records":[`+recordA+`,`+long+`,`+recordB+`]}`, false, func(r io.Reader) io.Reader { return r })
		if err != nil {
			t.Fatal(name, err)
		}
		if len(got) != 3 || got[0] != recordA || !strings.HasPrefix(got[1], "ERROR the record is ") || got[2] != recordB {
			t.Errorf("%s: %d records, the second %.80q", name, len(got), got[1])
		}
	}
}

func TestSplitterReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := NewSplitter(io.MultiReader(strings.NewReader(`[`+recordA+`,{"a`), iotest.ErrReader(broken)), false)
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); !errors.Is(err, broken) {
		t.Errorf("error %v, want the reader's", err)
	}
}

// FuzzSplitter looks for texts on which the splitter disagrees with a JSON
// decoder, hands out bytes that are not in the text, or does not end.
func FuzzSplitter(f *testing.F) {
	for _, s := range []string{recordA, `{"Records":[` + recordA + `,` + recordB + `]}`, `[` + recordA + `]`, recordA + "\n" + recordB, `{"Events":[{"CloudTrailEvent":"{}"}]}`, `{"a":"`, `[[]`, `{"Records":[}`} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, lines bool) {
		s := NewSplitter(bytes.NewReader(text), lines)
		var raws [][]byte
		for {
			rec, err := s.Next()
			if err != nil {
				if err == io.EOF && !lines {
					compareWithDecoder(t, text, raws)
				}
				return
			}
			if len(raws) > len(text) {
				t.Fatal("more records than bytes")
			}
			if s.ctx != inEvents && !bytes.HasPrefix(text[rec.Offset:], rec.Raw) {
				t.Fatalf("record %d, %q, is not at byte %d", rec.Index, rec.Raw, rec.Offset)
			}
			raws = append(raws, bytes.Clone(rec.Raw))
		}
	})
}

// compareWithDecoder checks the records of a text that is {"Records":[…]} with
// no other members.
func compareWithDecoder(t *testing.T, text []byte, raws [][]byte) {
	var file map[string][]json.RawMessage
	if json.Unmarshal(text, &file) != nil || len(file) != 1 || file["Records"] == nil || bytes.Count(text, []byte(`"Records"`)) != 1 {
		return
	}
	if len(raws) != len(file["Records"]) {
		t.Fatalf("%d records, the decoder finds %d", len(raws), len(file["Records"]))
	}
	for i, want := range file["Records"] {
		if !bytes.Equal(raws[i], want) {
			t.Fatalf("record %d: got %q, want %q", i, raws[i], want)
		}
	}
}

// The records of real files come out as a JSON decoder finds them.
func TestSplitterRealFiles(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../../shared/data/invictus/CloudTrail/*.json")
	if len(files) == 0 {
		t.Skip("the data set is not here")
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Records []json.RawMessage }
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		got, err := splitAll(t, string(text), false, func(r io.Reader) io.Reader { return r })
		if err != nil || len(got) != len(file.Records) {
			t.Fatalf("%s: %d records, want %d; error %v", name, len(got), len(file.Records), err)
		}
		for i := range got {
			if got[i] != string(file.Records[i]) {
				t.Fatalf("%s: record %d differs", name, i)
			}
		}
	}
}

func BenchmarkSplitter(b *testing.B) {
	var text bytes.Buffer
	text.WriteString(`{"Records":[`)
	for i := range 1000 {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::123456789012:user/alice"},"userAgent":"` + strings.Repeat("agent ", 100) + `"}`)
	}
	text.WriteString(`]}`)
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		s := NewSplitter(bytes.NewReader(text.Bytes()), false)
		for {
			if _, err := s.Next(); err != nil {
				break
			}
		}
	}
}
