package sns_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/identity"
	"cairn/internal/egress"
	"cairn/record"
	. "cairn/service/sns"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
)

const (
	accountA = "111111111111"
	accountB = "222222222222"
	region   = "us-east-1"
)

// A front is SNS behind a Mux and a listener on loopback, with real identities and
// the records of its calls.
type front struct {
	t       *testing.T
	dir     string
	catalog *catalog.Catalog
	store   *identity.Store
	service *Service
	mux     *aws.Mux
	handler http.Handler
	url     string
	stop    func() // ends deliveries

	id, secret string // of the root user that was asked for last

	mu      sync.Mutex
	records []string
	counted []string
}

// newFront makes a front that delivers to any port of loopback.
func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{t: t, dir: t.TempDir()}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	f.url = srv.URL
	f.open(nil)
	f.run()
	t.Cleanup(func() {
		f.stop()
		must(t, f.catalog.Close())
	})
	return f
}

// open opens what lies in the directory. Deliveries take a transport, if there is
// one.
func (f *front) open(transport http.RoundTripper) {
	f.t.Helper()
	var err error
	f.catalog, err = catalog.Open(catalog.Config{Dir: f.dir})
	must(f.t, err)
	f.store, err = identity.Open(f.catalog, identity.Options{DefaultAccount: accountA})
	must(f.t, err)
	guard, err := egress.New(egress.Config{Allow: []string{"127.0.0.1:*"}, Resolver: nobody{}})
	must(f.t, err)
	cfg := Config{Catalog: f.catalog, Principals: f.store, Recorder: f, BaseURL: func() string { return f.url }, Egress: guard, Logger: slog.New(slog.DiscardHandler)}
	if transport != nil {
		cfg.Client = &http.Client{Transport: transport}
	}
	f.service = New(cfg)
	f.mux = aws.NewMux(aws.Config{Keys: f.store, Authorizer: f.store, Recorder: f, Regions: []string{region, "eu-west-1"}})
	f.mux.Serve(f.service.API())
	f.handler = f.service.Handler(f.mux)
	f.stop = func() {}
}

// nobody knows no name: no test looks further than loopback.
type nobody struct{}

func (nobody) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// run delivers until stop is called.
func (f *front) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	service := f.service
	go func() {
		defer close(done)
		service.Run(ctx)
	}()
	f.stop = func() {
		cancel()
		<-done
	}
}

func (f *front) Record(_ context.Context, c *aws.Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records, string(record.Append(nil, c, record.Details{})))
	return nil
}

func (f *front) Ready(*aws.Call) error { return nil }

func (f *front) Count(c *aws.Call, err *aws.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counted = append(f.counted, c.Operation+" "+err.Code)
}

func (f *front) lastRecord() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.records[len(f.records)-1]
}

// A caller is who signs requests, and where.
type caller struct{ region, id, secret string }

func newClient(transport http.RoundTripper, c caller) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: c.region, BaseEndpoint: awssdk.String("http://sns.invalid"), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(c.id, c.secret, ""), RetryMaxAttempts: 1,
	})
}

func (f *front) client(c caller) *sdk.Client { return newClient(aws.InProcess{Handler: f.mux}, c) }

// root is the root user of an account, which it makes.
func (f *front) root(account string) *sdk.Client {
	f.t.Helper()
	id, secret, err := f.store.AddAccount(account)
	must(f.t, err)
	f.id, f.secret = id, secret
	return f.client(caller{region, id, secret})
}

// user makes a user whom a policy allows actions on everything.
func (f *front) user(account, name string, actions ...string) *sdk.Client {
	f.t.Helper()
	u := &identity.User{Head: identity.Head{Name: name, Path: "/"}}
	if len(actions) > 0 {
		u.Inline = map[string]string{"inline": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}}`}
	}
	must(f.t, f.store.Users.Create(account, u, nil))
	k, secret, err := f.store.CreateAccessKey(account, name)
	must(f.t, err)
	return f.client(caller{region, k.ID, secret})
}

func (f *front) serviceClient(p aws.ServicePrincipal) *sdk.Client {
	return newClient(f.mux.As(p), caller{region, "AKIAEXAMPLE", "secret"})
}

func arnOf(account, name string) string { return "arn:aws:sns:" + region + ":" + account + ":" + name }

func createTopic(t *testing.T, c *sdk.Client, name string) string {
	t.Helper()
	out, err := c.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: &name})
	must(t, err)
	return *out.TopicArn
}

func attributes(t *testing.T, c *sdk.Client, arn string) map[string]string {
	t.Helper()
	out, err := c.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &arn})
	must(t, err)
	return out.Attributes
}

func setAttribute(t *testing.T, c *sdk.Client, arn, name, value string) {
	t.Helper()
	_, err := c.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &name, AttributeValue: &value})
	must(t, err)
}

func publish(t *testing.T, c *sdk.Client, arn, text string, change ...func(*sdk.PublishInput)) string {
	t.Helper()
	in := &sdk.PublishInput{TopicArn: &arn, Message: &text}
	for _, fn := range change {
		fn(in)
	}
	out, err := c.Publish(t.Context(), in)
	must(t, err)
	return *out.MessageId
}

// A note is what an endpoint got.
type note struct {
	header http.Header
	body   string
	json   map[string]any
}

// An endpoint is a web server that subscribes.
type endpoint struct {
	t   *testing.T
	url string
	got chan note
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{t: t, got: make(chan note, 1000)}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("endpoint: %v", err)
		}
		n := note{header: r.Header, body: string(body)}
		_ = json.Unmarshal(body, &n.json)
		e.got <- n
	}))
	t.Cleanup(srv.Close)
	e.url = srv.URL
	return e
}

// next waits for what comes next.
func (e *endpoint) next() note {
	e.t.Helper()
	select {
	case n := <-e.got:
		return n
	case <-time.After(20 * time.Second):
		e.t.Fatal("nothing came to the endpoint")
		panic("unreachable")
	}
}

// subscribe subscribes an endpoint, and returns the ARN of the subscription.
func subscribe(t *testing.T, c *sdk.Client, topic, url string, attributes map[string]string) string {
	t.Helper()
	protocol, _, _ := strings.Cut(url, ":")
	out, err := c.Subscribe(t.Context(), &sdk.SubscribeInput{
		TopicArn: &topic, Protocol: &protocol, Endpoint: &url, Attributes: attributes, ReturnSubscriptionArn: true,
	})
	must(t, err)
	return *out.SubscriptionArn
}

// confirmed subscribes an endpoint and confirms it as the endpoint would.
func (f *front) confirmed(c *sdk.Client, topic string, e *endpoint, attributes map[string]string) string {
	f.t.Helper()
	arn := subscribe(f.t, c, topic, e.url, attributes)
	n := e.next()
	if n.json["Type"] != "SubscriptionConfirmation" {
		f.t.Fatalf("the endpoint got %s", n.body)
	}
	status, body := f.get(n.json["SubscribeURL"].(string))
	if status != http.StatusOK || !strings.Contains(body, arn) {
		f.t.Fatalf("SubscribeURL: %d %s", status, body)
	}
	return arn
}

// get is what an endpoint, or a person with a browser, does with a URL.
func (f *front) get(url string) (status int, body string) {
	f.t.Helper()
	resp, err := http.Get(url)
	must(f.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(f.t, err)
	return resp.StatusCode, string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("%s: error %v, want %s", what, err, code)
	}
}

func p[T any](v T) *T { return &v }
