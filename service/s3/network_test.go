package s3_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cairn/aws"
	. "cairn/service/s3"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

// inProcess is the transport within the process for requests by hand.
type inProcess struct{ mux *aws.Mux }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	return aws.InProcess{Handler: t.mux}.RoundTrip(r)
}

// overTheNetwork are clients of the front behind a listener, with and without TLS,
// and within the process.
func (f *front) overTheNetwork(t *testing.T, id, secret string) map[string]*sdk.Client {
	t.Helper()
	plain := httptest.NewServer(f.mux)
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(f.mux)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	client := func(url string, transport http.RoundTripper) *sdk.Client {
		return sdk.New(sdk.Options{
			Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true, RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: transport},
			Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), RequestChecksumCalculation: awssdk.RequestChecksumCalculationWhenSupported,
		})
	}
	trusting := secure.Client().Transport.(*http.Transport).Clone()
	trusting.ForceAttemptHTTP2 = true
	if trusting.TLSClientConfig == nil {
		trusting.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(trusting.CloseIdleConnections)
	return map[string]*sdk.Client{
		"http": client(plain.URL, plain.Client().Transport), "https": client(secure.URL, trusting), "process": client("http://s3.invalid", inProcess{f.mux}),
	}
}

// A slowKMS takes its time, unless the call is given up.
type slowKMS struct {
	DataKeys
	takes time.Duration
}

func (k slowKMS) GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, options ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(k.takes):
	}
	return k.DataKeys.GenerateDataKey(ctx, in, options...)
}

// The server's deadlines are for the client. What the server itself takes long for,
// such as a copy of a large object, comes to its end and is answered.
func TestLongWorkOutlastsTheDeadlines(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	a, ctx := f.client(id, secret), t.Context()
	bucket := f.bucket(a, "slow-bucket")
	f.put(a, bucket, "k", "content")
	const patience = 300 * time.Millisecond
	f.service.KMS = func(c *aws.Call, region string) DataKeys { return slowKMS{f.kms.of(c, region), 3 * patience} }
	server := httptest.NewUnstartedServer(f.mux)
	server.Config.ReadTimeout, server.Config.WriteTimeout = patience, patience
	server.Start()
	t.Cleanup(server.Close)
	far := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
	_, err = far.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &bucket, Key: p("copy"), CopySource: p(bucket + "/k"), ServerSideEncryption: "aws:kms"})
	must(t, err)
}
