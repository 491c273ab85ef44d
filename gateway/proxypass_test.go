package gateway_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"cairn/gateway"
	"cairn/internal/egress"
)

// Headers pass as they are: none is added, none is left out but those of the connection,
// and S3's names of metadata keep their small letters.
func TestHeadersPass(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says("HTTP/1.1 200 OK\r\nx-amz-meta-signature: s\r\nX-Amz-Meta-Start-Time: t\r\nETag: \"e\"\r\nx-amz-id-2: i\r\nServer: AmazonS3\r\n"+
		"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nx-two: 1\r\nx-two: 2\r\nContent-Length: 2\r\n\r\nok"))
	p := startProxy(t, b.url, nil)
	answer := p.exchange(t, "GET /b/k HTTP/1.1\r\nHost: bucket.example.com:8443\r\n"+auth+"X-Amz-Meta-A:  two  blanks \r\nX-Forwarded-For: 1.2.3.4\r\nVia: x\r\n"+
		"Accept-Encoding: identity\r\namz-sdk-invocation-id: 1\r\nX-Two: 1\r\nX-Two: 2\r\nTE: trailers\r\nConnection: close, TE\r\nKeep-Alive: 1\r\n\r\n")
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	got := strings.Split(head, "\r\n")[1:]
	slices.Sort(got)
	want := []string{"Connection: close", "Content-Length: 2", `ETag: "e"`, "Server: AmazonS3", "x-amz-id-2: i", "x-amz-meta-signature: s", "x-amz-meta-start-time: t", "x-two: 1", "x-two: 2"}
	if !slices.Equal(got, want) || body != "ok" {
		t.Errorf("%q %q", got, body)
	}
	header := slices.Clone(b.seen()[0].header)
	slices.Sort(header)
	want = []string{"Accept-Encoding: identity", "Amz-Sdk-Invocation-Id: 1", "Authorization: " + signedHeader("s3"), "Connection: TE", "Host: bucket.example.com:8443",
		"TE: trailers", "Via: x", "X-Amz-Date: 20260301T120000Z", "X-Amz-Meta-A: two  blanks", "X-Forwarded-For: 1.2.3.4", "X-Two: 1", "X-Two: 2"}
	if !slices.Equal(header, want) {
		t.Errorf("%q", header)
	}
}

// What HTTP says of answers without a body holds, and their headers pass.
func TestAnswersWithoutBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ method, answer, status, length string }{
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", "200", "12345"},
		{"GET", "HTTP/1.1 204 No Content\r\n\r\n", "204", ""},
		{"GET", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", "304", ""},
		{"DELETE", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200", "0"},
		{"GET", "HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", "301", "0"},
	} {
		b := newRawBackend(t, says(tt.answer))
		p := startProxy(t, b.url, nil)
		for range 2 { // the connection is as good as before
			resp, body := p.do(t, newCall(t, tt.method, p.url+"/bucket/key", "s3", nil))
			if fmt.Sprint(resp.StatusCode) != tt.status || body != "" || resp.Header.Get("Content-Length") != tt.length {
				t.Errorf("%s: %d %q %v", tt.answer, resp.StatusCode, body, resp.Header)
			}
		}
		p.log.await(t, 2)
		b.mu.Lock()
		if len(b.conns) != 1 {
			t.Errorf("%d connections", len(b.conns))
		}
		b.mu.Unlock()
	}
}

// Interim answers pass.
func TestEarlyHints(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+okAnswer))
	p := startProxy(t, b.url, nil)
	hints := ""
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error { hints += fmt.Sprint(code, h.Get("Link")); return nil }}
	r := newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil)
	resp, body := p.do(t, r.WithContext(httptrace.WithClientTrace(context.Background(), trace)))
	if hints != "103</a>" || body != "ok" || resp.Header.Get("Link") != "" {
		t.Errorf("%q %q %v", hints, body, resp.Header)
	}
}

// A WebSocket passes, with its intent before and its record at the end.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\nhello")
		io.CopyN(conn, conn, 4)
		return false
	})
	p := startProxy(t, b.url, func(c *gateway.Config) { c.Routes[0].DefaultService = "" })
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /stream-transcription-websocket?language-code=en HTTP/1.1\r\nHost: h\r\nAuthorization: "+signedHeader("transcribe")+
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n")
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Sec-Websocket-Accept") != "a" {
		t.Fatalf("%v %v", resp, err)
	}
	if s := p.intents.Stats(); s.Open != 1 || len(p.log.all()) != 0 {
		t.Errorf("%+v", s)
	}
	io.WriteString(conn, "ping")
	all, _ := io.ReadAll(r)
	conn.Close()
	if string(all) != "helloping" {
		t.Errorf("%q", all)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"eventSource": "transcribe.amazonaws.com", "additionalEventData.outcome": "null", "errorCode": "null"})
}

// Both sides can speak TLS, and HTTP/2.
func TestHTTP2BothSides(t *testing.T) {
	t.Parallel()
	for _, backend2 := range []bool{true, false} {
		saw := make(chan *http.Request, 8)
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Header.Set("X-Body", fmt.Sprint(len(body)))
			saw <- r
			w.Header().Set("X-Amz-Meta-Owner", "o")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "9")
			io.WriteString(w, "ok")
		}))
		s.EnableHTTP2 = backend2
		s.StartTLS()
		defer s.Close()
		p := startProxyOver(t, s.URL, true, func(c *gateway.Config) { c.Routes[0].UpstreamCA = authorityFile(t, s) })
		for i, size := range []int{0, 10, 1 << 20} {
			r := newCall(t, http.MethodPut, p.url+"/bucket/key%2F+%C3%A9", "s3", bytes.NewReader(make([]byte, size)))
			resp, body := p.do(t, r)
			if resp.ProtoMajor != 2 || resp.StatusCode != 200 || body != "ok" || resp.Header.Get("X-Amz-Meta-Owner") != "o" || resp.Trailer.Get("X-Sum") != "9" {
				t.Fatalf("%+v %q", resp, body)
			}
			got := <-saw
			if want := map[bool]int{true: 2, false: 1}[backend2]; got.ProtoMajor != want || got.RequestURI != "/bucket/key%2F+%C3%A9" || got.Header.Get("X-Body") != fmt.Sprint(size) ||
				got.UserAgent() != "Go-http-client/2.0" || got.Header.Get("Accept-Encoding") != "" {
				t.Errorf("%s %s %v", got.Proto, got.RequestURI, got.Header)
			}
			wantFields(t, p.log.await(t, i+1)[i], map[string]string{
				"requestParameters.key": "key/+é", "additionalEventData.bytesTransferredIn": fmt.Sprint(size), "tlsDetails.tlsVersion": "TLSv1.3",
			})
		}
	}
}

// An upstream over HTTP/2 that is gone is told like any other.
func TestHTTP2UpstreamFails(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Length", "1000000")
		w.Write(make([]byte, 500_000))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	p := startProxyOver(t, s.URL, true, func(c *gateway.Config) { c.Routes[0].UpstreamCA = authorityFile(t, s) })
	if resp, _ := p.do(t, newCall(t, http.MethodPut, p.url+"/bucket/key", "s3", strings.NewReader("body"))); resp.StatusCode != 502 {
		t.Errorf("%d", resp.StatusCode)
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"errorCode": "BadGateway", "additionalEventData.outcome": "unknown"})
	resp, err := p.client.Do(newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil || n >= 1_000_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
	wantFields(t, p.log.await(t, 2)[1], map[string]string{"additionalEventData.outcome": "broken"})
}

// A bomb passes, and does no harm.
func TestGzipBomb(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	io.CopyN(z, nought{}, 64<<20)
	z.Close()
	b := newRawBackend(t, func(conn net.Conn, s *seen) bool {
		fmt.Fprintf(conn, "HTTP/1.1 400 Bad Request\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", bomb.Len(), bomb.String())
		return true
	})
	p := startProxy(t, b.url, nil)
	resp, body := p.do(t, newCall(t, http.MethodPost, p.url+"/", "dynamodb", bytes.NewReader(bomb.Bytes()),
		"X-Amz-Target", "DynamoDB_20120810.DeleteTable", "Content-Encoding", "gzip"))
	if resp.StatusCode != 400 || body != bomb.String() || b.seen()[0].body != bomb.String() {
		t.Errorf("%d, %d bytes", resp.StatusCode, len(body))
	}
	wantFields(t, p.log.await(t, 1)[0], map[string]string{"eventName": "DeleteTable", "errorCode": "BadRequest"})
}

// Routes take calls by service, host and path, and the rest is refused.
func TestRoutes(t *testing.T) {
	t.Parallel()
	b := newRawBackend(t, says(okAnswer))
	p := startProxy(t, b.url, func(c *gateway.Config) {
		up := []string{b.url}
		c.Routes = []gateway.Route{
			{Name: "objects", Services: []string{"s3"}, Hosts: []string{"*.objects.test"}, Upstreams: up, BucketDomains: []string{"objects.test"}},
			{Name: "below", Paths: []string{"/below/"}, Upstreams: up, DefaultService: "s3"},
			{Name: "tables", Services: []string{"dynamodb", "cloudwatch"}, Upstreams: up, Account: "222233334444"},
			{Name: "tokens", Services: []string{"sts"}, Upstreams: up, Regions: map[string]string{"local": "eu-west-1"}},
		}
		c.Regions, c.Region = []string{"eu-west-1"}, "eu-west-1"
	})
	form := "application/x-www-form-urlencoded"
	for i, tt := range []struct {
		host, path, service, target, kind, body string
		route, account                          string // the route is empty if there is none
	}{
		{"logs.objects.test", "/key", "s3", "", "", "", "objects", testAccount},
		{"logs.objects.test", "/", "dynamodb", "DynamoDB_20120810.ListTables", "", "{}", "tables", "222233334444"},
		{"other.test", "/below/key", "s3", "", "", "", "below", testAccount},
		{"other.test", "/x/key", "s3", "", "", "", "", ""},
		{"other.test", "/", "monitoring", "GraniteServiceVersion20100801.ListMetrics", "", "{}", "tables", "222233334444"},
		{"other.test", "/", "", "", form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=a", "tokens", testAccount},
		{"sts.eu-west-1.amazonaws.com", "/", "", "", form, "Action=GetCallerIdentity&Version=2011-06-15", "tokens", testAccount},
		{"other.test", "/", "", "DynamoDB_20120810.ListTables", "", "{}", "tables", "222233334444"},
		{"other.test", "/", "sqs", "AmazonSQS.ListQueues", "", "{}", "", ""},
	} {
		r := newCall(t, http.MethodPost, p.url+tt.path, tt.service, strings.NewReader(tt.body), "X-Amz-Target", tt.target, "Content-Type", tt.kind)
		r.Host = tt.host
		if tt.target == "" && tt.kind == "" {
			r.Method = http.MethodGet
		}
		if tt.service == "" {
			r.Header.Del("Authorization")
		}
		before := len(p.log.all())
		resp, body := p.do(t, r)
		if tt.route == "" {
			if resp.StatusCode != 404 || !strings.Contains(body, "NoSuchRoute") || len(p.log.all()) != before {
				t.Errorf("%d: %d %s", i, resp.StatusCode, body)
			}
			continue
		}
		if resp.StatusCode != 200 {
			t.Errorf("%d: %d %s", i, resp.StatusCode, body)
			continue
		}
		wantFields(t, p.log.await(t, before+1)[before], map[string]string{"additionalEventData.route": tt.route, "recipientAccountId": tt.account})
	}
	if n := len(p.tally.all()); n != 2 {
		t.Errorf("%d calls were counted", n)
	}
	seen := len(b.seen())
	elsewhere := newCall(t, http.MethodPost, p.url+"/", "dynamodb", strings.NewReader("{}"), "X-Amz-Target", "DynamoDB_20120810.ListTables")
	elsewhere.Header.Set("Authorization", strings.Replace(signedHeader("dynamodb"), "eu-west-1", "mars-north-1", 1))
	if resp, body := p.do(t, elsewhere); resp.StatusCode != 400 || !strings.Contains(body, "InvalidRegion") || len(b.seen()) != seen {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// Faulty settings are refused when the gateway is made.
func TestBadRoutes(t *testing.T) {
	t.Parallel()
	good := gateway.Route{Name: "r", Upstreams: []string{"http://127.0.0.1:1"}, Relaxed: true}
	for name, change := range map[string]func(*gateway.Route){
		"no name": func(r *gateway.Route) { r.Name = "" }, "no upstream": func(r *gateway.Route) { r.Upstreams = nil },
		"a scheme": func(r *gateway.Route) { r.Upstreams = []string{"ftp://h"} }, "a path": func(r *gateway.Route) { r.Upstreams = []string{"http://h/x"} },
		"a user": func(r *gateway.Route) { r.Upstreams = []string{"http://u@h"} }, "no hosts": func(r *gateway.Route) { r.Upstreams = []string{"https://{host}"} },
		"a host": func(r *gateway.Route) { r.Hosts = []string{"a/b"} }, "a service": func(r *gateway.Route) { r.Services = []string{"tea"} },
		"no intents": func(r *gateway.Route) { r.Relaxed = false }, "an account": func(r *gateway.Route) { r.Account = "me" },
		"signatures": func(r *gateway.Route) { r.Signatures = "perhaps" }, "authorities": func(r *gateway.Route) { r.UpstreamCA = "/none" },
		"a write":           func(r *gateway.Route) { r.Exclude = []gateway.Exclusion{{Operation: "s3:PutObject"}} },
		"a management read": func(r *gateway.Route) { r.Exclude = []gateway.Exclusion{{Operation: "s3:GetBucketPolicy"}} },
		"no operation":      func(r *gateway.Route) { r.Exclude = []gateway.Exclusion{{Operation: "s3:GetTea"}} },
		"a star":            func(r *gateway.Route) { r.Exclude = []gateway.Exclusion{{Operation: "s3:*"}} },
		"one in one":        func(r *gateway.Route) { r.Sample = []gateway.Sampling{{Operation: "s3:GetObject", OneIn: 1}} },
		"buckets": func(r *gateway.Route) {
			r.Exclude = []gateway.Exclusion{{Operation: "dynamodb:GetItem", Buckets: []string{"b"}}}
		},
	} {
		r := good
		change(&r)
		if g, err := gateway.New(gateway.Config{Routes: []gateway.Route{r}, Log: &recordLog{}, AccountID: testAccount}); err == nil {
			t.Errorf("%s was taken", name)
			g.Close()
		}
	}
	if g, err := gateway.New(gateway.Config{Routes: []gateway.Route{good}, Log: &recordLog{}, AccountID: testAccount}); err != nil {
		t.Error(err)
	} else {
		g.Close()
	}
}

// A route to the host of the request goes to hosts of its list alone, on port 443 of public
// addresses, whatever port and name the request has.
func TestHostUpstreams(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 4)
	guard, err := egress.New(egress.Config{Resolver: resolver(func(host string) []netip.Addr {
		asked <- host
		return []netip.Addr{netip.MustParseAddr("10.1.2.3")}
	})})
	if err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, "https://{host}", func(c *gateway.Config) {
		c.Routes[0].Hosts, c.Egress = []string{"*.amazonaws.com"}, guard
	})
	r := newCall(t, http.MethodGet, p.url+"/bucket/key", "s3", nil)
	r.Host = "s3.eu-west-1.amazonaws.com:8443"
	if resp, _ := p.do(t, r); resp.StatusCode != 502 || <-asked != "s3.eu-west-1.amazonaws.com" {
		t.Errorf("%d", resp.StatusCode)
	}
	if !strings.Contains(p.lines.String(), "private address") {
		t.Errorf("%s", p.lines)
	}
	for _, host := range []string{"169.254.169.254", "amazonaws.com.evil", "localhost", "[::1]", "amazonaws.com"} {
		r.Host = host
		if resp, _ := p.do(t, r); resp.StatusCode != 404 {
			t.Errorf("%s: %d", host, resp.StatusCode)
		}
	}
	if len(asked) != 0 {
		t.Errorf("%s was looked up", <-asked)
	}
}

type resolver func(host string) []netip.Addr

func (f resolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return f(host), nil
}
