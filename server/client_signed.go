package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"cairn/internal/sigv4"
)

// An Endpoint is the TCP port of a server, and what requests to it are signed
// with. An operator's requests are answered, and lookups and tails of others,
// within their account.
type Endpoint struct {
	URL      string // http or https, without a path
	Key      Credentials
	Token    string // of temporary credentials
	Region   string
	CABundle string // file with certificates to trust besides the system's; may be empty
}

// DialEndpoint returns a client that speaks to a server's TCP port.
func DialEndpoint(e Endpoint) (*Client, error) {
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q does not have the form http://host:port or https://host:port", e.URL)
	}
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 8, TLSHandshakeTimeout: 10 * time.Second}
	if e.CABundle != "" {
		if t.TLSClientConfig, err = trusting(e.CABundle); err != nil {
			return nil, err
		}
	}
	c := newClient(&signer{next: t, endpoint: e})
	c.base = u.Scheme + "://" + u.Host
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("the server redirects, which a signed request cannot follow")
	}
	c.close = func() error { t.CloseIdleConnections(); return nil }
	return c, nil
}

func trusting(bundle string) (*tls.Config, error) {
	pem, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the certificates to trust: %s has none", bundle)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// A signer signs requests on their way.
type signer struct {
	next     http.RoundTripper
	endpoint Endpoint
}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return nil, errors.New("sign request: its body can be read only once")
		}
		b, err := r.GetBody()
		if err == nil {
			body, err = io.ReadAll(b)
		}
		if err != nil {
			return nil, fmt.Errorf("sign request: %w", err)
		}
	}
	signed := r.Clone(r.Context())
	signed.Header.Set("User-Agent", "cairn") // the record of the call shows it
	key := sigv4.Credentials{AccessKeyID: s.endpoint.Key.AccessKeyID, SecretAccessKey: s.endpoint.Key.Secret, SessionToken: s.endpoint.Token}
	if err := sigv4.Sign(signed, sigv4.HashPayload(body), key, "cloudtrail", s.endpoint.Region, time.Now()); err != nil {
		return nil, err
	}
	return s.next.RoundTrip(signed)
}
