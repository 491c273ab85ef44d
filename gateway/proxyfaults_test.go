package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn/gateway"
)

func readCall(t *testing.T, p *proxy) *http.Request {
	return newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil)
}

func writeCall(t *testing.T, p *proxy) *http.Request {
	return newCall(t, http.MethodPost, p.url+"/", "dynamodb", strings.NewReader(`{"TableName":"t"}`),
		"X-Amz-Target", "DynamoDB_20120810.DeleteTable", "Content-Type", "application/x-amz-json-1.0")
}

// An upstream that dies at any byte of its answer gives 502, or an answer that is cut as
// well; the record says so.
func TestUpstreamDiesAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-amzn-requestid: R\r\n\r\n{   }",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{   }\r\n0\r\n\r\n",
	} {
		var at atomic.Int64
		b := newRawBackend(t, func(conn net.Conn, _ *seen) bool {
			io.WriteString(conn, answer[:at.Load()])
			return false
		})
		p := startProxy(t, b.url, nil)
		for n := range len(answer) {
			at.Store(int64(n))
			resp, body := p.do(t, writeCall(t, p))
			if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, `"__type":"BadGateway"`) {
				t.Fatalf("cut at %d: %d %q", n, resp.StatusCode, body)
			}
			records := p.log.await(t, n+1)
			wantFields(t, records[n], map[string]string{
				"eventName": "DeleteTable", "errorCode": "BadGateway", "additionalEventData.outcome": "unknown", "requestParameters.tableName": "t",
			})
		}
		at.Store(int64(len(answer)))
		if resp, body := p.do(t, writeCall(t, p)); resp.StatusCode != 200 || body != "{   }" {
			t.Errorf("%d %q", resp.StatusCode, body)
		}
		if len(b.seen()) != len(answer)+1 {
			t.Errorf("the backend saw %d calls of %d", len(b.seen()), len(answer)+1)
		}
	}
}

// What is no HTTP, or could be read in two ways, is not passed on.
func TestUpstreamTalksNonsense(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 99 No\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nA: b\x00c\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 300<<10) + "\r\n\r\n",
		strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100),
	} {
		b := newRawBackend(t, func(conn net.Conn, _ *seen) bool { io.WriteString(conn, answer); return false })
		p := startProxy(t, b.url, nil)
		resp, body := p.do(t, readCall(t, p))
		if resp.StatusCode != http.StatusBadGateway {
			t.Errorf("%.60q: %d %q", answer, resp.StatusCode, body)
		}
		wantFields(t, p.log.await(t, 1)[0], map[string]string{"errorCode": "BadGateway"})
	}
}

// An upstream that is not there, or keeps silent, is said so.
func TestUpstreamUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	l.Close()
	p := startProxy(t, nobody, nil)
	if resp, _ := p.do(t, writeCall(t, p)); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("%d", resp.StatusCode)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"errorCode": "BadGateway", "additionalEventData.outcome": "null"})

	silent := newRawBackend(t, func(net.Conn, *seen) bool { time.Sleep(200 * time.Millisecond); return false })
	p = startProxy(t, silent.url, func(c *gateway.Config) { c.Routes[0].AnswerTimeout = 50 * time.Millisecond })
	if resp, _ := p.do(t, writeCall(t, p)); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("%d", resp.StatusCode)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"errorCode": "GatewayTimeout", "additionalEventData.outcome": "unknown"})
}

// A second upstream takes over where nothing was sent to the first one.
func TestUpstreamsTakeTurns(t *testing.T) {
	t.Parallel()
	one, two := newRawBackend(t, says(okAnswer)), newRawBackend(t, says(okAnswer))
	p := startProxy(t, one.url, func(c *gateway.Config) { c.Routes[0].Upstreams = []string{one.url, two.url} })
	for range 4 {
		p.do(t, readCall(t, p))
	}
	if len(one.seen()) != 2 || len(two.seen()) != 2 {
		t.Errorf("%d and %d calls", len(one.seen()), len(two.seen()))
	}
	one.l.Close()
	one.mu.Lock()
	for _, c := range one.conns {
		c.Close()
	}
	one.mu.Unlock()
	for range 12 {
		if resp, body := p.do(t, writeCall(t, p)); resp.StatusCode != 200 {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if len(two.seen()) != 14 {
		t.Errorf("the other one had %d calls", len(two.seen()))
	}
	for _, s := range p.Stats() {
		if s.Route == "main" && (s.Upstreams[0].Healthy || !s.Upstreams[1].Healthy || s.UpstreamErrors != 3) {
			t.Errorf("%+v", s)
		}
	}
}

// Strict: without an intent the backend does not see a change.
func TestStrictNeedsIntent(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	p.log.fail(errLogFails, nil)
	if resp, body := p.do(t, writeCall(t, p)); resp.StatusCode != 503 || !strings.Contains(body, `"__type":"ServiceUnavailable"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	p.log.fail(nil, nil)
	p.intents.Close()
	if resp, _ := p.do(t, writeCall(t, p)); resp.StatusCode != 503 {
		t.Errorf("%d", resp.StatusCode)
	}
	if n := len(b.seen()); n != 0 {
		t.Errorf("the backend saw %d calls", n)
	}
	if resp, _ := p.do(t, readCall(t, p)); resp.StatusCode != 200 {
		t.Errorf("a read: %d", resp.StatusCode)
	}
}

// Strict: what the backend answered to a change is released, and its record kept until the
// log takes it. A read is not answered without its record.
func TestStrictKeepsRecords(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	p.log.fail(nil, func(string) error { return errLogFails })
	if resp, body := p.do(t, writeCall(t, p)); resp.StatusCode != 200 || body != "ok" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if s := p.intents.Stats(); s.Kept != 1 {
		t.Errorf("%+v", s)
	}
	if resp, body := p.do(t, readCall(t, p)); resp.StatusCode != 503 || strings.Contains(body, "ok") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	p.log.fail(nil, nil)
	p.do(t, writeCall(t, p)) // the end of a call wakes the journal
	records := p.log.await(t, 2)
	wantFields(t, records[0], map[string]string{"eventName": "DeleteTable", "additionalEventData.outcome": "null"})
	if strings.Contains(p.lines.String(), "PLANTED") || len(b.seen()) != 3 {
		t.Errorf("%d calls", len(b.seen()))
	}
}

func TestRelaxedPasses(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Routes[0].Relaxed, c.Intents = true, nil })
	p.log.fail(errLogFails, func(string) error { return errLogFails })
	for _, r := range []*http.Request{readCall(t, p), writeCall(t, p)} {
		if resp, body := p.do(t, r); resp.StatusCode != 200 || body != "ok" {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if s := p.Stats()[1]; s.Unrecorded != 2 || s.Calls != 2 {
		t.Errorf("%+v", s)
	}
}

// A client that goes away in the middle of its upload, or of its download, leaves a record
// with what passed.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64<<20)
		io.CopyN(conn, nought{}, 64<<20)
		return false
	})
	p := startProxy(t, b.url, nil)
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "PUT /bucket/key HTTP/1.1\r\nHost: h\r\n"+auth+"Content-Length: 1000000\r\n\r\n"+strings.Repeat("x", 100_000))
	for len(p.intentsBegun()) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	conn.Close()
	records := p.log.await(t, 1)
	wantFields(t, records[0], map[string]string{
		"eventName": "PutObject", "additionalEventData.outcome": "aborted", "additionalEventData.bytesTransferredIn": "100000",
	})
	conn, err = net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET /bucket/key HTTP/1.1\r\nHost: h\r\n"+auth+"\r\n")
	io.CopyN(io.Discard, conn, 1<<20)
	conn.Close()
	records = p.log.await(t, 2)
	wantFields(t, records[1], map[string]string{"eventName": "GetObject", "additionalEventData.outcome": "aborted"})
	if out := field(t, records[1], "additionalEventData.bytesTransferredOut"); len(out) < 7 || out == "67108864" {
		t.Errorf("%s bytes out", out)
	}
	if s := p.intents.Stats(); s.Open != 0 {
		t.Errorf("%+v", s)
	}
}

// A client that does not wait for the rest of a small answer has the status that the
// backend gave in its record, and the backend is not blamed.
func TestClientGivesUpOnSmallAnswer(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"Content-Length: 4\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"} {
		came, gone := make(chan struct{}), make(chan struct{})
		b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nx-amz-request-id: R1\r\n"+head)
			close(came)
			<-gone
			return false
		})
		p := startProxy(t, b.url, func(c *gateway.Config) { c.Routes[0].Relaxed = true })
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET /bucket/key HTTP/1.1\r\nHost: h\r\n"+auth+"\r\n")
		<-came
		time.Sleep(200 * time.Millisecond) // so that the head has come
		conn.Close()
		records := p.log.await(t, 1)
		close(gone)
		wantFields(t, records[0], map[string]string{"eventName": "GetObject", "additionalEventData.outcome": "aborted", "errorCode": "null", "requestID": "R1"})
	}
}

func (p *proxy) intentsBegun() string { return strings.Repeat("x", int(p.intents.Stats().Begun)) }

type nought struct{}

func (nought) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A large object passes in both directions, unharmed, and its record is there before its
// last byte.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	early := make(chan int, 1)
	var records atomic.Pointer[recordLog]
	content := make([]byte, size)
	rand.Read(content)
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		if len(s.body) > 0 {
			io.WriteString(conn, okAnswer)
			return true
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		conn.Write(content[:size-1])
		time.Sleep(20 * time.Millisecond)
		early <- len(records.Load().all())
		_, err := conn.Write(content[size-1:])
		return err == nil
	})
	p := startProxy(t, b.url, nil)
	records.Store(p.log)
	resp, err := p.client.Do(newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, size)
	if n, err := io.ReadFull(resp.Body, got); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, not those that were sent, %v", n, err)
	}
	resp.Body.Close()
	written := p.log.all() // no waiting: it was there before the last byte
	if len(written) != 1 || <-early != 0 {
		t.Fatalf("%d records", len(written))
	}
	wantFields(t, written[0], map[string]string{"eventName": "GetObject", "additionalEventData.bytesTransferredOut": fmt.Sprint(size)})
	up := newCall(t, http.MethodPut, p.url+"/bucket/key", "s3", io.LimitReader(nought{}, size))
	up.ContentLength = size
	if resp, _ := p.do(t, up); resp.StatusCode != 200 || len(b.seen()[1].body) != size {
		t.Errorf("%d", resp.StatusCode)
	}
	up = newCall(t, http.MethodPut, p.url+"/bucket/key", "s3", io.LimitReader(nought{}, size))
	up.ContentLength = -1 // chunked
	if resp, _ := p.do(t, up); resp.StatusCode != 200 || len(b.seen()[2].body) != size {
		t.Errorf("%d", resp.StatusCode)
	}
	for _, raw := range p.log.await(t, 3)[1:] {
		wantFields(t, raw, map[string]string{"eventName": "PutObject", "additionalEventData.bytesTransferredIn": fmt.Sprint(size)})
	}
}

// A large answer that the upstream breaks off, in order or not, breaks off at the client,
// who has had the right bytes until then, and the record says so.
func TestLargeAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	content := make([]byte, size)
	rand.Read(content)
	for _, reset := range []bool{false, true} {
		b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
			conn.Write(content[:size/2])
			if reset {
				conn.(*net.TCPConn).SetLinger(0)
			}
			return false
		})
		p := startProxy(t, b.url, nil)
		resp, err := p.client.Do(newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err == nil || len(got) > size/2 || !bytes.Equal(got, content[:len(got)]) || !reset && len(got) != size/2 {
			t.Errorf("reset %v: %d bytes, %v", reset, len(got), err)
		}
		resp.Body.Close()
		record := p.log.await(t, 1)[0]
		wantFields(t, record, map[string]string{"eventName": "GetObject", "additionalEventData.outcome": "broken"})
		if out := field(t, record, "additionalEventData.bytesTransferredOut"); !reset && out != fmt.Sprint(size/2) {
			t.Errorf("%s bytes out", out)
		}
	}
}

// An answer of unknown length passes as it comes; one without an end is captured no further
// than the bound.
func TestAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/vnd.amazon.eventstream\r\n\r\n")
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", 8<<10, strings.Repeat("e", 8<<10)); err != nil {
				return false
			}
		}
	})
	p := startProxy(t, b.url, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := newCall(t, http.MethodPost, p.url+"/bucket/key?select&select-type=2", "s3", strings.NewReader("<SelectObjectContentRequest/>")).WithContext(ctx)
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, 4<<20); err != nil {
		t.Fatal(err)
	}
	if len(p.log.all()) != 0 || p.intents.Stats().Begun != 1 {
		t.Errorf("%d records and %+v", len(p.log.all()), p.intents.Stats())
	}
	cancel()
	resp.Body.Close()
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"eventName": "SelectObjectContent", "additionalEventData.outcome": "aborted"})
}

// Events are passed on at once, each.
func TestEventsFlow(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 3 {
			io.WriteString(conn, "3\r\none\r\n")
			<-more
		}
		io.WriteString(conn, "0\r\nX-Sum: 9\r\n\r\n")
		return true
	})
	p := startProxy(t, b.url, nil)
	resp, err := p.client.Do(readCall(t, p))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for range 3 {
		var event [3]byte
		if _, err := io.ReadFull(resp.Body, event[:]); err != nil || string(event[:]) != "one" {
			t.Fatalf("%q %v", event, err)
		}
		more <- struct{}{}
	}
	if _, err := io.ReadAll(resp.Body); err != nil || resp.Trailer.Get("X-Sum") != "9" {
		t.Errorf("%v %v", resp.Trailer, err)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"additionalEventData.bytesTransferredOut": "9"})
}

// A client that sends its body a byte at a time does not hold its place for ever.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, func(c *gateway.Config) { c.SlowBody = 100 * time.Millisecond })
	for _, head := range []string{
		"PUT /bucket/key HTTP/1.1\r\nHost: h\r\n" + auth + "Content-Length: 1000\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: 1000\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, head)
		go func() {
			for {
				if _, err := conn.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%v %v", resp, err)
		}
		conn.Close()
	}
	for _, s := range b.seen() {
		if s.err == nil {
			t.Errorf("the backend took %q for whole", s.line)
		}
	}
}

// The body of an upload is asked for when the backend asks for it.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	var refuse atomic.Bool
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var mine atomic.Bool // the client has been told to go on
	early := make(chan bool, 2)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			time.Sleep(30 * time.Millisecond)
			early <- mine.Load()
			if refuse.Load() {
				io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			} else {
				io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
				io.Copy(io.Discard, req.Body)
				io.WriteString(conn, okAnswer)
			}
			conn.Close()
		}
	}()
	p := startProxy(t, "http://"+l.Addr().String(), nil)
	for _, refused := range []bool{false, true} {
		refuse.Store(refused)
		mine.Store(false)
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "PUT /bucket/key HTTP/1.1\r\nHost: h\r\n"+auth+"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		br := bufio.NewReader(conn)
		line, err := br.ReadString('\n')
		mine.Store(true)
		switch {
		case err != nil:
			t.Fatal(err)
		case refused:
			if !strings.HasPrefix(line, "HTTP/1.1 403") {
				t.Errorf("%q", line)
			}
		default:
			br.ReadString('\n')
			io.WriteString(conn, "hello")
			resp, err := http.ReadResponse(br, nil)
			if !strings.HasPrefix(line, "HTTP/1.1 100") || err != nil || resp.StatusCode != 200 {
				t.Errorf("%q %v %v", line, resp, err)
			}
		}
		if <-early {
			t.Error("the client was told to go on before the backend was asked")
		}
		conn.Close()
	}
	p.log.await(t, 2)
}

// Too many calls at once are told to come back.
func TestMaxCalls(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool { <-hold; return says(okAnswer)(conn, s) })
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Routes[0].MaxCalls = 1 })
	done := make(chan error, 1)
	go func() {
		resp, err := p.client.Do(readCall(t, p))
		if err == nil && resp.StatusCode != 200 {
			err = errors.New(resp.Status)
		}
		done <- err
	}()
	for len(b.seen()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if resp, body := p.do(t, readCall(t, p)); resp.StatusCode != 503 || !strings.Contains(body, "SlowDown") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	close(hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if codes := p.tally.all(); len(codes) != 1 || codes[0] != "SlowDown" {
		t.Errorf("%v", codes)
	}
}
