package gateway_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/gateway"
	"cairn/internal/sigv4"
)

// newHastyBackend answers each request by its head, and never reads a body. It returns its
// URL and the request lines that it saw.
func newHastyBackend(t *testing.T, answer string) (url string, lines func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var seen []string
	var wait sync.WaitGroup
	var conns []net.Conn
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wait.Go(func() {
				r := bufio.NewReader(conn)
				line, _ := r.ReadString('\n')
				mu.Lock()
				seen = append(seen, strings.TrimSpace(line))
				mu.Unlock()
				for line != "\r\n" && line != "" {
					line, _ = r.ReadString('\n')
				}
				io.WriteString(conn, answer)
				r.Peek(1 << 10)
				<-t.Context().Done()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		wait.Wait()
	})
	return "http://" + l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), seen...)
	}
}

// What is left of a body when the answer has come early is no request.
func TestRestOfBodyIsNoRequest(t *testing.T) {
	t.Parallel()
	const hidden = "GET /bucket/hidden HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, framing := range []struct{ head, begin, rest string }{
		{fmt.Sprintf("Content-Length: %d\r\n", 5+len(hidden)), "begin", hidden},
		{"Transfer-Encoding: chunked\r\n", "5\r\nbegin\r\n", hidden},
	} {
		url, lines := newHastyBackend(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		p := startProxy(t, url, nil)
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "PUT /bucket/key HTTP/1.1\r\nHost: h\r\n"+auth+framing.head+"\r\n"+framing.begin)
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != http.StatusForbidden {
			t.Fatalf("%v %v", resp, err)
		}
		time.Sleep(50 * time.Millisecond) // the call ends
		io.WriteString(conn, framing.rest)
		if again, err := http.ReadResponse(r, nil); err == nil {
			t.Errorf("%s: the rest of the body was answered with %s", framing.head, again.Status)
		}
		if all := lines(); len(all) != 1 {
			t.Errorf("%s: the backend saw %q", framing.head, all)
		}
		wantFields(t, p.log.await(t, 1)[0], map[string]string{"eventName": "PutObject", "errorCode": "AccessDenied"})
	}
}

// A record is made while the body of its call still comes, when the answer is early.
func TestEarlyAnswerIsRecorded(t *testing.T) {
	t.Parallel()
	url, _ := newHastyBackend(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 41\r\n\r\n<Error><Code>AccessDenied</Code></Error> ")
	p := startProxy(t, url, func(c *gateway.Config) {
		c.Identities = opened(t, gateway.IdentitiesConfig{Own: []gateway.OwnKey{{AccessKeyID: "AKIACAIRN", Secret: "own secret"}}})
	})
	for i := range 8 {
		body, client := io.Pipe()
		go func() {
			for {
				if _, err := client.Write(make([]byte, 512)); err != nil {
					return
				}
			}
		}()
		r := newCall(t, http.MethodPut, p.url+"/logs/x", "s3", nil)
		sign(t, r, "s3", "AKIACAIRN", "own secret", sigv4.HashPayload([]byte("log file")))
		r.Body, r.ContentLength = body, -1
		resp, err := p.client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		client.Close()
		wantFields(t, p.log.await(t, i+1)[i], map[string]string{"errorCode": "AccessDenied", "userIdentity.type": "Unknown"})
	}
}

// An upstream over HTTP/2 that breaks off is noticed though the client's events pause.
func TestHTTP2UpstreamFailsDuringEvents(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	p := startProxyOver(t, s.URL, true, func(c *gateway.Config) { c.Routes[0].UpstreamCA = authorityFile(t, s) })
	body, client := io.Pipe()
	defer client.Close()
	r := newCall(t, http.MethodPost, p.url+"/stream-transcription", "transcribe", body, "Content-Type", "application/vnd.amazon.eventstream")
	go client.Write([]byte("event"))
	if resp, _ := p.do(t, r); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("%d", resp.StatusCode)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"errorCode": "BadGateway"})
}

// An upstream that dies while the client's body pauses has died, whatever the body.
func TestUpstreamDiesDuringBody(t *testing.T) {
	t.Parallel()
	url, _ := newHastyBackend(t, "HTTP/1.1 nonsense\r\n\r\n")
	p := startProxy(t, url, nil)
	body, client := io.Pipe()
	defer client.Close()
	r := newCall(t, http.MethodPut, p.url+"/bucket/key", "s3", nil)
	r.Body, r.ContentLength = body, 100
	go client.Write([]byte("begin"))
	if resp, _ := p.do(t, r); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("%d", resp.StatusCode)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"errorCode": "BadGateway", "additionalEventData.outcome": "unknown"})
}

// A client that takes none of its answers does not hold calls for ever.
func TestClientTakesNothing(t *testing.T) {
	t.Parallel()
	answer := "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n" + strings.Repeat("x", 30000)
	b := newRawBackend(t, says(answer))
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Routes[0].IdleTimeout = 300 * time.Millisecond })
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	request := "GET /bucket/key HTTP/1.1\r\nHost: h\r\n" + auth + "\r\n"
	for range 100_000 {
		if _, err = io.WriteString(conn, request); err != nil {
			break
		}
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still there: %v", err)
	}
}

// A trailer is no second header: a backend could take its fields for those that say what is
// called.
func TestTrailersCallNothing(t *testing.T) {
	t.Parallel()
	saw := make(chan http.Header, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		saw <- r.Trailer
	}))
	defer s.Close()
	p := startProxy(t, s.URL, nil)
	for _, large := range []string{"", strings.Repeat("x", 300<<10)} {
		all := p.exchange(t, "PUT /bucket/key HTTP/1.1\r\nHost: h\r\n"+auth+"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n"+
			fmt.Sprintf("%x\r\n%s\r\n", 4+len(large), "body"+large)+
			"0\r\nX-Sum: 1\r\nX-Amz-Target: DynamoDB_20120810.DeleteTable\r\nContent-Length: 3\r\nAuthorization: AWS4\r\n\r\n")
		if !strings.HasPrefix(all, "HTTP/1.1 200") {
			t.Fatalf("%q", all)
		}
		if got := <-saw; len(got) != 1 || got.Get("X-Sum") != "1" {
			t.Errorf("%v", got)
		}
	}
}

// Close waits for the record of a WebSocket that is still open.
func TestCloseRecordsTunnels(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		io.Copy(io.Discard, conn)
		return false
	})
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Routes[0].DefaultService = "" })
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /stream-transcription-websocket HTTP/1.1\r\nHost: h\r\nAuthorization: "+signedHeader("transcribe")+
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v", resp, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if all := p.log.all(); len(all) != 1 {
		t.Errorf("%d records after Close", len(all))
	}
}

// A call whose record cannot be made because of a fault in the gateway has one all the same.
func TestPanicLeavesRecord(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	p.log.fail(nil, func(string) error { p.log.refuse = nil; panic("a fault") })
	if resp, err := p.client.Do(writeCall(t, p)); err == nil {
		t.Errorf("%d", resp.StatusCode)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"eventName": "DeleteTable", "additionalEventData.outcome": "unknown"})
	if s := p.intents.Stats(); s.Open != 0 {
		t.Errorf("%+v", s)
	}
}

// A read that a backend may take for something else has an intent like a change.
func TestDoubtfulReadsHaveIntents(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	const describe, terminate = "Action=DescribeInstances&Version=2016-11-15", "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1"
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	begun := uint64(0)
	for i, c := range []struct {
		call   *http.Request
		intent bool
	}{
		{newCall(t, http.MethodPost, p.url+"/", "ec2", strings.NewReader(describe), form...), false},
		{newCall(t, http.MethodGet, p.url+"/?"+describe, "ec2", nil), false},
		{newCall(t, http.MethodPost, p.url+"/?"+describe, "ec2", strings.NewReader(terminate), form...), true},
		{newCall(t, http.MethodGet, p.url+"/?"+describe, "ec2", strings.NewReader(terminate), form...), true},
		{newCall(t, http.MethodPost, p.url+"/?"+describe, "ec2", strings.NewReader(terminate), "Content-Type", "text/plain"), true},
		{newCall(t, http.MethodPost, p.url+"/", "ec2", strings.NewReader(describe+"&"+terminate), form...), true},
		{newCall(t, http.MethodPost, p.url+"/", "ec2", strings.NewReader(describe+"&A="+strings.Repeat("a", 300<<10)+"&"+terminate), form...), true},
		{newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil, "X-HTTP-Method-Override", "DELETE"), true},
		{newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil), false},
	} {
		if resp, body := p.do(t, c.call); resp.StatusCode != 200 {
			t.Fatalf("%d: %d %s", i, resp.StatusCode, body)
		}
		if was := begun; true {
			begun = p.intents.Stats().Begun
			if (begun > was) != c.intent {
				t.Errorf("%d: an intent: %v, want %v\n%s", i, begun > was, c.intent, p.log.all()[i])
			}
		}
	}
}

// A rule for one bucket spares the reads of another one nothing.
func TestRuleSparesItsBucketsAlone(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 300<<10)
	b := newRawBackend(t, says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(large), large)))
	p := startProxy(t, b.url, func(c *gateway.Config) {
		c.Routes[0].Exclude = []gateway.Exclusion{{Operation: "s3:GetObject", Buckets: []string{"noisy"}}}
	})
	for i, path := range []string{"/noisy/k", "/quiet/k"} {
		p.do(t, newCall(t, http.MethodGet, p.url+path, "s3", nil))
		if s := p.intents.Stats(); s.Begun != uint64(i) {
			t.Errorf("%s: %+v", path, s)
		}
	}
}

// Who has Cairn's own key can deliver without a record, and nothing else.
func TestOwnKeyHidesNothingElse(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, func(c *gateway.Config) {
		c.Identities = opened(t, gateway.IdentitiesConfig{Own: []gateway.OwnKey{{AccessKeyID: "AKIACAIRN", Secret: "own secret"}}})
	})
	for _, method := range []string{http.MethodDelete, http.MethodHead} {
		r := newCall(t, method, p.url+"/logs/AWSLogs/x.json.gz", "s3", nil)
		p.do(t, sign(t, r, "s3", "AKIACAIRN", "own secret", sigv4.HashPayload(nil)))
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{
		"eventName": "DeleteObject", "userIdentity.accessKeyId": "AKIACAIRN", "additionalEventData.unverified": "null",
	})
}

// An upload by an HTML form that leads on to another page has succeeded.
func TestFormUploadThatLeadsOn(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says("HTTP/1.1 303 See Other\r\nLocation: http://x/done\r\nContent-Length: 0\r\n\r\n"))
	p := startProxy(t, b.url, nil)
	form := "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"
	r, _ := http.NewRequest(http.MethodPost, p.url+"/bucket", strings.NewReader(form))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	p.do(t, r)
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"eventName": "PutObject", "errorCode": "null", "requestParameters.key": "k"})
}

// The time for an answer ends with its head, also where the request goes on after it.
func TestEventsOutliveAnswerTimeout(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		io.WriteString(w, "begin")
		http.NewResponseController(w).Flush()
		io.Copy(io.Discard, r.Body)
		time.Sleep(600 * time.Millisecond)
		io.WriteString(w, "end")
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	p := startProxyOver(t, s.URL, true, func(c *gateway.Config) {
		c.Routes[0].UpstreamCA, c.Routes[0].AnswerTimeout = authorityFile(t, s), 300*time.Millisecond
	})
	body, client := io.Pipe()
	resp, err := p.client.Do(newCall(t, http.MethodPost, p.url+"/stream-transcription", "transcribe", body, "Content-Type", "application/vnd.amazon.eventstream"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	client.Close()
	if all, err := io.ReadAll(resp.Body); err != nil || string(all) != "beginend" {
		t.Errorf("%q, %v", all, err)
	}
}

// A header is not to be one thing for the record and another one for the backend.
func TestUnderscoresInHeaders(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	for name, want := range map[string]int{"X_Amz_Copy_Source": 400, "X-Amz_Acl": 400, "x_amz_meta_a": 400, "x-amz-meta-a_b": 200, "X_Other": 200} {
		if resp, _ := p.do(t, newCall(t, http.MethodPut, p.url+"/bucket/key", "s3", nil, name, "v")); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, want)
		}
	}
}

// A body that calls itself what it is not is read all the same.
func TestFalseStreamsAreRead(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, nil)
	const form, terminate = "application/x-www-form-urlencoded", "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1"
	const hash = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
	for i, c := range []struct {
		call        *http.Request
		name, where string
		what        string
	}{
		{newCall(t, http.MethodPost, p.url+"/?Action=DescribeInstances&Version=2016-11-15", "ec2", strings.NewReader(terminate), "Content-Type", form, "X-Amz-Content-Sha256", hash),
			"TerminateInstances", "requestParameters.instancesSet.items", `[{"instanceId":"i-1"}]`},
		{newCall(t, http.MethodPost, p.url+"/", "dynamodb", strings.NewReader(`{"TableName":"t"}`), "X-Amz-Target", "DynamoDB_20120810.DeleteTable", "X-Amz-Content-Sha256", hash),
			"DeleteTable", "requestParameters.tableName", "t"},
		{newCall(t, http.MethodPost, p.url+"/", "ec2", strings.NewReader("2f;&"+terminate+"&\r\nAction=DescribeInstances&Version=2016-11-15&A=1\r\n0\r\n\r\n"),
			"Content-Type", form, "Content-Encoding", "aws-chunked"),
			"DescribeInstances", "additionalEventData.undecoded", `["request: ambiguous: a form in chunks"]`},
	} {
		p.do(t, c.call)
		wantFields(t, p.log.await(t, i+1)[i], map[string]string{"eventName": c.name, c.where: c.what})
	}
}

// An upstream that spoke HTTP/2 once need not do so for ever.
func TestUpstreamLeavesHTTP2(t *testing.T) {
	t.Parallel()
	serve := func(l net.Listener, two bool) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		if l != nil {
			s.Listener.Close()
			s.Listener = l
		}
		s.EnableHTTP2 = two
		s.StartTLS()
		return s
	}
	s := serve(nil, true)
	p := startProxyOver(t, s.URL, true, func(c *gateway.Config) { c.Routes[0].UpstreamCA = authorityFile(t, s) })
	if _, body := p.do(t, readCall(t, p)); body != "HTTP/2.0" {
		t.Errorf("%q", body)
	}
	address := s.Listener.Addr().String()
	s.Close()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip("the port is taken:", err)
	}
	s = serve(l, false)
	defer s.Close()
	body := ""
	for range 3 {
		_, body = p.do(t, readCall(t, p))
	}
	if body != "HTTP/1.1" {
		t.Errorf("%q", body)
	}
}
