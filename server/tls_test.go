package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/eventlog"
)

// serveConfig serves a directory until the test ends, or until stop is called.
func serveConfig(t *testing.T, cfg Config) (a Address, key *Credentials, stop func()) {
	t.Helper()
	cfg.Listen, cfg.Retention = "127.0.0.1:0", eventlog.Forever
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	type started struct {
		address Address
		key     *Credentials
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan started, 1)
	served := make(chan error, 1)
	go func() {
		err := s.Serve(ctx, func(a Address, key *Credentials) { ready <- started{a, key} })
		served <- errors.Join(err, s.Close())
	}()
	stopped := false
	stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-served; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	select {
	case r := <-ready:
		return r.address, r.key, stop
	case err := <-served:
		stopped = true
		t.Fatal(err)
	}
	panic("unreachable")
}

// writePair writes a certificate and its key, signed by itself or by ca.
func writePair(t *testing.T, dir string, serial int64, names []string, ca *tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: ca == nil,
	}
	if names[0] == "127.0.0.1" {
		template.DNSNames, template.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// The server speaks TLS 1.3, or 1.2 with suites that have forward secrecy and
// authenticated encryption, and nothing else.
func TestTLSVersions(t *testing.T) {
	t.Parallel()
	certFile, keyFile := writePair(t, t.TempDir(), 1, []string{"127.0.0.1"}, nil)
	var log lockedBuffer
	a, _, stop := serveConfig(t, Config{Data: t.TempDir(), TLSCert: certFile, TLSKey: keyFile, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	pem, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	all := []uint16{}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		all = append(all, s.ID)
	}
	chacha := uint16(tls.VersionTLS12)
	if fips140.Enabled() {
		chacha = 0 // not a cipher of FIPS 140
	}
	for _, test := range []struct {
		name     string
		min, max uint16
		suites   []uint16
		want     uint16 // version; 0 is a refusal
	}{
		{"default", 0, 0, nil, tls.VersionTLS13},
		{"1.2", tls.VersionTLS12, tls.VersionTLS12, nil, tls.VersionTLS12},
		{"1.1", tls.VersionTLS10, tls.VersionTLS11, all, 0},
		{"1.0", tls.VersionTLS10, tls.VersionTLS10, all, 0},
		{"CBC", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256}, 0},
		{"RC4", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}, 0},
		{"AES-256", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}, tls.VersionTLS12},
		{"ChaCha20", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}, chacha},
	} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(a.URL, "https://"), &tls.Config{RootCAs: roots, MinVersion: test.min, MaxVersion: test.max, CipherSuites: test.suites})
		if err != nil {
			if test.want != 0 {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if v := conn.ConnectionState().Version; v != test.want {
			t.Errorf("%s: %s", test.name, tls.VersionName(v))
		}
		_ = conn.Close()
	}

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	resp, err := client.Get(a.URL + "/health")
	if err != nil || resp.StatusCode != http.StatusOK || resp.TLS == nil {
		t.Fatalf("health: %v", err)
	}
	_ = resp.Body.Close()
	// Who speaks without encryption is told so, and not answered.
	if code, _, body := get(t, http.MethodGet, "http://"+strings.TrimPrefix(a.URL, "https://")+"/health", http.Header{}); code != http.StatusBadRequest || strings.Contains(body, "ok") {
		t.Errorf("without TLS: %d %s", code, body)
	}
	// Strangers' failed handshakes do not fill the log.
	if stop(); strings.Contains(log.String(), "handshake") || !strings.Contains(log.String(), "stopping") {
		t.Errorf("the log says %s", log.String())
	}
}

// The address tells clients a name that the certificate proves, and the file to
// trust if nobody else signed it.
func TestTLSAddress(t *testing.T) {
	t.Parallel()
	ca := t.TempDir()
	caCert, caKey := writePair(t, ca, 1, []string{"Some CA"}, nil)
	pair, err := tls.LoadX509KeyPair(caCert, caKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		names []string
		ca    *tls.Certificate
		host  string
	}{
		{[]string{"127.0.0.1"}, nil, "127.0.0.1"},
		{[]string{"localhost", "cairn.example"}, nil, "localhost"},
		{[]string{"*.cairn.example", "cairn.example"}, &pair, "cairn.example"},
		{[]string{"*.cairn.example"}, &pair, "127.0.0.1"},
	} {
		certFile, keyFile := writePair(t, t.TempDir(), 2, test.names, test.ca)
		data := t.TempDir()
		a, _, _ := serveConfig(t, Config{Data: data, TLSCert: certFile, TLSKey: keyFile})
		if !strings.HasPrefix(a.URL, "https://"+test.host+":") {
			t.Errorf("%v: %s", test.names, a.URL)
		}
		if (a.CABundle == certFile) != (test.ca == nil) || test.ca != nil && a.CABundle != "" {
			t.Errorf("%v: trust %q", test.names, a.CABundle)
		}
		if found, err := FindServer(data); err != nil || *found != a {
			t.Errorf("the address file: %v, %v", found, err)
		}
	}
}

// A certificate that changes is used from the next second on. One that cannot be
// used leaves the old one in place, with one line in the log.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, 1, []string{"localhost"}, nil)
	var log bytes.Buffer
	c, err := openCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	serial := func() int64 {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	expect := func(want int64, what string, errorLines int) {
		t.Helper()
		for range 3 {
			now = now.Add(certificateCheck)
			if got := serial(); got != want {
				t.Errorf("%s: certificate %d, want %d", what, got, want)
			}
		}
		if got := strings.Count(log.String(), "level=ERROR"); got != errorLines {
			t.Errorf("%s: %d errors in the log, want %d\n%s", what, got, errorLines, log.String())
		}
	}
	expect(1, "unchanged", 0)
	now = now.Add(certificateCheck)
	serial()
	writePair(t, dir, 2, []string{"localhost"}, nil)
	if got := serial(); got != 1 {
		t.Errorf("within the same second: certificate %d", got)
	}
	expect(2, "renewed", 0)

	whole, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, whole[:20], 0o600); err != nil {
		t.Fatal(err)
	}
	expect(2, "a torn key", 1)
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	expect(2, "no key", 2)
	other := t.TempDir()
	writePair(t, other, 3, []string{"localhost"}, nil)
	if err := os.Rename(filepath.Join(other, "key.pem"), keyFile); err != nil {
		t.Fatal(err)
	}
	expect(2, "the key of another certificate", 3)
	if err := os.Rename(filepath.Join(other, "cert.pem"), certFile); err != nil {
		t.Fatal(err)
	}
	expect(3, "both", 3)
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("a key is in the log")
	}
}

// A pair that cannot be used at the start keeps the server from starting.
func TestTLSUnusable(t *testing.T) {
	t.Parallel()
	certFile, keyFile := writePair(t, t.TempDir(), 1, []string{"localhost"}, nil)
	_, otherKey := writePair(t, t.TempDir(), 2, []string{"localhost"}, nil)
	for what, cfg := range map[string]Config{
		"no file":         {TLSCert: certFile, TLSKey: keyFile + "x"},
		"another's key":   {TLSCert: certFile, TLSKey: otherKey},
		"not even a cert": {TLSCert: keyFile, TLSKey: keyFile},
	} {
		cfg.Data, cfg.Listen = t.TempDir(), "127.0.0.1:0"
		s, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Serve(t.Context(), func(Address, *Credentials) { t.Errorf("%s: served", what) })
		if err == nil || !strings.Contains(err.Error(), "TLS certificate") {
			t.Errorf("%s: %v", what, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := FindServer(cfg.Data); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for setting, cfg := range map[string]Config{"tls-cert": {TLSCert: certFile}, "tls-key": {TLSKey: keyFile}} {
		var bad *SettingError
		if err := cfg.Validate(); !errors.As(err, &bad) || bad.Setting != setting {
			t.Errorf("%s alone: %v", setting, err)
		}
	}
}

// Other machines are served with TLS or on request only, and never in
// development mode.
func TestListenRules(t *testing.T) {
	t.Parallel()
	withTLS := Config{TLSCert: "c", TLSKey: "k"}
	for _, test := range []struct {
		listen string
		cfg    Config
		ok     bool
		actual string
	}{
		{"0.0.0.0:1", Config{}, false, ""},
		{"0.0.0.0:1", Config{Insecure: true}, true, "0.0.0.0:1"},
		{"0.0.0.0:1", withTLS, true, "0.0.0.0:1"},
		{":1", withTLS, true, ":1"},
		{"cairn.example:1", withTLS, true, "cairn.example:1"},
		{":0", Config{}, true, "127.0.0.1:0"},
		{":0", Config{Dev: true, Insecure: true}, true, "127.0.0.1:0"},
		{"0.0.0.0:1", Config{Dev: true}, false, ""},
		{"0.0.0.0:1", Config{Dev: true, Insecure: true}, false, ""},
		{"[::]:1", Config{Dev: true, Insecure: true, TLSCert: "c", TLSKey: "k"}, false, ""},
		{"192.0.2.1:1", Config{Dev: true, TLSCert: "c", TLSKey: "k"}, false, ""},
		{"[::1]:1", Config{Dev: true}, true, "[::1]:1"},
	} {
		test.cfg.Listen = test.listen
		var bad *SettingError
		err := test.cfg.Validate()
		if (err == nil) != test.ok || err != nil && (!errors.As(err, &bad) || bad.Setting != "listen") {
			t.Errorf("%s %+v: %v", test.listen, test.cfg, err)
		}
		if got := test.cfg.listenAddress(); test.ok && got != test.actual {
			t.Errorf("%s %+v listens on %s", test.listen, test.cfg, got)
		}
		if test.cfg.Dev && err != nil && !strings.Contains(err.Error(), "--dev") {
			t.Errorf("%s: %v does not say why", test.listen, err)
		}
	}
}
