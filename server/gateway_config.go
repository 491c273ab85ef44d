package server

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"cairn/gateway"
	"cairn/internal/awsmodel"
)

// GatewayConfig says what the recording gateway stands in front of.
type GatewayConfig struct {
	// Identities is a file that tells who access keys belong to; none if empty.
	Identities string

	// Health is the address where a gateway that runs alone tells of its health and
	// metrics; nowhere if empty. A server tells it on its own port.
	Health string

	// Listeners are the ports of the gateway, at least one.
	Listeners []GatewayListener

	// To is the server that the records are sent to; nowhere if its URL is empty.
	// ForwardEvery is how long records are collected for one request;
	// DefaultForwardEvery if zero.
	To           Endpoint
	ForwardEvery time.Duration
}

// A GatewayListener is one port of the gateway, which belongs to the backends
// behind it: nothing of Cairn's own answers there.
type GatewayListener struct {
	Name   string // gateway, gateway2 … if empty
	Listen string // address:port; port 0 picks a free one

	// TLSCert and TLSKey are as those of Config.
	TLSCert, TLSKey string

	// Insecure allows an address that other machines can reach without TLS, as
	// Config.Insecure does for all listeners.
	Insecure bool

	// ProxyProtocol are the networks whose connections begin with the header of the
	// PROXY protocol, version 1 or 2. ForwardedFor are those whose X-Forwarded-For
	// is believed.
	ProxyProtocol, ForwardedFor []netip.Prefix

	// Routes are tried in their order.
	Routes []gateway.Route
}

// A GatewayError holds all that is wrong with the settings of the gateway. The
// Setting of each is the path of a member in the configuration file, such as
// gateway.listeners[0].routes[1].region.
type GatewayError []*SettingError

func (e GatewayError) Error() string {
	texts := make([]string, len(e))
	for i, bad := range e {
		texts[i] = bad.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap gives each of the errors.
func (e GatewayError) Unwrap() []error {
	all := make([]error, len(e))
	for i, bad := range e {
		all[i] = bad
	}
	return all
}

// gatewayCheck collects what is wrong.
type gatewayCheck struct {
	cfg *Config
	bad GatewayError
}

func (k *gatewayCheck) fail(path, value, format string, args ...any) {
	k.bad = append(k.bad, &SettingError{path, value, fmt.Sprintf(format, args...)})
}

// validateGateway returns a GatewayError if the gateway's settings cannot be
// used.
func (c Config) validateGateway() error {
	if c.Gateway == nil {
		return nil
	}
	k := &gatewayCheck{cfg: &c}
	if len(c.Gateway.Listeners) == 0 {
		k.fail("gateway.listeners", "", "a gateway needs at least one listener")
	}
	if name := c.Gateway.Identities; name != "" {
		if _, err := os.Stat(name); err != nil {
			k.fail("gateway.identities", name, "the file cannot be read: %v", err)
		}
	}
	k.to()
	names := make(map[string]string) // of listeners and routes
	taken := make(map[string]string) // addresses
	for i := range c.Gateway.Listeners {
		l := &c.Gateway.Listeners[i]
		path := fmt.Sprintf("gateway.listeners[%d]", i)
		k.listener(path, l)
		if other, ok := names["listener "+l.Name]; ok && l.Name != "" {
			k.fail(path+".name", l.Name, "%s has that name already", other)
		}
		names["listener "+l.Name] = path
		if other, ok := taken[l.Listen]; ok && !strings.HasSuffix(l.Listen, ":0") {
			k.fail(path+".listen", l.Listen, "%s has that address already", other)
		}
		taken[l.Listen] = path
		for j := range l.Routes {
			r := &l.Routes[j]
			at := fmt.Sprintf("%s.routes[%d]", path, j)
			// Metrics, records and what was learned of identities go by the name.
			if other, ok := names["route "+r.Name]; ok && r.Name != "" {
				k.fail(at+".name", r.Name, "%s has that name already", other)
			}
			names["route "+r.Name] = at
			k.route(at, r)
		}
	}
	if len(k.bad) == 0 {
		return nil
	}
	return k.bad
}

// to refuses a server to which records would travel so that others can read them.
func (k *gatewayCheck) to() {
	u, err := url.Parse(k.cfg.Gateway.To.URL)
	if err != nil || u.Scheme != "http" || k.cfg.Insecure {
		return // DialEndpoint tells what is no URL
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() || u.Hostname() == "localhost" {
		return
	}
	k.fail("gateway.to", k.cfg.Gateway.To.URL, "the server is on another machine, and the connection would not be encrypted; use an https URL, or --insecure if that is meant")
}

func (k *gatewayCheck) listener(path string, l *GatewayListener) {
	as := *k.cfg
	as.TLSCert, as.TLSKey, as.Dev, as.Insecure = l.TLSCert, l.TLSKey, false, k.cfg.Insecure || l.Insecure
	var bad *SettingError
	if l.Listen == "" {
		k.fail(path, l.Name, "it has no address to listen on (listen)")
	} else if errors.As(as.validateListen(path+".listen", l.Listen, "127.0.0.1:9100"), &bad) {
		bad.Why = strings.NewReplacer("--tls-cert", "tls-cert", "--tls-key", "tls-key", "--insecure", "insecure: true").Replace(bad.Why)
		k.bad = append(k.bad, bad)
	}
	if l.TLSCert != "" && l.TLSKey == "" {
		k.fail(path+".tls-cert", l.TLSCert, "TLS needs the private key as well (tls-key)")
	}
	if l.TLSKey != "" && l.TLSCert == "" {
		k.fail(path+".tls-key", l.TLSKey, "TLS needs the certificate as well (tls-cert)")
	}
	if len(l.Routes) == 0 {
		k.fail(path, l.Name, "it has no routes, so that no call could pass")
	}
}

func (k *gatewayCheck) route(path string, r *gateway.Route) {
	if r.Name == "" {
		k.fail(path, "", "the route has no name")
	} else if len(r.Name) > 64 || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		k.fail(path+".name", r.Name, "a name has 1 to 64 letters, digits, hyphens, underscores and dots")
	}
	for _, s := range r.Services {
		k.service(path+".service", s)
	}
	if r.DefaultService != "" {
		k.service(path+".default-service", r.DefaultService)
	}
	for _, h := range r.Hosts {
		if h == "" || strings.ContainsAny(h, "/ \t@?#") {
			k.fail(path+".host", h, "not a host's name, such as s3.example.com or *.example.com")
		}
	}
	for _, p := range r.Paths {
		if !strings.HasPrefix(p, "/") {
			k.fail(path+".path", p, "a path begins with /")
		}
	}
	if len(r.Upstreams) == 0 {
		k.fail(path, r.Name, "the route has no upstream")
	}
	for i, u := range r.Upstreams {
		if slices.Contains(r.Upstreams[:i], u) {
			k.fail(path+".upstream", u, "the route has it twice")
		} else if why := badUpstream(u); why != "" {
			k.fail(path+".upstream", u, "%s", why)
		} else if chosenByClient(u) && (u != "https://{host}" || len(r.Upstreams) > 1 || len(r.Hosts) == 0) {
			k.fail(path+".upstream", u, "https://{host} stands alone, and the route needs the hosts that it may stand for (host)")
		}
	}
	if r.UpstreamCA != "" {
		if _, err := trusting(r.UpstreamCA); err != nil {
			k.fail(path+".upstream-ca", r.UpstreamCA, "%v", err)
		}
	}
	if r.Account != "" && !accountIDPattern.MatchString(r.Account) {
		k.fail(path+".account", r.Account, "an AWS account ID has 12 digits")
	}
	k.regions(path, r)
	if r.MaxCalls < 0 {
		k.fail(path+".max-calls", fmt.Sprint(r.MaxCalls), "at least 1")
	}
	if r.HealthPath != "" && !strings.HasPrefix(r.HealthPath, "/") {
		k.fail(path+".health-path", r.HealthPath, "a path begins with /")
	}
	for i, e := range r.Exclude {
		k.dataRead(fmt.Sprintf("%s.exclude[%d]", path, i), e.Operation, e.Buckets)
	}
	for i, s := range r.Sample {
		at := fmt.Sprintf("%s.sample[%d]", path, i)
		k.dataRead(at, s.Operation, s.Buckets)
		if s.OneIn < 2 {
			k.fail(at+".one-in", fmt.Sprint(s.OneIn), "one in so many is recorded: at least 2")
		}
	}
	if !slices.Contains([]gateway.SignatureRule{"", gateway.RecordSignatures, gateway.RefuseSignatures, gateway.IgnoreSignatures}, r.Signatures) {
		k.fail(path+".signatures", string(r.Signatures), "not one of record, refuse, off")
	}
}

// regions holds the regions of a route to those of the server.
func (k *gatewayCheck) regions(path string, r *gateway.Route) {
	exist := allRegions(k.cfg.Regions)
	in := func(region string) bool { return slices.Contains(exist, region) }
	if r.Region != "" && !in(r.Region) {
		k.fail(path+".region", r.Region, "the region is not among --regions (%s)", strings.Join(exist, ", "))
	}
	for from, to := range r.Regions {
		if !in(to) {
			k.fail(path+".regions", from+": "+to, "the region %s is not among --regions (%s)", to, strings.Join(exist, ", "))
		}
	}
}

func (k *gatewayCheck) service(path, name string) {
	if len(servicesNamed(name)) == 0 {
		k.fail(path, name, "no service of AWS has that name, such as s3, dynamodb or sts")
	}
}

// servicesNamed are the services that sign with a name, or have it as their ID.
func servicesNamed(name string) []*awsmodel.ServiceModel {
	found := awsmodel.BySigningName(name)
	if s, ok := awsmodel.Service(name); ok && !slices.Contains(found, s) {
		found = append([]*awsmodel.ServiceModel{s}, found...)
	}
	return found
}

// dataRead refuses what must not go without a record: everything but reads of
// data.
func (k *gatewayCheck) dataRead(path, text string, buckets []string) {
	service, name, _ := strings.Cut(text, ":")
	for _, s := range servicesNamed(service) {
		op, ok := s.Operation(name)
		switch {
		case !ok:
			continue
		case !op.Data || !op.ReadOnly:
			k.fail(path+".operation", text, "it is no read of data, and only these can go without a record")
		case len(buckets) > 0 && s.ID != "s3":
			k.fail(path+".buckets", strings.Join(buckets, ", "), "only operations of S3 have buckets")
		}
		return
	}
	k.fail(path+".operation", text, "not a service and an operation of it, such as s3:GetObject")
}

// chosenByClient says whether the host of an upstream is that which a client names.
func chosenByClient(upstream string) bool { return strings.Contains(upstream, "{host}") }

// badUpstream says why a URL cannot be that of a backend; empty if it can.
func badUpstream(text string) string {
	// {host} stands for the host that the client named.
	u, err := url.Parse(strings.Replace(text, "{host}", "host.invalid", 1))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "not the URL of a backend, such as http://127.0.0.1:9000"
	case u.User != nil:
		return "a backend's URL holds no credentials: the clients' own signatures go through"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "a backend's URL has no path: signed requests cannot be changed on their way"
	}
	if p := u.Port(); p != "" {
		if _, err := net.LookupPort("tcp", p); err != nil {
			return "the port is not a number from 0 to 65535"
		}
	}
	return ""
}

// allRegions are all regions that exist: global services belong to us-east-1, so
// that is one of them.
func allRegions(regions []string) []string {
	if slices.Contains(regions, DefaultRegion) {
		return regions
	}
	return append(slices.Clone(regions), DefaultRegion)
}

// named gives listeners without a name one.
func (g *GatewayConfig) named() []GatewayListener {
	all := slices.Clone(g.Listeners)
	for i := range all {
		name := "gateway"
		if i > 0 {
			name = fmt.Sprint("gateway", i+1)
		}
		all[i].Name = cmp.Or(all[i].Name, name)
	}
	return all
}
