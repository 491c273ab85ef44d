package cairn_test

import (
	"errors"
	"strings"
	"testing"

	"cairn"
)

// with returns the plain record with a body of its own.
func with(body string) string {
	return strings.Replace(plainRecord, `{"x":1}`, body, 1)
}

// Poison must be refused with a reason, or pass; it must never panic or hang.
func TestExtractPoison(t *testing.T) {
	t.Parallel()
	deep := func(open, inside, end string, levels int) string {
		return strings.Repeat(open, levels) + inside + strings.Repeat(end, levels)
	}
	var manyKeys, manyTopKeys strings.Builder
	for manyKeys.Len() < 900_000 {
		manyKeys.WriteString(`,"":0`)
	}
	for manyTopKeys.Len() < 900_000 {
		manyTopKeys.WriteString(`,"` + strings.Repeat("k", manyTopKeys.Len()%97+1) + `":0`)
	}
	const open = "string is not closed"
	tests := []struct{ name, raw, reason string }{
		{"empty", "", "empty"},
		{"blank", " \n\t\r ", "empty"},
		{"NUL", "\x00", "not a JSON object"},
		{"BOM", "\xef\xbb\xbf" + plainRecord, "not a JSON object"},
		{"UTF-16", "{\x00\"\x00", "no member name"},
		{"array", "[" + plainRecord + "]", "not a JSON object"},
		{"null", "null", "not a JSON object"},
		{"string", `"{}"`, "not a JSON object"},
		{"brace", "{", "record ends in the middle"},
		{"nothing in it", "{}", "missing"},
		{"comma", `{,"a":1}`, "no member name"},
		{"no quote", `{a:1}`, "no member name"},
		{"no colon", `{"a" 1}`, "no colon behind a member name"},
		{"no value", `{"a":}`, "not a JSON value"},
		{"no value before the end", `{"a":`, "record ends in the middle"},
		{"no comma", `{"a":1 "b":2}`, "no comma or } behind a member"},
		{"comma at the end", `{"a":1,}`, "no member name"},
		{"bracket for brace", `{"a":1]`, "no comma or } behind a member"},
		{"two records", plainRecord + plainRecord, "more text behind the record"},
		{"a record and a NUL", plainRecord + "\x00", "more text behind the record"},
		{"a record and a comma", plainRecord + ",", "more text behind the record"},
		{"a record cut short", plainRecord[:len(plainRecord)-1], "record ends in the middle"},
		{"surrounded by blanks", " \r\n\t" + plainRecord + " \r\n\t", ""},
		{"vertical tab", plainRecord + "\v", "more text behind the record"},
		{"no-break space", plainRecord + "\u00a0", "more text behind the record"},

		{"array, no comma", with(`[1 2]`), "no comma or ] behind an element"},
		{"array, comma at the end", with(`[1,]`), "not a JSON value"},
		{"array, comma alone", with(`[,]`), "not a JSON value"},
		{"array, brace for bracket", with(`[1}`), "no comma or ] behind an element"},
		{"object, comma at the end", with(`{"a":1,}`), "no member name"},
		{"object, no colon", with(`{"a"}`), "no colon behind a member name"},
		{"object, bracket for brace", with(`{"a":1]`), "no comma or } behind a member"},
		{"object, number for a name", with(`{1:1}`), "no member name"},

		{"raw control character", with("\"a\nb\""), "control character in a string"},
		{"raw NUL", with("\"\x00\""), "control character in a string"},
		{"raw 0x1f behind eight bytes", with("\"12345678\x1f\""), "control character in a string"},
		{"raw control character in a name", with("{\"a\tb\":1}"), "control character in a string"},
		{"unknown escape", with(`"\x41"`), "unknown escape in a string"},
		{"escaped quote mark", with(`"\'"`), "unknown escape in a string"},
		{"capital U", with(`"\U0041"`), "unknown escape in a string"},
		{"short \\u", with(`"\u12"`), `\u without four hexadecimal digits`},
		{"\\u with a sign", with(`"\u+123"`), `\u without four hexadecimal digits`},
		{"\\u with a letter", with(`"\u00g0"`), `\u without four hexadecimal digits`},
		{"open string", `{"a":"b`, open},
		{"open string behind eight bytes", `{"a":"12345678`, open},
		{"open name", `{"a`, open},
		{"backslash at the end", `{"a":"b\`, open},
		{"\\u at the end", `{"a":"b\u00`, `\u without four hexadecimal digits`},

		{"plus", with(`+1`), "not a JSON value"},
		{"minus alone", with(`-`), "number without digits"},
		{"minus and a letter", with(`-a`), "number without digits"},
		{"leading zero", with(`01`), "no comma or } behind a member"},
		{"minus and leading zero", with(`-01`), "no comma or } behind a member"},
		{"point first", with(`.5`), "not a JSON value"},
		{"point last", with(`5.`), "number without digits behind its point"},
		{"exponent without digits", with(`5e`), "number without digits in its exponent"},
		{"exponent with a sign only", with(`5E-`), "number without digits in its exponent"},
		{"hexadecimal", with(`0x10`), "no comma or } behind a member"},
		{"NaN", with(`NaN`), "not a JSON value"},
		{"infinity", with(`-Infinity`), "number without digits"},
		{"number at the end", `{"a":12`, "record ends in the middle"},
		{"1e400", with(`1e400`), ""},
		{"2^53+1", with(`9007199254740993`), ""},
		{"numbers of all forms", with(`[0,-0,0.0,-0.10e+07,1E5,10,123456789012345678901234567890]`), ""},

		{"capital True", with(`True`), "not a JSON value"},
		{"nul", with(`nul`), "not a JSON value"},
		{"nulll", with(`nulll`), "no comma or } behind a member"},
		{"literal at the end", `{"a":tru`, "not a JSON value"},
		{"readOnly cut short", `{"readOnly":tru`, "neither true nor false"},
		{"readOnly at the end", `{"readOnly":true`, "record ends in the middle"},
		{"single quotes", with(`{'a':1}`), "no member name"},
		{"comment", with(`/* */1`), "not a JSON value"},

		{"open resources", `{"resources":[`, "record ends in the middle"},
		{"open resource", `{"resources":[{`, "record ends in the middle"},
		{"resources without a comma", `{"resources":[{} {}]}`, "no comma or ] behind an element"},
		{"resources with a comma at the end", `{"resources":[{},]}`, "not an object"},
		{"resources cut at a comma", `{"resources":[{},`, "record ends in the middle"},
		{"open identity", `{"userIdentity":{"type":"Root"`, "record ends in the middle"},

		{"10,001 arrays deep", with(deep("[", "", "]", 10_001)), "nested deeper than 1000 levels"},
		{"10,001 objects deep", with(deep(`{"a":`, "1", "}", 10_001)), "nested deeper than 1000 levels"},
		{"10,001 deep and never closed", with(strings.Repeat("[", 10_001)), "nested deeper than 1000 levels"},
		{"as deep as can be, arrays", with(deep("[", "", "]", cairn.MaxDepth-1)), ""},
		{"one deeper, arrays", with(deep("[", "", "]", cairn.MaxDepth)), "nested deeper than 1000 levels"},
		{"as deep as can be, objects", with(deep(`{"a":`, "[]", "}", cairn.MaxDepth-2)), ""},
		{"one deeper, objects", with(deep(`{"a":`, "[]", "}", cairn.MaxDepth-1)), "nested deeper than 1000 levels"},
		{"deep in the identity", strings.Replace(plainRecord, `"attributes":{}`, `"attributes":`+deep("[", "", "]", cairn.MaxDepth-3), 1), ""},
		{"one deeper in the identity", strings.Replace(plainRecord, `"attributes":{}`, `"attributes":`+deep("[", "", "]", cairn.MaxDepth-2), 1), "nested deeper than 1000 levels"},
		{"deep in a resource", strings.Replace(plainRecord, `"ARN":`, `"x":`+deep("[", "", "]", cairn.MaxDepth-3)+`,"ARN":`, 1), ""},
		{"one deeper in a resource", strings.Replace(plainRecord, `"ARN":`, `"x":`+deep("[", "", "]", cairn.MaxDepth-2)+`,"ARN":`, 1), "nested deeper than 1000 levels"},

		{"1,000,000 bytes of text", with(`"` + strings.Repeat("x", 1_000_000) + `"`), ""},
		{"1,000,000 bytes of escapes", with(`"` + strings.Repeat(`\u0000`, 166_666) + `"`), ""},
		{"180,000 empty names inside", with(`{"a":1` + manyKeys.String() + `}`), ""},
		{"very many keys at the top", strings.TrimSuffix(plainRecord, "}") + manyTopKeys.String() + `}`, "key comes twice"},
		{"as many keys as can be", strings.TrimSuffix(plainRecord, "}") + keys(256-20) + `}`, ""},
		{"one key more", strings.TrimSuffix(plainRecord, "}") + keys(257-20) + `}`, "more than 256 top-level keys"},

		{"as large as can be", plainRecord + strings.Repeat(" ", cairn.MaxRecordBytes-len(plainRecord)), ""},
		{"one byte smaller", plainRecord + strings.Repeat(" ", cairn.MaxRecordBytes-len(plainRecord)-1), ""},
		{"one byte larger", plainRecord + strings.Repeat(" ", cairn.MaxRecordBytes-len(plainRecord)+1), "larger than 1048576 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := strings.Clone(test.raw)
			raw := []byte(test.raw)
			var r cairn.Record
			err := r.Extract(raw)
			var fault *cairn.RecordError
			switch {
			case test.reason == "" && err != nil:
				t.Errorf("Extract: %v", err)
			case test.reason == "":
			case !errors.As(err, &fault) || fault.Reason != test.reason:
				t.Errorf("Extract: %v, want %s", err, test.reason)
			case fault.Offset > len(raw):
				t.Errorf("offset %d in %d bytes", fault.Offset, len(raw))
			}
			if string(raw) != before {
				t.Error("Extract changed the record")
			}
		})
	}
}

// keys returns n members with names of their own, each behind a comma.
func keys(n int) string {
	var s strings.Builder
	for i := range n {
		s.WriteString(`,"k` + strings.Repeat("x", i) + `":0`)
	}
	return s.String()
}

// Every record that is cut short is refused, wherever it is cut.
func TestExtractRefusesEveryPrefix(t *testing.T) {
	t.Parallel()
	var r cairn.Record
	for n := range len(plainRecord) {
		if err := r.Extract([]byte(plainRecord[:n])); err == nil {
			t.Errorf("the first %d bytes pass", n)
		}
	}
	if err := r.Extract([]byte(plainRecord)); err != nil {
		t.Error(err)
	}
}

// A control character is refused wherever it stands in a string: the scan
// takes eight bytes at a time, and the last few one by one.
func TestExtractRefusesControlAnywhere(t *testing.T) {
	t.Parallel()
	var r cairn.Record
	for length := range 40 {
		for at := range length {
			for _, c := range []byte{0, 1, 0x1f} {
				text := []byte(strings.Repeat("\xc3", length))
				text[at] = c
				if err := r.Extract([]byte(with(`"` + string(text) + `"`))); err == nil {
					t.Errorf("%#x at %d of %d passes", c, at, length)
				}
				text[at] = ' '
				if err := r.Extract([]byte(with(`"` + string(text) + `"`))); err != nil {
					t.Errorf("blank at %d of %d: %v", at, length, err)
				}
			}
		}
	}
}

// A record that is refused leaves nothing behind for the next.
func TestExtractAfterFault(t *testing.T) {
	t.Parallel()
	var r cairn.Record
	if err := r.Extract([]byte(`{"errorCode":"X","resources":[{"ARN":"a"},{"ARN":"b"}],"eventName":1}`)); err == nil {
		t.Fatal("no fault")
	}
	if err := r.Extract(edit(t, `"errorCode":"E",`, ``)); err != nil {
		t.Fatal(err)
	}
	if r.ErrorCode != "" || len(r.Resources) != 2 {
		t.Errorf("left behind: %q, %s", r.ErrorCode, names(r.Resources))
	}
}
