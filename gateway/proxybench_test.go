package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"cairn/eventlog"
	"cairn/gateway"
)

// noLog takes everything and keeps nothing.
type noLog struct{}

func (noLog) Writable() error { return nil }

func (noLog) Append(_ context.Context, b eventlog.Batch) ([]eventlog.Result, error) {
	return []eventlog.Result{{Status: eventlog.Stored}}, nil
}

func (noLog) Lookup(context.Context, eventlog.Query) (*eventlog.Page, error) {
	return &eventlog.Page{}, nil
}

const largeBytes = 64 << 20

var large = make([]byte, 1<<20)

// BenchmarkProxy shows what a call costs beside the standard library's bare proxy, with the
// journal on the disk, and without the log: client, proxy and backend share the process.
func BenchmarkProxy(b *testing.B) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Length", strconv.Itoa(largeBytes))
			for range largeBytes / len(large) {
				w.Write(large)
			}
			return
		}
		w.Header().Set("X-Amz-Request-Id", "R1")
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		io.WriteString(w, `{"Item":{"id":{"S":"x"}}}`)
	}))
	defer backend.Close()
	to, _ := url.Parse(backend.URL)
	bare := httputil.NewSingleHostReverseProxy(to)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256
	bare.Transport = transport
	intents, err := gateway.OpenIntents(gateway.IntentsConfig{Dir: filepath.Join(b.TempDir(), "intents"), Log: noLog{}})
	if err != nil {
		b.Fatal(err)
	}
	defer intents.Close()
	g, err := gateway.New(gateway.Config{
		Routes: []gateway.Route{{Name: "main", Upstreams: []string{backend.URL}}}, Log: noLog{}, Intents: intents, AccountID: testAccount,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	for _, of := range []struct {
		name    string
		handler http.Handler
	}{{"bare", bare}, {"gateway", g}} {
		front := httptest.NewServer(of.handler)
		client := front.Client()
		client.Transport.(*http.Transport).MaxIdleConnsPerHost = 256
		client.Transport.(*http.Transport).DisableCompression = true
		call := func(b *testing.B, target, body string) {
			r, _ := http.NewRequest(http.MethodPost, front.URL+"/", strings.NewReader(body))
			r.Header = http.Header{
				"Authorization": {signedHeader("dynamodb")}, "X-Amz-Date": {"20260301T120000Z"}, "X-Amz-Target": {"DynamoDB_20120810." + target},
				"Content-Type": {"application/x-amz-json-1.0"}, "User-Agent": {"aws-sdk-go-v2/1.30"},
			}
			resp, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		for _, kind := range []struct{ name, target, body string }{
			{"read", "GetItem", `{"TableName":"t","Key":{"id":{"S":"x"}}}`},
			{"write", "CreateTable", `{"TableName":"t","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`},
		} {
			b.Run(kind.name+"/"+of.name, func(b *testing.B) {
				b.ReportAllocs()
				work := make(chan struct{}, 64)
				var wait sync.WaitGroup
				for range 64 {
					wait.Go(func() {
						for range work {
							call(b, kind.target, kind.body)
						}
					})
				}
				for b.Loop() {
					work <- struct{}{}
				}
				close(work)
				wait.Wait()
			})
		}
		b.Run("large/"+of.name, func(b *testing.B) {
			b.SetBytes(largeBytes)
			for b.Loop() {
				r, _ := http.NewRequest(http.MethodGet, front.URL+"/bucket/key", nil)
				r.Header.Set("Authorization", signedHeader("s3"))
				resp, err := client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				if n, _ := io.Copy(io.Discard, resp.Body); n != largeBytes {
					b.Fatalf("%d bytes", n)
				}
				resp.Body.Close()
			}
		})
		front.Close()
	}
}
