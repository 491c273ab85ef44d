package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/eventlog"
	"cairn/gateway"
)

// gatewayTo is a gateway with one port and one route.
func gatewayTo(upstream string, change ...func(*gateway.Route)) *GatewayConfig {
	r := gateway.Route{Name: "backend", Upstreams: []string{upstream}, DefaultService: "s3"}
	for _, f := range change {
		f(&r)
	}
	return &GatewayConfig{ForwardEvery: time.Millisecond, Listeners: []GatewayListener{{Listen: "127.0.0.1:0", Routes: []gateway.Route{r}}}}
}

// A gatewayTest is a gateway that runs alone.
type gatewayTest struct {
	server *Server
	at     GatewayAddress
	end    func()
}

func serveGateway(t *testing.T, cfg Config) *gatewayTest {
	t.Helper()
	if cfg.Data == "" {
		cfg.Data = t.TempDir()
	}
	cfg.AccountID, cfg.Retention, cfg.Regions, cfg.Region = accountA, eventlog.Forever, []string{"us-east-1", "eu-west-1"}, "us-east-1"
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, served := make(chan []GatewayAddress, 1), make(chan error, 1)
	go func() { served <- s.ServeGateway(ctx, func(at []GatewayAddress) { ready <- at }) }()
	x := &gatewayTest{server: s}
	x.end = func() {
		x.end = func() {}
		cancel()
		if err := errors.Join(<-served, s.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { x.end() })
	select {
	case at := <-ready:
		x.at = at[0]
	case err := <-served:
		served <- err
		t.Fatal(err)
	}
	return x
}

func s3At(address string, key Credentials) *awss3.Client {
	return awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: &address, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, "")})
}

// recorded returns the events that a query finds in a data directory at work.
func recorded(t *testing.T, s *Server, name string) (events []string) {
	t.Helper()
	page, err := s.log.Lookup(t.Context(), eventlog.Query{OldestFirst: true, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		if name == "" || e.EventName == name {
			events = append(events, fmt.Sprintf("%s %s %s %s", e.Origin, e.EventSource, e.EventName, e.ErrorCode))
		}
	}
	return events
}

// What SDK clients do to a backend through a server's gateway is done there, and
// stands in the history with the caller that the backend knows by a key of
// Cairn's own.
func TestGatewayInServer(t *testing.T) {
	t.Parallel()
	backend := serveRoutes(t)
	x := serveRoutesWith(t, Config{Data: t.TempDir(), Gateway: gatewayTo(backend.url, func(r *gateway.Route) { r.Account = accountB })})
	at := x.server.Gateways()
	if len(at) != 1 || at[0].Name != "gateway" {
		t.Fatalf("the gateway is at %+v", at)
	}
	client := s3At(at[0].URL, backend.operator)
	ctx := t.Context()
	if _, err := client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: awssdk.String("through")}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("stones "), 100_000)
	if _, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: awssdk.String("through"), Key: awssdk.String("a/pile of"), Body: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: awssdk.String("through"), Key: awssdk.String("a/pile of")})
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(read, body) {
		t.Errorf("%d bytes came back: %v", len(read), err)
	}
	if _, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: awssdk.String("through"), Key: awssdk.String("missing")}); err == nil {
		t.Error("a missing object was there")
	}
	for query, want := range map[string]int{
		"EventName=CreateBucket": 1, "EventName=PutObject": 1, "EventName=GetObject": 2, "EventName=GetObject&errorOnly=true": 1,
		"EventName=" + gatewayConfigured: 0,
	} {
		found, _ := x.find(t, x.operator, query+"&account="+accountB)
		if len(found) != want || want > 0 && (found[0].Origin != "gateway" || !strings.Contains(string(found[0].Record), `"route":"backend"`)) {
			t.Errorf("%s: %d events, want %d: %+v", query, len(found), want, found)
		}
	}
	if found, _ := x.find(t, x.operator, "EventName="+gatewayConfigured); len(found) != 1 || found[0].Origin != "audit" ||
		!strings.Contains(string(found[0].Record), backend.url) || !strings.Contains(string(found[0].Record), `"record":"strict"`) {
		t.Errorf("the settings are recorded as %+v", found)
	}

	client2 := Dial(x.socket)
	defer client2.Close()
	status, err := client2.Status(ctx)
	if err != nil || status.Gateway == nil || len(status.Gateway.Listeners) != 1 {
		t.Fatalf("status %+v, %v", status, err)
	}
	route := status.Gateway.Listeners[0].Routes[0]
	if route.Name != "backend" || route.Record != "strict" || len(route.Upstreams) != 1 || !route.Upstreams[0].Healthy || len(route.Calls) == 0 {
		t.Errorf("the route stands at %+v", route)
	}
	resp, err := http.Get(x.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(text), `cairn_gateway_calls_total{outcome=`) || !strings.Contains(string(text), `cairn_gateway_upstream_up{route="backend"`) {
		t.Errorf("metrics: %v", err)
	}
}

// A gateway that runs alone sends all that it has seen to its server, whichever
// of the two is away meanwhile, and once.
func TestGatewayAlone(t *testing.T) {
	t.Parallel()
	backend := serveRoutes(t)
	x := serveRoutes(t)
	net := newFickleNet(t, x.url)
	data := t.TempDir()
	to := endpointOf(net.URL, x.newUser(t, accountA, "gateway", forwardPolicy))
	open := func() *gatewayTest {
		cfg := gatewayTo(backend.url)
		cfg.To = to
		return serveGateway(t, Config{Data: data, Gateway: cfg})
	}
	net.down.Store(true)
	g := open()
	ctx := t.Context()
	put := func(bucket string) {
		t.Helper()
		if _, err := s3At(g.at.URL, backend.operator).CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		put(fmt.Sprintf("away-%d", n))
	}
	g.end()
	g = open()
	for n := range 5 {
		put(fmt.Sprintf("again-%d", n))
	}
	net.down.Store(false)
	net.lost.Store(1)
	for {
		client := Dial(filepath.Join(data, socketName))
		status, err := client.Status(ctx)
		_ = client.Close()
		if err != nil {
			t.Fatal(err)
		}
		if f := status.Gateway.Forward; f.Pending == 0 && f.Stored > 0 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal("the records do not arrive")
		case <-time.After(5 * time.Millisecond):
		}
	}
	found, _ := x.find(t, x.a, "EventName=CreateBucket&limit=0")
	seen := make(map[string]int)
	for _, f := range found {
		var r struct{ RequestParameters struct{ BucketName string } }
		if err := json.Unmarshal(f.Record, &r); err != nil {
			t.Fatal(err)
		}
		seen[r.RequestParameters.BucketName]++
	}
	for _, kind := range []string{"away", "again"} {
		for n := range 5 {
			if name := fmt.Sprintf("%s-%d", kind, n); seen[name] != 1 {
				t.Errorf("%s has %d events", name, seen[name])
			}
		}
	}
	if found, _ := x.find(t, x.a, "EventName="+gatewayConfigured); len(found) != 2 {
		t.Errorf("%d starts were told, want 2", len(found))
	}
}

// Calls that the settings leave out are told of when the gateway stops.
func TestGatewayLeftOut(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body") }))
	t.Cleanup(backend.Close)
	data := t.TempDir()
	g := serveGateway(t, Config{Data: data, Gateway: gatewayTo(backend.URL, func(r *gateway.Route) {
		r.Exclude = []gateway.Exclusion{{Operation: "s3:GetObject"}}
	})})
	client := s3At(g.at.URL, Credentials{"AKIAIOSFODNN7EXAMPLE", "secret"})
	for range 3 {
		if _, err := client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: awssdk.String("b"), Key: awssdk.String("k")}); err != nil {
			t.Fatal(err)
		}
	}
	g.end()
	s, err := Open(Config{Data: data, Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := recorded(t, s, "GetObject"); len(got) != 0 {
		t.Errorf("recorded: %q", got)
	}
	page, err := s.log.Lookup(t.Context(), eventlog.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range page.Events {
		if e.EventName == gatewayExcluded {
			told++
			if !bytes.Contains(e.Raw, []byte(`"notRecorded":"3"`)) || !bytes.Contains(e.Raw, []byte(`"route":"backend"`)) {
				t.Errorf("told: %s", e.Raw)
			}
		}
	}
	if told != 1 {
		t.Errorf("told %d times what was left out", told)
	}
}

// A listener with a certificate speaks TLS, 1.1 and 2, and renewed certificates
// are used.
func TestGatewayTLS(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-From", "backend") }))
	t.Cleanup(backend.Close)
	cfg := gatewayTo(backend.URL)
	cfg.Listeners[0].TLSCert, cfg.Listeners[0].TLSKey = writePair(t, t.TempDir(), 1, []string{"localhost"}, nil)
	g := serveGateway(t, Config{Gateway: cfg})
	if !strings.HasPrefix(g.at.URL, "https://") || g.at.CABundle == "" {
		t.Fatalf("the gateway is at %+v", g.at)
	}
	for _, http2 := range []bool{false, true} {
		config, err := trusting(g.at.CABundle)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2, DisableKeepAlives: true}}
		resp, err := client.Get(g.at.URL + "/bucket/key")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if (resp.ProtoMajor == 2) != http2 || resp.Header.Get("X-From") != "backend" {
			t.Errorf("HTTP/2 %v: %s from %q", http2, resp.Proto, resp.Header.Get("X-From"))
		}
	}
}

// The settings that only a start can judge are refused by it, each with its place.
func TestGatewayRefusedAtStart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := l.Addr().String()
	_ = l.Close()
	loop := gatewayTo("http://localhost:" + strings.TrimPrefix(own, "127.0.0.1:"))
	loop.Listeners[0].Listen = own
	account := gatewayTo("http://127.0.0.1:9", func(r *gateway.Route) { r.Account = "999999999999" })
	identities := gatewayTo("http://127.0.0.1:9")
	identities.Identities = filepath.Join(t.TempDir(), "identities")
	if err := os.WriteFile(identities.Identities, []byte("{{{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg         *GatewayConfig
		path, wants string
	}{
		"loop":       {loop, "gateway.listeners[0].routes[0].upstream", "leads back to"},
		"account":    {account, "gateway.listeners[0].routes[0].account", "cairn account add 999999999999"},
		"identities": {identities, "", "identities"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Gateway: c.cfg})
			if err != nil {
				t.Fatal(err)
			}
			err = s.Serve(t.Context(), func(Address, *Credentials) { t.Error("it serves") })
			var bad GatewayError
			if err == nil || !strings.Contains(err.Error(), c.wants) || c.path != "" && (!errors.As(err, &bad) || bad[0].Setting != c.path) {
				t.Errorf("the start says %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A connection of a load balancer is recorded with the address that its header
// names, and one that sends no header keeps nobody waiting.
func TestGatewayProxyProtocol(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := listenProxied(l, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	silent, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	spoken, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(spoken, "PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\nhello"); err != nil {
		t.Fatal(err)
	}
	c, err := p.Accept()
	if err != nil {
		t.Fatal(err)
	}
	hello := make([]byte, 5)
	if _, err := io.ReadFull(c, hello); err != nil || c.RemoteAddr().String() != "192.0.2.7:5000" || string(hello) != "hello" {
		t.Errorf("%q from %s: %v", hello, c.RemoteAddr(), err)
	}
	_ = silent.Close()
	if err := errors.Join(c.Close(), spoken.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if _, err := p.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}
