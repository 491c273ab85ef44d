package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"cairn/internal/awsmodel"
)

// A Route says which calls go to which backend, and how they are recorded.
type Route struct {
	Name string // required, unique: records show it

	// A call takes the first route of which it matches one entry of each list that is
	// not empty. Services are the names that requests are signed for, or botocore's IDs.
	// Hosts are names without port, "*.example.com" for those below one. Paths are
	// beginnings of the path as it is on the wire.
	Services, Hosts, Paths []string

	// Upstreams are the backend's URLs, of scheme and host alone, which are taken in
	// turns. A single "https://{host}" sends each call to the host that it names, on port
	// 443 of a public address; Hosts must say which these may be.
	Upstreams  []string
	UpstreamCA string // a PEM file of the authorities of https upstreams; the system's if empty

	// HealthPath is asked for every ten seconds at each of several upstreams; one that
	// does not answer, or with a status above 499, is left out. Without it upstreams are
	// only left out after calls have failed.
	HealthPath string

	Account string // that of callers without one; the server's if empty
	Region  string // that of requests which name none

	// Regions are other names for regions: those that clients use of a backend to those
	// that are recorded.
	Regions map[string]string

	DefaultService string   // see Decoder.Service
	BucketDomains  []string // see Decoder.BucketDomains

	// Authority says that the backend gives out access keys whose owners are learned.
	Authority bool

	// Relaxed lets calls pass that cannot be recorded. They are counted.
	Relaxed bool

	Signatures SignatureRule

	Exclude []Exclusion
	Sample  []Sampling

	MaxCalls      int           // under way at once; 1,024
	DialTimeout   time.Duration // to connect, TLS included; 5 s
	AnswerTimeout time.Duration // from the end of the request to the head of its answer; 15 min
	IdleTimeout   time.Duration // in which a body must move on, in either direction; 60 s
}

// A route is a Route in use.
type route struct {
	Route
	services map[string]bool // signing names
	decoder  *Decoder
	backend  *backend
	rules    []*rule
	counters counters
}

func newRoute(cfg *Config, r Route) (*route, error) {
	if r.Name == "" {
		return nil, errors.New("a route has no name")
	}
	fail := func(err error) (*route, error) { return nil, fmt.Errorf("route %s: %w", r.Name, err) }
	setDefault(&r.MaxCalls, 1024)
	setDefault(&r.DialTimeout, 5*time.Second)
	setDefault(&r.AnswerTimeout, 15*time.Minute)
	setDefault(&r.IdleTimeout, time.Minute)
	setDefault(&r.Account, cfg.AccountID)
	if !accountID(r.Account) {
		return fail(fmt.Errorf("account %q is not 12 digits", r.Account))
	}
	switch r.Signatures {
	case "", RecordSignatures, RefuseSignatures, IgnoreSignatures:
	default:
		return fail(fmt.Errorf("signatures %q is none of record, refuse and off", r.Signatures))
	}
	r.Hosts = slices.Clone(r.Hosts)
	for i, host := range r.Hosts {
		rest, _ := strings.CutPrefix(host, "*.")
		if !validHost(rest) || strings.Contains(rest, ":") {
			return fail(fmt.Errorf("host %q is not a name, or *. and a name", host))
		}
		r.Hosts[i] = hostName(host)
	}
	for _, path := range r.Paths {
		if !strings.HasPrefix(path, "/") {
			return fail(fmt.Errorf("path %q does not begin with a slash", path))
		}
	}
	if r.HealthPath != "" && (!strings.HasPrefix(r.HealthPath, "/") || !cleanTarget(r.HealthPath)) {
		return fail(fmt.Errorf("health path %q is not a path", r.HealthPath))
	}
	rt := &route{Route: r, decoder: &Decoder{Service: r.DefaultService, Region: r.Region, BucketDomains: r.BucketDomains}}
	for _, name := range r.Services {
		names := signingNames(name)
		if len(names) == 0 {
			return fail(fmt.Errorf("service %q is not known", name))
		}
		if rt.services == nil {
			rt.services = make(map[string]bool)
		}
		for _, n := range names {
			rt.services[n] = true
		}
	}
	if r.DefaultService != "" && len(signingNames(r.DefaultService)) == 0 {
		return fail(fmt.Errorf("default service %q is not known", r.DefaultService))
	}
	var err error
	if rt.rules, err = newRules(r.Exclude, r.Sample); err != nil {
		return fail(err)
	}
	if rt.backend, err = newBackend(cfg, rt); err != nil {
		return fail(err)
	}
	return rt, nil
}

// signingNames returns the names that requests to a service can be signed for.
func signingNames(name string) []string {
	var names []string
	if len(signedFor(name)) > 0 {
		names = append(names, name)
	}
	if s, ok := awsmodel.Service(name); ok && !slices.Contains(names, s.SigningName) {
		names = append(names, s.SigningName)
	}
	for alias, of := range aliases {
		if slices.Contains(names, of) {
			names = append(names, alias)
		}
	}
	return names
}

// upstreamTLS is how the backends of a route are spoken to over TLS.
func (rt *route) upstreamTLS() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(64)}
	if rt.UpstreamCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(rt.UpstreamCA)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of upstreams: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", rt.UpstreamCA)
	}
	return c, nil
}

// match returns the route of a request, nil if there is none. form gives the body's
// beginning, where that alone tells the service.
func (g *Gateway) match(r *http.Request, form func() []byte) *route {
	host, path := hostName(r.Host), r.RequestURI
	var services []string
	known := false
	for _, rt := range g.routes {
		if len(rt.Hosts) > 0 && !slices.ContainsFunc(rt.Hosts, func(pattern string) bool { return hostMatches(pattern, host) }) {
			continue
		}
		if len(rt.Paths) > 0 && !slices.ContainsFunc(rt.Paths, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			continue
		}
		if rt.services == nil {
			return rt
		}
		if !known {
			services, known = servicesOf(r, form), true
		}
		if slices.ContainsFunc(services, func(s string) bool { return rt.services[s] }) || len(services) == 0 && rt.DefaultService != "" {
			return rt
		}
	}
	return nil
}

func hostMatches(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, rest) && len(host) > len(rest)
	}
	return host == pattern
}

// servicesOf returns the signing names of the services that a request may be for: that of
// its credential scope, and without one those that its host, target or action can mean.
func servicesOf(r *http.Request, form func() []byte) []string {
	_, raw, _ := strings.Cut(r.RequestURI, "?")
	query, _ := parseForm(raw)
	q := &wire{Request: &Request{Method: r.Method, Header: r.Header}, query: query}
	s := claimed(q)
	if s.Service != "" {
		return []string{s.Service}
	}
	var names []string
	for _, found := range byHost(r.Host) {
		names = append(names, found.SigningName)
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" && len(names) == 0 {
		if dot := strings.LastIndexByte(target, '.'); dot >= 0 {
			for _, found := range awsmodel.ByTarget(target[:dot]) {
				names = append(names, found.SigningName)
			}
		}
	}
	if len(names) > 0 {
		return names
	}
	if isForm(r.Header) && r.Method == http.MethodPost {
		q.form, _ = parseForm(string(form()))
		if s.parameters(q.form) && s.Service != "" {
			return []string{s.Service}
		}
	}
	if q.parameter("Action") != "" {
		for _, found := range byVersion(q.parameter("Version")) {
			names = append(names, found.SigningName)
		}
	} else if s.Version == "SigV2" {
		names = append(names, "s3") // whoever else took Version 2 named an action
	}
	return names
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

func accountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }
