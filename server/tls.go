package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A certificate is the pair of files that the server proves its name with. It
// follows changes of the files: whoever renews a certificate need not restart
// the server.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	pair    *tls.Certificate
	files   [2]os.FileInfo // what was last tried, usable or not
	checked time.Time
}

// certificateCheck is how often handshakes look whether the files have changed.
const certificateCheck = time.Second

// openCertificate reads the pair. What cannot be used is an error here, and
// later only a line in the log.
func openCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: time.Now}
	if err := c.load(); err != nil {
		return nil, err
	}
	c.checked = c.now()
	return c, nil
}

// load reads the files if they are not those that were last tried.
func (c *certificate) load() error {
	var files [2]os.FileInfo
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			// Renaming a new file into place leaves no moment without one, but
			// not everyone does: look again next time, and complain once.
			if c.files[i] == nil && c.pair != nil {
				return nil
			}
			c.files[i] = nil
			return fmt.Errorf("read the TLS certificate and key: %w", err)
		}
		files[i] = info
	}
	if slices.EqualFunc(files[:], c.files[:], sameFile) {
		return nil
	}
	c.files = files
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read the TLS certificate %s and key %s: %w", c.certFile, c.keyFile, err)
	}
	if c.pair != nil {
		c.log.Info("the TLS certificate has changed", slog.String("file", c.certFile), slog.Time("notAfter", pair.Leaf.NotAfter))
	}
	c.pair = &pair
	return nil
}

func sameFile(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// get returns the newest usable pair.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked).Abs() >= certificateCheck {
		c.checked = now
		if err := c.load(); err != nil {
			c.log.Error("the new TLS certificate cannot be used, and the old one stays", slog.Any("error", err))
		}
	}
	return c.pair, nil
}

// config is how the server speaks TLS: 1.3, or 1.2 with the suites that have
// forward secrecy and authenticated encryption.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		GetCertificate: c.get,
		MinVersion:     tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// selfSigned says whether clients can trust the certificate only by knowing it.
func selfSigned(leaf *x509.Certificate) bool {
	return leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}

// setUpTLS makes srv speak TLS if there is a certificate, and says in address
// how clients come to trust it.
func (s *Server) setUpTLS(srv *http.Server, address *Address) error {
	if s.cfg.TLSCert == "" {
		return nil
	}
	c, err := openCertificate(s.cfg.TLSCert, s.cfg.TLSKey, s.cfg.Logger)
	if err != nil {
		return err
	}
	srv.TLSConfig = c.config()
	// HTTP/2 would give one connection many streams, past the limits that
	// newHTTPServer sets for each, and AWS clients gain nothing by it.
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetHTTP1(true)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address.URL, "http://"))
	if err != nil {
		return err
	}
	address.URL = "https://" + net.JoinHostPort(certifiedHost(c.pair.Leaf, host), port)
	if selfSigned(c.pair.Leaf) {
		address.CABundle, err = filepath.Abs(s.cfg.TLSCert)
	}
	return err
}

// certifiedHost returns a name for clients on this machine that the
// certificate proves: the listen address, localhost, or the certificate's first
// name.
func certifiedHost(leaf *x509.Certificate, host string) string {
	for _, h := range []string{host, "localhost"} {
		if leaf.VerifyHostname(h) == nil {
			return h
		}
	}
	for _, name := range leaf.DNSNames {
		if !strings.Contains(name, "*") {
			return name
		}
	}
	return host
}

// listenURL is the URL of a TCP listener without TLS. Clients cannot call the
// address that stands for all of a machine's addresses.
func listenURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
