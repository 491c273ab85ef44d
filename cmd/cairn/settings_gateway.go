package main

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"cairn/gateway"
	"cairn/server"
)

// gatewayFile is the section gateway of the configuration file.
type gatewayFile struct {
	Identities string            `yaml:"identities"`
	To         string            `yaml:"to"`
	Listeners  []gatewayListener `yaml:"listeners"`
}

type gatewayListener struct {
	Name          string         `yaml:"name"`
	Listen        string         `yaml:"listen"`
	TLSCert       string         `yaml:"tls-cert"`
	TLSKey        string         `yaml:"tls-key"`
	Insecure      bool           `yaml:"insecure"`
	ProxyProtocol any            `yaml:"proxy-protocol"`
	ForwardedFor  any            `yaml:"forwarded-for"`
	Routes        []gatewayRoute `yaml:"routes"`
}

// gatewayRoute is a route. Members that are any hold one text or a list of them.
type gatewayRoute struct {
	Name           string            `yaml:"name"`
	Service        any               `yaml:"service"`
	Host           any               `yaml:"host"`
	Path           any               `yaml:"path"`
	Upstream       any               `yaml:"upstream"`
	UpstreamCA     string            `yaml:"upstream-ca"`
	Account        string            `yaml:"account"`
	Region         string            `yaml:"region"`
	Regions        map[string]string `yaml:"regions"`
	DefaultService string            `yaml:"default-service"`
	BucketDomains  any               `yaml:"bucket-domains"`
	Authority      bool              `yaml:"authority"`
	Record         string            `yaml:"record"`
	Signatures     string            `yaml:"signatures"`
	Exclude        []gatewayCalls    `yaml:"exclude"`
	Sample         []gatewayCalls    `yaml:"sample"`
	HealthPath     string            `yaml:"health-path"`
	MaxCalls       int               `yaml:"max-calls"`
	DialTimeout    string            `yaml:"dial-timeout"`
	AnswerTimeout  string            `yaml:"answer-timeout"`
	IdleTimeout    string            `yaml:"idle-timeout"`
}

// gatewayCalls are the data reads that a route leaves out, or of which it
// records one in so many.
type gatewayCalls struct {
	Operation string `yaml:"operation"`
	Buckets   any    `yaml:"buckets"`
	OneIn     int    `yaml:"one-in"`
}

// A gatewayReading turns the section into the server's settings, and collects
// what is wrong with its values.
type gatewayReading struct{ bad server.GatewayError }

func (g *gatewayReading) fail(path, value, why string) {
	g.bad = append(g.bad, &server.SettingError{Setting: path, Value: value, Why: why})
}

// texts reads one text or a list of them.
func (g *gatewayReading) texts(path string, v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			text, ok := one.(string)
			if !ok {
				g.fail(path, fmt.Sprint(one), "neither a text nor a list of texts")
				return nil
			}
			all = append(all, text)
		}
		return all
	}
	g.fail(path, fmt.Sprint(v), "neither a text nor a list of texts")
	return nil
}

// networks reads addresses and networks.
func (g *gatewayReading) networks(path string, v any) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range g.texts(path, v) {
		p, err := netip.ParsePrefix(text)
		if a, aerr := netip.ParseAddr(text); aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			g.fail(path, text, "neither an address nor a network such as 10.0.0.0/8")
			continue
		}
		all = append(all, p.Masked())
	}
	return all
}

func (g *gatewayReading) duration(path, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		g.fail(path, text, "not a time such as 30s")
	}
	return d
}

// config returns the section as the server takes it.
func (f *gatewayFile) config() (*server.GatewayConfig, error) {
	g := &gatewayReading{}
	cfg := &server.GatewayConfig{Identities: f.Identities}
	cfg.To.URL = f.To
	for i := range f.Listeners {
		l := &f.Listeners[i]
		path := fmt.Sprintf("gateway.listeners[%d]", i)
		out := server.GatewayListener{
			Name: l.Name, Listen: l.Listen, TLSCert: l.TLSCert, TLSKey: l.TLSKey, Insecure: l.Insecure,
			ProxyProtocol: g.networks(path+".proxy-protocol", l.ProxyProtocol), ForwardedFor: g.networks(path+".forwarded-for", l.ForwardedFor),
		}
		for j := range l.Routes {
			out.Routes = append(out.Routes, g.route(fmt.Sprintf("%s.routes[%d]", path, j), &l.Routes[j]))
		}
		cfg.Listeners = append(cfg.Listeners, out)
	}
	if len(g.bad) > 0 {
		return nil, g.bad
	}
	return cfg, nil
}

func (g *gatewayReading) route(path string, r *gatewayRoute) gateway.Route {
	out := gateway.Route{
		Name: r.Name, UpstreamCA: r.UpstreamCA, Account: r.Account, Region: r.Region, Regions: r.Regions,
		HealthPath: r.HealthPath, MaxCalls: r.MaxCalls, DefaultService: r.DefaultService, Authority: r.Authority, Signatures: gateway.SignatureRule(r.Signatures),
		Services: g.texts(path+".service", r.Service), Hosts: g.texts(path+".host", r.Host), Paths: g.texts(path+".path", r.Path),
		Upstreams: g.texts(path+".upstream", r.Upstream), BucketDomains: g.texts(path+".bucket-domains", r.BucketDomains),
	}
	out.DialTimeout = g.duration(path+".dial-timeout", r.DialTimeout)
	out.AnswerTimeout = g.duration(path+".answer-timeout", r.AnswerTimeout)
	out.IdleTimeout = g.duration(path+".idle-timeout", r.IdleTimeout)
	for i, e := range r.Exclude {
		at := fmt.Sprintf("%s.exclude[%d]", path, i)
		if e.OneIn != 0 {
			g.fail(at+".one-in", fmt.Sprint(e.OneIn), "what is excluded is not recorded at all; to record one in so many, use sample")
		}
		out.Exclude = append(out.Exclude, gateway.Exclusion{Operation: e.Operation, Buckets: g.texts(at+".buckets", e.Buckets)})
	}
	for i, c := range r.Sample {
		at := fmt.Sprintf("%s.sample[%d]", path, i)
		out.Sample = append(out.Sample, gateway.Sampling{Operation: c.Operation, Buckets: g.texts(at+".buckets", c.Buckets), OneIn: c.OneIn})
	}
	switch r.Record {
	case "", "strict":
	case "relaxed":
		out.Relaxed = true
	default:
		g.fail(path+".record", r.Record, "neither strict nor relaxed")
	}
	return out
}

// settingOfPath is the member's name at the end of a path, and the flag's.
var settingOfPath = regexp.MustCompile(`[a-z-]+$`)

// refuseGateway shows all that is wrong with the gateway's settings: in the file
// with its place, else by the flag.
func (a *app) refuseGateway(bad server.GatewayError) error {
	s := &a.settings
	var texts []string
	for _, e := range bad {
		if s.gateway == nil { // the flags of `cairn gateway`
			texts = append(texts, fmt.Sprintf("--%s %q: %s", settingOfPath.FindString(e.Setting), e.Value, e.Why))
			continue
		}
		text := fmt.Sprintf("%s %q: %s", a.gatewayPlace(e.Setting), e.Value, e.Why)
		if where := s.annotate(e.Setting); where != "" {
			text += "\n" + where
		}
		texts = append(texts, text)
	}
	if s.gateway == nil {
		return usagef("%s", strings.Join(texts, "\n"))
	}
	return usagef("configuration file %s:\n%s", s.path, strings.Join(texts, "\n"))
}

var routeOfPath = regexp.MustCompile(`^gateway\.listeners\[(\d+)\]\.routes\[(\d+)\]`)

// gatewayPlace names a member in the words of the file: that of a route begins
// with the route's name.
func (a *app) gatewayPlace(path string) string {
	at := routeOfPath.FindStringSubmatch(path)
	if at == nil {
		return path
	}
	var i, j int
	if _, err := fmt.Sscan(at[1]+" "+at[2], &i, &j); err != nil {
		return path
	}
	name := a.settings.gateway.Listeners[i].Routes[j].Name
	if name == "" || path == at[0] {
		return path
	}
	return "route " + name + ": " + strings.TrimPrefix(path, at[0]+".")
}

// annotate shows a place in the configuration file, or the nearest one above it
// that is there.
func (s *settings) annotate(path string) string {
	for path != "" {
		if p, err := yaml.PathString("$." + path); err == nil {
			if where, err := p.AnnotateSource(s.file, false); err == nil {
				return string(where)
			}
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return ""
		}
		path = path[:cut]
	}
	return ""
}

// gatewayConfig returns the gateway of the configuration file, nil if it has
// none.
func (a *app) gatewayConfig() (*server.GatewayConfig, error) {
	if a.settings.gateway == nil {
		return nil, nil
	}
	cfg, err := a.settings.gateway.config()
	if bad := (server.GatewayError)(nil); errors.As(err, &bad) {
		return nil, a.refuseGateway(bad)
	}
	cfg.To = a.forwardTo(cfg.To.URL)
	return cfg, err
}

// forwardTo is the server that a gateway sends its records to. The credentials
// are in the environment: its own, or else those of AWS clients.
func (a *app) forwardTo(url string) server.Endpoint {
	e := server.Endpoint{URL: url}
	if url == "" {
		return e
	}
	first := func(names ...string) string {
		for _, name := range names {
			if v := a.env[name]; v != "" {
				return v
			}
		}
		return ""
	}
	e.CABundle = first("CAIRN_TO_CA_BUNDLE", "AWS_CA_BUNDLE")
	e.Region = first("CAIRN_TO_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
	if e.Region == "" {
		e.Region = server.DefaultRegion
	}
	if a.env["CAIRN_TO_ACCESS_KEY_ID"] != "" {
		e.Key = server.Credentials{AccessKeyID: a.env["CAIRN_TO_ACCESS_KEY_ID"], Secret: a.env["CAIRN_TO_SECRET_ACCESS_KEY"]}
		e.Token = a.env["CAIRN_TO_SESSION_TOKEN"]
		return e
	}
	e.Key = server.Credentials{AccessKeyID: a.env["AWS_ACCESS_KEY_ID"], Secret: a.env["AWS_SECRET_ACCESS_KEY"]}
	e.Token = a.env["AWS_SESSION_TOKEN"]
	return e
}
