package aws_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestJSONCodec(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, out string }{
		{"nothing", `{}`, ``},
		{"null members", `{"Text":null,"Flag":null,"Words":null,"Inner":null}`, ``},
		{"unknown members", `{"Text":"a","Other":{"deep":[1,{"x":null}]},"text":"wrong case"}`, `{"Text":"a"}`},
		{"the last of doubles counts", `{"Text":"a","Text":"b"}`, `{"Text":"b"}`},
		{"zero and false", `{"Flag":false,"Count":0,"Big":0}`, `{"Flag":false,"Count":0}`},
		{"limits of integers", `{"Count":-2147483648,"Big":9223372036854775807}`, `{"Count":-2147483648,"Big":9223372036854775807}`},
		{"2^53+1", `{"Big":9007199254740993}`, `{"Big":9007199254740993}`},
		{"floats", `{"Ratio":1.5e3}`, `{"Ratio":1500}`},
		{"blob", `{"Blob":"AP8gYQ=="}`, `{"Blob":"AP8gYQ=="}`},
		{"whole epoch", `{"When":1422317782}`, `{"When":1422317782}`},
		{"epoch with fraction", `{"When":1422317782.25}`, `{"When":1422317782.25}`},
		{"epoch with zero fraction", `{"When":1422317782.0}`, `{"When":1422317782}`},
		{"epoch with exponent", `{"When":1.422317782E9}`, `{"When":1422317782}`},
		{"before 1970", `{"When":-1.5}`, `{"When":-1.5}`},
		{"RFC 3339", `{"When":"2015-01-27T00:16:22Z"}`, `{"When":1422317782}`},
		{"RFC 3339 with zone and fraction", `{"When":"2015-01-27T01:16:22.5+01:00"}`, `{"When":1422317782.5}`},
		{"lists", `{"Words":["a","",null,"é"],"Items":[{},{"Text":"b"}]}`, `{"Words":["a","","","é"],"Items":[{},{"Text":"b"}]}`},
		{"empty list and map", `{"Words":[],"Texts":{}}`, `{"Words":[],"Texts":{}}`},
		{"maps", `{"Texts":{"b":"2","a":"1"},"ByName":{"x":{"Text":"y"}}}`, `{"Texts":{"a":"1","b":"2"},"ByName":{"x":{"Text":"y"}}}`},
		{"nested", `{"Inner":{"Inner":{"Text":"deep"}}}`, `{"Inner":{"Inner":{"Text":"deep"}}}`},
		{"odd text", `{"Text":"\u0000\ud83d\ude00\"\\\u2028<&>"}`, `{"Text":"\u0000😀\"\\ <&>"}`},
		{"member with a name of its own", `{"limitedName":"abc"}`, `{"limitedName":"abc"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			r := w.send(t, echoJSON(`{"Must":"x","Item":`+tt.in+`}`))
			got := text(t, r)
			want := `{"Item":` + tt.out + `}`
			if tt.out == "" {
				want = "{}"
			}
			if r.StatusCode != 200 || got != want {
				t.Errorf("%d %s\nwant %s", r.StatusCode, got, tt.out)
			}
			if r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || len(r.Header.Get("X-Amzn-Requestid")) != 36 {
				t.Errorf("headers %v", r.Header)
			}
			w.wantEvents(t, 1, 0)
		})
	}
}

func TestQueryCodec(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, out string }{
		{"nothing", "", ""},
		{"unknown members", "&Item.Text=a&Item.Other.deep=1&Other=2", "<Text>a</Text>"},
		{"scalars", "&Item.Flag=false&Item.Count=-7&Item.Big=9007199254740993&Item.Ratio=0.5", "<Flag>false</Flag><Count>-7</Count><Big>9007199254740993</Big><Ratio>0.5</Ratio>"},
		{"text that looks like a number", "&Item.Text=007", "<Text>007</Text>"},
		{"blob", "&Item.Blob=AP8gYQ%3D%3D", "<Blob>AP8gYQ==</Blob>"},
		{"time", "&Item.When=2015-01-27T00%3A16%3A22Z", "<When>2015-01-27T00:16:22Z</When>"},
		{"list", "&Item.Words.member.1=a&Item.Words.member.2=b", "<Words><member>a</member><member>b</member></Words>"},
		{"list in the order of its numbers", "&Item.Words.member.10=c&Item.Words.member.2=b&Item.Words.member.1=a", "<Words><member>a</member><member>b</member><member>c</member></Words>"},
		{"list with far numbers", "&Item.Words.member.2147483647=b&Item.Words.member.3=a", "<Words><member>a</member><member>b</member></Words>"},
		{"one number, two spellings", "&Item.Words.member.1=a&Item.Words.member.01=b&Item.Words.member.0=c&Item.Words.member.-1=d&Item.Words.member.x=e", "<Words><member>a</member></Words>"},
		{"empty list", "&Item.Words=", "<Words></Words>"},
		{"flat list", "&Item.Words.1=a", "<Words><member>a</member></Words>"},
		{"list of structures", "&Item.Items.member.1.Text=a&Item.Items.member.2.Inner.Text=b", "<Items><member><Text>a</Text></member><member><Inner><Text>b</Text></Inner></member></Items>"},
		{"map", "&Item.Texts.entry.1.key=k&Item.Texts.entry.1.value=v&Item.Texts.entry.2.key=a&Item.Texts.entry.2.value=", "<Texts><entry><key>a</key><value></value></entry><entry><key>k</key><value>v</value></entry></Texts>"},
		{"the last of doubles counts", "&Item.Texts.entry.1.key=k&Item.Texts.entry.1.value=v&Item.Texts.entry.2.key=k&Item.Texts.entry.2.value=w", "<Texts><entry><key>k</key><value>w</value></entry></Texts>"},
		{"escapes", "&Item.Text=%3Ca%3E%26%22+%C3%A9", "<Text>&lt;a&gt;&amp;&#34; é</Text>"},
		{"characters that XML does not have", "&Item.Text=a%00%08%FFb", "<Text>a���b</Text>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			r := w.send(t, echoForm(tt.in))
			item := ""
			if tt.out != "" {
				item = "<Item>" + tt.out + "</Item>"
			}
			want := `<EchoResponse xmlns="https://iam.example/doc/"><EchoResult>` + item + `</EchoResult><ResponseMetadata><RequestId>` +
				r.Header.Get("X-Amzn-Requestid") + "</RequestId></ResponseMetadata></EchoResponse>\n"
			if got := text(t, r); r.StatusCode != 200 || got != want {
				t.Errorf("%d %s\nwant %s", r.StatusCode, got, want)
			}
			w.wantEvents(t, 1, 0)
		})
	}
}

// What cannot be read is refused with one code, recorded with its operation, and
// never takes the server down.
func TestUnreadableParameters(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return `{"Must":"x","Item":` + strings.Repeat(`{"Inner":`, n) + `{}` + strings.Repeat("}", n+1)
	}
	item := func(s string) string { return `{"Must":"x","Item":` + s + `}` }
	for name, body := range map[string]string{
		"no JSON": "{", "a list": `[]`, "a text": `"x"`, "a number": "1", "two objects": `{}{}`, "garbage behind it": `{} x`, "BOM": "\ufeff{}",
		"only blanks": "  ", "NaN": item(`{"Ratio":NaN}`), "1e400": item(`{"Ratio":1e400}`), "hexadecimal": item(`{"Count":0x1}`),
		"text for a structure": item(`"x"`), "list for a structure": item(`[]`), "number for text": item(`{"Text":1}`), "structure for text": item(`{"Text":{}}`),
		"text for a flag": item(`{"Flag":"true"}`), "number for a flag": item(`{"Flag":1}`), "text for a number": item(`{"Count":"1"}`),
		"a fraction for an integer": item(`{"Count":1.5}`), "2^31": item(`{"Count":2147483648}`), "2^63": item(`{"Big":9223372036854775808}`),
		"no base64": item(`{"Blob":"*"}`), "number for a blob": item(`{"Blob":1}`), "a date for a time": item(`{"When":"2015-01-27"}`),
		"a far time": item(`{"When":1e300}`), "flag for a time": item(`{"When":true}`), "structure for a list": item(`{"Words":{}}`),
		"list for a map": item(`{"Texts":[]}`), "number in a list": item(`{"Words":["a",1]}`), "number in a map": item(`{"Texts":{"a":1}}`),
		"10,001 levels": deep(10_001), "170,000 levels of lists": `{"Must":` + strings.Repeat("[", 170_000), "110,000 levels": deep(110_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *cfg) { c.MaxBody = 4 << 20 })
			r := w.send(t, echoJSON(body))
			wantRefusal(t, r, "SerializationException", 400)
			w.wantEvents(t, 1, 0)
			if c := w.calls[0]; c.Operation != "Echo" || c.Err == nil || c.Err.Code != "SerializationException" {
				t.Errorf("recorded is %s with %v", c.Operation, c.Err)
			}
		})
	}
	for name, body := range map[string]string{
		"text for a number": "&Item.Count=x", "hexadecimal": "&Item.Count=0x1", "a fraction for an integer": "&Item.Count=1.5", "NaN": "&Item.Ratio=NaN",
		"infinity": "&Item.Ratio=Inf", "no flag": "&Item.Flag=yes", "capital flag": "&Item.Flag=TRUE", "text for a list": "&Item.Words=x", "text for a map": "&Item.Texts=x",
		"text for a structure": "&Item=x", "structure for text": "&Item.Text.a=x", "no base64": "&Item.Blob=*", "no time": "&Item.When=yesterday", "empty number": "&Item.Count=",
	} {
		t.Run("form with "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			wantRefusal(t, w.send(t, echoForm(body)), "MalformedInput", 400)
			w.wantEvents(t, 1, 0)
			if c := w.calls[0]; c.Operation != "Echo" {
				t.Errorf("recorded is %q", c.Operation)
			}
		})
	}
}

// Levels that the JSON parser takes are no danger behind it.
func TestDeepJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const levels = 4990 // each an object in an object
	body := `{"Must":"x","Item":` + strings.Repeat(`{"Inner":`, levels) + `{}` + strings.Repeat("}", levels+1)
	if r := w.send(t, echoJSON(body)); r.StatusCode != 200 {
		t.Errorf("%d %s", r.StatusCode, text(t, r))
	}
	w.wantEvents(t, 1, 0)
}

func TestHugeForms(t *testing.T) {
	t.Parallel()
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i+1)
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, body, code string
		status           int
	}{
		{"many elements", many(9000, "&Item.Words.member.%d=x"), "", 200},
		{"too many elements", many(12_000, "&Item.Words.member.%d=x"), "MalformedQueryString", 400},
		{"deep names", "&" + strings.Repeat("a.", 15) + "a=x", "", 200},
		{"too deep names", "&" + strings.Repeat("a.", 16) + "a=x", "MalformedQueryString", 400},
		{"a name of dots", "&" + strings.Repeat(".", 500_000) + "=x", "MalformedQueryString", 400},
		{"bad escapes", "&a=%zz", "MalformedQueryString", 400},
		{"too large", "&a=" + strings.Repeat("x", 1<<20), "RequestEntityTooLarge", 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			r := w.send(t, echoForm(tt.body))
			if tt.code == "" {
				if r.StatusCode != 200 {
					t.Errorf("%d %s", r.StatusCode, text(t, r))
				}
				return
			}
			wantRefusal(t, r, tt.code, tt.status)
		})
	}
}

func packed(t testing.TB, body string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPackedBodies(t *testing.T) {
	t.Parallel()
	good := packed(t, `{"Must":"x","Item":{"Text":"a"}}`)
	for _, tt := range []struct {
		name, encoding, body, code string
		status                     int
	}{
		{"gzip", "gzip", good, "", 200},
		{"two members", "gzip", packed(t, `{"Must":"x",`) + packed(t, `"Item":{}}`), "", 200},
		{"identity", "identity", `{"Must":"x"}`, "", 200},
		{"cut off", "gzip", good[:len(good)-4], "SerializationException", 400},
		{"garbage behind it", "gzip", good + "garbage", "SerializationException", 400},
		{"not packed", "gzip", `{"Must":"x"}`, "SerializationException", 400},
		{"empty", "gzip", "", "SerializationException", 400},
		{"a bomb", "gzip", packed(t, strings.Repeat(" ", 64<<20)), "SerializationException", 400},
		{"another encoding", "br", good, "UnsupportedMediaType", 415},
		{"packed twice", "gzip, gzip", packed(t, good), "UnsupportedMediaType", 415},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			r := w.send(t, request{target: "CloudTrail_20131101.Echo", body: tt.body, header: map[string]string{"Content-Encoding": tt.encoding}})
			if tt.code != "" {
				wantRefusal(t, r, tt.code, tt.status)
			} else if r.StatusCode != 200 {
				t.Errorf("%d %s", r.StatusCode, text(t, r))
			}
			w.wantEvents(t, 1, 0)
		})
	}
}

// An empty body means no parameters.
func TestEmptyBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, body := range []string{"", "{}", "null"} {
		r := w.send(t, request{target: "CloudTrail_20131101.Slow", body: body})
		if got := text(t, r); r.StatusCode != 200 || got != "{}" {
			t.Errorf("%q: %d %s", body, r.StatusCode, got)
		}
	}
	r := w.send(t, request{service: "iam", body: "Action=Slow"})
	if got := text(t, r); r.StatusCode != 200 || !strings.Contains(got, "<RequestId>") {
		t.Errorf("%d %s", r.StatusCode, got)
	}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, message string }{
		{`{}`, "Value null at 'must' failed to satisfy constraint: Member must not be null"},
		{`{"Must":"x","Item":{"limitedName":"ab"}}`, "Value 'ab' at 'item.limitedName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{`{"Must":"x","Item":{"limitedName":"abcdef"}}`, "Value 'abcdef' at 'item.limitedName' failed to satisfy constraint: Member must have length less than or equal to 5"},
		{`{"Must":"x","Item":{"limitedName":"ABC"}}`, "Value 'ABC' at 'item.limitedName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z,]+$"},
		{`{"Must":"x","Item":{"limitedName":"abc\n"}}`, "Value 'abc\n' at 'item.limitedName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z,]+$"},
		{`{"Must":"x","Item":{"Choice":"three"}}`, "Value 'three' at 'item.choice' failed to satisfy constraint: Member must satisfy enum value set: [one, two]"},
		{`{"Must":"x","Item":{"Page":0}}`, "Value '0' at 'item.page' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{`{"Must":"x","Item":{"Page":51}}`, "Value '51' at 'item.page' failed to satisfy constraint: Member must have value less than or equal to 50"},
		{`{"Must":"x","Item":{"Items":[{},{"Inner":{"Page":51}}]}}`, "Value '51' at 'item.items.2.member.inner.page' failed to satisfy constraint: Member must have value less than or equal to 50"},
		{`{"Must":"x","Item":{"ByName":{"k":{"Page":51}}}}`, "Value '51' at 'item.byName.k.member.page' failed to satisfy constraint: Member must have value less than or equal to 50"},
	} {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			r := w.send(t, echoJSON(tt.body))
			var e struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			if err := json.Unmarshal([]byte(text(t, r)), &e); err != nil {
				t.Fatal(err)
			}
			if r.StatusCode != 400 || e.Type != "ValidationException" || e.Message != "1 validation error detected: "+tt.message {
				t.Errorf("%d %+v", r.StatusCode, e)
			}
			w.wantEvents(t, 1, 0)
		})
	}
	w := newWorld(t, nil)
	wantRefusal(t, w.send(t, echoForm("&Item.Page=0")), "ValidationError", 400)
	for _, body := range []string{`{"Must":"x","Item":{"limitedName":"äöü"}}`, `{"Must":"x","Item":{"Page":1}}`, `{"Must":"x","Item":{"Page":50,"Choice":"two","limitedName":"a,b,c"}}`} {
		r := w.send(t, echoJSON(body))
		if allowed := !strings.Contains(body, "ä"); allowed != (r.StatusCode == 200) {
			t.Errorf("%s: %d", body, r.StatusCode)
		}
	}
}
