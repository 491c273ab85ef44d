package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"cairn/aws"
	"cairn/internal/sigv4"
)

type cfg = aws.Config

// wantRefusal fails the test unless an answer is an error in a form that the
// clients of its protocol read.
func wantRefusal(t testing.TB, r *http.Response, code string, status int) {
	t.Helper()
	body := text(t, r)
	if !utf8.ValidString(body) {
		t.Errorf("error body %q is not UTF-8", body)
	}
	got := ""
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil || e.Message == "" {
			t.Errorf("error body %s: %v", body, err)
		}
		got = e.Type
	} else {
		var e struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Error   struct{ Type, Code, Message string }
			ID      string `xml:"RequestId"`
		}
		if err := xml.Unmarshal([]byte(body), &e); err != nil || e.Error.Message == "" || e.ID != r.Header.Get("X-Amzn-Requestid") {
			t.Errorf("error body %s: %v", body, err)
		}
		if fault := e.Error.Type; (fault == "Receiver") != (status >= 500) || fault != "Sender" && status < 500 {
			t.Errorf("at fault with status %d is the %s", status, fault)
		}
		got = e.Error.Code
	}
	if got != code || r.StatusCode != status || r.Header.Get("X-Amzn-Errortype") != code {
		t.Errorf("%d %s, header %s; want %d %s: %.500s", r.StatusCode, got, r.Header.Get("X-Amzn-Errortype"), status, code, body)
	}
}

// The service of the credential scope decides which API a request is for, and
// each of its ends is found.
func TestRouting(t *testing.T) {
	t.Parallel()
	form := "Action=Echo&Must=x"
	presigned := func(service string) string {
		r := httptest.NewRequest("GET", "http://aws.test/?"+form, nil)
		u, err := sigv4.Presign(r, sigv4.EmptyPayload, sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, service, "us-east-1", time.Minute, now)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, tt := range []struct {
		name, code string
		status     int
		operation  string // as recorded; "-" if it is only counted
		q          request
	}{
		{"the Go SDK's target", "", 200, "Echo", echoJSON(`{"Must":"x"}`)},
		{"botocore's target", "", 200, "Echo", request{target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.Echo", body: `{"Must":"x"}`}},
		{"any prefix", "", 200, "Echo", request{target: "x.CloudTrail_20131101.Echo", body: `{"Must":"x"}`}},
		{"another path", "", 200, "Echo", request{target: "CloudTrail_20131101.Echo", body: `{"Must":"x"}`, url: "http://aws.test/some/path"}},
		{"a target without a dot before it", "UnknownOperationException", 400, "", request{target: "xCloudTrail_20131101.Echo"}},
		{"another API's target", "UnknownOperationException", 400, "", request{target: "DynamoDB_20120810.ListTables"}},
		{"no target", "UnknownOperationException", 400, "", request{body: `{}`}},
		{"a target of no operation", "UnknownOperationException", 400, "", request{target: "CloudTrail_20131101."}},
		{"an operation that AWS does not have", "UnknownOperationException", 400, "MakeTea", request{target: "CloudTrail_20131101.MakeTea"}},
		{"an operation in odd bytes", "UnknownOperationException", 400, "\xff\xfe", request{target: "CloudTrail_20131101.\xff\xfe"}},
		{"an operation that AWS has", "UnsupportedOperationException", 400, "StartTrail", request{target: "CloudTrail_20131101.StartTrail"}},
		{"another service's operation in JSON", "MissingAction", 400, "", request{service: "iam", target: "CloudTrail_20131101.Echo", body: `{"Must":"x"}`}},
		{"a form", "", 200, "Echo", request{service: "iam", body: form}},
		{"a form in the query", "", 200, "Echo", request{service: "iam", method: "GET", url: "http://aws.test/?" + form}},
		{"a presigned form", "", 200, "Echo", request{unsigned: true, method: "GET", url: presigned("iam")}},
		{"a presigned form for another service", "UnknownOperationException", 400, "", request{unsigned: true, method: "GET", url: presigned("cloudtrail")}},
		{"no action", "MissingAction", 400, "", request{service: "iam", body: "Version=2010-05-08"}},
		{"another version", "NoSuchVersion", 400, "", request{service: "iam", body: form + "&Version=2008-01-01"}},
		{"a form of no operation", "InvalidAction", 400, "MakeTea", request{service: "iam", body: "Action=MakeTea"}},
		{"a form of a missing operation", "UnsupportedOperationException", 400, "StartTrail", request{service: "iam", body: "Action=StartTrail"}},
		{"a service that is not served", "UnknownOperationException", 404, "", request{service: "sqs", target: "AmazonSQS.ListQueues"}},
		{"a region that is not there", "UnrecognizedClientException", 400, "", request{region: "mars-north-1", target: "CloudTrail_20131101.Echo", body: `{"Must":"x"}`}},
		{"unsigned", "MissingAuthenticationTokenException", 400, "-", request{unsigned: true, target: "CloudTrail_20131101.Echo", body: `{"Must":"x"}`}},
		{"an unsigned form", "MissingAuthenticationToken", 403, "-", request{unsigned: true, body: form}},
		{"an unknown key", "UnrecognizedClientException", 400, "-", request{id: "AKIAUNKNOWN", target: "CloudTrail_20131101.Echo"}},
		{"an unknown key on a form", "InvalidClientTokenId", 403, "-", request{service: "iam", id: "AKIAUNKNOWN", body: form}},
		{"an expired token", "ExpiredTokenException", 400, "-", request{id: "ASIAEXPIRED", target: "CloudTrail_20131101.Echo"}},
		{"an expired token on a form", "ExpiredToken", 403, "-", request{service: "iam", id: "ASIAEXPIRED", body: form}},
		{"a wrong secret", "InvalidSignatureException", 400, "-", request{secret: "guess", target: "CloudTrail_20131101.Echo"}},
		{"a wrong secret on a form", "SignatureDoesNotMatch", 403, "-", request{service: "iam", secret: "guess", body: form}},
		{"keys that cannot be looked up", "InternalFailure", 500, "", request{id: "AKIABROKEN", target: "CloudTrail_20131101.Echo"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			r := w.send(t, tt.q)
			if tt.code != "" {
				wantRefusal(t, r, tt.code, tt.status)
			} else if r.StatusCode != tt.status {
				t.Errorf("%d %s", r.StatusCode, text(t, r))
			}
			if tt.operation == "-" {
				w.wantEvents(t, 0, 1)
				return
			}
			w.wantEvents(t, 1, 0)
			if got := w.calls[0].Operation; got != tt.operation {
				t.Errorf("the record names %q, want %q", got, tt.operation)
			}
		})
	}
}

// The boundaries of ±15 minutes, to the second (S4).
func TestSkew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		skew time.Duration
		good bool
	}{{0, true}, {15 * time.Minute, true}, {-15 * time.Minute, true}, {15*time.Minute + time.Second, false}, {-15*time.Minute - time.Second, false}, {24 * time.Hour, false}, {-365 * 24 * time.Hour, false}} {
		w := newWorld(t, nil)
		q := echoJSON(`{"Must":"x"}`)
		q.skew = tt.skew
		r := w.send(t, q)
		if tt.good {
			if r.StatusCode != 200 {
				t.Errorf("%v: %d %s", tt.skew, r.StatusCode, text(t, r))
			}
			continue
		}
		wantRefusal(t, r, "InvalidSignatureException", 400)
		w.wantEvents(t, 0, 1)
	}
}

// A call is told in its record as it was.
func TestCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := w.send(t, request{region: "eu-west-1", target: "CloudTrail_20131101.Echo", body: `{"Must":"x","Mode":"warn","Item":{"Count":7,"When":5},"Other":1}`})
	c := w.calls[0]
	if c.Service != "cloudtrail" || c.Region != "eu-west-1" || c.SourceIP.String() != "192.0.2.7" || c.UserAgent != "tester/1" || c.Host != "aws.test" ||
		c.RequestID != r.Header.Get("X-Amzn-Requestid") || !c.Time.Equal(now) || c.Account() != account || c.Identity.AccessKeyID != keyID || c.Err != nil {
		t.Errorf("recorded %+v", c)
	}
	got, err := json.Marshal([]any{c.Input, c.Output})
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"Item":{"Count":7,"When":"1970-01-01T00:00:05Z"},"Mode":"warn","Must":"x"},{"Item":{"Count":7,"When":"1970-01-01T00:00:05Z"}}]`; string(got) != want {
		t.Errorf("parameters and answer are\n%s, want\n%s", got, want)
	}
	if r.Header.Get("X-Test-Warning") != "careful" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", r.Header)
	}
	if w.asked[0] != "cloudtrail:Echo arn:x" {
		t.Errorf("asked for %v", w.asked)
	}
}

// Each call leaves exactly one event, whatever becomes of it (S19).
func TestFailedCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode, jsonCode string
		jsonStatus     int
		formCode       string
		formStatus     int
		recorded       string
	}{
		{"missing", "NoSuchEntity", 404, "NoSuchEntity", 404, "NoSuchEntity"},
		{"server", "ServiceFailure", 500, "ServiceFailure", 500, "ServiceFailure"},
		{"break", "InternalFailure", 500, "InternalFailure", 500, "InternalFailure"},
		{"panic", "InternalFailure", 500, "InternalFailure", 500, "InternalFailure"},
		{"deny", "AccessDeniedException", 400, "AccessDenied", 403, "AccessDenied"},
	} {
		w := newWorld(t, nil)
		w.deny = tt.mode == "deny"
		wantRefusal(t, w.send(t, echoJSON(`{"Must":"x","Mode":"`+tt.mode+`"}`)), tt.jsonCode, tt.jsonStatus)
		wantRefusal(t, w.send(t, echoForm("&Mode="+tt.mode)), tt.formCode, tt.formStatus)
		w.wantEvents(t, 2, 0)
		for _, c := range w.calls {
			if c.Err == nil || c.Err.Code != tt.recorded || c.Output != nil || c.Operation != "Echo" || c.Input["Mode"] != tt.mode {
				t.Errorf("%s is recorded as %s %v with %v, %v", tt.mode, c.Operation, c.Input, c.Err, c.Output)
			}
		}
		// What only the operator may know is in the log alone, on one line each.
		logged := w.log.String()
		if quiet := tt.jsonCode != "InternalFailure"; quiet != (logged == "") {
			t.Errorf("%s: logged %q", tt.mode, logged)
		}
		wantOneLineEach(t, logged)
	}
}

func wantOneLineEach(t *testing.T, logged string) {
	t.Helper()
	for line := range strings.Lines(logged) {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("a line of the log was begun by a caller: %q", line)
		}
		if strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' }) >= 0 {
			t.Errorf("the log has control characters: %q", line)
		}
	}
}

// Permission comes before the rules for parameters, so that nobody without it
// learns from their errors; syntax comes before both.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cfg) { c.Throttle = true })
	w.deny = true
	wantRefusal(t, w.send(t, echoJSON(`{"Item":{"Page":99}}`)), "AccessDeniedException", 400)
	wantRefusal(t, w.send(t, echoJSON(`{"Item":{"Page":"x"}}`)), "SerializationException", 400)
	wantRefusal(t, w.send(t, request{target: "CloudTrail_20131101.StartTrail"}), "AccessDeniedException", 400)
	wantRefusal(t, w.send(t, request{target: "CloudTrail_20131101.MakeTea"}), "UnknownOperationException", 400)
	if r := w.send(t, request{target: "CloudTrail_20131101.Slow"}); r.StatusCode != 200 {
		t.Errorf("an operation that needs no permission: %d", r.StatusCode)
	}
	if want := []string{"cloudtrail:Echo arn:", "cloudtrail:StartTrail *"}; strings.Join(w.asked, "|") != strings.Join(want, "|") {
		t.Errorf("asked for %q", w.asked)
	}
	w.wantEvents(t, 5, 0)
}

// Without a record there is no answer.
func TestUnrecorded(t *testing.T) {
	t.Parallel()
	for _, q := range []request{echoJSON(`{"Must":"x","Item":{"Text":"the-answer"}}`), echoForm("&Item.Text=the-answer"), echoJSON(`{"Must":"x","Mode":"missing"}`), {target: "CloudTrail_20131101.MakeTea\x1b[31m"}} {
		w := newWorld(t, nil)
		w.failing = errors.New("disk full\nlevel=INFO msg=forged")
		r := w.send(t, q)
		body := text(t, r)
		r.Body = io.NopCloser(strings.NewReader(body))
		wantRefusal(t, r, "ServiceUnavailable", 503)
		if strings.Contains(body, "the-answer") || strings.Contains(body, "that") || strings.Contains(body, "disk") || r.Header.Get("X-Test-Warning") != "" {
			t.Errorf("the answer is %s", body)
		}
		if w.log.Len() == 0 {
			t.Error("nothing is logged")
		}
		wantOneLineEach(t, w.log.String())
	}
}

// S20: what callers send cannot begin a line of the log, nor steer a terminal.
func TestLogInjection(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{"\n", "\r\n", "\x1b[2J", "\x00", "\x7f", "\t", "\u0085", "\u2028", "\x1b]0;title\x07", "\" level=INFO msg=\"forged"} {
		w := newWorld(t, nil)
		w.failing = errors.New("disk full")
		form := httptest.NewRequest("POST", "http://aws.test/", strings.NewReader("Action="+urlEscape("Echo"+payload+"time=forged")+"&Must="+urlEscape(payload)))
		body, err := io.ReadAll(form.Body)
		if err != nil {
			t.Fatal(err)
		}
		r := w.send(t, request{service: "iam", body: string(body)})
		wantRefusal(t, r, "ServiceUnavailable", 503)
		if n := strings.Count(w.log.String(), "\n"); n != 1 {
			t.Errorf("%q makes %d lines", payload, n)
		}
		wantOneLineEach(t, w.log.String())
	}
}

func urlEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString("%" + strings.ToUpper(hexByte(c)))
	}
	return b.String()
}

func hexByte(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// S21: bodies are bounded, and those of strangers are not read at all.
func TestBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cfg) { c.MaxBody = 100 })
	pad := func(n int) string { return `{"Must":"x"}` + strings.Repeat(" ", n-12) }
	if r := w.send(t, echoJSON(pad(100))); r.StatusCode != 200 {
		t.Errorf("100 bytes: %d", r.StatusCode)
	}
	wantRefusal(t, w.send(t, echoJSON(pad(101))), "RequestEntityTooLarge", 413)
	w.wantEvents(t, 1, 1)

	send := func(q request, body io.Reader) *http.Response {
		r := q.build(t)
		r.Body = io.NopCloser(body)
		rec := httptest.NewRecorder()
		w.mux.ServeHTTP(rec, r)
		return rec.Result()
	}
	wantRefusal(t, send(echoJSON(`{"Must":"x"}`), iotest.ErrReader(errors.New("gone"))), "RequestTimeout", 400)
	for _, stranger := range []request{{unsigned: true}, {id: "AKIAUNKNOWN"}, {id: "ASIAEXPIRED"}} {
		read := 0
		send(stranger, readerFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil }))
		if read > 0 {
			t.Errorf("%d bytes of a stranger's body were read", read)
		}
	}
	read := 0
	send(request{secret: "guess"}, readerFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil }))
	if read == 0 || read > 4096 {
		t.Errorf("%d bytes of an endless body were read", read)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, code string
		status     int
		recorded   int
		q          request
		deny       bool
		failing    error
	}{
		{name: "good", status: 200, recorded: 1, q: request{body: "hello"}},
		{name: "unsigned", code: "MissingAuthenticationToken", status: 403, q: request{unsigned: true}},
		{name: "for another service", code: "InvalidSignatureException", status: 400, recorded: 1, q: request{service: "iam"}},
		{name: "denied", code: "AccessDeniedException", status: 400, recorded: 1, deny: true},
		{name: "too large", code: "RequestEntityTooLarge", status: 413, q: request{body: strings.Repeat("x", 65)}},
		{name: "broken", code: "InternalFailure", status: 500, recorded: 1, q: request{body: "break"}},
		{name: "panic", code: "InternalFailure", status: 500, recorded: 1, q: request{body: "panic"}},
		{name: "unrecorded", code: "ServiceUnavailable", status: 503, failing: errors.New("disk full")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.deny, w.failing = tt.deny, tt.failing
			acted := 0
			h := w.mux.Handler(aws.Route{Operation: "PutEvents", MaxBody: 64, Serve: func(_ context.Context, c *aws.Call, _ *http.Request, body []byte) (func(http.ResponseWriter), error) {
				acted++
				switch string(body) {
				case "break":
					return nil, errors.New("internal detail")
				case "panic":
					panic("a defect")
				}
				c.Output = map[string]any{"n": len(body)}
				return func(rw http.ResponseWriter) { rw.Write(bytes.ToUpper(body)) }, nil
			}})
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, tt.q.build(t))
			r := rec.Result()
			if tt.code != "" {
				wantRefusal(t, r, tt.code, tt.status)
			} else if got := text(t, r); got != "HELLO" {
				t.Errorf("%d %s", r.StatusCode, got)
			}
			if (tt.deny || tt.q.unsigned) && acted > 0 {
				t.Error("it acted for a caller that may not")
			}
			counted := 0
			if tt.recorded == 0 && tt.failing == nil {
				counted = 1
			}
			w.wantEvents(t, tt.recorded, counted)
		})
	}
}
