package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
)

const forwardPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cairn:PutGatewayEvents","Resource":"*"}]}`

// gatewayRecord is a record that a gateway has made.
func gatewayRecord(account string, n int) []byte {
	return bytes.Replace(recordOf(account, n), []byte(`"userAgent":"test"`), []byte(`"userAgent":"gateway"`), 1)
}

// A fickleNet stands between a gateway and its server.
type fickleNet struct {
	*httptest.Server
	down     atomic.Bool  // nothing gets through
	lost     atomic.Int64 // so many answers are lost on their way back
	requests atomic.Int64
}

func newFickleNet(t *testing.T, to string) *fickleNet {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	n := &fickleNet{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.requests.Add(1)
		if n.down.Load() {
			panic(http.ErrAbortHandler)
		}
		if n.lost.Add(-1) >= 0 {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(n.Close)
	return n
}

// A spool is a gateway's data directory with a forwarder on it.
type spool struct {
	server  *Server
	forward *forwarder
	end     func() // stops and closes
}

func openSpool(t *testing.T, data string, to Endpoint) *spool {
	t.Helper()
	s, err := Open(Config{Data: data, AccountID: accountA, Region: "eu-west-1", Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.openForwarder(to, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	f.retry = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.run(ctx) }()
	x := &spool{server: s, forward: f}
	x.end = func() {
		x.end = func() {}
		cancel()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { x.end() })
	return x
}

func (x *spool) append(t *testing.T, origin cairn.Origin, records ...[]byte) {
	t.Helper()
	if _, err := x.server.log.Append(t.Context(), eventlog.Batch{Origin: origin, Records: records}); err != nil {
		t.Fatal(err)
	}
}

// until waits until the forwarding stands as wanted.
func (x *spool) until(t *testing.T, want func(*ForwardStatus) bool) *ForwardStatus {
	t.Helper()
	for {
		s := x.forward.status()
		if want(s) {
			return s
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("forwarding stands at %+v", s)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func nothingPending(s *ForwardStatus) bool { return s.Pending == 0 }

func endpointOf(address string, key Credentials) Endpoint {
	return Endpoint{URL: address, Key: key, Region: "eu-west-1"}
}

// What a gateway has recorded reaches the server once and byte for byte, as the
// gateway's, through an absence, lost answers and restarts.
func TestForward(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	net := newFickleNet(t, x.url)
	to := endpointOf(net.URL, x.newUser(t, accountA, "gateway", forwardPolicy))
	data := t.TempDir()
	net.down.Store(true)
	spool := openSpool(t, data, to)
	for n := range 40 {
		spool.append(t, cairn.OriginGateway, gatewayRecord(accountA, n))
	}
	away := spool.until(t, func(s *ForwardStatus) bool { return s.Failures >= 3 })
	if away.Pending != 40 || away.Problem == "" || away.Since.IsZero() || away.LagSeconds <= 0 || away.Stored != 0 {
		t.Errorf("while the server is away: %+v", away)
	}
	spool.end()

	// The directory keeps its position, and a server that comes back gets it all,
	// though the answers to the first requests are lost.
	net.down.Store(false)
	net.lost.Store(2)
	spool = openSpool(t, data, to)
	back := spool.until(t, nothingPending)
	if back.Stored != 40 || back.Problem != "" || back.Failures == 0 {
		t.Errorf("when it is back: %+v", back)
	}

	// A gateway that dies before it has the answer repeats the request.
	net.lost.Store(1 << 30)
	for n := 40; n < 50; n++ {
		spool.append(t, cairn.OriginGateway, gatewayRecord(accountA, n))
	}
	failed := back.Failures
	spool.until(t, func(s *ForwardStatus) bool { return s.Failures > failed })
	spool.end()
	net.lost.Store(0)
	spool = openSpool(t, data, to)
	spool.until(t, func(s *ForwardStatus) bool { return s.Pending == 0 && s.Stored == 50 })

	found, _ := x.find(t, x.a, "EventSource=s3.amazonaws.com&limit=0")
	if len(found) != 50 {
		t.Errorf("%d records, want 50", len(found))
	}
	for n := range 50 {
		found, _ := x.find(t, x.a, fmt.Sprintf("EventId=00000000-0000-4000-8000-%012d", n))
		if len(found) != 1 || !bytes.Equal(found[0].Record, gatewayRecord(accountA, n)) || found[0].Origin != "gateway" {
			t.Errorf("record %d: found %+v", n, found)
		}
	}
}

// Records that the server does not take are told and stay, and hold nothing up;
// of a gateway's other records only those about itself are sent.
func TestForwardRefusals(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	spool := openSpool(t, t.TempDir(), endpointOf(x.url, x.newUser(t, accountA, "gateway", forwardPolicy)))
	elsewhere := bytes.ReplaceAll(gatewayRecord(accountA, 2), []byte("eu-west-1"), []byte("ap-south-1"))
	spool.append(t, cairn.OriginGateway, gatewayRecord(accountB, 1), elsewhere, gatewayRecord(accountB, 3), gatewayRecord(accountA, 4))
	spool.append(t, cairn.OriginImported, gatewayRecord(accountA, 5))
	for _, operation := range []string{gatewayConfigured, gatewayExcluded, "GetEvents"} {
		if err := spool.server.audit(t.Context(), operation, false, map[string]any{"a": "b"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	spool.append(t, cairn.OriginGateway, gatewayRecord(accountA, 6))
	s := spool.until(t, nothingPending)
	if s.Stored != 4 || s.Refused != 3 || s.Quarantined != 0 || len(s.Refusals) != 2 {
		t.Fatalf("forwarded: %+v", s)
	}
	if r := s.Refusals[0]; r.Count != 2 || r.FirstSeq != 0 || r.LastSeq != 2 || !strings.Contains(r.Reason, "another account") {
		t.Errorf("refused for the account: %+v", r)
	}
	if r := s.Refusals[1]; r.Count != 1 || !strings.Contains(r.Reason, "ap-south-1") {
		t.Errorf("refused for the region: %+v", r)
	}
	for query, want := range map[string]int{
		"EventSource=s3.amazonaws.com": 2, "EventName=" + gatewayConfigured: 1, "EventName=" + gatewayExcluded: 1,
		"EventName=GetEvents&path.requestParameters.a=b": 0,
	} {
		if found, _ := x.find(t, x.a, query); len(found) != want || want > 0 && found[0].Origin != "gateway" {
			t.Errorf("%s: %d events, want %d", query, len(found), want)
		}
	}
	row, _, err := forwardRows(spool.server.catalog).Get(theRow)
	if err != nil || row.Refused != 3 || len(row.Refusals) != 2 {
		t.Errorf("the ledger has %+v, %v", row, err)
	}
}

// A server that refuses the sender gets the records once it no longer does.
func TestForwardForbidden(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	key := x.newUser(t, accountA, "gateway", "")
	spool := openSpool(t, t.TempDir(), endpointOf(x.url, key))
	spool.append(t, cairn.OriginGateway, gatewayRecord(accountA, 1))
	s := spool.until(t, func(s *ForwardStatus) bool { return s.Failures > 1 })
	if s.Pending != 1 || !strings.Contains(s.Problem, "cairn:PutGatewayEvents") || s.Refused != 0 {
		t.Errorf("without the permission: %+v", s)
	}
	x.query(t, x.a, "iam", "2010-05-08", url.Values{"Action": {"PutUserPolicy"}, "UserName": {"gateway"}, "PolicyName": {"p"}, "PolicyDocument": {forwardPolicy}})
	spool.until(t, func(s *ForwardStatus) bool { return s.Pending == 0 && s.Stored == 1 })
}

// The route has the walls of PutEvents, and the permission for that is not one
// for it.
func TestPutGatewayEvents(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	poster := x.newUser(t, accountA, "poster", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cairn:PutEvents","Resource":"*"}]}`)
	if code, text := x.call(t, poster, http.MethodPost, "/_cairn/gateway/events", nil, gatewayRecord(accountA, 1)); !strings.Contains(text, "AccessDenied") || code == http.StatusOK || !strings.Contains(text, "cairn:PutGatewayEvents") {
		t.Errorf("with cairn:PutEvents: %d %s", code, text)
	}
	sender := x.newUser(t, accountA, "gateway", forwardPolicy)
	if code, text := x.call(t, sender, http.MethodPost, "/_cairn/events", nil, gatewayRecord(accountA, 1)); !strings.Contains(text, "AccessDenied") || code == http.StatusOK {
		t.Errorf("cairn:PutGatewayEvents posts as others: %d %s", code, text)
	}
	put := func(path string, record []byte) string {
		code, text := x.call(t, sender, http.MethodPost, "/_cairn/gateway/events"+path, nil, record)
		if code != http.StatusOK {
			return fmt.Sprint(code)
		}
		_, status, _ := strings.Cut(text, `"status":"`)
		status, _, _ = strings.Cut(status, `"`)
		return status
	}
	forged := bytes.ReplaceAll(gatewayRecord(accountA, 9), []byte("s3.amazonaws.com"), []byte("cairn.amazonaws.com"))
	for _, c := range []struct {
		path   string
		record []byte
		want   string
	}{
		{"", gatewayRecord(accountA, 1), "stored"},
		{"", gatewayRecord(accountA, 1), "double"},
		{"?again=true", gatewayRecord(accountA, 1), "double"},
		{"?again=true", gatewayRecord(accountA, 2), "stored"},
		{"", gatewayRecord(accountB, 1), "refused"},
		{"", forged, "refused"},
		{"", []byte(`{"eventName":"x"}`), "quarantined"},
		{"?again=perhaps", gatewayRecord(accountA, 3), "400"},
		{"?origin=recorded", gatewayRecord(accountA, 3), "400"},
	} {
		if got := put(c.path, c.record); got != c.want {
			t.Errorf("%s %.80s: %s, want %s", c.path, c.record, got, c.want)
		}
	}
	if found, _ := x.find(t, x.operator, "EventName=PutGatewayEvents&account="+accountA); len(found) < 9 {
		t.Errorf("%d calls are recorded", len(found))
	}
}

// Something else than a Cairn server is named as that.
func TestForwardToStranger(t *testing.T) {
	t.Parallel()
	for _, answer := range []struct {
		status int
		body   string
	}{{404, "<html><title>404</title></html>"}, {200, "<html>Welcome</html>"}, {403, `{"message":"Missing Authentication Token"}`}} {
		stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(answer.status)
			_, _ = io.WriteString(w, answer.body)
		}))
		t.Cleanup(stranger.Close)
		x := openSpool(t, t.TempDir(), Endpoint{URL: stranger.URL, Region: "eu-west-1", Key: Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", Secret: "secret"}})
		raw, _ := callRecord(1)
		x.append(t, cairn.OriginGateway, raw)
		s := x.until(t, func(s *ForwardStatus) bool { return s.Problem != "" })
		if !strings.Contains(s.Problem, "no Cairn server") || strings.Contains(s.Problem, "<") {
			t.Errorf("status %d: the problem is told as %q", answer.status, s.Problem)
		}
	}
}

// Records do not travel to another machine unencrypted unless that is meant.
func TestForwardUnencrypted(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"http://10.1.2.3:4586": false, "http://cairn.example.com": false, "https://cairn.example.com": true,
		"http://127.0.0.1:4586": true, "http://localhost:4586": true, "http://[::1]:4586": true,
	} {
		for _, insecure := range []bool{false, true} {
			cfg := Config{Insecure: insecure, Gateway: gatewayTo("http://127.0.0.1:9000")}
			cfg.Gateway.To.URL = url
			err := cfg.Validate()
			if (err == nil) != (ok || insecure) || err != nil && !strings.Contains(err.Error(), "--insecure") {
				t.Errorf("%s, insecure %v: %v", url, insecure, err)
			}
		}
	}
}
