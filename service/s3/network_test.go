package s3_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"cairn/aws"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
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
