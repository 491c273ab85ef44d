package server

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"cairn/aws"
	"cairn/delivery"
	"cairn/identity"
	"cairn/internal/durable"
	"cairn/internal/objectstore"
	"cairn/record"
	"cairn/service/cloudtrail"
	"cairn/service/iam"
	"cairn/service/kms"
	"cairn/service/sns"
	"cairn/service/sts"
	"cairn/trail"
)

// CredentialsName is the file in the data directory that holds the operator's
// first access key, in the form of AWS's shared credentials file.
const CredentialsName = "credentials"

// A front is the AWS side of a serving Server.
type front struct {
	identities *identity.Store
	recorder   *record.Recorder
	mux        *aws.Mux
	kms        *kms.Service
	topics     *sns.Service
	trails     *trail.Store
	digestKeys *delivery.Keys
	deliveries *delivery.Delivery
	objects    *objectstore.Store
	routes     *http.ServeMux // Cairn's own paths
	console    *consoleServer // nil without one

	// firstKey is the operator's access key, if this start has made it.
	firstKey *Credentials
}

// Credentials are an access key and its secret.
type Credentials struct {
	AccessKeyID string
	Secret      string
}

// credentialsText is the credentials file: comments with a checksum, and a
// profile.
func credentialsText(id, secret string) []byte {
	profile := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", id, secret)
	return fmt.Appendf(nil, "# The operator's first access key. Remove this file once the key is kept elsewhere.\n# crc32c %08x\n%s",
		crc32.Checksum([]byte(profile), crc32.MakeTable(crc32.Castagnoli)), profile)
}

// checkCredentials reports whether a credentials file is as it was written.
func checkCredentials(b []byte) bool {
	var c Credentials
	c.parse(b)
	return bytes.Equal(b, credentialsText(c.AccessKeyID, c.Secret))
}

// ReadCredentials reads the operator's first access key from a data directory.
// The error is fs.ErrNotExist if the file was removed, as it may be once the
// key is kept elsewhere.
func ReadCredentials(data string) (*Credentials, error) {
	name := filepath.Join(data, CredentialsName)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the operator's access key: %w", err)
	}
	var c Credentials
	c.parse(b)
	if c.AccessKeyID == "" || c.Secret == "" {
		return nil, fmt.Errorf("read the operator's access key: %s has none", name)
	}
	return &c, nil
}

func (c *Credentials) parse(b []byte) {
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			c.AccessKeyID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			c.Secret = strings.TrimSpace(value)
		}
	}
}

// openFront makes what answers AWS requests. The first time it makes the
// operator's account.
func (s *Server) openFront() (*front, error) {
	store, err := s.openIdentities(s.cfg.Dev)
	if err != nil {
		return nil, err
	}
	f := &front{identities: store}
	if err := s.bootstrap(f); err != nil {
		return nil, err
	}
	f.recorder, err = record.New(record.Config{Log: s.log, AccountID: s.cfg.AccountID, Logger: s.cfg.Logger})
	if err != nil {
		return nil, err
	}
	f.mux = aws.NewMux(aws.Config{
		Keys: store, Authorizer: store, Recorder: f.recorder,
		Regions: s.regions(), Throttle: s.cfg.Throttle, Now: s.cfg.Now, Logger: s.cfg.Logger,
	})
	if err := s.openDeliveries(f); err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.mux.Serve((&cloudtrail.Service{
		History: s.log, Trails: f.trails, Deliveries: f.deliveries, Keys: f.digestKeys, KMS: s.keysFor,
		Sealer: s.catalog.Keyring(), Logger: s.cfg.Logger, Now: s.cfg.Now,
	}).API())
	f.mux.Serve((&iam.Service{Store: store}).API())
	f.mux.Serve((&sts.Service{Store: store}).API())
	f.kms = &kms.Service{Catalog: s.catalog, Principals: store, Logger: s.cfg.Logger, Now: s.cfg.Now}
	f.mux.Serve(f.kms.API())
	if f.topics, err = s.newTopics(f); err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.mux.Serve(f.topics.API())
	objects, err := s.openObjects(f)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.mux.Serve(objects.API())
	return f, nil
}

// regions are all that exist: global services belong to us-east-1, so that is
// one of them.
func (s *Server) regions() []string {
	return allRegions(s.cfg.Regions)
}

// bootstrap makes the operator's account and writes its access key to a file
// that only the owner can read. A start that was interrupted before that is
// made up for. Once the file was there, its removal is for good.
func (s *Server) bootstrap(f *front) error {
	id, secret, err := f.identities.Bootstrap(s.cfg.AccountID)
	if err != nil || id == "" {
		return err
	}
	name := path.Join(filepath.ToSlash(s.cfg.Data), CredentialsName)
	if err := durable.WriteFile(s.cfg.FS, name, credentialsText(id, secret), 0o600); err != nil {
		return err
	}
	// A crash here: the next start writes the same file again.
	if err := f.identities.KeyDelivered(s.cfg.AccountID); err != nil {
		return err
	}
	f.firstKey = &Credentials{AccessKeyID: id, Secret: secret}
	return nil
}

// localOnly guards the TCP port in development mode, where credentials prove
// nothing: a page in a browser must not reach it, by no route. Such requests
// are counted.
func (s *Server) localOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := foreign(r); why != "" {
			s.metrics.foreign.Inc()
			writeError(w, http.StatusForbidden, "a server in development mode answers programs on this machine only: "+why)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// foreign says why a request may come from a page in a browser, or was led here
// by a name that is not this machine's; empty if neither is so.
func foreign(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" {
		return "Sec-Fetch-Site is " + site
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		return "the request has an Origin"
	}
	host := strings.ToLower(r.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return ""
	}
	return "its Host is not this machine's"
}

// close stops deliveries, closes the object store, and writes what the recorder and the identities
// still have.
func (f *front) close() error {
	var err error
	if f.deliveries != nil {
		err = f.deliveries.Close()
	}
	if f.objects != nil {
		err = errors.Join(err, f.objects.Close())
	}
	err = errors.Join(err, f.recorder.Close())
	f.identities.Flush()
	return err
}
