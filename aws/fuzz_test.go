package aws_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"cairn/aws"
)

// Whatever a body holds, there is one answer that its client can read, and one
// record.
func FuzzJSONBody(f *testing.F) {
	for _, seed := range []string{
		`{"Must":"x"}`, `{"Must":"x","Item":{"Text":"a","Flag":true,"Count":1,"Big":2,"Ratio":1e3,"Blob":"AA==","When":1.5,"Words":["a"],"Items":[{}],"Texts":{"a":"b"},"ByName":{"a":{}},"Inner":{"Inner":null}}}`,
		`{"Item":{"When":"2015-01-27T00:16:22Z"}}`, `[[[[`, `{"a":{"a":{"a":`, "\xff", `{"Must":"\ud800"}`, `{"Item":{"When":-1e11}}`, `{"Item":{"limitedName":"ABC","Page":0}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t, nil)
		r := w.send(t, echoJSON(body))
		answer := text(t, r)
		var got map[string]any
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Errorf("%d %s: %v", r.StatusCode, answer, err)
		}
		switch {
		case r.StatusCode == 200 && answer != "{}":
			// What was answered is read back as the same.
			again := text(t, w.send(t, echoJSON(`{"Must":"x",`+answer[1:])))
			if again != answer {
				t.Errorf("%s\nis read back as %s", answer, again)
			}
		case r.StatusCode != 200 && r.StatusCode != 400:
			t.Errorf("%d %s", r.StatusCode, answer)
		}
		wantInternal(t, w)
	})
}

func FuzzQueryBody(f *testing.F) {
	for _, seed := range []string{
		"Action=Echo&Must=x", "Action=Echo&Version=2010-05-08&Must=x&Item.Words.member.1=a&Item.Texts.entry.1.key=k&Item.Texts.entry.1.value=v",
		"Action=Echo&Must=x&Item.Flag=true&Item.Count=1&Item.Ratio=NaN&Item.When=2015-01-27T00%3A16%3A22Z&Item.Blob=AA%3D%3D",
		"Action=%00&a.b.c.d=1&a=2&a.b=3", "....=&=.&Action=Echo", "Action=Echo&Item.Items.member.1.Items.member.1.Inner.Text=a&Must=%ff", "a;b", "%zz",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t, nil)
		r := w.send(t, request{service: "iam", body: body})
		answer := text(t, r)
		d := xml.NewDecoder(strings.NewReader(answer))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%d %s: %v", r.StatusCode, answer, err)
			}
		}
		if r.StatusCode != 200 && r.StatusCode != 400 || !utf8.ValidString(answer) {
			t.Errorf("%d %q", r.StatusCode, answer)
		}
		wantInternal(t, w)
	})
}

func wantInternal(t *testing.T, w *world) {
	t.Helper()
	if len(w.calls) == 0 || len(w.counted) > 0 {
		t.Errorf("%d calls are recorded, %d counted", len(w.calls), len(w.counted))
	}
	if w.log.Len() > 0 {
		t.Errorf("an internal failure: %s", w.log.String())
	}
}

// Whatever a request's head says, nobody without the secret acts, and the server
// stands.
func FuzzHeaders(f *testing.F) {
	f.Add("POST", "CloudTrail_20131101.Echo", "AWS4-HMAC-SHA256 Credential="+keyID+"/20260304/us-east-1/cloudtrail/aws4_request, SignedHeaders=host, Signature=00", "20260304T050607Z", "gzip", "Action=Echo")
	f.Add("GET", "", "", "", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+keyID+"%2F20260304%2Fus-east-1%2Fiam%2Faws4_request&X-Amz-Date=20260304T050607Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Fuzz(func(t *testing.T, method, target, authorization, date, encoding, query string) {
		r, err := http.NewRequest(method, "http://aws.test/", strings.NewReader(`{"Must":"x"}`))
		if err != nil {
			t.Skip()
		}
		r.URL.RawQuery = query
		r.Header = http.Header{"X-Amz-Target": {target}, "Authorization": {authorization}, "X-Amz-Date": {date}, "Content-Encoding": {encoding}}
		w := newWorld(t, nil)
		answer, err := aws.InProcess{Handler: w.mux}.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode == 200 || len(w.calls) > 0 {
			t.Errorf("%d %s", answer.StatusCode, text(t, answer))
		}
	})
}
